"""Leaks and bends below zero: the family on one sheet, learned slopes, a false derivative.

explore          any number of activations on the same axes, with their numbers; your own as well
prelu            a leak whose slope is learned: one unit finds the right one, nets find many
surrogate_start  ReLU forward, a leak backward: who wakes up when all units are dead

Numbers of an activation are those for z standard normal.
"""

from functools import cached_property, lru_cache, partial
from itertools import pairwise
from math import inf, pi, sqrt
from typing import NamedTuple

import numpy as np

from helpers import activations, style
from helpers.activations import ACTIVATIONS, Activation, elu, leaky_relu, softplus, swish
from helpers.checks import one_of, real, whole
from helpers.datasets import digits, split
from helpers.live import live, number, toggle
from helpers.losses import SOFTMAX, accuracy
from helpers.mean_field import slopes_of
from helpers.network import Net, Pass, gradients
from helpers.threads import one_blas_thread
from helpers.training import SGD, part, training

SEEDS = (0, 99)


# --- The family on one sheet --------------------------------------------------------------------

LEAKS, ALPHAS, BETAS, PIECES = (-1.0, 2.0), (0.0, 2.0), (0.25, 4.0), (2, 8)
MOST_OWN = 3
CURVE = np.sort(np.append(np.linspace(-4, 4, 161), [-1e-9, 1e-9]))  # both sides of the kink
_FIXED = {
    "relu": "relu", "selu": "selu", "gelu": "gelu", "mish": "mish", "absolute": "abs",
    "tanh": "tanh", "sigmoid": "sigmoid",
}  # fmt: skip


def larger(slope):
    """max(slope * z, z): the leaky ReLU with this slope up to slope 1, beyond it another one."""
    low, high = sorted((real("slope", slope), 1.0))
    return Activation(
        f"max({slope:g} z, z)", rf"\max({slope:g} z, z)",
        lambda z: np.maximum(low * z, high * z), lambda z: np.where(z > 0, high, low),
        (-inf if low > 0 else 0.0, inf),
    )  # fmt: skip


@lru_cache(maxsize=16)
def maxout(pieces):
    """The largest of `pieces` straight lines in z: tangents of z^2 / 2, slopes evenly from -1 to 1.

    Source: Goodfellow, Warde-Farley, Mirza, Courville & Bengio, Maxout networks (ICML 2013,
    arXiv:1302.4389); there the lines are learned, and each has its own weights for all inputs.
    """
    gaps = whole("pieces", pieces, *PIECES) - 1

    def line(z):  # the slope of the line that is on top; at a kink the left one
        return np.clip(np.ceil(gaps * (z + 1) / 2 - 0.5), 0, gaps) * (2 / gaps) - 1

    def f(z):
        return line(z) * z - line(z) ** 2 / 2

    return Activation(f"maxout({pieces})", "", f, line, (float(f(np.zeros(1))[0]), inf))


MEMBERS = {
    "relu": "ReLU", "leaky": "leaky, a", "trap": "max(a z, z)", "elu": "ELU, α",
    "selu": "SELU", "softplus": "softplus, β", "swish": "swish, β", "gelu": "GELU",
    "mish": "Mish", "absolute": "|z|", "tanh": "tanh", "sigmoid": "sigmoid",
    "maxout": "maxout, k",
}  # fmt: skip
OPENING = ("relu", "leaky", "elu", "softplus", "gelu")
_MOVED_BY = {
    "leaky": "slope", "trap": "slope", "elu": "alpha", "softplus": "beta", "swish": "beta",
    "maxout": "pieces",
}  # fmt: skip


class Facts(NamedTuple):
    """What a standard normal z makes of an activation.

    gain      g with g^2 E f(z)^2 = 1; inf if f = 0
    mean      E f(z), the mean shift
    zeros     probability that f(z) is exactly 0
    steepest  largest |f'(z)|, |z| <= 10
    low, high range of f; of a learner's function that for |z| <= 10
    """

    gain: float
    mean: float
    zeros: float
    steepest: float
    low: float
    high: float


class Member(NamedTuple):
    """One function on the sheet: its key in MEMBERS (or "own1", ...), name, facts and curves."""

    key: str
    name: str
    facts: Facts
    f: np.ndarray
    df: np.ndarray


class Family(NamedTuple):
    """The chosen members, in the order of MEMBERS, and the slope a of the leak."""

    members: list
    slope: float


def compute_explore(*, own=None, slope=0.1, alpha=1.0, beta=1.0, pieces=3, **shown):
    """Curves and numbers of the chosen activations.

    own     the learner's function (of an array or of one number), a record, a name, or a list of up
            to 3 of them
    slope   a of the leaky ReLU and of max(a z, z), -1 to 2; alpha of ELU, 0 to 2
    beta    of softplus and swish, 0.25 to 4; pieces: lines of maxout, 2 to 8
    shown   for every name in MEMBERS whether it is wanted: relu=False, mish=True
    """
    for name in shown:
        one_of("activation", name, MEMBERS)
    slope, alpha = real("slope", slope, *LEAKS), real("alpha", alpha, *ALPHAS)
    beta, pieces = real("beta", beta, *BETAS), whole("pieces", pieces, *PIECES)
    moved = {
        "leaky": leaky_relu(slope), "trap": larger(slope), "elu": elu(alpha),
        "softplus": softplus(beta), "swish": swish(beta), "maxout": maxout(pieces),
    }  # fmt: skip
    acts = {key: moved.get(key) or ACTIVATIONS[_FIXED[key]] for key in MEMBERS}
    wanted = [key for key in MEMBERS if shown.get(key, key in OPENING)]
    members = [_member(key, MEMBERS[key], acts[key]) for key in wanted]
    yours = [
        _member(f"own{k}", name, act) for k, (name, act) in enumerate(_own(own), start=1)
    ]  # fmt: skip
    return Family(members + yours, slope)


