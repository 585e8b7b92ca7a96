"""The exercises of notebook 05: solutions pass, and each known mistake gets its own sentence."""

import numpy as np
import pytest
from exercise_bank import EveryExercise, cases, check_sentence, ids

from helpers import activations, mean_field
from helpers.activations import RELU, leaky_relu, surrogate
from helpers.demos import leaky as demo
from helpers.demos import selfnorm
from helpers.exercises import leaky
from helpers.exercises.leaky import EXERCISES
from helpers.network import Net

# --- The bank of wrong answers ------------------------------------------------------------------


def pos(z):
    return np.maximum(z, 0)


def neg(z):
    return np.minimum(z, 0)


def elu(z, alpha):
    return np.where(z > 0, z, alpha * np.expm1(neg(z)))


def right_slope(z, alpha):
    return np.where(z > 0, 1, alpha * np.exp(neg(z)))


def elu_f(f):
    """An elu_pair with a mistake in its value."""
    return lambda z, alpha: (f(z, alpha), right_slope(z, alpha))


def elu_df(df):
    """An elu_pair with a mistake in its slope, which is made from z, f and alpha."""
    return lambda z, alpha: (elu(z, alpha), df(z, elu(z, alpha), alpha))


def thirds(Z, functions):
    parts = np.split(Z, len(functions), axis=1)
    return np.hstack([f(part) for f, part in zip(functions, parts, strict=True)])


def each(combine):
    """A mixed_layer that combines what every function makes of everything."""
    return lambda Z, functions: combine(np.array([f(Z) for f in functions]))


def in_turns(Z, functions):
    A = Z.copy()
    for unit in range(Z.shape[1]):
        A[:, unit] = functions[unit % len(functions)](Z[:, unit])
    return A


def one_after_another(Z, functions):
    for f in functions:
        Z = f(Z)
    return Z


def right_dZ(Z, a, dA):
    return dA * np.where(Z > 0, 1, a)


def slope_da(da):
    """A slope_gradient with a mistake in da."""
    return lambda Z, a, dA: (right_dZ(Z, a, dA), da(Z, a, dA))


def slope_dZ(dZ):
    """A slope_gradient with a mistake in dZ."""
    return lambda Z, a, dA: (dZ(Z, a, dA), np.sum(dA * neg(Z)))


def lie_dW(A):
    """A surrogate_pass with a mistake in what W has seen."""
    return lambda Z, W, delta, s: (A(Z, s).T @ delta, delta @ W.T * np.where(Z > 0, 1, s))


def lie_dZ(slope, back=lambda W, delta: delta @ W.T):
    """A surrogate_pass with a mistake on its way back."""
    return lambda Z, W, delta, s: (pos(Z).T @ delta, back(W, delta) * slope(Z, s))


def lines(f, df, m, x):
    return f(m)[:, None] + df(m)[:, None] * (x - m[:, None])


def largest(line):
    """A largest_tangent with a mistake in its lines, from f(m), df(m), m and x."""

    def largest_tangent(f, df, m, x):
        m = m[:, None]
        return line(f(m), df(m), m, x).max(0)

    return largest_tangent


def of_all(combine):
    """A largest_tangent that combines the tangents in another way."""
    return lambda *given: combine(lines(*given))


def nearest(f, df, m, x):
    return np.array([f(n) + df(n) * (u - n) for u in x for n in [m[abs(m - u).argmin()]]])


def constants(above=lambda z, p: p @ pos(z), below=lambda z, p: p @ np.expm1(neg(z)),
              scale=lambda z, p, alpha: (p @ elu(z, alpha) ** 2) ** -0.5):  # fmt: skip
    """A selu_constants with a mistake in it."""

    def selu_constants(z, p):
        alpha = -above(z, p) / below(z, p)
        return alpha, scale(z, p, alpha)

    return selu_constants


def error(d):
    return np.std(d, ddof=1) / np.sqrt(len(d))


def verdict(mean, error):
    return "does not show" if abs(mean) <= 2 * error else "leaky" if mean > 0 else "relu"


