"""The closed forms of helpers.theory against brute force, scipy and exact arithmetic."""

import math
from fractions import Fraction
from itertools import combinations
from math import comb, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.special import digamma

from helpers import theory
from helpers.activations import RELU


def draw(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


# ---------------------------------------------------------------- affine maps


@given(widths=st.lists(st.integers(1, 6), min_size=2, max_size=6), seed=st.integers(0, 99))
def test_collapse_computes_what_the_stack_computes(widths, seed):
    rng = np.random.default_rng(seed)
    slope, offset = rng.standard_normal(2)
    layers = [
        (rng.standard_normal((m, n)), rng.standard_normal((1, n)))
        for m, n in zip(widths, widths[1:], strict=False)
    ]
    X = rng.standard_normal((5, widths[0]))
    z = X @ layers[0][0] + layers[0][1]
    for W, b in layers[1:]:
        z = (slope * z + offset) @ W + b
    W, b = theory.collapse(layers, slope, offset)
    assert W.shape == (widths[0], widths[-1]) and b.shape == (1, widths[-1])
    np.testing.assert_allclose(X @ W + b, z, rtol=1e-10, atol=1e-10)


def test_collapse_takes_one_slope_per_hidden_layer_and_leading_axes():
    layers = [(draw(k, 7, 3, 3), draw(k + 9, 7, 1, 3)) for k in range(3)]
    W, b = theory.collapse(layers, [2.0, 0.5], [1.0, -1.0])
    one = theory.collapse([(W[4], b[4]) for W, b in layers], [2.0, 0.5], [1.0, -1.0])
    assert W.shape == (7, 3, 3) and b.shape == (7, 1, 3)
    np.testing.assert_allclose(W[4], one[0])
    np.testing.assert_allclose(b[4], one[1])


def test_collapse_of_one_layer_is_that_layer():
    W, b = theory.collapse([(draw(0, 2, 3), draw(1, 1, 3))], slope=5.0, offset=5.0)
    np.testing.assert_array_equal(W, draw(0, 2, 3))
    np.testing.assert_array_equal(b, draw(1, 1, 3))


@pytest.mark.parametrize(
    ("layers", "kwargs", "message"),
    [
        ([], {}, "at least one pair"),
        ([(np.ones((2, 3)), np.ones((1, 3))), (np.ones((4, 1)), np.ones((1, 1)))], {},
         "layer 1 has 3 outputs but layer 2 takes 4 inputs"),
        ([(np.ones((2, 2)), np.ones((1, 2)))] * 3, {"slope": [1.0]}, "slope must be one number or"),
        ([(np.ones((2, 2)), np.ones((1, 2)))] * 2, {"offset": np.nan}, "offset must be"),
        ([(np.full((2, 2), np.nan), np.ones((1, 2)))], {}, "W must be finite"),
    ],
)  # fmt: skip
def test_collapse_refuses(layers, kwargs, message):
    with pytest.raises(ValueError, match=message):
        theory.collapse(layers, **kwargs)


def test_affine_fit_is_least_squares():
    X, Y = draw(0, 50, 3), draw(1, 50, 2)
    fit = theory.affine_fit(X, Y)
    design = np.column_stack([X, np.ones(50)])
    reference = np.linalg.lstsq(design, Y, rcond=None)[0]
    np.testing.assert_allclose(np.vstack([fit.W, fit.b]), reference, atol=1e-12)
    assert fit.loss == pytest.approx(np.square(design @ reference - Y).sum(1).mean(), rel=1e-12)
    assert fit.rank == 2


def test_affine_fit_of_xor_is_one_half_with_error_one_quarter():
    fit = theory.affine_fit([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]])
    np.testing.assert_allclose(fit.W, 0, atol=1e-15)
    assert (fit.b.item(), fit.loss, fit.rank) == (pytest.approx(0.5), pytest.approx(0.25), 0)


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_reduced_rank_fit_has_that_rank_and_nothing_nearby_is_better(rank):
    X, Y = draw(2, 80, 5), draw(3, 80, 5) @ draw(4, 5, 3) + draw(2, 80, 5)[:, :3]
    best = theory.affine_fit(X, Y, rank)
    assert best.rank == np.linalg.matrix_rank(best.W, tol=1e-9) == rank
    U, s, Vt = np.linalg.svd(best.W, full_matrices=False)
    for seed in range(200):  # other maps of the same rank, and the best bias for each
        left = (U * s)[:, :rank] + 0.01 * draw(seed, 5, rank)
        right = Vt[:rank] + 0.01 * draw(seed + 500, rank, 3)
        residual = Y - X @ left @ right
        assert np.square(residual - residual.mean(0)).sum(1).mean() >= best.loss - 1e-12


