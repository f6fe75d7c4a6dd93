"""From episodes played on the device to those that the host would have played."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from rl_credit.envs.grid.told import Telling
from rl_credit.rollout.episodes import Episode, Step
from rl_credit.rollout.grid_turns import Played, Rows, Stage


def episodes(
    stage: Stage, tasks: Sequence[int], attempts: int, outcome: tuple[Played, Rows]
) -> list[Episode]:
    """What `turns.play` gives for the same tasks, from what `grid_turns.play` gave."""
    played: Any
    played, terminated, won = jax.device_get(
        (outcome[0], outcome[1].terminated, outcome[1].won)
    )
    told = _Told(stage.world.engine.telling)
    made = []
    for row, task in enumerate(task for task in tasks for _ in range(attempts)):
        taken = int(played.taken[:, row].sum())
        made.append(
            Episode(
                task=task,
                group=row // attempts,
                steps=[_step(stage, told, played, n, row) for n in range(taken)],
                terminated=bool(terminated[row]),
                won=bool(won[row]),
            )
        )
    return made


class _Told:
    """The words of boards; many are seen more than once."""

    def __init__(self, telling: Telling):
        self.telling = telling
        self._known: dict[tuple[bytes, bytes], tuple[str, str]] = {}

    def words(self, tiles: np.ndarray, facts: np.ndarray) -> tuple[str, str]:
        """Text and anchor."""
        name = tiles.tobytes(), facts.tobytes()
        if name not in self._known:
            text = self.telling.text(tiles, facts)
            self._known[name] = text, self.telling.anchor(tiles, facts)
        return self._known[name]


def _step(stage: Stage, told: _Told, played: Any, turn: int, row: int) -> Step:
    text, anchor = told.words(played.tiles[turn, row], played.facts[turn, row])
    read, length = played.read[turn, row], int(played.lengths[turn, row])
    answer = played.said[turn, row, :length].tolist()
    action = int(played.actions[turn, row])
    return Step(
        observation=text if turn else f"{told.telling.objective}\n{text}",
        anchor=anchor,
        prompt=stage.template.shared.tolist() + read[read >= 0].tolist(),
        answer=answer,
        logps=played.logps[turn, row, :length].tolist(),
        text=stage.voice.tokenizer.decode(answer),
        action=told.telling.commands[action] if action >= 0 else None,
        reward=float(played.rewards[turn, row]),
        stopped=bool(played.stopped[turn, row]),
    )
