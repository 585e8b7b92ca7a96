"""What every exercise of every notebook has to pass; its test file says which, and brings mistakes.

    @pytest.mark.parametrize("exercise", EXERCISES, ids=ids)
    class TestEveryExercise(EveryExercise):
        module, wrong, notebook = linearity, WRONG, "01_linearity_collapse"

    @pytest.mark.parametrize("exercise, wrong, words", cases(EXERCISES, WRONG))
    def test_each_mistake_gets_its_own_helpful_sentence(exercise, wrong, words):
        check_sentence(exercise, wrong, words)

`wrong` is the bank of wrong answers: {key: {function: words that its sentence must hold}}.
"""

import ast
from pathlib import Path

import nbformat
import numpy as np
import pytest

from helpers.grading import grade

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def defined(exercise, source):
    """The learner's function, from its source."""
    space = {"np": np}
    exec(source, space)
    return space[exercise.key]


def ids(exercise):
    return exercise.key


def said(exercise, function):
    """The sentence for a wrong answer."""
    feedback = grade(exercise, function)
    assert feedback.verdict == "wrong", feedback.message
    assert "could not be checked" not in feedback.message
    return feedback.message


def endless(*inputs):
    while True:
        pass


class EveryExercise:
    module, wrong, notebook = None, {}, ""

    def test_the_solution_is_right_and_praised(self, exercise):
        feedback = grade(exercise, defined(exercise, exercise.solution))
        assert feedback.good, feedback.message
        assert feedback.message == f"Correct. {exercise.praise}" and exercise.praise

    def test_the_stub_runs_and_is_not_solved_yet(self, exercise):
        feedback = grade(exercise, defined(exercise, exercise.stub))
        assert feedback.verdict == "open" and exercise.key in feedback.message

    def test_stub_and_solution_are_the_same_function_for_the_learner(self, exercise):
        stub, solution = (ast.parse(s).body for s in (exercise.stub, exercise.solution))
        assert len(stub) == len(solution) == 1 and stub[0].name == exercise.key
        assert ast.dump(stub[0].args) == ast.dump(solution[0].args)
        assert ast.get_docstring(stub[0]) and len(exercise.stub.splitlines()) <= 12

    def test_its_name_is_its_key_in_capitals(self, exercise):
        assert getattr(self.module, exercise.key.upper()) is exercise

    def test_it_says_what_to_do(self, exercise):
        assert exercise.title and exercise.task.count("$") % 2 == 0

    def test_what_fits_all_exercises_is_caught_in_each(self, exercise):
        assert "raised ZeroDivisionError" in said(exercise, lambda *inputs: 1 / 0)
        assert "returned None" in said(exercise, lambda *inputs: print(end=""))
        assert "argument" in said(exercise, lambda a, b, c, d, e, f, g: a)
        assert "got 'later'" in said(exercise, lambda *inputs: "later")
        assert "was stopped" in grade(exercise, endless, seconds=0.1).message

    def test_there_are_many_mistakes_and_no_two_sentences_are_alike(self, exercise):
        sentences = [said(exercise, wrong) for wrong in self.wrong[exercise.key]]
        assert len(sentences) >= 8 and len(set(sentences)) == len(sentences)

    def test_every_sentence_names_what_was_got(self, exercise):
        """A sentence that only says `wrong` does not help: a number, a shape or a name is in it."""
        for wrong in self.wrong[exercise.key]:
            message = said(exercise, wrong)
            assert "expected" in message or "got" in message or any(c.isdigit() for c in message)

    def test_the_notebook_shows_the_stub_and_hides_the_solution(self, exercise):
        cells, name = self.cells(), f"exercises.{exercise.key.upper()}"
        if not any(name in source for source in cells):
            pytest.skip(f"{exercise.key} is not in the notebook")
        assert f"{exercise.stub}\nlesson.check({name}, {exercise.key})" in cells
        solution = cells[f"{exercise.solution}\nassert {name}.accepts({exercise.key})"]
        assert solution.metadata.jupyter.source_hidden and "solution" in solution.metadata.tags

    def cells(self):
        path = NOTEBOOKS / f"{self.notebook}.ipynb"
        if not path.exists():
            pytest.skip(f"{path.name} is not there yet")
        return {c.source: c for c in nbformat.read(path, 4).cells if c.cell_type == "code"}


def cases(exercises, wrong):
    """One parameter for each wrong answer: exercise, wrong function, words of its sentence."""
    return [
        pytest.param(exercise, function, words, id=f"{exercise.key}: {words[:30]}")
        for exercise in exercises for function, words in wrong[exercise.key].items()
    ]


def check_sentence(exercise, wrong, words):
    message = said(exercise, wrong)
    assert words in message, message
    assert message.endswith((".", "?")) and "\n" not in message and len(message) < 200, message
