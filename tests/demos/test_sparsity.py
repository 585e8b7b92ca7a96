"""Half are zero, flips, and codes: against `Net`, `diagnostics`, closed forms and brute force."""

import math

import numpy as np
import pytest

from helpers import diagnostics, mean_field
from helpers.demos import sparsity
from helpers.demos.sparsity import (
    CODE_NETS,
    CODES,
    FIRST,
    LEVELS,
    codes_of,
    compute_codes,
    compute_flips,
    compute_half_are_zero,
    recorded_codes,
    wide,
)
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


# --- half are zero ------------------------------------------------------------------------------


def half_net(seed, scale, bias, spread):
    """The demo's nets as a Net and theta, with scale and biases put into theta."""
    net = Net((65, *[64] * 20), "relu", "relu")
    theta = net.init(np.random.default_rng([seed, 0]), "he", lead=(8,), bias=1.0)
    for W, b in net.layers(theta):
        W *= scale
        b[...] = bias + spread * b
    return net, theta


@pytest.mark.parametrize("scale, bias, spread", [(1, 0, 0), (3, 0.3, 0.5), (0.5, -0.1, 0.2)])
def test_counters_are_those_of_diagnostics(scale, bias, spread):
    r = compute_half_are_zero(
        layer=7, batch=11, angle=40.0, scale=scale, bias=bias, spread=spread, seed=SEED
    )
    net, theta = half_net(SEED, scale, bias, spread)
    X = sparsity._at_one_angle(sparsity._half_nets(SEED)[1], 40.0)
    Z = net.forward(theta, X).Z
    np.testing.assert_allclose(r.size, np.sqrt(np.mean(Z[6] ** 2)))
    for k in (0, 6, 19):
        zero = diagnostics.zero_for_input("relu", Z[k])
        np.testing.assert_array_equal(r.zero[:, k], zero.mean((-2, -1)))
        on_batch = diagnostics.dead_on_batch("relu", Z[k][:, :11])
        np.testing.assert_array_equal(r.on_batch[:, k], on_batch.mean(-1))
        on_data = diagnostics.dead_on_data("relu", [Z[k][:, :11], Z[k][:, 11:]])
        np.testing.assert_array_equal(r.on_data[:, k], on_data.mean(-1))
        np.testing.assert_array_equal(r.always[:, k], (Z[k] > 0).all(-2).mean(-1))


@pytest.mark.parametrize("angle", [5.0, 35.0, 90.0])
def test_inputs_are_at_one_angle(angle):
    X = sparsity._at_one_angle(sparsity._half_nets(SEED)[1], angle)
    cosines = X @ X.T / 65
    wanted = np.full((64, 64), math.cos(math.radians(angle))) + 1e-300
    np.fill_diagonal(wanted, 1)
    np.testing.assert_allclose(cosines, wanted, atol=1e-12)


def test_without_biases_the_scale_does_not_matter():
    one, *others = (compute_half_are_zero(scale=s, seed=SEED) for s in (1.0, 0.1, 10.0))
    for other in others:
        np.testing.assert_array_equal(one.zero, other.zero)
        np.testing.assert_array_equal(one.states, other.states)
        np.testing.assert_allclose(one.theory.dead, other.theory.dead, rtol=1e-9)
    np.testing.assert_allclose([r.size / one.size for r in others], [1e-20, 1e20], rtol=1e-9)
    biased = [compute_half_are_zero(scale=s, bias=0.3, seed=SEED).zero[:, 0] for s in (0.1, 10.0)]
    assert biased[0].mean() < 0.1 and biased[1].mean() > 0.45


def test_three_counters_are_in_order_and_meet_at_the_ends():
    for batch in (1, 5, 64):
        r = compute_half_are_zero(batch=batch, seed=SEED)
        assert (r.on_data <= r.on_batch).all()
        assert (r.theory.dead[:, 2] <= r.theory.dead[:, 1] + 1e-9).all()
    np.testing.assert_array_equal(r.on_data, r.on_batch)


