"""acts of ours on their way, polls of ours, chats that forget, downloads that are tried later

Revision ID: 0019
Revises: 0017
"""

import sqlalchemy as sa
import sqlmodel

from alembic import op
from saasbot.infra.tenancy import protect

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    # a constant default is kept in the catalogue: no row is written anew
    op.add_column("conversation", sa.Column("ephemeral_seconds", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("message", sa.Column("poll_secret", sa.LargeBinary(), nullable=True))
    op.add_column("media", sa.Column("retry_at", _MOMENT, nullable=True))
    op.add_column("media", sa.Column("waveform", sa.LargeBinary(), nullable=True))
    op.create_table(
        "outgoing_act",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("author_user_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("sending_epoch", sa.BigInteger(), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                ["company_id", f"{table}_id"],
                [f"{table}.company_id", f"{table}.id"],
                name=op.f(f"fk_outgoing_act_company_id_{table}_id"),
                ondelete="CASCADE",
            )
            for table in ("channel", "conversation", "message")
        ),
        sa.ForeignKeyConstraint(
            ["author_user_id"],
            ["user_account.id"],
            name=op.f("fk_outgoing_act_author_user_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_outgoing_act_company_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing_act")),
    )
    op.create_index(
        "ix_outgoing_act_queued", "outgoing_act", ["channel_id", "seq"], postgresql_where=sa.text("status = 'queued'")
    )
    op.create_index(
        "ix_outgoing_act_sending", "outgoing_act", ["channel_id"], postgresql_where=sa.text("status = 'sending'")
    )
    op.create_index("ix_outgoing_act_message", "outgoing_act", ["message_id", "kind", sa.text("seq DESC")])
    for statement in protect("outgoing_act"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_table("outgoing_act")
    for table, column in (
        ("media", "waveform"),
        ("media", "retry_at"),
        ("message", "poll_secret"),
        ("conversation", "ephemeral_seconds"),
    ):
        op.drop_column(table, column)
