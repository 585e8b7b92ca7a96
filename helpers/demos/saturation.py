"""Where the gradient goes when units saturate: two demos.

meter  one layer while the scale of its pre-activations grows: values pile up at the ends of the
       activation, slopes vanish, and both are the same thing
chain  the backward product through many layers, split into weights and slopes: (1/4)^n is a bound
       and not what happens

Each demo is a result, `compute_*` (pure), `build_*` (axes, once), `draw_*` (moves artists),
`describe_*` (the numbers in words) and the public function that makes the controls.
"""

from functools import lru_cache, partial
from math import erfc, floor, isfinite, sqrt
from typing import NamedTuple

import numpy as np
from matplotlib.patches import Polygon
from matplotlib.ticker import FixedLocator, MaxNLocator

from helpers import mean_field, style
from helpers.activations import Activation, with_own
from helpers.checks import one_of, real, whole
from helpers.diagnostics import saturated_zones, slope_sizes, steepest
from helpers.live import choice, live, number

SEEDS = (0, 99)

LEVEL = 0.01  # a unit is saturated where its slope is smaller than this


def _activation(name, own):
    acts = with_own(own)
    return acts[one_of("activation", name, acts)]


# --- The saturation meter -----------------------------------------------------------------------

SCALES, MEANS = (0.1, 10.0), (-5.0, 5.0)
EXAMPLES, INPUTS, UNITS = 64, 100, 64
SWEEP = np.geomspace(*SCALES, 41)  # scales of the curves: the steps of the slider
SHOWN = 15.0  # z is drawn from -SHOWN to SHOWN
Z_EDGES = np.linspace(-SHOWN, SHOWN, 61)
A_BINS = 40


class Sizes(NamedTuple):
    """Of the units of a layer: numbers, or arrays (scales,)."""

    saturated: np.ndarray  # share with |f'| < LEVEL
    mean: np.ndarray  # mean |f'|
    rms: np.ndarray  # root of the mean of f'^2: what the norm of a gradient is multiplied by


class Meter(NamedTuple):
    """A layer whose pre-activations have a chosen scale and mean.

    zones      where the activation saturates, see `saturated_zones`
    z_bins     (60,) share of the pre-activations between Z_EDGES; below, above: what lies outside
    a_edges    (41,) of the histogram of a = f(z); a_bins (40,) shares, the rest in the end bins
    measured   Sizes of the 64 units on 64 examples; expected: of normal numbers of the same scale
    curves     Sizes at the scales SWEEP, expected
    """

    act: Activation
    sigma: float
    mean: float
    zones: tuple
    z_bins: np.ndarray
    below: float
    above: float
    a_edges: np.ndarray
    a_bins: np.ndarray
    measured: Sizes
    expected: Sizes
    curves: Sizes


def compute_meter(*, activation="sigmoid", sigma=1.0, mean=0.0, seed=0, own=None):
    """Measure saturation in one layer of 64 units on 64 examples of 100 numbers.

    activation  a name in ACTIVATIONS (or that of `own`, a learner's record)
    sigma       scale of the pre-activations, 0.1 to 10; mean: of all of them, -5 to 5
    seed        of examples and weights

    z = sigma x W + mean with x and W normal, W of variance 1/100: `expected` is what normal z give.
    """
    act, mean = _activation(activation, own), real("mean", mean, *MEANS)
    sigma = real("sigma", sigma, *SCALES)
    z = mean + sigma * _layer(whole("seed", seed, *SEEDS))
    z_bins = np.histogram(z, Z_EDGES)[0] / z.size
    a_edges = _value_edges(act)
    return Meter(
        act, sigma, mean, saturated_zones(act), z_bins,
        np.mean(z < -SHOWN), np.mean(z > SHOWN), a_edges, _values(act, z, a_edges),
        _measured(act, z), Sizes(*(part[0] for part in expected(act, mean, [sigma]))),
        _curves(act, mean),
    )  # fmt: skip


@lru_cache(maxsize=8)
def _layer(seed):
    """x W (4096,) of a layer, every number of variance 1."""
    rng = np.random.default_rng(seed)
    x, W = rng.standard_normal((EXAMPLES, INPUTS)), rng.standard_normal((INPUTS, UNITS))
    return (x @ W / sqrt(INPUTS)).ravel()


