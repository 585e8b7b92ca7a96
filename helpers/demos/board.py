"""How deep a signal gets, and how deep a gradient gets back: two demos.

board          second moment and gradient in every layer, and the map of sigma_w and sigma_b
edge_of_chaos  whether two inputs become alike or strangers, and over how many layers

Theory comes from `helpers.mean_field`. Beside it stand real nets at their start, NETS at once. They
share one set of random matrices, which is drawn once per seed; a slider only multiplies it. Net k
uses diag(s) W, with random signs s of its own in every layer: a matrix of the same distribution,
whose outputs are uncorrelated with those of W. So eight nets take the products of one.
"""

import math
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from contourpy import LineType, contour_generator
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap
from matplotlib.patches import Polygon

from helpers import mean_field, style
from helpers.activations import ACTIVATIONS, Activation, leaky_relu, record_of
from helpers.checks import one_of, real, whole
from helpers.diagnostics import saturated_zones
from helpers.initializers import LECUN, ORTHOGONAL, UNIFORM
from helpers.live import choice, live, number

NETS = 8  # drawn nets; the first is the one that is shown as dots
INPUTS = 4  # examples that all of them see
LAYERS = 64  # that are drawn
DEPTHS, WIDTHS = (1, LAYERS), (32, 256)
SIGMAS_W, SIGMAS_B, SLOPES, SEEDS = (0.1, 3.0), (0.0, 1.0), (0.0, 1.0), (0, 99)
SCHEMES = {"gaussian": LECUN, "uniform": UNIFORM, "orthogonal": ORTHOGONAL}
YOURS = "yours"  # the name of the learner's own function in the list of activations


# --- Nets at their start ------------------------------------------------------------------------


class Draw(NamedTuple):
    """What is random in a few nets, for sigma_w = sigma_b = 1; drawn once, then multiplied.

    X      (inputs, width) inputs with mean square 1, the same for all nets
    dZ     (nets, inputs, width) d loss / d z of the last layer
    W      (layers, width, width), entries of variance 1 / width
    signs  (layers, nets, 1, width): net k has the matrices diag(signs[:, k]) W
    b      (layers, nets, 1, width) biases of variance 1
    """

    X: np.ndarray
    dZ: np.ndarray
    W: np.ndarray
    signs: np.ndarray
    b: np.ndarray


@lru_cache(maxsize=2)  # 35 MB each at width 256
def drawn(scheme, width, seed, nets=NETS, inputs=INPUTS, layers=LAYERS):
    """The `Draw` of a scheme in SCHEMES."""
    rng = np.random.default_rng(seed)
    X, dZ = rng.standard_normal((inputs, width)), rng.standard_normal((nets, inputs, width))
    X /= np.sqrt(np.mean(X * X, axis=1, keepdims=True))
    record = SCHEMES[scheme]
    gain = 1 / (record.std(width, width) * math.sqrt(width))
    W = record.draw(rng, (layers, width, width), gain=gain)
    signs = rng.choice([-1.0, 1.0], (layers, nets, 1, width))
    signs[:, 0] = 1
    return Draw(X, dZ, W, signs, rng.standard_normal((layers, nets, 1, width)))


def product(A, W):
    """A @ W for A (NETS, inputs, width), as one product of two matrices."""
    return (A.reshape(-1, A.shape[-1]) @ W).reshape(*A.shape[:2], -1)


class Measured(NamedTuple):
    """Real nets; NaN where the numbers have left the range of floats.

    log10_moment    (nets, depth): of E z^2 in every layer
    log10_gradient  (nets, depth): of |d loss / d z| in every layer over that in the last
    flat            (depth,): share of units of the first net whose slope is below FLAT
    """

    log10_moment: np.ndarray
    log10_gradient: np.ndarray
    flat: np.ndarray


FLAT = 0.01  # a slope |f'(z)| below this counts as flat
HELD = 1e-250, 1e250  # sums of squares outside are not followed any further


