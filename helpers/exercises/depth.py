"""The exercises of notebook 06: the first weights of a deep net, and what depth makes of them.

In the notebook an exercise is two cells: the stub with the check as its last line, and the
solution, collapsed, whose last line asserts that it is right.

Each judge tries the learner's function on small cases and raises the Hint that fits: first the
mistakes that this exercise is known for, then whatever else is wrong.
"""

from math import pi, sqrt

import numpy as np

from helpers.activations import ABS, RELU, SIGMOID, SOFTPLUS, TANH, leaky_relu
from helpers.grading import Exercise, Hint, array, arrays, number, same, say

# --- How wide to draw a layer -------------------------------------------------------------------


def _judge_he_std(attempt):
    for fan_in, fan_out in ((50, 200), (128, 10)):
        std = number("the standard deviation", attempt(fan_in, fan_out))
        case = f"the standard deviation for {fan_in} inputs and {fan_out} outputs"
        same(case, std, sqrt(2 / fan_in), _wrong_stds(fan_in, fan_out))


def _wrong_stds(n, m):
    return {
        "That is the variance, the standard deviation is its root": 2 / n,
        "That would do for a linear layer, but ReLU takes half of E z^2 away": sqrt(1 / n),
        "The outputs do not count: every z is a sum over the inputs": sqrt(2 / m),
        "That is Xavier's rule, made for activations that are linear around 0": sqrt(2 / (n + m)),
        "The number of inputs stands under the root": sqrt(2) / n,
        "That is where a uniform distribution with this standard deviation ends": sqrt(6 / n),
        "That is 1 / the right value": sqrt(n / 2),
        "That is the gain, it still has to be divided by the root of the inputs": sqrt(2),
    }


HE_STD = Exercise(
    key="he_std",
    title="The scale of one layer",
    task=r"""A layer has `fan_in` inputs and `fan_out` outputs, and its inputs come from ReLU. Which
standard deviation must its weights have, so that $E z^2$ is the same before and after?""",
    stub='''\
def he_std(fan_in, fan_out):
    """Return the standard deviation of the weights that keeps E z^2 behind a ReLU."""
    return ...
''',
    solution='''\
def he_std(fan_in, fan_out):
    """E z^2 = fan_in * std^2 * E f^2, and ReLU leaves E f^2 = 1/2 of E z^2 = 1."""
    return np.sqrt(2 / fan_in)
''',
    judge=_judge_he_std,
    praise="Each z is a sum over fan_in inputs, and half of E z^2 was lost in the ReLU.",
)


def _judge_leaky_gain(attempt):
    for a in (0.3, -0.5, 0.0, 1.0):
        gain = number("the gain", attempt(a))
        same(f"the gain for slope {a:g}", gain, sqrt(2 / (1 + a * a)), _wrong_gains(a))


def _wrong_gains(a):
    second, mean = (1 + a * a) / 2, (1 - a) / sqrt(2 * pi)
    return {
        "The slope counts too: the negative half is not lost": sqrt(2),
        "That is the square of the gain": 1 / second,
        "That is E f^2, the gain is 1 / its root": second,
        "That is the root of E f^2, the gain is 1 / that": sqrt(second),
        "The slope has to be squared": sqrt(abs(2 / (1 + a))),
        "The root goes over all of it": sqrt(2) / (1 + a * a),
        "That comes from the variance, but the mean of f counts too": 1 / sqrt(second - mean**2),
        "The slope is below zero only, the upper half keeps slope 1": 1 / abs(a) if a else 0.0,
    }


LEAKY_GAIN = Exercise(
    key="leaky_gain",
    title="The gain of a leaky ReLU",
    task=r"""$f(z) = z$ for $z > 0$ and $f(z) = a\,z$ for $z \le 0$, and $z$ is a standard normal
number. Find $E f(z)^2$ (a half of it lies on either side), and return the gain
$g = 1/\sqrt{E f(z)^2}$ for the slope $a$.""",
    stub='''\
def leaky_gain(slope):
    """Return the gain of max(z, 0) + slope * min(z, 0)."""
    return ...
''',
    solution='''\
def leaky_gain(slope):
    """E f^2 = (1 + slope^2) / 2: half of z^2 from above 0, slope^2 times half from below."""
    return np.sqrt(2 / (1 + slope**2))
''',
    judge=_judge_leaky_gain,
    praise="Slope 0.01 changes the gain of ReLU by 0.005 %: a small leak is no cure.",
)


# --- Find the wrong formula ---------------------------------------------------------------------


_WRONG_LETTER = "B"


