"""The demos on slopes: tangents against differences, error laws, the two bugs, and two coats."""

import math
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.activations import (
    ACTIVATIONS,
    SIGMOID,
    STEP,
    TANH,
    Activation,
    leaky_relu,
    mixed,
    surrogate,
    swish,
)  # fmt: skip
from helpers.demos import derivative
from helpers.demos.derivative import (
    ANALYTIC,
    FLAT,
    MENDED,
    METHODS,
    PLACES,
    PUBLISHED,
    REACH,
    SAMPLE,
    STEPS,
    Law,
    central,
    complex_step,
    compute_find_the_bug,
    compute_step_size,
    compute_tangent,
    compute_two_coats,
    forward,
    largest_errors,
)  # fmt: skip
from helpers.live import LiveFigure

SMOOTH = ("sigmoid", "tanh", "softplus", "gelu", "silu", "mish")
EPS = {"float64": 2.0**-52, "float32": 2.0**-23}


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


def artists(figure):
    return figure._picture.artists


def picture(figure):
    return figure._image.value  # png() without the time for better compression


# --- slope under your finger --------------------------------------------------------------------


@settings(max_examples=150)
@given(st.sampled_from(list(ACTIVATIONS)), st.floats(-REACH, REACH))
def test_the_slope_is_that_of_the_curve(name, z):
    result = compute_tangent(activation=name, z=z)
    act = ACTIVATIONS[name]
    assert result.value == act.f(z) and result.slope == act.df(z)
    if abs(z) > 1e-5:  # the quotient does not reach over a kink
        h = 1e-6
        quotient = (act.f(z + h) - act.f(z - h)) / (2 * h)
        assert result.slope == pytest.approx(quotient, abs=1e-8)


@given(st.floats(-REACH, REACH))
def test_the_tangent_touches_smooth_curves(z):
    """The distance of curve and tangent shrinks like the square of the distance from z."""
    r, act = compute_tangent(activation="tanh", z=z), TANH
    near = np.array([-1e-3, 1e-3])
    assert np.abs(act.f(z + near) - (r.value + r.slope * near)).max() < 0.4 * 1e-6


@pytest.mark.parametrize(
    "name, peak, place",
    [("sigmoid", 1 / 4, 0.0), ("tanh", 1.0, 0.0), ("relu", 1.0, None), ("step", 0.0, None),
     ("identity", 1.0, None), ("abs", 1.0, None), ("gelu", 1.1289042, 1.41),
     ("silu", 1.0998393, 2.40)],
)  # fmt: skip
def test_the_largest_slope(name, peak, place):
    result = compute_tangent(activation=name)
    assert result.peak == pytest.approx(peak, abs=1e-5)
    assert math.isnan(result.peak_at) if place is None else abs(result.peak_at - place) < 1e-9


def test_where_the_slope_falls_below_one_percent():
    """Closed forms: s(1 - s) = 0.01 for the sigmoid, 1 / cosh^2 = 0.01 for tanh, e^z for ELU."""
    s = (1 - math.sqrt(1 - 4 * FLAT)) / 2
    for name, end in (("sigmoid", math.log((1 - s) / s)), ("tanh", math.acosh(10))):
        result = compute_tangent(activation=name)
        np.testing.assert_allclose(result.ends, [-REACH, -end, end, REACH], atol=1e-12)
        assert result.flat.tolist() == [True, False, True]
    elu = compute_tangent(activation="elu")
    np.testing.assert_allclose(elu.ends, [-REACH, math.log(FLAT), REACH], atol=1e-12)
    assert elu.flat.tolist() == [True, False]
    assert f"{math.log((1 - s) / s):.3f} {math.acosh(10):.3f}" == "4.585 2.993"


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_parts_are_flat_inside_and_steep_outside(name):
    r = compute_tangent(activation=name)
    assert r.ends[0] == -REACH and r.ends[-1] == REACH and (np.diff(r.ends) > 0).all()
    part = np.searchsorted(r.ends[1:-1], PLACES)
    distance = np.abs(PLACES[:, None] - r.ends[1:-1]).min(1, initial=1)
    inside = distance > 1e-9
    np.testing.assert_array_equal((np.abs(r.slopes) < FLAT)[inside], r.flat[part][inside])


