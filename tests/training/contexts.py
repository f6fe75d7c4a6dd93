"""A walk that takes the options of contexts, as grids do."""

from tests.rollout.walk import Walk


class Corridor(Walk):
    """The same line whatever the context."""

    def __init__(self, num_contexts: int = 0, context_seed: int = 0):
        super().__init__()
        self.contexts = num_contexts, context_seed
