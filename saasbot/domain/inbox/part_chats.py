"""A conversation that two people were taken for one in becomes two again. Everything of both is locked (`lock_people`)."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import select

from saasbot.domain.actor import Actor
from saasbot.domain.channels.commands import wake_outbox
from saasbot.domain.inbox.merge_chats import as_it_is, change_epoch
from saasbot.domain.inbox.newest import show_newest
from saasbot.domain.inbox.outbound import add_activity
from saasbot.infra import events
from saasbot.infra.db import session, sql
from saasbot.models import ContactMerge, Conversation, ConversationMerge, Handler
from saasbot.models.table import new_id

PARTED = "parted"
"""Kind of the activity that tells it, in both."""

# columns that did not exist then are as the other conversation's
_RESTORE = """
    INSERT INTO conversation SELECT (jsonb_populate_record(c, CAST(:before AS jsonb))).*
    FROM conversation c WHERE c.company_id = :company AND c.id = :kept
"""

# what of a phone's past came since has a number below zero, and of the same sequence (`store_older`)
_MOVE = """
    UPDATE message SET conversation_id = :gone,
        client_token = CASE WHEN client_token LIKE 'gap:%' THEN replace(client_token, :kept_text, :gone_text)
                            ELSE client_token END
    WHERE company_id = :company AND conversation_id = :kept
      AND (id = ANY(:moved) OR (abs(seq) > :since AND chat_jid = ANY(:chats)))
"""

# each in the conversation it was in; what is there of the same message is its twin
_DOUBLES = """
    INSERT INTO message OVERRIDING SYSTEM VALUE
    SELECT (jsonb_populate_record(twin, d.value->'row')).*
    FROM jsonb_array_elements(CAST(:doubles AS jsonb)) d JOIN message twin
        ON twin.company_id = :company AND twin.id = CAST(d.value->>'twin' AS uuid)
"""

_ACTS = """
    UPDATE message_act a SET contact_id = :gone_contact WHERE a.company_id = :company AND a.channel_id = :channel
      AND a.contact_id = :kept_contact AND EXISTS (
        SELECT FROM message m WHERE m.channel_id = a.channel_id AND m.conversation_id = :gone AND m.wa_id = a.wa_id)
"""

# a phone's past asks nothing: `greatest` passes over the nothing that an empty chat gives
_ASKED = """
    SELECT greatest(max(seq), 0) FROM message
    WHERE company_id = :company AND conversation_id = :chat AND author = 'customer' AND type <> 'activity'
"""


async def part_chats(
    actor: Actor, merge: ContactMerge, record: ConversationMerge, kept: Conversation, leaving: Sequence[str]
) -> list[Conversation]:
    """What moved goes back to the conversation that went, which is there again under its id, and so does what came since under one
    of the addresses (`leaving`) of its contact."""
    unchanged = kept.owner_epoch == record.owner_epoch
    gone = await _restored(kept, {**record.from_before, "contact_id": str(merge.from_id)})
    await _move(kept, gone, record.message_ids, record.line_seq, leaving)
    await sql(
        "UPDATE agent_turn SET conversation_id = :gone WHERE company_id = :company AND id = ANY(:turns)",
        company=kept.company_id,
        gone=gone.id,
        turns=record.turn_ids,
    )
    if record.doubles:
        await sql(_DOUBLES, company=kept.company_id, doubles=json.dumps(record.doubles))
    await _acts(merge, kept, gone)
    kept.chat_jid = str(record.into_before["chat_jid"])
    await _settle(kept, gone)
    await _give_owner(kept, gone, record if unchanged else None)
    await _tell(actor, record, (kept, gone))
    return [kept, gone]


async def give_chat(
    actor: Actor, merge: ContactMerge, record: ConversationMerge, chat: Conversation, leaving: Sequence[str]
) -> list[Conversation]:
    """The conversation is the contact's again that had it alone on this number. What the other has written there since, under an
    address of its own, is its first conversation on the number."""
    chat.contact_id = merge.from_id
    await session().flush()
    own = await _other_chats(chat, record.line_seq, leaving)
    touched = [chat]
    if own:
        other = await _restored(chat, {**await as_it_is(chat), "id": str(new_id()), "contact_id": str(merge.into_id)})
        other.chat_jid = own[-1]
        await _move(chat, other, [], record.line_seq, own)
        chat.chat_jid = str(record.from_before["chat_jid"])
        await _settle(chat, other)
        await _give_owner(chat, other, None)
        touched.append(other)
    await _tell(actor, record, touched)
    return touched


async def _restored(kept: Conversation, before: dict[str, Any]) -> Conversation:
    await sql(_RESTORE, company=kept.company_id, kept=kept.id, before=json.dumps(before))
    query = select(Conversation).where(Conversation.id == UUID(str(before["id"])))
    return (await session().exec(query.execution_options(populate_existing=True))).one()


async def _move(
    kept: Conversation, gone: Conversation, moved: Sequence[UUID], since: int, chats: Sequence[str]
) -> None:
    await sql(
        _MOVE,
        company=kept.company_id,
        kept=kept.id,
        gone=gone.id,
        kept_text=str(kept.id),
        gone_text=str(gone.id),
        moved=list(moved),
        since=since,
        chats=list(chats),
    )


async def _other_chats(chat: Conversation, since: int, leaving: Sequence[str]) -> list[str]:
    """The addresses under which something came since that are not the leaving contact's."""
    rows = await sql(
        """
        SELECT chat_jid FROM message WHERE company_id = :company AND conversation_id = :chat AND abs(seq) > :since
          AND chat_jid IS NOT NULL AND NOT chat_jid = ANY(:leaving) GROUP BY chat_jid ORDER BY max(abs(seq))
        """,
        company=chat.company_id,
        chat=chat.id,
        since=since,
        leaving=list(leaving),
    )
    return list(rows.scalars())


