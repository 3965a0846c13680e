"""groups: who wrote, who did something to a message, and that no bot answers

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa

from alembic import op

from saasbot.infra.tenancy import OWN_COMPANY

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_KEY = ["channel_id", "contact_id", "wa_id", "kind", "from_me"]

# in a group the text that was found says who wrote it
_WHO = "CASE WHEN author_jid IS NULL THEN '''' ELSE author_name END"
_SHOWN = "concat_ws('': '', nullif(who, ''''), text)"

FIND = """
    CREATE OR REPLACE FUNCTION find_conversations(words text[], digits text, most integer)
    RETURNS TABLE (conversation_id uuid, matched text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    SET enable_seqscan = off
    AS $$
    DECLARE
        own uuid := {own};
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
                '    AND kind <> ''group'' LIMIT $3) i JOIN channel n ON n.company_id = $1 '
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
            'WITH newest AS MATERIALIZED (SELECT conversation_id, text, id, {who} AS who FROM message WHERE company_id = $1 '
            '    AND type <> ''activity'' ORDER BY id DESC LIMIT 1500), '
            'near AS MATERIALIZED (SELECT conversation_id, text, id, who FROM newest m WHERE ' || text_fits || '), '
            'indexed AS MATERIALIZED (SELECT conversation_id, text, id, {who} AS who FROM message m WHERE company_id = $1 AND '
            || long_text_fits || ' AND (SELECT count(DISTINCT conversation_id) FROM near) < 30 LIMIT $2), '
            'far AS (SELECT conversation_id, text, id, who FROM indexed m WHERE ' || text_fits || ') '
            'SELECT DISTINCT ON (conversation_id) conversation_id, {shown} '
            'FROM (SELECT * FROM near UNION ALL SELECT * FROM far) f ORDER BY conversation_id, id DESC'
            USING own, 10 * most;
    END
    $$
"""


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.add_column("message", sa.Column("author_jid", sa.String(), nullable=True))
    op.add_column("message_act", sa.Column("actor", sa.String(), server_default="", nullable=False))
    op.drop_constraint(op.f("pk_message_act"), "message_act", type_="primary")
    op.create_primary_key(op.f("pk_message_act"), "message_act", [*_KEY, "actor"])
    op.create_check_constraint(
        op.f("ck_conversation_no_bot_in_groups"),
        "conversation",
        "chat_jid NOT LIKE '%@g.us' OR (handler = 'human' AND NOT bot_enabled)",
    )
    op.execute(FIND.format(own=OWN_COMPANY, who=_WHO, shown=_SHOWN))


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute(FIND.format(own=OWN_COMPANY, who="NULL::text", shown="text::text"))
    op.drop_constraint(op.f("ck_conversation_no_bot_in_groups"), "conversation", type_="check")
    op.execute("DELETE FROM message_act WHERE actor <> ''")
    op.drop_constraint(op.f("pk_message_act"), "message_act", type_="primary")
    op.create_primary_key(op.f("pk_message_act"), "message_act", _KEY)
    op.drop_column("message_act", "actor")
    op.drop_column("message", "author_jid")
