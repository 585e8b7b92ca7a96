"""Health numbers of a map, a unit, a layer, a pass and a run: arrays in, arrays out.

Z and A of a layer have shape (..., batch, units). Leading axes say which net and stay where they
are: a number per net has shape (*lead,), a number per unit (*lead, units), and `per_layer` puts the
layers on one more axis at the end.

Three things that are easily mixed up have three functions here:
  zero_for_input  this unit hands back no gradient for this one example (half of all ReLU do)
  dead_on_batch   ... for no example of this batch
  dead_on_data    ... for no example of all the data: only this is a dead unit
A unit counts by its slope, not by its output: f'(z) = 0 is what stops its learning, and it is the
right question for every activation.
"""

import functools

import numpy as np

from helpers.activations import activation
from helpers.checks import finite, real

# --- is a map linear? ---------------------------------------------------------------------------


def additivity_gap(f, u, v):
    """f(u + v) - f(u) - f(v), elementwise: 0 everywhere if f is linear, -f(0) if it is affine."""
    u, v = np.asarray(u), np.asarray(v)
    return np.asarray(f(u + v)) - np.asarray(f(u)) - np.asarray(f(v))


def homogeneity_gap(f, u, k):
    """f(k u) - k f(u), elementwise: 0 for every k if f is linear, for k >= 0 if f is a ReLU."""
    u, k = np.asarray(u), np.asarray(k)
    return np.asarray(f(k * u)) - k * np.asarray(f(u))


def rank(W, relative=1e-9):
    """Number of singular values of W (..., n, m) above `relative` times the largest, (*lead,)."""
    relative = real("relative", relative, 0, 1)
    return np.linalg.matrix_rank(finite("W", W), rtol=relative)


# --- one unit: where its slope vanishes ----------------------------------------------------------

_FAR = 5e3  # thresholds are looked for up to here
_PLACES = np.sinh(np.linspace(-np.arcsinh(_FAR), np.arcsinh(_FAR), 4001))  # 0.005 apart near 0


@functools.lru_cache(maxsize=64)
def saturated_zones(act, level=0.01):
    """The intervals (low, high) of z in which |f'(z)| < level, from left to right.

    act: an Activation. Found by looking at 4001 places between -5000 and 5000, the closer to 0 the
    denser, then halving; so a zone narrower than 0.005 may be missed. The outermost ends are
    -inf and inf. ValueError where f' is not a number.
    """
    level = real("level", level, 0, open_low=True)
    inside = slope_sizes(act, _PLACES) < level
    ends = [_threshold(act, level, k) for k in np.flatnonzero(inside[1:] != inside[:-1])]
    ends = [-np.inf] * int(inside[0]) + ends + [np.inf] * int(inside[-1])
    return tuple(zip(ends[::2], ends[1::2], strict=True))


def slope_sizes(act, z):
    """|f'(z)|, without warnings about a learner's own function."""
    with np.errstate(all="ignore"):
        slope = np.abs(act.df(z))
    if np.isnan(slope).any():
        raise ValueError(f"the derivative of {act.name} must give numbers, but it gives NaN")
    return slope


def _threshold(act, level, k):
    """Where |f'| crosses the level between places k and k + 1."""
    low, high = _PLACES[k : k + 2]
    inside = slope_sizes(act, low) < level
    for _ in range(80):
        middle = (low + high) / 2
        same = (slope_sizes(act, middle) < level) == inside
        low, high = (middle, high) if same else (low, middle)
    return 0.0 if abs(low) < 1e-12 else float(low)


@functools.lru_cache(maxsize=64)
def steepest(act):
    """The largest |f'(z)|: 1/4 for sigmoid, 1 for tanh; inf where it grows without end."""
    slope = slope_sizes(act, _PLACES)
    top = int(slope.argmax())
    if top in (0, slope.size - 1) and slope[top] > 1.001 * slope[np.abs(_PLACES) < _FAR / 2].max():
        return np.inf
    near = np.linspace(*_PLACES[[max(top - 1, 0), min(top + 1, slope.size - 1)]], 2001)
    return float(max(slope[top], slope_sizes(act, near).max()))


# --- one layer ----------------------------------------------------------------------------------


def per_layer(measure, layers):
    """measure(a) for the array of every layer, stacked on a last axis: (*lead, layers)."""
    return np.stack([measure(a) for a in layers], axis=-1)


def second_moment(A):
    """Mean of A^2 over examples and units, (*lead,). Not the variance: the mean is left in."""
    A = _examples("A", A)
    return (A * A).mean((-2, -1))


def zero_share(A):
    """Share of outputs that are exactly 0, over examples and units, (*lead,)."""
    return (_examples("A", A) == 0).mean((-2, -1))


def saturated_share(act, Z, below=0.01):
    """Share of pre-activations where the slope |f'(z)| is less than `below`, (*lead,)."""
    below = real("below", below, 0)
    return (abs(activation(act).df(_examples("Z", Z))) < below).mean((-2, -1))


def zero_for_input(act, Z):
    """Which units have slope f'(z) = 0 for which example: truth values shaped like Z."""
    return activation(act).df(_examples("Z", Z)) == 0


def dead_on_batch(act, Z):
    """Which units have slope 0 for every example of the batch Z: truth values (*lead, units)."""
    return zero_for_input(act, Z).all(-2)


def dead_on_data(act, batches):
    """Which units have slope 0 for every example in all `batches`, which together are all the data.

    batches  one or more arrays Z (*lead, batch, units), not necessarily of one length
    """
    batches = list(batches)
    if not batches:
        raise ValueError("batches must hold at least one array Z, got none")
    return np.logical_and.reduce([dead_on_batch(act, Z) for Z in batches])


def _examples(name, array):
    array = np.asarray(array)
    if array.ndim < 2 or 0 in array.shape[-2:]:
        wanted = "(..., batch, units) with at least one example and one unit"
        raise ValueError(f"{name} must have shape {wanted}, got {array.shape}")
    return array


# --- gradients and steps ------------------------------------------------------------------------


def norm(a):
    """Square root of the sum of squares over the last two axes, (*lead,).

    Vanished gradients count too: 1e-200 is not squared to 0.
    """
    a = abs(np.asarray(a))
    largest = a.max((-2, -1), keepdims=True, initial=0)
    scale = np.where((largest > 0) & (largest < np.inf), largest, 1)
    return scale[..., 0, 0] * np.sqrt(np.square(a / scale).sum((-2, -1)))


def gradient_norms(layers):
    """Norm of dW in every layer, (*lead, layers), from [(dW, db), ...] = net.layers(gradient)."""
    return per_layer(norm, [dW for dW, _ in layers])


def update_to_weight(before, after):
    """Size of a step: norm of the change of W over the norm of W, (*lead, layers).

    `before` and `after` are net.layers(theta). Near 1e-3 a net learns at a good pace (Karpathy,
    "makemore", part 3). No change is 0, also from W = 0; a change from W = 0 is inf.
    """
    pairs = zip(before, after, strict=True)
    change = per_layer(norm, [W_after - W for (W, _), (W_after, _) in pairs])
    size = per_layer(norm, [W for W, _ in before])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(change == 0, 0.0, change / size)
