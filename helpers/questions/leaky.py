"""The predictions of notebook 05; see `helpers.questions.linearity` for why they stand here."""


MAX_TRAP = dict(
    key="max-trap",
    question=(
        "Somebody writes the leaky ReLU as max(a z, z). For which numbers a is that the "
        "function with slope 1 above zero and slope a below?"
    ),
    options=[
        "For every a: that is its definition",
        "For a between 0 and 1 and for no other",
        "For every a up to 1, the negative ones too",
        "For a = 0 alone, and then it is the ReLU",
    ],
    answer=2,
    why=(
        "For z > 0 the larger one of a z and z is z as long as a <= 1, and for z < 0 it is "
        "then a z. With a > 1 the two change places: slope a above zero and 1 below. A slope "
        "that is learned may get there (section 2)."
    ),
)

MONOTONE_OR_NOT = dict(
    key="monotone-or-not",
    question=(
        "GELU falls as z rises to -0.75, and 23 % of all standard normal z lie there. What "
        "does that do to gradient descent?"
    ),
    options=[
        "Nothing bad: it needs a derivative that is right, not one that is positive",
        "It walks uphill for those z, which is why GELU needs a smaller learning rate",
        "Those units are dead, like ReLU units below zero",
        "It cannot converge: an activation must be monotone",
    ],
    answer=0,
    why=(
        "A negative slope is a slope: the chain rule multiplies with it, and the step still "
        "goes downhill in the loss. |z| falls on one half of the line and solves XOR with a "
        "single unit (notebook 01). What stops learning is a slope of exactly 0."
    ),
)

PRELU_SLOPE = dict(
    key="prelu-slope",
    question=(
        "Eight nets with three hidden layers learn digits. Every layer has a slope of its "
        "own below zero, which is learned with the weights and starts at 0.25. Where do the "
        "slopes go?"
    ),
    options=[
        "To 0: the net finds out that ReLU is best",
        "They stay near 0.25, and alike in every net",
        "To one value for each layer, the same in every net",
        "Most of them up to about 1 and beyond, and apart from net to net",
    ],
    answer=3,
    why=(
        "A steeper slope lets more through, and the weights can make up for it: many pairs "
        "of slope and weights do the same job. So where the slopes end depends on the "
        "start, on the learning rate and on chance, and all these nets learn the digits."
    ),
)

LEAK_ENOUGH = dict(
    key="leak-enough",
    question=(
        "Weights of variance 1/n, so that 30 ReLU layers leave a billionth of the second "
        "moment. How large must a leak be, for a thousandth to arrive?"
    ),
    options=[
        "About 0.77, and then f is nearly a straight line",
        "About 0.3, a little above the 0.25 that PReLU starts with",
        "About 0.1, which is ten times the usual leak",
        "0.01 or any other: no unit is ever silent then",
    ],
    answer=0,
    why=(
        "A leak a keeps (1 + a^2) / 2 of the second moment per layer. For a = 0.01 that is "
        "0.50005 and not 0.5. A thousandth after 30 layers needs 0.794 per layer, so a^2 = "
        "0.59. The init does it for every a: with weights of variance 2 / ((1 + a^2) n) "
        "everything arrives."
    ),
)

LEAKY_LAYERS = dict(
    key="leaky-layers",
    question=(
        "Two inputs at a right angle are 13.6 degrees apart behind 30 wide ReLU layers, "
        "whatever the scale of the weights. How many layers of leaky ReLU with slope 0.3 do "
        "the same?"
    ),
    low=10,
    high=150,
    answer=71,
    within=14,
    step=1,
    unit="layers",
    why=(
        "What turns the inputs towards each other is the bend, and its strength goes with "
        "(1 - a)^2 / (1 + a^2) = 0.45. Here is something that a leak is good for. With the "
        "usual 0.01 it is 31 layers instead of 30."
    ),
)

