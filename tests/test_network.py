"""Net: forward, backward and what surrounds them.

The reference for every derivative is the complex step: f(x + ih) = f(x) + ih f'(x) for h = 1e-30,
without any cancellation. The activations of the package refuse complex numbers by design, so the
formulas below are written out again, independently, from the definitions.
"""

import inspect
import math
import textwrap
import tracemalloc
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import erf

from helpers import network
from helpers.activations import ACTIVATIONS, RELU, SIGMOID, TANH, Activation, leaky_relu, mixed
from helpers.losses import LOGISTIC, SOFTMAX, SQUARED_ERROR
from helpers.network import Net

H = 1e-30
LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543772  # of SELU, Klambauer et al. 2017


def rectified(z, negative):
    return np.where(z.real > 0, z, negative(z))


COMPLEX = {
    "identity": lambda z: z,
    "step": lambda z: (z.real > 0) + 0j,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: rectified(z, lambda z: 0 * z),
    "leaky_relu": lambda z: rectified(z, lambda z: 0.01 * z),
    "abs": lambda z: rectified(z, lambda z: -z),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "elu": lambda z: rectified(z, lambda z: np.exp(z) - 1),
    "selu": lambda z: LAMBDA * rectified(z, lambda z: ALPHA * (np.exp(z) - 1)),
    "gelu": lambda z: z * (1 + erf(z / math.sqrt(2))) / 2,
    "silu": lambda z: z / (1 + np.exp(-z)),
    "mish": lambda z: z * np.tanh(np.log(1 + np.exp(z))),
}  # fmt: skip
each_activation = pytest.mark.parametrize("name", list(ACTIVATIONS))


def complex_record(name):
    return Activation(name, "", COMPLEX[name], None)


def complex_losses(loss, A, Y):
    """The three losses again, for complex outputs."""
    if loss is SQUARED_ERROR:
        return ((A - Y) ** 2).sum((-2, -1)) / A.shape[-2]
    if loss is LOGISTIC:
        return (np.log(1 + np.exp(A)) - A * Y).sum((-2, -1)) / A.shape[-2]
    rows = np.log(np.exp(A).sum(-1)) - A[..., np.arange(len(Y)), Y]
    return rows.sum(-1) / A.shape[-2]


def complex_step_gradient(net, theta, X, Y, loss):
    """Every partial derivative by one forward pass of an ensemble: one net per parameter."""
    hidden = [complex_record(act.name) for act in net.acts]
    twin = replace(net, act=hidden[:-1], out=hidden[-1])
    A = twin.output(theta + 1j * H * np.eye(net.P), X)
    return complex_losses(loss, A, Y).imag / H


def gradient(net, theta, X, Y, loss=SQUARED_ERROR):
    passed = net.forward(theta, X)
    return net.backward(theta, passed, loss(passed.A[-1], Y)[1])


def problem(net, seed=0, n=7, lead=(), data_lead=()):
    rng = np.random.default_rng(seed)
    theta = net.init(rng, lead=lead, bias=0.5)
    X = rng.standard_normal((*data_lead, n, net.sizes[0]))
    return theta, X, rng.standard_normal((*data_lead, n, net.sizes[-1]))


def assert_gradient_is_right(act, out="identity", loss=SQUARED_ERROR, sizes=(3, 4, 4, 4, 2)):
    net = Net(sizes, act, out)
    theta, X, Y = problem(net)
    if loss is LOGISTIC:
        Y = (Y > 0) + 0.0
    if loss is SOFTMAX:
        Y = (Y[:, 0] > 0) + 0
    expected = complex_step_gradient(net, theta, X, Y, loss)
    error = np.abs(gradient(net, theta, X, Y, loss) - expected).max()
    assert error <= 1e-13 * np.abs(expected).max(), f"{net}: off by {error:.1e}"


# --- the gradient -------------------------------------------------------------------------------


@each_activation
def test_gradient_agrees_with_the_complex_step(name):
    assert_gradient_is_right(name)


@each_activation
def test_gradient_through_an_output_activation(name):
    assert_gradient_is_right("tanh", out=name)


