"""Fault 24: the lessons say the same with the oldest versions that the package allows.

The newest allowed ones are pinned in requirements.txt: every other test runs with them.
"""

import os
import sys
import venv
from subprocess import run

import pytest
from kernels import NOTEBOOKS, ROOT, Kernel, code_cells, read, run_all
from refresh import same_output


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """An interpreter with the versions of tests/oldest.txt."""
    if os.environ.get("CI") != "true":
        pytest.skip("installs a second environment; set CI=true to run it")
    folder = tmp_path_factory.mktemp("oldest")
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    run([python, "-m", "pip", "install", "-q", "-r", ROOT / "tests" / "oldest.txt"], check=True)
    return python


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_says_the_same(path, python, monkeypatch):
    """Texts only: another version of matplotlib may draw its lines a little differently."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = read(path)
    with Kernel(python=python) as kernel:
        outputs = run_all(kernel, notebook)
    for cell, shown in zip(code_cells(notebook), outputs, strict=True):
        stored = [without_picture(output) for output in cell.outputs]
        assert len(stored) == len(shown), cell.source
        assert all(map(same_output, stored, map(without_picture, shown))), cell.source


def without_picture(output):
    output.get("data", {}).pop("image/png", None)
    return output
