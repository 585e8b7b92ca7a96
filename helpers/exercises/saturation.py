"""The exercises of notebook 02, in the order of the lesson.

In the notebook an exercise is two cells: the stub with the check as its last line, and the
solution, collapsed, whose last line asserts that it is right:

    lesson.check(exercises.SLOPE_FROM_OUTPUT, slope_from_output)
    assert exercises.SLOPE_FROM_OUTPUT.accepts(slope_from_output)

Each judge tries the learner's function on small cases and raises the Hint that fits: first the
mistakes that this exercise is known for, then whatever else is wrong.
"""

from contextlib import contextmanager

import numpy as np

from helpers.activations import RELU, SIGMOID, TANH
from helpers.grading import Exercise, Hint, array, arrays, number, same, say
from helpers.losses import softmax

# --- Slopes -------------------------------------------------------------------------------------


def _judge_central_difference(attempt):
    for f, x, h in ((np.square, 3.0, 0.25), (np.exp, 0.0, 0.1), (np.sin, 1.0, 1e-4)):
        slope = number("the slope", attempt(f, x, h))
        right = (f(x + h) - f(x - h)) / (2 * h)
        name = f"the slope of {f.__name__} at {x:g} for h = {h:g}"
        same(name, slope, right, _wrong_slopes(f, x, h))


def _wrong_slopes(f, x, h):
    up, down = f(x + h) - f(x), f(x) - f(x - h)
    return {
        "/ 2 * h divides by 2 and then multiplies by h; 2 * h needs its own brackets": (
            (up + down) / 2 * h
        ),
        "x + h and x - h are 2 h apart, not h": (up + down) / h,
        "This is the forward difference; take one step to each side": up / h,
        "This is the backward difference; take one step to each side": down / h,
        "The brackets round the difference are missing": f(x + h) - f(x - h) / (2 * h),
        "The difference still has to be divided by 2 h": up + down,
        "The sign is wrong, f(x + h) comes first": -(up + down) / (2 * h),
    }


CENTRAL_DIFFERENCE = Exercise(
    key="central_difference",
    title="Find the bug",
    task=r"""This line is meant to give the slope of $f$ at $x$ from a point on either side of it:
`(f(x + h) - f(x - h)) / 2 * h`. With $h = 10^{-4}$ its plot of $\tanh'$ has the right shape, and
its highest point at $10^{-8}$. Write it correctly.""",
    stub='''\
def central_difference(f, x, h):
    """Return the slope of f at x from f(x + h) and f(x - h)."""
    return ...
''',
    solution='''\
def central_difference(f, x, h):
    """Without the brackets Python divides by 2 and multiplies by h: wrong by the factor h^2."""
    return (f(x + h) - f(x - h)) / (2 * h)
''',
    judge=_judge_central_difference,
    praise="The wrong line is h squared times too small, so the shape looked right: read the axes.",
)


def _judge_slope_from_output(attempt):
    a = SIGMOID(np.array([-3.0, -1.0, 0.0, 0.5, 4.0]))
    slope = array("the slope", attempt(a), a.shape)
    same("the slope", slope, a * (1 - a), _wrong_slopes_from_output(a))


def _wrong_slopes_from_output(a):
    return {
        "a is the output already, do not send it through the sigmoid again": SIGMOID.df(a),
        "That is the slope of tanh from its output": 1 - a * a,
        "(1 - a^2) a can be found in print, and fits neither sigmoid nor tanh": (1 - a * a) * a,
        "The factor a is missing": 1 - a,
        "The factor 1 - a is missing": a,
        "Where a is 1 the sigmoid is flat, so 1 - a, not 1 + a": a * (1 + a),
        "1/4 is only the largest slope, at a = 1/2": np.full_like(a, 0.25),
        "The sign is wrong, the sigmoid rises": a * (a - 1),
    }


