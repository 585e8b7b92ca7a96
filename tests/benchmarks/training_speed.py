"""How fast `helpers.training` is, as ratios measured in one run.

    python -m tests.benchmarks.training_speed [turns] [cpu]

Everything is float64, one BLAS thread, the same data and the same number of updates. The contenders
take turns (A B C A B C ...), so that a busy machine slows all of them; a ratio is the median over
the turns. PyTorch and scikit-learn work in processes of their own, as they would with a user: in
ours they would gain from `_keep_freed_memory`. "cpu" counts processor time instead of time on the
wall: steadier where other programs want the same processors. Absolute times are printed for
orientation only. The two take part where they are installed:

    pip install torch scikit-learn
"""

import importlib.util
import multiprocessing
import os
import sys
import warnings
from contextlib import suppress
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")  # PyTorch reads it when it is imported

import numpy as np  # noqa: E402

from helpers.losses import LOGISTIC, SOFTMAX  # noqa: E402
from helpers.network import Net  # noqa: E402
from helpers.threads import one_blas_thread  # noqa: E402
from helpers.training import SGD, Adam, train  # noqa: E402


class Case(NamedTuple):
    """A net, its data and the ratios it must reach (None: none was set)."""

    title: str
    sizes: tuple
    act: str
    batch: int
    batches: int  # batches in the data; 1 means full batch
    epochs: int
    torch: float  # PyTorch's time / ours, at least
    sklearn: float  # scikit-learn's time / ours, at least
    products: float | None = None  # SGD / bare matrix products, at most


DIGITS = (784, 256, 256, 10)
CASES = [
    Case("2-16-16-1, all 300 points, tanh", (2, 16, 16, 1), "tanh", 300, 1, 600, 3.0, 2.5),
    Case("64-64-64-10, batch 32, relu", (64, 64, 64, 10), "relu", 32, 40, 10, 2.5, 1.7),
    Case("30 layers of 64, batch 128, sigmoid", (64,) * 31, "sigmoid", 128, 10, 4, 1.3, 1.3),
    Case("784-256-256-10, batch 128, relu", DIGITS, "relu", 128, 10, 3, 1 / 1.35, 1.05, 1.5),
]


class Problem(NamedTuple):
    """A case with its data and start."""

    case: Case
    net: Net
    theta: np.ndarray
    X: np.ndarray
    Y: np.ndarray
    loss: object
    steps: int


def problem(case):
    rng = np.random.default_rng(0)
    net = Net(case.sizes, case.act)
    X = rng.standard_normal((case.batch * case.batches, case.sizes[0]))
    if case.sizes[-1] == 1:
        loss, Y = LOGISTIC, (X[:, :1] * X[:, 1:2] > 0).astype(float)
    else:
        loss, Y = SOFTMAX, X[:, : case.sizes[-1]].argmax(axis=1)
    return Problem(case, net, net.init(rng), X, Y, loss, case.epochs * case.batches)


# --- the contenders: each makes a function that does all the steps ------------------------------


def ours(case, optimizer):
    p = problem(case)
    batch = None if p.case.batches == 1 else p.case.batch

    def run():
        rng = np.random.default_rng(1)
        train(
            p.net, p.theta, p.X, p.Y, p.loss,
            steps=p.steps, optimizer=optimizer, batch=batch, rng=rng, record=2,
        )  # fmt: skip

    return run


def bare_products(case):
    """The matrix products of a step, into prepared arrays, and nothing else."""
    p = problem(case)
    layers = p.net.layers(p.theta.copy())
    inputs = [np.random.default_rng(0).standard_normal((p.case.batch, m)) for m in p.case.sizes]
    weights = [np.empty_like(W) for W, _ in layers]
    results = [np.empty_like(a) for a in inputs]

    @one_blas_thread()
    def run():
        for _ in range(p.steps):
            for (W, _), a, z in zip(layers, inputs, results[1:], strict=False):
                np.matmul(a, W, out=z)
            for (W, _), a, dz, da, dW in zip(
                layers[::-1], inputs[-2::-1], inputs[:0:-1], results[-2::-1], weights[::-1],
                strict=True,
            ):  # fmt: skip
                np.matmul(a.T, dz, out=dW)
                if W is not layers[0][0]:
                    np.matmul(dz, W.T, out=da)

    return run


def pytorch(case):
    import torch

    p = problem(case)
    torch.set_num_threads(1)
    act = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid}[p.case.act]
    parts = []
    for W, _ in p.net.layers(p.theta):
        parts += [torch.nn.Linear(*W.shape, dtype=torch.float64), act()]
    model = torch.nn.Sequential(*parts[:-1])
    logistic = p.loss is LOGISTIC
    loss = torch.nn.BCEWithLogitsLoss() if logistic else torch.nn.CrossEntropyLoss()
    X, Y = torch.tensor(p.X), torch.tensor(p.Y)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def run():
        for _ in range(p.case.epochs):
            order = torch.randperm(len(X)) if p.case.batches > 1 else None
            for k in range(p.case.batches):
                chosen = slice(None) if order is None else order[k * p.case.batch :][: p.case.batch]
                optimizer.zero_grad()
                loss(model(X[chosen]), Y[chosen]).backward()
                optimizer.step()

    return run


