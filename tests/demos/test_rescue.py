"""The demos on deep sigmoid nets: what is recorded, what is drawn, and what theory says about it.

Experiments with the claims of the catalogue are in tests/results/test_rescue_results.py.
"""

import math
from itertools import product

import numpy as np
import pytest

from helpers import mean_field
from helpers.batch_norm import BatchNormNet
from helpers.datasets import digits, split, standardise
from helpers.demos import rescue
from helpers.demos.rescue import Start, compute_rescue, compute_top_layer
from helpers.live import LiveFigure
from helpers.losses import SOFTMAX, accuracy
from helpers.network import Net
from helpers.training import SGD, finish, train

SEED = 26


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


@pytest.fixture
def quick(monkeypatch):
    """Short trainings, for tests of the figures."""
    monkeypatch.setattr(rescue, "NETS", 3)
    monkeypatch.setattr(rescue, "FRAMES", [0, 10, 20])
    monkeypatch.setattr(rescue, "STEPS", 20)
    monkeypatch.setattr(rescue, "RESCUE_STEPS", 10)
    monkeypatch.setattr(rescue, "LOOKS", np.array([0, 5, 10]))


def artists(figure):
    return figure._picture.artists


def picture(figure):
    return figure._image.value


def data():
    return split(digits(), np.random.default_rng(0), 1400)


# --- top_layer: the record ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def film():
    return finish(rescue.record_top_layer(seed=SEED))


def test_the_record_is_plain_training(film):
    training, test = data()
    net = Net((64, 100, 100, 100, 100, 10), "sigmoid")
    theta = net.init(np.random.default_rng([SEED, 0]), "uniform", lead=(20,))
    run = train(net, theta, *training[:2], SOFTMAX, steps=200, optimizer=SGD(0.5), batch=10,
                rng=np.random.default_rng([SEED, 1]), record=[5, 200])  # fmt: skip
    for step, theta in zip((5, 200), run.thetas, strict=True):
        passed = net.forward(theta, test.X[:50])
        frame = list(film.steps).index(step)
        for k, (z, a) in enumerate(zip(passed.Z[:-1], passed.A[1:-1], strict=True)):
            np.testing.assert_allclose(film.means[frame, k], a.mean((1, 2)))
            np.testing.assert_allclose(film.slopes[frame, k], (a * (1 - a)).mean((1, 2)))
            assert np.exp(-z).min() > 0  # z and a belong together
    np.testing.assert_allclose(film.right, accuracy(net.output(run.theta, test.X), test.Y))


def test_the_top_layer_sinks_and_the_first_stays(film):
    assert (film.means[-1, 3] <= 0.12).all() and (abs(film.means[-1, 0] - 0.5) < 0.05).all()
    slope = compute_top_layer(record=film, layer=4).slope
    assert slope < 0.1 < compute_top_layer(record=film, layer=4, frame=0).slope


def test_histograms_count_every_activation(film):
    np.testing.assert_allclose(film.shares.sum(-1), 1)
    middles = (film.edges[1:] + film.edges[:-1]) / 2
    np.testing.assert_allclose(film.shares @ middles, film.means.mean(-1), atol=1 / 80)


def test_shares_of_bins():
    edges = np.linspace(-1, 1, rescue.BINS + 1)
    a = np.array([[-1.0, 1.0, 0.011, 5.0]])
    shares = rescue._shares(a, edges)
    assert shares[0] == 0.25 and shares[-1] == 0.5 and shares[20] == 0.25 and shares.sum() == 1


def test_with_tanh_the_top_layer_stays_where_it_can_learn():
    film = finish(rescue.record_top_layer(activation="tanh", lr=0.1, seed=SEED))
    assert (abs(film.means[-1]) < 0.1).all() and film.slopes[-1, 3].mean() > 0.6
    assert np.median(film.right) > 0.7


@pytest.mark.parametrize("activation, low", [("sigmoid", 0), ("tanh", -1), ("relu", 0)])
def test_the_bins_cover_the_range_of_the_activation(quick, activation, low):
    film = finish(rescue.record_top_layer(activation=activation, layers=2, width=20, seed=SEED))
    assert film.edges[0] == low and film.edges[-1] >= 1 and len(film.edges) == rescue.BINS + 1


def test_extremes_neither_warn_nor_fail(quick):
    for activation, layers, width, lr in product(rescue.UNITS, (1, 6), (10, 150), (0.01, 2.0)):
        settings = dict(activation=activation, layers=layers, width=width, lr=lr)
        film = finish(rescue.record_top_layer(**settings, seed=SEED))
        assert film.means.shape == (3, layers, 3) and np.isfinite(film.means).all()
        assert "nan" not in rescue.describe_top_layer(compute_top_layer(record=film))


