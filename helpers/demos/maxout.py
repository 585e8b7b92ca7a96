"""Maxout: the largest of k straight lines, and how well it follows a convex function.

The k lines touch the function in the middles of k equal pieces of [0, 1] and are lifted by half of
their largest error. For x^2 that error is exactly 1 / (8 k^2), and no k lines can do better.

Source: Goodfellow, Warde-Farley, Mirza, Courville & Bengio, Maxout networks (ICML 2013,
arXiv:1302.4389), section 3: a maxout unit can be any convex piecewise linear function, and the
difference of two can come near any continuous one.
"""

from functools import lru_cache, partial
from math import inf
from typing import NamedTuple

import numpy as np

from helpers import style
from helpers.activations import YOURS
from helpers.activations import own as own_record
from helpers.checks import one_of, values_of, whole
from helpers.live import choice, live, number, toggle
from helpers.theory import interpolation_bound

PIECES = (1, 32)
X = np.linspace(0, 1, 401)
COUNTS = np.array([1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32])
NEARLY = 1e-9  # a line that lies above f by less is a tangent, up to rounding


class Convex(NamedTuple):
    """A convex function on [0, 1]: formula in words, f, its slope, and the largest f''."""

    words: str
    f: object
    df: object
    curvature: float


FUNCTIONS = {
    "square": Convex("x²", np.square, lambda x: 2 * x, 2.0),
    "exponential": Convex("e^x - 1", np.expm1, np.exp, np.e),
    "hinge": Convex("max(0, 2x - 1)", lambda x: np.maximum(0, 2 * x - 1),
                    lambda x: 2.0 * (x > 0.5), inf),
}  # fmt: skip


class Maxout(NamedTuple):
    """k lines and what they leave.

    name, pieces  the function, and k; lifted: whether by half of the error
    largest       largest |error|
    wanted        (401,) f at X; lines (k, 401); error (401,) largest line - f
    errors        (13,) largest |error| for the numbers of lines COUNTS
    bound         largest error by theory, nan where f'' has no bound
    inside        how many of the k lines are the largest one somewhere
    """

    name: str
    pieces: int
    lifted: bool
    largest: float
    wanted: np.ndarray
    lines: np.ndarray
    error: np.ndarray
    errors: np.ndarray
    bound: float
    inside: int


def compute_maxout(*, function=None, pieces=3, lift=True, own=None):
    """The maximum of `pieces` tangents of a convex function on [0, 1].

    function  a name in FUNCTIONS, or "your function" for `own`; None: own if given, else "square"
    pieces    number of lines, 1 to 32; lift: whether they are lifted by half of the largest error
    own       the learner's function, of an array or of one number; ValueError if it is not convex
    """
    name, convex = _chosen(function, own)
    k, wanted = whole("pieces", pieces, *PIECES), convex.f(X)
    lines = tangents(convex, k, X) + (_depth(convex, k) / 2 if lift else 0.0)
    top = lines.max(0)
    bound = interpolation_bound(k, convex.curvature) if convex.curvature < inf else np.nan
    half = 2 if lift else 1
    return Maxout(
        name, k, bool(lift), _depth(convex, k) / half, wanted, lines, top - wanted,
        _errors(convex) / half, bound / half, len(np.unique(lines.argmax(0))),
    )  # fmt: skip


def tangents(convex, k, x):
    """(k, n) values at x (n,) of the lines that touch f in the middles of k equal pieces."""
    middles = (np.arange(k)[:, None] + 0.5) / k
    return convex.f(middles) + convex.df(middles) * (x - middles)


@lru_cache(maxsize=256)
def _depth(convex, k):
    """How far the highest tangent lies below f at most; usually at the end of a piece."""
    x = np.concatenate([X, np.arange(k + 1) / k])
    return float((convex.f(x) - tangents(convex, k, x).max(0)).max())


def _errors(convex):
    return np.array([_depth(convex, int(k)) for k in COUNTS])


def _chosen(name, own):
    yours = [] if own is None else [YOURS]
    name = name or (yours or ["square"])[0]
    one_of("function", name, [*FUNCTIONS, *yours])
    return name, FUNCTIONS.get(name) or _convex(own)


def _convex(own):
    """The learner's function as a `Convex`, with slopes that are measured."""
    if isinstance(own, Convex):
        return own
    act = own_record(own)
    values = values_of("own", act.f, X)
    bend = np.diff(values, 2)
    if bend.min() < -NEARLY * max(1.0, np.ptp(values)):
        raise ValueError(
            f"own must be convex on [0, 1], but near x = {X[int(bend.argmin()) + 1]:.2f} it bends "
            "downwards: there no maximum of straight lines can follow it"
        )
    return Convex(YOURS, act.f, act.df, inf)


# --- The picture --------------------------------------------------------------------------------

_MINE = style.GREEN
_FLOOR = 1e-5  # of the drawn error: exactly 0 lies there


