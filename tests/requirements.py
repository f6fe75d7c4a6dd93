"""Tests that need programs: skipped where one is absent, failed where it is required.

RL_CREDIT_REQUIRE=java,chromium names the markers whose tests must not be skipped.
"""

import functools
import os
import shutil
import subprocess

import pytest

# Each marker needs all entries of its list; any name of an entry will do.
PROGRAMS: dict[str, list[tuple[str, ...]]] = {
    "java": [("java",)],
    "chromium": [("chromium", "chromium-browser", "google-chrome"), ("chromedriver",)],
}


@functools.cache
def works(path: str) -> bool:
    """Whether a program answers; macOS and Ubuntu ship some that only advertise one."""
    asked = [path, "--version"]
    return subprocess.run(asked, capture_output=True, timeout=60).returncode == 0


def missing(marker: str) -> list[str]:
    """What a marker needs and PATH lacks, in words."""
    return [
        " or ".join(names)
        for names in PROGRAMS[marker]
        if not any(works(path) for path in map(shutil.which, names) if path)
    ]


def required() -> set[str]:
    """The markers named in RL_CREDIT_REQUIRE."""
    names = set(filter(None, os.environ.get("RL_CREDIT_REQUIRE", "").split(",")))
    if unknown := sorted(names - PROGRAMS.keys()):
        known = ", ".join(sorted(PROGRAMS))
        raise pytest.UsageError(
            f"RL_CREDIT_REQUIRE names {', '.join(unknown)}; known: {known}"
        )
    return names


def pytest_configure():
    """A misspelt requirement stops the run before it can go unnoticed."""
    required()


def pytest_runtest_setup(item):
    """Skips a test whose programs are missing, or fails it when they are required."""
    for marker in PROGRAMS:
        if item.get_closest_marker(marker) and (lacking := missing(marker)):
            reason = f"no working {' and no '.join(lacking)} on PATH"
            if marker in required():
                pytest.fail(f"{reason}, and RL_CREDIT_REQUIRE={marker}", pytrace=False)
            pytest.skip(f"{reason}; RL_CREDIT_REQUIRE={marker} makes this a failure")
