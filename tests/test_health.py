"""Health at a good start: the expectation is the mean field, and real nets agree with it."""

from math import erfc

import numpy as np
import pytest

from helpers import health, mean_field
from helpers.activations import ACTIVATIONS, RELU, activation, gaussian_mean
from helpers.experiment import run

SMOOTH = [name for name in ACTIVATIONS if name != "step"]


@pytest.mark.parametrize("name", SMOOTH)
def test_the_gradient_factor_is_the_root_of_chi_1(name):
    act = activation(name)
    assert health.expected(act).factor == pytest.approx(
        mean_field.chi_1(act, act.gain, 1.0) ** 0.5, rel=1e-6
    )


def test_expected_values_known_in_closed_form():
    assert health.expected("relu")[:3] == pytest.approx((0.5, 0.5, 0.5), abs=1e-5)
    assert health.expected("step")[:3] == pytest.approx((0.5, 1, 0), abs=1e-5)
    assert health.expected("identity")[:3] == pytest.approx((0, 0, 1), abs=1e-12)
    tanh = health.expected("tanh")
    assert tanh.saturated == pytest.approx(0.00277, abs=1e-4)  # 2 P(z > arcosh 10)
    assert tanh.slope == pytest.approx(1 - gaussian_mean(lambda z: np.tanh(z) ** 2), abs=1e-9)


@pytest.mark.parametrize("name", SMOOTH)
def test_nets_agree_with_theory(name):
    """8 seeds x 16 nets measured: medians within .03, 0.03, .02 and 4 %; here one seed."""
    theory, nets = health.expected(name), health.measured(name, seed=26)
    assert np.median(nets.zeros) == pytest.approx(theory.zeros, abs=0.03)
    assert np.median(nets.saturated) == pytest.approx(theory.saturated, abs=0.03)
    assert np.median(nets.slope) == pytest.approx(theory.slope, abs=0.03)
    assert np.median(nets.factor) == pytest.approx(theory.factor, rel=0.06)
    assert (nets.update > 0).all() and len(nets.update) == health.NETS


@pytest.mark.parametrize("scale", [1.0, 3.0, 10.0])
def test_a_first_layer_with_weights_that_are_too_large(scale):
    """8 seeds: within .03 of theory on digits, whose sizes differ."""
    share = erfc(np.arccosh(10) / scale / np.sqrt(2))
    assert health.expected("tanh", scale).saturated == pytest.approx(share, abs=1e-4)
    for name in ("tanh", "sigmoid", "gelu", "relu"):
        film = run(data="digits", activation=name, scale=scale, width=64, steps=10, nets=8, seed=61)
        seen, theory = film.saturated[0, :, 0], health.expected(name, scale).saturated
        assert np.median(seen) == pytest.approx(theory, abs=0.02), name
        assert abs(seen - theory).max() < 0.05


@pytest.mark.parametrize("name", SMOOTH)
def test_the_factor_at_another_scale_is_chi_1_there(name):
    """The derivative of a relu does not feel the scale: only the weights are larger."""
    act = activation(name)
    theory = np.sqrt(gaussian_mean(lambda z: act.df(z) ** 2, 9.0))
    assert health.expected(name, 3.0).factor == pytest.approx(3 * act.gain * theory, rel=1e-9)
    assert health.expected("relu", 3.0).factor == pytest.approx(3.0, rel=1e-9)


def test_other_scales_are_refused():
    with pytest.raises(ValueError, match="scale"):
        health.expected("tanh", 0)


def test_zeros_and_saturation_mean_different_things():
    relu, sigmoid = health.measured(RELU, seed=26), health.measured("sigmoid", seed=26)
    np.testing.assert_allclose(relu.zeros, relu.saturated, rtol=1e-12)
    assert (sigmoid.zeros == 0).all() and (sigmoid.saturated < 0.01).all()
    assert np.median(sigmoid.update) < np.median(relu.update) / 5


def test_the_report_holds_the_numbers_and_fits_a_page():
    lines = health.report(["relu", "tanh"], seed=26).splitlines()
    nets = health.measured("relu", seed=26)
    assert len(lines) == 3 and max(map(len, lines)) <= 100
    assert f"0.50 | {np.median(nets.slope):.2f} ({nets.slope.min():.2f}-" in lines[1]
    assert "50 | " in lines[1] and lines[2].startswith("tanh")


def test_a_number_on_an_edge_is_rounded_alike_everywhere():
    below, above = (health._beside(0.505 + noise, np.full(3, 0.505 - noise), 2)
                    for noise in (1e-14, -1e-14))  # fmt: skip
    assert below == above == health._beside(0.505, np.full(3, 0.505), 2)
