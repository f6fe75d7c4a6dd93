"""One update of the text trainer on several meshes: run it on eight devices."""

import contextlib
import functools
import pathlib
import re
import tempfile

import jax
import numpy as np

from rl_credit.models import decoder as decoders
from rl_credit.models import partition as tables
from rl_credit.models.config import DecoderConfig
from rl_credit.runtime import mesh as meshes
from rl_credit.runtime import partition
from rl_credit.runtime.checkpoint import Checkpoints
from rl_credit.training import state, update
from rl_credit.training.state import Optimiser
from rl_credit.training.update import Objective
from rl_credit.types import TokenBatch

CONFIG = DecoderConfig(
    family="qwen2",
    vocab=104,
    width=32,
    layers=2,
    heads=4,
    kv_heads=2,
    head_dim=8,
    mlp_width=64,
    positions=64,
    tied=True,
    attention_bias=True,
    remat=True,
)
MODEL = decoders.Decoder(CONFIG)
OPTIMISER = Optimiser(learning_rate=1e-3)
OBJECTIVE = Objective(kl=0.1, entropy=0.01)
ROWS, TIME, PICKS = 16, 24, 8
MESHES = "8x1", "4x2", "2x4"
GATHERED = re.compile(r"= (.*?) all-gather(?:-start)?\(")


def batch(seed):
    """Rows for every device, of several lengths."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(TIME // 2, TIME + 1, (ROWS, 1))
    said = np.maximum(lengths - PICKS, 1) + np.arange(PICKS)
    drawn = rng.normal(size=(3, ROWS, PICKS)).astype(np.float32)
    return TokenBatch(
        tokens=rng.integers(0, CONFIG.vocab, (ROWS, TIME)).astype(np.int32),
        where=np.arange(TIME) < lengths,
        said=said.astype(np.int32),
        trained=said < lengths,
        advantages=drawn[0],
        old_logps=drawn[1] * np.float32(0.1) - np.float32(4.6),
        ref_logps=drawn[2] * np.float32(0.1) - np.float32(4.6),
    )


def placed(shape):
    """Of a mesh: context, a first state and two microbatches; None: of one device."""
    batches = [batch(0), batch(1)]
    first = functools.partial(decoders.init, config=CONFIG)
    memory = functools.partial(state.init, optimiser=OPTIMISER)
    if shape is None:
        return contextlib.nullcontext(), memory(first(jax.random.key(0))), batches
    mesh = meshes.made(*meshes.sizes(shape))
    rules = tables.rules(CONFIG, "both", model=mesh.shape["model"])
    params = partition.initialised(first, rules, mesh, jax.random.key(0))
    begun = partition.initialised(memory, rules, mesh, params)
    return jax.set_mesh(mesh), begun, [partition.batch(b, mesh) for b in batches]


def stepped(shape):
    """The state after two updates, what was seen, and whether all lies where it lay."""
    context, learner, batches = placed(shape)
    before = places(learner)
    with context:
        for _ in range(2):
            learner, seen = update.step(MODEL, OBJECTIVE, OPTIMISER, learner, batches)
    return learner, seen, places(learner) == before


def places(tree):
    """Where each array lies."""
    return [leaf.sharding for leaf in jax.tree.leaves(tree)]


def bytes_on_each(tree):
    """The bytes that each device holds of it."""
    held = dict.fromkeys(map(str, jax.devices()), 0)
    for leaf in jax.tree.leaves(tree):
        for shard in leaf.addressable_shards:
            held[str(shard.device)] += shard.data.nbytes
    return list(held.values())


def compiled(shape):
    """The gradient of a microbatch as a program."""
    context, learner, (one, _) = placed(shape)
    with context:
        sums = update._empty(learner.params, one)
        args = MODEL, OBJECTIVE, learner.params, sums, one, np.float32(1.0)
        return update.accumulate.lower(*args).compile()


def restored():
    """Whether what one mesh saved comes back on another, bit for bit, and lies there.

    It is two updates that each go on from the checkpoint of the one before.
    """
    report = {}
    with tempfile.TemporaryDirectory() as folder:
        with Checkpoints(pathlib.Path(folder)) as checkpoints:
            _, learner, _ = placed(None)
            checkpoints.save(0, learner, {})
            for step, shape in enumerate(MESHES):
                context, like, batches = placed(shape)
                found, _ = checkpoints.restore(step, like)
                pairs = list(zip(*map(jax.tree.leaves, (found, learner))))
                same = all(np.array_equal(*map(np.asarray, pair)) for pair in pairs)
                report[shape] = same and places(found) == places(like)
                with context:
                    args = MODEL, OBJECTIVE, OPTIMISER, found, batches
                    learner, _ = update.step(*args)
                checkpoints.save(step + 1, learner, {})
    return report


def compared():
    """Each mesh beside one device."""
    single, expected, _ = stepped(None)
    report = {}
    for shape in MESHES:
        learner, seen, stays = stepped(shape)
        pairs = zip(*map(jax.tree.leaves, (learner.params, single.params)))
        apart = [np.abs(np.asarray(a) - np.asarray(b)).max() for a, b in pairs]
        report[shape] = dict(
            apart=float(max(apart)),
            stays=stays,
            seen=seen,
            held=bytes_on_each(learner.params),
            memory=bytes_on_each(learner.memory),
        )
    program, alone = compiled("4x2"), compiled(None)
    flops = [p.cost_analysis()["flops"] for p in (program, alone)]
    gathered = GATHERED.findall(program.as_text())
    seen = dict(expected=expected, flops=flops, gathered=gathered)
    return report | seen | dict(restored=restored())
