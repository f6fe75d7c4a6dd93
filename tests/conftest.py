"""What every test runs under: strict shapes and dtypes, room for compiled programs."""

import functools
from pathlib import Path

import jax
import pytest

from tests.requirements import pytest_configure, pytest_runtest_setup  # noqa: F401

jax.config.update("jax_numpy_rank_promotion", "raise")

MAPPINGS = Path("/proc/self/maps")  # one line each; Linux allows a process 65530
CROWDED = 20_000
KERNELS = {"ops", "credit", "losses", "bonuses"}  # optimisers need "standard"


@pytest.fixture(autouse=True)
def strict_dtypes(request):
    """No implicit change of dtype inside our own arithmetic."""
    mode = "strict" if KERNELS & set(request.path.parts) else "standard"
    with jax.numpy_dtype_promotion(mode):
        yield


@pytest.fixture(scope="module", autouse=True)
def room_for_programs():
    """Compiled programs hold memory mappings; past the limit XLA crashes."""
    yield
    if MAPPINGS.exists() and MAPPINGS.read_text().count("\n") > CROWDED:
        jax.clear_caches()


@pytest.fixture(params=["eager", "jit"])
def compiled(request):
    """`compiled(kernel, **knobs)`: the kernel with its knobs, eager and jitted."""

    def prepare(kernel, **knobs):
        bound = functools.partial(kernel, **knobs)
        return jax.jit(bound) if request.param == "jit" else bound

    return prepare
