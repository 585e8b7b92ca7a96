"""The published results about saturation: rows C2 (bound), C3 and C5 of the catalogue.

Every test repeats the experiment of its row, at the tolerance stated there, on seeds that no
notebook uses (they start at 2600). Numbers in comments are what was measured over 40 seeds. That
theory alone gives the numbers of C5, and one more way to measure C3: test_mean_field_results.py.
"""

import numpy as np
import pytest

from helpers import mean_field
from helpers.activations import SIGMOID, TANH
from helpers.demos.saturation import compute_chain
from helpers.diagnostics import norm, saturated_zones
from helpers.initializers import UNIFORM, XAVIER
from helpers.network import Net

SEED = 2600


# ---------------------------------------------------------------- C2: identities and the bound


def test_c2_no_violation_of_the_bound_in_6000_random_chains():
    rng, violations, chains, closest = np.random.default_rng(SEED), 0, 0, 0.0
    for depth in range(1, 21):
        net = Net((1,) * (depth + 1), "sigmoid", "sigmoid")
        theta = 4 * rng.standard_normal((300, net.P))
        slope = np.abs(net.jacobian(theta, rng.standard_normal(1))).ravel()
        weights = np.prod([abs(W) for W, _ in net.layers(theta)], axis=0).ravel()
        violations += np.sum(slope > 0.25**depth * weights * (1 + 1e-12))
        closest, chains = max(closest, (slope / (0.25**depth * weights)).max()), chains + 300
    assert (violations, chains) == (0, 6000)
    assert closest > 0.9  # the bound is no larger than it has to be


def test_c2_the_bound_is_attained():
    net = Net((1,) * 11, "sigmoid", "sigmoid")
    theta = net.pack([(np.full((1, 1), 4.0), np.full((1, 1), -2.0))] * 10)
    assert net.jacobian(theta, np.array([0.5])).item() == 1.0
    assert compute_chain(w=4.0, b=-2.0, depth=10).product == 1.0


def test_c2_slopes_from_outputs():
    z = np.linspace(-12, 12, 100_001)
    s, t = SIGMOID(z), TANH(z)
    assert np.abs(SIGMOID.df(z) - s * (1 - s)).max() <= 1e-12
    assert np.abs(TANH.df(z) - (1 - t * t)).max() <= 1e-12
    assert np.abs(t - (2 * SIGMOID(2 * z) - 1)).max() <= 1e-12
    assert SIGMOID.df(z).max() == 0.25


def test_c2_thresholds():
    assert saturated_zones(SIGMOID)[1][0] == pytest.approx(4.585, abs=5e-4)
    assert saturated_zones(SIGMOID, 1e-3)[1][0] == pytest.approx(6.906, abs=1e-3)
    assert saturated_zones(TANH)[1][0] == pytest.approx(2.993, abs=5e-4)
    below, above = 1 - SIGMOID(np.array([36.73, 36.74]))
    assert below > 0 and above == 0  # the value has no digits left, the slope has
    assert SIGMOID.df(36.74) > 1e-16


def test_c2_a_published_derivative_is_wrong_for_both():
    """(1 - h^2) h as the derivative from the output h."""
    z = np.linspace(-12, 12, 100_001)
    for act, error in ((SIGMOID, 0.148), (TANH, 1.185)):
        h = act(z)
        assert np.abs((1 - h * h) * h - act.df(z)).max() == pytest.approx(error, abs=5e-4)
    assert 1 - 2.0**2 == -3 and TANH.df(2.0) == pytest.approx(0.0707, abs=5e-5)


# ---------------------------------------------------------------- C3: Glorot & Bengio


