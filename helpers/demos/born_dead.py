"""Dying ReLU in one dimension, where everything can be seen, and nets that are dead from the start.

hinges     every unit of a 1-N-1 net through training: where it bends, and when it is thrown out
born_dead  how likely a deep net is dead before the first step, from its width and its depth

A unit of the first layer is relu(w x + b). On data from `low` to `high` it is one of three KINDS:
dead (z <= 0 on all the data), bending (its hinge -b/w lies among the data), or always on (z > 0 on
all the data: there it is linear). z is monotone in x, so the two ends decide.

A net is dead if all units of some hidden layer are dead: then its output is one number, whatever
the input. Dead nets stay dead in plain gradient descent: no gradient passes the dead layer.
"""

from functools import lru_cache
from math import atan2, pi, sqrt
from typing import NamedTuple

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from helpers import mean_field, style
from helpers.activations import RELU
from helpers.checks import one_of, real, whole
from helpers.diagnostics import dead_on_data
from helpers.initializers import HE
from helpers.live import choice, live, number
from helpers.network import Net
from helpers.threads import one_blas_thread
from helpers.training import SGD, Momentum, training

SEEDS = (0, 99)
_MOVING, _NOW = {"animated": True}, {"color": style.VERMILLION, "lw": 1.2, "animated": True}


def _rng(seed, stream):
    return np.random.default_rng([whole("seed", seed, *SEEDS), stream])


# --- One layer on an interval: theory -----------------------------------------------------------


class Shares(NamedTuple):
    """Probability of each kind of unit; the three add up to 1."""

    dead: float
    bending: float
    always: float


def kinds_at_start(low, high, weight_std=1.0, bias_std=1.0):
    """Shares of the three kinds for a unit with w and b normal, on data from low to high.

    The direction of (w / weight_std, b / bias_std) is uniform on a circle. The hinge -b/w is among
    the data for two of its sectors of the angle D = atan(high s) - atan(low s), s the ratio of the
    two standard deviations; of the rest one half is dead and one half always on:
    dead = always = (pi - D) / (2 pi), bending = D / pi. Derived here.

    low <= high; weight_std > 0, bias_std >= 0.
    """
    low, high = real("low", low), real("high", high, real("low", low))
    weight = real("weight_std", weight_std, 0, open_low=True)
    bias = real("bias_std", bias_std, 0)
    D = atan2(high * weight, bias) - atan2(low * weight, bias)
    return Shares((pi - D) / (2 * pi), D / pi, (pi - D) / (2 * pi))


# --- Hinges: record -----------------------------------------------------------------------------

DATA = {"[-1, 1]": (-1.0, 1.0), "[0, 1]": (0.0, 1.0), "[1, 2]": (1.0, 2.0)}
POINTS, NETS, TRAIN_STEPS = 100, 16, 200
LOOKS = np.unique(np.geomspace(1, TRAIN_STEPS + 1, 90).round().astype(int)) - 1
RATES, WIDTHS, MOMENTA, BIASES = (0.01, 0.8), (5, 100), (0.0, 0.9), (0.0, 1.0)
DEAD, BENDING, ALWAYS = 0, 1, 2
KINDS = ("dead on all the data", "bends among the data", "always on: linear there")


def target(x):
    """What the nets of `hinges` learn."""
    return np.sin(3 * x) + 2


class Lives(NamedTuple):
    """NETS recorded trainings; axes (looks, nets, units) unless said otherwise.

    data       a key of DATA; X (POINTS, 1), Y the examples; theory what the start should give
    steps      (looks,) after how many steps; thetas (looks, nets, P)
    w, b       weight and bias of every hidden unit; kinds DEAD, BENDING or ALWAYS
    mse        (looks, nets)
    revived    how often a dead unit was alive at the next look, all nets together
    message    what went wrong in training, "" if nothing did
    """

    data: str
    net: Net
    lr: float
    momentum: float
    X: np.ndarray
    Y: np.ndarray
    theory: Shares
    steps: np.ndarray
    thetas: np.ndarray
    w: np.ndarray
    b: np.ndarray
    kinds: np.ndarray
    mse: np.ndarray
    revived: int
    message: str

    @property
    def dead(self):
        """(looks, nets) share of units that are dead on all the data."""
        return (self.kinds == DEAD).mean(-1)


