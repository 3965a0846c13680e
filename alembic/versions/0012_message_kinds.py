"""reactions, edits and deletions of messages

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
import sqlmodel
from sqlalchemy.dialects import postgresql

from alembic import op
from saasbot.infra.tenancy import protect

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.add_column("message", sa.Column("edited_at", _MOMENT, nullable=True))
    op.add_column("message", sa.Column("revoked_at", _MOMENT, nullable=True))
    op.add_column("message", sa.Column("earlier_text", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    # a constant default is kept in the catalogue: no row is written anew
    op.add_column(
        "message",
        sa.Column("reactions", postgresql.JSONB(), nullable=False, server_default="[]"),
    )
    op.create_table(
        "message_act",
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("wa_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("from_me", sa.Boolean(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("text", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "channel_id"],
            ["channel.company_id", "channel.id"],
            name=op.f("fk_message_act_company_id_channel_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "contact_id"],
            ["contact.company_id", "contact.id"],
            name=op.f("fk_message_act_company_id_contact_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_message_act_company_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "channel_id", "contact_id", "wa_id", "kind", "from_me", name=op.f("pk_message_act")
        ),
    )
    for statement in protect("message_act"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_table("message_act")
    for column in ("reactions", "earlier_text", "revoked_at", "edited_at"):
        op.drop_column("message", column)
