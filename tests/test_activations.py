"""Activations: formula against code, code against mpmath, facts against their sources.

The reference is the displayed LaTeX formula itself, read by a small parser and evaluated with 1300
bits at z + ih: the real part is f(z), the imaginary part / h its slope. A wrong formula and a wrong
kernel both show.
"""

import dataclasses
import functools
import math
import re
import subprocess
import sys

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.mathtext import MathTextParser
from scipy import optimize, special
from scipy.integrate import quad

from helpers.activations import (
    _TAIL,
    ABS,
    ACTIVATIONS,
    ELU,
    GELU,
    IDENTITY,
    MISH,
    RELU,
    SELU,
    SIGMOID,
    SILU,
    SOFTPLUS,
    STEP,
    TANH,
    Activation,
    activation,
    affine,
    elu,
    gaussian_mean,
    leaky_relu,
    mixed,
    own,
    record_of,
    softplus,
    surrogate,
    swish,
    with_own,
)

MEMBERS = [
    leaky_relu(-1),
    leaky_relu(0),
    leaky_relu(0.2),
    leaky_relu(7.5),
    elu(0),
    elu(-1.5),
    elu(4),
    softplus(0.125),
    softplus(3),
    swish(0.3),
    swish(50),
    affine(0, 1.5),
    affine(-0.7, 0),
    affine(1e-6, 2e8),
]
ALL = [*ACTIVATIONS.values(), *MEMBERS]
ANY = pytest.mark.parametrize("act", ALL, ids=lambda act: act.name)
NAMED = pytest.mark.parametrize("act", ACTIVATIONS.values(), ids=lambda act: act.name)
DTYPES = [np.float64, np.float32]


@pytest.fixture(autouse=True)
def no_floating_point_trouble():
    """No overflow, no invalid operation, no division by zero in any test: they raise."""
    with np.errstate(all="raise", under="ignore"):
        yield


# --- The formula as a function ----------------------------------------------------------------

EXACT = {"1.0507": "1.0507009873554805", "1.67326": "1.6732632423543772"}  # SELU shows six digits


def erf(w):
    """erf with the slope of the imaginary direction, exact for a tiny imaginary part."""
    return mp.mpc(mp.erf(w.real), w.imag * 2 / mp.sqrt(mp.pi) * mp.exp(-(w.real**2)))


def exp(w):
    return mp.exp(w) if mp.re(w) > -2000 else mp.mpf(0)  # beyond all floats, and hard to add to 1


NAMES = {
    "exp": exp,
    "ln": mp.ln,
    "tanh": mp.tanh,
    "sqrt": mp.sqrt,
    "erf": erf,
    "max": lambda a, b: a if mp.re(a) > mp.re(b) else b,
    "min": lambda a, b: a if mp.re(a) < mp.re(b) else b,
    "step": lambda w: 1 if w.real > 0 else 0,
    "ten": lambda n: mp.mpf(10) ** n,
}
SPELLING = [
    (r"\\operatorname{erf}", "erf"),
    (r"\\mathbf\{1\}\[z > 0\]", "step(z)"),
    (r"\\cdot", "*"),
    (r"\\,", " "),
    (r"\\(max|min|tanh|ln)", r" \1"),
    (r"\\sqrt{(\w+)}", r"sqrt(\1)"),
    (r"\|z\|", "max(z, -z)"),
    (r"10\^{(-?\d+)}", r"ten(\1)"),
    (r"e\^z", "exp(z)"),
    (r"e\^{([^{}]*)}", r"exp(\1)"),
    (r"\\frac{([^{}]*)}{([^{}]*)}", r"((\1)/(\2))"),
]


def read(latex):
    """Return the LaTeX formula as a function of an mpmath number."""
    for pattern, python in SPELLING:
        latex = re.sub(pattern, python, latex)
    tokens = [EXACT.get(token, token) for token in re.findall(r"[\d.]+|[a-z]+|\S", latex)]
    return eval("lambda z: " + "".join(map(with_product, tokens, [*tokens[1:], ""])), dict(NAMES))


def with_product(token, following):
    """Write the product that LaTeX leaves out, as in 2z and 3(z + 1)."""
    left = token in ("z", ")") or token[0].isdigit()
    right = following == "(" or following[:1].isalnum()
    return token + ("*" if left and right else "")


@functools.cache
def reference(act, dtype):
    """Exact values and slopes at the points of that type, as mpmath numbers."""
    f, pairs = read(act.formula), []
    with mp.workprec(1300):  # 1 + e^-745 needs 1075 + 53
        for point in map(mp.mpf, map(float, points(dtype))):
            h = mp.ldexp(min(1, abs(point)) or 1, -200)
            y = mp.mpmathify(f(mp.mpc(point, h)))
            pairs.append((y.real, y.imag / h))
    return list(zip(*pairs, strict=True))


