"""Writing to people who never wrote: whom it concerns, and WhatsApp's pause of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from saasbot.domain.actor import Actor
from saasbot.domain.channels.access import access_channel
from saasbot.domain.companies.access import access_company
from saasbot.infra import events
from saasbot.infra.db import sql
from saasbot.infra.errors import AppError
from saasbot.infra.logging import get_logger
from saasbot.models import Channel, Conversation
from saasbot.models.table import utcnow

log = get_logger(__name__)

STRANGER = """(
    c.last_customer_seq = 0 AND c.chat_jid NOT LIKE '%@g.us'
    AND NOT EXISTS (SELECT FROM message i WHERE i.conversation_id = c.id AND i.direction = 'inbound')
)"""
"""SQL, of a conversation `c`: nobody in it has ever written, or called."""

UNASKED = """
    c.chat_jid LIKE '%@s.whatsapp.net'
        AND NOT EXISTS (SELECT FROM message e WHERE e.conversation_id = c.id AND e.wa_id IS NOT NULL)
        AND NOT EXISTS (
            SELECT FROM contact_identity i WHERE i.company_id = m.company_id AND i.kind = 'phone'
            AND i.value = split_part(c.chat_jid, '@', 1) AND i.checked_at IS NOT NULL)
"""
"""SQL, of a message `m` in a conversation `c`: nothing was exchanged with this phone yet, and WhatsApp was not asked how it knows it."""

PAUSES = {
    "reachout_timelocked": timedelta(days=1),
    "new_chats_capped": timedelta(days=1),
    "rate_limited": timedelta(hours=1),
}
"""For how long new chats rest after WhatsApp refused one so and gave no time: it tells none on this protocol."""


def pause_ahead(channel: Channel, *, now: datetime | None = None) -> datetime | None:
    """Until when the number may write to nobody first; nothing when it may."""
    until = channel.new_chats_paused_until
    return until if until is not None and until > (now or utcnow()) else None


@dataclass(frozen=True, slots=True)
class Pause:
    until: datetime
    reason: str | None


class NewChatsPaused(AppError):
    code: ClassVar[str] = "new_chats_paused"
    status: ClassVar[int] = 409
    message: ClassVar[str] = (
        "This number may write to nobody first until {until}. Your message was not sent; whoever writes to you is answered as "
        "always."
    )


async def is_stranger(conversation_id: UUID) -> bool:
    found = await sql(f"SELECT {STRANGER} FROM conversation c WHERE c.id = :id", id=conversation_id)  # noqa: S608
    return bool(found.scalar_one())


async def pause_in_chat(actor: Actor, conversation_id: UUID) -> Pause | None:
    """The pause that holds in this chat now: nothing where somebody has written. Raises: Forbidden."""
    actor.require("inbox.read")
    row = (
        await sql(
            f"""
            SELECT n.new_chats_paused_until, n.new_chats_paused_reason
            FROM conversation c JOIN channel n ON n.id = c.channel_id
            WHERE c.company_id = :company AND c.id = :id AND n.new_chats_paused_until > clock_timestamp() AND {STRANGER}
            """,  # noqa: S608  # fixed fragments
            company=actor.company_id,
            id=conversation_id,
        )
    ).one_or_none()
    return Pause(*row) if row is not None else None


async def check_may_write_first(actor: Actor, channel: Channel, conversation: Conversation) -> None:
    """A person is told at once, not when the message would leave. Raises: NewChatsPaused."""
    if conversation.last_customer_seq:
        return
    until = pause_ahead(channel)
    if until is not None and await is_stranger(conversation.id):
        company = await access_company(actor)
        raise NewChatsPaused(until=until.astimezone(ZoneInfo(company.timezone)))


async def note_refusal(actor: Actor, channel_id: UUID, message_id: UUID, *, code: str, until: datetime | None) -> None:
    """WhatsApp refused this message. When it was one to a stranger, and for being that, new chats of the number pause until the
    time it gave, or a usual one; all other chats go on. In a chat where somebody has written the same code is about that chat
    alone (a token of it has run out)."""
    usual = PAUSES.get(code)
    if usual is None:
        return
    # its chat as it is now: people may have been joined while it was on its way
    chat = await sql("SELECT conversation_id FROM message WHERE id = :id", id=message_id)
    if await is_stranger(chat.scalar_one()):
        await pause_new_chats(actor, channel_id, until=until or utcnow() + usual, reason=code)


async def pause_new_chats(actor: Actor, channel_id: UUID, *, until: datetime, reason: str) -> Channel:
    """The number writes to nobody first before that time; a longer pause stays as it is."""
    channel = await access_channel(actor, channel_id, lock=True)
    if (pause_ahead(channel) or until) <= until:
        channel.new_chats_paused_until, channel.new_chats_paused_reason = until, reason
        log.warning("channels.new_chats_paused", channel_id=str(channel_id), reason=reason, until=until.isoformat())
        events.publish("channel", company_id=actor.company_id, channel_id=channel_id)
    return channel
