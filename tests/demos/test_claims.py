"""Claims on trial: the statistics, what the pairs share, the figure.

What the trials find is in tests/results/test_claims_results.py.
"""

import numpy as np
import pytest
from scipy import stats

from helpers.activations import RELU
from helpers.datasets import digits
from helpers.demos import claims
from helpers.demos.claims import CLAIMS, KINDS, Paired, Scores, Speed, paired, record_trial
from helpers.live import LiveFigure
from helpers.losses import SOFTMAX
from helpers.network import Net
from helpers.training import SGD, finish, train

SEED = 26


@pytest.fixture(autouse=True)
def raise_errors(monkeypatch):
    monkeypatch.setattr(LiveFigure, "raise_errors", True)


@pytest.fixture
def few(monkeypatch):
    """Trials with 4 seeds, shallower nets and short trainings, for tests of the figure."""
    monkeypatch.setattr(claims, "NETS", 4)
    monkeypatch.setattr(claims, "DEEP", 3)


@pytest.fixture(scope="module")
def split():
    return claims._split("from 0 to 1", SEED, 3)


# --- the statistics -----------------------------------------------------------------------------


def test_the_table_of_student():
    exact = stats.t.ppf(0.975, np.arange(1, claims.NETS))
    np.testing.assert_allclose(claims.STUDENT, exact, atol=5e-5)


@pytest.mark.parametrize("n", [2, 3, 8, 24])
def test_mean_spread_interval_and_verdict_are_those_of_a_t_test(n):
    rng, verdicts = np.random.default_rng(2600 + n), set()
    for shift in (-1.5, 0, 1.5) * 5:
        d = shift + rng.standard_normal(n)
        one, test = paired(d), stats.ttest_1samp(d, 0)
        low, high = test.confidence_interval(0.95)
        assert (one.n, one.mean) == (n, pytest.approx(np.mean(d)))
        assert one.spread == pytest.approx(np.std(d, ddof=1))
        assert (one.mean - one.half, one.mean + one.half) == pytest.approx((low, high), abs=2e-4)
        word = claims.NOT_HERE if test.pvalue > 0.05 else claims.SHOWS
        assert one.verdict == (claims.REVERSED if test.pvalue < 0.05 and one.mean < 0 else word)
        verdicts.add(one.verdict)
    assert len(verdicts) == 3 or n < 8


def test_one_difference_has_no_interval_and_no_verdict():
    one = paired([3.0])
    assert (one.mean, one.half) == (3, np.inf) and np.isnan(one.spread)
    assert one.verdict == claims.ONE_RUN
    assert Paired(5, np.nan, np.nan, np.nan).verdict == claims.UNTRIED
    assert paired(np.zeros(7)).verdict == claims.NOT_HERE  # no difference at all


@pytest.mark.parametrize("n", [2, 3, 6, 24])
def test_where_there_is_no_effect_one_trial_in_twenty_says_there_is(n):
    draws = np.random.default_rng(2630 + n).standard_normal((4000, n))
    false = np.mean([paired(d).verdict != claims.NOT_HERE for d in draws])
    assert false == pytest.approx(0.05, abs=0.016)  # 4.6 standard errors


def test_too_many_or_bad_differences_are_refused():
    with pytest.raises(ValueError, match="the number of differences .* 1 to 24"):
        paired(np.zeros(25))
    with pytest.raises(ValueError, match="differences"):
        paired([1.0, np.nan])


# --- what the nets of a pair have in common -----------------------------------------------------


def test_every_seed_has_digits_of_its_own_and_all_others_are_new(split):
    whole = digits()
    rows = {row.tobytes(): label for row, label in zip(whole.X, whole.Y, strict=True)}
    for X, Y, (X_new, Y_new) in zip(split.X, split.Y, split.unseen(), strict=True):
        assert len(X) == 300 and len(X_new) == 1497
        assert not {x.tobytes() for x in X} & {x.tobytes() for x in X_new}
        assert all(rows[x.tobytes()] == y for x, y in zip(X, Y, strict=True))
        assert all(rows[x.tobytes()] == y for x, y in zip(X_new, Y_new, strict=True))
    assert (split.X[0] != split.X[1]).any()


def test_a_fifth_of_the_labels_is_wrong(split):
    wrong = split.Y != split.Y_wrong
    assert (wrong.sum(1) == 60).all() and split.Y_wrong.min() == 0 and split.Y_wrong.max() == 9
    moved = (split.Y_wrong - split.Y)[wrong] % 10
    assert set(moved) == set(range(1, 10))


def test_standardised_pixels_are_scaled_by_what_is_learned_from(split):
    scaled = claims._split("standardised", SEED, 3)
    np.testing.assert_allclose(scaled.X.mean(1), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.X.std((1, 2)), 1)
    k, old, new = 1, split.X, unseen(split)[0]
    mean = old[k].mean(0)
    np.testing.assert_allclose(unseen(scaled)[0][k], (new[k] - mean) / (old[k] - mean).std())
    np.testing.assert_array_equal(scaled.Y_wrong, split.Y_wrong)


