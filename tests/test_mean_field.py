"""The formulas of helpers.mean_field against adaptive quadrature, brute force and each other."""

import math
from dataclasses import replace

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.special import polygamma, psi

from helpers import mean_field
from helpers.activations import (
    ACTIVATIONS,
    RELU,
    STEP,
    TANH,
    Activation,
    affine,
    gaussian_mean,
    leaky_relu,
    mixed,
    surrogate,
)
from helpers.initializers import UNIFORM, XAVIER
from helpers.network import Net

SMOOTH = ["tanh", "sigmoid", "softplus", "elu", "selu", "gelu", "silu", "mish"]
KINKED = ["relu", "leaky_relu", "abs", "identity"]


def mean(function, q):
    """E function(sqrt(q) z), adaptively, in pieces that also resolve what happens near 0."""
    edges = [0.0, *np.logspace(-6, np.log10(12), 15)]
    edges = [-z for z in edges[:0:-1]] + edges

    def integrand(z):
        return float(function(np.float64(math.sqrt(q) * z))) * math.exp(-z * z / 2)

    pieces = [
        quad(integrand, a, b, epsabs=0, epsrel=1e-12, limit=200)[0]
        for a, b in zip(edges, edges[1:], strict=False)
    ]
    return math.fsum(pieces) / math.sqrt(2 * math.pi)


def fine_rule():
    """Thousands of nodes in geometric pieces from 1e-9 to 14 on either side of 0."""
    edges = [0.0, *np.logspace(-9, np.log10(14), 60)]
    x, w = np.polynomial.legendre.leggauss(30)
    z = np.concatenate([(b - a) / 2 * x + (a + b) / 2 for a, b in zip(edges, edges[1:])])  # noqa: B905
    w = np.concatenate([(b - a) / 2 * w for a, b in zip(edges, edges[1:])])  # noqa: B905
    w = w * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return np.concatenate([-z, z]), np.concatenate([w, w])


# ---------------------------------------------------------------- Gaussian means


@pytest.mark.parametrize("name", SMOOTH + KINKED)
@pytest.mark.parametrize("q", [1e-4, 0.3, 1.0, 20.0, 1e4])
def test_moments_are_the_gaussian_means(name, q):
    act = ACTIVATIONS[name]
    value, slope = mean_field.moments(name, q)
    assert value == pytest.approx(mean(lambda z: act.f(z) ** 2, q), rel=1e-11)
    assert slope == pytest.approx(mean(lambda z: act.df(z) ** 2, q), rel=1e-9)


def test_moments_in_thirty_digits():
    for q in (0.1, 1, 9):
        with mpmath.workdps(30):
            sides = [-12, -4, 0, 4, 12]
            def average(g, q=q, sides=sides):
                inside = lambda z: g(mpmath.sqrt(q) * z) * mpmath.npdf(z)  # noqa: E731
                return float(mpmath.quad(inside, sides))
            value = average(lambda u: mpmath.tanh(u) ** 2)
            slope = average(lambda u: mpmath.sech(u) ** 4)
        assert mean_field.moments("tanh", q) == pytest.approx((value, slope), rel=2e-14)


def test_moments_agree_with_the_mean_of_the_activations():
    q = np.linspace(0, 3, 7)
    square = gaussian_mean(lambda z: TANH.f(z) ** 2, q)
    np.testing.assert_allclose(mean_field.moments("tanh", q).value, square, rtol=1e-12, atol=1e-30)


@given(a=st.floats(-2, 2), q=st.floats(1e-20, 1e20))
def test_the_leaky_family_has_closed_forms(a, q):
    value, slope = mean_field.moments(leaky_relu(a), q)
    assert value == pytest.approx((1 + a * a) / 2 * q, rel=1e-15, abs=0)
    assert slope == pytest.approx((1 + a * a) / 2, rel=1e-15)


def own(f, df):
    return Activation("my own", "f", f, df)


