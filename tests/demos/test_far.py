"""Far from the data: plain training, asked about places it never saw; and a figure that says so."""

import io

import numpy as np
import PIL.Image
import pytest

from helpers.activations import Activation
from helpers.demos import far
from helpers.demos.far import compute_away, record_away
from helpers.experiment import standard_digits
from helpers.live import LiveFigure, Picture
from helpers.losses import softmax
from helpers.training import Adam, finish, train

SEED, WIDTH = 26, 16
EXP = Activation("mine", "e^z", np.exp, np.exp, (0, np.inf), "me")
RAMP = Activation("ramp", "cut", lambda z: np.clip(z, -1, 2),
                  lambda z: ((z > -1) & (z < 2)).astype(float), (-1.0, 2.0), "me")  # fmt: skip


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


@pytest.fixture(scope="module")
def pupils():
    return finish(record_away(width=WIDTH, seed=SEED))


@pytest.fixture
def quick(monkeypatch):
    """Short trainings, for tests of the figure."""
    monkeypatch.setattr(far, "DIGITS_STEPS", 20)
    monkeypatch.setattr(far, "SINE_STEPS", 20)


def noise():
    return np.random.default_rng([SEED, 2]).standard_normal((far.NOISE, 64))


def digit_net(pupil, steps=far.DIGITS_STEPS):
    """The nets that learned digits: the record does not keep them."""
    net = far.Net((64, WIDTH, WIDTH, 10), pupil.act)
    theta = net.init(np.random.default_rng([SEED, 0]), lead=(far.NETS,))
    (X, Y, _), _ = standard_digits()
    rng = np.random.default_rng([SEED, 1])
    return net, train(net, theta, X, Y, "softmax", steps=steps, batch=64, rng=rng,
                      optimizer=Adam(0.01), record=1).theta  # fmt: skip


# --- the record ---------------------------------------------------------------------------------


@pytest.mark.parametrize("k", range(len(far.ACTS)))
def test_confidence_is_that_of_plainly_trained_nets(pupils, k):
    net, theta = digit_net(pupils[k])
    _, (X, Y, _) = standard_digits()
    for place in (0, 13, -1):
        sure = softmax(net.output(theta, far.DISTANCES[place] * noise())).max(-1).mean(-1)
        np.testing.assert_allclose(pupils[k].confidence[:, place], sure, rtol=1e-9)
    outputs = net.output(theta, X)
    np.testing.assert_allclose(pupils[k].digits, softmax(outputs).max(-1).mean(-1), rtol=1e-9)
    np.testing.assert_allclose(pupils[k].right, (outputs.argmax(-1) == Y).mean(-1), rtol=1e-12)
    away = softmax(net.output(theta, 1e6 * noise())).max(-1).mean(-1)
    np.testing.assert_allclose(pupils[k].limit, away, atol=2e-3)


