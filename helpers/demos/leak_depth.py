"""Does a leak let nets be deeper? What depth does to ReLU nets and to leaky ones, side by side.

deeper  the second moment of z in every layer, and the angle between two inputs

Both functions are homogeneous, f(c z) = c f(z) for c > 0. So without biases the scale of the
weights only multiplies z: nets are simulated with their own gain, other scales follow exactly, and
angles do not feel them. A leak of slope a keeps the share (1 + a^2) / 2 of the second moment; the
angle follows `helpers.mean_field.leaky_correlation`, in which only (1 - a)^2 / (1 + a^2) knows of
the slope.
"""

from functools import lru_cache
from math import log10, sqrt
from typing import NamedTuple

import numpy as np

from helpers import style
from helpers.activations import leaky_relu
from helpers.checks import one_of, real
from helpers.live import choice, live, number
from helpers.mean_field import leaky_correlation, leaky_gain
from helpers.threads import one_blas_thread

SLOPES, ANGLES = (0.0, 1.0), (10, 170)
DEPTH, WIDTH, NETS = 30, 128, 8  # layers after the first, units of a layer, nets of each kind
_LAYERS = np.arange(DEPTH + 1)
SEED = 5  # of the nets and their inputs
WEIGHTS = {"lecun": "1 / n", "he": "2 / n (He)", "own": "g² / n, own gain g"}


class Deeper(NamedTuple):
    """ReLU (first) and leaky ReLU (second) at the start of training, layer by layer.

    slope, weights, angle  as chosen; angle in degrees
    moments        (2, DEPTH + 1) log10 of E z^2 over that in the first layer, in wide nets
    nets_moments   (2, NETS, DEPTH + 1) the same in real nets with the same random numbers
    angles         (2, DEPTH + 1) between the two z in degrees, in wide nets
    nets_angles    (2, NETS, DEPTH + 1) in the real ones
    alike          ReLU layers after which the angle is that behind DEPTH leaky ones
    """

    slope: float
    weights: str
    angle: float
    moments: np.ndarray
    nets_moments: np.ndarray
    angles: np.ndarray
    nets_angles: np.ndarray
    alike: float


def compute_deeper(*, slope=0.3, weights="lecun", angle=90):
    """Both kinds of nets for one slope.

    slope    below zero, 0 (ReLU) to 1 (a straight line)
    weights  their variance: "lecun" 1 / fan_in, "he" 2 / fan_in, "own" with the gain of each kind
    angle    between the two z of the first layer, 10 to 170 degrees
    """
    slope, angle = real("slope", slope, *SLOPES), real("angle", angle, *ANGLES)
    one_of("weights", weights, WEIGHTS)
    slopes = (0.0, slope)
    growth = np.array([2 * log10(_gain(weights, a) / leaky_gain(a)) for a in slopes])
    moments = growth[:, None] * _LAYERS  # with its own gain every moment stays
    nets = [_nets(a, angle) for a in slopes]
    angles = np.array([_angles(a, angle) for a in slopes])
    return Deeper(
        slope, weights, angle, moments, moments[:, None] + [logs for logs, _ in nets],
        angles, np.array([measured for _, measured in nets]),
        float(np.interp(-angles[1, -1], -angles[0], _LAYERS)),
    )  # fmt: skip


def _gain(weights, slope):
    return {"lecun": 1.0, "he": sqrt(2), "own": leaky_gain(slope)}[weights]


@lru_cache(maxsize=4)  # that of ReLU stays when the slope moves
def _angles(slope, angle):
    """Angle in degrees behind 0, 1, ..., DEPTH layers of a wide net."""
    c = [np.cos(np.radians(angle))]
    for _ in range(DEPTH):
        c.append(leaky_correlation(c[-1], slope))
    return _degrees(c)


def _degrees(c):
    return np.degrees(np.arccos(np.clip(c, -1, 1)))


@lru_cache(maxsize=4)
@one_blas_thread()
def _nets(slope, angle):
    """log10 of E z^2 over that at the start, and angles in degrees, two (NETS, DEPTH + 1)."""
    f, gain, (first, signs, weights) = leaky_relu(slope).f, leaky_gain(slope), _drawn()
    turn = np.radians(angle)
    u, v = first
    z = np.stack([u, np.cos(turn) * u + np.sin(turn) * v], axis=1)  # (NETS, 2, WIDTH)
    looks = [_look(z)]
    for s, W in zip(signs, weights, strict=True):
        z = gain * ((f(z) * s).reshape(-1, WIDTH) @ W).reshape(z.shape)
        looks.append(_look(z))
    moments, angles = np.transpose(looks, (1, 2, 0))
    return np.log10(moments / moments[:, :1]), angles


def _look(z):
    """Sum of squares and angle of the two z of every net, (2, NETS)."""
    uu, vv, uv = (np.vecdot(z[:, i], z[:, j]) for i, j in ((0, 0), (1, 1), (0, 1)))
    return uu + vv, _degrees(uv / np.sqrt(uu * vv))