def record_hinges(*, lr=0.2, momentum=0.0, width=40, bias=0.5, data="[-1, 1]", seed=0):
    """Generator: train NETS nets 1-width-1 on sin(3x) + 2, yield the progress, return Lives.

    lr, momentum  of gradient descent on all 100 points (0.01 to 0.8; 0 to 0.9)
    width         5 to 100 hidden ReLU units, from He's start
    bias          standard deviation of the biases at the start, 0 to 1
    data          a key of DATA, the interval; seed 0 to 99
    """
    low, high = DATA[one_of("data", data, DATA)]
    lr, momentum = real("lr", lr, *RATES), real("momentum", momentum, *MOMENTA)
    net = Net((1, whole("width", width, *WIDTHS), 1))
    bias = real("bias", bias, *BIASES)
    theta = net.init(_rng(seed, 0), "he", lead=(NETS,), bias=bias)
    X = np.linspace(low, high, POINTS)[:, None]
    run = yield from training(
        net, theta, X, target(X), "squared_error", steps=TRAIN_STEPS, record=LOOKS.tolist(),
        optimizer=Momentum(lr, momentum) if momentum else SGD(lr),
    )  # fmt: skip
    theory = kinds_at_start(low, high, sqrt(2), bias)
    return _lives(data, net, (lr, momentum), X, theory, run)


def _lives(data, net, rates, X, theory, run):
    (W, b), _ = net.layers(run.thetas)
    w, b = W[..., 0, :], b[..., 0, :]
    ends = net.forward(run.thetas, X[[0, -1]]).Z[0]  # z is monotone in x: the ends decide
    dead, on = dead_on_data(RELU, [ends]), (ends > 0).all(-2)
    kinds = np.where(dead, DEAD, np.where(on, ALWAYS, BENDING))
    return Lives(
        data, net, *rates, X, target(X), theory, run.frames, run.thetas, w, b, kinds,
        run.losses[run.frames], int((dead[:-1] & ~dead[1:]).sum()), run.message,
    )  # fmt: skip


# --- Hinges: one look ---------------------------------------------------------------------------

RIM = 3.0  # of the disc of (w, b): what lies farther out is drawn on it, in its direction


class Hinges(NamedTuple):
    """One net at one moment.

    kinds  (units,) now; places (looks, units) of the hinges -b/w at all looks
    disc   (units, 2) w and b now, drawn back to RIM; curve (POINTS,) the net's output
    """

    lives: Lives
    frame: int
    net: int
    kinds: np.ndarray
    places: np.ndarray
    disc: np.ndarray
    curve: np.ndarray

    @property
    def step(self):
        return int(self.lives.steps[self.frame])

    @property
    def mse(self):
        return float(self.lives.mse[self.frame, self.net - 1])


def compute_hinges(*, record, frame=-1, net=1):
    """Look at Lives (`record`): frame 0 is the start, -1 or the last one the end; net 1 to 16."""
    frame = range(len(record.steps))[whole("frame", frame, -1, len(record.steps) - 1)]
    which = whole("net", net, 1, NETS) - 1
    w, b = record.w[:, which], record.b[:, which]
    with np.errstate(all="ignore"):  # w = 0 has no hinge; a net that diverges
        points = np.stack([w[frame], b[frame]], axis=-1)
        reach = np.hypot(*points.T)[:, None]
        return Hinges(
            record, frame, which + 1, record.kinds[frame, which], -b / w,
            points * np.minimum(1, RIM / reach),
            record.net.output(record.thetas[frame, which], record.X)[:, 0],
        )  # fmt: skip


