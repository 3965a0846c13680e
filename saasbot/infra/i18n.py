"""Texts, money and times in the reader's language.

English sentences in the code are the keys. `saasbot/locales/<locale>/*.po` hold the translations, one file per
capability, read together as one catalogue. English needs no catalogue.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from babel import Locale
from babel.core import negotiate_locale
from babel.dates import format_date as babel_date
from babel.dates import format_datetime
from babel.dates import format_time as babel_time
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, get_currency_precision, get_currency_symbol

from saasbot.infra.errors import AppError, InvalidInput

LocaleName = Literal["es", "en"]
SOURCE: LocaleName = "en"
DEFAULT: LocaleName = "es"
SUPPORTED: tuple[LocaleName, ...] = ("es", "en")
COOKIE = "locale"
LOCALES_DIR = Path(__file__).resolve().parent.parent / "locales"

# Neutral Latin American Spanish: 1.234,56 reads right in most of it, and "hoy 9:12" everywhere.
_BABEL: Mapping[str, str] = {"es": "es_AR", "en": "en_US"}
_HOURS: Mapping[str, str] = {"es": "H:mm", "en": "h:mm a"}
_HOME: Mapping[str, str] = {
    "CLP": "es_CL",
    "COP": "es_CO",
    "GTQ": "es_GT",
    "MXN": "es_MX",
    "PEN": "es_PE",
    "PYG": "es_PY",
    "UYU": "es_UY",
}
NO_BREAK = "\u00a0"


def supported(locale: str | None) -> LocaleName:
    """The locale itself when the product speaks it, else the default."""
    return cast(LocaleName, locale) if locale in SUPPORTED else DEFAULT


def negotiate(chosen: str | None, accept_language: str | None) -> LocaleName:
    """What a browser should read: the person's choice, else the best of `Accept-Language`, else Spanish."""
    if chosen in SUPPORTED:
        return cast(LocaleName, chosen)
    wanted = [tag for tag, _ in sorted(_weighted(accept_language or ""), key=lambda pair: -pair[1])]
    found = negotiate_locale(wanted, list(SUPPORTED), sep="-")
    return supported(found)


def _weighted(header: str) -> Iterable[tuple[str, float]]:
    for part in header.split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        if tag and weight > 0:
            yield tag, weight


@cache
def catalogue(locale: str) -> Mapping[tuple[str | None, str], str]:
    """Translations by (context, English). Empty for English. A test holds that no two files disagree."""
    merged: dict[tuple[str | None, str], str] = {}
    for entries in catalogue_files(locale).values():
        merged |= entries
    return merged


def catalogue_files(locale: str) -> Mapping[str, Mapping[tuple[str | None, str], str]]:
    """What each file of a locale translates, by file name."""
    return {path.name: _read(path) for path in sorted((LOCALES_DIR / locale).glob("*.po"))}


def _read(path: Path) -> Mapping[tuple[str | None, str], str]:
    with path.open("rb") as file:
        entries: Catalog = read_po(file)
    return {
        (entry.context, entry.id): entry.string
        for entry in entries
        if entry.id and isinstance(entry.id, str) and isinstance(entry.string, str) and entry.string
    }


def translate(locale: str, message: str, context: str | None = None) -> str:
    """The text with its placeholders still in it; the English itself when there is no translation."""
    if locale == SOURCE:
        return message
    return catalogue(locale).get((context, message), message)


def N_(message: str) -> str:
    """Marks a text that is translated later, where it is shown: `REASONS = {"banned": N_("…")}`."""
    return message


def gettext(locale: str, message: str, /, context: str | None = None, **params: object) -> str:
    """A text for a person. `{name}` in the message is filled from `params`."""
    text = translate(locale, message, context)
    return text.format(**params) if params else text


def error_text(locale: str, error: AppError) -> str:
    """The sentence of an error in the reader's language; moments in it are those of the zone that they came in."""
    if isinstance(error, InvalidInput):
        return gettext(locale, error.problem, **error.params)
    return gettext(locale, error.message, **{name: _spoken(value, locale) for name, value in error.details.items()})


def _spoken(value: Any, locale: str) -> Any:
    if isinstance(value, datetime):
        return format_ahead(value, value.tzinfo or UTC, locale, now=datetime.now(UTC))
    return value


def babel_locale(locale: str) -> Locale:
    """Number and date rules behind a product locale."""
    return Locale.parse(_BABEL[supported(locale)])


