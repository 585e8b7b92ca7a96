"""The activation lab: choose, predict, train, diagnose.

lab     data, any activation in any layer, start, optimiser and penalties, many seeds at once;
        replay the training with what the nets say, the loss, and the health of every layer side by
        side. In mid-run the activation may change while the weights stay
swap    the same with few controls, for another activation in mid-run
pasted  what its line of code gives in another Python process: the same losses, bit by bit

`helpers.experiment` trains and looks at the layers; here its film gets its pictures.
"""

import subprocess
import sys
from functools import partial
from math import ceil
from time import perf_counter
from typing import NamedTuple

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, PowerNorm

from helpers import experiment, plane, style
from helpers.activations import ACTIVATIONS, Activation
from helpers.checks import one_of, quoted, real, whole
from helpers.experiment import DEPTHS, SAME, SETS, WIDTHS, Experiment, Film, named
from helpers.initializers import SCHEMES
from helpers.live import choice, live, number
from helpers.threads import one_blas_thread
from helpers.training import OPTIMIZERS, part

REACH = 1.9  # the plane is drawn from -REACH to REACH in both directions
AXIS = np.linspace(-REACH, REACH, 51)
GRID = plane.grid(AXIS).astype(np.float32)
LAST_LOOKS = 0.2  # seconds for pictures when training is stopped early
CLASSES, SIDE = 10, 8  # digits, and pixels of one side of their pictures
SAMPLE = 100  # digits over which the slopes of a unit are averaged

SHOWN = ("all nets", "best net", "median net", "worst net")
PICTURES = {"what the nets say": "nets", "one hidden unit": "unit"}
SWITCHES = (SAME, "relu", "leaky_relu(0.1)", "tanh", "sigmoid", "silu", "identity")
SLOPES, BETAS = (0.01, 2.0), (0.1, 10.0)
WITH_BETA = {"elu": "elu", "softplus": "softplus", "silu": "swish"}  # and what takes the number


# --- Record -------------------------------------------------------------------------------------


class Scene(NamedTuple):
    """A film with its pictures, [frame] or (frames, ...).

    film     helpers.experiment.Film
    maps     (frames, nets, 51, 51) logits at the places of the plane, float32; for digits
             (frames, nets, 10, 10) how often digit (row) was said to be another (column), in shares
             of the row, over the test digits
    middle   (frames, 51, 51) median of the nets' logits; for digits the mean of the shares
    lines    [frame][net] where the logit is 0; for digits empty
    ranking  (nets,) numbers of the nets, the smallest last loss first
    """

    film: Film
    maps: np.ndarray
    middle: np.ndarray
    lines: list
    ranking: np.ndarray


def record_lab(
    *, activation="relu", slope=0.1, beta=1.0, upper=SAME, depth=2, own=None, **settings
):  # fmt: skip
    """Generator: train, yield the progress (0 to 1), return a Scene; "stop" keeps what there is.

    activation  of the hidden layers: a name in ACTIVATIONS, "elu(2)", one per share of the layers
                ("relu, tanh"), or the name of `own`, a learner's Activation
    slope       of "leaky_relu" below 0, 0.01 to 2; beta: of "softplus" and "silu", alpha of "elu",
                0.1 to 10
    upper       activation of the upper half of the hidden layers, or "no change"
    others      as in helpers.experiment.Experiment
    """
    act = _with_number(activation, real("slope", slope, *SLOPES), real("beta", beta, *BETAS))
    if own is not None and activation == _own_name(own):
        act = own
    if upper != SAME and whole("depth", depth, *DEPTHS) > 1:
        act = (named(act), upper)
    wanted = Experiment(activation=act, depth=depth, **settings)
    film = yield from part(experiment.record(wanted), 0, 0.75)
    return (yield from part(_scene(film), 0.75, 1))


def _with_number(name, slope, beta):
    """The name with the number of its slider: "leaky_relu(0.1)"."""
    if name == "leaky_relu":
        return f"leaky_relu({slope:.12g})"
    return f"{WITH_BETA[name]}({beta:.12g})" if name in WITH_BETA else name


