"""The exercises of notebook 04: solutions pass, and each known mistake gets its own sentence."""

from math import ceil, log, log2

import numpy as np
import pytest
from exercise_bank import EveryExercise, cases, check_sentence, ids

from helpers import diagnostics, mean_field
from helpers.activations import RELU, leaky_relu
from helpers.exercises import dying
from helpers.exercises.dying import EXERCISES
from helpers.losses import SOFTMAX, softmax
from helpers.network import Net

# --- The bank of wrong answers ------------------------------------------------------------------


def counters(zero=lambda Z: Z <= 0, count=lambda zero: zero.all(0).sum(), rows=None, turned=False):
    """A three_counters with a mistake in it."""

    def three_counters(Z, batch):
        parts = rows(Z, batch) if rows else (Z[:1], Z[:batch], Z)
        counted = [count(zero(part)) for part in parts]
        return counted[::-1] if turned else counted

    return three_counters


def right_kind(w, b, low, high):
    ends = np.array([w * low + b, w * high + b])
    return "dead" if (ends <= 0).all() else "always on" if (ends > 0).all() else "bends"


def unit(hinge=lambda w, b, low, high: -b / w, kind=right_kind):
    """A unit_on_interval with a mistake in it."""
    return lambda *given: (hinge(*given), kind(*given))


def by_hinge(w, b, low, high):
    """Forgets that the side matters."""
    return "bends" if low < -b / w < high else "dead"


def strict(w, b, low, high):
    ends = np.array([w * low + b, w * high + b])
    return "dead" if (ends < 0).all() else "always on" if (ends > 0).all() else "bends"


def gradient(slope=lambda z: z > 0, X_of=lambda X: X, z_of=lambda X, w, b: X @ w + b, factor=1.0):
    """A unit_gradient with a mistake in it."""

    def unit_gradient(X, w, b, da):
        dz = factor * da * slope(z_of(X, w, b))
        return X_of(X).T @ dz, dz.sum()

    return unit_gradient


def mean_gradient(X, w, b, da):
    dw, db = gradient()(X, w, b, da)
    return dw / len(X), db / len(X)


def shift(place):
    """A wake_up that adds minus z[place(k)], z sorted with the largest first."""
    return lambda z, k: -np.sort(z)[::-1][place(z, k)]


def prior(Y, classes):
    return np.bincount(Y, minlength=classes) / len(Y)


def entropy(p):
    return -np.sum(p[p > 0] * np.log(p[p > 0]))


def dead_net(p=prior, loss=entropy):
    """A dead_net with a mistake in it."""
    return lambda Y, classes: (p(Y, classes), loss(prior(Y, classes)))


def exact_width(depth, delta):
    return -log2(1 - (1 - delta) ** (1 / depth))


def one_hot(Y, classes):
    return np.eye(classes)[prior(Y, classes).argmax()]


