"""Deep sigmoid nets: how the top layer saturates, and what rescues them.

top_layer  a four-layer sigmoid net learns digits, and its last hidden layer is driven to 0
rescue     the gradient in a deep sigmoid net for any scale and offset of its first weights, and
           what training makes of it

Both trainings are ensembles: every claim comes with its spread over random starts.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.ticker import MaxNLocator

from helpers import batch_norm, network, style
from helpers.activations import ACTIVATIONS, SIGMOID, Activation
from helpers.batch_norm import BatchNormNet
from helpers.checks import one_of, real, whole
from helpers.datasets import digits, split, standardise
from helpers.diagnostics import norm, per_layer
from helpers.live import choice, live, number
from helpers.losses import SOFTMAX, accuracy
from helpers.mean_field import batch_norm_factor, sigmoid_image, signal
from helpers.network import Net
from helpers.threads import one_blas_thread
from helpers.training import SGD, training

PIXELS, CLASSES, TRAIN = 64, 10, 1400
SEEDS = (0, 99)


@lru_cache(maxsize=1)
def _digits():
    """(train, test) with pixels in [0, 1]: 1400 and 397 digits, always the same."""
    return split(digits(), np.random.default_rng(0), TRAIN)


@lru_cache(maxsize=1)
def _standardised():
    return standardise(*_digits())


def _rng(seed, stream):
    """One stream of random numbers for the weights, one for the order of the digits."""
    return np.random.default_rng([whole("seed", seed, *SEEDS), stream])


# --- The top layer saturates --------------------------------------------------------------------

LAYERS, WIDTHS, TOP_RATES = (1, 6), (10, 150), (0.01, 2.0)
UNITS = ("sigmoid", "tanh", "relu")
NETS, STEPS, BATCH, SHOWN = 20, 200, 10, 50  # SHOWN: test digits that activations are taken from
FRAMES = [0, 1, 2, 3, 4, *range(5, STEPS + 1, 5)]
BINS = 40
LAYER_COLORS = (style.SKY, style.BLUE, style.GREEN, style.PURPLE, style.ORANGE)
TOP_COLOR = style.VERMILLION


class Layers(NamedTuple):
    """A recorded training of NETS nets: what the units of every hidden layer give.

    steps   (frames,) the steps of which there is a picture
    means   (frames, layers, nets) mean activation over units and test digits
    slopes  (frames, layers, nets) mean slope f'(z)
    shares  (frames, layers, BINS) share of the activations in each bin, over all nets
    edges   (BINS + 1,) of the bins
    right   (nets,) share of the test digits that are right in the end
    """

    net: Net
    steps: np.ndarray
    means: np.ndarray
    slopes: np.ndarray
    shares: np.ndarray
    edges: np.ndarray
    right: np.ndarray
    message: str


def record_top_layer(*, activation="sigmoid", layers=4, width=100, lr=0.5, seed=0):
    """Generator: train, yield the progress (0 to 1), return `Layers`.

    activation  sigmoid, tanh or relu; layers 1 to 6 hidden ones of `width` units (10 to 150)
    lr          learning rate, 0.01 to 2; batches of 10 digits, 200 steps
    seed        0 to 99, of the weights U(-1/sqrt(n), 1/sqrt(n)) and of the order of the digits

    Sent "stop", it returns what there is. Source of the experiment: Glorot & Bengio 2010, sec. 3.1.
    """
    act = ACTIVATIONS[one_of("activation", activation, UNITS)]
    hidden = [whole("width", width, *WIDTHS)] * whole("layers", layers, *LAYERS)
    net, (train, test) = Net((PIXELS, *hidden, CLASSES), act), _digits()
    edges = _bins(act)
    run = yield from training(
        net, net.init(_rng(seed, 0), "uniform", lead=(NETS,)), *train[:2], SOFTMAX, steps=STEPS,
        batch=BATCH, rng=_rng(seed, 1), optimizer=SGD(real("lr", lr, *TOP_RATES)), record=FRAMES,
        keep=lambda theta: _look(net, theta, edges),
    )  # fmt: skip
    looks = (np.stack(parts) for parts in zip(*run.thetas, strict=True))
    right = np.array([accuracy(net.output(theta, test.X), test.Y) for theta in run.theta])
    return Layers(net, run.frames, *looks, edges, right, run.message)


def _bins(act):
    """They cover all that a bounded activation can be, and most of what ReLU gives here."""
    low, high = act.range
    return np.linspace(low, min(high, 2.0), BINS + 1)


@one_blas_thread()
def _look(net, theta, edges):
    Z, A = net.forward(theta, _digits()[1].X[:SHOWN])
    means = per_layer(_mean, A[1:-1]).T
    slopes = per_layer(_mean, map(net.acts[0].df, Z[:-1])).T  # one after the other: less memory
    return means, slopes, np.stack([_shares(a, edges) for a in A[1:-1]])


def _mean(a):
    return a.mean((-2, -1))


def _shares(a, edges):
    """Share of the numbers in each bin; those beyond the ends count in the last ones."""
    low, high = edges[[0, -1]]
    place = np.clip((a.ravel() - low) * (BINS / (high - low)), 0, BINS - 1).astype(int)
    return np.bincount(place, minlength=BINS) / a.size


class TopLayer(NamedTuple):
    """One frame of `Layers`.

    step, layer  which; layer counts from 1, `top` of them are hidden
    means        (top, nets) mean activation of every hidden layer
    shares       (BINS,) histogram of the chosen layer
    slope        its mean slope f'(z), over all nets
    """

    film: Layers
    step: int
    layer: int
    means: np.ndarray
    shares: np.ndarray
    slope: float


def compute_top_layer(*, record, frame=-1, layer=4):
    """Look at a frame of `Layers`: 0 is the start, -1 the end.

    layer  whose histogram is wanted, 1 to 6; the top one if the net has fewer
    """
    frame = whole("frame", frame, -1, len(record.steps) - 1)
    layer = min(whole("layer", layer, *LAYERS), record.means.shape[1])
    return TopLayer(
        record, int(record.steps[frame]), layer, record.means[frame],
        record.shares[frame, layer - 1], record.slopes[frame, layer - 1].mean(),
    )  # fmt: skip


def build_top_layer(fig):
    """Left: mean activation of every layer over the steps. Right: histogram of one layer."""
    means, one = fig.subplots(1, 2, width_ratios=(1.5, 1))
    means.set(xlim=(-0.01 * STEPS, 1.02 * STEPS), xlabel="step of gradient descent")
    means.set_title(f"mean activation of every layer ({NETS} nets: median, range)")
    one.set(xlabel="activation", ylabel="share", ylim=(0, 1.08), title="layer")
    one.xaxis.set_major_locator(MaxNLocator(4))
    dots = {**style.MEASURED, "markersize": 4, "animated": True}
    return {
        "film": None, "means": means, "one": one, "curves": [],
        "now": means.axvline(0, color=style.INK, lw=1, animated=True),
        "dots": means.plot([], [], color=style.INK, **dots)[0],
        "shares": one.stairs(np.zeros(BINS), np.arange(BINS + 1), fill=True, animated=True),
        "which": style.beside_title(one, 0.185),
    }  # fmt: skip


def draw_top_layer(artists, result):
    """Move everything; True after a new training, whose curves stand still."""
    new = _new_film(artists, result.film)
    dots = result.means[result.layer - 1]
    artists["now"].set_xdata([result.step, result.step])
    artists["dots"].set_data(np.full(dots.shape, result.step), dots)
    artists["shares"].set_data(result.shares)
    artists["shares"].set_color(_color(result.layer, len(result.means)))
    artists["which"].set_text(f"{result.layer} after step {result.step}")
    return new


def _color(layer, top):
    return TOP_COLOR if layer == top else LAYER_COLORS[layer - 1]


def _new_film(artists, film):
    if artists["film"] is film:
        return False
    artists["film"] = film
    for artist in artists["curves"]:
        artist.remove()
    ax, top = artists["means"], film.means.shape[1]
    colors = [_color(k, top) for k in range(1, top + 1)]
    _set_limits(ax, film)
    artists["curves"] = [
        part for k, color in enumerate(colors) for part in _curve(ax, film, k, color)
    ] + style.direct_labels(
        ax, [f"layer {k}" for k in range(1, top + 1)], np.median(film.means[-1], -1), colors
    )
    artists["shares"].set_data(np.zeros(BINS), film.edges)
    artists["one"].set_xlim(film.edges[[0, -1]])
    return True


def _set_limits(ax, film):
    low, high = film.net.acts[0].range
    if not np.isfinite(high):
        high = max(1.0, 1.1 * film.means.max())
    elif low < 0:
        low, high = -0.5, 0.5
    ax.set_ylim(low, high)


def _curve(ax, film, k, color):
    low, middle, high = (f(film.means[:, k], -1) for f in (np.min, np.median, np.max))
    (line,) = ax.plot(film.steps, middle, color=color)
    return line, ax.fill_between(film.steps, low, high, **style.band(color))


def describe_top_layer(result):
    """The figure in words."""
    net, top = result.film.net, len(result.means)
    layers = ", ".join(
        f"layer {k} {_three(means)}" for k, means in enumerate(result.means, start=1)
    )
    return (
        f"{NETS} nets of {top} x {net.sizes[1]} hidden {net.acts[0].name} units learn digits. "
        f"Mean activation after step {result.step} (median of the nets, range): {layers}. The mean "
        f"slope of layer {result.layer} is {result.slope:.3f}. After step {result.film.steps[-1]} "
        f"{_percent(result.film.right)} of the test digits are right. {result.film.message}"
    ).strip()


def _three(values):
    """Median and range."""
    low, middle, high = np.min(values), np.median(values), np.max(values)
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def _percent(rates):
    low, middle, high = 100 * np.min(rates), 100 * np.median(rates), 100 * np.max(rates)
    return f"{middle:.0f} % ({low:.0f} to {high:.0f})"


def top_layer(
    activation="sigmoid", layers=4, width=100, lr=0.5, seed=0, layer=4, frame=None
):  # fmt: skip
    """Train 20 nets on digits and replay it; arguments as for the record and compute."""
    return live(
        compute_top_layer,
        build_top_layer,
        draw_top_layer,
        describe_top_layer,
        controls={"layer": number(layer, *LAYERS, 1, "layer of the histogram")},
        call="rescue.top_layer",
        record=record_top_layer,
        slow={
            "activation": choice(activation, list(UNITS), "activation"),
            "layers": number(layers, *LAYERS, 1, "hidden layers"),
            "width": number(width, *WIDTHS, 10, "units per layer"),
            "lr": number(lr, *TOP_RATES, 0.1, "learning rate", log=True),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        frames=lambda film: len(film.steps),
        frame=frame,
        button="Train",
    )


# --- Rescue of the deep sigmoid net -------------------------------------------------------------

DEPTHS, GAINS, COMPENSATIONS, RATES = (2, 20), (1.0, 4.0), (0.0, 1.0), (0.03, 1.0)
KINDS = ("sigmoid", "batch normalisation", "tanh")
HIDDEN = 64  # units of a hidden layer
MEMBERS, RESCUE_STEPS, RESCUE_BATCH = 8, 300, 32
LOOKS = np.arange(0, RESCUE_STEPS + 1, 25)  # steps at which the right answers are counted
KNOWN = 300  # training digits that batch normalisation has its fixed means and deviations from
PROFILED = 10  # digits that the gradient at the start is taken of
FLOOR, CEILING = -13.0, 1.0  # decades of the drawn gradient
KIND_COLORS = {"sigmoid": style.ORANGE, "batch normalisation": style.BLUE, "tanh": TOP_COLOR}


class Start(NamedTuple):
    """Nets as they start: a kind of net, and how its weights are drawn.

    kind          "sigmoid", "batch normalisation" (of sigmoid units) or "tanh"
    depth         hidden layers, 2 to 20, of 64 units
    gain          factor of the sigmoid's weights, 1 to 4 (4: those that make it a tanh net)
    compensation  share of the sum of a unit's weights, times gain / 2, taken off its bias, 0 to 1
    seed          of the weights, 0 to 99; 8 nets
    """

    kind: str = "sigmoid"
    depth: int = 10
    gain: float = 4.0
    compensation: float = 1.0
    seed: int = 0

    def check(self):
        """The same, or ValueError or TypeError in words."""
        return Start(
            one_of("kind", self.kind, KINDS),
            whole("depth", self.depth, *DEPTHS),
            real("gain", self.gain, *GAINS),
            real("compensation", self.compensation, *COMPENSATIONS),
            whole("seed", self.seed, *SEEDS),
        )

    @property
    def net(self):
        """Architecture."""
        sizes = (PIXELS, *[HIDDEN] * self.depth, CLASSES)
        make = BatchNormNet if self.kind == "batch normalisation" else Net
        return make(sizes, "tanh" if self.kind == "tanh" else "sigmoid")

    @property
    def layers(self):
        """[(W, b), ...] of the 8 nets; those of the tanh nets, and what each kind makes of them."""
        first, *hidden, last = _drawn(self.seed)
        layers = [first, *hidden[: self.depth - 1], last]
        if self.kind == "sigmoid":
            return sigmoid_image(layers, self.gain, self.compensation)
        if self.kind == "batch normalisation":
            return [(W, _GAMMA_BETA) for W, _ in layers[:-1]] + layers[-1:]
        return layers

    def __str__(self):
        if self.kind == "sigmoid":
            return (
                f"{self.depth} layers, gain {self.gain:g}, compensation {self.compensation:g}"
            )
        return f"{self.depth} layers, {self.kind}"


_GAMMA_BETA = np.stack([np.ones(HIDDEN), np.zeros(HIDDEN)])


@lru_cache(maxsize=2)
def _drawn(seed):
    """Layers of 8 tanh nets with LeCun's init and as many layers as there may be; cut to depth."""
    net = Net((PIXELS, *[HIDDEN] * DEPTHS[1], CLASSES), "tanh")
    return net.layers(net.init(_rng(seed, 2), "lecun", lead=(MEMBERS,)))


