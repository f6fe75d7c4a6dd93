"""Answers read on the device mean what the host takes them for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_credit.models.tokenizer import ByteTokenizer, WordTokenizer
from rl_credit.rollout import actions, grid_answers

COMMANDS = ("up", "down", "put on", "put", "upon")
WORDS = WordTokenizer.train(["up UP Up down put on upon never"])


def read(tokenizer, answers):
    """The command of each list of tokens, by the device."""
    reader = grid_answers.reader(tokenizer, COMMANDS)
    longest = max(map(len, answers))
    tokens = np.zeros((len(answers), longest), np.int32)
    where = np.zeros((len(answers), longest), bool)
    for row, answer in enumerate(answers):
        tokens[row, : len(answer)], where[row, : len(answer)] = answer, True
    numbers = jax.jit(reader.read)(jnp.asarray(tokens), jnp.asarray(where))
    return [COMMANDS[number] if number >= 0 else None for number in numbers.tolist()]


def meant(tokenizer, answer):
    """The command by the host."""
    said = actions.named("plain").read(tokenizer.decode(answer))
    return (said and actions.command(said, COMMANDS, str)) or None


SAID = {
    "up": "up",
    "  Up\n\t": "up",
    "u p": None,
    "upon": "upon",
    "up on": None,
    "put  ON ": "put on",
    "put on it": None,
    "puton": None,
    "put": "put",
    "": None,
    " ": None,
    "up\N{SNOWMAN}": None,
    "down.": None,
}


def test_bytes():
    tokenizer = ByteTokenizer()
    answers = [list(text.encode()) for text in SAID]
    answers += [[*answer, tokenizer.end] for answer in answers]
    understood = read(tokenizer, answers)
    assert understood == 2 * list(SAID.values())
    assert understood == [meant(tokenizer, answer) for answer in answers]


def test_words_in_every_order():
    vocabulary = range(WORDS.vocab)
    answers = [[a, b] for a in vocabulary for b in vocabulary]
    answers += [[a] for a in vocabulary] + [[WORDS.end, *WORDS.encode("put on"), 1]]
    understood = read(WORDS, answers)
    assert understood == [meant(WORDS, answer) for answer in answers]
    assert set(understood) == {*COMMANDS, None}


def test_a_command_that_cannot_be_written_is_named():
    with pytest.raises(ValueError, match="cannot write the command 'left'"):
        grid_answers.reader(WORDS, ("up", "left"))
