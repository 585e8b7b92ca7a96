"""The demos on leaks: facts against other quadratures, gradients of slopes, dead starts, figures.

Experiments with the claims of the catalogue are in tests/results/test_leaky_results.py.
"""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.integrate import quad

from helpers import theory
from helpers.activations import ACTIVATIONS, RELU, Activation, elu, leaky_relu, softplus, swish
from helpers.demos import leaky
from helpers.demos.leaky import (
    MEMBERS,
    PReluNet,
    compute_explore,
    compute_prelu,
    compute_surrogate_start,
    larger,
    maxout,
)
from helpers.live import LiveFigure
from helpers.losses import SQUARED_ERROR
from helpers.training import SGD, finish, train

SEED = 26
EVERYTHING = dict.fromkeys(MEMBERS, True)


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


@pytest.fixture
def quick(monkeypatch):
    """Short trainings, for tests of the figures."""
    monkeypatch.setattr(leaky, "NETS", 3)
    monkeypatch.setattr(leaky, "STEPS", 40)
    monkeypatch.setattr(leaky, "FRAMES", 8)
    monkeypatch.setattr(leaky, "LENGTHS", (40, 4000))


def artists(figure):
    return figure._picture.artists


def picture(figure):
    return figure._image.value


def member(result, key):
    return next(one for one in result.members if one.key == key)


# --- explore: the numbers -----------------------------------------------------------------------


def adaptive(function, breaks):
    """E function(z), z standard normal, by another quadrature with the kinks at `breaks`."""
    density = lambda z: function(z) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)  # noqa: E731
    ends = sorted({-12.0, 0.0, *breaks, 12.0})
    return sum(
        quad(density, *piece, epsabs=1e-12)[0] for piece in zip(ends, ends[1:], strict=False)
    )


def records(slope, alpha, beta, pieces):
    fixed = {key: ACTIVATIONS[name] for key, name in leaky._FIXED.items()}
    return fixed | {
        "leaky": leaky_relu(slope), "trap": larger(slope), "elu": elu(alpha),
        "softplus": softplus(beta), "swish": swish(beta), "maxout": maxout(pieces),
    }  # fmt: skip


@pytest.mark.parametrize("slope, alpha, beta, pieces", [(0.1, 1.0, 1.0, 3), (-1.0, 0.0, 0.25, 2),
                                                       (2.0, 2.0, 4.0, 8)])  # fmt: skip
def test_facts_agree_with_adaptive_quadrature(slope, alpha, beta, pieces):
    settings = dict(slope=slope, alpha=alpha, beta=beta, pieces=pieces)
    result = compute_explore(**settings, **EVERYTHING)
    assert [one.key for one in result.members] == list(MEMBERS)
    kinks = np.arange(1 - pieces, pieces) / (pieces - 1)  # of maxout, and between
    for key, act in records(**settings).items():
        facts = member(result, key).facts
        breaks = kinks if key == "maxout" else []
        second = adaptive(lambda z, f=act.f: float(f(np.array([z]))[0]) ** 2, breaks)
        assert facts.mean == pytest.approx(
            adaptive(lambda z, f=act.f: float(f(np.array([z]))[0]), breaks), abs=2e-5
        )
        assert facts.gain == pytest.approx(1 / math.sqrt(second), rel=5e-5)
        zeros = {"relu": 0.5, "elu": 0.5 * (alpha == 0)}.get(key, 0)
        if key == "maxout" and pieces % 2:
            zeros = math.erf(1 / (pieces - 1) / 2**0.5)
        assert facts.zeros == pytest.approx(zeros, abs=5e-3)
        z = np.linspace(-10, 10, 100_001)
        assert facts.steepest == pytest.approx(abs(act.df(z)).max(), abs=5e-5)


