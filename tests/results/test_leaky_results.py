"""Published results about leaks: rows D2 (in part), E5, F3, F4, F6, F7 and B5 (maxout).

Seeds start at 2600, no notebook uses them. Numbers in comments are what was measured over more.
What D2 and F4 say about gains and means is tested in test_gain_results.py as well.
"""

import math

import numpy as np
import pytest
from mpmath import mp, mpf

from helpers import theory
from helpers.activations import (
    ACTIVATIONS,
    ELU,
    GELU,
    MISH,
    RELU,
    SELU,
    SILU,
    TANH,
    gaussian_mean,
    leaky_relu,
    softplus,
    surrogate,
    swish,
)
from helpers.datasets import digits, split
from helpers.demos import leaky, selfnorm
from helpers.demos.maxout import compute_maxout
from helpers.losses import SOFTMAX, accuracy
from helpers.mean_field import leaky_correlation
from helpers.network import Net
from helpers.training import SGD, finish, train

SEED = 2600
TRAIN, TEST = split(digits(), np.random.default_rng(0), 1400)


# ---------------------------------------------------------------- D2: what a leak does to angles


@pytest.mark.parametrize("slope", [-0.5, 0.0, 0.1, 0.5])
def test_d2_the_correlation_of_two_inputs_after_one_layer(slope):
    """Kernel c' by sampling, to .003; one number for all c and slopes."""
    rng = np.random.default_rng(SEED)
    u, v = rng.standard_normal((2, 400_000))
    act = leaky_relu(slope)
    for c in (-0.5, 0.3, 0.9):
        a, b = act(u), act(c * u + math.sqrt(1 - c * c) * v)
        measured = np.mean(a * b) / math.sqrt(np.mean(a * a) * np.mean(b * b))
        assert measured == pytest.approx(leaky_correlation(c, slope), abs=3e-3)


# ---------------------------------------------------------------- E5: a false derivative


def wake(act, bias, steps, nets=8, width=100, lr=0.3, seed=SEED):
    """First of the steps 0, 20, 40, ... with a unit awake (-1: none), and the last accuracy."""
    net = Net((64, width, 10), act)
    theta = net.init(np.random.default_rng([seed, 0]), "he", lead=(nets,))
    net.layers(theta)[0][1][...] += bias
    frames = np.arange(0, steps + 1, 20)
    run = train(
        net, theta, TRAIN.X, TRAIN.Y, SOFTMAX, steps=steps, optimizer=SGD(lr), batch=64,
        rng=np.random.default_rng([seed, 1]), record=frames,
    )  # fmt: skip
    layers = [net.layers(one)[0] for one in run.thetas]
    awake = np.array([((TRAIN.X @ W).max(-2) + b[..., 0, :] > 0).mean(-1) for W, b in layers])
    right = accuracy(net.output(run.theta, TEST.X), TEST.Y)
    return leaky.first_awake(frames, awake), right, run


NECRO = {a: surrogate(RELU, leaky_relu(a)) for a in (0.01, 0.1, 1.0)}


@pytest.mark.parametrize("bias", [-4.0, -8.0])
def test_e5_relu_never_wakes_up(bias):
    first, right, run = wake(RELU, bias, 300, nets=3)
    assert (first == -1).all() and right.max() < 0.2
    W, b = run.net.layers(run.theta)[0]
    W_0, b_0 = run.net.layers(run.thetas[0])[0]
    np.testing.assert_array_equal(W, W_0)  # so it never will: the gradient is exactly 0
    np.testing.assert_array_equal(b, b_0)


@pytest.mark.parametrize("bias", [-4.0, -8.0])
def test_e5_a_false_derivative_of_one_hundredth_does_not_wake_them(bias):
    first, right, run = wake(NECRO[0.01], bias, 4000, nets=2)
    assert (first == -1).all() and right.max() < 0.2
    moved = run.net.layers(run.theta)[0][0] - run.net.layers(run.thetas[0])[0][0]
    assert abs(moved).max() > 1e-3  # it does move them


@pytest.mark.parametrize(
    ("slope", "bias", "steps", "first", "least"),
    [
        (0.1, -4.0, 4000, (340, 760), 0.945),  # row 460; 16 nets: 400 to 660
        (0.1, -8.0, 4000, (960, 1640), 0.92),  # row 1160; 1200 to 1440
        (1.0, -4.0, 600, (20, 120), 0.90),  # row 60; 40 to 80
        (1.0, -8.0, 600, (80, 200), 0.84),  # row 120; 120 to 140
    ],
)
def test_e5_larger_false_derivatives_do(slope, bias, steps, first, least):
    found, right, _ = wake(NECRO[slope], bias, steps, nets=4)
    assert ((found >= first[0]) & (found <= first[1])).all()
    assert right.min() > least


@pytest.mark.parametrize(
    ("slope", "bias", "steps", "first"),
    [
        (0.01, -4.0, 4000, (1300, 3000)),  # row 2320; 16 nets: 1560 to 2640
        (0.1, -4.0, 4000, (120, 600)),  # row 320; 160 to 500
    ],
)
def test_e5_the_same_leak_on_both_ways(slope, bias, steps, first):
    found, right, _ = wake(leaky_relu(slope), bias, steps, nets=4)
    assert ((found >= first[0]) & (found <= first[1])).all()
    assert right.min() > (0.95 if slope == 0.1 else 0.7)


