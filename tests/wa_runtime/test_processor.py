"""One event that cannot be stored, whatever its sender put into it, holds nobody up: those behind it are stored."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from saasbot.domain.admin.numbers import read_numbers
from saasbot.domain.inbox.incoming import IncomingMessage, IncomingReceipt
from saasbot.domain.inbox.receipts import apply_receipts
from saasbot.infra import db
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.events import Listener
from saasbot.models import MessageStatus
from saasbot.models.table import utcnow
from saasbot.wa_runtime import processor as processing
from saasbot.wa_runtime.journal import NumberJournal
from saasbot.wa_runtime.processor import Processor
from saasbot.wa_runtime.protobufs import MESSAGE, events
from saasbot.wa_runtime.status import status_table
from tests.attack.attempts import attempt
from tests.fixtures.numbers import until
from tests.fixtures.shops import Shop
from tests.wa_runtime.neonize_fixtures import captured


@dataclass
class Number:
    """The shop's number, heard by a processor of its own."""

    shop: Shop
    journal: NumberJournal

    async def hears(self, *told: Any) -> None:
        """Returns when none of it waits."""
        raws = [event if isinstance(event, bytes) else event.SerializeToString() for event in told]
        await self.journal.append_many([(MESSAGE, raw) for raw in raws])
        await until(self._nothing_waits)

    async def _nothing_waits(self) -> bool:
        async with unit_of_work(self.shop.system):
            return (await sql("SELECT count(*) FROM wa_event WHERE processed_at IS NULL")).scalar_one() == 0

    async def column(self, statement: str) -> list[Any]:
        async with unit_of_work(self.shop.system):
            return list((await sql(statement)).scalars())

    async def texts(self) -> list[str]:
        return await self.column("SELECT text FROM message ORDER BY seq")

    async def set_aside(self) -> list[str]:
        return await self.column("SELECT error FROM wa_event WHERE error IS NOT NULL")


@pytest.fixture
async def number(shop: Shop, tmp_path: Path) -> AsyncIterator[Number]:
    listener = Listener(db.app_dsn())
    processor = Processor(listener)
    await listener.start()
    await processor.start()
    yield Number(
        shop,
        NumberJournal(
            company_id=shop.system.company_id, channel_id=shop.channel.id, epoch=1, dsn=db.app_dsn(), spool_dir=tmp_path
        ),
    )
    await processor.stop()
    await listener.stop()


def text(words: str, wa_id: str) -> Any:
    event = events.Message.FromString(captured("text")[1])
    event.Info.ID = wa_id
    event.Message.Clear()
    event.Message.extendedTextMessage.text = words
    return event


def odd_ones() -> list[Any]:
    """Values that PostgreSQL takes nowhere, in fields that their sender fills."""
    no_utf8 = text("h-la", "A").SerializeToString().replace(b"h-la", b"h\xffla")
    picture, place, button = text("", "B"), text("", "C"), text("", "D")
    image = picture.Message.imageMessage
    picture.Message.ClearField("extendedTextMessage")
    image.mimetype, image.fileLength, image.width = "image/\0jpeg", 2**64 - 1, 2**32 - 1
    image.contextInfo.stanzaID, image.contextInfo.expiration = "\0", 2**32 - 1
    place.Message.ClearField("extendedTextMessage")
    place.Message.locationMessage.degreesLatitude = float("nan")
    button.Message.ClearField("extendedTextMessage")
    answer = button.Message.interactiveResponseMessage.nativeFlowResponseMessage
    answer.name, answer.paramsJSON, answer.version = "quick_reply", '{"id": "\\ud800 sí\\u0000"}', 1
    return [no_utf8, picture, place, button]


def done_to(name: str, wa_id: str) -> Any:
    """A captured reaction, edit or deletion, of another message."""
    event = events.Message.FromString(captured(name)[1])
    body = event.Message
    (body.reactionMessage if body.HasField("reactionMessage") else body.protocolMessage).key.ID = wa_id
    return event


LONG = "".join(chr(0x4E00 + i * 7919 % 20_000) for i in range(8_000))
"""Nothing in it repeats, so that PostgreSQL cannot compress it into an index row."""


@attempt(
    280,
    "limits",
    "A reaction, an edit or a deletion names a message by an id that is too long for an index, to stop the number.",
)
@pytest.mark.parametrize("name", ["reaction", "edit", "revoke"])
async def test_an_act_upon_an_id_without_end_holds_nobody_up(number: Number, name: str):
    await number.hears(done_to(name, LONG), text("¿Siguen ahí?", "B"))
    assert await number.texts() == ["¿Siguen ahí?"]
    assert await number.set_aside() == []


