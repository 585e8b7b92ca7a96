"""Run all notebooks again and store them in their normal form.

    python tests/notebooks/refresh.py [NOTEBOOK ...]           write them
    python tests/notebooks/refresh.py --check [NOTEBOOK ...]   only say what it would change

The normal form has outputs, counts 1..n and stable cell ids, and nothing else that changes from
run to run: no widget state, no times, no random model ids. An output that is still the same (texts
after sanitising, pictures nearly equal when decoded) keeps its stored bytes, so a second run, or a
run on another processor, changes nothing.
"""

import argparse
import base64
import difflib
import hashlib
import io
import re
import sys
from pathlib import Path

import nbformat
import numpy as np
from kernels import NOTEBOOKS, code_cells, read, run_in_fresh_kernel
from nbval.plugin import get_sanitize_patterns
from PIL import Image

WIDGET = "application/vnd.jupyter.widget-view+json"
METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
SANITIZE = Path(__file__).with_name("sanitize.cfg").read_text(encoding="utf-8")
# Two processors may round a curve to either side of a pixel's edge, here and there.
PIXEL_LEVELS, PIXEL_SHARE = 32, 1e-4
TIMED = "timed here"


def main(arguments=None):
    """Exit code 0 if nothing would change (--check) or all notebooks are written."""
    parser = argparse.ArgumentParser(description="Run all notebooks again and store them.")
    parser.add_argument("notebooks", nargs="*", type=Path, default=NOTEBOOKS)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    chosen = parser.parse_args(arguments)
    changes = [change(path, write=not chosen.check) for path in chosen.notebooks]
    return int(chosen.check and any(changes))


def change(path, write=False):
    """What a refresh changes in the file, as a printed diff; '' if nothing."""
    stored = path.read_text(encoding="utf-8")
    fresh = refreshed(path)
    if write and fresh != stored:
        path.write_text(fresh, encoding="utf-8", newline="\n")
    difference = short_diff(stored, fresh)
    print(f"{path.name}: {'the same' if not difference else f'changed{chr(10)}{difference}'}")
    return difference


def refreshed(path):
    """The text of the notebook in normal form, after a run in a fresh kernel."""
    notebook = normal(read(path))
    fresh = run_in_fresh_kernel(notebook, path.parent)
    for count, (cell, new) in enumerate(zip(code_cells(notebook), fresh, strict=True), start=1):
        cell.execution_count = count
        cell.outputs = kept(cell.outputs, new)
        for k, output in enumerate(cell.outputs):
            number(output, cell, k)
    return text(notebook)


def text(notebook):
    """The notebook as it is stored: JSON with sorted keys, one space deep, a newline at the end."""
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"


def normal(notebook):
    """The notebook with our metadata, nothing else in the cells' than tags and folding, and ids."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        cell.setdefault("id", hashlib.sha256(cell.source.encode()).hexdigest()[:8])
        cell.metadata = nbformat.from_dict(minimal(cell.metadata))
    return notebook


def minimal(metadata):
    """The part of a cell's metadata that says something about the lesson."""
    kept = {"tags": metadata["tags"]} if metadata.get("tags") else {}
    hidden = metadata.get("jupyter", {}).get("source_hidden")
    return kept | ({"jupyter": {"source_hidden": True}} if hidden else {})


def number(output, cell, k):
    """Replace the numbers that Jupyter makes up, in output k of the cell, by ones that stay."""
    if output.output_type == "execute_result":
        output.execution_count = cell.execution_count
    if WIDGET in output.get("data", {}):
        name = hashlib.sha256(f"{cell.id} {k}".encode()).hexdigest()[:32]
        output.data[WIDGET]["model_id"] = name


def kept(old, new):
    """The new outputs; the old ones where they are the same."""
    if len(old) != len(new):
        return new
    return [a if same_output(a, b) else b for a, b in zip(old, new, strict=True)]


def same_output(a, b):
    """Whether two outputs say and show the same, whatever their numbers."""
    return (
        (a.output_type, a.get("name"), a.get("metadata"))
        == (b.output_type, b.get("name"), b.get("metadata"))
        and same_text(a.get("text"), b.get("text"))
        and same_data(a.get("data", {}), b.get("data", {}))
    )


def same_data(a, b):
    """Whether two mime bundles are the same: texts sanitised, pictures nearly equal.

    A picture whose own words say that it shows times, TIMED, is another one in every run.
    """
    pictures = anything if TIMED in a.get("text/plain", "") else same_picture
    comparisons = {"image/png": pictures, WIDGET: anything}
    return a.keys() == b.keys() and all(
        comparisons.get(mime, same_text)(a[mime], b[mime]) for mime in a
    )


def anything(a, b):
    return True


def same_text(a, b):
    """Whether two texts are equal, sanitised."""
    return sanitized(a) == sanitized(b)


def sanitized(text):
    """The text with the patterns of sanitize.cfg replaced, as nbval does it."""
    for pattern, replacement in get_sanitize_patterns(SANITIZE) if isinstance(text, str) else ():
        text = re.sub(pattern, replacement, text)
    return text


def same_picture(a, b):
    """Whether two PNGs in base64 are equal up to a few pixels."""
    a, b = pixels(a), pixels(b)
    return a.shape == b.shape and np.mean(np.abs(a - b).max(axis=-1) > PIXEL_LEVELS) <= PIXEL_SHARE


def pixels(png):
    """The levels (height, width, 3) of a PNG in base64, signed so that they can be subtracted."""
    with Image.open(io.BytesIO(base64.b64decode(png))) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.int16)


def short_diff(old, new, lines=60, columns=160):
    """A unified diff for the terminal: pictures are long."""
    old, new = old.splitlines(), new.splitlines()
    diff = difflib.unified_diff(old, new, "stored", "fresh", n=2, lineterm="")
    return "\n".join(line[:columns] for line, _ in zip(diff, range(lines), strict=False))


if __name__ == "__main__":
    sys.exit(main())
