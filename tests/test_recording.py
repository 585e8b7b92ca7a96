"""Recordings: run to the end, joined, stopped."""

import pytest

from helpers.recording import finish, part


def counting(steps):
    """A recording of `steps` steps; its record is how many it made."""
    for k in range(steps):
        if (yield k / steps) == "stop":
            return k
    return steps


def joined(first, second):
    return (yield from part(counting(first), 0, 0.5)), (yield from part(counting(second), 0.5, 1))


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_finish_returns_the_record(steps):
    assert finish(counting(steps)) == steps


def test_parts_share_the_progress():
    assert list(joined(2, 4)) == [0, 0.25, 0.5, 0.625, 0.75, 0.875]
    assert finish(joined(2, 4)) == (2, 4)


def test_a_part_passes_on_the_stop():
    recording = part(counting(10), 0, 1)
    next(recording)
    next(recording)
    with pytest.raises(StopIteration) as end:
        recording.send("stop")
    assert end.value.value == 1


def test_an_error_inside_comes_out():
    def failing():
        yield 0.5
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        finish(part(failing(), 0, 1))
