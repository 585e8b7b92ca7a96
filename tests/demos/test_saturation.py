"""The demos on saturation: thresholds, means and products against other ways to find them."""

import math
from itertools import combinations, product

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm as normal

from helpers import mean_field
from helpers.activations import ACTIVATIONS, SIGMOID, Activation, mixed
from helpers.demos import saturation
from helpers.demos.saturation import (
    compute_chain,
    compute_meter,
    expected,
    zones_in_words,
)
from helpers.diagnostics import saturated_zones, steepest
from helpers.live import LiveFigure
from helpers.network import Net

SOFTSIGN = Activation(
    "softsign", "z / (1 + |z|)", lambda z: z / (1 + np.abs(z)), lambda z: (1 + np.abs(z)) ** -2.0
)
SQUARE = Activation("square", "z^2", lambda z: np.square(z), lambda z: 2 * np.asarray(z))
NO_NUMBER = Activation("no_number", "NaN", lambda z: z * np.nan, lambda z: z * np.nan)
HALF_A_NUMBER = Activation("half_a_number", "NaN", lambda z: z * np.nan, np.ones_like)


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


def artists(figure):
    return figure._picture.artists


def picture(figure):
    return figure._image.value  # png() without the time for better compression


# --- thresholds ---------------------------------------------------------------------------------

INF = math.inf


def test_thresholds_in_words():
    words = {name: zones_in_words(saturated_zones(act)) for name, act in ACTIVATIONS.items()}
    assert words["sigmoid"] == "|z| > 4.585" and words["tanh"] == "|z| > 2.993"
    assert words["relu"] == "z < 0" and words["elu"] == "z < -4.605"
    assert words["abs"] == "no z" and words["step"] == "every z"
    assert words["silu"] == "z < -6.26 or -1.33 < z < -1.23"
    assert zones_in_words(((2.0, INF),)) == "z > 2"
    assert zones_in_words(((-INF, -2.0), (3.0, INF))) == "z < -2 or z > 3"


# --- meter --------------------------------------------------------------------------------------

LAYERS = [(0.1, 0.0), (1.0, 0.0), (10.0, 0.0), (0.1, 5.0), (0.5, -2.0), (3.0, -4.0), (10.0, 5.0)]
WITH_A_ZERO = ("gelu", "silu", "mish")  # |f'| has a kink where f' crosses 0


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("sigma, mean", LAYERS)
def test_expected_sizes_are_integrals(name, sigma, mean):
    act, got = ACTIVATIONS[name], expected(ACTIVATIONS[name], mean, [sigma])
    exact = 1e-4 if name in WITH_A_ZERO else 1e-9
    assert got.mean[0] == pytest.approx(integral(lambda s: abs(s), act, sigma, mean), abs=exact)
    rms = math.sqrt(integral(lambda s: s * s, act, sigma, mean))
    assert got.rms[0] == pytest.approx(rms, abs=1e-8)
    low, high = np.array([*saturated_zones(act), (0, 0)]).T
    share = (normal.cdf(high, mean, sigma) - normal.cdf(low, mean, sigma)).sum()
    assert got.saturated[0] == pytest.approx(share, abs=1e-12)


def integral(of_slope, act, sigma, mean):
    """E of_slope(f'(z)) by adaptive quadrature, piece by piece."""
    ends = np.clip([mean - 10 * sigma, -8, -1.3, -0.75, 0, 2, 8, mean + 10 * sigma],
                   mean - 10 * sigma, mean + 10 * sigma)  # fmt: skip

    def integrand(z):
        return of_slope(float(act.df(z))) * normal.pdf(z, mean, sigma)

    pieces = zip(ends[:-1], ends[1:], strict=True)
    return sum(quad(integrand, *piece, epsabs=1e-13, limit=200)[0] for piece in pieces)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "selu"])
@pytest.mark.parametrize("sigma, mean", LAYERS)
def test_a_real_layer_measures_what_is_expected(name, sigma, mean):
    """Largest differences over 40 seeds: share .026, mean slope .022, rms .024."""
    for seed in (60, 61, 62):
        r = compute_meter(activation=name, sigma=sigma, mean=mean, seed=seed)
        assert r.measured.saturated == pytest.approx(r.expected.saturated, abs=0.04)
        assert r.measured.mean == pytest.approx(r.expected.mean, abs=0.04)
        assert r.measured.rms == pytest.approx(r.expected.rms, abs=0.04)


