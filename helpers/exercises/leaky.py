"""The exercises of notebook 05: leaks, bends and tangents below zero, and a fair comparison.

In the notebook an exercise is two cells: the stub with the check as its last line, and the
solution, collapsed, whose last line asserts that it is right.

Each judge tries the learner's function on small cases and raises the Hint that fits: first the
mistakes that this exercise is known for, then whatever else is wrong.
"""

from math import sqrt

import numpy as np

from helpers.activations import ELU, IDENTITY, RELU, SELU, SIGMOID, TANH, elu, leaky_relu
from helpers.grading import Exercise, Hint, array, arrays, number, same, say

# --- A leak with any slope ----------------------------------------------------------------------


def _judge_leaky_any(attempt):
    for a in (0.1, 1.5, -1.0):
        f = array("f", attempt(_LEAKY_Z, a), _LEAKY_Z.shape)
        same(f"f for slope {a:g}", f, leaky_relu(a)(_LEAKY_Z), _wrong_leaks(_LEAKY_Z, a))


def _wrong_leaks(z, a):
    above, below = np.maximum(z, 0), np.minimum(z, 0)
    return {
        "max(a z, z) takes the wrong one of the two where a > 1": np.maximum(a * z, z),
        "Slope 1 belongs above zero and slope a below": a * above + below,
        "That is the ReLU, nothing is left of a z below zero": above,
        "Above zero the slope has become 1 + a": above + a * z,
        "A slope below 0 is allowed, its sign counts": above + abs(a) * below,
        "Below zero z is negative already, there is a minus too much": above - a * below,
        "Below zero that is the number a, it has to be a times z": np.where(z > 0, z, a),
        "That is a straight line, slope a belongs below zero only": a * z,
        "That is the slope, not the function": np.where(z > 0, 1.0, a),
        "A slope above 1 is allowed, it must not be cut off": above + np.clip(a, 0, 1) * below,
    }


LEAKY_ANY = Exercise(
    key="leaky_any",
    title="A leak with any slope",
    task=r"""Slope 1 above zero and slope $a$ below, for an array `z` and *every* number $a$, also
above 1 and below 0. (A slope that is learned goes where it likes.)""",
    stub='''\
def leaky_any(z, a):
    """Return the leaky ReLU of every entry of z, with slope a below zero."""
    return ...
''',
    solution='''\
def leaky_any(z, a):
    return np.maximum(z, 0) + a * np.minimum(z, 0)
''',
    judge=_judge_leaky_any,
    praise="Slope -1 is |z|, slope 1 no bend at all; max(a z, z) would be wrong for a > 1.",
)


# --- ELU for every input ------------------------------------------------------------------------


def _judge_elu_pair(attempt):
    for z, alpha in _ELU_CASES:
        act = elu(alpha)
        got = arrays(_without_overflow(attempt, z, alpha), {"f": z.shape, "df": z.shape})
        case = f"of z = {say(z)}, alpha = {alpha:g},"
        same(f"f {case}", got[0], act(z), _wrong_elus(z, alpha))
        same(f"df {case}", got[1], act.df(z), _wrong_slopes(z, alpha))


def _without_overflow(attempt, *given):
    """The answer; where a number overflows on the way to it, a Hint."""
    try:
        with np.errstate(over="raise", invalid="raise"):
            return attempt(*given)
    except Hint as hint:
        if "FloatingPointError" not in str(hint):
            raise
    raise Hint(
        "Some exponential overflows at z = 1000, although that z does not need it: np.where "
        "computes both of its sides, so hand min(z, 0) to np.exp."
    )


def _wrong_elus(z, alpha):
    above, m = np.maximum(z, 0), np.exp(np.minimum(z, 0))
    return {
        "alpha is missing below zero": ELU(z),
        "The - 1 is missing, f has to be 0 at 0": np.where(z > 0, z, alpha * m),
        "alpha multiplies the whole of e^z - 1": np.where(z > 0, z, alpha * m - 1),
        "alpha belongs below zero only": alpha * ELU(z),
        "That is the ReLU": above,
        "Below zero the sign is wrong": above - alpha * (m - 1),
    }


