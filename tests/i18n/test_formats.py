"""Money, times and languages as a reader expects them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from saasbot.infra import i18n
from saasbot.infra.errors import AppError, InvalidInput, NotFound

BUENOS_AIRES = ZoneInfo("America/Argentina/Buenos_Aires")
NOW = datetime(2026, 11, 20, 13, 34, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "shown"),
    [
        (4599000, "ARS", "es", "$\u00a045.990"),
        (4599050, "ARS", "es", "$\u00a045.990,50"),
        (1999, "USD", "en", "$19.99"),
        (2000, "USD", "en", "$20"),
        (-2000, "USD", "en", "-$20"),
        (990, "CLP", "es", "$\u00a0990"),
        (4599050, "MXN", "es", "$\u00a045,990.50"),
        (1999, "USD", "es", "US$\u00a019,99"),
        (990, "CLP", "en", "CLP\u00a0990"),
        (0, "USD", "en", "$0"),
    ],
)
def test_money_shows_cents_only_when_there_are_any(minor: int, currency: str, locale: str, shown: str) -> None:
    assert i18n.format_money(minor, currency, locale) == shown


@pytest.mark.parametrize(
    ("chosen", "accepts", "locale"),
    [
        (None, "en-US,en;q=0.9", "en"),
        (None, "es-AR,es;q=0.9,en;q=0.8", "es"),
        (None, "fr-FR,en;q=0.5,es;q=0.9", "es"),
        (None, "de", "es"),
        (None, None, "es"),
        (None, "en;q=0,es", "es"),
        (None, "en;q=nonsense", "es"),
        ("en", "es-AR", "en"),
        ("xx", "en", "en"),
    ],
)
def test_a_choice_beats_the_browser_and_spanish_is_last(chosen: str | None, accepts: str | None, locale: str) -> None:
    assert i18n.negotiate(chosen, accepts) == locale


def test_a_row_shows_the_hour_today_then_yesterday_then_the_date() -> None:
    def when(days: int, locale: str) -> str:
        return i18n.format_when(NOW - timedelta(days=days), BUENOS_AIRES, locale, now=NOW)

    assert [when(days, "es") for days in (0, 1, 17, 400)] == ["10:34", "ayer", "3 nov", "16 oct 2025"]
    assert [when(days, "en") for days in (0, 1, 17)] == ["10:34 AM", "yesterday", "Nov 3"]


def test_the_day_is_the_reader_s_not_the_server_s() -> None:
    late = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
    assert i18n.format_day(late, BUENOS_AIRES, "es", now=NOW) == "Ayer"
    assert i18n.format_day(late, ZoneInfo("UTC"), "es", now=NOW) == "Hoy"


def test_how_long_ago_is_one_short_unit() -> None:
    assert i18n.format_ago(NOW - timedelta(seconds=12), "es", now=NOW) == "hace 12 s"
    assert i18n.format_ago(NOW - timedelta(hours=3), "en", now=NOW) == "3 h ago"


def test_an_error_is_a_sentence_in_the_reader_s_language() -> None:
    assert i18n.error_text("es", NotFound()) == "Eso no existe o no es tuyo."
    assert i18n.error_text("en", NotFound()) == "That does not exist or is not yours."
    error = InvalidInput("text", "WhatsApp takes at most {limit} characters.", limit=4096)
    assert i18n.error_text("es", error) == "WhatsApp acepta hasta 4096 caracteres."
    assert error.sentence == "WhatsApp takes at most 4096 characters."


def test_an_unknown_text_stays_english() -> None:
    class Odd(AppError):
        message = "Nobody translated {thing}."

    assert i18n.error_text("es", Odd(thing="this")) == "Nobody translated this."
