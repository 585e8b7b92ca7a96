"""The film is the training, the picture is the film, and only bent units bend a boundary."""

import dataclasses
import io

import numpy as np
import PIL.Image
import pytest
from matplotlib.colors import to_rgb

from helpers import plane
from helpers.activations import ACTIVATIONS, Activation
from helpers.datasets import DATASETS
from helpers.demos import boundary
from helpers.live import LiveFigure, Picture
from helpers.losses import LOGISTIC
from helpers.training import Momentum, finish, train

SMALL = {"layers": 1, "width": 3, "nets": 3}


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


def film(**settings):
    """The record, made at once."""
    return finish(boundary.record_decision_boundary(**settings))


def look(record, **view):
    return boundary.compute_decision_boundary(record=record, **view)


@pytest.fixture(scope="module")
def moons():
    return film(data="moons", activation="relu", layers=2, width=6, nets=5, seed=4)


@pytest.fixture(scope="module")
def figure():
    return boundary.decision_boundary(activation="relu", **SMALL)


# --- what the lesson says -----------------------------------------------------------------------


@pytest.mark.parametrize("layers, data", [(1, "moons"), (3, "rings"), (5, "spiral")])
def test_linear_nets_of_any_depth_draw_straight_lines(layers, data):
    record = film(data=data, activation="identity", layers=layers, nets=4, seed=11)
    for frame in range(len(record.steps)):
        bends = look(record, frame=frame).bends
        assert not (bends > 1e-9).any()  # NaN: no boundary in the picture
    assert np.median(record.accuracy[-1]) < 0.95
    assert "straight line" in boundary.describe_decision_boundary(look(record))


@pytest.mark.parametrize("data", DATASETS)
def test_bent_units_tell_the_classes_apart(data):
    record = film(data=data, activation="relu", layers=2, width=8, nets=8, seed=11)
    assert np.median(record.accuracy[-1]) > 0.95
    assert np.median(look(record).bends) > 0.2


def test_one_lucky_run_is_not_the_whole_story():
    """Few ReLU units: some seeds separate the moons, others end as a straight line would."""
    record = film(data="moons", activation="relu", layers=1, width=3, nets=16, seed=11)
    last = record.accuracy[-1]
    assert last.max() > 0.97 and last.min() < 0.93


# --- the record ---------------------------------------------------------------------------------


def test_the_film_is_the_training(moons):
    start = moons.thetas[0]
    run = train(
        moons.net, start, moons.data.X, moons.data.Y, LOGISTIC,
        steps=boundary.STEPS, optimizer=Momentum(0.1), record=moons.steps.tolist(),
    )  # fmt: skip
    np.testing.assert_array_equal(run.thetas, moons.thetas)
    np.testing.assert_array_equal(run.losses, moons.losses)
    assert moons.steps[0] == 0 and moons.steps[-1] == boundary.STEPS


def test_logits_and_accuracy_are_those_of_the_nets(moons):
    for frame in (0, 20, len(moons.steps) - 1):
        outputs = moons.net.output(moons.thetas[frame], moons.data.X)
        right = (outputs > 0) == (moons.data.Y > 0.5)
        np.testing.assert_array_equal(moons.accuracy[frame], right.mean((-2, -1)))
        x1, x2 = np.meshgrid(boundary.AXIS, boundary.AXIS)
        places = np.stack([x1.ravel(), x2.ravel()], axis=-1)
        logits = moons.net.output(moons.thetas[frame], places)[..., 0].reshape(5, *x1.shape)
        np.testing.assert_allclose(moons.logits[frame], logits, rtol=1e-6)


def test_ranking_goes_from_best_to_worst(moons):
    assert (np.diff(moons.losses[-1][moons.ranking]) >= 0).all()
    best, median, worst = (look(moons, show=f"{name} net") for name in ("best", "median", "worst"))
    assert best.losses < median.losses < worst.losses
    assert best.losses == moons.losses[-1].min() and worst.losses == moons.losses[-1].max()
    assert median.losses == np.median(moons.losses[-1])