def _wrong_slopes(z, alpha):
    f = elu(alpha)(z)
    return {
        "f + alpha is the slope below zero, above it is 1": f + alpha,
        "That is f itself, below zero alpha has to be added": np.where(z > 0, 1, f),
        "f + 1 is right for alpha = 1 only": np.where(z > 0, 1, f + 1),
        "Above zero the slope is 1, not 0": np.where(z > 0, 0, f + alpha),
        "That is the slope of ReLU": np.where(z > 0, 1.0, 0.0),
        "The derivative of alpha e^z has the alpha in it": np.where(z > 0, 1, f / alpha + 1),
        "alpha has to be added to f, not subtracted": np.where(z > 0, 1, f - alpha),
    }


ELU_PAIR = Exercise(
    key="elu_pair",
    title="ELU for every input",
    task=r"""ELU is $z$ above zero and $\alpha\,(e^z - 1)$ below. Return $f(z)$ and $f'(z)$ for an
array `z`, without an overflow at $z = 1000$. Below zero no second exponential is needed: the slope
follows from the value.""",
    stub='''\
def elu_pair(z, alpha):
    """Return f(z) and f'(z) of ELU, both like z."""
    f = ...
    df = ...
    return f, df
''',
    solution='''\
def elu_pair(z, alpha):
    """Below zero f + alpha is alpha e^z, and that is the slope."""
    f = np.where(z > 0, z, alpha * (np.exp(np.minimum(z, 0)) - 1))
    df = np.where(z > 0, 1, f + alpha)
    return f, df
''',
    judge=_judge_elu_pair,
    praise="Below zero f' = f + alpha; with alpha = 1 there is no jump in the slope.",
)


# --- Several activations in one layer -----------------------------------------------------------


def _judge_mixed_layer(attempt):
    for Z, functions in _MIXED:
        A = array("A", attempt(Z, functions), Z.shape)
        case = f"A for {len(functions)} functions"
        same(case, A, _mixed(Z, functions), _wrong_mixtures(Z, functions))


def _mixed(Z, functions, axis=-1):
    parts = np.array_split(Z, len(functions), axis)
    return np.concatenate([f(part) for f, part in zip(functions, parts, strict=True)], axis)


def _wrong_mixtures(Z, functions):
    everywhere = np.array([f(Z) for f in functions])
    return {
        "Units are columns, that divides up the examples": _mixed(Z, functions, axis=0),
        "Neighbours belong together, that deals the functions out in turns": _in_turns(
            everywhere
        ),
        "The order is turned round, the first function is for the first units": _mixed(
            Z, functions[::-1]
        ),
        "That is the mean of the functions, each unit has one of them": everywhere.mean(0),
        "That is the sum of the functions, each unit has one of them": everywhere.sum(0),
        "That is the largest of the functions, each unit has one of them": everywhere.max(0),
        "That is one function for all units, the first": everywhere[0],
        "That is one function for all units, the last": everywhere[-1],
        "That sends every unit through all functions": _one_after_another(Z, functions),
    }


def _in_turns(everywhere):
    A = everywhere[0].copy()
    for k, one in enumerate(everywhere):
        A[:, k :: len(everywhere)] = one[:, k :: len(everywhere)]
    return A


def _one_after_another(Z, functions):
    for f in functions:
        Z = f(Z)
    return Z


MIXED_LAYER = Exercise(
    key="mixed_layer",
    title="A layer of thirds",
    task=r"""Nobody says that all units of a layer need the same activation. `functions` is a list
of $k$ functions, `Z` has a row per example and a column per unit, and $k$ divides the number of
units. The first $1/k$ of the units has the first function, the next $1/k$ the second, and so on.
Return the activations `A`, like `Z`.""",
    stub='''\
def mixed_layer(Z, functions):
    """Return A, like Z: consecutive parts of the units, each with its own function."""
    return ...
''',
    solution='''\
def mixed_layer(Z, functions):
    parts = np.split(Z, len(functions), axis=1)
    return np.concatenate([f(part) for f, part in zip(functions, parts)], axis=1)
''',
    judge=_judge_mixed_layer,
    praise="Backwards it is the same cut with the derivatives; the weights need not know of it.",
)


