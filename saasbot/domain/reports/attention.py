"""What the frame of every page shows: unread chats, how the numbers do, and what needs an act now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.incidents import NOTICE
from saasbot.infra.db import sql

UNREAD_COUNTED = 100
"""Unread conversations are counted up to here and no further."""
DOWN = ("logged_out", "banned", "failed", "deaf")
"""Statuses of a number that works no more until somebody does something (or WhatsApp does)."""
BLIP = timedelta(seconds=5)
"""A connection is made anew several times a day, in a second or two: before this nobody is told."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A number that is down."""

    channel_id: UUID
    name: str
    status: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    id: UUID
    kind: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Attention:
    company_name: str
    bot_enabled: bool
    unread: int
    statuses: frozenset[str]
    """Of the company's numbers, blips left out."""
    blip_until: datetime | None
    """When the first number that may only be blinking stops being excused: look again then."""
    troubles: tuple[Trouble, ...]
    """Longest down first."""
    notices: tuple[Notice, ...]
    """Open ones, newest first."""


_QUERY = """
    SELECT company.name, company.bot_enabled,
           (SELECT count(*) FROM (SELECT FROM conversation c WHERE c.company_id = :company AND c.unread > 0
                                  LIMIT :counted) AS found) AS unread,
           (SELECT coalesce(json_agg(json_build_object(
                'id', c.id, 'name', c.name, 'status', c.status, 'reason', c.reason, 'since', c.since) ORDER BY c.since), '[]')
            FROM channel c WHERE c.company_id = :company AND c.deleted_at IS NULL) AS channels,
           (SELECT coalesce(json_agg(json_build_object('id', n.id, 'kind', n.kind, 'details', n.details)
                                     ORDER BY n.created_at DESC), '[]')
            FROM notice n WHERE n.company_id = :company AND n.cleared_at IS NULL) AS notices
    FROM company WHERE company.id = :company
"""


async def read_attention(actor: Actor) -> Attention:
    """One statement, read at every change of a chat or a number.

    Raises: Forbidden.
    """
    actor.require("company.read")
    row = (await sql(_QUERY, company=actor.company_id, counted=UNREAD_COUNTED)).one()
    now = datetime.now(UTC)
    states = [(channel["status"], datetime.fromisoformat(channel["since"])) for channel in row.channels]
    told = {notice["details"].get("channel_id") for notice in row.notices if notice["kind"] == NOTICE}
    return Attention(
        company_name=row.name,
        bot_enabled=row.bot_enabled,
        unread=row.unread,
        statuses=frozenset(calm_status(status, since, now) for status, since in states),
        blip_until=first_blip_end(states, now),
        troubles=tuple(_trouble(channel) for channel in row.channels if _is_trouble(channel, told)),
        notices=tuple(Notice(UUID(found["id"]), found["kind"], found["details"]) for found in row.notices),
    )


def calm_status(status: str, since: datetime, now: datetime) -> str:
    """The status as whoever is not looking at the number should hear of it: a blip is not an alarm, and reads as `open`.

    The number's own card shows the truth at once.
    """
    return "open" if _is_blip(status, since, now) else status


def first_blip_end(states: Iterable[tuple[str, datetime]], now: datetime) -> datetime | None:
    """When the first of the states (status, since) that are still excused is so no more."""
    return min((since + BLIP for status, since in states if _is_blip(status, since, now)), default=None)


def _is_blip(status: str, since: datetime, now: datetime) -> bool:
    return status == "reconnecting" and now - since < BLIP


def _is_trouble(channel: dict[str, Any], told: set[str | None]) -> bool:
    """A number that tries to connect is in trouble once its owners were told that it cannot."""
    return channel["status"] in DOWN or (channel["status"] == "reconnecting" and channel["id"] in told)


def _trouble(channel: dict[str, Any]) -> Trouble:
    since = datetime.fromisoformat(channel["since"])
    return Trouble(UUID(channel["id"]), channel["name"], channel["status"], channel["reason"] or "", since)
