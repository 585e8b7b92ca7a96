"""The signal board and the edge of chaos: real nets against theory, pictures against numbers."""

import dataclasses
import math

import numpy as np
import pytest

from helpers import mean_field
from helpers.activations import ACTIVATIONS, RELU, SOFTPLUS, TANH, Activation, leaky_relu
from helpers.demos import board
from helpers.demos.board import (
    INPUTS,
    NETS,
    PAIR_ACTIVATIONS,
    compute_board,
    compute_edge_of_chaos,
    drawn,
    measured,
    paired,
)
from helpers.diagnostics import norm, saturated_share, second_moment
from helpers.live import LiveFigure
from helpers.network import Net

SQUARE = Activation("square", "z^2", np.square, lambda z: 2 * z)
FAINT = Activation("faint", r"10^{-12} \\tanh z", lambda z: np.tanh(z), lambda z: 1e-12 * (z == z))


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


def artists(figure):
    return figure._picture.artists


def picture(figure):
    return figure._image.value  # png() without the time for better compression


# --- nets that share their matrices -------------------------------------------------------------


@pytest.mark.parametrize("scheme", board.SCHEMES)
@pytest.mark.parametrize("width", [32, 96])
def test_matrices_have_entries_of_variance_one_over_width(scheme, width):
    W = drawn(scheme, width, 2600).W
    assert W.shape == (64, width, width)
    assert W.var() * width == pytest.approx(1, abs=0.02)
    same = np.allclose(W @ W.mT, np.eye(width), atol=1e-12)
    assert same == (scheme == "orthogonal")
    assert (np.abs(W).max() * math.sqrt(width) <= math.sqrt(3)) == (scheme == "uniform")


