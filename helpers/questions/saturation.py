"""The predictions of notebook 02; see `helpers.questions.linearity` for why they stand here."""


SLOPE_FLAT = dict(
    key="slope-flat",
    question=(
        "The slope of the sigmoid is 1/4 at z = 0. How far from 0 must z be for the slope "
        "to be under 1 %, that is 0.01?"
    ),
    low=0,
    high=12,
    answer=4.6,
    within=0.7,
    step=0.1,
    unit="",
    why=(
        "Beyond 4.585. The slope falls like $e^{-|z|}$, and $e^{-4.6}$ is 0.01. The slope "
        "of tanh falls like $4 e^{-2|z|}$: it starts at 1, four times as high, and is under "
        "0.01 beyond 2.993 already."
    ),
)

STEP_SIZE = dict(
    key="step-size",
    question=(
        "You compute (f(z + h) - f(z - h)) / (2 h) for tanh with h = 0.1, 0.01, 0.001 and "
        "so on down to 0.0000000000000001. What happens to the error?"
    ),
    options=[
        "It falls all the way: the limit is the slope",
        "It falls by 10 each time, to 16 right digits",
        "It stays the same, since tanh is smooth",
        "It falls at first and then grows again",
    ],
    answer=3,
    why=(
        "f(z + h) and f(z - h) agree in more and more digits, and the difference has only "
        "those that are left. Dividing by the tiny 2 h makes that rounding error large. The "
        "best step is near 0.000006."
    ),
)

TWO_H = dict(
    key="two-h",
    question=(
        "With h = 0.0001: by which factor is `(f(x + h) - f(x - h)) / 2*h` off the central "
        "difference quotient?"
    ),
    options=[
        "1: it is the quotient",
        "$h^2$ = 0.00000001",
        "$2h$ = 0.0002",
        "$h$ = 0.0001",
    ],
    answer=1,
    why=(
        "`/ 2*h` divides by 2 and then *multiplies* by h. The quotient divides by 2 and by "
        "h: the factor between them is $h^2$, exactly. A plot scales its axis to fit, so "
        "the curve looks the same."
    ),
)

TWO_COATS = dict(
    key="two-coats",
    question=(
        "$\\tanh(z) = 2\\,\\sigma(2z) - 1$: stretched, squeezed and shifted, the one is the "
        "other. How do their slopes at z = 0 compare?"
    ),
    options=[
        "They are equal: it is the same function",
        "The slope of tanh is twice as large",
        "The slope of tanh is four times as large",
        "The sigmoid has the larger slope",
    ],
    answer=2,
    why=(
        "The factor 2 outside and the factor 2 inside both multiply the slope: $\\tanh'(z) = "
        "4\\,\\sigma'(2z)$, which is 1 at 0, against 1/4."
    ),
)

METER = dict(
    key="meter",
    question=(
        "The pre-activations of a layer have mean 0 and standard deviation 1, as they "
        "should. Which activation leaves the most units with a slope under 0.01?"
    ),
    options=[
        "sigmoid: its slope is at most 1/4",
        "tanh: it bends sooner than the sigmoid",
        "ReLU: it does nothing for negative z",
        "None: at this scale nothing is saturated",
    ],
    answer=2,
    why=(
        "Sigmoid and tanh are flat only beyond 4.585 and 2.993, which is rare at this "
        "scale. ReLU is flat for every z below 0: half of the units, at this scale and at "
        "every other one. It does not cure vanishing gradients; it makes them independent "
        "of the scale."
    ),
)

CHAIN = dict(
    key="chain",
    question=(
        "Ten sigmoid units in a row, each with weight 4 and bias -2; the input is 1/2. By "
        "which factor has the gradient changed when it arrives at the input?"
    ),
    options=[
        "0.25 to the power 10, about a millionth",
        "Exactly 1, whatever the number of units",
        "Some number below 1, because every slope is below 1",
        "4 to the power 10, about a million",
    ],
    answer=1,
    why=(
        "Each layer multiplies by weight times slope. The input 1/2 gives z = 4/2 - 2 = 0, "
        "the output is 1/2 again, and the slope there is 1/4: 4 times 1/4 is 1, ten times "
        "over. Slopes below 1 say nothing as long as the weights are left out."
    ),
)

FOUR_TIMES = dict(
    key="four-times",
    question=(
        "In a wide sigmoid net you make all weights four times as large as usual, standard "
        "deviation 4 / sqrt(n) for n inputs, to make up for the largest slope 1/4. What "
        "happens to the norm of the gradient from layer to layer?"
    ),
    options=[
        "It stays the same: 4 times 1/4 is 1",
        "It grows: many paths add up",
        "It shrinks as before, to about 0.24 in every layer",
        "It shrinks more slowly, to about 0.63 in every layer",
    ],
    answer=3,
    why=(
        "With larger weights the pre-activations are larger too, and fewer units stand "
        "where the slope is 1/4. The squared norm keeps a share of 0.40 in every layer, the "
        "norm 0.63."
    ),
)

