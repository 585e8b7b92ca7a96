"""The records are the trainings they claim to be, the pictures are the records."""

import io
import time

import numpy as np
import PIL.Image
import pytest
from matplotlib.figure import Figure

from helpers.activations import RELU, leaky_relu
from helpers.demos import zeros
from helpers.live import LiveFigure
from helpers.losses import SOFTMAX
from helpers.network import Net
from helpers.training import L1, SGD, finish, train

SEED, SMALL = 26, {"width": 16, "seed": 26}
DEMOS = ("turn_up", "sharpness", "cost")


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


@pytest.fixture(scope="module")
def film():
    return finish(zeros.record_turn_up(**SMALL))


@pytest.fixture(scope="module")
def rivals():
    return finish(zeros.record_sharpness(**SMALL))


def drawn(name, *results):
    """(artists, answers of draw) after drawing results one after the other into a new figure."""
    artists = getattr(zeros, f"build_{name}")(Figure(figsize=(8.4, 4.2)))
    return artists, [getattr(zeros, f"draw_{name}")(artists, result) for result in results]


# --- turn the zeros up: the record --------------------------------------------------------------


@pytest.fixture(scope="module")
def thetas(film):
    """(frames, weights, nets, P): the film's nets trained again, one penalty after the other."""
    X, Y = film.data.X[: zeros.TRAIN], film.data.Y[: zeros.TRAIN]
    start = film.net.init(zeros._rng(SEED, 1), "he", lead=(zeros.NETS,))
    runs = [
        train(film.net, start, X, Y, SOFTMAX, steps=zeros.STEPS, penalty=L1(weight) if k else None,
              optimizer=SGD(zeros.RATE), batch=zeros.BATCH, rng=zeros._rng(SEED, 2),
              record=film.steps.tolist())
        for k, weight in enumerate(zeros.WEIGHTS)
    ]  # fmt: skip
    return np.stack([run.thetas for run in runs], axis=1)


def hidden(film, theta):
    """Hidden activations of one net on all data, computed again."""
    a = film.data.X
    for W, b in film.net.layers(theta)[:-1]:
        a = np.maximum(a @ W + b, 0)
        yield a


@pytest.mark.parametrize(
    "frame, k, seed", [(0, 0, 0), (5, 3, 2), (-1, 5, 7), (-1, 1, 4), (3, 0, 1), (-1, 2, 6)]
)
def test_the_film_is_a_training_with_its_penalty(film, thetas, frame, k, seed):
    """Zeros, dead units and errors are those of nets that were trained so."""
    theta, new = thetas[frame, k, seed], slice(zeros.TRAIN, None)
    for layer, a in enumerate(hidden(film, theta)):
        share = np.mean([np.count_nonzero(row == 0) / 16 for row in a[new]])
        assert film.zeros[frame, k, seed, layer] == pytest.approx(share, abs=1e-12)
        dead = np.count_nonzero(a.max(0) == 0) / 16
        assert film.dead[frame, k, seed, layer] == dead
    answers = film.net.output(theta, film.data.X[new]).argmax(-1)
    wrong = np.mean(answers != film.data.Y[new])
    assert film.errors[frame, k, seed] == pytest.approx(wrong, abs=1e-12)


def test_all_digits_are_there_and_none_is_both_learned_and_new(film):
    assert film.data.X.shape == (1797, 64) and film.data.Y.shape == (1797,)
    rows = {row.tobytes() for row in film.data.X[: zeros.TRAIN]}
    assert not rows & {row.tobytes() for row in film.data.X[zeros.TRAIN :]}


def test_all_penalties_have_the_same_starts(film):
    for numbers in (film.zeros[0], film.errors[0]):
        assert (numbers == numbers[:1]).all() and np.ptp(numbers, axis=1).max() > 0
    assert film.steps[0] == 0 and film.steps[-1] == zeros.STEPS


def test_a_larger_penalty_makes_more_zeros(film):
    assert (np.diff(film.zeros[-1].mean((-2, -1))) > 0).all()


