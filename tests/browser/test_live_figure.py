"""The live figure in a real JupyterLab, with a small demo of our own (browser_demo.py)."""

import json
import subprocess
import sys

import nbformat
import pytest
from jupyter_lab import FINGERPRINT, wait_until
from nbclient import NotebookClient

CELLS = ["from browser_demo import wave, decay", "fig = wave(); fig", "run = decay(); run"]


def new_notebook():
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


@pytest.fixture(scope="module")
def notebook(folder, open_notebook):
    nbformat.write(new_notebook(), folder / "live.ipynb")
    notebook = open_notebook("live.ipynb")
    assert notebook.run_all()
    yield notebook
    assert notebook.problems() == []


@pytest.fixture
def wave(notebook):
    """The figure with quick controls, in its opening state."""
    wave = notebook.figures()[0]
    wave.button("Reset").click()
    assert wait_until(lambda: "1.00 rad" in wave.text and "1.000 m" in wave.text, 5)
    return wave


@pytest.fixture
def decay(notebook):
    """The figure with a slow record, in its opening state."""
    decay = notebook.figures()[1]
    decay.button("Reset").click()
    assert wait_until(lambda: decay.code == "decay(steps=40, rate=0.1, factor=1, frame=40)", 5)
    return decay


def expected(notebook, code):
    """The fingerprint of the picture that this line of code gives."""
    return notebook.execute(
        FINGERPRINT + f"from browser_demo import *; f = {code}; print(fingerprint(f)); f.close()"
    ).strip()


def test_keyboard_steps(wave, notebook):
    slider = wave.control("frequency")
    before = wave.picture()
    slider.press("ArrowRight", "ArrowRight")
    assert wave.changed(before)
    assert wait_until(lambda: "1.20 rad" in wave.text, 5)
    assert slider.value == "1.2"
    slider.press("ArrowLeft", "PageUp", "Home")
    assert wait_until(lambda: "0.10 rad" in wave.text, 5)
    assert wave.picture() == expected(notebook, "wave(frequency=0.1)")


def test_the_browser_does_not_move_a_value_between_two_steps(wave, notebook):
    notebook.execute("fig.set(frequency=0.25, amplitude=0.3)")
    code = "wave(frequency=0.25, amplitude=0.3, shape='sine', upside_down=False)"
    assert wait_until(lambda: wave.code == code, 5)
    notebook.page.wait_for_timeout(500)
    assert wave.code == code
    assert wave.control("frequency").value == "0.25"
    assert wave.control("amplitude").value == "0.3"
    wave.control("amplitude").press("ArrowRight")
    assert wait_until(lambda: "amplitude=0.316," in wave.code, 5)


def test_every_control_by_keyboard_and_mouse(wave):
    for control in wave.controls():
        for move in (control.move_by_keys, control.move_by_mouse):
            before = wave.picture()
            move()
            assert wave.changed(before), f"{control.label}: {move.__name__}"
    assert len(wave.controls()) == 4


def test_a_key_on_a_control_does_not_move_the_notebook(wave, notebook):
    active = "() => jupyterapp.shell.currentWidget.content.activeCellIndex"
    wave.control("frequency").press("ArrowDown")
    before = notebook.page.evaluate(active)
    wave.control("shape").press("Space")
    wave.control("upside").press("Space")
    assert wait_until(lambda: "shape='square', upside_down=True" in wave.code, 5)
    assert notebook.page.evaluate(active) == before


def test_tab_goes_through_the_controls_in_order_and_the_focus_can_be_seen(wave, notebook):
    wave.control("frequency").press()
    seen, rings = [], []
    for _ in range(9):
        notebook.page.keyboard.press("Tab")
        name, ring = notebook.page.evaluate(
            """() => {
                const e = document.activeElement, label = e.closest('label');
                return [(e.ariaLabel || label?.innerText || e.innerText || '').trim(),
                        getComputedStyle(e).outlineStyle];
            }"""
        )
        seen.append(name)
        rings.append(ring)
    names = ["amplitude (m)", "square", "upside down", "Reset", "Copy this experiment"]
    assert [name for name in seen if name in names] == names
    assert set(rings) == {"solid"}


