"""Checking a learner's function: every mishap one sentence of its own, and nothing hangs.

The mistakes that belong to one exercise are in tests/exercises; here are those that fit all.
"""

import _thread
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import grading
from helpers.grading import Exercise, Feedback, Hint, array, arrays, grade, number, same, say

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def _judge_double(attempt):
    same("the answer", array("the answer", attempt(X), X.shape), 2 * X)


DOUBLE = Exercise(
    key="double", title="Twice", task="Return $2 X$.", judge=_judge_double, praise="Well done.",
    stub="def double(X):\n    answer = ...\n    return answer\n",
    solution="def double(X):\n    return 2 * X\n",
)


def made_from(source):
    space = {"np": np}
    exec(source, space)
    return space["double"]


def answers(value):
    """A learner's function that returns `value`, whatever it is given."""
    return lambda X: value


# --- The three verdicts -------------------------------------------------------------------------


def test_a_right_answer_is_praised():
    feedback = grade(DOUBLE, made_from(DOUBLE.solution))
    assert feedback == Feedback("right", "Correct. Well done.") and feedback.good
    assert DOUBLE.accepts(made_from(DOUBLE.solution))
    assert not DOUBLE.accepts(lambda X: X)


def not_implemented(X):
    raise NotImplementedError


@pytest.mark.parametrize("function", [
    made_from(DOUBLE.stub),
    made_from("def double(X):\n    '''Other words.'''\n    answer = ...\n    return answer\n"),
    answers(...), answers(NotImplemented), not_implemented, None, ...,
    answers([1, ...]), answers(np.array([[1, ...]])), answers((1, [2, ...])),
    made_from("def double(X):\n    pass\n"), made_from("def double(X):\n    ...\n"),
])
def test_the_stub_is_not_solved_yet_rather_than_wrong(function):
    feedback = grade(DOUBLE, function)
    assert feedback.verdict == "open" and not feedback.good
    assert feedback.message.startswith("Not solved yet: ") and "double" in feedback.message


def test_a_stub_that_fails_before_it_returns_is_not_solved_yet_either():
    stub = "def double(X):\n    return np.dot(..., X)\n"
    exercise = Exercise("double", "", "", stub, "", _judge_double)
    assert grade(exercise, made_from(stub)).verdict == "open"


# --- The bank of wrong answers ------------------------------------------------------------------


def divides_by_zero(X):
    return X * (1 / 0)


def prints(X):
    print("the answer is", 2 * X[0, 0])


def forgets_return(X):
    answer = 2 * X
    answer.shape  # noqa: B018 - a function that does something and returns nothing


def calls_only(X):
    X.copy()


def names_only(X):
    answer = X  # noqa: F841


def in_place(X):
    X *= 2
    return X


def two_arguments(X, Y):
    return X + Y


def recursion(X):
    return recursion(X)


def leaves(X):
    sys.exit(3)


def interrupts(X):
    raise KeyboardInterrupt


class Strange:
    def __array__(self, *args, **kwargs):
        raise RuntimeError("no numbers here")


WITH_NAN = 2 * X + [[0, 0, np.nan], [0, 0, 0]]

