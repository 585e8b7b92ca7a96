"""The demos of helpers.demos.approximation: numbers, pictures, words, and what they refuse."""

import warnings

import numpy as np
import pytest

from helpers import style, theory
from helpers.demos import approximation as demo
from helpers.live import LiveFigure


@pytest.fixture(autouse=True)
def strict(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def drawn(build, draw, result, **built):
    """The artists of a figure that shows `result`."""
    with style.rc():
        artists = build(style.figure(), **built)
        draw(artists, result)
    return artists


def data(line):
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())


def assert_shows(line, x, y):
    for shown, wanted in zip(data(line), (x, y), strict=True):
        np.testing.assert_array_equal(shown, wanted)


# ---------------------------------------------------------------- build a function


@pytest.mark.parametrize("target", ["sine", "square", "vee"])
@pytest.mark.parametrize("block", ["hinges", "steps", "bumps"])
@pytest.mark.parametrize("pieces", [1, 2, 7, 64])
def test_error_of_steep_units_stays_below_the_bound(target, block, pieces):
    result = demo.compute_build_a_function(target=target, block=block, pieces=pieces)
    assert result.error == np.abs(result.built - result.wanted).max()
    assert result.error <= result.bound * (1 + 1e-9) + 1e-12
    assert (result.errors <= np.array([
        demo._bound(demo.TARGETS[target], block, int(n)) for n in result.widths
    ]) * (1 + 1e-9) + 1e-12).all()  # fmt: skip


def test_units_are_counted():
    units = {
        block: demo.compute_build_a_function(block=block, pieces=8).units for block in demo.NAMES
    }
    assert units == {"hinges": 8, "steps": 7, "bumps": 16}


@pytest.mark.parametrize(("block", "slope"), [("hinges", -2), ("steps", -1), ("bumps", -1)])
def test_the_error_falls_at_the_predicted_rate(block, slope):
    result = demo.compute_build_a_function(block=block)
    wide = result.widths >= 8
    fitted = np.polyfit(np.log(result.widths[wide]), np.log(result.errors[wide]), 1)[0]
    assert fitted == pytest.approx(slope, abs=0.05)
    assert np.diff(np.log(result.line)) == pytest.approx(slope * np.log(64))


@pytest.mark.parametrize("block", ["hinges", "steps", "bumps"])
@pytest.mark.parametrize("steepness", [2.0, 30.0, 500.0])
def test_the_curve_of_errors_is_what_single_figures_show(block, steepness):
    for target in ("sine", "square", "vee"):
        setting = {"target": target, "block": block, "steepness": steepness}
        curve = demo.compute_build_a_function(**setting).errors
        single = [demo.compute_build_a_function(**setting, pieces=n).error for n in demo.WIDTHS]
        np.testing.assert_allclose(curve, single, rtol=0.01, atol=1e-12)


def test_no_continuous_net_comes_closer_to_a_jump_than_half_of_it():
    for block in demo.NAMES:
        for steepness in (2.0, 500.0):
            result = demo.compute_build_a_function(
                target="jump", block=block, pieces=64, steepness=steepness
            )
            assert result.bound == 0.5 and result.error >= 0.49


def test_hinges_are_exact_on_a_corner_they_meet():
    assert demo.compute_build_a_function(target="vee", pieces=6).error < 1e-12
    assert demo.compute_build_a_function(target="vee", pieces=5).error == pytest.approx(1 / 5)


def test_the_learners_own_target_gets_its_bounds_from_differences():
    result = demo.compute_build_a_function(target="yours", yours=np.sin, pieces=16)
    assert result.target.steepest == pytest.approx(1.0, rel=1e-3)
    assert result.bound == pytest.approx(np.sin(1) / (8 * 16**2), rel=1e-2)
    assert result.error <= result.bound
    assert demo._measured(np.abs).curvature < 1e-3
    assert demo._measured(lambda x: abs(3 * x - 1)).curvature == np.inf
    assert demo._measured(lambda x: np.sign(x - 0.5)).steepest == np.inf


def test_own_hinges_are_the_net_they_say():
    pairs = [(0, 4.0), (0.25, -8), (0.75, 8)]
    result = demo.compute_build_a_function(hinges=pairs)
    relu = sum(w * np.maximum(result.x - t, 0) for t, w in pairs)
    np.testing.assert_allclose(result.own.built, relu, atol=1e-12)
    assert result.own.units == 3
    assert result.own.error == pytest.approx(np.abs(relu - result.wanted).max())