@pytest.mark.parametrize("slope", [-1.0, 0.0, 0.3, 1.0])
def test_up_to_slope_one_the_maximum_is_the_leaky_relu(slope):
    z = np.linspace(-4, 4, 81)
    np.testing.assert_allclose(larger(slope)(z), np.maximum(slope * z, z), atol=0)
    np.testing.assert_allclose(larger(slope)(z), leaky_relu(slope)(z), atol=1e-15)
    np.testing.assert_allclose(larger(slope).df(z), leaky_relu(slope).df(z))
    text = leaky.explore(slope=slope, trap=True).text
    assert "no leaky ReLU" not in text


@pytest.mark.parametrize("slope", [1.05, 1.5, 2.0])
def test_beyond_slope_one_the_maximum_is_another_function(slope):
    """It is a times the leaky ReLU of slope 1 / a; the mean changes its sign."""
    z = np.linspace(-4, 4, 81)
    np.testing.assert_allclose(larger(slope)(z), np.maximum(slope * z, z), atol=0)
    np.testing.assert_allclose(larger(slope)(z), slope * leaky_relu(1 / slope)(z), atol=1e-14)
    np.testing.assert_allclose(larger(slope).df(z), slope * leaky_relu(1 / slope).df(z))
    result = compute_explore(slope=slope, trap=True)
    means = [member(result, key).facts.mean for key in ("leaky", "trap")]
    np.testing.assert_allclose(means, np.array([-1, 1]) * (slope - 1) / math.sqrt(2 * math.pi))
    assert "max(a z, z) is no leaky ReLU" in leaky.explore(slope=slope, trap=True).text


@pytest.mark.parametrize("pieces", range(2, 9))
def test_maxout_is_the_largest_of_its_lines(pieces):
    z, slopes = np.linspace(-3, 3, 241) + 1e-7, np.linspace(-1, 1, pieces)
    lines = np.multiply.outer(z, slopes) - slopes**2 / 2
    act = maxout(pieces)
    np.testing.assert_allclose(act(z), lines.max(-1), atol=1e-14)
    np.testing.assert_allclose(act.df(z), slopes[lines.argmax(-1)], atol=1e-14)
    assert act.range[0] == pytest.approx(lines.max(-1).min(), abs=1e-2)
    if pieces == 2:
        np.testing.assert_allclose(act(z), abs(z) - 0.5)


def test_the_slope_of_maxout_at_a_kink_is_the_left_one():
    assert maxout(2).df(np.zeros(1)) == -1 and maxout(3).df(np.array([0.5])) == 0


# --- explore: the learner's own, the figure -----------------------------------------------------


def my_family(z):
    return max(z, 0.0) - 0.2


def test_an_own_function_gets_its_numbers():
    facts = member(compute_explore(own=my_family), "own1").facts
    relu = member(compute_explore(), "relu").facts
    assert facts.mean == pytest.approx(relu.mean - 0.2, abs=1e-9)
    assert facts.steepest == pytest.approx(1, abs=1e-8) and facts.zeros == 0
    assert (facts.low, facts.high) == pytest.approx((-0.2, 9.8), abs=0.01)


@pytest.mark.parametrize("own", [lambda z: max(z, 0.0), lambda z: np.maximum(z, 0), RELU, "relu"])
def test_an_own_relu_is_a_relu(own):
    result = compute_explore(own=own)
    yours, ours = member(result, "own1"), member(result, "relu")
    np.testing.assert_allclose(yours.facts[:4], ours.facts[:4], atol=1e-9)
    np.testing.assert_allclose(yours.df, ours.df, atol=1e-8)


def test_several_own_functions():
    figure = leaky.explore([my_family, "tanh", lambda z: z * z])
    names = [one.name for one in figure.result.members[-3:]]
    assert names == ["my_family", "tanh", "yours 3"]
    assert figure.experiment.startswith("leaky.explore([my_family, 'tanh', my_function], slope=0.1")
    assert member(figure.result, "own3").facts.gain == pytest.approx(1 / math.sqrt(3))
    single = leaky.explore(my_family, slope=0.4)
    again = eval(single.experiment, {"leaky": leaky, "my_family": my_family})
    assert again.text == single.text and picture(again) == picture(single)


