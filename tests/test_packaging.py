"""The README's commands and recipe, the requirements, Binder's plan, and what is in git."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BIN = Path(sys.executable).parent
USER_NEEDS = {
    "numpy", "matplotlib", "ipywidgets", "jupyterlab", "ipykernel", "threadpoolctl", "nbval",
}
COMES_WITH = {
    "pillow": "matplotlib", "contourpy": "matplotlib", "ipython": "ipykernel",
    "psutil": "ipykernel", "jupyter-client": "ipykernel", "nbformat": "jupyterlab",
    "nbconvert": "jupyterlab", "nbclient": "jupyterlab", "packaging": "pytest",
}
OPTIONAL = {"torch"}    # only a benchmark compares with it, where it is installed
TOP_LEVEL = {
    ".ci", ".gitattributes", ".gitignore", "LICENSE", "LICENSE-CC-BY-4.0", "README.md", "binder",
    "helpers", "notebooks", "pyproject.toml", "requirements.txt", "tests",
}
posix_only = pytest.mark.skipif(os.name != "posix", reason="a POSIX shell's command")


def blocks(language):
    """The contents of the README's fenced blocks of that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def requirements(path):
    """{name: Requirement} of a requirements file, without its options."""
    lines = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    found = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return {requirement.name: requirement for requirement in found}


OPEN, TEST = (block.strip() for block in blocks("bash"))
PINNED = requirements(ROOT / "requirements.txt")
OLDEST = requirements(ROOT / "tests" / "oldest.txt")
TESTS_PINNED = requirements(ROOT / "tests" / "requirements.txt")


def run(command, **options):
    """A finished process with its output as text; it has a minute."""
    options = {"capture_output": True, "encoding": "utf-8", "timeout": 60, "cwd": ROOT} | options
    return subprocess.run(command, **options)


class TestCommands:
    """The two lines of the README; `.ci/run` runs the second one whole, in a fresh environment."""

    def test_each_is_one_line(self):
        assert [block.count("\n") for block in blocks("bash") + blocks("powershell")] == [1] * 4

    def test_powershell_says_the_same(self):
        """`;` because the PowerShell that comes with Windows has no `&&`."""
        for bash, powershell in zip((OPEN, TEST), blocks("powershell"), strict=True):
            said = bash.replace("python3 -m", "py -m").replace(" && ", "; ")
            said = said.replace("/bin/", "/Scripts/").replace("/", "\\")
            assert powershell.strip() == said

    @pytest.mark.parametrize("command", [OPEN, TEST], ids=["open", "test"])
    def test_starts_from_nothing(self, command):
        """A virtual environment, then the requirements with pip, then programs of that alone."""
        make, install, start = command.split(" && ")
        assert make == "python3 -m venv .venv"
        assert install.startswith(".venv/bin/pip install -r ")
        assert (ROOT / install.split()[-1]).is_file()
        assert start.startswith(".venv/bin/")

    @posix_only
    def test_opens_jupyterlab_on_the_first_notebook(self, tmp_path):
        """What the browser is told to open, when JupyterLab starts as the README says."""
        address = tmp_path / "address"
        browser = tmp_path / "browser"
        browser.write_text(f'#!/bin/sh\ncat "${{1#file://}}" > "{address}.part"\n'
                           f'mv "{address}.part" "{address}"\n')  # fmt: skip
        browser.chmod(0o755)
        assert "/lab/tree/00_start_here.ipynb" in opened(OPEN.split(" && ")[-1], browser, address)

    def test_the_test_command_selects_everything(self):
        """Unit tests, browser tests and every cell of every notebook, without further options."""
        arguments = TEST.split(" && ")[-1].split()[1:]
        listed = run([sys.executable, *arguments, "--collect-only", "-q"]).stdout
        for part in ("tests/test_floors.py", "tests/notebooks/", "tests/browser/"):
            assert part in listed
        for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
            assert f"notebooks/{notebook.name}::Cell 0" in listed