def _value_edges(act):
    """Bins over the range of f, as far as the values of |z| < SHOWN reach."""
    low, high = np.clip(act.range, -SHOWN, SHOWN)
    return np.linspace(low, high, A_BINS + 1)


def _values(act, z, edges):
    with np.errstate(all="ignore"):
        a = act.f(z)
    if np.isnan(a).any():
        raise ValueError(f"{act.name} must give numbers, but it gives NaN")
    return np.histogram(np.clip(a, *edges[[0, -1]]), edges)[0] / a.size


def _measured(act, z):
    slope = slope_sizes(act, z)
    return Sizes(np.mean(slope < LEVEL), np.mean(slope), sqrt(np.mean(slope**2)))


def expected(act, mean, sigmas):
    """Sizes (scales,) of a layer whose z are normal, with this mean and each of these scales.

    The share is exact up to the thresholds, from the normal distribution function; the means are by
    Gauss-Legendre, with pieces that meet at z = 0, where the kinks are: to 1e-8, but mean |f'| only
    to 1e-4 where f' changes its sign elsewhere.
    """
    sigmas = np.asarray(sigmas, dtype=float)
    z, weights = _rule(mean, sigmas)
    slope = slope_sizes(act, z)
    shares = [_share(saturated_zones(act), mean, sigma) for sigma in sigmas.tolist()]
    rms = np.sqrt((weights * slope**2).sum(1))
    return Sizes(np.array(shares), (weights * slope).sum(1), rms)


@lru_cache(maxsize=64)
def _curves(act, mean):
    return expected(act, mean, SWEEP)


_END = 9.0  # standard deviations: beyond lies a mass of 2e-19


def _rule(mean, sigmas):
    """Nodes z (scales, 200) and weights of normal numbers; the nodes draw together towards z = 0.

    They do so like the cube of a distance: for a large sigma all that happens is near 0.
    """
    u, weights = _unit_rule()
    kink = np.clip(-mean / sigmas, -_END, _END)[:, None]
    parts = [(_END + kink, -1), (_END - kink, 1)]
    t = np.concatenate([kink + sign * length * u**3 for length, sign in parts], axis=1)
    jacobian = np.concatenate([length * 3 * u**2 * weights for length, _ in parts], axis=1)
    return mean + sigmas[:, None] * t, jacobian * np.exp(-t * t / 2) / sqrt(2 * np.pi)


@lru_cache(maxsize=1)
def _unit_rule():
    x, weights = np.polynomial.legendre.leggauss(100)
    return (x + 1) / 2, weights / 2


def _share(zones, mean, sigma):
    return sum(_above(low, mean, sigma) - _above(high, mean, sigma) for low, high in zones)


def _above(z, mean, sigma):
    """P(Z > z) for a normal number Z."""
    return erfc((z - mean) / (sigma * sqrt(2))) / 2


def build_meter(fig):
    """Left: z over the slope, and a = f(z). Right: shares and slopes against the scale."""
    fig.set_layout_engine("none")  # places that do not depend on the activation it opens with
    left = fig.add_gridspec(2, 1, left=0.07, right=0.53, **_ROWS, height_ratios=(1.25, 1))
    before, after = map(fig.add_subplot, left)
    right = fig.add_axes((0.61, _ROWS["bottom"], 0.375, 0.69))
    before.set(xlim=(-SHOWN, SHOWN), ylim=(0, 1.28), xlabel="pre-activation z")
    before.set_ylabel("|f'|", rotation=0)
    before.yaxis.set_label_coords(-0.06, 0.6)
    after.set(ylim=(0, 1.12), yticks=(), xlabel="output a = f(z)")
    moving = {"animated": True}
    return {
        "act": None,
        "axes": (before, after),
        "title": before.set_title(""),
        "zones": [],
        "slope": before.plot([], [], zorder=3, **moving)[0],
        "z": before.stairs(np.zeros(Z_EDGES.size - 1), Z_EDGES, **_FILLED),
        "beyond": [before.text(x, 1.1, "", ha=ha, **moving) for x, ha in _BEYOND],
        "a": after.stairs([0], [0, 1], **_FILLED),
        **_build_sweep(right),
    }


_ROWS = {"bottom": 0.115, "top": 0.935, "hspace": 0.42}
_FILLED = {"fill": True, "color": style.INK, "alpha": 0.55, "animated": True}
_BEYOND = ((-SHOWN + 0.3, "left"), (SHOWN - 0.3, "right"))
_SIZES = {
    "saturated": ("share saturated:", style.VERMILLION, "-"),
    "mean": ("mean |f'| (dashed):", style.BLUE, (0, (5, 2))),
    "rms": ("rms f':", style.BLUE, "-"),
}


