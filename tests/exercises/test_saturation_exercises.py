"""The exercises of notebook 02: solutions pass, and each known mistake gets its own sentence."""

import ast
from pathlib import Path

import nbformat
import numpy as np
import pytest

from helpers import mean_field
from helpers.activations import RELU, SIGMOID, TANH
from helpers.exercises import saturation
from helpers.exercises.saturation import EXERCISES
from helpers.grading import grade

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "02_sigmoid_saturation.ipynb"


def defined(exercise, source):
    space = {"np": np}
    exec(source, space)
    return space[exercise.key]


def ids(exercise):
    return exercise.key


# --- Every exercise -----------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", EXERCISES, ids=ids)
class TestEveryExercise:
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
        assert getattr(saturation, exercise.key.upper()) is exercise

    def test_it_says_what_to_do(self, exercise):
        assert exercise.title and exercise.task.count("$") % 2 == 0

    def test_what_fits_all_exercises_is_caught_in_each(self, exercise):
        assert "raised ZeroDivisionError" in said(exercise, lambda *inputs: 1 / 0)
        assert "returned None" in said(exercise, lambda *inputs: print(end=""))
        assert "argument" in said(exercise, lambda a, b, c, d, e, f, g: a)
        assert "got 'later'" in said(exercise, lambda *inputs: "later")
        assert "was stopped" in grade(exercise, endless, seconds=0.1).message


def endless(*inputs):
    while True:
        pass


def said(exercise, function):
    feedback = grade(exercise, function)
    assert feedback.verdict == "wrong", feedback.message
    assert "could not be checked" not in feedback.message
    return feedback.message


# --- The bank of wrong answers ------------------------------------------------------------------


def chain(slope=lambda df, z, a, out: df(z), weight=lambda w: w, bias=1, last=None, result=None):
    """A chain_gradient with a mistake in it."""

    def chain_gradient(f, df, w, b, x):
        gradient, a = 1.0, x
        for w_k, b_k in list(zip(w, b, strict=True))[:last]:
            z = w_k * a + bias * b_k
            gradient *= weight(w_k) * slope(df, z, a, f(z))
            a = f(z)
        return gradient if result is None else result(gradient, a)

    return chain_gradient


def p_of(z):
    return np.exp(z - z.max()) / np.exp(z - z.max()).sum()


def one_hot(z, label):
    return np.eye(len(z))[label]


def squared_error(z, label):
    p, y = p_of(z), one_hot(z, label)
    return 2 * (p * (p - y) - p * (p @ (p - y)))


def overflowing_softmax(z, label):
    return np.exp(z) / np.exp(z).sum() - one_hot(z, label)


def where_sigmoid(z):
    return np.where(z > 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z)))


def one_if(z):
    return 1 / (1 + np.exp(-z)) if z > 0 else np.exp(z)


def half_tail(z):
    return 0.5 + 0.5 * np.tanh(z / 2)


def clipped(limit):
    return lambda z: 1 / (1 + np.exp(-np.clip(z, -limit, limit)))


def s_of(level):
    return (1 + np.sqrt(1 - 4 * level)) / 2


def both(W_of, b_of):
    return lambda W, b: (W_of(W), b_of(W, b))


def image(b_of):
    return both(lambda W: 4 * W, b_of)


def reversed_softmax(z, label):
    z -= z.max()
    return p_of(z)