def _own(own):
    """[(name, record), ...] of what the learner has given."""
    given = [] if own is None else list(own) if isinstance(own, list | tuple) else [own]
    if len(given) > MOST_OWN:
        raise ValueError(f"own must be at most {MOST_OWN} functions, got {len(given)}")
    acts = [pair[1] if isinstance(pair, tuple) else activations.own(pair) for pair in given]
    for act in acts:
        if act.parts:
            raise ValueError(f"own must be one function for all units, got {act.name}")
    return [
        pair if isinstance(pair, tuple) else (_name(pair, act, k), act)
        for k, (pair, act) in enumerate(zip(given, acts, strict=True), start=1)
    ]


def _name(f, act, k):
    name = getattr(f, "__name__", "") or ("" if act.name == activations.YOURS else act.name)
    return name[:14] if name and name != "<lambda>" else f"yours {k}"


def _member(key, name, act):
    return Member(key, name, *_sheet(act))


@lru_cache(maxsize=64)
def _sheet(act):
    """(Facts, f on CURVE, f' on CURVE)."""
    with np.errstate(all="ignore"):  # a learner's function may overflow
        z, weights = _rule()
        f, df = act.f(z), act.df(z)
        second, mean = float(weights @ f**2), float(weights @ f)
        if second != second:
            raise ValueError(f"{act.name} must give numbers for |z| <= 10, but it gives NaN")
        measured = act.range == (-inf, inf) and act.name == activations.YOURS
        low, high = (f.min(), f.max()) if measured else act.range
        curves = act.f(CURVE), act.df(CURVE)
        steepest = np.nanmax(np.abs(np.append(df, curves[1])))  # CURVE comes nearest to 0
        facts = Facts(
            1 / sqrt(second) if second else inf, mean, float(weights @ (f == 0)),
            float(steepest), float(low), float(high),
        )  # fmt: skip
        return facts, *curves


@lru_cache(maxsize=1)
def _rule():
    """Nodes and weights for E f(z): 4 nodes on each of 800 pieces, so that any kink is harmless."""
    x, weights = np.polynomial.legendre.leggauss(4)
    edges = np.linspace(-10, 10, 801)
    half = (edges[1] - edges[0]) / 2
    z = (edges[:-1, None] + half * (1 + x)).ravel()
    return z, np.tile(half * weights, 800) * np.exp(-z * z / 2) / sqrt(2 * pi)


_DOT = (0, (1.2, 1.6))
_LOOKS = {"absolute": style.look("abs"), "leaky": style.look("leaky_relu")} | {
    "trap": {"color": style.INK, "linestyle": _DOT},
    "maxout": {"color": style.GREEN, "linestyle": (0, (6, 2, 1.2, 2))},
    "own1": {"color": style.INK, "linestyle": "-"},
    "own2": {"color": style.GREY, "linestyle": "-"},
    "own3": {"color": style.INK, "linestyle": (0, (5, 2))},
}
_COLUMNS = {"gain": 0.4, "E f": 0.53, "zeros": 0.64, "max |f′|": 0.79, "range": 1.0}
_TOP, _LINES, _PITCH = 0.99, 0.93, 0.08  # of the table, in heights of the axes


def build_explore(fig, own=()):
    """Left: f above f'. Right: the table, which is the legend as well."""
    left, right = fig.subfigures(1, 2, width_ratios=(1, 1.45))
    values, slopes = left.subplots(2, 1, sharex=True, height_ratios=(1.5, 1))
    values.set(xlim=(-4, 4), ylim=(-2.5, 4), title="f(z)")
    slopes.set(ylim=(-1.2, 2.2), xlabel="pre-activation z", title="f′(z)")
    for ax in (values, slopes):
        ax.axhline(0, color="0.8", lw=1, zorder=0)
        ax.axvline(0, color="0.8", lw=1, zorder=0)
    table = right.subplots()
    table.set(xlim=(0, 1), ylim=(0, 1))
    table.set_axis_off()
    for name, x in _COLUMNS.items():
        table.text(x, _TOP, name, ha="right", va="top", color=style.GREY)
    keys = {**MEMBERS, **{f"own{k}": name for k, (name, _) in enumerate(own, start=1)}}
    return {
        "shown": None,
        "rows": {key: _row(values, slopes, table, key, name) for key, name in keys.items()},
    }


