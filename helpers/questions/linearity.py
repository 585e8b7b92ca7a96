"""The predictions of notebook 01, in the order of the lesson.

They stand here and not in the notebook, because a cell shows its source: `answer` and `why` would
be read before anybody has committed to anything. In the notebook: lesson.predict(**questions.FOLD).
"""


FOLD = dict(
    key="fold",
    question=(
        "A network has 30 layers of 32 units and no activation function. What can it "
        "compute that a single layer cannot?"
    ),
    options=[
        "Polynomials up to degree 30",
        "Any continuous function, if the layers are wide enough",
        "Nothing",
        "Functions with up to 30 bends",
    ],
    answer=2,
    why=(
        "Every layer is an affine map, and an affine map of an affine map is one affine "
        "map. Depth alone adds nothing."
    ),
)

RELU_LINEAR = dict(
    key="relu-linear",
    question="ReLU is made of two straight pieces, 0 and z. Is it a linear function?",
    options=[
        "Yes: straight pieces are linear",
        "Yes, except at the single point 0",
        "No: it breaks additivity",
        "No: it breaks both additivity and f(2u) = 2 f(u)",
    ],
    answer=2,
    why=(
        "relu(1) + relu(-1) = 1, but relu(1 + (-1)) = 0. Scaling by a positive number is "
        "fine: relu(2u) = 2 relu(u) for every u."
    ),
)

PLANE = dict(
    key="plane",
    question=(
        "A linear net 3-2-3 without biases learns to reproduce points in space. The cloud lies far "
        "from the origin, in the direction in which it is thin. Which plane does the net find?"
    ),
    options=[
        "The plane in which the cloud is spread out most",
        "The plane through the origin that holds the middle of the cloud and its longest direction",
        "A different plane for every start: training gets stuck in local minima",
        "No plane: without bends it cannot compress",
    ],
    answer=1,
    why=(
        "Without biases the plane must contain the origin, and reaching the far mean "
        "matters more than the spread. Take the mean off first, and it finds the plane of "
        "largest spread, from every start."
    ),
)

DYNAMICS = dict(
    key="dynamics",
    question=(
        "Two linear nets learn the same straight-line data by gradient descent, both from very "
        "small weights: one with a single layer, one with five. What differs?"
    ),
    options=[
        "Nothing: they compute the same class of functions",
        "The five-layer net ends with a smaller training error",
        "Only the way there: the five-layer net waits on plateaus and then learns suddenly",
        "The five-layer net cannot be trained, because its gradients vanish",
    ],
    answer=2,
    why=(
        "Both end on the least-squares solution. On the way, each layer's gradient is multiplied "
        "by the other layers' weights, so small weights learn slowly and large ones fast: plateaus "
        "and sudden drops. From weights near 1 there is no plateau."
    ),
)

XOR_RELU = dict(
    key="xor-relu",
    question=(
        "A net with two hidden ReLU units can compute XOR exactly. You train it from 300 "
        "random starts. How often does it succeed?"
    ),
    options=[
        "Nearly always",
        "About two times in three",
        "About one time in four",
        "Never",
    ],
    answer=2,
    why=(
        "That a solution exists does not mean that gradient descent finds it: a ReLU unit "
        "that is silent on a corner gets no gradient from there, and the net comes to rest "
        "on a wrong answer."
    ),
)

BOUNDARY = dict(
    key="boundary",
    question=(
        "A net with five layers, no activation function and a sigmoid at the output "
        "separates two classes in the plane. Its boundary is"
    ),
    options=[
        "a smooth S-shaped curve, because of the sigmoid",
        "a straight line",
        "a polygon with up to five corners",
        "a closed curve around one class, if that class lies inside",
    ],
    answer=1,
    why=(
        "The sigmoid is above 1/2 exactly where its input is above 0, and the input of the "
        "sigmoid is an affine function of the plane: it is 0 along a straight line."
    ),
)

BUILD = dict(
    key="build",
    question=(
        "You build sin(2 pi x) from ReLU hinges and from sigmoid steps. You go from 64 units to "
        "128. What happens to the largest error?"
    ),
    options=[
        "Both errors halve",
        "Steps: half; hinges: a quarter",
        "Hinges: half; steps: a quarter",
        "Nothing: one hidden layer is not enough for a sine",
    ],
    answer=1,
    why=(
        "Steps are flat, so the error is what the function climbs within one step: "
        "proportional to 1/N. Hinges follow the slope and only miss the curvature: "
        "proportional to 1/N squared."
    ),
)

NEEDS = dict(
    key="needs",
    question=(
        "Which property must an activation have so that one hidden layer, wide enough, can "
        "come as close as you like to any continuous function?"
    ),
    options=[
        "bounded",
        "monotone",
        "smooth",
        "none of these: it only must not be a polynomial",
    ],
    answer=3,
    why=(
        "Leshno, Lin, Pinkus and Schocken proved it in 1993. ReLU is unbounded and has a "
        "corner, the sine is not monotone, and both work; z squared is smooth and does not."
    ),
)

DEEP_LINEAR = dict(
    key="deep-linear",
    question=(
        "Twenty linear layers, all weights random with the same variance. Can gradient descent "
        "train them?"
    ),
    options=[
        "Never: the gradient vanishes or explodes",
        "Always: nothing can saturate",
        "It depends on how the matrices are drawn",
    ],
    answer=2,
    why=(
        "Orthogonal matrices keep every length. Products of Gaussian ones stretch some directions "
        "and shrink others, more with every layer."
    ),
)

SAWTOOTH = dict(
    key="sawtooth",
    question=(
        "One layer with two ReLU units folds the interval once: a tent, two straight "
        "pieces. How many pieces after 7 such layers?"
    ),
    low=2,
    high=256,
    answer=128,
    within=0.5,
    step=1,
    unit="pieces",
    why=(
        "Each layer folds what it gets in two, so the number of pieces doubles: 2 to the power 7 "
        "is 128, from 14 units. One layer needs a unit for every piece: 128."
    ),
)
