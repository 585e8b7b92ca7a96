"""The published results on regions: rows B4, B6, D9 and A8 of the catalogue.

Every test repeats the experiment of its row, at the tolerance stated there, on seeds that no
notebook uses (they start at 2600). Numbers in comments are what was measured over more seeds.
"""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from helpers.activations import RELU, leaky_relu
from helpers.datasets import digits, split, standardise
from helpers.network import Net
from helpers.regions import (
    breakpoints,
    breakpoints_per_unit,
    line_regions,
    local_map,
    montufar_bound,
    split_plane,
    zaslavsky,
)
from helpers.training import SGD, train

SEED = 2600


# ---------------------------------------------------------------- B4: Zaslavsky


@pytest.mark.parametrize("seed", range(SEED, SEED + 5))
def test_b4_lines_in_general_position_reach_zaslavskys_number(seed):
    rng = np.random.default_rng(seed)
    for n in rng.integers(1, 33, 24):
        W, b = rng.standard_normal((2, n)), rng.standard_normal(n)
        assert line_regions(W, b) == 1 + n + n * (n - 1) // 2
        assert line_regions(W, np.zeros(n)) == 2 * n


@pytest.mark.parametrize("seed", range(SEED, SEED + 3))
def test_b4_a_grid_undercounts(seed):
    """n = 32 on [-3, 3]^2: 529 regions; the row's 276, 351 and 392 are of one arrangement."""
    rng = np.random.default_rng(seed)
    W, b = rng.standard_normal((2, 32)), rng.standard_normal(32)
    counts = [grid_count(W, b, points) for points in (50, 200, 800)]
    net = Net((2, 32, 1))
    theta = net.pack([(W, b), (np.ones((32, 1)), [0.0])])
    exact = len(split_plane(net, theta, reach=3.0).active)  # 305 to 433 over 20 seeds
    assert counts[0] < counts[1] < counts[2] <= exact < 529
    assert counts[0] < 0.8 * exact  # 0.61 to 0.72


def grid_count(W, b, points):
    axis = np.linspace(-3, 3, points)
    code = np.zeros((points, points), np.int64)
    for k in range(len(b)):
        code += (W[0, k] * axis[:, None] + (W[1, k] * axis + b[k]) > 0) * 2**k
    return len(np.unique(code))


# ---------------------------------------------------------------- B6: typical nets


@pytest.mark.parametrize("layers", [1, 4, 8, 16])
def test_b6_one_breakpoint_per_neuron_at_every_depth(layers):
    """40 nets of width 20; standard error 0.002, 0.018, 0.03, 0.04."""
    assert np.mean(breaks(layers, 20, 0.01, nets=40)) == pytest.approx(1.0, abs=0.15)


def breaks(layers, width, bias, nets):
    """(nets, layers) breakpoints per neuron on [-1, 1], He's init."""
    net, found = Net((1, *[width] * layers, 1)), []
    for seed in range(nets):
        theta = net.init(np.random.default_rng([SEED, layers, seed]), "he", bias=bias)
        layer = breakpoints(net, theta, [-1.0], [1.0]).layer
        found.append(np.bincount(layer, minlength=layers) / width)
    return np.array(found)


@pytest.mark.parametrize("bias, share", [(1.0, 0.608), (0.1, 0.955)])
def test_b6_first_layer_with_bias(bias, share):
    assert breakpoints_per_unit(sqrt(2), bias) == pytest.approx(share, abs=5e-4)
    assert breaks(1, 400, bias, nets=20).mean() == pytest.approx(share, abs=0.02)


def test_b6_deeper_layers_with_bias():
    """Our own formula, the limit of wide nets: standard errors 0.004 to 0.009."""
    measured = breaks(4, 200, 1.0, nets=60).mean(axis=0)
    predicted = [breakpoints_per_unit(sqrt(2), 1.0, layer=k) for k in (1, 2, 3, 4)]
    np.testing.assert_allclose(measured, predicted, atol=0.03)


def test_b6_regions_in_the_plane_follow_half_the_square_and_not_the_maximum():
    """60 other nets: mean 1170, standard deviation 198, from 784 to 1606."""
    net, counts = Net((2, 16, 16, 16, 1)), []
    for seed in range(20):
        theta = net.init(np.random.default_rng([SEED, seed]), "he", bias=0.1)
        counts.append(split_plane(net, theta).counts)
    counts = np.array(counts)
    assert (counts[:, 0] == zaslavsky(16)).all()
    units = np.array([16, 32, 48])
    np.testing.assert_allclose(counts.mean(axis=0), units**2 / 2, rtol=0.2)
    assert zaslavsky(48) == 1177 and montufar_bound((16, 16, 16)) == 561_152
    assert counts.max() < 561_152 / 100


# ---------------------------------------------------------------- D9: one matrix per region


