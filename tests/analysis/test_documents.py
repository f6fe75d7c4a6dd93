"""Markdown that programs write leaves alone what people wrote."""

from rl_credit.analysis import documents


def test_a_table_is_rows_under_a_head():
    found = documents.table(["", "b"], [["1", "2"], ["3", ""]])
    assert found == "|  | b |\n|---|---|\n| 1 | 2 |\n| 3 |  |"
    assert documents.row("a") == "| a |"


def test_a_text_comes_last_and_then_takes_its_own_place():
    first = documents.placed("# Title\n\nWords.\n\n", "a", "one\ntwo")
    assert first == (
        "# Title\n\nWords.\n\n## a\n\n"
        "<!-- a: begin -->\none\ntwo\n<!-- a: end -->\n"
    )
    both = documents.placed(first, "b", "other") + "\nSaid by a person.\n"
    again = documents.placed(both, "a", r"new \1 \g<0>")
    assert again == both.replace("one\ntwo", r"new \1 \g<0>")
    assert documents.placed(again, "b", "other") == again


def test_a_name_that_begins_like_another_has_marks_of_its_own():
    long = documents.placed("", "fidelity_quick", "quick")
    both = documents.placed(long, "fidelity", "full")
    assert documents.placed(both, "fidelity", "anew") == both.replace("full", "anew")
    assert "quick" in both
