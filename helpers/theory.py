"""What the papers predict: closed forms and exact constructions, to be held against experiments.

Conventions as everywhere: X (batch, features), W (fan_in, fan_out), b (1, fan_out), z = a @ W + b.
Losses are the mean over the batch of the squared error summed over the outputs (no factor 1/2).
"""

from fractions import Fraction
from itertools import combinations
from math import comb, log, pi
from typing import NamedTuple

import numpy as np

from helpers import checks
from helpers.activations import RELU, SIGMOID

# ---------------------------------------------------------------- affine maps


def collapse(layers, slope=1.0, offset=0.0):
    """The one affine layer that a stack of affine layers computes: (W', b').

    Every layer but the last is followed by the affine activation slope * z + offset, so
    W' <- slope W' W and b' <- (slope b' + offset) W + b, one layer after the other.
    Source: Bishop, Pattern Recognition and Machine Learning (2006), section 5.1: a network of
    linear hidden units equals one without hidden units.

    layers   [(W (..., fan_in, fan_out), b (..., 1, fan_out)), ...], at least one, widths that fit
    slope    a number, or one per hidden layer; offset likewise
    Returns W' (..., first fan_in, last fan_out), b' (..., 1, last fan_out).
    """
    layers = _fitting(layers)
    slopes = _per_layer("slope", slope, len(layers) - 1)
    offsets = _per_layer("offset", offset, len(layers) - 1)
    W, b = layers[0]
    for (W_next, b_next), a, c in zip(layers[1:], slopes, offsets, strict=True):
        W, b = a * W @ W_next, (a * b + c) @ W_next + b_next
    return W, b


def _fitting(layers):
    layers = [(checks.finite("W", W), checks.finite("b", b)) for W, b in layers]
    if not layers:
        raise ValueError("layers must hold at least one pair (W, b), got none")
    fans = [W.shape[-2:] for W, _ in layers]
    for k, (fan, after) in enumerate(zip(fans, fans[1:], strict=False), start=1):
        if fan[1] != after[0]:
            raise ValueError(
                f"layer {k} has {fan[1]} outputs but layer {k + 1} takes {after[0]} inputs: "
                "the widths of neighbouring layers must be equal"
            )
    return layers


def _per_layer(name, value, count):
    values = [value] * count if np.ndim(value) == 0 else list(value)
    if len(values) != count:
        raise ValueError(
            f"{name} must be one number or {count} numbers, one per hidden layer, "
            f"got {len(values)}"
        )
    return [checks.real(name, v) for v in values]


class AffineFit(NamedTuple):
    """The affine map x @ W + b, its loss on the data it was fitted to, and the rank of W."""

    W: np.ndarray  # (features, outputs)
    b: np.ndarray  # (1, outputs)
    loss: float  # mean over the batch of the summed squared error
    rank: int


def affine_fit(X, Y, rank=None):
    """The best affine map of the data: least squares, or reduced-rank regression.

    No affine map, hence no deep net of affine layers, reaches a smaller loss. With `rank` the
    map is the best one that passes through `rank` numbers, which is what a net with a bottleneck
    of that width can do: W = W_ols V V', V the leading right singular vectors of the fitted
    values, and the loss grows by the squared singular values left out, divided by the batch size.
    Source: Eckart & Young, The approximation of one matrix by another of lower rank (1936);
    Izenman, Reduced-rank regression for the multivariate linear model (1975).

    X (batch, features), Y (batch, outputs), rank a whole number from 0 to the number of outputs.
    """
    X, Y = _pair(X, Y)
    x_mean, y_mean = X.mean(0, keepdims=True), Y.mean(0, keepdims=True)
    Xc, Yc = X - x_mean, Y - y_mean
    W = np.linalg.lstsq(Xc, Yc, rcond=None)[0]
    _, sizes, Vt = np.linalg.svd(Xc @ W, full_matrices=False)
    found = int((sizes > 1e-9 * np.linalg.norm(Yc, 2)).sum())
    if rank is not None:
        rank = checks.whole("rank", rank, 0, Y.shape[1])
        W, found = W @ Vt[:rank].T @ Vt[:rank], min(rank, found)
    loss = np.square(Xc @ W - Yc).sum(1).mean()
    return AffineFit(W, y_mean - x_mean @ W, float(loss), found)


