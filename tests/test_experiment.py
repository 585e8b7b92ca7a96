"""An experiment is its settings: the same film for the same words, and a film that is true."""

from dataclasses import replace

import numpy as np
import pytest

from helpers import diagnostics, experiment
from helpers.activations import RELU, TANH, Activation, elu, leaky_relu, swish
from helpers.experiment import SAME, Experiment, Film, look, named, per_layer, record, run
from helpers.losses import LOGISTIC, SOFTMAX, accuracy
from helpers.training import L1, OPTIMIZERS, SGD, Adam, train

SMALL = dict(nets=3, width=5, steps=30, seed=26)


@pytest.fixture(scope="module")
def film():
    return run(**SMALL, activation="relu, tanh", then="elu", switch=20, lr=0.05)


# --- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text, act", [
    ("tanh", TANH), (" relu ", RELU), ("leaky_relu(0.2)", leaky_relu(0.2)), ("elu(2)", elu(2.0)),
    ("swish(0.5)", swish(0.5)), (TANH, TANH),
])  # fmt: skip
def test_names_with_and_without_a_number(text, act):
    assert named(text) == act


@pytest.mark.parametrize("text, words", [
    ("rleu", "did you mean 'relu'"), ("tanh(2)", "activation with a number must be one of"),
    ("elu(two)", "one with a number as in elu(0.5); got 'elu(two)'"), ("elu(", "elu("),
])  # fmt: skip
def test_other_names_are_refused_in_words(text, words):
    with pytest.raises(ValueError, match=words.replace("(", r"\(").replace(")", r"\)")):
        named(text)


def test_several_names_share_the_layers_evenly():
    names = [act.name for act in per_layer("relu, tanh, elu", 7)]
    assert names == ["relu"] * 3 + ["tanh"] * 2 + ["elu"] * 2
    assert per_layer(("tanh", RELU), 2) == (TANH, RELU)
    assert per_layer("gelu", 3) == per_layer(["gelu"] * 3, 3)
    with pytest.raises(ValueError, match="3 activations need as many hidden layers, got 2"):
        per_layer("relu, tanh, elu", 2)


@pytest.mark.parametrize("name, value, words", [
    ("data", "moon", "did you mean 'moons'"), ("depth", 11, "depth must be a whole number"),
    ("width", 0, "width"), ("scheme", "hee", "did you mean 'he'"), ("scale", 0, "scale"),
    ("bias", 5, "bias"), ("optimizer", "adm", "adam"), ("lr", 20, "lr"), ("batch", 0, "batch"),
    ("l1", -1, "l1"), ("l2", 2, "l2"), ("steps", 9, "steps"), ("nets", 33, "nets"),
    ("then", "rleu", "did you mean 'relu'"), ("switch", -1, "switch"), ("seed", 100, "seed"),
    ("activation", "rleu", "did you mean 'relu'"),
])  # fmt: skip
def test_what_is_not_allowed_is_said(name, value, words):
    with pytest.raises(ValueError, match=words):
        Experiment(**{name: value})


def test_a_small_server_is_spared():
    with pytest.raises(ValueError, match="nets x batch x units is 32.0 million"):
        Experiment(data="digits", depth=10, width=64, nets=32, batch=1400)
    Experiment(data="digits", depth=10, width=64, nets=32, batch=64)


def test_digits_and_points():
    train_set, test_set = Experiment(data="digits").examples
    assert train_set.X.shape == (1400, 64) and test_set.X.shape == (397, 64)
    assert abs(train_set.X.mean()) < 1e-12 and train_set.X.std() == pytest.approx(1)
    first, other = (Experiment(data="rings", nets=n, width=n).examples for n in (1, 2))
    for mine, yours in zip(first, other, strict=True):
        np.testing.assert_array_equal(mine.X, yours.X)  # whatever the net
    assert len(first[0].X) == len(first[1].X) == 300 and (first[0].X != first[1].X).any()
    assert (Experiment(data="rings", seed=1).examples[0].X != first[0].X).any()


def test_scale_and_bias_change_the_same_draw():
    plain, scaled, biased = (
        Experiment(**SMALL, **extra) for extra in ({}, {"scale": 3.0}, {"bias": -1.0})
    )
    net, theta = plain.net, plain.start()
    for (W, b), (W3, b3) in zip(net.layers(theta), net.layers(scaled.start()), strict=True):
        np.testing.assert_allclose(W3, 3 * W, rtol=1e-12)
        assert not b.any() and not b3.any()
    *hidden, out = net.layers(biased.start())
    assert all((b == -1).all() for _, b in hidden) and not out[1].any()


# --- the film is the training -------------------------------------------------------------------


