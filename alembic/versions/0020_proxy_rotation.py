"""sealed proxies are sealed anew with a new secret key, by the role for cross-company work

Revision ID: 0020
Revises: 0016
"""

from alembic import op

revision = "0020"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("GRANT UPDATE (proxy_sealed) ON channel TO saasbot_platform")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("REVOKE UPDATE (proxy_sealed) ON channel FROM saasbot_platform")
