"""An owner wants the company gone: after a week nothing of it is left anywhere, and another company has lost nothing."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from saasbot.domain import accounts
from saasbot.domain.accounts.own_password import WrongPassword
from saasbot.domain.accounts.sessions import recent_sessions
from saasbot.domain.actor import Actor
from saasbot.domain.admin.erasure import LARGE
from saasbot.domain.privacy.company import (
    GRACE,
    ErasureBegun,
    NothingToCancel,
    ask_company_erasure,
    cancel_company_erasure,
    read_company_erasure,
)
from saasbot.infra import storage as storage_module
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import Forbidden, InvalidInput
from saasbot.infra.settings import settings
from saasbot.infra.storage import LocalStorage
from saasbot.jobs.privacy import NumberStillHeld, erase_company, take_up
from saasbot.models import CompanyErasure
from tests.attack.attempts import attempt
from tests.attack.belongings import Ledger, belongings_of
from tests.people import PASSWORD, make_company, signed_in_person
from tests.privacy.canary import files_with, tables_with
from tests.privacy.test_contact_erasure import NOT_OF_CONTACTS, OF_CONTACTS

MARK = "canary-of-the-company"
NAME = "Zapatería Sur"
DEVICE = "5491199990000:3@s.whatsapp.net"

_VALUES = {
    "uuid": "gen_random_uuid()",
    "text": f"'{MARK}'",
    "character varying": f"'{MARK}'",
    "USER-DEFINED": f"'{MARK}'",
    "jsonb": f"jsonb_build_object('mark', '{MARK}')",
    "bytea": f"convert_to('{MARK}', 'UTF8')",
    "timestamp with time zone": "now() - interval '1 day'",
    "time without time zone": "'09:00'",
    "date": "'2026-01-01'",
    "boolean": "false",
    "integer": "1",
    "smallint": "1",
    "bigint": "1",
    "double precision": "1",
}
_ODD = {("consent", "user_id"): "NULL"}
"""Of one person: here of a contact."""
_ARRAYS = {"_text": f"ARRAY['{MARK}']", "_uuid": "ARRAY[gen_random_uuid()]", "_int8": "ARRAY[1]", "_int4": "ARRAY[1]"}


def put_everywhere(connection: psycopg.Connection, company_id: UUID) -> set[str]:
    """A row of the company in every one of its tables, with the word in every text, JSON and bytes. Returns the tables."""
    columns = connection.execute(
        "SELECT c.table_name, c.column_name, c.data_type, c.udt_name, c.character_maximum_length FROM information_schema.columns c "
        "JOIN information_schema.tables t USING (table_schema, table_name) WHERE c.table_schema = 'public' "
        "AND t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER' AND c.is_identity = 'NO' AND EXISTS (SELECT FROM "
        "information_schema.columns k WHERE k.table_name = c.table_name AND k.column_name = 'company_id')"
    ).fetchall()
    tables: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind, udt, longest in columns:
        value = "%(company)s" if column == "company_id" else _ARRAYS[udt] if kind == "ARRAY" else _VALUES[kind]
        value = "'ARS'" if longest == 3 else _ODD.get((str(table), str(column)), value)
        tables.setdefault(str(table), []).append((str(column), value))
    connection.execute("SET session_replication_role = replica")  # rows that refer to nothing
    for table, fields in tables.items():
        statement = (
            f'INSERT INTO "{table}" ({", ".join(c for c, _ in fields)}) VALUES ({", ".join(v for _, v in fields)})'
        )
        connection.execute(statement.encode(), {"company": company_id})
    connection.execute("SET session_replication_role = DEFAULT")
    connection.execute("UPDATE company SET description = %s WHERE id = %s", [MARK, company_id])
    connection.execute("UPDATE user_account SET name = %s WHERE email LIKE '%%@sur.example'", [MARK])
    connection.execute(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('default', 'x', jsonb_build_object("
        "'company_id', %s::text, 'said', %s::text))",
        [str(company_id), MARK],
    )
    return {*tables, "company"}


async def ask(actor: Actor) -> CompanyErasure:
    return await ask_company_erasure(actor, name=NAME, password=PASSWORD)


def a_week_passes(connection: psycopg.Connection) -> None:
    connection.execute("UPDATE company_erasure SET due_at = now() WHERE cancelled_at IS NULL")


@attempt(209, "privacy", "An erased company is looked for in every table, file and store.")
async def test_nothing_is_left_anywhere_and_the_other_company_is_untouched(
    alice: Actor,
    bob: Actor,
    mallory: Actor,
    files: LocalStorage,
    superuser: psycopg.Connection,
    store: psycopg.Connection,
):
    await belongings_of(alice, mark=MARK)
    await belongings_of(mallory, mark="of mallory")
    filled = put_everywhere(superuser, alice.company_id)
    assert filled == OF_CONTACTS | NOT_OF_CONTACTS.keys()
    with_a_text = filled - {"channel_history", "channel_incident", "day_figures"}
    assert tables_with(superuser, MARK) == with_a_text | {"user_account", "procrastinate_jobs"}
    superuser.execute("UPDATE channel SET device_jid = %s WHERE name LIKE 'Number%%'", [DEVICE])
    for device in (DEVICE, "5490000000000:1@s.whatsapp.net"):
        store.execute("INSERT INTO whatsmeow_device VALUES (%s, %s)", [device, MARK])
        store.execute("INSERT INTO whatsmeow_contacts VALUES (%s, '1@s.whatsapp.net', %s)", [device, MARK])
        store.execute("INSERT INTO whatsmeow_privacy_tokens VALUES (%s, '1@s.whatsapp.net', 'k')", [device])
    superuser.execute("UPDATE channel SET device_jid = NULL WHERE company_id = %s", [mallory.company_id])
    spool = _spool(superuser, alice)
    spool.with_suffix(".unreadable").write_text(MARK)
    theirs = Ledger(superuser, mallory.company_id)
    before, pictures = theirs.read(), sorted((files.folder / str(mallory.company_id)).rglob("*.*"))
    token = await accounts.start_session(
        await accounts.issue_ticket(await signed_in_person("alice@sur.example")),
        network="192.0.2.1",
        user_agent="",
    )

    erasure = await ask(alice)
    a_week_passes(superuser)
    await erase_company(str(erasure.id))

    assert tables_with(superuser, MARK) == set()
    assert tables_with(superuser, str(alice.company_id)) == {"company_erasure"}
    left = superuser.execute("SELECT email FROM user_account ORDER BY email").fetchall()
    assert left == [("mallory@junta.example",), ("member@of-mallory.example",)]
    assert not (files.folder / str(alice.company_id)).exists() and not list(spool.parent.iterdir())
    assert files_with(settings().data_dir, MARK) == []
    assert store.execute("SELECT jid FROM whatsmeow_device").fetchall() == [("5490000000000:1@s.whatsapp.net",)]
    assert theirs.read() == before
    assert sorted((files.folder / str(mallory.company_id)).rglob("*.*")) == pictures
    recent_sessions.forget_all()
    assert await accounts.signed_in(token) is None
    await erase_company(str(erasure.id))  # twice is once


def _spool(connection: psycopg.Connection, actor: Actor) -> Path:
    found = connection.execute("SELECT id FROM channel WHERE company_id = %s LIMIT 1", [actor.company_id]).fetchone()
    assert found is not None
    path = settings().data_dir / "spool" / f"{found[0]}.jsonl"
    path.parent.mkdir()
    path.write_text(MARK)
    return path


async def test_who_has_another_company_keeps_the_account(
    alice: Actor, mallory: Actor, files: LocalStorage, superuser: psycopg.Connection
):
    superuser.execute(
        "INSERT INTO membership (id, created_at, company_id, user_id, role, preferences) VALUES "
        "(gen_random_uuid(), now(), %s, %s, 'agent', '{}')",
        [mallory.company_id, alice.user_id],
    )
    erasure = await ask(alice)
    a_week_passes(superuser)
    await erase_company(str(erasure.id))
    assert superuser.execute("SELECT count(*) FROM user_account").fetchone() == (2,)
    assert superuser.execute("SELECT count(*) FROM membership WHERE user_id = %s", [alice.user_id]).fetchone() == (1,)


@attempt(210, "privacy", "An open session erases the company.")
async def test_it_takes_the_owner_their_password_and_the_name(
    alice: Actor, charlie: Actor, superuser: psycopg.Connection
):
    with pytest.raises(Forbidden):
        await ask_company_erasure(charlie, name=NAME, password=PASSWORD)
    with pytest.raises(WrongPassword):
        await ask_company_erasure(alice, name=NAME, password="wrong")
    with pytest.raises(InvalidInput):
        await ask_company_erasure(alice, name="Another", password=PASSWORD)
    async with unit_of_work(alice):
        assert await read_company_erasure(alice) is None
    erasure = await ask_company_erasure(alice, name="  zapatería  SUR ", password=PASSWORD)
    assert timedelta(days=6, hours=23) < erasure.due_at - erasure.created_at <= GRACE
    assert (await ask(alice)).id == erasure.id


async def test_an_open_session_is_no_way_to_guess_the_password(alice: Actor):
    for _ in range(5):
        with pytest.raises(WrongPassword):
            await ask_company_erasure(alice, name=NAME, password="wrong")
    with pytest.raises(accounts.Locked):
        await ask(alice)


async def test_within_a_week_it_can_be_taken_back(alice: Actor, charlie: Actor, superuser: psycopg.Connection):
    erasure = await ask(alice)
    await erase_company(str(erasure.id))  # too early: nothing
    with pytest.raises(Forbidden):
        async with unit_of_work(charlie):
            await cancel_company_erasure(charlie)
    async with unit_of_work(alice):
        await cancel_company_erasure(alice)
    a_week_passes(superuser)
    superuser.execute("UPDATE company_erasure SET due_at = now()")
    await erase_company(str(erasure.id))
    assert superuser.execute("SELECT count(*) FROM company").fetchone() == (1,)
    with pytest.raises(NothingToCancel):
        async with unit_of_work(alice):
            await cancel_company_erasure(alice)
    trail = superuser.execute(
        "SELECT action FROM audit_event WHERE action LIKE 'company.erasure%' ORDER BY id"
    ).fetchall()
    assert trail == [("company.erasure_asked",), ("company.erasure_cancelled",)]


async def test_when_its_time_has_come_it_can_no_longer_be_taken_back(alice: Actor, superuser: psycopg.Connection):
    await ask(alice)
    superuser.execute("UPDATE company_erasure SET due_at = now()")
    with pytest.raises(ErasureBegun):
        async with unit_of_work(alice):
            await cancel_company_erasure(alice)


async def test_a_number_that_somebody_holds_is_waited_for(
    alice: Actor, files: LocalStorage, superuser: psycopg.Connection
):
    hers = await belongings_of(alice)
    superuser.execute(
        "INSERT INTO channel_lease (channel_id, company_id, holder, epoch, expires_at) VALUES (%s, %s, 'p', 1, now() + "
        "interval '1 minute')",
        [hers.channel_id, alice.company_id],
    )
    erasure = await ask(alice)
    a_week_passes(superuser)
    with pytest.raises(NumberStillHeld):
        await erase_company(str(erasure.id))
    stopped = superuser.execute("SELECT desired FROM channel WHERE id = %s", [hers.channel_id]).fetchone()
    assert stopped == ("stopped",)
    superuser.execute("UPDATE channel_lease SET holder = NULL")
    await take_up(0)  # too early: its own job is still at it
    assert superuser.execute("SELECT count(*) FROM company").fetchone() == (1,)
    superuser.execute("UPDATE company_erasure SET due_at = now() - interval '2 hours'")
    await take_up(0)
    assert superuser.execute("SELECT count(*) FROM company").fetchone() == (0,)


async def test_it_goes_on_where_the_storage_did_not_answer(
    alice: Actor, files: LocalStorage, superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
):
    await belongings_of(alice, mark=MARK)
    erasure = await ask(alice)
    a_week_passes(superuser)

    def broken(folder: Path) -> None:
        raise OSError

    monkeypatch.setattr(storage_module, "_remove_folder", broken)
    with pytest.raises(storage_module.StorageUnavailable):
        await erase_company(str(erasure.id))
    monkeypatch.undo()
    await erase_company(str(erasure.id))
    assert superuser.execute("SELECT count(*) FROM company").fetchone() == (0,)


def test_what_is_removed_in_batches_are_tables_of_a_company():
    assert set(LARGE) <= OF_CONTACTS


async def test_another_newcomer_may_have_the_same_address(
    alice: Actor, files: LocalStorage, superuser: psycopg.Connection
):
    erasure = await ask(alice)
    a_week_passes(superuser)
    await erase_company(str(erasure.id))
    again = await make_company(NAME, "Alice", email="alice@sur.example")
    async with unit_of_work(again):
        assert await read_company_erasure(again) is None
