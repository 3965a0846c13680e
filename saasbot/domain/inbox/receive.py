"""Store what a number heard: contact identity, conversation, message, and the wish for an answer, in one transaction.

One call takes everything that waits for a number, in order, so that a burst costs a handful of statements.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.channels.commands import wake_media
from saasbot.domain.inbox.calls import answer_calls
from saasbot.domain.inbox.groups import ask_group_names
from saasbot.domain.inbox.identities import Address, kind_of_chat, resolve_contacts
from saasbot.domain.inbox.incoming import IncomingMessage
from saasbot.domain.inbox.nothing import take_off
from saasbot.domain.inbox.preview import preview_of
from saasbot.domain.inbox.receipts import apply_waiting
from saasbot.domain.inbox.settle import settle_acts
from saasbot.domain.inbox.turns import ask_for_turns
from saasbot.infra import events
from saasbot.infra.db import session, sql
from saasbot.models import (
    Author,
    Channel,
    Conversation,
    ConversationStatus,
    Direction,
    Handler,
    Media,
    MediaStatus,
    MessageStatus,
    MessageType,
)
from saasbot.models.table import new_id, utcnow

_FUTURE = timedelta(minutes=5)
_NOTED_FOR = timedelta(seconds=5)

_NEW_CONVERSATIONS = """
    INSERT INTO conversation (
        id, company_id, channel_id, contact_id, created_at, chat_jid, status, handler, owner_epoch, owner_changed_seq,
        bot_enabled, bot_started, unread, last_preview, last_activity_at, last_customer_seq, answered_seq)
    SELECT n.id, :company, :channel, n.contact_id, now(), n.chat, CASE WHEN n.of_many THEN 'open' ELSE 'pending' END,
        CASE WHEN n.of_many THEN 'human' ELSE 'bot' END, 1, 0,
        NOT n.of_many, false, 0, '', n.at, 0, 0
    FROM unnest(CAST(:ids AS uuid[]), CAST(:contacts AS uuid[]), CAST(:chats AS text[]), CAST(:groups AS boolean[]),
        CAST(:moments AS timestamptz[])) AS n(id, contact_id, chat, of_many, at)
    ON CONFLICT (company_id, channel_id, contact_id) DO NOTHING
"""

_INSERT = """
    INSERT INTO message (
        id, company_id, conversation_id, channel_id, created_at, sort_at, wa_id, wa_timestamp, from_me, direction, author,
        author_name, author_jid, type, text, payload, media_id, quoted_wa_id, status, chat_jid)
    SELECT r.id, :company, r.conversation_id, :channel, clock_timestamp(), r.sort_at, r.wa_id, r.wa_timestamp, r.from_me,
        r.direction, r.author, r.author_name, r.author_jid, r.type, r.text, r.payload, r.media_id, r.quoted_wa_id, r.status,
        r.chat_jid
    FROM ROWS FROM (jsonb_to_recordset(CAST(:rows AS jsonb)) AS (
        id uuid, conversation_id uuid, sort_at timestamptz, wa_id text, wa_timestamp timestamptz, from_me boolean,
        direction text, author text, author_name text, author_jid text, type text, text text, payload jsonb, media_id uuid,
        quoted_wa_id text, status text, chat_jid text
    )) WITH ORDINALITY AS r(id, conversation_id, sort_at, wa_id, wa_timestamp, from_me, direction, author, author_name,
        author_jid, type, text, payload, media_id, quoted_wa_id, status, chat_jid, number)
    ORDER BY r.number
    ON CONFLICT (channel_id, conversation_id, wa_id, from_me) WHERE wa_id IS NOT NULL DO UPDATE SET
        -- it arrives only now: who read, or answered, up to here has not seen it
        seq = DEFAULT,
        type = excluded.type, text = excluded.text, media_id = excluded.media_id,
        payload = CASE message.type WHEN 'activity' THEN message.payload ELSE '{}' END || excluded.payload,
        author_name = excluded.author_name, quoted_wa_id = excluded.quoted_wa_id, sort_at = excluded.sort_at,
        wa_timestamp = excluded.wa_timestamp,
        -- what was done to the placeholder is done to the real one, anew
        edited_at = NULL, revoked_at = NULL, earlier_text = NULL
    -- only what `gives_way_to` says: the placeholder of an undecryptable message, and a call that was not missed after all
    WHERE message.author_jid IS NOT DISTINCT FROM excluded.author_jid AND (
        (message.type = 'unsupported' AND message.payload->>'kind' = 'undecryptable'
         AND excluded.payload->>'kind' IS DISTINCT FROM 'undecryptable')
        OR (message.type = 'activity' AND message.payload->>'kind' = 'missed_call'
            AND excluded.type = 'activity' AND excluded.payload->>'kind' = 'call'))
    RETURNING id, seq, wa_id, conversation_id, from_me