def points(dtype):
    """Points of both signs: usual ones, where exponentials end, subnormals, huge ones; not 0."""
    rng, info = np.random.default_rng(3), np.finfo(dtype)
    ranges = [(0, 3), (3, 12), (12, 45), (80, 110), (690, 760), (1400, 1500)]
    ranges += [(38, 39), (51, 53), (103, 106), (372, 374), (744, 748)]  # where slopes become 0
    ends = [info.tiny, info.tiny / 3, 7 * info.smallest_subnormal, info.smallest_subnormal]
    z = [rng.uniform(low, high, 20) for low, high in ranges] + [np.logspace(-9, 4, 25)]
    z = np.concatenate([*z, np.array([*ends, info.eps, 1e30, info.max / 2])]).astype(dtype)
    return np.concatenate([z, -z])


def ulp(exact, dtype):
    """One unit in the last place of dtype at the exact number."""
    info = np.finfo(dtype)
    exponent = int(mp.frexp(abs(exact))[1]) - 1 if exact and mp.isfinite(exact) else info.minexp
    return mp.ldexp(1, max(exponent, int(info.minexp)) - info.nmant)


def errors(got, exact):
    """Errors in units in the last place, and relative to the eps of the type."""
    most = float(np.finfo(got.dtype).max)
    exact = [e if abs(e) <= most else mp.inf * mp.sign(e) for e in exact]
    pairs = list(zip(map(float, got), exact, strict=True))
    off = [mp.mpf(0) if g == e else abs(g - e) for g, e in pairs]
    ulps = [float(o / ulp(e, got.dtype)) for o, e in zip(off, exact, strict=True)]
    return np.array(ulps), np.array([float(o) for o in off]) / float(np.finfo(got.dtype).eps)


def sharpness(act):
    """beta of softplus(beta) and swish(beta), else 0."""
    match = re.fullmatch(r"(softplus|swish)\((.*)\)", act.name)
    return float(match[2]) if match else 0.0


def allowed_ulps(act, z):
    """What the header of helpers/activations.py promises."""
    z = np.minimum(np.abs(z.astype(float)), 1e4)
    return 6 + sharpness(act) * z + (np.minimum(z, 50) ** 2 / 2 if act is GELU else 0)


@pytest.mark.parametrize("dtype", DTYPES)
@ANY
def test_values_and_slopes_are_those_of_the_formula(act, dtype):
    z = points(dtype)
    f, df = reference(act, dtype)
    ulps, _ = errors(act.f(z), f)
    assert np.all(ulps <= allowed_ulps(act, z)), worst(z, ulps)
    ulps, eps = errors(act.df(z), df)
    crossing = z > -3 / (sharpness(act) or 1)
    crossing &= bool(re.match("silu|gelu|mish|swish", act.name))
    assert np.all((ulps <= allowed_ulps(act, z)) | (crossing & (eps <= 3))), worst(z, ulps)


@pytest.mark.parametrize("dtype", DTYPES)
@ANY
def test_a_slope_is_0_only_where_no_number_is_nearer(act, dtype):
    z = points(dtype)
    _, df = reference(act, dtype)
    smallest = float(np.finfo(dtype).smallest_subnormal)
    dead = [z for z, got, exact in zip(z, act.df(z), df, strict=True)
            if got == 0 and abs(exact) > smallest * 0.500001]  # fmt: skip
    assert not dead


@ANY
def test_float32_on_a_dense_grid(act):
    """Against float64, whose own error does not show at 24 bits."""
    rng = np.random.default_rng(2)
    z = np.concatenate([rng.uniform(-12, 12, 300_000), rng.uniform(-105, 105, 50_000)])
    z = z.astype(np.float32)
    for function in (act.f, act.df):
        exact = function(z.astype(np.float64))
        spacing = np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
        assert np.all(np.abs(function(z) - exact) <= 6 * spacing)


def worst(z, ulps):
    return f"{ulps.max():.1f} ulp at z = {z[ulps.argmax()]!r}"


# --- Edges ------------------------------------------------------------------------------------