def _pair(X, Y):
    X, Y = checks.finite("X", X), checks.finite("Y", Y)
    if X.ndim != 2 or Y.ndim != 2 or len(X) != len(Y) or len(X) == 0:
        raise ValueError(
            "X (batch, features) and Y (batch, outputs) must be two tables with the same number "
            f"of rows, at least one, got the shapes {X.shape} and {Y.shape}"
        )
    return X, Y


# ---------------------------------------------------------------- best plane


def principal_subspace(X, size, centred=True):
    """Orthonormal basis (features, size) of the subspace that keeps most of the data's spread.

    The leading right singular vectors of X, after the mean is taken off when `centred`. Without
    centring the subspace must pass through the origin, and a mean far from it takes up one of its
    directions: that is the plane a linear autoencoder without biases finds.
    Source: Baldi & Hornik, Neural networks and principal component analysis: learning from
    examples without local minima, Neural Networks 2 (1989) 53-58.
    """
    X = _table("X", X)
    size = checks.whole("size", size, 1, X.shape[1])
    X = X - X.mean(0) if centred else X
    return np.linalg.svd(X, full_matrices=False)[2][:size].T


def _table(name, X):
    X = checks.finite(name, X)
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(f"{name} must have the shape (rows, columns), got {X.shape}")
    return X


def subspace_angle(U, V):
    """Largest principal angle, in degrees, between the column spaces of U and V.

    sin = |(1 - V V') U| and cos = smallest singular value of V' U, joined by arctan2. The arc
    cosine alone loses half of the digits near 0 (it cannot tell 1e-9 degrees from 0).
    U (features, k), V (features, k), columns linearly independent, not necessarily orthonormal.
    Source: Bjoerck & Golub, Numerical methods for computing angles between linear subspaces (1973).
    """
    U, V = _table("U", U), _table("V", V)
    if U.shape != V.shape:
        raise ValueError(f"U and V must have the same shape, got {U.shape} and {V.shape}")
    U, V = np.linalg.qr(U)[0], np.linalg.qr(V)[0]
    overlap = V.T @ U
    sine = np.linalg.norm(U - V @ overlap, 2)
    cosine = np.linalg.svd(overlap, compute_uv=False)[-1]
    return float(np.degrees(np.arctan2(sine, cosine)))


class CriticalPoint(NamedTuple):
    """Weights of a linear autoencoder at which every derivative of the loss is 0."""

    chosen: tuple  # numbers of the principal directions that pass, 0 is the largest
    W1: np.ndarray  # (features, bottleneck)
    W2: np.ndarray  # (bottleneck, features)
    loss: float  # sum of the eigenvalues that were not chosen


def autoencoder_critical_points(X, bottleneck, centred=True):
    """Every critical point of a linear autoencoder, the one minimum first.

    At a critical point the net projects onto some of the eigenvectors of C = X'X / n, at most
    `bottleneck` of them, and the loss is the sum of the eigenvalues it leaves out. Taking the
    largest is the minimum, everything else is a saddle: there are no other local minima. (One
    representative each: W1 G, inverse(G) W2 computes the same map for every invertible G.)
    Source: Baldi & Hornik (1989), Neural Networks 2, 53-58. Distinct eigenvalues assumed.
    """
    X = _table("X", X)
    features = X.shape[1]
    bottleneck = checks.whole("bottleneck", bottleneck, 1, features)
    checks.whole("number of columns of X", features, 1, 12)  # 2^features choices
    X = X - X.mean(0) if centred else X
    eigenvalues, vectors = np.linalg.eigh(X.T @ X / len(X))
    eigenvalues, vectors = eigenvalues[::-1], vectors[:, ::-1]
    choices = [c for k in range(bottleneck + 1) for c in combinations(range(features), k)]
    points = [_critical_point(c, eigenvalues, vectors, bottleneck) for c in choices]
    return sorted(points, key=lambda point: point.loss)


def _critical_point(chosen, eigenvalues, vectors, bottleneck):
    W1 = np.zeros((len(eigenvalues), bottleneck))
    W1[:, : len(chosen)] = vectors[:, list(chosen)]
    loss = np.delete(eigenvalues, list(chosen)).sum()
    return CriticalPoint(chosen, W1, W1.T.copy(), float(loss))


# ---------------------------------------------------------------- how a deep linear net learns


