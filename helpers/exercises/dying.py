"""The exercises of notebook 04: count dead units, say why they are dead, and what it costs.

In the notebook an exercise is two cells: the stub with the check as its last line, and the
solution, collapsed, whose last line asserts that it is right.

Each judge tries the learner's function on small cases and raises the Hint that fits: first the
mistakes that this exercise is known for, then whatever else is wrong.
"""

from math import ceil, log, log2

import numpy as np

from helpers.activations import RELU
from helpers.diagnostics import zero_for_input
from helpers.grading import Exercise, Hint, arrays, number, same, say

# --- Three counters -----------------------------------------------------------------------------


def _judge_three_counters(attempt):
    for Z, batch in _counted():
        names = ("zero_for_input", "dead_on_batch", "dead_on_data")
        got = np.array(arrays(attempt(Z, batch), dict.fromkeys(names, ())))
        right = _counts(Z, batch)
        same("the answer", got, right, _wrong_counts(Z, batch))


def _counts(Z, batch, zero=lambda Z: zero_for_input(RELU, Z)):
    """Units that are zero for the first example, for the first `batch` ones, and for all."""
    return np.array([zero(Z[:n]).all(0).sum() for n in (1, batch, len(Z))])


def _wrong_counts(Z, batch):
    right, zero = _counts(Z, batch), Z <= 0
    return {
        "z = 0 gives a zero and no gradient too: count z <= 0": _counts(Z, batch, lambda Z: Z < 0),
        "That counts the units that are on for all of them": _counts(Z, batch, lambda Z: Z > 0),
        "Those are the other units, on at least once": Z.shape[1] - right,
        "That counts units with any zero, but dead means zero for all of them": np.array(
            [zero[:n].any(0).sum() for n in (1, batch, len(Z))]
        ),
        "That counts the zeros, not the units": np.array(
            [zero[:n].sum() for n in (1, batch, len(Z))]
        ),
        "That is the share of the units, asked is their number": right / Z.shape[1],
        "The order is turned round, first comes the single input": right[::-1],
        "That counts the examples for which all units are zero": np.array(
            [zero[:n].all(1).sum() for n in (1, batch, len(Z))]
        ),
        "The batch is the first rows, not the last": np.array(
            [right[0], zero[-batch:].all(0).sum(), right[2]]
        ),
        "The data are all rows, the batch too": np.array(
            [right[0], right[1], zero[batch:].all(0).sum()]
        ),
    }


THREE_COUNTERS = Exercise(
    key="three_counters",
    title="Three counters",
    task=r"""`Z` holds the pre-activations of one ReLU layer: a row for each of *all* the training
examples, a column for each unit. The first `batch` rows are a batch. Return three numbers of units:
zero for the first example, dead on the batch, dead on all the data.""",
    stub='''\
def three_counters(Z, batch):
    """Return how many units are zero for Z[0], dead on the batch, dead on all the data."""
    zero_for_input = ...
    dead_on_batch = ...
    dead_on_data = ...
    return zero_for_input, dead_on_batch, dead_on_data
''',
    solution='''\
def three_counters(Z, batch):
    zero_for_input = np.sum(Z[0] <= 0)
    dead_on_batch = np.sum(np.all(Z[:batch] <= 0, axis=0))
    dead_on_data = np.sum(np.all(Z <= 0, axis=0))
    return zero_for_input, dead_on_batch, dead_on_data
''',
    judge=_judge_three_counters,
    praise="The three can only fall: whoever is dead on all the data is dead on every batch of it.",
)


# --- One unit on an interval --------------------------------------------------------------------

_KINDS = ("dead", "bends", "always on")


def _judge_unit_on_interval(attempt):
    for w, b, low, high in _UNITS:
        answer = attempt(w, b, low, high)
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise Hint(f"Expected 2 parts (hinge, kind), got {say(answer)}.")
        same(f"the hinge for w = {w:g}, b = {b:g}", number("the hinge", answer[0]), -b / w, {
            "z = w x + b is 0 at -b/w, the sign is missing": b / w,
            "Solve w x + b = 0 for x: the bias is divided by the weight": -w / b,
            "Both are turned round: solve w x + b = 0 for x": w / b,
            "That is z at the left end, not the x where z is 0": w * low + b,
            "That is where the axis x = 0 is met": b,
        })  # fmt: skip
        _judge_kind(answer[1], w, b, low, high)