def scikit_learn(case):
    from sklearn.neural_network import MLPClassifier

    p = problem(case)
    act = {"sigmoid": "logistic"}.get(p.case.act, p.case.act)
    model = MLPClassifier(
        p.case.sizes[1:-1], activation=act, solver="adam", alpha=0.0, batch_size=p.case.batch,
        max_iter=p.case.epochs, tol=0.0, n_iter_no_change=10**9, random_state=0,
    )  # fmt: skip
    Y = p.Y.ravel()

    def run():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that it did not converge, as it should
            model.fit(p.X, Y)

    return run


def ensemble(sizes, points, lead, steps, one_by_one=False):
    """Train all nets of an ensemble at once, or in a loop."""
    rng = np.random.default_rng(0)
    net, X = Net(sizes, "tanh"), rng.standard_normal((points, 2))
    Y = (X[:, :1] * X[:, 1:] > 0).astype(float)
    theta = net.init(rng, lead=lead)

    def run():
        for start in theta if one_by_one else [theta]:
            train(net, start, X, Y, LOGISTIC, steps=steps, optimizer=Adam(), record=2)

    return run


# --- measuring ----------------------------------------------------------------------------------


def timed(run):
    """`run` as a contender: a function of the clock that takes its turn and returns the seconds."""

    def turn(clock):
        start = clock()
        run()
        return clock() - start

    return turn


def elsewhere(make, *arguments):
    """`make(*arguments)` as a contender that runs in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    spawn.Process(target=_serve, args=(there, make, arguments), daemon=True).start()
    there.close()  # so that an end of the process is an error here, not an endless wait

    def turn(clock):
        here.send(clock)
        return here.recv()

    return turn


def _serve(pipe, make, arguments):
    turn = timed(make(*arguments))
    with suppress(EOFError):  # the other end has gone: no more turns
        while True:
            pipe.send(turn(pipe.recv()))


def interleaved(contenders, turns, clock):
    """{name: [seconds of every turn]}; one turn before that is not counted."""
    times = {name: [] for name in contenders}
    for _ in range(turns + 1):
        for name, turn in contenders.items():
            times[name].append(turn(clock))
    return {name: seconds[1:] for name, seconds in times.items()}


def ratio(times, name, base):
    return median(a / b for a, b in zip(times[name], times[base], strict=True))


def row(label, value, low=None, high=None):
    """Print one ratio, with the limit it should keep if there is one."""
    verdict = ""
    if low is not None:
        verdict = f"at least {low:.2f}: {'reached' if value >= low else 'NOT REACHED'}"
    if high is not None:
        verdict = f"at most {high:.2f}: {'reached' if value <= high else 'NOT REACHED'}"
    print(f"  {label:31}{value:7.2f}   {verdict}".rstrip())


def installed(module):
    return importlib.util.find_spec(module) is not None


def report_training(case, turns, clock):
    contenders = {
        "adam": timed(ours(case, Adam())),
        "sgd": timed(ours(case, SGD())),
        "products": timed(bare_products(case)),
    }
    if installed("torch"):
        contenders["torch"] = elsewhere(pytorch, case)
    if installed("sklearn"):
        contenders["sklearn"] = elsewhere(scikit_learn, case)
    times = interleaved(contenders, turns, clock)
    micro = median(times["adam"]) / (case.epochs * case.batches) * 1e6
    print(f"\n{case.title}: Adam {micro:,.0f} us a step, {1e6 / micro:,.0f} steps a second")
    if "torch" in times:
        row("PyTorch eager / ours", ratio(times, "torch", "adam"), low=case.torch)
    if "sklearn" in times:
        row("MLPClassifier / ours", ratio(times, "sklearn", "adam"), low=case.sklearn)
    row("ours with Adam / bare products", ratio(times, "adam", "products"))
    row("ours with SGD / bare products", ratio(times, "sgd", "products"), high=case.products)


def report_ensemble(sizes, points, steps, target, turns, clock):
    sixty_four = {
        "together": timed(ensemble(sizes, points, (64,), steps)),
        "loop": timed(ensemble(sizes, points, (64,), steps, one_by_one=True)),
    }
    times = interleaved(sixty_four, turns, clock)
    print(f"\n64 nets {'-'.join(map(str, sizes))} on {points} points")
    row("loop over 64 / ensemble of 64", ratio(times, "loop", "together"), low=target)
    single = {
        "lead=()": timed(ensemble(sizes, points, (), 10 * steps)),
        "lead=(1,)": timed(ensemble(sizes, points, (1,), 10 * steps)),
    }
    times = interleaved(single, 2 * turns + 1, clock)
    row("lead=(1,) / lead=()", ratio(times, "lead=(1,)", "lead=()"), high=1.10)


def main(turns="7", clock="wall"):
    turns, clock = int(turns), {"wall": perf_counter, "cpu": process_time}[clock]
    print(f"numpy {np.__version__}, float64, one thread, medians of {turns} turns")
    for module, name in [("torch", "PyTorch"), ("sklearn", "scikit-learn")]:
        if not installed(module):
            print(f"{name} is not installed here, so there are no rows for it.")
    for case in CASES:
        report_training(case, turns, clock)
    report_ensemble((2, 8, 1), 32, 50, 8.0, turns, clock)
    report_ensemble((2, 16, 16, 1), 300, 20, 1.5, turns, clock)


if __name__ == "__main__":
    main(*sys.argv[1:])