def test_a_function_that_is_zero_has_no_gain():
    assert "yours 1: gain none, E f 0.000, zeros 100%" in leaky.explore(lambda z: 0.0).text


def test_artists_show_the_result():
    figure = leaky.explore(my_family, slope=1.5, trap=True, maxout=True, relu=False)
    r, drawn = figure.result, artists(figure)
    for key, row in drawn["rows"].items():
        shown = [one for one in r.members if one.key == key]
        assert all(artist.get_visible() == bool(shown) for artist in row["numbers"])
        if shown:
            for line, curve in zip(row["curves"], (shown[0].f, shown[0].df), strict=True):
                np.testing.assert_array_equal(line.get_ydata(), curve)
            texts = [text.get_text() for text in row["numbers"]]
            assert texts[0] == f"{shown[0].facts.gain:.3f}"
            assert texts[2] == f"{shown[0].facts.zeros:.0%}"
    heights = [drawn["rows"][one.key]["name"].get_position()[1] for one in r.members]
    assert np.all(np.diff(heights) < -0.05) and min(heights) > 0


def test_every_control_of_explore_moves_the_picture_and_the_words():
    figure = leaky.explore()
    for name in MEMBERS:
        before, text = picture(figure), figure.text
        figure.set(**{name: not figure.values[name]})
        assert picture(figure) != before and figure.text != text, name
    figure.set(**EVERYTHING)
    for name, value in dict(slope=1.5, alpha=0.3, beta=2.0, pieces=5).items():
        before, text = picture(figure), figure.text
        figure.set(**{name: value})
        assert picture(figure) != before and figure.text != text, name
    again = eval(figure.experiment, {"leaky": leaky})
    assert again.text == figure.text and picture(again) == picture(figure)
    figure.set(**dict.fromkeys(MEMBERS, False))
    assert figure.text == "No function is chosen. With a = 1.5 above 1, max(a z, z) is no leaky " \
        "ReLU: its slope is a on the right and 1 on the left."  # fmt: skip


def test_sliders_do_not_need_a_full_redraw_and_toggles_do():
    figure = leaky.explore(trap=True)
    draw = figure._picture.draw
    for settings in (dict(slope=0.7), dict(alpha=2.0), dict(beta=0.5)):
        figure.set(**settings)
        assert not draw(artists(figure), figure.result)
    assert draw(artists(figure), compute_explore(relu=False))


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"rleu": True}, "did you mean 'relu'?"),
        ({"slope": 3}, "slope must be a number from -1 to 2, got 3"),
        ({"alpha": "1"}, "alpha must be a number from 0 to 2, got '1'"),
        ({"beta": 0}, "beta must be a number from 0.25 to 4, got 0"),
        ({"pieces": 1}, "pieces must be a whole number from 2 to 8, got 1"),
        ({"own": 3}, "your function must be a function of one number, got 3"),
        ({"own": lambda z: 1 / z}, "your function must give finite numbers, but f(0) is"),
        ({"own": [RELU] * 4}, "own must be at most 3 functions, got 4"),
    ],
)
def test_bad_input_of_explore_gets_a_sentence(settings, said):
    for call in (compute_explore, leaky.explore):
        with pytest.raises((TypeError, ValueError)) as error:
            call(**settings)
        assert said in str(error.value)


# --- PReluNet -----------------------------------------------------------------------------------

SIZES = (3, 5, 4, 2)
COMPLEX = Activation("identity", "", lambda z: z, None)


def problem(sizes=SIZES, lead=(), seed=2600):
    rng = np.random.default_rng(seed)
    net = PReluNet(sizes, leaky_relu(0.25))
    theta = net.init(rng, bias=0.5, lead=lead)
    theta += 0.3 * rng.standard_normal(theta.shape)
    return net, theta, rng.standard_normal((7, sizes[0])), rng.standard_normal((7, sizes[-1]))


def complex_gradient(net, theta, X, Y, h=1e-30):
    A = replace(net, out=COMPLEX).output(theta + 1j * h * np.eye(net.P), X)
    return ((A - Y) ** 2).sum((-2, -1)).imag / X.shape[-2] / h


