"""Two contacts turn out to be one person: one contact is left, with one conversation on each number."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.merge_chats import join_chats, take_chat
from saasbot.domain.inbox.merge_lock import lock_people
from saasbot.domain.inbox.settle import settle_acts
from saasbot.domain.inbox.turns import ask_for_turns
from saasbot.infra import events
from saasbot.infra.db import session, sql
from saasbot.infra.logging import get_logger
from saasbot.models import Channel, Contact, ContactMerge, Conversation
from saasbot.models.table import new_id

log = get_logger(__name__)

_ACTS = """
    WITH gone AS (DELETE FROM message_act WHERE company_id = :company AND contact_id = :gone RETURNING *)
    INSERT INTO message_act AS a (channel_id, contact_id, wa_id, kind, from_me, actor, company_id, text, at)
    SELECT channel_id, :kept, wa_id, kind, from_me, actor, company_id, text, at FROM gone
    ON CONFLICT (channel_id, contact_id, wa_id, kind, from_me, actor) DO UPDATE SET text = excluded.text, at = excluded.at
    WHERE excluded.at > a.at
"""


async def merge_contacts(actor: Actor, one: UUID, other: UUID, *, seen_as: Sequence[str]) -> UUID | None:
    """These contacts are one person, as `seen_as` has shown. The older one stays, and is returned; nothing when one of them is gone
    already (somebody else joined them at this instant).

    True afterwards: every address (with what was agreed to under it), act and conversation of both is the one's that stays. Where
    both had a conversation on a number, their messages stand in one, each once; a person who had either has it now, and the bot is
    silent there; the bot's answers that wait still leave where it may answer, and what a customer has asked is answered once.
    The caller holds no conversation and no message.
    """
    people = await lock_people(actor, (one, other))
    if len(people.contacts) < 2:
        return None
    kept, gone = sorted(people.contacts.values(), key=lambda contact: (contact.created_at, contact.id))
    merge = ContactMerge(
        id=new_id(),
        company_id=actor.company_id,
        into_id=kept.id,
        from_id=gone.id,
        seen_as=sorted(seen_as),
        identity_ids=await _move_identities(actor, gone.id, kept.id),
        from_before=await _as_it_is(gone.id),
        into_before=await _as_it_is(kept.id),
    )
    session().add(merge)
    await session().flush()
    await sql(_ACTS, company=actor.company_id, gone=gone.id, kept=kept.id)
    joined = await _conversations(merge, people.conversations)
    _name(kept, gone)
    await session().flush()
    session().expunge(gone)
    await sql("DELETE FROM contact WHERE company_id = :company AND id = :gone", company=actor.company_id, gone=gone.id)
    await _settle(actor, kept.id, {c.id: c for c in people.conversations if c.contact_id == kept.id})
    await ask_anew(actor, joined)
    for conversation in people.conversations:  # what was noted of either is this person's now
        events.publish("consent", company_id=actor.company_id, conversation_id=conversation.id)
    log.info("inbox.contacts_joined", company_id=str(actor.company_id), merge_id=str(merge.id))
    return kept.id


async def _settle(actor: Actor, contact_id: UUID, conversations: dict[UUID, Conversation]) -> None:
    """What came under one address, and waited for a message that was under the other, is done to it."""
    rows = await sql(
        """
        SELECT DISTINCT c.channel_id, c.id, a.wa_id FROM message_act a
        JOIN conversation c ON c.company_id = a.company_id AND c.channel_id = a.channel_id AND c.contact_id = a.contact_id
        WHERE a.company_id = :company AND a.contact_id = :contact
        """,
        company=actor.company_id,
        contact=contact_id,
    )
    by_channel: dict[UUID, list[tuple[UUID, str]]] = {}
    for channel_id, conversation_id, wa_id in rows:
        by_channel.setdefault(channel_id, []).append((conversation_id, wa_id))
    for channel_id, messages in by_channel.items():
        await settle_acts(actor, await session().get_one(Channel, channel_id), conversations, messages)


async def were_parted(actor: Actor, one: UUID, other: UUID, *, seen_as: Sequence[str]) -> bool:
    """A person has said of these two, or of these addresses, that they are not one person."""
    found = await sql(
        """
        SELECT EXISTS (
            SELECT FROM contact_merge WHERE company_id = :company AND undone_at IS NOT NULL AND (
                (into_id = :one AND from_id = :other) OR (into_id = :other AND from_id = :one)
                OR seen_as = CAST(:seen_as AS text[])))
        """,
        company=actor.company_id,
        one=one,
        other=other,
        seen_as=sorted(seen_as),
    )
    return found.scalar_one()


async def ask_anew(actor: Actor, conversations: Sequence[Conversation]) -> None:
    """The jobs of turns that waited may be about conversations that are no more: each that waits for an answer of the bot has a
    new one. One too many finds nothing to do."""
    by_channel: dict[UUID, list[Conversation]] = {}
    for conversation in conversations:
        conversation.turn_due_at = conversation.turn_waiting_since = None
        by_channel.setdefault(conversation.channel_id, []).append(conversation)
    query = select(Channel).where(Channel.company_id == actor.company_id, col(Channel.id).in_(by_channel))
    for channel in (await session().exec(query)).all():
        await ask_for_turns(actor, channel, by_channel[channel.id])


async def _move_identities(actor: Actor, gone: UUID, kept: UUID) -> list[UUID]:
    moved = await sql(
        "UPDATE contact_identity SET contact_id = :kept WHERE company_id = :company AND contact_id = :gone RETURNING id",
        company=actor.company_id,
        kept=kept,
        gone=gone,
    )
    return list(moved.scalars())


async def _as_it_is(contact_id: UUID) -> dict[str, Any]:
    row = (await sql("SELECT CAST(to_jsonb(c) AS text) FROM contact c WHERE id = :id", id=contact_id)).scalar_one()
    return json.loads(row)


async def _conversations(merge: ContactMerge, conversations: Sequence[Conversation]) -> list[Conversation]:
    """Those of both contacts become one on each number. Returns those that are left of the ones that were touched."""
    stay = {c.channel_id: c for c in conversations if c.contact_id == merge.into_id}
    left = []
    for conversation in [c for c in conversations if c.contact_id == merge.from_id]:
        if (kept := stay.get(conversation.channel_id)) is not None:
            await join_chats(merge, kept, conversation)
            left.append(kept)
        else:
            await take_chat(merge, conversation)
            left.append(conversation)
    return left


def _name(kept: Contact, gone: Contact) -> None:
    """The name that the team gave, else the one that WhatsApp told."""
    if (gone.named_by_team and not kept.named_by_team) or not kept.name:
        kept.name, kept.named_by_team = gone.name, gone.named_by_team
