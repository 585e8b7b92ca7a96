"""Dying ReLU: when is a unit dead, and for how long?

lab        train nets on digits at a learning rate that kills, follow every unit, switch the
           activation in mid-run without a new start, and see who comes back
threshold  nets at learning rates on both sides of the one that kills: dead units and accuracy
shift      a bias, or brighter images, move z: who is dead on these data, and who always on

Three counters are kept apart. For one digit, half of all units are zero. Some are zero for a whole
batch. Only a unit with z <= 0 on all the training data is dead; it is what "dead" means here
without another word, also where the activation is no ReLU ("would be dead").

A record keeps what the units did, not the weights: 101 copies of 16 nets would not fit in the
memory of a small server. An optimiser that looks before it takes its step (`_Watched`) does that.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.colors import to_rgba_array
from matplotlib.patches import Patch

from helpers import style
from helpers.activations import RELU, elu, leaky_relu, surrogate
from helpers.checks import one_of, real, truth, whole
from helpers.datasets import digits, split
from helpers.live import choice, live, number, toggle
from helpers.network import Net
from helpers.threads import one_blas_thread
from helpers.training import SGD, Momentum, part, training

TRAIN, BATCH, CLASSES = 1400, 64, 10  # digits to learn from; per step; the first show 0, 1, ..., 9
NETS, FRAMES = 16, 100
RATES, MOMENTA, BIASES, SEEDS = (0.01, 5.0), (0.0, 0.95), (-8.0, 2.0), (0, 99)


@lru_cache(maxsize=1)
def _digits():
    """X (1797, 64) in [0, 1] and Y (1797,); the first TRAIN rows are to learn from.

    The first BATCH of them are "a batch", and the first CLASSES of these show 0, 1, ..., 9: so the
    three counters are about rows that lie in each other.
    """
    train, test = split(digits(), np.random.default_rng(0), TRAIN)
    first = [int(np.argmax(train.Y == label)) for label in range(CLASSES)]
    order = np.concatenate([first, np.setdiff1d(np.arange(TRAIN), first)])
    X, Y = np.concatenate([train.X[order], test.X]), np.concatenate([train.Y[order], test.Y])
    X.flags.writeable = Y.flags.writeable = False
    return X, Y


@dataclass(frozen=True)
class _Watched:
    """`optimizer`, but before every step `look(theta)` is called."""

    optimizer: SGD | Momentum
    look: object

    def start(self, theta):
        update = self.optimizer.start(theta)

        def look_and_update(gradient):
            self.look(theta)
            update(gradient)

        return look_and_update


def _optimizer(lr, momentum):
    return Momentum(lr, momentum) if momentum else SGD(lr)


def _rng(seed, stream):
    return np.random.default_rng([seed, stream])


class Look(NamedTuple):
    """What the units of several nets do at one moment; axes (nets, layers, units).

    data, batch  is z > 0 for any of the training digits, of the batch?
    digit        (10, nets, layers, units): is z > 0 for the digit 0, 1, ..., 9?
    accuracy     (nets,) share of right answers on digits that were not learned from
    """

    data: np.ndarray
    batch: np.ndarray
    digit: np.ndarray
    accuracy: np.ndarray


@one_blas_thread()
def look(net, theta):
    """`Look` at nets with hidden layers of one width, theta (nets, P); all rows, so it is exact."""
    each = [_look_at_one(net.acts, net.layers(one)) for one in theta]
    data, batch, digit, accuracy = (np.stack(part) for part in zip(*each, strict=True))
    return Look(data, batch, digit.swapaxes(0, 1), accuracy)


def _look_at_one(acts, layers):
    X, Y = _digits()
    z, f, data, batch, digit = X, np.positive, [], [], []
    with np.errstate(all="ignore"):  # a net that diverges
        for (W, b), act in zip(layers[:-1], acts, strict=False):
            z = f(z) @ W
            z += b
            data.append(_positive(z[:TRAIN]))
            batch.append(_positive(z[:BATCH]))
            digit.append(~(z[:CLASSES] <= 0))
            f = act.f
        W, b = layers[-1]
        right = (f(z[TRAIN:]) @ W + b).argmax(-1) == Y[TRAIN:]
    return np.stack(data), np.stack(batch), np.stack(digit, axis=1), right.mean()


def _positive(z):
    """Which units have z > 0 for any row; what is not a number counts as alive."""
    return ~(z.max(0) <= 0)


# --- The lab: record ----------------------------------------------------------------------------

WIDTHS, DEPTHS, STEPS = (4, 100), (1, 4), (100, 400)
SLOPE = 0.1  # of the leak after the switch
AFTER = {
    "relu": RELU,
    "leaky": leaky_relu(SLOPE),
    "elu": elu(),
    "surrogate": surrogate(RELU, leaky_relu(SLOPE)),
}


class Film(NamedTuple):
    """A recorded life of NETS nets; axes (frames, nets, layers, units) unless said otherwise.

    net      before the switch; after: name of the activation from step `switch` on
    steps    (frames,) at which there was a look
    data, batch, digit  as in `Look`, with the frames in front
    accuracy (frames, nets)
    deaths, revivals  (frames, nets, layers) how many there were until then, from frame to frame
    message  what went wrong in training, "" if nothing did
    """

    net: Net
    after: str
    lr: float
    lr_after: float
    switch: int
    steps: np.ndarray
    data: np.ndarray
    batch: np.ndarray
    digit: np.ndarray
    accuracy: np.ndarray
    deaths: np.ndarray
    revivals: np.ndarray
    message: str


def record_lab(
    *, lr=0.8, momentum=0.0, bias=0.0, width=60, depth=2, steps=300, switch=150, after="leaky",
    lr_after=0.3, seed=0,
):  # fmt: skip
    """Generator: train NETS nets of 64-width-...-width-10, yield the progress, return a Film.

    lr, momentum  of gradient descent in batches of 64 (0.01 to 5; 0 to 0.95), from He's start
    bias          added to every hidden bias at the start, -8 to 2
    width, depth  4 to 100 units in each of 1 to 4 hidden ReLU layers
    steps         100 to 400, of which 101 are looked at
    switch        from this step on (0 to 400) all hidden layers have the activation `after`
                  ("relu", "leaky", "elu", "surrogate": forward ReLU, backward leaky) and the
                  learning rate is `lr_after`. Nothing is initialised again; momentum starts from
                  rest
    seed          0 to 99, of the start and of the batches
    """
    depth, width = whole("depth", depth, *DEPTHS), whole("width", width, *WIDTHS)
    steps, switch = whole("steps", steps, *STEPS), whole("switch", switch, 0, STEPS[1])
    lr, lr_after = real("lr", lr, *RATES), real("lr_after", lr_after, *RATES)
    momentum, after = real("momentum", momentum, *MOMENTA), one_of("after", after, AFTER)
    net = Net((64, *[width] * depth, CLASSES))
    theta = _start(net, seed, NETS, bias)
    diary, batches = _Diary(net, range(0, steps, steps // FRAMES)), _rng(seed, 1)
    first = min(switch, steps)
    lives = [(net, first, lr, 0, first / steps)]
    lives += [(replace(net, act=AFTER[after]), steps - first, lr_after, first / steps, 1)]
    for diary.net, count, rate, low, high in [life for life in lives if life[1]]:
        optimizer = _Watched(_optimizer(rate, momentum), diary)
        run = yield from part(_on_digits(diary.net, theta, count, optimizer, batches), low, high)
        theta, diary.message = run.theta, diary.message or run.message
        if run.stopped:
            break
    return _film(net, diary, theta, after, (lr, lr_after), switch)


def _start(net, seed, nets, bias):
    theta = net.init(_rng(whole("seed", seed, *SEEDS), 0), "he", lead=(nets,))
    bias = real("bias", bias, *BIASES)
    for _, b in net.layers(theta)[:-1]:
        b += bias
    return theta


def _on_digits(net, theta, steps, optimizer, rng):
    X, Y = _digits()
    return training(
        net, theta, X[:TRAIN], Y[:TRAIN], "softmax", steps=steps, batch=BATCH, rng=rng,
        optimizer=optimizer, record=1,
    )  # fmt: skip


class _Diary:
    """Looks at theta when it has made the steps `due`; `net` may be changed on the way."""

    def __init__(self, net, due):
        self.net, self.due, self.t = net, set(due), 0
        self.steps, self.looks, self.message = [], [], ""

    def __call__(self, theta):
        if self.t in self.due:
            self.write(theta)
        self.t += 1

    def write(self, theta):
        """An entry, unless there is one of this step."""
        if self.t not in self.steps[-1:]:
            self.steps.append(self.t)
            self.looks.append(look(self.net, theta.reshape(-1, self.net.P)))

    def looked(self):
        """The four arrays of all looks, with the frames in front."""
        return [np.stack(part) for part in zip(*self.looks, strict=True)]


def _film(net, diary, theta, after, rates, switch):
    diary.write(theta)
    data, batch, digit, accuracy = diary.looked()
    return Film(
        net, after, *rates, switch, np.array(diary.steps), data, batch, digit, accuracy,
        _so_far(data[:-1] & ~data[1:]), _so_far(~data[:-1] & data[1:]), diary.message,
    )  # fmt: skip


def _so_far(events):
    """Number of events until every frame: (frames, nets, layers) from (frames - 1, ..., units)."""
    return np.cumsum(np.pad(events.sum(-1), ((1, 0), (0, 0), (0, 0))), axis=0)


# --- The lab: one look at the film --------------------------------------------------------------

DEAD = 0  # state of a unit; the others as in STATES
STATES = ("dead on all data", "dead on the batch", "zero for this digit", "on for this digit")
LAYERS = {
    "all layers": slice(None), "first layer": slice(0, 1), "last hidden layer": slice(-1, None)
}  # fmt: skip


class Lab(NamedTuple):
    """What the units of one net do, and all nets at one moment.

    layer, net, digit, frame, step  what is shown
    states   [layer] (units, frames) how much of the data a unit is on for: 3 the digit shown (so
             that it is on the batch too), 2 others of the batch, 1 others of the training data, 0
             none; the units that are dead most of the time last
    counts   (4,) units in state 0, 1, 2, 3 at this step
    deaths, revivals  (frames,) until then in the layers shown, mean over the nets
    """

    film: Film
    layer: str
    net: int
    digit: int
    frame: int
    states: list
    counts: np.ndarray
    deaths: np.ndarray
    revivals: np.ndarray

    @property
    def step(self):
        return int(self.film.steps[self.frame])


def compute_lab(*, record, frame=-1, layer="all layers", net=7, digit=3):
    """Look at a Film (`record`): frame 0 is the start, -1 or the last one the end.

    layer  a name in LAYERS; net: 1 to 16; digit: 0 to 9, the input of "zero for this digit"
    """
    frame = range(len(record.steps))[whole("frame", frame, -1, len(record.steps) - 1)]
    layers = LAYERS[one_of("layer", layer, LAYERS)]
    net, digit = whole("net", net, 1, NETS), whole("digit", digit, 0, CLASSES - 1)
    which = slice(None), net - 1, layers
    states = record.data[which].astype(np.uint8)
    states += record.batch[which]
    states += record.digit[:, digit][which]
    states = [_sorted(states[:, k].T) for k in range(states.shape[1])]
    counts = sum(np.bincount(one[:, frame], minlength=4) for one in states)
    gone, back = (e[:, :, layers].sum(-1).mean(-1) for e in (record.deaths, record.revivals))
    return Lab(record, layer, net, digit, frame, states, counts, gone, back)


def _sorted(states):
    """The units (rows) by how long they were dead, the dead ones last."""
    return states[np.argsort((states == DEAD).sum(1), kind="stable")]


# --- The lab: figure ----------------------------------------------------------------------------

COLORS = (style.INK, style.BLUE, "#A6D0EC", "#FBE9C2")  # of the states: the darker, the more dead
_PALETTE = (255 * to_rgba_array([*COLORS, "white"])).round().astype(np.uint8).view(np.uint32)[:, 0]
_GAP = 4  # white, between two layers
_LAYER_COLORS = (style.BLUE, style.VERMILLION, style.GREEN, style.PURPLE)
_MOVING, _NOW = {"animated": True}, {"color": style.VERMILLION, "lw": 1.5, "animated": True}
_DASHED = {"color": style.GREY, "lw": 1.2, "ls": (0, (4, 2)), "zorder": 4}


class Raster(Artist):
    """Cells (rows, columns) of palette numbers that fill their axes, the first row on top.

    A quarter of the time of imshow, which smooths what has no need of it.
    """

    cells = np.zeros((1, 1), np.uint8)

    def draw(self, renderer):
        left, bottom, right, top = self.axes.bbox.extents.round().astype(int)
        rows, columns = (
            np.arange(pixels) * count // pixels
            for pixels, count in zip((top - bottom, right - left), self.cells.shape, strict=True)
        )
        pixels = np.ascontiguousarray(_PALETTE[self.cells[rows[::-1, None], columns]])
        gc = renderer.new_gc()
        renderer.draw_image(gc, left, bottom, pixels.view(np.uint8).reshape(*pixels.shape, 4))
        gc.restore()


def build_lab(fig):
    """Left: every unit of one net. Right, over the steps: accuracy, dead units, deaths."""
    left, right = fig.add_gridspec(1, 2, width_ratios=(1.25, 1))
    left, right = left.subgridspec(2, 1, height_ratios=(6, 1)), right.subgridspec(3, 1)
    raster, key = map(fig.add_subplot, left)
    panels = [fig.add_subplot(place) for place in right]
    axes = [raster, *panels]
    return {
        "film": None, "layer": None, "axes": axes,
        **_build_raster(raster), "counts": _build_key(key), **_build_panels(*panels),
        "switch": [ax.axvline(0, **_DASHED) for ax in axes],
        "now": [ax.axvline(0, zorder=5, **_NOW) for ax in axes],
    }  # fmt: skip


def _build_raster(ax):
    ax.set(ylim=(0, 1), yticks=(), title="units of net")
    ax.spines[:].set_visible(False)
    names = [ax.text(-0.02, 0, f"layer {k + 1}", rotation=90, ha="right", va="center",
                     transform=ax.transAxes) for k in range(DEPTHS[1])]  # fmt: skip
    raster = ax.add_artist(Raster())
    raster.set_animated(True)
    return {"raster": raster, "blocks": names, "title": style.beside_title(ax, 0.27)}


def _build_key(ax):
    """Colour, number (it moves) and meaning of the four states; returns the numbers."""
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_axis_off()
    numbers = []
    for state, words in enumerate(STATES):
        x, y = (0, 0.5)[state // 2], (0.75, 0.1)[state % 2]
        look = {"marker": "s", "ms": 11, "mfc": COLORS[state], "mec": style.GREY}
        ax.plot([x + 0.02], [y], clip_on=False, **look)
        numbers.append(ax.text(x + 0.12, y, "", ha="right", va="center", **_MOVING))
        ax.text(x + 0.135, y, words, va="center")
    return numbers


def _build_panels(accuracy, dead, events):
    accuracy.set_title("right answers:")
    dead.set_title("dead on all data")
    for ax in (accuracy, dead):
        ax.set(ylim=(0, 1.02), yticks=(0, 0.5, 1), yticklabels=("0%", "50%", "100%"))
        ax.tick_params(labelbottom=False)
    events.set(xlabel="step", ylabel="per net", title="deaths")
    events.set_title("revivals        ", loc="right", color=style.VERMILLION)
    place = {"transform": dead.transAxes, "va": "center"}
    return {
        "band": accuracy.fill_between([0, 1], [0, 0], [0, 0], **style.band(style.BLUE)),
        "median": accuracy.plot([], [], color=style.BLUE)[0],
        "accuracy": accuracy.plot([], [], **style.THEORY, **_MOVING)[0],
        "right": style.beside_title(accuracy, 0.53),
        "dead": [dead.plot([], [], color=color)[0] for color in _LAYER_COLORS],
        "names": [dead.text(1.02, 0, f"layer {k + 1}", color=style.readable(color), **place)
                  for k, color in enumerate(_LAYER_COLORS)],
        "deaths": events.plot([], [], color=style.INK, **_MOVING)[0],
        "revivals": events.plot([], [], color=style.VERMILLION, ls=(0, (3, 1)), **_MOVING)[0],
        "died": style.beside_title(events, 0.26), "came": style.beside_title(events, 0.84),
    }  # fmt: skip


def draw_lab(artists, result):
    """Move everything; True for another film, or other layers: axes and curves change."""
    a, film = artists, result.film
    a["raster"].cells = _stacked(result.states)
    a["title"].set_text(f"{result.net}, step {result.step}")
    for text, count in zip(a["counts"], result.counts, strict=True):
        text.set_text(f"{count}")
    for line in a["now"]:
        line.set_xdata([result.step, result.step])
    a["accuracy"].set_data(film.steps, film.accuracy[:, result.net - 1])
    a["right"].set_text(f"{film.accuracy[result.frame, result.net - 1]:.0%}")
    a["deaths"].set_data(film.steps, result.deaths)
    a["revivals"].set_data(film.steps, result.revivals)
    a["died"].set_text(_number(result.deaths[result.frame]))
    a["came"].set_text(_number(result.revivals[result.frame]))
    return _new_scene(a, result)


def _number(mean):
    return f"{mean:.1f}" if mean < 100 else f"{mean:.0f}"


def _stacked(states):
    """The layers below each other, with a white gap; (rows, frames)."""
    gap = np.full((max(1, len(states[0]) // 20), states[0].shape[1]), _GAP, np.uint8)
    return np.concatenate([row for one in states for row in (gap, one)][1:])


def _place_blocks(texts, result):
    shown = range(result.film.net.depth - 1)[LAYERS[result.layer]]
    for k, text in enumerate(texts):
        text.set_visible(k in shown)
        if k in shown:
            text.set_y(1 - (k - shown[0] + 0.5) / len(shown))


def _new_scene(artists, result):
    """Set what stands still; True if it is not what it was."""
    film = result.film
    if artists["film"] is film and artists["layer"] == result.layer:
        return False
    artists["film"], artists["layer"] = film, result.layer
    last = max(film.steps[-1], 1)
    _place_blocks(artists["blocks"], result)
    for ax, line in zip(artists["axes"], artists["switch"], strict=True):
        ax.set_xlim(0, last)
        line.set_xdata([film.switch, film.switch])
        line.set_visible(film.switch < last)
    artists["axes"][0].set_xlabel(_switch_in_words(film))
    artists["axes"][3].set_ylim(0, 1.05 * max(1, result.deaths[-1], result.revivals[-1]))
    _draw_spread(artists, film)
    return True


def _switch_in_words(film):
    if film.switch >= film.steps[-1]:
        return "step"
    return f"step (dashed: now {film.after}, learning rate {film.lr_after:g})"


def _draw_spread(artists, film):
    low, middle, high = np.quantile(film.accuracy, (0, 0.5, 1), axis=1)
    artists["band"].set_data(film.steps, low, high)
    artists["median"].set_data(film.steps, middle)
    dead = np.median(_dead_share(film), axis=1).T
    for k, (line, name) in enumerate(zip(artists["dead"], artists["names"], strict=True)):
        line.set_data(film.steps, dead[k] if k < len(dead) else np.full(film.steps.size, np.nan))
        name.set_visible(k < len(dead))
    style.place_labels(artists["axes"][2], artists["names"][: len(dead)], dead[:, -1])


def _dead_share(film):
    """(frames, nets, layers) share of units that are dead on all the data."""
    return 1 - film.data.mean(-1)


def describe_lab(result):
    """The figure in words."""
    r, film = result, result.film
    sizes = "-".join(map(str, film.net.sizes))
    counts = ", ".join(f"{n} {words}" for n, words in zip(r.counts, STATES, strict=True))
    dead = _dead_share(film)[r.frame]
    shares = "; ".join(f"layer {k + 1} {_range(one)}" for k, one in enumerate(dead.T))
    return " ".join([
        f"{NETS} nets {sizes}, ReLU, learning rate {film.lr:g}{_switched(film)}.",
        f"Net {r.net}, {r.layer}, step {r.step}, digit {r.digit}: {counts}.",
        f"All nets: right answers {_range(film.accuracy[r.frame])}; dead on all data: {shares}.",
        f"Deaths per net so far {_number(r.deaths[r.frame])}, "
        f"revivals {_number(r.revivals[r.frame])}.",
        _before_the_switch(film), film.message,
    ]).strip()  # fmt: skip


def _switched(film):
    if film.switch >= film.steps[-1]:
        return ""
    return f", from step {film.switch} on {film.after} with learning rate {film.lr_after:g}"


def _before_the_switch(film):
    """Deaths and revivals as ReLU, all nets together, first layer and the others."""
    deaths, revivals = as_relu(film)
    words = f"While they were ReLU: first layer {deaths[0]} deaths, {revivals[0]} revivals"
    more = f", deeper layers {deaths[1:].sum()} and {revivals[1:].sum()}" if len(deaths) > 1 else ""
    return f"{words}{more}."


def as_relu(film):
    """Deaths and revivals of all nets before the switch, two arrays (layers,)."""
    end = np.flatnonzero(film.steps <= film.switch)[-1]
    return film.deaths[end].sum(0), film.revivals[end].sum(0)


def _range(shares):
    """Median and range of shares, in words."""
    low, middle, high = np.quantile(shares, (0, 0.5, 1))
    return f"{middle:.0%} ({low:.0%} to {high:.0%})"


def lab(
    lr=0.8, momentum=0.0, bias=0.0, width=60, depth=2, steps=300, switch=150, after="leaky",
    lr_after=0.3, seed=0, layer="all layers", net=7, digit=3, frame=None,
):  # fmt: skip
    """Kill units, switch the activation and watch; arguments as for record and compute."""
    names = {"ReLU as before": "relu", f"leaky ({SLOPE:g})": "leaky", "ELU": "elu",
             f"surrogate: ReLU, but slope {SLOPE:g} backwards": "surrogate"}  # fmt: skip
    return live(
        compute_lab, build_lab, draw_lab, describe_lab,
        record=record_lab,
        slow={
            "lr": number(lr, *RATES, 0.05, "learning rate", log=True),
            "momentum": number(momentum, *MOMENTA, 0.05, "momentum"),
            "bias": number(bias, *BIASES, 0.5, "bias at the start"),
            "width": number(width, *WIDTHS, 1, "units per layer"),
            "depth": number(depth, *DEPTHS, 1, "hidden layers"),
            "steps": number(steps, *STEPS, 100, "steps"),
            "switch": number(switch, 0, STEPS[1], 10, "switch at step"),
            "lr_after": number(lr_after, *RATES, 0.05, "learning rate then", log=True),
            "seed": number(seed, *SEEDS, 1, "seed"),
            "after": choice(after, names, "activation then"),
        },
        controls={
            "net": number(net, 1, NETS, 1, "net"),
            "digit": number(digit, 0, CLASSES - 1, 1, "digit"),
            "layer": choice(layer, list(LAYERS), "layers"),
        },
        call="graveyard.lab", size=(8.4, 4.8), frames=lambda film: len(film.steps), frame=frame,
        button="Train",
    )  # fmt: skip


# --- The threshold: record ----------------------------------------------------------------------

LRS = (0.3, 0.6, 1.0, 1.2, 1.4, 1.6, 2.0, 3.0)
STARTS, KILL_STEPS, SLOPES = 8, 300, (0.0, 0.3)
KILL_FRAMES = (0, 3, 6, 10, 20, 40, 80, 150, 300)


class Shares(NamedTuple):
    """Nets at the learning rates LRS, STARTS each; axes (frames, rates, starts).

    zero, batch, data  share of units with z <= 0: mean over ten digits, for all of the batch, and
                       for all the training data
    accuracy           share of right answers on digits that were not learned from
    """

    slope: float
    momentum: float
    steps: np.ndarray
    zero: np.ndarray
    batch: np.ndarray
    data: np.ndarray
    accuracy: np.ndarray
    message: str


def record_threshold(*, momentum=0.0, slope=0.0, bias=0.0, width=100, seed=0):
    """Generator: train 64-width-10 at all rates, yield the progress, return Shares.

    momentum  0 to 0.95; slope of the leak, 0 (ReLU) to 0.3; the others as for `record_lab`

    All rates begin with the same STARTS nets and see the same batches.
    """
    slope, momentum = real("slope", slope, *SLOPES), real("momentum", momentum, *MOMENTA)
    net = Net((64, whole("width", width, *WIDTHS), CLASSES), leaky_relu(slope) if slope else RELU)
    theta = np.stack([_start(net, seed, STARTS, bias)] * len(LRS))
    diary = _Diary(net, KILL_FRAMES)
    optimizer = _Watched(_optimizer(np.array(LRS)[:, None], momentum), diary)
    run = yield from _on_digits(net, theta, KILL_STEPS, optimizer, _rng(seed, 1))
    diary.write(run.theta)
    data, batch, digit, accuracy = diary.looked()
    zero, batch, data = (1 - on.mean(-1) for on in (digit.mean(1), batch, data))
    shares = (share.reshape(-1, len(LRS), STARTS) for share in (zero, batch, data, accuracy))
    return Shares(slope, momentum, np.array(diary.steps), *shares, run.message)


# --- The threshold: one look, and the figure ----------------------------------------------------


class Threshold(NamedTuple):
    """One moment of Shares: `frame`, and the learning rate LRS[place] that is pointed out."""

    record: Shares
    frame: int
    place: int

    @property
    def dead(self):
        """(rates, starts) share of units that are dead on all the data, at this moment."""
        return self.record.data[self.frame]

    @property
    def accuracy(self):
        return self.record.accuracy[self.frame]


def compute_threshold(*, record, frame=-1, lr=1.4):
    """Look at Shares (`record`): frame 0 is the start, -1 the end; lr is one of LRS."""
    frame = range(len(record.steps))[whole("frame", frame, -1, len(record.steps) - 1)]
    lr = real("lr", lr)
    if lr not in LRS:
        raise ValueError(f"lr must be one of {', '.join(map(str, LRS))}; got {lr:g}")
    return Threshold(record, frame, LRS.index(lr))


def most_common():
    """Share of right answers, new digits, for a net that always says the most common class."""
    Y = _digits()[1]
    return float(np.mean(Y[TRAIN:] == np.bincount(Y[:TRAIN]).argmax()))


_SPREAD = np.array(LRS)[:, None] + np.linspace(-0.05, 0.05, STARTS)  # dots beside each other
_DOTS = {**style.MEASURED, "markersize": 4, "animated": True}
_HALO = {"marker": "o", "ls": "none", "ms": 8, "mfc": "none", "mec": style.VERMILLION, "mew": 1.5}


def build_threshold(fig):
    """Against the learning rate: units that are off, right answers. And one against the other."""
    off, right, both = axes = fig.subplots(1, 3)
    for ax in (off, right):
        ax.set(xlim=(0, 3.2), xticks=(0, 1, 2, 3), xlabel="learning rate")
    for ax in axes:
        ax.set(ylim=(-0.02, 1.02), yticks=(0, 0.5, 1), yticklabels=("0%", "50%", "100%"))
    both.set(xlim=(-0.03, 1.03), xticks=(0, 0.5, 1), xticklabels=("0%", "50%", "100%"))
    both.set(xlabel="dead on all data")
    for ax, title in zip(axes, ("units off, step", "right answers", "at learning rate"),
                         strict=True):
        ax.set_title(title)
    lines = [off.plot([], [], color=color, label=words, **look, **_MOVING)[0]
             for words, color, look in zip(_OFF, _OFF_COLORS, _OFF_LOOKS, strict=True)]
    for ax in (right, both):
        guess = ax.axhline(most_common(), label="always one class", **style.THEORY)
    fig.legend(handles=[*lines, guess], loc="outside lower center", ncols=4, columnspacing=1.5)
    return {
        "lines": lines,
        "dead": off.plot([], [], color=style.INK, **_DOTS)[0],
        "right": right.plot([], [], color=style.BLUE, **_DOTS)[0],
        "median": right.plot([], [], color=style.BLUE, **_MOVING)[0],
        "both": both.plot([], [], color=style.BLUE, **_DOTS)[0],
        "these": both.plot([], [], **_HALO, **_MOVING)[0],
        "now": [ax.axvline(1, **_NOW) for ax in (off, right)],
        "step": style.beside_title(off, 0.68), "lr": style.beside_title(both, 0.74),
    }  # fmt: skip


_OFF = ("zero for one digit", "dead on the batch", "dead on all data")
_OFF_COLORS = ("#6FB1DC", style.BLUE, style.INK)
_OFF_LOOKS = ({"ls": (0, (1, 1))}, {"ls": (0, (5, 2))}, {})


def draw_threshold(artists, result):
    """Move everything."""
    a, r, k = artists, result.record, result.place
    for line, share in zip(a["lines"], (r.zero, r.batch, r.data), strict=True):
        line.set_data(LRS, np.median(share[result.frame], -1))
    a["dead"].set_data(_SPREAD.ravel(), result.dead.ravel())
    a["right"].set_data(_SPREAD.ravel(), result.accuracy.ravel())
    a["median"].set_data(LRS, np.median(result.accuracy, -1))
    a["both"].set_data(result.dead.ravel(), result.accuracy.ravel())
    a["these"].set_data(result.dead[k], result.accuracy[k])
    a["step"].set_text(f"{r.steps[result.frame]}")
    a["lr"].set_text(f"{LRS[k]:g}")
    for line in a["now"]:
        line.set_xdata([LRS[k], LRS[k]])


def describe_threshold(result):
    """The figure in words."""
    r, k, frame = result.record, result.place, result.frame
    leak = f"leaky ({r.slope:g})" if r.slope else "ReLU"
    zero, batch, data = (_range(share[frame, k]) for share in (r.zero, r.batch, r.data))
    few, most = _extremes(np.median(result.dead, -1))
    return (
        f"{STARTS} {leak} nets at each learning rate, momentum {r.momentum:g}, step "
        f"{r.steps[frame]}. At learning rate {LRS[k]:g}: right answers "
        f"{_range(result.accuracy[k])}; units that are zero for one digit {zero}, dead on the "
        f"batch {batch}, dead on all data {data}. Rates at which fewer than 10% are dead on all "
        f"data (median): {few}; more than 90%: {most}. {r.message}"
    ).strip()


def _extremes(shares):
    """The rates with few and with most units dead, in words: between them a run is chaotic."""
    groups = [[f"{lr:g}" for lr in np.array(LRS)[at]] for at in (shares < 0.1, shares > 0.9)]
    return [", ".join(group) or "none" for group in groups]


def threshold(momentum=0.0, slope=0.0, bias=0.0, width=100, seed=0, lr=1.4, frame=None):
    """Show who dies at which learning rate; arguments as for record and compute."""
    return live(
        compute_threshold, build_threshold, draw_threshold, describe_threshold,
        record=record_threshold,
        slow={
            "momentum": number(momentum, *MOMENTA, 0.05, "momentum"),
            "slope": number(slope, *SLOPES, 0.01, "slope of the leak"),
            "bias": number(bias, *BIASES, 0.5, "bias at the start"),
            "width": number(width, *WIDTHS, 1, "hidden units"),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        controls={"lr": choice(lr, {f"{lr:g}": lr for lr in LRS}, "learning rate")},
        call="graveyard.threshold", size=(8.4, 3.8), frames=lambda record: len(record.steps),
        frame=frame, button="Train",
    )  # fmt: skip


# --- The data move: record ----------------------------------------------------------------------

BIAS_AXIS, SHIFT_AXIS = np.linspace(-4, 2, 61), np.linspace(-2, 2, 81)
WIDTH = 100  # hidden units of the one layer
DEAD_UNIT, BENDS, ALWAYS = 0, 1, 2


class Reach(NamedTuple):
    """What z = x W + b reaches over the training digits; axes (nets, units).

    low, high  smallest and largest z;  slope: change of z per shift of all pixels by 1
    z          (nets, new digits, units), head the output layer, labels of the new digits
    """

    low: np.ndarray
    high: np.ndarray
    slope: np.ndarray
    z: np.ndarray
    head: tuple
    labels: np.ndarray


def record_shift(*, lr=0.3, seed=0):
    """Generator: STARTS nets 64-100-10 before and after training, {False: Reach, True: Reach}.

    lr  learning rate of the 300 steps, 0.01 to 5; seed 0 to 99
    """
    net, lr = Net((64, WIDTH, CLASSES)), real("lr", lr, *RATES)
    theta = _start(net, seed, STARTS, 0.0)
    run = yield from _on_digits(net, theta, KILL_STEPS, SGD(lr), _rng(seed, 1))
    return {False: _reach(net, theta), True: _reach(net, run.theta)}


@one_blas_thread()
def _reach(net, theta):
    X, Y = _digits()
    (W, b), head = net.layers(theta)
    z = np.stack([X @ one for one in W]) + b
    seen = z[:, :TRAIN]
    return Reach(seen.min(1), seen.max(1), W.sum(1), z[:, TRAIN:].copy(), head, Y[TRAIN:])


# --- The data move: one look, and the figure ----------------------------------------------------


class Shift(NamedTuple):
    """Where z lies when `bias` is added to every unit and `shift` to every pixel.

    low, high  (units,) smallest and largest z of net 1, the highest unit first
    dead, always  (nets,) share of units with z <= 0, or z > 0, for all the training data
    accuracy   (nets,) on new digits, which are shifted too
    over_bias, over_shift  (2, axis, nets) dead and always along BIAS_AXIS and SHIFT_AXIS
    """

    trained: bool
    bias: float
    shift: float
    low: np.ndarray
    high: np.ndarray
    dead: np.ndarray
    always: np.ndarray
    accuracy: np.ndarray
    over_bias: np.ndarray
    over_shift: np.ndarray


def compute_shift(*, record, bias=0.0, shift=0.0, trained=False):
    """Move the z of all units: bias -4 to 2, shift of all pixels -2 to 2; no training."""
    bias = real("bias", bias, *BIAS_AXIS[[0, -1]])
    shift = real("shift", shift, *SHIFT_AXIS[[0, -1]])
    trained = truth("trained", trained)
    reach = record[trained]
    low, high = reach.low[0] + bias + shift * reach.slope[0], reach.high[0] + bias
    high = high + shift * reach.slope[0]
    order = np.argsort(-high, kind="stable")
    return Shift(
        trained, bias, shift, low[order], high[order],
        *_dead_and_always(reach, bias, shift), _moved_accuracy(reach, bias, shift),
        np.stack(_dead_and_always(reach, BIAS_AXIS[:, None, None], shift)),
        np.stack(_dead_and_always(reach, bias, SHIFT_AXIS[:, None, None])),
    )  # fmt: skip


def _dead_and_always(reach, bias, shift):
    moved = bias + shift * reach.slope
    return (reach.high + moved <= 0).mean(-1), (reach.low + moved > 0).mean(-1)


def _moved_accuracy(reach, bias, shift):
    a = reach.z + (bias + shift * reach.slope)[:, None]
    W, b = reach.head
    answers = (np.maximum(a, 0, out=a) @ W + b).argmax(-1)
    return (answers == reach.labels).mean(-1)


_KINDS = to_rgba_array([style.INK, style.BLUE, style.ORANGE])
_MEANINGS = ("dead on all data", "bends", "always on: a linear unit")
_FLOOR, _CEILING = -7.0, 7.0


def build_shift(fig):
    """Left: the range of z of every unit. Right: shares against bias and against shift."""
    left, right = fig.add_gridspec(1, 2, width_ratios=(1.2, 1))
    bars, panels = fig.add_subplot(left), [fig.add_subplot(g) for g in right.subgridspec(2, 1)]
    bars.set(xlim=(-1, WIDTH), ylim=(_FLOOR, _CEILING), xlabel="unit of net 1, sorted", xticks=())
    bars.set(ylabel="z, smallest to largest", title="right answers")
    bars.axhline(0, **style.THEORY)
    for ax, axis, name in zip(panels, (BIAS_AXIS, SHIFT_AXIS), ("bias", "shift"), strict=True):
        ax.set(xlim=axis[[0, -1]], ylim=(-0.02, 1.02), yticks=(0, 0.5, 1), xlabel=name)
        ax.set_yticklabels(("0%", "50%", "100%"))
    key = [Patch(color=color, label=kind) for color, kind in zip(_KINDS, _MEANINGS, strict=True)]
    fig.legend(handles=key, loc="outside lower center", ncols=3)
    texts = [style.beside_title(panels[0], x) for x in (0, 0.45)]
    return {
        "bars": bars.vlines(np.arange(WIDTH), 0, 1, lw=2.6, **_MOVING),
        "right": style.beside_title(bars, 0.35), "texts": texts,
        "curves": [[ax.plot(axis, axis, color=color, ls=look, **_MOVING)[0]
                    for color, look in zip(_KINDS[::2], ("-", (0, (4, 1.5))), strict=True)]
                   for ax, axis in zip(panels, (BIAS_AXIS, SHIFT_AXIS), strict=True)],
        "now": [ax.axvline(0, **_NOW) for ax in panels],
    }  # fmt: skip


def draw_shift(artists, result):
    """Move everything; what leaves the axis ends at its edge."""
    a, r = artists, result
    low, high = (np.clip(z, _FLOOR, _CEILING) for z in (r.low, r.high))
    place = np.arange(WIDTH)
    ends = np.stack([np.stack([place, low], -1), np.stack([place, high], -1)], 1)
    kinds = np.where(r.high <= 0, DEAD_UNIT, np.where(r.low > 0, ALWAYS, BENDS))
    a["bars"].set_segments(ends)
    a["bars"].set_color(_KINDS[kinds])
    a["right"].set_text(_range(r.accuracy))
    for text, kind, share in zip(a["texts"], ("dead", "always on"), (r.dead, r.always),
                                 strict=True):
        text.set_text(f"{kind} {np.median(share):.0%}")
    for lines, sweep in zip(a["curves"], (r.over_bias, r.over_shift), strict=True):
        for line, share in zip(lines, np.median(sweep, -1), strict=True):
            line.set_ydata(share)
    for line, at in zip(a["now"], (r.bias, r.shift), strict=True):
        line.set_xdata([at, at])


def describe_shift(result):
    """The figure in words."""
    r = result
    when = "after training" if r.trained else "before training"
    return (
        f"{STARTS} ReLU nets 64-{WIDTH}-10 {when}, {r.bias:g} added to every z and {r.shift:g} to "
        f"every pixel. Units dead on all data {_range(r.dead)}, always on (a linear unit) "
        f"{_range(r.always)}. Right answers, new digits: {_range(r.accuracy)}."
    )


def shift(lr=0.3, seed=0, bias=0.0, shift=0.0, trained=False):
    """Move bias and data, and see whose z stays on one side; arguments as for the others."""
    return live(
        compute_shift, build_shift, draw_shift, describe_shift,
        record=record_shift,
        slow={
            "lr": number(lr, *RATES, 0.05, "learning rate", log=True,
                         when={"trained": [True]}),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        controls={
            "bias": number(bias, *BIAS_AXIS[[0, -1]].tolist(), 0.1, "bias, added to z"),
            "shift": number(shift, *SHIFT_AXIS[[0, -1]].tolist(), 0.05, "shift of every pixel"),
            "trained": toggle(trained, "after training"),
        },
        call="graveyard.shift", size=(8.4, 4.2), button="Train",
    )  # fmt: skip
