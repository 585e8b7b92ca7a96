"""The exercises of notebook 01: solutions pass, and each known mistake gets its own sentence."""

import numpy as np
import pytest
from exercise_bank import EveryExercise, cases, check_sentence, ids
from hypothesis import given
from hypothesis import strategies as st

from helpers import theory
from helpers.activations import RELU
from helpers.exercises import linearity
from helpers.exercises.linearity import EXERCISES

SMALL = st.integers(-4, 4)


# --- The bank of wrong answers ------------------------------------------------------------------


def collapse_with(last=False, with_slope=True, with_offset=True, bias_slope=True, once=False):
    """A collapse_stack with a mistake in it."""

    def collapse_stack(layers, slope, offset):
        a, c = slope if with_slope else 1, offset if with_offset else 0
        W, b = layers[0]
        for count, (W_next, b_next) in enumerate(layers[1:]):
            step = 1 if once and count else a
            W, b = step * W @ W_next, ((a if bias_slope else 1) * b + c) @ W_next + b_next
        return (a * W, a * b + c) if last else (W, b)

    return collapse_stack


def plane(centre=lambda X: X.mean(axis=0), back=True, pick=lambda Vt, k: Vt[:k].T, moved=True):
    """A best_plane with a mistake in it."""

    def best_plane(X, k):
        mean = centre(X)
        V = pick(np.linalg.svd(X - mean)[2], k)
        return (mean if back else 0) + (X - mean if moved else X) @ V @ V.T

    return best_plane


def uncentred_directions_only(X, k):
    V = np.linalg.svd(X - X.mean(axis=0))[2][:k].T
    return X @ V @ V.T


def coordinates(X, k):
    return (X - X.mean(axis=0)) @ np.linalg.svd(X - X.mean(axis=0))[2][:k].T


def weights(W1, b1, W2, b2):
    return lambda: (W1, b1, W2, b2)


def two_units(W2, b1=(0, -1), W1=((1, 1), (1, 1)), b2=0):
    return weights(W1, [b1], [[w] for w in W2], [[b2]])


def one_unit(w1, w2, b1=0, W2=1, b2=0):
    return weights([[w1], [w2]], [[b1]], [[W2]], [[b2]])


def gradient(factor=2, mean=np.mean, slope=lambda df, z, f: df(z), with_x=True, sign=1):
    def unit_gradient(f, df, w, x, y):
        z = w * x
        return sign * mean(factor * (f(z) - y) * slope(df, z, f) * (x if with_x else 1))

    return unit_gradient


