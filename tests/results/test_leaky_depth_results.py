"""Published results about leaks and depth: row D2 in real nets, and A5 with a single unit.

Seeds start at 2600, no notebook uses them. Numbers in comments are what was measured over more.
D2 is tested in theory in test_mean_field_results.py and, for the gain, in test_gain_results.py.
"""

import math

import numpy as np
import pytest

from helpers.activations import ABS, leaky_relu
from helpers.datasets import xor
from helpers.demos.leak_depth import compute_deeper
from helpers.demos.leaky import PReluNet
from helpers.losses import SQUARED_ERROR
from helpers.mean_field import leaky_correlation
from helpers.network import Net
from helpers.training import SGD, train

SEED = 2600
SLOPES = (0.0, 0.01, 0.1, 0.3)


# ---------------------------------------------------------------- D2: 30 layers


def deep_nets(seed, width=256, layers=30):
    """Second moment and angle (degrees) of two inputs at a right angle, a net for every slope."""
    rng = np.random.default_rng(seed)
    pair = np.linalg.qr(rng.standard_normal((width, 2)))[0].T * math.sqrt(width)
    acts = [leaky_relu(slope) for slope in SLOPES]
    Z = np.array([pair] * len(acts))
    for _ in range(layers):
        W = rng.standard_normal((width, width)) / math.sqrt(width)
        Z = np.array([act.gain * act(z) @ W for act, z in zip(acts, Z, strict=True)])
    cosines = np.vecdot(Z[:, 0], Z[:, 1]) / np.linalg.norm(Z, axis=-1).prod(-1)
    return np.square(Z).mean((1, 2)), np.degrees(np.arccos(cosines))


@pytest.fixture(scope="module")
def measured():
    """(nets, 2, slopes): moments and angles of 40 nets."""
    return np.array([deep_nets(seed) for seed in range(SEED, SEED + 40)])


@pytest.mark.parametrize(
    ("slope", "weights", "left"),
    [(0.0, "lecun", 9.31e-10), (0.01, "lecun", 9.34e-10), (0.01, "he", 1.003), (0.1, "he", 1.348),
     (0.3, "he", 13.3)],
)  # fmt: skip
def test_d2_what_is_left_after_thirty_layers(slope, weights, left):
    assert 10 ** compute_deeper(slope=slope, weights=weights).moments[1, 30] == pytest.approx(
        left, rel=3e-3
    )


def test_d2_a_small_leak_adds_nothing_to_a_real_net(measured):
    """With weights of variance 1/n: factor 1.003 on average; in single nets 0.95 to 1.05."""
    moments = measured[:, 0]
    ratio = moments[:, 1] / moments[:, 0] * (1 + 0.01**2) ** 30
    assert np.exp(np.log(ratio).mean()) == pytest.approx(1.003, abs=0.02)
    assert 0.85 < ratio.min() < ratio.max() < 1.15


def test_d2_the_angle_after_thirty_layers_of_real_nets(measured):
    """Standard errors of the 40 nets: 0.65 to 1.06 degrees."""
    for k, slope in enumerate(SLOPES):
        predicted = compute_deeper(slope=slope).angles[1, 30]
        assert measured[:, 1, k].mean() == pytest.approx(predicted, abs=3.5)
    assert (measured[:, 1, 3].mean() - measured[:, 1, 0].mean()) == pytest.approx(12.1, abs=3)


@pytest.mark.parametrize("slope", [0.01, 0.1, 0.3, -0.5])
def test_d2_a_leak_stretches_depth(slope):
    """Angle times layers tends to 3 pi / kappa: kappa L layers of ReLU do what L leaky ones do."""
    c, kappa = 0.0, (1 - slope) ** 2 / (1 + slope**2)
    for _ in range(5000):
        c = leaky_correlation(c, slope)
    assert 5000 * math.acos(c) == pytest.approx(3 * math.pi / kappa, rel=0.01)


def test_d2_which_leak_a_thousandth_needs():
    left = [compute_deeper(slope=slope).moments[1, 30] for slope in (0.3, 0.75, 0.76, 0.77, 0.78)]
    assert np.argmin(np.abs(np.array(left) + 3)) == 3 and left[0] < -7.8


# ---------------------------------------------------------------- A5: one unit


def one_unit(net, seed, starts=300):
    """Final errors (starts,) and theta of nets with one hidden unit; the recipe of A5."""
    X, Y, _ = xor()
    theta = net.init(np.random.default_rng(seed), "lecun", lead=(starts,))
    run = train(
        net, theta, X, Y, SQUARED_ERROR, steps=3000, optimizer=SGD(0.1), record=1
    )  # fmt: skip
    return run.losses[-1], run.theta


@pytest.mark.parametrize("seed", [SEED + 50, SEED + 51])
def test_a5_a_learned_slope_lets_one_unit_solve_xor_at_times(seed):
    """12 times 300 starts: solved 0.37 to 0.50, mean 0.43; median slope -0.942 to -0.927."""
    net = PReluNet((2, 1, 1), leaky_relu(0.25))
    errors, theta = one_unit(net, seed)
    solved = errors < 0.01
    assert solved.mean() == pytest.approx(0.43, abs=0.1)
    slopes = net.slopes(theta)[solved]
    assert np.median(slopes) == pytest.approx(-0.94, abs=0.03) and slopes.max() < -0.2
    assert np.mean(abs(errors[~solved] - 0.25) < 1e-3) > 0.95


def test_a5_one_absolute_value_does_and_one_leaky_unit_never_does():
    """abs: 12 times 300 starts, 0.70 to 0.74, mean 0.72. A leaky unit: 0 of 3600."""
    assert np.mean(one_unit(Net((2, 1, 1), ABS), SEED + 52)[0] < 0.01) == pytest.approx(
        0.72, abs=0.1
    )
    errors, _ = one_unit(Net((2, 1, 1), leaky_relu(0.1)), SEED + 53)
    assert errors.min() > 0.15


@pytest.mark.parametrize("slope", [-3.0, -1.0, -0.4, -0.05])
def test_a5_one_unit_with_any_negative_slope_can(slope):
    X, Y, _ = xor()
    h = leaky_relu(slope)(X @ [[1.0], [-1.0]] - (1 + slope) / (1 - slope))
    np.testing.assert_allclose((h - h[0]) / (h[1] - h[0]), Y, atol=1e-12)
