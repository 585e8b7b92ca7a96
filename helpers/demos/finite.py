"""Nets that are not infinitely wide: what the mean over all nets hides.

typical          He's init keeps the mean length of the signal, and the typical ReLU net loses it
singular_values  a gradient may be kept on the whole while most of its directions are lost
"""

from functools import lru_cache
from math import log, pi, sqrt
from typing import NamedTuple

import numpy as np
from matplotlib.patches import Polygon

from helpers import style
from helpers.activations import activation as find_activation
from helpers.checks import one_of, whole
from helpers.initializers import HE, LECUN, ORTHOGONAL
from helpers.live import choice, live, number
from helpers.mean_field import ReluNorm, fixed_point, jacobian_spread, moments, relu_norm
from helpers.threads import one_blas_thread
from helpers.training import finish

SEEDS = (0, 99)


def _power(exponent, _=None):
    """A tick label: 1 and 10^k."""
    return "1" if exponent == 0 else f"$10^{{{exponent:.0f}}}$"


# --- Typical against mean -----------------------------------------------------------------------

WIDTHS, DEPTHS = (8, 100), (1, 60)
NETS = 1000  # that are drawn by the exact law
WEIGHTS = 600_000  # that the nets with real matrices have together
MOST_REAL, DRAWN = 100, 8  # nets with real matrices: at most, and those drawn layer by layer
LENGTHS = (-20.0, 4.0)  # log10 of the lengths on the axis
NOTHING = -22.0  # where a length of exactly 0 is drawn
BINS = np.arange(LENGTHS[0], LENGTHS[1] + 0.25, 0.5)
PLACES = np.linspace(*LENGTHS, 193)  # where the curve of theory is drawn


class Typical(NamedTuple):
    """The squared length |h|^2 of the signal over that of the input, in many ReLU nets.

    width, depth  of the nets
    theory   ReluNorm: what is exact for this width and depth (natural logarithms)
    lengths  (NETS,) log10 |h|^2 / |h_0|^2 in the last layer, in rising order; -inf in dead nets
    bands    (3, depth + 1) the same in every layer: of the net at 10, 50 and 90 % of that order
    counts   (bins,) nets between neighbouring BINS, as a share of all nets
    curve    (193,) at PLACES: what a log-normal law with the exact mean and variance would give
    mean     of |h|^2 / |h_0|^2 itself over the nets (1 in theory)
    giants   share of that mean that the largest hundredth of the nets holds
    dead     share of nets whose signal is exactly 0
    real     (nets, depth + 1) log10 lengths in nets with real matrices; -inf once dead
    """

    width: int
    depth: int
    theory: ReluNorm
    lengths: np.ndarray
    bands: np.ndarray
    counts: np.ndarray
    curve: np.ndarray
    mean: float
    giants: float
    dead: float
    real: np.ndarray

    @property
    def median(self):
        """The length in the middle of all nets (0 if most are dead)."""
        return 10 ** self.bands[1, -1]

    @property
    def typical(self):
        """exp of the exact E log: the length in a typical net that is alive."""
        return float(np.exp(self.theory.mean_log))


