"""Bias shift and SELU: formulas against quadrature and sampling, the map, nets, and the figures."""

import math
from itertools import combinations, product

import numpy as np
import pytest
from scipy.integrate import quad

from helpers import mean_field
from helpers.activations import ACTIVATIONS, ELU, SELU, elu, leaky_relu
from helpers.demos import selfnorm
from helpers.demos.selfnorm import (
    SHIFTED,
    closed_mean,
    compute_bias_shift,
    compute_selu,
    contraction,
    selu_map,
)
from helpers.live import LiveFigure

NAMED = pytest.mark.parametrize("name", SHIFTED)


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


def artists(figure):
    return figure._picture.artists


def picture(figure):
    return figure._image.value


def adaptive(function, mean=0.0, variance=1.0):
    """E function(z), z normal, by another quadrature; the kink is at 0."""
    s = math.sqrt(variance)
    density = lambda z: function(z) * math.exp(-(((z - mean) / s) ** 2) / 2) / s  # noqa: E731
    ends = sorted({mean - 12 * s, 0.0, mean + 12 * s})
    ends = [end for end in ends if abs(end - mean) <= 12.001 * s]
    pieces = zip(ends, ends[1:], strict=False)
    return sum(quad(density, *piece, epsabs=1e-13)[0] for piece in pieces) / math.sqrt(2 * math.pi)


# --- The mean shift -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*SHIFTED, "step", "identity"])
def test_formulas_agree_with_adaptive_quadrature(name):
    mean, formula = adaptive(ACTIVATIONS[name].f), closed_mean(name)
    if name in ("softplus", "silu", "mish"):
        assert formula is None
    else:
        assert formula == pytest.approx(mean, abs=1e-10)


@pytest.mark.parametrize("parameter", [-1.0, 0.0, 0.3, 2.0])
def test_formulas_of_the_families(parameter):
    leaky, bent = leaky_relu(parameter), elu(parameter)
    assert closed_mean("leaky_relu", slope=parameter) == pytest.approx(adaptive(leaky.f), abs=1e-10)
    assert closed_mean("elu", alpha=parameter) == pytest.approx(adaptive(bent.f), abs=1e-10)


@NAMED
@pytest.mark.parametrize("subtract", [False, True])
def test_the_next_layer_has_second_moment_one_and_the_predicted_share(name, subtract):
    """Over seeds: mean of z'^2 1 +- .08 per seed, share within 4 standard errors."""
    results = [compute_bias_shift(activation=name, subtract=subtract, seed=s) for s in range(12)]
    moments = [np.mean(r.shifts**2 + r.spreads**2) for r in results]
    shared = np.array([np.mean(r.shifts**2) for r in results])
    assert np.mean(moments) == pytest.approx(1, abs=0.12)
    finite_batch = (1 - results[0].share) / selfnorm.EXAMPLES  # the mean of 128 inputs is not E
    error = shared.std(ddof=1) / math.sqrt(12)
    assert shared.mean() == pytest.approx(results[0].share + finite_batch, abs=4 * error + 1e-3)
    mean, second = adaptive(ACTIVATIONS[name].f), adaptive(lambda z: ACTIVATIONS[name].f(z) ** 2)
    if name not in ("leaky_relu",):  # its slope here is 0.1, that of the record 0.01
        expected = 0 if subtract else mean**2 / second
        assert results[0].share == pytest.approx(expected, abs=1e-9)


def test_the_samples_surround_the_quadrature():
    r = compute_bias_shift()
    for name, mean in r.means.items():
        spread = r.sampled[name].std(ddof=1)
        assert abs(r.sampled[name].mean() - mean) < 4 * spread / math.sqrt(8)
        assert 1e-4 < spread < 0.01


def test_bias_shift_artists_show_the_result():
    figure = selfnorm.bias_shift(activation="elu", alpha=2.0, seed=3)
    r, drawn = figure.result, artists(figure)
    np.testing.assert_allclose(
        [bar.get_width() for bar in drawn["bars"]], list(r.means.values())
    )  # fmt: skip
    np.testing.assert_array_equal(drawn["shifts"].get_ydata(), r.shifts)
    low, high = drawn["spreads"].get_ydata()[:2]
    assert (high - low) / 2 == pytest.approx(r.spreads[0])
    assert drawn["predicted"][1].get_ydata()[0] == pytest.approx(math.sqrt(r.share))
    assert drawn["chosen"].get_ydata() == [2]
    assert drawn["share"].get_text() == f"{r.share:.1%}"
    assert "ELU, α: formula -0.07790" in figure.text
    assert np.all(np.diff(r.shifts) >= 0)


