"""A process refuses tables that are none."""

import dataclasses

import jax.numpy as jnp
import pytest

from tests.fidelity import loops


def replaced(**fields):
    """Early stopping with other tables."""
    process = loops.process("early_stopping")
    tables = dataclasses.replace(process.tables, **fields)
    return dataclasses.replace(process, tables=tables)


def column(field):
    """A column of early stopping's tables, to change."""
    return getattr(loops.process("early_stopping").tables, field)


def test_counts_are_those_of_the_tables():
    process = loops.process("key_to_door")
    assert (process.num_states, process.num_actions, process.num_tasks) == (30, 2, 2)


@pytest.mark.parametrize(
    "field, change, message",
    [
        ("chance", lambda x: x.at[3, 1].set(0.9), "of action 1 in state 3 are .0.9."),
        ("chance", lambda x: x.at[2, 0, 0].set(jnp.nan), "of action 0 in state 2"),
        ("chance", lambda x: jnp.concatenate([x + 1, -x], 2), "do not fit together"),
        ("starts", lambda x: x * 0.5, "starts of task 0 must be chances that sum"),
        ("starts", lambda x: x[:, 1:], "do not fit together"),
        ("ahead", lambda x: x.at[0, 0, 0].set(8), r"is not in \[0, 8\) nor END, -1"),
        ("ahead", lambda x: x.at[0, 0, 0].set(-2), r"is not in \[0, 8\) nor END, -1"),
        ("paid", lambda x: x.at[0, 0, 0].set(jnp.inf), "a reward is not finite"),
        ("sees", lambda x: x + 1, r"an observation is not in \[0, 8\)"),
        ("sees", lambda x: x[1:], "do not fit together"),
    ],
)
def test_what_is_wrong_is_named(field, change, message):
    with pytest.raises(ValueError, match=f"process 'early_stopping'.*{message}"):
        replaced(**{field: change(column(field))})


def test_a_horizon_must_be_one_at_least():
    with pytest.raises(ValueError, match="its horizon is 0"):
        dataclasses.replace(loops.process("early_stopping"), horizon=0)
