"""The shape of `helpers`: imports point down, nothing happens at import, no hidden state.

The rules read the syntax tree, so that they hold for code that no test runs. Each has a planted
fault below: a rule that cannot fail protects nothing.
"""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

HELPERS = Path(__file__).resolve().parent.parent / "helpers"

# From the ground up. A module imports from the levels before its own, never from its own or above.
LEVELS = [
    ["checks", "threads"],                          # floor 0
    ["activations", "losses", "datasets"],
    ["initializers"],                               # floor 1
    ["network", "diagnostics", "theory", "mean_field"],
    ["batch_norm", "regions"],
    ["training"],                                   # floor 2
    ["experiment"],
    ["health"],
    ["style", "plane"],                             # floor 3
    ["live", "table", "limits"],
    ["grading"],
    ["lesson"],
    ["demos", "exercises", "questions"],            # floor 4
]
LEVEL = {name: k for k, names in enumerate(LEVELS) for name in names}
NUMPY_ONLY = {"numpy"}
PICTURES = {"numpy", "matplotlib", "ipywidgets", "IPython", "PIL"}
THIRD_PARTY = {"threads": {"threadpoolctl"}, "style": PICTURES, "live": PICTURES}
THIRD_PARTY |= {"lesson": PICTURES, "demos": {"numpy", "matplotlib", "contourpy"}}
THIRD_PARTY |= {"plane": {"numpy", "matplotlib", "contourpy"}}
THIRD_PARTY |= {"limits": {"psutil"}}  # comes with IPython
RANDOM_MODULES = ("np.random", "numpy.random")
GENERATORS = {"Generator", "default_rng", "SeedSequence"}
PRINTING = {"lesson", "table"}
DEFINITIONS = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign, ast.AugAssign)
HEAVY = ("matplotlib.pyplot", "scipy", "sklearn", "pandas", "torch", "mpmath")


def imports_point_down(module, tree):
    for name in imported(tree):
        if not name.startswith("helpers"):
            continue
        target = name.split(".")[1] if "." in name else None
        if target is None or LEVEL[target] >= LEVEL[module]:
            yield f"{module} imports {name}, which is not below it"


def third_parties_stay_on_their_floor(module, tree):
    allowed = THIRD_PARTY.get(module, NUMPY_ONLY) | sys.stdlib_module_names | {"helpers"}
    for name in imported(tree):
        if name.split(".")[0] not in allowed:
            yield f"{module} imports {name}"


def no_pyplot(module, tree):
    if any("pyplot" in name for name in imported(tree)):
        yield f"{module} imports pyplot: figures of the running cell would be drawn half built"