def _row(values, slopes, table, key, name):
    """Artists of one member: two curves, a sample of the line, its name, five numbers."""
    look = _LOOKS.get(key) or style.look(key)
    moving = {"animated": key in _MOVED_BY}
    color = style.readable(look["color"])
    return {
        "curves": [ax.plot([], [], **look, **moving)[0] for ax in (values, slopes)],
        "sample": table.plot([], [], **look)[0],
        "name": table.text(0.08, 0, name, color=color, va="center"),
        "numbers": [
            table.text(x, 0, "", ha="right", va="center", **moving) for x in _COLUMNS.values()
        ],
    }


def draw_explore(artists, result):
    """Move what the sliders move; a full redraw when other functions are shown."""
    shown = [member.key for member in result.members]
    new = shown != artists["shown"]
    if new:
        artists["shown"] = shown
        for key, row in artists["rows"].items():
            _place(row, shown.index(key) if key in shown else None, len(shown))
    for member in result.members:
        if new or member.key in _MOVED_BY:
            _fill(artists["rows"][member.key], member)
    return new


def _place(row, k, lines):
    """Show a member in line k of the table, or nowhere."""
    y = 0 if k is None else _TOP - 0.02 - min(_PITCH, _LINES / lines) * (k + 1)
    row["sample"].set_data([0, 0.06], [y, y])
    for artist in (*row["curves"], row["sample"], row["name"], *row["numbers"]):
        artist.set_visible(k is not None)
    for text in (row["name"], *row["numbers"]):
        text.set_y(y)


def _fill(row, member):
    for line, curve in zip(row["curves"], (member.f, member.df), strict=True):
        line.set_data(CURVE, curve)
    for text, number_ in zip(row["numbers"], _in_words(member), strict=True):
        text.set_text(number_)


def _in_words(member):
    """Gain, mean, zeros, steepest slope and range, as they stand in the table."""
    facts = member.facts
    gain = f"{facts.gain:.3f}" if facts.gain < 1000 else f"{facts.gain:.1e}"
    return (
        gain if facts.gain < inf else "none",
        _short(facts.mean),
        f"{facts.zeros:.0%}",
        f"{facts.steepest:.3g}",
        f"{_end(facts.low)} … {_end(facts.high)}",
    )


def _short(x):
    return f"{round(x, 3) + 0.0:.3f}" if abs(x) < 1000 else f"{x:.0e}"


def _end(x):
    return {inf: "∞", -inf: "-∞"}.get(x, f"{round(x, 2) + 0.0:.3g}")


def describe_explore(result):
    """The table in words."""
    rows = []
    for member in result.members:
        gain, mean, zeros, steepest, span = _in_words(member)
        rows.append(
            f"{member.name}: gain {gain}, E f {mean}, zeros {zeros}, largest |f′| {steepest}, "
            f"range {span}"
        )
    trap = (
        f" With a = {result.slope:g} above 1, max(a z, z) is no leaky ReLU: its slope is a on the "
        "right and 1 on the left."
    )
    return ". ".join(rows or ["No function is chosen"]) + "." + (trap if result.slope > 1 else "")


def explore(own=None, slope=0.1, alpha=1.0, beta=1.0, pieces=3, **shown):
    """Show the family; `explore(my_function)` or `explore([one, another])` for your own.

    shown  as for `compute_explore`: relu=False, mish=True, ...
    """
    for name in shown:
        one_of("activation", name, MEMBERS)
    yours = tuple(_own(own))
    toggles = {
        key: toggle(shown.get(key, key in OPENING), name) for key, name in MEMBERS.items()
    }  # fmt: skip
    moved = {name: {key: [True]} for key, name in _MOVED_BY.items() if key in ("elu", "maxout")}
    return live(
        partial(compute_explore, own=list(yours)),
        partial(build_explore, own=yours),
        draw_explore,
        describe_explore,
        controls={
            "slope": number(slope, *LEAKS, 0.05, "slope a"),
            "alpha": number(alpha, *ALPHAS, 0.05, "ELU α", when=moved["alpha"]),
            "beta": number(beta, *BETAS, 0.05, "β", log=True),
            "pieces": number(pieces, *PIECES, 1, "maxout lines k", when=moved["pieces"]),
            **toggles,
        },
        call=f"leaky.explore({_code(own)}, " if yours else "leaky.explore",
        size=(8.4, 4.6),
    )


def _code(own):
    """How the learner's argument is written: the names of functions, or a stand-in."""
    if isinstance(own, list | tuple):
        return f"[{', '.join(map(_code, own))}]"
    if isinstance(own, str):
        return repr(own)
    name = getattr(own, "__name__", "")
    return name if name.isidentifier() else "my_function"


# --- A net that learns its slopes ---------------------------------------------------------------


def _start(act):
    slopes = slopes_of(act)
    if slopes is None or slopes[1] != 1:
        raise ValueError(f"act must be a leaky_relu with the slope of the start, got {act.name}")
    return slopes[0]


def _bias_and_slope(b):
    return b[..., :-1], b[..., -1:]


def _forward(layers, acts, X):
    """`Pass` from the data X to the output; of `acts` only the last one counts."""
    Z, A = [], [X]
    *hidden, (V, c) = layers
    for W, b in hidden:
        bias, slope = _bias_and_slope(b)
        Z.append(A[-1] @ W + bias)
        A.append(np.maximum(Z[-1], 0) + slope * np.minimum(Z[-1], 0))
    Z.append(A[-1] @ V + c)
    A.append(acts[-1].f(Z[-1]))
    return Pass(Z, A)


