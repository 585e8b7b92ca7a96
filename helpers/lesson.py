"""What makes a notebook a lesson: predictions, checked exercises, predicted-and-measured tables.

    lesson = Lesson("01_linearity_collapse")
    lesson.predict("depth", "What does depth add?", ["Nothing", "Power"], answer=0, why="...")
    lesson.estimate("xor", "How many of 300 nets succeed?", 0, 300, answer=78, within=20, why="...")
    lesson.check(exercises.COLLAPSE_TWO, collapse_two)
    lesson.measure("Fold the layers", rounding("largest difference", 1e-12, error))
    lesson.score()

The texts of questions live in helpers.questions, so that no answer stands in the notebook above its
question: the cell is `lesson.predict(**questions.DEPTH)`.

A prediction is committed before its answer is shown, and stays committed: running its cell again
shows the same widget, locked. A fresh kernel (or a new Lesson) starts afresh, and a question whose
text has changed is a new question. Nothing in a notebook waits for a click.

A question is used with the mouse, or with Tab, the arrow keys and Space. Where no kernel runs
(GitHub, nbviewer, a fresh clone) its text stands there, with the answer folded away.
"""

import html
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets as widgets

from helpers import checks
from helpers.grading import Exercise, Feedback, Hint, grade
from helpers.table import at_least, at_most, exactly, measure, near, rounding

__all__ = [
    "Estimation", "Exercise", "Feedback", "Hint", "Lesson", "Prediction", "at_least", "at_most",
    "exactly", "measure", "near", "rounding",
]

RIGHT, PARTLY, WRONG, OPEN, CHOSEN = "\u2713\u2248\u2717\u25cb\u25cf"  # ✓ ≈ ✗ ○ ●
LETTERS = "ABCDEFGH"


class Lesson:
    """The questions and exercises of one notebook, and what became of them."""

    measure = staticmethod(measure)

    def __init__(self, name):
        self.name = name
        self._questions = {}  # key -> Question
        self._solved = {}  # exercise key -> bool
        self._score = Score(self._questions, self._solved)

    def predict(self, key, question, options, answer, why):
        """Return a multiple-choice question; `answer` is the index of the right option."""
        return self.ask(Prediction(key, question, options, answer, why))

    def estimate(self, key, question, low, high, answer, within, why, unit="", step=None):
        """Return a question for a number from `low` to `high`; see Estimation."""
        return self.ask(Estimation(key, question, low, high, answer, within, why, unit, step))

    def ask(self, asked):
        """Return the widget of a Prediction or an Estimation: the same one every time."""
        known = self._questions.get(asked.key)
        if known is None or known.asked != asked:
            self._questions[asked.key] = Question(asked, self._score.refresh)
            self._score.refresh()
        return self._questions[asked.key]

    def check(self, exercise, function):
        """Return the Feedback on the learner's `function`; what is solved once stays solved."""
        feedback = grade(exercise, function)
        self._solved[exercise.key] = feedback.good or self._solved.get(exercise.key, False)
        self._score.refresh()
        return feedback

    def score(self):
        """Return the summary of predictions and exercises, which keeps itself up to date."""
        return self._score


# --- What is asked ------------------------------------------------------------------------------
#
# Texts may hold LaTeX between dollars and code between backticks; everything else is escaped.


@dataclass(frozen=True)
class Prediction:
    """A question with 2 to 8 options; `answer` is the index of the right one."""

    key: str
    text: str
    options: Sequence[str]
    answer: int
    why: str

    tag = "Predict"

    def __post_init__(self):
        object.__setattr__(self, "options", tuple(self.options))
        checks.whole(f"number of options of {self.key!r}", len(self.options), 2, len(LETTERS))
        checks.whole(f"answer of {self.key!r}", self.answer, 0, len(self.options) - 1)

    @property
    def right(self):
        return f"{LETTERS[self.answer]}. {self.options[self.answer]}"

    def points(self, value):
        return float(value == self.answer)

    def shown(self, value):
        return LETTERS[value]

    def controls(self, changed):
        return OptionRows(self, changed)

    def plain(self):
        return "\n".join(f"  {LETTERS[i]}. {text}" for i, text in enumerate(self.options))

    def html(self):
        # Not a list: JupyterLab's style would number it 1, 2, 3.
        options = (f"<b>{LETTERS[i]}.</b> {_rich(text)}" for i, text in enumerate(self.options))
        return f"<p>{'<br>'.join(options)}</p>"