def measured(act, draw, sigma_w, sigma_b, depth):
    """Send the inputs forwards and a random d loss / d z of the last layer backwards."""
    factors, biases = sigma_w * draw.signs[:depth], sigma_b * draw.b[:depth]
    nets = draw.signs.shape[1]
    moments, flat = np.full((depth, nets), np.nan), np.full(depth, np.nan)
    A, slopes = np.broadcast_to(draw.X, (nets, *draw.X.shape)), []
    with np.errstate(all="ignore"):  # a learner's function may overflow: infinity is an answer
        for k in range(depth):
            z = product(A * factors[k], draw.W[k])
            z += biases[k]
            squares = sums_of_squares(z)
            if not (squares.min() > HELD[0] and squares.max() < HELD[1]):
                break
            A, moments[k] = act.f(z), squares / z[0].size
            slopes.append(act.df(z))
            flat[k] = np.mean(np.abs(slopes[k][0]) < FLAT)
        gradients = np.full_like(moments, np.nan)
        if len(slopes) == depth:
            _backwards(draw, factors, slopes, gradients)
        return Measured(np.log10(moments).T, gradients.T, flat)


def sums_of_squares(A):
    """Of every net, (nets,)."""
    numbers = A.reshape(len(A), -1)
    return np.vecdot(numbers, numbers)


def _backwards(draw, factors, slopes, logs):
    """Write log10 of the norm of d loss / d z over that in the last layer to logs (depth, nets)."""
    dZ, scale = draw.dZ, 0.0
    for k in reversed(range(len(factors))):
        squares = sums_of_squares(dZ)
        logs[k] = np.log10(squares) / 2 + scale
        if 0 < squares.max() < 1e-100:  # far from what a float cannot hold, or only slowly
            dZ, scale = dZ * 1e50, scale - 50
        if k:
            dZ = product(dZ, draw.W[k].T)
            dZ *= factors[k]
            dZ *= slopes[k - 1]
    logs -= logs[-1].copy()


# --- The signal board ---------------------------------------------------------------------------


class Board(NamedTuple):
    """A deep net at its start: theory and NETS real ones. Logarithms to the base 10.

    name     of the activation; depth, width, sigma_w, sigma_b, scheme, seed as they were given
    moment, gradient, flat  (depth,) theory: E z^2, the norm of d loss / d z over that in the last
             layer, and the share of units whose slope is below FLAT
    nets     the same of real nets, `Measured`
    factor   of the gradient norm from layer 64 to layer 63, in theory
    chart    `Chart` of this activation
    """

    name: str
    depth: int
    width: int
    sigma_w: float
    sigma_b: float
    scheme: str
    seed: int
    moment: np.ndarray
    gradient: np.ndarray
    flat: np.ndarray
    nets: Measured
    factor: float
    chart: "Chart"


def compute_board(
    *, activation=None, depth=40, width=128, sigma_w=1.5, sigma_b=0.2, scheme="gaussian",
    slope=0.2, seed=6, own=None,
):  # fmt: skip
    """Signal and gradient in every layer.

    activation  a name in ACTIVATIONS, or "yours" for `own`; None: `own` if given, else "tanh"
    depth       layers, 1 to 64; width units of each, 32 to 256
    sigma_w     0.1 to 3: weights have the standard deviation sigma_w / sqrt(width)
    sigma_b     0 to 1: standard deviation of the biases
    scheme      "gaussian", "uniform" or "orthogonal": what the matrices are
    slope       of leaky_relu below zero, 0 to 1
    seed        0 to 99
    own         the learner's own `Activation`
    """
    act = chosen(activation, slope, own)
    depth, width = whole("depth", depth, *DEPTHS), whole("width", width, *WIDTHS)
    sigma_w, sigma_b = real("sigma_w", sigma_w, *SIGMAS_W), real("sigma_b", sigma_b, *SIGMAS_B)
    scheme, seed = one_of("scheme", scheme, SCHEMES), whole("seed", seed, *SEEDS)
    theory = mean_field.signal(act, sigma_w, sigma_b, LAYERS)
    moment, factors = theory.second_moment[:depth], theory.log10_factor
    return Board(
        act.name, depth, width, sigma_w, sigma_b, scheme, seed, np.log10(moment),
        theory._replace(log10_factor=factors[: depth - 1]).log10_gradient,
        flat_share(act, moment),
        measured(act, drawn(scheme, width, seed), sigma_w, sigma_b, depth),
        factors[-1], chart(act),
    )  # fmt: skip


