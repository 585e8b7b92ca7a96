"""Zeros: more of them on demand, whether they are why ReLU works, and what they cost.

turn_up    an L1 penalty on the hidden activations: zeros, dead units and test error while digits
           are learned
sharpness  ReLU against smooth and leaky functions without any zero: the same starts and digits
cost       the share of a layer's time that its activation takes, measured here and now

All three show a finished record; the sliders only look at it.
"""

import tracemalloc
from functools import partial
from math import log, sqrt
from time import perf_counter
from typing import NamedTuple

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from helpers import style
from helpers.activations import RELU, SOFTPLUS, Activation, leaky_relu, softplus
from helpers.checks import one_of, real, whole
from helpers.datasets import Data, digits, split, standardise
from helpers.diagnostics import dead_on_batch, per_layer, zero_share
from helpers.live import choice, live, number
from helpers.losses import SOFTMAX, accuracy
from helpers.network import Net
from helpers.threads import one_blas_thread
from helpers.training import L1, SGD, part, training

SEEDS, NETS = (0, 99), 8
PIXELS = ("from 0 to 1", "standardised")
WIDTHS, BATCH = (16, 128), 32


def _digits(rng, train, pixels):
    """`train` of the digits to learn from, and all others, drawn with `rng`."""
    sets = split(digits(), rng, train)
    return standardise(*sets) if one_of("pixels", pixels, PIXELS) == PIXELS[1] else sets


def _net(width, act=RELU):
    width = whole("width", width, *WIDTHS)
    return Net((64, width, width, 10), act)


def _rng(seed, stream):
    return np.random.default_rng([whole("seed", seed, *SEEDS), stream])


# --- Turn the zeros up: the record --------------------------------------------------------------

WEIGHTS = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1)
TRAIN, STEPS, RATE = 1397, 300, 0.2
FRAMES = np.unique((STEPS * np.linspace(0, 1, 12) ** 2).round().astype(int))  # early ones closer


class Film(NamedTuple):
    """Nets with an L1 penalty of every weight in WEIGHTS, from the same NETS starts.

    pixels, width  what they were trained with; net; data: train and test together, train first
    steps          (frames,) the steps of which there is a picture
    zeros          (frames, weights, NETS, 2) share of units that are zero for a test image, on
                   average, in each hidden layer
    dead           (frames, weights, NETS, 2) share of units that are dead on all the data
    errors         (frames, weights, NETS) share of wrong answers on the test images
    """

    pixels: str
    width: int
    data: Data
    net: Net
    steps: np.ndarray
    zeros: np.ndarray
    dead: np.ndarray
    errors: np.ndarray


def record_turn_up(*, pixels="from 0 to 1", width=64, seed=0):
    """Generator: train, yield the progress (0 to 1), return a Film.

    pixels  "from 0 to 1" or "standardised" (mean 0, one common deviation)
    width   units in each of the two hidden layers, 16 to 128; seed 0 to 99

    STEPS steps of gradient descent at rate RATE, BATCH of TRAIN images each. Sent "stop", it
    returns what there is.
    """
    net = _net(width)
    train, test = _digits(_rng(seed, 0), TRAIN, pixels)
    starts = net.init(_rng(seed, 1), "he", lead=(NETS,))
    theta = np.broadcast_to(starts, (len(WEIGHTS), *starts.shape))
    penalty = L1(np.array(WEIGHTS)[:, None])
    data = Data(*(np.concatenate(pair) for pair in zip(train[:2], test[:2], strict=True)), "digits")
    how = dict(optimizer=SGD(RATE), batch=BATCH, rng=_rng(seed, 2), penalty=penalty)
    kept = dict(record=FRAMES, keep=partial(_look, net, data))
    run = yield from training(net, theta, *train[:2], SOFTMAX, steps=STEPS, **how, **kept)
    looks = map(np.array, zip(*run.thetas, strict=True))
    return Film(pixels, net.sizes[1], data, net, run.frames, *looks)


