"""The audit trail keeps what was done, and nobody can take a line out of it."""

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from reflex_base.utils.format import format_event_handler
from sqlalchemy.exc import DBAPIError

from saasbot.domain import accounts, audit, catalogue
from saasbot.domain.accounts import InvalidCredentials
from saasbot.domain.actor import PERMISSIONS, Actor
from saasbot.domain.admin.expired import remove_expired
from saasbot.domain.audit import refusals
from saasbot.domain.audit.actions import ACTIONS, KINDS
from saasbot.infra import db
from saasbot.infra.db import platform_unit_of_work, sql, unit_of_work
from saasbot.infra.errors import Forbidden, NotFound
from saasbot.infra.roles import DatabaseUrls, libpq_url
from saasbot.models import AuditEvent, Outcome, Role, Via
from saasbot.models.table import new_id, utcnow
from saasbot.state.activity import ActivityState
from saasbot.state.activity_texts import KIND_NAMES, SENTENCES, sentence_of
from tests.attack.attempts import attempt
from tests.gate.tab import Tab
from tests.gate.test_gate import cookie_of
from tests.people import PASSWORD, signed_in_person


async def lines(actor: Actor, **which: object) -> list[AuditEvent]:
    """Newest first."""
    async with unit_of_work(actor):
        return await audit.list_audit(actor, audit.AuditFilter(**which))  # type: ignore[arg-type]


async def test_a_line_says_who_did_what_to_what_from_where(alice: Actor):
    acting = await _through_a_browser("alice@sur.example", network="192.0.2.7")
    async with unit_of_work(acting):
        product = await catalogue.create_product(acting, title="Bota", price_minor=100)
    line = (await lines(alice))[0]
    assert (line.action, line.subject_id, line.details) == ("product.added", str(product.id), {"name": "Bota"})
    assert (line.user_id, line.user_name, line.outcome) == (alice.user_id, "Alice", Outcome.DONE)
    assert (line.via, line.network, line.session_id) == (Via.PAGE, "192.0.2.7", acting.origin.session_id)
    assert sentence_of("en", line.action, line.details) == "added the product Bota"
    assert sentence_of("es", line.action, line.details) == "agregó el producto Bota"


async def _through_a_browser(email: str, *, network: str) -> Actor:
    person = await signed_in_person(email, PASSWORD, network=network)
    token = await accounts.start_session(await accounts.issue_ticket(person), network=network, user_agent="test")
    session = await accounts.signed_in(token)
    assert session is not None and session.actor.origin.session_id == session.session_id
    # the edges say from where, each time
    return replace(session.actor, origin=replace(session.actor.origin, network=network))


async def test_what_is_rolled_back_leaves_no_line(alice: Actor):
    before = len(await lines(alice))
    with pytest.raises(RuntimeError):
        async with unit_of_work(alice):
            await catalogue.create_product(alice, title="Bota", price_minor=100)
            raise RuntimeError
    assert len(await lines(alice)) == before


async def test_sign_ins_wrong_passwords_and_resets_are_in_the_trail(alice: Actor):
    await _through_a_browser("alice@sur.example", network="192.0.2.7")
    with pytest.raises(InvalidCredentials):
        await accounts.sign_in(email="alice@sur.example", password="wrong", network="192.0.2.8")
    with pytest.raises(InvalidCredentials):
        await accounts.sign_in(email="nobody@sur.example", password="wrong", network="192.0.2.8")
    person = await signed_in_person("alice@sur.example", PASSWORD, network="192.0.2.9")
    pair = await accounts.issue_tokens(person, network="192.0.2.9")
    await accounts.end_tokens(refresh_token=pair.refresh_token)
    found = [(line.action, line.via, line.network, line.user_name) for line in await lines(alice, kind="session")]
    assert found == [
        ("session.ended", Via.API, "", "Alice"),
        ("session.opened", Via.API, "192.0.2.9", "Alice"),
        ("session.refused", Via.SYSTEM, "192.0.2.8", ""),
        ("session.opened", Via.PAGE, "192.0.2.7", "Alice"),
    ]


async def test_a_token_used_twice_is_in_the_trail_once(alice: Actor):
    person = await signed_in_person("alice@sur.example", PASSWORD, network="192.0.2.9")
    pair = await accounts.issue_tokens(person)
    await accounts.refresh_tokens(pair.refresh_token)
    for _ in range(2):
        with pytest.raises(accounts.InvalidToken):
            await accounts.refresh_tokens(pair.refresh_token)
    assert [line.action for line in await lines(alice, kind="session")][:2] == [
        "session.token_reused",
        "session.opened",
    ]