def test_names_for_screen_readers(wave, decay, notebook):
    for figure, name in [(wave, "frequency (rad/s)"), (wave, "amplitude (m)"), (decay, "frame")]:
        handle = figure.box.get_by_role("slider", name=name, exact=True)
        assert wait_until(lambda handle=handle: handle.count() == 1, 5)
    assert wave.box.get_by_role("radiogroup", name="shape").count() == 1
    assert wave.box.get_by_role("img", name="Figure; its numbers").count() == 1
    assert wave.box.locator("[aria-live=polite]").inner_text().startswith("A wave of 1.00")


def test_a_fast_drag_ends_on_the_last_value(wave, notebook):
    slider = wave.control("frequency")
    slider.drag([0.1 + 0.6 * i / 119 for i in range(120)], pause=0.004)
    last = slider.value
    assert float(last) > 5
    assert wait_until(lambda: f"frequency={last}" in wave.code, 5)
    assert wave.picture() == expected(notebook, f"wave(frequency={last})")


def test_a_slider_moved_while_a_cell_draws(wave, notebook):
    """Callbacks run in another thread than cells: no picture may be wrong or lost, of either."""
    slider = wave.control("frequency")
    slider.press("ArrowRight")
    notebook.start(
        "import time; from browser_demo import wave\n"
        "end, pictures = time.time() + 3, []\n"
        "while time.time() < end:\n"
        "    other = wave(amplitude=2.0); pictures.append(other.png()); other.close()\n"
        "print(len(pictures), len(set(pictures)))"
    )
    for _ in range(60):
        slider.press("ArrowRight")
    drawn, different = map(int, notebook.finished().split())
    assert drawn > 0 and different == 1
    last = slider.value
    assert wait_until(lambda: f"frequency={last}" in wave.code, 5)
    assert wave.picture() == expected(notebook, f"wave(frequency={last})")


def test_an_error_is_shown_beside_the_figure(wave, notebook, artifacts):
    slider = wave.control("frequency")
    before = wave.picture()
    slider.press("End")
    assert wait_until(lambda: wave.alarm is not None, 5)
    assert "frequency must be at most 9 <here>, got 10" in wave.alarm
    assert wave.picture() == before
    notebook.shot(artifacts / "error.png")
    slider.press("Home")
    assert wait_until(lambda: wave.alarm is None and "0.10 rad" in wave.text, 5)
    assert wave.changed(before)


def test_reset(wave):
    before = wave.picture()
    wave.control("shape").move_by_mouse()
    wave.control("frequency").press("End")
    wave.button("Reset").click()
    assert wait_until(lambda: wave.picture() == before and wave.alarm is None, 5)
    assert wave.control("frequency").value == "1.0"


def test_copy_this_experiment(wave, notebook):
    wave.control("frequency").press("ArrowRight", "ArrowRight")
    assert wait_until(lambda: "frequency=1.2," in wave.code, 5)
    context = notebook.page.context
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = wave.button("Copy this experiment")
    button.focus()
    notebook.page.keyboard.press("Enter")
    copied = notebook.page.evaluate("() => navigator.clipboard.readText()")
    assert copied == "wave(frequency=1.2, amplitude=1.0, shape='sine', upside_down=False)"
    assert expected(notebook, copied) == wave.picture()
    assert wave.box.get_by_role("button", name="Copied").count() == 1


def test_a_run_with_progress(decay, notebook, artifacts):
    decay.control("training steps").press("End")
    assert wait_until(lambda: "Press Train" in decay.box.inner_text(), 5)
    decay.button("Train").click()
    assert wait_until(lambda: decay.box.locator(".widget-hprogress").is_visible(), 5)
    notebook.shot(artifacts / "run.png")
    decay.control("factor").press("ArrowRight")  # the figure can be used meanwhile
    assert wait_until(lambda: "steps=40, rate=0.1, factor=2" in decay.code, 5)
    assert wait_until(lambda: "steps=200, rate=0.1, factor=2, frame=200" in decay.code, 20)
    assert decay.button("Train").count() == 1


