"""Which gain suits an activation, and what a wrong one does in a deep net: the gain calculator.

The pre-activations z of a layer have the second moment q = E z^2. A net keeps it if the weights of
the next layer have the standard deviation gain / sqrt(fan_in) with gain^2 E f(z)^2 = q. What counts
is the second moment E f(z)^2 = (E f)^2 + Var f. Taking Var f alone is a mistake that grows with
every layer, unless E f = 0. Theory is that of `helpers.mean_field`: wide layers, z Gaussian.
"""

from functools import lru_cache, partial
from math import inf, sqrt
from typing import NamedTuple

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.patches import Polygon

from helpers import activations, mean_field, style
from helpers.activations import ACTIVATIONS, YOURS, gaussian_mean, leaky_relu
from helpers.checks import one_of, real, whole
from helpers.live import choice, live, number

SLOPES, SECOND_MOMENTS, GAINS, SAMPLES = (-1.0, 1.0), (0.1, 10.0), (0.5, 2.5), (10, 10_000)
SEED = 4  # of the samples and of the simulated net
DEPTH, WIDTH, BATCH = 30, 128, 8  # layers after the first, units per layer, inputs
SHOWN = {"leaky_relu": "leaky_relu, slope a"}
TORCH = {"identity": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": sqrt(2), "selu": 3 / 4}
"""The table of torch.nn.init.calculate_gain (PyTorch 2.13), leaky_relu as in `leaky_gain`."""
CURVE = np.linspace(-4, 4, 161)  # z / sqrt(q)
_DENSITY = np.exp(-(CURVE**2) / 2) / sqrt(2 * np.pi)


class Gain(NamedTuple):
    """The Gaussian means of one activation and what three gains do in a deep net.

    name, q    the activation, and E z^2
    curve      (161,) f(z)^2 / q times the density at z / sqrt(q) in CURVE; its area is E f^2 / q
    mean       E f(z); second E f(z)^2; slope E f'(z)^2, by quadrature
    samples    how many z were drawn
    sampled    (2,) mean of f(z)^2 and of f'(z)^2 over them; errors (2,) their standard errors
    gains      (3,) from the second moment, from the variance (inf if that is 0), and the learner's
    predicted  (3, DEPTH + 1) E z^2 for these gains, layer by layer, in a wide net
    measured   (3, DEPTH + 1) mean of z^2 in one net of WIDTH units, with the same random numbers
    """

    name: str
    q: float
    curve: np.ndarray
    mean: float
    second: float
    slope: float
    samples: int
    sampled: np.ndarray
    errors: np.ndarray
    gains: np.ndarray
    predicted: np.ndarray
    measured: np.ndarray

    @property
    def variance(self):
        """Var f(z)."""
        return _variance(self.mean, self.second)

    @property
    def chi_1(self):
        """Factor of the squared gradient per layer, with the gain from the second moment."""
        return self.q * self.slope / self.second


def compute_calculator(
    *, activation=None, slope=0.01, q=1.0, gain=1.0, samples=1000, own=None
):  # fmt: skip
    """Gaussian means, gains and their effect in DEPTH layers.

    activation  a name in ACTIVATIONS, or "your function" for `own`; None: own if given, else "relu"
    slope       of leaky_relu below 0 (-1 to 1)
    q           second moment of z (0.1 to 10); gain: the learner's (0.5 to 2.5)
    samples     number of random z (10 to 10,000)
    own         the learner's own function, of an array or of one number, or a record
    """
    act = _chosen(activation, slope, own)
    q, yours = real("q", q, *SECOND_MOMENTS), real("gain", gain, *GAINS)
    n = whole("samples", samples, *SAMPLES)
    second, slope = mean_field.moments(act, q)
    if not 0 < second < inf:
        raise ValueError(f"{act.name} has no gain: its E f(z)^2 must be above 0, got {second:g}")
    mean, squares = gaussian_mean(act.f, q), np.square(_at_samples(act, q)[:, :n])
    variance = _variance(mean, second)
    gains = np.array([sqrt(q / second), sqrt(q / variance) if variance else inf, yours])
    return Gain(
        act.name, q, np.square(act.f(sqrt(q) * CURVE)) / q * _DENSITY, mean, second, slope,
        n, squares.mean(1), squares.std(1, ddof=1) / sqrt(n), gains,
        np.array([_predicted(act, q, gain) for gain in gains]), _measured(act, q, gains),
    )  # fmt: skip


def _variance(mean, second):
    """Var f; 0 where only rounding is left of it."""
    difference = second - mean**2
    return difference if difference > 1e-12 * second else 0.0


def _chosen(name, slope, own):
    yours = [] if own is None else [YOURS]
    one_of("activation", name or (yours or ["relu"])[0], [*ACTIVATIONS, *yours])
    slope = real("slope", slope, *SLOPES)
    if yours and name in (None, YOURS):
        return _one_function(activations.own(own))
    return leaky_relu(slope) if name == "leaky_relu" else ACTIVATIONS[name or "relu"]


def _one_function(act):
    if act.parts:
        raise ValueError(f"own must be one function for all units, got {act.name}")
    return act


def _at_samples(act, q):
    """f and f' at the samples, (2, 10000): at all of them, so that every step costs alike."""
    z = sqrt(q) * _samples()
    return np.stack([act.f(z), act.df(z)])


@lru_cache(maxsize=1)
def _samples():
    return np.random.default_rng([SEED, 0]).standard_normal(SAMPLES[1])


@lru_cache(maxsize=8)  # one of the two stays when the other moves
def _predicted(act, q, gain):
    """E z^2 in layers 0 to DEPTH, (DEPTH + 1,), from q on."""
    if gain == inf:
        return np.full(DEPTH + 1, np.nan)
    if np.isclose(mean_field.second_moment_map(act, q, gain, 0.0), q, 1e-12, 0):
        return np.full(DEPTH + 1, q)  # else rounding could grow: q may be an unstable fixed point
    return mean_field.signal(act, gain, 0.0, DEPTH + 1, inputs=q / gain**2).second_moment


def _measured(act, q, gains):
    """Mean of z^2 in layers 0 to DEPTH of one net for each gain, (gains, DEPTH + 1)."""
    first, weights = _net()
    gains = np.where(gains < inf, gains, np.nan)[:, None, None]
    z = [np.broadcast_to(sqrt(q) * first, (len(gains), BATCH, WIDTH))]
    for W in weights:
        z.append(gains * (_held(act.f(z[-1])) @ W))
    return np.square(z).mean((2, 3)).T


def _held(a):
    """Keep the numbers of a learner's f where a square neither overflows nor gets subnormal."""
    return np.where(abs(a) < 1e-100, 0.0, np.clip(a, -1e100, 1e100))


@lru_cache(maxsize=1)
def _net():
    """z of the first layer with mean square 1, and W / gain of the others; drawn once."""
    rng = np.random.default_rng([SEED, 1])
    z = rng.standard_normal((BATCH, WIDTH))
    weights = rng.standard_normal((DEPTH, WIDTH, WIDTH)) / sqrt(WIDTH)
    return z / sqrt(np.mean(z**2)), weights


# --- The picture --------------------------------------------------------------------------------

_MEAN, _VARIANCE, _SECOND, _YOURS = style.SKY, style.VERMILLION, style.GREEN, style.PURPLE
_COLORS, _FROM = (_SECOND, _VARIANCE, _YOURS), ("from E f²", "from Var f", "yours")
_LAYERS = np.arange(DEPTH + 1)
_DEEP = (1e-20, 1e16)  # the E z^2 that the right panel shows
# Few different scales, so that most steps of q need no new axes.
_HEIGHTS, _LENGTHS = 0.33 * 3.0 ** np.arange(40), 1.25 * 3.0 ** np.arange(40)


def build_calculator(fig):
    """Left: what f leaves of E z^2, as areas and as bars. Right: E z^2 through the layers."""
    left, right = fig.subfigures(1, 2, width_ratios=(1, 1.05))
    areas, bars = left.subplots(2, 1, height_ratios=(1.5, 1))
    return _build_areas(areas) | _build_bars(bars) | _build_deep(right.subplots())


def _build_areas(ax):
    ax.set(xlim=(-4, 4), ylim=(0, _HEIGHTS[0]), xlabel="z / √q", yticks=[])
    ax.set_title("√(grey / coloured area) = gain:")
    ax.fill_between(CURVE, CURVE**2 * _DENSITY, color="0.86", lw=0)
    ax.plot(CURVE, CURVE**2 * _DENSITY, color="0.6", lw=1.2)
    for x, side, words in ((0.01, "left", "in: z²"), (0.99, "right", "out: f(z)²")):
        ax.text(x, 0.98, words, ha=side, va="top", transform=ax.transAxes)
    area = Polygon([[0, 0], [1, 0], [1, 1]], closed=True, lw=2, animated=True)
    return {"areas": ax, "area": ax.add_patch(area), "gain": style.beside_title(ax, 0.84)}


def _build_bars(ax):
    ax.set(xlim=(0, _LENGTHS[0]), ylim=(-0.6, 1.6))
    ax.set_yticks([1, 0], ["E f² / q", "E f′²"])
    ax.tick_params(axis="y", length=0)
    ax.set_title("lower / upper bar = χ₁:")
    ax.axvline(1, color="0.6", lw=1.2)
    ax.text(1, 0.5, " E z² / q", color=style.GREY, va="center")
    legend = ((0, "left", "(E f)²", _MEAN), (0.22, "left", "+ Var f", _VARIANCE),
              (1, "right", "dots: samples ± 2 s.e.", style.INK))  # fmt: skip
    for x, side, words, color in legend:
        ax.text(x, -0.3, words, color=style.readable(color), ha=side, va="top",
                transform=ax.transAxes)  # fmt: skip
    moving = {"animated": True}
    return {
        "bars": ax,
        "parts": [
            ax.barh(place, 0, height=0.56, color=color, **moving)[0]
            for place, color in ((1, _MEAN), (1, _VARIANCE), (0, "0.75"))
        ],
        "spread": ax.plot([], [], color=style.INK, lw=2, **moving)[0],
        "sampled": ax.plot([], [], **style.MEASURED, color=style.INK, clip_on=False, **moving)[0],
        "chi_1": style.beside_title(ax, 0.84),
    }


def _build_deep(ax):
    ax.set(xlim=(-0.5, DEPTH + 0.5), yscale="log", ylim=_DEEP, xlabel="layers after the first")
    ax.set_title("E z² (dots: one net)")
    ax.set_yticks(10.0 ** np.arange(-20, 16, 5))
    ax.minorticks_off()
    moving, names = {"animated": True}, [f"0.000 {words}" for words in _FROM]
    return {
        "deep": ax,
        "measured": [
            ax.plot([], [], **_SMALL_DOTS, color=color, **moving)[0] for color in _COLORS
        ],
        "predicted": [ax.plot([], [], **style.THEORY, **moving)[0] for _ in _COLORS],
        "labels": style.direct_labels(ax, names, [1, 1, 1], _COLORS, animated=True),
    }


_SMALL_DOTS = {**style.MEASURED, "markersize": 4.5}


def draw_calculator(artists, result):
    """Move everything; a full redraw when areas or bars need another scale."""
    r, color = result, style.look(result.name)["color"]
    artists["area"].set_xy(np.column_stack([_AROUND, [0, *r.curve, 0]]))
    artists["area"].set(facecolor=to_rgba(color, 0.35), edgecolor=color)
    artists["gain"].set_text(_digits(r.gains[0]))
    artists["chi_1"].set_text(_digits(r.chi_1))
    _draw_deep(artists, r)
    ax = artists["areas"]
    return _fit(ax.set_ylim, ax.get_ylim()[1], _HEIGHTS, r.curve.max()) | _draw_bars(artists, r)


_AROUND = [CURVE[0], *CURVE, CURVE[-1]]


def _draw_bars(artists, r):
    ends = [r.mean**2 / r.q, r.second / r.q, r.slope]
    for bar, start, end in zip(artists["parts"], (0, ends[0], 0), ends, strict=True):
        bar.set(x=start, width=end - start)
    middle, spread = r.sampled / [r.q, 1], 2 * r.errors / [r.q, 1]
    gap, places = np.full(2, np.nan), np.array([1, 0])
    artists["sampled"].set_data(middle, places)
    artists["spread"].set_data(
        np.stack([middle - spread, middle + spread, gap], axis=1).ravel(), np.repeat(places, 3)
    )
    ax = artists["bars"]
    return _fit(ax.set_xlim, ax.get_xlim()[1], _LENGTHS, max(*ends, *(middle + spread)))


def _draw_deep(artists, r):
    for k, label in enumerate(artists["labels"]):
        artists["predicted"][k].set_data(_LAYERS, r.predicted[k])
        artists["measured"][k].set_data(_LAYERS, r.measured[k])
        label.set_text(f"{_digits(r.gains[k])} {_FROM[k]}")
    style.place_labels(artists["deep"], artists["labels"], r.predicted[:, -1])


def _fit(set_limits, now, scales, reach):
    """Give an axis from 0 the smallest of the scales that is enough; True if that is a new one."""
    enough = scales[min(np.searchsorted(scales, reach), len(scales) - 1)]
    if enough == now:
        return False
    set_limits(0, enough)
    return True


def _digits(x):
    return f"{x:.3f}" if x < 100 else f"{x:.3g}" if x < inf else "none"


def _size(x):
    """A number over many decades, in words."""
    return "above 1e+100" if x > 1e100 else "below 1e-100" if x < 1e-100 else f"{x:.3g}"


def describe_calculator(result):
    """The figure in words."""
    r, gains = result, [_digits(gain) for gain in result.gains]
    square = r.mean**2 if r.mean**2 > 1e-12 * r.second else 0  # else only rounding is left
    ends = [_size(x) for x in r.predicted[:, -1]]
    by_variance = f"{ends[1]} with {gains[1]} from Var f, " if r.variance else ""
    return (
        f"{r.name} at E z² = {r.q:g}: E f² = {r.second:.4g} = (E f)² {square:.4g} + Var f "
        f"{r.variance:.4g}; {r.samples:,} samples give {r.sampled[0]:.3g} ± {r.errors[0]:.1g} "
        f"(standard error). E f′² = {r.slope:.4g}, samples {r.sampled[1]:.3g} ± "
        f"{r.errors[1]:.1g}. Gain {gains[0]}{_in_the_table(r.name)}, χ₁ = {_digits(r.chi_1)} with "
        f"it. After {DEPTH} more layers E z² is {ends[0]} with this gain, {by_variance}{ends[2]} "
        f"with yours, {gains[2]} (one net of {WIDTH} units: "
        f"{', '.join(_size(x) for x in r.measured[:, -1] if x == x)})."
    )


def _in_the_table(name):
    return f" (PyTorch's table says {_digits(TORCH[name])})" if name in TORCH else ""


def calculator(activation=None, slope=0.01, q=1.0, gain=1.0, samples=1000, own=None):
    """Show the gain of an activation; `calculator(own=my_function)` works for your own."""
    record = None if own is None else activations.own(own)
    first = [YOURS] if record else []
    names = {SHOWN.get(name, name): name for name in [*first, *ACTIVATIONS]}
    return live(
        partial(compute_calculator, own=record),
        build_calculator,
        draw_calculator,
        describe_calculator,
        controls={
            "activation": choice(activation or (first or ["relu"])[0], names, "activation f"),
            "q": number(q, *SECOND_MOMENTS, 0.1, "second moment q = E z²", log=True),
            "gain": number(gain, *GAINS, 0.01, "your gain"),
            "slope": number(
                slope, *SLOPES, 0.01, "slope a", when={"activation": ["leaky_relu"]}
            ),
            "samples": number(samples, *SAMPLES, 0.1, "samples", log=True),
        },
        call=f"gain.calculator(own={_name(own)}, " if record else "gain.calculator",
        size=(8.4, 4.4),
    )


def _name(f):
    name = getattr(f, "__name__", "")
    return name if name.isidentifier() else "my_function"
