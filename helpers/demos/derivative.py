"""The slope of an activation: as a tangent, as a quotient of differences, and in two coats.

tangent       f and f' together, with a tangent that slides along any activation
step_size     the numerical derivative and its error against the step h, in two precisions
find_the_bug  a plot of a numerical derivative that looks right and is not, twice
two_coats     tanh is a sigmoid, stretched and shifted

Each demo is a result, `compute_*` (pure), `build_*` (axes, once), `draw_*` (moves artists),
`describe_*` (the numbers in words) and the public function that makes the controls.
"""

from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from matplotlib.ticker import MaxNLocator

from helpers import style
from helpers.activations import ACTIVATIONS, SIGMOID, TANH, record_of
from helpers.checks import finite, one_of, real, whole
from helpers.diagnostics import saturated_zones
from helpers.live import choice, live, number


def _height_axis(ax, name):
    """Ticks at round numbers, and the name where no tick label of any setting can reach it."""
    ax.set_ylabel(name)
    ax.yaxis.set_label_coords(-0.17, 0.5)
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=(1, 2, 2.5, 5, 10)))
    ax.axhline(0, color="0.85", lw=1)


def _refit(ax, values, least=0.0, edge=0.08):
    """Limits of the y axis around `values`, at least `least` apart, with an edge."""
    low, high = np.min(values), np.max(values)
    span = max(high - low, least)
    ax.set_ylim(low - edge * span, low + (1 + edge) * span)


# --- Slope under your finger --------------------------------------------------------------------

REACH = 8.0
PLACES = np.linspace(-REACH, REACH, 1601)  # 0 is one of them
FLAT = 0.01  # below this slope the curve counts as flat: 1 %
TOUCHING = 2.5  # half the length of the drawn tangent, along z
WIDE = 2.5  # flat parts at an end of the axis that have room for a number
YOURS = "yours"  # the name of the learner's own activation in the list
QUOTIENT_STEP, AGREES = 1e-5, 1e-4  # when a df is held against its f


class Tangent(NamedTuple):
    """An activation, its slope, and one place on it.

    name, formula  of the activation
    z              the place; value and slope are f(z) and f'(z)
    curve, slopes  (1601,) f and f' at PLACES
    peak           the largest f' on PLACES; peak_at its place, NaN if it has more than one
    ends           (k + 1,) where the flat parts, |f'| < FLAT, begin and end; from -REACH to REACH
    flat           (k,) whether f is flat from one end to the next
    wrong          share of PLACES where df is not the slope of f (0, but for a learner's slip)
    """

    name: str
    formula: str
    z: float
    value: float
    slope: float
    curve: np.ndarray
    slopes: np.ndarray
    peak: float
    peak_at: float
    ends: np.ndarray
    flat: np.ndarray
    wrong: float


def compute_tangent(*, activation=None, z=2.0, own=None):
    """One place on an activation, and what its slope does everywhere.

    activation  a name in ACTIVATIONS, or "yours" for `own`; None: own if given, else "sigmoid"
    z           the place, -8 to 8
    own         the learner's Activation
    """
    name = activation or ("sigmoid" if own is None else YOURS)
    one_of("activation", name, [*ACTIVATIONS, *[YOURS] * (own is not None)])
    act = _checked(own) if name == YOURS else ACTIVATIONS[name]
    z = real("z", z, -REACH, REACH)
    curve, slopes = act.f(PLACES), act.df(PLACES)
    peak, tops = slopes.max(), np.flatnonzero(slopes == slopes.max())
    ends, flat = _flat_parts(act)
    return Tangent(
        act.name, "" if name == YOURS else act.formula, z, *_at(act, z), curve, slopes,
        float(peak), float(PLACES[tops[0]]) if len(tops) == 1 else np.nan, ends, flat,
        _disagreement(act.f, slopes),
    )  # fmt: skip


def _checked(own):
    """The learner's activation, or one sentence about what is wrong with it."""
    own = record_of("own", own)
    for part, values in (("f", own.f(PLACES)), ("df", own.df(PLACES))):
        if np.shape(finite(f"own.{part}(z)", values)) != PLACES.shape:
            raise ValueError(
                f"own.{part} must give one number for each z, got the shape {np.shape(values)} "
                f"for z of the shape {PLACES.shape}"
            )
    return own


