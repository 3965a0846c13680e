"""A customer says that the company may write to them, or takes it back, and somebody of the team notes it.

What was noted hangs on the address of the chat that it was said in, and is asked for by all addresses that the contact has now. So
it follows a person through the joining of contacts, and back.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.consent.texts import BUILT_IN, keep_built_in, read_text
from saasbot.domain.consent.views import ConsentView
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.groups import is_group
from saasbot.domain.inbox.identities import kind_of_chat
from saasbot.infra import events
from saasbot.infra.db import session, sql
from saasbot.infra.errors import AppError
from saasbot.models import Consent, ConsentSource, Conversation, Purpose, Via


class NotOnePerson(AppError):
    code: ClassVar[str] = "not_one_person"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "A group is not one person: each of its members agrees in a chat of their own."


class ConsentTextChanged(AppError):
    code: ClassVar[str] = "consent_text_changed"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "The text is another one by now. Read it again before you note who agreed."


_OF_A_CONTACT = """
    SELECT c.id, c.granted, c.text_version, c.created_at, u.name, c.address, c.network, c.source
    FROM contact_identity i JOIN consent c ON c.company_id = :company AND c.identity_id = i.id
    LEFT JOIN user_account u ON u.id = c.noted_by
    WHERE i.company_id = :company AND i.contact_id = :contact
"""


async def read_consent(actor: Actor, contact_id: UUID) -> ConsentView | None:
    """What this contact has said last; nothing when nobody noted anything. The caller has had access to a conversation of theirs."""
    rows = await sql(
        _OF_A_CONTACT + " ORDER BY c.created_at DESC, c.id DESC LIMIT 1", company=actor.company_id, contact=contact_id
    )
    row = rows.one_or_none()
    return _view(row) if row is not None else None


async def list_consents(
    actor: Actor, conversation_id: UUID, *, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[ConsentView]:
    """What the contact of this conversation has said, the newest first; from those before the given one.

    Raises: Forbidden, NotFound.
    """
    conversation = await access_conversation(actor, conversation_id)
    at, id = after or (None, None)
    rows = await sql(
        _OF_A_CONTACT + " AND (cast(:at AS timestamptz) IS NULL OR (c.created_at, c.id) < (:at, cast(:id AS uuid)))"
        " ORDER BY c.created_at DESC, c.id DESC LIMIT :limit",
        company=actor.company_id,
        contact=conversation.contact_id,
        at=at,
        id=id,
        limit=limit,
    )
    return [_view(row) for row in rows]


async def note_consent(actor: Actor, conversation_id: UUID, *, granted: bool, shown: int | None = None) -> ConsentView:
    """The contact of this conversation has agreed to the company's text, or has taken it back. What is so already is not noted
    again. `shown`: the version that was read out to them, where the caller knows it.

    Raises: Forbidden, NotFound, NotOnePerson, ConsentTextChanged (another text counts than was shown).
    """
    actor.require("inbox.write")
    conversation = await access_conversation(actor, conversation_id, lock=True)
    if is_group(conversation.chat_jid):
        raise NotOnePerson
    await _hold_contact(conversation)
    text, last = await read_text(actor), await read_consent(actor, conversation.contact_id)
    if granted and shown not in (None, text.version):
        raise ConsentTextChanged
    if last is not None and last.granted == granted and (last.version == text.version or not granted):
        return last
    version = last.version if last is not None and not granted else text.version
    if version == BUILT_IN:
        await keep_built_in(actor, text)
    identity_id, address = await _address(conversation)
    consent = Consent(
        company_id=actor.company_id,
        identity_id=identity_id,
        purpose=Purpose.MESSAGES,
        granted=granted,
        text_version=str(version),
        network=actor.origin.network,
        address=address,
        source=ConsentSource.API if actor.origin.via is Via.API else ConsentSource.INBOX,
        noted_by=actor.user_id,
    )
    session().add(consent)
    await session().flush()
    await record(actor, "consent.given" if granted else "consent.withdrawn", conversation.contact_id, version=version)
    await tell(actor, conversation.contact_id)
    return ConsentView(
        consent.id, granted, version, consent.created_at, actor.name, address, consent.network, consent.source
    )


async def tell(actor: Actor, contact_id: UUID) -> None:
    """Panels beside this contact's chats, on every number, show what was noted of them."""
    chats = await sql(
        "SELECT id FROM conversation WHERE company_id = :company AND contact_id = :contact",
        company=actor.company_id,
        contact=contact_id,
    )
    for conversation_id in chats.scalars():
        events.publish("consent", company_id=actor.company_id, conversation_id=conversation_id)


async def _hold_contact(conversation: Conversation) -> None:
    """Two who note something of one person, in chats on two numbers, do it one after the other."""
    await sql(
        "SELECT FROM contact WHERE company_id = :company AND id = :contact FOR NO KEY UPDATE",
        company=conversation.company_id,
        contact=conversation.contact_id,
    )


async def _address(conversation: Conversation) -> tuple[UUID, str]:
    """The address that the chat is under now; where the contact has lost it, another of theirs."""
    rows = await sql(
        """
        SELECT id, kind || ':' || value AS address FROM contact_identity
        WHERE company_id = :company AND contact_id = :contact
        ORDER BY (kind = :kind AND value = :value) DESC, kind DESC, value LIMIT 1
        """,
        company=conversation.company_id,
        contact=conversation.contact_id,
        kind=kind_of_chat(conversation.chat_jid).value,
        value=conversation.chat_jid.partition("@")[0],
    )
    row = rows.one()
    return row.id, row.address


def _view(row: Any) -> ConsentView:
    return ConsentView(
        id=row.id,
        granted=row.granted,
        version=int(row.text_version),
        at=row.created_at,
        noted_by=row.name or "",
        address=row.address,
        network=row.network,
        source=row.source,
    )
