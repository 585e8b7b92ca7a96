"""JupyterLab as a reader starts it, and what a reader does in it, for tests and benchmarks.

Server   starts `jupyter lab` of the running environment on a free port, everything it writes in a
         folder of its own
Chromium finds a browser on this machine and starts it (NoBrowser says how to get one)
Notebook opens a notebook, runs its cells, reads its outputs from the model (not from the page:
         JupyterLab takes cells that are out of sight out of the page)
Figure   one live figure in the notebook: its controls, its picture, its text
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-sync", "--disable-quic",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
HOW_TO_GET_ONE = (
    "no Chromium found: install one (Debian/Ubuntu: `apt-get install chromium`, macOS: "
    "`brew install --cask chromium`, any system: `python -m playwright install chromium`)"
)


class NoBrowser(Exception):
    """There is no browser on this machine; the message says how to get one."""


class Server:
    """A JupyterLab server over `folder`. Use it as a context manager."""

    def __init__(self, folder, own):
        self.folder, self.own = Path(folder), Path(own)
        self.token = secrets.token_hex(16)
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self._settings()
        with open(self.own / "server.log", "wb") as log:
            self.process = subprocess.Popen(
                self._command(), cwd=self.folder, env=self._environment(), stdout=log, stderr=log
            )
        self._wait_until_ready(60)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _command(self):
        scripts = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        return [
            shutil.which("jupyter", path=scripts), "lab", "--no-browser", *as_root,
            f"--port={self.port}", "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self.token}", "--expose-app-in-browser",
            f"--LabApp.app_settings_dir={self.own / 'app_settings'}",
        ]

    def _environment(self):
        """All that Jupyter and IPython write goes into our own folder."""
        places = {
            "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime", "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "IPYTHONDIR": "ipython",
        }
        return {**os.environ, **{name: str(self.own / place) for name, place in places.items()}}

    def _settings(self):
        """No questions and no requests to the outside when JupyterLab opens."""
        settings = self.own / "app_settings"
        settings.mkdir(parents=True, exist_ok=True)
        notify = {"fetchNews": "false", "checkForUpdates": False}
        overrides = {"@jupyterlab/apputils-extension:notification": notify}
        (settings / "overrides.json").write_text(json.dumps(overrides))

    def _wait_until_ready(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.api("GET", "status")
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("JupyterLab did not start:\n" + (self.own / "server.log").read_text())

    def api(self, method, path):
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.loads(answer.read() or b"null")

    def end_kernels(self):
        """Kernels outlive the page that started them."""
        for session in self.api("GET", "sessions"):
            self.api("DELETE", f"sessions/{session['id']}")


class Chromium:
    """The browser of this machine, headless. Use it as a context manager; gives a Browser."""

    def __enter__(self):
        try:
            from playwright.sync_api import sync_playwright
        except ImportError as error:
            raise NoBrowser("the package playwright is missing: tests/requirements.txt") from error
        self.driver = sync_playwright().start()
        try:
            return self._launch()
        except BaseException:
            self.driver.stop()
            raise

    def _launch(self):
        installed = next(filter(None, map(shutil.which, NAMES)), None)
        path = installed or self.driver.chromium.executable_path
        if not Path(path).exists():
            raise NoBrowser(HOW_TO_GET_ONE)
        self.browser = self.driver.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        return self.browser

    def __exit__(self, *_):
        self.browser.close()
        self.driver.stop()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# What JupyterLab itself says in a healthy session.
USUAL = ("ResizeObserver loop", "the server responded with a status of 404")

_OPEN = "() => !!window.jupyterapp?.shell.currentWidget?.content?.model?.cells"
_RUN_ALL = """async () => {
  const panel = jupyterapp.shell.currentWidget;
  await panel.context.ready; await panel.sessionContext.ready;
  return await jupyterapp.commands.execute('notebook:run-all-cells');
}"""
_CELLS = """() => Array.from(jupyterapp.shell.currentWidget.content.model.cells,
                            cell => cell.sharedModel.toJSON())"""
_EXECUTE = """async code => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const request = kernel.requestExecute({code, store_history: false});
  let said = '';
  request.onIOPub = message => {
    if (message.header.msg_type === 'stream') said += message.content.text;
    if (message.header.msg_type === 'error') said += message.content.traceback.join('\\n');
  };
  await request.done;
  return said;
}"""
_KERNEL_IS_IDLE = f"() => ({_EXECUTE})('').then(() => {{}})"
_START = f"code => {{ window.running = ({_EXECUTE})(code); }}"
_PICTURE = """async image => {
  for (;;) {  // a picture that is replaced while we look cannot be decoded
    try { await image.decode(); break; } catch { await new Promise(go => setTimeout(go, 20)); }
  }
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const paper = canvas.getContext('2d');
  paper.drawImage(image, 0, 0);
  const pixels = paper.getImageData(0, 0, canvas.width, canvas.height).data;
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', pixels));
  return Array.from(hash, byte => byte.toString(16).padStart(2, '0')).join('');
}"""
# The same fingerprint of the picture of a live figure, in the kernel.
FINGERPRINT = """
def fingerprint(fig):
    import hashlib, io, PIL.Image
    picture = PIL.Image.open(io.BytesIO(fig.png())).convert("RGBA")
    return hashlib.sha256(picture.tobytes()).hexdigest()
