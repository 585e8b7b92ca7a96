"""The demos on linearity: numbers against theory, pictures against numbers, words against both."""

import math
from itertools import combinations, product

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from helpers.activations import ACTIVATIONS
from helpers.datasets import plane_cloud
from helpers.demos import linearity
from helpers.demos.linearity import (
    FEATURES,
    FRAMES,
    compute_best_plane,
    compute_fold,
    compute_is_it_linear,
    compute_learning_curves,
)
from helpers.live import LiveFigure
from helpers.losses import SQUARED_ERROR
from helpers.network import Net
from helpers.theory import half_time
from helpers.training import SGD, train


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


def artists(figure):
    return figure._picture.artists


def picture(figure):
    return figure._image.value  # png() without the time for better compression


# --- fold ---------------------------------------------------------------------------------------


def random_nets(count, seed):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield {
            "depth": int(rng.integers(1, 31)),
            "width": int(rng.integers(1, 33)),
            "bottleneck": int(rng.integers(1, 9)),
            "slope": float(rng.choice([-2, -0.7, 0.1, 1, 1.5, 2])),
            "offset": float(rng.uniform(-2, 2)),
            "seed": int(rng.integers(100)),
        }


def test_one_layer_does_what_the_deep_net_does():
    assert max(compute_fold(**net).residual for net in random_nets(200, seed=11)) < 1e-12


def test_the_rank_is_the_narrowest_layer_so_far():
    for net in random_nets(100, seed=12):
        result = compute_fold(**net)
        np.testing.assert_array_equal(result.ranks, np.minimum(FEATURES, result.narrowest))


def test_the_deep_net_is_not_computed_by_the_fold(monkeypatch):
    """A wrong fold must show: the two curves come from different code."""
    monkeypatch.setattr(linearity, "collapse", lambda layers, slope, offset: layers[0])
    assert compute_fold(depth=5, width=FEATURES, bottleneck=FEATURES).residual > 0.01


def test_singular_values_are_those_of_the_map_read_off_the_net():
    settings = dict(depth=9, width=7, bottleneck=3, slope=-1.2, offset=0.4, seed=8)
    result = compute_fold(**settings)
    net = linearity._fold_net(9, 7, 3, linearity._between_layers(-1.2, 0.4, False))
    theta, _ = linearity._fold_weights(net.sizes, 8)
    W = net.output(theta, np.eye(FEATURES)) - net.output(theta, np.zeros((1, FEATURES)))
    expected = np.linalg.svd(W, compute_uv=False)
    np.testing.assert_allclose(result.strengths, expected, atol=1e-12)
    assert result.parameters == net.P


def test_an_activation_without_slope_leaves_rank_zero():
    assert compute_fold(slope=0.0).ranks[-1] == 0
    assert compute_fold(slope=0.0, depth=1).ranks[-1] == FEATURES


@pytest.mark.parametrize("seed", [1, 2, 4, 5])
def test_a_bend_cannot_be_folded(seed):
    result = compute_fold(bend=True, seed=seed)
    assert result.residual > 0.02
    assert np.isnan(result.ranks).all() and np.isnan(result.strengths).all()


def test_the_straight_line_is_the_nearest_one():
    result = compute_fold(bend=True)
    error = result.deep - result.twin
    assert abs(error.sum()) < 1e-9 * result.largest
    assert abs(error @ linearity.LINE) < 1e-9 * result.largest


def test_fold_artists_show_the_result():
    figure = linearity.fold(depth=12, width=20, bottleneck=2, seed=3)
    result, drawn = figure.result, artists(figure)
    np.testing.assert_allclose(drawn["deep"].get_ydata() * result.largest, result.deep)
    np.testing.assert_allclose(drawn["twin"].get_ydata() * result.largest, result.twin)
    np.testing.assert_array_equal(drawn["ranks"].get_ydata(), result.ranks)
    np.testing.assert_array_equal(drawn["units"].get_data().values, result.units)
    np.testing.assert_array_equal(drawn["narrowest"].get_ydata(), [8] * 6 + [2] * 7)
    heights = drawn["strengths"].get_data().values[::2] * result.strengths[0]
    np.testing.assert_allclose(heights, result.strengths)
    assert drawn["residual"].get_text() == "< 1e-12"


