"""Units at the output: what a cost makes of a unit that is wrong and sure of it.

slow_start  one sigmoid unit that has to unlearn, with two costs (Nielsen's example)
softmax     logits on a scale: probabilities, their Jacobian, and the gradients of two costs

The squared error has its factor 1/2 here, as in the books, so that the two gradients differ by
nothing but the slope of the unit: (a - y) f'(z) and a - y, or J (p - y) and p - y.
"""

import math
from typing import NamedTuple

import numpy as np

from helpers import style
from helpers.activations import SIGMOID
from helpers.checks import real, whole
from helpers.live import choice, live, number
from helpers.losses import softmax as shares

COSTS = {"squared error": style.BLUE, "cross-entropy": style.VERMILLION}

# --- A slow start -------------------------------------------------------------------------------

EPOCHS = 300
STARTS, RATES = (-5.0, 5.0), (0.01, 2.0)
SURE = 12.0  # z on the axis goes from -SURE to SURE
LINE = np.linspace(-SURE, SURE, 481)
TRAIL = 25  # epochs between two dots of the trail


class SlowStart(NamedTuple):
    """A sigmoid unit with one weight and one bias learns to answer 0 to the input 1.

    z, output   (2, 301) after each epoch, squared error first; cost as in COSTS
    slope       (2,) f'(z), and gradient (2,) dC/dw, at `epoch`
    below_half  (2,) the first epoch at which the output is under 1/2; NaN if none
    flow        (2, 481) the (real-valued) epoch at which gradient flow passes LINE; NaN before
    flow_half   (2,) the same for an output of 1/2
    """

    w: float
    b: float
    eta: float
    epoch: int
    z: np.ndarray
    output: np.ndarray
    slope: np.ndarray
    gradient: np.ndarray
    below_half: np.ndarray
    flow: np.ndarray
    flow_half: np.ndarray


def compute_slow_start(*, w=2.0, b=2.0, eta=0.15, epoch=150):
    """Train the unit from weight w and bias b (-5 to 5) at the learning rate eta (0.01 to 2).

    epoch  which one to look at, 0 to 300

    Nielsen, Neural Networks and Deep Learning (2015), chapter 3.
    """
    w, b, eta = real("w", w, *STARTS), real("b", b, *STARTS), real("eta", eta, *RATES)
    epoch = whole("epoch", epoch, 0, EPOCHS)
    z = np.array([learning(w + b, eta, cost) for cost in COSTS])
    output, below = SIGMOID.f(z), z < 0
    slope = SIGMOID.df(z[:, epoch])
    return SlowStart(
        w, b, eta, epoch, z, output, slope, output[:, epoch] * np.array([slope[0], 1.0]),
        np.where(below.any(1), below.argmax(1), np.nan),
        np.array([flow_epochs(LINE, w + b, eta, cost) for cost in COSTS]),
        np.array([float(flow_epochs(0.0, w + b, eta, cost)) for cost in COSTS]),
    )  # fmt: skip


def learning(z, eta, cost, epochs=EPOCHS):
    """z after 0, 1, ..., `epochs` steps of gradient descent, as a list.

    The input is 1, so weight and bias have the same gradient, a f'(z) or a (the target is 0), and
    z = w + b moves by twice the step of each.
    """
    squared, zs = cost == "squared error", [z]
    for _ in range(epochs):
        a = _sigmoid(z)
        z -= 2 * eta * (a * a * _sigmoid(-z) if squared else a)
        zs.append(z)
    return zs


def _sigmoid(z):
    """SIGMOID.f for one number, twenty times as fast: for |z| < 700."""
    return 1 / (1 + math.exp(-z))


def flow_epochs(z, start, eta, cost):
    """When gradient flow from `start` passes z: dz/dt = -2 eta a^2 (1 - a), or -2 eta a.

    With a = 1 / (1 + e^-z) the time is an integral of (1 + e^-z)^2 (1 + e^z), or of 1 + e^-z: from
    a large start it takes e^start / (2 eta) epochs, or start / (2 eta). NaN for z > start.
    """
    z = np.asarray(z, dtype=float)
    time = (_integral(start, cost) - _integral(z, cost)) / (2 * eta)
    return np.where(z <= start, time, np.nan)


def _integral(z, cost):
    up, down = np.exp(z), np.exp(-z)
    return 3 * z + up - 3 * down - down**2 / 2 if cost == "squared error" else z - down


