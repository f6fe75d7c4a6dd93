"""What is said of a name that nobody knows."""

import difflib
from collections.abc import Iterable


def suggestion(name: object, known: Iterable[str]) -> str:
    """The nearest known name, if one is near, and all of them; ends a message."""
    names = sorted(known)
    lowered = {candidate.lower(): candidate for candidate in names}
    close = difflib.get_close_matches(str(name).lower(), lowered, n=1, cutoff=0.5)
    nearest = f"; did you mean {lowered[close[0]]!r}?" if close else ""
    return f"{nearest} (known: {', '.join(names) or 'none'})"


def unknown(kind: str, name: object, known: Iterable[str]) -> str:
    """A whole message: what kind of name it is, the name, and `suggestion`."""
    return f"unknown {kind} {name!r}{suggestion(name, known)}"
