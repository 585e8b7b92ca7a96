"""The predictions of notebook 06; see `helpers.questions.linearity` for why they stand here."""


RELU_CURE = dict(
    key="relu-cure",
    question=(
        "A net of 30 ReLU layers, all equally wide, starts with Xavier's rule and no "
        "biases. What becomes of the mean square of the pre-activations from the first to "
        "the last layer?"
    ),
    options=[
        "It stays: ReLU cured the vanishing, and positive signals pass unchanged",
        "It is halved, because half of the units are off",
        "It is multiplied by about 2 to the power of -29",
        "It grows by about 2 to the power of 29, because nothing negative is left to cancel",
    ],
    answer=2,
    why=(
        "Half of the mean square is lost in every layer, 29 times. ReLU alone cures "
        "nothing, and the rule that suits tanh does not suit ReLU: it needs twice the "
        "variance, He's rule."
    ),
)

FORWARD_BACKWARD = dict(
    key="forward-backward",
    question=(
        "Another net is wide and 50 layers deep, and the mean square of its pre-activations "
        "is the same in every layer. What about the norm of the gradient on its way back?"
    ),
    options=[
        "It stays the same too: the way back has the same matrices as the way there",
        "It may vanish or explode all the same, by dozens of decades",
        "It stays the same if the net has no biases",
        "It grows with the depth, but no faster than in proportion to it",
    ],
    answer=1,
    why=(
        "Forwards f counts, backwards f'. A sigmoid net keeps its mean square whatever you "
        "do, and its gradient is gone. Where f(z) = f'(z) z (ReLU, leaky ReLU, linear) one "
        "scale keeps both; elsewhere it takes a special pair of sigma_w and sigma_b (section 7)."
    ),
)

ZEROS = dict(
    key="zeros",
    question=(
        "A ReLU net with several hidden layers starts with all weights and biases at 0. It "
        "is trained on the digits for 300 steps. What has it learnt?"
    ),
    options=[
        "The same as from a random start, only more slowly",
        "Weights in every layer, but the units of a layer stay alike",
        "The biases of every layer, and not a single weight",
        "The biases of the output layer, and nothing else",
    ],
    answer=3,
    why=(
        "A hidden unit hands nothing on, because its output is 0, and is handed nothing "
        "back, because the weights behind it are 0. So no weight and no hidden bias ever "
        "gets a gradient. The output biases learn how frequent each digit is."
    ),
)

ONE_RUN = dict(
    key="one-run",
    question=(
        "Two tanh nets of 8 hidden layers learn the same digits. One run each: Xavier's "
        "start gets 94.0 % of the test digits right, He's start 93.0 %. What follows?"
    ),
    options=[
        "Xavier's start is better: data, steps and learning rate were the same",
        "Next to nothing: another pair of runs may well end the other way round",
        "Xavier's start is better for tanh, which is what it was made for",
        "The two are equal: a difference of one point is never real",
    ],
    answer=1,
    why=(
        "Nets that differ only in their random numbers lie a point or two apart, farther "
        "than the two medians. Which of two single nets is ahead is close to the toss of a "
        "coin; to see so small a difference takes many pairs."
    ),
)

GAIN_VARIANCE = dict(
    key="gain-variance",
    question=(
        "The pre-activations z of a layer are standard normal, and a = max(z, 0) goes on to "
        "the next layer, whose weights have the variance g^2 / fan_in. Which g^2 gives its "
        "pre-activations the second moment 1 again?"
    ),
    options=[
        "1, because z has the variance 1 already",
        "1 / E a^2 = 2, with the mean of a left in",
        "1 / Var a = 2.93, because a variance is what has to be kept",
        "1 / (E a)^2 = 6.28, because the mean of a is what gets through",
    ],
    answer=1,
    why=(
        "A pre-activation is a sum of w times a. The weights have mean 0 and are "
        "independent, so its second moment is fan_in times Var w times E a^2: the mean of a "
        "is squared with the rest. With 2.93 the second moment would grow by 1.467 per "
        "layer."
    ),
)

LEAK_CURES = dict(
    key="leak-cures",
    question=(
        "30 ReLU layers with weights of variance 1 / fan_in: of the second moment of the "
        "signal 9.31e-10 is left. What is left with leaky ReLU of slope 0.01 instead?"
    ),
    options=[
        "All of it: with a leak no unit is ever silent",
        "About 1e-5: on the logarithmic scale half of the loss",
        "About 1e-60: every layer multiplies by 0.01",
        "9.34e-10: practically the same",
    ],
    answer=3,
    why=(
        "A layer multiplies the second moment by (1 + 0.01^2) / 2 = 0.50005 instead of 0.5. "
        "The leak adds what is left of the negative half, and that is a ten-thousandth of a "
        "half. What cures vanishing is the gain."
    ),
)

