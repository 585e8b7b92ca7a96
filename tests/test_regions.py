"""Regions: exact counts against other exact counts, and every piece against the net itself."""

import math
from itertools import combinations, product

import numpy as np
import pytest

from helpers.network import Net
from helpers.regions import (
    active_units,
    breakpoints,
    breakpoints_per_unit,
    line_regions,
    local_map,
    montufar_bound,
    split_plane,
    typical_regions,
    zaslavsky,
)
from helpers.theory import sawtooth_layers

SEED = 2600


def net_and_theta(*sizes, seed=SEED, bias=0.5):
    net = Net(sizes)
    return net, net.init(np.random.default_rng(seed), "he", bias=bias)


def random_lines(n, seed, bias=1.0):
    rng = np.random.default_rng([SEED, seed, n])
    return rng.standard_normal((2, n)), bias * rng.standard_normal(n)


# ---------------------------------------------------------------- how many there can be


def test_zaslavsky_counts_what_every_new_line_adds():
    counts = [zaslavsky(n) for n in range(8)]
    assert counts == [1, 2, 4, 7, 11, 16, 22, 29]
    assert np.diff(counts).tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert zaslavsky(32) == 529 and zaslavsky(48) == 1177


@pytest.mark.parametrize("dimension", [1, 2, 3, 5])
def test_zaslavsky_follows_the_recursion_in_the_dimension(dimension):
    """A new hyperplane adds as many regions as the others cut it into, one dimension lower."""
    for n in range(1, 9):
        added = zaslavsky(n - 1, dimension - 1) if dimension > 1 else 1
        assert zaslavsky(n, dimension) == zaslavsky(n - 1, dimension) + added
    assert zaslavsky(dimension, dimension) == 2**dimension  # so few that all patterns occur


def test_central_lines_make_cones():
    assert [zaslavsky(n, central=True) for n in range(5)] == [1, 2, 4, 6, 8]
    assert zaslavsky(3, 3, central=True) == 8 and zaslavsky(4, 3, central=True) == 14


