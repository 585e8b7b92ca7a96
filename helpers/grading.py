"""Check a learner's function: one helpful sentence, never a traceback, never a hung kernel.

An `Exercise` holds the task, the stub, the solution and a `judge`. The judge calls the learner's
function through an `Attempt`, takes the answer apart with `arrays`, `array` or `number`, compares
with `same`, and raises `Hint(sentence)` for the first thing that is wrong. `grade` runs the judge
within limits of time and memory and returns a `Feedback`, which shows itself in a notebook.
"""

import contextlib
import copy
import html
import inspect
import io
import linecache
import numbers
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from helpers import checks
from helpers.limits import Stopped, address_space, within_limits

__all__ = [
    "Attempt", "Exercise", "Feedback", "Hint", "array", "arrays", "grade", "number", "same", "say",
]

SECONDS = 5.0  # an exercise takes milliseconds; this is for loops that never end
MEGABYTES = 500  # growth of the whole process while the learner's function runs
FEW = 6  # numbers that are quoted one by one
PRINTED = 300  # characters of the learner's own printing that are kept


class Hint(Exception):
    """One sentence for the learner: what was got, what was expected."""


class Unsolved(Hint):
    """The stub, or a part of it, still stands there."""


@dataclass(frozen=True)
class Feedback:
    """The verdict on one attempt: "right", "wrong" or "open" (not solved yet), in one sentence."""

    verdict: str
    message: str
    printed: str = ""  # what the learner's function printed meanwhile

    @property
    def good(self):
        return self.verdict == "right"

    def __str__(self):
        sign = {"right": "\u2713", "wrong": "\u2717", "open": "\u25cb"}[self.verdict]
        printed = f"\n  It printed: {self.printed}" if self.printed else ""
        return f"{sign} {self.message}{printed}"

    def _repr_mimebundle_(self, **kwargs):
        # Green, vermillion and grey of Okabe and Ito; the sign and the words say the same.
        colour = {"right": "#009E73", "wrong": "#D55E00", "open": "#888888"}[self.verdict]
        style = f"border-left: 4px solid {colour}; padding: 4px 12px; white-space: pre-wrap"
        return {"text/plain": str(self), "text/html": _div(style, str(self))}


@dataclass(frozen=True)
class Exercise:
    """A task for the learner. `key` is also the name of the function to be written.

    `judge(attempt)` raises a Hint for a wrong answer; `praise` says what a right one shows.
    `stub` and `solution` are source text; executing the solution defines a right `key`.
    """

    key: str
    title: str
    task: str  # Markdown
    stub: str
    solution: str
    judge: Callable = field(repr=False)
    praise: str = ""

    def accepts(self, function):
        """Whether `function` is right. For the solution cell, whose last line asserts it."""
        return grade(self, function).good


def grade(exercise, function, seconds=SECONDS, megabytes=MEGABYTES):
    """Return the Feedback on the learner's `function`; whatever it does, nothing is raised.

    The function runs in a thread of its own and is stopped after `seconds`, or when the process
    has grown by `megabytes`. A KeyboardInterrupt (the stop button) still ends the check.
    """
    printed = _FirstWords()
    try:
        _require_function(exercise, function)
        attempt = Attempt(exercise.key, function, printed)
        with (
            contextlib.redirect_stdout(printed), warnings.catch_warnings(),
            address_space(megabytes),
        ):
            warnings.simplefilter("ignore")
            within_limits(lambda: exercise.judge(attempt), seconds, megabytes)
    except Unsolved as hint:
        return Feedback("open", f"Not solved yet: {hint}", printed.getvalue())
    except Hint as hint:
        return Feedback("wrong", str(hint), printed.getvalue())
    except Stopped as excess:
        return Feedback("wrong", f"{exercise.key} {excess}", printed.getvalue())
    except Exception as error:  # an answer so strange that even the judge stumbles
        hint = f"The answer of {exercise.key} could not be checked ({_named(error)})."
        return Feedback("wrong", hint, printed.getvalue())
    return Feedback("right", f"Correct. {exercise.praise}".strip(), printed.getvalue())


# --- Calling the learner's function -------------------------------------------------------------


