"""XOR: what no line can do, what two hidden units can, and how often training finds it.

by_hand   set two hidden units with sliders and watch the plane fold
restarts  train 300 nets from random starts, for several activations

The four corners come in the order (0, 0), (0, 1), (1, 0), (1, 1); XOR wants 0, 1, 1, 0. MSE is the
mean over the four corners of the squared error.
"""

from typing import NamedTuple

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

from helpers import style
from helpers.activations import ACTIVATIONS, leaky_relu
from helpers.checks import one_of, real, whole
from helpers.datasets import xor as xor_data
from helpers.live import choice, live, number
from helpers.losses import SQUARED_ERROR
from helpers.network import Net
from helpers.theory import XOR_LEVELS, best_readout
from helpers.training import SGD, finish, part, training

X, Y, _ = xor_data()
TARGETS = Y[:, 0]
ZERO, ONE = style.BLUE, style.ORANGE  # the colours of the two classes
MAP = LinearSegmentedColormap.from_list("xor", ["#80B8D8", "white", "#F2CF80"], 64)  # pale
VIEW = (-0.4, 1.4)  # the part of the input plane that is drawn, in both directions
CELLS = 49  # of the coloured map, in each direction
_EDGES = np.linspace(*VIEW, CELLS + 1)
_CENTRES = (_EDGES[1:] + _EDGES[:-1]) / 2
GRID = np.stack(np.meshgrid(_CENTRES, _CENTRES), axis=-1).reshape(-1, 2)
SOLVED = 0.01  # a net with a smaller MSE has solved XOR


def _plane(ax):
    """The input plane: the output in pale colours, the corners in the full colour they want."""
    ax.set(xlim=VIEW, ylim=VIEW, xlabel="x1", ylabel="x2", aspect="equal")
    ax.set(xticks=(0, 1), yticks=(0, 1))
    cells = ax.pcolormesh(  # half the time of imshow
        _EDGES, _EDGES, np.zeros((CELLS, CELLS)), cmap=MAP, vmin=0, vmax=1, animated=True, zorder=0
    )
    for wanted, color, shape in ((0, ZERO, "o"), (1, ONE, "^")):
        corners = X[wanted == TARGETS].T
        ax.plot(*corners, shape, ms=12, mfc=color, mec=style.INK, mew=1, animated=True)
    return cells


# --- By hand ------------------------------------------------------------------------------------

DIRECTIONS, THRESHOLDS = (-180, 180), (-1.0, 2.0)
BY_HAND = ("identity", "step", "relu", "abs", "sigmoid", "tanh")
# Thresholds of unit 1 for the curve of the error: between the round numbers, where steps jump.
SWEEP = np.linspace(*THRESHOLDS, 121)[:-1] + 0.0125
TINY = 1e-6  # half the distance of a finite difference
_HIDDEN_LIMITS = {
    "step": (-0.4, 1.4), "sigmoid": (-0.4, 1.4), "tanh": (-1.4, 1.4), "identity": (-4.6, 3.6),
    "relu": (-1.0, 3.6), "abs": (-1.2, 4.6),
}  # fmt: skip


class ByHand(NamedTuple):
    """Two hidden units set by hand, with the best output layer that there is for them.

    hidden   (4, 2) values of the units at the corners (unit 2 is 0 if only one is used)
    weights  (2,) and bias of the output layer, by least squares
    outputs  (4,) at the corners, mse their mean squared error
    map      (CELLS, CELLS) output over the drawn plane
    lines    (2, 2, 2) where the z of a unit is 0: two points (x1, x2); NaN for an unused unit
    half     (2, 2) where the output is 1/2 in the plane of hidden values: two points (h1, h2)
    sweep    (120,) MSE when only threshold 1 moves to SWEEP, the output layer held
    sloping  at how many of these the MSE has a slope
    """

    activation: str
    units: int
    threshold1: float
    hidden: np.ndarray
    weights: np.ndarray
    bias: float
    outputs: np.ndarray
    mse: float
    map: np.ndarray
    lines: np.ndarray
    half: np.ndarray
    sweep: np.ndarray
    sloping: int


