"""extensions, and the folding of accents and case that searches use

Revision ID: 0001
Revises:
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    for extension in ("pg_trgm", "unaccent", "citext", "btree_gist"):
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    # unaccent() is only STABLE because its dictionary could change; ours does not, so an index may use this one
    op.execute(
        """
        CREATE FUNCTION fold(value text) RETURNS text
        LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
        RETURN lower(unaccent('unaccent'::regdictionary, value))
        """
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION fold(text)")