"""


async def receive(actor: Actor, channel: Channel, messages: Sequence[IncomingMessage]) -> int:
    """Store messages of one number in order; those that are stored already change nothing. Returns how many were new.

    True afterwards: each message is in the conversation of its person on this number; unread counters, previews and order
    follow; a message typed on the phone has taken the chat over from the bot; what was done to a message before it came
    is done; where the bot may answer, one turn waits; a caller is written what the owner wants callers to be written. What
    could not be decrypted asks the bot for nothing while the message itself is on its way: that is answered when it comes.
    """
    if not messages:
        return 0
    addresses = [address_of(message) for message in messages]
    contacts = await resolve_contacts(actor, addresses)
    senders = [contacts[address] for address in addresses]
    conversations = await _conversations(actor, channel, dict(zip(senders, messages, strict=True)))
    rows = [_row(channel, conversations[sender], m) for sender, m in zip(senders, messages, strict=True)]
    stored = await _insert(rows, channel, messages)
    fresh: list[Conversation] = []
    asking: list[Conversation] = []
    arrived: list[tuple[UUID, str]] = []
    calls: list[tuple[Conversation, IncomingMessage]] = []
    nothings: list[tuple[Conversation, dict[str, Any]]] = []
    answered: dict[UUID, Conversation] = {}
    by_id = {conversation.id: conversation for conversation in conversations.values()}
    for row, message in zip(rows, messages, strict=True):
        found = stored.get(row["id"])
        if found is None:
            continue
        conversation = by_id[row["conversation_id"]]
        if message.is_nothing:
            nothings.append((conversation, row))
        else:
            _advance(conversation, row, found, message)
            if message.from_me and message.type != MessageType.ACTIVITY:
                answered[conversation.id] = conversation
        fresh.append(conversation)
        if message.type != MessageType.ACTIVITY and not message.is_on_its_way:
            asking.append(conversation)
        elif not message.from_me and message.payload.get("kind") == "missed_call":
            calls.append((conversation, message))
        arrived.append((conversation.id, message.wa_id))
    if not fresh:
        return 0
    if any(not message.from_me for message in messages):
        _note_inbound(channel)
    for conversation in {c.id: c for c in fresh}.values():
        events.publish("conversation", company_id=actor.company_id, conversation_id=conversation.id)
    if echoes := [message.wa_id for message in messages if message.from_me]:
        await apply_waiting(actor, channel.id, echoes)
    await _overtake_hand_offs(channel, answered)
    for conversation, row in sorted(nothings, key=lambda found: found[1]["sort_at"], reverse=True):
        await take_off(conversation, row)
    await settle_acts(actor, channel, by_id, arrived)
    if any(message.media is not None for message in messages):
        await wake_media(channel.id)
    await ask_for_turns(actor, channel, list({c.id: c for c in asking}.values()))
    await answer_calls(channel, calls)
    await ask_group_names(channel, fresh)
    return len(fresh)


def address_of(message: IncomingMessage) -> Address:
    """Whose chat it is in, as the message says."""
    if message.group is not None:
        return Address(None, None, group=message.group)
    name = "" if message.from_me else message.push_name
    return Address(message.phone, message.lid, name, under=kind_of_chat(message.chat_jid))


def _note_inbound(channel: Channel) -> None:
    """To a few seconds: a busy number's row would be written with every message, and every reader of it would wait."""
    now = utcnow()
    if channel.last_inbound_at is None or now - channel.last_inbound_at > _NOTED_FOR:
        channel.last_inbound_at = now