def build_slow_start(fig):
    """Left: the output after each epoch. Right: the gradient at every z, and where we are."""
    left, right = fig.subplots(1, 2)
    left.set(xlim=(-6, EPOCHS + 6), ylim=(-0.03, 1.04), xlabel="epoch", ylabel="output a")
    left.set_title("target y = 0; at the line:")
    right.set(xlim=(-SURE, SURE), ylim=(-0.03, 1.04), xlabel="pre-activation z")
    right.set(title="size of the gradient dC/dw", xticks=np.arange(-12, 13, 4))
    moving, (blue, red) = {"animated": True}, COSTS.values()
    a, slope = SIGMOID.f(LINE), SIGMOID.df(LINE)
    for gradient, color in ((a * slope, blue), (a, red)):
        right.plot(LINE, gradient, color=color)
    right.plot(LINE, slope, color=style.GREY, lw=1.2, ls=(0, (4, 3)))
    for place, words, color in _WORDS:
        right.text(*place, words, color=style.readable(color))
    return {
        "flow": [left.plot([], [], **style.THEORY, **moving)[0] for _ in COSTS],
        "output": [left.plot([], [], **_DOTS, color=c, **moving)[0] for c in COSTS.values()],
        "now": left.plot([], [], color=style.GREY, lw=1.2, **moving)[0],
        "trail": [right.plot([], [], **_DOTS, color=c, **moving)[0] for c in COSTS.values()],
        "here": [right.plot([], [], "o", ms=11, color=c, **moving)[0] for c in COSTS.values()],
        "numbers": [_number(left, 0.6, blue), _number(left, 0.8, red)],
    }


def _number(ax, x, color):
    text = style.beside_title(ax, x)
    text.set_color(style.readable(color))
    return text


_DOTS = {**style.MEASURED, "markersize": 4}
_WORDS = (
    ((-11.6, 0.92), "cross-entropy: a - y", style.VERMILLION),
    ((-11.6, 0.76), "squared error:\n(a - y) f'(z)", style.BLUE),
    ((-11.6, 0.67), "slope f'(z)", style.GREY),
)


def draw_slow_start(artists, result):
    """Move everything; both axes are the same for all settings."""
    r, heights = result, SIGMOID.f(LINE)
    gradients = r.output * np.stack([SIGMOID.df(r.z[0]), np.ones(EPOCHS + 1)])
    for k in range(2):
        artists["flow"][k].set_data(np.minimum(r.flow[k], 2 * EPOCHS), heights)
        artists["output"][k].set_data(np.arange(0, EPOCHS + 1, 5), r.output[k, ::5])
        artists["trail"][k].set_data(r.z[k, ::TRAIL], gradients[k, ::TRAIL])
        artists["here"][k].set_data([r.z[k, r.epoch]], [r.gradient[k]])
        artists["numbers"][k].set_text(f"{r.output[k, r.epoch]:.4f}")
    artists["now"].set_data([r.epoch, r.epoch], [0, 1])


def describe_slow_start(result):
    """The figure in words."""
    r = result
    each = "; ".join(
        f"{cost}: output {r.output[k, r.epoch]:.4f}, f'(z) {r.slope[k]:.3g}, gradient "
        f"{r.gradient[k]:.3g}, after {EPOCHS} epochs {r.output[k, -1]:.4f}, under 1/2 "
        f"{_when(r.below_half[k])} (gradient flow: {_when(r.flow_half[k], 1)})"
        for k, cost in enumerate(COSTS)
    )
    return (
        f"A sigmoid unit, input 1, target 0, from w = {r.w:g}, b = {r.b:g} at learning rate "
        f"{r.eta:g}: output {r.output[0, 0]:.4f} at the start. At epoch {r.epoch} - {each}."
    )


def _when(epoch, digits=0):
    if np.isnan(epoch):
        return "from the start" if digits else f"not in {EPOCHS} epochs"
    return f"from epoch {epoch:,.{digits}f}"


def slow_start(w=2.0, b=2.0, eta=0.15, epoch=150):
    """Show a sigmoid unit that has to unlearn; arguments as for `compute_slow_start`."""
    return live(
        compute_slow_start,
        build_slow_start,
        draw_slow_start,
        describe_slow_start,
        controls={
            "w": number(w, *STARTS, 0.1, "weight w at the start"),
            "b": number(b, *STARTS, 0.1, "bias b at the start"),
            "eta": number(eta, *RATES, 0.1, "learning rate", log=True),
            "epoch": number(epoch, 0, EPOCHS, 1, "epoch"),
        },
        call="output.slow_start",
        size=(8.4, 4.0),
    )


# --- Softmax on a scale -------------------------------------------------------------------------

CLASSES = 3
LOGITS, SCALES = (-1.0, 1.0), (0.1, 100.0)
SWEEP = np.geomspace(*SCALES, 76)  # twenty-five scales per decade, as on the slider
BOTTOMS = (1e-25, 1e-50, 1e-100, 1e-200)  # lower ends of the axis of the gradients


