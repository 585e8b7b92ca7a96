"""The live figure: the one place where controls meet a figure.

A demo is four functions and a few controls:

    compute(**values) -> result         pure: the mathematics
    build(fig) -> artists               once: axes and empty artists (what moves: animated=True)
    draw(artists, result) -> None       moves the artists; True asks for a full redraw
    describe(result) -> str             the figure's numbers in a short paragraph

    fig = live(compute, build, draw, describe, call="theme.name",
               controls={"depth": number(7, 1, 30, 1, "layers")})

Why it is made this way (measured in JupyterLab 4.6): the figure is drawn once and kept, a step
restores that background and draws only what moves, so it takes about a tenth of the time of a
figure that is made again. It lives outside pyplot and under one lock (style.DRAWING), because
JupyterLab runs widget callbacks in another thread than the cells. The work is done when the
callback returns: the browser keeps one message per control on the way and the newest value wins, so
nothing queues up. A picture and a text stand in for the widget wherever there is no kernel.
"""

import base64
import html
import io
import math
import struct
import time
import weakref
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache

import ipywidgets as widgets
import numpy as np
import PIL.Image
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import SubFigure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from helpers import checks
from helpers.style import DRAWING, figure, rc
from helpers.threads import one_blas_thread

__all__ = ["LiveFigure", "choice", "figure", "live", "number", "show", "toggle"]

CSS_PER_INCH = 100  # a figure of 8.4 inches is 840 pixels wide on the screen
LABEL_SIZE = 13  # pixels, as in JupyterLab
SHORTEST = 165  # pixels of a slider and its readout
MOST_STEPS = 10_000  # of one slider
WIDEST = 840  # pixels that a notebook in a window of 1280 has room for
CHUNK = 0.2  # seconds of a long computation between two looks at what the user wants
SLOW_STEP = 0.3  # seconds; a slower step follows the slider only when it is let go


# --- Controls: what a demo says about them, and the widgets they become -------------------------


@dataclass(frozen=True)
class Number:
    """A slider. Made by `number`.

    It goes over a list of values as people write them, 0.3 and not 0.30000000000000004; a value set
    from code takes a place of its own in the list. (ipywidgets' own slider for floats is moved by
    the browser when it stands between two steps, and the figure would not be what the code says.)
    Whole numbers in steps of one need no list.
    """

    value: float
    low: float
    high: float
    step: float
    label: str
    unit: str = ""
    when: dict | None = field(default=None, hash=False)

    @property
    def whole(self):
        return _are_whole(self.value, self.low, self.high, self.step)

    @property
    def ladder(self):
        """The values it goes over: as many steps as fit, and the upper end."""
        steps = range(math.floor((self.high - self.low) / self.step + 1e-9) + 1)
        values = [self.low + i * self.step for i in steps]
        return sorted({self.clean(value) for value in (*values, self.high)})

    def check(self, name, value):
        if self.whole:
            return checks.whole(name, value, self.low, self.high)
        return self.clean(checks.real(name, value, self.low, self.high))

    def clean(self, value):
        """The number as people write it."""
        return value if self.whole else float(f"{value:.12g}")

    def widget(self):
        if self.whole and self.step == 1:
            return widgets.IntSlider(self.value, self.low, self.high)
        slider = widgets.SelectionSlider(options=[("", self.value)])
        self.put(slider, self.value)
        return slider

    def put(self, slider, value):
        """Set the slider to `value`."""
        if isinstance(slider, widgets.SelectionSlider):
            self._make_room(slider, value)
        slider.value = value

    def _make_room(self, slider, value):
        values = sorted({*self.ladder, value})
        options = tuple(zip(self._written(values), values, strict=True))
        if slider.options != options:
            slider.options = options

    def _written(self, values):
        digits = max(map(_decimals, values))
        return [f"{value:.{digits}f}" for value in values]


@dataclass(frozen=True)
class Decades(Number):
    """A logarithmic slider. Made by `number` with `log`; `step` counts in decades.

    Values have three significant digits.
    """

    @property
    def whole(self):
        return _are_whole(self.value, self.low, self.high)

    @property
    def ladder(self):
        """The values it goes over: powers of ten, those between, and the ends."""
        first, last = (math.log10(end) / self.step for end in (self.low, self.high))
        inner = [10 ** (i * self.step) for i in range(math.ceil(first), math.floor(last) + 1)]
        return sorted({self.clean(value) for value in (self.low, *inner, self.high)})

    def clean(self, value):
        if self.whole:
            return round(value)
        return float(min(max(float(f"{value:.3g}"), self.low), self.high))

    def _written(self, values):
        return [f"{value:g}" for value in values]


def _are_whole(*numbers):
    return all(isinstance(x, int | np.integer) for x in numbers)