def spread_out(scheme, seed, act="identity"):
    """Per layer: variance of z, of d loss / d z, and of a weight gradient, in a 5 x 500 net."""
    net, rng = Net((500,) * 6, act), np.random.default_rng(seed)
    theta = net.init(rng, scheme)
    passed = net.forward(theta, rng.standard_normal((100, 500)))
    dZ = net.deltas(theta, passed.Z, rng.standard_normal((100, 500)))
    dW = [np.var(a.T @ d) for a, d in zip(passed.A[:-1], dZ, strict=True)]
    return np.var(passed.Z, axis=(1, 2)), np.var(dZ, axis=(1, 2)), np.array(dW)


@pytest.mark.parametrize("seed", range(SEED, SEED + 4))
def test_c3_signals_fade_and_weight_gradients_do_not(seed):
    forward, backward, dW = spread_out(UNIFORM, seed)
    per_layer = (backward[0] / backward[-1]) ** 0.25, (forward[-1] / forward[0]) ** 0.25
    np.testing.assert_allclose(per_layer, 1 / 3, rtol=0.06)  # .331 to .337
    theory = mean_field.glorot_bengio((500,) * 6, UNIFORM.std)
    assert theory.backward[0] == pytest.approx(1 / 81)
    assert theory.gradient.max() == pytest.approx(theory.gradient.min())
    assert dW.max() / dW.min() <= 1.6  # 1.01 to 1.05


@pytest.mark.parametrize("seed", range(SEED, SEED + 4))
def test_c3_the_normalised_init_keeps_all_three(seed):
    forward, backward, dW = spread_out(XAVIER, seed)
    per_layer = (backward[0] / backward[-1]) ** 0.25, (forward[-1] / forward[0]) ** 0.25
    np.testing.assert_allclose(per_layer, 1, rtol=0.06)  # .993 to 1.008
    assert dW.max() / dW.min() <= 1.6


# ---------------------------------------------------------------- C5: sigmoid in mean field


def sigmoid_net(depth, seed):
    """Factor of the gradient norm per layer, and E h^2 of the last layer, at width 200."""
    net, rng = Net([200] * (depth + 1), "sigmoid", "sigmoid"), np.random.default_rng(seed)
    theta = net.init(rng, "lecun")
    passed = net.forward(theta, rng.standard_normal((20, 200)))
    dZ = net.deltas(theta, passed.Z, rng.standard_normal((20, 200)))
    return (norm(dZ[0]) / norm(dZ[-1])) ** (1 / (depth - 1)), np.mean(passed.A[-1] ** 2)


@pytest.mark.parametrize("depth, measured", [(5, 0.2296), (10, 0.2335), (20, 0.2342)])
def test_c5_a_quarter_per_layer_is_passed_back(depth, measured):
    factors = np.array([sigmoid_net(depth, SEED + k)[0] for k in range(10)])
    assert factors.mean() == pytest.approx(measured, abs=0.004)  # 40 seeds: .2295 .2330 .2346
    assert factors.mean() == pytest.approx(0.2361, rel=0.03)
    assert factors.max() < 0.25


def test_c5_sixteen_layers():
    factors = np.array([sigmoid_net(16, SEED + k)[0] for k in range(10)])
    assert np.median(factors**15) == pytest.approx(3.4e-10, rel=0.2)  # 3.2e-10 to 4.1e-10
    assert 0.23605**15 == pytest.approx(3.9e-10, rel=0.02)


def test_c5_most_of_the_signal_is_the_mean():
    squares = np.mean([sigmoid_net(10, SEED + k)[1] for k in range(10)])
    share = 0.25 / mean_field.fixed_point("sigmoid", 1.0, 0.0)
    assert share == pytest.approx(0.945, abs=5e-4)
    assert 0.25 / squares == pytest.approx(share, rel=0.03)  # .936 to .949 over 40 seeds


def test_c5_four_times_the_weights_is_not_enough():
    four = mean_field.chi_1("sigmoid", 4.0, mean_field.fixed_point("sigmoid", 4.0, 0.0))
    assert four == pytest.approx(0.40, rel=0.03)
    assert mean_field.critical_sigma_w("sigmoid", 0.0) ** 2 == pytest.approx(103.0, rel=2e-3)
