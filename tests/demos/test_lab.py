"""The lab: pictures of the film, nothing cut at any setting, a line that gives the same run."""

import io

import numpy as np
import PIL.Image
import pytest
from matplotlib.colors import to_rgb

from helpers import experiment, plane
from helpers.activations import Activation
from helpers.demos import lab
from helpers.demos.lab import SHARES, SIZES, compute_lab, record_lab
from helpers.experiment import Experiment
from helpers.live import LiveFigure, Number, Picture
from helpers.network import Net
from helpers.training import finish

SMALL = dict(nets=4, width=6, steps=60, seed=26)
SIZE = (8.4, 4.8)


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


@pytest.fixture(scope="module")
def moons():
    return finish(record_lab(**SMALL))


@pytest.fixture(scope="module")
def digits():
    return finish(record_lab(**SMALL, data="digits", batch=64))


@pytest.fixture(scope="module")
def figure():
    return lab.lab(**SMALL)


def painted(result):
    picture = Picture(lab.build_lab, lab.draw_lab, SIZE)
    return picture, picture.paint(result)


# --- record -------------------------------------------------------------------------------------


def test_the_film_is_the_experiment(moons):
    film = experiment.run(**SMALL)
    for mine, yours in zip(moons.film[1:-1], film[1:-1], strict=True):
        np.testing.assert_array_equal(mine, yours)


@pytest.mark.parametrize("settings, names", [
    (dict(activation="leaky_relu", slope=0.3), ["leaky_relu(0.3)"] * 2),
    (dict(activation="elu", beta=2.0), ["elu(2)"] * 2),
    (dict(activation="silu", beta=3.0), ["swish(3)"] * 2),
    (dict(activation="relu", slope=0.3, beta=3.0), ["relu"] * 2),
    (dict(activation="relu", upper="tanh"), ["relu", "tanh"]),
    (dict(activation="relu", upper="tanh", depth=1), ["relu"]),
    (dict(activation="elu", beta=2.0, upper="sigmoid", depth=3), ["elu(2)"] * 2 + ["sigmoid"]),
    (dict(activation="gelu, tanh", upper="no change"), ["gelu", "tanh"]),
])  # fmt: skip
def test_activations_by_layer(settings, names):
    scene = finish(record_lab(**{**SMALL, "steps": 10}, **settings))
    assert [act.name for act in scene.film.settings.net.acts[:-1]] == names


