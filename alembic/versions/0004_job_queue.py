"""the job queue: Procrastinate 3.10.0

Revision ID: 0004
Revises: 0003
"""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = Path(__file__).parents[1] / "procrastinate-3.10.0.sql"


def upgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    # straight to the driver: the SQL holds percent signs and many statements
    op.get_bind().connection.driver_connection.execute(SCHEMA.read_text())  # type: ignore[union-attr]
    op.execute(
        """
        DO $$ DECLARE name text; BEGIN
            FOR name IN SELECT tablename FROM pg_tables
                WHERE schemaname = 'public' AND tablename LIKE 'procrastinate\\_%' LOOP
                EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO saasbot_app', name);
            END LOOP;
        END $$
        """
    )
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO saasbot_app")


def downgrade() -> None:
    op.execute("SET lock_timeout = '5s'")
    op.execute(
        """
        DO $$ DECLARE item record; BEGIN
            FOR item IN SELECT tablename FROM pg_tables
                WHERE schemaname = 'public' AND tablename LIKE 'procrastinate\\_%' LOOP
                EXECUTE format('DROP TABLE %I CASCADE', item.tablename);
            END LOOP;
            FOR item IN SELECT p.oid::regprocedure AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                WHERE n.nspname = 'public' AND p.proname LIKE 'procrastinate\\_%' LOOP
                EXECUTE format('DROP FUNCTION %s CASCADE', item.name);
            END LOOP;
            FOR item IN SELECT t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
                WHERE n.nspname = 'public' AND t.typname LIKE 'procrastinate\\_%' AND t.typtype IN ('e', 'c') LOOP
                EXECUTE format('DROP TYPE %I CASCADE', item.typname);
            END LOOP;
        END $$
        """
    )