# --- He's weights and a leak --------------------------------------------------------------------


def _judge_he_on_leaky(attempt):
    for a, layers in ((0.3, 30), (-0.5, 4), (0.0, 7)):
        factor = number("the factor", attempt(a, layers))
        case = f"the factor for slope {a:g} and {layers} layers"
        same(case, factor, (1 + a * a) ** layers, _wrong_factors(a, layers))


def _wrong_factors(a, n):
    one = 1 + a * a
    return {
        "He's rule keeps E z^2 behind a ReLU, a leak lets more through": 1.0,
        "That is with weights of variance 1/n, He's have 2/n": (one / 2) ** n,
        "The slope has to be squared": (1 + a) ** n,
        "Factors multiply from layer to layer, they do not add up": n * one,
        "That is one layer only": one,
        "That is the size of z, asked is E z^2": one ** (n / 2),
        "That is 1 / the right value": one**-n,
        "One layer too few": one ** (n - 1),
        "One layer too many": one ** (n + 1),
        "That is what the lower half alone would do": a ** (2 * n),
        "Half of E z^2 comes from above zero, and He's 2 makes it a whole": (0.5 + a * a) ** n,
    }


HE_ON_LEAKY = Exercise(
    key="he_on_leaky",
    title="He's weights, and a leak",
    task=r"""He's rule draws weights of variance $2/n$ for $n$ inputs, so that $E z^2$ stays the
same behind ReLU. Now the activation is a leaky ReLU with the given `slope`. By which factor has
$E z^2$ changed after so many `layers`? (One layer: $E z'^2 = 2\, E f(z)^2$, and a half of $E z^2$
lies on either side of zero.)""",
    stub='''\
def he_on_leaky(slope, layers):
    """Return E z^2 after the layers, divided by E z^2 before."""
    return ...
''',
    solution='''\
def he_on_leaky(slope, layers):
    """E f^2 = (1 + slope^2) / 2 of E z^2, and He's weights double it."""
    return (1 + slope**2) ** layers
''',
    judge=_judge_he_on_leaky,
    praise="30 layers: 1.003 for slope 0.01, but 13.3 for slope 0.3, which needs its own gain.",
)


# --- The gradient of a slope --------------------------------------------------------------------


def _judge_slope_gradient(attempt):
    for Z, a, dA in _SLOPE_CASES:
        dZ, da = arrays(attempt(Z, a, dA), {"dZ": Z.shape, "da": ()})
        wrong_dZ, wrong_da = _wrong_slope_gradients(Z, a, dA)
        same(f"dZ for slope {a:g}", dZ, dA * np.where(Z > 0, 1, a), wrong_dZ)
        same(f"da for slope {a:g}", da, np.sum(dA * np.minimum(Z, 0)), wrong_da)


def _wrong_slope_gradients(Z, a, dA):
    below, da = np.minimum(Z, 0), np.sum(dA * np.minimum(Z, 0))
    dZ = {
        "Below zero f' is the slope a, not 0": dA * (Z > 0),
        "f' is 1 above zero and a below, that is the other way round": dA * np.where(Z > 0, a, 1),
        "f' is missing": dA,
        "That multiplies by f(z), it takes the slope f'(z)": dA * leaky_relu(a)(Z),
        "dA is missing, that is f' alone": np.where(Z > 0, 1.0, a),
    }
    return dZ, {
        "Sum over units and examples, they share one slope": da / Z.size,
        "Sum over examples, the mean is in dA already": da / len(Z),
        "df/da is z itself below zero, not 1": np.sum(dA * (Z <= 0)),
        "Above zero f does not depend on the slope": np.sum(dA * Z),
        "The slope acts below zero, not above": np.sum(dA * np.maximum(Z, 0)),
        "dA is missing, that is the sum of df/da": np.sum(below),
        "f is linear in the slope, so the slope is not in df/da": a * da,
        "Below zero z is negative, and so is df/da": -da,
    }


