"""Far from the data: how sure a net is about nonsense, and how it goes on where it learned nothing.

away  nets of four activations learn digits, and a sine on [-3, 3]. Then they are asked about noise
      that is 1 to 1000 times as large as the data, and about x that far away
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from helpers import style
from helpers.activations import Activation, activation, leaky_relu
from helpers.checks import quoted, real, whole
from helpers.experiment import standard_digits
from helpers.live import live, number
from helpers.losses import accuracy, softmax
from helpers.network import Net, forward
from helpers.threads import one_blas_thread
from helpers.training import Adam, part, training

NETS, SEEDS = 8, (0, 99)
ACTS = ("relu", leaky_relu(0.1), "tanh", "sigmoid")
DIGITS_STEPS, DIGITS_LR, BATCH = 200, 0.01, 64
SINE_STEPS, SINE_LR, EDGE = 800, 0.01, 3.0  # the sine is learned from -EDGE to EDGE
NOISE = 200  # pictures of noise
DISTANCE = number(10.0, 1.0, 1000.0, 0.1, "distance", log=True)
DISTANCES = np.array(DISTANCE.ladder)  # 1 to 1000, ten per decade
ACROSS = np.linspace(-1, 1, 161)  # of the window on the sine
TALL = 3.5  # it shows y from -TALL to TALL, times the distance
NO_IDEA = 1 / 10  # the largest of ten equal probabilities


# --- Record -------------------------------------------------------------------------------------


class Pupil(NamedTuple):
    """Nets with one activation, and what they have learned; first axis: the nets.

    confidence  (nets, distances) mean of the largest softmax output over pictures of noise
    limit       (nets,) the same for distance to infinity: 1 if the activation is unbounded, else
                the first layer is all at its two ends
    digits      (nets,) mean of the largest softmax output over digits not learned from
    right       (nets,) share of these that are told right
    net, theta  of the sine, theta (nets, P)
    """

    act: Activation
    confidence: np.ndarray
    limit: np.ndarray
    digits: np.ndarray
    right: np.ndarray
    net: Net
    theta: np.ndarray


def record_away(*, width=64, seed=0, own=None):
    """Generator: train 8 nets per task and activation, yield the progress, return [Pupil, ...].

    width  units in each of two hidden layers, 8 to 64; seed 0 to 99, of starts, batches and noise
    own    one more Activation, the learner's own
    """
    width, seed = whole("width", width, *WIDTHS), whole("seed", seed, *SEEDS)
    acts = [*map(activation, ACTS), *([] if own is None else [_checked(own)])]
    pupils = []
    for k, act in enumerate(acts):
        pupil = yield from part(_pupil(act, width, seed), k / len(acts), (k + 1) / len(acts))
        if pupil is None:
            break
        pupils.append(pupil)
    return pupils or None


WIDTHS = (8, 64)


def _checked(own):
    if not isinstance(own, Activation):
        raise TypeError(f"own must be an Activation (with f and df), got {quoted(own)}")
    return own


def _pupil(act, width, seed):
    """Generator: one Pupil, or None if stopped before it is ready."""
    train, test = standard_digits()
    net = Net((64, width, width, 10), act)
    theta = net.init(_rng(seed, 0), lead=(NETS,))
    run = yield from part(
        training(net, theta, train.X, train.Y, "softmax", steps=DIGITS_STEPS, batch=BATCH,
                 rng=_rng(seed, 1), optimizer=Adam(DIGITS_LR), record=1), 0, 0.4,
    )  # fmt: skip
    if run.stopped:
        return None
    noise, curve = _rng(seed, 2).standard_normal((NOISE, 64)), []
    for k, distance in enumerate(DISTANCES):
        curve.append(_confidence(net, run.theta, distance * noise))
        if (yield 0.4 + 0.2 * k / len(DISTANCES)) == "stop":
            return None
    sine = Net((1, width // 2, width // 2, 1), act)
    fit = yield from part(_sine(sine, seed), 0.6, 1)
    if fit.stopped:
        return None
    outputs = net.output(run.theta, test.X)
    return Pupil(
        act, np.stack(curve, -1), _limit(net, run.theta, noise), softmax(outputs).max(-1).mean(-1),
        accuracy(outputs, test.Y), sine, fit.theta,
    )  # fmt: skip


def _sine(net, seed):
    x = np.linspace(-EDGE, EDGE, 61)[:, None]
    theta = net.init(_rng(seed, 3), lead=(NETS,), bias=1.0)
    optimizer = Adam(SINE_LR)
    return training(net, theta, x, np.sin(x), "squared_error", steps=SINE_STEPS,
                    optimizer=optimizer, record=1)  # fmt: skip


def _rng(seed, stream):
    return np.random.default_rng([seed, stream])


@one_blas_thread()
def _confidence(net, theta, X):
    """Mean largest softmax output of each net; NaN where a learner's e^z is too large to hold."""
    with np.errstate(all="ignore"):
        return softmax(net.output(theta, X)).max(-1).mean(-1)