def test_a_rank_of_zero_is_drawn_as_such():
    drawn = artists(linearity.fold(slope=0.0, depth=3))
    ticks = drawn["ranks"].axes.get_yticks(), drawn["ranks"].axes.get_yticklabels()
    label = {place: text.get_text() for place, text in zip(*ticks, strict=True)}
    assert [label[y] for y in drawn["ranks"].get_ydata()] == ["8", "8", "0", "0"]


def test_fold_says_which_twin_it_shows():
    figure = linearity.fold()
    figure.set(bend=True)
    assert "nearest straight line" in artists(figure)["key"].get_text()
    assert "no W'" in artists(figure)["no_map"].get_text()
    for curve in ("deep", "twin"):
        drawn = artists(figure)[curve].get_ydata() * figure.result.largest
        np.testing.assert_allclose(drawn, getattr(figure.result, curve))
    assert f"misses it by {figure.result.residual:.3g}" in figure.text
    figure.set(bend=False)
    assert "one layer (line)" in artists(figure)["key"].get_text()
    assert artists(figure)["no_map"].get_text() == ""


def test_fold_in_words():
    text = linearity.describe_fold(compute_fold(depth=1))
    assert "1 layer, 72 numbers, narrowest layer 8" in text
    text = linearity.describe_fold(compute_fold(bottleneck=2))
    assert "The rank of W' is 2." in text and "difference < 1e-12" in text


def test_a_bent_net_that_is_straight_by_chance_is_not_called_bent():
    by_chance = compute_fold(bend=True, seed=3)
    assert by_chance.residual < 1e-12
    assert "no unit that counts switches" in linearity.describe_fold(by_chance)
    assert "no single layer can stand in" in linearity.describe_fold(compute_fold(bend=True))


# --- is it linear? ------------------------------------------------------------------------------


def test_the_gaps_are_those_of_the_definition():
    result = compute_is_it_linear(activation="relu", u=2.5, v=-1.0, k=-2.0)
    assert result.additivity == pytest.approx(1.5 - 2.5)
    assert result.homogeneity == pytest.approx(0 + 2 * 2.5)


@pytest.mark.parametrize(
    "settings",
    [
        {"activation": "identity"},
        {"activation": "affine", "offset": 0.0, "slope": -0.7},
        {"activation": "leaky_relu", "slope": 1.0},
        {"f": lambda z: 3 * z},
    ],
)
def test_linear_functions_have_no_gap_anywhere(settings):
    result = compute_is_it_linear(**settings)
    assert result.adds_up.all() and result.scales == 1
    assert linearity.describe_is_it_linear(result).endswith("No gap anywhere: linear.")


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"identity"}) + ["affine"])
def test_everything_else_is_not_linear(name):
    result = compute_is_it_linear(activation=name)
    assert result.adds_up.mean() < 0.6
    assert linearity.describe_is_it_linear(result).endswith("Not linear.")


@pytest.mark.parametrize("name", ["relu", "abs", "leaky_relu"])
def test_one_bend_is_additive_exactly_where_the_signs_agree(name):
    result = compute_is_it_linear(activation=name)
    np.testing.assert_array_equal(result.adds_up, result.pairs.prod(axis=1) > 0)
    assert 0.4 < result.scales < 0.6


def test_an_affine_function_with_an_offset_never_adds_up():
    result = compute_is_it_linear(activation="affine", offset=0.5)
    assert result.additivity == pytest.approx(-0.5)
    assert not result.adds_up.any()


def written_for_numbers(z):
    return z if z > 0 else 0.0


