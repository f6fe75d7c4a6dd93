"""Words, merges, special tokens and chat template of a GGUF file."""

import pytest

from rl_credit.models import gguf_tokenizer
from rl_credit.models.gguf_file import GgufFile
from tests.models import gguf_tiny

TOKENS = gguf_tiny.METADATA["tokenizer.ggml.tokens"]


def tokenizer(path, **changes):
    """Of a tiny file; `end=None` leaves out what the key that ends so says."""
    full = {f"tokenizer.{key.replace('__', '.')}": v for key, v in changes.items()}
    return gguf_tokenizer.tokenizer(GgufFile(gguf_tiny.write(path / "a.gguf", full)))


@pytest.mark.parametrize(
    "text, pieces",
    [
        ("the then", ["the", "\u0120the", "n"]),
        ("12", ["1", "2"]),  # never merged: every digit is cut off first
        ("a  the", ["a", "\u0120", "\u0120the"]),
        ("a  1", ["a", "\u0120\u0120", "1"]),  # GPT-2's rule would give two spaces
        ("<s>the<e>", ["<s>", "the", "<e>"]),
        ("\nthe", ["\u010a", "the"]),
        ("", []),
    ],
)
def test_texts_are_cut_as_the_model_was_trained(tmp_path, text, pieces):
    words = tokenizer(tmp_path)
    ids = words.encode(text)
    assert [TOKENS[number] for number in ids] == pieces
    plain = text.replace("<s>", "").replace("<e>", "")
    assert words.decode(ids) == plain


def test_a_conversation_follows_the_template_of_the_file(tmp_path):
    words = tokenizer(tmp_path)
    assert (words.vocab, words.end) == (len(TOKENS), TOKENS.index("<e>"))
    talk = [{"role": "user", "content": "the 12"}]
    assert words.chat(talk) == words.encode("<s>user the 12<e><s>assistant ")
    assert words.chat(talk, answer=False) == words.encode("<s>user the 12<e>")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"ggml__model": "llama"}, "ggml.model 'llama' .known: gpt2.*Hugging Face"),
        ({"ggml__pre": "qwen2"}, "ggml.pre 'qwen2' .known: smollm.*Hugging Face"),
        ({"ggml__pre": None}, "does not say 'tokenizer.ggml.pre'"),
        ({"ggml__token_type": [3, 4] + [1] * (len(TOKENS) - 2)}, r"types \[4\]"),
        ({"ggml__eos_token_id": None}, "names no eos_token"),
        ({"chat_template": None}, "no chat template"),
    ],
)
def test_what_would_be_cut_wrongly_is_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message) as caught:
        tokenizer(tmp_path, **changes)
    assert "a.gguf" in str(caught.value)
