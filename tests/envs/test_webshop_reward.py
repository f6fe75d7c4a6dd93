"""The reward of WebShop, worked by hand."""

import dataclasses

import pytest

from rl_credit.envs.text.webshop import reward
from rl_credit.envs.text.webshop.product import Goal, Product, dollars

SHIRT = Product(
    name="B01",
    title="Acme Oxford Shirt",
    nouns=frozenset({"acme", "oxford", "shirt"}),
    query="men's shirts",
    category=frozenset({"clothing", "men", "shirts"}),
    attributes=("machine washable", "long sleeves"),
    options={"color": ("navy blue", "red"), "size": ("large",)},
    price=30.0,
    price_tag="$30",
    description="A shirt with a Button Down collar.",
    features=("easy to iron",),
    reviews=(),
)
GOAL = Goal(
    instruction="a shirt",
    words="shirt",
    product=0,
    attributes=("machine washable", "long sleeve", "button down"),
    options=("navy blue", "large"),
    price_limit=40.0,
)
ALL = ["navy blue", "large"]


def scored(chosen, *, goal=None, **changes):
    bought = dataclasses.replace(SHIRT, **changes)
    return reward.score(
        dataclasses.replace(GOAL, **(goal or {})), SHIRT, bought, chosen
    )


@pytest.mark.parametrize(
    "chosen, changes, expected",
    [
        (ALL, {}, 1.0),  # 3 attributes, 2 options, 1 price: 6 of 6
        (ALL[::-1], {}, 1.0),
        (["large"], {}, 5 / 6),
        ([], {}, 4 / 6),
        (["red", "large"], {}, 5 / 6),
        (["blue navy", "large"], {}, 1.0),  # the same words
        (ALL, dict(price=40.0), 1.0),  # at the limit
        (ALL, dict(price=40.01), 5 / 6),
        (ALL, dict(attributes=()), 4 / 6),  # "button down" stands in the description
        (ALL, dict(attributes=(), description=""), 3 / 6),
        (ALL, dict(attributes=(), features=("Machine Washable",)), 5 / 6),
        (["red"], dict(attributes=(), description="", price=50.0), 0.0),
    ],
)
def test_each_thing_asked_for_counts_the_same(chosen, changes, expected):
    assert scored(chosen, **changes) == pytest.approx(expected)


def test_a_score_of_all_is_exactly_one():
    for number in range(1, 12):
        goal = dict(attributes=("machine washable",) * number)
        assert scored(ALL, goal=goal) == 1.0


def test_two_values_that_are_like_one_asked_for_count_once():
    goal = dict(options=("navy blue",), attributes=("silk",))
    assert scored(["navy blue", "blue navy"], goal=goal) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "shared, query, category, expected",
    [
        (0, "shirts", {"a", "b"}, 0.0),  # no noun in common: nothing else counts
        (1, "shirts", {"a", "b"}, 0.1),  # 1/11 < 0.1
        (1, "coats", set(), 0.1),
        (2, "coats", set(), 0.5),  # 2/11 <= 0.2
        (2, "coats", {"a"}, 0.5),
        (2, "coats", {"a", "b"}, 1.0),
        (2, "shirts", set(), 1.0),
        (3, "coats", set(), 1.0),  # 3/11 > 0.2
        (11, "coats", set(), 1.0),
    ],
)
def test_the_type_is_judged_by_title_query_and_category(
    shared, query, category, expected
):
    nouns = [f"noun{number}" for number in range(11)]
    wanted = dataclasses.replace(
        SHIRT,
        nouns=frozenset(nouns),
        query="shirts",
        category=frozenset({"a", "b", "c"}),
    )
    bought = dataclasses.replace(
        SHIRT,
        nouns=frozenset(nouns[:shared]) | {"other"},
        query=query,
        category=frozenset(category),
    )
    assert reward.type_reward(wanted, bought) == expected


def test_a_title_without_nouns_is_judged_by_the_rest():
    wanted = dataclasses.replace(SHIRT, nouns=frozenset())
    assert reward.type_reward(wanted, SHIRT) == 1.0
    other = dataclasses.replace(SHIRT, query="coats", category=frozenset())
    assert reward.type_reward(wanted, other) == 0.5


def test_the_type_multiplies_all_else():
    nouns = {f"noun{number}" for number in range(17)} | {"acme", "oxford", "shirt"}
    wanted = dataclasses.replace(SHIRT, nouns=frozenset(nouns))
    other = dataclasses.replace(SHIRT, query="coats", category=frozenset())
    assert reward.score(GOAL, wanted, other, ["large"]) == pytest.approx(0.5 * 5 / 6)


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("Machine-Washable", "machine washable", True),
        ("long sleeves", "long sleeve", True),
        ("navy blue", "blue", True),  # all words of one are in the other
        ("x large", "large", True),
        ("red", "blue", False),
        ("", "blue", False),
    ],
)
def test_phrases_are_alike_whatever_their_order_case_and_marks(one, other, same):
    assert reward.alike(one, other) == reward.alike(other, one) == same


def test_prices_are_written_without_needless_cents():
    assert [dollars(price) for price in (31.0, 12.5, 9.99)] == [
        "$31",
        "$12.50",
        "$9.99",
    ]
