"""The demos on XOR: solutions by hand, the levels of ReLU, and restarts of another seed."""

import math
from itertools import combinations, product

import numpy as np
import pytest

from helpers.demos import xor
from helpers.demos.xor import compute_by_hand, compute_restarts, trained_restarts
from helpers.live import LiveFigure
from helpers.losses import SQUARED_ERROR
from helpers.network import Net
from helpers.training import SGD, train


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


def artists(figure):
    return figure._picture.artists


def picture(figure):
    return figure._image.value  # png() without the time for better compression


# --- by hand ------------------------------------------------------------------------------------

SOLUTIONS = {
    "two steps": dict(activation="step", threshold1=0.5, threshold2=1.5),
    "two ReLU along the diagonal": dict(activation="relu", threshold1=0.0, threshold2=1.0),
    "two ReLU as |x1 - x2|": dict(
        activation="relu", direction1=-45, threshold1=0.0, direction2=135, threshold2=0.0
    ),
    "one absolute value": dict(activation="abs", units=1, direction1=-45, threshold1=0.0),
    "one absolute value of x1 + x2 - 1": dict(activation="abs", units=1, threshold1=1.0),
    "two tanh": dict(activation="tanh", threshold1=0.5, threshold2=1.5),
}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_known_solutions_are_exact(name):
    result = compute_by_hand(**SOLUTIONS[name])
    np.testing.assert_allclose(result.outputs, [0, 1, 1, 0], atol=1e-9)
    assert result.mse < 1e-18


@pytest.mark.parametrize("directions", [(0, 90), (45, 45), (-45, 170), (15, -60)])
def test_a_line_cannot_do_it(directions):
    one, other = directions
    result = compute_by_hand(activation="identity", direction1=one, direction2=other)
    assert result.mse == pytest.approx(1 / 4)
    np.testing.assert_allclose(result.outputs, 0.5, atol=1e-9)


def test_the_opening_state_isolates_one_corner():
    result = compute_by_hand()
    assert result.mse == pytest.approx(1 / 6)
    np.testing.assert_allclose(result.outputs, [0, 2 / 3, 2 / 3, 2 / 3], atol=1e-12)


@pytest.mark.parametrize("threshold", np.linspace(-0.95, 1.95, 9))
@pytest.mark.parametrize("direction", [-120, 15, 45, 100])
def test_the_error_of_a_step_has_no_slope_anywhere(threshold, direction):
    result = compute_by_hand(direction1=direction, threshold1=threshold, threshold2=1.2)
    assert result.sloping == 0


@pytest.mark.parametrize("activation", ["relu", "abs", "tanh", "sigmoid"])
def test_every_other_bend_has_a_slope_to_follow(activation):
    result = compute_by_hand(activation=activation, direction2=0, threshold1=0.25)
    assert result.sloping >= 60


def test_the_sweep_moves_threshold_1_alone():
    result = compute_by_hand(activation="relu", threshold1=0.3, direction2=-45, threshold2=0.2)
    place = 47
    h1 = np.maximum(np.array([0, 1, 1, 2]) - xor.SWEEP[place], 0)
    h2 = np.maximum(np.array([0, -1, 1, 0]) - 0.2, 0)
    hidden = np.column_stack([h1, h2])
    error = hidden @ result.weights + result.bias - [0, 1, 1, 0]
    assert result.sweep[place] == pytest.approx(np.mean(error**2))


def test_the_map_is_the_output_of_the_same_net():
    result = compute_by_hand(activation="tanh", direction1=0, direction2=90, threshold2=-0.3)
    x1, x2 = xor.GRID.reshape(xor.CELLS, xor.CELLS, 2)[10, 31]
    root = np.sqrt(2)
    hidden = np.tanh([root * x1 - 0.5, root * x2 + 0.3])
    assert result.map[10, 31] == pytest.approx(hidden @ result.weights + result.bias)


