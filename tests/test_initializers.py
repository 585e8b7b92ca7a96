"""Every draw has the standard deviation it says, and orthogonal is orthogonal."""

import numpy as np
import pytest

from helpers.initializers import SCHEMES, Scheme, scheme, std

RANDOM = ["uniform", "normal", "lecun", "xavier", "he", "orthogonal", "matched"]
SHAPES = [(30, 20), (20, 30), (25, 25), (1, 7), (7, 1)]


@pytest.fixture
def rng():
    return np.random.default_rng(13)


@pytest.mark.parametrize("name", SCHEMES)
class TestEveryScheme:
    def test_the_name_is_the_key(self, name):
        assert SCHEMES[name].name == name
        assert scheme(name) is SCHEMES[name] is scheme(SCHEMES[name])
        assert isinstance(scheme(name), Scheme) and scheme(name).formula and scheme(name).source

    @pytest.mark.parametrize("lead", [(), (4,), (2, 3)])
    @pytest.mark.parametrize("fans", SHAPES)
    def test_shape(self, name, lead, fans, rng):
        assert scheme(name).draw(rng, (*lead, *fans)).shape == (*lead, *fans)

    def test_gain_multiplies_the_same_draw(self, name):
        draws = [SCHEMES[name].draw(np.random.default_rng(1), (6, 4), gain) for gain in (1.0, 2.5)]
        np.testing.assert_allclose(draws[1], 2.5 * draws[0], rtol=1e-15)

    def test_float32_is_the_rounded_float64_draw(self, name):
        single, double = (
            SCHEMES[name].draw(np.random.default_rng(1), (6, 4), dtype=t)
            for t in (np.float32, np.float64)
        )
        assert single.dtype == np.float32 and double.dtype == np.float64
        np.testing.assert_array_equal(single, double.astype(np.float32))

    @pytest.mark.parametrize("shape", [(), (3,), (0, 3), (3, 0), (2.5, 3), (-1, 3)])
    def test_refuses_shapes(self, name, shape, rng):
        with pytest.raises((ValueError, TypeError), match="shape"):
            SCHEMES[name].draw(rng, shape)

    @pytest.mark.parametrize("gain", [np.nan, np.inf, -1.0, "2"])
    def test_refuses_gains(self, name, gain, rng):
        with pytest.raises((ValueError, TypeError), match="gain"):
            SCHEMES[name].draw(rng, (3, 3), gain)

    def test_refuses_other_arguments(self, name, rng):
        with pytest.raises(TypeError, match="dtype.*int64"):
            SCHEMES[name].draw(rng, (3, 3), dtype=np.int64)
        with pytest.raises(TypeError, match="rng"):
            SCHEMES[name].draw(0, (3, 3))


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("fans", SHAPES)
def test_the_sample_has_the_stated_deviation(name, fans, rng):
    """Within 5 standard errors of a mean square over nets, allowing for a kurtosis up to 3."""
    nets = 40_000 // (fans[0] * fans[1])
    W = scheme(name).draw(rng, (nets, *fans), gain=1.3)
    expected = std(name, *fans, gain=1.3)
    relative = 5 * np.sqrt(2 / W.size)
    assert np.mean(W**2) == pytest.approx(expected**2, rel=relative)
    assert abs(W.mean()) < 5 * expected / np.sqrt(W.size)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("uniform", 1 / np.sqrt(3 * 50)),
        ("normal", 1),
        ("lecun", 1 / np.sqrt(50)),
        ("xavier", np.sqrt(2 / 70)),
        ("he", np.sqrt(2 / 50)),
        ("matched", 1 / np.sqrt(50)),
        ("orthogonal", 1 / np.sqrt(50)),
        ("zeros", 0),
        ("constant", 0),
    ],
)
def test_published_deviations(name, expected):
    assert std(name, 50, 20) == pytest.approx(expected, rel=1e-15)
    assert std(name, 50, 20, gain=3) == pytest.approx(3 * expected, rel=1e-15)


def test_uniform_stays_within_its_limits(rng):
    W = scheme("uniform").draw(rng, (25, 4000), gain=2.0)
    assert abs(W).max() <= 2 / 5
    assert abs(W).max() > 0.99 * 2 / 5


def test_constant_passes_on_the_mean_of_its_inputs(rng):
    W, x = scheme("constant").draw(rng, (8, 3)), rng.standard_normal((5, 8))
    np.testing.assert_allclose(x @ W, np.repeat(x.mean(1, keepdims=True), 3, 1), rtol=1e-12)
    assert not scheme("zeros").draw(rng, (8, 3)).any()


@pytest.mark.parametrize("fans", SHAPES)
@pytest.mark.parametrize("lead", [(), (3,), (2, 2)])
def test_orthogonal_to_the_last_digits(fans, lead, rng):
    W = scheme("orthogonal").draw(rng, (*lead, *fans), gain=1.0)
    small = W if fans[0] >= fans[1] else W.swapaxes(-1, -2)
    gram = small.swapaxes(-1, -2) @ small
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(min(fans)), gram.shape), atol=1e-12)


def test_orthogonal_has_no_preferred_sign(rng):
    """Without the sign repair the corner of Q leans the same way in every draw."""
    corner = scheme("orthogonal").draw(rng, (4000, 2, 2))[:, 0, 0]
    assert abs(corner.mean()) < 5 * np.sqrt(0.5 / 4000)
    turns = np.linalg.det(scheme("orthogonal").draw(rng, (1000, 3, 3))) > 0
    assert turns.mean() == pytest.approx(0.5, abs=5 * np.sqrt(0.25 / 1000))


def test_xavier_and_he_count_different_fans(rng):
    assert std("he", 100, 1) != std("he", 1, 100)
    assert std("xavier", 100, 1) == std("xavier", 1, 100)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="'xavir'") as error:
        scheme("xavir")
    assert all(name in str(error.value) for name in SCHEMES)


@pytest.mark.parametrize("fans", [(0, 3), (3, 1.5), (np.nan, 2)])
def test_std_refuses(fans):
    with pytest.raises((ValueError, TypeError), match="fan_"):
        std("he", *fans)