@pytest.mark.parametrize("block", ["hinges", "steps", "bumps"])
def test_the_grey_parts_add_up_to_the_net(block):
    result = demo.compute_build_a_function(block=block, pieces=5, steepness=30.0)
    x, y = (np.split(v, np.flatnonzero(np.isnan(v))) for v in result.parts)
    grid = np.linspace(0, 1, 11)
    parts = [
        np.interp(grid, px[~np.isnan(px)], py[~np.isnan(py)])
        for px, py in zip(x, y, strict=True) if (~np.isnan(px)).any()
    ]  # fmt: skip
    assert len(parts) == {"hinges": 5, "steps": 4, "bumps": 5}[block]
    net = demo._net(result.target, block, 5, 30.0)
    np.testing.assert_allclose(net.start + np.sum(parts, axis=0), net(grid), atol=0.05)


def test_artists_show_what_was_computed():
    result = demo.compute_build_a_function(pieces=5, block="steps", hinges=[(0.1, 2)])
    build, draw = demo.build_build_a_function, demo.draw_build_a_function
    artists = drawn(build, draw, result, own=True)
    assert_shows(artists["target"], result.x, result.wanted)
    assert_shows(artists["built"], result.x, result.built)
    assert_shows(artists["errors"], result.widths, result.errors)
    assert_shows(artists["here"], [5], [result.error])
    assert_shows(artists["own"], result.x, result.own.built)
    assert_shows(artists["star"], [1], [result.own.error])
    assert_shows(artists["line"], [1, 64], result.line)
    assert f"{result.error:.3g}" in artists["says"].get_text()


def test_an_error_of_zero_is_drawn_at_the_tick_that_says_so():
    result = demo.compute_build_a_function(target="vee", pieces=4)
    artists = drawn(demo.build_build_a_function, demo.draw_build_a_function, result)
    axis = artists["line"].axes.yaxis
    lowest, label = axis.get_ticklocs()[0], axis.get_ticklabels()[0].get_text()
    assert (artists["here"].get_ydata()[0], label) == (lowest, "0")


def test_a_target_of_another_size_gets_other_limits_once():
    small, large = (
        demo.compute_build_a_function(target="yours", yours=f)
        for f in (np.square, lambda x: 500 * np.square(x))
    )
    draw = demo.draw_build_a_function
    artists = drawn(demo.build_build_a_function, draw, small)
    assert draw(artists, large) is True
    assert artists["ax"].get_ylim()[1] > 500
    assert artists["line"].axes.get_ylim()[1] > 500
    assert not draw(artists, large)


# ---------------------------------------------------------------- by hand


def test_hinges_by_hand_are_the_net_they_say():
    setting = dict(place_1=0, weight_1=4, place_2=0.25, weight_2=-8, place_3=0.75, weight_3=8)
    result = demo.compute_by_hand(**setting)
    relu = np.maximum
    net = 4 * relu(result.x, 0) - 8 * relu(result.x - 0.25, 0) + 8 * relu(result.x - 0.75, 0)
    np.testing.assert_allclose(result.built, net, atol=1e-12)
    assert result.error == pytest.approx(0.2105, abs=1e-3)
    assert result.even == pytest.approx(0.4366, abs=1e-3)
    assert result.error < result.even and result.pieces == 4


def test_bumps_by_hand_have_the_height_and_width_they_say():
    result = demo.compute_by_hand(
        block="bumps", place_1=0.2, weight_1=1.0, place_2=0.5, weight_2=-2.0, place_3=0.9,
        weight_3=0.0, width=0.2,
    )  # fmt: skip
    at = np.interp([0.05, 0.2, 0.35, 0.5, 0.7], result.x, result.built)
    np.testing.assert_allclose(at, [0, 1, 0, -2, 0], atol=0.02)


def test_by_hand_starts_where_the_target_starts():
    result = demo.compute_by_hand(target="vee", weight_1=0, weight_2=0, weight_3=0)
    np.testing.assert_array_equal(result.built, 1)


def test_by_hand_draws_what_was_computed():
    result = demo.compute_by_hand(weight_1=2, place_3=0.7, weight_3=0)
    artists = drawn(demo.build_by_hand, demo.draw_by_hand, result)
    assert list(artists["places"].get_xdata()) == [0, 0.35, 0.7]
    assert_shows(artists["built"], result.x, result.built)
    assert_shows(artists["error"], result.x, result.built - result.wanted)
    assert np.nanmax(artists["even"].get_ydata()) == result.even
    at = np.searchsorted(result.x, result.worst)
    assert_shows(artists["here"], [result.worst], [result.built[at] - result.wanted[at]])


# ---------------------------------------------------------------- the polynomial floor


@pytest.mark.parametrize("degree", range(1, 8))
def test_polynomial_units_stop_at_their_rank_and_their_floor(degree):
    for seed in (11, 12, 13):
        result = demo.compute_polynomial_floor(degree=degree, seed=seed)
        units = np.arange(1, 129)
        np.testing.assert_array_equal(result.rank[0], np.minimum(units, degree + 1))
        assert result.highest == degree + 1
        np.testing.assert_allclose(result.rmse[0, degree:], result.floor, rtol=1e-6)
        assert (result.rmse[0] >= result.floor - 1e-9).all()


