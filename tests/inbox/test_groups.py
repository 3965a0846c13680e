"""Groups in the inbox: one conversation each, who wrote, people alone who answer, and acts that are their author's."""

from dataclasses import replace

import pytest

from saasbot.domain.channels.new_chats import is_stranger
from saasbot.domain.inbox.groups import ASK_NAME, NoBotInGroups, name_group
from saasbot.domain.inbox.incoming import IncomingAct, IncomingMessage, IncomingReceipt
from saasbot.domain.inbox.ownership import hand_back, set_conversation_bot, take_over
from saasbot.domain.inbox.read_marks import mark_read
from saasbot.domain.inbox.reads import ListFilter, count_conversations, list_conversations, read_conversation
from saasbot.domain.inbox.receipts import apply_receipts
from saasbot.domain.inbox.send import send_message
from saasbot.domain.inbox.thread import read_thread
from saasbot.domain.reports.today import read_today
from saasbot.infra.db import sql, unit_of_work
from saasbot.models import ActKind, MessageStatus, MessageType
from saasbot.state.conversation_rows import row_of
from saasbot.state.message_rows import rows_of
from saasbot.state.reader import Reader
from tests.fixtures.shops import Shop
from tests.inbox.heard import ANA, BETO, START, act, acts, hears, listening, message, rows

GROUP = "120363000000001234"
CHAT = f"{GROUP}@g.us"
ANA_LID, BETO_LID = "111000000000001", "111000000000002"


def said(text: str, *, wa_id: str, by: str = ANA, name: str = "Ana", **more) -> IncomingMessage:
    """Somebody writes in the group."""
    lid = ANA_LID if by == ANA else BETO_LID
    return replace(
        message(text, wa_id=wa_id, phone=by, lid=lid, name=name, **more),
        chat_jid=CHAT,
        group=GROUP,
        author_jid=f"{lid}@lid",
    )


def on_the_phone(text: str, *, wa_id: str, minute: float = 0) -> IncomingMessage:
    written = message(text, wa_id=wa_id, phone=None, from_me=True, minute=minute)
    return replace(written, chat_jid=CHAT, group=GROUP)


def does(kind: ActKind, wa_id: str, text: str = "", *, by: str = ANA, minute: float = 0) -> IncomingAct:
    lid = ANA_LID if by == ANA else BETO_LID
    return replace(act(kind, wa_id, text, phone=by, lid=lid, minute=minute), group=GROUP, author_jid=f"{lid}@lid")


async def the_group(shop: Shop) -> dict:
    (conversation,) = await rows(shop, "conversation")
    return conversation


async def turns_waiting(shop: Shop) -> int:
    async with unit_of_work(shop.system):
        return (await sql("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'agent.turn'")).scalar_one()


async def test_a_group_is_one_conversation_whoever_writes_in_it(shop: Shop) -> None:
    await hears(shop, said("Hola a todos", wa_id="A"), said("¡Hola!", wa_id="B", by=BETO, name="Beto", minute=1))
    await hears(shop, on_the_phone("Bienvenidos", wa_id="C", minute=2))
    group = await the_group(shop)
    assert (group["chat_jid"], group["handler"], group["bot_enabled"], group["status"]) == (
        CHAT,
        "human",
        False,
        "open",
    )
    assert [(m["author"], m["author_name"], m["author_jid"]) for m in await rows(shop, "message")] == [
        ("customer", "Ana", f"{ANA_LID}@lid"),
        ("customer", "Beto", f"{BETO_LID}@lid"),
        ("phone", "", None),
    ]
    (identity,) = await rows(shop, "contact_identity")
    assert (identity["kind"], identity["value"]) == ("group", GROUP)
    (contact,) = await rows(shop, "contact")
    assert contact["name"] == ""  # nobody of the group gives it their name


async def test_the_people_of_a_group_are_not_joined_with_their_own_chats(shop: Shop) -> None:
    await hears(shop, message("Privado", wa_id="P", phone=ANA, lid=ANA_LID))
    await hears(shop, said("En el grupo", wa_id="G"))
    assert len(await rows(shop, "contact")) == len(await rows(shop, "conversation")) == 2
    assert await rows(shop, "contact_merge") == []


async def test_the_bot_never_answers_in_a_group(shop: Shop) -> None:
    await hears(shop, said("¿Cuánto cuesta?", wa_id="A"))
    assert await turns_waiting(shop) == 0
    group = await the_group(shop)
    async with unit_of_work(shop.bob):
        with pytest.raises(NoBotInGroups):
            await hand_back(shop.bob, group["id"])
        with pytest.raises(NoBotInGroups):
            await set_conversation_bot(shop.bob, group["id"], enabled=True)
    await hears(shop, said("¿Hola?", wa_id="B", minute=1))
    assert await turns_waiting(shop) == 0
    assert (await the_group(shop))["handler"] == "human"