async def _conversations(
    actor: Actor, channel: Channel, by_contact: dict[UUID, IncomingMessage]
) -> dict[UUID, Conversation]:
    """The locked conversation of each contact on this number, created where there is none."""
    query = (
        select(Conversation)
        .where(
            Conversation.company_id == actor.company_id,
            Conversation.channel_id == channel.id,
            col(Conversation.contact_id).in_(by_contact),
        )
        .order_by(col(Conversation.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    found = {c.contact_id: c for c in (await session().exec(query)).all()}
    missing = [contact_id for contact_id in by_contact if contact_id not in found]
    if missing:
        await sql(
            _NEW_CONVERSATIONS,
            company=actor.company_id,
            channel=channel.id,
            ids=[new_id() for _ in missing],
            contacts=missing,
            chats=[by_contact[contact_id].chat_jid for contact_id in missing],
            groups=[by_contact[contact_id].group is not None for contact_id in missing],
            moments=[_sort_at(by_contact[contact_id]) for contact_id in missing],
        )
        found |= {c.contact_id: c for c in (await session().exec(query)).all()}
    return found


def _sort_at(message: IncomingMessage) -> datetime:
    """WhatsApp's server time; a clock that runs ahead must not pin a chat to the top of the list."""
    now = datetime.now(UTC)
    return message.sent_at if message.sent_at <= now + _FUTURE else now


def _row(channel: Channel, conversation: Conversation, message: IncomingMessage) -> dict[str, Any]:
    """A message as `_INSERT` reads it, by column name."""
    return {
        "id": new_id(),
        "conversation_id": conversation.id,
        "sort_at": _sort_at(message),
        "wa_id": message.wa_id,
        "wa_timestamp": message.sent_at,
        "from_me": message.from_me,
        "direction": Direction.OUTBOUND if message.from_me else Direction.INBOUND,
        "author": Author.PHONE if message.from_me else Author.CUSTOMER,
        "author_name": message.author_name,
        "author_jid": message.author_jid,
        "type": message.type,
        "text": message.text,
        "payload": message.payload,
        "quoted_wa_id": message.quoted_wa_id,
        "status": MessageStatus.SENT if message.from_me else MessageStatus.DELIVERED,
        "media_id": None,
        "chat_jid": message.chat_jid,
    }


@dataclass(frozen=True, slots=True)
class _Stored:
    seq: int
    replaced: bool
    """It took the place of what stood for it, which was counted."""


async def _insert(
    rows: list[dict[str, Any]], channel: Channel, messages: Sequence[IncomingMessage]
) -> dict[UUID, _Stored]:
    """Insert what is not stored yet, by id; what stood for a message gives way to it, under its own id."""
    media = []
    for row, message in zip(rows, messages, strict=True):
        if message.media is not None:
            item = _media(channel, message)
            row["media_id"] = item.id
            media.append(item)
    session().add_all(media)
    by_key = _one_of_each(rows, messages)
    inserted = await sql(
        _INSERT,
        company=channel.company_id,
        channel=channel.id,
        rows=json.dumps(list(by_key.values()), default=str),
    )
    stored: dict[UUID, _Stored] = {}
    for r in inserted.all():
        row = by_key[r.conversation_id, r.wa_id, r.from_me]
        stored[r.id] = _Stored(r.seq, replaced=r.id != row["id"])
        row["id"] = r.id
    unused = [item.id for item, owner in _media_owners(media, rows) if owner not in stored]
    if unused:
        await sql("DELETE FROM media WHERE id = ANY(:ids)", ids=unused)
    return stored


def _one_of_each(
    rows: list[dict[str, Any]], messages: Sequence[IncomingMessage]
) -> dict[tuple[UUID, str, bool], dict[str, Any]]:
    """Of what is told twice in one go the first, except that what stood for a message gives way to it here as well."""
    chosen: dict[tuple[UUID, str, bool], tuple[dict[str, Any], IncomingMessage]] = {}
    for row, message in zip(rows, messages, strict=True):
        key = (row["conversation_id"], row["wa_id"], row["from_me"])
        before = chosen.get(key, (row, message))[1]
        if before.gives_way_to(message):
            del chosen[key]  # in the order of arrival it stands where the message is
        chosen.setdefault(key, (row, message))
    return {key: row for key, (row, _) in chosen.items()}


def _media_owners(media: list[Media], rows: list[dict[str, Any]]) -> list[tuple[Media, UUID]]:
    owner = {row["media_id"]: row["id"] for row in rows if row["media_id"] is not None}
    return [(item, owner[item.id]) for item in media]


def _media(channel: Channel, message: IncomingMessage) -> Media:
    announced = message.media
    assert announced is not None
    return Media(
        company_id=channel.company_id,
        channel_id=channel.id,
        wa_event_id=message.wa_event_id,
        status=MediaStatus.PENDING,
        mime=announced.mime,
        size=announced.size,
        sha256=announced.sha256,
        width=announced.width,
        height=announced.height,
        seconds=announced.seconds,
        voice=announced.voice,
        file_name=announced.file_name,
    )


def _advance(conversation: Conversation, row: dict[str, Any], stored: _Stored, message: IncomingMessage) -> None:
    """Move the conversation on by one new message. The caller holds its lock."""
    if message.type == MessageType.ACTIVITY:
        _note_activity(conversation, row, stored, message)
        return
    conversation.chat_jid = message.chat_jid or conversation.chat_jid
    _show_as_last(conversation, row, message)
    if message.from_me:
        if not stored.replaced:
            conversation.unread = 0
            _taken_over_on_the_phone(conversation, stored.seq)
        return
    conversation.unread = max(conversation.unread, 1) if stored.replaced else conversation.unread + 1
    if not message.is_on_its_way:
        conversation.last_customer_seq = max(conversation.last_customer_seq, stored.seq)
    bot = conversation.handler == Handler.BOT
    if bot and message.is_on_its_way and conversation.turn_due_at is None:
        conversation.status = ConversationStatus.OPEN  # no turn waits: should it never come, a person sees to it
    elif bot and stored.replaced and conversation.status == ConversationStatus.OPEN:
        conversation.status = ConversationStatus.PENDING  # it came, and the bot sees to it
    elif conversation.status in (ConversationStatus.RESOLVED, ConversationStatus.SNOOZED):
        conversation.status = ConversationStatus.PENDING if bot else ConversationStatus.OPEN


async def _overtake_hand_offs(channel: Channel, conversations: dict[UUID, Conversation]) -> None:
    """The owner has answered in these on the phone. The sentence with which the bot has passed a chat on may still wait to leave:
    it is written under the ownership that it has changed to, and shall not follow the answer."""
    if not conversations:
        return
    rows = await sql(
        """
        SELECT conversation_id, max(owner_epoch) AS epoch FROM message
        WHERE channel_id = :channel AND (status = 'queued' OR status = 'sending') AND author = 'bot'
          AND conversation_id = ANY(:ids) GROUP BY conversation_id
        """,
        channel=channel.id,
        ids=list(conversations),
    )
    for row in rows.all():
        conversation = conversations[row.conversation_id]
        if conversation.handler == Handler.HUMAN and row.epoch == conversation.owner_epoch:
            conversation.owner_epoch += 1


def _show_as_last(conversation: Conversation, row: dict[str, Any], message: IncomingMessage) -> None:
    if row["sort_at"] < conversation.last_activity_at and conversation.last_message_id is not None:
        return
    conversation.last_activity_at = row["sort_at"]
    conversation.last_message_id = row["id"]
    conversation.last_preview = preview_of(message.type, message.text, message.payload)
    conversation.last_author = row["author"]
    conversation.last_type = row["type"]
    conversation.last_status = row["status"]
    if message.ephemeral_seconds is not None and conversation.ephemeral_seconds != message.ephemeral_seconds:
        conversation.ephemeral_seconds = message.ephemeral_seconds


def _note_activity(conversation: Conversation, row: dict[str, Any], stored: _Stored, message: IncomingMessage) -> None:
    """Nobody is asked anything; but a missed call is for the team to see, as WhatsApp shows it: new, and on top."""
    if stored.replaced and conversation.last_message_id == row["id"]:
        # the owner saw to it on the phone. Nothing came after it, so if anything is unread, it is
        conversation.unread = max(conversation.unread - 1, 0)
        conversation.last_preview = preview_of(message.type, message.text, message.payload)
    if message.from_me or message.payload.get("kind") != "missed_call":
        return
    _show_as_last(conversation, row, message)
    conversation.unread += 1
    if conversation.status in (ConversationStatus.RESOLVED, ConversationStatus.SNOOZED):
        conversation.status = ConversationStatus.OPEN


def _taken_over_on_the_phone(conversation: Conversation, seq: int) -> None:
    """The owner answered on the phone itself: the same as a take-over in the app."""
    if conversation.handler == Handler.HUMAN:
        return
    conversation.handler = Handler.HUMAN
    conversation.status = ConversationStatus.OPEN
    conversation.owner_epoch += 1
    conversation.owner_changed_seq = seq
    conversation.answered_seq = conversation.last_customer_seq
