"""Everything of some contacts is held, so that they can be joined or parted whatever else goes on.

Elsewhere some lock a message and then its conversation (the outbox, receipts), and some a conversation and then its messages or
a contact (receiving, acts). Joining needs them all, on every number of the company, so it cannot keep both orders. It is rare: it
waits a moment only, lets go of everything when somebody has what it needs, and tries again. The others never see a deadlock.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError
from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.infra.db import session, sql, take_longer
from saasbot.models import Contact, Conversation

_TRIES = 100
_PATIENCE = "100ms"
"""Well below PostgreSQL's deadlock_timeout of a second: whoever waits for us is not the one to be ended."""
_PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class People:
    """Locked. Those who are there no more are missing."""

    contacts: dict[UUID, Contact]
    conversations: list[Conversation]


async def lock_people(actor: Actor, contact_ids: Sequence[UUID]) -> People:
    """These contacts, their conversations, messages and acts, locked until the transaction ends; until then nobody else
    joins or parts contacts of this company, and nothing can be written to what is about to go.

    The caller holds no conversation and no message. Raises: OperationalError, when others do not let go for seconds.
    """
    await take_longer(seconds=120)  # people with years of messages
    usual = (await sql("SELECT current_setting('lock_timeout')")).scalar_one()
    for tries_left in range(_TRIES, 0, -1):
        try:
            async with session().begin_nested():
                await (
                    session().connection()
                )  # the session writes SAVEPOINT when it is asked for its connection, not before
                await sql("SELECT set_config('lock_timeout', :patience, true)", patience=_PATIENCE)
                found = await _lock(actor, contact_ids)
                await sql("SELECT set_config('lock_timeout', :usual, true)", usual=usual)
                return found
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable) or tries_left == 1:
                raise
        await asyncio.sleep(_PAUSE_SECONDS)
    raise AssertionError("unreachable")


async def _lock(actor: Actor, contact_ids: Sequence[UUID]) -> People:
    await sql("SELECT pg_advisory_xact_lock(hashtextextended('people:' || :company, 0))", company=str(actor.company_id))
    contacts = await session().exec(
        select(Contact)
        .where(Contact.company_id == actor.company_id, col(Contact.id).in_(contact_ids))
        .order_by(col(Contact.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {contact.id: contact for contact in contacts}
    conversations = await session().exec(
        select(Conversation)
        .where(Conversation.company_id == actor.company_id, col(Conversation.contact_id).in_(contact_ids))
        .order_by(col(Conversation.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    chats = list(conversations.all())
    values = {"company": actor.company_id}
    await sql(
        "SELECT FROM message WHERE company_id = :company AND conversation_id = ANY(:chats) ORDER BY seq FOR UPDATE",
        chats=[chat.id for chat in chats],
        **values,
    )
    await sql(
        "SELECT FROM message_act WHERE company_id = :company AND contact_id = ANY(:contacts) FOR UPDATE",
        contacts=list(contact_ids),
        **values,
    )
    return People(found, chats)
