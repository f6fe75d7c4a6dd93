"""Catalogues drawn from a seed, for those who do not have the official one."""

import dataclasses
import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import TypeVar

from rl_credit.envs.text.panels import digest
from rl_credit.envs.text.webshop import wares
from rl_credit.envs.text.webshop.product import Catalogue, Goal, Product, dollars

FAMILY = 6  # products of a kind that are mistaken for each other
HELD_OUT = 4  # of so many families one is for held-out goals
CHEAP, DEAR = (10, 49), (61, 95)  # dollars, first and last
Thing = TypeVar("Thing")


@dataclasses.dataclass(frozen=True)
class Model:
    """What sets a product apart from its family."""

    attributes: tuple[str, ...]
    values: tuple[str, ...]  # of the first option
    price: float  # whole dollars


@dataclasses.dataclass(frozen=True)
class Family:
    """Six products of one kind, three of four attributes each.

    Goals are made from the first two, which differ in the values of the first option.
    For every goal, the other of these two lacks the value, the third costs too much,
    and two of the rest lack an attribute.
    """

    seed: int
    number: int

    @functools.cached_property
    def kind(self) -> str:
        kinds = [k for d in wares.DEPARTMENTS.values() for k in d.kinds]
        return self.dealt("kind", kinds)[0]

    @functools.cached_property
    def department(self) -> str:
        return next(n for n, d in wares.DEPARTMENTS.items() if self.kind in d.kinds)

    @functools.cached_property
    def models(self) -> tuple[Model, ...]:
        sold = wares.DEPARTMENTS[self.department]
        a, b, c, d = self.dealt("attributes", sold.attributes)[:4]
        first, second, third, other, last = self.dealt("values", sold.options[0][1])[:5]
        here, there = (first, second, third), (other, last, third)
        cheap = [self.price(member, CHEAP) for member in range(FAMILY)]
        return (
            Model((a, b, c), here, cheap[0]),
            Model((a, b, c), there, cheap[1]),
            Model((a, b, c), here, self.price(2, DEAR)),
            Model((a, b, d), here, cheap[3]),
            Model((a, c, d), here, cheap[4]),
            Model((b, c, d), here, cheap[5]),
        )

    def price(self, member: int, ends: tuple[int, int]) -> float:
        """Of one product, in whole dollars."""
        return float(self.between(f"price {member}", ends))

    def dealt(self, what: str, things: Sequence[Thing]) -> list[Thing]:
        """The things in an order drawn for this family."""
        drawn = ("webshop", self.seed, self.number, what)
        return sorted(things, key=lambda thing: digest(*drawn, repr(thing)))

    def between(self, what: str, ends: tuple[int, int]) -> int:
        """A number from the first end to the last."""
        bits = digest("webshop", self.seed, self.number, what)
        return ends[0] + int.from_bytes(bits[:4], "big") % (ends[1] - ends[0] + 1)


def generated(seed: int, products: int) -> Catalogue:
    """`products` of them, shuffled.

    Goals of the two splits are made from other families. Raises ValueError where there
    are too few products for that.
    """
    families = [Family(seed, n) for n in range(products // FAMILY)]
    if len(families) < HELD_OUT:
        raise ValueError(
            f"products={products}: give at least {HELD_OUT * FAMILY}, so that some "
            "goals can be held out"
        )
    places = sorted(range(products), key=lambda n: digest("webshop", seed, "place", n))
    made = {
        places[place]: (family, model)
        for family in families
        for place, model in enumerate(family.models, family.number * FAMILY)
    }
    rest = [place for place in range(products) if place not in made]
    for place in rest:  # a family that is cut short, without goals
        family = Family(seed, len(families))
        made[place] = (family, family.models[rest.index(place)])
    parts: dict[bool, dict[str, Goal]] = {True: {}, False: {}}
    for family in families:
        held_out = family.number % HELD_OUT == HELD_OUT - 1
        first = family.number * FAMILY
        for goal in _goals(family, places[first : first + 2]):
            parts[held_out][goal.instruction] = goal  # families may lead to the same
    train, kept = parts[False], parts[True]
    return Catalogue(
        products=tuple(_product(*made[n], number=n) for n in range(products)),
        train=tuple(train.values()),
        held_out=tuple(kept[said] for said in kept if said not in train),
    )


def _goals(family: Family, places: Sequence[int]) -> Iterator[Goal]:
    """Two attributes, a value that the other model lacks, one of the second option."""
    (option, _), (second, choices) = wares.DEPARTMENTS[family.department].options
    for model, place in zip(family.models, places):
        pairs = itertools.combinations(model.attributes, 2)
        wanted = itertools.product(pairs, model.values[:2], choices)
        for (one, other), value, choice in wanted:
            drawn = f"{one} {other} {value} {choice}"
            limit = (int(model.price) // 10 + family.between(drawn, (1, 2))) * 10
            wording, words = family.dealt(drawn, wares.INSTRUCTIONS)[0]
            said = dict(option=option, value=value, second=second, choice=choice)
            asked = dict(one=one, other=other, kind=family.kind, limit=limit)
            yield Goal(
                instruction=wording.format(**asked, **said),
                words=words.format(one=one, other=other, kind=family.kind),
                product=place,
                attributes=(one, other),
                options=(value, choice),
                price_limit=float(limit),
            )


def _product(family: Family, model: Model, *, number: int) -> Product:
    sold = wares.DEPARTMENTS[family.department]
    made, brand = divmod(number, len(wares.BRANDS))
    maker = wares.BRANDS[brand]
    said = family.dealt(f"order {number}", model.attributes)
    (option, _), (second, choices) = sold.options
    named = dict(one=said[0], other=said[1], third=said[2])
    return Product(
        name=f"{maker} {made}",  # two common words, to be copied from a page
        title=f"{said[0]} {said[1]} {family.kind}",
        nouns=frozenset([family.kind]),
        query=family.kind,
        category=frozenset([family.department, family.kind]),
        attributes=model.attributes,
        options={option: tuple(sorted(model.values)), second: choices},
        price=model.price,
        price_tag=dollars(model.price),
        description=wares.DESCRIPTION.format(**named, kind=family.kind, brand=maker),
        features=model.attributes,
        reviews=(family.dealt(f"review {number}", wares.REVIEWS)[0],),
    )