def _build_sweep(ax):
    ax.set(xscale="log", xlim=(0.09, 11), xlabel="scale of z (log axis)")
    ax.set_xticks([0.1, 0.3, 1, 3, 10], ["0.1", "0.3", "1", "3", "10"])
    ax.minorticks_off()
    looks = [(color, dash) for _, color, dash in _SIZES.values()]
    dots = {**style.MEASURED, "markersize": 9, "animated": True}
    for line, (name, color, _) in enumerate(_SIZES.values()):
        _in_title(ax, 0, line, color, animated=False).set_text(name)
    return {
        "sweep": ax,
        "curves": [ax.plot([], [], color=c, ls=d, lw=1.4, animated=True)[0] for c, d in looks],
        "dots": [ax.plot([], [], **dots, color=c)[0] for c, _ in looks],
        "numbers": [_in_title(ax, 0.56, line, c) for line, (c, _) in enumerate(looks)],
        "now": ax.axvline(1, color=style.GREY, lw=1, animated=True),
    }


def _in_title(ax, x, line, color, animated=True):
    """A text in one of three lines above the axes, in the colour of a curve; 0 is the highest."""
    text = style.beside_title(ax, x)
    text.set(position=(0, text.get_position()[1] + 1.25 * (2 - line) * text.get_fontsize()))
    text.set(color=style.readable(color), animated=animated)
    return text


def draw_meter(artists, result):
    """Move everything; another activation brings its own slope, zones and limits."""
    everything = _set_activation(artists, result)
    artists["z"].set_data(result.z_bins / result.z_bins.max())
    artists["a"].set_data(result.a_bins / result.a_bins.max(), result.a_edges)
    for text, share in zip(artists["beyond"], (result.below, result.above), strict=True):
        text.set_text(f"{share:.0%} beyond" if share >= 0.005 else "")
    for curve, sizes in zip(artists["curves"], result.curves, strict=True):
        curve.set_data(SWEEP, sizes)
    for dot, size in zip(artists["dots"], result.measured, strict=True):
        dot.set_data([result.sigma], [size])
    artists["now"].set_xdata([result.sigma, result.sigma])
    share, *slopes = artists["numbers"]
    share.set_text(f"{result.measured.saturated:.1%}")
    for text, size in zip(slopes, result.measured[1:], strict=True):
        text.set_text(f"{size:.3f}")
    return everything


def _set_activation(artists, result):
    """What stands still while sigma and mean move; True if it has to be drawn again."""
    if artists["act"] is result.act:
        return False
    artists["act"] = result.act
    (before, after), act = artists["axes"], result.act
    artists["title"].set_text(f"{act.name}: |f'| < {LEVEL} for {zones_in_words(result.zones)}")
    z = np.linspace(-SHOWN, SHOWN, 601)
    slope = np.minimum(slope_sizes(act, z), 100)  # a learner's function may have any slope
    top = slope.max() or 1.0
    artists["slope"].set(data=(z, slope / top), **style.look(act))
    before.set_yticks([0, 1], ["0", f"{top:.3g}"])
    for zone in artists["zones"]:
        zone.remove()
    ends = [np.clip(zone, -SHOWN, SHOWN) for zone in result.zones]
    artists["zones"] = [before.axvspan(*pair, color="0.88", lw=0, zorder=0) for pair in ends]
    after.set_xlim(*_margin(*result.a_edges[[0, -1]]))
    artists["sweep"].set_ylim(-0.03, 1.05 * np.clip(top, 1, 10))
    return True


def _margin(low, high):
    return low - 0.03 * (high - low), high + 0.03 * (high - low)


def zones_in_words(zones):
    """Intervals of z as a sentence has them: "|z| > 4.585", "z < -4.605", "no z"."""
    ends = [end for zone in zones for end in zone]
    digits = 4 if np.isfinite(ends).sum() < 3 else 3  # many ends have to fit into a title
    ends = [f"{end:.{digits}g}" for end in ends]
    if len(ends) == 4 and ends[0] == "-inf" and ends[1] == f"-{ends[2]}" and ends[3] == "inf":
        return f"|z| > {ends[2]}"
    return " or ".join(map(_zone_in_words, ends[::2], ends[1::2])) or "no z"


