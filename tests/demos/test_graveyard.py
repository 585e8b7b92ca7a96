"""The demos on dying ReLU: an exact census, a switch that starts nothing anew, true figures."""

import math
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from helpers import datasets, diagnostics, style
from helpers.activations import RELU
from helpers.demos import graveyard
from helpers.demos.graveyard import (
    BATCH,
    CLASSES,
    LAYERS,
    LRS,
    NETS,
    TRAIN,
    as_relu,
    compute_lab,
    compute_shift,
    look,
    record_lab,
    record_shift,
    record_threshold,
)  # fmt: skip
from helpers.live import LiveFigure, Number
from helpers.losses import accuracy
from helpers.network import Net
from helpers.training import SGD, finish, train

SMALL = dict(width=12, depth=2, steps=100, switch=40, lr=1.5, seed=26)
X, Y = graveyard._digits()


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


@pytest.fixture(scope="module")
def film():
    """Units die and come back in it, and after step 40 they leak."""
    return finish(record_lab(**SMALL))


@pytest.fixture(scope="module")
def shares():
    return finish(record_threshold(width=30, seed=27))


@pytest.fixture(scope="module")
def reach():
    return finish(record_shift(seed=28))


def artists(figure):
    return figure._picture.artists


def picture(figure):
    return figure._image.value


# --- the census ---------------------------------------------------------------------------------


def test_the_three_counters_are_about_rows_within_rows():
    assert Y[:CLASSES].tolist() == list(range(CLASSES))
    assert CLASSES < BATCH < TRAIN < len(X) == 1797
    digits = datasets.digits()
    again = sorted(map(tuple, np.column_stack([X, Y]))), sorted(
        map(tuple, np.column_stack([digits.X, digits.Y]))
    )
    assert again[0] == again[1]  # every digit once: nothing learned from is tested on


@pytest.mark.parametrize("act", ["relu", "elu"])
def test_a_look_agrees_with_the_diagnostics(act):
    net = Net((64, 9, 9, 10), act)
    theta = net.init(np.random.default_rng(2600), "he", lead=(3,), bias=1.0)
    seen = look(net, theta)
    Z = net.forward(theta, X[:TRAIN]).Z[:-1]
    for k, z in enumerate(Z):
        np.testing.assert_array_equal(~seen.data[:, k], diagnostics.dead_on_data(RELU, [z]))
        np.testing.assert_array_equal(
            ~seen.batch[:, k], diagnostics.dead_on_batch(RELU, z[:, :BATCH])
        )
        zero = diagnostics.zero_for_input(RELU, z[:, :CLASSES])
        np.testing.assert_array_equal(~seen.digit[:, :, k], zero.swapaxes(0, 1))
    np.testing.assert_allclose(
        seen.accuracy, accuracy(net.output(theta, X[TRAIN:]), Y[TRAIN:]), atol=1e-12
    )
    assert 0 < seen.data.mean() <= 1 and seen.digit.mean() < seen.batch.mean() < seen.data.mean()


def test_a_unit_that_is_on_only_for_new_digits_is_dead():
    net = Net((64, 40, 10))
    theta = net.init(np.random.default_rng(2601), "he")
    W, b = net.layers(theta)[0]
    z = X @ W
    learned, new = z[:TRAIN].max(0), z[TRAIN:].max(0)
    unit = int(np.argmax(new - learned))
    b[:] = 10.0
    b[0, unit] = -(learned[unit] + new[unit]) / 2
    assert new[unit] > learned[unit]
    seen = look(net, theta[None])
    assert np.flatnonzero(~seen.data[0, 0]).tolist() == [unit]