WRONG = {
    "central_difference": {
        lambda f, x, h: (f(x + h) - f(x - h)) / 2 * h: "its own brackets: the slope of square at 3",
        lambda f, x, h: (f(x + h) - f(x - h)) / h: "2 h apart, not h",
        lambda f, x, h: (f(x + h) - f(x)) / h: "the forward difference",
        lambda f, x, h: (f(x) - f(x - h)) / h: "the backward difference",
        lambda f, x, h: f(x + h) - f(x - h) / (2 * h): "brackets round the difference are missing",
        lambda f, x, h: f(x + h) - f(x - h): "still has to be divided",
        lambda f, x, h: (f(x - h) - f(x + h)) / (2 * h): "f(x + h) comes first",
        lambda f, x, h: 0.0: "for h = 0.25 is not right yet: got 0, expected 6",
        lambda f, x, h: [f(x + h), f(x - h)]: "The slope should be one number, got [",
        lambda f, x, h: float("nan"): "The slope should be a finite number, got nan",
    },
    "slope_from_output": {
        lambda a: SIGMOID.df(a): "do not send it through the sigmoid again",
        lambda a: 1 - a**2: "slope of tanh from its output",
        lambda a: (1 - a**2) * a: "fits neither sigmoid nor tanh",
        lambda a: 1 - a: "The factor a is missing",
        lambda a: a: "The factor 1 - a is missing",
        lambda a: a * (1 + a): "not 1 + a",
        lambda a: 0.25 + 0 * a: "1/4 is only the largest slope",
        lambda a: a * (a - 1): "the sigmoid rises",
        lambda a: a[:2]: "The slope has shape (2,), expected (5,)",
        lambda a: 2 * a * (1 - a): "off by a factor, 2 times",
        lambda a: np.log(a - a): "The slope should hold finite numbers, got -inf",
    },
    "tanh_from_sigmoid": {
        lambda s, z: 2 * s(z) - 1: "the sigmoid needs 2 z",
        lambda s, z: s(2 * z): "stretch it as well",
        lambda s, z: 2 * s(2 * z): "now move it down by 1",
        lambda s, z: s(2 * z) - 1: "stretched first",
        lambda s, z: 2 * s(z / 2) - 1: "2 z, not z / 2",
        lambda s, z: s(2 * z) - 0.5: "from -1/2 to 1/2 now",
        lambda s, z: 1 - 2 * s(2 * z): "tanh rises",
        lambda s, z: s(z): "the sigmoid itself",
        lambda s, z: 2 * s: "raised TypeError",
        lambda s, z: 2 * s(2 * z) + 1: "off by a constant, +2",
    },
    "stable_sigmoid": {
        lambda z: 1 / (1 + np.exp(-z)): "there is an overflow: exp(1000)",
        where_sigmoid: "For z = -1000 or 1000 there is an overflow",
        lambda z: np.exp(z) / (1 + np.exp(z)): "there is an overflow",
        one_if: "raised ValueError: The truth value of an array",
        half_tail: "For z = -50 you get 0, expected 1.92875e-22: 1 minus or plus",
        clipped(20): "For z = -50 you get 2.06115e-09, expected 1.92875e-22: clipping",
        clipped(1): "The answer is not right yet",
        lambda z: 1 / (1 + np.exp(-np.abs(z))): "|z| alone forgets the sign",
        lambda z: np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))): "right for z < 0 only",
        lambda z: SIGMOID(-z): "This is the sigmoid of -z",
        np.tanh: "This is tanh",
        lambda z: 0.5 + 0.5 * np.tanh(z): "and needs z / 2",
        lambda z: SIGMOID.df(z): "This is the slope",
        lambda z: z * np.nan: "should hold finite numbers, got nan",
    },
    "saturation_threshold": {
        lambda level: np.log((1 - level) / level): "where the output is that near to 1",
        lambda level: -np.log(level): "e^-z is only nearly the slope",
        s_of: "This is the output s there",
        lambda level: 1 - s_of(level): "This is 1 - s, now find z",
        lambda level: np.log((1 - s_of(level)) / s_of(level)): "threshold on the left",
        lambda level: np.arctanh(np.sqrt(1 - level)): "the threshold of tanh",
        lambda level: 2 * np.arctanh(np.sqrt(1 - level)): "not its share of 1/4",
        lambda level: 4.585: "is not right yet: got 4.585, expected 1.38629",
        lambda level: np.log(level - level): "The threshold should be a finite number, got -inf",
        lambda level: (1, 2): "The threshold should be one number, got [1 2]",
    },
    "chain_gradient": {
        chain(weight=lambda w: 1): "The weights are missing",
        chain(slope=lambda df, z, a, out: 1): "The slopes are missing",
        chain(slope=lambda df, z, a, out: df(out)): "not the output f(z)",
        chain(slope=lambda df, z, a, out: df(a)): "not what comes in",
        chain(last=1): "the first layer only",
        chain(result=lambda gradient, a: a): "output of the chain, not its slope",
        chain(slope=lambda df, z, a, out: 0.25): "the bound, with 1/4",
        chain(last=-1): "factor of the last layer is missing",
        chain(bias=0): "biases are missing",
        chain(result=lambda gradient, a: abs(gradient)): "keep the sign",
        lambda f, df, w, b, x: w * df(w * x + b): "The gradient should be one number, got [",
        chain(result=lambda gradient, a: 2 * gradient): "tanh units is not right yet",
        chain(result=lambda gradient, a: gradient / 0): "should be a finite number, got -inf",
    },
    "softmax_gradient": {
        lambda z, label: p_of(z): "the label is missing",
        lambda z, label: one_hot(z, label) - p_of(z): "points downhill",
        lambda z, label: (p_of(z) - one_hot(z, label)) * p_of(z) * (1 - p_of(z)): "it cancels",
        lambda z, label: (p_of(z) - one_hot(z, label)) * one_hot(z, label): "Only the entry of",
        lambda z, label: np.exp(z) - one_hot(z, label): "divided by its sum",
        squared_error: "gradient of the squared error",
        lambda z, label: z - one_hot(z, label): "turn z into probabilities first",
        lambda z, label: -one_hot(z, label) / p_of(z): "its gradient reaches all z",
        overflowing_softmax: "you get NaN, expected 1, -1, 0",
        lambda z, label: -np.log(p_of(z)[label]): "has shape (), expected (3,)",
        reversed_softmax: "changed its input z in place",
        lambda z, label: 3 * (p_of(z) - one_hot(z, label)): "off by a factor, 3 times",
    },
    "sigmoid_layer": {
        both(lambda W: 2 * W, lambda W, b: 2 * (b - W.sum(0))): "twice for the outputs",
        both(lambda W: W, lambda W, b: b): "The weights have to change as well",
        both(lambda W: W / 4, lambda W, b: b): "grow, not shrink",
        both(lambda W: 8 * W, lambda W, b: b): "each 2 counts once",
        both(lambda W: 4 * W.T, lambda W, b: b): "W is transposed",
        image(lambda W, b: 2 * b): "subtract the sums of W",
        image(lambda W, b: b): "The bias has to change as well",
        image(lambda W, b: 2 * b - W.sum(0)): "2 z doubles the sums of W as well",
        image(lambda W, b: b - 2 * W.sum(0)): "The b needs its factor 2",
        image(lambda W, b: b - W.sum(0)): "The factor 2 of 2 z is missing",
        image(lambda W, b: 2 * (b + W.sum(0))): "-1 subtracts the sums",
        image(lambda W, b: 2 * b - 4 * W.sum(0)): "twice too much",
        image(lambda W, b: 4 * (b - W.sum(0))): "4 is the factor of W",
        image(lambda W, b: 2 * (b - W.sum())): "each unit has its own sum",
        image(lambda W, b: 2 * (b - W.sum(1))): "the columns of W: axis 0",
        image(lambda W, b: 2 * (b - W.sum(0))[0]): "b has shape (2,), expected (1, 2)",
        lambda W, b: 4 * W: "Expected 2 parts (W, b), got [[",
    },
}
CASES = [
    pytest.param(exercise, wrong, words, id=f"{exercise.key}: {words[:30]}")
    for exercise in EXERCISES for wrong, words in WRONG[exercise.key].items()
]


