"""What a config of the text agent says: its sections are these fields."""

import dataclasses
from typing import Any

from rl_credit.credit.estimator import Estimator
from rl_credit.credit.estimators import ESTIMATORS, named
from rl_credit.envs import make
from rl_credit.models.config import DecoderConfig
from rl_credit.ops import names
from rl_credit.rollout.prompts import Prompts
from rl_credit.rollout.sampling import Sampling
from rl_credit.rollout.turns import Rules
from rl_credit.training import source
from rl_credit.training.anchoring import Anchors
from rl_credit.training.guards import Guard
from rl_credit.training.imitation import Imitation
from rl_credit.training.placement import Devices
from rl_credit.training.save import Save, at_least
from rl_credit.training.state import Optimiser
from rl_credit.training.update import Objective

TOKENIZERS = ("words", "bytes", "pretrained")
PENALISED = ("advantage", "score")  # after, or before, scores are compared in groups


@dataclasses.dataclass(frozen=True)
class World:
    """The environment, and which of its tasks are for what."""

    name: str  # see `envs.make`
    options: dict[str, Any]  # of its constructor
    train: int  # tasks to train on
    held_out: int  # tasks to evaluate on
    workers: int  # processes
    step_timeout: float  # seconds
    restarts: int  # of workers, before the run gives up

    def __post_init__(self):
        make.constructor(self.name)
        at_least(1, train=self.train, held_out=self.held_out, workers=self.workers)
        at_least(0, restarts=self.restarts)
        if self.step_timeout <= 0:
            raise ValueError(f"step_timeout is {self.step_timeout}; give seconds > 0")


@dataclasses.dataclass(frozen=True)
class Model:
    """A pretrained decoder (`pretrained.found`), or a new one of the sizes given."""

    directory: str  # or a GGUF file, or package:NAME; empty: a new one
    tokenizer: str  # words (of the demonstrations), bytes, or pretrained
    sizes: dict[str, Any]  # fields of DecoderConfig but `vocab`; none with a directory
    dtype: str  # of products
    remat: bool

    def __post_init__(self):
        if self.tokenizer not in TOKENIZERS:
            raise ValueError(names.unknown("tokenizer", self.tokenizer, TOKENIZERS))
        if bool(self.directory) == bool(self.sizes):
            raise ValueError("model: give either a directory or sizes")
        if bool(self.directory) != (self.tokenizer == "pretrained"):
            raise ValueError(
                f"model.tokenizer is {self.tokenizer!r} with model.directory="
                f"{self.directory!r}: 'pretrained' is that of a directory, and its only"
            )
        if self.sizes:
            DecoderConfig.of_sizes({**self.sizes, "vocab": 1, "dtype": self.dtype})


@dataclasses.dataclass(frozen=True)
class Play:
    """How episodes are played: see `Rules`, `Prompts`, `Voice` and `Sampling`."""

    format: str
    layout: str
    history: int | None
    recalled: int
    admissible: bool
    turns: int
    invalid: str
    limit: int
    window: int
    temperature: float
    top_k: int
    top_p: float

    @property
    def rules(self) -> Rules:
        """Of an episode."""
        shown = self.history, self.recalled, self.admissible, self.layout
        return Rules(Prompts(self.format, *shown), self.turns, self.invalid)

    @property
    def sampling(self) -> Sampling:
        """While training."""
        return Sampling(self.temperature, self.top_k, self.top_p)

    def __post_init__(self):
        self.rules, self.sampling  # they refuse what they cannot be
        if not 1 <= self.limit < self.window:
            raise ValueError(
                f"limit={self.limit}, window={self.window}: an answer has 1 token or "
                "more, and is shorter than the window that holds it and its prompt"
            )


@dataclasses.dataclass(frozen=True)
class Credit:
    """Which step earned it."""

    name: str  # in ESTIMATORS
    options: dict[str, dict[str, Any]]  # by name; those of other estimators are ignored
    invalid_penalty: float  # what a turn without a valid action loses
    penalise: str  # what it loses that of: a name in PENALISED
    anchors_by: str  # what an equal state is: see `Anchors`
    similarity: float

    @property
    def estimator(self) -> Estimator:
        """The one of that name."""
        return named(self.name)

    @property
    def knobs(self) -> dict[str, Any]:
        """Its options; those that are not given are at their defaults."""
        return self.estimator.options | self.options.get(self.name, {})

    @property
    def anchors(self) -> Anchors:
        """Which turns meet."""
        return Anchors(self.anchors_by, self.similarity)

    @property
    def discount(self) -> float:
        """Of the returns it sees: those that a critic and a baseline must mean, too."""
        return self.knobs.get("discount", 1.0)

    def __post_init__(self):
        self.estimator.check_options(self.knobs)
        if self.penalise not in PENALISED:
            raise ValueError(names.unknown("credit.penalise", self.penalise, PENALISED))
        if self.penalise == "score" and "penalties" not in self.estimator.reads:
            able = [n for n in ESTIMATORS if "penalties" in ESTIMATORS[n].reads]
            raise ValueError(
                f"estimator {self.name!r} with penalise='score': only "
                f"{' and '.join(able)} take penalties off their scores; give "
                "penalise='advantage'"
            )
        source.needed(self.name, self.estimator.needs)
        self.anchors  # it refuses what it cannot be


