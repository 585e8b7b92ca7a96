"""The demos on hinges and on nets that are born dead: true counts, true figures."""

import warnings
from math import atan, pi, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import diagnostics, mean_field, regions
from helpers.activations import RELU
from helpers.demos import born_dead
from helpers.demos.born_dead import (
    ALWAYS,
    BENDING,
    DATA,
    DEAD,
    INITS,
    NETS,
    SHOWN,
    compute_born_dead,
    compute_hinges,
    kinds_at_start,
    record_born_dead,
    record_hinges,
    start,
)
from helpers.live import LiveFigure, Number
from helpers.network import Net
from helpers.training import SGD, finish, train


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


@pytest.fixture(scope="module")
def lives():
    """A film in which units of all three kinds die."""
    return finish(record_hinges(width=25, lr=0.25, seed=26))


@pytest.fixture(scope="module")
def births():
    return finish(record_born_dead(nets=400, seed=26))


def artists(figure):
    return figure._picture.artists


# --- one layer on an interval -------------------------------------------------------------------


@pytest.mark.parametrize("low, high, weight_std, bias_std", [
    (-1, 1, 1, 1), (1, 2, 1, 1), (-3, 3, 1, 1), (-0.5, 2, sqrt(2), 0.3), (0, 1, 1, 0.5),
])  # fmt: skip
def test_kinds_at_start_are_those_of_random_units(low, high, weight_std, bias_std):
    rng = np.random.default_rng(2600)
    w, b = weight_std * rng.standard_normal(400_000), bias_std * rng.standard_normal(400_000)
    ends = np.stack([w * low + b, w * high + b])
    dead, always = (ends <= 0).all(0).mean(), (ends > 0).all(0).mean()
    wanted = kinds_at_start(low, high, weight_std, bias_std)
    np.testing.assert_allclose([dead, 1 - dead - always, always], wanted, atol=0.0035)


@given(st.floats(-5, 5), st.floats(0, 5), st.floats(0, 3))
def test_kinds_are_shares(low, length, bias_std):
    shares = kinds_at_start(low, low + length, 1.0, bias_std)
    assert sum(shares) == pytest.approx(1) and min(shares) >= 0


def test_kinds_agree_with_the_theory_of_breakpoints():
    for reach, slope, bias in ((1, sqrt(2), 0.5), (3, 1, 1)):
        one = regions.breakpoints_per_unit(slope, bias, reach)
        assert kinds_at_start(-reach, reach, slope, bias).bending == pytest.approx(one)
    assert kinds_at_start(-1, 1, 1, 0).bending == 1  # without biases every hinge is at 0
    with pytest.raises(ValueError, match="high must be a number at least 1, got 0"):
        kinds_at_start(1, 0)


# --- hinges: the record -------------------------------------------------------------------------


def test_hinges_are_plain_training(lives):
    net = Net((1, 25, 1))
    theta = net.init(np.random.default_rng([26, 0]), "he", lead=(NETS,), bias=0.5)
    X = np.linspace(-1, 1, 100)[:, None]
    run = train(
        net, theta, X, np.sin(3 * X) + 2, "squared_error", steps=200, optimizer=SGD(0.25),
        record=range(201),
    )  # fmt: skip
    assert lives.steps[0] == 0 and lives.steps[-1] == 200
    np.testing.assert_array_equal(lives.thetas, run.thetas[lives.steps])
    np.testing.assert_array_equal(lives.mse, run.losses[lives.steps])


def test_kinds_are_counted_on_all_the_data(lives):
    """The two ends of the data say the same as all 100 points."""
    for frame in (0, 3, -1):
        z = lives.net.forward(lives.thetas[frame], lives.X).Z[0]
        kinds = lives.kinds[frame]
        np.testing.assert_array_equal(kinds == DEAD, diagnostics.dead_on_data(RELU, [z]))
        np.testing.assert_array_equal(kinds == ALWAYS, (z > 0).all(-2))
    assert {DEAD, BENDING, ALWAYS} == set(lives.kinds[0].ravel())


