"""The challenges of notebook 07: what a run did decides, and each way to miss has its sentence."""

import ast
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from exercise_bank import EveryExercise, cases, check_sentence, ids, said

from helpers.exercises import lab
from helpers.exercises.lab import EXERCISES
from helpers.experiment import Experiment, run
from helpers.grading import grade

SHORT = dict(nets=8, steps=10, seed=26)
FILM = run(**SHORT)  # of two ReLU layers on the moons; the tests below change what it says


def film(right=0.5, dead=0.0, zeros=0.5, loss=0.5, worst=None, gradient=1.0, **settings):
    """A film that claims these values at its end, and these settings."""
    wanted = Experiment(**{**SHORT, **settings})
    accuracy, losses = np.full((2, wanted.nets), right), np.full((11, wanted.nets), loss)
    accuracy[:, 0] = right if worst is None else worst
    shares = np.ones((2, wanted.nets, wanted.depth))
    gradients = np.ones((2, wanted.nets, wanted.depth + 1))
    gradients[..., 0] = gradient
    return FILM._replace(
        settings=wanted, steps=np.array([0, wanted.steps]), accuracy=accuracy, losses=losses,
        dead=dead * shares, zeros=zeros * shares, gradients=gradients,
    )  # fmt: skip


def gives(answer):
    return lambda: answer


TANH = dict(activation="tanh")
WELL = film(0.95, **TANH, scale=1.0)
POOR = film(0.5, **TANH, scale=0.01)
DIGITS = dict(data="digits", depth=10, activation="sigmoid")
SPIRAL = dict(data="spiral", depth=1, width=8, activation="tanh")
STOPPED = film(steps=20)._replace(steps=np.array([0, 7]))

ANY = {  # these do not fit any challenge
    gives(np.zeros(3)): "got [0 0 0]",
    gives(film): "got the function film",
    gives(0.9): "got 0.9",
    gives("lab.lab()"): "got 'lab.lab()'",
    gives(STOPPED): "stopped at step 7 of 20",
    gives(film(nets=3)): "has 3 of at least 8 nets",
}

WRONG = {
    "survive": {
        **ANY,
        gives(film(0.5, 0.2)): "Only 20% of the units are dead on all data, and only 50%",
        gives(film(0.95, 0.3)): "Only 30% of the units are dead on all data (median): kill",
        gives(film(0.95, 0.4, zeros=0.95)): "95% of the outputs are 0, but only 40%",
        gives(film(0.5, 0.95)): "95% of the units are dead on all data, but only 50%",
    },
    "fail_and_mend": {
        gives(POOR._asdict()): "Return two runs, the failed one first: failed, mended; got",
        gives((WELL, 3)): "got 3",
        gives((STOPPED, WELL)): "stopped at step 7 of 20",
        gives((WELL, WELL)): "the same run",
        gives((film(0.5), WELL)): "The first run has hidden units with relu",
        gives((POOR, film(0.95, activation="tanh, relu"))): "second run has hidden units with relu",
        gives((POOR, film(0.95, **TANH, then="elu", switch=5))): "with elu and tanh",
        gives((POOR, film(0.95, **TANH, lr=0.1, depth=3))): "differ in depth and lr, expected",
        gives((WELL, POOR)): "wrong way round: the failed",
        gives((film(0.7, **TANH, scale=0.1), WELL)): "The first run has 70% right",
        gives((POOR, film(0.7, **TANH))): "The second run has 70% right",
    },
    "ten_sigmoids": {
        **ANY,
        gives(film(1.0, activation="sigmoid", depth=10)): "learned moons",
        gives(film(1.0, **{**DIGITS, "depth": 9})): "has 9 hidden layers",
        gives(film(1.0, **{**DIGITS, "activation": "tanh"})): "units with tanh, expected sigm",
        gives(film(0.9, **DIGITS, gradient=1e-4)): "1e-04 times that of layer 10: larger",
        gives(film(0.9, **DIGITS, gradient=0.5)): "5e-01 times that of layer 10: a fair start",
    },
    "eight_units": {
        **ANY,
        gives(film(1.0, loss=0, activation="tanh")): "learned moons",
        gives(film(1.0, loss=0, **{**SPIRAL, "width": 9})): "has 9 hidden units",
        gives(film(1.0, loss=0, **SPIRAL, batch=64)): "use all 300 points",
        gives(film(1.0, loss=0.3, **SPIRAL)): "Your last loss is 0.3 (median)",
        gives(film(1.0, loss=0, worst=0.7, **SPIRAL)): "your worst net has only 70.0% right",
    },
}


def executed(exercise):
    """The learner's function of the solution, which trains before the check begins."""
    space = {"np": np, "run": run}
    exec(exercise.solution, space)
    return space[exercise.key]


@pytest.mark.parametrize("exercise", EXERCISES, ids=ids)
class TestEveryExercise(EveryExercise):
    module, wrong, notebook = lab, WRONG, "07_activation_lab"

    def test_the_solution_is_right_and_praised(self, exercise):
        feedback = grade(exercise, executed(exercise))
        assert feedback.good, feedback.message
        assert feedback.message == f"Correct. {exercise.praise}" and exercise.praise

    def test_stub_and_solution_are_the_same_function_for_the_learner(self, exercise):
        (stub,), (*training, solution) = (
            ast.parse(s).body for s in (exercise.stub, exercise.solution)
        )
        assert stub.name == solution.name == exercise.key
        assert ast.get_docstring(stub) and ast.get_docstring(solution)
        assert training and all(isinstance(line, ast.Assign) for line in training)
        assert len(exercise.stub.splitlines()) <= 12


@pytest.mark.parametrize("exercise, wrong, words", cases(EXERCISES, WRONG))
def test_each_mistake_gets_its_own_helpful_sentence(exercise, wrong, words):
    check_sentence(exercise, wrong, words)


@pytest.mark.parametrize("wrap", [
    lambda film: film,
    lambda film: SimpleNamespace(film=film),  # what a lab records
    lambda film: SimpleNamespace(record=SimpleNamespace(film=film)),  # a lab
])
def test_a_lab_its_record_and_a_film_are_all_answers(wrap):
    assert grade(lab.SURVIVE, gives(wrap(film(0.95, 0.95)))).good
    assert grade(lab.FAIL_AND_MEND, gives((wrap(POOR), wrap(WELL)))).good


def test_medians_over_the_nets_decide_not_a_lucky_one():
    lucky = film(0.5, 0.95)
    lucky.accuracy[:, :4] = 1.0
    assert "only 75% of the answers" in said(lab.SURVIVE, gives(lucky))
    lucky.accuracy[:, :5] = 1.0
    assert grade(lab.SURVIVE, gives(lucky)).good


def test_every_start_may_mend_and_nothing_else():
    for change in (dict(scheme="orthogonal"), dict(scale=2.0), dict(bias=1.0)):
        assert grade(lab.FAIL_AND_MEND, gives((POOR, film(0.95, **{**TANH, **change})))).good
    for change in (dict(seed=27), dict(width=17), dict(optimizer="sgd"), dict(l2=0.1)):
        pair = POOR, film(0.95, **TANH, **change)
        assert next(iter(change)) in said(lab.FAIL_AND_MEND, gives(pair))


def test_the_reference_is_trained_on_the_points_of_the_answer():
    film = lab.reference(27)
    assert film.settings == replace(lab.REFERENCE, seed=27)
    assert film.settings.net.sizes == (2, 16, 16, 1) and len(film.losses) == 501
