"""The numbers and the claims in the predictions of notebook 05 are true: each is computed here."""

import numpy as np
import pytest

from helpers import datasets, mean_field
from helpers.activations import (
    ABS,
    ELU,
    GELU,
    RELU,
    SELU,
    SILU,
    TANH,
    gaussian_mean,
    leaky_relu,
    softplus,
)  # fmt: skip
from helpers.demos import claims, gan, leaky, maxout, selfnorm
from helpers.losses import SOFTMAX, SQUARED_ERROR, accuracy
from helpers.network import Net
from helpers.questions import leaky as questions
from helpers.training import SGD, finish, train

SEED = 26  # of demos, which go from 0 to 99; no notebook uses it
Z = np.random.default_rng(2600).standard_normal(400_000)


def right(question):
    return question["options"][question["answer"]]


def of(act):
    """Share of the second moment that the mean takes."""
    return gaussian_mean(act.f) ** 2 / gaussian_mean(lambda z: act.f(z) ** 2)


# --- sections 1 and 2 ---------------------------------------------------------------------------


@pytest.mark.parametrize("a", [-2.0, -0.5, 0.0, 0.3, 1.0, 1.01, 3.0])
def test_max_trap(a):
    larger = np.maximum(a * Z, Z)
    assert np.allclose(larger, leaky_relu(a)(Z)) == (a <= 1)
    if a > 1:  # "the two change places"
        np.testing.assert_allclose(larger, np.where(Z > 0, a * Z, Z))
    assert right(questions.MAX_TRAP).startswith("For every a up to 1")


def test_monotone_or_not():
    question = questions.MONOTONE_OR_NOT["question"]
    lowest = np.linspace(-3, 0, 300_001)[GELU(np.linspace(-3, 0, 300_001)).argmin()]
    assert f"rises to {lowest:.2f}" in question
    assert f"{np.mean(lowest > Z):.0%}".replace("%", " %") in question
    assert (GELU.df(Z[Z < lowest - 1e-3]) < 0).all()


def test_a_step_down_a_negative_slope_lowers_the_loss():
    net, rng = Net((3, 5, 1), GELU), np.random.default_rng(2601)
    theta = net.init(rng, lead=(40,))
    (W, b), _ = net.layers(theta)
    b[...] = -2
    W *= 0.2
    X, Y = rng.standard_normal((20, 3)), rng.standard_normal((20, 1))
    passed = net.forward(theta, X)
    assert np.mean(GELU.df(passed.Z[0]) < 0) > 0.95
    loss, dA = SQUARED_ERROR(passed.A[-1], Y)
    stepped = theta - 1e-3 * net.backward(theta, passed, dA)
    assert (SQUARED_ERROR(net.output(stepped, X), Y)[0] < loss).all()
    assert right(questions.MONOTONE_OR_NOT).startswith("Nothing bad")


@pytest.fixture(scope="module")
def slopes():
    """PReLU on digits: Slopes at the end by (slope at the start, learning rate)."""
    cases = ((0.25, 0.05), (1.0, 0.05), (0.25, 0.02))
    return {case: finish(leaky.record_prelu(start=case[0], lr=case[1], seed=SEED))
            for case in cases}  # fmt: skip


def test_prelu_slope(slopes):
    film = slopes[0.25, 0.05]
    last = film.slopes[-1]
    assert last.shape == (8, 3) and (film.slopes[0] == 0.25).all()
    assert np.median(last) == pytest.approx(1.1, abs=0.25)  # "about 1 ...
    assert np.mean(last > 0.8) > 0.5 and last.max() > 1.2  # ... and beyond", "most of them"
    assert np.ptp(np.median(last, axis=1)) > 0.4  # "apart from net to net"
    assert right(questions.PRELU_SLOPE).startswith("Most of them up to about 1")