def test_one_seed_gives_one_draw_and_another_another():
    again = drawn.__wrapped__("gaussian", 32, 2600)
    for one, other in zip(drawn("gaussian", 32, 2600), again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(again.W, drawn("gaussian", 32, 2601).W)
    np.testing.assert_allclose(np.mean(again.X**2, axis=1), 1)
    assert set(np.unique(again.signs)) == {-1.0, 1.0} and (again.signs[:, 0] == 1).all()


def as_net(act, draw, k, sigma_w, sigma_b, depth):
    """Net k of a draw, as a `Net` and its theta."""
    net = Net([draw.W.shape[-1]] * (depth + 1), act, act)
    return net, net.pack([
        (sigma_w * draw.signs[m, k].T * draw.W[m], sigma_b * draw.b[m, k]) for m in range(depth)
    ])  # fmt: skip


@pytest.mark.parametrize("act", [TANH, RELU, SOFTPLUS, leaky_relu(0.3)], ids=lambda act: act.name)
@pytest.mark.parametrize("scheme", ["gaussian", "orthogonal"])
def test_the_nets_are_nets(act, scheme):
    draw, depth = drawn(scheme, 32, 2602), 7
    nets = measured(act, draw, 1.7, 0.3, depth)
    assert nets.log10_moment.shape == nets.log10_gradient.shape == (NETS, depth)
    for k in (0, 3, 7):
        net, theta = as_net(act, draw, k, 1.7, 0.3, depth)
        Z = net.forward(theta, draw.X).Z
        moments = np.log10([second_moment(z) for z in Z])
        np.testing.assert_allclose(nets.log10_moment[k], moments, atol=1e-12)
        linear_end = dataclasses.replace(net, out="identity")  # d loss / d A is d loss / d Z there
        norms = np.log10([norm(dz) for dz in linear_end.deltas(theta, Z, draw.dZ[k])])
        np.testing.assert_allclose(nets.log10_gradient[k], norms - norms[-1], atol=1e-12)
        if k == 0:
            flat = [saturated_share(act, z, board.FLAT) for z in Z]
            np.testing.assert_allclose(nets.flat, flat, atol=1e-12)


def test_nets_that_share_their_matrices_differ_as_much_as_independent_ones():
    """For ReLU the spread is known exactly; and nets of one draw are uncorrelated."""
    forward, backward = [], []
    for seed in range(2610, 2670):
        draw = drawn.__wrapped__("gaussian", 32, seed, NETS, 1)
        nets = measured(RELU, draw, math.sqrt(2), 0.0, 20)
        forward.append(math.log(100) / 2 * nets.log10_moment[:, -1])
        backward.append(math.log(100) * nets.log10_gradient[:, 0])
    predicted = mean_field.relu_norm(32, 19)
    for logs in (np.array(forward), np.array(backward)):
        within = logs.var(axis=1, ddof=1).mean()  # 2.7 to 3.5 over other seeds
        assert within == pytest.approx(predicted.var_log, rel=0.2)
        correlation = (np.corrcoef(logs.T).sum() - NETS) / (NETS * (NETS - 1))
        assert abs(correlation) < 0.1
    assert np.mean(forward) == pytest.approx(math.log(2) + predicted.mean_log, abs=0.4)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_hardly_a_number_is_so_small_that_processors_slow_down(name, monkeypatch):
    """An exponential far out in a tail may be subnormal, but not all numbers of a layer."""
    shares = []

    def product(A, W):
        shares.append(np.mean((A != 0) & (np.abs(A) < np.finfo(float).tiny)))
        return (A.reshape(-1, A.shape[-1]) @ W).reshape(*A.shape[:2], -1)

    monkeypatch.setattr(board, "product", product)
    for sigma_w in (0.1, 3.0):
        compute_board(activation=name, sigma_w=sigma_w, sigma_b=0.0, depth=64, width=32)
    assert len(shares) == 2 * (64 + 63) and max(shares) < 0.02


# --- the signal board ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*ACTIVATIONS])
def test_theory_is_that_of_mean_field(name):
    result = compute_board(activation=name, sigma_w=1.3, sigma_b=0.25, depth=12, width=32)
    theory = mean_field.signal(result_act(name), 1.3, 0.25, 12)
    np.testing.assert_allclose(10**result.moment, theory.second_moment, rtol=1e-12)
    np.testing.assert_allclose(result.gradient, theory.log10_gradient, atol=1e-12)


def result_act(name):
    return leaky_relu(0.2) if name == "leaky_relu" else ACTIVATIONS[name]


@pytest.mark.parametrize("name", ["tanh", "relu", "sigmoid", "elu", "gelu"])
@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(0.8, 0.2), (1.3, 0.1), (2.2, 0.5)])
@pytest.mark.parametrize("scheme", board.SCHEMES)
def test_real_nets_follow_theory(name, sigma_w, sigma_b, scheme):
    """Logarithms, 15 layers of 256: the mean of 8 nets against the line."""
    act = ACTIVATIONS[name]
    nets = measured(act, drawn(scheme, 256, 2605), sigma_w, sigma_b, 15)
    theory = mean_field.signal(act, sigma_w, sigma_b, 15)
    wide = {"atol": 0.2, "rtol": 0}  # 0.14 at most over 12 seeds
    np.testing.assert_allclose(nets.log10_moment.mean(0), np.log10(theory.second_moment), **wide)
    np.testing.assert_allclose(nets.log10_gradient.mean(0), theory.log10_gradient, **wide)
    q = theory.second_moment
    np.testing.assert_allclose(nets.flat, board.flat_share(act, q), atol=0.15)


