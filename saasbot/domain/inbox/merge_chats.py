"""Two conversations on one number become one. Everything of both is locked (`lock_people`).

A table that refers to a conversation must be named here, and in `part_chats.py`; a test reads the catalogue for those that are not.
"""

import json
from typing import Any

from saasbot.domain.channels.commands import set_typing, wake_outbox
from saasbot.domain.inbox.outbound import add_activity
from saasbot.infra import events
from saasbot.infra.db import session, sql
from saasbot.models import ContactMerge, Conversation, ConversationMerge, ConversationStatus, Handler

JOINED = "joined"
"""Kind of the activity that tells it: {merge, phone, name}, and `undone` when it was."""

_AWAKE = (
    ConversationStatus.OPEN,
    ConversationStatus.PENDING,
    ConversationStatus.SNOOZED,
    ConversationStatus.RESOLVED,
)

# Both may hold one message of WhatsApp's, told under either address, or one line about a gap: the real one stays, else ours.
_DOUBLES = """
    WITH double AS (
        SELECT g.id AS gone, k.id AS kept,
            k.payload->>'kind' = 'undecryptable' AND g.payload->>'kind' IS DISTINCT FROM 'undecryptable' AS better
        FROM message g JOIN message k ON k.company_id = :company AND k.conversation_id = :kept AND (
            (k.wa_id = g.wa_id AND k.from_me = g.from_me)
            OR (g.client_token LIKE 'gap:%' AND k.client_token = replace(g.client_token, :gone_text, :kept_text)))
        WHERE g.company_id = :company AND g.conversation_id = :gone
    ), removed AS (
        DELETE FROM message m USING double d WHERE m.id = CASE WHEN d.better THEN d.kept ELSE d.gone END
        RETURNING m.id, CASE WHEN d.better THEN d.gone ELSE d.kept END AS twin, to_jsonb(m) AS row,
            m.direction = 'inbound' AS inbound
    )
    SELECT id, twin, inbound, CAST(row AS text) AS row FROM removed
"""

_MOVE = """
    UPDATE message SET conversation_id = :kept,
        client_token = CASE WHEN client_token LIKE 'gap:%' THEN replace(client_token, :gone_text, :kept_text)
                            ELSE client_token END
    WHERE company_id = :company AND conversation_id = :gone RETURNING id
"""

# two drafts of one person stay both: nothing that was typed is lost
_DRAFTS = """
    INSERT INTO draft (conversation_id, user_id, company_id, text, updated_at)
    SELECT :kept, user_id, company_id, text, updated_at FROM draft WHERE company_id = :company AND conversation_id = :gone
    ON CONFLICT (conversation_id, user_id) DO UPDATE
    SET text = draft.text || E'\\n' || excluded.text, updated_at = greatest(draft.updated_at, excluded.updated_at)
"""

# The bot's answers that are on their way carry the ownership they were written under; where that side's owner stays, they go on.
_STILL_WANTED = """
    UPDATE message SET owner_epoch = :now WHERE company_id = :company AND conversation_id = :chat AND author = 'bot'
      AND status IN ('queued', 'sending') AND owner_epoch = :before
"""


async def join_chats(merge: ContactMerge, kept: Conversation, gone: Conversation) -> None:
    """The messages of both stand in `kept`, in their order; `gone` is no more, and its id leads to `kept`."""
    company, epoch = merge.company_id, max(kept.owner_epoch, gone.owner_epoch) + 1
    ids = {"company": company, "kept": kept.id, "gone": gone.id}
    names = {"kept_text": str(kept.id), "gone_text": str(gone.id)}
    from_before, into_before = await as_it_is(gone), await as_it_is(kept)
    handler = Handler.HUMAN if Handler.HUMAN in (kept.handler, gone.handler) else Handler.BOT
    for side in (kept, gone):
        await change_epoch(side, epoch, stays=side.handler == handler)
    doubles = (await sql(_DOUBLES, **ids, **names)).all()
    moved = await sql(_MOVE, **ids, **names)
    turns = await sql(
        "UPDATE agent_turn SET conversation_id = :kept WHERE company_id = :company AND conversation_id = :gone RETURNING id",
        **ids,
    )
    await sql(
        "UPDATE outgoing_act SET conversation_id = :kept WHERE company_id = :company AND conversation_id = :gone", **ids
    )
    await sql(_DRAFTS, **ids)
    await _take_owner(kept, gone, handler)
    _take_state(kept, gone, {double.id: double.twin for double in doubles})
    kept.unread = max(kept.unread + gone.unread - sum(double.inbound for double in doubles), 0)
    kept.owner_epoch = epoch
    await session().flush()
    session().expunge(gone)
    await sql("DELETE FROM conversation WHERE company_id = :company AND id = :gone", company=company, gone=gone.id)
    record = ConversationMerge(
        company_id=company,
        merge_id=merge.id,
        channel_id=kept.channel_id,
        into_id=kept.id,
        from_id=gone.id,
        from_before=from_before,
        into_before=into_before,
        message_ids=list(moved.scalars()),
        turn_ids=list(turns.scalars()),
        doubles=[{"twin": str(double.twin), "row": json.loads(double.row)} for double in doubles],
        owner_epoch=epoch,
        **await _tell(merge, kept),
    )
    session().add(record)
    await wake_outbox(kept.channel_id)
    for id in (kept.id, gone.id):
        events.publish("conversation", company_id=company, conversation_id=id)