def test_relu_has_slope_0_in_half_of_all_cases_at_every_scale():
    curves = compute_meter(activation="relu").curves
    np.testing.assert_allclose(curves.saturated, 0.5, rtol=1e-12)
    np.testing.assert_allclose(curves.rms, math.sqrt(0.5), rtol=1e-9)


def test_saturation_and_vanishing_are_two_sides_of_one_thing():
    for name in ("sigmoid", "tanh"):
        curves = compute_meter(activation=name).curves
        assert (np.diff(curves.saturated) >= 0).all() and (np.diff(curves.rms) < 0).all()
        assert curves.rms[0] == pytest.approx(steepest(ACTIVATIONS[name]), rel=0.02)
    sigmoid, tanh = (compute_meter(activation=name, sigma=10.0) for name in ("sigmoid", "tanh"))
    assert sigmoid.expected.saturated == pytest.approx(2 * normal.cdf(-0.458486334), abs=1e-9)
    assert tanh.expected.saturated == pytest.approx(2 * normal.cdf(-0.299322285), abs=1e-9)


@pytest.mark.parametrize("name", ["leaky_relu", "abs", "identity"])
def test_some_never_saturate(name):
    for sigma, mean in LAYERS:
        r = compute_meter(activation=name, sigma=sigma, mean=mean)
        assert r.measured.saturated == r.expected.saturated == 0
        assert not r.zones and not r.curves.saturated.any()


def test_the_curve_holds_the_layer_that_is_shown():
    r = compute_meter(activation="gelu", sigma=float(saturation.SWEEP[30]), mean=1.5)
    for shown, curve in zip(r.expected, r.curves, strict=True):
        assert shown == pytest.approx(curve[30], rel=1e-12)


def test_histograms_count_everything():
    r = compute_meter(activation="tanh", sigma=10.0, mean=5.0)
    assert r.z_bins.sum() + r.below + r.above == pytest.approx(1)
    assert r.a_bins.sum() == pytest.approx(1)
    assert r.above == pytest.approx(normal.sf(15, 5, 10), abs=0.03)
    a = np.tanh(5 + 10 * saturation._layer(0))
    assert r.a_bins[-1] == pytest.approx(np.mean(a >= 0.95)) and np.isclose(r.a_edges[-2], 0.95)
    assert compute_meter(activation="relu").a_edges.tolist()[::40] == [0, 15]


def test_meter_artists_show_the_result():
    figure = saturation.meter("tanh", sigma=10.0, mean=1.0)
    r, drawn = figure.result, artists(figure)
    np.testing.assert_array_equal(drawn["z"].get_data().values, r.z_bins / r.z_bins.max())
    np.testing.assert_array_equal(drawn["a"].get_data().values, r.a_bins / r.a_bins.max())
    np.testing.assert_array_equal(drawn["a"].get_data().edges, r.a_edges)
    for curve, dot, sizes, size in zip(
        drawn["curves"], drawn["dots"], r.curves, r.measured, strict=True
    ):
        np.testing.assert_array_equal(curve.get_xydata().T, [saturation.SWEEP, sizes])
        np.testing.assert_array_equal(dot.get_xydata(), [[10, size]])
    m = r.measured
    numbers = [f"{m.saturated:.1%}", f"{m.mean:.3f}", f"{m.rms:.3f}"]
    assert [text.get_text() for text in drawn["numbers"]] == numbers
    assert [text.get_text() for text in drawn["beyond"]] == [f"{r.below:.0%} beyond",
                                                             f"{r.above:.0%} beyond"]  # fmt: skip
    assert drawn["title"].get_text() == "tanh: |f'| < 0.01 for |z| > 2.993"
    assert [zone.get_x() + zone.get_width() for zone in drawn["zones"]][0] == -r.zones[1][0]
    assert "< 0.01 for |z| > 2.993" in figure.text
    assert f"{m.saturated:.1%} of the units" in figure.text


def test_everything_measured_lies_within_the_axes():
    for name, (sigma, mean) in product(ACTIVATIONS, LAYERS):
        figure = compute_meter(activation=name, sigma=sigma, mean=mean)
        top = 1.05 * max(1, np.abs(ACTIVATIONS[name].df(np.linspace(-15, 15, 601))).max())
        assert max(*figure.measured, *(c.max() for c in figure.curves)) < top


# --- chain --------------------------------------------------------------------------------------


