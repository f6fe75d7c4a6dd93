"""WebShop with a generated catalogue: goals, pages, actions."""

import re
import sys

import pytest

from rl_credit.envs.make import make
from rl_credit.envs.text.webshop import bridge, catalogue, pages, reward, wares
from rl_credit.models.tokenizer import WordTokenizer

SEEDS = (0, 1, 2)
SIZE = 60  # ten families: the goals of two of them are held out


def built(**options):
    return make("webshop", **{**dict(seed=1, tasks=4, products=SIZE), **options})


def played(env, task, actions):
    return [env.reset(task), *(env.step(action) for action in actions)]


@pytest.fixture(scope="module")
def sold():
    """The catalogue of every seed."""
    return {seed: catalogue.generated(seed, SIZE) for seed in SEEDS}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_goal_is_won_by_its_walkthrough(sold, seed):
    train, held_out = len(sold[seed].train), len(sold[seed].held_out)
    assert train > 120 and held_out > 30
    env = built(seed=seed, tasks=train + held_out, held_out=held_out, page_size=5)
    asked = [goal.instruction for goal in (*sold[seed].train, *sold[seed].held_out)]
    for task in range(env.tasks):
        first, *_, last = played(env, task, env.walkthrough(task))
        assert last.won and last.reward == 1.0 and last.terminated
        asked.remove(first.objective)
    assert not asked


@pytest.mark.parametrize("seed", SEEDS)
def test_every_goal_has_near_misses(sold, seed):
    products = sold[seed].products
    for goal in (*sold[seed].train, *sold[seed].held_out):
        wanted = products[goal.product]
        near = {"attribute": 0, "option": 0, "price": 0}
        for product in products:
            if product.query != wanted.query:
                assert reward.type_reward(wanted, product) == 0
                continue
            near["attribute"] += not set(goal.attributes) <= set(product.attributes)
            offered = {v for values in product.options.values() for v in values}
            near["option"] += not set(goal.options) <= offered
            near["price"] += product.price > goal.price_limit
        assert min(near.values()) >= 1 and sum(near.values()) >= 4, goal


def bought(env, task, product):
    """Buying a product with what it has of the options asked for."""
    goal = env.goal(task)
    env.reset(task)
    turn = env.step(f"search[{goal.words}]")
    while f"click[{product.name}]" not in turn.admissible:
        turn = env.step("click[next >]")
    env.step(f"click[{product.name}]")
    for value in goal.options:
        env.step(f"click[{value}]")
    return env.step("click[buy now]")


@pytest.mark.parametrize("task", range(4))
def test_products_of_the_kind_score_a_fifth_for_each_thing_they_have(sold, task):
    """Asked for: two attributes, two options and a price."""
    score, win = built(), built(reward="win")
    goal = score.goal(task)
    products = sold[1].products
    kind = products[goal.product].query
    seen = set()
    for product in products:
        if product.query == kind:
            offered = [v for values in product.options.values() for v in values]
            fifths = sum(asked in product.attributes for asked in goal.attributes)
            fifths += sum(asked in offered for asked in goal.options)
            fifths += product.price <= goal.price_limit
            turn = bought(score, task, product)
            assert turn.reward == pytest.approx(fifths / 5)
            assert turn.won == (fifths == 5) and turn.terminated
            assert bought(win, task, product).reward == float(fifths == 5)
            seen.add(fifths)
    assert {4, 5} <= seen


def test_another_kind_is_worth_nothing(sold):
    env = built()
    wanted = sold[1].products[env.goal(0).product]
    other = next(p for p in sold[1].products if p.query != wanted.query)
    env.reset(0)
    env.step(f"search[{other.title}]")
    env.step(f"click[{other.name}]")
    last = env.step("click[buy now]")
    assert last.terminated and last.reward == 0 and not last.won


