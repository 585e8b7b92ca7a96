"""How our figures look: colours, line styles, fonts, and labels that do not overlap.

Colours are the eight of Okabe and Ito ("Color Universal Design", 2008), which people with any of
the common colour deficiencies can tell apart. An activation has the same colour *and* the same line
style in every figure of the course, so that it can be recognised in print and by everybody.

Sizes are given for a figure that is shown with 100 screen pixels per inch (see helpers.live): then
11 pt in the figure are 15 pixels on the screen.
"""

import threading
from contextlib import contextmanager

import matplotlib
import numpy as np
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
INK, GREY = "#222222", "#767676"

# Theory is a thin dark line, measurement is dots (or a band over seeds, see `band`).
THEORY = {"color": INK, "linewidth": 1.2, "linestyle": "-"}
MEASURED = {"linestyle": "none", "marker": "o", "markersize": 5, "markeredgewidth": 0}

_DASH, _DOT, _DASHDOT = (0, (5, 2)), (0, (1.2, 1.6)), (0, (6, 2, 1.2, 2))
_LOOKS = {
    "identity": (PURPLE, _DASHDOT, "D"),
    "affine": (PURPLE, _DOT, "H"),
    "step": (BLACK, _DASH, "s"),
    "sigmoid": (ORANGE, "-", "v"),
    "tanh": (VERMILLION, "-", "^"),
    "relu": (BLUE, "-", "o"),
    "leaky_relu": (SKY, _DASH, "d"),
    "abs": (GREEN, "-", "X"),
    "softplus": (GREEN, _DASH, "P"),
    "elu": (VERMILLION, _DASH, "<"),
    "selu": (ORANGE, _DASHDOT, ">"),
    "gelu": (BLUE, _DASHDOT, "p"),
    "silu": (PURPLE, "-", "h"),
    "swish": (PURPLE, "-", "h"),
    "mish": (SKY, _DOT, "*"),
}
_OWN = (INK, "-", "s")  # a function that is not ours: the learner's own

RC = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same letters on every system
    "mathtext.fontset": "dejavusans",
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.labelsize": 11,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.fontsize": 11,
    "figure.titlesize": 13,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.facecolor": "white",  # also in the dark theme: a figure is a sheet of paper
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 6.0,
    "axes.titleweight": "normal",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.8,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "axes.prop_cycle": matplotlib.cycler(
        color=[BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK]
    ),
}

# matplotlib's settings and font cache belong to the whole process, and JupyterLab runs the callback
# of a slider in another thread than the cells: whoever builds or draws a figure holds this lock.
DRAWING = threading.RLock()
DPI = 150  # 1.5 dots per screen pixel (a figure is 100 pixels per inch): sharp on most screens


@contextmanager
def rc():
    """Our style, and the right to draw: `with rc(): ...` while a figure is built or drawn."""
    with DRAWING, matplotlib.rc_context(RC):
        yield


def figure(size=(8.4, 4.2)):
    """An empty Figure of `size` inches in our style, not known to pyplot.

    One inch is 100 pixels on the screen. Axes take their style when they are made: make them
    inside `with rc():` (the demos' `build` functions are called that way).
    """
    with rc():
        return Figure(figsize=size, dpi=DPI, layout="constrained")


def look(activation):
    """Keyword arguments for `ax.plot`: the colour and line style of an activation everywhere.

    `activation` is a name ("relu", "leaky_relu(0.2)": the arguments do not matter) or a record with
    a `name`. A name we do not know is the learner's own function and is drawn in dark ink.
    """
    color, linestyle, _ = _LOOKS.get(_key(activation), _OWN)
    return {"color": color, "linestyle": linestyle}


def marker(activation):
    """Keyword arguments for dots: the colour and marker of an activation everywhere."""
    color, _, shape = _LOOKS.get(_key(activation), _OWN)
    return {**MEASURED, "color": color, "marker": shape}


def band(color):
    """Keyword arguments for `ax.fill_between`: the spread over seeds around a line of `color`."""
    return {"color": color, "alpha": 0.2, "linewidth": 0}


