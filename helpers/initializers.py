"""Ways to draw the first weights of a layer.

A scheme draws W with shape (*lead, fan_in, fan_out), every entry independent except for
`orthogonal`, and says which standard deviation its entries have. `gain` multiplies every draw.
Weights are drawn in float64 and then rounded, so one seed gives the same net in every precision.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from helpers import checks


@dataclass(frozen=True)
class Scheme:
    """A way to draw weights.

    name     key in SCHEMES
    formula  LaTeX for the entries, n = fan_in, m = fan_out, g = gain
    source   where it comes from
    entries  (rng, shape) -> an array of that shape for gain 1
    std      (fan_in, fan_out) -> standard deviation of an entry for gain 1
    """

    name: str
    formula: str
    source: str
    entries: Callable
    std: Callable

    def draw(self, rng, shape, gain=1.0, dtype=np.float64):
        """Weights of shape (*lead, fan_in, fan_out), times `gain` (any finite number from 0)."""
        rng = checks.generator("rng", rng)
        gain = checks.real("gain", gain, 0)
        return (gain * self.entries(rng, _weight_shape(shape))).astype(_float_type(dtype))


def std(name_or_scheme, fan_in, fan_out, gain=1.0):
    """Standard deviation of one weight: 0 for the schemes that draw nothing (zeros, constant)."""
    fan_in, fan_out = checks.whole("fan_in", fan_in, 1), checks.whole("fan_out", fan_out, 1)
    return checks.real("gain", gain, 0) * scheme(name_or_scheme).std(fan_in, fan_out)


def scheme(name_or_scheme):
    """The scheme of that name (a scheme is returned as it is)."""
    if isinstance(name_or_scheme, Scheme):
        return name_or_scheme
    return SCHEMES[checks.one_of("scheme", name_or_scheme, tuple(SCHEMES))]


def _weight_shape(shape):
    shape = tuple(shape)
    if len(shape) < 2:
        raise ValueError(f"shape must be (*lead, fan_in, fan_out), got {shape}")
    return tuple(checks.whole("every entry of shape", n, 1) for n in shape)


def _float_type(dtype):
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"dtype must be a floating type such as float64 or float32, got {dtype}")
    return dtype


def _normal(name, formula, source, std):
    def entries(rng, shape):
        return std(*shape[-2:]) * rng.standard_normal(shape)

    return Scheme(name, formula, source, entries, std)


def _uniform(rng, shape):
    limit = 1 / math.sqrt(shape[-2])
    return rng.uniform(-limit, limit, shape)


def _orthogonal(rng, shape):
    """Orthonormal columns (or rows, if the layer widens), every direction equally likely."""
    *lead, fan_in, fan_out = shape
    tall = rng.standard_normal((*lead, max(fan_in, fan_out), min(fan_in, fan_out)))
    Q, R = np.linalg.qr(tall)
    # QR leaves the signs to the algorithm; a positive diagonal of R makes Q uniform (Mezzadri).
    Q = Q * np.copysign(1.0, np.diagonal(R, axis1=-2, axis2=-1))[..., None, :]
    return Q if fan_in >= fan_out else Q.swapaxes(-1, -2)


def _inverse_root(fan_in, fan_out):
    return 1 / math.sqrt(fan_in)


ZEROS = Scheme(
    "zeros",
    r"0",
    "the start that never breaks the symmetry between units",
    lambda rng, shape: np.zeros(shape),
    lambda fan_in, fan_out: 0.0,
)
CONSTANT = Scheme(
    "constant",
    r"g / n",
    "every unit alike: each starts as the mean of its inputs and stays like the others",
    lambda rng, shape: np.full(shape, 1 / shape[-2]),
    lambda fan_in, fan_out: 0.0,
)
UNIFORM = Scheme(
    "uniform",
    r"U(-g/\sqrt{n},\ g/\sqrt{n})",
    "the older custom that Glorot & Bengio (2010) start from; variance 1/(3n)",
    _uniform,
    lambda fan_in, fan_out: 1 / math.sqrt(3 * fan_in),
)
NORMAL = _normal(
    "normal",
    r"N(0,\ g^2)",
    "unit variance whatever the width",
    lambda fan_in, fan_out: 1.0,
)
LECUN = _normal(
    "lecun",
    r"N(0,\ g^2/n)",
    "LeCun, Bottou, Orr & Mueller (1998), Efficient BackProp",
    _inverse_root,
)
XAVIER = _normal(
    "xavier",
    r"N(0,\ 2 g^2/(n + m))",
    "Glorot & Bengio (2010), Understanding the difficulty of training deep feedforward networks",
    lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)),
)
HE = _normal(
    "he",
    r"N(0,\ 2 g^2/n)",
    "He, Zhang, Ren & Sun (2015), Delving deep into rectifiers, arXiv:1502.01852",
    lambda fan_in, fan_out: math.sqrt(2 / fan_in),
)
ORTHOGONAL = Scheme(
    "orthogonal",
    r"g\,Q,\ Q^T Q = I \text{ or } Q Q^T = I",
    "Saxe, McClelland & Ganguli (2014), arXiv:1312.6120; Mezzadri (2007), arXiv:math-ph/0609050",
    _orthogonal,
    lambda fan_in, fan_out: 1 / math.sqrt(max(fan_in, fan_out)),
)
MATCHED = _normal(
    "matched",
    r"N(0,\ g^2/n),\ g^2\, E f(z)^2 = 1 \text{ for the activation f that feeds the layer}",
    "He et al. (2015) for any activation, by its second moment; g = 1 at the first layer",
    _inverse_root,
)

SCHEMES: dict[str, Scheme] = {
    s.name: s
    for s in (ZEROS, CONSTANT, UNIFORM, NORMAL, LECUN, XAVIER, HE, ORTHOGONAL, MATCHED)
}