WRONG = {
    "collapse_two": {
        lambda W1, b1, W2, b2: (W2 @ W1, b1 @ W2 + b2): "W1 stands on the left",
        lambda W1, b1, W2, b2: (W1 * W2, b1 @ W2 + b2): "entry by entry",
        lambda W1, b1, W2, b2: (W1 + W2, b1 + b2): "one after the other",
        lambda W1, b1, W2, b2: (W1 @ W2, b1 + b2): "pass through W2 first): b is [[6 2]]",
        lambda W1, b1, W2, b2: (W1 @ W2, b1 @ W2): "b lacks b2",
        lambda W1, b1, W2, b2: (W1 @ W2, b2): "b lacks b1",
        lambda W1, b1, W2, b2: (W1 @ W2, (b1 + b2) @ W2): "b2 does not",
        lambda W1, b1, W2, b2: ((W1 @ W2).T, b1 @ W2 + b2): "W is transposed",
        lambda W1, b1, W2, b2: (W1 @ W2, (b1 @ W2 + b2).T): "b has shape (2, 1), expected (1, 2)",
        lambda W1, b1, W2, b2: W1 @ W2: "Expected 2 parts (W, b), got [[4 -1] [8 -1]]",
        lambda W1, b1, W2, b2: (b1 @ W2 + b2, W1 @ W2): "W has shape (1, 2), expected (2, 2)",
        lambda W1, b1, W2, b2: (np.full((2, 2), np.nan), b2): "W should hold finite numbers",
        lambda W1, b1, W2, b2: (W1 @ W2 + 1, b2): "off by a constant, +1",
        lambda W1, b1, W2, b2: (2 * W1 @ W2, b2): "off by a factor, 2 times",
        lambda W1, b1, W2, b2: (-W1 @ W2, b2): "wrong sign",
    },
    "collapse_stack": {
        collapse_with(last=True): "stand between layers only",
        collapse_with(with_slope=False): "The slope is missing",
        collapse_with(with_offset=False): "The offset is missing",
        collapse_with(bias_slope=False): "multiply the bias as well",
        collapse_with(once=True): "once per hidden layer",
        collapse_with(with_slope=False, with_offset=False): "Slope and offset are both missing",
        lambda layers, slope, offset: layers[-1]: "W is not right yet",
        lambda layers, slope, offset: layers[0][0]: "Expected 2 parts (W, b), got [[",
    },
    "folded_rank": {
        max: "the narrowest does: the rank for sizes (6, 4, 2, 5) is 6, expected 2",
        lambda sizes: sizes[-1]: "A wide output adds no rank",
        lambda sizes: sizes[1]: "is not right yet: got 4, expected 2",
        lambda sizes: min(sizes[1:-1] or sizes): "The input and the output can be the bottleneck",
        lambda sizes: len(sizes) - 1: "The number of layers does not decide",
        sum: "Ranks do not add up",
        lambda sizes: np.prod(sizes): "Ranks do not multiply",
        lambda sizes: "two": "The rank should be a number, got 'two'",
        lambda sizes: sizes: "The rank should be one number, got [6 4 2 5]",
        lambda sizes: float("nan"): "The rank should be a finite number, got nan",
    },
    "best_plane": {
        plane(centre=lambda X: np.zeros(3)): "was not centred",
        plane(back=False): "added again at the end",
        plane(centre=lambda X: X.mean()): "The mean of each column",
        plane(pick=lambda Vt, k: Vt[-k:].T): "least spread",
        plane(pick=lambda Vt, k: Vt[:, :k]): "rows of Vt, not its columns",
        uncentred_directions_only: "Centre the points as well",
        coordinates: "coordinates within the plane, shape (8, 2)",
        lambda X, k: X: "All points are still where they were",
        lambda X, k: X.mean(axis=0): "has shape (3,), expected (8, 3)",
        lambda X, k: plane()(X, k).T: "has shape (3, 8), expected (8, 3): it is transposed",
        lambda X, k: plane()(X, k) + 2: "off by a constant, +2",
        lambda X, k: np.zeros((8, 3)): "The answer for k = 2 is not right yet",
    },
    "additivity_gap": {
        lambda f, u, v: f(u) + f(v) - f(u + v): "the value of the sum comes first",
        lambda f, u, v: abs(f(u + v) - f(u) - f(v)): "Keep the sign",
        lambda f, u, v: f(u + v) - f(u): "f(v) is missing",
        lambda f, u, v: f(u + v) - f(v): "f(u) is missing",
        lambda f, u, v: f(u + v): "the value of the sum only",
        lambda f, u, v: f(u) + f(v): "the sum of the values only",
        lambda f, u, v: f(u * v) - f(u) * f(v): "additivity is about sums",
        lambda f, u, v: f(u + v) - f(u) + f(v): "f(v) has the wrong sign",
        lambda f, u, v: f(u + v) == f(u) + f(v): "is not right yet: got 0, expected 16",
        lambda f, u, v: u + v: "is not right yet: got 6, expected 16",
    },
    "counterexample": {
        lambda: (1, 2): "With u = 1, v = 2 both sides are 3: for positive numbers",
        lambda: (-1, -2): "both sides are 0: two negative numbers",
        lambda: (0, -3): "With u = 0, v = -3 both sides are 0: adding 0",
        lambda: (5, 0): "With u = 5, v = 0 both sides are 5: adding 0",
        lambda: 1: "Expected 2 parts (u, v), got 1",
        lambda: (1, "minus one"): "v should be a number, got 'minus one'",
        lambda: (1, [-1]): "v should be one number, got [-1]",
        lambda: (float("inf"), -1): "u should be a finite number, got inf",
    },
    "xor_by_hand": {
        two_units([1, 0]): "computes x1 + x2",
        two_units([1, -1]): "computes OR",
        two_units([0, 1]): "computes AND",
        two_units([-1, 2], b2=1): "computes NOT XOR",
        two_units([-1, 2]): "XOR with the wrong sign",
        two_units([0, 0], b2=0.5): "the same at every corner: the corners 00, 01, 10, 11 give 0.5",
        two_units([1, -3]): "Three corners are right, only 11 is not",
        two_units([1, -2], b2=1): "everything is 1 too high",
        two_units([1, 0], b1=(1, 0)): "still one plane",
        two_units([2, -4]): "The first wrong corner is 01",
        two_units([1, 0], W1=((1, 0), (0, 1)), b1=(0, 0)): "computes x1 alone",
        two_units([0, 1], W1=((1, 0), (0, 1)), b1=(0, 0)): "computes x2 alone",
        weights([[1, 1], [1, 1]], [[0], [-1]], [[1], [-2]], [[0]]): "b1 has shape (2, 1), expected",
        weights([[1, 1], [1, 1]], [[0, -1]], [[1, -2]], [[0]]): "W2 has shape (1, 2), expected",
        weights([[1, 1], [1, 1]], [[0, "-1"]], [[1], [-2]], [[0]]): "of numbers, got [[0, '-1']]",
        lambda: ([[1, 1], [1, 1]], [[0, -1]]): "Expected 4 parts (W1, b1, W2, b2)",
    },
    "xor_with_abs": {
        one_unit(1, 1): "computes x1 + x2",
        one_unit(1, 1, b1=-1): "computes NOT XOR",
        one_unit(1, -1, W2=-1): "XOR with the wrong sign",
        one_unit(1, 0): "computes x1 alone",
        one_unit(0, 0, b1=3): "the same at every corner: the corners 00, 01, 10, 11 give 3",
        one_unit(1, -1, W2=2): "The first wrong corner is 01",
        one_unit(1, 1, b1=1): "still one plane",
        weights([[1, -1]], [[0]], [[1]], [[0]]): "W1 has shape (1, 2), expected (2, 1)",
        weights([[1], [-1]], [[0]], [[1]], [[np.nan]]): "b2 should hold finite numbers, got nan",
    },
    "unit_gradient": {
        gradient(factor=1): "factor 2 of the square is missing",
        gradient(sign=-1): "points downhill",
        gradient(slope=lambda df, z, f: 1): "f' is missing",
        gradient(with_x=False): "dz/dw = x",
        gradient(slope=lambda df, z, f: df(f(z))): "df takes the pre-activation",
        gradient(mean=np.sum): "the mean, not the sum",
        gradient(mean=np.asarray): "one number per example, shape (4,)",
        lambda f, df, w, x, y: np.mean((f(w * x) - y) ** 2): "the loss, not its derivative",
        lambda f, df, w, x, y: np.mean(2 * (f(w * x) - y) * df(x) * x): "df takes z = w x, not x",
        lambda f, df, w, x, y: 0.0: "The gradient for tanh is not right yet: got 0, expected",
        lambda f, df, w, x, y: np.inf: "The gradient should be a finite number, got inf",
    },
    "hat": {
        lambda c, w: ([c - w, c, c + w], [1 / w, -2 / w, 0]): "the sum of the weights, -1, exp",
        lambda c, w: ([c - w, c, c + w], [1 / w, -1 / w, 0]): "right foot is at height 1, exp",
        lambda c, w: ([c - w, c, c + w], [1, -2, 1]): "the top of the hat is at 0.25, expected 1",
        lambda c, w: ([c - w, c, c + w], [-1 / w, 2 / w, -1 / w]): "stands on its head",
        lambda c, w: ([c - 1, c, c + 1], [1, -2, 1]): "bends belong at [0.25 0.5 0.75], got [-0.5",
        lambda c, w: ([0, 1, 2], [1, -2, 1]): "the bends belong at [-1 0 1], got [0 1 2]",
        lambda c, w: ([c - w, c + w], [1, -1]): "knots has shape (2,), expected (3,)",
        lambda c, w: [c - w, c, c + w]: "Expected 2 parts (knots, weights), got a list of 3 parts",
        lambda c, w: ([c - w, c, c + w], [1 / w, -2 / w, np.nan]): "weights should hold finite",
    },
}


