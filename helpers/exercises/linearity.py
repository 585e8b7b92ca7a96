"""The exercises of notebook 01, in the order of the lesson.

In the notebook an exercise is two cells: the stub with the check as its last line, and the
solution, collapsed, whose last line asserts that it is right:

    lesson.check(exercises.COLLAPSE_TWO, collapse_two)
    assert exercises.COLLAPSE_TWO.accepts(collapse_two)

Each judge tries the learner's function on small cases and raises the Hint that fits: first the
mistakes that this exercise is known for, then whatever else is wrong.
"""

import numpy as np

from helpers.activations import ABS, IDENTITY, RELU, SIGMOID, STEP, TANH
from helpers.grading import Exercise, Hint, array, arrays, number, same, say

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


# --- Folding layers -----------------------------------------------------------------------------


def _judge_collapse_two(attempt):
    square = [_layer([[1, 2], [3, 4]], [1, -1]), _layer([[0, 1], [2, -1]], [5, 3])]
    for (W1, b1), (W2, b2) in (square, _random_layers(3, 4, 2)):
        shapes = {"W": (len(W1), W2.shape[1]), "b": (1, W2.shape[1])}
        W, b = arrays(attempt(W1, b1, W2, b2), shapes)
        same("W", W, W1 @ W2, _wrong_products(W1, W2))
        same("b", b, b1 @ W2 + b2, _wrong_biases(b1, W2, b2))


def _wrong_products(W1, W2):
    wrong = {}
    if W1.shape == W2.shape:
        wrong = {
            "W2 @ W1 is the wrong way round (x meets W1 first, so W1 stands on the left)": W2 @ W1,
            "W1 * W2 multiplies entry by entry, a matrix product is W1 @ W2": W1 * W2,
            "W1 + W2 adds the layers, but they act one after the other": W1 + W2,
        }
    return wrong


def _wrong_biases(b1, W2, b2):
    wrong = {
        "b lacks b2, the bias of the second layer": b1 @ W2,
        "b lacks b1, which reaches the output through W2": b2,
    }
    if b1.shape == b2.shape:
        wrong["b1 + b2 is not it (b1 has to pass through W2 first)"] = b1 + b2
        wrong["b1 goes through W2, b2 does not"] = (b1 + b2) @ W2
    return wrong


COLLAPSE_TWO = Exercise(
    key="collapse_two",
    title="Fold two layers",
    task=r"""Two affine layers, $a_1 = x W_1 + b_1$ and $a_2 = a_1 W_2 + b_2$, are one affine layer
$a_2 = x W + b$. Return $W$ and $b$.""",
    stub='''\
def collapse_two(W1, b1, W2, b2):
    """Return W and b of the one layer that does what the two do."""
    W = ...
    b = ...
    return W, b
''',
    solution='''\
def collapse_two(W1, b1, W2, b2):
    """(x W1 + b1) W2 + b2 = x (W1 W2) + (b1 W2 + b2)."""
    W = W1 @ W2
    b = b1 @ W2 + b2
    return W, b
''',
    judge=_judge_collapse_two,
    praise="Two layers in, one layer out: nothing was gained by the second.",
)


def _judge_collapse_stack(attempt):
    for sizes, slope, offset in (((2, 2), 2, 1), ((2, 2, 2), 3, 1), ((3, 4, 2, 3), 0.5, -2)):
        layers = _random_layers(*sizes)
        shapes = {"W": (sizes[0], sizes[-1]), "b": (1, sizes[-1])}
        W, b = arrays(attempt(layers, slope, offset), shapes)
        right_W, right_b = _collapse(layers, slope, offset)
        mistake = _mistake(W, b, _wrong_stacks(layers, slope, offset))
        same("W", W, right_W, {mistake: W} if mistake else None)
        same("b", b, right_b, {mistake: b} if mistake else None)


def _mistake(W, b, stacks):
    """Return the sentence of the wrong stack that has this W and this b, or None."""
    fits = (s for s, (V, c) in stacks.items() if np.allclose(W, V) and np.allclose(b, c))
    return next(fits, None)


