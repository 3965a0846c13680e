"""What sending teaches about people: WhatsApp answers under another address than was asked, and both are one person's."""

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.identities import Address, kind_of_chat, resolve_contacts
from saasbot.models import IdentityKind


async def learn_chat(actor: Actor, sent_to: str, went_to: str) -> None:
    """What was sent to one chat went to the other: both addresses are the same contact's from now on.

    The caller holds no conversation and no message.
    """
    address = _both(sent_to, went_to)
    if address is not None:
        await resolve_contacts(actor, [address])


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