def test_full_rank_regression_is_least_squares_and_rank_zero_the_mean():
    X, Y = draw(2, 80, 5), draw(3, 80, 3)
    assert theory.affine_fit(X, Y, 3).loss == pytest.approx(theory.affine_fit(X, Y).loss, rel=1e-12)
    assert theory.affine_fit(X, Y, 0).loss == pytest.approx(Y.var(0).sum(), rel=1e-12)


def test_affine_fit_refuses_what_is_no_data():
    with pytest.raises(ValueError, match=r"same number of rows.*\(3, 2\) and \(4, 1\)"):
        theory.affine_fit(np.ones((3, 2)), np.ones((4, 1)))
    with pytest.raises(ValueError, match="rank must be a whole number from 0 to 1, got 2"):
        theory.affine_fit(np.ones((3, 2)), np.ones((3, 1)), rank=2)
    with pytest.raises(ValueError, match="Y must be finite.*1 NaN"):
        theory.affine_fit(np.ones((2, 2)), [[1.0], [np.nan]])


# ---------------------------------------------------------------- best plane


def test_principal_subspace_is_the_top_of_the_covariance():
    X = draw(5, 200, 4) * [3, 2, 1, 0.5] + 7
    V = theory.principal_subspace(X, 2)
    vectors = np.linalg.eigh(np.cov(X.T))[1][:, ::-1][:, :2]
    assert theory.subspace_angle(V, vectors) < 1e-6
    assert theory.subspace_angle(theory.principal_subspace(X, 2, centred=False), vectors) > 10


@pytest.mark.parametrize("degrees", [0.0, 1e-12, 1e-9, 1e-3, 1.0, 45.0, 89.999, 90.0])
def test_subspace_angle_keeps_its_digits_at_both_ends(degrees):
    a = np.radians(degrees)
    U = np.eye(4)[:, :2]
    V = np.column_stack([[1, 0, 0, 0], [0, np.cos(a), np.sin(a), 0]])
    mixing = np.array([[2.0, 1.0], [0.0, 3.0]])  # only the space counts, not its basis
    assert theory.subspace_angle(U, V) == pytest.approx(degrees, rel=1e-9, abs=1e-14)
    assert theory.subspace_angle(U, V @ mixing) == pytest.approx(degrees, rel=1e-9, abs=2e-14)


def test_subspace_angle_refuses_different_sizes():
    with pytest.raises(ValueError, match="same shape"):
        theory.subspace_angle(np.eye(3)[:, :1], np.eye(3)[:, :2])


def test_autoencoder_critical_points_have_no_gradient_and_the_stated_loss():
    X = draw(6, 300, 3) * [2, 1, 0.3]
    points = theory.autoencoder_critical_points(X, 2)
    X = X - X.mean(0)
    assert len(points) == sum(comb(3, k) for k in range(3)) == 7
    assert points[0].chosen == (0, 1)
    for point in points:
        error = X @ point.W1 @ point.W2 - X
        assert np.square(error).sum(1).mean() == pytest.approx(point.loss, abs=1e-13)
        assert np.abs(X.T @ error @ point.W2.T).max() < 1e-10
        assert np.abs((X @ point.W1).T @ error).max() < 1e-10


def test_every_critical_point_but_the_first_is_a_saddle():
    X = draw(6, 300, 3) * [2, 1, 0.3]
    points = theory.autoencoder_critical_points(X, 2)
    X = X - X.mean(0)

    def gradient(v):
        W1, W2 = v[:6].reshape(3, 2), v[6:].reshape(2, 3)
        error = 2 * (X @ W1 @ W2 - X) / len(X)
        return np.concatenate([(X.T @ error @ W2.T).ravel(), ((X @ W1).T @ error).ravel()])

    lowest = []
    for point in points:
        v, h = np.concatenate([point.W1.ravel(), point.W2.ravel()]), 1e-5 * np.eye(12)
        hessian = np.array([(gradient(v + e) - gradient(v - e)) / 2e-5 for e in h])
        lowest.append(np.linalg.eigvalsh((hessian + hessian.T) / 2)[0])
    assert lowest[0] > -1e-6  # flat along W1 G, inverse(G) W2, else upwards
    assert (np.array(lowest[1:]) < -0.01).all()


