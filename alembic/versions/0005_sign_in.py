"""the key that signs access tokens, and what registration and sign-in may write

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.create_table(
        "signing_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("private_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("public_pem", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_key")),
    )
    op.execute("ALTER TABLE signing_key ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE signing_key FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY every_company ON signing_key TO saasbot_platform USING (true) WITH CHECK (true)")
    op.execute("REVOKE ALL ON signing_key FROM saasbot_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON signing_key TO saasbot_platform")
    # a registration is one transaction: the company and its first bot, or neither
    op.execute("GRANT INSERT, UPDATE ON bot, prompt_version, policy TO saasbot_platform")
    # the hourly removal of what has expired
    op.execute("GRANT DELETE ON idempotency_key TO saasbot_platform")
    # the mail of a password reset is a job, for known and unknown addresses alike
    op.execute("GRANT SELECT, INSERT, UPDATE ON procrastinate_jobs, procrastinate_events TO saasbot_platform")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO saasbot_platform")
    # without the rights that a database made before this revision gave to every table
    op.execute("REVOKE ALL ON user_account, password_reset, sign_in_failure FROM saasbot_app")
    op.execute("GRANT SELECT (id, created_at, email, name, locale, disabled_at) ON user_account TO saasbot_app")
    op.execute("GRANT UPDATE (name, locale) ON user_account TO saasbot_app")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("REVOKE SELECT, INSERT, UPDATE ON procrastinate_jobs, procrastinate_events FROM saasbot_platform")
    op.execute("REVOKE INSERT, UPDATE ON bot, prompt_version, policy FROM saasbot_platform")
    op.drop_table("signing_key")