SLOPE_FROM_OUTPUT = Exercise(
    key="slope_from_output",
    title="The slope of the sigmoid from its output",
    task=r"""Back-propagation has the outputs $a = \sigma(z)$ of a layer at hand. Return the slopes
$\sigma'(z)$ without using $z$ or an exponential.""",
    stub='''\
def slope_from_output(a):
    """Return sigmoid'(z) for an array of outputs a = sigmoid(z)."""
    return ...
''',
    solution='''\
def slope_from_output(a):
    return a * (1 - a)
''',
    judge=_judge_slope_from_output,
    praise="It is 0 at a = 0 and at a = 1: a value that is at its end has no slope left.",
)


# --- Sigmoid and tanh ---------------------------------------------------------------------------


def _judge_tanh_from_sigmoid(attempt):
    z = np.array([-2.0, -0.5, 0.0, 0.3, 1.0, 3.0])
    answer = array("the answer", attempt(SIGMOID.f, z), z.shape)
    same("the answer", answer, np.tanh(z), _wrong_tanhs(z))


def _wrong_tanhs(z):
    s = SIGMOID.f
    return {
        "tanh is twice as fast, so the sigmoid needs 2 z": 2 * s(z) - 1,
        "The sigmoid goes from 0 to 1, tanh from -1 to 1: stretch it as well": s(2 * z),
        "It is stretched, now move it down by 1": 2 * s(2 * z),
        "It is moved down, but it has to be stretched first": s(2 * z) - 1,
        "tanh needs 2 z, not z / 2": 2 * s(z / 2) - 1,
        "It goes from -1/2 to 1/2 now": s(2 * z) - 0.5,
        "The sign is wrong, tanh rises": 1 - 2 * s(2 * z),
        "This is the sigmoid itself": s(z),
    }


TANH_FROM_SIGMOID = Exercise(
    key="tanh_from_sigmoid",
    title="tanh in the coat of a sigmoid",
    task=r"""Return $\tanh(z)$, using the function `sigmoid` and ordinary arithmetic only.""",
    stub='''\
def tanh_from_sigmoid(sigmoid, z):
    """Return tanh(z) for an array z; sigmoid takes arrays."""
    return ...
''',
    solution='''\
def tanh_from_sigmoid(sigmoid, z):
    """(1 - e^-2z) / (1 + e^-2z) = 2 / (1 + e^-2z) - 1."""
    return 2 * sigmoid(2 * z) - 1
''',
    judge=_judge_tanh_from_sigmoid,
    praise="The same family of functions: what differs in a net is where the values start.",
)


def _judge_stable_sigmoid(attempt):
    z = np.array([-3.0, -1.0, 0.0, 0.5, 2.0])
    answer = array("the answer", attempt(z), z.shape)
    same("the answer", answer, SIGMOID(z), _wrong_sigmoids(z))
    z = np.array([-1000.0, -50.0, 50.0, 1000.0])
    with _mishaps() as mishaps:
        answer = attempt(z)
    if mishaps:
        raise Hint(
            f"For z = -1000 or 1000 there is an {mishaps[0]}: exp(1000) is too large for any "
            f"float. Use e to the power of -|z| only."
        )
    answer = array("the answer", answer, z.shape)
    _require_tail(float(answer[1]))
    same("the answer for z = -1000, -50, 50, 1000", answer, SIGMOID(z))


@contextmanager
def _mishaps():
    """A list of what numpy would warn about meanwhile."""
    seen = []
    with np.errstate(over="call", invalid="call", call=lambda what, _: seen.append(what)):
        yield seen


def _require_tail(tail):
    right = float(SIGMOID(-50.0))
    if abs(tail - right) > 1e-6 * right:
        how = "clipping z" if tail > right else "1 minus or plus something near 1"
        raise Hint(
            f"For z = -50 you get {say(tail)}, expected {say(right)}: {how} loses the small "
            f"numbers. e^-|z| / (1 + e^-|z|) keeps them."
        )


def _wrong_sigmoids(z):
    e = np.exp(-np.abs(z))
    return {
        "|z| alone forgets the sign, so z < 0 needs its own formula": 1 / (1 + e),
        "This is right for z < 0 only": e / (1 + e),
        "This is the sigmoid of -z": SIGMOID(-z),
        "This is tanh, which goes from -1 to 1": np.tanh(z),
        "tanh has to be squeezed to the range from 0 to 1 and needs z / 2": (1 + np.tanh(z)) / 2,
        "This is the slope of the sigmoid": SIGMOID.df(z),
    }