async def test_a_message_with_ids_without_end_is_stored_once_and_its_acts_find_it(number: Number):
    event = text("hola", LONG)
    event.Message.extendedTextMessage.contextInfo.stanzaID = LONG
    await number.hears(event, done_to("reaction", LONG))
    event.RetryCount += 1
    await number.hears(event)
    assert await number.texts() == ["hola"]
    assert [len(r) for r in await number.column("SELECT reactions FROM message")] == [1]


async def test_values_that_no_column_takes_cost_nobody_a_message(number: Number):
    await number.hears(*odd_ones())
    assert await number.set_aside() == []
    assert await number.texts() == ["h\ufffdla", "", "", "? sí"]


async def test_what_the_database_never_takes_is_set_aside_and_the_others_are_stored(
    number: Number, monkeypatch: pytest.MonkeyPatch
):
    stored = processing.receive

    async def receive(actor: Any, channel: Any, messages: Sequence[IncomingMessage]) -> int:
        if any(message.text == "mala" for message in messages):
            await apply_receipts(actor, channel.id, [IncomingReceipt((LONG,), MessageStatus.READ, utcnow())])
        return await stored(actor, channel, messages)

    monkeypatch.setattr(processing, "receive", receive)
    await number.hears(text("antes", "A"), text("mala", "B"), text("después", "C"))
    assert await number.texts() == ["antes", "", "después"]
    assert (await number.column("SELECT payload->>'kind' FROM message ORDER BY seq"))[1] == "not_stored"
    [error] = await number.set_aside()
    assert "ProgramLimitExceeded" in error


async def test_what_leaves_not_even_a_line_is_set_aside(number: Number, monkeypatch: pytest.MonkeyPatch):
    stored = processing.receive

    async def receive(actor: Any, channel: Any, messages: Sequence[IncomingMessage]) -> int:
        if any(message.wa_id == "B" for message in messages):
            raise ValueError("never")
        return await stored(actor, channel, messages)

    monkeypatch.setattr(processing, "receive", receive)
    await number.hears(text("antes", "A"), text("mala", "B"), text("después", "C"))
    assert await number.texts() == ["antes", "después"]
    assert await number.set_aside() == ["ValueError('never')"]


async def test_what_takes_too_long_lets_the_others_pass_and_comes_again(
    number: Number, monkeypatch: pytest.MonkeyPatch
):
    stored, may_end = processing.receive, asyncio.Event()

    async def receive(actor: Any, channel: Any, messages: Sequence[IncomingMessage]) -> int:
        if any(message.text == "lenta" for message in messages) and not may_end.is_set():
            await sql("SELECT set_config('statement_timeout', '20ms', true)")
            await sql("SELECT pg_sleep(30)")
        return await stored(actor, channel, messages)

    monkeypatch.setattr(processing, "receive", receive)
    hearing = asyncio.create_task(number.hears(text("lenta", "A"), text("rápida", "B")))

    async def other_is_stored() -> bool:
        return await number.texts() == ["rápida"]

    await until(other_is_stored)
    may_end.set()
    await hearing
    assert await number.texts() == ["rápida", "lenta"]


async def test_what_always_takes_too_long_is_set_aside(number: Number, monkeypatch: pytest.MonkeyPatch):
    stored = processing.receive

    async def receive(actor: Any, channel: Any, messages: Sequence[IncomingMessage]) -> int:
        if any(message.text == "lenta" for message in messages):
            await sql("SELECT set_config('statement_timeout', '20ms', true)")
            await sql("SELECT pg_sleep(30)")
        return await stored(actor, channel, messages)

    monkeypatch.setattr(processing, "receive", receive)
    monkeypatch.setattr(processing, "_SLOW_SECONDS", 0.2)
    await number.hears(text("lenta", "A"), text("rápida", "B"))
    assert await number.texts() == ["rápida", ""]
    [error] = await number.set_aside()
    assert "QueryCanceled" in error


async def test_what_is_no_event_is_set_aside_and_counted_beside_the_others(number: Number):
    await number.hears(b"\xff no protobuf", text("después", "B"))
    assert await number.texts() == ["después"]
    [error] = await number.set_aside()
    assert error.startswith("undecodable")
    [health] = await read_numbers()
    line = status_table([health], now=utcnow()).splitlines()[1]
    assert (health.set_aside, line.split()[-1]) == (1, "1")