def test_who_belongs_to_the_leaky_family():
    mine = own(lambda z: np.maximum(z, 0.1 * z), lambda z: np.where(z > 0, 1.0, 0.1))
    assert mean_field.slopes_of(mine) == (0.1, 1.0)
    assert mean_field.slopes_of("relu") == (0.0, 1.0)
    assert mean_field.slopes_of("abs") == (-1.0, 1.0)
    assert mean_field.slopes_of(affine(3.0, 0.0)) == (3.0, 3.0)
    capped = own(lambda z: np.clip(z, 0, 6), lambda z: ((z > 0) & (z < 6)) * 1.0)
    others = [affine(1.0, 0.1), surrogate(RELU, leaky_relu()), capped, mixed("relu", "relu")]
    assert [mean_field.slopes_of(act) for act in [*others, "tanh", "gelu"]] == [None] * 6


def test_a_mixed_layer_has_the_mean_of_its_parts():
    both = mean_field.moments(mixed("tanh", "relu"), [0.5, 2.0])
    each = [mean_field.moments(name, [0.5, 2.0]) for name in ("tanh", "relu")]
    np.testing.assert_allclose(both, np.mean(each, axis=0), rtol=1e-12)


def test_a_surrogate_goes_backwards_by_its_own_slope():
    value, slope = mean_field.moments(surrogate("step", "tanh"), 1.0)
    assert value == pytest.approx(0.5, rel=1e-13)
    assert slope == mean_field.moments("tanh", 1.0).slope


def test_moments_refuse_what_has_no_mean():
    with pytest.raises(ValueError, match="q must be at least 0, got -1"):
        mean_field.moments("tanh", [1.0, -1.0])
    with pytest.raises(ValueError, match="q must be finite"):
        mean_field.moments("tanh", np.nan)
    with pytest.raises(ValueError, match="activation must be one of"):
        mean_field.moments("rleu", 1.0)
    naive = own(lambda z: np.log(z), lambda z: 1 / z)
    with pytest.raises(ValueError, match="my own must give numbers wherever"):
        mean_field.moments(naive, 1.0)


# ---------------------------------------------------------------- a signal through the layers


def by_hand(act, sigma_w, sigma_b, depth, rule):
    """Second moment of the last layer and log10 of the gradient of the first, one by one."""
    z, w = rule
    q, log10 = sigma_w**2 + sigma_b**2, 0.0
    for _ in range(depth - 1):
        u = np.sqrt(q)[..., None] * z
        log10 = log10 + np.log10(sigma_w**2 * (act.df(u) ** 2 @ w)) / 2
        q = sigma_w**2 * (act.f(u) ** 2 @ w) + sigma_b**2
    return q, log10


@pytest.mark.parametrize(
    ("name", "error"),
    [("tanh", 1e-11), ("sigmoid", 1e-11), ("relu", 1e-11), ("elu", 1e-9), ("gelu", 1e-6)],
)
def test_the_grid_against_a_finer_rule(name, error):
    grid = np.meshgrid(np.linspace(0.5, 3, 9), np.linspace(0, 1, 5))
    signal = mean_field.signal(name, *grid, depth=50)
    q, log10 = by_hand(ACTIVATIONS[name], *grid, 50, fine_rule())
    assert np.abs(signal.log10_gradient[..., 0] - log10).max() < error
    np.testing.assert_allclose(signal.second_moment[..., -1], q, rtol=1e-10)