def test_lines_lie_where_the_units_switch():
    result = compute_by_hand(direction1=30, threshold1=0.7, threshold2=1.5)
    w = np.sqrt(2) * np.array([np.cos(np.pi / 6), np.sin(np.pi / 6)])
    np.testing.assert_allclose(result.lines[0] @ w, 0.7)
    np.testing.assert_allclose(result.lines[1] @ [1, 1], 1.5)
    np.testing.assert_allclose(result.half @ result.weights + result.bias, 0.5)


def test_one_unit_leaves_the_second_out():
    one, two = (compute_by_hand(units=1, threshold2=t) for t in (-1.0, 1.5))
    np.testing.assert_array_equal(one.outputs, two.outputs)
    assert np.isnan(one.lines[1]).all()


def test_by_hand_artists_show_the_result():
    figure = xor.by_hand(activation="relu", threshold1=0.2, direction2=0)
    r, drawn = figure.result, artists(figure)
    np.testing.assert_array_equal(np.ravel(drawn["map"].get_array()), r.map.ravel())
    for dot, name, place in zip(drawn["corners"], drawn["names"], r.hidden, strict=True):
        np.testing.assert_array_equal(dot.get_xydata(), [place])
        np.testing.assert_array_equal(name.xy, place)
    np.testing.assert_array_equal(drawn["sweep"].get_ydata(), r.sweep)
    np.testing.assert_allclose(drawn["now"].get_xydata(), [[0.2, r.mse]])
    assert drawn["mse"].get_text() == f"{r.mse:.3f}" and f"MSE {r.mse:.3f}" in figure.text
    assert drawn["sloping"].get_text() == f"{r.sloping / 120:.0%}"
    assert f"slope at {r.sloping} of 120 places" in figure.text
    assert "the values 0.00, 0.00; 0.80, 0.00; 0.80, 0.91; 1.80, 0.91 at" in figure.text


@pytest.mark.parametrize("activation", xor.BY_HAND)
def test_hidden_values_lie_within_their_axes(activation):
    figure = xor.by_hand()
    figure.set(activation=activation)
    low, high = artists(figure)["hidden"].get_xlim()
    for threshold, direction in product((-1.0, 2.0), (-135, -45, 45, 135)):
        result = compute_by_hand(
            activation=activation, direction1=direction, threshold1=threshold,
            direction2=direction, threshold2=threshold,
        )  # fmt: skip
        assert low < result.hidden.min() and result.hidden.max() < high


# --- restarts -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def record():
    """All activations with two hidden units, on a seed that is not the notebook's."""
    return trained_restarts(seed=7)


def test_relu_is_the_worst_and_tanh_good(record):
    success = compute_restarts(record=record).success
    assert success["identity"] == 0
    assert success["relu"] == pytest.approx(0.26, abs=0.10)
    assert success["tanh"] == pytest.approx(0.87, abs=0.08)
    assert success["leaky_relu(0.1)"] == pytest.approx(0.63, abs=0.12)
    assert success["elu"] > 0.8 and success["abs"] > 0.85
    assert min(success, key=lambda name: success[name] or 1) == "relu"


def test_relu_ends_on_the_levels_of_theory(record):
    result = compute_restarts(record=record)
    assert 0.97 * xor.RESTARTS <= sum(result.levels.values()) <= xor.RESTARTS
    assert list(result.levels) == [0, 1 / 8, 1 / 6, 1 / 4]
    assert all(result.levels.values())  # none of them is empty


def test_the_shown_net_is_stuck_as_theory_says(record):
    mse = record["relu"].mse
    for level, values in ((1 / 8, [0, 0.5, 0.5, 1]), (1 / 4, [0.5] * 4)):
        place = int(np.argmin(np.abs(mse - level)))
        result = compute_restarts(record=record, net=place + 1)
        np.testing.assert_allclose(np.sort(result.outputs), values, atol=0.02)
    place = int(np.argmin(np.abs(mse - 1 / 6)))
    outputs = np.sort(compute_restarts(record=record, net=place + 1).outputs)
    alone = [0, 2 / 3, 2 / 3, 2 / 3] if outputs[1] > 0.5 else [1 / 3, 1 / 3, 1 / 3, 1]
    np.testing.assert_allclose(outputs, alone, atol=0.02)


