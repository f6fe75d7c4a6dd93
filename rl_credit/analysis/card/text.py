"""What a card says of a run of the text agent."""

from collections.abc import Callable, Sequence
from typing import Any

from rl_credit.analysis.card import both
from rl_credit.analysis.card.folder import Folder, digest
from rl_credit.analysis.card.items import (
    Item,
    Sections,
    called,
    count,
    interval,
    missing,
    options,
    quantiles,
    share,
)
from rl_credit.credit.estimators import ESTIMATORS
from rl_credit.training import source
from rl_credit.training.ledger import EPISODES, FLAT, KEPT, WARM_UP

NO_EPISODES = f"its folder has no {EPISODES}"
JUDGED, ALIASED = "held_out/success", "anchors/aliased"


def sections(run: Folder) -> Sections:
    """All of a card, in the order of reading."""
    return {
        "Tasks": tasks(run),
        "Method": method(run),
        "Budget": [*budget(run), *both.time(run)],
        "Episodes": episodes(run),
        "Groups": groups(run),
        "Results": results(run),
        "Software": both.software(run),
    }


def tasks(run: Folder) -> list[Item]:
    """The panel, the seed, and how it is judged."""
    items = [Item("seed", str(run.config["seed"]), run.config["seed"])]
    env, how = run.config.get("env"), run.config.get("evaluate")
    if env and how:
        world = called(env["name"], env["options"])
        words = f"{how['attempts']} attempts a task, temperature {how['temperature']}"
        items.insert(0, Item("environment", world, world))
        items.append(Item("judged by", words, words))
    names = {"training tasks": "train", "held-out tasks": "held_out"}
    if run.panel is None:
        return items + [
            missing(name, "its folder has no panel.json", matters=True)
            for name in names
        ]
    for name, part in names.items():
        ids = sorted(run.panel[part])
        which = f"{len(ids)}, panel `{digest(ids)}`"
        items.append(Item(name, which, digest(ids)))
    return items


def method(run: Folder) -> list[Item]:
    """Estimator, loss, model."""
    config, credit = run.config, run.config["credit"]
    name, penalty = credit["name"], str(credit.get("invalid_penalty", "?"))
    if credit.get("penalise") == "score":
        penalty += ", before scores are compared"
    items = [
        Item("estimator", f"`{name}`"),
        Item("its options", options(credit.get("options", {}).get(name, {}))),
        Item("penalty of an invalid action", penalty),
        Item("equal states", _states(credit)),
    ]
    if "loss" in config:
        loss = config["loss"]
        own = options(loss["options"].get(loss["name"], {}))
        terms = options({key: loss[key] for key in ("reduction", "kl", "entropy")})
        items.append(Item("loss", f"`{loss['name']}` ({own}; {terms})"))
    if "model" in config:
        model = config["model"]
        named = model["directory"].rpartition("/")[2] or options(model["sizes"])
        items.append(Item("model", f"{named}; {model['dtype']}"))
        items.append(Item("tokenizer", model["tokenizer"]))
    if "train" in config:
        items.append(Item("training", options(config["train"])))
    return items


def _states(credit: dict[str, Any]) -> str:
    by = credit.get("anchors_by", "state")
    if credit.get("similarity", 1.0) < 1:
        return f"by {by}, texts of similarity {credit['similarity']} or more"
    return f"by {by}"


def budget(run: Folder) -> list[Item]:
    """Steps, tokens and passes, by what they were spent on."""
    planned = run.config.get("train", {}).get("steps")
    done = sum("train/episodes" in line for line in run.lines)
    of = f" of {planned}" if planned is not None else ""
    items = [count("training iterations", done, of)]
    items += _played(run)
    items += _updated(run)
    items += [_extra(run), _warm_up(run), _judging(run)]
    none = "none: every episode begins with a reset"
    return [*items, Item("continuation rollouts", none, 0.0)]