SLOPE_GRADIENT = Exercise(
    key="slope_gradient",
    title="The gradient of a slope",
    task=r"""PReLU: $f(z) = \max(z, 0) + a\,\min(z, 0)$ with one slope $a$ for all units of the
layer, which is learned. `Z` holds the pre-activations (a row per example), `dA` the gradient of
the loss with respect to $f(z)$, entry by entry. Return its gradients with respect to `Z` and to
$a$.""",
    stub='''\
def slope_gradient(Z, a, dA):
    """Return dL/dZ (like Z) and dL/da (a number)."""
    dZ = ...
    da = ...
    return dZ, da
''',
    solution='''\
def slope_gradient(Z, a, dA):
    dZ = dA * np.where(Z > 0, 1, a)
    da = np.sum(dA * np.minimum(Z, 0))
    return dZ, da
''',
    judge=_judge_slope_gradient,
    praise="Where all z are above zero the slope gets no gradient, as it has nothing to say there.",
)


# --- Backwards with a lie -----------------------------------------------------------------------


def _judge_surrogate_pass(attempt):
    for Z, W, delta, s in _LIES:
        shapes = {"dW": W.shape, "dZ": Z.shape}
        dW, dZ = arrays(attempt(Z, W, delta, s), shapes)
        wrong_dW, wrong_dZ = _wrong_lies(Z, W, delta, s)
        same("dW", dW, RELU(Z).T @ delta, wrong_dW)
        same("dZ", dZ, delta @ W.T * np.where(Z > 0, 1, s), wrong_dZ)


def _wrong_lies(Z, W, delta, s):
    back = delta @ W.T
    dW = {
        "Forwards nothing leaks: W has seen ReLU's values": leaky_relu(s)(Z).T @ delta,
        "W has seen f(z), not z": Z.T @ delta,
        "The false slope is no part of dW": (RELU(Z) * np.where(Z > 0, 1, s) + s * (Z <= 0)).T
        @ delta,
        "Sum over the examples, the mean is in delta already": RELU(Z).T @ delta / len(Z),
    }
    return dW, {
        "That is the true slope, below zero it is to be s": back * (Z > 0),
        "Above zero the slope stays 1": back * s,
        "The slope is 1 above zero and s below, not the other way round": back
        * np.where(Z > 0, s, 1),
        "A slope is missing, the gradient has gone through W only": back,
        "That multiplies by f(z), it takes a slope": back * RELU(Z),
        "W is transposed on the way back": delta @ W * np.where(Z > 0, 1, s)
        if W.shape[0] == W.shape[1]
        else None,
        "Below zero s multiplies the gradient, it does not replace it": np.where(Z > 0, back, s),
    }


SURROGATE_PASS = Exercise(
    key="surrogate_pass",
    title="Backwards with a lie",
    task=r"""Forwards $a = \mathrm{relu}(z)$ and then $z_2 = a\,W$, as ever. Backwards the slope of
ReLU is said to be $s$ where $z \le 0$. `Z` are the pre-activations of the layer, `delta` is
$\partial L / \partial z_2$ (a row per example). Return the gradient with respect to $W$, and the
false one with respect to $z$.""",
    stub='''\
def surrogate_pass(Z, W, delta, s):
    """Return dL/dW (like W) and the surrogate gradient of z (like Z)."""
    dW = ...
    dZ = ...
    return dW, dZ
''',
    solution='''\
def surrogate_pass(Z, W, delta, s):
    dW = np.maximum(Z, 0).T @ delta
    dZ = delta @ W.T * np.where(Z > 0, 1, s)
    return dW, dZ
''',
    judge=_judge_surrogate_pass,
    praise="dW is true, only what goes on to the layer before is made up.",
)


# --- The largest tangent ------------------------------------------------------------------------


