"""The predictions of notebook 03; see `helpers.questions.linearity` for why they stand here."""

LINES = dict(
    key="lines",
    question=(
        "A layer has 10 ReLU units and two inputs. Each unit is zero or active, which makes "
        "2^10 = 1,024 patterns of zeros. How many of them can occur somewhere in the plane?"
    ),
    options=[
        "11, one more with every unit",
        "20, two for every unit",
        "At most 56",
        "All 1,024, if the weights are right",
    ],
    answer=2,
    why=(
        "The 10 units are 10 lines, and each region between them has one pattern. Line "
        "number n crosses the others at n - 1 points at most, which adds n regions: 1 + 10 "
        "+ 45 = 56. With 2 units all 2^2 patterns are there, with 3 units one of 8 is "
        "missing already."
    ),
)

DEEP_REGIONS = dict(
    key="deep-regions",
    question=(
        "A net with random weights (He's init) has 4 hidden layers of 16 ReLU units. One "
        "layer of 64 units cuts the plane into 2,081 regions. How many does the deep net "
        "have?"
    ),
    options=[
        "Thousands of times as many: every layer multiplies",
        "About as many: what counts is the number of units",
        "About four times as many: one share per layer",
        "Far fewer: deeper units are nearly all zero",
    ],
    answer=1,
    why=(
        "Some net of this shape reaches more than 35 million regions, but that takes "
        "weights that fold the plane exactly onto itself. A random net has about N^2/2 "
        "regions for N units, at every depth."
    ),
)

BREAKPOINTS = dict(
    key="breakpoints",
    question=(
        "Along a straight line through input space the output of a ReLU net is a broken "
        "line. How many bends per neuron does a random net of 16 hidden layers have, on "
        "average?"
    ),
    low=0,
    high=16,
    answer=1,
    within=0.3,
    step=0.1,
    why=(
        "One, at every depth. A unit could switch several times along the line, but a "
        "typical one switches once."
    ),
)

ONE_MATRIX = dict(
    key="one-matrix",
    question=(
        "Stay inside one region of a trained ReLU net with two hidden layers. How does the "
        "output depend on the input there?"
    ),
    options=[
        "Exactly as an affine map J x + c",
        "Nearly as an affine map; the smaller the region, the better",
        "As a polynomial of degree 2, one for each hidden layer",
        "As a sum of bends, one for each unit",
    ],
    answer=0,
    why=(
        "No unit switches inside a region. Those that are zero can be left out, those that "
        "are active pass z on as it is: a linear net remains, and linear nets fold into one "
        "matrix."
    ),
)

ZEROS_AND_SCALE = dict(
    key="zeros-and-scale",
    question=(
        "A ReLU net before training, He's init, no biases. Now all its weights are made ten "
        "times as large. Which share of the units is zero for an input?"
    ),
    options=[
        "About 50 % in every layer, as before",
        "More: large weights make large negative z",
        "Fewer: large weights make large positive z",
        "Fewer and fewer from layer to layer",
    ],
    answer=0,
    why=(
        "A factor does not change the sign of z, and with symmetric weights z is as often "
        "below zero as above. Only a bias, measured in standard deviations of z, moves the "
        "share."
    ),
)

ZERO_AND_DEAD = dict(
    key="zero-and-dead",
    question=(
        "In layer 20 of a wide ReLU net before training, every one of 64 inputs, at right "
        "angles to each other, finds about half of the units zero. How many units are dead on "
        "all the data: zero for all 64 inputs?"
    ),
    options=[
        "Half of them: sparse and dead are the same",
        "None, as in layer 1: 2^-64 is next to nothing",
        "About 30 %, and as many are on for all inputs",
        "Nearly all: each layer kills half of the units",
    ],
    answer=2,
    why=(
        "In layer 1 the zeros of different inputs have nothing to do with each other. But "
        "depth makes all inputs alike, so they share more and more of their zeros: 29 % of "
        "the units are dead on all 64 in layer 20, though each input still has 50 % zeros."
    ),
)

FLIPS_AT_30 = dict(
    key="flips-at-30",
    question=(
        "Two inputs at an angle of 30 degrees enter a random ReLU layer without biases. How "
        "many percent of the units are on for one of them and zero for the other?"
    ),
    low=0,
    high=100,
    answer=16.7,
    within=2,
    unit="%",
    step=0.1,
    why=(
        "A unit differs if its border passes between the two inputs. Seen in their plane "
        "the border is a line through the origin in a random direction: 30 degrees of 180, "
        "one sixth."
    ),
)

STABLE_CODE = dict(
    key="stable-code",
    question=(
        "Noise of 1 % of a digit's length switches about 0.3 % of random ReLU units on or "
        "off; in the dense code z of the same units all entries change. Which code moves "
        "less, as a share of the distance between two digits?"
    ),
    options=[
        "The ReLU code, by a factor of about 300",
        "The ReLU code, by 10 to 20 percent",
        "Neither, as they have seen the same noise",
        "The dense code, by 10 to 20 percent",
    ],
    answer=3,
    why=(
        "That all entries change says nothing when each changes by a little. ReLU brings "
        "different digits closer together, but not a digit and its noisy copy: beside the "
        "distance of two digits its code moves 1.14 to 1.22 times as far as z. After "
        "training that is 1.03 to 1.12."
    ),
)

ZEROS_IN_TRAINING = dict(
    key="zeros-in-training",
    question=(
        "A ReLU net learns the digits (pixels from 0 to 1, no penalty of any kind). At the "
        "start about half of its hidden units are zero for an image. And at the end?"
    ),
    options=[
        "Nearly all: every unit comes to stand for one digit",
        "Clearly more than half, because units die on the way",
        "Still half: the weights stay symmetric around 0",
        "Fewer, about 40 %: training alone makes no zeros here",
    ],
    answer=3,
    why=(
        "The share falls, in every one of the starts. Whoever wants more zeros has to ask "
        "for them, with a penalty; and units that are zero for most images are not dead."
    ),
)

ZEROS_WHY = dict(
    key="zeros-why",
    question=(
        "Trained on 300 digits (pixels from 0 to 1), softplus ln(1 + e^z), which is never "
        "zero, makes more mistakes than ReLU. Leaky ReLU with slope 0.01 is never zero "
        "either (except at z = 0). How does it compare with ReLU, from the same starts?"
    ),
    options=[
        "Worse, about like softplus: the zeros are what helps",
        "The same: the zeros are not what makes the difference",
        "Clearly better: no unit can die any more",
        "One run decides: whichever wins the first comparison",
    ],
    answer=1,
    why=(
        "No zeros, and no difference: within 0.4 percentage points, as the mean of ten "
        "starts. What is worse about softplus must be something else that it changes."
    ),
)

EXP_COST = dict(
    key="exp-cost",
    question=(
        "A layer of 512 inputs and 512 units computes 1 / (1 + exp(-z)) for a batch of 128 "
        "examples. You put max(z, 0) in its place. How much of the layer's time do you "
        "save?"
    ),
    options=[
        "Most of it: exp is by far the most expensive step",
        "Nothing at all: max takes exactly as long as exp",
        "A small part: x @ W takes most of the time",
        "All of it that is spent on negative z: zeros are free",
    ],
    answer=2,
    why=(
        "One sigmoid takes about as long as some tens of multiplications, but every z takes "
        "512 of them. And an ordinary matrix product does not skip zeros."
    ),
)
