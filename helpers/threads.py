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

    Safe in several Python threads at once (JupyterLab runs widget callbacks in a thread of their
    own): each is limited from its first entry on, and what was set before is restored when the last
    one has left. Entering again inside costs about a microsecond: a function can protect itself
    whoever calls it. Entering from outside costs 15 microseconds, and BLAS allocates its buffers
    anew (up to 0.2 ms): put it around a computation, not around one product.

    A generator would leave the limit on while it is suspended: decorating one is a TypeError; use
    `with` around the work between two yields.
    """

    __slots__ = ()

    def __enter__(self):
        _enter()

    def __exit__(self, *exception):
        _leave()

    def __call__(self, function):
        if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
            raise TypeError(
                f"{function.__name__} would keep the limit while it is suspended; "
                "use 'with one_blas_thread():' between its yields"
            )

        @functools.wraps(function)
        def limited(*args, **kwargs):
            _enter()
            try:
                return function(*args, **kwargs)
            finally:
                _leave()

        return limited


class _Here(threading.local):
    """What this Python thread has to remember."""

    depth = 0  # entries it has not left
    before = ()  # threads of each library before the first of them


class _Process:
    """What the whole process has to remember; change it under the lock only."""

    lock = threading.Lock()
    inside = 0  # Python threads with depth > 0
    before = ()


_here = _Here()


def _enter():
    if _here.depth == 0:
        _limit_this_thread()
    _here.depth += 1


def _leave():
    _here.depth -= 1
    if _here.depth == 0:
        _restore()


def _limit_this_thread():
    with _Process.lock:
        _here.before = [library.get_num_threads() for library in _blas_libraries()]
        if _Process.inside == 0:
            _Process.before = _here.before
        _Process.inside += 1
        for library in _blas_libraries():
            _set(library, 1)


def _restore():
    with _Process.lock:
        _Process.inside -= 1
        threads = zip(_blas_libraries(), _here.before, _Process.before, strict=True)
        for library, here, first in threads:
            if _is_per_thread(library):
                _set(library, here)
            elif _Process.inside == 0:
                _set(library, first)


def _is_per_thread(library):
    """Whether each Python thread has a limit of its own; all other libraries have one in all."""
    return library.internal_api == "openblas" and library.threading_layer == "openmp"


def _set(library, threads):
    """Set the number of threads, from whichever Python thread we are in.

    threadpoolctl 3.8 lets only the first Python thread that sets a limit set another one, and
    ignores all others without a word. Our lock and count make that protection needless.
    """
    release = getattr(library, "clear_controlling_thread", lambda force: None)
    release(force=True)
    library.set_num_threads(threads)
    release(force=True)


@functools.cache
def _blas_libraries():
    """The BLAS libraries of this process, looked up once (about a millisecond)."""
    return ThreadpoolController().select(user_api="blas").lib_controllers
