"""The demos on output units: Nielsen's slow start and softmax on a scale, against other ways."""

import math
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.activations import SIGMOID
from helpers.demos import output
from helpers.demos.output import (
    COSTS,
    EPOCHS,
    SWEEP,
    compute_slow_start,
    compute_softmax,
    flow_epochs,
    learning,
)
from helpers.live import LiveFigure
from helpers.losses import LOGISTIC, SOFTMAX, SQUARED_ERROR
from helpers.losses import softmax as shares
from helpers.network import Net
from helpers.training import SGD, train

starts, logits = st.floats(-5, 5), st.floats(-1, 1)
rates, scales = st.floats(0.01, 2), st.floats(0.1, 100)


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


def artists(figure):
    return figure._picture.artists


def picture(figure):
    return figure._image.value  # png() without the time for better compression


# --- a slow start -------------------------------------------------------------------------------


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("w, b, eta", [(0.6, 0.9, 0.15), (2.0, 2.0, 0.15), (-1.0, 3.0, 1.2)])
def test_the_unit_is_a_net_that_learns(cost, w, b, eta):
    """The general network and optimizer, with weight and bias apart, take the same steps.

    SQUARED_ERROR has no factor 1/2, hence half the rate.
    """
    squared = cost == "squared error"
    net = Net((1, 1), out="sigmoid" if squared else "identity")
    loss, lr = (SQUARED_ERROR, eta / 2) if squared else (LOGISTIC, eta)
    run = train(net, np.array([w, b]), np.ones((1, 1)), np.zeros((1, 1)), loss, steps=EPOCHS,
                optimizer=SGD(lr), record=range(EPOCHS + 1))  # fmt: skip
    np.testing.assert_allclose(learning(w + b, eta, cost), run.thetas.sum(-1), atol=1e-10)


@given(starts, starts, rates, st.integers(0, EPOCHS))
def test_the_gradient_is_that_of_the_cost(w, b, eta, epoch):
    """Central difference of each cost along w."""
    r = compute_slow_start(w=w, b=b, eta=eta, epoch=epoch)
    h = 1e-5
    for k, cost in enumerate((lambda z: SIGMOID.f(z) ** 2 / 2, lambda z: np.logaddexp(0, z))):
        z = r.z[k, epoch]
        difference = (cost(z + h) - cost(z - h)) / (2 * h)
        assert r.gradient[k] == pytest.approx(difference, abs=1e-9)
        assert r.slope[k] == SIGMOID.df(z)
    assert r.gradient[0] <= r.output[0, epoch] / 4


@given(starts, starts, rates)
def test_the_output_only_falls(w, b, eta):
    r = compute_slow_start(w=w, b=b, eta=eta)
    assert (np.diff(r.z) < 0).all() and (r.z[:, 0] == w + b).all()
    assert (r.z[1, 1:] < r.z[0, 1:]).all()  # cross-entropy is ahead at every epoch
    assert np.abs(r.z).max() < output.SURE


@settings(max_examples=60)
@given(st.floats(-10, 10), rates, st.sampled_from(list(COSTS)), st.floats(0.01, 8))
def test_gradient_flow_has_the_slope_of_the_cost(start, eta, cost, below):
    """dt/dz = -1 / (2 eta gradient), by a complex step through the closed form."""
    z, h = start - below, 1e-20
    dt_dz = -output._integral(np.complex128(z + 1j * h), cost).imag / h / (2 * eta)
    a, slope = SIGMOID.f(z), SIGMOID.df(z)
    gradient = a * slope if cost == "squared error" else a
    assert dt_dz == pytest.approx(-1 / (2 * eta * gradient), rel=1e-10)
    assert flow_epochs(start, start, eta, cost) == 0
    assert flow_epochs(z, start, eta, cost) > 0 and np.isnan(flow_epochs(start + 1, start, 1, cost))


@pytest.mark.parametrize("cost", COSTS)
def test_small_steps_follow_the_flow(cost):
    """The epoch at which z falls below a level, against the closed form: off by the rate."""
    for start, eta in ((1.5, 0.01), (3.0, 0.01), (3.0, 0.02)):
        z = np.array(learning(start, eta, cost, epochs=1500))
        crossed = np.argmax(z < 0.5)
        assert 0 < crossed == pytest.approx(float(flow_epochs(0.5, start, eta, cost)), rel=0.02)


