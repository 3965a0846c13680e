"""Store a slice of a phone's history: chats and messages as they were, finished. Nobody is told, nothing is unread, no bot is
asked, and a chat stands where its newest message puts it.

A stored one has a negative `seq`: it lies before everything that the bot or a take-over counts from, whenever it arrives.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.journal import fingerprint
from saasbot.domain.inbox.acts import keep_acts
from saasbot.domain.inbox.identities import Address, kind_of_chat, resolve_contacts
from saasbot.domain.inbox.incoming import IncomingAct, IncomingMessage
from saasbot.domain.inbox.preview import preview_of
from saasbot.domain.inbox.receipts import apply_waiting
from saasbot.domain.inbox.settle import settle_quietly
from saasbot.infra import events
from saasbot.infra.db import session, sql
from saasbot.models import ActKind, Author, Channel, Direction, Media, MediaStatus, MessageStatus
from saasbot.models.table import new_id, utcnow

OLDER_MEDIA = "older_media"
"""Why a file of the history is not here: nobody has asked for it."""


@dataclass(frozen=True, slots=True)
class OlderMessage:
    """A message of the history, with what became of it there. `event` is what its file can be downloaded with, as the
    journal keeps it: code and raw."""

    message: IncomingMessage
    status: MessageStatus = MessageStatus.DELIVERED
    reactions: list[dict[str, str]] = field(default_factory=list)
    """Of each side at most one, as `message.reactions` has them."""
    event: tuple[int, bytes] | None = None
    edit: IncomingAct | None = None
    """The last edit of it, where the history has both."""
    is_edited: bool = False
    """The history has it with its last words alone."""


@dataclass(frozen=True, slots=True)
class Stored:
    messages: int
    chats: int
    """Chats that had nothing older before."""


_CONVERSATIONS = """
    INSERT INTO conversation (
        id, company_id, channel_id, contact_id, created_at, chat_jid, status, handler, owner_epoch, owner_changed_seq,
        bot_enabled, bot_started, unread, last_preview, last_activity_at, last_customer_seq, answered_seq)
    SELECT n.id, :company, :channel, n.contact_id, now(), n.chat, 'resolved', 'bot', 1, 0,
        true, false, 0, '', n.at, 0, 0
    FROM unnest(CAST(:ids AS uuid[]), CAST(:contacts AS uuid[]), CAST(:chats AS text[]), CAST(:moments AS timestamptz[]))
        AS n(id, contact_id, chat, at)
    ON CONFLICT (company_id, channel_id, contact_id) DO NOTHING
"""

_LOCKED = """
    SELECT c.id, c.contact_id, EXISTS (SELECT FROM message m WHERE m.conversation_id = c.id AND m.seq < 0) AS has_older
    FROM conversation c WHERE c.company_id = :company AND c.channel_id = :channel AND c.contact_id = ANY(:contacts)
    ORDER BY c.id FOR NO KEY UPDATE OF c
"""

_MESSAGES = """
    INSERT INTO message (
        seq, id, company_id, conversation_id, channel_id, created_at, sort_at, wa_id, wa_timestamp, from_me, direction,
        author, author_name, type, text, payload, quoted_wa_id, status, chat_jid, edited_at)
    OVERRIDING SYSTEM VALUE
    SELECT -nextval(pg_get_serial_sequence('message', 'seq')), r.id, :company, r.conversation_id, :channel, r.at, r.at,
        r.wa_id, r.at, r.from_me, r.direction, r.author, '', r.type, r.text, r.payload, r.quoted_wa_id, r.status, r.chat_jid,
        r.edited_at
    FROM (
        SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS (
            number integer, id uuid, conversation_id uuid, at timestamptz, wa_id text, from_me boolean, direction text,
            author text, type text, text text, payload jsonb, quoted_wa_id text, status text, chat_jid text,
            edited_at timestamptz)
        ORDER BY number
    ) r
    ON CONFLICT (channel_id, conversation_id, wa_id, from_me) WHERE wa_id IS NOT NULL DO NOTHING
    RETURNING id
"""

_LAST = """
    UPDATE conversation c SET last_activity_at = n.at, last_message_id = n.id, last_preview = n.preview,
        last_author = n.author, last_type = n.type, last_status = n.status
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS n(
        conversation_id uuid, id uuid, at timestamptz, preview text, author text, type text, status text)
    WHERE c.id = n.conversation_id AND (c.last_message_id IS NULL OR c.last_activity_at < n.at)
"""


async def store_older(actor: Actor, channel: Channel, older: Sequence[OlderMessage]) -> Stored:
    """Store messages of one number's history, the newest of each chat first. Those that are stored already change nothing.

    True afterwards: what was done to a message since the phone told of it, a tick too, is done.
    """
    if not older:
        return Stored(0, 0)
    addresses = [
        Address(item.message.phone, item.message.lid, under=kind_of_chat(item.message.chat_jid)) for item in older
    ]
    contacts = await resolve_contacts(actor, addresses)
    people = [contacts[address] for address in addresses]
    await _name(actor, dict(zip(people, (item.message.push_name for item in older), strict=True)))
    conversations, with_older = await _conversations(actor, channel, people, older)
    rows = [
        _row(number, conversations[person], item)
        for number, (person, item) in enumerate(zip(people, older, strict=True))
    ]
    inserted = await sql(_MESSAGES, company=actor.company_id, channel=channel.id, rows=json.dumps(rows, default=str))
    fresh = {row.id for row in inserted.all()}
    stored = [(row, item) for row, item in zip(rows, older, strict=True) if row["id"] in fresh]
    await _announce_media(actor, channel, stored)
    await _show_as_last(stored)
    await _settle(actor, channel, {conversation: person for person, conversation in conversations.items()}, stored)
    touched = {row["conversation_id"] for row, _ in stored}
    for conversation_id in touched:
        events.publish("conversation", company_id=actor.company_id, conversation_id=conversation_id)
    return Stored(len(stored), len(touched - with_older))


async def _name(actor: Actor, names: dict[UUID, str]) -> None:
    """A name of the phone's fills an empty one; what somebody called themselves since, or the team, stays."""
    await sql(
        """
        UPDATE contact c SET name = n.name FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS text[])) AS n(id, name)
        WHERE c.id = n.id AND c.company_id = :company AND c.name = '' AND n.name <> ''
        """,
        company=actor.company_id,
        ids=list(names),
        names=list(names.values()),
    )


