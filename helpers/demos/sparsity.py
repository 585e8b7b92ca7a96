"""Exact zeros: how many there are, what they depend on, and what they are good for.

half_are_zero  zero for this input, dead on this batch, dead on all the data: three counters, from
               layer to layer, of nets at their start
flips          two inputs at an angle: the units that are on for one of them only
codes          four famous claims about sparse codes, each against a dense code of the same net

Each demo is a result, `compute_*` (pure), `build_*` (axes, once), `draw_*` (moves artists),
`describe_*` (the numbers in words) and the public function that makes the controls.
"""

from functools import cache, lru_cache
from itertools import product
from math import acos, atan, comb, cos, erfc, pi, radians, sin, sqrt
from typing import NamedTuple

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.image import PcolorImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon, Wedge

from helpers import style
from helpers.activations import RELU, leaky_relu
from helpers.checks import one_of, real, whole
from helpers.datasets import Data, digits, split, standardise
from helpers.initializers import LECUN
from helpers.live import choice, live, number
from helpers.losses import accuracy
from helpers.mean_field import leaky_correlation, leaky_gain
from helpers.network import Net, forward
from helpers.threads import one_blas_thread
from helpers.training import Momentum, finish, part, training

SEEDS = (0, 99)
STATES = ("dead on all data", "dead on this batch", "zero for this input", "on for this input")
COLORS = (style.INK, style.BLUE, "#A6D0EC", "#FBE9C2")  # of the states: the darker, the more dead
_MOVING = {"animated": True}


# --- Half are zero ------------------------------------------------------------------------------

NETS, LAYERS, WIDTH, INPUTS = 8, 20, 64, 64
ANGLES, SCALES, BIASES, SPREADS = (5.0, 90.0), (0.1, 10.0), (-0.5, 0.5), (0.0, 1.0)


class Wide(NamedTuple):
    """Infinitely wide ReLU nets: means over all nets, in the layers 1, 2, ... .

    zero    (layers,) probability that a unit is zero for an input
    dead    (layers, counts) ... that it is zero for each of so many inputs
    always  (layers,) ... that it is on for each of the largest of these numbers of inputs
    """

    zero: np.ndarray
    dead: np.ndarray
    always: np.ndarray


class HalfAreZero(NamedTuple):
    """Which units are zero for which inputs, in nets that have not learned anything.

    batch   how many of the INPUTS inputs make up the batch; layer: the one that is looked at
    zero    (nets, layers) share of units that are zero, mean over the inputs
    on_batch, on_data  (nets, layers) share of units that are dead on the batch, on all the inputs
    always  (nets, layers) share of units that are on for all the inputs
    theory  Wide: the same for nets of infinite width, for 1, `batch` and INPUTS inputs
    states  (WIDTH, INPUTS) of the first net in that layer: a place in STATES for unit and input,
            the units that are on for most inputs first
    size    root mean square of z in that layer, over all nets, inputs and units
    """

    batch: int
    layer: int
    zero: np.ndarray
    on_batch: np.ndarray
    on_data: np.ndarray
    always: np.ndarray
    theory: Wide
    states: np.ndarray
    size: float


def compute_half_are_zero(
    *, layer=20, angle=90.0, batch=8, scale=1.0, bias=0.0, spread=0.0, seed=0
):
    """NETS random ReLU nets of LAYERS layers with WIDTH units, and INPUTS inputs.

    layer   to be looked at, 1 to 20
    angle   between any two of the inputs in degrees, 5 to 90
    batch   the first so many of the inputs, 1 to 64
    scale   of the weights: 1 is He's init, 0.1 to 10
    bias    mean of the biases, -0.5 to 0.5, and `spread`, 0 to 1, their standard deviation;
            the inputs have a mean square of 1
    seed    of weights and inputs, 0 to 99
    """
    layer, batch = whole("layer", layer, 1, LAYERS), whole("batch", batch, 1, INPUTS)
    angle, scale = real("angle", angle, *ANGLES), real("scale", scale, *SCALES)
    bias, spread = real("bias", bias, *BIASES), real("spread", spread, *SPREADS)
    zeros, sizes = _zeros(angle, scale, bias, spread, whole("seed", seed, *SEEDS))
    theory = wide(LAYERS, angle, scale, bias, spread, (1, batch, INPUTS))
    on_batch, on_data = zeros[..., :batch, :].all(-2), zeros.all(-2)
    zero = np.count_nonzero(zeros, axis=(-2, -1)) / zeros[0, 0].size
    shares = (zero, on_batch.mean(-1), on_data.mean(-1), 1 - zeros.any(-2).mean(-1))
    return HalfAreZero(
        batch, layer, *(share.T for share in shares), theory,
        _states(zeros[layer - 1, 0].T, batch), sizes[layer - 1],
    )  # fmt: skip


@lru_cache(maxsize=2)
@one_blas_thread()
def _zeros(angle, scale, bias, spread, seed):
    """Which are zero, (layers, nets, inputs, units); the root mean squares of z, (layers,)."""
    layers, directions = _drawn(_half_nets, seed)
    zeros, sizes = np.empty((LAYERS, NETS, INPUTS, WIDTH), bool), []
    a, z = np.empty((2, *zeros.shape[1:]))  # fresh memory for every layer takes twice as long
    for k, (W, b) in enumerate(layers):
        np.matmul(a if k else _at_one_angle(directions, angle), W, out=z)
        z *= scale
        z += bias + spread * b
        np.less_equal(z, 0, out=zeros[k])
        np.maximum(z, 0, out=a)
        sizes.append(sqrt(np.vdot(z, z) / z.size))
    return zeros, sizes


def _at_one_angle(directions, angle):
    """INPUTS inputs of mean square 1, any two of them at `angle`: part of each is common to all."""
    c, common, own = max(cos(radians(angle)), 0), directions[0], directions[1:]
    return sqrt(common.size) * (sqrt(c) * common + sqrt(1 - c) * own)


@lru_cache(maxsize=1)  # 5 or 13 MB; a reader moves the sliders of one figure at a time
def _drawn(draw, seed):
    _drawn.cache_clear()  # else the last ones would stay in memory until these are made
    return draw(seed)


