"""Interquartile means and their intervals, by hand and by law."""

import numpy as np
import pytest

from rl_credit.analysis import intervals


@pytest.mark.parametrize(
    "scores, expected",
    [
        ([3.0], 3.0),
        ([1.0, 3.0], 2.0),
        ([0.0, 1.0, 2.0, 9.0], 1.5),  # the middle two
        ([0.0, 1.0, 2.0, 4.0, 100.0], (0.75 * 1 + 2 + 0.75 * 4) / 2.5),
        ([[5.0, 1.0], [100.0, 3.0]], 4.0),  # of 1, 3, 5, 100
    ],
)
def test_the_mean_of_the_middle_half(scores, expected):
    assert intervals.iqm(np.asarray(scores)) == pytest.approx(expected)


def test_it_is_the_trimmed_mean_where_that_cuts_no_score():
    scores = np.random.default_rng(0).normal(size=(5, 8))
    ordered = np.sort(scores.reshape(-1))
    assert intervals.iqm(scores) == pytest.approx(ordered[10:30].mean())


def test_outliers_do_not_move_it():
    scores = np.arange(8.0)
    worse = scores.copy()
    worse[[0, 7]] = -1e6, 1e6
    assert intervals.iqm(worse) == intervals.iqm(scores)


def test_scores_without_spread_have_an_interval_without_width():
    assert intervals.bootstrap(np.full(5, 7.0)) == (7.0, 7.0)


def test_the_interval_is_reproducible_and_holds_the_statistic():
    scores = np.random.default_rng(1).normal(size=(10, 3))
    low, high = intervals.bootstrap(scores)
    assert low < intervals.iqm(scores) < high
    assert intervals.bootstrap(scores) == (low, high)
    assert intervals.bootstrap(scores, seed=1) != (low, high)


def test_a_higher_level_is_wider():
    scores = np.random.default_rng(2).normal(size=12)
    low, high = intervals.bootstrap(scores, level=0.5)
    lower, higher = intervals.bootstrap(scores, level=0.99)
    assert lower < low < high < higher


def test_tasks_are_strata():
    scores = np.asarray([[0.0, 1.0]] * 6)  # seeds do not differ, tasks do
    assert intervals.bootstrap(scores) == (0.5, 0.5)


def test_the_interval_of_a_mean_covers_it_about_as_often_as_it_says():
    random = np.random.default_rng(3)
    covered = 0
    for _ in range(200):
        scores = random.normal(size=20)
        low, high = intervals.bootstrap(
            scores, lambda drawn: drawn.mean(axis=(-2, -1)), draws=400
        )
        covered += low < 0 < high
    assert 170 < covered < 200


@pytest.mark.parametrize(
    "scores, words",
    [([], "shape"), ([1.0, np.nan], "nan"), ([np.inf, 0.0], "inf")],
)
def test_what_has_no_statistic_is_refused(scores, words):
    with pytest.raises(ValueError, match=words):
        intervals.iqm(np.asarray(scores))


def test_a_level_that_is_none_is_refused():
    with pytest.raises(ValueError, match="level is 95"):
        intervals.bootstrap(np.ones(3), level=95.0)


def test_improvement_is_the_share_of_pairs_that_are_better():
    found = intervals.improvement(np.array([1.0, 3.0]), np.array([0.0, 2.0, 3.0]))
    assert found.middle == pytest.approx((1 + 0 + 0 + 1 + 1 + 0.5) / 6)
    assert 0 <= found.low < found.middle < found.high <= 1


def test_improvement_turns_round_with_its_arguments():
    one, other = np.random.default_rng(0).normal(size=(2, 7))
    there, back = intervals.improvement(one, other), intervals.improvement(other, one)
    assert there.middle == pytest.approx(1 - back.middle)
    assert intervals.improvement(one + 9, other) == (1.0, 1.0, 1.0)
