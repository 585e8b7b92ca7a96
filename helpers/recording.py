"""Long computations that can be watched and stopped: generators that record.

Such a generator yields its progress (0 to 1) every few hundredths of a second and returns its
record. Sent "stop", it ends early and returns the record so far. `helpers.training.training` is
one; the demos build theirs out of it, and `helpers.live` runs them behind a progress bar.
"""


def finish(recording):
    """Run a recording to its end and return the record."""
    while True:
        try:
            next(recording)
        except StopIteration as end:
            return end.value


def part(recording, low, high):
    """The same recording as a stretch of a longer one: its progress goes from `low` to `high`.

    For `record = yield from part(...)` inside another recording; "stop" is passed on.
    """
    message = None
    while True:
        try:
            progress = recording.send(message)
        except StopIteration as end:
            return end.value
        message = yield low + (high - low) * progress