def _half_nets(seed):
    """The layers of the nets, He's init and biases of variance 1, and orthogonal unit vectors."""
    rng = np.random.default_rng([seed, 0])
    net = Net((INPUTS + 1, *[WIDTH] * LAYERS), "relu", "relu")
    layers = net.layers(net.init(rng, "he", lead=(NETS,), bias=1.0))
    directions = np.linalg.qr(rng.standard_normal((INPUTS + 1, INPUTS + 1)))[0]
    return [(W.copy(), b.copy()) for W, b in layers], directions  # views would keep all of theta


def _states(zero, batch):
    """STATES (units, inputs) from `zero` (units, inputs); the units that are on most first."""
    states = np.where(zero, 2, 3).astype(np.uint8)
    on_batch = zero[:, :batch].all(1)
    states[on_batch, :batch] = 1
    states[zero.all(1)] = 0
    return states[np.argsort(zero.sum(1), kind="stable")]


# --- The same in infinitely wide nets -----------------------------------------------------------

_TINY = 1e-250  # a variance of 0 is this small: nothing is left to divide by


def wide(layers, angle, scale=1.0, bias=0.0, spread=0.0, counts=(1, INPUTS)):
    """`Wide` nets for inputs with mean square 1, any two of them at the same `angle` (0 to 90).

    A unit's z for these inputs are Gaussian with mean `bias`, variance q and covariance C, alike
    for all pairs: z_i = bias + sqrt(C) g + sqrt(q - C) e_i with independent normal g and e_i. Given
    g the inputs are independent, so only a mean over g is left, and nothing but q and C has to be
    taken from layer to layer (Cho & Saul 2009 for bias = 0; the mean over g is derived here).
    """
    zero, on, weights = _wide(layers, angle, scale, bias, spread)
    dead = np.stack([((1 - on) ** n * weights).sum(1) for n in counts], axis=1)
    return Wide(zero.copy(), dead, (on ** max(counts) * weights).sum(1))


@lru_cache(maxsize=2)
def _wide(layers, angle, scale, bias, spread):
    """(layers,) share of zeros; (layers, nodes) P(z > 0 | g) at nodes of g, and their weights."""
    weight, noise = 2 * scale**2, spread**2  # He's init: variance 2 / fan_in
    q, C = weight + noise, weight * max(cos(radians(angle)), 0) + noise
    probabilities, zero = [], []
    for _ in range(layers):
        probability, rectified, weights = _given_the_common_part(q, C, bias)
        probabilities.append((probability, weights))
        zero.append(_cdf(-bias / sqrt(q)))
        q, C = (
            max(weight * moment + noise, _TINY)
            for moment in (_second_moment(q, bias), weights @ rectified**2)
        )
        C = min(C, q)
    return np.array(zero), *map(np.array, zip(*probabilities, strict=True))


def _second_moment(q, bias):
    """E max(z, 0)^2 for z normal with mean `bias` and variance q."""
    t = bias / sqrt(q)
    return q * ((t * t + 1) * _cdf(t) + t * _density(min(t, 40.0)))


def _given_the_common_part(q, C, bias):
    """At nodes of g: P(z > 0 | g), E max(z, 0) | g, and the weights of the nodes."""
    own = sqrt(max(q - C, 1e-14 * q))
    turn = -bias / sqrt(max(C, 1e-14 * q))  # where the unit is as often on as off
    g, weights = _nodes(turn)
    t = np.clip((bias + sqrt(C) * g) / own, -38, None)
    on = _cdfs(t)
    return on, own * (t * on + _density(np.minimum(t, 38))), weights


@lru_cache(maxsize=1)
def _half_rule():
    x, weights = np.polynomial.legendre.leggauss(48)
    return (x + 1) / 2, weights / 2


def _nodes(turn):
    """Quadrature for a standard normal g, close together around `turn`."""
    u, w = _half_rule()
    turn = min(max(turn, -9.0), 9.0)
    up, down = turn + (9 - turn) * u**3, turn - (9 + turn) * u**3
    lengths = np.concatenate([np.full(u.size, 9 - turn), np.full(u.size, 9 + turn)])
    g = np.concatenate([up, down])
    return g, lengths * np.tile(3 * u**2 * w, 2) * _density(g)


def _density(t):
    return np.exp(-np.square(t) / 2) / sqrt(2 * pi)


def _cdf(t):
    """Phi(t), the distribution function of a standard normal number, for one t."""
    return erfc(-t / sqrt(2)) / 2


@lru_cache(maxsize=1)
def _table():
    t = np.linspace(-9, 9, 9001)
    return t, np.array([_cdf(one) for one in t])


def _cdfs(t):
    """Phi for an array t, from a table: error below 2e-7, in a tenth of the time."""
    return np.interp(t, *_table())


# --- Half are zero: figure ----------------------------------------------------------------------

_ON_WHITE = {"zero": style.SKY, "on_batch": COLORS[1], "on_data": COLORS[0]}
_MARKERS = {"zero": "o", "on_batch": "s", "on_data": "X"}
_IN_AXES = {"xycoords": "axes fraction", "annotation_clip": False, "in_layout": False, **_MOVING}
_NOW = {"color": style.VERMILLION, "lw": 1.5, "animated": True}
_KEY = {"handlelength": 1.2, "handletextpad": 0.5, "columnspacing": 1.6, "borderaxespad": 0.2}


def build_half_are_zero(fig):
    """Left: the three counters, layer by layer. Right: units and inputs in one layer of one net."""
    left, right = fig.subplots(1, 2, width_ratios=(1.25, 1))
    left.set(xlim=(0.4, LAYERS + 0.6), ylim=(-0.02, 1.02), xlabel="layer")
    left.set(xticks=[1, *range(5, LAYERS + 1, 5)], yticks=(0, 0.25, 0.5, 0.75, 1))
    left.set_yticklabels(["0", "25 %", "50 %", "75 %", "100 %"])
    left.set_title(f"share of units ({NETS} nets; line: theory)")
    fig.legend(handles=_states_key(), loc="outside lower center", ncols=4, **_KEY)
    return {
        "now": left.axvline(0, **{**_NOW, "color": style.GREY}),
        "counters": [_build_counter(left, name) for name in _MARKERS],
        **_build_states(right),
    }