WRONG = {
    "raises": (divides_by_zero, "ZeroDivisionError", "division by zero", "`return X * (1 / 0)`"),
    "prints": (prints, "printed 'the answer is 2.0'", "return instead of print"),
    "no return": (forgets_return, "returned None", "lack a return"),
    "a call": (calls_only, "returned None", "lack a return"),
    "a name": (names_only, "returned None", "lack a return"),
    "in place": (in_place, "changed its input X in place", "[[1 2 3] [4 5 6]], now [[2 4"),
    "arguments": (two_arguments, "called with 1 argument", "(X, Y)"),
    "recursion": (recursion, "RecursionError"),
    "exit": (leaves, "SystemExit: 3"),
    "interrupt": (interrupts, "KeyboardInterrupt"),
    "text": (answers("2 * X"), "should be an array of numbers, got '2 * X'"),
    "number": (answers(7.0), "has shape ()", "expected (2, 3)"),
    "transposed": (answers(2 * X.T), "has shape (3, 2)", "expected (2, 3)", "transposed"),
    "shape": (answers(X[:, :2]), "has shape (2, 2)", "expected (2, 3)"),
    "NaN": (answers(WITH_NAN), "got nan at [0, 2]", "1 of 6"),
    "constant": (answers(2 * X + 0.5), "off by a constant, +0.5"),
    "factor": (answers(6 * X), "off by a factor, 3 times"),
    "almost": (answers(2.0002 * X), "off by a factor, 1.0001 times"),
    "sign": (answers(-2 * X), "wrong sign"),
    "one entry": (answers(2 * X + np.eye(2, 3)), "is not right yet: got [[3 4 6] [8 11"),
    "complex": (answers(2j * X), "array of numbers, got an array"),
    "rows": (answers([[1, 2], [3]]), "array of numbers, got [[1, 2], [3]]"),
    "function": (answers(max), "got the function max"),
    "object": (answers(object()), "got a object"),
    "not a function": (2 * X, "double without parentheses", "[[2 4 6] [8"),
    "memory": (lambda X: np.ones((10**7, 10**7)), "more memory than it may have"),
    "strange": (answers(Strange()), "could not be checked", "no numbers here"),
}


@pytest.mark.parametrize("case", WRONG)
def test_each_wrong_answer_gets_its_own_sentence(case):
    function, *words = WRONG[case]
    feedback = grade(DOUBLE, function)
    assert feedback.verdict == "wrong"
    assert [word for word in words if word not in feedback.message] == [], feedback.message
    assert "Traceback" not in str(feedback) and "\n" not in feedback.message
    assert feedback.message.endswith((".", "?")) and len(feedback.message) < 260


def test_the_sentences_differ():
    cases = [case for name, case in WRONG.items() if name not in ("a call", "a name")]
    sentences = [grade(DOUBLE, function).message for function, *_ in cases]
    assert len(set(sentences)) == len(sentences)


def test_a_judge_that_stumbles_is_not_a_traceback():
    def broken(attempt):
        raise IndexError("7 is too far")

    feedback = grade(Exercise("double", "", "", DOUBLE.stub, "", broken), lambda X: X)
    assert "could not be checked (IndexError: 7 is too far)" in feedback.message


def test_what_the_function_prints_is_shown_beside_the_verdict():
    def loud(X):
        print("<b>here</b>")
        return 2 * X

    feedback = grade(DOUBLE, loud)
    assert feedback.good and "It printed: <b>here</b>" in str(feedback)
    assert "&lt;b&gt;here" in feedback._repr_mimebundle_()["text/html"]


def test_warnings_of_the_learners_numpy_are_not_shown(recwarn):
    grade(DOUBLE, lambda X: np.log(X - 1))
    assert not recwarn


def test_the_learner_gets_copies_so_that_a_second_check_is_the_same_as_the_first():
    before = X.copy()
    first = grade(DOUBLE, in_place)
    assert np.array_equal(X, before) and grade(DOUBLE, in_place) == first


def test_an_input_inside_a_list_is_watched_too():
    def judge(attempt):
        attempt([(np.ones(2), np.zeros(2))])

    def adds(layers):
        layers[0][1][0] = 5
        return 1

    def appends(layers):
        layers.append(7)
        return 1

    watched = Exercise("double", "", "", DOUBLE.stub, "", judge)
    assert "layers in place (it held [0 0], now [5 0])" in grade(watched, adds).message
    assert "changed its input layers in place" in grade(watched, appends).message


# --- Limits (see test_limits) -------------------------------------------------------------------


def test_a_loop_that_never_ends_is_one_sentence():
    feedback = grade(DOUBLE, endless, seconds=0.3)
    assert feedback == Feedback("wrong", (
        "double was still running after 0.3 s and was stopped: does one of its loops never end?"
    ))


