"""The viewer's pages in headless Chromium: clicks, keys, and what there is to see."""

import pytest
from PIL import Image

from tests.analysis import viewer_pages as pages
from tests.analysis.viewer_browser import Reader, started

pytestmark = pytest.mark.chromium
IN_VIEW = """
    const one = document.querySelector("{}"), box = one.getBoundingClientRect();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    return one.contains(document.elementFromPoint(x, y));
"""
SIZES = {"wide": (1440, 900), "medium": (1000, 800), "narrow": (390, 1400)}


@pytest.fixture(scope="module")
def driver():
    """The one browser that all tests share."""
    browser = started()
    yield browser
    browser.quit()


@pytest.fixture
def reader(driver):
    """Who reads; a page that complains or asks for anything fails the test."""
    driver.get("about:blank")
    reader = Reader(driver)
    reader.complaints()
    yield reader
    assert reader.complaints() == []


@pytest.fixture
def walks(reader, tmp_path):
    """The page of episodes in a corridor, opened."""
    reader.open(pages.walks(), tmp_path)
    return reader


@pytest.fixture
def tree(reader, tmp_path):
    """The page of a tree of tokens, opened."""
    reader.open(pages.tree(), tmp_path)
    return reader


def test_the_first_trajectory_is_shown_with_the_numbers_of_every_method(walks):
    assert walks.now() == ("there and back", "Step 1 of 5")
    heads = walks.texts(".steps thead th")
    assert heads[-3:] == ["exact advantage", "grpo", "gigpo"]
    second = walks.texts(".steps [data-step='1'] td")
    assert second[1:5] == ["cell 1", "l", "\u00d74", "0"]
    assert second[5:] == ["\u22120.200", "+0.50", "\u22120.50"]
    assert walks.texts(".list .return") == ["1", "1", "0", "\u22120.5"]
    assert walks.texts("h1") == ["Walks"]


def test_what_others_wrote_is_text_and_nothing_else(walks):
    walks.press("arrow_down", "arrow_down", "arrow_down")
    assert walks.now()[0] == pages.NASTY
    assert pages.NASTY in walks.texts(".list .name")
    assert len(walks.all("script")) == 2


def test_keys_step_through_time_and_trajectories(walks):
    walks.press("arrow_right", "arrow_right")
    assert walks.now()[1] == "Step 3 of 5"
    walks.press("arrow_left")
    assert walks.now()[1] == "Step 2 of 5"
    walks.press("end", "arrow_right")
    assert walks.now()[1] == "Step 5 of 5"
    walks.press("home", "arrow_left", "arrow_up")
    assert walks.now() == ("there and back", "Step 1 of 5")
    walks.press("arrow_down")
    assert walks.now()[0] == "straight"
    chosen = walks.texts(".list [aria-selected=true] .name")
    assert chosen == ["straight"]


def test_clicks_choose_trajectories_and_steps(walks):
    walks.click(".list [data-trajectory='2']")
    assert walks.now() == ("lost", "Step 1 of 4")
    walks.click(".steps [data-step='3']")
    assert walks.now()[1] == "Step 4 of 4"
    walks.click(".strip-row[data-series='1'] rect:nth-of-type(2)")
    assert walks.now()[1] == "Step 2 of 4"
    assert len(walks.all(".steps tr[aria-current=step]")) == 1


def test_each_step_has_its_own_frame(walks):
    first = walks.one("aside img").get_attribute("src")
    walks.press("arrow_right")
    second = walks.one("aside img").get_attribute("src")
    walks.press("arrow_right")
    assert first == walks.one("aside img").get_attribute("src") != second
    assert walks.run("return document.querySelector('aside img').naturalWidth") == 32


