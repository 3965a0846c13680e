"""privacy: what is to be forgotten, and the figures that stay

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa

from alembic import op

from saasbot.infra.tenancy import protect

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def _of_company(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["company_id"], ["company.id"], name=op.f(f"fk_{table}_company_id"), ondelete="CASCADE"
    )


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.create_table(
        "contact_erasure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("addresses", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        _of_company("contact_erasure"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_erasure")),
        sa.UniqueConstraint("company_id", "id", name=op.f("uq_contact_erasure_company_id_id")),
    )
    op.create_index(
        "ix_contact_erasure_open",
        "contact_erasure",
        ["company_id", "contact_id"],
        unique=True,
        postgresql_where=sa.text("step <> 'done'"),
    )
    op.create_table(
        "day_figures",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("conversations", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("by_bot", sa.Integer(), nullable=False),
        sa.Column("response_seconds", sa.Float(), nullable=True),
        sa.Column("by_hour", sa.ARRAY(sa.Integer()), nullable=False),
        _of_company("day_figures"),
        sa.PrimaryKeyConstraint("company_id", "day", name=op.f("pk_day_figures")),
    )
    op.create_table(
        "company_erasure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("devices", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("channels", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company_erasure")),
        sa.UniqueConstraint("company_id", "id", name=op.f("uq_company_erasure_company_id_id")),
    )
    op.create_index(
        "ix_company_erasure_open",
        "company_erasure",
        ["company_id"],
        unique=True,
        postgresql_where=sa.text("cancelled_at IS NULL AND finished_at IS NULL"),
    )
    op.create_table(
        "data_export",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("storage_key", sa.String(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        _of_company("data_export"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_export")),
        sa.UniqueConstraint("company_id", "id", name=op.f("uq_data_export_company_id_id")),
    )
    op.create_index("ix_data_export_list", "data_export", ["company_id", sa.text("created_at DESC")])
    for table in ("contact_erasure", "day_figures", "company_erasure", "data_export"):
        for statement in protect(table):
            op.execute(statement)
    op.execute("GRANT UPDATE ON company_erasure TO saasbot_platform")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_table("data_export")
    op.drop_table("company_erasure")
    op.drop_table("day_figures")
    op.drop_table("contact_erasure")
