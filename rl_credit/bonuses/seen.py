"""What a bonus may look at of a rollout."""

from jaxtyping import Array, Bool, Float, Int, Shaped

from rl_credit.types import record


@record
class Seen:
    """A rollout of several environments in parallel, time first.

    The successor of a step that ends an episode is the true one, which
    `info["final_observation"]` holds, not the first of the next episode. Rollouts of
    one run follow each other without a gap: `starts` is True at the first step of all
    and, from then on, at the step after each that `ends`.
    """

    observations: Shaped[Array, "time envs ..."]  # s_t, when the action was chosen
    next_observations: Shaped[Array, "time envs ..."]  # s_(t+1), the true successor
    actions: Int[Array, "time envs"]
    starts: Bool[Array, "time envs"]  # True: the first step of its episode
    ends: Bool[Array, "time envs"]  # True: the last one, terminated or truncated
    start_keys: Int[Array, "time envs"]  # count key of s_t, read where `starts`
    keys: Int[Array, "time envs"]  # count key of s_(t+1)
    features: Float[Array, "time envs dim"] | None = None  # policy's trunk, of s_t
