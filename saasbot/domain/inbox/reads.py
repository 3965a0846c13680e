"""The list of conversations: pages by keyset, rows by id, and how many there are of each kind.

Every statement reads at most a page, whatever the size of the company: no OFFSET, no count over everything. The order of the
columns in `_SELECT` is that of `ConversationView`.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.access import successor_of
from saasbot.domain.inbox.groups import NO_GROUP
from saasbot.domain.inbox.search import find
from saasbot.domain.inbox.views import COUNTED, ConversationPage, ConversationView, Counters, ListPosition
from saasbot.infra.db import sql
from saasbot.infra.errors import NotFound

PAGE = 50


class ListFilter(StrEnum):
    """The tabs and filters of the list."""

    ALL = "all"
    MINE = "mine"
    UNASSIGNED = "unassigned"
    HUMAN = "human"
    BOT = "bot"
    UNREAD = "unread"


_FILTERS = {
    ListFilter.ALL: "",
    ListFilter.MINE: "AND assignee_id = :me",
    ListFilter.UNASSIGNED: f"AND handler = 'human' AND assignee_id IS NULL AND {NO_GROUP}",
    ListFilter.HUMAN: "AND handler = 'human'",
    ListFilter.BOT: "AND handler = 'bot'",
    ListFilter.UNREAD: "AND unread > 0",
}

_SELECT = """
    SELECT c.id, c.channel_id, channel.name, c.chat_jid, c.contact_id, contact.name, address.phone, address.lid, address.in_group,
        c.status, c.handler, c.assignee_id, assignee.name, c.bot_enabled, c.unread, c.last_message_id, c.last_preview,
        c.last_author, last.author_user_id, last.author_name, c.last_type, c.last_status, c.last_activity_at,
        last.revoked_at IS NOT NULL,
        c.last_type IS NOT DISTINCT FROM 'audio' AND EXISTS (
            SELECT FROM media WHERE media.company_id = :company AND media.id = last.media_id AND media.voice),
        channel.status, channel.deleted_at IS NOT NULL
    FROM ({page}) c
    JOIN channel ON channel.company_id = :company AND channel.id = c.channel_id
    JOIN contact ON contact.company_id = :company AND contact.id = c.contact_id
    LEFT JOIN LATERAL (
        SELECT max(value) FILTER (WHERE kind = 'phone') AS phone, max(value) FILTER (WHERE kind = 'lid') AS lid,
            max(value) FILTER (WHERE kind = 'group') AS in_group
        FROM contact_identity WHERE company_id = :company AND contact_id = c.contact_id
    ) address ON true
    LEFT JOIN user_account assignee ON assignee.id = c.assignee_id
    LEFT JOIN message last ON last.company_id = :company AND last.id = c.last_message_id
    ORDER BY c.last_activity_at DESC, c.id DESC
"""


async def list_conversations(
    actor: Actor,
    *,
    filter: ListFilter = ListFilter.ALL,
    status: str | None = None,
    handler: str | None = None,
    assignee_id: UUID | None = None,
    query: str = "",
    after: ListPosition | None = None,
    limit: int = PAGE,
) -> ConversationPage:
    """A page of conversations, those with the newest activity first; with a query, those that it finds (see `find`).

    Raises: Forbidden.
    """
    actor.require("inbox.read")
    conditions = [_FILTERS[filter]]
    values: dict[str, Any] = {"me": actor.user_id}
    for column, value in (("status", status), ("handler", handler), ("assignee_id", assignee_id)):
        if value is not None:
            conditions.append(f"AND {column} = :{column}")
            values[column] = value
    matches: dict[UUID, str] = {}
    if query.strip():
        matches = await find(actor, query)
        conditions.append("AND id = ANY(:found)")
        values["found"] = list(matches)
    if after is not None:
        conditions.append("AND (last_activity_at, id) < (:after_at, :after_id)")
        values |= {"after_at": after.last_activity_at, "after_id": after.conversation_id}
    page = f"""
        SELECT * FROM conversation WHERE company_id = :company {" ".join(conditions)}
        ORDER BY last_activity_at DESC, id DESC LIMIT :limit
    """  # noqa: S608  # fixed fragments; values are bound
    rows = await _read(actor, page, limit=limit + 1, **{k: v for k, v in values.items() if f":{k}" in page})
    shown = rows[:limit]
    found = {row.id: matches[row.id] for row in shown if matches.get(row.id)}
    return ConversationPage(shown, shown[-1].position if len(rows) > limit else None, found)


async def read_conversations(actor: Actor, ids: Iterable[UUID]) -> dict[UUID, ConversationView]:
    """Those of the given conversations that exist and the actor may see.

    Raises: Forbidden.
    """
    actor.require("inbox.read")
    wanted = list(ids)
    if not wanted:
        return {}
    page = "SELECT * FROM conversation WHERE company_id = :company AND id = ANY(:ids)"
    return {row.id: row for row in await _read(actor, page, ids=wanted)}


async def read_conversation(actor: Actor, conversation_id: UUID) -> ConversationView:
    """The conversation, or the one with which it was joined. Raises: Forbidden, NotFound."""
    found = await read_conversations(actor, [conversation_id])
    if not found and (successor := await successor_of(actor, conversation_id)) is not None:
        found = await read_conversations(actor, [successor])
    if not found:
        raise NotFound
    return next(iter(found.values()))


def belongs(actor: Actor, row: ConversationView, filter: ListFilter) -> bool:
    """Whether the conversation is in the actor's list under this filter: what `list_conversations` decides in SQL."""
    match filter:
        case ListFilter.MINE:
            return row.assignee_id is not None and row.assignee_id == actor.user_id
        case ListFilter.UNASSIGNED:
            return row.handler == "human" and row.assignee_id is None and row.group is None
        case ListFilter.HUMAN | ListFilter.BOT:
            return row.handler == filter
        case ListFilter.UNREAD:
            return row.unread > 0
        case ListFilter.ALL:
            return True


async def count_conversations(actor: Actor) -> Counters:
    """How many the tabs and the rail's badge show; `COUNTED` means that many or more.

    Raises: Forbidden.
    """
    actor.require("inbox.read")
    row = (await sql(_COUNT, company=actor.company_id, me=actor.user_id)).one()
    return Counters(*tuple(row))


def _counted(condition: str) -> str:
    return (
        "(SELECT count(*) FROM (SELECT FROM conversation "  # noqa: S608  # fixed fragments
        f"WHERE company_id = :company {condition} LIMIT {COUNTED}) counted)"
    )


_COUNT = "SELECT " + ", ".join(
    _counted(_FILTERS[name]) for name in (ListFilter.MINE, ListFilter.UNASSIGNED, ListFilter.ALL, ListFilter.UNREAD)
)


async def _read(actor: Actor, page: str, **values: Any) -> list[ConversationView]:
    rows = await sql(_SELECT.format(page=page), company=actor.company_id, **values)
    return [ConversationView(*tuple(row)) for row in rows]
