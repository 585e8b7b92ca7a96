"""A slider step of the live figure against making the figure again, in the kernel.

    python tests/benchmarks/slider_kernel.py [helpers.demos.linearity.fold ...]

For every slider of every demo (a demo without one: for every choice), over the same values in
turn and in random order:

    live     the widget's value changes: compute, move the artists, blit, PNG, texts
    same     compute, the very same figure made again and saved: our 150 dots per inch, its layout
             solved again
    inline   compute, a figure of 100 dots per inch without a layout engine, tight box: the cheapest
             that a notebook does with `interact` and inline figures

A live step should take at most a tenth of making the same figure again; the ratio to the coarser
one stands beside it. Where it takes more, look at `full`, the share of steps that asked for a full
redraw, and at `compute`, which all have to do.
"""

import importlib
import io
import statistics
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from helpers.live import Choice, LiveFigure, Number
from helpers.style import DPI, rc
from helpers.threads import one_blas_thread

DEMOS = (
    "helpers.demos.linearity.fold",
    "helpers.demos.xor.by_hand",
    "helpers.demos.approximation.build_a_function",
    "helpers.demos.boundary.decision_boundary",
    "helpers.demos.derivative.tangent",
    "helpers.demos.derivative.step_size",
    "helpers.demos.derivative.find_the_bug",
    "helpers.demos.derivative.two_coats",
    "helpers.demos.output.slow_start",
    "helpers.demos.output.softmax",
    "helpers.demos.saturation.meter",
    "helpers.demos.saturation.chain",
    "helpers.demos.rescue.top_layer",
    "helpers.demos.rescue.rescue",
    "helpers.demos.normalisation.explosion",
    "helpers.demos.board.board",
    "helpers.demos.board.edge_of_chaos",
    "helpers.demos.schemes.every_scheme",
    "helpers.demos.gain.calculator",
    "helpers.demos.finite.typical",
    "helpers.demos.finite.singular_values",
    "helpers.demos.regions.lines",
    "helpers.demos.regions.deep",
    "helpers.demos.regions.one_matrix",
    "helpers.demos.sparsity.half_are_zero",
    "helpers.demos.sparsity.flips",
    "helpers.demos.sparsity.codes",
    "helpers.demos.zeros.turn_up",
    "helpers.demos.zeros.sharpness",
    "helpers.demos.zeros.cost",
    "helpers.demos.graveyard.lab",
    "helpers.demos.graveyard.threshold",
    "helpers.demos.graveyard.shift",
    "helpers.demos.born_dead.hinges",
    "helpers.demos.born_dead.born_dead",
    "helpers.demos.leaky.explore",
    "helpers.demos.leaky.prelu",
    "helpers.demos.leaky.surrogate_start",
    "helpers.demos.leak_depth.deeper",
    "helpers.demos.selfnorm.bias_shift",
    "helpers.demos.selfnorm.selu",
    "helpers.demos.maxout.maxout",
    "helpers.demos.claims.trial",
    "helpers.demos.gan.ring",
    "helpers.demos.lab.lab",
    "helpers.demos.far.away",
)
ROUNDS = 8  # values of each slider
TARGET = 0.10


@dataclass
class Times:
    """Milliseconds of each step of a demo, by what was timed."""

    live: list = field(default_factory=list)
    same: list = field(default_factory=list)
    inline: list = field(default_factory=list)
    compute: list = field(default_factory=list)
    full: int = 0

    def median(self, name):
        return statistics.median(getattr(self, name))

    def ratio(self, other):
        return self.median("live") / self.median(other)


def demo(path):
    """The live figure of a demo, given as package.module.function."""
    module, name = path.rsplit(".", 1)
    return getattr(importlib.import_module(module), name)()


def sliders(figure):
    """(panel, name, control) of the sliders that move the picture at once; else of the choices."""
    quick = [
        (panel, name, control)
        for panel in (figure._panels() if figure._ahead else figure._quick_panels())
        for name, control in panel.controls.items()
        if not panel.widgets[name].disabled
    ]
    return [one for one in quick if isinstance(one[2], Number)] or [
        one for one in quick if isinstance(one[2], Choice)
    ]


def values(control):
    """As many different values as there are rounds, over the range of a slider or choice."""
    ladder = control.ladder if isinstance(control, Number) else list(control.options.values())
    return [ladder[i] for i in np.unique(np.linspace(0, len(ladder) - 1, ROUNDS).astype(int))]


def timed(action, *arguments):
    start = time.perf_counter()
    action(*arguments)
    return (time.perf_counter() - start) * 1000


def inline(figure, dpi=100, layout=None, box="tight"):
    """What a notebook does that makes its figure again, without compute."""
    with rc():
        fig = Figure(figsize=figure._size, dpi=dpi, layout=layout)
        FigureCanvasAgg(fig)
        picture = figure._picture
        picture.draw(picture.build(fig), figure.result)
        fig.savefig(io.BytesIO(), format="png", bbox_inches=box)


def same(figure):
    inline(figure, DPI, "constrained", None)


def measure(figure, rng):
    """Times of all steps; the ways to make them take turns, in random order."""
    times = Times()
    for panel, name, control in sliders(figure):
        figure.reset()
        for value in rng.permutation(values(control)).tolist():
            if panel.widgets[name].value != value:
                time_step(times, figure, panel.widgets[name], value, rng)
    return times


def time_step(times, figure, widget, value, rng):
    """Time one step, what it computes, and the other ways to show the same result."""
    with count_full_redraws(figure._picture, times):
        times.live.append(timed(setattr, widget, "value", value))
    record = {"record": figure.record} if figure.record is not None else {}
    values = figure._asked()
    with one_blas_thread():  # as the live figure computes
        times.compute.append(timed(lambda: figure._compute(**record, **values)))
    for way in rng.permutation(["same", "inline"]):
        drawn = timed({"same": same, "inline": inline}[way], figure)
        getattr(times, way).append(times.compute[-1] + drawn)


@contextmanager
def count_full_redraws(picture, times):
    draw = picture.draw

    def counted(artists, result):
        everything = draw(artists, result)
        times.full += bool(everything)
        return everything

    picture.draw = counted
    try:
        yield
    finally:
        picture.draw = draw


def main(paths):
    LiveFigure.raise_errors = True
    ways = ("live", "same", "inline", "compute")
    print(f"{'demo':46} {' '.join(f'{way:>8}' for way in ways)}  full  of same  of inline")
    worst = 0.0
    for path in paths:
        figure = demo(path)
        times = measure(figure, np.random.default_rng(0))
        figure.close()
        worst = max(worst, times.ratio("same"))
        medians = " ".join(f"{times.median(way):5.1f} ms" for way in ways)
        full = times.full / len(times.live)
        ratios = [f"1/{1 / times.ratio(way):.1f}" for way in ("same", "inline")]
        print(f"{path:46} {medians} {full:5.0%} {ratios[0]:>8} {ratios[1]:>10}", flush=True)
    print(f"worst: 1/{1 / worst:.1f}, target 1/{1 / TARGET:.0f} of the same figure")


if __name__ == "__main__":
    main(sys.argv[1:] or DEMOS)