def chosen(activation, slope, own, default="tanh"):
    """The record of an activation by its name; "yours" is the learner's own."""
    if own is not None:
        record_of("own", own)
    name = activation or (default if own is None else YOURS)
    one_of("activation", name, [*ACTIVATIONS] + [YOURS] * (own is not None))
    slope = real("slope", slope, *SLOPES)
    return {YOURS: own, "leaky_relu": leaky_relu(slope)}.get(name) or ACTIVATIONS[name]


def flat_share(act, q):
    """Share of units with a slope below FLAT, for pre-activations N(0, q), q (layers,)."""
    low, high = np.reshape(saturated_zones(act, FLAT), (-1, 2)).T
    roots = np.sqrt(2 * q)[:, None]
    return (_erf(high / roots) - _erf(low / roots)).sum(1) / 2


_erf = np.vectorize(math.erf, otypes=[float])


LEVELS = (0.5, 0.8, 0.95, 1.05, 1.25, 2)  # factors at which the map changes its colour
MAP_W, MAP_B = np.linspace(*SIGMAS_W, 59), np.linspace(*SIGMAS_B, 41)


class Chart(NamedTuple):
    """The phase diagram of one activation.

    log10_factor  (41, 59): of the gradient norm per layer in an endless net, at MAP_B and MAP_W
    edge          (points, 2): sigma_w and sigma_b where it is 0, the edge of chaos
    """

    log10_factor: np.ndarray
    edge: np.ndarray


@lru_cache(maxsize=32)
def chart(act):
    """The `Chart` of an activation, made when it is first asked for."""
    q = mean_field.fixed_point(act, MAP_W, MAP_B[:, None])
    chi = mean_field.chi_1(act, MAP_W, q)
    factors = np.log10(np.maximum(chi, 1e-20)) / 2
    lines = contour_generator(MAP_W, MAP_B, factors, line_type=LineType.ChunkCombinedNan)
    edge = lines.lines(0.0)[0][0]
    return Chart(factors, np.empty((0, 2)) if edge is None else edge)


# Drawing

_COLD_WARM = LinearSegmentedColormap.from_list(
    "cold_warm", [style.BLUE, "#9CC9E3", "#FFFFFF", "#F3BE9C", style.VERMILLION]
)
_DOTS = {**style.MEASURED, "markersize": 3.5, "color": style.BLUE}
_HERE = {"marker": "o", "ms": 10, "mfc": "white", "mec": style.INK, "mew": 2.5,
         "clip_on": False, "animated": True}  # fmt: skip
LADDER = (1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 500, 1000)  # decades between two ticks


def build_board(fig):
    """Left: second moment, gradient, flat units of every layer. Right: the phase diagram."""
    left, right = fig.subfigures(1, 2, width_ratios=(1.25, 1))
    left.suptitle(f"theory (line), one net (dots), {NETS} nets (band)", x=0.13, ha="left", size=12)
    moment, gradient, flat = left.subplots(3, 1, sharex=True, height_ratios=(1, 1, 0.55))
    flat.set(xlim=(0, LAYERS + 1), xticks=(1, 16, 32, 48, 64), xlabel="layer")
    flat.set(ylim=(-0.05, 1.05), yticks=(0, 0.5, 1))
    flat.set_yticklabels(["0%", "50%", "100%"])
    moment.set_title("second moment E z², at last layer:")
    gradient.set_title("gradient / last layer's, at layer 1:")
    flat.set_title("units with slope < 1%, at last layer:")
    return {
        "moment": _profile(moment, 0.78) | {"labels": _log_axis(moment)},
        "gradient": _profile(gradient, 0.78) | {"labels": _log_axis(gradient)},
        "flat": _profile(flat, 0.78),
        **_build_map(right),
    }


