"""What a card says of a run of the grid agent, whose seeds are trained side by side."""

from rl_credit.analysis.card import both
from rl_credit.analysis.card.folder import Folder
from rl_credit.analysis.card.items import (
    Item,
    Sections,
    called,
    count,
    missing,
    options,
    over_seeds,
)
from rl_credit.training.grid_agent import HELD_OUT

ON_DEVICE = "episodes are summed on the device, call by call"


def sections(run: Folder) -> Sections:
    """All of a card, in the order of reading."""
    return {
        "Tasks": tasks(run),
        "Method": method(run),
        "Budget": [*budget(run), *both.time(run)],
        "Episodes": episodes(run),
        "Groups": [Item("groups", "none: advantages are those of a critic (GAE)")],
        "Results": results(run),
        "Software": both.software(run),
    }


def tasks(run: Folder) -> list[Item]:
    """The environment, the seeds, and how they are judged."""
    config, env, how = run.config, run.config["env"], run.config["evaluate"]
    world = called(env["name"], env["options"] | env["params"])
    seeds = [config["seed"] + n for n in range(config["seeds"])]
    chosen = "likeliest actions" if how["greedy"] else "drawn actions"
    words = f"{how['episodes']} fresh episodes a seed, no bonus, {chosen}"
    won = how["threshold"]
    goal = "is paid at its end" if won is None else f"returns {won:g} or more"
    return [
        Item("environment", world, world),
        Item("seeds", ", ".join(map(str, seeds)), str(seeds)),
        Item("judged by", words, words),
        Item("success", f"an episode that {goal}", goal),
    ]


def method(run: Folder) -> list[Item]:
    """Estimator, loss, bonus, network."""
    config, bonus = run.config, run.config["bonus"]
    rest = {name: value for name, value in bonus.items() if name != "name"}
    paid = called(f"`{bonus['name']}`", rest) if bonus["name"] != "none" else "none"
    return [
        Item("estimator", "`gae`"),
        Item("its options", options(config["credit"])),
        Item("loss", f"`ppo_clip` ({options(config['loss'])})"),
        Item("bonus", paid),
        Item("model", options(config["model"])),
        Item("training", options(config["train"])),
    ]


def budget(run: Folder) -> list[Item]:
    """Environment steps and passes of the network, all seeds together."""
    seeds, planned = run.config["seeds"], run.config["train"]["frames"]
    frames = max((line.get("frames") or 0 for line in run.lines), default=0)
    of = f" ({frames:,.0f} of {planned:,} planned, {seeds} seeds)"
    ended = [line for line in run.seeds if line["kind"] == "train"]
    begun = sum(value or 0 for line in ended for value in line["episodes"])
    names = {
        "observations forward": "passes/forward",
        "observations forward and backward": "passes/gradient",
    }
    passes = [
        missing(name, "its metrics do not count them", matters=True)
        if (spent := run.spent(key)) is None
        else count(name, spent * seeds)
        for name, key in names.items()
    ]
    bonus = run.config["bonus"]["name"]
    on_top = "none" if bonus == "none" else "not recorded by this run: not counted"
    return [
        count("environment steps to train", frames * seeds, of),
        Item("episodes ended to train (a reset each)", f"{begun:,.0f}"),
        *passes,
        Item("passes of the bonus's own networks", on_top),
        Item("tokens", "none: no language model", 0.0),
        Item("continuation rollouts", "none: every episode begins with a reset", 0.0),
        _judging(run),
    ]


def _judging(run: Folder) -> Item:
    lines = _fresh(run)
    each = run.config["evaluate"]["episodes"]
    played = each * run.config["seeds"] * len(lines)
    steps = each * sum(value or 0 for line in lines for value in line["length"])
    words = f"{played:,} episodes in {len(lines)} evaluations"
    return Item("evaluation", f"{words}, {steps:,.0f} environment steps")


def episodes(run: Folder) -> list[Item]:
    """Lengths, as far as they are known."""
    rows = [line for line in run.seeds if line["kind"] == "train"]
    known = [value for line in rows for value in line["length"] if value is not None]
    means = f"{min(known):.4g} to {max(known):.4g}" if known else "no episode ended"
    return [
        Item("mean length of a call and seed, training", means),
        missing("quantiles of the length, training", ON_DEVICE),
        Item("failed", "none: a jitted environment has no faults"),
        Item("invalid actions", "none: actions are those of the environment's list"),
    ]


def results(run: Folder) -> list[Item]:
    """Return and success before and after: interquartile means over the seeds."""
    lines = _fresh(run)
    if not lines:
        return [missing("return", "it was killed before it was judged")]
    whens = {"before": lines[0]}
    if len(lines) > 1:
        step = lines[-1]["step"]
        name = "after" if run.finished else f"last evaluation (call {step})"
        whens[name] = lines[-1]
    rows = [("return", ".4g"), ("success", ".1%"), ("length", ".4g")]
    return [
        Item(f"{name}, {when}", over_seeds(line[name], style))
        for name, style in rows
        for when, line in whens.items()
    ]


def _fresh(run: Folder) -> list[dict]:
    return [line for line in run.seeds if line["kind"] == HELD_OUT]
