"""The outbox of a number: queued messages, taken by its holder one by one, never twice.

queued → sending(epoch) → sent → delivered → read, or failed, or unconfirmed (it may have gone out). A holder that dies
between taking and marking (`outbox_marks.py`) leaves `sending` rows behind: the next holder makes them `unconfirmed`, it never sends them again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.governor import LONGEST_ANSWER
from saasbot.domain.channels.holding import ANSWERS_SINCE, HELD_CHATS, may_leave
from saasbot.domain.channels.new_chats import STRANGER, UNASKED
from saasbot.infra import events
from saasbot.infra.db import sql


@dataclass(frozen=True, slots=True)
class QuotedMessage:
    """What a message answers. `own` are the addresses of its author when that is the number itself, `author_jid` is the author's
    when it is somebody of a group."""

    wa_id: str
    from_me: bool
    author_jid: str | None
    own_phone: str | None
    own_lid: str | None
    type: str
    text: str


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    id: UUID
    conversation_id: UUID
    chat_jid: str
    unasked: bool
    """The chat is a phone number as somebody wrote it: WhatsApp was never asked how it knows it, and nothing was exchanged."""
    author: str
    type: str
    text: str
    payload: dict[str, Any]
    storage_key: str | None
    mime: str | None
    file_name: str | None
    width: int | None
    height: int | None
    seconds: int | None
    voice: bool | None
    size: int
    waveform: bytes | None
    poll_secret: bytes | None
    ephemeral_seconds: int
    """After how long the chat forgets what is sent now; 0: never."""
    quoted: QuotedMessage | None


@dataclass(frozen=True, slots=True)
class WaitingChat:
    """A conversation in which messages wait that no person typed; `text` is the first one's."""

    conversation_id: UUID
    chat_jid: str
    text: str


_LOOKED_AT = 200
"""So many automatic messages are looked at: a long queue is paced from its front."""

_SWITCHED_OFF = "bot_switched_off"
_OVERTAKEN = f"""CASE
    WHEN m.author <> 'bot' THEN NULL
    -- the chat's switch changes the ownership too, and nobody has it then
    WHEN m.owner_epoch IS DISTINCT FROM c.owner_epoch AND (c.handler <> 'bot' OR m.seq < c.owner_changed_seq)
    THEN 'person_took_over'
    WHEN m.owner_epoch IS DISTINCT FROM c.owner_epoch
        OR NOT (c.bot_enabled AND n.bot_enabled AND k.bot_enabled AND coalesce(b.enabled, false))
    THEN '{_SWITCHED_OFF}' END"""
"""SQL, of a message `m` in a conversation `c`, its number `n`, company `k` and bot `b`: why it shall not leave any more."""