def _at(act, z):
    place = np.array([z])
    return float(act.f(place)[0]), float(act.df(place)[0])


def _flat_parts(act):
    """`ends` and `flat` of Tangent."""
    turns = [end for zone in saturated_zones(act, FLAT) for end in zone if abs(end) < REACH]
    ends = np.array([-REACH, *turns, REACH])
    return ends, np.abs(act.df((ends[1:] + ends[:-1]) / 2)) < FLAT


def _disagreement(f, slopes):
    """Share of PLACES where the slopes are not those of f; a kink is one place."""
    quotient = central(f, PLACES, QUOTIENT_STEP)
    return float(np.mean(np.abs(quotient - slopes) > AGREES * (1 + np.abs(slopes))))


def build_tangent(fig):
    """Left: f with its tangent. Right: f' with the same place; grey where f is flat."""
    left, right = fig.subplots(1, 2)
    for ax, name in ((left, "f(z)"), (right, "slope f'(z)")):
        ax.set(xlim=_EDGES, xticks=np.arange(-8, 9, 4), xlabel="pre-activation z", title="\n")
        _height_axis(ax, name)
    left.set_title("\nslope at the dot:", linespacing=_LINES_APART)
    moving = {"animated": True}
    return {
        "left": left, "right": right,
        "grey": [_shade(ax) for ax in (left, right)],
        "curve": left.plot([], [])[0],
        "slopes": right.plot([], [])[0],
        "tangent": left.plot([], [], color=style.INK, lw=2, **moving)[0],
        "touch": left.plot([], [], "o", ms=9, color=style.INK, **moving)[0],
        "height": right.plot([], [], "-o", ms=9, color=style.INK, lw=2, markevery=[1], **moving)[0],
        "peak": right.plot([], [], color=style.GREY, lw=1, ls=(0, (4, 3)))[0],
        "edges": [_edge(right, side) for side in ("right", "left")],
        "slope": style.beside_title(left, 0.43),
        "name": _line_above_title(left),
    }  # fmt: skip


def _line_above_title(ax):
    """The first line of the title, for a formula: the layout does not depend on its height."""
    text = style.beside_title(ax)
    text.set(animated=False, in_layout=False, y=style.RC["axes.titlepad"] + 12 * _LINES_APART + 2)
    return text


_LINES_APART = 1.6  # in the titles: the formulas hold fractions


_EDGES = np.array([-REACH - 0.4, REACH + 0.4])  # room for the dot at the ends


def _shade(ax):
    """Grey columns over the height of the axes; a `stairs` of zeros and ones."""
    over = ax.get_xaxis_transform()
    return ax.stairs([0], _EDGES, fill=True, color="0.93", zorder=0, transform=over)


def _edge(ax, side):
    """A number inside the end of a flat part, halfway up."""
    return ax.annotate(
        "", (0, 0.5), (-5 if side == "right" else 5, 0), xycoords=ax.get_xaxis_transform(),
        textcoords="offset points", ha=side, color=style.readable(style.GREY),
    )  # fmt: skip


def draw_tangent(artists, result):
    """Move the tangent; the curves stand still until another activation comes."""
    r, near = result, np.array([-TOUCHING, TOUCHING])
    artists["tangent"].set_data(r.z + near, r.value + r.slope * near)
    artists["touch"].set_data([r.z], [r.value])
    artists["height"].set_data([r.z, r.z], [0, r.slope])
    artists["slope"].set_text(_short(r.slope))
    words = f"{r.name}: ${r.formula}$" if r.formula else r.name
    if artists["name"].get_text() == words:
        return False
    artists["name"].set_text(words)
    _draw_curves(artists, r)
    return True


def _draw_curves(artists, r):
    artists["right"].set_title(
        f"slope f'(z), at most {_short(r.peak)}\ngrey: |f'(z)| < {FLAT:g}",
        linespacing=_LINES_APART,
    )
    artists["curve"].set(data=(PLACES, r.curve), **style.look(r.name))
    artists["slopes"].set(data=(PLACES, r.slopes), **style.look(r.name))
    artists["peak"].set_data(_EDGES, [r.peak, r.peak])
    for grey in artists["grey"]:
        grey.set_data(r.flat.astype(float), [_EDGES[0], *r.ends[1:-1], _EDGES[1]])
    for text, end in zip(artists["edges"], _named_ends(r), strict=True):
        text.set_text("" if np.isnan(end) else _end(end))
        text.xy = (np.nan_to_num(end), 0.5)
    _refit(artists["left"], r.curve, least=0.5)
    _refit(artists["right"], [*r.slopes, 0], least=0.25, edge=0.1)


