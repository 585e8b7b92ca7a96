"""Settings of the whole test run."""

import os
import signal
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import settings
from kernels import STRICT

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("lessons", deadline=None, database=None, derandomize=True)
settings.load_profile("lessons")


def pytest_configure(config):
    """Settings that reach beyond this folder: the notebooks are tests too."""
    sanitize = config.getoption("nbval_sanitize_with", None)
    if sanitize:    # nbval takes it relative to the working directory
        config.option.nbval_sanitize_with = str(ROOT / sanitize)
    config.pluginmanager.register(StrictKernels())
    # What a shell starts in the background ignores Ctrl-C, and with it what the tests simulate.
    signal.signal(signal.SIGINT, signal.default_int_handler)


class StrictKernels:
    """In the kernels that nbval starts (for the first cell of a notebook) a warning is an error."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item):
        with patch.dict(os.environ, STRICT if item.path.suffix == ".ipynb" else {}):
            return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """In CI a browser test that skips has tested nothing: it fails."""
    report = yield
    in_browser = "tests/browser/" in item.path.as_posix()
    if os.environ.get("CI") == "true" and in_browser and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report
