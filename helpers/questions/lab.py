"""The predictions of notebook 07; see `helpers.questions.linearity` for why they stand here."""


LUCK = dict(
    key="luck",
    question=(
        "32 nets with one hidden layer of 3 ReLU units learn to tell a ring from a smaller "
        "ring inside it. Data, optimiser and 500 steps are the same for all, only the first "
        "weights differ. How many of them get at least 95% of new points right, on average over "
        "many sets of points?"
    ),
    low=0,
    high=32,
    answer=16,
    within=5,
    unit="nets",
    why=(
        "About half. Three lines can enclose the small ring, but whether they find their "
        "places depends on where they begin. One run would have told you that it works, or "
        "that it does not, and both would have been luck."
    ),
)

VANISHED = dict(
    key="vanished",
    question=(
        "Ten hidden layers of sigmoids. At the start the gradient of layer 1 is thousands "
        "of times smaller than that of layer 10. Eight nets have 300 steps for the moons. "
        "Which way of taking steps brings the loss below that of guessing?"
    ),
    options=[
        "None: where the gradient has vanished there is nothing to follow",
        "Plain gradient descent with learning rate 1, not with 0.1",
        "Adam with learning rate 0.01, but plain gradient descent neither with 0.1 nor with 1",
        "All of them; small gradients only cost time",
    ],
    answer=2,
    why=(
        "Adam divides each gradient by its own typical size, so that a small one moves its "
        "weight as far as a large one. A gradient of 1e-5 has not vanished, it is small. "
        "Plain gradient descent begins by moving layer 1 by a few millionths of its weights "
        "per step, or less."
    ),
)

SATURATED_START = dict(
    key="saturated-start",
    question=(
        "Two layers of 16 tanh, first weights ten times too large: at the start more than "
        "half of all slopes are below 0.01. What do the nets get right on new points of the "
        "moons, after 500 steps of Adam (median of 16 nets)?"
    ),
    options=[
        "About 98%: hardly less than from well-chosen weights",
        "About 85%: what a straight line gets right",
        "About 50%: saturated units do not learn",
        "Exactly 100%: large weights give sharp boundaries",
    ],
    answer=0,
    why=(
        "A unit that is saturated for most points still bends for some, and the output "
        "layer has a full gradient for what the units say. A share of saturated units is a "
        "reason to look, not a verdict. On the rings and the spiral the same start costs "
        "more."
    ),
)

HALF_IS_FLAT = dict(
    key="half-is-flat",
    question=(
        "Before training you find that half of all slopes f'(z) in the hidden layers are "
        "below 0.01. Is the net ill?"
    ),
    options=[
        "Yes: these units are lost to learning, whatever the activation",
        "With tanh it is; with ReLU it is as it should be",
        "No: half is normal at a good start, for every activation",
        "One cannot tell before the loss has been seen to stand still",
    ],
    answer=1,
    why=(
        "A ReLU has slope 0 for half of all z, and that is its way of bending. For tanh a "
        "good start leaves 0.3% of the slopes below 0.01: half would mean first weights "
        "several times too large."
    ),
)

SIGMOID_FACTOR = dict(
    key="sigmoid-factor",
    question=(
        "First weights that suit the sigmoid: E z^2 = 1 in every layer. The gradient with "
        "respect to z is handed down from a hidden layer to the one below. How much of its "
        "norm is left?"
    ),
    low=0,
    high=100,
    answer=39,
    within=6,
    unit="%",
    why=(
        "It is gain x sqrt(E f'^2) = 1.85 x 0.21. Not the famous 25% (that is f'(0) alone, "
        "without the weights, which are larger than 1/sqrt(n)), but over nine layers the "
        "difference does not save it: 0.0002 is left."
    ),
)

RELU_TO_SILU = dict(
    key="relu-to-silu",
    question=(
        "Nets with three layers of 32 ReLU get 98% of new digits right after 200 steps. Now "
        "every ReLU becomes a SiLU, z sigmoid(z), and no weight is changed. How many digits "
        "do the nets get right at that moment, before any further step?"
    ),
    options=[
        "About 10%: the weights were learned for another function",
        "About 70%: as if somebody had turned up the noise",
        "Exactly the same digits as before",
        "About 98%: some answers change, their number hardly does",
    ],
    answer=3,
    why=(
        "SiLU differs from ReLU by at most 0.28, whatever z is, and is the same far from 0. "
        "tanh cuts everything off at 1: with it about 70% are left, and with the sigmoid the "
        "nets guess, or nearly so."
    ),
)

AFTER_THE_SHOCK = dict(
    key="after-the-shock",
    question=(
        "The same nets, but the ReLU become sigmoids, and at that moment the nets do little better "
        "than guess. Training goes on for 200 steps from these very weights. Where does it get "
        "them?"
    ),
    options=[
        "Nowhere: weights learned by ReLU nets are useless for sigmoids",
        "Back to where they were, about 98%",
        "Half-way back: the first layers cannot be mended any more",
        "Back only if the weights are drawn anew",
    ],
    answer=1,
    why=(
        "A wrong answer of the whole is not damage in the parts. The loss is large, so are "
        "the gradients, and step by step the weights come to fit their new function. What "
        "the nets had learned is a start like another one."
    ),
)

SURE_ABOUT_NOISE = dict(
    key="sure-about-noise",
    question=(
        "Nets that know digits well are shown noise, a thousand times as large as any "
        "digit. The largest of the ten softmax outputs says how sure they are. How large is it, "
        "on average?"
    ),
    options=[
        "ReLU nets and tanh nets: near 0.1, for noise looks like no digit",
        "ReLU nets: near 0.5, since half of their units are off; tanh nets: above 0.98",
        "ReLU nets: above 0.98; tanh nets: below 0.93, however large the noise",
        "Both above 0.98: softmax always ends there",
    ],
    answer=2,
    why=(
        "Far out a ReLU net is linear along every ray: double the input, and the "
        "differences of the logits double, so that softmax goes to 1. tanh has a ceiling: "
        "beyond it nothing changes any more, and the nets stay near 0.75. Neither says "
        "that it has no idea."
    ),
)

BEYOND_THE_SINE = dict(
    key="beyond-the-sine",
    question=(
        "Eight ReLU nets and eight tanh nets have learned sin x for x from -3 to 3, nearly "
        "without error. What do they say at x = 300?"
    ),
    options=[
        "ReLU: a straight line, each net another; tanh: next to constant, each net another",
        "All of them go on with the sine, more or less",
        "All give 0, the mean of the sine",
        "ReLU: one straight line, the tangent at x = 3; tanh: 1, its largest value",
    ],
    answer=0,
    why=(
        "Beyond its last bend a ReLU net is one straight line, and its slope is a sum over "
        "the units that are on: it was never asked for in training. Units of tanh are "
        "nearly all at -1 or 1 so far out. Neither has heard of periods."
    ),
)

BIT_FOR_BIT = dict(
    key="bit-for-bit",
    question=(
        "16 nets, 500 steps, random first weights, random batches. A friend gets the line of "
        "code that the button 'Copy this experiment' gives, and runs it in a fresh kernel on a "
        "machine like yours. How well do the 8,016 losses agree?"
    ),
    options=[
        "On average over the nets; single nets differ",
        "In the first two or three digits: training is chaotic",
        "In about six digits: computers round",
        "In every bit of every loss",
    ],
    answer=3,
    why=(
        "Chance here is a long list of numbers that the seed decides, and the same "
        "operations in the same order round in the same way. (Another processor may round "
        "otherwise, in the last digit; stable runs then differ far behind the point, "
        "chaotic ones visibly.)"
    ),
)
