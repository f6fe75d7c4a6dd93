"""What a run of the text agent is made of: tasks, environments, words, a decoder."""

import dataclasses
import functools
import inspect
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
from jaxtyping import Array, Key

from rl_credit.envs import make
from rl_credit.envs.pool import Pool
from rl_credit.envs.slot import Failed
from rl_credit.envs.text import panels
from rl_credit.envs.text.grid import GridText
from rl_credit.envs.text.panels import Panel
from rl_credit.models import decoder as decoders
from rl_credit.models import pretrained
from rl_credit.models.config import DecoderConfig
from rl_credit.models.decoder import Decoder, Params
from rl_credit.models.tokenizer import ByteTokenizer, Tokenizer, WordTokenizer
from rl_credit.rollout import grid_episodes, grid_turns, prompts, turns
from rl_credit.rollout.episodes import Episode
from rl_credit.rollout.sampling import Sampling
from rl_credit.rollout.speakers import Alone, Conversation, Guide, Speaker, Voice
from rl_credit.training.placement import Placement
from rl_credit.training.settings import Settings

TOKENIZER = "tokenizer.json"
Tell = Callable[[int, int], None]


@dataclasses.dataclass(frozen=True)
class World:
    """Tasks, the environments they are played in, and the way through some of them."""

    settings: Settings
    panel: Panel
    pool: Pool
    routes: Mapping[int, Sequence[str]]  # walkthroughs of what is imitated

    def guided(self, words: Tokenizer) -> list[Episode]:
        """The walkthroughs, played."""
        rules = self.settings.play.rules
        longest = max(len(route) for route in self.routes.values())
        return turns.play(
            self.pool,
            lambda rows: Guide(words, self.routes, rules.prompts.format),
            words,
            dataclasses.replace(rules, turns=max(longest, rules.turns)),
            list(self.routes),
        )


@dataclasses.dataclass(frozen=True)
class Agent:
    """A decoder that plays."""

    world: World
    words: Tokenizer
    decoder: Decoder
    placement: Placement

    def __post_init__(self):
        self.stage  # it and the voice refuse what cannot be

    @functools.cached_property
    def stage(self) -> grid_turns.Stage | None:
        """What is played on the device: grids, by rules it can keep to; else None."""
        settings = self.world.settings
        voice, rules = self.voice(settings.play.sampling), settings.play.rules
        built = make.constructor(settings.env.name)
        if not (isinstance(built, type) and issubclass(built, GridText)):
            return None
        if not grid_turns.fits(rules):
            return None
        world = built(**options(settings), seed=settings.seed)
        return grid_turns.Stage(world, voice, rules)

    def voice(self, how: Sampling) -> Voice:
        """How it speaks."""
        play = self.world.settings.play
        sizes = dict(limit=play.limit, window=play.window)
        return Voice(self.decoder, self.words, **sizes, how=how, format=play.format)

    def play(
        self,
        params: Params,
        key: Key[Array, ""],
        tasks: Sequence[int],
        *,
        attempts: int,
        how: Sampling,
        tell: Tell = lambda ended, won: None,
    ) -> list[Episode]:
        """See `turns.play`; a grid is played on the device, with the same result.

        Every host plays the tasks that it is given.
        """
        own = self.placement.players(params)
        with self.placement.plays():
            return self._played(own, key, tasks, attempts=attempts, how=how, tell=tell)

    def _played(
        self,
        params: Params,
        key: Key[Array, ""],
        tasks: Sequence[int],
        *,
        attempts: int,
        how: Sampling,
        tell: Tell,
    ) -> list[Episode]:
        if self.stage is not None:
            outcome = grid_turns.play(
                self.stage, params, key, tasks, attempts=attempts, how=how
            )
            episodes = grid_episodes.episodes(self.stage, tasks, attempts, outcome)
            tell(len(episodes), sum(episode.won for episode in episodes))
            return episodes
        settings, voice = self.world.settings.play, self.voice(how)

        def speaker(rows: int) -> Speaker:
            if settings.history is None:
                return Conversation(voice, params, key, rows)
            return Alone(voice, params, key)

        return turns.play(
            self.world.pool,
            speaker,
            self.words,
            settings.rules,
            tasks,
            attempts=attempts,
            tell=tell,
        )


def options(settings: Settings) -> dict[str, Any]:
    """Of the environment's constructor, but for `seed`.

    One that knows `held_out` has splits of its own, and is told how many of the tasks
    are of its held-out split: the last of them.
    """
    env = settings.env
    given = {**env.options, "tasks": env.train + env.held_out}
    if "held_out" in inspect.signature(make.constructor(env.name)).parameters:
        given["held_out"] = env.held_out
    return given