def _profile(ax, x):
    moving = {"animated": True}
    return {
        "band": ax.add_patch(Polygon(np.zeros((3, 2)), **style.band(style.BLUE), **moving)),
        "dots": ax.plot([], [], **_DOTS, **moving)[0],
        "theory": ax.plot([], [], **style.THEORY, **moving)[0],
        "value": style.beside_title(ax, x),
    }


def _log_axis(ax):
    """Three ticks, and their labels, which move."""
    ax.set(ylim=(-0.15, 2.15))
    ax.set_yticks([0, 1, 2], [])
    label = {"ha": "right", "va": "center", "transform": ax.get_yaxis_transform()}
    return [ax.text(-0.022, tick, "", **label, animated=True) for tick in range(3)]


def _build_map(figure):
    ax = figure.subplots()
    ax.set(xlabel=r"$\sigma_w$", ylabel=r"$\sigma_b$")
    ax.set_title("gradient per layer: ×")
    norm = BoundaryNorm(LEVELS, _COLD_WARM.N, extend="both")
    image = ax.imshow(
        np.ones((2, 2)), _COLD_WARM, norm, aspect="auto", interpolation="bilinear",
        interpolation_stage="data", origin="lower", extent=_pixels(MAP_W) + _pixels(MAP_B),
    )  # fmt: skip
    ax.set(xlim=SIGMAS_W, ylim=SIGMAS_B)
    bar = figure.colorbar(image, ax=ax, location="bottom", extendfrac=0.2, aspect=24)
    bar.set_ticks(LEVELS, labels=[f"{level:g}" for level in LEVELS])
    ends = {"y": -2.6, "va": "top", "transform": bar.ax.transAxes}
    for x, side, words in (
        (-0.2, "left", "vanishes"), (0.5, "center", "edge of chaos"), (1.2, "right", "explodes"),
    ):  # fmt: skip
        bar.ax.text(x, s=words, ha=side, **ends)
    return {
        "image": image,
        "edge": ax.plot([], [], **style.THEORY)[0],
        "here": ax.plot([], [], **_HERE)[0],
        "factor": style.beside_title(ax, 0.65),
        "chart": None,
    }


def _pixels(places):
    """Outer ends of pixels whose middles are at these places, one after the other."""
    half = (places[1] - places[0]) / 2
    return places[0] - half, places[-1] + half


def draw_board(artists, result):
    """Move everything; True if the map is that of another activation."""
    nets = result.nets
    _draw_logs(artists["moment"], result.moment, nets.log10_moment)
    _draw_logs(artists["gradient"], result.gradient, nets.log10_gradient)
    _draw_profile(artists["flat"], result.flat, nets.flat[None])
    artists["moment"]["value"].set_text(power(result.moment[-1]))
    artists["gradient"]["value"].set_text(power(result.gradient[0]))
    artists["flat"]["value"].set_text(f"{result.flat[-1]:.0%}")
    artists["here"].set_data([result.sigma_w], [result.sigma_b])
    artists["factor"].set_text(f"{10**result.factor:.3g}")
    return _draw_chart(artists, result.chart)


def _draw_logs(panel, theory, nets):
    """Logarithms, in whole decades that hold them all.

    The axis goes from 0 to 2, and the labels of 0, 1 and 2 move: new limits would cost a redraw.
    """
    step, low, zeros = _window(theory, nets)
    floor = 0 if zeros else -0.1
    places = [np.clip((logs - low) / step, floor, 2.1) for logs in (theory, nets)]
    _draw_profile(panel, *places)
    for tick, label in enumerate(panel["labels"]):
        label.set_text(ten_to(low + tick * step))
    if zeros:
        panel["labels"][0].set_text("0")


