"""Why a deep linear net is one layer, and what that does not mean: four demos.

fold             a deep affine net and its single-layer twin on the same axes
is_it_linear     additivity and homogeneity of any activation, also of the learner's own
best_plane       the linear (3, k, 3) autoencoder against principal component analysis
learning_curves  depth changes how a linear net learns, though not what it can do

Each demo is a result, `compute_*` (pure), `build_*` (axes, once), `draw_*` (moves artists),
`describe_*` (the numbers in words) and the public function that makes the controls.
"""

from array import array
from functools import lru_cache, partial
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from matplotlib.patches import Polygon
from matplotlib.ticker import MaxNLocator

from helpers import style
from helpers.activations import ACTIVATIONS, Activation, affine, leaky_relu
from helpers.checks import one_of, quoted, real, truth, values_of, whole
from helpers.datasets import plane_cloud
from helpers.diagnostics import additivity_gap, homogeneity_gap
from helpers.diagnostics import rank as rank_of
from helpers.live import choice, live, number, toggle
from helpers.network import Net
from helpers.theory import (
    autoencoder_critical_points,
    collapse,
    half_time,
    mode_curve,
    principal_subspace,
    subspace_angle,
)

ROUNDING = 1e-12  # smaller differences are rounding: their digits say nothing


def _size(x):
    """A difference in words: three digits, or that it is rounding."""
    return f"< {ROUNDING:g}" if abs(x) < ROUNDING else f"{x:.3g}"


# --- Fold the layers ----------------------------------------------------------------------------

FEATURES = 8  # inputs and outputs of the folded net
DEPTHS, WIDTHS, BOTTLENECKS = (1, 30), (1, 32), (1, FEATURES)
SLOPES, OFFSETS, SEEDS = (-2.0, 2.0), (-2.0, 2.0), (0, 99)
LINE = np.linspace(-3, 3, 41)  # positions along the line through input space


class Fold(NamedTuple):
    """A deep net along a line through input space, and the best that one layer can do.

    deep, twin  (41,) first output of the net, and of its twin, at LINE
    largest     largest size of `deep` on the line, what the drawing is scaled by
    residual    largest difference between `deep` and `twin`, as a share of `largest`
    units       (depth + 1,) units per layer, inputs first
    narrowest   (depth + 1,) the narrowest layer so far
    ranks       (depth + 1,) rank of W' of the first k layers (NaN where no W' exists)
    strengths   (FEATURES,) singular values of the whole W', the largest first (NaN likewise)
    parameters  numbers in the deep net; the twin has FEATURES * (FEATURES + 1)
    bend        whether the activation bends at 0; then no W' exists, and the twin is the straight
                line that comes nearest
    """

    deep: np.ndarray
    twin: np.ndarray
    largest: float
    residual: float
    units: np.ndarray
    narrowest: np.ndarray
    ranks: np.ndarray
    strengths: np.ndarray
    parameters: int
    bend: bool


def compute_fold(*, depth=8, width=12, bottleneck=3, slope=1.5, offset=0.5, bend=False, seed=4):
    """Fold a net of `depth` layers (1 to 30) into one.

    width       units of a hidden layer (1 to 32)
    bottleneck  units of the middle hidden layer, if that is less than `width` (1 to 8)
    slope, offset  of the activation slope * z + offset (-2 to 2 each)
    bend        slope * max(z, 0) + offset instead
    seed        of the weights: orthogonal, so that only a narrow layer takes rank away
    """
    depth, width = whole("depth", depth, *DEPTHS), whole("width", width, *WIDTHS)
    bottleneck, bend = whole("bottleneck", bottleneck, *BOTTLENECKS), truth("bend", bend)
    net = _fold_net(depth, width, bottleneck, _between_layers(slope, offset, bend))
    theta, X = _fold_weights(net.sizes, whole("seed", seed, *SEEDS))
    deep = net.output(theta, X)
    if bend:
        twin, ranks, strengths = _straight(deep), np.full(depth + 1, np.nan), _NO_STRENGTHS
    else:
        W, b = collapse(net.layers(theta), slope, offset)
        twin, ranks = X @ W + b, _ranks(net.layers(theta), slope)
        strengths = np.linalg.svd(W, compute_uv=False)
    deep, twin, units = deep[:, 0], twin[:, 0], np.array(net.sizes)
    largest = np.abs(deep).max()
    return Fold(
        deep, twin, largest, np.abs(deep - twin).max() / largest, units,
        np.minimum.accumulate(units), ranks, strengths, net.P, bend,
    )  # fmt: skip


_NO_STRENGTHS = np.full(FEATURES, np.nan)


