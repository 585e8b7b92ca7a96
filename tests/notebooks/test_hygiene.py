"""What a notebook in git must be like: executed, small, free of chance, readable without a kernel.

Each rule takes a notebook and yields complaints. `TestRules` plants every fault in a notebook that
is in order, so that no rule can fall asleep.
"""

import ast
import re
from collections import Counter
from itertools import pairwise
from symtable import symtable

import nbformat
import pytest
from kernels import NOTEBOOKS, ROOT, code_cells, read
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from refresh import METADATA, WIDGET, minimal

MODULES = {"dataclasses", "functools", "helpers", "itertools", "math", "numpy"}
CELL_LINES, LONG_CELL_LINES = 15, 25
LOCAL = re.compile(
    r"(?<![\w.])/(root|home|work|tmp|opt|Users|private)/|[A-Z]:\\+Users|0x[0-9a-f]{8,}"
)
PLOTTING = re.compile(r"\b(pyplot|matplotlib|interact|clear_output|Output)\b")
ENDING = ("exercises", "in practice", "summary", "references")


def complaints(notebook, name="01_lesson"):
    """All that is wrong with the notebook, one sentence each."""
    return [f"{rule.__name__}: {said}" for rule in RULES for said in rule(notebook, name)]


def metadata_is_minimal(notebook, name):
    if notebook.metadata != METADATA:
        yield f"the notebook's metadata are {notebook.metadata}; refresh.py cleans them"
    for cell in notebook.cells:
        if cell.metadata != minimal(cell.metadata):
            yield f"cell {cell.get('id')} has metadata {dict(cell.metadata)}"


def cells_have_ids_of_their_own(notebook, name):
    ids = [cell.get("id") for cell in notebook.cells]
    if None in ids or len(set(ids)) < len(ids):
        yield f"ids are missing or used twice: {ids}"


def cells_were_executed_in_order(notebook, name):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts are {counts}"


def outputs_are_clean(notebook, name):
    for cell, output in outputs(notebook):
        if output.output_type == "error" or output.get("name") == "stderr":
            yield f"cell {cell.id} stores an error or a warning"
        texts = [output.get("text", ""), *map(str, text_data(output).values())]
        if any(LOCAL.search(text) for text in texts):
            yield f"an output of cell {cell.id} shows a local path or an address"


def sources_are_clean(notebook, name):
    for cell in notebook.cells:
        if LOCAL.search(cell.source):
            yield f"cell {cell.id} holds a local path"
        if "NBVAL_" in cell.source or any("nbval" in tag for tag in cell.metadata.get("tags", [])):
            yield f"cell {cell.id} asks nbval to look away"


def widgets_have_a_static_twin(notebook, name):
    for cell, output in outputs(notebook):
        data = output.get("data", {})
        if WIDGET in data and not {"image/png", "text/html"} & data.keys():
            yield f"cell {cell.id} shows nothing without a kernel"


def pictures_have_words(notebook, name):
    for cell, output in outputs(notebook):
        if "image/png" not in output.get("data", {}):
            continue
        if not output.metadata.get("image/png", {}).get("alt"):
            yield f"a picture of cell {cell.id} has no alt text in its metadata"
        if len(output.data.get("text/plain", "").split()) < 4:
            yield f"a picture of cell {cell.id} has no text twin"


def pictures_are_followed_by_text(notebook, name):
    for cell, after in pairwise([*notebook.cells, new_code_cell("")]):
        shown = any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
        if shown and after.cell_type != "markdown":
            yield f"cell {cell.id} shows a picture; the next cell should say what to see in it"


def markdown_pictures_exist_and_have_alt_text(notebook, name):
    for cell in markdown_cells(notebook):
        for alt, target in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)", cell.source):
            if not alt.strip():
                yield f"the picture {target} in cell {cell.id} has no alt text"
        if re.search(r"<img(?![^>]*\balt=\"[^\"]+\")", cell.source):
            yield f"an <img> in cell {cell.id} has no alt text"


