"""What the catalogue of the database says, against short lists with a reason each: a new exception is written down here, or
the test fails."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlmodel import select

from saasbot.domain.actor import Actor
from saasbot.infra import db
from saasbot.infra.roles import DatabaseUrls, libpq_url
from saasbot.models import Channel
from tests.attack.attempts import attempt
from tests.fixtures.numbers import simulator_channel

Ask = Callable[[str], list[tuple]]

DEFINERS = {
    "find_conversations(text[],text,integer)": "reads the company of the transaction itself",
    "forget_audit()": "removes by age alone, and returns a count",
}
"""Functions that run with their owner's rights, and what keeps them within one company."""

OTHER_POLICIES = {
    ("user_account", "own_colleagues", "{saasbot_app}"): "people of the company: accounts are global",
    **{
        (table, "search", "{saasbot_owner}"): "for find_conversations, which asks for one company"
        for table in ("channel", "contact", "contact_identity", "conversation", "message")
    },
    ("audit_event", "forget_select", "{saasbot_owner}"): "for forget_audit, which looks at their age alone",
    ("audit_event", "forget_delete", "{saasbot_owner}"): "for forget_audit, and only what is old",
}
"""Beside `own_company` of the app and `every_company` of the platform role."""

LOOSE_IDS = {
    "audit_event.session_id": "a record: the session may be gone",
    "audit_event.user_id": "a record: the person may be gone",
    "company_erasure.asked_by": "a record that outlives whoever asked",
    "contact_erasure.asked_by": "a record: the person may be gone",
    "contact_erasure.contact_id": "a record that outlives the contact",
    "data_export.asked_by": "a record: the person may be gone",
    "data_export.contact_id": "a record: the contact may be gone",
    "agent_turn.bot_id": "a record: the bot may be gone",
    "channel_pairing.attempt": "the name of an attempt, of no row",
    "contact_merge.from_id": "a record: the contact is gone after it",
    "contact_merge.into_id": "a record: the contact may be gone",
    "conversation.last_message_id": "a copy for the list, written with the message in one statement",
    "conversation_merge.from_id": "a record: the conversation is gone after it",
    "conversation_merge.into_id": "a record: the conversation may be gone",
    "conversation_merge.line_id": "a record: the line in the thread may be gone",
    "message.turn_id": "a record: turns are forgotten",
    "refresh_token.family": "the name of a chain, of no row",
}
"""Ids in a company's rows that the database ties to no row, and why that is right."""

UNIQUE_ACROSS = {
    "uq_invitation_token_hash": "of random tokens: nobody can try one that exists",
    "uq_channel_gap_open": "of one channel, which is one company's",
    "uq_history_chunk_channel_id_fingerprint": "of one channel, which is one company's",
    "uq_message_wa_id": "of one channel, which is one company's",
    "uq_wa_event_channel_id_fingerprint": "of one channel, which is one company's",
    "uq_refresh_token_token_hash": "of random tokens: nobody can try one that exists",
    "uq_sign_in_ticket_token_hash": "of random tokens: nobody can try one that exists",
    "uq_user_session_token_hash": "of random tokens: nobody can try one that exists",
}
"""Unique indexes of companies' tables that do not begin with the company, and why they tell nobody what others have."""

IDS = {"id", "channel_id", "seq", "conversation_id"}
"""What the primary key of a company's table begins with: made here, at random or by a sequence, never chosen by a person."""

COMPANY_TABLES = """
    pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public' AND c.relkind IN ('r', 'p')
    JOIN pg_attribute own ON own.attrelid = c.oid AND own.attname = 'company_id' AND NOT own.attisdropped
"""


@pytest.fixture
def ask(database: DatabaseUrls) -> Iterator[Ask]:
    with psycopg.connect(libpq_url(database.owner)) as connection:
        yield lambda statement: connection.execute(statement.encode()).fetchall()


@attempt(216, "tenancy", "A function with its owner's rights is added and forgotten.")
def test_functions_with_their_owners_rights_are_known_have_a_fixed_path_and_are_not_for_everybody(ask: Ask):
    found = ask(
        """
        SELECT p.oid::regprocedure::text, array_to_string(p.proconfig, ';'), has_function_privilege('public', p.oid, 'EXECUTE')
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prosecdef AND n.nspname = 'public'
        """
    )
    assert {name for name, _, _ in found} == DEFINERS.keys()
    assert [name for name, config, everybody in found if everybody or "search_path=pg_catalog," not in config] == []


def test_policies_are_those_of_one_company_and_of_the_platform_and_a_few_that_are_known(ask: Ask):
    found = ask("SELECT tablename, policyname, roles::text, cmd, permissive, qual, with_check FROM pg_policies")
    assert len(found) > 60
    others = {(table, name, roles): row for table, name, roles, *row in found}
    for (table, name, roles), (command, _, qual, check) in list(others.items()):
        own = f"({'id' if table == 'company' else 'company_id'} = (NULLIF(current_setting('app.company'::text, true), ''::text))::uuid)"
        if (name, roles, command, qual, check) == ("own_company", "{saasbot_app}", "ALL", own, own) or (
            name,
            roles,
            qual,
            check,
        ) == ("every_company", "{saasbot_platform}", "true", "true"):
            del others[table, name, roles]
    assert others.keys() == OTHER_POLICIES.keys()


@attempt(217, "tenancy", "A row names the row of another company.")
def test_every_id_in_a_companys_row_is_tied_to_a_row_of_the_same_company_or_to_a_global_one(ask: Ask):
    found = ask(
        f"""
        SELECT c.relname || '.' || a.attname FROM {COMPANY_TABLES}
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            AND a.atttypid = 'uuid'::regtype AND a.attname NOT IN ('id', 'company_id')
        WHERE NOT EXISTS (
            SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey)
                AND (own.attnum = ANY (k.conkey) OR k.confrelid = 'user_account'::regclass))
        """
    )
    assert {name for (name,) in found} == LOOSE_IDS.keys()


def test_what_is_unique_is_so_within_a_company_or_tells_nothing(ask: Ask):
    found = ask(
        f"""
        SELECT i.indexrelid::regclass::text, i.indisprimary, first.attname FROM pg_index i JOIN {COMPANY_TABLES} ON c.oid = i.indrelid
        JOIN pg_attribute first ON first.attrelid = c.oid AND first.attnum = i.indkey[0]
        WHERE i.indisunique AND i.indkey[0] <> own.attnum
        """
    )
    assert {name for name, primary, _ in found if not primary} == UNIQUE_ACROSS.keys()
    assert {first for _, primary, first in found if primary} <= IDS


@attempt(218, "tenancy", "A view reads with its owner's rights.")
def test_views_obey_whoever_asks(ask: Ask):
    """A view reads with its owner's rights unless it says otherwise; a materialised one keeps rows of all companies."""
    found = ask(
        """
        SELECT c.relname, c.relkind::text, coalesce(c.reloptions::text, '') FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind IN ('v', 'm')
        """
    )
    assert [name for name, kind, options in found if kind == "m" or "security_invoker=true" not in options] == []


async def test_after_a_commit_the_next_transaction_of_the_same_session_has_its_company_again(alice: Actor):
    channel = await simulator_channel(alice)
    seen = []
    async with db._makers["app"]() as session:
        session.info["company_id"] = alice.company_id
        for _ in range(2):
            connection = await session.connection()
            pid = (await connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one()
            seen.append((pid, [found.id for found in await session.exec(select(Channel))]))
            await session.commit()
    assert seen[0] == seen[1] == (seen[0][0], [channel.id])
