"""the second step of signing in, who operates the installation, and from where a program signed in

Revision ID: 0024
Revises: 0022
"""

import sqlalchemy as sa

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_TABLES = ("second_factor", "sign_in_attempt", "recovery_code")


def _of_a_person(*columns: sa.schema.SchemaItem) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        *columns,
    ]


def _keys(table: str, *unique: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f(f"fk_{table}_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        *[sa.UniqueConstraint(name, name=op.f(f"uq_{table}_{name}")) for name in unique],
    ]


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.add_column(
        "user_account", sa.Column("is_super_admin", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.alter_column("user_account", "is_super_admin", server_default=None)
    for name in ("network", "user_agent"):
        op.add_column("refresh_token", sa.Column(name, sa.String(), server_default="", nullable=False))
        op.alter_column("refresh_token", name, server_default=None)
    op.create_table(
        "second_factor",
        *_of_a_person(
            sa.Column("totp_sealed", sa.LargeBinary(), nullable=False),
            sa.Column("last_step", sa.BigInteger(), nullable=False),
            sa.Column("mail_allowed", sa.Boolean(), nullable=False),
            sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        ),
        *_keys("second_factor", "user_id"),
    )
    op.create_table(
        "sign_in_attempt",
        *_of_a_person(
            sa.Column("attempt_hash", sa.LargeBinary(), nullable=False),
            sa.Column("enrols", sa.Boolean(), nullable=False),
            sa.Column("network", sa.String(), nullable=False),
            sa.Column("tries", sa.Integer(), nullable=False),
            sa.Column("mails", sa.Integer(), nullable=False),
            sa.Column("mail_code_hash", sa.LargeBinary(), nullable=True),
            sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
            sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
            sa.Column("proved_at", sa.DateTime(timezone=True), nullable=True),
            sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        ),
        *_keys("sign_in_attempt", "attempt_hash"),
    )
    op.create_index("ix_sign_in_attempt_recent", "sign_in_attempt", ["user_id", "created_at"])
    op.create_table(
        "recovery_code",
        *_of_a_person(
            sa.Column("code_hash", sa.LargeBinary(), nullable=False),
            sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        ),
        *_keys("recovery_code", "code_hash"),
    )
    op.create_index(op.f("ix_recovery_code_user_id"), "recovery_code", ["user_id"])
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY every_company ON {table} TO saasbot_platform USING (true) WITH CHECK (true)")
        op.execute(f"REVOKE ALL ON {table} FROM saasbot_app")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO saasbot_platform")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    for table in reversed(_TABLES):
        op.drop_table(table)
    for name in ("user_agent", "network"):
        op.drop_column("refresh_token", name)
    op.drop_column("user_account", "is_super_admin")
