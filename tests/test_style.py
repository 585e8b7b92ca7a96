"""Looks: one look per activation, text that can be read, labels that do not overlap."""

import itertools
import threading
import warnings

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from helpers import style
from helpers.activations import ACTIVATIONS

OKABE_ITO = {"#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}


def test_every_activation_has_a_look_of_its_own():
    looks = {name: style.look(name) for name in ACTIVATIONS}
    assert len({(look["color"], look["linestyle"]) for look in looks.values()}) == len(looks)
    own = style.look("my_function")
    assert own not in looks.values()
    assert {look["color"] for look in looks.values()} <= OKABE_ITO


def test_line_and_dots_of_an_activation_have_one_colour():
    for name in ACTIVATIONS:
        assert style.marker(name)["color"] == style.look(name)["color"]
    assert len({style.marker(name)["marker"] for name in ACTIVATIONS}) == len(ACTIVATIONS)


@pytest.mark.parametrize(
    ("one", "other"),
    [("relu", "ReLU"), ("leaky_relu", "leaky_relu(0.2)"), ("leaky_relu", "Leaky ReLU"),
     ("elu", "elu(alpha=2)"), ("relu", ACTIVATIONS["relu"])],
)
def test_the_look_goes_by_the_name(one, other):
    assert style.look(one) == style.look(other)


def test_lines_can_be_seen_on_white():
    for name in ACTIVATIONS:
        assert style._contrast(np.array(to_rgb(style.look(name)["color"]))) > 2.0


def test_text_has_enough_contrast():
    assert style._contrast(np.zeros(3)) == pytest.approx(21)
    assert style._contrast(np.array(to_rgb("#767676"))) == pytest.approx(4.54, abs=0.01)  # known
    for text in (style.INK, style.GREY):
        assert style.readable(text) == text.lower()
    for color in OKABE_ITO:
        assert style._contrast(np.array(to_rgb(style.readable(color)))) >= 4.5 - 0.05


def test_text_can_be_read_from_the_last_row():
    sizes = [value for name, value in style.RC.items() if name.endswith("size")]
    assert len(sizes) >= 7
    assert min(sizes) >= 11


def test_the_style_is_in_force_inside_and_gone_outside():
    before = dict(matplotlib.rcParams)
    with style.rc():
        assert matplotlib.rcParams["font.family"] == ["DejaVu Sans"]
        assert matplotlib.rcParams["axes.spines.top"] is False
    assert dict(matplotlib.rcParams) == before


def test_the_style_holds_the_lock():
    """Settings belong to the process: another thread waits, the same one may come in again."""
    with style.rc(), style.rc():
        free = []
        thread = threading.Thread(target=lambda: free.append(style.DRAWING.acquire(blocking=False)))
        thread.start()
        thread.join()
    assert free == [False]


def test_a_figure_is_a_white_sheet_of_its_size():
    fig = style.figure((6, 3))
    assert tuple(fig.get_size_inches()) == (6, 3)
    assert to_rgb(fig.get_facecolor()) == (1, 1, 1)
    assert fig.dpi == style.DPI


def test_minus_signs_and_greek_letters_are_in_the_font():
    fig = style.figure((4, 2))
    with style.rc(), warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns about a missing letter
        title = r"−1 ± σ² → ∞ · ≤ ≥ × é $\alpha\,\max(z, 0)$"
        fig.subplots().set(xlim=(-3, 3), title=title)
        FigureCanvasAgg(fig).draw()


@given(
    st.lists(st.floats(-5, 5), max_size=8),
    st.floats(0.01, 2),
    st.sampled_from([(-np.inf, np.inf), (-6.0, 6.0), (0.0, 1.0)]),
)
def test_spread_keeps_the_distance_the_order_and_the_range(places, gap, limits):
    low, high = limits
    moved = style.spread(places, gap, low, high)
    assert moved.shape == (len(places),)
    order = np.argsort(places, kind="stable")
    room = min(gap, (high - low) / max(len(places) - 1, 1))
    assert (np.diff(moved[order]) >= room - 1e-9).all()
    assert ((moved >= low - 1e-9) & (moved <= high + 1e-9)).all()


def test_spread_moves_as_little_as_possible():
    np.testing.assert_allclose(style.spread([0, 5, 9], 1), [0, 5, 9])
    np.testing.assert_allclose(style.spread([2, 2], 1), [1.5, 2.5])
    np.testing.assert_allclose(style.spread([2.0, 1.8, 7], 1), [2.4, 1.4, 7])
    np.testing.assert_allclose(style.spread([0.95, 1.0], 0.1, 0, 1), [0.9, 1.0])


def labelled_axes(heights, **limits):
    fig = style.figure((6, 3))
    with style.rc():
        axes = fig.subplots()
        axes.set(**{"xlim": (0, 1), "ylim": (0, 1), **limits})
        texts = style.direct_labels(
            axes, ["ReLU", "tanh", "sigmoid"], heights, [style.BLUE, style.GREEN, style.ORANGE]
        )
        canvas = FigureCanvasAgg(fig)
        canvas.draw()
        style.place_labels(axes, texts, heights)
        canvas.draw()
        return axes, texts, [text.get_window_extent(canvas.get_renderer()) for text in texts]


@pytest.mark.parametrize(
    "heights", [(0.5, 0.5, 0.5), (0.0, 0.01, 0.02), (1.0, 0.99, 5.0), (np.nan, np.inf, -np.inf)]
)
def test_direct_labels_do_not_overlap(heights):
    axes, _, boxes = labelled_axes(heights)
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    for box in boxes:
        assert box.x0 > axes.bbox.x1
        assert box.x1 < axes.figure.bbox.x1  # not cut off


def test_a_direct_label_stands_at_its_height():
    axes, texts, _ = labelled_axes((0.1, 0.5, 0.9))
    np.testing.assert_allclose([text.get_position()[1] for text in texts], [0.1, 0.5, 0.9])
    axes.set_ylim(0, 10)
    style.place_labels(axes, texts, (9, 5, 1))
    np.testing.assert_allclose([text.get_position()[1] for text in texts], [0.9, 0.5, 0.1])


def test_direct_labels_on_log_axes():
    limits = {"xscale": "log", "yscale": "log", "xlim": (1, 100), "ylim": (1e-4, 1)}
    _, texts, _ = labelled_axes((1e-2, 0.0, 1.0), **limits)
    assert [text.get_position()[1] for text in texts] == pytest.approx([0.5, 0.0, 1.0])


def test_a_moving_text_stands_in_the_line_of_the_title():
    fig = style.figure()
    with style.rc():
        ax = fig.subplots()
        title = ax.set_title("two lines\nerror:")
        moving = style.beside_title(ax, 0.5)
        moving.set_text("0.25")
        canvas = FigureCanvasAgg(fig)
        canvas.draw()
        renderer = canvas.get_renderer()
        box, beside = title.get_window_extent(renderer), moving.get_window_extent(renderer)
    assert moving.get_animated()
    assert beside.x0 > box.x1
    assert abs(beside.y0 - box.y0) < 5  # letters below the line differ between the two texts
    assert moving.get_fontsize() == title.get_fontsize()


def test_a_title_that_stays_needs_no_redraw():
    ax = style.figure().subplots()
    with style.rc():
        assert [style.retitle(ax, words) for words in ("a", "a", "b", "b")] == [True, False] * 2
    assert ax.get_title(loc="left") == "b"
