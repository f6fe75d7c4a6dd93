"""What a GGUF file says and holds, and what is said of one that cannot be read."""

import sys

import gguf
import numpy as np
import pytest

from rl_credit.models.gguf_file import GgufFile
from tests.models import gguf_tiny

KINDS = gguf.GGMLQuantizationType


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """With tensors of several kinds."""
    rng = np.random.default_rng(0)
    more = {
        "half": rng.normal(size=(3, 4)).astype(np.float16),
        "whole": np.arange(6, dtype=np.int32).reshape(2, 3),
    }
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    return GgufFile(gguf_tiny.write(path, arrays=more))


def test_fields_are_numbers_texts_and_lists(file):
    assert file.field("llama.block_count") == 2
    assert file.field("general.architecture") == "llama"
    assert file.field("tokenizer.ggml.token_type")[:3] == [3, 3, 1]
    assert file.field("llama.nothing", 7) == 7
    with pytest.raises(ValueError, match="tiny.gguf does not say 'llama.nothing'"):
        file.field("llama.nothing")


def test_tensors_have_the_shapes_and_values_that_were_written(file):
    given = gguf_tiny.tensors()
    assert file.shapes["half"] == (3, 4)
    for name, array in given.items():
        assert file.shapes[name] == array.shape
        read = file.read(name)
        assert read.dtype == np.float32 and np.array_equal(read, array)
    assert file.read("half").dtype == np.float32


def test_blocks_are_scaled_and_shifted(tmp_path):
    """Q4_1: 32 values a block, 4 bits each, times a scale, plus a minimum."""
    scales = np.array([0.5, -1.0], np.float16).view(np.uint8)
    packed = np.arange(16, dtype=np.uint8) | np.arange(16, dtype=np.uint8)[::-1] << 4
    block = np.concatenate([scales, packed])[None]
    writer = gguf.GGUFWriter(tmp_path / "blocks.gguf", "llama")
    writer.add_tensor("blocks", block, raw_dtype=KINDS.Q4_1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    file = GgufFile(tmp_path / "blocks.gguf")
    assert file.shapes == {"blocks": (1, 32)}
    numbers = np.concatenate([np.arange(16), np.arange(16)[::-1]])
    np.testing.assert_array_equal(file.read("blocks")[0], 0.5 * numbers - 1.0)


def test_a_quantisation_nobody_knows_names_the_tensor(file):
    with pytest.raises(ValueError, match="whole in .*tiny.gguf: .*I32"):
        file.read("whole")


def test_a_file_that_is_missing_or_another_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file .*absent.gguf"):
        GgufFile(tmp_path / "absent.gguf")
    (tmp_path / "other.gguf").write_text("a text of some length")
    with pytest.raises(ValueError, match="other.gguf is no GGUF file"):
        GgufFile(tmp_path / "other.gguf")


def test_without_the_package_its_command_is_given(tmp_path, monkeypatch):
    path = gguf_tiny.write(tmp_path / "tiny.gguf")
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(ImportError, match=r"tiny.gguf.*pip install 'rl_credit\[smollm"):
        GgufFile(path)
