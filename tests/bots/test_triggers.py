"""Trigger words: whole words, whatever their case and accents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saasbot.domain.bots.triggers import contains_trigger, words
from tests.attack.attempts import attempt


@pytest.mark.parametrize(
    ("text", "trigger"),
    [
        ("Hola, ¿cuál es el PRECIO?", "precio"),
        ("precio", "Précio"),
        ("¡Envíos!", "envios"),
        ("quiero un envio", "envío"),
        ("el año pasado", "ano"),
        ("¿Precio mayorista, por favor?", "precio mayorista"),
        ("precio/stock", "stock"),
        ("precio...stock", "precio stock"),
        ("busco🛒zapatillas", "🛒"),
        ("un pulgar 👍🏽 para ti", "👍"),
        ("❤️", "❤"),
        ("STRASSE", "straße"),
        ("quiero 2x1", "2x1"),
        ("vale $ 10", "$"),
        ("cuánto sale?", "CUÁNTO SALE"),
        ("prec\u0069\u0301o", "precío"),
    ],
)
def test_a_trigger_is_found_whatever_the_case_accents_and_punctuation(text: str, trigger: str) -> None:
    assert contains_trigger(text, [trigger])


@pytest.mark.parametrize(
    ("text", "trigger"),
    [
        ("qué precioso", "precio"),
        ("aprecio", "precio"),
        ("precio", "precio mayorista"),
        ("precio muy mayorista", "precio mayorista"),
        ("mayorista precio", "precio mayorista"),
        ("hola", ""),
        ("hola", "   "),
        ("", "precio"),
        ("👍", "👎"),
    ],
)
def test_a_trigger_is_not_found_inside_words_or_out_of_order(text: str, trigger: str) -> None:
    assert not contains_trigger(text, [trigger])


def test_one_of_many_triggers_is_enough() -> None:
    assert contains_trigger("hola, ¿tienen stock?", ["precio", "stock", "envío"])
    assert not contains_trigger("hola", [])


@attempt(123, "limits", "A trigger is written as a pattern that takes for ever.")
@given(st.text(), st.text())
def test_any_text_contains_its_own_words_and_nothing_breaks(text: str, other: str) -> None:
    contains_trigger(text, [other])
    for word in words(text):
        assert contains_trigger(text, [word])
        assert contains_trigger(text.upper(), [word]) or text.upper().casefold() != text.casefold()