def paired(mean=lambda r, a: np.mean(a - r), error=lambda r, a: error(a - r), verdict=verdict):
    """A paired_verdict with a mistake in it."""

    def paired_verdict(relu, leaky):
        found = mean(relu, leaky), error(relu, leaky)
        return (*found, verdict(*found))

    return paired_verdict


def unpaired_error(r, a):
    return np.hypot(error(r), error(a))


WRONG = {
    "leaky_any": {
        lambda z, a: np.maximum(a * z, z): "max(a z, z) takes the wrong one of the two",
        lambda z, a: np.where(z > 0, a * z, z): "Slope 1 belongs above zero",
        lambda z, a: pos(z): "That is the ReLU",
        lambda z, a: pos(z) + a * z: "the slope has become 1 + a",
        lambda z, a: np.where(z > 0, z, a * abs(z)): "there is a minus too much",
        lambda z, a: np.where(z > 0, z, a): "Below zero that is the number a",
        lambda z, a: a * z: "That is a straight line",
        lambda z, a: np.where(z > 0, 1, a): "That is the slope, not the function",
        lambda z, a: pos(z) + min(a, 1) * neg(z): "A slope above 1 is allowed",
        lambda z, a: pos(z) + abs(a) * neg(z): "A slope below 0 is allowed",
        lambda z, a: leaky_relu(a)(z).T: "f has shape (2, 3), expected (3, 2): it is transposed",
        lambda z, a: np.where(z > 0, z, np.nan): "f should hold finite numbers, got nan",
        lambda z, a: 0 * z: "f for slope 0.1 is not right yet: got",
        lambda z, a: -leaky_relu(a)(z): "f for slope 0.1 has the wrong sign",
        lambda z, a: leaky_relu(a)(z)[0]: "f has shape (2,), expected (3, 2)",
    },
    "elu_pair": {
        lambda z, alpha: (np.where(z > 0, z, alpha * (np.exp(z) - 1)), right_slope(z, alpha)): (
            "Some exponential overflows at z = 1000"
        ),
        elu_f(lambda z, alpha: elu(z, 1)): "alpha is missing below zero",
        elu_f(lambda z, alpha: np.where(z > 0, z, alpha * np.exp(neg(z)))): "The - 1 is missing",
        elu_f(lambda z, alpha: np.where(z > 0, z, alpha * np.exp(neg(z)) - 1)): (
            "alpha multiplies the whole of e^z - 1"
        ),
        elu_f(lambda z, alpha: alpha * elu(z, 1)): "alpha belongs below zero only",
        elu_f(lambda z, alpha: pos(z)): "That is the ReLU",
        elu_f(lambda z, alpha: elu(z, -alpha)): "Below zero the sign is wrong",
        elu_df(lambda z, f, alpha: f + alpha): "f + alpha is the slope below zero",
        elu_df(lambda z, f, alpha: np.where(z > 0, 1, f)): "That is f itself",
        elu_df(lambda z, f, alpha: np.where(z > 0, 1, f + 1)): "f + 1 is right for alpha = 1",
        elu_df(lambda z, f, alpha: np.where(z > 0, 0, f + alpha)): "Above zero the slope is 1",
        elu_df(lambda z, f, alpha: 1.0 * (z > 0)): "That is the slope of ReLU",
        elu_df(lambda z, f, alpha: np.exp(neg(z))): "has the alpha in it",
        elu_df(lambda z, f, alpha: np.where(z > 0, 1, f - alpha)): "to be added to f, not subtra",
        elu_df(lambda z, f, alpha: np.nan * z): "df should hold finite numbers, got nan at [0]",
        elu_df(lambda z, f, alpha: 1.0): "df has shape (), expected (4,)",
        lambda z, alpha: elu(z, alpha): "Expected 2 parts (f, df), got [-1.9004",
    },
    "mixed_layer": {
        lambda Z, fs: np.vstack(
            [f(part) for f, part in zip(fs, np.array_split(Z, len(fs)), strict=True)]
        ): "Units are columns",
        in_turns: "Neighbours belong together",
        lambda Z, fs: thirds(Z, fs[::-1]): "The order is turned round",
        each(lambda A: A.mean(0)): "That is the mean of the functions",
        each(lambda A: A.sum(0)): "That is the sum of the functions",
        each(lambda A: A.max(0)): "That is the largest of the functions",
        each(lambda A: A[0]): "one function for all units, the first",
        each(lambda A: A[-1]): "one function for all units, the last",
        one_after_another: "That sends every unit through all functions",
        each(lambda A: A): "A has shape (3, 5, 6), expected (5, 6)",
        each(np.hstack): "A has shape (5, 18), expected (5, 6)",
        lambda Z, fs: thirds(Z, fs).T: "A has shape (6, 5), expected (5, 6): it is transposed",
        lambda Z, fs: 0 * Z + 1: "A for 3 functions is not right yet: got 1",
    },
    "he_on_leaky": {
        lambda a, n: 1.0: "He's rule keeps E z^2 behind a ReLU",
        lambda a, n: ((1 + a * a) / 2) ** n: "That is with weights of variance 1/n",
        lambda a, n: (1 + a) ** n: "The slope has to be squared",
        lambda a, n: n * (1 + a * a): "Factors multiply from layer to layer",
        lambda a, n: 1 + a * a: "That is one layer only",
        lambda a, n: (1 + a * a) ** (n / 2): "That is the size of z",
        lambda a, n: (1 + a * a) ** -n: "That is 1 / the right value",
        lambda a, n: (1 + a * a) ** (n - 1): "One layer too few",
        lambda a, n: (1 + a * a) ** (n + 1): "One layer too many",
        lambda a, n: a ** (2 * n): "what the lower half alone would do",
        lambda a, n: (0.5 + a * a) ** n: "He's 2 makes it a whole",
        lambda a, n: 2.0: "The factor for slope 0.3 and 30 layers is not right yet: got 2, expec",
        lambda a, n: np.inf: "The factor should be a finite number, got inf",
        lambda a, n: np.full(n, 1 + a * a): "The factor should be one number, got an array",
    },
    "slope_gradient": {
        slope_dZ(lambda Z, a, dA: dA * (Z > 0)): "Below zero f' is the slope a, not 0",
        slope_dZ(lambda Z, a, dA: dA * np.where(Z > 0, a, 1)): "that is the other way round",
        slope_dZ(lambda Z, a, dA: dA): "f' is missing",
        slope_dZ(lambda Z, a, dA: dA * leaky_relu(a)(Z)): "That multiplies by f(z)",
        slope_dZ(lambda Z, a, dA: np.where(Z > 0, 1, a)): "dA is missing, that is f' alone",
        slope_dZ(lambda Z, a, dA: -right_dZ(Z, a, dA)): "dZ for slope 0.25 has the wrong sign",
        slope_dZ(lambda Z, a, dA: right_dZ(Z, a, dA).T): "dZ has shape (2, 3), expected (3, 2): i",
        slope_da(lambda Z, a, dA: np.mean(dA * neg(Z))): "Sum over units and examples",
        slope_da(lambda Z, a, dA: np.mean((dA * neg(Z)).sum(1))): "Sum over examples, the mean",
        slope_da(lambda Z, a, dA: dA[Z <= 0].sum()): "df/da is z itself below zero, not 1",
        slope_da(lambda Z, a, dA: np.sum(dA * Z)): "Above zero f does not depend on the slope",
        slope_da(lambda Z, a, dA: np.sum(dA * pos(Z))): "The slope acts below zero, not above",
        slope_da(lambda Z, a, dA: neg(Z).sum()): "dA is missing, that is the sum of df/da",
        slope_da(lambda Z, a, dA: a * np.sum(dA * neg(Z))): "f is linear in the slope",
        slope_da(lambda Z, a, dA: np.sum(dA * abs(neg(Z)))): "Below zero z is negative, and so",
        slope_da(lambda Z, a, dA: (dA * neg(Z)).sum(0)): "da should be one number, got [",
        slope_da(lambda Z, a, dA: np.nan): "da should be a finite number, got nan",
        slope_da(lambda Z, a, dA: 0.0): "is not right yet: got 0, expected",
    },
    "surrogate_pass": {
        lie_dW(lambda Z, s: leaky_relu(s)(Z)): "Forwards nothing leaks",
        lie_dW(lambda Z, s: Z): "W has seen f(z), not z",
        lie_dW(lambda Z, s: np.where(Z > 0, Z, s)): "The false slope is no part of dW",
        lie_dW(lambda Z, s: pos(Z) / len(Z)): "Sum over the examples",
        lie_dW(lambda Z, s: -pos(Z)): "dW has the wrong sign",
        lie_dZ(lambda Z, s: Z > 0): "That is the true slope, below zero it is to be s",
        lie_dZ(lambda Z, s: s): "Above zero the slope stays 1",
        lie_dZ(lambda Z, s: np.where(Z > 0, s, 1)): "not the other way round",
        lie_dZ(lambda Z, s: 1): "A slope is missing",
        lie_dZ(lambda Z, s: pos(Z)): "That multiplies by f(z), it takes a slope",
        lie_dZ(
            lambda Z, s: np.where(Z > 0, 1, s),
            lambda W, delta: delta @ (W if W.shape[0] == W.shape[1] else W.T),
        ): "W is transposed on the way back",
        lambda Z, W, delta, s: (pos(Z).T @ delta, np.where(Z > 0, delta @ W.T, s)): (
            "Below zero s multiplies the gradient"
        ),
        lambda Z, W, delta, s: (delta.T @ pos(Z), 0): "dW has shape (2, 3), expected (3, 2): it",
        lie_dZ(lambda Z, s: 0): "dZ is not right yet",
        lie_dZ(lambda Z, s: np.nan): "dZ should hold finite numbers, got nan",
    },
    "largest_tangent": {
        lambda f, df, m, x: f(x): "That is the function",
        of_all(lambda y: y.min(0)): "The largest one, not the smallest",
        of_all(lambda y: y.mean(0)): "The largest one, not the mean",
        of_all(lambda y: y.sum(0)): "The largest one, not the sum",
        largest(lambda f, df, m, x: df * x): "Those lines go through 0",
        largest(lambda f, df, m, x: f + df * x): "The tangent in m leaves from m",
        largest(lambda f, df, m, x: df * (x - m)): "The height of the function in m is missing",
        lambda f, df, m, x: (f(m)[:, None] + df(x) * (x - m[:, None])).max(0): "The slope is want",
        of_all(lambda y: y.argmax(0)): "That is the number of the largest tangent",
        nearest: "The tangent of the nearest m need not be the largest",
        of_all(lambda y: pos(y.max(0))): "Nothing holds the maximum above zero",
        of_all(lambda y: y): "The maximum has shape (2, 4), expected (4,)",
        of_all(lambda y: y.max(1)): "The maximum has shape (2,), expected (4,)",
        of_all(lambda y: np.max(y)): "The maximum has shape (), expected (4,)",
        of_all(lambda y: y.max(0) + 1): "The maximum for x^2 is off by a constant, +1",
        of_all(lambda y: y.max(0) * np.nan): "The maximum should hold finite numbers, got nan",
    },
    "paired_verdict": {
        paired(mean=lambda r, a: np.mean(r - a)): "Above 0 is to mean that leaky is better",
        paired(mean=lambda r, a: np.sum(a - r)): "The mean over seeds, not the sum",
        paired(mean=lambda r, a: np.median(a - r)): "The mean, not the median",
        paired(mean=lambda r, a: np.mean(abs(a - r))): "The sign counts",
        paired(mean=lambda r, a: a.max() - r.max()): "That is the difference of the best ones",
        paired(mean=lambda r, a: (a - r)[0]): "That is the first seed alone",
        paired(error=lambda r, a: np.std(a - r, ddof=1)): "That is the spread of one difference",
        paired(error=lambda r, a: np.std(a - r) / np.sqrt(len(r))): "divides by n - 1",
        paired(error=lambda r, a: np.std(a - r, ddof=1) / len(r)): "by sqrt(n), not by n",
        paired(error=unpaired_error): "The seeds are paired",
        paired(error=lambda r, a: error(a)): "That is the error of one of the two",
        paired(error=lambda r, a: error(a - r) ** 2): "That is a variance",
        paired(error=lambda r, a: 2 * error(a - r)): "That is two standard errors",
        paired(error=lambda r, a: 0.0): "The error for 5 seeds is not right yet: got 0, expected",
        paired(verdict=lambda m, e: "leaky" if m > 0 else "relu"): "is +1.1 errors away from 0: go",
        paired(verdict=lambda m, e: "leaky" if abs(m) > 2 * e else "does not show"): (
            "is -3.5 errors away from 0: got 'leaky', expected 'relu'"
        ),
        paired(verdict=lambda m, e: "does not show"): "+4.5 errors away from 0: got 'does not sh",
        paired(verdict=lambda m, e: "better"): "The verdict should be 'leaky', 'relu' or",
        paired(verdict=lambda m, e: True): "or 'does not show', got True",
        lambda r, a: a - r: "Expected 3 parts (mean, error, verdict), got [0.02 0.03 0.03",
        paired(mean=lambda r, a: a - r, verdict=lambda m, e: ""): "The mean should be one number",
    },
    "selu_constants": {
        lambda z, p: (selfnorm.ALPHA, selfnorm.LAMBDA): "Those are the constants for a normal z",
        lambda z, p: (-constants()(z, p)[0], 1.0): "alpha has to be above 0",
        lambda z, p: (1 / constants()(z, p)[0], 1.0): "That is 1 / the right value",
        lambda z, p: constants()(z, np.ones(len(z)) / len(z)): "Weight every z with its probab",
        constants(below=lambda z, p: p @ np.expm1(z)): "e^z - 1 is for z below zero only",
        constants(below=lambda z, p: -p @ (np.exp(z) * (z < 0))): "The - 1 is missing below zero",
        constants(
            above=lambda z, p: (p * (z > 0) / p[z > 0].sum()) @ z,
            below=lambda z, p: (p * (z < 0) / p[z < 0].sum()) @ np.expm1(neg(z)),
        ): "The mean over all z, above and below, has to be 0",
        constants(scale=lambda z, p, alpha: 1 / (p @ elu(z, alpha) ** 2)): "That is the square",
        constants(scale=lambda z, p, alpha: (p @ elu(z, 1) ** 2) ** -0.5): "alpha has to be in f",
        constants(scale=lambda z, p, alpha: 1 / (p @ abs(elu(z, alpha)))): "that makes E |f| = 1",
        constants(scale=lambda z, p, alpha: 2.0): "scale for four values is not right yet: got 2",
        constants(scale=lambda z, p, alpha: np.nan): "scale should be a finite number, got nan",
        lambda z, p: constants()(z, p)[::-1]: "alpha for four values is not right yet",
        lambda z, p: constants()(z, p)[0]: "Expected 2 parts (alpha, scale), got 2.78",
        lambda z, p: (p * z, 1.0): "alpha should be one number, got [-0.4 -0.1 0.4 0.3]",
    },
}