async def _acts(merge: ContactMerge, kept: Conversation, gone: Conversation) -> None:
    await sql(
        _ACTS,
        company=merge.company_id,
        channel=kept.channel_id,
        kept_contact=merge.into_id,
        gone_contact=merge.from_id,
        gone=gone.id,
    )
    await sql(
        """
        UPDATE outgoing_act a SET conversation_id = :gone FROM message m
        WHERE a.company_id = :company AND a.conversation_id = :kept AND m.id = a.message_id AND m.conversation_id = :gone
        """,
        company=merge.company_id,
        kept=kept.id,
        gone=gone.id,
    )


async def _settle(kept: Conversation, gone: Conversation) -> None:
    """Last message, unread and unanswered of each, from what is in it now. Answered is what was answered when they were one."""
    unread, answered = kept.unread, kept.answered_seq
    gone.unread = min(gone.unread, unread)
    kept.unread = unread - gone.unread
    for chat in (kept, gone):
        values = {"company": chat.company_id, "chat": chat.id}
        chat.last_customer_seq = (await sql(_ASKED, **values)).scalar_one()
        chat.answered_seq = min(answered, chat.last_customer_seq)
        await show_newest(chat)


async def _give_owner(kept: Conversation, gone: Conversation, record: ConversationMerge | None) -> None:
    """With `record` nobody has taken or given the chat since: each is as it was. Without, whoever has it has both."""
    before = kept.owner_epoch
    was = kept.handler
    gone.owner_epoch = before
    if record is None:
        gone.handler, gone.status, gone.assignee_id = kept.handler, kept.status, kept.assignee_id
        gone.bot_enabled, gone.bot_started = kept.bot_enabled, kept.bot_started
        gone.owner_changed_seq = kept.owner_changed_seq
    else:
        for chat, then in ((kept, record.into_before), (gone, record.from_before)):
            chat.handler, chat.status = then["handler"], then["status"]
            chat.assignee_id = UUID(then["assignee_id"]) if then["assignee_id"] else None
            chat.bot_enabled, chat.bot_started = then["bot_enabled"], then["bot_started"]
            chat.owner_changed_seq = then["owner_changed_seq"]
    for chat in (kept, gone):
        await change_epoch(chat, before + 1, stays=chat.handler == was)
        if Handler.HUMAN in (was, chat.handler):
            # what was written to a person is a person's to answer
            chat.answered_seq = chat.last_customer_seq
    await session().flush()
    await wake_outbox(kept.channel_id)


async def _tell(actor: Actor, record: ConversationMerge, chats: Sequence[Conversation]) -> None:
    await sql(
        """
        UPDATE message SET payload = payload || '{"undone": true}' WHERE company_id = :company AND id = :line
        """,
        company=record.company_id,
        line=record.line_id,
    )
    for chat in chats:
        await add_activity(chat, PARTED, author_name=actor.name)
        events.publish("conversation", company_id=chat.company_id, conversation_id=chat.id)
