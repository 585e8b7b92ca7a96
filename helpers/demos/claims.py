"""Claims on trial: what is said of activations, as paired differences over many seeds.

trial  two nets per seed that differ in the claim alone; the interval of the mean difference for any
       number of seeds, and the verdicts on all claims

One seed is one choice of 300 digits to learn from, one random start and one order of the batches.
Both nets of a pair have all three in common. Every difference is counted so that it is positive
where the claim is right; percentages are given in points.
"""

from collections.abc import Callable
from functools import lru_cache
from math import inf, isnan, log2, nan
from typing import NamedTuple

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from helpers import style
from helpers.activations import ABS, RELU, TANH, leaky_relu, mixed
from helpers.checks import finite, one_of, whole
from helpers.datasets import digits
from helpers.live import choice, live, number
from helpers.losses import SOFTMAX, accuracy
from helpers.network import Net
from helpers.threads import one_blas_thread
from helpers.training import SGD, part, training

# --- The method: paired differences -------------------------------------------------------------

NETS = 24  # seeds of a trial

# 97.5 % points of Student's t with 1, 2, ... 23 degrees of freedom (Student, 1908, Biometrika 6).
STUDENT = (
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010,
    2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687,
)  # fmt: skip
SHOWS, NOT_HERE, REVERSED = "shows", "does not show here", "the other way round"
ONE_RUN, UNTRIED = "no verdict from one seed", "not trained"


class Paired(NamedTuple):
    """Mean of n paired differences, their standard deviation, and half the 95 % interval.

    With one difference there is no interval: spread NaN, half infinite.
    """

    n: int
    mean: float
    spread: float
    half: float

    @property
    def verdict(self):
        """What the interval says about the claim that the mean is above zero."""
        if isnan(self.mean):
            return UNTRIED
        if self.n == 1:
            return ONE_RUN
        if abs(self.mean) <= self.half:
            return NOT_HERE
        return SHOWS if self.mean > 0 else REVERSED


def paired(differences):
    """`Paired` of 1 to 24 differences: the interval is mean +- t * spread / sqrt(n).

    t is Student's, which is 1.96 for many differences only: with 3 of them it is 4.3.
    """
    values = finite("differences", differences)
    n = whole("the number of differences", values.size, 1, NETS)
    mean = float(values.mean())
    if n == 1:
        return Paired(1, mean, nan, inf)
    spread = float(values.std(ddof=1))
    return Paired(n, mean, spread, STUDENT[n - 2] * spread / n**0.5)


# --- What both nets of a pair have in common ----------------------------------------------------

PIXELS, LEAKS, SEEDS = ("from 0 to 1", "standardised"), (0.01, 0.1, 0.3), (0, 99)
FEW, WRONG = 300, 60  # digits to learn from, and how many of them get a wrong label if any do


class Split(NamedTuple):
    """NETS times FEW digits to learn from; Y_wrong: WRONG labels changed.

    new  (nets, 1497) places of the others; mean, spread  of the pixels of each net's own digits
    """

    X: np.ndarray
    Y: np.ndarray
    Y_wrong: np.ndarray
    new: np.ndarray
    mean: np.ndarray
    spread: np.ndarray

    def unseen(self):
        """The other digits, net by net: all at once they would take 20 MB."""
        X, Y, _ = digits()
        for rows, mean, spread in zip(self.new, self.mean, self.spread, strict=True):
            yield (X[rows] - mean) / spread, Y[rows]


@lru_cache(maxsize=2)
def _split(pixels, seed, nets):
    X, Y, _ = digits()
    rng = _rng(seed, 0)
    order = rng.permuted(np.tile(np.arange(len(X)), (nets, 1)), axis=-1)
    old, new = order[:, :FEW], order[:, FEW:]
    changed = Y[old].copy()
    changed[:, :WRONG] += rng.integers(1, 10, (nets, WRONG))
    X_old, mean, spread = X[old], np.zeros((nets, 1, 1)), np.ones((nets, 1, 1))
    if one_of("pixels", pixels, PIXELS) == PIXELS[1]:
        mean = X_old.mean(1, keepdims=True)
        spread = (X_old - mean).std((1, 2), keepdims=True)
    return Split((X_old - mean) / spread, Y[old], changed % 10, new, mean, spread)


