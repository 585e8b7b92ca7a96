"""The numbers in the predictions of notebook 02 are true: each is computed here."""

import math

import numpy as np
import pytest

from helpers import diagnostics, mean_field
from helpers.activations import RELU, SIGMOID, TANH
from helpers.demos import derivative, output, rescue, saturation
from helpers.losses import SOFTMAX
from helpers.questions import saturation as questions
from helpers.training import finish


def flat_from(act):
    """The z > 0 beyond which the slope is under 0.01."""
    ((_, left), (right, _)) = diagnostics.saturated_zones(act)
    assert left == pytest.approx(-right)
    return right


def test_slope_flat():
    question, z = questions.SLOPE_FLAT, flat_from(SIGMOID)
    assert abs(question["answer"] - z) < question["step"] / 2 < question["within"]
    assert f"{z:.3f}" in question["why"] and "4.585" == f"{z:.3f}"
    assert f"{flat_from(TANH):.3f}" in question["why"]
    assert question["low"] <= z <= question["high"]
    assert not abs(flat_from(TANH) - z) < question["within"]  # tanh's place is a wrong answer
    assert SIGMOID.df(0.0) == 1 / 4 and math.exp(-4.6) == pytest.approx(0.01, rel=0.01)
    z = np.array([12.0])
    assert SIGMOID.df(z) == pytest.approx(np.exp(-z), rel=1e-4)
    assert TANH.df(z) == pytest.approx(4 * np.exp(-2 * z), rel=1e-4)


def test_step_size():
    errors = derivative.largest_errors("tanh", "central", 10.0 ** -np.arange(1, 17))[0]
    assert 1 < errors.argmin() < 10 and errors[-1] > errors[0]  # D: it falls and grows again
    assert errors[0] / errors[1] > 50  # B: by 10 each time
    assert questions.STEP_SIZE["answer"] == 3
    assert derivative.compute_step_size().best[0] == pytest.approx(6e-6, rel=0.1)
    assert "0.000006" in questions.STEP_SIZE["why"]


def test_two_h():
    h, f, x = 1e-4, np.tanh, 0.3
    ratio = ((f(x + h) - f(x - h)) / 2*h) / ((f(x + h) - f(x - h)) / (2 * h))  # fmt: skip
    assert ratio == pytest.approx(1e-8, rel=1e-12) and h**2 == pytest.approx(0.00000001)
    assert questions.TWO_H["options"][questions.TWO_H["answer"]] == "$h^2$ = 0.00000001"


def test_two_coats():
    assert TANH.df(0.0) == 1 == 4 * SIGMOID.df(0.0)
    assert "four times" in questions.TWO_COATS["options"][questions.TWO_COATS["answer"]]


def test_meter():
    shares = {
        act.name: float(saturation.expected(act, 0.0, [1.0]).saturated[0])
        for act in (SIGMOID, TANH, RELU)
    }
    assert max(shares, key=shares.get) == "relu" and shares["relu"] == 1 / 2
    assert shares["sigmoid"] < shares["tanh"] < 0.01  # "rare at this scale"
    assert np.ptp(saturation.expected(RELU, 0.0, saturation.SWEEP).saturated) < 1e-12
    assert questions.METER["options"][questions.METER["answer"]].startswith("ReLU")


def test_chain():
    products = [
        saturation.compute_chain(depth=L, w=4.0, b=-2.0, x=0.5).product for L in (1, 10, 64)
    ]
    assert products == [1, 1, 1]
    assert questions.CHAIN["options"][questions.CHAIN["answer"]].startswith("Exactly 1")
    assert 0.25**10 == pytest.approx(1e-6, rel=0.1) and 4**10 == pytest.approx(1e6, rel=0.1)


def test_four_times():
    chi = {
        sigma_w: mean_field.chi_1(
            "sigmoid", sigma_w, mean_field.fixed_point("sigmoid", sigma_w, 0.0)
        )
        for sigma_w in (1.0, 4.0)
    }
    assert round(chi[4.0], 2) == 0.40 and round(math.sqrt(chi[4.0]), 2) == 0.63
    assert round(math.sqrt(chi[1.0]), 2) == 0.24  # the wrong answer C, "as before"
    assert "0.63" in questions.FOUR_TIMES["options"][questions.FOUR_TIMES["answer"]]


