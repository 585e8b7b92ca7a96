"""Published results that the signal board and the edge of chaos show: rows C8 and D1.

tests/results/test_mean_field_results.py holds the theory of these rows against nets of its own;
here are the numbers that a learner sees in the demos, and training at several distances from the
edge of chaos. Seeds start at 2600.
"""

import math

import numpy as np
import pytest

from helpers import mean_field
from helpers.activations import RELU, TANH
from helpers.datasets import digits
from helpers.demos.board import drawn, measured, paired
from helpers.losses import SOFTMAX, accuracy
from helpers.network import Net
from helpers.training import SGD, train

SIGMA_B = math.sqrt(0.05)


@pytest.mark.parametrize("seed", [2600, 2601, 2602])
def test_d1_relu_halves_the_second_moment_and_he_keeps_it(seed):
    """30 layers, width 256; the median of 8 nets (-1.0095 and -0.0095 over 40 seeds, +-0.035)."""
    for sigma_w, log2_factor in ((1.0, -1), (math.sqrt(2), 0)):
        logs = measured(RELU, drawn("gaussian", 256, seed), sigma_w, 0.0, 30).log10_moment
        per_layer = (logs[:, -1] - logs[:, 0]) / 29 / math.log10(2)
        assert np.median(per_layer) == pytest.approx(log2_factor, abs=0.06)


@pytest.mark.parametrize("sigma_w", [0.8, math.sqrt(1.7610), 2.5])
def test_c8_the_gradient(sigma_w):
    """Squared gradient per layer, over 18 layers away from the start: the mean of 8 nets."""
    chi = mean_field.chi_1("tanh", sigma_w, mean_field.fixed_point("tanh", sigma_w, SIGMA_B))
    logs = measured(TANH, drawn("gaussian", 256, 2603), sigma_w, SIGMA_B, 21).log10_gradient
    factor = 10 ** (2 * logs[:, 2].mean() / 18)
    assert factor == pytest.approx(chi, rel=0.08)


@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(0.9, 0.3), (1.5, 0.3), (2.5, 0.3)])
def test_c8_second_moment_and_correlation(sigma_w, sigma_b):
    draw = drawn("gaussian", 256, 2604)
    logs = measured(TANH, draw, sigma_w, sigma_b, 20).log10_moment
    q = mean_field.signal(TANH, sigma_w, sigma_b, 20).second_moment
    np.testing.assert_allclose((10**logs).mean(0), q, rtol=0.15)

    rest = mean_field.fixed_point(TANH, sigma_w, sigma_b)
    c = (1 - paired(TANH, draw, sigma_w, sigma_b, 0.6, rest)).mean(0)[:12]
    after = mean_field.correlation_map(TANH, c[:-1], sigma_w, sigma_b, rest)
    np.testing.assert_allclose(c[1:], after, atol=0.15)


def trained_accuracy(seed, lr, variances, depth=20, width=50, seeds=8):
    """Share of 256 digits that tanh nets have learned after 100 steps, (variances, seeds)."""
    rng, data = np.random.default_rng(seed), digits()
    pick = rng.permutation(len(data.X))[:256]
    X, Y = data.X[pick] - data.X.mean(0), data.Y[pick]
    X /= np.sqrt(np.mean(X * X))
    net, lead = Net((64, *[width] * depth, 10), "tanh"), (len(variances), seeds)
    scale = np.sqrt(variances)[:, None] * np.ones(seeds)
    theta = net.init(rng, "lecun", scale=scale, lead=lead, bias=SIGMA_B)
    run = train(
        net, theta, X, Y, SOFTMAX, steps=100, optimizer=SGD(lr), batch=32, rng=rng, record=1
    )
    return accuracy(net.output(run.theta, X), Y)


def test_c8_trainable_depth():
    """20 layers train where six correlation lengths are more than that, and not where less.

    A miniature of Schoenholz et al. (2017), figure 5, with the best of three learning rates for
    every net. Means over other seeds: .12, .3 to .4, .94, 1.0, .97, .83.
    """
    variances = [0.5, 0.8, 1.2, 1.7610, 3.0, 4.0]
    reach = [6 * mean_field.correlation_length("tanh", math.sqrt(v), SIGMA_B) for v in variances]
    best = np.max([trained_accuracy(2605, lr, variances) for lr in (0.02, 0.05, 0.1)], axis=0)
    mean = best.mean(1)
    assert [length > 20 for length in reach] == [False, False, True, True, True, True]
    assert mean[0] < 0.2 and mean[1] < 0.55 and (mean[2:] > 0.7).all()
    assert best[3].min() > 0.9 and mean.argmax() == 3
    assert mean[0] < mean[1] < mean[2] < mean[3] > mean[4] > mean[5]