def test_the_wait_is_exponential_for_one_cost_and_linear_for_the_other():
    waits = {cost: flow_epochs(0.0, 9.0, 0.15, cost) / flow_epochs(0.0, 8.0, 0.15, cost)
             for cost in COSTS}  # fmt: skip
    assert waits["squared error"] == pytest.approx(math.e, rel=0.02)
    assert waits["cross-entropy"] == pytest.approx(10 / 9, rel=0.01)


def test_the_epoch_below_one_half():
    r = compute_slow_start()
    for k, epoch in enumerate(r.below_half.astype(int)):
        assert r.output[k, epoch] < 0.5 <= r.output[k, epoch - 1]
    late = compute_slow_start(w=5.0, b=5.0)
    assert np.isnan(late.below_half[0]) and late.below_half[1] < EPOCHS
    assert compute_slow_start(w=-1.0, b=0.5).below_half.tolist() == [0, 0]


def test_slow_start_in_words():
    text = output.slow_start().text
    assert "output 0.9820 at the start" in text and "learning rate 0.15" in text
    assert "squared error: output 0.9334, f'(z) 0.0621, gradient 0.058, after 300 epochs 0.2028, "\
        "under 1/2 from epoch 232 (gradient flow: from epoch 230.1)" in text
    assert "cross-entropy: output 0.0257" in text and "under 1/2 from epoch 17" in text
    late = output.describe_slow_start(compute_slow_start(w=5.0, b=5.0))
    assert "under 1/2 not in 300 epochs (gradient flow: from epoch 73," in late
    early = output.describe_slow_start(compute_slow_start(w=-1.0, b=0.0))
    assert "under 1/2 from epoch 0 (gradient flow: from the start)" in early


def test_slow_start_artists_show_the_result():
    figure = output.slow_start(w=1.0, b=1.5, eta=0.3, epoch=77)
    r, drawn = figure.result, artists(figure)
    for k in range(2):
        epochs, shown = drawn["output"][k].get_data()
        np.testing.assert_array_equal(shown, r.output[k, epochs.astype(int)])
        assert drawn["here"][k].get_xydata().tolist() == [[r.z[k, 77], r.gradient[k]]]
        assert float(drawn["numbers"][k].get_text()) == pytest.approx(r.output[k, 77], abs=1e-4)
        z, gradient = drawn["trail"][k].get_data()
        slope = SIGMOID.df(z) if k == 0 else 1
        np.testing.assert_allclose(gradient, SIGMOID.f(z) * slope)
        times, heights = drawn["flow"][k].get_data()
        inside = np.flatnonzero((times > 20) & (times < 280))
        at = np.interp(times[inside], np.arange(EPOCHS + 1), r.output[k])
        np.testing.assert_allclose(heights[inside], at, atol=0.05)
    assert set(drawn["now"].get_xdata()) == {77}


def test_everything_of_slow_start_lies_within_the_axes():
    figure = output.slow_start()
    for values in product((-5.0, 5.0), (-5.0, 5.0), (0.01, 2.0), (0, 300)):
        figure.set(**dict(zip(("w", "b", "eta", "epoch"), values, strict=True)))
        for name in ("output", "trail", "here"):
            for line in artists(figure)[name]:
                (low, high), (bottom, top) = line.axes.get_xlim(), line.axes.get_ylim()
                x, y = line.get_data()
                assert low < np.min(x) and np.max(x) < high
                assert bottom < np.min(y) and np.max(y) < top


# --- softmax on a scale -------------------------------------------------------------------------


@settings(max_examples=150)
@given(st.floats(0.1, 20), logits, logits, logits, st.integers(1, 3))
def test_the_jacobian_is_that_of_softmax(scale, z1, z2, z3, target):
    r = compute_softmax(scale=scale, z1=z1, z2=z2, z3=z3, target=target)
    z, h = scale * np.array([z1, z2, z3]), 1e-5
    for j, step in enumerate(h * np.eye(3)):
        column = (shares(z + step) - shares(z - step)) / (2 * h)
        np.testing.assert_allclose(r.jacobian[:, j], column, atol=1e-10)
    np.testing.assert_allclose(r.p, shares(z), atol=1e-15)
    np.testing.assert_allclose(r.jacobian.sum(0), 0, atol=1e-15)  # probabilities add up to 1