@dataclass(frozen=True)
class Estimation:
    """A question for a number from `low` to `high`, with a slider in steps of `step`.

    One point for an estimate at most `within` away from the answer, half a point within three times
    that. The step is about a hundredth of the range unless it is given.
    """

    key: str
    text: str
    low: float
    high: float
    answer: float
    within: float
    why: str
    unit: str = ""
    step: float | None = None

    tag = "Estimate"

    def __post_init__(self):
        low = checks.real(f"low of {self.key!r}", self.low)
        high = checks.real(f"high of {self.key!r}", self.high, low, open_low=True)
        checks.real(f"answer of {self.key!r}", self.answer, low, high)
        checks.real(f"within of {self.key!r}", self.within, 0, open_low=True)
        step = _nice_step(high - low) if self.step is None else self.step
        checks.real(f"step of {self.key!r}", step, 0, high - low, open_low=True)
        object.__setattr__(self, "step", step)

    @property
    def start(self):
        """Where slider and field begin: the middle, or an end, so that no move earns no point."""
        middle = self.low + self.step * round((self.high - self.low) / self.step / 2)
        return next((p for p in (middle, self.low, self.high) if not self.points(p)), middle)

    @property
    def right(self):
        return f"{self.shown(self.answer)} (\u00b1 {self.within:.6g} counts as right)"

    def points(self, value):
        off = abs(value - self.answer) - 1e-9 * self.step  # sliders count in rounded steps
        return 1.0 if off <= self.within else 0.5 if off <= 3 * self.within else 0.0

    def shown(self, value):
        return f"{value:.6g} {self.unit}".strip()

    def controls(self, changed):
        return NumberRow(self)

    def plain(self):
        return f"  a number from {self.low:.6g} to {self.shown(self.high)}"

    def html(self):
        return f"<p>(a number from {self.low:.6g} to {_rich(self.shown(self.high))})</p>"


# --- The widgets --------------------------------------------------------------------------------


class Question(widgets.VBox):
    """A question: controls, a button that commits, and then the verdict and the reason.

    `choose` and `commit` do what the controls and the button do; `value` is None before a choice,
    `points` None before it is committed.
    """

    def __init__(self, asked, tell):
        self.asked, self.points, self._tell = asked, None, tell
        self._controls = asked.controls(self._enable)
        self._button = widgets.Button(description="Commit my prediction", button_style="primary")
        self._button.on_click(lambda _: self.commit())
        self._verdict = widgets.HTMLMath(layout={"display": "none"})
        prompt = widgets.HTMLMath(f'<b class="lesson-tag">{asked.tag}</b> {_rich(asked.text)}')
        for widget, name in (
            (self._button, "commit"), (self._verdict, "verdict"), (prompt, "prompt"),
        ):
            widget.add_class(f"lesson-{name}")
        super().__init__([_hook(), prompt, self._controls, self._button, self._verdict])
        self.add_class("lesson-question")
        self._enable()

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
        self.points = self.asked.points(self.value)
        self._controls.lock()
        self._button.description, self._button.disabled = "Committed", True
        self._verdict.value = _verdict(self.asked, self.value, self.points)
        self._verdict.layout.display = None
        self._tell()

    def _enable(self):
        self._button.disabled = self.value is None

    def _repr_mimebundle_(self, **kwargs):
        return super()._repr_mimebundle_(**kwargs) | _question_twin(self.asked)