@pytest.mark.parametrize("extra", [
    {}, dict(data="digits", batch=32), dict(optimizer="sgd", batch=40), dict(l1=0.01),
])  # fmt: skip
def test_the_film_is_plain_training(extra):
    settings = Experiment(**SMALL, **extra)
    film, (train_set, test_set) = run(**SMALL, **extra), settings.examples
    batch = settings.batch if settings.batch < len(train_set.X) else None
    plain = train(
        settings.net, settings.start(), train_set.X, train_set.Y,
        SOFTMAX if settings.data == "digits" else LOGISTIC, steps=30, batch=batch,
        rng=settings.rng(2), optimizer=OPTIMIZERS[settings.optimizer](settings.lr),
        penalty=L1(settings.l1) if settings.l1 else None, record=film.steps.tolist(),
    )  # fmt: skip
    np.testing.assert_array_equal(film.losses, plain.losses)
    np.testing.assert_array_equal(film.theta, plain.theta)
    np.testing.assert_array_equal(film.thetas, plain.thetas.astype(np.float32))
    assert film.steps[0] == 0 and film.steps[-1] == 30 and film.message == ""
    right = accuracy(settings.net.output(plain.theta, test_set.X), test_set.Y)
    np.testing.assert_allclose(film.accuracy[-1], right, atol=1e-12)


def test_l2_is_the_derivative_of_half_the_squares_of_the_weights():
    plain = Experiment(**{**SMALL, "steps": 10}, optimizer="sgd", lr=0.1)
    decayed = replace(plain, l2=0.5)
    theta = plain.start()
    theta += 0.3  # the biases too, to see that they are left alone
    first, second = (experiment._Watched(e, experiment._Diary(e, *e.examples))
                     for e in (plain, decayed))  # fmt: skip
    moved = []
    for watched in (first, second):
        after, gradient = theta.copy(), np.zeros_like(theta)
        watched.start(after)(gradient)
        moved.append(after - theta)
    assert not moved[0].any()
    for (W, _), (dW, db) in zip(
        plain.net.layers(theta), plain.net.layers(moved[1]), strict=True
    ):
        np.testing.assert_allclose(dW, -0.1 * 0.5 * W, rtol=1e-9, atol=1e-15)
        assert not db.any()
    weights = [np.linalg.norm(run(**SMALL, l2=l2).theta) for l2 in (0, 0.1)]
    assert weights[1] < weights[0]


def test_gradients_and_updates_are_those_of_the_steps():
    """Two plain runs that end before and after a step say what the film must say of it."""
    settings = Experiment(**SMALL, optimizer="adam", lr=0.02)
    film, (train_set, _) = run(**SMALL, optimizer="adam", lr=0.02), settings.examples
    plain = train(settings.net, settings.start(), *train_set[:2], LOGISTIC, steps=30,
                  optimizer=Adam(0.02), record=range(31))  # fmt: skip
    layers, net = settings.net.layers, settings.net
    for frame, step in enumerate(film.steps):
        step = min(step, 29)  # the end shows the last step
        passed = net.forward(plain.thetas[step], train_set.X)
        _, dA = LOGISTIC(passed.A[-1], train_set.Y)
        gradient = net.backward(plain.thetas[step], passed, dA)
        norms = diagnostics.gradient_norms(layers(gradient))
        np.testing.assert_allclose(film.gradients[frame], norms, rtol=1e-9)
        ratio = diagnostics.update_to_weight(*map(layers, plain.thetas[step : step + 2]))
        np.testing.assert_allclose(film.updates[frame], ratio, rtol=1e-9)


@pytest.mark.parametrize("act", ["relu", "elu", "tanh"])
def test_a_look_agrees_with_the_diagnostics(act):
    settings = Experiment(**SMALL, activation=act, scale=3.0, bias=-1.0)
    train_set, test_set = settings.examples
    theta, net = settings.start(), settings.net
    seen = look(net, theta, train_set, test_set)
    passed = net.forward(theta, train_set.X)
    for k, z in enumerate(passed.Z[:-1]):
        f = net.acts[k]
        np.testing.assert_allclose(seen.zeros[:, k], diagnostics.zero_share(passed.A[k + 1]))
        np.testing.assert_allclose(seen.saturated[:, k], diagnostics.saturated_share(f, z))
        dead = diagnostics.dead_on_data(f, [z]).mean(-1)
        np.testing.assert_allclose(seen.dead[:, k], dead)
    assert (seen.dead.max() > 0) == (act == "relu")


def test_many_nets_are_looked_at_a_few_at_a_time(monkeypatch):
    settings = Experiment(**{**SMALL, "nets": 7})
    theta, sets = settings.start(), settings.examples
    at_once = look(settings.net, theta, *sets)
    monkeypatch.setattr(experiment, "LARGEST_PASS", 20_000)
    for mine, yours in zip(at_once, look(settings.net, theta, *sets), strict=True):
        np.testing.assert_allclose(mine, yours, atol=1e-12)


# --- another activation, the same weights -------------------------------------------------------


