"""The published configs beside the release of GiGPO, which pays 10 for a win.

The release (verl-agent): penalty 0.1 off the episode's and the step's score, KL 0.01,
entropy 0.001, gradients clipped at 1.
"""

import dataclasses

import numpy as np
import pytest

from configs.text import alfworld_qwen25_1p5b as alfworld
from configs.text import webshop_qwen25_1p5b as webshop
from rl_credit.credit.pack import pack
from rl_credit.runtime.sections import sections
from rl_credit.training.settings import Settings

TURNS = [[0, 0, 1], [0, 0], [0, 1], [0, 0, 0]]  # what is paid, of a task's attempts
SEEN = [["a", "b", "c"], ["a", "b"], ["b", "c"], ["a", "a", "d"]]
INVALID = [[0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 1, 1]]
each = pytest.mark.parametrize("module, gain", [(alfworld, 1.0), (webshop, 10.0)])


def settings(module):
    """Those of the official size."""
    return sections(Settings, module.get_config("full"))


def released(divided):
    """The advantages of the release, of every turn, by its formulas."""
    scores, steps, anchors = [], [], []
    for paid, seen, invalid in zip(TURNS, SEEN, INVALID):
        for turn, anchor in enumerate(seen):
            ahead = sum(10 * p * 0.95**k for k, p in enumerate(paid[turn:]))
            scores.append(10 * sum(paid) - 0.1 * invalid[turn])
            steps.append(ahead - 0.1 * invalid[turn])
            anchors.append(anchor)

    def compared(values):
        spread = np.std(values, ddof=1) if len(values) > 1 else 1.0
        return (values - np.mean(values)) / ((spread + 1e-6) if divided else 1.0)

    advantages, anchors = compared(np.array(scores)), np.array(anchors)
    for anchor in np.unique(anchors):
        advantages[anchors == anchor] += compared(np.array(steps)[anchors == anchor])
    return advantages


@each
def test_their_credit_is_that_of_the_release_up_to_what_a_win_pays(module, gain):
    config = module.get_config("full")
    config.credit.name = "gigpo_released"
    credit = sections(Settings, config).credit
    assert credit.penalise == "score"
    invalid = credit.invalid_penalty * np.array(INVALID, np.float32)
    batch = dataclasses.replace(pack(TURNS, [0] * 4, SEEN), penalties=invalid)
    actual = np.asarray(credit.estimator(batch, **credit.knobs))[batch.where]
    np.testing.assert_allclose(gain * actual, released(gain == 1), atol=1e-4)


@each
def test_their_loss_is_a_part_of_the_release_s(module, gain):
    made = settings(module)
    assert made.loss.kl * gain == pytest.approx(0.01)
    assert made.loss.entropy * gain == pytest.approx(0.001)
    assert made.train.clip * gain == pytest.approx(1.0)
