"""Decision boundaries: which class a net gives to every place, step by step while it learns.

decision_boundary  several nets from different random starts learn to tell two classes apart. A
                   linear net of any depth draws one straight line; every bend is bought by units

The record (`record_decision_boundary`) is a finished training; the sliders only look at it.
"""

from functools import partial
from math import log
from time import perf_counter
from typing import NamedTuple

import numpy as np
from matplotlib.patches import Patch

from helpers import plane, style
from helpers.activations import with_own
from helpers.checks import one_of, real, whole
from helpers.datasets import DATASETS, Data
from helpers.live import choice, live, number
from helpers.losses import LOGISTIC, accuracy
from helpers.network import Net
from helpers.plane import TINTS
from helpers.threads import one_blas_thread
from helpers.training import Momentum, part, training

LAYERS, WIDTHS, RATES, NETS, SEEDS = (1, 5), (1, 16), (0.001, 10.0), (1, 32), (0, 99)
POINTS, STEPS = 200, 600
FRAMES = np.unique((STEPS * np.linspace(0, 1, 51) ** 2).round().astype(int))  # early ones closer
LAST_LOOKS = 0.2  # seconds for pictures when training is stopped early

REACH = 1.9  # the plane is drawn from -REACH to REACH in both directions
AXIS = np.linspace(-REACH, REACH, 51)
GRID = plane.grid(AXIS)
STRAIGHT = 0.005  # a boundary that strays less from a straight line, half a pixel, is called one

VIEWS = ("all nets", "best net", "median net", "worst net")
ZERO, ONE = style.BLUE, style.ORANGE  # the colours of the two classes, as in the other demos
THIN = "#555555"  # of many boundaries; not transparent, which would take longer to draw


# --- The record: many nets, one training --------------------------------------------------------


class Film(NamedTuple):
    """A recorded training of several nets on the same points.

    losses    (steps + 1, nets) after every step, NaN once a net has diverged
    steps     (frames,) the steps of which there is a picture
    thetas    (frames, nets, P) the nets at these steps
    logits    (frames, nets, 51, 51) output at the places GRID, float32 to save memory
    middle    (frames, 51, 51) median of the nets' logits
    lines     [frame][net] boundary: points (n, 2) where the logit is 0, NaN between two lines
    bends     (frames, nets) how far the boundary strays from the straight line nearest to it, at
              most; 0 for a straight line, NaN where a net gives one class to the whole picture
    accuracy  (frames, nets) share of the points on the right side
    ranking   (nets,) numbers of the nets, the one with the smallest last loss first
    message   what went wrong in training, "" if nothing did
    """

    data: Data
    net: Net
    losses: np.ndarray
    steps: np.ndarray
    thetas: np.ndarray
    logits: np.ndarray
    middle: np.ndarray
    lines: list
    bends: np.ndarray
    accuracy: np.ndarray
    ranking: np.ndarray
    message: str


def record_decision_boundary(
    *, data="moons", activation="identity", layers=3, width=8, lr=0.1, nets=16, seed=0, own=None
):
    """Generator: train, yield the progress (0 to 1), return a Film.

    data        "xor clouds", "moons", "rings" or "spiral": 200 points
    activation  of the hidden layers, a name in ACTIVATIONS (or that of `own`, a learner's record)
    layers      hidden layers, 1 to 5, of `width` units each, 1 to 16
    lr          learning rate, 0.001 to 10, of gradient descent with momentum 0.9
    nets        how many, 1 to 32: same points, different random starts; seed 0 to 99

    Sent "stop", it returns what there is. ValueError if every net diverges.
    """
    data = DATASETS[one_of("data", data, DATASETS)](_rng(seed, 0), POINTS)
    net = _net(activation, layers, width, own)
    theta = net.init(_rng(seed, 1), lead=(whole("nets", nets, *NETS),))
    lr = real("lr", lr, *RATES)
    descent = training(
        net, theta, *data[:2], LOGISTIC, steps=STEPS, optimizer=Momentum(lr), record=FRAMES
    )
    run = yield from part(descent, 0, 0.6)
    if (run.diverged >= 0).all():
        raise ValueError(
            f"lr = {lr:g} is too large here: the loss of every net was infinite after "
            f"{run.diverged.max()} steps; choose a smaller learning rate"
        )
    return (yield from part(_film(data, run), 0.6, 1))