def _played(run: Folder) -> list[Item]:
    names = {
        "episodes to train (a reset each)": "episodes",
        "environment steps to train": "turns",
        "tokens read to train": "read",
        "tokens generated to train": "said",
    }
    found = run.episodes
    if found is None:
        return [missing(name, NO_EPISODES, matters=True) for name in names]
    sums = {key: sum(found[key]) for key in ("turns", "read", "said")}
    sums["episodes"] = len(found["steps"])
    return [count(name, sums[key]) for name, key in names.items()]


def _updated(run: Folder) -> list[Item]:
    """What the updates of the policy learned from, every epoch counted."""
    epochs = run.config.get("train", {}).get("epochs")
    names = {
        "tokens trained on": "tokens",
        "sequences forward and backward, policy": "rows",
    }
    if run.config.get("loss", {}).get("kl"):
        names["sequences forward, reference"] = "rows"
    return [
        missing(name, f"its metrics do not count {key}", matters=True)
        if (spent := run.spent(key)) is None or epochs is None
        else count(name, spent * epochs)
        for name, key in names.items()
    ]


def _extra(run: Folder) -> Item:
    """What the estimator took besides the episodes and the update."""
    title, name = "extra for the estimator", run.config["credit"]["name"]
    needed = ESTIMATORS[name].needs if name in ESTIMATORS else ()
    whose = [who for who in source.needed(name, needed) if who != "walkthroughs"]
    if not whose:
        return Item(title, "none: neither networks nor episodes", 0.0)
    (who,) = whose
    parts = {
        "episodes": "episodes",
        "turns": "environment steps",
        "said": "tokens generated",
        "forwards": "sequences forward",
        "gradients": "sequences forward and backward",
    }
    found = {n: run.spent(f"{who}/{n}") for n in parts}
    known = {n: value for n, value in found.items() if value is not None}
    if not known:
        return missing(title, f"its metrics do not count for {who}", matters=True)
    told = ", ".join(f"{value:,.0f} {parts[n]}" for n, value in known.items())
    return Item(title, f"{who}: {told}", float(sum(known.values())))


def _warm_up(run: Folder) -> Item:
    name, taken = "warm-up", run.warm_up
    if taken is None:
        if run.config.get("demonstrations") == 0:
            return Item(name, "none", 0.0)
        return missing(name, f"its folder has no {WARM_UP}", matters=True)
    words = (
        f"{taken['episodes']:,} walkthroughs of {taken['turns']:,} turns imitated: "
        f"{taken['gradients']:,} sequences forward and backward, "
        f"{taken['tokens']:,} tokens trained on"
    )
    return Item(name, words, float(taken["tokens"]))


def _judging(run: Folder) -> Item:
    lines = [line for line in run.lines if "held_out/turns" in line]
    if not lines:
        return missing("evaluation", "its metrics have no evaluation")
    each = [line["held_out/episodes"] for line in lines]
    turns = sum(n * line["held_out/turns"] for n, line in zip(each, lines))
    words = (
        f"{sum(each):,.0f} episodes in {len(lines)} evaluations, "
        f"{turns:,.0f} environment steps"
    )
    return Item("evaluation", words)


def episodes(run: Folder) -> list[Item]:
    """Lengths, faults, invalid actions of what was played to train."""
    names = ("turns", "tokens of the agent", "failed", "left out", "invalid actions")
    found = run.episodes
    if found is None:
        return [missing(f"{name}, training", NO_EPISODES) for name in names]
    fates = found["fates"]
    ended = [fate in (KEPT, FLAT) for fate in fates]
    faults = sorted({fate for fate, fine in zip(fates, ended) if not fine})
    kinds = f": {', '.join(faults)}" if faults else ""
    failed, flat, all_ = ended.count(False), fates.count(FLAT), len(fates)
    values = (
        quantiles(_where(found["turns"], ended)),
        quantiles(_where(found["said"], ended)),
        f"{share(failed, all_)}{kinds}",
        f"{share(flat, all_)}, their group had no spread",
        share(sum(found["invalid"]), sum(found["turns"])),
    )
    items = [Item(f"{n}, training", value) for n, value in zip(names, values)]
    lost = run.spent("held_out/failed")
    if lost is None:
        return [*items, missing("failed, held-out", "it was never judged")]
    tried = lost + (run.spent("held_out/episodes") or 0)
    return [*items, Item("failed, held-out", share(lost, tried))]