@dataclass(frozen=True)
class Choice:
    """One of several. Made by `choice`."""

    value: object
    options: dict = field(hash=False)
    label: str
    when: dict | None = field(default=None, hash=False)
    unit = ""

    def check(self, name, value):
        values = list(self.options.values())
        if all(isinstance(known, str) for known in values):
            return checks.one_of(name, value, values)
        if value not in values:
            allowed = ", ".join(map(checks.quoted, values))
            raise ValueError(f"{name} must be one of {allowed}; got {checks.quoted(value)}")
        return value

    def clean(self, value):
        return value

    def widget(self):
        """Radio buttons: what there is to choose can be seen, and the keyboard reaches all of it.

        JupyterLab takes the arrow keys away from a drop-down list (it selects another cell).
        """
        return widgets.RadioButtons(options=list(self.options.items()), value=self.value)

    def put(self, buttons, value):
        buttons.value = value


@dataclass(frozen=True)
class Toggle:
    """A box to tick. Made by `toggle`."""

    value: bool
    label: str
    when: dict | None = field(default=None, hash=False)
    unit = ""

    def check(self, name, value):
        return checks.truth(name, value)

    def clean(self, value):
        return bool(value)

    def widget(self):
        return widgets.Checkbox(bool(self.value), indent=False)

    def put(self, box, value):
        box.value = value


def number(value, low, high, step, label, unit="", log=False, when=None):
    """A slider from `low` to `high` (inclusive) that starts at `value`.

    Ints make a slider of whole numbers. With `log` the slider is logarithmic, `step` counts in
    decades (0.1: ten steps from 1 to 10) and values have three significant digits.

    A control that has no effect unless others have certain values says so with `when`, a dict from
    their names to these values: `when={"activation": ["affine"]}`. Otherwise it is grey.
    """
    checks.real(f"step of the slider '{label}'", step, 0, open_low=True)
    if not low < high:
        raise ValueError(f"low of the slider '{label}' must be below high, got {low} and {high}")
    if log:
        checks.real(f"low of the logarithmic slider '{label}'", low, 0, open_low=True)
    elif (high - low) / step > MOST_STEPS:
        raise ValueError(f"the slider '{label}' has more than {MOST_STEPS} steps of {step}")
    return (Decades if log else Number)(value, low, high, step, label, unit, when)


def choice(value, options, label, when=None):
    """One of several: `options` are strings, or a dict from what is shown to the value.

    `when` as for `number`.
    """
    if not isinstance(options, dict):
        options = {str(option): option for option in options}
    return Choice(value, options, label, when)


def toggle(value, label, when=None):
    """A box to tick. `when` as for `number`."""
    return Toggle(value, label, when)


def _is_box(widget):
    """Whether this is a box to tick, whose label stands behind it."""
    return isinstance(widget, widgets.Checkbox)


def _width(label):
    """Pixels that a label needs; in our figures' font, which is wider than most browsers' own."""
    with rc():
        width, *_ = text_to_path.get_text_width_height_descent(
            label, FontProperties(size=LABEL_SIZE), ismath=False
        )
    return math.ceil(width)


def _row(*parts):
    row = widgets.HBox(parts)
    row.add_class("live-row")
    return row


def _decimals(number):
    """Digits behind the point that a number needs."""
    return len(f"{number:.10f}".rstrip("0").split(".")[1])


class Panel:
    """Controls by name and their widgets; `values` are read and set as people write them."""

    def __init__(self, controls):
        self.controls = dict(controls)
        for name, control in controls.items():
            control.check(name, control.value)
        self.widgets = {name: control.widget() for name, control in controls.items()}
        for name, control in controls.items():
            unit = f" ({control.unit})" if control.unit else ""
            self.widgets[name].description = f"{control.label}{unit}"
        self._quiet = False

    @property
    def values(self):
        return {name: c.clean(self.widgets[name].value) for name, c in self.controls.items()}

    def check(self, values):
        """Those of `values` that are ours, ready to use; ValueError or TypeError in words."""
        ours = [name for name in values if name in self.controls]
        return {name: self.controls[name].check(name, values[name]) for name in ours}

    def turn(self, values):
        """Set the controls that are named in `values`; nobody is told."""
        self._quiet = True
        try:
            for name in self.widgets.keys() & values.keys():
                self.controls[name].put(self.widgets[name], values[name])
        finally:
            self._quiet = False

    def on_move(self, action):
        """Call `action()` when the reader moves a control."""
        for widget in self.widgets.values():
            widget.observe(lambda _: None if self._quiet else action(), "value")

    def grey(self, values):
        """Enable the controls that have an effect when all controls have these values."""
        for name, control in self.controls.items():
            if control.when is not None:
                effect = all(values[other] in good for other, good in control.when.items())
                self.widgets[name].disabled = not effect

    def follow(self, at_once):
        """Whether a slider tells its values while it is dragged, or when it is let go."""
        for widget in self.widgets.values():
            if widget.has_trait("continuous_update"):
                widget.continuous_update = at_once

    @property
    def widest(self):
        """Pixels of the widest label beside a control."""
        labels = [w.description for w in self.widgets.values() if not _is_box(w)]
        return max(map(_width, labels), default=0)

    def row(self, label, *buttons):
        """The controls, labels `label` pixels wide, in columns as wide as the page allows."""
        for widget in self.widgets.values():
            widget.layout.width = "auto"
            if not _is_box(widget):
                widget.style.description_width = f"{label}px"
        least = label + SHORTEST
        columns = f"repeat(auto-fill, minmax(min(100%, {least}px), 1fr))"
        layout = widgets.Layout(
            grid_template_columns=columns, grid_gap="0 16px", flex=f"1 1 {least}px"
        )
        grid = widgets.GridBox(list(self.widgets.values()), layout=layout)
        return _row(grid, widgets.HBox(buttons, layout=_BUTTONS))


