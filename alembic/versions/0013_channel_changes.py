"""the history of a number's states, and what its holder tells of itself

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

from saasbot.infra.tenancy import protect

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_LEASE = (
    sa.Column("host", sa.String(), nullable=True),
    sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("memory_bytes", sa.BigInteger(), nullable=True),
    sa.Column("acked_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("acks", sa.ARRAY(sa.BigInteger()), nullable=True),
    sa.Column("ack_seconds", sa.Float(), server_default=sa.text("0"), nullable=False),
)


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.create_table(
        "channel_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id", "channel_id"],
            ["channel.company_id", "channel.id"],
            name=op.f("fk_channel_change_company_id_channel_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_channel_change_company_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_change")),
    )
    op.create_index("ix_channel_change_history", "channel_change", ["channel_id", sa.text("id DESC")])
    for statement in protect("channel_change"):
        op.execute(statement)
    for column in _LEASE:
        op.add_column("channel_lease", column)
    op.add_column("channel", sa.Column("last_receipt_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_message_unconfirmed", "message", ["channel_id"], postgresql_where=sa.text("status = 'unconfirmed'")
    )
    op.create_index(
        "ix_message_undecryptable",
        "message",
        ["channel_id"],
        postgresql_where=sa.text("type = 'unsupported' AND payload->>'kind' = 'undecryptable'"),
    )


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_index("ix_message_undecryptable", "message")
    op.drop_index("ix_message_unconfirmed", "message")
    op.drop_column("channel", "last_receipt_at")
    for column in reversed(_LEASE):
        op.drop_column("channel_lease", column.name)
    op.drop_table("channel_change")
