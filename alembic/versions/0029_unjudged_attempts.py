"""an attempt to sign in whose password was never looked at is told from a failure

Revision ID: 0029
Revises: 0028
"""

import sqlalchemy as sa

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    # those of before count as they did
    op.add_column("sign_in_failure", sa.Column("judged", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.alter_column("sign_in_failure", "judged", server_default=None)


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_column("sign_in_failure", "judged")
