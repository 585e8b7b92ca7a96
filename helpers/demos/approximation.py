"""What one hidden layer can build, what it never will, and what depth adds: four demos.

build_a_function  a target from sigmoid steps, bumps or ReLU hinges; error against width
by_hand           three units, placed by the learner, against three placed evenly
polynomial_floor  the activation z^d stops at a floor, whatever the width
sawtooth          k layers of two units make 2^k pieces; one layer needs 2^k units for that

Each demo is a result, `compute_*` (pure), `build_*` (axes, once), `draw_*` (moves artists),
`describe_*` (the numbers in words) and the public function that makes the controls.
"""

from functools import lru_cache, partial
from itertools import product
from math import inf, isfinite, pi
from typing import NamedTuple

import numpy as np

from helpers import style, theory
from helpers.activations import RELU, SIGMOID, TANH
from helpers.checks import one_of, real, values_of, whole
from helpers.live import choice, live, number

# --- Targets and building blocks ----------------------------------------------------------------

YOURS = "yours"  # the name of the learner's own function in the list of targets


class Target(NamedTuple):
    """A function on [0, 1] and what the bounds need to know about it."""

    label: str
    f: object  # x (points,) -> (points,)
    steepest: float  # max |f'|, infinite if f jumps
    curvature: float  # max |f''|, infinite if f has a corner
    jump: float = 0.0  # height of the largest jump


def _jump(x):
    return np.where(x < 0.37, 0.0, 1.0)


TARGETS = {
    "sine": Target("sin 2πx", lambda x: np.sin(2 * pi * x), 2 * pi, (2 * pi) ** 2),
    "square": Target("x²", np.square, 2.0, 2.0),
    "vee": Target("|2x − 1|", lambda x: np.abs(2 * x - 1), 2.0, inf),
    "jump": Target("jump at 0.37", _jump, inf, inf, 1.0),
}

BLOCKS = {"ReLU hinges": "hinges", "sigmoid steps": "steps", "sigmoid bumps": "bumps"}
NAMES = {block: name for name, block in BLOCKS.items()}
PER_PART = {"hinges": 1, "steps": 1, "bumps": 2}  # units that make one piece of the picture
MOST = 64  # pieces
STEEPNESS = (2.0, 500.0)  # of a sigmoid, per piece: at 10 its flank is half a piece wide
WIDTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)  # where the error is measured


def _target(name, yours):
    names = [*TARGETS] + [YOURS] * (yours is not None)
    return _measured(yours) if one_of("target", name, names) == YOURS else TARGETS[name]


@lru_cache(maxsize=32)
def _measured(f):
    """The learner's function; slope and curvature by differences on a fine grid."""
    x = np.linspace(0, 1, 4097)
    y = values_of("your function", f, x)
    span, jump = np.ptp(y), np.abs(np.diff(y)).max()
    steepest = inf if jump > 0.1 * span > 0 else jump * 4096
    curvature = np.abs(np.diff(y, 2)).max() * 4096**2
    corner = curvature > 500 * max(span, 1e-300)
    return Target("your function", f, steepest, inf if corner else curvature, float(jump))


def _net(target, block, pieces, steepness):
    if block == "hinges":
        return theory.hinges(target.f, pieces)
    make = theory.staircase if block == "steps" else theory.bumps
    return make(target.f, pieces, steepness * pieces)


def _bound(target, block, pieces):
    """What theory says about the largest error with that many pieces (steep sigmoids)."""
    if not isfinite(target.steepest):
        return target.jump / 2
    if block == "hinges" and isfinite(target.curvature):
        return theory.interpolation_bound(pieces, target.curvature)
    return theory.staircase_bound(pieces, target.steepest)


def _rate(target, block):
    if not isfinite(target.steepest):
        return "no continuous function gets closer"
    return "∝ 1/N²" if block == "hinges" and isfinite(target.curvature) else "∝ 1/N"


_NEAR = np.array([0.0, 0.001, 0.003, 0.01, 0.03])  # the error is largest beside an edge


def _places(count):
    """Where in a piece, from 0 to 1, the error is looked for."""
    return np.unique(np.concatenate([np.linspace(0, 1, count + 1), _NEAR, 1 - _NEAR]))


_PLACES = _places(16)