def _fold_net(depth, width, bottleneck, act):
    hidden = [width] * (depth - 1)
    if hidden:
        hidden[(depth - 1) // 2] = min(width, bottleneck)
    return Net((FEATURES, *hidden, FEATURES), act)


def _between_layers(slope, offset, bend):
    slope, offset = real("slope", slope, *SLOPES), real("offset", offset, *OFFSETS)
    if not bend:
        return affine(slope, offset)
    return Activation(
        "bent",
        r"a \max(z, 0) + c",
        lambda z: slope * np.maximum(z, 0) + offset,
        lambda z: slope * (z > 0),
        (-np.inf, np.inf),
        "affine with one bend at 0",
    )


@lru_cache(maxsize=32)
def _fold_weights(sizes, seed):
    """theta, and the points X (41, FEATURES) of a random line; drawn once per seed and shape."""
    rng = np.random.default_rng(seed)
    start, direction = 0.5 * rng.standard_normal(FEATURES), rng.standard_normal(FEATURES)
    X = start + LINE[:, None] * direction
    return Net(sizes, "identity").init(rng, "orthogonal", bias=0.5), X


def _straight(outputs):
    """The straight line nearest to each column of outputs (41, n): least squares in LINE."""
    basis = np.stack([np.ones_like(LINE), LINE], axis=1)
    return basis @ np.linalg.lstsq(basis, outputs)[0]


def _ranks(layers, slope):
    """Rank of W' after 0, 1, 2, ... layers."""
    products = accumulate((W for W, _ in layers), lambda W_so_far, W: slope * W_so_far @ W)
    return np.array([FEATURES, *map(rank_of, products)])


def build_fold(fig):
    """Left: net and twin along the line. Right: units and rank per layer; strengths of W'."""
    left, right = fig.subfigures(1, 2, width_ratios=(1.1, 1))
    net = left.subplots()
    net.set(xlim=(-3.1, 3.1), ylim=(-1.1, 1.1), yticks=(-1, 0, 1))
    net.set(xlabel="place on a line of inputs", ylabel="first output / its largest value")
    net.axhline(0, color="0.85", lw=1)
    layers, bars = right.subplots(2, 1, height_ratios=(1.25, 1))
    _build_layers(layers)
    bars.set(xlim=(0.4, FEATURES + 0.6), ylim=(0, 1.08), yticks=(0, 1))
    bars.set(xticks=range(1, FEATURES + 1), xlabel="number, the largest first")
    bars.set_title("singular values of W' / the largest")
    orange = style.ORANGE
    return {
        "key": net.set_title(""),
        "deep": net.plot([], [], animated=True, **style.MEASURED, color=style.BLUE)[0],
        "twin": net.plot([], [], animated=True, **style.THEORY)[0],
        "residual": style.beside_title(net, 0.46),
        "units": layers.stairs([], [0], baseline=0.4, fill=True, color="0.86", animated=True),
        "narrowest": layers.plot([], [], animated=True, **style.THEORY)[0],
        "ranks": layers.plot([], [], animated=True, **style.MEASURED, color=orange)[0],
        "strengths": bars.stairs(
            np.zeros(2 * FEATURES - 1), _BAR_EDGES, fill=True, color=orange, animated=True
        ),
        "no_map": bars.text(4.5, 0.5, "", ha="center", va="center"),
    }


# One `stairs` draws all the bars (a patch for each would cost four times as much): bar, gap, bar...
_BAR_EDGES = np.stack([np.arange(1, 9) - 0.3, np.arange(1, 9) + 0.3], axis=1).ravel()


_ZERO = 0.5  # where the log axis of the ranks shows a zero


def _build_layers(ax):
    ax.set(xlim=(-0.8, DEPTHS[1] + 0.8), yscale="log", ylim=(0.4, 40), xlabel="layer")
    ax.set_yticks([_ZERO, 1, 2, 4, 8, 16, 32], ["0", "1", "2", "4", "8", "16", "32"])
    ax.minorticks_off()
    ax.set_title("units (grey), rank of W' so far (dots)")


def draw_fold(artists, result):
    """Move everything; the curves are drawn as shares of the largest output."""
    scale = result.largest or 1.0
    layers = np.arange(len(result.units))
    artists["deep"].set_data(LINE, result.deep / scale)
    artists["twin"].set_data(LINE, result.twin / scale)
    artists["residual"].set_text(_size(result.residual))
    artists["units"].set_data(result.units, np.arange(len(result.units) + 1) - 0.5)
    artists["narrowest"].set_data(layers, result.narrowest)
    artists["ranks"].set_data(layers, np.maximum(_ZERO, result.ranks))
    artists["strengths"].set_data(_bars(result.strengths))
    return _say_which_twin(artists, result.bend)


def _say_which_twin(artists, bend):
    """The two texts that stand still; True if they have to be drawn again."""
    twin = "nearest straight line" if bend else "one layer (line)"
    key = f"deep net (dots), {twin}\nlargest difference:"
    changed = artists["key"].get_text() != key
    artists["key"].set_text(key)
    artists["no_map"].set_text("no W': the net bends" if bend else "")
    return changed


def _bars(strengths):
    values = np.zeros(2 * FEATURES - 1)
    values[::2] = np.nan_to_num(strengths / strengths[0]) if strengths[0] > 0 else 0.0
    return values


def _count(n, thing):
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def describe_fold(result):
    """The figure in words."""
    depth, narrowest = len(result.units) - 1, result.narrowest[-1]
    shape = f"{_count(depth, 'layer')}, {result.parameters:,} numbers, narrowest layer {narrowest}"
    if result.bend:
        verdict = "no single layer can stand in"
        if result.residual < ROUNDING:
            verdict = "no unit that counts switches on this line, by chance of the weights"
        return (
            f"A net of {shape}, with a bend in every hidden layer. The nearest straight line "
            f"misses it by {_size(result.residual)} of its largest output: {verdict}."
        )
    return (
        f"A net of {shape}. One layer of {FEATURES * (FEATURES + 1)} numbers does the same: "
        f"largest difference {_size(result.residual)} of the largest output {result.largest:.3g}. "
        f"The rank of W' is {result.ranks[-1]}."
    )


def fold(depth=8, width=12, bottleneck=3, slope=1.5, offset=0.5, bend=False, seed=4):
    """Show a deep net and its single-layer twin; arguments as for `compute_fold`."""
    return live(
        compute_fold,
        build_fold,
        draw_fold,
        describe_fold,
        controls={
            "depth": number(depth, *DEPTHS, 1, "depth", "layers"),
            "width": number(width, *WIDTHS, 1, "width", "units"),
            "bottleneck": number(bottleneck, *BOTTLENECKS, 1, "bottleneck", "units"),
            "slope": number(slope, *SLOPES, 0.1, "slope a of f(z) = a z + c"),
            "offset": number(offset, *OFFSETS, 0.1, "offset c"),
            "bend": toggle(bend, "bend: f(z) = a max(z, 0) + c"),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        call="linearity.fold",
        size=(8.4, 4.4),
    )


# --- Is it linear? ------------------------------------------------------------------------------

REACH = 3.0  # u and v go from -REACH to REACH, so that u + v and k u stay on the drawn curve
FACTORS = (-2.0, 2.0)
BENT_SLOPES, SHIFTS = (-1.0, 1.0), (-1.0, 1.0)
CURVE = np.linspace(-2 * REACH, 2 * REACH, 241)
PAIRS = 600  # random pairs (u, v), and as many (u, k)
NO_GAP = 1e-9  # gaps below this are rounding
LETTER_WIDTH = 0.6  # of points nearer to each other than this only one is named
YOURS = "yours"  # the name of the learner's own function in the list of activations
SHOWN = {"leaky_relu": "leaky_relu, slope a", "affine": "affine, a z + c", YOURS: "your function"}


class IsItLinear(NamedTuple):
    """Additivity and homogeneity of one activation, for chosen numbers and for random ones.

    name         of the activation
    curve        (241,) f at CURVE
    u, v, k      the chosen numbers; fu, fv, fuv, fku are f(u), f(v), f(u + v), f(k u)
    additivity   f(u + v) - f(u) - f(v)
    homogeneity  f(k u) - k f(u)
    pairs        (PAIRS, 2) random (u, v)
    adds_up      (PAIRS,) whether the pair has no additivity gap
    scales       share of random (u, k) without a homogeneity gap
    height       whatever u, v and k are, everything lies between -height and height
    """

    name: str
    curve: np.ndarray
    u: float
    v: float
    k: float
    fu: float
    fv: float
    fuv: float
    fku: float
    additivity: float
    homogeneity: float
    pairs: np.ndarray
    adds_up: np.ndarray
    scales: float
    height: float


def compute_is_it_linear(
    *, activation=None, u=2.0, v=-1.5, k=-1.0, slope=0.2, offset=1.0, f=None
):  # fmt: skip
    """Hold the two conditions of a linear function against an activation.

    activation  a name in ACTIVATIONS, "affine", or "yours" for f; None: f if given, else "relu"
    u, v        numbers from -3 to 3; k from -2 to 2
    slope       of leaky_relu below zero, and of affine (-1 to 1); offset of affine (-1 to 1)
    f           the learner's own function of one number (or of an array, number by number)
    """
    name = activation or ("relu" if f is None else YOURS)
    act = _chosen(name, slope, offset, f)
    u, v, k = real("u", u, -REACH, REACH), real("v", v, -REACH, REACH), real("k", k, *FACTORS)
    U, V, K = _random_numbers()
    curve, (fu, fv, fuv, fku) = act(CURVE), act(np.array([u, v, u + v, k * u])).tolist()
    small = NO_GAP * max(1, np.abs(curve).max())
    return IsItLinear(
        name, curve, u, v, k, fu, fv, fuv, fku,
        additivity_gap(act, [u], [v])[0], homogeneity_gap(act, [u], [k])[0],
        np.stack([U, V], axis=1), np.abs(additivity_gap(act, U, V)) <= small,
        np.mean(np.abs(homogeneity_gap(act, U, K)) <= small), _height(name, curve),
    )  # fmt: skip


def _chosen(name, slope, offset, f):
    """The function of that name; it takes and gives arrays (n,)."""
    slope, offset = real("slope", slope, *BENT_SLOPES), real("offset", offset, *SHIFTS)
    names = [*ACTIVATIONS, "affine"] + [YOURS] * (f is not None)
    one_of("activation", name, names)
    if name == YOURS:
        return lambda z: values_of("your function", f, z)
    records = {"leaky_relu": leaky_relu(slope), "affine": affine(slope, offset)}
    return records.get(name) or ACTIVATIONS[name]


def _height(name, curve):
    """Few different heights, and none that depends on a slider: every change redraws the axes."""
    reach = max(np.abs(curve).max(), 2 * np.abs(curve[np.abs(CURVE) <= REACH]).max())
    enough = [height for height in (2.5, 6.5) if height > reach]
    return 8.5 if name == "affine" else min(enough, default=1.06 * reach)


@lru_cache(maxsize=1)
def _random_numbers():
    """u, v and k of the random pairs, (PAIRS,) each: the same for every activation."""
    rng = np.random.default_rng(1)
    return *rng.uniform(-REACH, REACH, (2, PAIRS)), rng.uniform(*FACTORS, PAIRS)


def build_is_it_linear(fig):
    """The parallelogram of u and v, the ray through u, and the plane of all pairs (u, v)."""
    adding, scaling, plane = fig.subplots(1, 3)
    adding.set(title="f(u+v) - f(u) - f(v) =", xlabel="z (circle: f(u) + f(v))", ylabel="f(z)")
    scaling.set(title="f(k u) - k f(u) =", xlabel="z (circle: k f(u))")
    plane.set(title="no gap (dots):", xlabel="u", ylabel="v")
    plane.set(xlim=(-3.4, 3.4), ylim=(-3.4, 3.4), aspect="equal")
    for ax in (adding, scaling):
        ax.set_box_aspect(1)
        ax.set(xlim=(-6.6, 6.6), xticks=(-5, 0, 5))
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.axhline(0, color="0.85", lw=1)
        ax.axvline(0, color="0.85", lw=1)
    return {
        "axes": (adding, scaling),
        "adding": _marks(adding, "u", "v", "u+v"),
        "scaling": _marks(scaling, "u", "", "ku"),
        "additivity": style.beside_title(adding, 0.81),
        "homogeneity": style.beside_title(scaling, 0.62),
        "share": style.beside_title(plane, 0.66),
        "holds": plane.plot([], [], **_SMALL_DOTS, color=style.BLUE)[0],
        "fails": plane.plot([], [], **_SMALL_CROSSES, color=style.ORANGE)[0],
        "chosen": plane.plot([], [], "+", ms=22, mew=2, color=style.INK, animated=True)[0],
    }


_SMALL_DOTS = {**style.MEASURED, "markersize": 3.5, "animated": True}
_SMALL_CROSSES = {**_SMALL_DOTS, "marker": "x", "markeredgewidth": 1.2}
_ABOVE, _BELOW = (0, 8), (0, -18)  # where a letter stands, in points from its dot


def _marks(ax, *letters):
    """The curve, the construction (dashed), its end, the gap, and the points with their letters."""
    moving = {"animated": True}
    return {
        "curve": ax.plot([], [], **moving)[0],
        "construction": ax.plot([], [], "--", lw=1.2, color=style.INK, **moving)[0],
        "gap": ax.plot([], [], lw=5, color=style.VERMILLION, alpha=0.75, **moving)[0],
        "end": ax.plot([], [], "o", ms=8, mfc="white", mec=style.INK, **moving)[0],
        "points": ax.plot([], [], "o", ms=7, color=style.INK, **moving)[0],
        "letters": [
            _letter(ax, *letter) for letter in zip(letters, [_ABOVE, _BELOW, _ABOVE], strict=True)
        ],
    }


def _letter(ax, text, offset):
    return ax.annotate(
        text, (0, 0), offset, textcoords="offset points", ha="center", animated=True,
        annotation_clip=False,  # saves the question whether the dot is inside the axes
    )  # fmt: skip


def draw_is_it_linear(artists, result):
    """Move the constructions and recolour the pairs."""
    u, v, k = result.u, result.v, result.k
    fu, fv, total, times = result.fu, result.fv, result.fu + result.fv, result.k * result.fu
    points = [(u, fu), (v, fv), (u + v, result.fuv)]
    sides = [(0, 0), (u, fu), (u + v, total), (v, fv), (0, 0)]
    _draw_marks(artists["adding"], result, points, sides, (u + v, total))
    points = [(u, fu), (u, fu), (k * u, result.fku)]
    ray = [(u, fu), (0, 0), (k * u, times)]
    _draw_marks(artists["scaling"], result, points, ray, ray[-1])
    artists["additivity"].set_text(_signed(result.additivity))
    artists["homogeneity"].set_text(_signed(result.homogeneity))
    artists["share"].set_text(f"{result.adds_up.mean():.0%}")
    artists["holds"].set_data(*result.pairs[result.adds_up].T)
    artists["fails"].set_data(*result.pairs[~result.adds_up].T)
    artists["chosen"].set_data([u], [v])
    return _set_height(artists["axes"], result.height)


def _draw_marks(marks, result, points, construction, end):
    marks["curve"].set(data=(CURVE, result.curve), **style.look(result.name))
    marks["construction"].set_data(*zip(*construction, strict=True))
    marks["gap"].set_data([end[0], end[0]], [end[1], points[-1][1]])
    marks["end"].set_data([end[0]], [end[1]])
    marks["points"].set_data(*zip(*points, strict=True))
    named = [pair for pair in zip(marks["letters"], points, strict=True) if pair[0].get_text()]
    for k, (letter, place) in enumerate(named):
        letter.xy = place
        hidden = any(abs(place[0] - x) < LETTER_WIDTH for _, (x, _) in named[k + 1 :])
        letter.set_visible(not hidden)
    marks["letters"][-1].set_position(_ABOVE if points[-1][1] >= end[1] else _BELOW)


def _set_height(axes, height):
    if axes[0].get_ylim()[1] == height:
        return False
    for ax in axes:
        ax.set_ylim(-height, height)
    return True


def _signed(gap):
    return "0" if abs(gap) < NO_GAP else f"{gap:.3g}"


def describe_is_it_linear(result):
    """The figure in words."""
    r = result
    name = SHOWN[YOURS] if r.name == YOURS else r.name
    adds, scales = r.adds_up.mean(), r.scales
    linear = "No gap anywhere: linear." if adds == scales == 1 else "Not linear."
    return (
        f"{name}: f(u + v) = {r.fuv:.3g} and f(u) + f(v) = {r.fu + r.fv:.3g}, additivity gap "
        f"{_signed(r.additivity)}; f(k u) = {r.fku:.3g} and k f(u) = {r.k * r.fu:.3g}, "
        f"homogeneity gap {_signed(r.homogeneity)}. Without a gap: {adds:.0%} of {PAIRS} random "
        f"pairs (u, v) and {scales:.0%} of the pairs (u, k). {linear}"
    )


def is_it_linear(activation=None, u=2.0, v=-1.5, k=-1.0, slope=0.2, offset=1.0, f=None):
    """Show whether an activation is linear; `is_it_linear(f=my_function)` tests your own."""
    own = [] if f is None else [YOURS]
    names = {SHOWN.get(name, name): name for name in [*own, *ACTIVATIONS, "affine"]}
    call = "linearity.is_it_linear"
    return live(
        partial(compute_is_it_linear, f=f),
        build_is_it_linear,
        draw_is_it_linear,
        describe_is_it_linear,
        controls={
            "activation": choice(activation or (own or ["relu"])[0], names, "activation f"),
            "u": number(u, -REACH, REACH, 0.1, "u"),
            "v": number(v, -REACH, REACH, 0.1, "v"),
            "k": number(k, *FACTORS, 0.1, "k"),
            "slope": number(slope, *BENT_SLOPES, 0.1, "slope a (leaky_relu, affine)"),
            "offset": number(offset, *SHIFTS, 0.1, "offset c (affine)"),
        },
        call=f"{call}(f={_name(f)}, " if own else call,
        size=(8.4, 3.0),
    )


def _name(f):
    name = getattr(f, "__name__", "")
    return name if name.isidentifier() else "my_function"


# --- The best plane -----------------------------------------------------------------------------

MEANS, TURNS, STEPS = (0.0, 10.0), (0, 360), 3000
STARTS = 8  # random starts that are trained side by side
FRAMES = np.unique(np.append(0, np.geomspace(1, STEPS, 70).round())).astype(int)
ELEVATION = np.radians(18)  # of the camera above the plane
LOWEST, HIGHEST = 0.01, 2000.0  # ends of the axis of the squared error


class Autoencoder(NamedTuple):
    """A recorded training of STARTS linear autoencoders on a cloud X (300, 3)."""

    X: np.ndarray
    center: np.ndarray  # (3,) what was taken off X before the net saw it
    W2: np.ndarray  # (frames, STARTS, rank, 3) decoders: their rows span the network's plane
    losses: np.ndarray  # (frames, STARTS)


class BestPlane(NamedTuple):
    """The plane of a linear autoencoder against the plane of principal component analysis.

    angle      largest angle between the two, over all starts, in degrees
    off_theory the same between the network's and the one that theory predicts for it
    losses     (frames, STARTS) mean squared error at the steps FRAMES; `frame` is the one shown
    lowest     the smallest error that this net can reach; `saddles` its other critical points
    pca        error of the PCA plane
    cloud (300, 2), network, plane (5, 2) or NaN, sticks (3 n, 2): what is drawn, on the screen
    """

    rank: int
    offset: float
    centred: bool
    frame: int
    angle: float
    off_theory: float
    losses: np.ndarray
    lowest: float
    saddles: np.ndarray
    pca: float
    cloud: np.ndarray
    network: np.ndarray
    plane: np.ndarray
    sticks: np.ndarray


def compute_best_plane(*, rank=2, offset=0.0, centre=False, steps=STEPS, turn=30, seed=0):
    """Train a linear (3, rank, 3) autoencoder without biases and compare its plane with PCA's.

    rank    units of the hidden layer: 1 gives a line, 2 a plane, 3 all of space
    offset  how far the cloud lies from the origin, along its thin direction (0 to 10)
    centre  whether the mean is taken off before training
    steps   of gradient descent, 1 to 3000 (shown is the last recorded one that is not later)
    turn    of the camera, in degrees (0 to 360); seed of the cloud and of the starts
    """
    rank, offset = whole("rank", rank, 1, 3), real("offset", offset, *MEANS)
    centre, seed = truth("centre", centre), whole("seed", seed, *SEEDS)
    net = trained_autoencoder(rank, offset, centre, seed)
    frame = int(np.searchsorted(FRAMES, real("steps", steps, 1, STEPS), "right")) - 1
    pca, own = _planes(rank, offset, centre, seed)
    decoders = np.linalg.qr(net.W2[frame].mT)[0]
    camera = _camera(net.X, whole("turn", turn, *TURNS))
    middle = net.X.mean(0)
    reconstructed = net.center + (net.X - net.center) @ decoders[0] @ decoders[0].T
    return BestPlane(
        rank, offset, centre, frame,
        max(subspace_angle(basis, pca.basis) for basis in decoders),
        max(subspace_angle(basis, own.basis) for basis in decoders),
        net.losses, own.losses[0], own.losses[1:], pca.losses[0], net.X @ camera,
        _sheet(reconstructed, decoders[0], net.center) @ camera,
        _sheet(net.X, pca.basis, middle, middle) @ camera,
        _sticks(net.X, reconstructed) @ camera,
    )  # fmt: skip


class Planes(NamedTuple):
    """What theory says: a plane (3, rank), and the losses of all critical points, rising."""

    basis: np.ndarray
    losses: np.ndarray


@lru_cache(maxsize=64)
def _planes(rank, offset, centre, seed):
    """The PCA plane, and the plane that the net should find."""
    X = _cloud(offset, seed)
    return [
        Planes(
            principal_subspace(X, rank, centred),
            np.array([point.loss for point in autoencoder_critical_points(X, rank, centred)]),
        )
        for centred in (True, centre)
    ]


@lru_cache(maxsize=64)
def _cloud(offset, seed):
    return plane_cloud(np.random.default_rng(seed), 300, offset=(0, 0, offset)).X


@lru_cache(maxsize=64)
def trained_autoencoder(rank, offset, centre, seed):
    """Gradient descent on mean |x W1 W2 - x|^2, which needs no more than C = X'X / n.

    The learning rate is a quarter of 1 / (largest eigenvalue of C): half of what would diverge.
    """
    X = _cloud(offset, seed)
    center = X.mean(0) if centre else np.zeros(3)
    C = (X - center).T @ (X - center) / len(X)
    lr = 0.25 / np.linalg.eigvalsh(C)[-1]
    rng = np.random.default_rng([seed, 1])
    W1 = 0.1 * rng.standard_normal((STARTS, 3, rank))
    W2 = 0.1 * rng.standard_normal((STARTS, rank, 3))
    return Autoencoder(X, center, *_descended(C, W1, W2, lr))


def _descended(C, W1, W2, lr):
    """W2 and the loss at every step in FRAMES; W1 (STARTS, 3, rank), W2 (STARTS, rank, 3)."""
    decoders, losses, kept, same = [], [], set(FRAMES.tolist()), np.eye(3)
    for step in range(STEPS + 1):
        error = W1 @ W2 - same
        if step in kept:
            decoders.append(W2)
            losses.append((error * (C @ error)).sum((1, 2)))
        move = (2 * lr * C) @ error  # lr times the gradient of the loss with respect to W1 W2
        W1, W2 = W1 - move @ W2.mT, W2 - W1.mT @ move
    return np.array(decoders), np.array(losses)


def _camera(X, turn):
    """(3, 2): from space to the screen. The cloud's own axes are x, y and (upwards) z."""
    axes = np.linalg.svd(X - X.mean(0), full_matrices=False)[2].T
    axes[:, 2] *= np.sign(X.mean(0) @ axes[:, 2])
    a = np.radians(turn)
    across = [np.cos(a), np.sin(a), 0]
    up = [-np.sin(a) * np.sin(ELEVATION), np.cos(a) * np.sin(ELEVATION), np.cos(ELEVATION)]
    return axes @ np.transpose([across, up])


def _sheet(points, basis, *inside):
    """Corners (5, 3) of a rectangle in a plane, around the points and `inside`; rank 1: a line.

    basis (3, rank) is orthonormal; rank 3 is all of space and has no corners (NaN).
    """
    if basis.shape[1] == 3:
        return np.full((5, 3), np.nan)
    origin = inside[0]
    places = np.vstack([points, *inside]) - origin
    axes = np.linalg.svd((places - places.mean(0)) @ basis, full_matrices=False)[2]
    along = basis @ axes.T
    low, high = (places @ along).min(0), (places @ along).max(0)
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])[:, : basis.shape[1]]
    return origin + (low + corners * (high - low)) @ along.T