@pytest.mark.parametrize("act", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_the_share_of_flat_units_is_that_of_a_sample(act):
    z = np.random.default_rng(2606).standard_normal((1000, 100))
    for q in (0.01, 1.0, 30.0):
        sample = np.mean(np.abs(act.df(math.sqrt(q) * z)) < 0.01)
        assert board.flat_share(act, np.array([q]))[0] == pytest.approx(sample, abs=0.01)


def test_half_of_all_relu_are_flat_and_no_leaky_relu():
    assert compute_board(activation="relu").flat == pytest.approx(0.5)
    assert compute_board(activation="leaky_relu").flat == pytest.approx(0)
    assert compute_board(activation="leaky_relu", slope=0.0).flat == pytest.approx(0.5)


def test_a_gradient_of_a_hundred_decades_less_is_shown():
    r = compute_board(activation="sigmoid", sigma_w=0.1, sigma_b=0.0, depth=64)
    assert r.gradient[0] < -100
    np.testing.assert_allclose(r.nets.log10_gradient[:, 0], r.gradient[0], atol=0.5)
    figure = board.board(activation="sigmoid", sigma_w=0.1, sigma_b=0.0, depth=64)
    low = [label.get_text() for label in artists(figure)["gradient"]["labels"]]
    assert low == ["10⁻¹⁰⁰", "10⁻⁵⁰", "10⁰"]
    assert "theory 1.1e-101, a net" in figure.text and "it vanishes (order)" in figure.text


def test_even_what_no_float_can_hold():
    r = compute_board(own=FAINT, depth=50, sigma_w=1.0, sigma_b=0.0)
    assert r.gradient[0] == pytest.approx(-12 * 49, abs=1e-6)
    np.testing.assert_allclose(r.nets.log10_gradient[:, 0], r.gradient[0], atol=2)
    assert "e-588" in board.describe_board(r)


def test_a_step_passes_nothing_back():
    figure = board.board(activation="step", sigma_b=0.5)
    r, drawing = figure.result, artists(figure)["gradient"]
    assert np.isneginf(r.gradient[:-1]).all() and np.isneginf(r.nets.log10_gradient[:, :-1]).all()
    assert drawing["labels"][0].get_text() == "0" and drawing["value"].get_text() == "0"
    np.testing.assert_array_equal(drawing["theory"].get_ydata()[:-1], 0)
    assert "theory 0, a net 0 (8 nets 0 to 0)" in figure.text


def test_a_net_that_leaves_the_floats_is_said_to():
    figure = board.board(own=SQUARE, sigma_w=3.0, depth=30)
    assert np.isnan(figure.result.nets.log10_moment[:, -1]).all()
    assert np.isfinite(figure.result.nets.log10_moment[:, :5]).all()
    assert figure.text.count("nets not measured") == 2
    assert figure.experiment.startswith("board.board(own=my_activation, activation='yours'")
    figure.set(sigma_w=0.2, sigma_b=0.0)
    assert np.isnan(figure.result.nets.log10_moment[:, -1]).all()


@pytest.mark.parametrize("name", ["tanh", "relu", "gelu", "selu", "abs"])
def test_the_map_shows_the_gradient_deep_in_the_net(name):
    chart = board.chart(ACTIVATIONS[name])
    for row, column in ((0, 10), (8, 20), (30, 50)):
        sigma_w, sigma_b = board.MAP_W[column], board.MAP_B[row]
        deep = mean_field.signal(name, sigma_w, sigma_b, 1000).log10_factor[-1]
        assert chart.log10_factor[row, column] == pytest.approx(deep, abs=1e-4)


def test_the_edge_is_the_critical_line():
    edge = board.chart(TANH).edge
    for sigma_w, sigma_b in edge[edge[:, 1] > 0.05][::5]:
        critical = mean_field.critical_sigma_w("tanh", sigma_b)
        assert sigma_w == pytest.approx(critical, abs=0.005)
    np.testing.assert_allclose(board.chart(RELU).edge[:, 0], math.sqrt(2), atol=1e-3)
    assert len(board.chart(ACTIVATIONS["sigmoid"]).edge) == 0  # beyond the map: sigma_w > 10


def test_here_and_the_factor_are_shown():
    figure = board.board(activation="relu", sigma_w=2.0, sigma_b=0.4)
    drawing = artists(figure)
    np.testing.assert_allclose(drawing["here"].get_xydata(), [[2.0, 0.4]])
    assert drawing["factor"].get_text() == "1.41" and "multiplied by 1.41: it explo" in figure.text
    assert "the edge of chaos" in board.describe_board(
        compute_board(activation="relu", sigma_w=math.sqrt(2), sigma_b=0.0)
    )


# --- its picture --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [{}, {"sigma_w": 3.0, "activation": "relu", "width": 32}, {"depth": 1}, {"sigma_w": 0.4}],
    ids=str,
)
def test_artists_show_the_result(settings):
    figure = board.board(**settings)
    r, drawing = figure.result, artists(figure)
    logs = [(r.moment, r.nets.log10_moment), (r.gradient, r.nets.log10_gradient)]
    for name, (theory, nets) in zip(("moment", "gradient"), logs, strict=True):
        panel = drawing[name]
        low, middle, high = (exponent(label) for label in panel["labels"])
        step = middle - low
        assert high - middle == step > 0
        np.testing.assert_allclose(low + step * panel["theory"].get_ydata(), theory)
        np.testing.assert_allclose(low + step * panel["dots"].get_ydata(), nets[0])
        band = low + step * panel["band"].get_xy()[: 2 * r.depth, 1]
        np.testing.assert_allclose(band[: r.depth], nets.min(0), atol=1e-9)
        np.testing.assert_allclose(band[r.depth :][::-1], nets.max(0), atol=1e-9)
    np.testing.assert_allclose(drawing["flat"]["theory"].get_ydata(), r.flat)
    np.testing.assert_allclose(drawing["flat"]["dots"].get_ydata(), r.nets.flat)
    assert drawing["moment"]["value"].get_text() == board.power(r.moment[-1])
    assert f"theory {board.power(r.gradient[0])}" in figure.text
    np.testing.assert_allclose(drawing["image"].get_array(), 10**r.chart.log10_factor)