def _window(theory, nets):
    """Decades per tick, decade of the lowest tick, and whether there are zeros, to be shown there.

    The second or a later tick is 10^0, where both profiles start or end, unless all is above.
    """
    logs = np.concatenate([theory, nets.ravel()])
    finite = logs[np.isfinite(logs)]
    zeros = bool(np.isneginf(logs).any())
    for step in LADDER:
        for low in (-step, 0, -2 * step):
            if low + zeros - 0.1 * step <= finite.min() and finite.max() <= low + 2.1 * step:
                return step, low, zeros
    return LADDER[-1], -LADDER[-1], zeros


def ten_to(exponent):
    """10 to a whole power as text, with raised digits."""
    return "10" + f"{exponent:d}".translate(_SUPERSCRIPTS)


_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _draw_profile(panel, theory, nets):
    layers = np.arange(1, len(theory) + 1)
    panel["theory"].set_data(layers, theory)
    panel["dots"].set_data(layers, nets[0])
    band = np.column_stack([layers, nets.min(0)]), np.column_stack([layers, nets.max(0)])[::-1]
    panel["band"].set_xy(np.concatenate(band))


def _draw_chart(artists, chart):
    if artists["chart"] is chart:
        return False
    artists["chart"] = chart
    artists["image"].set_data(10**chart.log10_factor)
    artists["edge"].set_data(*chart.edge.T)
    return True


def power(log10):
    """10^log10 in two digits, also where it is no float."""
    if log10 == -np.inf:
        return "0"
    if abs(log10) < 300:
        return f"{10**log10:.2g}"
    exponent = math.floor(log10)
    return f"{10 ** (log10 - exponent):.1f}e{exponent}"


def describe_board(result):
    """The figure in words."""
    r = result
    moments, gradients = r.nets.log10_moment[:, -1], r.nets.log10_gradient[:, 0]
    return (
        f"{r.name}, {r.depth} layers of {r.width} units, {r.scheme} weights, sigma_w = "
        f"{r.sigma_w:g}, sigma_b = {r.sigma_b:g}. Second moment in the last layer: theory "
        f"{power(r.moment[-1])}, {_nets(moments, power)}. Gradient norm, first layer over last: "
        f"theory {power(r.gradient[0])}, {_nets(gradients, power)}. Slope below 1%, last layer: "
        f"theory {r.flat[-1]:.0%} of the units, measured {r.nets.flat[-1]:.0%}. From a late layer "
        f"to the one before the gradient norm is multiplied by {10**r.factor:.3g}: "
        f"{_phase(r.factor)}."
    )


def _nets(values, say):
    if np.isnan(values).any():
        return "nets not measured (beyond the floats)"
    return f"a net {say(values[0])} ({NETS} nets {say(values.min())} to {say(values.max())})"


def _phase(factor):
    if abs(factor) < 0.001:
        return "the edge of chaos"
    return "it explodes (chaos)" if factor > 0 else "it vanishes (order)"