def test_a_dead_unit_never_comes_back_and_stands_still(lives):
    dead = lives.kinds == DEAD
    assert lives.revived == 0 and dead[-1].sum() > dead[0].sum() + 50
    for path in (lives.w, lives.b):
        moved = np.diff(path, axis=0) != 0
        assert moved.any() and not (moved & dead[:-1]).any()


def test_with_momentum_some_come_back():
    """The proof is about plain gradient descent; a velocity goes on when the gradient ends."""
    revived = 0  # 5 seeds: 1 to 10 in 16 nets of 100 units
    for seed in (26, 27, 28, 29):
        lives = finish(record_hinges(width=100, lr=0.8, momentum=0.9, seed=seed))
        dead = lives.kinds == DEAD
        assert lives.revived == (dead[:-1] & ~dead[1:]).sum()
        revived += lives.revived
    assert revived > 0


@pytest.mark.parametrize("data", DATA)
def test_data_and_start_are_what_they_say(data):
    lives = finish(record_hinges(data=data, width=100, lr=0.01, bias=0.7, seed=26))
    assert tuple(lives.X[[0, -1], 0]) == DATA[data]
    se = sqrt(lives.theory.dead / (NETS * 100))
    assert lives.dead[0].mean() == pytest.approx(lives.theory.dead, abs=5 * se)


@pytest.mark.parametrize("settings", [dict(lr=0.8, momentum=0.9, width=100), dict(bias=0.0)])
def test_extreme_settings_can_be_drawn(settings):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = born_dead.hinges(**settings, data="[1, 2]")
        figure.set(net=16, frame=5)
    assert "nan" not in figure.text


# --- hinges: one look ---------------------------------------------------------------------------


def test_a_look_at_the_hinges(lives):
    r = compute_hinges(record=lives, frame=4, net=3)
    w, b = lives.w[4, 2], lives.b[4, 2]
    np.testing.assert_allclose(r.places[4], -b / w)
    np.testing.assert_array_equal(r.kinds, lives.kinds[4, 2])
    (W, bias), (V, c) = lives.net.layers(lives.thetas[4, 2])
    np.testing.assert_allclose(r.curve, (np.maximum(lives.X @ W + bias, 0) @ V + c)[:, 0])
    assert r.mse == pytest.approx(np.mean((r.curve - lives.Y[:, 0]) ** 2))
    inside = (r.places[4] > -1) & (r.places[4] < 1)
    np.testing.assert_array_equal(inside, r.kinds == BENDING)


def test_units_far_out_stay_in_their_direction():
    lives = finish(record_hinges(data="[1, 2]", lr=0.8, width=30, seed=26))
    r = compute_hinges(record=lives, net=1)
    w, b = lives.w[-1, 0], lives.b[-1, 0]
    far = np.hypot(w, b) > born_dead.RIM
    assert far.any() and not far.all()
    np.testing.assert_allclose(np.hypot(*r.disc[far].T), born_dead.RIM)
    np.testing.assert_allclose(np.arctan2(*r.disc.T), np.arctan2(w, b))
    np.testing.assert_allclose(r.disc[~far], np.stack([w, b], -1)[~far])


def test_a_path_has_a_point_for_every_look_of_its_kind(lives):
    r = compute_hinges(record=lives, net=2)
    low, high = born_dead._view(lives)
    kinds = lives.kinds[:, 1]
    for kind in (DEAD, BENDING, ALWAYS):
        x, y = born_dead._paths(r, kind)
        drawn = ~np.isnan(y).reshape(25, -1)[:, :-1].T
        assert (x.reshape(25, -1)[:, :-1] == lives.steps).all()
        np.testing.assert_array_equal(y.reshape(25, -1)[:, :-1].T[drawn], r.places[drawn])
        wanted = (kinds == kind) & (r.places > low) & (r.places < high)
        assert (drawn[wanted]).all()
        inside = (r.places > low) & (r.places < high)
        begins = (kinds[:-1] != kind) & (kinds[1:] == kind) & inside[:-1]
        assert drawn[:-1][begins].all()
        extra = drawn & ~wanted  # a path begins at the look before, where it was another kind
        assert (kinds[1:][extra[:-1]] == kind).all() and not extra[-1].any()