def _judge_largest_tangent(attempt):
    for name, f, df, m, x in _CONVEX:
        y = array("the maximum", attempt(f, df, m, x), x.shape)
        right = _tangents(f, df, m, x).max(0)
        same(f"the maximum for {name}", y, right, _wrong_tangents(f, df, m, x))


def _tangents(f, df, m, x):
    """Values (k, n) of the tangents in m (k,) at x (n,)."""
    return f(m)[:, None] + df(m)[:, None] * (x - m[:, None])


def _wrong_tangents(f, df, m, x):
    lines = _tangents(f, df, m, x)
    through_0 = df(m)[:, None] * x
    return {
        "That is the function, asked is the largest of its tangents": f(x),
        "The largest one, not the smallest": lines.min(0),
        "The largest one, not the mean of all": lines.mean(0),
        "The largest one, not the sum of all": lines.sum(0),
        "Those lines go through 0, not through the function in m": through_0.max(0),
        "The tangent in m leaves from m: slope times x - m": (f(m)[:, None] + through_0).max(0),
        "The height of the function in m is missing": (lines - f(m)[:, None]).max(0),
        "The slope is wanted in m, not in x": (
            f(m)[:, None] + df(x) * (x - m[:, None])
        ).max(0),
        "That is the number of the largest tangent, asked is its value": lines.argmax(0) * 1.0,
        "The tangent of the nearest m need not be the largest": lines[
            np.abs(x - m[:, None]).argmin(0), np.arange(len(x))
        ],
        "Nothing holds the maximum above zero": np.maximum(lines.max(0), 0),
    }  # fmt: skip


LARGEST_TANGENT = Exercise(
    key="largest_tangent",
    title="Maxout from tangents",
    task=r"""A maxout unit hands on the largest of $k$ straight lines. Let these be the tangents of
a convex function `f` (derivative `df`) in the $k$ places `m`, and return the value of the unit at
every `x`: an array like `x`. `f` and `df` take arrays.""",
    stub='''\
def largest_tangent(f, df, m, x):
    """Return the largest tangent at every x: m has shape (k,), x and the answer (n,)."""
    lines = ...  # a row for every tangent, a column for every x
    return ...
''',
    solution='''\
def largest_tangent(f, df, m, x):
    m = m[:, None]
    lines = f(m) + df(m) * (x - m)
    return lines.max(axis=0)
''',
    judge=_judge_largest_tangent,
    praise="It never lies above a convex function, and touches it in every m.",
)


# --- Two constants from two wishes --------------------------------------------------------------


def _judge_selu_constants(attempt):
    for name, z, p in _DISTRIBUTIONS:
        got = arrays(attempt(z, p), {"alpha": (), "scale": ()})
        right, wrong = _constants(z, p), _wrong_constants(z, p)
        for k, part in enumerate(("alpha", "scale")):
            known = {sentence: parts[k] for sentence, parts in wrong.items()}
            same(f"{part} for {name}", got[k], right[k], known)


def _constants(z, p, f=lambda z, alpha: elu(alpha)(z)):
    alpha = -(p @ RELU(z)) / (p @ np.expm1(np.minimum(z, 0)))
    return alpha, 1 / sqrt(p @ f(z, alpha) ** 2)


def _wrong_constants(z, p):
    alpha, scale = _constants(z, p)
    above, below = RELU(z), np.expm1(np.minimum(z, 0))
    return {
        "Those are the constants for a normal z, for these z there are others": (
            SELU(-50.0) / -SELU(1.0), SELU(1.0)
        ),
        "The half below zero is negative, alpha has to be above 0": (-alpha, np.nan),
        "That is 1 / the right value": (1 / alpha, 1 / scale),
        "Weight every z with its probability": _constants(z, np.full(len(z), 1 / len(z))),
        "e^z - 1 is for z below zero only": (-(p @ above) / (p @ np.expm1(z)), np.nan),
        "The - 1 is missing below zero": (
            (p @ above) / (p @ (np.exp(z) * (z <= 0))), np.nan
        ),
        "The mean over all z, above and below, has to be 0": (
            -(p @ above) / (p @ below) * (p @ (z <= 0)) / (p @ (z > 0)), np.nan
        ),
        "That is the square, scale multiplies f and not E f^2": (alpha**2, scale**2),
        "alpha has to be in f for E f^2 = 1": (1.0, 1 / sqrt(p @ (above + below) ** 2)),
        "E f^2 = 1, that makes E |f| = 1": (np.nan, 1 / (p @ abs(above + alpha * below))),
    }  # fmt: skip


