"""A shop: what it sells, its search, and the goals of its customers."""

import functools
import pathlib

from rl_credit.envs.text.panels import digest
from rl_credit.envs.text.webshop import catalogue, official
from rl_credit.envs.text.webshop.product import Catalogue, Goal, Product
from rl_credit.envs.text.webshop.search import Index

FOUND = 50  # products that a search gives, at most


class Shop:
    """Shared by all who visit it; nothing in it changes."""

    def __init__(self, sold: Catalogue):
        self.products = sold.products
        self._sold = sold
        self._index = Index([_indexed(product) for product in sold.products])

    def search(self, words: str) -> tuple[Product, ...]:
        """What is found, best first."""
        return tuple(self.products[row] for row in self._index.search(words, FOUND))

    def goals(self, seed: int, train: int, held_out: int) -> tuple[Goal, ...]:
        """So many of both splits; which ones, and their order, is decided by the seed.

        Raises ValueError for more than there are.
        """
        made: list[Goal] = []
        for name, goals, count in (
            ("training", self._sold.train, train),
            ("held-out", self._sold.held_out, held_out),
        ):
            if count > len(goals):
                raise ValueError(
                    f"{count} {name} tasks are asked for and there are {len(goals)}: "
                    "take fewer, or more `products`"
                )
            drawn = [digest("webshop", seed, name, n) for n in range(len(goals))]
            order = sorted(range(len(goals)), key=drawn.__getitem__)
            made += [goals[number] for number in order[:count]]
        return tuple(made)


@functools.lru_cache(maxsize=8)
def opened(folder: pathlib.Path | None, products: int, human: bool, seed: int) -> Shop:
    """A shop, once in a process; without a folder its catalogue is generated."""
    if folder is None:
        return Shop(catalogue.generated(seed, products))
    return Shop(official.read(folder, products, human, seed))


def _indexed(product: Product) -> str:
    """What a search finds a product by, as in the release."""
    options = (f"{name}: {', '.join(v)}" for name, v in product.options.items())
    first = product.features[:1]
    return " ".join([product.title, product.description, *first, *options])
