"""Every estimator against the exact advantage, in ten small decision processes.

    python -m experiments.fidelity --config=configs/studies/fidelity.py --workdir=DIR

`full`: all estimators in all processes and in key-to-door with more and less noise, 64
seeds, three budgets and 60 updates of learning, 15 minutes of two cores. `quick`: the
main estimators in four processes, under 2 minutes. `smoke`: seconds.
"""

from typing import Any

import ml_collections

from configs import fragments

MAIN = (
    "grpo",
    "reinforce_plus_plus",
    "gigpo",
    "gigpo_released",
    "hgpo",
    "gae",
    "vineppo",
    "spo_tree",
    "oprl",
    "prime",
)


def get_config(size: str = "full") -> ml_collections.ConfigDict:
    """`full`, `quick`, or `smoke`."""
    return fragments.sized(size, full=full, quick=quick, smoke=smoke)


def full() -> dict:
    """128 episodes a batch: 16 groups of 8."""
    return dict(
        name="fidelity",
        out="",
        seed=0,
        processes=dict(
            key_to_door=process("key_to_door"),
            key_to_door_quiet=process("key_to_door", spread=0.0),
            key_to_door_loud=process("key_to_door", spread=3.0),
            umbrella=process("umbrella"),
            discounting_chain=process("discounting_chain"),
            bifurcation_tree=process("bifurcation_tree"),
            early_stopping=process("early_stopping"),
            aliased=process("aliased"),
            rejoining=process("rejoining"),
            no_rejoining=process("no_rejoining"),
            sokoban=process("sokoban"),
            multiroom=process("multiroom"),
        ),
        estimators=(),
        variants=dict(
            gigpo_undiscounted=variant("gigpo", discount=1.0),
            hgpo_undiscounted=variant("hgpo", discount=1.0),
            grpo_by_rows=variant("gigpo_released", step_weight=0.0),
        ),
        pictured=MAIN,
        options=dict(  # their defaults are for hundreds of tokens
            spo_chain=dict(interval=2), spo_chain_fixed_interval=dict(interval=3)
        ),
        sources=dict(
            group=8,
            continuations=4,
            tree=(3, 3, 3),
            critic_rate=0.5,
            reward_rate=0.5,
            reset=1.0,
            forward=0.25,
        ),
        scores=dict(seeds=64, warmup=10, budgets=(32, 256, 128), share=0.5),
        learning=dict(seeds=64, updates=60, budget=32, rate=0.05, share=0.1),
    )


def quick() -> dict:
    """One process for each of the main questions."""
    chosen = "key_to_door", "rejoining", "no_rejoining", "aliased"
    whole = full()
    return whole | dict(
        name="fidelity_quick",
        processes={name: whole["processes"][name] for name in chosen},
        estimators=MAIN,
        variants={},
        scores=whole["scores"] | dict(budgets=(128,)),
        learning=whole["learning"] | dict(updates=40),
    )


def smoke() -> dict:
    """Two estimators in two processes."""
    small = quick()
    chosen = "key_to_door", "rejoining"
    return small | dict(
        name="fidelity_smoke",
        processes={name: small["processes"][name] for name in chosen},
        estimators=("grpo", "gigpo"),
        scores=small["scores"] | dict(seeds=16, budgets=(16,)),
        learning=small["learning"] | dict(seeds=4, updates=3, budget=8),
    )


def variant(estimator: str, **options: Any) -> dict:
    """An estimator with these options instead of its own defaults."""
    return dict(estimator=estimator, options=options)


def process(name: str, **options: Any) -> dict:
    """A process of `fidelity.mdps` by name."""
    return dict(name=name, options=options)