STABLE_SIGMOID = Exercise(
    key="stable_sigmoid",
    title="A sigmoid that never overflows",
    task=r"""`1 / (1 + np.exp(-z))` warns of an overflow for $z = -1000$, because $e^{1000}$ is
larger than any float. Write the sigmoid so that no warning can appear, and so that $\sigma(-50)$ is
$1.93 \cdot 10^{-22}$ and not 0. (Hint: $e^{-|z|}$ never overflows. `np.where` computes both of
its values for all $z$.)""",
    stub='''\
def stable_sigmoid(z):
    """Return 1 / (1 + e^-z) for an array z, without overflow."""
    e = ...
    return ...
''',
    solution='''\
def stable_sigmoid(z):
    """1 / (1 + e^-z) = e^z / (1 + e^z): each z has the form in which e is small."""
    e = np.exp(-np.abs(z))
    return np.where(z < 0, e, 1) / (1 + e)
''',
    judge=_judge_stable_sigmoid,
    praise="A saturated unit is not a dead one: its slope is small, but it is not 0.",
)


def _judge_saturation_threshold(attempt):
    for level in (0.16, 0.01, 1e-4):
        z = number("the threshold", attempt(level))
        s = (1 + np.sqrt(1 - 4 * level)) / 2
        right = np.log(s / (1 - s))
        same(f"the threshold for {level:g}", z, right, _wrong_thresholds(level, s))


def _wrong_thresholds(level, s):
    right = np.log(s / (1 - s))
    return {
        "This is where the output is that near to 1; the slope is s (1 - s)": (
            np.log((1 - level) / level)
        ),
        "Close for small levels, but e^-z is only nearly the slope": -np.log(level),
        "This is the output s there, now find z": s,
        "This is 1 - s, now find z": 1 - s,
        "This is the threshold on the left": -right,
        "That is the threshold of tanh": np.arctanh(np.sqrt(1 - level)),
        "The level is the slope itself, not its share of 1/4": (
            _logit((1 + np.sqrt(1 - level)) / 2)
        ),
    }


def _logit(s):
    return np.log(s / (1 - s))


SATURATION_THRESHOLD = Exercise(
    key="saturation_threshold",
    title="Where does a sigmoid saturate?",
    task=r"""Return the $z > 0$ at which the slope $\sigma'(z)$ has come down to `level` (a number
between 0 and 1/4). (Hint: with $s = \sigma(z)$ the equation $s\,(1 - s) = \text{level}$ is
quadratic; then turn $s$ into $z$.)""",
    stub='''\
def saturation_threshold(level):
    """Return the z > 0 with sigmoid'(z) = level, for example level = 0.01."""
    s = ...
    return ...
''',
    solution='''\
def saturation_threshold(level):
    """s^2 - s + level = 0, and s / (1 - s) = e^z."""
    s = (1 + np.sqrt(1 - 4 * level)) / 2
    return np.log(s / (1 - s))
''',
    judge=_judge_saturation_threshold,
    praise="For 0.01 it is 4.585: at scale 1 hardly any unit is out there, at scale 10 most are.",
)


# --- The chain ----------------------------------------------------------------------------------


def _judge_chain_gradient(attempt):
    w, b, x = np.array([4.0, 0.5, -2.0]), np.array([-1.0, 2.0, 0.5]), 0.75
    for act in (TANH, SIGMOID, RELU):
        gradient = number("the gradient", attempt(act.f, act.df, w, b, x))
        right = _chain(act, w, b, x)
        name = f"the gradient of a chain of {act.name} units"
        same(name, gradient, right, _wrong_chains(act, w, b, x))


def _chain(act, w, b, a, factor=lambda act, w, z, a: w * act.df(z)):
    gradient = 1.0
    for w_k, b_k in zip(w, b, strict=True):
        z = w_k * a + b_k
        gradient *= factor(act, w_k, z, a)
        a = act.f(z)
    return gradient


