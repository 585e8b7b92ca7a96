"""The stored notebooks are what refresh.py gives, and refresh.py sees every change that matters."""

import base64
import io

import numpy as np
import pytest
import refresh
from kernels import NOTEBOOKS, read
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_are_what_a_run_gives(path):
    assert refresh.change(path) == ""


class TestSameOutput:
    def test_texts_count_letter_by_letter(self):
        assert refresh.same_output(said("0.25"), said("0.25"))
        assert not refresh.same_output(said("0.25"), said("0.26"))

    def test_addresses_do_not_count(self):
        a, b = shown("text/plain", "<f at 0x7f00aa>"), shown("text/plain", "<f at 0x12345678>")
        assert refresh.same_output(a, b)

    def test_a_missing_mime_counts(self):
        both = shown("text/plain", "x")
        both.data["text/html"] = "<b>x</b>"
        assert not refresh.same_output(shown("text/plain", "x"), both)

    def test_the_alt_text_counts(self):
        a, b = picture(), picture()
        b.metadata["image/png"] = {"alt": "a loss"}
        assert not refresh.same_output(a, b)

    def test_model_ids_do_not_count(self):
        a, b = shown(refresh.WIDGET, {"model_id": "1"}), shown(refresh.WIDGET, {"model_id": "2"})
        assert refresh.same_output(a, b)


class TestSamePicture:
    def test_a_few_pixels_or_levels_do_not_count(self):
        assert refresh.same_output(picture(), picture(changed=3))
        assert refresh.same_output(picture(), picture(changed=9000, level=20))

    def test_other_compression_does_not_count(self):
        assert refresh.same_output(picture(), picture(compress_level=9))

    def test_a_short_line_counts(self):
        assert not refresh.same_output(picture(), picture(changed=60))

    def test_another_size_counts(self):
        assert not refresh.same_output(picture(), picture(width=501))


class TestRefresh:
    def test_gives_the_normal_form_and_then_changes_nothing(self, tmp_path):
        path = stored(tmp_path, "print(6 * 7)", "6 * 7")
        assert refresh.main([str(path), "--check"]) == 1
        assert refresh.main([str(path)]) == 0
        once = path.read_bytes()
        assert refresh.main([str(path), "--check"]) == 0
        refresh.main([str(path)])
        assert path.read_bytes() == once
        first, second = read(path).cells
        assert (first.outputs[0].text, second.outputs[0].data["text/plain"]) == ("42\n", "42")

    @pytest.mark.parametrize("change", ["output", "metadata", "count", "widgets"])
    def test_check_finds_a_change_and_writes_nothing(self, tmp_path, change):
        path = stored(tmp_path, "print(6 * 7)")
        refresh.main([str(path)])
        path.write_text(CHANGES[change](path.read_text(encoding="utf-8")), encoding="utf-8")
        before = path.read_bytes()
        assert refresh.main([str(path), "--check"]) == 1
        assert path.read_bytes() == before

    def test_a_failing_cell_stops_it(self, tmp_path):
        path = stored(tmp_path, "1 / 0")
        with pytest.raises(Exception, match="ZeroDivisionError"):
            refresh.main([str(path)])

    def test_folded_solutions_and_tags_stay(self, tmp_path):
        path = stored(tmp_path, "...")
        notebook = read(path)
        folding = {"tags": ["solution"], "jupyter": {"source_hidden": True}}
        notebook.cells[0].metadata = folding | {"execution": {"iopub.status.busy": "9:00"}}
        path.write_text(refresh.text(notebook), encoding="utf-8")
        refresh.main([str(path)])
        assert read(path).cells[0].metadata == folding


CHANGES = {
    "output": lambda text: text.replace("42", "43"),
    "metadata": lambda text: text.replace('"name": "python3"', '"name": "lab"'),
    "count": lambda text: text.replace('"execution_count": 1', '"execution_count": 2'),
    "widgets": lambda text: text.replace('"kernelspec": {', '"widgets": {},\n  "kernelspec": {'),
}


def stored(folder, *sources):
    """A notebook that nobody has run yet."""
    path = folder / "tiny.ipynb"
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    path.write_text(refresh.text(notebook), encoding="utf-8")
    return path


def said(text):
    return new_output("stream", text=text)


def shown(mime, data):
    return new_output("display_data", {mime: data})


def picture(width=500, changed=0, level=255, compress_level=1):
    """A black picture with some pixels of another level."""
    levels = np.zeros((400, width), dtype=np.uint8)
    levels.flat[:changed] = level
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "png", compress_level=compress_level)
    return shown("image/png", base64.b64encode(file.getvalue()).decode())


def test_a_picture_of_times_is_not_compared_its_words_are():
    stored, fresh = ({"image/png": png, "text/plain": "one layer, timed here: yes"} for png in "ab")
    assert refresh.same_data(stored, fresh)
    assert not refresh.same_data(stored, fresh | {"text/plain": "one layer, timed here: no"})
