"""Nets with batch normalisation: the gradient by the complex step, and what normalisation means.

The reference is the complex step, f(x + ih) = f(x) + ih f'(x) for h = 1e-30, as in test_network.
"""

from dataclasses import replace

import numpy as np
import pytest

from helpers import batch_norm
from helpers.activations import SIGMOID, TANH, Activation
from helpers.batch_norm import BatchNormNet, normalise, through_normalisation
from helpers.diagnostics import gradient_norms, norm, per_layer
from helpers.losses import SOFTMAX, SQUARED_ERROR
from helpers.network import Net
from helpers.training import SGD, Adam, train

H = 1e-30
COMPLEX = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.where(z.real > 0, z, 0 * z),
}
SIZES = (3, 5, 4, 2)


def rng(seed=2600):
    return np.random.default_rng(seed)


def problem(act="tanh", sizes=SIZES, n=7, lead=(), seed=2600):
    """A net whose gammas and betas are no longer those of the start, and data."""
    net, r = BatchNormNet(sizes, act), rng(seed)
    theta = net.init(r, lead=lead, bias=0.5)
    theta += 0.3 * r.standard_normal(theta.shape)
    return net, theta, r.standard_normal((n, sizes[0])), r.standard_normal((n, sizes[-1]))


def gradient(net, theta, X, Y, loss=SQUARED_ERROR):
    passed = net.forward(theta, X)
    return net.backward(theta, passed, loss(passed.A[-1], Y)[1])


def complex_record(name):
    return Activation(name, "", COMPLEX[name], None)


def complex_gradient(net, theta, X, Y):
    """Every partial derivative of the squared error by one pass of an ensemble."""
    twin = replace(net, act=complex_record(net.act.name), out=complex_record("identity"))
    A = twin.output(theta + 1j * H * np.eye(net.P), X)
    return ((A - Y) ** 2).sum((-2, -1)).imag / X.shape[-2] / H


def error_of_gradient(*given):
    expected = complex_gradient(*given)
    return np.abs(gradient(*given) - expected).max() / np.abs(expected).max()


# --- the gradient -------------------------------------------------------------------------------


@pytest.mark.parametrize("act", list(COMPLEX))
@pytest.mark.parametrize("sizes", [SIZES, (2, 3, 1), (4, 6, 6, 6, 6, 3)], ids=str)
def test_gradient_agrees_with_the_complex_step(act, sizes):
    assert error_of_gradient(*problem(act, sizes)) < 1e-13


@pytest.mark.parametrize("lost", ["mean of du", "mean of du u", "deviation"])
def test_the_complex_step_finds_what_is_missing(monkeypatch, lost):
    """Planted: backpropagation that takes the mean, or the deviation, of the batch for fixed."""

    def wrong(du, u, deviation):
        kept = through_normalisation(du, u, deviation)
        if lost == "mean of du":
            return kept + du.mean(-2, keepdims=True) / deviation
        if lost == "mean of du u":
            return kept + u * (du * u).mean(-2, keepdims=True) / deviation
        return kept * deviation

    monkeypatch.setattr(batch_norm, "through_normalisation", wrong)
    assert error_of_gradient(*problem()) > 1e-3


@pytest.mark.parametrize("act", ["relu", "gelu", "softplus"])
def test_gradient_agrees_with_finite_differences_along_random_directions(act):
    net, theta, X, _ = problem(act, (4, 8, 8, 3), n=12)
    Y = rng(1).integers(0, 3, 12)
    slope, h = gradient(net, theta, X, Y, SOFTMAX), 1e-6
    for direction in rng(2).standard_normal((5, net.P)):
        ends = [SOFTMAX(net.output(theta + s * h * direction, X), Y)[0] for s in (1, -1)]
        assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(slope @ direction, rel=1e-6)


def test_an_ensemble_is_the_loop_over_its_members():
    net, theta, X, Y = problem(lead=(2, 3))
    together, output = gradient(net, theta, X, Y), net.output(theta, X)
    assert together.shape == theta.shape
    for index in np.ndindex(2, 3):
        np.testing.assert_allclose(together[index], gradient(net, theta[index], X, Y), rtol=1e-12)
        np.testing.assert_allclose(output[index], net.output(theta[index], X), rtol=1e-12)


def test_one_net_on_many_batches():
    net, theta, X, Y = problem()
    many = rng(3).standard_normal((4, *X.shape))
    together = gradient(net, theta, many, Y)
    assert together.shape == (4, net.P)
    np.testing.assert_allclose(together[2], gradient(net, theta, many[2], Y), rtol=1e-12)


