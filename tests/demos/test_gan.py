"""The toy GAN: its gradients, where they vanish, what is recorded and what is drawn.

Experiments with the claims of the catalogue are in tests/results/test_gan_results.py.
"""

import math
from itertools import product

import numpy as np
import pytest

from helpers.activations import leaky_relu
from helpers.batch_norm import BatchNormNet
from helpers.demos import gan
from helpers.demos.gan import compute_ring, describe_ring, record_ring, zero_gradient
from helpers.live import LiveFigure
from helpers.losses import LOGISTIC
from helpers.network import Net
from helpers.training import Adam, finish

SEED = 2600
KINDS = {"relu": "relu", "leaky": leaky_relu(0.2)}


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


@pytest.fixture
def quick(monkeypatch):
    """Short games, for tests of the figure."""
    monkeypatch.setattr(gan, "STEPS", 60)
    monkeypatch.setattr(gan, "FRESH", 200)


@pytest.fixture(scope="module")
def film():
    return finish(record_ring(seed=26))


def artists(figure):
    return figure._picture.artists


# --- Gradients ----------------------------------------------------------------------------------


def pair(act, normalised, seed, lead=(3,)):
    """(G, g, D, d, noise) with random biases, so that no derivative is special."""
    rng = np.random.default_rng(seed)
    G, D = (BatchNormNet if normalised else Net)((2, 6, 5, 2), "relu"), Net((2, 7, 6, 1), act)
    g, d = (net.init(rng, "he", lead=lead, bias=0.3) for net in (G, D))
    return G, g, D, d, rng.standard_normal((*lead, 12, 2))