INF = math.inf
AT_INFINITY = {  # f(-inf), f(inf), f'(-inf), f'(inf)
    "identity": (-INF, INF, 1, 1),
    "step": (0, 1, 0, 0),
    "sigmoid": (0, 1, 0, 0),
    "tanh": (-1, 1, 0, 0),
    "relu": (0, INF, 0, 1),
    "leaky_relu": (-INF, INF, 0.01, 1),
    "abs": (INF, INF, -1, 1),
    "softplus": (0, INF, 0, 1),
    "elu": (-1, INF, 0, 1),
    "selu": (-1.7580993408473766, INF, 0, 1.0507009873554805),
    "gelu": (0, INF, 0, 1),
    "silu": (0, INF, 0, 1),
    "mish": (0, INF, 0, 1),
    "leaky_relu(-1)": (INF, INF, -1, 1),
    "leaky_relu(0)": (0, INF, 0, 1),
    "leaky_relu(0.2)": (-INF, INF, 0.2, 1),
    "leaky_relu(7.5)": (-INF, INF, 7.5, 1),
    "elu(0)": (0, INF, 0, 1),
    "elu(-1.5)": (1.5, INF, 0, 1),
    "elu(4)": (-4, INF, 0, 1),
    "softplus(0.125)": (0, INF, 0, 1),
    "softplus(3)": (0, INF, 0, 1),
    "swish(0.3)": (0, INF, 0, 1),
    "swish(50)": (0, INF, 0, 1),
    "affine(0, 1.5)": (1.5, 1.5, 0, 0),
    "affine(-0.7, 0)": (INF, -INF, -0.7, -0.7),
    "affine(1e-06, 200000000)": (-INF, INF, 1e-6, 1e-6),
}
LEFT_SLOPE_AT_0 = {  # of those with a kink
    "step": 0,
    "relu": 0,
    "leaky_relu": 0.01,
    "abs": -1,
    "selu": 1.0507009873554805 * 1.6732632423543772,
    "leaky_relu(-1)": -1,
    "leaky_relu(0)": 0,
    "leaky_relu(0.2)": 0.2,
    "leaky_relu(7.5)": 7.5,
    "elu(0)": 0,
    "elu(-1.5)": -1.5,
    "elu(4)": 4,
}


@pytest.mark.parametrize("dtype", [*DTYPES, np.float16])
@ANY
def test_infinity_gives_the_limit_and_nan_gives_nan(act, dtype):
    ends = np.array([-np.inf, np.inf, np.nan], dtype)
    f, df = act.f(ends), act.df(ends)
    expected = np.array(AT_INFINITY[act.name])
    got = np.array([*f[:2], *df[:2]], float)
    info = np.finfo(dtype)
    np.testing.assert_allclose(got, expected, rtol=4 * info.eps, atol=info.smallest_subnormal)
    assert np.isnan(f[2]) and np.isnan(df[2])


@pytest.mark.parametrize("dtype", DTYPES)
@ANY
def test_the_slope_at_0_is_that_of_the_left_side(act, dtype):
    left, at_0 = act.df(np.array([-np.finfo(dtype).smallest_subnormal, 0], dtype))
    assert at_0 == pytest.approx(left, rel=4 * float(np.finfo(dtype).eps))
    if act.name in LEFT_SLOPE_AT_0:
        assert at_0 == dtype(LEFT_SLOPE_AT_0[act.name])


@ANY
def test_f_of_0_is_exact(act):
    exact = float(mp.re(read(act.formula)(mp.mpc(0, mp.ldexp(1, -200)))))
    assert act.f(0.0) == pytest.approx(exact, rel=2e-16, abs=1e-50)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("act", [RELU, leaky_relu(0), leaky_relu(-1), leaky_relu(0.2), ABS])
def test_no_minus_zero(act, dtype):
    z = np.array([0.0, -0.0, *([-0.0] * 32)], dtype)
    if act.range[0] == 0:
        z = np.append(z, dtype([-3, -np.inf, -1e-30]))
    f = act.f(z)
    assert not np.signbit(f).any()


