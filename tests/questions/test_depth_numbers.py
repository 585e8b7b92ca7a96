"""The numbers in the predictions of notebook 06 are true: each is computed here."""

import math

import numpy as np
import pytest

from helpers import datasets, diagnostics, mean_field
from helpers.activations import RELU, gaussian_mean, leaky_relu
from helpers.batch_norm import BatchNormNet
from helpers.demos import board, finite, normalisation, schemes
from helpers.losses import SOFTMAX, accuracy
from helpers.network import Net
from helpers.questions import depth as questions
from helpers.training import SGD, train


def right(question):
    return question["options"][question["answer"]]


def test_relu_cure():
    q = mean_field.signal("relu", 1.0, 0.0, 30).second_moment
    assert q[-1] / q[0] == pytest.approx(2.0**-29)
    assert right(questions.RELU_CURE).endswith("2 to the power of -29")
    he = mean_field.signal("relu", math.sqrt(2), 0.0, 30).second_moment
    assert he == pytest.approx(np.full(30, 2.0))


def test_forward_backward():
    vanishing = mean_field.signal("sigmoid", 1.0, 0.0, 50)
    exploding = mean_field.signal("tanh", 100.0, 0.0, 50)
    for signal in (vanishing, exploding):
        assert np.ptp(np.log(signal.second_moment[10:])) < 1e-3  # at rest
    assert vanishing.log10_gradient[0] < -24 and exploding.log10_gradient[0] > 24
    assert right(questions.FORWARD_BACKWARD).endswith("by dozens of decades")
    for act in (RELU, leaky_relu(0.3)):
        z = np.array([-2.0, -0.5, 0.7, 3.0])
        assert np.allclose(act.f(z), act.df(z) * z)
        kept = mean_field.signal(act, act.gain, 0.0, 50)
        assert np.allclose(kept.second_moment, kept.second_moment[0])
        assert np.allclose(kept.log10_gradient, 0)
    sigma_b = math.sqrt(0.05)  # and a pair that keeps both for tanh
    pair = mean_field.signal("tanh", mean_field.critical_sigma_w("tanh", sigma_b), sigma_b, 50)
    assert np.ptp(pair.second_moment[20:]) < 0.02 and abs(pair.log10_gradient[20]) < 0.1


def trained(act, depth, steps, rows, seed=2700, lr=0.05):
    """(net, thetas before, thetas after, test set) of the starts in `rows`, 8 nets each."""
    parts = datasets.split(datasets.digits(), np.random.default_rng(seed), 1000)
    train_set, test_set = datasets.standardise(*parts)
    net, theta = schemes.every_start(depth=depth, seed=seed % 100, act=act)
    theta = theta[[list(schemes.STARTS).index(row) for row in rows]]
    run = train(
        net, theta, train_set.X, train_set.Y, SOFTMAX, steps=steps, batch=32,
        optimizer=SGD(lr), rng=np.random.default_rng(seed), record=1,
    )  # fmt: skip
    return net, theta, run.theta, test_set


def test_zeros():
    net, before, after, _ = trained("relu", 3, 300, ["zeros"])
    assert not before.any()
    *hidden, (V, c) = net.layers(after)
    assert not any(W.any() or b.any() for W, b in hidden)
    assert not V.any() and c.all()
    assert right(questions.ZEROS) == "The biases of the output layer, and nothing else"


def test_one_run():
    net, _, after, test = trained("tanh", 8, 300, ["Xavier", "He"])
    xavier, he = (accuracy(net.output(nets, test.X), test.Y) for nets in after)
    apart = np.abs(np.subtract.outer(np.r_[xavier, he], np.r_[xavier, he]))
    assert np.ptp(xavier) > abs(np.median(xavier) - np.median(he)) < np.ptp(he)
    assert 0.01 <= apart.max() < 0.06 and apart.mean() < 0.02  # "a point or two"
    ahead = np.subtract.outer(xavier, he)
    assert 0.1 < np.mean(ahead > 0) < 0.9
    assert ahead.min() <= -0.005 and ahead.max() >= 0.005  # either may be ahead
    assert right(questions.ONE_RUN).startswith("Next to nothing")


def test_gain_variance():
    second, mean = gaussian_mean(lambda z: RELU.f(z) ** 2), gaussian_mean(RELU.f)
    numbers = [1, 1 / second, 1 / (second - mean**2), 1 / mean**2]
    for option, number in zip(questions.GAIN_VARIANCE["options"], numbers, strict=True):
        assert f"{number:.3g}" in option
    assert questions.GAIN_VARIANCE["answer"] == 1
    assert f"{numbers[2] * second:.3f} per" in questions.GAIN_VARIANCE["why"]
    assert "2.93 the" in questions.GAIN_VARIANCE["why"]


def test_leak_cures():
    relu, leaky = ((1 + slope**2) / 2 for slope in (0, 0.01))
    assert f"{relu**30:.2e}" == "9.31e-10" and "9.31e-10" in questions.LEAK_CURES["question"]
    assert right(questions.LEAK_CURES).startswith(f"{leaky**30:.2e}")
    assert mean_field.moments(leaky_relu(0.01), 1.0).value == pytest.approx(leaky)
    assert "0.50005" in questions.LEAK_CURES["why"] and leaky == pytest.approx(0.50005)
    assert leaky - relu == pytest.approx(relu * 1e-4)  # a ten-thousandth of a half
    assert 0.01**30 == pytest.approx(1e-60)  # C
    assert math.log10(relu**30) / 2 == pytest.approx(-4.5, abs=0.05)  # B: "about 1e-5"


