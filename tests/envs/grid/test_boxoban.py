"""The reader of Boxoban files: what it reads, and what it says of a bad one."""

import pytest

from rl_credit.envs.grid import boxoban, sokoban_levels

LEVEL = """\
##########
#@ #######
#.$#######
#   ######
#.$ ######
#  #######
# $ ######
#$ . #####
# .  #####
##########"""
FILE = f"; 0\n{LEVEL}\n\n; 1\n{LEVEL}\n"


@pytest.fixture
def written(tmp_path):
    """Writes a file of levels; returns its path."""

    def write(text, name="levels.txt"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_a_file_gives_its_levels(written):
    levels = list(boxoban.read(written(FILE)))
    assert levels == [LEVEL.splitlines()] * 2
    loaded = sokoban_levels.load(str(written(FILE)))
    assert len(loaded) == 2 and loaded.name == "10x10/4"
    assert loaded.boxes[0].tolist() == [22, 42, 62, 71] and loaded.players[0] == 11


def test_line_ends_of_windows_and_no_last_line_end_are_read_too(written):
    text = FILE.replace("\n", "\r\n").rstrip()
    assert list(boxoban.read(written(text))) == [LEVEL.splitlines()] * 2


def test_a_directory_gives_its_files_in_order_of_name(written, tmp_path):
    other = LEVEL.replace("#@ #", "# @#")
    written(f"; 0\n{other}\n", "001.txt")
    written(FILE, "000.txt")
    written("not a level", "README.md")
    levels = list(boxoban.read(tmp_path))
    assert levels == [LEVEL.splitlines()] * 2 + [other.splitlines()]


@pytest.mark.parametrize(
    "before, after, line, expected",
    [
        ("; 1", "1", 13, "a line '; <index>' above a level"),
        ("#   ######", "#   #####", 5, "10 symbols"),
        ("#.$#######", "#.*#######", 4, "10 symbols"),
        ("#  #######", "#  #### ##\n# #", 8, "10 symbols"),
        ("# .  #####", "# .  #### ", 10, "walls all around"),
        ("##########\n#@", "#### #####\n#@", 2, "walls all around"),
        ("#@ #######", "#@@#######", 1, "with 1 '@', 4 '$' and 4 '.'"),
        ("#.$#######", "# $#######", 1, "with 1 '@', 4 '$' and 4 '.'"),
    ],
)
def test_a_fault_is_named_by_file_and_line(written, before, after, line, expected):
    path = written(FILE.replace(before, after, 1))
    with pytest.raises(ValueError) as raised:
        list(boxoban.read(path))
    assert f"{path}, line {line}: " in str(raised.value)
    assert expected in str(raised.value)


def test_a_file_that_ends_in_a_level_is_named(written):
    path = written(FILE.rstrip().rpartition("\n")[0])
    with pytest.raises(ValueError, match="line 13: .* expected 10 rows"):
        list(boxoban.read(path))


def test_a_file_without_levels_and_a_directory_without_files(written, tmp_path):
    with pytest.raises(ValueError, match="has no .txt file"):
        list(boxoban.read(tmp_path))
    with pytest.raises(ValueError, match="is empty"):
        list(boxoban.read(written("\n\n")))