@pytest.mark.parametrize("exercise, wrong, words", CASES)
def test_each_mistake_gets_its_own_helpful_sentence(exercise, wrong, words):
    message = said(exercise, wrong)
    assert words in message
    assert message.endswith((".", "?")) and "\n" not in message and len(message) < 200, message


ALIKE = {"stable_sigmoid": 2}  # three ways to overflow are one mistake


@pytest.mark.parametrize("exercise", EXERCISES, ids=ids)
def test_there_are_many_mistakes_and_no_two_sentences_are_alike(exercise):
    sentences = [said(exercise, wrong) for wrong in WRONG[exercise.key]]
    assert len(sentences) >= 8
    assert len(set(sentences)) == len(sentences) - ALIKE.get(exercise.key, 0)


@pytest.mark.parametrize("exercise", EXERCISES, ids=ids)
def test_every_sentence_names_what_was_got(exercise):
    """A sentence that only says `wrong` does not help: a number, a shape or a name is in it."""
    for wrong in WRONG[exercise.key]:
        message = said(exercise, wrong)
        assert "expected" in message or "got" in message or any(c.isdigit() for c in message)


# --- Other right answers are right --------------------------------------------------------------


def by_mask(z):
    out, up = np.empty_like(z), z >= 0
    out[up] = 1 / (1 + np.exp(-z[up]))
    out[~up] = np.exp(z[~up]) / (1 + np.exp(z[~up]))
    return out


def backwards(f, df, w, b, x):
    values, gradient = [x], 1.0
    for w_k, b_k in zip(w, b, strict=True):
        values.append(f(w_k * values[-1] + b_k))
    for w_k, b_k, a in zip(w[::-1], b[::-1], values[-2::-1], strict=True):
        gradient *= w_k * df(w_k * a + b_k)
    return gradient


