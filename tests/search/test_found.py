"""How sure the best is, and what mattered: against what the numbers were made of."""

import numpy as np
import pytest

from pullback.search.found import Found, chosen_without

optuna = pytest.importorskip("optuna")

RATE = optuna.distributions.FloatDistribution(0.1, 10.0, log=True)
NOISE = optuna.distributions.IntDistribution(0, 3)


def trial(number, scores, params=None, whole=True):
    params = params or {"rate": 1.0, "noise": 0}
    made = optuna.trial.create_trial(
        state=optuna.trial.TrialState.COMPLETE if whole else optuna.trial.TrialState.PRUNED,
        value=float(np.mean(scores)),
        params=params,
        distributions={"rate": RATE, "noise": NOISE},
        user_attrs={
            "settings": params,
            "scores": list(scores),
            "ended": "judged by all folds" if whole else "others were better",
            "epochs": 5,
            "seconds": 1.0,
        },
    )
    made.number = number
    return made


def test_the_best_is_that_of_the_folds_mean_and_only_whole_ones_count():
    trials = (trial(0, (0.8, 0.8)), trial(1, (0.9, 0.86)), trial(2, (0.99,), whole=False))
    assert Found(trials, True).best.number == 1
    assert Found(trials, False).best.number == 0
    assert Found(trials, True).own.number == 0
    assert Found((), True).best is None
    assert Found((), True).as_good(3) == ()


def test_the_standard_error_is_that_of_the_mean():
    tried = Found((trial(0, (0.7, 0.8, 0.9, 0.6)),), True).tried[0]
    assert tried.error == pytest.approx(np.std([0.7, 0.8, 0.9, 0.6], ddof=1) / 2.0)
    assert np.isnan(Found((trial(0, (0.7,)),), True).tried[0].error)


def test_what_is_within_one_standard_error_is_as_good():
    best = trial(0, (0.88, 0.92))  # 0.9 with an error of 0.02
    trials = (best, trial(1, (0.89, 0.88)), trial(2, (0.87, 0.87)), trial(3, (0.9, 0.885)))
    assert [t.number for t in Found(trials, True).as_good(5)] == [0, 3, 1]
    assert [t.number for t in Found(trials, True).as_good(2)] == [0, 3]


def test_choosing_among_settings_of_luck_alone_is_found_out():
    """The best of many that are all alike looks good; chosen without the judge, it does not."""
    rng = np.random.default_rng(0)
    naive, honest = [], []
    for _ in range(200):
        scores = rng.normal(0.8, 0.02, (40, 5))
        naive.append(scores.mean(axis=1).max())
        honest.append(chosen_without(scores.tolist(), larger=True))
    assert np.mean(naive) > 0.815
    assert abs(np.mean(honest) - 0.8) < 4.0 * np.std(honest) / np.sqrt(200)


def test_of_errors_the_smallest_is_chosen():
    scores = [(1.0, 1.0), (2.0, 2.0), (3.0, 0.5)]
    assert chosen_without(scores, larger=False) == pytest.approx((1.0 + 1.0) / 2.0 + 1.0)
    assert np.isnan(chosen_without([], larger=True))
    assert np.isnan(chosen_without([(0.5,)], larger=True))


def test_what_matters_is_found_and_what_does_not_is_not():
    rng = np.random.default_rng(0)
    trials = []
    for k in range(60):
        rate, noise = float(10.0 ** rng.uniform(-1.0, 1.0)), int(rng.integers(4))
        score = 0.9 - 0.1 * abs(np.log10(rate))
        trials.append(trial(k, (score,), {"rate": rate, "noise": noise}, whole=k % 2 == 0))
    shares = Found(tuple(trials), True).importance
    assert list(shares) == ["rate", "noise"]
    assert shares["rate"] > 0.9
    assert sum(shares.values()) == pytest.approx(1.0)
    assert Found(tuple(trials[:5]), True).importance == {}
    alike = tuple(trial(k, (0.5, 0.5)) for k in range(20))
    assert Found(alike, True).importance == {}


def test_the_table_has_a_row_for_each_trial():
    trials = (trial(0, (0.8, 0.9)), trial(1, (0.7,), whole=False))
    table = Found(trials, True).table
    assert list(table["mean"]) == pytest.approx([0.85, 0.7])
    assert list(table["fold2"].isna()) == [False, True]
    assert Found((), True).table.empty