def _sticks(points, reconstructed, every=8):
    """Lines (3 n, 3) from points to their reconstructions, with NaN between them."""
    ends = np.full((len(points[::every]), 3, 3), np.nan)
    ends[:, 0], ends[:, 1] = points[::every], reconstructed[::every]
    return ends.reshape(-1, 3)


def build_best_plane(fig):
    """Left: the cloud with both planes. Right: the error while the nets learn."""
    space, losses = fig.subplots(1, 2, width_ratios=(1.25, 1))
    space.set(xlim=(-9, 9), ylim=(-4, 12.8), aspect="equal", xticks=[], yticks=[])
    space.set_title("angle to PCA plane (outline):")
    space.spines[:].set_visible(False)
    space.plot([0], [0], "+", ms=16, mew=2, color=style.INK)
    space.plot([0, 0], [0, -2.8], lw=1, color="0.7")
    space.text(0, -2.9, "origin", ha="center", va="top")
    _build_losses(losses)
    moving = {"animated": True}
    sheet = {"facecolor": (style.SKY, 0.55), "edgecolor": style.BLUE, "lw": 2.5}
    return {
        "network": space.add_patch(Polygon(np.zeros((5, 2)), **sheet, **moving)),
        "sticks": space.plot([], [], lw=1, color=style.VERMILLION, **moving)[0],
        "cloud": space.plot([], [], **_SMALL_DOTS, color=style.ORANGE)[0],
        "plane": space.plot([], [], **style.THEORY, **moving)[0],
        "angle": style.beside_title(space, 0.73),
        "losses": losses.plot(np.zeros((2, STARTS)), lw=1.2, color=style.BLUE, **moving),
        "now": losses.plot([], [], **style.MEASURED, color=style.BLUE, **moving)[0],
        "lowest": losses.plot([], [], **style.THEORY, **moving)[0],
        "saddles": losses.plot([], [], ":", lw=1.2, color=style.GREY, **moving)[0],
        "loss": style.beside_title(losses, 0.7),
    }