def _named_ends(r):
    """Where the flat part at the left end of the axis ends, and where that at the right begins."""
    left = r.flat[0] and len(r.flat) > 1 and r.ends[1] + REACH > WIDE
    right = r.flat[-1] and len(r.flat) > 1 and REACH - r.ends[-2] > WIDE
    return r.ends[1] if left else np.nan, r.ends[-2] if right else np.nan


def _short(x):
    """Three digits; 0 without a sign."""
    return f"{x + 0.0:.3g}"


def describe_tangent(result):
    """The figure in words."""
    r = result
    at = "" if np.isnan(r.peak_at) else f" at z = {_short(r.peak_at)}"
    slip = f" df is not the slope of f at {r.wrong:.0%} of the places." if r.wrong > 0.01 else ""
    return (
        f"{r.name} at z = {r.z:g}: f(z) = {_short(r.value)}, slope f'(z) = {_short(r.slope)}. "
        f"From {-REACH:g} to {REACH:g} the largest slope is {_short(r.peak)}{at}. "
        f"|f'(z)| < {FLAT:g} {_flat_in_words(r)}.{slip}"
    )


def _end(x):
    return f"{round(x, 3) + 0.0:g}"


def _flat_in_words(r):
    if r.flat.all() or not r.flat.any():
        return "everywhere" if r.flat.all() else "nowhere"
    parts = zip(r.ends[:-1][r.flat], r.ends[1:][r.flat], strict=True)
    return "for " + " and ".join(_part_in_words(low, high) for low, high in parts)


def _part_in_words(low, high):
    if low == -REACH:
        return f"z < {_end(high)}"
    return f"z > {_end(low)}" if high == REACH else f"{_end(low)} < z < {_end(high)}"


def tangent(activation=None, z=2.0, own=None):
    """Show f, f' and a tangent; `tangent(own=my_activation)` takes an Activation of yours."""
    yours = {} if own is None else {f"{_checked(own).name} (yours)": YOURS}
    call = "derivative.tangent"
    return live(
        partial(compute_tangent, own=own),
        build_tangent,
        draw_tangent,
        describe_tangent,
        controls={
            "activation": choice(
                activation or (YOURS if yours else "sigmoid"),
                yours | {name: name for name in ACTIVATIONS}, "activation f",
            ),
            "z": number(z, -REACH, REACH, 0.1, "place z"),
        },
        call=f"{call}(own=my_activation, " if yours else call,
        size=(8.4, 4.0),
    )  # fmt: skip


# --- The numerical derivative and its step ------------------------------------------------------


def forward(f, z, h):
    """(f(z + h) - f(z)) / h: error f''(z) h / 2 + ..., and rounding."""
    return (f(z + h) - f(z)) / h


def central(f, z, h):
    """(f(z + h) - f(z - h)) / (2 h): error f'''(z) h^2 / 6 + ..., and rounding."""
    return (f(z + h) - f(z - h)) / (2 * h)


def complex_step(f, z, h):
    """Im f(z + i h) / h for an f that takes complex numbers: no difference, hence no rounding.

    Squire & Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review
    40 (1998) 110-112.
    """
    return f(z + 1j * h).imag / h


METHODS = {"forward": forward, "central": central, "complex step": complex_step}
PRECISIONS = {"float64": np.float64, "float32": np.float32}
# The same activations for complex numbers; where |Re z| is at most VIEW nothing overflows.
ANALYTIC = {
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softplus": lambda z: np.log1p(np.exp(z)),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "mish": lambda z: z * np.tanh(np.log1p(np.exp(z))),
}
VIEW = 4.0
SAMPLE = np.linspace(-VIEW, VIEW, 201)  # where the errors are taken
CURVE = np.linspace(-VIEW - 1.2, VIEW + 1.2, 261)  # what is drawn: z - h and z + h belong to it
SMALLEST, DECADES = 1e-16, 0.2  # of the slider for h: its lower end and its step
# The values of that slider, 10^-16 to 1, with three digits as it has them.
STEPS = np.array([float(f"{10 ** (DECADES * k):.3g}") for k in range(-80, 1)])
LOWEST, HIGHEST = 1e-18, 30.0  # ends of the axis of the error


