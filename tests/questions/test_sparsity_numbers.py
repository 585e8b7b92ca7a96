"""The numbers in the predictions of notebook 03 are true: each is computed here."""

import math

import numpy as np
import pytest

from helpers import datasets, diagnostics, mean_field
from helpers import regions as exact
from helpers.activations import RELU, SOFTPLUS, leaky_relu
from helpers.demos import sparsity, zeros
from helpers.losses import accuracy
from helpers.network import Net
from helpers.questions import sparsity as questions
from helpers.training import SGD, finish, train


def right(question):
    return question["options"][question["answer"]]


def test_lines():
    rng = np.random.default_rng(2600)
    for n in (2, 3, 10):
        w, b = rng.standard_normal((2, n)), rng.standard_normal(n)
        assert exact.line_regions(w, b) == 1 + n + math.comb(n, 2)
    assert exact.zaslavsky(10) == 56 and right(questions.LINES) == "At most 56"
    assert exact.zaslavsky(2) == 2**2 and exact.zaslavsky(3) == 2**3 - 1


def test_deep_regions():
    assert exact.zaslavsky(64) == 2081 and "2,081" in questions.DEEP_REGIONS["question"]
    assert 35e6 < exact.montufar_bound((16,) * 4) < 36e6
    net = Net((2, 16, 16, 16, 16, 1))
    counts = [
        exact.split_plane(net, net.init(np.random.default_rng([2601, k]), "he", bias=0.1)).counts[
            -1
        ]
        for k in range(4)
    ]
    assert np.mean(counts) == pytest.approx(64**2 / 2, rel=0.35)
    assert max(counts) < 2 * 2081 and min(counts) > 2081 / 2  # neither four times nor far fewer
    assert right(questions.DEEP_REGIONS).startswith("About as many")


def test_breakpoints():
    net, found = Net((1, *[20] * 16, 1)), []
    for seed in range(16):
        theta = net.init(np.random.default_rng([2602, seed]), "he", bias=0.01)
        found.append(exact.breakpoints(net, theta, [-1.0], [1.0]).t.size / 320)
    asked = questions.BREAKPOINTS
    assert abs(np.mean(found) - asked["answer"]) < asked["within"]


def test_one_matrix():
    net = Net((2, 8, 8, 1))
    theta = net.init(np.random.default_rng(2603), "he", bias=0.5)
    cut = exact.split_plane(net, theta, reach=1.0)
    by_map = np.einsum("rki,rio->rko", cut.corners, cut.maps)
    assert np.allclose(by_map, net.output(theta, cut.corners[..., :2]), rtol=0, atol=1e-12)
    assert right(questions.ONE_MATRIX) == "Exactly as an affine map J x + c"


def test_zeros_and_scale():
    net, rng = Net((50,) * 7, RELU, RELU), np.random.default_rng(2604)
    X, theta = rng.standard_normal((64, 50)), net.init(rng, "he", lead=(20,))
    one, ten = (net.forward(scale * theta, X).Z for scale in (1.0, 10.0))
    for z, scaled in zip(one, ten, strict=True):
        zero = diagnostics.zero_for_input(RELU, z)
        assert np.array_equal(zero, diagnostics.zero_for_input(RELU, scaled))
        assert zero.mean() == pytest.approx(0.5, abs=0.06)
    assert right(questions.ZEROS_AND_SCALE).startswith("About 50 % in every layer")


def test_zero_and_dead():
    wide = sparsity.wide(layers=20, angle=90.0, counts=(64,))
    assert f"{wide.dead[19, 0]:.0%}" == "29%" and "29 %" in questions.ZERO_AND_DEAD["why"]
    assert wide.dead[0, 0] == pytest.approx(2.0**-64, rel=1e-3)  # layer 1
    assert np.allclose(wide.zero, 0.5)
    assert right(questions.ZERO_AND_DEAD).startswith("About 30 %, and as many are on")