def exponent(label):
    digits = label.get_text().removeprefix("10").translate(
        str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    )
    return int(digits)


@pytest.mark.parametrize("name", ["tanh", "relu", "step", "identity", "softplus"])
def test_everything_lies_within_its_axis(name):
    figure = board.board(activation=name)
    for sigma_w in (0.1, 0.7, 1.42, 3.0):
        figure.set(sigma_w=sigma_w)
        for panel in ("moment", "gradient"):
            parts = artists(figure)[panel]
            low, high = parts["theory"].axes.get_ylim()
            places = [parts["theory"].get_ydata(), parts["band"].get_xy()[:, 1]]
            assert low < np.min(np.concatenate(places)) and np.max(np.concatenate(places)) < high


def test_a_slider_step_is_no_full_redraw(monkeypatch):
    """Only another activation has another map."""
    figure = board.board()
    before = picture(figure)
    draw = figure._picture.draw
    redraws = []
    monkeypatch.setattr(figure._picture, "draw", lambda *a: redraws.append(bool(draw(*a))))
    for change in ({"sigma_w": 0.1}, {"sigma_b": 1.0}, {"depth": 64}, {"seed": 9}, {"width": 64}):
        figure.set(**change)
        assert picture(figure) != before
        before = picture(figure)
    assert not any(redraws)
    figure._picture.draw = draw
    assert board.draw_board(artists(figure), compute_board(activation="elu"))


