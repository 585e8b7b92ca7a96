"""The published results of the first lesson: rows A1 to A5, A7, B1, B3 and B5 of the catalogue.

Every test repeats the experiment of its row, at the tolerance stated there, on seeds that no
notebook uses (they start at 2600). Numbers in comments are what was measured over more seeds.
"""

from math import comb

import numpy as np
import pytest

from helpers import theory
from helpers.activations import ABS, RELU, STEP, TANH, affine
from helpers.datasets import line, plane_cloud, xor
from helpers.initializers import SCHEMES
from helpers.network import Net
from helpers.training import SGD, train

SEED = 2600


def fit(net, theta, X, Y, steps, lr):
    """The run of full-batch gradient descent on the squared error; one snapshot, the last."""
    how = dict(steps=steps, optimizer=SGD(lr), record=1)
    return train(net, theta, X, Y, "squared_error", **how)


# ---------------------------------------------------------------- A1: layers fold into one


@pytest.mark.parametrize("seed", range(SEED, SEED + 3))
def test_a1_two_hundred_deep_affine_nets_are_one_layer(seed):
    rng = np.random.default_rng(seed)
    for _ in range(200):  # largest error over 10 seeds: 4e-14
        depth = int(rng.integers(2, 31))
        sizes = tuple(int(n) for n in rng.integers(1, 33, depth + 1))
        slope, offset = rng.uniform(-1.5, 1.5), rng.normal()
        net = Net(sizes, affine(slope, offset))
        theta = net.init(rng, "lecun", bias=1.0)
        W, b = theory.collapse(net.layers(theta), slope, offset)
        X = rng.standard_normal((20, sizes[0]))
        deep = net.output(theta, X)
        assert np.abs(deep - (X @ W + b)).max() <= 1e-12 * np.abs(deep).max()
        assert np.linalg.matrix_rank(W, rtol=1e-9) == min(sizes)


def test_a1_one_bend_and_no_layer_can_replace_the_net():
    net = Net((3, 8, 2), "relu")
    theta = net.init(np.random.default_rng(SEED), "he")
    X = np.random.default_rng(SEED + 1).standard_normal((200, 3))
    Y = net.output(theta, X)
    assert theory.affine_fit(X, Y).loss > 0.01 * Y.var(0).sum()