def test_e5_a_leaky_net_need_not_wake_up_to_learn():
    """From bias -8: leak .01 wakes after 3400 steps or never (16 nets), leak .1 spread widely."""
    first, right, _ = wake(leaky_relu(0.01), -8.0, 4000, nets=4)
    assert ((first == -1) | (first > 3000)).all() and (0.6 < right).all() and (right < 0.87).all()
    first, right, _ = wake(leaky_relu(0.1), -8.0, 4000, nets=4)
    assert ((first == -1) | (first > 700)).all() and right.min() > 0.95


def test_e5_a_leaky_net_with_all_units_negative_is_exactly_affine():
    net, rng = Net((64, 100, 10), leaky_relu(0.1)), np.random.default_rng(SEED)
    theta = net.init(rng, "he", lead=(8,))
    net.layers(theta)[0][1][...] -= 20
    assert (net.forward(theta, TRAIN.X).Z[0] < 0).all()
    Y = net.output(theta, TRAIN.X)
    W, b = theory.collapse(net.layers(theta), slope=0.1)
    assert abs(Y - (TRAIN.X @ W + b)).max() < 1e-12 * abs(Y).max()
    record = finish(leaky.record_surrogate_start(bias=-8.0, steps=800, seed=27))
    assert np.nanmax(record.lives["leaky"].affine) < 1e-12


def test_e5_softmax_regression_reaches_what_the_linear_branch_can():
    """Row .975; 8 starts: the same convex problem, .970 to .977 after 4000 steps of lr 1."""
    net = Net((64, 10))
    theta = net.init(np.random.default_rng(SEED), lead=(4,))
    run = train(
        net, theta, TRAIN.X, TRAIN.Y, SOFTMAX, steps=4000, optimizer=SGD(0.5), batch=64,
        rng=np.random.default_rng(SEED), record=[4000],
    )  # fmt: skip
    right = accuracy(net.output(run.theta, TEST.X), TEST.Y)
    np.testing.assert_allclose(right, 0.97, atol=0.02)


# ---------------------------------------------------------------- F3: SELU


def test_f3_the_constants():
    mp.dps = 40
    alpha = mp.sqrt(2 / mp.pi) / (1 - mp.sqrt(mp.e) * mp.erfc(1 / mp.sqrt(2)))
    assert abs(alpha + 1 - mpf("1.6732632423543772848") - 1) < 1e-15
    assert selfnorm.ALPHA == pytest.approx(1.6732632423543772848, abs=1e-12)
    assert selfnorm.LAMBDA == pytest.approx(1.0507009873554804934, abs=1e-12)
    assert float(alpha) == pytest.approx(selfnorm.ALPHA, abs=1e-12)
    assert gaussian_mean(SELU.f) == pytest.approx(0, abs=1e-12)
    assert gaussian_mean(lambda z: SELU.f(z) ** 2) == pytest.approx(1, abs=1e-12)


def test_f3_the_contraction_needs_omega_about_zero():
    assert selfnorm.contraction(0.0) == pytest.approx(0.7877, abs=5e-5)
    assert selfnorm.contraction(0.0) == pytest.approx(math.hypot(0.088834, 0.782648), abs=1e-6)
    assert selfnorm.contraction(1.0) == pytest.approx(1.111, abs=5e-4)


STARTS = pytest.mark.parametrize("start", [(0.5, 2.0), (-0.3, 0.3)])


def nets(act, gain, start, seeds=4, width=500, batch=100, layers=32):
    """Mean and variance of layers 24 to 32, (seeds, 9, 2)."""
    ends = []
    for seed in range(SEED, SEED + seeds):
        rng = np.random.default_rng(seed)
        a = start[0] + math.sqrt(start[1]) * rng.standard_normal((1, batch, width))
        weights = rng.standard_normal((1, layers, width, width)) / math.sqrt(width)
        ends.append(selfnorm.through(act, gain, a, weights)[0, 24:])
    return np.array(ends)


@STARTS
def test_f3_selu_nets_come_back(start):
    """12 seeds: means -.041 to .052, variances .945 to 1.050."""
    found = nets(SELU, 1.0, start)
    np.testing.assert_allclose(found[..., 0], 0, atol=0.06)
    np.testing.assert_allclose(found[..., 1], 1, atol=0.15)


@STARTS
def test_f3_others_do_not(start):
    """Last variances: tanh .013 to .024, ELU .005 to .016, ReLU with He's weights anything."""
    assert np.abs(nets(TANH, 1.0, start)[:, :, 1] - 0.0185).max() < 0.008
    assert nets(ELU, 1.0, start)[:, :, 1].max() < 0.025
    relu = nets(RELU, math.sqrt(2), start, width=128, batch=64, seeds=40)[:, -1]
    moment = (relu[:, 1] + relu[:, 0] ** 2) / (start[0] ** 2 + start[1])
    assert np.ptp(np.log(moment)) > 1.5  # each net keeps another number, none goes to (0, 1)
    assert relu[:, 0].min() > 0.1