def _zone_in_words(low, high):
    if low == "-inf":
        return "every z" if high == "inf" else f"z < {high}"
    return f"z > {low}" if high == "inf" else f"{low} < z < {high}"


def describe_meter(result):
    """The figure in words."""
    r, m, e = result, result.measured, result.expected
    return (
        f"{r.act.name}: |f'| < 0.01 for {zones_in_words(r.zones)}. Pre-activations with scale "
        f"{r.sigma:g} and mean {r.mean:g}: {m.saturated:.1%} of the units are saturated (normal "
        f"distribution: {e.saturated:.1%}), mean |f'| {m.mean:.3g} ({e.mean:.3g}), rms f' "
        f"{m.rms:.3g} ({e.rms:.3g}): that is what this layer's slopes leave of the norm of a "
        f"gradient."
    )


def meter(activation=None, sigma=1.0, mean=0.0, own=None):
    """Show saturation in a layer; `meter(own=my_activation)` adds the learner's own Activation."""
    names = list(with_own(own))
    opening = names[0] if own else "sigmoid"
    call = "saturation.meter"
    return live(
        partial(compute_meter, own=own),
        build_meter,
        draw_meter,
        describe_meter,
        controls={
            "activation": choice(activation or opening, names, "activation"),
            "sigma": number(sigma, *SCALES, 0.05, "scale sigma of z", log=True),
            "mean": number(mean, *MEANS, 0.25, "mean of z"),
        },
        call=call if own is None else f"{call}(own=my_activation, ",
        size=(8.4, 4.4),
    )


# --- The chain ----------------------------------------------------------------------------------

DEPTHS, WEIGHTS, BIASES, STARTS = (1, 64), (0.25, 8.0), (-4.0, 4.0), (-1.0, 1.0)
DEEPEST = DEPTHS[1]
CHAINS, WIDTH = 100, 100  # random chains; units per layer of the wide net
HELD = 1e100  # values beyond are held there


class Chain(NamedTuple):
    """A gradient on its way back through `depth` layers. Sizes are log10; -inf is exactly 0.

    weights, slopes  (depth,) log10 |w| and log10 |f'(z)| in every layer of the chain
    gradient  (depth + 1,) of |d a_depth / d a_k| of the chain for k = 0, 1, ..., depth
    product   d a_depth / d a_0 itself, with its sign; it may underflow to 0
    bound     (depth + 1,) of the gradient if every slope were the steepest, `top`
    chains    (CHAINS, depth + 1) of random chains: w and b normal, of scales w and b
    wide      (depth + 1,) of the norm of the gradient in a wide net, sigma_w = w and sigma_b = |b|
    net       (depth + 1,) of the same in one net of WIDTH units per layer, for a random direction
    """

    act: Activation
    w: float
    b: float
    top: float
    weights: np.ndarray
    slopes: np.ndarray
    gradient: np.ndarray
    product: float
    bound: np.ndarray
    chains: np.ndarray
    wide: np.ndarray
    net: np.ndarray


def compute_chain(*, activation="sigmoid", depth=16, w=2.0, b=0.0, x=0.5, seed=0, own=None):
    """Send a gradient back through a chain of single units, through random chains and a wide net.

    activation  a name in ACTIVATIONS (or that of `own`, a learner's record)
    depth       layers, 1 to 64, all with the weight w (0.25 to 8) and the bias b (-4 to 4)
    x           the input a_0, -1 to 1; of the wide net, every input
    seed        of the random chains and of the one net
    """
    act, depth = _activation(activation, own), whole("depth", depth, *DEPTHS)
    w, b, x = real("w", w, *WEIGHTS), real("b", b, *BIASES), real("x", x, *STARTS)
    seed = whole("seed", seed, *SEEDS)
    top, slopes, factors = steepest(act), *_chains(act, w, b, x, seed)
    slopes, factors = slopes[:depth], factors[:depth]
    return Chain(
        act, w, b, top, np.full(depth, _log10(w)), _log10(slopes), _back(_log10(w * slopes)),
        _product(w * slopes), _back(np.full(depth, _log10(w * top))), _back(factors.T),
        _back(_wide(act, w, abs(b), x)[:depth]), _one_net(act, w, b, x, seed, depth),
    )  # fmt: skip


def _log10(x):
    with np.errstate(divide="ignore"):
        return np.log10(np.abs(x))