def _limit(net, theta, X):
    """Confidence for distance to infinity."""
    low, high = net.acts[0].range
    if not np.isfinite([low, high]).all():
        return np.ones(len(theta))
    (W, _), *rest = net.layers(theta)
    ends = np.where(X @ W > 0, high, low)
    return softmax(forward(rest, net.acts[1:], ends).A[-1]).max(-1).mean(-1)


# --- One distance -------------------------------------------------------------------------------


class Away(NamedTuple):
    """What the pupils do `distance` away.

    confidence  [pupil] (nets,) mean largest softmax output for noise of this size
    x           (161,) the window on the sine, -3 to 3 times the distance
    y           [pupil] (nets, 161) what the nets make of it
    """

    pupils: list
    distance: float
    confidence: list
    x: np.ndarray
    y: list


def compute_away(*, record, distance=10.0):
    """Look at pupils (`record`) from a distance, 1 to 1000 times the size of the data."""
    distance = real("distance", distance, DISTANCES[0], DISTANCES[-1])
    place, places = np.log10(distance), np.log10(DISTANCES)
    confidence = [
        np.array([np.interp(place, places, one) for one in pupil.confidence]) for pupil in record
    ]
    x = EDGE * distance * ACROSS
    with np.errstate(all="ignore"):
        y = [pupil.net.output(pupil.theta, x[:, None])[..., 0] for pupil in record]
    return Away(record, distance, confidence, x, y)


# --- Figure -------------------------------------------------------------------------------------

_MOVING, _NOW = {"animated": True}, {"color": style.VERMILLION, "lw": 1.5, "animated": True}


def build_away(fig):
    """Left: confidence against distance. Right: the sine and its neighbourhood."""
    left, right = fig.subplots(1, 2, width_ratios=(1, 1.05))
    left.set(xscale="log", xlim=DISTANCES[[0, -1]], ylim=(0, 1.03), xlabel="size of the noise")
    left.set(yticks=(0, 0.25, 0.5, 0.75, 1), title="how sure, on average, about noise")
    left.axhline(NO_IDEA, color=style.GREY, lw=1, ls=(0, (2, 2)))
    left.annotate("no idea: 1/10", (1, NO_IDEA), (-6, 4), textcoords="offset points",
                  xycoords=("axes fraction", "data"), ha="right")
    ends = (f"-{EDGE:g} d", "0", f"{EDGE:g} d")
    right.set(xlim=(-1, 1), ylim=(-TALL, TALL), xticks=(-1, 0, 1), yticks=(-EDGE, 0, EDGE))
    right.set(xticklabels=ends, yticklabels=ends, xlabel="x, in distances d")
    right.set_title("beyond the sine they learned")
    window = style.beside_title(right, 0.82)
    window.set_in_layout(False)  # there is room for any distance
    fence = {"color": style.GREY, "lw": 1, "ls": (0, (4, 2)), **_MOVING}
    return {
        "pupils": None, "left": left, "right": right, "names": [],
        "now": left.axvline(1, **_NOW), "fence": [right.axvline(0, **fence) for _ in range(2)],
        "sine": right.plot(ACROSS, ACROSS, **style.THEORY, zorder=4, **_MOVING)[0],
        "window": window,
        "curves": [], "dots": [], "lines": [], "limits": [],
    }  # fmt: skip


