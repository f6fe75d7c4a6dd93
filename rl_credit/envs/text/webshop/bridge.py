"""WebShop (arXiv 2207.01206) as a text environment; all of it is our own."""

import dataclasses
import pathlib
import re
from collections.abc import Iterator, Sequence

from rl_credit.envs.text.turn import Turn, check_running, check_task
from rl_credit.envs.text.webshop import pages
from rl_credit.envs.text.webshop import reward as rewards
from rl_credit.envs.text.webshop import shop as shops
from rl_credit.envs.text.webshop.pages import Layout
from rl_credit.envs.text.webshop.product import Goal, Product
from rl_credit.envs.text.webshop.visit import Visit, clicked, shown
from rl_credit.ops.names import unknown

REFUSAL = "That is not possible here."
ACTION = re.compile(r"\s*(search|click)\s*\[(.*)\]\s*", re.DOTALL | re.IGNORECASE)
REWARDS = ("score", "win")
GUIDES = ("direct", "looking")


class WebShop:
    """Buying what an instruction describes; see `TextEnv`.

    Actions are `search[words]`, on the search page alone, and `click[element]`. What
    can be clicked on a page is admissible; on the search page `admissible` is None,
    since any words can be searched for. Buying ends the episode with a score, see
    `reward.score`; the task is won by a score of 1.

    Pages have the words of the release (less the ratings, which are all "N.A."), joined
    by [SEP] and without the instruction, as GiGPO shows them (arXiv 2505.10978). The
    anchor is the page. Unlike there, it says which options are chosen, without which
    equal pages would be other states. Only the way back from a product to the results
    is not seen on its page. An action that cannot be done is answered by a refusal and
    the page.

    Without a `folder`, catalogue and goals are drawn from the seed. They are not those
    of the published benchmark, and results on them are not results on that: call them
    "WebShop, generated catalogue". With it, they are the official ones, see
    `official.read`; then a task may have no walkthrough that we find.

    Args:
        seed: tasks of another seed are other goals.
        tasks: how many there are.
        held_out: of them, the last that many are not for training.
        products: how many are on sale; at most, of the official ones.
        folder: of the official JSON files.
        human: of the official goals, those that people wrote; otherwise those made
            from attributes and options.
        reward: what is paid for buying: "score", or "win", 1 for the score 1 alone.
        page_size: results on a page.
        attributes: whether a product has a page of its attributes, too.
        ordinals: results are clicked by their place on the page, "first" to "tenth";
            to copy a name is hard for a small decoder that is new.
        guide: what walkthroughs open: "direct", the product and no other, or "looking",
            as a customer must who cannot know which it is: what costs no more than it
            may is opened in turn, until something scores 1. Where that takes more than
            `step_limit` actions, they are direct.
        step_limit: actions until the episode is truncated.

    Raises ImportError where rapidfuzz is not installed, FileNotFoundError for a file
    that `folder` lacks, and ValueError for more tasks than there are goals.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        tasks: int = 1000,
        held_out: int = 0,
        products: int = 1000,
        folder: str | None = None,
        human: bool = False,
        reward: str = "score",
        page_size: int = 10,
        attributes: bool = False,
        ordinals: bool = False,
        guide: str = "direct",
        step_limit: int = 15,
    ):
        import rapidfuzz  # noqa: F401

        _check(tasks, held_out, products, page_size, step_limit)
        named = (("reward", reward, REWARDS), ("guide", guide, GUIDES))
        for name, value, known in named:
            if value not in known:
                raise ValueError(unknown(name, value, known))
        if ordinals and page_size > len(pages.ORDINALS):
            most = len(pages.ORDINALS)
            raise ValueError(
                f"page_size={page_size}: with ordinals it is {most} at most"
            )
        if human and folder is None:
            raise ValueError("human=True: name the `folder` of the official files, too")
        self.tasks, self.step_limit = tasks, step_limit
        self.reward, self.guide = reward, guide
        place = None if folder is None else pathlib.Path(folder).expanduser().resolve()
        self._shop = shops.opened(place, products, human, seed)
        self._goals = self._shop.goals(seed, tasks - held_out, held_out)
        more = (pages.ATTRIBUTES,) if attributes else ()
        self._layout = Layout(page_size, (*pages.DETAILS, *more), ordinals)
        self._last: Turn | None = None

    def reset(self, task: int) -> Turn:
        self._goal = self.goal(task)
        self._visit, self._steps = Visit(), 0
        self._last = self._turn(self._goal.instruction)
        return self._last

    def step(self, action: str) -> Turn:
        check_running(self._last)
        self._steps += 1
        led = self._led(self._visit, action)
        self._visit = led or self._visit
        turn = self._bought() if self._visit.bought else self._turn()
        if led is None:
            said = f"{REFUSAL}\n{turn.observation}"
            turn = dataclasses.replace(turn, observation=said)
        self._last = turn
        return turn

    def walkthrough(self, task: int) -> list[str] | None:
        """By the first search that finds it: that of the instruction, if it does."""
        goal = self.goal(task)
        searches = _searches(goal, self._shop.products[goal.product])
        ways = (True, False) if self.guide == "looking" else (False,)
        routes = (self._route(goal, words, way) for way in ways for words in searches)
        return next((route for route in routes if route), None)

    def close(self) -> None:
        self._last = None

    def goal(self, task: int) -> Goal:
        """What the task asks for."""
        check_task(task, self.tasks)
        return self._goals[task]

    def _led(self, visit: Visit, action: str) -> Visit | None:
        """Where an action leads; None if it cannot be done."""
        found = ACTION.fullmatch(action)
        if found is None:
            return None
        verb, said = found[1].lower(), " ".join(found[2].split())
        if verb == "search" and said and visit == Visit():
            return Visit(self._shop.search(said), page=1)
        here = shown(visit, self._layout)
        if verb == "click" and said.lower() in here.elements:
            return clicked(visit, said.lower(), self._layout)
        return None

    def _turn(self, objective: str = "") -> Turn:
        page = shown(self._visit, self._layout)
        able = tuple(f"click[{element}]" for element in page.elements)
        return Turn(
            observation=f"{objective}\n{page.text}" if objective else page.text,
            truncated=self._steps >= self.step_limit,
            admissible=able or None,
            anchor=page.text,
            objective=objective,
        )

    def _bought(self) -> Turn:
        assert self._visit.product is not None
        score = self._score(self._goal, self._visit)
        won = score == 1
        page = pages.bought(self._visit.product, self._visit.chosen, score)
        return Turn(
            observation=page.text,
            reward=float(won) if self.reward == "win" else score,
            terminated=True,
            admissible=(),
            won=won,
        )

    def _score(self, goal: Goal, visit: Visit) -> float:
        assert visit.product is not None
        wanted = self._shop.products[goal.product]
        return rewards.score(goal, wanted, visit.product, visit.chosen.values())

    def _route(self, goal: Goal, words: str, looking: bool) -> list[str] | None:
        """Search for the words, open, choose, buy; None if it fails."""
        wanted, found = self._shop.products[goal.product], self._shop.search(words)
        tried = self._tried(goal, found) if looking else [wanted]
        if not tried or tried[-1] not in found:
            return None
        chosen = [f"click[{value}]" for value in _choices(goal, tried[-1])]
        opened = self._opened(found, tried)
        actions = [f"search[{words}]", *opened, *chosen, f"click[{pages.BUY}]"]
        if looking and len(actions) > self.step_limit:
            return None
        route = [action.lower() for action in actions]
        visit = Visit()
        for action in route:
            visit = self._led(visit, action) or visit
        return route if visit.bought and self._score(goal, visit) == 1 else None

    def _tried(self, goal: Goal, found: Sequence[Product]) -> list[Product]:
        """What a customer opens until the last is what was asked for; else nothing."""
        wanted = self._shop.products[goal.product]
        tried = []
        for product in found:
            alike = rewards.type_reward(wanted, product) == 1
            if alike and product.price <= goal.price_limit:
                tried.append(product)
                choices = _choices(goal, product)
                if rewards.score(goal, wanted, product, choices) == 1:
                    return tried
        return []

    def _opened(
        self, found: Sequence[Product], tried: Sequence[Product]
    ) -> Iterator[str]:
        """Clicks from the first results to the last of the products, by the others."""
        page = 1
        for product in tried:
            turned, place = divmod(found.index(product), self._layout.size)
            yield from [f"click[{pages.NEXT}]"] * (turned + 1 - page)
            page = turned + 1
            here = pages.on_page(found, page, self._layout)
            yield f"click[{self._layout.labels(here)[place]}]"
            if product is not tried[-1]:
                yield f"click[{pages.PREVIOUS}]"


def _searches(goal: Goal, wanted: Product) -> list[str]:
    more = " ".join([*goal.attributes, wanted.query, *goal.options])
    return [goal.words, more, wanted.title]


def _choices(goal: Goal, wanted: Product) -> list[str]:
    """The product's own values of the options asked for; the nearest, of several."""
    offered = [value for values in wanted.options.values() for value in values]
    found = []
    for asked in goal.options:
        like = [value for value in offered if rewards.alike(asked, value)]
        found += [asked] if asked in offered else like[:1]
    return found


def _check(
    tasks: int, held_out: int, products: int, page_size: int, step_limit: int
) -> None:
    least = min(tasks, products, page_size, step_limit)
    if least < 1 or not 0 <= held_out <= tasks:
        raise ValueError(
            f"tasks={tasks}, held_out={held_out}, products={products}, page_size="
            f"{page_size}, step_limit={step_limit}: give at least one of each, and no "
            "more held out than tasks"
        )
