"""The live figure without a browser: a widget moved in Python fires the same callbacks."""

import base64
import gc
import io
import re
import sys
import threading
import time
import weakref
from typing import NamedTuple

import ipywidgets as widgets
import matplotlib
import numpy as np
import PIL.Image
import psutil
import pytest
from ipywidgets.widgets.widget import _instances as living_widgets
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import Bbox, TransformedBbox

from helpers import live as live_module
from helpers.live import LiveFigure, choice, figure, live, number, show, toggle
from helpers.style import rc

# --- A demo with every kind of control ----------------------------------------------------------


class Wave(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    counts: np.ndarray


def compute_wave(*, frequency=1.0, amplitude=1.0, periods=2, shape="sine", upside_down=False):
    if frequency > 9:
        raise ValueError(f"frequency must be at most 9, got {frequency}")
    x = np.linspace(0, 10, 200)
    y = amplitude * np.sin(frequency * x + periods)
    y = np.sign(y) if shape == "square" else y
    y = -y if upside_down else y
    return Wave(x, y, np.histogram(y, 20, (-3, 3))[0])


def build_wave(fig):
    left, right = fig.subplots(1, 2)
    left.set(xlim=(0, 10), ylim=(-3, 3), xlabel="time (s)", ylabel="height (m)")
    right.set(ylim=(0, 200), xlabel="height (m)")
    line = left.plot([], [], animated=True)[0]
    bars = right.stairs(np.zeros(20), np.linspace(-3, 3, 21), fill=True, animated=True)
    return line, bars


def draw_wave(artists, result):
    line, bars = artists
    line.set_data(result.x, result.y)
    bars.set_data(result.counts)


def describe_wave(result):
    return f"The largest value is {result.y.max():.3f}."


def wave_controls(frequency=1.0, amplitude=1.0, periods=2, shape="sine", upside_down=False):
    return {
        "frequency": number(frequency, 0.1, 10.0, 0.1, "frequency", "1/s"),
        "amplitude": number(amplitude, 0.01, 3.0, 0.1, "amplitude", log=True),
        "periods": number(periods, 1, 9, 1, "periods"),
        "shape": choice(shape, ["sine", "square"], "shape"),
        "upside_down": toggle(upside_down, "upside down"),
    }


def wave(compute=compute_wave, draw=draw_wave, describe=describe_wave, **values):
    return live(
        compute, build_wave, draw, describe, controls=wave_controls(**values), call="wave"
    )


# --- A demo with a slow record ------------------------------------------------------------------


def record_decay(*, steps=40, rate=0.1):
    path = [1.0]
    for step in range(steps):
        path.append(path[-1] * (1 - rate))
        if (yield (step + 1) / steps) == "stop":
            break
    return np.array(path)


def build_decay(fig):
    axes = fig.subplots()
    axes.set(xlim=(0, 100), ylim=(0, 5))
    return axes.plot([], [], animated=True)[0]


def compute_decay(*, record, frame, factor=1):
    return factor * record[: frame + 1]


def draw_decay(line, result):
    line.set_data(np.arange(len(result)), result)


def decay(record=record_decay, frame=None, factor=1, **slow):
    values = {"steps": 40, "rate": 0.1, **slow}
    return live(
        compute_decay, build_decay, draw_decay, lambda r: f"{len(r)} points", call="decay",
        controls={"factor": number(factor, 1, 5, 1, "factor")},
        slow={
            "steps": number(values["steps"], 1, 100, 1, "steps"),
            "rate": number(values["rate"], 0.0, 1.0, 0.01, "learning rate"),
        },
        record=record, frames=len, frame=frame, button="Train",
    )


def decay_without_a_choice():
    """A record that nothing can change: no slow controls, and so no button to press."""
    return live(
        compute_decay, build_decay, draw_decay, lambda r: f"{len(r)} points", call="decay",
        controls={"factor": number(1, 1, 5, 1, "factor")},
        record=lambda: record_decay(steps=40, rate=0.1), frames=len,
    )


@pytest.fixture(autouse=True)
def errors_are_raised(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    for fig in [w for w in living_widgets.values() if isinstance(w, LiveFigure)]:
        fig.close()


@pytest.fixture
def one_piece_a_tick(monkeypatch):
    """A tick does one piece of a job: tests then know where it stands."""
    monkeypatch.setattr(live_module, "CHUNK", 0.0)


def widget(fig, name):
    return next(panel.widgets[name] for panel in fig._panels() if name in panel.widgets)


def widgets_below(box):
    yield box
    for child in getattr(box, "children", ()):
        yield from widgets_below(child)


def tick(fig):
    fig._recording.ticks.value += 1


def press(fig, description):
    button = next(w for w in widgets_below(fig) if getattr(w, "description", "") == description)
    button.click()


def pixels(data):
    with PIL.Image.open(io.BytesIO(data)) as image:
        assert image.mode == "RGB"
        return np.asarray(image).astype(int)


def shown(fig):
    """The picture and what is written under it, as the browser gets them."""
    return fig._image.value, fig._notes.value


# --- A step -------------------------------------------------------------------------------------


def test_a_move_shows_what_compute_gives():
    fig = wave()
    widget(fig, "frequency").value = 2.5
    expected = compute_wave(frequency=2.5)
    line, bars = fig._picture.artists
    np.testing.assert_array_equal(line.get_xydata(), np.column_stack([expected.x, expected.y]))
    np.testing.assert_array_equal(bars.get_data().values, expected.counts)
    np.testing.assert_array_equal(fig.result.y, expected.y)
    assert fig.text == describe_wave(expected)
    assert fig.text in fig._notes.value


@pytest.mark.parametrize(
    ("name", "value"),
    [("frequency", 3.0), ("amplitude", 0.1), ("periods", 4), ("shape", "square"),
     ("upside_down", True)],
)
def test_every_kind_of_control_changes_the_picture(name, value):
    fig = wave()
    before = shown(fig)
    widget(fig, name).value = value
    assert fig.values[name] == value
    assert fig._image.value != before[0]
    assert fig._notes.value != before[1]


def test_a_blitted_picture_is_a_full_redraw():
    """At most 0.1 % of the pixels differ (where a curve crosses the frame, drawn before it)."""
    fig = wave()
    for value in (5.0, 1.7, 3.3):
        widget(fig, "frequency").value = value
    blitted = pixels(fig.png())
    for artist in fig._picture.artists:
        artist.set_animated(False)
    with rc():
        fig._picture.canvas.draw()
        fresh = pixels(live_module.png(fig._picture.canvas))
    assert np.mean(np.abs(blitted - fresh).max(axis=2) > 8) < 0.001


def test_the_same_setting_gives_the_same_picture_whatever_came_before():
    fig = wave()
    start = fig.png()
    for value in (5.0, 0.1, 1.0):
        widget(fig, "frequency").value = value
    assert fig.png() == start


def test_draw_returns_true_for_a_full_redraw():
    def draw(artists, result):
        artists[0].axes.set_xlim(0, limit)
        return full

    tick_labels = np.s_[-90:, :600]
    limit, full = 10, False
    fig = wave(draw=draw)
    before = pixels(fig.png())[tick_labels]
    limit = 40
    fig.set(frequency=1.1)
    assert (pixels(fig.png())[tick_labels] == before).all()  # the background was kept
    full = True
    fig.set(frequency=1.2)
    assert (pixels(fig.png())[tick_labels] != before).any()


def test_moving_artists_are_drawn_in_the_order_of_matplotlib():
    fig = figure()
    back, front = fig.subplots(1, 2)
    front.set_zorder(-1)  # axes too have an order
    high = back.plot([], [], animated=True, zorder=5)[0]
    low = back.plot([], [], animated=True, zorder=1)[0]
    first = front.text(0, 0, "", animated=True)
    back.plot([], [], animated=True, visible=False)
    front.plot([], [])
    inset = back.inset_axes((0, 0, 1, 1), zorder=3).plot([], [], animated=True)[0]
    title = fig.text(0, 0, "", animated=True, zorder=9)
    assert list(live_module.moving(fig)) == [first, low, inset, high, title]


def test_a_moving_line_is_clipped_at_the_axes():
    fig = wave(draw=lambda artists, result: artists[0].set_data([-5, 15], [-1, 1]))
    left = fig._picture.artists[0].axes.bbox
    blue = np.all(pixels(fig.png())[:, :630] == (0, 114, 178), axis=2)
    columns = np.flatnonzero(blue.any(axis=0))
    assert columns.size > 100
    assert left.x0 - 1 <= columns.min()
    assert columns.max() <= left.x1 + 1


def test_the_png_is_the_picture_on_the_canvas():
    fig = wave()
    fig.set(frequency=3.0)
    canvas = np.asarray(fig._picture.canvas.buffer_rgba())
    assert (canvas[..., 3] == 255).all()
    for data in (fig._image.value, fig.png()):
        np.testing.assert_array_equal(pixels(data), canvas[..., :3])
    assert len(fig.png()) < len(fig._image.value)


def written(renderer, x, y, text, **style):
    """The pixels (80, 200, 4) after a text has been written on a white sheet."""
    fig, sheet = Figure((2, 0.8), dpi=100), renderer(200, 80, 100)
    sheet.draw_image(sheet.new_gc(), 0, 0, np.full((80, 200, 4), 255, np.uint8))
    with rc():
        fig.text(x / 200, y / 80, text, **style).draw(sheet)
    return np.array(sheet.buffer_rgba()).astype(int)


def middle(ink):
    return (np.mgrid[:80, :200] * ink).sum((1, 2)) / ink.sum()


@pytest.mark.parametrize(
    "style",
    [
        {},
        {"color": (0.8, 0.2, 0.1), "alpha": 0.4, "ha": "right", "va": "top"},
        {"color": (0.1, 0.2, 0.9, 0.5), "size": 7.5},
        {"rotation": 90},
    ],
)
@pytest.mark.parametrize("text", ["fjgÅ WA 0.123", "$10^{-88}$ x", "two\nlines"])
def test_a_text_from_memory_looks_like_any_other(text, style):
    """The same ink, at the same place to half a pixel: ours start at whole ones."""
    kinds = live_module.Paper, RendererAgg
    ours, plain = (255 - written(kind, 100, 40, text, **style)[..., :3] for kind in kinds)
    assert plain.max() > 50
    np.testing.assert_allclose(ours.sum((0, 1)), plain.sum((0, 1)), rtol=0.03)
    np.testing.assert_allclose(middle(ours.sum(2)), middle(plain.sum(2)), rtol=0, atol=0.6)


def test_a_text_from_memory_moves_and_is_clipped(monkeypatch):
    fig = figure((2, 1))
    label = fig.text(0.2, 0.5, "moves")
    paper = live_module.Paper(300, 150, 150)
    with rc():
        label.draw(paper)
        first = np.array(paper.buffer_rgba())
        monkeypatch.setattr(RendererAgg, "draw_text", None)  # from now on it has to be memory
        for x, y, box, shown in ((60, 75, None, 1), (90, 45, None, 1), (90, 45, (0, 0, 0.1, 1), 0)):
            paper.clear()
            label.set_position((x / 300, y / 150))
            label.set_clip_box(box and TransformedBbox(Bbox.from_bounds(*box), fig.transFigure))
            label.set_clip_on(box is not None)
            label.draw(paper)
            expected = np.roll(first, (75 - y, x - 60), (0, 1)) * shown
            np.testing.assert_array_equal(np.array(paper.buffer_rgba())[..., 3], expected[..., 3])


def test_the_layout_is_solved_once():
    fig = wave()
    places = [axes.get_position().bounds for axes in fig._picture.figure.axes]
    fig._picture._background = None
    fig.set(frequency=2.0)
    assert [axes.get_position().bounds for axes in fig._picture.figure.axes] == places
    engine = fig._picture.figure.get_layout_engine()
    assert not isinstance(engine, ConstrainedLayoutEngine)


def test_one_set_is_one_step():
    calls = []

    def compute(**values):
        calls.append(values)
        return compute_wave(**values)

    fig = wave(compute)
    fig.set(frequency=2.0, amplitude=2.0, shape="square")
    assert len(calls) == 2
    assert fig.values == calls[-1]
    fig.set(frequency=2.0)
    assert len(calls) == 2  # shown already


def test_a_picture_of_our_size_that_shrinks_with_the_page():
    fig = wave()
    assert pixels(fig.png()).shape == (630, 1260, 3)
    layout = fig._image.layout
    assert (layout.width, layout.max_width, layout.height) == ("840px", "100%", "auto")


# --- Values as people write them ----------------------------------------------------------------


def test_floats_come_clean():
    fig = wave()
    fig.set(frequency=0.1 * 3, amplitude=10**-1.3)
    assert fig.values["frequency"] == 0.3
    assert fig.values["amplitude"] == 0.0501
    assert "frequency=0.3, amplitude=0.0501," in fig.experiment


def test_rounding_stays_within_the_range():
    control = number(1.0, 0.12345, 2.3456, 0.1, "x", log=True)
    assert control.clean(0.12345) == 0.12345
    assert control.clean(2.3456) == 2.3456


def test_a_logarithmic_slider_goes_over_numbers_as_people_write_them():
    assert number(1.0, 0.01, 10.0, 0.5, "x", log=True).ladder == [
        0.01, 0.0316, 0.1, 0.316, 1.0, 3.16, 10.0
    ]
    steps = number(10, 1, 3000, 0.25, "steps", log=True)
    assert steps.ladder[:5] == [1, 2, 3, 6, 10] and steps.ladder[-1] == 3000
    assert all(isinstance(value, int) for value in steps.ladder)
    assert steps.widget().options[-1] == ("3000", 3000)


def test_a_slider_goes_over_numbers_as_people_write_them():
    slider = number(0.1, 0.0, 0.6, 0.1, "x").widget()
    assert slider.options == (("0.0", 0.0), ("0.1", 0.1), ("0.2", 0.2), ("0.3", 0.3),
                              ("0.4", 0.4), ("0.5", 0.5), ("0.6", 0.6))
    assert number(0.05, 0.05, 0.4, 0.1, "x").ladder == [0.05, 0.15, 0.25, 0.35, 0.4]
    assert number(15, 0, 60, 15, "angle").ladder == [0, 15, 30, 45, 60]
    assert len(number(-1.0, -3.0, 3.0, 0.01, "x").ladder) == 601


@pytest.mark.parametrize(
    ("control", "value", "written"),
    [
        (number(0.1, 0.0, 1.0, 0.1, "x"), 0.15, "0.15"),
        (number(0.1, 0.0, 1.0, 0.1, "x"), 0.123456, "0.123456"),
        (number(1, 1, 11, 2, "x"), 4, "4"),
        (number(1.0, 0.1, 10.0, 0.1, "x", log=True), 0.3, "0.3"),
    ],
)
def test_a_value_between_two_steps_is_kept(control, value, written):
    """In the browser too (tests/browser): the slider has a place for it, until it moves away."""
    slider = control.widget()
    control.put(slider, value)
    assert (slider.value, slider.label) == (value, written)
    assert [x for _, x in slider.options] == sorted([*control.ladder, value])
    control.put(slider, control.value)
    assert [x for _, x in slider.options] == control.ladder


def test_the_experiment_reproduces_the_figure():
    fig = wave()
    fig.set(frequency=2.3, amplitude=0.7, shape="square", upside_down=True)
    again = eval(fig.experiment, {"wave": wave})
    assert again.png() == fig.png()
    assert again.text == fig.text


def test_numpy_values_are_written_as_plain_code():
    fig = wave()
    fig.set(frequency=np.float64(0.3), periods=np.int64(4))
    assert fig.experiment == (
        "wave(frequency=0.3, amplitude=1.0, periods=4, shape='sine', upside_down=False)"
    )


def test_a_call_may_have_first_arguments():
    fig = live(
        compute_wave, build_wave, draw_wave, describe_wave, call="explore(my_function, ",
        controls={"periods": number(1, 1, 9, 1, "periods")},
    )
    assert fig.experiment == "explore(my_function, periods=1)"


def test_reset_goes_back_to_the_opening_state():
    fig = wave(frequency=2.0)
    start, line = fig.png(), fig.experiment
    fig.set(frequency=3.0, shape="square", upside_down=True)
    press(fig, "Reset")
    assert fig.png() == start
    assert fig.experiment == line
    assert widget(fig, "shape").value == "sine"


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ({"frequency": 11}, ValueError, ["frequency", "11", "0.1", "10"]),
        ({"frequency": float("nan")}, ValueError, ["frequency", "nan"]),
        ({"frequency": "fast"}, TypeError, ["frequency", "'fast'"]),
        ({"periods": 1.5}, ValueError, ["periods", "whole number from 1 to 9", "1.5"]),
        ({"periods": 0}, ValueError, ["periods", "0", "1", "9"]),
        ({"amplitude": 0.001}, ValueError, ["amplitude", "0.001", "0.01"]),
        ({"shape": "sinus"}, ValueError, ["shape", "'sinus'", "'sine'", "'square'"]),
        ({"upside_down": 2}, TypeError, ["upside_down", "2", "True or False"]),
        ({"freqency": 1}, ValueError, ["freqency", "did you mean 'frequency'"]),
    ],
)
def test_a_wrong_value_is_named_with_its_range(values, error, words):
    fig = wave()
    before = fig.png()
    with pytest.raises(error) as caught:
        fig.set(**values)
    for word in words:
        assert word in str(caught.value)
    assert fig.png() == before
    assert fig.error == live_module.in_words(caught.value)
    fig.set(frequency=2.0)
    assert fig.error is None


