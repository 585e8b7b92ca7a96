"""Values from exact arithmetic, gradients found in two other ways, labels that do not fit."""

import math
import warnings

import mpmath
import numpy as np
import pytest

from helpers.losses import (
    LOGISTIC,
    LOSSES,
    SOFTMAX,
    SQUARED_ERROR,
    accuracy,
    log_softmax,
    logsumexp,
    softmax,
)

LEADS = [(), (1,), (4,), (2, 3)]
EDGES = [0.0, 1e-310, 1.0, 20.0, 40.0, 709.0, 1e4, 1e200, np.inf]


def problem(loss, rng, lead=(), batch=7, outputs=3, spread=3.0):
    A = spread * rng.standard_normal((*lead, batch, outputs))
    if loss is SOFTMAX:
        return A, rng.integers(0, outputs, (batch,))
    Y = rng.random((batch, outputs))
    Y[: batch // 2] = Y[: batch // 2] > 0.5  # certain labels as well as shares
    return A, Y


def slope_by_complex_step(loss, A, Y, direction):
    return loss(A + 1e-30j * direction, Y)[0].imag / 1e-30


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
class TestEveryLoss:
    def test_the_name_is_the_key(self, loss):
        assert LOSSES[loss.name] is loss
        assert loss.formula and loss.source

    @pytest.mark.parametrize("lead", LEADS)
    def test_shapes(self, loss, lead, rng):
        A, Y = problem(loss, rng, lead)
        value, dA = loss(A, Y)
        assert np.shape(value) == lead
        assert dA.shape == A.shape

    @pytest.mark.parametrize("lead", LEADS)
    def test_gradient_by_complex_step(self, loss, lead, rng):
        A, Y = problem(loss, rng, lead)
        direction = rng.standard_normal(A.shape)
        predicted = (loss(A, Y)[1] * direction).sum((-2, -1))
        measured = slope_by_complex_step(loss, A, Y, direction)
        np.testing.assert_allclose(measured, predicted, rtol=1e-13, atol=1e-15)

    def test_gradient_by_finite_differences(self, loss, rng):
        A, Y = problem(loss, rng)
        direction = rng.standard_normal(A.shape)
        h = 1e-6
        measured = (loss(A + h * direction, Y)[0] - loss(A - h * direction, Y)[0]) / (2 * h)
        assert measured == pytest.approx((loss(A, Y)[1] * direction).sum(), rel=1e-7)

    def test_every_net_of_an_ensemble_is_judged_alone(self, loss, rng):
        A, Y = problem(loss, rng, (5,))
        together = loss(A, Y)
        for i in range(5):
            value, dA = loss(A[i], Y)
            assert value == pytest.approx(together[0][i], rel=1e-15)
            np.testing.assert_array_equal(dA, together[1][i])

    def test_labels_may_differ_from_net_to_net(self, loss, rng):
        A, Y = problem(loss, rng, (2,))
        both = np.stack([Y, Y[::-1]])
        assert loss(A, both)[0][1] == pytest.approx(loss(A[1], Y[::-1])[0], rel=1e-15)

    def test_doubling_the_batch_changes_nothing(self, loss, rng):
        A, Y = problem(loss, rng)
        once, twice = loss(A, Y), loss(np.concatenate([A, A]), np.concatenate([Y, Y]))
        assert twice[0] == pytest.approx(once[0], rel=1e-14)
        np.testing.assert_allclose(twice[1][: len(A)], once[1] / 2, rtol=1e-14)

    def test_the_order_of_the_outputs_in_memory_does_not_matter(self, loss, rng):
        A, Y = problem(loss, rng, (4, 3))
        expected = loss(A, Y)
        for axes in [(1, 0, 2, 3), (0, 1, 3, 2), (3, 2, 1, 0)]:
            other = A.transpose(axes).copy().transpose(np.argsort(axes))
            value, dA = loss(other, Y)
            np.testing.assert_allclose(value, expected[0], rtol=1e-14)
            np.testing.assert_allclose(dA, expected[1], rtol=1e-14, atol=1e-17)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_keeps_the_precision_of_the_outputs(self, loss, dtype, rng):
        A, Y = problem(loss, rng)
        value, dA = loss(A.astype(dtype), Y)
        assert value.dtype == dA.dtype == dtype
        assert value == pytest.approx(loss(A, Y)[0], rel=1e-5)

    def test_leaves_its_arguments_alone(self, loss, rng):
        A, Y = problem(loss, rng)
        before = A.copy(), Y.copy()
        loss(A, Y)
        np.testing.assert_array_equal(A, before[0])
        np.testing.assert_array_equal(Y, before[1])

    @pytest.mark.parametrize("size", [*EDGES, np.nan])
    @pytest.mark.parametrize("sign", [1, -1])
    def test_never_warns(self, loss, size, sign):
        A = np.array([[sign * size, 0.0], [1.0, sign * size], [sign * size, -sign * size]])
        Y = [0, 1, 1] if loss is SOFTMAX else [[0.0, 1], [1, 0], [0.5, 0.25]]
        with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
            warnings.simplefilter("error")
            value, dA = loss(A, np.array(Y))
        assert np.isnan(value) == np.isnan(size) and dA.shape == A.shape

    def test_refuses_labels_of_another_length(self, loss, rng):
        A, Y = problem(loss, rng)
        with pytest.raises(ValueError, match=r"\(7, 3\)"):
            loss(A, Y[:-1])

    def test_check_returns_labels_ready_to_use(self, loss, rng):
        A, Y = problem(loss, rng)
        ready = loss.check(Y.tolist(), *A.shape)
        assert loss(A, ready)[0] == loss(A, Y)[0]

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_check_refuses_nan_and_infinity(self, loss, bad, rng):
        A, Y = problem(loss, rng)
        Y = Y.astype(float)
        Y[2] = bad
        with pytest.raises(ValueError, match="Y"):
            loss.check(Y, *A.shape)

    @pytest.mark.parametrize("Y", ["three", None, [object()] * 7])
    def test_check_refuses_what_is_not_a_number(self, loss, Y):
        with pytest.raises(TypeError, match="Y"):
            loss.check(Y, 7, 3)

    def test_check_refuses_an_empty_batch(self, loss):
        with pytest.raises(ValueError, match="batch"):
            loss.check(np.zeros((0, 3)), 0, 3)


def test_squared_error_is_the_mean_over_the_batch_of_the_sum_over_outputs():
    A, Y = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[0.0, 0.0], [3.0, 1.0]])
    value, dA = SQUARED_ERROR(A, Y)
    assert value == (1 + 4 + 0 + 16) / 2
    np.testing.assert_array_equal(dA, [[1, 2], [0, 4]])  # 2 (a - y) / 2: no factor 1/2 in the loss