class StepSize(NamedTuple):
    """A numerical derivative at one place, and its largest error anywhere against the step.

    z, h       the place and the step; slope is f'(z)
    quotient   its numerical value in the chosen precision (a key of PRECISIONS)
    points     the places z at which f was taken, (2,), or (1,) for the complex step
    curve      (261,) f at CURVE
    heights    f at the points
    errors     (2, 81) largest error over SAMPLE for STEPS, float64 first
    theory     (2, 81) truncation + rounding, each at its largest over SAMPLE
    here       (2,) largest error over SAMPLE for h
    best       (2,) the step at which `theory` is smallest, and best_error (2,) theory there
    """

    activation: str
    method: str
    precision: str
    z: float
    h: float
    slope: float
    quotient: float
    points: np.ndarray
    heights: np.ndarray
    curve: np.ndarray
    errors: np.ndarray
    theory: np.ndarray
    here: np.ndarray
    best: np.ndarray
    best_error: np.ndarray


def compute_step_size(
    *, activation="tanh", method="central", precision="float64", z=-0.5, h=1.0
):  # fmt: skip
    """Derive an activation numerically.

    activation  a key of ANALYTIC; method of METHODS; precision "float64" or "float32"
    z           the place, -4 to 4; h the step, 1e-16 to 1
    """
    act = ACTIVATIONS[one_of("activation", activation, ANALYTIC)]
    derive = METHODS[one_of("method", method, METHODS)]
    kind = PRECISIONS[one_of("precision", precision, PRECISIONS)]
    z, h = real("z", z, -VIEW, VIEW), real("h", h, SMALLEST, 1)
    quotient = derive(_function(activation, method), np.array([z], kind), kind(h))
    points = np.array({"forward": [z, z + h], "central": [z - h, z + h]}.get(method, [z]))
    law = _law(activation, method)
    best = [law.best(kind) for kind in PRECISIONS.values()]
    return StepSize(
        activation, method, precision, z, h, float(act.df(np.array([z]))[0]), float(quotient[0]),
        points, act.f(points), act.f(CURVE), _recorded_errors(activation, method),
        np.array([law(STEPS, kind) for kind in PRECISIONS.values()]),
        largest_errors(activation, method, np.array([h]))[:, 0], np.array(best),
        np.array([law(h, kind) for h, kind in zip(best, PRECISIONS.values(), strict=True)]),
    )  # fmt: skip


def _function(activation, method):
    return ANALYTIC[activation] if method == "complex step" else ACTIVATIONS[activation].f


def largest_errors(activation, method, steps):
    """Largest error of a numerical derivative over SAMPLE: (2, n) for steps (n,), float64 first."""
    f, true = _function(activation, method), ACTIVATIONS[activation].df
    errors = []
    for kind in PRECISIONS.values():
        z, h = SAMPLE.astype(kind), steps.astype(kind)[:, None]
        quotient = METHODS[method](f, z, h).astype(float)
        errors.append(np.abs(quotient - true(z.astype(float))).max(1))
    return np.array(errors)


@lru_cache(maxsize=len(ANALYTIC) * len(METHODS))
def _recorded_errors(activation, method):
    return largest_errors(activation, method, STEPS)


class Law(NamedTuple):
    """truncation * h^order + rounding * eps / h^loss, eps the distance from 1 to the next number.

    Each value of f is off by up to eps / 2 times its size, and the quotient divides that by h; the
    complex step divides nothing that is off.
    """

    truncation: float
    order: int
    rounding: float
    loss: int

    def __call__(self, h, kind):
        eps = float(np.finfo(kind).eps)
        return self.truncation * h**self.order + self.rounding * eps / h**self.loss

    def best(self, kind):
        """The h with the smallest error, where its derivative is 0; 0 if smaller is better."""
        share = self.loss * self.rounding * float(np.finfo(kind).eps)
        return (share / (self.order * self.truncation)) ** (1 / (self.order + self.loss))


