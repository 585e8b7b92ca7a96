"""What a step of the signal board costs, as ratios measured in one run.

    python tests/benchmarks/signal_board.py [turns]

step    theory and one real net of 50 layers, 256 wide, batch 64, forwards and backwards, against
        the bare matrix products of that net (into prepared arrays): at most 2
board   the same for what the board draws, eight nets with four inputs each, theory included
range   a step at the ends of sigma_w and sigma_b against the middle: largest over smallest, at
        most 1.3 (numbers that vanish must not get slow)
grid    theory for 25 x 25 settings and 50 layers against that net's propagation: at most 3

The contenders take turns, so that a busy machine slows all of them; times are medians.
"""

import os
import sys
from statistics import median
from time import perf_counter

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402

from helpers import mean_field  # noqa: E402
from helpers.activations import ACTIVATIONS  # noqa: E402
from helpers.demos import board  # noqa: E402
from helpers.threads import one_blas_thread  # noqa: E402

DEPTH, WIDTH, BATCH = 50, 256, 64
GRID = np.linspace(0.1, 3, 25), np.linspace(0, 1, 25)[:, None]
ENDS = [(0.1, 0.0), (0.1, 1.0), (1.0, 0.0), (1.5, 0.5), (3.0, 0.0), (3.0, 1.0)]


def bare_products():
    """The products of one net, forwards and backwards, and nothing else."""
    draw = board.drawn("gaussian", WIDTH, 0, 1, BATCH)
    given, result = np.ones((BATCH, WIDTH)), np.empty((BATCH, WIDTH))

    def run():
        for W in draw.W[:DEPTH]:
            np.matmul(given, W, out=result)
        for W in draw.W[1:DEPTH]:
            np.matmul(given, W.T, out=result)

    return run


def step(act, sigma_w=1.5, sigma_b=0.2, nets=1, inputs=BATCH):
    """Theory and real nets, as `board.compute_board` makes them."""

    def run():
        theory = mean_field.signal(act, sigma_w, sigma_b, DEPTH)
        board.flat_share(act, theory.second_moment)
        draw = board.drawn("gaussian", WIDTH, 0, nets, inputs)
        board.measured(act, draw, sigma_w, sigma_b, DEPTH)

    return run


def propagation(act):
    draw = board.drawn("gaussian", WIDTH, 0, 1, BATCH)
    return lambda: board.measured(act, draw, 1.5, 0.2, DEPTH)


def grid(act):
    return lambda: mean_field.signal(act, *GRID, DEPTH)


@one_blas_thread()
def times(turns, **contenders):
    """Median seconds of each, taking turns after one round that does not count."""
    seconds = {name: [] for name in contenders}
    for turn in range(turns + 1):
        for name, run in contenders.items():
            start = perf_counter()
            run()
            if turn:
                seconds[name].append(perf_counter() - start)
    return {name: median(values) for name, values in seconds.items()}


def spread(act, turns):
    """Slowest over fastest setting of a step."""
    named = {f"{w} {b}": step(act, w, b, board.NETS, board.INPUTS) for w, b in ENDS}
    seconds = times(turns, **named).values()
    return max(seconds) / min(seconds)


def main(turns):
    print(f"{'':12} {'step <= 2':>10} {'board':>8} {'range <= 1.3':>13} {'grid <= 3':>10}")
    for name, act in ACTIVATIONS.items():
        t = times(
            turns, bare=bare_products(), step=step(act), propagation=propagation(act),
            board=step(act, nets=board.NETS, inputs=board.INPUTS), grid=grid(act),
        )  # fmt: skip
        print(
            f"{name:12} {t['step'] / t['bare']:10.2f} {t['board'] / t['bare']:8.2f} "
            f"{spread(act, turns):13.2f} {t['grid'] / t['propagation']:10.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 11)
