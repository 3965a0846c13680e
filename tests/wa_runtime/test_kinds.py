"""Every event that was captured from the library goes from the journal to the inbox: in any order, once, and none fails."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from saasbot.domain.actor import Actor
from saasbot.infra import db
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.events import Listener
from saasbot.wa_runtime.journal import NumberJournal
from saasbot.wa_runtime.processor import Processor
from saasbot.wa_runtime.protobufs import CALL_OFFER, MESSAGE, events
from tests.fixtures.numbers import simulator_channel, until
from tests.wa_runtime.neonize_fixtures import NAMES, captured


@pytest.fixture
async def journal(alice: Actor, tmp_path: Path) -> AsyncIterator[NumberJournal]:
    """Of a number of alice's, with a processor that empties it."""
    channel = await simulator_channel(alice)
    listener = Listener(db.app_dsn())
    processor = Processor(listener)
    await listener.start()
    await processor.start()
    yield NumberJournal(
        company_id=channel.company_id, channel_id=channel.id, epoch=1, dsn=db.app_dsn(), spool_dir=tmp_path
    )
    await processor.stop()
    await listener.stop()


def messages_that_acts_mean() -> list[tuple[int, bytes]]:
    """`AAA` of the customer and `3EB0X` of the phone: what the captured reactions, edits and the deletion are about."""
    made = []
    for name, wa_id in (("text", "AAA"), ("own_from_phone", "3EB0X")):
        event = events.Message.FromString(captured(name)[1])
        event.Info.ID = wa_id
        made.append((MESSAGE, event.SerializeToString()))
    return made


def told_again(code: int, raw: bytes) -> tuple[int, bytes]:
    """The same happening in other bytes, as after a lost acknowledgement."""
    if code == CALL_OFFER:
        call = events.CallOffer.FromString(raw)
        call.basicCallMeta.timestamp += 1
        return code, call.SerializeToString()
    if code != MESSAGE:
        return code, raw
    message = events.Message.FromString(raw)
    message.RetryCount += 1
    return code, message.SerializeToString()


async def inbox_after(
    alice: Actor, journal: NumberJournal, told: list[tuple[int, bytes]]
) -> dict[str, tuple[Any, ...]]:
    """Every message by its WhatsApp id, once all of it is processed."""
    await journal.append_many(told)

    async def processed() -> bool:
        async with unit_of_work(alice):
            return (await sql("SELECT count(*) FROM wa_event WHERE processed_at IS NULL")).scalar_one() == 0

    await until(processed)
    async with unit_of_work(alice):
        assert (await sql("SELECT error FROM wa_event WHERE error IS NOT NULL")).all() == []
        rows = await sql("SELECT wa_id, type, text, payload, reactions, revoked_at FROM message")
        found = {row.wa_id: tuple(row) for row in rows.all()}
        assert (await sql("SELECT count(*) FROM message")).scalar_one() == len(found), "each once"
    return found


@pytest.mark.parametrize("backwards", [False, True])
async def test_every_captured_event_becomes_what_it_is(alice: Actor, journal: NumberJournal, backwards: bool):
    told = [*messages_that_acts_mean(), *(captured(name) for name in NAMES)]
    inbox = await inbox_after(alice, journal, told[::-1] if backwards else told)
    assert inbox == await inbox_after(alice, journal, [told_again(*event) for event in told])
    assert not [
        row for row in inbox.values() if row[1] == "unsupported" and row[3]["kind"] in ("reaction", "edit", "revoke")
    ]
    assert inbox["AAA"][2] == "" and inbox["AAA"][5] is not None
    assert inbox["3EB0X"][4] == []  # the newer of its two reactions took the older back
    assert (inbox["CALLID"][1], inbox["CALLID"][3]["kind"]) == ("activity", "missed_call")
    types = {row[1] for row in inbox.values()}
    assert {"text", "image", "video", "sticker", "audio", "document", "location", "contact", "activity"} <= types


async def test_a_live_location_that_moves_on_stays_one_message_where_it_began(alice: Actor, journal: NumberJournal):
    began = events.Message.FromString(captured("live_location")[1])
    moved = events.Message.FromString(captured("live_location")[1])
    edit = events.Message.FromString(captured("edit")[1])
    place = moved.Message.liveLocationMessage
    place.degreesLatitude, place.sequenceNumber = -24.0, place.sequenceNumber + 1
    edit.Message.protocolMessage.key.ID = began.Info.ID
    edit.Message.protocolMessage.editedMessage.Clear()
    edit.Message.protocolMessage.editedMessage.liveLocationMessage.CopyFrom(place)
    told = [(MESSAGE, event.SerializeToString()) for event in (began, moved, edit)]
    inbox = await inbox_after(alice, journal, told)
    assert [(row[1], row[3]["latitude"], row[3]["live"]) for row in inbox.values()] == [("location", -23.5, True)]