@pytest.mark.parametrize("exercise", EXERCISES, ids=ids)
class TestEveryExercise(EveryExercise):
    module, wrong, notebook = linearity, WRONG, "01_linearity_collapse"


@pytest.mark.parametrize("exercise, wrong, words", cases(EXERCISES, WRONG))
def test_each_mistake_gets_its_own_helpful_sentence(exercise, wrong, words):
    check_sentence(exercise, wrong, words)


# --- Other right answers are right --------------------------------------------------------------


@given(st.tuples(SMALL, SMALL))
def test_a_counterexample_is_one_exactly_if_it_is_one(pair):
    u, v = pair
    gap = RELU(u + v) - RELU(u) - RELU(v)
    assert linearity.COUNTEREXAMPLE.accepts(lambda: (u, v)) == (gap != 0)


@pytest.mark.parametrize("right", [
    two_units([1, -2]),
    two_units([1, 1], b1=(0, 0), W1=((1, -1), (-1, 1))),              # |x1 - x2| as two halves
    two_units([-1, -1], b1=(-1, 1), W1=((1, -1), (1, -1)), b2=1),     # 1 - |x1 + x2 - 1|
    lambda: (np.ones((2, 2)), np.array([[0, -1]]), np.array([[1], [-2]]), np.zeros((1, 1))),
])
def test_other_nets_for_xor_are_right_too(right):
    assert linearity.XOR_BY_HAND.accepts(right)