def test_one_layer_is_a_net_too():
    figure = board.board(depth=1)
    assert figure.result.gradient == [0]
    assert "Gradient norm, first layer over last: theory 1, a net 1 (8 nets 1 to 1)" in figure.text


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"activation": "rleu"}, "did you mean 'relu'"),
        ({"activation": "yours"}, "activation must be one of"),
        ({"sigma_w": 0.0}, "sigma_w must be a number from 0.1 to 3"),
        ({"sigma_b": -0.1}, "sigma_b must be"),
        ({"depth": 65}, "depth must be a whole number from 1 to 64"),
        ({"width": 16}, "width must be a whole number from 32 to 256"),
        ({"scheme": "he"}, "scheme must be one of"),
        ({"slope": 2.0}, "slope must be"),
        ({"seed": 100}, "seed must be"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        compute_board(**wrong)


def test_own_is_an_activation():
    with pytest.raises(TypeError, match="own must be an Activation"):
        compute_board(own=np.tanh)
    broken = Activation("broken", "", lambda z: np.sqrt(z), lambda z: z)
    with pytest.raises(ValueError, match="broken must give numbers"):
        compute_board(own=broken)
    mine = Activation("mine", "", TANH.f, TANH.df)
    np.testing.assert_allclose(compute_board(own=mine).moment, compute_board().moment)
    assert compute_board(own=mine, activation="relu").name == "relu"
    assert board.board(own=mine).text.startswith("mine, 40 layers")


# --- the edge of chaos --------------------------------------------------------------------------

PLACES = [
    ("tanh", 2.5, 0.3), ("tanh", 0.9, 0.3), ("tanh", 1.28, 0.2236), ("sigmoid", 2.8, 0.1),
    ("relu", 1.2, 0.5), ("gelu", 1.9, 0.3), ("elu", 1.1, 0.2), ("abs", 0.9, 0.4),
    ("softplus", 1.0, 0.3),
]  # fmt: skip


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), PLACES)
def test_the_polynomial_is_the_correlation_map(name, sigma_w, sigma_b):
    act = ACTIVATIONS[name]
    chart = board.correlation_chart(act, sigma_w, sigma_b)
    q = np.clip(mean_field.fixed_point(act, sigma_w, sigma_b), *board.TAME)
    c = np.linspace(-1, 1, 33)
    expected = mean_field.correlation_map(act, c, sigma_w, sigma_b, q)
    np.testing.assert_allclose(chart(c), expected, atol=5e-5)
    assert float(chart(1.0)) == pytest.approx(1, abs=1e-15)
    np.testing.assert_allclose([chart.at(one) for one in c], np.clip(chart(c), -1, 1), atol=1e-14)


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), PLACES)
def test_where_they_end_up_and_how_fast(name, sigma_w, sigma_b):
    r = compute_edge_of_chaos(activation=name, sigma_w=sigma_w, sigma_b=sigma_b)
    q = mean_field.fixed_point(name, sigma_w, sigma_b)
    if not 0 < q < 1e6:
        assert name == "gelu" and r.q == 1e6
        return
    assert r.q == pytest.approx(q) and r.steepness == pytest.approx(
        mean_field.chi_1(name, sigma_w, q), rel=1e-5
    )
    rest = mean_field.correlation_fixed_point(name, sigma_w, sigma_b)
    assert r.rest == pytest.approx(rest, abs=1e-4)
    length = mean_field.correlation_length(name, sigma_w, sigma_b)
    assert r.length == pytest.approx(length, rel=1e-3)


def test_the_walk_is_the_map_again_and_again():
    r = compute_edge_of_chaos(sigma_w=1.7, sigma_b=0.2, c=0.3)
    for c, after in zip(r.theory[:-1], r.theory[1:], strict=True):
        expected = mean_field.correlation_map("tanh", c, 1.7, 0.2)
        assert after == pytest.approx(expected, abs=5e-5)
    assert r.theory[0] == 0.3
    np.testing.assert_allclose(r.distance, np.abs(r.theory - r.rest))


def test_pairs_go_through_real_nets():
    draw, q, c = drawn("gaussian", 256, 2603), 1.3, 0.4
    correlations = 1 - paired(TANH, draw, 1.5, 0.2, c, q)
    np.testing.assert_allclose(correlations[:, 0], c, atol=1e-12)
    k = 5
    net, theta = as_net(TANH, draw, k, 1.5, 0.2, 8)
    u, v = (math.sqrt(q * 256) * row for row in np.linalg.qr(draw.X[:2].T)[0].T)
    first = np.stack([u, c * u + math.sqrt(1 - c * c) * v])
    assert np.mean(first**2) == pytest.approx(q)
    for layer, z in enumerate(net.forward(theta, np.tanh(first)).Z, start=1):
        measured_c = z[0] @ z[1] / math.sqrt((z[0] @ z[0]) * (z[1] @ z[1]))
        assert correlations[k, layer] == pytest.approx(measured_c, abs=1e-12)


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), PLACES)
def test_pairs_follow_the_map(name, sigma_w, sigma_b):
    """The mean of eight nets, in every layer; single nets wander more."""
    r = compute_edge_of_chaos(activation=name, sigma_w=sigma_w, sigma_b=sigma_b, c=0.6, seed=26)
    np.testing.assert_allclose(r.nets.mean(0), r.theory, atol=0.2)  # 0.13 over 12 seeds


