"""What a config of the text agent says: its sections are these fields."""

import dataclasses
from typing import Any

from rl_credit.credit.estimator import Estimator
from rl_credit.credit.estimators import named
from rl_credit.envs import make
from rl_credit.ops import names
from rl_credit.rollout.prompts import Prompts
from rl_credit.rollout.sampling import Sampling
from rl_credit.rollout.turns import Rules
from rl_credit.training import source
from rl_credit.training.imitation import Imitation
from rl_credit.training.state import Optimiser
from rl_credit.training.update import Objective

TOKENIZERS = ("words", "bytes", "pretrained")


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
        if self.train < 1 or self.held_out < 1:
            raise ValueError(
                f"env.train={self.train}, env.held_out={self.held_out}: give each 1 "
                "task or more"
            )


@dataclasses.dataclass(frozen=True)
class Model:
    """A decoder from a Hugging Face directory, or a new one of the sizes given."""

    directory: str  # empty: a new one
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


@dataclasses.dataclass(frozen=True)
class Play:
    """How episodes are played: see `Rules`, `Prompts`, `Voice` and `Sampling`."""

    format: str
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
        prompts = Prompts(
            self.format, self.history, self.recalled, self.admissible
        )
        return Rules(prompts, self.turns, self.invalid)

    @property
    def sampling(self) -> Sampling:
        """While training."""
        return Sampling(self.temperature, self.top_k, self.top_p)

    def __post_init__(self):
        self.rules, self.sampling


@dataclasses.dataclass(frozen=True)
class Credit:
    """Which step earned it."""

    name: str  # in ESTIMATORS
    options: dict[str, dict[str, Any]]  # by name; those of other estimators are ignored
    invalid_penalty: float  # taken from the advantage of a turn without a valid action

    @property
    def estimator(self) -> Estimator:
        """The one of that name."""
        return named(self.name)

    @property
    def knobs(self) -> dict[str, Any]:
        """Its options; those that are not given are at their defaults."""
        return self.estimator.options | self.options.get(self.name, {})

    @property
    def discount(self) -> float:
        """Of the returns it sees: those that a critic and a baseline must mean, too."""
        return self.knobs.get("discount", 1.0)

    def __post_init__(self):
        self.estimator.check_options(self.knobs)
        source.needed(self.name, self.estimator.needs)


@dataclasses.dataclass(frozen=True)
class Critic:
    """How a critic learns, where the estimator needs values; see `critic.Critic`."""

    epochs: int  # updates an iteration, each with all that was played
    trace: float  # of the lambda-returns it learns; 1: of Monte Carlo returns
    value_clip: float  # how far a value moves in an iteration
    learning_rate: float
    warmup: int
    weight_decay: float
    clip: float

    @property
    def optimiser(self) -> Optimiser:
        """Of the critic."""
        return Optimiser(
            learning_rate=self.learning_rate,
            warmup=self.warmup,
            weight_decay=self.weight_decay,
            clip=self.clip,
        )

    def __post_init__(self):
        if self.epochs < 1 or not 0 <= self.trace <= 1 or self.value_clip <= 0:
            raise ValueError(
                f"critic: epochs={self.epochs}, trace={self.trace}, value_clip="
                f"{self.value_clip}; give 1 or more, 0 to 1, and more than 0"
            )


@dataclasses.dataclass(frozen=True)
class RewardModel:
    """How it learns, where the estimator needs log-ratios; see `reward_model`."""

    learning_rate: float
    warmup: int
    weight_decay: float
    clip: float

    @property
    def optimiser(self) -> Optimiser:
        """Of the reward model."""
        return Optimiser(**dataclasses.asdict(self))


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
class Train:
    """One iteration: `tasks` tasks, `attempts` episodes each, some updates."""

    steps: int
    tasks: int
    attempts: int
    resample: int  # DAPO: more rounds where groups are without spread; 0: none
    epochs: int  # passes over an iteration's rows
    minibatches: int  # updates in each
    tokens: int  # most in a microbatch
    learning_rate: float
    warmup: int
    weight_decay: float
    clip: float

    @property
    def optimiser(self) -> Optimiser:
        """Of the policy."""
        return Optimiser(
            learning_rate=self.learning_rate,
            warmup=self.warmup,
            weight_decay=self.weight_decay,
            clip=self.clip,
        )

    def __post_init__(self):
        for name in ("tasks", "attempts", "epochs", "minibatches", "tokens"):
            value = getattr(self, name)
            if value < 1:
                raise ValueError(f"train.{name} is {value}; give 1 or more")


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """How often, and how, the held-out tasks are played; 0: before and after only."""

    every: int
    attempts: int
    temperature: float


@dataclasses.dataclass(frozen=True)
class Save:
    """How often a checkpoint is written, and how many are kept."""

    every: int
    keep: int


@dataclasses.dataclass(frozen=True)
class Settings:
    """All of it."""

    seed: int
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
    save: Save

    def __post_init__(self):
        if self.model.tokenizer == "words" and not self.demonstrations:
            raise ValueError(
                "model.tokenizer 'words' is made of the words of demonstrations, and "
                "demonstrations is 0: give some, or take 'bytes'"
            )
