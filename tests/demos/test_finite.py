"""Typical against mean, and singular values: against exact laws, and against `Net` itself."""

import math

import numpy as np
import pytest

from helpers import mean_field, style
from helpers.demos import finite
from helpers.demos.finite import (
    compute_singular_values,
    compute_typical,
    recorded_singular_values,
)
from helpers.initializers import HE
from helpers.live import LiveFigure
from helpers.network import Net

SEED = 26


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


def artists(figure):
    return figure._picture.artists


def picture(figure):
    return figure._image.value


# --- typical against mean -----------------------------------------------------------------------


@pytest.mark.parametrize("width", [8, 13, 64, 100])
def test_active_units_are_tosses_of_a_coin(width):
    active = finite._active(np.random.default_rng(SEED), width, (100, 400))
    assert active.mean() == pytest.approx(width / 2, rel=0.01)
    assert active.var() == pytest.approx(width / 4, rel=0.03)
    assert active.max() <= width


@pytest.mark.parametrize("width", [8, 10, 32, 100])
def test_one_layer_of_the_law_has_the_exact_moments(width):
    """40 seeds of 1000 nets: E of the factor is 1 within 4 standard errors, E log as in theory."""
    logs = np.concatenate(
        [compute_typical(width=width, depth=1, seed=s).lengths for s in range(40)]
    )
    theory = mean_field.relu_norm(width, 1)
    error = 4 * math.sqrt(5 / width / logs.size)
    assert (10**logs).mean() == pytest.approx(1, abs=error)
    alive = logs[np.isfinite(logs)] * math.log(10)
    assert alive.mean() == pytest.approx(theory.mean_log, abs=1.2 * error)
    assert alive.var() == pytest.approx(theory.var_log, rel=0.06)


@pytest.mark.parametrize("width", [8, 25])
def test_real_matrices_are_the_net_itself(width):
    result = compute_typical(width=width, depth=7, seed=SEED)
    nets = len(result.real)
    normals = np.random.default_rng([SEED, 1]).standard_normal(finite.WEIGHTS)
    layers = normals[: 60 * nets * width**2].reshape(60, nets, width, width)[:7, 3]
    net = Net((width,) * 8, "relu", "relu")
    theta = net.pack([(HE.std(width, width) * W, np.zeros(width)) for W in layers])
    A = net.forward(theta, np.ones((1, width))).A
    lengths = [np.sum(a**2) / width for a in A]
    np.testing.assert_allclose(10 ** result.real[3], lengths)


def test_as_many_real_nets_as_there_are_weights():
    for width in (8, 40, 100):
        nets = len(compute_typical(width=width, seed=SEED).real)
        assert 1 <= nets <= finite.MOST_REAL
        assert nets * 60 * width**2 <= finite.WEIGHTS


def test_real_nets_and_the_law_agree():
    real = np.concatenate([compute_typical(seed=s).real[:, -1] for s in range(10)])
    law = np.concatenate([compute_typical(seed=s).lengths for s in range(10)])
    for share in (0.2, 0.5, 0.8):
        assert np.quantile(real, share) == pytest.approx(np.quantile(law, share), abs=0.5)
    assert np.isneginf(real).mean() == pytest.approx(np.isneginf(law).mean(), abs=0.02)


def test_bands_and_counts_are_those_of_the_lengths():
    r = compute_typical(width=8, depth=25, seed=SEED)
    assert (np.diff(r.lengths[np.isfinite(r.lengths)]) >= 0).all()
    np.testing.assert_array_equal(r.bands[:, -1], r.lengths[[100, 500, 900]])
    assert r.bands.shape == (3, 26) and not r.bands[:, 0].any()
    shown = np.mean((r.lengths >= finite.BINS[0]) & (r.lengths <= finite.BINS[-1]))
    assert r.counts.sum() == pytest.approx(shown)
    assert r.dead == np.isneginf(r.lengths).mean()
    assert r.median == 10 ** np.sort(r.lengths)[500]
    sizes = 10**r.lengths
    assert r.mean == pytest.approx(sizes.mean())
    assert r.giants == pytest.approx(np.sort(sizes)[-10:].sum() / sizes.sum())


