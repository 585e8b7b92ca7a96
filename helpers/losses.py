"""Losses from logits, each with its gradient, and accuracy.

A loss takes the outputs A of a network, shape (..., batch, outputs), and the labels Y. It returns
the mean over the batch of the sum over the outputs, one value per leading axis, and the gradient
of that mean with respect to A. Sigmoid and softmax live inside their losses: from the logits the
logarithm never sees a rounded 0, and the gradient keeps its leading digits however sure the net is.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from helpers import checks

# As a decorator only: that form is safe when two threads are inside at once, `with` is not.
_quiet = np.errstate(over="ignore", invalid="ignore", divide="ignore")


@dataclass(frozen=True)
class Loss:
    """A loss to train with: `value, dA = loss(A, Y)`.

    name     key in LOSSES
    formula  LaTeX for one example, a = output, y = label
    source   where it is derived
    f        (A, Y) -> (mean over the batch of the sum over outputs, its gradient, shaped like A)
    labels   (Y, batch, outputs) -> Y ready for f, or ValueError / TypeError
    """

    name: str
    formula: str
    source: str
    f: Callable
    labels: Callable

    def __call__(self, A, Y):
        """Value (*lead,) and gradient dA, shaped like A. `Y` without leading axes serves all nets.

        Never warns: an overflow gives inf, and only NaN (or a square of inf - inf) gives NaN.
        """
        return self.f(A, Y)

    def check(self, Y, batch, outputs):
        """`Y` as an array ready for a net with that many outputs, or an error that says why not."""
        checks.whole("batch", batch, 1)
        checks.whole("outputs", outputs, 1)
        return self.labels(Y, batch, outputs)


# --- numbers on a log scale ---------------------------------------------------------------------


@_quiet
def logsumexp(z, axis=-1):
    """log of the sum of e^z along `axis`, without overflow.

    inf if any entry is inf; -inf if all are -inf or there is none; NaN if any entry is NaN.
    """
    z = _floats(z)
    peak = z.max(axis, keepdims=True, initial=-np.inf)
    total = np.exp(_below(z, peak)).sum(axis, keepdims=True)
    return (peak + np.log(total)).squeeze(axis)


@_quiet
def softmax(z, axis=-1):
    """e^z, divided by its sum along `axis`: positive shares that add up to 1.

    Infinite entries are limits of equal ones: every +inf gets the same share and the rest 0; all
    -inf gives equal shares. One entry gives 1, an empty axis stays empty, NaN gives NaN.
    """
    z = _floats(z)
    e = np.exp(_below(z, z.max(axis, keepdims=True, initial=-np.inf)))
    return e / e.sum(axis, keepdims=True)


@_quiet
def log_softmax(z, axis=-1):
    """Logarithm of softmax, exact where softmax itself has rounded to 0. Same edge values."""
    z = _floats(z)
    below = _below(z, z.max(axis, keepdims=True, initial=-np.inf))
    return below - np.log(np.exp(below).sum(axis, keepdims=True))


def _below(z, peak):
    """z - peak, where an infinite entry equal to an infinite peak counts as 0."""
    below = z - peak
    return below if np.isfinite(peak).all() else np.where(z == peak, 0, below)


def _floats(A):
    A = np.asarray(A)
    return A if A.dtype.kind in "fc" else A.astype(np.float64)


# --- the three losses: value and gradient -------------------------------------------------------


@_quiet
def _squared_error(A, Y):
    A, Y = _pair(A, Y)
    error = A - Y
    return (error * error).sum((-2, -1)) / A.shape[-2], error * (2 / A.shape[-2])


@_quiet
def _logistic(A, Y):
    A, Y = _pair(A, Y)
    above, under = np.maximum(A, 0), np.minimum(A, 0)
    m, k = np.exp(under), np.exp(-above)  # e^a = m/k, sigmoid(a) = m/(m+k), softplus has log(1+mk)
    no = 1 - Y
    # Both products are >= 0, so fmax changes nothing but 0 * inf: an infinitely sure, right answer.
    cost = np.fmax(no * above - Y * under, 0) + np.log1p(m * k)
    # sigmoid(a) - y written so that it does not round to 0 when the answer is right and sure.
    dA = (no * m - Y * k) / ((m + k) * A.shape[-2])
    return cost.sum((-2, -1)) / A.shape[-2], dA


@_quiet
def _softmax(A, Y):
    A = _floats(A)
    Y = np.asarray(Y)
    if Y.shape[-1:] != A.shape[-2:-1]:
        raise _unfit("class numbers Y", Y.shape, f"(..., {A.shape[-2]})", A.shape)
    below = _below(A, A.max(-1, keepdims=True))
    dA = np.exp(below, order="C")  # whatever A's order is: `flat` below has to be a view
    total = dA.sum(-1, keepdims=True)
    dA /= total * A.shape[-2]
    label = _flat_index(A.shape, Y)
    cost = np.log(total[..., 0]) - below.reshape(-1)[label].reshape(A.shape[:-1])
    # p - 1 of the right class is minus the sum of the others: exact also when p rounds to 1.
    flat = dA.reshape(-1)
    flat[label] = 0
    flat[label] = -dA.sum(-1).reshape(-1)
    return cost.sum(-1) / A.shape[-2], dA


def _flat_index(shape, Y):
    """Position of each row's label in the raveled array: one plain index is the fastest."""
    *rows, classes = shape
    Y = np.broadcast_to(Y, rows).reshape(-1)
    return Y + np.arange(0, Y.size * classes, classes)