def test_states_show_the_counters():
    r = compute_half_are_zero(layer=12, batch=9, seed=SEED)
    assert r.states.shape == (64, 64)
    assert (r.states < 3).mean() == r.zero[0, 11]
    assert (r.states == 0).all(1).mean() == r.on_data[0, 11]
    assert (r.states[:, :9] <= 1).all(1).mean() == r.on_batch[0, 11]
    assert not (r.states[:, 9:] == 1).any()
    assert (np.diff((r.states == 3).sum(1)) <= 0).all()


# theory


@pytest.mark.parametrize("angle", [5.0, 30.0, 60.0, 90.0])
def test_theory_of_two_inputs_is_the_angle_over_pi(angle):
    """P(zero for both) = (pi - t) / (2 pi), with t by the arc-cosine map."""
    c, wanted = math.cos(math.radians(angle)), []
    for _ in range(20):
        wanted.append((math.pi - math.acos(c)) / (2 * math.pi))
        c = mean_field.leaky_correlation(c)
    found = wide(20, angle, counts=(1, 2))
    np.testing.assert_allclose(found.dead[:, 1], wanted, atol=1e-6)
    np.testing.assert_allclose(found.always, wanted, atol=1e-6)
    np.testing.assert_allclose(found.dead[:, 0], 0.5, atol=1e-6)
    np.testing.assert_allclose(found.zero, 0.5, atol=1e-12)


def test_theory_with_biases_follows_the_correlation_map():
    q, c, found = 2 + 0.3**2, 0.3**2 / (2 + 0.3**2), wide(6, 90.0, spread=0.3, counts=(2,))
    for k in range(6):
        both = (math.pi - math.acos(c)) / (2 * math.pi)
        assert found.dead[k, 0] == pytest.approx(both, abs=1e-6)
        c = mean_field.correlation_map("relu", c, math.sqrt(2), 0.3, q)
        q = mean_field.second_moment_map("relu", q, math.sqrt(2), 0.3)


def test_theory_of_a_shifted_unit_against_samples():
    rng = np.random.default_rng(SEED)
    g, e = rng.standard_normal((2_000_000, 1)), rng.standard_normal((2_000_000, 3))
    for q, C, bias in ((2.0, 0.5, 0.4), (1.0, 0.9, -0.5)):
        z = bias + math.sqrt(C) * g + math.sqrt(q - C) * e
        on, rectified, weights = sparsity._given_the_common_part(q, C, bias)
        assert weights.sum() == pytest.approx(1, abs=1e-9)
        assert weights @ (1 - on) ** 3 == pytest.approx((z <= 0).all(1).mean(), abs=2e-3)
        a = np.maximum(z, 0)
        assert weights @ rectified**2 == pytest.approx((a[:, 0] * a[:, 1]).mean(), abs=4e-3)
        second = sparsity._second_moment(q, bias)
        assert second == pytest.approx((a[:, 0] ** 2).mean(), abs=5e-3)


@pytest.mark.parametrize(
    "setting",
    [{}, {"bias": 0.3}, {"spread": 0.6}, {"angle": 20.0, "bias": 0.2, "spread": 0.3}],
)
def test_nets_follow_the_theory(setting):
    """96 nets of width 64. Two layers are as in wide nets, deep ones within a few per cent."""
    results = [compute_half_are_zero(batch=4, seed=s, **setting) for s in range(26, 38)]
    theory = results[0].theory
    for name, wanted in (("zero", theory.zero), ("on_batch", theory.dead[:, 1]),
                         ("on_data", theory.dead[:, 2]), ("always", theory.always)):
        mean = np.mean([getattr(r, name) for r in results], axis=(0, 1))
        np.testing.assert_allclose(mean[:2], wanted[:2], atol=0.015)
        np.testing.assert_allclose(mean, wanted, atol=0.05)


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("bias", [-0.5, 0.0, 0.5])
@pytest.mark.parametrize("angle", [5.0, 90.0])
def test_theory_is_a_probability_everywhere(scale, bias, angle):
    for spread in (0.0, 1.0):
        found = wide(20, angle, scale, bias, spread, (1, 8, 64))
        for share in (found.zero, found.dead, found.always):
            assert ((share > -1e-6) & (share < 1 + 1e-6)).all()
        np.testing.assert_allclose(found.dead[:, 0], found.zero, atol=2e-6)


