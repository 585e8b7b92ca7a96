"""Run somebody else's function for a limited time and with limited memory, and stay in charge.

The work runs in a thread of its own; the caller watches the clock and the size of the process. A
loop in Python is ended by an exception that is planted in its thread: that works on every system,
and with variables of the notebook, unlike a signal or a second process. One long call into compiled
code cannot be ended from outside; then the thread is left alone, and the message says so.
"""

import contextlib
import ctypes
import os
import threading
import time

__all__ = ["Stopped", "address_space", "within_limits"]

LOOK_EVERY = 0.01  # seconds between two looks at time and memory
PLANT_EVERY = 0.002  # seconds; often, because a bare `except` in a loop swallows most of them
PATIENCE = 5.0  # seconds in which a stopped function should have ended
RESERVED = 256  # MB of addresses that a new thread may reserve without using them


class Stopped(Exception):
    """The work was stopped; the message says at which limit, as "was still running after 5 s"."""


def within_limits(work, seconds, megabytes):
    """Return what work() returns, or raise what it raises.

    Raises Stopped when it takes longer than `seconds`, or when the process grows by `megabytes`
    meanwhile. What interrupts the caller (KeyboardInterrupt) ends the work too.
    """
    outcome, done = [], threading.Event()
    thread = threading.Thread(target=_record, args=(work, outcome, done), daemon=True)
    try:
        thread.start()
    except RuntimeError:  # Python in the browser has no threads: no limits either
        return work()
    try:
        excess = _watch(done, seconds, megabytes)
    except BaseException:
        _end(thread, done)
        raise
    if excess:
        ended = _end(thread, done)
        outcome.clear()  # its traceback holds what the work had made
        raise Stopped(excess + (_ENDED if ended else _NOT_ENDED))
    return _result(*outcome.pop())


_ENDED = " and was stopped: does one of its loops never end?"
_NOT_ENDED = (
    " and could not be stopped, it may sit in one long call: save, then restart the kernel "
    "(Kernel > Restart)."
)


def _record(work, outcome, done):
    try:
        outcome.append((work(), None))
    except BaseException as error:
        outcome.append((None, error))
    finally:
        done.set()


def _result(value, error):
    if error is None:
        return value
    try:
        raise error
    finally:
        del error  # it would hold this frame, which holds it, and all that the work had made


def _watch(done, seconds, megabytes):
    """Wait until the work is done; return in words which limit it has passed, or None."""
    with _meter() as resident:
        start, size = time.monotonic(), resident()
        while not done.wait(LOOK_EVERY):
            if time.monotonic() - start > seconds:
                return f"was still running after {seconds:g} s"
            if resident() - size > megabytes:
                return f"had taken more than {megabytes:g} MB of memory"
    return None


def _end(thread, done):
    """Plant SystemExit in the thread until it has ended; return whether it has.

    SystemExit because `except Exception` lets it pass, and a thread ends with it without a word.
    `Thread.is_alive` is no use here: in Python 3.11 an interrupted `join` makes it say no.
    """
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        found = ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
        )
        if not found or done.wait(PLANT_EVERY):
            return True
    return False


@contextlib.contextmanager
def address_space(megabytes):
    """Refuse single allocations beyond the limit, where the system can do that (not on Windows).

    A loop that allocates is seen by the watch; one array of 20 GB would be too quick for it.
    """
    try:
        import resource
    except ImportError:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    with contextlib.suppress(ValueError, OSError):  # macOS refuses some values
        resource.setrlimit(resource.RLIMIT_AS, (_fewer(before[0], megabytes), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _fewer(limit, megabytes):
    """Return `limit` (bytes, negative: none), or less if that leaves so many megabytes."""
    process = _process()
    if process is None:
        return limit
    wanted = process.memory_info().vms + (megabytes + RESERVED) * 2**20
    return wanted if limit < 0 else min(limit, wanted)


@contextlib.contextmanager
def _meter():
    """Give a function that returns the size of the process in MB.

    On Linux it is one system call. psutil makes half a dozen, and at each the work may take the
    interpreter's lock for one more step: where every step takes three times as long as the one
    before (`n = n * n`), a single look would cost minutes.
    """
    try:
        statm = os.open("/proc/self/statm", os.O_RDONLY)
    except OSError:  # another system
        process = _process()
        yield lambda: process.memory_info().rss / 2**20 if process else 0.0
        return
    try:
        yield lambda: int(os.pread(statm, 100, 0).split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20
    finally:
        os.close(statm)


def _process():
    """Return this process, or None where psutil is missing: then only the time is limited."""
    try:
        import psutil  # comes with IPython 9, but not in the browser
    except ImportError:
        return None
    return psutil.Process()
