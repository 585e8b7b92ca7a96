"""Batch normalisation in deep nets as they start: what it mends, and its price.

explosion  the gradient in every layer, with and without normalisation, for any activation and any
           scale of the weights

Nothing is trained here; `rescue` shows what normalisation does for a sigmoid net that learns.
"""

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.ticker import MaxNLocator

from helpers import batch_norm, network, style
from helpers.activations import ACTIVATIONS, IDENTITY, leaky_relu
from helpers.checks import one_of, real, whole
from helpers.diagnostics import norm, per_layer
from helpers.live import choice, live, number
from helpers.mean_field import batch_norm_factor, signal
from helpers.threads import one_blas_thread

# In the order of their factor. The theory supposes that the examples of a batch stay equally large,
# |z| of one example compared with the others. GELU, SiLU and softplus let them drift apart and, in
# deep nets, explode faster than it says, abs explodes slower: see `mean_field.batch_norm_factor`.
SHOWN = {
    act.name: act
    for act in (
        ACTIVATIONS["identity"], ACTIVATIONS["sigmoid"], ACTIVATIONS["selu"], ACTIVATIONS["elu"],
        ACTIVATIONS["tanh"], leaky_relu(0.2), ACTIVATIONS["relu"],
    )
}  # fmt: skip
DEPTHS, WIDTHS, BATCHES, SCALES, SEEDS = (2, 30), (16, 100), (8, 100), (0.5, 3.0), (0, 99)
MIDDLE = (5, 25)  # the factor is measured between these layers, away from both ends
NUMBERS = 10_000  # of one layer over all nets: of small nets there are more, at the same cost
MOST_NETS = 8
FACTORS = (0.9, 2.1)  # ends of the axis of the factor; what lies beyond is drawn there
LOWS, HIGHS = (-4, -14, -32), (4, 16)  # ends of the axis of the gradient, in decades


class Explosion(NamedTuple):
    """The gradient at the start of deep nets, with and without batch normalisation.

    shape      (units, batch, nets)
    scale      sigma_w: the weights have the standard deviation sigma_w / sqrt(units)
    normal     (nets, depth) log10 of |d loss / d z| of a layer over that of the last one, with
               normalisation; plain: without, the same weights
    normal_theory, plain_theory  (depth,) the same for wide nets and large batches
    factor     (nets,) of the squared gradient from a layer to the one before, with normalisation
    predicted  what theory says about it
    """

    activation: str
    shape: tuple[int, int, int]
    scale: float
    normal: np.ndarray
    plain: np.ndarray
    normal_theory: np.ndarray
    plain_theory: np.ndarray
    factor: np.ndarray
    predicted: float


def compute_explosion(*, activation="relu", depth=30, scale=1.41, width=100, batch=100, seed=0):
    """Propagate a random gradient back through nets of `depth` hidden layers (2 to 30).

    activation  a name in SHOWN; scale is sigma_w, 0.5 to 3
    width       16 to 100 units a layer; batch 8 to 100 random examples; seed 0 to 99

    The nets are the first `depth` layers of nets with 30: the gradient that arrives at their last
    layer has come through the layers above. So a longer net costs no more than a short one.
    """
    act = SHOWN[one_of("activation", activation, SHOWN)]
    depth, scale = whole("depth", depth, *DEPTHS), real("scale", scale, *SCALES)
    width, batch = whole("width", width, *WIDTHS), whole("batch", batch, *BATCHES)
    setting = act, width, batch, whole("seed", seed, *SEEDS)
    normal, plain = _normalised(*setting), _plain(*setting, scale)
    first, last = MIDDLE
    squares = 2 * (normal[:, first - 1] - normal[:, last - 1]) / (last - first)
    predicted = _factor(act)
    slope = np.log10(predicted) / 2
    return Explosion(
        activation, (width, batch, len(normal)), scale, _cut(normal, depth), _cut(plain, depth),
        slope * np.arange(depth)[::-1],
        _cut(signal(act, scale, 0.0, DEPTHS[1]).log10_gradient, depth), 10**squares, predicted,
    )  # fmt: skip