def test_typical():
    nets = [finite.compute_typical(width=10, depth=30, seed=seed) for seed in range(26, 34)]
    assert np.median([net.median for net in nets]) == pytest.approx(1e-4, rel=0.5)
    assert nets[0].theory.dead == pytest.approx(0.03, abs=0.002)
    assert "About 3 %" in questions.TYPICAL["why"] and "1/10,000" in right(questions.TYPICAL)
    assert mean_field.relu_norm(10, 1).mean_log < 0


def test_isometry():
    record = finite.recorded_singular_values(width=60, seed=26)
    spread = {kind: record[kind, "orthogonal"].spread[-1].mean() for kind, _ in record}
    assert spread["identity"] < 1e-9 and spread["tanh"] < 0.1 and spread["relu"] > 10
    assert right(questions.ISOMETRY).startswith("Of linear nets and tanh nets")


def test_batch_norm():
    nets = [normalisation.compute_explosion(seed=seed) for seed in range(26, 34)]
    times = [10 ** np.median(net.normal[:, 0]) for net in nets]
    assert 100 < min(times) and max(times) < 1000  # hundreds
    assert f"{mean_field.batch_norm_factor('relu'):.3f} per" in questions.BATCH_NORM["why"]
    assert right(questions.BATCH_NORM) == "Hundreds of times larger"
    scaled = normalisation.compute_explosion(seed=26, scale=3.0)
    assert np.allclose(scaled.normal, nets[0].normal)  # D is wrong


@pytest.mark.parametrize("c", [0.99, 0.9, 0.0])
def test_edge_of_chaos(c):
    result = board.compute_edge_of_chaos(sigma_w=2.5, sigma_b=0.3, c=c, seed=26)
    assert result.theory[-1] == pytest.approx(0.12, abs=0.01)
    assert right(questions.EDGE_OF_CHAOS).startswith("About 0.1")
    without = board.compute_edge_of_chaos(sigma_w=2.5, sigma_b=0.0, c=c, seed=26)
    assert without.rest == pytest.approx(0, abs=1e-6)  # the biases lift it


def test_trainable_depth():
    question, sigma_b = questions.TRAINABLE_DEPTH, math.sqrt(0.05)
    xi = mean_field.correlation_length("tanh", math.sqrt(0.8), sigma_b)
    assert f"{xi:.1f} layers" in question["question"] and f"{6 * xi:.0f} layers" in question["why"]
    shares, guessing = known(np.array([0.8, 1.761]), sigma_b, seed=2701)
    assert guessing == pytest.approx(0.12, abs=0.02) and "12%" in question["question"]
    assert abs(100 * shares[0].mean() - question["answer"]) < question["within"]
    assert shares[1].min() > 0.9
    assert shares[1].min() * 100 > question["answer"] + question["within"]  # a wrong answer


def known(variances, sigma_b, seed):
    """Share of 256 training digits that 8 tanh nets of 20 layers know; and the largest class."""
    rng, data = np.random.default_rng(seed), datasets.digits()
    pick = rng.permutation(len(data.X))[:256]
    X, Y = data.X[pick] - data.X.mean(axis=0), data.Y[pick]
    X = X / np.sqrt(np.mean(X**2))
    net, lead = Net((64, *[50] * 20, 10), "tanh"), (len(variances), 8)
    scale = np.sqrt(variances)[:, None] * np.ones(8)
    theta = net.init(rng, "lecun", scale=scale, lead=lead, bias=sigma_b)
    run = train(
        net, theta, X, Y, SOFTMAX, steps=100, optimizer=SGD(0.05), batch=32, rng=rng, record=1
    )
    return accuracy(net.output(run.theta, X), Y), np.bincount(Y).max() / len(Y)


@pytest.mark.parametrize("inputs", [0.1, 1.0, 10.0])
def test_tanh_decay(inputs):
    q = mean_field.signal("tanh", 1.0, 0.0, 1000, inputs).second_moment
    assert 1000 * q[-1] == pytest.approx(1 / 2, abs=0.01)
    assert right(questions.TANH_DECAY).startswith("Like 1 / (2 l)")
    small = 1e-4
    loss = small - mean_field.second_moment_map("tanh", small, 1.0, 0.0)
    assert loss == pytest.approx(2 * small**2, rel=1e-2)  # q' = q - 2 q^2


@pytest.mark.parametrize(
    ("act", "formula", "low", "high"),
    [("silu", 1.212, 1.25, 1.4), ("softplus", 1.081, 1.12, 1.3), ("abs", 2.752, 2.2, 2.65)],
)
def test_where_the_factor_of_batch_normalisation_ends(act, formula, low, high):
    """What `mean_field.batch_norm_factor` and section 6 say about activations not shown there."""
    assert mean_field.batch_norm_factor(act) == pytest.approx(formula, abs=1e-3)
    assert act not in normalisation.SHOWN
    factors, drift = zip(*[deep_factor(act, seed) for seed in range(2702, 2706)], strict=True)
    assert low < np.mean(factors) < high and min(drift) > 1


def deep_factor(act, seed, n=100, low=8, high=28):
    """Factor of the squared gradient per normalised layer, and how far examples differ in size."""
    rng, net = np.random.default_rng(seed), BatchNormNet((n,) * (high + 4), act)
    theta, X, dA = net.init(rng, "he"), *rng.standard_normal((2, n, n))
    passed = net.forward(theta, X)
    ds = net.deltas(theta, passed, dA)
    ratio = diagnostics.norm(ds[low - 1]) / diagnostics.norm(ds[high - 1])
    return ratio ** (2 / (high - low)), np.mean(passed.Z[high - 1] ** 2, axis=1).std()


def test_the_right_option_is_not_always_in_the_same_place():
    asked = [value for name, value in vars(questions).items() if name.isupper()]
    places = [question["answer"] for question in asked if "options" in question]
    assert max(places.count(k) for k in range(4)) <= len(places) / 2
