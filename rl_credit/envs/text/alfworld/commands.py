"""How an action is written as a command."""

import re
from collections.abc import Mapping

# "{o}", or a list such as "[{r.name | receptacleatlocation(r:receptacle, ...)}]", which
# has one member where the action names it.
SLOT = re.compile(r"\[\{(\w+)[^}]*\}\]|\{(\w+)\}")


def written(template: str, named: Mapping[str, str]) -> str:
    """The template of an action with the names of its arguments, as the game has it."""
    return SLOT.sub(lambda slot: named[slot[1] or slot[2]], template)