def test_a_wrong_opening_value_is_an_error_at_once():
    with pytest.raises(ValueError, match="frequency must be .* from 0.1 to 10, got 12"):
        wave(frequency=12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((1, 3, 3, 1, "depth"), "'depth' must be below high"),
        ((1, 0, 3, 0, "depth"), "step of the slider 'depth'"),
        ((1.0, 0.0, 3.0, 1e-5, "depth"), "more than 10000 steps of 1e-05"),
        ((1, 0, 3, 0.1, "depth", "", True), "low of the logarithmic slider 'depth'"),
    ],
)
def test_a_slider_that_makes_no_sense_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        number(*arguments)


def test_choices_need_not_be_text():
    control = choice(0.5, {"half": 0.5, "whole": 1.0}, "part")
    assert control.check("part", 1.0) == 1.0
    with pytest.raises(ValueError, match="part must be one of 0.5, 1.0; got 2"):
        control.check("part", 2)


def test_labels_carry_the_unit_and_are_as_wide_as_the_widest():
    fig = decay()
    assert widget(wave(), "frequency").description == "frequency (1/s)"
    widths = {w.style.description_width for w in widgets_below(fig)
              if isinstance(w, widgets.SelectionSlider | widgets.IntSlider)}
    assert len(widths) == 1
    width = int(widths.pop().removesuffix("px"))
    assert 6 * len("learning rate") < width < 10 * len("learning rate")


