"""Reactions, edits and deletions: none is a message of its own, and one that comes before its message waits for it.

WhatsApp also says whose message is meant, but from the point of view of whoever acts, and not every client holds to that. So
it is not asked: in a chat an id names one message, and only its author can edit or delete it. In a group each of its people
acts for themselves, and who acts is known by the address that the group has of them.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.identities import Address, kind_of_chat, resolve_contacts
from saasbot.domain.inbox.incoming import IncomingAct
from saasbot.domain.inbox.settle import settle_acts
from saasbot.infra.db import session, sql
from saasbot.models import ActKind, Channel, Conversation

_KEEP = """
    INSERT INTO message_act AS a (channel_id, contact_id, wa_id, kind, from_me, actor, company_id, text, at)
    SELECT :channel, n.contact_id, n.wa_id, n.kind, n.from_me, n.actor, :company, n.text, n.at
    FROM unnest(CAST(:contacts AS uuid[]), CAST(:ids AS text[]), CAST(:kinds AS text[]), CAST(:from_me AS boolean[]),
        CAST(:actors AS text[]), CAST(:texts AS text[]), CAST(:moments AS timestamptz[]))
        AS n(contact_id, wa_id, kind, from_me, actor, text, at)
    ON CONFLICT (channel_id, contact_id, wa_id, kind, from_me, actor) DO UPDATE SET text = excluded.text, at = excluded.at
    WHERE excluded.at > a.at OR (excluded.at = a.at AND excluded.text <> a.text)
    RETURNING a.contact_id, a.wa_id
"""


async def apply_acts(actor: Actor, channel: Channel, acts: Sequence[IncomingAct]) -> None:
    """Keep what people did to messages of this number, and show it on those that are here. Repeating an act, or an older
    one of the same kind, changes nothing.

    True afterwards: no counter of unread messages moved; where the bot has not answered yet, it answers what the customer
    now says, and nothing when nothing is left; what was answered is not answered again.
    """
    if not acts:
        return
    addresses = [address_of_act(act) for act in acts]
    contacts = await resolve_contacts(actor, addresses)
    # chats before acts, as whoever stores messages takes them
    conversations = await _lock(actor, channel, set(contacts.values()))
    kept = await keep_acts(actor, channel.id, [(contacts[a], act) for a, act in zip(addresses, acts, strict=True)])
    by_contact = {c.contact_id: c.id for c in conversations}
    about = [(by_contact[contact_id], wa_id) for contact_id, wa_id in kept if contact_id in by_contact]
    await settle_acts(actor, channel, {c.id: c for c in conversations}, about)


def address_of_act(act: IncomingAct) -> Address:
    if act.group is not None:
        return Address(None, None, group=act.group)
    name = "" if act.from_me else act.push_name
    return Address(act.phone, act.lid, name, under=kind_of_chat(act.chat_jid))


async def keep_own(
    actor: Actor, channel_id: UUID, contact_id: UUID, *, kind: ActKind, wa_id: str, text: str, at: datetime
) -> None:
    """An act of ours that WhatsApp has taken, beside those that came from the phone."""
    act = IncomingAct(kind, None, None, from_me=True, target_wa_id=wa_id, at=at, text=text)
    await keep_acts(actor, channel_id, [(contact_id, act)])


async def keep_acts(actor: Actor, channel_id: UUID, acts: list[tuple[UUID, IncomingAct]]) -> list[tuple[UUID, str]]:
    """Write down what is newer than what is known of these contacts' messages. Returns whom and what it is about. Their
    conversations are locked."""
    newest: dict[tuple[UUID, str, str, bool, str], IncomingAct] = {}
    for contact_id, act in acts:
        key = (contact_id, act.target_wa_id, act.kind, act.from_me, act.author_jid or "")
        if key not in newest or act.at >= newest[key].at:
            newest[key] = act
    rows = await sql(
        _KEEP,
        channel=channel_id,
        company=actor.company_id,
        contacts=[contact_id for contact_id, *_ in newest],
        ids=[act.target_wa_id for act in newest.values()],
        kinds=[act.kind.value for act in newest.values()],
        from_me=[act.from_me for act in newest.values()],
        actors=[act.author_jid or "" for act in newest.values()],
        texts=[act.text for act in newest.values()],
        moments=[act.at for act in newest.values()],
    )
    return list({(row.contact_id, row.wa_id): None for row in rows})


async def _lock(actor: Actor, channel: Channel, contacts: set[UUID]) -> Sequence[Conversation]:
    """The conversations of these people on this number, as far as there are any."""
    query = (
        select(Conversation)
        .where(
            Conversation.company_id == actor.company_id,
            Conversation.channel_id == channel.id,
            col(Conversation.contact_id).in_(contacts),
        )
        .order_by(col(Conversation.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session().exec(query)).all()
