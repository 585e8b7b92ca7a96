r"""What the papers predict for depth and the scale of the first weights.

Wide nets at the start: W has entries of standard deviation sigma_w / sqrt(fan_in), b of standard
deviation sigma_b. Then the pre-activations z of a layer are nearly Gaussian with mean 0, and one
number per layer says how the signal fares: q = E z^2, the second moment (not the variance of the
activations: their mean counts too). What happens to q, to the correlation c of two inputs and to
the gradient is decided by Gaussian means of f and f'. The last sections leave the wide limit:
exact statements about ReLU nets of finite width, singular values, batch normalisation, and one
change of clothes between sigmoid and tanh.

Conventions as everywhere: X (batch, features), W (fan_in, fan_out), b (1, fan_out), z = a @ W + b.
`act` is a record or a name of `helpers.activations`, also a learner's own record.

Second moments are kept between SMALLEST and LARGEST: what leaves this range is held at its end, so
there is no NaN, and `Signal.diverged` says where it happened. Gradients are kept as logarithms.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from helpers import checks
from helpers.activations import TANH, Activation, activation

SMALLEST, LARGEST = 1e-300, 1e300  # second moments are kept between these two

# ---------------------------------------------------------------- Gaussian means


class Moments(NamedTuple):
    """E f(sqrt(q) z)^2 and E f'(sqrt(q) z)^2 for z standard normal; numbers or arrays like q."""

    value: np.ndarray
    slope: np.ndarray


def moments(act, q):
    """The two Gaussian means that decide about depth, at second moments q of the pre-activations.

    For max(z, 0) + a min(z, 0) they are (1 + a^2) / 2 times q and times 1 (He et al. 2015,
    arXiv:1502.01852). For everything else Gauss-Legendre with 128 nodes on either side of 0, where
    the kinks are, and the nodes drawn together towards 0 (z = 10 u^3): after many layers q may be
    1e30, and all that f does away from its asymptotes then happens for tiny z.

    q >= 0, a number or an array; it is clipped to [SMALLEST, LARGEST]. A `mixed` activation counts
    with equal parts. ValueError if f or f' gives NaN.
    """
    act, q = activation(act), np.clip(_not_negative("q", q), SMALLEST, LARGEST)
    slopes = slopes_of(act)
    if slopes:
        half = np.square(slopes).sum() / 2
        return Moments(_plain(half * q), _plain(np.full_like(q, half)))
    return Moments(_mean(act, act.f, q, 2), _mean(act, act.df, q, 2))


def slopes_of(act):
    """(left, right) if act is left * z below 0 and right * z above, backwards too; else None.

    Found by trying, at the nodes of the quadrature and 1000 times nearer and farther, so that a
    learner's own max(z, 0.1 z) counts, and a ReLU with a foreign derivative does not.
    """
    act = activation(act)
    if act.parts:
        return None
    with np.errstate(all="ignore"):
        left, right = (0.0, 0.0) + np.array([-1.0, 1.0]) * act.f(np.array([-1.0, 1.0]))
        z = np.multiply.outer([1e-3, 1.0, 1e3], _rule()[0])
        df = np.where(z > 0, right, left)
        same = np.allclose(act.f(z), df * z, 1e-14, 0) and np.allclose(act.df(z), df, 1e-14, 0)
    return (float(left), float(right)) if same else None


def _mean(act, function, q, power):
    """E function(sqrt(q) z)^power, like q; over the units as well if act is mixed."""
    z, weights = _rule()
    u = np.sqrt(q)[..., None] * z
    with np.errstate(all="ignore"):  # a learner's function may overflow: infinity is an answer
        mean = (_units(act, function, u) ** power).mean(-1) @ weights
    return _plain(_no_nan(act, mean))


def _units(act, function, u):
    """function(u) with a last axis of units: one unit, or one per part of a mixed activation."""
    return function(np.repeat(u[..., None], max(1, len(act.parts)), -1))


def _no_nan(act, mean):
    if np.isnan(mean).any():
        raise ValueError(f"{act.name} must give numbers wherever a unit may be, but it gives NaN")
    return mean


@functools.cache
def _rule(count=128):
    """Nodes and weights for the mean of a function of a standard normal number."""
    u, weights = _unit_rule(count)
    z = 10 * u**3
    weights = weights * 30 * u**2 * _density(z)  # beyond 10 lies a mass of 2e-23
    return np.concatenate([-z[::-1], z]), np.concatenate([weights[::-1], weights])


@functools.cache
def _unit_rule(count):
    x, weights = np.polynomial.legendre.leggauss(count)
    return (x + 1) / 2, weights / 2


def _density(z):
    return np.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _not_negative(name, array):
    array = checks.finite(name, array).astype(float)
    if (array < 0).any():
        raise ValueError(f"{name} must be at least 0, got {array.min():g}")
    return array


def _plain(array):
    return array if np.ndim(array) else float(array)


# ---------------------------------------------------------------- second moment and gradient


