r"""Activation functions: formula, value, derivative, gain and source, each in one record.

Conventions of all lessons: `df` is handed the PRE-activation z, not f(z), and where f has a kink
the derivative is the slope on the left, so ReLU'(0) = 0.

How the kernels stay exact where the textbook line overflows, or rounds to 0:
* e^z = m / k with m = e^min(z, 0) and k = e^-max(z, 0), both in [0, 1], needs no branch and cannot
  overflow. The sigmoid is m / (m + k).
* Softplus, SiLU and GELU are ReLU plus or minus a tail T(s) of s = |z|, and their slopes are t(s)
  for z < 0 and 1 - t(s) for z > 0. The tail is small and known to full relative precision.
* A product (large number) (e^-s) is taken as (large number * h) * h with h = e^(-s/2): e^-s alone
  would already be 0 where the product is not. A derivative that is not 0 never comes out as 0, so
  that a saturated unit is not mistaken for a dead one.
* For speed: e *= x in place saves an array, float literals save a conversion; np.where on random
  signs and z**3 do not occur.

Errors against mpmath are at most 6 units in the last place (ulp) in float64 and float32, with these
exceptions, where a slope crosses 0 or a rounding inside an exponential is amplified:
the slopes of SiLU, GELU, Mish and swish(beta): 3 eps absolute for beta z > -3;
GELU and its slope, by the rounding of z^2: 6 + z^2 / 2 ulp, under 80 for |z| < 12;
softplus(beta) and swish(beta), by the rounding of beta z: 6 + |beta z| ulp.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from helpers.checks import one_of, quoted, real, real_array, values_of

_DENSITY_AT_0 = 1 / math.sqrt(2 * math.pi)  # of the standard normal distribution


@dataclass(frozen=True)
class Activation:
    """An activation function and its facts.

    name     as in ACTIVATIONS; families carry their parameter: "leaky_relu(0.2)"
    formula  f(z) in LaTeX (also matplotlib's)
    f, df    value and derivative at the pre-activation z, elementwise, as new arrays: float64,
             float32 and float16 stay, integers and truth values become float64, lists work, a
             scalar gives a scalar. None, text, objects, complex numbers and masked arrays are a
             TypeError. NaN gives NaN; infinity gives the limit; no input gives a warning.
    range    (low, high): the closure of the values of f
    source   author, year, title, where
    parts    the activations of a `mixed` one; empty for all others
    """

    name: str
    formula: str
    f: Callable = field(repr=False)
    df: Callable = field(repr=False)
    range: tuple[float, float] = (-math.inf, math.inf)
    source: str = ""
    parts: tuple = field(default=(), repr=False)

    def __call__(self, z):
        return self.f(z)

    @functools.cached_property
    def gain(self):
        """The g with g^2 E f(z)^2 = 1 for z standard normal: sqrt(2) for ReLU.

        With weights of standard deviation g / sqrt(fan_in) the next pre-activations have the
        variance 1 again (He et al. 2015, arXiv:1502.01852, eq. 10, for any f). ValueError where
        there is none: f = 0.
        """
        parts = self.parts or (self,)
        moment = sum(gaussian_mean(_square_of(part.f)) for part in parts) / len(parts)
        if not 0 < moment < math.inf:
            raise ValueError(f"{self.name} has no gain: its E f(z)^2 must be above 0, got {moment}")
        return 1 / math.sqrt(moment)


# --- Gaussian means ---------------------------------------------------------------------------


def gaussian_mean(f, variance=1.0):
    """Return E f(sqrt(variance) z) for z standard normal: a float, or an array like `variance`.

    f         elementwise function of an array; it is called once, with shape (*variance, 128)
    variance  number or array, finite and at least 0 (else ValueError)

    Gauss-Legendre with 64 nodes on each of [-10, 0] and [0, 10], so that a kink at 0 falls between
    the halves. Gauss-Hermite, the usual choice, puts a node on the kink or straddles it.
    """
    variance = real_array("variance", variance)
    if not np.all((variance >= 0) & (variance < np.inf)):
        raise ValueError(f"variance must be finite and at least 0, got {variance}")
    nodes, weights = _gauss_rule()
    mean = f(np.sqrt(variance)[..., None] * nodes) @ weights
    return mean if mean.ndim else float(mean)


@functools.cache
def _gauss_rule():
    x, w = np.polynomial.legendre.leggauss(64)
    z = np.concatenate([5 * x - 5, 5 * x + 5])
    density = np.exp(-z * z / 2) * _DENSITY_AT_0  # beyond 10 lies a mass of 2e-23
    return z, 5 * np.concatenate([w, w]) * density


def _square_of(f):
    return _overflowing(lambda z: np.square(f(z)))


# --- From kernels to functions of anything ----------------------------------------------------


def _guarded(kernel, native):
    """Let a kernel take any real array-like.

    native: the dtype characters the kernel can compute in, "df" or only "d" (float64). All others
    take the way through float64, float32 too where its 24 bits are not enough for 6 ulp.
    """

    @functools.wraps(kernel)
    def guarded(z):
        if type(z) is np.ndarray and z.dtype.char in native:  # the inner loops of training
            return kernel(z)
        z = real_array("z", z)
        if z.dtype.char not in "dfe":
            return kernel(z.astype(np.float64))
        if z.dtype.char in native:
            return kernel(z)
        with np.errstate(over="ignore"):  # a value may be finite in float64 only
            return kernel(z.astype(np.float64)).astype(z.dtype)

    return guarded


def _overflowing(kernel):
    """Mark a kernel whose values may exceed the largest float: infinity, without a warning."""

    @functools.wraps(kernel)
    def quiet(z):
        with np.errstate(over="ignore"):
            return kernel(z)

    return quiet


def _activation(name, formula, f, df, range, source, native="df", native_slope=None):
    """Return the record of two kernels."""
    f, df = _guarded(f, native), _guarded(df, native_slope or native)
    return Activation(name, formula, f, df, range, source)


def _at(kernel, *parameters):
    """Return the kernel of one member of a family."""
    return lambda z: kernel(z, *parameters)


# --- Kernels: piecewise linear ----------------------------------------------------------------
# The long ways round a constant let NaN through.


def _one(z):
    return np.maximum(np.minimum(z, 1.0), 1.0)


def _zero(z):
    return np.maximum(np.minimum(z, 0.0), 0.0)


def _step(z):
    return np.sign(np.maximum(z, 0.0))


def _relu(z):
    return np.maximum(z, 0.0)


def _leaky(z, slope):
    f = np.minimum(z, 0.0)
    f *= slope
    f += np.maximum(z, 0.0)  # last, for -0 + 0 is 0
    return f


def _kink(z, left):
    """Slope `left` up to 0, slope 1 above."""
    up = _step(z)
    df = 1.0 - up
    df *= left
    df += up
    return df


def _affine(z, a, c):
    return a * z + c if a else c + _zero(z)  # 0 * infinity would be NaN


# --- Kernels: sigmoid, tanh, softplus, the ELUs -----------------------------------------------


def _sigmoid(z):
    m = np.exp(np.minimum(z, 0.0))
    m /= 1.0 + np.exp(-np.abs(z))
    return m


def _sigmoid_slope(z):
    """e^-s / (1 + e^-s)^2; f (1 - f) would be 0 from z = 37 on."""
    e = np.exp(-np.abs(z))
    d = 1.0 + e
    d *= d
    e /= d
    return e


def _tanh_slope(z):
    """(2 e^-s / (1 + e^-2s))^2; 1 - f^2 would be 0 from z = 19 on. (float64 only)"""
    h = np.exp(-np.abs(z))
    d = h * h
    d += 1.0
    h += h
    h /= d
    h *= h
    return h


def _softplus(z):
    f = np.log1p(np.exp(-np.abs(z)))
    f += np.maximum(z, 0.0)
    return f


_FAR = 1600.0  # e^(-_FAR / 2) is 0: nothing changes beyond, and infinity * 0 is kept away


def _softplus_family(z, beta):
    s = np.minimum(np.abs(z), _FAR / beta)
    return np.maximum(z, 0.0) + np.log1p(np.exp(-beta * s)) / beta


def _softplus_family_slope(z, beta):
    return _sigmoid(beta * np.minimum(np.maximum(z, -_FAR / beta), _FAR / beta))


def _elu(z, alpha):
    f = np.expm1(np.minimum(z, 0.0))
    f *= alpha
    f += np.maximum(z, 0.0)
    return f


def _elu_slope(z):
    return np.exp(np.minimum(z, 0.0))


def _elu_family_slope(z, alpha, scale=1.0):
    up = _step(z)
    h = np.exp(np.minimum(z, 0.0) * 0.5)
    return scale * up + (1.0 - up) * (scale * alpha * h) * h


# --- Kernels: ReLU and a tail; Mish (float64 only) --------------------------------------------


def _reflected(z, t):
    """t for z up to 0, 1 - t above; overwrites t."""
    up = _step(z)
    t *= 1.0 - 2.0 * up
    t += up
    return t


def _swish(z, beta):
    """max(z, 0) - s / (1 + e^(beta s))."""
    s = np.minimum(np.abs(z), _FAR / beta)
    h = np.exp(s * (-beta / 2.0))
    s *= h
    s /= 1.0 + h * h
    s *= h
    return np.maximum(z, 0.0) - s


def _swish_slope(z, beta):
    """t(s) = (1 - beta s / (1 + e^-beta s)) / (1 + e^(beta s)) for z < 0, else 1 - t(s)."""
    s = beta * np.minimum(np.abs(z), _FAR / beta)
    h = np.exp(s * -0.5)
    d = 1.0 + h * h
    t = (1.0 - s / d) * h / d * h
    return _reflected(z, t)


# Q(s) e^(s^2 / 2) = erfcx(s / sqrt 2) / 2 for s >= 0, Q the upper tail of the normal distribution:
# (1 + s) times it is smooth in u = (s - 5) / (s + 5), which runs from -1 to 1 (the idea of Shepherd
# & Laframboise 1981, Mathematics of Computation 36). The coefficients are ours: interpolated at 200
# Chebyshev points with mpmath (50 digits), cut off after degree 24, which leaves 1e-17, expanded in
# powers of u. tests/test_activations.py makes them again.
# fmt: off
_TAIL = (
    0.46151582985003775, -0.09155228183400904, 0.031030368425962847, 0.010002352385229382,
    -0.026401042966267253, 0.024536963243678652, -0.015170415403281224, 0.006522000667783896,
    -0.0016760723371645697, 7.791597409338999e-06, 0.00018233410307611755,
    -5.36075811148722e-05, -9.895946159334735e-06, 9.05982468125664e-06, -7.070628846317715e-08,
    -1.3074486019237587e-06, 1.284479710649634e-07, 1.9627809920091187e-07,
    -2.688202129280215e-08, -3.095201755804207e-08, 4.022493382168717e-09,
    4.4011596227599254e-09, -4.327297110082094e-10, -3.815816262632953e-10,
    2.5086998016985133e-11,
)
# fmt: on


def _scaled_tail(s):
    """Q(s) e^(s^2 / 2) for s >= 0, without overflow or cancellation."""
    u = (s - 5.0) / (s + 5.0)
    p = _TAIL[-1] * u
    for c in _TAIL[-2:0:-1]:
        p += c
        p *= u
    p += _TAIL[0]
    p /= 1.0 + s
    return p


def _gelu(z):
    """max(z, 0) - s Q(s)."""
    s = np.minimum(np.abs(z), 40)  # Q(40) is 0
    h = np.exp(s * s * -0.25)
    s *= _scaled_tail(s)
    s *= h
    s *= h
    return np.maximum(z, 0.0) - s


def _gelu_slope(z):
    """t(s) = Q(s) - s e^(-s^2 / 2) / sqrt(2 pi) for z < 0, else 1 - t(s)."""
    s = np.minimum(np.abs(z), 40)
    h = np.exp(s * s * -0.25)
    t = _scaled_tail(s)
    t -= s * _DENSITY_AT_0
    t *= h
    t *= h
    return _reflected(z, t)


def _mish_terms(z):
    """h = e^(min(z, 0) / 2), k = e^-max(z, 0) and d = m^2 + 2mk + 2k^2, m = h^2."""
    h = np.exp(np.minimum(z, 0.0) * 0.5)
    k = np.exp(-np.maximum(z, 0.0))
    m = h * h
    return h, k, m * (m + 2.0 * k) + 2.0 * k * k


def _mish(z):
    """z m (m + 2k) / d: tanh(ln(1 + x)) is (x^2 + 2x) / (x^2 + 2x + 2), here x = m / k."""
    z = np.maximum(z, -_FAR)
    h, k, d = _mish_terms(z)
    return z * h * (h * h + 2.0 * k) / d * h


def _mish_slope(z):
    """m / d (m + 2k + 4 z k^2 (m + k) / d)."""
    z = np.minimum(np.maximum(z, -_FAR), _FAR)
    h, k, d = _mish_terms(z)
    m = h * h
    return (m + 2.0 * k + 4.0 * z * (k * k) * (m + k) / d) * h / d * h


# --- Families ---------------------------------------------------------------------------------
# Equal parameters give the same record, so records compare equal and a gain is computed once.

_SHARPEST = 1e6


def leaky_relu(slope=0.01):
    """max(0, z) + slope min(0, z) for any finite slope: 0 is ReLU, 1 the identity, -1 |z|."""
    return _leaky_relu(real("slope", slope))


@functools.lru_cache(maxsize=256)
def _leaky_relu(slope):
    if slope == 0:  # 0 * infinity would be NaN
        f, native = _relu, "df"
    else:
        f, native = _at(_leaky, slope), "df" if 1e-30 < abs(slope) < 1e30 else "d"
    return _activation(
        "leaky_relu" if slope == 0.01 else f"leaky_relu({_text(slope)})",
        rf"\max(0, z) {_plus(slope)} \min(0, z)",
        _overflowing(f) if abs(slope) > 1 else f,
        _at(_kink, slope),
        (-math.inf if slope > 0 else 0.0, math.inf),
        "Maas, Hannun & Ng 2013, Rectifier Nonlinearities Improve Neural Network Acoustic Models, "
        "ICML Workshop on Deep Learning for Audio, Speech and Language Processing",
        native,
    )


def elu(alpha=1.0):
    """max(0, z) + alpha (e^min(0, z) - 1) for any finite alpha: 0 is ReLU, below 0 a fold."""
    return _elu_member(real("alpha", alpha))


@functools.lru_cache(maxsize=256)
def _elu_member(alpha):
    return _activation(
        "elu" if alpha == 1 else f"elu({_text(alpha)})",
        rf"\max(0, z) {_plus(alpha)} (e^{{\min(0, z)}} - 1)",
        _at(_elu, alpha),
        _elu_slope if alpha == 1 else _at(_elu_family_slope, alpha),
        (min(0.0, -alpha), math.inf),
        "Clevert, Unterthiner & Hochreiter 2016, Fast and Accurate Deep Network Learning by "
        "Exponential Linear Units (ELUs), ICLR, arXiv:1511.07289",
        "df" if alpha == 1 else "d",
    )


def softplus(beta=1.0):
    """ln(1 + e^(beta z)) / beta for beta from 1e-6 to 1e6: ReLU, rounded off over 1 / beta."""
    return _softplus_member(real("beta", beta, 1 / _SHARPEST, _SHARPEST))


@functools.lru_cache(maxsize=256)
def _softplus_member(beta):
    plain, b = beta == 1, _latex(beta)
    return _activation(
        "softplus" if plain else f"softplus({_text(beta)})",
        r"\ln(1 + e^z)" if plain else rf"\frac{{1}}{{{b}}} \ln(1 + e^{{{b} z}})",
        _softplus if plain else _at(_softplus_family, beta),
        _sigmoid if plain else _at(_softplus_family_slope, beta),
        (0.0, math.inf),
        "Dugas, Bengio, Belisle, Nadeau & Garcia 2001, Incorporating Second-Order Functional "
        "Knowledge for Better Option Pricing, NIPS 13",
        "df" if plain else "d",
    )


def swish(beta=1.0):
    """z / (1 + e^(-beta z)) for beta from 1e-6 to 1e6: z/2 at the one end, ReLU at the other."""
    return _swish_member(real("beta", beta, 1 / _SHARPEST, _SHARPEST))


@functools.lru_cache(maxsize=256)
def _swish_member(beta):
    return _activation(
        f"swish({_text(beta)})",
        rf"\frac{{z}}{{1 + e^{{-{_latex(beta)} z}}}}",
        _at(_swish, beta),
        _at(_swish_slope, beta),
        (_SILU_MINIMUM / beta, math.inf),
        "Ramachandran, Zoph & Le 2017, Searching for Activation Functions, arXiv:1710.05941",
        "d",
    )


def affine(a=1.0, c=0.0):
    """a z + c for any finite a and c: an activation that leaves every network affine."""
    return _affine_member(real("a", a), real("c", c))


@functools.lru_cache(maxsize=256)
def _affine_member(a, c):
    return _activation(
        f"affine({_text(a)}, {_text(c)})",
        rf"{_latex(a)} z {_plus(c)}",
        _overflowing(_at(_affine, a, c)),
        lambda z: a * _one(z),
        (-math.inf, math.inf) if a else (c, c),
        _NO_ACTIVATION,
        "d",
    )


def surrogate(forward, backward):
    """The values of `forward` with the slope of `backward`: a step, say, that gradients pass.

    forward, backward: records or names.
    """
    forward, backward = activation(forward), activation(backward)
    return Activation(
        f"surrogate({forward.name}, {backward.name})",
        forward.formula,
        forward.f,
        backward.df,
        forward.range,
        "Neftci, Mostafa & Zenke 2019, Surrogate Gradient Learning in Spiking Neural Networks, "
        "IEEE Signal Processing Magazine 36(6)",
        forward.parts,
    )


def mixed(*acts):
    """Several activations side by side: the units (last axis) in consecutive, near-equal parts.

    acts: one or more records or names. Units, not numbers, are what it works on: z has to have a
    last axis, and `gaussian_mean` wants the parts one by one. The gain is that of equal parts.
    """
    parts = tuple(activation(act) for act in acts)
    if not parts:
        raise ValueError("acts must be at least one activation, got none")
    return Activation(
        f"mixed({', '.join(part.name for part in parts)})",
        r" \;|\; ".join(part.formula for part in parts),
        _side_by_side([part.f for part in parts]),
        _side_by_side([part.df for part in parts]),
        (min(part.range[0] for part in parts), max(part.range[1] for part in parts)),
        "; ".join(dict.fromkeys(part.source for part in parts)),
        parts,
    )


def _side_by_side(functions):
    def apply(z):
        z = real_array("z", z)
        if z.ndim == 0:
            raise ValueError(f"z must have a last axis, the units of a layer, got the number {z}")
        ends = [z.shape[-1] * i // len(functions) for i in range(len(functions) + 1)]
        pairs = zip(functions, ends, ends[1:], strict=False)
        return np.concatenate([f(z[..., i:j]) for f, i, j in pairs], axis=-1)

    return apply


def record_of(name, value, mixed=False):
    """Return `value` if it is an Activation, the same for every unit unless `mixed` ones will do.

    Else TypeError or ValueError, in words.
    """
    if not isinstance(value, Activation):
        raise TypeError(f"{name} must be an Activation (with f and df), got {quoted(value)}")
    if value.parts and not mixed:
        raise ValueError(f"{name} must be the same for every unit, got {value.name}")
    return value


def with_own(own=None, mixed=False):
    """ACTIVATIONS by name; the learner's `own`, if there is one, comes first. As `record_of`."""
    if own is None:
        return ACTIVATIONS
    return {record_of("own", own, mixed).name: own, **ACTIVATIONS}


def own(f):
    """The record of a function that the learner has written, for arrays or for single numbers.

    f has to be finite from -10 to 10, and to treat every number on its own. Its slope is measured:
    to 1e-9 (1e-5 for |z| < 1e-6) where slope and curvature are about 1. Where the slopes on both
    sides differ the smaller one counts, so a jump has slope 0 (as in STEP); at 0 the left one does.
    A record is returned as it is, and so is the record of a name. TypeError and ValueError say what
    is wrong with f.
    """
    if isinstance(f, Activation | str):
        return activation(f)
    values_of(YOURS, f, np.linspace(-10, 10, 41))
    value = _at(_own_value, f)
    return _activation(YOURS, "f(z)", value, _at(_own_slope, f), _EVERYWHERE, YOURS, "d")


YOURS = "your function"
_EVERYWHERE = (-math.inf, math.inf)


def _own_value(z, f):
    return values_of(YOURS, f, z, infinite=True)[()]


def _own_slope(z, f):
    """(f(z + h) - f(z - h)) / 2h unless there is a kink between; never from both sides of 0."""
    z = np.where(z > 0, np.maximum(z, 1e-6), np.minimum(z, -1e-6))  # 0 counts as left
    h = np.minimum(6e-6 * np.maximum(1, abs(z)), abs(z) / 2)  # 6e-6: the cube root of eps
    with np.errstate(all="ignore"):
        below, here, above = values_of(YOURS, f, np.stack([z - h, z, z + h]), infinite=True)
        left, right = (here - below) / h, (above - here) / h
        kink = abs(right - left) > 0.01 * (1 + abs(left) + abs(right))
        smaller = np.where(abs(left) <= abs(right), left, right)
        slope = np.where(kink, smaller, (left + right) / 2)
    return np.where(np.isinf(here), np.inf, slope)[()]


def _text(number):
    return f"{number:.12g}"  # 0.3, where a slider gives 0.30000000000000004


def _latex(number):
    mantissa, _, exponent = _text(number).partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def _plus(number):
    return f"{'-' if number < 0 else '+'} {_latex(abs(number))}"


# --- Records ----------------------------------------------------------------------------------

_NO_ACTIVATION = "Goodfellow, Bengio & Courville 2016, Deep Learning, MIT Press, section 6.3.3"
_SILU_MINIMUM = -0.2784645427610738  # -W(1/e), at z = -1.27846
_LAMBDA, _ALPHA = 1.0507009873554805, 1.6732632423543772  # f keeps mean 0 and variance 1

IDENTITY = _activation("identity", "z", np.positive, _one, (-math.inf, math.inf), _NO_ACTIVATION)
STEP = _activation(
    "step",
    r"\mathbf{1}[z > 0]",
    _step,
    _zero,
    (0.0, 1.0),
    "McCulloch & Pitts 1943, A Logical Calculus of the Ideas Immanent in Nervous Activity, "
    "Bulletin of Mathematical Biophysics 5",
)
SIGMOID = _activation(
    "sigmoid",
    r"\frac{1}{1 + e^{-z}}",
    _sigmoid,
    _sigmoid_slope,
    (0.0, 1.0),
    "Rumelhart, Hinton & Williams 1986, Learning Representations by Back-Propagating Errors, "
    "Nature 323",
)
TANH = _activation(
    "tanh",
    r"\tanh(z)",
    np.tanh,
    _tanh_slope,
    (-1.0, 1.0),
    "LeCun, Bottou, Orr & Muller 1998, Efficient BackProp, section 4.4, in: Neural Networks: "
    "Tricks of the Trade, Springer",
    native_slope="d",
)
RELU = _activation(
    "relu",
    r"\max(0, z)",
    _relu,
    _step,
    (0.0, math.inf),
    "Nair & Hinton 2010, Rectified Linear Units Improve Restricted Boltzmann Machines, ICML",
)
ABS = _activation(
    "abs",
    "|z|",
    np.abs,
    _at(_kink, -1.0),
    (0.0, math.inf),
    "Jarrett, Kavukcuoglu, Ranzato & LeCun 2009, What Is the Best Multi-Stage Architecture for "
    "Object Recognition?, ICCV",
)
SOFTPLUS = softplus()
ELU = elu()
SELU = _activation(
    "selu",
    r"1.0507 \, (\max(0, z) + 1.67326 \, (e^{\min(0, z)} - 1))",
    _overflowing(lambda z: _LAMBDA * _elu(z, _ALPHA)),
    _at(_elu_family_slope, _ALPHA, _LAMBDA),
    (-_LAMBDA * _ALPHA, math.inf),
    "Klambauer, Unterthiner, Mayr & Hochreiter 2017, Self-Normalizing Neural Networks, NIPS 30, "
    "arXiv:1706.02515",
    "d",
)
GELU = _activation(
    "gelu",
    r"\frac{z}{2} (1 + \operatorname{erf}(\frac{z}{\sqrt{2}}))",
    _gelu,
    _gelu_slope,
    (-0.16997120747990366, math.inf),
    "Hendrycks & Gimpel 2016, Gaussian Error Linear Units (GELUs), arXiv:1606.08415",
    "d",
)
SILU = _activation(
    "silu",
    r"\frac{z}{1 + e^{-z}}",
    _at(_swish, 1.0),
    _at(_swish_slope, 1.0),
    (_SILU_MINIMUM, math.inf),
    "Elfwing, Uchibe & Doya 2018, Sigmoid-Weighted Linear Units for Neural Network Function "
    "Approximation in Reinforcement Learning, Neural Networks 107",
    "d",
)
MISH = _activation(
    "mish",
    r"z \tanh(\ln(1 + e^z))",
    _mish,
    _mish_slope,
    (-0.30884341301725043, math.inf),
    "Misra 2020, Mish: A Self Regularized Non-Monotonic Activation Function, BMVC, "
    "arXiv:1908.08681",
    "d",
)

_RECORDS = (
    [IDENTITY, STEP, SIGMOID, TANH, RELU, leaky_relu(), ABS]
    + [SOFTPLUS, ELU, SELU, GELU, SILU, MISH]
)  # fmt: skip
ACTIVATIONS = {act.name: act for act in _RECORDS}


def activation(name_or_record):
    """Return the record of that name, or the record itself; ValueError lists the valid names."""
    if isinstance(name_or_record, Activation):
        return name_or_record
    return ACTIVATIONS[one_of("activation", name_or_record, ACTIVATIONS)]