def test_looking_does_not_change_the_training(film):
    """The film against plain training of the same start, frame by frame, until the switch."""
    net = Net((64, 12, 12, 10))
    theta = graveyard._start(net, 26, NETS, 0.0)
    run = train(
        net, theta, X[:TRAIN], Y[:TRAIN], "softmax", steps=40, batch=BATCH,
        rng=np.random.default_rng([26, 1]), optimizer=SGD(1.5), record=range(41),
    )  # fmt: skip
    assert film.steps.tolist() == list(range(101))
    for step in (0, 1, 17, 39):
        seen = look(net, run.thetas[step])
        for got, wanted in zip((film.data, film.batch, film.digit, film.accuracy), seen,
                               strict=True):
            np.testing.assert_array_equal(got[step], wanted)


def test_deaths_and_revivals_are_counted_one_by_one(film):
    deaths, revivals = np.zeros((NETS, 2)), np.zeros((NETS, 2))
    for frame, (before, after) in enumerate(pairwise(film.data), 1):
        deaths += (before & ~after).sum(-1)
        revivals += (~before & after).sum(-1)
        np.testing.assert_array_equal(film.deaths[frame], deaths)
        np.testing.assert_array_equal(film.revivals[frame], revivals)
    assert not film.deaths[0].any() and not film.revivals[0].any()


# --- the lab ------------------------------------------------------------------------------------


def test_the_first_layer_never_comes_back_and_deeper_ones_do(film):
    deaths, revivals = as_relu(film)
    assert deaths[0] > 10 and revivals[0] == 0
    assert revivals[1] > 10


@pytest.mark.parametrize("after", ["leaky", "elu", "surrogate"])
def test_the_switch_starts_nothing_anew(film, after):
    """Until the switch all films agree; at it the first layer, which has the same theta, too."""
    other = finish(record_lab(**SMALL, after=after, lr_after=0.1))
    same = finish(record_lab(**SMALL, after="relu", lr_after=0.1))
    np.testing.assert_array_equal(other.data[:40], same.data[:40])
    np.testing.assert_array_equal(other.data[40, :, 0], same.data[40, :, 0])
    assert (other.data[41:] != same.data[41:]).any()
    assert same.revivals[-1, :, 0].sum() == 0  # a smaller rate alone brings nobody back
    assert other.revivals[-1, :, 0].sum() > 0


def test_without_a_switch_it_is_one_training():
    settings = SMALL | dict(switch=400)
    whole, stitched = (
        finish(record_lab(**settings | change))
        for change in ({}, dict(switch=63, after="relu", lr_after=1.5))
    )
    first = whole.steps < 63  # a new epoch begins at the switch: other batches, the same class
    np.testing.assert_array_equal(whole.data[first], stitched.data[first])
    assert whole.revivals[-1, :, 0].sum() == stitched.revivals[-1, :, 0].sum() == 0
    assert as_relu(whole)[0].tolist() == whole.deaths[-1].sum(0).tolist()


def test_the_state_of_a_unit_is_how_much_of_the_data_it_is_on_for(film):
    result = compute_lab(record=film, frame=30, net=3, digit=8)
    assert [len(states) for states in result.states] == [12, 12]
    now = np.concatenate([states[:, 30] for states in result.states])
    assert result.counts.tolist() == [int((now == state).sum()) for state in range(4)]
    on = film.data[30, 2], film.batch[30, 2], film.digit[30, 8, 2]
    wanted = [(~on[0]).sum(), (on[0] & ~on[1]).sum(), (on[1] & ~on[2]).sum(), on[2].sum()]
    assert result.counts.tolist() == wanted
    for states in result.states:
        dead = (states == graveyard.DEAD).sum(1)
        assert (np.diff(dead) >= 0).all()  # the dead lie at the bottom


@pytest.mark.parametrize("layer, wanted", [("first layer", [0]), ("last hidden layer", [1]),
                                           ("all layers", [0, 1])])  # fmt: skip
def test_events_are_those_of_the_layers_shown(film, layer, wanted):
    result = compute_lab(record=film, layer=layer)
    assert len(result.states) == len(wanted)
    np.testing.assert_allclose(result.deaths, film.deaths[:, :, wanted].sum(-1).mean(-1))
    np.testing.assert_allclose(result.revivals, film.revivals[:, :, wanted].sum(-1).mean(-1))