@pytest.mark.parametrize("exercise", EXERCISES, ids=ids)
class TestEveryExercise(EveryExercise):
    module, wrong, notebook = leaky, WRONG, "05_leaky_variants"


@pytest.mark.parametrize("exercise, wrong, words", cases(EXERCISES, WRONG))
def test_each_mistake_gets_its_own_helpful_sentence(exercise, wrong, words):
    check_sentence(exercise, wrong, words)


# --- Other right answers are right --------------------------------------------------------------


def elu_with_errstate(z, alpha):
    """Lets the exponential overflow where nobody looks, and says so."""
    with np.errstate(over="ignore"):
        f = np.where(z > 0, z, alpha * (np.exp(z) - 1))
    return f, np.where(z > 0, 1, f + alpha)


def by_prelu_net(Z, a, dA):
    """The same by the course's own net with learned slopes, its matrices identities."""
    units = Z.shape[1]
    net = demo.PReluNet((units,) * 3, leaky_relu(a))
    theta = net.init(np.random.default_rng(2600))
    for W, b in net.layers(theta):
        W[...], b[..., :units] = np.eye(units), 0
    passed = net.forward(theta, Z)
    (da,) = net.slopes(net.backward(theta, passed, dA))
    return net.deltas(theta, passed.Z, dA)[0], da


