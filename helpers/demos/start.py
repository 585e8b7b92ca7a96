"""The set-up check of notebook 00: one slider, one curve, one number that must follow."""

from typing import NamedTuple

import numpy as np

from helpers import style
from helpers.activations import leaky_relu
from helpers.checks import real
from helpers.live import live, number

SPAN = 3.0  # the curve is drawn for z from -SPAN to SPAN
SLOPES = (-1.0, 1.0)  # what the slider offers; leaky_relu itself takes any finite slope


class OneSlider(NamedTuple):
    """A leaky ReLU on a grid, and its value at z = -2, where the slope can be read off."""

    slope: float
    z: np.ndarray
    a: np.ndarray
    at_minus_two: float


def compute_one_slider(*, slope=0.1):
    """Return the curve of the leaky ReLU with the given slope (-1 to 1) below zero."""
    slope = real("slope", slope, *SLOPES)
    act = leaky_relu(slope)
    z = np.linspace(-SPAN, SPAN, 121)
    return OneSlider(slope, z, act.f(z), float(act.f(-2.0)))


def build_one_slider(fig):
    """Make the axes once; only the curve, the dot and its label move afterwards."""
    ax = fig.subplots()
    ax.set(xlim=(-SPAN, SPAN), ylim=(-SPAN, SPAN), xlabel="pre-activation z", ylabel="activation a")
    ax.axhline(0, color="0.8", lw=1)
    ax.axvline(0, color="0.8", lw=1)
    (curve,) = ax.plot([], [], animated=True, lw=3, **style.look("leaky_relu"))
    (dot,) = ax.plot([], [], "o", ms=9, color="black", animated=True)
    label = ax.text(0, 0, "", ha="center", va="bottom", animated=True)
    return {"curve": curve, "dot": dot, "label": label}


def draw_one_slider(artists, result):
    """Move the curve, and the dot at z = -2 with its value."""
    artists["curve"].set_data(result.z, result.a)
    artists["dot"].set_data([-2.0], [result.at_minus_two])
    artists["label"].set_position((-2.0, result.at_minus_two + 0.5))
    artists["label"].set_text(f"f(-2) = {result.at_minus_two:.2f}")


def describe_one_slider(result):
    """The figure in words, with its numbers."""
    return (
        f"A line with slope 1 for positive z and slope {result.slope:g} for negative z; "
        f"at z = -2 the activation is {result.at_minus_two:.2f}."
    )


def one_slider(slope=0.1):
    """Show the set-up check: the slope slider bends a leaky ReLU below zero."""
    return live(
        compute_one_slider,
        build_one_slider,
        draw_one_slider,
        describe_one_slider,
        controls={"slope": number(slope, *SLOPES, 0.05, "slope below zero")},
        call="start.one_slider",
        size=(7.0, 3.6),
    )