def unseen(split):
    """X and Y of the other digits, a tuple of nets each."""
    return tuple(zip(*split.unseen(), strict=True))


def alone(k, split, labels, hidden, scheme, lr, steps, batch, **how):
    """Net k of the ReLU nets of `split`, trained without the others."""
    net = Net((64, *hidden, 10), RELU)
    theta = net.init(claims._rng(SEED, 1), scheme, lead=3)[k]
    return net, train(
        net, theta, split.X[k], labels[k], SOFTMAX, steps=steps, optimizer=SGD(lr), batch=batch,
        rng=claims._rng(SEED, 2), **how,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "hidden", "scheme", "lr", "steps", "batch"),
    [
        ("ReLU", (64, 64), "he", 0.2, 300, 32),
        ("ReLU, wrong labels", (64, 64), "he", 0.2, 300, 32),
        ("ReLU, 1/n", (32,) * 20, "lecun", 0.01, 200, 16),
        ("ReLU, 2/n", (32,) * 20, "he", 0.01, 200, 16),
    ],
)
def test_scores_are_those_of_each_net_alone(split, kind, hidden, scheme, lr, steps, batch):
    scores = finish(KINDS[kind](split, SEED, 0.3))
    labels = split.Y_wrong if "labels" in kind else split.Y
    net, run = alone(2, split, labels, hidden, scheme, lr, steps, batch)
    for share, X, Y in ((scores.old, split.X, labels), (scores.new, *unseen(split))):
        right = net.output(run.theta, X[2]).argmax(-1) == Y[2]
        assert share[2] == pytest.approx(right.mean(), abs=1e-12)
    assert len(set(scores.new)) == 3  # other seeds, other nets


def test_kinds_have_the_activation_that_they_say(split):
    """`leak` reaches the leaky nets of the first claims and nothing else."""
    leaks = [finish(KINDS["leaky"](split, SEED, leak)).new for leak in (0.01, 0.3)]
    assert (leaks[0] != leaks[1]).any()
    shares = {kind: finish(KINDS[kind](split, SEED, 0.3)).new for kind in ("ReLU", "mixed", "abs")}
    assert len({tuple(share) for share in shares.values()}) == 3


@pytest.mark.parametrize("rate", [0, 3])
def test_the_pace_is_where_nine_digits_in_ten_are_right_for_the_first_time(split, rate):
    speed = finish(KINDS["ReLU, timed"](split, SEED, 0.3))
    lr, last = claims.RATES[rate], claims.LOOKS[-1]
    assert speed.steps.shape == (len(claims.RATES), 3)
    net, run = alone(1, split, split.Y, (64, 64), "he", lr, last, 32, record=claims.LOOKS)
    right = [
        (net.output(theta, split.X[1]).argmax(-1) == split.Y[1]).mean() for theta in run.thetas
    ]
    steps = speed.steps[rate, 1]
    if max(right) < 0.9:
        assert steps == last
        return
    k = np.argmax(np.array(right) >= 0.9)
    assert run.frames[k - 1] < steps <= run.frames[k]
    assert np.interp(steps, run.frames[[k - 1, k]], right[k - 1 : k + 1]) == pytest.approx(0.9)


def test_crossings_are_on_the_straight_line_between_two_looks():
    steps, flat = np.array([0, 2, 4, 8]), np.full(4, 0.1)
    shares = np.stack([[0.1, 0.5, 0.8, 1], [0.95, 1, 1, 1], [0.1, 0.9, 0.9, 0.2], flat], axis=1)
    np.testing.assert_allclose(claims.crossings(steps, shares, 0.9), [6, 0, 2, 8])


def test_one_rate_for_all_seeds_and_the_best_one():
    speed = Speed(np.array([[10.0, 80.0], [20.0, 30.0], [12.0, 60.0]]))
    np.testing.assert_array_equal(speed.best, [20, 30])


# --- claims -------------------------------------------------------------------------------------

GOOD, BAD = Scores(np.array([0.9]), np.array([0.8])), Scores(np.array([0.7]), np.array([0.5]))


@pytest.mark.parametrize("name", CLAIMS)
def test_differences_are_positive_where_the_claim_is_right(name):
    claim = CLAIMS[name]
    quick, slow = Speed(np.array([[10.0]])), Speed(np.array([[60.0]]))
    better, reference = (quick, slow) if claim.unit == "doublings" else (GOOD, BAD)
    known = {claim.better: better, claim.reference: reference}
    if "gap" in name:
        expected = 10
    elif claim.unit == "doublings":
        expected = claims.SIX_TIMES
    else:
        expected = 20 if claim.quantity is claims._old else 30
    np.testing.assert_allclose(claims._difference(claim, known), expected)
    assert claim.better in KINDS and claim.reference in KINDS