def compute_typical(*, width=10, depth=30, seed=0):
    """ReLU nets with He's init: how long the signal of one input still is after `depth` layers.

    width  units of every layer, 6 to 100; depth 1 to 60
    seed   0 to 99, of the random factors of NETS nets and of the matrices of the real ones

    The NETS nets are drawn by the exact law of a layer: the length is multiplied by (2 / width)
    times chi-square with as many degrees of freedom as units are active (`mean_field.relu_norm`).
    Real matrices are drawn for as many nets of 60 layers as WEIGHTS weights are good for.
    """
    width, depth = whole("width", width, *WIDTHS), whole("depth", depth, *DEPTHS)
    seed = whole("seed", seed, *SEEDS)
    lengths, bands = _by_law(width, seed)
    lengths, theory = lengths[depth], relu_norm(width, depth)
    sizes = 10**lengths
    return Typical(
        width, depth, theory, lengths, bands[:, : depth + 1],
        np.histogram(lengths, BINS)[0] / NETS, _log_normal(theory), sizes.mean(),
        sizes[-NETS // 100 :].sum() / sizes.sum() if sizes.any() else 0.0,
        np.isneginf(lengths).mean(), _by_matrices(width, seed)[:, : depth + 1],
    )  # fmt: skip


@lru_cache(maxsize=32)
def _by_law(width, seed):
    """log10 lengths (61, NETS) in every layer, sorted; and three of them, (3, 61)."""
    rng = np.random.default_rng([seed, 0])
    shape = DEPTHS[1], NETS
    with np.errstate(divide="ignore"):  # no active unit: the net is dead from there on
        factors = np.log10(rng.standard_gamma(_active(rng, width, shape) / 2) * (4 / width))
    paths = np.concatenate([np.zeros((1, NETS)), np.cumsum(factors, axis=0)])
    paths.sort(axis=1)
    return paths, paths[:, [NETS // 10, NETS // 2, 9 * NETS // 10]].T


def _active(rng, width, shape):
    """How many of `width` units are active: each by the toss of a coin, one bit of a number."""
    bits = width // 2, width - width // 2  # two numbers, because one has no more than 63
    return sum(np.bitwise_count(rng.integers(0, 2**n, shape)) for n in bits)


@lru_cache(maxsize=32)
def _by_matrices(width, seed):
    """log10 lengths (nets, 61) of one input in every layer of nets with real matrices."""
    nets = min(MOST_REAL, WEIGHTS // (DEPTHS[1] * width**2))
    shape = DEPTHS[1], nets, width, width
    matrices = _normals(seed)[: np.prod(shape)].reshape(shape)
    h, lengths = np.full((nets, 1, width), width**-0.5), np.zeros((DEPTHS[1] + 1, nets))
    std = HE.std(width, width)
    for layer, W in enumerate(matrices, 1):
        h = np.maximum(h @ W, 0) * std
        lengths[layer] = np.square(h).sum((1, 2))
    lengths[0] = 1
    with np.errstate(divide="ignore"):
        return np.log10(lengths).T


@lru_cache(maxsize=2)
def _normals(seed):
    return np.random.default_rng([seed, 1]).standard_normal(WEIGHTS)


def _log_normal(theory):
    """Share of nets per bin around PLACES if the logarithm were normal (Hanin & Nica: it nears)."""
    mean, std = theory.mean_log / log(10), sqrt(theory.var_log) / log(10)
    density = np.exp(-(((PLACES - mean) / std) ** 2) / 2) / (std * sqrt(2 * pi))
    return (1 - theory.dead) * density * (BINS[1] - BINS[0])


def build_typical(fig):
    """Left: the length layer by layer. Right: all nets in the last layer, sideways."""
    layers, nets = fig.subplots(1, 2, sharey=True, width_ratios=(1.2, 1))
    layers.set(xlim=(0, DEPTHS[1]), ylim=(NOTHING - 0.5, LENGTHS[1]), xlabel="layer")
    layers.set_ylabel("squared length of the signal (input: 1)")
    layers.set_yticks([NOTHING, *range(-20, 5, 4)], ["0", *map(_power, range(-20, 5, 4))])
    layers.set_title("layer by layer; band: 80 % of the nets")
    nets.set(xlim=(0, 1.3), xticks=[], xlabel="number of nets; dots: real matrices")
    nets.set_title("dead nets (exactly 0):")
    nets.tick_params(left=False, labelleft=False)
    for ax in (layers, nets):
        ax.axhline(0, **_MEAN)
    nets.text(1.02, 0.1, "mean: 1", va="bottom", transform=nets.get_yaxis_transform())
    color, moving = style.look("relu")["color"], {"animated": True}
    dots = {**style.MEASURED, "markersize": 4, "color": color}
    return {
        "band": layers.add_patch(Polygon(np.zeros((3, 2)), **style.band(color), **moving)),
        "real": layers.plot([], [], color=color, lw=0.8, **moving)[0],
        "typical": [ax.plot([], [], **style.THEORY, **moving)[0] for ax in (layers, nets)],
        "counts": nets.stairs(
            np.zeros(len(BINS) - 1), BINS, orientation="horizontal", fill=True, color=_PALE,
            **moving,
        ),
        "curve": nets.plot([], [], **style.THEORY, **moving)[0],
        "dots": nets.plot([], [], **dots, **moving)[0],
        "size": _beside(nets),
        "dead": style.beside_title(nets, 0.64),
    }  # fmt: skip


_PALE = "#BFD9EA"
_MEAN = {"color": style.VERMILLION, "lw": 1.2, "ls": "--"}
_STRIP = (1.08, 1.26)  # where the nets with real matrices lie, beside the histogram


def _beside(ax):
    """A moving number right of the axes, below its height; static letters keep the room for it."""
    place = {"va": "top", "transform": ax.get_yaxis_transform()}
    ax.text(1.02, NOTHING, "typical:\n8.8e-88", alpha=0, **place)
    return ax.text(1.02, 0, "", animated=True, **place)


def draw_typical(artists, result):
    """Move everything; what is below the axis lies on its lower end, and 0 below that."""
    r, layers = result, np.arange(result.depth + 1)
    low, _, high = _drawable(r.bands)
    artists["band"].set_xy(np.column_stack([[*layers, *layers[::-1]], [*low, *high[::-1]]]))
    paths = _drawable(r.real[:DRAWN])
    artists["real"].set_data(np.tile([*layers, np.nan], len(paths)), _joined(paths))
    typical, tallest = np.log10(r.typical), max(r.counts.max(), r.curve.max())
    artists["typical"][0].set_data([0, r.depth], [0, typical])
    artists["typical"][1].set_data([0, 1.3], [typical, typical])
    artists["counts"].set_data(r.counts / tallest)
    artists["curve"].set_data(r.curve / tallest, PLACES)
    artists["dots"].set_data(_side_by_side(len(r.real)), _drawable(r.real[:, -1]))
    artists["size"].set(y=typical - 0.1, text=f"typical:\n{_size(r.typical)}")
    artists["dead"].set_text(f"{r.dead:.1%}")


def _drawable(lengths):
    return np.where(np.isneginf(lengths), NOTHING, np.maximum(lengths, LENGTHS[0]))


def _joined(paths):
    """The paths (n, length) as one line with gaps, (n * (length + 1),)."""
    return np.pad(paths, ((0, 0), (0, 1)), constant_values=np.nan).ravel()


def _side_by_side(count):
    """Places across the strip, so that dots at one height can be told apart."""
    golden = (sqrt(5) - 1) / 2
    return _STRIP[0] + (_STRIP[1] - _STRIP[0]) * (np.arange(count) * golden % 1)


def _size(x):
    return f"{x:.2g}" if x >= 0.01 or x == 0 else f"{x:.1e}"


def describe_typical(result):
    """The figure in words."""
    r = result
    return (
        f"{NETS:,} ReLU nets of {r.depth} layers with {r.width} units, He's init. Mean of the "
        f"squared length over all nets: exactly 1. Typical net that is alive (exp of the exact "
        f"mean of the logarithm): {_size(r.typical)}. Measured: the middle net has "
        f"{_size(r.median)}, the mean is {_size(r.mean)}, of which the largest hundredth of the "
        f"nets holds {r.giants:.0%}. Dead: {r.dead:.1%} of the nets, {r.theory.dead:.1%} in "
        f"theory. Nets with real matrices: {len(r.real)}, the middle one has "
        f"{_size(_middle(r.real[:, -1]))}."
    )


def _middle(lengths):
    return 10 ** np.sort(lengths)[len(lengths) // 2]


def typical(width=10, depth=30, seed=0):
    """Show many nets and what their mean hides; arguments as for `compute_typical`."""
    return live(
        compute_typical,
        build_typical,
        draw_typical,
        describe_typical,
        controls={
            "width": number(width, *WIDTHS, 0.1, "width", "units", log=True),
            "depth": number(depth, *DEPTHS, 1, "depth", "layers"),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        call="finite.typical",
    )


# --- Singular values ----------------------------------------------------------------------------

SQUARE_WIDTHS, LAYERS = (20, 160), (1, 16)
JACOBIANS = 8  # nets per kind
KINDS = {
    (activation, weights): (scheme, sigma_w, sigma_b)
    for activation, sigma_w, sigma_b in (
        ("identity", 1.0, 0.0), ("relu", sqrt(2), 0.0), ("tanh", sqrt(1.05), sqrt(2.01e-5))
    )
    for weights, scheme in (("gaussian", LECUN), ("orthogonal", ORTHOGONAL))
}  # fmt: skip
"""Each activation at the edge of chaos: on average no squared gradient is won or lost."""
FLAT = 1e-9  # a smaller spread is rounding
ROUNDING = 1e-10  # digits of smaller singular values say nothing
LOST = 1e-3  # directions whose singular value is this share of the root mean square, or less


class Kind(NamedTuple):
    """Jacobians of nets of one kind, after 1, 2, ... LAYERS[1] layers.

    values  (layers, JACOBIANS, width) singular values, rising, divided by their root mean square
    spread  (layers, JACOBIANS) variance of their squares, over the squared mean
    theory  (layers,) the spread in infinitely wide nets
    """

    values: np.ndarray
    spread: np.ndarray
    theory: np.ndarray


class SingularValues(NamedTuple):
    """How differently a net treats the directions of its input.

    kinds   {(activation, weights): Kind}, everything that was recorded
    activation, weights, depth  what is shown
    values  (JACOBIANS, width) singular values at that depth, rising, over their root mean square
    middle  (width,) their median over the nets
    spread  (JACOBIANS,) of their squares: variance over squared mean; theory: wide nets
    lost    share of directions whose singular value is at most LOST, over all nets
    """

    kinds: dict
    activation: str
    weights: str
    depth: int
    values: np.ndarray
    middle: np.ndarray
    spread: np.ndarray
    theory: float
    lost: float


def record_singular_values(*, width=100, seed=0):
    """Generator: the Jacobians of JACOBIANS nets of every kind; {(activation, weights): Kind}.

    width  of all layers, 20 to 160; seed 0 to 99. Sent "stop", it returns the kinds it has; at
    least one.
    """
    width, seed = whole("width", width, *SQUARE_WIDTHS), whole("seed", seed, *SEEDS)
    kinds, pieces = {}, len(KINDS) * LAYERS[1]
    for activation, weights in KINDS:
        layers = []
        for values in _deeper(activation, weights, width, np.random.default_rng([seed, 2])):
            layers.append(values)
            done = len(kinds) * LAYERS[1] + len(layers)
            if (yield done / pieces) == "stop" and kinds:
                return kinds
        kinds[activation, weights] = _kind(activation, weights, np.array(layers))
    return kinds


def recorded_singular_values(**settings):
    """All of `record_singular_values` in one go."""
    return finish(record_singular_values(**settings))


def _deeper(activation, weights, width, rng):
    """Generator: singular values (JACOBIANS, width), rising, after 1, 2, ... layers."""
    act, (scheme, sigma_w, sigma_b) = find_activation(activation), KINDS[activation, weights]
    a = _inputs(act, sigma_w, sigma_b, rng.standard_normal((JACOBIANS, 1, width)))
    J = np.eye(width)
    for _ in range(LAYERS[1]):
        with one_blas_thread():
            W = scheme.draw(rng, (JACOBIANS, width, width), gain=sigma_w)
            z = a @ W + sigma_b * rng.standard_normal((JACOBIANS, 1, width))
            a, J = act.f(z), J @ W * act.df(z)
            values = np.linalg.svd(J, compute_uv=False)[:, ::-1]
        yield values


def _inputs(act, sigma_w, sigma_b, x):
    """x scaled so that the first layer already is at the fixed point q of E z^2."""
    q = fixed_point(act, sigma_w, sigma_b)
    return x * np.sqrt(moments(act, q).value / np.square(x).mean(-1, keepdims=True))


def _kind(activation, weights, values):
    squares = values**2
    mean = squares.mean(-1, keepdims=True)
    spread = (squares / mean).var(-1)
    spread = np.where(spread < FLAT, 0, spread)
    return Kind(values / np.sqrt(mean), spread, _theory(activation, weights))


def _theory(activation, weights):
    """Spread (layers,) in infinitely wide nets: it grows by the same amount in every layer."""
    q = fixed_point(activation, *KINDS[activation, weights][1:])
    per_layer = jacobian_spread(activation, 1, weights, q)
    return (per_layer if per_layer > FLAT else 0) * np.arange(1, LAYERS[1] + 1)


def compute_singular_values(*, record=None, activation="relu", weights="gaussian", depth=8):
    """Look at one kind of nets.

    record  what `recorded_singular_values` returns (None: with its defaults)
    activation  identity, relu or tanh; weights gaussian or orthogonal; depth 1 to 16
    """
    record = recorded_singular_values() if record is None else record
    one_of("activation", activation, dict.fromkeys(name for name, _ in KINDS))
    one_of("weights", weights, dict.fromkeys(name for _, name in KINDS))
    depth = whole("depth", depth, *LAYERS)
    kind = record.get((activation, weights))
    if kind is None:
        raise ValueError(f"{activation} {weights} was not reached before the run was stopped")
    values = kind.values[depth - 1]
    return SingularValues(
        record, activation, weights, depth, values, np.median(values, axis=0),
        kind.spread[depth - 1], kind.theory[depth - 1], (values <= LOST).mean(),
    )  # fmt: skip


SHOWN = (1e-4, 20.0)  # singular values on the axis
LESS = 4e-5  # where smaller ones are drawn
SPREADS = (1e-3, 100.0)  # spreads on the axis
NO_SPREAD = 2e-3  # where a spread of 0 is drawn
NAMES = {
    ("identity", "gaussian"): "linear Gaussian",
    ("identity", "orthogonal"): "linear orthogonal",
    ("relu", "gaussian"): "ReLU Gaussian",
    ("relu", "orthogonal"): "ReLU orthogonal",
    ("tanh", "gaussian"): "tanh Gaussian",
    ("tanh", "orthogonal"): "tanh orthogonal",
}


def build_singular_values(fig):
    """Left: the singular values of one kind of nets, sorted. Right: the spread of every kind."""
    values, spread = fig.subplots(1, 2, width_ratios=(1, 1))
    values.set(xlim=(0, 100), yscale="log", xlabel="direction, sorted (%)")
    values.set(ylim=(0.7 * LESS, SHOWN[1]))
    values.set_yticks([LESS, *_POWERS], ["less", *(f"{power:g}" for power in _POWERS)])
    values.minorticks_off()
    values.set_ylabel("singular value / root mean square")
    values.set_title("8 nets; lost directions:")
    values.axhline(1, **_MEAN)
    values.text(99, 1.3, "isometry", color=style.readable(_MEAN["color"]), ha="right", va="bottom")
    _build_spread(spread)
    moving = {"animated": True}
    return {
        "kinds": None,
        "nets": values.plot([], [], lw=0.8, **moving)[0],
        "middle": values.plot([], [], color=style.INK, lw=2, **moving)[0],
        "lost": style.beside_title(values, 0.74),
        "others": spread.plot([], [], **{**style.MEASURED, "markersize": 3}, color=style.GREY)[0],
        "bars": spread.plot([], [], lw=1.2, **moving)[0],
        "means": spread.plot([], [], **style.MEASURED, **moving)[0],
        "now": spread.plot([], [], **_RING, **moving)[0],
        "spread": style.beside_title(spread, 0.74),
    }


_POWERS = (1e-4, 0.001, 0.01, 0.1, 1, 10)
_RING = {"marker": "o", "ms": 12, "mfc": "none", "mec": style.VERMILLION, "mew": 2.2}


def _build_spread(ax):
    ax.set(xscale="log", xlim=(0.9, 18), yscale="log", ylim=SPREADS, xlabel="layers")
    ax.set_xticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
    ax.set_yticks([NO_SPREAD, 0.01, 0.1, 1, 10, 100], ["0", "0.01", "0.1", "1", "10", "100"])
    ax.minorticks_off()
    ax.set_title("spread of the squares:")
    layers, last = np.arange(LAYERS[0], LAYERS[1] + 1), []
    for activation, weights in KINDS:
        theory = np.maximum(_theory(activation, weights), NO_SPREAD)
        ax.plot(layers, theory, **style.THEORY)
        last.append(theory[-1])
    colors = [style.look(activation)["color"] for activation, _ in KINDS]
    style.direct_labels(ax, NAMES.values(), last, colors)


def draw_singular_values(artists, result):
    """Move everything; True after a new record, whose grey dots and theory stand still."""
    r, color = result, style.look(result.activation)["color"]
    place = 100 * (np.arange(len(r.middle)) + 0.5) / len(r.middle)
    values, middle = _on_axis(r.values[:, ::-1]), _on_axis(r.middle[::-1])
    artists["nets"].set_data(np.tile([*place, np.nan], len(values)), _joined(values))
    artists["middle"].set_data(place, middle)
    kind = r.kinds[r.activation, r.weights]
    layers, spread = np.arange(1, len(kind.spread) + 1), np.maximum(kind.spread, NO_SPREAD)
    ends = _joined(np.column_stack([spread.min(1), spread.max(1)]))
    artists["bars"].set_data(np.repeat(layers, 3), ends)
    artists["means"].set_data(layers, spread.mean(1))
    for name in ("nets", "bars", "means"):
        artists[name].set_color(color)
    artists["now"].set_data([r.depth], spread[r.depth - 1].mean(keepdims=True))
    artists["lost"].set_text(f"{r.lost:.0%}")
    artists["spread"].set_text(_size(r.spread.mean()))
    return _new_kinds(artists, r.kinds)


def _on_axis(values):
    return np.where(values < SHOWN[0], LESS, values)


def _new_kinds(artists, kinds):
    """Set what stands still for one record; True if it is another one than before."""
    if artists["kinds"] is kinds:
        return False
    artists["kinds"] = kinds
    means = np.maximum([kind.spread.mean(1) for kind in kinds.values()], NO_SPREAD)
    artists["others"].set_data(np.tile(np.arange(1, LAYERS[1] + 1), len(kinds)), means.ravel())
    return True


def describe_singular_values(result):
    """The figure in words."""
    r = result
    low, high = r.values[:, 0].min(), _size(r.values[:, -1].max())
    low = "almost 0" if low < ROUNDING else _size(low)
    return (
        f"{NAMES[r.activation, r.weights]}, {r.depth} layers of {len(r.middle)} units, "
        f"{JACOBIANS} nets. Singular values of the Jacobian over their root mean square: from "
        f"{low} to {high}; at most {LOST:g} in {r.lost:.0%} of the directions. Spread of their "
        f"squares (variance over squared mean): {_size(r.spread.mean())} in the mean "
        f"({_size(r.spread.min())} to {_size(r.spread.max())}), theory for wide nets "
        f"{_size(r.theory)}."
    )


def singular_values(activation="relu", weights="gaussian", depth=8, width=100, seed=0):
    """Show Jacobians; arguments as for `record_singular_values`, `compute_singular_values`."""
    return live(
        compute_singular_values,
        build_singular_values,
        draw_singular_values,
        describe_singular_values,
        record=record_singular_values,
        slow={
            "width": number(width, *SQUARE_WIDTHS, 20, "width", "units"),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        controls={
            "activation": choice(
                activation, {"linear": "identity", "relu": "relu", "tanh": "tanh"}, "activation"
            ),
            "weights": choice(weights, ["gaussian", "orthogonal"], "weights"),
            "depth": number(depth, *LAYERS, 1, "depth", "layers"),
        },
        call="finite.singular_values",
        button="Draw",
    )