def test_fade():
    bound = 1 / math.sqrt(500)
    theory = mean_field.glorot_bengio((500,) * 6, lambda *sizes: bound / math.sqrt(3))
    assert theory.backward[-1] / theory.backward[0] == pytest.approx(81)
    assert theory.gradient == pytest.approx(theory.gradient[-1])
    assert questions.FADE["answer"] == 0


def test_top_layer():
    film = finish(rescue.record_top_layer(seed=26))
    first, *_, last = rescue.compute_top_layer(record=film, frame=0).means
    assert np.allclose([first, last], 1 / 2, atol=0.05)
    first, *middle, last = rescue.compute_top_layer(record=film).means
    assert np.all(last < 0.12) and np.all(abs(first - 1 / 2) < 0.05) and np.min(middle) > 0.4
    assert questions.TOP_LAYER["options"][questions.TOP_LAYER["answer"]] == (
        "The last hidden one, to 0"
    )


def test_same_problem():
    usual, tanh = (
        np.median(10 ** rescue.compute_rescue(depth=10, **start).profile[:, 0])
        for start in (dict(gain=1.0, compensation=0.0), dict(kind="tanh"))
    )
    assert 1e-6 < usual < 9e-6 and 0.2 < tanh < 0.3  # some millionths, about a quarter
    per_layer = [
        10 ** (mean_field.signal(act, 1.0, 0.0, 10).log10_gradient[0] / 9)
        for act in ("sigmoid", "tanh")
    ]
    assert [f"{x:.2f}" for x in per_layer] == ["0.23", "0.87"]
    assert "about 0.23" in questions.SAME_PROBLEM["why"] and "0.87" in questions.SAME_PROBLEM["why"]
    assert questions.SAME_PROBLEM["answer"] == 1


def test_gain_enough():
    alone = finish(rescue.record_rescue(seed=26, gain=4.0, compensation=0.0)).right[-3:]
    assert np.all(np.median(alone, axis=0) < 0.7)  # no
    usual, gain = (
        rescue.compute_rescue(depth=10, gain=g, compensation=0.0).profile[:, 0] for g in (1.0, 4.0)
    )
    assert np.all(gain > usual + 3) and np.all(gain < 0)  # better, and no explosion
    assert questions.GAIN_ENOUGH["answer"] == 0


def test_slow_start():
    sure, less = (
        output.compute_slow_start(w=w, b=b, eta=0.15, epoch=0) for w, b in ((2.0, 2.0), (0.6, 0.9))
    )
    assert round(sure.output[0, 0], 2) == 0.98 and round(less.output[0, 0], 2) == 0.82
    assert f"{sure.slope[0]:.3f}" == "0.018" and f"{less.slope[0]:.3f}" == "0.149"
    assert sure.below_half[0] > 5 * less.below_half[0]  # by far the longer
    assert "0.82" in questions.SLOW_START["options"][questions.SLOW_START["answer"]]


def test_softmax_sure():
    z = np.array([[0.0, -20 * math.log(10) - 1, -100.0]])  # p_1 is 1 to 20 digits
    _, gradient = SOFTMAX(z, np.array([1]))
    assert np.allclose(gradient, [[1, -1, 0]], rtol=0, atol=1e-20)
    assert questions.SOFTMAX_SURE["options"][questions.SOFTMAX_SURE["answer"]].startswith("1 and")


def test_the_right_option_is_not_always_in_the_same_place():
    found = [q for name, q in vars(questions).items() if name.isupper() and "options" in q]
    places = [question["answer"] for question in found]
    assert max(map(places.count, range(4))) <= len(places) / 2 - 1 and len(set(places)) == 4


def test_options_do_not_tell_the_answer_by_their_length():
    found = [q for name, q in vars(questions).items() if name.isupper() and "options" in q]
    longest = [max(q["options"], key=len) == q["options"][q["answer"]] for q in found]
    shortest = [min(q["options"], key=len) == q["options"][q["answer"]] for q in found]
    assert sum(longest) <= len(found) / 2 and sum(shortest) <= len(found) / 2