def second_moment_map(act, q, sigma_w, sigma_b):
    """The second moment one layer on: sigma_w^2 E f(sqrt(q) z)^2 + sigma_b^2.

    q, sigma_w, sigma_b >= 0, numbers or arrays that broadcast.
    Source: Poole, Lahiri, Raghu, Sohl-Dickstein & Ganguli, Exponential expressivity in deep neural
    networks through transient chaos (NIPS 2016, arXiv:1606.05340), eq. 3.
    """
    weight, bias = _variances(sigma_w, sigma_b)
    with np.errstate(over="ignore"):
        return _plain(np.minimum(weight * moments(act, q).value + bias, LARGEST))


def chi_1(act, sigma_w, q):
    """sigma_w^2 E f'(sqrt(q) z)^2: factor of the squared gradient from a layer to the one before.

    It is also the factor by which two nearly equal inputs come nearer (below 1: order) or part
    (above 1: chaos). The norm of the gradient goes with its square root.
    q >= 0 (usually `fixed_point`, infinity allowed) and sigma_w >= 0, numbers or arrays.
    Source: Schoenholz, Gilmer, Ganguli & Sohl-Dickstein, Deep information propagation (ICLR 2017,
    arXiv:1611.01232).
    """
    weight, _ = _variances(sigma_w, 0.0)
    q = np.minimum(checks.real_array("q", q), LARGEST)
    return _plain(weight * moments(act, q).slope)


def _variances(sigma_w, sigma_b):
    sigmas = _not_negative("sigma_w", sigma_w), _not_negative("sigma_b", sigma_b)
    for name, sigma in zip(("sigma_w", "sigma_b"), sigmas, strict=True):
        if (sigma > 1e100).any():
            raise ValueError(f"{name} must be at most 1e100, got {sigma.max():g}")
    return tuple(sigma**2 for sigma in sigmas)


class Signal(NamedTuple):
    """Forward and backward through a deep wide net, for a whole grid of settings at once."""

    second_moment: np.ndarray  # (*grid, depth): E z^2 in every layer, in [SMALLEST, LARGEST]
    log10_factor: np.ndarray  # (*grid, depth - 1): of the gradient norm, layer k+1 to layer k
    diverged: np.ndarray  # (*grid,): first layer, counted from 0, that is held at LARGEST, or -1

    @property
    def log10_gradient(self):
        """(*grid, depth): log10 of |d loss / d z| in every layer over that in the last one."""
        backwards = np.cumsum(self.log10_factor[..., ::-1], axis=-1)[..., ::-1]
        return np.concatenate([backwards, np.zeros((*backwards.shape[:-1], 1))], axis=-1)


def signal(act, sigma_w, sigma_b, depth, inputs=1.0):
    """Second moment, and factor of the gradient norm, in each of `depth` layers.

    The first layer has q = sigma_w^2 * inputs + sigma_b^2, every other `second_moment_map` of the
    one before. The norm of d loss / d z grows from layer k + 1 to layer k by sqrt(chi_1(q_k)), kept
    as its log10 (a gradient of 1e-400 is no number, -400 is). -inf only where the gradient is
    exactly 0: sigma_w = 0, or a step (or a saturating f at q above 1e12, all units at the far end).

    sigma_w, sigma_b >= 0, numbers or arrays that broadcast to the grid; depth 1 to 1000; inputs:
    mean of X^2. Errors below 1e-11 decades after 50 layers (sigma_w to 3, tanh, sigmoid, ReLU).
    """
    weight, bias = np.broadcast_arrays(*_variances(sigma_w, sigma_b))
    grid, weight, bias = weight.shape, weight.ravel(), bias.ravel()
    inputs, log_moments = checks.real("inputs", inputs, 0), _log_moments(act)
    first, steps = _held(weight, inputs, bias), checks.whole("depth", depth, 1, 1000) - 1
    through = _through_one if len(weight) == 1 else _through
    layers, slopes = through(log_moments, weight, bias, first, steps)
    slopes = np.reshape(slopes, (steps, len(weight)))
    slopes = np.where(slopes < _NO_SLOPE, -np.inf, slopes)
    with np.errstate(divide="ignore"):
        factors = (np.log10(weight) + slopes / math.log(10)) / 2
    return _as_signal(np.reshape(layers, (-1, len(weight))), factors, grid)


_NO_SLOPE = math.log(SMALLEST) + 1e-6


def _through(log_moments, weight, bias, q, steps):
    """q of all layers, and log E f'^2 of all but the last, from q (settings,) of the first."""
    layers, slopes = [q], []
    for _ in range(steps):
        growth, slope = log_moments(layers[-1])
        layers.append(_held(weight * np.exp(growth), layers[-1], bias))
        slopes.append(slope)
    return layers, slopes


def _through_one(log_moments, weight, bias, q, steps):
    """The same for one setting, ten times faster: no arrays."""
    (weight,), (bias,), (q,) = weight.tolist(), bias.tolist(), q.tolist()
    layers, slopes = [q], []
    for _ in range(steps):
        growth, slope = log_moments.at(q)
        q = min(max(weight * math.exp(growth) * q + bias, SMALLEST), LARGEST)
        layers.append(q)
        slopes.append(slope)
    return layers, slopes


def _held(factor, q, bias):
    with np.errstate(over="ignore"):
        return np.clip(factor * q + bias, SMALLEST, LARGEST)


