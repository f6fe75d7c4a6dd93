"""Methods of credit in text worlds, at the same number of episodes.

    python -m experiments.text_study --workdir=DIR --config.out=docs/results \\
        --config=configs/studies/text_agents.py:textworld

GiGPO (arXiv 2505.10978, table 1) and its baselines. A run takes some minutes on two
CPU cores: do them in pieces (`--config.only="('grpo',)"`), finished runs are kept.
`textworld`: coin collector, seven methods, 25 runs. `ablations`: the same of GiGPO's
weight of steps, its discount, the agent's memory, 16 runs. `alfworld`: generated rooms,
two methods, 6 runs. `shop`: the generated shop, likewise. `smoke`: seconds.
"""

import ml_collections

from configs import fragments
from configs.text import alfworld_small, shop_small, textworld

BASELINES = {"grpo": "grpo", "rloo": "rloo", "reinforce_pp": "reinforce_plus_plus"}


def get_config(size: str = "textworld") -> ml_collections.ConfigDict:
    """`textworld`, `alfworld`, `shop`, `ablations`, or `smoke`."""
    return fragments.sized(
        size,
        textworld=coin_collector,
        alfworld=rooms,
        shop=shop,
        ablations=ablations,
        smoke=smoke,
    )


def coin_collector() -> dict:
    """Five seeds for the two that the paper compares, three for the others."""
    return study("textworld", methods=methods(5, 3), baseline="grpo", agent=agent())


def rooms() -> dict:
    """The two that the paper compares, in small rooms of generated ALFWorld."""
    return pair("alfworld", alfworld_small.full())


def shop() -> dict:
    """The same two in the small generated shop."""
    return pair("shop", shop_small.full())


def ablations() -> dict:
    """GiGPO with one thing changed, for 20 steps; as it is: 1, 0.95 and 8.

    The weight of the step advantage (GiGPO, appendix E.5; 0: episodes alone), the
    discount of the return that steps are compared by, and how many of its last actions
    the agent is told, in the warm-up too.
    """
    weights = {"omega_00": 0.0, "omega_05": 0.5, "omega_14": 1.4}
    discounts = {"discount_080": 0.8, "discount_100": 1.0}
    made = {"gigpo": gigpo(2)}
    made |= {name: gigpo(2, step_weight=weight) for name, weight in weights.items()}
    made |= {name: gigpo(2, discount=gamma) for name, gamma in discounts.items()}
    made |= {f"recalled_{n}": gigpo(2) | dict(changes=remembering(n)) for n in (0, 2)}
    return study("ablations", methods=made, baseline="gigpo", agent=agent(steps=20))


def smoke() -> dict:
    """Two steps in memory."""
    few = {name: methods(1, 1)[name] for name in ("gigpo", "grpo")}
    return study("smoke", methods=few, baseline="grpo", agent=textworld.smoke())


def study(name: str, *, methods: dict, baseline: str, agent: dict) -> dict:
    """Fields of `text_sweep.TextSweep`."""
    fixed = dict(name=name, out="", only=(), baseline=baseline)
    return fixed | dict(methods=methods, agent=agent)


def pair(name: str, agent: dict) -> dict:
    """GRPO and GiGPO, three seeds each."""
    made = {method: credited(3, method) for method in ("grpo", "gigpo")}
    return study(name, methods=made, baseline="grpo", agent=agent)


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


def agent(steps: int = 30) -> dict:
    """That of `make train`, for fewer steps than 40 of half as many episodes."""
    config = textworld.full()
    train = config["train"] | dict(steps=steps, tasks=8)
    judged = config["evaluate"] | dict(every=steps // 2)
    return config | dict(train=train, evaluate=judged)