@posix_only
class TestCI:
    """`.ci/run` in a copy with its README, on a machine whose programs are stand-ins."""

    @pytest.fixture
    def ci(self, tmp_path):
        """Run it with these stand-ins, {name: script}; it sees no other programs but basic ones."""
        shutil.copytree(ROOT / ".ci", tmp_path / "repo" / ".ci")
        shutil.copy(ROOT / "README.md", tmp_path / "repo")

        def run_ci(**stand_ins):
            programs = tmp_path / "programs"
            programs.mkdir()
            for name in ("bash", "cat", "cp", "dirname", "grep", "ln", "mkdir", "mktemp", "rm"):
                (programs / name).symlink_to(shutil.which(name))
            for name, script in stand_ins.items():
                (programs / name.replace("_", "-")).write_text(f"#!/bin/sh\n{script}\n")
                (programs / name.replace("_", "-")).chmod(0o755)
            done = run(["bash", "repo/.ci/run"], cwd=tmp_path, env={"PATH": str(programs)})
            assert sorted(os.listdir(tmp_path / "repo")) == [".ci", "README.md"]
            return done

        return run_ci

    @pytest.mark.parametrize("code", [0, 3])
    def test_runs_the_command_elsewhere_and_tells_how_it_ended(self, ci, code):
        done = ci(chromium="", python3=MAKE_VENV, python3_in_venv=f'echo "CI=$CI $*"\nexit {code}')
        assert (done.returncode, "CI=true -m pytest" in done.stdout) == (code, True), done.stderr

    def test_installs_a_missing_chromium_first(self, ci):
        done = ci(apt_get='echo "apt $1"', python3=MAKE_VENV, python3_in_venv="echo tested")
        said = re.findall("^(?:apt .*|tested)$", done.stdout, re.MULTILINE)
        assert said == ["apt update", "apt install", "tested"]

    def test_stops_where_that_fails(self, ci):
        done = ci(apt_get="exit 100", python3=MAKE_VENV, python3_in_venv="echo tested")
        assert done.returncode == 100 and "tested" not in done.stdout


# `python3 -m venv DIR`, with a pip that succeeds and a python that is the stand-in of that name.
MAKE_VENV = 'mkdir -p "$3/bin"\ncp "$0-in-venv" "$3/bin/python"\nln -s /bin/true "$3/bin/pip"'


def opened(command, browser, address):
    """Start JupyterLab with a stand-in for the browser; the page it was given."""
    folder = address.parent
    environment = os.environ | {"BROWSER": f"{browser} %s", "JUPYTER_RUNTIME_DIR": str(folder)}
    environment |= {"JUPYTER_CONFIG_DIR": str(folder), "JUPYTER_DATA_DIR": str(folder)}
    words = command.replace(".venv/bin/", f"{BIN}/").split() + ["--ServerApp.port=0"]
    words += ["--allow-root"] if os.geteuid() == 0 else []
    log = (folder / "log").open("w")
    with log, subprocess.Popen(words, cwd=ROOT, env=environment, stdout=log, stderr=log) as server:
        try:
            wait_for(address, server)
            return address.read_text(encoding="utf-8")
        finally:
            server.kill()


def wait_for(path, server, seconds=40):
    """Until the file is there, the server has ended, or the time is over."""
    for _ in range(10 * seconds):
        try:
            server.wait(0.1)
            return
        except subprocess.TimeoutExpired:
            if path.exists():
                return


class TestRecipe:
    def test_the_demo_of_the_readme_works(self):
        (source,) = blocks("python")
        names = {}
        exec(compile(source, "README.md", "exec"), names)
        figure = names["tangent"](name="relu", at=1.0)
        before = figure.png()
        figure.set(at=-1.0)
        assert figure.text == "relu has slope 0.000 at z = -1."
        assert figure.png() != before

    def test_its_links_lead_somewhere(self):
        targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
        assert [target for target in targets if not (ROOT / target).exists()] == []

    def test_its_table_lists_the_notebooks_that_exist(self):
        listed = re.findall(r"^\| \[.*?\]\(notebooks/(.*?)\) \|", README, re.MULTILINE)
        assert listed == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


