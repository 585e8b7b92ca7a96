"""The table of predicted and measured values: verdicts, stable digits, alignment."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.table import at_least, at_most, exactly, measure, near, rounding

NUMBERS = st.floats(-1e6, 1e6)
TOLERANCES = st.floats(1e-9, 1e3)


# --- Verdicts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("row, good", [
    (near("x", 0.25, 0.26, within=0.01 + 1e-9), True),
    (near("x", 0.25, 0.2601, within=0.01), False),
    (near("x", 0.25, 0.2399, within=0.01), False),
    (near("x", -200, -201.9, relative=0.01), True),
    (near("x", -200, -202.1, relative=0.01), False),
    (near("x", 0.25, math.nan, within=1), False),
    (near("x", 0.25, math.inf, within=1), False),
    (exactly("x", 3, 3), True),
    (exactly("x", 3, 3.0000001), False),
    (exactly("x", 3, math.nan), False),
    (exactly("x", math.nan, math.nan), False),
    (exactly("x", [0, 1, 1, 0], np.array([0.0, 1.0, 1.0, 0.0])), True),
    (exactly("x", [0, 1, 1, 0], [0, 1, 1, 1]), False),
    (exactly("x", [0, 1, 1, 0], [0, 1, 1]), False),
    (exactly("x", [3], 3), False),
    (exactly("x", True, np.bool_(True)), True),
    (exactly("x", "1/4", "1/4"), True),
    (exactly("x", "3", 3), False),
    (at_most("x", 1, 1), True),
    (at_most("x", 1, 1.01), False),
    (at_most("x", 1, math.nan), False),
    (at_least("x", 1, 1), True),
    (at_least("x", 1, 0.99), False),
    (at_least("x", 1, math.nan), False),
    (rounding("x", 1e-12, -9e-13), True),
    (rounding("x", 1e-12, -2e-12), False),
    (rounding("x", 1e-12, math.nan), False),
])
def test_the_verdict(row, good):
    assert row.good is good


@pytest.mark.parametrize("row", [
    near("x", 1, [1, 1, 1.2], within=0.1),
    near("x", 1, [1, math.nan], within=0.1),
    exactly("x", 1, [1, 1, 2]),
    at_most("x", 1, [0, 0, 1.1]),
    at_least("x", 1, [9, 9, 0.9]),
    rounding("x", 1e-12, [0, 0, 1e-11]),
])
def test_one_seed_that_fails_fails_the_row(row):
    assert not row.good


@given(NUMBERS, NUMBERS, TOLERANCES)
def test_near_is_the_distance_and_nothing_else(predicted, measured, within):
    row = near("x", predicted, measured, within=within)
    assert row.good == (abs(measured - predicted) <= within)


# --- Digits -------------------------------------------------------------------------------------


@pytest.mark.parametrize("row, measured", [
    (near("x", 0.25, 0.25 + 3.1e-9, within=1e-2), "0.25"),
    (near("x", 0.0, -3e-17, within=1e-9), "0"),
    (near("x", 0.26, 0.263333333, within=0.1), "0.263"),
    (near("x", 1 / 3, 1 / 3, within=1e-12), "0.333333"),
    (near("x", 0.26, [0.18, 0.2633333, 0.32], within=0.1), "0.263 (0.18 .. 0.32)"),
    (near("x", 1, math.nan, within=0.1), "nan"),
    (at_most("x", 1e-6, 4.6123e-13), "0"),
    (at_most("x", 5, 4.123456), "4.123"),
    (at_least("x", 0, 0.25), "0.25"),
    (rounding("x", 1e-12, 4.6e-15), "< 1e-12"),
    (rounding("x", 1e-12, 4.6e-11), "4.6e-11"),
    (exactly("x", 3, [3] * 10), "3 (all 10)"),
    (exactly("x", [0, 1, 1, 0], [0, 1, 1, 0]), "0, 1, 1, 0"),
    (exactly("x", 0, list(range(9))), "0, 1, 2, 3, 4, 5, 6, ... (9)"),
    (exactly("x", True, True), "yes"),
])
def test_no_digit_is_printed_that_the_tolerance_does_not_vouch_for(row, measured):
    assert row.measured == measured


@given(NUMBERS, TOLERANCES)
def test_noise_below_the_tolerance_hardly_ever_shows(value, within):
    """Six significant digits at most, none below a hundredth of the tolerance."""
    shown = float(near("x", 0, value, within=within).measured)
    assert abs(shown - value) <= max(within / 100, 1e-5 * abs(value))


# --- The printed table --------------------------------------------------------------------------


ROWS = (
    near("loss", 0.25, 0.2500001, within=0.01, unit="1"),
    near("success", 26, np.linspace(18, 32, 40), relative=0.5, unit="%"),
    rounding("difference between the folded layer and the deep net, over all the nets of the "
             "experiment and all its seeds", 1e-12, [1e-15, 2e-15]),
    exactly("rank", 3, [3] * 10),
)


def test_the_table_is_aligned_text_of_at_most_100_characters(capsys):
    measure("Fold the layers", *ROWS)
    title, head, rule, *body = capsys.readouterr().out.splitlines()
    assert title == "Fold the layers"
    assert head.split() == ["predicted", "measured", "tolerance", "verdict"]
    assert set(rule) == {"-"} and len(rule) <= 100
    assert len(body) == len(ROWS) + 1, "one label is wrapped"
    for line in [body[0], body[1], *body[3:]]:
        assert line.endswith("holds") and line.index("holds") == head.index("verdict")
    assert body[1].startswith("success [%]") and "26  25 (18 .. 32)     ± 50 %" in body[1]
    assert max(map(len, body)) <= 100


def test_a_failing_row_is_printed_and_then_raised(capsys):
    with pytest.raises(AssertionError, match=r"rank: predicted 3, measured 4 \(exact\)$"):
        measure("Fold", ROWS[0], exactly("rank", 3, 4), ROWS[2])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines[3:] if line.endswith(("holds", "FAILS"))] == [
        "holds", "FAILS", "holds",
    ]


# --- Bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize("make, message", [
    (lambda: near("x", 1, 1), "either within or relative"),
    (lambda: near("x", 1, 1, within=1, relative=1), "either within or relative"),
    (lambda: near("x", 1, 1, within=-0.5), "within must be a number above 0, got -0.5"),
    (lambda: near("x", 0, 1, relative=0.1), "relative needs a predicted value that is not 0"),
    (lambda: near("x", math.nan, 1, within=1), "predicted must be a finite number, got nan"),
    (lambda: near("x", 1, [], within=1), "measured must hold at least one value"),
    (lambda: exactly("x", 1, []), "at least one value"),
    (lambda: at_most("x", math.inf, 1), "bound must be a finite number, got inf"),
    (lambda: rounding("x", 0, 1), "bound must be a number above 0, got 0"),
    (lambda: measure("Empty"), "'Empty' needs at least one row, got none"),
])
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("make", [
    lambda: near("x", 1, "one", within=1), lambda: near("x", "one", 1, within=1),
    lambda: at_least("x", None, 1), lambda: rounding("x", 1, 1j),
])
def test_text_and_nothing_are_a_type_error(make):
    with pytest.raises(TypeError, match="must be"):
        make()