@pytest.mark.parametrize("record", [zeros.record_turn_up, zeros.record_sharpness])
def test_pixels_seed_and_width_count(record):
    errors = []
    for change in ({}, {"pixels": "standardised"}, {"seed": 27}, {"width": 24}):
        steps = record(**{**SMALL, **change})
        next(steps)
        errors.append(stopped(steps).errors[-1])
    assert all((errors[0] != other).any() for other in errors[1:])


def stopped(steps):
    with pytest.raises(StopIteration) as end:
        steps.send("stop")
    return end.value.value


@pytest.mark.parametrize("record", [zeros.record_turn_up, zeros.record_sharpness])
def test_progress_rises_and_stop_keeps_what_there_is(record):
    progress = list(record(**SMALL))
    assert progress == sorted(progress) and 0 < progress[0] and progress[-1] <= 1
    steps = record(**SMALL)
    next(steps)
    early = stopped(steps)
    name = "turn_up" if record is zeros.record_turn_up else "sharpness"
    result = getattr(zeros, f"compute_{name}")(record=early)
    drawn(name, result)
    assert getattr(zeros, f"describe_{name}")(result)


# --- turn the zeros up: the picture -------------------------------------------------------------


def test_artists_show_the_chosen_penalty_and_step(film):
    result = zeros.compute_turn_up(record=film, frame=4, weight=0.03)
    artists, (redraw,) = drawn("turn_up", result)
    assert redraw and result.frame == 4 and zeros.WEIGHTS[result.k] == 0.03
    for layer, line in enumerate(artists["lines"]):
        np.testing.assert_array_equal(line.get_xdata(), film.steps)
        np.testing.assert_array_equal(line.get_ydata(), np.median(film.zeros[:, 4, :, layer], 1))
    for layer, line in enumerate(artists["plain"]):
        np.testing.assert_array_equal(line.get_ydata(), np.median(film.zeros[:, 0, :, layer], 1))
    outline = artists["bands"][1].get_paths()[0].vertices[:, 1]
    assert outline.max() == film.zeros[:, 4, :, 1].max()
    assert outline.min() == film.zeros[:, 4, :, 1].min()
    np.testing.assert_array_equal(artists["zeros"].get_ydata(), film.zeros[4].mean(-1).ravel())
    np.testing.assert_array_equal(artists["dead"].get_ydata(), film.dead[4].mean(-1).ravel())
    np.testing.assert_array_equal(artists["errors"].get_ydata(), film.errors[4].ravel())
    assert artists["now"].get_xdata()[0] == film.steps[4]
    assert [column.get_x() for column in artists["chosen"]] == [3.5, 3.5]
    assert artists["weight"].get_text() == f"0.03, step {film.steps[4]}"


def test_a_net_without_errors_is_drawn_at_the_edge_of_the_logarithmic_axis(film):
    perfect = film._replace(errors=0 * film.errors)
    artists, _ = drawn("turn_up", zeros.compute_turn_up(record=perfect))
    assert (artists["errors"].get_ydata() == zeros.SMALLEST).all()
    assert artists["errors"].axes.get_ylim()[0] < zeros.SMALLEST


def test_only_a_new_record_asks_for_a_full_redraw(film, rivals):
    look = zeros.compute_turn_up
    _, answers = drawn(
        "turn_up", look(record=film), look(record=film, frame=2), look(record=film, weight=0.1),
        look(record=film._replace(width=17)),
    )  # fmt: skip
    assert answers == [True, False, False, True]
    look = zeros.compute_sharpness
    _, answers = drawn("sharpness", look(record=rivals), look(record=rivals, shown="relu"))
    assert answers == [True, False]


def test_the_text_has_the_numbers(film):
    text = zeros.describe_turn_up(zeros.compute_turn_up(record=film, frame=-1, weight=0.01))
    low, high = film.zeros[-1, 3, :, 0].min(), film.zeros[-1, 3, :, 0].max()
    middle = np.median(film.zeros[-1, 3, :, 0])
    assert f"{100 * middle:.0f} % ({100 * low:.0f} to {100 * high:.0f}) of the units" in text
    assert f"{100 * np.median(film.errors[-1, 3]):.1f} %" in text
    assert "L1 weight 0.01" in text and "step 300" in text
    assert "without a penalty" in zeros.describe_turn_up(
        zeros.compute_turn_up(record=film, weight=0)
    )


