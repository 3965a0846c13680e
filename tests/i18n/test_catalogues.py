"""Both languages are complete, and nothing is left over."""

import textwrap
from pathlib import Path

import pytest

from saasbot.infra import i18n
from tests.i18n.source_texts import PLACEHOLDER, Opaque, Text, texts

FOUND = list(texts())
TEXTS = [text for text in FOUND if isinstance(text, Text)]


def test_every_text_is_a_literal() -> None:
    opaque = [f"{text.where}: {text.code}" for text in FOUND if isinstance(text, Opaque)]
    assert not opaque, "not a literal, so nobody can translate it:\n" + "\n".join(opaque)


def test_every_text_is_in_spanish() -> None:
    spanish = i18n.catalogue("es")
    missing = sorted({f"{t.where}: {t.message!r}" for t in TEXTS if t.needs_translation and t.key not in spanish})
    assert not missing, "missing in saasbot/locales/es:\n" + "\n".join(missing)


def test_no_spanish_text_is_unused() -> None:
    unused = set(i18n.catalogue("es")) - {text.key for text in TEXTS}
    assert not unused, f"nobody uses: {sorted(message for _, message in unused)}"


def test_a_translation_has_the_placeholders_of_its_text() -> None:
    wrong = [
        message
        for (_, message), spanish in i18n.catalogue("es").items()
        if set(PLACEHOLDER.findall(message)) != set(PLACEHOLDER.findall(spanish))
    ]
    assert not wrong


def test_every_placeholder_is_filled() -> None:
    wrong = [
        f"{text.where}: {text.message!r} is given {sorted(text.given)}"
        for text in TEXTS
        if text.given is not None and text.given != text.placeholders
    ]
    assert not wrong, "\n".join(wrong)


def test_no_two_files_disagree() -> None:
    seen: dict[tuple[str | None, str], str] = {}
    for name, entries in i18n.catalogue_files("es").items():
        for key, spanish in entries.items():
            assert seen.setdefault(key, spanish) == spanish, f"{name} translates {key[1]!r} differently"


def test_no_file_translates_a_text_twice() -> None:
    for path in sorted((i18n.LOCALES_DIR / "es").glob("*.po")):
        messages = [line for line in path.read_text().splitlines() if line.startswith("msgid ")]
        assert len(messages) == len(set(messages)), path.name


@pytest.mark.parametrize(
    ("source", "messages"),
    [
        ('t("Send")', ["Send"]),
        ('tn("{n} message", "{n} messages", count)', ["{n} message", "{n} messages"]),
        ('i18n.gettext(locale, "Saved")', ["Saved"]),
        ('raise InvalidInput("email", "No address.")', ["No address."]),
        (
            'class Gone(AppError):\n    message = "It is gone."\nclass Lost(Gone):\n    message = "Lost."',
            ["It is gone.", "Lost."],
        ),
        ('class Row:\n    message = "data"', []),
    ],
)
def test_texts_are_found_by_syntax(tmp_path: Path, source: str, messages: list[str]) -> None:
    (tmp_path / "module.py").write_text(textwrap.dedent(source))
    assert [text.message for text in texts(tmp_path) if isinstance(text, Text)] == messages