def _cut(gradient, depth):
    """The first `depth` layers, relative to the last of them."""
    return gradient[..., :depth] - gradient[..., depth - 1 : depth]


@cache
def _factor(act):
    return batch_norm_factor(act)


@lru_cache(maxsize=64)
@one_blas_thread()
def _normalised(act, width, batch, seed):
    """(nets, 30) log10 of the gradient norm; the scale of the weights does not matter."""
    W, X, dA = _drawn(width, batch, seed)
    gamma_beta = np.stack([np.ones(width), np.zeros(width)])
    layers = [(w, gamma_beta) for w in W[:-1]] + [(W[-1], np.zeros((1, width)))]
    acts, dfs = _acts(act)
    passed = batch_norm.forward(layers, acts, X)
    return _sizes(batch_norm.deltas(layers, dfs, passed, passed.Z, dA)[1])


@lru_cache(maxsize=64)
@one_blas_thread()
def _plain(act, width, batch, seed, scale):
    W, X, dA = _drawn(width, batch, seed)
    layers = [(w, np.zeros((1, width))) for w in scale * W]
    acts, dfs = _acts(act)
    return _sizes(network.deltas(layers, dfs, network.forward(layers, acts, X).Z, dA))


def _acts(act):
    """Activations and derivatives of all layers; the output is linear."""
    acts = [act] * DEPTHS[1] + [IDENTITY]
    return acts, [act.df for act in acts]


def _sizes(dZ):
    """Of the hidden layers."""
    return np.log10(per_layer(norm, dZ[:-1]))


