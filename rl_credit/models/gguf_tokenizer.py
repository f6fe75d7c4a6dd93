"""The tokenizer that a GGUF file holds, without the one that it was made from."""

from collections.abc import Sequence

import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from rl_credit.models.gguf_file import GgufFile
from rl_credit.models.tokenizer import PretrainedTokenizer
from rl_credit.ops import names

KINDS = ("gpt2",)  # byte-pair encoding of bytes
SPLITS = ("smollm",)  # how text is cut before it: every digit alone
NORMAL, CONTROL = 1, 3  # types of a token


def tokenizer(file: GgufFile) -> PretrainedTokenizer:
    """Words, merges, special tokens and chat template of the file.

    transformers 5.23 reads the same file without cutting digits off, so it differs from
    this, and from what the model was trained on, where white space precedes a number.

    Raises ValueError for another kind of tokenizer, and where `PretrainedTokenizer`
    does.
    """
    for name, known in (("model", KINDS), ("pre", SPLITS)):
        given = file.field(f"tokenizer.ggml.{name}")
        if given not in known:
            what = f"tokenizer.ggml.{name}"
            raise ValueError(
                f"{file.path}: {names.unknown(what, given, known)}; take the model's "
                "Hugging Face directory"
            )
    from transformers import PreTrainedTokenizerFast  # slow to import

    tokens = file.field("tokenizer.ggml.tokens")
    end = file.field("tokenizer.ggml.eos_token_id", None)
    words = PreTrainedTokenizerFast(
        tokenizer_object=_pairs(tokens, file),
        eos_token=None if end is None else tokens[end],
        chat_template=file.field("tokenizer.chat_template", None),
    )
    return PretrainedTokenizer(words, file.path)


def _pairs(tokens: Sequence[str], file: GgufFile) -> tokenizers.Tokenizer:
    """The byte-pair encoding, its special tokens kept whole."""
    types = file.field("tokenizer.ggml.token_type")
    if others := sorted(set(types) - {NORMAL, CONTROL}):
        raise ValueError(f"{file.path} has tokens of types {others}: not supported")
    merges = [tuple(pair.split(" ")) for pair in file.field("tokenizer.ggml.merges")]
    numbers = {token: number for number, token in enumerate(tokens)}
    words = tokenizers.Tokenizer(models.BPE(vocab=numbers, merges=merges))
    words.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    words.decoder = decoders.ByteLevel()
    special = [token for token, kind in zip(tokens, types) if kind == CONTROL]
    words.add_special_tokens(special)
    return words