async def test_the_database_lets_no_bot_into_a_group(shop: Shop) -> None:
    await hears(shop, said("Hola", wa_id="A"))
    for change in ("bot_enabled = true", "handler = 'bot'"):
        with pytest.raises(Exception, match="no_bot_in_groups"):
            async with unit_of_work(shop.system):
                await sql(f"UPDATE conversation SET {change}")


async def test_writing_in_a_group_takes_it_from_nobody(shop: Shop) -> None:
    await hears(shop, said("Hola", wa_id="A"))
    group = await the_group(shop)
    async with unit_of_work(shop.bob):
        await take_over(shop.bob, group["id"])
        sent = await send_message(shop.bob, group["id"], text="¡Buenas!")
    assert sent.status == MessageStatus.QUEUED
    now = await the_group(shop)
    assert (now["assignee_id"], now["owner_epoch"]) == (None, group["owner_epoch"])
    assert [m["type"] for m in await rows(shop, "message")] == ["text", "text"]  # no line that somebody took over


async def test_a_group_waits_for_nobody(shop: Shop) -> None:
    await hears(shop, said("Hola", wa_id="A"))
    async with unit_of_work(shop.bob):
        unassigned = await list_conversations(shop.bob, filter=ListFilter.UNASSIGNED)
        everything = await list_conversations(shop.bob)
        counters = await count_conversations(shop.bob)
        today = await read_today(shop.bob)
    assert (unassigned.conversations, len(everything.conversations), counters.unassigned, counters.unread) == (
        [],
        1,
        0,
        1,
    )
    assert (today.waiting, today.conversations) == (0, 0)


async def test_a_group_is_never_a_stranger(shop: Shop) -> None:
    await hears(shop, on_the_phone("Primero yo", wa_id="A"))
    group = await the_group(shop)
    async with unit_of_work(shop.system):
        assert not await is_stranger(group["id"])


async def test_each_of_a_group_has_a_reaction(shop: Shop) -> None:
    await hears(shop, said("Hola", wa_id="A"))
    await acts(
        shop,
        does(ActKind.REACTION, "A", "👍"),
        does(ActKind.REACTION, "A", "👍", by=BETO),
        does(ActKind.REACTION, "A", "🎉", by=BETO, minute=1),
    )
    (stored,) = await rows(shop, "message")
    found = {(r["by"], r["emoji"]) for r in stored["reactions"]}
    assert found == {(f"{ANA_LID}@lid", "👍"), (f"{BETO_LID}@lid", "🎉")}
    await acts(shop, does(ActKind.REACTION, "A", "", minute=2))
    (stored,) = await rows(shop, "message")
    assert [r["emoji"] for r in stored["reactions"]] == ["🎉"]


async def test_only_its_author_edits_and_deletes_a_message_of_a_group(shop: Shop) -> None:
    await hears(shop, said("Hola", wa_id="A"))
    await acts(shop, does(ActKind.EDIT, "A", "¡Falso!", by=BETO), does(ActKind.REVOKE, "A", by=BETO, minute=1))
    (stored,) = await rows(shop, "message")
    assert (stored["text"], stored["edited_at"], stored["revoked_at"]) == ("Hola", None, None)
    await acts(shop, does(ActKind.EDIT, "A", "Hola a todos", minute=2))
    (stored,) = await rows(shop, "message")
    assert (stored["text"], stored["earlier_text"]) == ("Hola a todos", "Hola")
    await acts(shop, does(ActKind.REVOKE, "A", minute=3))
    (stored,) = await rows(shop, "message")
    assert stored["revoked_at"] is not None


async def test_an_edit_that_comes_before_its_message_waits_for_it(shop: Shop) -> None:
    await acts(shop, does(ActKind.EDIT, "A", "¡Falso!", by=BETO), does(ActKind.EDIT, "A", "Corregido", minute=1))
    await hears(shop, said("Hola", wa_id="A"))
    (stored,) = await rows(shop, "message")
    assert stored["text"] == "Corregido"