def test_texts_are_short_and_of_few_words():
    """So that a small decoder reads a page, and knows the words of every goal."""
    env = built(products=1000, page_size=5, tasks=120, held_out=20)
    texts = []
    for task in range(env.tasks):
        plan = env.walkthrough(task)
        texts += [turn.observation for turn in played(env, task, plan)] + plan
        assert set(plan[0][len("search[") : -1].split()) <= set(
            re.findall(r"\w+", env.goal(task).instruction)
        )
    words = WordTokenizer.train(texts)
    assert max(len(words.encode(text)) for text in texts) <= 150
    assert words.vocab <= 400
    sold = {v for d in wares.DEPARTMENTS.values() for v in (*d.kinds, *d.attributes)}
    assert all(words.encode(name) for name in sold)


def test_the_pages_say_what_can_be_done():
    env = built(page_size=2, step_limit=40)
    first = env.reset(0)
    goal = env.goal(0)
    assert first.observation == f"{goal.instruction}\n{first.anchor}"
    assert first.anchor == "WebShop [SEP] Search: search[your query]"
    assert first.admissible is None
    found = env.step(f"Search [ {goal.words} ]")
    parts = found.observation.split(" [SEP] ")
    total = int(re.fullmatch(r"Page 1 \(Total results: (\d+)\)", parts[1])[1])
    assert 6 <= total <= 50
    assert parts[0] == "Back to Search" and parts[2] == "Next >" and len(parts) == 9
    assert found.admissible == (
        "click[back to search]",
        "click[next >]",
        f"click[{parts[3]}]",
        f"click[{parts[6]}]",
    )
    second = env.step("click[Next >]")
    assert "click[< prev]" in second.admissible
    assert env.step("click[ < prev ]") == found
    for _ in range((total - 1) // 2):
        last = env.step("click[next >]")
    assert "click[next >]" not in last.admissible
    assert len(last.admissible) == 2 + (total % 2 or 2)


def test_results_can_be_clicked_by_their_place():
    env, plain = built(page_size=3, ordinals=True), built(page_size=3)
    for task in range(env.tasks):
        plan, named = env.walkthrough(task), plain.walkthrough(task)
        opened = len(plan) - 4
        found = played(env, task, plan[:opened])[-1]
        assert found.admissible[-3:] == (
            "click[first]",
            "click[second]",
            "click[third]",
        )
        parts = played(plain, task, named[:opened])[-1].observation.split(" [SEP] ")
        place = ["first", "second", "third"].index(plan[opened][len("click[") : -1])
        assert parts[-9:][3 * place] == named[opened][len("click[") : -1]
        assert env.step(plan[opened]).anchor == plain.step(named[opened]).anchor
        assert [*plan[:opened], *plan[opened + 1 :]] == [
            action for action in named if action != named[opened]
        ]
        assert played(env, task, plan)[-1].won


def test_a_product_keeps_what_is_chosen_until_it_is_left(sold):
    env = built(attributes=True, step_limit=40)
    plan = env.walkthrough(0)
    goal = env.goal(0)
    product = sold[1].products[goal.product]
    *_, found, plain, one, both = played(env, 0, plan[:-1])
    (name, values), (second, choices) = product.options.items()
    expected = ["Back to Search", "< Prev", name, *values, second, *choices]
    expected += [product.title, f"Price: {product.price_tag}"]
    expected += ["Description", "Features", "Reviews", "Attributes", "Buy Now"]
    assert plain.observation.split(" [SEP] ") == expected
    chosen = f"You have clicked {goal.options[0]}, {goal.options[1]}. [SEP] "
    assert both.observation == chosen + plain.observation
    played(env, 0, [*plan[:-3], plan[-2]])
    assert env.step(plan[-3]) == both  # in whatever order
    other = next(v for v in choices if v != goal.options[1])
    changed = env.step(f"click[{other}]")
    assert changed.anchor.startswith(f"You have clicked {goal.options[0]}, {other}. ")
    for name, said in (
        ("Description", product.description),
        ("Features", " [SEP] ".join(product.features)),
        ("Reviews", product.reviews[0]),
        ("Attributes", " [SEP] ".join(product.attributes)),
    ):
        detail = env.step(f"click[{name}]")
        assert detail.observation.endswith(
            f" [SEP] Back to Search [SEP] < Prev [SEP] {said}"
        )
        assert env.step("click[< prev]") == changed
    assert env.step("click[< prev]") == found
    assert env.step(plan[-4]) == plain


def test_what_is_not_on_the_page_is_refused():
    env = built()
    plan = env.walkthrough(0)
    here = played(env, 0, plan[:-3])[-1]
    others = [
        "search[lamp]",
        "click[next >]",
        "click[attributes]",
        "click[]",
        "buy now",
    ]
    for action in (*others, plan[-4], "click[search]"):
        refused = env.step(action)
        assert refused.observation == f"{bridge.REFUSAL}\n{here.observation}"
        assert (refused.anchor, refused.admissible) == (here.anchor, here.admissible)
    env.reset(0)
    for action in ("search[]", "search[ ]", "search", "click[back to search]"):
        assert env.step(action).observation.startswith(bridge.REFUSAL)
    nothing = env.step("search[zebra of the]")
    assert nothing.observation == "Back to Search [SEP] Page 1 (Total results: 0)"


def test_visitors_share_the_shop_and_nothing_else():
    one, other, third = built(), built(), built(seed=2)
    assert one._shop is other._shop is not third._shop
    plan = one.walkthrough(0)
    alone = played(one, 0, plan)
    both = [(one.reset(0), other.reset(1))]
    for mine, yours in zip(plan, other.walkthrough(1)):
        both.append((one.step(mine), other.step(yours)))
    assert [turn for turn, _ in both] == alone[: len(both)]


def test_no_instruction_of_a_large_catalogue_is_in_both_splits():
    made = catalogue.generated(1, 1000)
    parts = [{goal.instruction for goal in g} for g in (made.train, made.held_out)]
    assert not parts[0] & parts[1]
    assert len(parts[0]) == len(made.train) > 3000
    assert len(parts[1]) == len(made.held_out) > 1000


def test_the_seed_decides_which_goals_and_no_goal_is_in_both_splits():
    def asked(**options):
        env = built(**options)
        return [env.goal(task).instruction for task in range(env.tasks)]

    train = asked(tasks=100)
    assert len(set(train)) == 100
    assert asked(tasks=130, held_out=30)[:100] == train
    assert not set(asked(tasks=30, held_out=30)) & set(asked(tasks=120))
    assert asked(seed=2, tasks=100) != train


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(tasks=1000), r"1000 training tasks are asked for and there are \d+"),
        (dict(tasks=300, held_out=200), r"200 held-out tasks .* there are \d+"),
        (dict(held_out=5), "tasks=4, held_out=5"),
        (dict(page_size=0), "page_size=0"),
        (dict(page_size=11, ordinals=True), "page_size=11: with ordinals it is 10"),
        (dict(products=23), "products=23: give at least 24"),
        (dict(reward="wins"), "did you mean 'win'"),
        (dict(human=True), "name the `folder`"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        built(**options)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidfuzz", None)
    with pytest.raises(ImportError, match=r"pip install 'rl_credit\[webshop\]'"):
        built()


@pytest.mark.parametrize("products", [24, 29, 61])
def test_a_catalogue_has_as_many_products_as_are_asked_for(products):
    made = catalogue.generated(3, products)
    assert len({product.name for product in made.products}) == products
    assert catalogue.generated(3, products) == made != catalogue.generated(4, products)


def test_no_two_attributes_or_values_of_a_department_are_alike():
    for department in wares.DEPARTMENTS.values():
        (_, values), (_, choices) = department.options
        for group in (department.attributes, (*values, *choices)):
            pairs = [(a, b) for a in group for b in group if a < b]
            assert not any(reward.alike(*pair) for pair in pairs)
        buttons = {b.lower() for b in (*pages.DETAILS, pages.ATTRIBUTES, pages.BUY)}
        assert not buttons & {*values, *choices}
