"""The exercises of notebook 03: zeros counted in three ways, and what follows from them.

In the notebook an exercise is two cells: the stub with the check as its last line, and the
solution, collapsed, whose last line asserts that it is right.

Each judge tries the learner's function on small cases and raises the Hint that fits: first the
mistakes that this exercise is known for, then whatever else is wrong.
"""

from math import acos, comb, cos, degrees, pi, sin

import numpy as np

from helpers.grading import Exercise, array, arrays, number, same

# --- Counting zeros -----------------------------------------------------------------------------


def _judge_three_counters(attempt):
    for Z, batch in ((_Z, 3), (_Z[:, ::-1] - 0.5, 2)):
        parts = {"zero": (), "on_batch": (), "on_data": ()}
        zero, on_batch, on_data = arrays(attempt(Z, batch), parts)
        off, first = Z <= 0, Z[:batch] <= 0
        same("the share of zeros", zero, off.mean(), _wrong_zeros(Z, batch))
        shares = first.all(0).mean(), off.all(0).mean()
        same("the share that is dead on the batch", on_batch, shares[0], _wrong_deaths(first, off))
        same("the share that is dead on the data", on_data, shares[1], _wrong_deaths(off, first))


def _wrong_zeros(Z, batch):
    return {
        "max(0, 0) is 0 too": (Z < 0).mean(),
        "That is the share of units that are on": (Z > 0).mean(),
        "A share, not a number": (Z <= 0).sum(),
        "All examples count here, not only the batch": (Z[:batch] <= 0).mean(),
        "That is the share of units that are zero for some example": (Z <= 0).any(0).mean(),
    }


def _wrong_deaths(off, other):
    return {
        "To be dead a unit has to be zero for every example, one is not enough": off.any(0).mean(),
        "Examples are the rows, units the columns: all() goes along axis 0": off.all(1).mean(),
        "A share of the units, not their number": off.all(0).sum(),
        "That is the share of units that are not dead": 1 - off.all(0).mean(),
        "Batch and data are mixed up": other.all(0).mean(),
        "That is the share of zeros": off.mean(),
        "That is the share of units that are always on": (~off).all(0).mean(),
    }


_Z = np.array([
    [-1.0, 0.4, -0.3, 0.0, 1.2, -2.0, -0.1, 0.6, -0.4, -0.2],
    [-0.2, -0.9, -1.1, -0.7, 0.9, -0.6, 0.3, 0.8, -1.3, -0.8],
    [-0.4, -0.6, -0.8, -0.2, 0.7, -0.3, 1.1, 0.2, -0.9, -0.3],
    [-0.3, -1.2, 0.9, -1.5, 0.6, -0.9, -0.4, 1.3, -0.7, 0.1],
    [-0.6, 0.7, -0.5, -0.1, 1.4, 0.2, -0.6, 0.9, -0.2, -0.5],
    [-0.5, -0.3, -0.6, -0.4, 0.8, -0.8, -0.9, 0.7, -0.6, -0.7],
    [-0.7, -0.8, -0.9, -0.6, 1.1, -0.4, 0.5, 0.4, -0.3, -0.4],
])  # fmt: skip

THREE_COUNTERS = Exercise(
    key="three_counters",
    title="Three counters",
    task=r"""`Z` holds the pre-activations of a ReLU layer for all the data, one row per example and
one column per unit; the first `batch` rows are the batch. Return three shares: how often a unit is
zero for an example, which share of the units is dead on the batch, and which on all the data.""",
    stub='''\
def three_counters(Z, batch):
    """Return the share of zeros, and of units dead on the batch and on all the data."""
    off = ...
    zero = ...
    on_batch = ...
    on_data = ...
    return zero, on_batch, on_data
''',
    solution='''\
def three_counters(Z, batch):
    off = Z <= 0
    zero = np.mean(off)
    on_batch = np.mean(off[:batch].all(axis=0))
    on_data = np.mean(off.all(axis=0))
    return zero, on_batch, on_data
''',
    judge=_judge_three_counters,
    praise="Zero for an example is the rule, dead on all the data the exception.",
)