"""


class Notebook:
    """A notebook in JupyterLab, in a page of its own."""

    def __init__(self, browser, server, path, width=1280, height=900):
        self.page = browser.new_page(viewport={"width": width, "height": height})
        self.complaints = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(f"{server.url}/lab/tree/{path}?reset&token={server.token}")
        self.page.wait_for_function(_OPEN, timeout=60_000)
        self.page.evaluate("async () => { await jupyterapp.shell.currentWidget.context.ready; }")

    def _heard(self, message):
        if message.type == "error" and not any(usual in message.text for usual in USUAL):
            self.complaints.append(message.text)

    def run_all(self):
        """Run all cells; returns whether all of them ran."""
        return self.page.evaluate(_RUN_ALL)

    def command(self, name, **arguments):
        """One of JupyterLab's own commands, as its menus give them."""
        run = "([name, arguments]) => jupyterapp.commands.execute(name, arguments).then(() => {})"
        self.page.evaluate(run, [name, arguments])

    def execute(self, code):
        """Run code in the kernel, not in a cell; returns what it printed."""
        return self.page.evaluate(_EXECUTE, code)

    def start(self, code):
        """Like `execute`, without waiting: `finished()` waits and returns what was printed."""
        self.page.evaluate(_START, code)

    def finished(self):
        return self.page.evaluate("() => window.running")

    def cells(self):
        """The cells with their outputs, as in the notebook file."""
        return self.page.evaluate(_CELLS)

    def problems(self):
        """Cells with an error output or a warning, and what the browser's console complained of."""
        outputs = [(i, o) for i, cell in enumerate(self.cells()) for o in cell.get("outputs", [])]
        bad = [(i, o) for i, o in outputs if o["output_type"] == "error" or _is_warning(o)]
        return [f"cell {i}: {o.get('evalue') or o.get('text')}" for i, o in bad] + self.complaints

    def figures(self):
        """The live figures, top to bottom."""
        picture = self.page.locator(".live-figure .widget-image").first
        picture.wait_for(state="attached", timeout=30_000)
        found = self.page.locator(".live-figure")
        return [Figure(self.page, found.nth(i)) for i in range(found.count())]

    def shot(self, path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path)

    def close(self):
        self.page.close()


def _is_warning(output):
    return output.get("name") == "stderr"


KINDS = {"slider": ".widget-slider", "choice": ".widget-radio", "toggle": ".widget-checkbox"}