def _own_name(own):
    if not isinstance(own, Activation):
        raise TypeError(f"own must be an Activation (with f and df), got {quoted(own)}")
    return own.name


def _scene(film):
    """Generator: the pictures of every frame, the last one first, in case there is a stop."""
    looks, end, last = {}, perf_counter() + LAST_LOOKS, len(film.steps) - 1
    _, test = film.settings.examples
    short = film.steps[-1] < film.settings.steps
    for frame in (last, *range(last)):
        looks[frame] = _look(film, frame, test)
        if short:
            if perf_counter() > end:
                break
        elif (yield len(looks) / (last + 1)) == "stop":
            break
    kept = sorted(looks)
    maps, middle, lines = zip(*(looks[frame] for frame in kept), strict=True)
    ranking = np.argsort(np.nan_to_num(film.losses[-1], nan=np.inf), kind="stable")
    return Scene(film.at(kept), np.stack(maps), np.stack(middle), list(lines), ranking)


@one_blas_thread()
def _look(film, frame, test):
    net, theta, digits = film.net(frame), film.thetas[frame], film.settings.data == "digits"
    with np.errstate(all="ignore"):  # a net on its way to infinity
        if digits:
            maps = np.stack([_confusion(net.output(one, test.X), test.Y) for one in theta])
            return maps, maps.mean(0), []
        maps = np.stack([net.output(one, GRID)[:, 0] for one in theta])
    maps = plane.finite(maps).reshape(-1, AXIS.size, AXIS.size)
    return maps, np.median(maps, axis=0), [plane.line(AXIS, one) for one in maps]


def _confusion(outputs, labels):
    """Shares (10, 10) of each true digit (row) that are said to be each digit (column)."""
    counts = np.zeros((CLASSES, CLASSES), np.float32)
    np.add.at(counts, (labels, outputs.argmax(-1)), 1)
    return counts / counts.sum(1, keepdims=True)


# --- One frame ----------------------------------------------------------------------------------


class Lab(NamedTuple):
    """One moment of a Scene.

    step, net  the step, and the number of the net that is shown, -1 for all of them
    picture    "nets" or "unit": what the left side shows
    shown      numbers of the nets whose health is shown
    regions    plane: outlines of what is above each level; digits: an array of shares (10, 10), or
               of slopes of the unit's z by pixel (8, 8)
    lines      (m, 2) plane: boundaries of the nets, or where the unit has z = 0
    unit       None, or (layer, unit, smallest, largest) of the output over plane or digits
    """

    scene: Scene
    frame: int
    step: int
    net: int
    picture: str
    shown: np.ndarray
    regions: object
    lines: np.ndarray
    unit: tuple | None

    def health(self, name):
        """(layers, nets shown) values of a field of the film, such as "dead"."""
        return getattr(self.scene.film, name)[self.frame][self.shown].T

    @property
    def accuracy(self):
        return self.scene.film.accuracy[self.frame, self.shown]


def compute_lab(*, record, frame=-1, show="all nets", picture="nets", layer=1, unit=1):
    """Look at one frame of a Scene (`record`): 0 is the start, -1 or the last one the end.

    show     "all nets", or the net with the "best net", "median net" or "worst net" last loss
    picture  "nets": what they say; "unit": a hidden unit of the net shown (of all nets: the median
             one), `layer` 1 to 10 (a net with fewer: its last), `unit` 1 to 64 (likewise)
    """
    film = record.film
    frame = range(len(film.steps))[whole("frame", frame, -1, len(film.steps) - 1)]
    net = _chosen(record.ranking, one_of("show", show, SHOWN))
    one_of("picture", picture, PICTURES.values())
    layer, unit = whole("layer", layer, *DEPTHS), whole("unit", unit, *WIDTHS)
    shown = np.arange(len(record.ranking)) if net < 0 else np.array([net])
    view = Lab(record, frame, int(film.steps[frame]), net, picture, shown, None, None, None)
    return _show_unit(view, layer, unit) if picture == "unit" else _show_nets(view)


