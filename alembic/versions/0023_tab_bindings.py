"""which session a browser tab belongs to, also after a restart

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.create_table(
        "tab_binding",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["user_session.id"], name=op.f("fk_tab_binding_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_tab_binding")),
    )
    op.create_index(op.f("ix_tab_binding_session_id"), "tab_binding", ["session_id"])
    op.execute("ALTER TABLE tab_binding ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tab_binding FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY every_company ON tab_binding TO saasbot_platform USING (true) WITH CHECK (true)")
    op.execute("REVOKE ALL ON tab_binding FROM saasbot_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON tab_binding TO saasbot_platform")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_table("tab_binding")