def _build_counter(ax, name):
    color = _ON_WHITE[name]
    band = ax.add_patch(Polygon(np.zeros((3, 2)), **style.band(color), **_MOVING))
    line = ax.plot([], [], **style.THEORY, **_MOVING)[0]
    size = 8 if name == "zero" else 5  # seen behind the others
    look = {**style.MEASURED, "marker": _MARKERS[name], "markersize": size, "color": color}
    return band, line, ax.plot([], [], **look, **_MOVING)[0]


def _states_key():
    """What a colour means in both panels: three of them are counters with a marker."""
    looks = zip(STATES[2::-1], _MARKERS, strict=True)
    key = [
        Line2D([], [], ls="none", marker=_MARKERS[name], ms=8, color=_ON_WHITE[name], label=words)
        for words, name in looks
    ]
    return [*key, Patch(fc=COLORS[3], ec=style.GREY, label=STATES[3])]


def _build_states(ax):
    ax.set(xticks=(), yticks=(), ylabel=f"{WIDTH} units of one net")
    words = f"{INPUTS} inputs, the batch first\nroot mean square of z:"
    ax.set_xlabel(words, loc="left", ma="left")
    size = ax.annotate("", (0.55, 0), (0, -18.5), textcoords="offset points", va="top", **_IN_AXES)
    ax.spines[:].set_visible(True)
    cells = _cells(ax, ListedColormap(COLORS), (WIDTH, INPUTS), vmin=-0.5, vmax=3.5)
    for x, words in ((0.0, "layer"), (0.43, "always on,"), (0.86, "dead")):
        style.beside_title(ax, x).set(text=words, animated=False)
    numbers = [style.beside_title(ax, x) for x in (0.16, 0.42, 0.84)]
    for number_ in numbers[1:]:
        number_.set_ha("right")
    return {"states": cells, "edge": ax.axvline(0, **_NOW), "numbers": numbers, "size": size}


def _cells(ax, cmap, shape, **limits):
    """A moving image of so many rows and columns, half the work of imshow; see `_set_cells`."""
    rows, columns = map(np.arange, shape)
    ax.set(xlim=(-0.5, columns.size - 0.5), ylim=(rows.size - 0.5, -0.5))
    edges = np.arange(columns.size + 1) - 0.5, np.arange(rows.size + 1) - 0.5
    image = PcolorImage(ax, *edges, cmap=cmap, in_layout=False, **_MOVING)
    image.set_clim(limits["vmin"], limits["vmax"])
    return ax.add_image(image)


def _set_cells(image, values):
    """The first row on top."""
    rows, columns = values.shape
    image.set_data(np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5, values)


def draw_half_are_zero(artists, result):
    """Move everything."""
    layers = np.arange(1, LAYERS + 1)
    for counter, name, theory in zip(
        artists["counters"], _MARKERS, result.theory.dead.T, strict=True
    ):
        band, line, dots = counter
        shares = getattr(result, name)
        band.set_xy(_around(layers, shares.min(0), shares.max(0)))
        line.set_data(layers, theory)
        dots.set_data(layers, shares.mean(0))
    artists["now"].set_xdata([result.layer] * 2)
    _set_cells(artists["states"], result.states)
    artists["edge"].set_xdata([result.batch - 0.5] * 2)
    counts = (result.layer, *((result.states == state).all(1).sum() for state in (3, 0)))
    for text, count in zip(artists["numbers"], counts, strict=True):
        text.set_text(f"{count}")
    artists["size"].set_text(f"{result.size:.2g}")


def _around(x, low, high):
    """Corners of the band between two curves."""
    return np.column_stack([[*x, *x[::-1]], [*low, *high[::-1]]])


def _range(values, form=".0%"):
    """The mean over nets, and how far they lie apart."""
    values = np.asarray(values)
    return f"{values.mean():{form}} ({values.min():{form}} to {values.max():{form}})"


def describe_half_are_zero(result):
    """The figure in words."""
    r, k = result, result.layer - 1
    one, batch, data = (f"{share:.1%}" for share in r.theory.dead[k])
    return (
        f"Layer {r.layer} of {NETS} random ReLU nets with {WIDTH} units. Zero for an input: "
        f"{_range(r.zero[:, k])} of the units, theory for wide nets {one}. Dead on the batch of "
        f"{r.batch}: {_range(r.on_batch[:, k])}, theory {batch}. Dead on all {INPUTS} inputs: "
        f"{_range(r.on_data[:, k])}, theory {data}. Always on: {_range(r.always[:, k])}, theory "
        f"{r.theory.always[k]:.1%}. Root mean square of z: {r.size:.2g}."
    )


