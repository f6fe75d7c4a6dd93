"""What the person who launched a run can mend."""

import contextlib
from collections.abc import Iterator

MENDABLE = (ImportError, IndexError, OSError, TypeError, ValueError)


class UserError(ValueError):
    """The message says what was given and what would do; a traceback adds nothing."""


@contextlib.contextmanager
def blamed_on(what: str) -> Iterator[None]:
    """Errors inside are about values that a person gave: each becomes a UserError.

    `what` names where they came from and begins the message.
    """
    try:
        yield
    except UserError:
        raise
    except MENDABLE as error:
        raise UserError(f"{what}: {error}") from error