def gradient(net, theta, X, Y):
    passed = net.forward(theta, X)
    return net.backward(theta, passed, SQUARED_ERROR(passed.A[-1], Y)[1])


@pytest.mark.parametrize("sizes", [SIZES, (2, 3, 1), (4, 6, 6, 6, 3)], ids=str)
def test_the_gradient_of_a_prelu_net_agrees_with_the_complex_step(sizes):
    given = problem(sizes)
    expected = complex_gradient(*given)
    assert abs(gradient(*given) - expected).max() < 1e-13 * abs(expected).max()
    assert abs(expected[-sizes[-1] * (sizes[-2] + 1) - 1]) > 1e-3  # the last slope has one


def test_the_complex_step_finds_what_is_wrong(monkeypatch):
    """Planted: on the way back negative units get no gradient, as in a ReLU."""
    right = leaky._hidden_deltas

    def wrong(layers, Z, dZ):
        relu = [(W, np.where(np.arange(b.shape[-1]) < b.shape[-1] - 1, b, 0)) for W, b in layers]
        return right(relu, Z, dZ)

    given = problem()
    monkeypatch.setattr(leaky, "_hidden_deltas", wrong)
    assert abs(gradient(*given) - complex_gradient(*given)).max() > 1e-3


def test_an_ensemble_is_its_members():
    net, theta, X, Y = problem(lead=(3,))
    together = gradient(net, theta, X, Y)
    for k in range(3):
        np.testing.assert_allclose(together[k], gradient(net, theta[k], X, Y), atol=1e-13)


def test_with_the_slope_of_the_start_it_is_the_leaky_net():
    net, rng = PReluNet(SIZES, leaky_relu(0.3)), np.random.default_rng(2600)
    theta, X = net.init(rng, lead=(2,)), rng.standard_normal((6, 3))
    np.testing.assert_array_equal(net.slopes(theta), [[0.3, 0.3]] * 2)
    A = X
    *hidden, (V, c) = net.layers(theta)
    for W, b in hidden:
        A = leaky_relu(0.3)(A @ W + b[..., :-1])
    np.testing.assert_allclose(net.output(theta, X), A @ V + c, atol=1e-14)
    J = net.jacobian(theta[0], X[0])
    h = 1e-6 * np.eye(3)[:, None]
    rise = net.output(theta[0], X[0] + h) - net.output(theta[0], X[0] - h)
    np.testing.assert_allclose(J, rise[:, 0].T / 2e-6, atol=1e-8)


def test_training_it_is_gradient_descent_by_hand():
    net, theta, X, Y = problem()
    run = train(net, theta, X, Y, SQUARED_ERROR, steps=3, optimizer=SGD(0.05))
    for _ in range(3):
        theta = theta - 0.05 * gradient(net, theta, X, Y)
    np.testing.assert_allclose(run.theta, theta, atol=1e-14)


def test_only_a_leak_can_be_its_start():
    with pytest.raises(ValueError, match="act must be a leaky_relu .* got tanh"):
        PReluNet(SIZES, "tanh").init(np.random.default_rng(0))


# --- prelu --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def film():
    return finish(leaky.record_prelu(seed=SEED))


def test_one_unit_follows_theory_and_the_net_of_one_unit(film):
    """Gradient descent of `PReluNet` on the slope alone gives the same slopes."""
    for target, start, lr in product((-1.0, 0.5, 2.0), (0.0, 1.0), (0.01, 0.1)):
        path = leaky.learned_slope(target, start, lr)
        np.testing.assert_allclose(path, leaky._predicted(target, start, lr), atol=1e-12)
    net = PReluNet((1, 1, 1), leaky_relu(0.25))
    theta = net.pack([([[1.0]], [[0.0, 0.25]]), ([[1.0]], [[0.0]])])
    x = leaky.POINTS[:, None]
    for _ in range(5):
        theta[2] -= 0.05 * gradient(net, theta, x, leaky_relu(-1.0)(x))[2]
    assert theta[2] == pytest.approx(leaky.learned_slope(-1.0, 0.25, 0.05, 5)[-1], abs=1e-14)