def test_stop_keeps_the_result_so_far_and_a_new_run_starts(decay):
    decay.control("training steps").press("End")
    decay.button("Train").click()
    assert wait_until(lambda: decay.button("Stop").count() == 1, 5)
    decay.page.wait_for_timeout(600)
    decay.button("Stop").click()
    assert wait_until(lambda: "stopped at" in decay.code, 1)
    stopped = decay.code
    decay.page.wait_for_timeout(500)
    assert decay.code == stopped  # nothing goes on in secret
    decay.button("Train").click()
    assert wait_until(lambda: "frame=200)" in decay.code, 20)


def test_play_replays_the_record(decay):
    decay.box.locator(".widget-play:visible button").first.click()
    frame = decay.control("frame")
    assert wait_until(lambda: frame.value == "3", 5)  # from the last frame Play starts again at 0
    assert wait_until(lambda: decay.text.startswith("After 40 steps"), 15)
    assert frame.value == "40"


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
@pytest.mark.parametrize("width", [1280, 760])
def test_looks(theme, width, notebook, wave, decay, artifacts):
    """Nothing is cut off, in wide and narrow windows; the screenshots are for human eyes."""
    notebook.page.set_viewport_size({"width": width, "height": 900})
    notebook.command("apputils:change-theme", theme=theme)
    for name, figure in {"wave": wave, "decay": decay}.items():
        figure.show()
        notebook.page.wait_for_timeout(300)
        notebook.shot(artifacts / f"{name}-{theme.split()[-1].lower()}-{width}.png")
        assert figure.cut_off() == []
        image = figure.box.locator(".widget-image").bounding_box()
        assert image["width"] <= 840 and image["x"] + image["width"] <= width
        assert image["height"] / image["width"] == pytest.approx(0.5, abs=0.01)
    notebook.command("apputils:change-theme", theme="JupyterLab Light")
    notebook.page.set_viewport_size({"width": 1280, "height": 900})


def test_a_cell_that_is_run_again_frees_its_figures(folder, open_notebook):
    nbformat.write(new_notebook(), folder / "again.ipynb")
    notebook = open_notebook("again.ipynb")
    count = "from ipywidgets.widgets.widget import _instances; print(len(_instances))"
    assert notebook.run_all()
    once = int(notebook.execute(count))
    for _ in range(3):
        assert notebook.run_all()
    assert int(notebook.execute(count)) == once
    assert len(notebook.figures()) == 2
    assert notebook.problems() == []


@pytest.fixture(scope="module")
def executed(folder):
    """The notebook as it is committed: executed, without the state of its widgets."""
    notebook = new_notebook()
    client = NotebookClient(
        notebook, timeout=60, resources={"metadata": {"path": folder}}, store_widget_state=False
    )
    client.execute()
    nbformat.write(notebook, folder / "executed.ipynb")
    return folder / "executed.ipynb"


def test_without_a_kernel_there_is_a_picture(executed, open_notebook, artifacts):
    notebook = open_notebook(executed.name)
    images = notebook.page.locator(".jp-OutputArea img")
    images.nth(1).wait_for(timeout=60_000)  # the second cell is put on the page after the first
    assert images.count() == 2
    assert images.first.bounding_box()["width"] == pytest.approx(840, abs=10)
    assert "model not found" not in notebook.page.inner_text("body")
    notebook.shot(artifacts / "without-kernel.png")
    assert notebook.problems() == []


def test_as_a_web_page_there_is_a_picture_with_its_text(executed, tmp_path):
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--template", "classic",
               "--output-dir", str(tmp_path), str(executed)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    page = (tmp_path / "executed.html").read_text()
    assert page.count('src="data:image/png;base64') == 2
    assert "A wave of 1.00 radians per second, at most 1.000 m." in page
    outputs = [cell.outputs for cell in nbformat.read(executed, 4).cells]
    assert "widgets" not in nbformat.read(executed, 4).metadata
    assert "wave(frequency=1.0" in json.dumps(outputs)