def test_a_shallower_net_is_the_beginning_of_a_deeper_one():
    deep, shallow = (compute_typical(depth=d, seed=SEED) for d in (40, 15))
    np.testing.assert_array_equal(deep.bands[:, :16], shallow.bands)
    np.testing.assert_array_equal(deep.real[:, :16], shallow.real)


def test_the_curve_is_a_law_with_the_exact_mean_and_variance():
    r = compute_typical(width=40, depth=30, seed=SEED)
    step, total = finite.PLACES[1] - finite.PLACES[0], r.curve.sum()
    per_bin = (finite.BINS[1] - finite.BINS[0]) / step
    assert total / per_bin == pytest.approx(1 - r.theory.dead, abs=1e-6)
    mean = finite.PLACES @ r.curve / total
    assert mean * math.log(10) == pytest.approx(r.theory.mean_log, abs=1e-3)
    assert (finite.PLACES - mean) ** 2 @ r.curve / total * math.log(10) ** 2 == pytest.approx(
        r.theory.var_log, rel=1e-3
    )
    some_dead = compute_typical(width=10, depth=30, seed=SEED)
    assert some_dead.curve.sum() / per_bin == pytest.approx(1 - some_dead.theory.dead, abs=1e-3)
    places = (finite.BINS[1:] + finite.BINS[:-1]) / 2  # and it lies along the histogram
    wanted = np.interp(places, finite.PLACES, r.curve)
    assert np.abs(r.counts - wanted).max() < 0.05


def test_typical_artists_show_the_result():
    figure = finite.typical(width=8, depth=45, seed=SEED)
    r, drawn = figure.result, artists(figure)
    tallest = max(r.counts.max(), r.curve.max())
    np.testing.assert_allclose(drawn["counts"].get_data().values, r.counts / tallest)
    np.testing.assert_allclose(drawn["curve"].get_xdata(), r.curve / tallest)
    assert drawn["typical"][0].get_ydata()[1] == pytest.approx(r.theory.mean_log / math.log(10))
    dots = drawn["dots"].get_ydata()
    dead = np.isneginf(r.real[:, -1])
    assert (dots[dead] == finite.NOTHING).all() and dead.any()
    alive = ~dead & (r.real[:, -1] > finite.LENGTHS[0])
    np.testing.assert_array_equal(dots[alive], r.real[alive, -1])
    band = drawn["band"].get_xy()
    assert band[:, 1].min() == finite.NOTHING and band[:, 0].max() == 45
    assert drawn["dead"].get_text() == f"{r.dead:.1%}"
    assert f"{finite._size(r.median)}" in figure.text and f"{r.dead:.1%} of the nets" in figure.text
    assert drawn["size"].get_text() == f"typical:\n{finite._size(r.typical)}"


# --- singular values ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kinds():
    return recorded_singular_values(width=40, seed=SEED)


@pytest.mark.parametrize("activation, weights", finite.KINDS)
def test_singular_values_are_those_of_the_net(activation, weights):
    """The same random numbers in the same order, through `Net.jacobian`."""
    depth, width, nets = 3, 24, finite.JACOBIANS
    scheme, sigma_w, sigma_b = finite.KINDS[activation, weights]
    rng = np.random.default_rng([SEED, 2])
    x, layers = rng.standard_normal((nets, 1, width)), []
    for _ in range(depth):
        W = scheme.draw(rng, (nets, width, width), gain=sigma_w)
        layers.append((W, sigma_b * rng.standard_normal((nets, 1, width))))
    q = mean_field.fixed_point(activation, sigma_w, sigma_b)
    x *= np.sqrt(mean_field.moments(activation, q).value) / np.sqrt((x**2).mean(-1, keepdims=True))
    net = Net((width,) * (depth + 1), activation, activation)
    J = np.stack([net.jacobian(net.pack([(W[k], b[k]) for W, b in layers]), x[k, 0])
                  for k in range(nets)])  # fmt: skip
    wanted = np.sort(np.linalg.svd(J, compute_uv=False))
    shown = list(finite._deeper(activation, weights, width, np.random.default_rng([SEED, 2])))
    np.testing.assert_allclose(shown[depth - 1], wanted, rtol=1e-9, atol=1e-12)


