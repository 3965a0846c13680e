"""The rows of a contact go: chats, messages, what the bot thought of them, what merges remember of them.

A table that refers to a contact or a conversation cascades; what has no foreign key is named here. Tests put a word into every
column and look for it afterwards.
"""

from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.merge_lock import lock_people
from saasbot.domain.privacy.traces import Traces
from saasbot.infra import events
from saasbot.infra.db import sql

# the contact, and everybody who was joined with them, one after the other
_THEM = """
    WITH RECURSIVE them AS (
        SELECT CAST(:contact AS uuid) AS id
        UNION SELECT m.from_id FROM contact_merge m JOIN them ON m.into_id = them.id
        WHERE m.company_id = :company AND m.undone_at IS NULL
    ), merged AS (
        SELECT p.id FROM contact_merge p
        WHERE p.company_id = :company AND (p.into_id IN (SELECT id FROM them) OR p.from_id IN (SELECT id FROM them))
    )
"""


def _of_them(statement: str) -> str:
    return _THEM + statement


_MEDIA = _of_them("""
    SELECT m.media_id AS id FROM message m
    WHERE m.company_id = :company AND m.media_id IS NOT NULL
      AND (m.author_jid = ANY(:jids) OR m.conversation_id IN
           (SELECT c.id FROM conversation c WHERE c.company_id = :company AND c.contact_id = :contact))
    UNION
    SELECT CAST(d->'row'->>'media_id' AS uuid) FROM conversation_merge v, jsonb_array_elements(v.doubles) d
    WHERE v.company_id = :company AND v.merge_id IN (SELECT id FROM merged) AND d->'row'->>'media_id' IS NOT NULL
""")

# what a product, the logo or somebody else's chat shows as well is not theirs
_THEIRS = """
    SELECT f.id, f.storage_key, f.thumb_key FROM media f
    WHERE f.company_id = :company AND f.id = ANY(:ids)
      AND NOT EXISTS (SELECT FROM product p WHERE p.company_id = :company AND p.image_id = f.id)
      AND NOT EXISTS (SELECT FROM company c WHERE c.id = :company AND c.logo_key IN (f.storage_key, f.thumb_key))
      AND NOT EXISTS (
          SELECT FROM message m JOIN conversation c ON c.id = m.conversation_id
          WHERE m.company_id = :company AND m.media_id = f.id AND c.contact_id <> :contact
            AND (m.author_jid IS NULL OR NOT m.author_jid = ANY(:jids)))
    FOR UPDATE OF f
"""

_CALLED_OFF = """
    DELETE FROM idempotency_key k
    WHERE k.company_id = :company AND (
        CAST(k.body AS text) LIKE ANY(:texts)
        OR CAST(k.body AS text) LIKE ANY (SELECT '%' || c.id || '%' FROM conversation c
            WHERE c.company_id = :company AND c.contact_id = :contact)
        OR EXISTS (SELECT FROM message m JOIN conversation c ON c.id = m.conversation_id
            WHERE c.company_id = :company AND c.contact_id = :contact AND m.created_at > now() - interval '3 days'
              AND CAST(k.body AS text) LIKE '%' || m.id || '%'))
"""

# where they were joined with somebody and parted again, the line that tells it stays, and names nobody
_LINES = _of_them("""
    UPDATE message SET payload = payload || '{"name": "", "phone": ""}'
    WHERE company_id = :company AND type = 'activity' AND payload->>'merge' IN (SELECT CAST(id AS text) FROM merged)
""")

_MERGES = _of_them("DELETE FROM contact_merge WHERE company_id = :company AND id IN (SELECT id FROM merged)")

_RECEIPTS = """
    DELETE FROM waiting_receipt r USING message m, conversation c
    WHERE r.company_id = :company AND c.company_id = :company AND c.contact_id = :contact AND m.conversation_id = c.id
      AND r.channel_id = m.channel_id AND r.wa_id = m.wa_id
"""

_IN_GROUPS = "DELETE FROM message WHERE company_id = :company AND author_jid = ANY(:jids) RETURNING conversation_id"

