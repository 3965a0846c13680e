"""a number's holder tells how late its event loop wakes up

Revision ID: 0033
Revises: 0032
"""

import sqlalchemy as sa

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.add_column("channel_lease", sa.Column("loop_lag", sa.Float()))


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_column("channel_lease", "loop_lag")
