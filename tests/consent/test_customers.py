"""What customers agree to: noted with the text, the moment and the addresses, kept by the database, and true to the person."""

import asyncio
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from saasbot.domain.actor import Actor
from saasbot.domain.audit.origin import Origin
from saasbot.domain.channels.manage import add_channel
from saasbot.domain.consent.customers import ConsentTextChanged, NotOnePerson, list_consents, note_consent
from saasbot.domain.consent.texts import LONGEST_TEXT, read_text, write_text
from saasbot.domain.consent.views import ConsentView
from saasbot.domain.inbox.context import read_context
from saasbot.domain.inbox.part import undo_merge
from saasbot.domain.inbox.recipients import learn_chat
from saasbot.infra.db import platform_unit_of_work, sql, unit_of_work
from saasbot.infra.errors import Forbidden, InvalidInput, NotFound
from saasbot.infra.roles import DatabaseUrls, libpq_url
from saasbot.models import Via
from tests.attack.attempts import attempt
from tests.fixtures.shops import Shop
from tests.inbox.heard import ANA, hears, listening, message, rows

LID = "123456789012345"
OURS = "We may write to you about your orders."


async def note(actor: Actor, conversation_id: UUID, *, granted: bool = True, shown: int | None = None) -> ConsentView:
    async with unit_of_work(actor):
        return await note_consent(actor, conversation_id, granted=granted, shown=shown)


async def noted(actor: Actor, conversation_id: UUID) -> list[tuple[bool, int]]:
    """Newest first."""
    async with unit_of_work(actor):
        return [(c.granted, c.version) for c in await list_consents(actor, conversation_id, limit=50)]


async def write(actor: Actor, text: str) -> int:
    async with unit_of_work(actor):
        return (await write_text(actor, text)).version


async def test_a_yes_says_to_which_text_when_from_where_and_who_noted_it(shop: Shop):
    chat = await shop.hears("Hola", phone=ANA)
    at_the_counter = replace(shop.bob, origin=Origin(Via.PAGE, network="192.0.2.7"))
    async with listening() as heard:
        consent = await note(at_the_counter, chat)
    assert (consent.granted, consent.version, consent.noted_by) == (True, 0, "Bob")
    assert (consent.address, consent.network, consent.source) == (f"phone:{ANA}", "192.0.2.7", "inbox")
    (row,) = await rows(shop, "consent")
    assert (row["purpose"], row["text_version"], row["noted_by"]) == ("messages", "0", shop.bob.user_id)
    assert {"k": "consent", "c": str(shop.company.id), "conversation_id": str(chat)} in heard.events
    (line,) = [row for row in await rows(shop, "audit_event") if row["action"] == "consent.given"]
    assert (line["user_name"], line["details"]) == ("Bob", {"version": 0}) and ANA not in str(line)


async def test_what_is_so_already_is_not_noted_again(shop: Shop):
    chat = await shop.hears("Hola")
    first = await note(shop.bob, chat)
    assert await note(shop.alice, chat) == first
    gone = await note(shop.bob, chat, granted=False)
    assert await note(shop.alice, chat, granted=False) == gone
    assert await note(shop.bob, chat) not in (first, gone)
    assert await noted(shop.bob, chat) == [(True, 0), (False, 0), (True, 0)]


async def test_two_at_once_are_one_also_on_two_numbers(shop: Shop):
    async with unit_of_work(shop.alice):
        second = await add_channel(shop.alice, kind="simulator", name="Tienda 2")
    one = await shop.hears("Hola", phone=ANA)
    await hears(shop, message("Hola", wa_id="W2"), channel=second)
    (other,) = [row["id"] for row in await rows(shop, "conversation") if row["id"] != one]
    async with listening() as heard:
        found = await asyncio.gather(note(shop.alice, one), note(shop.bob, other))
    assert found[0].id == found[1].id and await noted(shop.bob, other) == [(True, 0)]
    assert {event["conversation_id"] for event in heard.events if event["k"] == "consent"} == {str(one), str(other)}


