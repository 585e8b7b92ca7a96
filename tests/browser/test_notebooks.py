"""Every notebook in a real JupyterLab: runs, every control moves its picture, nothing complains.

New notebooks are covered without new code; their screenshots are kept (see `artifacts`).
"""

from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


def moved(control):
    """Move a control by keyboard and by mouse; what did not change the picture, in words."""
    figure, complaints = control.figure, []
    slow = control.node.locator("xpath=ancestor::*[contains(@class, 'live-slow')]")
    for how in (control.move_by_keys, control.move_by_mouse):
        before = figure.picture()
        how()
        if slow.count():
            figure.run()
        if not figure.changed(before):
            complaints.append(f"{control.label}: {how.__name__} does not change the picture")
    return complaints


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_runs_and_every_control_moves_its_picture(path, open_notebook, artifacts):
    notebook = open_notebook(path.name)
    assert notebook.run_all()
    assert notebook.problems() == []
    complaints = []
    for number, figure in enumerate(notebook.figures(), 1):
        figure.show()
        notebook.shot(artifacts / path.stem / f"{number}-opening.png")
        for control in figure.controls():
            complaints += moved(control)
        complaints += figure.cut_off()
        complaints += [f"alarm: {figure.alarm}"] if figure.alarm else []
        notebook.shot(artifacts / path.stem / f"{number}-moved.png")
    assert not complaints, "\n".join(complaints)
    assert notebook.problems() == []