def mode_curve(t, s, u0, layers=2):
    """Strength u(t) of one mode of a deep linear net while it learns; it starts at u0, ends at s.

    Gradient flow of 1/2 |W_layers ... W_1 - S|^2 from aligned, balanced weights splits into modes,
    du/dt = layers u^(2 - 2/layers) (s - u), s a singular value of S. One layer relaxes
    exponentially; two layers give a sigmoid, u = s / (1 + (s/u0 - 1) e^(-2 s t)); more layers have
    a longer plateau and a steeper rise. Gradient descent on our loss (mean over a batch with
    X'X / n = 1, no 1/2) follows it at t = 2 * learning rate * step.
    Source: Saxe, McClelland & Ganguli, Exact solutions to the nonlinear dynamics of learning in
    deep linear neural networks (ICLR 2014, arXiv:1312.6120). As stated there; the paper counts
    layers of neurons (ours + 1). Written here so that nothing overflows.

    t >= 0, a number or (times,); s > 0 and 0 < u0 < s, each a number or (modes,). Returns
    (times, modes), or (times,) when s and u0 are plain numbers.
    """
    layers = checks.whole("layers", layers, 1, 64)
    t, s, u0 = _mode_arguments(t, s, u0)
    if layers == 1:
        return s + (u0 - s) * np.exp(-t)
    if layers == 2:
        return s / (1 + (s / u0 - 1) * np.exp(-2 * s * t))
    if t.ndim < 2:
        return _deep_mode(t, s, u0, layers)
    modes = zip(*np.broadcast_arrays(s, u0), strict=True)
    return np.stack([_deep_mode(t[:, 0], *mode, layers) for mode in modes], axis=1)


def _mode_arguments(t, s, u0):
    t, s, u0 = checks.finite("t", t), checks.finite("s", s), checks.finite("u0", u0)
    if t.ndim > 1 or (t < 0).any():
        raise ValueError("t must be one time, or a list of times, all of them at least 0")
    if not ((0 < u0) & (u0 < s)).all():
        raise ValueError(f"u0 must lie between 0 and s, got u0 = {u0} with s = {s}")
    if max(s.ndim, u0.ndim) > 1:
        raise ValueError(f"s and u0 must be numbers or (modes,), got {s.shape} and {u0.shape}")
    return (t.reshape(-1, 1) if s.ndim or u0.ndim else t), s, u0


def _deep_mode(t, s, u0, layers):
    """Solve du/dt = layers u^(2 - 2/layers) (s - u) for the time, then turn it around.

    In x = log(u / (s - u)) it reads dx/dt = layers s u^(1 - 2/layers), so t(x) is an integral of a
    smooth function (Simpson), and x(t) is read off between its nodes by cubic Hermite
    interpolation, the slope dx/dt being known there. Error below 1e-7 s.
    """
    x = np.linspace(np.log(u0 / (s - u0)), 40, 2001)  # at x = 40 nothing is left to learn
    speed = layers * s * _logistic(x, s) ** (1 - 2 / layers)
    pace = 1 / speed
    simpson = (x[2] - x[0]) / 6 * (pace[:-2:2] + 4 * pace[1::2] + pace[2::2])
    nodes = np.concatenate([[0.0], np.cumsum(simpson)])
    return _logistic(_hermite(t, nodes, x[::2], speed[::2]), s)


def _logistic(x, s):
    return s / (1 + np.exp(-x))


def _hermite(t, nodes, values, slopes):
    """Cubic between the two nodes beside t; constant after the last node."""
    i = np.clip(np.searchsorted(nodes, t) - 1, 0, len(nodes) - 2)
    gap = nodes[i + 1] - nodes[i]
    r = np.minimum((t - nodes[i]) / gap, 1)
    straight = values[i] + r * r * (3 - 2 * r) * (values[i + 1] - values[i])
    return straight + gap * r * (1 - r) * ((1 - r) * slopes[i] - r * slopes[i + 1])


def half_time(s, u0, layers=2):
    """When one mode of a deep linear net has reached s/2; for two layers log(s/u0 - 1) / (2 s).

    With two layers or more the large singular values are learned first. From `mode_curve`: in
    x = log(u / (s - u)) the time from u0 to s/2 is the integral of dt/dx =
    u^(2/layers - 1) / (layers s) from log(u0 / (s - u0)) to 0, a smooth function (Gauss-Legendre).
    s > 0 and 0 < u0 < s/2, each a number or (modes,); in the time unit of `mode_curve`.
    """
    layers = checks.whole("layers", layers, 1, 64)
    _, s, u0 = _mode_arguments(0.0, s, u0)
    if layers == 2:
        return np.log(s / u0 - 1) / (2 * s)
    nodes, weights = np.polynomial.legendre.leggauss(32)
    start = np.log(u0 / (s - u0))
    u = _logistic(np.multiply.outer(start, 1 - nodes) / 2, s[..., None])
    pace = u ** (2 / layers - 1) / (layers * s[..., None])
    return -start / 2 * (pace @ weights)