def test_relu_has_no_chaos_without_biases():
    r = compute_edge_of_chaos(activation="relu", sigma_w=3.0, sigma_b=0.0, c=0.0)
    np.testing.assert_allclose(r.curve, mean_field.leaky_correlation(board.CURVE), atol=1e-6)
    assert r.steepness == pytest.approx(1, abs=1e-6) and r.rest == 1 and r.length == math.inf
    assert "the edge; they become alike, but slower" in board.describe_edge_of_chaos(r)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"sigma_w": 0.9}, "order, they become alike; the distance from there shrinks by e in 1."),
        ({"sigma_w": 2.5}, "chaos, they end up at 0.122; the distance from there shrinks by e in "),
        ({"sigma_w": 0.5, "sigma_b": 0.0}, "the net is linear here and the correlation stays"),
        ({"activation": "identity", "sigma_b": 0.0}, "linear here"),
    ],
    ids=str,
)
def test_edge_of_chaos_in_words(settings, words):
    assert words in board.describe_edge_of_chaos(compute_edge_of_chaos(**settings))


@pytest.mark.parametrize("name", PAIR_ACTIVATIONS)
def test_edge_of_chaos_at_the_ends_of_its_sliders(name):
    for sigma_w in (0.1, 3.0):
        for sigma_b in (0.0, 1.0):
            r = compute_edge_of_chaos(activation=name, sigma_w=sigma_w, sigma_b=sigma_b, c=-0.9)
            assert np.isfinite(r.nets).all() and np.isfinite(r.theory).all()
            assert np.abs(r.nets).max() < 1 + 1e-12 and 0 <= r.rest <= 1 or r.rest == -0.9
            assert board.describe_edge_of_chaos(r)


@pytest.mark.parametrize("settings", [{}, {"sigma_w": 0.9}, {"activation": "relu"}], ids=str)
def test_edge_of_chaos_artists_show_the_result(settings):
    figure = board.edge_of_chaos(**settings)
    r, drawing = figure.result, artists(figure)
    np.testing.assert_allclose(drawing["correlation"]["theory"].get_ydata(), r.theory)
    np.testing.assert_allclose(drawing["correlation"]["dots"].get_ydata(), r.nets[0])
    shown = drawing["distance"]["dots"].get_ydata()
    np.testing.assert_allclose(shown, np.maximum(r.net_distance[0], 1e-6))
    band = drawing["distance"]["band"].get_xy()[: board.PAIRED, 1]
    np.testing.assert_allclose(band, np.maximum(r.net_distance.min(0), 1e-6))
    np.testing.assert_array_equal(drawing["curve"].get_xydata(), np.c_[board.CURVE, r.curve])
    np.testing.assert_allclose(drawing["fixed"].get_xydata(), [[r.rest, r.rest]])
    x, y = drawing["steps"].get_data()
    np.testing.assert_array_equal(x[::2], r.theory)
    np.testing.assert_array_equal(x[1::2], r.theory[:-1])
    np.testing.assert_array_equal(y[1:], np.repeat(r.theory[1:], 2))
    assert y[0] < -1
    assert drawing["steepness"].get_text() == f"{r.steepness:.3g}"
    assert f"the slope {r.steepness:.4g} at 1" in figure.text


def test_moving_the_edge_changes_the_picture():
    figure = board.edge_of_chaos()
    before = picture(figure)
    for change in ({"sigma_w": 1.0}, {"sigma_b": 0.0}, {"c": 0.0}, {"seed": 4}):
        figure.set(**change)
        assert picture(figure) != before
        before = picture(figure)


def test_edge_of_chaos_refuses_what_it_cannot_show():
    with pytest.raises(ValueError, match="activation must have a slope"):
        compute_edge_of_chaos(activation="step")
    with pytest.raises(ValueError, match="c must be a number from -0.9 to 0.99"):
        compute_edge_of_chaos(c=1.0)


def test_a_pair_that_leaves_the_floats_is_said_to():
    figure = board.edge_of_chaos(own=SQUARE, sigma_w=3.0)
    assert "nets not measured" in figure.text
    assert INPUTS >= 2  # the pair is made from the first two inputs of the draw