def _as_signal(layers, factors, grid):
    held = layers >= LARGEST
    first = np.where(held.any(0), held.argmax(0), -1)
    layers, factors = (array.T.reshape(*grid, len(array)) for array in (layers, factors))
    return Signal(layers, factors, first.reshape(grid))


def _log_moments(act):
    """log(E f^2 / q) and log E f'^2, fast: called for an array of q, and `at` for one number."""
    slopes = slopes_of(act)
    return _Constant(slopes) if slopes else _table(activation(act))


class _Constant:
    """log(E f^2 / q) and log E f'^2 of a leaky ReLU: the same number for both and for every q."""

    def __init__(self, slopes):
        self.log = math.log(np.clip(np.square(slopes).sum() / 2, SMALLEST, LARGEST))

    def __call__(self, q):
        return np.full((2, *q.shape), self.log)

    def at(self, _):
        return self.log, self.log


_NODES = 18  # per octave: interpolation then adds no more than rounding


@functools.lru_cache(maxsize=32)
def _table(act):
    return _Table(act)


class _Table:
    """log(E f^2 / q) and log E f'^2 as functions of q, learned octave by octave when asked for.

    Both are smooth functions of one number, q, whatever sigma_w and sigma_b are: a few octaves
    serve the whole phase diagram, where the quadrature itself would cost 128 values of f and of f'
    per setting and layer. Polynomials through Chebyshev points of the mantissa of q.
    """

    def __init__(self, act):
        self.act = act
        self.coefficients = np.zeros((2048, 2, _NODES))
        self.known = np.zeros(2048, bool)
        self.rows = {}  # octave -> its coefficients as two lists, for `at`

    def __call__(self, q):
        """(2, settings) for q (settings,)."""
        mantissa, exponent = np.frexp(q)
        octave = exponent + 1024
        self._learn(np.unique(octave[~self.known[octave]]))
        basis = _chebyshev(4 * mantissa - 3)  # the mantissa is in [1/2, 1)
        return np.einsum("...k,...mk->m...", basis, self.coefficients[octave])

    def at(self, q):
        """The two numbers for one number q, ten times faster than for an array of one."""
        mantissa, exponent = math.frexp(q)
        value, slope = self.rows.get(exponent) or self._row(exponent)
        x = 4 * mantissa - 3
        return clenshaw(value, x), clenshaw(slope, x)

    def _row(self, exponent):
        octave = exponent + 1024
        if not self.known[octave]:
            self._learn(np.array([octave]))
        self.rows[exponent] = self.coefficients[octave].tolist()
        return self.rows[exponent]

    def _learn(self, octaves):
        if not len(octaves):
            return
        x = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
        q = np.ldexp((x + 3) / 4, octaves[:, None] - 1024)
        value, slope = moments(self.act, q)
        logs = np.log(np.clip([value / q, slope], SMALLEST, LARGEST))
        fitted = logs @ np.linalg.inv(_chebyshev(x)).T
        self.coefficients[octaves] = np.moveaxis(fitted, 0, 1)
        self.known[octaves] = True


def _chebyshev(x):
    return np.polynomial.chebyshev.chebvander(x, _NODES - 1)


def clenshaw(coefficients, x):
    """Sum of coefficients[k] T_k(x), Chebyshev polynomials, for one number x: no arrays, so fast.

    coefficients: a list of two floats or more. Clenshaw 1955, "A note on the summation of
    Chebyshev series".
    """
    last = before = 0.0
    for coefficient in coefficients[:0:-1]:
        last, before = coefficient + 2 * x * last - before, last
    return coefficients[0] + x * last - before


# ---------------------------------------------------------------- fixed point and critical line


def fixed_point(act, sigma_w, sigma_b):
    """The q* at which `second_moment_map` comes to rest when it starts at q = 1.

    0 where the signal dies out, inf where it grows without end (beyond 1e14); 1 where every q is
    one (ReLU with sigma_w^2 = 2). tanh with sigma_w = 1 has 0, but gets there like 1 / (2 layers).
    sigma_w, sigma_b >= 0, numbers or arrays that broadcast. Relative error about 1e-12, more where
    the map touches the diagonal.
    """
    weight, bias = np.broadcast_arrays(*_variances(sigma_w, sigma_b))
    slopes, shape, weight, bias = slopes_of(act), weight.shape, weight.ravel(), bias.ravel()
    if slopes:
        q = _affine_rest(weight * np.square(slopes).sum() / 2, bias)
    else:
        q = _rest(_log_moments(act), weight, bias)
    return _plain(q.reshape(shape))


def _affine_rest(factor, bias):
    """Where q -> factor * q + bias comes to rest."""
    gap = 1 - factor
    critical = abs(gap) < 1e-12  # sqrt(2)^2 is not exactly 2
    rest = np.where(bias > 0, np.inf, np.where(critical, 1.0, np.where(gap > 0, 0.0, np.inf)))
    return np.divide(bias, gap, out=rest, where=(gap > 0) & ~critical & (bias > 0))


