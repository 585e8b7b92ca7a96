"""The published results on slopes and output units: rows C1, C2 (its identities) and C7.

All of them are deterministic; every test repeats the computation of its row on its own, at the
tolerance stated there, and where a demo shows the number, holds the demo against it.
"""

import math

import numpy as np
import pytest

from helpers.activations import RELU, SIGMOID, TANH, leaky_relu
from helpers.demos.derivative import (
    MENDED,
    PUBLISHED,
    complex_step,
    compute_find_the_bug,
    compute_step_size,
    compute_tangent,
    compute_two_coats,
    largest_errors,
)
from helpers.demos.output import compute_slow_start, compute_softmax
from helpers.losses import SOFTMAX, softmax

# ------------------------------------------------- C1: the published derivative, and its step


@pytest.mark.parametrize("act", [RELU, SIGMOID, TANH])
@pytest.mark.parametrize("h", [1e-4, 3e-3])
def test_c1_the_published_code_is_wrong_by_exactly_h_squared(act, h):
    x = np.linspace(-5, 5, 100)
    difference = act.f(x + h) - act.f(x - h)
    published, right = difference / 2 * h, difference / (2 * h)
    seen = right != 0
    np.testing.assert_allclose(published[seen] / right[seen], h**2, rtol=4e-16)
    demo = compute_find_the_bug(activation=act.name, formula=PUBLISHED, points=100, h=h)
    np.testing.assert_allclose(demo.quotient, published, rtol=1e-14, atol=0)


@pytest.mark.parametrize("act, top", [(RELU, 1.0e-8), (SIGMOID, 2.5e-9), (TANH, 1.0e-8)])
def test_c1_the_published_plots_have_axes_of_1e_8(act, top):
    r = compute_find_the_bug(activation=act.name, points=100, h=1e-4)
    assert r.quotient.max() == pytest.approx(top, rel=0.005)


def test_c1_the_grid_misses_the_kink():
    x = np.linspace(-5, 5, 100)
    assert 0 not in x and np.abs(x).min() == pytest.approx(0.0505, abs=1e-5)
    h = 1e-4
    assert (RELU.f(h) - RELU.f(-h)) / (2 * h) == pytest.approx(0.5, abs=1e-10)
    leaky = leaky_relu(0.01)
    assert (leaky.f(h) - leaky.f(-h)) / (2 * h) == pytest.approx(0.505, abs=1e-10)
    for name, kink in (("relu", 0.5), ("leaky_relu", 0.505)):
        r = compute_find_the_bug(activation=name, formula=MENDED, points=101)
        assert r.at_zero == pytest.approx(kink, abs=1e-10) and r.slope in (0, 0.01)
    assert math.isnan(compute_find_the_bug(points=100).at_zero)


def slope(h, errors):
    return np.polyfit(np.log(h), np.log(errors), 1)[0]


def test_c1_error_laws_of_the_central_difference():
    large, small = np.geomspace(1e-4, 1e-2, 9), np.geomspace(1e-13, 1e-8, 41)
    assert slope(large, largest_errors("tanh", "central", large)[0]) == pytest.approx(2, abs=0.02)
    # 41 steps: the errors of single ones are rounding and scatter by a factor of 2
    assert slope(small, largest_errors("tanh", "central", small)[0]) == pytest.approx(-1, abs=0.02)
    error = largest_errors("tanh", "central", np.array([1e-4]))
    assert error[0, 0] == pytest.approx(2 / 6 * 1e-8, abs=1e-10) == pytest.approx(3.3e-9, abs=1e-10)
    x, h = np.linspace(-5, 5, 100).astype(np.float32), np.float32(1e-4)  # the published grid
    single = (TANH.f(x + h) - TANH.f(x - h)) / (2 * h) - TANH.df(x.astype(float))
    assert np.abs(single).max() == pytest.approx(2.8e-4, rel=0.2)  # rounding: SIMD tanh may differ
    assert error[1, 0] == pytest.approx(3.0e-4, rel=0.35)  # on the demo's places; 4.0e-4 elsewhere


def test_c1_the_best_steps():
    central = compute_step_size(activation="tanh", method="central")
    assert central.best[0] == pytest.approx(6e-6, rel=0.2)
    best = largest_errors("tanh", "central", np.geomspace(2e-6, 2e-5, 31))[0].min()
    assert 0.5e-11 < best < 2.5e-11  # 1.2e-11 in the row
    forward = compute_step_size(activation="tanh", method="forward")
    assert forward.best[0] == pytest.approx(1.8e-8, rel=0.4)
    best = largest_errors("tanh", "forward", np.geomspace(5e-9, 5e-8, 31))[0].min()
    assert 0.5e-8 < best < 2e-8  # 1e-8 in the row
    assert largest_errors("tanh", "complex step", np.array([1e-20]))[0, 0] < 5e-16


# ---------------------------------------------------------------- C2: identities