@given(st.sampled_from(SMOOTH + KINKED), st.floats(0.05, 4), st.floats(0, 2))
@settings(max_examples=60, deadline=None)
def test_a_signal_is_made_of_single_steps(name, sigma_w, sigma_b):
    signal = mean_field.signal(name, sigma_w, sigma_b, depth=6, inputs=0.7)
    q, factors = signal.second_moment, 10**signal.log10_factor
    assert q.shape == (6,) and factors.shape == (5,) and signal.diverged == -1
    assert q[0] == pytest.approx(0.7 * sigma_w**2 + sigma_b**2)
    step = mean_field.second_moment_map(name, q[:-1], sigma_w, sigma_b)
    np.testing.assert_allclose(q[1:], step, rtol=1e-12)
    np.testing.assert_allclose(factors**2, mean_field.chi_1(name, sigma_w, q[:-1]), rtol=1e-11)
    np.testing.assert_allclose(10 ** signal.log10_gradient[0], factors.prod(), rtol=1e-11)
    assert signal.log10_gradient[-1] == 0


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_signal_is_never_nan(name):
    sigma_w = np.array([0, 1e-160, 1e-3, 0.1, 1, 10, 1e3, 1e50, 1e100])[:, None]
    sigma_b = np.array([0, 1e-160, 1.0, 1e100])
    signal = mean_field.signal(name, sigma_w, sigma_b, depth=64)
    assert signal.second_moment.shape == (9, 4, 64)
    assert np.isfinite(signal.second_moment).all()
    assert not np.isnan(signal.log10_gradient).any()
    zero = np.isneginf(signal.log10_factor)
    assert zero[0].all() and (zero[2:7, :3] == (name == "step")).all()


def test_a_vanished_gradient_is_kept_as_a_logarithm():
    signal = mean_field.signal("tanh", [0.01, 1e-6], 0.0, depth=64)
    np.testing.assert_allclose(signal.log10_gradient[:, 0], [-126, -378], rtol=1e-4)


def test_a_diverging_signal_is_held_and_marked():
    signal = mean_field.signal("relu", [1.0, 1e10], 0.0, depth=20)  # 1e20 (5e19)^15 > 1e300
    np.testing.assert_array_equal(signal.diverged, [-1, 15])
    assert (signal.second_moment[1, 15:] == mean_field.LARGEST).all()
    np.testing.assert_allclose(signal.log10_factor[1], math.log10(1e10 * math.sqrt(0.5)))
    explosive = own(np.exp, np.exp)
    assert mean_field.signal(explosive, 1.0, 0.0, depth=30).diverged > 0


def test_a_learners_function_is_tabulated_like_any_other():
    mine = own(np.sin, np.cos)  # E sin^2 = (1 - e^-2q) / 2, E cos^2 = (1 + e^-2q) / 2
    signal = mean_field.signal(mine, [0.5, 1.5], 0.3, depth=8)
    q = signal.second_moment
    weight = np.array([[0.25], [2.25]])
    step = weight * -np.expm1(-2 * q) / 2 + 0.09
    np.testing.assert_allclose(q[:, 1:], step[:, :-1], rtol=1e-12)
    chi = weight * (1 + np.exp(-2 * q[:, :-1])) / 2
    np.testing.assert_allclose(10 ** (2 * signal.log10_factor), chi, rtol=1e-12)


@pytest.mark.parametrize("name", ["tanh", "relu", "gelu"])
def test_one_setting_alone_is_that_setting_of_a_grid(name):
    sigma_w = np.array([0.3, 1.0, 1.7, 3.0])
    grid, rest = mean_field.signal(name, sigma_w, 0.2, 60), mean_field.fixed_point(name, sigma_w, 0)
    for k, w in enumerate(sigma_w):
        alone = mean_field.signal(name, w, 0.2, 60)
        np.testing.assert_allclose(alone.second_moment, grid.second_moment[k], rtol=1e-12)
        np.testing.assert_allclose(alone.log10_factor, grid.log10_factor[k], rtol=0, atol=1e-12)
        assert mean_field.fixed_point(name, w, 0) == pytest.approx(rest[k], rel=1e-12)


def test_clenshaw_is_a_chebyshev_series():
    coefficients = [0.5, -2.0, 0.25, 3.0]
    for x in (-1.0, 0.3, 1.0):
        expected = np.polynomial.chebyshev.chebval(x, coefficients)
        assert mean_field.clenshaw(coefficients, x) == pytest.approx(expected, abs=1e-15)