def _rng(seed, stream):
    return np.random.default_rng([whole("seed", seed, *SEEDS), stream])


class Scores(NamedTuple):
    """One kind of net: share of right answers on its own digits and on new ones, (nets,) each."""

    old: np.ndarray
    new: np.ndarray


def _trained(act, split, seed, *, labels="Y", scheme="he", hidden=(64, 64), lr, steps, batch):
    """Generator: train one kind of net on all seeds, return Scores, or None if sent "stop"."""
    net, Y = Net((64, *hidden, 10), act), getattr(split, labels)
    theta = net.init(_rng(seed, 1), scheme, lead=len(Y))
    how = dict(optimizer=SGD(lr), batch=batch, rng=_rng(seed, 2), record=[])
    run = yield from training(net, theta, split.X, Y, SOFTMAX, steps=steps, **how)
    if run.stopped:
        return None
    own = zip(split.X, Y, strict=True)
    return Scores(_one_by_one(net, run.theta, own), _one_by_one(net, run.theta, split.unseen()))


def _one_by_one(net, thetas, sets):
    """(nets,) share of right answers of each net on its own set; all at once they take 100 MB."""
    pairs = zip(thetas, sets, strict=True)
    return np.array([_right(net, theta, X, Y) for theta, (X, Y) in pairs])


@one_blas_thread()
def _right(net, theta, X, Y):
    with np.errstate(all="ignore"):  # nets that diverged
        return accuracy(net.output(theta, X), Y)


def _few(act, labels="Y"):
    return lambda split, seed, leak: _trained(
        act or leaky_relu(leak), split, seed, labels=labels, lr=0.2, steps=300, batch=32
    )


DEEP = 20  # hidden layers


def _deep(act, scheme):
    return lambda split, seed, leak: _trained(
        act, split, seed, scheme=scheme, hidden=(32,) * DEEP, lr=0.01, steps=200, batch=16
    )


RATES = (0.1, 0.2, 0.4, 0.8)  # of which the speed of a net is taken at the best
LOOKS = (*range(0, 16, 2), *range(16, 81, 4))


class Speed(NamedTuple):
    """Steps (rates, nets) until 90 % of the digits are learned; never counts as the last look."""

    steps: np.ndarray

    @property
    def best(self):
        """(nets,) at the one rate that is best for the mean over the seeds."""
        return self.steps[self.steps.mean(1).argmin()]


def _timed(act):
    return lambda split, seed, _: _first_steps(act, split, seed)


def _first_steps(act, split, seed):
    """Generator: train at all RATES, return Speed, or None if sent "stop"."""
    net = Net((64, 64, 64, 10), act)
    starts = net.init(_rng(seed, 1), "he", lead=len(split.Y))
    theta = np.broadcast_to(starts, (len(RATES), *starts.shape))
    run = yield from training(
        net, theta, split.X, split.Y, SOFTMAX, steps=LOOKS[-1], batch=32, rng=_rng(seed, 2),
        optimizer=SGD(np.array(RATES)[:, None]), record=LOOKS,
        keep=lambda theta: [_right(net, at_rate, split.X, split.Y) for at_rate in theta],
    )  # fmt: skip
    if run.stopped:
        return None
    return Speed(crossings(run.frames, np.array(run.thetas), 0.9))


def crossings(steps, shares, level):
    """When `shares` (looks, ...) first reach a level, linear between two looks; else the last step.

    Whole looks would make ties of most pairs, and the spread of few pairs would be 0.
    """
    reached = shares >= level
    after = np.maximum(reached.argmax(0), 1)
    low, high = (np.take_along_axis(shares, k[None], 0)[0] for k in (after - 1, after))
    rise = np.where(high > low, high - low, 1.0)
    between = np.clip((level - low) / rise, 0, 1)
    times = steps[after - 1] + between * (steps[after] - steps[after - 1])
    return np.where(reached.any(0), times, steps[-1])


