"""Files of the Boxoban levels (github.com/google-deepmind/boxoban-levels)."""

import pathlib
from collections.abc import Iterator

SIDE = 10
COUNTS = {"@": 1, "$": 4, ".": 4}  # player, boxes, targets of every level
Line = tuple[int, str]  # its number in the file, and what it says


def read(path: pathlib.Path) -> Iterator[list[str]]:
    """The levels of a file, or of all .txt files of a directory, in order of name.

    Each is 10 rows of 10 symbols: `#` wall, `@` player, `$` box, `.` target, space
    floor. In the file a line `; <index>` is above it. Raises ValueError naming file
    and line where that is not what the file holds, or where there is no level.
    """
    paths = sorted(path.glob("*.txt")) if path.is_dir() else [path]
    if not paths:
        raise ValueError(f"{path} has no .txt file of Boxoban levels")
    for file in paths:
        numbered = enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        lines = [(number, line) for number, line in numbered if line.strip()]
        if not lines:
            raise ValueError(f"{file} is empty; it should hold Boxoban levels")
        for start in range(0, len(lines), SIDE + 1):
            yield _level(file, lines[start], lines[start + 1 : start + 1 + SIDE])


def _level(file: pathlib.Path, title: Line, rows: list[Line]) -> list[str]:
    if not (title[1].startswith(";") and title[1][1:].strip().isdigit()):
        raise _fault(file, title, "a line '; <index>' above a level")
    for index, (number, row) in enumerate(rows):
        if len(row) != SIDE or set(row) - set("# " + "".join(COUNTS)):
            raise _fault(file, (number, row), f"{SIDE} symbols out of '#@$. '")
        border = row if index in (0, SIDE - 1) else row[0] + row[-1]
        if border.strip("#"):
            raise _fault(file, (number, row), "walls all around the level")
    drawing = [row for _, row in rows]
    counts = {symbol: "".join(drawing).count(symbol) for symbol in COUNTS}
    if len(rows) != SIDE or counts != COUNTS:
        raise _fault(file, title, f"{SIDE} rows with 1 '@', 4 '$' and 4 '.'")
    return drawing


def _fault(file: pathlib.Path, line: Line, expected: str) -> ValueError:
    number, found = line
    return ValueError(f"{file}, line {number}: {found!r}; expected {expected}")