# --- Hinges: figure -----------------------------------------------------------------------------

COLORS = (style.INK, style.BLUE, style.ORANGE)
_SHAPES = ("X", "o", "^")
_HEIGHT = (-1.0, 5.0)  # of the picture of the function


def build_hinges(fig):
    """Left: the function, and dead units over the steps. Middle: hinges. Right: (w, b)."""
    grid = fig.add_gridspec(1, 3, width_ratios=(1.05, 1.1, 1.1))
    left = grid[0].subgridspec(2, 1, height_ratios=(1.4, 1))
    function, share = (fig.add_subplot(place) for place in left)
    hinges, disc = fig.add_subplot(grid[1]), fig.add_subplot(grid[2])
    function.set(ylim=_HEIGHT, yticks=(0, 2, 4), xlabel="x", title="net")
    for ax in (share, hinges):
        ax.set_xscale("symlog", linthresh=1)
        ax.set(xlim=(-0.06, 1.2 * TRAIN_STEPS), xticks=(0, 1, 10, 100), xlabel="step")
        ax.set_xticklabels(("0", "1", "10", "100"))
        ax.minorticks_off()
    share.set(ylim=(0, 1.02), yticks=(0, 0.5, 1), yticklabels=("0%", "50%", "100%"))
    share.set_title("dead units:")
    hinges.set(title="hinges -b/w (grey: data)")
    sides = (-1.12 * RIM, 1.12 * RIM)
    disc.set(xlim=sides, ylim=sides, aspect="equal", xticks=(-3, 0, 3), yticks=(-3, 0, 3))
    disc.set(xlabel="weight w", title="w and b of every unit", anchor="N")
    disc.set_ylabel("bias b", labelpad=-4)
    fig.legend(handles=_key(), loc="outside lower center", ncols=3, columnspacing=1.5)
    return {
        "lives": None, "axes": (function, hinges, disc),
        **_build_function(function), **_build_share(share), **_build_hinges(hinges),
        "wedges": [], "disc": _dots(disc, 7),
        "now": [ax.axvline(0, **_NOW) for ax in (share, hinges)],
    }  # fmt: skip


def _key():
    return [
        Line2D([], [], marker=shape, color=color, ls="-", lw=1, ms=7, mew=0, label=kind)
        for shape, color, kind in zip(_SHAPES, COLORS, KINDS, strict=True)
    ]


def _dots(ax, size):
    """One line of dots for each kind of unit."""
    return [
        ax.plot([], [], ls="none", marker=shape, ms=size, mew=0.5, mec="white", color=color,
                zorder=4, **_MOVING)[0]
        for shape, color in zip(_SHAPES, COLORS, strict=True)
    ]  # fmt: skip


def _build_function(ax):
    return {
        "target": ax.plot([], [], **style.THEORY)[0],
        "curve": ax.plot([], [], color=style.VERMILLION, **_MOVING)[0],
        "title": style.beside_title(ax, 0.22),
    }


def _build_share(ax):
    return {
        "band": ax.fill_between([0, 1], [0, 0], [0, 0], **style.band(style.INK)),
        "median": ax.plot([], [], color=style.INK)[0],
        "theory": ax.plot([], [], **style.THEORY, marker="D", ms=6, clip_on=False, zorder=5)[0],
        "one": ax.plot([], [], color=style.VERMILLION, lw=1.2, **_MOVING)[0],
        "count": style.beside_title(ax, 0.66),
    }


def _build_hinges(ax):
    return {
        "data": ax.axhspan(0, 1, color="#EEEEEE", lw=0),
        "paths": [ax.plot([], [], color=color, lw=0.7, **_MOVING)[0] for color in COLORS],
        "hinges": _dots(ax, 6),
    }  # fmt: skip


