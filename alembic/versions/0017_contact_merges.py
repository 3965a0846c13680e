"""contacts that turned out to be one person, and the address that a message came under

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
import sqlmodel
from sqlalchemy.dialects import postgresql

from alembic import op
from saasbot.infra.tenancy import protect

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def _jsonb(name: str) -> sa.Column:
    return sa.Column(name, postgresql.JSONB(), nullable=False)


def _ids(name: str) -> sa.Column:
    return sa.Column(name, sa.ARRAY(sa.Uuid()), nullable=False)


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.add_column("message", sa.Column("chat_jid", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.add_column("contact_identity", sa.Column("checked_at", _MOMENT, nullable=True))
    op.create_table(
        "contact_merge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("into_id", sa.Uuid(), nullable=False),
        sa.Column("from_id", sa.Uuid(), nullable=False),
        sa.Column("seen_as", sa.ARRAY(sa.Text()), nullable=False),
        _ids("identity_ids"),
        _jsonb("from_before"),
        _jsonb("into_before"),
        sa.Column("undone_at", _MOMENT, nullable=True),
        sa.Column("undone_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_contact_merge_company_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["undone_by"], ["user_account.id"], name=op.f("fk_contact_merge_undone_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_merge")),
        sa.UniqueConstraint("company_id", "id", name=op.f("uq_contact_merge_company_id_id")),
    )
    op.create_index(
        "ix_contact_merge_undone", "contact_merge", ["company_id"], postgresql_where=sa.text("undone_at IS NOT NULL")
    )
    op.create_table(
        "conversation_merge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("merge_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("into_id", sa.Uuid(), nullable=False),
        sa.Column("from_id", sa.Uuid(), nullable=False),
        _jsonb("from_before"),
        _jsonb("into_before"),
        _ids("message_ids"),
        _ids("turn_ids"),
        _jsonb("doubles"),
        sa.Column("owner_epoch", sa.BigInteger(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("line_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "channel_id"],
            ["channel.company_id", "channel.id"],
            name=op.f("fk_conversation_merge_company_id_channel_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "merge_id"],
            ["contact_merge.company_id", "contact_merge.id"],
            name=op.f("fk_conversation_merge_company_id_merge_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_conversation_merge_company_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation_merge")),
        sa.UniqueConstraint("company_id", "id", name=op.f("uq_conversation_merge_company_id_id")),
    )
    op.create_index(
        "ix_conversation_merge_from", "conversation_merge", ["company_id", "from_id", sa.text("created_at DESC")]
    )
    op.create_index("ix_conversation_merge_merge", "conversation_merge", ["company_id", "merge_id"])
    for table in ("contact_merge", "conversation_merge"):
        for statement in protect(table):
            op.execute(statement)


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_table("conversation_merge")
    op.drop_table("contact_merge")
    op.drop_column("contact_identity", "checked_at")
    op.drop_column("message", "chat_jid")
