"""Markdown that programs write into documents that people write."""

import pathlib
import re
from collections.abc import Iterable, Sequence


def row(*cells: str) -> str:
    """One line of a table."""
    return "| " + " | ".join(cells) + " |"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with that head."""
    lines = [row(*head), "|" + "---|" * len(head)]
    return "\n".join([*lines, *(row(*cells) for cells in rows)])


def published(
    text: str, name: str, path: pathlib.Path, pictures: Iterable[pathlib.Path]
) -> None:
    """Puts the text into the document at `path` (see `placed`), the pictures beside it.

    A document that is not there yet begins with its own name as its title.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        (path.parent / picture.name).write_bytes(picture.read_bytes())
    title = f"# {path.stem.capitalize()}\n"
    before = path.read_text() if path.exists() else title
    path.write_text(placed(before, name, text))


def placed(document: str, name: str, text: str) -> str:
    """The document with this text between the marks of that name, else at its end."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    block = f"{begin}\n{text}\n{end}"
    marked = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if marked.search(document):
        return marked.sub(lambda _: block, document)
    return f"{document.rstrip()}\n\n## {name}\n\n{block}\n"