@lru_cache(maxsize=len(ANALYTIC) * len(METHODS))
def _law(activation, method):
    """The Law of a method, with the largest f, f', f'' and f''' over SAMPLE."""
    f, f1, f2, f3 = (np.abs(values).max() for values in _derivatives(ACTIVATIONS[activation]))
    return {
        "forward": Law(f2 / 2, 1, f, 1),
        "central": Law(f3 / 6, 2, f / 2, 1),
        "complex step": Law(f3 / 6, 2, f1, 0),
    }[method]


def _derivatives(act):
    """f, f', f'', f''' at SAMPLE, the last two from differences of f' (7 digits are right)."""
    d = 1e-3
    below, here, above = (act.df(SAMPLE + shift) for shift in (-d, 0, d))
    return act.f(SAMPLE), here, (above - below) / (2 * d), (above - 2 * here + below) / d**2


def build_step_size(fig):
    """Left: f and the straight line whose slope is the quotient. Right: error against step."""
    left, right = fig.subplots(1, 2)
    left.set(xlim=CURVE[[0, -1]], xlabel="pre-activation z", title="\n")
    _height_axis(left, "f(z)")
    right.set(xscale="log", yscale="log", xlim=(SMALLEST / 6, 6), ylim=(LOWEST, HIGHEST))
    right.set(xlabel="step h", title="\n")
    right.set_xticks(10.0 ** np.arange(-16, 1, 4))
    right.set_yticks(10.0 ** np.arange(-16, 1, 4))
    right.minorticks_off()
    moving, dots = {"animated": True}, {**style.MEASURED, "markersize": 4}
    return {
        "left": left, "right": right,
        "curve": left.plot([], [])[0],
        "line": left.plot([], [], color=style.INK, lw=1.5, **moving)[0],
        "points": left.plot([], [], "o", ms=8, color=style.INK, **moving)[0],
        "quotient": style.beside_title(left, 0.27),
        "theory": [right.plot([], [], **style.THEORY)[0] for _ in PRECISIONS],
        "errors": [right.plot([], [], **dots, color=color)[0] for color in _INKS.values()],
        "names": [_name(right, *name) for name in _INKS.items()],
        "here": [right.plot([], [], **_RING, mec=color, **moving)[0] for color in _INKS.values()],
    }  # fmt: skip


_INKS = {"float64": style.BLUE, "float32": style.VERMILLION}
_RING = {"ls": "none", "marker": "o", "ms": 12, "mfc": "none", "mew": 2.5}


def _name(ax, name, color):
    return ax.text(1, 1, name, color=style.readable(color))


def draw_step_size(artists, result):
    """Move line and rings; the recorded errors stand still until method or activation change."""
    r, ends = result, np.array([-3 * VIEW, 3 * VIEW])
    artists["line"].set_data(r.points.mean() + ends, r.heights.mean() + r.quotient * ends)
    artists["points"].set_data(r.points, r.heights)
    artists["quotient"].set_text(f"{r.quotient:.10f}, error {_one(abs(r.quotient - r.slope))}")
    for ring, error in zip(artists["here"], r.here, strict=True):
        ring.set_data([r.h], [max(error, LOWEST)])
    changed = style.retitle(artists["right"], f"largest error, all z from -4 to 4\n{_best(r)}")
    changed |= style.retitle(artists["left"], f"{r.activation}, {_LINES[r.method]}\nits slope:")
    if changed:
        _draw_errors(artists, r)
    return changed


_LINES = {
    "forward": "secant from z to z + h",
    "central": "secant from z - h to z + h",
    "complex step": "line with slope Im f(z + ih) / h",
}


def _one(x):
    """One digit, where more would be noise."""
    return f"{x:.1g}"


def _two(x):
    return f"{x:.2g}"


_NAMED = {  # where the names of float64 and float32 stand, away from all dots
    "forward": ((2e-16, 1e-6), (2e-13, 5.0)),
    "central": ((2e-16, 1e-6), (2e-13, 5.0)),
    "complex step": ((2e-16, 2e-15), (2e-16, 1e-6)),
}


def _best(r):
    if r.method == "complex step":
        return "the smaller the step, the better"
    return f"best h: {_two(r.best[0])}, in float32 {_two(r.best[1])}"