# --- Angles -------------------------------------------------------------------------------------


def _judge_angle_from_flips(attempt):
    for on, other in (_patterns(40, 0.3), _patterns(25, 0.8), _patterns(12, 0.0)):
        got = number("the angle", attempt(on, other))
        differ = np.mean(on != other)
        same("the angle in degrees", got, 180 * differ, _wrong_angles(on, other))


def _patterns(units, share):
    """Two patterns of active units that differ in about this share of them."""
    rng = np.random.default_rng(units)
    on = rng.random(units) < 0.5
    return on, on ^ (rng.random(units) < share)


def _wrong_angles(on, other):
    flips = np.mean(on != other)
    both, either = (on & other).sum(), max((on | other).sum(), 1)
    return {
        "That is in radians": pi * flips,
        "That is the share of units that differ": flips,
        "Half of a turn, not a whole one: a border is a line through the origin": 360 * flips,
        "At 90 degrees half of the units differ, not all of them": 90 * flips,
        "Those that agree do not count": 180 * (1 - flips),
        "That is the number of units that differ": float((on != other).sum()),
        "Units that are zero for both agree as well": 180 * (1 - both / either),
        "Units that go off count like those that go on": 180 * np.mean(on & ~other),
        "The share is the angle over pi, no cosine is needed": degrees(acos(1 - 2 * flips)),
        "The share is that of all units, not of the active ones": (
            180 * (on != other).sum() / max(on.sum(), 1)
        ),
    }


ANGLE_FROM_FLIPS = Exercise(
    key="angle_from_flips",
    title="An angle, by counting",
    task=r"""Two inputs went through a wide random ReLU layer without biases. `on` and `other` say
(True or False) which units were active for the one and for the other. You see neither the inputs
nor the weights: estimate the angle between the inputs, in degrees.""",
    stub='''\
def angle_from_flips(on, other):
    """Return the angle in degrees; on and other are arrays of True and False."""
    return ...
''',
    solution='''\
def angle_from_flips(on, other):
    """A random border lies between the two inputs with probability angle / 180."""
    return 180 * np.mean(on != other)
''',
    judge=_judge_angle_from_flips,
    praise="Bits that keep angles: the idea behind locality-sensitive hashing (Charikar, 2002).",
)


def _judge_angle_after(attempt):
    for t, layers in ((1.2, 1), (2.0, 3), (0.4, 10), (1.0, 0)):
        got = number("the angle", attempt(t, layers))
        case = f"the angle from {t:.4g} at depth {layers}"
        same(case, got, _angle_after(t, layers), _wrong_angles_after(t, layers))


def _map(t):
    return acos(min((sin(t) + (pi - t) * cos(t)) / pi, 1.0))


def _angle_after(t, layers, step=_map):
    for _ in range(layers):
        t = step(t)
    return t


def _wrong_angles_after(t, layers):
    def after(cosine):
        return _angle_after(t, layers, lambda t: acos(max(-1.0, min(cosine(t), 1.0))))

    wrong = {
        "That is one layer too many": _angle_after(t, layers + 1),
        "The angle of one layer goes into the next": _map(t),
        "That is the cosine of the angle": cos(_angle_after(t, layers)),
        "In radians, please": degrees(_angle_after(t, layers)),
        "Nothing has happened to the angle": t,
        "That is the share of units that flip": _angle_after(t, layers) / pi,
    }
    if layers:
        wrong |= {
            "The factor of the cosine is pi - t": after(lambda t: (sin(t) + t * cos(t)) / pi),
            "Sine and cosine are mixed up": after(lambda t: (cos(t) + (pi - t) * sin(t)) / pi),
            "That is one layer short": _angle_after(t, layers - 1),
            "The sine counts too": after(lambda t: (pi - t) * cos(t) / pi),
        }
    return wrong