def _build_losses(losses):
    losses.set(xscale="log", xlim=(1, 4000), yscale="log", ylim=(LOWEST, HIGHEST))
    losses.set(xlabel="step of gradient descent", title="squared error, 8 starts:")
    losses.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
    losses.set_yticks([0.01, 0.1, 1, 10, 100], ["0.01", "0.1", "1", "10", "100"])
    losses.minorticks_off()
    losses.text(0.98, 0.97, "dark line: lowest possible\ndotted: saddles", va="top", ha="right",
                transform=losses.transAxes)  # fmt: skip


def draw_best_plane(artists, result):
    """Move the planes and the error curves (errors below the axis lie on its lower end)."""
    artists["network"].set_xy(result.network)
    artists["network"].set_visible(result.rank < 3)
    for name in ("cloud", "plane", "sticks"):
        artists[name].set_data(*getattr(result, name).T)
    losses, steps = np.maximum(result.losses, LOWEST), np.maximum(FRAMES, 1)
    for line, loss in zip(artists["losses"], losses.T, strict=True):
        line.set_data(steps, loss)
    artists["now"].set_data(np.full(STARTS, steps[result.frame]), losses[result.frame])
    artists["lowest"].set_data([1, STEPS], np.maximum([result.lowest] * 2, LOWEST))
    artists["saddles"].set_data(_levels(result.saddles))
    artists["angle"].set_text(f"{result.angle:.1f}°")
    artists["loss"].set_text(_error(result.losses[result.frame].max()))


