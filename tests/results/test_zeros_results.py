"""RESULTS F1, F5 and G3: zeros on demand, rivals of ReLU without zeros, and the cost of exp.

The nets are those of the rows, 64-128-128-10; the demos open with smaller ones.
"""

import numpy as np
import pytest

from helpers.activations import RELU, SOFTPLUS, leaky_relu, softplus
from helpers.datasets import digits, split, standardise
from helpers.demos import zeros
from helpers.diagnostics import dead_on_batch, per_layer, zero_share
from helpers.losses import accuracy
from helpers.network import Net
from helpers.training import L1, SGD, finish, train

SEED = 2600
SIZES = (64, 128, 128, 10)


# --- F5: an L1 penalty turns the zeros up -------------------------------------------------------


def with_penalties(weights, nets=10, scaled=False, seed=SEED):
    """(zeros at the start and at the end, dead on all the data, accuracy), (weights, nets) each."""
    rng = np.random.default_rng(seed)
    learn, new = split(digits(), rng, 1397)
    if scaled:
        learn, new = standardise(learn, new)
    net, weights = Net(SIZES), np.array(weights)[:, None]
    start = np.broadcast_to(net.init(rng, "he", lead=(nets,)), (len(weights), nets, net.P))
    run = train(net, start, learn.X, learn.Y, "softmax", steps=800, optimizer=SGD(0.2), batch=64,
                rng=rng, penalty=L1(weights), record=2)  # fmt: skip
    passed = [net.forward(theta, new.X) for theta in run.thetas]
    share = [per_layer(zero_share, one.A[1:-1]).mean(-1) for one in passed]
    seen = net.forward(run.theta, learn.X).Z[:-1], passed[1].Z[:-1]
    dead = [dead_on_batch(RELU, a) & dead_on_batch(RELU, b) for a, b in zip(*seen, strict=True)]
    return *share, np.mean(dead, axis=(0, -1)), accuracy(passed[1].A[-1], new.Y)


@pytest.fixture(scope="module")
def f5():
    return with_penalties((0.0, 0.01))


def test_f5_half_are_zero_at_the_start_and_training_lowers_the_share(f5):
    before, after, _, _ = f5
    assert before[0].mean() == pytest.approx(0.503, abs=0.03)
    assert after[0].mean() == pytest.approx(0.413, abs=0.03)
    assert (after[0] < before[0]).all()  # in each net


def test_f5_the_penalty_makes_more_than_three_quarters_zero_at_no_loss(f5):
    _, after, dead, right = f5
    assert (after[1] >= 0.75).all()
    assert (right[1] - right[0]).mean() >= -0.01
    assert dead[1].mean() < 0.05  # not because units die


def test_f5_sweep():
    """RESULTS: .41, .48, .59, .72, .85 for 1e-4 to 1e-2."""
    _, after, _, _ = with_penalties((1e-4, 3e-4, 1e-3, 3e-3, 1e-2), nets=4)
    np.testing.assert_allclose(after.mean(1), [0.41, 0.48, 0.59, 0.72, 0.85], atol=0.03)


def test_f5_with_standardised_pixels_training_lowers_the_share_by_little():
    before, after, _, _ = with_penalties((0.0,), scaled=True)
    assert 0 < (before - after).mean() < 0.04


# --- F1: zeros are not the reason ---------------------------------------------------------------


def rivals(acts, nets=20, pixels="from 0 to 1", seed=26):
    """Test errors and exact zeros, (acts, nets): paired starts and digits, as in the row."""
    learn, new = zeros.few_digits(nets, seed, pixels)
    theta, errors, share = None, [], []
    for act in acts:
        net, rng = Net(SIZES, act), np.random.default_rng(SEED)
        theta = net.init(rng, "he", lead=(nets,)) if theta is None else theta
        run = train(net, theta, learn.X, learn.Y, "softmax", steps=400, optimizer=SGD(0.1),
                    batch=32, rng=np.random.default_rng(SEED + 1), record=1)  # fmt: skip
        passed = net.forward(run.theta, new.X)
        errors.append(1 - accuracy(passed.A[-1], new.Y))
        share.append(np.mean([zero_share(a) for a in passed.A[1:-1]], axis=0))
    return np.array(errors), np.array(share)


def test_f1_softplus_is_worse_but_not_for_lack_of_zeros():
    acts = (RELU, SOFTPLUS, softplus(3), softplus(100), zeros.SHIFTED, leaky_relu(0.01))
    errors, share = rivals(acts)
    plain, three, sharp, shifted, leaky = (errors[1:] - errors[0]).mean(1)
    assert plain > 0.005
    assert abs(leaky) < 0.004 and abs(sharp) < 0.004
    assert sharp < three < plain and shifted < 0.7 * plain
    assert share[0].mean() == pytest.approx(0.4, abs=0.06)
    assert share[1:3].max() == 0 and share[4:].max() == 0
    assert share[3].max() < 0.01  # beta = 100: a few underflow


def test_f1_with_standardised_pixels_softplus_is_no_worse():
    errors, share = rivals((RELU, SOFTPLUS), nets=10, pixels="standardised")
    assert (errors[1] - errors[0]).mean() < 0.002
    assert share[1].max() == 0 and share[0].mean() > 0.4


# --- G3: cost -----------------------------------------------------------------------------------


def test_g3_relu_is_cheaper_than_tanh_and_a_small_part_of_a_wide_layer():
    result = zeros.compute_cost(record=finish(zeros.record_cost()), inputs=512)
    relu, tanh, sigmoid, *_ = result.shares[result.i]
    assert relu < tanh and relu < sigmoid
    assert relu < 0.1 and max(tanh, sigmoid) < 0.5  # here .02, .08, .07
    assert (result.shares[-1] < result.shares[0]).all()


def test_g3_in_place_saves_the_memory_of_the_result():
    z = np.random.default_rng(SEED).standard_normal((4000, 1000))
    assert zeros.extra_memory(lambda z: np.maximum(z, 0), z) == pytest.approx(z.nbytes, rel=1e-3)
    assert zeros.extra_memory(lambda z: np.maximum(z, 0, out=z), z) < 1e6