def test_steps_of_one_state_are_listed_and_lead_to_each_other(walks):
    assert walks.texts("aside .same h3") == ["Same state, same group: 6 steps"]
    rows = walks.texts("aside .same li .line")
    told = [("there and back", 1, "r"), ("there and back", 3, "r")]
    told += [("straight", 1, "r"), *(("lost", n, "l") for n in (1, 2, 4))]
    assert rows == [f"{title}step {n}{did}" for title, n, did in told]
    values = walks.texts("aside .same li:nth-child(4) .chip")
    assert values == ["\u22120.100", "\u22121.00", "\u22122.00"]
    walks.click("aside .same li:nth-child(6)")
    assert walks.now() == ("lost", "Step 4 of 4")
    walks.press("a")  # after the last comes the first
    assert walks.now() == ("there and back", "Step 1 of 5")
    walks.press("a")
    assert walks.now() == ("there and back", "Step 3 of 5")
    again = [row.get_attribute("data-step") for row in walks.all(".steps .again")]
    assert again == ["0"]


def test_states_of_other_groups_are_other_states(walks):
    walks.click(".list [data-trajectory='3']")
    assert "No other step" in walks.texts("aside .same")[0]


def test_columns_are_hidden_and_shown_by_click_and_key(walks):
    walks.click("button[data-series='1']")
    assert walks.texts(".steps thead th")[-2:] == ["exact advantage", "gigpo"]
    assert len(walks.all(".strip-row")) == len(walks.all(".curve")) == 2
    assert walks.one("button[aria-pressed=false]").text == "grpo"
    walks.press("2", "1")
    assert walks.texts(".steps thead th")[-2:] == ["grpo", "gigpo"]
    walks.press("2", "3", "9")
    assert walks.all(".strip-row") == []
    walks.press("1", "2", "3")
    assert len(walks.all(".strip-row")) == 3


def strengths(reader):
    """How strong the colours of the first step are: the root of credit's share."""
    script = "return [...document.querySelectorAll(\"[data-step='0'] td.credit\")]"
    found = reader.run(f"{script}.map(e => e.style.getPropertyValue('--much'))")
    return [pytest.approx(float(text) ** 2, abs=2e-3) for text in found]


def test_scales_are_own_or_common(walks):
    walks.click(".list [data-trajectory='2']")
    assert strengths(walks) == [0.5, 1.0, 1.0]
    walks.press("s")
    assert strengths(walks) == [0.05, 0.5, 1.0]
    assert walks.texts(".legend .end") == ["(2)"]
    walks.press("3")
    assert strengths(walks) == [0.1, 1.0]
    walks.click("[data-scale='own']")
    assert strengths(walks) == [0.5, 1.0]


def test_a_page_that_asked_for_another_file_would_be_noticed(reader, tmp_path):
    path = tmp_path / "page.html"
    path.write_text('<img src="http://127.0.0.1:9/a.png"><script>nothing()</script>')
    reader.driver.get(path.as_uri())
    said = reader.complaints()
    assert "http://127.0.0.1:9/a.png" in said
    assert any("nothing is not defined" in line for line in said)


@pytest.mark.parametrize("dark", [False, True])
def test_good_is_blue_bad_is_orange_and_nothing_has_no_colour(walks, dark):
    walks.see(1440, 900, dark=dark)
    cell = ".steps [data-step='{}'] [data-series='2']"
    walks.click(".list [data-trajectory='1']")
    good = walks.hue(cell.format(1))
    walks.click(".list [data-trajectory='2']")
    bad = walks.hue(cell.format(1))
    walks.click(".list [data-trajectory='3']")
    neutral = walks.hue(cell.format(0))
    assert 0.5 < good[0] < 0.7 and good[1] > 0.3
    assert 0.02 < bad[0] < 0.13 and bad[1] > 0.5
    assert neutral[1] < 0.25


def test_the_list_is_filtered_and_sorted(walks):
    names = ".list .name"
    order = walks.one("[name=order]")
    order.send_keys("lowest")
    assert walks.texts(names)[:2] == [pages.NASTY, "lost"]
    walks.one("[name=group]").send_keys("corr")
    assert walks.texts(names) == ["lost", "there and back", "straight"]
    walks.one("[name=least]").send_keys("0.5")
    assert walks.texts(names) == ["there and back", "straight"]
    assert walks.texts(".count") == ["2 of 4"]
    walks.press("/")
    walks.driver.switch_to.active_element.send_keys("straight")
    assert walks.texts(names) == ["straight"]
    assert walks.now()[0] == "there and back"  # letters in a field choose nothing
    walks.driver.switch_to.active_element.send_keys("\ue00c")  # Escape
    walks.press("arrow_down")
    assert walks.now()[0] == "straight"


