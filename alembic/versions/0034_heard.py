"""a number's holder tells when it last heard WhatsApp; which client WhatsApp found too old

Revision ID: 0034
Revises: 0033
"""

import sqlalchemy as sa

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.add_column("channel_lease", sa.Column("heard_at", sa.DateTime(timezone=True)))
    op.add_column("channel", sa.Column("outdated_client", sa.Text()))


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_column("channel", "outdated_client")
    op.drop_column("channel_lease", "heard_at")
