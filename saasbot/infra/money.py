"""Amounts of money: whole numbers of the currency's smallest unit, parsed from what people type. Never floats.

Showing them is `saasbot.infra.i18n.format_money`.
"""

import re
import unicodedata
from datetime import date
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.core import get_global
from babel.numbers import format_decimal, get_currency_precision, get_currency_symbol, get_decimal_symbol

from saasbot.infra.errors import InvalidInput
from saasbot.infra.i18n import babel_locale, format_money, home_locale

MAX_MINOR = 10**13
"""Below 2**53, so that browsers and JSON readers keep every unit."""
_MAX_TYPED = 40
_SPACES = re.compile(r"[\s\u00a0\u202f\u2009]+")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?P<mark>[.,'])\d{3}((?P=mark)\d{3})*|[1-9]\d?(?P<south>,)(\d{2},)+\d{3}")


def minor_digits(currency: str) -> int:
    """How many decimals the currency has: 2 for ARS, 0 for CLP, 3 for KWD (CLDR)."""
    return get_currency_precision(currency)


def check_currency(code: str) -> str:
    """The code in capitals. Raises: InvalidInput, unless it is the money of some country today."""
    code = code.strip().upper()
    if code not in currencies():
        raise InvalidInput("currency", "Use the three letters of a currency, such as ARS or USD.")
    return code


@cache
def currencies() -> frozenset[str]:
    """ISO 4217 codes that are legal tender somewhere today (CLDR)."""
    today = date.today().timetuple()[:3]  # noqa: DTZ011  # a day more or less changes nothing
    return frozenset(
        code
        for rows in get_global("territory_currencies").values()
        for code, _start, end, tender in rows
        if tender and (end is None or tuple(end) > today)
    )


def check_minor(minor: int, *, currency: str, locale: str = "en") -> int:
    """The amount itself. Raises: InvalidInput, when it is negative or beyond what we keep."""
    if minor < 0:
        raise InvalidInput("price", "A price cannot be negative.")
    if minor > MAX_MINOR:
        raise InvalidInput("price", "The highest price is {most}.", most=format_money(MAX_MINOR, currency, locale))
    return minor


def parse_money(typed: str, *, currency: str, locale: str) -> int:
    """Minor units of what a person typed: `"45.990"` is 4599000 in ARS, `"$ 1.234,56"` and `"1,234.56"` are 123456.

    Both customs are read in every language, because people mix them: the separator that comes last is the decimal one if
    both occur; one alone groups thousands if exactly three digits follow, else it is decimal. Where a currency has three
    decimals that would be ambiguous, and the locale decides.

    Raises: InvalidInput, with a sentence that says what to type instead.
    """
    number = _without_marks(typed, currency, locale)
    if number.startswith(("-", "−", "(")):
        raise InvalidInput("price", "A price cannot be negative.")
    whole, fraction = _split(number, currency, locale)
    digits = minor_digits(currency)
    fraction = fraction.rstrip("0") if len(fraction) > digits else fraction
    if len(fraction) > digits:
        _too_precise(currency, locale)
    if len(whole) > len(str(MAX_MINOR)):
        check_minor(MAX_MINOR + 1, currency=currency, locale=locale)
    return check_minor(int((whole or "0") + fraction.ljust(digits, "0")), currency=currency, locale=locale)


def format_amount(minor: int, currency: str, locale: str) -> str:
    """The amount as a person would type it into a field, without a currency: `4599050, "ARS"` → `45.990,50`."""
    digits = minor_digits(currency)
    amount = Decimal(minor).scaleb(-digits)
    pattern = "#,##0" if amount == amount.to_integral_value() else "#,##0." + "0" * digits
    return format_decimal(amount, format=pattern, locale=home_locale(currency, locale))


def _without_marks(typed: str, currency: str, locale: str) -> str:
    """Only digits, separators and what does not belong there: spaces, the currency's code and its symbols are gone."""
    if len(typed) > _MAX_TYPED:
        _unreadable(currency, locale)
    text = unicodedata.normalize("NFKC", typed).upper()
    text = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)
    for mark in _marks(currency, locale):
        if text.strip().startswith(mark) or text.strip().endswith(mark):
            text = text.replace(mark, "", 1)
            break
    text = _SPACES.sub("", text).replace("’", "'")
    if other := next((word for word in re.findall(r"[A-Z]+", text) if word in currencies()), None):
        raise InvalidInput("price", "This price is in {other}, the product in {own}.", other=other, own=currency)
    return text


@cache
def _marks(currency: str, locale: str) -> tuple[str, ...]:
    """How the currency may be written beside an amount, the longest first."""
    rules: list[Locale] = [home_locale(currency, locale), babel_locale(locale), Locale("en")]
    symbols = {get_currency_symbol(currency, rule).upper() for rule in rules}
    narrow = {symbol[-1] for symbol in symbols if unicodedata.category(symbol[-1]) == "Sc"}
    dollar = {"$"} if any("$" in symbol for symbol in symbols) or currency in _WRITTEN_WITH_DOLLAR else set()
    return tuple(sorted({currency, *symbols, *narrow, *dollar}, key=lambda mark: -len(mark)))


_WRITTEN_WITH_DOLLAR = frozenset(
    {"ARS", "AUD", "BRL", "CAD", "CLP", "COP", "CUP", "DOP", "MXN", "NIO", "NZD", "USD", "UYU"}
)


def _split(number: str, currency: str, locale: str) -> tuple[str, str]:
    """Digits before and after the decimal separator. Raises: InvalidInput."""
    if _GROUPED.fullmatch(number) and not _decimal_of_three(number, currency, locale):
        return re.sub(r"\D", "", number), ""
    whole, mark, fraction = _at_last_separator(number)
    plain = whole.isdecimal() or (
        whole == "" and fraction != ""
    )  # not isdigit: "²" and "፩" are digits that int() refuses
    grouped = _GROUPED.fullmatch(whole)
    if not (plain or (grouped and mark not in whole)) or not (fraction.isdecimal() or fraction == ""):
        _unreadable(currency, locale)
    return re.sub(r"\D", "", whole), fraction


def _at_last_separator(number: str) -> tuple[str, str, str]:
    position = max(number.rfind("."), number.rfind(","))
    if position < 0:
        return number, " ", ""
    return number[:position], number[position], number[position + 1 :]


def _decimal_of_three(number: str, currency: str, locale: str) -> bool:
    marks = re.sub(r"\d", "", number)
    return minor_digits(currency) == 3 and marks == get_decimal_symbol(home_locale(currency, locale))


def _unreadable(currency: str, locale: str) -> None:
    example = format_amount(4_599 * 10 ** (minor_digits(currency) + 1), currency, locale)
    raise InvalidInput("price", "Write the price as a number, such as {example}.", example=example)


def _too_precise(currency: str, locale: str) -> None:
    digits = minor_digits(currency)
    if digits == 0:
        raise InvalidInput("price", "{currency} has no cents: write a whole number.", currency=currency)
    raise InvalidInput("price", "{currency} has at most {digits} decimals.", currency=currency, digits=digits)