def board(
    activation=None, depth=40, width=128, sigma_w=1.5, sigma_b=0.2, scheme="gaussian", slope=0.2,
    seed=6, own=None,
):  # fmt: skip
    """Show signal and gradient per layer; arguments as for `compute_board`."""
    call = "board.board"
    return live(
        partial(compute_board, own=own),
        build_board,
        draw_board,
        describe_board,
        controls={
            "activation": _activations(activation, own, "tanh"),
            "sigma_w": number(sigma_w, *SIGMAS_W, 0.02, "sigma_w"),
            "sigma_b": number(sigma_b, *SIGMAS_B, 0.05, "sigma_b"),
            "depth": number(depth, *DEPTHS, 1, "depth", "layers"),
            "width": number(width, *WIDTHS, 32, "width", "units"),
            "scheme": choice(scheme, list(SCHEMES), "matrices"),
            "slope": number(
                slope, *SLOPES, 0.05, "slope of leaky_relu", when={"activation": ["leaky_relu"]}
            ),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        call=call if own is None else f"{call}(own=my_activation, ",
        size=(8.4, 4.5),
    )


def _activations(activation, own, default, names=tuple(ACTIVATIONS)):
    yours = {} if own is None else {"your function": YOURS}
    options = yours | {name.replace("_", " "): name for name in names}
    return choice(activation or (YOURS if yours else default), options, "activation")


# --- The edge of chaos --------------------------------------------------------------------------

PAIRED = 40  # layers that the two inputs go through
PAIR_WIDTH = 192
CORRELATIONS = (-0.9, 0.99)
CURVE = np.linspace(-1, 1, 81)  # where the correlation map is drawn
NODES = 15  # at which it is computed: errors below 1e-4, mostly far below
TAME = 1e-6, 1e6  # the second moment starts between these where its fixed point is 0 or infinite
NEAREST = 1e-6  # the lowest distance that is drawn
PAIR_ACTIVATIONS = tuple(name for name in ACTIVATIONS if name != "step")


class EdgeOfChaos(NamedTuple):
    """Two inputs on their way through a deep net: theory and NETS real nets.

    name, sigma_w, sigma_b, c, slope, seed as they were given
    q         second moment at which both start: the fixed point, if there is one in TAME
    steepness slope of the correlation map at c = 1: chi_1 if q is the fixed point
    rest      c*, the correlation at which they end up; the starting one if nothing moves it
    length    xi: layers in which the distance from c* shrinks by e; inf at the edge
    theory, nets            (PAIRED,), (NETS, PAIRED): correlation in every layer
    distance, net_distance  likewise: how far from c*
    curve     (81,) the correlation map at CURVE
    """

    name: str
    sigma_w: float
    sigma_b: float
    c: float
    q: float
    steepness: float
    rest: float
    length: float
    theory: np.ndarray
    nets: np.ndarray
    distance: np.ndarray
    net_distance: np.ndarray
    curve: np.ndarray


def compute_edge_of_chaos(
    *, activation=None, sigma_w=2.5, sigma_b=0.3, c=0.9, slope=0.2, seed=3, own=None
):  # fmt: skip
    """Follow the correlation of two inputs from layer to layer.

    activation  a name in ACTIVATIONS other than "step", or "yours" for `own`, the learner's own
                `Activation`; None: `own` if given, else "tanh"
    sigma_w     0.1 to 3; sigma_b 0 to 1
    c           correlation E u v / q of the pre-activations in the first layer, -0.9 to 0.99
    slope       of leaky_relu below zero, 0 to 1; seed 0 to 99
    """
    if activation == "step":
        raise ValueError("activation must have a slope, got 'step'")
    act, c = chosen(activation, slope, own), real("c", c, *CORRELATIONS)
    sigma_w, sigma_b = real("sigma_w", sigma_w, *SIGMAS_W), real("sigma_b", sigma_b, *SIGMAS_B)
    chart = correlation_chart(act, sigma_w, sigma_b)
    steepness = chart.slope(1.0)
    rest = _rest(chart, c, steepness)
    theory = np.array(list(_walk(chart, c)))
    draw = drawn("gaussian", PAIR_WIDTH, whole("seed", seed, *SEEDS), layers=PAIRED)
    apart = paired(act, draw, sigma_w, sigma_b, c, chart.q)
    return EdgeOfChaos(
        act.name, sigma_w, sigma_b, c, chart.q, steepness, rest, _length(chart.slope(rest)),
        theory, 1 - apart, np.abs(theory - rest), np.abs((1 - rest) - apart), chart(CURVE),
    )  # fmt: skip


class CorrelationChart(NamedTuple):
    """The correlation map of one net at one second moment q, as a polynomial in the angle arccos c.

    It is as smooth as a polynomial there, ReLU's too, and so NODES correlations are enough.
    """

    act: Activation
    weight: float  # sigma_w^2 / second moment of the next layer
    q: float
    bias: float  # sigma_b^2 likewise
    coefficients: np.ndarray  # (NODES,) of E f(u) f(v), Chebyshev polynomials

    def __call__(self, c):
        product = np.polynomial.chebyshev.chebval(_angle(c), self.coefficients)
        return self.weight * product + self.bias

    def at(self, c):
        """The same for one number, twenty times faster."""
        product = mean_field.clenshaw(self.coefficients.tolist(), float(_angle(c)))
        return min(max(self.weight * product + self.bias, -1.0), 1.0)

    def slope(self, c):
        """Slope of the map at c: at 1 it is chi_1, if q is the fixed point."""
        return self.weight * self.q * mean_field.product_mean(self.act, c, self.q, slopes=True)


def _angle(c):
    """arccos c, from -1 to 1 instead of 0 to pi."""
    return 2 / math.pi * np.arccos(c) - 1


@lru_cache(maxsize=256)
def correlation_chart(act, sigma_w, sigma_b):
    """The `CorrelationChart` at the fixed point, from `mean_field.product_mean` at NODES angles."""
    q = float(np.clip(mean_field.fixed_point(act, sigma_w, sigma_b), *TAME))
    chebyshev = np.polynomial.chebyshev
    angles = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
    means = mean_field.product_mean(act, np.cos((angles + 1) * math.pi / 2), q, nodes=40)
    coefficients = np.linalg.solve(chebyshev.chebvander(angles, NODES - 1), means)
    weight, bias = sigma_w**2, sigma_b**2
    after = weight * chebyshev.chebval(-1.0, coefficients) + bias  # c = 1 must give exactly 1
    return CorrelationChart(act, weight / after, q, bias / after, coefficients)


def _walk(chart, c):
    """The correlation in each of PAIRED layers."""
    for _ in range(PAIRED):
        yield c
        c = chart.at(c)


def _rest(chart, c, steepness):
    """c*: 1 if the map is not steeper than 1 there, else where it meets the diagonal before."""
    if np.abs(chart(CURVE) - CURVE).max() < 1e-4:
        return c
    low, high = 0.0, 1.0
    for _ in range(45 if steepness > 1 + 1e-5 else 0):
        middle = (low + high) / 2
        low, high = (middle, high) if chart.at(middle) > middle else (low, middle)
    return high


def _length(slope):
    """xi, from the slope of the map at c*."""
    return math.inf if slope > 1 - 1e-5 else -1 / math.log(slope) if slope > 0 else 0.0


def paired(act, draw, sigma_w, sigma_b, c, q):
    """1 - correlation of two inputs in PAIRED layers of real nets, (nets, PAIRED).

    The first pre-activations have exactly the second moment q and the correlation c.
    """
    factors, biases = sigma_w * draw.signs[:PAIRED], sigma_b * draw.b[:PAIRED]
    u, v = math.sqrt(q * draw.W.shape[-1]) * np.linalg.qr(draw.X[:2].T)[0].T
    first = np.stack([u, c * u + math.sqrt((1 - c) * (1 + c)) * v])
    z, apart = np.broadcast_to(first, (factors.shape[1], *first.shape)), []
    with np.errstate(all="ignore"):  # a learner's function may overflow
        for k in range(PAIRED):
            length = np.sqrt(np.vecdot(z, z))[..., None]
            apart.append(np.square(z[:, 0] / length[:, 0] - z[:, 1] / length[:, 1]).sum(-1) / 2)
            z = product(act.f(z) * factors[k], draw.W[k])
            z += biases[k]
    return np.transpose(apart)


def build_edge_of_chaos(fig):
    """Left: correlation per layer, and its distance from c*. Right: the correlation map."""
    left, right = fig.subfigures(1, 2, width_ratios=(1.2, 1))
    left.suptitle(f"theory (line), one net (dots), {NETS} nets (band)", x=0.13, ha="left", size=12)
    correlation, distance = left.subplots(2, 1, sharex=True)
    correlation.set(ylim=(-1.05, 1.1), yticks=(-1, 0, 1))
    correlation.set_title("correlation c of two inputs, c* =")
    distance.set(yscale="log", ylim=(NEAREST / 2, 3), xlim=(0, PAIRED + 1), xlabel="layer")
    distance.set_yticks([1, 1e-2, 1e-4, NEAREST], ["1", *map(ten_to, (-2, -4, -6))])
    distance.minorticks_off()
    distance.set_title("distance from c*, correlation length ξ =")
    return {
        "correlation": _profile(correlation, 0.72),
        "distance": _profile(distance, 0.89),
        "rest": correlation.axhline(0, animated=True, **_REST),
        **_build_cobweb(right),
    }


_REST = {"color": style.VERMILLION, "linewidth": 1.2, "linestyle": (0, (4, 3))}


def _build_cobweb(figure):
    ax = figure.subplots()
    ax.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), aspect="equal")
    ax.set(xlabel="c in one layer", ylabel="c in the next", xticks=(-1, 0, 1), yticks=(-1, 0, 1))
    ax.set_title("correlation map, slope at 1:")
    ax.plot([-1, 1], [-1, 1], lw=1, color=style.GREY)
    moving = {"animated": True}
    return {
        "curve": ax.plot([], [], **style.THEORY, **moving)[0],
        "steps": ax.plot([], [], color=style.BLUE, lw=1.2, **moving)[0],
        "fixed": ax.plot([], [], "o", ms=9, mew=2, mfc="white", mec=style.VERMILLION, **moving)[0],
        "steepness": style.beside_title(ax, 0.8),
    }


