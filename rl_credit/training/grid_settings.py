"""What a config of the grid agent says: its sections are these fields."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import gymnax
import optax
from gymnax.environments import spaces
from gymnax.environments.environment import Environment

from rl_credit.bonuses import combine, normalise
from rl_credit.envs import make
from rl_credit.envs.grid import register
from rl_credit.models.grid import Sizes
from rl_credit.ops import names
from rl_credit.rollout.scan import World
from rl_credit.training.grid_bonus import Curiosity
from rl_credit.training.save import Save, at_least

GYMNAX = "gymnax:"
KEYS = {"message": "num_messages", "observation": "", "position": "num_positions"}


def _from_0_to_1(**values: float) -> None:
    """Raises ValueError naming a value outside."""
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} is {value}; give 0 to 1")


def _positive(**values: float) -> None:
    """Raises ValueError naming a value that is not."""
    for name, value in values.items():
        if value <= 0:
            raise ValueError(f"{name} is {value}; give more than 0")


def grid(name: str, **options: Any) -> World:
    """The environment of that name: of our grids, or "gymnax:CartPole-v1" of gymnax.

    Your own is "module:attribute", what makes a gymnax 1.x environment.

    Raises ValueError for an unknown name and TypeError for an unknown option, both with
    the nearest right one, and ValueError for one whose actions cannot be counted.
    """
    others = {f"{GYMNAX}{env}": env for env in gymnax.registered_envs if "/" not in env}
    if name in register.GRID:
        env = register.make(name, **options)
    elif name in others:
        env = _built(name, type(gymnax.make(others[name])[0]), options)
    elif ":" in name and not name.startswith(GYMNAX):
        env = _built(name, make.constructor(name), options)
    else:
        raise ValueError(names.unknown("environment", name, {*others, *register.GRID}))
    params = env.default_params
    if not isinstance(env.action_space(params), spaces.Discrete):
        raise ValueError(
            f"{name!r} has actions {env.action_space(params)!r}; this agent chooses "
            "among a number of them"
        )
    return World(env, params)


def _built(name: str, kind: Callable, options: dict[str, Any]) -> Environment:
    """The environment; TypeError names an option that it does not have."""
    known = inspect.signature(kind).parameters
    for option in options:
        if option not in known:
            what = names.suggestion(option, known)
            raise TypeError(f"environment {name!r} has no option {option!r}{what}")
    return kind(**options)


@dataclasses.dataclass(frozen=True)
class Env:
    """The environment."""

    name: str  # see `grid`
    # Out of the hash, but compared: dicts have none.
    options: dict[str, Any] = dataclasses.field(hash=False)  # of its constructor
    params: dict[str, Any] = dataclasses.field(hash=False)  # of EnvParams, if not as is

    def world(self) -> World:
        """Built; raises TypeError for an unknown parameter, and see `grid`."""
        world = grid(self.name, **self.options)
        known = [field.name for field in dataclasses.fields(world.params)]
        for name in self.params:
            if name not in known:
                what = names.suggestion(name, known)
                raise TypeError(f"{self.name!r} has no parameter {name!r}{what}")
        params = dataclasses.replace(world.params, **self.params)
        return dataclasses.replace(world, params=params)

    def __post_init__(self):
        self.world()


@dataclasses.dataclass(frozen=True)
class Bonus:
    """What is paid for what is new."""

    name: str  # see combine.recipe; "none" for no bonus
    options: dict[str, Any] = dataclasses.field(hash=False)  # see `combine.make`
    coefficient: float  # of the bonus over its deviation
    formula: str  # of the deviation: see `normalise.update`
    count: str  # what is counted, if anything is: in KEYS

    def counted(self, world: World) -> World:
        """The same world, which also says what is counted."""
        if self.name == "none" or not KEYS[self.count]:
            return world
        if not hasattr(world.env, KEYS[self.count]):
            raise ValueError(
                f"bonus.count is {self.count!r}, and {world.env.name} counts no "
                f"{self.count}s: give 'observation'"
            )
        return dataclasses.replace(world, count=self.count)

    def curiosity(self, world: World) -> Curiosity:
        """Raises ValueError for an option that the bonus does not have."""
        num_keys = getattr(world.env, KEYS[self.count]) if world.count else 0
        bonus = combine.make(
            self.name,
            num_keys=num_keys,
            num_actions=world.env.num_actions,
            **self.options,
        )
        return Curiosity(bonus, self.coefficient, self.formula)

    def __post_init__(self):
        combine.make(self.name, num_keys=0, num_actions=1, **self.options)
        if self.count not in KEYS:
            raise ValueError(names.unknown("kind of key", self.count, KEYS))
        if self.formula not in normalise.FORMULAS:
            what = names.unknown("formula", self.formula, normalise.FORMULAS)
            raise ValueError(what)
        if self.coefficient < 0:
            raise ValueError(f"coefficient is {self.coefficient}; give 0 or more")


@dataclasses.dataclass(frozen=True)
class Play:
    """One rollout."""

    num_envs: int  # environments side by side
    horizon: int  # steps of each

    @property
    def frames(self) -> int:
        """Steps of all environments."""
        return self.num_envs * self.horizon

    def __post_init__(self):
        at_least(1, num_envs=self.num_envs, horizon=self.horizon)


@dataclasses.dataclass(frozen=True)
class Credit:
    """Generalised advantage estimation; see `credit.returns.gae`."""

    discount: float
    trace: float

    def __post_init__(self):
        _from_0_to_1(discount=self.discount, trace=self.trace)


@dataclasses.dataclass(frozen=True)
class Loss:
    """PPO (arXiv 1707.06347), its value loss clipped as in the released code."""

    clip: float  # how far from 1 a ratio counts
    value_clip: float  # how far a value moves in an update
    value: float  # weight of the value's loss
    entropy: float  # weight of the entropy

    def __post_init__(self):
        _positive(clip=self.clip, value_clip=self.value_clip)
        if self.value < 0 or self.entropy < 0:
            raise ValueError(
                f"value={self.value}, entropy={self.entropy}; give weights of 0 or more"
            )


@dataclasses.dataclass(frozen=True)
class Train:
    """How long, and how an update learns from a rollout."""

    frames: int  # steps of all environments of a seed; those of the last call are made
    updates_per_call: int  # of one compiled call: between them nothing is reported
    epochs: int  # passes over a rollout
    minibatches: int  # in each
    learning_rate: float
    anneal: bool  # the rate falls in a straight line to 0; else it stays
    clip: float  # largest norm of a gradient

    def __post_init__(self):
        at_least(0, frames=self.frames)
        at_least(1, updates_per_call=self.updates_per_call)
        at_least(1, epochs=self.epochs, minibatches=self.minibatches)
        _positive(learning_rate=self.learning_rate, clip=self.clip)


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """Fresh episodes, without a bonus, every so many calls; 0: before and after."""

    every: int
    episodes: int  # of each seed
    greedy: bool  # the likeliest action; else one is drawn
    threshold: float | None  # a return that is success; None: it is to end, being paid

    def __post_init__(self):
        at_least(0, every=self.every)
        at_least(1, episodes=self.episodes)


@dataclasses.dataclass(frozen=True)
class Settings:
    """All of it."""

    seed: int  # of the first agent; the next one has the next seed
    seeds: int  # agents trained side by side
    env: Env
    model: Sizes
    bonus: Bonus
    play: Play
    credit: Credit
    loss: Loss
    train: Train
    evaluate: Evaluate
    save: Save

    @property
    def calls(self) -> int:
        """Compiled calls of the whole run."""
        return -(-self.train.frames // self.frames_per_call)

    @property
    def frames_per_call(self) -> int:
        """Steps that one seed takes in a compiled call."""
        return self.play.frames * self.train.updates_per_call

    @property
    def columns(self) -> int:
        """What minibatches are drawn from: steps, or where there is a memory, rows."""
        return self.play.num_envs if self.model.memory else self.play.frames

    @property
    def transformation(self) -> optax.GradientTransformation:
        """Adam after clipping the global norm; epsilon as in the released PPO."""
        how = self.train
        rate: Any = how.learning_rate
        if how.anneal:
            steps = self.calls * how.updates_per_call * how.epochs * how.minibatches
            rate = optax.linear_schedule(rate, 0.0, max(steps, 1))
        adam = optax.adam(rate, eps=1e-5)
        return optax.chain(optax.clip_by_global_norm(how.clip), adam)

    def __post_init__(self):
        at_least(0, seed=self.seed)
        at_least(1, seeds=self.seeds)
        if self.columns % self.train.minibatches:
            what = "environments" if self.model.memory else "steps of a rollout"
            raise ValueError(
                f"train.minibatches is {self.train.minibatches}, which does not divide "
                f"the {self.columns} {what}"
            )
