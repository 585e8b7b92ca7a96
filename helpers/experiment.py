"""One experiment of the lab: data, nets, a training, and a look at the health of every layer.

An `Experiment` is a frozen record of settings, nothing else: equal settings give equal runs, bit by
bit. `run(**settings)` trains and returns a `Film`; `record(...)` is the same as a generator of the
progress. In mid-run the hidden layers may get another activation; the weights stay (`then`).

The film keeps what the layers did, at the steps it looked at: not from a pass of its own, but from
the very gradients and steps of the training (`_Watched`).
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil
from typing import NamedTuple

import numpy as np

from helpers import activations, diagnostics
from helpers.activations import activation
from helpers.checks import one_of, real, whole
from helpers.datasets import DATASETS, digits, split, standardise
from helpers.initializers import SCHEMES
from helpers.losses import LOGISTIC, SOFTMAX, accuracy
from helpers.network import Net, affordable
from helpers.threads import one_blas_thread
from helpers.training import L1, OPTIMIZERS, finish, part, training

SETS = (*DATASETS, "digits")
POINTS, TRAIN_DIGITS = 300, 1400  # examples to learn from; others to test: as many points, 397
SAME = "no change"
FAMILIES = {name: getattr(activations, name) for name in ("leaky_relu", "elu", "softplus", "swish")}

DEPTHS, WIDTHS, NETS, STEPS, SEEDS = (1, 10), (1, 64), (1, 32), (10, 1000), (0, 99)
SCALES, RATES, BATCHES, PENALTIES = (0.01, 10.0), (1e-4, 10.0), (1, 1400), (0.0, 1.0)
BIASES, MOMENTS = (-4.0, 4.0), (0, 900)

LOOKS = 41  # frames of a film, closer at the start ...
LARGEST_RECORD = 3_000_000  # ... but no more weights in all than this (4 bytes each)
LARGEST_PASS = 250_000  # numbers of one pass when all examples are looked at
LARGEST_STEP = 5_000_000  # numbers of one pass in training


def named(text):
    """The activation of a name such as "tanh", "leaky_relu(0.2)", "elu(2)"; a record as it is."""
    if not isinstance(text, str):
        return activation(text)
    name, bracket, number = text.strip().partition("(")
    if not bracket:
        return activation(name)
    family = FAMILIES[one_of("activation with a number", name, FAMILIES)]
    try:
        return family(float(number.removesuffix(")")))
    except ValueError:
        raise ValueError(
            f"activation must be a name, or one with a number as in {name}(0.5); got {text!r}"
        ) from None


def per_layer(acts, depth):
    """One record for each of `depth` hidden layers, from a name, a record or several.

    Several names stand in one text, "relu, tanh": each has an equal share of the layers, the first
    the lowest. ValueError for more names than layers.
    """
    if isinstance(acts, str):
        acts = acts.split(",")
    acts = acts if isinstance(acts, list | tuple) else [acts]
    if len(acts) > depth:
        raise ValueError(f"{len(acts)} activations need as many hidden layers, got {depth}")
    return tuple(named(acts[k * len(acts) // depth]) for k in range(depth))


# --- Settings -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Experiment:
    """Settings of one experiment; what is not allowed raises ValueError or TypeError.

    data        one of SETS: 300 points in the plane (other 300 to test), or 1,400 digits (397)
    activation  of the hidden layers: a name, with a number if wanted ("elu(2)"), or one per share
                of the layers ("relu, tanh"); or an Activation
    depth, width  1 to 10 hidden layers of 1 to 64 units
    scheme, scale  how weights are drawn (a name in SCHEMES), and a factor for all, 0.01 to 10
    bias        of every hidden unit at the start, -4 to 4
    optimizer, lr  "sgd", "momentum" or "adam"; 0.0001 to 10
    batch       examples per step, 1 to 1400; as many as there are, or more, means all of them: 300
                is every point of the plane, and about a fifth of the digits
    l1          penalty on hidden activations (helpers.training.L1), 0 to 1
    l2          weight decay: l2 / 2 * (sum of squares of all W), 0 to 1
    steps       10 to 1000; seed 0 to 99, of data, start and batches
    nets        1 to 32 starts, trained on the same examples in the same order
    then, switch  from step `switch` (0 to 900) on the hidden layers have the activation(s) `then`;
                weights stay, the optimiser starts from rest. "no change": nothing happens
    """

    data: str = "moons"
    activation: object = "relu"
    depth: int = 2
    width: int = 16
    scheme: str = "matched"
    scale: float = 1.0
    bias: float = 0.0
    optimizer: str = "adam"
    lr: float = 0.01
    batch: int = 300
    l1: float = 0.0
    l2: float = 0.0
    steps: int = 500
    nets: int = 16
    then: object = SAME
    switch: int = 250
    seed: int = 0

    def __post_init__(self):
        one_of("data", self.data, SETS)
        one_of("scheme", self.scheme, SCHEMES)
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        for name, (low, high) in _WHOLE.items():
            object.__setattr__(self, name, whole(name, getattr(self, name), low, high))
        for name, (low, high) in _REAL.items():
            object.__setattr__(self, name, real(name, getattr(self, name), low, high))
        self.net, self.net_after  # noqa: B018  (refuses unknown activations)
        self._require_small()

    def _require_small(self):
        """A pass of all nets has to fit the memory of a small class-room server, several times."""
        rows = min(self.batch, TRAIN_DIGITS if self.data == "digits" else POINTS)
        count = self.nets * rows * sum(self.net.sizes)
        if count > LARGEST_STEP:
            raise ValueError(
                f"this takes too much memory: nets x batch x units is {count / 1e6:.1f} million, "
                f"the limit is {LARGEST_STEP / 1e6:g} million; take fewer nets, units or examples "
                "per step"
            )

    @property
    def net(self):
        """The architecture before the switch."""
        inputs, outputs = (64, 10) if self.data == "digits" else (2, 1)
        sizes = (inputs, *[self.width] * self.depth, outputs)
        return Net(sizes, per_layer(self.activation, self.depth))

    @property
    def net_after(self):
        """The architecture after the switch; the same theta fits both."""
        if isinstance(self.then, str) and self.then == SAME:
            return self.net
        return replace(self.net, act=per_layer(self.then, self.depth))

    @property
    def lives(self):
        """[(net, its number of steps)]: one, or two if the activation changes."""
        first = self.steps if self.net_after == self.net else min(self.switch, self.steps)
        lives = [(self.net, first), (self.net_after, self.steps - first)]
        return [life for life in lives if life[1]]

    @property
    def loss(self):
        return SOFTMAX if self.data == "digits" else LOGISTIC

    @property
    def examples(self):
        """(train, test), two Data; the points depend on the seed alone, the digits on nothing."""
        if self.data == "digits":
            return standard_digits()
        make, rng = DATASETS[self.data], self.rng(0)
        return make(rng, POINTS), make(rng, POINTS)

    def start(self):
        """theta (nets, P) before the first step. The scale multiplies the same draw."""
        net = self.net
        theta = net.init(self.rng(1), self.scheme, self.scale, lead=(self.nets,))
        for _, b in net.layers(theta)[:-1]:
            b += self.bias
        return theta

    def rng(self, stream):
        return np.random.default_rng([self.seed, stream])


_WHOLE = dict(
    depth=DEPTHS, width=WIDTHS, batch=BATCHES, steps=STEPS, nets=NETS, switch=MOMENTS,
    seed=SEEDS,
)  # fmt: skip
_REAL = dict(scale=SCALES, bias=BIASES, lr=RATES, l1=PENALTIES, l2=PENALTIES)


@lru_cache(maxsize=1)
def standard_digits():
    """(train, test) digits, standardised, in a split that is the same for all experiments."""
    return standardise(*split(digits(), np.random.default_rng(0), TRAIN_DIGITS))


# --- Film: a recorded training ------------------------------------------------------------------


class Film(NamedTuple):
    """A recorded experiment; axes (frames, nets, layers) unless said otherwise.

    losses      (steps + 1, nets) on the examples of every step, L1 penalty included, NaN once a net
                has diverged
    steps       (frames,) steps before which there was a look; the last is the end
    thetas      (frames, nets, P) the nets at these steps, float32 to save memory
    theta       (nets, P) at the end, in full
    accuracy    (frames, nets) share of right answers on examples that were not learned from
    zeros       share of hidden outputs that are exactly 0, over all training examples and units
    dead        share of hidden units with slope f'(z) = 0 for every training example
    saturated   share of pre-activations with |f'(z)| < 0.01
    gradients   norm of d loss / d W, of all layers, the output layer too, at this very step
    updates     norm of the change of W in this step over the norm of W, of all layers. At the end
                gradients and updates are those of the last step (of the last look, if stopped);
                of a net that has diverged they are NaN
    message     what went wrong in training, "" if nothing did
    """

    settings: Experiment
    losses: np.ndarray
    steps: np.ndarray
    thetas: np.ndarray
    theta: np.ndarray
    accuracy: np.ndarray
    zeros: np.ndarray
    dead: np.ndarray
    saturated: np.ndarray
    gradients: np.ndarray
    updates: np.ndarray
    message: str

    def at(self, frames):
        """The film with these frames only (an index)."""
        kept = {name: getattr(self, name)[frames] for name in _PER_FRAME}
        return self._replace(**kept)

    def net(self, frame):
        """The architecture at this frame: another one after the switch."""
        lives = self.settings.lives
        return lives[-1][0] if self.steps[frame] >= lives[0][1] else lives[0][0]


_PER_FRAME = ("steps", "thetas", "accuracy", "zeros", "dead", "saturated", "gradients", "updates")


def run(**settings):
    """Train and return the `Film`; settings as for `Experiment`."""
    return finish(record(Experiment(**settings)))


def record(experiment):
    """Generator: train, yield the progress (0 to 1), return a `Film`; "stop" ends it early.

    ValueError if every net diverges.
    """
    (train, test), theta = experiment.examples, experiment.start()
    batch = None if experiment.batch >= len(train.X) else experiment.batch
    diary, batches = _Diary(experiment, train, test), experiment.rng(2)
    losses, done, message = [], 0, ""
    for diary.net, steps in experiment.lives:
        job = training(
            diary.net, theta, train.X, train.Y, experiment.loss, steps=steps, batch=batch,
            rng=batches, optimizer=_Watched(experiment, diary), record=1,
            penalty=L1(experiment.l1) if experiment.l1 else None,
        )  # fmt: skip
        share = done / experiment.steps, (done + steps) / experiment.steps
        life = yield from part(job, *share)
        theta, message = life.theta, message or life.message
        losses, done = [*losses[:-1], *life.losses], done + len(life.losses) - 1
        if life.stopped:
            break
    if (life.diverged >= 0).all():
        raise ValueError(
            f"lr = {experiment.lr:g} and scale = {experiment.scale:g} are too large together: the "
            f"loss of every net was infinite after {done} steps; choose smaller ones"
        )
    diary.close(theta)
    return diary.film(np.array(losses), theta, message)


@dataclass(frozen=True)
class _Watched:
    """The optimiser of an experiment with its weight decay; `diary` looks at steps that are due."""

    experiment: Experiment
    diary: object

    def start(self, theta):
        update = OPTIMIZERS[self.experiment.optimizer](self.experiment.lr).start(theta)
        weights, l2 = [W for W, _ in self.diary.net.layers(theta)], self.experiment.l2

        def step(gradient):
            if l2:
                for W, (dW, _) in zip(weights, self.diary.net.layers(gradient), strict=True):
                    dW += l2 * W
            before = theta.copy() if self.diary.is_due() else None
            update(gradient)
            self.diary.turn(before, gradient, theta)

        return step


class _Diary:
    """Entries of a film while it is made; `net` changes at the switch."""

    def __init__(self, experiment, train, test):
        self.experiment, self.train, self.test = experiment, train, test
        self.net, self.t = experiment.net, 0
        due = _frames(experiment)
        self.due, self.steps, self.entries, self.last = set(due.tolist()), [], [], None
        size = due.size + 1, experiment.nets, experiment.net.P  # one more if there is a stop
        self.thetas = np.empty(size, np.float32)  # as much as needed, not twice

    def is_due(self):
        """Whether this step is looked at; always the one that may be the last."""
        return self.t in self.due or self.t == self.experiment.steps - 1

    def turn(self, before, gradient, after):
        """The step before -> after has been made."""
        if before is not None:
            layers = [self.net.layers(theta) for theta in (before, after, gradient)]
            gradients = diagnostics.gradient_norms(layers[2])
            self.last = gradients, diagnostics.update_to_weight(*layers[:2])
            if self.t in self.due:
                self.write(before)
        self.t += 1

    def write(self, theta):
        with np.errstate(over="ignore"):  # a net on its way to infinity
            self.thetas[len(self.steps)] = theta
        self.steps.append(self.t)
        self.entries.append((*look(self.net, theta, self.train, self.test), *self.last))

    def close(self, theta):
        """The entry at the end."""
        if self.t not in self.steps:
            self.write(theta)

    def film(self, losses, theta, message):
        parts = [np.stack(part) for part in zip(*self.entries, strict=True)]
        lost = ~np.isfinite(losses[self.steps])  # these nets stand still
        for sizes in parts[-2:]:
            sizes[lost] = np.nan
        steps, thetas = np.array(self.steps), self.thetas[: len(self.steps)]
        return Film(self.experiment, losses, steps, thetas, theta, *parts, message)


def _frames(experiment):
    """The steps to look at: 0, the end, and the step of the switch among them."""
    size = experiment.nets * experiment.net.P
    count = int(np.clip(LARGEST_RECORD // size, 9, LOOKS))
    affordable("the film", count * size, 4)
    steps = experiment.steps * np.linspace(0, 1, count) ** 2
    return np.unique([*steps.round().astype(int), experiment.lives[0][1]])


# --- One look -----------------------------------------------------------------------------------


class Look(NamedTuple):
    """Nets at one moment: accuracy (nets,); zeros, dead, saturated (nets, hidden layers)."""

    accuracy: np.ndarray
    zeros: np.ndarray
    dead: np.ndarray
    saturated: np.ndarray


@one_blas_thread()
def look(net, theta, train, test):
    """`Look` at nets theta (nets, P): health on the training examples, accuracy on the others.

    All examples, so that dead is dead; not all nets in one pass, which would take much memory.
    """
    X = np.concatenate([train.X, test.X])
    passes = min(len(theta), ceil(len(theta) * len(X) * max(net.sizes) / LARGEST_PASS))
    with np.errstate(all="ignore"):  # a net on its way to infinity
        looks = [_look(net, some, X, test.Y) for some in np.array_split(theta, passes)]
    return Look(*(np.concatenate(each) for each in zip(*looks, strict=True)))


def _look(net, theta, X, Y):
    a, shares, count = X, [], len(X) - len(Y)
    *hidden, (W_out, b_out) = net.layers(theta)
    for (W, b), act in zip(hidden, net.acts, strict=False):
        z = a @ W + b
        a = act.f(z)
        seen, slope = a[:, :count], abs(act.df(z[:, :count]))
        shares.append(((seen == 0).mean((-2, -1)), (slope == 0).all(-2).mean(-1),
                       (slope < SATURATED).mean((-2, -1))))
    right = accuracy(a[:, count:] @ W_out + b_out, Y)
    return right, *(np.stack(share, axis=-1) for share in zip(*shares, strict=True))


SATURATED = 0.01  # a smaller slope counts as saturated
