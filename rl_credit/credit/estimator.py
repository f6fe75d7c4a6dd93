"""What every estimator does around its method: check, pad to a bucket, compile once."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from rl_credit.credit import checks
from rl_credit.ops import buckets, names
from rl_credit.types import Trajectories

FILLS = {"parents": -1, "terminated": True}  # padding; every other field gets 0


@dataclasses.dataclass(frozen=True, eq=False)  # `jax.jit` hashes what it compiles
class Estimator:
    """A method of credit assignment: call it with trajectories and its options.

    Outside `jit` the batch is checked (see `checks`), padded to a bucket, so that one
    compilation serves all sizes in it, and cut back to `[batch spans]`. Under `jit`,
    where nothing can be looked at, `function` runs as it is, in float32.
    """

    name: str
    function: Callable[..., Float[Array, "batch spans"]]
    needs: tuple[str, ...] = ()  # fields of Trajectories besides the first three
    preset: Mapping[str, object] = dataclasses.field(default_factory=dict)
    reads: tuple[str, ...] = ()  # fields that it takes where they are given

    def __call__(
        self, trajectories: Trajectories, **options
    ) -> Float[Array, "batch spans"]:
        self.check_options(options)
        options = {**self.preset, **options}
        fields = dataclasses.fields(trajectories)
        present = [f.name for f in fields if getattr(trajectories, f.name) is not None]
        checks.require(self.name, self.needs, present)
        if checks.traced(trajectories):
            return self.function(_single_precision(trajectories), **options)
        host = checks.checked(trajectories, self.needs)
        batch, spans = host.rewards.shape
        result = np.asarray(self._compiled(_padded(host), **options))
        return jnp.asarray(result[:batch, :spans])

    @property
    def options(self) -> dict[str, object]:
        """The method's own options and their defaults; what is preset is none."""
        parameters = inspect.signature(self.function).parameters.values()
        own = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        return {name: own[name] for name in own if name not in self.preset}

    def check_options(self, options: dict) -> None:
        """Raises TypeError for an option the method does not have."""
        for name in options:
            if name not in self.options:
                raise TypeError(
                    f"estimator {self.name!r} has no option {name!r}"
                    + names.suggestion(name, self.options)
                )

    @functools.cached_property
    def _compiled(self) -> Callable:
        return jax.jit(self.function, static_argnames=(*self.options, *self.preset))


def _single_precision(trajectories: Trajectories) -> Trajectories:
    fields = (*checks.PER_SPAN, *checks.PER_TRAJECTORY)
    given = {name: getattr(trajectories, name) for name in fields}
    cast = {n: jnp.asarray(a, jnp.float32) for n, a in given.items() if a is not None}
    return dataclasses.replace(trajectories, **cast)


def _padded(host: Trajectories) -> Trajectories:
    shape = tuple(buckets.bucket(size) for size in host.rewards.shape)
    padded = {}
    for field in dataclasses.fields(host):
        array = getattr(host, field.name)
        if array is not None:
            fill = FILLS.get(field.name, 0)
            padded[field.name] = buckets.pad(array, shape[: array.ndim], fill)
    return dataclasses.replace(host, **padded)
