"""What makes a notebook a lesson: predictions, checked exercises, predicted-and-measured tables.

    lesson = Lesson("01_linearity_collapse")
    lesson.predict("depth", "What does depth add?", ["Nothing", "Power"], answer=0, why="...")
    lesson.estimate("xor", "How many of 300 nets succeed?", 0, 100, answer=26, within=8, why="...")
    lesson.check(exercises.COLLAPSE, collapse)
    measure("Fold the layers", rounding("largest difference", 1e-12, error))
    lesson.score()

A prediction is committed before its answer is shown, and stays committed: running its cell again
shows the same widget, locked. A fresh kernel (or a new Lesson) starts afresh, and a question whose
text has changed is a new question. Nothing in a notebook waits for a click.

A question is used with the mouse, or with Tab, the arrow keys and Space. Where no kernel runs
(GitHub, nbviewer, a fresh clone) its text stands there, with the answer folded away.
"""

import html
import re
from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np

from helpers import checks
from helpers.grading import Exercise, Feedback, Hint, grade
from helpers.table import at_least, at_most, exactly, measure, near, rounding

__all__ = [
    "Exercise", "Feedback", "Hint", "Lesson", "at_least", "at_most", "exactly", "measure", "near",
    "rounding",
]

RIGHT, PARTLY, WRONG, OPEN = "\u2713", "\u2248", "\u2717", "\u25cb"  # check, about, cross, circle


class Lesson:
    """The questions and exercises of one notebook, and what became of them."""

    measure = staticmethod(measure)

    def __init__(self, name):
        self.name = name
        self._questions = {}  # key -> Question
        self._solved = {}  # exercise key -> bool
        self._score = Score(self._questions, self._solved)

    def predict(self, key, question, options, answer, why):
        """Return a multiple-choice prediction. `answer` is the index of the right option.

        Texts may hold LaTeX between dollars and code between backticks; the rest is escaped.
        """
        options = tuple(options)
        checks.whole("answer", answer, 0, len(options) - 1)
        return self._question(key, Choices(question, options, answer, why))

    def estimate(self, key, question, low, high, answer, within, why, unit="", step=None):
        """Return a numeric prediction from `low` to `high`; 1 point `within`, half within 3 times.

        `step` is that of the slider; about a hundredth of the range unless given.
        """
        checks.real("low", low, high=high)
        checks.real("answer", answer, low, high)
        checks.real("within", within, 0)
        step = _nice_step(low, high) if step is None else checks.real("step", step, 0)
        return self._question(key, Range(question, low, high, answer, within, why, unit, step))

    def check(self, exercise, function):
        """Return the Feedback on the learner's `function`; never raises, never hangs."""
        feedback = grade(exercise, function)
        self._solved[exercise.key] = feedback.good or self._solved.get(exercise.key, False)
        self._score.refresh()
        return feedback

    def score(self):
        """Return the summary of predictions and exercises, which keeps itself up to date."""
        return self._score

    def _question(self, key, ask):
        known = self._questions.get(key)
        if known is None or known.ask != ask:
            self._questions[key] = Question(ask, self._score.refresh)
            self._score.refresh()
        return self._questions[key]


# --- What is asked ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choices:
    """A question with options, one of which is right."""

    text: str
    options: tuple
    answer: int
    why: str

    tag = "Predict"

    @property
    def right(self):
        return f"{_letter(self.answer)}. {self.options[self.answer]}"

    def points(self, value):
        return float(value == self.answer)

    def shown(self, value):
        return _letter(value)

    def controls(self, changed):
        return Options(self.options, changed)

    def plain(self):
        return "\n".join(f"  {_letter(i)}. {text}" for i, text in enumerate(self.options))

    def html(self):
        items = "".join(f"<li>{_rich(text)}</li>" for text in self.options)
        return f'<ol type="A">{items}</ol>'


@dataclass(frozen=True)
class Range:
    """A question for a number."""

    text: str
    low: float
    high: float
    answer: float
    within: float
    why: str
    unit: str
    step: float

    tag = "Estimate"

    @property
    def right(self):
        return self.shown(self.answer)

    def points(self, value):
        off = abs(value - self.answer) - 1e-9 * abs(self.high)  # a slider adds rounding
        return 1.0 if off <= self.within else 0.5 if off <= 3 * self.within else 0.0

    def shown(self, value):
        return f"{value:.6g} {self.unit}".strip()

    def controls(self, changed):
        return Estimate(self, changed)

    def plain(self):
        return f"  a number from {self.low:.6g} to {self.shown(self.high)}"

    def html(self):
        return f"<p>(a number from {self.low:.6g} to {_rich(self.shown(self.high))})</p>"


# --- The widgets --------------------------------------------------------------------------------


class Question(widgets.VBox):
    """A prediction: controls, a button that commits, and then the verdict and the reason.

    `commit()` does what the button does; `value` is what is chosen, None before that.
    """

    def __init__(self, ask, committed):
        self.ask, self._tell, self.points = ask, committed, None
        self._controls = ask.controls(self._changed)
        self._button = widgets.Button(description="Commit my prediction")
        self._button.add_class("lesson-commit")
        self._button.on_click(lambda _: self.commit())
        self._verdict = widgets.HTMLMath()
        self._verdict.add_class("lesson-verdict")
        prompt = widgets.HTMLMath(f"<b>{ask.tag}</b> {_rich(ask.text)}")
        prompt.add_class("lesson-prompt")
        super().__init__([_keys(), prompt, self._controls, self._button, self._verdict])
        self.add_class("lesson-question")
        self._changed()

    @property
    def value(self):
        return self._controls.value

    @property
    def committed(self):
        return self.points is not None

    def choose(self, value):
        """Choose an option by its index, or a number."""
        self._controls.choose(value)

    def commit(self):
        """Lock the choice, show the verdict and the reason; nothing if there is no choice yet."""
        if self.committed or self.value is None:
            return
        self.points = self.ask.points(self.value)
        self._controls.lock(self.ask)
        self._button.description, self._button.disabled = "Committed", True
        self._verdict.value = _verdict(self.ask, self.value, self.points)
        self._tell()

    def _changed(self):
        self._button.disabled = self.value is None

    def _repr_mimebundle_(self, **kwargs):
        ask, bundle = self.ask, super()._repr_mimebundle_(**kwargs)
        answer = f"<p><b>{_rich(ask.right)}</b></p><p>{_rich(ask.why)}</p>"
        bundle["text/plain"] = f"{ask.tag}: {ask.text}\n{ask.plain()}"
        bundle["text/html"] = (
            f"<p><b>{ask.tag}.</b> {_rich(ask.text)}</p>{ask.html()}"
            f"<details><summary>Answer (predict first)</summary>{answer}</details>"
        )
        return bundle


