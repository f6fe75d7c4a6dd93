"""reasoning-gym (arXiv 2505.24760): questions drawn from a seed, one answer each."""

from collections.abc import Mapping
from typing import Any

from rl_credit.envs.text.panels import digest
from rl_credit.envs.text.turn import Turn, check_running, check_task
from rl_credit.ops.names import unknown


class ReasoningGym:
    """Questions of one data set, each an episode of one turn; see `TextEnv`.

    The action is the answer, and the reward is the score that the data set gives it,
    between 0 and 1; 1 is won. An answer that the scorer fails on is wrong and scores 0,
    which the agent is told, unless the scorer fails on the data set's own answer, too:
    then it is at fault, and its error is raised.

    Item i of a data set is drawn from its seed plus i, so that neighbouring seeds share
    most of their items. The data set is therefore given a hash of `seed`.

    Args:
        data: a name in `reasoning_gym.factory.DATASETS`.
        seed: tasks of another seed are other questions.
        tasks: how many there are.
        settings: fields of the data set's configuration, but for `seed` and `size`.

    Raises ImportError where reasoning-gym is not installed.
    """

    def __init__(
        self,
        *,
        data: str,
        seed: int = 0,
        tasks: int = 1000,
        settings: Mapping[str, Any] | None = None,
    ):
        from reasoning_gym.factory import DATASETS, create_dataset

        if data not in DATASETS:
            raise ValueError(unknown("data set", data, DATASETS))
        if tasks < 1:
            raise ValueError(f"tasks is {tasks}; it must be at least 1")
        settings = dict(settings or {})
        fields = set(DATASETS[data][1].__dataclass_fields__) - {"seed", "size"}
        for name in settings:
            if name not in fields:
                raise ValueError(unknown(f"setting of {data!r}", name, fields))
        self.data, self.seed, self.tasks = data, seed, tasks
        first = int.from_bytes(digest("reasoning_gym", seed)[:4], "big") >> 1
        self._items = create_dataset(data, seed=first, size=tasks, **settings)
        self._last: Turn | None = None

    def reset(self, task: int) -> Turn:
        self._item = self._drawn(task)
        question = self._item["question"]
        self._last = Turn(question, objective=question)
        return self._last

    def step(self, action: str) -> Turn:
        check_running(self._last)
        try:
            score, told = self._score(action.strip()), ""
        except Exception as error:  # some scorers parse the answer, and expect no words
            self._score(self._item["answer"])
            score, told = 0.0, f" Reading it failed: {type(error).__name__}."
        self._last = Turn(
            f"The answer scores {score:g}.{told}",
            reward=score,
            terminated=True,
            admissible=(),
            won=score >= 1.0,
        )
        return self._last

    def walkthrough(self, task: int) -> list[str] | None:
        """The data set's own answer; None for a question that comes without."""
        answer = self._drawn(task)["answer"]
        return None if answer is None else [answer]

    def close(self) -> None:
        self._last = None

    def _score(self, answer: str | None) -> float:
        return float(self._items.score_answer(answer, self._item))

    def _drawn(self, task: int) -> dict[str, Any]:
        check_task(task, self.tasks)
        return self._items[task]