def test_where_slopes_end_depends_on_the_start_and_the_rate(slopes):
    end = {case: np.median(film.slopes[-1]) for case, film in slopes.items()}
    assert end[1.0, 0.05] > end[0.25, 0.05] + 0.5
    assert end[0.25, 0.02] < end[0.25, 0.05] - 0.05
    for film in slopes.values():
        assert film.accuracy.min() > 0.9  # "all these nets learn the digits"


def test_many_pairs_of_slope_and_weights_do_the_same_job():
    """Why: two units of slopes a and a' span the same functions, unless a is 1 or -1."""
    rows = np.stack([leaky_relu(a)(s * Z[:500]) for a in (0.3, 1.4) for s in (1, -1)])
    assert np.linalg.matrix_rank(rows) == 2


# --- sections 3 and 4 ---------------------------------------------------------------------------


def test_leak_enough():
    question, why = questions.LEAK_ENOUGH["question"], questions.LEAK_ENOUGH["why"]
    kept = lambda a: np.mean(leaky_relu(a)(Z) ** 2) / np.mean(Z**2)  # noqa: E731
    assert kept(0.3) == pytest.approx((1 + 0.3**2) / 2, rel=0.01)
    assert "billionth" in question and 0.5**30 == pytest.approx(1e-9, rel=0.1)
    assert (1 + 0.01**2) / 2 == pytest.approx(0.50005, abs=1e-9) and "0.50005" in why
    per_layer = 1e-3 ** (1 / 30)
    assert f"{per_layer:.3f} per layer" in why and f"a^2 = {2 * per_layer - 1:.2f}"[-4:] in why
    assert f"About {np.sqrt(2 * per_layer - 1):.2f}," in right(questions.LEAK_ENOUGH)
    for a in (0.01, 0.3, 2.0):  # "everything arrives"
        assert leaky_relu(a).gain ** 2 == pytest.approx(2 / (1 + a**2))
        assert leaky_relu(a).gain ** 2 * (1 + a**2) / 2 == pytest.approx(1)


def turned(a, layers):
    c = 0.0
    for _ in range(layers):
        c = mean_field.leaky_correlation(c, a)
    return np.degrees(np.arccos(c))


def test_leaky_layers():
    question = questions.LEAKY_LAYERS
    assert f"{turned(0, 30):.1f} degrees" in question["question"]
    n = question["answer"]
    assert turned(0.3, n) < turned(0, 30) < turned(0.3, n - 1)
    assert turned(0.01, 31) < turned(0, 30) < turned(0.01, 30)  # "31 layers instead of 30"
    assert (1 - 0.3) ** 2 / (1 + 0.3**2) == pytest.approx(0.45, abs=0.001)


@pytest.fixture(scope="module")
def xor():
    """Errors of one hidden unit after training from 300 starts, by kind."""
    X, Y, _ = datasets.xor()
    acts = {"relu": RELU, "leaky": leaky_relu(0.1), "abs": ABS}
    nets = {name: Net((2, 1, 1), act) for name, act in acts.items()}
    nets["prelu"] = leaky.PReluNet((2, 1, 1), leaky_relu(0.25))

    def error(net):
        start = net.init(np.random.default_rng(2602), "lecun", lead=(300,))
        run = train(net, start, X, Y, SQUARED_ERROR, steps=3000, optimizer=SGD(0.1), record=1)
        return run.losses[-1]

    return {name: error(net) for name, net in nets.items()}


def test_one_unit(xor):
    solved = {name: np.mean(error < 0.01) for name, error in xor.items()}
    assert solved["relu"] == solved["leaky"] == 0 < 0.5 < solved["abs"]
    assert solved["prelu"] == pytest.approx(0.4, abs=0.1)  # "about four starts in ten"
    assert right(questions.ONE_UNIT).startswith("|z|, and PReLU")


def test_largest_and_smallest_z_are_of_the_same_class():
    corners, answers, _ = datasets.xor()
    order = np.argsort(corners @ np.random.default_rng(2603).standard_normal((2, 1000)), axis=0)
    assert (answers[order[0]] == answers[order[-1]]).all()