def test_autoencoder_refuses_a_bottleneck_wider_than_the_data():
    with pytest.raises(ValueError, match="bottleneck must be a whole number from 1 to 3, got 4"):
        theory.autoencoder_critical_points(draw(0, 9, 3), 4)


# ---------------------------------------------------------------- learning curves


@pytest.mark.parametrize("layers", [1, 2, 3, 5, 8, 30])
@pytest.mark.parametrize(("s", "u0"), [(4.0, 1e-3), (1.0, 0.01), (0.5, 0.3)])
def test_mode_curve_solves_its_equation(layers, s, u0):
    def slope_of_logit(_, x):  # du/dt = u (s - u) / s dx/dt: well behaved near both ends
        return layers * s * (s / (1 + np.exp(-x))) ** (1 - 2 / layers)

    t = np.linspace(0, 5, 41)
    start = [np.log(u0 / (s - u0))]
    x = solve_ivp(slope_of_logit, (0, 5), start, t_eval=t, rtol=1e-11, atol=1e-12, method="DOP853")
    u = theory.mode_curve(t, s, u0, layers)
    np.testing.assert_allclose(u, s / (1 + np.exp(-x.y[0])), atol=2e-7 * s)
    middle = slice(1, -1)
    slopes = layers * u ** (2 - 2 / layers) * (s - u)  # and so does its finite difference
    t_fine = t[middle, None] + [-1e-5, 1e-5]
    ends = np.array([theory.mode_curve(pair, s, u0, layers) for pair in t_fine])
    np.testing.assert_allclose(np.diff(ends)[:, 0] / 2e-5, slopes[middle], atol=2e-3 * s**2)


def test_mode_curve_shapes_limits_and_order():
    t = np.linspace(0, 20, 50)
    for layers in (1, 2, 4):
        u = theory.mode_curve(t, [4.0, 2.0, 1.0], 1e-3, layers)
        assert u.shape == (50, 3)
        np.testing.assert_allclose(u[0], 1e-3, rtol=1e-9)
        assert (np.diff(u, axis=0) >= 0).all() and (u <= [4, 2, 1]).all()
        np.testing.assert_allclose(u[:, 1], theory.mode_curve(t, 2.0, 1e-3, layers))
        assert np.ndim(theory.mode_curve(0.5, 2.0, 1e-3, layers)) == 0
    assert theory.mode_curve(1e6, 4.0, 1e-3) == 4  # nothing overflows


@pytest.mark.parametrize("layers, rtol", [(1, 1e-12), (2, 1e-12), (3, 1e-6), (5, 1e-6)])
def test_half_time_is_where_the_curve_is_half_way(layers, rtol):
    s = np.array([4.0, 2.0, 1.0])
    t = theory.half_time(s, 1e-3, layers)
    half = theory.mode_curve(t, s, 1e-3, layers).diagonal()
    np.testing.assert_allclose(half, s / 2, rtol=rtol)
    assert layers == 1 or (np.diff(t) > 0).all()
    assert theory.half_time(4.0, 1e-3, layers) == pytest.approx(t[0])


def test_mode_curve_refuses():
    with pytest.raises(ValueError, match="u0 must lie between 0 and s"):
        theory.mode_curve([0.0, 1.0], 1.0, 2.0)
    with pytest.raises(ValueError, match="at least 0"):
        theory.mode_curve([-1.0], 1.0, 0.1)
    with pytest.raises(ValueError, match="layers must be a whole number from 1 to 64, got 1.5"):
        theory.mode_curve([0.0], 1.0, 0.1, layers=1.5)


@pytest.mark.parametrize("width", [1, 2, 3, 8, 65])
def test_lyapunov_exponents_are_newmans(width):
    i = np.arange(1, width + 1)
    expected = 0.5 * (np.log(2 / width) + digamma((width - i + 1) / 2))
    np.testing.assert_allclose(theory.lyapunov_exponents(width), expected, rtol=1e-12)


def test_lyapunov_exponents_are_measured_on_a_long_product():
    rng, layers, Q, logs = np.random.default_rng(8), 4000, np.eye(4), np.zeros(4)
    for _ in range(layers):
        Q, R = np.linalg.qr(rng.standard_normal((4, 4)) / 2 @ Q)
        logs += np.log(np.abs(np.diag(R)))
    np.testing.assert_allclose(logs / layers, theory.lyapunov_exponents(4), atol=0.06)