floats = hnp.arrays(
    st.sampled_from([np.float16, np.float32, np.float64]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
    elements={"allow_nan": True, "allow_infinity": True, "allow_subnormal": True},
)


@ANY
@given(z=floats)
@settings(max_examples=50)
def test_any_array_keeps_its_shape_and_type_and_stays_as_it_was(act, z):
    before = z.copy()
    for function in (act.f, act.df):
        out = function(z)
        assert np.shape(out) == z.shape and out.dtype == z.dtype
        np.testing.assert_array_equal(np.isnan(out), np.isnan(z))
        assert not np.shares_memory(out, z)
    np.testing.assert_array_equal(z, before)
    low, high = act.range
    f = np.asarray(act.f(z), float)
    slack = 4 * float(np.finfo(z.dtype).eps)
    assert np.all((f >= low - slack * abs(low)) | np.isnan(f) if np.isfinite(low) else True)
    assert np.all((f <= high + slack * abs(high)) | np.isnan(f) if np.isfinite(high) else True)


@ANY
def test_the_range_is_reached_or_approached(act):
    z = np.concatenate([np.linspace(-60, 60, 240001), [-np.inf, np.inf]])
    f = act.f(z)
    assert f.min() == pytest.approx(act.range[0], abs=1e-5)
    assert f.max() == pytest.approx(act.range[1], abs=1e-5)


@pytest.mark.parametrize(
    "z",
    [
        np.array([-3, 0, 2]),
        np.array([-3, 0, 2], np.int8),
        np.array([0, 1, 255], np.uint8),
        np.array([True, False]),
        [-1, 0.5],
        [[1, 2], [3, 4]],
        (1, 2),
        np.arange(-6.0, 6).reshape(3, 4).T,
        np.arange(-6.0, 6)[::-2],
        np.arange(-2.0, 2).astype(">f8"),
        [],
        np.empty((0, 3)),
    ],
    ids=repr,
)
@NAMED
def test_integers_lists_and_strides(act, z):
    plain = np.ascontiguousarray(z, dtype=np.float64)
    for function in (act.f, act.df):
        out = function(z)
        assert isinstance(out, np.ndarray) and out.dtype == np.float64
        np.testing.assert_array_equal(out, function(plain))


@NAMED
def test_read_only_input(act):
    z = np.linspace(-2, 2, 9)
    z.flags.writeable = False
    np.testing.assert_array_equal(act.df(z), act.df(z.copy()))
    assert act.f(z).flags.writeable


@pytest.mark.parametrize("z", [-1.5, -2, True, np.float64(0.3), np.int32(2), np.array(-0.5)])
@NAMED
def test_a_scalar_gives_a_scalar(act, z):
    for function in (act.f, act.df):
        out = function(z)
        assert isinstance(out, np.float64) and np.ndim(out) == 0
        assert out == function(np.array([float(z)]))[0]
    assert act.f(np.float32(0.5)).dtype == np.float32
    assert act(z) == act.f(z)


@pytest.mark.parametrize(
    "z",
    [
        None,
        "0.5",
        [1, None],
        ["a"],
        object(),
        1j,
        np.array([1 + 2j]),
        np.ma.array([1.0, 2.0], mask=[0, 1]),
        [[1, 2], [3]],
        np.datetime64("2020-01-01"),
        np.ones(2, np.longdouble if np.finfo(np.longdouble).bits > 64 else complex),
    ],
    ids=repr,
)
@pytest.mark.parametrize("act", [RELU, GELU, leaky_relu(2), mixed(RELU, TANH)])
def test_what_is_not_a_real_number_is_a_type_error_that_names_z(act, z):
    for function in (act.f, act.df):
        with pytest.raises(TypeError, match=r"^z must be real numbers"):
            function(z)


# --- Derivatives, by a way that knows no formula ----------------------------------------------


def slope_error(f, df):
    """Largest difference between df and the central difference of f, away from the kink at 0."""
    z = np.random.default_rng(8).uniform(0.01, 6, 400) * np.tile([-1, 1], 200)
    h = 1e-5
    return np.max(np.abs((f(z + h) - f(z - h)) / (2 * h) - df(z)) / np.maximum(1, np.abs(f(z))))


@ANY
def test_df_is_the_slope_of_f(act):
    if act.name != "swish(50)":  # its curvature over 1e-5 exceeds the tolerance
        assert slope_error(act.f, act.df) < 2e-9


@pytest.mark.parametrize(
    "wrong",
    [
        lambda z: SIGMOID.df(SIGMOID.f(z)),  # handed the activation instead of z
        lambda z: SIGMOID.df(z) * (1 + 1e-7),
        lambda z: SIGMOID.df(z) + 1e-8,
        lambda z: -SIGMOID.df(z),
    ],
)
def test_the_slope_check_catches_a_wrong_derivative(wrong):
    assert slope_error(SIGMOID.f, wrong) > 2e-9


def test_the_formula_check_catches_a_wrong_formula():
    z = points(np.float64)
    wrong = dataclasses.replace(SIGMOID, formula=r"\frac{1}{1 + e^z}")
    ulps, _ = errors(SIGMOID.f(z), reference(wrong, np.float64)[0])
    assert ulps.max() > 1e6


def test_saturated_units_have_a_slope():
    """1 - tanh(z)^2 and f (1 - f) are exactly 0 here."""
    assert SIGMOID.df(60.0) == pytest.approx(math.exp(-60), rel=1e-14)
    assert TANH.df(60.0) == pytest.approx(4 * math.exp(-120), rel=1e-14)
    assert TANH.df(np.float32(30)) == pytest.approx(4 * math.exp(-60), rel=1e-6)


# --- GELU without scipy -----------------------------------------------------------------------


def tail_coefficients(middle=5, degree=24, nodes=200):
    """(1 + s) erfcx(s / sqrt 2) / 2 as a polynomial in u = (s - middle) / (s + middle)."""
    with mp.workdps(50):
        angles = [mp.pi * (2 * j + 1) / (2 * nodes) for j in range(nodes)]
        s = [middle * (1 + mp.cos(t)) / (1 - mp.cos(t)) for t in angles]
        values = [(1 + x) * mp.erfc(x / mp.sqrt(2)) * mp.exp(x * x / 2) / 2 for x in s]
        total = [mp.mpf(0)] * (degree + 1)
        before, now = None, [mp.mpf(1)]  # the Chebyshev polynomials T_{k-1}, T_k by powers of u
        for k in range(degree + 1):
            weight = sum(v * mp.cos(k * t) for v, t in zip(values, angles, strict=True))
            weight *= mp.mpf(2 if k else 1) / nodes
            total = [a + weight * b for a, b in zip(total, now + [0] * degree, strict=False)]
            twice = [mp.mpf(0)] + [(2 if k else 1) * c for c in now]
            past = before or []
            before, now = now, [a - b for a, b in zip(twice, past + [0] * len(twice), strict=False)]
        return tuple(map(float, total))


def test_the_coefficients_of_gelu_are_made_as_stated():
    np.testing.assert_allclose(_TAIL, tail_coefficients(), rtol=1e-15)


def test_gelu_is_the_exact_one():
    z = np.linspace(-12, 12, 100001)
    np.testing.assert_allclose(GELU.f(z), z * special.ndtr(z), rtol=1e-12)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    np.testing.assert_allclose(GELU.df(z), special.ndtr(z) + z * density, rtol=1e-12, atol=1e-15)


def test_nothing_but_numpy_is_imported():
    code = "import sys, helpers.activations; print(*sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"scipy", "mpmath", "matplotlib", "numpy.ma"} & set(run.stdout.split())


# --- Gaussian means, gains and other facts ----------------------------------------------------


def normal_mean(f, variance=1.0):
    """E f(sqrt(variance) z) by adaptive integration on both sides of 0."""
    scale = math.sqrt(variance)

    def integrand(z):
        return f(scale * z) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    return sum(quad(integrand, *ends, epsabs=1e-14)[0] for ends in [(-12, 0), (0, 12)])


@ANY
def test_the_gain_makes_the_second_moment_1(act):
    moment = normal_mean(lambda z: act.f(z) ** 2)
    assert act.gain**2 * moment == pytest.approx(1, abs=1e-6 if "(50)" in act.name else 1e-10)


@pytest.mark.parametrize(
    ("act", "gain"),
    [
        (IDENTITY, 1),
        (ABS, 1),
        (SELU, 1),
        (RELU, math.sqrt(2)),  # He et al. 2015
        (STEP, math.sqrt(2)),
        (leaky_relu(0.3), math.sqrt(2 / 1.09)),  # He et al. 2015, eq. 15
        (leaky_relu(-1), 1),
        (affine(3, 4), 0.2),
        (mixed(RELU, IDENTITY), math.sqrt(4 / 3)),
        (surrogate(STEP, TANH), math.sqrt(2)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_known_gains(act, gain):
    assert act.gain == pytest.approx(gain, rel=1e-14)


@pytest.mark.parametrize("act", [affine(0, 0), affine(1e200, 0)])
def test_where_there_is_no_gain_it_is_said(act):
    with pytest.raises(ValueError, match=re.escape(act.name) + r" has no gain.*got (0|inf)"):
        _ = act.gain


def test_gaussian_mean_of_powers_and_shapes():
    variance = np.array([[0.0, 0.5, 1.0], [2.0, 3.0, 0.01]])
    got = gaussian_mean(lambda z: z**4, variance)
    np.testing.assert_allclose(got, 3 * variance**2, rtol=1e-13)
    assert isinstance(gaussian_mean(np.cos), float)
    assert gaussian_mean(np.cos, 4.0) == pytest.approx(math.exp(-2), rel=1e-12)
    np.testing.assert_allclose(gaussian_mean(RELU.f, [1, 4]), np.array([1, 2]) * 0.3989422804014327)
    assert gaussian_mean(np.cos, np.empty((0, 2))).shape == (0, 2)


@pytest.mark.parametrize("variance", [-1, math.nan, math.inf, [1, -0.1]])
def test_gaussian_mean_wants_a_variance(variance):
    with pytest.raises(ValueError, match="^variance must be finite and at least 0, got"):
        gaussian_mean(np.cos, variance)


BIAS_SHIFT = [  # Clevert et al. 2016 speak of it; the numbers are closed forms or quadrature
    (RELU, 1 / math.sqrt(2 * math.pi)),
    (leaky_relu(0.2), 0.8 / math.sqrt(2 * math.pi)),
    (ELU, 1 / math.sqrt(2 * math.pi) + math.sqrt(math.e) * special.ndtr(-1) - 0.5),
    (ELU, 0.16052),
    (SELU, 0),
    (SOFTPLUS, 0.80606),
    (SILU, 0.20662),
    (SIGMOID, 0.5),
    (TANH, 0),
]


@pytest.mark.parametrize(("act", "mean"), BIAS_SHIFT)
def test_mean_of_the_activation(act, mean):
    assert gaussian_mean(act.f) == pytest.approx(mean, abs=5e-6)


def test_selu_keeps_mean_0_and_variance_1():
    """Klambauer et al. 2017: the constants, and the map of (mean, variance) contracts there."""
    alpha = math.sqrt(2 / math.pi) / (1 - math.sqrt(math.e) * special.erfc(1 / math.sqrt(2)))
    assert SELU.range[0] == pytest.approx(-1.0507009873554804934 * alpha, rel=1e-15)
    assert gaussian_mean(SELU.f) == pytest.approx(0, abs=1e-12)
    assert gaussian_mean(lambda z: SELU.f(z) ** 2) == pytest.approx(1, abs=1e-12)

    def mean_and_variance(variance):
        mean = gaussian_mean(SELU.f, variance)
        return np.array([mean, gaussian_mean(lambda z: SELU.f(z) ** 2, variance) - mean**2])

    jacobian = (mean_and_variance(1 + 1e-5) - mean_and_variance(1 - 1e-5)) / 2e-5
    assert np.linalg.norm(jacobian) == pytest.approx(0.7877, abs=5e-5)


@pytest.mark.parametrize(
    ("act", "low", "where", "steepest"),
    [
        (GELU, -0.169971, -0.75179, 1.129),
        (SILU, -0.278465, -1.27846, 1.100),
        (MISH, -0.308843, -1.19243, 1.088),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_dips_and_steepest_slopes(act, low, where, steepest):
    dip = optimize.minimize_scalar(act.f, bracket=(-2, -1, 0))
    assert (dip.fun, dip.x) == pytest.approx((low, where), abs=1e-5)
    assert act.range[0] == pytest.approx(dip.fun, rel=1e-14)
    assert act.df(np.linspace(0, 10, 100001)).max() == pytest.approx(steepest, abs=5e-4)


def test_how_far_the_relatives_are_apart():
    z = np.linspace(-20, 20, 400001)
    tanh_form = z / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z * z * z)))
    assert np.abs(GELU.f(z) - tanh_form).max() == pytest.approx(4.73e-4, abs=1e-6)
    assert np.abs(GELU.f(z) - swish(1.702).f(z)).max() == pytest.approx(0.0203, abs=5e-5)
    for beta in (0.5, 3):
        assert np.abs(softplus(beta).f(z) - RELU.f(z)).max() == pytest.approx(math.log(2) / beta)
        assert np.abs(swish(beta).f(z) - RELU.f(z)).max() == pytest.approx(0.2784645 / beta)


# --- Families and parameters ------------------------------------------------------------------


def test_families_contain_their_relatives():
    z = np.linspace(-5, 5, 1001)
    for member, relative in [
        (leaky_relu(0), RELU),
        (leaky_relu(1), IDENTITY),
        (leaky_relu(-1), ABS),
        (elu(0), RELU),
        (affine(1, 0), IDENTITY),
        (swish(1), SILU),
    ]:
        np.testing.assert_array_equal(member.f(z), relative.f(z))
        np.testing.assert_array_equal(member.df(z), relative.df(z))
    assert leaky_relu() is ACTIVATIONS["leaky_relu"]
    assert elu() is ELU and softplus() is SOFTPLUS


def test_a_steep_leak_is_not_the_larger_of_two():
    """max(z, slope z) turns the corner round for slope > 1."""
    assert leaky_relu(3).f(-1.0) == -3 and leaky_relu(3).f(1.0) == 1


def test_huge_and_tiny_parameters():
    z = np.array([-np.inf, -2.0, 0.0, 2.0, np.inf])
    for dtype in (np.float16, np.float32, np.float64):
        for parameter in (1e300, -1e300, 1e-300):
            for act in (leaky_relu(parameter), elu(parameter), affine(1, parameter)):
                assert not np.isnan(act.f(z.astype(dtype))[1:]).any()
                assert not np.isnan(act.df(z.astype(dtype))).any()
    steep = leaky_relu(1e300).f(z.astype(np.float32))
    np.testing.assert_array_equal(steep, [-np.inf, -np.inf, 0, 2, np.inf])


@pytest.mark.parametrize("beta", [1e-6, 1e6])
@pytest.mark.parametrize("family", [softplus, swish])
def test_the_ends_of_beta(family, beta):
    z = np.array([-np.inf, -1e308, -1e-3, 0, 1e-3, 1e308, np.inf])
    act = family(beta)
    assert np.all(np.isfinite(act.f(z)[1:-1])) and np.all(np.isfinite(act.df(z)))
    assert act.f(z)[-2] == 1e308 and act.df(z)[-2] == 1


@pytest.mark.parametrize(
    ("family", "name", "allowed"),
    [
        (leaky_relu, "slope", "a finite number"),
        (elu, "alpha", "a finite number"),
        (softplus, "beta", "a number from 1e-06 to 1e+06"),
        (swish, "beta", "a number from 1e-06 to 1e+06"),
        (affine, "a", "a finite number"),
        (lambda c: affine(1, c), "c", "a finite number"),
    ],
)
def test_a_parameter_that_is_no_number_is_named(family, name, allowed):
    for value, error in [
        (math.nan, ValueError),
        (math.inf, ValueError),
        (-math.inf, ValueError),
        ("0.1", TypeError),
        (None, TypeError),
        (True, TypeError),
        (1j, TypeError),
        ([0.1], TypeError),
    ]:
        with pytest.raises(error, match=f"^{name} must be {re.escape(allowed)}, got") as caught:
            family(value)
        assert repr(value) in str(caught.value)


@pytest.mark.parametrize("beta", [0, -1, 1e7])
@pytest.mark.parametrize("family", [softplus, swish])
def test_beta_is_positive(family, beta):
    with pytest.raises(ValueError, match=f"^beta must be a number from 1e-06 to 1e.06, got {beta}"):
        family(beta)


@given(slope=st.floats(allow_nan=False, allow_infinity=False), z=st.floats(-1e6, 1e6))
def test_leaky_relu_takes_any_finite_slope(slope, z):
    act = leaky_relu(slope)
    with np.errstate(over="ignore"):
        expected = np.float64(z) if z > 0 else np.float64(slope) * z
    assert act.f(z) == expected
    assert act.df(z) == (1 if z > 0 else slope)


def test_equal_parameters_give_the_same_record():
    assert leaky_relu(0.2) is leaky_relu(0.2)
    assert leaky_relu(0.2) != leaky_relu(0.3)
    assert leaky_relu(0.1 + 0.2).name == "leaky_relu(0.3)"


# --- Surrogates and mixtures ------------------------------------------------------------------


def test_a_surrogate_has_the_values_of_one_and_the_slopes_of_the_other():
    act = surrogate("step", SIGMOID)
    z = np.linspace(-3, 3, 7)
    np.testing.assert_array_equal(act.f(z), STEP.f(z))
    np.testing.assert_array_equal(act.df(z), SIGMOID.df(z))
    assert act.name == "surrogate(step, sigmoid)" and act.range == STEP.range
    assert surrogate(mixed(RELU, TANH), TANH).parts == (RELU, TANH)


@pytest.mark.parametrize("width", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("lead", [(), (5,), (2, 0), (2, 3)])
def test_mixed_gives_each_part_its_units(width, lead):
    acts = (RELU, TANH, ABS)
    z = np.random.default_rng(1).standard_normal((*lead, width)).astype(np.float32)
    f, df = mixed(*acts).f(z), mixed(*acts).df(z)
    assert f.shape == df.shape == z.shape and f.dtype == np.float32
    owner = [next(k for k in range(3) if unit < width * (k + 1) // 3) for unit in range(width)]
    for unit, k in enumerate(owner):
        np.testing.assert_array_equal(f[..., unit], acts[k].f(z)[..., unit])
        np.testing.assert_array_equal(df[..., unit], acts[k].df(z)[..., unit])
    sizes = np.bincount(owner, minlength=3)
    assert owner == sorted(owner) and sizes.max() - sizes.min() <= 1


def test_mixed_wants_units_and_parts():
    with pytest.raises(ValueError, match="^z must have a last axis"):
        mixed(RELU, TANH).f(0.5)
    with pytest.raises(ValueError, match="^acts must be at least one activation"):
        mixed()
    with pytest.raises(ValueError, match="did you mean 'tanh'"):
        mixed(RELU, "tahn")
    assert mixed("relu", "abs").range == (0, math.inf)


# --- Records ----------------------------------------------------------------------------------


def test_the_registry_has_the_names_of_the_records():
    expected = "identity step sigmoid tanh relu leaky_relu abs softplus elu selu gelu silu mish"
    assert list(ACTIVATIONS) == expected.split()
    assert all(act.name == name for name, act in ACTIVATIONS.items())
    assert activation("gelu") is GELU and activation(GELU) is GELU
    own = leaky_relu(0.3)
    assert activation(own) is own


@pytest.mark.parametrize(
    ("wrong", "error", "hint"),
    [
        ("rleu", ValueError, r"got 'rleu' \(did you mean 'relu'\?\)"),
        ("ReLU", ValueError, r"got 'ReLU' \(did you mean 'relu'\?\)"),
        ("<script>alert(1)</script>", ValueError, r"got '<script>alert\(1\)</script>'$"),
        ("", ValueError, "got ''$"),
        (None, TypeError, "got None$"),
        (np.tanh, TypeError, "got <ufunc 'tanh'>$"),
    ],
)
def test_an_unknown_name_is_answered_with_the_valid_ones(wrong, error, hint):
    names = ", ".join(map(repr, ACTIVATIONS))
    with pytest.raises(error, match=f"^activation must be one of {names}; {hint}"):
        activation(wrong)


@pytest.mark.parametrize("act", [*ALL, surrogate(STEP, TANH), mixed(RELU, TANH)], ids=str)
def test_facts_of_every_record(act):
    MathTextParser("agg").parse(f"${act.formula}$")  # matplotlib can show it
    for source in act.source.split("; "):
        assert re.match(r"[A-Z].* (19|20)\d\d, [A-Z].*, .*", source)
    assert act.range[0] <= act.range[1]
    assert " at 0x" not in repr(act)  # an address would change with every run


def test_a_record_cannot_be_changed_by_accident():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RELU.name = "mine"


def test_a_learner_can_make_one():
    square = Activation("square", "z^2", lambda z: z * z, lambda z: 2 * z)
    assert square(3.0) == 9 and square.gain == pytest.approx(1 / math.sqrt(3))
    assert activation(square) is square


# --- What the learner has written ---------------------------------------------------------------


@NAMED
def test_an_own_function_has_the_slope_of_the_record(act):
    z = np.concatenate([np.linspace(-12, 12, 4001), [0.0, 1e-12, -1e-12]])
    mine = own(lambda z: act.f(z))
    np.testing.assert_array_equal(mine(z), act(z))
    near = abs(z) < 1e-6
    np.testing.assert_allclose(mine.df(z[~near]), act.df(z[~near]), rtol=0, atol=1e-9)
    np.testing.assert_allclose(mine.df(z[near]), act.df(z[near]), rtol=0, atol=1e-5)


def test_an_own_function_may_be_written_for_single_numbers():
    mine = own(lambda z: max(z, 0.1 * z))
    z = np.array([[-2.0, 0.0, 3.0]])
    np.testing.assert_array_equal(mine(z), [[-0.2, 0, 3]])
    np.testing.assert_allclose(mine.df(z), [[0.1, 0.1, 1]])
    assert mine.gain == pytest.approx(leaky_relu(0.1).gain)
    assert isinstance(mine(2), float) and isinstance(mine.df(2), float)
    assert mine(z.astype(np.float32)).dtype == np.float32


def test_kinks_and_jumps_of_an_own_function():
    """Away from 0 too: the smaller slope counts, and a jump has none."""
    clipped, jump = own(lambda z: np.clip(z, -1, 1)), own(lambda z: np.where(z > 0.5, 1.0, 0.0))
    np.testing.assert_allclose(clipped.df([-1.0, 0.5, 1.0, 2.0]), [0, 1, 0, 0], atol=1e-9)
    np.testing.assert_array_equal(jump.df([0.5, 0.5 + 1e-7, 0.5 - 1e-7, 2]), 0)


def test_an_own_function_may_overflow():
    for f in (math.exp, np.exp):
        mine = own(f)
        assert mine(1000.0) == np.inf and mine.df(1000.0) == np.inf
        assert mine.df(2.0) == pytest.approx(math.exp(2), rel=1e-9)


def test_own_returns_records_and_refuses_the_rest():
    assert own(RELU) is RELU and own("tanh") is TANH
    with pytest.raises(TypeError, match="your function must be a function of one number, got 3"):
        own(3)
    with pytest.raises(ValueError, match=r"finite numbers, but f\(-10\) is nan"):
        own(np.sqrt)
    with pytest.raises(ValueError, match="treat every number on its own"):
        own(lambda z: z - z.mean())


def test_the_learners_record_comes_first():
    mine = dataclasses.replace(TANH, name="mine")
    assert with_own() is ACTIVATIONS
    assert list(with_own(mine)) == ["mine", *ACTIVATIONS] and with_own(mine)["mine"] is mine
    assert list(with_own(mixed("relu", "tanh"), mixed=True))[1:] == list(ACTIVATIONS)


def test_what_is_no_record_is_named():
    assert record_of("own", TANH) is TANH
    with pytest.raises(TypeError, match=r"own must be an Activation \(with f and df\), got 'relu'"):
        with_own("relu")
    with pytest.raises(ValueError, match="own must be the same for every unit, got mixed"):
        record_of("own", mixed("relu", "tanh"))
