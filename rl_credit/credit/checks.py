"""What a batch of trajectories must be, checked once on the host before it is used."""

import dataclasses
from collections.abc import Sequence

import jax
import numpy as np

from rl_credit.types import Trajectories

PER_SPAN = ("rewards", "values", "logps", "log_ratios", "penalties")
PER_TRAJECTORY = ("final_values", "baselines")
ALWAYS = ("rewards", "where", "groups")
FLAGS = {"where": 2, "terminated": 1, "matches": 2}
WHOLE = {"groups": 1, "lengths": 2, "parents": 1}

REMEDIES = {
    "states": "fingerprint the observations with rl_credit.ops.hashing",
    "terminated": "say for each trajectory whether it ended by itself",
    "values": "give the value of the state each span began in",
    "logps": "give the log-probability of each span when it was sampled",
    "log_ratios": "give log(reward model) - log(reference) of each span",
    "matches": "say for each span whether it equals the expert's",
    "parents": "give for each row the earlier row it continues, -1 for a root",
    "baselines": "give the return of the greedy response to each row's task",
}


def require(name: str, needs: Sequence[str], present: Sequence[str]) -> None:
    """Raises ValueError naming the fields the estimator `name` lacks.

    For use when an experiment is built: `present` are the fields its rollout fills.
    """
    for field in needs:
        if field not in present:
            raise ValueError(
                f"estimator {name!r} needs Trajectories.{field}, which is missing: "
                f"{REMEDIES[field]}"
            )


def checked(trajectories: Trajectories, needs: Sequence[str] = ()) -> Trajectories:
    """The same trajectories as NumPy arrays of the declared types.

    Raises ValueError where shapes disagree, an id is out of range, a number that
    matters is not finite, or a trajectory was cut off and an estimator that `needs`
    to know has no value to go on from. The message names the value and what would do.
    """
    given = {
        field.name: np.asarray(value)
        for field in dataclasses.fields(trajectories)
        if (value := getattr(trajectories, field.name)) is not None
    }
    for name in ALWAYS:
        if name not in given:
            raise ValueError(f"Trajectories.{name} is missing; all estimators need it")
    shape = given["rewards"].shape
    if len(shape) != 2 or 0 in shape:
        raise ValueError(
            f"rewards has shape {shape}; it must be [batch, spans], neither of them 0"
        )
    arrays = {name: _typed(name, array) for name, array in given.items()}
    for name, array in arrays.items():
        _check_shape(name, array, shape)
    for name in given:
        _check_finite(name, given[name], arrays)
    _check_integers(given)
    if "terminated" in needs:
        _check_bootstrap(arrays)
    return dataclasses.replace(trajectories, **arrays)


def traced(trajectories: Trajectories) -> bool:
    """Whether some field is a tracer, whose value cannot be looked at."""
    leaves = jax.tree.leaves(trajectories)
    return any(isinstance(leaf, jax.core.Tracer) for leaf in leaves)


def _typed(name: str, array: np.ndarray) -> np.ndarray:
    kind = array.dtype.kind
    if name in FLAGS:
        if kind != "b":
            raise ValueError(
                f"{name} must be bool; got {array.dtype}: use {name}.astype(bool)"
            )
        return array
    if name == "states":
        if array.dtype != np.uint32:
            raise ValueError(
                f"states must be uint32 fingerprints; got {array.dtype}: "
                f"{REMEDIES['states']}"
            )
        return array
    if name in WHOLE:
        if kind not in "iu":
            raise ValueError(f"{name} must be integers; got {array.dtype}")
        return array.astype(np.int32)
    if kind not in "fiub" and array.dtype.name != "bfloat16":
        raise ValueError(f"{name} must be numbers; got {array.dtype}")
    with np.errstate(over="ignore"):  # what overflows is named by _check_finite
        return array.astype(np.float32)


def _check_shape(name: str, array: np.ndarray, shape: tuple[int, int]) -> None:
    per_span = name in PER_SPAN or FLAGS.get(name, WHOLE.get(name)) == 2
    expected = (*shape, 2) if name == "states" else shape if per_span else shape[:1]
    if array.shape != expected:
        raise ValueError(
            f"{name} has shape {array.shape}; rewards {shape} asks for {expected}"
        )


def _check_finite(
    name: str, given: np.ndarray, arrays: dict[str, np.ndarray]
) -> None:
    if name not in PER_SPAN and name not in PER_TRAJECTORY:
        return
    where = arrays["where"]
    matters = where if name in PER_SPAN else where.any(axis=1)
    bad = np.argwhere(matters & ~np.isfinite(arrays[name]))
    if len(bad):
        row, place = bad[0][0], ", ".join(map(str, bad[0]))
        value = given[tuple(bad[0])]
        size = ", too large for float32" if np.isfinite(value) else ""
        raise ValueError(
            f"{name}[{place}] is {value}{size} (trajectory {row}, task "
            f"{arrays['groups'][row]}; {len(bad)} such values): drop the trajectory by "
            f"setting where[{row}] to False, or mend what computed it"
        )


def _check_integers(given: dict[str, np.ndarray]) -> None:
    """As they were given: a cast to 32 bits could bring an id back into range."""
    _check_ids(given["groups"])
    if "parents" in given:
        _check_parents(given["parents"])
    negative = np.argwhere(given["where"] & (given.get("lengths", 0) < 0))
    if len(negative):
        place = tuple(negative[0])
        raise ValueError(
            f"lengths[{place[0]}, {place[1]}] is {given['lengths'][place]}; "
            f"it counts the tokens of a span"
        )


def _check_ids(groups: np.ndarray) -> None:
    batch = len(groups)
    outside = np.flatnonzero((groups < 0) | (groups >= batch))
    if len(outside):
        row = outside[0]
        raise ValueError(
            f"groups[{row}] is {groups[row]}; with {batch} trajectories ids lie in "
            f"[0, {batch}): number tasks with np.unique(tasks, return_inverse=True)[1]"
        )


def _check_parents(parents: np.ndarray) -> None:
    late = np.flatnonzero((parents < -1) | (parents >= np.arange(len(parents))))
    if len(late):
        row = late[0]
        raise ValueError(
            f"parents[{row}] is {parents[row]}; a parent is an earlier row, or -1 for "
            f"a root: order the nodes so that parents precede children"
        )


def _check_bootstrap(arrays: dict[str, np.ndarray]) -> None:
    cut_off = np.flatnonzero(arrays["where"].any(axis=1) & ~arrays["terminated"])
    if len(cut_off) and "final_values" not in arrays:
        raise ValueError(
            f"trajectory {cut_off[0]} was cut off (terminated is False): give "
            f"final_values, the critic's value of the state each trajectory ended in"
        )