# --- The picture: background kept, only what moves is drawn ------------------------------------


BACKGROUNDS = 2  # that are kept in a kernel, 3 MB each: a notebook has a dozen figures
_KEPT = []  # weak references to the pictures that have one, the latest last
_PAPER = {}  # (width, height, dpi) -> the renderer for all figures of that size, 3 MB each


class Paper(RendererAgg):
    """Agg that remembers the pixels of texts: drawn again, one takes a quarter of the time.

    Names and ticks that move would otherwise be set and painted letter by letter in every step.
    Texts start at whole pixels.
    """

    def __init__(self, width, height, dpi):
        super().__init__(width, height, dpi)
        self._text_size = lru_cache(1024)(super().get_text_width_height_descent)
        self._text_pixels = lru_cache(256)(self._paint_text)

    def get_text_width_height_descent(self, s, prop, ismath):
        return self._text_size(s, prop, ismath)

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        if angle or not gc.get_antialiased():
            return super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
        pixels, below = self._text_pixels(s, prop, ismath, tuple(gc.get_rgb()))
        whole = self.new_gc()  # the colour of the pixels has its alpha already
        whole.set_clip_rectangle(gc.get_clip_rectangle())
        self.draw_image(whole, round(x) - MARGIN, round(self.height - y) - below, pixels)

    def _paint_text(self, s, prop, ismath, rgba):
        """A text as an image (height, width, 4), and how far that reaches below its line."""
        width, height, descent = self._text_size(s, prop, ismath)
        below = math.ceil(descent) + MARGIN
        size = math.ceil(width) + 2 * MARGIN, math.ceil(height - descent) + MARGIN + below
        sheet = RendererAgg(*size, self.dpi)
        gc = sheet.new_gc()
        gc.set_foreground(rgba, isRGBA=True)
        sheet.draw_text(gc, MARGIN, size[1] - below, s, prop, 0, ismath)
        return np.array(sheet.buffer_rgba())[::-1].copy(), below  # images begin at the bottom


MARGIN = 4  # pixels around a text for letters that reach out of their box


class SharedPaper(FigureCanvasAgg):
    """A canvas that draws on the same pixels as all others of its size.

    Under the lock that is safe: a step puts down the whole background before it draws, and takes
    the PNG before it lets go.
    """

    def get_renderer(self):
        size = (*self.figure.bbox.size, self.figure.dpi)
        if size not in _PAPER:
            _PAPER[size] = Paper(*size)
        self.renderer = _PAPER[size]
        return self.renderer


class Picture:
    """A figure that is built once; `paint(result)` gives the PNG of a new state."""

    def __init__(self, build, draw, size):
        self.build, self.draw = build, draw
        with rc():
            self.figure = figure(size)
            self.canvas = SharedPaper(self.figure)
            self.artists = build(self.figure)
        self._background = None

    def paint(self, result):
        """Move the artists to `result` and return the picture as PNG bytes."""
        with rc():
            everything = self.draw(self.artists, result)
            if everything or self._background is None:
                self._draw_background()
            else:
                self.canvas.restore_region(self._background)
            draw_moving(self.canvas)
            self._take_a_place()
            return png(self.canvas)

    def _take_a_place(self):
        """Keep this background; of the others only the latest. What is dropped is drawn again."""
        others = [other for other in _KEPT if other() not in (None, self)]
        for dropped in others[: 1 - BACKGROUNDS]:
            dropped()._background = None
        _KEPT[:] = [*others[1 - BACKGROUNDS :], weakref.ref(self)]

    def _draw_background(self):
        """Draw all that stands still. The layout is solved once: that costs as much as drawing."""
        self.canvas.draw()
        self.figure.set_layout_engine("none")
        self._background = self.canvas.copy_from_bbox(self.figure.bbox)