def by_a_net_with_a_surrogate(Z, W, delta, s):
    """The same by the course's own backward pass, behind a first matrix that is the identity."""
    n, m = W.shape
    net = Net((n, n, m), surrogate(RELU, leaky_relu(s)))
    theta = net.pack([(np.eye(n), np.zeros((1, n))), (W, np.zeros((1, m)))])
    passed = net.forward(theta, Z)
    _, (dW, _) = net.layers(net.backward(theta, passed, delta))
    return dW, net.deltas(theta, passed.Z, delta)[0]


def test_other_right_ways():
    assert leaky.LEAKY_ANY.accepts(lambda z, a: leaky_relu(a)(z))
    assert leaky.LEAKY_ANY.accepts(lambda z, a: (1 + a) / 2 * z + (1 - a) / 2 * abs(z))
    assert leaky.LEAKY_ANY.accepts(lambda z, a: np.where(z > 0, z, a * z).tolist())
    assert leaky.ELU_PAIR.accepts(lambda z, alpha: [elu(z, alpha), activations.elu(alpha).df(z)])
    assert leaky.ELU_PAIR.accepts(elu_with_errstate)
    assert leaky.HE_ON_LEAKY.accepts(
        lambda a, n: (mean_field.leaky_gain() / mean_field.leaky_gain(a)) ** (2 * n)
    )
    assert leaky.SLOPE_GRADIENT.accepts(by_prelu_net)
    assert leaky.SURROGATE_PASS.accepts(by_a_net_with_a_surrogate)
    assert leaky.LARGEST_TANGENT.accepts(of_all(lambda y: [max(column) for column in y.T]))
    assert leaky.SELU_CONSTANTS.accepts(constants(below=lambda z, p: p @ (np.exp(neg(z)) - 1)))
    assert leaky.PAIRED_VERDICT.accepts(paired(mean=lambda r, a: a.mean() - r.mean()))


