"""What every bonus offers to a training loop."""

import abc
from typing import Any

from jaxtyping import Array, Float

from rl_credit.bonuses.seen import Seen


class Bonus(abc.ABC):
    """A frozen dataclass of hyperparameters; all that changes is in its state.

    A rollout is paid with the networks as they were before it taught them anything:
    `pay`, then `learn`. Both are pure and may stand inside `jit` and `vmap`.
    """

    @abc.abstractmethod
    def init(self, key: Array, seen: Seen) -> Any:
        """The state before anything was seen; of `seen` only the shapes matter.

        Raises:
            ValueError: where `seen` lacks what this bonus looks at.
        """

    @abc.abstractmethod
    def pay(self, state: Any, seen: Seen) -> tuple[Any, Float[Array, "time envs"]]:
        """What each step earns, and the state after the rollout.

        Rollouts may be cut anywhere: episodes go on where the last one stopped.
        """

    def learn(self, state: Any, seen: Seen, key: Array) -> tuple[Any, dict[str, Array]]:
        """Trains the networks on the rollout; one without any returns `state`, `{}`."""
        return state, {}
