"""Between text and token ids, and between a conversation and one prompt."""

import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

Message = Mapping[str, str]  # "role": system, user or assistant; "content"
ROLES = ("system", "user", "assistant")
END, UNKNOWN = "<end>", "<unknown>"


@runtime_checkable
class Tokenizer(Protocol):
    """What a rollout needs of one."""

    vocab: int  # ids lie in [0, vocab)
    end: int  # closes a message; generation stops there

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without any that open or close it."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, without the special ones."""

    def chat(self, messages: Sequence[Message], *, answer: bool = True) -> list[int]:
        """The prompt of a conversation; with `answer` it is the assistant's turn."""


class ByteTokenizer:
    """UTF-8 bytes and one id a role: no file, nothing to train; for smoke sizes."""

    end = 256
    vocab = 257 + len(ROLES)

    def encode(self, text: str) -> list[int]:
        """Its bytes."""
        return list(text.encode())

    def decode(self, ids: Sequence[int]) -> str:
        """Bytes that are no UTF-8 become U+FFFD."""
        return bytes(i for i in ids if i < 256).decode(errors="replace")

    def chat(self, messages: Sequence[Message], *, answer: bool = True) -> list[int]:
        """Each message between its role's id and `end`."""
        opening = {role: 257 + number for number, role in enumerate(ROLES)}
        return _chat(self, opening, messages, answer)


class WordTokenizer:
    """One id a word, number or mark of a small world: see `train`, `save`, `load`."""

    def __init__(self, words: tokenizers.Tokenizer):
        self._words = words
        self.vocab = words.get_vocab_size()
        self.end = _special(words, END)

    @classmethod
    def train(cls, texts: Iterable[str], *, size: int = 4096) -> "WordTokenizer":
        """The `size` most frequent words of the texts; all others are unknown.

        The same texts give the same ids on every machine.
        """
        words = tokenizers.Tokenizer(models.WordLevel(unk_token=UNKNOWN))
        words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        words.decoder = decoders.WordPiece(prefix="##")
        special = [END, UNKNOWN, *map(_opening, ROLES)]
        trainer = trainers.WordLevelTrainer(
            vocab_size=size, special_tokens=special, show_progress=False
        )
        words.train_from_iterator(texts, trainer)
        return cls(words)

    @classmethod
    def load(cls, path: pathlib.Path) -> "WordTokenizer":
        """From a file that `save` wrote; FileNotFoundError names it if missing."""
        if not path.is_file():
            raise FileNotFoundError(f"no tokenizer at {path}: WordTokenizer.save it")
        return cls(tokenizers.Tokenizer.from_file(str(path)))

    def save(self, path: pathlib.Path) -> None:
        """One JSON file."""
        self._words.save(str(path))

    def encode(self, text: str) -> list[int]:
        """Case matters; marks are words of their own."""
        return self._words.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Sequence[int]) -> str:
        """Words with single spaces; unknown ones are left out."""
        return self._words.decode(list(ids))

    def chat(self, messages: Sequence[Message], *, answer: bool = True) -> list[int]:
        """Each message between its role's id and `end`."""
        opening = {role: _special(self._words, _opening(role)) for role in ROLES}
        return _chat(self, opening, messages, answer)


class PretrainedTokenizer:
    """One of transformers, with the chat template that came with it.

    Raises ValueError where it has no chat template or no token that ends a message;
    `place` names where it came from.
    """

    def __init__(self, words: Any, place: pathlib.Path):
        if not words.chat_template:
            raise ValueError(
                f"the tokenizer in {place} has no chat template: use an instruct "
                f"model, or put a chat_template.jinja beside it"
            )
        if words.eos_token_id is None:
            raise ValueError(f"the tokenizer in {place} names no eos_token")
        self._words = words
        self.vocab = len(words)
        self.end = words.eos_token_id

    @classmethod
    def load(cls, directory: pathlib.Path) -> "PretrainedTokenizer":
        """That of a Hugging Face directory; FileNotFoundError if it is missing."""
        if not directory.is_dir():
            raise FileNotFoundError(f"no model directory {directory}")
        from transformers import AutoTokenizer  # slow to import

        words = AutoTokenizer.from_pretrained(directory, local_files_only=True)
        return cls(words, directory)

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without any that open or close it."""
        return self._words.encode(text, add_special_tokens=False)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, without the special ones."""
        return self._words.decode(ids, skip_special_tokens=True)

    def chat(self, messages: Sequence[Message], *, answer: bool = True) -> list[int]:
        """As the model's own template has it."""
        return self._words.apply_chat_template(
            list(messages), add_generation_prompt=answer, return_dict=False
        )


def _opening(role: str) -> str:
    return f"<{role}>"


def _special(words: tokenizers.Tokenizer, token: str) -> int:
    number = words.token_to_id(token)
    if number is None:
        raise ValueError(f"the vocabulary has no {token}: use WordTokenizer.train")
    return number


def _chat(
    tokenizer: Tokenizer,
    opening: Mapping[str, int],
    messages: Sequence[Message],
    answer: bool,
) -> list[int]:
    ids: list[int] = []
    for message in messages:
        if message["role"] not in opening:
            raise ValueError(
                f"unknown role {message['role']!r}; known: {', '.join(opening)}"
            )
        ids += [opening[message["role"]], *tokenizer.encode(message["content"])]
        ids.append(tokenizer.end)
    return ids + [opening["assistant"]] if answer else ids
