"""The gain calculator: means against other ways to get them, gains against nets, and the figure."""

import math
from itertools import combinations, product

import numpy as np
import pytest
from scipy.integrate import quad

from helpers import mean_field
from helpers.activations import ACTIVATIONS, RELU, YOURS, Activation, leaky_relu, mixed
from helpers.demos import gain
from helpers.demos.gain import compute_calculator
from helpers.live import LiveFigure

NAMED = pytest.mark.parametrize("name", ACTIVATIONS)


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


def artists(figure):
    return figure._picture.artists


def picture(figure):
    return figure._image.value  # png() without the time for better compression


# --- The numbers --------------------------------------------------------------------------------


def adaptive_mean(f, q):
    """E f(z), E z^2 = q, by another quadrature; kinks and jumps are at 0."""
    density = lambda z: f(z) * math.exp(-z * z / (2 * q)) / math.sqrt(2 * math.pi * q)  # noqa: E731
    far = 12 * math.sqrt(q)
    return sum(quad(density, *ends, epsabs=1e-13)[0] for ends in ((-far, 0), (0, far)))


@NAMED
@pytest.mark.parametrize("q", [0.1, 1.0, 10.0])
def test_means_gain_and_chi_agree_with_adaptive_quadrature(name, q):
    act, result = ACTIVATIONS[name], compute_calculator(activation=name, q=q)
    mean, second = adaptive_mean(act.f, q), adaptive_mean(lambda z: act.f(z) ** 2, q)
    slope = adaptive_mean(lambda z: act.df(z) ** 2, q)
    assert result.mean == pytest.approx(mean, abs=1e-9)
    assert result.second == pytest.approx(second, rel=1e-9)
    assert result.slope == pytest.approx(slope, rel=1e-9, abs=1e-12)
    assert result.variance == pytest.approx(second - mean**2, rel=1e-7)
    assert result.gains[0] == pytest.approx(math.sqrt(q / second))
    assert result.chi_1 == pytest.approx(q * slope / second, abs=1e-12)
    if q == 1:
        assert result.gains[0] == pytest.approx(act.gain)


@NAMED
def test_samples_agree_within_four_standard_errors(name):
    for q, samples in product((0.1, 10.0), (10_000, 1000)):
        r = compute_calculator(activation=name, q=q, samples=samples)
        off = np.abs(r.sampled - [r.second, r.slope])
        assert (off <= 4 * r.errors + 1e-12).all()
    z = np.sqrt(10) * gain._samples()[:samples]
    squares = ACTIVATIONS[name].f(z) ** 2
    assert r.sampled[0] == pytest.approx(np.mean(squares))
    assert r.errors[0] == pytest.approx(np.std(squares, ddof=1) / math.sqrt(1000))


@NAMED
def test_the_coloured_area_is_the_second_moment(name):
    for q in (0.1, 1.0, 10.0):
        result = compute_calculator(activation=name, q=q)
        area = np.sum(result.curve) * 0.05  # a jump costs half a step
        assert area == pytest.approx(result.second / q, rel=0.03)


def test_second_moment_and_variance_are_two_things():
    relu = compute_calculator(activation="relu")
    assert relu.mean**2 == pytest.approx(1 / (2 * math.pi))
    assert relu.variance == pytest.approx(1 / 2 - 1 / (2 * math.pi))
    assert relu.gains[1] == pytest.approx(math.sqrt(2 / (1 - 1 / math.pi)))
    assert relu.predicted[1, -1] == pytest.approx((math.pi / (math.pi - 1)) ** 30)
    tanh = compute_calculator(activation="tanh")
    assert tanh.gains[0] == pytest.approx(tanh.gains[1])
    np.testing.assert_array_equal(tanh.predicted[0], tanh.predicted[1])


@pytest.mark.parametrize("name", ["identity", "relu", "leaky_relu", "abs"])
def test_the_gain_of_a_homogeneous_activation_does_not_depend_on_q(name):
    gains = [compute_calculator(activation=name, q=q).gains[0] for q in (0.1, 1.0, 10.0)]
    assert np.ptp(gains) < 1e-12
    others = [compute_calculator(activation="tanh", q=q).gains[0] for q in (0.1, 1.0, 10.0)]
    assert np.all(np.diff(others) > 0.4)


@pytest.mark.parametrize("slope", [-1.0, -0.3, 0.0, 0.01, 0.2, 1.0])
def test_the_leaky_gain(slope):
    result = compute_calculator(activation="leaky_relu", slope=slope, gain=math.sqrt(2))
    assert result.gains[0] == pytest.approx(math.sqrt(2 / (1 + slope**2)))
    assert result.predicted[2, -1] == pytest.approx((1 + slope**2) ** 30)
    assert result.chi_1 == pytest.approx(1)


@NAMED
def test_layers_follow_the_map(name):
    r = compute_calculator(activation=name, q=2.0, gain=1.3)
    assert (r.predicted[0] == 2.0).all()
    for gained, path in zip(r.gains, r.predicted, strict=True):
        assert path[0] == pytest.approx(2.0)
        step = mean_field.second_moment_map(name, path[:-1], gained, 0.0)
        np.testing.assert_allclose(path[1:], step, rtol=1e-9)