def home_locale(currency: str, locale: str) -> Locale:
    """The rules by which the reader expects amounts of this currency."""
    return Locale.parse(_HOME.get(currency, _BABEL["es"])) if supported(locale) == "es" else babel_locale(locale)


def format_money(minor: int, currency: str, locale: str) -> str:
    """`4599000, "ARS"` → `$ 45.990`: minor units in, cents shown only when there are any.

    In Spanish an amount is written as at home of its currency, so that a peso is `$` and Mexico has its commas.
    """
    spanish = supported(locale) == "es"
    rules = home_locale(currency, locale)
    precision = get_currency_precision(currency)
    amount = Decimal(minor).scaleb(-precision)
    whole = amount == amount.to_integral_value()
    symbol = get_currency_symbol(currency, rules)
    gap = NO_BREAK if spanish or symbol.isalpha() else ""
    digits = "#,##0" if whole else "#,##0." + "0" * precision
    return format_currency(amount, currency, format=f"¤{gap}{digits}", locale=rules, currency_digits=False)


def format_count(number: int, locale: str) -> str:
    """`1,234`, or as the locale writes it."""
    return format_decimal(number, locale=babel_locale(locale))


def format_time(moment: datetime, tz: tzinfo, locale: str) -> str:
    """Hour and minute on the reader's clock, as a bubble shows it. `moment` is timezone-aware."""
    return babel_time(moment.astimezone(tz), _HOURS[supported(locale)], locale=babel_locale(locale))


def format_day(moment: datetime, tz: tzinfo, locale: str, *, now: datetime) -> str:
    """`Hoy`, `Ayer`, else the date (with the year when it is not this one): the label of a day separator."""
    day, today = moment.astimezone(tz).date(), now.astimezone(tz).date()
    if day == today:
        return gettext(locale, "Today")
    if day == today - timedelta(days=1):
        return gettext(locale, "Yesterday")
    return format_short_date(day, locale, this_year=day.year == today.year)


def format_when(moment: datetime, tz: tzinfo, locale: str, *, now: datetime) -> str:
    """What a list row shows: the hour today, "yesterday", then the date."""
    day, today = moment.astimezone(tz).date(), now.astimezone(tz).date()
    if day == today:
        return format_time(moment, tz, locale)
    if day == today - timedelta(days=1):
        return gettext(locale, "yesterday")
    return format_short_date(day, locale, this_year=day.year == today.year)


def format_ahead(moment: datetime, tz: tzinfo, locale: str, *, now: datetime) -> str:
    """A moment to come, as it stands in a sentence: "today at 21:30", "tomorrow at 9:00", then with the date."""
    day, today = moment.astimezone(tz).date(), now.astimezone(tz).date()
    clock = format_time(moment, tz, locale)
    if day == today:
        return gettext(locale, "today at {time}", time=clock)
    if day == today + timedelta(days=1):
        return gettext(locale, "tomorrow at {time}", time=clock)
    date_text = format_short_date(day, locale, this_year=day.year == today.year)
    return gettext(locale, "{date} at {time}", date=date_text, time=clock)


def format_short_date(day: date, locale: str, *, this_year: bool) -> str:
    """`3 nov` within the year, `3 nov 2024` outside it."""
    rules = babel_locale(locale)
    if supported(locale) == "en":
        return babel_date(day, "MMM d" if this_year else "MMM d, yyyy", locale=rules)
    return babel_date(day, "d MMM" if this_year else "d MMM yyyy", locale=rules)


def format_full(moment: datetime, tz: tzinfo, locale: str) -> str:
    """Date and time in full, for the title that appears on hover."""
    return format_datetime(moment.astimezone(tz), "long", locale=babel_locale(locale))


def format_ago(moment: datetime, locale: str, *, now: datetime) -> str:
    """`hace 12 s`, `hace 3 h`: how long ago, in one short unit; "just now" below five seconds."""
    seconds = max(0, int((now - moment).total_seconds()))
    if seconds < 5:
        return gettext(locale, "just now")
    if seconds < 60:
        return gettext(locale, "{n} s ago", n=seconds)
    if seconds < 3600:
        return gettext(locale, "{n} min ago", n=seconds // 60)
    if seconds < 86_400:
        return gettext(locale, "{n} h ago", n=seconds // 3600)
    return gettext(locale, "{n} d ago", n=seconds // 86_400)