def _judge_kind(kind, w, b, low, high):
    if not isinstance(kind, str) or kind not in _KINDS:
        raise Hint(f"The kind should be 'dead', 'bends' or 'always on', got {say(kind)}.")
    ends = np.array([w * low + b, w * high + b])
    right = "dead" if (ends <= 0).all() else "always on" if (ends > 0).all() else "bends"
    if kind != right:
        raise Hint(
            f"w = {w:g}, b = {b:g}: z goes from {ends[0]:g} at x = {low:g} to {ends[1]:g} at "
            f"x = {high:g}, so got {kind!r}, expected {right!r}."
        )


UNIT_ON_INTERVAL = Exercise(
    key="unit_on_interval",
    title="Where a unit bends, and whether",
    task=r"""A unit $\mathrm{relu}(w x + b)$ sees data from `low` to `high`. Return the place of its
hinge, and `"dead"` if $z \le 0$ on all of the data, `"always on"` if $z > 0$ on all of them, else
`"bends"`. ($w$ is not 0. $z$ is a straight line: look at its two ends.)""",
    stub='''\
def unit_on_interval(w, b, low, high):
    """Return the hinge, and "dead", "always on" or "bends"."""
    hinge = ...
    kind = ...
    return hinge, kind
''',
    solution='''\
def unit_on_interval(w, b, low, high):
    hinge = -b / w
    z = np.array([w * low + b, w * high + b])
    kind = "dead" if np.all(z <= 0) else "always on" if np.all(z > 0) else "bends"
    return hinge, kind
''',
    judge=_judge_unit_on_interval,
    praise="A hinge outside of the data says dead or always on; the sign of w says which.",
)


# --- The gradient of one unit -------------------------------------------------------------------


def _judge_unit_gradient(attempt):
    for X, w, b, da in _gradients():
        got = arrays(attempt(X, w, b, da), {"dw": w.shape, "db": ()})
        what = "a dead unit" if (X @ w + b <= 0).all() else "a unit"
        wrong = _wrong_gradients(X, w, b, da)
        for k, (name, part, right) in enumerate(
            zip(("dw", "db"), got, _gradient(X, w, b, da), strict=True)
        ):
            known = {sentence: parts[k] for sentence, parts in wrong.items()}
            same(f"{name} of {what}", part, right, known)


def _gradient(X, w, b, da, slope=lambda z: z > 0):
    dz = da * slope(X @ w + b)
    return X.T @ dz, dz.sum()


def _wrong_gradients(X, w, b, da):
    right, n = _gradient(X, w, b, da), len(X)
    return {
        "f' is missing: where z <= 0 nothing comes through": _gradient(
            X, w, b, da, lambda z: 1.0
        ),
        "f' is 1 where z > 0, not where z <= 0": _gradient(X, w, b, da, lambda z: z <= 0),
        "That multiplies by f(z), it takes the slope f'(z)": _gradient(X, w, b, da, RELU.f),
        "The slope at z = 0 counts as 0 here": _gradient(X, w, b, da, lambda z: z >= 0),
        "Sum over the examples: the mean is in da already": (right[0] / n, right[1] / n),
        "The bias is left out of z": _gradient(X, w, 0.0, da),
        "That is a leak: below zero ReLU has slope 0, not 0.01": _gradient(
            X, w, b, da, lambda z: np.where(z > 0, 1, 0.01)
        ),
        "That is the step, the gradient with a minus": (-right[0], -right[1]),
    }