@pytest.mark.parametrize("loss", [LOGISTIC, SOFTMAX], ids=lambda loss: loss.name)
def test_gradient_of_the_losses_from_logits(loss):
    assert_gradient_is_right("tanh", loss=loss)


def test_gradient_with_another_activation_in_every_layer():
    assert_gradient_is_right(("sigmoid", "relu", "gelu"))


PLANTED = [
    ("backward", "passed.Z", "passed.A[1:]"),  # df(A) for df(Z)
    ("deltas", "W.mT", "W"),
    ("deltas", " * df(z)", ""),
    ("deltas", "dA * dfs[-1](Z[-1])", "dA"),
    ("gradients", "np.matmul(ones, dz, out=db)", "np.mean(dz, axis=-2, keepdims=True, out=db)"),
    ("gradients", "np.matmul(a.mT, dz, out=dW)", "dW[...] = -(a.mT @ dz)"),
]


@pytest.mark.parametrize("where, right, wrong", PLANTED)
def test_the_check_finds_a_planted_error(monkeypatch, where, right, wrong):
    owner = Net if where == "backward" else network
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(getattr(owner, where))))
    assert source.count(right) == 1
    names = dict(vars(network))
    exec(source.replace(right, wrong), names)
    monkeypatch.setattr(owner, where, names[where])
    with pytest.raises(AssertionError, match="off by"):
        # square layers, or a missing transpose would not even run
        assert_gradient_is_right("sigmoid", out="tanh", sizes=(4, 4, 4, 4))


@each_activation
@pytest.mark.parametrize("lead, data_lead", [((), ()), ((5,), ()), ((), (5,)), ((5, 1), (3,))])
def test_gradient_along_a_random_direction(name, lead, data_lead):
    """Finite differences, for single nets and ensembles on theta, on the data, and on both."""
    net = Net((2, 6, 5, 1), name)
    theta, X, Y = problem(net, seed=1, lead=lead, data_lead=data_lead)
    grad = gradient(net, theta, X, Y)
    direction = np.random.default_rng(2).standard_normal(grad.shape)
    step = 1e-6

    def loss(sign):
        return SQUARED_ERROR(net.output(theta + sign * step * direction, X), Y)[0]

    slope = (loss(1) - loss(-1)) / (2 * step)
    assert grad.shape == (*np.broadcast_shapes(lead, data_lead), net.P)
    np.testing.assert_allclose((grad * direction).sum(-1), slope, rtol=1e-6, atol=1e-7)


def test_backpropagation_by_hand():
    """One unit per layer: out = v f(w x + b) + c, loss (out - y)^2, all four derivatives."""
    net = Net((1, 1, 1), "tanh")
    w, b, v, c, x, y = 0.7, -0.2, 1.5, 0.1, 2.0, 1.0
    a = math.tanh(w * x + b)
    error = 2 * (v * a + c - y)
    slope = error * v * (1 - a * a)
    theta = np.array([w, b, v, c])
    by_hand = [slope * x, slope, error * a, error]
    np.testing.assert_allclose(gradient(net, theta, [[x]], [[y]]), by_hand, rtol=1e-14)


def test_a_saturated_unit_is_not_dead():
    """sigmoid'(60) is 9e-27; through the output, a (1 - a), it would be exactly 0."""
    net = Net((1, 1, 1), "sigmoid")
    grad = gradient(net, np.array([60.0, 0, 1, 0]), [[1.0]], [[0.0]])
    assert grad[0] == pytest.approx(2 * math.exp(-60), rel=1e-12)


def test_mixed_activations_in_one_layer():
    net = Net((2, 4, 1), mixed("relu", "tanh"))
    theta, X, _ = problem(net)
    passed = net.forward(theta, X)
    np.testing.assert_array_equal(passed.A[1][:, :2], RELU.f(passed.Z[0][:, :2]))
    np.testing.assert_array_equal(passed.A[1][:, 2:], TANH.f(passed.Z[0][:, 2:]))


# --- ensembles ----------------------------------------------------------------------------------

