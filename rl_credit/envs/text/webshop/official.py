"""The products and goals of WebShop, from the JSON files of its release."""

import itertools
import json
import pathlib
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rl_credit.envs.text.panels import digest
from rl_credit.envs.text.webshop.product import Catalogue, Goal, Product, dollars

SMALL = 1000  # products of the small files, which are the first of the large
SHUFFLE = 233  # seeds the order of the goals in the release
TEST, DEVELOPMENT = 500, 1000  # goals; they come first in that order
NO_PRICE, NO_LIMIT = 100.0, 1e6  # dollars
LIMITS = tuple(10.0 * tens for tens in range(1, 100))
PLAIN = frozenset("and for the with from that this your our pack set pcs".split())


def read(folder: pathlib.Path, products: int, human: bool, seed: int) -> Catalogue:
    """The first `products` of `items_shuffle.json`, and their goals.

    Up to 1000, the small files of the release are enough (`items_shuffle_1000.json`,
    `items_ins_v2_1000.json`). `human` takes the goals that people wrote
    (`items_human_ins.json`), otherwise they are made from `items_ins_v2.json`.

    Goals come in the order of the release: the first 500 are held out, the next 1000
    are for development and left alone, the rest are for training. Prices given as a
    range, and the limits of the goals, are drawn there without a seed; here from
    `seed`. Raises FileNotFoundError naming the file that is missing.
    """
    listed = _load(folder, "items_shuffle", products)
    described = _load(folder, "items_ins_v2", products)
    made = _products(listed[:products], described, seed)
    if human:
        written = _load(folder, "items_human_ins", None)
        goals = [g for n, p in enumerate(made) for g in _human(n, p, written, seed)]
    else:
        goals = [g for n, p in enumerate(made) for g in _made(n, p, described, seed)]
    random.Random(SHUFFLE).shuffle(goals)
    return Catalogue(made, tuple(goals[TEST + DEVELOPMENT :]), tuple(goals[:TEST]))


def _load(folder: pathlib.Path, name: str, products: int | None) -> Any:
    small = folder / f"{name}_{SMALL}.json"
    fits = products is not None and products <= SMALL and small.exists()
    path = small if fits else folder / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no {path.name} in {folder}: put the data of WebShop there, as "
            "its setup script downloads it, or leave the option `folder` out"
        )
    return json.loads(path.read_text(encoding="utf-8"))


def _products(
    listed: Iterable[Mapping[str, Any]], described: Mapping[str, Any], seed: int
) -> tuple[Product, ...]:
    """Without those that have no proper id, and each id once."""
    made: dict[str, Product] = {}
    for entry in listed:
        name = entry["asin"]
        if name == "nan" or len(name) > 10 or name in made:
            continue
        attributes = described.get(name, {}).get("attributes", ())
        made[name] = _product(entry, tuple(attributes), seed)
    return tuple(made.values())


def _product(
    entry: Mapping[str, Any], attributes: tuple[str, ...], seed: int
) -> Product:
    name, title = entry["asin"], entry["name"]
    price, price_tag = _price(entry.get("pricing") or "", seed, name)
    features = entry.get("small_description") or ()
    features = [features] if isinstance(features, str) else features
    return Product(
        name=name,
        title=title,
        nouns=nouns(title),
        query=entry["query"].lower().strip(),
        category=frozenset(p.strip() for p in entry["product_category"].split("›")),
        attributes=attributes,
        options=_options(entry.get("customization_options") or {}),
        price=price,
        price_tag=price_tag,
        description=entry.get("full_description") or "",
        features=tuple(feature for feature in features if feature),
        reviews=(),  # never released
    )


def nouns(title: str) -> frozenset[str]:
    """Its words of three letters and more, without the commonest.

    The release has spaCy find the nouns: most words of a title on Amazon are.
    """
    found = re.findall(r"[^\W\d_]{3,}", title.lower())
    return frozenset(word for word in found if word not in PLAIN)


def _price(pricing: str, seed: int, name: str) -> tuple[float, str]:
    """The price and how it is shown; of "$5.00$7.50" one between."""
    stripped = [re.sub(r"[^\d.]", "", part) for part in pricing.split("$")[1:]]
    ends = [float(part) for part in stripped][:2] or [NO_PRICE]
    drawn = _draw(seed, "price", name, 2**32) / 2**32
    price = ends[0] + (ends[-1] - ends[0]) * drawn
    return price, " to ".join(dollars(end) for end in ends)


def _options(offered: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {
        name.lower(): tuple(_value(content["value"]) for content in contents)
        for name, contents in offered.items()
        if contents is not None
    }


def _value(text: str) -> str:
    return " ".join(text.replace("/", " | ").lower().split())


def _made(
    number: int, product: Product, described: Mapping[str, Any], seed: int
) -> Iterator[Goal]:
    """One goal for every way to choose the options."""
    entry = described.get(product.name, {})
    if not entry.get("instruction"):
        return
    names = sorted(product.options)
    for values in itertools.product(*(product.options[name] for name in names)):
        said = ", and ".join(f"{n}: {value}" for n, value in zip(names, values))
        asked = entry["instruction"] + (f" with {said}" if said else "")
        attributes = entry["instruction_attributes"]
        yield _goal(number, product, asked, attributes, values, seed)


def _human(
    number: int, product: Product, written: Mapping[str, Any], seed: int
) -> Iterator[Goal]:
    """The release leaves out those without attributes, too."""
    for entry in written.get(product.name, ()):
        if attributes := entry["instruction_attributes"]:
            values = tuple(map(_value, entry["instruction_options"]))
            asked = entry["instruction"].strip(".")
            yield _goal(number, product, asked, attributes, values, seed)


def _goal(
    number: int,
    product: Product,
    asked: str,
    attributes: Iterable[str],
    values: tuple[str, ...],
    seed: int,
) -> Goal:
    """With one of the next multiples of ten dollars above the price as its limit."""
    above = [limit for limit in LIMITS if limit > product.price][:4]
    limit = NO_LIMIT
    if len(above) >= 2:
        pairs = list(itertools.combinations(above, 2))
        limit = pairs[_draw(seed, "limit", f"{product.name} {asked}", len(pairs))][1]
        asked += f", and price lower than {limit:.2f} dollars"
    return Goal(asked, asked, number, tuple(attributes), values, limit)


def _draw(seed: int, what: str, name: str, below: int) -> int:
    bits = digest("webshop", seed, what, name)
    return int.from_bytes(bits[:8], "big") % below