def test_every_kind_stands_at_the_edge_of_chaos():
    for (activation, weights), (_, sigma_w, sigma_b) in finite.KINDS.items():
        q = mean_field.fixed_point(activation, sigma_w, sigma_b)
        assert mean_field.chi_1(activation, sigma_w, q) == pytest.approx(1, abs=2e-4), weights


def test_the_spread_is_variance_over_squared_mean(kinds):
    for kind in kinds.values():
        np.testing.assert_allclose(np.mean(kind.values**2, axis=-1), 1)
        spread = np.mean(kind.values**4, axis=-1) - 1
        np.testing.assert_allclose(kind.spread, spread, atol=1e-9)
        assert (np.diff(kind.values, axis=-1) >= 0).all()


def test_theory_grows_by_the_same_amount_in_every_layer(kinds):
    per_layer = {key: kind.theory[0] for key, kind in kinds.items()}
    assert per_layer["identity", "gaussian"] == pytest.approx(1)
    assert per_layer["relu", "gaussian"] == pytest.approx(2)
    assert per_layer["relu", "orthogonal"] == pytest.approx(1)
    assert per_layer["identity", "orthogonal"] == 0
    assert 0 < per_layer["tanh", "orthogonal"] < 0.01
    for key, kind in kinds.items():
        np.testing.assert_allclose(kind.theory, per_layer[key] * np.arange(1, 17))


def test_compute_looks_at_one_kind(kinds):
    r = compute_singular_values(record=kinds, activation="tanh", weights="orthogonal", depth=5)
    kind = kinds["tanh", "orthogonal"]
    np.testing.assert_array_equal(r.values, kind.values[4])
    np.testing.assert_array_equal(r.spread, kind.spread[4])
    assert r.theory == kind.theory[4] and r.lost == 0
    r = compute_singular_values(record=kinds, depth=1)
    assert 0.4 < r.lost < 0.6  # the units that are off
    assert r.lost == np.mean(r.values <= 1e-3)


def test_stop_keeps_the_kinds_that_are_done():
    making = finite.record_singular_values(width=20, seed=SEED)
    for _ in range(40):
        next(making)
    with pytest.raises(StopIteration) as end:
        making.send("stop")
    kinds = end.value.value
    assert list(kinds) == list(finite.KINDS)[:2]
    with pytest.raises(ValueError, match="relu gaussian was not reached"):
        compute_singular_values(record=kinds)
    result = compute_singular_values(record=kinds, activation="identity")
    with style.rc():
        drawn = finite.build_singular_values(style.figure())
    assert finite.draw_singular_values(drawn, result)


def test_singular_values_artists_show_the_result():
    figure = finite.singular_values(width=20, seed=SEED, activation="relu", depth=6)
    r, drawn = figure.result, artists(figure)
    y = drawn["middle"].get_ydata()
    large = r.middle[::-1] >= finite.SHOWN[0]
    np.testing.assert_array_equal(y[large], r.middle[::-1][large])
    assert (y[~large] == finite.LESS).all() and (~large).any()
    means = r.kinds["relu", "gaussian"].spread.mean(1)
    np.testing.assert_array_equal(drawn["means"].get_ydata(), means)
    assert drawn["now"].get_xydata().tolist() == [[6, means[5]]]
    assert drawn["lost"].get_text() == f"{r.lost:.0%}"
    assert drawn["others"].get_xdata().size == 6 * 16
    bars = drawn["bars"].get_ydata().reshape(16, 3)
    spread = r.kinds["relu", "gaussian"].spread
    np.testing.assert_array_equal(bars[:, 0], spread.min(1))
    np.testing.assert_array_equal(bars[:, 1], spread.max(1))
    assert f"at most 0.001 in {r.lost:.0%}" in figure.text
    assert "theory for wide nets 12." in figure.text


