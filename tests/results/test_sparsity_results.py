"""Row D6 of the catalogue, and idea 20 of the lessons: what zeros do, and what they do not do.

On seeds that no notebook uses (from 60 of the demos' 0 to 99, and from 2600). Numbers in comments
are what was measured over more seeds.
"""

import numpy as np
import pytest

from helpers import diagnostics
from helpers.demos.sparsity import (
    CODES,
    FIRST,
    LEVELS,
    coin_tosses,
    compute_flips,
    compute_half_are_zero,
    recorded_codes,
)
from helpers.network import Net

SEED = 2606

# ---------------------------------------------------------------- D6: half are zero


@pytest.fixture(scope="module")
def layers():
    """(nets, layers, 3): zero for an input, dead on all 64 inputs, always on; by `diagnostics`."""
    net, counts = Net((200,) * 21, "relu", "relu"), []
    for seed in range(30):
        rng = np.random.default_rng([SEED, seed])
        X, theta = rng.standard_normal((64, 200)), net.init(rng, "he")
        counts.append([
            (diagnostics.zero_for_input("relu", z).mean(),
             diagnostics.dead_on_data("relu", [z[:32], z[32:]]).mean(),
             (z > 0).all(-2).mean())
            for z in net.forward(theta, X).Z
        ])  # fmt: skip
    return np.array(counts)


@pytest.fixture(scope="module")
def figures():
    """The demo itself: 20 seeds of 8 nets."""
    return [compute_half_are_zero(seed=seed) for seed in range(60, 80)]


def test_d6_half_are_zero_at_every_depth(layers, figures):
    assert layers[:, :, 0].mean() == pytest.approx(0.5, abs=0.008)
    np.testing.assert_allclose(layers[:, :, 0].mean(0), 0.5, atol=0.025)
    shares = np.array([r.zero for r in figures])
    assert shares.mean() == pytest.approx(0.5, abs=0.008)
    np.testing.assert_allclose(shares.mean((0, 1)), 0.5, atol=0.025)
    for r in figures:
        np.testing.assert_allclose(r.theory.zero, 0.5, atol=1e-12)


def test_d6_dead_on_all_inputs(layers, figures):
    """Layers 2, 5, 20: .0016, .065, .292 for width 200; .0025, .065, .305 for width 64."""
    for wanted, layer in ((0.0, 2), (0.05, 5), (0.29, 20)):
        assert layers[:, layer - 1, 1].mean() == pytest.approx(wanted, abs=0.04)
        shares = np.array([r.on_data[:, layer - 1] for r in figures])
        assert shares.mean() == pytest.approx(wanted, abs=0.04)
    assert np.mean([r.on_data[:, 19] for r in figures], axis=1).min() >= 0.12


def test_d6_as_many_are_always_on(layers):
    """The difference in layer 20 is -.002 +- .01."""
    np.testing.assert_allclose(layers[..., 1].mean(0), layers[..., 2].mean(0), atol=0.035)


def test_d6_wide_nets_have_29_per_cent():
    theory = compute_half_are_zero(seed=60).theory
    np.testing.assert_allclose(theory.dead[[1, 4, 19], 2], [0.0015, 0.0622, 0.2861], atol=1e-4)


# ---------------------------------------------------------------- D6: flips


@pytest.mark.parametrize("angle, share, after", [
    (30.0, 0.1666, 28.26), (90.0, 0.4993, 71.44), (150.0, 0.8333, 89.15),
])  # fmt: skip
def test_d6_flips_are_the_angle_over_pi(angle, share, after):
    """40 seeds of 8 nets of width 100: standard errors .0027 and .15 degrees at most."""
    results = [compute_flips(angle=angle, seed=seed) for seed in range(60, 100)]
    assert np.mean([r.differ[:, 0] for r in results]) == pytest.approx(share, abs=0.008)
    assert np.mean([r.angles[:, 1] for r in results]) == pytest.approx(after, abs=0.6)
    assert results[0].theory[0] == pytest.approx(angle / 180)


def test_d6_orthogonal_inputs_through_20_layers():
    """.4991, .396, .261, .172, .104 over 320 nets of width 100; theory for wide ones .107."""
    shares = np.mean([compute_flips(seed=seed).differ for seed in range(60, 100)], axis=(0, 1))
    np.testing.assert_allclose(
        shares[[0, 1, 4, 9, 19]], [0.500, 0.397, 0.262, 0.174, 0.107], atol=0.012
    )


def test_d6_active_paths():
    """A path is active if all its units are: .00096 of them, where 2^-10 = .00098."""
    net, shares = Net((100,) * 11, "relu", "relu"), []
    for seed in range(3):
        theta = net.init(np.random.default_rng([SEED, seed]), "he", lead=(60,))
        x = np.random.default_rng([SEED, seed, 1]).standard_normal((1, 100))
        shares.append(np.prod([(z > 0).mean(-1) for z in net.forward(theta, x).Z], axis=0))
    assert np.mean(shares) == pytest.approx(2**-10, rel=0.15)


# ---------------------------------------------------------------- idea 20: four claims


@pytest.fixture(scope="module")
def records():
    """Three splits of the digits with 16 ReLU and 16 tanh nets each."""
    return [recorded_codes(seed=seed) for seed in (60, 61, 62)]


