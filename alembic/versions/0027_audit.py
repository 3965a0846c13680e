"""the audit trail: append-only, kept for 90 days

Revision ID: 0027
Revises: 0022
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from alembic import op

from saasbot.infra.tenancy import protect

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# A second wall behind the missing grants: it holds for the owner of the schema too. A removal from within another trigger
# is that of the company itself (its foreign key), which the app role may not do.
_KEEP = """
    CREATE FUNCTION keep_audit() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
    BEGIN
        IF TG_OP = 'DELETE' AND (OLD.at < now() - interval '90 days' OR pg_trigger_depth() > 1) THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'insufficient_privilege';
    END
    $$
"""

_FORGET = """
    CREATE FUNCTION forget_audit() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    AS $$
    DECLARE
        gone bigint;
    BEGIN
        DELETE FROM audit_event WHERE at < now() - interval '90 days';
        GET DIAGNOSTICS gone = ROW_COUNT;
        RETURN gone;
    END
    $$
"""


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("user_name", sa.String(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("details", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_audit_event_company_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_list", "audit_event", ["company_id", sa.text("id DESC")])
    op.create_index("ix_audit_event_person", "audit_event", ["company_id", "user_id", sa.text("id DESC")])
    op.create_index(
        "ix_audit_event_kind", "audit_event", ["company_id", sa.text("split_part(action, '.', 1)"), sa.text("id DESC")]
    )
    op.create_index("ix_audit_event_at", "audit_event", ["at"])
    for statement in protect("audit_event"):
        op.execute(statement)
    op.execute("REVOKE UPDATE, DELETE ON audit_event FROM saasbot_app")
    op.execute("GRANT INSERT ON audit_event TO saasbot_platform")
    op.execute(_KEEP)
    op.execute("REVOKE ALL ON FUNCTION keep_audit() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER keep_audit BEFORE UPDATE OR DELETE ON audit_event FOR EACH ROW EXECUTE FUNCTION keep_audit()"
    )
    for command in ("SELECT", "DELETE"):
        op.execute(
            f"CREATE POLICY forget_{command.lower()} ON audit_event FOR {command} TO CURRENT_USER "
            "USING (at < now() - interval '90 days')"
        )
    op.execute(_FORGET)
    op.execute("REVOKE ALL ON FUNCTION forget_audit() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION forget_audit() TO saasbot_platform")
    # with the row of a company its trail would go
    op.execute("REVOKE DELETE ON company FROM saasbot_app")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("GRANT DELETE ON company TO saasbot_app")
    op.execute("DROP FUNCTION forget_audit()")
    op.drop_table("audit_event")
    op.execute("DROP FUNCTION keep_audit()")