def _hidden_deltas(layers, Z, dZ):
    """(dA, dZ) of the hidden layers, two lists, given d loss / d Z of the last layer."""
    dAs, dZs = [], []
    for (_, b), (W, _), z in zip(layers[-2::-1], layers[:0:-1], Z[-2::-1], strict=True):
        _, slope = _bias_and_slope(b)
        dA = dZ @ W.mT
        dZ = dA * (slope + (1 - slope) * (z > 0))
        dAs.append(dA)
        dZs.append(dZ)
    return dAs[::-1], dZs[::-1]


def _backward(layers, dfs, passed, given, dA, out):
    """Write d loss / d W, d b and d slope of every layer into `out`, a list like `layers`."""
    last = dA * dfs[-1](given[-1])
    dA, dZ = _hidden_deltas(layers, passed.Z, last)
    *hidden, top = out
    plain = [(dW, _bias_and_slope(db)[0]) for dW, db in hidden]
    gradients(passed.A, [*dZ, last], [*plain, top])
    for da, z, (_, db) in zip(dA, passed.Z, hidden, strict=False):
        np.sum(da * np.minimum(z, 0), axis=(-2, -1), out=db[..., 0, -1])


class PReluNet(Net):
    """A net with hidden layers max(z, 0) + a min(z, 0), of which every layer learns its own a.

    sizes, out as for `Net`; act: leaky_relu(a) with the slope a of the start (He et al.: 0.25). In
    a hidden layer b (..., 1, fan_out + 1) holds the biases and, at the end, the slope. Trained by
    `helpers.training` like every net; d loss / d a is the sum of d loss / d A times min(z, 0).

    Source: He, Zhang, Ren & Sun, Delving deep into rectifiers (2015, arXiv:1502.01852), section
    2.1: "channel-shared" slopes, and no weight decay, which would pull them to 0.
    """

    calculus = _forward, _backward  # what helpers.training asks for

    def __repr__(self):
        return f"PRelu{super().__repr__()}"

    @cached_property
    def shapes(self):
        """Shapes of W1, (b1, a1), W2, (b2, a2), ..., W, b: the order in theta."""
        *hidden, (m, n) = pairwise(self.sizes)
        pairs = [shape for m, n in hidden for shape in ((m, n), (1, n + 1))]
        return [*pairs, (m, n), (1, n)]

    def init(self, rng, *arguments, **settings):
        """Random theta (*lead, P), slopes as `act` says; arguments as for `Net.init`."""
        theta = super().init(rng, *arguments, **settings)
        for (_, b), act in zip(self.layers(theta)[:-1], self.acts, strict=False):
            b[..., -1] = _start(act)
        return theta

    def slopes(self, theta):
        """The slope of every hidden layer, (..., layers)."""
        return np.concatenate([b[..., 0, -1:] for _, b in self.layers(theta)[:-1]], axis=-1)

    @one_blas_thread()
    def forward(self, theta, X):
        """`Pass` with every Z and A, for data X (..., batch, inputs)."""
        X = self.fitting(theta, X)
        return _forward(self.layers(theta), self.acts, X)

    def output(self, theta, X):
        """Output (..., batch, outputs) of the net."""
        return self.forward(theta, X).A[-1]

    @one_blas_thread()
    def deltas(self, theta, Z, dA):
        """[d loss / d Z of every layer], given dA = d loss / d output."""
        last = dA * self.out.df(Z[-1])
        return [*_hidden_deltas(self.layers(theta), Z, last)[1], last]

    @one_blas_thread()
    def backward(self, theta, passed, dA):
        """Gradient (..., P) of the loss, the slopes included; dA = d loss / d output."""
        gradient = np.empty((*passed.A[-1].shape[:-2], self.P), passed.A[-1].dtype)
        dfs = [act.df for act in self.acts]
        _backward(self.layers(theta), dfs, passed, passed.Z, dA, self.layers(gradient))
        return gradient


# --- A slope that is learned --------------------------------------------------------------------

TARGETS, STARTS, RATES, LAYERS = (-1.0, 2.0), (0.0, 1.0), (0.01, 0.1), (1, 5)
NETS, STEPS, EVERY, BATCH, HIDDEN, TRAIN = 8, 500, 10, 32, 64, 1400
POINTS = np.linspace(-2, 2, 41)  # where the single unit is shown its target
_LAYER_COLORS = (style.BLUE, style.ORANGE, style.GREEN, style.PURPLE, style.VERMILLION)


@lru_cache(maxsize=1)
def _digits():
    """(train, test) with pixels in [0, 1]: 1400 and 397 digits, always the same."""
    return split(digits(), np.random.default_rng(0), TRAIN)


def _rng(seed, stream):
    return np.random.default_rng([whole("seed", seed, *SEEDS), stream])


class Slopes(NamedTuple):
    """What became of the slopes of NETS nets that learned digits.

    start, lr  slope and learning rate that they started with
    steps      (frames,); slopes (frames, nets, layers) at these steps
    accuracy   (nets,) share of right answers on test digits at the end
    message    what went wrong in training, "" if nothing did
    """

    start: float
    lr: float
    steps: np.ndarray
    slopes: np.ndarray
    accuracy: np.ndarray
    message: str