# --- section 5 ----------------------------------------------------------------------------------


def test_false_derivative():
    record = finish(leaky.record_surrogate_start(seed=SEED))
    run, lives = leaky.compute_surrogate_start(record=record), record.lives
    first = run.first["false derivative"]
    assert record.bias == -4 and lives["ReLU"].highest[0].max() < 0 and record.slope == 0.1
    assert 200 <= first.min() and first.max() <= 700  # "some hundred steps"
    assert run.accuracy["false derivative"].min() > 0.8  # "and the net learns"
    asleep = record.steps < first.min()
    lying = lives["false derivative"]
    assert (np.diff(lying.highest[asleep], axis=0) != 0).any()  # they drift ...
    np.testing.assert_array_equal(lying.accuracy[asleep], lives["ReLU"].accuracy[asleep])  # blindly
    assert (run.first["ReLU"] == -1).all()
    assert right(questions.FALSE_DERIVATIVE).startswith("The units drift")


def test_leak_better():
    """Means of 8 nets: .33 to .45 (10 seeds)."""
    train_set, test_set = leaky._digits()
    frames = np.array([0, 2000])
    run = finish(leaky._from_below(leaky_relu(0.01), -8.0, 0.3, 32, frames, SEED))
    (W, b), _ = run.net.layers(run.theta)
    assert (train_set.X @ W + b).max() < 0  # "no unit has crossed zero"
    share = accuracy(run.net.output(run.theta, test_set.X), test_set.Y)
    assert share.mean() == pytest.approx(0.4, abs=0.08)
    assert 0.15 < share.min() and share.max() < 0.6
    assert "about 40 %" in right(questions.LEAK_BETTER)


def test_an_affine_map_can_learn_97_percent_of_the_digits():
    (train_set, test_set), net = leaky._digits(), Net((64, 10))
    theta = net.init(np.random.default_rng(2604), lead=(4,))
    run = train(net, theta, train_set.X, train_set.Y, SOFTMAX, steps=2000, batch=64,
                optimizer=SGD(0.3), rng=np.random.default_rng(2605))  # fmt: skip
    share = accuracy(net.output(run.theta, test_set.X), test_set.Y)
    np.testing.assert_allclose(share, 0.97, atol=0.02)
    assert "97 % of the digits" in questions.LEAK_BETTER["why"]


def test_the_leak_is_a_factor_of_the_gradient_of_the_first_weights():
    rng = np.random.default_rng(2606)
    X, gradients = rng.standard_normal((20, 4)), []
    for leak in (0.01, 1.0):
        net = Net((4, 6, 3), leaky_relu(leak))
        theta = net.init(np.random.default_rng(2607), "he")
        net.layers(theta)[0][1][...] = -20
        passed = net.forward(theta, X)
        assert passed.Z[0].max() < 0
        gradients.append(net.layers(net.backward(theta, passed, np.ones((20, 3))))[0][0])
    np.testing.assert_allclose(gradients[0], 0.01 * gradients[1])


# --- sections 6 and 7 ---------------------------------------------------------------------------


def test_shared_moment():
    question, why = questions.SHARED_MOMENT, questions.SHARED_MOMENT["why"]
    act = softplus(1.0)
    second = gaussian_mean(lambda z: act.f(z) ** 2)
    share = f"{of(act):.1%}".replace("%", " %")
    assert f"{gaussian_mean(act.f):.3f}^2 / {second:.3f} = {share}" in why
    assert 100 * of(act) == pytest.approx(question["answer"], abs=0.1)
    for words, each in (("is 32 %", RELU), ("ELU 4 %", ELU), ("tanh and SELU 0", SELU)):
        assert words in why and f"{of(each):.0%}".strip("%") in words
    assert of(SELU) < 1e-12 and of(TANH) < 1e-12