def test_one_absolute_value_is_often_enough(monkeypatch):
    monkeypatch.setattr(xor, "TRAINED", {"abs": xor.TRAINED["abs"]})
    result = compute_restarts(record=trained_restarts(width=1, seed=3), activation="abs")
    assert result.success["abs"] == pytest.approx(0.72, abs=0.12)
    assert result.levels[0] + result.levels[1 / 4] >= 0.97 * xor.RESTARTS


def test_the_record_is_plain_training(monkeypatch):
    monkeypatch.setattr(xor, "STEPS", 40)
    outcome = trained_restarts(width=3, lr=0.3, seed=4)["tanh"]
    net = Net((2, 3, 1), "tanh")
    theta = net.init(np.random.default_rng([4, 4]), "lecun", lead=(300,))
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
    Y = np.array([[0], [1], [1], [0.0]])
    run = train(net, theta, X, Y, SQUARED_ERROR, steps=40, optimizer=SGD(0.3))
    np.testing.assert_allclose(outcome.mse, np.sort(run.losses[-1]))
    errors = net.output(outcome.theta, X) - Y
    np.testing.assert_allclose(outcome.mse, np.mean(errors**2, axis=(1, 2)))


def test_rates_are_counted_in_groups(record):
    for name, outcome in record.items():
        solved = np.mean(outcome.mse < xor.SOLVED)
        assert outcome.rates.mean() == pytest.approx(solved)
        spread = compute_restarts(record=record).spread[name]
        binomial = math.sqrt(solved * (1 - solved) / xor.RESTARTS)
        assert spread == pytest.approx(binomial, rel=0.8, abs=0.01)


def test_the_order_is_by_error_and_the_chosen_net_fits_it(record):
    for number in (1, 77, 300):
        result = compute_restarts(record=record, activation="sigmoid", net=number)
        assert (np.diff(result.mse) >= 0).all()
        mse = np.mean((result.outputs - [0, 1, 1, 0]) ** 2)
        assert mse == pytest.approx(result.mse[number - 1])


def test_stop_leaves_a_record_that_can_be_drawn(monkeypatch):
    monkeypatch.setattr(xor, "STEPS", 100_000)
    making = xor.record_restarts()
    assert 0 < next(making) < 0.2
    with pytest.raises(StopIteration) as end:
        making.send("stop")
    record = end.value.value
    assert list(record) == list(xor.TRAINED)
    assert record["identity"].steps < 100_000 and record["tanh"].steps == 0
    text = xor.describe_restarts(compute_restarts(record=record, activation="tanh"))
    assert "after 0 steps" in text


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(xor, "STEPS", 60)


def test_nets_that_diverge_are_drawn_at_the_top(quick, monkeypatch):
    outcome = xor._outcome(
        train(Net((2, 8, 1), "abs"), np.full((300, 33), 2.0), xor.X, xor.Y, SQUARED_ERROR,
              steps=60, optimizer=SGD(1.0))
    )  # fmt: skip
    assert np.isinf(outcome.mse).all() and (outcome.rates == 0).all()
    figure = xor.restarts(width=8, lr=1.0)
    figure.set(activation="abs")
    shown = artists(figure)["mse"].get_ydata()
    np.testing.assert_array_equal(shown, np.minimum(figure.result.mse, xor.CEILING))
    assert shown.max() == xor.CEILING
    assert "elsewhere" in figure.text


def test_restarts_artists_show_the_result(quick):
    figure = xor.restarts(activation="elu", net=200)
    r, drawn = figure.result, artists(figure)
    np.testing.assert_array_equal(drawn["mse"].get_ydata(), np.minimum(r.mse, xor.CEILING))
    np.testing.assert_array_equal(np.ravel(drawn["map"].get_array()), r.map.ravel())
    assert drawn["chosen"].get_xydata().tolist() == [[200, min(r.mse[199], xor.CEILING)]]
    assert drawn["shown"].get_text() == f"{r.mse[199]:.3f}"
    place = list(r.success).index("elu")
    assert drawn["activation"].get_xydata().tolist() == [[r.success["elu"], place]]
    counts = [int(text.get_text()) for text in drawn["counts"]]
    assert counts == list(r.levels.values())
    np.testing.assert_allclose(drawn["rates"].get_xdata(), list(r.success.values()))
    assert [text.get_text() for text in drawn["outputs"]] == [f"{y:.2f}" for y in r.outputs]
    assert f"MSE {r.mse[199]:.3f}" in figure.text and "after 60 steps" in figure.text


