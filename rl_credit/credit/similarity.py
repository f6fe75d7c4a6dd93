"""Which texts are nearly the same: similarity as symmetric as equality."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int


def clusters(texts: Sequence[str], threshold: float) -> Int[np.ndarray, " texts"]:
    """Ids of texts that are joined by steps of similarity `threshold` or more.

    The similarity of two texts is twice their longest common subsequence over the sum
    of their lengths; GiGPO (arXiv 2505.10978, 5.1) joins such texts to one anchor. A
    cluster is a connected component: its texts need not all be near each other, but
    which texts share one does not depend on their order. Ids count from 0 by first
    appearance.

    The released code has `difflib.SequenceMatcher` and joins the first cluster whose
    first text is near. That ratio is not symmetric, and in texts of 200 characters or
    more it leaves out those that are frequent, so that one changed character may take
    it from 1 to 0.5: exactly the long observations are missed.

    Raises ValueError for a threshold not between 0 and 1, and what `require` raises.
    """
    if not 0 < threshold < 1:
        raise ValueError(f"threshold is {threshold}; give more than 0, less than 1")
    require()
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import cdist

    different = list(dict.fromkeys(texts))
    lengths = np.array([len(text) for text in different])
    both = lengths[:, None] + lengths
    # Insertions and deletions are whole numbers; a ratio with a cutoff of its own would
    # lose some that are the threshold itself.
    most = int((1 - threshold) * both.max(initial=0)) + 1  # beyond it, none is near
    apart = cdist(
        different, different, scorer=Indel.distance, score_cutoff=most, dtype=np.int64
    )
    near = (both - apart) / np.maximum(both, 1) >= threshold
    np.fill_diagonal(near, True)  # the empty text, too, is like itself
    ids = dict(zip(different, _components(near).tolist()))
    return np.array([ids[text] for text in texts], np.int32)


def require() -> None:
    """Raises ImportError naming the extra where rapidfuzz is not installed."""
    try:
        import rapidfuzz  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"similar texts are found by rapidfuzz: {error}; install it with: "
            "pip install 'rl_credit[similar]'"
        ) from error


def _components(near: np.ndarray) -> Int[np.ndarray, " nodes"]:
    """Of a graph, given as a symmetric matrix of truth values."""
    ids = np.full(len(near), -1, np.int32)
    for node in range(len(near)):
        if ids[node] >= 0:
            continue
        number, edge = ids.max(initial=-1) + 1, [node]
        while edge:
            ids[edge] = number
            edge = np.flatnonzero(near[edge].any(axis=0) & (ids < 0)).tolist()
    return ids