SELU_CONSTANTS = Exercise(
    key="selu_constants",
    title="Two wishes, two constants",
    task=r"""SELU is $\lambda z$ above zero and $\lambda \alpha\,(e^z - 1)$ below, with $E f(z) = 0$
and $E f(z)^2 = 1$. Find its constants for any numbers `z` with the probabilities `p`, where a mean
is $E g(z) = \sum_i p_i\, g(z_i)$. (Which of the two wishes does not depend on $\lambda$?)""",
    stub='''\
def selu_constants(z, p):
    """Return alpha and lambda (scale) with mean 0 and second moment 1."""
    alpha = ...
    scale = ...
    return alpha, scale
''',
    solution='''\
def selu_constants(z, p):
    """E f = 0 gives alpha = -E max(z, 0) / E (e^min(z, 0) - 1), then E f^2 = 1 gives lambda."""
    above, below = np.maximum(z, 0), np.exp(np.minimum(z, 0)) - 1
    alpha = -(p @ above) / (p @ below)
    scale = 1 / np.sqrt(p @ (above + alpha * below) ** 2)
    return alpha, scale
''',
    judge=_judge_selu_constants,
    praise="With a standard normal z they are 1.6733 and 1.0507, to as many digits as you like.",
)


# --- A fair comparison --------------------------------------------------------------------------

_VERDICTS = ("leaky", "relu", "does not show")


def _judge_paired_verdict(attempt):
    for relu, leaky in _PAIRS:
        answer = attempt(relu, leaky)
        if not isinstance(answer, tuple | list) or len(answer) != 3:
            raise Hint(f"Expected 3 parts (mean, error, verdict), got {say(answer)}.")
        mean, error = number("the mean", answer[0]), number("the error", answer[1])
        case = f"for {len(relu)} seeds"
        same(f"the mean {case}", mean, np.mean(leaky - relu), _wrong_differences(relu, leaky))
        same(f"the error {case}", error, _error(leaky - relu), _wrong_errors(relu, leaky))
        _judge_verdict(answer[2], mean, error)


def _error(x):
    return np.std(x, ddof=1) / sqrt(len(x))


def _wrong_differences(relu, leaky):
    d = leaky - relu
    return {
        "Above 0 is to mean that leaky is better: leaky - relu": -d.mean(),
        "The mean over seeds, not the sum": d.sum(),
        "The mean, not the median": np.median(d),
        "The sign counts: differences up and down may cancel": abs(d).mean(),
        "That is the difference of the best ones, which is luck": leaky.max() - relu.max(),
        "That is the first seed alone": d[0],
    }


def _wrong_errors(relu, leaky):
    d = leaky - relu
    return {
        "That is the spread of one difference, the mean of n is known sqrt(n) times better": (
            np.std(d, ddof=1)
        ),
        "A sample's variance divides by n - 1": np.std(d) / sqrt(len(d)),
        "Divide the standard deviation by sqrt(n), not by n": np.std(d, ddof=1) / len(d),
        "The seeds are paired, so the spread of the differences counts": sqrt(
            _error(relu) ** 2 + _error(leaky) ** 2
        ),
        "That is the error of one of the two, the difference has its own": _error(leaky),
        "That is a variance, the error is its root": _error(d) ** 2,
        "That is two standard errors": 2 * _error(d),
    }


def _judge_verdict(verdict, mean, error):
    words = "'leaky', 'relu' or 'does not show'"
    if not isinstance(verdict, str) or verdict not in _VERDICTS:
        raise Hint(f"The verdict should be {words}, got {say(verdict)}.")
    right = "does not show" if abs(mean) <= 2 * error else "leaky" if mean > 0 else "relu"
    if verdict != right:
        raise Hint(
            f"A mean of {mean:.3f} with the standard error {error:.3f} is {mean / error:+.1f} "
            f"errors away from 0: got {verdict!r}, expected {right!r}."
        )