def test_a_control_without_effect_is_grey():
    controls = wave_controls()
    controls["amplitude"] = number(1.0, 0.1, 3.0, 0.1, "amplitude", when={"shape": ["sine"]})
    fig = live(compute_wave, build_wave, draw_wave, describe_wave, controls=controls, call="wave")
    assert not widget(fig, "amplitude").disabled
    widget(fig, "shape").value = "square"
    assert widget(fig, "amplitude").disabled
    fig.reset()
    assert not widget(fig, "amplitude").disabled


def test_a_slow_control_may_grey_another():
    fig = live(
        compute_decay, build_decay, draw_decay, lambda r: "", call="decay", controls={},
        slow={"steps": number(2, 1, 9, 1, "steps"),
              "rate": number(0.1, 0.0, 1.0, 0.01, "rate", when={"steps": range(2, 10)})},
        record=record_decay, frames=len,
    )
    widget(fig, "steps").value = 1
    assert widget(fig, "rate").disabled


def test_the_readout_shows_all_digits_of_a_step():
    assert number(1.0, 0, 2, 0.05, "x").widget().label == "1.00"
    assert number(1.0, 0, 2, 0.5, "x").widget().label == "1.0"
    assert isinstance(number(1, 0, 2, 1, "x").widget(), widgets.IntSlider)


