"""A person who asks for it is forgotten: nothing of them is left anywhere, and nothing of anybody else is touched."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from sqlmodel import select

from saasbot.domain import privacy
from saasbot.domain.actor import PERMISSIONS, Actor
from saasbot.domain.channels.journal import record_events
from saasbot.domain.consent.customers import note_consent
from saasbot.domain.inbox.acts import apply_acts
from saasbot.domain.inbox.drafts import save_draft
from saasbot.domain.inbox.incoming import IncomingAct
from saasbot.domain.inbox.recipients import learn_chat
from saasbot.domain.media import store_image
from saasbot.domain.reports.days import read_day
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.infra.errors import Forbidden, InvalidInput, NotFound
from saasbot.infra.settings import settings
from saasbot.infra.storage import LocalStorage
from saasbot.jobs.privacy import erase_contact
from saasbot.models import ActKind, Channel, Contact, ContactErasure, ErasureStep, Message, Role
from saasbot.wa_runtime.protobufs import MESSAGE, events
from saasbot.wa_runtime.spool import Spool
from tests.attack.attempts import attempt
from tests.fixtures.shops import Shop
from tests.inbox.heard import hears, message
from tests.media.pictures import picture
from tests.privacy.canary import files_with, tables_with

MARK, PHONE, LID = "canary-of-ana", "5491177770001", "77770001777700017"
WORDS = (MARK, PHONE, LID)
BETO = "5491188880002"
GROUP = "120363000000000001"
DEVICE = "5491199990000:3@s.whatsapp.net"

OF_CONTACTS = {
    "agent_turn",
    "consent",
    "contact",
    "contact_erasure",
    "contact_identity",
    "contact_merge",
    "conversation",
    "conversation_merge",
    "draft",
    "history_chunk",
    "idempotency_key",
    "media",
    "message",
    "message_act",
    "outgoing_act",
    "sim_customer",
    "sim_event",
    "sim_message",
    "sim_presence",
    "waiting_receipt",
    "wa_event",
}
"""Tables that may hold something of a contact: the word is in all of them before, and in none after."""

NOT_OF_CONTACTS = {
    "audit_event": "names people of the team and things, never a contact",
    "bot": "written by the team",
    "channel": "the number",
    "channel_change": "the number",
    "channel_gap": "the number",
    "channel_history": "counts",
    "channel_incident": "the number",
    "channel_lease": "the number",
    "channel_pairing": "the number",
    "company": "the company",
    "company_erasure": "about the company",
    "consent_text": "written by the team",
    "data_export": "its file goes too: a test of its own",
    "day_figures": "counts",
    "invitation": "the team",
    "membership": "the team",
    "notice": "about numbers and keys",
    "policy": "written by the team",
    "product": "written by the team",
    "prompt_version": "written by the team",
    "refresh_token": "the team",
    "sign_in_ticket": "the team",
    "sim_number": "the number",
    "user_session": "the team",
}


def journalled(user: str, text: str, *, server: str = "s.whatsapp.net", quoting: str = "") -> bytes:
    """A message as the journal keeps it."""
    event = events.Message()
    source = event.Info.MessageSource
    for jid in (source.Chat, source.Sender):
        jid.User, jid.Server = user, server
    event.Message.extendedTextMessage.text = text
    if quoting:
        context = event.Message.extendedTextMessage.contextInfo
        context.participant, context.quotedMessage.conversation = quoting, f"quoted {MARK}"
    return event.SerializePartialToString()


@pytest.fixture
async def ana(shop: Shop, files: LocalStorage, superuser: psycopg.Connection, store: psycopg.Connection) -> UUID:
    """A conversation with somebody who is everywhere."""
    await hears(shop, message(f"LID {MARK}", wa_id=f"{MARK}-1", phone=None, lid=LID, name=""))
    await hears(shop, message(f"Phone {MARK}", wa_id=f"{MARK}-2", phone=PHONE, name=f"Ana {MARK}"))
    in_group = replace(message(f"In a group {MARK}", wa_id=f"{MARK}-3", phone=PHONE), chat_jid=f"{GROUP}@g.us")
    in_group = replace(in_group, group=GROUP, author_jid=f"{PHONE}@s.whatsapp.net", push_name=f"Ana {MARK}")
    of_beto = replace(
        in_group, author_jid=f"{BETO}@s.whatsapp.net", phone=BETO, push_name="Beto", text="Beto", wa_id="B1"
    )
    await hears(shop, replace(of_beto, sent_at=of_beto.sent_at - timedelta(hours=1)), in_group)
    async with unit_of_work(shop.system):
        await learn_chat(shop.system, f"{PHONE}@s.whatsapp.net", f"{LID}@lid")
        number = await session().get_one(Channel, shop.channel.id)
        number.device_jid = DEVICE
        done = IncomingAct(ActKind.REACTION, PHONE, None, from_me=False, target_wa_id=f"{MARK}-2", at=NOW, text="👍")
        reaction = replace(done, target_wa_id="B1", group=GROUP, author_jid=f"{PHONE}@s.whatsapp.net")
        await apply_acts(shop.system, number, [done, reaction])
        conversation_id = (
            await session().exec(select(Message.conversation_id).where(Message.wa_id == f"{MARK}-2"))
        ).one()
        media = await store_image(shop.alice, picture(), f"{MARK}.jpg")
        await sql("UPDATE message SET media_id = :media WHERE wa_id = :id", media=media.id, id=f"{MARK}-2")
        await record_events(
            shop.system,
            shop.channel.id,
            epoch=1,
            events=[
                (MESSAGE, journalled(PHONE, MARK)),
                (MESSAGE, journalled(LID, MARK, server="lid")),
                (MESSAGE, journalled(GROUP, "quoting", server="g.us", quoting=f"{PHONE}@s.whatsapp.net")),
                (MESSAGE, journalled(BETO, f"I know +{PHONE}1 and 1{PHONE}")),
            ],
        )
    async with unit_of_work(shop.bob):
        await save_draft(shop.bob, conversation_id, text=f"Dear {MARK}")
        await note_consent(shop.bob, conversation_id, granted=True)
    _add_what_the_product_adds_elsewhere(superuser, shop, conversation_id)
    _add_to_the_store(store)
    return conversation_id


NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


def _add_what_the_product_adds_elsewhere(connection: psycopg.Connection, shop: Shop, conversation_id: UUID) -> None:
    found = connection.execute(
        "SELECT id, contact_id FROM message JOIN (SELECT id AS c, contact_id FROM conversation) x "
        "ON c = conversation_id WHERE wa_id = %s",
        [f"{MARK}-2"],
    ).fetchone()
    assert found is not None
    values = {
        "company": shop.company.id,
        "channel": shop.channel.id,
        "conversation": conversation_id,
        "message": found[0],
        "contact": found[1],
        "mark": MARK,
        "json": json.dumps({"said": MARK}),
        "phone": PHONE,
        "raw": journalled(PHONE, MARK),
        "beto": BETO,
    }
    for statement in (
        "INSERT INTO agent_turn (id, created_at, company_id, conversation_id, bot_name, model, outcome, owner_epoch, customer_seq, "
        "intent, sentiment, input_tokens, output_tokens, tools_used, trace) VALUES (gen_random_uuid(), now(), %(company)s, "
        "%(conversation)s, '', '', 'replied', 1, 1, %(mark)s, '', 0, 0, '[]', %(json)s)",
        "INSERT INTO outgoing_act (id, created_at, company_id, channel_id, conversation_id, message_id, kind, text, status) VALUES "
        "(gen_random_uuid(), now(), %(company)s, %(channel)s, %(conversation)s, %(message)s, 'edit', %(mark)s, 'queued')",
        "INSERT INTO waiting_receipt (channel_id, wa_id, company_id, status, at) VALUES (%(channel)s, %(mark)s || '-2', "
        "%(company)s, 'read', now())",
        "INSERT INTO idempotency_key (id, created_at, company_id, key, request_hash, holder, status, body) VALUES "
        "(gen_random_uuid(), now(), %(company)s, 'k', 'h', 'p', 202, jsonb_build_object('id', %(message)s::text, 'text', %(mark)s::text))",
        "INSERT INTO idempotency_key (id, created_at, company_id, key, request_hash, holder, status, body) VALUES "
        "(gen_random_uuid(), now(), %(company)s, 'beto', 'h', 'p', 202, '{\"text\": \"Beto\"}')",
        "INSERT INTO history_chunk (company_id, channel_id, fingerprint, raw, processed_at, error) VALUES (%(company)s, "
        "%(channel)s, '\\x01', %(raw)s, now(), 'unreadable')",
        "INSERT INTO sim_customer (channel_id, peer, company_id, lid, name) VALUES (%(channel)s, %(phone)s, %(company)s, '7', %(mark)s)",
        "INSERT INTO sim_customer (channel_id, peer, company_id, lid, name) VALUES (%(channel)s, %(beto)s, %(company)s, '8', 'Beto')",
        "INSERT INTO sim_event (company_id, channel_id, code, raw, due_at) VALUES (%(company)s, %(channel)s, 17, %(raw)s, now())",
        "INSERT INTO sim_message (company_id, channel_id, wa_id, peer, peer_name, origin, type, text, payload, at) VALUES "
        "(%(company)s, %(channel)s, 'W1', %(phone)s, %(mark)s, 'customer', 'text', %(mark)s, '{}', now())",
        "INSERT INTO sim_message (company_id, channel_id, wa_id, peer, peer_name, origin, type, text, payload, at) VALUES "
        "(%(company)s, %(channel)s, 'W2', '120363@g.us', 'Group', 'customer', 'text', %(mark)s, "
        "jsonb_build_object('sender', jsonb_build_object('phone', %(phone)s::text)), now())",
        "INSERT INTO sim_presence (company_id, channel_id, peer, kind, wa_ids, at) VALUES (%(company)s, %(channel)s, %(phone)s, "
        "'read', jsonb_build_array(%(mark)s::text), now())",
    ):
        connection.execute(statement.encode(), values)


def _add_to_the_store(store: psycopg.Connection) -> None:
    other = "5490000000000:1@s.whatsapp.net"
    for device in (DEVICE, other):
        store.execute("INSERT INTO whatsmeow_device VALUES (%s, '')", [device])
        store.execute("INSERT INTO whatsmeow_contacts VALUES (%s, %s, 'Beto')", [device, f"{BETO}@s.whatsapp.net"])
    store.execute("INSERT INTO whatsmeow_contacts VALUES (%s, %s, %s)", [DEVICE, f"{PHONE}@s.whatsapp.net", MARK])
    store.execute("INSERT INTO whatsmeow_sessions VALUES (%s, %s, 'k')", [DEVICE, f"{LID}_1:0"])
    store.execute("INSERT INTO whatsmeow_privacy_tokens VALUES (%s, %s, 'k')", [DEVICE, f"{LID}@lid"])
    store.execute("INSERT INTO whatsmeow_lid_map VALUES (%s, %s)", [LID, PHONE])


async def erase(actor: Actor, conversation_id: UUID) -> ContactErasure:
    """Ask, and do what the job does."""
    async with unit_of_work(actor):
        erasure = await privacy.ask_erasure(actor, conversation_id)
    await erase_contact(str(actor.company_id), str(erasure.id))
    return erasure


def of_beto(connection: psycopg.Connection, shop: Shop) -> dict[str, object]:
    """What is of others, byte for byte."""
    asked = {
        "chat": "SELECT to_jsonb(m) FROM message m WHERE text LIKE '%Beto%' ORDER BY m.id",
        "journal": "SELECT to_jsonb(e) FROM wa_event e WHERE position(%s::bytea in raw) > 0",
        "answers": "SELECT to_jsonb(k) FROM idempotency_key k WHERE key = 'beto'",
        "customers": "SELECT to_jsonb(s) FROM sim_customer s WHERE name = 'Beto'",
        "bots": "SELECT to_jsonb(b) FROM bot b ORDER BY id",
        "people": "SELECT to_jsonb(b) FROM contact b WHERE name NOT LIKE '%canary%' ORDER BY id",
    }
    return {
        name: connection.execute(query.encode(), [BETO.encode()] if "%s" in query else None).fetchall()
        for name, query in asked.items()
    }


@attempt(211, "privacy", "A forgotten contact is looked for in every table, file and store.")
async def test_nothing_of_them_is_left_anywhere_and_nothing_of_others_is_touched(
    shop: Shop,
    other_shop: Shop,
    ana: UUID,
    files: LocalStorage,
    superuser: psycopg.Connection,
    store: psycopg.Connection,
):
    await shop.hears("Hello from Beto", phone=BETO, name="Beto")
    await other_shop.hears("Ana is here too", phone=PHONE, name="Somebody")
    everywhere = tables_with(superuser, *WORDS)
    assert everywhere == OF_CONTACTS - {"contact_erasure"}
    assert files_with(files.folder, "JFIF") or list(files.folder.rglob("*.jpg"))
    before, elsewhere = of_beto(superuser, shop), _rows_of(superuser, other_shop)
    assert all(before.values()), before

    await erase(shop.alice, ana)

    superuser.execute("SELECT set_config('search_path', 'public', false)")
    assert tables_with(superuser, MARK, LID) == set()
    mine = {name for name in tables_with(superuser, PHONE)}
    assert mine == {"contact_identity", "conversation", "message", "wa_event"}, "of the other company, and Beto's text"
    assert not _mentions(superuser, shop, PHONE)
    assert not list(files.folder.rglob("*.jpg")) and not list(files.folder.rglob("*.webp"))
    assert tables_with(store, *WORDS) == set()
    assert store.execute("SELECT count(*) FROM whatsmeow_contacts").fetchone() == (2,)
    after = of_beto(superuser, shop)
    reacted = before.pop("chat"), after.pop("chat")
    assert after == before
    assert [{**row, "reactions": []} for (row,) in reacted[0]] == [row for (row,) in reacted[1]]  # type: ignore[attr-defined]
    assert _rows_of(superuser, other_shop) == elsewhere


async def test_what_waits_in_a_spool_does_not_bring_them_back(shop: Shop, ana: UUID, superuser: psycopg.Connection):
    spool = Spool(settings().data_dir / "spool", shop.channel.id)
    late, of_beto = journalled(PHONE, f"Spooled {MARK}"), journalled(BETO, "Spooled Beto")
    spool.append(MESSAGE, late)
    spool.append(MESSAGE, of_beto)
    spool.path.with_suffix(".unreadable").write_text(MARK)
    await erase(shop.alice, ana)
    assert superuser.execute("SELECT raw FROM wa_event WHERE raw IN (%s, %s)", [late, of_beto]).fetchall() == [
        (of_beto,)
    ]
    assert not list(spool.path.parent.iterdir())


def _rows_of(connection: psycopg.Connection, shop: Shop) -> list[tuple[str, list[str]]]:
    from tests.attack.belongings import Ledger

    return sorted(Ledger(connection, shop.company.id).read().items())


def _mentions(connection: psycopg.Connection, shop: Shop, word: str) -> list[str]:
    """Rows of the company with this word, but the sentence in which Beto writes a number that only looks like it."""
    from tests.attack.belongings import Ledger

    hexed = f"I know +{PHONE}1".encode().hex()
    found = Ledger(connection, shop.company.id).read()
    return [
        row
        for rows in found.values()
        for row in rows
        if (word in row or word.encode().hex() in row) and hexed not in row
    ]


def test_every_table_of_a_company_is_known_to_hold_something_of_a_contact_or_not(superuser: psycopg.Connection):
    named = superuser.execute(
        "SELECT table_name FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name) "
        "WHERE table_schema = 'public' AND column_name = 'company_id' AND table_type = 'BASE TABLE'"
    ).fetchall()
    assert {str(name) for (name,) in named} | {"company"} == OF_CONTACTS | NOT_OF_CONTACTS.keys()


async def test_the_figures_of_closed_days_stay(shop: Shop, ana: UUID, superuser: psycopg.Connection):
    day = (datetime.now(UTC) - timedelta(hours=3, days=3)).date()  # on the company's clock
    noon = datetime(day.year, day.month, day.day, 15, tzinfo=UTC)
    beto = await shop.hears("Hello", phone=BETO, name="Beto")
    await shop.hears("Again", phone=PHONE, name="Ana")
    superuser.execute("UPDATE message SET created_at = %(noon)s, sort_at = %(noon)s", {"noon": noon})
    superuser.execute(
        "INSERT INTO message (id, created_at, company_id, conversation_id, channel_id, sort_at, from_me, direction, author, "
        "author_name, type, text, payload, status) SELECT gen_random_uuid(), created_at + interval '90 seconds', company_id, "
        "conversation_id, channel_id, sort_at + interval '90 seconds', true, 'outbound', 'bot', '', 'text', 'Yes', '{}', 'read' "
        "FROM message WHERE author = 'customer' AND text = 'Again'"
    )
    async with unit_of_work(shop.alice):
        before = await read_day(shop.alice, day)
    assert before[1].conversations >= 2 and sum(before[1].by_hour) >= 2 and before[1].answered == 1
    await erase(shop.alice, ana)
    await erase(shop.alice, beto)
    async with unit_of_work(shop.alice):
        assert await read_day(shop.alice, day) == before
        assert (await read_day(shop.alice))[1].conversations == 0
        with pytest.raises(InvalidInput):
            await read_day(shop.alice, datetime.now(UTC).date() + timedelta(days=2))


async def test_it_goes_on_where_its_process_died(shop: Shop, ana: UUID, superuser: psycopg.Connection):
    async with unit_of_work(shop.alice):
        erasure = await privacy.ask_erasure(shop.alice, ana)
        assert (await privacy.ask_erasure(shop.alice, ana)).id == erasure.id  # twice is once
    for step in (ErasureStep.FILES, ErasureStep.ROWS, ErasureStep.JOURNAL):
        assert await privacy.erase_next(shop.system, erasure.id) == step
        # done again from its beginning, as after a death before the commit of the next
        superuser.execute("UPDATE contact_erasure SET step = 'figures' WHERE id = %s", [erasure.id])
        while await privacy.erase_next(shop.system, erasure.id) != step:
            pass
    await erase_contact(str(shop.company.id), str(erasure.id))
    await erase_contact(str(shop.company.id), str(erasure.id))
    assert _mentions(superuser, shop, MARK) == []
    trail = superuser.execute("SELECT action FROM audit_event WHERE action LIKE 'contact.%' ORDER BY id").fetchall()
    assert trail == [("contact.erasure_asked",), ("contact.erased",)]


@attempt(212, "privacy", "A late event brings a forgotten contact back.")
async def test_what_waits_in_the_journal_does_not_bring_them_back(shop: Shop, ana: UUID, superuser: psycopg.Connection):
    assert superuser.execute("SELECT count(*) FROM wa_event WHERE processed_at IS NULL").fetchone() == (4,)
    await erase(shop.alice, ana)
    assert superuser.execute("SELECT count(*) FROM wa_event").fetchone() == (1,)


async def test_a_history_that_is_being_read_is_waited_for(shop: Shop, ana: UUID, superuser: psycopg.Connection):
    superuser.execute("UPDATE history_chunk SET processed_at = NULL, error = NULL")
    async with unit_of_work(shop.alice):
        erasure = await privacy.ask_erasure(shop.alice, ana)
    assert await privacy.erase_next(shop.system, erasure.id) is None
    later = superuser.execute(
        "SELECT count(*) FROM procrastinate_jobs WHERE task_name = %s AND scheduled_at > now()", [privacy.ERASE_TASK]
    ).fetchone()
    assert later == (1,)
    superuser.execute("UPDATE history_chunk SET processed_at = now(), raw = NULL")
    assert await privacy.erase_next(shop.system, erasure.id) == ErasureStep.FILES


async def test_a_photo_that_the_catalogue_shows_stays(shop: Shop, ana: UUID, files: LocalStorage):
    from saasbot.domain import catalogue

    async with unit_of_work(shop.alice):
        media_id = (await sql("SELECT media_id FROM message WHERE wa_id = :id", id=f"{MARK}-2")).scalar_one()
        product = await catalogue.create_product(shop.alice, title="Bota", price_minor=1, image_id=media_id)
    await erase(shop.alice, ana)
    async with unit_of_work(shop.alice):
        assert (await catalogue.get_product(shop.alice, product.id)).image_id == media_id
    assert list(files.folder.rglob("*.jpg"))


async def test_who_may_and_whose(shop: Shop, other_shop: Shop, ana: UUID):
    assert {role for role in Role if "contacts.erase" in PERMISSIONS[role]} == {Role.OWNER, Role.ADMIN}
    for actor, refusal in ((shop.bob, Forbidden), (other_shop.alice, NotFound)):
        with pytest.raises(refusal):
            async with unit_of_work(actor):
                await privacy.ask_erasure(actor, ana)
        with pytest.raises(refusal):
            async with unit_of_work(actor):
                await privacy.summarise_contact(actor, ana)
    async with unit_of_work(shop.charlie):
        summary = await privacy.summarise_contact(shop.charlie, ana)
    assert (summary.name, summary.phone, summary.files) == (f"Ana {MARK}", PHONE, 1)
    assert summary.messages >= 2


async def test_they_may_write_again_and_are_somebody_new(shop: Shop, ana: UUID):
    await erase(shop.alice, ana)
    again = await shop.hears("Hello", phone=PHONE, name="Ana")
    assert again != ana
    async with unit_of_work(shop.alice):
        assert len((await session().exec(select(Contact).where(Contact.name == "Ana"))).all()) == 1