def written_in_place(z):
    z[z < 0] = 0
    return z


@pytest.mark.parametrize("f", [written_for_numbers, written_in_place, lambda z: max(z, 0)])
def test_your_function_may_be_written_in_any_way(f):
    yours, ours = compute_is_it_linear(f=f), compute_is_it_linear(activation="relu")
    np.testing.assert_array_equal(yours.curve, ours.curve)
    np.testing.assert_array_equal(yours.adds_up, ours.adds_up)
    assert yours.additivity == ours.additivity


@pytest.mark.parametrize("f", [lambda z: z > 0, lambda z: bool(z > 0), lambda z: int(z > 0)])
def test_a_step_may_be_a_truth_value(f):
    step = compute_is_it_linear(activation="step")
    np.testing.assert_array_equal(compute_is_it_linear(f=f).curve, step.curve)


def raises(z):
    raise RuntimeError("no idea")


FAULTS = {
    "raised RuntimeError: no idea": raises,
    "is None (is there a return?)": lambda z: None,
    "is [1, 2]": lambda z: [1, 2],
    "is 'text'": lambda z: "text",
    "raised ValueError": math.sqrt,
    "raised ZeroDivisionError": lambda z: 1 / 0,
    "but f(-6) is nan": np.sqrt,
    "but f(0) is inf": lambda z: 1 / np.abs(z),
    "treat every number on its own": lambda z: z - np.mean(z),
    "is (1+0j)": lambda z: 1 + 0j,
}


@pytest.mark.parametrize("said", FAULTS)
def test_a_faulty_function_gets_a_sentence(said):
    with pytest.raises((TypeError, ValueError)) as error:
        compute_is_it_linear(f=FAULTS[said])
    assert said in str(error.value)
    assert str(error.value).startswith("your function must")


def test_what_is_not_a_function_is_refused():
    with pytest.raises(TypeError, match="your function must be a function of one number, got 3"):
        linearity.is_it_linear(f=3)


def test_yours_needs_a_function():
    with pytest.raises(ValueError, match="activation must be one of 'identity'"):
        compute_is_it_linear(activation="yours")


