"""A toy GAN: what a leak in the discriminator does for the samples of the generator.

ring  eight small clouds on a ring are to be imitated. The generator has ReLU units, and learns from
      nothing but the gradient of the discriminator with respect to its samples. A discriminator of
      ReLU units is flat in a part of the plane; one of leaky units nowhere

Sources: Goodfellow et al., Generative adversarial nets (NIPS 2014, arXiv:1406.2661), algorithm 1
and, for the generator's loss, the end of section 3; Radford, Metz & Chintala, Unsupervised
representation learning with deep convolutional generative adversarial networks (ICLR 2016,
arXiv:1511.06434), section 3 for the advice: ReLU and batch normalisation in the generator, leaky
ReLU in the discriminator; section 4 for the slope 0.2 and beta1 of Adam.
"""

from math import sqrt
from time import perf_counter
from typing import NamedTuple

import numpy as np
from matplotlib.colors import ListedColormap

from helpers import style
from helpers.activations import RELU, leaky_relu
from helpers.batch_norm import BatchNormNet
from helpers.checks import one_of, real, truth, whole
from helpers.live import choice, live, number, toggle
from helpers.losses import LOGISTIC
from helpers.mean_field import relu_death
from helpers.network import Net
from helpers.threads import one_blas_thread
from helpers.training import CHUNK_SECONDS, Adam

UNITS, LAYERS, RATES, SEEDS = ("4", "8", "16", "32"), (1, 3), (0.001, 0.03), (0, 99)
KINDS = {"ReLU": RELU, "leaky": leaky_relu(0.2)}  # of the discriminator
NETS, STEPS, EVERY, BATCH, SHOWN = 8, 1000, 20, 64, 256  # EVERY: steps between two frames
NOISE, HIDDEN = 2, (32, 32)  # inputs and hidden units of the generator

MODES, RADIUS, SPREAD = 8, 2.0, 0.1
ANGLES = 2 * np.pi * np.arange(MODES) / MODES
CENTRES = RADIUS * np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])
NEAR = 3 * SPREAD  # of its centre: a sample counts as on the mode; 99 % of the true ones are
FOUND = SHOWN // MODES // 4  # samples on a mode that is found: a quarter of its due

FRESH, PROBES = 4000, 8  # untrained discriminators, and the samples that each of them judges


def clouds(rng, shape):
    """True examples (*shape, 2): one of the eight centres, plus noise of standard deviation 0.1."""
    return CENTRES[rng.integers(0, MODES, shape)] + SPREAD * rng.standard_normal((*shape, 2))


# --- The game -----------------------------------------------------------------------------------


def input_gradient(net, theta, Z, dA):
    """d loss / d X (..., batch, inputs), from Z of the forward pass and dA = d loss / d output."""
    W, _ = net.layers(theta)[0]
    return net.deltas(theta, Z, dA)[0] @ W.mT


def zero_gradient(net, theta, X):
    """Which of the points X (..., batch, 2) the net's output is exactly flat at: (..., batch)."""
    passed = net.forward(theta, X)
    return (input_gradient(net, theta, passed.Z, np.ones_like(passed.A[-1])) == 0).all(-1)


def discriminator_gradient(D, d, true, fakes):
    """Gradient (..., P) of the logistic loss, true examples labelled 1 and fakes 0."""
    passed = D.forward(d, np.concatenate([true, fakes], axis=-2))
    labels = np.repeat([1.0, 0.0], [true.shape[-2], fakes.shape[-2]])[:, None]
    return D.backward(d, passed, LOGISTIC(passed.A[-1], labels)[1])


def generator_gradient(G, g, made, D, d):
    """Gradient (..., P) of the mean of -log D(fake), through the discriminator.

    made  the forward pass of the generator, whose output are the fakes
    """
    judged = D.forward(d, made.A[-1])
    _, dA = LOGISTIC(judged.A[-1], np.ones_like(judged.A[-1]))
    return G.backward(g, made, input_gradient(D, d, judged.Z, dA))


class _Game:
    """NETS pairs of a generator and a discriminator that are trained side by side."""

    def __init__(self, G, g, D, d, lr):
        self.G, self.g, self.D, self.d = G, g.copy(), D, d.copy()
        self.update_g, self.update_d = (Adam(lr, beta1=0.5).start(x) for x in (self.g, self.d))

    def step(self, true, noise):
        """One step of the discriminator, then one of the generator, with the same fakes."""
        made = self.G.forward(self.g, noise)
        self.update_d(discriminator_gradient(self.D, self.d, true, made.A[-1]))
        self.update_g(generator_gradient(self.G, self.g, made, self.D, self.d))

    def look(self, noise):
        """(theta of D, fakes, zero, modes, share) as in `Side`, of this moment."""
        fakes = self.G.output(self.g, noise)
        on = np.linalg.norm(fakes[..., None, :] - CENTRES, axis=-1) < NEAR
        modes, share = (on.sum(-2) >= FOUND).sum(-1), on.any(-1).mean(-1)
        return self.d.copy(), fakes, zero_gradient(self.D, self.d, fakes), modes, share