def _collapse(layers, slope, offset, bias_slope=None):
    W, b = layers[0]
    bias_slope = slope if bias_slope is None else bias_slope
    for W_next, b_next in layers[1:]:
        W, b = slope * W @ W_next, (bias_slope * b + offset) @ W_next + b_next
    return W, b


def _wrong_stacks(layers, slope, offset):
    W, b = _collapse(layers, slope, offset)
    hidden = len(layers) - 1
    return {
        "The last layer has no activation (slope and offset stand between layers only)": (
            slope * W, slope * b + offset,
        ),
        "The slope is missing, each hidden layer multiplies by it": _collapse(layers, 1, offset),
        "The offset is missing, it passes through all later layers": _collapse(layers, slope, 0),
        "Slope and offset are both missing": _collapse(layers, 1, 0),
        "The slope acts once per hidden layer, not once in all": (W * slope ** (1 - hidden), b),
        "The slope has to multiply the bias as well": _collapse(layers, slope, offset, 1),
    }


COLLAPSE_STACK = Exercise(
    key="collapse_stack",
    title="Fold a whole stack",
    task=r"""Now any number of layers, with the activation $f(z) = \text{slope} \cdot z +
\text{offset}$ after every layer but the last. `layers` is a list of pairs `(W, b)`. Return $W$ and
$b$ of the one layer that does the same.""",
    stub='''\
def collapse_stack(layers, slope, offset):
    """Return W and b of the one layer that does what the stack does."""
    W, b = layers[0]
    for W_next, b_next in layers[1:]:
        W = ...
        b = ...
    return W, b
''',
    solution='''\
def collapse_stack(layers, slope, offset):
    """f(x W + b) = x (slope W) + (slope b + offset): still affine, so it goes on."""
    W, b = layers[0]
    for W_next, b_next in layers[1:]:
        W = slope * W @ W_next
        b = (slope * b + offset) @ W_next + b_next
    return W, b
''',
    judge=_judge_collapse_stack,
    praise="An affine activation changes the numbers, not what the stack can do.",
)


def _judge_folded_rank(attempt):
    for sizes in ((6, 4, 2, 5), (3, 8, 9, 7), (9, 7, 8, 4), (1, 5)):
        rank = number("the rank", attempt(sizes))
        same(f"the rank for sizes {sizes}", rank, min(sizes), _wrong_ranks(sizes))


def _wrong_ranks(sizes):
    wrong = {
        "The widest layer does not decide, the narrowest does": max(sizes),
        "A wide output adds no rank": sizes[-1],
        "A wide input does not keep its rank in a narrow layer": sizes[0],
        "The number of layers does not decide": len(sizes) - 1,
        "Ranks do not add up": sum(sizes),
        "Ranks do not multiply": int(np.prod(sizes)),
    }
    if len(sizes) > 2:
        wrong["The input and the output can be the bottleneck too"] = min(sizes[1:-1])
    return wrong


FOLDED_RANK = Exercise(
    key="folded_rank",
    title="The rank of a folded net",
    task=r"""A linear net has layers of the given `sizes` (input first, output last) and random
weights. What is the rank of the one matrix it folds into? A rule of one line is enough.""",
    stub='''\
def folded_rank(sizes):
    """Return the rank of the folded matrix, for example sizes = (6, 4, 2, 5)."""
    return ...
''',
    solution='''\
def folded_rank(sizes):
    """A product has at most the rank of its weakest factor; random matrices reach it."""
    return min(sizes)
''',
    judge=_judge_folded_rank,
    praise="A bottleneck anywhere limits the whole net: depth can only take away.",
)


# --- Is it linear? ------------------------------------------------------------------------------


def _judge_additivity_gap(attempt):
    for act, u, v in ((_parabola, 2.0, 4.0), (RELU, 1.0, -2.0), (IDENTITY, 1.5, 4.0)):
        gap = number("the gap", attempt(act, u, v))
        right = act(u + v) - act(u) - act(v)
        same(f"the gap for u = {u:g}, v = {v:g}", gap, right, _wrong_gaps(act, u, v))


