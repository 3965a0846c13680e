"""a ticket that takes one browser from one of a person's companies to another, and an app that waits to replace another

Revision ID: 0031
Revises: 0030
"""

import sqlalchemy as sa

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.add_column("sign_in_ticket", sa.Column("leaves_hash", sa.LargeBinary(), nullable=True))
    op.add_column("second_factor", sa.Column("replacement_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("second_factor", sa.Column("replacement_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_column("second_factor", "replacement_until")
    op.drop_column("second_factor", "replacement_sealed")
    op.drop_column("sign_in_ticket", "leaves_hash")
