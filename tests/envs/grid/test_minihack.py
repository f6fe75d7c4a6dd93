"""Scripted players finish every task; the table is that of the paper."""

import json
import pathlib

import jax
import numpy as np
import pytest

from rl_credit.envs.grid.minihack import TASKS, MiniHack
from rl_credit.envs.grid.render import Tile
from rl_credit.envs.grid.rooms_words import KEYS, Message
from tests.envs.grid import rooms_pushing
from tests.envs.grid.rooms_oracle import GROUND, Player, ways

LEVELS = [1, 2, 3, 123456789]


@pytest.fixture(scope="module")
def probe():
    """nle 1.3.0 and minihack 1.0.2 under a random player: actions, messages, steps."""
    path = pathlib.Path(__file__).parents[2] / "golden" / "minihack_probe.json"
    return json.loads(path.read_text())


def skill(player):
    player.take().use("north")
    for _ in range(9):  # a bolt may be too short to reach the wall
        if not player.over:
            player.use("north")


def lava_cross(player):
    player.take()
    bank = int(player.state.cell) % player.width
    player.use("east")
    floats = bool(player.state.floating)
    while not floats and not frozen(player) and not player.over:
        player.use("east")
    assert 1 <= bank <= 5
    player.walk(player.state.layout.goal, GROUND | ({Tile.LAVA} if floats else set()))


def frozen(player):
    return (np.array(player.state.covers) == Tile.FLOOR).any()


def wand_of_death(player):
    player.take().walk(player.width + 1)
    while int(player.state.monsters[0]) and not player.over:
        near = int(player.state.monsters[0]) % player.width <= 6
        player.use("east") if near else player.act("pickup", "fire", "north")
    player.walk(player.state.layout.goal)


def keyroom(player):
    player.take()
    site = int(player.state.layout.sites[0])
    ground = player.ground
    beside = [
        cell
        for cell in (site - 1, site + 1, site - player.width, site + player.width)
        if ground.reshape(-1)[cell] == Tile.FLOOR
    ]
    outside = [cell for cell in beside if reaches(player, cell)]
    player.walk(outside[0]).act("apply").walk(player.state.layout.goal)


def reaches(player, cell):
    open_ground = {Tile.FLOOR}
    here = player.place(player.state.cell)
    return player.place(cell) in ways(player.ground, here, open_ground)


def walk(player):
    player.walk(player.state.layout.goal)


def plan(task):
    """The script of a task."""
    kinds = {
        "Levitate": skill,
        "Freeze": skill,
        "LavaCross-": lava_cross,
        "WoD": wand_of_death,
        "KeyRoom": keyroom,
        "River": rooms_pushing.cross,
    }
    return next((kinds[k] for k in kinds if (task + "-").startswith(k)), walk)


FIRST = {
    "Levitate-Potion",
    "Freeze-Random",
    "LavaCross",
    "WoD-Hard",
    "MultiRoom-N4-Locked",
    "MultiRoom-N6-Lava",
    "KeyRoom-S10",
    "River",
    "Labyrinth-Big",
}
MARKED = [
    pytest.param(task, marks=[] if task in FIRST else [pytest.mark.slow])
    for task in TASKS
]
CHANCY = {"River": 3, "MultiRoom-N6-LavaMonsters": 2, "MultiRoom-N4-Locked": 3}


@pytest.mark.parametrize("task", MARKED)
def test_a_scripted_player_succeeds(task):
    env = MiniHack(task)
    player = Player(env)
    won = 0
    for seed, level in enumerate(LEVELS):
        plan(task)(player.start(level % env.contexts.size, seed))
        won += player.over and player.rewards[-1] == 1.0
        assert set(player.rewards[:-1]) <= {0.0, -0.01}
    assert won >= CHANCY.get(task, len(LEVELS)), (won, player.said[-5:])


def test_the_tasks_of_the_paper_are_here():
    skills = ("Levitate", "Freeze", "LavaCross-", "WoD")
    assert sum((task + "-").startswith(skills) for task in TASKS) == 7
    counts = {"KeyRoom": 3, "Corridor": 3, "River": 1, "LavaCrossing": 2}
    for family, count in counts.items():
        assert sum(task.startswith(family) for task in TASKS) == count
    assert len(TASKS) == 16 + 7 + 3  # MultiRoom-N6, and N3-Lava and N4-Lava besides


ACTIONS = {
    "Levitate-Potion": "k l j h u n b y , q f",
    "Levitate-Boots": "k l j h u n b y , W f",
    "Freeze-Horn": "k l j h u n b y , a f",
    "Freeze-Wand": "k l j h u n b y , z f",
    "Freeze-Random": "k l j h u n b y , z a f",
    "LavaCross": "k l j h u n b y , z W a q P f r",
    "WoD-Hard": "k l j h u n b y , z f",
    "MultiRoom-N4-Locked": "k l j h u n b y o ^D",
    "MultiRoom-N6-Lava": "k l j h u n b y",
    "KeyRoom-S15": "k l j h u n b y , a",
    "Corridor-R5": "k l j h u n b y o ^D s",
}


def test_actions_are_minihacks_in_its_order(probe):
    for task, keys in ACTIONS.items():
        rules = TASKS[task].rules
        assert [KEYS[action] for action in rules.actions] == keys.split()
        codes = [4 if key == "^D" else ord(key) for key in keys.split()]
        recorded = named(probe, task)
        assert [str(code) for code in codes] == recorded["actions"]
    for task in TASKS:
        recorded = named(probe, task)
        if recorded is not None:
            assert TASKS[task].steps == recorded["max_steps"], task


def named(probe, task):
    """What was recorded of a task, if anything."""
    for suffix in ("", "-Restricted"):
        if f"MiniHack-{task}{suffix}-v0" in probe:
            return probe[f"MiniHack-{task}{suffix}-v0"]
    return None


def test_an_unknown_task_and_a_bad_view_are_refused():
    with pytest.raises(ValueError, match="did you mean 'KeyRoom-S5'"):
        MiniHack("Keyroom-S5")
    with pytest.raises(ValueError, match="view is 4"):
        MiniHack("Labyrinth-Big", view=4)
    with pytest.raises(ValueError, match="num_contexts is 2001"):
        MiniHack("MultiRoom-N6", num_contexts=2001)


def test_the_messages_of_minihack_are_known(probe):
    """Nine tenths of what a random player was told stand in our table."""
    ours = [message.text.rstrip() for message in Message]
    tasks = ["MultiRoom-N6-Lava", "MultiRoom-N4-Locked", "KeyRoom-S15", "LavaCross"]
    for task in tasks:
        heard = [(text.strip(), n) for text, n in named(probe, task)["top_messages"]]
        known = sum(n for text, n in heard if text in ours)
        assert known >= 0.8 * sum(n for _, n in heard), task


@pytest.mark.slow
def test_one_context_is_always_the_same_level():
    env = MiniHack("MultiRoom-N6", num_contexts=1, context_seed=4)
    keys = jax.random.split(jax.random.key(0), 64)
    _, states = jax.vmap(env.reset, in_axes=(0, None))(keys, env.default_params)
    assert len(np.unique(states.level)) == 1
    fresh = MiniHack("MultiRoom-N6")
    _, states = jax.vmap(fresh.reset, in_axes=(0, None))(keys, fresh.default_params)
    assert len(np.unique(states.level)) > 50
