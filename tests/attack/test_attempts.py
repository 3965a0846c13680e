"""The numbered attempts: without a gap, each with one sentence, some of every kind, and their page says the same."""

import re
from collections import Counter

from tests.attack.attempts import GROUPS, PAPER, document, numbered

FEWEST = 80


def test_the_numbers_have_no_gap_and_no_number_is_given_twice():
    numbers = [one.number for one in numbered()]
    assert len(numbers) >= FEWEST
    assert numbers == list(range(1, len(numbers) + 1)), "see tests/attack/attempts.py for the next one"


def test_every_group_has_some_and_there_is_no_other():
    assert Counter(one.group for one in numbered()).keys() == GROUPS.keys()


def test_each_is_told_in_one_sentence_of_its_own():
    sentences = [one.sentence for one in numbered()]
    assert len(set(sentences)) == len(sentences)
    assert [s for s in sentences if not re.fullmatch(r"[A-Z“].{20,140}\.", s) or ". " in s or "|" in s] == []


def test_the_page_of_attacks_is_what_the_tests_say():
    """`python -m tests.attack.attempts` writes it."""
    assert PAPER.read_text(encoding="utf-8") == document(numbered())
