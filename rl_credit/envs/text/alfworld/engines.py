"""The planner's library, which keeps the state of a game in global variables."""

from typing import Any

_idle: list[Any] = []  # loaded, and not in use


def borrow() -> Any:
    """A copy of the library that nobody else in the process uses.

    Copies that were given back are used again: to unload one can crash the process.
    """
    import fast_downward

    return _idle.pop() if _idle else fast_downward.load_lib()


def give_back(library: Any) -> None:
    """Frees the game that the copy holds, and keeps it for another borrower."""
    library.cleanup()
    _idle.append(library)