@lru_cache(maxsize=8)
def _drawn(width, batch, seed):
    """Weights (layers, nets, width, width), data and gradient (nets, batch, width), cut to size."""
    nets = min(max(NUMBERS // (width * max(width, batch)), 1), MOST_NETS)
    numbers, layers = _numbers(seed), DEPTHS[1] + 1
    sizes = [layers * nets * width**2, nets * batch * width, nets * batch * width]
    W, X, dA = np.split(numbers[: sum(sizes)], np.cumsum(sizes)[:-1])
    return (
        W.reshape(layers, nets, width, width) / np.sqrt(width),
        X.reshape(nets, batch, width), dA.reshape(nets, batch, width),
    )  # fmt: skip


@lru_cache(maxsize=2)
def _numbers(seed):
    """Standard normal numbers, drawn once for all sizes."""
    return np.random.default_rng(seed).standard_normal((DEPTHS[1] + 3) * NUMBERS)


# --- The figure ---------------------------------------------------------------------------------


def build_explosion(fig):
    """Left: the gradient in every layer. Right: the factor per layer of every activation."""
    left, right = fig.subplots(1, 2, width_ratios=(1.5, 1))
    artists = _build_gradient(left) | _build_factors(right)
    handles = [artists[name] for name in ("normal", "plain", "normal_theory")]
    fig.legend(handles=handles, loc="outside lower center", ncols=3, borderaxespad=0.2)
    return artists


def _build_gradient(ax):
    ax.set(xlim=(0, DEPTHS[1] + 1), ylim=(LOWS[0], HIGHS[0]), xlabel="hidden layer")
    ax.set_xticks([1, 5, 10, 15, 20, 25, 30])
    ax.yaxis.set_major_locator(MaxNLocator(8, integer=True, steps=(1, 2, 5, 10)))
    ax.yaxis.set_major_formatter(lambda y, _: f"$10^{{{y:.0f}}}$")
    ax.set_title("gradient of a layer / of the last one")
    ax.axhline(0, color="0.85", lw=1)
    dots = {**style.MEASURED, "markersize": 4, "color": style.GREY, "animated": True}
    plain = {**dots, "marker": "s", "mfc": "white", "markeredgewidth": 1}
    theory = {**style.THEORY, "animated": True, "zorder": 3}
    return {
        "ax": ax,
        "plain": ax.plot([], [], **plain, label="without normalisation")[0],
        "normal": ax.plot([], [], **dots, label="with batch normalisation")[0],
        "normal_theory": ax.plot([], [], **theory, label="theory, wide nets")[0],
        "plain_theory": ax.plot([], [], **theory, dashes=(5, 2))[0],
    }


def _build_factors(ax):
    factors, places = [_factor(act) for act in SHOWN.values()], np.arange(len(SHOWN))
    ax.set(xlim=(FACTORS[0] - 0.05, FACTORS[1] + 0.05), ylim=(-0.6, len(SHOWN) - 0.4))
    ax.set_xlabel("squared gradient: factor per layer")
    ax.set_yticks(places, [name.replace("_", " ") for name in SHOWN])
    ax.set_title("with normalisation:")
    ax.axvline(1, color="0.85", lw=1)
    ax.hlines(places, 1, factors, color="0.85", lw=1)
    ax.plot(factors, places, "|", ms=13, mew=1.6, color=style.INK)
    dots = {**style.MEASURED, "animated": True}
    return {"factor": ax.plot([], [], **dots)[0], "value": style.beside_title(ax, 0.64)}


def draw_explosion(artists, result):
    """Move everything; True if the gradient needs another axis."""
    nets, depth = result.normal.shape
    layers, color = np.arange(1, depth + 1), style.look(result.activation)["color"]
    for name in ("normal", "plain"):
        artists[name].set_data(np.tile(layers, nets), getattr(result, name).ravel())
        artists[f"{name}_theory"].set_data(layers, getattr(result, f"{name}_theory"))
    artists["normal"].set_color(color)
    artists["factor"].set(color=color, data=(np.clip(result.factor, *FACTORS), _place(result)))
    artists["value"].set_text(f"{np.median(result.factor):.2f}")
    return _fit(artists["ax"], np.concatenate([result.normal, result.plain]))


def _place(result):
    return np.full(len(result.factor), list(SHOWN).index(result.activation))


def _fit(ax, values):
    low = next((low for low in LOWS if low < values.min()), LOWS[-1])
    high = next((high for high in HIGHS if high > values.max()), HIGHS[-1])
    if ax.get_ylim() == (low, high):
        return False
    ax.set_ylim(low, high)
    return True


def describe_explosion(result):
    """The figure in words."""
    units, batch, nets = result.shape
    several = f"{nets} nets" if nets > 1 else "One net"
    return (
        f"{several} of {result.normal.shape[1]} hidden layers of {units} {result.activation} "
        f"units, a batch of {batch}. With batch normalisation the gradient in the first layer is "
        f"{_times(result.normal)} times that in the last one (theory {_times(result.normal_theory)}"
        f"); its square changes by {np.median(result.factor):.3f} per layer (theory "
        f"{result.predicted:.3f}). Without, at sigma_w = {result.scale:g}: "
        f"{_times(result.plain)} times (theory {_times(result.plain_theory)})."
    )


def _times(gradient):
    return f"{10 ** np.median(gradient[..., 0]):.3g}"


def explosion(activation="relu", depth=30, scale=1.41, width=100, batch=100, seed=0):
    """Show the gradient with and without normalisation; arguments as for `compute_explosion`."""
    return live(
        compute_explosion,
        build_explosion,
        draw_explosion,
        describe_explosion,
        controls={
            "activation": choice(activation, list(SHOWN), "activation"),
            "depth": number(depth, *DEPTHS, 1, "hidden layers"),
            "scale": number(scale, *SCALES, 0.05, "scale sigma_w"),
            "width": number(width, *WIDTHS, 4, "units per layer"),
            "batch": number(batch, *BATCHES, 4, "batch size"),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        call="normalisation.explosion",
        size=(8.4, 4.4),
    )