def draw_hinges(artists, result):
    """Move everything; True after a new training."""
    a, r = artists, result
    full = _new_lives(a, r.lives)
    now = np.clip(np.nan_to_num(r.places[r.frame]), *_view(r.lives, 1.46))
    for kind in (DEAD, BENDING, ALWAYS):
        at = r.kinds == kind
        a["disc"][kind].set_data(*r.disc[at].T)
        a["hinges"][kind].set_data(np.full(at.sum(), r.step), now[at])
        a["paths"][kind].set_data(*_paths(r, kind))
    a["curve"].set_data(r.lives.X[:, 0], np.clip(r.curve, *_BEYOND))
    a["one"].set_data(r.lives.steps, r.lives.dead[:, r.net - 1])
    a["title"].set_text(f"{r.net}, step {r.step}")
    a["count"].set_text(f"{np.mean(r.kinds == DEAD):.0%}")
    for line in a["now"]:
        line.set_xdata([r.step, r.step])
    return full


_BEYOND = (-9.0, 13.0)  # outside of the picture, but no number that a renderer stumbles over


def _paths(result, kind):
    """The hinges of all units while they are of a kind, one after the other, NaN between."""
    r = result
    low, high = _view(r.lives)
    now = r.lives.kinds[:, r.net - 1] == kind
    # A path begins where the kind before ends, so that there is no gap at a death.
    began = np.vstack([now[1:] & ~now[:-1], np.zeros((1, now.shape[1]), bool)])
    inside = (r.places > low) & (r.places < high)
    y = np.where((now | began) & inside, r.places, np.nan)
    y = np.vstack([y, np.full(y.shape[1], np.nan)])
    x = np.append(r.lives.steps, np.nan)
    return np.tile(x, y.shape[1]), y.T.ravel()


def _view(lives, lengths=1.5):
    """Places that are drawn: the data and as much again on either side."""
    low, high = DATA[lives.data]
    middle, reach = (low + high) / 2, lengths * (high - low)
    return middle - reach, middle + reach


def _new_lives(artists, lives):
    """Set what stands still during a replay; True if these are other nets than before."""
    a = artists
    if a["lives"] is lives:
        return False
    a["lives"] = lives
    (function, hinges, disc), (low, high) = a["axes"], DATA[lives.data]
    function.set(xlim=(low, high), xticks=(low, (low + high) / 2, high))
    hinges.set(ylim=_view(lives), yticks=(2 * low - high, low, high, 2 * high - low))
    a["data"].set(y=low, height=high - low)
    a["target"].set_data(lives.X[:, 0], lives.Y[:, 0])
    spread = np.quantile(lives.dead, (0, 0.5, 1), axis=1)
    a["band"].set_data(lives.steps, spread[0], spread[2])
    a["median"].set_data(lives.steps, spread[1])
    a["theory"].set_data([0], [lives.theory.dead])
    for old in a["wedges"]:
        old.remove()
    a["wedges"] = _wedges(disc, low, high)
    return True


def _wedges(ax, low, high):
    """Where in the plane of w and b a unit is dead, and where it is always on."""
    w, far = np.array([-9.0, 0.0, 9.0]), 99.0
    z = np.stack([w * low, w * high])
    tints = {"alpha": 0.16, "lw": 0, "zorder": 0}
    return [
        ax.fill_between(w, -far, -z.max(0), color=style.INK, **tints),
        ax.fill_between(w, -z.min(0), far, color=style.ORANGE, **tints),
    ]


def describe_hinges(result):
    """The figure in words."""
    r, lives = result, result.lives
    n = [int((r.kinds == kind).sum()) for kind in (DEAD, BENDING, ALWAYS)]
    momentum = f", momentum {lives.momentum:g}" if lives.momentum else ""
    return " ".join([
        f"{NETS} nets 1-{r.kinds.size}-1, ReLU, data {lives.data}, learning rate {lives.lr:g}"
        f"{momentum}. Net {r.net}, step {r.step}: {n[0]} units dead on all the data, {n[1]} bend "
        f"among the data, {n[2]} always on; MSE {_short(r.mse)} (variance of the target "
        f"{lives.Y.var():.3f}).",
        f"All nets: dead at the start {_range(lives.dead[0])} (theory {lives.theory.dead:.0%}), "
        f"now {_range(lives.dead[r.frame])}; dead units that came back until the end: "
        f"{lives.revived}.", lives.message,
    ]).strip()  # fmt: skip


