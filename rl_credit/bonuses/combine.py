"""Products and sums of bonuses, and the names of all."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rl_credit.bonuses.bonus import Bonus
from rl_credit.bonuses.counts import EpisodicCount, GlobalCount
from rl_credit.bonuses.e3b import E3B
from rl_credit.bonuses.icm import ICM
from rl_credit.bonuses.noveld import NovelD
from rl_credit.bonuses.ride import RIDE
from rl_credit.bonuses.rnd import RND
from rl_credit.bonuses.seen import Seen
from rl_credit.ops import names
from rl_credit.types import record


@record
class PairState:
    """The states of two bonuses."""

    first: Any
    second: Any


@dataclasses.dataclass(frozen=True)
class Pair(Bonus):
    """Two bonuses of one rollout; how they make one is said by the subclass."""

    first: Bonus
    second: Bonus

    def join(
        self, first: Float[Array, "time envs"], second: Float[Array, "time envs"]
    ) -> Float[Array, "time envs"]:
        raise NotImplementedError

    def init(self, key: Array, seen: Seen) -> Any:
        key_first, key_second = jax.random.split(key)
        return PairState(
            self.first.init(key_first, seen), self.second.init(key_second, seen)
        )

    def pay(self, state: Any, seen: Seen) -> tuple[Any, Float[Array, "time envs"]]:
        first, one = self.first.pay(state.first, seen)
        second, other = self.second.pay(state.second, seen)
        return PairState(first, second), self.join(one, other)

    def learn(self, state: Any, seen: Seen, key: Array) -> tuple[Any, dict[str, Array]]:
        key_first, key_second = jax.random.split(key)
        first, one = self.first.learn(state.first, seen, key_first)
        second, other = self.second.learn(state.second, seen, key_second)
        return PairState(first, second), one | other


@dataclasses.dataclass(frozen=True)
class Product(Pair):
    """Pays only what both bonuses pay for; neither needs a common scale."""

    def join(
        self, first: Float[Array, "time envs"], second: Float[Array, "time envs"]
    ) -> Float[Array, "time envs"]:
        return first * second


@dataclasses.dataclass(frozen=True)
class WeightedSum(Pair):
    """`first + weight * second`."""

    weight: float = 1.0

    def join(
        self, first: Float[Array, "time envs"], second: Float[Array, "time envs"]
    ) -> Float[Array, "time envs"]:
        return first + self.weight * second


@dataclasses.dataclass(frozen=True)
class NoBonus(Bonus):
    """Pays nothing."""

    def init(self, key: Array, seen: Seen) -> Any:
        return ()

    def pay(self, state: Any, seen: Seen) -> tuple[Any, Float[Array, "time envs"]]:
        return state, jnp.zeros(seen.starts.shape, jnp.float32)


class Recipe(NamedTuple):
    """What a name stands for: one bonus, or two and how they are joined."""

    parts: tuple[type[Bonus], ...]
    joined: type[Pair] | None = None
    fixed: Mapping[str, Any] = {}  # options that the name decides


def pair(first: type[Bonus], second: type[Bonus], joined: type[Pair]) -> Recipe:
    """Of two bonuses.

    E3B takes the place of NovelD's restriction to first visits (arXiv 2306.03236, 5.1).
    """
    fixed = dict(erir=False) if {first, second} == {E3B, NovelD} else {}
    return Recipe((first, second), joined, fixed)


BONUSES: dict[str, Recipe] = {
    "none": Recipe((NoBonus,)),
    "count_episodic": Recipe((EpisodicCount,)),
    "count_global": Recipe((GlobalCount,)),
    "count_product": pair(EpisodicCount, GlobalCount, Product),
    "rnd": Recipe((RND,)),
    "noveld": Recipe((NovelD,)),
    "icm": Recipe((ICM,)),
    "ride": Recipe((RIDE,)),
    "e3b": Recipe((E3B,)),
    "e3b_x_rnd": pair(E3B, RND, Product),
    "e3b_x_noveld": pair(E3B, NovelD, Product),
    "e3b_plus_rnd": pair(E3B, RND, WeightedSum),
    "e3b_plus_noveld": pair(E3B, NovelD, WeightedSum),
}
SINGLE = {
    name: made.parts[0]
    for name, made in BONUSES.items()
    if not made.joined and name != "none"
}
JOINTS: dict[str, type[Pair]] = {"_x_": Product, "_plus_": WeightedSum}


def recipe(name: str) -> Recipe:
    """That of the table, or of any two single bonuses: "ride_x_count_global".

    Raises ValueError for a name that is neither.
    """
    if name in BONUSES:
        return BONUSES[name]
    for sign, joined in JOINTS.items():
        halves = name.split(sign)
        if len(halves) == 2 and set(halves) <= set(SINGLE):
            return pair(SINGLE[halves[0]], SINGLE[halves[1]], joined)
    what = names.unknown("bonus", name, BONUSES)
    raise ValueError(f"{what}; any two single ones join, as in 'ride_x_count_global'")


def make(name: str, *, num_keys: int, num_actions: int, **options: Any) -> Bonus:
    """The bonus of that name: see `recipe`.

    Args:
        num_keys: how many `Seen.keys` there are; 0 counts observations by fingerprint.
        num_actions: how many actions the environment has.
        options: fields of the bonus, or of any of the two that it joins; one that both
            have goes to both.

    Raises:
        ValueError: for an unknown name and for an option that no part has.
    """
    made = recipe(name)
    kinds = made.parts + ((made.joined,) if made.joined else ())
    known = set().union(*map(_fields, kinds)) - {"first", "second"} - set(made.fixed)
    for option in options:
        if option not in known:
            raise ValueError(names.unknown(f"option of {name!r}", option, known))
    given = dict(options, num_keys=num_keys, num_actions=num_actions, **made.fixed)
    parts = [kind(**_taken(kind, given)) for kind in made.parts]
    if made.joined is None:
        return parts[0]
    return made.joined(*parts, **_taken(made.joined, given))


def _fields(kind: type) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def _taken(kind: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are fields of this part."""
    return {name: value for name, value in given.items() if name in _fields(kind)}