async def test_the_company_writes_its_own_text_in_versions(shop: Shop):
    async with unit_of_work(shop.bob):
        built_in = await read_text(shop.bob)
    assert (built_in.version, built_in.since) == (0, None) and "Zapatería Luna" in built_in.text
    assert await write(shop.charlie, f"  {OURS}\n") == 1
    assert await write(shop.alice, OURS) == 1  # the same text is no new version
    assert await write(shop.alice, "Another") == 2
    async with unit_of_work(shop.bob):
        now = await read_text(shop.bob)
    assert (now.version, now.text, now.written_by) == (2, "Another", "Alice") and now.since is not None
    assert [row["text"] for row in await rows(shop, "consent_text")] == [OURS, "Another"]
    for text in ("", " \n ", "x" * (LONGEST_TEXT + 1)):
        with pytest.raises(InvalidInput):
            await write(shop.alice, text)
    with pytest.raises(Forbidden):
        await write(shop.bob, "Mine")
    assert [row["details"] for row in await rows(shop, "audit_event") if row["action"] == "consent.text_changed"] == [
        {"version": 1},
        {"version": 2},
    ]


async def test_who_agreed_to_an_earlier_text_has_agreed_to_that_one(shop: Shop):
    chat = await shop.hears("Hola")
    await note(shop.bob, chat)
    await write(shop.alice, OURS)
    async with unit_of_work(shop.bob):
        panel = await read_context(shop.bob, chat)
    assert panel.consent is not None and (panel.consent.version, panel.text_version) == (0, 1)
    await note(shop.bob, chat)
    assert await noted(shop.bob, chat) == [(True, 1), (True, 0)]
    await write(shop.alice, "Another")
    await note(shop.bob, chat, granted=False)  # what they take back is what they gave
    assert (await noted(shop.bob, chat))[0] == (False, 1)


async def test_the_built_in_text_stays_as_it_was_agreed_to(shop: Shop):
    async with unit_of_work(shop.bob):
        shown = (await read_text(shop.bob)).text
    await note(shop.bob, await shop.hears("Hola"))
    async with unit_of_work(shop.alice):
        await sql("UPDATE company SET name = 'Otra', locale = 'en' WHERE id = :id", id=shop.company.id)
    async with unit_of_work(shop.bob):
        assert (await read_text(shop.bob)).text == shown
    assert await write(shop.alice, OURS) == 1


@attempt(233, "privacy", "A consent is noted for a text that nobody was shown.")
async def test_a_text_that_was_not_shown_is_not_agreed_to(shop: Shop):
    chat = await shop.hears("Hola")
    await write(shop.alice, OURS)
    for shown in (0, 2, 99, -1):
        with pytest.raises(ConsentTextChanged):
            await note(shop.bob, chat, shown=shown)
    assert await noted(shop.bob, chat) == []
    assert (await note(shop.bob, chat, shown=1)).version == 1


async def test_a_group_agrees_to_nothing(shop: Shop):
    group = "120363000000000001"
    await hears(shop, replace(message("Hola", wa_id="G1"), chat_jid=f"{group}@g.us", group=group))
    (chat,) = [row["id"] for row in await rows(shop, "conversation")]
    with pytest.raises(NotOnePerson):
        await note(shop.bob, chat)


async def test_who_may_and_whose(shop: Shop, other_shop: Shop):
    chat = await shop.hears("Hola")
    reader = replace(shop.bob, permissions=frozenset({"inbox.read", "company.read"}))
    for actor, refusal in ((reader, Forbidden), (other_shop.alice, NotFound)):
        with pytest.raises(refusal):
            await note(actor, chat)
    with pytest.raises(NotFound):
        await noted(other_shop.alice, chat)
    assert await noted(reader, chat) == []


async def _two_halves(shop: Shop) -> tuple[UUID, UUID]:
    """Ana wrote under her LID alone, then under her phone alone."""
    await hears(shop, message("por LID", wa_id="L1", phone=None, lid=LID))
    await hears(shop, message("por teléfono", wa_id="P1", minute=1, name=""))
    lid, phone = [row["id"] for row in await rows(shop, "conversation")]
    return lid, phone


