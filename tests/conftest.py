"""What every test runs under: strict shapes and dtypes, room for compiled programs."""

import functools
import os

import jax
import pytest

from tests.requirements import pytest_configure, pytest_runtest_setup  # noqa: F401

jax.config.update("jax_numpy_rank_promotion", "raise")

# LLVM would take a quarter of the suite's time to make programs faster that run once.
# What XLA does to the arithmetic before that, such as fusing, stays as users have it.
QUICK = "--xla_backend_optimization_level=0"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {QUICK}"

KERNELS = {"ops", "credit", "losses", "bonuses"}  # optimisers need "standard"


def pytest_collection_modifyitems(items):
    """The longest first, or one worker waits for another's notebooks at the end."""
    items.sort(key=lambda item: item.path.name != "test_notebooks.py")


def _kernel(path):
    return bool(KERNELS & set(path.parts))


@pytest.fixture(autouse=True)
def strict_dtypes(request):
    """No implicit change of dtype inside our own arithmetic."""
    mode = "strict" if _kernel(request.path) else "standard"
    with jax.numpy_dtype_promotion(mode):
        yield


@pytest.fixture(scope="module", autouse=True)
def quickly_compiled(request):
    """Most programs run once here and take longer to compile than to run.

    The kernels are compiled as users have them: what fusing does to their rounding is
    part of what is tested. So are the runs that tests start as programs of their own.
    """
    jax.config.update("jax_disable_most_optimizations", not _kernel(request.path))
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="module", autouse=True)
def room_for_programs():
    """After each file."""
    from rl_credit.runtime import programs  # here, under the checks of annotations

    yield
    programs.make_room()


@pytest.fixture(params=["eager", "jit"])
def compiled(request):
    """`compiled(kernel, **knobs)`: the kernel with its knobs, eager and jitted."""

    def prepare(kernel, **knobs):
        bound = functools.partial(kernel, **knobs)
        return jax.jit(bound) if request.param == "jit" else bound

    return prepare
