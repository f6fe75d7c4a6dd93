"""What each game of textarena accepts, and what its player knows of the state.

Every function takes the package's environment. The views are in one order, however the
state was come to; where the package draws the state itself, its drawing is the view.
"""

import itertools
from collections.abc import Iterable
from typing import Any

Env = Any  # `textarena.Env` of the game, which has no types
Place = tuple[int, int]  # row, column
STEPS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}


# Guess the number


def numbers(env: Env) -> list[str]:
    known = range(env.min_number, env.max_number + 1)
    return [f"[{number}]" for number in known if number not in env.guessed_numbers]


def hints(env: Env) -> str:
    told = sorted(env.state.game_state["guess_history"])
    return _listed("Guesses so far", [f"{number} ({hint})" for number, hint in told])


# Tower of Hanoi


def disks(env: Env) -> list[str]:
    towers = env.state.game_state["towers"]
    return [
        f"[{source} {target}]"
        for source, target in itertools.permutations(towers, 2)
        if towers[source]
        and (not towers[target] or towers[source][-1] < towers[target][-1])
    ]


# Frozen lake


def ways(env: Env) -> list[str]:
    return [f"[{way}]" for way, _ in beside(env, env.state.game_state["player_pos"])]


def beside(env: Env, place: Place) -> list[tuple[str, Place]]:
    """The places next to one, each with the way there."""
    row, column = place
    found = [(way, (row + r, column + c)) for way, (r, c) in STEPS.items()]
    return [(way, to) for way, to in found if to in env.cell_mapping.values()]


# Minesweeper


def covered(env: Env) -> list[str]:
    return [
        bracketed((row, column))
        for row, column in cells(env.rows, env.cols)
        if not env.revealed[row][column]
    ]


# Mastermind


def codes(env: Env) -> list[str]:
    tried = [tuple(entry["guess"]) for entry in env.state.game_state["history"]]
    return [bracketed(code) for code in all_codes(env) if code not in tried]


def all_codes(env: Env) -> Iterable[tuple[int, ...]]:
    """Every code that could be the secret."""
    return itertools.permutations(range(1, env.num_numbers + 1), env.code_length)


def pegs(env: Env) -> str:
    told = sorted(
        f"{bracketed(entry['guess'])} ({entry['black']} black, {entry['white']} white)"
        for entry in env.state.game_state["history"]
    )
    return _listed("Guesses so far", told)


# Peg jump


def jumps(env: Env) -> list[str]:
    board = env.state.game_state["board"]
    able = {(a, b) for a, over, b in env.ALLOWED_MOVES if can_jump(board, a, over, b)}
    return [bracketed(jump) for jump in sorted(able)]


def can_jump(board: list[bool], source: int, over: int, target: int) -> bool:
    return board[source] and board[over] and not board[target]


# Secretary


def choices(env: Env) -> list[str]:
    return ["[accept]", "[continue]"]


def values(env: Env) -> str:
    state = env.state.game_state
    shown = state["draws"][: state["current_idx"]]
    return _listed("Values so far", [f"{value:.4f}" for value in shown])


# 2048


def slides(env: Env) -> list[str]:
    rows = env.state.game_state["board"]
    columns = [list(column) for column in zip(*rows)]
    lines = {"[Up]": columns, "[Down]": _reversed(columns)}
    lines |= {"[Left]": rows, "[Right]": _reversed(rows)}
    return [way for way, along in lines.items() if any(_slides(env, x) for x in along)]


def _slides(env: Env, line: list[int]) -> bool:
    return env._compress_and_merge(list(line))[0] != line


def _reversed(lines: list[list[int]]) -> list[list[int]]:
    return [line[::-1] for line in lines]


def tiles(env: Env) -> str:
    state = env.state.game_state
    rows = [" ".join(str(tile or ".") for tile in row) for row in state["board"]]
    return "\n".join([f"Score: {state['score']}", *rows])


# Sudoku


def digits(env: Env) -> list[str]:
    """Those that clash with no digit on the board, right or wrong."""
    board = env.state.game_state["board"]
    return [
        bracketed((row + 1, column + 1, digit))
        for row, column in cells(9, 9)
        if not board[row][column]
        for digit in range(1, 10)
        if env.is_safe(board, row, column, digit)
    ]


# Hangman


def letters(env: Env) -> list[str]:
    guessed = env.state.game_state["guessed_letters"]
    return [
        f"[{x}]" for x in map(chr, range(ord("A"), ord("Z") + 1)) if x not in guessed
    ]


def gallows(env: Env) -> str:
    state = env.state.game_state
    guessed = _listed("Letters so far", sorted(state["guessed_letters"]))
    word = " ".join(state["current_board"])
    return f"Word: {word}\nTries left: {state['tries_left']}\n{guessed}"


# What they share


def cells(rows: int, columns: int) -> list[Place]:
    return list(itertools.product(range(rows), range(columns)))


def bracketed(parts: Iterable[int]) -> str:
    return f"[{' '.join(map(str, parts))}]"


def _listed(what: str, items: list[str]) -> str:
    return f"{what}: {', '.join(items) or 'none'}"