def _chosen(ranking, show):
    places = {"best net": 0, "median net": (len(ranking) - 1) // 2, "worst net": -1}
    return int(ranking[places[show]]) if show in places else -1


def _show_nets(view):
    scene, frame, net = view.scene, view.frame, view.net
    values = scene.middle[frame] if net < 0 else scene.maps[frame, net]
    if scene.film.settings.data == "digits":
        return view._replace(regions=values, lines=np.empty((0, 2)))
    lines = plane.joined([scene.lines[frame][n] for n in view.shown])
    return view._replace(regions=plane.regions(AXIS, values), lines=lines)


def _show_unit(view, layer, unit):
    film = view.scene.film
    layer, unit = min(layer, film.settings.depth), min(unit, film.settings.width)
    net, number = film.net(view.frame), view.net
    number = _chosen(view.scene.ranking, "median net") if number < 0 else number
    layers = net.layers(film.thetas[view.frame, number])[:layer]
    show = _unit_on_digits if film.settings.data == "digits" else _unit_on_plane
    with np.errstate(all="ignore"):
        picture, lines, low, high = show(film, layers, net.acts, unit - 1)
    return view._replace(regions=picture, lines=lines, unit=(layer, unit, low, high))


def _through(layers, acts, a):
    """Pre-activations of the layers, for the data a; of the last one as well."""
    Z = []
    for (W, b), act in zip(layers, acts, strict=False):
        Z.append(a @ W + b)
        a = act.f(Z[-1])
    return Z


def _unit_on_plane(film, layers, acts, unit):
    (W, b), act = layers[-1], acts[len(layers) - 1]
    last = W[:, [unit]], b[:, [unit]]
    z = _through([*layers[:-1], last], acts, GRID)[-1]
    z = plane.finite(z.reshape(AXIS.size, AXIS.size))
    a = plane.finite(act.f(z))
    low, high = float(a.min()), float(a.max())
    levels = [-2 * abs(low) - 1, *np.linspace(low, high, len(HEIGHTS) + 1)[1:-1]]
    levels = levels if high > low else [*levels[:1], *[plane.HUGE] * (len(HEIGHTS) - 1)]
    return plane.regions(AXIS, a, levels), plane.line(AXIS, z), low, high


def _unit_on_digits(film, layers, acts, unit):
    """Mean slope of z by pixel, (8, 8): for a first layer its weights."""
    X = film.settings.examples[0].X[:SAMPLE].astype(np.float32)
    Z = _through(layers, acts, X)
    slopes = np.zeros_like(Z[-1])
    slopes[:, unit] = 1
    below = zip(layers[1:], acts, Z, strict=False)  # (W, b) of a layer, and what feeds it
    for (W, _), act, z in reversed(list(below)):
        slopes = (slopes @ W.T) * act.df(z)
    a = acts[len(layers) - 1].f(Z[-1][:, unit])
    picture = plane.finite((slopes @ layers[0][0].T).mean(0)).reshape(SIDE, SIDE)
    return picture, np.empty((0, 2)), float(a.min()), float(a.max())


# --- Figure -------------------------------------------------------------------------------------

ZERO, ONE = style.BLUE, style.ORANGE  # the colours of the two classes, as in the other demos
HEIGHTS = ("#FFFFFF", "#DDF0E9", "#B8E0D3", "#8ECDB8", "#5FB798", "#2C9B77")  # output of a unit
THIN = "#555555"
SHARES = {  # a field of the film: name, colour, marker in a text and as a dot, offset from the
    # number of the layer, and where the name stands above the axes (points)
    "zeros": ("zeros", style.BLUE, "\u25cfo", -0.2, 0),
    "saturated": ("saturated", style.VERMILLION, "\u25b2^", 0.0, 62),
    "dead": ("dead", style.INK, "\u25a0s", 0.2, 158),
}
SIZES = {
    "gradients": ("gradient", style.GREEN, "\u25cfo", -0.13, 0),
    "updates": ("update / weight", style.PURPLE, "\u25c6D", 0.13, 86),
}
FLOOR, CEILING = -100, 30  # decades, at most, of the axis of gradients
_MOVING, _NOW = {"animated": True}, {"color": style.VERMILLION, "lw": 1.5, "animated": True}
_SAYS = LinearSegmentedColormap.from_list("says", ["#FFFFFF", style.BLUE, "#00263D"], 128)
_PUSH = LinearSegmentedColormap.from_list("push", [style.BLUE, "#FFFFFF", style.ORANGE], 129)


def build_lab(fig):
    """Left: what nets or a unit make of the data. Right: loss, and two pictures of health."""
    left, right = fig.add_gridspec(1, 2, width_ratios=(1.12, 1))
    _keep_room(fig.add_subplot(left))
    places = [fig.add_subplot(left) for _ in range(3)]
    loss, shares, sizes = (fig.add_subplot(row) for row in right.subgridspec(3, 1))
    shares.set(ylim=(-0.04, 1.04), yticks=(0, 0.5, 1), yticklabels=("0%", "50%", "100%"))
    shares.tick_params(labelbottom=False)
    sizes.set_xlabel("layer")
    for ax in places:
        ax.set_title(" ")  # room for the moving one
    return {
        "scene": None, "mode": None, "places": places, "layers": (shares, sizes),
        **_build_plane(places[0]), **_build_confusion(places[1]),
        "pixels": _build_pixels(places[2]),
        "titles": [style.beside_title(ax) for ax in places],
        **_build_loss(loss), **_build_health(shares, SHARES), **_build_health(sizes, SIZES),
    }  # fmt: skip


def _keep_room(ax):
    """For the labels of what takes turns in one place: the layout asks axes that are seen only."""
    ax.set(title=" ", xlabel=" ", ylabel=" ", xticks=(0,), yticks=(0,), zorder=-1)
    ax.tick_params(length=0, labelcolor="none")
    ax.patch.set_visible(False)
    ax.spines[:].set_visible(False)


def _build_plane(ax):
    limits, ticks = (-REACH, REACH), (-1, 0, 1)
    ax.set(xlim=limits, ylim=limits, xticks=ticks, yticks=ticks, xlabel="x1", aspect="equal")
    ax.set_ylabel("x2", rotation=0)
    ax.spines[:].set_visible(False)
    look = {"ms": 4.5, "mec": style.INK, "mew": 0.5, "ls": "none", "zorder": 4, **_MOVING}
    return {
        "regions": plane.patches(ax), "heights": plane.patches(ax, (plane.TINTS[0], *HEIGHTS)),
        "lines": ax.plot([], [], color=style.INK, zorder=3, **_MOVING)[0],
        "zero": ax.plot([], [], marker="o", mfc=ZERO, **look)[0],
        "one": ax.plot([], [], marker="^", mfc=ONE, **look)[0],
        "span": ax.annotate("", (1, 0), (0, -32), xycoords="axes fraction",
                            textcoords="offset points", ha="right", **_MOVING),
    }  # fmt: skip


def _build_confusion(ax):
    ax.set(xlabel="the nets say", ylabel="digit")
    ax.set(xticks=np.arange(CLASSES) + 0.5, yticks=np.arange(CLASSES) + 0.5)
    ax.set(xticklabels=range(CLASSES), yticklabels=range(CLASSES))
    ax.invert_yaxis()
    cells = ax.pcolormesh(
        np.zeros((CLASSES, CLASSES)), cmap=_SAYS, norm=PowerNorm(0.4, 0, 1), **_MOVING
    )
    place = {"ha": "center", "va": "center", "color": "white", "size": 10, **_MOVING}
    return {
        "confusion": cells,
        "rates": [ax.text(k + 0.5, k + 0.52, "", **place) for k in range(CLASSES)],
    }


def _build_pixels(ax):
    ax.set(xticks=(), yticks=(), aspect="equal", xlabel="orange pixels raise z, blue ones lower it")
    ax.invert_yaxis()
    return ax.pcolormesh(np.zeros((SIDE, SIDE)), cmap=_PUSH, vmin=-1, vmax=1, **_MOVING)


def _build_loss(ax):
    ax.set(xlabel="step", ylabel="loss")
    ax.set_title("new data right:")
    return {
        "loss": ax, "right": style.beside_title(ax, 0.5),
        "band": ax.fill_between([0, 1], [0, 0], [0, 0]),
        "median": ax.plot([], [])[0],
        "guess": ax.axhline(0, color=style.GREY, lw=1, ls=(0, (2, 2))),
        "switch": ax.axvline(0, color=style.GREY, lw=1.2, ls=(0, (4, 2))),
        "now": ax.axvline(0, **_NOW),
        "curve": ax.plot([], [], color=style.INK, lw=1.2, **_MOVING)[0],
    }


def _build_health(ax, kinds):
    """For each kind the range over the nets and the median; {name: (bars, dots)}."""
    parts, pad = {}, style.RC["axes.titlepad"]
    ax.set_title(" ")  # room for the names
    for name, (words, color, (sign, shape), _, x) in kinds.items():
        ax.annotate(f"{sign} {words}", (0, 1), (x, pad), xycoords="axes fraction",
                    textcoords="offset points", color=style.readable(color),
                    size=style.RC["axes.titlesize"])  # fmt: skip
        dot = {**style.MEASURED, "color": color, "marker": shape, "markersize": 5.5}
        bars = ax.vlines([], 0, 1, color=color, lw=1.6, **_MOVING)
        parts[name] = bars, ax.plot([], [], **dot, **_MOVING)[0]
    return parts


def draw_lab(artists, result):
    """Move everything; True after a new training, or for another kind of picture."""
    a, r = artists, result
    everything = _new_scene(a, r)
    _draw_left(a, r)
    a["right"].set_text(_percent(r.accuracy))
    a["now"].set_xdata([r.step, r.step])
    curve = r.scene.film.losses[:, r.net] if r.net >= 0 else np.empty(0)
    a["curve"].set_data(np.arange(curve.size), curve)
    for name in SHARES:
        _move_health(a[name], SHARES[name], r.health(name))
    for name in SIZES:
        _move_health(a[name], SIZES[name], _log10(r.health(name), *a["limits"]))
    return everything


def _draw_left(a, r):
    digits, unit = r.scene.film.settings.data == "digits", r.picture == "unit"
    what = "layer {}, unit {}".format(*r.unit) if unit else "what the nets say"
    for text in a["titles"]:
        text.set_text(f"step {r.step}: {what}")
    a["span"].set_text(_span(r.unit) if unit else "")
    if not digits:
        nothing = [(np.empty((0, 2)), np.empty(0, np.uint8))]
        regions, heights = (nothing * 3, r.regions) if unit else (r.regions, nothing * len(HEIGHTS))
        plane.move(a["regions"], regions)
        plane.move(a["heights"], heights)
        thin = r.net < 0 and not unit
        a["lines"].set_data(*r.lines.T)
        a["lines"].set(linewidth=0.9 if thin else 2.0, color=THIN if thin else style.INK)
    elif unit:
        a["pixels"].set_array(r.regions / (abs(r.regions).max() or 1))
    else:
        a["confusion"].set_array(r.regions)
        for text, rate in zip(a["rates"], r.regions.diagonal(), strict=True):
            text.set_text(f"{100 * rate:.0f}")
            text.set_color("white" if rate > 0.15 else style.INK)


def _span(unit):
    *_, low, high = unit
    return f"always {low:.2g}" if low == high else f"{low:.2g} (pale) to {high:.2g}"


def _log10(values, low, floor):
    """Decades; what is below the axis lies on its lowest decade, and 0 on its floor."""
    with np.errstate(divide="ignore"):
        return np.where(values == 0, floor, np.clip(np.log10(values), low, CEILING + 1))


def _move_health(parts, kind, values):
    """Bars from the smallest to the largest of values (layers, nets), dots at the median."""
    bars, dots = parts
    low, middle, high = _over_nets(values)
    x = np.arange(1, len(middle) + 1) + kind[3]
    bars.set_segments(np.stack([np.stack([x, low], -1), np.stack([x, high], -1)], 1))
    dots.set_data(x, middle)


def _over_nets(values):
    """Smallest, median and largest over the last axis without NaN; NaN if there is nothing else."""
    empty = np.isnan(values).all(-1)
    values = np.where(empty[..., None], 0, values)
    parts = (f(values, axis=-1) for f in (np.nanmin, np.nanmedian, np.nanmax))
    return tuple(np.where(empty, np.nan, part) for part in parts)


def _new_scene(a, r):
    """Set what stands still while a scene is replayed; True if anything of it is new."""
    film = r.scene.film
    mode = 0 if film.settings.data != "digits" else 1 + (r.picture == "unit")
    if a["scene"] is r.scene and a["mode"] == mode:
        return False
    if a["scene"] is not r.scene:
        _set_points(a, film)
        _set_loss(a, film)
        _set_layers(a, film)
    for k, ax in enumerate(a["places"]):
        ax.set_visible(k == mode)
    a["scene"], a["mode"] = r.scene, mode
    return True


def _set_points(a, film):
    if film.settings.data != "digits":
        train = film.settings.examples[0]
        for name, label in (("zero", 0), ("one", 1)):
            a[name].set_data(*train.X[train.Y[:, 0] == label].T)


def _set_loss(a, film):
    low, middle, high = _over_nets(film.losses)
    steps, look = np.arange(len(middle)), style.look(film.settings.net.acts[0])
    a["band"].set_data(steps, low, high)
    a["band"].set(**style.band(look["color"]))
    a["median"].set_data(steps, middle)
    a["median"].set(**look)
    guess = np.log(CLASSES if film.settings.data == "digits" else 2)
    a["guess"].set_ydata([guess, guess])
    top = np.clip(1.15 * np.nanmax(middle), 1.3 * guess, 5)
    a["loss"].set(xlim=(0, film.settings.steps), ylim=(0, top))
    switch = film.settings.lives[0][1]
    a["switch"].set_xdata([switch, switch])
    a["switch"].set_visible(switch < film.settings.steps)


def _set_layers(a, film):
    """Axes of the layers, and of the size of gradients: whole decades, few of them."""
    shares, sizes = a["layers"]
    depth = film.settings.depth
    for ax in a["layers"]:
        ax.set(xlim=(0.5, depth + 1.5), xticks=range(1, depth + 2))
        every = 1 if depth < 8 else 2  # names of layers have to stay apart
        names = ["" if (k - 1) % every else f"{k}" for k in range(1, depth + 1)]
        ax.set_xticklabels([*names[: depth - every + 1], *[""] * (every - 1), "out"])
    low, high, zero = _decades([getattr(film, name) for name in SIZES])
    every = max(1, ceil((high - low) / 4))
    ticks = range(high, low - 1, -every)
    names = [rf"$10^{{{tick}}}$" for tick in ticks]
    floor = low - (0.9 * every if zero else 0)
    sizes.set(ylim=(floor - 0.25 * every, high + 0.1 * every))
    sizes.set(yticks=[*ticks, *[floor] * zero], yticklabels=[*names, *["0"] * zero])
    a["limits"] = low, floor


def _decades(values):
    """Whole decades from the smallest to the largest median over nets; whether there is a 0."""
    medians = np.concatenate([_over_nets(value.swapaxes(1, 2))[1].ravel() for value in values])
    medians = medians[np.isfinite(medians) & (medians > 0)]
    ends = np.log10([medians.min(), medians.max()] if medians.size else [0.1, 1])
    low, high = (int(end) for end in (np.floor(ends[0]), np.ceil(ends[1])))
    low = max(low, FLOOR)
    high = min(max(high, low + 2), CEILING)
    return low, high, any((value == 0).any() for value in values)


def _percent(rates, digits=0):
    """The median, and how far the nets lie apart."""
    low, middle, high = (f"{100 * rate:.{digits}f}" for rate in _over_nets(rates))
    return f"{middle}% ({low} to {high})" if len(rates) > 1 else f"{middle}%"


def describe_lab(result):
    """The figure in words."""
    r, film = result, result.scene.film
    s, count = film.settings, len(result.scene.ranking)
    sentences = [
        f"{s.data}, {_net_in_words(s)}, {count} nets, {film.settings.net.P} numbers each.",
        f"Step {r.step}, {_who(r)}: right answers on new data {_percent(r.accuracy, 1)}, loss "
        f"{_number(film.losses[r.step, r.shown])}.",
        _left_in_words(r),
        f"By layer (median): zeros {_by_layer(r.health('zeros'), '.0%')}; saturated "
        f"{_by_layer(r.health('saturated'), '.0%')}; dead on all data "
        f"{_by_layer(r.health('dead'), '.0%')}; gradient {_by_layer(r.health('gradients'), '.1e')};"
        f" update / weight {_by_layer(r.health('updates'), '.1e')} (the last number of these two "
        "is the output layer).",
        film.message,
    ]
    return " ".join(filter(None, sentences))


def _net_in_words(settings):
    lives = settings.lives
    words = f"{settings.depth} x {settings.width} hidden units ({_acts(lives[0][0])})"
    return words + (f", from step {lives[0][1]} on {_acts(lives[1][0])}" if lives[1:] else "")


def _acts(net):
    """Names of the hidden activations, one if they are alike."""
    names = [act.name for act in net.acts[:-1]]
    return names[0] if len(set(names)) == 1 else ", ".join(names)


def _who(r):
    return "all nets" if r.net < 0 else f"net {r.net + 1}"


def _number(values):
    low, middle, high = (f"{value:.3g}" for value in _over_nets(values))
    if middle == "nan":
        return "more than a computer can hold"
    return middle if len(values) == 1 else f"{middle} ({low} to {high})"


def _by_layer(values, form):
    return ", ".join(format(middle, form) for middle in _over_nets(values)[1])


def _left_in_words(r):
    if r.unit:
        what = "over the plane" if r.scene.film.settings.data != "digits" else "over digits"
        return "Layer {}, unit {}: output {} {}.".format(*r.unit[:2], what, _span(r.unit))
    if r.scene.film.settings.data != "digits":
        return "" if len(r.lines) > len(r.shown) else "One class everywhere in the picture."
    wrong = r.regions * (1 - np.eye(CLASSES))
    true, said = np.unravel_index(wrong.argmax(), wrong.shape)
    return f"Most common mistake: {true} is called {said} ({wrong.max():.0%})."


def lab(
    data="moons", activation=None, slope=0.1, beta=1.0, upper=SAME, depth=2, width=16,
    scheme="matched", scale=1.0, bias=0.0, optimizer="adam", lr=0.01, batch=300, l1=0.0, l2=0.0,
    steps=500, nets=16, then=SAME, switch=250, seed=0, show="all nets", picture="nets", layer=1,
    unit=1, frame=None, own=None,
):  # fmt: skip
    """Train nets and look into them; arguments as for the record and compute.

    `lab(activation="relu, tanh, gelu")` gives each its share of the layers;
    `lab(own=my_activation)` adds the learner's own Activation to the list.
    """
    names = list(ACTIVATIONS) if own is None else [_own_name(own), *ACTIVATIONS]
    activation = activation or ("relu" if own is None else names[0])
    call = "lab.lab" if own is None else "lab.lab(own=my_activation, "
    return live(
        compute_lab, build_lab, draw_lab, describe_lab, call=call, size=(8.4, 4.8),
        record=partial(record_lab, own=own),
        slow=_slow(
            names, data=data, activation=activation, slope=slope, beta=beta, upper=upper,
            depth=depth, width=width, scheme=scheme, scale=scale, bias=bias, optimizer=optimizer,
            lr=lr, batch=batch, l1=l1, l2=l2, steps=steps, nets=nets, seed=seed, then=then,
            switch=switch,
        ),
        controls={
            "show": choice(show, SHOWN, "show"),
            "picture": choice(picture, PICTURES, "left"),
            "layer": number(layer, *DEPTHS, 1, "layer", when={"picture": ["unit"]}),
            "unit": number(unit, *WIDTHS, 1, "unit", when={"picture": ["unit"]}),
        },
        frames=_frames, frame=frame, button="Train",
    )  # fmt: skip


def swap(
    data="spiral", activation="relu", depth=2, bias=0.0, seed=0, then="tanh", switch=250,
    show="all nets", frame=None,
):  # fmt: skip
    """The lab with the controls for another activation in mid-run, and 8 nets."""
    return live(
        compute_lab, build_lab, draw_lab, describe_lab, call="lab.swap", size=(8.4, 4.8),
        record=partial(record_lab, nets=8),
        slow=_slow(list(ACTIVATIONS), data=data, activation=activation, depth=depth, bias=bias,
                   seed=seed, then=then, switch=switch),
        controls={"show": choice(show, SHOWN, "show")},
        frames=_frames, frame=frame, button="Train",
    )  # fmt: skip


def _frames(scene):
    return len(scene.film.steps)


def _slow(names, **values):
    """The controls of these settings; `names` of the activations that can be chosen."""
    kinds = {
        "data": partial(choice, options=SETS, label="data"),
        "activation": partial(_choice, names=names, label="activation"),
        "slope": _slider(SLOPES, 0.1, "slope of the leak", log=True,
                         when={"activation": ["leaky_relu"]}),
        "beta": _slider(BETAS, 0.1, "alpha or beta", log=True,
                        when={"activation": list(WITH_BETA)}),
        "upper": partial(_choice, names=SWITCHES, label="upper layers",
                         when={"depth": list(range(2, 11))}),
        "depth": _slider(DEPTHS, 1, "hidden layers"),
        "width": _slider(WIDTHS, 1, "units per layer"),
        "scheme": partial(choice, options=list(SCHEMES), label="first weights"),
        "scale": _slider(experiment.SCALES, 0.1, "times", log=True),
        "bias": _slider(experiment.BIASES, 0.5, "bias at start"),
        "optimizer": partial(choice, options=list(OPTIMIZERS), label="optimiser"),
        "lr": _slider(experiment.RATES, 0.1, "learning rate", log=True),
        "batch": _slider(experiment.BATCHES, 0.2, "batch", log=True),
        "l1": _slider(experiment.PENALTIES, 0.005, "L1 on outputs"),
        "l2": _slider(experiment.PENALTIES, 0.005, "L2 on weights"),
        "steps": _slider(experiment.STEPS, 10, "steps"),
        "nets": _slider(experiment.NETS, 1, "nets"),
        "seed": _slider(experiment.SEEDS, 1, "seed"),
        "then": partial(_choice, names=SWITCHES, label="later on"),
        "switch": _slider(experiment.MOMENTS, 10, "from step", when={"then": list(SWITCHES[1:])}),
    }  # fmt: skip
    return {name: kinds[name](value) for name, value in values.items()}


def _slider(ends, step, label, **how):
    return partial(number, low=ends[0], high=ends[1], step=step, label=label, **how)


def pasted(line):
    """Losses (steps + 1, nets) of a line from *Copy this experiment*, run in a new Python process.

    ValueError with what Python said if the line does not run there: an activation of the learner's
    own (`own=my_activation`) would have to be pasted first.
    """
    code = (
        f"from helpers.demos import lab\nlosses = ({line}).record.film.losses\n"
        "print(len(losses), losses.tobytes().hex())"
    )
    new = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if new.returncode:
        said = new.stderr.strip().splitlines() or ["nothing"]
        raise ValueError(f"this line does not run in a new Python process, it says: {said[-1]}")
    rows, digits = new.stdout.split()[-2:]
    return np.frombuffer(bytes.fromhex(digits)).reshape(int(rows), -1)


def _choice(value, names, label, when=None):
    """The names, and `value` if it is not among them: "relu, tanh"."""
    return choice(value, [*names, *([value] if value not in names else [])], label, when)