FADE = dict(
    key="fade",
    question=(
        "Five linear layers of 500 units; the weights are uniform between -1/sqrt(500) and "
        "1/sqrt(500), the old custom. The back-propagated signal has lost a factor of 81 in "
        "variance when it reaches the first layer. What about the gradient of the first "
        "layer's weights?"
    ),
    options=[
        "Its variance is about the same as in the last layer",
        "Its variance has fallen by the same factor of 81",
        "Its variance has fallen by a factor of 9, the square root",
        "It is zero up to rounding",
    ],
    answer=0,
    why=(
        "The gradient of a weight is the signal coming in times the signal coming back. The "
        "one fades on the way up, the other on the way down, and their product is the same "
        "everywhere."
    ),
)

TOP_LAYER = dict(
    key="top-layer",
    question=(
        "At the start the mean activation of every layer is 1/2. The net learns digits for "
        "200 steps. Which layer saturates, and where does it go?"
    ),
    options=[
        "The first one: its gradient is the smallest",
        "All four alike, half of the units to 0 and half to 1",
        "The last hidden one, to 1",
        "The last hidden one, to 0",
    ],
    answer=3,
    why=(
        "At first the output can use nothing but its own bias: the layers below make all "
        "digits look alike. What the last hidden layer adds is the same disturbance for "
        "every digit, and the way to be rid of it is an activation of 0. For a sigmoid that "
        "is saturation."
    ),
)

SAME_PROBLEM = dict(
    key="same-problem",
    question=(
        "Ten hidden layers of 64 units, weights of variance 1/n, biases 0; once with "
        "sigmoid, once with tanh. How large is the gradient in the first layer, compared "
        "with the last one?"
    ),
    options=[
        "The same in both: one function is a linear transform of the other",
        "Sigmoid: some millionths. Tanh: about a quarter",
        "Sigmoid: a quarter of what is left with tanh, which also vanishes",
        "Both vanish, tanh faster: it saturates sooner",
    ],
    answer=1,
    why=(
        "As *sets* of functions the two kinds of nets are the same. But an init is a place "
        "in that set, and the usual init is another place for each. From layer to layer a wide "
        "sigmoid net keeps about 0.23 of the gradient, a wide tanh net about 0.87."
    ),
)

GAIN_ENOUGH = dict(
    key="gain-enough",
    question=(
        "The slope of a sigmoid is at most 1/4. So we multiply all the hidden weights by 4, "
        "and leave the biases at 0. Does the ten-layer sigmoid net now learn like the tanh "
        "net?"
    ),
    options=[
        "No: the mean 1/2 of the units, times larger weights, saturates them",
        "Yes: 4 times 1/4 is 1, so the gradient neither fades nor explodes",
        "No: the gradient explodes, because the weights are too large now",
        "Yes, but it needs a learning rate that is four times smaller",
    ],
    answer=0,
    why=(
        "The gradient improves, but the mean 1/2 of the inputs now brings 4 times 1/2 times "
        "the sum of a unit's old weights into its z: large, and the same for every example. "
        "Take it off with the bias, and the net *is* a tanh net, unit by unit."
    ),
)

SLOW_START = dict(
    key="slow-start",
    question=(
        "Two sigmoid units should answer 0. One answers 0.82, the other 0.98. Both learn by "
        "gradient descent on the squared error. Which one comes down to 1/2 first?"
    ),
    options=[
        "The one at 0.98: a larger error, a larger gradient",
        "The one at 0.82: it is not as saturated",
        "Both at the same time: it is the same unit",
        "Neither: saturated units do not learn",
    ],
    answer=1,
    why=(
        "The gradient is the error times the slope f'(z), and at 0.98 the slope is 0.018, "
        "at 0.82 it is 0.149. The one that is more wrong starts more slowly, and waits by far "
        "the longer."
    ),
)

SOFTMAX_SURE = dict(
    key="softmax-sure",
    question=(
        "A net with three classes is sure: softmax gives class 1 the probability 1, to 20 "
        "digits. But class 2 is right. How large is the gradient of the cross-entropy by "
        "the logits?"
    ),
    options=[
        "About 0: softmax is saturated, its derivatives vanish",
        "Infinite: the logarithm of a zero is infinite",
        "1 and -1 on two of them: softmax cancels out",
        "1/4 at most, the largest slope of a sigmoid",
    ],
    answer=2,
    why=(
        "The derivatives of softmax do vanish, but those of the logarithm grow as fast: "
        "their product is p - y, here (1, -1, 0)."
    ),
)