ANGLE_AFTER = Exercise(
    key="angle_after",
    title="What depth makes of an angle",
    task=r"""A wide ReLU layer turns the angle $t$ (in radians) between two inputs into $t'$ with
$\cos t' = \big[\sin t + (\pi - t) \cos t\big] / \pi$. Return the angle after `layers` layers.
(Rounding can make the cosine a little larger than 1: `min(..., 1.0)` takes care of it.)""",
    stub='''\
def angle_after(t, layers):
    """Return the angle in radians after so many ReLU layers."""
    for _ in range(layers):
        t = ...
    return t
''',
    solution='''\
def angle_after(t, layers):
    for _ in range(layers):
        t = np.arccos(min((np.sin(t) + (np.pi - t) * np.cos(t)) / np.pi, 1.0))
    return t
''',
    judge=_judge_angle_after,
    praise="It shrinks from layer to layer: in deep ReLU nets all inputs come to look alike.",
)


# --- Regions ------------------------------------------------------------------------------------


def _judge_most_regions(attempt):
    for n, d in ((7, 2), (4, 1), (10, 2), (6, 3), (3, 5), (0, 2)):
        got = number("the number of regions", attempt(n, d))
        right = sum(comb(n, k) for k in range(d + 1))
        same(f"the number of regions of {n} units in {d} dimensions", got, right,
             _wrong_regions(n, d))  # fmt: skip


def _wrong_regions(n, d):
    return {
        "That would be all patterns, but most of them occur nowhere": 2**n,
        "Already the first unit cuts the whole space in two": (
            sum(comb(n, k) for k in range(d + 1)) - 1
        ),
        "That holds in the plane only": 1 + n + comb(n, 2),
        "That is the number of points where borders meet": comb(n, d),
        "A border can be cut by the others as well": n + 1,
        "That is a grid, but borders may have any direction": (n + 1) ** d,
        "That holds if all borders go through the origin": (
            2 * sum(comb(n - 1, k) for k in range(d)) if n else 1
        ),
        "That is n to the power of d": n**d,
    }


MOST_REGIONS = Exercise(
    key="most_regions",
    title="Regions in any dimension",
    task=r"""Into how many regions can $n$ ReLU units cut a space of $d$ dimensions? Add the units
one by one: the border of the last one is itself a space of $d - 1$ dimensions, which the other
$n - 1$ cut into pieces, and every piece cuts one region in two.""",
    stub='''\
def most_regions(n, d):
    """Return the largest number of regions of n units in d dimensions."""
    if n == 0 or d == 0:
        return 1
    return ...
''',
    solution='''\
def most_regions(n, d):
    """The regions without the last unit, and as many more as the others cut its border into."""
    if n == 0 or d == 0:
        return 1
    return most_regions(n - 1, d) + most_regions(n - 1, d - 1)
''',
    judge=_judge_most_regions,
    praise="10 units cut the plane into at most 56 regions, 64 dimensions into all 1,024.",
)


def _judge_matrix_here(attempt):
    for seed, sizes in enumerate(((2, 4, 3, 2), (3, 5, 1), (2, 6, 4, 4, 3))):
        layers, x = _random_net(seed, sizes)
        shapes = {"J": (sizes[-1], sizes[0]), "c": (sizes[-1],)}
        J, c = arrays(attempt(layers, x), shapes)
        right_J, right_c = _fold(layers, x)
        case = f"of a net with sizes {sizes}"
        same(f"J {case}", J, right_J, _wrong_maps(layers, x, 0, right_J))
        same(f"c {case}", c, right_c, _wrong_maps(layers, x, 1, right_c))


