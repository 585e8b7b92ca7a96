"""Each number against a case in which it is known, alone and for a whole ensemble."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import diagnostics as d
from helpers.activations import ACTIVATIONS, RELU, SIGMOID, TANH, Activation, affine, leaky_relu
from helpers.losses import LOGISTIC
from helpers.network import Net

LEADS = [(), (4,), (2, 3)]
numbers = st.floats(-100, 100)


@pytest.fixture
def rng():
    return np.random.default_rng(77)


class TestLinearity:
    @given(numbers, numbers, numbers)
    def test_a_linear_map_has_no_gap(self, u, v, k):
        double = affine(2.0, 0.0)
        assert d.additivity_gap(double, u, v) == pytest.approx(0, abs=1e-12)
        assert d.homogeneity_gap(double, u, k) == pytest.approx(0, abs=1e-11)

    @given(numbers, numbers)
    def test_the_gap_of_an_affine_map_is_its_offset(self, u, v):
        assert d.additivity_gap(affine(2.0, 3.0), u, v) == pytest.approx(-3, abs=1e-12)

    @given(numbers, numbers)
    def test_relu_adds_up_only_where_both_have_one_sign(self, u, v):
        gap = d.additivity_gap(RELU, u, v)
        lost = min(abs(u), abs(v)) if u * v < 0 else 0
        assert gap == pytest.approx(-lost, abs=1e-12)

    @given(numbers, numbers)
    def test_relu_is_homogeneous_for_positive_factors_only(self, u, k):
        gap = d.homogeneity_gap(RELU, u, k)
        assert gap == pytest.approx(0 if k >= 0 else -k * abs(u), abs=1e-11)

    def test_arrays_broadcast(self, rng):
        u, v = rng.standard_normal(5), rng.standard_normal((3, 1))
        assert d.additivity_gap(TANH, u, v).shape == (3, 5)
        assert d.homogeneity_gap(TANH, u, v).shape == (3, 5)

    def test_a_learners_function_may_return_a_list(self):
        assert d.additivity_gap(lambda z: [2 * x for x in z], [1, 2], [3, 4]).tolist() == [0, 0]


class TestRank:
    @pytest.mark.parametrize("lead", LEADS)
    @pytest.mark.parametrize("r", [1, 2, 5])
    def test_rank_of_a_product_through_a_bottleneck(self, lead, r, rng):
        W = rng.standard_normal((*lead, 8, r)) @ rng.standard_normal((*lead, r, 6))
        np.testing.assert_array_equal(d.rank(W), np.full(lead, r))

    def test_the_tolerance_is_relative(self):
        W = np.diag([1e-20, 1e-28, 1e-30])
        assert d.rank(W) == 2
        assert d.rank(W, relative=1e-7) == 1
        assert d.rank(np.zeros((3, 3))) == 0

    def test_refuses(self):
        with pytest.raises(ValueError, match="W.*NaN"):
            d.rank([[np.nan, 1.0]])
        with pytest.raises(ValueError, match="relative"):
            d.rank(np.eye(2), relative=-1)


@pytest.mark.parametrize("lead", LEADS)
class TestLayers:
    def test_every_net_of_an_ensemble_is_measured_alone(self, lead, rng):
        Z = 3 * rng.standard_normal((*lead, 10, 6))
        for measure in (
            d.second_moment,
            d.norm,
            lambda Z: d.zero_share(RELU(Z)),
            lambda Z: d.saturated_share(SIGMOID, Z),
            lambda Z: d.dead_on_batch(RELU, Z),
            lambda Z: d.dead_on_data(RELU, [Z[..., :7, :], Z[..., 7:, :]]),
        ):
            together = measure(Z)
            assert together.shape[: len(lead)] == lead
            for i in np.ndindex(lead):
                np.testing.assert_allclose(together[i], measure(Z[i]), rtol=1e-14)

    def test_layers_of_different_width_stand_on_the_last_axis(self, lead, rng):
        A = [rng.standard_normal((*lead, 5, n)) for n in (2, 9, 4)]
        assert d.per_layer(d.second_moment, A).shape == (*lead, 3)


def test_second_moment_is_not_the_variance():
    assert d.second_moment([[1.0, 3.0], [1.0, 3.0]]) == 5


def test_relu_zeros_and_sigmoid_saturation(rng):
    Z = rng.standard_normal((2000, 30))
    assert d.zero_share(RELU(Z)) == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(Z.size))
    assert d.zero_share(SIGMOID(Z)) == 0
    edge = np.log((1 + np.sqrt(0.96)) / (1 - np.sqrt(0.96)))  # s (1 - s) = 0.01
    assert d.saturated_share(SIGMOID, [[edge * 0.999, edge * 1.001, -edge * 1.001, 0.0]]) == 0.5
    assert d.saturated_share("step", Z, below=0) == 0


class TestDeadUnits:
    """Zero for this input, dead on this batch, dead on all the data: three different things."""

    Z = np.array([[-1.0, -1.0, 2.0], [-1.0, 1.0, 0.0], [-0.5, -2.0, -1.0], [3.0, -1.0, -1.0]])

    def test_the_three_counters(self):
        first, second = self.Z[:3], self.Z[3:]
        np.testing.assert_array_equal(d.zero_for_input(RELU, self.Z), self.Z <= 0)
        assert d.dead_on_batch(RELU, first).tolist() == [True, False, False]
        assert d.dead_on_batch(RELU, second).tolist() == [False, True, True]
        assert d.dead_on_data(RELU, [first, second]).tolist() == [False, False, False]
        assert d.dead_on_data(RELU, iter([first[:, :1], first[:, :1]])).tolist() == [True]

    def test_it_is_the_slope_that_counts(self):
        """A leaky unit is never dead, a saturated sigmoid only looks it, a step always is."""
        Z = np.array([[-50.0, -700.0, 700.0]])
        assert not d.dead_on_batch(leaky_relu(0.01), Z).any()
        assert not d.dead_on_batch("sigmoid", Z).any()
        assert d.dead_on_batch("step", Z).all()

    def test_all_dead_is_a_number_like_any_other(self):
        Z = -np.ones((4, 3))
        assert d.dead_on_batch(RELU, Z).mean() == 1
        assert d.second_moment(RELU(Z)) == 0 and d.zero_share(RELU(Z)) == 1
        assert d.norm(RELU.df(Z)) == 0

    def test_they_get_no_gradient(self, rng):
        """What the name promises: dW and db of a unit dead on the data are exactly 0."""
        net, X = Net((3, 8, 1), "relu"), rng.standard_normal((20, 3))
        theta = net.init(rng)
        net.layers(theta)[0][1][:, :3] = -50  # bias: these three are dead
        passed = net.forward(theta, X)
        dead = d.dead_on_data(RELU, [passed.Z[0]])
        assert dead.tolist()[:3] == [True] * 3 and not dead.all()
        dA = LOGISTIC(passed.A[-1], (X[:, :1] > 0) * 1.0)[1]
        dW, db = net.layers(net.backward(theta, passed, dA))[0]
        assert not dW[:, dead].any() and not db[:, dead].any()
        assert dW[:, ~dead].all()

    def test_nothing_is_dead_on_no_data(self):
        with pytest.raises(ValueError, match=r"batch.*\(0, 3\)"):
            d.dead_on_batch(RELU, np.zeros((0, 3)))
        with pytest.raises(ValueError, match="at least one"):
            d.dead_on_data(RELU, [])

    def test_an_unknown_name_is_refused(self):
        with pytest.raises(ValueError, match="relu"):
            d.zero_for_input("rleu", self.Z)


class TestGradients:
    def test_norm_is_the_euclidean_one(self, rng):
        W = rng.standard_normal((3, 5, 4))
        np.testing.assert_allclose(d.norm(W), np.linalg.norm(W, axis=(-2, -1)), rtol=1e-14)

    @pytest.mark.parametrize("tiny", [1e-200, 5e-324, 1e200])
    def test_vanished_gradients_are_still_seen(self, tiny):
        assert d.norm(np.full((2, 2), tiny)) == pytest.approx(2 * tiny, rel=1e-15, abs=0)
        assert d.norm(np.zeros((2, 2))) == 0

    def test_norm_of_what_is_not_finite(self):
        assert d.norm([[np.inf, 1.0]]) == np.inf
        assert np.isnan(d.norm([[np.nan, 1.0]]))

    @pytest.mark.parametrize("act", ["identity", *ACTIVATIONS])
    def test_gradient_norms_per_layer(self, act, rng):
        net, X = Net((4, 7, 5, 2), act), rng.standard_normal((6, 4))
        theta = net.init(rng, "lecun", lead=(3,))
        passed = net.forward(theta, X)
        gradient = net.backward(theta, passed, np.ones((3, 6, 2)))
        norms = d.gradient_norms(net.layers(gradient))
        assert norms.shape == (3, 3)
        last = passed.A[2].sum(1)  # dW of the last layer, for each of its two equal columns
        np.testing.assert_allclose(norms[:, 2] ** 2, 2 * (last**2).sum(-1), rtol=1e-12)

    def test_update_to_weight(self, rng):
        net = Net((4, 5, 3))
        before = net.init(rng, lead=(2,), bias=1.0)
        ratios = d.update_to_weight(net.layers(before), net.layers(before * 1.001))
        np.testing.assert_allclose(ratios, np.full((2, 2), 0.001), rtol=1e-10)

    def test_update_to_weight_from_zero(self):
        layers = [(np.zeros((2, 2)), None)]
        assert d.update_to_weight(layers, layers).tolist() == [0]
        assert d.update_to_weight(layers, [(np.eye(2), None)]).tolist() == [np.inf]


# --- where a slope vanishes ---------------------------------------------------------------------

INF = math.inf
LOGIT = math.log(99)
SOFTSIGN = Activation(
    "softsign", "z / (1 + |z|)", lambda z: z / (1 + np.abs(z)), lambda z: (1 + np.abs(z)) ** -2.0
)
SQUARE = Activation("square", "z^2", lambda z: np.square(z), lambda z: 2 * np.asarray(z))


@pytest.mark.parametrize(
    "name, zones",
    [
        ("sigmoid", [(-INF, -4.58486334), (4.58486334, INF)]),
        ("tanh", [(-INF, -2.99322285), (2.99322285, INF)]),
        ("relu", [(-INF, 0)]),
        ("step", [(-INF, INF)]),
        ("identity", []),
        ("abs", []),
        ("leaky_relu", []),
        ("elu", [(-INF, math.log(0.01))]),
        ("softplus", [(-INF, -LOGIT)]),
        ("selu", [(-INF, math.log(0.01 / (1.0507009873554805 * 1.6732632423543772)))]),
    ],
)
def test_where_an_activation_saturates(name, zones):
    np.testing.assert_allclose(d.saturated_zones(ACTIVATIONS[name]), zones, rtol=1e-8)


def test_the_thresholds_of_sigmoid_and_tanh_in_closed_form():
    """s (1 - s) = level is a quadratic in s; 1 - t^2 = level; tanh is 4 sigmoid' at twice z."""
    for level in (0.2, 0.01, 1e-3, 1e-9):
        s = (1 + math.sqrt(1 - 4 * level)) / 2
        low, high = d.saturated_zones(SIGMOID, level)[1]
        assert (low, high) == (pytest.approx(math.log(s * s / level), rel=1e-12), INF)
        low = d.saturated_zones(TANH, level)[1][0]
        assert low == pytest.approx(math.atanh(math.sqrt(1 - level)), rel=1e-6)
        assert low == pytest.approx(d.saturated_zones(SIGMOID, level / 4)[1][0] / 2, rel=1e-12)
    assert d.saturated_zones(SIGMOID, 0.001)[1][0] == pytest.approx(6.906, abs=1e-3)