def _product(factors):
    with np.errstate(over="ignore"):
        return float(np.prod(factors))


def _back(factors):
    """From the log10 of every layer's factor (..., depth) to that of the product behind it."""
    products = np.cumsum(factors[..., ::-1], axis=-1)[..., ::-1]
    return np.concatenate([products, np.zeros((*products.shape[:-1], 1))], axis=-1)


@lru_cache(maxsize=8)
def _chains(act, w, b, x, seed):
    """Slopes (DEEPEST,) of the chain, and log10 |w f'| (DEEPEST, CHAINS) of the random ones."""
    ws, bs = _normal(seed)
    ws, bs = np.c_[np.full(DEEPEST, w), w * ws], np.c_[np.full(DEEPEST, b), b * bs]
    slopes = _slopes(act, lambda a, k: ws[k] * a + bs[k], np.full(CHAINS + 1, x))
    return slopes[:, 0], _log10(ws * slopes)[:, 1:]


@lru_cache(maxsize=4)
def _normal(seed):
    return np.random.default_rng(seed).standard_normal((2, DEEPEST, CHAINS))


def _slopes(act, before, a):
    """f'(z) in DEEPEST layers (DEEPEST, units) from a (units,); z = before(a, k) in layer k.

    Values beyond +-HELD are held there: ReLU chains may grow for ever.
    """
    slopes = []
    with np.errstate(all="ignore"):
        for k in range(DEEPEST):
            z = before(a, k)
            slopes.append(act.df(z))
            a = np.clip(act.f(z), -HELD, HELD)
    if np.isnan(a).any() or np.isnan(slopes).any():
        raise ValueError(f"{act.name} must give numbers, but it or its derivative gives NaN")
    return np.array(slopes)


@lru_cache(maxsize=8)
def _wide(act, sigma_w, sigma_b, x):
    """log10 sqrt(chi_1) (DEEPEST,) of a wide net whose inputs are all x."""
    return mean_field.signal(act, sigma_w, sigma_b, DEEPEST + 1, inputs=x * x).log10_factor


@lru_cache(maxsize=2)
def _matrices(seed):
    """W (DEEPEST, WIDTH, WIDTH) of variance 1 / WIDTH, b (DEEPEST, WIDTH), a direction (WIDTH,)."""
    rng = np.random.default_rng([seed, 1])
    W = rng.standard_normal((DEEPEST, WIDTH, WIDTH)) / sqrt(WIDTH)
    return W, *np.split(rng.standard_normal((DEEPEST + 1, WIDTH)), [DEEPEST])


@lru_cache(maxsize=8)
def _net_slopes(act, w, b, x, seed):
    W, bs, _ = _matrices(seed)
    return _slopes(act, lambda a, k: w * (a @ W[k]) + b * bs[k], np.full(WIDTH, x))


def _one_net(act, w, b, x, seed, depth):
    """log10 norm (depth + 1,) of d loss / d a_k; the vector is made 1 long in every layer."""
    (W, _, direction), slopes = _matrices(seed), _net_slopes(act, w, b, x, seed)
    g, factors = direction[0] / np.linalg.norm(direction), []
    for k in reversed(range(depth)):
        g = w * (W[k] @ (g * slopes[k]))
        size = np.linalg.norm(g)
        factors.append(size)
        g = g / (size or 1.0)
    return _back(_log10(np.array(factors[::-1])))


FLOOR, BOTTOM = -100.0, -106.0  # log10 of the smallest gradient with a place of its own; the end
USUAL = -2.0, -3.0, 0.4  # log10 that usual limits have room for: gradient per layer, slope, growth


