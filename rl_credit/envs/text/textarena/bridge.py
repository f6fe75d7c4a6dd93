"""textarena (arXiv 2504.11442): its games for one player that work offline."""

from rl_credit.envs.text.panels import digest
from rl_credit.envs.text.textarena import games
from rl_credit.envs.text.textarena.draws import Draws
from rl_credit.envs.text.textarena.moves import Env
from rl_credit.envs.text.turn import Turn, check_running, check_task

REFUSAL = "That is not possible here."
ECHOED = ("PROMPT", "PLAYER_ACTION")  # kinds of messages that tell the player nothing


class TextArena:
    """Rounds of one game; see `TextEnv`.

    The first observation is the package's prompt, which is the objective, with the
    state; later ones are its messages of the turn, without tags and without the
    player's own words. The anchor is what the player knows of the state: the board, or
    all answers so far, sorted.

    Actions are in the brackets that the prompt asks for; those may be left out, and
    case does not matter. Each has one name: [up] and not [w], and in Hangman letters
    alone. Only admissible actions reach the game, so what the package calls an invalid
    move, which it forgives once and the second time ends the game for, is here refused
    and changes nothing. A mine of Minesweeper and a wrong digit of Sudoku, to the
    package invalid moves as well, end the game at once. So does the number of turns
    that most games allow, which refused actions do not count for: it is their rule, not
    the step limit, so the episode is terminated.

    The reward comes with the end: 1 for winning, and for losing what the package pays,
    most often the share of the task that was done. A lost game of 2048 can be paid 1;
    it is not won.

    Exceptions from the contract: tasks of GuessTheNumber, Hangman, Mastermind and
    Minesweeper differ in what is hidden, so their first observations may be equal.
    TowerOfHanoi and PegJump have one start, so one task. 2048 has no walkthrough.

    Args:
        game: a name of the package for a game and how hard it is; `games.GAMES` lists
            those that can be played.
        seed: tasks of another seed are other rounds.
        tasks: how many there are.
        step_limit: actions, refused ones too, until the episode is truncated. Some
            walkthroughs are longer (TowerOfHanoi-v0-extreme takes 127).

    Raises ValueError for a game that is not played here, which says why, and
    ImportError where textarena is not installed.
    """

    def __init__(
        self, *, game: str, seed: int = 0, tasks: int = 1000, step_limit: int = 100
    ):
        import textarena  # noqa: F401

        self._rules = games.named(game)
        if min(tasks, step_limit) < 1:
            raise ValueError(
                f"tasks={tasks}, step_limit={step_limit}: both are at least 1"
            )
        if self._rules.one_start and tasks > 1:
            raise ValueError(
                f"tasks is {tasks}, but {game!r} always begins in one state: give 1"
            )
        self.game, self.seed, self.tasks = game, seed, tasks
        self.step_limit = step_limit
        self._env: Env = None
        self._last: Turn | None = None

    def reset(self, task: int) -> Turn:
        self._env = self._begun(task)
        (_, prompt, _), *_ = self._env.state.observations[0]
        objective, said = _tidy(prompt), "\n".join(map(_tidy, _heard(self._env)))
        self._steps = 0
        view = _tidy(self._rules.view(self._env))
        self._last = Turn(
            "\n".join([objective, said or view]),
            admissible=tuple(self._rules.legal(self._env)),
            anchor=view,
            objective=objective,
        )
        return self._last

    def step(self, action: str) -> Turn:
        check_running(self._last)
        assert self._last is not None
        self._steps += 1
        late = self._steps >= self.step_limit
        able = {_plain(known): known for known in self._last.admissible or ()}
        meant = able.get(_plain(action))
        if meant is None:
            self._last = Turn(
                f"{REFUSAL}\n{self._last.anchor}",
                truncated=late,
                admissible=self._last.admissible,
                anchor=self._last.anchor,
            )
            return self._last
        ended, _ = self._env.step(meant)
        state = self._env.state
        said = _heard(self._env)
        if ended:
            said.append(state.game_info[0]["reason"])
        self._last = Turn(
            "\n".join(map(_tidy, said)),
            reward=float(state.rewards[0]) if ended else 0.0,
            terminated=ended,
            truncated=late and not ended,
            admissible=() if ended else tuple(self._rules.legal(self._env)),
            anchor=_tidy(self._rules.view(self._env)),
            won=ended and self._rules.won(self._env),
        )
        return self._last

    def walkthrough(self, task: int) -> list[str] | None:
        env = self._begun(task)
        return self._rules.plan(env) if self._rules.plan else None

    def close(self) -> None:
        self._env = self._last = None

    def _begun(self, task: int) -> Env:
        """The package's environment at the start of the task."""
        import textarena

        check_task(task, self.tasks)
        key = digest("textarena", self.game, self.seed, task)
        draws = Draws(int.from_bytes(key[:8], "big"))
        with self._rules.building():
            env = textarena.make(f"{self.game}-raw")
        with draws:
            env.reset(num_players=1)
        env.step = draws.around(env.step)
        env.state.error_allowance = 0
        return env


def _heard(env: Env) -> list[str]:
    """What the game has said since it was last asked."""
    _, messages = env.get_observation()
    return [said for _, said, kind in messages if kind.name not in ECHOED]


def _plain(action: str) -> str:
    """The words of an action, without brackets and case."""
    return " ".join(action.strip().removeprefix("[").removesuffix("]").split()).lower()


def _tidy(text: str) -> str:
    """Without empty lines, and without spaces that nobody sees."""
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())