@pytest.mark.parametrize("a", [*EDGES[:-1], 1e-3, 3.7, 30.0])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("y", [0.0, 1.0, 0.25])
def test_logistic_against_exact_arithmetic(a, sign, y):
    a = sign * a
    with mpmath.workdps(60):
        sigma = 1 / (1 + mpmath.exp(-a))
        exact = y * mpmath.log1p(mpmath.exp(-a)) + (1 - y) * mpmath.log1p(mpmath.exp(a))
        slope = (1 - y) * sigma - y / (1 + mpmath.exp(a))
    value, dA = LOGISTIC(np.array([[a]]), np.array([[y]]))
    # The smallest results are subnormal: there only the absolute error can be small.
    assert value == pytest.approx(float(exact), rel=4e-15, abs=1e-320)
    assert dA[0, 0] == pytest.approx(float(slope), rel=4e-15, abs=1e-320)


def test_an_infinitely_sure_answer_costs_nothing_if_right_and_everything_if_wrong():
    A = np.array([[np.inf], [-np.inf]])
    right, wrong = np.array([[1.0], [0.0]]), np.array([[0.0], [1.0]])
    assert LOGISTIC(A, right)[0] == 0 and not LOGISTIC(A, right)[1].any()
    assert LOGISTIC(A, wrong)[0] == np.inf
    np.testing.assert_array_equal(LOGISTIC(A, wrong)[1], [[0.5], [-0.5]])


@pytest.mark.parametrize("a", [1.0, 20.0, 40.0, 300.0])
def test_a_right_and_sure_answer_still_has_a_gradient(a):
    """p - y computed as written is exactly 0 from a = 37 on, and such a net would look finished."""
    assert LOGISTIC(np.array([[a]]), np.array([[1.0]]))[1][0, 0] < 0
    pull = SOFTMAX(np.array([[a, 0.0, -1.0]]), np.array([0]))[1][0]
    others = math.exp(-a) + math.exp(-a - 1)
    assert pull[0] == pytest.approx(-others / (1 + others), rel=1e-14, abs=0)
    assert pull[0] == -(pull[1] + pull[2])


def test_two_class_softmax_is_the_logistic_loss(rng):
    a, y = 4 * rng.standard_normal((50, 1)), rng.integers(0, 2, 50)
    value, dA = LOGISTIC(a, y[:, None])
    value2, dA2 = SOFTMAX(np.concatenate([np.zeros_like(a), a], axis=1), y)
    assert value2 == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(dA2[:, 1:], dA, rtol=1e-13)


def test_softmax_of_equal_logits_costs_the_entropy():
    for classes in (1, 2, 10):
        value, dA = SOFTMAX(np.full((4, classes), 7.0), np.zeros(4, int))
        assert value == pytest.approx(math.log(classes), abs=1e-15)
        np.testing.assert_allclose(dA.sum(-1), 0, atol=1e-16)


