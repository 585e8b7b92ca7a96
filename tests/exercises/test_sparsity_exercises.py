"""The exercises of notebook 03: solutions pass, and each known mistake gets its own sentence."""

import math

import numpy as np
import pytest
from exercise_bank import EveryExercise, cases, check_sentence, ids

from helpers import mean_field
from helpers.demos import sparsity as demos
from helpers.exercises import sparsity
from helpers.exercises.sparsity import EXERCISES
from helpers.network import Net
from helpers.regions import local_map, zaslavsky

# --- The bank of wrong answers ------------------------------------------------------------------


def counters(off=lambda Z: Z <= 0, dead=lambda off: off.all(0).mean(), zero=None):
    """A three_counters with a mistake in it."""

    def three_counters(Z, batch):
        o = off(Z)
        return (zero or np.mean)(o), dead(o[:batch]), dead(o)

    return three_counters


def right(Z, n):
    o = Z <= 0
    return o.mean(), o[:n].all(0).mean(), o.all(0).mean()


def step(cosine):
    """An angle_after with another map."""

    def angle_after(t, layers):
        for _ in range(layers):
            t = np.arccos(np.clip(cosine(t), -1, 1))
        return t

    return angle_after


def cosine(t):
    return (np.sin(t) + (np.pi - t) * np.cos(t)) / np.pi


after = step(cosine)


def folded(last=False, on=lambda z: z > 0, biases=1):
    """A matrix_here with a mistake in it."""

    def matrix_here(layers, x):
        A, c = np.eye(len(x)), np.zeros(len(x))
        for k, (W, b) in enumerate(layers):
            A, c = A @ W, c @ W + biases * b
            if last or k < len(layers) - 1:
                active = on(x @ A + c)
                A, c = A * active, c * active
        return A.T, c

    return matrix_here


def with_c(change):
    """A matrix_here with a right J and a wrong c."""

    def matrix_here(layers, x):
        J, c = folded()(layers, x)
        return J, change(J, c, x, layers)

    return matrix_here


def in_place(W1, b1, W2, a):
    W1 *= a
    return W1, b1 * a, W2 / a[:, None]