def _draw_errors(artists, r):
    artists["curve"].set(data=(CURVE, r.curve), **style.look(r.activation))
    for line, theory in zip(artists["theory"], r.theory, strict=True):
        line.set_data(STEPS, np.where(theory < 2, theory, np.nan))  # above, nothing is left of f'
    for dots, errors in zip(artists["errors"], r.errors, strict=True):
        dots.set_data(STEPS, np.maximum(errors, LOWEST))
    for text, place in zip(artists["names"], _NAMED[r.method], strict=True):
        text.set_position(place)
    _refit(artists["left"], r.curve)


def describe_step_size(result):
    """The figure in words; of errors that are rounding only theory's are told."""
    r = result
    errors, theory = (
        ", ".join(f"{digits(e)} in {name}" for name, e in zip(PRECISIONS, values, strict=True))
        for digits, values in ((_two, r.here), (_one, r.best_error))
    )
    return (
        f"{r.activation} at z = {r.z:g}, {r.method} in {r.precision} with h = {r.h:g}: slope "
        f"{r.quotient:.10f}, f'(z) = {r.slope:.4f}. Largest error for z from -4 to 4 at this h: "
        f"{errors}. By theory, {_best(r)}; error there: {theory}."
    )


def step_size(activation="tanh", method="central", precision="float64", z=-0.5, h=1.0):
    """Show a numerical derivative and its error; arguments as for `compute_step_size`."""
    return live(
        compute_step_size,
        build_step_size,
        draw_step_size,
        describe_step_size,
        controls={
            "activation": choice(activation, list(ANALYTIC), "activation f"),
            "method": choice(method, list(METHODS), "method"),
            "precision": choice(precision, list(PRECISIONS), "precision on the left"),
            "z": number(z, -VIEW, VIEW, 0.1, "place z"),
            "h": number(h, SMALLEST, 1.0, DECADES, "step h", log=True),
        },
        call="derivative.step_size",
        size=(8.4, 4.0),
    )


# --- Find the bug -------------------------------------------------------------------------------

FORMULAS = {
    "(f(z + h) - f(z - h)) / 2*h": lambda f, z, h: (f(z + h) - f(z - h)) / 2*h,  # fmt: skip
    "(f(z + h) - f(z - h)) / (2*h)": central,
}
PUBLISHED, MENDED = FORMULAS
SUSPECTS = ("relu", "leaky_relu", "abs", "elu", "sigmoid", "tanh")
FEWEST, MOST = 90, 110
SPAN, CLOSE = 5.0, 0.35  # the grid goes from -SPAN to SPAN, the close look from -CLOSE to CLOSE


class FindTheBug(NamedTuple):
    """A numerical derivative on a grid, as somebody might publish it.

    activation, formula, h, points  what was asked for
    grid      (points,) from -5 to 5; quotient (points,) the numerical derivative there
    unit      of the axis: h^2 for the published formula, 1 for the mended one
    ratio     largest quotient / largest slope on the grid
    nearest   distance of the nearest grid point from 0
    at_zero   the quotient at 0; NaN if 0 is not on the grid
    slope     f'(0) by the convention of this course
    """

    activation: str
    formula: str
    h: float
    points: int
    grid: np.ndarray
    quotient: np.ndarray
    unit: float
    ratio: float
    nearest: float
    at_zero: float
    slope: float


def compute_find_the_bug(*, activation="relu", formula=PUBLISHED, points=100, h=1e-4):
    """Derive an activation numerically on `points` places from -5 to 5 (90 to 110).

    activation  one of SUSPECTS; formula a key of FORMULAS; h the step, 1e-8 to 0.1
    """
    act = ACTIVATIONS[one_of("activation", activation, SUSPECTS)]
    derive = FORMULAS[one_of("formula", formula, FORMULAS)]
    points, h = whole("points", points, FEWEST, MOST), real("h", h, 1e-8, 0.1)
    grid = np.linspace(-SPAN, SPAN, points)
    quotient, middle = derive(act.f, grid, h), points // 2
    return FindTheBug(
        activation, formula, h, points, grid, quotient, h**2 if formula == PUBLISHED else 1.0,
        float(quotient.max() / act.df(grid).max()), float(np.abs(grid).min()),
        float(quotient[middle]) if grid[middle] == 0 else np.nan, float(act.df(0.0)),
    )  # fmt: skip


