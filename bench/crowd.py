"""Companies with many conversations, written by SQL: for measures of reading."""

from uuid import UUID

import psycopg
from psycopg import sql

from saasbot.models.table import new_id

WORDS = [
    "hola",
    "buenas",
    "zapatillas",
    "rojas",
    "azules",
    "runner",
    "talle",
    "precio",
    "cuanto",
    "cuesta",
    "envio",
    "gratis",
    "tarjeta",
    "efectivo",
    "reserva",
    "mañana",
    "tarde",
    "local",
    "direccion",
    "horario",
    "cambio",
    "devolucion",
    "gracias",
    "perfecto",
    "dale",
    "stock",
    "modelo",
    "nuevo",
    "oferta",
    "cuotas",
    "transferencia",
    "pago",
    "pedido",
    "llega",
    "domicilio",
    "foto",
    "color",
    "negro",
    "blanco",
    "numero",
    "consulta",
    "disponible",
]

_TABLES = ("contact", "contact_identity", "conversation", "message")


def fill(app_dsn: str, *, conversations: int, messages_each: int) -> UUID:
    """A company with one number; every conversation has that many messages, spread over 200 days. Returns its id.

    Every 20th conversation waits for a person, every 40th has unread messages. `ANALYZE` is the caller's.
    """
    company, channel, bot = new_id(), new_id(), new_id()
    with psycopg.connect(app_dsn) as connection:
        connection.execute("SELECT set_config('app.company', %s, false)", [str(company)])
        _frame(connection, company, channel, bot)
        values = {"company": company, "channel": channel, "n": conversations, "each": messages_each, "words": WORDS}
        for statement in (_CONTACTS, _IDENTITIES, _CONVERSATIONS, _MESSAGES, _LAST):
            connection.execute(statement, values)
    return company


def _frame(connection: psycopg.Connection, company: UUID, channel: UUID, bot: UUID) -> None:
    connection.execute(
        "INSERT INTO company (id, created_at, name, industry, description, locale, timezone, currency, bot_enabled, "
        "onboarding, ai_source) VALUES (%s, now(), 'Crowd', '', '', 'es', 'America/Argentina/Buenos_Aires', 'ARS', "
        "true, '{}', 'none')",
        [company],
    )
    connection.execute(
        "INSERT INTO bot (id, company_id, created_at, name, personality, enabled) VALUES (%s, %s, now(), 'Bot', '', true)",
        [bot, company],
    )
    connection.execute(
        "INSERT INTO channel (id, company_id, created_at, kind, name, bot_id, bot_enabled, desired, status, since, "
        "history_days, groups_enabled, reject_calls, call_message) "
        "VALUES (%s, %s, now(), 'simulator', 'Local', %s, true, 'running', 'open', now(), 0, false, false, '')",
        [channel, company, bot],
    )


def analyze(owner_dsn: str) -> None:
    """Afterwards the planner knows the tables."""
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        for table in _TABLES:
            connection.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(table)))


_CONTACTS = """
    INSERT INTO contact (id, company_id, created_at, name, named_by_team)
    SELECT gen_random_uuid(), %(company)s, now() - i * interval '170 seconds',
        initcap((%(words)s::text[])[1 + i %% 40]) || ' ' || initcap((%(words)s::text[])[1 + i / 40 %% 40]) || ' ' || i, false
    FROM generate_series(1, %(n)s) i
"""
_IDENTITIES = """
    INSERT INTO contact_identity (id, company_id, created_at, contact_id, kind, value)
    SELECT gen_random_uuid(), company_id, created_at, id, 'phone', (5491100000000 + row_number() OVER ())::text
    FROM contact WHERE company_id = %(company)s
"""
_CONVERSATIONS = """
    INSERT INTO conversation (id, company_id, created_at, channel_id, contact_id, chat_jid, status, handler, owner_epoch,
        owner_changed_seq, bot_enabled, bot_started, unread, last_preview, last_activity_at, last_customer_seq,
        answered_seq)
    SELECT gen_random_uuid(), company_id, created_at, %(channel)s, id, phone || '@s.whatsapp.net',
        CASE WHEN i %% 20 = 0 THEN 'open' ELSE 'pending' END, CASE WHEN i %% 20 = 0 THEN 'human' ELSE 'bot' END,
        1, 0, true, false, CASE WHEN i %% 40 = 0 THEN 2 ELSE 0 END, '', created_at, 0, 0
    FROM (SELECT contact.*, value AS phone, row_number() OVER () AS i FROM contact
          JOIN contact_identity ON contact_identity.contact_id = contact.id WHERE contact.company_id = %(company)s) people
"""
_MESSAGES = """
    INSERT INTO message (id, company_id, created_at, conversation_id, channel_id, sort_at, wa_id, wa_timestamp, from_me,
        direction, author, author_name, type, text, payload, status)
    SELECT
        -- as a UUIDv7: in the order of creation
        (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3)
            || '8' || substr(md5(random()::text), 1, 15))::uuid,
        company_id, at, id, channel_id, at, 'C' || id || j, at, j %% 2 = 1,
        CASE WHEN j %% 2 = 1 THEN 'outbound' ELSE 'inbound' END, CASE WHEN j %% 2 = 1 THEN 'bot' ELSE 'customer' END, '',
        'text', phrase, '{}', CASE WHEN j %% 2 = 1 THEN 'read' ELSE 'delivered' END
    FROM (
        SELECT conversation.*, j, last_activity_at - (%(each)s - j) * interval '40 seconds' AS at,
            (SELECT string_agg((%(words)s::text[])[1 + (random() * 39)::int], ' ')
             FROM generate_series(1, 8) w WHERE conversation.id IS NOT NULL AND j > 0) || ' ' || substr(id::text, 1, 5)
            AS phrase
        FROM conversation, generate_series(1, %(each)s) j WHERE company_id = %(company)s
        ORDER BY at
    ) spread
"""
_LAST = """
    UPDATE conversation c SET last_message_id = m.id, last_preview = left(m.text, 140), last_author = m.author,
        last_type = 'text', last_status = m.status, last_customer_seq = m.seq
    FROM (SELECT DISTINCT ON (conversation_id) * FROM message WHERE company_id = %(company)s
          ORDER BY conversation_id, sort_at DESC, seq DESC) m
    WHERE m.conversation_id = c.id AND c.company_id = %(company)s
"""
