r"""Activation functions: formula, value, derivative, gain and source, each in one record.

Conventions of all lessons: `df` is handed the PRE-activation z, not f(z), and where f has a kink
the derivative is the slope on the left, so ReLU'(0) = 0.

Most kernels rest on one identity: e^z = m / k with m = e^min(z, 0) and k = e^-max(z, 0), both in
[0, 1]. Nothing can overflow, no branch is needed, and the sigmoid is m / (m + k).
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from helpers.checks import one_of, real, real_array

MOST = 1e6  # largest sharpness beta of softplus and swish; its inverse is the smallest


@dataclass(frozen=True)
class Activation:
    """An activation function and its facts.

    name: as in ACTIVATIONS, families with their parameter: 'leaky_relu(0.2)'.
    formula: f(z) in LaTeX.
    f, df: value and derivative at the pre-activation z, elementwise. Array-likes of real numbers:
        float16, float32 and float64 keep their type, integers and truth values become float64,
        a scalar gives a scalar. Text, None, objects, complex numbers and masked arrays are a
        TypeError. NaN gives NaN; nothing else does, and no input gives a warning.
    range: (low, high), the closure of the values of f.
    source: author, year, title, where.
    parts: the activations of a `mixed` one, empty otherwise.
    """

    name: str
    formula: str
    f: Callable = field(repr=False)
    df: Callable = field(repr=False)
    range: tuple = (-math.inf, math.inf)
    source: str = ""
    parts: tuple = field(default=(), repr=False)

    def __call__(self, z):
        return self.f(z)

    @functools.cached_property
    def gain(self):
        """The g with g^2 E f(z)^2 = 1 for z standard normal (sqrt 2 for ReLU)."""
        parts = self.parts or (self,)
        second_moment = sum(_second_moment(act.f) for act in parts) / len(parts)
        if not 0 < second_moment < math.inf:
            raise ValueError(
                f"{self.name} has no gain: E f(z)^2 must be a number above 0, got {second_moment}"
            )
        return 1 / math.sqrt(second_moment)


def gaussian_mean(f, variance=1.0):
    """Return E f(sqrt(variance) z) for z standard normal.

    f: elementwise function of an array; it sees one of shape (*variance.shape, 128).
    variance: number or array, finite and not negative. A float for a number, else an array.

    Gauss-Legendre with 64 nodes on each of [-10, 0] and [0, 10]: a kink at 0 falls between the
    halves. (Gauss-Hermite puts a node on the kink or straddles it: errors of several decades after
    50 layers.)
    """
    variance = real_array("variance", variance)
    if not np.all((variance >= 0) & (variance < np.inf)):
        raise ValueError(f"variance must be finite and at least 0, got {variance}")
    nodes, weights = _gauss_rule()
    mean = f(np.sqrt(variance)[..., None] * nodes) @ weights
    return float(mean) if mean.ndim == 0 else mean


@functools.cache
def _gauss_rule():
    x, w = np.polynomial.legendre.leggauss(64)
    nodes = np.concatenate([5 * x - 5, 5 * x + 5])
    density = np.exp(-nodes * nodes / 2) / math.sqrt(2 * math.pi)
    return nodes, 5 * np.concatenate([w, w]) * density


def _second_moment(f):
    with np.errstate(over="ignore"):
        return gaussian_mean(lambda z: np.square(f(z)))


# ---------------------------------------------------------------- guard


def _guarded(kernel):
    """Wrap a kernel for float32 and float64 arrays so that it takes any real array-like."""

    @functools.wraps(kernel)
    def guarded(z):
        if type(z) is np.ndarray and z.dtype.char in "df":  # the inner loops of training
            return kernel(z)
        z = real_array("z", z)
        if z.dtype == np.float16:
            with np.errstate(over="ignore"):
                return kernel(z.astype(np.float32)).astype(np.float16)
        return kernel(z if z.dtype.char in "df" else z.astype(np.float64))

    return guarded


def _activation(name, formula, f, df, range, source):
    return Activation(name, formula, _guarded(f), _guarded(df), range, source)


# ---------------------------------------------------------------- kernels


def _identity(z):
    return +z


def _one(z):
    return np.heaviside(np.abs(z), 1.0)


def _step(z):
    return np.sign(np.maximum(z, 0))


def _zero(z):
    return np.minimum(np.abs(z), 0)


def _relu(z):
    return np.maximum(z, 0)


def _abs_slope(z):
    return 2 * _step(z) - 1


def _sigmoid(z):
    return np.exp(np.minimum(z, 0)) / (1 + np.exp(-np.abs(z)))


def _sigmoid_slope(z):
    h = np.exp(np.abs(z) * -0.5)
    h = h / (1 + h * h)
    return h * h


def _tanh_slope(z):
    h = np.exp(-np.abs(z))
    h = 2 * h / (1 + h * h)
    return h * h


def _leaky(z, slope):
    return np.maximum(z, 0) + slope * np.minimum(z, 0)


def _leaky_slope(z, slope):
    up = _step(z)
    return up + slope * (1 - up)


def _softplus(z, beta):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.minimum(beta * np.abs(z), 1e4))) / beta


def _softplus_slope(z, beta):
    return _sigmoid(np.minimum(np.maximum(z, -1e4 / beta), 1e4 / beta) * beta)


def _elu(z, alpha):
    return np.maximum(z, 0) + alpha * np.expm1(np.minimum(z, 0))


def _elu_slope(z, alpha):
    up = _step(z)
    return up + alpha * (1 - up) * np.exp(np.minimum(z, 0))


def _swish(z, beta):
    x = np.maximum(z, -1e4 / beta)
    return x * _sigmoid(np.minimum(x, 1e4 / beta) * beta)


def _swish_slope(z, beta):
    x = beta * np.minimum(np.maximum(z, -1e4 / beta), 1e4 / beta)
    s = _sigmoid(x)
    return s * (1 + x * _sigmoid(-x))


def _mish(z):
    z = np.maximum(z, -1e4)
    m = np.exp(np.minimum(z, 0))
    k = np.exp(-np.maximum(z, 0))
    n = m * (m + 2 * k)
    return z * n / (n + 2 * k * k)


def _mish_slope(z):
    z = np.minimum(np.maximum(z, -1e4), 1e4)
    m = np.exp(np.minimum(z, 0))
    k = np.exp(-np.maximum(z, 0))
    d = m * m + 2 * k * m + 2 * k * k
    return m / d * (m + 2 * k + 4 * z * k * k * (m + k) / d)


# (1 + s) Q(s) / phi(s) as a polynomial in u = (s - 5) / (s + 5), lowest power first
_MILLS = (
    1.1568486282918946, -0.22948753825211315, 0.07778159886873554, 0.0250721793016388,
    -0.0661776007789934, 0.0615050458401865, -0.038026592187762366, 0.01634823128102938,
    -0.004201290310663574, 1.9530638370790786e-05, 0.00045704381820007954,
    -0.0001343742785571135, -2.48054584472145e-05, 2.270961270923768e-05,
    -1.7723438185601556e-07, -3.277287633208865e-06, 3.2197131609042185e-07,
    4.91996233147834e-07, -6.738323465177047e-08, -7.758520236786343e-08,
    1.0082895646260188e-08, 1.1032071151574336e-08, -1.0846925288860795e-09,
    -9.564832934712551e-10, 6.288377855498677e-11,
)


def _mills(s):
    """Return Q(s) / phi(s): the normal distribution's upper tail over its density, s >= 0."""
    u = (s - 5) / (s + 5)
    p = _MILLS[-1] * u
    for c in _MILLS[-2:0:-1]:
        p += c
        p *= u
    return (p + _MILLS[0]) / (1 + s)