def _short(mse):
    return f"{mse:.3f}" if mse < 1000 else f"{mse:.0e}" if np.isfinite(mse) else "infinite"


def _range(shares):
    """Median and range of shares, in words."""
    low, middle, high = np.quantile(shares, (0, 0.5, 1))
    return f"{middle:.0%} ({low:.0%} to {high:.0%})"


def hinges(
    lr=0.2, momentum=0.0, width=40, bias=0.5, data="[-1, 1]", seed=0, net=1, frame=None
):  # fmt: skip
    """Follow the hinges of a 1-N-1 net; arguments as for `record_hinges` and `compute_hinges`."""
    return live(
        compute_hinges, build_hinges, draw_hinges, describe_hinges,
        record=record_hinges,
        slow={
            "lr": number(lr, *RATES, 0.1, "learning rate", log=True),
            "momentum": number(momentum, *MOMENTA, 0.1, "momentum"),
            "width": number(width, *WIDTHS, 1, "hidden units"),
            "bias": number(bias, *BIASES, 0.1, "spread of biases"),
            "seed": number(seed, *SEEDS, 1, "seed"),
            "data": choice(data, list(DATA), "data"),
        },
        controls={"net": number(net, 1, NETS, 1, "net")},
        call="born_dead.hinges", size=(8.4, 4.2), frames=lambda lives: len(lives.steps),
        frame=frame, button="Train",
    )  # fmt: skip


# --- Born dead: how nets start ------------------------------------------------------------------

INITS = {"He, biases 0": "he", "He, random biases": "biased", "RAI": "rai"}
RAI_STD = 0.6007  # of the normal entries of RAI, before the division by sqrt(fan_in)


def _layer(rng, init, shape, bias=0.0):
    """W (*lead, fan_in, fan_out) and b (*lead, 1, fan_out) of one layer.

    init  "he": N(0, 2 / fan_in), biases 0; "biased": with biases N(0, bias^2); "rai": all weights
          and the bias of a unit N(0, 0.6007^2 / fan_in), then one of them, picked at random,
          replaced by a number between 0 and 1 (Beta(2, 1)), which makes the unit more likely on
    """
    *lead, fan_in, fan_out = shape
    if init != "rai":
        W = HE.draw(rng, shape)
        return W, bias * rng.standard_normal((*lead, 1, fan_out)) * (init == "biased")
    V = RAI_STD / sqrt(fan_in) * rng.standard_normal((*lead, fan_in + 1, fan_out))
    chosen = rng.integers(0, fan_in + 1, (*lead, 1, fan_out))
    np.put_along_axis(V, chosen, rng.beta(2, 1, chosen.shape), axis=-2)
    return V[..., :-1, :], V[..., -1:, :]


def start(net, rng, init="he", lead=(), bias=0.1):
    """theta (*lead, P) of nets whose layers are drawn by `init`: "he", "biased" or "rai".

    Source of "rai" (randomized asymmetric initialization) and of the question: Lu, Shin, Su &
    Karniadakis, Dying ReLU and initialization (2019, arXiv:1903.06733).
    """
    init, bias = one_of("init", init, INITS.values()), real("bias", bias, 0)
    shapes = zip(net.sizes, net.sizes[1:], strict=False)
    return net.pack([_layer(rng, init, (*lead, *shape), bias) for shape in shapes])


# --- Born dead: record --------------------------------------------------------------------------

MOST_WIDE, MOST_DEEP, SHOWN = 10, 20, 16
SPREADS, COUNTS = (0.05, 1.0), (200, 2000)
X = np.linspace(-sqrt(3), sqrt(3), 40)[:, None]  # the data: |x| on these points, as in the paper


