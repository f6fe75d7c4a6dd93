"""What contexts share, beside what a lifelong count gains over an episodic one."""

import dataclasses
import json
import pathlib
from collections.abc import Sequence

from matplotlib.figure import Figure

from rl_credit.analysis import documents
from rl_credit.analysis import exploration_figures as figures
from rl_credit.analysis import shared_structure
from rl_credit.analysis.exploration_figures import Place
from rl_credit.analysis.exploration_runs import Finished, interval
from rl_credit.envs.grid.rooms import Rooms
from rl_credit.runtime import records
from rl_credit.training.grid_sweep import FRESH, Sweep

GLOBAL, EPISODIC = "count_global", "count_episodic"
PICTURE, RESULTS = "exploration_shared.png", "exploration_shared.json"


@dataclasses.dataclass(frozen=True)
class Shared:
    """Of a task and its contexts."""

    task: str
    contexts: int
    context_seed: int
    counted: str  # the feature that both counts are of
    variances: dict[str, float]  # `shared_variance` by feature
    gain: float  # success of the global count minus that of the episodic one

    @property
    def place(self) -> Place:
        return Place(self.task, self.contexts)


def measured(sweep: Sweep, runs: Sequence[Finished]) -> list[Shared]:
    """Of every place where both counts were run and V* can be had; else nothing."""
    kinds = {GLOBAL: {}, EPISODIC: {}}  # type: dict[str, dict[tuple, Finished]]
    for run in runs:
        kind, cell = run.cell.settings.bonus.name, run.cell
        where = cell.task, cell.contexts, cell.context_seed
        kinds.get(kind, {})[where] = run
    found = []
    for where, run in kinds[GLOBAL].items():
        env = run.cell.settings.env.world().env
        known = isinstance(env, Rooms) and shared_structure.tabulated(env)
        if where not in kinds[EPISODIC] or not known:
            continue
        discount = sweep.agent.credit.discount
        variances = shared_structure.measured(env, discount=discount)
        episodic = kinds[EPISODIC][where]
        gain = interval([run]).middle - interval([episodic]).middle
        counted = run.cell.settings.bonus.count
        found.append(Shared(*where, counted, variances, gain))
    return found


def table(found: Sequence[Shared]) -> str:
    """A row a place: variance by position and by message, and the gain."""
    head = ["task", "contexts", "set", "variance of V*, position", "message"]
    rows = []
    for row in found:
        seed = "" if row.contexts == FRESH else str(row.context_seed)
        numbers = [f"{row.variances[psi]:.2f}" for psi in ("position", "message")]
        points = f"{100 * row.gain:+.0f} points"
        rows.append([row.task, row.place.words, seed, *numbers, points])
    return documents.table([*head, "global minus episodic"], rows)


def drawn(found: Sequence[Shared]) -> Figure:
    """Gain against the variance by what is counted."""
    return figures.against_shared(
        [(row.variances[row.counted], row.gain, row.place) for row in found]
    )


def publish(name: str, found: Sequence[Shared], out: pathlib.Path) -> None:
    """Puts those of a study beside all others' in the documents, and draws them."""
    path = out / RESULTS
    known = json.loads(path.read_text()) if path.is_file() else {}
    places = {(row.place, row.context_seed) for row in found}
    others = [Shared(**line) for line in known.get(name, ())]
    kept = [row for row in others if (row.place, row.context_seed) not in places]
    known[name] = [dataclasses.asdict(row) for row in (*kept, *found)]
    records.write_json(path, known)
    every = [Shared(**line) for rows in known.values() for line in rows]
    if every:
        drawn(every).savefig(out / PICTURE, dpi=120)