def _rng(seed, stream):
    """The points depend on the seed alone, not on how many numbers a net has."""
    return np.random.default_rng([whole("seed", seed, *SEEDS), stream])


def _net(activation, layers, width, own):
    acts = with_own(own, mixed=True)
    act = acts[one_of("activation", activation, acts)]
    hidden = [whole("width", width, *WIDTHS)] * whole("layers", layers, *LAYERS)
    return Net((2, *hidden, 1), act)


def _film(data, run):
    """Generator: look at every snapshot, in an order that is evenly spread wherever it stops."""
    looks, end = {}, perf_counter() + LAST_LOOKS
    for k in _halving(len(run.frames)):
        looks[k] = _look(run, k, data)
        if run.stopped:
            if perf_counter() > end:
                break
        elif (yield len(looks) / len(run.frames)) == "stop":
            break
    kept = sorted(looks)
    logits, middle, lines, bends, rates = zip(*(looks[k] for k in kept), strict=True)
    losses = np.where(np.isfinite(run.losses), run.losses, np.nan)
    return Film(
        data, run.net, losses, run.frames[kept], run.thetas[kept], np.stack(logits),
        np.stack(middle), list(lines), np.stack(bends), np.stack(rates),
        np.argsort(losses[-1], kind="stable"), run.message,
    )  # fmt: skip


def _halving(count):
    """0 to count - 1: the last, the first, then the middle of every gap, the widest first."""
    order, gaps = [count - 1, 0][: min(count, 2)], [(0, count - 1)]
    for low, high in gaps:
        if high - low > 1:
            middle = (low + high) // 2
            order.append(middle)
            gaps += [(low, middle), (middle, high)]
    return order


@one_blas_thread()
def _look(run, k, data):
    """Snapshot k: what a Film keeps of it, from `logits` to `accuracy`."""
    theta = run.thetas[k]
    with np.errstate(all="ignore"):  # a net on its way to infinity
        right = accuracy(run.net.output(theta, data.X), data.Y)
        logits = plane.finite(run.net.output(theta, GRID))
    logits = logits.reshape(-1, AXIS.size, AXIS.size)
    lines = [plane.line(AXIS, one) for one in logits]
    bends = np.array([_bend(line) for line in lines])
    return logits.astype(np.float32), np.median(logits, axis=0), lines, bends, right


def _bend(line):
    points = line[~np.isnan(line[:, 0])]
    if not len(points):
        return np.nan
    points = points - points.mean(0)
    across = np.linalg.eigh(points.T @ points)[1][:, 0]  # direction of the smallest spread
    return abs(points @ across).max()


# --- One frame ----------------------------------------------------------------------------------


class Boundary(NamedTuple):
    """What all nets, or one of them, make of the plane after `step` steps.

    show      what was asked for; net: the number of that net, -1 for all of them together
    regions   outlines (points (n, 2), codes (n,)) of the places where class 1 has a probability
              above 0.1, 0.5 and 0.9: by the net that is shown, or by the median of all
    lines     (m, 2) boundaries of the nets shown, one after the other with NaN between
    bends, losses, accuracy  (shown,) of the nets shown, at this step
    """

    film: Film
    show: str
    step: int
    net: int
    regions: list
    lines: np.ndarray
    bends: np.ndarray
    losses: np.ndarray
    accuracy: np.ndarray


def compute_decision_boundary(*, record, frame=-1, show="all nets"):
    """Look at one frame of a Film (`record`): 0 is the start, -1 or the last one the end.

    show  "all nets", or the net with the "best", "median" or "worst" last loss: "best net", ...
    """
    frame = whole("frame", frame, -1, len(record.steps) - 1)
    net = _chosen(record.ranking, one_of("show", show, VIEWS))
    step = int(record.steps[frame])
    shown = slice(None) if net < 0 else slice(net, net + 1)
    return Boundary(
        record, show, step, net,
        plane.regions(AXIS, record.middle[frame] if net < 0 else record.logits[frame, net]),
        plane.joined(record.lines[frame][shown]), record.bends[frame, shown],
        record.losses[step, shown], record.accuracy[frame, shown],
    )  # fmt: skip