def half_are_zero(layer=20, angle=90.0, batch=8, scale=1.0, bias=0.0, spread=0.0, seed=0):
    """Show the three counters; arguments as for `compute_half_are_zero`."""
    return live(
        compute_half_are_zero,
        build_half_are_zero,
        draw_half_are_zero,
        describe_half_are_zero,
        controls={
            "layer": number(layer, 1, LAYERS, 1, "layer"),
            "batch": number(batch, 1, INPUTS, 1, "batch", "inputs"),
            "angle": number(angle, *ANGLES, 5.0, "angle between inputs", "degrees"),
            "scale": number(scale, *SCALES, 0.1, "weights, times He's init", log=True),
            "bias": number(bias, *BIASES, 0.05, "mean of the biases"),
            "spread": number(spread, *SPREADS, 0.05, "their standard deviation"),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        call="sparsity.half_are_zero",
        size=(8.4, 4.5),
    )


# --- Flips --------------------------------------------------------------------------------------

FLIP_NETS, FLIP_LAYERS, FLIP_WIDTH = 8, 20, 100
FLIP_ANGLES, LEAKS = (1.0, 180.0), (0.0, 1.0)
_FLIP_SHAPE = FLIP_NETS, FLIP_WIDTH, FLIP_WIDTH  # of the matrices of one layer


class Flips(NamedTuple):
    """Two inputs at an angle, and the units that are on for one of them only.

    layer    what is looked at: its units, and the two vectors a, a' that reach it
    differ   (nets, layers) share of units that are on for one of the two inputs only
    angles   (nets, layers) angle in degrees between the vectors that reach the layer
    theory   (layers,) the share in infinitely wide nets, which is the angle there over 180
    borders  (units,) of the first net in that layer: in the plane of a and a', the angle from a to
             the line where the unit switches, in degrees, 0 to 180
    flipped  (units,) whether the unit is on for one of the two only
    """

    layer: int
    differ: np.ndarray
    angles: np.ndarray
    theory: np.ndarray
    borders: np.ndarray
    flipped: np.ndarray


def compute_flips(*, angle=90.0, leak=0.0, layer=1, seed=0):
    """FLIP_NETS random nets of FLIP_LAYERS layers of FLIP_WIDTH units, without biases.

    angle  between the two inputs in degrees, 1 to 180
    leak   slope of the activation below zero: 0 is ReLU, 1 a linear net
    layer  to be looked at, 1 to 20; seed 0 to 99
    """
    angle, leak = real("angle", angle, *FLIP_ANGLES), real("leak", leak, *LEAKS)
    layer, seed = whole("layer", layer, 1, FLIP_LAYERS), whole("seed", seed, *SEEDS)
    Z, A = _two_inputs(angle, leak, seed)
    differ = np.stack([(z[:, 0] > 0) != (z[:, 1] > 0) for z in Z])
    W, a = _drawn(_flip_layers, seed)[layer - 1][0], A[layer - 1][0]
    return Flips(
        layer, differ.mean(-1).T, np.stack([_angle(a) for a in A[:-1]], axis=-1),
        _flip_theory(angle, leak), _borders(W, a), differ[layer - 1, 0],
    )  # fmt: skip


@one_blas_thread()
def _two_inputs(angle, leak, seed):
    """Pre-activations and activations (nets, 2, units) of every layer; A[0] is the inputs."""
    t, gain = radians(angle), leaky_gain(leak)
    a = np.zeros((FLIP_NETS, 2, FLIP_WIDTH))
    a[:, 0, 0], a[:, 1, 0], a[:, 1, 1] = 1, cos(t), sin(t)
    Z, A, f = [], [a * sqrt(FLIP_WIDTH)], (leaky_relu(leak) if leak else RELU).f
    for W in _drawn(_flip_layers, seed):
        Z.append(A[-1] @ W)
        A.append(f(gain * Z[-1]))
    return Z, A


def _flip_layers(seed):
    """Matrices (layers, nets, units, units), variance 1 / units."""
    rng, layers = np.random.default_rng([seed, 1]), np.empty((FLIP_LAYERS, *_FLIP_SHAPE))
    for layer in layers:
        layer[...] = LECUN.draw(rng, _FLIP_SHAPE)
    return layers


def _angle(pair):
    """Angle in degrees between the two vectors of pair (..., 2, units)."""
    pair = pair / np.linalg.norm(pair, axis=-1, keepdims=True)
    half = np.linalg.norm(pair[..., 0, :] - pair[..., 1, :], axis=-1) / 2
    return np.degrees(2 * np.arcsin(np.minimum(half, 1)))  # exact for small angles, arccos is not


def _flip_theory(angle, leak):
    """Share of units that differ, layer by layer, in infinitely wide nets: the angle over pi."""
    c, shares = cos(radians(angle)), []
    for _ in range(FLIP_LAYERS):
        shares.append(acos(c) / pi)
        c = min(max(leaky_correlation(c, leak), -1.0), 1.0)
    return np.array(shares)


def _borders(W, pair):
    """Direction (units,) of each unit's border in the plane of the two vectors, from the first."""
    first = pair[0] / np.linalg.norm(pair[0])
    second = pair[1] - (pair[1] @ first) * first
    if np.linalg.norm(second) < 1e-9 * np.linalg.norm(pair[1]):  # opposite: any plane will do
        second = _any_vector() - (_any_vector() @ first) * first
    second = second / np.linalg.norm(second)
    return np.degrees(np.arctan2(second @ W, first @ W) + pi / 2) % 180


@cache
def _any_vector():
    """(units,) not in the direction of any other vector here."""
    return LECUN.draw(np.random.default_rng([0, 1]), (FLIP_WIDTH, FLIP_WIDTH))[0]


# --- Flips: figure ------------------------------------------------------------------------------

_FLIPPED = style.VERMILLION


def build_flips(fig):
    """Left: the plane of two vectors, cut by units. Right: the share that differs, per layer."""
    left, right = fig.subplots(1, 2, width_ratios=(1.1, 1))
    right.set(xlim=(0.4, FLIP_LAYERS + 0.6), ylim=(-0.01, 1.02), xlabel="layer")
    right.set(xticks=(1, 5, 10, 15, 20), yticks=(0, 0.25, 0.5, 0.75, 1))
    right.set_yticklabels(["0", "25 %", "50 %", "75 %", "100 %"])
    right.set_title("units that differ: 8 nets (dots: mean)\nline: angle / 180 in wide nets")
    look = {**style.MEASURED, "color": _FLIPPED}
    return {
        **_build_plane(left),
        "now": right.axvline(0, **{**_NOW, "color": style.GREY}),
        "band": right.add_patch(Polygon(np.zeros((3, 2)), **style.band(_FLIPPED), **_MOVING)),
        "theory": right.plot([], [], **style.THEORY, **_MOVING)[0],
        "dots": right.plot([], [], **look, **_MOVING)[0],
    }


def _build_plane(ax):
    ax.set(xlim=(-1.15, 1.15), ylim=(-0.4, 1.18), aspect="equal", anchor="N", xticks=(), yticks=())
    ax.spines[:].set_visible(False)
    for x, words in ((0.0, "layer"), (0.27, "angle between a and a':")):
        style.beside_title(ax, x).set(text=words, animated=False)
    words = {"va": "center", "size": 12}
    ax.text(-1.1, -0.15, f"rays: borders of {FLIP_WIDTH} units of one net;", **words)
    ax.text(-0.9, -0.32, "lie between a and a': on for one only", color=_FLIPPED, **words)
    arrow = {"color": style.INK, "lw": 3, "solid_capstyle": "butt", **_MOVING}
    ax.text(1.08, -0.1, "a", ha="center", va="center", size=13)
    return {
        "wedge": ax.add_patch(Wedge((0, 0), 1, 0, 90, fc="#FBE3D6", lw=0, **_MOVING)),
        "same": ax.plot([], [], color="#B5B5B5", lw=1, **_MOVING)[0],
        "flipped": ax.plot([], [], color=_FLIPPED, lw=1.2, **_MOVING)[0],
        "vectors": ax.plot([], [], **arrow)[0],
        "name": ax.text(0, 0, "a'", ha="center", va="center", size=13, **_MOVING),
        "count": ax.text(-0.93, -0.32, "", ha="right", color=_FLIPPED, **words, **_MOVING),
        "layer": style.beside_title(ax, 0.15),
        "angle": style.beside_title(ax, 0.84),
    }


def draw_flips(artists, result):
    """Move everything."""
    r, layers, angle = result, np.arange(1, FLIP_LAYERS + 1), result.angles[0, result.layer - 1]
    artists["wedge"].set_theta2(angle)
    artists["same"].set_data(_rays(r.borders[~r.flipped]))
    artists["flipped"].set_data(_rays(r.borders[r.flipped]))
    x, y = cos(radians(angle)), sin(radians(angle))
    artists["vectors"].set_data([1, 0, x], [0, 0, y])
    artists["name"].set_position((1.09 * x, 1.09 * y))
    artists["count"].set_text(f"{r.flipped.sum()}")
    artists["layer"].set_text(f"{r.layer}")
    artists["angle"].set_text(f"{angle:.0f}°")
    artists["now"].set_xdata([r.layer, r.layer])
    artists["band"].set_xy(_around(layers, r.differ.min(0), r.differ.max(0)))
    artists["theory"].set_data(layers, r.theory)
    artists["dots"].set_data(layers, r.differ.mean(0))


def _rays(degrees):
    """One line with gaps: the outer parts of rays from the centre at these angles."""
    t = np.radians(degrees)
    ends = np.array([[0.4], [1.0], [np.nan]])
    return [(ends * part).T.ravel() for part in (np.cos(t), np.sin(t))]


def describe_flips(result):
    """The figure in words."""
    r, k = result, result.layer - 1
    return (
        f"Layer {r.layer}: two vectors at {_range(r.angles[:, k], '.1f')} degrees reach it, "
        f"{180 * r.theory[k]:.1f} in wide nets. On for one of the two inputs only: "
        f"{_range(r.differ[:, k], '.1%')} of the units of {FLIP_NETS} nets; theory, the angle over "
        f"180: {r.theory[k]:.1%}. In the picture {r.flipped.sum()} of {FLIP_WIDTH} units."
    )


def flips(angle=90.0, leak=0.0, layer=1, seed=0):
    """Show two inputs and the units between them; arguments as for `compute_flips`."""
    return live(
        compute_flips,
        build_flips,
        draw_flips,
        describe_flips,
        controls={
            "angle": number(angle, *FLIP_ANGLES, 1.0, "angle of the inputs", "degrees"),
            "layer": number(layer, 1, FLIP_LAYERS, 1, "layer"),
            "leak": number(leak, *LEAKS, 0.05, "slope below zero"),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        call="sparsity.flips",
        size=(8.4, 4.0),
    )


# --- Four claims about sparse codes -------------------------------------------------------------

CODE_NETS, CODE_WIDTH, PIXELS = 16, 64, 64
STEPS, BATCH, OPTIMIZER = 200, 50, Momentum(0.05)
TRAINING = 1000  # digits that nets and probes learn from; the others are for measuring
NOISY = 100  # of the others that get noise
TOGETHER = 2  # nets whose codes are in memory together
STAGES, CODE_LAYERS, NOISES = ("random", "trained"), (1, 2), (0.01, 1.0)
LEVELS = np.geomspace(*NOISES, 9)
RIDGE = 1e-3  # of the mean square of the code: keeps the probe's weights small
FIRST = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64])
CODES = {
    "relu": "ReLU", "pattern": "which units are on", "dense": "z of the same net",
    "tanh": "tanh net",
}  # fmt: skip
"""Codes of a digit: a = max(z, 0); only 0 or 1; z itself; and a = tanh(z) of another net."""


