"""what a phone hands over of its earlier chats when it links a number

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa

from alembic import op

from saasbot.infra.tenancy import protect

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def _owned_by_channel(table: str) -> tuple[sa.ForeignKeyConstraint, sa.ForeignKeyConstraint]:
    return (
        sa.ForeignKeyConstraint(
            ["company_id", "channel_id"],
            ["channel.company_id", "channel.id"],
            name=op.f(f"fk_{table}_company_id_channel_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f(f"fk_{table}_company_id"), ondelete="CASCADE"
        ),
    )


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.create_table(
        "history_chunk",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        *_owned_by_channel("history_chunk"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history_chunk")),
        sa.UniqueConstraint("channel_id", "fingerprint", name=op.f("uq_history_chunk_channel_id_fingerprint")),
    )
    # megabytes each, written on the way of live messages: compressing them would make those wait
    op.execute("ALTER TABLE history_chunk ALTER COLUMN raw SET STORAGE EXTERNAL")
    op.create_index(
        "ix_history_chunk_waiting",
        "history_chunk",
        ["channel_id", "id"],
        postgresql_where=sa.text("processed_at IS NULL"),
    )
    op.create_table(
        "channel_history",
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("messages", sa.Integer(), server_default="0", nullable=False),
        sa.Column("chats", sa.Integer(), server_default="0", nullable=False),
        sa.Column("advanced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        *_owned_by_channel("channel_history"),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_channel_history")),
        sa.UniqueConstraint("company_id", "channel_id", name=op.f("uq_channel_history_company_id_channel_id")),
    )
    for table in ("history_chunk", "channel_history"):
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_table("channel_history")
    op.drop_table("history_chunk")