def build_find_the_bug(fig):
    """Left: the plot as published. Right: a close look at 0, beside the true slope."""
    left, right = fig.subplots(1, 2)
    left.set(xlim=(-SPAN - 0.2, SPAN + 0.2), xlabel="z", title="\n")
    right.set(xlim=(-CLOSE, CLOSE), xlabel="z, close to 0", title="\n")
    _height_axis(left, "numerical derivative")
    _height_axis(right, "slope, in units of 1")
    moving = {"animated": True, "color": style.VERMILLION}
    return {
        "left": left, "right": right,
        "plot": left.plot([], [], "-o", ms=3.5, lw=1.2, **moving)[0],
        "true": right.plot([], [], **style.THEORY)[0],
        "jump": right.plot([], [], "o", ms=8, mfc="white", mec=style.INK)[0],
        "dots": right.plot([], [], "o", ms=8, **moving)[0],
        "unit": style.beside_title(left, 0.39),
        "nearest": style.beside_title(right, 0.62),
    }  # fmt: skip


_CLOSE_LOOK = np.concatenate(
    [np.linspace(-CLOSE, -1e-9, 40), [np.nan], np.linspace(1e-9, CLOSE, 40)]  # the line may jump
)


def draw_find_the_bug(artists, result):
    """Move the dots; another activation has other limits. The left axis takes the unit that fits,
    as plotting libraries do, the right one does not."""
    r = result
    close = np.abs(r.grid) < 0.95 * CLOSE
    artists["plot"].set_data(r.grid, r.quotient / r.unit)
    artists["dots"].set_data(r.grid[close], r.quotient[close])
    artists["unit"].set_text(_short(r.unit))
    artists["nearest"].set_text(_short(r.nearest))
    words = f"numerical derivative of {r.activation}\naxis in units of"
    changed = style.retitle(artists["left"], words)
    if changed:
        _draw_truth(artists, r)
    return changed


def _draw_truth(artists, r):
    df = ACTIVATIONS[r.activation].df
    artists["right"].set_title("dots beside f'(z) (line), f'(0) (circle)\nnearest grid point to 0:")
    artists["true"].set_data(_CLOSE_LOOK, df(_CLOSE_LOOK))
    artists["jump"].set_data([0], [r.slope])
    for ax in (artists["left"], artists["right"]):
        _refit(ax, [0, *df(r.grid)], edge=0.12)


def describe_find_the_bug(result):
    """The figure in words."""
    r = result
    zero = (
        f"0 is not among them, the nearest is {_short(r.nearest)} away"
        if np.isnan(r.at_zero)
        else f"0 is among them: the value there is {_short(r.at_zero)}, and by convention f'(0) = "
        f"{_short(r.slope)}"
    )
    return (
        f"{r.activation}, {r.formula} with h = {r.h:g}: the largest value is {_short(r.ratio)} "
        f"times the largest slope. {r.points} points from {-SPAN:g} to {SPAN:g}; {zero}."
    )


def find_the_bug(activation="relu", formula=PUBLISHED, points=100, h=1e-4):
    """Show a published numerical derivative; arguments as for `compute_find_the_bug`."""
    return live(
        compute_find_the_bug,
        build_find_the_bug,
        draw_find_the_bug,
        describe_find_the_bug,
        controls={
            "activation": choice(activation, list(SUSPECTS), "activation f"),
            "formula": choice(formula, list(FORMULAS), "formula"),
            "points": number(points, FEWEST, MOST, 1, "points of the grid"),
            "h": number(h, 1e-8, 0.1, 1, "step h", log=True),
        },
        call="derivative.find_the_bug",
        size=(8.4, 3.8),
    )


# --- One function in two coats ------------------------------------------------------------------

OFFSETS = (0.0, 0.5)
WARDROBE = np.linspace(-6, 6, 241)