def _chosen(ranking, show):
    places = {"best net": 0, "median net": (len(ranking) - 1) // 2, "worst net": -1}
    return int(ranking[places[show]]) if show in places else -1


# --- The figure ---------------------------------------------------------------------------------


def build_decision_boundary(fig):
    """Left: the plane. Right: the loss of all nets over the steps."""
    left, right = fig.subplots(1, 2, width_ratios=(1, 1.05))
    places = _build_plane(left)
    fig.legend(handles=_key(places), loc="outside lower center", ncols=6, **_KEY)
    return {"film": None, **places, **_build_losses(right)}


def _build_plane(ax):
    limits, ticks = (-REACH, REACH), (-1, 0, 1)
    ax.set(xlim=limits, ylim=limits, xticks=ticks, yticks=ticks, xlabel="x1", aspect="equal")
    ax.set_ylabel("x2", rotation=0)
    ax.set_title("after step")
    ax.spines[:].set_visible(False)
    look = {"ms": 6, "mec": style.INK, "mew": 0.7, "ls": "none", "animated": True, "zorder": 4}
    return {
        "regions": plane.patches(ax),
        "lines": ax.plot([], [], color=style.INK, animated=True, zorder=3)[0],
        "zero": ax.plot([], [], marker="o", mfc=ZERO, label="class 0", **look)[0],
        "one": ax.plot([], [], marker="^", mfc=ONE, label="class 1", **look)[0],
        "step": _beside_title(ax, 0.26),
    }


_KEY = {"handlelength": 1.0, "handletextpad": 0.5, "columnspacing": 1.2, "borderaxespad": 0.2}


def _key(places):
    words = ("says 0, over 90 % sure", "says 0", "says 1", "says 1, over 90 % sure")
    tints = [Patch(color=tint, label=word) for tint, word in zip(TINTS, words, strict=True)]
    return [places["zero"], places["one"], *tints]


def _build_losses(ax):
    ax.set(xlim=(0, 1.02 * STEPS), xlabel="step of gradient descent", ylabel="loss (cross-entropy)")
    ax.set_title("right answers")
    ax.axhline(log(2), color=style.GREY, lw=1, ls=(0, (2, 2)))
    ax.text(0.97 * STEPS, log(2), "guessing", ha="right", va="bottom", color=style.GREY)
    says = "line: median net\nband: all nets"
    ax.text(0.97, 0.99, says, ha="right", va="top", transform=ax.transAxes)
    return {
        "ax": ax,
        "band": ax.fill_between([0, 1], [0, 0], [0, 0]),
        "median": ax.plot([], [])[0],
        "now": ax.axvline(0, color=style.INK, lw=1, animated=True),
        "curve": ax.plot([], [], color=style.INK, lw=1.2, animated=True)[0],
        "dots": ax.plot([], [], animated=True, **style.MEASURED, color=style.INK)[0],
        "right": _beside_title(ax, 0.37),
    }


def _beside_title(ax, x):
    """A moving text in the line of the title, at x in axes widths."""
    return ax.annotate(
        "", (x, 1), (0, 6), xycoords="axes fraction", textcoords="offset points",
        size=12, animated=True,
    )  # fmt: skip


def draw_decision_boundary(artists, result):
    """Move everything; True after a new training, whose curves stand still."""
    plane.move(artists["regions"], result.regions)
    alone = result.net >= 0
    artists["lines"].set_data(*result.lines.T)
    artists["lines"].set(linewidth=2.0 if alone else 0.9, color=style.INK if alone else THIN)
    artists["step"].set_text(f"{result.step}")
    artists["right"].set_text(_share(result.accuracy))
    artists["now"].set_xdata([result.step, result.step])
    artists["dots"].set_data(np.full(result.losses.shape, result.step), result.losses)
    curve = result.film.losses[:, result.net] if alone else np.empty(0)
    artists["curve"].set_data(np.arange(curve.size), curve)
    return _new_film(artists, result.film)


def _new_film(artists, film):
    """Set what stands still during a film; True if it is another one than before."""
    if artists["film"] is film:
        return False
    artists["film"] = film
    for name, label in (("zero", 0), ("one", 1)):
        artists[name].set_data(*film.data.X[film.data.Y[:, 0] == label].T)
    low, middle, high = _over_nets(film.losses)
    steps, look = np.arange(len(middle)), style.look(film.net.acts[0])
    artists["band"].set_data(steps, low, high)
    artists["band"].set(**style.band(look["color"]))
    artists["median"].set_data(steps, middle)
    artists["median"].set(**look)
    artists["ax"].set_ylim(0, np.clip(1.2 * np.nanmax(middle), 0.88, 5))
    return True


def _over_nets(values):
    """Smallest, median and largest over the last axis; a net that has diverged is left out."""
    return np.nanmin(values, -1), np.nanmedian(values, -1), np.nanmax(values, -1)


def _share(rates):
    """Percentages: the median, and how far the nets lie apart."""
    low, middle, high = (f"{100 * rate:.4g}" for rate in _over_nets(rates))
    return f"{middle} % ({low} to {high})" if len(rates) > 1 else f"{middle} %"


def describe_decision_boundary(result):
    """The figure in words."""
    film, hidden = result.film, result.film.net.sizes[1:-1]
    units = f"{len(hidden)} x {hidden[0]} hidden units ({film.net.acts[0].name})"
    who = f"the {result.show}" if result.net >= 0 else f"the median of {len(film.ranking)} nets"
    return " ".join([
        f"{film.data.name}, {units}, {film.net.P} numbers to learn.",
        f"After step {result.step} {who} has {_share(result.accuracy)} of the points right and a "
        f"loss of {_loss(result.losses)}.",
        _bend_in_words(result.bends),
        film.message,
    ]).strip()  # fmt: skip


def _loss(losses):
    if np.isnan(losses).all():
        return "more than a computer can hold"
    low, middle, high = (f"{loss:.3f}" for loss in _over_nets(losses))
    return middle if low == high else f"{middle} ({low} to {high})"


def _bend_in_words(bends):
    bends = bends[~np.isnan(bends)]
    if not bends.size:
        return "There is no boundary in the picture: one class everywhere."
    if bends.max() < STRAIGHT:
        return "The boundary is a straight line" + (" in every net." if bends.size > 1 else ".")
    low, _, high = (f"{bend:.2f}" for bend in _over_nets(bends))
    return f"The boundary leaves the nearest straight line by {low} " + (
        "at most." if low == high else f"to {high}, depending on the net."
    )


def decision_boundary(
    data="moons", activation=None, layers=3, width=8, lr=0.1, nets=16, seed=0,
    show="all nets", frame=None, own=None,
):  # fmt: skip
    """Train nets on points in the plane and replay it; arguments as for the record and compute.

    `decision_boundary(own=my_activation)` adds the learner's own Activation to the list.
    """
    acts = with_own(own, mixed=True)
    opening = next(iter(acts)) if own else "identity"
    shown = {"identity": "linear (identity)"}
    call = "boundary.decision_boundary"
    return live(
        compute_decision_boundary,
        build_decision_boundary,
        draw_decision_boundary,
        describe_decision_boundary,
        controls={"show": choice(show, VIEWS, "show")},
        call=call if own is None else f"{call}(own=my_activation, ",
        size=(8.4, 4.5),
        record=partial(record_decision_boundary, own=own),
        slow={
            "data": choice(data, list(DATASETS), "data"),
            "activation": choice(
                activation or opening, {shown.get(name, name): name for name in acts}, "activation"
            ),
            "layers": number(layers, *LAYERS, 1, "hidden layers"),
            "width": number(width, *WIDTHS, 1, "units per layer"),
            "lr": number(lr, *RATES, 0.1, "learning rate", log=True),
            "nets": number(nets, *NETS, 1, "nets"),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        frames=lambda film: len(film.steps),
        frame=frame,
        button="Train",
    )