def test_half_are_zero_artists_show_the_result():
    figure = sparsity.half_are_zero(layer=5, batch=20, seed=SEED)
    r, drawn = figure.result, artists(figure)
    for (band, line, dots), name, theory in zip(
        drawn["counters"], ("zero", "on_batch", "on_data"), r.theory.dead.T, strict=True
    ):
        np.testing.assert_allclose(dots.get_ydata(), getattr(r, name).mean(0))
        np.testing.assert_allclose(line.get_ydata(), theory)
        assert band.get_xy()[:, 1].max() == getattr(r, name).max()
    np.testing.assert_array_equal(drawn["states"].get_array(), r.states)
    assert drawn["edge"].get_xdata()[0] == 19.5 and drawn["now"].get_xdata()[0] == 5
    layer, always, dead = (text.get_text() for text in drawn["numbers"])
    assert layer == "5" and int(dead) / 64 == r.on_data[0, 4] and int(always) == 64 * r.always[0, 4]
    assert drawn["size"].get_text() == f"{r.size:.2g}"
    assert f"{r.zero[:, 4].mean():.0%}" in figure.text and f"of z: {r.size:.2g}." in figure.text
    assert f"theory {r.theory.dead[4, 2]:.1%}" in figure.text


# --- flips --------------------------------------------------------------------------------------


@pytest.mark.parametrize("leak", [0.0, 0.3])
def test_flips_are_those_of_the_net(leak):
    r = compute_flips(angle=70.0, leak=leak, layer=6, seed=SEED)
    act = "relu" if leak == 0 else sparsity.leaky_relu(leak)
    net = Net((100,) * 21, act, act)
    layers = [(W, np.zeros((8, 1, 100))) for W in sparsity._flip_layers(SEED)]
    x = np.zeros((2, 100))
    x[0, 0], x[1, :2] = 1, (math.cos(math.radians(70)), math.sin(math.radians(70)))
    passed = net.forward(net.pack(layers), x)
    for k in (0, 5, 19):
        on = passed.Z[k] > 0
        np.testing.assert_array_equal(r.differ[:, k], (on[:, 0] != on[:, 1]).mean(-1))
        a, b = np.broadcast_to(passed.A[k], (8, *passed.A[k].shape[-2:])).swapaxes(0, 1)
        cosine = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
        np.testing.assert_allclose(r.angles[:, k], np.degrees(np.arccos(cosine)), atol=1e-6)


@pytest.mark.parametrize("angle", [1.0, 60.0, 179.0])
@pytest.mark.parametrize("layer", [1, 2, 15])
def test_a_unit_flips_if_its_border_lies_between(angle, layer):
    """The picture is exact: the projection on the plane of a and a' decides."""
    r = compute_flips(angle=angle, layer=layer, seed=SEED)
    between = r.borders < r.angles[0, layer - 1]
    np.testing.assert_array_equal(between, r.flipped)
    assert ((r.borders >= 0) & (r.borders < 180)).all()


def test_flip_theory():
    np.testing.assert_allclose(compute_flips(angle=54.0).theory[0], 0.3)
    relu = compute_flips(angle=90.0).theory
    np.testing.assert_allclose(relu[[0, 1, 4, 9, 19]], [0.5, 0.397, 0.262, 0.174, 0.107], atol=5e-4)
    np.testing.assert_allclose(compute_flips(angle=90.0, leak=1.0).theory, 0.5, atol=1e-12)
    assert (compute_flips(angle=90.0, leak=0.3).theory[1:] > relu[1:]).all()


