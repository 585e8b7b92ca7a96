"""Input checks: what passes, and that every message holds the name, the value and the range."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.checks import (
    finite,
    generator,
    one_of,
    quoted,
    real,
    real_array,
    truth,
    values_of,
    whole,
)


def message(error, function, *args, **kwargs):
    """The text of the error that the call raises: one sentence on one line."""
    with pytest.raises(error) as caught:
        function(*args, **kwargs)
    assert type(caught.value) is error
    text = str(caught.value)
    assert "\n" not in text and (not text.endswith(".") or text.endswith("..."))
    return text


# --- whole ------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1, 64, 7.0, np.int8(5), np.float32(3), Fraction(4)])
def test_whole_numbers_become_ints(value):
    got = whole("depth", value, 1, 64)
    assert type(got) is int and got == value


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (0, ValueError),
        (65, ValueError),
        (-3, ValueError),
        (1.5, ValueError),
        (math.nan, ValueError),
        (math.inf, ValueError),
        (10**400, ValueError),
        (np.float64(2.25), ValueError),
        ("3", TypeError),
        (None, TypeError),
        (True, TypeError),
        (np.True_, TypeError),
        (3 + 0j, TypeError),
        ([3], TypeError),
        (np.array([3]), TypeError),
    ],
    ids=lambda value: quoted(value),
)
def test_what_is_not_a_whole_number_in_range(value, error):
    text = message(error, whole, "depth", value, 1, 64)
    assert text == f"depth must be a whole number from 1 to 64, got {quoted(value)}"


def test_whole_without_an_upper_end():
    assert whole("steps", 10**30, 0) == 10**30
    text = message(ValueError, whole, "steps", -1, 0)
    assert text == "steps must be a whole number at least 0, got -1"


def test_ranges_of_whole_numbers_are_written_out():
    text = message(ValueError, whole, "steps", 0, 1, 10_000_000)
    assert text == "steps must be a whole number from 1 to 10000000, got 0"


# --- real -------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.25), np.int64(1), Fraction(1, 4)])
def test_real_numbers_become_floats(value):
    got = real("beta", value, 0, 1)
    assert type(got) is float and got == value


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_any_finite_number_passes_without_a_range(value):
    assert real("slope", value) == value


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (math.nan, ValueError),
        (math.inf, ValueError),
        (-math.inf, ValueError),
        (np.float32("nan"), ValueError),
        (10**400, ValueError),
        ("0.5", TypeError),
        (None, TypeError),
        (False, TypeError),
        (1j, TypeError),
        (np.array(0.5), TypeError),
    ],
    ids=lambda value: quoted(value),
)
def test_what_is_not_a_finite_number(value, error):
    text = message(error, real, "slope", value)
    assert text == f"slope must be a finite number, got {quoted(value)}"


@pytest.mark.parametrize(
    ("limits", "value", "allowed"),
    [
        ({"low": 0, "high": 1}, 1.5, "from 0 to 1"),
        ({"low": 0, "high": 1}, -1e-9, "from 0 to 1"),
        ({"low": 0}, -0.5, "at least 0"),
        ({"high": 2.5}, 3, "at most 2.5"),
        ({"low": 0, "open_low": True}, 0, "above 0"),
        ({"low": 0, "high": 1, "open_high": True}, 1, "at least 0 and below 1"),
        ({"low": 0, "high": 1, "open_low": True, "open_high": True}, 0.0, "above 0 and below 1"),
        ({"low": 1e-6, "high": 1e6}, 0, "from 1e-06 to 1e+06"),
    ],
)
def test_a_number_out_of_range(limits, value, allowed):
    text = message(ValueError, real, "lr", value, **limits)
    assert text == f"lr must be a number {allowed}, got {value}"


def test_ends_are_included_unless_open():
    assert real("p", 0, 0, 1) == 0 and real("p", 1, 0, 1) == 1
    assert real("p", 5e-324, 0, 1, open_low=True) > 0


# --- one_of -----------------------------------------------------------------------------------


def test_an_option_is_returned():
    assert one_of("scheme", "he", {"he": 1, "xavier": 2}) == "he"


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("rleu", " (did you mean 'relu'?)"),
        ("TANH", " (did you mean 'tanh'?)"),
        ("relu ", " (did you mean 'relu'?)"),
        ("cosine", ""),
        ("", ""),
        ("<script>alert(1)</script>", ""),  # shown as text; whoever makes HTML escapes it
        ("re\nlu", " (did you mean 'relu'?)"),
    ],
)
def test_an_unknown_option(value, hint):
    text = message(ValueError, one_of, "activation", value, ["relu", "tanh"])
    assert text == f"activation must be one of 'relu', 'tanh'; got {value!r}{hint}"


@pytest.mark.parametrize("value", [None, 3, ["relu"], {"relu"}, b"relu", math.nan])
def test_an_option_is_a_text(value):
    text = message(TypeError, one_of, "activation", value, ["relu", "tanh"])
    assert text == f"activation must be one of 'relu', 'tanh'; got {value!r}"


# --- finite, real_array -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "array",
    [[1, 2], [[0.5], [1]], np.float32([1]), np.array([True]), 3.0, [], np.empty((0, 2)), range(3)],
    ids=quoted,
)
def test_finite_numbers_keep_their_type(array):
    got = finite("X", array)
    assert isinstance(got, np.ndarray) and got.dtype == np.asarray(array).dtype
    np.testing.assert_array_equal(got, array)


def test_finite_does_not_copy_an_array():
    X = np.ones(3)
    assert finite("X", X) is X


@pytest.mark.parametrize(
    ("array", "said"),
    [
        ([1, math.nan], "1 NaN and 0 infinite among 2, the first at index (1,)"),
        ([[1, 2], [math.inf, -1e999]], "0 NaN and 2 infinite among 4, the first at index (1, 0)"),
        (np.full((2, 2, 2), np.nan), "8 NaN and 0 infinite among 8, the first at index (0, 0, 0)"),
        (math.nan, "1 NaN and 0 infinite among 1, the first at index ()"),
    ],
    ids=str,
)
def test_how_many_are_not_finite_and_where(array, said):
    assert message(ValueError, finite, "X", array) == f"X must be finite numbers, got {said}"


@pytest.mark.parametrize(
    "array",
    [None, "1", ["a", "b"], [1, None], object(), 1j, [1 + 0j], {1, 2}, np.array(["2020"], "M8[Y]")],
    ids=quoted,
)
@pytest.mark.parametrize("check", [finite, real_array])
def test_what_holds_no_real_numbers(check, array):
    text = message(TypeError, check, "Y", array)
    assert text == (
        f"Y must be real numbers, got {quoted(array)} (dtype {np.asarray(array).dtype})"
    )


def test_rows_of_unequal_length():
    text = message(TypeError, finite, "X", [[1, 2], [3]])
    assert text == "X must be real numbers in rows of equal length, got [[1, 2], [3]]"


def test_a_masked_array_would_lose_its_mask():
    masked = np.ma.array([1.0, 2.0], mask=[True, False])
    text = message(TypeError, real_array, "X", masked)
    assert text == "X must be real numbers without a mask, got a masked array"


@pytest.mark.skipif(np.finfo(np.longdouble).bits == 64, reason="long double is double here")
def test_long_doubles_would_lose_digits():
    assert "dtype" in message(TypeError, real_array, "X", np.ones(2, np.longdouble))


# --- generator, quoted ------------------------------------------------------------------------


def test_a_generator_is_returned():
    rng = np.random.default_rng(0)
    assert generator("rng", rng) is rng


@pytest.mark.parametrize("rng", [None, 0, np.random.default_rng, np.random.RandomState(0)])  # noqa: NPY002
def test_a_seed_is_not_a_generator(rng):
    text = message(TypeError, generator, "rng", rng)
    allowed = "a numpy Generator, for example np.random.default_rng(0)"
    assert text == f"rng must be {allowed}, got {quoted(rng)}"


def test_long_and_many_line_values_are_cut():
    assert quoted(0.1) == "0.1"
    assert quoted(np.eye(2)) == "array([[1., 0.], [0., 1.]])"
    assert len(quoted("x" * 1000)) == 60 and quoted("x" * 1000).endswith("...")
    assert len(message(TypeError, real, "slope", list(range(10**5)))) < 120


def test_a_value_that_cannot_be_shown():
    class Odd:
        def __repr__(self):
            raise RuntimeError

    text = message(TypeError, real, "slope", Odd())
    assert text == "slope must be a finite number, got a value of type Odd"
    assert message(ValueError, whole, "depth", 10**5000, 1, 9).endswith("a value of type int")


# --- what the learner has written ---------------------------------------------------------------


def in_place(z):
    z[z < 0] = 0
    return z


@pytest.mark.parametrize(
    "f", [lambda z: z if z > 0 else 0, in_place, lambda z: max(z, 0), lambda z: np.maximum(z, 0)]
)
@pytest.mark.parametrize("shape", [(), (1,), (7,), (0,), (2, 3)])
def test_values_of_a_function_written_in_any_way(f, shape):
    x = np.random.default_rng(0).standard_normal(shape)
    before = x.copy()
    got = values_of("f", f, x)
    np.testing.assert_array_equal(got, np.maximum(x, 0))
    assert got.shape == shape and got.dtype == np.float64
    np.testing.assert_array_equal(x, before)


def test_values_of_a_constant_and_of_truth_values():
    np.testing.assert_array_equal(values_of("f", lambda z: 3, [1, 2]), [3.0, 3.0])
    np.testing.assert_array_equal(values_of("f", lambda z: z > 1, [1, 2]), [0.0, 1.0])


@pytest.mark.parametrize(
    ("f", "kind", "message"),
    [
        (3, TypeError, "target must be a function of one number, got 3"),
        (lambda z: None, TypeError, r"target\(1\) is None \(is there a return\?\)"),
        (lambda z: "two", TypeError, r"target must return one number, but target\(1\) is 'two'"),
        (lambda z: z[:2], ValueError, r"object is not subscriptable \(3 numbers gave shape \(2,"),
        (lambda z: np.ones(4), TypeError, r"is array.* \(3 numbers gave shape \(4,\)\)"),
        (lambda z: z - np.mean(z), ValueError, r"target\(1\) is 0 alone and -1 among others"),
        (lambda z: z / 0, ValueError, r"finite numbers, but target\(1\) is inf"),
        (lambda z: float(z) / 0, ValueError, r"target\(1\) raised ZeroDivisionError"),
        (lambda z: math.exp(900 * z), ValueError, r"target\(1\) raised OverflowError"),
        (lambda z: np.sqrt(2 - z), ValueError, r"finite numbers, but target\(3\) is nan"),
    ],
)
def test_values_of_a_faulty_function(f, kind, message):
    with pytest.raises(kind, match=message):
        values_of("target", f, [1.0, 2.0, 3.0])


def test_values_of_may_be_infinite_on_request():
    for f in (lambda z: 1 / z, lambda z: math.exp(900 / z) if z else math.inf):
        got = values_of("f", f, [1.0, 0.0], infinite=True)
        assert got[1] == np.inf
    with pytest.raises(ValueError, match="ZeroDivisionError"):
        values_of("f", lambda z: 1 / float(z), [0.0], infinite=True)


# --- truth ------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [True, False, np.True_, np.False_])
def test_truth_values_become_bools(value):
    assert truth("bend", value) is bool(value)


@pytest.mark.parametrize("value", [1, 0, "True", None, np.array([True])])
def test_what_is_no_truth_value_is_named(value):
    assert message(TypeError, truth, "bend", value).startswith("bend must be True or False, got ")