def draw_edge_of_chaos(artists, result):
    """Move everything; distances below the axis lie on its lower end."""
    r = result
    _draw_profile(artists["correlation"], r.theory, r.nets)
    _draw_profile(
        artists["distance"], np.maximum(r.distance, NEAREST), np.maximum(r.net_distance, NEAREST)
    )
    artists["rest"].set_ydata([r.rest, r.rest])
    artists["correlation"]["value"].set_text(f"{r.rest:.2f}")
    artists["distance"]["value"].set_text(_layers(r.length))
    artists["curve"].set_data(CURVE, r.curve)
    steps = np.repeat(r.theory, 2)  # c1 c1, c1 c2, c2 c2, c2 c3, ...
    artists["steps"].set_data(steps[:-1], np.append(-1.05, steps[2:]))
    artists["fixed"].set_data([r.rest], [r.rest])
    artists["steepness"].set_text(f"{r.steepness:.3g}")


def _layers(length):
    return f"{length:.3g}" if length < 1000 else "∞"


def describe_edge_of_chaos(result):
    """The figure in words."""
    r = result
    nets = _nets(r.nets[:, -1], "{:.3f}".format)
    return (
        f"{r.name}, sigma_w = {r.sigma_w:g}, sigma_b = {r.sigma_b:g}. Two inputs start with "
        f"correlation {r.c:g} and second moment {r.q:.3g}. The correlation map has the slope "
        f"{r.steepness:.4g} at 1: {_fate(r)}. In layer {PAIRED}: theory {r.theory[-1]:.3f}, {nets}."
    )


