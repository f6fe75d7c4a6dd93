"""The programs of a run, compiled for simulated devices and never run.

The arguments are shapes with shardings, so that no parameter is ever allocated.
"""

import contextlib
import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh

from rl_credit.analysis.plan import hlo
from rl_credit.analysis.plan.hlo import Counted
from rl_credit.analysis.plan.job import Job, placed
from rl_credit.models import cache as caches
from rl_credit.models.decoder import Decoder
from rl_credit.rollout import decode
from rl_credit.runtime import mesh as meshes
from rl_credit.runtime import partition
from rl_credit.training import state, update

# What LLVM does comes after all that is counted here, and nothing is run.
QUICK: dict[str, str | bool] = {"xla_backend_optimization_level": "0"}


@dataclasses.dataclass(frozen=True)
class Program:
    """What XLA made of it, for one device."""

    counted: Counted
    temporary: int  # bytes, at its peak
    returned: int  # bytes of results that do not take the place of an argument


def simulate(devices: int) -> None:
    """This process has so many CPU devices; before anything asks JAX for one.

    Raises RuntimeError afterwards.
    """
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_num_cpu_devices", devices)


def simulated(data: int, model: int) -> Mesh:
    """A mesh [data model] of the first devices of this process."""
    devices, wanted = jax.devices(), data * model
    if len(devices) < wanted:
        raise ValueError(f"a mesh of {data}x{model}, and {len(devices)} devices here")
    auto = (AxisType.Auto,) * 2
    return jax.make_mesh((data, model), meshes.AXES, auto, devices=devices[:wanted])


def gradient(job: Job, *, remat: bool | None = None) -> Program:
    """Of one microbatch; with another choice of `remat` than the job's, if given."""
    config = job.config
    if remat is not None:
        config = dataclasses.replace(config, remat=remat)
    mesh = simulated(job.data, job.model)
    params, batch = placed(job.params, job.learning, mesh), _rows(job, mesh)
    empty = jax.eval_shape(update._empty, job.params, job.batch)
    sums = placed(empty, job.learning, mesh)
    weight = jax.ShapeDtypeStruct((), jnp.float32)
    objective = job.settings.objective
    with _set(mesh):
        lowered = update.accumulate.lower(
            Decoder(config), objective, params, sums, batch, weight
        )
        return _analysed(job, lowered)


def score(job: Job) -> Program:
    """Of one microbatch, by the reference."""
    mesh = simulated(job.data, job.model)
    params, batch = placed(job.params, job.learning, mesh), _rows(job, mesh)
    with _set(mesh):
        lowered = update.score.lower(
            job.decoder, params, batch, job.settings.objective.temperature
        )
        return _analysed(job, lowered)


def step(job: Job) -> Program:
    """Of the optimiser."""
    mesh = simulated(job.data, job.model)
    optimiser = job.settings.train.optimiser
    init = functools.partial(state.init, optimiser=optimiser)
    learner = placed(jax.eval_shape(init, job.params), job.learning, mesh)
    gradient = placed(job.params, job.learning, mesh)
    with _set(mesh):
        return _analysed(job, update.apply.lower(learner, gradient, optimiser))


@dataclasses.dataclass(frozen=True)
class Spoken:
    """An answer to every row of a host's batch, by that host's devices."""

    program: Program
    cache: int  # bytes of keys and values that one device is handed, all empty


def generate(job: Job) -> Spoken:
    """Of the longest prompts, all answers going on to the limit."""
    play, mesh = job.settings.play, simulated(*job.blocks)
    rows, prompt = job.speaking, play.window - play.limit
    params = placed(job.params, job.playing, mesh)
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), rows))
    tokens, where = (
        jax.ShapeDtypeStruct((rows, prompt), dtype) for dtype in (jnp.int32, jnp.bool_)
    )
    stops = np.zeros((1, 1), np.int32)
    with _set(mesh):
        cache = handed(job)
        lowered = decode.generate.lower(
            job.decoder,
            params,
            keys,
            tokens,
            where,
            cache,
            stops,
            limit=play.limit,
            how=play.sampling,
        )
        program = _analysed(job, lowered, unbounded=play.limit)
    shardings = jax.tree.map(lambda leaf: leaf.sharding, cache)
    return Spoken(program, partition.bytes_per_device(cache, shardings))


def handed(job: Job) -> Any:
    """The empty cache, as generation gets it on the mesh in use.

    It is where one of a single layer and slot lies, which is made here.
    """
    init, play = caches.init, job.settings.play
    small = init(dataclasses.replace(job.config, layers=1), job.speaking, 1)
    shapes = jax.eval_shape(lambda: init(job.config, job.speaking, play.window))

    def like(shape: Any, array: jax.Array) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(shape.shape, shape.dtype, sharding=array.sharding)

    return jax.tree.map(like, shapes, small)


def _rows(job: Job, mesh: Mesh) -> Any:
    sharding = meshes.rows(mesh)
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
        job.batch,
    )


def _set(mesh: Mesh) -> contextlib.AbstractContextManager:
    """As `Placement` does it."""
    return jax.set_mesh(mesh) if mesh.size > 1 else contextlib.nullcontext()


def _analysed(job: Job, lowered: jax.stages.Lowered, unbounded: int = 1) -> Program:
    compiled = lowered.compile(compiler_options=QUICK)
    narrow = jnp.dtype(job.config.dtype).itemsize
    text, memory = compiled.as_text(), compiled.memory_analysis()
    assert text is not None and memory is not None  # both are known of a CPU program
    counted = hlo.counted(text, narrow=narrow, unbounded=unbounded)
    returned = memory.output_size_in_bytes - memory.alias_size_in_bytes
    return Program(counted, memory.temp_size_in_bytes, returned)
