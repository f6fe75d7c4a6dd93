"""An oracle for Sokoban: A* over pushes, on the host."""

import functools
import heapq
import itertools
from collections.abc import Iterator

from rl_credit.envs.grid.sokoban_board import Board, Push, bits, board, cells
from rl_credit.envs.grid.sokoban_levels import Levels

FAR = 10_000  # more pushes than any level takes: the box cannot be brought there
Parents = dict[tuple[int, int], tuple[tuple[int, int], Push] | None]


def solve(
    levels: Levels, index: int, *, weight: float = 1.0, limit: int = 200_000
) -> list[int] | None:
    """The moves (up, down, left, right = 0 to 3) that solve a level; None: none does.

    With weight 1 no solution has fewer pushes; with more, the search is faster and
    the solution has at most `weight` times as many. Raises RuntimeError where `limit`
    states were not enough to tell.
    """
    room = board(levels.rooms[index])
    start, player = bits(levels.boxes[index]), int(levels.players[index])
    pushes = Search(room).pushes(start, player, weight, limit)
    return None if pushes is None else room.moves(start, player, pushes)


class Search:
    """The states of one board: where the boxes are, and where the player can walk.

    A state is (boxes as bits, lowest cell within the player's reach).
    """

    def __init__(self, room: Board):
        self.board = room
        self.distances = [_distances(room, target) for target in cells(room.targets)]
        reachable = [set(distance) for distance in self.distances]
        self.alive = bits(set().union(*reachable))  # from where a target can be reached
        self.remaining = functools.cache(self._remaining)

    def pushes(
        self, boxes: int, player: int, weight: float, limit: int
    ) -> list[Push] | None:
        """The pushes of a solution, None where there is none."""
        start = self._state(boxes, player)
        parents: Parents = {start: None}
        made, order = {start: 0}, itertools.count()
        queue = [(weight * self.remaining(boxes), next(order), start)]
        closed = set()
        while queue:
            _, _, state = heapq.heappop(queue)
            if state[0] == self.board.targets:
                return _trace(parents, state)
            if state in closed:
                continue
            closed.add(state)
            if len(closed) > limit:
                raise RuntimeError(f"no solution within {limit} states; raise `limit`")
            for push, after in self._successors(state):
                if made[state] + 1 < made.get(after, FAR):
                    made[after], parents[after] = made[state] + 1, (state, push)
                    priority = made[after] + weight * self.remaining(after[0])
                    heapq.heappush(queue, (priority, next(order), after))
        return None

    def _state(self, boxes: int, player: int) -> tuple[int, int]:
        region = self.board.reach(player, self.board.floor & ~boxes)
        return boxes, (region & -region).bit_length() - 1

    def _successors(
        self, state: tuple[int, int]
    ) -> Iterator[tuple[Push, tuple[int, int]]]:
        """The pushes that can be made and are no evident dead end, and what follows."""
        boxes, player = state
        free = self.board.floor & ~boxes
        region = self.board.reach(player, free)
        for box in cells(boxes):
            for direction, step in enumerate(self.board.steps):
                onto = box + step
                if region >> box - step & 1 and free & self.alive & 1 << onto:
                    after = boxes ^ 1 << box ^ 1 << onto
                    if not self._stuck(onto, after) and self.remaining(after) < FAR:
                        yield (box, direction), self._state(after, box)

    def _stuck(self, box: int, boxes: int) -> bool:
        """Whether the box can never move again, it or one that holds it off target."""
        knot = self._frozen(box, boxes, ~self.board.floor)
        return bool(knot & ~self.board.targets)

    def _frozen(self, box: int, boxes: int, walls: int) -> int:
        """The boxes, as bits, that hold this one for ever, with it; 0 if it can move.

        `walls` are cells that hold; a box that is asked about counts as one (it can
        only be held by others if it holds itself).
        """
        walls |= 1 << box
        knot = 1 << box
        for step in (1, self.board.width):
            sides = (box - step, box + step)
            if any(walls >> side & 1 for side in sides):
                continue
            if not any(self.alive >> side & 1 for side in sides):
                continue
            for side in sides:
                held = boxes >> side & 1 and self._frozen(side, boxes, walls)
                if held:
                    knot |= held
                    break
            else:
                return 0
        return knot

    def _remaining(self, boxes: int) -> int:
        """The fewest pushes if no box were in another's way, FAR if not even so."""
        least = {0: 0}  # targets taken, as bits of their index -> fewest pushes
        for box in cells(boxes):
            taken: dict[int, int] = {}
            for used, pushes in least.items():
                for index, distance in enumerate(self.distances):
                    if not used >> index & 1 and box in distance:
                        after = used | 1 << index
                        total = pushes + distance[box]
                        taken[after] = min(total, taken.get(after, FAR))
            least = taken
        return min(least.values(), default=FAR)


def _distances(room: Board, target: int) -> dict[int, int]:
    """The fewest pushes from every cell onto the target, were there no other box."""
    distances, queue = {target: 0}, [target]
    for cell in queue:
        for step in room.steps:
            pulled, player = cell + step, cell + 2 * step
            if room.floor >> pulled & 1 and pulled not in distances:
                if room.floor >> player & 1:
                    distances[pulled] = distances[cell] + 1
                    queue.append(pulled)
    return distances


def _trace(parents: Parents, state: tuple[int, int]) -> list[Push]:
    pushes = []
    while (step := parents[state]) is not None:
        state, push = step
        pushes.append(push)
    return pushes[::-1]