TYPICAL = dict(
    key="typical",
    question=(
        "In ReLU nets with He's init the squared length of the signal has the mean 1 in "
        "every layer. Sort a thousand nets with 30 layers of 10 units by the squared length "
        "at the end: what does the net in the middle have?"
    ),
    options=[
        "About 1: He's init keeps the signal in every net",
        "About 1/2: above and below the mean are equally likely",
        "About 1/10,000: a few giants keep the mean up",
        "Exactly 0: with 10 units most of such nets are dead",
    ],
    answer=2,
    why=(
        "Every layer multiplies by a random factor with mean 1. The mean of the product "
        "stays 1, but its logarithm is a sum of terms whose mean is below 0, and that is "
        "what a typical net follows. About 3 % of these nets are dead."
    ),
)

ISOMETRY = dict(
    key="isometry",
    question=(
        "An orthogonal matrix keeps the length of every vector. Of which deep nets do "
        "orthogonal weights of the right scale make maps that keep (nearly) every small "
        "change at its length?"
    ),
    options=[
        "Of linear nets and tanh nets, but not of ReLU nets",
        "Of linear nets and ReLU nets, but not of tanh nets, which saturate",
        "Of all three: an orthogonal matrix loses nothing, whatever stands between",
        "Of linear nets only: every bend between the layers destroys it",
    ],
    answer=0,
    why=(
        "A ReLU layer wipes out the directions of its silent units, about half of them, and "
        "no weights bring them back. tanh is nearly linear as long as z stays small, which "
        "a scale just above 1 achieves."
    ),
)

BATCH_NORM = dict(
    key="batch-norm",
    question=(
        "30 hidden ReLU layers with batch normalisation, before training. How large is the "
        "gradient in the first layer, compared with the last one?"
    ),
    options=[
        "About as large: keeping scales equal is what normalisation is for",
        "Much smaller: ReLU zeroes half of the gradient in every layer",
        "Hundreds of times larger",
        "That depends on the scale of the weights",
    ],
    answer=2,
    why=(
        "The scale of the weights drops out, and the signal forwards has variance 1 "
        "everywhere. But backwards each layer divides by the deviation of what arrives, "
        "which is less than the root of its second moment: ReLU has a mean, and the "
        "normalisation takes it off. The square of the gradient grows by 1.467 per layer."
    ),
)

EDGE_OF_CHAOS = dict(
    key="edge-of-chaos",
    question=(
        "Two inputs of a wide random tanh net with large weights (sigma_w = 2.5, sigma_b = "
        "0.3) are much alike: in the first layer their correlation is 0.9. And 40 layers "
        "later?"
    ),
    options=[
        "Nearly 1: every layer squashes the differences a little more",
        "Still 0.9: wide random matrices keep the angles between inputs",
        "Nearly -1: the net pushes different inputs apart, as far as it can",
        "About 0.1, and from a start at 0.99 or at 0 just the same",
    ],
    answer=3,
    why=(
        "Large weights drive units into saturation, where small differences become "
        "differences of sign: inputs part. They end up at a correlation that does not "
        "depend on where they started; it is above 0 because they share the biases."
    ),
)

TRAINABLE_DEPTH = dict(
    key="trainable-depth",
    question=(
        "tanh, sigma_w^2 = 0.8, sigma_b^2 = 0.05: xi is 2.3 layers. Which share of its own "
        "training digits does a net with 20 hidden layers know after 100 steps? (Guessing: "
        "12%.)"
    ),
    low=0,
    high=100,
    answer=25,
    within=15,
    unit="%",
    why=(
        "6 xi = 14 layers is less than 20: not much better than guessing. At the edge of "
        "chaos the same net knows nearly all of them after the same steps."
    ),
)

TANH_DECAY = dict(
    key="tanh-decay",
    question=(
        "tanh with sigma_w = 1 and no biases: every layer shrinks the signal a little. How "
        "does the second moment q fall with the number l of layers?"
    ),
    options=[
        "Exponentially, like 2 to the power of -l",
        "Not at all: it comes to rest at a q above 0",
        "Exponentially, but with a rate that depends on the input",
        "Like 1 / (2 l), whatever the input was",
    ],
    answer=3,
    why=(
        "tanh(z)^2 = z^2 - 2/3 z^4 + ..., so q' = q - 2 q^2: the smaller the signal, the "
        "less is lost. That is the edge of chaos: powers of the depth instead of "
        "exponentials."
    ),
)
