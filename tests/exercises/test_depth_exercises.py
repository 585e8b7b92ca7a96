"""The exercises of notebook 06: solutions pass, and each known mistake gets its own sentence."""

from math import pi, sqrt

import numpy as np
import pytest
from exercise_bank import EveryExercise, cases, check_sentence, ids
from hypothesis import given
from hypothesis import strategies as st

from helpers import mean_field
from helpers.activations import RELU, leaky_relu
from helpers.diagnostics import norm
from helpers.exercises import depth
from helpers.exercises.depth import EXERCISES
from helpers.network import Net

# --- The bank of wrong answers ------------------------------------------------------------------


def variance_gain(a):
    return 1 / np.sqrt((1 + a * a) / 2 - (1 - a) ** 2 / (2 * np.pi))


def step_with(step):
    """A second_moment with a mistake in its layer."""

    def second_moment(f, gain, q, layers, z):
        for _ in range(layers):
            q = step(f, gain, q, z)
        return q

    return second_moment


def right_step(f, gain, q, z):
    return gain**2 * np.mean(f(np.sqrt(q) * z) ** 2)


def norms(back=lambda d, W: d @ W.T, order=-1, size=np.linalg.norm, turned=False):
    """A backward_norms with a mistake in it."""

    def backward_norms(weights, delta):
        found = [size(delta)]
        for W in weights[::order]:
            delta = back(delta, W)
            found = [size(delta), *found]
        return found[::-1] if turned else found

    return backward_norms


def rms(z):
    return np.sqrt(np.mean(z**2))


def rescale(size=lambda z, f: rms(z), old=False, linear=False):
    """A rescale with a mistake in it."""

    def rescaled(weights, a, f):
        scaled = []
        for W in weights:
            scaled.append(W / size(a @ W, f))
            z = a @ (W if old else scaled[-1])
            a = z if linear else f(z)
        return scaled

    return rescaled


def in_place(weights, X, f):
    a = X
    for k in range(len(weights)):
        weights[k] /= rms(a @ weights[k])
        a = f(a @ weights[k])
    return weights


def Q(A):
    return np.linalg.qr(A)[0]


def mean(a):
    return (1 - a) / np.sqrt(2 * np.pi)


