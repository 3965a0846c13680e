"""the words of products, folded once when they are written

The trigram index goes: its operators are not leakproof, so under row-level security PostgreSQL never uses it
(https://www.postgresql.org/docs/current/rules-privileges.html). A search reads the company's products instead, and with
the folding done it does so quickly.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = "title || ' ' || coalesce(sku, '') || ' ' || description"


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute(
        r"""
        CREATE FUNCTION search_words(value text) RETURNS text
        LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
        RETURN ' ' || btrim(regexp_replace(
            fold(value), '[][\s!"#$%&''()*+,./:;<=>?@\\^_`{|}~¡¿·«»“”‘’–—-]+', ' ', 'g'
        )) || ' '
        """
    )
    op.execute("DROP INDEX ix_product_search_trgm")
    op.execute("DROP INDEX ix_product_list")
    op.execute("CREATE INDEX ix_product_list ON product (company_id, id DESC) WHERE deleted_at IS NULL")
    op.execute(
        f"""
        ALTER TABLE product
            ADD COLUMN search_title text GENERATED ALWAYS AS (search_words(title)) STORED,
            ADD COLUMN search_text text GENERATED ALWAYS AS (search_words({TEXT})) STORED
        """
    )


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute("ALTER TABLE product DROP COLUMN search_title, DROP COLUMN search_text")
    op.execute("DROP INDEX ix_product_list")
    op.execute(
        "CREATE INDEX ix_product_list ON product (company_id, created_at DESC, id DESC) WHERE deleted_at IS NULL"
    )
    op.execute(f"CREATE INDEX ix_product_search_trgm ON product USING gin (fold({TEXT}) gin_trgm_ops)")
    op.execute("DROP FUNCTION search_words(text)")