def _parabola(z):
    return z * z + z


def _wrong_gaps(f, u, v):
    return {
        "Keep the sign of the gap": abs(f(u + v) - f(u) - f(v)),
        "The other way round: the value of the sum comes first": f(u) + f(v) - f(u + v),
        "f(v) is missing": f(u + v) - f(u),
        "f(u) is missing": f(u + v) - f(v),
        "This is the value of the sum only": f(u + v),
        "This is the sum of the values only": f(u) + f(v),
        "This asks for f(u v) = f(u) f(v); additivity is about sums": f(u * v) - f(u) * f(v),
        "f(v) has the wrong sign": f(u + v) - f(u) + f(v),
    }


ADDITIVITY_GAP = Exercise(
    key="additivity_gap",
    title="The gap of additivity",
    task=r"""A linear function satisfies $f(u + v) = f(u) + f(v)$. Return the gap: how much larger
the left side is than the right side.""",
    stub='''\
def additivity_gap(f, u, v):
    """Return by how much f(u + v) exceeds f(u) + f(v)."""
    return ...
''',
    solution='''\
def additivity_gap(f, u, v):
    return f(u + v) - f(u) - f(v)
''',
    judge=_judge_additivity_gap,
    praise="One pair u, v with a gap that is not 0, and f is not linear.",
)


def _judge_counterexample(attempt):
    u, v = (float(part) for part in arrays(attempt(), {"u": (), "v": ()}))
    if RELU(u + v) - RELU(u) - RELU(v):
        return
    pair = f"u = {say(u)}, v = {say(v)}"
    if u == 0 or v == 0:
        raise Hint(f"With {pair} both sides are {say(RELU(u + v))}: adding 0 proves nothing.")
    if u > 0:
        raise Hint(
            f"With {pair} both sides are {say(RELU(u + v))}: for positive numbers ReLU does "
            f"nothing, so try numbers on different sides of the bend."
        )
    raise Hint(
        f"With {pair} both sides are 0: two negative numbers stay on one side of the bend."
    )


COUNTEREXAMPLE = Exercise(
    key="counterexample",
    title="ReLU is not linear",
    task=r"""Find two numbers $u$ and $v$ with
$\mathrm{ReLU}(u + v) \ne \mathrm{ReLU}(u) + \mathrm{ReLU}(v)$.""",
    stub='''\
def counterexample():
    """Return two numbers for which ReLU is not additive."""
    u = ...
    v = ...
    return u, v
''',
    solution='''\
def counterexample():
    """ReLU(1 - 1) = 0, but ReLU(1) + ReLU(-1) = 1: any two numbers of opposite sign will do."""
    u = 1
    v = -1
    return u, v
''',
    judge=_judge_counterexample,
    praise="Two straight pieces, but not one straight line: piecewise linear is not linear.",
)


# --- The best plane -----------------------------------------------------------------------------


def _judge_best_plane(attempt):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(8, 3)) * [2.0, 1.0, 0.3] + [0.0, 1.0, 5.0]
    for k in (2, 1):
        answer = attempt(X, k)
        if np.shape(answer) == (8, k):
            raise Hint(_only_coordinates(k))
        points = array("the answer", answer, X.shape)
        same(f"the answer for k = {k}", points, _onto_plane(X, k), _wrong_planes(X, k))


def _only_coordinates(k):
    return (
        f"You returned the coordinates within the plane, shape (8, {k}): multiply by the directions"
        f" again to get points in space, shape (8, 3)."
    )


def _directions(X):
    return np.linalg.svd(X)[2].T  # columns: largest spread first


def _project(X, V):
    return X @ V @ V.T


def _onto_plane(X, k):
    mean = X.mean(axis=0)
    return mean + _project(X - mean, _directions(X - mean)[:, :k])