def test_the_raster_paints_every_cell_where_it_belongs():
    with style.rc():
        fig = style.figure((4, 3))
        ax = fig.subplots()
        ax.spines[:].set_visible(False)
        ax.set(xticks=(), yticks=())
        raster = ax.add_artist(graveyard.Raster())
        raster.cells = np.array([[0, 1, 2], [3, 4, 0]], np.uint8)
        canvas = FigureCanvasAgg(fig)
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())
    colors = [*graveyard.COLORS, "white"]
    for row, column in np.ndindex(2, 3):
        x, y = ax.transAxes.transform([(column + 0.5) / 3, 1 - (row + 0.5) / 2]).astype(int)
        wanted = style.to_rgb(colors[raster.cells[row, column]])
        np.testing.assert_allclose(pixels[len(pixels) - y, x, :3] / 255, wanted, atol=0.01)


def test_lab_artists_show_the_result():
    figure = graveyard.lab(**SMALL, layer="all layers", net=5, digit=2, frame=50)
    r, drawn = figure.result, artists(figure)
    assert [text.get_text() for text in drawn["counts"]] == [f"{n}" for n in r.counts]
    for state in range(4):
        assert (drawn["raster"].cells == state).sum() == sum((s == state).sum() for s in r.states)
    np.testing.assert_array_equal(drawn["raster"].cells[:12], r.states[0])
    np.testing.assert_array_equal(drawn["raster"].cells[-12:], r.states[1])
    np.testing.assert_array_equal(drawn["accuracy"].get_ydata(), r.film.accuracy[:, 4])
    np.testing.assert_array_equal(drawn["median"].get_ydata(), np.median(r.film.accuracy, 1))
    for k in (0, 1):
        share = np.median((~r.film.data[:, :, k]).mean(-1), axis=1)
        np.testing.assert_allclose(drawn["dead"][k].get_ydata(), share)
    np.testing.assert_array_equal(drawn["deaths"].get_ydata(), r.deaths)
    np.testing.assert_array_equal(drawn["revivals"].get_ydata(), r.revivals)
    assert {line.get_xdata()[0] for line in drawn["now"]} == {50}
    assert {line.get_xdata()[0] for line in drawn["switch"]} == {40}
    assert f"{r.counts[0]} dead on all data" in figure.text
    deaths, revivals = as_relu(r.film)
    assert f"first layer {deaths[0]} deaths, {revivals[0]} revivals" in figure.text


def test_stop_leaves_a_film_that_can_be_drawn():
    making = record_lab(width=30, steps=400)
    next(making)
    with pytest.raises(StopIteration) as end:
        making.send("stop")
    film = end.value.value
    assert 1 <= len(film.steps) < 101 and film.steps[-1] < 400
    assert "Stopped by hand" in graveyard.describe_lab(compute_lab(record=film))


def test_a_net_that_diverges_is_named():
    wild = dict(switch=0, after="leaky", lr_after=5.0, depth=3, width=30)
    film = finish(record_lab(**SMALL | wild))
    text = graveyard.describe_lab(compute_lab(record=film))
    assert "diverged" in text and "nan" not in text


# --- the threshold ------------------------------------------------------------------------------


