"""who works on a request with an Idempotency-Key

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    # what is under way during the upgrade counts as nobody's on this machine: it waits for its time to run out
    op.add_column("idempotency_key", sa.Column("holder", sa.String(), nullable=False, server_default=""))
    op.alter_column("idempotency_key", "holder", server_default=None)


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_column("idempotency_key", "holder")
