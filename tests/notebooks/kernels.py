"""A notebook kernel without a browser: start it, run cells in it, read what it answers.

The client waits with a level-triggered poll. nbclient's edge-triggered one lost a wake-up in about
1 of 100 runs on our machines: an idle kernel, a waiting client, and no end.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from queue import Empty

import nbformat
from jupyter_client.manager import KernelManager
from nbformat.v4 import output_from_msg

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CELL_SECONDS = 180
NO_OUTPUT = ("status", "execute_input", "comm_open", "comm_msg", "comm_close")
# A warning in a cell is an error. (Python 3.12 and 3.13 warn while ipykernel starts, before cells.)
STRICT = {"PYTHONWARNINGS": "error,ignore:There is no current event loop:DeprecationWarning"}
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class CellFailed(Exception):
    """A cell raised. The text is the kernel's traceback without its colours."""


class CellHung(Exception):
    """A cell was not done in time, or its kernel died."""


class Kernel:
    """A kernel in a `with` block; a warning in a cell is an error there.

    `folder` is its working directory, the notebooks' own unless a test wants another; `python` is
    its interpreter.
    """

    def __init__(self, folder=ROOT / "notebooks", python=sys.executable):
        self.folder, self.python = folder, python

    def __enter__(self):
        self.manager = KernelManager(kernel_name="python3")
        self.manager.kernel_spec.argv[0] = str(self.python)
        self.manager.start_kernel(
            cwd=str(self.folder), env=os.environ | STRICT, stderr=subprocess.DEVNULL
        )
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=CELL_SECONDS)
        return self

    def __exit__(self, *exception):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def run(self, source, cell_id=None, seconds=CELL_SECONDS):
        """The outputs of `source` as notebook nodes. CellFailed if it raises, CellHung if late."""
        outputs = list(self._answers(self._send(source, cell_id), time.monotonic() + seconds))
        for output in outputs:
            if output.output_type == "error":
                raise CellFailed(COLOURS.sub("", "\n".join(output.traceback)))
        return joined_streams(outputs)

    def _send(self, source, cell_id):
        """Ask as JupyterLab does: it names the cell. Returns the id of the request."""
        content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False}
        named = {"cellId": cell_id} if cell_id else {}
        message = self.client.session.msg("execute_request", content, metadata=named)
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def _answers(self, request, deadline):
        while True:
            message = self._message(deadline)
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["content"].get("execution_state") == "idle":
                return
            if message["msg_type"] not in NO_OUTPUT:
                yield output_from_msg(message)   # ValueError for clear_output and display updates

    def _message(self, deadline):
        try:
            return self.client.get_iopub_msg(timeout=max(0, deadline - time.monotonic()))
        except Empty:
            state = "still busy" if self.manager.is_alive() else "dead"
            raise CellHung(f"no end of the cell in time; the kernel is {state}") from None


def joined_streams(outputs):
    """Neighbouring pieces of one stream in one piece: how often the kernel flushes is chance."""
    joined = []
    for output in outputs:
        before = joined[-1].get("name") if joined else None
        if before and before == output.get("name"):
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def code_cells(notebook):
    """The cells a kernel runs."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def read(path):
    """The notebook, as it is stored."""
    return nbformat.read(path, as_version=4)


def run_all(kernel, notebook, seconds=CELL_SECONDS):
    """The outputs of each code cell, in order. A failure names the cell and shows its source."""
    return [run_cell(kernel, cell, seconds) for cell in code_cells(notebook)]


def run_cell(kernel, cell, seconds=CELL_SECONDS):
    """The outputs of one cell; a failure says which cell it was."""
    try:
        return kernel.run(cell.source, cell.id, seconds)
    except (CellFailed, CellHung) as failure:
        raise type(failure)(f"cell {cell.id}:\n{cell.source}\n\n{failure}") from None


def run_in_fresh_kernel(notebook, folder=ROOT / "notebooks", seconds=CELL_SECONDS):
    """`run_all` in a kernel of its own; a kernel that hangs gets one second chance."""
    for last_chance in (False, True):
        try:
            with Kernel(folder) as kernel:
                return run_all(kernel, notebook, seconds)
        except CellHung:
            if last_chance:
                raise