class OptionRows(widgets.VBox):
    """Options as rows: a button lies over each row, invisible; the text below it has LaTeX."""

    def __init__(self, asked, changed):
        self.value, self._asked, self._changed, self._locked = None, asked, changed, False
        self._texts = [widgets.HTMLMath() for _ in asked.options]
        self._buttons = [widgets.Button() for _ in asked.options]
        for index, button in enumerate(self._buttons):
            button.add_class("lesson-option")
            button.on_click(lambda _, index=index: self.choose(index))
        self._rows = [widgets.Box(pair) for pair in zip(self._texts, self._buttons, strict=True)]
        super().__init__(self._rows)
        self.add_class("lesson-options")
        self._show()

    def choose(self, index):
        if not self._locked:
            self.value = checks.whole("choice", index, 0, len(self._buttons) - 1)
            self._show()
            self._changed()

    def lock(self):
        self._locked = True
        self._show()

    def _show(self):
        for index, text in enumerate(self._asked.options):
            state, sign, note = self._state(index)
            letter, note = LETTERS[index], f" ({note})" if note else ""
            self._rows[index]._dom_classes = ("lesson-row", f"lesson-{state}")
            self._texts[index].value = (
                f'<div class="lesson-text"><b>{sign} {letter}</b>'
                f"<span>{_rich(text)}<i>{note}</i></span></div>"
            )
            self._buttons[index].description = f"{letter}. {text}{note}"  # for screen readers
            self._buttons[index].disabled = self._locked

    def _state(self, index):
        """Return how row `index` looks (a class), its sign, and the same in words."""
        chosen, right = index == self.value, index == self._asked.answer
        if not self._locked:
            return ("chosen", CHOSEN, "chosen") if chosen else ("open", OPEN, "")
        if right:
            return "right", RIGHT, "your answer, right" if chosen else "right answer"
        return ("wrong", WRONG, "your answer") if chosen else ("other", _BLANK, "")


class NumberRow(widgets.HBox):
    """A number field and a slider that hold the same value."""

    def __init__(self, asked):
        limits = {"min": asked.low, "max": asked.high, "step": asked.step, "value": asked.start}
        self._slider = widgets.FloatSlider(**limits, readout=False)
        self._field = widgets.BoundedFloatText(**limits, description="Your estimate")
        self._field.style.description_width, self._field.layout.width = "initial", "200px"
        widgets.link((self._slider, "value"), (self._field, "value"))
        super().__init__([self._field, widgets.HTML(html.escape(asked.unit)), self._slider])
        self.add_class("lesson-number")

    @property
    def value(self):
        return self._field.value

    def choose(self, value):
        if not self._field.disabled:
            self._field.value = value

    def lock(self):
        self._field.disabled = self._slider.disabled = True


class Score(widgets.HTML):
    """How many predictions were right and how many exercises are solved."""

    def __init__(self, questions, solved):
        self._questions, self._solved = questions, solved
        super().__init__()
        self.add_class("lesson-score")
        self.refresh()

    def refresh(self):
        lines = "<br>".join(html.escape(line) for line in self.lines())
        self.value = f'<div role="status" style="{_SCORE_STYLE}">{lines}</div>'

    def lines(self):
        points = [question.points for question in self._questions.values()]
        made = [p for p in points if p is not None]
        solved = [1 if done else None for done in self._solved.values()]
        questions, exercises = _some(len(points), "prediction"), _some(len(solved), "exercise")
        if not made and not any(solved):
            return [f"{questions}, {exercises}: make them, then see your score here."]
        return [
            f"{_signs(points)}  {len(made)} of {questions} made, {_some(sum(made), 'point')}",
            f"{_signs(solved)}  {solved.count(1)} of {exercises} solved",
        ]

    def _repr_mimebundle_(self, **kwargs):
        twin = {"text/plain": "\n".join(self.lines()), "text/html": self.value}
        return super()._repr_mimebundle_(**kwargs) | twin


# --- Words --------------------------------------------------------------------------------------

_BLANK = "\u2007"  # as wide as a sign


def _question_twin(asked):
    """Return what stands for the question without a kernel; the plain text has no answer."""
    answer = f"<p><b>{_rich(asked.right)}</b></p><p>{_rich(asked.why)}</p>"
    return {
        "text/plain": f"{asked.tag}: {asked.text}\n{asked.plain()}",
        "text/html": (
            f"<p><b>{asked.tag}:</b> {_rich(asked.text)}</p>{asked.html()}"
            f"<details><summary>Answer (predict first)</summary>{answer}</details>"
        ),
    }


def _verdict(asked, value, points):
    words = {1.0: f"{RIGHT} Right.", 0.5: f"{PARTLY} Close.", 0.0: f"{WRONG} Not this time."}
    return (
        f"<b>{words[points]}</b> You said {_rich(asked.shown(value))}, the answer is "
        f"{_rich(asked.right)}.<br>{_rich(asked.why)}"
    )


