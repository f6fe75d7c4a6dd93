"""What the pages of the shop say, and what can be clicked on them."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from rl_credit.envs.text.webshop.product import Product

SEPARATOR = " [SEP] "
SEARCH, BACK, NEXT, PREVIOUS = "Search", "Back to Search", "Next >", "< Prev"
BUY = "Buy Now"
DETAILS = ("Description", "Features", "Reviews")
ATTRIBUTES = "Attributes"  # the release can show them and does not
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth".split()


@dataclasses.dataclass(frozen=True)
class Page:
    """Its text, and what can be clicked, in lower case."""

    text: str
    elements: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Layout:
    """How the pages are laid out."""

    size: int  # results on a page
    details: tuple[str, ...]  # of a product, that can be opened
    ordinals: bool  # results are clicked by their place, and not by their name

    def labels(self, products: Sequence[Product]) -> list[str]:
        """What one clicks on to open the products of a page."""
        named = [product.name for product in products]
        return ORDINALS[: len(named)] if self.ordinals else named


def start() -> Page:
    """Where one can search and nothing else."""
    return Page(_text(["WebShop", f"{SEARCH}: search[your query]"]), ())


def results(products: Sequence[Product], page: int, layout: Layout) -> Page:
    """The page with that number, from 1, of all that was found."""
    here = on_page(products, page, layout)
    labels = layout.labels(here)
    turning = [PREVIOUS] * (page > 1) + [NEXT] * (page * layout.size < len(products))
    head = [BACK, f"Page {page} (Total results: {len(products)})", *turning]
    rows = zip(labels, here)
    shown = [part for label, p in rows for part in (label, p.title, p.price_tag)]
    return Page(_text([*head, *shown]), _elements([BACK, *turning, *labels]))


def on_page(
    products: Sequence[Product], page: int, layout: Layout
) -> Sequence[Product]:
    """The products on that page of the results."""
    return products[(page - 1) * layout.size : page * layout.size]


def item(product: Product, chosen: Mapping[str, str], details: Sequence[str]) -> Page:
    """One product, what is chosen of it first."""
    values = [v for values in product.options.values() for v in values]
    asked = [part for name, v in product.options.items() for part in (name, *v)]
    parts = [
        *_chosen(chosen),
        *(BACK, PREVIOUS),
        *asked,
        *(product.title, f"Price: {product.price_tag}"),
        *(*details, BUY),
    ]
    return Page(_text(parts), _elements([BACK, PREVIOUS, *values, *details, BUY]))


def detail(product: Product, chosen: Mapping[str, str], name: str) -> Page:
    """What one of DETAILS, or ATTRIBUTES, opens."""
    texts = {
        "Description": [product.description],
        "Features": product.features,
        "Reviews": product.reviews,
        "Attributes": product.attributes,
    }[name]
    parts = [*_chosen(chosen), BACK, PREVIOUS, *(texts or [f"No {name.lower()}."])]
    return Page(_text(parts), _elements([BACK, PREVIOUS]))


def bought(product: Product, chosen: Mapping[str, str], score: float) -> Page:
    """The end."""
    what = ", ".join([product.name, *chosen.values()])
    said = f"Your score (min 0.0, max 1.0): {score:.2f}"
    return Page(_text(["Thank you for shopping with us!", what, said]), ())


def _chosen(chosen: Mapping[str, str]) -> list[str]:
    return [f"You have clicked {', '.join(chosen.values())}."] if chosen else []


def _elements(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.lower() for name in names))


def _text(parts: Iterable[str]) -> str:
    return SEPARATOR.join(" ".join(part.split()) for part in parts if part.strip())
