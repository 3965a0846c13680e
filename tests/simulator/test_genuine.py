"""The simulator's events are those of the library: they fill exactly the fields of events captured from neonize 0.5.2.

`tests/fixtures/neonize/*.bin` are bytes that the unmodified library handed to its callback: one byte of event code, then
the protobuf.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message

from saasbot.domain.simulator.customers import Customer
from saasbot.domain.simulator.media import SimMedia
from saasbot.wa_runtime.protobufs import CHAT_PRESENCE, MESSAGE, RECEIPT, events
from saasbot.wa_runtime.simulator import envelopes
from saasbot.wa_runtime.simulator.bodies import Content, build
from saasbot.wa_runtime.simulator.samples import sample

CAPTURED = Path(__file__).parents[1] / "fixtures" / "neonize"
CLASSES = {MESSAGE: events.Message, RECEIPT: events.Receipt, CHAT_PRESENCE: events.ChatPresence}
ANA = Customer("5521000000000", "998800000000000", "Cliente")
AT = datetime.fromtimestamp(1795218000, UTC)

OURS = {
    "text": Content("text", "Olá! 👋 quero agendar"),
    "extended_reply": Content("text", "resposta", quoted_id="3EB0QUOTED", quoted_text="pergunta", quoted_jid="1@lid"),
    "image": Content("image", "foto"),
    "audio_ptt": Content("audio"),
    "video": Content("video", "v"),
    "document": Content("document"),
    "sticker": Content("sticker"),
    "location": Content("location", "Salão", latitude=-23.5, longitude=-46.6),
    "contact": Content("contact", "Ana"),
    "reaction": Content("reaction", "👍", target_id="3EB0X", target_from_us=True),
    "edit": Content("edit", "corrigido", target_id="AAA"),
    "revoke": Content("revoke", target_id="AAA"),
}

NOT_SIMULATED = {
    "image": {"Message.imageMessage.JPEGThumbnail"},
    "audio_ptt": {"Message.audioMessage.waveform"},
    "video": {"Message.videoMessage.width", "Message.videoMessage.height"},
    "document": {"Message.documentMessage.pageCount"},
    "location": {"Message.locationMessage.address"},
}
"""Optional fields that phones fill and the simulator does not."""


def captured(name: str) -> Any:
    raw = (CAPTURED / f"{name}.bin").read_bytes()
    return CLASSES[raw[0]].FromString(raw[1:])


def fields(message: Message, prefix: str = "") -> set[str]:
    """The path of every field that is set. `Raw` repeats `Message`."""
    found = set()
    for field, value in message.ListFields():
        if field.name == "Raw":
            continue
        found.add(prefix + field.name)
        if isinstance(value, Message):
            found |= fields(value, f"{prefix}{field.name}.")
    return found


def of_customer(content: Content) -> Any:
    media, file = None, b""
    if content.type in ("image", "audio", "video", "document", "sticker"):
        file, mime = sample(content.type)
        media = SimMedia("c/simulator/a.bin", mime, len(file), "01" * 32, voice=content.type == "audio")
    body = build(content, chat_jid=ANA.chat_jid, at=AT, media=media, file=file)
    return events.Message.FromString(envelopes.from_customer(ANA, body, wa_id="FIX", at=AT))


@pytest.mark.parametrize("name", OURS)
def test_a_message_fills_the_fields_that_the_library_fills(name: str):
    ours = of_customer(OURS[name])
    optional = NOT_SIMULATED.get(name, set()) | {"Message.documentMessage.caption"}
    assert fields(ours) - optional == fields(captured(name)) - optional
    assert ours.Raw == ours.Message


def test_a_text_is_the_very_bytes_of_the_library():
    event = of_customer(OURS["text"])
    event.Info.ID = captured("text").Info.ID
    assert event.SerializeToString() == (CAPTURED / "text.bin").read_bytes()[1:]


def test_a_message_in_a_group_is_the_very_bytes_of_the_library():
    group = replace(ANA, group="12036300000")
    body = build(Content("text", "no grupo"), chat_jid=group.chat_jid, at=AT, media=None, file=b"")
    raw = envelopes.from_customer(group, body, wa_id="FIX00034", at=AT)
    assert raw == (CAPTURED / "group_text.bin").read_bytes()[1:]


def test_a_customer_without_a_phone_number_is_the_very_bytes_of_the_library():
    body = build(OURS["text"], chat_jid=ANA.chat_jid, at=AT, media=None, file=b"")
    raw = envelopes.from_customer(Customer(None, ANA.lid, ANA.name), body, wa_id="FIX00031", at=AT)
    assert raw == (CAPTURED / "text_lid_without_pn.bin").read_bytes()[1:]


def test_the_echo_of_the_owners_phone_is_the_very_bytes_of_the_library():
    body = build(Content("text", "respondi pelo celular"), chat_jid=ANA.chat_jid, at=AT, media=None, file=b"")
    raw = envelopes.from_own_phone(ANA, body, wa_id="FIX00032", at=AT, own_lid="123400000000000", own_name="Cliente")
    assert raw == (CAPTURED / "own_from_phone.bin").read_bytes()[1:]


@pytest.mark.parametrize("kind", ["delivered", "read"])
def test_a_receipt_is_the_very_bytes_of_the_library(kind: str):
    theirs = captured(f"receipt_{kind}")
    raw = envelopes.receipt(ANA, list(theirs.MessageIDs), kind, AT)
    assert events.Receipt.FromString(raw) == theirs


@pytest.mark.parametrize(("on", "name"), [(True, "composing"), (False, "paused")])
def test_typing_is_the_very_bytes_of_the_library(on: bool, name: str):
    raw = envelopes.chat_presence(ANA, on=on)
    assert raw == (CAPTURED / f"chat_presence_{name}.bin").read_bytes()[1:]
