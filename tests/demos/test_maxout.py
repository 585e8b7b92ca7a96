"""Maxout: tangents, the exact error for x^2, functions of the learner, and the figure."""

from itertools import product

import numpy as np
import pytest

from helpers import theory
from helpers.activations import YOURS
from helpers.demos import maxout
from helpers.demos.maxout import FUNCTIONS, compute_maxout
from helpers.live import LiveFigure


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


def artists(figure):
    return figure._picture.artists


def picture(figure):
    return figure._image.value


@pytest.mark.parametrize("pieces", [1, 2, 3, 7, 32])
def test_the_square_is_that_of_theory(pieces):
    r = compute_maxout(pieces=pieces)
    np.testing.assert_allclose(r.lines.max(0), theory.maxout_square(maxout.X, pieces), atol=1e-14)
    assert r.largest == pytest.approx(theory.maxout_bound(pieces), rel=1e-12)
    assert r.bound == pytest.approx(r.largest, rel=1e-12)
    assert r.inside == pieces
    unlifted = compute_maxout(pieces=pieces, lift=False)
    assert unlifted.largest == pytest.approx(2 * r.largest) and unlifted.error.max() < 1e-15


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("pieces", [1, 2, 5, 16])
def test_lines_are_tangents_below_the_function(function, pieces):
    r, convex = compute_maxout(function=function, pieces=pieces, lift=False), FUNCTIONS[function]
    assert r.error.max() < 1e-14
    middles = (np.arange(pieces) + 0.5) / pieces
    touch = maxout.tangents(convex, pieces, middles)
    np.testing.assert_allclose(np.diag(touch), convex.f(middles), atol=1e-15)
    assert not r.bound < r.largest * (1 - 1e-9)
    np.testing.assert_allclose(np.diff(r.lines, 2, axis=1), 0, atol=1e-14)


@pytest.mark.parametrize("pieces", [2, 4, 5, 8])
def test_no_other_lines_are_better_for_the_square(pieces):
    """k lines moved at random: the largest error grows, in every one of 200 tries."""
    rng, k = np.random.default_rng(2600), pieces
    x = np.linspace(0, 1, 40 * k + 1)
    middles = (np.arange(k) + 0.5) / k
    slopes, ends = 2 * middles, 1 / (8 * k**2) - middles**2
    for size in (1e-3, 1e-2) * 100:
        a, b = (v + size / k * rng.standard_normal(k) for v in (slopes, ends))
        error = (np.multiply.outer(x, a) + b).max(1) - x**2
        assert abs(error).max() > theory.maxout_bound(k)


def test_a_relu_is_two_lines():
    r = compute_maxout(function="hinge", pieces=2)
    assert r.largest == 0 and compute_maxout(function="hinge", pieces=1).largest > 0.4
    assert "largest error 0;" in maxout.maxout("hinge", pieces=2).text


def cube(x):
    return x**3


def test_own_convex_functions():
    figure = maxout.maxout(own=cube)
    assert figure.result.name == YOURS
    assert figure.result.largest < theory.interpolation_bound(3, 6.0) / 2
    assert figure.experiment.startswith("maxout.maxout(own=cube, function='your function'")
    again = eval(figure.experiment, {"maxout": maxout, "cube": cube})
    assert again.text == figure.text and picture(again) == picture(figure)
    one = compute_maxout(own=lambda x: abs(x - 0.5), pieces=2)
    assert one.largest < 1e-8


def test_the_error_is_looked_for_at_the_ends_of_the_pieces():
    """A sharp bend at 1/3, which is no place of the drawn curve: |x - 1/3| rounded off."""
    f = lambda x: np.sqrt((x - 1 / 3) ** 2 + 1e-10)  # noqa: E731
    slope = lambda x: (x - 1 / 3) / f(x)  # noqa: E731
    at, middles = np.array([1 / 3]), (np.arange(3) + 0.5) / 3
    depth = f(at) - (f(middles) + slope(middles) * (at - middles)).max()
    r = compute_maxout(own=f, pieces=3, lift=False)
    assert r.largest == pytest.approx(depth[0], rel=1e-3)
    assert r.largest > 1.5 * abs(r.error).max()


def test_a_function_that_is_not_convex_is_refused_with_its_place():
    with pytest.raises(ValueError, match="convex on \\[0, 1\\], but near x = 0.75"):
        maxout.maxout(own=lambda x: x * x - 3 * max(x - 0.75, 0))


def test_artists_show_the_result():
    figure = maxout.maxout(function="exponential", pieces=4)
    r, drawn = figure.result, artists(figure)
    np.testing.assert_array_equal(drawn["top"].get_ydata(), r.lines.max(0))
    np.testing.assert_array_equal(drawn["wanted"].get_ydata(), r.wanted)
    np.testing.assert_allclose(drawn["error"].get_ydata(), r.error / r.largest)
    np.testing.assert_array_equal(drawn["errors"].get_ydata(), r.errors)
    np.testing.assert_allclose(drawn["each"].get_ydata()[:2], r.lines[0, [0, -1]])
    assert drawn["now"].get_ydata() == [r.largest]
    assert drawn["bound"].get_ydata()[3] == pytest.approx(r.bound)
    low, high = drawn["lines"].get_ylim()
    assert low < r.wanted.min() and r.wanted.max() < high


def test_every_control_moves_the_picture_and_the_words():
    figure = maxout.maxout()
    for name, value in dict(function="exponential", pieces=6, lift=False).items():
        before, text = picture(figure), figure.text
        figure.set(**{name: value})
        assert picture(figure) != before and figure.text != text, name
    again = eval(figure.experiment, {"maxout": maxout})
    assert again.text == figure.text and picture(again) == picture(figure)


def test_all_settings_are_finite():
    figure = maxout.maxout()
    for function, pieces, lift in product(FUNCTIONS, (1, 2, 32), (True, False)):
        figure.set(function=function, pieces=pieces, lift=lift)
        assert "nan" not in figure.text and abs(figure.result.error).max() < 1.001


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"function": "sqare"}, "did you mean 'square'?"),
        ({"function": YOURS}, "function must be one of 'square'"),
        ({"pieces": 0}, "pieces must be a whole number from 1 to 32, got 0"),
        ({"own": 3}, "your function must be a function of one number, got 3"),
    ],
)
def test_bad_input_gets_a_sentence(settings, said):
    for call in (compute_maxout, maxout.maxout):
        with pytest.raises((TypeError, ValueError)) as error:
            call(**settings)
        assert said in str(error.value)
