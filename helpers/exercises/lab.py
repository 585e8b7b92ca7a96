"""The challenges of notebook 07: a run is handed in, and judged by what it did.

The answer is a lab that shows the run, a film of `helpers.experiment.run`, or what a lab has
recorded (`my_lab.record`). In the notebook:

    def survive():
        return my_lab

    lesson.check(exercises.SURVIVE, survive)

A judge reads the film, never the learner's words about it: settings, last accuracies, dead units.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from helpers.experiment import Experiment, Film, finish, record
from helpers.grading import Exercise, Hint, say

FEWEST = 8  # nets, or a lucky start would count
STARTS = ("scheme", "scale", "bias")  # the settings that make the first weights


def film_of(answer):
    """The film in a lab, in its record, or the film itself; a Hint for anything else."""
    for name in ("record", "film"):
        answer = getattr(answer, name, answer)
    if not isinstance(answer, Film):
        raise Hint(
            f"Hand in a lab that shows your run (my_lab), or run(...), got {say(answer)}."
        )
    settings = answer.settings
    if answer.steps[-1] < settings.steps:
        raise Hint(
            f"This run was stopped at step {answer.steps[-1]} of {settings.steps}: train it to the "
            "end, or ask for fewer steps."
        )
    if settings.nets < FEWEST:
        raise Hint(
            f"This run has {settings.nets} of at least {FEWEST} nets: one alone may be lucky."
        )
    return answer


def right(film):
    """Share of right answers on new data at the end, median over the nets."""
    return float(np.median(film.accuracy[-1]))


def dead(film):
    """Share of hidden units that are dead on all data at the end, median over the nets."""
    return float(np.median(film.dead[-1].mean(-1)))


# --- Survive ------------------------------------------------------------------------------------

MOST = 0.9


def _judge_survive(attempt):
    film = film_of(attempt())
    gone, good = dead(film), right(film)
    if gone < MOST and good < MOST:
        raise Hint(
            f"Only {gone:.0%} of the units are dead on all data, and only {good:.0%} of the "
            "answers are right (medians): try one goal first."
        )
    if gone < MOST:
        idle = film.zeros[-1].mean()
        if idle >= MOST:
            raise Hint(
                f"{idle:.0%} of the outputs are 0, but only {gone:.0%} of the units are dead (0 "
                "for all data): many zeros, few deaths."
            )
        raise Hint(
            f"Only {gone:.0%} of the units are dead on all data (median): kill more. What makes "
            "every z negative, or outputs expensive?"
        )
    if good < MOST:
        raise Hint(
            f"{gone:.0%} of the units are dead on all data, but only {good:.0%} of the answers are "
            "right (medians): too many for this task. Spare a few, or have more units to lose."
        )


SURVIVE = Exercise(
    key="survive",
    title="Kill 90 % of the units and still reach 90 %",
    task=r"""Train at least 8 nets so that at the end (medians over the nets) at least 90 % of all
hidden units are **dead on all data**, and at least 90 % of the answers on new data are right. Any
data set.""",
    stub='''\
def survive():
    """Return the lab that shows the run."""
    return ...
''',
    solution='''\
massacre = run(data="moons", width=64, l1=0.1, nets=8)

def survive():
    """The penalty on outputs kills whatever the task does not need."""
    return massacre
''',
    judge=_judge_survive,
    praise="Dead units are wasted, but they are not by themselves a harm.",
)


# --- Fail and mend ------------------------------------------------------------------------------

FAILED, MENDED = 0.6, 0.9


def _judge_fail_and_mend(attempt):
    answer = attempt()
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise Hint(f"Return two runs, the failed one first: failed, mended; got {say(answer)}.")
    failed, mended = map(film_of, answer)
    if isinstance(failed, Film) and failed is mended:
        raise Hint(
            "Expected two runs, got the same run twice: a lab forgets the first when it trains the "
            "second, so keep failed = my_lab.record before you train again."
        )
    for film, name in ((failed, "first"), (mended, "second")):
        _require_only(film, "tanh", f"The {name} run")
    changed = _changed(failed.settings, mended.settings)
    forbidden = [name for name in changed if name not in STARTS]
    if forbidden:
        raise Hint(
            f"The two runs differ in {_listed(forbidden)}, expected only {' or '.join(STARTS)}: "
            "mend it with the start alone."
        )
    if right(failed) > FAILED and right(mended) <= FAILED:
        raise Hint(
            f"The runs are the wrong way round: the failed one comes first, got {right(failed):.0%}"
            f" right in it and {right(mended):.0%} in the second."
        )
    if right(failed) > FAILED:
        raise Hint(
            f"The first run has {right(failed):.0%} right (median), more than {FAILED:.0%}: tanh "
            "did not fail. What start makes tanh saturate, or its signal vanish?"
        )
    if right(mended) < MENDED:
        raise Hint(
            f"The second run has {right(mended):.0%} right (median), less than {MENDED:.0%}: not "
            "mended yet. If no start does it, make the failed run one that can be mended."
        )


def _require_only(film, name, which):
    names = {act.name for net, _ in film.settings.lives for act in net.acts[:-1]}
    if names != {name}:
        raise Hint(f"{which} has hidden units with {_listed(sorted(names))}, expected {name} only.")


def _changed(first, second):
    """Names of the settings in which two experiments differ."""
    return [name for name in vars(first) if getattr(first, name) != getattr(second, name)]


def _listed(words):
    return " and ".join(words) if len(words) < 3 else ", ".join(words)


FAIL_AND_MEND = Exercise(
    key="fail_and_mend",
    title="Make tanh fail, and mend it with the start only",
    task=r"""Two runs with tanh in every hidden layer. In the first at most 60 % of the answers on