def _judge_wrong_formula(attempt):
    for a in (0.2, -0.5, 0.5):
        answer = attempt(a)
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise Hint(f"Expected 2 parts (letter, value), got {say(answer)}.")
        letter, value = answer
        _judge_letter(letter, a)
        right = (1 - a) / sqrt(2 * pi)
        same(f"E f(z) for a = {a:g}", number("the value", value), right, _wrong_means(a))


def _judge_letter(letter, a):
    wanted = "A, B, C, D or E as a text"
    if not isinstance(letter, str) or letter.strip().upper() not in tuple("ABCDE"):
        raise Hint(f"The letter should be {wanted}, got {say(letter)}.")
    letter = letter.strip().upper()
    if letter != _WRONG_LETTER:
        name, formula, sampled = _sampled(a)[letter]
        raise Hint(
            f"Formula {letter} is right: for a = {a:g} it gives {name} = {formula:.3f}, and the "
            f"mean of 100,000 samples is {sampled:.3f}."
        )


def _sampled(a):
    """What the right formulas say and what samples give, by letter."""
    act, z = leaky_relu(a), np.random.default_rng(0).standard_normal(100_000)
    f, second = act(z), (1 + a * a) / 2
    return {
        "A": ("E f^2", second, np.mean(f**2)),
        "C": ("Var f", second - (1 - a) ** 2 / (2 * pi), np.var(f)),
        "D": ("E f'^2", second, np.mean(act.df(z) ** 2)),
        "E": ("E |f|", (1 + abs(a)) / sqrt(2 * pi), np.mean(abs(f))),
    }


def _wrong_means(a):
    return {
        "B says so and is wrong: f lifts or lowers only one of the two halves": 0.0,
        "Below zero z is negative, so its half counts with a minus": (1 + a) / sqrt(2 * pi),
        "The mean of max(z, 0) is 1 / sqrt(2 pi), not 1/2": (1 - a) / 2,
        "Each half has the mean 1 / sqrt(2 pi): E |z| is the two together": (
            (1 - a) * sqrt(2 / pi)
        ),
        "That is the mean of ReLU, the other half has slope a": 1 / sqrt(2 * pi),
        "The upper half comes with a plus, the lower with a minus": (a - 1) / sqrt(2 * pi),
        "That is E f^2": (1 + a * a) / 2,
        "That is (E f)^2, not E f": (1 - a) ** 2 / (2 * pi),
        "The density at 0 is 1 / sqrt(2 pi), not 1 / (2 pi)": (1 - a) / (2 * pi),
    }


WRONG_FORMULA = Exercise(
    key="wrong_formula",
    title="Find the wrong formula",
    task=r"""Five statements about a leaky ReLU $f$ with slope $a$ and a standard normal $z$. One of
them has been published in course material, and is wrong:

* A: $E f(z)^2 = (1 + a^2)/2$
* B: $E f(z) = 0$
* C: $\mathrm{Var} f(z) = (1 + a^2)/2 - (1 - a)^2/(2\pi)$
* D: $E f'(z)^2 = (1 + a^2)/2$
* E: $E\,|f(z)| = (1 + |a|)/\sqrt{2\pi}$

Draw samples, find it, and return its letter and what its right side should be.""",
    stub='''\
def wrong_formula(a):
    """Return the letter of the wrong formula, and the right value for slope a."""
    letter = ...
    value = ...
    return letter, value
''',
    solution='''\
def wrong_formula(a):
    """The mean of max(z, 0) is 1 / sqrt(2 pi), that of a * min(z, 0) is -a / sqrt(2 pi)."""
    letter = "B"
    value = (1 - a) / np.sqrt(2 * np.pi)
    return letter, value
''',
    judge=_judge_wrong_formula,
    praise="Where E f is not 0, the variance is smaller than E f^2, and a gain from it too large.",
)


# --- Through many layers ------------------------------------------------------------------------


def _judge_second_moment(attempt):
    z = _SAMPLES
    for act, gain, q, layers in ((RELU, 1.2, 2.0, 3), (SOFTPLUS, 1.5, 0.5, 2), (TANH, 1.0, 1.0, 0)):
        got = number("the second moment", attempt(act.f, gain, q, layers, z))
        case = f"E z^2 after {layers} layers of {act.name}"
        right = _moments(act.f, gain, q, layers, z)
        same(case, got, right, _wrong_moments(act.f, gain, q, layers, z))


def _step(f, gain, q, z):
    return gain**2 * np.mean(f(np.sqrt(q) * z) ** 2)


def _moments(f, gain, q, layers, z, step=_step):
    for _ in range(layers):
        q = step(f, gain, q, z)
    return q


