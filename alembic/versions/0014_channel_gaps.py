"""which phone may link a number, and numbers that cannot work

Revision ID: 0014
Revises: 0011
"""

import sqlalchemy as sa

from alembic import op

from saasbot.infra.tenancy import protect

revision = "0014"
down_revision = "0011"
branch_labels = None
depends_on = None


def _owned_by_channel(table: str) -> tuple[sa.ForeignKeyConstraint, sa.ForeignKeyConstraint]:
    return (
        sa.ForeignKeyConstraint(
            ["company_id", "channel_id"],
            ["channel.company_id", "channel.id"],
            name=op.f(f"fk_{table}_company_id_channel_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f(f"fk_{table}_company_id"), ondelete="CASCADE"
        ),
    )


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.add_column("channel_pairing", sa.Column("expected_phone", sa.String(), nullable=True))
    op.create_table(
        "channel_incident",
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recovered_at", sa.DateTime(timezone=True), nullable=True),
        *_owned_by_channel("channel_incident"),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_channel_incident")),
        sa.UniqueConstraint("company_id", "channel_id", name=op.f("uq_channel_incident_company_id_channel_id")),
    )
    for statement in protect("channel_incident"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_table("channel_incident")
    op.drop_column("channel_pairing", "expected_phone")
