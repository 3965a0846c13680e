"""Undo the joining of two contacts: they are two people after all."""

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.merge import ask_anew
from saasbot.domain.inbox.merge_lock import lock_people
from saasbot.domain.inbox.part_chats import give_chat, part_chats
from saasbot.infra import events
from saasbot.infra.db import session, sql
from saasbot.infra.errors import AppError, NotFound
from saasbot.infra.logging import get_logger
from saasbot.models import Contact, ContactMerge, Conversation, ConversationMerge
from saasbot.models.table import utcnow

log = get_logger(__name__)

UNDO_WITHIN = timedelta(days=30)


class JoinedTooLongAgo(AppError):
    code: ClassVar[str] = "joined_too_long_ago"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "They were joined more than {days} days ago: it can no longer be undone."


class JoinedAgain(AppError):
    code: ClassVar[str] = "joined_again"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "This person was joined with another one since. Undo that first."


async def undo_merge(actor: Actor, merge_id: UUID) -> list[Conversation]:
    """The two contacts are apart again, and are not joined again by themselves. Returns their conversations. Twice is once.

    True afterwards: addresses, messages and conversations are the contact's they came from; what was written since goes by the
    address it came under, and stays with the contact that stayed where that says nothing. Whoever has the chat now has both,
    unless nobody took or gave it since: then both are as they were. Drafts stay where they are.
    The caller holds no conversation and no message.
    Raises: Forbidden, JoinedAgain, JoinedTooLongAgo, NotFound.
    """
    actor.require("inbox.write")
    merge = await _access(actor, merge_id)
    if merge.undone_at is None and utcnow() - merge.created_at > UNDO_WITHIN:
        raise JoinedTooLongAgo(days=UNDO_WITHIN.days)
    people = await lock_people(actor, (merge.into_id, merge.from_id))
    await session().refresh(merge)  # somebody may have undone it while we waited
    if merge.undone_at is not None:
        return people.conversations
    kept = people.contacts.get(merge.into_id)
    if kept is None:
        raise JoinedAgain
    await _restore(merge, kept)
    leaving = await _give_identities(merge)
    touched = await _conversations(actor, merge, {c.id: c for c in people.conversations}, leaving)
    merge.undone_at, merge.undone_by = utcnow(), actor.user_id
    await session().flush()
    await ask_anew(actor, touched)
    for conversation in (*people.conversations, *touched):
        events.publish("consent", company_id=actor.company_id, conversation_id=conversation.id)
    log.info("inbox.contacts_parted", company_id=str(actor.company_id), merge_id=str(merge.id))
    return touched


async def _access(actor: Actor, merge_id: UUID) -> ContactMerge:
    query = select(ContactMerge).where(ContactMerge.id == merge_id, ContactMerge.company_id == actor.company_id)
    merge = (await session().exec(query)).one_or_none()
    if merge is None:
        raise NotFound
    return merge


async def _restore(merge: ContactMerge, kept: Contact) -> None:
    """The contact that went is there again, and both are called as they were, unless the team named the person since."""
    # columns that did not exist then are as the other contact's
    await sql(
        """
        INSERT INTO contact SELECT (jsonb_populate_record(c, CAST(m.from_before AS jsonb))).*
        FROM contact c JOIN contact_merge m ON m.company_id = c.company_id AND m.into_id = c.id
        WHERE m.company_id = :company AND m.id = :merge
        """,
        company=merge.company_id,
        merge=merge.id,
    )
    if kept.name == merge.from_before["name"] and kept.named_by_team == merge.from_before["named_by_team"]:
        kept.name, kept.named_by_team = merge.into_before["name"], merge.into_before["named_by_team"]


async def _give_identities(merge: ContactMerge) -> Sequence[str]:
    """Returns the chats of the contact that leaves, by its addresses."""
    rows = await sql(
        """
        UPDATE contact_identity SET contact_id = :gone
        WHERE company_id = :company AND contact_id = :kept AND id = ANY(:ids) RETURNING kind, value
        """,
        company=merge.company_id,
        kept=merge.into_id,
        gone=merge.from_id,
        ids=merge.identity_ids,
    )
    return [f"{row.value}@{'lid' if row.kind == 'lid' else 's.whatsapp.net'}" for row in rows]


async def _conversations(
    actor: Actor, merge: ContactMerge, found: dict[UUID, Conversation], leaving: Sequence[str]
) -> list[Conversation]:
    query = (
        select(ConversationMerge)
        .where(ConversationMerge.company_id == actor.company_id, ConversationMerge.merge_id == merge.id)
        .order_by(col(ConversationMerge.id))
    )
    touched = []
    for record in (await session().exec(query)).all():
        conversation = found.get(record.into_id)
        if conversation is None:  # the number was deleted for good
            continue
        part = give_chat if record.from_id == record.into_id else part_chats
        touched += await part(actor, merge, record, conversation, leaving)
    return touched