class PRelu(NamedTuple):
    """One step of a single unit and of the nets.

    film, step   the record, and which step
    target       slope of the function that the single unit is shown
    path         (STEPS + 1,) its slope after every step; predicted: the same by theory
    slopes       (nets, layers) of the nets after `step` steps
    """

    film: Slopes
    step: int
    target: float
    path: np.ndarray
    predicted: np.ndarray
    slopes: np.ndarray


def record_prelu(*, layers=3, start=0.25, lr=0.05, seed=0):
    """Generator: train NETS nets of 64-64-...-10 on digits, yield the progress, return `Slopes`.

    layers  hidden ones, 1 to 5; start: the slope of all of them, 0 to 1
    lr      learning rate, 0.01 to 0.1, of the slopes as well; seed 0 to 99
    """
    start, lr = real("start", start, *STARTS), real("lr", lr, *RATES)
    sizes = (64, *[HIDDEN] * whole("layers", layers, *LAYERS), 10)
    net, (train, test) = PReluNet(sizes, leaky_relu(start)), _digits()
    theta = net.init(_rng(seed, 0), lead=(NETS,))
    run = yield from training(
        net, theta, train.X, train.Y, SOFTMAX, steps=STEPS, optimizer=SGD(lr), batch=BATCH,
        rng=_rng(seed, 1), record=range(0, STEPS + 1, EVERY),
    )  # fmt: skip
    right = accuracy(net.output(run.theta, test.X), test.Y)
    return Slopes(start, lr, run.frames, net.slopes(run.thetas), right, run.message)


def learned_slope(target, start, lr, steps=STEPS):
    """(steps + 1,) slopes of one unit max(x, 0) + a min(x, 0) that learns `target` at POINTS.

    Gradient descent on the mean squared error: d loss / d a = mean of 2 (f - y) min(x, 0).
    """
    x = POINTS[POINTS < 0]  # on the right there is nothing to learn
    y, slopes = target * x, [float(start)]
    for _ in range(steps):
        error = slopes[-1] * x - y
        slopes.append(slopes[-1] - lr * 2 * float(error @ x) / POINTS.size)
    return np.array(slopes)


def _predicted(target, start, lr):
    """target + (start - target) (1 - 2 lr E min(x, 0)^2)^t for t from 0 to STEPS."""
    factor = 1 - 2 * lr * np.mean(np.minimum(POINTS, 0) ** 2)
    return target + (start - target) * factor ** np.arange(STEPS + 1.0)


def compute_prelu(*, record, frame=-1, target=-1.0):
    """Look at a frame of `Slopes`, 0 (the start) to -1 (the end), beside one unit.

    target  slope of the function that the single unit learns, -1 (|x|) to 2
    """
    frame = whole("frame", frame, -1, len(record.steps) - 1)
    target = real("target", target, *TARGETS)
    return PRelu(
        record, int(record.steps[frame]), target,
        learned_slope(target, record.start, record.lr, STEPS),
        _predicted(target, record.start, record.lr), record.slopes[frame],
    )  # fmt: skip


_FLOOR = 1e-16  # of the drawn error
_CARD = {"facecolor": "white", "edgecolor": "none", "pad": 1}


def build_prelu(fig):
    """Left: one unit, its function and its error. Right: the slopes of nets."""
    one, nets = fig.subfigures(1, 2, width_ratios=(1, 1.25))
    (unit, error), slopes = one.subplots(2, 1), nets.subplots()
    unit.set(xlim=(-2, 2), ylim=(-2, 2), xlabel="x", title="one unit, a =")
    error.set(xlim=(0, 1.01 * STEPS), yscale="log", ylim=(_FLOOR, 10), xlabel="step")
    error.set(title="its |a - target| (line: theory)")
    error.set_yticks([1, 1e-6, 1e-12])
    error.minorticks_off()
    slopes.set(
        xlim=(0, 1.01 * STEPS), xlabel="step", title=f"slope of every layer, {NETS} nets on digits"
    )
    for y, words in ((0, "ReLU"), (1, "no bend")):
        slopes.axhline(y, color="0.75", lw=1, zorder=0)
        slopes.text(6, y, words, color=style.GREY, va="center", bbox=_CARD)
    moving = {"animated": True}
    dots = {**style.MEASURED, "color": style.SKY, "markersize": 4}
    return {
        "film": None, "slopes": slopes, "curves": [],
        "wanted": unit.plot([], [], **style.THEORY, **moving)[0],
        "unit": unit.plot([], [], color=style.SKY, lw=3, **moving)[0],
        "a": style.beside_title(unit, 0.47),
        "predicted": error.plot([], [], **style.THEORY, **moving)[0],
        "path": error.plot([], [], **dots, **moving)[0],
        "now": [
            ax.axvline(0, color=style.INK, lw=1, **moving) for ax in (error, slopes)
        ],
        "dots": [
            slopes.plot([], [], **{**style.MEASURED, "color": color}, **moving)[0]
            for color in _LAYER_COLORS
        ],
    }  # fmt: skip


