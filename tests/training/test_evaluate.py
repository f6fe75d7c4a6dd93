"""Reports, against numbers computed by hand."""

import pytest

from rl_credit.rollout.episodes import Episode, Step
from rl_credit.training import evaluate


def step(reward=0.0, action="go", said=2):
    return Step("seen", "seen", [1, 2], [3] * said, [-0.5] * said, "go", action, reward)


def episodes():
    """Two wins, a loss and two faults: 7 turns and 15 tokens that count."""
    return [
        Episode(0, 0, [step(), step(1.0, said=3)], terminated=True, won=True),
        Episode(1, 1, [step(), step(0.25, action=None), step()], terminated=True),
        Episode(2, 2, [step(), step(0.5)], terminated=True, won=True),
        Episode(3, 3, [step(9.0)], won=True, failure="death"),
        Episode(4, 4, [], failure="hang"),
    ]


@pytest.mark.parametrize(
    "won, tried, low, high",
    [
        (0, 10, 0.0, 0.27754),  # 1.96^2 / (10 + 1.96^2)
        (10, 10, 0.72246, 1.0),
        (7, 20, 0.18119, 0.56715),
        (1, 1, 0.20654, 1.0),
    ],
)
def test_the_interval_is_wilsons(won, tried, low, high):
    assert evaluate.wilson(won, tried) == pytest.approx((low, high), abs=1e-5)


@pytest.mark.parametrize("tried", [1, 5, 80])
def test_the_ends_of_the_interval_are_just_not_refuted(tried):
    for won in range(tried + 1):
        share, (low, high) = won / tried, evaluate.wilson(won, tried)
        assert 0 <= low <= share <= high <= 1
        for end, edge in ((low, 0.0), (high, 1.0)):
            apart = abs(share - end)
            spread = 1.96 * (end * (1 - end) / tried) ** 0.5
            assert apart == pytest.approx(spread, abs=1e-9) or end == edge


def test_another_confidence_is_another_width():
    narrow, wide = evaluate.wilson(7, 20, z=1.0), evaluate.wilson(7, 20, z=2.58)
    assert wide[0] < narrow[0] < 0.35 < narrow[1] < wide[1]


def test_a_report_says_what_happened_and_leaves_faults_out():
    report = evaluate.report(episodes())
    assert report.success == pytest.approx(2 / 3)
    assert (report.low, report.high) == evaluate.wilson(2, 3)
    assert report.score == pytest.approx(1.75 / 3)
    assert report.turns == pytest.approx(7 / 3)
    assert report.invalid == pytest.approx(1 / 7)
    assert report.tokens == pytest.approx(15 / 3)
    assert (report.episodes, report.failed) == (3, 2)


def test_its_scalars_are_its_fields_with_a_prefix():
    report = evaluate.report(episodes())
    scalars = report.scalars("held_out")
    assert scalars["held_out/success"] == report.success
    assert scalars["held_out/episodes"] == 3.0 and scalars["held_out/failed"] == 2.0
    assert all(type(value) is float for value in scalars.values())
    assert all(name.startswith("held_out/") for name in scalars)


def test_an_episode_without_a_turn_is_no_invalid_answer():
    report = evaluate.report([Episode(0, 0)])
    assert (report.invalid, report.turns, report.tokens) == (0.0, 0.0, 0.0)


def test_where_all_failed_there_is_nothing_to_report():
    with pytest.raises(RuntimeError, match="all 2 episodes failed.*death, hang"):
        evaluate.report(episodes()[3:])