def test_a_tree_is_drawn_and_leads_to_its_nodes(tree):
    assert tree.texts(".node title")[0].startswith("root: mean spo_tree: 0")
    assert len(tree.all(".node")) == 5 and len(tree.all(".edge")) == 4
    assert sorted(tree.texts(".node .paid")) == ["0", "0", "1"]
    tree.click(".node[data-trajectory='3']")
    assert tree.now() == ("left up", "Step 1 of 1")
    assert tree.texts(".node[aria-current] title") == ["left up: mean spo_tree: +1"]
    tree.press("p")
    assert tree.now()[0] == "left"
    tree.click(".meta [data-trajectory='4']")
    assert tree.now()[0] == "left down"
    tree.press("p", "p", "p")
    assert tree.now()[0] == "root"
    tree.press("c")
    assert tree.now()[0] == "left"
    good, bad = (tree.hue(f".node[data-trajectory='{n}'] rect") for n in (3, 4))
    assert 0.5 < good[0] < 0.7 and 0.02 < bad[0] < 0.13


def test_tokens_are_running_text_and_masked_ones_have_no_colour(tree):
    assert tree.texts(".steps p") == ["Which way out?\nLet me see"]
    first, second = tree.all(".steps .token")[:2]
    assert "masked" in first.get_attribute("class")
    assert "masked" in first.get_attribute("title")
    assert "masked" not in second.get_attribute("class")
    assert "masked: not the agent's" in tree.texts("aside dd")
    tree.click(".steps .token:nth-of-type(3)")
    assert tree.now()[1] == "Step 3 of 4"
    tree.press("v")
    assert tree.texts(".steps tbody .saw") == ["Which way out?\n", "Let", " me", " see"]


def test_pages_in_one_notebook_do_not_meet(reader, tmp_path):
    cells = [pages.walks()._repr_html_(), pages.tree()._repr_html_()]
    text = "<!doctype html><meta charset=utf-8>" + "<hr>".join(cells)
    (tmp_path / "notebook.html").write_text(text, encoding="utf-8")
    reader.see(1200, 1700)
    reader.driver.get((tmp_path / "notebook.html").as_uri())
    for cell, first, after in zip(
        reader.all("iframe"), ("there and back", "root"), ("straight", "left")
    ):
        reader.driver.switch_to.frame(cell)
        assert reader.now()[0] == first
        reader.click("h1")  # else keys are the notebook's
        reader.press("arrow_down")
        assert reader.now()[0] == after
        reader.driver.switch_to.default_content()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_fit_windows_of_all_sizes(walks, tmp_path, size, dark):
    width, height = SIZES[size]
    walks.see(width, height, dark=dark)
    walks.press("arrow_right")
    path = tmp_path / f"{size}.png"
    assert walks.driver.save_screenshot(str(path))
    with Image.open(path) as image:
        assert image.size == (width, height)
        lightness = image.convert("L").resize((1, 1)).getpixel((0, 0))
    assert (lightness < 80) if dark else (lightness > 180)
    assert walks.run("return document.documentElement.scrollWidth") <= width
    for part in ("header", "nav", ".overview svg", ".steps", "aside", "footer"):
        box = walks.one(part).rect
        assert box["width"] > 0 and 0 <= box["x"] <= width - box["width"] + 1, part


def test_two_hundred_trajectories_are_stepped_through(reader, tmp_path):
    page = pages.many()
    assert len(page.html) < 2_000_000
    reader.open(page, tmp_path)
    assert len(reader.all(".list li")) == 200
    assert len(reader.all(".steps tbody tr")) == 30  # of the one that is chosen
    reader.press(*["arrow_down"] * 120, *["arrow_right"] * 20)
    assert reader.now() == ("attempt 120", "Step 21 of 30")
    for now in (".list [aria-selected=true]", ".steps [aria-current]", ".overview"):
        assert reader.run(IN_VIEW.format(now)), now
    reader.press("a")
    assert "Same state" in reader.texts("aside .same h3")[0]
