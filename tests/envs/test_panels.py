"""Panels of tasks."""

import dataclasses
import json

import pytest

from rl_credit.envs.text import panels


def test_a_panel_is_the_same_on_every_machine():
    # By hand: sha256(repr(("panel", 7, task))) for task = 0, ..., 7, in order.
    made = panels.panel(7, train=5, held_out=3)
    assert made == panels.Panel(7, (7, 4, 3, 2, 0), (1, 5, 6))


def test_a_panel_deals_each_task_out_once():
    made = panels.panel(0, train=40, held_out=24)
    assert (len(made.train), len(made.held_out)) == (40, 24)
    assert sorted(made.train + made.held_out) == list(range(64))
    assert made.held_out != tuple(range(40, 64))


def test_seeds_give_different_panels():
    held_out = {panels.panel(seed, 40, 24).held_out for seed in range(20)}
    assert len(held_out) == 20


def test_a_panel_can_be_written_as_json():
    made = panels.panel(1, train=2, held_out=1)
    read = json.loads(json.dumps(dataclasses.asdict(made)))
    assert read == dict(seed=1, train=list(made.train), held_out=list(made.held_out))


def test_a_split_has_the_ids_in_order_and_the_last_held_out():
    assert panels.split(7, 3, 2) == panels.Panel(7, (0, 1, 2), (3, 4))
    assert panels.split(0, 0, 2) == panels.Panel(0, (), (0, 1))


@pytest.mark.parametrize("deal", [panels.panel, panels.split])
@pytest.mark.parametrize(
    "train, held_out, message",
    [(-1, 3, "train=-1"), (3, -2, "held_out=-2"), (0, 0, "both 0")],
)
def test_a_panel_without_tasks_is_refused(deal, train, held_out, message):
    with pytest.raises(ValueError, match=message):
        deal(0, train, held_out)