class Births(NamedTuple):
    """`nets` random nets for each of INITS, width 1 to MOST_WIDE and depth 1 to MOST_DEEP.

    A net with k hidden layers is the beginning of one with more, so the depths share their nets.

    dead     {init: (widths, depths)} share of nets with a hidden layer that is 0 on all of X
    outputs  {init: (widths, depths, SHOWN, 40)} of the first nets, with an output layer without
             bias; moved and scaled to the range from 0 to 1, or all NaN if the net is dead
    """

    nets: int
    bias: float
    dead: dict
    outputs: dict


def record_born_dead(*, nets=1000, bias=0.1, seed=0):
    """Generator: draw the nets and see who is dead, yield the progress, return Births.

    nets  200 to 2000; bias standard deviation of the random biases, 0.05 to 1; seed 0 to 99

    Sent "stop" it returns None: half of the dots would be no picture.
    """
    nets, bias = whole("nets", nets, *COUNTS), real("bias", bias, *SPREADS)
    rng, dead, outputs = _rng(seed, 1), {}, {}
    for k, init in enumerate(INITS.values()):
        shares, curves = [], []
        for width in range(1, MOST_WIDE + 1):
            share, curve = _born(rng, init, nets, width, bias)
            shares.append(share)
            curves.append(curve)
            if (yield (k + width / MOST_WIDE) / len(INITS)) == "stop":
                return None
        dead[init], outputs[init] = np.stack(shares), np.stack(curves)
    return Births(nets, bias, dead, outputs)


@one_blas_thread()
def _born(rng, init, nets, width, bias):
    """Shares of dead nets (depths,) and outputs (depths, SHOWN, 40) for one width."""
    alive, h = np.arange(nets), X
    share, outputs = np.ones(MOST_DEEP), np.full((MOST_DEEP, SHOWN, len(X)), np.nan)
    for depth in range(MOST_DEEP):
        W, b = _layer(rng, init, (len(alive), h.shape[-1], width), bias)
        h = h @ W
        h += b
        lives = h.max((-2, -1)) > 0
        if not lives.all():
            alive, h = alive[lives], h[lives]
        np.maximum(h, 0, out=h)
        share[depth] = 1 - len(alive) / nets
        shown = alive < SHOWN
        outputs[depth, alive[shown]] = _shape(h[shown] @ rng.standard_normal((width, 1)))
        if not len(alive):
            break
    return share, outputs


def _shape(y):
    """Outputs (nets, 40, 1) without their sizes: from 0 to 1, or 1/2 if there is only one value."""
    low, high = y.min(-2), y.max(-2)
    size = high - low
    return np.divide(y[..., 0] - low, size, out=np.full(y.shape[:-1], 0.5), where=size > 0)


# --- Born dead: one look ------------------------------------------------------------------------

WIDE, DEEP = np.arange(1, MOST_WIDE + 1), np.arange(1, MOST_DEEP + 1)


@lru_cache(maxsize=1)
def _bounds():
    """(2, widths, depths): lower and upper bound for one input number and biases 0."""
    bounds = mean_field.relu_death_least, mean_field.relu_death
    return np.array([[[bound(n, k) for k in DEEP] for n in WIDE] for bound in bounds])


class BornDead(NamedTuple):
    """Nets of one width, depth and init among the others.

    share, error  of these nets that are born dead, and its standard error
    bounds        (2,) for biases 0: at least and at most
    over_depth    {init: (depths,)} share at this width, over_width {init: (widths,)} at this depth
    bounds_over_depth, bounds_over_width  (2, depths), (2, widths)
    curves        (SHOWN, 40) outputs of the first nets, NaN for a dead one
    """

    births: Births
    width: int
    depth: int
    init: str
    share: float
    error: float
    bounds: np.ndarray
    over_depth: dict
    over_width: dict
    bounds_over_depth: np.ndarray
    bounds_over_width: np.ndarray
    curves: np.ndarray