class Look(NamedTuple):
    """The codes of one layer, before or after training; every array is (..., CODE_NETS).

    flips     (levels, nets) share of ReLU units that switch when noise is added to the digit
    changes   {code: (levels, nets)} how far noise moves the code, over the distance of two digits
    sizes     (CODE_WIDTH + 1,) share of digits and nets with so many active units
    active    (nets,) active units per digit, mean; spread: standard deviation over the digits
    probe     {code: (nets,)} share of digits that a linear probe on the code gets right
    distinct  {"relu", "tanh": (len(FIRST), nets)} different patterns of signs of the first units
    """

    flips: np.ndarray
    changes: dict
    sizes: np.ndarray
    active: np.ndarray
    spread: np.ndarray
    probe: dict
    distinct: dict


class Coded(NamedTuple):
    """Digits, a ReLU and a tanh net of each seed, and a Look for every stage and layer.

    train, test  Data, standardised
    pixels    (NOISY, PIXELS) the digits of `test` that get noise, from 0 (white) to 1
    nets      {"relu", "tanh": (Net, {stage: theta (CODE_NETS, P)})}
    noise     (NOISY, PIXELS) directions of length 1
    accuracy  {"relu", "tanh": (CODE_NETS,)} of the trained nets themselves on the test digits
    looks     {(stage, layer): Look}
    """

    train: Data
    test: Data
    pixels: np.ndarray
    nets: dict
    noise: np.ndarray
    accuracy: dict
    looks: dict