def test_that_part_is_the_same_for_every_input():
    """A layer of 1000 units whose second moment is 1: the means over the inputs carry 70 %."""
    rng = np.random.default_rng(2608)
    z, W = rng.standard_normal((600, 1000)), rng.standard_normal((1000, 400))
    act = softplus(1.0)
    later = act(z) @ W / np.sqrt(1000 * gaussian_mean(lambda z: act.f(z) ** 2))
    assert np.mean(later**2) == pytest.approx(1, abs=0.15)
    assert np.mean(later.mean(0) ** 2) / np.mean(later**2) == pytest.approx(0.70, abs=0.05)


def test_selu_start():
    rng, n = np.random.default_rng(2609), 300
    x, W = rng.standard_normal((2, 60, n)), rng.standard_normal((2, 32, n, n)) / np.sqrt(n)
    ends = []
    for mean, variance in ((0.5, 2.0), (-0.4, 0.5), (1.0, 1.0)):
        path = selfnorm.through(SELU, 1.0, mean + np.sqrt(variance) * x, W)
        ends.append(path[:, 24:].mean(1))
    np.testing.assert_allclose(np.array(ends)[..., 0], 0, atol=0.06)
    np.testing.assert_allclose(np.array(ends)[..., 1], 1, atol=0.25)
    he = [selfnorm.through(RELU, np.sqrt(2), scale * x, W)[:, -1] for scale in (1, 2)]
    np.testing.assert_allclose(he[1], he[0] * [2, 4])  # "twice the input gives twice the output"
    assert selfnorm.contraction(0.0) < 1  # "an attracting one"
    np.testing.assert_allclose(selfnorm.selu_map(0.0, 1.0), (0, 1), atol=1e-12)
    assert right(questions.SELU_START).startswith("About mean 0 and variance 1")


@pytest.mark.parametrize("k", [1, 3, 8])
def test_maxout_rate(k):
    once, twice = (maxout.compute_maxout(pieces=n).largest for n in (k, 2 * k))
    assert once == pytest.approx(4 * twice) == pytest.approx(1 / (8 * k**2))
    below = maxout.compute_maxout(pieces=k, lift=False).largest
    assert below == pytest.approx((1 / k / 2) ** 2)  # "(h/2)^2", and lifting leaves half of it
    assert right(questions.MAXOUT_RATE) == "It becomes a quarter"


def test_maxout_convex():
    x = np.linspace(-2, 2, 401)
    for f, lines in ((RELU, (0, 1)), (ABS, (-1, 1)), (leaky_relu(0.3), (0.3, 1))):
        np.testing.assert_allclose(f(x), np.maximum(lines[0] * x, lines[1] * x))
    rng = np.random.default_rng(2610)
    W, b = rng.standard_normal((2, 500, 5, 1))
    values = (W * x + b).max(1)  # maxout units with 5 lines
    assert (values[:, 100] + values[:, 300] >= 2 * values[:, 200] - 1e-12).all()  # convex
    assert -abs(x[100]) - abs(x[300]) < -2 * abs(x[200])  # and -|x| is not
    assert right(questions.MAXOUT_CONVEX).startswith("-|x|")


def test_the_difference_of_two_maxout_units_follows_a_function_that_bends_both_ways():
    x, k = np.linspace(0, 1, 1001), 60
    f = np.sin(6 * x)  # = (f + 18 x^2) - 18 x^2, and both are convex
    m = ((np.arange(k) + 0.5) / k)[:, None]
    convex = np.sin(6 * m) + 18 * m**2 + (6 * np.cos(6 * m) + 36 * m) * (x - m)
    square = 18 * (2 * m * x - m**2)
    assert abs(convex.max(0) - square.max(0) - f).max() < 2e-3


# --- section 8 ----------------------------------------------------------------------------------


