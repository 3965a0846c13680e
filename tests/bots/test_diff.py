"""The comparison of two prompts tells every line of both."""

from hypothesis import given
from hypothesis import strategies as st

from saasbot.domain.bots.diff import DiffRow, diff_texts


def test_a_changed_line_shows_the_old_before_the_new() -> None:
    assert diff_texts("Saluda.\nSé breve.\nFin.", "Saluda.\nSé amable.\nFin.") == [
        DiffRow("same", 1, 1, "Saluda."),
        DiffRow("removed", 2, 0, "Sé breve."),
        DiffRow("added", 0, 2, "Sé amable."),
        DiffRow("same", 3, 3, "Fin."),
    ]


def test_an_empty_text_becomes_only_additions() -> None:
    assert diff_texts("", "a\nb") == [DiffRow("added", 0, 1, "a"), DiffRow("added", 0, 2, "b")]


@given(st.lists(st.sampled_from(["a", "b", "", "c"])), st.lists(st.sampled_from(["a", "b", "", "d"])))
def test_both_texts_can_be_read_back_from_the_rows(old: list[str], new: list[str]) -> None:
    rows = diff_texts("\n".join(old), "\n".join(new))
    assert [row.text for row in rows if row.kind != "added"] == "\n".join(old).splitlines()
    assert [row.text for row in rows if row.kind != "removed"] == "\n".join(new).splitlines()
    assert [row.old_number for row in rows if row.old_number] == list(range(1, len("\n".join(old).splitlines()) + 1))
