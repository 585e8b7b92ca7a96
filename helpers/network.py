"""A network is a frozen architecture (`Net`) plus one vector of numbers (`theta`).

Shapes, here and everywhere: X (..., batch, features), W (..., fan_in, fan_out),
b (..., 1, fan_out), theta (..., P). Whatever stands in front ("...", the leading axes) says
*which net*: 64 seeds, a grid of settings, or nothing at all for a single net. Nothing else in
this module knows about ensembles.

`forward`, `deltas` and `gradients` are the whole of backpropagation (Rumelhart, Hinton & Williams,
"Learning representations by back-propagating errors", Nature 323, 1986). They work on lists of
layers; the methods of `Net` call them after checking shapes, `helpers.training` calls them in its
inner loop. dW means d loss / d W.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from math import prod
from typing import NamedTuple

import numpy as np

from helpers.activations import Activation, activation
from helpers.checks import finite, generator, real, whole
from helpers.initializers import MATCHED
from helpers.initializers import scheme as find_scheme
from helpers.threads import one_blas_thread

MEMORY_LIMIT_MB = 1000  # refuse what a small class-room server could not hold


class Pass(NamedTuple):
    """One forward pass: Z[k] and A[k + 1] = f_k(Z[k]) belong to layer k, A[0] is the data."""

    Z: list
    A: list


def forward(layers, acts, X):
    """Pre-activations Z and activations A of every layer, from the data X to the output A[-1]."""
    Z, A = [], [X]
    for (W, b), act in zip(layers, acts, strict=True):
        Z.append(A[-1] @ W + b)
        A.append(act.f(Z[-1]))
    return Pass(Z, A)


def deltas(layers, dfs, Z, dA, direct=None):
    """d loss / d Z of every layer, given dA = d loss / d output: the chain rule, backwards.

    dfs     derivatives of the activations, one per layer
    direct  d loss / d A of every hidden layer, as far as it does not come through later layers: the
            share of a penalty on activations. None for a loss of the output alone
    """
    dZ = [dA * dfs[-1](Z[-1])]
    for (W, _), df, z in zip(layers[:0:-1], dfs[-2::-1], Z[-2::-1], strict=True):
        dA = dZ[-1] @ W.mT
        if direct is not None:
            dA += direct[-len(dZ)]
        dZ.append(dA * df(z))
    return dZ[::-1]


def gradients(A, dZ, out):
    """Write d loss / d W and d loss / d b of every layer into `out`, a list like `layers`."""
    ones = np.ones((1, dZ[0].shape[-2]), dZ[0].dtype)  # b is the weight of an input that is 1
    for a, dz, (dW, db) in zip(A[:-1], dZ, out, strict=True):
        np.matmul(a.mT, dz, out=dW)
        np.matmul(ones, dz, out=db)


@dataclass(frozen=True, repr=False)
class Net:
    """Architecture of a fully connected network; it holds no number that training changes.

    sizes  units per layer, inputs and outputs included: (2, 16, 16, 1)
    act    activation of the hidden layers: one (record or name), or a sequence with one per layer
    out    activation of the last layer

    `dataclasses.replace(net, act="tanh")` is the same net with another activation; the same theta
    fits both. Raises ValueError or TypeError for sizes, or activations, that make no network.
    """

    sizes: tuple[int, ...]
    act: Activation | tuple[Activation, ...] | str = "relu"
    out: Activation | str = "identity"

    def __post_init__(self):
        for name, value in [("sizes", _sizes(self.sizes)), ("out", activation(self.out))]:
            object.__setattr__(self, name, value)
        object.__setattr__(self, "act", _hidden(self.act, len(self.sizes) - 2))

    def __repr__(self):
        hidden = self.act if isinstance(self.act, tuple) else [self.act]
        names = ", ".join(act.name for act in hidden)
        return f"Net({self.sizes}, act={names}, out={self.out.name})"

    @property
    def depth(self) -> int:
        """Number of layers with weights (hidden layers + 1)."""
        return len(self.sizes) - 1

    @cached_property
    def acts(self) -> tuple[Activation, ...]:
        """Activation of every layer, the last one included."""
        hidden = self.act if isinstance(self.act, tuple) else (self.act,) * (self.depth - 1)
        return (*hidden, self.out)

    @cached_property
    def shapes(self) -> list[tuple[int, int]]:
        """Shapes of W1, b1, W2, b2, ...: the order in which theta holds them."""
        return [shape for m, n in pairwise(self.sizes) for shape in ((m, n), (1, n))]

    @cached_property
    def P(self) -> int:
        """Number of parameters, the length of theta."""
        return sum(map(prod, self.shapes))

    @cached_property
    def _places(self):
        ends = accumulate(map(prod, self.shapes), initial=0)
        return [(i, j, shape) for (i, j), shape in zip(pairwise(ends), self.shapes, strict=True)]

    def layers(self, theta):
        """[(W, b), ...] as views of theta (..., P): writing into W changes theta."""
        theta = self._checked(theta)
        lead = theta.shape[:-1]
        views = [theta[..., i:j].reshape(lead + shape) for i, j, shape in self._places]
        return list(zip(views[::2], views[1::2], strict=True))

    def pack(self, layers):
        """theta (..., P) from [(W, b), ...], the inverse of `layers`; b may also be (fan_out,)."""
        if len(layers) != self.depth:
            raise ValueError(f"{self} has {self.depth} layers (W, b), got {len(layers)}")
        arrays = [np.atleast_2d(array) for pair in layers for array in pair]
        for k, (array, shape) in enumerate(zip(arrays, self.shapes, strict=True)):
            if array.shape[-2:] != shape:
                name = f"{'Wb'[k % 2]} of layer {k // 2}"
                raise ValueError(f"{name} must have shape (..., {shape}), got {array.shape}")
        lead = np.broadcast_shapes(*(array.shape[:-2] for array in arrays))
        theta = np.empty((*lead, self.P), np.result_type(*arrays, np.float16))
        for view, array in zip(sum(self.layers(theta), ()), arrays, strict=True):
            view[...] = array
        return theta

    def init(self, rng, scheme="matched", scale=1.0, lead=(), bias=0.0, dtype=np.float64):
        """Random theta (*lead, P).

        rng     numpy Generator; the same seed gives the same theta
        scheme  name or record of `helpers.initializers`, drawn for every W
        scale   multiplies every W; a number or an array that fits the leading axes
        lead    leading axes, (64,) for an ensemble of 64
        bias    standard deviation of the biases
        """
        generator("rng", rng)
        scheme, lead, bias = find_scheme(scheme), _lead(lead), real("bias", bias, 0)
        scale = per_net("scale", scale, lead)[..., None, None]
        affordable(f"theta of {self}", prod(lead) * self.P, np.dtype(dtype).itemsize)
        theta = np.zeros((*lead, self.P), dtype)
        for k, (W, b) in enumerate(self.layers(theta)):
            feeds = k > 0 and scheme is MATCHED  # its gain is that of the activation before W
            gain = self.acts[k - 1].gain if feeds else 1.0
            W[...] = scale * scheme.draw(rng, W.shape, gain=gain, dtype=dtype)
            if bias:
                b[...] = bias * rng.standard_normal(b.shape, dtype)
        return theta

    @one_blas_thread()
    def forward(self, theta, X):
        """`Pass` with every Z and A, for data X (..., batch, inputs)."""
        X = self.fitting(theta, X)
        return forward(self.layers(theta), self.acts, X)

    @one_blas_thread()
    def output(self, theta, X):
        """Output (..., batch, outputs) of the net; the layers before it take no memory."""
        a = self.fitting(theta, X)
        for (W, b), act in zip(self.layers(theta), self.acts, strict=True):
            a = act.f(a @ W + b)
        return a

    @one_blas_thread()
    def deltas(self, theta, Z, dA):
        """[d loss / d Z[k] for every layer k], given dA = d loss / d output."""
        return deltas(self.layers(theta), [act.df for act in self.acts], Z, dA)

    @one_blas_thread()
    def backward(self, theta, passed, dA):
        """Gradient (..., P) of the loss; leading axes are those of theta and data, broadcast.

        passed  what `forward` returned;  dA (..., batch, outputs) = d loss / d output
        """
        if np.shape(dA)[-2:] != passed.A[-1].shape[-2:]:
            raise ValueError(f"dA must fit the output {passed.A[-1].shape}, got {np.shape(dA)}")
        dZ = self.deltas(theta, passed.Z, dA)
        gradient = np.empty((*dZ[0].shape[:-2], self.P), dZ[0].dtype)
        gradients(passed.A, dZ, self.layers(gradient))
        return gradient

    @one_blas_thread()
    def jacobian(self, theta, x):
        """d output / d input (..., outputs, inputs) at single points x (..., inputs).

        Every leading axis of x is one of points: for 64 nets at 10 points, theta[:, None].
        """
        Z = self.forward(theta, np.atleast_1d(x)[..., None, :]).Z
        each_output = np.eye(self.sizes[-1], dtype=Z[-1].dtype)  # one row of dA per output
        W, _ = self.layers(theta)[0]
        return self.deltas(theta, Z, each_output)[0] @ W.mT

    def _checked(self, theta):
        theta = np.asarray(theta)
        if theta.shape[-1:] != (self.P,):
            raise ValueError(f"theta must have shape (..., {self.P}) for {self}, got {theta.shape}")
        return theta

    def fitting(self, theta, X, batch=None):
        """X as an array, or ValueError if its shape does not fit, or the pass would be too big.

        batch: how many of the examples pass at a time; None: all of them.
        """
        X, lead = np.asarray(X), np.shape(theta)[:-1]
        if X.ndim < 2 or X.shape[-1] != self.sizes[0]:
            wanted = f"(..., batch, {self.sizes[0]})"
            raise ValueError(f"X must have shape {wanted} for {self}, got {X.shape}")
        nets = prod(broadcast_lead(theta=lead, X=X.shape[:-2]))
        examples = X.shape[-2] if batch is None else whole("batch", batch, 1, X.shape[-2])
        affordable(f"a forward pass of {self}", 2 * nets * examples * sum(self.sizes))
        return X


def broadcast_lead(**leads):
    """The common leading axes, or ValueError that names what does not fit together."""
    try:
        return np.broadcast_shapes(*leads.values())
    except ValueError:
        given = ", ".join(f"{name} has {lead}" for name, lead in leads.items())
        raise ValueError(f"leading axes do not fit together: {given}") from None


def per_net(name, value, lead):
    """`value`, a number or one number per net, as a finite array that fits `lead`."""
    value = finite(name, value)
    if broadcast_lead(**{name: value.shape, "the ensemble": lead}) != lead:
        raise ValueError(f"{name} must be a number or fit the ensemble {lead}, got {value.shape}")
    return value


def affordable(what, count, itemsize=8):
    """ValueError if `count` numbers take more than MEMORY_LIMIT_MB; call it before allocating."""
    megabytes = count * itemsize / 1e6
    if megabytes > MEMORY_LIMIT_MB:
        raise ValueError(
            f"{what} would take about {megabytes:,.0f} MB, the limit is {MEMORY_LIMIT_MB:,} MB"
        )


def _sizes(sizes):
    if isinstance(sizes, str) or not np.iterable(sizes) or len(sizes) < 2:
        raise ValueError(
            f"sizes must be two or more whole numbers, inputs first, outputs last, got {sizes!r}"
        )
    return tuple(whole(f"sizes[{k}]", size, 1) for k, size in enumerate(sizes))


def _hidden(act, count):
    """The hidden activations as records: one for all, or a tuple with one per hidden layer."""
    if isinstance(act, str | Activation) or not isinstance(act, Sequence):
        return activation(act)
    if len(act) != count:
        raise ValueError(
            f"act must be one activation or {count}, one per hidden layer, got {len(act)}"
        )
    return tuple(map(activation, act))


def _lead(lead):
    lead = lead if np.iterable(lead) else (lead,)
    return tuple(whole(f"lead[{k}]", size, 1) for k, size in enumerate(lead))
