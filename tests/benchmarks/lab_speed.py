"""From click to finished picture: how long the activation lab trains.

    python tests/benchmarks/lab_speed.py [rounds]

Each case is a lab that stands there with its first picture; the click is on Train after the
settings have changed. The budgets are for two quiet cores. `replay` is a step of the frame slider
against making the figure of that step again: at most a tenth (tests/benchmarks/slider_kernel.py
does the other sliders).
"""

import sys
from statistics import median
from time import perf_counter

import numpy as np
import slider_kernel

from helpers.demos import lab
from helpers.live import LiveFigure

CASES = {  # settings, and the seconds allowed
    "moons, 2-16-16-1, 16 nets, 500 steps": (dict(), 2.0),
    "the same, batches of 32": (dict(batch=32), 2.0),
    "the same, L1 and L2, tanh to GELU": (
        dict(activation="tanh", then="silu", l1=0.01, l2=0.001), 2.0
    ),
    "digits, depth 4, width 64, 8 nets, 300 steps": (
        dict(data="digits", depth=4, width=64, nets=8, steps=300), 5.0
    ),
    "the same, batches of 64": (
        dict(data="digits", depth=4, width=64, nets=8, steps=300, batch=64), 5.0
    ),
}  # fmt: skip
TARGET = 0.10


def seconds(settings, rounds):
    """Times from click to picture, another seed in each round."""
    figure = lab.lab(steps=10, nets=1)
    times = []
    for seed in range(rounds):
        start = perf_counter()
        figure.set(**{"steps": 500, "nets": 16, **settings, "seed": seed})
        times.append(perf_counter() - start)
    figure.close()
    return times


def replay(settings):
    """Milliseconds (live, made again) of steps of the frame slider, medians."""
    figure = lab.lab(**settings)
    live, again = [], []
    for frame in np.random.default_rng(0).permutation(len(figure.record.film.steps) - 1)[:12]:
        live.append(slider_kernel.timed(lambda frame=frame: figure.set(frame=int(frame))))
        compute = slider_kernel.timed(
            lambda: figure._compute(record=figure.record, **figure._asked())
        )
        again.append(compute + slider_kernel.timed(slider_kernel.same, figure))
    figure.close()
    return median(live), median(again)


def main(rounds=5):
    LiveFigure.raise_errors = True
    print(f"{'from click to picture':50} {'median':>8} {'worst':>8} {'budget':>8}")
    for title, (settings, budget) in CASES.items():
        times = seconds(settings, rounds)
        print(f"{title:50} {median(times):6.2f} s {max(times):6.2f} s {budget:6.1f} s")
    for title in ("moons, 2-16-16-1, 16 nets, 500 steps", [*CASES][3]):
        live, again = replay(CASES[title][0])
        print(f"replay, {title:42} {live:6.1f} ms of {again:6.1f} ms: 1/{again / live:.1f}, "
              f"target 1/{1 / TARGET:.0f}")  # fmt: skip


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