def compute_by_hand(
    *, activation="step", direction1=45, threshold1=0.5, direction2=45, threshold2=0.5, units=2
):  # fmt: skip
    """Hidden units f(w1 x1 + w2 x2 - threshold) with w = sqrt(2) (cos, sin) of a direction.

    activation  identity, step, relu, abs, sigmoid or tanh
    direction1, direction2  in degrees, -180 to 180: 45 means x1 + x2, -45 means x1 - x2
    threshold1, threshold2  -1 to 2; units 1 or 2
    """
    act = ACTIVATIONS[one_of("activation", activation, BY_HAND)]
    units = whole("units", units, 1, 2)
    W = np.array([_weights("direction1", direction1), _weights("direction2", direction2)])
    thresholds = np.array(
        [real("threshold1", threshold1, *THRESHOLDS), real("threshold2", threshold2, *THRESHOLDS)]
    )
    W[units:], thresholds[units:] = 0, 0  # an unused unit stays at f(0), like a bias
    hidden = act.f(X @ W.T - thresholds)
    *weights, bias = best_readout(np.column_stack([hidden, np.ones(4)]), TARGETS).weights
    outputs = hidden @ weights + bias

    def mse(thresholds):
        """MSE (n,) when threshold 1 moves to each of (n,)."""
        h1 = act.f(X @ W[0] - thresholds[:, None])
        return np.mean((h1 * weights[0] + hidden[:, 1] * weights[1] + bias - TARGETS) ** 2, axis=1)

    return ByHand(
        activation, units, thresholds[0], hidden, np.array(weights), bias, outputs,
        np.mean((outputs - TARGETS) ** 2),
        (act.f(GRID @ W.T - thresholds) @ weights + bias).reshape(CELLS, CELLS),
        np.array([_line(w, threshold) for w, threshold in zip(W, thresholds, strict=True)]),
        _line(np.array(weights), 0.5 - bias), mse(SWEEP),
        int(np.sum(mse(SWEEP + TINY) != mse(SWEEP - TINY))),
    )  # fmt: skip


def _weights(name, direction):
    angle = np.radians(real(name, direction, *DIRECTIONS))
    return np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)])


def _line(normal, level):
    """Two far points (2, 2) of the line where normal . x = level; NaN if there is no such line."""
    size = np.linalg.norm(normal)
    if size < 1e-9:
        return np.full((2, 2), np.nan)
    along = 20 * np.array([-normal[1], normal[0]]) / size
    return normal * level / size**2 + np.array([-along, along])


def build_by_hand(fig):
    """Left: the input plane. Middle: the plane of hidden values. Right: error and threshold 1."""
    plane, hidden, error = fig.subplots(1, 3)
    plane.set_title("output, MSE =")
    hidden.set(xlabel="unit 1", ylabel="unit 2", title="hidden values", aspect="equal")
    hidden.yaxis.set_label_coords(-0.2, 0.5)  # wherever the tick labels end
    for axis in (hidden.xaxis, hidden.yaxis):
        axis.set_major_locator(MaxNLocator(4, integer=True))
    error.set(xlim=THRESHOLDS, ylim=(0, 0.52), xlabel="threshold 1", ylabel="MSE")
    error.set_title("places with a slope:")
    error.set_box_aspect(1)
    error.set_yticks([0, 1 / 8, 1 / 6, 1 / 4, 1 / 2], ["0", "1/8", "1/6", "1/4", "1/2"])
    moving = {"animated": True}
    return {
        "map": _plane(plane),
        "lines": [plane.plot([], [], dash, color=style.INK, **moving)[0] for dash in ("-", "--")],
        "mse": style.beside_title(plane, 0.66),
        "hidden": hidden,
        "half": hidden.plot([], [], **style.THEORY, **moving)[0],
        "corners": [
            hidden.plot([], [], **(_LARGE if one else _SMALL), **moving)[0] for one in TARGETS
        ],
        "names": [_corner_name(hidden, *corner) for corner in X.astype(int)],
        "sweep": error.plot([], [], lw=2, color=style.INK, **moving)[0],
        "now": error.plot([], [], "o", ms=9, color=style.VERMILLION, **moving)[0],
        "sloping": style.beside_title(error, 0.86),
    }


# Where the two classes fall on one point, the small dot leaves the edge of the triangle to be seen.
_LARGE = {"marker": "^", "ms": 15, "color": ONE}
_SMALL = {"marker": "o", "ms": 6, "color": ZERO, "zorder": 3}


