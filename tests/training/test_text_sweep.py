"""A study of text agents: which runs it has, and what each changes."""

import pytest

from rl_credit.runtime.errors import UserError
from rl_credit.runtime.sections import sections
from rl_credit.training import text_sweep
from rl_credit.training.text_sweep import TextSweep
from tests.training import tiny


def sweep(**changes):
    """Two methods, one of them with two seeds."""
    weighed = dict(name="gigpo", options=dict(gigpo=dict(step_weight=0.5)))
    base = dict(
        name="rooms",
        out="",
        only=(),
        baseline="grpo",
        methods=dict(
            grpo=dict(seeds=1, changes=dict(credit=dict(name="grpo"))),
            half=dict(seeds=2, changes=dict(credit=weighed)),
        ),
        agent=tiny.config(**{**tiny.SMALL, "seed": 5}),
    )
    return sections(TextSweep, base | changes)


def test_seeds_count_from_the_agents_and_come_one_after_another(tmp_path):
    cells = sweep().cells()
    told = [(cell.method, cell.settings.seed) for cell in cells]
    assert told == [("grpo", 5), ("half", 5), ("half", 6)]
    assert len({cell.folder(tmp_path) for cell in cells}) == 3


def test_a_method_changes_what_it_names_and_nothing_else():
    grpo, half, _ = (cell.settings for cell in sweep().cells())
    assert (grpo.credit.name, half.credit.name) == ("grpo", "gigpo")
    knobs = half.credit.estimator.options | dict(step_weight=0.5)
    assert half.credit.knobs == knobs
    assert grpo.train == half.train and grpo.env == half.env


@pytest.mark.parametrize(
    "changes, words",
    [
        (dict(baseline="gpro"), "did you mean 'grpo'"),
        (dict(only=("haf",)), "did you mean 'half'"),
        (dict(methods={"a/b": dict(seeds=1, changes={})}), "'a/b' names a folder"),
        (dict(methods={"grpo": dict(seeds=0, changes={})}), "has 0 seeds"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused(changes, words):
    with pytest.raises(UserError) as caught:
        sweep(**changes)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "changes, words",
    [
        (dict(credits=dict(name="grpo")), "did you mean 'credit'"),
        (dict(train=dict(step=3)), "did you mean 'steps'"),
        (dict(credit=dict(name="gpro")), "unknown estimator 'gpro'"),
    ],
)
def test_a_change_that_no_run_can_have_stops_before_any_begins(
    changes, words, tmp_path
):
    one = sweep(methods=dict(grpo=dict(seeds=1, changes=changes)))
    with pytest.raises(UserError, match=words):
        text_sweep.run(one, tmp_path)
    assert not list(tmp_path.iterdir())


def test_sections_are_merged_and_values_replaced():
    config = dict(a=dict(b=1, c=dict(d=2)), e=3)
    made = text_sweep.merged(config, dict(a=dict(c=dict(d=4)), e=5))
    assert made == dict(a=dict(b=1, c=dict(d=4)), e=5)
    assert config == dict(a=dict(b=1, c=dict(d=2)), e=3)
