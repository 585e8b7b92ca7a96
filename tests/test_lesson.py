"""Predictions, the score and their twins without a kernel; the browser's part is in tests/browser.

Buttons are pressed with `click()`, which does in Python what a click in the browser does.
"""

import json
import re

import ipywidgets as widgets
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import lesson as lesson_module
from helpers.exercises.linearity import COUNTEREXAMPLE, FOLDED_RANK
from helpers.lesson import Estimation, Lesson, Prediction, measure

LINEAR = Prediction(
    "linear", r"Is $f(z) = \max(z, 0)$ with `z < 0` linear?", ["yes", "no, <b>never</b>", "at 0"],
    answer=1, why="Because $f(1) + f(-1) > f(0)$ & more.",
)
SHARE = Estimation("share", "How many?", 0, 100, answer=26, within=5, why="Counted.", unit="%")


@pytest.fixture
def lesson():
    return Lesson("test")


def inside(widget):
    """The widget and all that is in it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from inside(child)


def buttons(question):
    return [w for w in inside(question) if isinstance(w, widgets.Button)]


def sent_to_the_browser(question):
    """Everything the browser knows of the question, as text."""
    states = [w.get_state() for w in inside(question)]
    return json.dumps(states, default=repr)


# --- Predictions --------------------------------------------------------------------------------


@pytest.mark.parametrize("choice, points, said", [
    (1, 1.0, "✓ Right.</b> You said B, the answer is B. no, &lt;b&gt;never&lt;/b&gt;."),
    (0, 0.0, "✗ Not this time.</b> You said A, the answer is B. no, "),
])
def test_a_prediction_is_committed_and_then_explained(lesson, choice, points, said):
    question = lesson.ask(LINEAR)
    *options, commit = buttons(question)
    assert commit.disabled and question.value is None and not question.committed
    options[2].click()
    options[choice].click()     # one may change one's mind before it counts
    assert not commit.disabled and question.value == choice
    commit.click()
    assert question.committed and question.points == points
    assert said in question._verdict.value and "Because $f(1) + f(-1) &gt; f(0)$ &amp; more." in (
        question._verdict.value
    )
    assert question._verdict.layout.display is None


def test_the_answer_is_not_in_the_browser_before_it_is_committed(lesson):
    for question, secrets in (
        (lesson.ask(LINEAR), ["Because", "right answer"]), (lesson.ask(SHARE), ["Counted", "26 %"]),
    ):
        known = sent_to_the_browser(question)
        assert [secret for secret in secrets if secret in known] == []
        question.choose(2)
        question.commit()
        known = sent_to_the_browser(question)
        assert [secret for secret in secrets if secret not in known] == []


def test_after_the_commit_nothing_can_be_changed(lesson):
    question = lesson.ask(LINEAR)
    question.choose(0)
    question.commit()
    before = sent_to_the_browser(question)
    assert all(button.disabled for button in buttons(question))
    question.choose(1)
    question.commit()
    for button in buttons(question):
        button.click()
    assert question.value == 0 and question.points == 0 and sent_to_the_browser(question) == before


def test_a_commit_without_a_choice_does_nothing(lesson):
    question = lesson.ask(LINEAR)
    question.commit()
    assert not question.committed and question._verdict.value == ""


def test_every_state_has_a_sign_and_words(lesson):
    question = lesson.ask(LINEAR)
    rows = [row for row in inside(question) if "lesson-row" in row._dom_classes]

    def states():
        return [
            (row._dom_classes[1], re.search("<b>(.)", row.children[0].value)[1],
             row.children[1].description)
            for row in rows
        ]

    question.choose(0)
    assert states() == [
        ("lesson-chosen", "●", "A. yes (chosen)"),
        ("lesson-open", "○", "B. no, <b>never</b>"),
        ("lesson-open", "○", "C. at 0"),
    ]
    question.commit()
    assert states() == [
        ("lesson-wrong", "✗", "A. yes (your answer)"),
        ("lesson-right", "✓", "B. no, <b>never</b> (right answer)"),
        ("lesson-other", "\u2007", "C. at 0"),
    ]


def test_running_the_cell_again_shows_the_same_widget_still_committed(lesson):
    question = lesson.ask(LINEAR)
    question.choose(1)
    question.commit()
    count = len(widgets.widget._instances)
    again = lesson.predict(LINEAR.key, LINEAR.text, list(LINEAR.options), LINEAR.answer, LINEAR.why)
    assert again is question and again.committed
    assert count == len(widgets.widget._instances)


def test_another_text_is_another_question(lesson):
    question = lesson.ask(LINEAR)
    question.choose(1)
    question.commit()
    other = lesson.predict(LINEAR.key, "Is it convex?", LINEAR.options, 0, LINEAR.why)
    assert other is not question and not other.committed
    assert lesson.score().lines() == ["1 prediction, 0 exercises: make them, then see your score "
                                      "here."]


def test_two_lessons_know_nothing_of_each_other(lesson):
    question = lesson.ask(LINEAR)
    question.choose(1)
    question.commit()
    assert not Lesson("other").ask(LINEAR).committed


# --- Estimates ----------------------------------------------------------------------------------


@pytest.mark.parametrize("value, points, said", [
    (26, 1.0, "✓ Right"), (31, 1.0, "✓ Right"), (21, 1.0, "✓ Right"),
    (31.5, 0.5, "≈ Close"), (41, 0.5, "≈ Close"), (42, 0.0, "✗ Not this time"), (0, 0, "✗ Not"),
])
def test_an_estimate_is_scored_by_closeness(lesson, value, points, said):
    question = lesson.ask(SHARE)
    question.choose(value)
    question.commit()
    assert question.points == points
    assert said in question._verdict.value
    assert f"You said {value:g} %, the answer is 26 % (± 5 counts as right)." in (
        question._verdict.value
    )


@given(st.floats(-50, 50), st.floats(0.1, 20))
def test_closer_is_never_worse(answer, within):
    asked = Estimation("k", "?", -100, 100, answer, within, "why")
    points = [asked.points(answer + sign * step * within / 4)
              for sign in (-1, 1) for step in range(20)]
    assert points[:20] == points[20:] == [1] * 5 + [0.5] * 8 + [0] * 7


def test_slider_and_field_hold_the_same_value_and_are_locked_together(lesson):
    question = lesson.ask(SHARE)
    field, slider = (next(w for w in inside(question) if isinstance(w, kind))
                     for kind in (widgets.BoundedFloatText, widgets.FloatSlider))
    assert (field.min, field.max, field.step, field.value) == (0, 100, 1, 50)
    slider.value = 30
    assert field.value == question.value == 30
    field.value = 1000
    assert slider.value == question.value == 100
    question.commit()
    question.choose(26)
    assert field.disabled and slider.disabled and question.value == 100


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_the_step_is_a_round_hundredth_and_the_start_the_middle(low, span):
    asked = Estimation("k", "?", low, low + span, low, span / 10, "why")
    assert 60 <= (asked.high - asked.low) / asked.step <= 200
    assert f"{asked.step:.12e}"[0] in "125" and float(f"{asked.step:.0e}") == asked.step
    start = lesson_module.NumberRow(asked).value
    assert abs(start - (asked.low + asked.high) / 2) <= asked.step


@pytest.mark.parametrize("answer, within, start", [
    (26, 5, 50), (50, 5, 0), (49, 1, 0), (45, 1, 50), (30, 12, 100), (50, 50, 50),
])
def test_the_start_earns_nothing_if_that_can_be(answer, within, start):
    asked = Estimation("k", "?", 0, 100, answer, within, "why")
    assert asked.start == start and (asked.points(start) == 0 or within == 50)


# --- Without a kernel ---------------------------------------------------------------------------


def test_the_twin_of_a_prediction(lesson):
    bundle = lesson.ask(LINEAR)._repr_mimebundle_()
    assert bundle["text/plain"] == (
        "Predict: Is $f(z) = \\max(z, 0)$ with `z < 0` linear?\n"
        "  A. yes\n  B. no, <b>never</b>\n  C. at 0"
    )
    assert bundle["text/html"] == (
        "<p><b>Predict:</b> Is $f(z) = \\max(z, 0)$ with <code>z &lt; 0</code> linear?</p>"
        "<p><b>A.</b> yes<br><b>B.</b> no, &lt;b&gt;never&lt;/b&gt;<br><b>C.</b> at 0</p>"
        "<details><summary>Answer (predict first)</summary>"
        "<p><b>B. no, &lt;b&gt;never&lt;/b&gt;</b></p>"
        "<p>Because $f(1) + f(-1) &gt; f(0)$ &amp; more.</p></details>"
    )
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_the_twin_of_an_estimate(lesson):
    bundle = lesson.ask(SHARE)._repr_mimebundle_()
    assert bundle["text/plain"] == "Estimate: How many?\n  a number from 0 to 100 %"
    before, details = bundle["text/html"].split("<details>")
    assert "(a number from 0 to 100 %)" in before and "26" not in before
    assert "26 % (± 5 counts as right)" in details and "Counted." in details


def test_the_plain_text_does_not_tell_the_answer(lesson):
    assert "Because" not in lesson.ask(LINEAR)._repr_mimebundle_()["text/plain"]
    assert "26" not in lesson.ask(SHARE)._repr_mimebundle_()["text/plain"]


def test_the_twins_are_the_same_in_every_run_whatever_was_clicked():
    def twins(clicked):
        lesson = Lesson("test")
        questions = [lesson.ask(LINEAR), lesson.ask(SHARE)]
        for question in questions if clicked else ():
            question.choose(1)
            question.commit()
        return [(b["text/plain"], b["text/html"])
                for b in (q._repr_mimebundle_() for q in questions)]

    assert twins(False) == twins(True)


def test_a_unit_is_escaped_too(lesson):
    question = lesson.estimate("k", "?", 0, 1, 1, 1, "", unit="<b>")
    assert not any(w.value == "<b>" for w in inside(question) if isinstance(w, widgets.HTML))
    assert "<b>" not in question._repr_mimebundle_()["text/html"].split("number from")[1][:20]


@given(st.text())
def test_no_text_gets_into_the_page_unescaped(text):
    asked = Prediction("k", text, [text, "b"], 0, text)
    shown = Lesson("x").ask(asked)
    shown.choose(1)
    shown.commit()
    page = [shown._repr_mimebundle_()["text/html"]] + [
        w.value for w in inside(shown) if isinstance(w, (widgets.HTML, widgets.HTMLMath))
        and not w.value.startswith("<style")
    ]
    ours = r"</?(p|b|i|br|div|span|code|details|summary)( class=\"[\w-]+\")?>"
    for piece in page:
        assert "<" not in re.sub(ours, "", piece)


# --- The score ----------------------------------------------------------------------------------


def right(sizes):
    return min(sizes)


def test_the_score_invites_as_long_as_nothing_is_done(lesson):
    score = lesson.score()
    lesson.ask(LINEAR), lesson.ask(SHARE)
    lesson.check(FOLDED_RANK, None)
    invitation = "2 predictions, 1 exercise: make them, then see your score here."
    bundle = score._repr_mimebundle_()
    assert bundle["text/plain"] == invitation and invitation in bundle["text/html"]
    assert invitation in score.value


def test_the_score_follows_every_commit_and_every_check(lesson):
    score = lesson.score()
    for asked, value in ((LINEAR, 0), (SHARE, 33)):
        lesson.ask(asked).choose(value)
        lesson.ask(asked).commit()
        assert "made" in score.value, "at once, not only with the next question"
    lesson.predict("third", "?", ["a", "b"], 0, "")
    assert score.lines()[0] == "✗ ≈ ○  2 of 3 predictions made, 0.5 points"
    lesson.check(COUNTEREXAMPLE, lambda: (1, 1))
    lesson.check(FOLDED_RANK, right)
    assert score.lines()[1] == "○ ✓  1 of 2 exercises solved"
    assert score.value.count("1 of 2 exercises solved") == 1 and "<br>" in score.value
    assert score._repr_mimebundle_()["text/plain"] == "\n".join(score.lines())


def test_what_is_solved_stays_solved_and_the_solution_cell_does_not_count(lesson):
    assert FOLDED_RANK.accepts(right)
    assert lesson.check(FOLDED_RANK, right).good
    assert not lesson.check(FOLDED_RANK, max).good
    assert lesson.score().lines()[1] == "✓  1 of 1 exercise solved"


def test_there_is_one_score(lesson):
    assert lesson.score() is lesson.score()


def test_measure_is_there_for_the_lesson(lesson):
    assert lesson.measure is measure


# --- Bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize("make, message", [
    (lambda: Prediction("k", "?", ["a", "b"], 2, ""), "answer of 'k' must .* from 0 to 1, got 2"),
    (lambda: Prediction("k", "?", ["a"], 0, ""), "number of options of 'k' .* from 2 to 8, got 1"),
    (lambda: Prediction("k", "?", ["a"] * 9, 0, ""), "number of options of 'k'"),
    (lambda: Estimation("k", "?", 1, 1, 1, 1, ""), "high of 'k' must be a number above 1, got 1"),
    (lambda: Estimation("k", "?", 0, 1, 2, 1, ""), "answer of 'k' .* from 0 to 1, got 2"),
    (lambda: Estimation("k", "?", 0, 1, 1, 0, ""), "within of 'k' must be .* above 0, got 0"),
    (lambda: Estimation("k", "?", 0, float("nan"), 1, 1, ""), "high of 'k' .* got nan"),
    (lambda: Estimation("k", "?", 0, 1, 1, 1, "", step=-1), "step of 'k' must be"),
    (lambda: Lesson("x").ask(LINEAR).choose(3), "choice must be a whole number from 0 to 2, got 3"),
])
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# --- Looks --------------------------------------------------------------------------------------


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("background, selector", [
    ("#ffffff", ".lesson-question {"), ("#111111", '[data-jp-theme-light="false"]'),
])
def test_the_accent_can_be_read_on_both_themes(background, selector):
    """A contrast of at least 4.5, as WCAG 2.1 asks of text."""
    block = lesson_module._STYLE.split(selector, 1)[1].split("}")[0]
    accent = re.search(r"--lesson-blue: (#\w+)", block)[1]
    dark, light = sorted((luminance(accent), luminance(background)))
    assert (light + 0.05) / (dark + 0.05) >= 4.5