def test_shares_are_those_of_plain_training(shares):
    net = Net((64, 30, 10))
    theta = graveyard._start(net, 27, graveyard.STARTS, 0.0)
    run = train(
        net, theta, X[:TRAIN], Y[:TRAIN], "softmax", steps=300, batch=BATCH,
        rng=np.random.default_rng([27, 1]), optimizer=SGD(0.3), record=[0, 10, 300],
    )  # fmt: skip
    for at, theta in zip((0, 3, 8), run.thetas, strict=True):
        assert shares.steps[at] == run.frames[(0, 3, 8).index(at)]
        z = net.forward(theta, X).Z[0]
        dead = diagnostics.dead_on_data(RELU, [z[:, :TRAIN]]).mean(-1)
        np.testing.assert_allclose(shares.data[at, LRS.index(0.3)], dead, atol=1e-12)
        batch = diagnostics.dead_on_batch(RELU, z[:, :BATCH]).mean(-1)
        np.testing.assert_allclose(shares.batch[at, LRS.index(0.3)], batch, atol=1e-12)
        zero = diagnostics.zero_for_input(RELU, z[:, :CLASSES]).mean((-2, -1))
        np.testing.assert_allclose(shares.zero[at, LRS.index(0.3)], zero, atol=1e-12)
        right = accuracy(net.output(theta, X[TRAIN:]), Y[TRAIN:])
        np.testing.assert_allclose(shares.accuracy[at, LRS.index(0.3)], right, atol=1e-12)


def test_all_rates_begin_with_the_same_nets(shares):
    for share in (shares.zero, shares.batch, shares.data, shares.accuracy):
        assert (share[0] == share[0, :1]).all()


def test_the_counters_are_nested_and_the_rate_kills(shares):
    assert (shares.zero >= shares.batch).all() and (shares.batch >= shares.data).all()
    dead = np.median(shares.data[-1], -1)
    assert dead[0] < 0.1 and dead[-1] > 0.9
    right = np.median(shares.accuracy[-1], -1)
    assert right[0] > 0.9 and right[-1] < 0.25


def test_one_class_for_all_is_the_floor():
    guess = np.bincount(Y[:TRAIN]).argmax()
    assert graveyard.most_common() == pytest.approx(np.mean(Y[TRAIN:] == guess))


def test_threshold_artists_show_the_result():
    figure = graveyard.threshold(width=20, lr=1.2, frame=4)
    r, drawn = figure.result, artists(figure)
    np.testing.assert_array_equal(drawn["dead"].get_ydata(), r.dead.ravel())
    np.testing.assert_array_equal(drawn["right"].get_ydata(), r.accuracy.ravel())
    np.testing.assert_array_equal(drawn["both"].get_xdata(), r.dead.ravel())
    np.testing.assert_array_equal(drawn["these"].get_xdata(), r.dead[LRS.index(1.2)])
    np.testing.assert_array_equal(drawn["these"].get_ydata(), r.accuracy[LRS.index(1.2)])
    for line, share in zip(drawn["lines"], (r.record.zero, r.record.batch, r.record.data),
                           strict=True):
        np.testing.assert_allclose(line.get_ydata(), np.median(share[4], -1))
    assert drawn["step"].get_text() == "20" and drawn["lr"].get_text() == "1.2"
    assert "step 20" in figure.text and "At learning rate 1.2" in figure.text


# --- the shift ----------------------------------------------------------------------------------


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("bias, shift", [(0.0, 0.0), (-1.3, 0.0), (0.4, 0.7), (0.0, -1.5)])
def test_moving_z_is_moving_bias_and_data(reach, trained, bias, shift):
    net = Net((64, graveyard.WIDTH, 10))
    theta = graveyard._start(net, 28, graveyard.STARTS, 0.0)
    if trained:
        theta = train(
            net, theta, X[:TRAIN], Y[:TRAIN], "softmax", steps=300, batch=BATCH,
            rng=np.random.default_rng([28, 1]), optimizer=SGD(0.3), record=1,
        ).theta  # fmt: skip
    net.layers(theta)[0][1][...] += bias
    result = compute_shift(record=reach, bias=bias, shift=shift, trained=trained)
    z = net.forward(theta, X[:TRAIN] + shift).Z[0]
    np.testing.assert_allclose(result.dead, (z <= 0).all(-2).mean(-1), atol=0.011)
    np.testing.assert_allclose(result.always, (z > 0).all(-2).mean(-1), atol=0.011)
    np.testing.assert_allclose(result.high, np.sort(z[0].max(0))[::-1], atol=1e-9)
    right = accuracy(net.output(theta, X[TRAIN:] + shift), Y[TRAIN:])
    np.testing.assert_allclose(result.accuracy, right, atol=0.004)