def test_equal_records_share_a_table_and_others_do_not():
    tanh, scaled = TANH, replace(TANH, name="half", f=lambda z: TANH.f(z) / 2)
    assert mean_field._table(tanh) is mean_field._table(TANH)
    q = [mean_field.signal(act, 1.0, 0.0, 2).second_moment[1] for act in (tanh, scaled)]
    assert q[0] == pytest.approx(4 * q[1], rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tanh", -1.0, 0.0, 5), "sigma_w must be at least 0, got -1"),
        (("tanh", 1.0, np.inf, 5), "sigma_b must be finite"),
        (("tanh", 1e101, 0.0, 5), "sigma_w must be at most 1e100"),
        (("tanh", 1.0, 0.0, 0), "depth must be a whole number from 1 to 1000, got 0"),
        (("tanh", 1.0, 0.0, 5, -1.0), "inputs must be a number at least 0"),
    ],
)
def test_signal_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        mean_field.signal(*arguments)


# ---------------------------------------------------------------- fixed point, critical line


@given(st.sampled_from(SMOOTH + KINKED), st.floats(0.1, 4), st.floats(1e-6, 2))
@settings(max_examples=60, deadline=None)
def test_the_fixed_point_stays_where_it_is(name, sigma_w, sigma_b):
    q = mean_field.fixed_point(name, sigma_w, sigma_b)
    if q < math.inf:
        assert mean_field.second_moment_map(name, q, sigma_w, sigma_b) == pytest.approx(q, rel=1e-9)
    else:
        assert mean_field.second_moment_map(name, 1e10, sigma_w, sigma_b) > 1e10


def test_the_fixed_point_is_where_a_deep_signal_ends():
    grid = np.meshgrid([0.5, 1.2, 3.0], [0.0, 0.1, 1.0])
    q = mean_field.fixed_point("tanh", *grid)
    deep = mean_field.signal("tanh", *grid, depth=600).second_moment[..., -1]
    np.testing.assert_allclose(q, deep, rtol=1e-9, atol=1e-99)


def test_fixed_points_at_the_ends():
    assert mean_field.fixed_point("tanh", [1.0, 0.5], 0.0).tolist() == [0, 0]
    relu = mean_field.fixed_point("relu", [1.0, 2**0.5, 1.5, 2**0.5, 1.0], [0, 0, 0, 0.1, 0.3])
    np.testing.assert_allclose(relu, [0, 1, math.inf, math.inf, 0.18])
    assert mean_field.fixed_point("silu", 2.0, 0.1) == math.inf
    small = mean_field.fixed_point("tanh", 0.5, 1e-9)
    assert small == pytest.approx(1e-18 / 0.75, rel=1e-11, abs=0)
    assert mean_field.fixed_point("sigmoid", 0.0, 0.3) == pytest.approx(0.09)


@pytest.mark.parametrize("name", ["tanh", "gelu", "elu", "selu", "sigmoid"])
def test_the_critical_line_is_critical(name):
    line = mean_field.critical_line(name, np.logspace(-2, 3, 21))
    assert len(line.q) > 3
    q = mean_field.fixed_point(name, line.sigma_w, line.sigma_b)
    np.testing.assert_allclose(mean_field.chi_1(name, line.sigma_w, line.q), 1, rtol=1e-9)
    step = mean_field.second_moment_map(name, line.q, line.sigma_w, line.sigma_b)
    np.testing.assert_allclose(step, line.q, rtol=1e-9)
    if name in ("tanh", "sigmoid"):  # the others can come to rest nearer to 1 first
        np.testing.assert_allclose(q, line.q, rtol=1e-6)


def test_the_critical_line_leaves_out_what_no_net_has():
    line = mean_field.critical_line("sigmoid", [0.0, 1.0, 100.0])
    assert line.q.tolist() == [100.0]
    assert mean_field.critical_line("softplus", [0.1, 10.0]).q.size == 0
    relu = mean_field.critical_line("relu", [0.1, 10.0])
    np.testing.assert_allclose(relu.sigma_w, 2**0.5)
    assert relu.sigma_b.tolist() == [0, 0]
    with pytest.raises(ValueError, match="step has no critical line"):
        mean_field.critical_line(STEP, 1.0)