def lyapunov_exponents(width):
    """Growth rates per layer of the singular values of a product of Gaussian matrices, (width,).

    Each matrix is (width, width) with entries N(0, 1/width): "the right variance". The i-th
    singular value of a product of L of them grows like exp(L * rate_i) with
    rate_i = 1/2 (log(2/width) + digamma((width - i + 1) / 2)), i = 1 ... width.
    They differ, so the product becomes ill-conditioned exponentially in L; a product of orthogonal
    matrices has all rates 0. That is why deep linear nets train from the one and not the other.
    Source: Newman, The distribution of Lyapunov exponents: exact results for random matrices,
    Communications in Mathematical Physics 103 (1986); the link to training: Saxe et al. (2014).
    """
    width = checks.whole("width", width, 1, 100_000)
    return 0.5 * (log(2 / width) + _digamma_of_halves(width)[::-1])


def _digamma_of_halves(n):
    """digamma(k/2) for k = 1 ... n, from digamma(x + 1) = digamma(x) + 1/x."""
    values = np.empty(n)
    values[0::2] = -np.euler_gamma - 2 * log(2)
    values[1::2] = -np.euler_gamma
    steps = 2 / np.arange(1, max(n - 1, 1))
    values[2::2] += np.cumsum(steps[0 : n - 2 : 2]) if n > 2 else 0
    values[3::2] += np.cumsum(steps[1 : n - 2 : 2]) if n > 3 else 0
    return values


# ---------------------------------------------------------------- XOR


XOR_LEVELS = {
    0.0: "solved: all four corners exact",
    1 / 8: "two corners exact, the other two share their mean 1/2",
    1 / 6: "one corner exact, the other three share their mean 1/3 or 2/3",
    1 / 4: "constant: every corner gets 1/2",
}
"""The losses at which a ReLU net with one hidden layer, of any width, can come to rest on XOR.

Where the gradient vanishes, the errors of the four corners sum to 0 (output bias); and over the
corners on which a contributing unit is active they are orthogonal to every affine function of x
(the unit's weights and bias). A unit active on one, two or three corners therefore has error 0 on
each of them, because an affine function takes any values on three corners. A unit active on all
four leaves errors proportional to (1, -1, -1, 1). So either the loss is 1/4 (constant output), or
some corners are exact, no unit is active on the others, and these share one value, their mean.
With 2, 3 or 4 corners left the loss is 1/8, 1/6, 1/4; nothing else is possible. Derived here.
An affine map has only the 1/4: Goodfellow, Bengio & Courville, Deep Learning (2016), section 6.1.
"""

ROUNDING_CHAIN = (0.4, 2.0**-100, 2.0**-49, 2.0**100, 2.0**49)


def linear_xor(x1, x2, dtype=np.float32):
    """XOR computed by a net of linear layers only, because float32 numbers are not the reals.

    s = x1 + x2, r = s * 0.4 * 2^-100 * 2^-49 * 2^100 * 2^49, output s - 2 r. On paper r = 0.4 s and
    the output is 0.2 s. In float32 the product passes through 2^-149, the smallest number above
    0, and r is 0.4 s rounded to a whole number: the output is exactly 0, 1, 1, 0.
    In float64 nothing is rounded and the output is 0, 0.2, 0.2, 0.4.
    Source of the idea: Foerster, Nonlinear computation in deep linear networks, OpenAI blog,
    29 September 2017 (denormal numbers and evolution strategies); this smallest case is ours.
    x1, x2 array-like of 0 and 1. Needs `keeps_subnormals()`.
    """
    with np.errstate(under="ignore"):
        s = np.asarray(x1, dtype) + np.asarray(x2, dtype)
        r = s
        for factor in ROUNDING_CHAIN:
            r = r * np.dtype(dtype).type(factor)
        return s - np.dtype(dtype).type(2) * r


