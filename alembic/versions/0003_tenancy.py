"""row-level security, the rights of each role, and the search indexes

Revision ID: 0003
Revises: 0002
"""

from alembic import op

from saasbot.infra.tenancy import OWN_COMPANY, protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TENANT_TABLES = (
    "agent_turn bot channel channel_lease channel_pairing contact contact_identity conversation draft idempotency_key "
    "media membership message notice policy product prompt_version refresh_token sign_in_ticket sim_event sim_message "
    "sim_number sim_presence user_session wa_event waiting_receipt"
).split()

SEARCH_INDEXES = {
    "ix_contact_name_trgm": "contact USING gin (fold(name) gin_trgm_ops)",
    "ix_contact_identity_value_trgm": "contact_identity USING gin (value gin_trgm_ops)",
    "ix_message_text_trgm": "message USING gin (fold(text) gin_trgm_ops)",
    "ix_product_search_trgm": "product USING gin "
    "(fold(title || ' ' || description || ' ' || coalesce(sku, '')) gin_trgm_ops)",
}


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("GRANT USAGE ON SCHEMA public TO saasbot_app, saasbot_platform")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO saasbot_app, saasbot_platform")
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO saasbot_app, saasbot_platform")
    for statement in protect("company", column="id"):
        op.execute(statement)
    for table in TENANT_TABLES:
        for statement in protect(table):
            op.execute(statement)
    _protect_accounts()
    for name, definition in SEARCH_INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON {definition}")


def _protect_accounts() -> None:
    """People are global: the app role sees colleagues only, and never a password hash; sign-in is the platform's work."""
    for table in ("user_account", "password_reset", "sign_in_failure"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY every_company ON {table} TO saasbot_platform USING (true) WITH CHECK (true)")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO saasbot_platform")
    for table in ("company", "membership", "user_session", "sign_in_ticket", "refresh_token"):
        op.execute(f"GRANT INSERT, UPDATE, DELETE ON {table} TO saasbot_platform")
    op.execute(
        "CREATE POLICY own_colleagues ON user_account TO saasbot_app USING (EXISTS (SELECT FROM membership "
        f"WHERE membership.user_id = user_account.id AND membership.company_id = {OWN_COMPANY}))"
    )
    op.execute("GRANT SELECT (id, created_at, email, name, locale, disabled_at) ON user_account TO saasbot_app")
    op.execute("GRANT UPDATE (name, locale) ON user_account TO saasbot_app")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    for name in SEARCH_INDEXES:
        op.execute(f"DROP INDEX {name}")
    for table in ("company", *TENANT_TABLES, "user_account", "password_reset", "sign_in_failure"):
        for policy in ("own_company", "every_company", "own_colleagues"):
            op.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM saasbot_app, saasbot_platform")