@dataclass(frozen=True)
class Attempt:
    """The learner's function. Calling it hands over copies, and turns every mishap into a Hint."""

    name: str
    function: Callable
    printed: io.StringIO

    def __call__(self, *inputs):
        """Return the answer, which is not None and holds no `...`, for copies of the inputs."""
        given = copy.deepcopy(inputs)
        answer = self._answer(given)
        self._require_untouched(inputs, given)
        if answer is None:
            raise self._nothing()
        if _unfilled(answer):
            raise Unsolved(f"replace every ... in {self.name} by your own code.")
        return answer

    def _answer(self, given):
        try:
            inspect.signature(self.function).bind(*given)
        except TypeError:
            raise Hint(self._wrong_arguments(len(given))) from None
        except ValueError:  # some built-in functions do not tell their arguments
            pass
        try:
            return self.function(*given)
        except NotImplementedError:
            raise Unsolved(f"{self.name} still raises NotImplementedError.") from None
        except MemoryError:
            raise Hint(
                f"{self.name} asked for more memory than it may have: does something in it grow "
                f"without end?"
            ) from None
        except BaseException as error:  # also SystemExit: exit() must not end the kernel
            raise Hint(_raised(self.name, error)) from None

    def _wrong_arguments(self, count):
        takes = inspect.signature(self.function)
        return f"{self.name} is called with {_count(count, 'argument')}, but yours takes {takes}."

    def _require_untouched(self, inputs, given):
        for index, (before, after) in enumerate(zip(inputs, given, strict=True)):
            for part, changed in zip(_leaves(before), _leaves(after), strict=False):
                if not _identical(part, changed):
                    raise Hint(self._changed(index, part, changed))

    def _changed(self, index, part, changed):
        name = _argument_name(self.function, index)
        return (
            f"{self.name} changed its input {name} in place (it held {say(part)}, now "
            f"{say(changed)}): make a new array instead."
        )

    def _nothing(self):
        if _is_empty(self.function):
            return Unsolved(f"{self.name} has no body yet.")
        words = self.printed.getvalue().strip()
        if words:
            return Hint(
                f"{self.name} printed {checks.quoted(words)} but returned None: use return "
                f"instead of print."
            )
        return Hint(f"{self.name} returned None: does its last line lack a return?")


def _require_function(exercise, function):
    name = exercise.key
    if function is None or function is ...:
        raise Unsolved(f"define {name} first, then check it.")
    if not callable(function):
        raise Hint(
            f"Hand over the function itself, {name} without parentheses; got {say(function)}."
        )
    if _is_stub(exercise, function):
        raise Unsolved(f"replace the ... in {name} by your own code, then run this cell again.")


def _is_stub(exercise, function):
    """Whether `function` does what the stub does: compiled, they are the same."""
    code = getattr(function, "__code__", None)
    space = {}
    exec(exercise.stub, {"np": np}, space)
    stub = space[exercise.key].__code__
    return code is not None and (code.co_code, code.co_names) == (stub.co_code, stub.co_names) and (
        _without_doc(code) == _without_doc(stub)
    )


def _is_empty(function):
    """Whether the body is nothing but `pass`, `...` or a docstring."""
    code = getattr(function, "__code__", None)
    return code is not None and not (
        code.co_names or code.co_nlocals > code.co_argcount or any(_without_doc(code))
    )


def _without_doc(code):
    return [value for value in code.co_consts if not isinstance(value, str)]


def _raised(name, error):
    """Return a sentence with the error and the learner's own line it came from."""
    return f"{name} raised {_named(error)}{_where(error)}."


def _named(error):
    message = " ".join(str(error).split()).rstrip(".")
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _where(error):
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != __file__]
    if not frames:
        return ""
    line = linecache.getline(frames[0].filename, frames[0].lineno).strip()
    return f" at `{line}`" if line else f" in line {frames[0].lineno}"


def _argument_name(function, index):
    try:
        return list(inspect.signature(function).parameters)[index]
    except (TypeError, ValueError, IndexError):
        return f"number {index + 1}"


def _identical(before, after):
    if isinstance(before, np.ndarray):
        return np.array_equal(before, after, equal_nan=True)
    return before is after or before == after


def _leaves(value):
    """Yield the parts of nested tuples and lists."""
    if isinstance(value, (tuple, list)):
        for part in value:
            yield from _leaves(part)
        yield len(value)  # so that an appended or removed part is noticed
    else:
        yield value


def _unfilled(answer):
    """Whether a `...` of the stub is left somewhere in the answer."""
    if isinstance(answer, np.ndarray) and answer.dtype == object:
        answer = answer.tolist()
    return any(part is ... or part is NotImplemented for part in _leaves(answer))


# --- Taking the answer apart --------------------------------------------------------------------


def arrays(answer, shapes):
    """Return the parts of `answer` as float arrays; `shapes` is {name: shape}, in this order."""
    names = ", ".join(shapes)
    if not isinstance(answer, (tuple, list)) or len(answer) != len(shapes):
        raise Hint(f"Expected {_count(len(shapes), 'part')} ({names}), got {say(answer)}.")
    return [
        array(name, part, shape) for (name, shape), part in zip(shapes.items(), answer, strict=True)
    ]


def array(name, answer, shape):
    """Return `answer` as a float array of `shape` with finite numbers; a Hint for anything else."""
    try:
        values = checks.real_array(name, answer)
    except TypeError:
        got = checks.quoted(answer) if isinstance(answer, (list, tuple)) else say(answer)
        raise Hint(f"{_start(name)} should be {_wanted(shape)}, got {got}.") from None
    if values.shape != shape:
        raise Hint(_wrong_shape(name, values, shape))
    if not np.isfinite(values).all():
        raise Hint(_not_finite(name, values))
    return values.astype(float)