@dataclasses.dataclass(frozen=True)
class Rates:
    """How fast something learns; see `Optimiser`."""

    learning_rate: float
    warmup: int
    weight_decay: float
    clip: float

    @property
    def optimiser(self) -> Optimiser:
        """Its rate stays where the warm-up ends."""
        rates = {field.name: getattr(self, field.name) for field in RATES}
        return Optimiser(**rates)


RATES = dataclasses.fields(Rates)


@dataclasses.dataclass(frozen=True)
class Critic(Rates):
    """How a critic learns, where the estimator needs values; see `critic.Critic`."""

    epochs: int  # updates an iteration, each with all that was played
    trace: float  # of the lambda-returns it learns; 1: of Monte Carlo returns
    value_clip: float  # how far a value moves in an iteration

    def __post_init__(self):
        if self.epochs < 1 or not 0 <= self.trace <= 1 or self.value_clip <= 0:
            raise ValueError(
                f"critic: epochs={self.epochs}, trace={self.trace}, value_clip="
                f"{self.value_clip}; give 1 or more, 0 to 1, and more than 0"
            )


@dataclasses.dataclass(frozen=True)
class RewardModel(Rates):
    """Where the estimator needs log-ratios; see `reward_model.RewardModel`."""


@dataclasses.dataclass(frozen=True)
class Loss:
    """See `Objective`."""

    name: str
    options: dict[str, dict[str, Any]]  # by name, as in Credit
    reduction: str
    length: int | None
    kl: float
    entropy: float

    def objective(self, temperature: float) -> Objective:
        """For answers drawn at that temperature; greedy ones count as at 1."""
        return Objective(
            loss=self.name,
            options=tuple(sorted(self.options.get(self.name, {}).items())),
            reduction=self.reduction,
            length=self.length,
            kl=self.kl,
            entropy=self.entropy,
            temperature=temperature or 1.0,
        )

    def __post_init__(self):
        self.objective(1.0)


@dataclasses.dataclass(frozen=True)
class Train(Rates):
    """One iteration: `tasks` tasks, `attempts` episodes each, some updates."""

    steps: int
    tasks: int
    attempts: int
    resample: int  # DAPO: more rounds where groups are without spread; 0: none
    epochs: int  # passes over an iteration's rows
    minibatches: int  # updates in each
    tokens: int  # most in a microbatch

    def __post_init__(self):
        at_least(0, steps=self.steps, resample=self.resample)
        at_least(1, tasks=self.tasks, attempts=self.attempts, epochs=self.epochs)
        at_least(1, minibatches=self.minibatches, tokens=self.tokens)


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """How often, and how, the held-out tasks are played; 0: before and after only."""

    every: int
    attempts: int
    temperature: float

    @property
    def sampling(self) -> Sampling:
        """While judging."""
        return Sampling(self.temperature)

    def __post_init__(self):
        self.sampling  # it refuses what it cannot be
        at_least(0, every=self.every)
        at_least(1, attempts=self.attempts)


@dataclasses.dataclass(frozen=True)
class Settings:
    """All of it."""

    seed: int
    devices: Devices
    env: World
    model: Model
    play: Play
    demonstrations: int  # tasks whose walkthroughs are imitated; 0: no warm-up
    imitation: Imitation
    credit: Credit
    critic: Critic
    reward_model: RewardModel
    loss: Loss
    train: Train
    evaluate: Evaluate
    guard: Guard
    save: Save

    @property
    def objective(self) -> Objective:
        """What the policy's updates minimise."""
        return self.loss.objective(self.play.temperature)

    def __post_init__(self):
        at_least(0, seed=self.seed, demonstrations=self.demonstrations)
        positions = self.model.sizes.get("positions", self.play.window)
        if self.play.window > positions:
            raise ValueError(
                f"play.window is {self.play.window} and the decoder has {positions} "
                "positions: give a shorter window, or more of them"
            )
        if self.model.tokenizer == "words" and not self.demonstrations:
            raise ValueError(
                "model.tokenizer 'words' is made of the words of demonstrations, and "
                "demonstrations is 0: give some, or take 'bytes'"
            )
