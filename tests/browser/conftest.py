"""A JupyterLab server and a browser for all browser tests, started once."""

import os
import shutil
from pathlib import Path

import pytest
from jupyter_lab import Chromium, NoBrowser, Notebook, Server

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def chromium():
    try:
        with Chromium() as browser:
            yield browser
    except NoBrowser as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"in CI the browser tests must run: {error}")
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A copy of the notebooks (JupyterLab writes into its folder), and the demo of these tests."""
    folder = tmp_path_factory.mktemp("lab")
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(notebook, folder)
    shutil.copy(HERE / "browser_demo.py", folder)
    return folder


@pytest.fixture(scope="session")
def server(chromium, folder, tmp_path_factory):
    with Server(folder, tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def open_notebook(chromium, server):
    """`open_notebook(name, width, height)`: closed, and its kernel ended, after the module."""
    opened = []

    def open_it(name, **size):
        opened.append(Notebook(chromium, server, name, **size))
        return opened[-1]

    yield open_it
    for notebook in opened:
        notebook.close()
    server.end_kernels()


@pytest.fixture(scope="session")
def artifacts():
    """Where screenshots are kept: a folder that git ignores."""
    return Path(os.environ.get("BROWSER_ARTIFACTS", ROOT / "tests" / "artifacts" / "browser"))