@one_blas_thread()
def _look(net, data, thetas):
    """(zeros, dead, errors) of the nets thetas (weights, NETS, P)."""
    looks = _one_by_one(partial(_look_at_digits, net, data), thetas.reshape(-1, net.P))
    return [numbers.reshape(*thetas.shape[:2], *numbers.shape[1:]) for numbers in looks]


def _one_by_one(look, *nets):
    """The numbers that look(...) has for each net, as arrays; one net at a time saves memory."""
    looks = [look(*one) for one in zip(*nets, strict=True)]
    return [np.array(numbers) for numbers in zip(*looks, strict=True)]


def _look_at_digits(net, data, theta):
    passed, new = net.forward(theta, data.X), slice(TRAIN, None)
    zeros = per_layer(zero_share, [a[new] for a in passed.A[1:-1]])
    dead = per_layer(lambda Z: dead_on_batch(RELU, Z).mean(-1), passed.Z[:-1])
    return zeros, dead, 1 - accuracy(passed.A[-1][new], data.Y[new])


# --- Turn the zeros up: one frame ---------------------------------------------------------------


class TurnUp(NamedTuple):
    """One penalty at one step: number k of WEIGHTS, number `frame` of the film's steps."""

    film: Film
    frame: int
    k: int


def compute_turn_up(*, record, frame=-1, weight=0.01):
    """Look at one frame of a Film (`record`): 0 is the start, -1 or the last one the end.

    weight  of the penalty, one of WEIGHTS
    """
    frame = whole("frame", frame, -1, len(record.steps) - 1) % len(record.steps)
    return TurnUp(record, frame, WEIGHTS.index(_one_of_numbers("weight", weight, WEIGHTS)))


def _one_of_numbers(name, value, allowed):
    value = real(name, value)
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(str, allowed))}, got {value:g}")
    return value


LAYER_COLORS = (style.BLUE, style.ORANGE)
CHOSEN = "#E8EEF4"  # behind what is chosen


def build_turn_up(fig):
    """Left: zeros of both layers over the steps. Right: all penalties, zeros above errors."""
    axes = fig.subplot_mosaic([["steps", "zeros"], ["steps", "errors"]], width_ratios=(1, 1.02))
    return {"film": None, **_build_steps(axes["steps"]), **_build_weights(axes)}


def _build_steps(ax):
    ax.set(xlim=(0, STEPS), ylim=(0, 1.0), xlabel="step of gradient descent")
    ax.set_ylabel("units that are zero for an image")
    ax.yaxis.set_major_formatter(PercentFormatter(1, 0))
    ax.set_title("L1 weight")
    says = f"median and range of {NETS} starts\ndashed: without penalty"
    ax.text(0.03, 0.03, says, transform=ax.transAxes, va="bottom")
    thin = {"lw": 1.2, "ls": (0, (4, 3))}
    return {
        "plain": [ax.plot([], [], color=color, **thin)[0] for color in LAYER_COLORS],
        "bands": [_moving_band(ax, color) for color in LAYER_COLORS],
        "lines": [ax.plot([], [], color=c, animated=True)[0] for c in LAYER_COLORS],
        "now": ax.axvline(0, ymin=0.2, color=style.INK, lw=1, animated=True),
        "layers": style.direct_labels(ax, ("layer 1", "layer 2"), (0.5, 0.5), LAYER_COLORS, True),
        "ax": ax,
        "weight": style.beside_title(ax, 0.29),
    }


def _moving_band(ax, color):
    band = ax.fill_between([0, 1], 0, 0, **style.band(color))
    band.set_animated(True)
    return band