_ROOT_2PI = math.sqrt(2 * math.pi)


def _gelu(z):
    s = np.minimum(np.abs(z), 50)
    e = np.exp(s * s * -0.25)
    return np.maximum(z, 0) - e * (s * _mills(s) / _ROOT_2PI) * e


def _gelu_slope(z):
    s = np.minimum(np.abs(z), 50)
    e = np.exp(s * s * -0.25)
    t = e * ((_mills(s) - s) / _ROOT_2PI) * e
    up = _step(z)
    return up + (1 - 2 * up) * t


# ---------------------------------------------------------------- families


def _with(kernel, parameter):
    return lambda z: kernel(z, parameter)


def leaky_relu(slope=0.01):
    """max(0, z) + slope min(0, z) for any finite slope: 0 is ReLU, 1 the identity, -1 |z|."""
    return _leaky_relu(real("slope", slope))


@functools.lru_cache(maxsize=256)
def _leaky_relu(slope):
    name = "leaky_relu" if slope == 0.01 else f"leaky_relu({slope:g})"
    return _activation(
        name, rf"\max(0, z) {slope:+g} \min(0, z)",
        _with(_leaky, slope), _with(_leaky_slope, slope),
        (0 if slope <= 0 else -math.inf, math.inf),
        "Maas, Hannun & Ng 2013, Rectifier Nonlinearities Improve Neural Network Acoustic Models, "
        "ICML workshop WDLASL",
    )