@pytest.mark.parametrize("name", SMOOTH)
def test_the_ends_of_flat_parts_are_exact(name):
    inner = compute_tangent(activation=name).ends[1:-1]
    assert inner.size
    np.testing.assert_allclose(np.abs(ACTIVATIONS[name].df(inner)), FLAT, rtol=1e-12)


def test_flat_parts_in_words():
    words = {name: derivative.describe_tangent(compute_tangent(activation=name))
             for name in ("sigmoid", "relu", "step", "identity", "gelu")}  # fmt: skip
    assert "|f'(z)| < 0.01 for z < -4.585 and z > 4.585." in words["sigmoid"]
    assert "largest slope is 0.25 at z = 0." in words["sigmoid"]
    assert "< 0.01 for z < 0." in words["relu"] and "largest slope is 1." in words["relu"]
    assert "< 0.01 everywhere" in words["step"] and "< 0.01 nowhere" in words["identity"]
    assert "for z < -3.067 and -0.775 < z < -0.729." in words["gelu"]


def test_an_activation_of_your_own_is_taken_like_ours():
    mine = replace(swish(1.0), name="mine")
    own, ours = compute_tangent(own=mine, z=1.0), compute_tangent(activation="silu", z=1.0)
    assert own.name == "mine" and own.wrong == 0
    np.testing.assert_allclose(own.curve, ours.curve, atol=1e-14)
    np.testing.assert_allclose(own.ends, ours.ends, atol=1e-12)
    figure = derivative.tangent(own=mine)
    assert figure.text.startswith("mine at z = 2")
    figure.set(activation="relu")
    assert figure.text.startswith("relu at z = 2")
    again = eval(figure.experiment, {"derivative": derivative, "my_activation": mine})
    assert again.text == figure.text


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_our_slopes_are_not_reported_as_wrong(name):
    assert compute_tangent(activation=name).wrong <= 1 / 1601  # one kink
    assert "df is not" not in derivative.describe_tangent(compute_tangent(activation=name))


def test_a_wrong_slope_of_your_own_is_reported():
    garbled = Activation("garbled", "", SIGMOID.f, lambda z: (1 - SIGMOID.f(z) ** 2) * SIGMOID.f(z))
    result = compute_tangent(own=garbled)  # the formula of a published answer: (1 - h^2) h
    assert result.wrong > 0.5
    text = derivative.describe_tangent(result)
    assert f"df is not the slope of f at {result.wrong:.0%} of the places." in text
    assert compute_tangent(own=surrogate(STEP, SIGMOID)).wrong > 0.99


@pytest.mark.parametrize(
    "own, said",
    [
        (np.tanh, "own must be an Activation (with f and df), got <ufunc 'tanh'>"),
        ("relu", "own must be an Activation (with f and df), got 'relu'"),
        (mixed("relu", "tanh"), "own must be the same for every unit, got mixed"),
        (Activation("log", "", lambda z: np.where(z > 0, 0.0, np.nan), TANH.df),
         "own.f(z) must be finite numbers, got 801 NaN"),
        (Activation("mean", "", TANH.f, np.mean), "own.df must give one number for each z"),
    ],
)  # fmt: skip
def test_what_is_not_an_activation_is_refused(own, said):
    for show in (compute_tangent, derivative.tangent):
        with pytest.raises((TypeError, ValueError)) as error:
            show(own=own)
        assert said in str(error.value)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_tangent_artists_show_the_result(name):
    figure = derivative.tangent()
    figure.set(activation=name, z=-1.3)
    r, drawn = figure.result, artists(figure)
    np.testing.assert_array_equal(drawn["curve"].get_ydata(), r.curve)
    np.testing.assert_array_equal(drawn["slopes"].get_ydata(), r.slopes)
    (x0, x1), (y0, y1) = drawn["tangent"].get_xdata(), drawn["tangent"].get_ydata()
    assert (y1 - y0) / (x1 - x0) == pytest.approx(r.slope, abs=1e-12)
    np.testing.assert_array_equal(drawn["touch"].get_xydata(), [[-1.3, r.value]])
    assert drawn["height"].get_xydata()[1].tolist() == [-1.3, r.slope]
    assert float(drawn["slope"].get_text()) == pytest.approx(r.slope, rel=5e-3)
    for ax, values in ((drawn["left"], r.curve), (drawn["right"], r.slopes)):
        low, high = ax.get_ylim()
        assert low < values.min() and values.max() < high
    for grey in drawn["grey"]:
        shade = grey.get_data()
        np.testing.assert_array_equal(shade.values, r.flat)
        np.testing.assert_array_equal(shade.edges[1:-1], r.ends[1:-1])


