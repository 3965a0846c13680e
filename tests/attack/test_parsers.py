"""Every parser of what comes from outside refuses in its own way or understands, within a bounded time: nothing else gets out of it.

Hypothesis makes the inputs; the same ones at every run.
"""

import base64
import json
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from saasbot.api.paging import Page, next_cursor
from saasbot.domain.channels.channel_settings import _clock
from saasbot.domain.channels.pairing import digits_of_phone
from saasbot.infra import session_cookie
from saasbot.infra.errors import InvalidInput
from saasbot.infra.file_types import sniff, type_of, type_of_key
from saasbot.infra.logging import _redact
from saasbot.infra.money import parse_money
from saasbot.infra.signed_media import Signer
from saasbot.infra.text_input import one_line, paragraphs
from saasbot.state.arguments import misfit
from saasbot.state.vcards import phone_of_card
from saasbot.wa_runtime.decode import decode
from saasbot.wa_runtime.decode_history import HistoryPart
from saasbot.wa_runtime.protobufs import CALL_OFFER, CALL_TERMINATE, MESSAGE, RECEIPT, UNDECRYPTABLE, events
from tests.attack.attempts import attempt
from tests.attack.payloads import PAYLOADS
from tests.attack.test_events import EVERY
from tests.media.pictures import picture
from tests.wa_runtime.neonize_fixtures import NAMES, captured

SECONDS = 0.5
"""Of work for one input; the largest is some ten thousand characters."""

few = settings(max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=[*HealthCheck])  # pyright: ignore[reportArgumentType]
odd_text = st.one_of(
    st.sampled_from(PAYLOADS),
    st.text(max_size=60),
    st.text(
        alphabet=st.characters(categories=["Nd", "No", "Nl", "Sc", "Zs", "Cf", "P"], include_characters="+-.,:;()=%"),
        max_size=30,
    ),
    st.text(max_size=5).map(lambda text: text * 2_000),
    st.from_regex(r"[+(\d\s.,-]{1,40}", fullmatch=True),
)


@contextmanager
def bounded():
    """Processor time, so that a busy machine counts for nothing."""
    began = time.process_time()
    yield
    assert time.process_time() - began < SECONDS


def damaged(raw: bytes) -> st.SearchStrategy[bytes]:
    """Some bytes changed, cut out, or doubled."""

    def damage(edits: list[tuple[int, int, int]]) -> bytes:
        made = bytearray(raw)
        for kind, at, value in edits:
            place = at % (len(made) + 1)
            if kind == 0 and place < len(made):
                made[place] = value
            elif kind == 1:
                del made[place : place + value]
            elif kind == 2:
                made[place:place] = made[:value]
        return bytes(made)

    return st.lists(st.tuples(st.integers(0, 2), st.integers(0, 10_000), st.integers(0, 255)), max_size=6).map(damage)


EXTREMES: dict[type, list[Any]] = {
    int: [0, -1, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 253_402_300_800, 10**15],
    float: [0.0, -1.0, 1e308, float("inf"), float("nan")],
    str: ["", "\x00", "\u202e", "0", "x" * 10_000, "@", "1@lid", "status@broadcast", "55\ud7ff"],
    bytes: [b"", b"\x00", b"\xff" * 10_000],
    bool: [True, False],
}


def strain(message: Any, draw: Callable[..., Any]) -> None:
    """Some of the fields that are set, at any depth, get a value at the edge of their type."""
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if field.is_repeated else [value]:
                if hasattr(inner, "ListFields"):
                    strain(inner, draw)
        elif not field.is_repeated and field.enum_type is None and draw(st.booleans()):
            with suppress(ValueError):  # too wide for this field
                setattr(message, field.name, draw(st.sampled_from(EXTREMES[type(value)])))


KINDS = {
    MESSAGE: events.Message,
    RECEIPT: events.Receipt,
    CALL_OFFER: events.CallOffer,
    CALL_TERMINATE: events.CallTerminate,
    UNDECRYPTABLE: events.UndecryptableMessage,
}
DECODED = [name for name in NAMES if captured(name)[0] in KINDS and captured(name)[1]]


@attempt(131, "limits", "Bytes of genuine WhatsApp events are changed, cut and doubled.")
@pytest.mark.parametrize("name", DECODED)
def test_a_damaged_event_is_decoded_or_refused(name: str):
    code, raw = captured(name)

    @settings(few, max_examples=8)
    @given(damaged(raw))
    def run(content: bytes) -> None:
        with bounded(), suppress(DecodeError):
            decode(1, code, content)

    run()


@attempt(132, "limits", "Fields of WhatsApp events hold the largest, the emptiest and the oddest that fits.")
@pytest.mark.parametrize("name", DECODED)
def test_an_event_of_extremes_is_decoded_or_refused(name: str):
    code, raw = captured(name)

    @settings(few, max_examples=6)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        message = KINDS[code].FromString(raw)
        strain(message, data.draw)
        content = message.SerializePartialToString()
        with bounded(), suppress(DecodeError):
            decode(1, code, content)

    run()