# --- rivals of ReLU -----------------------------------------------------------------------------


def test_every_net_has_digits_of_its_own():
    learn, new = zeros.few_digits(3, SEED)
    assert learn.X.shape == (3, 300, 64) and new.X.shape == (3, 1497, 64)
    assert learn.Y.shape == (3, 300) and new.Y.shape == (3, 1497)
    seen = [{row.tobytes() for row in X} for X in learn.X]
    assert seen[0] != seen[1] != seen[2]
    for mine, others in zip(seen, new.X, strict=True):
        assert not mine & {row.tobytes() for row in others}


def test_fewer_new_digits_are_the_first_of_all():
    (learn, new), (same, all_new) = (zeros.few_digits(2, SEED, others=n) for n in (500, 1497))
    assert new.X.shape == (2, 500, 64) and new.Y.shape == (2, 500)
    np.testing.assert_array_equal(new.X, all_new.X[:, :500])
    np.testing.assert_array_equal(new.Y, all_new.Y[:, :500])
    np.testing.assert_array_equal(learn.X, same.X)
    with pytest.raises(ValueError, match="others.*1497"):
        zeros.few_digits(2, SEED, others=1498)


def test_standardised_pixels_have_mean_0_in_every_net_alone():
    learn, _ = zeros.few_digits(3, SEED, "standardised")
    np.testing.assert_allclose(learn.X.mean(1), 0, atol=1e-14)
    np.testing.assert_allclose(learn.X.std((1, 2)), 1, rtol=1e-12)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "softplus - ln 2"])
def test_rivals_are_trained_from_the_same_start_on_the_same_digits(rivals, name):
    learn, new = zeros.few_digits(zeros.NETS, SEED)
    start = Net((64, 16, 16, 10)).init(zeros._rng(SEED, 1), "he", lead=(zeros.NETS,))
    net, k = Net((64, 16, 16, 10), zeros.RIVALS[name]), list(zeros.RIVALS).index(name)
    run = train(net, start, learn.X, learn.Y, SOFTMAX, steps=400, optimizer=SGD(0.1), batch=32,
                rng=zeros._rng(SEED, 2))  # fmt: skip
    passed = net.forward(run.theta, new.X)
    wrong = (passed.A[-1].argmax(-1) != new.Y).mean(-1)
    np.testing.assert_allclose(rivals.errors[k], wrong, atol=1e-12)
    zero = np.mean([(a == 0).mean((-2, -1)) for a in passed.A[1:-1]], axis=0)
    np.testing.assert_allclose(rivals.zeros[k], zero, atol=1e-12)
    mean = np.mean([a.mean((1, 2)) ** 2 / (a**2).mean((1, 2)) for a in passed.A[1:-1]], axis=0)
    np.testing.assert_allclose(rivals.means[k], mean, atol=1e-12)


def test_gains_are_differences_to_relu_with_their_standard_error(rivals):
    result = zeros.compute_sharpness(record=rivals, shown="leaky_relu")
    assert (result.gains[0] == 0).all() and result.k == 6
    difference = rivals.errors[4] - rivals.errors[0]
    np.testing.assert_array_equal(result.gains[4], difference)
    assert result.mean[4] == pytest.approx(difference.mean())
    assert result.spread[4] == pytest.approx(np.std(difference, ddof=1) / np.sqrt(8))
    np.testing.assert_array_equal(result.f, leaky_relu(0.01).f(zeros.CURVE))


def test_the_shifted_softplus_goes_through_the_origin_with_the_slope_of_softplus():
    act, h = zeros.SHIFTED, 1e-6
    z = np.linspace(-5, 5, 21)
    assert act.f(0.0) == 0
    np.testing.assert_allclose((act.f(z + h) - act.f(z - h)) / (2 * h), act.df(z), atol=1e-9)


