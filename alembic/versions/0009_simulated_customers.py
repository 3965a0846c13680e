"""who chats with a simulated number, and the way from a WhatsApp id to its message

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

from saasbot.infra.tenancy import protect

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.create_table(
        "sim_customer",
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("peer", sa.String(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("lid", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "channel_id"],
            ["channel.company_id", "channel.id"],
            name=op.f("fk_sim_customer_company_id_channel_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_sim_customer_company_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("channel_id", "peer", name=op.f("pk_sim_customer")),
    )
    op.create_index("ix_sim_customer_lid", "sim_customer", ["channel_id", "lid"])
    for statement in protect("sim_customer"):
        op.execute(statement)
    op.add_column("sim_message", sa.Column("event_seq", sa.BigInteger(), nullable=True))
    op.create_index("ix_sim_message_wa_id", "sim_message", ["channel_id", "wa_id"])


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.drop_index("ix_sim_message_wa_id", table_name="sim_message")
    op.drop_column("sim_message", "event_seq")
    op.drop_table("sim_customer")
