"""an index for the last hand-offs

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.create_index(
        "ix_message_hand_off",
        "message",
        ["company_id", sa.text("created_at DESC")],
        postgresql_where=sa.text("type = 'activity' AND payload->>'kind' = 'handed_off'"),
    )


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_index("ix_message_hand_off", "message")