class Codes(NamedTuple):
    """One look at a Coded, and what noise does to one digit.

    stage, layer, noise, digit  what is shown
    look       Look of that stage and layer
    theory     (levels,) share of flips of random units in wide nets: the angle over pi
    flips      (nets,) at this noise, and changes {code: (nets,)} likewise
    image      (PIXELS,) the digit with its noise, as pixels
    before, after  (CODE_WIDTH,) which units of the first net are on for it, without and with noise
    """

    record: Coded
    stage: str
    layer: int
    noise: float
    digit: int
    look: Look
    theory: np.ndarray
    flips: np.ndarray
    changes: dict
    image: np.ndarray
    before: np.ndarray
    after: np.ndarray


def record_codes(*, seed=0):
    """Generator: train CODE_NETS ReLU and tanh nets on digits, look at their codes; a Coded.

    seed  0 to 99, of the split of the digits, the starts and the noise. Sent "stop" it goes on to
    the end: it takes about a second.
    """
    rng = np.random.default_rng([whole("seed", seed, *SEEDS), 2])
    raw = split(digits(), rng, TRAINING)
    train, test = standardise(*raw)
    noise = rng.standard_normal((NOISY, PIXELS))
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    nets, accurate = {}, {}
    for k, act in enumerate(("relu", "tanh")):
        net = Net((PIXELS, *[CODE_WIDTH] * len(CODE_LAYERS), 10), act)
        start = net.init(np.random.default_rng([seed, 3]), lead=(CODE_NETS,))
        how = dict(steps=STEPS, batch=BATCH, optimizer=OPTIMIZER, record=[0])
        rng = np.random.default_rng([seed, 4])
        job = training(net, start, *train[:2], "softmax", rng=rng, **how)
        run = yield from part(job, 0.3 * k, 0.3 * (k + 1))
        nets[act] = net, {"random": start, "trained": run.theta}
        right = [accuracy(net.output(theta, test.X), test.Y) for theta in run.theta]
        accurate[act] = np.array(right)
    record = Coded(train, test, raw[1].X[:NOISY], nets, noise, accurate, {})
    for k, (stage, layer) in enumerate(product(STAGES, CODE_LAYERS)):
        job = part(_look(record, stage, layer), 0.6 + 0.1 * k, 0.7 + 0.1 * k)
        record.looks[stage, layer] = yield from job
    return record


def recorded_codes(**settings):
    """All of `record_codes` in one go."""
    return finish(record_codes(**settings))


def codes_of(record, stage, layer, X):
    """{code: (CODE_NETS, examples, CODE_WIDTH)} of standardised digits X (examples, PIXELS)."""
    z = {act: _pre_activations(*record.nets[act], stage, layer, X) for act in ("relu", "tanh")}
    return {
        "relu": np.maximum(z["relu"], 0),
        "pattern": (z["relu"] > 0).astype(float),
        "dense": z["relu"],
        "tanh": np.tanh(z["tanh"]),
    }


@one_blas_thread()
def _pre_activations(net, thetas, stage, layer, X):
    layers = net.layers(thetas[stage])[:layer]
    return forward(layers, net.acts[:layer], net.fitting(thetas[stage], X)).Z[-1]


def _look(record, stage, layer):
    """Generator: yields its progress, returns the Look of a stage and layer."""
    parts = []
    for first in range(0, CODE_NETS, TOGETHER):
        parts.append(_look_at(_some_nets(record, slice(first, first + TOGETHER)), stage, layer))
        yield (first + TOGETHER) / CODE_NETS
    look = Look(*(_side_by_side(field) for field in zip(*parts, strict=True)))
    return look._replace(sizes=look.sizes.sum(-1) / look.sizes.sum())


def _some_nets(record, some):
    """The Coded with some of its nets: the codes of all of them would take 60 MB."""
    nets = {
        act: (net, {stage: theta[some] for stage, theta in thetas.items()})
        for act, (net, thetas) in record.nets.items()
    }
    return record._replace(nets=nets)


def _side_by_side(parts):
    if isinstance(parts[0], dict):
        return {key: _side_by_side([part[key] for part in parts]) for key in parts[0]}
    return np.concatenate(parts, axis=-1)


def _look_at(record, stage, layer):
    """Look, but its sizes are numbers of digits for every net, (CODE_WIDTH + 1, nets)."""
    train, test = (codes_of(record, stage, layer, data.X) for data in (record.train, record.test))
    moved = [_moved(record, stage, layer, noise, test) for noise in LEVELS]
    labels, answers = record.train.Y, record.test.Y
    active = np.count_nonzero(test["relu"], axis=-1)
    return Look(
        np.array([flips for flips, _ in moved]),
        {code: np.array([changes[code] for _, changes in moved]) for code in CODES},
        np.array([np.bincount(one, minlength=CODE_WIDTH + 1) for one in active]).T,
        active.mean(-1), active.std(-1),
        {code: _probe(train[code], labels, test[code], answers) for code in CODES},
        {act: _distinct(test[act] > 0) for act in ("relu", "tanh")},
    )  # fmt: skip


def _moved(record, stage, layer, noise, clean=None):
    """Share of flips (nets,), and {code: (nets,)} how far noise moves the codes."""
    X = record.test.X[:NOISY]
    clean = clean or codes_of(record, stage, layer, X)
    noisy = codes_of(record, stage, layer, _noisy(X, record.noise, noise))
    changes = {code: _change(clean[code][:, :NOISY], noisy[code]) for code in CODES}
    return (clean["pattern"][:, :NOISY] != noisy["pattern"]).mean((-2, -1)), changes


def _noisy(X, directions, noise):
    """X with noise: `noise` times the length of X in each direction."""
    return X + noise * np.linalg.norm(X, axis=-1, keepdims=True) * directions


def _change(clean, noisy):
    """Root mean square of the change over that of the difference of two examples, (nets,)."""
    spread = 2 * (clean - clean.mean(-2, keepdims=True)) ** 2
    return np.sqrt(((noisy - clean) ** 2).mean((-2, -1)) / spread.mean((-2, -1)))