def test_weight_4_and_bias_minus_2_lose_nothing():
    for depth in (1, 10, 64):
        r = compute_chain(w=4.0, b=-2.0, depth=depth)
        assert r.product == 1.0 and not r.gradient.any() and not r.bound.any()
    assert compute_chain(w=8.0, b=-4.0, depth=64).product == 2.0**64
    elsewhere = compute_chain(w=4.0, b=-2.0, depth=64, x=0.3)
    assert -4 < elsewhere.gradient[0] < -1  # 1/2 attracts, but slowly: a power of the depth


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "gelu", "leaky_relu"])
@pytest.mark.parametrize("w, b, x", [(1.0, 0.0, 0.5), (2.5, -1.0, -0.3), (0.5, 0.75, 1.0)])
def test_the_gradient_is_a_derivative(name, w, b, x):
    """Of the output by every layer: central differences of the rest of the chain."""
    act, r = ACTIVATIONS[name], compute_chain(activation=name, w=w, b=b, x=x, depth=5)
    values = [x]
    for _ in range(5):
        values.append(float(act.f(w * values[-1] + b)))

    def rest(a, layers):
        for _ in range(layers):
            a = act.f(w * a + b)
        return float(a)

    for k, a in enumerate(values):
        slope = (rest(a + 1e-5, 5 - k) - rest(a - 1e-5, 5 - k)) / 2e-5
        assert 10 ** r.gradient[k] == pytest.approx(abs(slope), rel=1e-4)
    assert r.product == pytest.approx((rest(x + 1e-5, 5) - rest(x - 1e-5, 5)) / 2e-5, rel=1e-4)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_no_chain_passes_its_bound(name):
    for w, b, x in product((0.25, 1.0, 4.0, 8.0), (-4.0, 0.0, 1.5), (-1.0, 0.5)):
        r = compute_chain(activation=name, w=w, b=b, x=x, depth=64)
        assert (r.gradient <= r.bound + 1e-9).all()


def test_random_chains_are_products_of_their_own_weights():
    r = compute_chain(activation="tanh", depth=7, w=1.5, b=0.75, x=0.2, seed=3)
    w, b = saturation._normal(3) * np.array([1.5, 0.75])[:, None, None]
    a, gradient = np.full(saturation.CHAINS, 0.2), np.ones(saturation.CHAINS)
    for k in range(7):
        a = np.tanh(w[k] * a + b[k])
        gradient *= w[k] * (1 - a * a)
    np.testing.assert_allclose(10 ** r.chains[:, 0], abs(gradient), rtol=1e-9)
    assert (np.sort(r.chains[:, 0])[[10, 50, 89]] == saturation._band(r.chains)[:, 0]).all()


def test_the_wide_net_is_mean_field_theory():
    r = compute_chain(depth=64, w=1.0, b=0.0)
    assert np.diff(r.wide[8:]) == pytest.approx(-math.log10(0.23605234), abs=1e-6)
    q = 4 * 0.25 + 9  # first layer: sigma_w^2 x^2 + sigma_b^2
    r = compute_chain(depth=1, w=2.0, b=-3.0, x=0.5)
    assert r.wide[0] == pytest.approx(math.log10(mean_field.chi_1("sigmoid", 2.0, q)) / 2, abs=1e-9)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu"])
def test_the_one_net_is_a_net(name):
    depth, width = 12, saturation.WIDTH
    r = compute_chain(activation=name, depth=depth, w=1.5, b=0.5, x=-0.4, seed=4)
    W, b, direction = saturation._matrices(4)
    net = Net([width] * (depth + 1), name, name)
    theta = net.pack([(1.5 * W[k], 0.5 * b[k : k + 1]) for k in range(depth)])
    passed = net.forward(theta, np.full((1, width), -0.4))
    dZ = net.deltas(theta, passed.Z, direction)
    back = [np.linalg.norm(d @ (1.5 * W[k]).T) for k, d in enumerate(dZ)]
    wanted = np.log10(np.array(back) / np.linalg.norm(direction))
    np.testing.assert_allclose(r.net, [*wanted, 0], atol=1e-9)


@pytest.mark.parametrize("name, w", [("sigmoid", 1.0), ("sigmoid", 8.0), ("tanh", 1.5)])
def test_the_one_net_follows_the_theory(name, w):
    """Largest differences in 64 layers over 20 seeds: .59, 1.95 and 1.12 decades."""
    for seed in (60, 61, 62):
        r = compute_chain(activation=name, depth=64, w=w, b=0.5, seed=seed)
        assert np.abs(r.net - r.wide).max() < 3


