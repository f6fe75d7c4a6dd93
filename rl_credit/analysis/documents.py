"""Markdown that programs write into documents that people write."""

import re
from collections.abc import Sequence


def row(*cells: str) -> str:
    """One line of a table."""
    return "| " + " | ".join(cells) + " |"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with that head."""
    lines = [row(*head), "|" + "---|" * len(head)]
    return "\n".join([*lines, *(row(*cells) for cells in rows)])


def placed(document: str, name: str, text: str) -> str:
    """The document with this text between the marks of that name, else at its end."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    block = f"{begin}\n{text}\n{end}"
    marked = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if marked.search(document):
        return marked.sub(lambda _: block, document)
    return f"{document.rstrip()}\n\n## {name}\n\n{block}\n"
