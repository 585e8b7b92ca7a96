"""The numbers in the predictions of notebook 04 are true: each is computed here."""

import numpy as np
import pytest

from helpers import diagnostics, mean_field
from helpers.activations import RELU
from helpers.demos import born_dead, graveyard
from helpers.network import Net
from helpers.questions import dying as questions
from helpers.training import SGD, finish, train

NETS = 20_000


def right(question):
    return question["options"][question["answer"]]


@pytest.fixture(scope="module")
def shares():
    """(record, place of a rate) of 8 nets at each learning rate."""
    return finish(graveyard.record_threshold(seed=27)), graveyard.LRS.index


def test_dead_for_ever():
    film = finish(graveyard.record_lab(depth=3, lr=0.6, steps=200, switch=400, seed=27))
    first, *deeper = film.revivals[-1].sum(0)
    assert film.deaths[-1][:, 0].sum() > 0 == first and min(deeper) > 0
    assert right(questions.DEAD_FOR_EVER) == "Yes, unless it is in the first hidden layer"


def test_dead_at_the_start():
    w, b = np.random.default_rng(2710).standard_normal((2, 200_000))
    kinds = np.array([w * x + b > 0 for x in (-1, 1)])
    dead, always = (~kinds).all(0), kinds.all(0)
    assert 100 * dead.mean() == pytest.approx(questions.DEAD_AT_THE_START["answer"], abs=0.5)
    assert (dead | always).mean() == pytest.approx(0.5, abs=0.005)  # "half of the hinges"
    assert always.mean() == pytest.approx(dead.mean(), abs=0.005)  # "one half ... the other"


def test_hinges_at_the_end():
    slow, fast = (finish(born_dead.record_hinges(lr=lr, seed=27)) for lr in (0.02, 0.4))
    variance = fast.Y.var()
    assert np.median(fast.mse[-1]) == pytest.approx(variance, abs=1e-3)
    assert np.mean(fast.dead[-1] == 1) > 0.5  # "in most draws every unit is dead"
    assert slow.mse[-1].max() < 0.2 * variance < variance < slow.mse[0].min()  # "it gets there ...
    assert slow.mse[-1].min() > 0.01 * variance  # ... slowly"
    assert (slow.dead[-1] - slow.dead[0]).mean() < 0.05  # "hardly a unit dies"
    assert right(questions.HINGES_AT_THE_END).endswith("the mean of the target")


def test_the_first_pull_overshoots_and_the_second_kills():
    """What section 2 says about learning rate 0.4."""
    lives = finish(born_dead.record_hinges(lr=0.4, seed=27))
    mean = [lives.net.output(theta, lives.X).mean((-2, -1)) for theta in lives.thetas[:2]]
    assert lives.steps[:3].tolist() == [0, 1, 2]
    assert np.mean(mean[0] < 2) > 0.9 and np.mean(mean[1] > 3) > 0.9  # target: 2 in the mean
    assert lives.dead[1].mean() < 0.25 < 0.7 < lives.dead[2].mean()


def born(width, depth=9, scale=1.0):
    """Share of NETS nets with one input whose last hidden layer is zero for x = 1 and x = -1."""
    net = Net((1, *[width] * depth, 1))
    theta = scale * net.init(np.random.default_rng(2711), "he", lead=(NETS,))
    return np.mean(~net.forward(theta, np.array([[1.0], [-1.0]])).A[-2].any((-2, -1)))


def test_born_dead_share():
    why = questions.BORN_DEAD_SHARE["why"]
    assert 100 * born(3) == pytest.approx(questions.BORN_DEAD_SHARE["answer"], abs=2)
    assert 100 * born(5) == pytest.approx(13, abs=1) and "5 units it is 13%" in why
    assert 100 * born(10) == pytest.approx(0.14, abs=0.1) and "10 units 0.1%" in why


def test_wider_or_deeper():
    share, wider = born(5), mean_field.relu_death(10, 9)
    assert f"{share:.0%}" == "13%" and wider < 0.01
    assert share / 0.0014 == pytest.approx(90, rel=0.1)  # .0014: RESULTS E1
    assert 3 < share / born(5, 5) < share / born(5, 4) < 5.9
    assert born(5, scale=2.0) == share  # the scale of the weights changes nothing
    assert born(5, 18) > share
    assert right(questions.WIDER_OR_DEEPER).startswith("Twice as many units")


@pytest.mark.parametrize("depth", [5, 50, 500])
def test_width_for_depth(depth):
    def least(layers):
        return next(N for N in range(1, 40) if mean_field.relu_death(N, layers) <= 0.01)

    assert least(2 * depth) == least(depth) + 1
    assert right(questions.WIDTH_FOR_DEPTH).startswith("Grow by one:")


def test_sparse_is_not_dead(shares):
    record, at = shares
    question = questions.SPARSE_IS_NOT_DEAD
    assert record.zero[-1, at(0.3)].mean() == pytest.approx(0.37, abs=0.03)
    dead = 100 * record.data[-1, at(0.3)]
    assert abs(dead.mean() - question["answer"]) < question["within"] < 37 - question["answer"]


def test_dead_is_not_harm(shares):
    record, at = shares
    dead, accuracy = (what[-1] for what in (record.data, record.accuracy))
    assert 0.2 < np.median(dead[at(1.4)]) < 0.5  # "about a third"
    assert np.median(accuracy[at(1.4)]) == pytest.approx(0.97, abs=0.025)
    assert np.median(accuracy[at(0.3)]) - np.median(accuracy[at(1.4)]) < 0.02
    assert right(questions.DEAD_IS_NOT_HARM).startswith("About 97%")
    assert np.median(dead[at(2.0)]) > 0.9 and np.median(accuracy[at(2.0)]) < 0.25  # "too few"


def test_zero_init():
    X = np.random.default_rng(2712).standard_normal((50, 4))
    Y = np.arange(50) % 3
    for act in ("relu", "tanh"):
        net = Net((4, 6, 3), act)
        run = train(net, np.zeros(net.P), X, Y[:, None] * [1.0, 0, 2], "squared_error",
                    steps=50, optimizer=SGD(0.1), record=1)  # fmt: skip
        (W_1, b_1), (W_2, b_2) = net.layers(run.theta)
        assert not (W_1.any() or b_1.any() or W_2.any()) and b_2.any()
    assert right(questions.ZERO_INIT) == "Still nothing but the output bias"


def test_zeros_for_one_input_are_half_of_all_units_at_the_start():
    """What the first words of section 1 say."""
    net = Net((64, 100, 10))
    Z = net.forward(net.init(np.random.default_rng(2713), "he", lead=(40,)), np.ones((1, 64))).Z[0]
    assert diagnostics.zero_for_input(RELU, Z).mean() == pytest.approx(0.5, abs=0.05)


def test_the_right_option_is_not_always_in_the_same_place():
    asked = [value for name, value in vars(questions).items() if name.isupper()]
    places = [question["answer"] for question in asked if "options" in question]
    assert max(places.count(k) for k in range(4)) <= len(places) / 2
