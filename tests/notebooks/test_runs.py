"""Every notebook in a kernel: offline, from any folder, in any order, with every control moved.

nbval compares each cell with its stored output; refresh --check compares the pictures too. Here is
what neither of them sees.
"""

import ast
import inspect
import sys
from collections import Counter

import in_kernel
import pytest
from kernels import NOTEBOOKS, CellFailed, CellHung, Kernel, code_cells, read, run_all, run_cell
from nbformat.v4 import new_code_cell, new_notebook
from refresh import same_output

PEAK_MEGABYTES = 250  # DESIGN.md section 8


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return read(request.param)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Read-only, with spaces and letters beyond ASCII in its path."""
    path = tmp_path_factory.mktemp("notes") / "Übung 3 – λ"
    path.mkdir()
    path.chmod(0o555)
    return path


@pytest.fixture(scope="module")
def lesson(notebook, folder):
    """The kernel in which the notebook has run once, and the outputs of its cells."""
    with Kernel(folder) as kernel:
        call(kernel, in_kernel._guard_network_and_folder)
        yield kernel, run_all(kernel, notebook)


def call(kernel, function):
    """What the function returns (a literal) when it is called inside the kernel."""
    name = function.__name__
    source = f"{inspect.getsource(function)}\nprint(repr({name}()))\ndel {name}"
    return ast.literal_eval(kernel.run(source)[-1].text.splitlines()[-1])


def test_runs_offline_in_a_read_only_folder(lesson, notebook, folder):
    """Fault 22 (no network) and 31 (folder): the same outputs as the stored ones."""
    _, outputs = lesson
    for cell, shown in zip(code_cells(notebook), outputs, strict=True):
        assert alike(cell.outputs, shown), cell.source
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_needs_little_memory(lesson):
    """So much memory at the peak, so that small Binder and JupyterHub limits hold."""
    kernel, _ = lesson
    assert call(kernel, in_kernel._peak_megabytes) <= PEAK_MEGABYTES


def test_cells_can_be_run_again_in_any_order(lesson, notebook):
    """Fault 19: backwards and then forwards again, the cells show what they showed first.

    Cells that use a name which two cells bind (a stub and its solution) are run, not compared.
    """
    kernel, first = lesson
    cells = code_cells(notebook)
    again = [run_cell(kernel, cell) for cell in reversed(cells)][::-1]
    forward = run_all(kernel, notebook)
    ambiguous = names_bound_twice(cells)
    for cell, a, b, c in zip(cells, first, again, forward, strict=True):
        assert alike(a, c), cell.source
        assert alike(a, b) or names(cell.source) & ambiguous, cell.source


def test_a_cell_alone_says_which_name_is_missing(lesson, notebook):
    """Fault 19: after the imports alone a cell works, or names what an earlier cell defines."""
    cells = code_cells(notebook)
    with Kernel() as kernel:
        run_cell(kernel, cells[0])
        for k, cell in enumerate(cells[1:], start=1):
            earlier = set().union(*(bound(before.source) for before in cells[:k]))
            missing = names(cell.source) & earlier - bound(cells[0].source)
            try:
                kernel.run(f"exec({cell.source!r}, dict(globals()))", cell.id)
            except CellFailed as failure:
                message = str(failure).splitlines()[-1]
                assert any(message == f"NameError: name '{x}' is not defined" for x in missing)


def test_every_control_can_be_moved(lesson, notebook):
    """No value of any control, and no button, ends in an error; then all is as it was."""
    kernel, _ = lesson
    run_all(kernel, notebook)
    controls, buttons, figures = call(kernel, in_kernel._move_every_control)
    assert controls >= 1 and buttons >= 1 and figures >= 1


class TestThisFile:
    """The tests above can fail: each of these cells must be caught."""

    @pytest.mark.parametrize(
        ("source", "said"),
        [
            ("import socket; socket.create_connection(('example.org', 80))", "asks the network"),
            ("import socket; socket.create_connection(('192.0.2.1', 80), 1)", "opens a connection"),
            ("open('notes.txt', 'w')", "writes notes.txt"),
            ("import warnings; warnings.warn('old', DeprecationWarning)", "DeprecationWarning"),
            ("import numpy; numpy.log(0.0)", "RuntimeWarning"),
        ],
    )
    def test_a_guarded_kernel_refuses(self, source, said, folder):
        with Kernel(folder) as kernel:
            call(kernel, in_kernel._guard_network_and_folder)
            with pytest.raises(CellFailed, match=said):
                kernel.run(source)

    def test_a_cell_that_hangs_is_reported_and_the_next_kernel_works(self, folder):
        """Fault 36."""
        endless = new_notebook(cells=[new_code_cell("import time; time.sleep(60)", id="slow")])
        with Kernel(folder) as kernel, pytest.raises(CellHung, match="(?s)slow.*still busy"):
            run_all(kernel, endless, seconds=1)
        with Kernel(folder) as kernel:
            assert kernel.run("print(1)")[0].text == "1\n"

    def test_a_kernel_that_dies_is_reported(self, folder):
        with Kernel(folder) as kernel, pytest.raises(CellHung, match="dead"):
            kernel.run("import os; os._exit(1)", seconds=2)

    @pytest.mark.parametrize("broken", ["high", "low", "button", "drift"])
    def test_a_control_that_fails_somewhere_is_caught(self, broken, folder):
        with Kernel(folder) as kernel:
            kernel.run(FIGURE.replace("BROKEN", repr(broken)))
            with pytest.raises(CellFailed, match="broken|come back"):
                call(kernel, in_kernel._move_every_control)

    def test_a_sound_figure_passes(self, folder):
        with Kernel(folder) as kernel:
            kernel.run(FIGURE.replace("BROKEN", "None"))
            assert call(kernel, in_kernel._move_every_control) == (1, 2, 1)


# A live figure that fails at its highest or lowest value, in a button, or that does not come back.
FIGURE = """
import ipywidgets
from helpers.live import live, number

steps = []

def compute(x):
    steps.append(x)
    assert x < 9 or BROKEN != "high", "broken"
    assert x > 0 or BROKEN != "low", "broken"
    return x

def describe(x):
    return f"{len(steps)} drift" if BROKEN == "drift" else f"x is {x}"

def press(_):
    assert BROKEN != "button", "broken"

extra = ipywidgets.Button(description="extra")
extra.on_click(press)
figure = live(compute, lambda fig: fig.subplots(), lambda artists, result: None, describe,
              controls={"x": number(4, 0, 9, 1, "x")}, call="none.such")
"""


def alike(a, b):
    """Whether two lists of outputs say and show the same."""
    return len(a) == len(b) and all(map(same_output, a, b))


def names(source):
    """Every name that the source reads or binds."""
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


def bound(source):
    """The names that the source binds for later cells."""
    return {name for statement in ast.parse(source).body for name in _bound(statement)}


def _bound(statement):
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in statement.names]
    stored = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
    return [node.id for node in stored if isinstance(node.ctx, ast.Store)]


def names_bound_twice(cells):
    """Names that more than one cell binds: what they mean depends on the order."""
    counts = Counter(name for cell in cells for name in bound(cell.source))
    return {name for name, count in counts.items() if count > 1}