def _wrong_planes(X, k):
    mean = X.mean(axis=0)
    C, V = X - mean, _directions(X - mean)
    return {
        "The cloud was not centred: subtract the mean before the directions are found": _project(
            X, _directions(X)[:, :k]
        ),
        "The mean has to be added again at the end": _project(C, V[:, :k]),
        "The mean of each column is needed, X.mean(axis=0), not one number": (
            X.mean() + _project(X - X.mean(), _directions(X - X.mean())[:, :k])
        ),
        "These are the directions of least spread; take the first ones": (
            mean + _project(C, V[:, -k:])
        ),
        "The directions are the rows of Vt, not its columns": mean + _project(C, V.T[:, :k]),
        "Centre the points as well, not only the directions": _project(X, V[:, :k]),
        "All points are still where they were": X,
    }


BEST_PLANE = Exercise(
    key="best_plane",
    title="The best plane",
    task=r"""The linear autoencoder with a bottleneck of $k$ units finds the $k$ directions of
largest spread, but only if the data are centred first. Do it without training: move each point of
`X` (one per row) to the nearest point of the best plane *through the mean*. The rows of `Vt` in
`U, S, Vt = np.linalg.svd(...)` are the directions, largest spread first.""",
    stub='''\
def best_plane(X, k):
    """Return the points of X (n, d), each moved onto the best k-dimensional plane."""
    mean = ...
    U, S, Vt = np.linalg.svd(...)
    V = ...
    return ...
''',
    solution='''\
def best_plane(X, k):
    """Centre, project onto the first k directions, and move back."""
    mean = X.mean(axis=0)
    U, S, Vt = np.linalg.svd(X - mean)
    V = Vt[:k].T
    return mean + (X - mean) @ V @ V.T
''',
    judge=_judge_best_plane,
    praise="This is what a centred linear autoencoder learns, to the last digit.",
)


# --- XOR ----------------------------------------------------------------------------------------


def _judge_xor_by_hand(attempt):
    shapes = {"W1": (2, 2), "b1": (1, 2), "W2": (2, 1), "b2": (1, 1)}
    _judge_xor(RELU, *arrays(attempt(), shapes))


def _judge_xor_with_abs(attempt):
    shapes = {"W1": (2, 1), "b1": (1, 1), "W2": (1, 1), "b2": (1, 1)}
    _judge_xor(ABS, *arrays(attempt(), shapes))


def _judge_xor(act, W1, b1, W2, b2):
    out = (act(CORNERS @ W1 + b1) @ W2 + b2)[:, 0]
    if np.allclose(out, [0, 1, 1, 0], rtol=0, atol=1e-9):
        return
    got = f"the corners 00, 01, 10, 11 give {', '.join(map(say, out))}, expected 0, 1, 1, 0"
    raise Hint(f"{_what_it_computes(out)}: {got}.")


def _what_it_computes(out):
    if np.allclose(out, out[0]):
        return "Your net says the same at every corner"
    for name, table in _TABLES.items():
        if np.allclose(out, table):
            return f"Your net computes {name}"
    if np.allclose(out[:3], [0, 1, 1]):
        return "Three corners are right, only 11 is not"
    if np.isclose(out[0] + out[3], out[1] + out[2]):
        return "Your net is still one plane over the corners, the bend is not used"
    if np.allclose(out[1:3] - out[0], 1) and np.isclose(out[3], out[0]):
        return f"The shape is right, but everything is {say(out[0])} too high"
    wrong = int(np.argmax(~np.isclose(out, [0, 1, 1, 0])))
    return f"The first wrong corner is {'00 01 10 11'.split()[wrong]}"


_TABLES = {
    "x1 + x2 (take something away where both are 1)": [0, 1, 1, 2],
    "OR (take 1 away where both are 1)": [0, 1, 1, 1],
    "AND (that is the part to take away, twice)": [0, 0, 0, 1],
    "NOT XOR (turn it round: 1 minus it)": [1, 0, 0, 1],
    "XOR with the wrong sign": [0, -1, -1, 0],
    "x1 alone": [0, 0, 1, 1],
    "x2 alone": [0, 1, 0, 1],
}

