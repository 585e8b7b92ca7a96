"""A net with batch normalisation: every hidden layer standardises what arrives at its units.

    s = a @ W                       no bias: the mean is taken off in the next line
    u = (s - mean) / deviation      of each unit over the batch; deviation^2 = variance + EPS
    z = gamma * u + beta            what was taken away, training may put back
    a = f(z)

The last layer is an ordinary one, a @ W + b. A layer is a pair (W, b) as in `Net`, so that theta,
`layers`, `pack` and `helpers.diagnostics` work as they do there; in a hidden layer b has two rows,
gamma and beta. dW means d loss / d W.

An example's output depends on the others in its batch. For new data one therefore holds the means
and deviations fixed: here those of the whole training set (`folded`), of which the running averages
of other packages are an estimate. A normalisation with fixed numbers is an affine map, and the net
is then a plain `Net`.

Source: Ioffe & Szegedy, Batch normalization: accelerating deep network training by reducing
internal covariate shift (ICML 2015, arXiv:1502.03167), algorithms 1 and 2.
"""

from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from helpers.network import Net
from helpers.threads import one_blas_thread

EPS = 1e-5  # keeps a unit that is constant on the batch from a division by 0


class NormalisedPass(NamedTuple):
    """One forward pass. A[0] is the data, A[k + 1] = f_k(Z[k]) as in `network.Pass`.

    U[k] and deviations[k] belong to hidden layer k: there are one fewer than layers.
    """

    Z: list
    A: list
    U: list
    deviations: list


def normalise(s):
    """u (..., batch, units) with mean 0 and variance 1 over the batch, and the deviation of s."""
    s = s - _mean(s)
    deviation = np.sqrt(_mean(s * s) + EPS)
    return s / deviation, deviation


def through_normalisation(du, u, deviation):
    """d loss / d s from d loss / d u.

    Shifting or stretching the whole batch does not change u: that part of du is taken off.
    """
    return (du - _mean(du) - u * _mean(du * u)) / deviation


def _mean(s):
    return s.mean(-2, keepdims=True)


def _gamma_beta(b):
    return b[..., :1, :], b[..., 1:, :]


def forward(layers, acts, X):
    """`NormalisedPass` from the data X to the output A[-1]; X is the batch that is normalised."""
    Z, A, U, deviations = [], [X], [], []
    *hidden, (V, c) = layers
    for (W, b), act in zip(hidden, acts[:-1], strict=True):
        u, deviation = normalise(A[-1] @ W)
        gamma, beta = _gamma_beta(b)
        Z.append(gamma * u + beta)
        A.append(act.f(Z[-1]))
        U.append(u)
        deviations.append(deviation)
    Z.append(A[-1] @ V + c)
    A.append(acts[-1].f(Z[-1]))
    return NormalisedPass(Z, A, U, deviations)


def deltas(layers, dfs, passed, given, dA):
    """(dS, dZ): d loss / d s and d loss / d z of every layer, given dA = d loss / d output.

    dfs holds the derivatives of the activations, `given` what each of them takes: Z (or the
    outputs, for a derivative that is a function of the output).
    """
    dZ = [dA * dfs[-1](given[-1])]
    dS = [dZ[0]]
    for k in reversed(range(len(layers) - 1)):
        dZ.append(dS[-1] @ layers[k + 1][0].mT * dfs[k](given[k]))
        gamma, _ = _gamma_beta(layers[k][1])
        dS.append(through_normalisation(gamma * dZ[-1], passed.U[k], passed.deviations[k]))
    return dS[::-1], dZ[::-1]


