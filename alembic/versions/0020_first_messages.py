"""what holds a message back, whom a number wrote to first, since when it is linked; and sealed proxies can be sealed anew

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.add_column("channel", sa.Column("first_linked_at", sa.DateTime(timezone=True)))
    op.add_column("conversation", sa.Column("written_first_at", sa.DateTime(timezone=True)))
    op.add_column("message", sa.Column("held_until", sa.DateTime(timezone=True)))
    op.add_column("message", sa.Column("held_reason", sa.String()))
    op.add_column("message", sa.Column("left_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_conversation_written_first",
        "conversation",
        ["channel_id", "written_first_at"],
        postgresql_where=sa.text("written_first_at IS NOT NULL"),
    )
    op.create_index(
        "ix_message_automatic",
        "message",
        ["channel_id", "left_at"],
        postgresql_where=sa.text("left_at IS NOT NULL AND author <> 'agent'"),
    )
    op.execute("GRANT UPDATE (proxy_sealed) ON channel TO saasbot_platform")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("REVOKE UPDATE (proxy_sealed) ON channel FROM saasbot_platform")
    op.drop_index("ix_message_automatic", "message")
    op.drop_index("ix_conversation_written_first", "conversation")
    for column in ("left_at", "held_reason", "held_until"):
        op.drop_column("message", column)
    op.drop_column("conversation", "written_first_at")
    op.drop_column("channel", "first_linked_at")
