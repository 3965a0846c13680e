"""the lists of the inbox, and its search

Operators of trigram indexes are not leakproof, so under row-level security PostgreSQL never uses such an index
(https://www.postgresql.org/docs/current/rules-privileges.html). The search is therefore a function of the owner, whom the
policies `search` let read, and which itself keeps to the company of the transaction: the company is the first column of
the indexes and of every condition. It returns ids and texts of that company only.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

from saasbot.infra.tenancy import OWN_COMPANY

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

LISTS = {
    "ix_conversation_handler": "(company_id, handler, last_activity_at DESC, id DESC)",
    "ix_conversation_status": "(company_id, status, last_activity_at DESC, id DESC)",
    "ix_conversation_mine": "(company_id, assignee_id, last_activity_at DESC, id DESC) WHERE assignee_id IS NOT NULL",
    "ix_conversation_unassigned": "(company_id, last_activity_at DESC, id DESC) "
    "WHERE handler = 'human' AND assignee_id IS NULL",
    "ix_conversation_unread": "(company_id, last_activity_at DESC, id DESC) WHERE unread > 0",
}
TRIGRAMS = {
    "ix_contact_name_trgm": ("contact", "fold(name)"),
    "ix_contact_identity_value_trgm": ("contact_identity", "value"),
    "ix_message_text_trgm": ("message", "fold(text)"),
}

FIND = f"""
    CREATE FUNCTION find_conversations(words text[], digits text, most integer)
    RETURNS TABLE (conversation_id uuid, matched text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    SET enable_seqscan = off
    AS $$
    DECLARE
        own uuid := {OWN_COMPANY};
        patterns text[] := ARRAY(SELECT '%' || replace(replace(replace(w, '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%'
                                 FROM unnest(words) w ORDER BY length(w) DESC);
        name_fits text := (SELECT string_agg(format('fold(p.name) LIKE %L', w), ' AND ') FROM unnest(patterns) w);
        text_fits text := (SELECT string_agg(format('fold(m.text) LIKE %L', w), ' AND ') FROM unnest(patterns) w);
        -- what an index can find: three letters between the percent signs
        long_name_fits text := (SELECT string_agg(format('fold(p.name) LIKE %L', w), ' AND ') FROM unnest(patterns) w
                                WHERE length(w) >= 5);
        long_text_fits text := (SELECT string_agg(format('fold(m.text) LIKE %L', w), ' AND ') FROM unnest(patterns) w
                                WHERE length(w) >= 5);
    BEGIN
        IF own IS NULL OR name_fits IS NULL THEN
            RETURN;
        END IF;
        -- people among the newest conversations, however short the word
        RETURN QUERY EXECUTE
            'SELECT c.id, '''' FROM (SELECT id, contact_id FROM conversation WHERE company_id = $1 '
            '    ORDER BY last_activity_at DESC, id DESC LIMIT 300) c '
            'JOIN contact p ON p.company_id = $1 AND p.id = c.contact_id WHERE ' || name_fits
            USING own;
        IF length(digits) >= 3 THEN
            RETURN QUERY EXECUTE
                'SELECT c.id, '''' FROM (SELECT contact_id FROM contact_identity WHERE company_id = $1 AND value LIKE $2 '
                '    LIMIT $3) i JOIN channel n ON n.company_id = $1 '
                'JOIN conversation c ON c.company_id = $1 AND c.channel_id = n.id AND c.contact_id = i.contact_id'
                USING own, '%' || digits || '%', most;
        END IF;
        IF long_text_fits IS NULL THEN
            RETURN;
        END IF;
        RETURN QUERY EXECUTE
            'SELECT c.id, '''' FROM (SELECT id, name FROM contact p WHERE company_id = $1 AND ' || long_name_fits ||
            '    LIMIT $2) p JOIN channel n ON n.company_id = $1 '
            'JOIN conversation c ON c.company_id = $1 AND c.channel_id = n.id AND c.contact_id = p.id '
            'WHERE ' || name_fits || ' LIMIT $3'
            USING own, 5 * most, most;
        -- a common word is found among the newest messages; for a rare one the whole index is worth it
        RETURN QUERY EXECUTE
            'WITH newest AS MATERIALIZED (SELECT conversation_id, text, id FROM message WHERE company_id = $1 '
            '    AND type <> ''activity'' ORDER BY id DESC LIMIT 1500), '
            'near AS MATERIALIZED (SELECT conversation_id, text, id FROM newest m WHERE ' || text_fits || '), '
            'indexed AS MATERIALIZED (SELECT conversation_id, text, id FROM message m WHERE company_id = $1 AND '
            || long_text_fits || ' AND (SELECT count(DISTINCT conversation_id) FROM near) < 30 LIMIT $2), '
            'far AS (SELECT conversation_id, text, id FROM indexed m WHERE ' || text_fits || ') '
            'SELECT DISTINCT ON (conversation_id) conversation_id, text::text '
            'FROM (SELECT * FROM near UNION ALL SELECT * FROM far) f ORDER BY conversation_id, id DESC'
            USING own, 10 * most;
    END
    $$
"""


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
    op.execute("DROP INDEX ix_conversation_human")
    op.execute("DROP INDEX ix_conversation_unread")
    for name, definition in LISTS.items():
        op.execute(f"CREATE INDEX {name} ON conversation {definition}")
    for name, (table, expression) in TRIGRAMS.items():
        op.execute(f"DROP INDEX {name}")
        op.execute(f"CREATE INDEX {name} ON {table} USING gin (company_id, {expression} gin_trgm_ops)")
    for table in ("contact", "contact_identity", "message", "conversation", "channel"):
        op.execute(f"CREATE POLICY search ON {table} FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(FIND)
    op.execute("REVOKE ALL ON FUNCTION find_conversations(text[], text, integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION find_conversations(text[], text, integer) TO saasbot_app")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("DROP FUNCTION find_conversations(text[], text, integer)")
    for table in ("contact", "contact_identity", "message", "conversation", "channel"):
        op.execute(f"DROP POLICY search ON {table}")
    for name, (table, expression) in TRIGRAMS.items():
        op.execute(f"DROP INDEX {name}")
        op.execute(f"CREATE INDEX {name} ON {table} USING gin ({expression} gin_trgm_ops)")
    for name in LISTS:
        op.execute(f"DROP INDEX {name}")
    op.execute("CREATE INDEX ix_conversation_unread ON conversation (company_id) WHERE unread > 0")
    op.execute(
        "CREATE INDEX ix_conversation_human ON conversation (company_id, last_activity_at DESC, id DESC) "
        "WHERE handler = 'human'"
    )
