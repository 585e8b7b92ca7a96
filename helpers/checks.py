"""The one place for errors about input: what was given, and what would be allowed.

Each function returns the value ready to use, or raises with one sentence that holds the name, the
value and the allowed range: TypeError for a wrong kind of thing, ValueError for a wrong value.
"""

import difflib
import math
import numbers

import numpy as np

LONGEST_VALUE = 60  # characters of a value that are quoted in a message


def whole(name, value, low, high=None):
    """Return `value` as an int from `low` to `high` (both included; None: no upper end).

    3.0 and numpy integers are whole numbers; 1.5 and NaN are a ValueError; text, None and the
    truth values True and False are a TypeError.
    """
    allowed = f"a whole number {_span(low, math.inf if high is None else high)}"
    _require_number(name, value, allowed)
    try:
        number = int(value)
    except (ValueError, OverflowError):  # NaN, infinity
        number = low - 1
    if number != value or number < low or (high is not None and number > high):
        raise ValueError(_sentence(name, allowed, value))
    return number


def real(name, value, low=-math.inf, high=math.inf, *, open_low=False, open_high=False):
    """Return `value` as a finite float from `low` to `high`.

    The ends are included unless `open_low` or `open_high` says otherwise. NaN and infinity are a
    ValueError; text, None, complex numbers and truth values a TypeError.
    """
    span = _span(low, high, open_low, open_high)
    allowed = f"a number {span}" if span else "a finite number"
    _require_number(name, value, allowed)
    number = _to_float(name, value, allowed)
    above = number > low if open_low else number >= low
    below = number < high if open_high else number <= high
    if not (math.isfinite(number) and above and below):
        raise ValueError(_sentence(name, allowed, value))
    return number


