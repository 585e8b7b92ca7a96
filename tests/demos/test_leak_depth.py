"""ReLU and leaky nets in depth: theory, the real nets against the course's own, and the figure."""

import math
from itertools import product

import numpy as np
import pytest

from helpers import mean_field
from helpers.activations import RELU, leaky_relu
from helpers.demos import leak_depth
from helpers.demos.leak_depth import DEPTH, NETS, WEIGHTS, WIDTH, compute_deeper
from helpers.live import LiveFigure
from helpers.network import Net


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


def artists(figure):
    return figure._picture.artists


def picture(figure):
    return figure._image.value


# --- The numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("slope", [0.0, 0.01, 0.4, 1.0])
def test_moments_are_those_of_mean_field_theory(slope, weights):
    r = compute_deeper(slope=slope, weights=weights)
    for moments, act in zip(r.moments, (RELU, leaky_relu(slope)), strict=True):
        sigma_w = {"lecun": 1.0, "he": math.sqrt(2), "own": act.gain}[weights]
        signal = mean_field.signal(act, sigma_w, 0.0, DEPTH + 1, inputs=sigma_w**-2)
        np.testing.assert_allclose(10**moments, signal.second_moment, rtol=1e-7)


@pytest.mark.parametrize("slope", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("angle", [10, 90, 170])
def test_angles_are_those_of_the_general_correlation_map(slope, angle):
    r, act, c = compute_deeper(slope=slope, angle=angle), leaky_relu(slope), None
    for measured in r.angles[1, :4]:
        c = math.cos(math.radians(angle)) if c is None else (
            mean_field.correlation_map(act, c, act.gain, 0.0)
        )  # fmt: skip
        assert math.degrees(math.acos(c)) == pytest.approx(measured, rel=1e-4)


@pytest.mark.parametrize("slope, weights", [(0.3, "he"), (0.0, "lecun"), (0.8, "own")])
def test_the_nets_are_nets_of_the_course(slope, weights):
    """Net k as a `Net` with the weights diag(s) W and their true scale, given the same first z."""
    (u, v), signs, W = leak_depth._drawn()
    k, turn = 3, math.radians(40)
    first = np.stack([u[k], math.cos(turn) * u[k] + math.sin(turn) * v[k]])
    act, r = leaky_relu(slope), compute_deeper(slope=slope, weights=weights, angle=40)
    gain = {"lecun": 1.0, "he": math.sqrt(2), "own": act.gain}[weights]
    net = Net((WIDTH,) * (DEPTH + 2), act)
    layers = [np.eye(WIDTH), *(gain * s[k].T * w for s, w in zip(signs, W, strict=True))]
    Z = net.forward(net.pack([(w, np.zeros((1, WIDTH))) for w in layers]), first).Z
    moments = np.array([np.mean(z**2) for z in Z])
    np.testing.assert_allclose(10 ** r.nets_moments[1, k], moments / moments[0], rtol=1e-9)
    cosines = [a @ b / np.sqrt((a @ a) * (b @ b)) for a, b in Z]
    np.testing.assert_allclose(r.nets_angles[1, k], np.degrees(np.arccos(cosines)), rtol=1e-6)


def test_every_net_starts_at_the_chosen_angle_and_the_nets_differ():
    r = compute_deeper(angle=55)
    np.testing.assert_allclose(r.nets_angles[..., 0], 55)
    np.testing.assert_array_equal(r.nets_moments[..., 0], 0)
    assert r.nets_moments.shape == (2, NETS, DEPTH + 1)
    assert np.unique(r.nets_moments[..., -1]).size == 2 * NETS


def test_the_nets_agree_with_theory_within_what_width_allows():
    """Mean angle of 8 nets: standard error 1.5 to 3 degrees; log10 of the moments -.4 +- .13."""
    for slope in (0.0, 0.3, 0.6):
        r = compute_deeper(slope=slope, weights="own")
        means = r.nets_angles[..., -1].mean(1)
        np.testing.assert_allclose(means, r.angles[:, -1], atol=9)
        assert abs(r.nets_moments[..., -1].mean(1)).max() < 1


def test_relu_is_the_leak_0_and_a_straight_line_turns_nothing():
    same = compute_deeper(slope=0.0)
    np.testing.assert_array_equal(*same.nets_angles)
    assert same.alike == DEPTH
    straight = compute_deeper(slope=1.0, weights="he", angle=70)
    np.testing.assert_allclose(straight.angles[1], 70)
    assert straight.alike == pytest.approx(0, abs=1e-9)
    assert 10 ** straight.moments[1, -1] == pytest.approx(2.0**DEPTH)


def test_alike_is_the_relu_depth_with_the_same_angle():
    r = compute_deeper(slope=0.3)
    below, above = int(r.alike), int(r.alike) + 1
    assert r.angles[0, above] < r.angles[1, -1] < r.angles[0, below]
    assert r.alike == pytest.approx(DEPTH * 0.7**2 / (1 + 0.3**2), abs=1.5)


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"slope": 1.01}, "slope must be a number from 0 to 1, got 1.01"),
        ({"slope": math.nan}, "slope"),
        ({"angle": 5}, "angle must be a number from 10 to 170, got 5"),
        ({"weights": "hee"}, "did you mean 'he'?"),
    ],
)
def test_bad_settings_are_refused(settings, said):
    with pytest.raises(ValueError, match="must be") as error:
        compute_deeper(**settings)
    assert said in str(error.value)


# --- The figure ---------------------------------------------------------------------------------


def test_artists_show_the_result():
    figure = leak_depth.deeper(slope=0.2, weights="he")
    r, drawn = figure.result, artists(figure)
    for name, theory, nets in (
        ("moments", r.moments, r.nets_moments), ("angles", r.angles, r.nets_angles)
    ):  # fmt: skip
        for k in (0, 1):
            np.testing.assert_array_equal(drawn[f"{name} theory"][k].get_ydata(), theory[k])
            y = drawn[f"{name} nets"][k].get_ydata().reshape(NETS, DEPTH + 2)
            np.testing.assert_array_equal(y[:, :-1], nets[k])
            assert np.isnan(y[:, -1]).all()
    assert drawn["alike"].get_text() == f"{r.alike:.1f}"


def test_every_control_moves_the_picture_and_the_words():
    figure = leak_depth.deeper()
    for name, value in dict(slope=0.31, weights="he", angle=95).items():
        before, text = picture(figure), figure.text
        figure.set(**{name: value})
        assert picture(figure) != before and figure.text != text, name
    again = eval(figure.experiment, {"leak_depth": leak_depth})
    assert again.text == figure.text and picture(again) == picture(figure)


def test_nothing_leaves_the_axes_at_any_setting():
    for slope, weights, angle in product((0.0, 0.5, 1.0), WEIGHTS, (10, 90, 170)):
        r = compute_deeper(slope=slope, weights=weights, angle=angle)
        assert abs(r.nets_moments).max() < leak_depth._ENDS
        assert 0 <= r.nets_angles.min() and r.nets_angles.max() <= 180
        assert "nan" not in leak_depth.describe_deeper(r)


def test_the_words_hold_the_numbers():
    text = leak_depth.deeper(slope=0.01).text
    assert "ReLU: E z² 9.31e-10 " in text and "slope 0.01: E z² 9.34e-10 " in text
    assert "angle 13.6°" in text and "30 leaky layers do to the angle what 29.3 layers" in text