def relative_links_lead_somewhere(notebook, name):
    for cell in markdown_cells(notebook):
        for target in re.findall(r"\]\(([^)#\s]+)", cell.source):
            if "://" not in target and not (ROOT / "notebooks" / target).exists():
                yield f"the link {target} in cell {cell.id} leads nowhere"


def cells_are_short(notebook, name):
    for cell in code_cells(notebook):
        limit = LONG_CELL_LINES if may_be_long(cell) else CELL_LINES
        if not 1 <= len(cell.source.splitlines()) <= limit:
            yield f"cell {cell.id} has {len(cell.source.splitlines())} lines, allowed 1 to {limit}"


def may_be_long(cell):
    """A solution, the imports, and a question or a table: one call, most of it words."""
    is_one_call = re.fullmatch(r"lesson\.\w+\(\n(    .*\n)+\)", cell.source)
    return "solution" in cell.metadata.get("tags", []) or cell.id == "setup" or is_one_call


def code_is_plain_python(notebook, name):
    for cell in code_cells(notebook):
        error = syntax_error(cell.source)
        if error:
            yield f"cell {cell.id} is not plain Python (a %magic?): {error}"


def only_the_first_code_cell_imports(notebook, name):
    for k, cell in enumerate(code_cells(notebook)):
        modules = imported(cell.source)
        if modules and k > 0:
            yield f"cell {cell.id} imports {modules}"
        if modules - MODULES:
            yield f"cell {cell.id} imports {modules - MODULES}, allowed are {MODULES}"


def names_mean_one_thing(notebook, name):
    """What a cell finds under a name must not depend on which cell was run last."""
    tables = [symtable(cell.source, cell.id, "exec") for cell in parsed_cells(notebook)]
    counts = Counter(name for table in tables for name in bound_names(table))
    for table in tables:
        for free in sorted(read_names(table) - bound_names(table)):
            if counts[free] > 1:
                yield f"cell {table.get_name()} reads {free}, which {counts[free]} cells bind"


def no_plotting_machinery(notebook, name):
    for cell in code_cells(notebook):
        if PLOTTING.search(cell.source):
            yield f"cell {cell.id} uses {PLOTTING.search(cell.source)[0]}: call a demo instead"


def solutions_are_folded(notebook, name):
    for cell in code_cells(notebook):
        folded = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        if ("solution" in cell.metadata.get("tags", [])) != folded:
            yield f"cell {cell.id}: exactly the cells tagged `solution` are folded"


def headings_make_an_outline(notebook, name):
    levels = [len(marks) for marks, _ in headings(notebook)]
    if not levels or levels[0] != 1 or levels.count(1) != 1:
        yield f"one title, as the first heading, expected: heading levels are {levels}"
    if any(deeper > level + 1 for level, deeper in pairwise(levels)):
        yield f"a heading level is skipped: {levels}"


def lessons_end_with_references(notebook, name):
    titles = [title.lower() for _, title in headings(notebook)]
    found = [word for title in titles for word in ENDING if word in title]
    if not name.startswith("00") and tuple(found[-len(ENDING):]) != ENDING:
        yield f"a lesson ends with the headings {ENDING}; found {found}"


RULES = [
    metadata_is_minimal, cells_have_ids_of_their_own, cells_were_executed_in_order,
    outputs_are_clean, sources_are_clean, widgets_have_a_static_twin, pictures_have_words,
    pictures_are_followed_by_text, markdown_pictures_exist_and_have_alt_text,
    relative_links_lead_somewhere, cells_are_short, code_is_plain_python,
    only_the_first_code_cell_imports, names_mean_one_thing, no_plotting_machinery,
    solutions_are_folded,
    headings_make_an_outline, lessons_end_with_references,
]


def markdown_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def outputs(notebook):
    return [(cell, output) for cell in code_cells(notebook) for output in cell.outputs]


