"""What a shop holds, and what a customer wants of it."""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Product:
    """One thing on sale; its texts are what its pages show."""

    name: str  # its id, an ASIN in the official data: what one clicks on
    title: str
    nouns: frozenset[str]  # of the title, in lower case: what kind of thing it is
    query: str  # what the shop files it under
    category: frozenset[str]  # the levels of its place in the shop
    attributes: tuple[str, ...]
    options: Mapping[str, tuple[str, ...]]  # what must be chosen -> its values
    price: float  # dollars
    price_tag: str
    description: str
    features: tuple[str, ...]
    reviews: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Goal:
    """What the customer asks for; one product, at least, has it all."""

    instruction: str
    words: str  # of the instruction: a search that finds the product
    product: int  # its index
    attributes: tuple[str, ...]
    options: tuple[str, ...]  # values, whatever they are values of
    price_limit: float  # dollars; the price must not be higher


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """All that is on sale, and the goals of both splits."""

    products: tuple[Product, ...]
    train: tuple[Goal, ...]
    held_out: tuple[Goal, ...]


def dollars(price: float) -> str:
    """$31, or $12.50."""
    return f"${price:.2f}".removesuffix(".00")