def moving(container):
    """The animated artists of a figure or axes, in matplotlib's own order of drawing."""
    for child in sorted(container.get_children(), key=lambda artist: artist.get_zorder()):
        if not child.get_visible():
            continue
        if child.get_animated():
            yield child
        elif isinstance(child, Axes | SubFigure):
            yield from moving(child)


def draw_moving(canvas):
    """Draw the animated artists over what the canvas shows."""
    for artist in moving(canvas.figure):
        artist.draw(canvas.get_renderer())


ROWS = 16  # of a picture that are compressed in one go


def png(canvas):
    """The picture on an Agg canvas as PNG bytes (RGB, rows without a filter, compressed a little).

    A third of the time of Pillow's own PNG, which tries five filters on every row: on flat colours
    and thin lines none of them helps. A few rows at a time stay in the processor's cache, which
    halves the time of compressing them all at once. Chunks as in the PNG specification (W3C 2003).
    """
    width, height = canvas.get_width_height()
    rgba, wide = memoryview(canvas.buffer_rgba()).cast("B"), 4 * width
    data, check = [b"\x78\x01"], 1  # head of a zlib stream (RFC 1950)
    for top in range(0, height, ROWS):
        rows = _rgb_rows(rgba[top * wide : (top + ROWS) * wide], width)
        check = zlib.adler32(rows, check)
        pack = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
        last = top + ROWS >= height
        data += pack.compress(rows), pack.flush(zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH)
    data = b"".join([*data, struct.pack(">I", check)])
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _rgb_rows(rgba, width):
    """Rows of RGBA as PNG has them: a 0 for no filter, then RGB. Pillow ends every row with a 0."""
    size = width, len(rgba) // (4 * width)
    image = PIL.Image.frombuffer("RGBA", size, rgba, "raw", "RGBA", 0, 1)
    return b"\0" + image.tobytes("raw", "RGB", 3 * width + 1)[:-1]


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pressed(data):
    """The same picture in fewer bytes, for the notebook file."""
    buffer = io.BytesIO()
    with PIL.Image.open(io.BytesIO(data)) as image:
        image.save(buffer, "png", compress_level=9)
    return buffer.getvalue()


# --- Long computations, a little at a time -----------------------------------------------------


class Job:
    """A record in the making: a generator of progress (0 to 1) that returns the record.

    `advance` works for a short time and comes back, so that the kernel hears a Stop in between.
    """

    def __init__(self, generator):
        self.generator = generator
        self.progress, self.record, self.done = 0.0, None, False

    def advance(self):
        """Work for about CHUNK seconds, at least one piece of the work."""
        end = time.perf_counter() + CHUNK
        self._next()
        while not self.done and time.perf_counter() < end:
            self._next()

    def finish(self):
        """Work to the end and return the record."""
        while not self.done:
            self._next()
        return self.record

    def stop(self):
        """Ask for the record so far. A generator that goes on nevertheless is closed: None."""
        if not self.done:
            self._next("stop" if self.generator.gi_frame.f_lasti > 0 else None)
        self.generator.close()
        self.done = True

    def _next(self, message=None):
        try:
            with one_blas_thread():
                self.progress = float(self.generator.send(message))
        except StopIteration as end:
            self.record, self.done = end.value, True


