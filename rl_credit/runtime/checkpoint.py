"""Checkpoints from which a killed run goes on as if nothing had happened."""

import math
import pathlib
from collections.abc import Mapping
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers

from rl_credit.runtime.errors import UserError

State = TypeVar("State")
ARRAYS = (jax.Array, jax.ShapeDtypeStruct, np.ndarray)


class Checkpoints:
    """The folder `checkpoints` of a run: its last states, each whole or not there.

    A state is a pytree of arrays (JAX or NumPy), typed keys and Python numbers, and
    comes back bit for bit. Checkpoint `step` is the state that begins this step: a run
    goes on with `range(step, ...)` and `metrics.Writer(workdir, start=step)`.

    Args:
        workdir: the folder of the run; made if need be.
        keep: how many of the last checkpoints stay.
        best: keeps one more in the folder `best`: see `offer`.

    With several processes all of them make this object and call its methods, and JAX
    arrays in a state span all of them.
    """

    # Processes wait for each other at places of these names: two managers that save at
    # the same time must not meet at the same ones.
    _barriers = "last"

    def __init__(self, workdir: pathlib.Path, keep: int = 2, best: bool = False):
        if keep < 1:
            raise ValueError(f"keep is {keep}; at least 1 checkpoint must stay")
        self.folder = workdir.absolute() / "checkpoints"
        options = ocp.CheckpointManagerOptions(
            preservation_policy=checkpoint_managers.LatestN(keep),
            cleanup_tmp_directories=True,  # what a kill in the middle of a save left
            multiprocessing_options=ocp.options.MultiprocessingOptions(
                barrier_sync_key_prefix=self._barriers
            ),
        )
        self._manager = ocp.CheckpointManager(self.folder, options=options)
        self._best = _Best(workdir / "best", keep=1) if best else None

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """Waits for the save under way; the object is not used afterwards."""
        if self._best:
            self._best.close()
        self._manager.close()

    def wait(self) -> None:
        """Returns when the last save is on disk, and raises what made it fail."""
        self._manager.wait_until_finished()

    def latest(self) -> int | None:
        """The step of the last checkpoint, None if there is none."""
        return self._manager.latest_step()

    def save(self, step: int, state: Any, extra: Mapping[str, Any]) -> None:
        """Saves a state and, beside it, `extra`, which is data that JSON can hold.

        Returns once the state is copied, and writes on in the background: the arrays
        may be donated or changed at once. Raises ValueError for a step not after the
        last, and for a leaf that cannot be saved.
        """
        latest = self.latest()
        if latest is not None and step <= latest:
            raise ValueError(
                f"cannot save step {step}: {self.folder} has {latest}, which is later; "
                "delete what comes after the checkpoint you went back to"
            )
        args = ocp.args.Composite(
            state=ocp.args.StandardSave(jax.tree.map(_stored, state)),
            extra=ocp.args.JsonSave(dict(extra)),
            leaves=ocp.args.JsonSave(_leaves(state)),
        )
        self._manager.save(step, args=args)

    def offer(self, step: int, state: Any, score: float) -> None:
        """Where the best is kept: keeps this state if none before it scored as high.

        It is a checkpoint as the others are, in the folder `best/checkpoints`, its
        score in `extra`; of equals the first stays, and NaN is never kept. A run that
        goes on with an earlier step finds the same ones again.
        """
        if self._best is None or math.isnan(score):
            return
        held = self._best.latest()
        if held is None or (step > held and score > self._best.extra(held)["score"]):
            self._best.save(step, state, {"score": score})

    def restore(self, step: int, like: State) -> tuple[State, dict[str, Any]]:
        """The state and the extra of a checkpoint.

        Args:
            step: one that was saved, for instance `latest()`.
            like: a pytree of the same structure; its arrays, or ShapeDtypeStructs with
                shardings, say where the restored ones go. A NumPy array restores to
                one, a number to one.

        Raises UserError, a ValueError, where no such checkpoint exists, and where it
        does not fit `like`, naming the first leaf that differs.
        """
        self._require(step)
        wanted = _leaves(like)  # before the rest: it refuses leaves of other kinds
        stored = jax.tree.map(_stored, like)
        targets = jax.tree_util.tree_map_with_path(_target, stored)
        args = ocp.args.Composite(leaves=ocp.args.JsonRestore())
        saved = self._manager.restore(step, args=args).leaves
        self._check(step, saved, wanted)
        args = ocp.args.Composite(
            state=ocp.args.StandardRestore(targets), extra=ocp.args.JsonRestore()
        )
        restored = self._manager.restore(step, args=args)
        return jax.tree.map(_as_wanted, like, restored.state), restored.extra

    def extra(self, step: int) -> dict[str, Any]:
        """What was saved beside a state; raises UserError as `restore` does."""
        self._require(step)
        args = ocp.args.Composite(extra=ocp.args.JsonRestore())
        return self._manager.restore(step, args=args).extra

    def _require(self, step: int) -> None:
        self.wait()
        steps = sorted(self._manager.all_steps())
        if step not in steps:
            there = f"it has {steps}" if steps else "it has none at all"
            raise UserError(f"no checkpoint of step {step} in {self.folder}: {there}")

    def _check(self, step: int, saved: dict[str, str], wanted: dict[str, str]) -> None:
        for path in wanted | saved:
            was, now = saved.get(path, "not there"), wanted.get(path, "not wanted")
            if was != now:
                raise UserError(
                    f"checkpoint {step} in {self.folder} does not fit this run: "
                    f"{path} is {was} in the checkpoint and {now} here"
                )


class _Best(Checkpoints):
    _barriers = "best"


def _leaves(tree: Any) -> dict[str, str]:
    """What each leaf is, by its path: "float32[2, 3]", or "int" for a number."""
    paths, _ = jax.tree_util.tree_flatten_with_path(tree)
    named = [
        (jax.tree_util.keystr(path, simple=True, separator=".") or "state", leaf)
        for path, leaf in paths
    ]
    return {path: _described(path, leaf) for path, leaf in named}


def _described(path: str, leaf: Any) -> str:
    if isinstance(leaf, ARRAYS):
        return f"{leaf.dtype}{list(leaf.shape)}"
    if type(leaf) in (int, float, bool):
        return type(leaf).__name__
    raise ValueError(
        f"{path} is {leaf!r} ({type(leaf).__name__}); a state holds arrays, ints, "
        "floats and bools; other data goes to `extra`"
    )


def _stored(leaf: Any) -> Any:
    """The leaf; in place of an array of no elements, which Orbax refuses, one zero."""
    if isinstance(leaf, ARRAYS) and leaf.size == 0:
        return np.zeros(1, bool)
    return leaf


def _as_wanted(like: Any, restored: Any) -> Any:
    """What was restored; an array of no elements where `like` has one."""
    if isinstance(like, ARRAYS) and like.size == 0:
        empty = np.zeros if isinstance(like, np.ndarray) else jnp.zeros
        return empty(like.shape, like.dtype)
    return restored


def _target(path: Any, leaf: Any) -> Any:
    """Where a leaf goes when it is restored."""
    if not isinstance(leaf, (jax.Array, jax.ShapeDtypeStruct)):
        return leaf
    if leaf.sharding is None:
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        raise ValueError(f"{name} of `like` has no sharding: give every struct one")
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding)