def test_opposite_inputs():
    linear = compute_flips(angle=180.0, leak=1.0, layer=9, seed=SEED)
    assert (linear.differ == 1).all() and linear.flipped.all()
    relu = compute_flips(angle=180.0, layer=2, seed=SEED)
    assert (relu.differ[:, 0] == 1).all()
    np.testing.assert_allclose(relu.angles[:, 1], 90, atol=1e-6)  # on for one input each


def test_flips_artists_show_the_result():
    figure = sparsity.flips(angle=50.0, layer=3, seed=SEED)
    r, drawn = figure.result, artists(figure)
    assert drawn["wedge"].theta2 == r.angles[0, 2]
    assert len(drawn["flipped"].get_xdata()) == 3 * r.flipped.sum()
    assert len(drawn["same"].get_xdata()) == 3 * (100 - r.flipped.sum())
    rays = np.degrees(np.arctan2(drawn["flipped"].get_ydata(), drawn["flipped"].get_xdata()))
    assert np.nanmax(rays) < r.angles[0, 2] and np.nanmin(rays) >= 0
    np.testing.assert_allclose(drawn["dots"].get_ydata(), r.differ.mean(0))
    np.testing.assert_allclose(drawn["theory"].get_ydata(), r.theory)
    assert drawn["count"].get_text() == f"{r.flipped.sum()}"
    assert f"{r.flipped.sum()} of 100 units" in figure.text and f"{r.theory[2]:.1%}" in figure.text


# --- codes --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def record():
    return recorded_codes(seed=SEED)


def test_codes_are_those_of_the_net(record):
    X = record.test.X[:5]
    for act, code in (("relu", "relu"), ("tanh", "tanh")):
        net, thetas = record.nets[act]
        passed = net.forward(thetas["trained"], X)
        for layer in (1, 2):
            found = codes_of(record, "trained", layer, X)
            np.testing.assert_allclose(found[code], passed.A[layer])
    np.testing.assert_allclose(found["dense"], record.nets["relu"][0].forward(
        record.nets["relu"][1]["trained"], X).Z[1])
    np.testing.assert_array_equal(found["pattern"], found["relu"] > 0)


def test_both_nets_start_with_the_same_first_layer_and_learn(record):
    one, other = (record.nets[act][1]["random"][:, : 64 * 64] for act in ("relu", "tanh"))
    np.testing.assert_array_equal(one, other)
    assert min(record.accuracy[act].min() for act in ("relu", "tanh")) > 0.93


def test_change_by_brute_force():
    rng = np.random.default_rng(SEED)
    clean, noisy = rng.standard_normal((2, 3, 7, 5))
    pairs = [((one - other) ** 2).sum(-1) for one in clean.swapaxes(0, 1)
             for other in clean.swapaxes(0, 1)]
    moved = ((clean - noisy) ** 2).sum(-1).mean(-1)
    np.testing.assert_allclose(
        sparsity._change(clean, noisy), np.sqrt(moved / np.mean(pairs, axis=0))
    )


def test_probe_is_the_ridge_regression_by_least_squares():
    rng = np.random.default_rng(SEED)
    train, test = rng.standard_normal((40, 6)), rng.standard_normal((300, 6))
    labels, answers = rng.integers(0, 10, 40), rng.integers(0, 10, 300)
    mean, size = train.mean(0), (train - train.mean(0)).std()
    A, B = (train - mean) / size, (test - mean) / size
    weight = math.sqrt(sparsity.RIDGE * 40) * np.eye(6)
    targets = np.eye(10)[labels]
    W = np.linalg.lstsq(
        np.vstack([A, weight]), np.vstack([targets - targets.mean(0), np.zeros((6, 10))])
    )[0]
    wanted = ((B @ W + targets.mean(0)).argmax(1) == answers).mean()
    assert sparsity._probe(train[None], labels, test[None], answers) == [wanted]


def test_a_probe_finds_what_is_linear():
    rng = np.random.default_rng(SEED)
    X = rng.standard_normal((600, 10))
    Y = X.argmax(1)
    assert sparsity._probe(X[None, :300], Y[:300], X[None, 300:], Y[300:])[0] > 0.6
    Y = (X[:, 0] * X[:, 1] > 0) * 1  # not linear: 1/2 by guessing
    assert sparsity._probe(X[None, :300], Y[:300], X[None, 300:], Y[300:])[0] < 0.6


