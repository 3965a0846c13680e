"""members and invitations, confirmed addresses, and how often anybody may try

Revision ID: 0025
Revises: 0022
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import CITEXT

from alembic import op

from saasbot.infra.tenancy import protect

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    _accounts()
    _invitations()
    op.create_table(
        "mail_confirmation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("used_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_mail_confirmation_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_confirmation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_mail_confirmation_token_hash")),
    )
    op.create_index(op.f("ix_mail_confirmation_user_id"), "mail_confirmation", ["user_id"])
    op.create_table(
        "attempt_count",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("whose", sa.LargeBinary(), nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "whose", name=op.f("pk_attempt_count")),
    )
    for table in ("mail_confirmation", "attempt_count"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY every_company ON {table} TO saasbot_platform USING (true) WITH CHECK (true)")
        op.execute(f"REVOKE ALL ON {table} FROM saasbot_app")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO saasbot_platform")


def _accounts() -> None:
    # whoever has an account now is taken to have confirmed it. The default fills the rows: row-level security is forced, so
    # that the owner of the table could update none of them
    op.add_column("user_account", sa.Column("email_confirmed_at", _MOMENT, server_default=sa.func.now(), nullable=True))
    op.alter_column("user_account", "email_confirmed_at", server_default=None)
    op.execute("GRANT SELECT (email_confirmed_at) ON user_account TO saasbot_app")
    op.add_column("membership", sa.Column("disabled_at", _MOMENT, nullable=True))


def _invitations() -> None:
    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("email", CITEXT(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("used_at", _MOMENT, nullable=True),
        sa.Column("revoked_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_invitation_company_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["user_account.id"], name=op.f("fk_invitation_invited_by"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("company_id", "id", name=op.f("uq_invitation_company_id_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_index(
        "uq_invitation_waiting",
        "invitation",
        ["company_id", "email"],
        unique=True,
        postgresql_where=sa.text("used_at IS NULL AND revoked_at IS NULL"),
    )
    op.create_index("ix_invitation_invited_by", "invitation", ["invited_by", "created_at"])
    for statement in protect("invitation"):
        op.execute(statement)
    op.execute("GRANT UPDATE, DELETE ON invitation TO saasbot_platform")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_table("attempt_count")
    op.drop_table("mail_confirmation")
    op.drop_table("invitation")
    op.drop_column("membership", "disabled_at")
    op.drop_column("user_account", "email_confirmed_at")