XOR_BY_HAND = Exercise(
    key="xor_by_hand",
    title="XOR with two ReLU units",
    task=r"""No line separates XOR, but two ReLU units do. Choose the weights of
$\mathrm{ReLU}(x W_1 + b_1) W_2 + b_2$ so that the corners 00, 01, 10, 11 give exactly 0, 1, 1, 0.
(Hint: one unit counts the ones; when does the other have to start?)""",
    stub='''\
def xor_by_hand():
    """Return the weights of a 2-2-1 net with ReLU units that computes XOR."""
    W1 = ...  # 2 rows (inputs), 2 columns (units), for example [[1, 0], [0, 1]]
    b1 = ...  # 1 row, 2 columns, for example [[0, 0]]
    W2 = ...  # 2 rows, 1 column
    b2 = ...  # 1 row, 1 column
    return W1, b1, W2, b2
''',
    solution='''\
def xor_by_hand():
    """The first unit is the sum s, the second bends at s = 1: s - 2 ReLU(s - 1) is 0, 1, 0."""
    W1 = [[1, 1], [1, 1]]
    b1 = [[0, -1]]
    W2 = [[1], [-2]]
    b2 = [[0]]
    return W1, b1, W2, b2
''',
    judge=_judge_xor_by_hand,
    praise="One bend in the right place does what no number of linear layers can do.",
)

XOR_WITH_ABS = Exercise(
    key="xor_with_abs",
    title="Go further: XOR with a single unit",
    task=r"""One unit is enough if it is $|z|$. Choose the weights of $|x W_1 + b_1| W_2 + b_2$.""",
    stub='''\
def xor_with_abs():
    """Return the weights of a 2-1-1 net with one absolute-value unit that computes XOR."""
    W1 = ...  # 2 rows, 1 column
    b1 = ...  # 1 row, 1 column
    W2 = ...  # 1 row, 1 column
    b2 = ...  # 1 row, 1 column
    return W1, b1, W2, b2
''',
    solution='''\
def xor_with_abs():
    """|x1 - x2| is XOR."""
    W1 = [[1], [-1]]
    b1 = [[0]]
    W2 = [[1]]
    b2 = [[0]]
    return W1, b1, W2, b2
''',
    judge=_judge_xor_with_abs,
    praise="A function with a valley needs one unit where ReLU needs two.",
)


# --- Why a step cannot learn --------------------------------------------------------------------


def _judge_unit_gradient(attempt):
    x, y = np.array([1.0, -2.0, 3.0, 0.5]), np.array([0.5, 1.0, -1.0, 2.0])
    for act, w in ((TANH, 0.5), (SIGMOID, -0.3), (STEP, 0.7)):
        answer = attempt(act.f, act.df, w, x, y)
        if np.shape(answer) == x.shape:
            raise Hint(_one_per_example(answer))
        gradient = number("the gradient", answer)
        right = np.mean(2 * (act(w * x) - y) * act.df(w * x) * x)
        same(f"the gradient for {act.name}", gradient, right, _wrong_gradients(act, w, x, y))


def _one_per_example(answer):
    return (
        f"You returned one number per example, shape {np.shape(answer)}, expected one number: the "
        f"loss is their mean."
    )


def _wrong_gradients(act, w, x, y):
    z = w * x
    a, slope = act(z), act.df(z)
    error = a - y
    return {
        "The factor 2 of the square is missing": np.mean(error * slope * x),
        "The sign is wrong, this points downhill": -np.mean(2 * error * slope * x),
        "f' is missing, the error has to pass through the unit": np.mean(2 * error * x),
        "x is missing, dz/dw = x": np.mean(2 * error * slope),
        "df takes the pre-activation z = w x, not the output": np.mean(2 * error * act.df(a) * x),
        "The loss is the mean, not the sum": np.sum(2 * error * slope * x),
        "This is the loss, not its derivative": np.mean(error**2),
        "df takes z = w x, not x": np.mean(2 * error * act.df(x) * x),
    }