@attempt(133, "limits", "A phone hands over a history that is damaged, or whose values make no sense.")
def test_a_damaged_history_is_read_or_refused():
    raw = captured("history_sync_13")[1]

    def read(content: bytes) -> None:
        with bounded(), suppress(DecodeError):
            part = HistoryPart(content)
            list(part.messages(0, len(part), since=datetime(2000, 1, 1, tzinfo=UTC)))

    @settings(few, max_examples=20)
    @given(damaged(raw))
    def bytes_changed(content: bytes) -> None:
        read(content)

    @settings(few, max_examples=20)
    @given(st.data())
    def values_changed(data: st.DataObject) -> None:
        message = events.HistorySync.FromString(raw)
        strain(message, data.draw)
        read(message.SerializePartialToString())

    bytes_changed()
    values_changed()


@settings(few, max_examples=25)
@given(
    st.one_of(
        st.binary(max_size=200), damaged(picture()[:3_000]), odd_text.map(lambda text: text.encode("utf-8", "replace"))
    )
)
def test_any_bytes_have_a_type_and_only_known_ones_are_shown(content: bytes):
    with bounded():
        found = type_of(sniff(content))
    assert not found.inline or found.mime.startswith(("image/", "audio/"))
    assert found.mime not in ("text/html", "image/svg+xml", "application/xhtml+xml", "text/xml")


@few
@given(odd_text)
def test_any_key_has_a_type(key: str):
    with bounded():
        type_of_key(key)


@few
@given(odd_text)
def test_a_phone_number_is_digits_or_refused(typed: str):
    with bounded(), suppress(InvalidInput):
        assert digits_of_phone(typed).isascii() and digits_of_phone(typed).isdigit()


@few
@example("1,፩", "ARS", "es")
@example("፩", "CLP", "en")
@given(odd_text, st.sampled_from(["ARS", "CLP", "KWD", "USD", "INR"]), st.sampled_from(["es", "en"]))
def test_an_amount_is_whole_or_refused(typed: str, currency: str, locale: str):
    with bounded(), suppress(InvalidInput):
        assert 0 <= parse_money(typed, currency=currency, locale=locale) <= 10**13


@few
@given(odd_text)
def test_a_time_of_day_is_one_or_refused(typed: str):
    with bounded(), suppress(InvalidInput):
        _clock("quiet_from", typed)


GENUINE = next_cursor(datetime(2026, 1, 2, tzinfo=UTC), UUID(int=7), 12)


@few
@given(
    st.one_of(
        odd_text,
        damaged(GENUINE.encode()).map(lambda raw: raw.decode("latin-1")),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
            max_leaves=8,
        ).map(lambda value: next_cursor_of(value)),
    )
)
def test_a_cursor_leads_somewhere_or_is_refused(cursor: str):
    for types in ((datetime, UUID, int), (str, int), (UUID,)):
        with bounded(), suppress(InvalidInput):
            assert len(Page(50, cursor).after(*types) or ()) == len(types)


def next_cursor_of(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


SIGNER = Signer((b"k" * 32,))
ADDRESS = SIGNER.url("11111111-1111-7111-8111-111111111111/image/a.jpg", seconds=600, file_name="foto.jpg")


@few
@given(odd_text, st.dictionaries(st.sampled_from("eins") | st.text(max_size=2), odd_text, max_size=5))
def test_no_made_up_query_is_a_signed_one(key: str, query: dict[str, str]):
    with bounded():
        assert SIGNER.read(key, query) is None


@few
@given(odd_text)
def test_a_cookie_header_gives_a_token_or_none(header: str):
    with bounded():
        assert ";" not in session_cookie.token_in(header)
        assert session_cookie.token_in(f"{session_cookie.name()}=mine; {header}") == "mine"


@few
@given(odd_text)
def test_a_card_gives_digits_or_nothing(vcard: str):
    lines = f"BEGIN:VCARD\nVERSION:3.0\nFN:{vcard}\nTEL;{vcard}\nitem1.TEL;waid={vcard}:{vcard}\nEND:VCARD"
    for card in (vcard, lines):
        with bounded():
            assert phone_of_card(card) == "" or phone_of_card(card).isdigit()


@few
@given(odd_text)
def test_a_text_is_storable_or_refused(text: str):
    for cleaned in (one_line, paragraphs):
        with bounded(), suppress(InvalidInput):
            assert "\x00" not in cleaned("field", text, longest=50_000)


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | odd_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@attempt(134, "guard", "Any JSON there is takes the place of each argument of an event.")
def test_any_json_fits_an_event_or_is_refused():
    @settings(few, max_examples=60)
    @given(st.sampled_from(EVERY), st.data())
    def run(handler: Any, data: st.DataObject) -> None:
        payload = {name: data.draw(any_json) for name in handler.arguments}
        with bounded():
            assert misfit(handler.fn, payload) is None or isinstance(misfit(handler.fn, payload), str)

    run()


@few
@given(any_json, odd_text)
def test_the_log_takes_whatever_it_is_given(value: Any, text: str):
    with bounded():
        _redact(None, "info", {"event": "x", "value": value, "text": text, text[:20]: text})