def _wrong_moments(f, gain, q, layers, z):
    def after(step):
        return _moments(f, gain, q, layers, z, step)

    return {
        "The mean has to stay in, E f^2 is not the variance": after(
            lambda f, gain, q, z: gain**2 * np.var(f(np.sqrt(q) * z))
        ),
        "The gain has to be squared": after(lambda f, gain, q, z: _step(f, sqrt(gain), q, z)),
        "z with second moment q is sqrt(q) times a standard normal z": after(
            lambda f, gain, q, z: _step(f, gain, q * q, z)
        ),
        "q of the layer before has to go into the next one": after(
            lambda f, gain, q, z: _step(f, gain, 1.0, z)
        ),
        "First the square, then the mean": after(
            lambda f, gain, q, z: gain**2 * np.mean(f(np.sqrt(q) * z)) ** 2
        ),
        "The gain multiplies the outputs of f, not its inputs": after(
            lambda f, gain, q, z: _step(f, 1.0, gain**2 * q, z)
        ),
        "That is one layer too many": _step(f, gain, _moments(f, gain, q, layers, z), z),
        "That is one layer only": _step(f, gain, q, z),
        "Nothing has happened to q": q,
    }


SECOND_MOMENT = Exercise(
    key="second_moment",
    title="What is left after many layers",
    task=r"""The pre-activations of the first layer have $E z^2 = q$. One layer on it is
$g^2\, E f(\sqrt q\, z)^2$ with the gain $g$ and a standard normal $z$, and so on. Return $E z^2$
after `layers` more layers. For every mean use the mean over the given samples `z`.""",
    stub='''\
def second_moment(f, gain, q, layers, z):
    """Return E z^2 after `layers` more layers; z are samples of a standard normal number."""
    for _ in range(layers):
        q = ...
    return q
''',
    solution='''\
def second_moment(f, gain, q, layers, z):
    for _ in range(layers):
        q = gain**2 * np.mean(f(np.sqrt(q) * z) ** 2)
    return q
''',
    judge=_judge_second_moment,
    praise="A factor that is a little off is taken to the power of the depth.",
)


def _judge_gradient_factor(attempt):
    z = _SAMPLES
    for act, gain, q in ((TANH, 1.5, 2.0), (SIGMOID, 4.0, 0.5), (RELU, sqrt(2), 3.0)):
        got = number("the factor", attempt(act.f, act.df, gain, q, z))
        x = sqrt(q) * z
        right = gain**2 * np.mean(act.df(x) ** 2)
        same(f"the factor for {act.name}", got, right, _wrong_factors(act, gain, q, z))


def _wrong_factors(act, gain, q, z):
    x = sqrt(q) * z
    factor = gain**2 * np.mean(act.df(x) ** 2)
    return {
        "The square goes inside the mean": gain**2 * np.mean(act.df(x)) ** 2,
        "The gain has to be squared": gain * np.mean(act.df(x) ** 2),
        "The gain is missing, W takes part in the way back": np.mean(act.df(x) ** 2),
        "z with second moment q is sqrt(q) times a standard normal z": (
            gain**2 * np.mean(act.df(q * z) ** 2)
        ),
        "q is missing, the slope depends on how far z goes out": (
            gain**2 * np.mean(act.df(z) ** 2)
        ),
        "That is the factor of the gradient, asked is that of its square": sqrt(factor),
        "That is what happens to E z^2, backwards it is the slope that counts": (
            gain**2 * np.mean(act.f(x) ** 2)
        ),
        "df takes the pre-activation, not f(z)": gain**2 * np.mean(act.df(act.f(x)) ** 2),
        "The mean of f' has to stay in, E f'^2 is not its variance": gain**2 * np.var(act.df(x)),
    }


GRADIENT_FACTOR = Exercise(
    key="gradient_factor",
    title="And the gradient?",
    task=r"""Backwards, the *squared* gradient is multiplied by
$\chi_1 = g^2\, E f'(\sqrt q\, z)^2$ from layer to layer. Return it, again with means over the
samples `z` of a standard normal number.""",
    stub='''\
def gradient_factor(f, df, gain, q, z):
    """Return chi_1, the factor of the squared gradient, where E z^2 = q."""
    return ...
''',
    solution='''\
def gradient_factor(f, df, gain, q, z):
    return gain**2 * np.mean(df(np.sqrt(q) * z) ** 2)
''',
    judge=_judge_gradient_factor,
    praise="At q = 1 one gain keeps signal and gradient of ReLU, but not both of tanh: 1.59, 1.47.",
)