new data are right, in the second at least 90 % (medians of at least 8 nets). They differ in
*first weights*, *times* and *bias at start* only. Return both, the failed one first.""",
    stub='''\
def fail_and_mend():
    """Return the two runs, the failed one first."""
    failed = ...
    mended = ...
    return failed, mended
''',
    solution='''\
deep = dict(data="moons", activation="tanh", depth=10, nets=8, steps=300)
too_small, matched = run(**deep, scale=0.01), run(**deep, scale=1.0)

def fail_and_mend():
    """At a hundredth of the matched scale, ten layers leave 1e-20 of the signal."""
    return too_small, matched
''',
    judge=_judge_fail_and_mend,
    praise="The same function class, data and training: only the first weights decided.",
)


# --- Ten sigmoid layers -------------------------------------------------------------------------

DEEP, REACHED = 10, 0.95


def _judge_ten_sigmoids(attempt):
    film = film_of(attempt())
    settings = film.settings
    if settings.data != "digits":
        raise Hint(f"This run learned {settings.data}, expected digits.")
    if settings.depth != DEEP:
        raise Hint(f"This run has {settings.depth} hidden layers: take {DEEP}.")
    _require_only(film, "sigmoid", "This run")
    good = right(film)
    if good < REACHED:
        factor = np.median(film.gradients[0, :, 0] / film.gradients[0, :, -2])
        advice = (
            "larger first weights bring it back" if factor < 0.01
            else "a fair start, which needs time, width or another learning rate"
        )  # fmt: skip
        raise Hint(
            f"{good:.1%} of the answers are right (median), not {REACHED:.0%}. At the start the "
            f"gradient of layer 1 was {factor:.0e} times that of layer {DEEP}: {advice}."
        )


TEN_SIGMOIDS = Exercise(
    key="ten_sigmoids",
    title="95 % with ten layers of sigmoids",
    task=r"""Digits, 10 hidden layers, sigmoid in all of them from the first step to the last: reach
95 % right answers on new digits (median of at least 8 nets).""",
    stub='''\
def ten_sigmoids():
    """Return the lab that shows the run."""
    return ...
''',
    solution='''\
rescued = run(data="digits", activation="sigmoid", depth=10, width=32, scale=2.5, nets=8,
              batch=64, steps=400)

def ten_sigmoids():
    """Weights 2.5 times the matched ones bring most of the gradient back; Adam does the rest."""
    return rescued
''',
    judge=_judge_ten_sigmoids,
    praise="Not a law of nature, a matter of the start: depth is no excuse for a sigmoid.",
)


# --- Eight units --------------------------------------------------------------------------------

UNITS, BEHIND = 8, 0.01
REFERENCE = Experiment(data="spiral")  # two layers of 16 ReLU, 500 steps of Adam


@lru_cache(maxsize=4)
def reference(seed):
    """The film of the reference on the points of this seed."""
    return finish(record(replace(REFERENCE, seed=seed)))


def last_loss(film):
    """Loss at the end, median over the nets."""
    return float(np.median(film.losses[-1]))


def _judge_eight_units(attempt):
    film = film_of(attempt())
    settings = film.settings
    if settings.data != REFERENCE.data:
        raise Hint(f"This run learned {settings.data}, expected the spiral.")
    units = settings.depth * settings.width
    if units > UNITS:
        raise Hint(f"This run has {units} hidden units in all: {UNITS} are allowed.")
    if settings.batch < 300:
        raise Hint("The last loss of this run is that of one batch: use all 300 points per step.")
    rival, seed = reference(settings.seed), settings.seed
    if last_loss(film) >= last_loss(rival):
        raise Hint(
            f"Your last loss is {last_loss(film):.2g} (median), that of the reference at seed "
            f"{seed} {last_loss(rival):.2g}: which activation bends best with few units, and is "
            "the learning rate right for so few?"
        )
    worst, theirs = film.accuracy[-1].min(), rival.accuracy[-1].min()
    if worst < theirs - BEHIND:
        raise Hint(
            f"Your median net has the smaller loss, but your worst net has only {worst:.1%} right, "
            f"the worst of the reference {theirs:.1%}: it depends on luck still."
        )


EIGHT_UNITS = Exercise(
    key="eight_units",
    title="Beat the reference with 8 units",
    task=r"""On the spiral the reference, two layers of 16 ReLU, learns for 500 steps (the lab's own
settings). Beat it with at most **8 hidden units in all**: a smaller last loss (median of at least 8
nets), and a worst net whose right answers on new points are at most 1 % behind those of the worst
reference net.""",
    stub='''\
def eight_units():
    """Return the lab that shows the run."""
    return ...
''',
    solution='''\
small = run(data="spiral", activation="tanh", depth=1, width=8, lr=0.1, steps=1000, nets=8)

def eight_units():
    """One layer of 8 smooth units; a net that small stands, and needs, a larger learning rate."""
    return small
''',
    judge=_judge_eight_units,
    praise="A quarter of the units: activation, learning rate and time outweigh size here.",
)


EXERCISES = (SURVIVE, FAIL_AND_MEND, TEN_SIGMOIDS, EIGHT_UNITS)