def text_data(output):
    """What an output says in letters: base64 would match a path by chance."""
    return {mime: x for mime, x in output.get("data", {}).items() if not mime.startswith("image/p")}


def headings(notebook):
    """(marks, title) of every Markdown heading outside fenced code."""
    text = "\n\n".join(cell.source for cell in markdown_cells(notebook))
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"^(#{1,6}) +(.+)$", text, flags=re.MULTILINE)


def parsed_cells(notebook):
    """The code cells that are plain Python; `code_is_plain_python` speaks about the others."""
    return [cell for cell in code_cells(notebook) if not syntax_error(cell.source)]


def syntax_error(source):
    """The error, or None."""
    try:
        ast.parse(source)
    except SyntaxError as error:
        return error


def bound_names(table):
    """The names that a cell leaves behind."""
    return {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned()}


def read_names(table):
    """The names that a cell, or a function in it, looks up outside functions."""
    inner = set().union(*map(read_names, table.get_children()))
    is_cell = table.get_type() == "module"
    return inner | {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (is_cell or symbol.is_global())
    }


def imported(source):
    """The top-level modules that the source imports."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:
        return set()
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    named = [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    return {module.split(".")[0] for module in plain + named}


def test_every_notebook_has_a_number_of_its_own():
    numbers = [path.name[:2] for path in NOTEBOOKS]
    assert len(set(numbers)) == len(numbers) >= 2
    assert set(numbers) <= {f"{k:02d}" for k in range(8)} and "00" in numbers


@pytest.mark.parametrize("map_of_all", ["README.md", "notebooks/00_start_here.ipynb"])
def test_the_maps_link_every_notebook(map_of_all):
    text = (ROOT / map_of_all).read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\((?:notebooks/)?(\w+\.ipynb)\)", text))
    assert linked | {"00_start_here.ipynb"} == {path.name for path in NOTEBOOKS}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestStoredNotebooks:
    def test_is_in_order(self, path):
        assert complaints(read(path), path.stem) == []

    def test_is_stored_in_normal_form(self, path):
        text = path.read_text(encoding="utf-8")
        assert text == nbformat.writes(nbformat.reads(text, as_version=4)).rstrip("\n") + "\n"

    def test_is_small(self, path):
        assert path.stat().st_size < 3e6


def good_notebook():
    """A lesson in miniature that keeps every rule."""
    picture = new_output(
        "execute_result",
        {WIDGET: {}, "image/png": "iVBORw0KGgo=", "text/plain": "loss 0.25 after 9 steps"},
        metadata={"image/png": {"alt": "the loss against the step"}},
        execution_count=2,
    )
    notebook = new_notebook(
        metadata=METADATA,
        cells=[
            new_markdown_cell("# A lesson\n\n## Idea"),
            new_code_cell("from helpers.activations import RELU", execution_count=1),
            new_code_cell("RELU", execution_count=2, outputs=[picture]),
            new_markdown_cell("Look at the end of the curve."),
            new_markdown_cell("## Exercises\n## In practice today\n## Summary\n## References"),
        ],
    )
    return nbformat.from_dict(notebook)


def say(notebook, output):
    notebook.cells[2].outputs.append(output)


def plain(text):
    return new_output("display_data", {"text/plain": text})


def write(notebook, source):
    notebook.cells[2].source = source


def text(notebook, source):
    notebook.cells[3].source = source


THREE_CELLS = ["new = 1", "def new(): pass", "def f():\n    return [new for _ in 'ab']"]
FAULTS = [
    (metadata_is_minimal, lambda nb: nb.metadata.update(widgets={"state": {}})),
    (metadata_is_minimal, lambda nb: nb.metadata.kernelspec.update(name="my-env")),
    (metadata_is_minimal, lambda nb: nb.cells[1].metadata.update(execution={"busy": "9:00"})),
    (cells_have_ids_of_their_own, lambda nb: nb.cells[1].update(id=nb.cells[2].id)),
    (cells_have_ids_of_their_own, lambda nb: nb.cells[1].pop("id")),
    (cells_were_executed_in_order, lambda nb: nb.cells[1].update(execution_count=None)),
    (cells_were_executed_in_order, lambda nb: nb.cells[2].update(execution_count=7)),
    (outputs_are_clean, lambda nb: say(nb, new_output("stream", name="stderr", text="hm"))),
    (outputs_are_clean, lambda nb: say(nb, new_output("error", ename="E", evalue="no"))),
    (outputs_are_clean, lambda nb: say(nb, new_output("stream", text="see /home/ada/x.py"))),
    (outputs_are_clean, lambda nb: say(nb, plain("<object at 0x7f96bb06f240>"))),
    (outputs_are_clean, lambda nb: say(nb, plain(r"C:\Users\ada"))),
    (sources_are_clean, lambda nb: write(nb, "data = '/tmp/data.csv'")),
    (sources_are_clean, lambda nb: write(nb, "x = 1  # NBVAL_SKIP")),
    (sources_are_clean, lambda nb: nb.cells[2].metadata.update(tags=["nbval-skip"])),
    (widgets_have_a_static_twin, lambda nb: nb.cells[2].outputs[0].data.pop("image/png")),
    (pictures_have_words, lambda nb: nb.cells[2].outputs[0].metadata.clear()),
    (pictures_have_words, lambda nb: nb.cells[2].outputs[0].data.update({"text/plain": ""})),
    (pictures_are_followed_by_text, lambda nb: nb.cells.insert(3, new_code_cell("1"))),
    (markdown_pictures_exist_and_have_alt_text, lambda nb: text(nb, "![ ](images/a.png)")),
    (markdown_pictures_exist_and_have_alt_text, lambda nb: text(nb, "<img src='a.png'>")),
    (relative_links_lead_somewhere, lambda nb: text(nb, "[next](99_never.ipynb#top)")),
    (cells_are_short, lambda nb: write(nb, "x = 1\n" * 16)),
    (cells_are_short, lambda nb: write(nb, "")),
    (cells_are_short, lambda nb: write(nb, "lesson.predict(\n" + "    1,\n" * 24 + ")")),
    (cells_are_short, lambda nb: write(nb, "x = 1\nlesson.predict(\n" + "    1,\n" * 14 + ")")),
    (code_is_plain_python, lambda nb: write(nb, "%matplotlib inline")),
    (code_is_plain_python, lambda nb: write(nb, "!pip install numpy")),
    (only_the_first_code_cell_imports, lambda nb: write(nb, "from math import pi")),
    (only_the_first_code_cell_imports, lambda nb: nb.cells[1].update(source="import scipy")),
    (names_mean_one_thing, lambda nb: nb.cells.extend(map(new_code_cell, THREE_CELLS))),
    (no_plotting_machinery, lambda nb: write(nb, "interact(draw, x=3)")),
    (solutions_are_folded, lambda nb: nb.cells[2].metadata.update(tags=["solution"])),
    (headings_make_an_outline, lambda nb: text(nb, "#### Deep")),
    (headings_make_an_outline, lambda nb: nb.cells.pop(0)),
    (lessons_end_with_references, lambda nb: nb.cells.pop()),
]


class TestRules:
    """Every rule is silent on a good notebook and speaks when its fault is planted."""

    def test_a_good_notebook_passes(self):
        assert complaints(good_notebook()) == []

    @pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
    def test_each_rule_has_a_planted_fault(self, rule):
        assert rule in {rule for rule, _ in FAULTS}

    @pytest.mark.parametrize(("rule", "plant"), FAULTS)
    def test_finds_the_planted_fault(self, rule, plant):
        notebook = good_notebook()
        plant(notebook)
        assert list(rule(notebook, "01_lesson")) != []
