"""Every notebook runs from its first cell to its last, by this very interpreter."""

import json
import os
import pathlib
import sys

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PICTURES = "image/png"
MOST = 500_000  # bytes of a notebook with its pictures
KERNEL = "here"
# A cell that follows the one tagged "parameters", as papermill has it: every other cell
# runs as it stands.
BRIEFLY = {
    "03_exploration_maps": "CALLS, EARLY, CONTEXTS, CONTEXT_SEEDS = 3, 1, (1, 0), (0,)",
    "05_fidelity": "PROCESSES, UPDATES = PROCESSES[:1], 2",
}
PROGRAM = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """The name of a kernel that is this interpreter, on the CPU."""
    folder = tmp_path / "kernels" / KERNEL
    folder.mkdir(parents=True)
    argv = [sys.executable, *PROGRAM]
    spec = dict(argv=argv, display_name=KERNEL, language="python")
    (folder / "kernel.json").write_text(json.dumps(spec))
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "true")  # see conftest
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    return KERNEL


def shorten(notebook, name):
    """Gives its parameters the values of BRIEFLY."""
    tags = [cell.metadata.get("tags", []) for cell in notebook.cells]
    after = tags.index(["parameters"]) + 1
    notebook.cells.insert(after, nbformat.v4.new_code_cell(BRIEFLY[name]))


def pictures(notebook):
    """How many there are among the outputs."""
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", [])]
    return sum(PICTURES in one.get("data", {}) for one in outputs)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_draws_as_many_pictures_as_are_kept(
    path, kernel, tmp_path
):
    kept = nbformat.read(path, as_version=4)
    ran = nbformat.read(path, as_version=4)
    if path.stem in BRIEFLY:
        shorten(ran, path.stem)
    place = dict(metadata=dict(path=str(tmp_path)))  # what it writes is not kept
    NotebookClient(ran, kernel_name=kernel, timeout=900, resources=place).execute()
    assert pictures(ran) == pictures(kept) > 0


def test_notebooks_are_kept_with_outputs_of_one_run_and_small():
    assert NOTEBOOKS
    for path in NOTEBOOKS:
        cells = nbformat.read(path, as_version=4).cells
        code = [cell for cell in cells if cell.cell_type == "code"]
        counts = [cell.execution_count for cell in code]
        assert counts == list(range(1, len(code) + 1)), path.name
        assert path.stat().st_size < MOST, path.name