def test_every_control_of_bias_shift_moves_the_picture_and_the_words():
    figure = selfnorm.bias_shift()
    for name, value in dict(activation="leaky_relu", slope=-0.5, seed=4, subtract=True).items():
        before, text = picture(figure), figure.text
        figure.set(**{name: value})
        assert picture(figure) != before and figure.text != text, name
    again = eval(figure.experiment, {"selfnorm": selfnorm})
    assert again.text == figure.text and picture(again) == picture(figure)


def test_bias_shift_stays_inside_its_axes():
    figure = selfnorm.bias_shift()
    for name, subtract in product(SHIFTED, (False, True)):
        for end in (-1.0, 1.0):
            for seed in (0, 40, 99):
                figure.set(activation=name, subtract=subtract, slope=end, alpha=1 + end, seed=seed)
                r = figure.result
                assert abs(r.shifts).max() < 3.4
                assert -0.15 < min(r.means.values()) and max(r.means.values()) < 0.88


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"activation": "rleu"}, "did you mean 'relu'?"),
        ({"slope": 3}, "slope must be a number from -1 to 1, got 3"),
        ({"alpha": -1}, "alpha must be a number from 0 to 2, got -1"),
        ({"seed": 0.5}, "seed must be a whole number from 0 to 99, got 0.5"),
    ],
)
def test_bad_input_of_bias_shift_gets_a_sentence(settings, said):
    for call in (compute_bias_shift, selfnorm.bias_shift):
        with pytest.raises((TypeError, ValueError)) as error:
            call(**settings)
        assert said in str(error.value)


# --- The map of SELU ----------------------------------------------------------------------------


@pytest.mark.parametrize("mean", [-1.5, -0.2, 0.0, 0.4, 2.0])
@pytest.mark.parametrize("variance", [0.05, 1.0, 4.0])
@pytest.mark.parametrize("omega, tau", [(0.0, 1.0), (1.0, 1.0), (-0.7, 0.5)])
def test_the_map_agrees_with_adaptive_quadrature(mean, variance, omega, tau):
    m, v = omega * mean, tau * variance
    first = adaptive(SELU.f, m, v)
    second = adaptive(lambda z: SELU.f(z) ** 2, m, v)
    found = selu_map(mean, variance, omega, tau)
    assert found == pytest.approx((first, second - first**2), abs=1e-9)


def test_the_map_of_a_unit_with_many_inputs():
    """z = sum of w x with x of this mean and variance, whatever the distribution of x."""
    rng, n = np.random.default_rng(2600), 400
    w = rng.standard_normal(n) / 20
    w += (0.6 - w.sum()) / n
    x = 0.5 + math.sqrt(1.5) * rng.uniform(-math.sqrt(3), math.sqrt(3), (40_000, n))
    a = SELU(x @ w)
    mean, variance = selu_map(0.5, 1.5, 0.6, w @ w)
    assert a.mean() == pytest.approx(mean, abs=0.03) and a.var() == pytest.approx(variance, abs=0.1)


def test_zero_and_one_is_the_fixed_point_and_it_attracts():
    assert selu_map(0.0, 1.0) == pytest.approx((0, 1), abs=1e-14)
    assert contraction(0.0) < 1 < contraction(1.0)
    assert contraction(-1.0) == pytest.approx(contraction(1.0), abs=1e-9)
    for start in product((-1, 0, 1), (0.1, 1.0, 3.0)):
        assert compute_selu(mean=start[0], variance=start[1]).path[-1] == pytest.approx(
            (0, 1), abs=2e-3
        )


def test_the_map_refuses_no_variance():
    with pytest.raises(ValueError, match="tau \\* variance must be above 0, got 0"):
        selu_map(0.0, 0.0)


# --- Nets ---------------------------------------------------------------------------------------


