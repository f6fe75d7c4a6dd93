"""What happens to tests marked `java` and `chromium` on machines with and without."""

import pytest

pytest_plugins = ["pytester"]

CONFTEST = "from tests.requirements import pytest_configure, pytest_runtest_setup"
TESTS = """
    import pytest

    @pytest.mark.java
    def test_java(): pass

    @pytest.mark.chromium
    def test_chromium(): pass

    def test_plain(): pass
"""


@pytest.fixture
def machine(pytester, monkeypatch):
    """`machine(required, name=exit code, ...)`: a run with only those programs."""

    def run(required="", **programs):
        for name, code in programs.items():
            program = pytester.path / name
            program.write_text(f"#!/bin/sh\nexit {code}\n")
            program.chmod(0o755)
        monkeypatch.setenv("PATH", str(pytester.path))
        monkeypatch.setenv("RL_CREDIT_REQUIRE", required)
        pytester.makeconftest(CONFTEST)
        pytester.makepyfile(TESTS)
        return pytester.runpytest("-rs")

    return run


def test_runs_everything_where_all_is_there(machine):
    result = machine("java,chromium", java=0, chromium=0, chromedriver=0)
    result.assert_outcomes(passed=3)


def test_any_name_of_the_browser_will_do(machine):
    result = machine("chromium", **{"google-chrome": 0}, chromedriver=0)
    result.assert_outcomes(passed=2, skipped=1)


def test_skips_and_says_what_is_missing(machine):
    result = machine(chromium=0)
    result.assert_outcomes(passed=1, skipped=2)
    result.stdout.fnmatch_lines_random(
        ["*no working java on PATH*", "*no working chromedriver on PATH*"]
    )


def test_a_program_that_does_not_work_is_missing(machine):
    machine(java=1).assert_outcomes(passed=1, skipped=2)


def test_fails_when_required(machine):
    result = machine("java", chromium=0, chromedriver=0)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*no working java on PATH, and *_REQUIRE=java"])


def test_refuses_a_requirement_it_does_not_know(machine):
    result = machine("jvaa")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*REQUIRE names jvaa; known: chromium, java"])
