"""Health at a good start: the expectation is the mean field, and real nets agree with it."""

import numpy as np
import pytest

from helpers import health, mean_field
from helpers.activations import ACTIVATIONS, RELU, activation, gaussian_mean

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