def _rest(log_moments, weight, bias):
    """Climb or fall from q = 1 to where the map turns, then halve that interval."""

    rungs = np.logspace(-14, 14, 281)
    growth = np.exp(log_moments(rungs)[0])
    turn = _turn(weight[:, None] * growth + bias[:, None] / rungs > _CLIMBS)
    low = np.where(turn > 0, rungs[turn - 1], SMALLEST)
    high = rungs[np.minimum(turn, 280)]
    halve = _halve_one if len(weight) == 1 else _halve
    rest = halve(log_moments, weight, bias, low, high)
    return np.where(turn > 280, np.inf, np.where(rest < 2 * SMALLEST, 0.0, rest))


_CLIMBS = 1 + 1e-13  # a map that gives more than this times q goes up


def _halve(log_moments, weight, bias, low, high):
    """Where the map meets the diagonal between low and high (settings,)."""
    for _ in range(60):
        middle = np.sqrt(low) * np.sqrt(high)
        up = weight * np.exp(log_moments(middle)[0]) + bias / middle > _CLIMBS
        low, high = np.where(up, middle, low), np.where(up, high, middle)
    return np.sqrt(low) * np.sqrt(high)


def _halve_one(log_moments, *setting):
    """The same for one setting, without arrays."""
    weight, bias, low, high = (float(array[0]) for array in setting)
    for _ in range(60):
        middle = math.sqrt(low) * math.sqrt(high)
        up = weight * math.exp(log_moments.at(middle)[0]) + bias / middle > _CLIMBS
        low, high = (middle, high) if up else (low, middle)
    return np.array([math.sqrt(low) * math.sqrt(high)])


def _turn(up):
    """Number of the rung (last axis of `up`) that a walk from the middle one cannot pass."""
    start = up.shape[-1] // 2
    stop = np.where(up[:, start:].all(1), up.shape[-1], start + (~up[:, start:]).argmax(1))
    back = np.where(up[:, :start].any(1), start - up[:, start - 1 :: -1].argmax(1), 0)
    return np.where(up[:, start], stop, back)


class CriticalLine(NamedTuple):
    """Settings at the edge of chaos: chi_1 = 1 at the fixed point q; arrays (points,)."""

    q: np.ndarray
    sigma_w: np.ndarray
    sigma_b: np.ndarray


def critical_line(act, q):
    """The edge of chaos, drawn by choosing the fixed point instead of searching for it.

    For each q in `q` (points,), above 0: sigma_w^2 = 1 / E f'^2 makes chi_1 = 1, and
    sigma_b^2 = q - sigma_w^2 E f^2 makes q the fixed point. Points where that would be negative
    belong to no net and are left out (all of them, possibly). Of ReLU and its leaky family remains
    one point: sigma_b = 0 and sigma_w the gain, at every q.
    Source: the two conditions are those of Schoenholz et al. (arXiv:1611.01232); read in this
    direction they need no solver. ValueError where f' is 0 everywhere.
    """
    q = np.atleast_1d(_not_negative("q", q))
    weight, bias = _critical(act, q)
    belongs = (bias >= 0) & (q > 0)
    return CriticalLine(q[belongs], np.sqrt(weight[belongs]), np.sqrt(bias[belongs]))


def _critical(act, q):
    value, slope = moments(act, q)
    if not slope.all():
        raise ValueError(f"{activation(act).name} has no critical line: its slope is 0")
    bias = q - value / slope
    return 1 / slope, np.where(abs(bias) < 1e-13 * q, 0.0, bias)  # what rounding leaves of 0


def critical_sigma_w(act, sigma_b):
    """The sigma_w with chi_1 = 1 at the fixed point, for one sigma_b >= 0.

    tanh with sigma_b^2 = 0.05 has sigma_w^2 = 1.7610 (Schoenholz et al. 2017). ReLU has sqrt(2)
    for every sigma_b (its chi_1 does not depend on q, though with sigma_b > 0 no q is at rest).
    Where a map has several fixed points (GELU, SiLU) it is the smallest q that is critical, and a
    signal that starts at 1 may rest elsewhere. ValueError if no q from 1e-8 to 1e8 gives one.
    """
    target = checks.real("sigma_b", sigma_b, 0) ** 2
    q = np.logspace(-8, 8, 641)
    weight, bias = _critical(act, q)
    if slopes_of(act):
        return math.sqrt(weight[0])
    above = bias >= target
    if not above.any():
        name = activation(act).name
        raise ValueError(f"{name} has no critical sigma_w for sigma_b = {sigma_b}")
    first = above.argmax()
    return math.sqrt(_crossing(act, target, q[max(first - 1, 0)], q[first]))


def _crossing(act, target, low, high):
    """sigma_w^2 on the critical line where its sigma_b^2 passes the target between two q."""
    for _ in range(60):
        middle = math.sqrt(low * high)
        weight, bias = _critical(act, np.array([middle]))
        low, high = (middle, high) if bias[0] < target else (low, middle)
    return weight[0]


# ---------------------------------------------------------------- two inputs


