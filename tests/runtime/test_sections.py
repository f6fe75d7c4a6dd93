"""Sections of a config that become dataclasses."""

import dataclasses
from typing import Any, Optional

import ml_collections
import pytest
from ml_collections import config_dict

from rl_credit.runtime.errors import UserError
from rl_credit.runtime.sections import plain, sections


@dataclasses.dataclass(frozen=True)
class Inner:
    name: str
    width: int = 3

    def __post_init__(self):
        if self.width < 1:
            raise ValueError(f"width is {self.width}; it must be at least 1")


@dataclasses.dataclass(frozen=True)
class Outer:
    rate: float
    steps: int
    nesterov: bool
    clips: tuple[float, ...]
    pair: tuple[str, int]
    anything: tuple
    limit: int | None
    note: Optional[str]
    options: dict[str, Any]
    weights: dict[str, float]
    inner: Inner
    other: Inner | None
    derived: int = dataclasses.field(default=7, init=False)


VALUES = dict(
    rate=1,
    steps=2,
    nesterov=True,
    clips=[1, 0.5],
    pair=["a", 1],
    anything=(1, "b"),
    limit=None,
    note="x",
    options=dict(a=dict(b=1)),
    weights=dict(a=1),
    inner=dict(name="i", width=2),
    other=None,
)
EXPECTED = Outer(
    rate=1.0,
    steps=2,
    nesterov=True,
    clips=(1.0, 0.5),
    pair=("a", 1),
    anything=(1, "b"),
    limit=None,
    note="x",
    options={"a": {"b": 1}},
    weights={"a": 1.0},
    inner=Inner(name="i", width=2),
    other=None,
)


@pytest.mark.parametrize("kind", [dict, ml_collections.ConfigDict])
def test_a_config_becomes_its_dataclass(kind):
    built = sections(Outer, kind(VALUES))
    assert built == EXPECTED
    assert type(built.rate) is float and type(built.clips) is tuple
    assert [type(clip) for clip in built.clips] == [float, float]
    assert type(built.weights["a"]) is float
    assert type(built.options) is dict and type(built.options["a"]) is dict


def test_fields_that_may_be_none_may_be_something():
    given = VALUES | dict(limit=5, note=None, other=dict(name="o", width=1))
    built = sections(Outer, ml_collections.ConfigDict(given))
    assert (built.limit, built.note, built.other) == (5, None, Inner("o", 1))


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(rate=True), "config.rate is True (bool); it must be float"),
        (dict(rate="1"), "config.rate is '1' (str); it must be float"),
        (dict(steps=2.0), "config.steps is 2.0 (float); it must be int"),
        (dict(steps=True), "config.steps is True (bool); it must be int"),
        (dict(nesterov=1), "config.nesterov is 1 (int); it must be bool"),
        (dict(steps=None), "config.steps is None (NoneType); it must be int"),
        (dict(limit="5"), "config.limit is '5' (str); it must be int | None"),
        (dict(clips=0.2), "config.clips is 0.2 (float); it must be tuple[float, ...]"),
        (dict(clips=(0.2, "x")), "config.clips[1] is 'x' (str); it must be float"),
        (dict(pair=("a",)), "config.pair is ('a',); it must have 2 entries"),
        (dict(pair=(1, 1)), "config.pair[0] is 1 (int); it must be str"),
        (dict(weights=dict(a="b")), "config.weights.a is 'b' (str); it must be float"),
        (dict(weights=3), "config.weights is 3 (int); it must be dict[str, float]"),
        (dict(inner=3), "config.inner is 3 (int); it must be Inner"),
        (
            dict(inner=dict(nmae="i", width=2)),
            "config.inner: unknown field 'nmae'; did you mean 'name'? "
            "(known: name, width)",
        ),
        (
            dict(inner=dict(name="i")),
            "config.inner lacks 'width' (int); it has name",
        ),
        (dict(inner={}), "config.inner lacks 'name' (str); it has nothing"),
        (
            dict(inner=dict(name="i", width=0)),
            "config.inner: width is 0; it must be at least 1",
        ),
        (
            dict(other=dict(name="i", width="2")),
            "config.other.width is '2' (str); it must be int",
        ),
        (
            dict(derived=3),
            "config: unknown field 'derived' (known: anything, clips, inner, limit, "
            "nesterov, note, options, other, pair, rate, steps, weights)",
        ),
    ],
)
def test_a_wrong_entry_is_named_with_its_section(changes, message):
    for kind in (dict, ml_collections.ConfigDict):
        with pytest.raises(UserError) as raised:
            sections(Outer, kind(VALUES | changes))
        assert str(raised.value) == message


def test_the_path_of_the_section_can_be_named():
    with pytest.raises(ValueError, match=r"^config\.model lacks 'name' \(str\)"):
        sections(Inner, dict(width=1), "config.model")


def test_a_field_that_no_config_can_hold_is_a_bug():
    holder = dataclasses.make_dataclass("Holder", [("sizes", list[int])])
    with pytest.raises(TypeError, match=r"list\[int\] cannot be read from a config"):
        sections(holder, dict(sizes=[1]))


def test_plain_data_has_no_config_dicts_left():
    entry = ml_collections.ConfigDict(dict(b=(1, config_dict.placeholder(int))))
    given = ml_collections.ConfigDict(dict(a=dict(c=[1]), t=(entry,)))
    found = plain(given)
    assert found == {"a": {"c": [1]}, "t": ({"b": (1, None)},)}
    assert type(found["a"]) is dict and type(found["t"][0]) is dict