class Trained(NamedTuple):
    """What training made of the nets of a `Start`.

    steps (looks,), right (looks, MEMBERS) share of the test digits that are right after so many
    """

    start: Start
    lr: float
    steps: np.ndarray
    right: np.ndarray
    message: str


def record_rescue(
    *, kind="sigmoid", depth=10, gain=4.0, compensation=1.0, lr=0.3, seed=0
):  # fmt: skip
    """Generator: train 8 nets on standardised digits, yield the progress, return `Trained`.

    lr  learning rate, 0.03 to 1; 300 steps on batches of 32. The others as for `Start`.
    """
    start = Start(kind, depth, gain, compensation, seed).check()
    net, (train, _) = start.net, _standardised()
    run = yield from training(
        net, net.pack(start.layers), *train[:2], SOFTMAX, steps=RESCUE_STEPS, batch=RESCUE_BATCH,
        rng=_rng(seed, 1), optimizer=SGD(real("lr", lr, *RATES)), record=LOOKS,
        keep=lambda theta: [held_out_accuracy(net, one) for one in theta],  # not much memory
    )  # fmt: skip
    return Trained(start, lr, run.frames, np.array(run.thetas), run.message)


@one_blas_thread()
def held_out_accuracy(net, theta):
    """Share of right answers on the 397 test digits, (*lead,).

    Batch normalisation uses the means and deviations of KNOWN training digits.
    """
    train, test = _standardised()
    if isinstance(net, BatchNormNet):
        net, theta = net.plain, net.folded(theta, train.X[:KNOWN])
    return accuracy(net.output(theta, test.X), test.Y)