class TestLogScale:
    def test_logsumexp_against_exact_arithmetic(self, rng):
        for scale in (1e-3, 1.0, 100.0, 1e4):
            z = scale * rng.standard_normal(9)
            with mpmath.workdps(40):
                exact = mpmath.log(sum(mpmath.exp(float(x)) for x in z))
            assert logsumexp(z) == pytest.approx(float(exact), rel=1e-14)
            np.testing.assert_allclose(log_softmax(z), z - float(exact), rtol=1e-13)
            np.testing.assert_allclose(softmax(z), np.exp(log_softmax(z)), rtol=1e-12)

    @pytest.mark.parametrize(
        "z, total, shares",
        [
            ([-np.inf, -np.inf], -np.inf, [0.5, 0.5]),
            ([np.inf, 0.0], np.inf, [1, 0]),
            ([np.inf, np.inf, -np.inf], np.inf, [0.5, 0.5, 0]),
            ([-np.inf, 3.0], 3.0, [0, 1]),
            ([1e3, 1e3], 1e3 + math.log(2), [0.5, 0.5]),
            ([-1e4], -1e4, [1]),
            ([], -np.inf, []),
            ([np.nan, 1.0], np.nan, [np.nan, np.nan]),
        ],
    )
    def test_edges(self, z, total, shares):
        with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
            warnings.simplefilter("error")
            np.testing.assert_equal(logsumexp(z), total)
            np.testing.assert_equal(softmax(z), shares)
            log_shares = log_softmax(z)
        with np.errstate(divide="ignore"):
            np.testing.assert_allclose(log_shares, np.log(shares), rtol=1e-15)

    @pytest.mark.parametrize("axis", [0, 1, -1])
    def test_axis(self, axis, rng):
        z = rng.standard_normal((3, 4))
        np.testing.assert_allclose(softmax(z, axis).sum(axis), 1, rtol=1e-15)
        np.testing.assert_allclose(logsumexp(z, axis), np.log(np.exp(z).sum(axis)), rtol=1e-14)

    def test_whole_numbers_and_float32(self):
        assert softmax([0, 0]).dtype == np.float64
        assert softmax(np.float32([1, 2])).dtype == np.float32
        assert log_softmax(np.float32([1, 2])).dtype == logsumexp(np.float32([1])).dtype


class TestUnfitLabels:
    """Every message holds what was given and what would fit."""

    @pytest.mark.parametrize("loss", [SQUARED_ERROR, LOGISTIC])
    def test_a_flat_array_is_not_taken_for_a_column(self, loss):
        with pytest.raises(ValueError, match=r"\(300,\)") as error:
            loss.check(np.zeros(300), 300, 1)
        assert "(..., 300, 1)" in str(error.value)

    @pytest.mark.parametrize("y", [-0.5, 2.0])
    def test_logistic_range(self, y):
        with pytest.raises(ValueError, match=rf"from 0 to 1, got {y} at index \(1, 0\)"):
            LOGISTIC.check([[0.0], [y]], 2, 1)

    @pytest.mark.parametrize("y", [-1, 10])
    def test_softmax_range(self, y):
        with pytest.raises(ValueError, match=rf"from 0 to 9, got {y} at index \(2,\)"):
            SOFTMAX.check([0, 9, y], 3, 10)

    def test_softmax_takes_whole_floats_only(self):
        assert SOFTMAX.check([0.0, 9.0], 2, 10).dtype.kind == "i"
        with pytest.raises(ValueError, match="whole, from 0 to 9, got 1.5"):
            SOFTMAX.check([0, 1.5], 2, 10)

    def test_one_hot_rows_get_a_hint(self):
        with pytest.raises(ValueError, match="argmax"):
            SOFTMAX.check(np.eye(10)[:4], 4, 10)

    def test_calling_a_loss_with_a_flat_array_is_refused_too(self):
        with pytest.raises(ValueError, match=r"\(5, 1\).*got \(5,\)"):
            SQUARED_ERROR(np.zeros((5, 1)), np.zeros(5))


class TestAccuracy:
    def test_classes(self):
        A = np.array([[3.0, 1, 0], [0, 0, 2], [1, 5, 2], [np.nan, 0, 0]])
        assert accuracy(A, np.array([0, 2, 2, 0])) == 0.5

    def test_logits_and_fits(self):
        Y = np.array([[0.0], [1.0], [1.0], [0.0]])
        assert accuracy(Y - 0.5, Y) == 1
        assert accuracy(Y, Y) == 1
        assert accuracy(0.2 + 0.4 * Y, Y, threshold=0.5) == 1
        assert accuracy(0.2 + 0.4 * Y, Y) == 0.5
        assert accuracy(0.2 + 0.2 * Y, Y, threshold=0.5) == 0.5
        assert accuracy(np.full((4, 1), np.nan), Y) == 0

    def test_one_value_for_every_net(self, rng):
        Y = rng.integers(0, 3, 6)
        A = rng.standard_normal((2, 5, 6, 3))
        assert accuracy(A, Y).shape == (2, 5)
        assert accuracy(A, Y)[1, 2] == accuracy(A[1, 2], Y)
