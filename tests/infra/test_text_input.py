"""Text from outside becomes storable, and costs what its length costs."""

import time
import unicodedata

from saasbot.infra.text_input import one_line, paragraphs, storable


def test_text_is_composed_and_without_what_cannot_be_stored():
    assert storable("cafe\u0301\x00 \ud800ñ\n\t") == "café ñ\n\t"
    assert storable("plain\x07 text") == "plain text"
    assert one_line("name", "  A\n b ", longest=9) == "A b"
    assert paragraphs("text", "a\r\nb\r", longest=9) == "a\nb"


def test_what_people_write_keeps_all_its_marks():
    for text in ("Việt Nam", "שָׁלוֹם", "क्षत्रिय", "👩‍👩‍👧‍👦", "Z̸̢͓̈́a̷̡͝l̴̙̓g̶̰̈́o̵̢̽"):
        assert storable(text) == unicodedata.normalize("NFC", text)


def test_a_long_run_of_marks_is_cut_and_costs_no_minute():
    began = time.process_time()
    kept = storable("a" + "\u0301\u0323" * 50_000 + "b" + "\u0301" * 40)
    assert time.process_time() - began < 2
    assert len(kept) < 70
    assert kept.endswith("\u0301")
    assert "b" in kept or "ḃ" in kept