WRONG = {
    "three_counters": {
        counters(off=lambda Z: Z < 0): "ax(0, 0) is 0 too: the share of zeros is",
        counters(zero=lambda o: 1 - o.mean()): "That is the share of units that are on",
        counters(zero=np.sum): "A share, not a number",
        lambda Z, n: ((Z[:n] <= 0).mean(), *right(Z, n)[1:]): "All examples count here",
        lambda Z, n: ((Z <= 0).any(0).mean(), *right(Z, n)[1:]): "zero for some example",
        counters(dead=lambda o: o.any(0).mean()): "one is not enough: the share that is dead on",
        counters(dead=lambda o: o.all(1).mean()): "all() goes along axis 0",
        counters(dead=lambda o: o.all(0).sum()): "A share of the units, not their number",
        counters(dead=lambda o: 1 - o.all(0).mean()): "units that are not dead",
        lambda Z, n: [right(Z, n)[k] for k in (0, 2, 1)]: "Batch and data are mixed up",
        counters(dead=np.mean): "That is the share of zeros",
        counters(dead=lambda o: (~o).all(0).mean()): "units that are always on",
        lambda Z, n: right(Z, n)[:2]: "Expected 3 parts (zero, on_batch, on_data)",
        lambda Z, n: ((Z <= 0), 0, 0): "ero should be one number, got an array of shape (7, 10)",
        lambda Z, n: (0.5, 0.5, 0.5): "The share of zeros is not right yet: got 0.5",
    },
    "angle_from_flips": {
        lambda p, q: np.pi * np.mean(p != q): "That is in radians",
        lambda p, q: np.mean(p != q): "That is the share of units that differ",
        lambda p, q: 360 * np.mean(p != q): "Half of a turn",
        lambda p, q: 90 * np.mean(p != q): "half of the units differ, not all",
        lambda p, q: 180 * np.mean(p == q): "Those that agree do not count",
        lambda p, q: np.sum(p != q): "That is the number of units that differ",
        lambda p, q: 180 - 180 * np.sum(p & q) / np.sum(p | q): "zero for both agree as well",
        lambda p, q: 180 * np.mean(p & ~q): "go off count like those that go on",
        lambda p, q: np.degrees(np.arccos(1 - 2 * np.mean(p != q))): "no cosine is needed",
        lambda p, q: 180 * np.sum(p != q) / max(np.sum(p), 1): "not of the active ones",
        lambda p, q: 45.0: "The angle in degrees is not right yet: got 45, expected",
        lambda p, q: 180 * (p != q): "The angle should be one number, got an array of shape (40,)",
    },
    "angle_after": {
        lambda t, n: after(t, n + 1): "That is one layer too many",
        lambda t, n: after(t, 1) if n else t: "The angle of one layer goes into the next",
        lambda t, n: np.cos(after(t, n)): "That is the cosine of the angle",
        lambda t, n: np.degrees(after(t, n)): "In radians, please",
        lambda t, n: t: "Nothing has happened to the angle",
        lambda t, n: after(t, n) / np.pi: "That is the share of units that flip",
        step(lambda t: (np.sin(t) + t * np.cos(t)) / np.pi): "The factor of the cosine is pi - t",
        step(lambda t: (np.cos(t) + (np.pi - t) * np.sin(t)) / np.pi): "Sine and cosine are mixed",
        lambda t, n: after(t, n - 1) if n > 1 else after(t, n): "That is one layer short",
        step(lambda t: (np.pi - t) * np.cos(t) / np.pi): "The sine counts too",
        lambda t, n: 7.0: "The angle from 1.2 at depth 1 is not right yet: got 7",
        lambda t, n: np.nan: "The angle should be a finite number, got nan",
    },
    "most_regions": {
        lambda n, d: 2**n: "That would be all patterns",
        lambda n, d: sum(math.comb(n, k) for k in range(1, d + 1)): "Already the first unit cuts",
        lambda n, d: 1 + n + math.comb(n, 2): "That holds in the plane only",
        lambda n, d: math.comb(n, d): "points where borders meet",
        lambda n, d: n + 1: "A border can be cut by the others",
        lambda n, d: (n + 1) ** d: "That is a grid",
        lambda n, d: 2 * sum(math.comb(n - 1, k) for k in range(d)): "go through the origin",
        lambda n, d: n**d: "That is n to the power of d",
        lambda n, d: 2 * n + 1: "in 2 dimensions is not right yet: got 15, expected 29",
        lambda n, d: [1, n]: "The number of regions should be one number, got [1 7]",
        lambda n, d: lambda: n: "The number of regions should be a number",
    },
    "matrix_here": {
        folded(last=True): "The output layer has no ReLU",
        folded(on=lambda z: z > -np.inf): "That is the net without its ReLUs",
        folded(on=lambda z: z <= 0): "The pattern is turned round",
        folded(biases=0): "The biases decide too which units are active",
        with_c(lambda J, c, x, layers: J @ x + c): "That is f(x), take J x away",
        with_c(lambda J, c, x, layers: J @ x): "That is J x, what remains",
        with_c(lambda J, c, x, layers: layers[-1][1]): "the bias of the last layer only",
        with_c(lambda J, c, x, layers: -c): "c is f(x) - J x, not J x - f(x)",
        with_c(lambda J, c, x, layers: c + 1): "of a net with sizes (2, 4, 3, 2) is off by a con",
        lambda layers, x: folded()(layers, x)[0]: "Expected 2 parts (J, c), got [[",
        lambda layers, x: (folded()(layers, x)[0].T, folded()(layers, x)[1]): "is transposed",
        lambda layers, x: (layers[0][0], layers[0][1]): "J has shape (2, 4), expected (2, 2)",
        lambda layers, x: (np.full((2, 2), np.nan), np.zeros(2)): "J should hold finite numbers",
    },
    "l1_push": {
        lambda z, s: s * np.sign(z): "A unit with z < 0 has a = 0",
        lambda z, s: s * (z >= 0): "For z = 0 the course takes slope 0",
        lambda z, s: s * np.maximum(z, 0): "That grows with a",
        lambda z, s: 2 * s * np.maximum(z, 0): "the derivative of the square of a",
        lambda z, s: (z > 0) * 1.0: "The strength is missing",
        lambda z, s: -s * (z > 0): "That pushes a up",
        lambda z, s: s * (z > 0) / z.size: "A sum, not a mean",
        lambda z, s: s * (z > 0) / len(z): "Do not divide by the number of examples",
        lambda z, s: np.full(z.shape, s): "The slope of ReLU is missing",
        lambda z, s: s * (z <= 0): "It is the active units",
        lambda z, s: s * np.sum(z > 0): "The gradient has shape (), expected (3, 4)",
        lambda z, s: s * (z > 0).T: "The gradient has shape (4, 3), expected (3, 4): it is transp",
        lambda z, s: 3 * s * (z > 0): "off by a factor, 3 times",
    },
    "rescale_units": {
        lambda W, b, V, a: (W / a, b / a, V * a[:, None]): "What enters a unit is multiplied",
        lambda W, b, V, a: (W, b, V): "Nothing has happened to W1",
        lambda W, b, V, a: (W / np.linalg.norm(W, axis=0), b, V): "The size of W1 decides nothing",
        lambda W, b, V, a: (W * a, b, V / a[:, None]): "The bias enters the unit too",
        lambda W, b, V, a: (W * a, b / a, V / a[:, None]): "The bias has to go with the weights",
        lambda W, b, V, a: (W * a, b * a, V * a[:, None]): "What was multiplied before the unit",
        lambda W, b, V, a: (W * a, b * a, V): "Nothing has happened to W2",
        lambda W, b, V, a: (W * a, b * a, V / a if len(V) == len(V.T) else V / a[:, None]):
            "Unit k feeds row k of W2",
        lambda W, b, V, a: (W * a, b * a, V / a[:, None] ** 2): "One division only",
        lambda W, b, V, a: (W * a, b * a): "Expected 3 parts (W1, b1, W2)",
        lambda W, b, V, a: (W * a, b * a, (V / a[:, None]).T): "W2 has shape (2, 4), expected",
        lambda W, b, V, a: (2 * W * a, b * a, V / a[:, None]): "is off by a factor, 2 times",
        in_place: "rescale_units changed its input W1 in place",
    },
}  # fmt: skip