def test_the_fit_is_the_least_squares_fit():
    for width in (3, 12, 40):
        result = demo.compute_polynomial_floor(degree=3, width=width, seed=5)
        rng = np.random.default_rng(5)
        H = demo._random_units(lambda z: np.maximum(z, 0), rng)
        best = theory.best_readout(H[:, :width], result.target)
        np.testing.assert_allclose(result.fits[1], best.fitted, atol=1e-6)
        assert result.rmse[1, width - 1] == pytest.approx(best.rmse, rel=1e-6)
        assert result.rank[1, width - 1] == best.rank


def test_bent_units_go_below_every_floor():
    for seed in (21, 22, 23):
        result = demo.compute_polynomial_floor(degree=7, seed=seed)
        relu, tanh = result.rmse[1, 127], result.rmse[2, 31]
        assert relu < 0.01 and tanh < 1e-5 and relu < result.floor / 3


def test_an_activation_of_the_learner_is_one_more_curve():
    result = demo.compute_polynomial_floor(f=lambda z: z**3 - z)
    assert result.names[-1] == "yours"
    assert result.rank[-1, -1] == 4  # a polynomial of degree 3, however it is written
    with pytest.raises(ValueError, match="f must give finite numbers"):
        demo.compute_polynomial_floor(f=lambda z: z / 0.0 if np.isscalar(z) else z + np.inf)


def test_polynomial_floor_draws_what_was_computed():
    result = demo.compute_polynomial_floor(degree=3, width=7, f=np.sin)
    build, draw = demo.build_polynomial_floor, demo.draw_polynomial_floor
    artists = drawn(build, draw, result, curves=4)
    for i in range(4):
        assert_shows(artists["fits"][i], result.x, result.fits[i])
        shown = np.maximum(result.rmse[i], 1e-7)
        assert_shows(artists["rmse"][i], np.arange(1, 129), shown)
        assert_shows(artists["rank"][i], np.arange(1, 129), result.rank[i])
    assert_shows(artists["floor"], [1, 128], [result.floor] * 2)
    assert_shows(artists["highest"], [1, 128], [4, 4])
    assert [list(line.get_xdata()) for line in artists["width"]] == [[7, 7], [7, 7]]
    assert [text.get_text() for text in artists["names"]] == ["z³", "ReLU", "tanh", "yours"]


# ---------------------------------------------------------------- sawtooth


@pytest.mark.parametrize("depth", range(1, 8))
def test_one_layer_is_stuck_until_it_has_all_the_units(depth):
    result = demo.compute_sawtooth(depth=depth)
    too_few = result.widths < 2**depth
    np.testing.assert_allclose(result.rmses[too_few], 1 / np.sqrt(12), rtol=1e-12)
    np.testing.assert_allclose(result.rmses[~too_few], 0, atol=1e-12)
    assert (result.pieces, result.deep_units) == (2**depth, 2 * depth)
    np.testing.assert_array_equal(result.y, np.arange(2**depth + 1) % 2)


def test_the_best_of_too_few_hinges_is_the_mean():
    result = demo.compute_sawtooth(depth=6, log2_width=5)
    np.testing.assert_allclose(result.fit, 0.5, atol=1e-12)


def test_sawtooth_draws_what_was_computed():
    result = demo.compute_sawtooth(depth=3, log2_width=2)
    artists = drawn(demo.build_sawtooth, demo.draw_sawtooth, result)
    assert_shows(artists["saw"], result.x, result.y)
    assert_shows(artists["fit"], result.knots, result.fit)
    assert_shows(artists["rmses"], result.widths, result.rmses)
    assert_shows(artists["here"], [4], [result.rmse])
    assert_shows(artists["deep"], [6], [0])


# ---------------------------------------------------------------- the live figures

MOVES = {
    demo.build_a_function: [
        {"pieces": 9}, {"block": "steps"}, {"steepness": 5.0}, {"target": "jump"},
        {"block": "bumps"}, {"pieces": 64}, {"pieces": 1}, {"steepness": 2.0},
    ],
    demo.by_hand: [
        {"place_1": 0.1}, {"weight_1": -12.0}, {"place_2": 0.6}, {"weight_2": 12.0},
        {"weight_3": 3.0}, {"place_3": 0.0}, {"block": "bumps"}, {"width": 0.05},
        {"target": "square"},
    ],
    demo.polynomial_floor: [{"degree": 5}, {"width": 1}, {"width": 128}, {"degree": 1}],
    demo.sawtooth: [{"depth": 7}, {"log2_width": 7}, {"depth": 1}, {"log2_width": 1}],
}  # fmt: skip


