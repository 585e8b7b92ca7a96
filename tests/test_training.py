"""Training: optimisers, batches, the record of a run, divergence, stopping, bad input."""

import _thread
import importlib
import math
import threading
import time
from dataclasses import FrozenInstanceError
from itertools import count, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from helpers import training as training_module
from helpers.activations import RELU, SIGMOID, TANH
from helpers.batch_norm import BatchNormNet
from helpers.datasets import digits, moons, xor
from helpers.losses import LOGISTIC, SOFTMAX, SQUARED_ERROR, Loss
from helpers.network import Net, deltas
from helpers.training import (
    DF_FROM_OUTPUT,
    L1,
    OPTIMIZERS,
    SGD,
    Adam,
    Momentum,
    Run,
    finish,
    part,
    train,
    training,
)

NET = Net((2, 6, 1), "tanh")
BAD_RATES = [-0.1, math.nan, math.inf]


def start(lead=(), net=NET, seed=0):
    return net.init(np.random.default_rng(seed), lead=lead)


def data(n=20, seed=1):
    return moons(np.random.default_rng(seed), n)[:2]


def run(lead=(), steps=30, theta=None, **settings):
    X, Y = data()
    theta = start(lead) if theta is None else theta
    return train(NET, theta, X, Y, LOGISTIC, steps=steps, **settings)


