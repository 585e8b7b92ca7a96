"""Gradient descent that records: a run is a value, to be looked at afterwards.

`train(...)` returns a `Run` with the loss of every step and snapshots of theta. `training(...)` is
the same as a generator that hands back control about every 50 ms, for a progress bar and a Stop
button. The leading axes of theta are the members of an ensemble: all of them are trained at once by
the same lines, and a member whose loss is no longer finite is frozen while the rest goes on.
"""

from collections.abc import Generator
from dataclasses import dataclass
from itertools import repeat
from math import isfinite, prod, sqrt
from time import perf_counter

import numpy as np

from helpers.activations import RELU, SIGMOID, TANH
from helpers.checks import finite, generator, one_of, quoted, real, whole
from helpers.losses import LOSSES, Loss
from helpers.network import Net, affordable, broadcast_lead, deltas, forward, gradients, per_net
from helpers.threads import one_blas_thread

CHUNK_SECONDS = 0.05  # how long `training` works before it hands back control
LARGEST_FREED = 30_000_000  # bytes


# Derivatives from the output a = f(z). Those of sigmoid and tanh round to 0 where a unit is
# saturated, an error of at most 4e-16 that training does not notice, and make a step of 2-16-16-1
# cost 18 % less than the exact df(z). Whatever measures saturation asks `Net`, which uses df(z).


def _df_sigmoid(a):
    df = 1 - a
    df *= a
    return df


def _df_tanh(a):
    df = a * a
    return np.subtract(1, df, out=df)


DF_FROM_OUTPUT = {SIGMOID: _df_sigmoid, TANH: _df_tanh, RELU: np.sign}


# Optimisers: frozen settings. `update = optimizer.start(theta)`, then `update(gradient)` changes
# theta in place. Every line works in place as well, because fresh arrays of 268,000 numbers cost
# more than the arithmetic on them (NUMERICS.md section 1).


@dataclass(frozen=True)
class SGD:
    """Gradient descent: theta -= lr * gradient. lr >= 0 is a number, or one number per net."""

    lr: float | np.ndarray = 0.1

    def start(self, theta):
        lr, step = _rate(self.lr, theta), np.empty_like(theta)

        def update(gradient):
            np.multiply(lr, gradient, out=step)
            np.subtract(theta, step, out=theta)

        return update


@dataclass(frozen=True)
class Momentum:
    """Heavy ball: velocity = beta * velocity + gradient; theta -= lr * velocity.

    Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.
    """

    lr: float | np.ndarray = 0.1
    beta: float = 0.9

    def start(self, theta):
        lr, step, velocity = _rate(self.lr, theta), np.empty_like(theta), np.zeros_like(theta)
        beta = real("beta", self.beta, 0, 1, open_high=True)

        def update(gradient):
            _discount(velocity, beta, gradient)
            np.multiply(lr, velocity, out=step)
            np.subtract(theta, step, out=theta)

        return update


@dataclass(frozen=True)
class Adam:
    """Adam: steps of about lr in every direction, from running means of gradient and square.

    Kingma & Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1; the two bias
    corrections are moved into the step size and eps, which changes nothing but rounding.
    """

    lr: float | np.ndarray = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def start(self, theta):
        lr, step = _rate(self.lr, theta), np.empty_like(theta)
        mean, square = np.zeros_like(theta), np.zeros_like(theta)
        beta1 = real("beta1", self.beta1, 0, 1, open_high=True)
        beta2 = real("beta2", self.beta2, 0, 1, open_high=True)
        eps = real("eps", self.eps, 0)
        t = 0

        def update(gradient):
            nonlocal t
            t += 1
            _discount(mean, beta1, gradient)
            np.multiply(gradient, gradient, out=step)
            _discount(square, beta2, step)
            scale = sqrt((1 - beta2**t) / (1 - beta2))
            np.sqrt(square, out=step)
            np.add(step, eps * scale, out=step)
            np.divide(mean, step, out=step)
            np.multiply(lr * (scale * (1 - beta1) / (1 - beta1**t)), step, out=step)
            np.subtract(theta, step, out=theta)

        return update


OPTIMIZERS = {"sgd": SGD, "momentum": Momentum, "adam": Adam}


def _discount(total, beta, value):
    """total = beta * total + value."""
    np.multiply(beta, total, out=total)
    np.add(total, value, out=total)


def _rate(lr, theta):
    """The learning rate as a number, or as a column (*lead, 1) of numbers, one per net."""
    lr = per_net("lr", lr, theta.shape[:-1])
    if (lr < 0).any():
        raise ValueError(f"lr must be a number from 0, got {lr.min()}")
    return lr[..., None].astype(theta.dtype) if lr.ndim else float(lr)