def test_stop_keeps_the_steps_so_far():
    making = rescue.record_top_layer(seed=SEED)
    assert 0 < next(making) < 0.6
    with pytest.raises(StopIteration) as end:
        while True:
            making.send("stop")
    film = end.value.value
    assert film.steps[-1] < 200 and len(film.means) == len(film.steps)
    assert "Stopped by hand" in rescue.describe_top_layer(compute_top_layer(record=film))


# --- top_layer: the figure ----------------------------------------------------------------------


def test_top_layer_artists_show_the_result(quick):
    figure = rescue.top_layer(layers=3, width=20, seed=SEED, frame=1, layer=2)
    r, drawn = figure.result, artists(figure)
    assert (r.step, r.layer) == (10, 2)
    np.testing.assert_array_equal(drawn["dots"].get_ydata(), r.means[1])
    np.testing.assert_array_equal(drawn["dots"].get_xdata(), [10, 10, 10])
    np.testing.assert_array_equal(drawn["shares"].get_data().values, r.shares)
    np.testing.assert_array_equal(drawn["shares"].get_data().edges, r.film.edges)
    assert list(drawn["now"].get_xdata()) == [10, 10]
    assert drawn["which"].get_text() == "2 after step 10"
    lines = drawn["curves"][0:6:2]
    for k, line in enumerate(lines):
        np.testing.assert_array_equal(line.get_ydata(), np.median(r.film.means[:, k], -1))
    assert [text.get_text() for text in drawn["curves"][6:]] == ["layer 1", "layer 2", "layer 3"]
    low, middle, high = np.quantile(r.means[1], [0, 0.5, 1])
    assert f"layer 2 {middle:.3f} ({low:.3f} to {high:.3f})" in figure.text
    assert f"slope of layer 2 is {r.slope:.3f}" in figure.text


def test_a_new_net_brings_its_own_curves(quick):
    figure = rescue.top_layer(layers=2, width=20)
    figure.set(layers=6, layer=6, activation="tanh")
    drawn = artists(figure)
    assert len(drawn["curves"]) == 18 and len(drawn["means"].lines) == 6 + 2
    assert drawn["means"].get_ylim() == (-0.5, 0.5) and drawn["one"].get_xlim() == (-1, 1)
    figure.set(layers=1)
    assert figure.result.layer == 1 and len(drawn["curves"]) == 3


# --- rescue: exactly ----------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [2, 7, 16])
def test_gain_4_and_compensation_1_make_a_tanh_net(depth):
    image, tanh = compute_rescue(depth=depth), compute_rescue(depth=depth, kind="tanh")
    assert image.difference <= 1e-12 and tanh.difference == 0
    np.testing.assert_allclose(image.profile, tanh.profile, atol=1e-10)
    np.testing.assert_allclose(image.theory, tanh.theory, atol=1e-8)


@pytest.mark.parametrize("gain, compensation", [(4.0, 0.95), (3.9, 1.0), (1.0, 0.0), (4.0, 0.0)])
def test_anything_else_does_not(gain, compensation):
    assert compute_rescue(gain=gain, compensation=compensation).difference > 1e-3


def test_the_nets_shown_are_those_that_are_trained():
    trained = rescue.Trained(Start(seed=SEED), 0.3, None, None, "")
    result = compute_rescue(record=trained, depth=5, gain=2.5, compensation=0.4)
    start = Start("sigmoid", 5, 2.5, 0.4, SEED)
    assert result.start == start
    X, Y = (a[: rescue.PROFILED] for a in standardise(*data())[0][:2])
    net, theta = start.net, start.net.pack(start.layers)
    passed = net.forward(theta, X)
    dZ = net.deltas(theta, passed.Z, SOFTMAX(passed.A[-1], Y)[1])
    sizes = np.array([np.sqrt(np.square(dz).sum((1, 2))) for dz in dZ[:-1]])
    np.testing.assert_allclose(result.profile, np.log10(sizes / sizes[-1]).T)


def test_the_seed_and_the_depth_choose_the_nets():
    first, other = Start(seed=1).layers[3][0], Start(seed=2).layers[3][0]
    assert np.abs(first - other).max() > 0.1
    shallow, deep = Start("tanh", 4, seed=1).layers, Start("tanh", 9, seed=1).layers
    np.testing.assert_array_equal(shallow[3][0], deep[3][0])
    np.testing.assert_array_equal(shallow[-1][0], deep[-1][0])
    assert len(shallow) == 5 and len(deep) == 10


# --- rescue: theory -----------------------------------------------------------------------------

SETTINGS = [(1.0, 0.0), (1.0, 1.0), (4.0, 0.0), (4.0, 0.5), (2.5, 0.5), (4.0, 1.0)]