@settings(max_examples=150)
@given(st.floats(0.1, 20), logits, logits, logits, st.integers(1, 3))
def test_the_gradients_are_those_of_the_costs(scale, z1, z2, z3, target):
    """Central differences of |p - y|^2 / 2 and of -ln p; and the losses of the library."""
    r = compute_softmax(scale=scale, z1=z1, z2=z2, z3=z3, target=target)
    z, h = scale * np.array([z1, z2, z3]), 1e-5
    label = np.array([target - 1])
    for j, step in enumerate(h * np.eye(3)):
        ends = np.stack([z + step, z - step])
        squared = 0.5 * SQUARED_ERROR(shares(ends)[:, None], r.y[None])[0]
        entropy = SOFTMAX(ends[:, None], label)[0]
        assert r.squared[j] == pytest.approx(-np.diff(squared)[0] / (2 * h), abs=1e-9)
        assert r.entropy[j] == pytest.approx(-np.diff(entropy)[0] / (2 * h), abs=1e-9)
    np.testing.assert_allclose(r.entropy, r.p - r.y, atol=1e-15)
    np.testing.assert_allclose(r.entropy, SOFTMAX(z[None], label)[1][0], atol=1e-15)
    np.testing.assert_allclose(r.squared, r.jacobian @ (r.p - r.y), atol=1e-15)


@settings(max_examples=60)
@given(scales, logits, logits, logits, st.integers(1, 3))
def test_nothing_is_lost_however_sure_softmax_is(scale, z1, z2, z3, target):
    """Against exact fractions: p_i, J and the gradients to 12 digits, down to 1e-174."""
    from fractions import Fraction as F

    r = compute_softmax(scale=scale, z1=z1, z2=z2, z3=z3, target=target)
    z = scale * np.array([z1, z2, z3])
    e = [F(float(x)) for x in np.exp(z - z.max())]
    p = [x / sum(e) for x in e]
    y = [F(int(k == target - 1)) for k in range(3)]
    mean = sum(pi * (pi - yi) for pi, yi in zip(p, y, strict=True))
    exact = [pi * (pi - yi - mean) for pi, yi in zip(p, y, strict=True)]
    np.testing.assert_allclose(r.p, [float(x) for x in p], rtol=1e-12)
    np.testing.assert_allclose(np.diag(r.jacobian), [float(x * (1 - x)) for x in p], rtol=1e-12)
    largest = float(max(abs(x) for x in exact))
    np.testing.assert_allclose(r.squared, [float(x) for x in exact], atol=1e-12 * largest)
    assert r.sizes[1] == pytest.approx(largest, rel=1e-12) and largest > 0


@given(logits, logits, logits, st.integers(1, 3))
def test_curves_are_the_sizes_at_all_scales(z1, z2, z3, target):
    at = dict(z1=z1, z2=z2, z3=z3, target=target)
    for k in (0, 31, 60):
        r = compute_softmax(scale=SWEEP[k], **at)
        np.testing.assert_allclose(r.sizes, r.curves[:, k], rtol=1e-10)
        np.testing.assert_allclose(
            r.sizes, [np.abs(x).max() for x in (r.jacobian, r.squared, r.entropy)], rtol=0
        )


def test_the_law_of_large_scales():
    """max|J| is e^(-gap scale), twice that if two other logits tie, and 1/4 if the largest do."""
    r = compute_softmax(scale=60.0)
    assert r.gap == 0.5 and r.sizes[0] == pytest.approx(math.exp(-30), rel=1e-6)
    tie = compute_softmax(scale=60.0, z1=0.5, z2=-0.5, z3=-0.5)
    assert tie.sizes[0] == pytest.approx(2 * math.exp(-60), rel=1e-6)
    assert compute_softmax(scale=60.0, z1=0.5, z2=0.5).sizes[0] == pytest.approx(1 / 4)


def test_a_wrong_and_sure_answer_has_a_gradient_with_cross_entropy_only():
    wrong, right = compute_softmax(scale=100.0, target=3), compute_softmax(scale=100.0, target=1)
    assert wrong.sizes[2] == pytest.approx(1) and wrong.sizes[1] < 1e-20
    assert right.sizes[2] < 1e-20


def test_the_slider_goes_over_the_scales_of_the_curves():
    ladder = output.softmax()._panel.controls["scale"].ladder
    np.testing.assert_allclose(ladder, SWEEP, rtol=5e-3)


def test_softmax_artists_show_the_result():
    figure = output.softmax()
    figure.set(scale=2.0, z1=-0.4, z3=0.9, target=1)
    r, drawn = figure.result, artists(figure)
    np.testing.assert_array_equal(drawn["p"].get_data().values[::2], r.p)
    np.testing.assert_array_equal(drawn["y"].get_ydata()[::3], r.y)
    np.testing.assert_array_equal(drawn["entropy"].get_ydata()[::3], r.y)
    np.testing.assert_array_equal(drawn["entropy"].get_ydata()[1::3], r.p)
    np.testing.assert_array_equal(np.ravel(drawn["jacobian"].get_array()), r.jacobian.ravel())
    for curve, dot, values, size in zip(
        drawn["curves"], drawn["here"], r.curves, r.sizes, strict=True
    ):
        np.testing.assert_array_equal(curve.get_ydata(), values)
        assert dot.get_xydata().tolist() == [[2.0, size]]
    np.testing.assert_allclose(drawn["law"].get_ydata(), np.exp(-0.4 * SWEEP))
    assert float(drawn["largest"].get_text()) == pytest.approx(r.sizes[0], rel=0.06)