# a reaction or a vote of theirs stands on somebody else's message
_ON_OTHERS = """
    UPDATE message m SET
        reactions = (SELECT coalesce(jsonb_agg(r ORDER BY n), '[]') FROM jsonb_array_elements(m.reactions)
                     WITH ORDINALITY AS e(r, n) WHERE NOT coalesce(r->>'by', '') = ANY(:jids)),
        payload = CASE WHEN m.payload ? 'votes' THEN jsonb_set(m.payload, '{votes}', (
            SELECT coalesce(jsonb_agg(v ORDER BY n), '[]') FROM jsonb_array_elements(m.payload->'votes')
            WITH ORDINALITY AS e(v, n) WHERE NOT coalesce(v->>'by', '') = ANY(:jids))) ELSE m.payload END
    FROM conversation c WHERE c.id = m.conversation_id AND c.company_id = :company AND c.chat_jid LIKE '%@g.us'
      AND (CAST(m.reactions AS text) LIKE ANY(:texts) OR CAST(m.payload->'votes' AS text) LIKE ANY(:texts))
"""

_ACTS = "DELETE FROM message_act WHERE company_id = :company AND actor = ANY(:jids)"

# a group whose last message was theirs shows the one before
_SHOWN = """
    UPDATE conversation c SET last_message_id = n.id, last_preview = coalesce(left(n.text, 200), ''),
        last_author = n.author, last_type = n.type, last_status = n.status
    FROM unnest(CAST(:chats AS uuid[])) AS touched(id) LEFT JOIN LATERAL (
        SELECT m.id, m.text, m.author, m.type, m.status FROM message m WHERE m.conversation_id = touched.id
        ORDER BY m.sort_at DESC, m.seq DESC LIMIT 1) n ON true
    WHERE c.id = touched.id AND c.company_id = :company
"""

_SIMULATED = (
    "DELETE FROM sim_customer WHERE company_id = :company AND (peer = ANY(:users) OR lid = ANY(:users))",
    "DELETE FROM sim_presence WHERE company_id = :company AND (peer = ANY(:users) OR peer = ANY(:jids))",
    "DELETE FROM sim_message WHERE company_id = :company "
    "AND (peer = ANY(:users) OR peer = ANY(:jids) OR CAST(payload AS text) LIKE ANY(:texts))",
    "DELETE FROM sim_event e WHERE company_id = :company AND EXISTS "
    "(SELECT FROM unnest(CAST(:raws AS bytea[])) p WHERE position(p IN e.raw) > 0)",
)


async def media_of(actor: Actor, contact_id: UUID, traces: Traces) -> list[UUID]:
    """Every file that their messages carry, also those that a merge set aside."""
    rows = await sql(_MEDIA, company=actor.company_id, contact=contact_id, jids=list(traces.jids))
    return [id for id in rows.scalars() if id is not None]


async def files_of(actor: Actor, contact_id: UUID, traces: Traces, ids: list[UUID]) -> list[tuple[UUID, list[str]]]:
    """Those of the files that are theirs alone, locked, with their keys in the storage."""
    rows = await sql(_THEIRS, company=actor.company_id, contact=contact_id, ids=ids, jids=list(traces.jids))
    return [(row.id, [key for key in (row.storage_key, row.thumb_key) if key]) for row in rows]


async def forget_files(actor: Actor, ids: list[UUID]) -> None:
    """The rows of files that are gone."""
    await sql("DELETE FROM media WHERE company_id = :company AND id = ANY(:ids)", company=actor.company_id, ids=ids)


async def erase_rows(actor: Actor, contact_id: UUID, traces: Traces) -> None:
    """The contact, their chats and everything in them are gone; so is what they said and did in groups."""
    await lock_people(actor, [contact_id])
    known = {"company": actor.company_id, "contact": contact_id, "jids": list(traces.jids)}
    known |= {"users": list(traces.users), "texts": traces.in_text, "raws": traces.in_raw}
    chats = await sql(
        "SELECT id FROM conversation WHERE company_id = :company AND contact_id = :contact",
        company=actor.company_id,
        contact=contact_id,
    )
    gone = chats.scalars()
    for statement in (_CALLED_OFF, _RECEIPTS, _LINES, _MERGES):
        await sql(statement, **known)
    touched = sorted({*(await sql(_IN_GROUPS, **known)).scalars()} - set(gone))
    for statement in (_ON_OTHERS, _ACTS, *_SIMULATED):
        await sql(statement, **known)
    await sql(_SHOWN, company=actor.company_id, chats=touched)
    # rows of these cascade: identities, what was agreed to under them, conversations, their messages, drafts, turns, acts
    await sql("DELETE FROM contact WHERE company_id = :company AND id = :contact", **known)
    for conversation_id in (*gone, *touched):
        events.publish("conversation", company_id=actor.company_id, conversation_id=conversation_id)