class Figure:
    """A live figure in the page: its controls, its picture, and what is written beside it."""

    def __init__(self, page, box):
        self.page, self.box = page, box

    def controls(self, *kinds):
        """All controls a reader can move, or those of some kinds: slider, choice, toggle."""
        found = [(kind, self.box.locator(KINDS[kind])) for kind in kinds or KINDS]
        return [
            Control(self, kind, nodes.nth(i)) for kind, nodes in found for i in range(nodes.count())
        ]

    def control(self, label):
        return next(c for c in self.controls() if c.label.startswith(label))

    def button(self, name):
        return self.box.get_by_role("button", name=name)

    def show(self):
        self.box.scroll_into_view_if_needed()

    def picture(self):
        """A fingerprint of the picture that is shown (see FINGERPRINT)."""
        return self.box.locator(".widget-image").evaluate(_PICTURE)

    def changed(self, before, seconds=5.0):
        """Whether the picture becomes another one than `before` in that time."""
        return wait_until(lambda: self.picture() != before, seconds)

    def reset(self):
        """Back to the opening state; a picture on its way has come when this returns."""
        self.button("Reset").click()
        self.settle()

    def settle(self):
        """Wait until the kernel has done what it was asked for."""
        self.page.evaluate(_KERNEL_IS_IDLE)

    @property
    def text(self):
        return self.box.locator(".live-text").inner_text()

    @property
    def code(self):
        return self.box.locator("code").inner_text()

    @property
    def alarm(self):
        alarms = self.box.locator("p[role=alert]")
        return alarms.inner_text() if alarms.count() else None

    def run(self, seconds=60.0):
        """Press the button of the slow controls and wait until the record is made."""
        button = self.box.locator(".live-slow button")
        button.click()
        assert wait_until(lambda: button.inner_text() != "Stop", seconds)

    def cut_off(self):
        """Labels that do not fit, and boxes with something hanging over."""
        return self.box.evaluate("""box => Array.from(
            [box, ...box.querySelectorAll('.widget-label, .live-controls, .live-row, .widget-html')]
        ).filter(e => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)
         .map(e => `${e.className}: ${e.scrollWidth} x ${e.scrollHeight} in ` +
                   `${e.clientWidth} x ${e.clientHeight}: ${e.innerText.slice(0, 30)}`)""")


class Control:
    """A slider, choice or box to tick, moved as a reader does."""

    def __init__(self, figure, kind, node):
        self.figure, self.page, self.kind, self.node = figure, figure.page, kind, node

    @property
    def label(self):
        return self.node.inner_text().split("\n")[0]

    @property
    def disabled(self):
        return self.handle.evaluate("e => e.disabled || !!e.closest('[disabled]')")

    @property
    def value(self):
        if self.kind == "slider":  # aria-valuenow is rounded, the readout is not
            return self.node.locator(".widget-readout").inner_text()
        if self.kind == "choice":
            return self.node.locator("input:checked").evaluate("box => box.parentNode.innerText")
        return self.handle.is_checked()

    @property
    def slow(self):
        """Whether it is a control of a record, that needs a press on the button."""
        return self.node.evaluate("e => !!e.closest('.live-slow')")

    def options(self):
        """What can be clicked: the buttons of a choice, the box of a toggle."""
        inputs = self.node.locator("input")
        return [inputs.nth(i) for i in range(inputs.count())]

    @property
    def handle(self):
        """What takes the keyboard and the mouse; of a choice, the first button not chosen."""
        return self.node.locator(".noUi-handle, input:not([type=radio]:checked)").first

    def press(self, *keys):
        self.handle.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def move_by_keys(self):
        """One step, the other way at the end of the range."""
        before = self.value
        for key in ["ArrowRight", "ArrowLeft"] if self.kind == "slider" else ["Space"]:
            self.press(key)
            if wait_until(lambda: self.value != before, 1.0):
                return
        raise AssertionError(f"{self.label}: the keyboard does not move it from {before}")

    def move_by_mouse(self):
        """Drag a slider to the middle, to another place if it stands there; click the others."""
        before = self.value
        self.node.scroll_into_view_if_needed()
        for place in (0.5, 0.75, 0.0, 1.0) if self.kind == "slider" else (None,):
            self.handle.click() if place is None else self.drag([place])
            if wait_until(lambda: self.value != before, 1.0):
                return
        raise AssertionError(f"{self.label}: the mouse does not move it from {before}")

    def drag(self, places, pause=0.0):
        """Hold the handle and move it over these places (0 to 1), then let go."""
        self.hold(places, pause)
        self.page.mouse.up()

    def hold(self, places, pause=0.0):
        handle, track = self.handle.bounding_box(), self._track()
        y = handle["y"] + handle["height"] / 2
        self.page.mouse.move(handle["x"] + handle["width"] / 2, y)
        self.page.mouse.down()
        for place in places:
            self.page.mouse.move(track["x"] + place * track["width"], y)
            time.sleep(pause)

    def _track(self):
        return self.node.locator(".noUi-base").bounding_box()


def wait_until(condition, seconds):
    """Whether `condition()` becomes true in that time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.03)
    return True