WRONG = {
    "three_counters": {
        counters(zero=lambda Z: Z < 0): "z = 0 gives a zero and no gradient too",
        counters(zero=lambda Z: Z > 0): "That counts the units that are on for all",
        lambda Z, n: [8 - k for k in counters()(Z, n)]: "Those are the other units",
        counters(count=lambda zero: zero.any(0).sum()): "That counts units with any zero",
        counters(count=lambda zero: zero.sum()): "That counts the zeros, not the units",
        counters(count=lambda zero: zero.all(0).mean()): "That is the share of the units",
        counters(turned=True): "The order is turned round",
        counters(count=lambda zero: zero.all(1).sum()): "counts the examples for which all units",
        counters(rows=lambda Z, n: (Z[:1], Z[-n:], Z)): "The batch is the first rows",
        counters(rows=lambda Z, n: (Z[:1], Z[:n], Z[n:])): "The data are all rows",
        lambda Z, n: (Z[0] <= 0, 1, 1): "zero_for_input should be one number, got an arr",
        lambda Z, n: (1, 2): "dead_on_batch, dead_on_data), got a tuple of 2 parts",
        lambda Z, n: (1, 2, 3): "The answer is not right yet: got [1 2 3]",
    },
    "unit_on_interval": {
        unit(hinge=lambda w, b, *_: b / w): "the sign is missing",
        unit(hinge=lambda w, b, *_: -w / b): "the bias is divided by the weight",
        unit(hinge=lambda w, b, *_: w / b): "Both are turned round",
        unit(hinge=lambda w, b, low, high: w * low + b): "That is z at the left end",
        unit(hinge=lambda w, b, *_: b): "where the axis x = 0 is met",
        unit(hinge=lambda *_: 7.0): "The hinge for w = 2, b = -3 is not right yet: got 7",
        unit(kind=by_hinge): "z goes from 5 at x = -1 to 1 at x = 1, so got 'dead', expected 'alw",
        unit(kind=strict): "z goes from -1 at x = 1 to 0 at x = 2, so got 'bends', expected 'dead'",
        unit(kind=lambda w, b, *_: "dead" if b < 0 else "always on"): "so got 'always on', expe",
        unit(kind=lambda *_: 0): "The kind should be 'dead', 'bends' or 'always on', got 0",
        unit(kind=lambda *_: "alive"): "or 'always on', got 'alive'",
        lambda w, b, low, high: -b / w: "Expected 2 parts (hinge, kind), got 1.5",
    },
    "unit_gradient": {
        gradient(slope=lambda z: 1.0): "f' is missing",
        gradient(slope=lambda z: z <= 0): "f' is 1 where z > 0, not where z <= 0",
        gradient(slope=RELU.f): "That multiplies by f(z)",
        gradient(slope=lambda z: z >= 0): "The slope at z = 0 counts as 0",
        mean_gradient: "Sum over the examples",
        gradient(z_of=lambda X, w, b: X @ w): "The bias is left out of z",
        gradient(slope=leaky_relu(0.01).df): "That is a leak",
        gradient(factor=-1): "That is the step, the gradient with a minus",
        gradient(X_of=lambda X: np.ones_like(X)): "dw of a unit is not right yet",
        gradient(slope=lambda z: (z > 0) | (z < -5)): "dw of a dead unit",
        lambda X, w, b, da: X.T @ da: "Expected 2 parts (dw, db), got [-0.6",
        lambda X, w, b, da: (X * da[:, None], da): "dw has shape (6, 2), expected (2,)",
    },
    "wake_up": {
        shift(lambda z, k: k - 1): "z = 0 is still zero, go a little farther",
        lambda z, k: np.sort(z)[::-1][k - 1]: "The sign is wrong, z has to rise",
        shift(lambda z, k: -1): "With the smallest z above 0",
        lambda z, k: -np.median(z): "Half of the examples is not what is asked",
        lambda z, k: -np.mean(z): "The mean of z says nothing",
        shift(lambda z, k: 0): "The largest z is that of one example",
        lambda z, k: 100.0: "Too many examples are on: shift 100 gives 5, expected 2",
        lambda z, k: 0.0: "Too few examples are on: shift 0 gives 0, expected 2",
        lambda z, k: -z: "The shift should be one number, got [0.3 2 1.1 0.7 3.2]",
        lambda z, k: np.inf: "The shift should be a finite number, got inf",
    },
    "dead_net": {
        dead_net(p=lambda Y, n: np.bincount(Y, minlength=n)): "numbers of the examples, divide by",
        dead_net(p=lambda Y, n: np.full(n, 1 / n)): "All classes alike",
        dead_net(p=one_hot): "All on the most common class costs an infinite loss",
        dead_net(p=lambda Y, n: np.log(prior(Y, n) + (prior(Y, n) == 0))): "That is log p, the ou",
        dead_net(loss=lambda p: -entropy(p)): "The minus is missing",
        dead_net(loss=lambda p: entropy(p) / log(2)): "That is in bits",
        dead_net(loss=lambda p: entropy(p) / p.size): "Sum over the classes",
        dead_net(loss=lambda p: -np.log(p.max())): "the loss on the most common class alone",
        dead_net(loss=lambda p: -np.log(p[p > 0]).sum()): "Weight each class by how common",
        dead_net(loss=lambda p: 8 * entropy(p)): "The mean over examples, not the sum",
        dead_net(loss=lambda p: 1 - p.max()): "That is the share of wrong answers",
        dead_net(loss=lambda p: -np.sum(p * np.log(p))): "loss should be a finite number, got nan",
        lambda Y, n: (np.bincount(Y) / len(Y), entropy(prior(Y, n)) + (n == 4)): "The loss for 4",
        lambda Y, n: prior(Y, n): "Expected 2 parts (p, loss), got [0.5 0.25 0.25]",
        dead_net(p=lambda Y, n: prior(Y, n)[:2]): "p has shape (2,), expected (3,)",
    },
    "silent_net": {
        lambda n, depth: (1 - 0.5**n) ** depth: "that no layer is silent",
        lambda n, depth: 0.5 ** (n * depth): "One silent layer is enough",
        lambda n, depth: 0.5**n: "That is one layer, but there are more chances",
        lambda n, depth: depth * 0.5**n: "do not add up",
        lambda n, depth: 1 - (1 - 0.5**depth) ** n: "Width and depth are exchanged",
        lambda n, depth: 1 - 0.5**depth: "if all its units are zero, 2^-n, not if one is",
        lambda n, depth: 1 - (1 - 0.5**n) ** (depth - 1): "One layer too few",
        lambda n, depth: 1 - (1 - 0.5**n) ** (depth + 1): "One layer too many",
        lambda n, depth: 0.5: "That is a unit, a layer has n of them",
        lambda n, depth: 0.9: "The probability for 9 layers of 2 is not right yet: got 0.9",
        lambda n, depth: [0.5**n] * depth: "The probability should be one number, got an array",
    },
    "safe_width": {
        exact_width: "Round up, below the exact value the risk is above delta",
        lambda depth, delta: int(exact_width(depth, delta)): "One unit too few",
        lambda depth, delta: ceil(exact_width(depth, delta)) + 1: "one unit more than is needed",
        lambda depth, delta: ceil(-log(1 - (1 - delta) ** (1 / depth))): "to the base 2",
        lambda depth, delta: ceil(-log2(delta)) + 0 * depth: "Depth counts as well",
        lambda depth, delta: ceil(log2(depth * delta)): "the smaller delta the wider",
        lambda depth, delta: ceil(depth / delta): "the logarithm of depth / delta only",
        lambda depth, delta: delta * 2.0 ** min(depth, 1000): "That is a depth that a width could",
        lambda depth, delta: 4: "Too narrow, 0.998 of these nets are silent: for 100 layers",
        lambda depth, delta: 20: "Safe, but not the smallest, 9.54e-05 of these nets are silent",
        lambda depth, delta: 5.5: "A width is a whole number: for 100 layers and delta = 0.05",
        lambda depth, delta: -3: "Too narrow, 1 of these nets are silent",
    },
}


