"""Where a customer is in the shop, and where a click leads."""

import dataclasses
from collections.abc import Mapping

from rl_credit.envs.text.webshop import pages
from rl_credit.envs.text.webshop.pages import Layout, Page
from rl_credit.envs.text.webshop.product import Product


@dataclasses.dataclass(frozen=True)
class Visit:
    """A place in the shop. One without a product, on page 0, is the search page."""

    found: tuple[Product, ...] = ()  # by the last search, best first
    page: int = 0  # of the results, from 1
    product: Product | None = None  # the one that is looked at
    chosen: Mapping[str, str] = dataclasses.field(default_factory=dict)
    detail: str = ""  # the page of the product that is open, if one is
    bought: bool = False


def shown(visit: Visit, layout: Layout) -> Page:
    """The page; not of a product that is bought."""
    if visit.product is None:
        if visit.page == 0:
            return pages.start()
        return pages.results(visit.found, visit.page, layout)
    if visit.detail:
        return pages.detail(visit.product, visit.chosen, visit.detail)
    return pages.item(visit.product, visit.chosen, layout.details)


def clicked(visit: Visit, element: str, layout: Layout) -> Visit:
    """Where that leads; `element` is of the page. Leaving a product undoes choices."""
    if element == pages.BACK.lower():
        return Visit()
    if element in (pages.PREVIOUS.lower(), pages.NEXT.lower()):
        return _turned(visit, -1 if element == pages.PREVIOUS.lower() else 1)
    if visit.product is None:
        here = pages.on_page(visit.found, visit.page, layout)
        labels = [label.lower() for label in layout.labels(here)]
        return dataclasses.replace(visit, product=here[labels.index(element)])
    if element == pages.BUY.lower():
        return dataclasses.replace(visit, bought=True)
    for name in layout.details:
        if element == name.lower():
            return dataclasses.replace(visit, detail=name)
    return dataclasses.replace(visit, chosen=_choice(visit, element))


def _turned(visit: Visit, by: int) -> Visit:
    if visit.detail:
        return dataclasses.replace(visit, detail="")
    if visit.product is not None:
        return dataclasses.replace(visit, product=None, chosen={})
    return dataclasses.replace(visit, page=visit.page + by)


def _choice(visit: Visit, element: str) -> dict[str, str]:
    """In the product's order of options; of two with that value, the last has it."""
    assert visit.product is not None
    options = visit.product.options
    value = {v.lower(): v for values in options.values() for v in values}[element]
    name = [n for n, values in options.items() if value in values][-1]
    made = {**visit.chosen, name: value}
    return {name: made[name] for name in options if name in made}