@NAMED
@pytest.mark.parametrize("q", [0.1, 1.0, 10.0])
def test_the_net_stays_near_theory(name, q):
    """For a few layers: after 30 a net of 128 units is off by what D3 says, and GELU by more."""
    r = compute_calculator(activation=name, q=q)
    ratio = r.measured / r.predicted
    np.testing.assert_allclose(ratio[:, 0], 1)
    assert np.abs(np.log10(ratio[:, 5])).max() < 0.45
    if name in ("relu", "leaky_relu", "abs", "identity"):  # one and the same net, scaled
        np.testing.assert_allclose(ratio[0], ratio[1], rtol=1e-9)
        np.testing.assert_allclose(ratio[0], ratio[2], rtol=1e-9)


def test_the_net_is_a_net():
    r = compute_calculator(activation="gelu", q=0.5, gain=1.7)
    first, weights = gain._net()
    z = math.sqrt(0.5) * first
    for W in weights:
        z = ACTIVATIONS["gelu"].f(z) @ (1.7 * W)
    assert r.measured[2, -1] == pytest.approx(np.mean(z**2))
    assert weights.std() == pytest.approx(1 / math.sqrt(gain.WIDTH), rel=0.01)


def test_torch_s_table_is_quoted_as_it_is():
    """Read off torch.nn.init.calculate_gain, PyTorch 2.13."""
    torch = {"identity": 1, "sigmoid": 1, "tanh": 1.6666666666666667, "relu": 1.4142135623730951}
    assert gain.TORCH == pytest.approx(torch | {"selu": 0.75})
    assert "Gain 1.593 (PyTorch's table says 1.667)" in gain.calculator(activation="tanh").text
    assert "PyTorch" not in gain.calculator(activation="gelu").text


# --- The learner's own --------------------------------------------------------------------------


@pytest.mark.parametrize("own", [lambda z: max(z, 0.0), lambda z: np.maximum(z, 0), RELU, "relu"])
def test_an_own_relu_is_a_relu(own):
    yours, ours = compute_calculator(own=own), compute_calculator(activation="relu")
    for field in ("second", "mean", "slope", "gains", "sampled", "errors", "measured", "curve"):
        np.testing.assert_allclose(getattr(yours, field), getattr(ours, field), rtol=1e-7)
    np.testing.assert_allclose(yours.predicted, ours.predicted, rtol=1e-6)


def test_an_own_function_by_hand():
    result = compute_calculator(own=lambda z: z**2)
    assert (result.mean, result.second, result.slope) == pytest.approx((1, 3, 4))
    assert result.gains[:2] == pytest.approx([1 / math.sqrt(3), 1 / math.sqrt(2)])


def test_a_function_that_explodes_is_shown_all_the_same():
    figure = gain.calculator(own=lambda z: z**3, gain=2.5)
    assert "above 1e+100" in figure.text and np.isfinite(figure.result.measured).all()
    assert (figure.result.predicted[0] == figure.result.predicted[1]).all()
    shrinking = compute_calculator(own=lambda z: z**3, q=0.1, gain=0.5)
    assert shrinking.measured[2, -1] == 0  # not a subnormal number, which would take its time


def test_a_constant_has_no_gain_from_its_variance():
    figure = gain.calculator(own=lambda z: 3.0)
    r = figure.result
    assert r.variance == 0 and r.gains[1] == math.inf and r.gains[0] == pytest.approx(1 / 3)
    assert artists(figure)["labels"][1].get_text() == "none from Var f"
    assert "from Var f" not in figure.text and "nan" not in figure.text


def test_own_is_one_more_choice():
    figure = gain.calculator(own=lambda z: z**2)
    assert figure.values["activation"] == YOURS
    figure.set(activation="tanh")
    assert figure.result.name == "tanh"
    assert gain.calculator("tanh", own=lambda z: z**2).result.name == "tanh"


def square(z):
    return z * z


def test_the_line_of_code_names_your_function():
    figure = gain.calculator(own=square)
    assert figure.experiment.startswith("gain.calculator(own=square, activation='your function'")
    again = eval(figure.experiment, {"gain": gain, "square": square})
    assert again.text == figure.text
    assert "own=my_function, " in gain.calculator(own=lambda z: z).experiment


# --- The figure ---------------------------------------------------------------------------------