def compute_born_dead(*, record, width=3, depth=9, init="he"):
    """Look at Births (`record`): width 1 to 10, depth 1 to 20 hidden layers, init as in `start`."""
    n, k = whole("width", width, 1, MOST_WIDE) - 1, whole("depth", depth, 1, MOST_DEEP) - 1
    share = record.dead[one_of("init", init, INITS.values())][n, k]
    return BornDead(
        record, n + 1, k + 1, init, share, sqrt(share * (1 - share) / record.nets),
        _bounds()[:, n, k], {name: dead[n] for name, dead in record.dead.items()},
        {name: dead[:, k] for name, dead in record.dead.items()}, _bounds()[:, n],
        _bounds()[:, :, k], record.outputs[init][n, k],
    )  # fmt: skip


# --- Born dead: figure --------------------------------------------------------------------------

_INIT_LOOKS = {
    "he": {"color": style.BLUE, "marker": "o"},
    "biased": {"color": style.ORANGE, "marker": "s"},
    "rai": {"color": style.GREEN, "marker": "^"},
}
_FLOOR = 4e-4  # of the axis with decades; 0 is drawn there
_RING = {"marker": "o", "ms": 13, "mfc": "none", "mec": style.VERMILLION, "mew": 2.5, "ls": "none",
         "zorder": 5, "clip_on": False}  # fmt: skip
_BETWEEN = {"color": style.INK, "alpha": 0.12, "lw": 0}


def build_born_dead(fig):
    """Left: against depth. Middle: against width, in decades. Right: what such nets compute."""
    depth, width, nets = fig.subplots(1, 3, width_ratios=(1.15, 1, 0.95))
    depth.set(xlim=(0, MOST_DEEP + 1), ylim=(-0.02, 1.02), xticks=(1, 5, 10, 15, 20))
    depth.set(yticks=(0, 0.5, 1), yticklabels=("0%", "50%", "100%"), xlabel="hidden layers")
    depth.set_title("born dead, width")
    width.set_yscale("log")
    width.set(xlim=(0.5, MOST_WIDE + 0.5), ylim=(_FLOOR * 0.8, 1.3), xticks=(1, 4, 7, 10))
    width.set_yticks((_FLOOR, 1e-3, 1e-2, 1e-1, 1), ("0", "0.1%", "1%", "10%", "100%"))
    width.minorticks_off()
    width.set(xlabel="units per layer", title="hidden layers:")
    nets.set(xlim=(0, _GRID), ylim=(0, _GRID), title=f"dead of these {SHOWN}:")
    nets.set_xticks(())
    nets.set_yticks(())
    nets.set_xlabel("each: output against x\n(thick: one number for all x)")
    nets.spines[:].set_visible(False)
    parts = {"depth": _build_shares(depth), "width": _build_shares(width)}
    fig.legend(handles=_init_key(), loc="outside lower center", ncols=4,
               columnspacing=1.2, handletextpad=0.4)  # fmt: skip
    return parts | {
        "alive": nets.plot([], [], color=style.BLUE, lw=1.3, **_MOVING)[0],
        "dead": nets.plot([], [], color=style.INK, lw=2.5, **_MOVING)[0],
        "titles": [style.beside_title(ax, x) for ax, x in
                   ((depth, 0.62), (width, 0.59), (nets, 0.74))],
    }  # fmt: skip


_GRID = 4  # the nets stand in 4 rows of 4


def _build_shares(ax):
    """Band between the bounds, dots for every init, a ring around what is chosen."""
    return {
        "between": ax.fill_between([0, 1], [0, 0], [0, 0], **_BETWEEN, **_MOVING),
        "bounds": [ax.plot([], [], **style.THEORY, **_MOVING)[0] for _ in range(2)],
        "dots": {
            init: ax.plot([], [], **(style.MEASURED | look), **_MOVING)[0]
            for init, look in _INIT_LOOKS.items()
        },
        "ring": ax.plot([], [], **_RING, **_MOVING)[0],
    }