def _random_net(seed, sizes):
    """Layers (W, b) with b of shape (fan_out,), and an input."""
    rng = np.random.default_rng([3, seed])
    shapes = zip(sizes, sizes[1:], strict=False)
    layers = [(rng.standard_normal((n, m)), rng.standard_normal(m)) for n, m in shapes]
    return layers, rng.standard_normal(sizes[0])


def _fold(layers, x, last=False, on=lambda z: z > 0, biases=True):
    """J and c of the net at x; `last` treats the output like a hidden layer."""
    A, c = np.eye(len(x)), np.zeros(len(x))
    for k, (W, b) in enumerate(layers, 1):
        A, c = A @ W, c @ W + b * biases
        if k < len(layers) or last:
            active = on(x @ A + c)
            A, c = A * active, c * active
    return A.T, c


def _wrong_maps(layers, x, part, right):
    J, c = _fold(layers, x)
    wrong = {
        "The output layer has no ReLU": _fold(layers, x, last=True)[part],
        "That is the net without its ReLUs: the zeros of the pattern are missing": (
            _fold(layers, x, on=lambda z: z > -np.inf)[part]
        ),
        "The pattern is turned round, active means z > 0": _fold(layers, x, on=lambda z: z <= 0)[
            part
        ],
        "The biases decide too which units are active": _fold(layers, x, biases=False)[part],
    }
    if part:
        wrong |= {
            "That is f(x), take J x away from it": J @ x + c,
            "That is J x, what remains of f(x) is c": J @ x,
            "That is the bias of the last layer only, the others go through the net": layers[-1][1],
            "c is f(x) - J x, not J x - f(x)": -right,
        }
    return wrong


MATRIX_HERE = Exercise(
    key="matrix_here",
    title="The matrix of this region",
    task=r"""`layers` is a list of pairs $(W, b)$, with ReLU after every layer but the last, and
$z = a\,W + b$ with rows $a$. Return $J$ (one row per output) and $c$, so that $f(x) = J x + c$ in
the whole region of `x`. Carry the map along: behind each layer the rows are $x A + c$.""",
    stub='''\
def matrix_here(layers, x):
    """Return J (outputs, inputs) and c (outputs,) of the net around x."""
    A, c = np.eye(len(x)), np.zeros(len(x))
    for k, (W, b) in enumerate(layers):
        A, c = ...
        if k < len(layers) - 1:
            active = ...
            A, c = ...
    return A.T, c
''',
    solution='''\
def matrix_here(layers, x):
    A, c = np.eye(len(x)), np.zeros(len(x))
    for k, (W, b) in enumerate(layers):
        A, c = A @ W, c @ W + b
        if k < len(layers) - 1:
            active = x @ A + c > 0
            A, c = A * active, c * active
    return A.T, c
''',
    judge=_judge_matrix_here,
    praise="Zeros take units out, and what remains is linear: that is all there is to a region.",
)


# --- What zeros do to learning ------------------------------------------------------------------


def _judge_l1_push(attempt):
    for strength, z in ((0.01, _PUSHED), (0.3, _PUSHED[:, :3] * 2)):
        got = array("the gradient", attempt(z, strength), z.shape)
        same("the gradient", got, strength * (z > 0), _wrong_pushes(z, strength))


_PUSHED = np.array([[-1.5, 0.0, 0.4, 2.0], [0.7, -0.2, 3.0, -0.6], [0.3, 1.2, 0.0, -2.5]])


def _wrong_pushes(z, strength):
    a = np.maximum(z, 0)
    return {
        "A unit with z < 0 has a = 0 and gets no push at all": strength * np.sign(z),
        "For z = 0 the course takes slope 0": strength * (z >= 0),
        "That grows with a, as for a squared penalty: here every active unit gets the same": (
            strength * a
        ),
        "That is the derivative of the square of a": 2 * strength * a,
        "The strength is missing": (z > 0) * 1.0,
        "That pushes a up: a step goes against the gradient": -strength * (z > 0),
        "A sum, not a mean: do not divide by the number of entries": strength * (z > 0) / z.size,
        "Do not divide by the number of examples": strength * (z > 0) / len(z),
        "The slope of ReLU is missing: it is 0 for z < 0": np.full(z.shape, strength),
        "It is the active units that get a push": strength * (z <= 0),
    }