LEADS = [(), (1,), (3,), (2, 3), (2, 1)]


@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=5),
    act=st.sampled_from(["relu", "tanh", "sigmoid", "elu"]),
    lead=st.sampled_from(LEADS),
    data_lead=st.sampled_from(LEADS),
    n=st.integers(1, 6),
)
def test_an_ensemble_is_the_loop_over_its_members(sizes, act, lead, data_lead, n):
    net = Net(sizes, act)
    theta, X, Y = problem(net, n=n, lead=lead, data_lead=data_lead)
    A, grad = net.output(theta, X), gradient(net, theta, X, Y)
    both = np.broadcast_shapes(lead, data_lead)
    assert A.shape == (*both, n, sizes[-1])
    thetas = np.broadcast_to(theta, (*both, net.P))
    Xs, Ys = (np.broadcast_to(array, both + array.shape[-2:]) for array in (X, Y))
    for member in np.ndindex(both):
        one = thetas[member], Xs[member], Ys[member]
        np.testing.assert_allclose(A[member], net.output(*one[:2]), rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(grad[member], gradient(net, *one), rtol=1e-11, atol=1e-12)


def test_pass_holds_every_z_and_a():
    net = Net((2, 4, 3), "tanh", "sigmoid")
    theta, X, _ = problem(net, lead=(6,))
    Z, A = net.forward(theta, X)
    assert [z.shape for z in Z] == [(6, 7, 4), (6, 7, 3)]
    assert A[0] is X
    np.testing.assert_array_equal(A[1], TANH.f(Z[0]))
    np.testing.assert_array_equal(A[2], SIGMOID.f(Z[1]))


def test_empty_and_single_batches():
    net = Net((2, 4, 1))
    theta, X, Y = problem(net)
    assert net.output(theta, X[:0]).shape == (0, 1)
    np.testing.assert_array_equal(gradient(net, theta, X[:1], Y[:1]).shape, (net.P,))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_is_kept(dtype):
    net = Net((2, 8, 1), "tanh")
    theta = net.init(np.random.default_rng(0), bias=1.0, dtype=dtype)
    X = np.ones((3, 2), dtype)
    passed = net.forward(theta, X)
    arrays = [theta, *passed.Z, *passed.A, net.backward(theta, passed, passed.A[-1])]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}
    assert net.jacobian(theta, X).dtype == dtype


# --- the jacobian -------------------------------------------------------------------------------


@each_activation
def test_jacobian_agrees_with_the_complex_step(name):
    net = Net((3, 5, 5, 2), name)
    theta, X, _ = problem(net, n=4)
    twin = replace(net, act=complex_record(name), out=complex_record("identity"))
    moved = X[:, None, :] + 1j * H * np.eye(3)  # (points, inputs, inputs)
    expected = np.swapaxes(twin.output(theta, moved).imag / H, -1, -2)
    jacobian = net.jacobian(theta, X)
    assert jacobian.shape == (4, 2, 3)
    np.testing.assert_allclose(jacobian, expected, rtol=1e-12, atol=1e-13)


def test_jacobian_of_one_layer_is_its_weights():
    net = Net((3, 2))
    theta, X, _ = problem(net)
    np.testing.assert_array_equal(net.jacobian(theta, X[0]), net.layers(theta)[0][0].T)


def test_jacobian_of_an_ensemble_at_points():
    net = Net((3, 4, 2), "tanh")
    theta, X, _ = problem(net, n=10, lead=(6,))
    jacobian = net.jacobian(theta[:, None], X)
    assert jacobian.shape == (6, 10, 2, 3)
    np.testing.assert_allclose(jacobian[2, 5], net.jacobian(theta[2], X[5]), rtol=1e-12)


# --- theta and its views ------------------------------------------------------------------------