def test_sweeps_pass_through_the_present_place(reach):
    result = compute_shift(record=reach, bias=-0.7, shift=0.25)
    for sweep, axis, at in ((result.over_bias, graveyard.BIAS_AXIS, -0.7),
                            (result.over_shift, graveyard.SHIFT_AXIS, 0.25)):
        place = int(np.argmin(abs(axis - at)))
        np.testing.assert_allclose(sweep[:, place], [result.dead, result.always], atol=0.011)


def test_a_large_shift_kills_half_and_makes_the_other_half_linear(reach):
    """At the start the sign of the sum of a unit's weights decides, and it is a fair coin."""
    far = graveyard._dead_and_always(reach[False], 0.0, 1000.0)
    assert sum(share.mean() for share in far) == pytest.approx(1)
    assert far[0].mean() == pytest.approx(0.5, abs=4 * math.sqrt(0.25 / 800))


def test_shift_artists_show_the_result():
    figure = graveyard.shift(bias=-1.5, shift=0.5, trained=True, seed=3)
    r, drawn = figure.result, artists(figure)
    ends = np.array(drawn["bars"].get_segments())
    np.testing.assert_allclose(ends[:, 0, 1], np.clip(r.low, -7, 7))
    np.testing.assert_allclose(ends[:, 1, 1], np.clip(r.high, -7, 7))
    colors = drawn["bars"].get_color()
    np.testing.assert_array_equal((colors == graveyard._KINDS[0]).all(1), r.high <= 0)
    np.testing.assert_array_equal((colors == graveyard._KINDS[2]).all(1), r.low > 0)
    for lines, sweep in zip(drawn["curves"], (r.over_bias, r.over_shift), strict=True):
        for line, share in zip(lines, sweep, strict=True):
            np.testing.assert_allclose(line.get_ydata(), np.median(share, -1))
    assert [line.get_xdata()[0] for line in drawn["now"]] == [-1.5, 0.5]
    assert f"Units dead on all data {np.median(r.dead):.0%}" in figure.text


# --- all of them --------------------------------------------------------------------------------

MOVES = {
    "lab": dict(
        lr=2.0, momentum=0.3, bias=-0.5, width=8, depth=3, steps=200, switch=30, after="elu",
        lr_after=0.1, seed=4, net=3, digit=1, layer="first layer", frame=15,
    ),
    "threshold": dict(momentum=0.5, slope=0.1, bias=-1.0, width=5, seed=6, lr=2.0, frame=3),
    "shift": dict(trained=True, lr=1.0, seed=3, bias=-1.0, shift=0.5),
}  # fmt: skip
OPENING = {"lab": SMALL | dict(width=6), "threshold": dict(width=6), "shift": {}}


@pytest.mark.parametrize("demo", MOVES)
def test_every_control_moves_the_picture_and_the_words(demo, monkeypatch):
    monkeypatch.setattr(graveyard, "FRAMES", 20)
    figure = getattr(graveyard, demo)(**OPENING[demo])
    opening = figure.experiment
    for name, value in MOVES[demo].items():
        before, text = picture(figure), figure.text
        figure.set(**{name: value})
        assert picture(figure) != before and figure.text != text, name
    figure.reset()
    assert figure.experiment == opening


@pytest.mark.parametrize("demo", MOVES)
def test_the_line_of_code_gives_the_same_figure(demo):
    figure = getattr(graveyard, demo)(**MOVES[demo])
    again = eval(figure.experiment, {"graveyard": graveyard})
    assert again.text == figure.text and picture(again) == picture(figure)