def _corner_name(ax, x1, x2):
    """A corner's name beside its dot, each on another side, so that folded corners can be read."""
    offset = {"00": (-21, -5), "01": (-8, 10), "10": (-8, -20), "11": (10, -5)}[f"{x1}{x2}"]
    return ax.annotate(
        f"{x1}{x2}", (0, 0), offset, textcoords="offset points", animated=True,
        annotation_clip=False,
    )  # fmt: skip


def draw_by_hand(artists, result):
    """Move everything; another activation needs other limits in the plane of hidden values."""
    artists["map"].set_array(result.map)
    for line, points in zip(artists["lines"], result.lines, strict=True):
        line.set_data(*points.T)
    artists["half"].set_data(*result.half.T)
    for dot, name, place in zip(artists["corners"], artists["names"], result.hidden, strict=True):
        dot.set_data(*place[:, None])
        name.xy = place
    artists["sweep"].set_data(SWEEP, result.sweep)
    artists["now"].set_data([result.threshold1], [result.mse])
    artists["mse"].set_text(f"{result.mse:.3f}")
    artists["sloping"].set_text(f"{result.sloping / len(SWEEP):.0%}")
    return _set_limits(artists["hidden"], _HIDDEN_LIMITS[result.activation])


def _set_limits(ax, limits):
    if ax.get_xlim() == limits:
        return False
    ax.set(xlim=limits, ylim=limits)
    return True


def describe_by_hand(result):
    """The figure in words."""
    r = result
    hidden = "; ".join(_numbers(values[: r.units]) for values in r.hidden)
    return (
        f"{r.units} hidden {r.activation} unit{'s' * (r.units > 1)} with the values {hidden} at "
        f"the corners 00, 01, 10, 11. The best output layer gives {_numbers(r.outputs)} (wanted: "
        f"0, 1, 1, 0), MSE {r.mse:.3f}. When only threshold 1 moves, the MSE has a slope at "
        f"{r.sloping} of {len(SWEEP)} places."
    )


def _numbers(values):
    """Two digits each, and no minus zero."""
    return ", ".join(f"{value:.2f}" for value in np.round(values, 2) + 0.0)


def by_hand(
    activation="step", direction1=45, threshold1=0.5, direction2=45, threshold2=0.5, units=2
):  # fmt: skip
    """Show two hidden units that are set by sliders; arguments as for `compute_by_hand`."""
    return live(
        compute_by_hand,
        build_by_hand,
        draw_by_hand,
        describe_by_hand,
        controls={
            "activation": choice(activation, list(BY_HAND), "activation"),
            "units": number(units, 1, 2, 1, "hidden units"),
            "direction1": number(direction1, *DIRECTIONS, 15, "direction of unit 1", "degrees"),
            "threshold1": number(threshold1, *THRESHOLDS, 0.1, "threshold 1 (solid line)"),
            "direction2": number(direction2, *DIRECTIONS, 15, "direction of unit 2", "degrees"),
            "threshold2": number(threshold2, *THRESHOLDS, 0.1, "threshold 2 (dashed line)"),
        },
        call="xor.by_hand",
        size=(8.4, 3.0),
    )


# --- Restarts -----------------------------------------------------------------------------------

WIDTHS, RATES, SEEDS = (1, 8), (0.01, 1.0), (0, 99)
RESTARTS, GROUPS, STEPS = 300, 6, 3000
TRAINED = {
    act.name: act
    for act in (
        ACTIVATIONS["identity"], ACTIVATIONS["relu"], leaky_relu(0.1), ACTIVATIONS["sigmoid"],
        ACTIVATIONS["tanh"], ACTIVATIONS["elu"], ACTIVATIONS["abs"],
    )
}  # fmt: skip
NEAR = 0.01  # a net ends on a level if its MSE is nearer to it than this
CEILING = 0.3  # top of the axis of the MSE; nets that diverged are drawn there


class Outcome(NamedTuple):
    """RESTARTS trained nets of one activation, sorted by their final MSE (inf: diverged)."""

    net: Net
    theta: np.ndarray  # (RESTARTS, P)
    mse: np.ndarray  # (RESTARTS,)
    rates: np.ndarray  # (GROUPS,) share solved in each group of RESTARTS / GROUPS nets
    steps: int  # how many were done, fewer than STEPS if the training was stopped