_CLAIM = f"""
    WITH held AS ({HELD_CHATS}), holder AS (
        SELECT 1 FROM channel_lease
        WHERE channel_id = :channel AND epoch = :epoch AND holder IS NOT NULL FOR SHARE
    ), next AS (
        SELECT m.id FROM message m
        WHERE m.status = 'queued' AND EXISTS (SELECT FROM holder) AND m.id = coalesce((
            -- people first: what they typed overtakes what nobody did, in other chats
            SELECT p.id FROM message p
            WHERE p.channel_id = :channel AND p.status = 'queued' AND p.author = 'agent' AND NOT EXISTS (
                SELECT FROM message e WHERE e.channel_id = :channel AND e.status = 'queued'
                AND e.conversation_id = p.conversation_id AND e.seq < p.seq)
                AND p.conversation_id <> ALL (CAST((SELECT ids FROM held) AS uuid[]))
            ORDER BY p.seq LIMIT 1
        ), (
            SELECT a.id FROM message a
            WHERE a.channel_id = :channel AND a.status = 'queued' AND a.author <> 'agent'
            AND a.conversation_id <> ALL (CAST((SELECT ids FROM held) AS uuid[])) AND (
                CAST(:ready AS uuid[]) IS NULL OR a.conversation_id = ANY(CAST(:ready AS uuid[]))
                -- a person waits behind it (one array: found once, not for each message of a long queue)
                OR a.conversation_id = ANY(ARRAY(
                    SELECT p.conversation_id FROM message p
                    WHERE p.channel_id = :channel AND p.status = 'queued' AND p.author = 'agent')))
            ORDER BY a.seq LIMIT 1
        ))
        FOR UPDATE SKIP LOCKED
    ), conversation_now AS (
        -- a person who takes over locks the conversation: the bot's message is dropped before it leaves, or was sent before
        SELECT c.id, c.owner_epoch, c.owner_changed_seq, c.handler, c.bot_enabled, c.chat_jid, {STRANGER} AS stranger
        FROM conversation c
        WHERE c.id = (SELECT conversation_id FROM message WHERE id = (SELECT id FROM next)) FOR NO KEY UPDATE
    ), found AS (
        SELECT m.id, v.error, CASE
            WHEN v.error IS NOT NULL THEN 'failed'
            WHEN m.id = CAST(:allowed AS uuid) THEN 'sending'
            -- the governor is asked first
            WHEN c.stranger OR m.author <> 'agent' AND (
                coalesce(n.hourly_limit, n.daily_limit) IS NOT NULL
                OR {ANSWERS_SINCE} < clock_timestamp() - CAST(:longest_answer AS interval)) THEN 'queued'
            ELSE 'sending' END AS status
        FROM message m JOIN conversation_now c ON c.id = m.conversation_id
        JOIN channel n ON n.id = m.channel_id JOIN company k ON k.id = m.company_id LEFT JOIN bot b ON b.id = n.bot_id
        CROSS JOIN LATERAL (SELECT {_OVERTAKEN} AS error) v
        WHERE m.id = (SELECT id FROM next)
    )
    UPDATE message m
    SET status = found.status, error = found.error,
        sending_epoch = :epoch,
        left_at = CASE found.status WHEN 'sending' THEN clock_timestamp() ELSE m.left_at END,
        held_until = CASE found.status WHEN 'queued' THEN m.held_until END,
        held_reason = CASE found.status WHEN 'queued' THEN m.held_reason END
    FROM found, conversation_now c
    WHERE m.id = found.id
    RETURNING m.id, m.conversation_id, c.chat_jid, {UNASKED} AS unasked, m.author, m.type, m.text, m.payload, m.media_id,
        m.status, m.error
"""  # noqa: S608  # fixed fragments


async def claim_outbox(
    actor: Actor, channel_id: UUID, *, epoch: int, ready: Sequence[UUID] | None = None, budgeted: bool = False
) -> OutboxMessage | None:
    """Take the next queued message for sending; nothing when there is none (or another holder has the number).

    In a chat the oldest is the next. Of several chats those go first in which a person's message is. Automatic messages leave
    only in the conversations that are `ready`, and where a person's waits behind them (None: everywhere).
    A message of the bot that a person has overtaken is dropped here (`failed`, `person_took_over`): from the instant a
    person owns the chat the bot sends nothing more. So is one whose bot was switched off since (`bot_switched_off`): for the
    chat, the number, the company, or itself; then its customer waits for a person. What the governor holds back (`holding.py`) stays queued, and so does
    what is behind it in its chat; `budgeted`: the number keeps a person's budget for first messages. Commit before sending.
    """
    allowed: UUID | None = None
    while True:
        row = (
            await sql(
                _CLAIM,
                channel=channel_id,
                epoch=epoch,
                ready=None if ready is None else list(ready),
                allowed=allowed,
                longest_answer=LONGEST_ANSWER,
            )
        ).one_or_none()
        if row is None:
            return None
        if row.status == "queued":
            if await may_leave(actor, channel_id, row.id, budgeted=budgeted):
                allowed = row.id
            continue
        events.publish("conversation", company_id=actor.company_id, conversation_id=row.conversation_id)
        if row.status == "sending":
            break
        await _dropped(row)
    return await _whole(row)