@pytest.mark.parametrize("exercise, right", [
    (saturation.CENTRAL_DIFFERENCE, lambda f, x, h: (f(x + h) - f(x - h)) / 2 / h),
    (saturation.SLOPE_FROM_OUTPUT, lambda a: a - a * a),
    (saturation.SLOPE_FROM_OUTPUT, lambda a: 0.25 - (a - 0.5) ** 2),
    (saturation.TANH_FROM_SIGMOID, lambda s, z: s(2 * z) - s(-2 * z)),
    (saturation.STABLE_SIGMOID, SIGMOID.f),
    (saturation.STABLE_SIGMOID, by_mask),
    (saturation.STABLE_SIGMOID, lambda z: np.exp(np.minimum(z, 0)) / (1 + np.exp(-abs(z)))),
    (saturation.STABLE_SIGMOID, lambda z: np.exp(-np.logaddexp(0, -z))),
    (saturation.STABLE_SIGMOID, clipped(500)),
    (saturation.SATURATION_THRESHOLD, lambda v: np.arccosh(1 / (2 * v) - 1)),
    (saturation.SATURATION_THRESHOLD, lambda v: 2 * np.arctanh(np.sqrt(1 - 4 * v))),
    (saturation.CHAIN_GRADIENT, backwards),
    (saturation.SOFTMAX_GRADIENT, lambda z, label: p_of(z) - one_hot(z, label)),
    (saturation.SIGMOID_LAYER, lambda W, b: (4 * W, 2 * b - 2 * np.ones((1, len(W))) @ W)),
])
def test_other_ways_are_right_too(exercise, right):
    feedback = grade(exercise, right)
    assert feedback.good, feedback.message


# --- What the solutions say holds in the library ------------------------------------------------


def solution(name):
    exercise = getattr(saturation, name)
    return defined(exercise, exercise.solution)


def test_the_image_of_a_layer_is_that_of_the_library():
    rng = np.random.default_rng(2600)
    first, hidden, last = ((rng.standard_normal((4, 4)), rng.standard_normal((1, 4)))
                           for _ in range(3))  # fmt: skip
    for got, expected in zip(solution("SIGMOID_LAYER")(*hidden),
                             mean_field.sigmoid_image([first, hidden, last])[1], strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12)
    t = TANH(rng.standard_normal((5, 4)))
    W, b = solution("SIGMOID_LAYER")(*hidden)
    outputs = 2 * SIGMOID((1 + t) / 2 @ W + b) - 1
    np.testing.assert_allclose(outputs, TANH(t @ hidden[0] + hidden[1]), atol=1e-12)


def test_the_other_solutions_hold_too():
    assert SIGMOID.df(solution("SATURATION_THRESHOLD")(0.01)) == pytest.approx(0.01, rel=1e-12)
    gradient = solution("CHAIN_GRADIENT")
    assert gradient(SIGMOID.f, SIGMOID.df, [4.0] * 100, [-2.0] * 100, 0.5) == 1.0
    assert gradient(RELU.f, RELU.df, [-1.0], [0.0], 2.0) == 0.0
    z = np.linspace(-800, 800, 1601)
    np.testing.assert_allclose(solution("STABLE_SIGMOID")(z), SIGMOID(z), rtol=1e-13)
    z, h = np.array([0.3, -1.0, 2.0]), 1e-6
    losses = [-np.log(p_of(z + h * e)[1] / p_of(z - h * e)[1]) for e in np.eye(3)]
    np.testing.assert_allclose(solution("SOFTMAX_GRADIENT")(z, 1), np.array(losses) / (2 * h),
                               atol=1e-9)  # fmt: skip


# --- The notebook has the same text -------------------------------------------------------------


def cells_of_the_notebook():
    if not NOTEBOOK.exists():
        pytest.skip(f"{NOTEBOOK.name} is not there yet")
    return {c.source: c for c in nbformat.read(NOTEBOOK, 4).cells if c.cell_type == "code"}


@pytest.mark.parametrize("exercise", EXERCISES, ids=ids)
def test_the_notebook_shows_the_stub_and_hides_the_solution(exercise):
    cells, name = cells_of_the_notebook(), f"exercises.{exercise.key.upper()}"
    if not any(name in source for source in cells):
        pytest.skip(f"{exercise.key} is not in the notebook")
    assert f"{exercise.stub}\nlesson.check({name}, {exercise.key})" in cells
    solution = cells[f"{exercise.solution}\nassert {name}.accepts({exercise.key})"]
    assert solution.metadata.jupyter.source_hidden and "solution" in solution.metadata.tags