def test_distinct_by_brute_force():
    on = np.random.default_rng(SEED).random((2, 50, 64)) < 0.3
    found = sparsity._distinct(on)
    for row, k in zip(found, FIRST, strict=True):
        assert list(row) == [len(np.unique(one[:, :k], axis=0)) for one in on]


def test_coin_tosses():
    assert sparsity.coin_tosses(1, 2) == pytest.approx(1.5)
    assert sparsity.coin_tosses(3, 5) == pytest.approx(8 * (1 - (7 / 8) ** 5))
    assert sparsity.coin_tosses(60, 797) == pytest.approx(797, rel=1e-6)


def test_binomial():
    p = sparsity._binomial(0.3)
    k = np.arange(65)
    assert p.sum() == pytest.approx(1) and p @ k == pytest.approx(64 * 0.3)
    assert p @ (k - 19.2) ** 2 == pytest.approx(64 * 0.3 * 0.7)


@pytest.mark.parametrize("stage", ["random", "trained"])
@pytest.mark.parametrize("layer", [1, 2])
def test_looks_are_those_of_the_codes(record, stage, layer):
    look, found = record.looks[stage, layer], codes_of(record, stage, layer, record.test.X)
    counts = found["pattern"].sum(-1)
    np.testing.assert_allclose(look.active, counts.mean(-1))
    np.testing.assert_allclose(look.spread, counts.std(-1))
    assert look.sizes.sum() == pytest.approx(1)
    assert look.sizes @ np.arange(65) == pytest.approx(counts.mean())
    r = compute_codes(record=record, net=stage, layer=layer, noise=float(LEVELS[4]))
    np.testing.assert_allclose(r.flips, look.flips[4])
    for code in CODES:
        assert look.changes[code].shape == (len(LEVELS), CODE_NETS)
        np.testing.assert_allclose(r.changes[code], look.changes[code][4])
        assert look.probe[code].shape == (CODE_NETS,)


def test_flips_by_noise_are_the_angle_over_pi(record):
    for layer, last in ((1, 0.25), (2, 0.22744)):  # noise as long as the digit: 45 degrees
        r = compute_codes(record=record, net="random", layer=layer)
        assert r.theory[-1] == pytest.approx(last, abs=1e-5)
        np.testing.assert_allclose(r.look.flips.mean(1), r.theory, rtol=0.12)
    np.testing.assert_allclose(
        compute_codes(record=record, layer=1).theory, np.arctan(LEVELS) / np.pi
    )


def test_noise_has_its_length_and_is_seen_in_the_picture(record):
    r = compute_codes(record=record, noise=0.3, digit=17, layer=1)
    change = r.image - record.pixels[17]
    unit = np.linalg.norm(np.diff(record.pixels[:2], axis=0)) / np.linalg.norm(
        np.diff(record.test.X[:2], axis=0)
    )
    assert np.linalg.norm(change) == pytest.approx(0.3 * unit * np.linalg.norm(record.test.X[17]))
    net, thetas = record.nets["relu"]
    noisy = record.test.X[17] + change / unit
    for on, x in ((r.before, record.test.X[17]), (r.after, noisy)):
        z = net.forward(thetas["trained"][0], x[None]).Z[0][0]
        np.testing.assert_array_equal(on, z > 0)


def test_a_record_is_the_same_again_and_stop_is_heard(record):
    again = recorded_codes(seed=SEED)
    np.testing.assert_array_equal(again.looks["trained", 2].flips,
                                  record.looks["trained", 2].flips)
    job = sparsity.record_codes(seed=SEED)
    progress = [next(job), job.send("stop")]
    stopped = None
    while stopped is None:
        try:
            progress.append(next(job))
        except StopIteration as end:
            stopped = end.value
    assert progress == sorted(progress) and progress[-1] <= 1 and len(stopped.looks) == 4