def no_global_random_state(module, tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in RANDOM_MODULES:
            if node.attr not in GENERATORS:
                yield f"{module} uses {ast.unparse(node)}: take a Generator named rng"
    if "random" in {name.split(".")[0] for name in imported(tree)}:
        yield f"{module} imports the module random"


def nothing_happens_at_import(module, tree):
    for node in tree.body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not (is_docstring or isinstance(node, DEFINITIONS + (ast.Import, ast.ImportFrom))):
            yield f"{module} runs at import, line {node.lineno}: {ast.unparse(node)[:60]}"


def only_lessons_print(module, tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "sys.stdout.write"):
            if module not in PRINTING:
                yield f"{module} prints, line {node.lineno}: return a text instead"


def public_names_are_explained(module, tree):
    if ast.get_docstring(tree) is None:
        yield f"{module} has no docstring"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if ast.get_docstring(node) is None:
                yield f"{module}.{node.name} has no docstring"


RULES = [
    imports_point_down, third_parties_stay_on_their_floor, no_pyplot, no_global_random_state,
    nothing_happens_at_import, only_lessons_print, public_names_are_explained,
]


def imported(tree):
    """The full names of all modules that are imported anywhere in the tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield "helpers"     # a relative import: which one it is does not matter
            elif node.module == "helpers":
                yield from (f"helpers.{alias.name}" for alias in node.names)
            else:
                yield from {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}


MODULES = sorted(path for path in HELPERS.rglob("*.py") if path.name != "__init__.py")


def floor(path):
    """The name in LEVELS under which a file counts."""
    return path.relative_to(HELPERS).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: "-".join(path.parts[-2:]))
class TestModules:
    def test_has_a_floor(self, path):
        assert floor(path) in LEVEL

    @pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
    def test_keeps_the_rule(self, path, rule):
        assert list(rule(floor(path), ast.parse(path.read_text(encoding="utf-8")))) == []


def test_packages_are_empty():
    """`from helpers.activations import RELU` says where a thing lives; there is no other way."""
    packages = {path.parent.name: path.read_text() for path in HELPERS.rglob("__init__.py")}
    assert packages == {"helpers": "", "demos": "", "exercises": "", "questions": ""}


@pytest.mark.parametrize(
    ("rule", "module", "source"),
    [
        (imports_point_down, "network", "from helpers.training import train"),
        (imports_point_down, "losses", "from helpers import activations"),
        (imports_point_down, "demos", "def f():\n    from helpers.demos.xor import restarts"),
        (imports_point_down, "live", "from . import style"),
        (imports_point_down, "style", "import helpers.live"),
        (third_parties_stay_on_their_floor, "theory", "from scipy.special import erf"),
        (third_parties_stay_on_their_floor, "training", "import threadpoolctl"),
        (third_parties_stay_on_their_floor, "diagnostics", "import matplotlib"),
        (no_pyplot, "demos", "import matplotlib.pyplot as plt"),
        (no_pyplot, "style", "from matplotlib import pyplot"),
        (no_global_random_state, "datasets", "np.random.normal()"),
        (no_global_random_state, "datasets", "numpy.random.seed(1)"),
        (no_global_random_state, "datasets", "from random import gauss"),
        (nothing_happens_at_import, "live", "matplotlib.use('agg')"),
        (nothing_happens_at_import, "live", "for x in y: pass"),
        (nothing_happens_at_import, "live", "if x: import y"),
        (only_lessons_print, "training", "print(loss)"),
        (public_names_are_explained, "losses", "'''Losses.'''\ndef loss(): return 1"),
    ],
)
def test_a_rule_finds_its_fault(rule, module, source):
    assert list(rule(module, ast.parse(source))) != []


@pytest.fixture(scope="module")
def loaded():
    """What a fresh interpreter has loaded and changed after importing all of `helpers`."""
    names = [".".join(path.relative_to(HELPERS.parent).with_suffix("").parts) for path in MODULES]
    command = [sys.executable, "-c", REPORT, json.dumps(names)]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert run.stdout.count("\n") == 1, f"an import prints: {run.stdout}"
    return json.loads(run.stdout)


# Run in a fresh interpreter: import the base, look, import helpers, look again.
REPORT = """
import importlib, json, sys, threading, warnings
import numpy, ipywidgets, matplotlib.figure, matplotlib.backends.backend_agg
import threadpoolctl, IPython

def state():
    return {
        "rcParams": repr(list(dict.items(matplotlib.rcParams))),
        "random state": repr(numpy.random.get_state()),
        "numpy errors": repr(numpy.geterr()),
        "print options": repr(numpy.get_printoptions()),
        "warning filters": repr(warnings.filters),
        "threads": threading.active_count(),
        "BLAS threads": [pool["num_threads"] for pool in threadpoolctl.threadpool_info()],
    }

written = []
writing = lambda event, a: event == "open" and isinstance(a[1], str) and set(a[1]) & set("wax+")
sys.addaudithook(lambda event, a: written.append(str(a[0])) if writing(event, a) else None)
before, base = state(), set(sys.modules)
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
after = state()
print(json.dumps({
    "changed": [key for key in before if before[key] != after[key]],
    "written": [name for name in written if not name.endswith(".pyc") and ".pyc." not in name],
    "base": len(base),
    "new": sorted(set(sys.modules) - base),
}))
"""


def test_importing_everything_changes_and_writes_nothing(loaded):
    assert (loaded["changed"], loaded["written"]) == ([], [])


def test_importing_everything_loads_nothing_heavy(loaded):
    assert set(HEAVY) & set(loaded["new"]) == set()


def test_importing_costs_little_more_than_numpy_matplotlib_and_ipywidgets(loaded):
    """Counted in modules here; benchmarks/imports.py measures the time (at most 1.3 times)."""
    foreign = [name for name in loaded["new"] if not name.startswith("helpers")]
    assert len(foreign) <= 0.1 * loaded["base"]
