"""The demos on regions: counts against other counts, pictures against results."""

import math
from itertools import combinations, product

import numpy as np
import pytest

from helpers.demos import regions
from helpers.demos.regions import compute_deep, compute_lines, compute_one_matrix
from helpers.live import LiveFigure
from helpers.regions import active_units, split_plane


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


def artists(figure):
    return figure._picture.artists


def picture(figure):
    return figure._image.value  # png() without the time for better compression


def areas(polygons):
    x, y = np.moveaxis(polygons, -1, 0)
    return (x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum(axis=1) / 2


def drawn_polygons(patch):
    """Closed polygons in the path of a patch."""
    path = patch.get_path()
    return int(np.sum(path.codes == path.MOVETO)) if path.codes is not None else 0


# --- lines --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lines", [1, 2, 7, 20])
@pytest.mark.parametrize("seed", [26, 27, 28])
def test_lines_reach_the_formula_and_the_picture_holds_a_part(lines, seed):
    r = compute_lines(lines=lines, seed=seed, direction=77, shift=0.3)
    assert r.regions == r.theory == 1 + lines + math.comb(lines, 2)
    assert len(r.polygons) <= r.regions
    assert areas(r.polygons).sum() == pytest.approx(36)
    cones = compute_lines(lines=lines, seed=seed, no_biases=True)
    assert cones.regions == cones.theory == len(cones.polygons) == 2 * lines


def test_the_grid_finds_only_what_is_there_and_more_with_more_points():
    found = []
    for grid in (5, 10, 20, 40, 80):  # the points of a finer grid are others: no strict order
        r = compute_lines(lines=20, grid=grid, seed=26)
        assert len(r.missed) == len(r.polygons)
        found.append(np.sum(~r.missed))
    assert found[0] < 30 and found[-1] > 100 and (np.diff(found) > 0).all()
    assert found[-1] < len(r.polygons)


def test_missed_regions_hold_no_point_of_the_grid_and_the_others_do():
    r = compute_lines(lines=9, grid=12, seed=27)
    axis = regions.VIEW * ((2 * np.arange(12) + 1) / 12 - 1)
    X = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    seen = {row.tobytes() for row in X @ r.W + r.b > 0}
    inside = r.polygons.mean(axis=1) @ r.W + r.b > 0
    np.testing.assert_array_equal(r.missed, [row.tobytes() not in seen for row in inside])
    np.testing.assert_array_equal(r.active, inside.sum(axis=1))
    assert 0 < r.missed.sum() < len(r.missed)


def test_the_readers_line_is_where_the_sliders_say():
    r = compute_lines(direction=60, shift=1.5)
    np.testing.assert_allclose(r.segments[0] @ [0.5, math.sqrt(3) / 2], 1.5)
    on_lines = np.einsum("nsi,in->ns", r.segments, r.W) + r.b[:, None]
    np.testing.assert_allclose(on_lines, 0, atol=1e-12)
    assert compute_lines(direction=60, shift=1.5, no_biases=True).b.tolist() == [0] * 10
    other = compute_lines(direction=60, shift=1.5, scale=2.0)
    np.testing.assert_allclose(other.b[1:], 2 * r.b[1:])
    assert other.b[0] == r.b[0]


def test_a_line_through_a_vertex_loses_a_region():
    """Special position: the reader's line is laid on the vertex of two others."""
    r = compute_lines(lines=3, seed=26, direction=0, shift=0.0)
    vertex = np.linalg.solve(r.W[:, 1:].T, -r.b[1:])
    through = compute_lines(lines=3, seed=26, direction=0, shift=float(vertex[0]))
    assert (r.regions, through.regions) == (7, 6)


def test_lines_artists_show_the_result():
    figure = regions.lines(lines=12, grid=15, seed=4)
    r, drawn = figure.result, artists(figure)
    assert sum(map(drawn_polygons, drawn["tints"])) == len(r.polygons)
    assert drawn_polygons(drawn["missed"]) == r.missed.sum() > 0
    points = drawn["lines"].get_xydata().reshape(-1, 3, 2)
    np.testing.assert_array_equal(points[:, :2], r.segments[1:])
    np.testing.assert_array_equal(drawn["own"].get_xydata(), r.segments[0])
    counts = [79, len(r.polygons), len(r.polygons) - r.missed.sum()]
    for k, count in enumerate(counts):
        assert drawn[f"number {k}"].get_text() == str(count)
        assert drawn[f"dot {k}"].get_xydata().tolist() == [[12, count]]
        assert f" {count} " in figure.text or f" {count};" in figure.text
    assert "misses" in figure.text and "1 + n + C(n, 2) = 79" in figure.text


def test_darker_polygons_have_more_active_units():
    figure = regions.lines(lines=6, seed=3)
    r, drawn = figure.result, artists(figure)
    levels = r.active - r.active.min()
    tint = levels * 10 // levels.max()
    assert [drawn_polygons(patch) for patch in drawn["tints"]] == np.bincount(
        tint, minlength=11
    ).tolist()


# --- deep ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def record():
    return regions.counted_nets()


@pytest.mark.parametrize("width", regions.WIDTHS)
def test_regions_follow_one_layer_of_as_many_units_and_not_the_maximum(record, width):
    r = compute_deep(record=record, layers=4, width=width)
    shares = r.regions.mean(axis=0) / r.shallow
    assert (shares > 0.6).all() and (shares < 1.6).all()  # 0.80 to 1.13
    assert (r.regions[:, 0] == r.shallow[0]).all()
    assert r.most[-1] > 4 * r.regions[:, -1].max() and r.most[0] == r.shallow[0]


def test_a_neuron_has_one_breakpoint_at_every_depth(record):
    assert (record[16].breaks[:, 0] == 1).all()
    means = np.array([record[width].breaks.mean(axis=0) for width in (8, 10, 12, 14, 16)])
    assert np.abs(means.mean(axis=0) - 1).max() < 0.15  # 40 nets; standard error 0.05 at layer 4
    assert np.abs(means[-1] - 1).max() < 0.15


def test_the_record_counts_the_net_that_is_drawn(record):
    """A large picture shows nearly the whole plane; with small biases the usual one is large."""
    for net, layers in product((1, 8), (1, 2, 3)):
        r = compute_deep(record=record, width=6, layers=layers, net=net, bias=0.03)
        shown, theta = regions._cut_short(6, net - 1, layers, 0.03)
        assert split_plane(shown, theta).counts[-1] == r.regions[net - 1, -1]
        assert 0.6 * r.regions[net - 1, -1] < len(r.polygons) <= r.regions[net - 1, -1]


def test_biases_are_a_zoom():
    one = compute_deep(record=NO_RECORD, width=4, layers=2, bias=0.5)
    more = compute_deep(record=NO_RECORD, width=4, layers=2, bias=1.0)
    assert one.per_unit > more.per_unit
    inside = one.knots[np.abs(one.knots) < 0.5]
    np.testing.assert_allclose(2 * inside, more.knots, atol=1e-12)


NO_RECORD = {
    width: regions.Counted(np.ones((8, 4), int), np.ones((8, 4))) for width in regions.WIDTHS
}


def test_every_layer_has_its_borders_and_breakpoints(record):
    r = compute_deep(record=record, width=8, layers=3, net=2)
    net, theta = regions._cut_short(8, 1, 3, 0.3)
    assert sum(len(line) // 3 for line in r.borders) == len(r.polygons) - 1
    for k, line in enumerate(r.borders):
        middles = line.reshape(-1, 3, 2)[:, :2].mean(axis=1)
        z = net.forward(theta, middles).Z[k]
        assert np.abs(z).min(axis=1).max() < 1e-12
    X = np.column_stack([r.knots, np.zeros_like(r.knots)])
    Z = np.concatenate(net.forward(theta, X).Z[:-1], axis=-1)
    assert np.abs(Z).min(axis=1).max() < 1e-12
    on = active_units(net, theta, np.column_stack([np.linspace(-1, 1, 4001), np.zeros(4001)]))
    assert len(r.knots) >= (on[1:] != on[:-1]).sum()
    assert r.per_unit == len(r.knots) / 24


def test_deep_artists_show_the_result(record):
    figure = regions.deep(layers=2, width=10, net=3)
    r, drawn = figure.result, artists(figure)
    assert sum(map(drawn_polygons, drawn["tints"])) == len(r.polygons)
    assert drawn["shown"].get_text() == str(len(r.polygons))
    for line, border in zip(drawn["borders"], r.borders, strict=False):
        np.testing.assert_array_equal(line.get_xydata(), border)
    assert drawn["borders"][2].get_xydata().size == 0
    np.testing.assert_array_equal(drawn["knots"].get_xdata(), r.knots)
    np.testing.assert_array_equal(drawn["this"].get_ydata(), record[10].regions[2, :2])
    np.testing.assert_array_equal(drawn["all"].get_ydata(), record[10].regions[:, :2].ravel())
    assert drawn["most"].get_ydata().tolist() == [56, 25 * 56]
    assert drawn["shallow"].get_ydata().tolist() == [56, 211]
    np.testing.assert_array_equal(drawn["mean"].get_ydata(), record[10].breaks[:, :2].mean(0))
    np.testing.assert_array_equal(drawn["nets"].get_ydata(), record[10].breaks[:, :2].ravel())
    low, high = drawn["most"].axes.get_ylim()
    assert low < min(c.regions.min() for c in record.values()) and high > 3.6e7
    assert max(c.breaks.max() for c in record.values()) < drawn["nets"].axes.get_ylim()[1]
    for number in (len(r.polygons), r.regions[2, -1], 211, 200, 1400):
        assert f"{number:,}" in figure.text


def test_stop_makes_no_half_record():
    """The counts take a second or two; a reader who stops them keeps the opening picture."""
    job = regions.record_deep()
    assert 0 < next(job) < 0.1
    job.close()


# --- one matrix ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    return regions.trained_model(seed=26)


@pytest.fixture(scope="module")
def random():
    return regions.trained_model(net="random", seed=27)


def test_the_net_is_trained_and_separates_the_moons(trained, random):
    for model, least in ((trained, 0.97), (random, 0.0)):
        X, Y, _ = regions.moons(np.random.default_rng(99), 400)
        right = np.mean((model.net.output(model.theta, X) > 0) == Y)
        assert right >= least
    assert right < 0.9


@pytest.mark.parametrize("x", [(0.0, 0.0), (-1.55, 0.7), (2.0, -2.0), (0.35, -0.05)])
def test_the_matrix_holds_in_the_whole_region(trained, random, x):
    for model in (trained, random):
        r = compute_one_matrix(record=model, x1=x[0], x2=x[1])
        assert r.residual < 1e-13 * max(1, np.abs(model.heat).max())
        assert r.output == pytest.approx(r.J @ r.x + r.c, abs=1e-12)
        np.testing.assert_allclose(r.J, model.net.jacobian(model.theta, r.x)[0], atol=1e-12)
        np.testing.assert_array_equal(r.active, active_units(model.net, model.theta, r.x))
        edges = np.roll(r.region, -1, axis=0) - r.region
        to_x = r.x - r.region
        assert (edges[:, 0] * to_x[:, 1] - edges[:, 1] * to_x[:, 0] > -1e-12).all()  # x is inside


def test_the_line_through_the_point(trained):
    r = compute_one_matrix(record=trained, x1=0.3, x2=-0.45)
    x1 = np.linspace(-2, 2, 201)
    outputs = trained.net.output(trained.theta, np.column_stack([x1, np.full(201, -0.45)]))[:, 0]
    np.testing.assert_allclose(np.interp(x1, r.places, r.outputs), outputs, atol=1e-11)
    low, high = r.inside
    assert low < 0.3 < high
    by_map = r.J[0] * x1 - 0.45 * r.J[1] + r.c
    near = (x1 > low) & (x1 < high)
    np.testing.assert_allclose(by_map[near], outputs[near], atol=1e-11)
    beyond = np.abs(by_map - outputs)[(x1 < low - 0.1) | (x1 > high + 0.1)]
    assert np.median(beyond) > 0.1


def test_across_a_border_one_unit_switches(trained):
    for x1 in compute_one_matrix(record=trained, x2=0.1).places[1:-1]:
        left, right = (compute_one_matrix(record=trained, x1=x, x2=0.1) for x in
                       (x1 - 1e-7, x1 + 1e-7))  # fmt: skip
        assert (left.active != right.active).sum() == 1
        assert left.output == pytest.approx(right.output, abs=1e-4)


def test_one_matrix_artists_show_the_result():
    figure = regions.one_matrix(x1=0.5, x2=-0.5, seed=3)
    r, drawn = figure.result, artists(figure)
    np.testing.assert_array_equal(drawn["region"].get_path().vertices[: len(r.region)], r.region)
    assert drawn["x"].get_xydata().tolist() == [[0.5, -0.5]]
    assert drawn["here"].get_xydata().tolist() == [[0.5, r.output]]
    np.testing.assert_array_equal(drawn["curve"].get_xdata(), r.places)
    np.testing.assert_array_equal(drawn["curve"].get_ydata(), r.outputs)
    ends = drawn["map"].get_xydata()
    np.testing.assert_allclose(ends[:, 1], np.column_stack([[-2, 2], [-0.5] * 2]) @ r.J + r.c)
    span = drawn["inside"]
    assert (span.get_x(), span.get_x() + span.get_width()) == pytest.approx(tuple(r.inside))
    assert len(drawn["on"].get_xdata()) == r.active.sum()
    assert len(drawn["off"].get_xdata()) == 16 - r.active.sum()
    borders = drawn["borders"].get_xydata()
    assert len(borders) == 3 * (len(r.model.regions.active) - 1)
    J = f"({r.J[0]:.3f}, {r.J[1]:.3f})"
    assert drawn["number 0"].get_text() == J and f"J = {J}" in figure.text
    assert drawn["number 2"].get_text() == drawn["number 3"].get_text() == f"{r.output:.3f}"
    assert drawn["number 4"].get_text() == "< 1e-12"


def test_another_net_is_drawn_whole():
    figure = regions.one_matrix()
    before = artists(figure)["along"].get_ylim()
    figure.set(net="random")
    heat = figure.record.heat
    low, high = artists(figure)["along"].get_ylim()
    assert (low, high) != before and low < heat.min() and high > heat.max()
    assert len(artists(figure)["plane"].collections) == 1


# --- all ----------------------------------------------------------------------------------------

MOVES = {
    "lines": dict(lines=14, direction=100, shift=-1.0, scale=2.0, grid=60, seed=9, no_biases=True),
    "deep": dict(layers=2, width=12, bias=1.0, net=5),
    "one_matrix": dict(x1=0.8, x2=-1.0, net="random", seed=8),
}


@pytest.mark.parametrize("demo", MOVES)
def test_every_control_moves_the_picture_and_the_words(demo, record):
    figure = getattr(regions, demo)()
    for name, value in MOVES[demo].items():
        before, text = picture(figure), figure.text
        figure.set(**{name: value})
        assert picture(figure) != before, name
        if name not in ("direction", "shift"):  # counts may stay what they are
            assert figure.text != text, name
    figure.reset()
    assert figure.experiment == getattr(regions, demo)().experiment


@pytest.mark.parametrize("demo", MOVES)
def test_the_line_of_code_gives_the_same_figure(demo):
    figure = getattr(regions, demo)(**MOVES[demo])
    again = eval(figure.experiment, {"regions": regions})
    assert again.text == figure.text and picture(again) == picture(figure)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: compute_lines(lines=0), "lines must be a whole number from 1 to 20, got 0"),
        (lambda: compute_lines(lines=2.5), "lines must be a whole number from 1 to 20, got 2.5"),
        (lambda: compute_lines(direction=math.nan), "direction must be a number from 0 to 175"),
        (lambda: compute_lines(shift="x"), "shift must be a number from -3 to 3, got 'x'"),
        (lambda: compute_lines(scale=0), "scale must be a number from 0.1 to 3, got 0"),
        (lambda: compute_lines(no_biases=1), "no_biases must be True or False, got 1"),
        (lambda: compute_lines(grid=1000), "grid must be a whole number from 5 to 100"),
        (lambda: compute_lines(seed=-1), "seed must be a whole number from 0 to 99, got -1"),
        (lambda: compute_deep(record=NO_RECORD, layers=5), "layers must be a whole number from 1"),
        (lambda: compute_deep(record=NO_RECORD, width=5), "width must be one of 4, 6, 8, 10, 12"),
        (lambda: compute_deep(record=NO_RECORD, width=18), "width must be a whole number from 4"),
        (lambda: compute_deep(record=NO_RECORD, bias=0), "bias must be a number from 0.03 to 3"),
        (lambda: compute_deep(record=NO_RECORD, net=9), "net must be a whole number from 1 to 8"),
        (lambda: compute_one_matrix(x1=3), "x1 must be a number from -2 to 2, got 3"),
        (lambda: compute_one_matrix(x2=None), "x2 must be a number from -2 to 2, got None"),
        (lambda: regions.trained_model(net="rendom"), "(did you mean 'random'?)"),
        (lambda: regions.trained_model(seed=1.5), "seed must be a whole number from 0 to 99"),
    ],
)  # fmt: skip
def test_bad_input_gets_a_sentence_with_value_and_range(call, said):
    with pytest.raises((TypeError, ValueError)) as error:
        call()
    assert said in str(error.value)


@pytest.mark.parametrize("demo", MOVES)
def test_all_pairs_of_extremes_can_be_drawn(demo):
    """No warning (they are errors here), no exception, and nothing that is not a number."""
    figure = getattr(regions, demo)()
    ends = {name: extremes(control) for name, control in figure._panel.controls.items()}
    for one, other in combinations(ends, 2):
        for values in product(ends[one], ends[other]):
            figure.set(**dict(zip((one, other), values, strict=True)))
            assert "nan" not in figure.text
        figure.reset()


def extremes(control):
    return [control.low, control.high] if hasattr(control, "low") else [False, True]