def test_the_critical_line_of_the_leaky_family_is_one_point():
    for slope in np.linspace(-2, 2, 41):
        line = mean_field.critical_line(leaky_relu(slope), np.logspace(-5, 5, 50))
        np.testing.assert_allclose(line.sigma_w, mean_field.leaky_gain(slope), rtol=1e-14)
        assert line.sigma_b.tolist() == [0] * 50  # not 1e-9, and none left out: rounding


def test_critical_sigma_w_crosses_the_line():
    for name, sigma_b in (("tanh", 0.3), ("tanh", 1e-3), ("sigmoid", 1.0)):
        sigma_w = mean_field.critical_sigma_w(name, sigma_b)
        q = mean_field.fixed_point(name, sigma_w, sigma_b)
        assert mean_field.chi_1(name, sigma_w, q) == pytest.approx(1, rel=1e-8)
    assert mean_field.critical_sigma_w("tanh", 0.0) == pytest.approx(1, abs=1e-7)
    gain = mean_field.critical_sigma_w(leaky_relu(0.5), 0.7)
    assert gain == pytest.approx(mean_field.leaky_gain(0.5), rel=1e-14)
    with pytest.raises(ValueError, match="softplus has no critical sigma_w for sigma_b = 0"):
        mean_field.critical_sigma_w("softplus", 0.0)


# ---------------------------------------------------------------- two inputs


@pytest.mark.parametrize("a", [0.0, 0.1, 0.5, -1.0, 1.0])
def test_the_correlation_map_of_the_leaky_family(a):
    c = np.array([-1, -0.9, -0.3, 0, 0.5, 0.99, 1 - 1e-6, 1])
    numeric = mean_field.correlation_map(leaky_relu(a), c, mean_field.leaky_gain(a), 0.0)
    np.testing.assert_allclose(numeric, mean_field.leaky_correlation(c, a), atol=1e-10)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "silu"])
def test_product_means_against_a_plain_product_rule(name):
    f, (x, w) = ACTIVATIONS[name].f, np.polynomial.hermite_e.hermegauss(120)
    w = w / math.sqrt(2 * math.pi)
    for c in (-0.7, 0.0, 0.4, 0.95):
        u, v = x[:, None], c * x[:, None] + math.sqrt(1 - c * c) * x
        plain = w @ (f(u * 0.7) * f(v * 0.7)) @ w
        assert mean_field.product_mean(name, c, 0.49) == pytest.approx(plain, abs=1e-8)


@pytest.mark.parametrize("name", [*SMOOTH, "relu", mixed("tanh", "elu")])
def test_product_means_at_the_ends(name):
    value, slope = mean_field.moments(name, 0.8)
    assert mean_field.product_mean(name, 1.0, 0.8) == pytest.approx(value, rel=1e-9)
    assert mean_field.product_mean(name, 1.0, 0.8, slopes=True) == pytest.approx(slope, rel=1e-9)


def test_product_means_of_independent_inputs_are_products_of_means():
    expected = mean(ACTIVATIONS["elu"].f, 0.8) ** 2
    assert mean_field.product_mean("elu", 0.0, 0.8) == pytest.approx(expected, rel=1e-9)


def test_chi_1_is_the_slope_of_the_correlation_map_at_one():
    q, h = mean_field.fixed_point("tanh", 1.5, 0.3), 1e-5
    rise = 1 - mean_field.correlation_map("tanh", 1 - h, 1.5, 0.3)
    assert rise / h == pytest.approx(mean_field.chi_1("tanh", 1.5, q), rel=1e-4)