def test_what_vanishes_is_a_number_and_not_zero():
    r = compute_chain(w=8.0, b=4.0, depth=64)
    assert r.gradient[0] == pytest.approx(-274, abs=1) and "1e-274" in saturation.describe_chain(r)
    for w, depth in ((0.25, 64), (8.0, 64), (1.0, 64)):
        r = compute_chain(w=w, depth=depth)
        for gradient in (r.gradient, r.wide, r.net, r.chains, r.bound):
            assert np.isfinite(gradient).all()
    assert compute_chain(w=0.25, depth=64).net[0] < -70


def test_a_slope_of_exactly_0_is_said_to_be_0():
    r = compute_chain(activation="relu", w=4.0, b=-2.0, depth=10)
    assert np.isneginf(r.gradient[:10]).all() and r.gradient[10] == 0 and r.product == 0
    assert "exactly 0" in saturation.describe_chain(r)


@pytest.mark.parametrize(
    "log10, words",
    [(0, "1"), (-0.60206, "0.25"), (-6.5, "3.2e-07"), (-274.0001, "1e-274"), (19.2659, "1.8e+19"),
     (-INF, "exactly 0"), (INF, "infinite"), (-400.3, "5e-401")],
)  # fmt: skip
def test_powers_in_words(log10, words):
    assert saturation._power(log10) == words


@pytest.mark.parametrize("settings", [
    {}, {"activation": "relu", "w": 4.0, "b": -2.0}, {"w": 8.0, "b": 4.0, "depth": 64},
    {"w": 8.0, "b": -4.0, "depth": 64}, {"activation": "tanh", "depth": 1},
])  # fmt: skip
def test_chain_artists_show_the_result(settings):
    figure = saturation.chain(**settings)
    r, drawn = figure.result, artists(figure)
    layers, floor = np.arange(len(r.gradient)), drawn["axes"][1].get_ylim()[0]
    lowest = max(floor, saturation.FLOOR)
    for name in ("bound", "wide", "net"):
        curve = np.maximum(getattr(r, name), lowest)
        np.testing.assert_array_equal(drawn[name].get_xydata().T, [layers, curve])
    marks = {name: drawn[name].get_xydata() for name in ("gradient", "below", "zeros")}
    shown = marks["gradient"][~np.isnan(marks["gradient"][:, 1])]
    np.testing.assert_array_equal(shown.T, [layers[r.gradient >= lowest],
                                            r.gradient[r.gradient >= lowest]])  # fmt: skip
    assert len(shown) + len(marks["below"]) + len(marks["zeros"]) == layers.size
    assert (marks["zeros"][:, 0] == layers[np.isneginf(r.gradient)]).all()
    assert drawn["input"].get_text() == saturation._power(r.gradient[0])
    for name in ("weights", "slopes"):
        bars = drawn[name].get_data().values[::2]
        np.testing.assert_array_equal(bars, np.maximum(getattr(r, name), floor_of(drawn)))
    assert f"chain: {saturation._power(r.gradient[0])}." in figure.text


def floor_of(drawn):
    return drawn["axes"][0].get_ylim()[0]


def test_vanished_gradients_have_a_place_down_to_the_floor():
    figure = saturation.chain(depth=64)
    for w, b in ((8.0, 4.0), (0.25, 0.0), (1.0, 0.0), (5.0, 0.0)):
        figure.set(w=w, b=b)
        shown = artists(figure)["gradient"].get_ydata()
        gradient = figure.result.gradient
        np.testing.assert_array_equal(~np.isnan(shown), gradient >= saturation.FLOOR)
        assert artists(figure)["axes"][1].get_ylim()[0] < saturation.FLOOR


# --- both ---------------------------------------------------------------------------------------

MOVES = {
    "meter": dict(sigma=4.0, mean=-1.5, activation="relu"),
    "chain": dict(depth=40, w=4.0, b=-2.0, x=0.25, activation="tanh"),
}


@pytest.mark.parametrize("demo", MOVES)
def test_every_control_moves_the_picture_and_the_words(demo):
    figure = getattr(saturation, demo)()
    for name, value in MOVES[demo].items():
        before, text = picture(figure), figure.text
        figure.set(**{name: value})
        assert picture(figure) != before, name
        assert figure.text != text, name
    figure.reset()
    assert figure.experiment == getattr(saturation, demo)().experiment


@pytest.mark.parametrize("demo", MOVES)
def test_the_line_of_code_gives_the_same_figure(demo):
    figure = getattr(saturation, demo)()
    for name, value in MOVES[demo].items():
        figure.set(**{name: value})
    again = eval(figure.experiment, {"saturation": saturation})
    assert again.text == figure.text and picture(again) == picture(figure)