ONE_UNIT = dict(
    key="one-unit",
    question=(
        "Two inputs, one hidden unit, one output, trained on the four corners of XOR from "
        "many starts. Which hidden units solve it at least now and then?"
    ),
    options=[
        "None of them: XOR takes two hidden units",
        "|z|, and PReLU, whose slope starts at 0.25 and may turn negative",
        "Leaky ReLU, PReLU and |z|: each consists of two straight pieces",
        "|z| alone: PReLU starts as a leaky ReLU and stays one",
    ],
    answer=1,
    why=(
        "Whatever rises everywhere cannot do it, with any weights: of the four z the "
        "largest and the smallest belong to the same class. So a slope below zero of 0.1, or of "
        "any other positive number, is of no use. That of PReLU can become negative, and "
        "does so from about four starts in ten."
    ),
)

FALSE_DERIVATIVE = dict(
    key="false-derivative",
    question=(
        "All hidden units start far below zero for every digit. Forward they are ReLU, all "
        "0. Backward the slope below zero is said to be 0.1, which is not true. What "
        "happens?"
    ),
    options=[
        "Nothing: the outputs do not depend on those weights, so no gradient can move them",
        "The units drift, the first ones cross zero after some hundred steps, and the net learns",
        "The loss explodes, because the steps do not go downhill",
        "It learns at once, as fast as a ReLU net that starts alive",
    ],
    answer=1,
    why=(
        "The false slope tells a unit in which direction the loss would have it move. Until a "
        "unit crosses zero its moves change nothing in the output, so the drift is a blind "
        "one; afterwards there is a true gradient."
    ),
)

LEAK_BETTER = dict(
    key="leak-better",
    question=(
        "All units start 8 below zero. One net has the leak 0.01, forward and backward, and "
        "so no unit is ever without a gradient. What is it after 2000 steps?"
    ),
    options=[
        "A good one: a leak is always better than none, and 97 % are right",
        "An ordinary net: its units woke up first, and it learns at the usual pace",
        "A dead one: 10 % are right, like guessing",
        "A linear classifier: no unit has crossed zero, about 40 % are right",
    ],
    answer=3,
    why=(
        "Below zero a leaky unit is linear, and a net of such units is one affine map. It can "
        "learn what such a map can (97 % of the digits), but the gradient of its first "
        "weights has the leak, 0.01, as a factor, so it learns slowly. A leak is a way out; "
        "it does not say how long the way is."
    ),
)

SHARED_MOMENT = dict(
    key="shared-moment",
    question=(
        "z is standard normal; softplus(z) goes on through weights of mean 0, scaled so "
        "that the next pre-activations have second moment 1. How much of this 1 is the same "
        "for every input, and says nothing about it?"
    ),
    low=0,
    high=100,
    answer=70.5,
    within=10,
    step=0.5,
    unit="%",
    why=(
        "The part from the mean is (E f)^2 / E f^2 = 0.806^2 / 0.921 = 70.5 %. For ReLU it "
        "is 32 %, for ELU 4 %, and for tanh and SELU 0."
    ),
)

SELU_START = dict(
    key="selu-start",
    question=(
        "Inputs with mean 0.5 and variance 2 go through 32 layers with weights of variance "
        "1/n, biases 0, nothing trained or normalised. Which mean and variance come out "
        "with SELU?"
    ),
    options=[
        "Mean 0.5 and variance 2: it keeps both, as ReLU with He's weights keeps E z^2",
        "Mean 0 and variance near 0: without normalisation signals die out",
        "About mean 0 and variance 1, whatever the start, within limits",
        "Something else for each set of weights: 32 random layers forget nothing",
    ],
    answer=2,
    why=(
        "SELU was built so that (0, 1) is a fixed point of the map from one layer's mean "
        "and variance to the next, and an attracting one. ReLU with He's weights is not drawn "
        "to any point: twice the input gives twice the output, in every layer."
    ),
)

MAXOUT_RATE = dict(
    key="maxout-rate",
    question=(
        "One maxout unit follows x^2 on [0, 1] with k straight lines, as well as k lines "
        "can. What happens to the largest error when k is doubled?"
    ),
    options=[
        "It becomes a quarter",
        "It becomes a half: twice the lines, half the error",
        "It is squared, as in a net that is twice as deep",
        "It stays: a maximum of lines is straight nearly everywhere",
    ],
    answer=0,
    why=(
        "On a piece of length h a parabola leaves its tangent by at most (h/2)^2, and "
        "raising the line by half of that leaves h^2 / 8 above and below. With h = 1/k that "
        "is 1 / (8 k^2)."
    ),
)

