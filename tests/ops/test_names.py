import pytest

from rl_credit.ops import names


@pytest.mark.parametrize(
    "name, nearest",
    [("gigop", "gigpo"), ("GRPO", "grpo"), ("llama3", "Llama"), (7, None)],
)
def test_the_nearest_name_is_offered_only_when_one_is_near(name, nearest):
    said = names.unknown("method", name, ["grpo", "gigpo", "Llama"])
    assert said.startswith(f"unknown method {name!r}")
    assert said.endswith("(known: Llama, gigpo, grpo)")
    assert ("did you mean" in said) == (nearest is not None)
    assert nearest is None or f"did you mean {nearest!r}?" in said


def test_nothing_known_is_said_so():
    assert names.suggestion("anything", []) == " (known: none)"