def linear_xor_layers():
    """`linear_xor` as layers [(W, b), ...] for `Net((2, 2, 2, 2, 2, 2, 2, 1), "identity").pack`.

    The first makes (s, s), five multiply the first number by one factor each, the last gives
    s - 2 r. In float32 the net computes XOR; `collapse` says what it computes on paper: 0.2 s.
    """
    scalings = [np.diag([factor, 1.0]) for factor in ROUNDING_CHAIN]
    weights = [np.ones((2, 2)), *scalings, np.array([[-2.0], [1.0]])]
    return [(W, np.zeros((1, W.shape[1]))) for W in weights]


def keeps_subnormals():
    """Whether this processor computes with numbers below 2^-126 (a library may switch that off)."""
    with np.errstate(under="ignore"):
        return bool(np.float32(2.0**-100) * np.float32(2.0**-49) > 0)


# ---------------------------------------------------------------- what polynomials cannot do


def polynomial_rank(features, degree):
    """C(features + degree, degree): how many different functions the units z^degree can add up to.

    z^degree of an affine z is a polynomial of that degree, whatever the weights, and the
    polynomials of `features` variables up to that degree have this dimension. More units add
    nothing: with a polynomial activation one hidden layer is no universal approximator.
    Source: Leshno, Lin, Pinkus & Schocken, Multilayer feedforward networks with a nonpolynomial
    activation function can approximate any function, Neural Networks 6 (1993) 861-867; the count
    is textbook algebra.
    """
    features = checks.whole("features", features, 1)
    return comb(features + checks.whole("degree", degree, 0), degree)


def polynomial_floor(x, y, degree):
    """RMSE of the best polynomial of that degree at the points: no width gets below it.

    x (points,), y (points,); degree a whole number from 0 to 30. Least squares in Legendre
    polynomials on the interval of x, which stay well conditioned where powers do not.
    """
    x, y = checks.finite("x", x), checks.finite("y", y)
    degree = checks.whole("degree", degree, 0, 30)
    fit = np.polynomial.Legendre.fit(x, y, degree)
    return float(np.sqrt(np.mean((fit(x) - y) ** 2)))


class Readout(NamedTuple):
    """The best output layer for given hidden units."""

    weights: np.ndarray  # (units,)
    fitted: np.ndarray  # (points,)
    rmse: float
    rank: int  # of H, singular values below 1e-9 of the largest counted as 0


def best_readout(H, y):
    """Least squares over the output weights: y ~ H @ weights, the best any training could reach.

    H (points, units) hidden activations, y (points,). Columns of ones have to be in H if wanted.
    """
    H, y = _table("H", H), checks.finite("y", y)
    if y.shape != H.shape[:1]:
        raise ValueError(f"y must have one number per row of H, got {y.shape} and {H.shape}")
    weights, _, rank, _ = np.linalg.lstsq(H, y, rcond=1e-9)
    fitted = H @ weights
    return Readout(weights, fitted, float(np.sqrt(np.mean((fitted - y) ** 2))), int(rank))


# ---------------------------------------------------------------- building a function


class Shallow(NamedTuple):
    """One hidden layer on the line: start + sum over j of weights[j] * unit(x - knots[j]).

    unit is sigmoid(steepness * u), or ReLU when steepness is None.
    """

    start: float
    knots: np.ndarray  # (units,)
    weights: np.ndarray  # (units,)
    steepness: float | None = None

    def unit(self, u):
        return RELU.f(u) if self.steepness is None else SIGMOID.f(self.steepness * u)

    def parts(self, x):
        """What each unit adds, (units, points), for x (points,)."""
        return self.weights[:, None] * self.unit(np.asarray(x, float) - self.knots[:, None])

    def __call__(self, x):
        return self.start + self.weights @ self.unit(np.asarray(x, float) - self.knots[:, None])


def staircase(target, pieces, steepness, low=0.0, high=1.0):
    """A function from sigmoid steps: on each of `pieces` equal pieces its value in the middle.

    pieces - 1 units, one at each inner edge, as high as the function changes from one middle to
    the next. For a steep sigmoid the largest error is at most `staircase_bound`, slope -1 in a
    log-log plot of error against width.
    Source of the idea: Cybenko, Approximation by superpositions of a sigmoidal function (1989);
    Hornik, Stinchcombe & White, Multilayer feedforward networks are universal approximators (1989).
    Those prove that it can be done; construction and rate here are elementary.

    target f(x) for arrays x; steepness > 0 per unit of x (200 * pieces makes visible corners).
    """
    edges, width = _edges(pieces, low, high)
    middles = checks.values_of("target", target, edges[:-1] + width / 2)
    steepness = checks.real("steepness", steepness, 0, open_low=True)
    return Shallow(float(middles[0]), edges[1:-1], np.diff(middles), steepness)


