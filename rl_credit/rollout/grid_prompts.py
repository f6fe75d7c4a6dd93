"""Prompts of grids as token ids, laid out on the device by tables."""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int32, UInt8

from rl_credit.envs.grid.told import Telling
from rl_credit.envs.text.turn import Turn
from rl_credit.models.tokenizer import Tokenizer
from rl_credit.rollout import prompts as texts
from rl_credit.rollout.prompts import Prompts

NONE = -1  # pads the rows of tables; no token is -1
BOARDS = 4  # random ones that a template must get right, besides the plain ones
Tokens = tuple[Int32[Array, "batch time"], Bool[Array, "batch time"]]


@dataclasses.dataclass(frozen=True, eq=False)
class Template:
    """The prompts of a grid under one vocabulary; see `template`."""

    shared: np.ndarray  # int32[shared]: what every prompt begins with
    cells: np.ndarray  # int32[cells, codes, length]: of those that may differ
    phrases: tuple[np.ndarray, ...]  # int32[choices, length]: a table for every fact
    tail: np.ndarray  # int32[tail]: what every prompt ends with

    @property
    def time(self) -> int:
        """Tokens after the shared ones, with the padding between them."""
        lengths = sum(table.shape[1] for table in self.phrases)
        return self.cells.shape[0] * self.cells.shape[2] + lengths + len(self.tail)

    def tokens(
        self,
        tiles: UInt8[Array, "batch height width"],
        facts: Int32[Array, "batch facts"],
    ) -> Tokens:
        """What follows `shared` in the prompts of these boards, and where it is.

        Padding lies between the tokens. Traceable.
        """
        batch = len(tiles)
        codes = tiles.reshape(batch, -1)[:, -len(self.cells) :].astype(jnp.int32)
        places = jnp.arange(len(self.cells))[None]
        parts = [jnp.asarray(self.cells)[places, codes].reshape(batch, -1)]
        for number, table in enumerate(self.phrases):
            parts.append(jnp.asarray(table)[facts[:, number]])
        parts.append(jnp.broadcast_to(self.tail, (batch, len(self.tail))))
        laid = jnp.concatenate(parts, axis=1)
        return jnp.maximum(laid, 0), laid != NONE


def template(tokenizer: Tokenizer, prompts: Prompts, telling: Telling) -> Template:
    """Cuts the prompts of a grid into pieces: cells, phrases, and what never differs.

    Every symbol, every phrase and some random boards are laid out and compared with the
    tokens that the host makes of them. Raises ValueError for prompts that show more
    than the present turn, and where a piece has other tokens alone than in its prompt,
    naming it.
    """
    if prompts.history != 0 or prompts.recalled or prompts.format != "plain":
        raise ValueError(
            f"history={prompts.history}, recalled={prompts.recalled}, format="
            f"{prompts.format!r}: prompts are made on the device of the present turn "
            "alone, for plain answers; give history=0, recalled=0, format='plain'"
        )
    probes = _probes(telling)
    first = _whole(tokenizer, prompts, telling, *probes[0][1:])
    followed = bool(prompts.admissible)
    cells = _cell_pieces(tokenizer, telling, followed)
    phrases = _phrase_pieces(tokenizer, telling, followed)
    body = _joined(cells, phrases, *probes[0][1:])
    start = _found(first, body, probes[0][0])
    still = len(telling.still)
    fixed = [t for cell, code in zip(cells, telling.still) for t in cell[code]]
    made = Template(
        shared=np.asarray(first[:start] + fixed, np.int32),
        cells=_tables(cells[still:]),
        phrases=tuple(_tables([table])[0] for table in phrases),
        tail=np.asarray(first[start + len(body) :], np.int32),
    )
    _prove(made, tokenizer, prompts, telling, probes)
    return made


Pieces = list[list[list[int]]]
Probe = tuple[str, np.ndarray, np.ndarray]  # what it tries, tiles, facts


def _whole(
    tokenizer: Tokenizer,
    prompts: Prompts,
    telling: Telling,
    tiles: np.ndarray,
    facts: np.ndarray,
) -> list[int]:
    """The prompt of a board as the host makes it."""
    observation = f"{telling.objective}\n{telling.text(tiles, facts)}"
    turn = Turn(observation, admissible=telling.commands)
    return texts.opening(tokenizer, prompts.shown(turn))


