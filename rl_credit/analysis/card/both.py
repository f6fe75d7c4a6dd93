"""What a card says alike of every run: time, devices, software, how to run it again."""

import pathlib
import shlex

from rl_credit.analysis.card.folder import STARTS, Folder
from rl_credit.analysis.card.items import Item, missing

PHASE = "seconds/"
NO_START = f"its folder has no {STARTS}"
HOUR = 3600.0


def time(run: Folder) -> list[Item]:
    """Wall time by phase, devices, and device-hours."""
    names = sorted({name for line in run.lines for name in line if PHASE in name})
    spent = {name.removeprefix(PHASE): run.spent(name) or 0.0 for name in names}
    total = sum(spent.values())
    parts = ", ".join(f"{name} {seconds:.4g} s" for name, seconds in spent.items())
    wall = Item("wall time", f"{total:,.1f} s ({parts})" if parts else "0 s")
    if not run.starts:
        return [wall, *(missing(n, NO_START) for n in ("devices", "device-hours"))]
    devices = [start["devices"] for start in run.starts]
    cores = run.starts[-1].get("cores")
    host = f"; host of {cores} cores" if cores else ""
    on = Item("devices", f"{_together(devices[-1])}{host}", sorted(devices[-1]))
    if len({tuple(one) for one in devices}) > 1:
        return [wall, on, missing("device-hours", "it was gone on with on others")]
    hours = total * len(devices[-1]) / HOUR
    many = f"; {len(devices)} starts: work done twice is not in it"
    more = many if len(devices) > 1 else ""
    return [wall, on, Item("device-hours", f"{hours:.4g}{more}", hours)]


def _together(devices: list[str]) -> str:
    """As in "8 x TPU v4"; a name ends in the number of the device."""
    kinds = [device.rpartition(" ")[0] for device in devices]
    return ", ".join(f"{kinds.count(kind)} x {kind}" for kind in dict.fromkeys(kinds))


def software(run: Folder) -> list[Item]:
    """Commit, versions, the config's digest, and the command."""
    items = [Item("digest of the config", f"`{run.digest}`")]
    if not run.starts:
        names = ("command", "commit", "packages", "Python", "started")
        return items + [missing(name, NO_START) for name in names]
    last = run.starts[-1]
    packages = [f"{n} {v}" for n, v in last["packages"].items() if v is not None]
    changes = [change for start in run.starts for change in start["changes"]]
    return items + [
        Item("command", _command(run.starts[0]["argv"])),
        Item("changed later", ", ".join(changes) or "nothing"),
        Item("commit", _commit(last)),
        Item("packages", ", ".join(packages)),
        Item("Python", f"{last['python']}, {last['platform']}"),
        Item("started", ", ".join(start["time"] for start in run.starts)),
    ]


def _commit(start: dict) -> str:
    if start["commit"] is None:
        return "not recorded by this run: it was no git checkout"
    changed = " with changes that are not committed" if start["dirty"] else ""
    return f"`{start['commit']}`{changed}"


def _command(argv: list[str]) -> str:
    """How the run was started, but for its folder, which is nobody's concern."""
    program = pathlib.Path(argv[0])
    if program.suffix != ".py" or program.parent.name != "experiments":
        who = program.name or "an interpreter"
        return f"not recorded by this run: it was started by {who}, not by a command"
    words, skip = ["python", "-m", f"experiments.{program.stem}"], False
    for word in argv[1:]:
        if not skip and not word.startswith("--workdir"):
            words.append(shlex.quote(word))
        skip = word == "--workdir"
    return f"`{' '.join([*words, '--workdir=DIR'])}`"