def means(records, stage, layer, of):
    return np.array([np.mean(of(record.looks[stage, layer])) for record in records])


def test_idea_20a_noise_flips_as_many_units_as_the_angle_says(records):
    """D6: .32 % at 1 % noise and 3.2 % at 10 %: angle over pi."""
    for level, wanted, tolerance in ((0, 0.0032, 0.0006), (4, 0.032, 0.003)):
        flips = means(records, "random", 1, lambda look, level=level: look.flips[level])
        np.testing.assert_allclose(flips, wanted, atol=tolerance)
        assert LEVELS[level] == pytest.approx((0.01, 0.1)[level // 4])
    for record in records:
        X = record.test.X[: len(record.noise)]
        noisy = X + np.linalg.norm(X, axis=1, keepdims=True) * record.noise
        cosine = (X * noisy).sum(1) / np.linalg.norm(X, axis=1) / np.linalg.norm(noisy, axis=1)
        share = np.mean(np.arccos(cosine)) / np.pi  # noise as long as the digit: about 45 degrees
        assert record.looks["random", 1].flips[8].mean() == pytest.approx(share, abs=0.012)
        assert share == pytest.approx(0.25, abs=0.02)


def ratio(records, stage, layer, code):
    """How far 10 % noise moves the ReLU code, over how far it moves another code."""
    return means(records, stage, layer, lambda look: look.changes["relu"][4]) / means(
        records, stage, layer, lambda look: look.changes[code][4]
    )


def test_idea_20a_the_dense_code_of_the_same_net_is_no_less_stable(records):
    """1.21, 1.14 in random nets, 1.10, 1.03 (least 1.02) in trained ones: z itself moves less."""
    for layer in (1, 2):
        assert (ratio(records, "random", layer, "dense") > 1.1).all()
        assert (ratio(records, "trained", layer, "dense") > 1.0).all()


def test_idea_20a_a_tanh_net_is_more_stable_before_training_and_less_after(records):
    """1.12 and 1.18 against .93 and .84."""
    for layer in (1, 2):
        assert (ratio(records, "random", layer, "tanh") > 1.06).all()
        assert (ratio(records, "trained", layer, "tanh") < 0.98).all()


def test_idea_20b_sizes_vary_like_tosses_of_a_coin(records):
    """.80 to 1.10 times the 4.0 units of the tosses, over 12 seeds."""
    for record in records:
        for look in record.looks.values():
            coin = np.sqrt(look.active * (1 - look.active / 64)).mean()
            assert 0.75 * coin < look.spread.mean() < 1.15 * coin


def gain(records, stage, layer, code):
    """Right answers of a probe on the ReLU code minus those on another code."""
    return means(records, stage, layer, lambda look: look.probe["relu"] - look.probe[code])


def test_idea_20c_probe_on_random_nets(records):
    """Second layer: -.042 against z, -.032 against tanh; first: -.007 to .005 against tanh."""
    assert (gain(records, "random", 2, "dense") < -0.02).all()
    assert (gain(records, "random", 2, "tanh") < -0.015).all()
    assert (abs(gain(records, "random", 1, "tanh")) < 0.015).all()


def test_idea_20c_probe_on_trained_nets(records):
    """+.002 (-.0005 to .004) against z of the same net in layer 2; against tanh +.014, +.008."""
    assert (abs(gain(records, "trained", 2, "dense")) < 0.008).all()
    for layer in (1, 2):
        assert (gain(records, "trained", layer, "tanh") > 0.002).all()


def test_idea_20c_which_units_are_on_is_not_the_whole_code(records):
    """.04 to .07 fewer right answers than with the values, and still .80 to .93."""
    for stage, layer in records[0].looks:
        assert (gain(records, stage, layer, "pattern") > 0.02).all()
        assert (means(records, stage, layer, lambda look: look.probe["pattern"]) > 0.78).all()


def test_idea_20d_patterns_abound_and_dense_codes_have_as_many(records):
    """All 64 units: 784 to 797 of 797. First 10: 357 and 357, 224 and 354 in random nets."""
    ten = list(FIRST).index(10)
    for record in records:
        for look in record.looks.values():
            for act in ("relu", "tanh"):
                assert look.distinct[act][-1].mean() > 770
                assert (look.distinct[act].mean(1) <= coin_tosses(FIRST, 797) * 1.02 + 1).all()
        first, second = (record.looks["random", layer].distinct for layer in (1, 2))
        np.testing.assert_array_equal(first["relu"], first["tanh"])
        assert second["relu"][ten].mean() < 0.75 * second["tanh"][ten].mean()
        last = record.looks["trained", 2].distinct
        assert last["relu"][ten].mean() < 0.85 * last["tanh"][ten].mean()


def test_idea_20_both_nets_have_learned(records):
    """.966 to .980 of the test digits; ReLU minus tanh -.001 to .006."""
    for record in records:
        relu, tanh = (record.accuracy[act].mean() for act in ("relu", "tanh"))
        assert relu > 0.955 and tanh > 0.955 and abs(relu - tanh) < 0.01
        assert set(CODES) == set(record.looks["random", 1].probe)
