"""which phone may link a number, numbers that cannot work, and times in which messages may be missing

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa

from alembic import op

from saasbot.infra.tenancy import protect

revision = "0014"
down_revision = "0013"
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
    op.create_table(
        "channel_gap",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        *_owned_by_channel("channel_gap"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_gap")),
        sa.UniqueConstraint("company_id", "id", name=op.f("uq_channel_gap_company_id_id")),
    )
    op.create_index("ix_channel_gap_newest", "channel_gap", ["channel_id", sa.text("began_at DESC")])
    op.create_index(
        "uq_channel_gap_open",
        "channel_gap",
        ["channel_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    for table in ("channel_incident", "channel_gap"):
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_table("channel_gap")
    op.drop_table("channel_incident")
    op.drop_column("channel_pairing", "expected_phone")