def _build_weights(axes):
    places, shown = np.arange(len(WEIGHTS)), [f"{w:g}".replace("0.", ".") for w in WEIGHTS]
    top, bottom = axes["zeros"], axes["errors"]
    top.set(xlim=(-0.6, len(WEIGHTS) - 0.4), ylim=(-0.06, 1.06), xticks=places, yticks=(0, 0.5, 1))
    top.set_title("zero: dots, dead on all data: crosses")
    top.yaxis.set_major_formatter(PercentFormatter(1, 0))
    top.tick_params(labelbottom=False)
    bottom.set(xlim=top.get_xlim(), ylim=(0.003, 1.3), yscale="log", xlabel="L1 weight")
    bottom.set_title("wrong answers on 400 new images")
    bottom.set_xticks(places, shown)
    bottom.set_yticks([0.01, 0.1, 1], ["1 %", "10 %", "100 %"])
    dots = {**style.MEASURED, "animated": True, "alpha": None}
    return {
        "chosen": [_moving_column(ax) for ax in (top, bottom)],
        "zeros": top.plot([], [], color=style.BLUE, **dots)[0],
        "dead": top.plot([], [], **{**dots, "marker": "x", "markeredgewidth": 1.5},
                         color=style.VERMILLION)[0],
        "errors": bottom.plot([], [], color=style.INK, **dots)[0],
    }  # fmt: skip


def _moving_column(ax):
    """A pale column, as high as the axes, at x - 0.5 to x + 0.5."""
    column = Rectangle((0, 0), 1, 1, fc=CHOSEN, lw=0, zorder=0, animated=True)
    column.set_transform(ax.get_xaxis_transform())
    return ax.add_patch(column)


JITTER = np.linspace(-0.25, 0.25, NETS)
SMALLEST = 0.004  # of an error on the logarithmic axis; no error at all is drawn there


def draw_turn_up(artists, result):
    """Move everything; True after a new training."""
    film, frame, k = result
    low, middle, high = _over_nets(film.zeros[:, k], axis=1)
    for layer, (band, line) in enumerate(zip(artists["bands"], artists["lines"], strict=True)):
        band.set_data(film.steps, low[:, layer], high[:, layer])
        line.set_data(film.steps, middle[:, layer])
    style.place_labels(artists["ax"], artists["layers"], middle[-1])
    artists["now"].set_xdata([film.steps[frame]] * 2)
    artists["weight"].set_text(f"{WEIGHTS[k]:g}, step {film.steps[frame]}")
    places = (np.arange(len(WEIGHTS))[:, None] + JITTER).ravel()
    artists["zeros"].set_data(places, film.zeros[frame].mean(-1).ravel())
    artists["dead"].set_data(places, film.dead[frame].mean(-1).ravel())
    artists["errors"].set_data(places, np.maximum(film.errors[frame], SMALLEST).ravel())
    for column in artists["chosen"]:
        column.set_x(k - 0.5)
    return _new_film(artists, film)


def _over_nets(values, axis=-1):
    """Smallest, median and largest over the nets."""
    return values.min(axis), np.median(values, axis), values.max(axis)


def _new_film(artists, film):
    if artists["film"] is film:
        return False
    artists["film"] = film
    for layer, line in enumerate(artists["plain"]):
        line.set_data(film.steps, np.median(film.zeros[:, 0, :, layer], axis=1))
    return True


def describe_turn_up(result):
    """The figure in words."""
    film, frame, k = result
    layers = [_percent(film.zeros[frame, k, :, layer]) for layer in (0, 1)]
    penalty = f"with the L1 weight {WEIGHTS[k]:g}" if k else "without a penalty"
    return (
        f"64-{film.width}-{film.width}-10, pixels {film.pixels}, {NETS} starts (median, range). "
        f"After step {film.steps[frame]} {penalty}: zero for a new image are {layers[0]} of the "
        f"units of layer 1 and {layers[1]} of layer 2; dead on all the data are "
        f"{_percent(film.dead[frame, k].mean(-1))}; wrong answers "
        f"{_percent(film.errors[frame, k], 1)}. Without a penalty: zero "
        f"{_percent(film.zeros[frame, 0].mean(-1))}, wrong {_percent(film.errors[frame, 0], 1)}."
    )


def _percent(shares, digits=0):
    low, middle, high = (f"{100 * share:.{digits}f}" for share in _over_nets(shares))
    return f"{middle} % ({low} to {high})"


