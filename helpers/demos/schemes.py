"""Every way to draw the first weights, side by side: what arrives, and what is learnt from it.

every_scheme  eight ways to start: the size of the signal and of its gradient layer by layer, at
              once; and, after training, how many digits each start gets right, seed by seed

All starts and seeds are one ensemble: theta has the shape (starts, seeds, P).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from helpers import style
from helpers.activations import activation as find_activation
from helpers.checks import one_of, real, whole
from helpers.datasets import digits, split, standardise
from helpers.live import choice, live, number
from helpers.losses import SOFTMAX, accuracy
from helpers.network import Net, deltas, forward
from helpers.threads import one_blas_thread
from helpers.training import SGD, finish, part, training

STARTS = {
    "zeros": ("zeros", 1.0),
    "constant": ("constant", 1.0),
    "too small": ("lecun", 1 / 3),
    "too large": ("lecun", 3.0),
    "LeCun": ("lecun", 1.0),
    "Xavier": ("xavier", 1.0),
    "He": ("he", 1.0),
    "orthogonal": ("orthogonal", 1.0),
}
"""Name -> scheme of `helpers.initializers`, and what its weights are multiplied by."""

ACTIVATIONS = ("relu", "leaky_relu", "elu", "gelu", "tanh", "sigmoid")
DEPTHS, SCALES, RATES, SEEDS = (1, 20), (0.25, 4.0), (0.01, 1.0), (0, 99)
WIDTH, NETS = 32, 8  # units of a hidden layer; nets of every start, each from a seed of its own
TRAIN, TEST, BATCH = 1000, 300, 32  # digits to learn from, to be tested with, and per step
FRAMES = (0, 5, 10, 20, 40, 60, 90, 120, 160, 200, 250, 300)  # steps after which nets are tested
SEEN = 4, 8  # nets of every start, and digits, that the profile is the mean over
NO_GRADIENT = 1e-12  # of the gradient of the next layer: what is smaller is rounding
ALIKE = 1e-6  # units whose weights differ by no more are the same unit


# --- The nets and the data ----------------------------------------------------------------------


def every_start(depth, seed, scale=1.0, act="relu"):
    """A net with `depth` hidden layers for the digits, and theta (starts, NETS, P).

    Biases are 0. Net k of every start is made from the same random numbers, so that LeCun, Xavier
    and He differ by a factor only. The first layers of a deeper net are those of a shallower one.
    """
    net = Net((64, *[WIDTH] * depth, 10), act)
    return net, net.pack([(scale * W, b) for W, b in _layers(depth, seed)])


def _layers(depth, seed):
    """[(W, b), ...] (starts, NETS, ...) of nets with `depth` hidden layers, as views."""
    *hidden, out = _deepest(seed)
    return [*hidden[:depth], out]


@lru_cache(maxsize=1)  # 11 MB
def _deepest(seed):
    net = Net((64, *[WIDTH] * DEPTHS[1], 10))
    draws = np.empty((len(STARTS), NETS, net.P))  # filled one by one: 11 MB need not be there twice
    for draw, (name, factor) in zip(draws, STARTS.values(), strict=True):
        draw[:] = net.init(np.random.default_rng([seed, 0]), name, factor, lead=(NETS,))
    return net.layers(draws)


@lru_cache(maxsize=2)
def _digits(seed):
    """Training and test digits, standardised: X (TRAIN, 64) and X (TEST, 64)."""
    train, test = standardise(*split(digits(), np.random.default_rng([seed, 1]), TRAIN))
    return train, test._replace(X=test.X[:TEST], Y=test.Y[:TEST])


# --- At once: what the signal and its gradient look like before training -----------------------


class Profile(NamedTuple):
    """Sizes (root mean square) in every layer with weights, (starts, layers): 0 is exactly 0.

    forward   of z
    backward  of d loss / d z for the loss of one example
    """

    forward: np.ndarray
    backward: np.ndarray


@one_blas_thread()
def profile(act, depth, scale, seed):
    """Profile of all starts: the geometric mean over some of the nets, for some digits (SEEN)."""
    nets, examples = SEEN
    act, (train, _) = find_activation(act), _digits(seed)
    acts = [act] * depth + [find_activation("identity")]
    layers = [(scale * W[:, :nets], b[:, :nets]) for W, b in _layers(depth, seed)]
    Z, A = forward(layers, acts, train.X[:examples])
    _, dA = SOFTMAX(A[-1], train.Y[:examples])
    dZ = deltas(layers, [each.df for each in acts], Z, examples * dA)
    return Profile(_sizes(Z), _without_rounding(_sizes(dZ)))


def _sizes(layers):
    with np.errstate(divide="ignore"):  # what is exactly 0 stays 0
        logs = [np.log(np.square(a).mean((-2, -1))).mean(-1) / 2 for a in layers]
    return np.exp(np.stack(logs, axis=-1))


def _without_rounding(backward):
    """0 before a layer that passes back only what rounding leaves of 0.

    With constant weights every hidden unit is handed the sum of p - y over the classes, which is 0.
    """
    rounding = backward[:, :-1] < NO_GRADIENT * backward[:, 1:]
    zero = np.logical_or.accumulate(rounding[:, ::-1], axis=1)[:, ::-1]
    return np.where(np.pad(zero, ((0, 0), (0, 1))), 0.0, backward)


# --- On click: training -------------------------------------------------------------------------


class Film(NamedTuple):
    """A recorded training of all starts, NETS nets each.

    settings  what it was made with: activation, depth, scale, lr, seed
    steps     (frames,) after which the nets were tested
    accuracy  (frames, starts, NETS) share of TEST digits that were right
    diverged  (starts,) nets whose loss became infinite; they keep the state before
    units     (starts,) different units in the last hidden layer at the end (of the first net)
    """

    settings: dict
    steps: np.ndarray
    accuracy: np.ndarray
    diverged: np.ndarray
    units: np.ndarray


def record_every_scheme(*, activation="relu", depth=8, scale=1.0, lr=0.05, seed=0):
    """Generator: train all starts as one ensemble, yield the progress, return a Film.

    activation  a name in ACTIVATIONS, of the `depth` (1 to 20) hidden layers of WIDTH units
    scale       0.25 to 4 multiplies all first weights
    lr          0.01 to 1, of gradient descent on BATCH digits a step, the same ones for all nets
    seed        0 to 99, of weights, digits and batches

    Sent "stop", it tests the nets as they are and returns what there is.
    """
    settings = _settings(activation, depth, scale, lr, seed)
    (train, test), rng = _digits(seed), np.random.default_rng([seed, 2])
    net, theta = every_start(settings["depth"], seed, settings["scale"], activation)
    steps, tested, lost = [0], [_tested(net, theta, test)], np.zeros(theta.shape[:2], bool)
    for before, frame in zip(FRAMES, FRAMES[1:], strict=False):
        gap, last = frame - before, FRAMES[-1]
        way = training(
            net, theta, train.X, train.Y, SOFTMAX, steps=gap, batch=BATCH, rng=rng, record=[gap],
            optimizer=SGD(np.where(lost, 0.0, settings["lr"])),
        )  # fmt: skip
        run = yield from part(way, before / last, frame / last)
        theta, lost = run.theta, lost | (run.diverged >= 0)
        steps.append(before + len(run.losses) - 1)
        tested.append(_tested(net, theta, test))
        if run.stopped and not (run.diverged >= 0).all():
            break
    units = np.array([_different(net, nets[0]) for nets in theta])
    return Film(settings, np.array(steps), np.array(tested), lost.sum(1), units)


def trained_every_scheme(**settings):
    """All of `record_every_scheme` in one go."""
    return finish(record_every_scheme(**settings))


def _settings(activation, depth, scale, lr, seed):
    return {
        "activation": one_of("activation", activation, ACTIVATIONS),
        "depth": whole("depth", depth, *DEPTHS),
        "scale": real("scale", scale, *SCALES),
        "lr": real("lr", lr, *RATES),
        "seed": whole("seed", seed, *SEEDS),
    }


def _tested(net, theta, test):
    """Accuracy (starts, NETS), one start after the other: together they need 300 MB."""
    with np.errstate(all="ignore"):  # nets on their way to infinity
        return np.array([accuracy(net.output(nets, test.X), test.Y) for nets in theta])


def _different(net, theta):
    """How many different units the last hidden layer has."""
    W, _ = net.layers(theta)[-2]
    return len(np.unique(np.round(W / ALIKE), axis=1).T)


# --- Both, and the figure -----------------------------------------------------------------------


class EveryScheme(NamedTuple):
    """All starts, before training and at one step of it.

    film      the recorded training; fresh: whether it was made with these settings
    settings  of the profile: activation, depth, scale, lr, seed
    profile   Profile: sizes of signal and gradient (starts, layers) before training
    step      of the training; accuracy (starts, NETS) after it
    """

    film: Film
    fresh: bool
    settings: dict
    profile: Profile
    step: int
    accuracy: np.ndarray


def compute_every_scheme(
    *, record=None, activation="relu", depth=8, scale=1.0, lr=0.05, seed=0, frame=-1
):
    """The profile for these settings, and frame `frame` of a training (-1: the last).

    record  a Film, of these settings or others (None: it is made with these)
    The other arguments are those of `record_every_scheme`.
    """
    settings = _settings(activation, depth, scale, lr, seed)
    film = trained_every_scheme(**settings) if record is None else record
    frame = whole("frame", frame, -1, len(film.steps) - 1)
    return EveryScheme(
        film, film.settings == settings, settings,
        profile(activation, settings["depth"], settings["scale"], settings["seed"]),
        int(film.steps[frame]), film.accuracy[frame],
    )  # fmt: skip


LOOKS = {
    "zeros": (style.BLACK, (0, (1.2, 1.6))),
    "constant": (style.GREY, (0, (5, 2))),
    "too small": (style.SKY, (0, (5, 2))),
    "too large": (style.VERMILLION, (0, (5, 2))),
    "LeCun": (style.GREEN, "-"),
    "Xavier": (style.ORANGE, "-"),
    "He": (style.BLUE, "-"),
    "orthogonal": (style.PURPLE, (0, (6, 2, 1.2, 2))),
}
LOWS, HIGHS = (-2, -4, -8, -16, -32, -64, -100), (2, 4, 8, 16, 32)  # ends of the axis, log10
OLD = "#C8C8C8"


def build_every_scheme(fig):
    """Left: size of the signal. Middle: of its gradient. Right: the trained nets."""
    forwards, backwards, right = fig.subplots(1, 3, width_ratios=(1, 1, 1.05))
    forwards.set(title="size of z", ylabel="root mean square")
    backwards.set(title="size of d loss / d z")
    backwards.tick_params(labelleft=False)
    for ax in (forwards, backwards):
        ax.set(xlim=(-0.04, 1.04), xticks=[0, 1], xlabel="layer")
        ax.set_xticks([0, 1], ["first", "last"])
    colors = [color for color, _ in LOOKS.values()]
    artists = {
        "axes": (forwards, backwards),
        "forward": [_profile_line(forwards, *look) for look in LOOKS.values()],
        "backward": [_profile_line(backwards, *look) for look in LOOKS.values()],
        "zero": [ax.axhline(0, color="0.85", lw=1, zorder=0) for ax in (forwards, backwards)],
    }
    _set_limits(artists, LOWS[0], HIGHS[0])
    forwards.yaxis.set_label_coords(-0.37, 0.5)  # whatever the tick labels are
    forwards.text(-0.05, 0.9, "$10^{-88}$", ha="right", alpha=0, transform=forwards.transAxes)
    artists["names"] = style.direct_labels(forwards, STARTS, [0] * 8, colors, animated=True)
    style.direct_labels(forwards, ["orthogonal"], [0], ["w"])[0].set_alpha(0)  # keeps the room
    artists |= _build_accuracy(right, colors)
    fig.draw_without_rendering()  # names are put apart in pixels: the axes need their size
    return artists


def _profile_line(ax, color, dash):
    return ax.plot([], [], color=color, ls=dash, lw=1.8, marker=".", ms=4, animated=True)[0]


def _build_accuracy(ax, colors):
    ax.set(xlim=(0, 1.02), ylim=(7.5, -0.5), title="digits right, step")
    ax.set_xticks([0, 0.5, 1], ["0%", "50%", "100%"])
    ax.set_yticks(range(8), STARTS)
    for label, color in zip(ax.get_yticklabels(), colors, strict=True):
        label.set_color(style.readable(color))
    ax.set_xlabel(f"{TEST} test digits, {NETS} nets")
    ax.axvline(0.1, color=style.GREY, lw=1, ls=(0, (2, 2)))
    ax.tick_params(axis="y", left=False)
    dots = {**style.MEASURED, "markersize": 4, "animated": True}
    return {
        "dots": [ax.plot([], [], **dots)[0] for _ in STARTS],
        "medians": ax.plot([], [], "|", ms=17, mew=2, color=style.INK, animated=True)[0],
        "step": style.beside_title(ax, 0.82),
    }


def draw_every_scheme(artists, result):
    """Move everything; True if the profile needs another axis."""
    place = np.linspace(0, 1, result.settings["depth"] + 1)
    low, high = _limits(np.concatenate(result.profile))
    changed = _set_limits(artists, low, high)
    for name, sizes in (("forward", result.profile.forward), ("backward", result.profile.backward)):
        for line, y in zip(artists[name], _heights(sizes, low, high), strict=True):
            line.set_data(place, y)
    ends = _heights(result.profile.forward, low, high)[:, -1]
    style.place_labels(artists["axes"][0], artists["names"], ends)
    rows = np.arange(8)
    for row, dots, (color, _) in zip(rows, artists["dots"], LOOKS.values(), strict=True):
        dots.set_data(result.accuracy[row], row + np.linspace(-0.3, 0.3, NETS))
        dots.set_color(color if result.fresh else OLD)
    artists["medians"].set_data(np.median(result.accuracy, axis=1), rows)
    artists["medians"].set_color(style.INK if result.fresh else OLD)
    artists["step"].set_text(f"{result.step}" if result.fresh else "(old)")
    return changed


def _limits(sizes):
    """Ends of the axis (log10) that take in all sizes but 0."""
    with np.errstate(divide="ignore"):
        logs = np.log10(sizes)
    logs = logs[np.isfinite(logs)]
    low = next((low for low in LOWS if low <= logs.min()), LOWS[-1])
    return low, next((high for high in HIGHS if high >= logs.max()), HIGHS[-1])


def _heights(sizes, low, high):
    """log10 of the sizes, and a place below the axis for what is exactly 0."""
    with np.errstate(divide="ignore"):
        return np.maximum(np.log10(sizes), _floor(low, high))


def _floor(low, high):
    return low - 0.07 * (high - low)


def _set_limits(artists, low, high):
    floor = _floor(low, high)
    limits = floor - 0.03 * (high - low), high
    if artists["axes"][0].get_ylim() == limits:
        return False
    step = max(1, 2 ** int(np.ceil(np.log2((high - low) / 6))))
    ticks = np.arange(-(-low // step) * step, high + 1, step)
    for ax, zero in zip(artists["axes"], artists["zero"], strict=True):
        ax.set_ylim(limits)
        ax.set_yticks([floor, *ticks], ["0", *(_power(tick) for tick in ticks)])
        zero.set_ydata([floor, floor])
    return True


def _power(exponent):
    return "1" if exponent == 0 else f"$10^{{{exponent}}}$"


def describe_every_scheme(result):
    """The figure in words."""
    s, film = result.settings, result.film
    trained = film.settings
    lines = [
        f"{name}: z {_size(z)}, gradient {_size(g)}, right {_share(share)}"
        for name, z, g, share in zip(
            STARTS, result.profile.forward[:, -2], result.profile.backward[:, 0], result.accuracy,
            strict=True,
        )
    ]  # fmt: skip
    alone = [name for name, units in zip(STARTS, film.units, strict=True) if units == 1]
    lost = [f"{name} {n}" for name, n in zip(STARTS, film.diverged, strict=True) if n]
    return " ".join([
        f"{s['depth']} hidden {s['activation']} layers of {WIDTH} units, all first weights times "
        f"{s['scale']:g}. Size of z in the last hidden layer and of d loss / d z in the first one "
        f"before training; share of digits right (median, range over {NETS} nets) after step "
        f"{result.step} of a training with {trained['depth']} {trained['activation']} layers, "
        f"scale {trained['scale']:g}, lr {trained['lr']:g}" + ("." if result.fresh else " (old)."),
        "; ".join(lines) + ".",
        f"All units alike at the end: {', '.join(alone)}." if alone else "",
        f"Nets of {NETS} that diverged: {', '.join(lost)}." if lost else "",
    ]).strip()  # fmt: skip


def _size(x):
    return "0" if x == 0 else f"{x:.2g}" if 0.01 <= x < 100 else f"{x:.0e}"


def _share(shares):
    low, middle, high = (f"{100 * share:.0f}" for share in (
        shares.min(), np.median(shares), shares.max()
    ))  # fmt: skip
    return f"{middle} % ({low} to {high})"


def every_scheme(activation="relu", depth=8, scale=1.0, lr=0.05, seed=0, frame=None):
    """Show all starts; arguments as for `record_every_scheme`."""
    return live(
        compute_every_scheme,
        build_every_scheme,
        draw_every_scheme,
        describe_every_scheme,
        controls={},
        call="schemes.every_scheme",
        record=record_every_scheme,
        slow={
            "activation": choice(activation, list(ACTIVATIONS), "activation"),
            "depth": number(depth, *DEPTHS, 1, "hidden layers"),
            "scale": number(scale, *SCALES, 0.05, "scale of all weights", log=True),
            "lr": number(lr, *RATES, 0.1, "learning rate", log=True),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        frames=lambda film: len(film.steps),
        frame=frame,
        button="Train",
        ahead=True,
    )