class Rescue(NamedTuple):
    """The gradient at the start, and the training that was made last.

    profile     (MEMBERS, depth) log10 of |d loss / d z| of a hidden layer over that of the last
                one; z is what the activation takes, behind a normalisation if there is one
    theory      (depth,) what wide nets have, usual and tanh the same for these two
    difference  largest difference between the outputs of these nets and of the tanh nets
    trained     `Trained`, or None
    """

    start: Start
    profile: np.ndarray
    theory: np.ndarray
    usual: np.ndarray
    tanh: np.ndarray
    difference: float
    trained: Trained | None


def compute_rescue(
    *, record=None, kind="sigmoid", depth=10, gain=4.0, compensation=1.0
):  # fmt: skip
    """The gradient in nets as they start; arguments as for `Start`, record a `Trained`.

    The seed is that of the record, 0 if there is none.
    """
    seed = record.start.seed if record else 0
    start = Start(kind, depth, gain, compensation, seed).check()
    profile, outputs = _profile(start)
    tanh = _tanh_outputs(start.depth, seed)
    return Rescue(
        start, profile, gradient_theory(start._replace(seed=0)),
        gradient_theory(Start("sigmoid", start.depth, 1.0, 0.0)),
        gradient_theory(Start("tanh", start.depth)),
        np.abs(outputs[:, :PROFILED] - tanh).max(), record,
    )  # fmt: skip


