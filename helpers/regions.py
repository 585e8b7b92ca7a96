"""Regions: the pieces of input space on which a ReLU net is one affine map, found exactly.

A hidden unit switches where its pre-activation z is 0. In the plane the units of the first layer
switch on straight lines, deeper units on lines that bend wherever a unit below them switches. These
borders cut the plane into convex regions; in a region the same units are active (z > 0), and the
net is one affine map.

Nothing here looks at a grid, which misses narrow regions. Borders are found by solving z = 0 on
edges and on intervals, where z is affine. A corner of a polygon is kept as a *ray* (x1 h, x2 h, h)
with h >= 0: the point (x1, x2), or, with h = 0, the direction of a point at infinity. So the whole
plane is cut as easily as a box, and its far regions are as exact as the near ones.
"""

from math import atan2, comb, factorial, pi, prod, sqrt
from typing import NamedTuple

import numpy as np

from helpers import checks
from helpers.network import Net
from helpers.theory import collapse
from helpers.threads import one_blas_thread

ON_A_LINE = 1e-12  # |z| below this share of what z could be there counts as 0

# ---------------------------------------------------------------- how many there can be


def zaslavsky(lines, dimension=2, central=False):
    """Most regions that `lines` hyperplanes can cut a space of `dimension` into.

    1 + n + C(n, 2) + ... + C(n, d), reached in general position. With `central` they all contain
    the origin (units without biases): 2 (C(n-1, 0) + ... + C(n-1, d-1)), which is 2n in the plane.
    Source: Zaslavsky, Facing up to arrangements (1975), Memoirs of the AMS 154.
    """
    n = checks.whole("lines", lines, 0)
    d = checks.whole("dimension", dimension, 1)
    if central and n:
        return 2 * sum(comb(n - 1, k) for k in range(d))
    return sum(comb(n, k) for k in range(d + 1))


