"""Which command the tokens of an answer are, told on the device by a table."""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, Int32

from rl_credit.models.tokenizer import Tokenizer
from rl_credit.rollout import actions

START, LOST = 0, 1  # states: nothing was said; no command can come of it
TRIALS = 64  # random answers that a reader must understand as the host does


@dataclasses.dataclass(frozen=True, eq=False)
class Reader:
    """An automaton over tokens; its states are what was said so far."""

    kinds: Int32[np.ndarray, " vocab"]  # the column of each token in `moves`
    moves: Int32[np.ndarray, "states kinds"]  # the state after it
    meanings: Int32[np.ndarray, " states"]  # the number of the command; -1: none

    def read(
        self, tokens: Int[Array, "batch limit"], where: Bool[Array, "batch limit"]
    ) -> Int32[Array, " batch"]:
        """The command that each answer is, or -1. Traceable."""
        kinds, moves = jnp.asarray(self.kinds), jnp.asarray(self.moves)

        def hear(state: Array, said: tuple[Array, Array]) -> tuple[Array, None]:
            token, kept = said
            return jnp.where(kept, moves[state, kinds[token]], state), None

        start = jnp.full(len(tokens), START, jnp.int32)
        state, _ = jax.lax.scan(hear, start, (tokens.T, where.T))
        return jnp.asarray(self.meanings)[state]


def reader(tokenizer: Tokenizer, commands: Sequence[str]) -> Reader:
    """The reader of plain answers; it understands what `actions.command` does.

    Case and spaces do not matter. (Only white space beyond ASCII that is put together
    of several tokens is taken for something said.) Raises ValueError for a command that
    the vocabulary cannot write.
    """
    for command in commands:
        back = " ".join(tokenizer.decode(tokenizer.encode(command)).split())
        if back != command:
            raise ValueError(
                f"the vocabulary cannot write the command {command!r}: it comes back "
                f"as {back!r}"
            )
    spoken = [tokenizer.decode([token]) for token in range(tokenizer.vocab)]
    pieces = [" ".join(text.split()).lower() for text in spoken]
    usable = [
        token
        for token, piece in enumerate(pieces)
        if not piece or any(piece in command for command in commands)
    ]
    kinds = np.zeros(tokenizer.vocab, np.int32)
    kinds[usable] = np.arange(1, len(usable) + 1)
    moves, states = _explored(tokenizer, commands, usable)
    meanings = np.full(len(states), -1, np.int32)
    for text, state in states.items():
        if text.rstrip() in commands:
            meanings[state] = list(commands).index(text.rstrip())
    made = Reader(kinds, np.asarray(moves, np.int32), meanings)
    _prove(made, tokenizer, commands, usable)
    return made


def _explored(
    tokenizer: Tokenizer, commands: Sequence[str], usable: Sequence[int]
) -> tuple[list[list[int]], dict[str, int]]:
    """The rows of `moves`, and the state of every text that may become a command."""
    states = {"": START, "\0": LOST}
    examples: list[list[int]] = [[], []]  # an answer that leads to each state
    moves: list[list[int]] = []
    for state, said in enumerate(examples):  # grows as it goes
        row = [LOST] * (len(usable) + 1)
        for column, token in enumerate(usable, 1):
            text = _plain(tokenizer.decode([*said, token]))
            if state == LOST or not _may_become(text, commands):
                continue
            if text not in states:
                states[text] = len(states)
                examples.append([*said, token])
            row[column] = states[text]
        moves.append(row)
    return moves, states


def _plain(text: str) -> str:
    """In small letters and single spaces, none before and one behind at most."""
    words = " ".join(text.split()).lower()
    return f"{words} " if words and text[-1].isspace() else words


def _may_become(text: str, commands: Sequence[str]) -> bool:
    return any(
        command.startswith(text) or command == text.rstrip() for command in commands
    )


def _prove(
    made: Reader, tokenizer: Tokenizer, commands: Sequence[str], usable: Sequence[int]
) -> None:
    """Raises ValueError where a random answer is understood otherwise than on the host.

    Half of them begin with a command, so that some are one.
    """
    random = np.random.default_rng(0)
    answers = [random.choice(usable, random.integers(0, 4)) for _ in range(TRIALS)]
    for number in range(0, TRIALS, 2):
        command = tokenizer.encode(commands[number // 2 % len(commands)])
        answers[number] = np.asarray([*command, *answers[number]])
    longest = max(map(len, answers))
    tokens = np.zeros((TRIALS, longest), np.int32)
    where = np.zeros((TRIALS, longest), bool)
    for row, answer in enumerate(answers):
        tokens[row, : len(answer)], where[row, : len(answer)] = answer, True
    understood = jax.jit(made.read)(jnp.asarray(tokens), jnp.asarray(where))
    for answer, number in zip(answers, np.asarray(understood).tolist()):
        text = tokenizer.decode(answer.tolist())
        said = actions.named("plain").read(text)
        meant = said and actions.command(said, commands, str)
        if meant != (commands[number] if number >= 0 else None):
            raise ValueError(
                f"with this tokenizer the answer {text!r} cannot be read on the "
                "device; take words or bytes, or let the host play (history=1)"
            )