UNIT_GRADIENT = Exercise(
    key="unit_gradient",
    title="Why exactly zero",
    task=r"""One ReLU unit, $z = x \cdot w + b$ and $a = \mathrm{relu}(z)$, for a batch `X` (a row
per example). `da` holds $\partial L / \partial a$ for each example. Return the gradients of $L$
with respect to $w$ and $b$, and see what they are for a unit with $z \le 0$ everywhere.""",
    stub='''\
def unit_gradient(X, w, b, da):
    """Return dL/dw (like w) and dL/db (a number)."""
    z = X @ w + b
    dz = ...
    return ..., ...
''',
    solution='''\
def unit_gradient(X, w, b, da):
    z = X @ w + b
    dz = da * (z > 0)
    return X.T @ dz, dz.sum()
''',
    judge=_judge_unit_gradient,
    praise="A sum of zeros: not small but exactly 0, so plain gradient descent moves nothing.",
)


# --- Wake one up --------------------------------------------------------------------------------


def _judge_wake_up(attempt):
    for z, k in _SLEEPERS:
        shift = number("the shift", attempt(z, k))
        on = int((z + shift > 0).sum())
        if on != k:
            raise Hint(f"{_why_not(z, k, shift)}: shift {shift:.6g} gives {on}, expected {k}.")


def _why_not(z, k, shift):
    order = np.sort(z)[::-1]
    known = {
        "z = 0 is still zero, go a little farther": -order[k - 1],
        "The sign is wrong, z has to rise": order[k - 1],
        "With the smallest z above 0 all the examples are": -order[-1],
        "Half of the examples is not what is asked": -np.median(z),
        "The mean of z says nothing about a number of examples": -z.mean(),
        "The largest z is that of one example": -order[0],
    }
    for sentence, wrong in known.items():
        if np.isclose(shift, wrong, rtol=0, atol=1e-6):
            return sentence
    return "Too many examples are on" if (z + shift > 0).sum() > k else "Too few examples are on"


WAKE_UP = Exercise(
    key="wake_up",
    title="Wake a unit up",
    task=r"""`z` are the pre-activations of a dead first-layer unit, one for each training example,
all different and none above 0. No gradient will ever move it, but you may. Return a number to add
to its bias, so that the unit is on for exactly `k` of the examples.""",
    stub='''\
def wake_up(z, k):
    """Return what to add to the bias so that z > 0 for exactly k examples."""
    return ...
''',
    solution='''\
def wake_up(z, k):
    """Halfway between the k-th largest z and the next one below it (or a bit below the last)."""
    z = np.append(np.sort(z)[::-1], z.min() - 1)
    return -(z[k - 1] + z[k]) / 2
''',
    judge=_judge_wake_up,
    praise="Now the gradient of these examples moves it again; without you it never would.",
)


# --- The net whose units are all dead -----------------------------------------------------------


def _judge_dead_net(attempt):
    for Y, classes in _LABELS:
        got = arrays(attempt(Y, classes), {"p": (classes,), "loss": ()})
        right, wrong = _prior(Y, classes), _wrong_priors(Y, classes)
        for k, (name, part) in enumerate(zip(("p", "the loss"), got, strict=True)):
            known = {sentence: parts[k] for sentence, parts in wrong.items()
                     if parts[k] is not None}  # fmt: skip
            same(f"{name} for {classes} classes", part, right[k], known)


def _prior(Y, classes):
    p = np.bincount(Y, minlength=classes) / len(Y)
    return p, -np.sum(p[p > 0] * np.log(p[p > 0]))


def _wrong_priors(Y, classes):
    p, loss = _prior(Y, classes)
    most = (np.arange(classes) == p.argmax()).astype(float)
    return {
        "Those are the numbers of the examples, divide by how many there are": (p * len(Y), None),
        "All classes alike: but the output bias learns how common each is": (
            np.full(classes, 1 / classes), log(classes)
        ),
        "All on the most common class costs an infinite loss for the others": (most, None),
        "That is log p, the output before softmax": (np.log(np.maximum(p, 1e-300)), None),
        "The minus is missing, log p is negative": (None, -loss),
        "That is in bits, the loss takes the natural logarithm": (None, loss / log(2)),
        "Sum over the classes, do not take the mean": (None, loss / classes),
        "That is the loss on the most common class alone": (None, -log(p.max())),
        "Weight each class by how common it is": (None, -np.log(p[p > 0]).sum()),
        "The mean over examples, not the sum": (None, loss * len(Y)),
        "That is the share of wrong answers, not the loss": (None, 1 - p.max()),
    }  # fmt: skip