UNIT_GRADIENT = Exercise(
    key="unit_gradient",
    title="Why a step cannot learn",
    task=r"""One unit, $a = f(w x)$, has the loss $\text{mean}\,(a - y)^2$ over the examples. Return
$d\,\text{loss}/dw$ by the chain rule. `f` and `df` are the activation and its derivative; both take
the pre-activation $z = w x$. The check tries tanh, sigmoid, and a step.""",
    stub='''\
def unit_gradient(f, df, w, x, y):
    """Return d loss / d w for one unit; x and y hold one number per example."""
    z = w * x
    return ...
''',
    solution='''\
def unit_gradient(f, df, w, x, y):
    z = w * x
    return np.mean(2 * (f(z) - y) * df(z) * x)
''',
    judge=_judge_unit_gradient,
    praise="For the step df is 0 everywhere, so the gradient is exactly 0 whatever the error is.",
)


# --- Build a function ---------------------------------------------------------------------------


def _judge_hat(attempt):
    for centre, width in ((0.0, 1.0), (0.5, 0.25), (-1.0, 2.0)):
        knots, weights = arrays(attempt(centre, width), {"knots": (3,), "weights": (3,)})
        _judge_hinges(centre, width, knots, weights)


def _judge_hinges(centre, width, knots, weights):
    places = centre + width * np.array([-2, -1, -0.5, 0, 0.5, 1, 2])
    got = RELU(places[:, None] - knots) @ weights
    right = np.maximum(0, 1 - abs(places - centre) / width)
    if np.allclose(got, right, rtol=1e-9, atol=1e-9):
        return
    case = f"With centre {say(centre)} and width {say(width)}"
    raise Hint(f"{case}, {_what_hat(got, knots, weights, centre, width)}.")


def _what_hat(got, knots, weights, centre, width):
    feet = centre + width * np.array([-1.0, 0.0, 1.0])
    end, height = weights.sum(), got[3]
    if not np.allclose(np.sort(knots), feet):
        return f"the bends belong at {say(feet)}, got {say(np.sort(knots))}"
    if abs(end) > 1e-9:
        return (
            f"to the right of the hat the slope is the sum of the weights, {say(end)}, expected 0"
        )
    if abs(height + 1) < 1e-9:
        return "the hat stands on its head, its top is at -1, expected 1"
    if abs(height - 1) > 1e-9:
        return f"the top of the hat is at {say(height)}, expected 1 (width times the first weight)"
    return f"the right foot is at height {say(got[5])}, expected 0"


HAT = Exercise(
    key="hat",
    title="A hat from three hinges",
    task=r"""Build a hat: 0 up to `centre - width`, straight up to 1 at `centre`, straight down to 0
at `centre + width`, and 0 from there on. Return the three bends $t_k$ and the weights $w_k$ of
$\sum_k w_k\,\mathrm{ReLU}(x - t_k)$. (Hint: from $t_k$ on, a hinge *adds* $w_k$ to the slope.)""",
    stub='''\
def hat(centre, width):
    """Return the places of the three bends, and the change of slope at each."""
    knots = ...
    weights = ...
    return knots, weights
''',
    solution='''\
def hat(centre, width):
    """The slope has to be 0, 1/width, -1/width, 0; the weights are its changes."""
    knots = [centre - width, centre, centre + width]
    weights = [1 / width, -2 / width, 1 / width]
    return knots, weights
''',
    judge=_judge_hat,
    praise="Hats of any place and height add up to any broken line: that is how ReLU nets fit.",
)


EXERCISES = (
    COLLAPSE_TWO, COLLAPSE_STACK, FOLDED_RANK, ADDITIVITY_GAP, COUNTEREXAMPLE, BEST_PLANE,
    XOR_BY_HAND, XOR_WITH_ABS, UNIT_GRADIENT, HAT,
)


# --- Cases --------------------------------------------------------------------------------------


def _layer(W, b):
    return np.array(W, float), np.array([b], float)


def _random_layers(*sizes):
    """Return layers of small whole numbers, always the same."""
    rng = np.random.default_rng(len(sizes))
    return [
        _layer(rng.integers(-3, 4, (m, n)), rng.integers(1, 5, n))
        for m, n in zip(sizes, sizes[1:], strict=False)
    ]