PAIRED_VERDICT = Exercise(
    key="paired_verdict",
    title="Who is better?",
    task=r"""`relu[i]` and `leaky[i]` are the test accuracies of two nets with the same seed $i$:
same data, same batches, same random numbers. Return the mean of the differences leaky - relu, its
standard error $s/\sqrt n$ (with $s^2 = \sum (d_i - \bar d)^2 / (n - 1)$), and the verdict:
`"leaky"` or `"relu"` if the mean is more than two standard errors away from 0, else
`"does not show"`.""",
    stub='''\
def paired_verdict(relu, leaky):
    """Return the mean difference, its standard error, and the verdict."""
    mean = ...
    error = ...
    verdict = ...
    return mean, error, verdict
''',
    solution='''\
def paired_verdict(relu, leaky):
    d = leaky - relu
    mean, error = np.mean(d), np.std(d, ddof=1) / np.sqrt(len(d))
    verdict = "does not show" if abs(mean) <= 2 * error else "leaky" if mean > 0 else "relu"
    return mean, error, verdict
''',
    judge=_judge_paired_verdict,
    praise="Pairing takes out what both have in common: good and bad luck of a seed.",
)


EXERCISES = (
    LEAKY_ANY, MIXED_LAYER, ELU_PAIR, HE_ON_LEAKY, SLOPE_GRADIENT, SURROGATE_PASS, LARGEST_TANGENT,
    PAIRED_VERDICT, SELU_CONSTANTS,
)  # fmt: skip


# --- Cases --------------------------------------------------------------------------------------

_LEAKY_Z = np.array([[-3.0, -0.5], [0.0, 0.5], [2.0, -1.0]])
_ELU_CASES = (
    (np.array([-3.0, -0.5, 0.5, 2.0]), 2.0),
    (np.array([-1000.0, -1.0, 1.0, 1000.0]), 0.5),
)


def _numbers(*shape):
    """Random numbers of both signs, always the same."""
    return np.random.default_rng(shape).standard_normal(shape)


_MIXED = (
    (_numbers(5, 6), [RELU.f, TANH.f, SIGMOID.f]),
    (_numbers(4, 4), [IDENTITY.f, RELU.f]),
)
_SLOPE_CASES = (
    (np.array([[-2.0, 1.0], [0.5, -1.0], [-0.25, 3.0]]), 0.25, _numbers(3, 2)),
    (np.array([[-1.0, -2.0], [1.5, 0.75]]), -1.5, _numbers(2, 2)),
)
_LIES = (
    (_numbers(5, 3), _numbers(3, 2), _numbers(5, 2), 0.1),
    (_numbers(4, 3), _numbers(3, 3), _numbers(4, 3), 0.5),
)
_CONVEX = (
    ("x^2", np.square, lambda x: 2 * x, np.array([-1.0, 0.5]), np.array([-2.0, 0.0, 0.25, 3.0])),
    ("e^x", np.exp, np.exp, np.array([-2.0, 0.0, 2.0]), np.array([-3.0, -1.5, 1.0, 1.2, 3.0])),
)
_DISTRIBUTIONS = (
    ("four values", np.array([-2.0, -0.5, 1.0, 1.5]), np.array([0.2, 0.2, 0.4, 0.2])),
    ("two values", np.array([-1.0, 2.0]), np.array([0.75, 0.25])),
)
_PAIRS = (
    (np.array([0.80, 0.95, 0.60, 0.90, 0.70]), np.array([0.82, 0.98, 0.63, 0.91, 0.71])),
    (np.array([0.70, 0.72, 0.74, 0.70]), np.array([0.74, 0.71, 0.76, 0.70])),
    (np.array([0.92, 0.90, 0.94]), np.array([0.90, 0.89, 0.91])),
)