WRONG = {
    "he_std": {
        lambda n, m: 2 / n: "That is the variance",
        lambda n, m: np.sqrt(1 / n): "do for a linear layer",
        lambda n, m: np.sqrt(2 / m): "The outputs do not count",
        lambda n, m: np.sqrt(2 / (n + m)): "That is Xavier's rule",
        lambda n, m: np.sqrt(2) / n: "stands under the root",
        lambda n, m: np.sqrt(6 / n): "where a uniform distribution",
        lambda n, m: np.sqrt(n / 2): "That is 1 / the right value: the standard deviation for 50",
        lambda n, m: np.sqrt(2): "That is the gain",
        lambda n, m: 0.01: "for 50 inputs and 200 outputs is not right yet: got 0.01, expected 0.2",
        lambda n, m: np.zeros((n, m)): "should be one number, got an array of shape (50, 200)",
        lambda n, m: np.nan: "should be a finite number, got nan",
    },
    "leaky_gain": {
        lambda a: np.sqrt(2): "The slope counts too",
        lambda a: 2 / (1 + a**2): "That is the square of the gain",
        lambda a: (1 + a**2) / 2: "That is E f^2",
        lambda a: np.sqrt((1 + a**2) / 2): "the root of E f^2",
        lambda a: np.sqrt(2 / (1 + a)): "The slope has to be squared",
        lambda a: np.sqrt(2) / (1 + a**2): "The root goes over all of it",
        variance_gain: "That comes from the variance, but the mean of f counts too",
        lambda a: 1 / abs(a) if a else 1.0: "The slope is below zero only",
        lambda a: 1.0: "The gain for slope 0.3 is not right yet: got 1, expected 1.3",
        lambda a: np.array([a]): "The gain for slope 0.3 is not right yet: got 0.3",
        lambda a: (a, a): "The gain should be one number, got [0.3 0.3]",
    },
    "wrong_formula": {
        lambda a: ("A", mean(a)): "Formula A is right: for a = 0.2 it gives E f^2 = 0.520",
        lambda a: ("C", mean(a)): "Formula C is right: for a = 0.2 it gives Var f = 0.418",
        lambda a: ("d", mean(a)): "Formula D is right",
        lambda a: ("E", mean(a)): "Formula E is right: for a = 0.2 it gives E |f| = 0.479",
        lambda a: ("F", mean(a)): "The letter should be A, B, C, D or E as a text, got 'F'",
        lambda a: (2, mean(a)): "The letter should be A, B, C, D or E as a text, got 2",
        lambda a: "B": "Expected 2 parts (letter, value), got 'B'",
        lambda a: ("B", mean(a), 1): "Expected 2 parts (letter, value), got a tuple of 3 parts",
        lambda a: ("B", 0): "B says so and is wrong",
        lambda a: ("B", (1 + a) / np.sqrt(2 * np.pi)): "its half counts with a minus",
        lambda a: ("B", (1 - a) / 2): "is 1 / sqrt(2 pi), not 1/2",
        lambda a: ("B", (1 - a) * np.sqrt(2 / np.pi)): "E |z| is the two together",
        lambda a: ("B", 1 / np.sqrt(2 * np.pi)): "That is the mean of ReLU",
        lambda a: ("B", -mean(a)): "The upper half comes with a plus",
        lambda a: ("B", (1 + a * a) / 2): "That is E f^2",
        lambda a: ("B", mean(a) ** 2): "That is (E f)^2",
        lambda a: ("B", (1 - a) / (2 * np.pi)): "The density at 0",
        lambda a: ("B", "zero"): "The value should be a number, got 'zero'",
    },
    "second_moment": {
        step_with(lambda f, g, q, z: g**2 * np.var(f(np.sqrt(q) * z))): "E f^2 is not the variance",
        step_with(lambda f, g, q, z: g * np.mean(f(np.sqrt(q) * z) ** 2)): "gain has to be squared",
        step_with(lambda f, g, q, z: g**2 * np.mean(f(q * z) ** 2)): "q is sqrt(q) times a stan",
        step_with(lambda f, g, q, z: right_step(f, g, 1, z)): "q of the layer before has to go",
        step_with(lambda f, g, q, z: g**2 * np.mean(f(np.sqrt(q) * z)) ** 2): "First the square",
        step_with(lambda f, g, q, z: np.mean(f(g * np.sqrt(q) * z) ** 2)): "not its inputs",
        lambda f, g, q, n, z: step_with(right_step)(f, g, q, n + 1, z): "one layer too many",
        lambda f, g, q, n, z: right_step(f, g, q, z): "That is one layer only",
        lambda f, g, q, n, z: q: "Nothing has happened to q",
        lambda f, g, q, n, z: 7.0: "E z^2 after 3 layers of relu is not right yet: got 7, expected",
        lambda f, g, q, n, z: f(z): "should be one number, got an array of shape (9,)",
    },
    "gradient_factor": {
        lambda f, df, g, q, z: g**2 * np.mean(df(np.sqrt(q) * z)) ** 2: "goes inside the mean",
        lambda f, df, g, q, z: g * np.mean(df(np.sqrt(q) * z) ** 2): "The gain has to be squared",
        lambda f, df, g, q, z: np.mean(df(np.sqrt(q) * z) ** 2): "The gain is missing",
        lambda f, df, g, q, z: g**2 * np.mean(df(q * z) ** 2): "q is sqrt(q) times a standard",
        lambda f, df, g, q, z: g**2 * np.mean(df(z) ** 2): "q is missing",
        lambda f, df, g, q, z: g * np.sqrt(np.mean(df(np.sqrt(q) * z) ** 2)): "that of its square",
        lambda f, df, g, q, z: g**2 * np.mean(f(np.sqrt(q) * z) ** 2): "what happens to E z^2",
        lambda f, df, g, q, z: g**2 * np.mean(df(f(np.sqrt(q) * z)) ** 2): "df takes the pre-act",
        lambda f, df, g, q, z: g**2 * np.var(df(np.sqrt(q) * z)): "E f'^2 is not its variance",
        lambda f, df, g, q, z: 1.0: "The factor for tanh is not right yet: got 1, expected",
        lambda f, df, g, q, z: df(z): "The factor should be one number, got an array of shape (9,)",
    },
    "backward_norms": {
        norms(turned=True): "The order is turned round",
        norms(size=lambda d: np.sum(d**2)): "That is the square of the norm",
        norms(size=lambda d: np.max(np.abs(d))): "The largest entry is not the norm",
        norms(order=1): "Backwards the last layer comes first",
        norms(back=lambda d, W: d @ W): "Backwards every matrix is transposed",
        lambda Ws, d: norms()(Ws, d)[1:]: "The answer has shape (3,), expected (4,)",
        lambda Ws, d: norms()(Ws, d)[0]: "The answer has shape (), expected (4,)",
        lambda Ws, d: [np.linalg.norm(W) for W in Ws] + [1]: "The answer for sizes (2, 2, 2, 2) is",
        lambda Ws, d: np.multiply(2, norms()(Ws, d)): "off by a factor, 2 times",
    },
    "rescale": {
        rescale(size=lambda z, f: np.std(z)): "z has no mean of 0 here",
        rescale(size=lambda z, f: np.mean(z**2)): "Divide by the root of the mean of z^2: W1",
        rescale(size=lambda z, f: 1 / rms(z)): "Multiplying makes large layers larger",
        rescale(old=True): "The signal has to go on through the new W",
        rescale(size=lambda z, f: rms(f(z))): "Measure z, before the activation",
        rescale(linear=True): "f is missing between the layers",
        lambda Ws, X, f: [Ws[0] / rms(X @ Ws[0]), *Ws[1:]]: "Only the first layer",
        lambda Ws, X, f: Ws: "Nothing was rescaled",
        lambda Ws, X, f: [W / rms(W) for W in Ws]: "The size of W does not tell",
        lambda Ws, X, f: Ws[0]: "Expected 3 parts (W1, W2, W3), got an array of shape (4, 6)",
        lambda Ws, X, f: rescale()(Ws, X, f)[::-1]: "W1 has shape (5, 3), expected (4, 6)",
        lambda Ws, X, f: [2 * W for W in rescale()(Ws, X, f)]: "off by a factor, 2 times",
        in_place: "rescale changed its input weights in place",
    },
    "orthogonal": {
        lambda A, g: g * np.linalg.qr(A)[1]: "the triangular factor R",
        lambda A, g: Q(A): "the gain is not in it: the first row of W^T W is [1 0 0 0], expected",
        lambda A, g: g**2 * Q(A): "The gain is in it twice",
        lambda A, g: 2 * Q(A): "Every length is multiplied by 2, expected 1",
        lambda A, g: g * A: "That is A itself",
        lambda A, g: g * A / np.sqrt(len(A)): "keeps lengths on average only",
        lambda A, g: g * A / np.linalg.norm(A, axis=0): "Columns of length 1 are not enough",
        lambda A, g: g * A / np.linalg.norm(A, 2): "One factor for all cannot do it",
        lambda A, g: g * np.eye(len(A)): "Two different A gave the same W, its first row is [1.5",
        lambda A, g: np.linalg.qr(A): "W has shape (2, 3, 3), expected (3, 3)",
        lambda A, g: g * Q(A)[0]: "W has shape (3,), expected (3, 3)",
        lambda A, g: A + A.T: "W does not keep lengths: the first row of W^T W is [",
        lambda A, g: np.full(A.shape, np.nan): "W should hold finite numbers, got nan",
    },
}


