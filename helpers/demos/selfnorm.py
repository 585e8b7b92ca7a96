"""What the mean of an activation does to the next layer, and a function that normalises itself.

bias_shift  E f(z) of the family by formula, quadrature and sampling; the units of the next layer
selu        mean and variance through many layers: SELU goes back to 0 and 1, others do not

z is standard normal where nothing else is said.
"""

from functools import lru_cache
from math import erfc, exp, pi, sqrt
from typing import NamedTuple

import numpy as np
from matplotlib.colors import to_rgb

from helpers import style
from helpers.activations import ACTIVATIONS, ELU, RELU, SELU, TANH, elu, gaussian_mean, leaky_relu
from helpers.checks import finite, one_of, real, whole
from helpers.live import choice, live, number, toggle
from helpers.mean_field import moments

SEEDS = (0, 99)

# --- The mean shift -----------------------------------------------------------------------------

SLOPES, ALPHAS = (-1.0, 1.0), (0.0, 2.0)
SHIFTED = {
    "relu": "ReLU", "leaky_relu": "leaky, a", "elu": "ELU, α", "selu": "SELU",
    "softplus": "softplus", "silu": "SiLU", "gelu": "GELU", "abs": "|z|", "sigmoid": "sigmoid",
    "tanh": "tanh",
}  # fmt: skip
UNITS, FAN_IN, EXAMPLES = 24, 256, 128  # of the next layer, of the layer before it; inputs
SAMPLED, TIMES = 20_000, 8  # random z, how often
_SQRT_2PI = sqrt(2 * pi)


def closed_mean(name, slope=0.01, alpha=1.0):
    """E f(z) by formula, or None where there is none in elementary functions.

    name   in ACTIVATIONS; slope of leaky_relu, alpha of elu, any finite numbers
    Source: ELU's is worked out here, with E e^z over z < 0 = sqrt(e) Phi(-1).
    """
    slope, alpha = real("slope", slope), real("alpha", alpha)
    below = sqrt(exp(1)) * _phi(-1.0) - 0.5  # E (e^z - 1) over z < 0
    formulas = {
        "relu": 1 / _SQRT_2PI, "leaky_relu": (1 - slope) / _SQRT_2PI,
        "elu": 1 / _SQRT_2PI + alpha * below, "selu": 0.0, "abs": 2 / _SQRT_2PI,
        "gelu": 1 / sqrt(4 * pi), "sigmoid": 0.5, "step": 0.5, "tanh": 0.0, "identity": 0.0,
    }  # fmt: skip
    return formulas.get(one_of("name", name, ACTIVATIONS))


def _phi(x):
    """Distribution function of the standard normal."""
    return erfc(-x / sqrt(2)) / 2


class Shift(NamedTuple):
    """Means of all activations, and the next layer behind one of them.

    name      the activation; subtracted: whether E f was taken off
    means     {name: E f} by quadrature; sampled {name: (TIMES,)} means of random numbers
    formula   E f of the chosen one by formula, None if there is none
    gain      of the weights, such that the next pre-activations have second moment 1
    share     (E f)^2 / E f^2: how much of that moment is the same for all inputs
    shifts, spreads  (UNITS,) mean and standard deviation over the inputs of each unit of the next
              layer, sorted by the mean
    """

    name: str
    subtracted: bool
    means: dict
    sampled: dict
    formula: float | None
    gain: float
    share: float
    shifts: np.ndarray
    spreads: np.ndarray

    @property
    def predicted(self):
        """Standard deviation over the units of their shifts: gain |E f|, the root of the share."""
        return sqrt(self.share)


def compute_bias_shift(*, activation="relu", slope=0.1, alpha=1.0, subtract=False, seed=0):
    """The mean E f of every activation, and what it does to the units of the next layer.

    activation  a name in SHIFTED
    slope       of leaky_relu, -1 to 1; alpha of elu, 0 to 2
    subtract    whether the layer hands on f - E f instead of f
    seed        of weights and inputs, 0 to 99
    """
    slope, alpha = real("slope", slope, *SLOPES), real("alpha", alpha, *ALPHAS)
    acts = {name: _act(name, slope, alpha) for name in SHIFTED}
    act = acts[one_of("activation", activation, SHIFTED)]
    seed = whole("seed", seed, *SEEDS)
    mean, second = _mean(act), moments(act, 1.0).value
    off = mean if subtract else 0.0
    left, gain = mean - off, 1 / sqrt(second - off * (2 * mean - off))
    z, W = _layer(seed)
    after = gain * ((act.f(z) - off) @ W)
    shifts = after.mean(0)
    order = np.argsort(shifts)
    return Shift(
        activation, bool(subtract), {name: _mean(one) for name, one in acts.items()},
        {name: _sampled(one) for name, one in acts.items()},
        closed_mean(activation, slope, alpha), gain, (gain * left) ** 2,
        shifts[order], after.std(0)[order],
    )  # fmt: skip