def test_hinges_artists_show_the_result():
    figure = born_dead.hinges(width=20, lr=0.3, data="[0, 1]", net=4, frame=6)
    r, drawn = figure.result, artists(figure)
    for kind in (DEAD, BENDING, ALWAYS):
        np.testing.assert_array_equal(drawn["disc"][kind].get_xydata(), r.disc[r.kinds == kind])
        assert len(drawn["hinges"][kind].get_xdata()) == (r.kinds == kind).sum()
        assert set(drawn["hinges"][kind].get_xdata()) <= {r.step}
    np.testing.assert_allclose(drawn["curve"].get_ydata(), r.curve)
    np.testing.assert_array_equal(drawn["median"].get_ydata(), np.median(r.lives.dead, 1))
    np.testing.assert_array_equal(drawn["one"].get_ydata(), r.lives.dead[:, 3])
    assert drawn["theory"].get_ydata() == [r.lives.theory.dead]
    assert drawn["title"].get_text() == f"4, step {r.step}" == "4, step 6"
    assert drawn["count"].get_text() == f"{(r.kinds == DEAD).mean():.0%}"
    assert f"{(r.kinds == DEAD).sum()} units dead on all the data" in figure.text
    assert f"theory {r.lives.theory.dead:.0%}" in figure.text


@pytest.mark.parametrize("data", DATA)
def test_the_wedges_are_where_units_are_dead_or_always_on(data):
    figure = born_dead.hinges(width=20, data=data)
    drawn, (low, high) = artists(figure), DATA[data]
    dead, always = (shape.get_paths()[0] for shape in drawn["wedges"])
    for w, b in np.random.default_rng(2601).uniform(-3, 3, (300, 2)):
        z = np.array([w * low + b, w * high + b])
        if abs(z).min() > 1e-3:
            assert dead.contains_point((w, b)) == (z < 0).all()
            assert always.contains_point((w, b)) == (z > 0).all()


# --- born dead: how nets start ------------------------------------------------------------------


def test_start_he_is_the_init_of_the_package():
    net = Net((1, 4, 4, 1))
    theta = start(net, np.random.default_rng(2602), "he", lead=(5000,))
    for W, b in net.layers(theta):
        assert not b.any()
        assert W.std() == pytest.approx(sqrt(2 / W.shape[-2]), rel=0.05)
    biased = start(net, np.random.default_rng(2602), "biased", lead=(5000,), bias=0.3)
    for _, b in net.layers(biased):
        assert b.std() == pytest.approx(0.3, rel=0.05)


def test_start_rai_replaces_one_number_of_every_unit():
    net = Net((3, 50, 2))
    theta = start(net, np.random.default_rng(2603), "rai", lead=(400,))
    for W, b in net.layers(theta):
        V = np.concatenate([W, b], axis=-2)
        fan_in = V.shape[-2] - 1
        normal = born_dead.RAI_STD / sqrt(fan_in)
        # E Beta(2, 1) = 2/3 and E Beta^2 = 1/2, for one of fan_in + 1 entries
        mean, second = 2 / 3 / (fan_in + 1), (0.5 + fan_in * normal**2) / (fan_in + 1)
        assert V.mean() == pytest.approx(mean, abs=5 * sqrt(second / V.size))
        assert np.mean(V**2) == pytest.approx(second, rel=0.04)
        rows = V.mean((0, 2)) - mean  # every entry has the same chance, the bias too
        assert abs(rows).max() < 5 * sqrt(second / V[:, 0].size)


def test_start_refuses_what_it_does_not_know():
    net, rng = Net((1, 2, 1)), np.random.default_rng(0)
    with pytest.raises(ValueError, match="init must be one of 'he', 'biased', 'rai'"):
        start(net, rng, "xavier")


# --- born dead: the record ----------------------------------------------------------------------


@pytest.mark.parametrize("init", INITS.values())
@pytest.mark.parametrize("width, depth", [(2, 3), (2, 9), (4, 6)])
def test_the_shares_are_those_of_real_nets(births, init, width, depth):
    """Against nets of the package on the same data; two samples, hence sqrt(2) standard errors."""
    net = Net((1, *[width] * depth, 1))
    theta = start(net, np.random.default_rng(2604), init, lead=(1600,))
    A = net.forward(theta, born_dead.X).A[1:-1]
    dead = np.any([~(a > 0).any((-2, -1)) for a in A], axis=0).mean()
    error = sqrt(dead * (1 - dead) * (1 / 400 + 1 / 1600))
    assert births.dead[init][width - 1, depth - 1] == pytest.approx(dead, abs=4.5 * error + 1e-9)
    alone = np.ptp(net.output(theta, born_dead.X), axis=-2)[:, 0] == 0
    assert alone.mean() == pytest.approx(dead, abs=0.01)  # and a dead net says one number