@pytest.mark.parametrize("demo", MOVES)
def test_quick_extremes_can_be_drawn(demo):
    figure = getattr(graveyard, demo)(**OPENING[demo])
    for panel in figure._quick_panels():
        for name, control in panel.controls.items():
            ends = [control.low, control.high] if isinstance(control, Number) else [
                *control.options.values()] if hasattr(control, "options") else [True, False]
            for value in ends:
                figure.set(**{name: value})
                assert "nan" not in figure.text


@pytest.mark.parametrize(
    "settings",
    [
        dict(depth=4, width=4, lr=5.0, bias=-8.0, switch=0, after="elu"),
        dict(depth=1, width=4, lr=0.01, bias=2.0, switch=400, momentum=0.95),
        dict(depth=4, width=5, lr=5.0, bias=2.0, momentum=0.95, after="surrogate", lr_after=5.0),
    ],
)
def test_extreme_lives_can_be_drawn(settings):
    figure = graveyard.lab(steps=100, **settings)
    for layer in LAYERS:
        figure.set(layer=layer, frame=0)
        assert "nan" not in figure.text


@pytest.mark.parametrize(
    "call, settings, said",
    [
        ("record_lab", {"lr": 0}, "lr must be a number from 0.01 to 5, got 0"),
        ("record_lab", {"momentum": 1.0}, "momentum must be a number from 0 to 0.95, got 1.0"),
        ("record_lab", {"bias": math.nan}, "bias must be a number from -8 to 2, got nan"),
        ("record_lab", {"width": 2.5}, "width must be a whole number from 4 to 100, got 2.5"),
        ("record_lab", {"depth": 5}, "depth must be a whole number from 1 to 4, got 5"),
        ("record_lab", {"steps": 50}, "steps must be a whole number from 100 to 400, got 50"),
        ("record_lab", {"switch": -1}, "switch must be a whole number from 0 to 400, got -1"),
        ("record_lab", {"after": "leeky"}, "did you mean 'leaky'?"),
        ("record_lab", {"seed": "x"}, "seed must be a whole number from 0 to 99, got 'x'"),
        ("record_threshold", {"slope": 0.4}, "slope must be a number from 0 to 0.3, got 0.4"),
        ("record_shift", {"lr": math.inf}, "lr must be a number from 0.01 to 5, got inf"),
    ],
)  # fmt: skip
def test_bad_settings_are_refused_before_training(call, settings, said):
    with pytest.raises((TypeError, ValueError)) as error:
        next(getattr(graveyard, call)(**settings))
    assert said in str(error.value)


@pytest.mark.parametrize(
    "demo, settings, said",
    [
        ("lab", {"frame": 101}, "frame must be a whole number from -1 to 100, got 101"),
        ("lab", {"net": 0}, "net must be a whole number from 1 to 16, got 0"),
        ("lab", {"digit": 10}, "digit must be a whole number from 0 to 9, got 10"),
        ("lab", {"layer": "second"}, "layer must be one of 'all layers', 'first layer'"),
        ("threshold", {"lr": 1.5}, "lr must be one of 0.3, 0.6, 1.0, 1.2"),
        ("threshold", {"lr": "x"}, "lr must be a finite number, got 'x'"),
        ("shift", {"bias": -5}, "bias must be a number from -4 to 2, got -5"),
        ("shift", {"shift": 2.1}, "shift must be a number from -2 to 2, got 2.1"),
        ("shift", {"trained": "yes"}, "trained must be True or False, got 'yes'"),
    ],
)
def test_bad_looks_get_a_sentence(demo, settings, said, film, shares, reach):
    record = {"lab": film, "threshold": shares, "shift": reach}[demo]
    with pytest.raises((TypeError, ValueError)) as error:
        getattr(graveyard, f"compute_{demo}")(record=record, **settings)
    assert said in str(error.value)


def test_spread_in_words_is_median_smallest_and_largest():
    assert graveyard._range(np.array([0.6, 0.1, 0.2])) == "20% (10% to 60%)"