def test_seeds_needed():
    """With Student's t for 1.96 the power is .77 at 24; by the normal distribution .8 at 31."""
    question, why = questions.SEEDS_NEEDED, questions.SEEDS_NEEDED["why"]
    needed = (2.8 * 2 / 1) ** 2
    assert round(needed) == question["answer"] and f"= {needed:.0f}. " in why
    draws = 1 + 2 * np.random.default_rng(2611).standard_normal((8000, question["answer"]))
    shows = draws.mean(1) > 1.96 * 2 / np.sqrt(question["answer"])
    assert shows.mean() == pytest.approx(4 / 5, abs=0.02)
    quarter = 0.5 + 2 * np.random.default_rng(2612).standard_normal((4000, 4 * 31))
    assert np.mean(quarter.mean(1) > 1.96 * 2 / np.sqrt(4 * 31)) == pytest.approx(4 / 5, abs=0.03)
    assert np.mean(draws < 0) == pytest.approx(0.3, abs=0.02) and "three trials out of ten" in why


@pytest.mark.parametrize("pixels", claims.PIXELS)
def test_six_times(pixels):
    """24 seeds: 1.99 and 1.72; 27: 1.98 and 1.65."""
    name = "ReLU faster than tanh"
    trial = finish(claims.record_trial(pixels=pixels, claims=(name,), seed=SEED))
    one = trial.results[name][-1]
    assert one.n == 24 and one.verdict == claims.REVERSED
    assert 1.4 < 2**-one.mean < 2.2 and "1.4 to 2.2 times" in right(questions.SIX_TIMES)


def test_tanh_hardly_saturates():
    split = claims._split("from 0 to 1", SEED, 4)
    net, rng = Net((64, 64, 64, 10), TANH), np.random.default_rng(2613)
    run = train(net, net.init(rng, lead=(4,)), split.X, split.Y, SOFTMAX, steps=60, batch=32,
                optimizer=SGD(0.4), rng=rng, record=[0, 60])  # fmt: skip
    for theta in run.thetas:
        for A in net.forward(theta, split.X).A[1:-1]:
            assert np.mean(abs(A) > 0.97) < 0.05 and abs(A.mean()) < 0.1


# --- sections 9 and 10 --------------------------------------------------------------------------


def test_gan_flat_start():
    question, rng = questions.GAN_FLAT_START, np.random.default_rng(2614)
    X = rng.standard_normal((8, 10, 2))
    share, error = gan.untrained(rng, 4, 1, X, nets=16_000)
    assert question["answer"] == 100 / 16 == 6.25
    assert abs(share - 1 / 16) < 4 * error < question["within"] / 100
    hidden = Net((2, 4, 1)).init(rng, "he", lead=(16_000,))
    on = Net((2, 4, 1)).forward(hidden, X[0, :1]).Z[0] > 0
    assert on.mean() == pytest.approx(0.5, abs=0.01)  # "with probability 1/2"


def test_gan_leaky_better():
    games = [finish(gan.record_ring(seed=seed)).sides for seed in (26, 27, 28)]
    assert all(sides["leaky"].zero.sum() == 0 < sides["ReLU"].zero.sum() for sides in games)
    more = np.concatenate([sides["leaky"].modes[-1] - sides["ReLU"].modes[-1] for sides in games])
    assert more.size == 24 and more.min() < 0 < more.max()  # "single games go either way"
    assert abs(more.mean()) < 4 * more.std(ddof=1) / np.sqrt(24)
    assert right(questions.GAN_LEAKY_BETTER).startswith("No difference shows")


def test_why_gelu():
    """What can be computed of it: who has exact zeros. The rest is in the papers quoted."""
    assert np.mean(RELU(Z) == 0) == pytest.approx(0.5, abs=0.005)
    assert not (GELU(Z) == 0).any() and not (SILU(Z) == 0).any()
    assert "exact zeros" in questions.WHY_GELU["options"][3]
    assert right(questions.WHY_GELU).startswith("Because experiments favoured them by a little")


def test_the_right_option_is_not_always_in_the_same_place():
    asked = [value for name, value in vars(questions).items() if name.isupper()]
    places = [question["answer"] for question in asked if "options" in question]
    assert len(asked) == 17 and max(places.count(k) for k in range(4)) <= len(places) / 3