class TwoCoats(NamedTuple):
    """tanh(z), and (1 + s) sigmoid((1 + s) z) - s: the sigmoid for s = 0, tanh for s = 1.

    tanh, coat                (241,) values at WARDROBE
    tanh_slopes, coat_slopes  (241,) derivatives
    offset                    by which the coat is drawn too high
    difference, slope_difference  largest differences, without the offset
    """

    s: float
    offset: float
    tanh: np.ndarray
    coat: np.ndarray
    tanh_slopes: np.ndarray
    coat_slopes: np.ndarray
    difference: float
    slope_difference: float


def compute_two_coats(*, s=1.0, offset=0.1):
    """Dress the sigmoid up as tanh: s from 0 to 1, offset (of the drawing only) from 0 to 0.5."""
    s, offset = real("s", s, 0, 1), real("offset", offset, *OFFSETS)
    z = (1 + s) * WARDROBE
    coat, slopes = (1 + s) * SIGMOID.f(z) - s, (1 + s) ** 2 * SIGMOID.df(z)
    tanh, tanh_slopes = TANH.f(WARDROBE), TANH.df(WARDROBE)
    return TwoCoats(
        s, offset, tanh, coat, tanh_slopes, slopes,
        float(np.abs(coat - tanh).max()), float(np.abs(slopes - tanh_slopes).max()),
    )  # fmt: skip


def build_two_coats(fig):
    """Left: tanh and the sigmoid in its coat. Right: their slopes."""
    left, right = fig.subplots(1, 2)
    for ax in (left, right):
        ax.set(xlim=(-6, 6), xlabel="pre-activation z")
        ax.axhline(0, color="0.85", lw=1)
    left.set(ylim=(-1.15, 1.65), title="values; largest difference:")
    right.set(ylim=(-0.07, 1.57), title="slopes; largest difference:")
    right.axhline(1 / 4, color=style.GREY, lw=1, ls=(0, (4, 3)))
    right.text(-5.9, 0.265, "1/4", color=style.readable(style.GREY))
    words = _key(left, "tanh(z)", TANH, 0.93), _key(left, "sigmoid in its coat", SIGMOID, 0.84)
    return {
        "words": words,
        "tanh": [_coat(ax, TANH) for ax in (left, right)],
        "coat": [_coat(ax, SIGMOID) for ax in (left, right)],
        "difference": style.beside_title(left, 0.64),
        "slope_difference": style.beside_title(right, 0.64),
    }


def _key(ax, words, act, height):
    color = style.readable(style.look(act)["color"])
    return ax.text(0.03, height, words, color=color, transform=ax.transAxes)


def _coat(ax, act):
    return ax.plot([], [], lw=2.5, animated=True, **style.look(act))[0]


def draw_two_coats(artists, result):
    """Move the curves; the coat is lifted by the offset, so that both can be seen."""
    r = result
    for line, values in zip(artists["tanh"], (r.tanh, r.tanh_slopes), strict=True):
        line.set_data(WARDROBE, values)
    for line, values in zip(artists["coat"], (r.coat, r.coat_slopes), strict=True):
        line.set_data(WARDROBE, values + r.offset)
    artists["difference"].set_text(_apart(r.difference))
    artists["slope_difference"].set_text(_apart(r.slope_difference))


ROUNDING = 1e-15  # smaller differences of values around 1 are rounding


def _apart(difference):
    return f"< {ROUNDING:g}" if difference < ROUNDING else f"{difference:.3f}"


def describe_two_coats(result):
    """The figure in words."""
    r, k = result, f"{1 + result.s:g}"
    return (
        f"tanh(z) and {k} sigmoid({k} z) - {r.s:g}, drawn {r.offset:g} too high: the values differ "
        f"by {_apart(r.difference)} at most, the slopes by {_apart(r.slope_difference)}. Largest "
        f"slopes: {r.tanh_slopes.max():.3g} and {r.coat_slopes.max():.3g}."
    )


def two_coats(s=1.0, offset=0.1):
    """Show tanh and a sigmoid on its way to tanh; arguments as for `compute_two_coats`."""
    return live(
        compute_two_coats,
        build_two_coats,
        draw_two_coats,
        describe_two_coats,
        controls={
            "s": number(s, 0.0, 1.0, 0.05, "coat s: (1+s) sigmoid((1+s) z) - s"),
            "offset": number(offset, *OFFSETS, 0.01, "draw it too high by"),
        },
        call="derivative.two_coats",
        size=(8.4, 3.8),
    )