def _fate(r):
    if r.length == math.inf and r.rest != 1:
        return "the net is linear here and the correlation stays"
    if r.length == math.inf:
        return "the edge; they become alike, but slower than exponentially"
    phase = "order, they become alike" if r.rest == 1 else f"chaos, they end up at {r.rest:.3f}"
    return f"{phase}; the distance from there shrinks by e in {_layers(r.length)} layers"


def edge_of_chaos(activation=None, sigma_w=2.5, sigma_b=0.3, c=0.9, slope=0.2, seed=3, own=None):
    """Show what becomes of two inputs; arguments as for `compute_edge_of_chaos`."""
    call = "board.edge_of_chaos"
    return live(
        partial(compute_edge_of_chaos, own=own),
        build_edge_of_chaos,
        draw_edge_of_chaos,
        describe_edge_of_chaos,
        controls={
            "activation": _activations(activation, own, "tanh", PAIR_ACTIVATIONS),
            "sigma_w": number(sigma_w, *SIGMAS_W, 0.02, "sigma_w"),
            "sigma_b": number(sigma_b, *SIGMAS_B, 0.05, "sigma_b"),
            "c": number(c, *CORRELATIONS, 0.03, "correlation at the start"),
            "slope": number(
                slope, *SLOPES, 0.05, "slope of leaky_relu", when={"activation": ["leaky_relu"]}
            ),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        call=call if own is None else f"{call}(own=my_activation, ",
        size=(8.4, 4.4),
    )
