"""The database keeps companies apart: read from its own catalogue, and tried."""

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, ProgrammingError

from saasbot.domain.actor import Actor
from saasbot.infra import db
from saasbot.infra.db import platform_unit_of_work, sql, unit_of_work
from saasbot.infra.roles import DatabaseUrls, libpq_url
from tests.attack.attempts import attempt
from tests.fixtures.numbers import simulator_channel

WITHOUT_A_COMPANY = {"company", "user_account", "password_reset", "sign_in_failure", "key_check", "alembic_version"}
"""The tenant itself, and what is global: people, their resets, failed sign-ins, and keys of the whole installation."""


def rows(urls: DatabaseUrls, statement: str) -> list[tuple]:
    with psycopg.connect(libpq_url(urls.owner)) as connection:
        return connection.execute(statement.encode()).fetchall()


@attempt(63, "tenancy", "A table of companies is looked for whose rows are not kept apart.")
def test_every_table_of_a_company_has_forced_row_level_security(database: DatabaseUrls):
    found = rows(
        database,
        """
        SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
            EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'own_company')
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'company_id' AND NOT a.attisdropped
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
        """,
    )
    assert len(found) > 20
    assert [name for name, enabled, forced, policy in found if not (enabled and forced and policy)] == []


def test_every_table_has_a_company_or_is_known_to_be_global(database: DatabaseUrls):
    found = rows(
        database,
        """
        SELECT c.relname, c.relrowsecurity FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE 'procrastinate%'
          AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'company_id')
        """,
    )
    unknown = {name for name, secured in found if name not in WITHOUT_A_COMPANY and not secured}
    assert unknown == set()


@attempt(64, "tenancy", "A row is tied to a row of another company by a foreign key.")
def test_foreign_keys_between_tables_of_companies_carry_the_company(database: DatabaseUrls):
    found = rows(
        database,
        """
        SELECT k.conrelid::regclass::text, k.conname FROM pg_constraint k
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attname = 'company_id'
        JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attname = 'company_id'
        WHERE k.contype = 'f' AND NOT (a.attnum = ANY (k.conkey) AND b.attnum = ANY (k.confkey))
        """,
    )
    assert found == []


@attempt(65, "tenancy", "A role of the program is looked for that stands above the policies.")
def test_no_role_of_ours_stands_above_the_policies(database: DatabaseUrls):
    found = rows(
        database,
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'saasbot%' AND (rolsuper OR rolbypassrls OR rolcreaterole)",
    )
    assert found == []


@attempt(66, "tenancy", "The database is read in a transaction without a company.")
async def test_without_a_company_nothing_is_seen(alice: Actor):
    await simulator_channel(alice)
    async with db._engines["app"].connect() as connection:
        assert (await connection.exec_driver_sql("SELECT count(*) FROM channel")).scalar_one() == 0
        assert (await connection.exec_driver_sql("SELECT count(*) FROM company")).scalar_one() == 0


@attempt(67, "tenancy", "The next transaction on a connection is tried with the company of the one before.")
async def test_the_company_does_not_outlive_its_transaction(alice: Actor):
    await simulator_channel(alice)
    async with unit_of_work(alice):
        assert (await sql("SELECT count(*) FROM channel")).scalar_one() == 1
    for _ in range(30):  # whichever pooled connection it was
        async with db._engines["app"].connect() as connection:
            assert (await connection.exec_driver_sql("SELECT count(*) FROM channel")).scalar_one() == 0


@attempt(68, "tenancy", "A row of another company is read, written, moved and deleted in SQL.")
async def test_a_row_of_another_company_is_neither_seen_nor_written(alice: Actor, mallory: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(mallory):
        assert (await sql("SELECT count(*) FROM channel WHERE id = :id", id=channel.id)).scalar_one() == 0
        assert (await sql("UPDATE channel SET name = 'mine' WHERE id = :id", id=channel.id)).rowcount == 0
        assert (await sql("DELETE FROM channel WHERE id = :id", id=channel.id)).rowcount == 0
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with unit_of_work(mallory):
            await sql(
                "INSERT INTO policy (id, created_at, company_id, name, text, updated_at) "
                "VALUES (gen_random_uuid(), now(), :company, 'x', 'x', now())",
                company=alice.company_id,
            )


@attempt(69, "tenancy", "The program's role reads password hashes or becomes a mightier one.")
async def test_the_app_cannot_read_a_password_hash_or_become_another_role(alice: Actor):
    for statement in (
        "SELECT password_hash FROM user_account",
        "SELECT * FROM password_reset",
        "SELECT * FROM sign_in_failure",
        "SET LOCAL ROLE saasbot_owner",
        "SET LOCAL ROLE saasbot_platform",
        "TRUNCATE channel",
        "ALTER TABLE channel DISABLE ROW LEVEL SECURITY",
    ):
        with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
            async with unit_of_work(alice):
                await sql(statement)


async def test_a_person_of_another_company_is_not_seen(alice: Actor, mallory: Actor):
    async with unit_of_work(alice):
        names = {row[0] for row in (await sql("SELECT name FROM user_account")).all()}
    assert names == {"Alice"}


async def test_the_platform_role_sees_every_company(alice: Actor, mallory: Actor):
    async with platform_unit_of_work("a test looks"):
        assert (await sql("SELECT count(*) FROM company")).scalar_one() == 2