def build_maxout(fig):
    """Left: the lines and the function. Right: the error over x, and over the number of lines."""
    left, right = fig.subfigures(1, 2, width_ratios=(1.15, 1))
    lines, (error, rate) = left.subplots(), right.subplots(2, 1)
    lines.set(xlim=(0, 1), ylim=(-0.35, 1.05), xlabel="x", title="the largest of k lines")
    error.set(xlim=(0, 1), ylim=(-1.15, 1.15), xlabel="x", title="error / largest error")
    error.axhline(0, color="0.75", lw=1, zorder=0)
    rate.set(xscale="log", yscale="log", xlim=(0.85, 38), ylim=(_FLOOR / 2, 2))
    rate.set(xlabel="number of lines k", title="largest error:")
    rate.set_xticks([1, 2, 4, 8, 16, 32], ["1", "2", "4", "8", "16", "32"])
    rate.set_yticks([_FLOOR, 1e-4, 1e-2, 1], ["0", "$10^{-4}$", "$10^{-2}$", "1"])
    rate.minorticks_off()
    moving = {"animated": True}
    return {
        "lines": lines,
        "each": lines.plot([], [], color="0.6", lw=1, **moving)[0],
        "top": lines.plot([], [], color=_MINE, lw=4, alpha=0.6, **moving)[0],
        "wanted": lines.plot([], [], **style.THEORY, **moving)[0],
        "error": error.plot([], [], color=_MINE, **moving)[0],
        "bound": rate.plot([], [], **style.THEORY, **moving)[0],
        "errors": rate.plot([], [], **style.MEASURED, color=_MINE, **moving)[0],
        "now": rate.plot([], [], **_RING, **moving)[0],
        "size": style.beside_title(rate, 0.42),
    }


_RING = {"marker": "o", "ms": 12, "mfc": "none", "mec": style.VERMILLION, "mew": 2, "ls": "none"}


def draw_maxout(artists, result):
    """Move everything; a full redraw when the function needs other limits."""
    r, gap = result, np.nan
    ends = [(x, y) for line in r.lines for x, y in ((0, line[0]), (1, line[-1]), (gap, gap))]
    artists["each"].set_data(*np.array(ends).T)
    artists["top"].set_data(X, r.lines.max(0))
    artists["wanted"].set_data(X, r.wanted)
    largest = r.largest
    artists["error"].set_data(X, r.error / largest if largest > NEARLY else 0 * X)
    artists["errors"].set_data(COUNTS, np.maximum(r.errors, _FLOOR))
    artists["bound"].set_data(COUNTS, r.bound * (r.pieces / COUNTS) ** 2)
    artists["now"].set_data([r.pieces], [max(largest, _FLOOR)])
    artists["size"].set_text(_size(largest))
    return _fit(artists["lines"], r.wanted)


def _fit(ax, wanted):
    low, high = wanted.min(), max(wanted.max(), wanted.min() + 1e-6)
    limits = (float(low - 0.3 * (high - low)), float(high + 0.05 * (high - low)))
    if ax.get_ylim() == limits:
        return False
    ax.set_ylim(limits)
    return True


def _size(x):
    return f"{x:.3g}" if x > NEARLY else "0"


def describe_maxout(result):
    """The figure in words."""
    r = result
    words = FUNCTIONS[r.name].words if r.name in FUNCTIONS else r.name
    bound = f" (theory: at most {r.bound:.4g})" if r.bound == r.bound else ""
    lifted = "lifted by half of their error" if r.lifted else "not lifted"
    halves = r.errors[COUNTS == 32][0]
    return (
        f"The largest of {r.pieces} straight lines, {lifted}, against {words} on [0, 1]: largest "
        f"error {_size(r.largest)}{bound}; {r.inside} of the lines are on top somewhere. With 1, 2 "
        f"and 4 lines the error is {', '.join(_size(r.errors[COUNTS == k][0]) for k in (1, 2, 4))},"
        f" with 32 lines {_size(halves)}."
    )


def maxout(function=None, pieces=3, lift=True, own=None):
    """Show maxout; `maxout(own=my_function)` takes any function that is convex on [0, 1]."""
    record = None if own is None else _convex(own)
    yours = {YOURS: YOURS} if record else {}
    names = {**yours, **{convex.words: name for name, convex in FUNCTIONS.items()}}
    name = getattr(own, "__name__", "")
    mine = name if name.isidentifier() else "my_function"
    return live(
        partial(compute_maxout, own=record),
        build_maxout,
        draw_maxout,
        describe_maxout,
        controls={
            "function": choice(function or next(iter({**yours, "square": 0})), names, "function"),
            "pieces": number(pieces, *PIECES, 1, "lines k"),
            "lift": toggle(lift, "lift by half of the error"),
        },
        call=f"maxout.maxout(own={mine}, " if record else "maxout.maxout",
        size=(8.4, 4.2),
    )
