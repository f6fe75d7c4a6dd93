"""What generated products are, in words: few, for a small vocabulary."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Department:
    """Things that have the same attributes and are offered in the same options."""

    kinds: tuple[str, ...]  # each one noun that no other text has
    attributes: tuple[str, ...]
    options: tuple[tuple[str, tuple[str, ...]], ...]  # two: name and values


COLOURS = "black white red blue green yellow grey pink".split()
FLAVOURS = "vanilla chocolate lemon honey cherry mint ginger apple".split()
SIZES = ("small", "medium", "large")
PACKS = ("single", "double", "family")
COLOUR, SIZE = ("color", tuple(COLOURS)), ("size", SIZES)
DEPARTMENTS = {
    "clothing": Department(
        ("shirt", "jacket", "sweater", "skirt"),
        (
            "machine washable",
            "long sleeve",
            "slim fit",
            "quick drying",
            "high waist",
            "soft cotton",
        ),
        (COLOUR, SIZE),
    ),
    "home": Department(
        ("lamp", "rug", "pillow", "curtain"),
        (
            "easy clean",
            "space saving",
            "heavy duty",
            "stain resistant",
            "hand made",
            "solid wood",
        ),
        (COLOUR, SIZE),
    ),
    "electronics": Department(
        ("speaker", "charger", "keyboard", "camera"),
        (
            "fast charging",
            "noise cancelling",
            "water proof",
            "hands free",
            "long lasting",
            "high definition",
        ),
        (COLOUR, ("pack", PACKS)),
    ),
    "grocery": Department(
        ("coffee", "tea", "granola", "syrup"),
        (
            "gluten free",
            "low sugar",
            "plant based",
            "freeze dried",
            "fair trade",
            "high protein",
        ),
        (("flavor", tuple(FLAVOURS)), ("pack", PACKS)),
    ),
}
BRANDS = (
    "acorn bramble cedar dune ember fjord grove harbor iris juniper kestrel larch "
    "maple nettle opal pine"
).split()
# What is asked for, and the words of it to search for, in their order.
INSTRUCTIONS = (
    (
        "find me a {one} and {other} {kind} with {option}: {value}, and {second}: "
        "{choice}, and price lower than {limit} dollars",
        "{one} {other} {kind}",
    ),
    (
        "i need a {kind} that is {one} and {other}. i want {option} {value}, {second} "
        "{choice}, and it must cost less than {limit} dollars",
        "{kind} {one} {other}",
    ),
    (
        "looking for a {other}, {one} {kind} for under {limit} dollars, {option} "
        "{value} and {second} {choice}, please",
        "{other} {one} {kind}",
    ),
)
DESCRIPTION = "a {one} {kind} by {brand}. it is {other} and {third}."
REVIEWS = (
    "five stars: just what was wanted.",
    "four stars: good for the price.",
    "two stars: it came late.",
)