def endless(X):
    while True:
        pass


def test_endless_words_are_cut():
    def endless_words(X):
        while True:
            print("and on")

    assert len(grade(DOUBLE, endless_words, seconds=0.3).printed) == grading.PRINTED


def test_one_huge_array_is_refused():
    pytest.importorskip("resource", reason="Windows has no limit to set")
    feedback = grade(DOUBLE, lambda X: np.ones(2**28), megabytes=100)  # 2 GB
    assert "double asked for more memory than it may have" in feedback.message


def test_the_standard_limits_are_about_five_seconds_and_half_a_gigabyte():
    assert grading.SECONDS == 5 and grading.MEGABYTES == 500


def test_the_stop_button_ends_the_check():
    press = threading.Timer(0.5, _thread.interrupt_main)
    press.start()
    with pytest.raises(KeyboardInterrupt):
        grade(DOUBLE, endless, seconds=60)
    press.join()


def test_a_quick_function_does_not_wait():
    start = time.monotonic()
    for _ in range(20):
        grade(DOUBLE, lambda X: 2 * X)
    assert time.monotonic() - start < 1


# --- Taking answers apart, words ----------------------------------------------------------------


@given(st.one_of(
    st.none(), st.text(), st.integers(), st.floats(), st.complex_numbers(), st.binary(),
    st.lists(st.floats()), st.dictionaries(st.text(), st.integers()), st.functions(),
    st.tuples(st.floats(), st.lists(st.integers())),
))
def test_whatever_the_learner_returns_there_is_one_sentence(answer):
    feedback = grade(DOUBLE, answers(answer))
    assert feedback.verdict in ("wrong", "open")
    assert feedback.message and "could not be checked" not in feedback.message


@pytest.mark.parametrize("value, words", [
    (0.1 + 0.2, "0.3"), (np.float64(2), "2"), (True, "True"), (None, "None"), ("a", "'a'"),
    (np.array(1.5), "1.5"), (np.array([[1.0, -0.0]]), "[[1 0]]"), (X.T, "[[1 4] [2 5] [3 6]]"),
    (np.zeros((3, 4)), "an array of shape (3, 4)"), ((1, 2), "a tuple of 2 parts"),
    ([1], "a list of 1 part"), (len, "the function len"), ({"a": 1}, "{'a': 1}"),
])
def test_values_in_words(value, words):
    assert say(value) == words


def test_parts_are_counted_and_named():
    shapes = {"W": (2, 2), "b": (1, 2)}
    W, b = arrays((np.eye(2).tolist(), [[1, 2]]), shapes)
    assert W.dtype == b.dtype == float
    with pytest.raises(Hint, match=r"Expected 2 parts \(W, b\), got a tuple of 3 parts"):
        arrays((1, 2, 3), shapes)
    with pytest.raises(Hint, match=r"Expected 2 parts \(W, b\), got an array of shape \(3, 3\)"):
        arrays(np.eye(3), shapes)


def test_one_number_may_come_as_an_array_of_one():
    assert number("n", np.array([3])) == number("n", np.float32(3)) == number("n", 3) == 3
    with pytest.raises(Hint, match=r"n should be one number, got \[1 2\]"):
        number("n", [1, 2])


def test_a_known_mistake_comes_before_the_general_ones():
    with pytest.raises(Hint, match=r"twice too much: x is \[2 4\], expected \[1 2\]"):
        same("x", np.array([2.0, 4.0]), [1, 2], {"twice too much": [2, 4]})


# --- What is shown ------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict, sign", [("right", "✓"), ("wrong", "✗"), ("open", "○")])
def test_the_verdict_is_told_by_a_sign_and_words_and_the_text_is_escaped(verdict, sign):
    bundle = Feedback(verdict, "a < b & <script>")._repr_mimebundle_()
    assert bundle["text/plain"] == f"{sign} a < b & <script>"
    assert f"{sign} a &lt; b &amp; &lt;script&gt;" in bundle["text/html"]