def backward(layers, dfs, passed, given, dA, out):
    """Write d loss / d W, d gamma, d beta and d b into `out`, a list like `layers`."""
    dS, dZ = deltas(layers, dfs, passed, given, dA)
    for a, ds, (dW, _) in zip(passed.A[:-1], dS, out, strict=True):
        np.matmul(a.mT, ds, out=dW)
    for u, dz, (_, db) in zip(passed.U, dZ[:-1], out[:-1], strict=True):
        dgamma, dbeta = _gamma_beta(db)
        np.sum(dz * u, axis=-2, keepdims=True, out=dgamma)
        np.sum(dz, axis=-2, keepdims=True, out=dbeta)
    np.sum(dZ[-1], axis=-2, keepdims=True, out=out[-1][1])


class BatchNormNet(Net):
    """Architecture of a net with batch normalisation; sizes, act and out as for `Net`.

    With the same seed and no random biases its W are those of the plain Net. Trained by
    `helpers.training` like every net.
    """

    calculus = forward, backward  # what helpers.training asks for

    def __repr__(self):
        return f"BatchNorm{super().__repr__()}"

    @cached_property
    def shapes(self):
        """Shapes of W1, (gamma1, beta1), W2, (gamma2, beta2), ..., W, b: the order in theta."""
        *hidden, (m, n) = pairwise(self.sizes)
        pairs = [shape for m, n in hidden for shape in ((m, n), (2, n))]
        return [*pairs, (m, n), (1, n)]

    def init(self, rng, *arguments, **settings):
        """Random theta (*lead, P) with gamma 1; arguments as for `Net.init`, `bias` is for beta."""
        theta = super().init(rng, *arguments, **settings)
        for _, b in self.layers(theta)[:-1]:
            b[..., 0, :] = 1
        return theta

    @one_blas_thread()
    def forward(self, theta, X):
        """`NormalisedPass` for X (..., batch, inputs), normalised over this batch: two examples up.

        ValueError for a single example: it is its own mean, whatever it is.
        """
        X = self.fitting(theta, X)
        if X.shape[-2] < 2:
            raise ValueError(f"batch normalisation needs a batch of at least 2, got {X.shape[-2]}")
        return forward(self.layers(theta), self.acts, X)

    @one_blas_thread()
    def deltas(self, theta, passed, dA):
        """[d loss / d s[k] for every layer k], of what `forward` returned, given dA."""
        dfs = [act.df for act in self.acts]
        return deltas(self.layers(theta), dfs, passed, passed.Z, dA)[0]

    @one_blas_thread()
    def backward(self, theta, passed, dA):
        """Gradient (..., P) of the loss, through the means and deviations of the batch as well."""
        output = passed.A[-1]
        if np.shape(dA)[-2:] != output.shape[-2:]:
            raise ValueError(f"dA must fit the output {output.shape}, got {np.shape(dA)}")
        lead = np.broadcast_shapes(np.shape(dA)[:-2], output.shape[:-2])
        gradient = np.empty((*lead, self.P), output.dtype)
        dfs = [act.df for act in self.acts]
        backward(self.layers(theta), dfs, passed, passed.Z, dA, self.layers(gradient))
        return gradient

    def output(self, theta, X):
        """Output (..., n, outputs) on the batch X."""
        return self.forward(theta, X).A[-1]

    def folded(self, theta, X):
        """theta of the plain Net(sizes, act, out) with the means and deviations of X held fixed.

        X (n, inputs) is usually the whole training set. On X itself both nets give the same.
        """
        passed, layers = self.forward(theta, X), self.layers(theta)
        plain = []
        for (W, b), a, deviation in zip(layers, passed.A, passed.deviations, strict=False):
            gamma, beta = _gamma_beta(b)
            plain.append((W * (gamma / deviation), beta - gamma / deviation * (_mean(a) @ W)))
        return self.plain.pack([*plain, layers[-1]])

    @property
    def plain(self):
        """The net of the same sizes and activations without normalisation."""
        return Net(self.sizes, self.act, self.out)

    def jacobian(self, theta, x):
        """Refused: the output at one point depends on the rest of its batch."""
        raise ValueError(
            "one point has no Jacobian here, its output depends on the batch; "
            "use net.plain.jacobian(net.folded(theta, X), x)"
        )
