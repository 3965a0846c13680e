"""How far the earlier chats of a number have come, for its owner: written with the messages, so it is never ahead of them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.infra import events
from saasbot.infra.db import sql

QUIET_MINUTES = 10
"""A phone that sends nothing more for so long has sent all it will, whatever it counted."""


@dataclass(frozen=True, slots=True)
class HistoryView:
    """What its owner wants of the past of a number, and what there is of it."""

    days: int
    percent: int | None
    """As the phone counts what it has sent; nothing before the first part."""
    messages: int
    chats: int
    running: bool
    finished_at: datetime | None


async def note_progress(
    actor: Actor, channel_id: UUID, *, percent: int | None, messages: int, chats: int, tell: bool
) -> None:
    """So many more were stored; `percent` is the phone's own count, nothing when it told none. `tell`: screens shall follow."""
    await sql(
        """
        INSERT INTO channel_history AS h (channel_id, company_id, percent, messages, chats, advanced_at)
        VALUES (:channel, :company, :percent, :messages, :chats, clock_timestamp())
        ON CONFLICT (channel_id) DO UPDATE SET
            percent = coalesce(excluded.percent, h.percent), messages = h.messages + excluded.messages,
            chats = h.chats + excluded.chats, advanced_at = excluded.advanced_at, finished_at = NULL
        """,
        channel=channel_id,
        company=actor.company_id,
        percent=percent,
        messages=messages,
        chats=chats,
    )
    if tell:
        events.publish("channel", company_id=actor.company_id, channel_id=channel_id)


async def note_end(actor: Actor, channel_id: UUID) -> None:
    """A part is worked off. When it was the phone's last and none waits, the history is complete."""
    ended = await sql(
        """
        UPDATE channel_history SET finished_at = clock_timestamp()
        WHERE channel_id = :channel AND company_id = :company AND finished_at IS NULL AND percent >= 100
          AND NOT EXISTS (SELECT FROM history_chunk c WHERE c.channel_id = :channel AND c.processed_at IS NULL)
        """,
        channel=channel_id,
        company=actor.company_id,
    )
    if ended.rowcount:
        events.publish("channel", company_id=actor.company_id, channel_id=channel_id)