def along(loss, theta, direction, step=1e-6):
    """Derivative of loss (*lead,) along a direction, by central differences."""
    return (loss(theta + step * direction) - loss(theta - step * direction)) / (2 * step)


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_generator_learns_through_the_discriminator(kind, normalised):
    """Seeds 2600 to 2639: at most 1e-8 off; a kink within the step would show as 1e-3 or more."""
    for seed in range(SEED, SEED + 5):
        G, g, D, d, noise = pair(KINDS[kind], normalised, seed)
        direction = np.random.default_rng([seed, 1]).standard_normal(g.shape)

        def loss(g, G=G, D=D, d=d, noise=noise):
            return LOGISTIC(D.output(d, G.output(g, noise)), np.ones((12, 1)))[0]

        gradient = gan.generator_gradient(G, g, G.forward(g, noise), D, d)
        expected = along(loss, g, direction)
        assert abs(expected).min() > 1e-4
        np.testing.assert_allclose((gradient * direction).sum(-1), expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_the_discriminator_learns_from_true_and_false_ones(kind):
    for seed in range(SEED, SEED + 5):
        _, _, D, d, fakes = pair(KINDS[kind], False, seed)
        rng = np.random.default_rng([seed, 2])
        true, direction = gan.clouds(rng, (3, 4)), rng.standard_normal(d.shape)

        def loss(d, D=D, true=true, fakes=fakes):
            """Mean over all 16 of -log D(true) and -log(1 - D(fake))."""
            right = np.logaddexp(0, -D.output(d, true)).sum((-2, -1))
            return (right + np.logaddexp(0, D.output(d, fakes)).sum((-2, -1))) / 16

        gradient = gan.discriminator_gradient(D, d, true, fakes)
        expected = along(loss, d, direction)
        np.testing.assert_allclose((gradient * direction).sum(-1), expected, rtol=1e-4, atol=1e-7)


def test_a_step_moves_both_and_the_generator_meets_the_new_discriminator():
    G, g, D, d, noise = pair("relu", False, SEED)
    true = gan.clouds(np.random.default_rng(SEED), (3, 12))
    game = gan._Game(G, g, D, d, 0.01)
    game.step(true, noise)
    new_d, new_g = d.copy(), g.copy()
    made = G.forward(g, noise)
    Adam(0.01, beta1=0.5).start(new_d)(gan.discriminator_gradient(D, d, true, made.A[-1]))
    Adam(0.01, beta1=0.5).start(new_g)(gan.generator_gradient(G, g, made, D, new_d))
    np.testing.assert_array_equal(game.d, new_d)
    np.testing.assert_array_equal(game.g, new_g)
    assert abs(new_g - g).max() > 1e-3 and abs(new_d - d).max() > 1e-3


# --- Where the gradient is exactly 0 ------------------------------------------------------------


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_no_gradient_means_a_layer_without_an_active_unit(layers):
    for seed in range(SEED, SEED + 5):
        rng = np.random.default_rng(seed)
        net = Net((2, *[4] * layers, 1), "relu")
        theta = net.init(rng, "he", lead=(50,), bias=0.3)
        X = rng.standard_normal((20, 2))
        Z = net.forward(theta, X).Z[:-1]
        silent = np.any([(z <= 0).all(-1) for z in Z], axis=0)
        np.testing.assert_array_equal(zero_gradient(net, theta, X), silent)
        assert 0 < silent.mean() < 0.7


def test_a_point_without_gradient_stays_so_nearby_and_a_leak_has_none():
    rng = np.random.default_rng(SEED)
    net, leaky = Net((2, 4, 4, 1), "relu"), Net((2, 4, 4, 1), leaky_relu(0.2))
    theta, X = net.init(rng, "he", lead=(100,)), rng.standard_normal((20, 2))
    zero = zero_gradient(net, theta, X)
    flat = abs(net.output(theta, X + 1e-9) - net.output(theta, X))[..., 0]
    assert (flat[zero] == 0).all() and (flat[~zero] > 0).all() and zero.any()
    assert not zero_gradient(leaky, theta, X).any()


def test_a_slope_in_one_direction_is_a_gradient():
    net = Net((2, 3, 1), "relu")
    theta = net.pack([(np.array([[1.0, 2.0, 3.0], [0, 0, 0]]), np.zeros(3)),
                      (np.ones((3, 1)), np.zeros(1))])  # fmt: skip
    assert zero_gradient(net, theta, [[1.0, 5.0], [-1.0, 5.0]]).tolist() == [False, True]


# --- The record ---------------------------------------------------------------------------------


def test_the_record_is_the_game_of_the_paper(quick):
    """Played again here, one kind after the other, with the same random numbers."""
    film = finish(record_ring(units="16", layers=1, normalised=True, lr=0.02, seed=26))
    G = BatchNormNet((2, 32, 32, 2), "relu")
    shown = np.random.default_rng([26, 3]).standard_normal((256, 2))
    for kind, act in (("ReLU", "relu"), ("leaky", leaky_relu(0.2))):
        D, data = Net((2, 16, 1), act), np.random.default_rng([26, 2])
        game = gan._Game(
            G, G.init(np.random.default_rng([26, 0]), "he", lead=(8,)),
            D, D.init(np.random.default_rng([26, 1]), "he", lead=(8,)), 0.02,
        )  # fmt: skip
        for _ in range(60):
            game.step(gan.clouds(data, (8, 64)), data.standard_normal((8, 64, 2)))
        side = film.sides[kind]
        np.testing.assert_array_equal(side.fakes[-1], G.output(game.g, shown))
        np.testing.assert_array_equal(side.thetas[-1], game.d)
    assert film.steps.tolist() == [0, 20, 40, 60]


def test_what_is_counted(film):
    for side in film.sides.values():
        for frame, net in ((0, 0), (25, 3), (50, 7)):
            fakes = side.fakes[frame, net]
            away = [np.hypot(*(fakes - centre).T) for centre in gan.CENTRES]
            on = np.array(away) < 0.3
            assert side.modes[frame, net] == (on.sum(1) >= 8).sum()
            assert side.share[frame, net] == on.any(0).mean()
            zero = zero_gradient(side.net, side.thetas[frame, net], fakes)
            np.testing.assert_array_equal(side.zero[frame, net], zero)
    assert film.sides["ReLU"].modes[-1].mean() > 2 > film.sides["ReLU"].modes[0].mean()


def test_both_kinds_start_alike_and_only_relu_has_zeros(film):
    relu, leaky = film.sides["ReLU"], film.sides["leaky"]
    np.testing.assert_array_equal(relu.fakes[0], leaky.fakes[0])
    np.testing.assert_array_equal(relu.thetas[0], leaky.thetas[0])
    assert relu.zero.any() and not leaky.zero.any()
    assert abs(relu.fakes[-1] - leaky.fakes[-1]).max() > 0.1


def test_the_true_examples_lie_on_the_modes():
    for seed in range(SEED, SEED + 3):
        X = gan.clouds(np.random.default_rng(seed), (4000,))
        away = np.linalg.norm(X[:, None] - gan.CENTRES, axis=-1)
        assert (away.min(-1) < gan.NEAR).mean() == pytest.approx(1 - math.exp(-4.5), abs=6e-3)
        counts = np.bincount(away.argmin(-1), minlength=8)
        assert len(counts) == 8 and abs(counts - 500).max() < 100


def test_untrained_nets_follow_theory():
    X = np.random.default_rng(SEED).standard_normal((4, 16, 2))
    for layers, share in ((1, 1 / 16), (3, 1 - (15 / 16) ** 3)):
        got, error = gan.untrained(np.random.default_rng(SEED), 4, layers, X)
        assert abs(got - share) < 4 * error < 0.03


def test_stop_keeps_the_steps_so_far():
    making = record_ring(seed=26)
    assert 0 < next(making) < 0.9
    with pytest.raises(StopIteration) as end:
        while True:
            making.send("stop")
    film = end.value.value
    assert film.steps[-1] < 1000 and len(film.sides["ReLU"].fakes) == len(film.steps)
    assert "Stopped by hand" in describe_ring(compute_ring(record=film))


def test_progress_comes_often_and_grows():
    making, seen = record_ring(units="4", layers=1, seed=26), []
    while len(seen) < 4:
        seen.append(next(making))
    assert seen == sorted(set(seen)) and 0 < seen[0] < 0.6


# --- The figure ---------------------------------------------------------------------------------


def test_one_look(film):
    r = compute_ring(record=film, frame=5, net=2)
    assert (r.step, r.frame, r.net) == (100, 5, 2)
    side = film.sides["ReLU"]
    for row, column in ((0, 0), (40, 10), (79, 79), (13, 60)):
        point = np.array([[column + 0.5, row + 0.5]]) / 10 - 4
        zero = zero_gradient(side.net, side.thetas[5, 1], point)
        assert r.flat[row, column] == zero[0]
    assert compute_ring(record=film).step == 1000


def test_artists_show_the_result(quick):
    figure = gan.ring(seed=3, net=3, frame=2)
    r, drawn = figure.result, artists(figure)
    for kind, side in r.film.sides.items():
        zero, fakes = side.zero[2, 2], side.fakes[2, 2]
        parts = drawn["sides"][kind]
        np.testing.assert_array_equal(parts["fakes"].get_xydata(), fakes[~zero])
        np.testing.assert_array_equal(parts["stuck"].get_xydata(), fakes[zero])
        assert parts["found"].get_text() == f"{side.modes[2, 2]} of 8 modes"
        x, y = drawn["dots"][kind].get_xydata()[0]
        assert (x, y) == (40, max(zero.mean(), gan.FLOOR))
    assert r.film.sides["ReLU"].zero[2, 2].any()
    np.testing.assert_array_equal(drawn["flat"].get_array(), r.flat)
    assert drawn["flat"].origin == "lower" and drawn["flat"].get_extent() == [-4, 4, -4, 4]
    theory, error, dot, band, relu, leaky, *labels = drawn["curves"]
    np.testing.assert_allclose(theory.get_ydata(), 1 - (1 - 2**-8) ** 2)
    assert dot.get_ydata() == [max(r.film.fresh, gan.FLOOR)]
    means = r.film.sides["ReLU"].zero.mean((1, 2))
    np.testing.assert_array_equal(relu.get_ydata(), np.maximum(means, gan.FLOOR))
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.max() == r.film.sides["ReLU"].zero.mean(-1).max() > 0.1
    assert heights.min() == gan.FLOOR and (leaky.get_ydata() == gan.FLOOR).all()
    assert [label.get_text() for label in labels] == ["theory", "ReLU", "leaky"]


def test_the_words_carry_the_numbers(film):
    r = compute_ring(record=film, net=4)
    relu, leaky = film.sides["ReLU"], film.sides["leaky"]
    text = describe_ring(r)
    for side in (relu, leaky):
        modes, share = side.modes[-1], 100 * side.share[-1]
        assert f"{modes[3]} of 8 modes found (all nets: {modes.mean():.2g} ± " in text
        assert f"a mode (all nets: {share.mean():.2g} ± {share.std(ddof=1):.2g} %)" in text
    assert "theory 0.78 %" in text and "Step 1000, net 4" in text
    assert "leaky: 0 % of its fakes without gradient (all nets: mean 0 %, up to 0 %)" in text


def test_a_new_game_brings_its_own_curves(quick):
    figure = gan.ring(frame=2)
    drawn = artists(figure)
    count = len(drawn["share"].lines), len(drawn["share"].texts), len(drawn["curves"])
    figure.set(units="4", layers=3)
    assert (len(drawn["share"].lines), len(drawn["share"].texts), len(drawn["curves"])) == count
    np.testing.assert_allclose(drawn["curves"][0].get_ydata(), 1 - (15 / 16) ** 3)
    assert drawn["film"] is figure.record


MOVES = dict(frame=3, net=1, units="4", layers=3, normalised=True, lr=0.03, seed=5)


def test_every_control_moves_the_picture_and_the_words(quick):
    figure = gan.ring(frame=2)
    opening = figure.experiment
    for name, value in MOVES.items():
        before, text = figure._image.value, figure.text
        figure.set(**{name: value})
        assert figure._image.value != before, name
        assert figure.text != text, name
    figure.reset()
    assert figure.experiment == opening


def test_one_step_of_every_quick_control_moves_the_picture(quick):
    figure = gan.ring(frame=2)
    for change in ({"frame": 1}, {"frame": 3}, {"net": 2}, {"net": 4}, {"net": 8}):
        before = figure._image.value
        figure.set(**change)
        assert figure._image.value != before, change


def test_the_line_of_code_gives_the_same_figure(quick):
    figure = gan.ring(**MOVES)
    again = eval(figure.experiment, {"gan": gan})
    assert again.text == figure.text and again._image.value == figure._image.value


def test_extremes_neither_warn_nor_fail(monkeypatch):
    monkeypatch.setattr(gan, "STEPS", 40)
    for units, layers, lr, normalised in product(("4", "32"), (1, 3), (0.001, 0.03), (False, True)):
        settings = dict(units=units, layers=layers, lr=lr, normalised=normalised)
        film = finish(record_ring(**settings, seed=26))
        assert all(np.isfinite(side.fakes).all() for side in film.sides.values())
        assert "nan" not in describe_ring(compute_ring(record=film))


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"units": "5"}, "units must be one of '4', '8', '16', '32'; got '5'"),
        ({"layers": 4}, "layers must be a whole number from 1 to 3, got 4"),
        ({"normalised": 1}, "normalised must be True or False, got 1"),
        ({"lr": math.nan}, "lr must be a number from 0.001 to 0.03, got nan"),
        ({"seed": -1}, "seed must be a whole number from 0 to 99, got -1"),
    ],
)
def test_bad_settings(settings, said):
    for call in (lambda **s: finish(record_ring(**s)), gan.ring):
        with pytest.raises((TypeError, ValueError)) as error:
            call(**settings)
        assert said in str(error.value)


def test_bad_frames_and_nets(film):
    with pytest.raises(ValueError, match="frame must be a whole number from -1 to 50, got 51"):
        compute_ring(record=film, frame=51)
    with pytest.raises(ValueError, match="net must be a whole number from 1 to 8, got 9"):
        compute_ring(record=film, net=9)
