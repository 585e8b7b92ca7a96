"""One BLAS thread inside, whatever was set before outside: nested, after errors, across threads."""

import subprocess
import sys
import threading

import numpy  # noqa: F401 - loads the BLAS
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from helpers.threads import one_blas_thread


def blas_threads():
    """The number of threads of each BLAS library of this process."""
    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]


pytestmark = pytest.mark.skipif(not blas_threads(), reason="no BLAS that threadpoolctl can limit")


@pytest.fixture(autouse=True)
def two_threads():
    """Start from two threads, also on a machine with one core."""
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        assert set(before) == {2}
        yield
        assert blas_threads() == before


def limited():
    return set(blas_threads()) == {1}


def test_one_thread_inside_and_two_again_outside():
    with one_blas_thread():
        assert limited()
    assert not limited()


def test_the_last_one_out_restores():
    with one_blas_thread():
        with one_blas_thread():
            assert limited()
        assert limited()
    assert not limited()


def test_one_object_may_be_entered_twice():
    limit = one_blas_thread()
    with limit, limit:
        assert limited()
    assert not limited()


def test_an_error_inside_leaves_no_limit():
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        assert limited()
        raise ZeroDivisionError
    assert not limited()


def test_a_decorated_function():
    @one_blas_thread()
    def double(x, *, times=2):
        """Twice x."""
        assert limited()
        return times * x

    assert double(3) == 6 and double(3, times=5) == 15
    assert (double.__name__, double.__doc__) == ("double", "Twice x.")
    with pytest.raises(TypeError):
        double()
    assert not limited()


def test_a_function_that_stops_halfway_is_refused():
    def progress():
        yield 0.5

    async def later():
        return 1

    for function in (progress, later):
        with pytest.raises(TypeError, match=f"^{function.__name__} would keep the limit"):
            one_blas_thread()(function)


def test_two_python_threads_share_the_limit():
    """A callback in its own thread goes in while a cell is inside, and comes out after it."""
    inside, cell_is_out = threading.Event(), threading.Event()
    seen = []

    def callback():
        with one_blas_thread():
            inside.set()
            cell_is_out.wait(10)
            seen.append(limited())

    thread = threading.Thread(target=callback)
    with one_blas_thread():
        thread.start()
        inside.wait(10)
    assert limited()  # the callback is still in
    cell_is_out.set()
    thread.join()
    assert seen == [True] and not limited()


def test_a_python_thread_that_set_a_limit_before_keeps_nobody_out():
    """threadpoolctl lets only the first Python thread that sets a limit set another one."""
    threadpool_limits(2, user_api="blas")  # the main thread came first
    seen, done, go_on = [], threading.Event(), threading.Event()

    def callback():
        with one_blas_thread():
            seen.append(limited())
        seen.append(limited())
        done.set()
        go_on.wait(10)

    thread = threading.Thread(target=callback)
    thread.start()
    done.wait(10)
    with threadpool_limits(1, user_api="blas"):  # and the callback's thread, alive, is no owner now
        seen.append(limited())
    go_on.set()
    thread.join()
    assert seen == [True, False, True]


def test_many_threads_in_and_out():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    seen = []

    def work():
        for _ in range(300):
            with one_blas_thread():
                pass
        with one_blas_thread():
            seen.append(limited())

    threads = [threading.Thread(target=work) for _ in range(8)]
    try:
        for thread in threads:
            thread.start()
    finally:
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
    assert seen == [True] * 8 and not limited()


class Library:
    """A BLAS library as threadpoolctl shows it, with one limit in all or one per Python thread."""

    internal_api = "openblas"

    def __init__(self, layer):
        self.threading_layer, self.limits, self.default = layer, {}, 8

    def _owner(self):
        return threading.get_ident() if self.threading_layer == "openmp" else "all"

    def get_num_threads(self):
        return self.limits.get(self._owner(), self.default)

    def set_num_threads(self, threads):
        self.limits[self._owner()] = threads


@pytest.mark.parametrize("layer", ["pthreads", "openmp"])
def test_libraries_with_a_limit_per_python_thread(monkeypatch, layer):
    library = Library(layer)
    monkeypatch.setattr("helpers.threads._blas_libraries", lambda: [library])
    inside, cell_is_out, seen = threading.Event(), threading.Event(), []

    def callback():
        with one_blas_thread():
            seen.append(library.get_num_threads())
            inside.set()
            cell_is_out.wait(10)
            seen.append(library.get_num_threads())
        seen.append(library.get_num_threads())

    thread = threading.Thread(target=callback)
    with one_blas_thread():
        thread.start()
        inside.wait(10)
        assert library.get_num_threads() == 1
    cell_is_out.set()
    thread.join()
    assert seen == [1, 1, 8] and library.get_num_threads() == 8


def test_importing_changes_nothing():
    code = """if True:
        import numpy
        from threadpoolctl import threadpool_info
        before = threadpool_info()
        import helpers.threads
        assert threadpool_info() == before
        """
    subprocess.run([sys.executable, "-c", code], check=True)