@pytest.mark.parametrize("right", [one_unit(1, -1), one_unit(-1, 1), one_unit(1, 1, -1, -1, 1)])
def test_other_single_units_for_xor_are_right_too(right):
    assert linearity.XOR_WITH_ABS.accepts(right)


def test_other_right_ways():
    def hat_in_another_order(centre, width):
        return np.array([centre, centre + width, centre - width]), np.array([-2, 1, 1]) / width

    def by_eigenvectors(X, k):
        C = X - X.mean(axis=0)
        V = np.linalg.eigh(C.T @ C)[1][:, -k:]
        return X.mean(axis=0) + C @ V @ V.T

    assert linearity.HAT.accepts(hat_in_another_order)
    assert linearity.BEST_PLANE.accepts(by_eigenvectors)
    assert linearity.FOLDED_RANK.accepts(lambda sizes: np.array(sorted(sizes)[:1]))
    assert linearity.COLLAPSE_STACK.accepts(theory.collapse)


@given(st.lists(SMALL, min_size=4, max_size=4), st.lists(SMALL, min_size=2, max_size=2),
       st.lists(SMALL, min_size=2, max_size=2), SMALL)
def test_a_net_is_accepted_exactly_if_it_computes_xor(W1, b1, W2, b2):
    W1 = np.reshape(W1, (2, 2))
    out = RELU(linearity.CORNERS @ W1 + b1) @ W2 + b2
    net = weights(W1, [b1], np.reshape(W2, (2, 1)), [[b2]])
    assert linearity.XOR_BY_HAND.accepts(net) == np.array_equal(out, [0, 1, 1, 0])