def correlation_map(act, c, sigma_w, sigma_b, q=None):
    """Correlation of the pre-activations of two inputs, one layer on.

    c' = (sigma_w^2 E f(u) f(v) + sigma_b^2) / (sigma_w^2 E f(u)^2 + sigma_b^2), u and v Gaussian
    with second moment q and correlation c. Not centred: c = E u v / q.
    c from -1 to 1, a number or an array; sigma_w > 0, sigma_b >= 0 numbers; q > 0, the fixed point
    if not given (ValueError if that is 0 or infinite). Error about 1e-9.
    Source: Poole et al. (2016), eq. 5.
    """
    weight, bias = _setting(sigma_w, sigma_b)
    q = _resting(act, sigma_w, sigma_b) if q is None else checks.real("q", q, 0, open_low=True)
    value = weight * moments(act, q).value + bias
    return _plain((weight * product_mean(act, c, q) + bias) / value)


def product_mean(act, c, q, slopes=False, nodes=64):
    """E f(u) f(v), or with `slopes` E f'(u) f'(v), for u, v Gaussian: E u^2 = q, E u v = c q.

    v = c u + sqrt(1 - c^2) w: for every u the quadrature over w is split where v is 0.
    c from -1 to 1, a number or an array; q >= 0 a number. The time goes with the square of `nodes`
    on either side of a kink; 64 give errors about 1e-9, 40 about 1e-6.
    """
    act, c = activation(act), checks.finite("c", c).astype(float)
    if (abs(c) > 1).any():
        raise ValueError(f"c must lie between -1 and 1, got {c}")
    function, scale = act.df if slopes else act.f, math.sqrt(max(q, SMALLEST))
    x, weights = _rule(nodes)
    means = [_over_second(act, function, x, number, scale, nodes) for number in c.ravel()]
    mine = _units(act, function, scale * x)
    products = [(mine * mean).mean(-1) @ weights for mean in means]
    return _plain(np.reshape(products, c.shape))


def _over_second(act, function, x, c, scale, nodes):
    """E function(scale * (c x + sqrt(1 - c^2) w)) over w, for every x: (nodes, units)."""
    s = math.sqrt((1 - c) * (1 + c))
    if s == 0:
        return _units(act, function, scale * c * x)
    u, weights = _unit_rule(nodes)
    kink = np.clip(-c * x / s, -10, 10)[:, None]
    up, down = kink + (10 - kink) * u**3, kink - (10 + kink) * u**3
    total = 0.0
    for w, length in ((up, 10 - kink), (down, 10 + kink)):
        values = _units(act, function, scale * (c * x[:, None] + s * w))
        total = total + np.einsum("xw,xwp->xp", length * 3 * u**2 * weights * _density(w), values)
    return _no_nan(act, total)


def correlation_length(act, sigma_w, sigma_b):
    """Over how many layers two inputs forget, by a factor e, how far from c* they were.

    xi = -1 / log(slope of the correlation map at its stable fixed point c*): -1 / log(chi_1) where
    c* = 1 (order), and at some c* < 1 beyond the critical line (chaos). inf on the line. Nets much
    deeper than 6 xi do not train.
    sigma_w > 0, sigma_b >= 0: numbers.
    Source: Schoenholz et al. (2017), arXiv:1611.01232.
    """
    _setting(sigma_w, sigma_b)
    q = fixed_point(act, sigma_w, sigma_b)
    chi = chi_1(act, sigma_w, q)
    if chi > 1 + 1e-9:
        c = correlation_fixed_point(act, sigma_w, sigma_b)
        chi = sigma_w**2 * product_mean(act, c, _resting(act, sigma_w, sigma_b), slopes=True)
    return math.inf if chi > 1 - 1e-9 else -1 / math.log(chi) if chi > 0 else 0.0


def correlation_fixed_point(act, sigma_w, sigma_b):
    """The correlation c* in [0, 1] that two different inputs end up with in a very deep net.

    1 where chi_1 <= 1; below 1 in the chaotic phase. (The map is a power series with coefficients
    that are not negative, so it meets the diagonal at most once below 1: Daniely, Frostig & Singer,
    NIPS 2016, arXiv:1602.05897.) sigma_w > 0, sigma_b >= 0: numbers.
    """
    q = _resting(act, sigma_w, sigma_b)
    if chi_1(act, sigma_w, q) <= 1 + 1e-9:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(45):
        c = (low + high) / 2
        up = correlation_map(act, c, sigma_w, sigma_b, q) > c
        low, high = (c, high) if up else (low, c)
    return low


def _setting(sigma_w, sigma_b):
    sigma_w = checks.real("sigma_w", sigma_w, 0, open_low=True)
    return sigma_w**2, checks.real("sigma_b", sigma_b, 0) ** 2


def _resting(act, sigma_w, sigma_b):
    """The fixed point, refused where it is 0 or infinite: there is nothing to correlate."""
    q = fixed_point(act, sigma_w, sigma_b)
    if not 0 < q < math.inf:
        raise ValueError(
            f"the fixed point of {activation(act).name} for sigma_w = {sigma_w:g} and "
            f"sigma_b = {sigma_b:g} is q = {q:g}; give a q above 0"
        )
    return q


# ---------------------------------------------------------------- ReLU and its leaky family


def leaky_gain(slope=0.0):
    """sqrt(2 / (1 + slope^2)): the sigma_w that keeps E z^2 and, backwards, the gradient.

    slope of max(z, 0) + slope * min(z, 0): 0 is ReLU, 1 a linear net.
    Source: He, Zhang, Ren & Sun (2015), arXiv:1502.01852, section 2.2.
    """
    return math.sqrt(2 / (1 + checks.real("slope", slope) ** 2))