@pytest.mark.parametrize("gain, compensation", SETTINGS)
def test_the_nets_follow_theory(gain, compensation):
    """Largest of all settings and 6 seeds: 0.12 decades on average over the nets, 16 layers."""
    trained = rescue.Trained(Start(seed=SEED), 0.3, None, None, "")
    result = compute_rescue(record=trained, depth=16, gain=gain, compensation=compensation)
    gap = result.profile.mean(0) - result.theory
    np.testing.assert_allclose(gap, 0, atol=0.25)
    assert result.theory[-1] == 0 and result.profile.shape == (8, 16)


def test_theory_of_the_usual_sigmoid_and_of_tanh():
    result = compute_rescue(depth=10)
    assert 10 ** result.usual[0] == pytest.approx(2.3e-6, rel=0.02)
    assert 10 ** (result.usual[4] - result.usual[5]) == pytest.approx(0.2361, abs=2e-4)
    signal = mean_field.signal("tanh", 1.0, 0.0, 10)
    np.testing.assert_array_equal(result.tanh, signal.log10_gradient)


def test_theory_of_batch_normalisation():
    result = compute_rescue(kind="batch normalisation", depth=20)
    steps = np.diff(result.theory)
    np.testing.assert_allclose(10 ** (-2 * steps), mean_field.batch_norm_factor("sigmoid"))
    assert (abs(result.profile) < 0.8).all()  # neither vanishes nor explodes


# --- rescue: training ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", rescue.KINDS)
def test_the_training_is_plain_training(quick, kind):
    trained = finish(rescue.record_rescue(kind=kind, depth=3, gain=3.0, lr=0.2, seed=SEED))
    start = Start(kind, 3, 3.0, 1.0, SEED)
    assert trained.start == start and trained.lr == 0.2
    training, test = standardise(*data())
    net = start.net
    assert isinstance(net, BatchNormNet) == (kind == "batch normalisation")
    run = train(net, net.pack(start.layers), *training[:2], SOFTMAX, steps=10, optimizer=SGD(0.2),
                batch=32, rng=np.random.default_rng([SEED, 1]), record=[0, 5, 10])  # fmt: skip
    for theta, right in zip(run.thetas, trained.right, strict=True):
        plain = net
        if kind == "batch normalisation":
            plain, theta = net.plain, net.folded(theta, training.X[:300])
        np.testing.assert_array_equal(right, accuracy(plain.output(theta, test.X), test.Y))


def test_the_rescued_net_learns_and_the_usual_one_does_not():
    rescued = finish(rescue.record_rescue(depth=8, seed=SEED))
    usual = finish(rescue.record_rescue(depth=8, gain=1.0, compensation=0.0, seed=SEED))
    assert (np.median(rescued.right[-3:], 0) >= 0.9).all() and (usual.right[-1] <= 0.25).all()


def test_stop_keeps_the_training_so_far():
    making = rescue.record_rescue(depth=20)
    assert 0 < next(making) < 0.5
    with pytest.raises(StopIteration) as end:
        while True:
            making.send("stop")
    trained = end.value.value
    assert 0 < trained.steps[-1] < 300 and len(trained.right) == len(trained.steps)


# --- rescue: the figure -------------------------------------------------------------------------


def test_rescue_artists_show_the_result(quick):
    figure = rescue.rescue(depth=6, gain=2.0, compensation=0.25, seed=SEED)
    r, drawn = figure.result, artists(figure)
    layers = np.arange(1, 7)
    for name in ("theory", "usual", "tanh"):
        np.testing.assert_array_equal(drawn[name].get_xydata().T, [layers, getattr(r, name)])
    np.testing.assert_array_equal(drawn["dots"].get_xdata(), np.tile(layers, 8))
    np.testing.assert_array_equal(drawn["dots"].get_ydata(), r.profile.ravel())
    np.testing.assert_array_equal(drawn["median"].get_ydata(), np.median(r.trained.right, -1))
    np.testing.assert_array_equal(drawn["ends"].get_ydata(), r.trained.right[-1])
    assert drawn["note"].get_text().endswith("6 layers, gain 2, compensation 0.25")
    assert "lr 0.3" in drawn["note"].get_text()
    first = 10 ** r.profile[:, 0]
    assert f"first layer is {np.median(first):.2g} of that" in figure.text
    assert f"differ from those of the tanh nets by up to {r.difference:.2g}" in figure.text
    assert "after step 10 " in figure.text


def test_the_exact_image_says_so(quick):
    assert "by less than 1e-12" in rescue.rescue(depth=6).text