@pytest.mark.parametrize("make", MOVES, ids=lambda make: make.__name__)
def test_every_control_changes_the_picture_and_its_words_and_reset_brings_them_back(make):
    figure = make()
    opening = figure.png(), figure.text
    for move in MOVES[make]:
        before, said = figure.png(), figure.text
        figure.set(**move)
        assert figure.png() != before, move
        assert figure.text != said or "steepness" in move or "target" in move, move
    figure.reset()
    assert (figure.png(), figure.text) == opening


@pytest.mark.parametrize("make", MOVES, ids=lambda make: make.__name__)
def test_the_line_of_code_gives_the_figure_again(make):
    figure = make()
    figure.set(**{k: v for move in MOVES[make][:3] for k, v in move.items()})
    again = eval(figure.experiment, {"approximation": demo})
    assert again.png() == figure.png() and again.experiment == figure.experiment


@pytest.mark.parametrize("make", MOVES, ids=lambda make: make.__name__)
def test_a_moved_figure_is_the_figure_opened_there(make):
    """Nothing of an earlier setting is left in a picture that only redraws what moves."""
    figure = make()
    for move in MOVES[make]:
        figure.set(**move)
    assert figure.png() == make(**figure.values).png()


def test_own_functions_and_hinges_stand_in_the_line_of_code():
    def my_target(x):
        return x**3

    figure = demo.build_a_function(yours=my_target, hinges=[(0.5, 1.5)])
    assert figure.values["target"] == "yours"
    assert figure.experiment.startswith(
        "approximation.build_a_function(yours=my_target, hinges=[(0.5, 1.5)], target='yours'"
    )
    assert "Your 1 hinge" in figure.text
    figure = demo.polynomial_floor(f=lambda z: z**2)
    assert "f=my_function" in figure.experiment


def test_the_text_holds_the_numbers():
    figure = demo.build_a_function(pieces=16, block="steps")
    assert "0.195" in figure.text and "0.196" in figure.text and "15 hidden units" in figure.text
    assert "0.6508" in demo.polynomial_floor(degree=2).text
    assert "0.2887" in demo.sawtooth().text


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: demo.compute_build_a_function(pieces=0), ValueError,
         "pieces must be a whole number from 1 to 64, got 0"),
        (lambda: demo.compute_build_a_function(pieces=1.5), ValueError, "pieces must be"),
        (lambda: demo.compute_build_a_function(target="sin"), ValueError,
         "target must be one of 'sine'.*did you mean 'sine'"),
        (lambda: demo.compute_build_a_function(block="hinge"), ValueError, "did you mean 'hinges'"),
        (lambda: demo.compute_build_a_function(block="steps", steepness=np.nan), ValueError,
         "steepness must be a number from 2 to 500, got nan"),
        (lambda: demo.compute_build_a_function(hinges=[0.1, 0.2]), TypeError,
         "hinges must be pairs"),
        (lambda: demo.compute_build_a_function(hinges=[(2, 1)]), ValueError,
         "hinges must be pairs.*place must be a number from 0 to 1, got 2"),
        (lambda: demo.build_a_function(yours=lambda x: None), TypeError,
         r"your function must return one number, but f\(0\) is None"),
        (lambda: demo.build_a_function(yours=lambda x: 1 / 0), ValueError,
         "raised ZeroDivisionError"),
        (lambda: demo.build_a_function(yours=3), TypeError,
         "your function must be a function of one number, got 3"),
        (lambda: demo.compute_by_hand(place_2=1.5), ValueError, "place_2 must be"),
        (lambda: demo.compute_by_hand(weight_3="4"), TypeError, "weight_3 must be"),
        (lambda: demo.by_hand(wieght_1=3), ValueError, "did you mean 'weight_1'"),
        (lambda: demo.compute_polynomial_floor(degree=8), ValueError, "degree must be"),
        (lambda: demo.compute_polynomial_floor(width=129), ValueError, "width must be"),
        (lambda: demo.polynomial_floor(seed=-1), ValueError, "seed must be"),
        (lambda: demo.compute_sawtooth(depth=0), ValueError, "depth must be"),
        (lambda: demo.compute_sawtooth(log2_width=8), ValueError, "log2_width must be"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_clear_sentence(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_target_that_breaks_later_is_shown_beside_the_last_good_picture():
    broken = []

    def target(x):
        if broken:
            raise RuntimeError("no more")
        return x

    figure = demo.build_a_function(yours=target)
    good = figure.png()
    broken.append(True)
    with pytest.raises(ValueError, match="raised RuntimeError: no more"):
        figure.set(pieces=9)
    assert "no more" in figure.error and figure.png() == good
    broken.clear()
    figure.set(pieces=9)
    assert figure.error is None and figure.png() != good