@pytest.mark.parametrize("exercise", EXERCISES, ids=ids)
class TestEveryExercise(EveryExercise):
    module, wrong, notebook = dying, WRONG, "04_dying_relu"


@pytest.mark.parametrize("exercise, wrong, words", cases(EXERCISES, WRONG))
def test_each_mistake_gets_its_own_helpful_sentence(exercise, wrong, words):
    check_sentence(exercise, wrong, words)


# --- Other right answers are right --------------------------------------------------------------


def by_diagnostics(Z, batch):
    dead = diagnostics.dead_on_data(RELU, [Z[:batch], Z[batch:]])
    counts = diagnostics.zero_for_input(RELU, Z)[0], diagnostics.dead_on_batch(RELU, Z[:batch])
    return [float(c.sum()) for c in (*counts, dead)]


def gradient_of_a_net(X, w, b, da):
    """The same by the course's own backward pass, in a net with one hidden unit."""
    net = Net((2, 1, 1))
    theta = net.pack([(w[:, None], [[b]]), ([[1.0]], [[0.0]])])
    dW, db = net.layers(net.backward(theta, net.forward(theta, X), da[:, None]))[0]
    return dW[:, 0], db.item()


def trained_prior(Y, classes):
    """By the course's own loss: the best outputs are log p."""
    p = prior(Y, classes)
    A = np.tile(np.log(np.maximum(p, 1e-30)), (len(Y), 1))
    return softmax(A[0]), SOFTMAX(A, Y)[0]


def test_other_right_ways():
    assert dying.THREE_COUNTERS.accepts(by_diagnostics)
    assert dying.UNIT_ON_INTERVAL.accepts(lambda *given: [-given[1] / given[0], right_kind(*given)])
    assert dying.UNIT_GRADIENT.accepts(gradient_of_a_net)
    assert dying.UNIT_GRADIENT.accepts(gradient(slope=RELU.df))
    assert dying.WAKE_UP.accepts(lambda z, k: 1e-9 - np.sort(z)[-k])
    assert dying.WAKE_UP.accepts(lambda z, k: np.array([1e-3 - sorted(z)[-k]]))
    assert dying.DEAD_NET.accepts(trained_prior)
    assert dying.SILENT_NET.accepts(mean_field.relu_death)
    assert dying.SAFE_WIDTH.accepts(lambda *given: np.float64(ceil(exact_width(*given))))


def test_the_dead_unit_of_the_judge_has_gradients_of_exactly_zero():
    _, dead = dying._gradients()
    dw, db = dying._gradient(*dead)
    assert (dw == 0).all() and db == 0


def test_the_words_of_the_praise_are_true():
    for depth in (8, 64, 512):
        assert dying._safe(2 * depth, 0.01) == dying._safe(depth, 0.01) + 1
        assert dying._safe(depth, 0.01) == ceil(log2(depth / 0.01))
    for Z, batch in dying._counted():
        assert (np.diff(dying._counts(Z, batch)) <= 0).all()