def test_every_pair_of_extremes():
    fig = wave()
    ends = {"frequency": (0.1, 9.0), "amplitude": (0.01, 3.0), "periods": (1, 9)}
    names = list(ends)
    for first in names:
        for second in names[names.index(first) + 1 :]:
            for a in ends[first]:
                for b in ends[second]:
                    fig.set(**{first: a, second: b})
                    assert fig.values[first] == a and fig.values[second] == b
        fig.reset()


# --- Errors -------------------------------------------------------------------------------------


def test_an_error_is_shown_beside_the_last_good_picture(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", False)
    fig = wave()
    widget(fig, "frequency").value = 5.0
    good, experiment, text = shown(fig), fig.experiment, fig.text
    widget(fig, "frequency").value = 9.5
    assert fig.error == "frequency must be at most 9, got 9.5"
    assert fig.error in fig._alarm.value
    assert (shown(fig), fig.experiment, fig.text) == (good, experiment, text)
    assert fig.values["frequency"] == 5.0
    widget(fig, "frequency").value = 5.0  # back to what is shown: all is well
    assert fig.error is None and fig._alarm.value == ""
    widget(fig, "frequency").value = 6.0
    assert fig.values["frequency"] == 6.0


def test_in_tests_the_same_error_is_raised():
    fig = wave()
    with pytest.raises(ValueError, match="at most 9"):
        widget(fig, "frequency").value = 9.5
    assert fig.error == "frequency must be at most 9, got 9.5"


def test_an_error_of_the_opening_state_is_raised(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", False)
    with pytest.raises(ValueError, match="at most 9"):
        wave(frequency=9.5)


def test_set_raises_what_compute_raises(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", False)
    with pytest.raises(ValueError, match="at most 9"):
        wave().set(frequency=9.5)


@pytest.mark.parametrize("broken", ["draw", "describe"])
def test_an_error_while_drawing_leaves_the_good_picture(broken, monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", False)

    def fail(*arguments):
        if armed:
            raise ZeroDivisionError("division by zero")
        return {"draw": draw_wave, "describe": describe_wave}[broken](*arguments)

    armed = False
    fig = wave(**{broken: fail})
    before = shown(fig), fig.png(), fig.values
    armed = True
    widget(fig, "frequency").value = 3.0
    assert fig.error == "ZeroDivisionError: division by zero"
    assert (shown(fig), fig.png(), fig.values) == before
    armed = False
    widget(fig, "frequency").value = 4.0
    assert fig.error is None and fig.values["frequency"] == 4.0


def test_text_is_escaped():
    fig = wave(describe=lambda result: '<script>alert("x")</script> & more')
    assert "<script>" not in fig._notes.value
    assert "&lt;script&gt;" in fig._notes.value
    named = live(
        compute_wave, build_wave, draw_wave, describe_wave, call="wave(<b>",
        controls={"periods": number(1, 1, 9, 1, "periods <i>")},
    )
    assert "<b>" not in named._notes.value
    assert not widget(named, "periods").description_allow_html
    with pytest.raises(ValueError, match="shape"):
        fig.set(shape="<img src=x onerror=alert(1)>")
    assert "<img" not in fig._alarm.value
    assert "&lt;img" in fig._alarm.value


# --- Without a kernel ---------------------------------------------------------------------------


def test_picture_and_text_stand_in_for_the_widget():
    fig = wave()
    fig.set(frequency=2.0)
    data, metadata = fig._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == fig.model_id
    assert base64.b64decode(data["image/png"]) == fig.png()
    assert (pixels(fig.png()) == pixels(fig._image.value)).all()
    assert data["text/plain"] == f"{fig.text}\n{fig.experiment}"
    assert metadata["image/png"] == {"alt": fig.text, "width": 840, "height": 420}
    assert not re.search(r"0x[0-9a-f]{6}", data["text/plain"])


def test_show_a_figure_that_stands_still():
    with rc():
        fig = figure((6, 3))
        axes = fig.subplots()
        axes.plot([0, 1], [0, 1], animated=True)
    still = show(fig, "A line from 0 to 1 <b>")
    data, metadata = still._repr_mimebundle_()
    assert data["text/plain"] == "A line from 0 to 1 <b>"
    assert metadata["image/png"] == {"alt": "A line from 0 to 1 <b>", "width": 600, "height": 300}
    picture = pixels(base64.b64decode(data["image/png"]))
    assert picture.shape == (450, 900, 3)
    assert np.all(picture == (0, 114, 178), axis=2).sum() > 500  # the line, animated or not


# --- Slow records -------------------------------------------------------------------------------


def test_the_opening_record_is_there_at_once():
    fig = decay()
    assert len(fig.record) == 41
    assert fig.values == {"steps": 40, "rate": 0.1, "factor": 1, "frame": 40}
    assert fig.experiment == "decay(steps=40, rate=0.1, factor=1, frame=40)"


def test_a_run_goes_on_with_the_ticks(one_piece_a_tick):
    fig = decay()
    before = shown(fig)
    widget(fig, "steps").value = 10
    assert fig._recording.status.value == "Press Train to use these settings."
    assert shown(fig) == before  # a slow control does nothing by itself
    press(fig, "Train")
    ticks, progress = fig._recording.ticks, fig._recording.progress
    assert ticks.playing and progress.value == pytest.approx(0.1)
    tick(fig)
    assert progress.value == pytest.approx(0.2) and fig._recording.status.value == "20%"
    for _ in range(9):
        tick(fig)
    assert not ticks.playing and fig._recording.job is None
    assert fig.values == {"steps": 10, "rate": 0.1, "factor": 1, "frame": 10}
    assert fig._recording.status.value == ""
    assert widget(fig, "frame").max == fig._replay.play.max == 10


def test_sliders_work_while_a_run_is_in_the_making(one_piece_a_tick):
    fig = decay()
    widget(fig, "steps").value = 10
    fig._recording.start()
    widget(fig, "factor").value = 3
    widget(fig, "steps").value = 20  # for the next run: this one goes on as it was started
    assert fig.values == {"steps": 40, "rate": 0.1, "factor": 3, "frame": 40}
    while fig._recording.job:
        tick(fig)
    assert fig.values == {"steps": 10, "rate": 0.1, "factor": 3, "frame": 10}
    assert fig._recording.status.value == "Press Train to use these settings."


def test_stop_keeps_the_result_so_far(one_piece_a_tick):
    fig = decay()
    fig._recording.start()
    tick(fig)
    press(fig, "Stop")
    assert len(fig.record) == 3  # the opening value and one for each piece of work
    assert fig.values["frame"] == 2
    assert fig.experiment.endswith("frame=2)  # stopped at 5%")
    assert fig._recording.status.value == "Stopped at 5%: the result so far."
    assert not fig._recording.ticks.playing
    tick(fig)  # a tick that was on its way
    assert len(fig.record) == 3
    press(fig, "Train")
    assert fig._recording.progress.value == pytest.approx(1 / 40)


def ahead_decay(steps=40, factor=1, frame=None):
    """Shows the length of the record, and the steps that the slider asks for."""
    return live(
        lambda *, record, frame, steps, factor: np.full(len(record), factor * steps / 100),
        build_decay, draw_decay, lambda r: f"{len(r)} points at {r[0]:g}", call="ahead_decay",
        controls={"factor": number(factor, 1, 5, 1, "factor")},
        slow={"steps": number(steps, 1, 100, 1, "steps")},
        record=lambda *, steps: record_decay(steps=steps), frames=len, frame=frame,
        button="Train", ahead=True,
    )  # fmt: skip


def test_with_ahead_the_picture_follows_slow_controls_before_the_run(one_piece_a_tick):
    fig = ahead_decay()
    before = shown(fig)
    widget(fig, "steps").value = 10
    assert fig.text == "41 points at 0.1" and shown(fig) != before
    assert fig._recording.status.value == "Press Train to use these settings."
    assert fig.values == {"steps": 10, "factor": 1, "frame": 40}
    press(fig, "Train")
    widget(fig, "steps").value = 20
    assert fig.text == "41 points at 0.2"
    while fig._recording.job:
        tick(fig)
    assert fig.text == "11 points at 0.2" and fig.values["frame"] == 10
    fig.reset()
    assert fig.text == "41 points at 0.4" and shown(fig) == before
    fig.set(steps=7, factor=2)
    assert fig.text == "8 points at 0.14"
    again = eval(fig.experiment, {"ahead_decay": ahead_decay})
    assert again.text == fig.text and shown(again) == shown(fig)


def test_a_second_start_does_not_make_two_runs(one_piece_a_tick):
    started = []

    def record(**values):
        started.append(values)
        return (yield from record_decay(**values))

    fig = decay(record)
    fig._recording.start()
    fig._recording.start()
    tick(fig)
    assert len(started) == 2  # the opening one and this one
    assert fig._recording.progress.value == pytest.approx(2 / 40)


def test_a_record_that_does_not_hear_stop_is_closed(one_piece_a_tick):
    closed = []

    def record(**_):
        try:
            for step in range(10):
                yield step / 10
        finally:
            closed.append(True)
        return np.ones(3)

    fig = decay(record)
    fig._recording.start()
    fig._recording.stop()
    assert closed == [True, True] and fig._recording.job is None
    assert len(fig.record) == 3 and "the run before" in fig._recording.status.value


def test_an_error_in_a_run_is_shown_and_the_last_record_stays(monkeypatch, one_piece_a_tick):
    monkeypatch.setattr(LiveFigure, "raise_errors", False)

    def record(*, steps, rate):
        yield 0.5
        if rate > 0.5:
            raise ValueError(f"rate must be at most 0.5, got {rate}")
        return np.ones(steps)

    fig = decay(record)
    before = shown(fig)
    widget(fig, "rate").value = 0.6
    press(fig, "Train")
    tick(fig)
    assert fig.error == "rate must be at most 0.5, got 0.6"
    assert shown(fig) == before
    assert fig._recording.job is None and not fig._recording.ticks.playing
    widget(fig, "rate").value = 0.5
    press(fig, "Train")
    tick(fig)
    assert fig.error is None and fig.values["rate"] == 0.5


def test_an_interrupted_kernel_ends_the_run(one_piece_a_tick):
    def record(**_):
        if armed:
            raise KeyboardInterrupt
        yield 0.5
        return np.ones(3)

    armed = False
    fig = decay(record)
    armed = True
    with pytest.raises(KeyboardInterrupt):
        fig._recording.start()
    assert fig._recording.job is None
    armed = False
    fig._recording.start()
    assert fig._recording.job is not None


def test_a_chunk_is_short():
    def record(*, rate, **_):
        while rate > 0.1:
            time.sleep(0.01)
            if (yield 0.5) == "stop":
                break
        return np.ones(3)

    fig = decay(record)
    widget(fig, "rate").value = 0.2
    start = time.perf_counter()
    fig._recording.start()
    assert 0.1 < time.perf_counter() - start < 0.6  # 0.2 s and a busy machine
    fig._recording.stop()


def test_set_from_code_makes_the_record_at_once():
    fig = decay()
    fig.set(steps=7, frame=3, factor=2)
    assert fig.values == {"steps": 7, "rate": 0.1, "factor": 2, "frame": 3}
    assert len(fig.record) == 8 and len(fig.result) == 4
    with pytest.raises(ValueError, match="frame must be a whole number from 0 to 7, got 8"):
        fig.set(frame=8)
    again = eval(fig.experiment, {"decay": decay})
    assert again.png() == fig.png()


def test_reset_brings_the_opening_record_back():
    started = []

    def record(**values):
        started.append(values)
        return (yield from record_decay(**values))

    fig = decay(record, frame=5)
    start, line = fig.png(), fig.experiment
    fig.set(steps=7)
    fig.reset()
    assert fig.png() == start and fig.experiment == line
    assert widget(fig, "steps").value == 40
    assert len(started) == 2  # kept, not made again


def test_reset_ends_a_run(one_piece_a_tick):
    fig = decay()
    fig._recording.start()
    press(fig, "Reset")
    assert fig._recording.job is None and fig.values["frame"] == 40
    assert "stopped" not in fig.experiment


def test_play_and_frame_slider_are_one():
    fig = decay(frame=5)
    assert fig.values["frame"] == 5
    link = fig._replay.link
    assert link.source == (fig._replay.play, "value")
    assert link.target == (widget(fig, "frame"), "value")
    widget(fig, "frame").value = 12
    assert len(fig.result) == 13


# --- A slow step --------------------------------------------------------------------------------


def test_a_slow_figure_follows_when_the_slider_is_let_go(monkeypatch):
    def compute(**values):
        classes.append("live-busy" in fig._dom_classes if fig else False)
        time.sleep(pause)
        return compute_wave(**values)

    monkeypatch.setattr(live_module, "SLOW_STEP", 0.15)
    classes, fig, pause = [], None, 0.0
    fig = wave(compute)
    slider, pause = widget(fig, "frequency"), 0.2
    slider.value = 2.0
    assert slider.continuous_update  # once may be an accident
    slider.value = 3.0
    assert not slider.continuous_update
    pause = 0.0
    slider.value = 4.0
    assert slider.continuous_update
    assert classes == [False, False, True, True] and "live-busy" not in fig._dom_classes


# --- Threads and memory -------------------------------------------------------------------------


def test_moves_that_waited_are_not_drawn_twice():
    calls = []

    def compute(**values):
        calls.append(values["frequency"])
        return compute_wave(**values)

    fig = wave(compute)
    slider = widget(fig, "frequency")
    with live_module.DRAWING:  # as if a cell were drawing
        threads = [
            threading.Thread(target=setattr, args=(slider, "value", value))
            for value in (2.0, 3.0, 4.0)
        ]
        for thread in threads:
            thread.start()
            time.sleep(0.05)
    for thread in threads:
        thread.join(10)
    assert calls == [1.0, slider.value]
    assert fig.values["frequency"] == slider.value


def test_two_threads_give_right_pictures():
    """A cell that sets one figure and makes others, while the slider of the first is moved."""
    fig, errors = wave(), []

    def slide():
        try:
            for i in range(1, 41):
                widget(fig, "frequency").value = i / 10
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=slide)
    thread.start()
    made = []
    while thread.is_alive():
        fig.set(shape="square" if len(made) % 2 else "sine")
        other = wave(amplitude=2.0)
        made.append(other.png())
        other.close()
    thread.join()
    assert errors == [] and len(set(made)) == 1 and made[0] == wave(amplitude=2.0).png()
    fig.set(frequency=8.0)
    assert fig.png() == eval(fig.experiment, {"wave": wave}).png()


def test_two_hundred_moves_leave_no_trace():
    fig = wave()
    memory = psutil.Process().memory_info
    for i in range(50):
        widget(fig, "frequency").value = (i % 80 + 1) / 10
    gc.collect()
    before, alive = memory().rss, len(living_widgets)
    for i in range(200):
        widget(fig, "frequency").value = (i % 80 + 1) / 10
    gc.collect()
    assert memory().rss - before < 5e6
    assert len(living_widgets) == alive
    assert fig.values["frequency"] == 4.0


def test_no_pyplot_figure_and_no_changed_settings():
    settings = dict(matplotlib.rcParams)
    fig = wave()
    fig.set(frequency=2.0)
    assert dict(matplotlib.rcParams) == settings
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


@pytest.mark.parametrize("make", [decay, decay_without_a_choice])
def test_close_frees_the_figure_and_all_its_widgets(make):
    gc.collect()
    before = set(living_widgets)
    fig = make()
    trace = weakref.ref(fig._picture.figure)
    fig.close()
    gc.collect()
    assert set(living_widgets) == before
    assert trace() is None
    with pytest.raises(RuntimeError, match="run the cell"):
        fig.set(factor=2)


def test_a_cell_that_is_run_again_frees_its_figures(monkeypatch):
    monkeypatch.setattr(live_module, "_IN_CELL", {})
    cell = ["a", "first run"]
    monkeypatch.setattr(live_module, "_cell", lambda: tuple(cell))
    old, twin = wave(), wave()
    cell[0] = "b"
    other = wave()
    cell[:] = ["a", "second run"]
    new = wave()
    assert [fig._picture is None for fig in (old, twin, other, new)] == [True, True, False, False]


def test_outside_a_notebook_nothing_is_closed():
    assert live_module._cell() == (None, None)
    first, second = wave(), wave()
    assert first._picture is not None and second._picture is not None