def test_named_thresholds_are_those_of_the_result():
    figure = derivative.tangent(activation="tanh")
    assert [text.get_text() for text in artists(figure)["edges"]] == ["-2.993", "2.993"]
    figure.set(activation="relu")
    assert [text.get_text() for text in artists(figure)["edges"]] == ["0", ""]
    figure.set(activation="step")
    assert [text.get_text() for text in artists(figure)["edges"]] == ["", ""]


# --- the numerical derivative -------------------------------------------------------------------


@pytest.mark.parametrize("name", ANALYTIC)
def test_complex_twins_are_the_same_functions(name):
    np.testing.assert_allclose(ANALYTIC[name](SAMPLE), ACTIVATIONS[name].f(SAMPLE), atol=2e-15)
    assert ANALYTIC[name](SAMPLE + 0.1j).dtype == complex


@settings(max_examples=60)
@given(st.sampled_from(list(ANALYTIC)), st.floats(-4, 4))
def test_all_methods_find_the_slope_at_their_best_step(name, z):
    true = ACTIVATIONS[name].df(z)
    f = ACTIVATIONS[name].f
    assert forward(f, z, 2e-8) == pytest.approx(true, abs=2e-7)
    assert central(f, z, 6e-6) == pytest.approx(true, abs=5e-10)
    assert complex_step(ANALYTIC[name], z, 1e-30) == pytest.approx(true, abs=1e-15)


@pytest.mark.parametrize("method, order", [("forward", 1), ("central", 2), ("complex step", 2)])
@pytest.mark.parametrize("name", ANALYTIC)
def test_the_error_of_large_steps_has_its_order_and_its_factor(name, method, order):
    steps = np.array([1e-3, 1e-2])
    small, large = largest_errors(name, method, steps)[0]
    assert math.log10(large / small) == pytest.approx(order, abs=0.02)
    law = derivative._law(name, method)
    assert small == pytest.approx(law(1e-3, np.float64), rel=0.01)


@pytest.mark.parametrize("method", ["forward", "central"])
@pytest.mark.parametrize("name", ANALYTIC)
@pytest.mark.parametrize("precision", EPS)
def test_the_error_of_small_steps_is_rounding(name, method, precision):
    """Measured: 0.38 to 1.5 times the law over all activations, methods and precisions."""
    row, eps = list(EPS).index(precision), EPS[precision]
    steps = np.geomspace(30 * eps, 1000 * eps, 7)
    errors = largest_errors(name, method, steps)[row]
    law = derivative._law(name, method)(steps, derivative.PRECISIONS[precision])
    assert (0.2 * law < errors).all() and (errors < 2.5 * law).all()


@pytest.mark.parametrize("name", ANALYTIC)
def test_the_complex_step_has_no_rounding_to_lose(name):
    exact = largest_errors(name, "complex step", np.array([1e-10, 1e-13, 1e-16]))
    assert (exact[0] < 1e-15).all() and (exact[1] < 1e-6).all()


@settings(max_examples=50)
@given(st.floats(0.01, 10), st.integers(1, 3), st.floats(0.1, 10), st.floats(0.5, 2))
def test_the_best_step_is_the_minimum_of_the_law(truncation, order, rounding, factor):
    law = Law(truncation, order, rounding, 1)
    for kind in (np.float64, np.float32):
        best = law.best(kind)
        assert law(best, kind) <= law(best * factor, kind) * (1 + 1e-12)


def test_the_law_has_the_right_derivatives():
    """max|tanh'''| = 2, max|sigmoid''| = 1 / (6 sqrt 3), max|sigmoid'''| = 1/8."""
    law = derivative._law("tanh", "central")
    assert law[:2] == (pytest.approx(2 / 6, rel=1e-5), 2)
    assert derivative._law("sigmoid", "central").truncation == pytest.approx(1 / 48, rel=1e-5)
    slope = derivative._law("sigmoid", "forward").truncation
    assert slope == pytest.approx(1 / (12 * math.sqrt(3)), rel=1e-3)  # to the nearest of SAMPLE
    assert law.rounding == pytest.approx(np.tanh(4) / 2)