_PARTS = mixed(RELU, TANH, ABS)
KINDS = {
    "ReLU": _few(RELU), "leaky": _few(None), "mixed": _few(_PARTS), "abs": _few(ABS),
    "ReLU, wrong labels": _few(RELU, "Y_wrong"), "leaky, wrong labels": _few(None, "Y_wrong"),
    "ReLU, timed": _timed(RELU), "tanh, timed": _timed(TANH),
    "ReLU, 1/n": _deep(RELU, "lecun"), "leaky, 1/n": _deep(leaky_relu(), "lecun"),
    "ReLU, 2/n": _deep(RELU, "he"), "leaky, 2/n": _deep(leaky_relu(), "he"),
}  # fmt: skip


# --- The claims ---------------------------------------------------------------------------------


def _gap(scores):
    """Minus the distance of the answers on new digits from those on the net's own, in points."""
    return 100 * (scores.new - scores.old)


def _new(scores):
    return 100 * scores.new


def _old(scores):
    return 100 * scores.old


def _pace(speed):
    return -np.log2(speed.best)


class Claim(NamedTuple):
    """`better` is said to have more of a `quantity` than `reference` (names in KINDS).

    says   two lines for the table; title one line for the graph
    unit   of a difference: "points", or "doublings" of the pace
    """

    says: str
    title: str
    better: str
    reference: str
    quantity: Callable
    unit: str = "points"


CLAIMS = {
    "smaller gap": Claim(
        "ReLU overfits less than\na leak: smaller gap", "gap: leaky minus ReLU",
        "ReLU", "leaky", _gap,
    ),
    "smaller gap, wrong labels": Claim(
        "with 20 % wrong labels:\nsmaller gap", "gap, wrong labels: leaky minus ReLU",
        "ReLU, wrong labels", "leaky, wrong labels", _gap,
    ),
    "new digits, wrong labels": Claim(
        "with 20 % wrong labels:\nmore new digits right", "new digits right: ReLU minus leaky",
        "ReLU, wrong labels", "leaky, wrong labels", _new,
    ),
    "ReLU faster than tanh": Claim(
        "ReLU is faster than tanh\n(doublings, claim 2.6)", "pace of ReLU over pace of tanh",
        "ReLU, timed", "tanh, timed", _pace, "doublings",
    ),
    "mixed beats ReLU": Claim(
        "mixed units beat ReLU:\nmore new digits right", "new digits right: mixed minus ReLU",
        "mixed", "ReLU", _new,
    ),
    "mixed beats abs": Claim(
        "mixed units beat abs:\nmore new digits right", "new digits right: mixed minus abs",
        "mixed", "abs", _new,
    ),
    "leak goes deeper, 1/n": Claim(
        "a leak trains 20 layers,\nweights of variance 1/n", "digits learned: leaky minus ReLU",
        "leaky, 1/n", "ReLU, 1/n", _old,
    ),
    "leak goes deeper, 2/n": Claim(
        "a leak trains 20 layers,\nweights of variance 2/n", "digits learned: leaky minus ReLU",
        "leaky, 2/n", "ReLU, 2/n", _old,
    ),
    "2/n goes deeper than 1/n": Claim(
        "variance 2/n, not 1/n,\ntrains 20 ReLU layers", "digits learned: 2/n minus 1/n",
        "ReLU, 2/n", "ReLU, 1/n", _old,
    ),
}  # fmt: skip
SIX_TIMES = log2(6)


class Trial(NamedTuple):
    """The record: paired differences (nets,) by claim, NaN where a net was not trained.

    results  [claim][n - 1]: `Paired` of the first n differences
    """

    pixels: str
    leak: float
    differences: dict
    results: dict


def record_trial(*, pixels="from 0 to 1", leak=0.3, seed=0, claims=tuple(CLAIMS)):
    """Generator: train all nets of `claims` on 24 seeds, yield the progress, return a Trial.

    pixels  "from 0 to 1" or "standardised" (mean 0 and one common deviation)
    leak    of the leaky nets in the first three claims: 0.01, 0.1 or 0.3; the deep ones have 0.01
    seed    0 to 99, of the 24 seeds; claims: names in CLAIMS

    Sent "stop", it returns what there is.
    """
    if leak not in LEAKS:
        raise ValueError(f"leak must be one of {', '.join(map(str, LEAKS))}, got {leak!r}")
    chosen = {name: CLAIMS[one_of("claim", name, CLAIMS)] for name in claims}
    kinds = [k for k in KINDS if any(k in (c.better, c.reference) for c in chosen.values())]
    split, known = _split(pixels, seed, NETS), {}
    for i, kind in enumerate(kinds):
        job = KINDS[kind](split, seed, leak)
        known[kind] = yield from part(job, i / len(kinds), (i + 1) / len(kinds))
        if known[kind] is None:
            break
    differences = {name: _difference(claim, known) for name, claim in chosen.items()}
    return Trial(pixels, leak, differences, {k: _results(d) for k, d in differences.items()})