L1_PUSH = Exercise(
    key="l1_push",
    title="What a penalty on activations pushes",
    task=r"""To make a layer sparser one adds the penalty $\lambda \sum a$ to the loss, the sum over
all activations $a = \max(z, 0)$, examples and units alike. Return its gradient with respect to $z$,
an array like `z`, for $\lambda$ = `strength`.""",
    stub='''\
def l1_push(z, strength):
    """Return d penalty / d z for the penalty strength * sum(max(z, 0))."""
    return ...
''',
    solution='''\
def l1_push(z, strength):
    return strength * (z > 0)
''',
    judge=_judge_l1_push,
    praise="Active units are all pushed down equally; one that is zero feels nothing.",
)


def _judge_rescale_units(attempt):
    for sizes in ((3, 4, 2), (2, 3, 3)):
        layers, _ = _random_net(sum(sizes), sizes)
        (W1, b1), (W2, _), n = layers[0], layers[1], sizes[1]
        a = np.array([0.5, 2.0, 3.0, 0.25])[:n]
        shapes = {"W1": W1.shape, "b1": b1.shape, "W2": W2.shape}
        got = arrays(attempt(W1, b1, W2, a), shapes)
        wanted = W1 * a, b1 * a, W2 / a[:, None]
        for name, part, right in zip(shapes, got, wanted, strict=True):
            case = f"{name} for a = {np.array2string(a)}"
            same(case, part, right, _wrong_scalings(name, W1, b1, W2, a))


def _wrong_scalings(name, W1, b1, W2, a):
    square = W2.shape[0] == W2.shape[1]
    wrong = {
        "W1": {
            "What enters a unit is multiplied, what leaves it is divided": W1 / a,
            "Nothing has happened to W1": W1,
            "The size of W1 decides nothing here, take a": W1 / np.linalg.norm(W1, axis=0),
        },
        "b1": {
            "The bias enters the unit too": b1,
            "The bias has to go with the weights, multiply it": b1 / a,
        },
        "W2": {
            "What was multiplied before the unit is divided after it": W2 * a[:, None],
            "Nothing has happened to W2, so the output changes": W2,
            "Unit k feeds row k of W2, not its column k": W2 / a if square else np.zeros(0),
            "One division only: f(a z) = a f(z), not a^2 f(z)": W2 / a[:, None] ** 2,
        },
    }
    return wrong[name]


RESCALE_UNITS = Exercise(
    key="rescale_units",
    title="Other weights, same net",
    task=r"""A hidden layer $\max(x W_1 + b_1, 0)\, W_2$. Multiply the pre-activation of unit $k$ by
$a_k > 0$, and change $W_2$ so that the net computes exactly what it did. Return the new $W_1$,
$b_1$ and $W_2$; `a` has one number per unit.""",
    stub='''\
def rescale_units(W1, b1, W2, a):
    """Return new W1, b1, W2 of the same function, with z of unit k multiplied by a[k]."""
    W1 = ...
    b1 = ...
    W2 = ...
    return W1, b1, W2
''',
    solution='''\
def rescale_units(W1, b1, W2, a):
    W1 = W1 * a
    b1 = b1 * a
    W2 = W2 / a[:, None]
    return W1, b1, W2
''',
    judge=_judge_rescale_units,
    praise="So the size of a single weight says nothing about how much its unit matters.",
)


EXERCISES = (
    THREE_COUNTERS, ANGLE_FROM_FLIPS, ANGLE_AFTER, MOST_REGIONS, MATRIX_HERE, L1_PUSH,
    RESCALE_UNITS,
)  # fmt: skip