async def _dropped(row: Any) -> None:
    """The list shows that it failed. What a bot that was switched off would have answered, nobody has."""
    await sql(
        "UPDATE conversation SET last_status = 'failed' WHERE id = :conversation AND last_message_id = :id",
        conversation=row.conversation_id,
        id=row.id,
    )
    if row.error == _SWITCHED_OFF:
        await sql(
            "UPDATE conversation SET status = 'open' WHERE id = :conversation AND status = 'pending' AND handler = 'bot'",
            conversation=row.conversation_id,
        )


async def is_overtaken(actor: Actor, message_id: UUID) -> bool:
    """Whether a message that was taken shall not leave any more: what it needed took long enough for a person to step in. Back in
    the outbox, it is dropped by the next claim."""
    found = await sql(
        f"""
        SELECT {_OVERTAKEN} IS NOT NULL FROM message m JOIN conversation c ON c.id = m.conversation_id
        JOIN channel n ON n.id = m.channel_id JOIN company k ON k.id = m.company_id LEFT JOIN bot b ON b.id = n.bot_id
        WHERE m.company_id = :company AND m.id = :id
        """,  # noqa: S608  # fixed fragments
        company=actor.company_id,
        id=message_id,
    )
    return bool(found.scalar_one_or_none())


_AROUND = """
    SELECT f.storage_key, f.mime, f.file_name, f.width, f.height, f.seconds, f.voice, f.size, f.waveform, m.poll_secret,
        c.ephemeral_seconds, q.wa_id AS quoted_id, q.from_me AS quoted_from_me, q.author_jid AS quoted_author, q.type AS quoted_type,
        left(q.text, 500) AS quoted_text, n.phone AS own_phone, n.lid AS own_lid
    FROM message m
    JOIN conversation c ON c.id = m.conversation_id
    JOIN channel n ON n.id = m.channel_id
    LEFT JOIN media f ON f.id = m.media_id
    LEFT JOIN LATERAL (
        SELECT * FROM message q WHERE m.quoted_wa_id IS NOT NULL AND q.channel_id = m.channel_id
            AND q.conversation_id = m.conversation_id AND q.wa_id = m.quoted_wa_id LIMIT 1
    ) q ON true
    WHERE m.id = :id
"""


async def _whole(claimed: Any) -> OutboxMessage:
    """The claimed message with its file, what it answers and how long its chat remembers."""
    row = (await sql(_AROUND, id=claimed.id)).one()
    quoted = None
    if row.quoted_id is not None:
        quoted = QuotedMessage(
            row.quoted_id,
            row.quoted_from_me,
            row.quoted_author,
            row.own_phone,
            row.own_lid,
            row.quoted_type,
            row.quoted_text,
        )
    return OutboxMessage(
        id=claimed.id,
        conversation_id=claimed.conversation_id,
        chat_jid=claimed.chat_jid,
        unasked=claimed.unasked,
        author=claimed.author,
        type=claimed.type,
        text=claimed.text,
        payload=claimed.payload,
        storage_key=row.storage_key,
        mime=row.mime,
        file_name=row.file_name,
        width=row.width,
        height=row.height,
        seconds=row.seconds,
        voice=row.voice,
        size=row.size or 0,
        waveform=row.waveform,
        poll_secret=row.poll_secret,
        ephemeral_seconds=row.ephemeral_seconds,
        quoted=quoted,
    )


async def waiting_chats(actor: Actor, channel_id: UUID) -> list[WaitingChat]:
    """Where automatic messages wait for nothing but their pace, by the first of each chat."""
    rows = await sql(
        f"""
        WITH held AS ({HELD_CHATS})
        SELECT DISTINCT ON (m.conversation_id) m.conversation_id, c.chat_jid, m.text
        FROM (SELECT conversation_id, seq, text FROM message
              WHERE channel_id = :channel AND status = 'queued' AND author <> 'agent'
                AND conversation_id <> ALL (CAST((SELECT ids FROM held) AS uuid[])) ORDER BY seq LIMIT :most) m
        JOIN conversation c ON c.id = m.conversation_id
        ORDER BY m.conversation_id, m.seq
        """,  # noqa: S608  # fixed fragments
        channel=channel_id,
        most=_LOOKED_AT,
    )
    return [WaitingChat(*row) for row in rows.all()]