def truth(name, value):
    """Return `value` as a bool if it is True or False; all else, 0 and 1 too, is a TypeError."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(_sentence(name, "True or False", value))
    return bool(value)


def one_of(name, value, options):
    """Return `value` if it is one of the texts in `options`, else say which there are."""
    options = list(options)
    if isinstance(value, str) and value in options:
        return value
    allowed = "one of " + ", ".join(map(repr, options))
    message = f"{name} must be {allowed}; got {quoted(value)}"
    if not isinstance(value, str):
        raise TypeError(message)
    raise ValueError(message + _did_you_mean(value, options))


def finite(name, array):
    """Return `array` as an ndarray of its own dtype, all of whose numbers are finite.

    Text, objects, complex numbers and masked arrays are a TypeError; NaN or infinity are a
    ValueError that says how many there are and where the first one is.
    """
    array = real_array(name, array)
    good = np.isfinite(array)
    if not good.all():
        raise ValueError(_not_finite(name, array, good))
    return array


def real_array(name, array):
    """Return `array` as an ndarray of real numbers: floats, integers or truth values.

    Everything else (text, None, objects, complex numbers, long doubles, rows of unequal length) is
    a TypeError, and so is a masked array, whose mask would be lost without a word.
    """
    allowed = "real numbers"
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{name} must be {allowed} without a mask, got a masked array")
    try:
        numbers_ = np.asarray(array)
    except ValueError:  # rows of unequal length
        raise TypeError(_sentence(name, allowed + " in rows of equal length", array)) from None
    if numbers_.dtype.kind not in "fiub" or numbers_.dtype.itemsize > 8:  # no long doubles
        raise TypeError(f"{_sentence(name, allowed, array)} (dtype {numbers_.dtype})")
    return numbers_


def values_of(name, f, x, infinite=False):
    """Return f at every number of x (any shape) as floats: f is what the learner has written.

    f may take an array and treat every number on its own, or take one number; it sees a copy. Its
    values have to be finite, unless `infinite`: then even an overflow of Python's own floats, which
    is an error, counts as infinity. A TypeError or ValueError says what f did at which number.
    """
    if not callable(f):
        raise TypeError(_sentence(name, "a function of one number", f))
    x = np.asarray(x, float)
    z = x.ravel()
    got, otherwise = _at_once(name, f, z)
    if got is None:
        with np.errstate(all="ignore"):
            got = np.array([_one(name, f, number, otherwise, infinite) for number in z.tolist()])
    if not (infinite or np.isfinite(got).all()):
        first = int(np.argmin(np.isfinite(got)))
        call = f"{_letter(name)}({z[first]:g})"
        raise ValueError(f"{name} must give finite numbers, but {call} is {got[first]}")
    return got.astype(float).reshape(x.shape)


def _at_once(name, f, z):
    """f(z) for z (n,), None if f does not take arrays; and what it gave instead, in words."""
    with np.errstate(all="ignore"):
        try:
            got, alone = np.asarray(f(z.copy())), np.asarray(f(z[:1].copy()))
        except Exception:  # written for single numbers, or wrong: _one finds out
            return None, ""
    if got.dtype.kind not in "fiub" or got.shape != z.shape or alone.shape != z[:1].shape:
        return None, f" ({z.size} numbers gave shape {got.shape})" if got.shape else ""
    if not np.array_equal(got[:1], alone, equal_nan=got.dtype.kind == "f"):
        call = f"{_letter(name)}({z[0]:g})"
        raise ValueError(
            f"{name} must treat every number on its own, but {call} is {alone[0]:g} alone and "
            f"{got[0]:g} among others"
        )
    return got, ""


def _one(name, f, number, otherwise, infinite):
    try:
        value = f(number)
    except Exception as error:
        if infinite and isinstance(error, OverflowError):
            return math.inf
        raised = f"{_letter(name)}({number:g}) raised {type(error).__name__}: {error}{otherwise}"
        raise ValueError(f"{name} must take one number, but {raised}") from error
    if type(value) is float:  # nearly always, and the other question takes longer than f
        return value
    if not isinstance(value, numbers.Real | np.bool_):
        hint = " (is there a return?)" if value is None else otherwise
        call = f"{_letter(name)}({number:g})"
        raise TypeError(f"{name} must return one number, but {call} is {quoted(value)}{hint}")
    return float(value)


def _letter(name):
    """How a call of the function is written: target(3), but f(3) for `your function`."""
    return name if name.isidentifier() else "f"


def generator(name, rng):
    """Return `rng` if it is a numpy Generator, such as `np.random.default_rng(seed)` makes."""
    if not isinstance(rng, np.random.Generator):
        allowed = "a numpy Generator, for example np.random.default_rng(0)"
        raise TypeError(_sentence(name, allowed, rng))
    return rng


def quoted(value):
    """Return `value` as it stands in a message: its repr on one line, cut when it is long."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a learner's own class, or an int of more than 4300 digits
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def _sentence(name, allowed, value):
    return f"{name} must be {allowed}, got {quoted(value)}"


def _require_number(name, value, allowed):
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TypeError(_sentence(name, allowed, value))


def _to_float(name, value, allowed):
    try:
        return float(value)
    except OverflowError:  # an int beyond the largest float
        raise ValueError(_sentence(name, allowed, value)) from None


def _span(low, high, open_low=False, open_high=False):
    """Return the words for a range, such as 'from 0 to 1' or 'above 0'; '' for all numbers."""
    at_least, at_most = math.isfinite(low), math.isfinite(high)
    if at_least and at_most and not (open_low or open_high):
        return f"from {_plain(low)} to {_plain(high)}"
    lower = f"{'above' if open_low else 'at least'} {_plain(low)}" if at_least else ""
    upper = f"{'below' if open_high else 'at most'} {_plain(high)}" if at_most else ""
    return " and ".join(part for part in (lower, upper) if part)


def _plain(number):
    return str(number) if isinstance(number, int) else f"{number:g}"


def _did_you_mean(value, options):
    by_lower_case = {option.lower(): option for option in options if isinstance(option, str)}
    close = difflib.get_close_matches(value.lower(), by_lower_case, n=1)
    return f" (did you mean {by_lower_case[close[0]]!r}?)" if close else ""


def _not_finite(name, array, good):
    nans = int(np.isnan(array).sum())
    infinite = array.size - int(good.sum()) - nans
    first = tuple(int(i) for i in np.argwhere(~good)[0])
    return (
        f"{name} must be finite numbers, got {nans} NaN and {infinite} infinite "
        f"among {array.size}, the first at index {first}"
    )
