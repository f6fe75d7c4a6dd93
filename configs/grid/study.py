"""Parts that the studies of bonuses share."""

from typing import Any

from configs.grid import parts


def sweep(name: str, **changes: Any) -> dict:
    """Fields of `grid_sweep.Sweep`; changes replace them. The agent is `agent()`."""
    fixed = dict(name=name, out="", only=())
    base = dict(contexts=(0,), context_seeds=(0,), bonuses={}, agent=agent())
    return fixed | base | changes


def agent(*, frames: int = 5_000_000, view: int = 9, **changes: Any) -> dict:
    """PPO for goals that are seldom found; task, contexts and bonus are the sweep's."""
    base = dict(
        seeds=5,
        env=parts.env("MultiRoom-N6-Lava", view=view),
        model=parts.conv(16, 16, features=64),
        play=dict(num_envs=64, horizon=128),
        credit=dict(discount=0.99, trace=0.95),
        train=parts.train(
            frames=frames,
            updates_per_call=5,
            minibatches=8,
            learning_rate=1e-3,
            anneal=False,
        ),
        evaluate=dict(every=10, episodes=32, greedy=False, threshold=None),
        save=dict(every=20, keep=1, best=False),
    )
    return parts.config("MultiRoom-N6-Lava", **(base | changes))


def counts(count: str, **changes: Any) -> dict:
    """No bonus, and both counts of "position" or "message" and their product.

    All at 0.005: at 0.1 a lifelong count, which never ends as it is divided by its
    deviation, pays more for the rest of an episode than the goal does, and agents that
    had found the goal came to avoid it.
    """
    names = ("none", "count_global", "count_episodic", "count_product")
    fields = dict(count=count, coefficient=0.005) | changes
    return {name: parts.bonus(name, **fields) for name in names}


def smoke(full: dict, **changes: Any) -> dict:
    """The first task, two numbers of contexts and two bonuses, a blink each."""
    named = [item for item in full["bonuses"].items() if item[0] != "none"]
    return full | dict(
        tasks=full["tasks"][:1],
        contexts=full["contexts"][:2],
        context_seeds=(0,),
        bonuses=dict(named[:2]),
        agent=parts.smoke(full["agent"]),
        **changes,
    )
