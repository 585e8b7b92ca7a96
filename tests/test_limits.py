"""Work with limits of time and memory: whatever it does, the caller goes on."""

import _thread
import contextlib
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from helpers import limits
from helpers.limits import Stopped, address_space, within_limits

MANY_SECONDS, MUCH_MEMORY = 60, 10_000


# --- Work that ends -----------------------------------------------------------------------------


def test_the_result_comes_back():
    assert within_limits(lambda: 6 * 7, 1, MUCH_MEMORY) == 42


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit, KeyboardInterrupt, MemoryError])
def test_what_is_raised_comes_back(error):
    def work():
        raise error("so it is")

    with pytest.raises(error, match="so it is"):
        within_limits(work, 1, MUCH_MEMORY)


def test_a_system_without_threads_has_no_limits(monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert within_limits(lambda: 42, 1, MUCH_MEMORY) == 42


# --- Loops --------------------------------------------------------------------------------------


def endless():
    while True:
        pass


def endless_and_stubborn():
    while True:
        try:
            sum(range(10))
        except:  # noqa: E722
            continue


def endless_and_tidy():
    while True:
        try:
            sum(range(10))
        finally:
            sum(range(10))


def endless_number():
    n = 3
    while True:
        n = n * n


@pytest.mark.parametrize("work", [
    "endless", "endless_and_stubborn", "endless_and_tidy", "endless_number",
])
def test_a_loop_that_never_ends_is_stopped(work):
    said, left, _ = alone(work, 0.3, MUCH_MEMORY)
    assert said == "was still running after 0.3 s" + limits._ENDED
    assert work not in left, "its thread is gone"


def alone(work, seconds, megabytes):
    """What within_limits says of the work, which functions still run then, how many MB stayed.

    In a process of its own, whose addresses end at 4 GB: other threads of this one, woken while
    a number doubles its digits, would let it double again; and what grows must not take it along.
    """
    call = f"import test_limits; test_limits.report({work!r}, {seconds}, {megabytes})"
    child = subprocess.run(
        [sys.executable, "-c", call], cwd=Path(__file__).parent, capture_output=True, text=True,
        timeout=200,
    )
    assert child.returncode == 0, child.stderr
    return json.loads(child.stdout)


def report(work, seconds, megabytes):
    with contextlib.suppress(ImportError):  # Windows
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
    before = psutil.Process().memory_info().rss
    try:
        within_limits(globals()[work], seconds, megabytes)
    except Stopped as excess:
        left = (psutil.Process().memory_info().rss - before) / 2**20
        print(json.dumps([str(excess), sorted(running()), left]))


def running():
    """The names of the functions that run now, in whatever thread."""
    names = set()
    for frame in sys._current_frames().values():
        while frame:
            names.add(frame.f_code.co_name)
            frame = frame.f_back
    return names


def test_the_stop_button_ends_the_loop_too():
    press = threading.Timer(0.5, _thread.interrupt_main)
    press.start()
    with pytest.raises(KeyboardInterrupt):
        within_limits(endless, MANY_SECONDS, MUCH_MEMORY)
    press.join()
    assert "endless" not in running()


def test_a_call_that_cannot_be_stopped_does_not_hold_up_the_caller(monkeypatch):
    monkeypatch.setattr(limits, "PATIENCE", 0.2)
    start = time.monotonic()
    with pytest.raises(Stopped, match="after 0.2 s and could not be stopped.*restart the kernel"):
        within_limits(lambda: time.sleep(20), 0.2, MUCH_MEMORY)
    assert time.monotonic() - start < 19


# --- Memory -------------------------------------------------------------------------------------


def appends_arrays():
    kept = []
    while True:
        kept.append(np.ones(10**6))


def doubles_a_list():
    kept = [0]
    while True:
        kept = kept + kept


@pytest.mark.parametrize("work", ["appends_arrays", "doubles_a_list"])
def test_endless_allocation_is_stopped_and_given_back(work):
    said, left_running, megabytes_left = alone(work, MANY_SECONDS, 100)
    assert said == "had taken more than 100 MB of memory" + limits._ENDED
    assert work not in left_running and megabytes_left < 60


def test_what_failed_work_had_made_is_given_back():
    def work():
        kept = np.ones(10**7)
        raise ValueError(kept.size)

    before = psutil.Process().memory_info().rss
    with pytest.raises(ValueError, match="10000000"):
        within_limits(work, MANY_SECONDS, MUCH_MEMORY)
    assert psutil.Process().memory_info().rss - before < 40 * 2**20


def test_one_huge_array_is_refused_and_the_limit_taken_back():
    resource = pytest.importorskip("resource", reason="Windows has no limit to set")
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(MemoryError), address_space(100):
        np.ones(2**28)  # 2 GB
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    with address_space(100):
        assert np.ones(2**22).size  # 32 MB


def test_a_limit_that_was_there_is_not_raised():
    resource = pytest.importorskip("resource", reason="Windows has no limit to set")
    assert limits._fewer(1000, 10) == 1000
    assert limits._fewer(resource.RLIM_INFINITY, 10) > psutil.Process().memory_info().vms


@pytest.fixture
def no_proc(monkeypatch):
    """A system such as macOS or Windows, where psutil reads the size of the process."""
    def refuse(*path):
        raise FileNotFoundError(path)

    monkeypatch.setattr(limits.os, "open", refuse)


def test_psutil_measures_where_linux_does_not(no_proc):
    with pytest.raises(Stopped, match="more than 100 MB"):
        within_limits(appends_arrays, MANY_SECONDS, 100)


def test_without_psutil_the_time_is_limited_still(monkeypatch, no_proc):
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(Stopped, match="still running"), address_space(1):
        within_limits(endless, 0.2, 1)