def draw_prelu(artists, result):
    """Move everything; True after a new training, whose curves stand still."""
    r = result
    new = _new_slopes(artists, r.film)
    ends = POINTS[[0, len(POINTS) // 2, -1]]
    artists["wanted"].set_data(ends, leaky_relu(r.target)(ends))
    artists["unit"].set_data(ends, leaky_relu(float(r.path[r.step]))(ends))
    artists["a"].set_text(f"{r.path[r.step] + 0.0:.6f}")
    every = np.arange(0, STEPS + 1, EVERY)
    off, theory = (_drawn(path - r.target) for path in (r.path, r.predicted))
    artists["path"].set_data(every, off[every])
    artists["predicted"].set_data(every, theory[every])
    for line in artists["now"]:
        line.set_xdata([r.step, r.step])
    for dots, slopes in zip(artists["dots"], r.slopes.T, strict=False):
        dots.set_data(np.full(NETS, r.step), slopes)
    return new


def _drawn(error):
    """For a log axis: 0 is drawn at its lower end."""
    return np.maximum(abs(error), _FLOOR)


def _new_slopes(artists, film):
    if artists["film"] is film:
        return False
    artists["film"] = film
    for artist in artists["curves"]:
        artist.remove()
    for dots in artists["dots"]:
        dots.set_data([], [])
    ax, layers = artists["slopes"], film.slopes.shape[-1]
    low, high = min(-0.2, film.slopes.min()), max(1.3, film.slopes.max())
    ax.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    artists["curves"] = [
        line
        for k in range(layers)
        for line in ax.plot(film.steps, film.slopes[..., k], color=_LAYER_COLORS[k], lw=0.9)
    ] + style.direct_labels(
        ax, [f"layer {k + 1}" for k in range(layers)], np.median(film.slopes[-1], 0),
        _LAYER_COLORS[:layers],
    )  # fmt: skip
    return True


def describe_prelu(result):
    """The figure in words."""
    r = result
    off, first = abs(r.path - r.target), r.film.start
    close = np.flatnonzero(off < 1e-6)
    found = f"from step {close[0]} on" if close.size else "not yet"
    layers = "; ".join(
        f"layer {k} {_three(slopes)}" for k, slopes in enumerate(r.slopes.T, start=1)
    )
    return (
        f"One unit starts with slope {first:g} and is shown a function with slope {r.target:g}: "
        f"after step {r.step} its slope is {r.path[r.step] + 0.0:.6f}, within 1e-6 {found}. {NETS} "
        f"nets on digits after step {r.step}, slopes (median, range): {layers}. At the end "
        f"{_percent(r.film.accuracy)} of the test digits are right. {r.film.message}"
    ).strip()


def _three(values):
    low, middle, high = (round(f(values), 2) + 0.0 for f in (np.min, np.median, np.max))
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _percent(shares):
    low, middle, high = (100 * f(shares) for f in (np.min, np.median, np.max))
    return f"{middle:.0f} % ({low:.0f} to {high:.0f})"


def prelu(target=-1.0, layers=3, start=0.25, lr=0.05, seed=0, frame=None):
    """Show slopes that are learned; arguments as for the record and `compute_prelu`."""
    return live(
        compute_prelu,
        build_prelu,
        draw_prelu,
        describe_prelu,
        controls={"target": number(target, *TARGETS, 0.05, "slope of the target")},
        call="leaky.prelu",
        size=(8.4, 4.3),
        record=record_prelu,
        slow={
            "layers": number(layers, *LAYERS, 1, "hidden layers"),
            "start": number(start, *STARTS, 0.05, "slope at the start"),
            "lr": number(lr, *RATES, 0.1, "learning rate", log=True),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        frames=lambda film: len(film.steps),
        frame=frame,
        button="Train",
    )


# --- A false derivative -------------------------------------------------------------------------

BIASES, SLOPES, START_RATES = (-8.0, 0.0), (0.01, 1.0), (0.03, 1.0)
WIDTHS, LENGTHS, FRAMES, START_BATCH = (8, 100), (400, 4000), 40, 64
BINS = np.arange(-11.0, 8.01, 0.5)  # of the highest z of a unit


def kinds(slope):
    """The three ways to treat z < 0: {name: activation}."""
    return {
        "ReLU": ACTIVATIONS["relu"],
        "false derivative": activations.surrogate("relu", leaky_relu(slope)),
        "leaky": leaky_relu(slope),
    }


_KIND_LOOKS = {
    "ReLU": style.look("relu"),
    "false derivative": {"color": style.VERMILLION, "linestyle": "-"},
    "leaky": style.look("leaky_relu"),
}


class Lives(NamedTuple):
    """NETS nets of one kind that start with dead units; axes (frames, nets).

    highest   (frames, nets, units) largest z of every unit over the digits to learn from
    accuracy  share of right answers on test digits
    affine    largest difference between the net and the affine map that it is while no unit is
              above 0, relative to its largest output; NaN where a unit is above 0
    """

    highest: np.ndarray
    accuracy: np.ndarray
    affine: np.ndarray

    @property
    def awake(self):
        """Share of units with z > 0 for at least one digit, (frames, nets)."""
        return (self.highest > 0).mean(-1)


class Starts(NamedTuple):
    """The recorded trainings: steps (frames,), {kind: Lives}, and what they started with."""

    steps: np.ndarray
    lives: dict
    bias: float
    slope: float
    message: str


class Wake(NamedTuple):
    """One frame of `Starts`.

    film, step  the record, and which step
    shares      {kind: (bins,)} share of the units by their highest z
    awake, accuracy  {kind: (nets,)} at this step
    first       {kind: (nets,)} first step looked at with a unit awake, -1 for never
    """

    film: Starts
    step: int
    shares: dict
    awake: dict
    accuracy: dict
    first: dict


def record_surrogate_start(*, bias=-4.0, slope=0.1, lr=0.3, width=32, steps=1000, seed=0):
    """Generator: train NETS nets of 64-width-10 of each kind, yield the progress, return `Starts`.

    bias   of all hidden units at the start, -8 to 0; weights by He's rule
    slope  of the leak and of the false derivative, 0.01 to 1; lr the learning rate, 0.03 to 1
    width  8 to 100 units; steps 400 to 4000, of 64 digits each; seed 0 to 99

    All kinds start with the same numbers and see the same batches.
    """
    bias, slope = real("bias", bias, *BIASES), real("slope", slope, *SLOPES)
    width, steps = whole("width", width, *WIDTHS), whole("steps", steps, *LENGTHS)
    lr, ways = real("lr", lr, *START_RATES), kinds(slope)
    frames = np.linspace(0, steps, FRAMES + 1).round().astype(int)
    jobs = [_from_below(act, bias, lr, width, frames, seed) for act in ways.values()]
    runs = yield from part(_in_turns(jobs), 0, 0.8)
    frames = np.array([step for step in frames if all(step in run.frames for run in runs)])
    lives = []
    for k, run in enumerate(runs):  # all of them at the same steps, if they were stopped as well
        lives.append((yield from part(_lives(run, frames), 0.8 + k / 15, 0.8 + (k + 1) / 15)))
    message = " ".join(run.message for run in runs if run.message)
    return Starts(frames, dict(zip(ways, lives, strict=True)), bias, slope, message)


def _in_turns(jobs):
    """Generator: run several generators of progress side by side, return their results."""
    progress, results, message = [None] * len(jobs), {}, None
    while len(results) < len(jobs):
        for k, job in enumerate(jobs):
            if k in results:
                continue
            try:  # a generator that has not begun takes no message
                progress[k] = job.send(None if progress[k] is None else message)
            except StopIteration as end:
                progress[k], results[k] = 1.0, end.value
            done = sum(share or 0.0 for share in progress) / len(jobs)
            message = (yield done) or message  # "stop" is for all of them
    return [results[k] for k in range(len(jobs))]


def _from_below(act, bias, lr, width, frames, seed):
    net, (train, _) = Net((64, width, 10), act), _digits()
    theta = net.init(_rng(seed, 0), "he", lead=(NETS,))
    net.layers(theta)[0][1][...] += bias
    return training(
        net, theta, train.X, train.Y, SOFTMAX, steps=int(frames[-1]), optimizer=SGD(lr),
        batch=START_BATCH, rng=_rng(seed, 1), record=frames,
    )  # fmt: skip


def _lives(run, frames):
    """Generator: look at the nets at the steps `frames`."""
    looks = []
    for step, theta in zip(run.frames, run.thetas, strict=True):
        if step in frames:
            looks.append(_look(run.net, theta))
            yield len(looks) / len(frames)
    return Lives(*(np.stack(part_) for part_ in zip(*looks, strict=True)))


@one_blas_thread()
def _look(net, theta):
    """(highest z (nets, units), right answers (nets,), difference from an affine map (nets,))."""
    (train, test), ((W, b), (V, c)) = _digits(), net.layers(theta)
    Z = train.X @ W + b
    highest, slope = Z.max(-2), float(-net.act.f(-1.0))
    outputs = net.act.f(Z) @ V + c
    straight = train.X @ (slope * W @ V) + slope * b @ V + c
    largest = abs(outputs).max((-2, -1))
    gap = abs(outputs - straight).max((-2, -1)) / np.where(largest > 0, largest, 1)
    right = accuracy(net.output(theta, test.X), test.Y)
    return highest, right, np.where((highest > 0).any(-1), np.nan, gap)


def compute_surrogate_start(*, record, frame=-1):
    """Look at a frame of `Starts`: 0 is the start, -1 the end."""
    frame = whole("frame", frame, -1, len(record.steps) - 1)
    lives = record.lives.items()
    return Wake(
        record, int(record.steps[frame]),
        {name: _shares(life.highest[frame]) for name, life in lives},
        {name: life.awake[frame] for name, life in lives},
        {name: life.accuracy[frame] for name, life in lives},
        {name: first_awake(record.steps, life.awake) for name, life in lives},
    )  # fmt: skip


def _shares(highest):
    """Share of the units in each bin; those beyond the ends count in the last ones."""
    inside = np.clip(highest.ravel(), BINS[0], BINS[-1])
    return np.histogram(inside, BINS)[0] / inside.size


def first_awake(steps, awake):
    """First of the steps (frames,) at which a share of awake (frames, nets) is above 0, or -1."""
    return np.where((awake > 0).any(0), steps[np.argmax(awake > 0, axis=0)], -1)


def build_surrogate_start(fig):
    """Left: the highest z of all units. Right: who is awake, and who answers right."""
    left, right = fig.subfigures(1, 2, width_ratios=(1, 1.25))
    highest, (awake, correct) = left.subplots(), right.subplots(2, 1, sharex=True)
    highest.set(xlim=(-11.2, 8.2), ylim=(0, 0.45), title="share of units, step")
    highest.set(xlabel="highest z over 1400 digits (ends: and beyond)")
    highest.axvline(0, color=style.INK, lw=1)
    for x, side, words in ((-0.3, "right", "dead"), (0.3, "left", "awake")):
        highest.text(x, 0.44, words, ha=side, va="top", color=style.GREY)
    awake.set(ylim=(-0.03, 1.03), title="units awake (median and range of 8 nets)")
    correct.set(ylim=(-0.03, 1.03), xlabel="step", title="right answers on test digits")
    for ax in (awake, correct):
        ax.set_yticks([0, 0.5, 1], ["0%", "50%", "100%"])
    moving = {"animated": True}
    return {
        "film": None, "axes": (awake, correct), "curves": [],
        "shares": [
            highest.stairs(np.zeros(len(BINS) - 1), BINS, lw=2.2, **_edge(look), **moving)
            for look in _KIND_LOOKS.values()
        ],
        "step": style.beside_title(highest, 0.55),
        "now": [ax.axvline(0, color=style.INK, lw=1, **moving) for ax in (awake, correct)],
    }  # fmt: skip


def _edge(look):
    return {"edgecolor": look["color"], "linestyle": look["linestyle"]}


def draw_surrogate_start(artists, result):
    """Move everything; True after a new training, whose curves stand still."""
    r = result
    new = _new_lives(artists, r.film)
    for stairs, shares in zip(artists["shares"], r.shares.values(), strict=True):
        stairs.set_data(shares)
    artists["step"].set_text(str(r.step))
    for line in artists["now"]:
        line.set_xdata([r.step, r.step])
    return new


def _new_lives(artists, film):
    if artists["film"] is film:
        return False
    artists["film"] = film
    for artist in artists["curves"]:
        artist.remove()
    artists["curves"] = [
        artist
        for ax, values in zip(artists["axes"], ("awake", "accuracy"), strict=True)
        for artist in _curves(ax, film, {n: getattr(x, values) for n, x in film.lives.items()})
    ]
    return True


def _curves(ax, film, values):
    ax.set_xlim(0, 1.01 * max(film.steps[-1], 1))
    for name, look in _KIND_LOOKS.items():
        yield from over_nets(ax, film.steps, values[name], **look)
    ends = [np.median(values[name][-1]) for name in _KIND_LOOKS]
    colors = [look["color"] for look in _KIND_LOOKS.values()]
    yield from style.direct_labels(ax, ["ReLU", "false deriv.", "leaky"], ends, colors)


def over_nets(ax, steps, values, color, **look):
    """Median of values (frames, nets) as a line, range as a band; both stand still."""
    (line,) = ax.plot(steps, np.median(values, 1), color=color, **look)
    return line, ax.fill_between(steps, values.min(1), values.max(1), **style.band(color))


def describe_surrogate_start(result):
    """The figure in words."""
    r = result
    lines = [
        f"{name}: awake {_percent(r.awake[name])}, right answers {_percent(r.accuracy[name])}; "
        f"{_first(r.first[name], r.film.steps)}"
        for name in r.awake
    ]
    gaps = r.film.lives["leaky"].affine
    straight = (
        f" While no unit is awake a leaky net is an affine map; largest difference "
        f"{'below 1e-12' if np.nanmax(gaps) < 1e-12 else f'{np.nanmax(gaps):.1e}'}."
        if np.isfinite(gaps).any()
        else ""
    )
    return (
        f"{NETS} nets of each kind, bias {r.film.bias:g} at the start, slope {r.film.slope:g} "
        f"below 0. After step {r.step} (median, range): {'. '.join(lines)}.{straight} "
        f"{r.film.message}"
    ).strip()


def _first(steps, looked):
    """When the first unit woke up, over the nets."""
    woken = steps[steps >= 0]
    if not woken.size:
        return f"no unit woke up in {looked[-1]} steps"
    nets = "" if woken.size == steps.size else f"in {woken.size} of {steps.size} nets "
    return f"first unit awake {nets}at step {np.median(woken):.0f} ({woken.min()} to {woken.max()})"


def surrogate_start(bias=-4.0, slope=0.1, lr=0.3, width=32, steps=1000, seed=0, frame=None):
    """Show nets that start dead; arguments as for the record and `compute_surrogate_start`."""
    return live(
        compute_surrogate_start,
        build_surrogate_start,
        draw_surrogate_start,
        describe_surrogate_start,
        controls={},
        call="leaky.surrogate_start",
        size=(8.4, 4.3),
        record=record_surrogate_start,
        slow={
            "bias": number(bias, *BIASES, 0.5, "bias at the start"),
            "slope": number(slope, *SLOPES, 0.1, "slope below 0", log=True),
            "lr": number(lr, *START_RATES, 0.1, "learning rate", log=True),
            "width": number(width, *WIDTHS, 4, "hidden units"),
            "steps": number(steps, *LENGTHS, 200, "steps"),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        frames=lambda film: len(film.steps),
        frame=frame,
        button="Train",
    )
