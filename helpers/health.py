"""Health of a layer at a good start: what to expect of each activation, and what nets show.

"Which share of saturated units is bad?" has no answer for all activations: half of all ReLU have
slope 0 and are well, the same share of sigmoids is a disaster. So measure a healthy net with *your*
activation, and compare. Healthy means here: matched weights (E z^2 = 1 in every layer), biases 0,
standardised data.
"""

from typing import NamedTuple

import numpy as np

from helpers import diagnostics
from helpers.activations import activation, gaussian_mean
from helpers.checks import real, whole
from helpers.experiment import standard_digits
from helpers.losses import SOFTMAX
from helpers.network import Net

SATURATED = 0.01  # a smaller slope counts as saturated
WIDTH, LAYERS, NETS, DIGITS = 64, 5, 16, 500  # of the nets that are measured, and their data
LR = 0.1  # of the step of plain gradient descent that gives the update-to-weight ratio


class Expected(NamedTuple):
    """Mean values for a normal z, as in a wide layer at the start; see `Measured`."""

    zeros: float
    saturated: float
    slope: float
    factor: float


class Measured(NamedTuple):
    """What nets show at a good start; arrays (nets,).

    zeros      share of outputs that are exactly 0, mean over the hidden layers
    saturated  share of |f'(z)| < 0.01, mean over the hidden layers
    slope      mean |f'(z)| over the hidden layers
    factor     norm of d loss / d z of a hidden layer over that of the next one, geometric mean
    update     norm of the first step over the norm of W, plain gradient descent with lr = 0.1 on
               all of them, geometric mean of the hidden layers
    """

    zeros: np.ndarray
    saturated: np.ndarray
    slope: np.ndarray
    factor: np.ndarray
    update: np.ndarray


def expected(act, scale=1.0):
    """`Expected` of an activation (a name or a record): quadrature, no net.

    scale  standard deviation of z, 0.01 to 100: of a first layer whose weights are `scale` times
           the matched ones. The factor is scale * gain * sqrt(E f'(z)^2), at scale 1 the root of
           chi_1 in mean field theory (Schoenholz et al. 2017, Deep information propagation).
    """
    act, scale = activation(act), real("scale", scale, 0.01, 100.0)
    z = np.linspace(-10, 10, 200_000)  # an even number: 0, a point without a share, is not there
    density = np.exp(-z * z / 2)
    density /= density.sum()
    slope = gaussian_mean(lambda z: abs(act.df(z)), scale**2)
    factor = scale * act.gain * np.sqrt(gaussian_mean(lambda z: act.df(z) ** 2, scale**2))
    zeros, saturated = act.f(scale * z) == 0, abs(act.df(scale * z)) < SATURATED
    return Expected(*(float(x) for x in (density @ zeros, density @ saturated, slope, factor)))


def measured(act, *, nets=NETS, seed=0):
    """`Measured` of nets 64-64-...-10 with 5 hidden layers, on 500 digits."""
    net = Net((64, *[WIDTH] * LAYERS, 10), activation(act))
    theta = net.init(np.random.default_rng(whole("seed", seed, 0)), lead=(nets,))
    X, Y, _ = standard_digits()[0]
    columns = zip(*(_one_net(net, one, X[:DIGITS], Y[:DIGITS]) for one in theta), strict=True)
    return Measured(*map(np.array, columns))


def _one_net(net, theta, X, Y):
    passed = net.forward(theta, X)
    _, dA = SOFTMAX(passed.A[-1], Y)
    slopes = [abs(act.df(z)) for act, z in zip(net.acts, passed.Z[:-1], strict=False)]
    deltas = [diagnostics.norm(dz) for dz in net.deltas(theta, passed.Z, dA)[:-1]]
    after = theta - LR * net.backward(theta, passed, dA)
    updates = diagnostics.update_to_weight(net.layers(theta)[:-1], net.layers(after)[:-1])
    return (
        diagnostics.per_layer(diagnostics.zero_share, passed.A[1:-1]).mean(),
        np.mean([slope < SATURATED for slope in slopes]),
        np.mean(slopes),
        (deltas[0] / deltas[-1]) ** (1 / (LAYERS - 1)),
        np.exp(np.log(updates).mean()),
    )


def report(names, seed=0):
    """Lines of a table: expected value | measured median (smallest-largest of the nets)."""
    heads = ("zeros, %", "saturated, %", "mean slope", "gradient factor", "update/W")
    lines = [_line("", heads)]
    for name in names:
        theory, nets = expected(name), measured(name, seed=seed)
        shares = [_beside(100 * e, 100 * m, 0) for e, m in zip(theory[:2], nets[:2], strict=True)]
        sizes = [_beside(e, m, 2) for e, m in zip(theory[2:], nets[2:4], strict=True)]
        update = f"{np.median(nets.update):.4f}"
        lines.append(_line(activation(name).name, (*shares, *sizes, update)))
    return "\n".join(lines)


def _line(name, cells):
    widths = (16, 16, 24, 24, 9)
    return f"{name:10}" + "".join(f"{cell:>{w}}" for cell, w in zip(cells, widths, strict=True))


def _beside(theory, values, digits):
    numbers = [theory, *(f(values) for f in (np.median, np.min, np.max))]
    numbers = [round(float(x), 9) for x in numbers]  # 0.505 lies on an edge: no noise may decide
    return "{:.{d}f} | {:.{d}f} ({:.{d}f}-{:.{d}f})".format(*numbers, d=digits)