class Softmax(NamedTuple):
    """Softmax of scale * logits, and what two costs hand back to the logits.

    logits     (3,) before the scale; target the class that is right, 1 to 3
    p, y       (3,) probabilities, and what they should be
    jacobian   (3, 3) dp/dz at z = scale * logits
    squared    (3,) gradient J (p - y) of |p - y|^2 / 2
    entropy    (3,) gradient p - y of -ln p_target
    sizes      (3,) largest entry (in size) of jacobian, squared and entropy
    curves     (3, 76) the same for all scales in SWEEP
    gap        between the two largest logits; e^(-gap * scale) is the law for large scales
    """

    logits: np.ndarray
    scale: float
    target: int
    p: np.ndarray
    y: np.ndarray
    jacobian: np.ndarray
    squared: np.ndarray
    entropy: np.ndarray
    sizes: np.ndarray
    curves: np.ndarray
    gap: float


def compute_softmax(*, scale=5.0, z1=1.0, z2=0.5, z3=0.0, target=2):
    """Softmax of scale * (z1, z2, z3): scale 0.1 to 100, logits -1 to 1, target class 1 to 3."""
    scale, target = real("scale", scale, *SCALES), whole("target", target, 1, CLASSES)
    logits = np.array(
        [real(f"z{k}", z, *LOGITS) for k, z in enumerate((z1, z2, z3), start=1)]
    )
    here, sweep = _saturation(scale * logits, target), _saturation(SWEEP[:, None] * logits, target)
    least, middle, most = np.sort(logits)
    return Softmax(
        logits, scale, target, here.p, np.eye(CLASSES)[target - 1], *here[1:], _sizes(here),
        _sizes(sweep), float(most - middle),
    )  # fmt: skip


class Saturation(NamedTuple):
    """Probabilities (..., 3), Jacobian (..., 3, 3) and the gradients (..., 3) of both costs."""

    p: np.ndarray
    jacobian: np.ndarray
    squared: np.ndarray
    entropy: np.ndarray


def _saturation(z, target):
    """Everything at the logits z (..., 3), to full relative precision however sure softmax is."""
    p = shares(z)
    rest = p @ (1 - np.eye(CLASSES))  # 1 - p, also where p rounds to 1
    entropy = p.copy()
    entropy[..., target - 1] = -rest[..., target - 1]
    return Saturation(p, _jacobian(p, rest), _through_jacobian(p, entropy), entropy)


def _jacobian(p, rest):
    """dp_i/dz_j = p_i (1 - p_i) on the diagonal, else -p_i p_j."""
    J = -p[..., :, None] * p[..., None, :]
    J[..., *np.diag_indices(CLASSES)] = p * rest
    return J


def _through_jacobian(p, g):
    """J g as p_i (sum over j of p_j (g_i - g_j)): nothing that cancels."""
    return p * ((g[..., :, None] - g[..., None, :]) * p[..., None, :]).sum(-1)


def _sizes(at):
    """Largest entries in size of J, J (p - y) and p - y: (3, ...)."""
    return np.array(
        [np.abs(at.jacobian).max((-2, -1)), np.abs(at.squared).max(-1), np.abs(at.entropy).max(-1)]
    )


def build_softmax(fig):
    """Left: p and y. Middle: the Jacobian. Right: its size and the gradients, for all scales."""
    bars, heat, sizes = fig.subplots(1, 3, width_ratios=(1, 1, 1.7))
    return _build_shares(bars) | _build_jacobian(heat) | _build_sizes(sizes)


_MOVING = {"animated": True}
_CLASSES = np.arange(1, CLASSES + 1)
_CELLS = np.arange(CLASSES + 1) + 0.5
# One `stairs` draws all the bars: bar, gap, bar, gap, bar.
_BAR_EDGES = np.array([0.7, 1.3, 1.7, 2.3, 2.7, 3.3])


def _build_shares(ax):
    ax.set(xlim=(0.4, 3.6), ylim=(-0.02, 1.06), xticks=_CLASSES, xlabel="class")
    ax.set_title("p (grey), p - y (red)")
    return {
        "p": ax.stairs(np.zeros(5), _BAR_EDGES, fill=True, color="0.8", **_MOVING),
        "y": ax.plot([], [], color=style.INK, lw=3, solid_capstyle="butt", **_MOVING)[0],
        "entropy": ax.plot([], [], color=style.VERMILLION, lw=3, **_MOVING)[0],
    }


