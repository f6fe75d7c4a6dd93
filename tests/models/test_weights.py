"""Directories read and written bit for bit; what is wrong with one is named."""

import json

import jax
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
import transformers

from rl_credit.models import weights
from tests.models import tiny


def same(left, right):
    """Equal trees, bit for bit."""
    assert jax.tree.structure(left) == jax.tree.structure(right)
    pairs = zip(jax.tree.leaves(left), jax.tree.leaves(right))
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


def held(directory):
    """All tensors of a directory's files."""
    tensors = {}
    for path in directory.glob("*.safetensors"):
        tensors |= safetensors.numpy.load_file(path)
    return tensors


@pytest.mark.parametrize("shard_bytes", [2**32, 20_000], ids=["one file", "shards"])
@pytest.mark.parametrize("name", ["llama", "llama3", "qwen2", "qwen3"])
def test_saving_writes_the_tensors_that_were_loaded(tmp_path, name, shard_bytes):
    config, params = weights.load(tiny.write(tmp_path / "given", name))
    weights.save(tmp_path / "saved", config, params, shard_bytes=shard_bytes)
    expected, actual = tiny.tensors(name), held(tmp_path / "saved")
    assert actual.keys() == expected.keys()
    assert same(actual, expected)
    files = len(list((tmp_path / "saved").glob("*.safetensors")))
    assert files == 1 if shard_bytes > 20_000 else files > 3
    again = weights.load(tmp_path / "saved")
    assert again[0] == config and same(again[1], params)


def test_transformers_reads_the_config_that_is_saved(tmp_path):
    for name in tiny.NAMES:
        config, params = tiny.model(name)
        weights.save(tmp_path / name, config, params)
        given = transformers.AutoConfig.from_pretrained(tmp_path / name).to_dict()
        stored = dict(tiny.MODELS[name]["config"])
        rope = stored.pop("rope_parameters")  # ours also names its defaults
        assert {key: given["rope_parameters"][key] for key in rope} == rope
        for key in config.to_huggingface().keys() & stored.keys():
            assert given[key] == stored[key], (name, key)
        assert weights.DecoderConfig.from_huggingface(given) == config


def test_bfloat16_files_are_read_and_written_bit_for_bit(tmp_path):
    arrays = {k: v.astype(ml_dtypes.bfloat16) for k, v in tiny.tensors("qwen2").items()}
    given = tiny.write(tmp_path / "given", "qwen2", arrays)
    config, params = weights.load(given, dtype="bfloat16")
    weights.save(tmp_path / "saved", config, params)
    assert same(held(tmp_path / "saved"), arrays)
    assert json.loads((tmp_path / "saved/config.json").read_text())["dtype"] == (
        "bfloat16"
    )
    _, wide = weights.load(given)
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(wide)} == {"float32"}
    narrow = jax.tree.map(lambda leaf: leaf.astype(ml_dtypes.bfloat16), wide)
    assert same(narrow, params)


def test_every_parameter_is_placed_under_its_path(tmp_path):
    placed = {}

    def place(path, array):
        placed[path] = array.shape
        return array

    weights.load(tiny.write(tmp_path, "qwen3"), place=place)
    assert placed["params/layers/attention/query/kernel"] == (2, 32, 64)
    assert placed["params/head"] == (32, 64)
    assert len(placed) == len(jax.tree.leaves(tiny.model("qwen3")[1]))


def test_a_tied_head_that_is_stored_again_is_left_out(tmp_path):
    arrays = tiny.tensors("llama")
    arrays["lm_head.weight"] = arrays["model.embed_tokens.weight"]
    arrays["model.layers.0.self_attn.rotary_emb.inv_freq"] = np.ones(8, np.float32)
    _, params = weights.load(tiny.write(tmp_path, "llama", arrays))
    assert same(params, tiny.model("llama")[1])


NORM, QUERY = "model.norm.weight", "model.layers.1.self_attn.q_proj.weight"


@pytest.mark.parametrize(
    "changes, message",
    [
        ({QUERY: None}, f"{QUERY} is missing"),
        ({"model.extra.weight": np.ones(3)}, "model.extra.weight is not expected"),
        ({QUERY: np.ones((64, 31))}, r"q_proj.weight has shape \(64, 31\), not \(64, "),
        ({NORM: np.ones(32, np.int8)}, f"{NORM} is I8, none of"),
        ({NORM: None, QUERY: None}, f"{QUERY} is missing; {NORM} is missing"),
    ],
)
def test_tensors_that_do_not_fit_are_named_before_any_is_read(
    tmp_path, changes, message
):
    arrays = {
        name: np.asarray(array, array.dtype)
        for name, array in (tiny.tensors("qwen3") | changes).items()
        if array is not None
    }

    def place(path, array):
        raise AssertionError(f"{path} was read")

    with pytest.raises(ValueError, match=message):
        weights.load(tiny.write(tmp_path, "qwen3", arrays), place=place)


def test_what_is_missing_from_a_directory_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no directory.*absent"):
        weights.load(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match="holds no config.json"):
        weights.load(tmp_path)
    directory = tiny.write(tmp_path, "llama")
    (directory / "model.safetensors").rename(directory / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match="convert pytorch_model.bin"):
        weights.load(directory)
    index = {"weight_map": {NORM: "model-00002-of-00002.safetensors"}}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(FileNotFoundError, match="lacks model-00002-of-00002"):
        weights.load(directory)


def test_an_index_that_is_wrong_about_a_shard_is_named(tmp_path):
    config, params = tiny.model("llama")
    weights.save(tmp_path, config, params, shard_bytes=20_000)
    path = tmp_path / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    files = sorted(set(index["weight_map"].values()))
    other = files[0] if index["weight_map"][NORM] != files[0] else files[1]
    index["weight_map"][NORM] = other
    path.write_text(json.dumps(index))
    with pytest.raises(ValueError, match=f"{other} lacks {NORM}"):
        weights.load(tmp_path)


def test_saving_refuses_other_params_and_to_overwrite(tmp_path):
    config, params = tiny.model("llama")
    with pytest.raises(ValueError, match="params/head has shape None, expected"):
        weights.save(tmp_path / "a", tiny.model("llama3")[0], params)
    assert not (tmp_path / "a").exists()
    weights.save(tmp_path / "b", config, params)
    with pytest.raises(FileExistsError, match="model.safetensors exists"):
        weights.save(tmp_path / "b", config, params)


def test_an_unknown_dtype_is_named(tmp_path):
    with pytest.raises(ValueError, match="unknown dtype 'float16'.*'bfloat16'"):
        weights.load(tiny.write(tmp_path, "llama"), dtype="float16")
