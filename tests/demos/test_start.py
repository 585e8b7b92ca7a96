"""The set-up check of notebook 00."""

import numpy as np
import pytest

from helpers.demos import start
from helpers.live import LiveFigure


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


@pytest.mark.parametrize("slope", [-1.0, 0.0, 0.1, 1.0])
def test_the_curve_is_the_leaky_relu(slope):
    result = start.compute_one_slider(slope=slope)
    np.testing.assert_allclose(result.a, np.where(result.z > 0, result.z, slope * result.z))
    assert result.at_minus_two == -2 * slope


def test_the_slider_moves_the_picture_the_words_and_the_line_of_code():
    figure = start.one_slider()
    before = figure.png()
    figure.set(slope=-1.0)
    assert figure.png() != before
    assert "at z = -2 the activation is 2.00" in figure.text
    assert figure.experiment == "start.one_slider(slope=-1.0)"


def test_artists_show_the_result():
    figure = start.one_slider(slope=0.5)
    curve = figure._picture.artists["curve"]
    np.testing.assert_array_equal(curve.get_ydata(), figure.result.a)


@pytest.mark.parametrize("slope", ["steep", float("nan"), 2, None])
def test_a_slope_that_does_not_fit_is_named_with_its_range(slope):
    with pytest.raises((TypeError, ValueError), match="slope must be a number from -1 to 1, got"):
        start.one_slider(slope=slope)