def test_the_record_of_prelu(film):
    assert film.steps[0] == 0 and film.steps[-1] == 500 and len(film.steps) == 51
    assert film.slopes.shape == (51, 8, 3) and film.accuracy.shape == (8,)
    np.testing.assert_array_equal(film.slopes[0], np.full((8, 3), 0.25))
    assert film.accuracy.min() > 0.9


def test_artists_of_prelu_show_the_result(quick):
    figure = leaky.prelu(target=0.5)
    figure.set(frame=2)
    r, drawn = figure.result, artists(figure)
    assert r.step == 20 and drawn["a"].get_text() == f"{r.path[20]:.6f}"
    np.testing.assert_array_equal(drawn["unit"].get_ydata(), [-2 * r.path[20], 0, 2])
    np.testing.assert_array_equal(drawn["wanted"].get_ydata(), [-1, 0, 2])
    np.testing.assert_allclose(drawn["path"].get_ydata(), abs(r.path[::10] - 0.5))
    for k, dots in enumerate(drawn["dots"][:3]):
        np.testing.assert_array_equal(dots.get_ydata(), r.slopes[:, k])
    curves = [line for line in drawn["curves"][:9]]
    np.testing.assert_array_equal(curves[4].get_ydata(), r.film.slopes[:, 1, 1])
    low, high = drawn["slopes"].get_ylim()
    assert low < r.film.slopes.min() and r.film.slopes.max() < high


def test_every_control_of_prelu_moves_the_picture_and_the_words(quick):
    figure = leaky.prelu()
    for name, value in dict(target=2.0, frame=1, layers=5, start=0.0, lr=0.02, seed=3).items():
        before, text = picture(figure), figure.text
        figure.set(**{name: value})
        assert picture(figure) != before and figure.text != text, name
    figure.set(layers=1)
    assert all(len(dots.get_xdata()) == 0 for dots in artists(figure)["dots"][1:])
    again = eval(figure.experiment, {"leaky": leaky})
    assert again.text == figure.text


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"target": 3}, "target must be a number from -1 to 2, got 3"),
        ({"layers": 0}, "layers must be a whole number from 1 to 5, got 0"),
        ({"start": -1}, "start must be a number from 0 to 1, got -1"),
        ({"lr": 1}, "lr must be a number from 0.01 to 0.1, got 1"),
        ({"seed": 100}, "seed must be a whole number from 0 to 99, got 100"),
        ({"bias": 1}, "bias must be a number from -8 to 0, got 1"),
        ({"slope": 0}, "slope must be a number from 0.01 to 1, got 0"),
        ({"width": 101}, "width must be a whole number from 8 to 100, got 101"),
        ({"steps": 10}, "steps must be a whole number from 40 to 4000, got 10"),
    ],
)
def test_bad_input_of_the_records_gets_a_sentence(quick, settings, said):
    prelu = {"target", "layers", "start", "lr", "seed"} & settings.keys()
    with pytest.raises((TypeError, ValueError)) as error:
        leaky.prelu(**settings) if prelu else leaky.surrogate_start(**settings, frame=0)
    assert said in str(error.value)


def test_bad_frames_get_a_sentence(film):
    with pytest.raises(ValueError, match="frame must be a whole number from -1 to 50, got 51"):
        compute_prelu(record=film, frame=51)


# --- surrogate_start ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def starts():
    return finish(leaky.record_surrogate_start(steps=600, seed=SEED))


def test_all_kinds_start_with_the_same_dead_units(starts):
    first = [life.highest[0] for life in starts.lives.values()]
    for highest in first:
        np.testing.assert_array_equal(highest, first[0])
    assert first[0].max() < 0 and first[0].shape == (8, 32)


def test_a_dead_relu_never_moves(starts):
    life = starts.lives["ReLU"]
    np.testing.assert_array_equal(life.highest, np.broadcast_to(life.highest[0], (41, 8, 32)))
    assert (life.awake == 0).all()