def leaky_correlation(c, slope=0.0):
    """The correlation map of the leaky family without biases; it does not depend on sigma_w.

    c' = c + (1 - a)^2 / (1 + a^2) * (sin t - t cos t) / pi, with t = arccos c the angle.
    c from -1 to 1, a number or an array. Source: Cho & Saul (2009) for a = 0; the rest follows from
    f(z) = (1 + a)/2 z + (1 - a)/2 |z|, derived here.
    """
    c, a = checks.finite("c", c).astype(float), checks.real("slope", slope)
    if (abs(c) > 1).any():
        raise ValueError(f"c must lie between -1 and 1, got {c}")
    t = np.arccos(c)
    return _plain(c + (1 - a) ** 2 / (1 + a * a) * (np.sin(t) - t * c) / math.pi)


def relu_alignment(layer):
    """9 pi^2 / (2 layer^2): what a ReLU net with sigma_w^2 = 2 leaves of 1 - c, for many layers.

    Slower than any exponential, and the same whatever the inputs were. layer >= 1, number or array.
    Source: Hayou, Doucet & Rousseau, On the impact of the activation function on deep neural
    networks training (2019, arXiv:1902.06853).
    """
    return _plain(9 * math.pi**2 / (2 * _at_least_1("layer", layer) ** 2))


def _at_least_1(name, array):
    array = checks.finite(name, array).astype(float)
    if (array < 1).any():
        raise ValueError(f"{name} must be at least 1, got {array.min():g}")
    return array


HE_FAN_INS = (576, *[1152] * 2, *[2304] * 2, *[4608] * 4)
"""3 x 3 x channels of the convolutions in He's example: 64, 2 x 128, 2 x 256 and 4 x 512.

He counts on the way back: these are the connections that leave an input of the layer. Where a
layer has as many channels as the one before, as many arrive at each of its units.
"""


def shrinkage(fan_ins, std=0.01, slope=0.0):
    """By which factor a gradient is too small when every weight is drawn with the same std.

    The product over the layers of std / sqrt(2 / ((1 + slope^2) fan_in)). With std = 0.01 and
    HE_FAN_INS: 1 / (5.9 * 4.2^2 * 2.9^2 * 2.1^4) = 1 / 1.7e4, the arithmetic with which He et al.
    (2015, arXiv:1502.01852, section 2.2) explain why a deep net of 2014 did not start to learn.
    """
    std, gain = checks.real("std", std, 0), leaky_gain(slope)
    fans = [checks.whole("fan_in", fan, 1) for fan in fan_ins]
    return math.prod(std * math.sqrt(fan) / gain for fan in fans)


class ReluNorm(NamedTuple):
    """What happens to the squared length of the signal in ReLU nets with He's init, exactly."""

    mean_log: float  # E log(|h_depth|^2 / |h_0|^2) of nets that are alive
    var_log: float  # its variance
    dead: float  # probability that a layer is 0 for this input
    log_mean_square: float  # log E (|h_depth|^2 / |h_0|^2)^2 of all nets; the mean itself is 1


def relu_norm(width, depth):
    """Length of one input's signal through `depth` ReLU layers of `width` units, exactly.

    From a layer to the next |h'|^2 / |h|^2 = (2 / n) (chi-square with k degrees of freedom), k the
    number of active units, Binomial(n, 1/2), independent in every layer. So E = 1 and
    E ()^2 = (1 + 5/n)^depth, while given k > 0, which `dead` is about,
    E log = sum over k of P(k) (digamma(k/2) + log(4/n)), about -5/(2n), Var log about 5/n: the
    mean is kept by a few large nets, the typical one vanishes with depth / width.
    He init W ~ N(0, 2 / fan_in), no biases, h_0 any vector that is not 0. width 1 to 100000, depth
    from 1. Source: Hanin & Nica, Products of many large random matrices and gradients in deep
    neural networks (2018, arXiv:1812.05994) for the asymptotics; the exact form is derived here.
    """
    n, depth = checks.whole("width", width, 1, 100_000), checks.whole("depth", depth, 1)
    active = _active_units(n)
    digamma, trigamma = _polygammas_of_halves(n)
    logs = digamma + math.log(4 / n)
    mean = float(active @ logs)
    var = float(active @ (trigamma + (logs - mean) ** 2))
    dead = relu_death(n, depth)
    return ReluNorm(depth * mean, depth * var, dead, depth * math.log1p(5 / n))


def relu_death(width, depth):
    """1 - (1 - 2^-width)^depth: probability that one of the layers is 0 for a given input.

    Exact for one input, symmetric weights and no biases; for all inputs at once an upper bound.
    Source: Lu, Shin, Su & Karniadakis, Dying ReLU and initialization (2019, arXiv:1903.06733).
    """
    width, depth = checks.whole("width", width, 1), checks.whole("depth", depth, 1)
    return -math.expm1(depth * math.log1p(-(0.5**width)))


