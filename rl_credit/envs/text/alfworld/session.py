"""A compiled game while it is played."""

import collections
import functools
import types
from typing import Any

from rl_credit.envs.text.alfworld import commands, engines
from rl_credit.envs.text.alfworld.compiled import Compiled

QUALITIES = ("isclean", "iscool", "ishot", "issliced", "istoggled")
Known = dict[str, set[tuple[str, ...]]]  # predicate -> what it holds of


class Session:
    """Plays one game after another on an engine of its own.

    The engine (Fast Downward's library) keeps its state in global variables, so that
    every session loads a copy. `alfworld` plays through `textworld.envs.PddlEnv`, which
    translates the problem anew at each reset and derives every command by its grammar:
    the texts, commands and states here are the same, which is tested.
    """

    def __init__(self) -> None:
        self._library: Any = engines.borrow()
        self._state: Any = None

    def begin(self, game: Compiled) -> None:
        """Starts a game from its first state."""
        self._game = game
        self._infos = _entities(game)
        hierarchy = tuple(
            (name, tuple(above)) for name, above in game.supertypes.items()
        )
        self._state = _state(self._library, game, _logic(game.grammar, hierarchy))
        self._look()

    @property
    def commands(self) -> tuple[str, ...]:
        """What can be done now, sorted."""
        return tuple(sorted(self._actions))

    @property
    def won(self) -> bool:
        """Whether the goal is reached."""
        return self._library.check_goal()

    @property
    def known(self) -> Known:
        """The facts by their predicates, with the names that the texts use."""
        found: Known = collections.defaultdict(set)
        for fact in self._state.facts:
            found[fact.name].add(tuple(self._game.names[n] for n in fact.names))
        return found

    def do(self, command: str) -> str:
        """Does what one of `commands` says; gives the game's reply."""
        action = self._actions[command]
        self._state.apply(action)
        mapping = action.mapping
        context = dict(
            state=self._state,
            facts=[],
            variables={ph.name: self._infos[v.name] for ph, v in mapping.items()},
            mapping=mapping,
            entity_infos=self._infos,
        )
        reply = self._state._logic.grammar.derive(action.feedback_rule, context)
        self._look()
        return reply.strip()

    def close(self) -> None:
        """Frees the engine for another session; this one is not used afterwards."""
        if self._library is not None:
            engines.give_back(self._library)
        self._library = self._state = None

    def _look(self) -> None:
        self._actions: dict[str, Any] = {}
        for action in self._state.all_applicable_actions():
            about = action.mapping.items()
            named = {slot.name: self._game.names[var.name] for slot, var in about}
            said = commands.written(action.command_template, named)
            self._actions.setdefault(said, action)


def visible(known: Known) -> str:
    """What the agent has around it: where it stands, what is there, what it holds.

    Things in closed containers and in other places are left out.
    """
    here = {place for (_, place) in known["atlocation"]}
    there = {name for name, place in known["receptacleatlocation"] if place in here}
    opened = {name for (name,) in known["opened"]}
    closed = {name for (name,) in known["openable"]} - opened
    lying = {(o, r) for o, r in known["inreceptacle"] if r in there - closed}
    held = {thing for _, thing in known["holds"]}
    seen = {thing for thing, _ in lying} | held
    told = [f"at({name})" for name in there]
    told += [f"open({name})" for name in there & opened]
    told += [f"in({thing}, {name})" for thing, name in lying]
    told += [f"held({thing})" for thing in held]
    for quality in QUALITIES:
        told += [f"{quality}({name})" for (name,) in known[quality] if name in seen]
    return "; ".join(sorted(told)) or "the middle of the room"


@functools.lru_cache(maxsize=8)
def _logic(grammar: str, hierarchy: tuple) -> Any:
    """The parsed grammar; games differ only in their objective, which is not in it."""
    from textworld.envs.pddl.logic import GameLogic
    from textworld.logic import Type

    logic = GameLogic(domain="", grammar=grammar)
    for name, above in hierarchy:
        logic.types.add(Type(name, list(above)))
    return logic


def _entities(game: Compiled) -> dict[str, Any]:
    from textworld.generator.game import EntityInfo

    infos = {}
    for id_, name in game.names.items():
        info = infos[id_] = EntityInfo(id_, game.types[id_])
        info.name, info.definite, info.indefinite = name, "the", "a"
    return infos


def _state(library: Any, game: Compiled, logic: Any) -> Any:
    """The package's state of a game; its constructor would translate the problem."""
    from textworld.envs.pddl.logic import PddlState
    from textworld.logic import Proposition, Variable

    library.load_sas(game.sas.encode())
    state = PddlState.__new__(PddlState)
    state._facts, state._vars_by_name = collections.defaultdict(set), {}
    state._vars_by_type = collections.defaultdict(set)
    state._var_counts = collections.Counter()
    state._logic, state.downward_lib, state.name2type = logic, library, game.types
    state._actions = {
        name: types.SimpleNamespace(
            parameters=[types.SimpleNamespace(name=n, type_name=t) for n, t in slots]
        )
        for name, slots in game.parameters.items()
    }
    for predicate, *about in game.facts:
        arguments = [Variable(name, game.types[name]) for name in about]
        state.add_fact(Proposition(predicate, arguments))
    return state