def test_deltas_are_the_gradient_before_the_normalisation():
    """No shift and no stretch of a batch changes anything: sum of ds, and of ds u, are 0."""
    net, theta, X, Y = problem()
    passed = net.forward(theta, X)
    dS = net.deltas(theta, passed, SQUARED_ERROR(passed.A[-1], Y)[1])
    for ds, u in zip(dS[:-1], passed.U, strict=True):
        np.testing.assert_allclose(ds.sum(0), 0, atol=1e-14)
        np.testing.assert_allclose((ds * u).sum(0), 0, atol=1e-4 * np.abs(ds).max())  # EPS
    layers = net.layers(gradient(net, theta, X, Y))
    for a, ds, (dW, _) in zip(passed.A, dS, layers, strict=False):
        np.testing.assert_allclose(dW, a.T @ ds, rtol=1e-12)


def test_gradient_norms_per_layer_by_diagnostics():
    net, theta, X, Y = problem(lead=(3,))
    layers = net.layers(gradient(net, theta, X, Y))
    norms = gradient_norms(layers)
    assert norms.shape == (3, net.depth) and (norms > 0).all()
    np.testing.assert_allclose(norms, per_layer(norm, [dW for dW, _ in layers]))


# --- what normalisation means -------------------------------------------------------------------


def test_units_have_mean_0_and_variance_1_over_the_batch():
    s = 5 * rng().standard_normal((3, 40, 6)) + 7
    u, deviation = normalise(s)
    np.testing.assert_allclose(u.mean(-2), 0, atol=1e-14)
    np.testing.assert_allclose(u.var(-2), s.var(-2) / (s.var(-2) + 1e-5), rtol=1e-12)
    np.testing.assert_allclose(deviation[..., 0, :], np.sqrt(s.var(-2) + 1e-5), rtol=1e-12)


def test_a_unit_that_is_constant_on_the_batch_gives_beta_and_no_warning():
    net, theta, X, Y = problem()
    layers = net.layers(theta)
    layers[0][0][:, 2] = 0
    passed = net.forward(theta, X)
    np.testing.assert_array_equal(passed.Z[0][:, 2], layers[0][1][1, 2])
    assert np.isfinite(gradient(net, theta, X, Y)).all()


@pytest.mark.parametrize("scale", [0.1, 7.0, 300.0])
def test_the_scale_of_hidden_weights_does_not_matter(scale):
    net, theta, X, _ = problem()
    before = net.output(theta, 30 * X)  # so that EPS is small beside the variance
    W, _ = net.layers(theta)[0]
    W *= scale
    np.testing.assert_allclose(net.output(theta, 30 * X), before, rtol=1e-4)


def test_gamma_and_beta_can_give_back_what_was_taken():
    """With gamma = deviation and beta = mean the hidden layer is the plain one."""
    net, theta, X, _ = problem()
    (W, b), *_ = net.layers(theta)
    s = X @ W
    b[0], b[1] = np.sqrt(s.var(0) + 1e-5), s.mean(0)
    np.testing.assert_allclose(net.forward(theta, X).Z[0], s, rtol=1e-12)


def test_activations_that_follow_are_those_of_the_net():
    net, theta, X, _ = problem(("tanh", "sigmoid"))
    passed = net.forward(theta, X)
    np.testing.assert_array_equal(passed.A[1], TANH.f(passed.Z[0]))
    np.testing.assert_array_equal(passed.A[2], SIGMOID.f(passed.Z[1]))
    np.testing.assert_array_equal(passed.A[0], X)
    V, c = net.layers(theta)[-1]
    np.testing.assert_allclose(passed.A[3], passed.A[2] @ V + c, rtol=1e-13)


# --- new data -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lead", [(), (4,)])
def test_the_folded_net_gives_the_same_on_the_data_whose_statistics_it_has(lead):
    net, theta, X, _ = problem(lead=lead, n=50)
    folded = net.folded(theta, X)
    assert type(net.plain) is Net and net.plain.sizes == net.sizes and net.plain.act == net.act
    np.testing.assert_allclose(net.plain.output(folded, X), net.output(theta, X), rtol=1e-11)


def test_the_folded_net_takes_examples_one_by_one():
    net, theta, X, _ = problem(n=50)
    folded, new = net.folded(theta, X), rng(4).standard_normal((9, 3))
    together = net.plain.output(folded, new)
    for k in range(9):
        np.testing.assert_allclose(net.plain.output(folded, new[k : k + 1])[0], together[k])
    assert np.abs(net.output(theta, new) - together).max() > 0.05  # batch statistics differ


