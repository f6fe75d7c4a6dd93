"""WebShop with the official files, in small."""

import json
import random
import re

import pytest

from rl_credit.envs.make import make

COLORS = [f"shade {number}" for number in range(60)]
SIZES = ["Small", "Medium", *(f"{n}/2" for n in range(38))]
HEADER = dict(category="fashion", product_category="Clothing › Shirts › Casual")


def entry(asin, name, **changes):
    """A product of items_shuffle.json."""
    given = dict(
        asin=asin,
        name=name,
        query=" Casual Shirts ",
        pricing="$12.50",
        full_description="Made for warm days.",
        small_description=["Machine wash", "Button closure"],
        customization_options={},
        images=["none"],
    )
    return HEADER | given | changes


def values(texts):
    return [dict(value=text, image=None) for text in texts]


PRODUCTS = [
    entry(
        "B000000001",
        "Acme Oxford Shirt with Long Sleeve",
        customization_options={
            "Size": values(SIZES),
            "Color": values(COLORS),
            "Style": None,
        },
    ),
    entry("B000000002", "Acme Linen Shirt", pricing="$20.00$30.00"),
    entry("B000000001", "The same id again"),
    entry("nan", "No id"),
    entry("B00000000003", "Too long an id"),
    entry("B000000004", "Plain Mug", query="mugs", pricing=None, small_description=""),
    entry("B000000005", "Beyond the first five"),
]
DESCRIBED = {
    "B000000001": dict(
        attributes=["machine wash", "long sleeve"],
        instruction="Find me machine wash casual shirts",
        instruction_attributes=["machine wash", "long sleeve"],
    ),
    "B000000002": dict(
        attributes=["machine wash"],
        instruction="Find me linen shirts",
        instruction_attributes=["machine wash"],
    ),
    "B000000004": dict(attributes=["dishwasher safe"]),
}
WRITTEN = {
    "B000000001": [
        dict(
            asin="B000000001",
            instruction=f"i want long sleeves, number {number}.",
            instruction_attributes=["long sleeve"],
            instruction_options=["shade 7", "6/2"],
        )
        for number in range(1510)
    ],
    "B000000002": [
        dict(instruction="none", instruction_attributes=[], instruction_options=[])
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files that the release reads."""
    path = tmp_path_factory.mktemp("data")
    for name, data in (
        ("items_shuffle_1000", PRODUCTS),
        ("items_ins_v2_1000", DESCRIBED),
        ("items_human_ins", WRITTEN),
    ):
        (path / f"{name}.json").write_text(json.dumps(data))
    return path


def built(folder, **options):
    given = dict(seed=1, tasks=6, held_out=3, products=6, folder=str(folder))
    return make("webshop", **{**given, **options})


@pytest.fixture(scope="module")
def env(folder):
    return built(folder, tasks=1401, held_out=500)


def test_goals_are_split_as_in_the_release(env):
    """2400 ways to choose and one product without options, in the released order."""
    order = list(range(2401))
    random.Random(233).shuffle(order)
    ways = [(color, size) for color in COLORS for size in SIZES]
    said = [f"color: {c}, and size: {written(s)}" for c, s in ways] + ["linen"]
    expected = [said[number] for number in order]
    asked = [env.goal(task).instruction for task in range(env.tasks)]
    parts = dict(held_out=(asked[901:], expected[:500]), train=(asked[:901], None))
    parts["train"] = (asked[:901], expected[1500:])
    for found, wanted in parts.values():
        assert sorted(map(kernel, found)) == sorted(wanted)
        assert list(map(kernel, found)) != wanted  # the seed decides the order


def written(size):
    return size.lower().replace("/", " | ")


def kernel(instruction):
    """What tells an instruction from the others."""
    found = re.search(r"color: shade \d+, and size: [^,]+", instruction)
    return found[0] if found else "linen"


def test_products_are_read_as_the_release_reads_them(env):
    shirt, linen, mug = env._shop.products
    assert shirt.title == "Acme Oxford Shirt with Long Sleeve"
    assert shirt.nouns == {"acme", "oxford", "shirt", "long", "sleeve"}
    assert shirt.query == "casual shirts"
    assert shirt.category == {"Clothing", "Shirts", "Casual"}
    assert shirt.options == dict(size=tuple(map(written, SIZES)), color=tuple(COLORS))
    assert (shirt.price, shirt.price_tag) == (12.5, "$12.50")
    assert 20 < linen.price < 30 and linen.price_tag == "$20 to $30"
    assert (mug.price, mug.price_tag) == (100.0, "$100")
    assert mug.features == () and mug.attributes == ("dishwasher safe",)


def test_the_limit_is_a_multiple_of_ten_above_the_price(env):
    limits = {env.goal(task).price_limit for task in range(env.tasks)}
    assert {30.0, 40.0, 50.0} <= limits <= {30.0, 40.0, 50.0, 60.0}
    for task in range(5):
        goal = env.goal(task)
        ending = f", and price lower than {goal.price_limit:.2f} dollars"
        assert goal.instruction.endswith(ending)


def test_official_goals_are_won_by_their_walkthroughs(folder):
    for human in (False, True):
        env = built(folder, human=human)
        for task in range(env.tasks):
            turn = env.reset(task)
            assert turn.objective == env.goal(task).instruction
            for action in env.walkthrough(task):
                assert turn.admissible is None or action in turn.admissible
                turn = env.step(action)
            assert turn.won and turn.reward == 1.0


def test_goals_that_people_wrote(folder):
    env = built(folder, human=True, tasks=510, held_out=500)
    goal = env.goal(509)
    assert re.match(
        r"i want long sleeves, number \d+, and price lower", goal.instruction
    )
    assert (goal.attributes, goal.options) == (("long sleeve",), ("shade 7", "6 | 2"))
    with pytest.raises(ValueError, match="11 training tasks .* there are 10"):
        built(folder, human=True, tasks=11, held_out=0)


def test_a_goal_that_nothing_meets_has_no_walkthrough(tmp_path, folder):
    for path in folder.iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    lacking = {key: [dict(w) for w in v] for key, v in WRITTEN.items()}
    for goal in lacking["B000000001"]:
        goal["instruction_options"] = ["made of gold"]
    (tmp_path / "items_human_ins.json").write_text(json.dumps(lacking))
    assert built(tmp_path, human=True).walkthrough(0) is None


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no items_shuffle.json in"):
        built(tmp_path)


def test_more_products_than_the_small_file_has_need_the_large(folder):
    with pytest.raises(FileNotFoundError, match="there is no items_shuffle.json in"):
        built(folder, products=1001)