async def _conversations(
    actor: Actor, channel: Channel, people: list[UUID], older: Sequence[OlderMessage]
) -> tuple[dict[UUID, UUID], set[UUID]]:
    """The locked conversation of each person, created where there is none, and which of them have older messages already."""
    first = dict(zip(reversed(people), reversed(older), strict=True))
    await sql(
        _CONVERSATIONS,
        company=actor.company_id,
        channel=channel.id,
        ids=[new_id() for _ in first],
        contacts=list(first),
        chats=[item.message.chat_jid for item in first.values()],
        moments=[item.message.sent_at for item in first.values()],
    )
    rows = (await sql(_LOCKED, company=actor.company_id, channel=channel.id, contacts=list(first))).all()
    return {row.contact_id: row.id for row in rows}, {row.id for row in rows if row.has_older}


def _row(number: int, conversation_id: UUID, item: OlderMessage) -> dict[str, Any]:
    message = item.message
    at = min(message.sent_at, utcnow())  # a clock that ran ahead must not pin the chat to the top of the list
    return {
        "number": number,
        "id": new_id(),
        "conversation_id": conversation_id,
        "at": at,
        "wa_id": message.wa_id,
        "from_me": message.from_me,
        "direction": Direction.OUTBOUND if message.from_me else Direction.INBOUND,
        "author": Author.PHONE if message.from_me else Author.CUSTOMER,
        "type": message.type,
        "text": message.text,
        "payload": message.payload,
        "quoted_wa_id": message.quoted_wa_id,
        "status": item.status,
        "chat_jid": message.chat_jid,
        "edited_at": at if item.is_edited else None,
    }


async def _announce_media(actor: Actor, channel: Channel, stored: list[tuple[dict[str, Any], OlderMessage]]) -> None:
    """What a message carried is known and can be asked for; it is not fetched by itself: months of files at once would be."""
    for row, item in stored:
        announced = item.message.media
        if announced is None or item.event is None:
            continue
        media = Media(
            company_id=channel.company_id,
            channel_id=channel.id,
            wa_event_id=await _keep_event(actor, channel.id, *item.event),
            status=MediaStatus.FAILED,
            error=OLDER_MEDIA,
            mime=announced.mime,
            size=announced.size,
            sha256=announced.sha256,
            width=announced.width,
            height=announced.height,
            seconds=announced.seconds,
            voice=announced.voice,
            file_name=announced.file_name,
        )
        session().add(media)
        await session().flush()
        await sql("UPDATE message SET media_id = :media WHERE id = :id", media=media.id, id=row["id"])


async def _keep_event(actor: Actor, channel_id: UUID, code: int, raw: bytes) -> int:
    """The journal's row of a message that never came by itself: its keys download the file."""
    row = await sql(
        """
        INSERT INTO wa_event (company_id, channel_id, fingerprint, code, raw, epoch, processed_at)
        VALUES (:company, :channel, :fingerprint, :code, :raw, 0, clock_timestamp())
        ON CONFLICT (channel_id, fingerprint) DO UPDATE SET code = excluded.code RETURNING id
        """,
        company=actor.company_id,
        channel=channel_id,
        fingerprint=fingerprint(code, raw),
        code=code,
        raw=raw,
    )
    return row.scalar_one()


async def _settle(
    actor: Actor, channel: Channel, people: dict[UUID, UUID], stored: list[tuple[dict[str, Any], OlderMessage]]
) -> None:
    """The phone's reactions and edits are acts like all others. `people`: by conversation."""
    done = [
        (people[row["conversation_id"]], _reaction(row, reaction))
        for row, item in stored
        for reaction in item.reactions
    ]
    done += [(people[row["conversation_id"]], item.edit) for row, item in stored if item.edit is not None]
    if done:
        await keep_acts(actor, channel.id, done)
    await settle_quietly(actor, channel.id, [(row["conversation_id"], row["wa_id"]) for row, _ in stored])
    if ours := [row["wa_id"] for row, _ in stored if row["from_me"]]:
        await apply_waiting(actor, channel.id, ours)


def _reaction(row: dict[str, Any], reaction: dict[str, str]) -> IncomingAct:
    return IncomingAct(
        ActKind.REACTION,
        None,
        None,
        from_me=reaction["author"] != Author.CUSTOMER,
        target_wa_id=row["wa_id"],
        at=row["at"],
        text=reaction["emoji"],
    )


async def _show_as_last(stored: list[tuple[dict[str, Any], OlderMessage]]) -> None:
    newest: dict[UUID, dict[str, Any]] = {}
    for row, _ in stored:
        known = newest.get(row["conversation_id"])
        if known is None or row["at"] > known["at"]:
            newest[row["conversation_id"]] = row
    rows = [row | {"preview": preview_of(row["type"], row["text"], row["payload"])} for row in newest.values()]
    await sql(_LAST, rows=json.dumps(rows, default=str))