@settings(max_examples=30)
@given(logits, logits, logits, st.integers(1, 3))
def test_the_axis_reaches_down_to_the_smallest_gradient(z1, z2, z3, target):
    figure = FIGURE[0] if FIGURE else FIGURE.append(output.softmax()) or FIGURE[0]
    figure.set(z1=z1, z2=z2, z3=z3, target=target)
    bottom, top = artists(figure)["sizes"].get_ylim()
    assert bottom < figure.result.curves.min() and figure.result.curves.max() < top
    assert np.all(np.isin(artists(figure)["sizes"].get_ylim()[0], output.BOTTOMS))


FIGURE = []  # one figure for all the examples


def test_a_small_scale_needs_no_long_axis():
    figure = output.softmax()
    low = {}
    for scale in (0.1, 1.0, 100.0):
        figure.set(scale=scale)
        low[scale] = artists(figure)["sizes"].get_ylim()[0]
    assert set(low.values()) == {1e-25}  # the axis does not jump while the scale moves


# --- both ---------------------------------------------------------------------------------------

MOVES = {
    "slow_start": dict(w=1.0, b=-0.5, eta=0.4, epoch=20),
    "softmax": dict(scale=2.0, z1=-0.2, z2=0.1, z3=0.4, target=3),
}


@pytest.mark.parametrize("demo", MOVES)
def test_every_control_moves_the_picture_and_the_words(demo):
    figure = getattr(output, demo)()
    for name, value in MOVES[demo].items():
        before, text = picture(figure), figure.text
        figure.set(**{name: value})
        assert picture(figure) != before, name
        assert figure.text != text, name
    figure.reset()
    assert figure.experiment == getattr(output, demo)().experiment


@pytest.mark.parametrize("demo", MOVES)
def test_the_line_of_code_gives_the_same_figure(demo):
    figure = getattr(output, demo)()
    figure.set(**MOVES[demo])
    again = eval(figure.experiment, {"output": output})
    assert again.text == figure.text and picture(again) == picture(figure)


@pytest.mark.parametrize(
    "compute, given_, said",
    [
        (compute_slow_start, {"w": 6}, "w must be a number from -5 to 5, got 6"),
        (compute_slow_start, {"b": math.nan}, "b must be a number from -5 to 5, got nan"),
        (compute_slow_start, {"eta": 0}, "eta must be a number from 0.01 to 2, got 0"),
        (compute_slow_start, {"epoch": 301}, "epoch must be a whole number from 0 to 300, got 301"),
        (compute_slow_start, {"epoch": "x"}, "epoch must be a whole number from 0 to 300, got 'x'"),
        (compute_softmax, {"scale": 0}, "scale must be a number from 0.1 to 100, got 0"),
        (compute_softmax, {"z2": 1.5}, "z2 must be a number from -1 to 1, got 1.5"),
        (compute_softmax, {"z3": None}, "z3 must be a number from -1 to 1, got None"),
        (compute_softmax, {"target": 4}, "target must be a whole number from 1 to 3, got 4"),
    ],
)
def test_bad_input_gets_a_sentence_with_value_and_range(compute, given_, said):
    with pytest.raises((TypeError, ValueError)) as error:
        compute(**given_)
    assert said in str(error.value)
    with pytest.raises((TypeError, ValueError)):
        getattr(output, compute.__name__.removeprefix("compute_"))(**given_)


@pytest.mark.parametrize("demo", MOVES)
def test_all_pairs_of_extremes_are_finite(demo):
    """No warning (they are errors here), no exception, and nothing that cannot be drawn."""
    figure = getattr(output, demo)()
    ends = {name: extremes(control) for name, control in figure._panel.controls.items()}
    for one, other in combinations(ends, 2):
        for values in product(ends[one], ends[other]):
            figure.set(**dict(zip((one, other), values, strict=True)))
            assert "nan" not in figure.text and "inf" not in figure.text
        figure.reset()


def extremes(control):
    return [control.low, control.high] if hasattr(control, "low") else control.options.values()
