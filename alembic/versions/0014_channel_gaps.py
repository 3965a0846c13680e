"""which phone may link a number

Revision ID: 0014
Revises: 0011
"""

import sqlalchemy as sa

from alembic import op

revision = "0014"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.add_column("channel_pairing", sa.Column("expected_phone", sa.String(), nullable=True))


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_column("channel_pairing", "expected_phone")