def test_montufar_bound():
    assert montufar_bound((16, 16, 16)) == 561_152
    assert montufar_bound((16,)) == zaslavsky(16)
    assert montufar_bound((3, 3, 3, 3), inputs=1) == 3**3 * 4
    assert montufar_bound((5, 4)) == (5 // 2) ** 2 * zaslavsky(4)


def test_typical_regions_is_the_power_law():
    assert typical_regions(48) == 1152 and typical_regions(48, inputs=1) == 48


def test_breakpoints_per_unit():
    assert breakpoints_per_unit(math.sqrt(2), 1.0) == pytest.approx(0.608, abs=5e-4)
    assert breakpoints_per_unit(math.sqrt(2), 0.1) == pytest.approx(0.955, abs=5e-4)
    assert breakpoints_per_unit(1.0, 1.0) == breakpoints_per_unit(3.0, 1.5, 0.5) == 1 / 2
    assert breakpoints_per_unit(1.0, 0.0) == 1
    assert 1 - 1e-7 < breakpoints_per_unit(1, 9, reach=1e9, layer=5) < 1
    deep, biased = breakpoints_per_unit(1.0, 0.3, layer=9), breakpoints_per_unit(1.0, 0.9)
    assert deep == pytest.approx(biased, rel=1e-12)


# ---------------------------------------------------------------- lines


def regions_at_vertices(W, b):
    """The recipe of RESULTS.md: all four signs at the vertex of every pair, different patterns."""
    patterns = set()
    for i, j in combinations(range(W.shape[1]), 2):
        signs = np.linalg.solve(W[:, [i, j]].T, -b[[i, j]]) @ W + b > 0
        for signs[i], signs[j] in product((False, True), repeat=2):
            patterns.add(signs.tobytes())
    return len(patterns)


@pytest.mark.parametrize("n", [2, 3, 5, 8, 13, 20, 32])
def test_random_lines_are_in_general_position(n):
    for seed in range(8):
        W, b = random_lines(n, seed)
        assert line_regions(W, b) == zaslavsky(n) == regions_at_vertices(W, b)
        assert line_regions(W, 0 * b) == 2 * n


def test_no_line_and_one_line():
    assert line_regions(np.empty((2, 0)), np.empty(0)) == 1
    assert line_regions([[1], [2]], [3]) == 2


PLACES = {  # lines (w1, w2, b), regions
    "parallel": ([(1, 0, -1), (2, 0, 0), (-1, 0, -1)], 4),
    "equal": ([(1, 1, -1), (-2, -2, 2), (0, 1, 0)], 4),
    "three through one point": ([(1, 0, -1), (0, 1, -2), (1, 1, -3)], 6),
    "a grid": ([(1, 0, 0), (1, 0, 1), (1, 0, 2), (0, 1, 0), (0, 1, 1)], 12),
    "two pencils": ([(1, 0, 0), (0, 1, 0), (1, 1, 0), (1, -1, 0), (1, 0, -1), (1, 2, -1)], 17),
}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("turn", [0.0, 0.3, 2.0])
def test_special_positions(name, turn):
    lines, count = PLACES[name]
    *W, b = np.array(lines, float).T
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    W = rotation @ W
    assert line_regions(W, b + [0.3, -0.7] @ W) == count  # turned and moved
    net = Net((2, len(b), 1))
    theta = net.pack([(W, b), (np.ones((len(b), 1)), np.zeros(1))])
    assert split_plane(net, theta).counts == [count]
    assert split_plane(net, theta, reach=50.0).counts == [count]


# ---------------------------------------------------------------- breakpoints


@pytest.mark.parametrize("depth", [1, 2, 5, 9])
def test_a_sawtooth_has_its_exponential_number_of_pieces(depth):
    layers = sawtooth_layers(depth)
    net = Net((1, *[W.shape[1] for W, _ in layers]))
    found = breakpoints(net, net.pack(layers), [0.0], [1.0])
    np.testing.assert_array_equal(found.knots, np.linspace(0, 1, 2**depth + 1))
    np.testing.assert_array_equal(found.outputs[:, 0], np.arange(2**depth + 1) % 2)


@pytest.mark.parametrize("sizes", [(1, 20, 2), (2, 8, 8, 1), (5, 6, 4, 7, 3, 2)])
def test_breakpoints_are_where_one_unit_switches(sizes):
    net, theta = net_and_theta(*sizes)
    start, end = np.random.default_rng(SEED).standard_normal((2, sizes[0]))
    found = breakpoints(net, theta, start, end)
    assert len(found.t) > 3 and (np.diff(found.t) > 0).all()
    between = (found.knots[1:] + found.knots[:-1]) / 2
    on = active_units(net, theta, start + between[:, None] * (end - start))
    change = on[1:] != on[:-1]
    assert (change.sum(axis=1) == 1).all()
    first = np.cumsum([0, *sizes[1:-2]])
    np.testing.assert_array_equal(change.argmax(axis=1), first[found.layer] + found.unit)
    Z = net.forward(theta, start + found.t[:, None] * (end - start)).Z
    for i, (layer, unit) in enumerate(zip(found.layer, found.unit, strict=True)):
        assert abs(Z[layer][i, unit]) < 1e-13


@pytest.mark.parametrize("sizes", [(1, 20, 2), (2, 8, 8, 1), (5, 6, 4, 7, 3, 2)])
def test_a_net_is_affine_between_knots(sizes):
    net, theta = net_and_theta(*sizes, seed=SEED + 1)
    start, end = np.random.default_rng(SEED).standard_normal((2, sizes[0]))
    found = breakpoints(net, theta, start, end)
    assert found.knots[[0, -1]].tolist() == [0, 1]
    t = np.random.default_rng(SEED).random(300)
    outputs = net.output(theta, start + t[:, None] * (end - start))
    for k in range(sizes[-1]):
        drawn = np.interp(t, found.knots, found.outputs[:, k])
        np.testing.assert_allclose(outputs[:, k], drawn, atol=1e-13)


def test_a_whole_line_is_a_very_long_segment():
    net, theta = net_and_theta(2, 10, 10, 10, 1)
    start, step = np.array([0.2, -0.1]), np.array([0.6, 0.8])
    whole = breakpoints(net, theta, start, start + step, whole_line=True)
    far = breakpoints(net, theta, start - 1e6 * step, start + 1e6 * step)
    np.testing.assert_array_equal(whole.layer, far.layer)
    np.testing.assert_array_equal(whole.unit, far.unit)
    np.testing.assert_allclose(whole.t, (2 * far.t - 1) * 1e6, atol=1e-8)
    assert np.bincount(whole.layer)[0] == 10  # every line of the first layer is crossed once
    np.testing.assert_array_equal(whole.knots, np.sort([*whole.t, 0.0]))
    outputs = net.output(theta, start + whole.knots[:, None] * step)
    np.testing.assert_allclose(whole.outputs, outputs, atol=1e-12)


def test_a_unit_that_is_always_zero_has_no_breakpoint():
    """Without bias, behind inactive units: z is exactly 0 on a whole interval, and stays off."""
    net = Net((1, 1, 1, 1))
    theta = net.pack([([[1]], [[0]]), ([[1]], [[0]]), ([[1]], [[0]])])
    found = breakpoints(net, theta, [-1.0], [1.0])
    assert found.t.tolist() == [0.5, 0.5] and found.layer.tolist() == [0, 1]
    assert found.knots.tolist() == [0, 0.5, 1]


# ---------------------------------------------------------------- polygons


def points(corners):
    """Corners (..., 3) as points (..., 2)."""
    return corners[..., :2] / corners[..., 2:]


def areas(corners):
    x, y = np.moveaxis(points(corners), -1, 0)
    return (x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum(axis=1) / 2


SHAPES = [(2, 7, 1), (2, 6, 5, 1), (2, 8, 8, 8, 2), (2, 3, 9, 2, 6, 3)]


@pytest.fixture(params=SHAPES, ids=str, scope="module")
def split(request):
    net, theta = net_and_theta(*request.param)
    return net, theta, split_plane(net, theta, reach=1.5)


def test_the_polygons_fill_the_box(split):
    _, _, regions = split
    assert (areas(regions.corners) > 0).all()  # all turn the same way
    assert areas(regions.corners).sum() == pytest.approx(9.0, rel=1e-12)
    assert regions.corners.max() <= 1.5 and regions.corners.min() >= -1.5


def test_every_polygon_has_a_pattern_of_its_own_and_it_is_the_nets(split):
    net, theta, regions = split
    assert len({row.tobytes() for row in regions.active}) == len(regions.active)
    assert len(regions.active) == regions.counts[-1] == len(regions.borders) + 1
    inside = points(regions.corners).mean(axis=1)
    np.testing.assert_array_equal(active_units(net, theta, inside), regions.active)


def test_no_polygon_can_be_cut_any_more(split):
    """Random points in every polygon have one pattern, so it is a whole region."""
    net, theta, regions = split
    rng = np.random.default_rng(SEED)
    shares = rng.dirichlet(np.ones(regions.corners.shape[1]), size=(5, len(regions.corners)))
    inside = np.einsum("srk,rkc->src", shares, points(regions.corners))
    for X in inside:
        np.testing.assert_array_equal(active_units(net, theta, X), regions.active)


def test_the_map_of_a_region_is_the_net_up_to_its_corners(split):
    net, theta, regions = split
    X = points(regions.corners)
    outputs = net.output(theta, X.reshape(-1, 2)).reshape(*X.shape[:2], -1)
    by_map = np.einsum("rkc,rco->rko", regions.corners, regions.maps)
    np.testing.assert_allclose(by_map / regions.corners[..., 2:], outputs, atol=1e-13)


def test_borders_lie_where_a_unit_of_their_layer_is_zero(split):
    net, theta, regions = split
    middle = points(regions.borders).mean(axis=1)
    Z = net.forward(theta, middle).Z
    smallest = np.array([np.abs(z).min(axis=1) for z in Z[:-1]])
    assert smallest[regions.layer, np.arange(len(middle))].max() < 1e-13
    assert (np.diff(regions.layer) >= 0).all()
    lengths = np.linalg.norm(np.diff(points(regions.borders), axis=1), axis=-1)
    assert lengths.min() > 0


def test_counts_are_those_of_the_first_layers(split):
    net, theta, regions = split
    layers = net.layers(theta)
    for k in range(1, net.depth):
        cut = Net((*net.sizes[: k + 1], 1))
        last = (np.ones((net.sizes[k], 1)), np.zeros(1))
        start = cut.pack([*layers[:k], last])
        assert split_plane(cut, start, reach=1.5).counts[-1] == regions.counts[k - 1]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_plane_has_the_regions_of_a_huge_box(shape):
    net, theta = net_and_theta(*shape)
    plane = split_plane(net, theta)
    np.testing.assert_array_equal(plane.counts, split_plane(net, theta, reach=1e6).counts)
    assert plane.counts[0] == zaslavsky(shape[1])
    grid = np.stack(np.meshgrid(*[np.linspace(-1.5, 1.5, 60)] * 2), axis=-1).reshape(-1, 2)
    seen = {row.tobytes() for row in active_units(net, theta, grid)}
    assert seen < {row.tobytes() for row in plane.active}  # a grid misses some, invents none


@pytest.mark.parametrize("scale", [1e-6, 0.03, 40.0])
def test_biases_scale_the_picture_and_not_the_count(scale):
    net, theta = net_and_theta(2, 9, 9, 9, 1)
    scaled = theta.copy()
    for _, b in net.layers(scaled):
        b *= scale
    np.testing.assert_array_equal(split_plane(net, theta).counts, split_plane(net, scaled).counts)
    box, scaled_box = split_plane(net, theta, 0.7), split_plane(net, scaled, 0.7 * scale)
    np.testing.assert_array_equal(box.active, scaled_box.active)
    np.testing.assert_allclose(points(box.corners), points(scaled_box.corners) / scale, rtol=1e-9)


def test_without_biases_there_are_cones_at_every_depth():
    net, theta = net_and_theta(2, 6, 6, 6, 1, bias=0.0)
    regions = split_plane(net, theta)
    assert regions.counts[0] == 12
    assert regions.counts[-1] == split_plane(net, theta, reach=0.01).counts[-1]


def test_units_that_never_switch_cut_nothing():
    net, theta = net_and_theta(2, 5, 4, 1)
    (W1, b1), (W2, b2), _ = net.layers(theta)
    W1[:, 0] = b1[:, 0] = 0  # z = 0 everywhere: never active
    W2[:, 1], b2[:, 1] = np.abs(W2[:, 1]), 1.0  # always active
    W2[:, 2] = W2[:, 3]
    b2[:, 2] = b2[:, 3]  # twins switch together
    regions = split_plane(net, theta)
    assert regions.counts[0] == zaslavsky(4)
    assert not regions.active[:, 0].any() and regions.active[:, 6].all()
    np.testing.assert_array_equal(regions.active[:, 7], regions.active[:, 8])


# ---------------------------------------------------------------- one matrix


@pytest.mark.parametrize("sizes", [(2, 5, 1), (3, 8, 6, 4), (1, 4, 4, 4, 2), (64, 16, 16, 10)])
def test_near_a_point_the_net_is_its_local_map(sizes):
    net, theta = net_and_theta(*sizes)
    for x in np.random.default_rng(SEED).standard_normal((5, sizes[0])):
        J, c = local_map(net, theta, x)
        size = np.abs(J).max()
        np.testing.assert_allclose(J, net.jacobian(theta, x), atol=1e-14 * size)
        np.testing.assert_allclose(J @ x + c, net.output(theta, x[None])[0], atol=1e-13 * size)


def test_the_local_map_holds_in_the_whole_region_and_not_beyond():
    net, theta = net_and_theta(2, 8, 8, 1)
    regions = split_plane(net, theta, reach=1.0)
    for corners, regional in zip(regions.corners[:20], regions.maps[:20], strict=True):
        J, c = local_map(net, theta, points(corners).mean(axis=0))
        np.testing.assert_allclose(np.vstack([J.T, c]), regional, atol=1e-13)
    inside = points(regions.corners).mean(axis=1)
    far = net.output(theta, inside) - (inside @ J.T + c)
    assert np.mean(np.abs(far) > 1e-3) > 0.8


def test_active_units_of_one_point_and_of_many():
    net, theta = net_and_theta(2, 3, 4, 1)
    X = np.random.default_rng(SEED).standard_normal((6, 2))
    many = active_units(net, theta, X)
    assert many.shape == (6, 7) and many.dtype == bool
    np.testing.assert_array_equal(active_units(net, theta, X[2]), many[2])
    Z = net.forward(theta, X).Z
    np.testing.assert_array_equal(many[:, 3:], Z[1] > 0)


# ---------------------------------------------------------------- bad input


NET = Net((2, 3, 1))
THETA = np.ones(NET.P)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: zaslavsky(-1), "lines must be a whole number at least 0, got -1"),
        (lambda: zaslavsky(2.5), "lines must be a whole number"),
        (lambda: zaslavsky(3, 0), "dimension must be a whole number at least 1, got 0"),
        (lambda: montufar_bound((4, 1)), "widths[1] must be a whole number at least 2, got 1"),
        (lambda: montufar_bound(()), "at least one hidden layer"),
        (lambda: typical_regions("3"), "units must be a whole number"),
        (lambda: breakpoints_per_unit(0, 1), "slope_std must be a number above 0, got 0"),
        (lambda: breakpoints_per_unit(1, -1), "bias_std must be a number at least 0, got -1"),
        (lambda: breakpoints_per_unit(1, 1, layer=0), "layer must be a whole number at least 1"),
        (lambda: line_regions([[1, 0], [1, 0]], [1, 2]), "unit 1 has the weights 0, 0"),
        (lambda: line_regions([[1, 2]], [1, 2]), "W must be (2, n) and b (n,), got (1, 2)"),
        (lambda: line_regions([[1], [2]], [1, 2]), "W must be (2, n) and b (n,), got (2, 1)"),
        (lambda: line_regions([[1], [math.nan]], [1]), "W must be finite numbers, got 1 NaN"),
        (lambda: split_plane(Net((3, 3, 1)), np.ones(16)), "net must have 2 inputs"),
        (lambda: split_plane(NET, THETA, reach=0), "reach must be a number above 0, got 0"),
        (lambda: split_plane(NET, np.ones((5, 13))), "theta must be that of one net, (13,)"),
        (lambda: split_plane(NET, np.ones(12)), "theta must have shape"),
        (lambda: split_plane(NET, np.full(13, np.inf)), "theta must be finite"),
        (lambda: split_plane(Net((2, 3, 1), "tanh"), THETA), "hidden layers of relu"),
        (lambda: split_plane(Net((2, 3, 1), out="sigmoid"), THETA), "and a linear output"),
        (lambda: split_plane(Net((2, 1)), np.ones(3)), "net must have hidden layers"),
        (lambda: split_plane((2, 3, 1), THETA), "net must be a Net, got (2, 3, 1)"),
        (lambda: local_map(NET, THETA, [1, 2, 3]), "x must be a point (2,) for"),
        (lambda: local_map(NET, THETA, "here"), "x must be real numbers"),
        (lambda: breakpoints(NET, THETA, [0, 0], [0]), "end must be a point (2,) for"),
        (lambda: breakpoints(NET, THETA, [0, np.nan], [0, 0]), "start must be finite"),
    ],
)  # fmt: skip
def test_bad_input_gets_a_sentence(call, said):
    with pytest.raises((TypeError, ValueError)) as error:
        call()
    assert said in str(error.value)