def _rich(text):
    """Escape a text for HTML; LaTeX between dollars stays, code between backticks is marked."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def _some(n, noun):
    return f"{n:g} {noun}{'' if n == 1 else 's'}"


def _signs(points):
    sign = {None: OPEN, 1: RIGHT, 0.5: PARTLY, 0: WRONG}
    return " ".join(sign[p] for p in points)


def _nice_step(span):
    """Return 1, 2 or 5 times a power of ten, about a hundredth of the span."""
    exponent = math.floor(math.log10(span / 100))
    steps = [float(f"{digit}e{exponent}") for digit in (1, 2, 5, 10)]
    return min(steps, key=lambda step: abs(step - span / 100))


# --- Looks and keys -----------------------------------------------------------------------------


def _hook():
    """Return the hidden widget that brings style and arrow keys to the question it stands in."""
    return widgets.HTML(
        f'<style onload="{html.escape(_SCRIPT)}">{_STYLE}</style>', layout={"display": "none"}
    )


# JupyterLab takes the arrow keys to move from cell to cell, unless the widget that has the focus
# has used them: here they go from one button of the question to the next. Where scripts are not
# allowed, Tab and Space still do everything.
_SCRIPT = """
const box = this.closest('.lesson-question');
box.setAttribute('role', 'group');
box.setAttribute('aria-label', box.querySelector('.lesson-prompt').innerText);
box.querySelector('.lesson-verdict').setAttribute('aria-live', 'polite');
box.onkeydown = event => {
  const step = {ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1}[event.key];
  if (!step || event.target.tagName !== 'BUTTON') return;
  event.preventDefault();
  const buttons = [...box.querySelectorAll('button:not(:disabled)')];
  const next = buttons.indexOf(event.target) + step;
  buttons[(next + buttons.length) % buttons.length].focus();
};
"""

_SCORE_STYLE = (
    "border-left: 4px solid #0072B2; padding: 4px 16px; line-height: 1.7; font-size: 14px; "
    "white-space: pre-wrap"
)

# The colours are those of Okabe and Ito, on whatever background the theme has; every state is told
# by a sign and in words as well.
_STYLE = """
.lesson-question {
  --lesson-blue: #0072B2; --lesson-tint: rgba(0, 114, 178, 0.10); --lesson-green: #009E73;
  --lesson-red: #D55E00; max-width: 840px; box-sizing: border-box; overflow: visible;
  border-left: 4px solid var(--lesson-blue); padding: 4px 4px 4px 16px;
}
[data-jp-theme-light="false"] .lesson-question {
  --lesson-blue: #56B4E9; --lesson-tint: rgba(86, 180, 233, 0.16);
}
.lesson-question :is(.widget-html-content, .widget-htmlmath-content) {
  font-size: var(--jp-content-font-size1, 14px); line-height: 1.5; white-space: normal;
}
.lesson-question :is(.widget-html, .widget-htmlmath) { height: auto; overflow: visible; margin: 0; }
.lesson-prompt { margin-bottom: 6px; }
.lesson-tag { color: var(--lesson-blue); margin-right: 4px; }
.lesson-options, .lesson-row { overflow: visible; }
.lesson-row {
  position: relative; margin: 3px 0; padding: 5px 12px; border-radius: 4px;
  border: 1px solid var(--jp-border-color1, #bdbdbd);
}
.lesson-text { display: flex; gap: 12px; }
.lesson-text b { white-space: nowrap; }
.lesson-row.lesson-chosen { background: var(--lesson-tint); border-color: var(--lesson-blue); }
.lesson-row.lesson-right { border: 2px solid var(--lesson-green); }
.lesson-row.lesson-wrong { border: 2px dashed var(--lesson-red); }
.lesson-row .lesson-option {
  position: absolute; inset: 0; width: auto; height: auto; margin: 0; border-radius: 4px;
  background: none; box-shadow: none; opacity: 1; font-size: 0;
}
.lesson-row .lesson-option:hover:enabled { background: var(--lesson-tint); box-shadow: none; }
.lesson-question :is(button, input, .noUi-handle):focus-visible {
  outline: 3px solid var(--lesson-blue); outline-offset: 2px;
}
.lesson-question .lesson-commit { width: auto; align-self: flex-start; margin: 6px 0; }
.lesson-number { align-items: center; gap: 8px; flex-wrap: wrap; overflow: visible; }
"""