def bumps(target, pieces, steepness, low=0.0, high=1.0):
    """A function from bumps: one per piece, as high as the function in the middle of the piece.

    A bump is the difference of two sigmoid steps, so there are 2 * pieces units: number 2j goes up
    at the left edge of piece j, number 2j + 1 down at its right edge. The two outermost edges lie
    one piece outside, so that the ends are covered. Neighbours share an edge: the sum is the
    staircase, written with twice as many units.
    """
    edges, width = _edges(pieces, low, high)
    heights = checks.values_of("target", target, edges[:-1] + width / 2)
    steepness = checks.real("steepness", steepness, 0, open_low=True)
    edges[0], edges[-1] = edges[0] - width, edges[-1] + width
    knots = np.stack([edges[:-1], edges[1:]], axis=1).ravel()
    return Shallow(0.0, knots, np.stack([heights, -heights], axis=1).ravel(), steepness)


def hinges(target, pieces, low=0.0, high=1.0):
    """A function from ReLU hinges: straight between the function's values at equal distances.

    `pieces` units, one at the left end of each piece; its weight is the change of slope there.
    The largest error is at most `interpolation_bound`: slope -2 in a log-log plot.
    Source: the error of linear interpolation, any numerical analysis textbook.
    """
    edges, width = _edges(pieces, low, high)
    values = checks.values_of("target", target, edges)
    slopes = np.diff(values) / width
    return Shallow(float(values[0]), edges[:-1], np.diff(slopes, prepend=0.0))


def _edges(pieces, low, high):
    pieces = checks.whole("pieces", pieces, 1, 4096)
    low = checks.real("low", low)
    high = checks.real("high", high, low, open_low=True)
    return np.linspace(low, high, pieces + 1), (high - low) / pieces


def staircase_bound(pieces, steepest, length=1.0):
    """steepest * length / (2 pieces): largest error of a staircase, steepest = max |f'|."""
    pieces = checks.whole("pieces", pieces, 1)
    return checks.real("steepest", steepest, 0) * checks.real("length", length, 0) / (2 * pieces)


def interpolation_bound(pieces, curvature, length=1.0):
    """curvature * (length / pieces)^2 / 8: largest error of hinges, curvature = max |f''|."""
    width = checks.real("length", length, 0) / checks.whole("pieces", pieces, 1)
    return checks.real("curvature", curvature, 0) * width**2 / 8


def maxout_square(x, pieces):
    """x^2 on [0, 1] as the maximum of `pieces` straight lines, the best possible: error 1/(8 k^2).

    The lines are the tangents in the middles of equal pieces, lifted by half of their error, so
    the error swings between -1/(8 k^2) and +1/(8 k^2), k = pieces. Interpolation at the same number
    of pieces has twice the error: all of it on one side.
    Source: one maxout unit can be any convex piecewise linear function (Goodfellow, Warde-Farley,
    Mirza, Courville & Bengio, Maxout networks, ICML 2013, arXiv:1302.4389); the optimum for x^2
    is derived here.
    """
    k = checks.whole("pieces", pieces, 1, 4096)
    middles = (np.arange(k) + 0.5) / k
    lines = np.multiply.outer(checks.finite("x", x), 2 * middles) - middles**2
    return lines.max(-1) + maxout_bound(k)


def maxout_bound(pieces):
    """1 / (8 k^2): largest error of `maxout_square`, k = pieces."""
    return 1 / (8 * checks.whole("pieces", pieces, 1) ** 2)


# ---------------------------------------------------------------- what depth buys


SHALLOW_SAWTOOTH_RMSE = 1 / 12**0.5
"""Standard deviation of a sawtooth between 0 and 1: what is left when only the mean is fitted."""


def zigzag(x, pieces=2):
    """0 -> 1 -> 0 -> ... in `pieces` straight pieces over [0, 1]; 2 is the tent map.

    The tent is two ReLU units on [0, 1], 2 relu(x) - 4 relu(x - 1/2), so a composition of k tents
    is a net with k hidden layers of two units. x an array, or a Fraction for exact values.
    """
    t = pieces * x % 2
    return np.minimum(t, 2 - t)  # not 1 - abs(1 - t): that would round small values