def _cell_pieces(tokenizer: Tokenizer, telling: Telling, followed: bool) -> Pieces:
    """Tokens of every symbol in every cell, with the space before, the line after."""
    height, width = telling.shape
    kinds = {}
    for before in ("", " "):
        for after in ("", "\n"):
            pieces = [f"{before}{symbol}{after}" for symbol in telling.legend]
            kinds[before, after] = [tokenizer.encode(piece) for piece in pieces]

    def kind(cell: int) -> tuple[str, str]:
        last = (cell + 1) % width == 0
        ends = last and (followed or cell + 1 < height * width)
        return " " if cell % width else "", "\n" if ends else ""

    return [kinds[kind(cell)] for cell in range(height * width)]


def _phrase_pieces(tokenizer: Tokenizer, telling: Telling, followed: bool) -> Pieces:
    """Tokens of every phrase, with the line's end after it or before."""

    def encode(phrase: str) -> list[int]:
        line = f"{phrase}\n" if followed else f"\n{phrase}"
        return tokenizer.encode(line) if phrase else []

    return [[encode(phrase) for phrase in table] for table in telling.phrases]


def _joined(
    cells: Pieces, phrases: Pieces, tiles: np.ndarray, facts: np.ndarray
) -> list[int]:
    codes = [*tiles.reshape(-1).tolist(), *facts.tolist()]
    pieces = [table[code] for table, code in zip([*cells, *phrases], codes)]
    return [token for piece in pieces for token in piece]


def _found(whole: list[int], body: list[int], what: str) -> int:
    """Where `body` begins in `whole`."""
    for start in range(len(whole) - len(body) + 1):
        if whole[start : start + len(body)] == body:
            return start
    raise ValueError(_wrong(what))


def _tables(pieces: Pieces) -> np.ndarray:
    """[pieces choices length], padded behind."""
    longest = max((len(choice) for piece in pieces for choice in piece), default=0)
    made = np.full((len(pieces), len(pieces[0]), longest), NONE, np.int32)
    for row, piece in enumerate(pieces):
        for column, choice in enumerate(piece):
            made[row, column, : len(choice)] = choice
    return made


def _probes(telling: Telling) -> list[Probe]:
    """Boards of one symbol each, some of all symbols, and every phrase once."""
    random, shape = np.random.default_rng(0), telling.shape
    counts = np.asarray([len(table) for table in telling.phrases])

    def board(codes: np.ndarray) -> np.ndarray:
        flat = codes.reshape(-1).astype(np.uint8)
        flat[: len(telling.still)] = telling.still
        return flat.reshape(shape)

    silent = np.zeros(len(counts), np.int32)
    mixed = [random.integers(0, len(telling.legend), shape) for _ in range(BOARDS)]
    probes = [
        (f"the symbol {symbol!r}", board(np.full(shape, code)), silent)
        for code, symbol in enumerate(telling.legend)
    ]
    probes += [("a board of many symbols", board(codes), silent) for codes in mixed]
    for number in range(counts.max()):
        facts = (number % counts).astype(np.int32)
        said = [table[fact] for table, fact in zip(telling.phrases, facts)]
        probes.append((f"the phrases {said}", board(mixed[number % BOARDS]), facts))
    return probes


def _prove(
    made: Template,
    tokenizer: Tokenizer,
    prompts: Prompts,
    telling: Telling,
    probes: Sequence[Probe],
) -> None:
    """Raises ValueError where the template and the host differ."""
    tiles = jnp.asarray(np.stack([tiles for _, tiles, _ in probes]))
    facts = jnp.asarray(np.stack([facts for _, _, facts in probes]))
    tokens, where = jax.device_get(jax.jit(made.tokens)(tiles, facts))
    for (what, *board), row, kept in zip(probes, tokens, where):
        laid = made.shared.tolist() + row[kept].tolist()
        if laid != _whole(tokenizer, prompts, telling, *board):
            raise ValueError(_wrong(what))


def _wrong(what: str) -> str:
    return (
        f"with this tokenizer {what} is not the sum of its pieces, so that prompts "
        "cannot be laid out on the device; show the commands (admissible=True), take "
        "words or bytes, or let the host make the prompts (history=1)"
    )
