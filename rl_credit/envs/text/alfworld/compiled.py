"""Games translated once for the engine, and kept in a directory."""

import dataclasses
import functools
import gzip
import hashlib
import importlib.metadata
import json
import os
import pathlib
import re
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

from rl_credit.envs.text import games
from rl_credit.envs.text.alfworld import commands, planning

PACKAGES = ("alfworld", "fast-downward-textworld", "textworld")
OBJECTIVE = re.compile(r'Your task is to: [^"]*')
GOAL = re.compile(r"\(:goal.*", re.DOTALL | re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Compiled:
    """A game as it is played, in JSON's types."""

    objective: str
    room: str  # what is said first, the objective apart
    grammar: str  # of all texts but the objective
    sas: str  # the translated problem
    names: dict[str, str]  # what the texts call an id
    types: dict[str, str]  # an id's type
    supertypes: dict[str, list[str]]  # a type's own types
    facts: list[list[str]]  # that hold at first: predicate and arguments
    parameters: dict[str, list[list[str]]]  # an action's names and types of arguments
    walkthrough: list[str]


def load(data: Mapping[str, Any], cache: pathlib.Path) -> Compiled:
    """The game of a `game.tw-pddl`, compiled now unless the cache has it.

    A file appears in the cache complete, by one rename. Raises RuntimeError for a game
    that cannot be compiled or won.
    """
    kept = path(data, cache)
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=games.UNFINISHED) as apart:
            made = pathlib.Path(apart) / kept.name
            written = json.dumps(dataclasses.asdict(compile_game(data)))
            made.write_bytes(gzip.compress(written.encode(), mtime=0))
            os.replace(made, kept)
    return Compiled(**json.loads(gzip.decompress(kept.read_bytes())))


def path(data: Mapping[str, Any], cache: pathlib.Path) -> pathlib.Path:
    """Where the game is kept: by what it holds, and the versions that compile it."""
    versions = [importlib.metadata.version(name) for name in PACKAGES]
    parts = (data["pddl_domain"], data["grammar"], data["pddl_problem"], *versions)
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()
    return cache / f"{digest[:20]}.json.gz"


def compile_game(data: Mapping[str, Any]) -> Compiled:
    """Translates, names and plans a game with the package's own programs."""
    arguments = sys.argv
    try:
        env = _translator()
        env.load(dict(data))
        return _harvested(env.unwrapped, data)
    except (Exception, SystemExit) as error:
        raise RuntimeError(
            f"cannot compile the ALFWorld game, or it cannot be won: {error!r}"
        ) from error
    finally:
        sys.argv = arguments  # the translator puts its own there


@functools.cache
def _translator() -> Any:
    """The package's environment, of which a process needs only one to translate."""
    from alfworld.agents.environment.alfred_tw_env import AlfredDemangler
    from textworld.envs import PddlEnv

    return AlfredDemangler(PddlEnv())


def _harvested(env: Any, data: Mapping[str, Any]) -> Compiled:
    state, infos = env._pddl_state, env._entity_infos
    context = dict(state=state, facts=[], variables={}, mapping={}, entity_infos=infos)
    intro = state._logic.grammar.derive("#intro#", context)
    objective = OBJECTIVE.search(intro)
    goal = GOAL.search(data["pddl_problem"])
    if objective is None or goal is None:
        raise ValueError("it states no task, or has no goal")
    facts = sorted(
        [fact.name, *fact.names] for fact in state.facts if "@" not in fact.name
    )
    names = {name: info.name.strip() for name, info in sorted(infos.items())}
    actions = {a.name: a.parameters for a in state.task.actions}
    parameters = {
        name: [[p.name.strip("?"), p.type_name] for p in actions[name]]
        for name in sorted(actions)
    }
    templates = {name: a.template for name, a in state._logic.actions.items()}
    room = planning.Room(facts, state.name2type)
    steps = planning.plan(env.downward_lib, data["pddl_domain"], goal[0], room)
    return Compiled(
        objective=objective[0].strip(),
        room=_first(intro, objective[0]),
        grammar=OBJECTIVE.sub("Your task is to: ", data["grammar"]),
        sas=state.sas,
        names=names,
        types=dict(sorted(state.name2type.items())),
        supertypes={
            t.name: list(t.supertype_names) for t in reversed(state.task.types)
        },
        facts=facts,
        parameters=parameters,
        walkthrough=[
            commands.written(
                templates[name],
                {p: names[a] for (p, _), a in zip(parameters[name], arguments)},
            )
            for name, *arguments in steps
        ],
    )


def _first(intro: str, objective: str) -> str:
    """The text of the first turn without the banner and the task."""
    paragraphs = [part.strip() for part in intro.replace(objective, "").split("\n\n")]
    return "\n".join(part for part in paragraphs if part and not part.startswith("-="))