class Restarts(NamedTuple):
    """What became of the restarts of every activation, and one net in detail.

    activation, width, steps  which nets; mse (RESTARTS,) theirs, sorted
    levels   dict from each level of theory (0, 1/8, 1/6, 1/4) to the number of nets that end there
    success  dict from activation to the share of nets with MSE < SOLVED
    spread   dict from activation to the standard error of that share, from the GROUPS
    number   of the chosen net in the sorted order, from 1; outputs (4,) at the corners
    map      (CELLS, CELLS) its output over the drawn plane
    """

    activation: str
    width: int
    steps: int
    mse: np.ndarray
    levels: dict
    success: dict
    spread: dict
    number: int
    outputs: np.ndarray
    map: np.ndarray


def record_restarts(*, width=2, lr=0.1, seed=0):
    """Train all nets: a generator that yields its progress and returns {activation: Outcome}.

    width  of the hidden layer (1 to 8); lr the learning rate (0.01 to 1)
    seed   of the starts: weights by He's rule for relu and leaky_relu, by LeCun's for the others
           (the usual choice for each), biases 0

    Gradient descent on all four corners, STEPS steps. Sent "stop", it leaves all nets as they are.
    """
    width, lr = whole("width", width, *WIDTHS), real("lr", lr, *RATES)
    seed, outcomes, stopped = whole("seed", seed, *SEEDS), {}, False
    for k, (name, act) in enumerate(TRAINED.items()):
        net = Net((2, width, 1), act)
        scheme = "he" if "relu" in name else "lecun"
        theta = net.init(np.random.default_rng([seed, k]), scheme, lead=(RESTARTS,))
        steps = 0 if stopped else STEPS
        way = training(
            net, theta, X, Y, SQUARED_ERROR, steps=steps, optimizer=SGD(lr), record=[steps]
        )
        run = yield from part(way, k / len(TRAINED), (k + 1) / len(TRAINED))
        stopped = stopped or run.stopped and (run.diverged < 0).any()
        outcomes[name] = _outcome(run)
    return outcomes


def _outcome(run):
    mse = np.where(np.isfinite(run.losses[-1]), run.losses[-1], np.inf)
    order = np.argsort(mse, kind="stable")
    solved = (mse < SOLVED).reshape(GROUPS, -1).mean(1)
    return Outcome(run.net, run.theta[order], mse[order], solved, len(run.losses) - 1)


def trained_restarts(**settings):
    """{activation: Outcome}, all of `record_restarts` in one go."""
    return finish(record_restarts(**settings))


def compute_restarts(*, record=None, activation="relu", net=150):
    """Sort and count what the training gave.

    record      what `trained_restarts` returns (None: with its defaults)
    activation  a name in TRAINED; net: which of the nets to show, 1 (lowest MSE) to RESTARTS
    """
    record = trained_restarts() if record is None else record
    nets = record[one_of("activation", activation, TRAINED)]
    chosen = whole("net", net, 1, RESTARTS) - 1
    theta = nets.theta[chosen]
    return Restarts(
        activation, nets.net.sizes[1], nets.steps, nets.mse,
        {level: int(np.sum(np.abs(nets.mse - level) < NEAR)) for level in XOR_LEVELS},
        {name: outcome.rates.mean() for name, outcome in record.items()},
        {name: outcome.rates.std(ddof=1) / GROUPS**0.5 for name, outcome in record.items()},
        chosen + 1, nets.net.output(theta, X)[:, 0],
        nets.net.output(theta, GRID).reshape(CELLS, CELLS),
    )  # fmt: skip


def build_restarts(fig):
    """Left: the sorted final errors. Middle: one net. Right: success of every activation."""
    errors, plane, success = fig.subplots(1, 3, width_ratios=(1.3, 1, 1))
    errors.set(xlim=(-6, RESTARTS + 45), ylim=(-0.015, CEILING + 0.01), xticks=(1, 100, 200, 300))
    errors.set(xlabel="net, sorted (right: how many)", title="final MSE of 300 nets")
    errors.set_yticks(list(XOR_LEVELS), ["0", "1/8", "1/6", "1/4"])
    errors.hlines(list(XOR_LEVELS), 0, RESTARTS, lw=style.THEORY["linewidth"], color=style.INK)
    success.set(xlim=(-0.04, 1.04), ylim=(len(TRAINED) - 0.5, -0.5), title="share solved ± 2 s.e.")
    success.set_xticks([0, 0.5, 1], ["0%", "50%", "100%"])
    success.set_yticks(range(len(TRAINED)), [name.replace("_", " ") for name in TRAINED])
    success.grid(axis="y")
    plane_artists = {"map": _plane(plane), "outputs": [_output_text(plane, *x) for x in X]}
    plane.set_title("this net: MSE")
    plane.set_anchor("N")
    moving = {"animated": True}
    return plane_artists | {
        "mse": errors.plot([], [], **_SMALL_DOTS)[0],
        "chosen": errors.plot([], [], **_RING)[0],
        "counts": [errors.text(RESTARTS + 8, y, "", va="center", **moving) for y in XOR_LEVELS],
        "shown": style.beside_title(plane, 0.68),
        "bars": success.plot([], [], color=style.INK, lw=2, **moving)[0],
        "rates": success.plot([], [], **style.MEASURED, color=style.INK, **moving)[0],
        "activation": success.plot([], [], **_RING)[0],
    }