def turn_up(weight=0.01, pixels="from 0 to 1", width=64, seed=0, frame=None):
    """Train with an L1 penalty and replay it; arguments as for the record and `compute_turn_up`."""
    return live(
        compute_turn_up,
        build_turn_up,
        draw_turn_up,
        describe_turn_up,
        controls={"weight": choice(weight, {f"{w:g}": w for w in WEIGHTS}, "L1 weight")},
        call="zeros.turn_up",
        size=(8.4, 4.6),
        record=record_turn_up,
        slow={
            "pixels": choice(pixels, PIXELS, "pixels"),
            "width": number(width, *WIDTHS, 8, "units per layer"),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        frames=lambda film: len(film.steps),
        frame=frame,
        button="Train",
    )


# --- Are zeros why ReLU works? ------------------------------------------------------------------

FEW, EPOCHS, RATES = 300, 40, (0.05, 0.3)
SHIFTED = Activation(
    "softplus - ln 2", r"\ln(1 + e^z) - \ln 2", lambda z: SOFTPLUS.f(z) - log(2), SOFTPLUS.df,
    (-log(2), np.inf), "Clevert, Unterthiner & Hochreiter 2016 (bias shift), arXiv:1511.07289",
)  # fmt: skip
RIVALS = {
    act.name: act
    for act in (
        RELU, softplus(100), softplus(6), softplus(2), softplus(1), SHIFTED, leaky_relu(0.01),
    )
}  # fmt: skip
WRITTEN = {
    "relu": "ReLU", "softplus(100)": "softplus, β = 100", "softplus(6)": "softplus, β = 6",
    "softplus(2)": "softplus, β = 2", "softplus": "softplus, β = 1",
    "softplus - ln 2": "softplus - ln 2", "leaky_relu": "leaky ReLU, 0.01",
}  # fmt: skip


class Rivals(NamedTuple):
    """What became of every function in RIVALS; net i of each has the same start and digits.

    pixels, width, lr  what they were trained with
    errors  (rivals, NETS) share of wrong answers on the 1,497 images they have not seen
    zeros   (rivals, NETS) share of hidden activations that are exactly 0
    means   (rivals, NETS) share of the mean in the second moment: (E a)^2 / E a^2, mean of layers
    """

    pixels: str
    width: int
    lr: float
    errors: np.ndarray
    zeros: np.ndarray
    means: np.ndarray


def few_digits(nets, seed=0, pixels="from 0 to 1", others=1497):
    """(train, test) with a leading axis: every net has FEW digits of its own, and `others`.

    nets  how many, from 1; seed 0 to 99; pixels "from 0 to 1" or "standardised"
    """
    rng, everything, nets = _rng(seed, 0), digits(), whole("nets", nets, 1)
    others = whole("others", others, 1, len(everything.Y) - FEW)
    sets = [_room(nets, everything, n) for n in (FEW, others)]
    for net in range(nets):
        for into, drawn in zip(sets, _digits(rng, FEW, pixels), strict=True):
            n = into.Y.shape[1]
            into.X[net], into.Y[net] = drawn.X[:n], drawn.Y[:n]
    return sets


def _room(nets, data, n):
    """For n examples of such data for each net."""
    X, Y, name = data
    return Data(np.empty((nets, n, *X.shape[1:]), X.dtype), np.empty((nets, n), Y.dtype), name)


def record_sharpness(*, pixels="from 0 to 1", lr=0.1, width=64, seed=0):
    """Generator: train all of RIVALS, yield the progress (0 to 1), return Rivals.

    pixels  "from 0 to 1" or "standardised"; lr the learning rate, 0.05 to 0.3
    width   units in each of the two hidden layers, 16 to 128; seed 0 to 99

    EPOCHS epochs of gradient descent on FEW digits, BATCH at a time, He's initialisation for all:
    what differs is the function alone. Sent "stop", the others are left as they are.
    """
    train, test = few_digits(NETS, seed, pixels)
    theta = _net(width).init(_rng(seed, 1), "he", lead=(NETS,))
    lr, steps, looks = real("lr", lr, *RATES), EPOCHS * -(-FEW // BATCH), []
    for k, act in enumerate(RIVALS.values()):
        net, rng = _net(width, act), _rng(seed, 2)
        how = dict(optimizer=SGD(lr), batch=BATCH, rng=rng, record=[])
        job = training(net, theta, *train[:2], SOFTMAX, steps=steps, **how)
        run = yield from part(job, k / len(RIVALS), (k + 1) / len(RIVALS))
        steps = 0 if run.stopped else steps
        with one_blas_thread():
            looks.append(_one_by_one(partial(_look_at, net), run.theta, test.X, test.Y))
    return Rivals(pixels, net.sizes[1], lr, *map(np.array, zip(*looks, strict=True)))


def _look_at(net, theta, X, Y):
    """(errors, zeros, means) of one net."""
    A = net.forward(theta, X).A
    zeros, means = (per_layer(f, A[1:-1]).mean() for f in (zero_share, _mean_share))
    return 1 - accuracy(A[-1], Y), zeros, means


def _mean_share(a):
    return a.mean((-2, -1)) ** 2 / np.square(a).mean((-2, -1))


class Sharpness(NamedTuple):
    """One of RIVALS beside ReLU.

    rivals  the record; k the number of the function; z, f its curve
    gains   (rivals, NETS) error minus that of ReLU for the same start and digits
    mean, spread  (rivals,) of gains: the mean and its standard error
    """

    rivals: Rivals
    k: int
    f: np.ndarray
    gains: np.ndarray
    mean: np.ndarray
    spread: np.ndarray


CURVE = np.linspace(-3, 3, 121)


def compute_sharpness(*, record, shown="softplus"):
    """Compare `shown`, a name in RIVALS, with ReLU, given the record Rivals."""
    k = list(RIVALS).index(one_of("shown", shown, RIVALS))
    gains = record.errors - record.errors[0]
    spread = gains.std(1, ddof=1) / sqrt(NETS)
    return Sharpness(record, k, RIVALS[shown].f(CURVE), gains, gains.mean(1), spread)


def build_sharpness(fig):
    """Left: the function beside ReLU. Right: every function's error minus that of ReLU."""
    left, right = fig.subplots(1, 2, width_ratios=(1, 1.9))
    left.set(xlim=(-3, 3), ylim=(-1, 3), xlabel="z", yticks=(-1, 0, 1, 2, 3))
    left.set_title("f(z); grey: ReLU")
    left.axhline(0, color=style.GREY, lw=0.8)
    left.plot(CURVE, RELU.f(CURVE), color="#B0B0B0", lw=4)
    left.text(-2.8, 2.6, "exact zeros", va="center")
    left.text(-2.8, 2.1, "wrong", va="center")
    number = {"va": "center", "animated": True}
    return {
        "rivals": None,
        "f": left.plot([], [], animated=True)[0],
        "zeros": left.text(0.1, 2.6, "", **number),
        "error": left.text(0.1, 2.1, "", **number),
        **_build_forest(right),
    }


def _build_forest(ax):
    rows, names = np.arange(len(RIVALS)), [WRITTEN[name] for name in RIVALS]
    ax.set(ylim=(len(rows) - 0.4, -0.6), xlabel="percentage points more wrong answers than ReLU")
    ax.set_yticks(rows, names)
    ax.tick_params(axis="y", length=0)
    ax.set_title("compared with ReLU, start by start")
    ax.axvline(0, color=style.INK, lw=1.2)
    ax.text(1.02, 1.02, "zeros", transform=ax.transAxes, va="bottom")
    shares = [
        ax.text(1.02, row, "", transform=ax.get_yaxis_transform(), va="center") for row in rows
    ]
    bars = [
        ax.plot([], [], color=style.look(name)["color"], lw=3, zorder=3)[0] for name in RIVALS
    ]
    means = [ax.plot([], [], **{**style.marker(name), "markersize": 9}, zorder=4)[0]
             for name in RIVALS]  # fmt: skip
    row = Rectangle((0, 0), 1, 1, fc="none", ec=style.INK, lw=1, animated=True)  # over the dots
    row.set_transform(ax.get_yaxis_transform())
    nets = ax.plot([], [], **{**style.MEASURED, "markersize": 4}, color="#8C8C8C", zorder=2)[0]
    return {"forest": ax, "bars": bars, "means": means, "nets": nets, "shares": shares,
            "row": ax.add_patch(row)}  # fmt: skip


def draw_sharpness(artists, result):
    """Move what belongs to the chosen function; True after a new training."""
    name = list(RIVALS)[result.k]
    artists["f"].set_data(CURVE, result.f)
    artists["f"].set(**style.look(name))
    artists["zeros"].set_text(f"{100 * result.rivals.zeros[result.k].mean():.0f} %")
    artists["error"].set_text(f"{100 * result.rivals.errors[result.k].mean():.1f} %")
    artists["row"].set_y(result.k - 0.5)
    return _new_rivals(artists, result)


def _new_rivals(artists, result):
    if artists["rivals"] is result.rivals:
        return False
    artists["rivals"] = result.rivals
    points, rows = 100 * result.gains, np.arange(len(RIVALS))[:, None]
    artists["nets"].set_data(points.ravel(), (rows + JITTER / 2 + 0 * points).ravel())
    for k, (bar, mean) in enumerate(zip(artists["bars"], artists["means"], strict=True)):
        middle, two = 100 * result.mean[k], 200 * result.spread[k]
        bar.set_data([middle - two, middle + two], [k, k])
        mean.set_data([middle], [k])
        artists["shares"][k].set_text(f"{100 * result.rivals.zeros[k].mean():.0f} %")
    artists["forest"].set_xlim(min(points.min(), -1) - 0.3, max(points.max(), 1) + 0.3)
    return True


def describe_sharpness(result):
    """The figure in words."""
    rivals = result.rivals
    each = "; ".join(
        f"{WRITTEN[name]} {round(100 * mean, 1) + 0.0:+.1f} ± {200 * spread:.1f} "
        f"(zeros {100 * zeros:.0f} %)"
        for name, mean, spread, zeros in zip(
            RIVALS, result.mean, result.spread, rivals.zeros.mean(1), strict=True
        )
        if name != "relu"
    )
    return (
        f"64-{rivals.width}-{rivals.width}-10, pixels {rivals.pixels}, learning rate "
        f"{rivals.lr:g}, {FEW} digits, {NETS} starts. ReLU gives "
        f"{100 * rivals.errors[0].mean():.1f} % wrong answers with "
        f"{100 * rivals.zeros[0].mean():.0f} % zeros. Percentage points more than ReLU, mean and "
        f"two standard errors: {each}."
    )


def sharpness(shown="softplus", pixels="from 0 to 1", lr=0.1, width=64, seed=0):
    """Train ReLU's rivals and compare; arguments as for the record and `compute_sharpness`."""
    return live(
        compute_sharpness,
        build_sharpness,
        draw_sharpness,
        describe_sharpness,
        controls={"shown": choice(shown, {WRITTEN[name]: name for name in RIVALS}, "function")},
        call="zeros.sharpness",
        size=(8.4, 3.8),
        record=record_sharpness,
        slow={
            "pixels": choice(pixels, PIXELS, "pixels"),
            "lr": number(lr, *RATES, 0.05, "learning rate"),
            "width": number(width, *WIDTHS, 8, "units per layer"),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        button="Train",
    )


# --- What does exp cost? ------------------------------------------------------------------------

INPUTS, BATCHES, TURNS = (32, 64, 128, 256, 512, 1024), (32, 128, 512), 15
LARGEST_FREED = 30_000_000  # bytes
# As one writes them in a line; helpers.activations takes more care and more time at the edges.
FORMULAS = {
    "max(z, 0)": lambda z: np.maximum(z, 0),
    "tanh(z)": np.tanh,
    "1 / (1 + exp(-z))": lambda z: 1 / (1 + np.exp(-z)),
    "where(z > 0, z, 0.01 z)": lambda z: np.where(z > 0, z, 0.01 * z),
    "logaddexp(0, z)": lambda z: np.logaddexp(0, z),
}
_LOOKS = dict(zip(FORMULAS, ("relu", "tanh", "sigmoid", "leaky_relu", "softplus"), strict=True))


class Times(NamedTuple):
    """Examples in the batch, and what took how long.

    seconds  (inputs, TURNS, 1 + formulas) of the product x @ W, then of each of FORMULAS
    """

    batch: int
    seconds: np.ndarray


def record_cost(*, batch=128):
    """Generator: time layers of n inputs and n units for every n in INPUTS, return Times.

    batch  examples, one of BATCHES

    Product and formulas take turns, so that a busy machine slows all of them.
    """
    batch, rng = int(_one_of_numbers("batch", batch, BATCHES)), np.random.default_rng(0)
    np.empty(LARGEST_FREED, np.uint8)  # now glibc keeps what is freed; fresh pages cost more time
    seconds = np.empty((len(INPUTS), TURNS, 1 + len(FORMULAS)))
    for i, n in enumerate(INPUTS):
        x, W = rng.standard_normal((batch, n)), rng.standard_normal((n, n))
        W *= sqrt(2 / n)
        for turn in range(TURNS):
            seconds[i, turn] = _one_turn(x, W)
            if (yield (i * TURNS + turn + 1) / (len(INPUTS) * TURNS)) == "stop" and i:
                return Times(batch, seconds[:i])
    return Times(batch, seconds)


@one_blas_thread()
def _one_turn(x, W):
    z, product = _timed(partial(np.matmul, x), W)
    return [product, *(_timed(f, z)[1] for f in FORMULAS.values())]


def _timed(f, z):
    f(z)  # once before: the first call finds cold caches
    start = perf_counter()
    value = f(z)
    return value, perf_counter() - start


@one_blas_thread()
def seconds(f, z):
    """Median of the times that f(z) takes, over TURNS turns."""
    return np.median([_timed(f, z)[1] for _ in range(TURNS)])


class Cost(NamedTuple):
    """What the record Times says.

    times     the record; i the number of the chosen layer in INPUTS
    shares    (inputs, formulas) of the layer's time that the formula takes, medians of the turns
    predicted (inputs, formulas) the same from two times per number, measured at the chosen layer
    """

    times: Times
    i: int
    shares: np.ndarray
    predicted: np.ndarray


def compute_cost(*, record, inputs=512):
    """Shares of a layer's time, given Times (`record`); inputs: one of INPUTS that was timed."""
    measured = INPUTS[: len(record.seconds)]
    i = measured.index(_one_of_numbers("inputs", inputs, measured))
    product, formulas = record.seconds[..., :1], record.seconds[..., 1:]
    shares = np.median(formulas / (product + formulas), axis=1)
    per_number = np.median(record.seconds[i], axis=0) / (record.batch * measured[i])
    predicted = share(per_number[1:], np.array(measured)[:, None], per_number[0] / measured[i])
    return Cost(record, i, shares, predicted)


def share(formula, n, multiply_add):
    """Share of a layer's time that the activation takes.

    formula       time that it takes for one number
    n             inputs of a unit: its z takes n multiplications and additions
    multiply_add  time of one of these pairs
    """
    return formula / (formula + n * multiply_add)


def extra_memory(f, z):
    """Bytes that f(z) takes at its peak besides z."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        f(z)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def build_cost(fig):
    """Left: the layer's time for every formula. Right: the share against the number of inputs."""
    left, right = fig.subplots(1, 2, width_ratios=(1, 1))
    rows = np.arange(len(FORMULAS))
    left.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6), xlabel="share of the layer's time")
    left.set_yticks(rows, FORMULAS)
    left.tick_params(axis="y", length=0)
    left.xaxis.set_major_formatter(PercentFormatter(1, 0))
    left.set_title("inputs:")
    left.barh(rows, 1, height=0.62, color="#DDDDDD")
    left.text(0.97, -0.45, "grey: x @ W", ha="right", va="bottom", color=style.readable(style.GREY))
    colors = [style.look(name)["color"] for name in _LOOKS.values()]
    bars = left.barh(rows, 0, height=0.62, color=colors, animated=True)
    text = {"va": "center", "animated": True}
    return {
        "times": None,
        "bars": bars,
        "numbers": [left.text(0, row, "", **text) for row in rows],
        "inputs": style.beside_title(left, 0.22),
        **_build_shares(right),
    }


def _build_shares(ax):
    ax.set(xlim=(27, 1200), ylim=(0, 1), xscale="log", xlabel="inputs = units of the layer")
    ax.set_xticks(INPUTS, map(str, INPUTS))
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(PercentFormatter(1, 0))
    ax.set_title("share of the activation")
    ax.text(0.97, 0.97, "lines: predicted from\nthe chosen layer", ha="right", va="top",
            transform=ax.transAxes)  # fmt: skip
    theory = {**style.THEORY, "linewidth": 0.9, "animated": True}
    return {
        "predicted": [ax.plot([], [], **theory)[0] for _ in FORMULAS],
        "shares": [ax.plot([], [], **style.marker(name))[0] for name in _LOOKS.values()],
        "now": ax.axvline(1, ymax=0.82, color=style.GREY, lw=1, ls=(0, (2, 2)), animated=True),
    }


def draw_cost(artists, result):
    """Move what belongs to the chosen layer; True after new timings."""
    n = INPUTS[: len(result.shares)]
    for k, share in enumerate(result.shares[result.i]):
        artists["bars"][k].set_width(share)
        artists["numbers"][k].set_text(f"{100 * share:.0f} %")
        artists["numbers"][k].set_x(share + 0.02 if share < 0.8 else share - 0.14)
        artists["predicted"][k].set_data(n, result.predicted[:, k])
    artists["inputs"].set_text(f"{n[result.i]}")
    artists["now"].set_xdata([n[result.i]] * 2)
    if artists["times"] is result.times:
        return False
    artists["times"] = result.times
    for dots, shares in zip(artists["shares"], result.shares.T, strict=True):
        dots.set_data(n, shares)
    return True


def verdicts(result):
    """What holds on every machine the course is made for, as sentences and truth values."""
    here = dict(zip(FORMULAS, result.shares[result.i], strict=True))
    relu, tanh, sigmoid, *_ = here.values()
    says = {
        "max(z, 0) takes less than 10 % of the layer's time": bool(relu < 0.1),
        "tanh and sigmoid take less than half of it": bool(max(tanh, sigmoid) < 0.5),
        "max(z, 0) takes less than tanh and sigmoid": bool(relu < min(tanh, sigmoid)),
    }
    if result.i:
        falls = result.shares[result.i] < result.shares[0]
        says[f"every share is smaller than with {INPUTS[0]} inputs"] = bool(falls.all())
    return says


def describe_cost(result):
    """The figure in words that are the same on every machine: no times, no percentages."""
    says = "; ".join(f"{what}: {'yes' if so else 'no'}" for what, so in verdicts(result).items())
    n, batch = INPUTS[result.i], result.times.batch
    return f"A layer of {n} inputs and {n} units, timed here with {batch} examples. {says}."


def cost(inputs=512, batch=128):
    """Time layers on this machine; arguments as for the record and `compute_cost`."""
    return live(
        compute_cost,
        build_cost,
        draw_cost,
        describe_cost,
        controls={"inputs": choice(inputs, {str(n): n for n in INPUTS}, "inputs and units")},
        call="zeros.cost",
        size=(8.4, 3.8),
        record=record_cost,
        slow={"batch": choice(batch, {str(n): n for n in BATCHES}, "examples in a batch")},
        button="Time it",
    )