def test_layers_are_views_in_the_stated_order():
    net = Net((2, 3, 1))
    theta = np.arange(2.0 * net.P).reshape(2, net.P)
    (W1, b1), (W2, b2) = net.layers(theta)
    np.testing.assert_array_equal(W1[0], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(b1[0], [[6, 7, 8]])
    np.testing.assert_array_equal(W2[0], [[9], [10], [11]])
    np.testing.assert_array_equal(b2[:, 0, 0], [12, 25])
    b2[1] = -1
    assert theta[1, -1] == -1


@pytest.mark.parametrize("lead", LEADS)
def test_pack_is_the_inverse_of_layers(lead):
    net = Net((2, 3, 4, 1))
    theta = net.init(np.random.default_rng(0), lead=lead, bias=1.0)
    np.testing.assert_array_equal(net.pack(net.layers(theta)), theta)


def test_pack_takes_what_one_writes_by_hand():
    """The two-ReLU solution of XOR: h1 = x1 + x2, h2 = x1 + x2 - 1, out = h1 - 2 h2."""
    theta = Net((2, 2, 1)).pack([([[1, 1], [1, 1]], [0, -1]), ([[1], [-2]], [0])])
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    assert theta.dtype == np.float64
    np.testing.assert_array_equal(Net((2, 2, 1)).output(theta, corners).ravel(), [0, 1, 1, 0])


def test_pack_says_which_layer_does_not_fit():
    net = Net((2, 3, 1))
    W1, b1, W2, b2 = np.zeros((2, 3)), np.zeros(3), np.zeros((1, 3)), np.zeros(1)
    with pytest.raises(
        ValueError, match=r"W of layer 1 must have shape \(\.\.\., \(3, 1\)\), got \(1, 3\)"
    ):
        net.pack([(W1, b1), (W2, b2)])
    with pytest.raises(ValueError, match="has 2 layers"):
        net.pack([(W1, b1)])


def test_a_net_is_a_frozen_hashable_value():
    net = Net([2, 3, 1], "tanh")
    assert net == Net((2, 3, 1), TANH) and hash(net) == hash(Net((2, 3, 1), TANH))
    assert (net.depth, net.P, net.sizes) == (2, 13, (2, 3, 1))
    assert repr(net) == "Net((2, 3, 1), act=tanh, out=identity)"
    with pytest.raises(FrozenInstanceError):
        net.sizes = (1, 1)


def test_another_activation_for_the_same_theta():
    net = Net((2, 3, 3, 1), "tanh")
    theta, X, _ = problem(net)
    other = replace(net, act=leaky_relu(0.2))
    assert other.acts == (leaky_relu(0.2), leaky_relu(0.2), ACTIVATIONS["identity"])
    assert other.P == net.P and not np.array_equal(other.output(theta, X), net.output(theta, X))
    per_layer = replace(net, act=["relu", TANH])
    assert [act.name for act in per_layer.acts] == ["relu", "tanh", "identity"]
    assert replace(per_layer, out="sigmoid").acts[:2] == per_layer.acts[:2]


# --- the start ----------------------------------------------------------------------------------


def test_init_is_reproducible_and_reads_no_global_state():
    net = Net((2, 8, 1))
    first, again, other = (net.init(np.random.default_rng(seed), lead=(3,)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (3, net.P) and not np.array_equal(first, other)


def test_scale_multiplies_the_same_draw():
    net, scale = Net((2, 8, 1)), np.array([0.0, 1.0, -2.5])
    theta = net.init(np.random.default_rng(0), scale=scale, lead=(3,))
    plain = net.init(np.random.default_rng(0), lead=(3,))
    np.testing.assert_allclose(theta, scale[:, None] * plain, rtol=1e-15)


def test_bias_has_the_stated_standard_deviation():
    net = Net((2, 4000, 1))
    W, b = net.layers(net.init(np.random.default_rng(0), bias=0.3))[0]
    assert b.std() == pytest.approx(0.3, rel=0.05)
    assert not net.layers(net.init(np.random.default_rng(0)))[0][1].any()


@each_activation
def test_matched_start_keeps_the_second_moment(name):
    """E z^2 = 1 in every layer after the first when gain^2 E f(z)^2 = 1 (here within 5 s.e.)."""
    net = Net((1000, 1000, 1000), name)
    rng = np.random.default_rng(3)
    Z = net.forward(net.init(rng), rng.standard_normal((20, 1000))).Z
    assert [np.mean(z * z) for z in Z] == pytest.approx([1, 1], abs=0.1)


def test_only_the_matched_scheme_takes_the_gain_of_the_activation():
    net = Net((50, 400, 400), "relu", out="sigmoid")
    for scheme, second in [("matched", 2), ("he", 2), ("lecun", 1), ("xavier", 1)]:
        W1, W2 = (W for W, _ in net.layers(net.init(np.random.default_rng(0), scheme)))
        assert W2.var() * 400 == pytest.approx(second, rel=0.03)
    matched = net.layers(net.init(np.random.default_rng(0), "matched"))[0][0]
    assert matched.var() * 50 == pytest.approx(1, rel=0.05)  # nothing feeds the first layer


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [[], [2], "abc", 3, None])
def test_too_few_sizes(sizes):
    with pytest.raises(ValueError, match="sizes must be two or more whole numbers"):
        Net(sizes)


@pytest.mark.parametrize("sizes", [[2, 0, 1], [2, -3, 1], [2, 1.5, 1], [2, math.nan, 1]])
def test_sizes_that_are_not_whole(sizes):
    with pytest.raises(ValueError, match=r"sizes\[1\] must be a whole number"):
        Net(sizes)


def test_text_as_a_size():
    with pytest.raises(TypeError, match=r"sizes\[1\]"):
        Net([2, "3", 1])


def test_unknown_or_too_many_activations():
    with pytest.raises(ValueError, match="did you mean 'relu'"):
        Net((2, 3, 1), "rleu")
    with pytest.raises(ValueError, match="one activation or 2, one per hidden layer, got 3"):
        Net((2, 3, 3, 1), ["relu"] * 3)
    with pytest.raises(TypeError):
        Net((2, 3, 1), 7)


def test_arrays_that_do_not_fit_name_both_shapes():
    net = Net((2, 3, 1))
    theta, X, _ = problem(net)
    with pytest.raises(ValueError, match=r"X .*\(\.\.\., batch, 2\).*got \(7, 3\)"):
        net.forward(theta, np.zeros((7, 3)))
    with pytest.raises(ValueError, match=r"X .*got \(2,\)"):
        net.forward(theta, np.zeros(2))
    with pytest.raises(ValueError, match=r"theta .*\(\.\.\., 13\).*got \(12,\)"):
        net.forward(theta[:12], X)
    with pytest.raises(ValueError, match=r"theta has \(4,\), X has \(5,\)"):
        net.forward(np.zeros((4, 13)), np.zeros((5, 7, 2)))
    with pytest.raises(ValueError, match=r"dA must fit the output \(7, 1\), got \(7,\)"):
        net.backward(theta, net.forward(theta, X), np.zeros(7))


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"scale": math.nan}, "scale must be finite"),
        ({"scale": np.ones(2), "lead": 3}, r"scale has \(2,\), the ensemble has \(3,\)"),
        ({"scale": np.ones(2)}, r"fit the ensemble \(\), got \(2,\)"),
        ({"bias": -1}, "bias must be a number at least 0, got -1"),
        ({"lead": (0,)}, r"lead\[0\] must be a whole number at least 1, got 0"),
        ({"scheme": "hee"}, "did you mean 'he'"),
    ],
)
def test_bad_settings_of_init(settings, words):
    with pytest.raises(ValueError, match=words):
        Net((2, 3, 1)).init(np.random.default_rng(0), **settings)


def test_init_wants_a_generator():
    with pytest.raises(TypeError, match="rng must be a numpy Generator"):
        Net((2, 3, 1)).init(0)


def test_absurd_sizes_are_refused_before_memory_is_taken():
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"would take about 80,002 MB, the limit is 1,000 MB"):
        Net((100_000, 100_000, 1)).init(np.random.default_rng(0))
    net = Net((2, 3, 1))
    points = np.broadcast_to(0.0, (10**9, 2))
    with pytest.raises(ValueError, match=r"forward pass .* 96,000 MB"):
        net.forward(np.zeros(net.P), points)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6
