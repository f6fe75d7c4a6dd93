"""What a purchase is worth, by the equations of the paper."""

from collections.abc import Collection, Iterable

from rl_credit.envs.text.webshop.product import Goal, Product

ALIKE = 85  # two phrases mean the same above it; 100 at most


def score(goal: Goal, wanted: Product, bought: Product, chosen: Iterable[str]) -> float:
    """The reward of a purchase, 0 to 1 (arXiv 2207.01206, 3.1, equation 1).

    r = r_type (|U_att n Y_att| + |U_opt n Y_opt| + [y_price <= u_price])
        / (|U_att| + |U_opt| + 1)

    U is asked for, Y bought; `wanted` is the product that the goal was made from, and
    `chosen` the values of the options. As in the release, an attribute also counts
    where a text of the product has it. Not as there, no list of colours makes "navy
    blue" equal to "blue grey"; and in one of its versions a chosen value counts that
    nobody asked for, where a text of the product has it.
    """
    chosen = list(chosen)
    attributes = sum(has_attribute(bought, asked) for asked in goal.attributes)
    options = sum(
        any(alike(asked, value) for value in chosen) for asked in goal.options
    )
    matched = attributes + options + (bought.price <= goal.price_limit)
    asked = len(goal.attributes) + len(goal.options) + 1
    return type_reward(wanted, bought) * (matched / asked)


def type_reward(wanted: Product, bought: Product) -> float:
    """r_type: how far a product is of the kind that was asked for (appendix A.5).

    It is 0 where no noun of the wanted title is in the other, 0.1 where less than a
    tenth of them are, and 0.5 up to a fifth, if they are filed under other queries and
    share less than two levels of the category; 1 otherwise.
    """
    shared = _share(wanted.nouns, bought.nouns)
    if shared == 0:
        return 0.0
    if shared < 0.1:
        return 0.1
    filed = wanted.query == bought.query
    near = len(wanted.category & bought.category) >= 2
    return 1.0 if shared > 0.2 or filed or near else 0.5


def has_attribute(product: Product, asked: str) -> bool:
    """Whether one of its attributes is like it, or a text has the very words."""
    if any(alike(own, asked) for own in product.attributes):
        return True
    texts = (product.title, " ".join(product.features), product.description)
    return any(asked.lower() in text.lower() for text in texts)


def alike(one: str, other: str) -> bool:
    """Whether the words of one are, nearly, among those of the other.

    The release asks thefuzz, which rounds this ratio to a whole number.
    """
    from rapidfuzz import fuzz, utils

    ratio = fuzz.token_set_ratio(one, other, processor=utils.default_process)
    return round(ratio) > ALIKE


def _share(wanted: Collection[str], bought: Collection[str]) -> float:
    """Of a title without nouns the release assumes a fifth."""
    if not wanted:
        return 0.2
    return len(set(wanted) & set(bought)) / len(wanted)
