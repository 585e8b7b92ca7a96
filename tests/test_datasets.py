"""The sets are what they say, come back from the same seed, and refuse nonsense by name."""

import numpy as np
import pytest

from helpers import datasets
from helpers.datasets import (
    DATASETS,
    Data,
    digits,
    line,
    moons,
    plane_cloud,
    rings,
    spiral,
    split,
    standardise,
    xor,
)


@pytest.fixture
def rng():
    return np.random.default_rng(8)


def test_xor_is_the_four_corners():
    X, Y, name = xor()
    np.testing.assert_array_equal(X, [[0, 0], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(Y, (X[:, :1] + X[:, 1:]) % 2)
    assert name == "xor"


def test_xor_with_copies_and_noise(rng):
    X, Y, _ = xor(copies=500, noise=0.1, rng=rng)
    assert X.shape == (2000, 2) and Y.shape == (2000, 1)
    noise = X - np.tile(xor().X, (500, 1))
    assert noise.std() == pytest.approx(0.1, abs=5 * 0.1 / np.sqrt(2 * noise.size))


def test_noisy_xor_needs_a_generator():
    with pytest.raises(TypeError, match="rng"):
        xor(noise=0.1)


@pytest.mark.parametrize("name", DATASETS)
class TestTwoClassesInThePlane:
    def test_shapes_and_labels(self, name, rng):
        X, Y, own_name = DATASETS[name](rng, n=101)
        assert own_name == name
        assert X.shape == (101, 2) and Y.shape == (101, 1)
        assert X.dtype == Y.dtype == np.float64
        assert (Y == 0).sum() == 51 and (Y == 1).sum() == 50

    def test_the_same_seed_gives_the_same_points(self, name):
        first, again = (DATASETS[name](np.random.default_rng(3)) for _ in range(2))
        np.testing.assert_array_equal(first.X, again.X)
        assert (first.X != DATASETS[name](np.random.default_rng(4)).X).any()

    def test_centred_and_about_two_across(self, name, rng):
        X, Y, _ = DATASETS[name](rng, n=4000, noise=0.0)
        assert abs(X.mean(0)).max() < 0.1
        assert 0.5 < np.sqrt((X**2).sum(1)).max() < 1.7

    def test_no_line_separates_the_classes_of(self, name, rng):
        X, Y, _ = DATASETS[name](rng, n=1000, noise=0.0)
        inputs = np.column_stack([X, np.ones(len(X))])
        w = np.linalg.lstsq(inputs, Y - 0.5, rcond=None)[0]
        assert ((inputs @ w > 0) == (Y > 0.5)).mean() < 0.95

    @pytest.mark.parametrize(
        "wrong, message",
        [
            ({"n": 1}, "n"),
            ({"n": 2.5}, "n"),
            ({"noise": -1}, "noise"),
            ({"noise": np.nan}, "noise"),
            ({"rng": 3}, "rng"),
        ],
    )
    def test_refuses(self, name, wrong, message, rng):
        with pytest.raises((ValueError, TypeError), match=rf"\b{message}\b"):
            DATASETS[name](**({"rng": rng} | wrong))


def test_opposite_corners_of_the_clouds_share_a_class(rng):
    X, Y, _ = datasets.xor_clouds(rng, noise=0.0)
    np.testing.assert_array_equal(Y[:, 0], X[:, 0] * X[:, 1] < 0)
    assert len(np.unique(X, axis=0)) == 4


def test_moons_are_two_half_circles_that_swap(rng):
    X, Y, _ = moons(rng, noise=0.0)
    centre = np.where(Y == 0, [-0.5, -0.25], [0.5, 0.25])
    np.testing.assert_allclose(np.hypot(*(X - centre).T), 1, rtol=1e-14)
    np.testing.assert_array_equal((X - centre)[:, 1] >= 0, Y[:, 0] == 0)


def test_rings_have_two_radii(rng):
    X, Y, _ = rings(rng, noise=0.0)
    np.testing.assert_allclose(np.hypot(*X.T), np.where(Y[:, 0] == 0, 1.25, 0.5), rtol=1e-14)


def test_spiral_arms_swap_when_turned_and_wind_as_often_as_asked(rng):
    for turns in (0.5, 2.0):
        X, Y, _ = spiral(rng, noise=0.0, turns=turns)
        angle = np.arctan2(X[:, 1], X[:, 0])
        along = 2 * np.pi * turns * (np.hypot(*X.T) - 0.1) / 1.3 + np.pi * Y[:, 0]
        np.testing.assert_allclose(np.exp(1j * angle), np.exp(1j * along), atol=1e-12)


def test_line(rng):
    X, Y, _ = line(rng, n=20_000, slope=3.0, intercept=0.5, noise=0.2)
    assert X.shape == Y.shape == (20_000, 1) and abs(X).max() <= 1
    fit = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), Y, rcond=None)[0]
    np.testing.assert_allclose(fit[:, 0], [3.0, 0.5], atol=5 * 0.2 * np.sqrt(3 / len(X)))
    X, Y, _ = line(rng, slope=1, intercept=0, noise=0)
    np.testing.assert_array_equal(X, Y)


