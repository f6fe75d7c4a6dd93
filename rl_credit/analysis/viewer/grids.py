"""Rollouts on jitted grids: whole episodes, and a picture of every step."""

from collections.abc import Callable, Sequence

import numpy as np
from gymnax.environments.environment import Environment
from jaxtyping import Shaped, UInt8

from rl_credit.analysis.viewer.shown import Step, Trajectory
from rl_credit.credit.pack import pack
from rl_credit.envs.grid import render
from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms import Rooms
from rl_credit.envs.grid.sokoban import Sokoban
from rl_credit.rollout.scan import Steps
from rl_credit.types import Trajectories

Draw = Callable[[np.ndarray], UInt8[np.ndarray, "rows columns 3"]]
PIXELS = 12  # of a cell's side


def episodes(
    steps: Steps, draw: Draw, actions: Sequence[str]
) -> tuple[Trajectories, list[Trajectory]]:
    """The whole episodes of a rollout, as a batch for estimators and to be shown.

    Those that the rollout began or ended within are left out. Episodes with one first
    observation are attempts at one task, and equal observations are equal states.

    Args:
        steps: what `scan.play` gives, [time, envs].
        draw: makes a picture of an observation; see `picture`.
        actions: the name of each action.

    Raises ValueError for a rollout without a whole episode.
    """
    seen, paid = np.asarray(steps.observations), np.asarray(steps.rewards)
    done, ended = np.asarray(steps.actions), np.asarray(steps.terminated)
    spans = _whole(np.asarray(steps.starts), np.asarray(steps.ends))
    if not spans:
        raise ValueError(f"no whole episode in {len(paid)} steps: play more of them")
    starts = [seen[start, env].tobytes() for env, start, _ in spans]
    numbers = {first: number for number, first in enumerate(dict.fromkeys(starts))}
    tasks = [numbers[first] for first in starts]
    batch = pack(
        rewards=[paid[a:b, env] for env, a, b in spans],
        tasks=tasks,
        observations=[list(seen[a:b, env]) for env, a, b in spans],
        terminated=[bool(ended[b - 1, env]) for env, _, b in spans],
    )
    shown = []
    for number, ((env, a, b), task) in enumerate(zip(spans, tasks)):
        rows = zip(seen[a:b, env], done[a:b, env], paid[a:b, env])
        made = [
            Step("", actions[act], float(reward), one.tobytes(), draw(one))
            for one, act, reward in rows
        ]
        shown.append(Trajectory(f"episode {number}", f"task {task}", made))
    return batch, shown


def picture(env: Environment, pixels: int = PIXELS) -> Draw:
    """Draws the observations of our grids, whole or in part, as they are seen.

    Raises ValueError for another environment: give `episodes` a function of your own.
    """
    sheet = render.sheet(pixels)
    if isinstance(env, Sokoban) and env.observation == "pixels":
        return lambda observation: observation
    if isinstance(env, Sokoban):
        return lambda observation: _drawn(_sokoban(observation), sheet)
    if isinstance(env, Rooms):
        names = env.channels
        return lambda observation: _drawn(_rooms(observation, names), sheet)
    raise ValueError(
        f"{type(env).__name__} is none of our grids (Sokoban, Rooms): give a function "
        "from its observation to uint8[rows, columns, 3]"
    )


def _whole(starts: np.ndarray, ends: np.ndarray) -> list[tuple[int, int, int]]:
    """Environment, first step and the one after the last, by their first step."""
    found = []
    for env in range(starts.shape[1]):
        stops = np.flatnonzero(ends[:, env]) + 1
        for start in np.flatnonzero(starts[:, env]):
            later = stops[stops > start]
            if len(later):
                found.append((env, int(start), int(later[0])))
    return sorted(found, key=lambda span: (span[1], span[0]))


def _sokoban(planes: Shaped[np.ndarray, "height width 4"]) -> np.ndarray:
    wall, target, box, player = np.moveaxis(planes.astype(bool), -1, 0)
    codes = np.where(wall, Tile.WALL, np.where(target, Tile.TARGET, Tile.FLOOR))
    placed = np.where(target, Tile.BOX_ON_TARGET, Tile.BOX)
    stands = np.where(target, Tile.PLAYER_ON_TARGET, Tile.PLAYER)
    return np.where(player, stands, np.where(box, placed, codes))


def _rooms(planes: np.ndarray, names: Sequence[str]) -> np.ndarray:
    codes: np.ndarray = np.full(planes.shape[:2], Tile.UNSEEN)
    for name, plane in zip(names, np.moveaxis(planes, -1, 0)):
        if name.upper() in Tile.__members__:
            codes = np.where(plane, Tile[name.upper()], codes)
        if name == "agent":
            codes = np.where(plane, Tile.PLAYER, codes)
    return codes


def _drawn(codes: np.ndarray, sheet: np.ndarray) -> np.ndarray:
    height, width = codes.shape
    pixels = sheet.shape[1]
    cells = sheet[codes].swapaxes(1, 2)
    return cells.reshape(height * pixels, width * pixels, 3)
