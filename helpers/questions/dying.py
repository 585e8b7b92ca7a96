"""The predictions of notebook 04; see `helpers.questions.linearity` for why they stand here."""

DEAD_FOR_EVER = dict(
    key="dead-for-ever",
    question=(
        "In a deep ReLU net, a hidden unit has z <= 0 for every training example, so its "
        "own weights get no gradient at all. Gradient descent goes on. Can the unit come "
        "back?"
    ),
    options=[
        "No: without a gradient it is dead for ever",
        "Yes, wherever it is: sooner or later the noise of the batches wakes it up",
        "Yes, unless it is in the first hidden layer",
        "Yes, but only if the learning rate is lowered",
    ],
    answer=2,
    why=(
        "Its own weights stand still, but z also depends on its inputs. Those of the first "
        "layer are the data, which never change. Those of a deeper layer are outputs of "
        "units that go on learning."
    ),
)

DEAD_AT_THE_START = dict(
    key="dead-at-the-start",
    question=(
        "A layer of ReLU units with one input. Weights and biases are standard normal "
        "numbers, the data lie between -1 and 1. Nothing has been trained yet. How many "
        "percent of the units are dead on all the data?"
    ),
    low=0,
    high=100,
    answer=25,
    within=5,
    unit="%",
    why=(
        "Dead units do not come from training alone. Half of the hinges lie outside of the "
        "data. Of those units one half is always on there, and the other half never: dead."
    ),
)

HINGES_AT_THE_END = dict(
    key="hinges-at-the-end",
    question=(
        "A net 1-40-1 learns sin(3x) + 2 on [-1, 1] by 200 steps of gradient descent. At "
        "learning rate 0.02 it gets there slowly, and hardly a unit dies. What does it "
        "learn at 0.4?"
    ),
    options=[
        "One number for all x: the mean of the target",
        "The same curve, twenty times sooner",
        "A straight line: the units that are left are linear",
        "Nothing: the loss grows until it is infinite",
    ],
    answer=0,
    why=(
        "The first steps are so long that (in most draws) every unit is dead on all the "
        "data. Then only the output bias has a gradient, and the best it can do is the "
        "mean: the MSE ends at the variance of the target."
    ),
)

BORN_DEAD_SHARE = dict(
    key="born-dead-share",
    question=(
        "A ReLU net with one input and 9 hidden layers of 3 units, He's init, biases 0. In "
        "how many percent of the draws is the net dead before the first step, so that its "
        "output is one number for all inputs?"
    ),
    low=0,
    high=100,
    answer=58,
    within=8,
    unit="%",
    why=(
        "Each layer has its own small chance to let nothing through, and one layer is "
        "enough. With 5 units it is 13%, with 10 units 0.1%."
    ),
)

WIDER_OR_DEEPER = dict(
    key="wider-or-deeper",
    question=(
        "With 9 hidden layers of 5 units, 13% of the nets are born dead. Which change makes "
        "it rarest?"
    ),
    options=[
        "Weights that are twice as large",
        "Half as many layers",
        "Twice as many layers: more chances to stay alive",
        "Twice as many units in each layer",
    ],
    answer=3,
    why=(
        "Doubling the width squares the chance 2^-N that a layer is silent for an input: "
        "about 90 times rarer. Half as many layers (4 or 5) make it 3 to 5 times rarer. The "
        "scale of the weights changes nothing: ReLU(cz) = c ReLU(z) for c > 0."
    ),
)

WIDTH_FOR_DEPTH = dict(
    key="width-for-depth",
    question=(
        "At most 1% of your nets may be silent for a given input. They are wide enough for "
        "that. Now you make them twice as deep. What has the width to do?"
    ),
    options=[
        "Double as well",
        "Grow by one: one more unit in each layer",
        "Grow by a factor of about 1.4",
        "Nothing, the safe depth depends on the init only",
    ],
    answer=1,
    why=(
        "The risk is about L 2^-N: one unit more in each layer halves it, which pays for "
        "twice the depth. Width needs the logarithm of depth. That depth may only grow like "
        "the logarithm of width, as one can read, has it the wrong way round."
    ),
)

SPARSE_IS_NOT_DEAD = dict(
    key="sparse-is-not-dead",
    question=(
        "A net 64-100-10 has learned digits at learning rate 0.3. For a given digit about "
        "37 of its 100 hidden units are zero. How many are dead on all the data?"
    ),
    low=0,
    high=50,
    answer=3,
    within=3,
    unit="units",
    why=(
        "Zero for this input is not dead: nearly every unit that is zero for one digit is "
        "on for another. Sparse codes are full of zeros and need not have a single dead "
        "unit."
    ),
)

DEAD_IS_NOT_HARM = dict(
    key="dead-is-not-harm",
    question=(
        "The same net at learning rate 1.4: after 300 steps about a third of the hidden "
        "units are dead on all the data. How many new digits does it get right?"
    ),
    options=[
        "About 10%: it guesses",
        "About 65%: as large a share as there are living units",
        "About 85%: one can see what is missing",
        "About 97%: nearly as many as without dead units",
    ],
    answer=3,
    why=(
        "A dead unit is one unit fewer, no more. 100 units are many for this task, and the "
        "living ones do it. Dead units are a loss of width, and harm when too few are left."
    ),
)

ZERO_INIT = dict(
    key="zero-init",
    question=(
        "All weights and biases of a net start at 0. With ReLU nothing but the output bias "
        "ever learns. Now the hidden activation is tanh, whose slope at 0 is 1. What "
        "learns?"
    ),
    options=[
        "Everything: tanh has a gradient where ReLU has none",
        "Still nothing but the output bias",
        "Everything, but all hidden units stay equal to each other",
        "The output layer, but not the hidden layer",
    ],
    answer=1,
    why=(
        "tanh(0) = 0 too. No output of the hidden layer means no gradient for the weights "
        "above it, and zero weights above mean no gradient for those below. It is not a "
        "fault of ReLU."
    ),
)