def test_without_biases_two_inputs_say_what_all_say():
    """Positive homogeneity: the net is linear on either side of 0."""
    net = Net((1, *[3] * 6, 1))
    theta = start(net, np.random.default_rng(2605), "he", lead=(300,))

    def dead(X):
        return np.any([~(A > 0).any((-2, -1)) for A in net.forward(theta, X).A[1:-1]], axis=0)

    np.testing.assert_array_equal(dead(born_dead.X), dead(np.array([[-1.0], [1.0]])))
    assert 0 < dead(born_dead.X).mean() < 1


def test_depth_kills_and_width_saves(births):
    for dead in births.dead.values():
        assert (np.diff(dead, axis=1) >= 0).all()
        assert (np.diff(dead[:, -1]) <= 0.06).all()


def test_theory_holds_the_measured_between_its_bounds(births):
    low, high = born_dead._bounds()
    error = np.sqrt(high * (1 - high) / births.nets)
    assert (births.dead["he"] >= low - 4.5 * error - 2e-3).all()
    assert (births.dead["he"] <= high + 4.5 * error + 2e-3).all()
    assert low[1, 8] == mean_field.relu_death_least(2, 9)
    assert high[1, 8] == mean_field.relu_death(2, 9)


def test_outputs_are_there_for_nets_that_live(births):
    for init in INITS.values():
        outputs = births.outputs[init]
        dead = np.isnan(outputs).all(-1)
        assert (np.isnan(outputs).any(-1) == dead).all()
        assert (np.diff(dead.astype(int), axis=1) >= 0).all()  # once dead, dead in deeper nets too
        assert np.nanmin(outputs) == 0 and np.nanmax(outputs) == 1
        share = births.dead[init]
        assert dead.mean() == pytest.approx(share.mean(), abs=0.1)
        assert (dead.mean(-1)[share == 1] == 1).all() and (dead.mean(-1)[share == 0] == 0).all()
    kinked = births.outputs["he"][4, 2]  # biases 0: two straight lines that meet at 0
    bends = np.diff(kinked[~np.isnan(kinked).any(-1)], 2)
    assert np.delete(bends, [18, 19], axis=1) == pytest.approx(0, abs=1e-12)


def test_stop_leaves_hinges_that_can_be_drawn():
    making = record_hinges(width=100)
    next(making)
    with pytest.raises(StopIteration) as end:
        making.send("stop")
    lives = end.value.value
    assert 1 <= len(lives.steps) and lives.mse.shape == (len(lives.steps), NETS)
    assert "Stopped by hand" in born_dead.describe_hinges(compute_hinges(record=lives))


def test_stop_while_drawing():
    making = record_born_dead(nets=200)
    next(making)
    with pytest.raises(StopIteration) as end:
        making.send("stop")
    assert end.value.value is None


# --- born dead: one look ------------------------------------------------------------------------


def test_a_look_at_the_births(births):
    r = compute_born_dead(record=births, width=4, depth=7, init="rai")
    assert r.share == births.dead["rai"][3, 6]
    assert r.error == pytest.approx(sqrt(r.share * (1 - r.share) / 400))
    for name, dead in births.dead.items():
        np.testing.assert_array_equal(r.over_depth[name], dead[3])
        np.testing.assert_array_equal(r.over_width[name], dead[:, 6])
    low, high = born_dead._bounds()
    np.testing.assert_array_equal(r.bounds, [low[3, 6], high[3, 6]])
    np.testing.assert_array_equal(r.bounds_over_depth, [low[3], high[3]])
    np.testing.assert_array_equal(r.bounds_over_width, [low[:, 6], high[:, 6]])
    np.testing.assert_array_equal(r.curves, births.outputs["rai"][3, 6])