class Recording:
    """The slow part of a demo: its controls, its button, and the record that is shown.

    A run is moved on by the ticks of a hidden Play widget, which live in the browser: between two
    ticks the kernel is idle and hears the sliders and the Stop button. `changed()` is called when
    there is a new record.
    """

    def __init__(self, make, controls, button):
        self.make, self.panel, self._name = make, Panel(controls), button
        self.job, self.stopped = None, None
        self.values = self.panel.values
        self.record = Job(make(**self.values)).finish()
        self._opening = self.record, self.values
        self.button = widgets.Button(layout=_BUTTON)
        self.progress = widgets.FloatProgress(0.0, min=0.0, max=1.0)
        self.status = widgets.Label()
        self.ticks = widgets.Play(max=2**31 - 1, interval=20, layout=_HIDDEN)
        self.news = _row(self.progress, self.status, self.ticks)
        self._say("")

    def on_change(self, changed, guard):
        """Connect the controls; every action runs inside `with guard():`."""
        self.changed, self.guard = changed, guard
        self.button.on_click(lambda _: self.stop() if self.job else self.start())
        self.ticks.observe(lambda _: self.advance(), "value")
        self.panel.on_move(self._stale)

    def start(self):
        """Begin a new record with the settings of the controls; nothing if one is in the making."""
        with self.guard():
            if self.job is None:
                self._asked = self.panel.values
                self.job = Job(self.make(**self._asked))
                self._say("0%")
                self.ticks.playing = True
                self.advance()

    def advance(self):
        """One piece of the work."""
        with self.guard(), self._ended_by_errors():
            if self.job is not None:
                self.job.advance()
                self.progress.value = self.job.progress
                self.status.value = f"{self.job.progress:.0%}"
                if self.job.done:
                    self._end(None)

    def stop(self):
        """End the work; the result so far is the new record."""
        with self.guard(), self._ended_by_errors():
            if self.job is not None:
                self.job.stop()
                self._end(self.job.progress)

    def run(self, values):
        """A new record at once, for code."""
        self.stop()
        self.panel.turn(values)
        values = self.panel.values
        self._keep(Job(self.make(**values)).finish(), values, None)

    def reset(self):
        """The opening record again, without making it again."""
        self.stop()
        self.panel.turn(self._opening[1])
        self._keep(*self._opening, None)

    def rows(self, label):
        if not self.panel.controls:
            return []
        row = self.panel.row(label, self.button)
        row.add_class("live-slow")
        return [row, self.news]

    def close(self):
        """Free the widgets, those too that are not on show for want of controls."""
        for widget in (self.button, self.news):
            _close_all(widget)
            widget.close()

    def _end(self, stopped):
        job, self.job = self.job, None
        self.ticks.playing = False
        if job.record is None:
            self._say("Stopped; the picture shows the run before.")
        else:
            self._keep(job.record, self._asked, stopped)
            self.changed()

    def _keep(self, record, values, stopped):
        self.record, self.values, self.stopped = record, values, stopped
        self._say("" if stopped is None else f"Stopped at {stopped:.0%}: the result so far.")
        self._stale()

    def _stale(self):
        if self.job is None and self.panel.values != self.values:
            self._say(f"Press {self._name} to use these settings.")

    def _say(self, sentence):
        running = self.job is not None
        self.status.value = sentence
        self.news.layout.display = "" if sentence else "none"
        self.progress.layout.display = "" if running else "none"
        self.button.description = "Stop" if running else self._name
        self.button.icon = "stop" if running else "play"

    @contextmanager
    def _ended_by_errors(self):
        try:
            yield
        except BaseException:  # an interrupt of the kernel ends the run as well
            self.job = None
            self.ticks.playing = False
            self._say("The run ended with an error; the picture shows the run before.")
            raise


class Replay:
    """A frame slider with a Play button over a stored record."""

    def __init__(self, count, frame=None):
        self.panel = Panel({"frame": Number(0, 0, 0, 1, "frame")})
        self.slider = self.panel.widgets["frame"]
        self.play = widgets.Play(show_repeat=False, layout=widgets.Layout(width="auto"))
        self.link = widgets.jslink((self.play, "value"), (self.slider, "value"))
        self.fit(count)
        self.panel.turn(self.panel.check({} if frame is None else {"frame": frame}))

    def fit(self, count):
        """Set the range for a record of `count` frames and go to the last one."""
        last = checks.whole("frames", count, 1) - 1
        self.panel.controls["frame"] = Number(last, 0, last, 1, "frame")
        self.slider.max = last  # the range before the value, the slider before what is linked to it
        self.panel.turn({"frame": last})
        self.play.interval = int(np.clip(5000 / count, 50, 250))  # about five seconds in all
        self.play.max = last
        self.play.value = last

    def row(self, label):
        row = self.panel.row(label, self.play)
        row.children[0].layout.grid_template_columns = "1fr"  # frames are many: a long slider
        return row


# --- The figure with its controls --------------------------------------------------------------