def montufar_bound(widths, inputs=2):
    """A number of regions that some ReLU net with hidden layers of these widths does reach.

    prod floor(n_l / n_0)^n_0 over all hidden layers but the last, times Zaslavsky's number of the
    last: a lower bound of the maximum, exponential in the depth. Every width must be at least
    `inputs`. With one input and equal widths n it is n^(L-1) (n + 1).
    Source: Montufar, Pascanu, Cho & Bengio, On the number of linear regions of deep neural networks
    (2014, NeurIPS, arXiv:1402.1869).
    """
    inputs = checks.whole("inputs", inputs, 1)
    widths = [checks.whole(f"widths[{k}]", width, inputs) for k, width in enumerate(widths)]
    if not widths:
        raise ValueError("widths must hold at least one hidden layer, got none")
    return prod((width // inputs) ** inputs for width in widths[:-1]) * zaslavsky(
        widths[-1], inputs
    )


def typical_regions(units, inputs=2):
    """N^d / d!: how the number of regions of a *typical* net grows with its N units, at any depth.

    The mean over random nets is at most this with N replaced by a constant times N.
    Source: Hanin & Rolnick, Deep ReLU networks have surprisingly few activation patterns (2019,
    NeurIPS, arXiv:1906.00904).
    """
    inputs = checks.whole("inputs", inputs, 1)
    return checks.whole("units", units, 0) ** inputs / factorial(inputs)


def breakpoints_per_unit(slope_std, bias_std, reach=1.0, layer=1):
    """Mean number of switches of a unit of a hidden layer between -reach and reach on a line.

    (2 / pi) atan(reach slope_std / (bias_std sqrt(layer))): on the whole line one, at every depth.
    Exact in the first layer, whose units are w t + b on a line through the origin; in deeper layers
    the limit of wide nets. slope_std is that of w (He: sqrt(2 / inputs) along a unit vector),
    bias_std that of all biases.

    Derived here: in He's init E z(s) z(t) keeps E z'^2 = slope_std^2 and E z^2 = slope_std^2 t^2 +
    layer bias_std^2; integrate Rice's density of zeros (1944). Linear growth in the number of
    units: Hanin & Rolnick, Complexity of linear regions in deep networks (2019, arXiv:1901.09021).
    """
    slope_std = checks.real("slope_std", slope_std, 0, open_low=True)
    bias_std = checks.real("bias_std", bias_std, 0)
    reach = checks.real("reach", reach, 0, open_low=True)
    return 2 / pi * atan2(reach * slope_std, bias_std * sqrt(checks.whole("layer", layer, 1)))


# ---------------------------------------------------------------- lines in the plane


def line_regions(W, b):
    """Number of regions into which the lines x @ W + b = 0 cut the plane.

    W  (2, n), one column per line; b  (n,) or (1, n). Parallel lines, lines through one point and
    equal lines are counted right (to 12 digits). ValueError for a unit whose weights are both 0.

    A new line adds one region for every piece into which the lines before it have cut it.
    """
    W, b = _lines(W, b)
    normals = np.vstack([W, b]) / np.hypot(*W)
    return 1 + sum(_pieces(normals[:, k], normals[:, :k]) for k in range(W.shape[1]))


def _lines(W, b):
    W, b = checks.finite("W", W).astype(float), np.atleast_1d(checks.finite("b", b).astype(float))
    if W.ndim != 2 or len(W) != 2 or b.shape not in (W.shape[1:], (1, *W.shape[1:])):
        raise ValueError(f"W must be (2, n) and b (n,), got {W.shape} and {b.shape}")
    if (W == 0).all(axis=0).any():
        unit = int((W == 0).all(axis=0).argmax())
        raise ValueError(f"unit {unit} has the weights 0, 0: it has no line in the plane")
    return W, b.ravel()


def _pieces(line, others):
    """Pieces of a line (3,) = (w1, w2, b) between the lines `others` (3, k); 0 if it is among them.

    All with |w| = 1.
    """
    w = line[:2]
    cross = w[0] * others[1] - w[1] * others[0]
    along = w @ others[:2]  # 1 or -1 if parallel
    parallel = np.abs(cross) < ON_A_LINE
    if (parallel & (np.abs(others[2] - along * line[2]) < ON_A_LINE)).any():
        return 0
    normals, cross = others[:, ~parallel], cross[~parallel]
    foot = -line[2] * w  # the point of the line next to the origin
    places = np.sort(-(foot @ normals[:2] + normals[2]) / cross)
    apart = np.diff(places) > ON_A_LINE * (1 + np.abs(places[1:]))
    return 1 + len(places[:1]) + int(apart.sum())


# ---------------------------------------------------------------- along a line: breakpoints


class Breakpoints(NamedTuple):
    """Where the units of a net switch on a straight line through input space.

    t      (T,) places in order, 0 at the start and 1 at the end of the segment
    layer  (T,) hidden layer (from 0) and unit (T,) of the unit that switches there
    knots  (K,) the places again, each once, and 0 and 1 (on a whole line: 0); the net is affine
           between neighbours
    outputs  (K, outputs) of the net at the knots
    """

    t: np.ndarray
    layer: np.ndarray
    unit: np.ndarray
    knots: np.ndarray
    outputs: np.ndarray


def breakpoints(net, theta, start, end, whole_line=False):
    """`Breakpoints` of a ReLU net on the segment from `start` to `end`, points (inputs,).

    With `whole_line`, on the whole line through both. Layer by layer the zero of every unit between
    two neighbouring knots becomes a knot, by linear interpolation, which is exact there.
    """
    layers = _relu_layers(net, theta)
    start, end = _point("start", start, net), _point("end", end, net)
    # A knot is (h, h t): a place, or with h = 0 an end of the line at infinity.
    knots = np.array([[0.0, -1.0], [1.0, 0.0], [0.0, 1.0]] if whole_line else [[1, 0], [1, 1.0]])
    A, found = knots @ np.stack([start, end - start]), []
    for k, (W, b) in enumerate(layers):
        Z = A @ W + knots[:, :1] * b
        if k == len(layers) - 1:
            break
        knots, Z = _with_zeros(knots, Z)
        at, unit = _switches(Z)
        found.append((knots[at, 1] / knots[at, 0], np.full(len(at), k), unit))
        A = np.maximum(Z, 0)
    t, layer, unit = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order, finite = np.argsort(t, kind="stable"), knots[:, 0] > 0
    h = knots[finite, :1]
    places, first = np.unique(knots[finite, 1] / h[:, 0], return_index=True)
    return Breakpoints(t[order], layer[order], unit[order], places, (Z[finite] / h)[first])


def _with_zeros(knots, Z):
    """Knots (K, 2) and values Z (K, units) with a new knot wherever a unit is 0 between two."""
    left, right = Z[:-1], Z[1:]
    i, unit = np.nonzero((left < 0) & (right > 0) | (left > 0) & (right < 0))
    share = left[i, unit] / (left[i, unit] - right[i, unit])
    new_knots, new_Z = (a[i] + share[:, None] * (a[i + 1] - a[i]) for a in (knots, Z))
    new_Z[np.arange(len(i)), unit] = 0
    order = np.lexsort([np.r_[np.zeros(len(knots)), share], np.r_[np.arange(len(knots)), i]])
    return np.vstack([knots, new_knots])[order], np.vstack([Z, new_Z])[order]


def _switches(Z):
    """(knot, unit) of every knot where a unit is active on one side only."""
    active = (Z[:-1] > 0) | (Z[1:] > 0)  # between two knots
    at, unit = np.nonzero(active[1:] != active[:-1])
    return at + 1, unit


# ---------------------------------------------------------------- in the plane: polygons


class Regions(NamedTuple):
    """The plane, or a box of it, cut by all hidden units of a net with two inputs.

    corners  (R, K, 3) of convex polygons, as rays (x1 h, x2 h, h), in order around the polygon, the
             last one repeated. In a box every region is one polygon; the plane comes in four
             quadrants, and a region may be in up to four parts
    active   (R, N) which of all hidden units are active
    maps     (R, 3, outputs) of the net: output = (x1, x2, 1) @ map
    borders  (S, 2, 3) both ends of every cut, as rays
    layer    (S,) hidden layer (from 0) of the unit that switches there
    counts   (hidden layers,) regions that the first 1, 2, ... of them make
    """

    corners: np.ndarray
    active: np.ndarray
    maps: np.ndarray
    borders: np.ndarray
    layer: np.ndarray
    counts: np.ndarray


@one_blas_thread()
def split_plane(net, theta, reach=None):
    """`Regions` of a ReLU net with two inputs: in the box -reach <= x1, x2 <= reach, or everywhere.

    Unit by unit, every polygon with corners on both sides of z = 0 is cut in two.
    """
    layers = _relu_layers(net, theta)
    if net.sizes[0] != 2:
        raise ValueError(f"net must have 2 inputs to cut a plane into regions, got {net}")
    polygons = _Polygons(_quadrants() if reach is None else _box(reach))
    maps = np.tile(np.eye(3)[:, :2], (len(polygons.sizes), 1, 1))
    active, borders, counts = np.empty((len(maps), 0), bool), [], []
    for W, b in layers[:-1]:
        Z = _next(maps, W, b)
        origin, on, cuts = polygons.cut_by(Z)
        maps, active = Z[origin] * on[:, None], np.hstack([active[origin], on])
        borders.append(cuts)
        counts.append(_distinct(active) if reach is None else len(active))
    layer = np.repeat(np.arange(len(borders)), [len(cuts) for cuts in borders])
    return Regions(
        np.moveaxis(polygons.corners, 0, -1), active, _next(maps, *layers[-1]),
        np.concatenate(borders), layer, np.array(counts),
    )  # fmt: skip


def _next(maps, W, b):
    """Maps (R, 3, fan_out) from (x1, x2, 1) to z, given those to the activations before."""
    Z = maps @ W
    Z[:, 2] += b[0]
    return Z


def _distinct(active):
    """Different rows of a boolean array. A region is convex, so it has a pattern of its own."""
    rows = np.packbits(active, axis=1)
    return len(np.unique(rows.view(f"V{rows.shape[1]}")))


def _quadrants():
    """The whole plane: the origin and two directions at infinity each; (4, 3, 3)."""
    signs = [(1, 1), (-1, 1), (-1, -1), (1, -1)]
    return np.array([[[0, 0, 1], [s1, 0, 0], [0, s2, 0]] for s1, s2 in signs], float)


def _box(reach):
    r = checks.real("reach", reach, 0, open_low=True)
    return np.array([[[-r, -r, 1], [r, -r, 1], [r, r, 1], [-r, r, 1]]])


class _Polygons:
    """Convex polygons that are being cut.

    corners (3, R, K) as rays; the first `sizes` (R,) count, then the last of them is repeated.
    """

    def __init__(self, corners):
        self.corners = np.moveaxis(corners, -1, 0)
        self.sizes = np.full(len(corners), corners.shape[1])
        self.scale = np.abs(corners).max()

    def cut_by(self, Z):
        """Cut by all units of a layer, whose z is ray @ Z (R, 3, units) on the polygons there are.

        Returns for the new polygons which one they come from, origin (R',), and which units are
        active on them, on (R', units); and the cuts (S, 2, 3).
        """
        origin, on, cuts = np.arange(len(Z)), np.zeros((len(Z), Z.shape[2]), bool), []
        small = ON_A_LINE * self.scale * np.abs(Z).sum(axis=1)
        for unit in range(Z.shape[2]):
            z = np.einsum("crk,rc->rk", self.corners, Z[origin, :, unit])
            z[np.abs(z) <= small[origin, unit, None]] = 0
            on[:, unit] = z.max(axis=1) > 0
            cut = np.flatnonzero(on[:, unit] & (z.min(axis=1) < 0))
            if cut.size:
                origin, on = np.append(origin, origin[cut]), np.append(on, on[cut], axis=0)
                on[cut, unit] = False
                cuts.append(self._halve(cut, z[cut]))
        return origin, on, np.concatenate(cuts or [np.empty((0, 2, 3))])

    def _halve(self, cut, z):
        """Of each polygon keep z <= 0 in its place, and add z >= 0 at the end; return the cuts."""
        points, mine, crossing = _with_crossings(self.corners[:, cut], self.sizes[cut], z)
        low, low_sizes = _those(points, _woven(mine & (z <= 0), crossing))
        high, high_sizes = _those(points, _woven(mine & (z >= 0), crossing))
        ends, _ = _those(points, _woven(mine & (z == 0), crossing))
        most = max(self.corners.shape[2], low.shape[2], high.shape[2])
        self.corners = np.append(_filled(self.corners, most), _filled(high, most), axis=1)
        self.corners[:, cut] = _filled(low, most)
        self.sizes = np.append(self.sizes, high_sizes)
        self.sizes[cut] = low_sizes
        return np.moveaxis(ends, 0, -1)


def _with_crossings(corners, sizes, z):
    """Corners and, behind each, where the edge to the next one crosses z = 0: (3, C, 2 K).

    Also which corners count (C, K), and which edges cross (C, K).
    """
    after = np.arange(1, z.shape[1] + 1) % z.shape[1]
    z_after = z[:, after]
    crossing = (z < 0) & (z_after > 0) | (z > 0) & (z_after < 0)
    share = z / np.where(crossing, z - z_after, np.inf)
    between = corners + share * (corners[:, :, after] - corners)
    return _woven(corners, between), np.arange(z.shape[1]) < sizes[:, None], crossing


def _woven(a, b):
    """The columns of a and b in turn."""
    return np.stack([a, b], axis=-1).reshape(*a.shape[:-1], -1)


def _those(points, kept):
    """The kept (C, K) of the points (3, C, K), moved to the front, and how many there are (C,)."""
    sizes = kept.sum(axis=1)
    order = np.argsort(~kept, axis=1, kind="stable")
    places = np.minimum(np.arange(sizes.max()), sizes[:, None] - 1)
    polygon = np.arange(len(sizes))[:, None]
    return points[:, polygon, order[polygon, places]], sizes


def _filled(corners, most):
    """Corners (3, C, most): the last one is repeated."""
    more = most - corners.shape[2]
    return np.append(corners, np.repeat(corners[:, :, -1:], more, axis=2), axis=2)


# ---------------------------------------------------------------- inside one region


class LocalMap(NamedTuple):
    """The affine map that a net is near a point: output = J x + c, J (outputs, inputs)."""

    J: np.ndarray
    c: np.ndarray


def active_units(net, theta, X):
    """Which hidden units are active (z > 0) at the points X (..., inputs): (..., N), all layers."""
    _relu_layers(net, theta)
    Z = net.forward(theta, np.atleast_2d(X)).Z[:-1]
    on = np.concatenate([z > 0 for z in Z], axis=-1)
    return on if np.ndim(X) > 1 else on[0]


def local_map(net, theta, x):
    """The `LocalMap` of a ReLU net at one point x (inputs,).

    There the net is a *linear* net in which the inactive units are missing, and a stack of affine
    layers folds into one (`theory.collapse`). At a border, units with z = 0 count as inactive.
    """
    layers = _relu_layers(net, theta)
    on = np.split(active_units(net, theta, _point("x", x, net)), np.cumsum(net.sizes[1:-1])[:-1])
    kept = [(W * mask, b * mask) for (W, b), mask in zip(layers[:-1], on, strict=True)]
    W, b = collapse([*kept, layers[-1]])
    return LocalMap(W.T, b[0])


def _relu_layers(net, theta):
    """Layers of a single net, if it has hidden layers, all of ReLU, and a linear output."""
    if not isinstance(net, Net):
        raise TypeError(f"net must be a Net, got {checks.quoted(net)}")
    names = [act.name for act in net.acts]
    if names[-1] != "identity" or set(names[:-1]) != {"relu"}:
        raise ValueError(f"net must have hidden layers of relu and a linear output, got {net}")
    if np.ndim(theta) != 1:
        raise ValueError(f"theta must be that of one net, ({net.P},), got {np.shape(theta)}")
    return net.layers(checks.finite("theta", theta))


def _point(name, x, net):
    x = checks.finite(name, x).astype(float)
    if x.shape != net.sizes[:1]:
        raise ValueError(f"{name} must be a point ({net.sizes[0]},) for {net}, got {x.shape}")
    return x