@lru_cache(maxsize=32)
def _tanh_outputs(depth, seed):
    return _profile(Start("tanh", depth, seed=seed))[1]


@one_blas_thread()
def _profile(start):
    """log10 of the gradient in every hidden layer over the last one, and the outputs."""
    normalised = start.kind == "batch normalisation"  # its gradient depends on the batch: the usual
    count = RESCUE_BATCH if normalised else PROFILED
    X, Y = (array[:count] for array in _standardised()[0][:2])
    layers, acts = start.layers, start.net.acts
    dfs = [act.df for act in acts]
    if normalised:
        passed = batch_norm.forward(layers, acts, X)
        _, dZ = batch_norm.deltas(layers, dfs, passed, passed.Z, SOFTMAX(passed.A[-1], Y)[1])
    else:
        passed = network.forward(layers, acts, X)
        dZ = network.deltas(layers, dfs, passed.Z, SOFTMAX(passed.A[-1], Y)[1])
    sizes = np.log10(per_layer(norm, dZ[:-1]))
    return sizes - sizes[:, -1:], passed.A[-1]


@lru_cache(maxsize=256)
def gradient_theory(start):
    """log10 of the gradient norm in every hidden layer over the last one, in wide nets: (depth,).

    A bias that takes off compensation / 2 times the sum of the incoming weights is a unit that
    gives sigmoid(z) - compensation / 2. The digits have mean square 1; sigmoid nets see gain / 2
    times the first weights.
    """
    if start.kind == "batch normalisation":
        return np.arange(start.depth)[::-1] * np.log10(batch_norm_factor("sigmoid")) / 2
    if start.kind == "tanh":
        return signal("tanh", 1.0, 0.0, start.depth).log10_gradient
    act = _lowered(start.compensation)
    return signal(act, start.gain, 0.0, start.depth, inputs=1 / 4).log10_gradient