@pytest.mark.parametrize("exercise", EXERCISES, ids=ids)
class TestEveryExercise(EveryExercise):
    module, wrong, notebook = depth, WRONG, "06_depth_and_init"


@pytest.mark.parametrize("exercise, wrong, words", cases(EXERCISES, WRONG))
def test_each_mistake_gets_its_own_helpful_sentence(exercise, wrong, words):
    check_sentence(exercise, wrong, words)


# --- Other right answers are right --------------------------------------------------------------


def by_polar_decomposition(A, gain):
    U, _, Vt = np.linalg.svd(A)
    return gain * U @ Vt


def gradient_of_a_net(weights, delta):
    """The same norms by the course's own backward pass."""
    net = Net((len(weights[0]), *(W.shape[1] for W in weights)), "identity")
    theta = net.pack([(W, np.zeros((1, W.shape[1]))) for W in weights])
    passed = net.forward(theta, np.ones((1, len(weights[0]))))
    deltas = net.deltas(theta, passed.Z, delta[None])
    return [norm(deltas[0] @ weights[0].T), *(norm(d) for d in deltas)]


def test_other_right_ways():
    assert depth.HE_STD.accepts(lambda n, m: RELU.gain / n**0.5)
    assert depth.LEAKY_GAIN.accepts(mean_field.leaky_gain)
    assert depth.LEAKY_GAIN.accepts(lambda a: leaky_relu(a).gain)
    assert depth.WRONG_FORMULA.accepts(lambda a: [" b", np.array([(1 - a) / sqrt(2 * pi)])])
    assert depth.BACKWARD_NORMS.accepts(gradient_of_a_net)
    assert depth.RESCALE.accepts(lambda weights, X, f: tuple(rescale()(weights, X, f)))
    assert depth.ORTHOGONAL.accepts(by_polar_decomposition)
    assert depth.ORTHOGONAL.accepts(lambda A, gain: gain * Q(A).T)


@given(st.floats(-3, 3))
def test_the_right_formulas_are_right(a):
    for _, predicted, sampled in depth._sampled(a).values():
        assert predicted == pytest.approx(sampled, rel=0.02, abs=0.01)


def test_the_formula_that_is_wrong_is_wrong_for_every_slope_but_one():
    z = np.random.default_rng(2600).standard_normal(200_000)
    for a in (0.01, 0.2, -0.5):
        f = leaky_relu(a)(z)
        assert np.mean(f) == pytest.approx((1 - a) / sqrt(2 * pi), abs=0.01)
        assert np.mean(f) > 0.3


def test_the_numbers_of_the_praise_are_true():
    assert leaky_relu(0.01).gain / RELU.gain - 1 == pytest.approx(-0.005 / 100, rel=1e-3)
    relu, tanh = (mean_field.moments(name, 1.0) for name in ("relu", "tanh"))
    assert relu.value == relu.slope == 1 / 2
    assert (round(tanh.value**-0.5, 2), round(tanh.slope**-0.5, 2)) == (1.59, 1.47)
