"""Full-text search by BM25, as the engine behind WebShop ranks."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

SATURATION, LENGTH = 0.9, 0.4  # k1 and b, as Pyserini sets them
STOP_WORDS = frozenset(
    "a an and are as at be but by for if in into is it no not of on or such that the "
    "their then there these they this to was will with".split()
)  # those of Lucene's English analyser


class Index:
    """An inverted index of texts.

    A text d scores, summed over the words of the query (Lucene's BM25),

        log(1 + (N - n + 1/2) / (n + 1/2)) f / (f + k1 (1 - b + b |d| / mean |d|))

    with the word f times in d and in n of N texts. Pyserini, which the release uses,
    also stems words and rounds lengths; this does not.
    """

    def __init__(self, texts: Sequence[str]):
        counts = [Counter(words(text)) for text in texts]
        found: dict[str, int] = {}
        for count in counts:
            for word in count:
                found.setdefault(word, len(found))
        terms = np.array([found[w] for c in counts for w in c], np.int64)
        times = np.array([n for c in counts for n in c.values()], np.float64)
        sizes = [len(count) for count in counts]
        rows = np.repeat(np.arange(len(texts)), sizes)
        lengths = np.bincount(rows, weights=times, minlength=len(texts))
        norms = SATURATION * (1 - LENGTH + LENGTH * lengths / max(lengths.mean(), 1))
        holding = np.bincount(terms, minlength=len(found))
        rarity = np.log1p((len(texts) - holding + 0.5) / (holding + 0.5))
        order = np.argsort(terms, kind="stable")
        self._found, self._texts = found, len(texts)
        self._starts = np.concatenate([[0], np.cumsum(holding)])
        self._rows = rows[order]
        self._scores = (rarity[terms] * times / (times + norms[rows]))[order]

    def search(self, query: str, limit: int) -> tuple[int, ...]:
        """The texts that have a word of the query, best first; of equals, the first."""
        scores = self.scores(query)
        best = np.lexsort((np.arange(len(scores)), -scores))[:limit]
        return tuple(int(row) for row in best if scores[row] > 0)

    def scores(self, query: str) -> np.ndarray:
        """Of every text."""
        total = np.zeros(self._texts)
        for word in words(query):
            if (term := self._found.get(word)) is not None:
                there = slice(self._starts[term], self._starts[term + 1])
                total[self._rows[there]] += self._scores[there]  # each row once a word
        return total


def words(text: str) -> list[str]:
    """Its words and numbers in lower case, without stop words."""
    found = re.findall(r"[^\W_]+", text.lower())
    return [word for word in found if word not in STOP_WORDS]