class LiveFigure(widgets.VBox):
    """A figure with controls; made by `live`, which says what goes in.

    `values`      the settings of the picture that is shown
    `set(...)`    change settings from code, in one step; slow ones make a new record first
    `result`      what `compute` gave, `record` what `record` gave
    `text`        the figure's numbers in words
    `experiment`  the line of code that gives this figure
    `error`       None, or what is wrong with the settings of the controls, in words
    `png()`       the picture; `reset()` goes back to the opening state; `close()` frees it all

    An error in the opening state is raised, and so is one in `set`. When the reader moves a control
    an error is shown beside the last good picture, and raised as well if `LiveFigure.raise_errors`
    (tests set it).
    """

    raise_errors = False

    def __init__(self, compute, build, draw, describe, panel, call, size, recording, replay,
                 frames, ahead):
        self.call, self.error, self._ahead = call, None, ahead
        self._compute, self._describe, self._panel = compute, describe, panel
        self._recording, self._replay, self._frames = recording, replay, frames
        self._size, self._seconds = size, 0.0
        self._image = widgets.Image(format="png", layout=_image_layout(size))
        self._notes, self._alarm = widgets.HTML(), widgets.HTML()
        self._notes.add_class("live-notes")
        with DRAWING:
            self._picture = Picture(build, draw, size)
            self._show(self._asked())
            self._opening = self._asked()
            super().__init__(self._rows(), layout={"max_width": f"min(100%, {WIDEST}px)"})
            self.add_class("live-figure")
            self._listen()
            self._grey()
            _close_earlier_run(self)

    def png(self):
        """The picture as PNG bytes."""
        with DRAWING:
            return pressed(self._image.value)

    def set(self, **values):
        """Change settings from code. Errors are raised, in the settings and in `compute`."""
        with self._guard(raising=True):
            names = [name for panel in self._panels() for name in panel.controls]
            for name in values:
                checks.one_of("control", name, names)
            checked = self._panel.check(values)
            if self._recording:
                self._record_now(self._recording.panel.check(values))
            if self._replay:
                checked |= self._replay.panel.check(values)
            self._turn(checked)
            self._step()

    def reset(self, *_):
        """Back to the opening state."""
        with self._guard():
            if self._recording:
                self._recording.reset()
                self._fit_frames()
            self._turn(self._opening)
            self._step()

    def close(self):
        """Free the figure and its widgets, here and in the browser."""
        with DRAWING:
            if self._replay:
                self._replay.link.close()
            if self._recording:
                self._recording.close()
            self._picture = self._recording = self._replay = self.result = self.record = None
            _close_all(self)
            super().close()

    # One step

    def _asked(self):
        panels = self._panels() if self._ahead else self._quick_panels()
        return {name: v for panel in panels for name, v in panel.values.items()}

    def _step(self):
        """Show what the controls ask for, unless the picture shows it already."""
        if self._picture is None:
            raise RuntimeError("this figure is closed: run the cell that made it once more")
        self._grey()
        record, values = self._recording and self._recording.record, self._asked()
        if values == self._drawn and record is self.record and self.error is None:
            return  # moves that waited for this one: the newest value has won
        with self._pace():
            self._show(values)

    def _show(self, values):
        """Compute and paint; nothing of the last good state is touched before all has worked."""
        made = self._recording
        given = {"record": made.record} if made else {}
        with one_blas_thread():
            result = self._compute(**given, **values)
        text = str(self._describe(result))
        self._image.value = self._picture.paint(result)
        self.result, self.text, self._drawn, self.record = result, text, values, given.get("record")
        self.values = {**made.values, **values} if made else values
        self.experiment = _line(self.call, self.values, made and made.stopped)
        self._notes.value = _notes(self.text, self.experiment)
        self._tell(None)

    def _tell(self, error):
        self.error = None if error is None else in_words(error)
        self._alarm.value = "" if error is None else _alarm(self.error)

    @contextmanager
    def _guard(self, raising=False):
        """The lock; an error inside is shown, and raised where somebody can catch it."""
        with DRAWING:
            try:
                yield
            except Exception as error:
                self._tell(error)
                if raising or self.raise_errors:
                    raise

    @contextmanager
    def _pace(self):
        """A figure that was slow twice follows its sliders only when they are let go."""
        start, busy = time.perf_counter(), self._seconds > SLOW_STEP
        if busy:
            self.add_class("live-busy")
        try:
            yield
        finally:
            before, self._seconds = self._seconds, time.perf_counter() - start
            follow = min(before, self._seconds) < SLOW_STEP
            for panel in self._quick_panels():
                panel.follow(follow)
            if busy:
                self.remove_class("live-busy")

    # Controls

    def _quick_panels(self):
        return [self._panel] + ([self._replay.panel] if self._replay else [])

    def _panels(self):
        return self._quick_panels() + ([self._recording.panel] if self._recording else [])

    def _turn(self, values):
        for panel in self._quick_panels():
            panel.turn(values)

    def _record_now(self, values):
        if values:
            self._recording.run(values)
            self._fit_frames()

    def _listen(self):
        for panel in self._quick_panels():
            panel.on_move(self._moved)
        if self._recording:
            self._recording.on_change(self._new_record, self._guard)
            self._recording.panel.on_move(self._moved if self._ahead else self._grey)

    def _grey(self):
        values = {name: v for panel in self._panels() for name, v in panel.values.items()}
        for panel in self._panels():
            panel.grey(values)

    def _moved(self):
        with self._guard():
            self._step()

    def _new_record(self):
        self._fit_frames()
        self._step()

    def _fit_frames(self):
        if self._replay:
            self._replay.fit(self._frames(self._recording.record))

    def _rows(self):
        style = widgets.HTML(_STYLE + _NAMES, layout=_HIDDEN)
        has_controls = any(panel.controls for panel in self._panels())
        controls = [self._controls()] if has_controls else []
        return [style, *controls, self._alarm, self._image, self._notes]

    def _controls(self):
        label = 8 + max(panel.widest for panel in self._panels())
        reset = widgets.Button(description="Reset", icon="undo", layout=_BUTTON)
        reset.on_click(self.reset)
        rows = [self._panel.row(label, reset)]
        rows = self._recording.rows(label) + rows if self._recording else rows
        controls = widgets.VBox(rows + ([self._replay.row(label)] if self._replay else []))
        controls.add_class("live-controls")
        return controls

    def _repr_mimebundle_(self, **_):
        """The widget, and for readers without a kernel the picture and its text."""
        data = super()._repr_mimebundle_() or {}
        twin, metadata = _twin(self.png(), f"{self.text}\n{self.experiment}", self.text, self._size)
        return {**data, **twin}, metadata