@lru_cache(maxsize=MOST)
def _points(pieces):
    """The points to draw and to look at: 400 or more, close together at the edges of the pieces."""
    edges = np.arange(pieces)[:, None] / pieces
    return np.unique(edges + _places(max(8, 400 // pieces)) / pieces)


@lru_cache(maxsize=4096)
def _wanted(target, pieces):
    return values_of("target", target.f, _points(pieces))


@lru_cache(maxsize=4096)
def _wanted_in_pieces(target, pieces):
    x = (np.arange(pieces)[:, None] + _PLACES) / pieces
    return values_of("target", target.f, x)


@lru_cache(maxsize=256)
def _errors(target, block, steepness, widths):
    """Largest error at each number of pieces. All flanks are alike: one table does for all."""
    away = np.arange(-MOST - 1, MOST + 2)[:, None] + _PLACES  # pieces from the knot to the point
    table = np.maximum(away, 0) if block == "hinges" else SIGMOID.f(steepness * away)
    return np.array([_largest(_net(target, block, n, steepness), target, n, table) for n in widths])


def _largest(net, target, pieces, table):
    size = 1 / pieces if net.steepness is None else 1.0  # a hinge grows with the distance
    edges = np.rint(net.knots * pieces).astype(int)  # from -1 to pieces + 1 (of bumps)
    weights = np.bincount(edges + 1, net.weights * size, minlength=pieces + 3)
    away = np.arange(pieces)[:, None] - np.arange(-1, pieces + 2)
    built = net.start + weights @ table[away + MOST + 1]  # table[...]: (pieces, edges, places)
    return float(np.abs(built - _wanted_in_pieces(target, pieces)).max())


_FLANK = np.linspace(-8, 8, 25)


def _outlines(net, per_part):
    """The parts as one broken line (x, y): NaN between parts, points only where something bends."""
    knots = net.knots.reshape(-1, per_part)
    weights = net.weights.reshape(-1, per_part)
    near = np.zeros(1) if net.steepness is None else _FLANK / net.steepness
    x = np.clip((knots[..., None] + near).reshape(len(knots), near.size * per_part), 0, 1)
    ends = np.zeros((len(knots), 1))
    x = np.sort(np.hstack([ends, x, ends + 1]), axis=1)
    y = np.einsum("pu,pux->px", weights, net.unit(x[:, None] - knots[..., None]))
    gap = np.full((len(knots), 1), np.nan)
    return np.hstack([x, gap]).ravel(), np.hstack([y, gap]).ravel()


# --- Build a function ---------------------------------------------------------------------------


class Own(NamedTuple):
    """The learner's own hinges, for comparison."""

    built: np.ndarray  # (points,)
    units: int
    error: float


class Build(NamedTuple):
    """A function built from equal pieces.

    target, block, pieces, units  what is built, from what; units counts the hidden units
    x, wanted, built  (points,) the target and the net
    parts             (x, y) of the single units (of the bumps: of pairs), one broken line
    error, worst      largest |built - wanted|, and the x where it occurs
    bound             what theory says about the error
    widths, errors    (11,) the largest error at other widths
    line              (2,) the bound at 1 and at 64 pieces
    own               the learner's own hinges, or None
    """

    target: Target
    block: str
    pieces: int
    units: int
    x: np.ndarray
    wanted: np.ndarray
    built: np.ndarray
    parts: tuple
    error: float
    worst: float
    bound: float
    widths: np.ndarray
    errors: np.ndarray
    line: np.ndarray
    own: Own | None


def compute_build_a_function(
    *, target="sine", block="hinges", pieces=8, steepness=200.0, yours=None, hinges=None
):  # fmt: skip
    """Build a function on [0, 1] from `pieces` equal pieces, and measure the largest error.

    target     "sine", "square", "vee", "jump", or "yours" for the function `yours`
    block      "hinges" (one ReLU per piece), "steps" (one sigmoid per inner edge), "bumps" (two
               sigmoids per piece)
    pieces     1 to 64
    steepness  of a sigmoid, per piece (2 to 500)
    yours      the learner's own target, a function of x
    hinges     the learner's own hinges [(place, change of slope), ...], for comparison
    """
    target = _target(target, yours)
    block = one_of("block", block, NAMES)
    pieces = whole("pieces", pieces, 1, MOST)
    steepness = 0.0 if block == "hinges" else real("steepness", steepness, *STEEPNESS)
    net = _net(target, block, pieces, steepness)
    x, wanted = _points(pieces), _wanted(target, pieces)
    built = net(x)
    error = np.abs(built - wanted)
    return Build(
        target, block, pieces, len(net.knots), x, wanted, built, _outlines(net, PER_PART[block]),
        float(error.max()), float(x[error.argmax()]), _bound(target, block, pieces),
        np.array(WIDTHS), _errors(target, block, steepness, WIDTHS),
        np.array([_bound(target, block, n) for n in (1, MOST)]), _own(hinges, target, x, wanted),
    )  # fmt: skip


def _own(hinges, target, x, wanted):
    if hinges is None:
        return None
    net = _placed(hinges, target)
    return Own(net(x), len(net.knots), float(np.abs(net(x) - wanted).max()))


def _placed(hinges, target):
    """A net of hinges [(place, change of slope), ...] that starts where the target starts."""
    try:
        pairs = [(real("place", place, 0, 1), real("slope", slope)) for place, slope in hinges]
    except (TypeError, ValueError) as error:
        raise type(error)(f"hinges must be pairs (place, change of slope): {error}") from error
    knots, weights = np.array(pairs).reshape(-1, 2).T
    start = values_of("target", target.f, np.zeros(1))[0]
    return theory.Shallow(float(start), knots, weights)


_TOP, _ZERO = 5.0, 2e-5  # upper end of the error axis; where it shows an error of 0
_LOOK = {
    "hinges": style.look("relu"),
    "steps": style.look("sigmoid"),
    "bumps": {"color": style.VERMILLION, "linestyle": "-"},
}


def build_build_a_function(fig, own=False):
    """Left: target, net and its parts. Right: largest error against the number of pieces."""
    left, right = fig.subplots(1, 2, width_ratios=(1.25, 1))
    left.set(xlim=(0, 1), ylim=(-1.6, 1.6), xlabel="x")
    right.set(xscale="log", yscale="log", xlim=(0.85, 80))
    right.set(xlabel="pieces N", ylabel="largest error")
    _set_error_axis(right, 1.0)
    right.set_xticks([1, 2, 4, 8, 16, 32, 64], ["1", "2", "4", "8", "16", "32", "64"])
    right.xaxis.minorticks_off()
    artists = _function_artists(left) | {
        "line": right.plot([], [], animated=True, **style.THEORY, label="bound")[0],
        "errors": right.plot([], [], animated=True, **style.MEASURED, label="measured")[0],
        "here": right.plot([], [], animated=True, **_RING, label="you are here")[0],
        "zero": right.axhline(_ZERO, color="0.75", lw=1, ls=":"),
        "says": _number_above(right),
    }
    if own:
        artists["own"] = left.plot([], [], animated=True, **_MINE)[0]
        star = right.plot([], [], animated=True, ls="none", marker="*", ms=13, color=style.GREEN)
        artists["star"] = star[0]
        star[0].set_label("your hinges")
    right.legend(loc="lower left", bbox_to_anchor=(0, 0.09), handlelength=1.2, borderpad=0)
    return artists


_RING = {"ls": "none", "marker": "o", "ms": 12, "mfc": "none", "mec": style.INK, "mew": 2}
_MINE = {"color": style.GREEN, "lw": 2, "ls": (0, (6, 2, 1.2, 2))}


def _function_artists(ax):
    """Target, net and parts on one pair of axes; the title says which is which."""
    ax.set_title("thick: sum of the units (grey), thin: target")
    return {
        "ax": ax,
        "parts": ax.plot([], [], color="0.72", lw=1, animated=True)[0],
        "built": ax.plot([], [], lw=3, animated=True)[0],
        "target": ax.plot([], [], animated=True, **style.THEORY)[0],
        "worst": ax.plot([], [], color=style.INK, lw=3.5, animated=True, solid_capstyle="butt")[0],
    }


def _number_above(ax, title=" "):
    """A title that stands still, and a moving text at its right end: short, because it costs."""
    ax.set_title(title)
    return ax.annotate(
        "", (1, 1), (0, 6), xycoords="axes fraction", textcoords="offset points",
        size=12, ha="right", animated=True,
    )  # fmt: skip


def draw_build_a_function(artists, result):
    """Move everything; a full redraw when the target needs other limits."""
    changed = _draw_function(artists, result) | _fit_errors(artists, result)
    floor = artists["zero"].get_ydata()[0]
    artists["errors"].set_data(result.widths, np.maximum(result.errors, floor))
    artists["line"].set_data([1, MOST], result.line)
    artists["here"].set_data([result.pieces], [max(result.error, floor)])
    artists["says"].set_text(f"error {_size(result.error)}")
    changed |= style.retitle(artists["line"].axes, _bound_in_words(result))
    if "own" in artists and result.own is not None:
        artists["own"].set_data(result.x, result.own.built)
        artists["star"].set_data([result.own.units], [max(result.own.error, floor)])
    return changed


def _bound_in_words(result):
    if not isfinite(result.target.steepest):
        return f"jump: never below {result.bound:.3g}"
    steep = "" if result.block == "hinges" else " if steep"
    return f"bound {_rate(result.target, result.block)}{steep}"


def _draw_function(artists, result):
    """Target, net, parts and the place of the largest error; True if the limits had to change."""
    artists["target"].set_data(result.x, result.wanted)
    artists["built"].set(data=(result.x, result.built), **_LOOK[result.block])
    artists["parts"].set_data(*result.parts)
    i = np.searchsorted(result.x, result.worst)
    artists["worst"].set_data([result.worst] * 2, [result.wanted[i], result.built[i]])
    margin = 0.3 * _span(result.wanted)
    return _set_limits(artists["ax"], result.wanted.min() - margin, result.wanted.max() + margin)


def _span(values):
    """Height of a curve, to scale axes with; never 0."""
    return np.ptp(values) or max(1.0, np.abs(values).max())


def _set_limits(ax, low, high):
    """True if they changed; the small differences between grids do not count."""
    if np.allclose(ax.get_ylim(), (low, high), rtol=0, atol=0.05 * (high - low)):
        return False
    ax.set_ylim(low, high)
    return True


def _fit_errors(artists, result):
    """The error axis goes with the size of the target; for all of ours it is the same."""
    span = _span(result.wanted)
    scale = 1.0 if 0.3 <= span <= 3 else span
    ax = artists["zero"].axes
    if np.isclose(ax.get_ylim()[1], _TOP * scale):
        return False
    artists["zero"].set_ydata([_ZERO * scale] * 2)
    _set_error_axis(ax, scale)
    return True


def _set_error_axis(ax, scale):
    """A log axis whose lowest tick stands for an error of exactly 0."""
    low, high = _ZERO * scale, _TOP * scale
    ticks = 10.0 ** np.arange(np.ceil(np.log10(2 * low)), np.floor(np.log10(high)) + 1)
    ax.set_ylim(low / 2, high)
    ax.set_yticks([low, *ticks], ["0", *(f"{tick:g}" for tick in ticks)])
    ax.yaxis.minorticks_off()


ROUNDING = 1e-12  # errors below this are rounding: their digits say nothing and are not printed


def _size(x):
    return f"< {ROUNDING:g}" if x < ROUNDING else f"{x:.3g}"


def _count(n, thing):
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def describe_build_a_function(result):
    """The figure in words."""
    made = f"{result.target.label} from {_count(result.pieces, 'piece')} of {NAMES[result.block]}"
    text = f"{made}, {_count(result.units, 'hidden unit')}. Largest error {_size(result.error)}"
    text += f" at x = {result.worst:.3g}; "
    if isfinite(result.target.steepest):
        steep = "" if result.block == "hinges" else " for steep sigmoids"
        text += f"bound{steep} {result.bound:.3g}, {_rate(result.target, result.block)}."
    else:
        text += f"it jumps by {result.target.jump:.3g}, so {_rate(result.target, result.block)}"
        text += f" than {result.bound:.3g}."
    if result.own is not None:
        text += f" Your {_count(result.own.units, 'hinge')}: {_size(result.own.error)}."
    return text


def build_a_function(
    target=None, block="hinges", pieces=8, steepness=200.0, yours=None, hinges=None
):  # fmt: skip
    """Build a function from pieces; arguments as for `compute_build_a_function`."""
    given = {"yours": yours, "hinges": hinges}
    return live(
        partial(compute_build_a_function, **given),
        partial(build_build_a_function, own=hinges is not None),
        draw_build_a_function,
        describe_build_a_function,
        controls={
            "target": _target_control(target, yours),
            "block": choice(block, BLOCKS, "made of"),
            "pieces": number(pieces, 1, MOST, 1, "pieces N"),
            "steepness": number(
                steepness, *STEEPNESS, 0.1, "steepness of a sigmoid", "per piece", log=True
            ),
        },
        call=_call("build_a_function", **given),
    )


def _target_control(target, yours):
    options = {record.label: name for name, record in TARGETS.items()}
    if yours is not None:
        options["your function"] = YOURS
    return choice(target or ("sine" if yours is None else YOURS), options, "target")


def _call(demo, **given):
    """The start of the line of code that gives the figure again."""
    words = [f"{key}={_word(value)}, " for key, value in given.items() if value is not None]
    return f"approximation.{demo}({''.join(words)}"


def _word(value):
    if not callable(value):
        return repr(value)
    name = getattr(value, "__name__", "")
    return name if name.isidentifier() else "my_function"


# --- By hand ------------------------------------------------------------------------------------

PLACES, WEIGHTS, BUMP_WIDTHS = (0.0, 1.0), (-12.0, 12.0), (0.05, 1.0)
HAND = 3  # units to place
_STEEP = 200.0  # of a bump placed by hand, per unit of x
_EVEN = tuple(range(1, MOST + 1))


class ByHand(NamedTuple):
    """Three units placed by hand.

    target, block     what is built, from what
    places            where the units are
    x, wanted, built  (points,) the target and the net
    parts             (x, y) of the single units, one broken line
    error, worst      largest |built - wanted|, and the x where it occurs
    even              largest error of as many equal pieces
    pieces            the fewest equal pieces that reach `error`; None if 64 are not enough
    """

    target: Target
    block: str
    places: list
    x: np.ndarray
    wanted: np.ndarray
    built: np.ndarray
    parts: tuple
    error: float
    worst: float
    even: float
    pieces: int | None


def compute_by_hand(
    *, target="sine", block="hinges", place_1=0.0, weight_1=3.0, place_2=0.35, weight_2=-5.0,
    place_3=0.8, weight_3=0.0, width=0.33, yours=None,
):  # fmt: skip
    """Three units where you put them: weight_1 * unit(x - place_1) + ...

    target   "sine", "square", "vee", "jump", or "yours" for the function `yours`
    block    "hinges": a place is where the slope changes, a weight by how much; the net starts at
             the target's first value. "bumps": place and height of the middle, all `width` wide
    place    0 to 1, weight -12 to 12, width 0.05 to 1
    """
    target = _target(target, yours)
    block = one_of("block", block, ["hinges", "bumps"])
    places = _numbered("place", (place_1, place_2, place_3), PLACES)
    weights = _numbered("weight", (weight_1, weight_2, weight_3), WEIGHTS)
    width = real("width", width, *BUMP_WIDTHS)
    hand = _placed if block == "hinges" else partial(_placed_bumps, width=width)
    net, x = hand(list(zip(places, weights, strict=True)), target), _HAND_X
    wanted, built = values_of("target", target.f, x), net(x)
    error = np.abs(built - wanted)
    even = _errors(target, block, 0.0 if block == "hinges" else 200.0, _EVEN)
    enough = [n for n, largest in zip(_EVEN, even, strict=True) if largest <= error.max()]
    return ByHand(
        target, block, places, x, wanted, built, _outlines(net, PER_PART[block]),
        float(error.max()), float(x[error.argmax()]), float(even[HAND - 1]),
        min(enough, default=None),
    )  # fmt: skip


_HAND_X = np.linspace(0, 1, 801)


def _numbered(name, values, span):
    return [real(f"{name}_{j}", value, *span) for j, value in enumerate(values, 1)]


def _placed_bumps(bumps, _, width):
    """A net of bumps [(middle, height), ...]; it starts at 0 whatever the target does."""
    places, heights = np.array(bumps).T
    knots = np.stack([places - width / 2, places + width / 2], axis=1).ravel()
    return theory.Shallow(0.0, knots, np.stack([heights, -heights], axis=1).ravel(), _STEEP)


def build_by_hand(fig):
    """Left: target, net and its three parts. Right: what is missing, and what even pieces miss."""
    left, right = fig.subplots(1, 2, width_ratios=(1.25, 1))
    left.set(xlim=(0, 1), ylim=(-1.6, 1.6), xlabel="x (triangles: places of the units)")
    right.set(xlim=(0, 1), ylim=(-1.6, 1.6), xlabel="x", ylabel="net − target")
    right.axhline(0, color="0.85", lw=1)
    foot = {"transform": left.get_xaxis_transform(), "clip_on": False, "animated": True}
    return _function_artists(left) | {
        "places": left.plot([], [], "^", ms=8, color=style.VERMILLION, **foot)[0],
        "error": right.plot([], [], lw=2, color=style.BLUE, animated=True)[0],
        "even": right.plot([], [], color=style.INK, lw=1.2, ls=(0, (5, 2)), animated=True)[0],
        "here": right.plot([], [], animated=True, **_RING)[0],
        "says": _number_above(right, "dashed: 3 even pieces"),
    }


def draw_by_hand(artists, result):
    """Move everything; a full redraw when the target needs other limits."""
    changed = _draw_function(artists, result)
    error, high = result.built - result.wanted, 0.8 * _span(result.wanted)
    changed |= _set_limits(artists["error"].axes, -high, high)
    artists["places"].set_data(result.places, [0.02] * HAND)
    artists["error"].set_data(result.x, error)
    artists["even"].set_data([0, 1, np.nan, 0, 1], np.array([1, 1, 1, -1, -1]) * result.even)
    worst = error[np.searchsorted(result.x, result.worst)]
    artists["here"].set_data([result.worst], [np.clip(worst, -high, high)])
    artists["says"].set_text(f"error {_size(result.error)}")
    return changed


def describe_by_hand(result):
    """The figure in words."""
    pieces = _count(result.pieces, "equal piece") if result.pieces else f"not even {MOST} pieces"
    return (
        f"{result.target.label} from {HAND} {NAMES[result.block]} placed by hand. Largest error "
        f"{_size(result.error)} at x = {result.worst:.3g}; {HAND} equal pieces give "
        f"{_size(result.even)}; {pieces} would do as well as your {HAND}."
    )


def by_hand(target=None, block="hinges", yours=None, **opening):
    """Place three units yourself; arguments as for `compute_by_hand`."""
    at = _opening(compute_by_hand, opening)
    for record, other in product(TARGETS, ("hinges", "bumps")):  # so that no step has to wait
        compute_by_hand(target=record, block=other)
    blocks = {name: block for name, block in BLOCKS.items() if block != "steps"}
    units = {}
    for j in range(1, HAND + 1):
        place, weight = f"place_{j}", f"weight_{j}"
        units[place] = number(at[place], *PLACES, 0.01, f"unit {j}: place")
        units[weight] = number(at[weight], *WEIGHTS, 0.1, f"unit {j}: weight")
    return live(
        partial(compute_by_hand, yours=yours),
        build_by_hand,
        draw_by_hand,
        describe_by_hand,
        controls={
            "target": _target_control(target, yours),
            "block": choice(block, blocks, "made of"),
            **units,
            "width": number(at["width"], *BUMP_WIDTHS, 0.01, "width of a bump"),
        },
        call=_call("by_hand", yours=yours),
    )


def _opening(compute, given):
    """The values of the controls at the start: those given, else the defaults of `compute`."""
    for name in given:
        one_of("control", name, list(compute.__kwdefaults__))
    return compute.__kwdefaults__ | given


# --- The polynomial floor -----------------------------------------------------------------------

DEGREES, WIDEST = (1, 7), 128
_X = np.linspace(-1, 1, 401)
_WAVE = np.sin(2 * pi * _X)
_NEW = 1e-9  # a unit adds something when this share of it, or more, is not in the others' span


class Learned(NamedTuple):
    """The best that the first 1, 2, ... 128 of a row of random units can do, their output weights
    fitted by least squares.

    directions  (points, rank) what each unit added to those before it, orthonormal
    weights     (rank,) of the directions in the target
    rank        (128,) number of directions in the first 1, 2, ... units
    rmse        (128,) of the best fit
    """

    directions: np.ndarray
    weights: np.ndarray
    rank: np.ndarray
    rmse: np.ndarray

    def fitted(self, width):
        rank = self.rank[width - 1]
        return self.directions[:, :rank] @ self.weights[:rank]


class Floor(NamedTuple):
    """Best fits of sin 2πx on [-1, 1] by random units with different activations.

    degree, width  z^degree is the first activation; width units are drawn
    names          of the activations: z^degree, relu, tanh (and yours)
    x, target      (401,)
    fits           (names, 401) at this width
    rmse, rank     (names, 128) at widths 1 to 128: error, and number of different functions
    floor          RMSE of the best polynomial of that degree
    highest        C(1 + degree, degree), the highest rank that z^degree can have
    """

    degree: int
    width: int
    names: tuple
    x: np.ndarray
    target: np.ndarray
    fits: np.ndarray
    rmse: np.ndarray
    rank: np.ndarray
    floor: float
    highest: int


def compute_polynomial_floor(*, degree=2, width=16, seed=1, f=None):
    """Fit sin 2πx with `width` random units z^degree, and with as many ReLU and tanh units.

    degree 1 to 7, width 1 to 128; seed of the units; f an activation of the learner's own.
    """
    degree, width = whole("degree", degree, *DEGREES), whole("width", width, 1, WIDEST)
    acts = {f"z^{degree}": _powers(degree), "relu": RELU.f, "tanh": TANH.f}
    if f is not None:
        acts[YOURS] = f
    learned = [_learned(act, whole("seed", seed, 0)) for act in acts.values()]
    return Floor(
        degree, width, tuple(acts), _X, _WAVE,
        np.array([best.fitted(width) for best in learned]),
        np.array([best.rmse for best in learned]), np.array([best.rank for best in learned]),
        theory.polynomial_floor(_X, _WAVE, degree), theory.polynomial_rank(1, degree),
    )  # fmt: skip


@lru_cache(maxsize=DEGREES[1])
def _powers(degree):
    return lambda z: z**degree


@lru_cache(maxsize=64)
def _learned(act, seed):
    """One unit after the other: what is new in it is one more direction (Gram-Schmidt, twice)."""
    H = _random_units(act, np.random.default_rng(seed))
    directions, weights = np.empty((len(_X), 0)), []
    rank, rest, rmse = [], _WAVE.copy(), []
    for unit in H.T:
        new = unit / (np.linalg.norm(unit) or 1.0)
        for _ in range(2):
            new = new - directions @ (directions.T @ new)
        size = np.linalg.norm(new)
        if size > _NEW:
            directions = np.column_stack([directions, new / size])
            weights.append(new @ rest / size)
            rest = rest - weights[-1] * directions[:, -1]
        rank.append(len(weights))
        rmse.append(np.sqrt(np.mean(rest * rest)))
    return Learned(directions, np.array(weights), np.array(rank), np.array(rmse))


def _random_units(act, rng):
    """(points, 128) of act(w x + b): |w| from 1 to 3, and w x + b = 0 anywhere on [-1, 1]."""
    w = rng.uniform(1, 3, WIDEST) * rng.choice([-1, 1], WIDEST)
    z = w * (_X[:, None] - rng.uniform(-1, 1, WIDEST))
    return values_of("f", act, z)


_SMALLEST = 1e-7  # lower end of the RMSE axis
_FLOOR_LOOKS = [
    {"color": style.GREEN, "linestyle": "-", "linewidth": 4.5},  # the floor is drawn on it
    style.look("relu"),
    style.look("tanh") | {"linestyle": (0, (4, 1.5))},
    {"color": style.INK, "linestyle": (0, (1.2, 1.6))},
]


def build_polynomial_floor(fig, curves=3):
    """Left: the fits. Right: RMSE and rank against the number of units."""
    left, right = fig.subfigures(1, 2, width_ratios=(1.1, 1))
    ax = left.subplots()
    ax.set(xlim=(-1, 1), ylim=(-1.7, 1.7), xlabel="x")
    ax.set_title("thin: sin 2πx, thick: best fits")
    rmse, rank = _axes_by_units(right)
    return {
        "says": _number_above(rmse, "RMSE"),
        "width": [axes.lines[0] for axes in (rmse, rank)],
        "fits": _curves(ax, curves, linewidth=2.4),
        "target": ax.plot(_X, _WAVE, animated=True, **style.THEORY)[0],
        "rmse": _curves(rmse, curves),
        "floor": rmse.plot([], [], animated=True, **style.THEORY)[0],
        "rank": _curves(rank, curves),
        "highest": rank.plot([], [], animated=True, **style.THEORY)[0],
        "names": _names(rmse, curves),
        "rank_names": _names(rank, curves),
    }


def _axes_by_units(fig):
    """RMSE and rank against the number of units; the first line in both marks the width."""
    rmse, rank = fig.subplots(2, 1, sharex=True)
    rmse.set(xscale="log", yscale="log", xlim=(0.9, 140), ylim=(_SMALLEST / 2, 3))
    rmse.set_yticks([_SMALLEST, 1e-5, 1e-3, 0.1], ["≤ 1e-07", "1e-05", "0.001", "0.1"])
    rank.set(yscale="log", ylim=(0.8, 200), xlabel="units")
    for axis in (rank.xaxis, rank.yaxis):
        axis.set_ticks([1, 4, 16, 64], ["1", "4", "16", "64"])
    for axes in (rmse, rank):
        axes.minorticks_off()
        axes.axvline(1, color="0.6", lw=1, animated=True)
    rank.set_title("different functions (rank)")
    return rmse, rank


def _names(ax, count):
    """Labels beside the curves; only the first moves, unless the learner's may be in its way."""
    colors = [look["color"] for look in _FLOOR_LOOKS[:count]]
    texts = style.direct_labels(ax, ["tanh"] * count, [1.0] * count, colors)
    for i, text in enumerate(texts):
        text.set_animated(i == 0 or count > 3)
    return texts


def _curves(ax, count, **looks):
    lines = [ax.plot([], [], animated=True, **(look | looks)) for look in _FLOOR_LOOKS[:count]]
    return [line for (line,) in lines]


def draw_polynomial_floor(artists, result):
    """Move the curves, the floor and the labels."""
    units = np.arange(1, WIDEST + 1)
    rmse = np.maximum(result.rmse, _SMALLEST)
    for i, name in enumerate(result.names):
        artists["fits"][i].set_data(result.x, result.fits[i])
        artists["rmse"][i].set_data(units, rmse[i])
        artists["rank"][i].set_data(units, result.rank[i])
        for labels in (artists["names"], artists["rank_names"]):
            labels[i].set_text(_NICE.get(name, name))
    for line in artists["width"]:
        line.set_xdata([result.width] * 2)
    artists["floor"].set_data([1, WIDEST], [result.floor] * 2)
    artists["highest"].set_data([1, WIDEST], [result.highest] * 2)
    style.place_labels(artists["floor"].axes, artists["names"], rmse[:, -1])
    style.place_labels(artists["highest"].axes, artists["rank_names"], result.rank[:, -1])
    artists["says"].set_text(f"floor {result.floor:.3g}")


_SUPERSCRIPTS = dict(zip("1234567", "¹²³⁴⁵⁶⁷", strict=True))
_NICE = {f"z^{d}": f"z{_SUPERSCRIPTS[str(d)]}" for d in range(DEGREES[0], DEGREES[1] + 1)}
_NICE |= {"z^1": "z", "relu": "ReLU"}


def describe_polynomial_floor(result):
    """The figure in words."""
    at = result.width - 1
    errors = [
        f"{_NICE.get(name, name)} {_rough(rmse[at])} (rank {rank[at]})"
        for name, rmse, rank in zip(result.names, result.rmse, result.rank, strict=True)
    ]
    return (
        f"sin 2πx from {_count(result.width, 'random unit')}, output weights fitted. RMSE: "
        f"{', '.join(errors)}. No number of units z^{result.degree} gets below {result.floor:.4g}, "
        f"and their rank stays at {result.highest} = C(1 + {result.degree}, {result.degree})."
    )


def _rough(rmse):
    return f"below {_SMALLEST:g}" if rmse < _SMALLEST else f"{rmse:.3g}"


def polynomial_floor(degree=2, width=16, seed=1, f=None):
    """Show that polynomial units stop at a floor; arguments as for `compute_polynomial_floor`."""
    given = {"seed": whole("seed", seed, 0), "f": f}
    for d in range(DEGREES[0], DEGREES[1] + 1):  # so that no step of the slider has to wait
        compute_polynomial_floor(degree=d, **given)
    return live(
        partial(compute_polynomial_floor, **given),
        partial(build_polynomial_floor, curves=3 + (f is not None)),
        draw_polynomial_floor,
        describe_polynomial_floor,
        controls={
            "degree": number(degree, *DEGREES, 1, "degree d of z^d"),
            "width": number(width, 1, WIDEST, 1, "width", "units"),
        },
        call=_call("polynomial_floor", **given),
    )


# --- The sawtooth -------------------------------------------------------------------------------

DEPTHS = (1, 7)


class Sawtooth(NamedTuple):
    """A tent map composed `depth` times, and the best that one layer can do.

    depth, deep_units, pieces  depth layers of two units make 2^depth pieces
    x, y                       (pieces + 1,) ends and bends of the sawtooth
    width                      units of the single layer, hinges at equal distances
    knots, fit                 (width + 1,) ends and bends of its best fit
    rmse                       of that fit, exact integral over [0, 1]
    widths, rmses              (7,) the same at 2, 4, ... 128 units
    """

    depth: int
    deep_units: int
    pieces: int
    x: np.ndarray
    y: np.ndarray
    width: int
    knots: np.ndarray
    fit: np.ndarray
    rmse: float
    widths: np.ndarray
    rmses: np.ndarray


def compute_sawtooth(*, depth=4, log2_width=3):
    """Compose the tent map `depth` times (1 to 7); fit it with 2^log2_width hinges (1 to 7)."""
    depth, log2_width = whole("depth", depth, *DEPTHS), whole("log2_width", log2_width, *DEPTHS)
    knots = [np.arange(2**j + 1) / 2**j for j in range(DEPTHS[1] + 1)]
    fits, rmses = _best_hinges(depth)
    return Sawtooth(
        depth, 2 * depth, 2**depth, knots[depth], theory.sawtooth(knots[depth], depth),
        2**log2_width, knots[log2_width], fits[log2_width - 1], float(rmses[log2_width - 1]),
        2 ** np.arange(1, DEPTHS[1] + 1), rmses,
    )  # fmt: skip


@lru_cache(maxsize=DEPTHS[1])
def _best_hinges(depth):
    """Heights at the knots, and RMSE, of the best fit with 2, 4, ... 128 equal pieces.

    Two Gauss points in each of 128 cells integrate the square of a line exactly.
    """
    cells = (np.arange(128)[:, None] + 0.5 + np.array([-0.5, 0.5]) / 3**0.5) / 128
    x = cells.ravel()
    y = theory.sawtooth(x, depth)
    fits = [theory.best_readout(_hats(x, 2**j), y) for j in range(1, DEPTHS[1] + 1)]
    return [fit.weights for fit in fits], np.array([fit.rmse for fit in fits])


def _hats(x, pieces):
    """(points, pieces + 1): 1 at a knot, 0 at all others, straight between. Spans all hinges."""
    return np.maximum(0, 1 - np.abs(x[:, None] * pieces - np.arange(pieces + 1)))


def build_sawtooth(fig):
    """Left: sawtooth and fit. Right: error of the fit against the units of the one layer."""
    left, right = fig.subplots(1, 2, width_ratios=(1.25, 1))
    left.set(xlim=(0, 1), ylim=(-0.05, 1.05), xlabel="x", yticks=(0, 0.5, 1))
    right.set(xscale="log", xlim=(1.7, 150), ylim=(-0.02, 0.36), xlabel="units")
    right.set_xticks([2, 4, 8, 16, 32, 64, 128], ["2", "4", "8", "16", "32", "64", "128"])
    right.minorticks_off()
    right.set_ylabel("RMSE")
    stuck = theory.SHALLOW_SAWTOOTH_RMSE
    right.axhline(stuck, **style.THEORY)
    right.text(1.8, stuck + 0.013, "1/√12: no better than the mean", va="bottom")
    blue, green = style.look("relu"), style.GREEN
    return {
        "fit": left.plot([], [], animated=True, lw=4, **blue)[0],
        "saw": left.plot([], [], animated=True, **style.THEORY)[0],
        "made": _number_above(left, "thin: deep net, thick: one layer"),
        "rmses": right.plot([], [], animated=True, **style.marker("relu"))[0],
        "here": right.plot([], [], animated=True, **_RING)[0],
        "deep": right.plot([], [], ls="none", marker="*", ms=15, color=green, animated=True)[0],
        "deep_name": right.text(0, 0.018, "deep net", color=green, ha="center", animated=True),
        "says": _number_above(right, "one layer, even hinges"),
    }


def draw_sawtooth(artists, result):
    """Move everything."""
    artists["saw"].set_data(result.x, result.y)
    artists["fit"].set_data(result.knots, result.fit)
    artists["rmses"].set_data(result.widths, result.rmses)
    artists["here"].set_data([result.width], [result.rmse])
    artists["deep"].set_data([result.deep_units], [0])
    artists["deep_name"].set_x(max(result.deep_units, 3.2))
    artists["made"].set_text(f"{result.pieces} pieces")
    artists["says"].set_text(f"RMSE {_size(result.rmse)}")


def describe_sawtooth(result):
    """The figure in words."""
    return (
        f"The tent map composed {_count(result.depth, 'time')}: {result.deep_units} units in "
        f"{_count(result.depth, 'layer')} make {result.pieces} pieces, exactly. The best fit with "
        f"{result.width} equal hinges in one layer has RMSE {_size(result.rmse)}; the mean alone "
        f"has 1/√12 = {theory.SHALLOW_SAWTOOTH_RMSE:.4g}. One layer needs {result.pieces} units."
    )


def sawtooth(depth=4, log2_width=3):
    """Show what depth adds; arguments as for `compute_sawtooth`."""
    for d in range(DEPTHS[0], DEPTHS[1] + 1):  # so that no step of the slider has to wait
        _best_hinges(d)
    return live(
        compute_sawtooth,
        build_sawtooth,
        draw_sawtooth,
        describe_sawtooth,
        controls={
            "depth": number(depth, *DEPTHS, 1, "deep net", "layers"),
            "log2_width": number(log2_width, *DEPTHS, 1, "one layer: log2 of its units"),
        },
        call="approximation.sawtooth",
    )