def _where(values: Sequence[Any], kept: Sequence[bool]) -> list[Any]:
    return [value for value, keep in zip(values, kept) if keep]


def groups(run: Folder) -> list[Item]:
    """How many groups taught nothing, and how many anchors met nobody."""
    names = (
        "groups played",
        "groups whose attempts all scored the same",
        "groups whose advantages are all zero",
        "turns in a state that its group met once (singleton anchor groups)",
    )
    found, aliased = run.episodes, _aliased(run)
    if found is None:
        return [*(missing(name, NO_EPISODES) for name in names), aliased]
    fine = [fate in (KEPT, FLAT) for fate in found["fates"]]
    scores = _grouped(found, "scores", fine)
    kept = [fate == KEPT for fate in found["fates"]]
    taught, turns = _grouped(found, "taught", kept), _where(found["turns"], kept)
    alone = _where(found["alone"], kept)
    flat = sum(len(set(row)) == 1 for row in scores)
    return [
        Item(names[0], f"{len(scores):,}"),
        Item(names[1], share(flat, len(scores))),
        Item(names[2], share(sum(not any(row) for row in taught), len(taught))),
        Item(names[3], share(sum(alone), sum(turns))),
        aliased,
    ]


def _aliased(run: Folder) -> Item:
    title, name = "turns whose observation is that of several states", ALIASED
    lines = [line for line in run.lines if name in line]
    if not lines:
        return missing(title, f"its metrics have no {name}")
    turns = [line["train/episodes"] * line["train/turns"] for line in lines]
    same = sum(number * line[name] for number, line in zip(turns, lines))
    return Item(title, share(round(same), round(sum(turns))))


def _grouped(found: dict[str, list], name: str, kept: Sequence[bool]) -> list[list]:
    """The values of each group; one that was played in another step is another."""
    rows: dict[tuple[int, int], list] = {}
    keys = zip(found["steps"], found["groups"])
    for key, value, keep in zip(keys, found[name], kept):
        if keep:
            rows.setdefault(key, []).append(value)
    return list(rows.values())


def results(run: Folder) -> list[Item]:
    """Held-out success and length before and after."""
    judged = [line for line in run.lines if JUDGED in line]
    if not judged:
        return [missing("held-out success", "it was killed before it was judged")]
    first, last = judged[0], judged[-1]
    whens = ["before"] if first is last else ["before", "after"]
    if first is not last and not run.finished:
        whens[1] = f"last evaluation (iteration {last['step']})"
    rows: list[tuple[str, Callable[[dict], str]]] = [
        ("held-out success", _success),
        ("held-out turns", lambda line: f"{line['held_out/turns']:.1f}"),
        ("held-out invalid actions", lambda line: f"{line['held_out/invalid']:.1%}"),
    ]
    pairs = list(zip(whens, (first, last)))
    return [
        Item(f"{name}, {when}", words(line))
        for name, words in rows
        for when, line in pairs
        if "held_out/turns" in line or name == "held-out success"
    ]


def _success(line: dict[str, Any]) -> str:
    """With its interval, if that was noted."""
    middle = line[JUDGED]
    if "held_out/low" not in line:
        return f"{middle:.1%} (interval not recorded by this run)"
    told = interval(middle, line["held_out/low"], line["held_out/high"], ".1%")
    return f"{told}, {line['held_out/episodes']:.0f} episodes, Wilson 95%"