DEAD_NET = Exercise(
    key="dead_net",
    title="What a dead net says",
    task=r"""All hidden units are dead on all the data, so the output is the same for every input,
and only the output bias learns. Training brings the cross-entropy
$L = -\frac1n \sum_i \ln p_{y_i}$ to its minimum. Return the probabilities $p$ (softmax of the
output) it ends with, and that minimum, for the labels `Y` (whole numbers below `classes`). A class
may be absent.""",
    stub='''\
def dead_net(Y, classes):
    """Return p (classes,) and the loss of the best constant output."""
    p = ...
    loss = ...
    return p, loss
''',
    solution='''\
def dead_net(Y, classes):
    p = np.bincount(Y, minlength=classes) / len(Y)
    loss = -np.mean(np.log(p[Y]))
    return p, loss
''',
    judge=_judge_dead_net,
    praise="If your loss stands still at the entropy of the labels, nothing gets through the net.",
)


# --- Born dead ----------------------------------------------------------------------------------


def _judge_silent_net(attempt):
    for n, depth in ((2, 9), (5, 20), (1, 1)):
        p = number("the probability", attempt(n, depth))
        case = f"the probability for {depth} layers of {n}"
        same(case, p, 1 - (1 - 0.5**n) ** depth, _wrong_probabilities(n, depth))


def _wrong_probabilities(n, depth):
    p = 0.5**n
    return {
        "That is the probability that no layer is silent": (1 - p) ** depth,
        "One silent layer is enough, they need not be silent all at once": p**depth,
        "That is one layer, but there are more chances": p,
        "Probabilities of events that can happen together do not add up": depth * p,
        "Width and depth are exchanged": 1 - (1 - 0.5**depth) ** n,
        "A layer is silent if all its units are zero, 2^-n, not if one is": 1 - 0.5**depth,
        "One layer too few": 1 - (1 - p) ** (depth - 1),
        "One layer too many": 1 - (1 - p) ** (depth + 1),
        "That is a unit, a layer has n of them": 0.5,
    }


SILENT_NET = Exercise(
    key="silent_net",
    title="Silent from birth",
    task=r"""Weights symmetric around 0, no biases: for a given input each ReLU unit is zero with
probability 1/2, independently of the others in its layer. If *all* $n$ units of a layer are zero,
the signal ends there. Return the probability that this happens somewhere in `depth` hidden layers
of `n` units. (It is enough to count layers up to the first silent one.)""",
    stub='''\
def silent_net(n, depth):
    """Return the probability that at least one of the layers is all zero for this input."""
    return ...
''',
    solution='''\
def silent_net(n, depth):
    """1 - (probability that every layer has at least one unit that is on)."""
    return 1 - (1 - 2.0**-n) ** depth
''',
    judge=_judge_silent_net,
    praise="For all inputs at once it is an upper bound, that of Lu et al. (2019).",
)


def _judge_safe_width(attempt):
    for depth, delta in ((100, 0.05), (9, 0.01), (1000, 0.001), (1, 0.5)):
        n = number("the width", attempt(depth, delta))
        right = _safe(depth, delta)
        if n != right:
            raise Hint(_about_width(n, right, depth, delta))


def _safe(depth, delta):
    return next(n for n in range(1, 60) if 1 - (1 - 0.5**n) ** depth <= delta)


def _about_width(n, right, depth, delta):
    case = f"for {depth} layers and delta = {delta:g} it is {n:g}, expected {right}"
    for sentence, wrong in _wrong_widths(depth, delta, right).items():
        if np.isclose(n, wrong, rtol=1e-9, atol=1e-9):
            return f"{sentence}: {case}."
    if n != round(n):
        return f"A width is a whole number: {case}."
    risk = 1 - (1 - 0.5 ** min(max(n, 0), 60)) ** depth
    word = "Too narrow" if n < right else "Safe, but not the smallest"
    return f"{word}, {risk:.3g} of these nets are silent: {case}."