# ---------------------------------------------------------------- XOR


def test_xor_levels_are_the_losses_with_some_corners_exact_and_the_rest_at_their_mean():
    labels = [0.0, 1.0, 1.0, 0.0]
    rests = [rest for left in range(1, 5) for rest in combinations(labels, left)]
    losses = {round(len(rest) / 4 * np.var(rest), 12) for rest in rests}
    assert sorted(losses) == pytest.approx(sorted(theory.XOR_LEVELS))
    assert all(theory.XOR_LEVELS.values())


def test_linear_xor():
    if not theory.keeps_subnormals():
        pytest.skip("this processor, or a library in this process, flushes subnormals to zero")
    x1, x2 = [0, 0, 1, 1], [0, 1, 0, 1]
    out = theory.linear_xor(x1, x2)
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out, [0, 1, 1, 0])
    np.testing.assert_allclose(theory.linear_xor(x1, x2, np.float64), [0, 0.2, 0.2, 0.4])


# ---------------------------------------------------------------- polynomials


def test_polynomial_rank_counts_monomials():
    for features in (1, 2, 3):
        for degree in (0, 1, 2, 5):
            exponents = np.indices((degree + 1,) * features).sum(0)
            assert theory.polynomial_rank(features, degree) == (exponents <= degree).sum()
    with pytest.raises(TypeError, match="degree"):
        theory.polynomial_rank(2, "3")


def test_polynomial_floor_is_the_least_squares_residual():
    x = np.linspace(-1, 1, 401)
    y = np.sin(2 * np.pi * x)
    for degree in (1, 2, 3, 5):
        powers = x[:, None] ** np.arange(degree + 1)
        fit = powers @ np.linalg.lstsq(powers, y, rcond=None)[0]
        expected = np.sqrt(np.mean((fit - y) ** 2))
        assert theory.polynomial_floor(x, y, degree) == pytest.approx(expected, rel=1e-10)
    assert theory.polynomial_floor(x, x**3, 3) < 1e-13


def test_best_readout_is_least_squares_and_knows_the_rank():
    H = draw(7, 30, 3) @ draw(8, 3, 10)
    y = draw(9, 30)
    best = theory.best_readout(H, y)
    assert best.rank == 3 and best.weights.shape == (10,)
    assert best.rmse == pytest.approx(sqrt(np.mean((H @ best.weights - y) ** 2)), rel=1e-12)
    np.testing.assert_allclose(H.T @ (best.fitted - y), 0, atol=1e-10)
    with pytest.raises(ValueError, match="one number per row"):
        theory.best_readout(H, y[:-1])


# ---------------------------------------------------------------- building a function


def wave(x):
    return np.sin(2 * np.pi * x)


X = np.linspace(0, 1, 4097)


@pytest.mark.parametrize("pieces", [1, 2, 5, 16, 64])
def test_hinges_pass_through_the_function_and_stay_within_their_bound(pieces):
    net = theory.hinges(wave, pieces)
    ends = np.linspace(0, 1, pieces + 1)
    assert len(net.knots) == pieces and net.steepness is None
    np.testing.assert_allclose(net(ends), wave(ends), atol=1e-12)
    bound = theory.interpolation_bound(pieces, theory.SINE_CURVATURE)
    assert np.abs(net(X) - wave(X)).max() <= bound + 1e-12


@pytest.mark.parametrize("pieces", [2, 5, 16, 64])
def test_steep_staircase_stays_within_its_bound_and_bumps_are_the_same_function(pieces):
    net, twin = (make(wave, pieces, 200 * pieces) for make in (theory.staircase, theory.bumps))
    assert len(net.knots) == pieces - 1 and len(twin.knots) == 2 * pieces
    bound = theory.staircase_bound(pieces, theory.SINE_SLOPE)
    assert np.abs(net(X) - wave(X)).max() <= bound + 1e-12
    np.testing.assert_allclose(net(X), twin(X), atol=1e-12)


def test_parts_add_up_to_the_net():
    net = theory.staircase(wave, 8, 100.0)
    np.testing.assert_allclose(net.start + net.parts(X).sum(0), net(X))
    assert net.parts(X).shape == (7, len(X))
    hinge = theory.hinges(wave, 2)
    np.testing.assert_allclose(hinge.parts(X)[1], hinge.weights[1] * RELU.f(X - 0.5))


