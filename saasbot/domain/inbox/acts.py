"""Reactions, edits and deletions: none is a message of its own, and one that comes before its message waits for it.

WhatsApp also says whose message is meant, but from the point of view of whoever acts, and not every client holds to that. So
it is not asked: in a chat an id names one message, and only its author can edit or delete it. In a group each of its people
acts for themselves, and who acts is known by the address that the group has of them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.identities import Address, resolve_contacts
from saasbot.domain.inbox.incoming import IncomingAct
from saasbot.domain.inbox.preview import REVOKED, preview_of
from saasbot.domain.inbox.turns import ask_for_turns
from saasbot.infra import events
from saasbot.infra.db import session, sql
from saasbot.models import ActKind, Channel, Conversation, Handler

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

_APPLY = """
    WITH act AS (
        SELECT k.conversation_id, a.wa_id, a.kind, a.from_me, a.actor, a.text, a.at
        FROM unnest(CAST(:conversations AS uuid[]), CAST(:ids AS text[])) AS k(conversation_id, wa_id)
        JOIN conversation c ON c.company_id = :company AND c.id = k.conversation_id
        -- OFFSET 0: one look at the key for each message, whatever the planner believes of the table
        JOIN LATERAL (
            SELECT wa_id, kind, from_me, actor, text, at FROM message_act
            WHERE channel_id = :channel AND contact_id = c.contact_id AND wa_id = k.wa_id OFFSET 0
        ) a ON true
    ), wanted AS (
        SELECT m.id, m.text AS text_before, m.revoked_at AS revoked_before,
            max(act.text) FILTER (WHERE act.kind = 'edit' AND act.from_me = m.from_me AND act.actor = coalesce(m.author_jid, '')) AS new_text,
            max(act.at) FILTER (WHERE act.kind = 'edit' AND act.from_me = m.from_me AND act.actor = coalesce(m.author_jid, '')) AS edited_at,
            max(act.at) FILTER (WHERE act.kind = 'revoke' AND act.from_me = m.from_me AND act.actor = coalesce(m.author_jid, '')) AS revoked_at,
            coalesce(jsonb_agg(DISTINCT jsonb_strip_nulls(jsonb_build_object(
                'author', CASE WHEN act.from_me THEN 'phone' ELSE 'customer' END, 'emoji', act.text,
                'by', nullif(act.actor, '')
            ))) FILTER (WHERE act.kind = 'reaction' AND act.text <> ''), '[]') AS reactions
        FROM act JOIN message m ON m.channel_id = :channel AND m.conversation_id = act.conversation_id
            AND m.wa_id = act.wa_id AND m.type <> 'activity'
        GROUP BY m.id
    )
    UPDATE message m SET
        reactions = w.reactions,
        edited_at = CASE WHEN m.revoked_at IS NULL THEN coalesce(w.edited_at, m.edited_at) ELSE m.edited_at END,
        revoked_at = coalesce(m.revoked_at, w.revoked_at),
        earlier_text = CASE
            WHEN m.revoked_at IS NOT NULL THEN m.earlier_text
            WHEN w.revoked_at IS NOT NULL THEN coalesce(w.new_text, m.text)
            WHEN w.edited_at IS NOT NULL THEN coalesce(m.earlier_text, m.text)
            ELSE m.earlier_text END,
        text = CASE
            WHEN m.revoked_at IS NOT NULL OR w.revoked_at IS NOT NULL THEN ''
            ELSE coalesce(w.new_text, m.text) END
    FROM wanted w
    -- a message that stands as its acts say is not written again, and nobody is told
    WHERE m.id = w.id AND (m.reactions <> w.reactions OR (m.revoked_at IS NULL AND (
        w.revoked_at IS NOT NULL OR (w.edited_at IS NOT NULL AND w.edited_at IS DISTINCT FROM m.edited_at))))
    RETURNING m.id, m.seq, m.conversation_id, m.from_me, m.type, m.text, m.payload, m.revoked_at IS NOT NULL AS revoked,
        m.text <> w.text_before OR (m.revoked_at IS NOT NULL AND w.revoked_before IS NULL) AS reworded