def _init_key():
    between = Patch(fc="#E2E2E2", ec=style.INK, lw=1.2, label="bounds, biases 0")
    dots = [Line2D([], [], **style.MEASURED | look, label=name)
            for name, look in zip(INITS, _INIT_LOOKS.values(), strict=True)]  # fmt: skip
    return [between, *dots]


def draw_born_dead(artists, result):
    """Move everything."""
    a, r = artists, result
    _draw_shares(a["depth"], DEEP, r.over_depth, r.bounds_over_depth, (r.depth, r.share))
    _draw_shares(a["width"], WIDE, r.over_width, r.bounds_over_width, (r.width, r.share), _FLOOR)
    alive = ~np.isnan(r.curves).any(-1)
    a["alive"].set_data(*_cells(np.where(alive[:, None], r.curves, np.nan)))
    a["dead"].set_data(*_cells(np.where(alive[:, None], np.nan, [0.5, 0.5])))
    for text, count in zip(a["titles"], (r.width, r.depth, (~alive).sum()), strict=True):
        text.set_text(f"{count}")


def _draw_shares(artists, places, shares, bounds, here, floor=0.0):
    low, high = np.maximum(bounds, floor)
    artists["between"].set_data(places, low, high)
    for line, bound in zip(artists["bounds"], (low, high), strict=True):
        line.set_data(places, bound)
    for init, dots in artists["dots"].items():
        dots.set_data(places, np.maximum(shares[init], floor))
    artists["ring"].set_data([here[0]], [max(here[1], floor)])


def _cells(curves):
    """Curves (SHOWN, 40) with values from 0 to 1 as one line, each in its cell, NaN between."""
    row, column = np.divmod(np.arange(SHOWN), _GRID)
    x = column[:, None] + np.linspace(0.12, 0.88, curves.shape[1])
    y = _GRID - 1 - row[:, None] + 0.15 + 0.7 * curves
    gap = np.full((SHOWN, 1), np.nan)
    return np.hstack([x, gap]).ravel(), np.hstack([y, gap]).ravel()


def describe_born_dead(result):
    """The figure in words."""
    r = result
    name = next(name for name, init in INITS.items() if init == r.init)
    others = ", ".join(f"{name} {_percent(r.over_width[init][r.width - 1])}"
                       for name, init in INITS.items())  # fmt: skip
    return (
        f"{r.births.nets} nets 1-{r.width}-...-{r.width}-1 with {r.depth} hidden ReLU layers: born "
        f"dead (some layer is 0 on all the data) {others} (spread of the random biases "
        f"{r.births.bias:g}). {name}: standard error {100 * r.error:.1f}%. With biases 0 theory "
        f"says {_percent(r.bounds[0])} to {_percent(r.bounds[1])}; the upper number is exact for "
        f"one single input. Of {SHOWN} nets drawn, {np.isnan(r.curves).any(-1).sum()} are dead."
    )


def _percent(share):
    return f"{100 * share:.3g}%"


def born_dead(width=3, depth=9, init="he", nets=1000, bias=0.1, seed=0):
    """Show who is dead before training; arguments as for record and compute."""
    return live(
        compute_born_dead, build_born_dead, draw_born_dead, describe_born_dead,
        record=record_born_dead,
        slow={
            "nets": number(nets, *COUNTS, 100, "nets"),
            "bias": number(bias, *SPREADS, 0.05, "spread of random biases"),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        controls={
            "width": number(width, 1, MOST_WIDE, 1, "units per layer"),
            "depth": number(depth, 1, MOST_DEEP, 1, "hidden layers"),
            "init": choice(init, INITS, "init"),
        },
        call="born_dead.born_dead", size=(8.4, 3.9), button="Draw new nets",
    )  # fmt: skip
