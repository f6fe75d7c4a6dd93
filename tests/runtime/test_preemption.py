"""SIGTERM inside and outside, on the main thread and on others."""

import os
import signal
import threading

import jax.numpy as jnp
import pytest

from rl_credit.runtime import preemption
from rl_credit.runtime.checkpoint import Checkpoints


def test_a_signal_gives_the_notice_and_ends_nothing():
    with preemption.noticed() as notice:
        assert not notice.given(0)
        os.kill(os.getpid(), signal.SIGTERM)
        assert notice.given(0) and notice.given(1)


def test_a_new_notice_knows_nothing_of_the_last():
    with preemption.noticed():
        os.kill(os.getpid(), signal.SIGTERM)
    with preemption.noticed() as notice:
        assert not notice.given(0)


@pytest.mark.parametrize("error", [None, ValueError])
def test_outside_a_signal_does_what_it_did_before(error):
    heard = []
    old = signal.signal(signal.SIGTERM, lambda *_: heard.append("before"))
    try:
        with pytest.raises(error or RuntimeError), preemption.noticed():
            raise error or RuntimeError
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, old)
    assert heard == ["before"]


def test_on_another_thread_nothing_is_changed():
    seen = []

    def work():
        with preemption.noticed() as notice:
            seen.append((signal.getsignal(signal.SIGTERM), notice.given(0)))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(before, False)]


def steps(folder, due, ended_by, last=3):
    """Which steps are saved, SIGTERM coming in one of them, and whether it stopped."""
    state = {"x": jnp.zeros(2)}
    with Checkpoints(folder, keep=9) as checkpoints, preemption.noticed() as notice:
        try:
            for step in range(last):
                if step == ended_by:
                    os.kill(os.getpid(), signal.SIGTERM)
                notice.after(step, last, due, checkpoints, state)
            told = ""
        except preemption.Preempted as stop:
            told = str(stop)
    kept = [int(path.name) for path in checkpoints.folder.iterdir()]
    return sorted(kept), told


@pytest.mark.parametrize(
    "due, ended_by, saved, words",
    [
        (False, None, [3], ""),
        (True, None, [1, 2, 3], ""),
        (False, 1, [2], "step 2 of 3 is saved"),
        (True, 0, [1], "step 1 of 3 is saved"),
        (False, 2, [3], ""),  # nothing is left to do
    ],
)
def test_a_step_is_saved_where_it_is_due_and_where_the_machine_goes(
    due, ended_by, saved, words, tmp_path
):
    found, told = steps(tmp_path, due, ended_by)
    assert found == saved
    assert words in told and bool(words) == bool(told)