@pytest.mark.parametrize("demo", MOVES)
def test_a_learners_own_activation(demo):
    figure = getattr(saturation, demo)(own=SOFTSIGN)
    assert figure.values["activation"] == "softsign" and "softsign" in figure.text
    assert figure.experiment.startswith(f"saturation.{demo}(own=my_activation, ")
    figure.set(activation="sigmoid")
    again = eval(figure.experiment, {"saturation": saturation, "my_activation": SOFTSIGN})
    assert again.text == figure.text
    assert getattr(saturation, demo)(own=SQUARE).values["activation"] == "square"


def test_a_slope_without_end_has_no_bound():
    r = compute_chain(own=SQUARE, activation="square", w=8.0, depth=64, x=1.0)
    assert np.isinf(r.bound[:-1]).all() and "^64 is infinite" in saturation.describe_chain(r)


@pytest.mark.parametrize("demo", MOVES)
@pytest.mark.parametrize(
    "own, said",
    [(np.tanh, "own must be an Activation"), (NO_NUMBER, "no_number must give numbers, but it"),
     (mixed("relu", "tanh"), "own must be the same for every unit, got mixed"),
     (HALF_A_NUMBER, "half_a_number must give numbers, but it")],
)  # fmt: skip
def test_own_functions_that_do_not_work(demo, own, said):
    if own is NO_NUMBER:
        said = "the derivative of no_number must give numbers"
    with pytest.raises((TypeError, ValueError)) as error:
        getattr(saturation, demo)(own=own)
    assert said in str(error.value)


@pytest.mark.parametrize(
    "demo, settings, said",
    [
        ("meter", {"activation": "sigmoidd"}, "did you mean 'sigmoid'?"),
        ("meter", {"sigma": 0}, "sigma must be a number from 0.1 to 10, got 0"),
        ("meter", {"sigma": math.nan}, "sigma must be a number from 0.1 to 10, got nan"),
        ("meter", {"mean": "0"}, "mean must be a number from -5 to 5, got '0'"),
        ("meter", {"seed": 100}, "seed must be a whole number from 0 to 99, got 100"),
        ("chain", {"activation": None}, "activation must be one of 'identity', 'step'"),
        ("chain", {"depth": 65}, "depth must be a whole number from 1 to 64, got 65"),
        ("chain", {"depth": 2.5}, "depth must be a whole number from 1 to 64, got 2.5"),
        ("chain", {"w": 0}, "w must be a number from 0.25 to 8, got 0"),
        ("chain", {"b": 5}, "b must be a number from -4 to 4, got 5"),
        ("chain", {"x": INF}, "x must be a number from -1 to 1, got inf"),
        ("chain", {"seed": -1}, "seed must be a whole number from 0 to 99, got -1"),
    ],
)
def test_bad_input_gets_a_sentence_with_value_and_range(demo, settings, said):
    with pytest.raises((TypeError, ValueError)) as error:
        getattr(saturation, f"compute_{demo}")(**settings)
    assert said in str(error.value)


def test_a_level_must_be_above_0():
    with pytest.raises(ValueError, match="level must be a number above 0, got 0"):
        saturated_zones(SIGMOID, 0)


@pytest.mark.parametrize("demo", MOVES)
def test_all_pairs_of_extremes_are_finite(demo):
    """No warning (they are errors here), no exception, and nothing that cannot be drawn."""
    figure = getattr(saturation, demo)()
    ends = {name: extremes(control) for name, control in figure._panel.controls.items()}
    for one, other in combinations(ends, 2):
        for values in product(ends[one], ends[other]):
            figure.set(**dict(zip((one, other), values, strict=True)))
            assert "nan" not in figure.text
        figure.reset()


def extremes(control):
    acts = ["step", "tanh", "relu", "selu", "mish"]
    return [control.low, control.high] if hasattr(control, "low") else acts


@pytest.mark.parametrize("demo, name", [("meter", "sigma"), ("meter", "mean"), ("chain", "x")])
def test_sliders_that_need_no_new_background(demo, name):
    figure = getattr(saturation, demo)()
    asked, draw = [], figure._picture.draw
    figure._picture.draw = lambda *args: asked.append(draw(*args)) or asked[-1]
    for value in figure._panel.controls[name].ladder[::5]:
        figure.set(**{name: value})
    assert asked and not any(asked)