def relu_death_least(width, depth):
    """At least this likely one of the `depth` hidden layers is 0 for *all* inputs, one-dimensional.

    With a = 1 - 2^-n, a' = 1 - 2^(1-n) - (n-1) 4^-n and m = depth - 1:
    1 - a^m + (1 - 2^(1-n)) (1 - 2^-n) / (1 + (n-1) 2^-n) (a'^m - a^m). Exact for depth 1 (0: every
    unit is on for x > 0 or for x < 0), depth 2 and width 1. Error about 1e-15.
    Symmetric weights, no biases. Source: Lu et al. (2019), as `relu_death`, the upper bound.
    """
    n, m = checks.whole("width", width, 1), checks.whole("depth", depth, 1) - 1
    p = 0.5**n
    one, both = (1 - p) ** m, (1 - 2 * p - (n - 1) * p * p) ** m
    bound = 1 - one + (1 - 2 * p) * (1 - p) / (1 + (n - 1) * p) * (both - one)
    return max(0.0, bound)


def _active_units(n):
    """P(k active units) for k = 1 ... n, given k > 0."""
    k = np.arange(1, n + 1)
    log_count = np.cumsum(np.log((n - k + 1) / k))  # log of the binomial coefficients
    probability = np.exp(log_count - n * math.log(2))
    return probability / probability.sum()


def _polygammas_of_halves(n):
    """digamma(k/2) and trigamma(k/2) for k = 1 ... n.

    From the values at 1/2 and 1 by digamma(x + 1) = digamma(x) + 1/x and
    trigamma(x + 1) = trigamma(x) - 1/x^2.
    """
    steps = 2 / np.arange(1.0, n + 1)
    values = np.empty((2, n))
    values[:, 0::2] = np.array([[-np.euler_gamma - 2 * math.log(2)], [math.pi**2 / 2]])
    values[:, 1::2] = np.array([[-np.euler_gamma], [math.pi**2 / 6]])
    for start in (0, 1):
        x = steps[start : n - 2 : 2]
        values[0, start + 2 :: 2] += np.cumsum(x)
        values[1, start + 2 :: 2] -= np.cumsum(x * x)
    return values


# ---------------------------------------------------------------- linear regime, singular values


class Variances(NamedTuple):
    """Variances in a linear net, per weight layer: arrays (layers,)."""

    forward: np.ndarray  # of the outputs of layer k, over that of the data
    backward: np.ndarray  # of d loss / d z of layer k, over that of the last layer
    gradient: np.ndarray  # of d loss / d W of layer k, over data times last layer


def glorot_bengio(sizes, std):
    """How variances travel through a net in its linear regime, forwards, backwards and into dW.

    Forwards each layer multiplies by fan_in Var W, backwards by fan_out Var W; the gradient of a
    weight has the variance of its input times that of d loss / d z. With equal widths the last is
    the same in every layer even while both others decay: fading signals do not mean fading weight
    gradients. U(-1/sqrt n, 1/sqrt n) has n Var W = 1/3, Var W = 2 / (fan_in + fan_out) about 1.

    sizes units per layer, as in `Net`; std(fan_in, fan_out) -> standard deviation of a weight, such
    as `initializers.UNIFORM.std`. Per example of a batch, weights and signals independent.
    Source: Glorot & Bengio, Understanding the difficulty of training deep feedforward neural
    networks (AISTATS 2010), section 4.2.
    """
    sizes = [checks.whole("every entry of sizes", n, 1) for n in sizes]
    if len(sizes) < 2:
        raise ValueError(f"sizes must hold at least two numbers of units, got {sizes}")
    fans = list(zip(sizes, sizes[1:], strict=False))
    var = np.square([checks.real("std(fan_in, fan_out)", std(n, m), 0) for n, m in fans])
    forward = np.cumprod(var * sizes[:-1])
    backward = np.cumprod([1.0, *(var * sizes[1:])[:0:-1]])[::-1]
    return Variances(forward, backward, np.concatenate([[1.0], forward[:-1]]) * backward)


def jacobian_spread(act, depth, weights="gaussian", q=1.0):
    """Spread of the squared singular values of a layer-to-layer Jacobian: Var(JJ^T) / mean^2.

    depth (mu_2 / mu_1^2 - 1 - s), mu_k = E f'^(2k), s = -1 for Gaussian and 0 for orthogonal
    weights; 0 would be an isometry. Linear Gaussian nets have `depth`, ReLU 2 depth, ReLU with
    orthogonal weights still depth ("incapable of dynamical isometry"), tanh near sigma_w = 1 with
    orthogonal weights almost 0. Wide, square layers, all at the same q (their fixed point).
    Source: Pennington, Schoenholz & Ganguli, Resurrecting the sigmoid in deep learning through
    dynamical isometry (2017, arXiv:1711.04735). ValueError where f' is 0 everywhere.
    """
    depth, act = checks.whole("depth", depth, 1), activation(act)
    own = {"gaussian": 1.0, "orthogonal": 0.0}[
        checks.one_of("weights", weights, ("gaussian", "orthogonal"))
    ]
    q = np.array(max(checks.real("q", q, 0), SMALLEST))
    mu_1, mu_2 = (_mean(act, act.df, q, power) for power in (2, 4))
    if mu_1 == 0:
        raise ValueError(f"{act.name} passes no gradient: its slope is 0")
    return depth * (mu_2 / mu_1**2 - 1 + own)


