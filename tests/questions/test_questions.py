"""The predictions of all notebooks: well made, used once each, and their answers are true."""

import importlib
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

import helpers.questions
from helpers import theory
from helpers.activations import RELU
from helpers.lesson import Lesson
from helpers.questions import linearity

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
MODULES = [module.name for module in pkgutil.iter_modules(helpers.questions.__path__)]


def questions(module):
    found = vars(importlib.import_module(f"helpers.questions.{module}"))
    return {name: value for name, value in found.items() if name.isupper()}


def notebook(module):
    (path,) = NOTEBOOKS.glob(f"*{module}*.ipynb")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("module", MODULES)
def test_every_question_is_asked_once_in_its_notebook(module):
    asked = re.findall(r"\*\*questions\.([A-Z0-9_]+)", notebook(module))
    assert sorted(asked) == sorted(questions(module))


@pytest.mark.parametrize("module", MODULES)
def test_every_question_can_be_asked_and_hides_its_answer(module):
    lesson = Lesson("test")
    for question in questions(module).values():
        ask = lesson.predict if "options" in question else lesson.estimate
        box = ask(**question)
        assert question["why"][:20] not in box._repr_mimebundle_()["text/plain"]


@pytest.mark.parametrize("module", MODULES)
def test_keys_are_unique_and_options_differ(module):
    found = questions(module).values()
    assert len({question["key"] for question in found}) == len(found)
    for question in found:
        options = question.get("options", [])
        assert len(set(options)) == len(options)


def test_the_right_option_is_not_always_in_the_same_place():
    places = [question["answer"] for question in questions("linearity").values()]
    assert max(places.count(k) for k in range(4)) < len(places) / 2 + 1


def test_numbers_in_the_answers_are_true():
    assert RELU.f(1) + RELU.f(-1) == 1 and RELU.f(1 + -1) == 0
    assert linearity.SAWTOOTH["answer"] == len(theory.sawtooth_knots(7)) - 1 == 128
    steps = [theory.staircase_bound(n, 1.0) for n in (8, 16)]
    hinges = [theory.interpolation_bound(n, 1.0) for n in (8, 16)]
    assert np.isclose(steps[0] / steps[1], 2) and np.isclose(hinges[0] / hinges[1], 4)
    assert "Steps: half; hinges: a quarter" == linearity.BUILD["options"][1]
    assert linearity.BUILD["answer"] == 1