# --- both ---------------------------------------------------------------------------------------

MOVES = {
    "typical": dict(width=25, depth=12, seed=7),
    "singular_values": dict(activation="tanh", weights="orthogonal", depth=12, width=40, seed=7),
}


@pytest.mark.parametrize("demo", MOVES)
def test_every_control_moves_the_picture_and_the_words(demo):
    figure = getattr(finite, demo)()
    for name, value in MOVES[demo].items():
        before, text = picture(figure), figure.text
        figure.set(**{name: value})
        assert picture(figure) != before, name
        assert figure.text != text, name
    again = eval(figure.experiment, {"finite": finite})
    assert again.text == figure.text and picture(again) == picture(figure)
    figure.reset()
    assert figure.experiment == getattr(finite, demo)().experiment


@pytest.mark.parametrize("width", [8, 100])
@pytest.mark.parametrize("depth", [1, 60])
def test_extremes_of_typical_can_be_drawn(width, depth):
    """No warning (they are errors here), and everything lies within the axes."""
    figure = finite.typical(width=width, depth=depth)
    drawn, (low, high) = artists(figure), artists(figure)["curve"].axes.get_ylim()
    label = drawn["size"].get_position()[1]
    for y in (drawn["band"].get_xy()[:, 1], drawn["dots"].get_ydata(), label):
        assert low < np.min(y) and np.max(y) < high
    assert "nan" not in figure.text and "inf" not in figure.text


def test_extremes_of_singular_values_can_be_drawn():
    figure = finite.singular_values(width=20)
    for activation, weights in finite.KINDS:
        for depth in finite.LAYERS:
            figure.set(activation=activation, weights=weights, depth=depth)
            low, high = artists(figure)["middle"].axes.get_ylim()
            y = artists(figure)["nets"].get_ydata()
            assert low < np.nanmin(y) and np.nanmax(y) < high
            assert "nan" not in figure.text


@pytest.mark.parametrize(
    "function, settings, said",
    [
        (compute_typical, {"width": 7}, "width must be a whole number from 8 to 100, got 7"),
        (compute_typical, {"depth": 61}, "depth must be a whole number from 1 to 60, got 61"),
        (compute_typical, {"depth": 1.5}, "depth must be a whole number from 1 to 60, got 1.5"),
        (compute_typical, {"seed": None}, "seed must be a whole number from 0 to 99, got None"),
        (recorded_singular_values, {"width": 10}, "width must be a whole number from 20 to 160"),
        (recorded_singular_values, {"seed": 100}, "seed must be a whole number from 0 to 99"),
    ],
)
def test_bad_input_gets_a_sentence_with_value_and_range(function, settings, said):
    with pytest.raises((TypeError, ValueError)) as error:
        function(**settings)
    assert said in str(error.value)


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"activation": "rleu"}, "did you mean 'relu'?"),
        ({"activation": "gelu"}, "activation must be one of 'identity', 'relu', 'tanh'"),
        ({"weights": "orthogonl"}, "did you mean 'orthogonal'?"),
        ({"depth": 17}, "depth must be a whole number from 1 to 16, got 17"),
    ],
)
def test_bad_kinds_get_a_sentence(kinds, settings, said):
    with pytest.raises((TypeError, ValueError)) as error:
        compute_singular_values(record=kinds, **settings)
    assert said in str(error.value)