# Penalties: frozen settings as well. `penalty = L1(weight).start(theta)`, then `penalty(hidden)`.


@dataclass(frozen=True)
class L1:
    """Penalty on activity: weight * (sum of |a| over all hidden units), mean over the batch.

    weight >= 0 is a number, or one number per net. With ReLU it makes more units zero.

    Glorot, Bordes & Bengio, "Deep sparse rectifier neural networks", AISTATS 2011, section 3.
    """

    weight: float | np.ndarray = 0.001

    def start(self, theta):
        weight = per_net("weight", self.weight, theta.shape[:-1]).astype(theta.dtype)
        if (weight < 0).any():
            raise ValueError(f"weight must be a number from 0, got {weight.min()}")

        def penalty(hidden):
            """The value (*lead,), and its derivative d value / d a for each array a in hidden."""
            per_example = weight / hidden[0].shape[-2]
            total = sum(abs(a).sum((-2, -1)) for a in hidden)
            slope = per_example[..., None, None]
            return per_example * total, [slope * np.sign(a) for a in hidden]

        return penalty


@dataclass(frozen=True, eq=False)
class Run:
    """A finished (or stopped) training run.

    losses    (t + 1, *lead): losses[t] = loss of the net after t steps, on the batch of step t,
              the penalty included
    frames    (F,) steps at which theta was kept, the last one included
    thetas    (F, *lead, P) theta after that many steps; a list of what `keep` made of it, if given
    theta     (*lead, P) the last state with a finite loss
    diverged  (*lead,) first step whose loss was not finite, -1 where there is none. That net keeps
              the state of the step before; its losses are NaN from the next step on
    stopped   True if the run ended before the last step
    message   one sentence if anything went wrong, else ""
    """

    net: Net
    loss: Loss
    losses: np.ndarray
    frames: np.ndarray
    thetas: np.ndarray
    theta: np.ndarray
    diverged: np.ndarray
    stopped: bool
    message: str

    def at(self, frame):
        """theta of snapshot number `frame`, a view."""
        return self.thetas[frame]


def train(
    net,
    theta,
    X,
    Y,
    loss,
    *,
    steps,
    optimizer=SGD(0.1),
    penalty=None,
    batch=None,
    rng=None,
    paired=True,
    record=100,
    keep=None,
) -> Run:
    """Train to the end and return the `Run`; what the arguments mean stands at `training`."""
    how = dict(optimizer=optimizer, penalty=penalty, batch=batch, rng=rng, paired=paired)
    kept = dict(record=record, keep=keep)
    return finish(training(net, theta, X, Y, loss, steps=steps, **how, **kept))


def training(
    net,
    theta,
    X,
    Y,
    loss,
    *,
    steps,
    optimizer=SGD(0.1),
    penalty=None,
    batch=None,
    rng=None,
    paired=True,
    record=100,
    keep=None,
) -> Generator[float, str | None, Run]:
    """Generator: yields the progress (0 to 1) about every 50 ms, returns the `Run`.

    theta      (*lead, P) the start, not modified; X (..., n, inputs) and Y as the loss wants them
    steps      number of updates, from 0
    loss       record of `helpers.losses`, or its name
    optimizer  SGD, Momentum or Adam, or the name of one ("sgd", "momentum", "adam")
    penalty    None, or what is added to the loss for the hidden activations: L1(weight)
    batch      examples per step, drawn without replacement and reshuffled when they are used up
               (the last batch of an epoch may be smaller); None: all of them at every step
    rng        numpy Generator for the batches; the same seed gives the same run, bit by bit
    paired     True: all nets of an ensemble see the same batches; False: each has its own
    record     how many snapshots to keep, spread evenly, or a sequence of steps to keep
    keep       None, or a function of theta: a snapshot is what it returns, not theta itself (45
               snapshots of 20 nets of 37,000 numbers are 270 MB); theta changes afterwards

    `generator.send("stop")` ends the run early: it returns (StopIteration.value) what there is.
    Everything is checked here, before the first step: ValueError or TypeError with both shapes.
    """
    loss, optimizer = _loss(loss), _optimizer(optimizer)
    theta, X, Y = _data(net, theta, X, Y, loss, batch)
    steps = whole("steps", steps, 0)
    lead = theta.shape[:-1]
    affordable(f"the losses of {steps:,} steps", (steps + 1) * prod(lead))
    frames = _frames(record, steps, 0 if keep else theta.nbytes)
    batches = repeat((X, Y))
    if batch is not None:
        generator("rng", rng)
        batches = _batches(X, Y, int(batch), rng, () if paired else lead)
    _keep_freed_memory()
    update, penalty = optimizer.start(theta), _started(penalty, net, theta)
    return _chunks(_Descent(net, theta, loss, batches, update, penalty, steps, frames, keep))


