"""What a number hears, and who listens to the events: small words for the tests of the inbox."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from saasbot.domain.channels.commands import COMMANDS
from saasbot.domain.inbox.acts import apply_acts
from saasbot.domain.inbox.incoming import IncomingAct, IncomingMedia, IncomingMessage, IncomingReceipt
from saasbot.domain.inbox.receipts import apply_receipts
from saasbot.domain.inbox.receive import receive
from saasbot.infra import db
from saasbot.infra.db import session, unit_of_work
from saasbot.infra.events import CHANNEL
from saasbot.models import ActKind, Channel, MessageStatus, MessageType
from tests.fixtures.shops import Shop

ANA, BETO = "5491150000001", "5491150000002"
_ORDER = {"message": "seq", "message_act": "at"}
START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def message(
    text: str = "",
    *,
    wa_id: str,
    phone: str | None = ANA,
    lid: str | None = None,
    minute: float = 0,
    from_me: bool = False,
    name: str = "Ana Pérez",
    type: MessageType = MessageType.TEXT,
    payload: dict[str, Any] | None = None,
    media: IncomingMedia | None = None,
    quoted: str | None = None,
    chat: str | None = None,
) -> IncomingMessage:
    """It is in the chat of the LID where that is told, unless another is named."""
    return IncomingMessage(
        wa_id=wa_id,
        chat_jid=chat or _chat(phone, lid),
        phone=phone,
        lid=lid,
        from_me=from_me,
        sent_at=START + timedelta(minutes=minute),
        type=type,
        push_name=name,
        text=text,
        payload=payload or {},
        media=media,
        quoted_wa_id=quoted,
    )


async def hears(shop: Shop, *messages: IncomingMessage, channel: Channel | None = None) -> int:
    """The shop's number hears these, in one go. Returns how many were new."""
    async with unit_of_work(shop.system):
        number = await session().get_one(Channel, (channel or shop.channel).id)
        return await receive(shop.system, number, list(messages))


def act(
    kind: ActKind,
    wa_id: str,
    text: str = "",
    *,
    phone: str | None = ANA,
    lid: str | None = None,
    minute: float = 0,
    from_me: bool = False,
    chat: str | None = None,
) -> IncomingAct:
    """What Ana does to the message `wa_id`, or the phone itself."""
    at = START + timedelta(minutes=minute)
    chat_jid = chat or _chat(phone, lid)
    return IncomingAct(kind, phone, lid, from_me=from_me, target_wa_id=wa_id, at=at, text=text, chat_jid=chat_jid)


def _chat(phone: str | None, lid: str | None) -> str:
    return f"{lid}@lid" if lid else f"{phone}@s.whatsapp.net"


async def acts(shop: Shop, *done: IncomingAct) -> None:
    """The shop's number hears of these, in one go."""
    async with unit_of_work(shop.system):
        number = await session().get_one(Channel, shop.channel.id)
        await apply_acts(shop.system, number, list(done))


async def receipt(shop: Shop, *wa_ids: str, kind: MessageStatus = MessageStatus.READ, minute: float = 60) -> None:
    async with unit_of_work(shop.system):
        told = IncomingReceipt(wa_ids, kind, START + timedelta(minutes=minute))
        await apply_receipts(shop.system, shop.channel.id, [told])


async def rows(shop: Shop, table: str) -> list[dict[str, Any]]:
    """A tenant table as it is, oldest first."""
    async with unit_of_work(shop.system):
        order = _ORDER.get(table, "id")
        found = await db.sql(f"SELECT * FROM {table} ORDER BY {order}")
        return [row._asdict() for row in found]


@dataclass
class Heard:
    """What was published while listening."""

    events: list[dict[str, str]] = field(default_factory=list)
    commands: list[dict[str, Any]] = field(default_factory=list)

    def of(self, conversation_id: UUID) -> int:
        return sum(event.get("conversation_id") == str(conversation_id) for event in self.events)


@asynccontextmanager
async def listening() -> AsyncIterator[Heard]:
    """Filled when the block ends with everything that was committed inside it."""
    heard = Heard()
    async with await psycopg.AsyncConnection.connect(db.app_dsn(), autocommit=True) as connection:
        await connection.execute(f'LISTEN "{CHANNEL}"'.encode())
        await connection.execute(f'LISTEN "{COMMANDS}"'.encode())
        yield heard
        await connection.execute("SELECT 1")  # what was committed before has arrived with its answer
        async for notification in connection.notifies(timeout=0.1):
            if notification.channel == CHANNEL:
                heard.events += json.loads(notification.payload)
            else:
                heard.commands.append(json.loads(notification.payload))