def _judge_backward_norms(attempt):
    for sizes in ((2, 2, 2, 2), (3, 2, 4), (5, 3)):
        weights, delta = _random_weights(*sizes), np.ones(sizes[-1])
        right = _backward(weights, delta)
        norms = array("the answer", attempt(weights, delta), (len(weights) + 1,))
        same(f"the answer for sizes {sizes}", norms, right, _wrong_norms(weights, delta, right))


def _backward(weights, delta, back=lambda delta, W: delta @ W.T, size=np.linalg.norm):
    deltas = [delta]
    for W in weights[::-1]:
        deltas.insert(0, back(deltas[0], W))
    return np.array([size(d) for d in deltas])


def _wrong_norms(weights, delta, right):
    wrong = {
        "The order is turned round, the input comes first": right[::-1],
        "That is the square of the norm": right**2,
        "The largest entry is not the norm": _backward(weights, delta, size=_largest),
    }
    if len({n for W in weights for n in W.shape}) == 1:  # else these do not fit
        wrong["Backwards the last layer comes first"] = _backward(weights[::-1], delta)
        wrong["Backwards every matrix is transposed"] = _backward(
            weights, delta, lambda delta, W: delta @ W
        )
    return wrong


def _largest(delta):
    return abs(delta).max()


BACKWARD_NORMS = Exercise(
    key="backward_norms",
    title="The gradient on its way back",
    task=r"""A linear net, $a_k = a_{k-1} W_k$ for the matrices in the list `weights`, with one
example, so that every $a_k$ is a row. `delta` is the gradient of the loss with respect to the
output. Return the *norms* of the gradients with respect to $a_0, a_1, \dots$ (the input first).""",
    stub='''\
def backward_norms(weights, delta):
    """Return the norms of d loss / d a_k, for k = 0 (input) to len(weights) (output)."""
    norms = [np.linalg.norm(delta)]
    for W in weights[::-1]:
        delta = ...
        norms = ...
    return norms
''',
    solution='''\
def backward_norms(weights, delta):
    norms = [np.linalg.norm(delta)]
    for W in weights[::-1]:
        delta = delta @ W.T
        norms = [np.linalg.norm(delta), *norms]
    return norms
''',
    judge=_judge_backward_norms,
    praise="No activation, and yet it may vanish or explode: here the matrices decide.",
)


# --- Init by looking ----------------------------------------------------------------------------


def _judge_rescale(attempt):
    for sizes, act in (((4, 6, 5, 3), RELU), ((3, 8, 8), SIGMOID), ((5, 5, 5, 5), ABS)):
        weights = _random_weights(*sizes)
        X = np.random.default_rng(1).standard_normal((20, sizes[0]))
        shapes = {f"W{k}": W.shape for k, W in enumerate(weights, 1)}
        got = arrays(attempt(weights, X, act.f), shapes)
        right, wrong = _rescaled(weights, X, act.f), _wrong_rescalings(weights, X, act.f)
        mistake = next((s for s, Ws in wrong.items() if _all_close(Ws, got)), None)
        for name, W, wanted in zip(shapes, got, right, strict=True):
            case = f"{name} for a net with {act.name}"
            same(case, W, wanted, {mistake: W} if mistake else None)


def _all_close(ones, others):
    return all(np.allclose(one, other) for one, other in zip(ones, others, strict=True))


def _rms(z):
    return np.sqrt(np.mean(z**2))


def _rescaled(weights, a, f, size=_rms, through=lambda W, new: new):
    """Weights divided by the `size` of their z; `through` picks the W that the signal takes."""
    scaled = []
    for W in weights:
        scaled.append(W / size(a @ W))
        a = f(a @ through(W, scaled[-1]))
    return scaled


def _wrong_rescalings(weights, X, f):
    first, *others = weights
    return {
        "z has no mean of 0 here, divide by the root of the mean of z^2": (
            _rescaled(weights, X, f, np.std)
        ),
        "Divide by the root of the mean of z^2": _rescaled(weights, X, f, lambda z: _rms(z) ** 2),
        "Multiplying makes large layers larger, divide": (
            _rescaled(weights, X, f, lambda z: 1 / _rms(z))
        ),
        "The signal has to go on through the new W": (
            _rescaled(weights, X, f, through=lambda W, new: W)
        ),
        "Measure z, before the activation": _rescaled(weights, X, f, lambda z: _rms(f(z))),
        "f is missing between the layers": _rescaled(weights, X, lambda z: z),
        "Only the first layer was rescaled": [first / _rms(X @ first), *others],
        "Nothing was rescaled": weights,
        "The size of W does not tell the size of z": [W / _rms(W) for W in weights],
    }


