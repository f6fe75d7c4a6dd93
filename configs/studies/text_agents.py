"""Methods of credit in text worlds, at the same number of episodes.

    python -m experiments.text_study --workdir=DIR --config.out=docs/results \\
        --config=configs/studies/text_agents.py:textworld

GiGPO (arXiv 2505.10978, table 1) and its baselines. A run takes some minutes on two
CPU cores: do them in pieces (`--config.only="('grpo',)"`), finished runs are kept.
`textworld`: coin collector, seven methods, 25 runs. `omega`, `discount`, `memory`:
the same of GiGPO's weight of steps, its discount, the agent's memory. `smoke`: seconds.
"""

import ml_collections

from configs import fragments
from configs.text import textworld

BASELINES = {"grpo": "grpo", "rloo": "rloo", "reinforce_pp": "reinforce_plus_plus"}


def get_config(size: str = "textworld") -> ml_collections.ConfigDict:
    """`textworld`, `omega`, `discount`, `memory`, or `smoke`."""
    return fragments.sized(
        size,
        textworld=coin_collector,
        omega=omega,
        discount=discount,
        memory=memory,
        smoke=smoke,
    )


def coin_collector() -> dict:
    """Five seeds for the two that the paper compares, three for the others."""
    return study("textworld", methods=methods(5, 3), baseline="grpo", agent=agent())


def omega() -> dict:
    """The weight of the step advantage (GiGPO, appendix E.5); 0: episodes alone."""
    weights = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4)
    made = {
        f"omega-{10 * weight:02.0f}": gigpo(2, step_weight=weight) for weight in weights
    }
    return study("omega", methods=made, baseline="omega-00", agent=agent())


def discount() -> dict:
    """Of the return that steps are compared by; the release has 0.95."""
    made = {
        f"discount-{100 * gamma:.0f}": gigpo(2, discount=gamma)
        for gamma in (0.8, 0.9, 0.95, 1.0)
    }
    return study("discount", methods=made, baseline="discount-100", agent=agent())


def memory() -> dict:
    """How many earlier actions the agent is told; the warm-up sees as many."""
    made = {
        f"recalled-{count}": gigpo(2) | dict(changes=remembering(count))
        for count in (0, 2, 8)
    }
    return study("memory", methods=made, baseline="recalled-8", agent=agent())


def smoke() -> dict:
    """Two steps in memory."""
    few = {name: methods(1, 1)[name] for name in ("gigpo", "grpo")}
    return study("smoke", methods=few, baseline="grpo", agent=textworld.smoke())


def study(name: str, *, methods: dict, baseline: str, agent: dict) -> dict:
    """Fields of `text_sweep.TextSweep`."""
    fixed = dict(name=name, out="", only=(), baseline=baseline)
    return fixed | dict(methods=methods, agent=agent)


def methods(most: int, fewer: int) -> dict:
    """GRPO and GiGPO with the most seeds, the others with fewer."""
    found = {
        name: credited(most if name == "grpo" else fewer, estimator)
        for name, estimator in BASELINES.items()
    }
    return found | dict(
        ppo_gae=credited(fewer, "gae"),
        gigpo=credited(most, "gigpo"),
        gigpo_released=credited(fewer, "gigpo_released"),
        hgpo=credited(fewer, "hgpo"),
    )


def credited(seeds: int, estimator: str) -> dict:
    """A method that is another estimator, with its options as they are."""
    return dict(seeds=seeds, changes=dict(credit=dict(name=estimator)))


def gigpo(seeds: int, **options: float) -> dict:
    """GiGPO with other options."""
    credit = dict(name="gigpo", options=dict(gigpo=options))
    return dict(seeds=seeds, changes=dict(credit=credit))


def remembering(recalled: int) -> dict:
    """GiGPO that is told so many of its last actions."""
    return dict(credit=dict(name="gigpo"), play=dict(recalled=recalled))


def agent() -> dict:
    """That of `make train`, for 30 steps and not 40."""
    config = textworld.full()
    train = config["train"] | dict(steps=30)
    return config | dict(train=train, evaluate=config["evaluate"] | dict(every=15))
