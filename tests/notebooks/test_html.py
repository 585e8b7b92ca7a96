"""What a reader without a kernel sees: `jupyter nbconvert --to html`, and nothing from elsewhere.

Fault 28: every picture of the notebook is in the page, no widget is a dead "model not found".
Fault 22, for readers: apart from nbconvert's own helpers (formulas, diagrams) nothing is fetched.
"""

import re
from html.parser import HTMLParser

import pytest
from kernels import NOTEBOOKS, code_cells, read
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from refresh import METADATA, WIDGET

# What nbconvert's template puts on every page. Without them the formulas stay in LaTeX.
KNOWN = ("cdnjs.cloudflare.com/ajax/libs/require.js/", "cdnjs.cloudflare.com/ajax/libs/mathjax/")
FETCHING = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}


class Page(HTMLParser):
    """The addresses that a browser fetches for a page, its own pictures, its dead widgets."""

    def __init__(self, html):
        super().__init__()
        self.pictures, self.fetched, self.widgets = [], [], 0
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        address = attributes.get(FETCHING.get(tag)) or ""
        self.widgets += attributes.get("type") == WIDGET
        if address.startswith("data:image/png"):
            self.pictures.append(address)
        elif re.match(r"(https?:)?//", address):
            self.fetched.append(address)


def page(notebook):
    """The notebook as nbconvert's default template shows it."""
    return Page(HTMLExporter().from_notebook_node(notebook)[0])


def foreign(page):
    """Fetched addresses that are not nbconvert's own."""
    return [url for url in page.fetched if not any(known in url for known in KNOWN)]


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return read(request.param)


def test_every_picture_is_on_the_page(notebook):
    stored = [
        output.data["image/png"].replace("\n", "")
        for cell in code_cells(notebook)
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    on_page = [address.split(",", 1)[1].replace("\n", "") for address in page(notebook).pictures]
    assert stored and [png for png in on_page if png in stored] == stored


def test_nothing_is_fetched_and_no_widget_is_missing(notebook):
    shown = page(notebook)
    assert foreign(shown) == []
    assert shown.widgets == 0


def test_a_widget_without_a_twin_is_noticed():
    output = new_output("display_data", {WIDGET: {"model_id": "1", "version_major": 2}})
    state = {WIDGET.replace("view", "state"): {"state": {"1": {}}}}
    metadata = METADATA | {"widgets": state}
    cells = [new_code_cell("box", outputs=[output])]
    assert page(new_notebook(metadata=metadata, cells=cells)).widgets == 1


def test_a_foreign_picture_is_noticed():
    picture = new_markdown_cell("![a cat](https://example.org/cat.png)")
    output = new_output("display_data", {"text/html": "<script src='//example.org/x.js'></script>"})
    cell = new_code_cell("cat", outputs=[output])
    shown = page(new_notebook(metadata=METADATA, cells=[picture, cell]))
    assert len(foreign(shown)) == 2