def test_born_dead_artists_show_the_result():
    figure = born_dead.born_dead(width=3, depth=8, init="biased", nets=200)
    r, drawn = figure.result, artists(figure)
    for name in INITS.values():
        dots = drawn["depth"]["dots"][name]
        np.testing.assert_array_equal(dots.get_ydata(), r.over_depth[name])
        dots = drawn["width"]["dots"][name]
        np.testing.assert_array_equal(
            dots.get_ydata(), np.maximum(r.over_width[name], born_dead._FLOOR)
        )
    assert drawn["depth"]["ring"].get_xydata().tolist() == [[8, r.share]]
    assert drawn["width"]["ring"].get_xydata().tolist() == [[3, r.share]]
    for k in (0, 1):
        line = drawn["depth"]["bounds"][k]
        np.testing.assert_array_equal(line.get_ydata(), r.bounds_over_depth[k])
    dead = int(np.isnan(r.curves).any(-1).sum())
    assert [t.get_text() for t in drawn["titles"]] == ["3", "8", f"{dead}"]
    pieces = [
        (~np.isnan(drawn[kind].get_ydata())).astype(int) for kind in ("dead", "alive")
    ]  # one run of numbers for each net of that kind
    assert [(np.diff(np.append(0, p)) == 1).sum() for p in pieces] == [dead, SHOWN - dead]
    assert f"{r.share:.3g}"[2:4] in figure.text and f"{dead} are dead" in figure.text


def test_nets_stand_in_their_cells():
    x, y = born_dead._cells(np.linspace(0, 1, 40) * np.ones((SHOWN, 1)))
    x, y = (values.reshape(SHOWN, -1)[:, :-1] for values in (x, y))
    for k in range(SHOWN):
        assert set(np.floor(x[k])) == {k % 4} and set(np.floor(y[k])) == {3 - k // 4}


# --- both ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [
    lambda: born_dead.hinges(width=15), lambda: born_dead.born_dead(nets=200)
])  # fmt: skip
def test_every_control_changes_the_picture_and_no_step_draws_all_anew(make, monkeypatch):
    figure = make()
    redrawn = []
    draw = figure._picture.draw
    monkeypatch.setattr(figure._picture, "draw", lambda *a: redrawn.append(draw(*a)))
    for panel in figure._quick_panels():
        for name, control in panel.controls.items():
            figure.reset()
            before = figure._image.value
            values = control.ladder if isinstance(control, Number) else control.options.values()
            panel.widgets[name].value = [v for v in values if v != figure.values[name]][1]
            assert figure._image.value != before, name
    assert redrawn and not any(redrawn)


@pytest.mark.parametrize("call, words", [
    (lambda: finish(record_hinges(lr=5)), "lr must be a number from 0.01 to 0.8, got 5"),
    (lambda: finish(record_hinges(width=2.5)), "width must be a whole number from 5 to 100"),
    (lambda: finish(record_hinges(data="[-1,1]")), "data must be one of"),
    (lambda: finish(record_hinges(momentum=1)), "momentum must be a number from 0 to 0.9"),
    (lambda: finish(record_born_dead(nets=5)), "nets must be a whole number from 200 to 2000"),
    (lambda: finish(record_born_dead(bias=0)), "bias must be a number from 0.05 to 1, got 0"),
    (lambda: finish(record_born_dead(seed=-1)), "seed must be a whole number from 0 to 99"),
])  # fmt: skip
def test_what_cannot_be_is_refused_in_words(call, words):
    with pytest.raises((ValueError, TypeError), match=words.replace("[", r"\[")):
        call()


def test_looks_refuse_what_is_not_there(lives, births):
    for call, words in (
        (lambda: compute_hinges(record=lives, net=0), "net must be a whole number from 1 to 16"),
        (lambda: compute_hinges(record=lives, frame=999), "frame must be a whole number"),
        (lambda: compute_born_dead(record=births, width=11), "width must be a whole number"),
        (lambda: compute_born_dead(record=births, init="He"), "init must be one of"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_the_angle_in_the_docstring():
    D = atan(2) - atan(1)
    assert kinds_at_start(1, 2) == pytest.approx(((pi - D) / (2 * pi), D / pi, (pi - D) / 2 / pi))