def test_artists_show_the_result():
    figure = gain.calculator(activation="softplus", q=0.5, samples=200, gain=0.8)
    r, drawn = figure.result, artists(figure)
    outline = drawn["area"].get_xy()
    np.testing.assert_array_equal(outline[1:162], np.column_stack([gain.CURVE, r.curve]))
    bars = [(bar.get_x(), bar.get_width()) for bar in drawn["parts"]]
    square, second = r.mean**2 / 0.5, r.second / 0.5
    np.testing.assert_allclose(bars, [(0, square), (square, second - square), (0, r.slope)])
    np.testing.assert_allclose(drawn["sampled"].get_xdata(), r.sampled / [0.5, 1])
    low, high, _ = drawn["spread"].get_xdata()[:3]
    assert (high - low) / 2 == pytest.approx(2 * r.errors[0] / 0.5)
    for k in range(3):
        np.testing.assert_array_equal(drawn["predicted"][k].get_ydata(), r.predicted[k])
        np.testing.assert_array_equal(drawn["measured"][k].get_ydata(), r.measured[k])
    texts = [label.get_text() for label in drawn["labels"]]
    assert texts == [f"{g:.3f} {words}" for g, words in zip(r.gains, gain._FROM, strict=True)]
    assert drawn["gain"].get_text() == f"{r.gains[0]:.3f}"
    assert drawn["chi_1"].get_text() == f"{r.chi_1:.3f}"


def test_the_text_carries_the_numbers():
    text = gain.calculator().text
    for words in (
        "E f² = 0.5 = (E f)² 0.1592 + Var f 0.3408", "E f′² = 0.5", "Gain 1.414", "χ₁ = 1.000",
        "E z² is 1 with this gain, 9.83e+04 with 1.713 from Var f, 9.31e-10 with yours, 1.000",
    ):  # fmt: skip
        assert words in text
    assert "(E f)² 0 + Var f 0.3943" in gain.calculator(activation="tanh").text


MOVES = dict(activation="leaky_relu", slope=0.3, q=3.0, gain=1.5, samples=100)


def test_every_control_moves_the_picture_and_the_words():
    figure = gain.calculator()
    for name, value in MOVES.items():
        before, text = picture(figure), figure.text
        figure.set(**{name: value})
        assert picture(figure) != before and figure.text != text, name
    figure.reset()
    assert figure.experiment == gain.calculator().experiment


def test_the_line_of_code_gives_the_same_figure():
    figure = gain.calculator(**MOVES)
    again = eval(figure.experiment, {"gain": gain})
    assert again.text == figure.text and picture(again) == picture(figure)


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"activation": "rleu"}, "did you mean 'relu'?"),
        ({"activation": YOURS}, "activation must be one of 'identity'"),
        ({"slope": 2}, "slope must be a number from -1 to 1, got 2"),
        ({"q": 0}, "q must be a number from 0.1 to 10, got 0"),
        ({"q": "one"}, "q must be a number from 0.1 to 10, got 'one'"),
        ({"gain": math.nan}, "gain must be a number from 0.5 to 2.5, got nan"),
        ({"samples": 5}, "samples must be a whole number from 10 to 10000, got 5"),
        ({"samples": 99.5}, "samples must be a whole number from 10 to 10000, got 99.5"),
        ({"own": 3}, "your function must be a function of one number, got 3"),
        ({"own": lambda z: 1 / z}, "your function must give finite numbers, but f(0) is"),
        ({"own": lambda z: 0.0}, "your function has no gain: its E f(z)^2 must be above 0, got 0"),
        ({"own": mixed("relu", "tanh")}, "own must be one function for all units, got mixed("),
    ],
)
def test_bad_input_gets_a_sentence_with_value_and_range(settings, said):
    for call in (compute_calculator, gain.calculator):
        with pytest.raises((TypeError, ValueError)) as error:
            call(**settings)
        assert said in str(error.value)


def test_a_record_with_a_foreign_slope_is_taken_at_its_word():
    surrogate = Activation("mine", "z", RELU.f, leaky_relu(0.5).df)
    assert compute_calculator(own=surrogate).slope == pytest.approx((1 + 0.25) / 2)


def test_all_pairs_of_extremes_are_finite_and_inside_the_axes():
    figure = gain.calculator()
    ends = {name: extremes(control) for name, control in figure._panel.controls.items()}
    for one, other in combinations(ends, 2):
        for values in product(ends[one], ends[other]):
            figure.set(**dict(zip((one, other), values, strict=True)))
            assert "nan" not in figure.text
            shown_whole(figure)
        figure.reset()


def shown_whole(figure):
    r, drawn = figure.result, artists(figure)
    assert r.curve.max() <= drawn["areas"].get_ylim()[1]
    assert max(r.second / r.q, r.slope) <= drawn["bars"].get_xlim()[1]
    spread = drawn["spread"].get_xdata()
    assert np.nanmax(spread) <= drawn["bars"].get_xlim()[1]


def extremes(control):
    return [control.low, control.high] if hasattr(control, "low") else list(ACTIVATIONS)


def test_most_steps_of_q_need_no_new_axes():
    figure = gain.calculator(activation="softplus")
    redraws = 0
    for q in np.logspace(-1, 1, 21):
        limits = [artists(figure)[ax].axis() for ax in ("areas", "bars")]
        figure.set(q=float(q))
        redraws += limits != [artists(figure)[ax].axis() for ax in ("areas", "bars")]
    assert redraws <= 5
