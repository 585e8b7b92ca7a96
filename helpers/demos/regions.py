"""The pieces that ReLU units cut the plane into, counted exactly: three demos.

lines       one layer: every unit is a line, and lines make regions
deep        a deep net's regions, against the most there could be and against one layer
one_matrix  inside one region the net is one matrix: which one, and what happens at a border

Nothing is counted on a grid except where a grid is shown to fail: helpers.regions cuts polygons.
"""

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from helpers import style
from helpers.checks import one_of, real, truth, whole
from helpers.datasets import moons
from helpers.live import choice, live, number, toggle
from helpers.losses import LOGISTIC
from helpers.network import Net
from helpers.regions import (
    Regions,
    active_units,
    breakpoints,
    line_regions,
    local_map,
    montufar_bound,
    split_plane,
    zaslavsky,
)
from helpers.training import Momentum, finish, training

# Few active units pale, many dark: regions on two sides of a border differ by one active unit.
TINTS = LinearSegmentedColormap.from_list("active", ["#FFFFFF", "#C6DDEF", "#6FA9D6"])(
    np.linspace(0, 1, 11)
)
MOVING = {"animated": True}


def _count(n, thing):
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"


# --- Polygons on paper --------------------------------------------------------------------------


def _square(ax, reach):
    ticks = np.array([-1, 0, 1]) * (reach // 1 or reach)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=ticks, yticks=ticks, aspect="equal")
    ax.set_xlabel("x1")
    ax.set_ylabel("x2", rotation=0, labelpad=2)


def _tints(ax):
    """One patch for all polygons of a tint: a tenth of the time of a patch for each polygon."""
    return [_patch(ax, fc=tint, lw=0, zorder=0) for tint in TINTS]


def _patch(ax, **look):
    return ax.add_patch(PathPatch(Path(np.empty((0, 2))), **look, **MOVING))


def _paint(patches, polygons, active):
    """Show the polygons (R, K, 2), the one with most active (R,) units darkest."""
    above = active - active.min()
    tint = (above * (len(TINTS) - 1)) // max(above.max(), 1)
    for k, patch in enumerate(patches):
        patch.set_path(_outlines(polygons[tint == k]))


def _outlines(polygons):
    """One path of many closed polygons (R, K, 2)."""
    R, K, _ = polygons.shape
    codes = np.full((R, K + 1), Path.LINETO, Path.code_type)
    codes[:, 0], codes[:, -1] = Path.MOVETO, Path.CLOSEPOLY
    return Path(np.concatenate([polygons, polygons[:, :1]], axis=1).reshape(-1, 2), codes.ravel())


def _points(rays):
    return rays[..., :2] / rays[..., 2:]


def _broken(segments):
    """Segments (S, 2, 2) as one line (3 S, 2) with gaps."""
    gaps = np.full((len(segments), 1, 2), np.nan)
    return np.concatenate([segments, gaps], axis=1).reshape(-1, 2)


# --- Lines cut the plane ------------------------------------------------------------------------

MOST_LINES, GRIDS, SCALES, SEEDS = 20, (5, 100), (0.1, 3.0), (0, 99)
DIRECTIONS, SHIFTS = (0, 175), (-3.0, 3.0)
VIEW = 3.0  # the plane is drawn from -VIEW to VIEW in both directions


class Lines(NamedTuple):
    """The regions of one layer of units, each a line z = 0.

    W, b      (2, n) and (n,) weights and biases; unit 0 is the reader's
    regions   in the whole plane; theory: the most that n lines can make
    polygons  (R, K, 2) the regions in the picture, and active (R,) how many units are > 0 there
    missed    (R,) regions without a point of the grid
    segments  (n, 2, 2) of the lines
    grid      points per side; biased: whether there are biases
    """

    W: np.ndarray
    b: np.ndarray
    regions: int
    theory: int
    polygons: np.ndarray
    active: np.ndarray
    missed: np.ndarray
    segments: np.ndarray
    grid: int
    biased: bool


def compute_lines(
    *, lines=10, direction=30, shift=0.5, scale=1.0, no_biases=False, grid=25, seed=0
):  # fmt: skip
    """Cut the plane by `lines` units (1 to 20), z = w . x + b.

    direction, shift  of the reader's unit: where w points, 0 to 175 degrees, and how far its line
                      is from the origin in that direction, -3 to 3
    scale             standard deviation of the other biases, 0.1 to 3; all |w| are 1
    no_biases         every line goes through the origin
    grid              points per side of a grid that looks for regions, 5 to 100
    """
    n, grid = whole("lines", lines, 1, MOST_LINES), whole("grid", grid, *GRIDS)
    biased = not truth("no_biases", no_biases)
    angles, b = (drawn[:n].copy() for drawn in _random_lines(whole("seed", seed, *SEEDS)))
    b *= real("scale", scale, *SCALES)
    angles[0] = np.radians(real("direction", direction, *DIRECTIONS))
    b[0] = -real("shift", shift, *SHIFTS)
    W, b = np.array([np.cos(angles), np.sin(angles)]), b * biased
    net = Net((2, n, 1))
    split = split_plane(net, net.pack([(W, b), (np.ones((n, 1)), np.zeros(1))]), VIEW)
    codes = split.active @ 2 ** np.arange(n)
    return Lines(
        W, b, line_regions(W, b), zaslavsky(n, central=not biased), _points(split.corners),
        split.active.sum(axis=1), ~np.isin(codes, _seen_on_grid(W, b, grid)), _segments(W, b),
        grid, biased,
    )  # fmt: skip


@lru_cache(maxsize=32)
def _random_lines(seed):
    """Directions and biases of MOST_LINES lines; a prefix of them for fewer."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 2 * np.pi, MOST_LINES), rng.standard_normal(MOST_LINES)


def _seen_on_grid(W, b, grid):
    """Patterns, as whole numbers, at the middles of grid x grid squares."""
    places = VIEW * ((2 * np.arange(grid) + 1) / grid - 1)
    z = (W[0] * places[:, None])[:, None] + (W[1] * places[:, None] + b)  # (grid, grid, n)
    return np.unique((z > 0) @ 2 ** np.arange(len(b)))


def _segments(W, b):
    along = 3 * VIEW * np.array([-W[1], W[0]])
    return np.stack([-b * W - along, -b * W + along]).transpose(2, 0, 1)


def build_lines(fig):
    """Left: the plane with its lines and regions. Right: how many, and how many there can be."""
    plane, counts = fig.subplots(1, 2, width_ratios=(1, 1.05))
    _square(plane, VIEW)
    plane.set_title("the bluer, the more units are active")
    return {
        "tints": _tints(plane),
        "missed": _patch(plane, fc=style.VERMILLION, lw=0, zorder=1),
        "lines": plane.plot([], [], lw=1.0, color="#555555", **MOVING)[0],
        "own": plane.plot([], [], lw=3.0, color=style.GREEN, **MOVING)[0],
        **_build_counts(counts),
    }


_COUNTS = (
    ("in the whole plane", style.BLUE, "o"),
    ("in the picture", style.INK, "s"),
    ("found by the grid", style.VERMILLION, "D"),
)


def _build_counts(ax):
    n = np.arange(1, MOST_LINES + 1)
    ax.set(xlim=(0, 20.6), ylim=(0.8, 2500), yscale="log", xlabel="lines n", ylabel="regions")
    ticks = (1, 2, 5, 10, 20, 50, 100, 200, 1000)
    ax.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.minorticks_off()
    ax.set_xticks((1, 5, 10, 15, 20))
    ax.plot(n, [zaslavsky(k) for k in n], **style.THEORY)
    ax.plot(n, [zaslavsky(k, central=True) for k in n], **{**style.THEORY, "linestyle": "--"})
    ax.plot(n[:10], 2.0 ** n[:10], **{**style.THEORY, "linestyle": ":"})
    ax.text(16.3, 190, "1 + n + C(n, 2)", va="bottom", ha="right")
    ax.text(20.3, 16, "2n (no biases)", va="top", ha="right")
    ax.text(8.5, 600, "$2^n$", ha="right")
    moving = {}
    for k, (words, color, shape) in enumerate(_COUNTS):
        y = 0.99 - 0.085 * k
        look = {"color": style.readable(color), "transform": ax.transAxes, "va": "top"}
        ax.text(0.87, y, words, ha="right", **look)
        moving[f"dot {k}"] = ax.plot([], [], shape, ms=8, mew=0, color=color, **MOVING)[0]
        moving[f"number {k}"] = ax.text(0.99, y, "", ha="right", weight="bold", **look, **MOVING)
    return moving


def draw_lines(artists, result):
    """Move everything."""
    n = len(result.b)
    _paint(artists["tints"], result.polygons, result.active)
    artists["missed"].set_path(_outlines(result.polygons[result.missed]))
    artists["lines"].set_data(*_broken(result.segments[1:]).T)
    artists["own"].set_data(*result.segments[0].T)
    for k, count in enumerate(_three_counts(result)):
        artists[f"dot {k}"].set_data([n], [count])
        artists[f"number {k}"].set_text(f"{count}")


def _three_counts(result):
    return result.regions, len(result.missed), int(np.sum(~result.missed))


def describe_lines(result):
    """The figure in words."""
    n, (exact, shown, found) = len(result.b), _three_counts(result)
    formula = "1 + n + C(n, 2)" if result.biased else "2n"
    return (
        f"{_count(n, 'line')} cut the plane into {_count(exact, 'region')}; {formula} = "
        f"{result.theory}, and 2^n would be {2**n:,}. {shown} of them reach into the picture; a "
        f"grid of {result.grid} x {result.grid} points there finds {found} and misses "
        f"{shown - found} (red)."
    )


def lines(lines=10, direction=30, shift=0.5, scale=1.0, no_biases=False, grid=25, seed=0):
    """Show the lines of one layer and their regions; arguments as for `compute_lines`."""
    with_biases = {"no_biases": [False]}
    return live(
        compute_lines,
        build_lines,
        draw_lines,
        describe_lines,
        controls={
            "lines": number(lines, 1, MOST_LINES, 1, "units n (one line each)"),
            "direction": number(direction, *DIRECTIONS, 5, "your unit (green): direction", "deg"),
            "shift": number(shift, *SHIFTS, 0.1, "your unit: distance", when=with_biases),
            "scale": number(scale, *SCALES, 0.1, "size of the other biases", when=with_biases),
            "no_biases": toggle(no_biases, "no biases"),
            "grid": number(grid, *GRIDS, 1, "grid points per side"),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        call="regions.lines",
        size=(8.4, 3.8),
    )


# --- A deep net's regions -----------------------------------------------------------------------

MOST_LAYERS, WIDTHS, NETS, BIASES = 4, range(4, 17, 2), 8, (0.03, 3.0)
LINES = 8  # through the origin, on which the breakpoints of a net are counted
REACH = 1.0  # the picture goes from -REACH to REACH in both directions
LAYER_COLORS = (style.INK, style.BLUE, style.VERMILLION, style.GREEN)


class Counted(NamedTuple):
    """Nets of one width in the whole plane, each layer by layer.

    regions  (NETS, MOST_LAYERS) of the first 1, 2, ... layers
    breaks   (NETS, MOST_LAYERS) breakpoints per neuron of every layer, mean over LINES lines
    """

    regions: np.ndarray
    breaks: np.ndarray


class Deep(NamedTuple):
    """The regions of a deep net in a part of the plane, and in the plane.

    polygons   (R, K, 2) the regions in the picture; active (R,) how many units are > 0 there
    borders    one (S, 2) line with gaps for every layer
    knots      (T,) x1 of the breakpoints on the line x2 = 0 in the picture, per unit: `per_unit`
    regions    (NETS, layers) in the whole plane, of the first 1, 2, ... layers of all the nets of
               this width; net: the one in the picture, from 0
    shallow    (layers,) the most that one layer of as many units can have; and
    most       (layers,) what some net of these widths has at least (Montufar et al.)
    breaks     (NETS, layers) breakpoints per neuron and layer on a whole line, of all these nets
    """

    width: int
    polygons: np.ndarray
    active: np.ndarray
    borders: list
    knots: np.ndarray
    per_unit: float
    net: int
    regions: np.ndarray
    shallow: np.ndarray
    most: np.ndarray
    breaks: np.ndarray


def record_deep():
    """Generator: count regions and breakpoints of NETS nets of every width: {width: Counted}.

    In the whole plane both do not depend on the size of the biases, which only scales the picture.
    """
    counted = {}
    for done, width in enumerate(WIDTHS):
        pairs = []
        for seed in range(NETS):
            pairs.append(_counts(width, seed))
            yield (done + (seed + 1) / NETS) / len(WIDTHS)
        counted[width] = Counted(*(np.array(part) for part in zip(*pairs, strict=True)))
    return counted


def counted_nets():
    """All of `record_deep` in one go."""
    return finish(record_deep())


@cache
def _counts(width, seed):
    net, theta = _deep_net(width, seed)
    angles = np.pi * np.arange(LINES) / LINES
    breaks = [_per_layer(net, theta, [np.cos(a), np.sin(a)]) for a in angles]
    return split_plane(net, theta).counts, np.mean(breaks, axis=0) / width


def _per_layer(net, theta, step):
    layer = breakpoints(net, theta, [0, 0], step, whole_line=True).layer
    return np.bincount(layer, minlength=MOST_LAYERS)


@lru_cache(maxsize=64)
def _deep_net(width, seed):
    net = Net((2, *[width] * MOST_LAYERS, 1))
    return net, net.init(np.random.default_rng([width, seed]), "he", bias=1.0)


def compute_deep(*, record=None, layers=3, width=8, bias=0.3, net=1):
    """The regions of one of NETS random nets (He's init) in the picture, and counts of all.

    record  what `counted_nets` returns (None: that)
    layers  hidden layers, 1 to 4, of `width` units: 4, 6, ..., 16
    bias    standard deviation of the biases, 0.03 to 3;  net: 1 to 8
    """
    record = counted_nets() if record is None else record
    layers, width = whole("layers", layers, 1, MOST_LAYERS), _width(width)
    chosen = whole("net", net, 1, NETS) - 1
    shown, theta = _cut_short(width, chosen, layers, real("bias", bias, *BIASES))
    split = split_plane(shown, theta, REACH)
    on_line = breakpoints(shown, theta, [-REACH, 0], [REACH, 0]).t
    borders, units = _points(split.borders), width * np.arange(1, layers + 1)
    return Deep(
        width, _points(split.corners), split.active.sum(axis=1),
        [_broken(borders[split.layer == k]) for k in range(layers)],
        REACH * (2 * on_line - 1), len(on_line) / units[-1], chosen,
        record[width].regions[:, :layers],
        np.array([zaslavsky(int(n)) for n in units]),
        np.array([montufar_bound([width] * k) for k in range(1, layers + 1)]),
        record[width].breaks[:, :layers],
    )  # fmt: skip


def _width(width):
    width = whole("width", width, WIDTHS[0], WIDTHS[-1])
    if width not in WIDTHS:
        raise ValueError(f"width must be one of {', '.join(map(str, WIDTHS))}, got {width}")
    return width


def _cut_short(width, seed, layers, bias):
    """The first layers of a net, with biases of that size, and any output layer behind them."""
    net, theta = _deep_net(width, seed)
    first = [(W, bias * b) for W, b in net.layers(theta)[:layers]]
    short = Net((2, *[width] * layers, 1))
    return short, short.pack([*first, (np.ones((width, 1)), np.zeros(1))])


def build_deep(fig):
    """Left: regions in the picture. Right: regions and breakpoints, layer by layer."""
    left, right = fig.subfigures(1, 2, width_ratios=(1, 1.02))
    plane = left.subplots()
    _square(plane, REACH)
    plane.set_title("regions in the picture:")
    plane.axhline(0, color=style.PURPLE, lw=1.5, zorder=3, **MOVING)
    regions, breaks = right.subplots(2, 1, sharex=True, height_ratios=(1.5, 1))
    key = [_line(plane, color, k) for k, color in enumerate(LAYER_COLORS, start=1)]
    left.legend(handles=key, loc="outside lower center", ncols=4, **_KEY)
    return {
        "tints": _tints(plane),
        "borders": key,
        "knots": plane.plot([], [], "o", ms=5, color=style.PURPLE, zorder=4, **MOVING)[0],
        "shown": style.beside_title(plane, 0.7),
        **_build_regions(regions),
        **_build_breaks(breaks),
    }


_KEY = {"handlelength": 1.0, "handletextpad": 0.5, "columnspacing": 1.2, "borderaxespad": 0.2}


def _line(ax, color, layer):
    width = 1.8 if layer == 1 else 1.1
    return ax.plot([], [], color=color, lw=width, label=f"layer {layer}", zorder=2, **MOVING)[0]


def _build_regions(ax):
    ax.set(yscale="log", ylim=(3, 3e8))
    ax.set_yticks([10, 1e3, 1e5, 1e7], ["10", "1,000", "100,000", "10 million"])
    ax.minorticks_off()
    ax.set_title(f"regions of the whole plane, {NETS} nets")
    ax.text(0.02, 0.98, "dashed: some net reaches", transform=ax.transAxes, va="top")
    ax.text(0.99, 0.03, "line: one layer, as many units", transform=ax.transAxes, ha="right")
    large = {**style.MEASURED, "markersize": 8}
    return {
        "most": ax.plot([], [], **{**style.THEORY, "linestyle": "--"}, **MOVING)[0],
        "shallow": ax.plot([], [], **style.THEORY, **MOVING)[0],
        "all": ax.plot([], [], color=style.SKY, **style.MEASURED, **MOVING)[0],
        "this": ax.plot([], [], color=style.BLUE, **large, **MOVING)[0],
    }


def _build_breaks(ax):
    ax.set(xlim=(0.6, MOST_LAYERS + 0.4), xticks=range(1, MOST_LAYERS + 1), xlabel="layer")
    ax.set(ylim=(0, 2.2), yticks=(0, 1, 2))
    ax.set_title("breakpoints per neuron on a line")
    ax.axhline(1, **style.THEORY)
    return {
        "nets": ax.plot([], [], color=style.SKY, **style.MEASURED, **MOVING)[0],
        "mean": ax.plot([], [], "_", ms=22, mew=3, color=style.BLUE, **MOVING)[0],
    }


def draw_deep(artists, result):
    """Move everything."""
    layers = np.arange(1, len(result.shallow) + 1)
    _paint(artists["tints"], result.polygons, result.active)
    for k, line in enumerate(artists["borders"]):
        line.set_data(*(result.borders[k].T if k < len(layers) else ([], [])))
    artists["knots"].set_data(result.knots, np.zeros_like(result.knots))
    artists["shown"].set_text(f"{len(result.polygons):,}")
    artists["most"].set_data(layers, result.most)
    artists["shallow"].set_data(layers, result.shallow)
    artists["all"].set_data(np.tile(layers, NETS), result.regions.ravel())
    artists["this"].set_data(layers, result.regions[result.net])
    artists["nets"].set_data(np.tile(layers, NETS), result.breaks.ravel())
    artists["mean"].set_data(layers, result.breaks.mean(axis=0))


def describe_deep(result):
    """The figure in words."""
    r, layers, counts = result, len(result.shallow), result.regions[:, -1]
    units = layers * r.width
    means = ", ".join(f"{mean:.2f}" for mean in r.breaks.mean(axis=0))
    return (
        f"{_count(layers, 'hidden layer')} of {r.width} units ({units} in all): "
        f"{counts[r.net]:,} regions in the plane ({NETS} nets: {counts.min():,} to "
        f"{counts.max():,}), "
        f"{len(r.polygons):,} of them in the picture. One layer of {units} units: at most "
        f"{r.shallow[-1]:,}; N^2/2 = {units**2 // 2:,}; some net of this shape has at least "
        f"{r.most[-1]:,}. Breakpoints per neuron on a whole line, layer by layer, mean of {NETS} "
        f"nets: {means}; on the line in the picture: {r.per_unit:.2f}."
    )


def deep(layers=3, width=8, bias=0.3, net=1):
    """Show the regions of a deep net; arguments as for `compute_deep`."""
    return live(
        compute_deep,
        build_deep,
        draw_deep,
        describe_deep,
        controls={
            "layers": number(layers, 1, MOST_LAYERS, 1, "hidden layers"),
            "width": number(width, WIDTHS[0], WIDTHS[-1], WIDTHS.step, "units per layer"),
            "bias": number(bias, *BIASES, 0.1, "size of the biases", log=True),
            "net": number(net, 1, NETS, 1, "which random net"),
        },
        call="regions.deep",
        size=(8.4, 4.1),
        record=record_deep,
    )


# --- Inside one region --------------------------------------------------------------------------

SIDE = 2.0  # this plane is drawn from -SIDE to SIDE in both directions
KINDS = ("trained on moons", "random")
HIDDEN = (8, 8)
SAME = 1e-12  # smaller differences are rounding
HEAT = LinearSegmentedColormap.from_list("output", ["#80B8D8", "white", "#F2CF80"])
BANDS = 13  # of equal colour; inside a region their edges are parallel lines
AXIS = np.linspace(-SIDE, SIDE, 121)  # where the colours of the output are looked up


class Model(NamedTuple):
    """A net with all its regions in the picture, and its outputs on the grid AXIS x AXIS."""

    net: Net
    theta: np.ndarray
    regions: Regions
    heat: np.ndarray


class OneMatrix(NamedTuple):
    """The affine map of a net in the region that holds a point x.

    active    (16,) which hidden units are active at x, layer 1 first
    J, c      (2,) and a number: output = J . x + c in this region
    output    of the net at x; by_map: J . x + c
    residual  largest difference between net and map, at x and at all corners of the region
    region    (K, 2) its corners
    places, outputs  the net on the line through x along x1: knots (T,), affine between them
    inside    (2,) x1 where this line enters and leaves the region
    """

    model: Model
    x: np.ndarray
    active: np.ndarray
    J: np.ndarray
    c: float
    output: float
    by_map: float
    residual: float
    region: np.ndarray
    places: np.ndarray
    outputs: np.ndarray
    inside: np.ndarray


def record_one_matrix(*, net="trained on moons", seed=0):
    """Generator: a net 2-8-8-1, trained (300 steps) to tell two half-moons apart, or "random".

    Yields the progress and returns a Model. seed  of its weights (He's init), 0 to 99
    """
    kind, rng = one_of("net", net, KINDS), np.random.default_rng(whole("seed", seed, *SEEDS))
    net = Net((2, *HIDDEN, 1))
    theta = net.init(rng, "he", bias=0.5)
    if kind == "trained on moons":
        X, Y, _ = moons(rng, 200)
        run = yield from training(
            net, theta, X, Y, LOGISTIC, steps=300, optimizer=Momentum(0.1), record=1
        )
        theta = run.theta
    grid = np.stack(np.meshgrid(AXIS, AXIS), axis=-1).reshape(-1, 2)
    heat = net.output(theta, grid).reshape(AXIS.size, -1)
    return Model(net, theta, split_plane(net, theta, SIDE), heat)


def trained_model(**settings):
    """What `record_one_matrix` returns, in one go."""
    return finish(record_one_matrix(**settings))


def compute_one_matrix(*, record=None, x1=-0.9, x2=0.3):
    """The affine map of a net (`record`, a Model; None: the default) at (x1, x2), each -2 to 2."""
    model = trained_model() if record is None else record
    x = np.array([real("x1", x1, -SIDE, SIDE), real("x2", x2, -SIDE, SIDE)])
    J, c = local_map(model.net, model.theta, x)
    active = active_units(model.net, model.theta, x)
    region = _region_of(active, model.regions)
    places, outputs = _slice(model, x[1])
    return OneMatrix(
        model, x, active, J[0], c[0], *_both(model, J, c, x[None])[:, 0],
        np.ptp(_both(model, J, c, np.vstack([x, region])), axis=0).max(),
        region, places, outputs, _around(places, x[0]),
    )  # fmt: skip


def _region_of(active, regions):
    """Corners of the region with this pattern; on a border, where no other is nearer."""
    nearest = (regions.active == active).sum(axis=1).argmax()
    return _points(regions.corners[nearest])


def _both(model, J, c, X):
    """Outputs (2, n) at the points X (n, 2): by the net, and by the one matrix."""
    return np.stack([model.net.output(model.theta, X)[:, 0], X @ J[0] + c[0]])


def _slice(model, x2):
    found = breakpoints(model.net, model.theta, [-SIDE, x2], [SIDE, x2])
    return SIDE * (2 * found.knots - 1), found.outputs[:, 0]


def _around(places, x1):
    """The neighbouring knots on both sides of x1."""
    right = np.clip(np.searchsorted(places, x1, side="right"), 1, len(places) - 1)
    return places[[right - 1, right]]


def build_one_matrix(fig):
    """Left: the plane and the region. Right: the net along a line; pattern, J and c."""
    plane, right = fig.subfigures(1, 2, width_ratios=(1, 1.02))
    plane = plane.subplots()
    _square(plane, SIDE)
    plane.set_title("output of the net (colours), regions")
    along, numbers = right.subplots(2, 1, height_ratios=(1.25, 1))
    return {
        "model": None,
        "plane": plane,
        "heat": None,
        "borders": plane.plot([], [], lw=0.8, color="#777777")[0],
        "region": _patch(plane, fc="none", ec=style.VERMILLION, lw=2.5, zorder=3),
        "line": plane.plot([], [], lw=1.2, ls="--", color=style.PURPLE, **MOVING)[0],
        "x": plane.plot([], [], "o", ms=8, color=_RED, zorder=4, clip_on=False, **MOVING)[0],
        **_build_along(along),
        **_build_numbers(numbers),
    }


def _build_along(ax):
    ax.set(xlim=(-SIDE, SIDE), xlabel="x1 on the dashed line", ylabel="output")
    ax.set_title("the net (blue), J x + c (dark line)")
    return {
        "along": ax,
        "inside": ax.axvspan(0, 0, fc=style.VERMILLION, alpha=0.25, lw=0, **MOVING),
        "curve": ax.plot([], [], **style.look("relu"), **MOVING)[0],
        "map": ax.plot([], [], **style.THEORY, **MOVING)[0],
        "here": ax.plot([], [], "o", ms=8, color=_RED, clip_on=False, **MOVING)[0],
    }


_NUMBERS = ("J =", "c =", "J x + c =", "net(x) =", "difference in the region")


def _build_numbers(ax):
    ax.set(xlim=(0, 10), ylim=(0, 5.4))
    ax.axis("off")
    ax.text(0, 4.9, "active units (filled)")
    for row, layer in ((4.0, 1), (3.1, 2)):
        ax.text(0, row, f"layer {layer}", va="center")
    look = {"marker": "o", "ms": 9, "ls": "none", "mec": style.BLUE, "mew": 1.2}
    moving = {
        "on": ax.plot([], [], mfc=style.BLUE, **look, **MOVING)[0],
        "off": ax.plot([], [], mfc="white", **look, **MOVING)[0],
    }
    for k, (words, place) in enumerate(zip(_NUMBERS, _NUMBER_PLACES, strict=True)):
        x, y, gap = place
        ax.text(x, y, words)
        moving[f"number {k}"] = ax.text(x + gap, y, "", color=_RED, **MOVING)
    return moving


_RED = style.readable(style.VERMILLION)
_NUMBER_PLACES = ((0, 1.9, 0.8), (5.7, 1.9, 0.95), (0, 0.95, 2.1), (5.7, 0.95, 2.1), (0, 0, 5.4))
_DOTS = np.stack(np.meshgrid(2.4 + 0.95 * np.arange(8), (4.0, 3.1)), axis=-1).reshape(-1, 2)


def draw_one_matrix(artists, result):
    """Move everything; True for another net, whose picture stands still."""
    x1, x2 = result.x
    artists["region"].set_path(_outlines(result.region[None]))
    artists["line"].set_data([-SIDE, SIDE], [x2, x2])
    artists["x"].set_data([x1], [x2])
    artists["curve"].set_data(result.places, result.outputs)
    ends = np.array([-SIDE, SIDE])
    artists["map"].set_data(ends, result.J[0] * ends + result.J[1] * x2 + result.c)
    artists["here"].set_data([x1], [result.output])
    low, high = result.inside
    artists["inside"].set_x(low)
    artists["inside"].set_width(high - low)
    artists["on"].set_data(*_DOTS[result.active].T)
    artists["off"].set_data(*_DOTS[~result.active].T)
    for k, words in enumerate(_numbers(result)):
        artists[f"number {k}"].set_text(words)
    return _new_model(artists, result.model)


def _new_model(artists, model):
    if artists["model"] is model:
        return False
    artists["model"] = model
    if artists["heat"]:
        artists["heat"].remove()
    levels = np.abs(model.heat).max() * np.linspace(-1, 1, BANDS + 1)
    artists["heat"] = artists["plane"].contourf(
        AXIS, AXIS, model.heat, levels, cmap=HEAT, extend="both", zorder=0
    )
    artists["borders"].set_data(*_broken(_points(model.regions.borders)).T)
    artists["plane"].set(xlim=(-SIDE, SIDE), ylim=(-SIDE, SIDE))
    margin = 0.1 * np.ptp(model.heat) + 0.01
    artists["along"].set_ylim(model.heat.min() - margin, model.heat.max() + margin)
    return True


def _numbers(result):
    J = ", ".join(_plain(entry) for entry in result.J)
    residual = f"< {SAME:g}" if result.residual < SAME else f"{result.residual:.1g}"
    return f"({J})", *map(_plain, (result.c, result.by_map, result.output)), residual


def _plain(value):
    """Three digits behind the point, and no minus zero."""
    return f"{round(float(value), 3) + 0.0:.3f}"


def describe_one_matrix(result):
    """The figure in words."""
    first, second = result.active[: HIDDEN[0]], result.active[HIDDEN[0] :]
    J, c, by_map, output, residual = _numbers(result)
    patterns = " and ".join("".join(map(str, layer.astype(int))) for layer in (first, second))
    return (
        f"At x = ({_plain(result.x[0])}, {_plain(result.x[1])}) {first.sum()} + {second.sum()} of "
        f"8 + 8 units are active ({patterns}). In this region, one of "
        f"{len(result.model.regions.active)} in the picture, the net is J x + c with J = {J} and "
        f"c = {c}: J x + c = {by_map}, net(x) = {output}; largest difference in the region "
        f"{residual}."
    )


def one_matrix(x1=-0.9, x2=0.3, net="trained on moons", seed=0):
    """Show the one matrix that a net is around a point.

    Arguments as for `record_one_matrix` and `compute_one_matrix`.
    """
    return live(
        compute_one_matrix,
        build_one_matrix,
        draw_one_matrix,
        describe_one_matrix,
        controls={
            "x1": number(x1, -SIDE, SIDE, 0.05, "x1 of the point"),
            "x2": number(x2, -SIDE, SIDE, 0.05, "x2 of the point"),
        },
        call="regions.one_matrix",
        size=(8.4, 4.2),
        record=record_one_matrix,
        slow={
            "net": choice(net, list(KINDS), "net"),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        button="Make it",
    )
