"""Outlines in the plane: exact for what is linear, whole where there is nothing to outline."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers import plane

AXIS = np.linspace(-1, 1, 21)
PLACES = plane.grid(AXIS)


def test_a_linear_map_is_cut_exactly():
    values = (PLACES @ [2.0, 1.0] - 0.5).reshape(21, 21)
    points = plane.line(AXIS, values, 0.25)
    np.testing.assert_allclose(points @ [2.0, 1.0] - 0.5, 0.25, atol=1e-12)
    assert len(points) > 10


def test_regions_lie_above_their_levels_and_in_each_other():
    values = -np.hypot(*PLACES.T).reshape(21, 21)
    sizes = [np.ptp(points[:, 0]) for points, _ in plane.regions(AXIS, values, (-0.8, -0.5, -0.2))]
    np.testing.assert_allclose(sizes, [1.6, 1.0, 0.4], atol=0.05)
    (points, _), = plane.regions(AXIS, values, (1.0,))
    assert points.shape == (0, 2) and plane.line(AXIS, values, 1.0).shape == (0, 2)


def test_lines_are_joined_with_gaps():
    joined = plane.joined([np.ones((2, 2)), np.empty((0, 2)), np.zeros((1, 2))])
    assert np.isnan(joined[:, 0]).tolist() == [False, False, True, True, False, True]


def test_what_is_not_finite_is_cut():
    got = plane.finite(np.array([np.nan, np.inf, -np.inf, 3.0]))
    assert got.tolist() == [0, plane.HUGE, -plane.HUGE, 3]


def test_patches_take_their_outlines():
    patches = plane.patches(Figure().add_subplot())
    regions = plane.regions(AXIS, PLACES[:, 0].reshape(21, 21), (-0.5, 0.0, 0.5))
    plane.move(patches, regions)
    assert len(patches) == len(plane.TINTS) - 1
    for patch, (points, _) in zip(patches, regions, strict=True):
        np.testing.assert_array_equal(patch.get_path().vertices, points)
    with pytest.raises(ValueError):
        plane.move(patches, regions[:1])