def test_two_inputs_end_up_at_the_stable_correlation():
    assert mean_field.correlation_fixed_point("tanh", 1.0, 0.3) == 1
    c = mean_field.correlation_fixed_point("tanh", 2.0, 0.3)
    assert mean_field.correlation_map("tanh", c, 2.0, 0.3) == pytest.approx(c, abs=1e-10)
    walk = 0.9
    for _ in range(60):
        walk = mean_field.correlation_map("tanh", walk, 2.0, 0.3)
    assert walk == pytest.approx(c, abs=1e-3) and 0.1 < c < 0.9


def test_correlation_lengths_at_the_ends():
    chi = mean_field.chi_1("tanh", 0.5, 0.0)
    assert mean_field.correlation_length("tanh", 0.5, 0.0) == pytest.approx(-1 / math.log(chi))
    assert mean_field.correlation_length("relu", 2**0.5, 0.0) == math.inf
    assert mean_field.correlation_length("step", 1.0, 0.1) == 0


def test_correlations_refuse():
    with pytest.raises(ValueError, match="q = 0; give a q above 0"):
        mean_field.correlation_map("tanh", 0.5, 0.5, 0.0)
    with pytest.raises(ValueError, match="c must lie between -1 and 1"):
        mean_field.correlation_map("tanh", 1.5, 1.5, 0.1)
    with pytest.raises(ValueError, match="c must lie between -1 and 1"):
        mean_field.leaky_correlation([0.0, -2.0])
    with pytest.raises(ValueError, match="sigma_w must be a number above 0"):
        mean_field.correlation_length("tanh", 0.0, 0.1)


# ---------------------------------------------------------------- ReLU


@pytest.mark.parametrize("n", [1, 2, 3, 10, 101, 1000])
def test_relu_norm_is_the_sum_over_active_units(n):
    k = np.arange(1, n + 1)
    p = stats.binom.pmf(k, n, 0.5) / (1 - 0.5**n)
    logs = psi(k / 2) + math.log(4 / n)
    norm = mean_field.relu_norm(n, 7)
    assert norm.mean_log == pytest.approx(7 * p @ logs, rel=1e-10)
    var = p @ (polygamma(1, k / 2) + logs**2) - (p @ logs) ** 2
    assert norm.var_log == pytest.approx(7 * var, rel=1e-8)
    assert norm.dead == pytest.approx(1 - (1 - 0.5**n) ** 7, abs=1e-15)
    chi_square = stats.binom.pmf(k, n, 0.5) @ (k * (k + 2) * (2 / n) ** 2)
    assert math.exp(norm.log_mean_square) == pytest.approx(chi_square**7, rel=1e-10)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 40])
def test_relu_death_for_all_inputs_is_at_least_this(n):
    """Two layers by hand: one side of 0 is dead after the first, or none; then each has 2^-n."""
    least = [mean_field.relu_death_least(n, depth) for depth in range(1, 60)]
    p = 0.5**n
    assert least[0] == 0
    assert least[1] == pytest.approx(2 * p * p + (1 - 2 * p) * p**2, rel=1e-12, abs=1e-15)
    most = [mean_field.relu_death(n, depth) for depth in range(1, 60)]
    assert (np.diff(least) >= 0).all() and (np.array(least) <= most).all() and least[5] < most[5]


def test_relu_death_for_all_inputs_as_published():
    """Bounds .870 to .925, .513 to .699, .064 to .249 for nine hidden layers (Lu et al. 2019)."""
    bounds = [(mean_field.relu_death_least(n, 9), mean_field.relu_death(n, 9)) for n in (2, 3, 5)]
    wanted = [(0.870, 0.925), (0.513, 0.699), (0.064, 0.249)]
    np.testing.assert_allclose(bounds, wanted, atol=5e-4)
    assert mean_field.relu_death_least(1, 9) == pytest.approx(1 - 0.5**8, abs=1e-15)
    with pytest.raises(ValueError, match="depth"):
        mean_field.relu_death_least(3, 0)