# --- both ---------------------------------------------------------------------------------------

MOVES = {
    "by_hand": dict(
        activation="tanh", direction1=90, threshold1=1.2, direction2=-30, threshold2=0.1, units=1
    ),
    "restarts": dict(width=3, lr=0.5, seed=5, activation="tanh", net=10),
}  # fmt: skip


@pytest.mark.parametrize("demo", MOVES)
def test_every_control_moves_the_picture_and_the_words(demo, quick):
    figure = getattr(xor, demo)()
    for name, value in MOVES[demo].items():
        before, text = picture(figure), figure.text
        figure.set(**{name: value})
        assert picture(figure) != before, name
        assert figure.text != text, name
    figure.reset()
    assert figure.experiment == getattr(xor, demo)().experiment


@pytest.mark.parametrize("demo", MOVES)
def test_the_line_of_code_gives_the_same_figure(demo, quick):
    figure = getattr(xor, demo)(**MOVES[demo])
    again = eval(figure.experiment, {"xor": xor})
    assert again.text == figure.text and picture(again) == picture(figure)


@pytest.mark.parametrize(
    "demo, settings, said",
    [
        ("by_hand", {"activation": "rleu"}, "did you mean 'relu'?"),
        ("by_hand", {"activation": "gelu"}, "activation must be one of 'identity', 'step'"),
        ("by_hand", {"units": 0}, "units must be a whole number from 1 to 2, got 0"),
        ("by_hand", {"units": 1.5}, "units must be a whole number from 1 to 2, got 1.5"),
        ("by_hand", {"direction1": math.nan}, "direction1 must be a number from -180 to 180"),
        ("by_hand", {"threshold2": "x"}, "threshold2 must be a number from -1 to 2, got 'x'"),
        ("restarts", {"net": 0}, "net must be a whole number from 1 to 300, got 0"),
        ("restarts", {"activation": "rleu"}, "did you mean 'relu'?"),
        ("restarts", {"activation": None}, "activation must be one of 'identity', 'relu'"),
    ],
)
def test_bad_input_gets_a_sentence_with_value_and_range(demo, settings, said, record):
    settings = {**settings, **({"record": record} if demo == "restarts" else {})}
    with pytest.raises((TypeError, ValueError)) as error:
        getattr(xor, f"compute_{demo}")(**settings)
    assert said in str(error.value)


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"width": 0}, "width must be a whole number from 1 to 8, got 0"),
        ({"width": 2.5}, "width must be a whole number from 1 to 8, got 2.5"),
        ({"lr": math.inf}, "lr must be a number from 0.01 to 1, got inf"),
        ({"lr": "fast"}, "lr must be a number from 0.01 to 1, got 'fast'"),
        ({"seed": -1}, "seed must be a whole number from 0 to 99, got -1"),
    ],
)
def test_bad_input_is_refused_before_training(settings, said):
    with pytest.raises((TypeError, ValueError)) as error:
        trained_restarts(**settings)
    assert said in str(error.value)
    with pytest.raises((TypeError, ValueError)) as error:
        xor.restarts(**settings)
    assert said in str(error.value)


def test_all_pairs_of_extremes_are_finite():
    """No warning (they are errors here), no exception, and nothing that cannot be drawn."""
    figure = xor.by_hand()
    ends = {name: extremes(control) for name, control in figure._panel.controls.items()}
    for one, other in combinations(ends, 2):
        for values in product(ends[one], ends[other]):
            figure.set(**dict(zip((one, other), values, strict=True)))
            assert "nan" not in figure.text and np.isfinite(figure.result.map).all()
        figure.reset()


def extremes(control):
    return [control.low, control.high] if hasattr(control, "low") else list(xor.BY_HAND)