def test_a_seed_gives_one_film_and_another_seed_another():
    first, again, other = (film(**SMALL, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.thetas, again.thetas)
    assert (first.thetas != other.thetas).any() and (first.data.X != other.data.X).any()


def test_the_points_do_not_depend_on_the_net():
    small, large = film(**SMALL), film(layers=2, width=5, nets=2, activation="tanh")
    np.testing.assert_array_equal(small.data.X, large.data.X)


def test_progress_rises_to_one():
    progress = list(boundary.record_decision_boundary(**SMALL))
    assert progress == sorted(progress)
    assert 0 <= progress[0] and progress[-1] == pytest.approx(1)


@pytest.mark.parametrize("when", [0.05, 0.8])
def test_stop_keeps_what_there_is(when):
    making = boundary.record_decision_boundary(activation="tanh", layers=3, nets=8)
    while next(making) < when:
        pass
    with pytest.raises(StopIteration) as end:
        making.send("stop")
    record = end.value.value
    assert 1 <= len(record.steps) < len(boundary.FRAMES)
    assert record.steps[-1] == len(record.losses) - 1  # the last state is always there
    assert len(record.logits) == len(record.thetas) == len(record.accuracy) == len(record.steps)
    assert boundary.describe_decision_boundary(look(record))


@pytest.mark.parametrize("count", [1, 2, 3, 10, 51])
def test_pictures_are_spread_evenly_wherever_they_stop(count):
    order = boundary._halving(count)
    assert sorted(order) == list(range(count)) and order[0] == count - 1
    for n in range(2, count + 1):
        assert np.diff(sorted(order[:n])).max() <= 2 * np.ceil((count - 1) / (n - 1))


# --- one frame ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def linear():
    """Outputs are linear in the place: the contours must be right to rounding."""
    return film(data="moons", activation="identity", layers=2, width=4, nets=5, seed=4)


def within(points):
    """The points that do not lie on the edge of the picture."""
    return points[(abs(points) < boundary.REACH - 1e-9).all(-1)]


def test_on_its_line_a_net_cannot_tell(linear):
    for frame in (0, 10, -1):
        result = look(linear, frame=frame, show="best net")
        points = within(result.lines[~np.isnan(result.lines[:, 0])])
        outputs = linear.net.output(linear.thetas[frame][result.net], points)
        assert len(points) > 20 and abs(outputs).max() < 1e-12


@pytest.mark.parametrize("show", ["worst net", "all nets"])
def test_regions_end_where_class_1_has_the_probability_they_say(linear, show):
    result = look(linear, frame=12, show=show)
    for (outline, _), probability in zip(result.regions, (0.1, 0.5, 0.9), strict=True):
        points = within(outline)
        logits = linear.net.output(linear.thetas[12], points)[..., 0]
        shown = np.median(logits, axis=0) if result.net < 0 else logits[result.net]
        # A median of straight lines has corners, which are cut where they lie inside a grid cell.
        tolerance = 1e-5 if result.net >= 0 else 0.004
        assert len(points) > 20
        np.testing.assert_allclose(1 / (1 + np.exp(-shown)), probability, atol=tolerance)


def test_all_nets_together_show_every_line(moons):
    together = look(moons, frame=9)
    alone = [look(moons._replace(ranking=[n]), frame=9, show="best net") for n in range(5)]
    np.testing.assert_array_equal(together.lines, np.concatenate([one.lines for one in alone]))
    np.testing.assert_array_equal(together.bends, np.concatenate([one.bends for one in alone]))
    assert np.isnan(together.lines[:, 0]).sum() >= 5  # no stroke from one net to the next


@pytest.mark.parametrize(
    "points, bend",
    [
        ([[0.0, 0.0], [1.0, 1.0], [3.0, 3.0]], 0),
        ([[0.0, 0.0], [np.nan, np.nan], [0.0, 2.0]], 0),
        ([[-1.0, 0.0], [1.0, 0.0], [-1.0, 0.5], [1.0, 0.5]], 0.25),
        (np.empty((0, 2)), np.nan),
    ],
)
def test_bend_is_the_distance_from_the_nearest_line(points, bend):
    assert boundary._bend(np.array(points)) == pytest.approx(bend, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("frame", [0, 25, -1])
@pytest.mark.parametrize("show", boundary.VIEWS)
def test_artists_show_the_result(moons, frame, show):
    result = look(moons, frame=frame, show=show)
    picture = Picture(
        boundary.build_decision_boundary, boundary.draw_decision_boundary, (8.4, 4.5)
    )
    picture.paint(result)
    artists = picture.artists
    np.testing.assert_array_equal(artists["lines"].get_xydata(), result.lines)
    shown = slice(None) if show == "all nets" else [result.net]
    assert result.step == moons.steps[frame]
    np.testing.assert_array_equal(artists["dots"].get_ydata(), moons.losses[result.step][shown])
    low, high = (f"{100 * f(moons.accuracy[frame][shown]):.4g}" for f in (np.min, np.max))
    words = artists["right"].get_text()
    assert words.endswith(f"({low} to {high})" if show == "all nets" else f"{low} %")
    assert set(artists["dots"].get_xdata()) == {result.step} == set(artists["now"].get_xdata())
    for patch, (points, _) in zip(artists["regions"], result.regions, strict=True):
        np.testing.assert_array_equal(patch.get_path().vertices, points)
    assert (artists["lines"].get_linewidth() < 1) == (show == "all nets")
    if show == "all nets":
        assert artists["curve"].get_xydata().size == 0 and len(result.losses) == 5
    else:
        np.testing.assert_array_equal(artists["curve"].get_ydata(), moons.losses[:, result.net])
    np.testing.assert_array_equal(artists["median"].get_ydata(), np.median(moons.losses, axis=1))
    band = artists["band"].get_paths()[0].vertices
    for t in (0, 100, boundary.STEPS):
        there = band[band[:, 0] == t, 1]
        assert there.min() == moons.losses[t].min() and there.max() == moons.losses[t].max()
    points = np.concatenate([artists[name].get_xydata() for name in ("zero", "one")])
    np.testing.assert_array_equal(points, moons.data.X)
    assert artists["step"].get_text() == str(result.step)


@pytest.mark.parametrize("show", ["all nets", "worst net"])
def test_every_place_has_the_colour_of_its_probability(moons, show):
    """Read from the pixels: tint number k where the probability is above level k."""
    picture = Picture(
        boundary.build_decision_boundary, boundary.draw_decision_boundary, (8.4, 4.5)
    )
    result = look(moons, frame=30, show=show)
    image = np.array(PIL.Image.open(io.BytesIO(picture.paint(result))))
    logits = moons.logits[30]
    logits = np.median(logits, axis=0) if result.net < 0 else logits[result.net]
    wanted = (logits[..., None] > np.array(plane.LEVELS)).sum(-1)
    x1, x2 = np.meshgrid(boundary.AXIS, boundary.AXIS)
    ax = picture.artists["lines"].axes
    across, up = ax.transData.transform(np.column_stack([x1.ravel(), x2.ravel()])).T
    inside = (abs(x1) < 1.8).ravel() & (abs(x2) < 1.8).ravel()
    pixels = image[(image.shape[0] - up[inside]).astype(int), across[inside].astype(int)]
    tints = 255 * np.array([to_rgb(tint) for tint in plane.TINTS])
    right = abs(pixels - tints[wanted.ravel()[inside]]).max(-1) < 3
    assert right.mean() > 0.8  # the rest lies under points and lines
    assert len(np.unique(wanted)) == 4


def test_only_a_new_film_asks_for_a_full_redraw(moons):
    picture = Picture(
        boundary.build_decision_boundary, boundary.draw_decision_boundary, (8.4, 4.5)
    )
    other = film(**SMALL)
    asked = [
        boundary.draw_decision_boundary(picture.artists, look(record, frame=frame))
        for record, frame in ((moons, 0), (moons, 9), (other, 0), (other, 3))
    ]
    assert asked == [True, False, True, False]


# --- the live figure ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "move",
    [
        {"frame": 7},
        {"show": "worst net"},
        {"data": "rings"},
        {"activation": "tanh"},
        {"layers": 2},
        {"width": 5},
        {"lr": 0.3},
        {"nets": 2},
        {"seed": 1},
    ],
    ids=lambda move: next(iter(move)),
)
def test_every_control_changes_the_picture_and_its_words(figure, move):
    figure.reset()
    before, words = figure.png(), figure.text
    figure.set(**move)
    assert figure.png() != before and figure.text != words
    figure.reset()
    assert figure.png() == before and figure.text == words


def test_the_line_of_code_gives_the_figure_again(figure):
    figure.set(data="spiral", frame=20, show="median net", lr=0.2, nets=2)
    again = eval(figure.experiment)
    assert again.text == figure.text and again.png() == figure.png()
    figure.reset()


def test_the_words_hold_the_numbers(figure):
    figure.reset()
    figure.set(frame=10)
    result = figure.result
    for number in (
        f"{np.median(result.losses):.3f}",
        f"{100 * np.median(result.accuracy):.4g} %",
        f"step {result.step} ",
        "median of 3 nets",
        f"{result.film.net.P} numbers",
    ):
        assert number in figure.text
    figure.reset()


def test_a_net_that_diverges_is_named_and_the_rest_goes_on():
    record = film(lr=0.3, layers=5, seed=0, nets=16)  # about half of them
    result = look(record)
    words = boundary.describe_decision_boundary(result)
    assert 0 < np.isnan(record.losses[-1]).sum() < 16
    assert "nets diverged, the first at step" in words and "nan" not in words
    worst = look(record, show="worst net")
    assert "more than a computer can hold" in boundary.describe_decision_boundary(worst)
    picture = Picture(
        boundary.build_decision_boundary, boundary.draw_decision_boundary, (8.4, 4.5)
    )
    assert picture.paint(result) != picture.paint(worst)


def test_an_infinite_loss_is_not_drawn(moons):
    run = train(
        moons.net, moons.thetas[0], moons.data.X, moons.data.Y, LOGISTIC, steps=3, record=2
    )
    losses = run.losses.copy()
    losses[2, 0] = np.inf
    kept = finish(boundary._film(moons.data, dataclasses.replace(run, losses=losses))).losses
    assert np.isnan(kept[2, 0]) and np.isnan(kept).sum() == 1


def test_when_all_diverge_the_last_good_picture_stays(figure, monkeypatch):
    figure.reset()
    before = figure.png()
    sentence = "lr = 10 is too large here.*after .* steps; choose a smaller learning rate"
    with pytest.raises(ValueError, match=sentence):
        figure.set(lr=10.0, layers=5, activation="identity", width=8)
    assert figure.png() == before
    monkeypatch.setattr(LiveFigure, "raise_errors", False)
    figure._recording.start()  # as the reader's press on Train does
    while figure._recording.job is not None:
        figure._recording.advance()
    assert "lr = 10 is too large" in figure.error and figure.png() == before
    figure.reset()
    assert figure.error is None


def test_the_learners_own_activation():
    bump = Activation(
        "bump", r"e^{-z^2}", lambda z: np.exp(-z * z), lambda z: -2 * z * np.exp(-z * z)
    )
    own = boundary.decision_boundary(own=bump, **SMALL)
    assert own.result.film.net.act is bump and "(bump)" in own.text
    assert own.experiment.startswith("boundary.decision_boundary(own=my_activation, data='moons'")
    own.set(activation="relu")
    assert own.result.film.net.act is ACTIVATIONS["relu"]
    with pytest.raises(TypeError, match="own must be an Activation"):
        boundary.decision_boundary(own=np.tanh)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"layers": 0}, "layers must be a whole number from 1 to 5, got 0"),
        ({"layers": 1.5}, "layers must be .* from 1 to 5, got 1.5"),
        ({"width": 0}, "width must be a whole number from 1 to 16, got 0"),
        ({"width": "wide"}, "width must be .* from 1 to 16, got 'wide'"),
        ({"lr": float("nan")}, "lr must be a number from 0.001 to 10, got nan"),
        ({"lr": -1.0}, "lr must be a number from 0.001 to 10, got -1"),
        ({"nets": 33}, "nets must be a whole number from 1 to 32, got 33"),
        ({"seed": -1}, "seed must be a whole number from 0 to 99, got -1"),
        ({"activation": "rleu"}, "activation must be one of .*'relu'.*; got 'rleu'.*'relu'"),
        ({"activation": None}, "activation must be one of"),
        ({"data": "moon"}, "data must be one of .*'moons'.*; got 'moon'"),
    ],
)
def test_settings_that_do_not_fit_are_named_with_what_would(wrong, message, figure):
    with pytest.raises((TypeError, ValueError), match=message):
        film(**wrong)
    before = figure.png()
    with pytest.raises((TypeError, ValueError), match=message):
        figure.set(**wrong)
    assert figure.png() == before


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"frame": 50}, "frame must be .*, got 50"),
        ({"frame": 0.5}, "frame must be .*, got 0.5"),
        ({"show": "lucky net"}, "show must be one of 'all nets', .*; got 'lucky net'"),
    ],
)
def test_views_that_do_not_fit_are_named_with_what_would(wrong, message, moons):
    with pytest.raises((TypeError, ValueError), match=message):
        look(moons, **wrong)