def elu(alpha=1.0):
    """max(0, z) + alpha (e^min(0, z) - 1) for any finite alpha."""
    return _elu_record(real("alpha", alpha))


@functools.lru_cache(maxsize=256)
def _elu_record(alpha):
    name = "elu" if alpha == 1 else f"elu({alpha:g})"
    return _activation(
        name, rf"\max(0, z) {alpha:+g} (e^{{\min(0, z)}} - 1)",
        _with(_elu, alpha), _with(_elu_slope, alpha), (min(0.0, -alpha), math.inf),
        "Clevert, Unterthiner & Hochreiter 2016, Fast and Accurate Deep Network Learning by "
        "Exponential Linear Units, ICLR",
    )


def softplus(beta=1.0):
    """ln(1 + e^(beta z)) / beta, beta from 1e-6 to 1e6; tends to ReLU as beta grows."""
    return _softplus_record(real("beta", beta, 1 / MOST, MOST))


@functools.lru_cache(maxsize=256)
def _softplus_record(beta):
    name = "softplus" if beta == 1 else f"softplus({beta:g})"
    return _activation(
        name, rf"\frac{{1}}{{{beta:g}}} \ln(1 + e^{{{beta:g} z}})",
        _with(_softplus, beta), _with(_softplus_slope, beta), (0.0, math.inf),
        "Dugas et al. 2001, Incorporating Second-Order Functional Knowledge for Better Option "
        "Pricing, NIPS 13",
    )


def swish(beta=1.0):
    """z sigmoid(beta z), beta from 1e-6 to 1e6."""
    return _swish_record(real("beta", beta, 1 / MOST, MOST))


@functools.lru_cache(maxsize=256)
def _swish_record(beta):
    return _activation(
        f"swish({beta:g})", rf"\frac{{z}}{{1 + e^{{-{beta:g} z}}}}",
        _with(_swish, beta), _with(_swish_slope, beta), (-0.27846454276107379 / beta, math.inf),
        "Ramachandran, Zoph & Le 2017, Searching for Activation Functions, arXiv:1710.05941",
    )


def affine(a=1.0, c=0.0):
    """a z + c for any finite a and c: what remains of a deep net without a non-linearity."""
    return _affine_record(real("a", a), real("c", c))


@functools.lru_cache(maxsize=256)
def _affine_record(a, c):
    return _activation(
        f"affine({a:g}, {c:g})", rf"{a:g} z {c:+g}",
        lambda z: a * z + c, lambda z: a * _one(z),
        (-math.inf, math.inf) if a else (c, c), "definition",
    )


def surrogate(forward, backward):
    """The values of `forward` with the derivative of `backward`, such as a step that can learn."""
    forward, backward = activation(forward), activation(backward)
    return Activation(
        f"surrogate({forward.name}, {backward.name})", forward.formula,
        forward.f, backward.df, forward.range,
        "Neftci, Mostafa & Zenke 2019, Surrogate Gradient Learning in Spiking Neural Networks, "
        "IEEE Signal Processing Magazine 36(6)",
    )


def mixed(*acts):
    """Several activations in one layer: the units (last axis) in consecutive, near-equal parts."""
    parts = tuple(activation(act) for act in acts)
    if not parts:
        raise ValueError("mixed must be given at least one activation, got none")
    return Activation(
        f"mixed({', '.join(act.name for act in parts)})",
        r"\;|\;".join(act.formula for act in parts),
        _by_part([act.f for act in parts]), _by_part([act.df for act in parts]),
        (min(act.range[0] for act in parts), max(act.range[1] for act in parts)),
        "; ".join(dict.fromkeys(act.source for act in parts)), parts,
    )


