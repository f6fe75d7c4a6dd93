"""Actions that win each game of textarena, found with what its player cannot see.

Every function takes the package's environment, just reset, and may play it.
"""

from collections import deque

from rl_credit.envs.text.textarena import moves
from rl_credit.envs.text.textarena.moves import Env, Place, bracketed


def bisection(env: Env) -> list[str]:
    low, high = env.min_number, env.max_number
    guesses = [(low + high) // 2]
    while guesses[-1] != env.game_number:
        if guesses[-1] < env.game_number:
            low = guesses[-1] + 1
        else:
            high = guesses[-1] - 1
        guesses.append((low + high) // 2)
    return [f"[{number}]" for number in guesses]


def hanoi(env: Env) -> list[str]:
    return _carried(env.num_disks, "A", "C", "B")


def _carried(disks: int, source: str, target: str, spare: str) -> list[str]:
    if not disks:
        return []
    uncovered = _carried(disks - 1, source, spare, target)
    covered = _carried(disks - 1, spare, target, source)
    return [*uncovered, f"[{source} {target}]", *covered]


def shortest_path(env: Env) -> list[str]:
    """Over the ice, breadth first; the package draws lakes that can be crossed."""
    state = env.state.game_state
    reached: dict[Place, list[str]] = {state["player_pos"]: []}
    places = deque(reached)
    while state["goal_pos"] not in reached:
        place = places.popleft()
        for way, (row, column) in moves.beside(env, place):
            if (row, column) not in reached and state["grid"][row][column] != "H":
                reached[row, column] = [*reached[place], f"[{way}]"]
                places.append((row, column))
    return reached[state["goal_pos"]]


def sweep(env: Env) -> list[str]:
    """Clears the board from its middle; the mines are laid by the first move."""
    actions = [bracketed((env.rows // 2, env.cols // 2))]
    env.step(actions[0])
    safe = [at for at in moves.cells(env.rows, env.cols) if _number(env, at) >= 0]
    for row, column in sorted(safe, key=lambda at: _number(env, at) > 0):
        if not env.revealed[row][column]:
            actions.append(bracketed((row, column)))
            env.step(actions[-1])
    return actions


def _number(env: Env, at: Place) -> int:
    return env.grid[at[0]][at[1]]


def consistent_codes(env: Env) -> list[str]:
    """Guesses the first code that agrees with all answers so far."""
    secret = tuple(env.state.game_state["secret_code"])
    left, guesses = list(moves.all_codes(env)), []
    while secret not in guesses:
        guess = left[0]
        told = _agreement(guess, secret)
        left = [code for code in left[1:] if _agreement(guess, code) == told]
        guesses.append(guess)
    return [bracketed(code) for code in guesses]


def _agreement(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, int]:
    in_place = sum(a == b for a, b in zip(one, other))
    return in_place, len(set(one) & set(other))


def one_peg(env: Env) -> list[str] | None:
    """Depth first, without the boards that were found to be hopeless."""
    hopeless: set[tuple[bool, ...]] = set()

    def ending(board: list[bool]) -> list[str] | None:
        if sum(board) == 1:
            return []
        for source, over, target in env.ALLOWED_MOVES:
            if not moves.can_jump(board, source, over, target):
                continue
            after = list(board)
            after[source], after[over], after[target] = False, False, True
            rest = None if tuple(after) in hopeless else ending(after)
            if rest is not None:
                return [bracketed((source, target)), *rest]
        hopeless.add(tuple(board))
        return None

    return ending(env.state.game_state["board"])


def highest(env: Env) -> list[str]:
    draws = env.state.game_state["draws"]
    return ["[continue]"] * draws.index(max(draws)) + ["[accept]"]


def filled(env: Env) -> list[str]:
    return [
        bracketed((row + 1, column + 1, env.full_grid[row][column]))
        for row, column in moves.cells(9, 9)
        if not env.state.game_state["board"][row][column]
    ]


def spelling(env: Env) -> list[str]:
    return [f"[{x}]" for x in dict.fromkeys(env.state.game_state["target_letters"])]
