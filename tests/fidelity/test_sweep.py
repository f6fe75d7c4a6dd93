"""A sweep scores every cell once, whatever stops it, and knows what it is asked for."""

import json

import numpy as np
import pytest

from configs.studies import fidelity as config
from experiments import fidelity as experiment
from rl_credit.credit import estimators
from rl_credit.credit.estimator import Estimator
from rl_credit.fidelity import sweep as sweeps
from rl_credit.fidelity.sweep import Sweep
from rl_credit.runtime import launch
from rl_credit.runtime.errors import UserError
from rl_credit.runtime.sections import sections

CELLS = [
    (process, estimator)
    for estimator in ("grpo", "gigpo")
    for process in ("key_to_door", "rejoining")
]


def smoke(**changed):
    """The smoke config with other values for some of its fields."""
    found = config.get_config("smoke").unlock()
    for name, value in changed.items():
        section, _, field = name.rpartition("__")
        (found[section] if section else found)[field] = value
    return found


def sweep(**changed):
    return sections(Sweep, smoke(**changed))


def arrays(workdir):
    """The arrays of every cell, by its place."""
    found = {}
    for path in sorted(workdir.rglob("*.npz")):
        with np.load(path) as file:
            found[str(path.relative_to(workdir))] = {n: file[n] for n in file.files}
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What the command leaves of the smoke config."""
    workdir = tmp_path_factory.mktemp("fidelity") / "run"
    experiment.main(smoke(out=str(workdir.parent / "docs")), workdir)
    return workdir


def test_the_command_leaves_numbers_tables_and_pictures(whole):
    found = arrays(whole)
    assert len(found) == 4
    for cell in found.values():
        assert cell["16/afforded"] == 16 and cell["16/cosine"].shape == (16,)
        assert cell["returns"].shape == (4, 3)
        assert cell["updates"].tolist() == [1, 2, 3]
        assert cell["before"] < cell["best"]
        for name in ("spearman", "sign", "ranking", "bias", "variance", "gram"):
            assert np.isfinite(cell[f"16/{name}"]).all(), name
    assert not list(whole.rglob("*.partial"))
    report, docs = (whole / "report.md").read_text(), whole.parent / "docs"
    assert report in (docs / "fidelity.md").read_text() + "\n"
    for path in (whole, docs):
        pictures = sorted(x.name for x in path.glob("*.png"))
        assert pictures == [
            "fidelity_smoke_bias_variance.png",
            "fidelity_smoke_learning.png",
        ]
    known = json.loads((whole / sweeps.PROCESSES).read_text())
    assert list(known) == ["key_to_door", "rejoining"]
    assert known["rejoining"]["tasks"] == 2
    for word in ("gigpo", "rejoining", known["rejoining"]["exposes"]):
        assert word in report


def test_a_sweep_that_was_stopped_goes_on_and_comes_to_the_same(whole, tmp_path):
    asked = sweep()
    running = sweeps.run(asked, tmp_path)
    assert [next(running), next(running)] == CELLS[:2]
    running.close()
    torn = sweeps.path(tmp_path, *CELLS[2]).with_suffix(".partial")
    torn.parent.mkdir(parents=True, exist_ok=True)
    torn.write_bytes(b"half a file")
    done = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")}
    assert len(done) == 2
    assert [sweeps.finished(asked, tmp_path, *cell) for cell in CELLS] == [
        *(True, True),
        *(False, False),
    ]
    assert list(sweeps.run(asked, tmp_path)) == CELLS
    assert {path: path.stat().st_mtime_ns for path in done} == done
    one, other = arrays(tmp_path), arrays(whole)
    assert list(one) == list(other)
    for place, cell in one.items():
        for name, array in cell.items():
            np.testing.assert_array_equal(array, other[place][name], err_msg=name)


@pytest.mark.parametrize(
    "changed",
    [
        dict(seed=1),
        dict(scores__share=0.4),
        dict(sources__group=4),
        dict(learning__rate=0.2),
        dict(options={"gigpo": {"discount": 0.9}}),
    ],
)
def test_numbers_of_other_settings_are_not_taken_for_these(whole, changed):
    assert all(sweeps.finished(sweep(), whole, *cell) for cell in CELLS)
    other = sweep(**changed)
    found = [sweeps.finished(other, whole, *cell) for cell in CELLS]
    others = "options" in changed  # it is an option of gigpo alone
    assert found == [others, others, False, False]


def test_the_name_and_what_is_drawn_may_change(whole):
    other = sweep(name="another", out="", pictured=(), estimators=("gigpo",))
    assert sweeps.finished(other, whole, *CELLS[2])


def test_a_new_estimator_is_in_every_sweep_and_table(monkeypatch, tmp_path):
    """The table of estimators is all that it is added to."""
    for name in set(estimators.ESTIMATORS) - {"grpo"}:
        monkeypatch.delitem(estimators.ESTIMATORS, name)
    newcomer = Estimator("newcomer", lambda t: -estimators.grpo(t))
    monkeypatch.setitem(estimators.ESTIMATORS, "newcomer", newcomer)
    kept = {"rejoining": smoke().processes.rejoining.to_dict()}
    asked = smoke(
        estimators=(),
        options={},
        pictured=("newcomer",),
        processes=kept,
        learning__updates=0,
    )
    experiment.main(asked, tmp_path)
    report = (tmp_path / "report.md").read_text()
    rows = [line for line in report.splitlines() if line.startswith("| newcomer |")]
    assert len(rows) == 3  # gradient, ranking, and the process's own table
    assert "| **-" not in rows[0] and "| -" in rows[0]


def test_cells_with_the_same_batches_follow_one_another():
    found = [one.feed for one in sweep(estimators=()).plans().values()]
    assert len(found) == len(estimators.ESTIMATORS)
    changes = sum(one != other for one, other in zip(found, found[1:]))
    assert changes == len(set(found)) - 1


@pytest.mark.parametrize(
    "changed, said",
    [
        (dict(estimators=("gippo",)), "'gippo'; did you mean 'gigpo'"),
        (dict(pictured=("grppo",)), "'grppo'; did you mean 'grpo'"),
        (dict(options={"gigbo": {}}), "'gigbo'; did you mean 'gigpo'"),
        (dict(options={"gigpo": {"discont": 1}}), "did you mean 'discount'"),
        (dict(processes={"x": dict(name="rejoinin", options={})}), "'rejoining'"),
        (
            dict(processes={"x": dict(name="rejoining", options={"dept": 1})}),
            "did you mean 'depth'",
        ),
        (dict(processes={}), "processes is empty; give one or more"),
        (dict(scores__seeds=15), "seeds is 15; intervals need 16 or more"),
        (dict(scores__budgets=()), "budgets is"),
        (dict(scores__share=0.0), "share is 0.0; it must be above 0"),
        (dict(sources__three=(3,)), "unknown field 'three'; did you mean 'tree'"),
        (dict(sorces={}), "unknown field 'sorces'; did you mean 'sources'"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value[:24],
)
def test_what_nobody_knows_is_refused_in_one_line(changed, said, tmp_path):
    with pytest.raises(UserError) as caught:
        experiment.main(smoke(**changed), tmp_path)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert str(caught.value).startswith("config")


def test_the_command_in_the_report_names_no_folder(monkeypatch):
    given = ["--config=a.py:smoke", "--config.seed=2", "--workdir=b", "--config.out=c"]
    monkeypatch.setattr("sys.argv", ["fidelity", *given])
    expected = "python -m experiments.fidelity --config=a.py:smoke --config.seed=2"
    assert launch.command("experiments.fidelity") == f"{expected} --workdir=DIR"


def test_sizes_of_the_config_are_sweeps_of_what_they_say():
    full, quick = (sections(Sweep, config.get_config(x)) for x in ("full", "quick"))
    assert set(full.plans()) == {*estimators.ESTIMATORS, *full.variants}
    assert set(quick.processes) < set(full.processes)
    assert {one.name for one in full.processes.values()} == set(sweeps.mdps.PROCESSES)
    assert set(config.MAIN) == set(quick.plans())