def _pair(A, Y):
    """A as floats and Y in A's precision: the gradient must come out like A."""
    A = _floats(A)
    Y = np.asarray(Y, A.dtype)
    if Y.shape[-2:] != A.shape[-2:]:
        raise _unfit("labels Y", Y.shape, f"(..., {A.shape[-2]}, {A.shape[-1]})", A.shape)
    return A, Y


# --- labels that fit ----------------------------------------------------------------------------


def _unfit(what, got, wanted, outputs):
    return ValueError(f"{what} must have shape {wanted} for outputs of shape {outputs}, got {got}")


def _numbers(Y, batch, outputs):
    """Y as (..., batch, outputs) finite floats. A column is never guessed from a flat Y: the two
    would broadcast to a (batch, batch) table and train silently on nonsense."""
    Y = checks.finite("Y", Y)
    if Y.shape[-2:] != (batch, outputs):
        raise _unfit("labels Y", Y.shape, f"(..., {batch}, {outputs})", (batch, outputs))
    return _floats(Y)


def _probabilities(Y, batch, outputs):
    return _within(_numbers(Y, batch, outputs), 0, 1, "labels Y of the logistic loss must be")


def _classes(Y, batch, outputs):
    Y = checks.finite("Y", Y)
    if Y.shape[-1:] != (batch,):
        hint = "; for one-hot rows use Y.argmax(-1)" if Y.shape[-2:] == (batch, outputs) else ""
        error = _unfit("class numbers Y", Y.shape, f"(..., {batch})", (batch, outputs))
        raise ValueError(str(error) + hint)
    what = "class numbers Y must be whole,"
    if (Y != np.floor(Y)).any():
        raise ValueError(f"{what} from 0 to {outputs - 1}, got {Y[Y != np.floor(Y)][0]}")
    return _within(Y, 0, outputs - 1, what).astype(np.intp)


def _within(Y, low, high, what):
    wrong = (Y < low) | (Y > high)
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(f"{what} from {low} to {high}, got {Y[where]} at index {where}")
    return Y


SQUARED_ERROR = Loss(
    "squared_error",
    r"|a - y|^2",
    "Bishop, Pattern Recognition and Machine Learning (2006), section 5.2 (there with 1/2)",
    _squared_error,
    _numbers,
)
LOGISTIC = Loss(
    "logistic",
    r"\ln(1 + e^a) - y a",
    "Bishop, Pattern Recognition and Machine Learning (2006), sections 4.3.2 and 5.2",
    _logistic,
    _probabilities,
)
SOFTMAX = Loss(
    "softmax",
    r"\ln \sum_c e^{a_c} - a_y",
    "Bishop, Pattern Recognition and Machine Learning (2006), sections 4.3.4 and 5.2",
    _softmax,
    _classes,
)

LOSSES: dict[str, Loss] = {loss.name: loss for loss in (SQUARED_ERROR, LOGISTIC, SOFTMAX)}


def accuracy(A, Y, threshold=0.0):
    """Share of right answers over the batch, one value per leading axis.

    Whole-number labels (..., batch): the largest output is the answer. Other labels, shaped like
    the outputs: an output says 1 above `threshold` (0 suits logits, 0.5 a squared-error fit of 0
    and 1). An output that is NaN is a wrong answer.
    """
    A, Y = np.asarray(A), np.asarray(Y)
    if Y.dtype.kind in "iu":
        return ((A.argmax(-1) == Y) & ~np.isnan(A).any(-1)).mean(-1)
    return np.where(Y > 0.5, A > threshold, A <= threshold).mean((-2, -1))