@pytest.mark.parametrize("name", ["gelu", "silu", "mish"])
def test_where_a_slope_crosses_zero_there_is_a_narrow_zone(name):
    act, (far, near) = ACTIVATIONS[name], d.saturated_zones(ACTIVATIONS[name])
    assert far[0] == -INF and far[1] < near[0] < near[1] < 0
    for end in (far[1], *near):
        assert abs(act.df(end)) == pytest.approx(0.01, rel=1e-9)
    assert act.df(near[0]) < 0 < act.df(near[1])


def test_far_thresholds_of_a_learners_own_function():
    assert d.saturated_zones(SOFTSIGN)[1][0] == pytest.approx(9, rel=1e-12)
    assert d.saturated_zones(SOFTSIGN, 1e-6)[1][0] == pytest.approx(999, rel=1e-9)
    np.testing.assert_allclose(d.saturated_zones(SQUARE), [(-0.005, 0.005)], rtol=1e-9)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_steepest_slope(name):
    act = ACTIVATIONS[name]
    z = np.random.default_rng(2600).uniform(-8, 8, 100_000)
    assert np.abs(act.df(z)).max() <= d.steepest(act) * (1 + 1e-9)
    z = np.append(np.linspace(-8, 8, 400_001), 100)
    assert d.steepest(act) <= np.abs(act.df(z)).max() * (1 + 1e-9)


def test_steepest_slopes_that_are_known():
    assert d.steepest(SIGMOID) == 0.25 and d.steepest(TANH) == d.steepest(RELU) == 1
    assert d.steepest(ACTIVATIONS["step"]) == 0
    assert d.steepest(ACTIVATIONS["gelu"]) == pytest.approx(1.1289042, rel=1e-7)  # at sqrt(2)
    assert d.steepest(SQUARE) == INF
