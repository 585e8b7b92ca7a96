"""Settings of the whole test run."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("lessons", deadline=None, database=None, derandomize=True)
settings.load_profile("lessons")

# Kernels started by nbval and nbclient inherit this: a warning in a cell is a failure too.
os.environ["PYTHONWARNINGS"] = "error::RuntimeWarning"


def pytest_configure(config):
    """nbval takes the file relative to the working directory: pytest may be started anywhere."""
    sanitize = config.getoption("nbval_sanitize_with", None)
    if sanitize:
        config.option.nbval_sanitize_with = str(ROOT / sanitize)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """In CI a browser test that skips has tested nothing: it fails."""
    report = yield
    in_browser = "tests/browser/" in item.path.as_posix()
    if os.environ.get("CI") == "true" and in_browser and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report
