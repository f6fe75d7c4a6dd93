"""What lies in the memory of a device between programs."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp

from rl_credit.analysis.plan.job import Job
from rl_credit.runtime import partition
from rl_credit.training import source, state
from rl_credit.training.reward_model import RECIPES
from rl_credit.training.state import Optimiser

PLAYING, LEARNING = "while playing", "while learning"
ALWAYS = "always"


@dataclasses.dataclass(frozen=True)
class Part:
    """A row of the table."""

    name: str
    size: int  # bytes of one device
    when: str  # ALWAYS, PLAYING or LEARNING


def parts(job: Job) -> list[Part]:
    """All that a run keeps; what programs need besides is not here."""
    settings, params = job.settings, job.params
    learner = _begun(params, settings.train.optimiser)
    found = [
        Part("parameters, float32", _learning(job, learner.params), ALWAYS),
        Part("optimiser (AdamW)", _learning(job, learner.memory), ALWAYS),
    ]
    if settings.loss.kl:
        found.append(Part("reference copy", _learning(job, params), ALWAYS))
    found += [
        Part(name, _learning(job, carried), ALWAYS)
        for name, carried in _extras(job).items()
    ]
    return [
        *found,
        Part("copy that plays", _copied(job), PLAYING),
        Part("gradient", _learning(job, params), LEARNING),
    ]


def _begun(params: Any, optimiser: Optimiser) -> Any:
    init = functools.partial(state.init, optimiser=optimiser)
    return jax.eval_shape(init, params)


def _extras(job: Job) -> dict[str, Any]:
    """What the sources of the estimator carry that is large."""
    settings, params = job.settings, job.params
    estimator = settings.credit.estimator
    wanted = source.needed(estimator.name, estimator.needs)
    found: dict[str, Any] = {}
    if "critic" in wanted:
        slope = jax.ShapeDtypeStruct((job.config.width,), jnp.float32)
        offset = jax.ShapeDtypeStruct((), jnp.float32)
        whole = dict(decoder=params, slope=slope, offset=offset)
        found["critic"] = _begun(whole, settings.critic.optimiser)
    if "reward_model" in wanted:
        frozen = params if RECIPES[estimator.name].frozen else {}
        model = _begun(params, settings.reward_model.optimiser)
        found["reward model"] = model, frozen
    return found


def _learning(job: Job, tree: Any) -> int:
    """Bytes of one device, of what lies as parameters do."""
    shardings = partition.shardings(tree, job.learning, job.mesh)
    return partition.bytes_per_device(tree, shardings)


def _copied(job: Job) -> int:
    """Of parameters as they play, those that do not lie so already."""
    learning, playing = (
        jax.tree.leaves(partition.shardings(job.params, rules, job.mesh))
        for rules in (job.learning, job.playing)
    )
    leaves = jax.tree.leaves(job.params)
    moved = [i for i in range(len(leaves)) if learning[i].spec != playing[i].spec]
    return partition.bytes_per_device(
        [leaves[i] for i in moved], [playing[i] for i in moved]
    )
