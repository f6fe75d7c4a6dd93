"""Python's own generator of random numbers, lent to a package and taken back."""

import functools
import random
from collections.abc import Callable
from types import TracebackType


class Draws:
    """A state of the generator that holds while the package draws from it.

    Outside, the generator is as it was, so nobody else's numbers change, and rounds
    that take turns do not change each other's. Only the package may run inside: what
    checks our annotations in tests draws numbers as well.
    """

    def __init__(self, seed: int):
        self._state = random.Random(seed).getstate()

    def __enter__(self) -> None:
        self._outside = random.getstate()
        random.setstate(self._state)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._state = random.getstate()
        random.setstate(self._outside)

    def around(self, function: Callable) -> Callable:
        """The function, called inside."""

        @functools.wraps(function)
        def called(*arguments):
            with self:
                return function(*arguments)

        return called
