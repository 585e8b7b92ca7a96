"""Every notebook in a real JupyterLab: runs, every control moves its picture, nothing complains.

New notebooks are covered without new code; their screenshots are kept (see `artifacts`).
"""

from pathlib import Path

import pytest
from jupyter_lab import wait_until

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


def complaints_about(figure):
    """Move every control by keyboard and by mouse; which did not change the picture, in words."""
    return [
        f"{control.label}: {move.__name__} does not change the picture"
        for control in figure.controls()
        for move in (control.move_by_keys, control.move_by_mouse)
        if not any(changes(figure, control, move, helper) for helper in helpers(figure, control))
    ]


def helpers(figure, control):
    """The opening state alone, then with one choice made: some controls count only for that."""
    yield None
    for choice in figure.controls("choice", "toggle"):
        if choice.label != control.label:
            yield from choice.options()


def changes(figure, control, move, help_with):
    """Whether the move gives another picture, from the opening state with this choice made."""
    figure.reset()
    if help_with is not None:
        help_with.click()
        figure.settle()  # the kernel decides which controls count now
    if control.disabled:
        return False
    before, code = figure.picture(), figure.code
    move()
    if control.slow:
        figure.run()
    return wait_until(lambda: figure.code != code, 20) and figure.changed(before, 2.0)


@pytest.mark.timeout(1200)  # the lab of notebook 07 trains for each of its many controls
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_runs_and_every_control_moves_its_picture(path, open_notebook, artifacts):
    notebook = open_notebook(path.name)
    assert notebook.run_all()
    assert notebook.problems() == []
    complaints = []
    for number, figure in enumerate(notebook.figures(), 1):
        figure.show()
        notebook.shot(artifacts / path.stem / f"{number}-opening.png")
        complaints += complaints_about(figure) + figure.cut_off()
        complaints += [f"alarm: {figure.alarm}"] if figure.alarm else []
        notebook.shot(artifacts / path.stem / f"{number}-moved.png")
    assert not complaints, "\n".join(complaints)
    assert notebook.problems() == []