_SMALL_DOTS = {**style.MEASURED, "markersize": 4, "animated": True}
_RING = {"marker": "o", "ms": 13, "mfc": "none", "mec": style.VERMILLION, "mew": 2.5,
         "linestyle": "none", "animated": True}  # fmt: skip


def _output_text(ax, x1, x2):
    """The output at a corner, written outside the square of the corners."""
    return ax.text(x1, x2 + (0.21 if x2 else -0.21), "", ha="center", va="center", animated=True)


def draw_restarts(artists, result):
    """Move everything; nets beyond the axis (or diverged) lie on its upper end."""
    mse = np.minimum(result.mse, CEILING)
    rates, spread = np.array(list(result.success.values())), np.array(list(result.spread.values()))
    places = np.arange(len(rates))
    artists["mse"].set(data=(np.arange(1, RESTARTS + 1), mse), color=_color(result.activation))
    artists["chosen"].set_data([result.number], [mse[result.number - 1]])
    for text, count in zip(artists["counts"], result.levels.values(), strict=True):
        text.set_text(str(count))
    artists["map"].set_array(result.map)
    for text, output in zip(artists["outputs"], result.outputs, strict=True):
        text.set_text(_numbers([output]))
    artists["shown"].set_text(f"{result.mse[result.number - 1]:.3f}")
    artists["bars"].set_data(*_bars(places, rates - 2 * spread, rates + 2 * spread))
    artists["rates"].set_data(rates, places)
    place = list(result.success).index(result.activation)
    artists["activation"].set_data([rates[place]], [place])


def _color(name):
    return style.look(name)["color"]


def _bars(places, low, high):
    """One line from low to high at each place."""
    gaps = np.full(len(places), np.nan)
    return np.stack([low, high, gaps], axis=1).ravel(), np.repeat(places, 3)


def describe_restarts(result):
    """The figure in words."""
    r = result
    levels = [*zip(("0", "1/8", "1/6", "1/4"), r.levels.values(), strict=True)]
    levels.append(("elsewhere", RESTARTS - sum(r.levels.values())))
    others = ", ".join(f"{name} {share:.0%}" for name, share in r.success.items())
    return (
        f"{RESTARTS} nets with {r.width} hidden {r.activation} unit{'s' * (r.width > 1)} after "
        f"{r.steps:,} steps: {r.success[r.activation]:.0%} solve XOR (standard error "
        f"{r.spread[r.activation]:.1%}). Nets by the level of their MSE: "
        f"{', '.join(f'{level}: {count}' for level, count in levels)}. Solved by activation: "
        f"{others}. Net {r.number} of the sorted ones has MSE {r.mse[r.number - 1]:.3f} and gives "
        f"{_numbers(r.outputs)} at the corners 00, 01, 10, 11."
    )


def restarts(width=2, lr=0.1, activation="relu", net=150, seed=0):
    """Show 300 restarts on XOR; arguments as for `record_restarts` and `compute_restarts`."""
    return live(
        compute_restarts,
        build_restarts,
        draw_restarts,
        describe_restarts,
        record=record_restarts,
        slow={
            "width": number(width, *WIDTHS, 1, "hidden units"),
            "lr": number(lr, *RATES, 0.1, "learning rate", log=True),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        controls={
            "activation": choice(activation, list(TRAINED), "activation"),
            "net": number(net, 1, RESTARTS, 1, "net"),
        },
        call="xor.restarts",
        size=(8.4, 3.2),
        button="Train",
    )