def test_a_trial_of_some_claims_trains_these_alone(few):
    trial = finish(record_trial(claims=("2/n goes deeper than 1/n",), seed=SEED))
    assert list(trial.differences) == ["2/n goes deeper than 1/n"]
    split = claims._split("from 0 to 1", SEED, 4)
    better, reference = (finish(KINDS[kind](split, SEED, 0.3)).old for kind in
                         ("ReLU, 2/n", "ReLU, 1/n"))  # fmt: skip
    differences = trial.differences["2/n goes deeper than 1/n"]
    np.testing.assert_allclose(differences, 100 * (better - reference))
    for n, one in enumerate(trial.results["2/n goes deeper than 1/n"], start=1):
        assert (one.n, one.mean) == (n, pytest.approx(differences[:n].mean()))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"leak": 0.2}, "leak must be one of 0.01, 0.1, 0.3, got 0.2"),
        ({"pixels": "raw"}, "pixels"),
        ({"seed": 100}, "seed .* 0 to 99, got 100"),
        ({"claims": ["smaler gap"]}, "did you mean 'smaller gap'"),
    ],
)
def test_bad_settings_are_refused_in_words(settings, message):
    with pytest.raises(ValueError, match=message):
        next(record_trial(**settings))


# --- the figure ---------------------------------------------------------------------------------


def fake(means, spread=1.0, **settings):
    """A trial whose differences are `means` with the given spread over the seeds."""
    waves = spread * np.resize([1.0, -1.0], claims.NETS)
    differences = {name: m + waves for name, m in zip(CLAIMS, means, strict=False)}
    results = {name: claims._results(d) for name, d in differences.items()}
    return claims.Trial("from 0 to 1", 0.3, differences, results)


MEANS = (2.0, -2.0, 0.1, -1.0, np.nan, 0.0, 0.2, 30.0, 300.0)


def test_the_table_says_what_the_results_say():
    result = claims.compute_trial(record=fake(MEANS), claim="smaller gap", seeds=24)
    words = claims.describe_trial(result)
    assert "smaller gap: +2.00 ± 0.43 points (1.02), shows" in words
    assert "smaller gap, wrong labels: -2.00 ± 0.43 points (1.02), the other way round" in words
    assert "new digits, wrong labels: +0.10 ± 0.43 points (1.02), does not show here" in words
    assert "ReLU faster than tanh: -1.00 ± 0.43 doublings" in words
    assert "mixed beats ReLU: not trained" in words
    assert "2/n goes deeper than 1/n: +300.0 ± 0.43" in words
    assert words.endswith("Drawn seed by seed: smaller gap (gap: leaky minus ReLU).")
    one = claims.describe_trial(result._replace(seeds=1))
    assert "1 seed." in one and "smaller gap: +3.00 ± ? points, no verdict from one seed" in one


@pytest.mark.parametrize("seeds", [1, 2, 24])
@pytest.mark.parametrize("name", ["smaller gap", "ReLU faster than tanh", "mixed beats ReLU"])
def test_artists_show_the_result(name, seeds):
    record = fake(MEANS)
    result = claims.compute_trial(record=record, claim=name, seeds=seeds)
    figure = claims.style.figure()
    artists = claims.build_trial(figure)
    assert claims.draw_trial(artists, result) is True
    assert claims.draw_trial(artists, result) is False
    x, y = artists["dots"].get_data()
    np.testing.assert_array_equal(x, np.arange(1, seeds + 1))
    np.testing.assert_array_equal(y, record.differences[name][:seeds])
    np.testing.assert_array_equal(
        artists["mean"].get_ydata(), [one.mean for one in record.results[name][:seeds]]
    )
    low, high = artists["ax"].get_ylim()
    if name != "mixed beats ReLU":
        assert low < y.min() and y.max() < high and low < 0 < high
    if seeds == 24 and name == "smaller gap":
        edge = artists["band"].get_paths()[0].vertices
        assert {round(v, 6) for v in edge[edge[:, 0] == 24, 1]} == {
            round(2 + sign * result.now[name].half, 6) for sign in (-1, 1)
        }
    shown = {verdict: len(line.get_ydata()) for verdict, line in artists["marks"].items()}
    expected = [one.verdict for one in result.now.values()]
    assert shown == {verdict: expected.count(verdict) for verdict in shown}
    assert sum(shown.values()) == (0 if seeds == 1 else 8)
    assert artists["claimed"].get_visible() == (name == "ReLU faster than tanh")


def test_every_quick_control_moves_the_picture_and_the_words(few):
    figure = claims.trial(seeds=4, seed=SEED)
    for name, value in dict(seeds=3, claim="mixed beats abs").items():
        before, text = figure._image.value, figure.text
        figure.set(**{name: value})
        assert figure._image.value != before, name
        assert figure.text != text, name
    again = eval(figure.experiment, {"claims": claims})
    assert again.text == figure.text
    text = figure.text
    figure.set(pixels="standardised")
    assert figure.text != text and "Pixels standardised" in figure.text


def test_a_stopped_trial_keeps_what_was_trained(few):
    job = record_trial(seed=SEED)
    message, progress = None, []
    with pytest.raises(StopIteration) as end:
        while True:
            progress.append(job.send(message))
            if progress[-1] > 0.4:
                message = "stop"
    assert progress == sorted(progress) and progress[-1] <= 1
    now = claims.compute_trial(record=end.value.value, seeds=4).now
    assert now["mixed beats abs"].verdict != claims.UNTRIED
    assert now["2/n goes deeper than 1/n"].verdict == claims.UNTRIED