def test_folding_by_hand():
    net, theta, X, _ = problem("relu", (3, 4, 2), n=30)
    (W, b), (V, c) = net.layers(theta)
    s, x = X @ W, rng(5).standard_normal((1, 3))
    u = (x @ W - s.mean(0)) / np.sqrt(s.var(0) + batch_norm.EPS)
    expected = np.maximum(b[0] * u + b[1], 0) @ V + c
    np.testing.assert_allclose(net.plain.output(net.folded(theta, X), x), expected, rtol=1e-12)


# --- architecture -------------------------------------------------------------------------------


def test_theta_holds_w_gamma_and_beta_and_for_the_last_layer_w_and_b():
    net = BatchNormNet(SIZES, "tanh")
    assert net.shapes == [(3, 5), (2, 5), (5, 4), (2, 4), (4, 2), (1, 2)]
    assert net.P == 15 + 10 + 20 + 8 + 8 + 2 and net.depth == 3
    theta = rng().standard_normal((2, net.P))
    np.testing.assert_array_equal(net.pack(net.layers(theta)), theta)


def test_the_start_is_that_of_the_plain_net():
    net = BatchNormNet(SIZES, "tanh")
    layers = net.layers(net.init(rng(), "he", lead=(4,)))
    plain = net.plain.layers(net.plain.init(rng(), "he", lead=(4,)))
    for (W, b), (W_plain, b_plain) in zip(layers[:-1], plain, strict=False):
        np.testing.assert_array_equal(W, W_plain)
        np.testing.assert_array_equal(b[:, 0], 1)
        np.testing.assert_array_equal(b[:, 1], b_plain[:, 0])
    np.testing.assert_array_equal(layers[-1][1], 0)


def test_random_biases_are_betas():
    net = BatchNormNet((3, 4000, 2), "tanh")
    _, b = net.layers(net.init(rng(), bias=0.5))[0]
    np.testing.assert_array_equal(b[0], 1)
    assert b[1].std() == pytest.approx(0.5, rel=0.05)


def test_it_is_another_net_than_the_plain_one():
    net = BatchNormNet(SIZES, "tanh")
    assert net != net.plain and net == BatchNormNet(SIZES, TANH)
    assert repr(net) == "BatchNormNet((3, 5, 4, 2), act=tanh, out=identity)"
    assert isinstance(replace(net, act="relu"), BatchNormNet)


def test_bad_input():
    net, theta, X, _ = problem()
    passed = net.forward(theta, X)
    with pytest.raises(ValueError, match="a batch of at least 2, got 1"):
        net.forward(theta, X[:1])
    with pytest.raises(ValueError, match=r"X must have shape \(\.\.\., batch, 3\)"):
        net.forward(theta, X[:, :2])
    with pytest.raises(ValueError, match="theta must have shape"):
        net.forward(theta[:-1], X)
    with pytest.raises(ValueError, match=r"dA must fit the output \(7, 2\), got \(7, 1\)"):
        net.backward(theta, passed, np.zeros((7, 1)))
    with pytest.raises(ValueError, match="depends on the batch"):
        net.jacobian(theta, X[0])


# --- training -----------------------------------------------------------------------------------


def test_one_step_follows_the_gradient():
    net, theta, X, Y = problem("sigmoid", lead=(3,))
    run = train(net, theta, X, Y, SQUARED_ERROR, steps=1, optimizer=SGD(0.2))
    expected = theta - 0.2 * gradient(net, theta, X, Y)
    np.testing.assert_allclose(run.theta, expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(run.losses[0], SQUARED_ERROR(net.output(theta, X), Y)[0])


@pytest.mark.parametrize("act", ["sigmoid", "tanh", "relu", "gelu"])
def test_it_learns(act):
    net = BatchNormNet((2, 16, 16, 1), act)
    X = rng().standard_normal((100, 2))
    Y = X[:, :1] * X[:, 1:]
    run = train(net, net.init(rng(1), lead=(4,)), X, Y, SQUARED_ERROR, steps=300,
                optimizer=Adam(0.02), batch=50, rng=rng(2))  # fmt: skip
    assert run.message == "" and (run.losses[-20:].mean(0) < 0.15 * run.losses[0]).all()


def test_float32_stays_float32():
    net, theta, X, Y = problem()
    run = train(net, theta.astype(np.float32), X, Y, SQUARED_ERROR, steps=3)
    assert run.theta.dtype == np.float32
    long = train(net, theta, X, Y, SQUARED_ERROR, steps=3)
    np.testing.assert_allclose(run.theta, long.theta, atol=1e-4)