def assert_same(one, other):
    """Two runs agree bit by bit."""
    for name in ("losses", "frames", "thetas", "theta", "diverged"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


# --- optimisers ---------------------------------------------------------------------------------


def textbook_sgd(theta, gradients, lr):
    for g in gradients:
        theta = theta - lr * g
    return theta


def textbook_momentum(theta, gradients, lr, beta=0.9):
    velocity = 0
    for g in gradients:
        velocity = beta * velocity + g
        theta = theta - lr * velocity
    return theta


def textbook_adam(theta, gradients, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """Algorithm 1 of Kingma & Ba, line by line."""
    m = v = 0
    for t, g in enumerate(gradients, 1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        theta = theta - lr * m_hat / (np.sqrt(v_hat) + eps)
    return theta


TEXTBOOK = [(SGD, textbook_sgd), (Momentum, textbook_momentum), (Adam, textbook_adam)]


@pytest.mark.parametrize("lr", [0.3, np.array([0.1, 0.0, 2.0])], ids=["one", "per net"])
@pytest.mark.parametrize("optimizer, textbook", TEXTBOOK)
def test_optimiser_is_the_textbook_one(optimizer, textbook, lr):
    rng = np.random.default_rng(0)
    theta, gradients = rng.standard_normal((3, 5)), rng.standard_normal((25, 3, 5))
    gradients[:, :, 0] *= 1e-9  # where the eps of Adam counts
    expected = textbook(theta, gradients, lr if np.ndim(lr) == 0 else lr[:, None])
    update = optimizer(lr).start(theta)
    for gradient in gradients.copy():
        given = gradient.copy()
        update(gradient)
        np.testing.assert_array_equal(gradient, given)
    np.testing.assert_allclose(theta, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values())
def test_two_starts_of_one_optimiser_do_not_share_anything(optimizer):
    settings, g = optimizer(0.1), np.array([1.0, -2.0])
    first, second = np.zeros(2), np.zeros(2)
    update = settings.start(first)
    for _ in range(3):
        update(g)
    settings.start(second)(g)
    fresh = np.zeros(2)
    optimizer(0.1).start(fresh)(g)
    np.testing.assert_array_equal(second, fresh)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values())
def test_learning_rate_zero_is_allowed(optimizer):
    result = run(optimizer=optimizer(0))
    np.testing.assert_array_equal(result.theta, start())
    assert np.ptp(result.losses) == 0 and result.message == ""


@pytest.mark.parametrize("lr", BAD_RATES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values())
def test_bad_learning_rates(optimizer, lr):
    with pytest.raises(ValueError, match="lr must be"):
        run(optimizer=optimizer(lr))


def test_bad_settings_of_optimisers():
    with pytest.raises(TypeError, match="lr must be real numbers"):
        run(optimizer=SGD("fast"))
    with pytest.raises(ValueError, match=r"lr has \(2,\), the ensemble has \(3,\)"):
        run(lead=(3,), optimizer=SGD(np.ones(2)))
    with pytest.raises(ValueError, match="beta must be a number at least 0 and below 1, got 1"):
        run(optimizer=Momentum(beta=1))
    with pytest.raises(ValueError, match="beta2 must be .* got -1"):
        run(optimizer=Adam(beta2=-1))
    with pytest.raises(ValueError, match="eps must be .* got -1"):
        run(optimizer=Adam(eps=-1))


@pytest.mark.parametrize("act", DF_FROM_OUTPUT, ids=lambda act: act.name)
def test_the_cheap_derivatives_differ_by_rounding_only(act):
    z = np.linspace(-60, 60, 10_001)
    np.testing.assert_allclose(DF_FROM_OUTPUT[act](act.f(z)), act.df(z), rtol=0, atol=5e-16)


@pytest.mark.parametrize("act", ["tanh", "sigmoid", "relu"])
def test_one_step_follows_the_gradient_of_net(act):
    net = Net((2, 5, 4, 1), act, "tanh")
    theta, (X, Y) = start(net=net), data()
    passed = net.forward(theta, X)
    gradient = net.backward(theta, passed, SQUARED_ERROR(passed.A[-1], Y)[1])
    result = train(net, theta, X, Y, SQUARED_ERROR, steps=1, optimizer=SGD(1.0))
    np.testing.assert_allclose(theta - result.theta, gradient, rtol=1e-10, atol=1e-15)


# --- a penalty on the hidden activations --------------------------------------------------------

DEEP = {act: Net((3, 4, 4, 4, 2), act) for act in ("tanh", "relu", "softplus")}
# For complex numbers: |a| and the hinge ask for the sign of the real part.
COMPLEX = {
    "tanh": np.tanh,
    "relu": lambda z: z * (z.real > 0),
    "softplus": lambda z: np.log(1 + np.exp(z)),
}


def penalised_problem(act, lead=()):
    net, rng = DEEP[act], np.random.default_rng(3)
    theta = net.init(rng, lead=lead, bias=0.5)
    return net, theta, rng.standard_normal((7, 3)), rng.standard_normal((7, 2))


def penalised_cost(act, weight, layers, X, Y):
    """Squared error and penalty, written down again."""
    a, penalty = X, 0
    for W, b in layers[:-1]:
        a = COMPLEX[act](a @ W + b)
        penalty = penalty + weight * (a * np.sign(a.real)).sum((-2, -1))
    W, b = layers[-1]
    return (((a @ W + b - Y) ** 2).sum((-2, -1)) + penalty) / len(X)


def penalised_step(net, theta, X, Y, penalty):
    """The gradient that one step of gradient descent has taken."""
    how = dict(steps=1, optimizer=SGD(1.0), penalty=penalty)
    return theta - train(net, theta, X, Y, SQUARED_ERROR, **how).theta


def penalised_error(act, weight=0.7):
    """Of the gradient, against the complex step in every parameter."""
    net, theta, X, Y = penalised_problem(act)
    nudged = theta + 1e-30j * np.eye(net.P)
    expected = penalised_cost(act, weight, net.layers(nudged), X, Y).imag / 1e-30
    return np.abs(penalised_step(net, theta, X, Y, L1(weight)) - expected).max()


@pytest.mark.parametrize("act", DEEP)
def test_the_gradient_of_a_penalised_loss_agrees_with_the_complex_step(act):
    assert penalised_error(act) < 1e-13


@pytest.mark.parametrize("planted", ["left out", "wrong layer"])
def test_the_complex_step_finds_a_wrong_penalty(monkeypatch, planted):
    def wrong(layers, dfs, Z, dA, direct):
        return deltas(layers, dfs, Z, dA, None if planted == "left out" else direct[::-1])

    monkeypatch.setattr(training_module, "deltas", wrong)
    assert penalised_error("tanh") > 1e-3


@pytest.mark.parametrize("act", DEEP)
def test_the_gradient_of_a_penalised_loss_agrees_with_finite_differences(act):
    net, theta, X, Y = penalised_problem(act)
    gradient, h = penalised_step(net, theta, X, Y, L1(0.7)), 1e-6
    for direction in np.random.default_rng(4).standard_normal((5, net.P)):
        ends = theta + h * np.array([[1], [-1]]) * direction
        above, below = train(net, ends, X, Y, SQUARED_ERROR, steps=0, penalty=L1(0.7)).losses[0]
        assert (above - below) / (2 * h) == pytest.approx(gradient @ direction, rel=1e-6)


def test_losses_have_the_penalty_in_them():
    net, theta, X, Y = penalised_problem("tanh", lead=(4,))
    run = train(net, theta, X, Y, SQUARED_ERROR, steps=3, penalty=L1(0.7), record=4)
    expected = [penalised_cost("tanh", 0.7, net.layers(theta), X, Y) for theta in run.thetas]
    np.testing.assert_allclose(run.losses, expected, rtol=1e-12)


def test_a_weight_for_every_net_and_batches_of_different_sizes():
    net, theta, X, Y = penalised_problem("relu", lead=(2, 3))
    weights, how = np.array([0.0, 0.01, 0.3]), dict(steps=9, batch=3)  # batches of 3, 3 and 1
    together = train(
        net, theta, X, Y, "squared_error", penalty=L1(weights), rng=np.random.default_rng(5), **how
    )
    for k, weight in enumerate(weights):
        penalty, rng = L1(weight) if weight else None, np.random.default_rng(5)
        alone = train(net, theta[:, k], X, Y, "squared_error", penalty=penalty, rng=rng, **how)
        np.testing.assert_allclose(together.losses[..., k], alone.losses, rtol=1e-9)
        np.testing.assert_allclose(together.theta[:, k], alone.theta, rtol=1e-9, atol=1e-12)


def test_a_penalty_keeps_float32():
    net, theta, X, Y = penalised_problem("relu", lead=(3,))
    how = dict(steps=3, penalty=L1(np.array([0.1, 0.2, 0.3])))
    result = train(net, theta.astype(np.float32), X, Y, "squared_error", **how)
    assert result.theta.dtype == np.float32


def test_bad_penalties():
    for weight in (-0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match="weight must"):
            run(penalty=L1(weight))
    with pytest.raises(ValueError, match=r"weight has \(2,\), the ensemble has \(3,\)"):
        run(lead=(3,), penalty=L1(np.ones(2)))
    with pytest.raises(TypeError, match=r"penalty must be None or L1\(weight\), got 0.1"):
        run(penalty=0.1)
    for net in (Net((2, 1)), BatchNormNet((2, 3, 1))):
        with pytest.raises(ValueError, match="a penalty needs a plain Net with a hidden layer"):
            train(net, start(net=net), *data(), LOGISTIC, steps=1, penalty=L1(0.1))


# --- the record ---------------------------------------------------------------------------------


@pytest.mark.parametrize("lead", [(), (4,), (2, 3)])
def test_losses_and_snapshots_belong_to_the_same_steps(lead):
    result, (X, Y) = run(lead, steps=12, record=range(13)), data()
    assert result.losses.shape == (13, *lead) and result.thetas.shape == (13, *lead, NET.P)
    np.testing.assert_array_equal(result.frames, range(13))
    np.testing.assert_array_equal(result.thetas[0], start(lead))
    np.testing.assert_array_equal(result.at(-1), result.theta)
    for t in range(13):
        value = LOGISTIC(NET.output(result.at(t), X), Y)[0]
        np.testing.assert_allclose(result.losses[t], value, rtol=1e-12)
    assert (result.losses[-1] < result.losses[0]).all()
    assert (result.diverged == -1).all() and not result.stopped and result.message == ""


@pytest.mark.parametrize(
    "record, steps, frames",
    [
        (3, 10, [0, 5, 10]),
        (1, 10, [10]),
        (100, 4, [0, 1, 2, 3, 4]),
        ([7, 0, 3], 10, [0, 3, 7, 10]),
        ([], 10, [10]),
        (100, 0, [0]),
    ],
)
def test_which_snapshots_are_kept(record, steps, frames):
    result = run(steps=steps, record=record)
    np.testing.assert_array_equal(result.frames, frames)
    assert result.thetas.shape == (len(frames), NET.P) and result.losses.shape == (steps + 1,)


def test_a_snapshot_can_be_what_a_function_makes_of_theta():
    plain = run(steps=12, record=[0, 5])
    seen = run(steps=12, record=[0, 5], keep=lambda theta: theta.mean())
    np.testing.assert_array_equal(seen.frames, [0, 5, 12])
    assert seen.thetas == [theta.mean() for theta in plain.thetas]
    np.testing.assert_array_equal(seen.theta, plain.theta)
    wide, many = Net((1, 10**5, 1)), dict(steps=10**4, record=10**4)
    theta = np.zeros(wide.P)
    with pytest.raises(ValueError, match="record of 10,000 snapshots"):
        training(wide, theta, np.zeros((1, 1)), np.zeros((1, 1)), SQUARED_ERROR, **many)
    training(wide, theta, np.zeros((1, 1)), np.zeros((1, 1)), SQUARED_ERROR, keep=np.mean, **many)


def test_a_run_is_frozen_and_says_what_it_trained():
    result = run(steps=0)
    assert isinstance(result, Run) and result.net is NET and result.loss is LOGISTIC
    np.testing.assert_array_equal(result.theta, start())
    with pytest.raises(FrozenInstanceError):
        result.losses = None


def test_arguments_are_left_alone():
    theta, (X, Y) = start((3,)), data()
    copies = [array.copy() for array in (theta, X, Y)]
    for array in (theta, X, Y):
        array.flags.writeable = False
    rng = np.random.default_rng(0)
    train(NET, theta, X, Y, LOGISTIC, steps=5, batch=7, rng=rng, paired=False)
    for array, copy in zip((theta, X, Y), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_only_one_batch_at_a_time_has_to_fit_into_memory():
    """64 nets of 24 layers on 1,400 digits: 1.2 GB at once, 28 MB in batches of 32."""
    net, rng = Net((64, *[32] * 24, 10)), np.random.default_rng(2600)
    theta = net.init(rng, lead=(64,))
    X, Y = rng.standard_normal((1400, 64)), rng.integers(0, 10, 1400)
    with pytest.raises(ValueError, match=r"a forward pass of .* would take about 1,2\d\d MB"):
        training(net, theta, X, Y, SOFTMAX, steps=1)
    training(net, theta, X, Y, SOFTMAX, steps=1, batch=32, rng=rng)  # is not refused


def test_the_order_of_theta_in_memory_does_not_matter():
    """One start for several rates is `np.broadcast_to`: an array in an order of its own."""
    net, X, Y = Net((3, 5, 4)), np.random.default_rng(0).standard_normal((9, 3)), np.arange(9) % 4
    theta, how = start((2,), net), dict(steps=9, optimizer=SGD(np.array([[0.1], [0.2], [0.3]])))
    expected = train(net, np.stack([theta] * 3), X, Y, SOFTMAX, **how)
    last = np.stack([theta] * 3, axis=-1)
    for same in (np.broadcast_to(theta, (3, *theta.shape)), np.moveaxis(last, -1, 0)):
        result = train(net, same, X, Y, SOFTMAX, **how)
        assert_same(result, expected)
        assert result.theta.flags.c_contiguous  # faster by a third


def test_float32_stays_float32_and_whole_numbers_become_float64():
    X, Y = data()
    theta = start().astype(np.float32)
    result = train(NET, theta, X, Y, LOGISTIC, steps=5, optimizer=Adam(np.float64(0.01)))
    assert result.theta.dtype == result.thetas.dtype == np.float32
    whole = train(NET, np.ones(NET.P, int), X, Y, LOGISTIC, steps=5)
    assert whole.theta.dtype == np.float64 and np.ptp(whole.theta) > 0


# --- ensembles ----------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", [SGD(0.5), Momentum(0.1), Adam(0.01)])
def test_an_ensemble_is_the_loop_over_its_members(optimizer):
    together, (X, Y) = run((2, 3), optimizer=optimizer), data()
    for member in np.ndindex(2, 3):
        one = train(NET, start((2, 3))[member], X, Y, LOGISTIC, steps=30, optimizer=optimizer)
        np.testing.assert_allclose(together.theta[member], one.theta, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(together.losses[:, *member], one.losses, rtol=1e-9)


def test_one_theta_on_many_data_sets():
    sets = [data(seed=seed) for seed in range(4)]
    X, Y = (np.stack(arrays) for arrays in zip(*sets, strict=True))
    together = train(NET, start(), X, Y, LOGISTIC, steps=20)
    assert together.theta.shape == (4, NET.P)
    for k, (x, y) in enumerate(sets):
        one = train(NET, start(), x, y, LOGISTIC, steps=20)
        np.testing.assert_allclose(together.theta[k], one.theta, rtol=1e-10, atol=1e-13)


def test_a_learning_rate_for_every_net():
    rates = np.array([0.01, 0.1, 1.0])
    together = run((3,), optimizer=Adam(rates))
    for k, rate in enumerate(rates):
        np.testing.assert_allclose(
            together.theta[k], run((3,), optimizer=Adam(rate)).theta[k], rtol=1e-12
        )


# --- batches ------------------------------------------------------------------------------------


def probe(seen):
    """A loss that writes down which batch it was given, and leaves theta alone."""

    def note(A, Y):
        seen.append((A.copy(), Y.copy()))
        return np.zeros(A.shape[:-2]), np.zeros_like(A)

    return Loss("probe", "", "", note, lambda Y, batch, outputs: np.asarray(Y))


def batches_seen(n, batch, steps, lead=(), data_lead=(), labels=float, paired=True):
    """Outputs and labels of every step, for a net that hands its input through; Y = X."""
    seen, net = [], Net((1, 1))
    X = np.arange(float(n))[:, None] + np.zeros((*data_lead, 1, 1))
    Y = X if labels is float else X[..., 0].astype(int)
    theta = np.broadcast_to(net.pack([([[1.0]], [0.0])]), (*lead, 2))
    settings = dict(steps=steps, batch=batch, rng=np.random.default_rng(0), paired=paired)
    train(net, theta, X, Y, probe(seen), **settings)
    return [(A[..., 0], Y[..., 0] if labels is float else Y) for A, Y in seen]


@given(
    n=st.integers(1, 12),
    batch=st.integers(1, 12),
    lead=st.sampled_from([(), (3,), (2, 2)]),
    own_data=st.booleans(),
    labels=st.sampled_from([float, int]),
    paired=st.booleans(),
)
def test_batches(n, batch, lead, own_data, labels, paired):
    """Every epoch shows every example once, labels stay with their examples, sizes are right."""
    batch, per_epoch = min(batch, n), -(-n // min(batch, n))
    data_lead = lead if own_data else ()
    seen = batches_seen(n, batch, 2 * per_epoch - 1, lead, data_lead, labels, paired)
    assert [A.shape[-1] for A, _ in seen[:per_epoch]] == [
        min(batch, n - k) for k in range(0, n, batch)
    ]
    for A, Y in seen:
        np.testing.assert_array_equal(A, np.broadcast_to(Y, A.shape))
    for first in (0, per_epoch):
        epoch = np.concatenate([A for A, _ in seen[first : first + per_epoch]], axis=-1)
        assert epoch.shape == (*lead, n)
        np.testing.assert_array_equal(np.sort(epoch), np.broadcast_to(np.arange(n), epoch.shape))


@pytest.mark.parametrize("paired", [True, False])
def test_paired_nets_see_the_same_batches_and_others_their_own(paired):
    seen = batches_seen(40, 40, 1, lead=(3,), paired=paired)
    (first, second, _), (again, *_) = seen[0][0], seen[1][0]
    assert np.array_equal(first, second) == paired
    assert not np.array_equal(first, again)  # the next epoch has another order


def test_without_batch_every_step_sees_all_examples_in_order():
    seen = batches_seen(5, None, 3)
    assert len(seen) == 4 and all(np.array_equal(A, np.arange(5.0)) for A, _ in seen)


@pytest.mark.parametrize("paired", [True, False])
def test_the_same_seed_gives_the_same_run_bit_by_bit(paired, monkeypatch):
    def once(seed):
        rng = np.random.default_rng(seed)
        return run((3,), batch=8, rng=rng, paired=paired, optimizer=Adam(0.01))

    first = once(5)
    assert not np.array_equal(first.theta, once(6).theta)
    monkeypatch.setattr(training_module, "CHUNK_SECONDS", 0.0)  # however the time is cut
    assert_same(first, once(5))


def test_class_numbers_in_batches():
    X, labels, _ = digits()
    net = Net((64, 16, 10))
    rng = np.random.default_rng(0)
    settings = dict(steps=150, batch=32, rng=rng, optimizer="adam", paired=False)
    result = train(net, net.init(rng, lead=(2,)), X[:300], labels[:300], SOFTMAX, **settings)
    assert result.losses[0] == pytest.approx(math.log(10), rel=0.4)
    assert (result.losses[-5:].mean(axis=0) < 2.0).all()


# --- divergence ---------------------------------------------------------------------------------


def test_a_diverging_run_stops_keeps_the_last_finite_state_and_says_so():
    X, Y = data()
    result = train(NET, start(), X, Y, SQUARED_ERROR, steps=500, optimizer=SGD(1e6))
    t = int(result.diverged)
    assert 0 < t < 500 and result.stopped and len(result.losses) == t + 1
    assert np.isfinite(result.losses[:t]).all() and not np.isfinite(result.losses[t])
    assert np.isfinite(result.theta).all() and np.isfinite(result.thetas).all()
    assert SQUARED_ERROR(NET.output(result.theta, X), Y)[0] == result.losses[t - 1]
    assert result.frames[-1] == t
    assert result.message == (
        f"The loss was no longer finite at step {t}, so training stopped; "
        "theta is the last state with a finite loss."
    )


@pytest.mark.parametrize("optimizer", [SGD, Momentum])
def test_one_diverging_net_does_not_disturb_the_others(optimizer):
    X, Y = data()
    how = dict(steps=300, record=range(301))
    theta, rates = start((3,)), np.array([0.1, 1e6, 0.05])
    mixed = train(NET, theta, X, Y, SQUARED_ERROR, optimizer=optimizer(rates), **how)
    t = mixed.diverged[1]
    assert t > 0 and mixed.diverged[0] == mixed.diverged[2] == -1 and not mixed.stopped
    for k in (0, 2):
        alone = train(NET, theta[k], X, Y, SQUARED_ERROR, optimizer=optimizer(rates[k]), **how)
        np.testing.assert_allclose(mixed.theta[k], alone.theta, rtol=1e-9, atol=1e-12)
    alone = train(NET, theta[1], X, Y, SQUARED_ERROR, optimizer=optimizer(1e6), **how)
    np.testing.assert_allclose(mixed.theta[1], alone.theta, rtol=1e-9)
    assert np.isfinite(mixed.thetas).all()
    assert (mixed.thetas[t:, 1] == mixed.theta[1]).all()
    assert np.isfinite(mixed.losses[:t]).all() and np.isnan(mixed.losses[t + 1 :, 1]).all()
    assert mixed.message == (
        f"1 of 3 nets diverged, the first at step {t}; "
        "each keeps its last state with a finite loss."
    )


def test_when_all_nets_have_diverged_the_run_stops():
    X, Y = data()
    rates = np.array([1e6, 1e3])
    result = train(NET, start((2,)), X, Y, SQUARED_ERROR, steps=5000, optimizer=SGD(rates))
    assert result.stopped and len(result.losses) == result.diverged.max() + 1 < 5000
    assert result.diverged[0] < result.diverged[1] and "2 of 2 nets" in result.message


def test_a_start_that_overflows_is_kept_as_it_is():
    X, Y = data()
    theta = start() * 1e200
    result = train(NET, theta, X, Y, SQUARED_ERROR, steps=10)
    assert result.diverged == 0 and result.losses.shape == (1,)
    np.testing.assert_array_equal(result.theta, theta)


def test_an_infinite_weight_that_the_loss_does_not_see():
    """A huge gradient makes the bias of a ReLU -inf; the dead unit then hides it from the loss."""
    loss = Loss("kick", "", "", lambda A, Y: (np.float64(1), 1e308 + 0 * A), lambda Y, n, m: Y)
    net = Net((1, 1, 1))
    theta = net.pack([([[0.0]], [1.0]), ([[1e10]], [0.0])])
    result = train(net, theta, np.zeros((1, 1)), np.zeros((1, 1)), loss, steps=5)
    assert result.diverged == 1 and np.isfinite(result.thetas).all()
    assert result.losses[0] == 1 and np.isnan(result.losses[1])
    np.testing.assert_array_equal(result.theta, theta)


# --- stopping -----------------------------------------------------------------------------------


class Clock:
    """perf_counter for a test: every look at it takes one hundredth of a second."""

    def __init__(self):
        self.ticks = count()

    def __call__(self):
        return next(self.ticks) / 100


@pytest.fixture
def short_chunks(monkeypatch):
    monkeypatch.setattr(training_module, "perf_counter", Clock())


def generator(steps, **settings):
    X, Y = data()
    return training(NET, start(), X, Y, LOGISTIC, steps=steps, **settings)


def test_progress_is_yielded_between_short_chunks(short_chunks):
    progress = list(generator(20))
    assert 0 < progress[0] < 0.4 and progress == sorted(progress) and progress[-1] <= 1
    assert max(b - a for a, b in pairwise(progress)) < 0.4


def test_stop_keeps_the_result_so_far(short_chunks):
    whole, progress = run(steps=100, record=range(101)), generator(100, record=range(101))
    next(progress)
    done = round(100 * next(progress))
    with pytest.raises(StopIteration) as end:
        progress.send("stop")
    result = end.value.value
    assert result.stopped and result.message == f"Stopped by hand after {done} steps."
    np.testing.assert_array_equal(result.frames, range(done + 1))
    np.testing.assert_array_equal(result.losses, whole.losses[: done + 1])
    np.testing.assert_array_equal(result.theta, whole.thetas[done])


def test_a_real_chunk_is_short():
    """Stop must be served within 0.25 s; the median, because this machine is not ours alone."""
    progress, gaps = generator(10**6), []
    for _ in range(5):
        before = time.perf_counter()
        next(progress)
        gaps.append(time.perf_counter() - before)
    progress.close()
    assert 0.04 < np.median(gaps) < 0.2


def test_a_suspended_run_leaves_no_settings_behind(short_chunks):
    with threadpool_limits(2, user_api="blas"):
        before = np.geterr(), [pool["num_threads"] for pool in threadpool_info()]
        progress = generator(100)
        next(progress)
        assert before == (np.geterr(), [pool["num_threads"] for pool in threadpool_info()])


def two_parts():
    """A longer job made of two: 1 of 4 parts and 3 of 4 parts."""
    first = yield from part(generator(20), 0, 0.25)
    second = yield from part(generator(20, optimizer=Adam()), 0.25, 1)
    return first, second


def test_progress_of_the_parts_of_a_longer_job(short_chunks):
    progress = list(two_parts())
    assert progress == sorted(progress) and 0 < progress[0] < 0.1 and 0.8 < progress[-1] <= 1
    first, second = finish(two_parts())
    assert_same(first, run(steps=20))
    assert_same(second, run(steps=20, optimizer=Adam()))


def test_stop_reaches_the_part_at_work(short_chunks):
    job = two_parts()
    next(job)
    job.send("stop")
    first, second = finish(job)
    assert first.stopped and len(first.losses) < 21 and not second.stopped


def test_two_interleaved_runs_do_not_mix(short_chunks):
    one, other = generator(60, optimizer=Adam()), generator(60, optimizer=Adam())
    for _ in zip(one, other, strict=False):
        pass
    assert_same(finish(generator(60, optimizer=Adam())), run(steps=60, optimizer=Adam()))


def interrupting(after):
    steps = count()

    def loss(A, Y):
        if next(steps) == after:
            raise KeyboardInterrupt
        return SQUARED_ERROR(A, Y)

    return Loss("interrupting", "", "", loss, SQUARED_ERROR.labels)


def test_interrupt_leaves_everything_as_it_was():
    theta, (X, Y) = start(), data()
    settings, copy = (np.geterr(), threadpool_info()), theta.copy()
    with pytest.raises(KeyboardInterrupt):
        train(NET, theta, X, Y, interrupting(5), steps=100, optimizer=SGD(1.0))
    assert settings == (np.geterr(), threadpool_info())
    np.testing.assert_array_equal(theta, copy)
    how = dict(steps=20, optimizer=SGD(1.0))
    again = train(NET, theta, X, Y, SQUARED_ERROR, **how)
    assert_same(again, train(NET, copy, X, Y, SQUARED_ERROR, **how))


def test_a_real_interrupt_is_served_within_a_second():
    X, Y = data()
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    before = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        train(NET, start(), X, Y, LOGISTIC, steps=10**6)
    timer.join()
    assert time.perf_counter() - before < 1.3


# --- bad input, before the first step -----------------------------------------------------------


@pytest.mark.parametrize(
    "change, words",
    [
        ({"X": np.zeros((20, 3))}, r"\(\.\.\., batch, 2\).*got \(20, 3\)"),
        ({"X": np.zeros((0, 2))}, r"at least one example, got shape \(0, 2\)"),
        ({"Y": np.zeros((19, 1))}, r"\(19, 1\)"),
        ({"Y": np.zeros(20)}, r"\(20,\)"),
        ({"Y": np.full((20, 1), 2.0)}, "from 0 to 1, got 2"),
        ({"theta": np.zeros(NET.P - 1)}, rf"\(\.\.\., {NET.P}\).*got \({NET.P - 1},\)"),
        ({"theta": np.full(NET.P, np.nan)}, f"theta must be finite numbers, got {NET.P} NaN"),
        ({"X": np.ones((3, 20, 2)), "theta": start((2,))}, r"theta has \(2,\), X has \(3,\)"),
        ({"steps": -1}, "steps must be a whole number at least 0, got -1"),
        ({"steps": 1.5}, "steps must be a whole number at least 0, got 1.5"),
        ({"steps": 10**10}, "the losses of 10,000,000,000 steps would take about 80,000 MB"),
        ({"steps": 10**7, "record": 10**7}, "the record of 10,000,000 snapshots would take"),
        ({"record": 0}, "record must be a whole number at least 1, got 0"),
        ({"record": [0, 11]}, r"record\[1\] must be a whole number from 0 to 10, got 11"),
        ({"batch": 0}, "batch must be a whole number from 1 to 20, got 0"),
        ({"batch": 21}, "batch must be a whole number from 1 to 20, got 21"),
        ({"loss": "logistics"}, "loss must be one of .*did you mean 'logistic'"),
        ({"optimizer": "adm"}, "optimizer must be one of 'sgd', 'momentum', 'adam'.*'adam'"),
    ],
)  # fmt: skip
def test_bad_values(change, words):
    X, Y = data()
    arguments = dict(theta=start(), X=X, Y=Y, loss=LOGISTIC, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=words):
        training(NET, **(arguments | dict(steps=10) | change))  # no step is taken


@pytest.mark.parametrize(
    "change, words",
    [
        ({"batch": 5}, "rng must be a numpy Generator"),
        ({"optimizer": Adam}, "optimizer must be one of"),
        ({"loss": None}, "loss must be one of"),
        ({"X": [["a", "b"]] * 20}, "X must be real numbers"),
    ],
)
def test_things_of_the_wrong_kind(change, words):
    X, Y = data()
    arguments = dict(theta=start(), X=X, Y=Y, loss=LOGISTIC, steps=10)
    with pytest.raises(TypeError, match=words):
        training(NET, **(arguments | change))


@pytest.mark.parametrize("name", ["X", "Y"])
def test_data_with_nan_says_how_many_and_where(name):
    arrays = dict(zip("XY", data(), strict=True))
    arrays[name][3:5, 0] = np.nan
    arrays[name][7, 0] = np.inf
    words = rf"{name} must be finite numbers, got 2 NaN and 1 infinite .*\(3, 0\)"
    with pytest.raises(ValueError, match=words):
        training(NET, start(), **arrays, loss=LOGISTIC, steps=10)


def test_class_numbers_that_the_net_does_not_have():
    net = Net((2, 4, 3))
    with pytest.raises(ValueError, match="from 0 to 2, got 3"):
        training(net, start(net=net), np.zeros((2, 2)), [0, 3], SOFTMAX, steps=1)


# --- what training shows (RESULTS A5, E6) -------------------------------------------------------

LEVELS = np.array([0, 1 / 8, 1 / 6, 1 / 4])


@pytest.mark.parametrize(
    "act, units, scheme, success, within",
    [("relu", 2, "he", 0.26, 0.10), ("tanh", 2, "lecun", 0.87, 0.08), ("abs", 1, "he", 0.72, 0.12)],
)
def test_xor_over_many_starts(act, units, scheme, success, within):
    net = Net((2, units, 1), act)
    X, Y, _ = xor()
    theta = net.init(np.random.default_rng(11), scheme, lead=(300,))
    result = train(net, theta, X, Y, SQUARED_ERROR, steps=3000, optimizer=SGD(0.1), record=1)
    final = result.losses[-1]
    assert np.mean(final < 0.01) == pytest.approx(success, abs=within)
    if act == "relu":
        assert np.mean(np.abs(final[:, None] - LEVELS).min(axis=1) < 0.01) >= 0.97


@pytest.mark.parametrize("act", ["relu", "leaky_relu", "tanh", "elu"])
def test_from_zero_weights_only_the_output_bias_learns(act):
    X, labels, _ = digits()
    net = Net((64, 8, 8, 10), act)
    result = train(net, np.zeros(net.P), X[:200], labels[:200], SOFTMAX, steps=100)
    *hidden, (W, b) = net.layers(result.theta)
    assert not any(np.any(array) for layer in hidden for array in layer) and not W.any()
    shares = np.bincount(labels[:200]) / 200
    assert result.losses[0] == pytest.approx(math.log(10), rel=1e-12) and b.any()
    entropy = -(shares * np.log(shares)).sum()
    assert entropy < result.losses[-1] < result.losses[0]


@pytest.mark.parametrize("act, scheme", [("sigmoid", "zeros"), ("tanh", "constant")])
def test_equal_units_stay_equal(act, scheme):
    X, labels, _ = digits()
    net = Net((64, 8, 10), act)
    theta = net.init(np.random.default_rng(0), scheme)
    result = train(net, theta, X[:200], labels[:200], SOFTMAX, steps=100, optimizer="adam")
    W, _ = net.layers(result.theta)[0]
    assert np.abs(W).max() > 1e-3 and np.ptp(W, axis=1).max() < 1e-12


def test_the_speed_benchmark_runs(monkeypatch, capsys):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the script sets it, for itself
    monkeypatch.syspath_prepend(Path(__file__).parent / "benchmarks")
    speed = importlib.import_module("training_speed")
    monkeypatch.setattr(speed, "installed", lambda module: False)
    case = speed.CASES[0]._replace(epochs=2)
    speed.report_training(case, 1, time.perf_counter)
    speed.report_ensemble((2, 4, 1), 5, 2, 0.0, 1, time.perf_counter)
    printed = capsys.readouterr().out
    assert "ours with SGD / bare products" in printed and "at least 0.00: reached" in printed
    assert "PyTorch" not in printed
    away = speed.elsewhere(speed.bare_products, case)
    assert away(time.perf_counter) > 0


def test_module_names():
    assert {name: cls.__name__.lower() for name, cls in OPTIMIZERS.items()} == {
        name: name for name in OPTIMIZERS
    }
    assert set(DF_FROM_OUTPUT) == {RELU, SIGMOID, TANH}
