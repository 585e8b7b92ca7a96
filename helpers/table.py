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

LABEL_WIDTH = 44  # longer labels are wrapped, so that a table fits into 100 characters
DIGITS = 6  # significant digits at most


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
    predicted = checks.real("predicted", predicted)
    if (within is None) == (relative is None):
        raise ValueError(f"give either within or relative, got {within} and {relative}")
    if within is None:
        share = checks.real("relative", relative, 0.0, open_low=True)
        within, tolerance = share * abs(predicted), f"\u00b1 {100 * share:.3g} %"
    else:
        within = checks.real("within", within, 0.0, open_low=True)
        tolerance = f"\u00b1 {_short(within)}"
    values = _values(measured)
    good = bool((np.abs(values - predicted) <= within).all())
    return Row(_label(label, unit), _number(predicted), _spread(values, within), tolerance, good)


def exactly(label, predicted, measured, unit=""):
    """The measured value equals the predicted one: whole numbers, words, truth values, lists."""
    good = bool(np.all(np.asarray(measured) == np.asarray(predicted)))
    good = good and np.shape(measured) in (np.shape(predicted), (*np.shape(measured),))
    return Row(_label(label, unit), _plain(predicted), _plain(measured), "exact", good)


def at_most(label, bound, measured, unit=""):
    """The measured value is not above the bound."""
    bound, values = checks.real("bound", bound), _values(measured)
    good = bool((values <= bound).all())
    return Row(_label(label, unit), f"<= {_number(bound)}", _spread(values), "bound", good)


def at_least(label, bound, measured, unit=""):
    """The measured value is not below the bound."""
    bound, values = checks.real("bound", bound), _values(measured)
    good = bool((values >= bound).all())
    return Row(_label(label, unit), f">= {_number(bound)}", _spread(values), "bound", good)


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
    head = ("", "predicted", "measured", "tolerance", "verdict")
    body = [
        (textwrap.wrap(row.label, LABEL_WIDTH), row.predicted, row.measured, row.tolerance,
         "holds" if row.good else "FAILS")
        for row in rows
    ]
    first = max(len(line) for labels, *_ in body for line in labels)
    widths = [max(len(head[i]), *(len(cells[i]) for cells in body)) for i in range(1, 5)]
    yield _line("", head[1:], first, widths)
    yield "-" * (first + sum(widths) + 2 * len(widths))
    for labels, *cells in body:
        yield from labels[:-1]  # the numbers stand on the last line of a wrapped label
        yield _line(labels[-1], cells, first, widths)


def _line(label, cells, first, widths):
    texts = [cell.rjust(width) for cell, width in zip(cells[:3], widths[:3], strict=True)]
    return "  ".join([label.ljust(first), *texts, cells[3]]).rstrip()


def _label(label, unit):
    return f"{label} [{unit}]" if unit else label


# --- Numbers ------------------------------------------------------------------------------------


def _values(measured):
    values = checks.real_array("measured", measured).astype(float).ravel()
    if not values.size:
        raise ValueError("measured must hold at least one value, got an empty array")
    return values


def _spread(values, within=None):
    """Return one value, or the median and the range of several, in the digits that count."""
    if values.size == 1:
        return _number(values[0], within)
    texts = [_number(v, within) for v in (np.median(values), values.min(), values.max())]
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
    parts = np.asarray(value).ravel().tolist()
    if np.ndim(value) and len(set(parts)) == 1 and len(parts) > 4:
        return f"{_word(parts[0])} (all {len(parts)})"
    return ", ".join(map(_word, parts))


def _word(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _number(value) if isinstance(value, (int, float)) else str(value)
