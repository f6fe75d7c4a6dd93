"""Decision processes with known structure, by name."""

import inspect
from collections.abc import Callable
from typing import Any

from rl_credit.fidelity.mdps.aliased import aliased
from rl_credit.fidelity.mdps.bifurcation_tree import bifurcation_tree
from rl_credit.fidelity.mdps.discounting_chain import discounting_chain
from rl_credit.fidelity.mdps.early_stopping import early_stopping
from rl_credit.fidelity.mdps.key_to_door import key_to_door
from rl_credit.fidelity.mdps.multiroom import multiroom
from rl_credit.fidelity.mdps.no_rejoining import no_rejoining
from rl_credit.fidelity.mdps.rejoining import rejoining
from rl_credit.fidelity.mdps.sokoban import sokoban
from rl_credit.fidelity.mdps.umbrella import umbrella
from rl_credit.fidelity.process import Process
from rl_credit.ops import names

PROCESSES: dict[str, Callable[..., Process]] = {
    "key_to_door": key_to_door,
    "umbrella": umbrella,
    "discounting_chain": discounting_chain,
    "bifurcation_tree": bifurcation_tree,
    "early_stopping": early_stopping,
    "aliased": aliased,
    "rejoining": rejoining,
    "no_rejoining": no_rejoining,
    "sokoban": sokoban,
    "multiroom": multiroom,
}


def named(name: str, **options: Any) -> Process:
    """The process of that name with these options; see its function for them.

    Raises ValueError for an unknown name and TypeError for an unknown option, both with
    the nearest right one.
    """
    if name not in PROCESSES:
        raise ValueError(names.unknown("process", name, PROCESSES))
    known = inspect.signature(PROCESSES[name]).parameters
    for option in options:
        if option not in known:
            raise TypeError(
                f"process {name!r} has no option {option!r}"
                + names.suggestion(option, known)
            )
    return PROCESSES[name](**options)