def live(compute, build, draw, describe, *, controls, call, size=(8.4, 4.2), record=None,
         slow=None, frames=None, frame=None, button="Run", ahead=False):
    """A figure with controls, as described at the head of this file.

    controls  dict from the arguments of `compute` to `number(...)`, `choice(...)`, `toggle(...)`
    call      the public function, "theme.demo": the start of the line that reproduces the figure
              (or with first arguments, "theme.demo(my_function, ")
    size      inches, 100 screen pixels each; at most 8.4 wide to fit a notebook

    For a result that takes longer than a slider may: `record(**slow values)` is a generator that
    yields its progress (0 to 1) in pieces of at most 0.1 s and returns a record; sent "stop", it
    returns the record so far. Then `compute(record=..., **values)` shows it. `slow` are the
    record's controls, the Run button (`button`) makes a new one. With `frames(record) -> number`
    there is a frame slider with a Play button, and `compute` gets `frame`; the opening `frame` is
    the last one if it is None. With `ahead` the picture also follows the slow controls at once, for
    what needs no record: `compute` gets their values as well, and has to look into the record
    whether it was made with them.
    """
    panel = Panel(controls)
    recording = None if record is None else Recording(record, slow or {}, button)
    replay = None if frames is None else Replay(frames(recording.record), frame)
    return LiveFigure(
        compute, build, draw, describe, panel, call, size, recording, replay, frames, ahead
    )


# --- Pictures that stand still, and what stands in for a widget ------------------------------


class StillFigure:
    """A picture with its text, as a notebook shows it. Made by `show`."""

    def __init__(self, fig, text):
        with rc():
            canvas = FigureCanvasAgg(fig)
            canvas.draw()
            draw_moving(canvas)
            self._png = pressed(png(canvas))
        self.text, self._size = str(text), tuple(fig.get_size_inches())

    def png(self):
        return self._png

    def _repr_mimebundle_(self, **_):
        return _twin(self._png, self.text, self.text, self._size)


def show(fig, text):
    """What a notebook displays for a figure that stands still: picture, and text as its alt."""
    return StillFigure(fig, text)


def _twin(picture, plain, alt, size):
    width, height = (round(CSS_PER_INCH * float(inches)) for inches in size)
    data = {"image/png": base64.b64encode(picture).decode(), "text/plain": plain}
    return data, {"image/png": {"alt": alt, "width": width, "height": height}}


# --- Words and looks ---------------------------------------------------------------------------


def in_words(error):
    """An exception as a sentence; the kind of error is left out where the message says it all."""
    message = str(error).strip()
    if message and isinstance(error, ValueError):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _line(call, values, stopped):
    """The line of code that gives the figure with these values."""
    arguments = ", ".join(f"{name}={_code(value)}" for name, value in values.items())
    line = f"{call if '(' in call else call + '('}{arguments})"
    return line if stopped is None else f"{line}  # stopped at {stopped:.0%}"


def _code(value):
    """A value as Python code, 0.3 and not np.float64(0.30000000000000004)."""
    return repr(value.item() if isinstance(value, np.generic) else value)


def _notes(text, experiment):
    """Text under the figure: its numbers, and the line of code that gives this figure."""
    return (
        f'<p class="live-text">{html.escape(text)}</p>'
        f'<div class="live-code"><code>{html.escape(experiment)}</code>'
        f'<button type="button" class="jupyter-button" {_COPY}>Copy this experiment</button></div>'
    )


def _alarm(sentence):
    return (
        f'<p role="alert"><b>This setting does not work.</b> {html.escape(sentence)}<br>'
        "The picture shows the last setting that did.</p>"
    )