def _wrong_widths(depth, delta, right):
    exact = -log2(1 - (1 - delta) ** (1 / depth))
    return {
        "Round up, below the exact value the risk is above delta": exact,
        "One unit too few": right - 1,
        "That is safe, but one unit more than is needed": right + 1,
        "Take the logarithm to the base 2": ceil(exact * log(2)),
        "Depth counts as well, each layer is another chance to fall silent": ceil(-log2(delta)),
        "It is log2(depth / delta), the smaller delta the wider": ceil(log2(depth * delta)),
        "The width grows with the logarithm of depth / delta only": ceil(depth / delta),
        "That is a depth that a width could bear, asked is the width": delta * 2.0**depth
        if depth < 1000
        else np.inf,
    }


SAFE_WIDTH = Exercise(
    key="safe_width",
    title="How wide is safe?",
    task=r"""At most a share `delta` of the nets may be silent for a given input. What is the
smallest width $n$ that does it, for `depth` hidden layers of $n$ units? (The formula of the last
exercise, solved for $n$; or a loop.)""",
    stub='''\
def safe_width(depth, delta):
    """Return the smallest whole n with 1 - (1 - 2^-n)^depth <= delta."""
    return ...
''',
    solution='''\
def safe_width(depth, delta):
    """About log2(depth / delta): depth may grow like 2^n, n only has to follow its logarithm."""
    n = 1
    while 1 - (1 - 2.0**-n) ** depth > delta:
        n = n + 1
    return n
''',
    judge=_judge_safe_width,
    praise="Twice as deep takes one unit more per layer: width is the cheap insurance.",
)


EXERCISES = (
    THREE_COUNTERS, UNIT_ON_INTERVAL, UNIT_GRADIENT, WAKE_UP, DEAD_NET, SILENT_NET, SAFE_WIDTH,
)


# --- Cases --------------------------------------------------------------------------------------

_UNITS = (
    (2.0, -3.0, -1.0, 1.0), (-2.0, 3.0, -1.0, 1.0), (-2.0, -3.0, -1.0, 1.0), (2.0, 3.0, -1.0, 1.0),
    (1.5, 0.3, -1.0, 1.0), (-1.5, 0.3, -1.0, 1.0), (1.0, -2.5, 1.0, 2.0), (-1.0, 0.5, 1.0, 2.0),
    (1.0, -2.0, 1.0, 2.0), (-0.5, 2.0, 1.0, 2.0),
)  # fmt: skip
_SLEEPERS = (
    (np.array([-0.3, -2.0, -1.1, -0.7, -3.2]), 2),
    (np.array([-5.0, -1.0, -4.0]), 1),
    (np.array([-0.01, -0.5, -0.2, -0.02]), 4),
)
_LABELS = (
    (np.array([0, 2, 1, 0, 0, 2, 0, 1]), 3),
    (np.array([3, 3, 1, 3, 1, 1, 3, 3, 3, 3]), 4),
)


def _counted():
    """Layers of 8 units with 20 examples, in which the three numbers differ, and z = 0 occurs."""
    for seed, batch in ((1, 5), (2, 6)):
        rng = np.random.default_rng(seed)
        Z = np.round(rng.standard_normal((20, 8)) - np.linspace(-0.5, 3.5, 8), 1)
        Z[:, 7] -= 3  # dead on all the data
        Z[:, 6] -= 3
        Z[3, 6] = 0.0  # ... with a z that is exactly 0
        Z[:batch, 5], Z[-1, 5] = -1.0, 0.5  # dead on the batch only
        Z[1, 4], Z[batch:, 4] = 0.5, -1.0  # on in the batch, and never again
        yield Z, batch


def _gradients():
    """A unit that is on for some examples, with a z of exactly 0, and a dead one."""
    rng = np.random.default_rng(1)
    X, da = np.round(rng.standard_normal((6, 2)), 1), rng.standard_normal(6)
    w = np.array([1.0, -0.5])
    b = 0.4
    X[2] = [0.1, 1.0]  # z = 0
    yield X, w, b, da
    yield X, w, -10.0, da
