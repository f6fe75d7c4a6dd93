"""The generated shop's walkthroughs: of one who knows, and of one who looks."""

import re

import pytest

from rl_credit.envs.make import make
from rl_credit.envs.text.webshop import catalogue


def built(**options):
    return make("webshop", **{**dict(seed=1, tasks=4, products=60), **options})


def test_a_customer_who_looks_opens_what_may_be_it_until_it_is():
    options = dict(tasks=120, products=120, ordinals=True, page_size=4)
    env = built(**options, guide="looking", step_limit=15)
    direct, more = built(**options), 0
    for task in range(env.tasks):
        route = env.walkthrough(task)
        turns = [env.reset(task), *map(env.step, route)]
        assert turns[-1].won and len(route) <= 15
        seen = [turn.observation for turn in turns if "Buy Now" in turn.observation]
        back = route.count("click[< prev]")
        prices = re.findall(r"Price: \$(\d+)", "".join(seen))
        if back:
            more += 1
            limit = env.goal(task).price_limit
            assert all(int(price) <= limit for price in prices)
            assert len({page for page in seen if "You have" not in page}) <= back + 1
        else:
            assert len(route) <= len(direct.walkthrough(task))
    assert more > 20
    short = built(**options, guide="looking", step_limit=5)
    assert all("click[< prev]" not in short.walkthrough(task) for task in range(20))
    with pytest.raises(ValueError, match="unknown guide 'look'"):
        built(guide="look")


def test_one_searches_for_words_of_the_instruction_in_their_order():
    for goal in catalogue.generated(0, 60).train:
        words = goal.words.split()
        said = re.findall("[a-z]+", goal.instruction)
        places = [said.index(word) for word in words]
        assert len(words) == 5 and places == sorted(places)