def _difference(claim, known):
    sides = [known.get(name) for name in (claim.better, claim.reference)]
    if None in sides:
        return np.full(NETS, nan)
    better, reference = map(claim.quantity, sides)
    return better - reference


def _results(differences):
    if not np.isfinite(differences).all():
        return [Paired(n, nan, nan, nan) for n in range(1, NETS + 1)]
    return [paired(differences[:n]) for n in range(1, NETS + 1)]


class Verdicts(NamedTuple):
    """A trial after the first `seeds` pairs, with one claim to look at closely."""

    trial: Trial
    claim: str
    seeds: int

    @property
    def now(self):
        """`Paired` of every claim."""
        return {name: results[self.seeds - 1] for name, results in self.trial.results.items()}


def compute_trial(*, record, claim="smaller gap", seeds=NETS):
    """Look at a Trial: claim, a name in CLAIMS that it has; seeds, 1 to 24 of them."""
    one_of("claim", claim, record.differences)
    return Verdicts(record, claim, whole("seeds", seeds, 1, NETS))


# --- The figure ---------------------------------------------------------------------------------

CHOSEN = "#E8EEF4"  # behind the row of the claim that is drawn
MARKS = {  # x in the table, colour, marker
    REVERSED: (0.77, style.VERMILLION, "v"),
    NOT_HERE: (0.88, style.GREY, "o"),
    SHOWS: (0.96, style.GREEN, "^"),
}
_TOP, _PITCH, _EFFECT = 0.93, 0.103, 0.67


def build_trial(fig):
    """Left: one claim, seed after seed. Right: the table of all."""
    left, right = fig.subfigures(1, 2, width_ratios=(1, 1.32))
    return {"shown": None, **_build_path(left.subplots()), **_build_table(right.subplots())}


def _build_path(ax):
    ax.set(xlim=(0, NETS + 1), xlabel="seeds", xticks=(1, 6, 12, 18, 24))
    ax.axhline(0, **style.THEORY)
    band = ax.fill_between([1, 2], 0, 0, **style.band(style.BLUE))
    band.set_animated(True)
    dots = {**style.MEASURED, "color": style.ORANGE}
    return {
        "ax": ax,
        "band": band,
        "mean": ax.plot([], [], color=style.BLUE, animated=True)[0],
        "dots": ax.plot([], [], **dots, animated=True)[0],
        "claimed": ax.axhline(SIX_TIMES, color=style.GREY, lw=1.2, ls=(0, (4, 3))),
        "claimed name": ax.text(NETS + 0.8, SIX_TIMES, "claimed: 6 times", ha="right", va="bottom"),
    }


def _build_table(ax):
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_axis_off()
    ax.text(_EFFECT, 1, "effect ± 95 %", ha="right", va="top", color=style.GREY)
    for (x, color, _), word in zip(MARKS.values(), ("reverse", "no", "yes"), strict=True):
        ax.text(x, 1, word, ha="center", va="top", color=style.readable(color))
    row = Rectangle((-0.025, 0), 1.045, _PITCH, fc=CHOSEN, lw=0, zorder=0, clip_on=False)
    numbers = []
    for k, claim in enumerate(CLAIMS.values()):
        ax.text(0, _row(k), claim.says, va="center", linespacing=1.1, size=10.5)
        numbers.append(ax.text(_EFFECT, _row(k), "", ha="right", va="center", animated=True))
    return {
        "row": ax.add_patch(row),
        "numbers": numbers,
        "marks": {
            verdict: ax.plot([], [], ls="none", marker=marker, ms=9, color=color, animated=True)[0]
            for verdict, (_, color, marker) in MARKS.items()
        },
    }


def _row(k):
    return _TOP - (k + 0.5) * _PITCH