@pytest.mark.parametrize("method", ["forward", "central"])
@pytest.mark.parametrize("name", ANALYTIC)
def test_the_measured_best_step_is_near_the_predicted_one(name, method):
    r = compute_step_size(activation=name, method=method)
    for row in range(2):
        best = STEPS[r.errors[row].argmin()]
        assert abs(math.log10(best / r.best[row])) < 0.5  # decades; measured: 0.3 at most
        assert 0.2 < r.errors[row].min() / r.best_error[row] < 1.5


@settings(max_examples=60)
@given(
    st.sampled_from(list(ANALYTIC)), st.sampled_from(["forward", "central"]), st.floats(-4, 4),
    st.sampled_from(STEPS.tolist()),
)  # fmt: skip
def test_the_secant_goes_through_its_points(name, method, z, h):
    r = compute_step_size(activation=name, method=method, z=z, h=h)
    np.testing.assert_array_equal(r.heights, ACTIVATIONS[name].f(r.points))
    if h > 1e-3:  # else the distance of the points is rounded
        slope = np.diff(r.heights)[0] / np.diff(r.points)[0]
        assert r.quotient == pytest.approx(slope, rel=1e-9)


def test_a_step_that_is_lost_gives_slope_zero():
    """z + h = z: in float32 from h = 3e-8 on, at z = 1."""
    lost = compute_step_size(precision="float32", z=1.0, h=1e-8)
    kept = compute_step_size(precision="float64", z=1.0, h=1e-8)
    assert lost.quotient == 0 and kept.quotient == pytest.approx(kept.slope, abs=1e-7)


def test_the_steps_are_those_of_the_slider():
    figure = derivative.step_size()
    np.testing.assert_array_equal(figure._panel.controls["h"].ladder, STEPS)


def test_the_ring_lies_on_the_recorded_errors():
    for k in (0, 30, 55, 80):
        r = compute_step_size(activation="silu", method="forward", h=STEPS[k])
        np.testing.assert_array_equal(r.here, r.errors[:, k])


def test_step_size_artists_show_the_result():
    figure = derivative.step_size(h=0.631)
    for method in METHODS:
        figure.set(method=method, activation="mish", z=1.2)
        r, drawn = figure.result, artists(figure)
        for dots, line, errors, law in zip(
            drawn["errors"], drawn["theory"], r.errors, r.theory, strict=True
        ):
            np.testing.assert_array_equal(dots.get_ydata(), errors)
            shown = np.isfinite(line.get_ydata())
            assert shown.sum() > 30
            np.testing.assert_array_equal(line.get_ydata()[shown], law[shown])
        (x0, x1), (y0, y1) = drawn["line"].get_xdata(), drawn["line"].get_ydata()
        assert (y1 - y0) / (x1 - x0) == pytest.approx(r.quotient)
        on_line = y0 + r.quotient * (r.points - x0)
        np.testing.assert_allclose(on_line, r.heights, atol=1e-12)
        np.testing.assert_array_equal(drawn["points"].get_xdata(), r.points)
        assert [ring.get_xydata()[0].tolist() for ring in drawn["here"]] == [
            [0.631, error] for error in r.here
        ]
        assert drawn["quotient"].get_text().startswith(f"{r.quotient:.10f}, error ")


def test_every_error_lies_within_the_axes():
    figure = derivative.step_size()
    low, high = artists(figure)["right"].get_ylim()
    for name, method in product(ANALYTIC, METHODS):
        errors = compute_step_size(activation=name, method=method).errors
        assert low < errors.min() and errors.max() < high


# --- find the bug -------------------------------------------------------------------------------


@settings(max_examples=80)
@given(st.sampled_from(derivative.SUSPECTS), st.integers(90, 110), st.floats(1e-8, 0.1))
def test_the_published_formula_is_wrong_by_h_squared(name, points, h):
    wrong, right = (
        compute_find_the_bug(activation=name, formula=formula, points=points, h=h)
        for formula in (PUBLISHED, MENDED)
    )
    np.testing.assert_allclose(wrong.quotient, right.quotient * h**2, rtol=1e-15, atol=0)
    assert (wrong.unit, right.unit) == (h**2, 1)
    assert abs(right.quotient[0] - ACTIVATIONS[name].df(-5.0)) < 1e-7 + 0.01 * h**2