def finish(job):
    """Run a generator of progress, such as `training`, to its end and return its result."""
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def part(job, low, high):
    """`job` as a part of a longer one: `run = yield from part(training(...), 0, 0.5)`.

    Its progress from 0 to 1 becomes one from `low` to `high`; "stop" is passed on to it.
    """
    message = None
    while True:
        try:
            progress = job.send(message)
        except StopIteration as end:
            return end.value
        message = yield low + (high - low) * progress


def _loss(choice):
    return choice if isinstance(choice, Loss) else LOSSES[one_of("loss", choice, LOSSES)]


def _optimizer(choice):
    """The record itself, or the one of that name with its default settings."""
    if hasattr(choice, "start") and not isinstance(choice, type):
        return choice
    return OPTIMIZERS[one_of("optimizer", choice, OPTIMIZERS)]()


def _started(penalty, net, theta):
    """The penalty as a function of the hidden activations, or None."""
    if penalty is None:
        return None
    if not isinstance(penalty, L1):
        raise TypeError(f"penalty must be None or L1(weight), got {quoted(penalty)}")
    if net.depth == 1 or hasattr(net, "calculus"):
        raise ValueError(f"a penalty needs a plain Net with a hidden layer, got {net}")
    return penalty.start(theta)


def _data(net, theta, X, Y, loss, batch):
    """Copies, or arrays, that fit each other: theta (*lead, P), X and Y in theta's precision."""
    theta = finite("theta", theta)
    net.layers(theta)  # refuses a theta of another net
    X = net.fitting(theta, finite("X", X), batch)
    if X.shape[-2] == 0:
        raise ValueError(f"X must hold at least one example, got shape {X.shape}")
    Y = loss.check(Y, X.shape[-2], net.sizes[-1])
    lead = broadcast_lead(theta=theta.shape[:-1], X=X.shape[:-2], Y=Y.shape[: _sample_axis(Y)])
    dtype = np.float32 if theta.dtype == np.float32 else np.float64
    theta = np.array(np.broadcast_to(theta, (*lead, net.P)), dtype, order="C")
    return theta, X.astype(dtype, copy=False), Y if Y.dtype.kind in "iu" else Y.astype(dtype)


def _sample_axis(Y):
    """Class numbers are (..., batch), all other labels (..., batch, outputs)."""
    return -1 if Y.dtype.kind in "iu" else -2


def _keep_freed_memory():
    """Let the C library keep what a step frees for the next step.

    glibc hands freed memory back to the system above a limit that follows the largest block freed
    so far. Without this, every step of a deep net fetches its arrays page by page anew: 1.7 times
    the time for 30 layers of 64. The block is never touched; other C libraries just ignore it.
    """
    np.empty(LARGEST_FREED, np.uint8)


def _frames(record, steps, size):
    """The steps at which to keep a snapshot of `size` bytes, ascending."""
    evenly = np.ndim(record) == 0
    count = min(whole("record", record, 1), steps + 1) if evenly else len(record)
    affordable(f"the record of {count:,} snapshots", count * size, 1)
    if evenly:
        return np.linspace(steps, 0, count).round().astype(int)[::-1].tolist()
    return sorted({whole(f"record[{k}]", step, 0, steps) for k, step in enumerate(record)})


def _batches(X, Y, batch, rng, lead):
    """Endless batches (X, Y): all examples once in random order, then again in another order."""
    everything = np.broadcast_to(np.arange(X.shape[-2]), (*lead, X.shape[-2]))
    while True:
        order = rng.permuted(everything, axis=-1)
        for start in range(0, order.shape[-1], batch):
            chosen = order[..., start : start + batch]
            yield _pick(X, chosen, -2), _pick(Y, chosen, _sample_axis(Y))


def _pick(array, chosen, axis):
    """Examples `chosen` (batch,), or (*lead, batch) with a choice of its own for every net."""
    if chosen.ndim == 1:
        return np.take(array, chosen, axis=axis)
    chosen = chosen if axis == -1 else chosen[..., None]
    missing = max(chosen.ndim - array.ndim, 0)
    return np.take_along_axis(array.reshape(*[1] * missing, *array.shape), chosen, axis=axis)


def _chunks(descent):
    """Work for CHUNK_SECONDS, yield the progress, until the descent is finished."""
    while not descent.finished:
        with one_blas_thread(), np.errstate(all="ignore"):
            pause = perf_counter() + CHUNK_SECONDS
            descent.step()
            while not descent.finished and perf_counter() < pause:
                descent.step()
        if not descent.finished and (yield descent.t / descent.steps) == "stop":
            descent.stop()
    return descent.run()