# ---------------------------------------------------------------- F4: means


MEANS = {"relu": 0.39894, "elu": 0.16052, "selu": 0.0, "softplus": 0.80606, "silu": 0.20662,
         "sigmoid": 0.5}  # fmt: skip


@pytest.mark.parametrize("name", MEANS)
def test_f4_formula_quadrature_and_simulation(name):
    quadrature, formula = gaussian_mean(ACTIVATIONS[name].f), selfnorm.closed_mean(name)
    assert quadrature == pytest.approx(MEANS[name], abs=5e-6)
    if formula is not None:
        assert formula == pytest.approx(quadrature, abs=1e-12)
    z = np.random.default_rng(SEED).standard_normal(1_000_000)
    values = ACTIVATIONS[name].f(z)
    assert values.mean() == pytest.approx(MEANS[name], abs=4e-3 * values.std())


def test_f4_and_f1_the_share_of_the_mean():
    shares = {
        name: selfnorm.compute_bias_shift(activation=name).share
        for name in ("softplus", "relu", "elu", "selu")
    }
    expected = {"softplus": 0.70, "relu": 0.32, "elu": 0.04, "selu": 0}
    assert shares == pytest.approx(expected, abs=6e-3)


# ---------------------------------------------------------------- F6: PReLU


@pytest.mark.parametrize("target", [-1.0, 0.0, 0.25, 1.0])
@pytest.mark.parametrize("start", [0.0, 0.25, 1.0])
def test_f6_one_unit_finds_the_slope(target, start):
    path = leaky.learned_slope(target, start, 0.05)
    assert len(path) == 501 and path[-1] == pytest.approx(target, abs=1e-6)
    if start != target:
        assert abs(path[50] - target) > 1e-3


def test_f6_on_digits_the_slopes_depend_on_their_start():
    """8 nets x 3 layers, 500 steps: medians .9 to 1.35 from .25, -.15 to .17 from 0, 2.0 from 1.

    Every net learns the digits (.94 to .98), so the data do not ask for one slope.
    """
    ends = {}
    for start in (0.0, 0.25, 1.0):
        film = finish(leaky.record_prelu(start=start, seed=26))
        ends[start] = film.slopes[-1]
        assert film.accuracy.min() > 0.9
    assert 0.8 < np.median(ends[0.25]) < 1.5
    assert abs(np.median(ends[0.0])) < 0.4
    assert 1.5 < np.median(ends[1.0]) < 2.4
    assert np.ptp(ends[0.25]) > 0.3


# ---------------------------------------------------------------- F7: GELU, SiLU, Mish


MINIMA = {"gelu": (-0.169971, -0.75179, 1.129), "silu": (-0.278465, -1.27846, 1.100),
          "mish": (-0.308843, -1.19243, 1.088)}  # fmt: skip


@pytest.mark.parametrize("act", [GELU, SILU, MISH], ids=str)
def test_f7_minima_and_largest_slopes(act):
    value, place, steepest = MINIMA[act.name]
    z = np.linspace(-3, 0, 3_000_001)
    f = act.f(z)
    assert f.min() == pytest.approx(value, abs=1e-6) == act.range[0]
    assert z[f.argmin()] == pytest.approx(place, abs=1e-5)
    assert act.df(np.array([place]))[0] == pytest.approx(0, abs=1e-5)
    assert act.df(np.linspace(0, 10, 100_001)).max() == pytest.approx(steepest, abs=5e-4)


def test_f7_the_two_approximations_of_gelu():
    z = np.linspace(-8, 8, 1_600_001)
    tanh = z / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))
    assert abs(tanh - GELU(z)).max() == pytest.approx(4.73e-4, abs=1e-6)
    assert abs(z * ACTIVATIONS["sigmoid"](1.702 * z) - GELU(z)).max() == pytest.approx(
        0.0203, abs=5e-5
    )


@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0, 20.0])
def test_f7_the_distance_of_softplus_and_swish_from_relu(beta):
    z = np.linspace(-20, 20, 400_001) / beta
    assert (softplus(beta)(z) - RELU(z)).max() == pytest.approx(math.log(2) / beta, rel=1e-12)
    assert (RELU(z) - swish(beta)(z)).max() == pytest.approx(0.27846 / beta, rel=3e-5)


# ---------------------------------------------------------------- B5: maxout


@pytest.mark.parametrize("pieces", range(2, 33))
def test_b5_the_error_of_maxout_is_exactly_one_over_eight_k_squared(pieces):
    assert compute_maxout(pieces=pieces).largest == pytest.approx(1 / (8 * pieces**2), rel=1e-10)
    assert theory.maxout_bound(pieces) == 1 / (8 * pieces**2)
    interpolation = theory.hinges(np.square, pieces)
    x = np.linspace(0, 1, 20 * pieces + 1)
    assert abs(interpolation(x) - x**2).max() == pytest.approx(1 / (4 * pieces**2), rel=1e-9)