# --- The record ---------------------------------------------------------------------------------


class Side(NamedTuple):
    """What became of the NETS pairs with one kind of discriminator.

    net     of the discriminator; thetas (frames, NETS, P)
    fakes   (frames, NETS, SHOWN, 2) samples from the same noise every time
    zero    (frames, NETS, SHOWN) at which of them the discriminator is exactly flat
    modes   (frames, NETS) how many of the eight are found; share of the samples on one of them
    """

    net: Net
    thetas: np.ndarray
    fakes: np.ndarray
    zero: np.ndarray
    modes: np.ndarray
    share: np.ndarray


class Film(NamedTuple):
    """A recorded game.

    units, layers  hidden ones of the discriminator; normalised: the generator's
    steps          (frames,); sides {"ReLU": Side, "leaky": Side}, from the same starts
    theory         share of samples without gradient at the start, 1 - (1 - 2^-units)^layers
    fresh, error   the same measured on FRESH untrained discriminators, and its standard error
    """

    units: int
    layers: int
    normalised: bool
    steps: np.ndarray
    sides: dict
    theory: float
    fresh: float
    error: float
    message: str


def record_ring(*, units="8", layers=2, normalised=False, lr=0.01, seed=3):
    """Generator: train 8 pairs with either discriminator, yield the progress, return `Film`.

    units       "4", "8", "16" or "32" in each of the 1 to 3 hidden `layers` of the discriminator
    normalised  whether the generator 2-32-32-2 has batch normalisation
    lr          learning rate of both, 0.001 to 0.03 (Adam); 1000 steps, batches of 64
    seed        0 to 99, of weights (He), examples and noise. Both kinds share all of them

    Sent "stop", it returns what there is.
    """
    N, L = int(one_of("units", units, UNITS)), whole("layers", layers, *LAYERS)
    normalised, lr = truth("normalised", normalised), real("lr", lr, *RATES)
    G = (BatchNormNet if normalised else Net)((NOISE, *HIDDEN, 2), RELU)
    nets = {kind: Net((2, *[N] * L, 1), act) for kind, act in KINDS.items()}
    g = G.init(_rng(seed, 0), "he", lead=(NETS,))
    d = nets["ReLU"].init(_rng(seed, 1), "he", lead=(NETS,))  # both kinds start with these numbers
    games = {kind: _Game(G, g, D, d, lr) for kind, D in nets.items()}
    steps, looks, message = yield from _play(games, seed)
    sides = {kind: Side(nets[kind], *map(np.stack, zip(*looks[kind], strict=True)))
             for kind in KINDS}  # fmt: skip
    fresh = untrained(_rng(seed, 4), N, L, sides["ReLU"].fakes[0, :, :PROBES])
    return Film(N, L, normalised, steps, sides, relu_death(N, L), *fresh, message)


def _rng(seed, stream):
    return np.random.default_rng([whole("seed", seed, *SEEDS), stream])


def _play(games, seed):
    """Generator: (steps, {kind: looks}, message), with the progress about every 50 ms."""
    data, noise = _rng(seed, 2), _rng(seed, 3).standard_normal((SHOWN, NOISE))
    looks = {kind: [game.look(noise)] for kind, game in games.items()}
    frames, step = [0], 0
    while step < STEPS:
        with one_blas_thread():  # once, and not in every pass
            pause = perf_counter() + CHUNK_SECONDS
            while step < STEPS and perf_counter() < pause:
                _step(games, data)
                step += 1
                if step % EVERY == 0:
                    frames.append(step)
                    for kind, game in games.items():
                        looks[kind].append(game.look(noise))
        if step < STEPS and (yield step / STEPS) == "stop":
            return np.array(frames), looks, f"Stopped by hand after {step} steps."
    return np.array(frames), looks, ""


def _step(games, rng):
    """One step of all games with the same examples and noise."""
    true, noise = clouds(rng, (NETS, BATCH)), rng.standard_normal((NETS, BATCH, NOISE))
    for game in games.values():
        game.step(true, noise)