def test_an_error_later_on_is_shown_and_the_picture_stays(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", False)
    broken = []

    def fickle(z):
        if broken:
            raise KeyError("gone")
        return z

    figure = linearity.is_it_linear(f=fickle)
    before = picture(figure)
    broken.append(True)
    figure._panel.widgets["u"].value = 1.0
    assert "your function must take one number" in figure.error and "KeyError" in figure.error
    assert picture(figure) == before
    broken.clear()
    figure._panel.widgets["u"].value = 0.5
    assert figure.error is None and picture(figure) != before


def test_is_it_linear_artists_show_the_result():
    figure = linearity.is_it_linear(activation="tanh", u=1.5, v=0.5, k=2.0)
    r, drawn = figure.result, artists(figure)
    for marks, place, value in (
        (drawn["adding"], 2.0, r.fu + r.fv),
        (drawn["scaling"], 3.0, 2 * r.fu),
    ):
        np.testing.assert_allclose(marks["end"].get_xydata(), [[place, value]])
        np.testing.assert_allclose(marks["points"].get_xydata()[-1], [place, np.tanh(place)])
        np.testing.assert_array_equal(marks["curve"].get_ydata(), r.curve)
        gap = np.diff(marks["gap"].get_ydata())[0]
        assert gap == pytest.approx(np.tanh(place) - value)
    corners = [(0, 0), (1.5, r.fu), (2, r.fu + r.fv), (0.5, r.fv), (0, 0)]
    np.testing.assert_allclose(drawn["adding"]["construction"].get_xydata(), corners)
    assert drawn["additivity"].get_text() == f"{r.additivity:.3g}"
    assert drawn["homogeneity"].get_text() == f"{r.homogeneity:.3g}"
    assert len(drawn["holds"].get_xdata()) + len(drawn["fails"].get_xdata()) == linearity.PAIRS
    assert f"additivity gap {r.additivity:.3g}" in figure.text


@pytest.mark.parametrize("name", [*ACTIVATIONS, "affine"])
def test_everything_drawn_lies_within_the_axes(name):
    for u, v, k in [(3, 3, 2), (-3, -3, -2), (3, -3, -2), (-3, 3, 2)]:
        for slope, offset in [(-1, -1), (1, 1)]:
            r = compute_is_it_linear(activation=name, u=u, v=v, k=k, slope=slope, offset=offset)
            marked = [*r.curve, r.fu + r.fv, r.k * r.fu, r.fuv, r.fku]
            assert np.abs(marked).max() < r.height


def test_the_axes_follow_a_tall_function():
    figure = linearity.is_it_linear(f=lambda z: z**3)
    assert artists(figure)["axes"][0].get_ylim()[1] > 216
    figure.set(activation="tanh")
    assert artists(figure)["axes"][0].get_ylim() == (-2.5, 2.5)


def test_the_line_of_code_names_your_function():
    figure = linearity.is_it_linear(f=written_for_numbers)
    assert figure.experiment.startswith(
        "linearity.is_it_linear(f=written_for_numbers, activation='yours'"
    )
    assert "f=my_function" in linearity.is_it_linear(f=lambda z: z).experiment


# --- the best plane -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("rank", [1, 2])
def test_the_net_finds_the_plane_of_pca_if_the_data_are_centred(rank, seed):
    result = compute_best_plane(rank=rank, offset=5.0, centre=True, seed=seed)
    assert result.angle < 1e-6
    assert np.abs(result.losses[-1] - result.lowest).max() < 1e-10
    assert result.lowest == pytest.approx(result.pca)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_without_centring_it_finds_the_wrong_plane(seed):
    result = compute_best_plane(offset=10.0, seed=seed)
    assert result.angle > 88
    assert result.off_theory < 0.01
    assert result.lowest > 10 * result.pca
    assert result.plane[:, 1].min() > 5  # around the cloud ...
    assert result.network[:, 1].min() < 1 < 9 < result.network[:, 1].max()  # ... from the origin


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_lowest_error_is_the_sum_of_the_eigenvalues_left_out(seed):
    X = plane_cloud(np.random.default_rng(seed), 300, offset=(0, 0, 3.0)).X
    second_moments = np.linalg.eigvalsh(X.T @ X / 300)  # the small ones first
    for rank in (1, 2, 3):
        result = compute_best_plane(rank=rank, offset=3.0, seed=seed)
        assert result.lowest == pytest.approx(second_moments[: 3 - rank].sum(), abs=1e-12)
        assert np.abs(result.losses[-1] - result.lowest).max() < 1e-10
        assert (result.saddles >= result.lowest).all()


def test_descent_on_the_covariance_is_training_on_the_data():
    record = linearity.trained_autoencoder(2, 2.0, True, 6)
    X = record.X - record.center
    rng = np.random.default_rng([6, 1])
    W1, W2 = 0.1 * rng.standard_normal((8, 3, 2)), 0.1 * rng.standard_normal((8, 2, 3))
    net = Net((3, 2, 3), "identity")
    theta = net.pack([(W1, np.zeros((8, 1, 2))), (W2, np.zeros((8, 1, 3)))])
    lr = 0.25 / np.linalg.eigvalsh(X.T @ X / len(X))[-1]
    run = train(net, theta, X, X, SQUARED_ERROR, steps=100, optimizer=SGD(lr))
    early = FRAMES <= 100
    np.testing.assert_allclose(record.losses[early], run.losses[FRAMES[early]], rtol=1e-9)


def test_steps_replay_the_training():
    early, late = (compute_best_plane(steps=steps, seed=1) for steps in (10, 3000))
    assert FRAMES[early.frame] == 10 and FRAMES[late.frame] == 3000
    assert early.angle > 5 > late.angle


def test_turning_the_camera_changes_the_picture_only():
    one, other = (compute_best_plane(offset=2.0, turn=turn) for turn in (0, 90))
    assert one.angle == other.angle
    assert not np.allclose(one.cloud, other.cloud)
    size = [np.ptp(view.cloud, axis=0) for view in (one, other)]
    assert size[0][0] > 1.5 * size[1][0]  # the long axis of the cloud is seen from its end


def test_rank_three_loses_nothing_and_has_no_plane():
    result = compute_best_plane(rank=3, offset=5.0)
    assert result.losses[-1].max() < 1e-10
    assert np.isnan(result.network).all() and np.isnan(result.plane).all()
    assert "largest squared error 0.000" in linearity.describe_best_plane(result)


def test_best_plane_artists_show_the_result():
    figure = linearity.best_plane(offset=4.0, steps=30)
    r, drawn = figure.result, artists(figure)
    np.testing.assert_allclose(drawn["network"].get_xy(), r.network)
    np.testing.assert_allclose(drawn["plane"].get_xydata(), r.plane)
    np.testing.assert_allclose(drawn["cloud"].get_xydata(), r.cloud)
    np.testing.assert_allclose(drawn["losses"][3].get_ydata(), r.losses[:, 3])
    assert drawn["angle"].get_text() == f"{r.angle:.1f}°"
    assert f"{r.angle:.2f} degrees off the PCA plane" in figure.text
    np.testing.assert_allclose(drawn["now"].get_ydata(), r.losses[r.frame])


def test_the_cloud_stays_in_the_picture():
    for offset, turn, seed in product((0.0, 10.0), range(0, 360, 45), range(4)):
        result = compute_best_plane(offset=offset, turn=turn, seed=seed)
        for points in (result.cloud, result.network, result.plane):
            assert np.abs(points[:, 0]).max() < 9
            assert points[:, 1].min() > -4 and points[:, 1].max() < 12.8


# --- learning curves ----------------------------------------------------------------------------


@pytest.mark.parametrize("strongest, ratio", [(4.0, 2.0), (3.0, 1.5), (2.0, 1.3)])
def test_two_layers_learn_as_saxe_predicts(strongest, ratio):
    result = compute_learning_curves(strongest=strongest, ratio=ratio)
    np.testing.assert_allclose(result.half_measured, result.half_predicted, rtol=0.01)
    assert result.error < 0.02
    np.testing.assert_allclose(result.half_predicted, half_time(result.s, 0.001))


def test_the_error_is_proportional_to_the_learning_rate():
    small, large = (compute_learning_curves(lr=lr).error for lr in (0.001, 0.005))
    assert large / small == pytest.approx(5, rel=0.2)


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_curves_and_half_times_solve_the_differential_equation(depth):
    result = compute_learning_curves(depth=depth, start=0.01, strongest=3.0, ratio=1.5)
    power = 2 - 2 / depth
    for s, half, exact in zip(result.s, result.half_predicted, result.exact, strict=True):
        flow = solve_ivp(
            lambda t, u, s=s: depth * u**power * (s - u), (0, result.t_end), [0.01],
            method="DOP853", dense_output=True, rtol=1e-10, atol=1e-12,
        )  # fmt: skip
        assert flow.sol(half)[0] == pytest.approx(s / 2, rel=1e-5)
        np.testing.assert_allclose(flow.sol(result.line)[0], exact, atol=1e-5)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_chain_is_the_whole_net(depth):
    """Gradient descent of the real net, with the same start, gives the same singular values."""
    r = compute_learning_curves(depth=depth, start=0.05, lr=0.005)
    rng = np.random.default_rng(3)
    turns = [np.linalg.qr(rng.standard_normal((4, 4)))[0] for _ in range(depth + 1)]
    X = np.vstack([2 * np.eye(4), -2 * np.eye(4)])  # mean 0 and X'X / n = 1
    Y = X @ turns[0] @ np.diag(r.s) @ turns[-1].T
    share = 0.05 ** (1 / depth) * np.eye(4)
    layers = [(turns[k] @ share @ turns[k + 1].T, np.zeros((1, 4))) for k in range(depth)]
    net = Net((4,) * (depth + 1), "identity")
    steps = 150
    run = train(net, net.pack(layers), X, Y, SQUARED_ERROR, steps=steps, optimizer=SGD(0.005))
    W = net.output(run.theta, np.eye(4)) - net.output(run.theta, np.zeros((1, 4)))
    learned = np.sort(np.linalg.svd(W, compute_uv=False))[::-1]
    path = [linearity._descended_mode(s, 0.05, depth, 0.005, steps)[-1] for s in r.s.tolist()]
    np.testing.assert_allclose(learned, path, atol=1e-9)


def test_depth_changes_the_order_of_learning():
    half = {depth: compute_learning_curves(depth=depth).half_measured for depth in (1, 2, 3, 5)}
    assert np.ptp(half[1]) < 0.01  # all at once
    for depth in (2, 3, 5):
        assert (np.diff(half[depth]) > 0.5).all()  # the strongest first
    assert (half[5] > half[3]).all() and (half[3] > half[2]).all()


def test_learning_curves_artists_show_the_result():
    figure = linearity.learning_curves(depth=3)
    r, drawn = figure.result, artists(figure)
    for k in range(linearity.MODES):
        np.testing.assert_array_equal(drawn["dots"][k].get_ydata(), r.u[k])
        np.testing.assert_array_equal(drawn["theory"][k].get_ydata(), r.exact[k])
        assert drawn["halves"][k].get_xydata().tolist() == [[r.s[k], r.half_measured[k]]]
        assert drawn["labels"][k].get_text() == f"s = {r.s[k]:.3g}"
    assert drawn["curves"].get_xlim() == (0, r.t_end)
    assert f"{r.half_predicted[0]:.3g}" in figure.text and f"{r.error:.1%}" in figure.text


# --- all of them --------------------------------------------------------------------------------

MOVES = {
    "fold": dict(
        depth=20, width=30, bottleneck=1, slope=-0.5, offset=-1.0, bend=True, seed=7
    ),
    "is_it_linear": dict(activation="leaky_relu", u=-1.0, v=2.0, k=2.0, slope=-0.6),
    "best_plane": dict(rank=1, offset=6.0, steps=20.0, turn=200, seed=3),
    "learning_curves": dict(depth=5, strongest=2.5, ratio=1.4, start=0.05, lr=0.01),
}  # fmt: skip

MORE = {"is_it_linear": dict(offset=-0.5), "best_plane": dict(centre=True)}


@pytest.mark.parametrize("demo", MOVES)
def test_every_control_moves_the_picture_and_the_words(demo):
    figure = getattr(linearity, demo)()
    for name, value in MOVES[demo].items():
        before, text = picture(figure), figure.text
        figure.set(**{name: value})
        assert picture(figure) != before, name
        assert figure.text != text or name == "turn", name
    figure.reset()
    assert figure.experiment == getattr(linearity, demo)().experiment


def test_controls_that_need_another_one_move_the_picture_too():
    affine = linearity.is_it_linear(activation="affine")
    before = picture(affine)
    affine.set(offset=-0.5)
    assert picture(affine) != before
    plane = linearity.best_plane(offset=5.0)
    before = picture(plane)
    plane.set(centre=True)
    assert picture(plane) != before


@pytest.mark.parametrize("demo", MOVES)
def test_the_line_of_code_gives_the_same_figure(demo):
    figure = getattr(linearity, demo)(**MOVES[demo], **MORE.get(demo, {}))
    again = eval(figure.experiment, {"linearity": linearity})
    assert again.values == figure.values
    assert set(figure.values.items()) >= set(MORE.get(demo, {}).items())
    assert picture(again) == picture(figure) and again.text == figure.text


@pytest.mark.parametrize(
    "compute, settings, said",
    [
        (compute_fold, {"depth": 0}, "depth must be a whole number from 1 to 30, got 0"),
        (compute_fold, {"depth": 1.5}, "depth must be a whole number from 1 to 30, got 1.5"),
        (compute_fold, {"width": 0}, "width must be a whole number from 1 to 32, got 0"),
        (compute_fold, {"width": 33}, "width must be a whole number from 1 to 32, got 33"),
        (compute_fold, {"bottleneck": 9}, "bottleneck must be a whole number from 1 to 8, got 9"),
        (compute_fold, {"slope": math.nan}, "slope must be a number from -2 to 2, got nan"),
        (compute_fold, {"slope": "steep"}, "slope must be a number from -2 to 2, got 'steep'"),
        (compute_fold, {"offset": None}, "offset must be a number from -2 to 2, got None"),
        (compute_fold, {"bend": "yes"}, "bend must be True or False, got 'yes'"),
        (compute_fold, {"seed": -1}, "seed must be a whole number from 0 to 99, got -1"),
        (compute_is_it_linear, {"activation": "rleu"}, "did you mean 'relu'?"),
        (compute_is_it_linear, {"u": 4}, "u must be a number from -3 to 3, got 4"),
        (compute_is_it_linear, {"k": math.inf}, "k must be a number from -2 to 2, got inf"),
        (compute_best_plane, {"rank": 4}, "rank must be a whole number from 1 to 3, got 4"),
        (compute_best_plane, {"offset": -1}, "offset must be a number from 0 to 10, got -1"),
        (compute_best_plane, {"steps": 0}, "steps must be a number from 1 to 3000, got 0"),
        (compute_best_plane, {"centre": 1}, "centre must be True or False, got 1"),
        (compute_learning_curves, {"depth": 4}, "depth must be one of 1, 2, 3, 5; got 4"),
        (compute_learning_curves, {"depth": 0}, "depth must be a whole number from 1 to 5, got 0"),
        (compute_learning_curves, {"start": 0}, "start must be a number from 0.001 to 0.1, got 0"),
        (compute_learning_curves, {"lr": 1}, "lr must be a number from 0.001 to 0.01, got 1"),
    ],
)
def test_bad_input_gets_a_sentence_with_value_and_range(compute, settings, said):
    with pytest.raises((TypeError, ValueError)) as error:
        compute(**settings)
    assert said in str(error.value)


def test_a_bad_opening_state_is_refused_by_the_demo_itself():
    for demo, settings in (
        (linearity.fold, {"depth": 1.5}),
        (linearity.best_plane, {"rank": 0}),
        (linearity.learning_curves, {"depth": 4}),
        (linearity.is_it_linear, {"activation": "rleu"}),
    ):
        (name,) = settings
        with pytest.raises((TypeError, ValueError), match=f"{name} must be"):
            demo(**settings)


@pytest.mark.parametrize("demo", ["fold", "best_plane", "learning_curves", "is_it_linear"])
def test_all_pairs_of_extremes_are_finite(demo):
    """No warning (they are errors here), no exception, and nothing that cannot be drawn."""
    figure = getattr(linearity, demo)()
    ends = {name: extremes(control) for name, control in figure._panel.controls.items()}
    for one, other in combinations(ends, 2):
        for values in product(ends[one], ends[other]):
            figure.set(**dict(zip((one, other), values, strict=True)))
            assert "nan" not in figure.text.lower() and "inf" not in figure.text.lower()
        figure.reset()


def extremes(control):
    if hasattr(control, "low"):
        return [control.low, control.high]
    return list(control.options.values())[-3:] if hasattr(control, "options") else [False, True]