def readable(color, contrast=4.5):
    """The colour for text: dark enough to be read on white (WCAG 2.1 asks for a contrast of 4.5).

    Orange and sky blue are fine for lines, but not for letters.
    """
    rgb = np.array(to_rgb(color))
    while _contrast(rgb) < contrast:
        rgb = rgb * 0.95
    return to_hex(rgb)


def _contrast(rgb):
    """Contrast of a colour with white as WCAG 2.1 defines it: 1 for white, 21 for black."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return 1.05 / (linear @ (0.2126, 0.7152, 0.0722) + 0.05)


def _key(activation):
    name = str(getattr(activation, "name", activation))
    return name.split("(")[0].strip().lower().replace(" ", "_").replace("-", "_")


def spread(places, gap, low=-np.inf, high=np.inf):
    """Move `places` apart, as little as possible, until neighbours are at least `gap` apart.

    The squared distance moved is the smallest possible; the order stays. Between `low` and `high`
    if there is room for all of them, else evenly over that range. Returns an array like `places`.
    """
    places = np.asarray(places, dtype=float)
    steps = gap * np.arange(places.size)
    if steps.size and steps[-1] > high - low:
        steps, low, high = np.linspace(0, high - low, places.size), low, low
    else:
        high = high - (steps[-1] if steps.size else 0)
    order = np.argsort(places, kind="stable")
    spaced = np.clip(_nondecreasing(places[order] - steps), low, high) + steps
    moved = np.empty_like(places)
    moved[order] = spaced
    return moved


def _nondecreasing(values):
    """The nondecreasing sequence nearest to `values` (pool adjacent violators)."""
    means, counts = [], []
    for value in values:
        means.append(float(value))
        counts.append(1)
        while len(means) > 1 and means[-2] > means[-1]:
            total = counts[-2] + counts[-1]
            means[-2:] = [(means[-2] * counts[-2] + means[-1] * counts[-1]) / total]
            counts[-2:] = [total]
    return np.repeat(means, counts)


def retitle(ax, words):
    """Set the title, which stands still; True if it was another, so all has to be drawn again."""
    if ax.get_title(loc="left") == words:
        return False
    ax.set_title(words)
    return True


def beside_title(ax, x=0.0):
    """A text that may change with every step, in the (last) line of the title, `x` axes widths in.

    Keep it short: drawing costs about 0.1 ms per letter. Words that stay belong to the title.
    """
    return ax.annotate(
        "", (x, 1), (0, RC["axes.titlepad"]), xycoords="axes fraction",
        textcoords="offset points", size=RC["axes.titlesize"], animated=True,
    )  # fmt: skip


def direct_labels(ax, names, heights, colors, animated=False):
    """Write each name in its colour just right of the axes, at its height (data coordinates).

    The usual place for the names of curves: `heights` are the curves' last values. Returns the
    texts; when the curves move, hand them to `place_labels` with the new heights.
    """
    texts = [
        ax.text(1.01, 0.5, name, color=readable(color), transform=ax.transAxes, va="center",
                animated=animated)
        for name, color in zip(names, colors, strict=True)
    ]
    place_labels(ax, texts, heights)
    return texts


def place_labels(ax, texts, heights):
    """Move the texts of `direct_labels` to new heights (data coordinates) without overlap.

    A height outside the axes, or one that is not finite, gives a label at the nearer edge.
    """
    left = np.full(len(texts), ax.get_xlim()[0])
    pixels = ax.transData.transform(np.column_stack([left, _drawable(ax, heights)]))
    places = np.clip(ax.transAxes.inverted().transform(pixels)[:, 1], 0, 1)
    line = texts[0].get_fontsize() * 1.25 / 72 * ax.figure.dpi / ax.bbox.height
    for text, place in zip(texts, spread(places, line, 0, 1), strict=True):
        text.set_y(place)


def _drawable(ax, heights):
    """`heights` within the limits of the y axis: a log axis cannot show 0, no axis infinity."""
    low, high = sorted(ax.get_ylim())
    return np.clip(np.nan_to_num(heights, nan=low, posinf=high, neginf=low), low, high)
