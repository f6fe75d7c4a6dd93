"""The viewer's file: what is in it, what it refuses, and that it needs no other."""

import base64
import html
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rl_credit.analysis.viewer import Step, Trajectory, document, frames, page
from tests.analysis import viewer_pages as pages
from tests.analysis.viewer_pages import NASTY, written

PARTS = Path(document.__file__).parent / "parts"


def row(*texts, **fields):
    """A trajectory of these texts."""
    return Trajectory("a", "b", [Step(text, **fields) for text in texts])


def test_the_page_holds_what_it_was_given():
    data = written(pages.walks())
    assert [one["name"] for one in data["series"]] == ["exact", "grpo", "gigpo"]
    assert [one["exact"] for one in data["series"]] == [True, False, False]
    assert data["groups"] == ["corridor", "elsewhere"]
    first = data["trajectories"][0]
    told = [data["texts"][number] for number in first["text"]]
    assert told == [f"cell {place}" for place in (0, 1, 0, 1, 2)]
    assert "".join(data["texts"][number] for number in first["action"]) == "rlrrr"
    assert first["credit"][2] == [0.25, -0.5, 0.25, 0.5, 2]
    assert first["reward"] == [0, 0, 0, 0, 1]
    assert [one["group"] for one in data["trajectories"]] == [0, 0, 0, 1]


def test_equal_anchors_are_one_state_only_within_their_group():
    anchors = [one["anchor"] for one in written(pages.walks())["trajectories"]]
    assert anchors[0] == [0, 1, 0, 1, 2] and anchors[1] == [0, 1, 2]
    assert not set(anchors[3]) & set(anchors[0])
    assert written(page([row("x", "y")], {}))["trajectories"][0]["anchor"] == [-1, -1]


def test_equal_texts_and_frames_are_written_once():
    data = written(pages.walks())
    assert len(data["frames"]) == 3
    assert [one["frame"] for one in data["trajectories"]][0] == [0, 1, 0, 1, 2]
    assert len(set(data["texts"])) == len(data["texts"])


def test_whatever_a_text_says_the_file_is_whole():
    title = f"/* data */ <!-- title --> {NASTY}"
    rows = [Trajectory(NASTY, NASTY, [Step(NASTY, NASTY, anchor=NASTY)])]
    made = page(rows, {NASTY: [[1.0]]}, title=title)
    assert made.html.count("</script>") == 2
    assert made.html.count("<script") == 2
    data = written(made)
    assert data["title"] == title and data["texts"] == [NASTY]
    assert data["groups"] == [data["series"][0]["name"]] == [NASTY]
    head = re.search("<title>(.*?)</title>", made.html, re.S)[1]
    assert html.unescape(head) == title and "<" not in head


def test_the_file_asks_for_no_other(tmp_path):
    made = pages.walks()
    path = made.save(tmp_path / "new" / "credit.html")
    text = path.read_text(encoding="utf-8")
    assert text == made.html
    addresses = set(re.findall(r"\w+://[^\s\"'<]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, which nobody fetches
    assert not re.search(r"@import|url\(|<link[^>]+stylesheet|\bsrc=", text)
    assert "default-src 'none'" in text


def test_half_a_character_can_be_saved(tmp_path):
    made = page([row("\ud83d")], {"a": [[0.0]]}, title="\ud83d")
    assert written(made)["texts"] == ["\ud83d"]
    assert made.save(tmp_path / "half.html").stat().st_size > 0


def test_a_notebook_shows_the_page_in_a_frame_of_its_own():
    made = pages.walks()
    shown = made._repr_html_()
    assert shown.startswith("<iframe") and 'sandbox="allow-scripts"' in shown
    inside = re.search('srcdoc="(.*?)"', shown, re.S)[1]
    assert html.unescape(inside) == made.html


def test_every_part_is_in_the_page():
    scripts, styles = sorted(PARTS.glob("*.js")), sorted(PARTS.glob("*.css"))
    assert [path.stem for path in scripts] == sorted(document.SCRIPTS)
    assert [path.stem for path in styles] == sorted(document.STYLES)
    text = pages.tree().html
    for path in scripts + styles:
        assert path.read_text() in text, path
    assert "/* script */" not in text and "/* style */" not in text


def test_credit_of_masked_steps_is_not_read():
    steps = [Step("a", trained=False), Step("b")]
    made = page([Trajectory("t", "g", steps)], {"m": [[np.nan, 0.12345678]]})
    assert written(made)["trajectories"][0]["credit"] == [[None, 0.123457]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["grpo", "exact"])
def test_credit_that_is_not_finite_is_refused_by_name_and_place(name, value):
    rows = [row("a"), row("a", "b", "c")]
    wrong = [[0.0], [0.0, 1.0, value]]
    credit, exact = ({}, wrong) if name == "exact" else ({name: wrong}, None)
    said = rf"'{name}' is {value} in step 2 of trajectory 1 \('a'\).*trained=False"
    with pytest.raises(ValueError, match=said):
        page(rows, credit, exact)


@pytest.mark.parametrize(
    "credit, said",
    [
        ({"m": [[0.0]]}, "'m' has 1 rows; there are 2 trajectories"),
        ({"m": [[0.0], [0.0]]}, r"shape \[1\] in trajectory 1 .* has 2 steps"),
        ({"exact": [[0.0], [0.0, 0.0]]}, "give that as exact="),
    ],
)
def test_credit_of_another_shape_is_refused(credit, said):
    with pytest.raises(ValueError, match=said):
        page([row("a"), row("a", "b")], credit)


def test_trajectories_that_cannot_be_shown_are_refused():
    with pytest.raises(ValueError, match="no trajectories"):
        page([], {})
    with pytest.raises(ValueError, match=r"reward of step 0 of trajectory 0 .* nan"):
        page([row("a", reward=np.nan)], {})
    for parent in (1, -1):
        child = Trajectory("child", "g", [], parent=parent)
        with pytest.raises(ValueError, match=f"'child'.* has the parent {parent}"):
            page([row("a"), child], {})


def decoded(address):
    """The picture in a data URI, and how it is encoded."""
    start, _, code = address.partition(",")
    assert start == "data:image/png;base64"
    image = Image.open(io.BytesIO(base64.b64decode(code)))
    return np.asarray(image.convert("RGB")), image.mode


@pytest.mark.parametrize("colours, mode", [(1, "P"), (256, "P"), (257, "RGB")])
def test_frames_are_kept_as_they_are(colours, mode):
    numbers = np.arange(20 * 30).reshape(20, 30) % colours
    frame = np.stack([numbers // 7, numbers % 251, numbers % 2], -1).astype(np.uint8)
    assert len(np.unique(frame.reshape(-1, 3), axis=0)) == colours
    (address,), places = frames.album([frame, None, frame.copy(), frame[::1]])
    assert places == [0, -1, 0, 0]
    found, kind = decoded(address)
    np.testing.assert_array_equal(found, frame)
    assert kind == mode


def test_frames_of_another_shape_are_others():
    flat = np.zeros((2, 8, 3), np.uint8)
    addresses, places = frames.album([flat, flat.reshape(4, 4, 3)])
    assert len(addresses) == 2 and places == [0, 1]


@pytest.mark.parametrize(
    "shape, dtype", [((0, 4, 3), "uint8"), ((4, 4, 4), "uint8"), ((4, 4, 3), "int32")]
)
def test_other_frames_are_refused(shape, dtype):
    with pytest.raises(ValueError, match=r"must be uint8\[height, width, 3\]"):
        frames.album([np.zeros(shape, dtype)])