@pytest.mark.parametrize("exercise", EXERCISES, ids=ids)
class TestEveryExercise(EveryExercise):
    module, wrong, notebook = sparsity, WRONG, "03_relu_sparsity"


@pytest.mark.parametrize("exercise, wrong, words", cases(EXERCISES, WRONG))
def test_each_mistake_gets_its_own_helpful_sentence(exercise, wrong, words):
    check_sentence(exercise, wrong, words)


# --- Other right answers are right --------------------------------------------------------------


def by_jacobian(layers, x):
    """The same map by the course's own net."""
    net = Net((len(x), *(W.shape[1] for W, _ in layers)))
    J, c = local_map(net, net.pack(layers), x)[:2]
    return J, np.ravel(c)


def test_other_right_ways():
    assert sparsity.MOST_REGIONS.accepts(zaslavsky)
    assert sparsity.MATRIX_HERE.accepts(by_jacobian)
    assert sparsity.L1_PUSH.accepts(lambda z, s: s * np.heaviside(z, 0))
    assert sparsity.ANGLE_FROM_FLIPS.accepts(lambda p, q: 180 * np.logical_xor(p, q).mean())
    assert sparsity.THREE_COUNTERS.accepts(lambda Z, n: [
        np.mean(np.maximum(Z, 0) == 0), np.mean(Z[:n].max(0) <= 0), np.mean(Z.max(0) <= 0)
    ])  # fmt: skip
    assert sparsity.RESCALE_UNITS.accepts(
        lambda W, b, V, a: (W @ np.diag(a), np.diag(a) @ b, np.diag(1 / a) @ V)
    )


def by_correlation(t, layers):
    for _ in range(layers):
        t = np.arccos(np.minimum(mean_field.leaky_correlation(np.cos(t)), 1))
    return t


def test_the_angle_map_is_that_of_the_theory():
    assert sparsity.ANGLE_AFTER.accepts(by_correlation)
    for t in (0.5, 1.0, 2.0):
        deep = demos.compute_flips(angle=float(np.degrees(t))).theory[10] * math.pi
        assert sparsity._angle_after(t, 10) == pytest.approx(deep, rel=1e-9)


def test_the_numbers_of_the_praise_are_true():
    assert zaslavsky(10, 2) == 56 and zaslavsky(10, 64) == 1024