def build_chain(fig):
    """Left: the two factors of every layer. Right: the gradient on its way back to the input."""
    fig.set_layout_engine("none")  # places that do not depend on the numbers it opens with
    factors, gradient = fig.subplots(1, 2, gridspec_kw=_PLACES_OF_AXES)
    factors.set(xlabel="layer", ylabel="log10 of the factors")
    factors.axhline(0, color=style.GREY, lw=1)
    gradient.set(xlabel="layer (0: input)", ylabel="gradient", title="gradient at the input:")
    gradient.axhline(0, color=style.GREY, lw=1)
    gradient.axhline(FLOOR, color=style.GREY, lw=1, ls=(0, (2, 2)))
    gradient.text(DEEPEST, FLOOR, "▼ smaller still", ha="right", va="bottom", clip_on=True)
    gradient.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    gradient.yaxis.set_major_formatter(lambda y, _: _power(y))
    artists = {
        "axes": (factors, gradient),
        "act": None,
        "limits": None,
        "weights": factors.stairs([0], [0, 1], fill=True, color=style.BLUE, animated=True),
        "slopes": factors.stairs([0], [0, 1], fill=True, color=style.ORANGE, animated=True),
        "both": factors.plot([], [], **_SMALL_DOTS, color=style.INK)[0],
        "no_slope": factors.plot([], [], **_CROSSES)[0],
        **_build_gradient(gradient),
    }
    fig.legend(handles=_chain_keys(artists), loc="lower center", ncols=4, **_KEY)
    return artists


_PLACES_OF_AXES = {"left": 0.095, "right": 0.985, "bottom": 0.245, "top": 0.93, "wspace": 0.3}
_SMALL_DOTS = {**style.MEASURED, "markersize": 3.5, "animated": True}
_CROSSES = {**_SMALL_DOTS, "marker": "x", "markersize": 7, "markeredgewidth": 1.5,
            "color": style.INK}  # fmt: skip
_RINGS = {**_SMALL_DOTS, "markersize": 5, "mfc": "none", "markeredgewidth": 1.2}
_KEY = {"handlelength": 1.4, "handletextpad": 0.5, "columnspacing": 1.2, "borderaxespad": 0.2}


def _build_gradient(ax):
    moving = {"animated": True}
    band = {"closed": True, "fc": style.SKY, "alpha": 0.35, "lw": 0, **moving}
    return {
        "band": ax.add_patch(Polygon(np.zeros((1, 2)), **band)),
        "bound": ax.plot([], [], ls=(0, (5, 2)), lw=1.6, color=style.VERMILLION, **moving)[0],
        "wide": ax.plot([], [], **style.THEORY, **moving)[0],
        "net": ax.plot([], [], **_RINGS, color=style.GREEN)[0],
        "gradient": ax.plot([], [], **{**_SMALL_DOTS, "markersize": 5}, color=style.INK)[0],
        "zeros": ax.plot([], [], **_CROSSES)[0],
        "below": ax.plot([], [], **{**_CROSSES, "marker": "v"})[0],
        "input": style.beside_title(ax, 0.62),
    }


def _chain_keys(artists):
    names = {
        "weights": "weight", "slopes": "slope f'", "gradient": "chain: product", "bound": "bound",
        "wide": "wide net", "net": "one net, 100 units wide", "band": "random chains, 10-90 %",
        "zeros": "exactly 0",
    }  # fmt: skip
    for key, name in names.items():
        artists[key].set_label(name)
    return [artists[key] for key in names]


def draw_chain(artists, result):
    """Move everything; True where the limits have to change."""
    redraw = _set_limits(artists, result)
    (left, right), n = artists["axes"], len(result.slopes)
    bottom, lowest = left.get_ylim()[0], _just_above(left)
    for name, side in (("weights", -0.4), ("slopes", 0.0)):
        artists[name].set_data(*_bars(np.maximum(getattr(result, name), bottom), side))
    layers, both = np.arange(1, n + 1), result.weights + result.slopes
    artists["both"].set_data(layers, np.where(both >= bottom, both, np.nan))
    artists["no_slope"].set_data(*_at(layers, np.isneginf(both), lowest))
    _draw_gradient(artists, result, np.arange(n + 1), right)
    artists["input"].set_text(_power(result.gradient[0]))
    return redraw


def _just_above(ax):
    """Where a mark at the bottom of the axes can be seen."""
    low, high = ax.get_ylim()
    return low + 0.025 * (high - low)


def _draw_gradient(artists, result, layers, ax):
    """The curves; what is below the floor has a mark there, what is exactly 0 one at the bottom."""
    lowest = max(ax.get_ylim()[0], FLOOR)
    for name in ("bound", "wide", "net"):
        artists[name].set_data(layers, np.maximum(getattr(result, name), lowest))
    low, _, high = np.maximum(_band(result.chains), lowest)
    artists["band"].set_xy(np.c_[np.r_[layers, layers[::-1]], np.r_[low, high[::-1]]])
    g = result.gradient
    artists["gradient"].set_data(layers, np.where(g >= lowest, g, np.nan))
    artists["zeros"].set_data(*_at(layers, np.isneginf(g), _just_above(ax)))
    artists["below"].set_data(*_at(layers, (g < lowest) & ~np.isneginf(g), FLOOR))