@given(st.integers(90, 110))
def test_only_odd_grids_contain_0(points):
    r = compute_find_the_bug(points=points, formula=MENDED)
    if points % 2:
        assert r.nearest == 0 and r.at_zero == pytest.approx(0.5) and r.slope == 0
    else:
        assert r.nearest == pytest.approx(5 / (points - 1)) and math.isnan(r.at_zero)


def test_the_two_bugs_in_words():
    figure = derivative.find_the_bug()
    assert "the largest value is 1e-08 times the largest slope" in figure.text
    assert "0 is not among them, the nearest is 0.0505 away." in figure.text
    figure.set(formula=MENDED, points=101, activation="leaky_relu")
    assert "the largest value is 1 times the largest slope" in figure.text
    assert "the value there is 0.505, and by convention f'(0) = 0.01." in figure.text


@pytest.mark.parametrize("name", derivative.SUSPECTS)
@pytest.mark.parametrize("formula", [PUBLISHED, MENDED])
def test_find_the_bug_artists_show_the_result(name, formula):
    figure = derivative.find_the_bug(formula=formula, points=101, h=1e-3)
    figure.set(activation=name)
    r, drawn = figure.result, artists(figure)
    x, y = drawn["plot"].get_data()
    np.testing.assert_array_equal(x, r.grid)
    np.testing.assert_allclose(y * float(drawn["unit"].get_text()), r.quotient, rtol=1e-9)
    low, high = drawn["left"].get_ylim()
    assert low < y.min() and y.max() < high
    x, y = drawn["dots"].get_data()
    close = np.isin(r.grid, x)
    assert close.sum() == 7 and np.abs(x).max() < derivative.CLOSE
    np.testing.assert_array_equal(y, r.quotient[close])
    assert drawn["jump"].get_xydata().tolist() == [[0, ACTIVATIONS[name].df(0.0)]]
    line = drawn["true"].get_xydata()
    line = line[np.isfinite(line).all(1)]
    np.testing.assert_array_equal(line[:, 1], ACTIVATIONS[name].df(line[:, 0]))


# --- two coats ----------------------------------------------------------------------------------


@given(st.floats(-700, 700))
def test_tanh_is_a_stretched_sigmoid(z):
    assert 2 * SIGMOID.f(2 * z) - 1 == pytest.approx(TANH.f(z), abs=1e-15)
    assert 4 * SIGMOID.df(2 * z) == pytest.approx(TANH.df(z), rel=1e-13, abs=1e-300)


@given(st.floats(0, 1), st.floats(0, 0.5))
def test_the_coat_is_the_sigmoid_at_0_and_tanh_at_1(s, offset):
    r = compute_two_coats(s=s, offset=offset)
    assert r.coat_slopes.max() == pytest.approx((1 + s) ** 2 / 4)
    quotient = np.gradient(r.coat, derivative.WARDROBE)
    np.testing.assert_allclose(r.coat_slopes[1:-1], quotient[1:-1], atol=2e-3)
    assert r.difference == compute_two_coats(s=s, offset=0).difference
    assert (r.difference < 1e-15) == (s > 1 - 1e-14)


def test_the_ends_of_the_way():
    first, last = compute_two_coats(s=0.0), compute_two_coats(s=1.0)
    np.testing.assert_array_equal(first.coat, SIGMOID.f(derivative.WARDROBE))
    np.testing.assert_allclose(last.coat, np.tanh(derivative.WARDROBE), atol=4e-16)
    assert last.difference < 4e-16 and last.slope_difference < 4e-16


def test_two_coats_artists_show_the_result():
    figure = derivative.two_coats(s=0.3, offset=0.2)
    r, drawn = figure.result, artists(figure)
    for k, (tanh, coat) in enumerate([(r.tanh, r.coat), (r.tanh_slopes, r.coat_slopes)]):
        np.testing.assert_array_equal(drawn["tanh"][k].get_ydata(), tanh)
        np.testing.assert_array_equal(drawn["coat"][k].get_ydata(), coat + 0.2)
    assert drawn["difference"].get_text() == f"{r.difference:.3f}"
    assert drawn["slope_difference"].get_text() == f"{r.slope_difference:.3f}"
    figure.set(s=1.0, offset=0.5)
    assert drawn["difference"].get_text() == "< 1e-15" and "differ by < 1e-15" in figure.text
    for lines in zip(drawn["tanh"], drawn["coat"], strict=True):
        low, high = lines[0].axes.get_ylim()
        assert all(low < line.get_ydata().min() and line.get_ydata().max() < high for line in lines)