def test_wide_nets_follow_mean_field_theory():
    r = compute_selu(mean=-0.3, variance=0.3)
    signal = mean_field.signal(SELU, 1.0, 0.0, 32, inputs=0.09 + 0.3)
    after = r.theory[1:, 1] + r.theory[1:, 0] ** 2  # E a^2 is the next E z^2
    np.testing.assert_allclose(after[:-1], signal.second_moment[1:], rtol=1e-9)


def test_through_is_a_net():
    inputs, weights = selfnorm._drawn()
    a = (0.5 + math.sqrt(2) * inputs)[:1]
    r = compute_selu()
    for layer in range(32):
        a = ELU(a @ weights[0, layer])
    np.testing.assert_allclose(r.others["ELU"][-1], [a.mean(), a.var()], rtol=1e-9)
    np.testing.assert_allclose(r.nets[:, 0], [[0.5, 2.0]] * 4, atol=1e-12)
    assert weights.std() == pytest.approx(0.1, rel=0.01)


@pytest.mark.parametrize("start", [*product((-1.0, 0.0, 1.0), (0.1, 3.0))])
def test_the_small_nets_of_the_figure_come_back_and_the_others_do_not(start):
    r = compute_selu(mean=start[0], variance=start[1])
    assert abs(r.nets[:, 8:, 0]).max() < 0.35
    assert 0.4 < r.nets[:, 8:, 1].min() and r.nets[:, 8:, 1].max() < 2
    for name in ("tanh", "ELU"):
        assert r.others[name][-1, 1] < 0.05


def test_selu_artists_show_the_result():
    figure = selfnorm.selu(depth=7, omega=0.5)
    r, drawn = figure.result, artists(figure)
    np.testing.assert_array_equal(np.transpose(drawn["path"].get_data()), r.path[:8])
    np.testing.assert_array_equal(np.transpose(drawn["images"].get_data()), r.images)
    np.testing.assert_array_equal(drawn["nets"][1].get_ydata(), r.nets[:, :8, 1].ravel())
    np.testing.assert_array_equal(drawn["theory"][0].get_ydata(), r.theory[:8, 0])
    for line, path in zip(drawn["others"][1], r.others.values(), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), path[:8, 1])
    assert drawn["norm"].get_text() == f"{r.norm:.3f}"
    assert "by 0.7877 per layer" in selfnorm.selu().text
    assert "may grow by 1.1109" in selfnorm.selu(omega=1.0).text


def test_every_control_of_selu_moves_the_picture_and_the_words():
    figure = selfnorm.selu()
    for name, value in dict(mean=-0.4, variance=0.6, depth=5, omega=0.8).items():
        before, text = picture(figure), figure.text
        figure.set(**{name: value})
        assert picture(figure) != before and figure.text != text, name
    again = eval(figure.experiment, {"selfnorm": selfnorm})
    assert again.text == figure.text
    for depth in (9, 5):  # labels are placed before the first layout is solved, a pixel off
        again.set(depth=depth)
    assert picture(again) == picture(figure)


def test_all_pairs_of_extremes_are_finite():
    figure = selfnorm.selu()
    controls = figure._panel.controls
    for one, other in combinations(controls, 2):
        for values in product(*((controls[k].low, controls[k].high) for k in (one, other))):
            figure.set(**dict(zip((one, other), values, strict=True)))
            r = figure.result
            assert "nan" not in figure.text and np.isfinite(r.path).all()
            low = min(path[: r.depth + 1, 1].min() for path in r.others.values())
            assert low > 3e-3 * 0.3 and r.nets[..., 1].max() < 20
        figure.reset()


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"mean": 2}, "mean must be a number from -1 to 1, got 2"),
        ({"variance": 0}, "variance must be a number from 0.1 to 3, got 0"),
        ({"depth": 33}, "depth must be a whole number from 1 to 32, got 33"),
        ({"omega": math.nan}, "omega must be a number from -1 to 1, got nan"),
    ],
)
def test_bad_input_of_selu_gets_a_sentence(settings, said):
    for call in (compute_selu, selfnorm.selu):
        with pytest.raises((TypeError, ValueError)) as error:
            call(**settings)
        assert said in str(error.value)
