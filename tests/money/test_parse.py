"""What people type into a price field."""

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from saasbot.infra.errors import InvalidInput
from saasbot.infra.i18n import format_money
from saasbot.infra.money import MAX_MINOR, check_currency, check_minor, format_amount, minor_digits, parse_money


@pytest.mark.parametrize(
    ("typed", "minor"),
    [
        ("45990", 4599000),
        ("45.990", 4599000),
        ("45,990", 4599000),
        ("45.990,50", 4599050),
        ("45,990.50", 4599050),
        ("$ 1.234,56", 123456),
        ("$1,234.56", 123456),
        ("1.234.567", 123456700),
        ("1,234,567.8", 123456780),
        ("12,34,567.89", 123456789),
        ("1'234'567.50", 123456750),
        ("1 234 567,50", 123456750),
        ("1\u00a0234\u202f567,50", 123456750),
        ("0", 0),
        ("0,5", 50),
        (".5", 50),
        ("5.", 500),
        ("12,5", 1250),
        ("12.50", 1250),
        ("0.500", 50),
        ("12.5000", 1250),
        ("45990,00 ARS", 4599000),
        ("ars 10", 1000),
        ("²", 200),
        ("  45.990  ", 4599000),
        ("４５９９０", 4599000),
        ("٤٥", 4500),
    ],
)
@pytest.mark.parametrize("locale", ["es", "en"])
def test_both_customs_are_read_in_both_languages(typed: str, minor: int, locale: str) -> None:
    assert parse_money(typed, currency="ARS", locale=locale) == minor


@pytest.mark.parametrize(
    ("currency", "typed", "minor"),
    [
        ("CLP", "$ 45.990", 45990),
        ("CLP", "45990,00", 45990),
        ("JPY", "￥1,200", 1200),
        ("BRL", "R$ 1.234,56", 123456),
        ("PEN", "S/ 12.50", 1250),
        ("EUR", "12,50 €", 1250),
        ("USD", "US$ 12.50", 1250),
        ("USD", "USD12", 1200),
        ("MXN", "$1,234.50", 123450),
        ("KWD", "1,5", 1500),
        ("KWD", "1.234,567", 1234567),
    ],
)
def test_every_currency_has_its_own_marks_and_decimals(currency: str, typed: str, minor: int) -> None:
    assert parse_money(typed, currency=currency, locale="es") == minor


def test_where_three_decimals_make_it_ambiguous_the_language_decides() -> None:
    assert parse_money("1.234", currency="KWD", locale="en") == 1234
    assert parse_money("1,234", currency="KWD", locale="en") == 1234000
    assert parse_money("1.234", currency="KWD", locale="es") == 1234000
    assert parse_money("1,234", currency="KWD", locale="es") == 1234


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Write the price as a number, such as 45.990."),
        ("gratis", "Write the price as a number, such as 45.990."),
        ("-5", "A price cannot be negative."),
        ("$ -5", "A price cannot be negative."),
        ("(5)", "A price cannot be negative."),
        ("12.345.6", "Write the price as a number, such as 45.990."),
        ("1.23.456", "Write the price as a number, such as 45.990."),
        ("1.2345.678", "Write the price as a number, such as 45.990."),
        ("1.234,567.89", "Write the price as a number, such as 45.990."),
        ("12,3456", "ARS has at most 2 decimals."),
        ("0,555", "ARS has at most 2 decimals."),
        ("1e5", "Write the price as a number, such as 45.990."),
        ("0x10", "Write the price as a number, such as 45.990."),
        ("1_000", "Write the price as a number, such as 45.990."),
        ("NaN", "Write the price as a number, such as 45.990."),
        ("Infinity", "Write the price as a number, such as 45.990."),
        ("10 USD", "This price is in USD, the product in ARS."),
        ("€ 10", "Write the price as a number, such as 45.990."),
        ("10 o 20", "Write the price as a number, such as 45.990."),
        ("½", "Write the price as a number, such as 45.990."),
        (".", "Write the price as a number, such as 45.990."),
        ("1..5", "Write the price as a number, such as 45.990."),
        ("<script>", "Write the price as a number, such as 45.990."),
        ("9" * 41, "Write the price as a number, such as 45.990."),
        ("9" * 30, "The highest price is $\u00a0100.000.000.000."),
        ("100.000.000.000,01", "The highest price is $\u00a0100.000.000.000."),
    ],
)
def test_what_is_no_price_is_refused_with_a_sentence(typed: str, sentence: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_money(typed, currency="ARS", locale="es")
    assert (refused.value.field, str(refused.value)) == ("price", sentence)


def test_a_currency_without_cents_says_so() -> None:
    with pytest.raises(InvalidInput, match="CLP has no cents"):
        parse_money("45,99", currency="CLP", locale="es")


@given(minor=st.integers(0, MAX_MINOR), currency=st.sampled_from(["ARS", "CLP", "KWD", "USD", "MXN", "BRL", "COP"]))
@example(minor=1234, currency="KWD")
@example(minor=MAX_MINOR, currency="ARS")
def test_what_is_shown_can_be_typed_back(minor: int, currency: str) -> None:
    for locale in ("es", "en"):
        assert parse_money(format_amount(minor, currency, locale), currency=currency, locale=locale) == minor
        assert parse_money(format_money(minor, currency, locale), currency=currency, locale=locale) == minor


@given(st.text(max_size=60))
def test_no_text_does_more_than_a_refusal(typed: str) -> None:
    try:
        minor = parse_money(typed, currency="ARS", locale="es")
    except InvalidInput:
        return
    assert 0 <= minor <= MAX_MINOR
    assert Decimal(minor) == minor


@pytest.mark.parametrize(("given", "code"), [("ars", "ARS"), (" usd ", "USD"), ("CLP", "CLP")])
def test_a_currency_is_written_in_capitals(given: str, code: str) -> None:
    assert check_currency(given) == code


@pytest.mark.parametrize("code", ["", "AR", "XXX", "ARA", "PESO", "A\x00S", "€"])
def test_what_is_no_money_today_is_refused(code: str) -> None:
    with pytest.raises(InvalidInput):
        check_currency(code)


def test_decimals_come_from_the_currency() -> None:
    assert [minor_digits(code) for code in ("ARS", "CLP", "KWD", "JPY", "COP")] == [2, 0, 3, 0, 2]


@pytest.mark.parametrize("minor", [-1, MAX_MINOR + 1])
def test_amounts_beyond_reason_are_refused(minor: int) -> None:
    with pytest.raises(InvalidInput):
        check_minor(minor, currency="ARS")