async def test_nobody_fills_the_place_of_somebody_elses_unreadable_message(shop: Shop) -> None:
    placeholder = said("", wa_id="A", name="", type=MessageType.UNSUPPORTED, payload={"kind": "undecryptable"})
    await hears(shop, placeholder)
    await hears(shop, said("Soy Ana, envíen el dinero", wa_id="A", by=BETO, name="Beto"))
    (stored,) = await rows(shop, "message")
    assert (stored["type"], stored["text"], stored["author_name"]) == ("unsupported", "", f"+{ANA}")
    await hears(shop, said("Hola", wa_id="A"))
    (stored,) = await rows(shop, "message")
    assert (stored["type"], stored["text"], stored["author_name"]) == ("text", "Hola", "Ana")


async def test_read_marks_go_to_who_wrote(shop: Shop) -> None:
    await hears(shop, said("1", wa_id="A"), said("2", wa_id="B", by=BETO, minute=1), said("3", wa_id="C", minute=2))
    group = await the_group(shop)
    async with listening() as heard, unit_of_work(shop.bob):
        await mark_read(shop.bob, group["id"])
    marks = {c["author"]: c["ids"] for c in heard.commands if c["command"] == "mark_read"}
    assert marks == {f"{ANA_LID}@lid": ["A", "C"], f"{BETO_LID}@lid": ["B"]}
    assert {c["chat"] for c in heard.commands if c["command"] == "mark_read"} == {CHAT}


async def test_one_phone_of_a_group_makes_a_message_delivered_and_never_more(shop: Shop) -> None:
    await hears(shop, on_the_phone("Hola", wa_id="A"))
    async with unit_of_work(shop.system):
        told = IncomingReceipt(("A",), MessageStatus.DELIVERED, START, GROUP)
        await apply_receipts(shop.system, shop.channel.id, [told, told])
    (stored,) = await rows(shop, "message")
    assert (stored["status"], stored["read_at"]) == ("delivered", None)


async def test_the_name_of_a_group_is_asked_when_somebody_writes_and_shown(shop: Shop) -> None:
    reader = Reader("es", "America/Argentina/Buenos_Aires", shop.bob.user_id)
    async with listening() as heard:
        await hears(shop, said("Hola", wa_id="A"), said("¿Hay alguien?", wa_id="B", by=BETO, name="", minute=1))
    assert [c["chat"] for c in heard.commands if c["command"] == ASK_NAME] == [CHAT]
    group = await the_group(shop)
    async with unit_of_work(shop.bob):
        row = row_of(await read_conversation(shop.bob, group["id"]), reader)
    assert (row.name, row.preview, row.group, row.bot) == (
        "Grupo …1234",
        "+54 9 11 5000-0002: ¿Hay alguien?",
        True,
        False,
    )
    async with listening() as heard, unit_of_work(shop.system):
        await name_group(shop.system, CHAT, "Feria\x00 del  barrio")
    assert heard.of(group["id"]) == 1
    async with unit_of_work(shop.bob):
        view = await read_conversation(shop.bob, group["id"])
        bubbles = rows_of((await read_thread(shop.bob, group["id"])).messages[::-1], reader)
    assert (row_of(view, reader).name, view.group) == ("Feria del barrio", GROUP)
    assert [(b.first, b.who) for b in bubbles] == [(True, "Ana"), (True, "+54 9 11 5000-0002")]


async def test_a_name_that_the_team_gave_a_group_stays(shop: Shop) -> None:
    await hears(shop, said("Hola", wa_id="A"))
    async with unit_of_work(shop.system):
        await sql("UPDATE contact SET name = 'Proveedores', named_by_team = true")
        await name_group(shop.system, CHAT, "Feria")
    (contact,) = await rows(shop, "contact")
    assert contact["name"] == "Proveedores"


async def test_a_search_says_who_of_the_group_wrote_what_it_found(shop: Shop) -> None:
    await hears(shop, said("Vendo bicicleta", wa_id="A", by=BETO, name="Beto"))
    await hears(shop, message("Busco bicicleta", wa_id="B"))
    async with unit_of_work(shop.bob):
        found = await list_conversations(shop.bob, query="bicicleta")
        by_phone = await list_conversations(shop.bob, query="120363")
    assert sorted(found.matches.values()) == ["Beto: Vendo bicicleta", "Busco bicicleta"]
    assert by_phone.conversations == []  # the digits of a group are no phone number


async def test_another_company_names_its_own_groups_alone(shop: Shop, other_shop: Shop) -> None:
    await hears(shop, said("Hola", wa_id="A"))
    async with unit_of_work(other_shop.system):
        await name_group(other_shop.system, CHAT, "De Mallory")
    (contact,) = await rows(shop, "contact")
    assert contact["name"] == ""