class TestRequirements:
    def test_a_user_gets_what_is_needed_and_no_more(self):
        assert PINNED.keys() == USER_NEEDS

    def test_all_are_pinned(self):
        for requirement in [*PINNED.values(), *TESTS_PINNED.values()]:
            assert re.fullmatch(r"==[\d.]+", str(requirement.specifier)), requirement

    def test_the_package_itself_comes_last(self):
        lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
        assert lines[-1] == "-e ."

    def test_the_tests_build_on_them(self):
        text = (ROOT / "tests" / "requirements.txt").read_text(encoding="utf-8")
        assert re.findall("^-.*$", text, re.MULTILINE) == ["-r ../requirements.txt"]
        assert not PINNED.keys() & TESTS_PINNED.keys()

    def test_kernels_do_not_stall(self):
        """7.0 to 7.3 stop answering when a slider moves while a cell runs."""
        (pin,) = PINNED["ipykernel"].specifier
        assert SpecifierSet(">=7.4").contains(pin.version)

    def test_the_pins_are_within_what_the_package_allows(self):
        allowed = {r.name: r for r in map(Requirement, PROJECT["project"]["dependencies"])}
        assert allowed.keys() < PINNED.keys()
        for name, requirement in allowed.items():
            (pin,) = PINNED[name].specifier
            assert requirement.specifier.contains(pin.version)

    def test_the_oldest_allowed_versions_are_the_tested_ones(self):
        oldest = {str(r).replace("==", ">=") for r in OLDEST.values()}
        assert oldest == set(PROJECT["project"]["dependencies"])

    def test_this_run_has_the_pinned_versions(self):
        """The stored outputs were made with them."""
        pins = {**PINNED, **TESTS_PINNED}
        assert {name: version(name) for name in pins} == {
            name: next(iter(pin.specifier)).version for name, pin in pins.items()
        }

    @pytest.mark.parametrize(("folder", "pins"), [
        ("helpers", PINNED), ("tests", {**PINNED, **TESTS_PINNED}),
    ])  # fmt: skip
    def test_whatever_is_imported_is_required(self, folder, pins):
        known = packages_distributions()
        for path in sorted((ROOT / folder).rglob("*.py")):
            for module in third_parties(path):
                names = {name.lower().replace("_", "-") for name in known.get(module, [])}
                needed = names | {COMES_WITH[name] for name in names & COMES_WITH.keys()}
                assert needed & pins.keys() or module in OPTIONAL, f"{path.name}: {module}"


def third_parties(path):
    """Modules that a file imports and that are neither Python's nor the repository's."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    named = [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    ours = {"helpers"} | {file.stem for file in (ROOT / "tests").rglob("*.py")}
    return {name.split(".")[0] for name in plain + named} - sys.stdlib_module_names - ours


class TestPackage:
    def test_every_folder_of_code_is_named(self):
        found = {path.parent for path in (ROOT / "helpers").rglob("__init__.py")}
        names = {".".join(path.relative_to(ROOT).parts) for path in found}
        assert set(PROJECT["tool"]["setuptools"]["packages"]) == names

    def test_every_data_file_is_shipped(self):
        patterns = PROJECT["tool"]["setuptools"]["package-data"]["helpers"]
        shipped = {path for pattern in patterns for path in (ROOT / "helpers").glob(pattern)}
        assert shipped == {path for path in (ROOT / "helpers" / "data").iterdir() if path.is_file()}

    def test_the_code_is_in_style(self):
        checked = run([sys.executable, "-m", "ruff", "check", "--no-cache", "."])
        assert checked.returncode == 0, checked.stdout


class TestBinder:
    """Binder takes its plan from `binder/` alone."""

    def test_two_files_and_nothing_else(self):
        assert sorted(os.listdir(ROOT / "binder")) == ["requirements.txt", "runtime.txt"]

    def test_requirements_are_those_of_every_user(self):
        text = (ROOT / "binder" / "requirements.txt").read_text(encoding="utf-8")
        assert text == "-r ../requirements.txt\n"

    def test_python_is_one_that_we_support(self):
        text = (ROOT / "binder" / "runtime.txt").read_text(encoding="utf-8")
        found = re.fullmatch(r"python-(3\.\d+)\n", text)
        assert SpecifierSet(PROJECT["project"]["requires-python"]).contains(f"{found[1]}.0")

    @pytest.mark.skipif(
        shutil.which("jupyter-repo2docker") is None,
        reason="pip install jupyter-repo2docker to see Binder's own plan",
    )
    def test_its_own_plan_installs_them(self):
        plan = run(["jupyter-repo2docker", "--no-build", "--debug", "."])
        assert plan.returncode == 0
        text = plan.stdout + plan.stderr
        assert "Building conda environment for python=3.12" in text
        assert 'pip install --no-cache-dir -r "binder/requirements.txt"' in text


@pytest.fixture(scope="module")
def tracked():
    """The files in git."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git clone")
    return run(["git", "ls-files"]).stdout.splitlines()


class TestGit:
    def test_only_the_planned_folders(self, tracked):
        assert {path.split("/")[0] for path in tracked} <= TOP_LEVEL

    def test_nothing_that_a_run_leaves_behind(self, tracked):
        left = r"__pycache__|\.pyc$|\.ipynb_checkpoints|egg-info|\.venv|_cache/|tests/artifacts"
        assert [path for path in tracked if re.search(left, path)] == []

    def test_small(self, tracked):
        assert sum((ROOT / path).stat().st_size for path in tracked if (ROOT / path).exists()) < 2e7
