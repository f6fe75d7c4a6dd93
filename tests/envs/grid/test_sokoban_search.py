"""The oracle solver against breadth-first search, and on levels of Boxoban."""

import pytest

from rl_credit.envs.grid import sokoban_levels, sokoban_search
from rl_credit.envs.grid.sokoban_board import bits, board, cells
from tests.references.sokoban import Game, fewest_pushes

# google-deepmind/boxoban-levels (Apache-2.0), unfiltered/train/000: levels 0 and 1.
BOXOBAN = [
    """##########
#@ #######
#.$#######
#   ######
#.$ ######
#  #######
# $ ######
#$ . #####
# .  #####
##########""",
    """##########
##########
# ###@####
#    $   #
#   $    #
# ##  ####
#.##  ####
# ###$$.##
#  .   . #
##########""",
]
IMPOSSIBLE = {
    "corner": ["#######", "#$ @  #", "#   . #", "#     #", "#######"],
    "along the wall": ["#######", "#  $  #", "#@    #", "#  .  #", "#######"],
    "square": ["#######", "#     #", "# $$ .#", "# $$ .#", "#@. . #", "#######"],
    "walled off": ["#######", "#@# $.#", "#######"],
}


def drawing(levels, index):
    """The rows of a level."""
    room = levels.rooms[index]
    symbols = [["# ."[code] for code in row] for row in room]
    for cell in levels.boxes[index]:
        row, column = divmod(int(cell), room.shape[1])
        symbols[row][column] = "*" if symbols[row][column] == "." else "$"
    row, column = divmod(int(levels.players[index]), room.shape[1])
    symbols[row][column] = "+" if symbols[row][column] == "." else "@"
    return ["".join(row) for row in symbols]


def played(rows, moves):
    """Whether the moves solve the level, each of them moving, and its pushes."""
    game, pushes, solved = Game(rows), 0, False
    for move in moves:
        player, boxes = game.player, game.boxes
        assert not solved
        _, solved = game.step(move, "push")
        assert game.player != player
        pushes += game.boxes != boxes
    return solved, pushes


@pytest.mark.parametrize("bank, count", [("6x6/1", 20), ("7x7/2", 8)])
def test_no_solution_has_fewer_pushes(bank, count):
    levels = sokoban_levels.load(bank)
    for index in range(count):
        rows = drawing(levels, index)
        moves = sokoban_search.solve(levels, index)
        assert played(rows, moves) == (True, fewest_pushes(rows))
        shipped = [move for move in levels.solutions[index].tolist() if move < 4]
        assert played(rows, shipped) == (True, fewest_pushes(rows))


@pytest.mark.parametrize("index", [0, 1])
def test_levels_of_boxoban_are_solved_and_haste_costs_pushes(index):
    levels = sokoban_levels.parse([level.split("\n") for level in BOXOBAN])
    rows = BOXOBAN[index].split("\n")
    best, hasty = (
        played(rows, sokoban_search.solve(levels, index, weight=weight))
        for weight in (1.0, 3.0)
    )
    assert best[0] and hasty[0]
    assert best[1] <= hasty[1] <= 3 * best[1]


def test_a_sample_of_the_largest_bank_is_solved():
    levels = sokoban_levels.load("10x10/4")
    for index in range(0, len(levels), 50):
        moves = sokoban_search.solve(levels, index, weight=3.0)
        assert played(drawing(levels, index), moves)[0]


@pytest.mark.parametrize("rows", IMPOSSIBLE.values(), ids=list(IMPOSSIBLE))
def test_a_level_without_solution_is_told(rows):
    assert sokoban_search.solve(sokoban_levels.parse([rows]), 0) is None


def test_a_search_that_is_cut_off_does_not_claim_anything():
    levels = sokoban_levels.load("10x10/4")
    with pytest.raises(RuntimeError, match="within 2 states"):
        sokoban_search.solve(levels, 0, limit=2)


def test_a_board_knows_walks_and_refuses_what_cannot_be_done():
    rows = ["######", "#@ # #", "#$   #", "# . ##", "######"]
    levels = sokoban_levels.parse([rows])
    room = board(levels.rooms[0])
    free = room.floor & ~bits(levels.boxes[0])
    assert list(cells(room.reach(7, free))) == [7, 8, 10, 14, 15, 16, 19, 20, 21]
    assert room.walk(7, 10, free) == [3, 1, 3, 3, 0]
    with pytest.raises(ValueError, match="no way from cell 7 to cell 13"):
        room.walk(7, 13, free)
    with pytest.raises(ValueError, match="no box can be pushed from cell 14"):
        room.moves(bits(levels.boxes[0]), 7, [(14, 3)])
    assert room.moves(bits(levels.boxes[0]), 7, [(13, 1)]) == [1]
