"""consent: who agreed to which text, when and from where

Revision ID: 0030
Revises: 0029
"""

import sqlalchemy as sa

from alembic import op

from saasbot.infra.tenancy import protect

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

# A second wall behind the missing grants: it holds for the owner of the schema too. From within another trigger come only the
# foreign keys: whoever is erased takes the rows along, and a colleague who goes is no longer named in them.
_KEEP = """
    CREATE FUNCTION keep_consent() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
    BEGIN
        IF pg_trigger_depth() > 1 THEN
            IF TG_OP = 'DELETE' THEN
                RETURN OLD;
            END IF;
            IF to_jsonb(NEW) = to_jsonb(OLD) || jsonb_build_object(TG_ARGV[0], NULL) THEN
                RETURN NEW;
            END IF;
        END IF;
        RAISE EXCEPTION 'what was agreed to is append-only' USING ERRCODE = 'insufficient_privilege';
    END
    $$
"""


def _company(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["company_id"], ["company.id"], name=op.f(f"fk_{table}_company_id"), ondelete="CASCADE"
    )


def _person(table: str, column: str, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], ["user_account.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete
    )


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.add_column("user_account", sa.Column("terms_version", sa.String(), server_default="", nullable=False))
    op.execute("GRANT SELECT (terms_version), UPDATE (terms_version, terms_accepted_at) ON user_account TO saasbot_app")
    op.create_table(
        "consent_text",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        _company("consent_text"),
        _person("consent_text", "created_by", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_text")),
        sa.UniqueConstraint("company_id", "id", name=op.f("uq_consent_text_company_id_id")),
        sa.UniqueConstraint("company_id", "version", name=op.f("uq_consent_text_company_id_version")),
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("identity_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("text_version", sa.String(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("noted_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "num_nonnulls(user_id, identity_id) = 1 AND (purpose = 'terms') = (user_id IS NOT NULL)",
            name=op.f("ck_consent_one_person"),
        ),
        _company("consent"),
        _person("consent", "user_id", "CASCADE"),
        _person("consent", "noted_by", "SET NULL"),
        sa.ForeignKeyConstraint(
            ["company_id", "identity_id"],
            ["contact_identity.company_id", "contact_identity.id"],
            name=op.f("fk_consent_company_id_identity_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
        sa.UniqueConstraint("company_id", "id", name=op.f("uq_consent_company_id_id")),
    )
    op.create_index(
        "ix_consent_identity",
        "consent",
        ["company_id", "identity_id", sa.text("created_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("identity_id IS NOT NULL"),
    )
    op.create_index("ix_consent_user", "consent", ["user_id"], postgresql_where=sa.text("user_id IS NOT NULL"))
    op.execute(_KEEP)
    op.execute("REVOKE ALL ON FUNCTION keep_consent() FROM PUBLIC")
    for table, who in (("consent_text", "created_by"), ("consent", "noted_by")):
        for statement in protect(table):
            op.execute(statement)
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM saasbot_app")
        op.execute(
            f"CREATE TRIGGER keep_consent BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION keep_consent('{who}')"
        )
    # with the account and its company, before row-level security could name one
    op.execute("GRANT INSERT ON consent TO saasbot_platform")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_table("consent")
    op.drop_table("consent_text")
    op.execute("DROP FUNCTION keep_consent()")
    op.drop_column("user_account", "terms_version")