def _levels(heights):
    """One line from the left to the right end at each height."""
    x = np.tile([1, STEPS, np.nan], len(heights))
    return x, np.repeat(heights, 3)


def describe_best_plane(result):
    """The figure in words."""
    r = result
    data = "centred" if r.centred else "not centred"
    return (
        f"Linear 3-{r.rank}-3 autoencoder, {STARTS} random starts, step {FRAMES[r.frame]}, cloud "
        f"at distance {r.offset:g} from the origin, {data}: largest squared error "
        f"{_error(r.losses[r.frame].max())}, the lowest possible is {_error(r.lowest)}. It lies "
        f"{r.angle:.2f} degrees off the PCA plane, whose error is {_error(r.pca)}, and "
        f"{r.off_theory:.2f} degrees off the plane that theory predicts."
    )


def _error(loss):
    return "0.000" if loss < 5e-4 else f"{loss:.3g}"


def best_plane(rank=2, offset=0.0, centre=False, steps=STEPS, turn=30, seed=0):
    """Show the plane of a linear autoencoder and PCA's; arguments as for `compute_best_plane`."""
    return live(
        compute_best_plane,
        build_best_plane,
        draw_best_plane,
        describe_best_plane,
        controls={
            "rank": number(rank, 1, 3, 1, "bottleneck", "units"),
            "offset": number(offset, *MEANS, 0.5, "distance of the cloud from the origin"),
            "centre": toggle(centre, "centre the data first"),
            "steps": number(steps, 1, STEPS, 0.05, "steps of gradient descent", log=True),
            "turn": number(turn, *TURNS, 5, "turn", "degrees"),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        call="linearity.best_plane",
        size=(8.4, 4.4),
    )


# --- Learning curves ----------------------------------------------------------------------------

STRONGEST, RATIOS, BEGINNINGS, RATES = (2.0, 4.0), (1.2, 2.0), (0.001, 0.1), (0.001, 0.01)
LAYERS = (1, 2, 3, 5)
MODES = 4  # strengths to learn
DOTS = 40  # per curve: some evenly in time, and one at each of these shares of the strength
SHARES = np.array([0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.98])
S_AXIS = np.geomspace(0.25, 4.3, 25)  # where the predicted half-times are drawn
T_ENDS = (5, 7, 10, 15, 20, 30, 40, 50, 70, 100, 150, 200)


class LearningCurves(NamedTuple):
    """How the MODES strengths of a deep linear net grow, by theory and by gradient descent.

    s        (MODES,) strengths to learn, the singular values of the target
    depth    layers of the net
    t_end    end of the time axis; time t = 2 * learning rate * step
    line, exact  (401,), (MODES, 401): the exact curves
    t, u     (MODES, DOTS): gradient descent
    error    largest |gradient descent - theory| / s over all dots
    half_predicted, half_measured  (MODES,) times at which u = s / 2 (NaN: not within t_end)
    half_line  predicted half-times at S_AXIS
    """

    s: np.ndarray
    depth: int
    t_end: float
    line: np.ndarray
    exact: np.ndarray
    t: np.ndarray
    u: np.ndarray
    error: float
    half_predicted: np.ndarray
    half_measured: np.ndarray
    half_line: np.ndarray


def compute_learning_curves(*, strongest=4.0, ratio=2.0, start=0.001, depth=2, lr=0.001):
    """Train a linear net of `depth` layers (1, 2, 3 or 5) towards four strengths.

    strongest  the largest strength (2 to 4); each further one is `ratio` times smaller (1.2 to 2)
    start      every strength at the beginning (0.001 to 0.1), the same share from every layer
    lr         learning rate of gradient descent (0.001 to 0.01)

    With such a start the net splits into one chain of `depth` numbers per strength, which is what
    is trained here; tests hold it against the whole net.
    Source: Saxe, McClelland & Ganguli (2014), arXiv:1312.6120.
    """
    depth = _number_of_layers(depth)
    s = real("strongest", strongest, *STRONGEST) / real("ratio", ratio, *RATIOS) ** np.arange(MODES)
    start, lr = real("start", start, *BEGINNINGS), real("lr", lr, *RATES)
    half = half_time(s, start, depth)
    t_end = next(end for end in T_ENDS if end > 1.5 * half.max())
    paths = [_descended_mode(x, start, depth, lr, int(t_end / (2 * lr))) for x in s.tolist()]
    steps = np.array([_shown_steps(path, x) for path, x in zip(paths, s, strict=True)])
    u = np.array([path[shown] for path, shown in zip(paths, steps, strict=True)])
    t, line = 2 * lr * steps, np.linspace(0, t_end, 401)
    exact = np.array([mode_curve(dots, x, start, depth) for dots, x in zip(t, s, strict=True)])
    return LearningCurves(
        s, depth, t_end, line, mode_curve(line, s, start, depth).T, t, u,
        np.max(np.abs(u - exact) / s[:, None]), half,
        np.array([2 * lr * _crossing(path, x / 2) for path, x in zip(paths, s, strict=True)]),
        half_time(S_AXIS, start, depth),
    )  # fmt: skip


def _number_of_layers(depth):
    if whole("depth", depth, 1, max(LAYERS)) not in LAYERS:
        raise ValueError(f"depth must be one of {', '.join(map(str, LAYERS))}; got {quoted(depth)}")
    return int(depth)


def _shown_steps(path, s):
    """The steps (DOTS,) at which a path gets a dot."""
    even = np.linspace(0, len(path) - 1, DOTS - len(SHARES)).astype(int)
    rising = np.minimum(np.searchsorted(path, SHARES * s), len(path) - 1)
    return np.sort(np.concatenate([even, rising]))


def _descended_mode(s, start, depth, lr, steps):
    """u (steps + 1,) of gradient descent on (w^depth - s)^2 for each of `depth` equal weights w.

    Plain numbers: a thousand steps of an array with four entries take ten times as long.
    """
    w = start ** (1 / depth)
    u, others, path = start, depth - 1, array("d")
    for _ in range(steps + 1):
        path.append(u)
        w += 2 * lr * w**others * (s - u)
        u = w**depth
        if s - u < 1e-9:
            break
    return np.append(path, np.full(steps + 1 - len(path), s))


def _crossing(path, level):
    """The step, with a fraction, at which the rising path passes the level; NaN if it does not."""
    after = int(np.argmax(path >= level))
    if after == 0:
        return np.nan
    return after - (path[after] - level) / (path[after] - path[after - 1])


def build_learning_curves(fig):
    """Left: strengths against time. Right: half-times against strength."""
    curves, halves = fig.subplots(1, 2, width_ratios=(1.6, 1))
    fig.get_layout_engine().set(wspace=0.1)
    curves.set(ylim=(0, 4.4), xlabel="time = 2 x learning rate x step")
    curves.set_ylabel("strength learned")
    curves.set_title("learned: theory (lines), gradient descent (dots)")
    halves.set(xscale="log", yscale="log", xlim=(0.22, 4.6), ylim=(0.3, 200))
    halves.set(xlabel="strength s of the target", ylabel="time", title="until half is learned")
    halves.set_xticks([0.25, 0.5, 1, 2, 4], ["0.25", "0.5", "1", "2", "4"])
    halves.set_yticks([1, 10, 100], ["1", "10", "100"])
    halves.minorticks_off()
    moving, colors = {"animated": True}, [style.BLUE, style.VERMILLION, style.GREEN, style.ORANGE]
    return {
        "curves": curves,
        "theory": [curves.plot([], [], **style.THEORY, **moving)[0] for _ in colors],
        "dots": [curves.plot([], [], **style.MEASURED, color=c, **moving)[0] for c in colors],
        "labels": style.direct_labels(curves, [""] * MODES, [1, 2, 3, 4], colors, animated=True),
        "half_line": halves.plot([], [], **style.THEORY, **moving)[0],
        "halves": [halves.plot([], [], **_BIG_DOTS, color=c, **moving)[0] for c in colors],
    }


_BIG_DOTS = {**style.MEASURED, "markersize": 9}


def draw_learning_curves(artists, result):
    """Move the curves; True if the time axis had to change."""
    for k, s in enumerate(result.s):
        artists["theory"][k].set_data(result.line, result.exact[k])
        artists["dots"][k].set_data(result.t[k], result.u[k])
        artists["labels"][k].set_text(f"s = {s:.3g}")
        artists["halves"][k].set_data([s], [result.half_measured[k]])
    artists["half_line"].set_data(S_AXIS, result.half_line)
    style.place_labels(artists["curves"], artists["labels"], result.u[:, -1])
    changed = artists["curves"].get_xlim()[1] != result.t_end
    if changed:
        artists["curves"].set_xlim(0, result.t_end)
    return changed


def describe_learning_curves(result):
    """The figure in words."""
    r = result
    predicted = ", ".join(f"{t:.3g}" for t in r.half_predicted)
    measured = ", ".join(f"{t:.3g}" for t in r.half_measured)
    return (
        f"A linear net of {_count(r.depth, 'layer')} learns the strengths "
        f"{', '.join(f'{s:.3g}' for s in r.s)}. Half of each is learned at the times {predicted} "
        f"(theory) and {measured} (gradient descent). Largest difference between dots and lines: "
        f"{r.error:.1%} of the strength."
    )


def learning_curves(strongest=4.0, ratio=2.0, start=0.001, depth=2, lr=0.001):
    """Show how depth changes learning; arguments as for `compute_learning_curves`."""
    return live(
        compute_learning_curves,
        build_learning_curves,
        draw_learning_curves,
        describe_learning_curves,
        controls={
            "depth": choice(depth, {str(n): n for n in LAYERS}, "depth (layers)"),
            "strongest": number(strongest, *STRONGEST, 0.1, "largest strength"),
            "ratio": number(ratio, *RATIOS, 0.1, "each next one smaller by"),
            "start": number(start, *BEGINNINGS, 0.1, "strength at the start", log=True),
            "lr": number(lr, *RATES, 0.1, "learning rate", log=True),
        },
        call="linearity.learning_curves",
        size=(8.4, 4.0),
    )