def _backward(layers, dfs, passed, given, dA, out):
    """Write the gradient of a plain `Net` into `out`; given[k] is what dfs[k] takes, z or f(z).

    A net that computes in another way brings its own `calculus`, a pair (forward, backward) of
    functions with the same arguments (`helpers.batch_norm`).
    """
    gradients(passed.A, deltas(layers, dfs, given, dA), out)


def _penalised(layers, dfs, passed, given, dA, out):
    """The same with a penalty: dA holds its share for each hidden layer, then d loss / d output."""
    *direct, dA = dA
    gradients(passed.A, deltas(layers, dfs, given, dA, direct), out)


class _Descent:
    """One run while it goes on: theta, and everything that changes with it."""

    def __init__(self, net, theta, loss, batches, update, penalty, steps, frames, keep):
        self.net, self.loss, self.batches, self.update = net, loss, batches, update
        self.theta, self.before, self.gradient = theta, theta.copy(), np.empty_like(theta)
        self.layers, self.slots = net.layers(theta), net.layers(self.gradient)  # views, made once
        plain = forward, _penalised if penalty else _backward
        self.forward, self.backward = getattr(net, "calculus", plain)
        self.penalty = penalty
        self.steps = self.total = steps  # `stop` lowers the first
        self.due, self.kept, self.keep = set(frames), [], keep
        self.losses = np.full((steps + 1, *theta.shape[:-1]), np.nan)
        room = len(frames) + 1  # + 1: early end
        self.thetas = [None] * room if keep else np.empty((room, *theta.shape), theta.dtype)
        self.diverged = np.full(theta.shape[:-1], -1)
        self.frozen = None  # or which nets are
        self.from_output = [act in DF_FROM_OUTPUT for act in net.acts]
        self.dfs = [DF_FROM_OUTPUT.get(act, act.df) for act in net.acts]
        self.t, self.finished, self.stopped = 0, False, False

    def step(self):
        """Loss of theta on the next batch, and, unless this is the end, one update."""
        X, Y = next(self.batches)
        passed = self.forward(self.layers, self.net.acts, X)
        Z, A = passed.Z, passed.A
        value, dA = self.loss(A[-1], Y)
        if self.penalty:
            extra, direct = self.penalty(A[1:-1])
            value, dA = value + extra, [*direct, dA]
        self.losses[self.t] = value
        if not isfinite(self.losses[self.t].sum() + self.theta.sum()):  # a dead unit hides an inf
            self.freeze(value)
        if self.t in self.due:
            self.snapshot()
        if self.t == self.steps or self.frozen is not None and self.frozen.all():
            return self.finish()
        given = [a if out else z for z, a, out in zip(Z, A[1:], self.from_output, strict=True)]
        self.backward(self.layers, self.dfs, passed, given, dA, self.slots)
        np.copyto(self.before, self.theta)
        self.update(self.gradient)
        if self.frozen is not None:
            self.theta[self.frozen] = self.before[self.frozen]
        self.t += 1

    def freeze(self, value):
        """Take nets whose loss or theta overflowed back to the step before, for good."""
        value = np.where(np.isfinite(self.theta).all(axis=-1), value, np.nan)
        lost = ~np.isfinite(value) & (self.diverged < 0)
        self.losses[self.t] = value
        self.theta[lost] = self.before[lost]
        self.diverged[lost] = self.t
        self.frozen = self.diverged >= 0

    def snapshot(self):
        self.thetas[len(self.kept)] = self.keep(self.theta) if self.keep else self.theta
        self.kept.append(self.t)

    def finish(self):
        """The last state is always kept; nets that all diverged end the run early."""
        self.stopped |= self.t < self.total
        if self.t not in self.kept[-1:]:
            self.snapshot()
        self.finished = True

    def stop(self):
        """Let the next step be the last; it only measures the loss."""
        self.steps = self.t

    def message(self):
        """What went wrong, in one sentence."""
        lost = self.diverged[self.diverged >= 0]
        if lost.size and self.diverged.ndim:
            return (
                f"{lost.size} of {self.diverged.size} nets diverged, the first at step "
                f"{lost.min()}; each keeps its last state with a finite loss."
            )
        if lost.size:
            return (
                f"The loss was no longer finite at step {self.t}, so training stopped; "
                "theta is the last state with a finite loss."
            )
        return f"Stopped by hand after {self.t} steps." if self.stopped else ""

    def run(self):
        losses = self.losses[: self.t + 1]
        step = np.arange(self.t + 1).reshape(-1, *[1] * self.diverged.ndim)
        losses[(self.diverged >= 0) & (step > self.diverged)] = np.nan
        return Run(
            net=self.net,
            loss=self.loss,
            losses=losses,
            frames=np.array(self.kept),
            thetas=self.thetas[: len(self.kept)],
            theta=self.theta,
            diverged=self.diverged,
            stopped=self.stopped,
            message=self.message(),
        )