@pytest.mark.parametrize("sizes", [(2, 16, 16, 1), (64, 32, 32, 10), (10, 20, 20, 20, 20, 3)])
def test_d9_the_net_is_its_local_map(sizes):
    net = Net(sizes)
    for seed in range(SEED, SEED + 8):
        rng = np.random.default_rng(seed)
        theta, x = net.init(rng, "he", bias=0.3), rng.standard_normal(sizes[0])
        J, c = local_map(net, theta, x)
        size = np.abs(J).sum(axis=1).max() * np.abs(x).max()
        assert np.abs(J @ x + c - net.output(theta, x[None])[0]).max() < 1e-15 * size * 4
        np.testing.assert_allclose(J, net.jacobian(theta, x), atol=1e-14 * np.abs(J).max())


def with_slope_at_0(slope):
    """ReLU that calls its derivative at 0 `slope`."""
    return replace(RELU, name="other", df=lambda z: (z > 0) + slope * (z == 0))


@pytest.mark.parametrize("seed", [SEED, SEED + 1])
def test_d9_the_derivative_at_zero_does_not_matter_in_float64(seed):
    data = split(digits(), np.random.default_rng(seed), 300)
    train_set, _ = standardise(*data)
    thetas = []
    for slope in (0.0, 0.5, 1.0):
        net = Net((64, 32, 32, 10), with_slope_at_0(slope))
        theta = net.init(np.random.default_rng(seed), "he")
        how = dict(steps=300, optimizer=SGD(0.1), record=301)
        thetas.append(train(net, theta, *train_set[:2], "softmax", **how).thetas)
    np.testing.assert_array_equal(thetas[0], thetas[1])
    np.testing.assert_array_equal(thetas[0], thetas[2])
    Z = net.forward(thetas[0], train_set.X).Z[:-1]
    assert all((z != 0).all() for z in Z)
    assert np.abs(thetas[0][-1] - thetas[0][0]).max() > 0.1  # it did learn


def test_d9_at_an_exact_zero_it_does_matter():
    """The convention is a choice: a net that starts with z = 0 everywhere learns with slope 1."""
    X, Y = np.ones((1, 1)), np.ones((1, 1))
    moved = []
    for slope in (0.0, 1.0):
        net = Net((1, 1, 1), with_slope_at_0(slope))
        theta = np.array([0.0, 0.0, 1.0, 0.0])
        moved.append(train(net, theta, X, Y, "squared_error", steps=1, optimizer=SGD(0.1)).theta)
    assert moved[0][0] == 0 and moved[1][0] > 0


# ---------------------------------------------------------------- A8: rescaling symmetry


@pytest.mark.parametrize("act", [RELU, leaky_relu(0.1)], ids=lambda act: act.name)
@pytest.mark.parametrize("seed", range(SEED, SEED + 5))
def test_a8_units_can_be_rescaled(act, seed):
    net, rng = Net((5, 8, 6, 3), act), np.random.default_rng(seed)
    theta, X = net.init(rng, "he", bias=0.5), rng.standard_normal((40, 5))
    a, dA = np.exp(rng.uniform(-2, 2, 8)), rng.standard_normal((40, 3))
    (W1, b1), (W2, b2), last = net.layers(theta)
    scaled = net.pack([(a * W1, a * b1), (W2 / a[:, None], b2), last])
    one, other = net.forward(theta, X), net.forward(scaled, X)
    np.testing.assert_allclose(other.A[-1], one.A[-1], rtol=0, atol=1e-14 * np.abs(one.A[-1]).max())
    dW1 = net.layers(net.backward(theta, one, dA))[0][0]
    dW1_scaled = net.layers(net.backward(scaled, other, dA))[0][0]
    np.testing.assert_allclose(dW1_scaled, dW1 / a, rtol=0, atol=1e-14 * np.abs(dW1 / a).max())


def test_a8_tanh_units_cannot():
    net, rng = Net((5, 8, 3), "tanh"), np.random.default_rng(SEED)
    theta, X = net.init(rng, "lecun"), rng.standard_normal((40, 5))
    (W1, b1), (W2, b2) = net.layers(theta)
    scaled = net.pack([(3 * W1, 3 * b1), (W2 / 3, b2)])
    assert np.abs(net.output(theta, X) - net.output(scaled, X)).max() > 0.1


@pytest.mark.parametrize("seed", range(SEED, SEED + 5))
def test_a8_without_biases_the_net_is_homogeneous(seed):
    net, rng = Net((5, 8, 8, 8, 3)), np.random.default_rng(seed)
    theta, X = net.init(rng, "he"), rng.standard_normal((40, 5))
    f, f3 = net.output(theta, X), net.output(theta, 3 * X)
    np.testing.assert_allclose(f3, 3 * f, rtol=0, atol=1e-14 * np.abs(f3).max())