def test_artists_show_the_rivals(rivals):
    result = zeros.compute_sharpness(record=rivals, shown="softplus(2)")
    artists, _ = drawn("sharpness", result)
    np.testing.assert_array_equal(artists["f"].get_ydata(), result.f)
    np.testing.assert_allclose(artists["nets"].get_xdata(), 100 * result.gains.ravel())
    for k, (bar, mean) in enumerate(zip(artists["bars"], artists["means"], strict=True)):
        assert mean.get_xdata()[0] == pytest.approx(100 * result.mean[k])
        assert np.ptp(bar.get_xdata()) == pytest.approx(400 * result.spread[k])
        assert artists["shares"][k].get_text() == f"{100 * rivals.zeros[k].mean():.0f} %"
    assert artists["row"].get_y() == result.k - 0.5
    low, high = artists["forest"].get_xlim()
    assert low < 100 * result.gains.min() and high > 100 * result.gains.max()
    text = zeros.describe_sharpness(result)
    assert all(written in text for written in zeros.WRITTEN.values())
    assert "-0.0" not in text


# --- cost ---------------------------------------------------------------------------------------


def times(formulas=(1, 4, 4, 4, 30), multiply_add=0.05, batch=128):
    """Made-up seconds: each formula as long per number, the product in proportion to inputs."""
    n = np.array(zeros.INPUTS)[:, None]
    per_number = np.concatenate([multiply_add * n, np.tile(formulas, (len(n), 1))], axis=1)
    seconds = np.repeat((1e-9 * batch * n * per_number)[:, None], zeros.TURNS, axis=1)
    return zeros.Times(batch, seconds)


def test_shares_are_predicted_exactly_where_times_per_number_are_constant():
    result = zeros.compute_cost(record=times(), inputs=256)
    np.testing.assert_allclose(result.predicted, result.shares, rtol=1e-12)
    assert result.shares[3, 1] == pytest.approx(4 / (4 + 0.05 * 256))
    assert zeros.share(4, 256, 0.05) == pytest.approx(result.shares[3, 1])


def test_one_slow_turn_changes_nothing():
    record = times()
    record.seconds[:, 3] *= np.random.default_rng(SEED).uniform(1, 50, record.seconds[:, 3].shape)
    expected = zeros.compute_cost(record=times()).shares
    np.testing.assert_allclose(zeros.compute_cost(record=record).shares, expected, rtol=1e-12)


def test_the_text_is_the_same_on_faster_machines_and_says_no_where_something_does_not_hold():
    def text(**made_up):
        return zeros.describe_cost(zeros.compute_cost(record=times(**made_up)))

    assert text() == text(multiply_add=0.03) == text(formulas=(0.5, 8, 9, 2, 10))
    assert ": no" not in text()
    for formulas in [(4, 6, 6, 1, 1), (1, 40, 4, 1, 1), (2, 1, 4, 1, 1)]:
        assert text(formulas=formulas).count(": no") == 1


def test_timings_are_positive_and_of_every_layer_and_formula():
    record = finish(zeros.record_cost(batch=32))
    assert record.seconds.shape == (6, 15, 6) and (record.seconds > 0).all()
    steps = zeros.record_cost(batch=32)
    for _ in range(2 * zeros.TURNS + 1):
        next(steps)
    early = stopped(steps)
    assert len(early.seconds) == 2
    with pytest.raises(ValueError, match="inputs must be one of 32, 64, got 512"):
        zeros.compute_cost(record=early)
    drawn("cost", zeros.compute_cost(record=early, inputs=64))


def test_seconds_are_those_of_most_turns():
    calls = []

    def sometimes_slow(z):
        calls.append(z)
        time.sleep(0.03 if len(calls) % 7 == 2 else 0.001)

    assert 0.001 <= zeros.seconds(sometimes_slow, 1.0) < 0.015
    assert len(calls) == 2 * zeros.TURNS


