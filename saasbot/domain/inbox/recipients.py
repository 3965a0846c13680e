"""What sending teaches about people: WhatsApp answers under another address than was asked, and both are one person's."""

from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.identities import Address, kind_of_chat, resolve_contacts
from saasbot.infra.db import sql
from saasbot.models import IdentityKind


async def learn_chat(actor: Actor, sent_to: str, went_to: str) -> None:
    """What was sent to one chat went to the other: both addresses are the same contact's from now on.

    The caller holds no conversation and no message.
    """
    address = _both(sent_to, went_to)
    if address is not None:
        await resolve_contacts(actor, [address])


async def learn_recipient(actor: Actor, message_id: UUID, *, asked: str, answered: str) -> None:
    """WhatsApp knows the chat `asked`, a phone number as somebody wrote it, as `answered`: that is where the message's
    conversation writes from now on, and both forms of the number are one contact's.

    The caller holds no conversation and no message.
    """
    phone = (answered if kind_of_chat(answered) == IdentityKind.PHONE else asked).partition("@")[0]
    await resolve_contacts(actor, [_both(asked, answered) or Address(phone, None)])
    await sql(
        "UPDATE contact_identity SET checked_at = now() WHERE company_id = :company AND kind = 'phone' AND value = :phone",
        company=actor.company_id,
        phone=phone,
    )
    await sql(
        """
        UPDATE conversation SET chat_jid = :answered WHERE company_id = :company AND chat_jid = :asked
          AND id = (SELECT conversation_id FROM message WHERE company_id = :company AND id = :message)
        """,
        company=actor.company_id,
        answered=answered,
        asked=asked,
        message=message_id,
    )


def _both(one: str, other: str) -> Address | None:
    """The address that two chats are; nothing where that says nothing new."""
    by_kind: dict[IdentityKind, list[str]] = {}
    for chat in dict.fromkeys((one, other)):
        user, _, server = chat.partition("@")
        if user and server in ("lid", "s.whatsapp.net"):
            by_kind.setdefault(kind_of_chat(chat), []).append(user)
    phones, lids = by_kind.get(IdentityKind.PHONE, []), by_kind.get(IdentityKind.LID, [])
    if not phones or len(phones) + len(lids) < 2:
        return None
    return Address(phones[0], lids[0] if lids else None, also=phones[1] if len(phones) > 1 else None)