def _build_jacobian(ax):
    ax.set(xticks=_CLASSES, yticks=_CLASSES, xlabel="logit", ylabel="probability")
    ax.set(xlim=(0.5, 3.5), ylim=(3.5, 0.5), aspect="equal", anchor="N", title="J, largest:")
    words = "red: grows, blue: shrinks;\nfull colour: 1/4"
    ax.text(0.5, -0.36, words, ha="center", va="top", transform=ax.transAxes)
    nothing = np.zeros((CLASSES, CLASSES))
    colours = {"cmap": "RdBu_r", "vmin": -0.25, "vmax": 0.25}
    return {
        "jacobian": ax.pcolormesh(_CELLS, _CELLS, nothing, **colours, **_MOVING),
        "largest": style.beside_title(ax, 0.62),
    }


def _build_sizes(ax):
    ax.set(xscale="log", yscale="log", xlim=(SCALES[0] / 1.3, SCALES[1] * 1.3))
    ax.set(xlabel="scale of the logits", title="largest entry in size")
    _set_bottom(ax, BOTTOMS[0])
    for k, (words, color) in enumerate(_LINES.items()):
        readable = style.readable(color)
        ax.text(0.04, 0.26 - 0.1 * k, words, color=readable, transform=ax.transAxes)
    return {
        "sizes": ax,
        "law": ax.plot([], [], **style.THEORY, zorder=3, **_MOVING)[0],
        "curves": [
            ax.plot([], [], color=color, **look, **_MOVING)[0]
            for color, look in zip(_LINES.values(), _WIDTHS, strict=True)
        ],
        "here": [ax.plot([], [], "o", ms=8, color=c, **_MOVING)[0] for c in _LINES.values()],
    }


_LINES = {
    "Jacobian J; thin: e^(-gap * scale)": style.GREEN,
    "squared error: J (p - y)": style.BLUE,
    "cross-entropy: p - y": style.VERMILLION,
}
_WIDTHS = ({"lw": 6, "alpha": 0.4}, {}, {})  # J and J (p - y) lie close together


def _set_bottom(ax, bottom):
    """The lower end of the axis; True if it was another one."""
    if ax.get_ylim()[0] == bottom:
        return False
    ax.set_ylim(bottom, 10)
    ax.set_yticks(bottom ** np.linspace(0, 1, 6))
    ax.minorticks_off()
    return True


def draw_softmax(artists, result):
    """Move everything; other logits may need a longer axis."""
    r, classes = result, _CLASSES
    heights = np.zeros(5)
    heights[::2] = r.p
    artists["p"].set_data(heights)
    artists["y"].set_data(*_strokes(classes - 0.4, r.y, classes + 0.4, r.y))
    artists["entropy"].set_data(*_strokes(classes, r.y, classes, r.p))
    artists["jacobian"].set_array(r.jacobian)
    artists["largest"].set_text(f"{r.sizes[0]:.2g}")
    artists["law"].set_data(SWEEP, np.exp(-r.gap * SWEEP))
    for curve, dot, values, size in zip(
        artists["curves"], artists["here"], r.curves, r.sizes, strict=True
    ):
        curve.set_data(SWEEP, values)
        dot.set_data([r.scale], [size])
    lowest = r.curves.min()
    return _set_bottom(artists["sizes"], max(b for b in BOTTOMS if b < lowest or b == BOTTOMS[-1]))


def _strokes(x0, y0, x1, y1):
    """One line that jumps: from (x0, y0) to (x1, y1) for each entry."""
    gap = np.full(len(x0), np.nan)
    return np.stack([x0, x1, gap], 1).ravel(), np.stack([y0, y1, gap], 1).ravel()


def describe_softmax(result):
    """The figure in words."""
    r = result
    return (
        f"Logits {r.scale:g} * ({', '.join(f'{z:g}' for z in r.logits)}), class {r.target} is "
        f"right: probabilities {_numbers(r.p)}. Largest entry of the Jacobian {r.sizes[0]:.3g}. "
        f"Gradient with squared error {_numbers(r.squared)}, with cross-entropy "
        f"{_numbers(r.entropy)}."
    )


def _numbers(values):
    return "(" + ", ".join(f"{value:.3g}" for value in values) + ")"


def softmax(scale=5.0, z1=1.0, z2=0.5, z3=0.0, target=2):
    """Show softmax on a scale; arguments as for `compute_softmax`."""
    return live(
        compute_softmax,
        build_softmax,
        draw_softmax,
        describe_softmax,
        controls={
            "scale": number(scale, *SCALES, 0.04, "scale of the logits", log=True),
            "target": choice(target, {str(k): k for k in (1, 2, 3)}, "right class"),
            "z1": number(z1, *LOGITS, 0.1, "logit 1"),
            "z2": number(z2, *LOGITS, 0.1, "logit 2"),
            "z3": number(z3, *LOGITS, 0.1, "logit 3"),
        },
        call="output.softmax",
        size=(8.4, 3.6),
    )