def test_flips_at_30():
    rng = np.random.default_rng(2605)
    x = np.array([[1.0, 0.0], [math.cos(math.pi / 6), 0.5]])
    on = x @ rng.standard_normal((2, 200_000)) > 0
    share = 100 * np.mean(on[0] != on[1])
    asked = questions.FLIPS_AT_30
    assert share == pytest.approx(100 / 6, abs=0.4)
    assert asked["answer"] == pytest.approx(100 / 6, abs=0.05)
    assert mean_field.leaky_correlation(0.0) == pytest.approx(1 / math.pi)


def test_stable_code():
    """At 1 % noise; the fifth place is 10 %, as the notebook measures it."""
    ratios = {"random": [], "trained": []}
    for seed in (1, 2, 3):
        looks = sparsity.recorded_codes(seed=seed).looks
        for stage in ratios:
            for layer in (1, 2):
                look = looks[stage, layer]
                means = (look.changes[code].mean(axis=-1) for code in ("relu", "dense"))
                ratios[stage].append(np.divide(*means)[0])
        assert looks["random", 1].flips[0].mean() == pytest.approx(0.003, abs=6e-4)
    said = [f"{end(ratios[stage]):.2f}" for stage in ratios for end in (min, max)]
    assert said == ["1.14", "1.22", "1.03", "1.12"]
    assert all(number in questions.STABLE_CODE["why"] for number in said)
    less = 1 - 1 / np.array(ratios["random"])
    assert less.min() > 0.1 and less.max() < 0.2
    assert right(questions.STABLE_CODE) == "The dense code, by 10 to 20 percent"


def test_zeros_in_training():
    rng = np.random.default_rng(2606)
    learn, new = datasets.split(datasets.digits(), rng, 1397)
    net = Net((64, 128, 128, 10))
    theta = net.init(rng, "he", lead=(4,))
    how = dict(steps=800, optimizer=SGD(0.2), batch=64, rng=rng, record=1)
    run = train(net, theta, learn.X, learn.Y, "softmax", **how)
    before, after = (
        np.mean(diagnostics.per_layer(diagnostics.zero_share, A[1:-1]), axis=-1)
        for A in (net.forward(one, new.X).A for one in (theta, run.theta))
    )
    assert before == pytest.approx(np.full(4, 0.5), abs=0.06)
    assert np.all(after < before) and np.mean(after) == pytest.approx(0.4, abs=0.03)
    assert "about 40 %" in right(questions.ZEROS_IN_TRAINING)


def test_standardised_pixels_keep_their_zeros():
    """Said in the notebook beside the prediction: then the share hardly moves."""
    record = finish(zeros.record_turn_up(pixels="standardised", seed=26))
    start, *_, end = np.mean(record.zeros[:, zeros.WEIGHTS.index(0)], axis=(1, 2))
    assert abs(end - start) < 0.03


def test_zeros_why():
    learn, new = zeros.few_digits(10, seed=26, pixels="from 0 to 1")
    theta = Net((64, 128, 128, 10)).init(np.random.default_rng(2607), "he", lead=(10,))
    wrong = []
    for act in (RELU, SOFTPLUS, leaky_relu(0.01)):
        net, rng = Net((64, 128, 128, 10), act), np.random.default_rng(2608)
        how = dict(steps=400, optimizer=SGD(0.1), batch=32, rng=rng, record=1)
        run = train(net, theta, learn.X, learn.Y, "softmax", **how)
        wrong.append(1 - accuracy(net.output(run.theta, new.X), new.Y))
    softplus, leaky = np.mean(np.subtract(wrong[1:], wrong[0]), axis=-1)
    assert softplus > 0.005 and abs(leaky) < 0.004
    assert right(questions.ZEROS_WHY).startswith("The same")


def test_exp_cost():
    """Orders only: seconds belong to the machine."""
    shares = zeros.compute_cost(record=finish(zeros.record_cost()), inputs=512)
    relu, tanh, sigmoid, *_ = shares.shares[shares.i]
    assert relu < sigmoid < 0.5 and tanh < 0.5
    assert right(questions.EXP_COST).startswith("A small part")