def test_constructions_work_on_any_interval():
    net = theory.hinges(np.cos, 40, low=-3, high=2)
    x = np.linspace(-3, 2, 501)
    assert np.abs(net(x) - np.cos(x)).max() <= theory.interpolation_bound(40, 1.0, length=5)


def test_a_constant_target_needs_no_array():
    np.testing.assert_allclose(theory.hinges(lambda x: 3, 4)(X), 3)


@pytest.mark.parametrize("make", [theory.hinges, lambda f, n: theory.staircase(f, n, 9.0)])
def test_constructions_refuse(make):
    with pytest.raises(ValueError, match="pieces must be a whole number from 1 to 4096, got 0"):
        make(wave, 0)
    with pytest.raises(TypeError, match="target must be a function of one number, got array"):
        make(X, 4)
    with pytest.raises(ValueError, match=r"numbers gave shape \(2,\)"):
        make(lambda x: x[:2], 4)
    with pytest.raises(ValueError, match=r"target must give finite numbers, but target\("):
        make(lambda x: x / np.nan, 4)
    with pytest.raises(TypeError, match=r"target must return one number, but target\(.* is None"):
        make(lambda x: None, 4)
    with pytest.raises(ValueError, match="steepness must be"):
        theory.staircase(wave, 4, -1.0)


@pytest.mark.parametrize("pieces", [1, 2, 3, 4, 8, 16, 31, 32])
def test_maxout_square_swings_between_plus_and_minus_its_bound(pieces):
    middles, ends = (np.arange(pieces) + 0.5) / pieces, np.arange(pieces + 1) / pieces
    bound = theory.maxout_bound(pieces)
    np.testing.assert_allclose(theory.maxout_square(middles, pieces) - middles**2, bound, rtol=1e-9)
    np.testing.assert_allclose(theory.maxout_square(ends, pieces) - ends**2, -bound, rtol=1e-9)
    assert np.abs(theory.maxout_square(X, pieces) - X**2).max() <= bound * (1 + 1e-9)


# ---------------------------------------------------------------- what depth buys


def test_tent_is_two_hinges_on_the_unit_interval():
    relu = 2 * RELU.f(X) - 4 * RELU.f(X - 0.5) + 2 * RELU.f(X - 1)
    np.testing.assert_array_equal(theory.zigzag(X), relu)


@pytest.mark.parametrize(("pieces", "depth"), [(2, 0), (2, 1), (2, 7), (3, 3), (5, 2)])
def test_sawtooth_knots_are_where_theory_says_and_values_alternate(pieces, depth):
    knots = theory.sawtooth_knots(depth, pieces)
    count = pieces**depth
    assert [x for x, _ in knots] == [Fraction(j, count) for j in range(count + 1)]
    assert [y for _, y in knots] == [Fraction(j % 2) for j in range(count + 1)]


def test_sawtooth_is_exact_on_dyadic_points():
    j = np.arange(2**10 + 1)
    np.testing.assert_array_equal(theory.sawtooth(j / 2**10, 10), j % 2)
    np.testing.assert_array_equal(theory.sawtooth(X, 0), X)


def test_float64_runs_out_of_bits_under_the_tent_map():
    orbit = [theory.sawtooth(0.1, k) for k in range(60)]
    assert all(value > 0 for value in orbit[:56]) and orbit[56] == 0


def test_deep_square_is_interpolation_at_two_to_the_depth_pieces():
    for depth in (0, 1, 3, 5):
        same = theory.hinges(np.square, 2**depth)(X)
        np.testing.assert_allclose(theory.deep_square(X, depth), same, atol=1e-14)


def test_sawtooth_refuses():
    with pytest.raises(ValueError, match=r"pieces \*\* depth must be .* from 1 to 65536"):
        theory.sawtooth_knots(16, 16)
    with pytest.raises(ValueError, match="depth must be a whole number from 0 to 64, got -1"):
        theory.sawtooth(X, -1)


def test_a_target_for_single_numbers_works_and_a_broken_one_is_named():
    np.testing.assert_allclose(theory.hinges(math.cos, 9)(X), theory.hinges(np.cos, 9)(X))
    with pytest.raises(ValueError, match=r"one number, but target\(.* ZeroDivisionError"):
        theory.hinges(lambda x: 1 / 0, 4)