# ---------------------------------------------------------------- batch normalisation


BATCH_NORM_RELU = math.pi / (math.pi - 1)
"""1.4669: factor per layer of the squared gradient, backwards, with batch normalisation + ReLU."""


def batch_norm_factor(act):
    """E f'^2 / Var f, z standard normal: factor per layer of the squared gradient, backwards.

    Batch normalisation makes z standard normal; a layer f, W, normalisation then multiplies by
    sigma_w^2 E f'^2 and divides by the variance over the batch, sigma_w^2 Var f (mean taken off:
    in a deep net different examples are uncorrelated). Whatever sigma_w is, this is at least 1 for
    a continuous f (Gaussian Poincare inequality), and 1 only for an affine one: normalisation cures
    vanishing and brings explosion, for ReLU by pi / (pi - 1).

    Large batches, and every example as large as the others: normalisation sees to it that z is
    standard normal over batch and nets, but not that E z^2 is 1 for each example. Measured (100
    units, batch 100, layers 8 to 28) it holds for sigmoid, tanh, ELU, SELU and the leaky family to
    a few per cent. For others examples drift apart in size, and the formula is off: SiLU 1.32
    instead of 1.21, softplus and GELU also higher, abs 2.46 instead of 2.75. That the drift is the
    reason is a conjecture.
    Source: Yang, Pennington, Rao, Sohl-Dickstein & Schoenholz, A mean field theory of batch
    normalization (2019, arXiv:1902.08129) for ReLU; for other f derived here, as far as it goes.
    """
    act, (z, weights) = activation(act), _rule()
    units = _units(act, act.f, z)
    variance = (weights @ units**2 - (weights @ units) ** 2).mean()
    if variance < 1e-12:
        raise ValueError(f"{act.name} is constant: batch normalisation would divide by 0")
    return float(_mean(act, act.df, np.array(1.0), 2) / variance)


# ---------------------------------------------------------------- sigmoid and tanh


def tanh_decay(layer):
    """1 / (2 layer): second moment in a deep tanh net with sigma_w = 1 and no biases.

    From tanh(z)^2 = z^2 - 2/3 z^4 + ..., q' = q - 2 q^2 + ...: at the edge of chaos the signal
    fades like a power of the depth, not exponentially. layer >= 1, a number or an array; the true
    value differs by a share of about log(layer) / layer. Derived here.
    """
    return _plain(0.5 / _at_least_1("layer", layer))


LECUN_TANH = Activation(
    "lecun_tanh",
    r"1.7159 \tanh(\frac{2}{3} z)",
    lambda z: 1.7159 * TANH.f(np.multiply(z, 2 / 3)),
    lambda z: 1.7159 * 2 / 3 * TANH.df(np.multiply(z, 2 / 3)),
    (-1.7159, 1.7159),
    "LeCun, Bottou, Orr & Muller 1998, Efficient BackProp, section 4.4, in: Neural Networks: "
    "Tricks of the Trade, Springer",
)
"""LeCun's tanh: f(1) = 1 by design, E f(z)^2 = 0.750, and with sigma_w = 1 nearly critical."""

LECUN_TANH_FACTOR = 1 / math.tanh(2 / 3)
"""1.71590471: the factor that makes f(1) exactly 1; the paper rounds it."""

LECUN_TANH_BEND = 1.5 * math.atanh(1 / math.sqrt(3))
"""0.98772: where |f''| is largest, which the paper gives as 1."""


def sigmoid_image(layers, gain=4.0, compensation=1.0):
    """A tanh net written with sigmoid units: other weights, the same function, exactly.

    tanh(z) = 2 sigmoid(2 z) - 1, so a hidden layer becomes (4 W, 2 (b - W.1)), the first (2 W, 2 b)
    and the last (2 W, b - W.1); W.1 is the sum over the inputs of a unit, the part of the
    pre-activation that comes from the mean 1/2 of the sigmoid and that a usual init does not
    cancel. With another `gain` the 4 becomes gain and the 2 of the first and of the hidden biases
    gain / 2: the image of a net with the units tanh(gain z / 4). `compensation` is the share of W.1
    that is taken off: 0 leaves the biases of a usual net.

    layers  [(W (..., fan_in, fan_out), b (..., 1, fan_out)), ...] of the tanh net, two or more
    gain above 0, compensation from 0 to 1. Returns the layers of the sigmoid net. Derived here.
    """
    half = checks.real("gain", gain, 0, open_low=True) / 2
    share = checks.real("compensation", compensation, 0, 1)
    layers = [(checks.finite("W", W), checks.finite("b", b)) for W, b in layers]
    if len(layers) < 2:
        raise ValueError(f"layers must hold at least two pairs (W, b), got {len(layers)}")
    (W, b), *inner, (V, c) = layers
    hidden = [(2 * half * W, half * _centred(W, b, share)) for W, b in inner]
    return [(half * W, half * b), *hidden, (2 * V, _centred(V, c, share))]


def _centred(W, b, share):
    return b - share * W.sum(-2, keepdims=True)