def sawtooth(x, depth, pieces=2):
    """zigzag composed with itself `depth` times: pieces^depth straight pieces, each from 0 to 1.

    Source: Telgarsky, Representation benefits of deep feedforward networks (2015,
    arXiv:1509.08101): 2^k points that 2k layers of two units separate without error, while l
    layers of at most 2^((k-3)/l - 1) units get at least one in six wrong.
    x in [0, 1], array-like; depth from 0 to 64 (for 2 pieces
    float64 is exact, and so every number ends at 0: each doubling uses up one of its bits).
    """
    x = checks.finite("x", x)
    for _ in range(checks.whole("depth", depth, 0, 64)):
        x = zigzag(x, pieces)
    return x


def sawtooth_layers(depth):
    """The sawtooth of 2^depth pieces as a ReLU net on [0, 1]: [(W, b), ...], depth + 1 layers.

    For `Net((1, *[2] * depth, 1), "relu").pack`: every hidden layer is relu(t), relu(t - 1/2) of
    the tent t = 2 h1 - 4 h2 that the layer before it made.
    """
    depth = checks.whole("depth", depth, 1, 64)
    tent, split = np.array([[2.0], [-4.0]]), np.ones((1, 2))
    shift = np.array([[0.0, -0.5]])
    inner = [(tent @ split, shift)] * (depth - 1)
    return [(split, shift), *inner, (tent, np.zeros((1, 1)))]


def sawtooth_knots(depth, pieces=2):
    """Ends and bends of the sawtooth as exact fractions, [(x, y), ...]: one piece between each two.

    Layer by layer: split every piece where it crosses j / pieces, then bend. Nothing is counted on
    a grid, which would miss pieces.
    """
    depth = checks.whole("depth", depth, 0, 16)
    pieces = checks.whole("pieces", pieces, 2, 16)
    checks.whole("pieces ** depth", pieces**depth, 1, 2**16)
    knots = [(Fraction(0), Fraction(0)), (Fraction(1), Fraction(1))]
    for _ in range(depth):
        split = [knots[0]]
        for left, right in zip(knots, knots[1:], strict=False):
            split += _crossings(left, right, pieces) + [right]
        knots = [(x, zigzag(y, pieces)) for x, y in split]
    return [knots[0]] + [k for k, *pair in _neighbours(knots) if _bends(k, *pair)] + [knots[-1]]


def _crossings(left, right, pieces):
    (x0, y0), (x1, y1) = left, right
    inside = [Fraction(j, pieces) for j in range(1, pieces)]
    found = [y for y in inside if min(y0, y1) < y < max(y0, y1)]
    return sorted((x0 + (y - y0) * (x1 - x0) / (y1 - y0), y) for y in found)


def _neighbours(knots):
    return zip(knots[1:-1], knots, knots[2:], strict=False)


def _bends(knot, before, after):
    (x, y), (x0, y0), (x1, y1) = knot, before, after
    return (y - y0) * (x1 - x) != (y1 - y) * (x - x0)


def deep_square(x, depth):
    """x^2 on [0, 1] by a deep net: x - sum over s = 1 ... depth of sawtooth(x, s) / 4^s.

    It is the interpolation of x^2 at 2^depth equal pieces, so its largest error is exactly
    `deep_square_bound`: each layer divides the error by 4, where hinges in one layer need twice as
    many units for that.
    Source: Yarotsky, Error bounds for approximations with deep ReLU networks, Neural Networks 94
    (2017, arXiv:1610.01145), Proposition 2 (number as stated from memory).
    """
    x = checks.finite("x", x)
    depth = checks.whole("depth", depth, 0, 25)
    tooth, square = x, x
    for s in range(1, depth + 1):
        tooth = zigzag(tooth)
        square = square - tooth / 4**s
    return square


def deep_square_bound(depth):
    """2^-(2 depth + 2): largest error of `deep_square`, reached in the middle of every piece."""
    return 2.0 ** -(2 * checks.whole("depth", depth, 0) + 2)


SINE_SLOPE, SINE_CURVATURE = 2 * pi, (2 * pi) ** 2
"""max |f'| and max |f''| of sin(2 pi x), for the two bounds above."""
