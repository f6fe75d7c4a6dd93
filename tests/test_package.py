"""What holds for the package as a whole: light imports, small files, one version."""

import ast
import configparser
import importlib.metadata
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]
FOLDERS = ("rl_credit", "experiments", "configs", "tests")
KERNELS = ("ops", "credit", "losses", "bonuses")
HEAVY = """absl chex distrax dm_env flax gymnasium gymnax ml_collections orbax rlax
transformers yaml""".split()


def imported(statement, **environment):
    """The top-level modules of a fresh Python in which `statement` has run."""
    report = "import sys; print(*{name.split('.')[0] for name in sys.modules})"
    result = subprocess.run(
        [sys.executable, "-c", f"{statement}\n{report}"],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


def kernel_modules():
    """Every module of the pure packages, by its dotted name."""
    for package in KERNELS:
        for path in sorted((ROOT / "rl_credit" / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__")


def sources():
    """Every Python file of ours, with its text."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT), path.read_text()


def body_lines(function):
    """The lines of a function's body, first to last, without its docstring."""
    body = function.body[ast.get_docstring(function) is not None :]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def long_functions(text, limit):
    """The names of the functions whose body is longer than `limit` lines."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
    return [node.name for node in functions if body_lines(node) > limit]


def test_kernels_import_nothing_heavy_and_start_no_device():
    statement = f"import {', '.join(kernel_modules())}"
    modules = imported(statement, JAX_PLATFORMS="none")  # a started backend would raise
    assert {"jax", "rl_credit"} <= modules
    assert modules.isdisjoint(HEAVY), sorted(modules.intersection(HEAVY))


def test_no_file_is_over_300_lines():
    lines = {str(path): len(text.splitlines()) for path, text in sources()}
    assert "rl_credit/types.py" in lines
    assert {path: count for path, count in lines.items() if count > 300} == {}


def test_no_function_is_over_40_lines():
    long = {str(path): long_functions(text, 40) for path, text in sources()}
    assert {path: names for path, names in long.items() if names} == {}


def test_function_lines_leave_out_the_docstring():
    text = 'def short():\n    """Says.\n\n    More.\n    """\n    a = 1\n    return a\n'
    assert long_functions(text, 2) == []
    assert long_functions(text, 1) == ["short"]


def test_the_installed_version_is_the_one_in_setup_cfg():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert importlib.metadata.version("rl_credit") == config["metadata"]["version"]