# Selects the line and copies it (no clipboard permission needed); without JavaScript the line can
# still be selected with one click.
_COPY = (
    'data-lm-suppress-shortcuts="true" onclick="'
    "getSelection().selectAllChildren(this.previousElementSibling);"
    "document.execCommand('copy');this.textContent='Copied'\""
)

_HIDDEN = {"display": "none"}
_BUTTON = {"width": "92px", "margin": "2px 0"}
_BUTTONS = {"width": "92px", "justify_content": "flex-end"}

_STYLE = """<style>
.live-figure { --live-edge: 1px solid var(--jp-border-color2, #E0E0E0); }
.live-figure .live-controls { border: var(--live-edge); border-radius: 4px; padding: 4px 8px;
  background: var(--jp-layout-color1, white); margin-bottom: 6px; overflow: visible; }
.live-figure .live-row { gap: 0 16px; flex-wrap: wrap; align-items: flex-start;
  overflow: visible; }
.live-figure .live-row .widget-label { text-align: left; }
.live-figure .widget-readout { min-width: 0; width: 52px; }
.live-figure .widget-checkbox, .live-figure .widget-checkbox * { overflow: visible; }
.live-figure .widget-radio { grid-column: 1 / -1; display: flex; margin: 2px; }
.live-figure .widget-radio > label { flex: none; }
.live-figure .widget-radio-box { flex-flow: row wrap; gap: 0 16px; padding-top: 4px;
  margin-bottom: 4px !important; }
.live-figure .widget-radio-box label { width: auto; }
.live-figure .widget-html-content { line-height: 1.45; }
.live-figure p { margin: 4px 0; }
.live-figure p[role=alert] { border-left: 4px solid #D55E00; padding: 2px 10px; }
.live-figure .live-code { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; }
.live-figure .live-code code { user-select: all; overflow-wrap: anywhere; padding: 2px 6px;
  background: var(--jp-layout-color2, #EEE); }
.live-figure :focus-visible { outline: 2px solid #0072B2; outline-offset: 2px; }
.live-busy .widget-image { opacity: 0.5; cursor: progress; }
</style>"""


# ipywidgets gives neither sliders, choices nor pictures a name that a screen reader can say, and a
# text that changes is only announced by a part of the page that stays. An invisible picture
# of one pixel runs this when it is shown. Nothing else depends on it. The parts of the figure come
# one after the other, so it looks several times.
_NAME_THE_PARTS = """
const mark = this;
function name(times) {
  const figure = mark.closest('.live-figure');
  if (figure) {
    for (const slider of figure.querySelectorAll('.widget-slider'))
      slider.querySelector('.noUi-handle')?.setAttribute(
        'aria-label', slider.querySelector('.widget-label').textContent);
    for (const choice of figure.querySelectorAll('.widget-radio')) {
      choice.setAttribute('role', 'radiogroup');
      choice.setAttribute('aria-label', choice.querySelector('.widget-label').textContent);
    }
    for (const image of figure.querySelectorAll('.widget-image'))
      image.alt = 'Figure; its numbers are in the text that follows.';
    for (const text of figure.querySelectorAll('.live-notes'))
      text.setAttribute('aria-live', 'polite');
  }
  if (times) setTimeout(name, 300, times - 1);
}
name(20);
"""
_ONE_PIXEL = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
_NAMES = f'<img alt="" src="data:image/gif;base64,{_ONE_PIXEL}" onload="{_NAME_THE_PARTS}">'


def _image_layout(size):
    """Never stretched by the box, never wider than the cell."""
    return widgets.Layout(
        width=f"{round(CSS_PER_INCH * size[0])}px", max_width="100%", height="auto", margin="0"
    )


# --- Cells that are run again ------------------------------------------------------------------

_IN_CELL = {}  # cell id -> (message id of the run, its live figures)


def _close_earlier_run(new):
    """Close the live figures that an earlier run of this cell made: ipywidgets would keep them."""
    cell, run = _cell()
    if cell is None:
        return
    earlier, figures = _IN_CELL.get(cell, (run, []))
    if earlier != run:
        for old in figures:
            old.close()
        figures = []
    _IN_CELL[cell] = run, [*figures, new]


def _cell():
    """Ids of the running cell and of this run of it; (None, None) where nobody tells."""
    shell = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    return parent.get("metadata", {}).get("cellId"), parent.get("header", {}).get("msg_id")


def _close_all(widget):
    """Close what belongs to a widget: children, layout and style."""
    for child in getattr(widget, "children", ()):
        _close_all(child)
        child.close()
    for name in ("layout", "style"):
        if widget.has_trait(name):
            getattr(widget, name).close()
