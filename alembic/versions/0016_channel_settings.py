"""what an owner sets for one number, and its pause for new chats

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_COLUMNS: list[sa.Column] = [
    sa.Column("proxy_sealed", sa.LargeBinary()),
    sa.Column("history_days", sa.SmallInteger(), nullable=False, server_default="0"),
    sa.Column("groups_enabled", sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column("reject_calls", sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column("call_message", sa.String(), nullable=False, server_default=""),
    sa.Column("hourly_limit", sa.Integer()),
    sa.Column("daily_limit", sa.Integer()),
    sa.Column("quiet_from", sa.Time()),
    sa.Column("quiet_until", sa.Time()),
    sa.Column("new_chats_paused_until", sa.DateTime(timezone=True)),
    sa.Column("new_chats_paused_reason", sa.String()),
]


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    for column in _COLUMNS:
        op.add_column("channel", column)
    for name in ("history_days", "groups_enabled", "reject_calls", "call_message"):
        op.alter_column("channel", name, server_default=None)


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    for column in reversed(_COLUMNS):
        op.drop_column("channel", column.name)