def test_the_switch_starts_nothing_anew(film):
    alone = run(**SMALL, activation="relu, tanh", lr=0.05)
    until = film.steps <= 20
    np.testing.assert_array_equal(film.losses[:20], alone.losses[:20])
    same = alone.steps[alone.steps < 20]
    np.testing.assert_array_equal(film.thetas[np.isin(film.steps, same)],
                                  alone.thetas[np.isin(alone.steps, same)])  # fmt: skip
    assert 20 in film.steps and until.sum() > 3
    assert (film.losses[20] != alone.losses[20]).all()  # the same weights, other functions
    settings, frame = film.settings, film.steps.tolist().index(20)
    before = train(settings.net, settings.start(), *settings.examples[0][:2], LOGISTIC, steps=20,
                   optimizer=Adam(0.05), record=1)  # fmt: skip
    np.testing.assert_array_equal(film.thetas[frame], before.theta.astype(np.float32))
    onwards = train(settings.net_after, before.theta, *settings.examples[0][:2], LOGISTIC,
                    steps=10, optimizer=Adam(0.05), record=1)  # fmt: skip
    np.testing.assert_array_equal(film.theta, onwards.theta)
    np.testing.assert_array_equal(film.losses[20:], onwards.losses)


def test_each_frame_knows_its_net(film):
    names = [[act.name for act in film.net(f).acts[:-1]] for f in range(len(film.steps))]
    for step, pair in zip(film.steps, names, strict=True):
        assert pair == (["relu", "tanh"] if step < 20 else ["elu", "elu"])
    plain = run(**SMALL)
    assert plain.net(len(plain.steps) - 1) == plain.settings.net


def test_a_switch_at_the_start_or_after_the_end_is_one_life():
    first, never = (Experiment(**SMALL, then="tanh", switch=s) for s in (0, 99))
    assert [net.acts[0].name for net, _ in first.lives] == ["tanh"]
    assert [net.acts[0].name for net, _ in never.lives] == ["relu"]
    assert Experiment(**SMALL).then == SAME
    assert run(**SMALL, then="tanh", switch=0).steps[0] == 0


# --- reproducible, stoppable, divergent ---------------------------------------------------------


def test_equal_settings_give_equal_films_bit_by_bit(film):
    again = run(**SMALL, activation="relu, tanh", then="elu", switch=20, lr=0.05)
    for mine, yours in zip(film[1:-1], again[1:-1], strict=True):
        np.testing.assert_array_equal(mine, yours)
    assert (run(**{**SMALL, "seed": 27}).losses[0] != run(**SMALL).losses[0]).all()


def test_progress_rises_and_stop_keeps_what_there_is():
    progress = list(record(Experiment(nets=8, steps=400, seed=26, then="tanh", switch=200)))
    assert progress == sorted(progress) and 0 < progress[0] and progress[-1] <= 1
    making = record(Experiment(nets=8, steps=400, seed=26, then="tanh", switch=200))
    next(making)
    with pytest.raises(StopIteration) as end:
        making.send("stop")
    film = end.value.value
    assert isinstance(film, Film) and 0 < film.steps[-1] == len(film.losses) - 1 < 200
    assert len(film.thetas) == len(film.dead) == len(film.steps)
    assert "Stopped by hand" in film.message


def test_a_net_that_diverges_is_kept_out_of_the_gradients():
    film = run(nets=16, width=8, depth=5, activation="identity", optimizer="momentum", lr=0.3,
               steps=300, seed=2)  # fmt: skip
    lost = np.isnan(film.losses[-1])
    assert 0 < lost.sum() < 16 and "nets diverged" in film.message
    assert np.isnan(film.gradients[-1, lost]).all() and np.isfinite(film.gradients[-1, ~lost]).all()
    assert np.isfinite(film.theta).all() and np.isfinite(film.accuracy).all()


def test_if_all_diverge_it_says_what_to_change():
    with pytest.raises(ValueError, match="lr = 10 and scale = 10 are too large together"):
        run(nets=2, optimizer="sgd", lr=10, scale=10, depth=10, width=64, steps=100)


def test_the_record_stays_small():
    wide = Experiment(data="digits", depth=10, width=64, nets=32, batch=64, steps=1000)
    frames = experiment._frames(wide)
    assert len(frames) * wide.nets * wide.net.P * 4 < 60e6 and len(frames) >= 8
    assert len(experiment._frames(Experiment())) >= 40


def test_a_part_of_a_film(film):
    part = film.at([0, 3])
    assert part.steps.tolist() == film.steps[[0, 3]].tolist()
    np.testing.assert_array_equal(part.dead, film.dead[[0, 3]])
    assert part.losses is film.losses


def test_a_learners_own_activation():
    own = Activation("mine", "z^3", lambda z: z**3, lambda z: 3 * z * z, (-np.inf, np.inf), "me")
    assert run(**SMALL, activation=own, scale=0.5).settings.net.acts[0] is own


def test_defaults_are_the_opening_state():
    film = run(steps=10, optimizer="sgd", lr=0.1)
    assert film.settings.net.sizes == (2, 16, 16, 1) and film.losses.shape == (11, 16)
    assert SGD(0.1).lr == 0.1