def _wrong_chains(act, w, b, x):
    z_0 = w[0] * x + b[0]
    factors = [w[0] * act.df(z_0)]
    a = x
    for w_k, b_k in zip(w, b, strict=True):
        a = act.f(w_k * a + b_k)
    return {
        "The weights are missing, each layer has the factor w f'(z)": (
            _chain(act, w, b, x, lambda act, w, z, a: act.df(z))
        ),
        "The slopes are missing, each layer has the factor w f'(z)": np.prod(w),
        "df takes the pre-activation z, not the output f(z)": (
            _chain(act, w, b, x, lambda act, w, z, a: w * act.df(act.f(z)))
        ),
        "df takes the pre-activation of its layer, not what comes in": (
            _chain(act, w, b, x, lambda act, w, z, a: w * act.df(a))
        ),
        "This is the first layer only": factors[0],
        "This is the output of the chain, not its slope": a,
        "This is the bound, with 1/4 for every slope": np.prod(w) / 4 ** len(w),
        "The factor of the last layer is missing": _chain(act, w[:-1], b[:-1], x),
        "The biases are missing in z = w a + b": _chain(act, w, 0 * b, x),
        "Weights may be negative: keep the sign": abs(_chain(act, w, b, x)),
    }


CHAIN_GRADIENT = Exercise(
    key="chain_gradient",
    title="The gradient of a chain",
    task=r"""A chain of single units: $a_k = f(w_k\,a_{k-1} + b_k)$, and $a_0 = x$. Return
$d a_L / d x$. `f` and `df` are the activation and its derivative, both of the pre-activation $z$;
`w` and `b` hold one number per layer. The check tries tanh, sigmoid and ReLU.""",
    stub='''\
def chain_gradient(f, df, w, b, x):
    """Return the derivative of the chain's output by its input x."""
    gradient = 1.0
    a = x
    for w_k, b_k in zip(w, b):
        ...
    return ...
''',
    solution='''\
def chain_gradient(f, df, w, b, x):
    """Forward and backward in one go: every layer brings the factor w f'(z)."""
    gradient = 1.0
    a = x
    for w_k, b_k in zip(w, b):
        z = w_k * a + b_k
        gradient = gradient * w_k * df(z)
        a = f(z)
    return gradient
''',
    judge=_judge_chain_gradient,
    praise="With w = 4, b = -2 and x = 1/2 every factor is exactly 1: try a hundred layers.",
)


# --- Outputs and rescue -------------------------------------------------------------------------


def _judge_softmax_gradient(attempt):
    for z, label in ((np.array([2.0, -1.0, 0.5]), 0), (np.array([0.0, 1.0, -2.0, 3.0]), 2)):
        gradient = array("the gradient", attempt(z, label), z.shape)
        right = softmax(z) - np.eye(len(z))[label]
        same(f"the gradient for label {label}", gradient, right, _wrong_gradients(z, label))
    z = np.array([1000.0, 0.0, 990.0])
    with np.errstate(all="ignore"):
        gradient = np.asarray(attempt(z, 1), float)
    if not np.isfinite(gradient).all():
        raise Hint(
            "For z = 1000, 0, 990 you get NaN, expected 1, -1, 0: exp(1000) overflows. Subtract "
            "the largest z first, that changes no probability."
        )
    same("the gradient for z = 1000, 0, 990", gradient, softmax(z) - [0, 1, 0])


def _wrong_gradients(z, label):
    p, y = softmax(z), np.eye(len(z))[label]
    e = np.exp(z)
    return {
        "These are the probabilities, the label is missing": p,
        "The sign is wrong, that points downhill": y - p,
        "p (1 - p) would be the slope of a sigmoid with squared error; it cancels": (
            (p - y) * p * (1 - p)
        ),
        "Only the entry of the label has moved; all probabilities depend on all z": (p - y) * y,
        "exp(z) has to be divided by its sum": e - y,
        "This is the gradient of the squared error of p": _squared_error_gradient(p, y),
        "This is z - y; turn z into probabilities first": z - y,
        "Only the label's own probability counts in the loss, but its gradient reaches all z": (
            -y / p
        ),
    }


def _squared_error_gradient(p, y):
    return 2 * (np.diag(p) - np.outer(p, p)) @ (p - y)