@lru_cache(maxsize=64)
def _lowered(compensation):
    """The unit sigmoid(z) - compensation / 2."""
    low = -compensation / 2
    return Activation(
        "lowered", r"\sigma(z) - c/2", lambda z: SIGMOID.f(z) + low, SIGMOID.df, (low, 1 + low), ""
    )


def build_rescue(fig):
    """Left: the gradient in every layer. Right: right answers during training."""
    left, right = fig.subplots(1, 2, width_ratios=(1.15, 1))
    return _build_profile(left) | _build_training(right)


def _build_profile(ax):
    ax.set(xlim=(0, DEPTHS[1] + 1), ylim=(FLOOR, CEILING), xlabel="hidden layer")
    ax.set(xticks=(1, 5, 10, 15, 20), yticks=(0, -2, -4, -6, -8, -10, -12))
    ax.yaxis.set_major_formatter(lambda y, _: f"$10^{{{y:.0f}}}$")
    ax.set_title("gradient of a layer / of the last one, at the start")
    dots = {**style.MEASURED, "markersize": 4, "color": style.GREY, "zorder": 3}
    looks = {
        "dots": {**dots, "label": f"{MEMBERS} nets"},
        "theory": {**style.THEORY, "label": "theory for these nets"},
        "tanh": {**style.look("tanh"), "linestyle": (0, (5, 2)), "label": "tanh"},
        "usual": {**style.look("sigmoid"), "linestyle": (0, (1.2, 1.6)), "label": "usual sigmoid"},
    }
    artists = {name: ax.plot([], [], animated=True, **look)[0] for name, look in looks.items()}
    ax.legend(handles=list(artists.values()), loc="lower right")
    return artists


def _build_training(ax):
    ax.set(xlim=(0, 1.04 * RESCUE_STEPS), ylim=(0, 1.02), xlabel="step of gradient descent")
    ax.set_yticks([0, 0.1, 0.5, 1], ["0", "10 %", "50 %", "100 %"])
    ax.axhline(0.1, color=style.GREY, lw=1, ls=(0, (2, 2)))
    dots = {**style.MEASURED, "markersize": 5}
    return {
        "ax": ax, "trained": None, "note": ax.set_title("right answers on test digits\n "),
        "band": ax.fill_between([0, 1], [0, 0], [0, 0]),
        "median": ax.plot([], [])[0],
        "ends": ax.plot([], [], **dots)[0],
        "stale": ax.text(
            0.5, 0.3, "Press Train to train\nthe nets on the left.", ha="center",
            transform=ax.transAxes, animated=True,
            bbox={"facecolor": "white", "edgecolor": style.GREY, "boxstyle": "round"},
        ),
    }  # fmt: skip


