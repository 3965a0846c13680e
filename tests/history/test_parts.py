"""What is read out of a part of a phone's history, and what a part that is damaged costs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.message import DecodeError

from saasbot.domain.history.choose import choose_history
from saasbot.domain.history.chunks import record_chunks
from saasbot.domain.history.store import OlderMessage
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.errors import Forbidden, InvalidInput, NotFound
from saasbot.wa_runtime.decode import decode
from saasbot.wa_runtime.decode_history import HistoryPart
from saasbot.wa_runtime.protobufs import HISTORY, MessageKey, WebMessage, e2e, events, history
from tests.fixtures.shops import Shop
from tests.fixtures.simulator import RunningSimulator, until

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LID, PHONE = "998800000000001@lid", "5491155550001@s.whatsapp.net"


def said(body: Any, *, wa_id: str = "A1", at: datetime = NOW, from_me: bool = False, **more: Any) -> Any:
    key = MessageKey(remoteJID=LID, fromMe=from_me, ID=wa_id)
    return WebMessage(key=key, message=body, messageTimestamp=int(at.timestamp()), **more)


def text(words: str) -> Any:
    return e2e.Message(conversation=words)


def raw_part(*infos: Any, chat: str = LID, mappings: Any = (), pushnames: Any = (), **conversation: Any) -> bytes:
    data = history.HistorySync(
        syncType=history.HistorySync.RECENT, phoneNumberToLidMappings=mappings, pushnames=pushnames
    )
    data.conversations.add(ID=chat, messages=[history.HistorySyncMsg(message=info) for info in infos], **conversation)
    return events.HistorySync(Data=data).SerializeToString()


def read(raw: bytes, since: datetime = NOW - timedelta(days=30)) -> list[OlderMessage]:
    part = HistoryPart(raw)
    return list(part.messages(0, len(part), since=since))


def test_the_newest_of_a_chat_comes_first_whatever_order_the_phone_used():
    infos = [said(text(str(n)), wa_id=f"A{n}", at=NOW - timedelta(hours=n)) for n in (3, 1, 2)]
    assert [item.message.wa_id for item in read(raw_part(*infos))] == ["A1", "A2", "A3"]


@pytest.mark.parametrize(
    ("chat", "conversation", "phone", "lid"),
    [
        (LID, {"pnJID": PHONE}, "5491155550001", "998800000000001"),
        (PHONE, {"lidJID": LID}, "5491155550001", "998800000000001"),
        (LID, {}, None, "998800000000001"),
        (PHONE, {}, "5491155550001", None),
    ],
)
def test_both_addresses_of_a_person_are_found(chat: str, conversation: dict[str, str], phone: str, lid: str):
    [item] = read(raw_part(said(text("hola")), chat=chat, **conversation))
    assert (item.message.phone, item.message.lid) == (phone, lid)
    assert item.message.chat_jid == (LID if lid else PHONE)


def test_the_pairs_that_come_along_are_used_too():
    pair = history.PhoneNumberToLIDMapping(pnJID=PHONE, lidJID=LID)
    for chat in (LID, PHONE):
        [item] = read(raw_part(said(text("hola")), chat=chat, mappings=[pair]))
        assert (item.message.phone, item.message.lid) == ("5491155550001", "998800000000001")


@pytest.mark.parametrize(
    "chat", ["120363000000000001@g.us", "status@broadcast", "120363000000000002@newsletter", "0@s.whatsapp.net", ""]
)
def test_what_is_no_chat_with_one_person_stays_on_the_phone(chat: str):
    assert read(raw_part(said(text("hola")), chat=chat)) == []


def test_what_is_older_than_wanted_is_left_out():
    infos = [said(text("ayer"), at=NOW - timedelta(days=1)), said(text("antes"), at=NOW - timedelta(days=31))]
    assert [item.message.text for item in read(raw_part(*infos))] == ["ayer"]


def test_what_became_of_a_message_comes_with_it():
    infos = [
        said(text("visto"), wa_id="A1", from_me=True, status=WebMessage.READ),
        said(text("llegó"), wa_id="A2", from_me=True, status=WebMessage.DELIVERY_ACK),
        said(text("salió"), wa_id="A3", from_me=True, status=WebMessage.SERVER_ACK),
    ]
    found = {item.message.text: item.status for item in read(raw_part(*infos))}
    assert found == {"visto": "read", "llegó": "delivered", "salió": "sent"}


def test_reactions_come_with_it():
    info = said(text("gracias"))
    info.reactions.add(key=MessageKey(fromMe=True), text="❤️")
    info.reactions.add(key=MessageKey(fromMe=False), text="")
    [item] = read(raw_part(info))
    assert item.reactions == [{"author": "phone", "emoji": "❤️"}]


def test_a_photo_to_be_seen_once_is_not_shown():
    once = e2e.Message(
        viewOnceMessageV2=e2e.FutureProofMessage(message=e2e.Message(imageMessage=e2e.ImageMessage(caption="x")))
    )
    forgotten = e2e.Message(ephemeralMessage=e2e.FutureProofMessage(message=once))
    for body in (once, forgotten):
        [item] = read(raw_part(said(body)))
        assert (item.message.type, item.message.payload["kind"], item.event) == ("unsupported", "view_once", None)
    assert item.message.payload["ephemeral"]


def test_a_file_can_be_asked_for_with_the_event_it_would_have_come_in():
    image = e2e.ImageMessage(directPath="/v/old.enc", mimetype="image/jpeg", fileLength=9, caption="La foto")
    [item] = read(raw_part(said(e2e.Message(imageMessage=image)), pnJID=PHONE))
    assert item.event is not None
    again = decode(7, *item.event)
    assert again is not None and item.message.media is not None
    assert again == replace(item.message, wa_event_id=7)
    assert events.Message.FromString(item.event[1]).Message.imageMessage.directPath == "/v/old.enc"


def test_the_phones_name_for_somebody_comes_before_their_own():
    pushnames = [history.Pushname(ID=LID, pushname="Anita")]
    assert (
        read(raw_part(said(text("hola")), name="Ana Molina", pushnames=pushnames))[0].message.push_name == "Ana Molina"
    )
    assert read(raw_part(said(text("hola")), pushnames=pushnames))[0].message.push_name == "Anita"
    assert read(raw_part(said(text("hola"), pushName="Ani")))[0].message.push_name == "Ani"


def test_lines_about_the_chat_and_deleted_messages_are_left_out():
    empty = WebMessage(key=MessageKey(ID="A1"), messageTimestamp=int(NOW.timestamp()))
    revoke = e2e.ProtocolMessage(type=e2e.ProtocolMessage.REVOKE, key=MessageKey(ID="A0"))
    assert read(raw_part(empty, said(e2e.Message(protocolMessage=revoke)))) == []


def edited(body: Any, wa_id: str = "A1") -> Any:
    edit = e2e.ProtocolMessage(
        type=e2e.ProtocolMessage.MESSAGE_EDIT, key=MessageKey(ID=wa_id, fromMe=True), editedMessage=body
    )
    return e2e.Message(editedMessage=e2e.FutureProofMessage(message=e2e.Message(protocolMessage=edit)))


def test_a_message_that_the_phone_has_as_its_edit_is_the_message_edited():
    [item] = read(raw_part(said(edited(text("a las 6")), wa_id="E1")))
    assert (item.message.wa_id, item.message.text, item.message.type) == ("A1", "a las 6", "text")
    assert item.is_edited and item.edit is None


def test_an_edit_changes_the_message_that_is_there_too_and_the_last_of_two_counts():
    image = e2e.ImageMessage(directPath="/v/old.enc", mimetype="image/jpeg", fileLength=9, caption="a las 5")
    infos = [
        said(e2e.Message(imageMessage=image)),
        said(edited(text("a las 7")), wa_id="E2", at=NOW + timedelta(minutes=2)),
        said(edited(text("a las 6")), wa_id="E1", at=NOW + timedelta(minutes=1)),
    ]
    [item] = read(raw_part(*infos))
    assert (item.message.wa_id, item.message.sent_at, item.message.type) == ("A1", NOW, "image")
    assert item.edit is not None and (item.edit.target_wa_id, item.edit.text) == ("A1", "a las 7")


def test_nobody_edits_what_the_other_side_said():
    infos = [said(text("a las 5"), from_me=True), said(edited(text("a las 6")), wa_id="E1")]
    assert [item.edit for item in read(raw_part(*infos))] == [None, None]


def test_bytes_that_are_no_history_are_an_error():
    with pytest.raises(DecodeError):
        HistoryPart(b"\xff\xff\xff")


async def test_a_message_that_cannot_be_stored_costs_no_other(running_simulator: RunningSimulator):
    alice, channel_id = running_simulator.alice, running_simulator.channel_id
    now = datetime.now(UTC)
    infos = [said(text(str(n)), wa_id=f"A{n}", at=now - timedelta(minutes=n)) for n in range(60)]
    infos[30].messageTimestamp = 2**62  # no calendar has it
    async with unit_of_work(alice):
        await choose_history(alice, channel_id, days=7)
        await record_chunks(alice, channel_id, code=HISTORY, raws=[raw_part(*infos), b"\xff\xff\xff"])

    async def settled() -> bool:
        async with unit_of_work(alice):
            waiting = await sql("SELECT count(*) FROM history_chunk WHERE processed_at IS NULL")
            return waiting.scalar_one() == 0

    await until(settled, "both parts dealt with")
    assert {m.wa_id for m in await running_simulator.messages()} == {f"A{n}" for n in range(60) if n != 30}
    async with unit_of_work(alice):
        kept = (await sql("SELECT error, raw FROM history_chunk ORDER BY id")).all()
    assert kept[0].error is None and kept[0].raw is None
    assert kept[1].error.startswith("undecodable") and kept[1].raw == b"\xff\xff\xff"


async def test_an_owner_chooses_how_much(shop: Shop, other_shop: Shop):
    async with unit_of_work(shop.alice):
        assert (await choose_history(shop.alice, shop.channel.id, days=90)).history_days == 90
        with pytest.raises(InvalidInput):
            await choose_history(shop.alice, shop.channel.id, days=14)
        with pytest.raises(Forbidden):
            await choose_history(shop.bob, shop.channel.id, days=7)
    async with unit_of_work(other_shop.alice):
        with pytest.raises(NotFound):
            await choose_history(other_shop.alice, shop.channel.id, days=7)
