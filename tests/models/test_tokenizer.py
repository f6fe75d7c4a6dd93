import pathlib

import pytest
import tokenizers
from tokenizers import models, pre_tokenizers

from rl_credit.models.tokenizer import (
    ByteTokenizer,
    PretrainedTokenizer,
    WordTokenizer,
)

TEXTS = ["You are in the kitchen.", "You see a red door, a blue door.", "go north 12"]
TEMPLATE = (
    "{% for m in messages %}[{{ m.role }}] {{ m.content }} [end] {% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)
TALK = [
    {"role": "user", "content": "You see a door."},
    {"role": "assistant", "content": "go north"},
]


def pretrained(directory, **settings):
    """A directory as transformers saves it, of a vocabulary made here."""
    from transformers import PreTrainedTokenizerFast

    marks = ["[end]", "[user]", "[assistant]", "[none]"]
    words = marks + "You see a door . go north".split()
    vocabulary = models.WordLevel({w: i for i, w in enumerate(words)}, "[none]")
    made = tokenizers.Tokenizer(vocabulary)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.add_special_tokens(marks)
    saved = PreTrainedTokenizerFast(tokenizer_object=made, **settings)
    saved.save_pretrained(directory)
    return directory


@pytest.fixture(params=["bytes", "words", "pretrained"])
def tokenizer(request, tmp_path):
    if request.param == "bytes":
        return ByteTokenizer()
    if request.param == "words":
        return WordTokenizer.train(TEXTS)
    made = pretrained(tmp_path, eos_token="[end]", chat_template=TEMPLATE)
    return PretrainedTokenizer.load(made)


def test_ids_lie_in_the_vocabulary_and_give_the_text_back(tokenizer):
    ids = tokenizer.encode("You see a door.")
    assert ids and all(0 <= i < tokenizer.vocab for i in ids)
    assert tokenizer.decode(ids).replace(" .", ".") == "You see a door."


def test_a_conversation_closes_its_messages_and_opens_the_answer(tokenizer):
    prompt, whole = tokenizer.chat(TALK[:1]), tokenizer.chat(TALK, answer=False)
    assert whole[: len(prompt)] == prompt
    assert whole.count(tokenizer.end) == 2 and prompt.count(tokenizer.end) == 1
    answer = whole[len(prompt) :]
    assert answer == [*tokenizer.encode("go north"), tokenizer.end]
    assert tokenizer.decode(answer) == "go north"
    assert all(0 <= i < tokenizer.vocab for i in whole)


def test_bytes_of_any_text_survive():
    text = "Grüße, 世界 \x00 🚪"
    tokenizer = ByteTokenizer()
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.decode([0xFF]) == "\ufffd"


def test_words_are_those_of_the_texts_the_rest_is_unknown(tmp_path):
    tokenizer = WordTokenizer.train(TEXTS)
    assert tokenizer.decode(tokenizer.encode("You see a dragon.")) == "You see a."
    path = tmp_path / "words.json"
    tokenizer.save(path)
    again = WordTokenizer.load(path)
    for text in TEXTS:
        assert again.encode(text) == tokenizer.encode(text)
    assert (again.vocab, again.end) == (tokenizer.vocab, tokenizer.end)
    other = WordTokenizer.train(reversed(TEXTS))
    assert other.encode(TEXTS[0]) == tokenizer.encode(TEXTS[0])


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        PretrainedTokenizer.load(pathlib.Path("nowhere"))
    with pytest.raises(FileNotFoundError, match="nowhere.json"):
        WordTokenizer.load(pathlib.Path("nowhere.json"))
    foreign = tokenizers.Tokenizer(models.WordLevel({"a": 0}, "a"))
    with pytest.raises(ValueError, match="no <end>"):
        WordTokenizer(foreign)
    bare = pretrained(tmp_path / "bare", eos_token="[end]")
    with pytest.raises(ValueError, match="no chat template"):
        PretrainedTokenizer.load(bare)
    endless = pretrained(tmp_path / "endless", chat_template=TEMPLATE)
    with pytest.raises(ValueError, match="eos_token"):
        PretrainedTokenizer.load(endless)


@pytest.mark.parametrize("kind", [ByteTokenizer, lambda: WordTokenizer.train(TEXTS)])
def test_an_unknown_role_is_met_with_the_known_ones(kind):
    with pytest.raises(ValueError, match="'tool'.*system, user, assistant"):
        kind().chat([{"role": "tool", "content": "hi"}])