def draw_away(artists, result):
    """Move everything; True for other pupils."""
    a, r = artists, result
    everything = _new_pupils(a, r.pupils)
    a["now"].set_xdata([r.distance, r.distance])
    for line, side in zip(a["fence"], (-1, 1), strict=True):
        line.set_xdata([side / r.distance] * 2)
    a["sine"].set_ydata(np.sin(r.x) / r.distance)
    for line, dots, y, sure in zip(a["lines"], a["dots"], r.y, r.confidence, strict=True):
        gap = np.full((len(y), 1), np.nan)
        line.set_data(np.tile(np.append(ACROSS, np.nan), len(y)),
                      np.hstack([y / r.distance, gap]).ravel())
        dots.set_data([r.distance], [np.median(sure)])
    a["window"].set_text(f"d = {r.distance:.4g}")
    return everything


def _new_pupils(a, pupils):
    if a["pupils"] is pupils:
        return False
    for old in (*a["curves"], *a["dots"], *a["lines"], *a["limits"], *a["names"]):
        old.remove()
    left, right = a["left"], a["right"]
    looks = [style.look(pupil.act) for pupil in pupils]
    middles = [np.median(pupil.confidence, 0) for pupil in pupils]
    a["curves"], a["limits"] = [], []
    for pupil, middle, look in zip(pupils, middles, looks, strict=True):
        low, high = pupil.confidence.min(0), pupil.confidence.max(0)
        band = style.band(look["color"])
        a["curves"] += left.plot(DISTANCES, middle, **look)
        a["curves"].append(left.fill_between(DISTANCES, low, high, **band))
        limit = np.median(pupil.limit)
        a["limits"] += left.plot([500, 1000], [limit, limit], **style.THEORY, zorder=3)
    a["dots"] = [left.plot([], [], **style.marker(p.act), **_MOVING)[0] for p in pupils]
    a["lines"] = [right.plot([], [], **{**look, "lw": 0.9}, **_MOVING)[0] for look in looks]
    a["names"] = style.direct_labels(
        left, [_name(p.act) for p in pupils], [m[-1] for m in middles], [k["color"] for k in looks]
    )
    a["pupils"] = pupils
    return True


def _name(act):
    return act.name.replace("_relu(0.1)", "")


def describe_away(result):
    """The figure in words."""
    r = result
    sure = "; ".join(
        f"{_name(p.act)} {_spread(c)} (limit {np.median(p.limit):.2f}, on digits "
        f"{np.median(p.digits):.2f}, {np.median(p.right):.0%} of them right)"
        for p, c in zip(r.pupils, r.confidence, strict=True)
    )
    pairs = zip(r.pupils, r.y, strict=True)
    ends = "; ".join(f"{_name(p.act)} {_spread(y[:, -1])}" for p, y in pairs)
    return (
        f"{NETS} nets each. Mean largest softmax output for noise of size {r.distance:g}: {sure}. "
        f"At x = {r.x[-1]:.4g} a net that learned the sine from -3 to 3 says: {ends}; the sine is "
        f"{np.sin(r.x[-1]):.2f}."
    )


def _spread(values):
    low, middle, high = (f"{f(values):.3g}" for f in (np.min, np.median, np.max))
    return f"{middle} ({low} to {high})" if "nan" not in low else "more than a computer can hold"


def away(width=64, seed=0, distance=10.0, own=None):
    """Show confidence and extrapolation; `away(own=my_activation)` adds the learner's own."""
    call = "far.away" if own is None else "far.away(own=my_activation, "
    return live(
        compute_away, build_away, draw_away, describe_away,
        record=partial(record_away, own=own),
        slow={
            "width": number(width, *WIDTHS, 8, "units per layer"),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        controls={"distance": number(distance, DISTANCES[0], DISTANCES[-1], 0.1, "distance",
                                     log=True)},
        call=call, size=(8.4, 4.2), button="Train",
    )  # fmt: skip