@one_blas_thread()
def untrained(rng, units, layers, X, nets=FRESH):
    """(share, error): of the points X (k, points, 2) where an untrained ReLU net is exactly flat.

    nets  how many nets 2-units-...-1 (He, no biases) are drawn: a k-th of them for every X[k]
    The standard error counts nets, not points: the points of a net are not independent.
    """
    D, each = Net((2, *[units] * layers, 1), RELU), []
    for points in X:
        d = D.init(rng, "he", lead=(nets // len(X),))
        each.append(zero_gradient(D, d, points).mean(-1))
    each = np.concatenate(each)
    return each.mean(), each.std() / sqrt(each.size)


# --- One look -----------------------------------------------------------------------------------

EDGE, GRID = 4.0, 80  # of the picture: from -EDGE to EDGE, in so many cells
_CELLS = (np.arange(GRID) + 0.5) * (2 * EDGE / GRID) - EDGE
PLANE = np.stack(np.meshgrid(_CELLS, _CELLS), axis=-1).reshape(-1, 2)


class Ring(NamedTuple):
    """One frame of a `Film`, and one of its pairs of nets.

    frame, net  which; net counts from 1
    flat        (GRID, GRID) where the ReLU discriminator has no gradient; rows from below
    """

    film: Film
    frame: int
    net: int
    flat: np.ndarray

    @property
    def step(self):
        """Steps of training so far."""
        return int(self.film.steps[self.frame])


def compute_ring(*, record, frame=-1, net=3):
    """Look at a `Film`: frame 0 is the start, -1 the end; net 1 to 8."""
    frame = whole("frame", frame, -1, len(record.steps) - 1) % len(record.steps)
    net, side = whole("net", net, 1, NETS), record.sides["ReLU"]
    flat = zero_gradient(side.net, side.thetas[frame, net - 1], PLANE)
    return Ring(record, frame, net, flat.reshape(GRID, GRID))


# --- The picture --------------------------------------------------------------------------------

FLOOR = 2e-4  # of the axis with decades; 0 is drawn there
_MOVING = {"animated": True}
_STUCK = {"marker": "x", "ms": 5, "mew": 1.4, "ls": "none", "color": style.VERMILLION}
_FAKE = {"marker": "o", "ms": 3.6, "mew": 0, "ls": "none", "alpha": 0.75}
_TINT = ListedColormap([(1, 1, 1, 0), (0, 0, 0, 0.16)])
_COLORS = {"ReLU": style.BLUE, "leaky": style.readable(style.SKY, 3)}


def build_ring(fig):
    """Fakes with the ReLU discriminator, with the leaky one, and samples without gradient."""
    *planes, share = fig.subplots(1, 3, width_ratios=(1, 1, 1.05))
    sides = {kind: _build_plane(ax, kind) for kind, ax in zip(KINDS, planes, strict=True)}
    planes[0].set_xlabel("grey, ×: exactly no gradient")
    planes[1].set_xlabel("circles: the eight modes")
    flat = planes[0].imshow(
        np.zeros((GRID, GRID)), cmap=_TINT, vmin=0, vmax=1, origin="lower", zorder=0,
        extent=(-EDGE, EDGE, -EDGE, EDGE), interpolation="nearest", **_MOVING,
    )  # fmt: skip
    share.set_yscale("log")
    share.set(xlim=(-0.03 * STEPS, STEPS), ylim=(FLOOR * 0.7, 1.3), xlabel="step")
    share.set_yticks((FLOOR, 1e-3, 1e-2, 1e-1, 1), ("0", "0.1%", "1%", "10%", "100%"))
    share.minorticks_off()
    share.set_title("fakes without gradient")
    share.set_box_aspect(1)  # as high as the others
    return {
        "film": None, "share": share, "curves": [], "sides": sides, "flat": flat,
        "now": share.axvline(0, color=style.GREY, lw=1, **_MOVING),
        "dots": {kind: share.plot([], [], **style.MEASURED, color=_COLORS[kind], **_MOVING)[0]
                 for kind in KINDS},
    }  # fmt: skip


def _build_plane(ax, kind):
    ax.set(xlim=(-EDGE, EDGE), ylim=(-EDGE, EDGE), aspect="equal", xticks=(), yticks=())
    ax.spines[:].set_visible(True)
    ax.set_title(f"D {kind}:")
    turn = np.linspace(0, 2 * np.pi, 40)
    circle = NEAR * np.column_stack([np.cos(turn), np.sin(turn)])
    for centre in CENTRES:
        ax.plot(*(centre + circle).T, color=style.INK, lw=1)
    return {
        "fakes": ax.plot([], [], **_FAKE, color=_COLORS[kind], **_MOVING)[0],
        "stuck": ax.plot([], [], **_STUCK, **_MOVING)[0],
        "found": style.beside_title(ax, 0.43),
    }


def draw_ring(artists, result):
    """Move everything; True after a new training, whose curves stand still."""
    a, r, film, net = artists, result, result.film, result.net - 1
    new = a["film"] is not film
    if new:
        _draw_curves(a, film)
    for kind, side in film.sides.items():
        parts, zero = a["sides"][kind], side.zero[r.frame, net]
        parts["fakes"].set_data(*side.fakes[r.frame, net, ~zero].T)
        parts["stuck"].set_data(*side.fakes[r.frame, net, zero].T)
        parts["found"].set_text(f"{side.modes[r.frame, net]} of 8 modes")
        a["dots"][kind].set_data([r.step], [max(zero.mean(), FLOOR)])
    a["flat"].set_data(r.flat)
    a["now"].set_xdata([r.step, r.step])
    return new


def _draw_curves(artists, film):
    """What stands still: shares over the steps, and theory."""
    while artists["curves"]:
        artists["curves"].pop().remove()
    ax, theory = artists["share"], max(film.theory, FLOOR)
    low, fresh, high = np.maximum(film.fresh + film.error * np.array([-2, 0, 2]), FLOOR)
    means = {kind: np.maximum(side.zero.mean((1, 2)), FLOOR) for kind, side in film.sides.items()}
    artists["film"], artists["curves"] = film, [
        *ax.plot([0, STEPS], [theory, theory], **style.THEORY),
        *ax.plot([0, 0], [low, high], color=style.INK, lw=2),
        *ax.plot([0], [fresh], **style.MEASURED | {"color": style.INK, "zorder": 3}),
        _range(ax, film),
        *(ax.plot(film.steps, mean, **style.look(_LOOKS[kind]))[0] for kind, mean in means.items()),
        *style.direct_labels(ax, ["theory", "ReLU", "leaky"],
                             [theory, means["ReLU"][-1], FLOOR],
                             [style.INK, _COLORS["ReLU"], _COLORS["leaky"]]),
    ]  # fmt: skip


_LOOKS = {"ReLU": "relu", "leaky": "leaky_relu"}


def _range(ax, film):
    shares = np.maximum(film.sides["ReLU"].zero.mean(-1), FLOOR)
    return ax.fill_between(film.steps, shares.min(-1), shares.max(-1), **style.band(style.BLUE))


def describe_ring(result):
    """The figure in words."""
    r, film = result, result.film
    bn = ", batch normalisation" if film.normalised else ""
    D = f"{film.layers} x {film.units}"
    each = " ".join(_side_in_words(r, kind) for kind in film.sides)
    return (
        f"{NETS} generators 2-32-32-2 (ReLU{bn}) against discriminators with {D} hidden units. "
        f"Samples at which an untrained ReLU discriminator is exactly flat: theory "
        f"{_percent(film.theory)}, {FRESH} nets {_percent(film.fresh)} (standard error "
        f"{_percent(film.error)}). Step {r.step}, net {r.net}: {each} {film.message}"
    ).strip()


def _side_in_words(r, kind):
    side, t, k = r.film.sides[kind], r.frame, r.net - 1
    zero = side.zero[t].mean(-1)
    return (
        f"{kind}: {_percent(zero[k])} of its fakes without gradient (all nets: mean "
        f"{_percent(zero.mean())}, up to {_percent(zero.max())}), {side.modes[t, k]} of 8 modes "
        f"found (all nets: {_spread(side.modes[t])}), {_percent(side.share[t, k])} of its fakes on "
        f"a mode (all nets: {_spread(100 * side.share[t])} %)."
    )


def _percent(share):
    return f"{100 * share:.2g} %" if share < 0.995 else "100 %"


def _spread(values):
    """Mean and standard deviation over the nets."""
    return f"{np.mean(values):.2g} ± {np.std(values, ddof=1):.2g}"


def ring(units="8", layers=2, normalised=False, lr=0.01, seed=3, net=3, frame=4):
    """Train and replay the toy GAN; arguments as for `record_ring` and `compute_ring`."""
    return live(
        compute_ring, build_ring, draw_ring, describe_ring,
        record=record_ring,
        slow={
            "layers": number(layers, *LAYERS, 1, "layers L of D"),
            "lr": number(lr, *RATES, 0.25, "learning rate", log=True),
            "seed": number(seed, *SEEDS, 1, "seed"),
            "units": choice(units, list(UNITS), "units N of D"),
            "normalised": toggle(normalised, "batch normalisation in G"),
        },
        controls={"net": number(net, 1, NETS, 1, "pair of nets")},
        call="gan.ring", size=(8.4, 3.3), frames=lambda film: len(film.steps),
        frame=frame, button="Train",
    )  # fmt: skip