def draw_rescue(artists, result):
    """Move everything; True after a new training, whose curves stand still."""
    layers = np.arange(1, result.start.depth + 1)
    for name in ("theory", "usual", "tanh"):
        artists[name].set_data(layers, np.clip(getattr(result, name), FLOOR, CEILING))
    dots = np.clip(result.profile, FLOOR, CEILING)
    artists["dots"].set_data(np.tile(layers, MEMBERS), dots.ravel())
    artists["dots"].set_color(KIND_COLORS[result.start.kind])
    artists["stale"].set_visible(not _is_trained(result))
    return _new_training(artists, result.trained)


def _is_trained(result):
    return result.trained is not None and result.trained.start == result.start


def _new_training(artists, trained):
    if trained is None or artists["trained"] is trained:
        return False
    artists["trained"] = trained
    color, right = KIND_COLORS[trained.start.kind], trained.right
    artists["note"].set_text(f"right answers on test digits, lr {trained.lr:g}\n{trained.start}")
    artists["median"].set(data=(trained.steps, np.median(right, -1)), color=color)
    artists["band"].set_data(trained.steps, right.min(-1), right.max(-1))
    artists["band"].set(**style.band(color))
    artists["ends"].set(data=(np.full(MEMBERS, trained.steps[-1]), right[-1]), color=color)
    return True


def describe_rescue(result):
    """The figure in words."""
    start, first = result.start, 10.0 ** result.profile[:, 0]
    same = ""
    if start.kind == "sigmoid":
        far = result.difference
        gap = "less than 1e-12" if far < 1e-12 else f"up to {far:.2g}"
        same = f" Their outputs differ from those of the tanh nets by {gap}."
    return (
        f"{MEMBERS} nets ({start}) of {HIDDEN} units a layer. At the start the gradient in the "
        f"first layer is {np.median(first):.2g} of that in the last hidden layer "
        f"({first.min():.2g} to {first.max():.2g}); theory says {10 ** result.theory[0]:.2g}, for "
        f"a usual sigmoid net {10 ** result.usual[0]:.2g}, for tanh {10 ** result.tanh[0]:.2g}."
        f"{same} {_trained_in_words(result)}"
    )


def _trained_in_words(result):
    trained = result.trained
    ask = "" if _is_trained(result) else " Press Train to train the nets that are shown."
    if trained is None:
        return ask.strip()
    return (
        f"Trained ({trained.start}, learning rate {trained.lr:g}): after step {trained.steps[-1]} "
        f"{_percent(trained.right[-1])} of the test digits are right. {trained.message}".strip()
        + ask
    )


def rescue(kind="sigmoid", depth=10, gain=4.0, compensation=1.0, lr=0.3, seed=0):
    """Show the gradient of deep nets at once, train them on click; arguments as for the record.

    Train uses the nets that are shown: the sliders of the figure, with the learning rate.
    """
    opening = {"kind": kind, "depth": depth, "gain": gain, "compensation": compensation}
    figure = None

    def train_what_is_shown(lr, seed):
        shown = opening if figure is None else {name: figure.values[name] for name in opening}
        return record_rescue(**shown, lr=lr, seed=seed)

    for_sigmoid = {"kind": ["sigmoid"]}
    figure = live(
        compute_rescue,
        build_rescue,
        draw_rescue,
        describe_rescue,
        controls={
            "kind": choice(
                kind, {"sigmoid": "sigmoid", "sigmoid + batch normalisation": KINDS[1],
                       "tanh": "tanh"}, "units",
            ),
            "depth": number(depth, *DEPTHS, 1, "hidden layers"),
            "gain": number(gain, *GAINS, 0.1, "gain of the weights", when=for_sigmoid),
            "compensation": number(
                compensation, *COMPENSATIONS, 0.05, "compensation", when=for_sigmoid
            ),
        },
        call="rescue.rescue",
        record=train_what_is_shown,
        slow={
            "lr": number(lr, *RATES, 0.1, "learning rate", log=True),
            "seed": number(seed, *SEEDS, 1, "seed"),
        },
        button="Train",
    )  # fmt: skip
    return figure