MAXOUT_CONVEX = dict(
    key="maxout-convex",
    question="Which of these functions of x can a single maxout unit not be, with any k?",
    options=[
        "max(0, x), the ReLU",
        "|x|, the absolute value",
        "-|x|, the same upside down",
        "max(0.3 x, x), a leaky ReLU",
    ],
    answer=2,
    why=(
        "The largest of straight lines bends upwards only: it is convex, and -|x| is not. "
        "The other three are the maximum of two lines. The next layer may take a negative "
        "weight, and the difference of two maxout units can come near any continuous "
        "function."
    ),
)

SEEDS_NEEDED = dict(
    key="seeds-needed",
    question=(
        "One activation is truly better than another by 1 point (1 % of the digits). From "
        "seed to seed the difference of two nets scatters with a standard deviation of 2 "
        "points. How many pairs of nets must you train, to show it at the 95 % level in "
        "four trials out of five?"
    ),
    low=1,
    high=100,
    answer=31,
    within=9,
    step=1,
    unit="pairs",
    why=(
        "The mean of N differences has the standard error 2 / sqrt(N). It must be small "
        "enough for 1.96 + 0.84 of them to fit into 1 point: N = (2.8 * 2 / 1)^2 = 31. For "
        "half the effect it takes four times as many. A single pair has the wrong sign in "
        "three trials out of ten."
    ),
)

SIX_TIMES = dict(
    key="six-times",
    question=(
        "300 digits, two hidden layers, the same starts and batches, and for each "
        "activation the learning rate that suits it best. How fast does ReLU learn nine "
        "digits in ten, compared with tanh?"
    ),
    options=[
        "About six times as fast: that is the published figure",
        "Twice or three times as fast: tanh saturates here too, only less",
        "Equally fast: 24 pairs of nets do not show any difference",
        "Slower: it needs 1.4 to 2.2 times as many steps",
    ],
    answer=3,
    why=(
        "The published figure belongs to one convolutional net, one data set, one error "
        "rate. In two layers, with pixels from 0 to 1, tanh hardly saturates, and its mean is "
        "near 0. A factor between two functions is a property of the whole experiment."
    ),
)

GAN_FLAT_START = dict(
    key="gan-flat-start",
    question=(
        "A discriminator has one hidden layer of 4 ReLU units, fresh random weights and "
        "biases 0. At how many of the generator's samples is its gradient exactly 0, on "
        "average?"
    ),
    low=0,
    high=50,
    answer=6.25,
    within=1,
    step=0.25,
    unit="%",
    why=(
        "Each unit is off with probability 1/2, whatever the sample: weights of the "
        "opposite sign are as likely. All four are off with probability 1/16, and then "
        "nothing gets through."
    ),
)

GAN_LEAKY_BETTER = dict(
    key="gan-leaky-better",
    question=(
        "The same game 24 times with a ReLU discriminator of two layers of 8 units, and 24 "
        "times with a leaky one, from the same starts. Which generators find more of the "
        "eight modes?"
    ),
    options=[
        "Those with leaky: a gradient everywhere is always better",
        "Those with ReLU: only exact zeros let a discriminator say no",
        "Only those with leaky: against ReLU no generator learns",
        "No difference shows: single games go either way",
    ],
    answer=3,
    why=(
        "A sample without gradient is one of a batch; the others move the generator, the "
        "discriminator moves as well, and the next step finds both elsewhere. That the leak "
        "removes the zeros is exact. That this gives better samples does not follow from "
        "it."
    ),
)

WHY_GELU = dict(
    key="why-gelu",
    question="Why do transformers use GELU or SiLU and not ReLU?",
    options=[
        "Because it is proved that a smooth activation gives a lower loss",
        "Because experiments favoured them by a little, and nothing spoke against them",
        "Because ReLU cannot be trained at that depth",
        "Because they have exact zeros, which makes large models sparse",
    ],
    answer=1,
    why=(
        "There is no proof. The papers report small gains in experiments; the author of the "
        "gated variants offers no explanation and puts their success down to 'divine "
        "benevolence'. ReLU has the exact zeros, and works in transformers too."
    ),
)
