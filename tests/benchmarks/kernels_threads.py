"""Eight notebook kernels at once: does `one_blas_thread` keep them from blocking each other?

    python -m tests.benchmarks.kernels_threads [ROUNDS]

Real kernels, started without any setting, against as many with OMP_NUM_THREADS=1 in their
environment. All of one kind work at the same time, then all of the other, in turns; a ratio is the
median over the rounds of (work per second without settings) / (with OMP_NUM_THREADS=1), summed over
the kernels. The limit is 0.9. For contrast the same products without `one_blas_thread`.
"""

import os
import subprocess
import sys
import time
import timeit
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import numpy  # noqa: F401 - loads the BLAS whose threads are limited
from jupyter_client.manager import start_new_kernel

from helpers.threads import one_blas_thread

ROOT = Path(__file__).resolve().parent.parent.parent
KERNELS = 8
SECONDS = 2.0  # of work per round
LIMIT = 0.9
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

SETUP = """
import time
import numpy as np
from helpers.losses import SOFTMAX
from helpers.network import Net
from helpers.threads import one_blas_thread
from helpers.training import train

rng = np.random.default_rng(0)
x = rng.standard_normal((64, 256))
W = rng.standard_normal((256, 256)) / 16
net = Net((64, 128, 128, 10), act="tanh")
theta = net.init(rng)
X, Y = rng.standard_normal((256, 64)), rng.integers(10, size=256)
labels = SOFTMAX.check(Y, 256, 10)

def unprotected():
    h = x
    for _ in range(20):
        h = np.tanh(h @ W)

def products():
    with one_blas_thread():
        unprotected()

def passes():
    with one_blas_thread():
        for _ in range(5):
            passed = net.forward(theta, X)
            net.backward(theta, passed, SOFTMAX(passed.A[-1], labels)[1])

def training():
    train(net, theta, X, Y, SOFTMAX, steps=20, batch=64, rng=np.random.default_rng(1))

def rate(work, start, seconds):
    time.sleep(max(0, start - time.time()))
    done, begin = 0, time.perf_counter()
    while time.perf_counter() < begin + seconds:
        work()
        done += 1
    return done / (time.perf_counter() - begin)

for warm_up in (products, passes, training):
    warm_up()
"""


class Kernels:
    """Several kernels of this interpreter in a `with` block, all with the same environment."""

    def __init__(self, **settings):
        free = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        self.environment = free | settings

    def __enter__(self):
        with ExitStack() as stack:
            self.clients = [self._start(stack) for _ in range(KERNELS)]
            self.stack = stack.pop_all()
        self.ask("0", SETUP)
        return self

    def __exit__(self, *exception):
        self.stack.close()

    def _start(self, stack):
        manager, client = start_new_kernel(
            cwd=str(ROOT), env=self.environment, stderr=subprocess.DEVNULL
        )
        stack.callback(manager.shutdown_kernel, now=True)
        stack.callback(client.stop_channels)
        return client

    def ask(self, expression, code=""):
        """Let all kernels run `code` and evaluate `expression` at once; their answers."""
        asked = [
            client.execute(code, silent=True, user_expressions={"answer": expression})
            for client in self.clients
        ]
        return [_answer(*pair) for pair in zip(self.clients, asked, strict=True)]

    def rate(self, work):
        """Rounds of `work` per second, summed over the kernels, which start together."""
        start = time.time() + 0.3
        return sum(map(float, self.ask(f"float(rate({work}, {start}, {SECONDS}))")))


def _answer(client, asked):
    while True:
        message = client.get_shell_msg(timeout=120)
        if message["parent_header"].get("msg_id") == asked:
            break
    content = message["content"]
    if content["status"] != "ok":
        raise RuntimeError("\n".join(content["traceback"]))
    return content["user_expressions"]["answer"]["data"]["text/plain"]


def entry_costs():
    """Microseconds of one entry: from outside, and inside another one."""

    def enter():
        with one_blas_thread():
            pass

    def cost(number):
        return 1e6 * min(timeit.repeat(enter, number=number, repeat=9)) / number

    outside = cost(1000)
    with one_blas_thread():
        return outside, cost(10000)


def main(rounds=5):
    """Print the table; exit code 1 if a ratio is below the limit."""
    print("entering one_blas_thread: {:.1f} us, nested {:.2f} us".format(*entry_costs()))
    ratios = {"products": [], "passes": [], "training": [], "unprotected": []}
    with Kernels() as ours, Kernels(OMP_NUM_THREADS="1") as single:
        for _ in range(rounds):
            for work, taken in ratios.items():
                taken.append(ours.rate(work) / single.rate(work))
    title = f"{KERNELS} kernels at once, {os.cpu_count()} cores, {rounds} rounds"
    print(f"{title:44} {'ratio':>6}   (limit {LIMIT}; lowest to highest)")
    for work, taken in ratios.items():
        print(f"{work:44} {median(taken):6.2f}   ({min(taken):.2f} to {max(taken):.2f})")
    return int(any(median(ratios[work]) < LIMIT for work in ("products", "passes", "training")))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