def test_codes_artists_show_the_result():
    figure = sparsity.codes(net="random", layer=2, noise=0.2, seed=SEED)
    r, drawn = figure.result, artists(figure)
    np.testing.assert_array_equal(drawn["image"].get_array().ravel(), r.image)
    units = drawn["units"].get_array().ravel()
    np.testing.assert_array_equal(units == 2, r.before != r.after)
    np.testing.assert_array_equal((units == 1) | (units == 2) & r.after, r.after)
    for code in CODES:
        height = r.flips.mean() if code == "pattern" else r.changes[code].mean()
        assert drawn["dots"][code].get_ydata() == [height]
        np.testing.assert_array_equal(drawn["probe"][code].get_ydata(), r.look.probe[code])
    np.testing.assert_array_equal(drawn["sizes"].get_data().values, r.look.sizes)
    np.testing.assert_allclose(drawn["patterns"]["relu"].get_ydata(),
                               r.look.distinct["relu"].mean(1))
    np.testing.assert_allclose(drawn["flips"].get_ydata(), r.theory)
    assert f"{r.flips.mean():.2%} of the units" in figure.text
    figure.set(layer=1)
    np.testing.assert_array_equal(drawn["probe"]["relu"].get_ydata(),
                                  figure.record.looks["random", 1].probe["relu"])


# --- all of them --------------------------------------------------------------------------------

DEMOS = {
    "half_are_zero": dict(layer=9, batch=30, angle=45.0, bias=0.2, scale=2.0, spread=0.1, seed=5),
    "flips": dict(angle=33.0, layer=4, leak=0.25, seed=5),
    "codes": dict(noise=0.5, net="random", layer=1, digit=8),
}


@pytest.mark.parametrize("name", DEMOS)
def test_every_control_changes_the_picture_and_the_line_reproduces_it(name):
    figure = getattr(sparsity, name)()
    opening = figure.png()
    for control, value in DEMOS[name].items():
        before = picture(figure)
        figure.set(**{control: value})
        assert picture(figure) != before, control
    assert figure.experiment.startswith(f"sparsity.{name}(")
    again = eval(figure.experiment, {"sparsity": sparsity})
    assert again.text == figure.text
    figure.reset()
    assert figure.png() == opening


@pytest.mark.parametrize("bad, words", [
    (dict(layer=0), "layer must be a whole number from 1 to 20, got 0"),
    (dict(batch=65), "batch must be a whole number from 1 to 64, got 65"),
    (dict(angle=91), "angle must be a number from 5 to 90, got 91"),
    (dict(scale=0), "scale must be a number from 0.1 to 10, got 0"),
    (dict(bias=math.nan), "bias must be a number from -0.5 to 0.5, got nan"),
    (dict(spread=-1), "spread must be a number from 0 to 1, got -1"),
    (dict(seed=100), "seed must be a whole number from 0 to 99, got 100"),
])  # fmt: skip
def test_half_are_zero_says_what_is_wrong(bad, words):
    with pytest.raises(ValueError, match=words):
        compute_half_are_zero(**bad)


@pytest.mark.parametrize("bad, words", [
    (dict(angle=0), "angle must be a number from 1 to 180, got 0"),
    (dict(leak=2), "leak must be a number from 0 to 1, got 2"),
    (dict(layer=21), "layer must be a whole number from 1 to 20, got 21"),
])  # fmt: skip
def test_flips_says_what_is_wrong(bad, words):
    with pytest.raises(ValueError, match=words):
        compute_flips(**bad)


@pytest.mark.parametrize("bad, words", [
    (dict(net="trained?"), "net must be one of 'random', 'trained'; got 'trained"),
    (dict(layer=3), "layer must be a whole number from 1 to 2, got 3"),
    (dict(noise=2), "noise must be a number from 0.01 to 1, got 2"),
    (dict(digit=100), "digit must be a whole number from 0 to 99, got 100"),
])  # fmt: skip
def test_codes_says_what_is_wrong(record, bad, words):
    with pytest.raises(ValueError, match=words):
        compute_codes(record=record, **bad)