"""

_STILL_ASKED = """
    SELECT DISTINCT m.conversation_id FROM message m JOIN conversation c ON c.id = m.conversation_id
    WHERE c.company_id = :company AND c.id = ANY(:conversations) AND m.seq > c.answered_seq
      AND m.author = 'customer' AND m.type <> 'activity' AND m.revoked_at IS NULL
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
    kept = await _keep(actor, channel.id, [(contacts[a], act) for a, act in zip(addresses, acts, strict=True)])
    if not kept:
        return
    conversations = await _lock(actor, channel, {contact_id for contact_id, _ in kept})
    by_contact = {c.contact_id: c.id for c in conversations}
    about = [(by_contact[contact_id], wa_id) for contact_id, wa_id in kept if contact_id in by_contact]
    await settle_acts(actor, channel, {c.id: c for c in conversations}, about)


def address_of_act(act: IncomingAct) -> Address:
    if act.group is not None:
        return Address(None, None, group=act.group)
    return Address(act.phone, act.lid, "" if act.from_me else act.push_name)


async def settle_acts(
    actor: Actor, channel: Channel, conversations: dict[UUID, Conversation], messages: Sequence[tuple[UUID, str]]
) -> None:
    """These messages (conversation, WhatsApp id) take what was done to them, whichever came first. The conversations are
    locked."""
    changed = await _apply(actor, channel.id, messages)
    for row in changed:
        conversation = conversations[row.conversation_id]
        if row.reworded and conversation.last_message_id == row.id:
            conversation.last_preview = _preview(row)
        events.publish("conversation", company_id=actor.company_id, conversation_id=conversation.id)
    await _answer_anew(actor, channel, [(conversations[row.conversation_id], row) for row in changed])


async def settle_sent(actor: Actor, channel_id: UUID, conversation_id: UUID, wa_id: str) -> None:
    """A message of ours has just learned its WhatsApp id: what was done to it before is shown."""
    for row in await _apply(actor, channel_id, [(conversation_id, wa_id)]):
        await sql(
            "UPDATE conversation SET last_preview = :preview WHERE id = :id AND last_message_id = :message",
            preview=_preview(row),
            id=conversation_id,
            message=row.id,
        )


def _preview(row: Any) -> str:
    return REVOKED if row.revoked else preview_of(row.type, row.text, row.payload)


async def _apply(actor: Actor, channel_id: UUID, messages: Sequence[tuple[UUID, str]]) -> Sequence[Any]:
    """Returns the messages that changed."""
    if not messages:
        return []
    rows = await sql(
        _APPLY,
        conversations=[conversation_id for conversation_id, _ in messages],
        ids=[wa_id for _, wa_id in messages],
        channel=channel_id,
        company=actor.company_id,
    )
    return rows.all()


async def keep_own(
    actor: Actor, channel_id: UUID, contact_id: UUID, *, kind: ActKind, wa_id: str, text: str, at: datetime
) -> None:
    """An act of ours that WhatsApp has taken, beside those that came from the phone."""
    act = IncomingAct(kind, None, None, from_me=True, target_wa_id=wa_id, at=at, text=text)
    await _keep(actor, channel_id, [(contact_id, act)])


async def _keep(actor: Actor, channel_id: UUID, acts: list[tuple[UUID, IncomingAct]]) -> list[tuple[UUID, str]]:
    """Write down what is newer than what is known. Returns whom and what it is about."""
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


async def _answer_anew(actor: Actor, channel: Channel, changed: list[tuple[Conversation, Any]]) -> None:
    """A customer said something else, or nothing, before the bot answered: an answer that is being thought of is void."""
    said_anew = {
        c.id: c
        for c, row in changed
        if row.reworded and not row.from_me and c.handler == Handler.BOT and row.seq > c.answered_seq
    }
    if not said_anew:
        return
    for conversation in said_anew.values():
        # the new words count as the customer's newest, so that a turn that read the old ones is overtaken
        newest = await sql("SELECT nextval(pg_get_serial_sequence('message', 'seq'))")
        conversation.last_customer_seq = newest.scalar_one()
    if any(row.revoked for _, row in changed):
        rows = await sql(_STILL_ASKED, company=actor.company_id, conversations=list(said_anew))
        asked = {row.conversation_id for row in rows}
        for conversation in said_anew.values():
            if conversation.id not in asked:
                conversation.answered_seq = conversation.last_customer_seq
    await ask_for_turns(actor, channel, list(said_anew.values()))
