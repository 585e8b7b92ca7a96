"""Predictions and checks in a real JupyterLab: by keyboard, by mouse, and without a kernel."""

import json

import nbformat
import pytest
from jupyter_lab import wait_until

SETUP = """
from helpers.exercises import linearity as exercises
from helpers.lesson import Lesson
lesson = Lesson("browser")
"""
QUESTION = """
lesson.predict(
    "keys", "What is $2^{10}$?", ["$1000$", "about a thousand: $1024$", "20"], answer=1,
    why="Ten doublings of $1$.",
)
"""
ESTIMATE = """
lesson.estimate("mouse", "How many?", 0, 100, answer=30, within=2, why="Counted.", unit="%")
"""
EXERCISE = """
def folded_rank(sizes):
    {}

lesson.check(exercises.FOLDED_RANK, folded_rank)
"""
CELLS = [SETUP, QUESTION, ESTIMATE, EXERCISE.format("return ..."), "lesson.score()"]

STATE = """() => {
    const notebook = jupyterapp.shell.currentWidget.content, focus = document.activeElement;
    return [notebook.activeCellIndex, notebook.mode, focus.textContent.trim().slice(0, 2)];
}"""


@pytest.fixture(scope="module")
def notebook(folder, open_notebook):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in CELLS]
    stored = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(stored, folder / "lesson.ipynb")
    return open_notebook("lesson.ipynb")


@pytest.fixture
def page(notebook):
    """The page with all cells run again by a new Lesson: nothing is committed."""
    assert notebook.run_all()
    notebook.page.wait_for_selector(".lesson-question mjx-container", timeout=30_000)
    yield notebook.page
    assert notebook.problems() == []


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def says(locator, text):
    return wait_until(lambda: text in locator.inner_text(), 10)


def focus(page):
    """The number of the active cell and the first two letters of the button that has the focus."""
    page.wait_for_timeout(150)  # JupyterLab answers a key a little later
    cell, mode, letters = page.evaluate(STATE)
    assert mode == "command"
    return cell, letters


def test_a_prediction_by_keyboard_alone(page, notebook, artifacts):
    question = page.locator(".lesson-question").first
    question.locator(".lesson-option").first.focus()
    assert focus(page) == (1, "A.")
    for key, letters in [("ArrowDown", "B."), ("ArrowRight", "C."), ("ArrowDown", "A."),
                         ("ArrowUp", "C."), ("ArrowLeft", "B.")]:
        press(page, key)
        assert focus(page) == (1, letters), "the arrow keys stay within the question"
    press(page, "Space")
    assert says(question, "(chosen)") and question.locator(".lesson-chosen").count() == 1
    press(page, "Tab", "Tab")
    assert focus(page) == (1, "Co")
    notebook.shot(artifacts / "lesson" / "keyboard.png")
    press(page, "Enter")
    assert says(question, "✓ Right. You said B, the answer is B.")
    assert question.locator("button:enabled").count() == 0
    press(page, "Tab")
    assert page.evaluate("() => document.activeElement.closest('.lesson-number') !== null"), (
        "the focus goes on to the next question"
    )


def test_a_prediction_by_mouse(page, notebook, artifacts):
    question = page.locator(".lesson-question").first
    assert question.locator(".lesson-commit").is_disabled()
    question.get_by_text("20", exact=True).click(force=True)   # the text, not the button over it
    assert says(question.locator(".lesson-chosen"), "20")
    question.locator(".lesson-commit").click()
    assert says(question.locator(".lesson-verdict"), "✗ Not this time. You said C")
    assert says(question.locator(".lesson-right"), "(right answer)")
    assert question.locator(".lesson-verdict mjx-container").count() >= 2
    notebook.shot(artifacts / "lesson" / "mouse.png")
    question.locator(".lesson-option").first.click(force=True)
    assert page.locator(".lesson-chosen").count() == 0


def test_the_focus_can_be_seen(page):
    option = page.locator(".lesson-option").first
    option.focus()
    press(page, "ArrowDown", "ArrowUp")     # the browser marks what was reached by keyboard
    style = option.evaluate("e => [getComputedStyle(e).outlineStyle, e.matches(':focus-visible')]")
    assert style == ["solid", True]


def test_an_estimate_with_the_field_and_the_slider(page):
    question = page.locator(".lesson-question").nth(1)
    question.locator("input").fill("40")
    press(page, "Tab")
    handle = question.locator(".noUi-handle")
    assert wait_until(lambda: handle.get_attribute("aria-valuenow") == "40.0", 10)
    assert handle.evaluate("e => e === document.activeElement")
    press(page, *["ArrowLeft"] * 11, "ArrowUp")
    assert wait_until(lambda: question.locator("input").input_value() == "30", 10)
    assert focus(page)[0] == 2, "the arrow keys stay within the slider"
    press(page, "Tab", "ArrowDown")
    assert focus(page) == (2, "Co"), "the only button keeps the focus"
    press(page, "Space")
    assert says(question, "✓ Right. You said 30 %, the answer is 30 %")
    assert question.locator("input").is_disabled()


def test_the_score_follows(page, notebook):
    score = page.locator(".lesson-score")
    assert says(score, "2 predictions, 1 exercise: make them, then see your score here.")
    question = page.locator(".lesson-question").first
    question.locator(".lesson-option").nth(1).click()
    question.locator(".lesson-commit").click()
    assert says(score, "✓ ○  1 of 2 predictions made, 1 point")
    notebook.execute(EXERCISE.format("return min(sizes)"))
    assert says(score, "✓  1 of 1 exercise solved")


def test_an_endless_loop_leaves_the_kernel_alive(notebook):
    notebook.execute("from helpers import grading; grading.SECONDS = 1")
    said = notebook.execute(
        "from helpers.grading import grade\ndef loop(sizes):\n    while True: pass\n"
        "print(grade(exercises.FOLDED_RANK, loop, seconds=1))"
    )
    assert "was still running after 1 s and was stopped" in said
    assert notebook.execute("print(6 * 7)").strip() == "42"


def test_names_for_screen_readers(page):
    question = page.locator(".lesson-question").first
    assert question.get_attribute("role") == "group"
    assert "What is" in question.get_attribute("aria-label")
    assert page.get_by_role("button", name="C. 20").count() == 1
    assert question.locator(".lesson-verdict").get_attribute("aria-live") == "polite"
    assert page.get_by_label("Your estimate").count() == 1


def test_a_narrow_window_cuts_nothing_off(page, notebook, artifacts):
    page.set_viewport_size({"width": 700, "height": 1000})
    page.wait_for_timeout(500)
    notebook.shot(artifacts / "lesson" / "narrow.png")
    wide = page.evaluate(
        "() => [...document.querySelectorAll('.lesson-question')].filter("
        "q => [q, ...q.querySelectorAll('.lesson-row, button')].some("
        "e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === 'hidden')"
        ").length"
    )
    page.set_viewport_size({"width": 1280, "height": 900})
    assert wide == 0


def test_without_a_kernel_the_text_stands_there(notebook, page):
    outputs = [cell["outputs"][0]["data"] for cell in notebook.cells()[1:] if cell["outputs"]]
    texts = [json.dumps(output) for output in outputs]
    assert "<details><summary>Answer" in texts[0] and "Ten doublings" in texts[0]
    assert "a number from 0 to 100 %" in texts[1]
    assert "Not solved yet" in texts[2]
    assert "make them, then see your score here" in texts[3]