def _by_part(functions):
    def apply(z):
        z = np.atleast_1d(real_array("z", z))
        pieces = np.array_split(z, len(functions), axis=-1)
        return np.concatenate([f(p) for f, p in zip(functions, pieces, strict=True)], axis=-1)

    return apply


# ---------------------------------------------------------------- records

IDENTITY = _activation(
    "identity", "z", _identity, _one, (-math.inf, math.inf),
    "definition",
)
STEP = _activation(
    "step", r"\mathbf{1}[z > 0]", _step, _zero, (0.0, 1.0),
    "McCulloch & Pitts 1943, A Logical Calculus of the Ideas Immanent in Nervous Activity, "
    "Bulletin of Mathematical Biophysics 5",
)
SIGMOID = _activation(
    "sigmoid", r"\frac{1}{1 + e^{-z}}", _sigmoid, _sigmoid_slope, (0.0, 1.0),
    "Rumelhart, Hinton & Williams 1986, Learning Representations by Back-Propagating Errors, "
    "Nature 323",
)
TANH = _activation(
    "tanh", r"\tanh(z)", np.tanh, _tanh_slope, (-1.0, 1.0),
    "LeCun, Bottou, Orr & Mueller 1998, Efficient BackProp, section 4.4",
)
RELU = _activation(
    "relu", r"\max(0, z)", _relu, _step, (0.0, math.inf),
    "Nair & Hinton 2010, Rectified Linear Units Improve Restricted Boltzmann Machines, ICML",
)
ABS = _activation(
    "abs", "|z|", np.abs, _abs_slope, (0.0, math.inf),
    "Jarrett, Kavukcuoglu, Ranzato & LeCun 2009, What Is the Best Multi-Stage Architecture for "
    "Object Recognition?, ICCV",
)
SOFTPLUS = softplus()
ELU = elu()
_LAMBDA, _ALPHA = 1.0507009873554805, 1.6732632423543772
SELU = _activation(
    "selu", r"1.0507009873554805 (\max(0, z) + 1.6732632423543772 (e^{\min(0, z)} - 1))",
    lambda z: _LAMBDA * _elu(z, _ALPHA), lambda z: _LAMBDA * _elu_slope(z, _ALPHA),
    (-_LAMBDA * _ALPHA, math.inf),
    "Klambauer, Unterthiner, Mayr & Hochreiter 2017, Self-Normalizing Neural Networks, NIPS 30",
)
GELU = _activation(
    "gelu", r"\frac{z}{2} (1 + \operatorname{erf}(\frac{z}{\sqrt{2}}))", _gelu, _gelu_slope,
    (-0.16997120747990369, math.inf),
    "Hendrycks & Gimpel 2016, Gaussian Error Linear Units, arXiv:1606.08415",
)
SILU = _activation(
    "silu", r"\frac{z}{1 + e^{-z}}", _with(_swish, 1.0), _with(_swish_slope, 1.0),
    (-0.27846454276107379, math.inf),
    "Elfwing, Uchibe & Doya 2018, Sigmoid-Weighted Linear Units for Neural Network Function "
    "Approximation in Reinforcement Learning, Neural Networks 107",
)
MISH = _activation(
    "mish", r"z \tanh(\ln(1 + e^z))", _mish, _mish_slope, (-0.30884319047440446, math.inf),
    "Misra 2020, Mish: A Self Regularized Non-Monotonic Activation Function, BMVC",
)

ACTIVATIONS = {
    act.name: act
    for act in (
        IDENTITY, STEP, SIGMOID, TANH, RELU, leaky_relu(), ABS, SOFTPLUS, ELU, SELU, GELU, SILU,
        MISH,
    )
}


def activation(name_or_record):
    """Return the record itself, or the one of that name; ValueError with the valid names."""
    if isinstance(name_or_record, Activation):
        return name_or_record
    return ACTIVATIONS[one_of("activation", name_or_record, ACTIVATIONS)]