def test_train_uses_the_nets_that_are_shown(quick):
    figure = rescue.rescue(depth=4)
    drawn = artists(figure)
    assert not drawn["stale"].get_visible() and "Press Train" not in figure.text
    figure.set(gain=2.0, depth=5)
    assert drawn["stale"].get_visible() and "Press Train" in figure.text
    assert figure.record.start == Start("sigmoid", 4)
    figure._recording.start()  # what the button does
    while figure._recording.job:
        figure._recording.advance()
    assert figure.record.start == Start("sigmoid", 5, 2.0)
    assert not drawn["stale"].get_visible() and "Press Train" not in figure.text
    assert "5 layers, gain 2" in drawn["note"].get_text()
    figure.reset()
    assert figure.record.start == Start("sigmoid", 4) and "Press Train" not in figure.text


def test_without_a_training_there_is_none(quick):
    result = compute_rescue(depth=3)
    assert result.trained is None and "Press Train" in rescue.describe_rescue(result)


def test_gain_and_compensation_are_grey_where_they_have_no_effect(quick):
    figure = rescue.rescue(depth=3)
    sliders = figure._panel.widgets
    assert not sliders["gain"].disabled
    figure.set(kind="tanh")
    assert sliders["gain"].disabled and sliders["compensation"].disabled
    one, other = (compute_rescue(kind="batch normalisation", gain=g).profile for g in (1.0, 4.0))
    np.testing.assert_array_equal(one, other)


def test_every_corner_of_the_sliders_can_be_drawn(quick):
    figure = rescue.rescue(depth=2)
    for kind, depth, gain, share in product(rescue.KINDS, (2, 20), (1.0, 4.0), (0.0, 1.0)):
        figure.set(kind=kind, depth=depth, gain=gain, compensation=share)
        profile = figure.result.profile
        assert rescue.FLOOR < profile.min() and profile.max() < rescue.CEILING
        assert "nan" not in figure.text


# --- both ---------------------------------------------------------------------------------------

MOVES = {
    "top_layer": dict(activation="tanh", layers=3, width=30, lr=0.1, seed=5, layer=2, frame=1),
    "rescue": dict(gain=2.0, compensation=0.5, depth=4, kind="tanh", lr=0.1, seed=5),
}


@pytest.mark.parametrize("demo", MOVES)
def test_every_control_moves_the_picture_and_the_words(demo, quick):
    figure = getattr(rescue, demo)()
    for name, value in MOVES[demo].items():
        before, text = picture(figure), figure.text
        figure.set(**{name: value})
        assert picture(figure) != before, name
        assert figure.text != text, name
    figure.reset()
    assert figure.experiment == getattr(rescue, demo)().experiment


@pytest.mark.parametrize("demo", MOVES)
def test_the_line_of_code_gives_the_same_figure(demo, quick):
    figure = getattr(rescue, demo)(**MOVES[demo])
    again = eval(figure.experiment, {"rescue": rescue})
    assert again.text == figure.text and picture(again) == picture(figure)


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"activation": "gelu"}, "activation must be one of 'sigmoid', 'tanh', 'relu'"),
        ({"layers": 0}, "layers must be a whole number from 1 to 6, got 0"),
        ({"width": 15.5}, "width must be a whole number from 10 to 150, got 15.5"),
        ({"lr": math.nan}, "lr must be a number from 0.01 to 2, got nan"),
        ({"seed": 1.5}, "seed must be a whole number from 0 to 99, got 1.5"),
    ],
)
def test_bad_settings_of_top_layer(settings, said):
    for call in (lambda **s: finish(rescue.record_top_layer(**s)), rescue.top_layer):
        with pytest.raises((TypeError, ValueError)) as error:
            call(**settings)
        assert said in str(error.value)


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"kind": "relu"}, "kind must be one of 'sigmoid', 'batch normalisation', 'tanh'"),
        ({"depth": 21}, "depth must be a whole number from 2 to 20, got 21"),
        ({"gain": 0.5}, "gain must be a number from 1 to 4, got 0.5"),
        ({"compensation": math.inf}, "compensation must be a number from 0 to 1, got inf"),
    ],
)
def test_bad_settings_of_rescue(settings, said):
    for call in (compute_rescue, lambda **s: finish(rescue.record_rescue(**s)), rescue.rescue):
        with pytest.raises((TypeError, ValueError)) as error:
            call(**settings)
        assert said in str(error.value)


def test_bad_frames_rates_and_layers(film):
    with pytest.raises(ValueError, match="frame must be a whole number from -1 to 44, got 45"):
        compute_top_layer(record=film, frame=45)
    with pytest.raises(ValueError, match="layer must be a whole number from 1 to 6, got 7"):
        compute_top_layer(record=film, layer=7)
    with pytest.raises(ValueError, match="lr must be a number from 0.03 to 1, got 2"):
        finish(rescue.record_rescue(lr=2.0))


def test_drawing_again_changes_nothing(quick):
    for demo in MOVES:
        figure = getattr(rescue, demo)()
        before = picture(figure)
        figure._picture._background = None
        figure._show(figure._asked())
        assert picture(figure) == before