def _bars(heights, side):
    """Heights and edges of one `stairs` with a bar of 0.4 in every layer, gaps between."""
    edges = np.arange(1, len(heights) + 1)[:, None] + [side, side + 0.4]
    values = np.zeros(2 * len(heights) - 1)
    values[::2] = heights
    return values, edges.ravel()


def _at(layers, where, height):
    return layers[where], np.full(where.sum(), height)


def _band(chains):
    """The 10th, 50th and 90th of a hundred (3, depth + 1): real members, for some may be -inf."""
    ranks = np.array([0.1, 0.5, 0.9]) * (len(chains) - 1)
    return np.sort(chains, axis=0)[ranks.round().astype(int)]


def _set_limits(artists, result):
    """Few different limits, and the name of the activation; True if they were others before."""
    n = min(size for size in (8, 16, 32, 64) if size >= len(result.slopes))
    deep = _least(result.gradient) < USUAL[0] * n or _least(result.slopes) < USUAL[1]
    tall = -min(map(_least, (-result.gradient, -result.wide, -result.net))) > USUAL[2] * n
    wanted = {"act": result.act, "limits": (n, deep, tall)}
    if all(artists[name] == value for name, value in wanted.items()):
        return False
    artists.update(wanted)
    factors, gradient = artists["axes"]
    factors.set_title(f"{result.act.name}: weight and slope of each layer")
    factors.set(xlim=(0.3, n + 0.7), ylim=(-12.0 if deep else USUAL[1], 1.25))
    low = BOTTOM if deep else max(BOTTOM, USUAL[0] * n)
    gradient.set(xlim=(-0.02 * n, 1.02 * n), ylim=(low, (1.2 if tall else USUAL[2]) * n))
    for axis in (factors.xaxis, gradient.xaxis):
        axis.set_major_locator(FixedLocator(np.arange(0, n + 1, n // 8)))
    return True


def _least(values):
    return values[np.isfinite(values)].min(initial=0.0)


def _power(log10):
    """A number given by its log10, in words: "0.25", "3.1e-07", "2e-143"; "exactly 0"."""
    if not isfinite(log10):
        return "exactly 0" if log10 < 0 else "infinite"
    if -2.5 < log10 < 3:
        return f"{10**log10:.3g}"
    mantissa, exponent = f"{10 ** (log10 - floor(log10)):.1e}".split("e")
    return f"{float(mantissa):g}e{floor(log10) + int(exponent):+03d}"


def describe_chain(result):
    """The figure in words."""
    r, n = result, len(result.slopes)
    low, middle, high = (_power(g) for g in _band(r.chains)[:, 0])
    return (
        f"{n} {r.act.name} layer{'s' * (n > 1)} with w = {r.w:g} and b = {r.b:g}. Gradient at the "
        f"input of the chain: {_power(r.gradient[0])}. The bound ({r.top:.3g} x {r.w:g})^{n} is "
        f"{_power(r.bound[0])}. Random chains of these scales: {middle} (median; 10 to 90 %: "
        f"{low} to {high}). A wide net with sigma_w = {r.w:g} and sigma_b = {abs(r.b):g}: "
        f"{_power(r.wide[0])}, that is {_power(r.wide[0] / n)} per layer; one net of {WIDTH} units "
        f"per layer: {_power(r.net[0])}."
    )


def chain(activation=None, depth=16, w=2.0, b=0.0, x=0.5, own=None):
    """Show the backward product of a chain; `chain(own=my_activation)` adds the learner's own."""
    names = list(with_own(own))
    opening = names[0] if own else "sigmoid"
    call = "saturation.chain"
    return live(
        partial(compute_chain, own=own),
        build_chain,
        draw_chain,
        describe_chain,
        controls={
            "activation": choice(activation or opening, names, "activation"),
            "depth": number(depth, *DEPTHS, 1, "depth", "layers"),
            "w": number(w, *WEIGHTS, 0.25, "weight w (wide net: sigma_w)"),
            "b": number(b, *BIASES, 0.25, "bias b (wide net: sigma_b)"),
            "x": number(x, *STARTS, 0.05, "input a_0"),
        },
        call=call if own is None else f"{call}(own=my_activation, ",
        size=(8.4, 4.6),
    )