def test_formulas_are_what_their_names_say():
    z = np.linspace(-3, 3, 13)
    for name, f in zeros.FORMULAS.items():
        names = {"max": np.maximum, "tanh": np.tanh, "exp": np.exp, "where": np.where,
                 "logaddexp": np.logaddexp}  # fmt: skip
        written = name.replace("0.01 z", "0.01 * z")
        np.testing.assert_array_equal(f(z), eval(written, names | {"z": z}))


def test_in_place_takes_no_memory_and_a_new_array_takes_its_size():
    z = np.random.default_rng(SEED).standard_normal((64, 512))
    assert zeros.extra_memory(lambda z: np.maximum(z, 0), z) == pytest.approx(z.nbytes, abs=2000)
    assert zeros.extra_memory(lambda z: np.maximum(z, 0, out=z), z) < 2000
    assert (z >= 0).all()


def test_artists_show_the_shares():
    result = zeros.compute_cost(record=times(), inputs=1024)
    artists, _ = drawn("cost", result)
    for k in range(5):
        assert artists["bars"][k].get_width() == result.shares[5, k]
        assert artists["numbers"][k].get_text() == f"{100 * result.shares[5, k]:.0f} %"
        np.testing.assert_array_equal(artists["shares"][k].get_ydata(), result.shares[:, k])
        np.testing.assert_array_equal(artists["predicted"][k].get_ydata(), result.predicted[:, k])
    assert artists["now"].get_xdata()[0] == 1024 and artists["inputs"].get_text() == "1024"


# --- live ---------------------------------------------------------------------------------------


def pixels(figure):
    return np.asarray(PIL.Image.open(io.BytesIO(figure.png())).convert("RGB"), int)


@pytest.mark.parametrize(
    "name, opening, changes",
    [
        ("turn_up", SMALL, [{"weight": 0.1}, {"frame": 3}, {"weight": 0.0}]),
        ("sharpness", SMALL, [{"shown": "relu"}, {"shown": "softplus(6)"}]),
        ("cost", {"batch": 32}, [{"inputs": 32}, {"inputs": 1024}]),
    ],
)
def test_every_control_changes_the_picture(name, opening, changes):
    figure = getattr(zeros, name)(**opening)
    before = pixels(figure)
    for change in changes:
        figure.set(**change)
        after = pixels(figure)
        assert (before != after).any()
        before = after
    assert figure.error is None and figure.experiment.startswith(f"zeros.{name}(")
    values = {k: v for k, v in figure.values.items() if k not in ("frame",)}
    assert set(opening) <= set(values)


BAD = [
    ("turn_up", {"pixels": "grey"}, ValueError, "pixels must be one of"),
    ("turn_up", {"width": 15}, ValueError, "width must be a whole number from 16 to 128"),
    ("turn_up", {"seed": -1}, ValueError, "seed must be"),
    ("sharpness", {"lr": 1.0}, ValueError, "lr must be a number from 0.05 to 0.3"),
    ("sharpness", {"width": 2.5}, TypeError, "width must be"),
    ("cost", {"batch": 100}, ValueError, "batch must be one of 32, 128, 512, got 100"),
]


@pytest.mark.parametrize("name, settings, error, message", BAD)
def test_bad_settings_of_a_record(name, settings, error, message):
    with pytest.raises((ValueError, TypeError), match=message):
        finish(getattr(zeros, f"record_{name}")(**settings))


def test_bad_views(film, rivals):
    with pytest.raises(ValueError, match="weight must be one of 0.0, 0.001"):
        zeros.compute_turn_up(record=film, weight=0.02)
    with pytest.raises(ValueError, match="frame must be"):
        zeros.compute_turn_up(record=film, frame=99)
    with pytest.raises(ValueError, match="shown must be one of"):
        zeros.compute_sharpness(record=rivals, shown="tanh")
    with pytest.raises(TypeError, match="inputs must be"):
        zeros.compute_cost(record=times(), inputs="many")
    assert RELU in zeros.RIVALS.values()
