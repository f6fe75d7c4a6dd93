"""Batched episodes of many turns: environments in a pool, answers from a speaker."""

import dataclasses
from collections.abc import Callable, Sequence

from rl_credit.envs.pool import Pool
from rl_credit.envs.slot import Failed
from rl_credit.envs.text.turn import Turn
from rl_credit.models.tokenizer import Tokenizer
from rl_credit.ops import names
from rl_credit.rollout import actions, prompts
from rl_credit.rollout.episodes import Episode, Step
from rl_credit.rollout.prompts import Prompts
from rl_credit.rollout.speakers import Answer, Asked, Speaker

INVALID = ("send", "noop")
NOTHING = "Nothing happens."


@dataclasses.dataclass(frozen=True)
class Rules:
    """How episodes are played."""

    prompts: Prompts = Prompts()
    turns: int = 50  # most answers in an episode
    invalid: str = "send"  # the environment gets an answer without an action as it is;
    # "noop": it gets nothing, the state stays, and the turn is lost

    def __post_init__(self):
        if self.turns < 1:
            raise ValueError(f"turns is {self.turns}; an episode has 1 or more")
        if self.invalid not in INVALID:
            raise ValueError(names.unknown("rule `invalid`", self.invalid, INVALID))


def play(
    pool: Pool,
    speaker: Callable[[int], Speaker],
    tokenizer: Tokenizer,
    rules: Rules,
    tasks: Sequence[int],
    *,
    attempts: int = 1,
    tell: Callable[[int, int], None] = lambda ended, won: None,
) -> list[Episode]:
    """Plays each task `attempts` times, from the same initial state.

    The rows are two halves, and while one waits for its environments the other makes
    its answers. The result has the attempts at tasks[0], then those at tasks[1], ...;
    an episode whose environment failed names the fault and has no outcome.

    Args:
        speaker: makes the speaker of a half, given the number of its rows.
        tell: called as episodes end, with how many have and how many were won.

    Raises ValueError where a first prompt does not fit in the speaker's window.
    """
    numbered = [task for task in tasks for _ in range(attempts)]
    rows = [
        _Row(n, Episode(task, n // attempts), rules, tokenizer)
        for n, task in enumerate(numbered)
    ]
    pool.clear()
    pool.start(range(len(rows)), numbered)
    middle = (len(rows) + 1) // 2
    halves = [half for half in (rows[:middle], rows[middle:]) if half]
    speakers = [speaker(len(half)) for half in halves]
    while any(row.alive for row in rows):
        for half, voice in zip(halves, speakers):
            _advance(pool, voice, half)
        episodes = [row.episode for row in rows if not row.alive]
        tell(len(episodes), sum(episode.won for episode in episodes))
    return [row.episode for row in rows]


class _Row:
    """An episode under way."""

    def __init__(self, number: int, episode: Episode, rules: Rules, tokenizer):
        self.number, self.episode, self.alive = number, episode, True
        self._rules, self._tokenizer = rules, tokenizer
        self._turns: list[Turn] = []
        self.sent = True  # the environment was given something to do
        self._unfinished = False  # the last answer lacks its end token

    @property
    def history(self) -> int | None:
        """How many earlier turns a prompt shows; None: it is a conversation."""
        return self._rules.prompts.history

    def see(self, result: Turn | Failed) -> None:
        """Takes what came of the last action, or the first turn."""
        if isinstance(result, Failed):
            self.alive = False
            self.episode.failure, self.episode.reason = result.kind, result.reason
            return
        self._turns.append(result)
        steps = self.episode.steps
        if steps:
            steps[-1] = dataclasses.replace(steps[-1], reward=result.reward)
        self.episode.terminated, self.episode.won = result.terminated, result.won
        self.alive = not result.ended and len(steps) < self._rules.turns

    def ask(self, place: int, history: int | None) -> Asked:
        """The next prompt, of the last `history` turns or what is new."""
        made, turn = self._rules.prompts, self._turns[-1]
        if history is not None:
            done = [step.action or "" for step in self.episode.steps]
            text = made.alone(self._turns, done, history)
            tokens = prompts.opening(self._tokenizer, text)
        elif not self.episode.steps:
            tokens = prompts.opening(self._tokenizer, made.shown(turn))
        else:
            tokens = prompts.continuation(self._tokenizer, made.shown(turn))
            tokens = [self._tokenizer.end, *tokens] if self._unfinished else tokens
        task, answers = self.episode.task, len(self.episode.steps)
        return Asked(place, self.number, task, answers, tokens)

    def hear(self, asked: Asked, answer: Answer) -> str | None:
        """Notes the answer; gives what the environment is sent, None for nothing."""
        turn = self._turns[-1]
        text = self._tokenizer.decode(answer.tokens)
        said = actions.named(self._rules.prompts.format).read(text)
        action = said and actions.command(said, turn.admissible, self._spell)
        self._unfinished = answer.tokens[-1:] != [self._tokenizer.end]
        step = Step(
            observation=turn.observation,
            anchor=turn.anchor,
            prompt=asked.prompt,
            answer=answer.tokens,
            logps=answer.logps,
            text=text,
            action=action or None,
            stopped=answer.stopped,
        )
        self.episode.steps.append(step)
        self.sent = said is not None or self._rules.invalid == "send"
        return (action or said or text) if self.sent else None

    def wait(self) -> Turn:
        """The turn that follows where nothing was sent."""
        return dataclasses.replace(
            self._turns[-1], observation=NOTHING, reward=0.0, objective=""
        )

    def outgrown(self) -> None:
        """Ends the episode: its text does not fit in the window."""
        if not self.episode.steps:
            raise ValueError(
                f"the first prompt of task {self.episode.task} and an answer do not "
                "fit in the window: make the window longer or the answer's limit lower"
            )
        self.alive, self.episode.overlong = False, True

    def _spell(self, command: str) -> str:
        return " ".join(self._tokenizer.decode(self._tokenizer.encode(command)).split())


def _advance(pool: Pool, speaker: Speaker, half: Sequence[_Row]) -> None:
    """One turn of the rows of a half that are alive: see, answer, send."""
    _see(pool, [row for row in half if row.alive])
    sent: dict[int, str] = {}
    asking = [(place, row) for place, row in enumerate(half) if row.alive]
    history = half[0].history
    while asking:
        asked = [row.ask(place, history) for place, row in asking]
        answers = speaker.answer(asked)
        unfit = []
        for (place, row), question, answer in zip(asking, asked, answers):
            if answer is None:
                unfit.append((place, row))
            elif (action := row.hear(question, answer)) is not None:
                sent[row.number] = action
        if not history:  # nothing is left to leave out
            for _, row in unfit:
                row.outgrown()
            break
        asking, history = unfit, history - 1
    pool.send(sent, sent.values())


def _see(pool: Pool, rows: Sequence[_Row]) -> None:
    """Waits for the environments of those rows that sent something."""
    sent = [row for row in rows if row.sent]
    for row, result in zip(sent, pool.receive(row.number for row in sent)):
        row.see(result)
    for row in rows:
        if not row.sent:
            row.see(row.wait())