# --- all ----------------------------------------------------------------------------------------

MOVES = {
    "tangent": dict(z=-1.2, activation="gelu"),
    "step_size": dict(z=1.3, h=0.1, method="forward", activation="silu", precision="float32"),
    "find_the_bug": dict(points=101, h=0.01, activation="tanh", formula=MENDED),
    "two_coats": dict(s=0.4, offset=0.3),
}  # fmt: skip


@pytest.mark.parametrize("demo", MOVES)
def test_every_control_moves_the_picture_and_the_words(demo):
    figure = getattr(derivative, demo)()
    for name, value in MOVES[demo].items():
        before, text = picture(figure), figure.text
        if name == "precision":  # seen where the step is small
            figure.set(h=1e-7)
            before = picture(figure)
        figure.set(**{name: value})
        assert picture(figure) != before, name
        assert figure.text != text, name
    figure.reset()
    assert figure.experiment == getattr(derivative, demo)().experiment


@pytest.mark.parametrize("demo", MOVES)
def test_the_line_of_code_gives_the_same_figure(demo):
    figure = getattr(derivative, demo)()
    figure.set(**MOVES[demo])
    again = eval(figure.experiment, {"derivative": derivative})
    assert again.text == figure.text and picture(again) == picture(figure)


@pytest.mark.parametrize(
    "compute, given_, said",
    [
        (compute_tangent, {"activation": "rleu"}, "did you mean 'relu'?"),
        (compute_tangent, {"activation": "yours"}, "activation must be one of 'identity'"),
        (compute_tangent, {"z": 9}, "z must be a number from -8 to 8, got 9"),
        (compute_tangent, {"z": math.nan}, "z must be a number from -8 to 8, got nan"),
        (compute_tangent, {"z": None}, "z must be a number from -8 to 8, got None"),
        (compute_step_size, {"activation": "relu"}, "activation must be one of 'tanh', 'sigmoid'"),
        (compute_step_size, {"method": "centre"}, "method must be one of 'forward', 'central'"),
        (compute_step_size, {"precision": 64}, "precision must be one of 'float64', 'float32'"),
        (compute_step_size, {"h": 0}, "h must be a number from 1e-16 to 1, got 0"),
        (compute_step_size, {"z": "x"}, "z must be a number from -4 to 4, got 'x'"),
        (compute_find_the_bug, {"activation": "step"}, "activation must be one of 'relu'"),
        (compute_find_the_bug, {"formula": "h"}, "formula must be one of '(f(z + h)"),
        (compute_find_the_bug, {"points": 2}, "points must be a whole number from 90 to 110"),
        (compute_find_the_bug, {"points": 99.5}, "points must be a whole number from 90 to 110"),
        (compute_find_the_bug, {"h": 1}, "h must be a number from 1e-08 to 0.1, got 1"),
        (compute_two_coats, {"s": 1.1}, "s must be a number from 0 to 1, got 1.1"),
        (compute_two_coats, {"offset": -1}, "offset must be a number from 0 to 0.5, got -1"),
    ],
)
def test_bad_input_gets_a_sentence_with_value_and_range(compute, given_, said):
    with pytest.raises((TypeError, ValueError)) as error:
        compute(**given_)
    assert said in str(error.value)
    with pytest.raises((TypeError, ValueError)):
        getattr(derivative, compute.__name__.removeprefix("compute_"))(**given_)


@pytest.mark.parametrize("demo", MOVES)
def test_all_pairs_of_extremes_are_finite(demo):
    """No warning (they are errors here), no exception, and nothing that cannot be drawn."""
    figure = getattr(derivative, demo)()
    ends = {name: extremes(control) for name, control in figure._panel.controls.items()}
    for one, other in combinations(ends, 2):
        for values in product(ends[one], ends[other]):
            figure.set(**dict(zip((one, other), values, strict=True)))
            assert "nan" not in figure.text and "inf" not in figure.text
        figure.reset()


def extremes(control):
    return [control.low, control.high] if hasattr(control, "low") else control.options.values()


def test_the_leak_of_the_quotient_at_0_is_half_way():
    """(1 + slope) / 2 for any leak, as for ReLU."""
    for slope in (0.0, 0.1, 0.5):
        assert central(leaky_relu(slope).f, 0.0, 1e-3) == pytest.approx((1 + slope) / 2)