@lru_cache(maxsize=1)
def _drawn():
    """Two orthogonal z of equal length for every net, signs of its units, and weights / gain.

    All nets share the weights W; net k has diag(s) W with random signs s of its own, a matrix of
    the same distribution whose products are uncorrelated with those of the others.
    """
    rng = np.random.default_rng(SEED)
    u, v = rng.standard_normal((2, NETS, WIDTH))
    u /= np.sqrt(np.vecdot(u, u))[:, None]
    v -= np.vecdot(u, v)[:, None] * u
    v /= np.sqrt(np.vecdot(v, v))[:, None]
    signs = rng.choice([-1.0, 1.0], (DEPTH, NETS, 1, WIDTH))
    return (u, v), signs, rng.standard_normal((DEPTH, WIDTH, WIDTH)) / sqrt(WIDTH)


# --- The picture --------------------------------------------------------------------------------

_NAMES, _KEYS = ("ReLU", "leaky"), ("relu", "leaky_relu")
_COLORS = [style.look(key)["color"] for key in _KEYS]
_ENDS = 11  # log10 of E z^2 on the axis: from -11 to 11


def build_deeper(fig):
    """Left: E z^2 in every layer, ReLU and leaky. Right: the angle between two inputs."""
    moments, angles = fig.subplots(1, 2)
    for ax in (moments, angles):
        ax.set(xlim=(0, DEPTH), xlabel="layers after the first")
    moments.set(ylim=(-_ENDS, _ENDS), title="second moment E z²\n(first layer: 1)")
    ticks = [-9, -6, -3, 0, 3, 6, 9]
    moments.set_yticks(ticks, ["1" if k == 0 else f"$10^{{{k}}}$" for k in ticks])
    moments.axhline(0, color="0.85", lw=1, zorder=0)
    angles.set(ylim=(0, 180), title="angle between two inputs\nReLU layers that do the same:")
    angles.set_yticks([0, 45, 90, 135, 180], ["0°", "45°", "90°", "135°", "180°"])
    artists = _panel(moments, "moments") | _panel(angles, "angles")
    artists["alike"] = style.beside_title(angles, 0.83)
    fig.draw_without_rendering()  # names are put apart in pixels: the axes need their size
    return artists


def _panel(ax, name):
    moving = {"animated": True}
    return {
        name: ax,
        f"{name} nets": [ax.plot([], [], color=c, lw=1, **moving)[0] for c in _COLORS],
        f"{name} theory": [ax.plot([], [], **style.THEORY, **moving)[0] for _ in _NAMES],
        f"{name} labels": style.direct_labels(ax, _NAMES, [0, 0], _COLORS, animated=True),
    }


def draw_deeper(artists, result):
    """Move everything."""
    _draw_panel(artists, "moments", result.moments, result.nets_moments)
    _draw_panel(artists, "angles", result.angles, result.nets_angles)
    artists["alike"].set_text(_alike(result))


def _draw_panel(artists, name, theory, nets):
    ends = []
    for k, (curve, each) in enumerate(zip(theory, nets, strict=True)):
        artists[f"{name} theory"][k].set_data(_LAYERS, curve)
        lines = np.pad(each, ((0, 0), (0, 1)), constant_values=np.nan)  # gaps between the nets
        artists[f"{name} nets"][k].set_data(np.tile([*_LAYERS, np.nan], NETS), lines.ravel())
        ends.append(curve[-1])
    style.place_labels(artists[name], artists[f"{name} labels"], ends)


def _alike(result):
    return f"{result.alike:.1f}"


def describe_deeper(result):
    """The figure in words."""
    r, kinds = result, []
    for k, name in enumerate(("ReLU", f"leaky ReLU with slope {result.slope:g}")):
        low, high = 10 ** r.nets_moments[k, :, -1].min(), 10 ** r.nets_moments[k, :, -1].max()
        least, most = r.nets_angles[k, :, -1].min(), r.nets_angles[k, :, -1].max()
        kinds.append(
            f"{name}: E z² {10 ** r.moments[k, -1]:.3g} of that in the first layer ({NETS} nets "
            f"{low:.2g} to {high:.2g}), angle {r.angles[k, -1]:.1f}° ({least:.0f}° to {most:.0f}°)"
        )
    return (
        f"Weights of variance {WEIGHTS[r.weights]}, two inputs at {r.angle:g}°. After {DEPTH} "
        f"layers in wide nets, and in nets of {WIDTH} units: {'; '.join(kinds)}. {DEPTH} leaky "
        f"layers do to the angle what {_alike(r)} layers of ReLU do."
    )


def deeper(slope=0.3, weights="lecun", angle=90):
    """Show what depth does to a ReLU net and to a leaky one; arguments as for compute_deeper."""
    return live(
        compute_deeper,
        build_deeper,
        draw_deeper,
        describe_deeper,
        controls={
            "slope": number(slope, *SLOPES, 0.01, "slope a below zero"),
            "weights": choice(weights, {v: k for k, v in WEIGHTS.items()}, "variance of weights"),
            "angle": number(angle, *ANGLES, 5, "angle at the start", unit="°"),
        },
        call="leak_depth.deeper",
    )
