"""A slider step in JupyterLab, from the key press to the painted picture, against `interact`.

    python tests/benchmarks/slider_browser.py [helpers.demos.linearity.fold ...]

A notebook with the live figure of each demo and, below it, the same demo under `interact` (a pyplot
figure made again for every value, as inline figures are) is made in a temporary folder and opened
in JupyterLab in a headless Chromium. The same slider of both is moved by the keyboard, some steps
of one and then some of the other, as a reader would; page and kernel are quiet before every step.
The clock is the page's own: from the time of the keydown event to the frame after the new picture
was loaded. A step of the live figure should take at most a quarter of the other.

Then the slider is dragged: 120 moves of the mouse in two seconds. The last picture has to be that
of the last value, within 150 ms of release on a quiet machine.
"""

import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import nbformat

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "browser"))

from jupyter_lab import FINGERPRINT, Chromium, Notebook, Server, wait_until  # noqa: E402

DEMOS = (
    "helpers.demos.linearity.fold",
    "helpers.demos.approximation.build_a_function",
    "helpers.demos.boundary.decision_boundary",
)
STEPS, IN_A_ROW = 24, 8  # key presses of each kind
PAUSE = 300  # milliseconds before each
TARGET, RELEASE = 0.25, 150

INTERACT = """
import importlib, io
import matplotlib.pyplot as plt
from ipywidgets import interact
%matplotlib inline

def under_interact(figure, panel, name, control):
    record = {"record": figure.record} if figure.record is not None else {}
    picture, values = figure._picture, figure._asked()
    def show(value):
        fig = plt.figure(figsize=figure._size)
        result = figure._compute(**record, **{**values, name: value})
        picture.draw(picture.build(fig), result)
        plt.show()
    slider = control.widget()
    slider.description = name
    slider.add_class("under-interact")
    interact(show, value=slider)
"""

CLOCK = """() => {
  window.pressed = window.released = null; window.painted = [];
  document.addEventListener('keydown', e => { window.pressed = e.timeStamp; }, true);
  document.addEventListener('mouseup', e => { window.released = e.timeStamp; }, true);
  document.addEventListener('load', e => {
    if (e.target.tagName === 'IMG')
      requestAnimationFrame(() => window.painted.push(performance.now()));
  }, true);
}"""


def notebook_for(paths):
    cells = [f"import sys; sys.path.insert(0, {str(HERE)!r})", INTERACT]
    for path in paths:
        module, name = path.rsplit(".", 1)
        cells += [f"from {module} import {name}\nfig = {name}()\nfig"]
        cells += ["from slider_kernel import sliders\nunder_interact(fig, *sliders(fig)[0])"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def press(notebook, handle, key):
    """Milliseconds from a key press on this handle to the painted picture."""
    page = notebook.page
    page.wait_for_timeout(PAUSE)
    page.evaluate("() => { window.painted = []; }")
    handle.focus()
    page.keyboard.press(key)
    assert wait_until(lambda: page.evaluate("() => window.painted.length > 0"), 20), "no picture"
    notebook.execute("")  # the kernel is idle again
    return page.evaluate("() => window.painted[0] - window.pressed")


def steps(notebook, live, other):
    """Times of the live figure and of the other one, IN_A_ROW at a time."""
    times = [], []
    for handle in (live, other):  # away from the ends of the slider
        handle.focus()
        notebook.page.keyboard.press("Home")
        notebook.page.keyboard.press("PageUp")
        notebook.page.wait_for_timeout(1500)
    for i in range(2 * STEPS):
        kind = i // IN_A_ROW % 2
        handle = (live, other)[kind]
        handle.scroll_into_view_if_needed()
        times[kind].append(press(notebook, handle, ("ArrowRight", "ArrowLeft")[i % 2]))
    return times


def drag(notebook, figure, control):
    """(pictures shown, ms from release to the last one, whether it is that of the last value)"""
    figure.show()
    notebook.page.evaluate("() => { window.painted = []; }")
    control.drag([0.1 + 0.7 * i / 119 for i in range(120)], pause=2 / 120)
    notebook.page.wait_for_timeout(700)
    released, painted = notebook.page.evaluate("() => [window.released, window.painted]")
    again = figure.code.split(".", 1)[1]
    expected = notebook.execute(f"{FINGERPRINT}\nprint(fingerprint({again}))").strip()
    right = control.value in figure.code and expected == figure.picture()
    return len(painted), max(0, max(painted) - released), right


def main(paths):
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "own").mkdir()
        nbformat.write(notebook_for(paths), folder / "comparison.ipynb")
        server = stack.enter_context(Server(folder, folder / "own"))
        browser = stack.enter_context(Chromium())
        notebook = Notebook(browser, server, "comparison.ipynb")
        assert notebook.run_all(), notebook.problems()
        notebook.page.evaluate(CLOCK)
        report(notebook, paths)


def report(notebook, paths):
    print(f"{'demo':46} {'live':>8} {'interact':>8} ratio | drag: pictures, last one, right")
    for i, path in enumerate(paths):
        figure = notebook.figures()[i]
        control = next(c for c in figure.controls("slider") if not (c.slow or c.disabled))
        other = notebook.page.locator(".under-interact .noUi-handle").nth(i)
        live, interact = steps(notebook, control.handle, other)
        live, interact = statistics.median(live), statistics.median(interact)
        pictures, last, right = drag(notebook, figure, control)
        print(
            f"{path:46} {live:5.0f} ms {interact:5.0f} ms 1/{interact / live:.1f} | "
            f"{pictures}, {last:.0f} ms, {'yes' if right else 'NO'}"
        )
    print(f"targets: 1/{1 / TARGET:.0f} and {RELEASE} ms (on a quiet machine)")


if __name__ == "__main__":
    main(sys.argv[1:] or DEMOS)