def draw_trial(artists, result):
    """Move everything; True when another claim, or another trial, is drawn."""
    results = result.trial.results[result.claim][: result.seeds]
    n, means, halves = (np.array([getattr(one, what) for one in results])
                        for what in ("n", "mean", "half"))  # fmt: skip
    shown = np.isfinite(halves)
    artists["band"].set_data(n[shown], (means - halves)[shown], (means + halves)[shown])
    artists["mean"].set_data(n, means)
    artists["dots"].set_data(n, result.trial.differences[result.claim][: result.seeds])
    now = result.now
    for text, name in zip(artists["numbers"], CLAIMS, strict=True):
        text.set_text(_effect(now[name]) if name in now else "")
    for verdict, (x, _, _) in MARKS.items():
        rows = [_row(k) for k, name in enumerate(CLAIMS)
                if name in now and now[name].verdict == verdict]  # fmt: skip
        artists["marks"][verdict].set_data([x] * len(rows), rows)
    return _new_claim(artists, result)


def _effect(one):
    """Mean and half of the interval as they are written."""
    if isnan(one.mean):
        return ""
    half = "?" if one.half == inf else _short(one.half)
    return f"{_short(one.mean, '+')} ± {half}"


def _short(x, sign=""):
    return f"{round(x, 2) + 0.0:{sign}.{1 if abs(x) >= 9.95 else 2}f}"


def _new_claim(artists, result):
    if artists["shown"] == (result.claim, id(result.trial)):
        return False
    artists["shown"] = result.claim, id(result.trial)
    claim, ax = CLAIMS[result.claim], artists["ax"]
    timed = claim.quantity is _pace
    ax.set_title(claim.title)
    artists["row"].set_y(_row(list(CLAIMS).index(result.claim)) - _PITCH / 2)
    differences = np.nan_to_num(result.trial.differences[result.claim])
    ax.set_ylabel("ratio, as claimed above 1x" if timed else "points, as claimed above 0")
    low, high = min(differences.min(), -0.5), max(differences.max(), SIX_TIMES if timed else 0.5)
    ax.set_ylim(low - 0.12 * (high - low), high + 0.12 * (high - low))
    for name in ("claimed", "claimed name"):
        artists[name].set_visible(timed)
    _ticks(ax.yaxis, timed)
    return True


def _ticks(axis, timed):
    """Factors for the pace, 1/2, 1, 2, 4; round numbers of points for everything else."""
    axis.set_major_locator(MultipleLocator(1) if timed else MaxNLocator(6))
    factor = FuncFormatter(lambda y, _: f"{2.0**y:g}x" if y >= 0 else f"1/{2.0**-y:g}x")
    axis.set_major_formatter(factor if timed else FuncFormatter(lambda y, _: f"{y:g}"))


def describe_trial(result):
    """The table in words."""
    rows = (f"{name}: {_in_words(name, one)}{one.verdict}" for name, one in result.now.items())
    trial, seeds = result.trial, "seeds" if result.seeds > 1 else "seed"
    return (
        f"Pixels {trial.pixels}, leak {trial.leak:g}, {result.seeds} {seeds}. Mean difference ± "
        f"half of the 95 % interval (standard deviation over the seeds), verdict: "
        f"{'; '.join(rows)}. Drawn seed by seed: {result.claim} ({CLAIMS[result.claim].title})."
    )


def _in_words(name, one):
    if isnan(one.mean):
        return ""
    spread = "" if isnan(one.spread) else f" ({_short(one.spread)})"
    return f"{_effect(one)} {CLAIMS[name].unit}{spread}, "


def trial(claim="smaller gap", seeds=NETS, pixels="from 0 to 1", leak=0.3, seed=0):
    """Put all claims on trial; arguments as for the record and `compute_trial`."""
    return live(
        compute_trial,
        build_trial,
        draw_trial,
        describe_trial,
        controls={
            "claim": choice(claim, list(CLAIMS), "claim"),
            "seeds": number(seeds, 1, NETS, 1, "seeds"),
        },
        call="claims.trial",
        size=(8.4, 4.8),
        record=record_trial,
        slow={
            "pixels": choice(pixels, PIXELS, "pixels"),
            "leak": choice(leak, {f"{a:g}": a for a in LEAKS}, "leak"),
            "seed": number(seed, *SEEDS, 1, "seed of the seeds"),
        },
        button="Train",
    )
