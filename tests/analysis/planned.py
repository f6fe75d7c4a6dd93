"""A plan beside the arrays and programs of a small decoder: run it on eight devices."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec

from rl_credit.analysis.plan import devices, held, hlo, programs
from rl_credit.analysis.plan.job import Job
from rl_credit.models import cache as caches
from rl_credit.models import decoder as decoders
from rl_credit.runtime import partition
from rl_credit.training.placement import Devices, Placement
from tests.training import sharded, tiny

CONFIG = dataclasses.replace(sharded.CONFIG, positions=512, dtype="bfloat16")
CACHE = "keys and values"


def job(data, model, *, hosts="v5e", **changes):
    """The smoke config, but for the decoder, on a mesh."""
    settings = tiny.settings(loss__kl=0.1, **changes)
    return Job(settings, CONFIG, data, model, devices.named(hosts))


def held_by_each(tree):
    """Bytes on each of the devices, which have to hold equally much."""
    (size,) = set(sharded.bytes_on_each(tree))
    return size


def compared():
    """Bytes as planned and as they are, and what else only devices can tell."""
    one = job(4, 2)
    placement = Placement.of(Devices("4x2", "both"), CONFIG)
    params = placement.initialised(
        functools.partial(decoders.init, config=CONFIG), jax.random.key(0)
    )
    learner = placement.begun(params, one.settings.train.optimiser)
    with placement.plays():
        cache = caches.init(CONFIG, one.speaking, one.settings.play.window)
    real = {
        "parameters, float32": held_by_each(learner.params),
        "optimiser (AdamW)": held_by_each(learner.memory),
        "gradient": held_by_each(jax.tree.map(jnp.zeros_like, params)),
        "copy that plays": held_by_each(moved(placement.players(params), params)),
        CACHE: held_by_each(cache),
    }
    parts = {part.name: part.size for part in held.parts(one)}
    with placement.plays():
        empty = programs.handed(one)
    lying = jax.tree.map(lambda leaf: leaf.sharding, empty)
    parts[CACHE] = partition.bytes_per_device(empty, lying)
    return dict(
        real=real,
        planned={name: parts[name] for name in real},
        rules=[placement.learning == one.learning, placement.playing == one.playing],
        gathered=gathered(placement.mesh),
    )


def moved(copies, params):
    """The copies of parameters that take memory of their own."""

    def place(array):
        return array.addressable_shards[0].data.unsafe_buffer_pointer()

    pairs = zip(*map(jax.tree.leaves, (copies, params)))
    return [copy for copy, one in pairs if place(copy) != place(one)]


def gathered(mesh):
    """What a product with a matrix that is cut over 4 devices sends, in bytes."""
    cut = NamedSharding(mesh, PartitionSpec("data"))
    whole = NamedSharding(mesh, PartitionSpec())
    matrix = jax.ShapeDtypeStruct((32, 16), jnp.float32, sharding=cut)
    copied = jax.jit(lambda matrix: 2 * matrix, out_shardings=whole).lower(matrix)
    return hlo.counted(copied.compile().as_text()).sent["all-gather"]