def test_c2_slopes_from_values():
    x = np.linspace(-30, 30, 6001)
    s, t = SIGMOID.f(x), TANH.f(x)
    np.testing.assert_allclose(SIGMOID.df(x), s * (1 - s), rtol=0, atol=1e-12)
    np.testing.assert_allclose(TANH.df(x), 1 - t**2, rtol=0, atol=1e-12)
    np.testing.assert_allclose(t, 2 * SIGMOID.f(2 * x) - 1, rtol=0, atol=4e-16)
    assert SIGMOID.df(x).max() == SIGMOID.df(0.0) == 1 / 4 and TANH.df(x).max() == TANH.df(0.0) == 1
    assert compute_two_coats().difference < 4e-16  # 2e-16 in the row: one unit in the last place
    steps = np.array([1e-20])
    assert complex_step(np.tanh, 0.7, steps) == pytest.approx(TANH.df(0.7), abs=2e-16)


def test_c2_where_the_slope_is_lost():
    def threshold(df, level):
        low, high = 0.0, 50.0
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if df(middle) >= level else (low, middle)
        return low

    assert threshold(SIGMOID.df, 0.01) == pytest.approx(4.585, abs=5e-4)
    assert threshold(SIGMOID.df, 0.001) == pytest.approx(6.906, abs=5e-4)
    assert threshold(TANH.df, 0.01) == pytest.approx(2.993, abs=5e-4)
    assert compute_tangent(activation="sigmoid").ends[2] == pytest.approx(4.585, abs=5e-4)
    assert compute_tangent(activation="tanh").ends[2] == pytest.approx(2.993, abs=5e-4)
    x = np.arange(36, 38, 1e-3)
    assert x[1 - SIGMOID.f(x) == 0][0] == pytest.approx(36.74, abs=0.005)
    assert (SIGMOID.df(x) > 0).all()  # the record's slope is not lost there


def test_c2_the_wrong_formulas():
    """(1 - h^2) h instead of h (1 - h) and 1 - h^2; and 1 - x^2 of the pre-activation."""
    x = np.linspace(-10, 10, 20001)
    for act, largest in ((SIGMOID, 0.148), (TANH, 1.185)):
        h = act.f(x)
        assert np.abs((1 - h**2) * h - act.df(x)).max() == pytest.approx(largest, abs=5e-4)
    assert 1 - 2.0**2 == -3 and TANH.df(2.0) == pytest.approx(0.0707, abs=5e-5)


# ------------------------------------------------- C7: saturated output, quadratic cost; softmax


def nielsen(w, b, eta, gradient, epochs=300):
    """Outputs of the unit, weight and bias kept apart, input 1, target 0."""
    outputs = []
    for _ in range(epochs + 1):
        a = 1 / (1 + np.exp(-(w * 1.0 + b)))
        outputs.append(a)
        delta = gradient(a)
        w, b = w - eta * delta * 1.0, b - eta * delta
    return np.array(outputs)


def test_c7_nielsens_numbers():
    quick = nielsen(0.6, 0.9, 0.15, lambda a: a * a * (1 - a))
    slow = nielsen(2.0, 2.0, 0.15, lambda a: a * a * (1 - a))
    assert quick[[0, 300]] == pytest.approx([0.8176, 0.0940], abs=2e-4)
    assert slow[[0, 150, 300]] == pytest.approx([0.9820, 0.9334, 0.2028], abs=2e-4)
    for w, b, outputs in ((0.6, 0.9, quick), (2.0, 2.0, slow)):
        demo = compute_slow_start(w=w, b=b)
        np.testing.assert_allclose(demo.output[0], outputs, atol=1e-12)
        entropy = nielsen(w, b, 0.15, lambda a: a)
        np.testing.assert_allclose(demo.output[1], entropy, atol=1e-12)
    assert demo.output[1, 150] < 0.03  # cross-entropy has long finished where it has not begun


def test_c7_softmax_saturates_with_the_scale():
    """The row names no logits; with three that are 1/2 apart all four of its numbers come out."""
    for scale, largest in ((1, 0.25), (5, 0.075), (20, 4.5e-5), (100, 1.9e-22)):
        p = softmax(scale * np.array([1, 0.5, 0]))
        others = np.array([p[1] + p[2], p[0] + p[2], p[0] + p[1]])
        J = -np.outer(p, p)
        J[np.diag_indices(3)] = p * others
        assert np.abs(J).max() == pytest.approx(largest, rel=0.02)
        r = compute_softmax(scale=scale)
        np.testing.assert_allclose(r.jacobian, J, rtol=1e-12)
        assert r.sizes[2] == pytest.approx(np.abs(p - [0, 1, 0]).max())


@pytest.mark.parametrize("scale", [1.0, 5.0, 20.0, 100.0])
def test_c7_the_gradient_of_cross_entropy_stays_p_minus_y(scale):
    """Finite differences of losses up to 100: measured 1.6e-10 at most (the row: 4e-11)."""
    z, h, label = scale * np.array([1, 0.5, 0]), 1e-4, np.array([2])
    r = compute_softmax(scale=scale, target=3)
    for j, step in enumerate(h * np.eye(3)):
        up, down = (SOFTMAX((z + sign * step)[None], label)[0] for sign in (1, -1))
        assert r.entropy[j] == pytest.approx((up - down) / (2 * h), abs=1e-9)