def test_maps_are_those_of_the_nets(moons):
    film, net = moons.film, moons.film.settings.net
    x1, x2 = np.meshgrid(lab.AXIS, lab.AXIS)
    places = np.stack([x1.ravel(), x2.ravel()], -1)
    for frame in (0, 7, len(film.steps) - 1):
        logits = net.output(film.thetas[frame].astype(float), places)[..., 0].reshape(4, *x1.shape)
        np.testing.assert_allclose(moons.maps[frame], logits, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(moons.middle[frame], np.median(logits, 0), rtol=1e-3, atol=1e-4)
        for n in range(4):
            line = moons.lines[frame][n]
            np.testing.assert_array_equal(line, plane.line(lab.AXIS, moons.maps[frame, n]))


def test_the_confusion_counts_every_test_digit(digits):
    _, test = digits.film.settings.examples
    frame, net = len(digits.film.steps) - 1, digits.film.settings.net
    said = net.output(digits.film.theta, test.X).argmax(-1)
    for n in range(4):
        for true in range(10):
            of_this = said[n][test.Y == true]
            shares = np.bincount(of_this, minlength=10) / len(of_this)
            np.testing.assert_allclose(digits.maps[frame, n, true], shares, atol=1e-6)
    np.testing.assert_allclose(digits.middle[frame], digits.maps[frame].mean(0), rtol=1e-6)
    counts = np.bincount(test.Y) / len(test.Y)
    right = (digits.maps[frame].diagonal(axis1=1, axis2=2) * counts).sum(-1)
    np.testing.assert_allclose(right, digits.film.accuracy[-1], atol=1e-6)


def test_ranking_is_by_the_last_loss(moons):
    last = moons.film.losses[-1]
    assert (np.diff(last[moons.ranking]) >= 0).all()
    best, median, worst = (compute_lab(record=moons, show=f"{n} net").net
                           for n in ("best", "median", "worst"))  # fmt: skip
    assert last[best] == last.min() and last[worst] == last.max()
    assert last[best] < last[median] < last[worst]


def test_progress_rises_and_stop_keeps_what_there_is():
    progress = list(record_lab(**SMALL))
    assert progress == sorted(progress) and progress[-1] == pytest.approx(1)
    for when in (0.1, 0.9):
        making = record_lab(**{**SMALL, "steps": 1000, "nets": 8})
        while next(making) < when:
            pass
        with pytest.raises(StopIteration) as end:
            making.send("stop")
        scene = end.value.value
        assert scene.film.steps[-1] == len(scene.film.losses) - 1
        assert len(scene.maps) == len(scene.lines) == len(scene.film.thetas) >= 1
        assert lab.describe_lab(compute_lab(record=scene))


def test_own_activation():
    own = Activation("mine", "z|z|", lambda z: z * abs(z), lambda z: 2 * abs(z),
                     (-np.inf, np.inf), "me")  # fmt: skip
    figure = lab.lab(**{**SMALL, "steps": 10}, own=own, scale=0.3)
    assert figure.record.film.settings.net.acts[0] is own
    line = "lab.lab(own=my_activation, data='moons', activation='mine'"
    assert figure.experiment.startswith(line)
    figure.set(activation="tanh")
    assert figure.record.film.settings.net.acts[0].name == "tanh"
    with pytest.raises(TypeError, match="own must be an Activation"):
        lab.lab(own=np.tanh)


# --- one frame ----------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", [1, 2])
def test_a_unit_on_the_plane(moons, layer):
    view = dict(frame=9, show="best net", picture="unit", layer=layer, unit=3)
    result = compute_lab(record=moons, **view)
    net, theta = moons.film.net(9), moons.film.thetas[9, result.net].astype(float)
    passed = net.forward(theta, lab.GRID.astype(float))
    a, z = passed.A[layer][:, 2], passed.Z[layer - 1][:, 2]
    assert result.unit[:2] == (layer, 3)
    np.testing.assert_allclose(result.unit[2:], (a.min(), a.max()), rtol=1e-4, atol=1e-6)
    everything, *higher = result.regions
    assert np.ptp(everything[0], axis=0).tolist() == [2 * lab.REACH] * 2
    steps = np.linspace(a.min(), a.max(), 7)[1:-1]
    for (points, _), level in zip(higher, steps, strict=True):
        inside = points[(abs(points) < lab.REACH - 1e-6).all(-1)]
        if len(inside):
            at = net.forward(theta, inside).A[layer][:, 2]
            np.testing.assert_allclose(at, level, atol=0.12 * np.ptp(a))
    points = result.lines[(abs(result.lines) < lab.REACH - 1e-6).all(-1)]
    zero = net.forward(theta, points).Z[layer - 1][:, 2] if len(points) else np.zeros(1)
    assert abs(zero).max() < 0.05 * np.ptp(z)


def test_a_unit_of_the_first_layer_shows_its_weights(digits):
    result = compute_lab(record=digits, show="worst net", picture="unit", layer=1, unit=4)
    W, _ = digits.film.settings.net.layers(digits.film.thetas[-1, result.net])[0]
    np.testing.assert_allclose(result.regions, W[:, 3].reshape(8, 8), rtol=1e-4, atol=1e-7)


def test_a_deeper_unit_shows_its_mean_slope(digits):
    result = compute_lab(record=digits, frame=5, picture="unit", layer=2, unit=4)
    net = digits.film.settings.net
    number = digits.ranking[(len(digits.ranking) - 1) // 2]  # of all nets: the median one
    layers = net.layers(digits.film.thetas[5, number].astype(float))
    X = digits.film.settings.examples[0].X[: lab.SAMPLE]
    part = Net((64, 6, 1), net.acts[0])
    theta = part.pack([layers[0], (layers[1][0][:, [3]], layers[1][1][:, [3]])])
    slopes = part.jacobian(theta, X)[:, 0].mean(0)
    np.testing.assert_allclose(result.regions.ravel(), slopes, rtol=1e-3, atol=1e-5)


def test_a_layer_or_unit_that_is_not_there_is_the_last_one(moons):
    result = compute_lab(record=moons, picture="unit", layer=9, unit=60)
    assert result.unit[:2] == (2, 6)


@pytest.mark.parametrize("wrong, words", [
    (dict(frame=999), "frame"), (dict(show="best"), "show must be one of"),
    (dict(picture="units"), "did you mean 'unit'"), (dict(layer=11), "layer"),
    (dict(unit=0), "unit"),
])  # fmt: skip
def test_bad_views_are_refused(moons, wrong, words):
    with pytest.raises(ValueError, match=words):
        compute_lab(record=moons, **wrong)


# --- the picture --------------------------------------------------------------------------------


@pytest.mark.parametrize("show", lab.SHOWN)
def test_health_is_drawn_as_it_was_recorded(moons, show):
    result = compute_lab(record=moons, frame=11, show=show)
    picture, _ = painted(result)
    a, film = picture.artists, moons.film
    for name in (*SHARES, *SIZES):
        values = getattr(film, name)[11][result.shown]
        values = np.log10(values) if name in SIZES else values
        bars, dots = a[name]
        np.testing.assert_allclose(dots.get_ydata(), np.median(values, 0), atol=1e-9)
        ends = np.array([segment[:, 1] for segment in bars.get_segments()])
        np.testing.assert_allclose(ends, np.stack([values.min(0), values.max(0)], -1), atol=1e-9)
        assert (np.round(dots.get_xdata()) == np.arange(1, len(ends) + 1)).all()
    assert a["median"].get_ydata() == pytest.approx(np.median(film.losses, 1))
    curve = a["curve"].get_ydata()
    assert len(curve) == (0 if show == "all nets" else 61)
    assert curve == pytest.approx(film.losses[:, result.net] if len(curve) else [])
    assert a["right"].get_text().startswith(f"{100 * np.median(result.accuracy):.0f}%")


def test_a_gradient_of_zero_lies_on_its_own_tick():
    scene = finish(record_lab(**{**SMALL, "steps": 20}, activation="step"))
    picture, _ = painted(compute_lab(record=scene))
    ax = picture.artists["layers"][1]
    low, floor = picture.artists["limits"]
    labels = dict(zip(ax.get_yticks(), (t.get_text() for t in ax.get_yticklabels()), strict=True))
    assert labels[floor] == "0" and floor < low
    assert picture.artists["gradients"][1].get_ydata()[0] == floor
    assert (scene.film.gradients[..., 0] == 0).all() and (scene.film.dead == 1).all()


@pytest.mark.parametrize("values, low, high, zero", [
    ([1e-3, 2.0], -3, 1, False), ([1e-200, 1e-180], -100, -98, False), ([0.0, 0.5], -1, 1, True),
    ([0.0, 0.0], -1, 1, True), ([3e5, 4e40], 5, 30, False),
])  # fmt: skip
def test_the_axis_of_gradients(values, low, high, zero):
    assert lab._decades([np.array(values).reshape(2, 1, 1)]) == (low, high, zero)


def test_very_small_gradients_lie_on_the_lowest_decade_not_on_zero():
    got = lab._log10(np.array([0.0, 1e-300, 1e-2]), -100, -130)
    assert got.tolist() == [-130, -100, -2]


@pytest.mark.parametrize("show", ["all nets", "worst net"])
def test_every_place_has_the_colour_of_its_probability(moons, show):
    result = compute_lab(record=moons, frame=20, show=show)
    picture, png = painted(result)
    image = np.array(PIL.Image.open(io.BytesIO(png)))
    logits = moons.middle[20] if result.net < 0 else moons.maps[20, result.net]
    wanted = (logits[..., None] > np.array(plane.LEVELS)).sum(-1)
    x1, x2 = np.meshgrid(lab.AXIS, lab.AXIS)
    ax = picture.artists["places"][0]
    across, up = ax.transData.transform(np.column_stack([x1.ravel(), x2.ravel()])).T
    inside = (abs(x1) < 1.8).ravel() & (abs(x2) < 1.8).ravel()
    pixels = image[(image.shape[0] - up[inside]).astype(int), across[inside].astype(int)]
    tints = 255 * np.array([to_rgb(tint) for tint in plane.TINTS])
    right = abs(pixels - tints[wanted.ravel()[inside]]).max(-1) < 3
    assert right.mean() > 0.8  # the rest lies under points and lines


def test_only_what_is_new_asks_for_a_full_redraw(moons, digits):
    picture = Picture(lab.build_lab, lab.draw_lab, SIZE)
    views = [(moons, {}), (moons, dict(frame=3)), (moons, dict(picture="unit")),
             (digits, {}), (digits, dict(frame=2)), (digits, dict(picture="unit")),
             (digits, dict(picture="unit", unit=2, layer=2)), (moons, {})]  # fmt: skip
    asked = [lab.draw_lab(picture.artists, compute_lab(record=r, **view)) for r, view in views]
    assert asked == [True, False, False, True, False, True, False, True]


@pytest.mark.parametrize("settings", [
    dict(depth=10, then="relu", switch=30, data="spiral"), dict(depth=10, data="digits", batch=32),
    dict(scale=0.01, depth=10, activation="tanh"), dict(scale=10.0, optimizer="sgd", lr=0.01),
    dict(scheme="zeros"), dict(activation="identity", optimizer="momentum", lr=0.3, depth=5),
], ids=str)  # fmt: skip
def test_nothing_overlaps_and_nothing_is_cut_at_extremes(settings):
    scene = finish(record_lab(**{**SMALL, "steps": 100}, **settings))
    picture, _ = painted(compute_lab(record=scene))
    fig, renderer = picture.figure, picture.canvas.get_renderer()
    loss, (shares, sizes) = picture.artists["loss"], picture.artists["layers"]
    for ax in (loss, shares, sizes):
        boxes = [t.get_window_extent(renderer) for t in ax.get_xticklabels() if t.get_text()]
        assert all(a.x1 < b.x0 for a, b in zip(boxes[:-1], boxes[1:], strict=True))
        boxes = [t.get_window_extent(renderer) for t in ax.get_yticklabels() if t.get_text()]
        boxes = sorted(boxes, key=lambda box: box.y0)
        assert all(a.y1 < b.y0 + 3 for a, b in zip(boxes[:-1], boxes[1:], strict=True))
        texts = [*ax.texts, ax.xaxis.label, *ax.get_xticklabels()]
        for box in (t.get_window_extent(renderer) for t in texts if t.get_text().strip()):
            assert box.x1 <= fig.bbox.x1 and box.y1 <= fig.bbox.y1 and box.y0 >= 0
    title, right = loss.title, picture.artists["right"]
    title = next(t for t in (loss._left_title, title) if t.get_text().strip())
    assert title.get_window_extent(renderer).x1 < right.get_window_extent(renderer).x0


# --- the live figure ----------------------------------------------------------------------------

MOVES = [
    dict(frame=3), dict(show="worst net"), dict(picture="unit"), dict(data="rings"),
    dict(activation="tanh"), dict(activation="leaky_relu", slope=0.5),
    dict(activation="elu", beta=3.0), dict(upper="tanh"), dict(depth=3), dict(width=5),
    dict(scheme="normal"), dict(scale=2.0), dict(bias=1.0), dict(optimizer="sgd"), dict(lr=0.1),
    dict(batch=40), dict(l1=0.1), dict(l2=0.1), dict(steps=70), dict(nets=3), dict(seed=27),
    dict(then="tanh", switch=30), dict(then="identity", switch=50),
]  # fmt: skip


@pytest.mark.parametrize("move", MOVES, ids=str)
def test_every_control_changes_the_picture_and_its_words(figure, move):
    figure.reset()
    before, words = figure.png(), figure.text
    figure.set(**move)
    assert figure.png() != before and figure.text != words
    figure.reset()
    assert figure.png() == before and figure.text == words


@pytest.mark.parametrize("move", [dict(unit=2), dict(layer=2)], ids=str)
def test_the_controls_of_a_unit_work_when_one_is_shown(figure, move):
    figure.reset()
    figure.set(picture="unit")
    before = figure.png()
    figure.set(**move)
    assert figure.png() != before
    figure.reset()


def test_every_slider_has_a_label_and_no_step_is_missing(figure):
    for panel in figure._panels():
        for name, control in panel.controls.items():
            assert control.label
            if isinstance(control, Number):
                assert control.ladder[0] == control.low and control.ladder[-1] == control.high, name


def test_the_words_hold_the_numbers(figure):
    figure.reset()
    figure.set(frame=10)
    result = figure.result
    for number in (
        f"Step {result.step},", "4 nets", "2 x 6 hidden units (relu)",
        f"{100 * np.median(result.accuracy):.1f}%",
        f"{np.median(result.scene.film.zeros[10, :, 0]):.0%}",
        f"{np.median(result.scene.film.gradients[10, :, 2]):.1e}",
        f"{np.median(result.scene.film.updates[10, :, 0]):.1e}",
    ):
        assert number in figure.text, number
    figure.reset()


def test_the_line_of_code_gives_the_figure_again(figure):
    figure.set(activation="tanh", then="relu", switch=20, frame=6, show="median net", l2=0.01)
    again = eval(figure.experiment)
    assert again.text == figure.text and again.png() == figure.png()
    figure.reset()


def test_pasted_into_a_fresh_kernel_the_line_gives_the_same_losses_bit_for_bit(figure):
    figure.reset()
    figure.set(activation="gelu", upper="tanh", batch=64, l1=0.01, then="sigmoid", switch=40)
    losses = figure.record.film.losses
    fresh = lab.pasted(figure.experiment)
    assert fresh.shape == losses.shape == (61, 4)
    assert fresh.tobytes() == losses.tobytes()
    other = lab.pasted(figure.experiment.replace("seed=26", "seed=27"))
    assert (fresh != other).all()
    figure.reset()


def test_a_line_that_runs_only_here_is_refused_in_words():
    with pytest.raises(ValueError, match="says: NameError: name 'my_activation' is not defined"):
        lab.pasted("lab.lab(own=my_activation, steps=10)")


def test_swap_is_the_lab_with_fewer_controls():
    few = lab.swap(seed=26)
    same = lab.lab(data="spiral", then="tanh", nets=8, seed=26)
    assert few.text == same.text and few.png() == same.png()
    for move in (dict(data="moons"), dict(activation="elu"), dict(depth=3), dict(bias=-4.0),
                 dict(seed=27), dict(then="identity"), dict(switch=300), dict(frame=3),
                 dict(show="worst net")):  # fmt: skip
        few.reset()
        before, words = few.png(), few.text
        few.set(**move)
        assert few.png() != before and few.text != words, move
    again = eval(few.experiment)
    assert again.text == few.text and again.png() == few.png()
    assert few.experiment.startswith("lab.swap(data='spiral', activation='relu', depth=2")


def test_text_as_activation_becomes_a_choice():
    figure = lab.lab(**{**SMALL, "steps": 10}, activation="relu, elu(2)")
    assert "relu, elu(2) " not in figure.experiment and "'relu, elu(2)'" in figure.experiment
    assert "(relu, elu(2))" in figure.text


def test_an_experiment_that_cannot_be_is_said_and_the_picture_stays(figure):
    figure.reset()
    before = figure.png()
    with pytest.raises(ValueError, match="too large together"):
        figure.set(activation="identity", optimizer="sgd", lr=10.0, scale=10.0, depth=10)
    assert figure.png() == before
    figure.reset()


def test_the_defaults_are_those_of_the_experiment():
    settings = finish(record_lab(steps=10)).film.settings
    assert settings == Experiment(steps=10)
    assert Experiment().net.sizes == (2, 16, 16, 1) and Experiment().nets == 16


def test_a_figure_has_room_for_what_it_shows_later():
    """Its layout is made once; the labels of the digits fit if it opens with the plane."""
    turned = lab.lab(steps=50, nets=1, seed=26)
    turned.set(data="digits")
    picture = turned._picture
    ax = picture.artists["places"][1]
    whole, needed = picture.figure.bbox, ax.get_tightbbox(picture.figure.canvas.get_renderer())
    assert ax.get_visible() and ax.get_xlabel()
    assert whole.y0 <= needed.y0 and needed.y1 <= whole.y1