def test_mixed_layers_are_those_of_the_library():
    assert leaky.MIXED_LAYER.accepts(thirds)
    assert leaky.MIXED_LAYER.accepts(
        lambda Z, fs: activations.mixed(*[activations.own(f) for f in fs])(Z)
    )


def test_the_words_of_the_praises_are_true():
    assert [round(1.0 + a * a, 6) ** 30 for a in (0.01, 0.3)] == pytest.approx(
        [1.003, 13.3], rel=3e-3
    )
    z = np.linspace(-9, 9, 200_001)
    p = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    alpha, scale = constants()(z, p)
    assert (round(alpha, 4), round(scale, 4)) == (1.6733, 1.0507)
    for _, f, df, m, x in leaky._CONVEX:
        assert (leaky._tangents(f, df, m, x).max(0) <= f(x) + 1e-12).all()
        assert leaky._tangents(f, df, m, m).max(0) == pytest.approx(f(m))


def test_the_cases_of_the_comparison_need_the_pairing_and_the_two_errors():
    verdicts = [verdict(np.mean(a - r), error(a - r)) for r, a in leaky._PAIRS]
    assert verdicts == ["leaky", "does not show", "relu"]
    unpaired = [verdict(np.mean(a - r), unpaired_error(r, a)) for r, a in leaky._PAIRS]
    assert unpaired == ["does not show"] * 3