SOFTMAX_GRADIENT = Exercise(
    key="softmax_gradient",
    title="Softmax and cross-entropy",
    task=r"""The loss of one example is $-\log p_y$ with $p_k = e^{z_k} / \sum_j e^{z_j}$, where $y$
is the `label`, counted from 0. Return the gradient by $z$, one number per class. Logits of 1000
must not break it.""",
    stub='''\
def softmax_gradient(z, label):
    """Return the gradient of -log p[label] by the logits z."""
    e = ...
    p = ...
    return ...
''',
    solution='''\
def softmax_gradient(z, label):
    """p - y, with y = 1 for the label and 0 for the others."""
    e = np.exp(z - z.max())
    p = e / e.sum()
    p[label] -= 1
    return p
''',
    judge=_judge_softmax_gradient,
    praise="p - y does not fade where the net is sure and wrong: saturation costs nothing here.",
)


def _judge_sigmoid_layer(attempt):
    square = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[0.5, 1.0]])
    wide = np.array([[1.0, -2.0, 0.5], [0.25, 1.0, 3.0]]), np.array([[1.0, 2.0, -1.0]])
    for W, b in (square, wide):
        V, c = arrays(attempt(W, b), {"W": W.shape, "b": b.shape})
        same("W", V, 4 * W, _wrong_image_weights(W))
        same("b", c, 2 * (b - W.sum(0)), _wrong_image_biases(W, b))


def _wrong_image_weights(W):
    return {
        "Twice for the 2 z of this layer, and twice for the outputs 2 s - 1 before it": 2 * W,
        "The weights have to change as well": W,
        "The weights have to grow, not shrink": W / 4,
        "4 W is enough, each 2 counts once": 8 * W,
    }


def _wrong_image_biases(W, b):
    sums = W.sum(0)
    wrong = {
        "The -1 of 2 s - 1 is missing, it comes through W: subtract the sums of W": 2 * b,
        "The bias has to change as well": b,
        "2 z doubles the sums of W as well": 2 * b - sums,
        "The b needs its factor 2 as well": b - 2 * sums,
        "The factor 2 of 2 z is missing": b - sums,
        "The sign is wrong, -1 subtracts the sums of W": 2 * (b + sums),
        "The sums of the new weights 4 W are twice too much": 2 * b - 4 * sums,
        "4 is the factor of W, the bias has only the 2 of 2 z": 4 * (b - sums),
        "One number for all is not enough, each unit has its own sum": 2 * (b - W.sum()),
    }
    if W.shape[0] == W.shape[1]:
        wrong["Sum over the inputs of a unit, the columns of W: axis 0"] = 2 * (b - W.sum(1))
    return wrong


SIGMOID_LAYER = Exercise(
    key="sigmoid_layer",
    title="A tanh layer with sigmoid units",
    task=r"""A hidden layer computes $\tanh(t\,W + b)$, where $t$ comes from a tanh layer before it.
Now both layers get sigmoid units: $s$ comes in, with $t = 2 s - 1$, and $\sigma(s\,W' + b')$ goes
out. Which $W'$ and $b'$ make it the same, $\tanh(t W + b) = 2\,\sigma(s W' + b') - 1$?""",
    stub='''\
def sigmoid_layer(W, b):
    """Return W' and b' of the sigmoid layer; W (inputs, units), b (1, units)."""
    W_new = ...
    b_new = ...
    return W_new, b_new
''',
    solution='''\
def sigmoid_layer(W, b):
    """tanh(z) = 2 sigmoid(2 z) - 1 with z = (2 s - 1) W + b."""
    W_new = 4 * W
    b_new = 2 * (b - W.sum(axis=0))
    return W_new, b_new
''',
    judge=_judge_sigmoid_layer,
    praise="Larger weights alone are half of the rescue; the other half takes the mean 1/2 off.",
)


EXERCISES = (
    CENTRAL_DIFFERENCE, SLOPE_FROM_OUTPUT, TANH_FROM_SIGMOID, STABLE_SIGMOID,
    SATURATION_THRESHOLD, CHAIN_GRADIENT, SOFTMAX_GRADIENT, SIGMOID_LAYER,
)