def number(name, answer):
    """Return `answer` as a float: a number, or an array that holds exactly one."""
    if isinstance(answer, np.ndarray) and answer.shape == (1,):
        answer = answer[0]
    return float(array(name, answer, ()))


def _wanted(shape):
    return "an array of numbers" if shape else "a number"


def _wrong_shape(name, values, expected):
    if not expected:
        return f"{_start(name)} should be one number, got {say(values)}."
    shapes = f"{_start(name)} has shape {_shape(values.shape)}, expected {_shape(expected)}"
    if values.shape == expected[::-1]:
        return f"{shapes}: it is transposed, rows and columns are swapped."
    return f"{shapes}."


def _not_finite(name, values):
    if not values.ndim:
        return f"{_start(name)} should be a finite number, got {values}."
    bad = ~np.isfinite(values)
    first = np.argwhere(bad)[0]
    return (
        f"{_start(name)} should hold finite numbers, got {values[tuple(first)]} at {_place(first)} "
        f"(NaN or infinite: {bad.sum()} of {values.size})."
    )


# --- Comparing ----------------------------------------------------------------------------------


def same(name, got, expected, known=None):
    """Return if `got` equals `expected` to rounding, else raise the Hint that fits best.

    known: {sentence: wrong value} for the mistakes one makes in this exercise.
    """
    got, expected = np.asarray(got, float), np.asarray(expected, float)
    if _equal(got, expected):
        return
    for sentence, wrong in (known or {}).items():
        if np.shape(wrong) == got.shape and _equal(got, wrong):
            raise Hint(f"{sentence}: {name} is {_got(got, expected)}.")
    general = _general_difference(got, expected)
    raise Hint(f"{_start(name)} {general}: got {_got(got, expected)}.")


def _equal(got, expected):
    # 1e-9: far above rounding in a few products, far below any real mistake.
    return np.allclose(got, expected, rtol=1e-9, atol=1e-9)


def _got(got, expected):
    """Return the two arrays in words, or the entry that differs most when they are large."""
    if got.size <= FEW:
        return f"{say(got)}, expected {say(expected)}"
    worst = np.unravel_index(np.argmax(np.abs(got - expected)), got.shape)
    return f"{got[worst]:.6g} at {_place(worst)}, expected {expected[worst]:.6g}"


def _general_difference(got, expected):
    if got.ndim == 2 and got.shape[0] == got.shape[1] and _equal(got, expected.T):
        return "is transposed"
    if _equal(got, -expected):
        return "has the wrong sign"
    if got.size > 1 and np.ptp(got - expected) <= 1e-9:
        return f"is off by a constant, {(got - expected).flat[0]:+.6g} in every entry"
    factor = _factor(got, expected)
    if got.size > 1 and factor is not None:
        return f"is off by a factor, {factor:.6g} times what is expected"
    return "is not right yet"


def _factor(got, expected):
    """Return k if got = k * expected, else None."""
    norm = float((expected * expected).sum())
    factor = float((got * expected).sum()) / norm if norm else 0.0
    return factor if factor and _equal(got, factor * expected) else None


# --- Words --------------------------------------------------------------------------------------


def say(value):
    """Return a short description of any value: a number, an array, a text, a function."""
    if isinstance(value, (bool, str)) or value is None:
        return checks.quoted(value)
    if isinstance(value, numbers.Real):
        return f"{float(value):.6g}"
    if isinstance(value, np.ndarray):
        return _say_array(value)
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {_count(len(value), 'part')}"
    if callable(value):
        return f"the function {getattr(value, '__name__', checks.quoted(value))}"
    text = checks.quoted(value)
    return f"a {type(value).__name__}" if " at 0x" in text else text


def _say_array(value):
    if value.ndim == 0:
        return say(value.item())
    if value.size > FEW or value.dtype.kind not in "fiub":
        return f"an array of shape {_shape(value.shape)}"
    text = np.array2string(value.astype(float) + 0.0, precision=4, suppress_small=True)
    return " ".join(text.split()).replace("[ ", "[").replace(". ", " ").replace(".]", "]")


def _start(name):
    """Return a name for the beginning of a sentence; `b` and `W2` stay what they are."""
    return "T" + name[1:] if name.startswith("the ") else name


def _shape(shape):
    return str(tuple(map(int, shape)))


def _place(index):
    return "[" + ", ".join(str(int(i)) for i in index) + "]"


def _count(n, noun):
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _div(style, text):
    return f'<div role="status" style="{style}">{html.escape(text)}</div>'


class _FirstWords(io.StringIO):
    """A stdout that keeps the first words only: a loop may print for ever."""

    def write(self, text):
        room = max(0, PRINTED - self.tell())
        super().write(text[:room])
        return len(text)
