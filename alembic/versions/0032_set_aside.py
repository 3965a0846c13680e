"""events that could not be stored can be counted

Revision ID: 0032
Revises: 0031
"""

import sqlalchemy as sa

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.create_index("ix_wa_event_set_aside", "wa_event", ["channel_id"], postgresql_where=sa.text("error IS NOT NULL"))


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_index("ix_wa_event_set_aside", "wa_event")