class Options(widgets.VBox):
    """Options as rows: a button over each row takes clicks and keys, the text below has LaTeX."""

    def __init__(self, options, changed):
        self.value, self._options, self._changed, self._locked = None, options, changed, False
        self._texts = [widgets.HTMLMath() for _ in options]
        self._buttons = [widgets.Button() for _ in options]
        for index, button in enumerate(self._buttons):
            button.add_class("lesson-option")
            button.on_click(lambda _, index=index: self.choose(index))
        rows = [widgets.Box(pair) for pair in zip(self._texts, self._buttons, strict=True)]
        for row in rows:
            row.add_class("lesson-row")
        super().__init__(rows)
        self._show()

    def choose(self, index):
        if not self._locked:
            self.value = checks.whole("choice", index, 0, len(self._options) - 1)
            self._show()
            self._changed()

    def lock(self, ask):
        self._locked = True
        self._show(ask.answer)

    def _show(self, answer=None):
        for index, text in enumerate(self._options):
            sign, note = self._state(index, answer)
            letter, noted = _letter(index), f" <i>({note})</i>" if note else ""
            self._texts[index].value = f"<b>{sign} {letter}</b> <span>{_rich(text)}{noted}</span>"
            self._buttons[index].description = f"{letter}. {text}{f' ({note})' if note else ''}"
            self._buttons[index].disabled = self._locked

    def _state(self, index, answer):
        chosen = index == self.value
        if answer is None:
            return ("\u25cf", "chosen") if chosen else (OPEN, "")
        if index == answer:
            return RIGHT, "your answer, right" if chosen else "right answer"
        return (WRONG, "your answer") if chosen else ("\u2007", "")


class Estimate(widgets.HBox):
    """A slider and a number field that hold the same value."""

    def __init__(self, ask, changed):
        middle = ask.low + ask.step * round((ask.high - ask.low) / ask.step / 2)
        limits = {"min": ask.low, "max": ask.high, "step": ask.step, "value": middle}
        self._slider = widgets.FloatSlider(**limits, readout=False)
        self._field = widgets.BoundedFloatText(**limits, description="Your estimate")
        widgets.link((self._slider, "value"), (self._field, "value"))
        super().__init__([self._field, widgets.HTML(html.escape(ask.unit)), self._slider])
        self.add_class("lesson-estimate")

    @property
    def value(self):
        return self._field.value

    def choose(self, value):
        if not self._field.disabled:
            self._field.value = value

    def lock(self, ask):
        self._field.disabled = self._slider.disabled = True


class Score(widgets.HTML):
    """How many predictions were right and how many exercises are solved."""

    def __init__(self, questions, solved):
        self._questions, self._solved = questions, solved
        super().__init__()
        self.add_class("lesson-score")
        self.refresh()

    def refresh(self):
        self.value = "<br>".join(html.escape(line) for line in self.lines())

    def lines(self):
        made = [q.points for q in self._questions.values() if q.committed]
        asked, posed = len(self._questions), len(self._solved)
        if not made and not any(self._solved.values()):
            yield (
                f"{_some(asked, 'prediction')}, {_some(posed, 'exercise')}: make them, then see "
                f"your score here."
            )
            return
        yield f"Predictions: {len(made)} of {asked} made, {sum(made):g} right."
        yield f"Exercises: {sum(self._solved.values())} of {posed} solved."

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        bundle["text/plain"] = "\n".join(self.lines())
        bundle["text/html"] = f"<p>{self.value}</p>"
        return bundle


# --- Words --------------------------------------------------------------------------------------


def _verdict(ask, value, points):
    sign, words = {
        1.0: (RIGHT, "Right"), 0.5: (PARTLY, "Close"), 0.0: (WRONG, "Not so"),
    }[points]
    return (
        f"<b>{sign} {words}.</b> You said {_rich(ask.shown(value))}; "
        f"the answer is {_rich(ask.right)}.<br>{_rich(ask.why)}"
    )


def _rich(text):
    """Escape a text for HTML; LaTeX between dollars stays, code between backticks is marked."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def _letter(index):
    return "ABCDEFGH"[index]


def _some(n, noun):
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _nice_step(low, high):
    """Return 1, 2 or 5 times a power of ten, about a hundredth of the range."""
    raw = (high - low) / 100
    power = 10.0 ** np.floor(np.log10(raw))
    return float(min((m * power for m in (1, 2, 5, 10)), key=lambda s: abs(np.log(s / raw))))


def _keys():
    """Return the hidden widget that brings style and arrow keys to the question it stands in."""
    hook = widgets.HTML(f'<style onload="{html.escape(_SCRIPT)}">{_STYLE}</style>')
    hook.layout.display = "none"
    return hook


_SCRIPT = ""
_STYLE = ""
