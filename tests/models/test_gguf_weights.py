"""A Llama that llama.cpp wrote is the one that transformers wrote."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.models import gguf_weights
from rl_credit.models.gguf_file import GgufFile
from tests.models import gguf_tiny, tiny

NORM, QUERY = "output_norm.weight", "blk.1.attn_q.weight"


def load(path, metadata=(), arrays=(), *, dtype="float32", **changes):
    """Config and parameters of a tiny file with these changes."""
    file = GgufFile(gguf_tiny.write(path / "tiny.gguf", metadata, arrays, **changes))
    return gguf_weights.load(file, dtype=dtype)


def test_config_and_parameters_are_those_of_the_hugging_face_directory(tmp_path):
    config, params = load(tmp_path)
    expected, same = tiny.model("llama")
    assert config.norm_epsilon == pytest.approx(expected.norm_epsilon)  # a float32
    epsilon = expected.norm_epsilon
    assert dataclasses.replace(config, norm_epsilon=epsilon) == expected
    assert jax.tree.structure(params) == jax.tree.structure(same)
    assert jax.tree.all(jax.tree.map(jnp.array_equal, params, same))
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype("float32")}


def test_a_frozen_model_is_taken_in_bfloat16(tmp_path):
    _, params = load(tmp_path, dtype="bfloat16")
    _, wide = tiny.model("llama")
    narrow = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), wide)
    assert jax.tree.all(jax.tree.map(jnp.array_equal, params, narrow))
    with pytest.raises(ValueError, match="unknown dtype 'float16'.*'bfloat16'"):
        load(tmp_path, dtype="float16")


def test_a_head_of_its_own_is_not_tied(tmp_path):
    head = np.random.default_rng(0).normal(size=(64, 32)).astype(np.float32)
    config, params = load(tmp_path, arrays={"output.weight": head})
    assert not config.tied
    np.testing.assert_array_equal(params["params"]["head"], head.T)


def test_sizes_that_are_not_said_follow_from_the_others(tmp_path):
    said = dict.fromkeys(
        ["attention.key_length", "rope.dimension_count", "rope.freq_base"]
    )
    config = gguf_weights.described(
        GgufFile(
            gguf_tiny.write(
                tmp_path / "tiny.gguf",
                {f"llama.{key}": value for key, value in said.items()},
            )
        )
    )
    assert config.head_dim == 32 // 4 and config.rope_theta == 10000.0


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"metadata": {"llama.block_count": None}}, "not say 'llama.block_count'"),
        ({"metadata": {"llama.rope.scaling.type": "yarn"}}, "rope scaling 'yarn'"),
        ({"metadata": {"llama.rope.dimension_count": 8}}, "8 of a head's 16 dim"),
        ({"metadata": {"llama.block_count": 1}}, r"blk.1.attn_k.weight is not e.*5 m"),
        ({"arrays": {QUERY: None}}, f"{QUERY} is missing"),
        ({"arrays": {"token_embd.weight": None}}, "holds no token_embd.weight"),
        (
            {"arrays": {"rope_freqs.weight": np.ones(8, np.float32)}},
            "rope_freqs.weight is not expected",
        ),
        (
            {"arrays": {NORM: np.ones(31, np.float32)}},
            rf"{NORM} has shape \(31,\), not \(32,\)",
        ),
    ],
)
def test_what_would_be_computed_wrongly_is_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message) as caught:
        load(tmp_path, **changes)
    assert "tiny.gguf" in str(caught.value)


def test_another_architecture_is_met_with_the_one_that_is_known(tmp_path):
    with pytest.raises(ValueError, match="architecture 'qwen2' .known: llama.*Hugging"):
        load(tmp_path, architecture="qwen2")
