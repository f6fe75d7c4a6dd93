"""Few shapes for many sizes, so that a compiled function serves them all."""

import numpy as np


def bucket(size: int) -> int:
    """The least of 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, ... that holds `size`."""
    step = max(1 << max(size - 1, 7).bit_length() - 3, 2)
    return max(8, -(-size // step) * step)


def pad(array: np.ndarray, shape: tuple[int, ...], fill) -> np.ndarray:
    """Extends the leading axes of a host array to `shape` with `fill`."""
    widths = [(0, new - old) for new, old in zip(shape, array.shape)]
    widths += [(0, 0)] * (array.ndim - len(shape))
    return np.pad(array, widths, constant_values=fill)