def test_wide_relu_nets_lose_five_halves_over_width():
    norm = mean_field.relu_norm(100_000, 100)
    assert norm.mean_log == pytest.approx(-100 * 2.5 / 1e5, rel=1e-3)
    assert norm.var_log == pytest.approx(100 * 5 / 1e5, rel=1e-3)
    assert norm.dead == 0


def test_rare_deaths_keep_their_digits():
    assert mean_field.relu_death(60, 3) == pytest.approx(3 * 0.5**60, rel=1e-12, abs=0)
    with pytest.raises(ValueError, match="width must be a whole number at least 1, got 0"):
        mean_field.relu_death(0, 3)
    with pytest.raises(ValueError, match="width must be a whole number from 1 to 100000"):
        mean_field.relu_norm(100_001, 3)


def test_gain_and_shrinkage():
    assert mean_field.leaky_gain() == math.sqrt(2)
    assert mean_field.leaky_gain(1.0) == 1
    assert mean_field.leaky_gain(0.2) == pytest.approx(leaky_relu(0.2).gain, rel=1e-12)
    assert mean_field.shrinkage([200, 200], 0.1) == pytest.approx(1)  # sqrt(2 / 200)
    assert mean_field.shrinkage([100], 0.1, slope=1.0) == pytest.approx(1)
    with pytest.raises(ValueError, match="fan_in must be a whole number at least 1"):
        mean_field.shrinkage([3, 0])


@pytest.mark.parametrize("law", [mean_field.relu_alignment, mean_field.tanh_decay])
def test_laws_of_depth_start_at_layer_one(law):
    assert law(1000) == pytest.approx(law([10.0, 1000.0])[1])
    with pytest.raises(ValueError, match="layer must be at least 1, got 0"):
        law(0)


# ---------------------------------------------------------------- linear regime, Jacobian, norm


def test_glorot_bengio_by_hand():
    variances = mean_field.glorot_bengio((3, 4, 5), lambda n, m: 1 / math.sqrt(n + m))
    np.testing.assert_allclose(variances.forward, [3 / 7, 3 / 7 * 4 / 9])
    np.testing.assert_allclose(variances.backward, [5 / 9, 1])
    np.testing.assert_allclose(variances.gradient, [5 / 9, 3 / 7])


def test_glorot_bengio_with_equal_widths():
    plain = mean_field.glorot_bengio([50] * 6, UNIFORM.std)
    np.testing.assert_allclose(plain.backward, 3.0 ** -np.arange(4, -1, -1))
    np.testing.assert_allclose(plain.gradient, plain.gradient[0])
    normalised = mean_field.glorot_bengio([50] * 6, XAVIER.std)
    np.testing.assert_allclose(normalised, 1)
    with pytest.raises(ValueError, match="sizes must hold at least two"):
        mean_field.glorot_bengio([5], XAVIER.std)


def test_jacobian_spread_is_the_formula():
    mu = [mean(lambda z, k=k: TANH.df(z) ** k, 0.6) for k in (2, 4)]
    spread = mean_field.jacobian_spread("tanh", 3, "orthogonal", q=0.6)
    assert spread == pytest.approx(3 * (mu[1] / mu[0] ** 2 - 1), rel=1e-9)
    gaussian = mean_field.jacobian_spread("tanh", 3, q=0.6)
    assert gaussian - spread == pytest.approx(3, rel=1e-12)
    cases = [("identity", "gaussian"), ("relu", "gaussian"), ("relu", "orthogonal")]
    spreads = [mean_field.jacobian_spread(act, 5, weights) for act, weights in cases]
    assert spreads == pytest.approx([5, 10, 5], rel=1e-12)
    with pytest.raises(ValueError, match="weights must be one of"):
        mean_field.jacobian_spread("tanh", 3, "normal")
    with pytest.raises(ValueError, match="step passes no gradient"):
        mean_field.jacobian_spread("step", 3)