async def take_chat(merge: ContactMerge, conversation: Conversation) -> None:
    """The only conversation on its number: it is the contact's that stays, and otherwise as it was."""
    before = await as_it_is(conversation)
    conversation.contact_id = merge.into_id
    await session().flush()
    record = ConversationMerge(
        company_id=merge.company_id,
        merge_id=merge.id,
        channel_id=conversation.channel_id,
        into_id=conversation.id,
        from_id=conversation.id,
        from_before=before,
        into_before=before,
        owner_epoch=conversation.owner_epoch,
        **await _tell(merge, conversation),
    )
    session().add(record)
    events.publish("conversation", company_id=merge.company_id, conversation_id=conversation.id)


async def as_it_is(conversation: Conversation) -> dict[str, Any]:
    row = await sql("SELECT CAST(to_jsonb(c) AS text) FROM conversation c WHERE id = :id", id=conversation.id)
    return json.loads(row.scalar_one())


async def change_epoch(conversation: Conversation, epoch: int, *, stays: bool) -> None:
    """What the bot has queued is dropped by the outbox unless the chat's owner `stays`; what it is thinking of is void."""
    if stays:
        await sql(
            _STILL_WANTED,
            company=conversation.company_id,
            chat=conversation.id,
            before=conversation.owner_epoch,
            now=epoch,
        )
    conversation.owner_epoch = epoch


async def _tell(merge: ContactMerge, conversation: Conversation) -> dict[str, Any]:
    """The line in the thread that says it, from which it can be undone."""
    shown = await sql(
        "SELECT kind, value FROM contact_identity WHERE company_id = :company AND id = ANY(:ids) ORDER BY kind DESC, value",
        company=merge.company_id,
        ids=merge.identity_ids,
    )
    phone = next((row.value for row in shown if row.kind == "phone"), "")
    name = str(merge.from_before.get("name") or "")
    line = await add_activity(conversation, JOINED, merge=str(merge.id), phone=phone, name=name)
    return {"line_id": line.id, "line_seq": line.seq}


async def _take_owner(kept: Conversation, gone: Conversation, handler: Handler) -> None:
    """A person who has either of them has both; of two people the one who took theirs last."""
    people = [side for side in (kept, gone) if side.handler == Handler.HUMAN]
    if handler == Handler.HUMAN:
        for side in (kept, gone):
            if side.handler == Handler.BOT:
                await set_typing(side, on=False)
        assigned = [side for side in people if side.assignee_id is not None]
        last = max(assigned or people, key=lambda side: side.owner_changed_seq)
        kept.assignee_id = last.assignee_id
    asked = [side.answered_seq for side in (kept, gone) if side.last_customer_seq > side.answered_seq]
    kept.last_customer_seq = max(kept.last_customer_seq, gone.last_customer_seq)
    kept.owner_changed_seq = max(kept.owner_changed_seq, gone.owner_changed_seq)
    kept.answered_seq = kept.last_customer_seq
    if handler == Handler.BOT and asked:
        # from the first message on that nobody has answered; what lies behind it was answered already
        kept.answered_seq = min(asked)
        kept.owner_changed_seq = min(kept.owner_changed_seq, kept.answered_seq)
    kept.status = min(kept.status, gone.status, key=_AWAKE.index)
    if handler == Handler.HUMAN and kept.status == ConversationStatus.PENDING:
        kept.status = ConversationStatus.OPEN
    kept.handler = handler
    kept.bot_enabled = kept.bot_enabled and gone.bot_enabled
    kept.bot_started = kept.bot_started or gone.bot_started


def _take_state(kept: Conversation, gone: Conversation, twins: dict[Any, Any]) -> None:
    """The newest of both is the last; answers go to the LID chat where there is one."""
    if gone.chat_jid.endswith("@lid") and not kept.chat_jid.endswith("@lid"):
        kept.chat_jid = gone.chat_jid
    if gone.last_message_id is not None and (
        kept.last_message_id is None or gone.last_activity_at > kept.last_activity_at
    ):
        kept.last_activity_at = gone.last_activity_at
        kept.last_message_id = gone.last_message_id
        kept.last_preview, kept.last_author = gone.last_preview, gone.last_author
        kept.last_type, kept.last_status = gone.last_type, gone.last_status
    kept.created_at = min(kept.created_at, gone.created_at)
    if kept.last_message_id is not None:
        kept.last_message_id = twins.get(kept.last_message_id, kept.last_message_id)