@one_blas_thread()
def _probe(train, labels, test, answers):
    """Share of right answers (nets,) of the best linear readout of a code: ridge regression."""
    mean, targets = train.mean(-2, keepdims=True), np.eye(10)[labels]
    centred, units = train - mean, np.eye(train.shape[-1])
    gram = centred.mT @ centred
    ridge = RIDGE * np.trace(gram, axis1=-2, axis2=-1) / len(units)
    W = np.linalg.solve(
        gram + ridge[:, None, None] * units, centred.mT @ (targets - targets.mean(0))
    )
    scores = test @ W - mean @ W + targets.mean(0)
    return (scores.argmax(-1) == answers).mean(-1)


def _distinct(on):
    """Number of different patterns (len(FIRST), nets) in the first k columns of `on`."""
    places = 2 ** np.arange(FIRST[-1], dtype=np.uint64)
    numbers = np.cumsum(on[..., : FIRST[-1]] * places, axis=-1, dtype=np.uint64)
    return np.array([[len(np.unique(one)) for one in numbers[..., k - 1]] for k in FIRST])


def compute_codes(*, record, net="trained", layer=2, noise=0.1, digit=0):
    """Look at a Coded (`record`).

    net    "random" or "trained"; layer 1 or 2
    noise  length of the noise over that of the digit, 0.01 to 1
    digit  which of the NOISY noisy digits is shown, 0 to 99
    """
    stage, layer = one_of("net", net, STAGES), whole("layer", layer, *CODE_LAYERS)
    noise, digit = real("noise", noise, *NOISES), whole("digit", digit, 0, NOISY - 1)
    flips, changes = _moved(record, stage, layer, noise)
    X = record.test.X[[digit]]
    both = np.concatenate([X, _noisy(X, record.noise[[digit]], noise)])
    network, thetas = record.nets["relu"]
    on = _pre_activations(network, {stage: thetas[stage][0]}, stage, layer, both) > 0
    return Codes(
        record, stage, layer, noise, digit, record.looks[stage, layer],
        np.array([_flips_by_noise(level, layer) for level in LEVELS]), flips, changes,
        _as_pixels(record, digit, both[1] - both[0]), *on,
    )  # fmt: skip


def _as_pixels(record, digit, change):
    """The digit with a `change` of its standardised pixels, which all have the same unit."""
    pair = record.pixels[:2], record.test.X[:2]
    unit, standardised = (np.linalg.norm(one - other) for one, other in pair)
    return record.pixels[digit] + unit / standardised * change


def _flips_by_noise(noise, layer):
    """Share of flips in wide random nets; the noise is at a right angle to the digit."""
    c = cos(atan(noise))
    for _ in range(layer - 1):
        c = leaky_correlation(c)
    return acos(c) / pi


def coin_tosses(places, digits):
    """Mean number of different patterns of `places` fair coins in so many `digits` throws."""
    boxes = 2.0 ** np.asarray(places)
    return -boxes * np.expm1(digits * np.log1p(-1 / boxes))


# --- Four claims: figure ------------------------------------------------------------------------

_LOOKS = {
    "relu": {"color": style.BLUE, "marker": "o"},
    "pattern": {"color": style.GREEN, "marker": "s"},
    "dense": {"color": style.PURPLE, "marker": "D"},
    "tanh": {"color": style.VERMILLION, "marker": "^"},
}
_UNITS = ListedColormap([COLORS[2], COLORS[3], style.VERMILLION])  # zero, on, switched by noise


def build_codes(fig):
    """Above: a digit, its code, and how far noise moves codes. Below: the other three claims."""
    above, below = fig.add_gridspec(2, 1)
    above = above.subgridspec(1, 3, width_ratios=(0.5, 0.5, 1.6))
    digit, units, noise = map(fig.add_subplot, above)
    sizes, probe, patterns = map(fig.add_subplot, below.subgridspec(1, 3))
    keys = [Line2D([], [], ls="none", ms=7, **_LOOKS[code], label=CODES[code]) for code in CODES]
    fig.legend(handles=keys, loc="outside lower center", ncols=4, **_KEY)
    return {
        "look": None, **_build_digit(digit, units), **_build_noise(noise),
        **_build_sizes(sizes), **_build_probe(probe), **_build_patterns(patterns),
    }  # fmt: skip


def _build_digit(digit, units):
    for ax, title in ((digit, "a digit"), (units, "its code")):
        ax.set(xticks=(), yticks=(), title=title)
        ax.spines[:].set_visible(True)
        ax.set_aspect("equal")
    units.set_xlabel("red: switched")
    digit.set_xlabel("with noise")
    return {
        "image": _cells(digit, "gray_r", (8, 8), vmin=0, vmax=1),
        "units": _cells(units, _UNITS, (8, 8), vmin=-0.5, vmax=2.5),
    }


def _build_noise(ax):
    ax.set(xscale="log", yscale="log", xlim=(0.009, 1.1), ylim=(0.001, 1.5))
    ax.set_xticks([0.01, 0.1, 1], ["1 %", "10 %", "100 %"])
    ax.set_yticks([0.001, 0.01, 0.1, 1], ["0.1 %", "1 %", "10 %", "100 %"])
    ax.minorticks_off()
    ax.set_title("a:             of the ReLU units switch")
    ax.text(0.0105, 0.75, "how far the codes move", va="top")
    ax.text(1, 0.0012, "units that switch (line: angle / 180°)", ha="right")
    ax.set_xlabel("noise / length of the digit", labelpad=1)
    curves = {
        code: ax.plot([], [], color=_LOOKS[code]["color"], lw=1.2)[0]
        for code in ("relu", "dense", "tanh")
    }
    dots = {
        code: ax.plot([], [], ls="none", ms=6, **_LOOKS[code], **_MOVING)[0] for code in CODES
    }
    return {
        "curves": curves, "dots": dots,
        "measured": ax.plot([], [], ls="none", ms=3.5, **_LOOKS["pattern"])[0],
        "flips": ax.plot([], [], **style.THEORY)[0], "switched": style.beside_title(ax, 0.04),
    }  # fmt: skip