def regression(seed):
    """Correlated inputs and three outputs that a bottleneck has to choose between."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((80, 4)) @ np.diag([1.2, 1.0, 0.9, 0.8])
    B = np.linalg.qr(rng.standard_normal((4, 4)))[0] @ np.eye(4, 3) @ np.diag([2.0, 1.4, 0.9])
    return X, X @ B + 0.5 * rng.standard_normal((80, 3)) + [1.0, -2.0, 0.5]


@pytest.mark.parametrize("layers", [1, 2, 3, 5])
def test_a1_deep_affine_nets_learn_exactly_the_least_squares_fit(layers):
    X, Y = regression(SEED)
    net = Net((4, *[6] * (layers - 1), 3), "identity")
    theta = net.init(np.random.default_rng(SEED + layers), "orthogonal")
    run = fit(net, theta, X, Y, 4000, 0.03)
    W, b = theory.collapse(net.layers(run.theta))
    best = theory.affine_fit(X, Y)
    assert np.abs(W - best.W).max() < 1e-9 and np.abs(b - best.b).max() < 1e-9
    assert run.losses[-1] == pytest.approx(best.loss, rel=1e-12)


def test_a1_a_line_is_fitted_and_nothing_else():
    X, Y, _ = line(np.random.default_rng(SEED), n=60, slope=2.0, intercept=-1.0, noise=0.0)
    net = Net((1, 5, 5, 1), "identity")
    run = fit(net, net.init(np.random.default_rng(SEED), "lecun"), X, Y, 4000, 0.1)
    W, b = theory.collapse(net.layers(run.theta))
    assert (W.item(), b.item()) == (pytest.approx(2, abs=1e-9), pytest.approx(-1, abs=1e-9))
    bent = theory.affine_fit(X, np.square(X))
    assert bent.loss > 0.5 * np.square(X).var()


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a1_a_bottleneck_learns_exactly_the_reduced_rank_optimum(rank):
    X, Y = regression(SEED + 7)
    net = Net((4, rank, 3), "identity")
    theta = net.init(np.random.default_rng(SEED + rank), "lecun")
    run = fit(net, theta, X, Y, 8000, 0.03)
    best = theory.affine_fit(X, Y, rank)
    W, _ = theory.collapse(net.layers(run.theta))
    assert run.losses[-1] == pytest.approx(best.loss, rel=1e-10)
    assert np.abs(W - best.W).max() < 1e-5
    assert np.linalg.matrix_rank(W, rtol=1e-9) == best.rank == rank


# ---------------------------------------------------------------- A2: but not in float32


def test_a2_a_linear_net_computes_xor_in_float32():
    if not theory.keeps_subnormals():
        pytest.skip("this processor, or a library in this process, flushes subnormals to zero")
    net = Net((2, 2, 2, 2, 2, 2, 2, 1), "identity")
    theta = net.pack(theory.linear_xor_layers())
    X, Y, _ = xor()
    single = net.output(theta.astype(np.float32), X.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, Y)
    np.testing.assert_allclose(net.output(theta, X)[:, 0], [0, 0.2, 0.2, 0.4], atol=1e-15)
    W, b = theory.collapse(net.layers(theta))
    np.testing.assert_allclose(W, 0.2)
    np.testing.assert_array_equal(b, 0)


# ---------------------------------------------------------------- A3: the best plane


@pytest.mark.parametrize("seed", range(SEED, SEED + 5))
def test_a3_the_linear_autoencoder_is_principal_component_analysis(seed):
    X = plane_cloud(np.random.default_rng(seed), spectrum=(4.0, 1.0, 0.05), exact=True).X
    net = Net((3, 2, 3), "identity")
    theta = 0.1 * net.init(np.random.default_rng(seed + 100), "normal")
    run = fit(net, theta, X, X, 3000, 0.1)
    (W1, _), (W2, _) = net.layers(run.theta)
    V = theory.principal_subspace(X, 2)
    assert theory.subspace_angle(W2.T, V) < 1e-6  # largest over 20 seeds: 2e-12
    assert run.losses[-1] == pytest.approx(0.05, abs=1e-10)
    np.testing.assert_allclose(W1 @ W2, V @ V.T, atol=1e-8)
    rows = W2 / np.linalg.norm(W2, axis=1, keepdims=True)
    assert np.abs(rows @ V).max() < 0.9999  # the subspace is found, not its axes


def test_a3_all_other_critical_points_are_saddles_with_the_eigenvalues_left_out():
    X = plane_cloud(np.random.default_rng(SEED), spectrum=(4.0, 1.0, 0.05), exact=True).X
    points = theory.autoencoder_critical_points(X, 2)
    losses = sorted(sum(left) for left in [(0.05,), (1,), (4,), (1, 0.05), (4, 0.05), (4, 1),
                                           (4, 1, 0.05)])  # fmt: skip
    np.testing.assert_allclose([point.loss for point in points], losses, atol=1e-13)
    net = Net((3, 2, 3), "identity")
    for point in points:
        theta = net.pack([(point.W1, np.zeros((1, 2))), (point.W2, np.zeros((1, 3)))])
        passed = net.forward(theta, X)
        gradient = net.backward(theta, passed, 2 * (passed.A[-1] - X) / len(X))
        assert np.abs(gradient).max() < 1e-13


@pytest.mark.parametrize("seed", range(SEED, SEED + 5))
def test_a3_without_centring_the_plane_is_another_one(seed):
    rng = np.random.default_rng(seed)
    X = plane_cloud(rng, spectrum=(4.0, 1.0, 0.05), offset=(0, 0, 10), exact=True).X
    V = theory.principal_subspace(X, 2)
    assert theory.subspace_angle(theory.principal_subspace(X, 2, centred=False), V) > 89
    W = 0.1 * rng.standard_normal((2, 3, 3))  # gradient descent without biases, X'X/n = C
    W1, W2, C = W[0, :, :2], W[1, :2], X.T @ X / len(X)
    for _ in range(3000):
        E = C @ (W1 @ W2 - np.eye(3))
        W1, W2 = W1 - 0.005 * E @ W2.T, W2 - 0.005 * W1.T @ E
    assert theory.subspace_angle(W2.T, V) > 89
    assert theory.subspace_angle(W2.T, theory.principal_subspace(X, 2, centred=False)) < 1e-3


# ---------------------------------------------------------------- A4: how a linear net learns

MODES = np.array([4.0, 2.0, 1.0, 0.5])
WHITE = 2 * np.vstack([np.eye(4), -np.eye(4)])  # X'X / n = 1 and mean 0: the biases stay 0


def learn_modes(layers, u0, lr, steps):
    """u (steps + 1, 4): the modes of a net that starts aligned and balanced."""
    net = Net((4,) * (layers + 1), "identity")
    start = [(u0 ** (1 / layers) * np.eye(4), np.zeros((1, 4)))] * layers
    how = dict(steps=steps, optimizer=SGD(lr), record=range(steps + 1))
    run = train(net, net.pack(start), WHITE, WHITE @ np.diag(MODES), "squared_error", **how)
    W, _ = theory.collapse(net.layers(run.thetas))
    return np.diagonal(W, axis1=-2, axis2=-1)


def test_a4_modes_follow_the_sigmoid_and_reach_half_time_in_order():
    u, t = learn_modes(2, 1e-3, 1e-3, 4000), 2 * 1e-3 * np.arange(4001)
    predicted = theory.mode_curve(t, MODES, 1e-3)
    assert (np.abs(u - predicted) / MODES).max() < 0.02  # 0.62 %
    half = [np.interp(s / 2, u[:, k], t) for k, s in enumerate(MODES)]
    np.testing.assert_allclose(half, theory.half_time(MODES, 1e-3), rtol=0.01)  # 0.32 %
    assert (np.diff(half) > 0).all()


def test_a4_the_deviation_is_the_step_size():
    """Gradient descent is the flow with steps: 5 times the rate, 5 times the error."""
    errors = []
    for lr in (5e-3, 1e-3):
        steps = int(8 / (2 * lr))
        u, t = learn_modes(2, 1e-3, lr, steps), 2 * lr * np.arange(steps + 1)
        errors.append(np.abs(u - theory.mode_curve(t, MODES, 1e-3)).max())
    assert errors[0] / errors[1] == pytest.approx(5, rel=0.1)


@pytest.mark.parametrize("layers", [2, 3, 5])
def test_a4_deeper_nets_follow_their_own_equation(layers):
    u, t = learn_modes(layers, 0.01, 2e-4, 6000), 4e-4 * np.arange(6001)
    predicted = theory.mode_curve(t, MODES, 0.01, layers)
    assert (np.abs(u - predicted) / MODES).max() < 0.02  # 0.1, 0.3, 0.6 %


def test_a4_from_any_small_start_large_modes_come_first():
    net = Net((4, 16, 4), "identity")
    theta = net.init(np.random.default_rng(SEED), "normal", scale=1e-3, lead=(20,))
    how = dict(steps=2500, optimizer=SGD(4e-3), record=range(0, 2501, 5))
    run = train(net, theta, WHITE, WHITE @ np.diag(MODES), "squared_error", **how)
    W, _ = theory.collapse(net.layers(run.thetas))
    half = np.argmax(np.diagonal(W, axis1=-2, axis2=-1) > MODES / 2, axis=0)
    assert (half > 0).all() and (np.diff(half, axis=-1) > 0).all()


# ---------------------------------------------------------------- A5: XOR


def test_a5_the_best_line_is_one_half_everywhere():
    X, Y, _ = xor()
    best = theory.affine_fit(X, Y)
    assert best.loss == pytest.approx(0.25, abs=1e-15)
    np.testing.assert_allclose(best.W, 0, atol=1e-15)
    thresholds = [
        ((X @ w > c) == Y[:, 0]).mean() for w in np.random.default_rng(SEED).normal(size=(500, 2))
        for c in np.sort(X @ w)[:3] + 1e-9
    ]  # fmt: skip
    assert max(thresholds) == 0.75


def by_hand(act, W, b, v, c=0.0):
    net = Net((2, len(v), 1), act)
    W, v = np.array(W, float).T, np.array(v, float)[:, None]
    return net, net.pack([(W, np.array([b], float)), (v, np.array([[c]], float))])


@pytest.mark.parametrize(
    ("act", "W", "b", "v"),
    [
        (STEP, [[1, 1], [1, 1]], [-0.5, -1.5], [1, -1]),
        (RELU, [[1, 1], [1, 1]], [0, -1], [1, -2]),
        (RELU, [[1, -1], [-1, 1]], [0, 0], [1, 1]),
        (ABS, [[1, -1]], [0], [1]),
    ],
    ids=["two steps", "two hinges", "|x1 - x2| from two hinges", "one absolute value"],
)
def test_a5_solutions_by_hand_are_exact(act, W, b, v):
    X, Y, _ = xor()
    net, theta = by_hand(act, W, b, v)
    np.testing.assert_array_equal(net.output(theta, X), Y)


def test_a5_one_square_one_sine_or_one_hinge_with_a_bypass_will_do():
    X, Y, _ = xor()
    difference, total = X[:, :1] - X[:, 1:], X.sum(1, keepdims=True)
    np.testing.assert_array_equal(np.square(difference), Y)
    np.testing.assert_allclose(np.sin(np.pi / 2 * total), Y, atol=1e-15)
    np.testing.assert_array_equal(total - 2 * np.maximum(total - 1, 0), Y)


def test_a5_a_step_cannot_be_trained_its_loss_is_flat_wherever_you_look():
    X, Y, _ = xor()
    net = Net((2, 2, 1), STEP)
    theta = net.init(np.random.default_rng(SEED), "normal", lead=(200,), bias=1.0)
    first = slice(0, 6)  # weights and biases of the hidden layer
    for k in range(6):
        nudged = theta.copy()
        nudged[:, first][:, k] += 1e-7
        change = net.output(nudged, X) - net.output(theta, X)
        assert (change == 0).all()  # 200 nets, 6 parameters, 4 points: 0 differences
    passed = net.forward(theta, X)
    gradient = net.backward(theta, passed, 2 * (passed.A[-1] - Y) / 4)
    assert (gradient[:, first] == 0).all()


def restarts(act, hidden, scheme, seed, nets=300):
    X, Y, _ = xor()
    net = Net((2, hidden, 1), act)
    theta = net.init(np.random.default_rng(seed), scheme, lead=(nets,))
    return fit(net, theta, X, Y, 3000, 0.1).losses[-1]


@pytest.mark.parametrize(
    ("act", "hidden", "scheme", "share", "within"),
    [
        (RELU, 2, "he", 0.26, 0.10),  # 12 seeds: 0.18 to 0.26, mean 0.23
        (TANH, 2, "lecun", 0.87, 0.08),  # 0.81 to 0.89, mean 0.87
        (ABS, 1, "lecun", 0.72, 0.12),  # 0.68 to 0.75, mean 0.72
        ("identity", 2, "lecun", 0.0, 0.0),
    ],
    ids=["relu", "tanh", "abs", "identity"],
)
def test_a5_share_of_restarts_that_solve_xor(act, hidden, scheme, share, within):
    losses = restarts(act, hidden, scheme, SEED)
    assert (losses < 0.01).mean() == pytest.approx(share, abs=within)


@pytest.mark.parametrize("hidden", [1, 2, 3, 4])
def test_a5_relu_nets_come_to_rest_on_the_levels_of_any_width(hidden):
    losses = restarts(RELU, hidden, "he", SEED + hidden)
    levels = np.array(list(theory.XOR_LEVELS))
    distance = np.abs(losses[:, None] - levels)
    assert (distance.min(1) < 2e-3).mean() >= 0.97  # 12 seeds: 0.997 or more
    visited = set(distance.argmin(1))
    assert visited == ({0, 1, 2, 3} if hidden > 1 else {2, 3})


# ---------------------------------------------------------------- A7: deep linear nets can learn


def steps_to_learn(layers, scheme, seed, width=8, steps=800):
    """Steps until 99 % of a random map is learned, at the best of 13 rates; infinite if never."""
    rng = np.random.default_rng(seed)
    net = Net((width,) * (layers + 1), "identity")
    theta = net.init(rng, scheme)
    target = SCHEMES["lecun"].draw(rng, (width, width))
    signs = [np.sign(np.linalg.det(W)) for W, _ in net.layers(theta)]
    if np.prod(signs) * np.linalg.det(target) < 0:
        target[:, 0] *= -1  # the sign of the determinant cannot change on the way
    X = np.sqrt(width) * np.vstack([np.eye(width), -np.eye(width)])  # X'X / n = 1, mean 0
    many = np.repeat(theta[None], 13, axis=0)
    run = fit(net, many, X, X @ target, steps, np.geomspace(1e-3, 0.46, 13))
    learned = (run.losses < 0.01 * np.square(target).sum()).any(-1)
    return int(np.argmax(learned)) if learned.any() else np.inf


@pytest.mark.parametrize("layers", [1, 8, 32])
def test_a7_orthogonal_linear_nets_learn_at_any_depth(layers):
    """Medians, because one start in ten lies near a saddle and takes more than 400 steps."""
    steps = [steps_to_learn(layers, "orthogonal", SEED + k, steps=400) for k in range(5)]
    assert np.median(steps) < 400  # 8 seeds each, 1 to 64 layers: medians from 2 to 100


def test_a7_gaussian_linear_nets_of_the_right_variance_do_not():
    """8 layers is the border: 5 of 8 seeds get there, in 320 to 750 steps. From 16 on, none."""
    for seed in range(SEED, SEED + 3):
        assert steps_to_learn(16, "lecun", seed) == np.inf


def test_a7_because_a_gaussian_product_becomes_ill_conditioned_as_theory_says():
    layers, rng = 14, np.random.default_rng(SEED)  # the condition number is 1e10 by then
    rates = theory.lyapunov_exponents(8)
    for scheme, predicted in (("lecun", rates[0] - rates[-1]), ("orthogonal", 0)):
        W = SCHEMES[scheme].draw(rng, (400, layers, 8, 8))
        sizes = [np.linalg.svd(np.linalg.multi_dot(w), compute_uv=False) for w in W]
        per_layer = np.mean([np.log(s[0] / s[-1]) for s in sizes]) / layers
        assert per_layer == pytest.approx(predicted, rel=0.15, abs=1e-12)  # a little above: 8 %


# ---------------------------------------------------------------- B1: polynomials stop


@pytest.mark.parametrize("features", [1, 2, 3])
@pytest.mark.parametrize("degree", [1, 2, 3, 5])
def test_b1_the_rank_of_polynomial_units_is_a_binomial_coefficient(features, degree):
    for seed in range(SEED, SEED + 5):
        rng = np.random.default_rng(seed)
        X = rng.uniform(-1, 1, (400, features))
        z = X @ rng.standard_normal((features, 250)) + rng.standard_normal(250)
        rank = np.linalg.matrix_rank(z**degree, rtol=1e-9)
        assert rank == theory.polynomial_rank(features, degree) == comb(features + degree, degree)
        assert np.linalg.matrix_rank(np.maximum(z, 0), rtol=1e-9) > 60


def test_b1_best_fits_of_a_sine_stop_at_the_floor_unless_units_bend():
    x = np.linspace(-1, 1, 401)
    y = np.sin(2 * np.pi * x)
    rng = np.random.default_rng(SEED)
    z = rng.uniform(1, 3, 128) * rng.choice([-1, 1], 128) * (x[:, None] - rng.uniform(-1, 1, 128))
    for width in (8, 32, 128):
        square, cube = (theory.best_readout(z[:, :width] ** d, y).rmse for d in (2, 3))
        assert square == pytest.approx(0.65079, abs=5e-6)
        assert cube == pytest.approx(0.5986, abs=5e-5)
    assert theory.polynomial_floor(x, y, 2) == pytest.approx(0.65079, abs=5e-6)
    assert theory.best_readout(np.maximum(z, 0), y).rmse < 0.01
    assert theory.best_readout(np.tanh(z[:, :32]), y).rmse < 1e-5


# ---------------------------------------------------------------- B3: what depth buys


@pytest.mark.parametrize("depth", range(1, 11))
def test_b3_the_deep_square_errs_by_exactly_a_power_of_two(depth):
    x = np.arange(2 ** (depth + 2) + 1) / 2 ** (depth + 2)
    error = np.abs(theory.deep_square(x, depth) - np.square(x)).max()
    assert error == theory.deep_square_bound(depth) == 2.0 ** -(2 * depth + 2)


def test_b3_composed_tents_have_exactly_two_to_the_depth_pieces():
    for depth in range(1, 13):
        assert len(theory.sawtooth_knots(depth)) - 1 == 2**depth
    for pieces in (2, 3, 4, 5):
        for depth in (1, 2, 3, 4):
            assert len(theory.sawtooth_knots(depth, pieces)) - 1 == pieces**depth


@pytest.mark.parametrize("depth", [1, 3, 7, 10])
def test_b3_a_net_of_two_units_a_layer_separates_the_alternating_points(depth):
    net = Net((1, *[2] * depth, 1), "relu")
    theta = net.pack(theory.sawtooth_layers(depth))
    points = np.arange(2**depth + 1)[:, None]
    np.testing.assert_array_equal(net.output(theta, points / 2**depth), points % 2)


@pytest.mark.parametrize("width", [4, 8, 16, 32, 64, 128])
def test_b3_one_layer_of_even_hinges_is_stuck_until_it_has_all_the_pieces(width):
    cells = (np.arange(128)[:, None] + 0.5 + np.array([-0.5, 0.5]) / np.sqrt(3)) / 128
    x = cells.ravel()  # two Gauss points a cell: the mean of squares of lines is exact
    H = np.column_stack([np.ones_like(x), np.maximum(x[:, None] - np.arange(width) / width, 0)])
    rmse = theory.best_readout(H, theory.sawtooth(x, 7)).rmse
    expected = theory.SHALLOW_SAWTOOTH_RMSE if width < 128 else 0.0
    assert rmse == pytest.approx(expected, abs=1e-9)
    assert theory.SHALLOW_SAWTOOTH_RMSE == pytest.approx(0.288675, abs=5e-7)


# ---------------------------------------------------------------- B5: rates of approximation


def wave(x):
    return np.sin(2 * np.pi * x)


def largest_error(net, pieces, per_piece=16):
    x = np.arange(per_piece * pieces + 1) / (per_piece * pieces)
    return np.abs(net(x) - wave(x)).max()


@pytest.mark.parametrize(("pieces", "error"), [(16, 0.19509), (256, 0.012272)])
def test_b5_a_staircase_of_steep_sigmoids_stays_just_below_its_bound(pieces, error):
    measured = largest_error(theory.staircase(wave, pieces, 200 * pieces), pieces)
    bound = theory.staircase_bound(pieces, theory.SINE_SLOPE)
    assert measured == pytest.approx(error, rel=1e-4)
    assert measured == pytest.approx(np.sin(np.pi / pieces), rel=1e-6)  # at the ends
    assert bound * 0.99 < measured <= bound


def test_b5_relu_interpolation_stays_just_below_its_bound():
    measured = largest_error(theory.hinges(wave, 256), 256)
    bound = theory.interpolation_bound(256, theory.SINE_CURVATURE)
    assert measured == pytest.approx(7.53e-5, rel=1e-3)
    assert bound * 0.99 < measured <= bound


def test_b5_the_error_falls_with_slope_one_for_steps_and_two_for_hinges():
    widths = np.array([32, 64, 128, 256])
    steps = [largest_error(theory.staircase(wave, n, 200 * n), n) for n in widths]
    hinges = [largest_error(theory.hinges(wave, n), n, per_piece=96) for n in widths]
    assert np.polyfit(np.log(widths), np.log(steps), 1)[0] == pytest.approx(-1, abs=0.01)
    assert np.polyfit(np.log(widths), np.log(hinges), 1)[0] == pytest.approx(-2, abs=0.01)


@pytest.mark.parametrize("pieces", [2, 4, 8, 16, 32])
def test_b5_maxout_halves_the_error_of_interpolation_exactly(pieces):
    x = np.arange(8 * pieces + 1) / (8 * pieces)
    straight = np.abs(theory.hinges(np.square, pieces)(x) - x**2).max()
    maxout = np.abs(theory.maxout_square(x, pieces) - x**2).max()
    assert maxout == theory.maxout_bound(pieces) == 1 / (8 * pieces**2)
    assert straight == pytest.approx(1 / (4 * pieces**2), rel=1e-12)
