"""The shapes that a mask of played spans can take."""

import numpy as np


def masks(rng, batch, spans, *, least=0):
    """By name: everything, padding on either side, holes, nothing.

    The padded ones have `least` or more played spans a row.
    """
    lengths = rng.integers(least, spans + 1, (batch, 1))
    column = np.arange(spans)[None]
    return {
        "all": np.ones((batch, spans), bool),
        "prefix": column < lengths,
        "left": column >= spans - lengths,
        "holes": rng.random((batch, spans)) < 0.6,
        "none": np.zeros((batch, spans), bool),
    }