def opened(settings: Settings) -> World:
    """Makes what the environment needs (games), then starts its workers.

    Raises what `envs.make` raises, before anything is made, and ValueError where
    demonstrations are asked of an environment that has none.
    """
    env, seed, given = settings.env, settings.seed, options(settings)
    dealt = panels.split if "held_out" in given else panels.panel
    panel = dealt(seed, env.train, env.held_out)
    guide = make.make(env.name, **given, seed=seed)
    tasks = range(given["tasks"])
    make.prepare(env.name, given, tasks, seed=seed, workers=env.workers)
    routes: dict[int, Sequence[str]] = {}
    for task in panel.train[: settings.demonstrations]:
        route = guide.walkthrough(task)
        if route is None:
            raise ValueError(
                f"{env.name!r} knows no walkthrough of task {task}: set demonstrations "
                "to 0 and begin with a pretrained model"
            )
        routes[task] = route
    guide.close()
    pool = Pool(
        env.name,
        given,
        workers=env.workers,
        seed=seed,
        step_timeout=env.step_timeout,
        restarts=env.restarts,
    )
    return World(settings, panel, pool, routes)


def tokenizer(world: World, workdir: pathlib.Path) -> Tokenizer:
    """The one that the config names; a word vocabulary that `workdir` has, if it does.

    Words are those of the demonstrations: whatever else is met counts as unknown.
    """
    model = world.settings.model
    if model.tokenizer == "pretrained":
        return pretrained.tokenizer(model.directory)
    if model.tokenizer == "bytes":
        return ByteTokenizer()
    if (workdir / TOKENIZER).exists():
        return WordTokenizer.load(workdir / TOKENIZER)
    letters = ByteTokenizer()
    steps = [step for played in world.guided(letters) for step in played.steps]
    texts = [letters.decode(step.prompt) for step in steps]
    return WordTokenizer.train(texts + [step.text for step in steps])


def keep(words: Tokenizer, workdir: pathlib.Path) -> None:
    """Puts a word vocabulary into the run directory, where a resumed run finds it."""
    path = workdir / TOKENIZER
    if isinstance(words, WordTokenizer) and not path.exists():
        draft = path.with_name(f".{TOKENIZER}.draft")
        words.save(draft)
        draft.replace(path)  # whole, or not there


def decoder(settings: Settings, words: Tokenizer) -> tuple[Decoder, Placement, Params]:
    """The decoder, where it lies, and its first parameters, float32, lying there.

    Raises what `models.pretrained.load` raises, and ValueError for sizes that make no
    decoder, a vocabulary larger than the model's, or a mesh that does not fit.
    """
    model = settings.model
    if model.directory:
        config = pretrained.described(model.directory)
        _check_vocabulary(model.directory, config, words)
        placement = Placement.of(settings.devices, config)
        config, params = pretrained.load(model.directory, place=placement.place)
    else:
        config = DecoderConfig.of_sizes({**model.sizes, "vocab": words.vocab})
        placement = Placement.of(settings.devices, config)
        init = functools.partial(decoders.init, config=config)
        params = placement.initialised(init, jax.random.key(settings.seed))
    config = dataclasses.replace(config, dtype=model.dtype, remat=model.remat)
    return Decoder(config), placement, params


def _check_vocabulary(directory: str, config: DecoderConfig, words: Tokenizer) -> None:
    if words.vocab > config.vocab:
        raise ValueError(
            f"the tokenizer has {words.vocab} tokens and the model in {directory} "
            f"{config.vocab}: they do not belong together"
        )


def check_prompts(world: World, words: Tokenizer) -> None:
    """Raises ValueError where a task's first prompt and an answer outgrow the window.

    Begins every task once, so that no run ends when it meets its longest one. A task
    whose environment fails here is dropped and counted when it is played.
    """
    play = world.settings.play
    tasks = [*world.panel.train, *world.panel.held_out]
    for task, turn in zip(tasks, world.pool.reset(tasks)):
        if isinstance(turn, Failed):
            continue
        length = len(prompts.opening(words, play.rules.prompts.first(turn)))
        if length + play.limit > play.window:
            raise ValueError(
                f"task {task}: its first prompt has {length} tokens and an answer up "
                f"to {play.limit}, together more than play.window={play.window}"
            )