@pytest.mark.parametrize("name", SMOOTH + KINKED)
def test_batch_normalisation_never_shrinks_the_gradient(name):
    act = ACTIVATIONS[name]
    variance = mean(lambda z: act.f(z) ** 2, 1.0) - mean(act.f, 1.0) ** 2
    factor = mean(lambda z: act.df(z) ** 2, 1.0) / variance
    assert mean_field.batch_norm_factor(name) == pytest.approx(factor, rel=1e-9)
    assert factor > 1 or name == "identity"


def test_batch_normalisation_of_special_units():
    relu = mean_field.batch_norm_factor("relu")
    assert relu == pytest.approx(mean_field.BATCH_NORM_RELU, rel=1e-12)
    assert mean_field.batch_norm_factor(affine(3.0, 2.0)) == pytest.approx(1, rel=1e-12)
    with pytest.raises(ValueError, match="is constant"):
        mean_field.batch_norm_factor(affine(0.0, 2.0))


# ---------------------------------------------------------------- sigmoid and tanh


def tanh_net(depth, seed, lead=()):
    rng = np.random.default_rng(seed)
    net = Net((4, *[7] * (depth - 1), 3), "tanh")
    theta = net.init(rng, "lecun", scale=1.5, lead=lead, bias=0.5)
    return net, theta, rng.standard_normal((9, 4))


@given(st.integers(2, 8), st.integers(0, 99), st.floats(0.5, 6))
@settings(deadline=None)
def test_the_sigmoid_image_computes_the_same_function(depth, seed, gain):
    net, theta, X = tanh_net(depth, seed)
    image = mean_field.sigmoid_image(net.layers(theta), gain=gain)
    squeezed = own(lambda z: np.tanh(gain / 4 * z), None)
    original = replace(net, act=squeezed).output(theta, X)
    sigmoid = replace(net, act="sigmoid")
    np.testing.assert_allclose(sigmoid.output(sigmoid.pack(image), X), original, atol=1e-12)


def test_the_sigmoid_image_layer_by_layer():
    net, theta, _ = tanh_net(3, 0, lead=(5,))
    before = theta.copy()
    (W, b), (V, c), (U, d) = net.layers(theta)
    image = mean_field.sigmoid_image(net.layers(theta))
    expected = [
        (2 * W, 2 * b),
        (4 * V, 2 * (c - V.sum(-2, keepdims=True))),
        (2 * U, d - U.sum(-2, keepdims=True)),
    ]
    for pair, wanted in zip(image, expected, strict=True):
        for array, other in zip(pair, wanted, strict=True):
            np.testing.assert_allclose(array, other, rtol=1e-14)
    np.testing.assert_array_equal(theta, before)
    bare = mean_field.sigmoid_image(net.layers(theta), compensation=0.0)
    np.testing.assert_allclose(bare[1][1], 2 * c)
    np.testing.assert_allclose(bare[2][1], d)


def test_sigmoid_image_refuses():
    layer = (np.ones((2, 2)), np.ones((1, 2)))
    with pytest.raises(ValueError, match="at least two pairs"):
        mean_field.sigmoid_image([layer])
    with pytest.raises(ValueError, match="compensation must be a number from 0 to 1"):
        mean_field.sigmoid_image([layer, layer], compensation=1.1)
    with pytest.raises(ValueError, match="gain must be a number above 0"):
        mean_field.sigmoid_image([layer, layer], gain=0)


def test_lecuns_tanh():
    act = mean_field.LECUN_TANH
    assert act(1.0) == pytest.approx(1, abs=1e-5)
    assert act.df(0.3) == pytest.approx((act(0.3 + 1e-6) - act(0.3 - 1e-6)) / 2e-6, rel=1e-8)
    assert act([1, 2]).dtype == np.float64
    z = np.linspace(0, 3, 300_001)
    bend = np.diff(act.df(z))
    assert z[np.abs(bend).argmax()] == pytest.approx(mean_field.LECUN_TANH_BEND, abs=1e-4)