def _act(name, slope, alpha):
    families = {"leaky_relu": (leaky_relu, slope), "elu": (elu, alpha)}
    family, parameter = families.get(name, (None, None))
    return family(parameter) if family else ACTIVATIONS[name]


@lru_cache(maxsize=64)
def _mean(act):
    mean = gaussian_mean(act.f)
    return mean if abs(mean) > 1e-12 else 0.0  # rounding


@lru_cache(maxsize=64)
def _sampled(act):
    return act.f(_samples()).mean(-1)


@lru_cache(maxsize=1)
def _samples():
    return np.random.default_rng(0).standard_normal((TIMES, SAMPLED))


@lru_cache(maxsize=4)
def _layer(seed):
    """Independent z (EXAMPLES, FAN_IN), and W (FAN_IN, UNITS) with variance 1 / FAN_IN."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((EXAMPLES, FAN_IN))
    return z, rng.standard_normal((FAN_IN, UNITS)) / sqrt(FAN_IN)


def build_bias_shift(fig):
    """Left: E f of the family. Right: the units of the next layer."""
    means, units = fig.subplots(1, 2, width_ratios=(1, 1.25))
    names = list(SHIFTED.values())
    means.set(xlim=(-0.05, 0.9), ylim=(len(names) - 0.5, -0.5), xlabel="E f(z)")
    means.set_title("bars: quadrature, dots: samples")
    means.set_yticks(range(len(names)), names)
    means.tick_params(axis="y", length=0)
    units.set(xlim=(-0.8, UNITS - 0.2), ylim=(-3.6, 3.6), xticks=[])
    units.set(xlabel="units of the next layer, sorted", ylabel="pre-activation")
    units.set_title("of E z² the same for all inputs:")
    for y, side, words in (
        (3.5, "top", "dots: mean over the inputs, bars: ± 1 std"),
        (-3.5, "bottom", "lines: predicted spread of the dots, ± 1 std"),
    ):
        units.text(-0.5, y, words, va=side, color=style.GREY)
    moving = {"animated": True}
    return {
        "means": means,
        "bars": [
            means.barh(k, 0, height=0.6, color=_tint(name), **moving)[0]
            for k, name in enumerate(SHIFTED)
        ],
        "sampled": means.plot([], [], **_SMALL, **moving)[0],
        "chosen": means.plot([], [], **_CHOSEN, **moving)[0],
        "share": style.beside_title(units, 0.69),
        "predicted": [units.plot([], [], **style.THEORY, **moving)[0] for _ in range(2)],
        "spreads": units.plot([], [], lw=1.5, alpha=0.6, **moving)[0],
        "shifts": units.plot([], [], **style.MEASURED, **moving)[0],
    }  # fmt: skip


def _tint(name):
    return (*to_rgb(style.look(name)["color"]), 0.55)


_SMALL = {**style.MEASURED, "markersize": 3, "color": style.INK}
_CHOSEN = {"marker": "<", "ms": 9, "color": style.INK, "linestyle": "none", "clip_on": False}


def draw_bias_shift(artists, result):
    """Move everything; never a full redraw."""
    r, color = result, style.look(result.name)["color"]
    for bar, mean in zip(artists["bars"], r.means.values(), strict=True):
        bar.set_width(mean)
    sampled = np.array(list(r.sampled.values()))
    artists["sampled"].set_data(sampled.ravel(), np.repeat(np.arange(len(sampled)), TIMES))
    artists["chosen"].set_data([0.9], [list(r.means).index(r.name)])
    artists["share"].set_text(f"{r.share:.1%}")
    for line, sign in zip(artists["predicted"], (-1, 1), strict=True):
        line.set_data([-1, UNITS], [sign * r.predicted] * 2)
    low, high = r.shifts - r.spreads, r.shifts + r.spreads
    gap = np.full(UNITS, np.nan)
    artists["spreads"].set_data(
        np.repeat(np.arange(UNITS), 3), np.stack([low, high, gap], 1).ravel()
    )  # fmt: skip
    artists["shifts"].set_data(np.arange(UNITS), r.shifts)
    for name in ("spreads", "shifts"):
        artists[name].set_color(color)


def describe_bias_shift(result):
    """The figure in words."""
    r = result
    means = ", ".join(f"{SHIFTED[name]} {_five(mean)}" for name, mean in r.means.items())
    formula = "no formula" if r.formula is None else f"formula {_five(r.formula)}"
    low, high = r.sampled[r.name].min(), r.sampled[r.name].max()
    handed = "f - E f" if r.subtracted else "f"
    return (
        f"E f by quadrature: {means}. {SHIFTED[r.name]}: {formula}, {TIMES} times {SAMPLED:,} "
        f"samples give {_five(low)} to {_five(high)}. The layer hands on {handed}; with gain "
        f"{r.gain:.3f} the next pre-activations have second moment 1, and {r.share:.1%} of it is "
        f"the same for all inputs. Standard deviation of the shifts of {UNITS} units: predicted "
        f"{r.predicted:.3f}, measured {np.sqrt(np.mean(r.shifts**2)):.3f}."
    )


def _five(x):
    return f"{round(x, 5) + 0.0:.5f}"


def bias_shift(activation="relu", slope=0.1, alpha=1.0, subtract=False, seed=0):
    """Show the mean shift; arguments as for `compute_bias_shift`."""
    return live(
        compute_bias_shift,
        build_bias_shift,
        draw_bias_shift,
        describe_bias_shift,
        controls={
            "activation": choice(
                activation, {shown: name for name, shown in SHIFTED.items()}, "activation"
            ),
            "slope": number(slope, *SLOPES, 0.05, "slope a", when={"activation": ["leaky_relu"]}),
            "alpha": number(alpha, *ALPHAS, 0.05, "ELU α", when={"activation": ["elu"]}),
            "seed": number(seed, *SEEDS, 1, "seed"),
            "subtract": toggle(subtract, "hand on f - E f"),
        },
        call="selfnorm.bias_shift",
        size=(8.4, 4.2),
    )


# --- Self-normalisation -------------------------------------------------------------------------

LAMBDA = float(SELU.df(1.0))
ALPHA = -SELU.range[0] / LAMBDA
MEANS, VARIANCES, DEPTHS, OMEGAS = (-1.0, 1.0), (0.1, 3.0), (1, 32), (-1.0, 1.0)
NETS, WIDTH, BATCH = 4, 100, 8  # NETS of SELU, one of each other kind
DEPTH = DEPTHS[1]
OTHERS = {"ReLU, He": (RELU, sqrt(2)), "tanh": (TANH, 1.0), "ELU": (ELU, 1.0)}
GRID = np.stack(np.meshgrid(np.linspace(-0.8, 0.8, 5), np.linspace(0.2, 2.6, 5)), -1).reshape(-1, 2)


def selu_map(mean, variance, omega=0.0, tau=1.0):
    """(mean, variance) of SELU(z) for z normal with mean omega * mean, variance tau * variance.

    So are the pre-activations of a unit with many inputs of that mean and variance; omega is the
    sum of its weights, tau the sum of their squares. variance > 0; numbers or arrays of one shape.
    Source: Klambauer, Unterthiner, Mayr & Hochreiter, Self-normalizing neural networks (NIPS 2017,
    arXiv:1706.02515), eq. 4 and 5.
    """
    m, v = omega * finite("mean", mean), tau * finite("variance", variance)
    if not np.all(v > 0):
        raise ValueError(f"tau * variance must be above 0, got {np.min(v):g}")
    s = np.sqrt(v)
    up, density = _normal(m / s), np.exp(-((m / s) ** 2) / 2) / _SQRT_2PI
    once = np.exp(m + v / 2) * _normal(-(m + v) / s)  # E e^z over z < 0
    twice = np.exp(2 * m + 2 * v) * _normal(-(m + 2 * v) / s)
    first = LAMBDA * (m * up + s * density + ALPHA * (once - (1 - up)))
    second = (m**2 + v) * up + m * s * density + ALPHA**2 * (twice - 2 * once + 1 - up)
    second = LAMBDA**2 * second
    return first, np.maximum(second - first**2, 1e-12 * second)  # a difference: rounding is left


def _normal(x):
    """Distribution function of the standard normal, elementwise."""
    return np.vectorize(_phi, otypes=[float])(x)


def contraction(omega=0.0):
    """Largest singular value of the derivative of `selu_map` at mean 0 and variance 1.

    Below 1 every small deviation from (0, 1) shrinks. By central differences, to 1e-9.
    """
    h, omega = 1e-5, real("omega", omega)
    steps = h * np.eye(2)
    above, below = (
        np.array([selu_map(*(np.array([0.0, 1.0]) + sign * step), omega) for step in steps])
        for sign in (1, -1)
    )
    return float(np.linalg.norm((above - below) / (2 * h), 2))


class SelfNorm(NamedTuple):
    """One start, (mean, variance), and what becomes of it.

    depth      layers that are shown; omega: sum of the weights of the single unit
    path       (DEPTH + 1, 2) mean and variance by `selu_map`, layer after layer
    images     (25, 2) where the map takes GRID; norm: `contraction` at this omega
    nets       (NETS, DEPTH + 1, 2) mean and variance of all activations of a layer of a SELU net
    theory     (DEPTH + 1, 2) the same in an infinitely wide net
    others     {name: (DEPTH + 1, 2)} one net of each other kind
    """

    depth: int
    omega: float
    path: np.ndarray
    images: np.ndarray
    norm: float
    nets: np.ndarray
    theory: np.ndarray
    others: dict


def compute_selu(*, mean=0.5, variance=2.0, depth=32, omega=0.0):
    """Send a layer with this mean and variance through up to 32 layers.

    mean, variance  of the inputs, -1 to 1 and 0.1 to 3; depth: layers shown, 1 to 32
    omega           sum of the weights of a unit in the map, -1 to 1; real nets have all of them
    """
    mean, variance = real("mean", mean, *MEANS), real("variance", variance, *VARIANCES)
    depth, omega = whole("depth", depth, *DEPTHS), real("omega", omega, *OMEGAS)
    nets, others = _nets(mean, variance)
    return SelfNorm(
        depth, omega, _path(mean, variance, omega), *_field(omega), nets,
        _wide(mean, variance), others,
    )  # fmt: skip


@lru_cache(maxsize=64)
def _path(mean, variance, omega):
    path = [(mean, variance)]
    for _ in range(DEPTH):
        path.append(selu_map(*path[-1], omega))
    return np.array(path, float)


@lru_cache(maxsize=64)
def _field(omega):
    """(images of GRID, norm of the derivative at the fixed point)."""
    return np.stack(selu_map(*GRID.T, omega), -1), contraction(omega)


@lru_cache(maxsize=64)
def _wide(mean, variance):
    """Mean and variance over all units: z has mean 0, and E z^2 is E a^2 of the layer before."""
    path = [(mean, variance)]
    for _ in range(DEPTH):
        m, v = path[-1]
        path.append(selu_map(0.0, m * m + v))
    return np.array(path, float)


@lru_cache(maxsize=4)
def _nets(mean, variance):
    """(SELU nets, {name: net}) with the same random numbers in all kinds."""
    inputs, weights = _drawn()
    start = mean + sqrt(variance) * inputs
    others = {
        name: through(act, gain, start[:1], weights[:1])[0] for name, (act, gain) in OTHERS.items()
    }
    return through(SELU, 1.0, start, weights), others


@lru_cache(maxsize=1)
def _drawn():
    """Inputs (NETS, BATCH, WIDTH) and weights (NETS, DEPTH, WIDTH, WIDTH) of variance 1 / WIDTH.

    The inputs of each net have mean 0 and variance 1 exactly.
    """
    rng = np.random.default_rng(5)
    x = rng.standard_normal((NETS, BATCH, WIDTH))
    x -= x.mean((1, 2), keepdims=True)
    x /= x.std((1, 2), keepdims=True)
    return x, rng.standard_normal((NETS, DEPTH, WIDTH, WIDTH)) / sqrt(WIDTH)


def through(act, gain, a, weights):
    """Mean and variance of the activations a (nets, batch, width) of every layer.

    weights (nets, layers, width, width); returns (nets, layers + 1, 2), the inputs first.
    """
    found = [(a.mean((1, 2)), a.var((1, 2)))]
    for layer in range(weights.shape[1]):
        a = act.f(gain * (a @ weights[:, layer]))
        found.append((a.mean((1, 2)), a.var((1, 2))))
    return np.array(found).transpose(2, 0, 1)


_OTHER_LOOKS = [style.look(act) for act, _ in OTHERS.values()]


def build_selu(fig):
    """Left: the map of one layer. Right: mean and variance, layer by layer."""
    left, right = fig.subfigures(1, 2, width_ratios=(1, 1.25))
    plane, (means, variances) = left.subplots(), right.subplots(2, 1, sharex=True)
    plane.set(xlim=(-1.1, 1.1), ylim=(0, 3.1), xlabel="mean", ylabel="variance")
    plane.set_title("one layer: factor at (0, 1)")
    means.set(xlim=(0, DEPTH), ylim=(-1.05, 1.6), title="mean of all activations of a layer")
    variances.set(yscale="log", ylim=(3e-3, 20), xlabel="layer", title="their variance")
    for ax, y in ((means, 0), (variances, 1)):
        ax.axhline(y, color="0.75", lw=1, zorder=0)
    moving, selu = {"animated": True}, style.look("selu")["color"]
    dots = {**style.MEASURED, "color": selu, "markersize": 3.5}
    axes = (means, variances)
    return {
        "axes": axes,
        "grid": plane.plot(*GRID.T, **{**style.MEASURED, "color": "0.75", "markersize": 4})[0],
        "arrows": plane.plot([], [], color="0.6", lw=1, **moving)[0],
        "images": plane.plot([], [], **{**style.MEASURED, "color": "0.35"}, **moving)[0],
        "path": plane.plot([], [], "o-", color=selu, ms=4, lw=1.5, **moving)[0],
        "start": plane.plot([], [], "o", color=selu, ms=10, **moving)[0],
        "fixed": plane.plot([0], [1], "*", color=style.INK, ms=13, zorder=3, **moving)[0],
        "norm": style.beside_title(plane, 0.86),
        "nets": [ax.plot([], [], **dots, **moving)[0] for ax in axes],
        "theory": [ax.plot([], [], **style.THEORY, **moving)[0] for ax in axes],
        "others": [
            [ax.plot([], [], **look, **moving)[0] for look in _OTHER_LOOKS] for ax in axes
        ],
        "labels": [
            style.direct_labels(
                ax, ["SELU", *OTHERS], [0.5] * 4, [selu, *(x["color"] for x in _OTHER_LOOKS)],
                animated=True,
            )
            for ax in axes
        ],
    }  # fmt: skip


def draw_selu(artists, result):
    """Move everything; never a full redraw."""
    r, gap = result, np.full(2, np.nan)
    pieces = [point for pair in zip(GRID, r.images, strict=True) for point in (*pair, gap)]
    artists["arrows"].set_data(*np.array(pieces).T)
    artists["images"].set_data(*r.images.T)
    artists["path"].set_data(*r.path[: r.depth + 1].T)
    artists["start"].set_data(*r.path[:1].T)
    artists["norm"].set_text(f"{r.norm:.3f}")
    layers = np.arange(r.depth + 1)
    for k, ax in enumerate(artists["axes"]):
        artists["nets"][k].set_data(
            np.tile(layers, NETS), r.nets[:, : r.depth + 1, k].ravel()
        )  # fmt: skip
        artists["theory"][k].set_data(layers, r.theory[: r.depth + 1, k])
        others = [path[: r.depth + 1, k] for path in r.others.values()]
        for line, path in zip(artists["others"][k], others, strict=True):
            line.set_data(layers, path)
        ends = [r.theory[r.depth, k], *(path[-1] for path in others)]
        style.place_labels(ax, artists["labels"][k], ends)


def describe_selu(result):
    """The figure in words."""
    r = result
    mean, variance = r.path[0]
    nets = r.nets[:, r.depth]
    others = "; ".join(
        f"{name} {path[r.depth, 0] + 0.0:.3f} and {path[r.depth, 1]:.3g}"
        for name, path in r.others.items()
    )
    image, turn = r.path[r.depth], "shrinks" if r.norm < 1 else "may grow"
    return (
        f"Start: mean {mean:g}, variance {variance:g}. The map of a unit whose weights sum to "
        f"{r.omega:g} leads to mean {image[0]:.3f}, variance {image[1]:.3f} after {r.depth} "
        f"layers; a small deviation from (0, 1) {turn} by {r.norm:.4f} per layer. {NETS} SELU nets "
        f"of {WIDTH} units: mean {nets[:, 0].min():.3f} to {nets[:, 0].max():.3f}, variance "
        f"{nets[:, 1].min():.3f} to {nets[:, 1].max():.3f}; wide nets {r.theory[r.depth, 0]:.3f} "
        f"and {r.theory[r.depth, 1]:.3f}. One net each, mean and variance: {others}."
    )


def selu(mean=0.5, variance=2.0, depth=32, omega=0.0):
    """Show the fixed point of SELU; arguments as for `compute_selu`."""
    return live(
        compute_selu,
        build_selu,
        draw_selu,
        describe_selu,
        controls={
            "mean": number(mean, *MEANS, 0.1, "mean of the inputs"),
            "variance": number(variance, *VARIANCES, 0.1, "variance of the inputs"),
            "depth": number(depth, *DEPTHS, 1, "layers"),
            "omega": number(omega, *OMEGAS, 0.1, "ω, sum of a unit's weights"),
        },
        call="selfnorm.selu",
        size=(8.4, 4.3),
    )
