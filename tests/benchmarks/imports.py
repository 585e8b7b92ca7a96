"""What importing costs, against numpy + matplotlib + ipywidgets alone.

    python tests/benchmarks/imports.py [ROUNDS]

For each notebook: the time of its first code cell in a fresh interpreter, as a ratio to the three
libraries alone (the parts of matplotlib that we use: Figure and the Agg canvas). Rounds alternate
between the candidates, so that a busy machine slows all of them; the ratio is between medians.
"""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent.parent
BASE = "import numpy, matplotlib.figure, matplotlib.backends.backend_agg, ipywidgets"
TIMED = """
import sys, time
source = sys.argv[1]
start = time.perf_counter()
exec(source, {})
print(time.perf_counter() - start)
"""
LIMIT = 1.3


def main(rounds=9):
    """Print the table; exit code 1 if a notebook is above the limit."""
    sources = {"numpy + matplotlib + ipywidgets": BASE, **first_cells()}
    times = measured(sources, rounds)
    base = median(times["numpy + matplotlib + ipywidgets"])
    print(f"{'imports of':34} {'median ms':>9} {'ratio':>6}   (limit {LIMIT}, {rounds} rounds)")
    for name in sources:
        print(f"{name:34} {1e3 * median(times[name]):9.0f} {median(times[name]) / base:6.2f}")
    return int(any(median(times[name]) > LIMIT * base for name in sources))


def first_cells():
    """The first code cell of each notebook: by our rules the only one that imports."""
    cells = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        code = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
        cells[path.stem] = "".join(code["source"])
    return cells


def measured(sources, rounds):
    """Seconds of each source in a fresh interpreter, `rounds` times; a first round warms up."""
    times = {name: [] for name in sources}
    for _ in range(rounds + 1):
        for name, source in sources.items():
            times[name].append(seconds(source))
    return {name: taken[1:] for name, taken in times.items()}


def seconds(source):
    command = [sys.executable, "-c", TIMED, source]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(printed.splitlines()[-1])  # the cell may print too


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
