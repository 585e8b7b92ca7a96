"""Predicted beside measured: the table that ends every section.

A row is made by `near`, `exactly`, `at_most`, `at_least` or `rounding`, and knows its verdict. The
table prints no digit that the tolerance does not vouch for, so that it is the same text on every
machine; what is only rounding error is printed as its bound.

`measured` may be a number or an array with one value per seed; then the row shows the median and
the range, and holds only if *every* seed does.
"""

import math
import textwrap
from dataclasses import dataclass

import numpy as np

from helpers import checks

__all__ = ["at_least", "at_most", "exactly", "measure", "near", "rounding"]

WIDTH = 100  # characters of a line; longer labels are wrapped
LEAST_LABEL = 24  # but they are not squeezed further than this
GAP = 2
DIGITS = 6  # significant digits at most
MANY = 8  # parts of a list that are printed


@dataclass(frozen=True)
class Row:
    """One line of the table, as it is printed, and whether it holds."""

    label: str
    predicted: str
    measured: str
    tolerance: str
    good: bool


def near(label, predicted, measured, *, within=None, relative=None, unit=""):
    """The measured value differs from the predicted one by at most `within`, or `relative`.

    `within` is in the unit of the values, `relative` a share of the predicted value (0.01: 1 %).
    """
    predicted, values = checks.real("predicted", predicted), _values(measured)
    within, tolerance = _tolerance(predicted, within, relative)
    good = bool((np.abs(values - predicted) <= within).all())
    return Row(_label(label, unit), _number(predicted), _spread(values, within), tolerance, good)


def _tolerance(predicted, within, relative):
    """Return the tolerance in the unit of the values, and as it is printed."""
    if (within is None) == (relative is None):
        raise ValueError(f"give either within or relative, got {within} and {relative}")
    if relative is None:
        within = checks.real("within", within, 0.0, open_low=True)
        return within, f"\u00b1 {_short(within)}"
    share = checks.real("relative", relative, 0.0, open_low=True)
    if not predicted:
        raise ValueError(f"relative needs a predicted value that is not 0, got {predicted:g}")
    return share * abs(predicted), f"\u00b1 {100 * share:.3g} %"


def exactly(label, predicted, measured, unit=""):
    """The measured value equals the predicted one: whole numbers, words, truth values, lists.

    A list is compared part by part; one predicted value must be met by every measured one.
    """
    parts, wanted = _parts(measured), _parts(predicted)
    if np.ndim(predicted) == 0:
        wanted = wanted * len(parts)
    good = parts == wanted and np.ndim(measured) >= np.ndim(predicted)
    return Row(_label(label, unit), _plain(predicted), _plain(measured), "exact", good)


def at_most(label, bound, measured, unit=""):
    """The measured value is not above the bound."""
    bound, values = checks.real("bound", bound), _values(measured)
    good = bool((values <= bound).all())
    return Row(_label(label, unit), f"<= {_number(bound)}", _beside(bound, values), "bound", good)


def at_least(label, bound, measured, unit=""):
    """The measured value is not below the bound."""
    bound, values = checks.real("bound", bound), _values(measured)
    good = bool((values >= bound).all())
    return Row(_label(label, unit), f">= {_number(bound)}", _beside(bound, values), "bound", good)


def rounding(label, bound, measured, unit=""):
    """The measured value is 0 up to rounding: its size stays below the bound.

    Its digits are noise and differ from machine to machine: the bound is printed instead.
    """
    bound = checks.real("bound", bound, 0.0, open_low=True)
    worst = float(np.max(np.abs(_values(measured))))
    good = worst < bound
    shown = f"< {_number(bound)}" if good else f"{worst:.1e}"
    return Row(_label(label, unit), "0", shown, "rounding", good)


def measure(title, *rows):
    """Print the table; then raise AssertionError with the rows that do not hold."""
    if not rows:
        raise ValueError(f"{title!r} needs at least one row, got none")
    print("\n".join([title, *_lines(rows)]))
    failed = [row for row in rows if not row.good]
    if failed:
        raise AssertionError("; ".join(map(_failure, failed)))


def _failure(row):
    return f"{row.label}: predicted {row.predicted}, measured {row.measured} ({row.tolerance})"


# --- Layout -------------------------------------------------------------------------------------


def _lines(rows):
    head = ("predicted", "measured", "tolerance", "verdict")
    cells = [(r.predicted, r.measured, r.tolerance, "holds" if r.good else "FAILS") for r in rows]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    room = max(LEAST_LABEL, WIDTH - sum(widths) - GAP * len(widths))
    labels = [textwrap.wrap(row.label, room) or [""] for row in rows]
    first = max(len(line) for lines in labels for line in lines)
    yield _line("", head, first, widths)
    yield "-" * (first + sum(widths) + GAP * len(widths))
    for lines, texts in zip(labels, cells, strict=True):
        yield from lines[:-1]  # the numbers stand on the last line of a wrapped label
        yield _line(lines[-1], texts, first, widths)


def _line(label, texts, first, widths):
    *numbers, verdict = texts
    cells = [text.rjust(width) for text, width in zip(numbers, widths, strict=False)]
    return (" " * GAP).join([label.ljust(first), *cells, verdict])


def _label(label, unit):
    return f"{label} [{unit}]" if unit else label


# --- Numbers ------------------------------------------------------------------------------------


def _values(measured):
    values = checks.real_array("measured", measured).astype(float).ravel()
    if not values.size:
        raise ValueError("measured must hold at least one value, got an empty array")
    return values


def _beside(bound, values):
    """Return the values in the digits that matter beside a bound, which may be 0."""
    return _spread(values, abs(bound) / 10 if bound else None)


def _spread(values, within=None):
    """Return one value, or the median and the range of several, in the digits that count."""
    if values.size == 1:
        return _number(values[0], within)
    with np.errstate(invalid="ignore"):  # a median between -inf and inf is NaN, and says so
        middle = np.median(values)
    texts = [_number(v, within) for v in (middle, values.min(), values.max())]
    return "{} ({} .. {})".format(*texts)


def _number(value, within=None):
    """Return the value with at most DIGITS significant digits and none below within / 100."""
    value = float(value)
    if not math.isfinite(value):
        return str(value)
    if within is not None:
        value = round(value, 2 - math.floor(math.log10(within)))
    return _short(value + 0.0, DIGITS)  # + 0.0: no minus zero


def _short(value, digits=3):
    """Return a bound or a tolerance: few digits, and no padded exponent."""
    return f"{value:.{digits}g}".replace("e-0", "e-").replace("e+0", "e+")


def _plain(value):
    """Return a word, a number or a list of them; several equal ones are said once."""
    words = [_word(part) for part in _parts(value)]
    if len(words) > 4 and len(set(words)) == 1:
        return f"{words[0]} (all {len(words)})"
    if len(words) > MANY:
        return ", ".join(words[: MANY - 1]) + f", ... ({len(words)})"
    return ", ".join(words)


def _parts(value):
    parts = np.asarray(value).ravel().tolist()
    if not parts:
        raise ValueError("measured and predicted must hold at least one value, got an empty list")
    return parts


def _word(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _number(value) if isinstance(value, (int, float)) else str(value)