class TestPlaneCloud:
    spectrum = (4.0, 1.0, 0.05)

    def test_the_target_is_the_input(self, rng):
        X, Y, _ = plane_cloud(rng, 50)
        assert X.shape == (50, 3)
        np.testing.assert_array_equal(X, Y)

    def test_sample_spectrum_and_mean_are_exact_when_asked(self, rng):
        X = plane_cloud(rng, 40, self.spectrum, (0, 0, 10), exact=True).X
        variances, axes = np.linalg.eigh(np.cov(X.T, bias=True))
        np.testing.assert_allclose(variances, sorted(self.spectrum), rtol=1e-11)
        np.testing.assert_allclose(abs(X.mean(0) @ axes), [10, 0, 0], atol=1e-10)

    def test_otherwise_they_are_those_of_a_sample(self, rng):
        n = 20_000
        X = plane_cloud(rng, n, self.spectrum, (0, 0, 10)).X
        variances, axes = np.linalg.eigh(np.cov(X.T, bias=True))
        np.testing.assert_allclose(variances, sorted(self.spectrum), rtol=5 * np.sqrt(2 / n))
        assert (abs(variances - sorted(self.spectrum)) > 1e-6).all()
        assert abs(X.mean(0) @ axes)[0] == pytest.approx(10, abs=0.01)

    @pytest.mark.parametrize("seed", range(3))
    def test_without_centring_the_best_plane_is_the_wrong_one(self, seed):
        """RESULTS A3, the trap: data 10 along their weak axis put that axis into the plane."""
        X = plane_cloud(np.random.default_rng(seed), 300, self.spectrum, (0, 0, 10)).X
        plane = np.linalg.svd(X - X.mean(0))[2][:2]
        through_origin = np.linalg.svd(X)[2][:2]
        missed = through_origin.T - plane.T @ (plane @ through_origin.T)
        assert np.degrees(np.arcsin(np.linalg.norm(missed, 2))) > 88

    @pytest.mark.parametrize(
        "wrong",
        [{"spectrum": (1, 2)}, {"spectrum": (1, 2, -3)}, {"offset": (0, np.nan, 0)}, {"n": 3}],
    )
    def test_refuses(self, wrong, rng):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            plane_cloud(rng, **wrong)


class TestDigits:
    def test_equal_scikit_learns_copy(self):
        theirs = pytest.importorskip("sklearn.datasets").load_digits()
        X, Y, _ = digits()
        np.testing.assert_array_equal(X * 16, theirs.data)
        np.testing.assert_array_equal(Y, theirs.target)

    def test_known_counts(self):
        """A check that needs nothing else installed: classes and ink of the published file."""
        X, Y, name = digits()
        assert name == "digits" and X.shape == (1797, 64) and X.dtype == np.float64
        assert np.bincount(Y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
        assert X.min() == 0 and X.max() == 1
        assert (X * 16).sum() == 561_718

    def test_every_call_gives_fresh_arrays(self):
        digits().X[:] = 0
        assert digits().X.any()

    def test_source_and_licence_lie_beside_the_file(self):
        text = (datasets.files("helpers") / "data" / "digits.md").read_text(encoding="utf-8")
        assert "Alpaydin" in text and "CC BY 4.0" in text


class TestSplitAndStandardise:
    def test_split_is_a_partition_with_labels_attached(self, rng):
        X = np.arange(20.0)[:, None]
        train, test = split(Data(X, 10 * X, "rows"), rng, 14)
        assert len(train.X) == 14 and len(test.X) == 6
        np.testing.assert_array_equal(np.sort(np.concatenate([train.X, test.X]), 0), X)
        np.testing.assert_array_equal(train.Y, 10 * train.X)
        assert (train.X[:, 0] != np.sort(train.X[:, 0])).any()

    @pytest.mark.parametrize("train", [0, 20, 0.7])
    def test_split_refuses(self, train, rng):
        X = np.zeros((20, 1))
        with pytest.raises((ValueError, TypeError), match="train.*1.*19"):
            split(Data(X, X, "rows"), rng, train)

    def test_standardise_uses_the_training_rows_only(self, rng):
        train, test = split(digits(), rng, 1400)
        both = standardise(train, test)
        np.testing.assert_allclose(both[0].X.mean(0), 0, atol=1e-14)
        assert both[0].X.std() == pytest.approx(1, rel=1e-12)
        assert abs(both[1].X.mean(0)).max() > 1e-3
        ratio = (both[1].X[1] - both[1].X[0]) / np.where(
            test.X[1] == test.X[0], np.nan, test.X[1] - test.X[0]
        )
        assert np.nanmax(ratio) == pytest.approx(np.nanmin(ratio), rel=1e-9)

    def test_standardise_refuses_data_that_do_not_vary(self):
        flat = Data(np.ones((5, 2)), np.ones((5, 1)), "flat")
        with pytest.raises(ValueError, match="flat"):
            standardise(flat, flat)
