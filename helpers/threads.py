"""One BLAS thread for our own small matrices.

Two notebook kernels with numpy's default of one BLAS thread per core, on two cores, run 20 to 100
times slower than with one thread each: the threads of one process wait for cores that the other
holds. The matrices of these lessons are too small to gain from a second thread anyway.
"""

import functools
import inspect
import threading

from threadpoolctl import ThreadpoolController


class one_blas_thread:
    """Limit BLAS to one thread inside a `with` block or a decorated function.

        with one_blas_thread():      @one_blas_thread()
            a = x @ W                def step(x, W): ...

    Entries are counted, over all Python threads (JupyterLab runs widget callbacks in a thread of
    their own): the first one in sets the limit, the last one out restores what was there before.
    Entering again inside costs well under a microsecond, so a function may protect itself without
    asking who calls it. A generator would leave the limit on while it is suspended: decorating one
    is a TypeError; use `with` around the work between two yields instead.
    """

    __slots__ = ()

    _lock = threading.Lock()
    _entries = 0
    _blas = None  # the BLAS libraries of this process, looked up once
    _limit = None  # what restores them

    def __enter__(self):
        cls = one_blas_thread
        with cls._lock:
            if cls._entries == 0:
                cls._limit = _blas_libraries().limit(limits=1)
            cls._entries += 1
        return self

    def __exit__(self, *exception):
        cls = one_blas_thread
        with cls._lock:
            cls._entries -= 1
            if cls._entries == 0:
                cls._limit.restore_original_limits()

    def __call__(self, function):
        if inspect.isgeneratorfunction(function):
            raise TypeError(
                f"{function.__name__} is a generator, which would keep the limit while it is "
                "suspended; use 'with one_blas_thread():' between its yields"
            )

        @functools.wraps(function)
        def limited(*args, **kwargs):
            with self:
                return function(*args, **kwargs)

        return limited


@functools.cache
def _blas_libraries():
    return ThreadpoolController().select(user_api="blas")
