"""a word sealed with the keys of this database, so that other keys are noticed before they change anything

Revision ID: 0026
Revises: 0022
"""

import sqlalchemy as sa

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.create_table(
        "key_check",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("check_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_check")),
    )
    # no row-level security: before the roles are known to have their passwords the owner reads it
    op.execute("REVOKE ALL ON key_check FROM saasbot_app")
    op.execute("GRANT SELECT, UPDATE ON key_check TO saasbot_platform")  # sealed anew with all the rest


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_table("key_check")