async def test_a_refusal_is_written_after_the_roll_back_of_what_was_tried(alice: Actor, bob: Actor):
    with pytest.raises(NotFound):
        async with unit_of_work(alice):
            await catalogue.create_product(alice, title="Bota", price_minor=100)
            await catalogue.delete_product(alice, new_id())
    with pytest.raises(Forbidden):
        async with unit_of_work(bob):
            await catalogue.create_product(bob, title="Bota", price_minor=100)
    with pytest.raises(NotFound):
        async with unit_of_work(Actor.system(alice.company_id)):
            raise NotFound
    found = [(line.user_name, line.outcome, line.details) for line in await lines(alice, kind="access")]
    assert found == [
        ("Bob", "refused", {"code": "forbidden", "act": "", "permission": "catalogue.write"}),
        ("Alice", "refused", {"code": "not_found", "act": ""}),
    ]
    assert not await lines(alice, kind="product")


async def test_the_guards_denials_are_in_the_trail(alice: Actor, bob: Actor):
    tab = Tab((await cookie_of("bob@sur.example"))[0])
    handler = format_event_handler(ActivityState.event_handlers["load"])
    await tab.send(None, handler)
    await tab.send(None, "reflex___state____state.no_such_handler")
    found = [(line.user_name, line.network, line.details) for line in await lines(alice, kind="access")]
    assert found == [
        ("Bob", "127.0.0.1", {"code": "no_policy", "act": "reflex___state____state.no_such_handler"}),
        ("Bob", "127.0.0.1", {"code": "forbidden", "act": handler}),
    ]


@attempt(176, "limits", "A thousand refusals fill the trail.")
async def test_who_tries_a_thousand_ids_leaves_sixty_lines(alice: Actor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(refusals, "PER_MINUTE", 3)
    for _ in range(6):
        await alice.refused(NotFound())
    found = await lines(alice, kind="access")
    assert [line.details.get("more", False) for line in found] == [True, False, False]


async def test_only_who_may_reads_it_and_only_of_their_company(
    alice: Actor, bob: Actor, charlie: Actor, mallory: Actor
):
    with pytest.raises(Forbidden):
        await lines(bob)
    assert {line.company_id for line in await lines(charlie)} == {alice.company_id}
    assert await lines(mallory, user_id=alice.user_id) == []


@attempt(177, "secrets", "The trail of what was done is rewritten.")
@pytest.mark.parametrize("engine", ["app", "platform"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET user_name = 'nobody'",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
        "DELETE FROM company WHERE id = '{company}'",
    ],
)
async def test_no_role_of_ours_changes_or_removes_a_line(alice: Actor, engine: str, statement: str):
    if engine == "platform" and statement.startswith("DELETE FROM company"):
        pytest.skip("the erasure of a company is the platform's")
    with pytest.raises(DBAPIError, match="permission denied"):
        async with db._transaction(engine, alice.company_id if engine == "app" else None):
            await sql(statement.format(company=alice.company_id))


@pytest.mark.parametrize("statement", ["UPDATE audit_event SET user_name = 'nobody'", "DELETE FROM audit_event"])
async def test_not_even_a_superuser_changes_a_line_by_accident(
    alice: Actor, statement: str, superuser: psycopg.Connection
):
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        superuser.execute(statement.encode())


async def test_a_line_is_gone_after_90_days_and_not_before(alice: Actor, database: DatabaseUrls):
    async with platform_unit_of_work("a test"):
        for days in (89, 91):
            await sql(
                "INSERT INTO audit_event (company_id, at, user_name, via, network, action, outcome, subject_id, details) "
                "VALUES (:company, :at, '', 'system', '', 'company.changed', 'done', :days, '{}')",
                company=alice.company_id,
                at=utcnow() - timedelta(days=days),
                days=str(days),
            )
    await remove_expired()
    assert [line.subject_id for line in await lines(alice, kind="company") if line.subject_id in ("89", "91")] == ["89"]
    with psycopg.connect(libpq_url(database.app)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT forget_audit()")


def test_every_action_has_a_sentence_and_every_kind_a_name():
    assert SENTENCES.keys() == set(ACTIONS)
    assert KIND_NAMES.keys() == set(KINDS) == {action.partition(".")[0] for action in ACTIONS}


def test_the_permission_is_of_owners_and_administrators():
    assert {role for role in Role if "company.audit" in PERMISSIONS[role]} == {Role.OWNER, Role.ADMIN}
