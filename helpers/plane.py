"""What a net says about every place of the plane, as outlines that can be drawn.

A map holds one value per place of a square grid, values (axis, axis) at (x1, x2) = (axis[j],
axis[i]); `grid(axis)` lists the places in that order. Outlines are cut where the value crosses a
level, straight between two places: exact for a linear net.
"""

from math import log

import numpy as np
from contourpy import FillType, LineType, contour_generator
from matplotlib.patches import PathPatch
from matplotlib.path import Path

LEVELS = (-log(9), 0.0, log(9))  # logits at which class 1 has probability 0.1, 0.5 and 0.9
HUGE = 1e30  # values beyond are cut: the contours need finite numbers
TINTS = ("#8FC1E3", "#D3E7F4", "#FBE9C2", "#F2C873")  # class 0 for sure, class 0, 1, 1 for sure


def grid(axis):
    """The places (axis.size^2, 2) of a square grid, x1 running fastest."""
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def finite(values):
    """The values as contours need them: NaN is 0, what is beyond +-HUGE is cut."""
    return np.clip(np.nan_to_num(values), -HUGE, HUGE)


def line(axis, values, level=0.0):
    """Where `values` equals the level: points (n, 2), NaN between two lines."""
    contours = contour_generator(axis, axis, values, line_type=LineType.ChunkCombinedNan)
    points = contours.lines(level)[0][0]
    return np.empty((0, 2)) if points is None else points


def joined(lines):
    """Several lines as one, with NaN between."""
    gap = np.full((1, 2), np.nan)
    return np.concatenate([part for line in lines for part in (line, gap)])


def regions(axis, values, levels=LEVELS):
    """For each level the outline (points (n, 2), codes (n,)) of the places above it."""
    contours = contour_generator(axis, axis, values, fill_type=FillType.ChunkCombinedCode)
    return [_outline(*contours.filled(level, 2 * HUGE)) for level in levels]


def _outline(points, codes):
    if points[0] is None:
        return np.empty((0, 2)), np.empty(0, np.uint8)
    return points[0], codes[0]


def patches(ax, tints=TINTS):
    """Moving patches for `regions`, one for each tint but the first: that is the background."""
    ax.set_facecolor(tints[0])
    empty = Path(np.empty((0, 2)))
    return [ax.add_patch(PathPatch(empty, fc=tint, lw=0, animated=True)) for tint in tints[1:]]


def move(patches, regions):
    """Give the patches new outlines."""
    for patch, outline in zip(patches, regions, strict=True):
        patch.set_path(Path(*outline))