def _build_sizes(ax):
    ax.set(xlim=(12, 52), ylim=(0, 0.16), xticks=(16, 32, 48), yticks=())
    ax.set_xlabel("active units of 64", labelpad=1)
    ax.set_title("b: sizes\n(line: tosses of a coin)")
    edges = np.arange(CODE_WIDTH + 2) - 0.5
    return {
        "sizes": ax.stairs(np.zeros(CODE_WIDTH + 1), edges, fill=True, color="#BFD9EA"),
        "tosses": ax.plot([], [], **style.THEORY)[0],
    }


def _build_probe(ax):
    ax.set(xlim=(-0.6, 3.6), ylim=(0.75, 1), xticks=())
    ax.set_yticks([0.8, 0.9, 1], ["80 %", "90 %", "100 %"])
    ax.set_xlabel(f"{CODE_NETS} nets each", labelpad=1)
    ax.set_title("c: right answers of\na linear probe")
    look = {"ls": "none", "ms": 5, "mew": 0, "alpha": 0.6}
    return {
        "probe": {code: ax.plot([], [], **look, **_LOOKS[code])[0] for code in CODES},
        "medians": ax.plot([], [], color=style.INK, lw=2)[0],
    }


def _build_patterns(ax):
    ax.set(xlim=(0, 66), ylim=(0, 850), xticks=(1, 16, 32, 48, 64), yticks=(0, 400, 797))
    ax.set_xlabel("units that are looked at", labelpad=1)
    ax.set_title("d: different patterns\n(line: tosses of a coin)")
    ax.plot(FIRST, coin_tosses(FIRST, 797), **style.THEORY)
    look = {"ls": "none", "ms": 5, "mew": 0}
    dots = {act: ax.plot([], [], **look, **_LOOKS[act])[0] for act in ("tanh", "relu")}
    return {"patterns": dots}


def draw_codes(artists, result):
    """Move what belongs to the noise; True for other codes, whose curves stand still."""
    a, r = artists, result
    _set_cells(a["image"], r.image.reshape(8, 8))
    _set_cells(a["units"], np.where(r.before != r.after, 2, r.after).reshape(8, 8))
    heights = {**{code: r.changes[code].mean() for code in CODES}, "pattern": r.flips.mean()}
    for code, dot in a["dots"].items():
        dot.set_data([r.noise], [heights[code]])
    a["switched"].set_text(_percent(r.flips.mean()))
    if a["look"] is r.look:
        return False
    a["look"] = r.look
    _draw_look(a, r)
    return True


def _percent(share):
    return f"{100 * share:.{2 if share < 0.1 else 1}f} %"


def _draw_look(artists, result):
    a, look = artists, result.look
    for code, curve in a["curves"].items():
        curve.set_data(LEVELS, look.changes[code].mean(1))
    a["measured"].set_data(LEVELS, look.flips.mean(1))
    a["flips"].set_data(LEVELS, result.theory)
    a["sizes"].set_data(look.sizes)
    a["tosses"].set_data(np.arange(CODE_WIDTH + 1), _binomial(look.active.mean() / CODE_WIDTH))
    side_by_side = np.linspace(-0.25, 0.25, CODE_NETS)
    for k, (code, dots) in enumerate(a["probe"].items()):
        dots.set_data(k + side_by_side, look.probe[code])
    middle = [np.median(look.probe[code]) for code in CODES]
    ends = [(k - 0.35, k + 0.35, np.nan) for k in range(len(CODES))]
    a["medians"].set_data(np.ravel(ends), np.repeat(middle, 3))
    for act, dots in a["patterns"].items():
        dots.set_data(FIRST, look.distinct[act].mean(1))


def _binomial(p):
    """Probability of 0, 1, ... active units if each is a coin, on with probability p."""
    k = np.arange(CODE_WIDTH + 1)
    ways = np.array([comb(CODE_WIDTH, n) for n in k], float)
    return ways * p**k * (1 - p) ** (CODE_WIDTH - k)


def describe_codes(result):
    """The figure in words."""
    r, look = result, result.look
    changes = ", ".join(f"{CODES[code]} {r.changes[code].mean():.1%}" for code in CODES)
    probe = ", ".join(f"{CODES[code]} {look.probe[code].mean():.1%}" for code in CODES)
    coin = np.sqrt(look.active * (1 - look.active / CODE_WIDTH)).mean()
    tens = list(FIRST).index(10)
    relu, tanh = (look.distinct[act][tens].mean() for act in ("relu", "tanh"))
    return (
        f"Layer {r.layer} of {CODE_NETS} {r.stage} nets. a: noise of {r.noise:.2%} of the digit "
        f"switches {r.flips.mean():.2%} of the units; it moves the codes by this share of the "
        f"distance of two digits: {changes}. b: {look.active.mean():.1f} of {CODE_WIDTH} units are "
        f"active, standard deviation over the digits {look.spread.mean():.1f} (coin tosses "
        f"{coin:.1f}). c: a linear probe has right: {probe}. d: patterns of the first 10 units: "
        f"{relu:.0f} of ReLU, {tanh:.0f} of tanh."
    )


def codes(net="trained", layer=2, noise=0.1, digit=0, seed=0):
    """Show four claims on trial; arguments as for `record_codes` and `compute_codes`."""
    return live(
        compute_codes,
        build_codes,
        draw_codes,
        describe_codes,
        record=record_codes,
        slow={"seed": number(seed, *SEEDS, 1, "seed")},
        controls={
            "noise": number(noise, *NOISES, 0.05, "noise / length of the digit", log=True),
            "net": choice(net, STAGES, "nets"),
            "layer": choice(layer, dict(zip(("1", "2"), CODE_LAYERS, strict=True)), "layer"),
            "digit": number(digit, 0, NOISY - 1, 1, "digit"),
        },
        call="sparsity.codes",
        size=(8.4, 4.8),
        button="Train",
    )
