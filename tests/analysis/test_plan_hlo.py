"""What is counted in the text of programs is what XLA counts, and loops by turns."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.analysis.plan import hlo
from rl_credit.models.config import DecoderConfig
from rl_credit.models.decoder import Decoder, shapes
from rl_credit.training import update
from rl_credit.training.update import Objective
from rl_credit.types import TokenBatch

CONFIG = DecoderConfig(
    family="qwen2",
    vocab=512,
    width=128,
    layers=1,
    heads=4,
    kv_heads=2,
    head_dim=32,
    mlp_width=256,
    positions=64,
    attention_bias=True,
    remat=True,
)
ROWS, TIME, PICKS = 4, 64, 16
HEAD = "HloModule m\n\nENTRY %main (p: f32[8,4]) -> f32[8,4] {\n"
PARAMETER = "  %p = f32[8,4]{1,0} parameter(0)\n"


@functools.cache
def gradient(layers, unroll):
    """The program that adds one microbatch's gradient."""
    config = dataclasses.replace(CONFIG, layers=layers, unroll=unroll)

    def made(width, dtype):
        return jax.ShapeDtypeStruct((ROWS, width), dtype)

    numbers = made(PICKS, jnp.float32)
    batch = TokenBatch(
        tokens=made(TIME, jnp.int32),
        where=made(TIME, bool),
        said=made(PICKS, jnp.int32),
        trained=made(PICKS, bool),
        advantages=numbers,
        old_logps=numbers,
    )
    params = shapes(config)
    sums = jax.eval_shape(update._empty, params, batch)
    weight = jax.ShapeDtypeStruct((), jnp.float32)
    arguments = Decoder(config), Objective(), params, sums, batch, weight
    return update.accumulate.lower(*arguments).compile()


def counted(layers, unroll):
    return hlo.counted(gradient(layers, unroll).as_text())


def text(line):
    """A program of one instruction."""
    return f"{HEAD}{PARAMETER}  ROOT %r = {line}\n}}\n"


@pytest.mark.parametrize("layers", [1, 2])
def test_without_loops_it_counts_what_xla_counts(layers):
    program, found = gradient(layers, layers), counted(layers, layers)
    known = program.cost_analysis()
    assert " while(" not in program.as_text()
    np.testing.assert_allclose(found.touched, known["bytes accessed"], rtol=0.03)
    np.testing.assert_allclose(found.flops, known["flops"], rtol=0.05)  # products only
    assert found.flops < known["flops"] and found.wire == 0


def test_four_layers_are_one_and_three_times_what_the_second_adds():
    one, two, four = (counted(n, n).flops for n in (1, 2, 4))
    assert four == one + 3 * (two - one)


def test_a_scanned_layer_counts_as_often_as_it_runs():
    program, found = gradient(4, 1), counted(4, 1)
    assert program.cost_analysis()["flops"] < found.flops / 2  # XLA sees one layer
    np.testing.assert_allclose(found.flops, counted(4, 4).flops, rtol=0.06)


def test_a_loop_of_products_is_exact():
    def run(matrix, vectors):
        turn = jax.jit(lambda v, _: (v @ matrix, None))
        return jax.lax.scan(turn, vectors, length=5)[0]

    shapes = (jax.ShapeDtypeStruct(s, jnp.float32) for s in ((32, 32), (16, 32)))
    program = jax.jit(run).lower(*shapes).compile()
    assert hlo.counted(program.as_text()).flops == 5 * 2 * 16 * 32 * 32


def test_a_loop_that_data_ends_turns_as_often_as_it_is_told():
    def run(matrix, vectors):
        going = lambda v: jnp.sum(v) < 1.0  # noqa: E731
        return jax.lax.while_loop(going, lambda v: v @ matrix, vectors)

    shapes = (jax.ShapeDtypeStruct(s, jnp.float32) for s in ((32, 32), (16, 32)))
    words = jax.jit(run).lower(*shapes).compile().as_text()
    assert hlo.counted(words, unbounded=7).flops == 7 * 2 * 16 * 32 * 32


@pytest.mark.parametrize(
    "groups, count",
    [
        ("mesh['a'=4,'b'=2] {'a'}", 4),
        ("mesh['a'=4,'b'=2] {'a','b'}", 8),
        ("[2,4]<=[8]", 4),
        ("{{0,1},{2,3}}", 2),
        ("{{0}}", 1),
    ],
)
@pytest.mark.parametrize(
    "kind, sent",
    [
        ("all-gather", lambda size, n: size * (n - 1)),
        ("all-reduce", lambda size, n: 2 * size * (n - 1) / n),
        ("reduce-scatter", lambda size, n: size * (n - 1) / n),
        ("all-to-all", lambda size, n: size * (n - 1) / n),
    ],
)
def test_parts_are_passed_around_a_ring(groups, count, kind, sent):
    line = f"f32[8,4]{{1,0}} {kind}(%p), channel_id=1, replica_groups={groups}, x={{0}}"
    found = hlo.counted(text(line))
    assert found.sent[kind] == pytest.approx(sent(8 * 4 * 4, count))
    assert found.wire == found.sent[kind]
    half = hlo.counted(text(line), narrow=2)
    assert half.wire == found.wire / 2


def test_vectors_are_sent_as_they_are():
    line = "f32[8,4]{1,0} all-reduce(%p), replica_groups=[1,2]<=[2], to_apply=%main"
    words = text(line).replace("f32[8,4]", "f32[32,1]").replace(", to_apply=%main", "")
    assert hlo.counted(words, narrow=2).wire == 32 * 4


def test_other_text_is_refused():
    with pytest.raises(ValueError, match="has no ENTRY"):
        hlo.counted("module @jit_run {}")