RESCALE = Exercise(
    key="rescale",
    title="Init by looking",
    task=r"""A gain needs a formula. Or look: send a batch `X` through the net, and divide each $W$
by the number that makes the mean of $z^2$ over batch and units 1, *before* you go on to the next.
`weights` is a list of matrices, $z = a\,W$, $a = f(z)$. Return the list of the new ones.""",
    stub='''\
def rescale(weights, X, f):
    """Return new weights with mean z^2 = 1 in every layer, for the batch X."""
    a, scaled = X, []
    for W in weights:
        W = ...
        a = ...
        scaled.append(W)
    return scaled
''',
    solution='''\
def rescale(weights, X, f):
    a, scaled = X, []
    for W in weights:
        W = W / np.sqrt(np.mean((a @ W) ** 2))
        a = f(a @ W)
        scaled.append(W)
    return scaled
''',
    judge=_judge_rescale,
    praise="Works for any activation, with no theory at all (the idea of LSUV, 2015).",
)


# --- Orthogonal weights -------------------------------------------------------------------------


def _judge_orthogonal(attempt):
    made = []
    for n, gain in ((3, 1.0), (4, 1.5), (4, 1.5)):
        A = np.random.default_rng(len(made)).standard_normal((n, n))
        W = array("W", attempt(A, gain), (n, n))
        _judge_lengths(W, A, gain)
        made.append(W)
    if np.allclose(made[-1], made[-2]):
        raise Hint(
            f"Two different A gave the same W, its first row is {say(made[-1][0])} both times: "
            f"make W from A, so that every start is another one."
        )


def _judge_lengths(W, A, gain):
    product = W.T @ W
    if np.allclose(product, gain**2 * np.eye(len(W))):
        return
    got, wanted = np.round(product[0], 9) + 0.0, gain**2 * np.eye(len(W))[0]
    what = _what_matrix(W, A, gain, product)
    raise Hint(f"{what}: the first row of W^T W is {say(got)}, expected {say(wanted)}.")


def _what_matrix(W, A, gain, product):
    length = sqrt(np.trace(product) / len(W))
    if np.allclose(product, length**2 * np.eye(len(W))):
        return _what_length(length, gain)
    if np.allclose(W, np.triu(W)):
        return "That is the triangular factor R, the orthogonal one is Q"
    known = {
        "That is A itself, it stretches some directions more than others": A,
        "A / sqrt(n) keeps lengths on average only": A / sqrt(len(A)),
        "Columns of length 1 are not enough, they have to be at right angles": (
            A / np.linalg.norm(A, axis=0)
        ),
        "One factor for all cannot do it": A / np.linalg.norm(A, 2),
    }
    fits = (s for s, M in known.items() if np.allclose(W, M) or np.allclose(W, gain * M))
    return next(fits, "W does not keep lengths")


def _what_length(length, gain):
    if np.isclose(length, gain**2):
        return "The gain is in it twice"
    if np.isclose(length, 1):
        return "The directions are right, but the gain is not in it"
    return f"Every length is multiplied by {length:.4g}, expected {gain:.4g}"


ORTHOGONAL = Exercise(
    key="orthogonal",
    title="Weights that keep every length",
    task=r"""`A` is a square matrix of random numbers. Make from it a matrix $W$ that multiplies
*every* length by `gain`, not only lengths on average: $W^\top W = \text{gain}^2\, I$. (Hint:
`np.linalg.qr(A)` returns an orthogonal and a triangular matrix with the product `A`.)""",
    stub='''\
def orthogonal(A, gain):
    """Return gain times an orthogonal matrix made from A."""
    W = ...
    return W
''',
    solution='''\
def orthogonal(A, gain):
    Q, R = np.linalg.qr(A)
    W = gain * Q
    return W
''',
    judge=_judge_orthogonal,
    praise="All its singular values are alike, so a product of many neither vanishes nor explodes.",
)


EXERCISES = (
    HE_STD, LEAKY_GAIN, WRONG_FORMULA, SECOND_MOMENT, GRADIENT_FACTOR, BACKWARD_NORMS, RESCALE,
    ORTHOGONAL,
)


# --- Cases --------------------------------------------------------------------------------------

_SAMPLES = np.array([-1.9, -1.2, -0.7, -0.3, 0.1, 0.5, 0.9, 1.5, 2.1])


def _random_weights(*sizes):
    """Matrices of random numbers, always the same."""
    rng = np.random.default_rng(len(sizes))
    return [rng.standard_normal((n, m)) for n, m in zip(sizes, sizes[1:], strict=False)]