def test_the_sine_is_learned_where_it_was_shown(pupils):
    x = np.linspace(-3, 3, 61)[:, None]
    for pupil in pupils:
        y = pupil.net.output(pupil.theta, x)
        assert np.median(((y - np.sin(x)) ** 2).mean((-2, -1))) < 0.05
        net = far.Net((1, WIDTH // 2, WIDTH // 2, 1), pupil.act)
        theta = net.init(np.random.default_rng([SEED, 3]), lead=(far.NETS,), bias=1.0)
        plain = train(net, theta, x, np.sin(x), "squared_error", steps=far.SINE_STEPS,
                      optimizer=Adam(0.01), record=1)  # fmt: skip
        np.testing.assert_array_equal(pupil.theta, plain.theta)


def test_the_limit_of_a_bounded_activation_has_both_ends(quick):
    pupil = finish(record_away(width=WIDTH, seed=SEED, own=RAMP))[-1]
    net, theta = digit_net(pupil, steps=20)
    away = softmax(net.output(theta, 1e6 * noise())).max(-1).mean(-1)
    np.testing.assert_allclose(pupil.limit, away, atol=1e-3)
    assert pupil.limit.max() < 0.999


def test_progress_rises_and_stop_keeps_whole_pupils(quick):
    progress = list(record_away(width=8))
    assert progress == sorted(progress) and 0 < progress[0] and progress[-1] <= 1
    for when, count in ((0.01, None), (0.3, 1), (0.6, 2)):
        making = record_away(width=8)
        while next(making) < when:
            pass
        with pytest.raises(StopIteration) as end:
            making.send("stop")
        kept = end.value.value
        assert kept is None if count is None else len(kept) == count


@pytest.mark.parametrize("wrong, words", [
    (dict(width=7), "width"), (dict(width=65), "width"), (dict(seed=100), "seed"),
])  # fmt: skip
def test_bad_settings_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        finish(record_away(**wrong))


def test_own_must_be_an_activation():
    with pytest.raises(TypeError, match="own must be an Activation"):
        finish(record_away(own=np.tanh))


# --- one distance -------------------------------------------------------------------------------


def test_one_distance(pupils):
    result = compute_away(record=pupils, distance=100.0)
    place = far.DISTANCES.tolist().index(100.0)
    for pupil, sure, y in zip(pupils, result.confidence, result.y, strict=True):
        np.testing.assert_allclose(sure, pupil.confidence[:, place], rtol=1e-12)
        at = pupil.net.output(pupil.theta, np.array([[-300.0], [300.0]]))[..., 0]
        np.testing.assert_allclose(y[:, [0, -1]], at, rtol=1e-12)
    assert (result.x[0], result.x[-1]) == (-300, 300)
    between = compute_away(record=pupils, distance=2.2).confidence[0]
    low, high = (compute_away(record=pupils, distance=d).confidence[0] for d in (2.0, 2.51))
    assert ((low < between) & (between < high)).all()


@pytest.mark.parametrize("distance", [0.9, 1001.0, np.nan])
def test_other_distances_are_refused(pupils, distance):
    with pytest.raises(ValueError, match="distance"):
        compute_away(record=pupils, distance=distance)


# --- the figure ---------------------------------------------------------------------------------


def test_the_picture_shows_what_was_computed(pupils):
    result = compute_away(record=pupils, distance=20.0)
    picture = Picture(far.build_away, far.draw_away, (8.4, 4.2))
    picture.paint(result)
    a = picture.artists
    for k, (dots, lines) in enumerate(zip(a["dots"], a["lines"], strict=True)):
        assert dots.get_ydata() == [np.median(result.confidence[k])]
        y = lines.get_ydata().reshape(far.NETS, -1)
        np.testing.assert_allclose(y[:, :-1], result.y[k] / 20, rtol=1e-12)
        assert np.isnan(y[:, -1]).all()  # no stroke from one net to the next
        curve, band = a["curves"][2 * k : 2 * k + 2]
        np.testing.assert_allclose(curve.get_ydata(), np.median(pupils[k].confidence, 0))
        edges = band.get_datalim(a["left"].transData)
        assert edges.y0 == pytest.approx(pupils[k].confidence.min())
        assert edges.y1 == pytest.approx(pupils[k].confidence.max())
        assert a["limits"][k].get_ydata()[0] == np.median(pupils[k].limit)
    assert [fence.get_xdata()[0] for fence in a["fence"]] == [-1 / 20, 1 / 20]
    np.testing.assert_allclose(a["sine"].get_ydata(), np.sin(result.x) / 20)


def test_only_new_pupils_ask_for_a_full_redraw(pupils):
    picture = Picture(far.build_away, far.draw_away, (8.4, 4.2))
    views = [(pupils, 1.0), (pupils, 50.0), (pupils[:2], 50.0), (pupils, 50.0)]
    asked = [far.draw_away(picture.artists, compute_away(record=p, distance=d)) for p, d in views]
    assert asked == [True, False, True, True]
    assert len(picture.artists["left"].lines) == 2 + 3 * len(pupils)  # nothing old is left


@pytest.mark.parametrize("distance", [1.0, 30.0, 1000.0])
def test_nothing_overlaps_and_nothing_is_cut(pupils, distance):
    picture = Picture(far.build_away, far.draw_away, (8.4, 4.2))
    picture.paint(compute_away(record=pupils, distance=distance))
    fig, renderer, a = picture.figure, picture.canvas.get_renderer(), picture.artists
    boxes = [name.get_window_extent(renderer) for name in a["names"]]
    boxes.sort(key=lambda box: box.y0)
    assert all(low.y1 < high.y0 + 3 for low, high in zip(boxes[:-1], boxes[1:], strict=True))
    ticks = [t.get_window_extent(renderer) for t in a["right"].get_yticklabels()]
    assert max(box.x1 for box in boxes) < min(box.x0 for box in ticks)
    window = a["window"].get_window_extent(renderer)
    assert a["right"]._left_title.get_window_extent(renderer).x1 < window.x0
    ends = [t.get_window_extent(renderer) for t in a["right"].get_xticklabels()]
    assert max(box.x1 for box in (window, *ends)) <= fig.bbox.x1


def test_every_control_changes_the_picture_and_its_words(quick):
    figure = far.away(width=WIDTH)
    for move in (dict(distance=20.0), dict(distance=1000.0), dict(width=24), dict(seed=1)):
        figure.reset()
        before, words = figure.png(), figure.text
        figure.set(**move)
        assert figure.png() != before and figure.text != words, move
    figure.reset()
    assert figure.png() == before and figure.text == words


def test_the_line_of_code_gives_the_figure_again(quick):
    figure = far.away(width=WIDTH)
    figure.set(distance=50.1, seed=3)
    again = eval(figure.experiment)
    assert again.text == figure.text
    mine, yours = (np.array(PIL.Image.open(io.BytesIO(f.png()))) for f in (figure, again))
    other = abs(mine.astype(int) - yours).max(-1) > 32
    assert other.mean() < 0.002  # names of curves, moved by parts of a pixel


def test_the_words_hold_the_numbers(pupils):
    result = compute_away(record=pupils, distance=1000.0)
    words = far.describe_away(result)
    for k, pupil in enumerate(pupils):
        assert f"{np.median(result.confidence[k]):.3g} (" in words
        assert f"limit {np.median(pupil.limit):.2f}," in words
        assert f"on digits {np.median(pupil.digits):.2f}," in words
        assert f"{np.median(result.y[k][:, -1]):.3g} (" in words
    assert "size 1000" in words and "x = 3000" in words


def test_what_is_too_large_to_hold_is_said_and_not_drawn(quick):
    figure = far.away(width=WIDTH, own=EXP)
    figure.set(distance=1000.0)
    assert "mine more than a computer can hold" in figure.text
    assert figure.experiment.startswith("far.away(own=my_activation, ")
    assert figure.png() != far.away(width=WIDTH, distance=1000.0).png()