async def test_it_follows_a_person_who_is_joined_and_each_has_their_own_back(shop: Shop):
    lid, phone = await _two_halves(shop)
    await note(shop.bob, phone)
    assert await noted(shop.bob, lid) == []
    async with listening() as heard, unit_of_work(shop.system):
        await learn_chat(shop.system, f"{ANA}@s.whatsapp.net", f"{LID}@lid")
    assert [event["conversation_id"] for event in heard.events if event["k"] == "consent"]
    assert await noted(shop.bob, lid) == [(True, 0)]  # of the one person that they are
    taken_back = await note(shop.bob, lid, granted=False)
    assert taken_back.address == f"lid:{LID}"
    (merge,) = await rows(shop, "contact_merge")
    async with unit_of_work(shop.bob):
        parted = [conversation.id for conversation in await undo_merge(shop.bob, merge["id"])]
    assert sorted(parted) == sorted([lid, phone])
    assert await noted(shop.bob, phone) == [(True, 0)]
    assert await noted(shop.bob, lid) == [(False, 0)]  # said under that address


@attempt(234, "privacy", "Somebody changes or removes what was agreed to, by every role of the program.")
async def test_no_role_changes_or_removes_what_was_agreed_to(shop: Shop, database: DatabaseUrls):
    await note(shop.bob, await shop.hears("Hola"))
    await write(shop.alice, OURS)
    before = await rows(shop, "consent"), await rows(shop, "consent_text")
    statements = [
        statement
        for table, change in (("consent", "granted = false"), ("consent_text", "text = 'Another'"))
        for statement in (f"UPDATE {table} SET {change}", f"DELETE FROM {table}")
    ]
    for statement in statements:
        for work in (unit_of_work(shop.alice), platform_unit_of_work("a test tries")):
            with pytest.raises(DBAPIError, match="permission denied"):
                async with work:
                    await sql(statement)
        with psycopg.connect(libpq_url(database.owner)) as owner:  # past the grants, not past the trigger
            table = "consent_text" if "consent_text" in statement else "consent"
            owner.execute(f"CREATE POLICY every ON {table} USING (true)".encode())
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                owner.execute(statement.encode())
    assert (await rows(shop, "consent"), await rows(shop, "consent_text")) == before


@attempt(235, "tenancy", "A consent is written for the contact of another company.")
async def test_a_row_is_of_the_companys_own_contact_and_of_one_person(shop: Shop, other_shop: Shop):
    await other_shop.hears("Hola")
    (theirs,) = await rows(other_shop, "contact_identity")
    insert = (
        "INSERT INTO consent (id, created_at, company_id, identity_id, user_id, purpose, granted, text_version, network, "
        "address, source) VALUES (gen_random_uuid(), now(), :company, :identity, :user, :purpose, true, '0', '', '', 'inbox')"
    )
    await shop.hears("Hola")
    (ours,) = await rows(shop, "contact_identity")
    for refused_by, values in (
        ("foreign key", {"identity": theirs["id"], "user": None, "purpose": "messages", "company": shop.company.id}),
        ("one_person", {"identity": None, "user": None, "purpose": "messages", "company": shop.company.id}),
        (
            "one_person",
            {"identity": ours["id"], "user": shop.bob.user_id, "purpose": "terms", "company": shop.company.id},
        ),
        ("one_person", {"identity": None, "user": shop.bob.user_id, "purpose": "messages", "company": shop.company.id}),
        (
            "row-level",
            {"identity": theirs["id"], "user": None, "purpose": "messages", "company": other_shop.company.id},
        ),
    ):
        with pytest.raises(DBAPIError, match=refused_by):
            async with unit_of_work(shop.alice):
                await sql(insert, **values)
    async with unit_of_work(shop.alice):
        await sql(insert, identity=ours["id"], user=None, purpose="messages", company=shop.company.id)


async def test_a_colleague_who_is_gone_is_named_no_more_and_the_rest_stays(shop: Shop):
    chat = await shop.hears("Hola")
    await note(shop.bob, chat)
    async with platform_unit_of_work("a test removes"):
        await sql("DELETE FROM user_account WHERE id = :id", id=shop.bob.user_id)
    async with unit_of_work(shop.alice):
        (consent,) = await list_consents(shop.alice, chat, limit=1)
    assert (consent.granted, consent.noted_by) == (True, "")
