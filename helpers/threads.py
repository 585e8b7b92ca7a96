"""One BLAS thread for our own small matrices.

With numpy's default of one BLAS thread per core, two notebook kernels on two cores run 20 to 100
times slower than with one thread each: the threads of one process wait for cores that the other
one holds. The matrices of these lessons are too small to gain from a second thread anyway.
"""

import functools
import inspect
import threading

from threadpoolctl import ThreadpoolController


class one_blas_thread:
    """Limit BLAS to one thread inside a `with` block or a decorated function.

        with one_blas_thread():        @one_blas_thread()
            a = x @ W                  def step(x, W): ...

    Entries are counted, over all Python threads (JupyterLab runs widget callbacks in a thread of
    their own): the first one in sets the limit, the last one out restores what was there before.
    Entering again inside costs well under a microsecond, so a function can protect itself whoever
    calls it. A generator would leave the limit on while it is suspended: decorating one is a
    TypeError; use `with` around the work between two yields.
    """

    __slots__ = ()

    def __enter__(self):
        _limit.enter()

    def __exit__(self, *exception):
        _limit.leave()

    def __call__(self, function):
        if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
            raise TypeError(
                f"{function.__name__} would keep the limit while it is suspended; "
                "use 'with one_blas_thread():' between its yields"
            )

        @functools.wraps(function)
        def limited(*args, **kwargs):
            _limit.enter()
            try:
                return function(*args, **kwargs)
            finally:
                _limit.leave()

        return limited


class _Limit:
    """The count of entries, and what was set before the first."""

    __slots__ = ("entries", "lock", "restore")

    def __init__(self):
        self.entries, self.lock, self.restore = 0, threading.Lock(), None

    def enter(self):
        with self.lock:
            if self.entries == 0:
                self.restore = _blas_libraries().limit(limits=1).restore_original_limits
            self.entries += 1

    def leave(self):
        with self.lock:
            self.entries -= 1
            if self.entries == 0:
                self.restore()


@functools.cache
def _blas_libraries():
    """The BLAS libraries of this process, looked up once (about a millisecond)."""
    return ThreadpoolController().select(user_api="blas")


_limit = _Limit()
