"""The fact guard reads amounts, percentages and links, and knows where they came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saasbot.agent.guard import unsupported_facts

SOURCES = [
    '{"title": "Zapatillas rojas", "price": "$ 45.990", "stock": 3}',
    "Envíos a todo el país por $ 2.500,50. Gratis desde $ 60 mil. 10% de descuento por transferencia. "
    "Más en https://luna.example/envios o escribe a hola@luna.com.ar",
]


@pytest.mark.parametrize(
    "answer",
    [
        "Cuestan $ 45.990.",
        "Cuestan $45,990.00",
        "They are 45,990 pesos",
        "El precio es 45990",
        "45.990 ARS",
        "ARS 45.990,00",
        "El envío sale $ 2.500,50 y es gratis desde $60.000 o desde 60 mil pesos.",
        "Tienes 10 % de descuento",
        "10 por ciento menos",
        "Mira https://luna.example/envios.",
        "luna.example/envios/",
        "Escribe a hola@luna.com.ar",
        "Quedan 3 pares. Abrimos de 9 a 18 y tardamos 48 horas.",
        "¡Mil gracias! El modelo 2027 llega el 15/03.",
        "Talle 42, 2 unidades",
        "",
    ],
)
def test_what_the_sources_hold_may_be_said_in_any_notation(answer: str) -> None:
    assert unsupported_facts(answer, SOURCES) == []


@pytest.mark.parametrize(
    ("answer", "passage"),
    [
        ("Cuestan $ 45.999.", "$ 45.999"),
        ("Te las dejo a 100 pesos", "100 pesos"),
        ("Cuestan 1", "Cuestan 1"),
        ("son US$ 20", "US$ 20"),
        ("20 USD", "20 USD"),
        ("Son 91.980 pesos por dos", "91.980 pesos"),
        ("45,99 €", "45,99 €"),
        ("90% de descuento", "90%"),
        ("3% menos", "3%"),
        ("son 15 mil", "15 mil"),
        ("te sale diez mil pesos", "mil pesos"),
        ("Paga en https://evil.example/pay", "evil.example/pay"),
        ("Paga en evil.com", "evil.com"),
        ("Escribe a ventas@otra.com", "ventas@otra.com"),
        ("el total es 12.000", "total es 12.000"),
    ],
)
def test_what_the_sources_do_not_hold_is_reported_as_written(answer: str, passage: str) -> None:
    assert unsupported_facts(answer, SOURCES) == [passage]


def test_a_number_that_is_no_percentage_in_the_sources_is_none_in_the_answer() -> None:
    assert unsupported_facts("20% menos", ["Quedan 20 unidades"]) == ["20%"]


@given(st.text(), st.text())
def test_any_text_can_be_checked(answer: str, source: str) -> None:
    unsupported_facts(answer, [source])


@given(st.integers(min_value=1, max_value=10**9))
def test_a_price_is_known_however_it_is_grouped(minor: int) -> None:
    whole, cents = divmod(minor, 100)
    source = f"$ {whole:,}.{cents:02d}"
    latin = f"{whole:,}".replace(",", ".") + f",{cents:02d}"
    assert unsupported_facts(f"Sale $ {latin}", [source]) == []
    assert unsupported_facts(f"Sale {whole}.{cents:02d} pesos", [source]) == []