def test_the_others_wake_up_and_a_leaky_net_is_affine_until_then(starts):
    for name in ("false derivative", "leaky"):
        first = leaky.first_awake(starts.steps, starts.lives[name].awake)
        assert (first > 100).all(), name
    life = starts.lives["leaky"]
    dead = life.awake == 0
    assert np.isfinite(life.affine[dead]).all() and np.isnan(life.affine[~dead]).all()
    assert life.affine[dead].max() < 1e-12
    assert life.accuracy[dead].max() > 0.5  # it has learned nonetheless


def test_a_look_is_what_it_says():
    net, rng = leaky.Net((64, 8, 10), leaky_relu(0.3)), np.random.default_rng(2600)
    theta = net.init(rng, lead=(2,))
    net.layers(theta)[0][1][1] -= 50
    train_, test = leaky._digits()
    highest, right, gap = leaky._look(net, theta)
    Z = net.forward(theta, train_.X).Z[0]
    np.testing.assert_allclose(highest, Z.max(-2))
    best = net.output(theta, test.X).argmax(-1) == test.Y
    np.testing.assert_allclose(right, best.mean(-1))
    assert np.isnan(gap[0]) and gap[1] < 1e-12
    W, b = theory.collapse([(W[1], b[1]) for W, b in net.layers(theta)], slope=0.3)
    np.testing.assert_allclose(net.output(theta, train_.X)[1], train_.X @ W + b, atol=1e-11)


def test_first_awake():
    awake = np.array([[0, 0, 0.1], [0, 0.5, 0], [0, 0, 0]])
    np.testing.assert_array_equal(leaky.first_awake(np.array([0, 20, 40]), awake), [-1, 20, 0])


def test_artists_of_surrogate_start_show_the_result(quick):
    figure = leaky.surrogate_start(steps=40, bias=0.0, lr=1.0)
    figure.set(frame=3)
    r, drawn = figure.result, artists(figure)
    for stairs, shares in zip(drawn["shares"], r.shares.values(), strict=True):
        np.testing.assert_array_equal(stairs.get_data().values, shares)
        assert shares.sum() == pytest.approx(1)
    assert drawn["step"].get_text() == str(r.step) == "15"
    awake = r.film.lives["leaky"].awake
    np.testing.assert_array_equal(drawn["curves"][4].get_ydata(), np.median(awake, 1))
    assert f"ReLU: awake {100 * np.median(r.awake['ReLU']):.0f} %" in figure.text


def test_every_control_of_surrogate_start_moves_the_words(quick):
    figure = leaky.surrogate_start(steps=40, bias=-1.0)
    moves = dict(frame=4, bias=-0.5, slope=1.0, lr=1.0, width=12, seed=3, steps=80)
    for name, value in moves.items():
        before, text = picture(figure), figure.text
        figure.set(**{name: value})
        assert picture(figure) != before and figure.text != text, name
    again = eval(figure.experiment, {"leaky": leaky})
    assert again.text == figure.text


def test_a_stopped_record_has_all_kinds_at_the_same_steps():
    job = leaky.record_surrogate_start(steps=4000)
    next(job)
    next(job)
    with pytest.raises(StopIteration) as end:
        while True:
            job.send("stop")
    record = end.value.value
    assert record.steps[0] == 0 and record.steps[-1] < 4000
    assert {len(life.accuracy) for life in record.lives.values()} == {len(record.steps)}
    assert "Stopped by hand" in record.message
    compute_surrogate_start(record=record)


def test_jobs_in_turns_begin_and_end_whenever_they_like():
    def job(count):
        for k in range(count):
            if (yield k / count) == "stop":
                return "stopped"
        return count

    assert finish(leaky._in_turns([job(0), job(3), job(1)])) == [0, 3, 1]
    jobs = leaky._in_turns([job(0), job(3)])
    next(jobs)
    with pytest.raises(StopIteration) as end:
        while True:
            jobs.send("stop")
    assert end.value.value == [0, "stopped"]
