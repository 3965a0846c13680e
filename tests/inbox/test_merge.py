"""A phone number and a LID that each had a contact turn out to be one person's: one contact, one conversation a number."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from saasbot.domain.agent.claim import claim_turn
from saasbot.domain.agent.turn import Turn
from saasbot.domain.channels.manage import add_channel
from saasbot.domain.history.store import OlderMessage, store_older
from saasbot.domain.inbox import change
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.drafts import read_draft, save_draft
from saasbot.domain.inbox.incoming import IncomingMedia, IncomingMessage
from saasbot.domain.inbox.ownership import take_over
from saasbot.domain.inbox.part import JoinedAgain, JoinedTooLongAgo, undo_merge
from saasbot.domain.inbox.preview import REVOKED
from saasbot.domain.inbox.reads import read_conversation
from saasbot.domain.inbox.recipients import learn_chat
from saasbot.domain.inbox.send import send_message, send_to_phone
from saasbot.domain.inbox.thread import read_thread
from saasbot.domain.media.pending import fetch_again
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.models import ActKind, Bot, Channel, MessageType
from tests.fixtures.shops import Shop
from tests.inbox.heard import ANA, act, acts, hears, listening, message, receipt, rows

LID = "123456789012345"


async def _two_halves(shop: Shop) -> tuple[UUID, UUID]:
    """Ana wrote under her LID alone, then under her phone alone. Returns both conversations."""
    await hears(shop, message("por LID", wa_id="L1", phone=None, lid=LID))
    await hears(shop, message("por teléfono", wa_id="P1", minute=1, name=""))
    first, second = (await rows(shop, "conversation"))[-2:]
    return first["id"], second["id"]


async def _both(shop: Shop, text: str = "con los dos", *, wa_id: str = "B1", minute: float = 5) -> None:
    await hears(shop, message(text, wa_id=wa_id, lid=LID, minute=minute))


async def _merge_id(shop: Shop) -> UUID:
    return (await rows(shop, "contact_merge"))[-1]["id"]


async def _undo(shop: Shop) -> None:
    """Bob undoes the newest joining."""
    merge = await _merge_id(shop)
    async with unit_of_work(shop.bob):
        await undo_merge(shop.bob, merge)


async def _thread(shop: Shop, conversation_id: UUID) -> list[str]:
    """Texts, oldest first, and the kinds of activities in brackets."""
    async with unit_of_work(shop.bob):
        page = await read_thread(shop.bob, conversation_id)
    return [f"[{m.payload['kind']}]" if m.type == "activity" else m.text for m in reversed(page.messages)]


async def test_both_halves_are_one_contact_and_one_conversation(shop: Shop) -> None:
    first, second = await _two_halves(shop)
    async with listening() as heard:
        await _both(shop)
    assert len(await rows(shop, "contact")) == 1
    assert {row["value"] for row in await rows(shop, "contact_identity")} == {LID, ANA}
    (conversation,) = await rows(shop, "conversation")
    assert conversation["id"] == first
    assert await _thread(shop, first) == ["por LID", "por teléfono", "con los dos", "[joined]"]
    assert (conversation["unread"], conversation["last_preview"]) == (3, "con los dos")
    assert conversation["chat_jid"] == f"{LID}@lid"
    assert heard.of(first) >= 1
    assert heard.of(second) >= 1


async def test_the_old_id_leads_to_the_joined_conversation(shop: Shop) -> None:
    first, second = await _two_halves(shop)
    await _both(shop)
    assert await _thread(shop, second) == await _thread(shop, first)
    async with unit_of_work(shop.bob):
        assert (await access_conversation(shop.bob, second, lock=True)).id == first
        assert (await read_conversation(shop.bob, second)).id == first
        sent = await send_message(shop.bob, second, text="Te contesto")
        await save_draft(shop.bob, second, text="y además")
    assert sent.conversation_id == first
    async with unit_of_work(shop.bob):
        assert await read_draft(shop.bob, first) == "y además"


async def test_what_is_done_to_messages_under_the_old_id_is_done_to_them(shop: Shop) -> None:
    first, second = await _two_halves(shop)
    await hears(shop, message(wa_id="P2", minute=2, type=MessageType.IMAGE, media=IncomingMedia("image/jpeg", 9, "")))
    async with unit_of_work(shop.bob):
        ours = await send_message(shop.bob, second, text="Cuesta 100")
        await sql("UPDATE message SET status = 'sent', wa_id = 'OURS', wa_timestamp = now() WHERE id = :id", id=ours.id)
        await sql("UPDATE media SET status = 'failed', wa_event_id = 1")
    await _both(shop)
    ids = {row["wa_id"]: row["id"] for row in await rows(shop, "message")}
    async with unit_of_work(shop.bob):
        answer = await send_message(shop.bob, second, text="¿En 42?", quoted_id=ids["P1"])
        await change.react(shop.bob, second, ids["P1"], emoji="👍")
        await change.edit(shop.bob, second, ours.id, text="Cuesta 120")
        await change.revoke(shop.bob, second, ours.id)
        await fetch_again(shop.bob, second, ids["P2"])
    assert (answer.conversation_id, answer.quoted_wa_id) == (first, "P1")
    assert {row["conversation_id"] for row in await rows(shop, "outgoing_act")} == {first}
    assert [row["kind"] for row in await rows(shop, "outgoing_act")] == ["reaction", "edit", "revoke"]
    assert [row["status"] for row in await rows(shop, "media")] == ["pending"]


async def test_another_company_cannot_follow_or_undo(shop: Shop, other_shop: Shop) -> None:
    _, second = await _two_halves(shop)
    await _both(shop)
    merge = await _merge_id(shop)
    async with unit_of_work(other_shop.alice):
        with pytest.raises(NotFound):
            await access_conversation(other_shop.alice, second)
        with pytest.raises(NotFound):
            await undo_merge(other_shop.alice, merge)


async def test_a_message_told_under_both_addresses_is_there_once(shop: Shop) -> None:
    first, _ = await _two_halves(shop)
    await hears(shop, message("por LID", wa_id="L1", minute=0))  # again, under the phone
    await _both(shop)
    assert await _thread(shop, first) == ["por LID", "por teléfono", "con los dos", "[joined]"]
    assert (await rows(shop, "conversation"))[0]["unread"] == 3


async def test_the_real_message_stays_and_not_its_placeholder(shop: Shop) -> None:
    lost = message(wa_id="X", phone=None, lid=LID, type=MessageType.UNSUPPORTED, payload={"kind": "undecryptable"})
    await hears(shop, lost)
    await hears(shop, message("¿Tienen en 42?", wa_id="X"))
    await _both(shop)
    (conversation,) = await rows(shop, "conversation")
    assert await _thread(shop, conversation["id"]) == ["¿Tienen en 42?", "con los dos", "[joined]"]


async def test_a_person_who_had_one_half_has_it_all(shop: Shop) -> None:
    first, second = await _two_halves(shop)
    async with unit_of_work(shop.bob):
        await take_over(shop.bob, second)
    before = [row["owner_epoch"] for row in await rows(shop, "conversation")]
    await _both(shop)
    (conversation,) = await rows(shop, "conversation")
    assert (conversation["handler"], conversation["assignee_id"]) == ("human", shop.bob.user_id)
    assert conversation["owner_epoch"] > max(before)
    assert conversation["turn_due_at"] is None
    async with unit_of_work(shop.system):
        assert await claim_turn(shop.system, first) is None


async def test_of_two_people_the_one_who_took_it_last_has_it(shop: Shop) -> None:
    first, second = await _two_halves(shop)
    for person, chat in ((shop.bob, second), (shop.alice, first)):
        async with unit_of_work(person):
            await take_over(person, chat)
    await _both(shop)
    assert (await rows(shop, "conversation"))[0]["assignee_id"] == shop.alice.user_id


async def _bot_on(shop: Shop) -> None:
    async with unit_of_work(shop.alice):
        bot = await session().get_one(Bot, shop.bot.id)
        bot.enabled = True
        (await session().get_one(Channel, shop.channel.id)).bot_id = bot.id


async def test_one_turn_answers_what_both_halves_asked(shop: Shop) -> None:
    await _bot_on(shop)
    first, second = await _two_halves(shop)
    await _both(shop)
    (conversation,) = await rows(shop, "conversation")
    assert conversation["turn_due_at"] is not None
    async with unit_of_work(shop.system):
        await sql("UPDATE conversation SET turn_due_at = now()")
        assert await claim_turn(shop.system, second) is None  # the job of the half that went
        turn = await claim_turn(shop.system, first)
    assert isinstance(turn, Turn)
    assert [line.text for line in turn.lines] == ["por LID", "por teléfono", "con los dos"]


async def test_what_a_person_queued_in_either_half_is_sent_in_the_joined_one(shop: Shop) -> None:
    first, second = await _two_halves(shop)
    async with unit_of_work(shop.bob):
        await send_message(shop.bob, second, text="Hola")
    await _both(shop)
    queued = [row for row in await rows(shop, "message") if row["status"] == "queued"]
    assert [(row["text"], row["conversation_id"]) for row in queued] == [("Hola", first)]


async def test_every_number_has_one_conversation(shop: Shop) -> None:
    async with unit_of_work(shop.alice):
        other = await add_channel(shop.alice, kind="simulator", name="Tienda 2")
    await _two_halves(shop)
    await hears(shop, message("en la otra", wa_id="O1", minute=2), channel=other)
    await _both(shop)
    (contact,) = await rows(shop, "contact")
    conversations = await rows(shop, "conversation")
    assert {row["channel_id"] for row in conversations} == {shop.channel.id, other.id}
    assert [row["contact_id"] for row in conversations] == [contact["id"]] * 2


async def test_acts_and_drafts_of_both_are_kept(shop: Shop) -> None:
    first, second = await _two_halves(shop)
    await acts(shop, act(ActKind.REACTION, "L1", "👍", phone=None, lid=LID, minute=2))
    await acts(shop, act(ActKind.REACTION, "P1", "❤️", minute=3))
    for chat, text in ((first, "uno"), (second, "dos")):
        async with unit_of_work(shop.bob):
            await save_draft(shop.bob, chat, text=text)
    await _both(shop)
    await acts(shop, act(ActKind.REVOKE, "P1", minute=6))
    found = {row["wa_id"]: (row["reactions"], row["text"]) for row in await rows(shop, "message") if row["wa_id"]}
    assert found["L1"] == ([{"author": "customer", "emoji": "👍"}], "por LID")
    assert found["P1"] == ([{"author": "customer", "emoji": "❤️"}], "")
    async with unit_of_work(shop.bob):
        assert await read_draft(shop.bob, first) == "uno\ndos"


async def test_an_act_and_a_message_in_one_go_join_before_they_are_stored(shop: Shop) -> None:
    first, _ = await _two_halves(shop)
    await acts(shop, act(ActKind.EDIT, "P1", "por el teléfono", lid=LID, minute=2))
    assert await _thread(shop, first) == ["por LID", "por el teléfono", "[joined]"]


async def test_what_waited_under_one_address_is_done_to_a_message_of_the_other(shop: Shop) -> None:
    """Whichever contact stays: it had the act, or the message."""
    await hears(shop, message("¿En 42?", wa_id="P1"), message("nada", wa_id="P2", minute=1))
    revoke, edit = (
        act(ActKind.REVOKE, "P2", phone=None, lid=LID),
        act(ActKind.EDIT, "P1", "¿En 43?", phone=None, lid=LID),
    )
    await acts(shop, revoke, edit, act(ActKind.REACTION, "L1", "👍", minute=3))
    await hears(shop, message("por LID", wa_id="L1", phone=None, lid=LID, minute=2, from_me=True))
    async with unit_of_work(shop.system):
        await learn_chat(shop.system, f"{ANA}@s.whatsapp.net", f"{LID}@lid")
    found = {row["wa_id"]: row for row in await rows(shop, "message") if row["wa_id"]}
    assert [found[wa_id]["text"] for wa_id in ("P1", "P2", "L1")] == ["¿En 43?", "", "por LID"]
    assert found["L1"]["reactions"] == [{"author": "customer", "emoji": "👍"}]


async def test_nothing_is_answered_when_all_that_was_asked_is_taken_back_by_the_joining(shop: Shop) -> None:
    await _bot_on(shop)
    await hears(shop, message("¿En 42?", wa_id="P1"))
    await acts(shop, act(ActKind.REVOKE, "P1", phone=None, lid=LID, minute=1))
    async with unit_of_work(shop.system):
        await learn_chat(shop.system, f"{ANA}@s.whatsapp.net", f"{LID}@lid")
    [conversation] = await rows(shop, "conversation")
    assert conversation["last_preview"] == REVOKED
    assert conversation["answered_seq"] == conversation["last_customer_seq"]


async def test_a_send_that_goes_to_a_lid_joins_its_chat(shop: Shop) -> None:
    await hears(shop, message("por LID", wa_id="L1", phone=None, lid=LID))
    async with unit_of_work(shop.bob):
        sent = await send_to_phone(shop.bob, shop.channel.id, to=ANA, text="Hola")
    async with unit_of_work(shop.system):
        await learn_chat(shop.system, f"{ANA}@s.whatsapp.net", f"{LID}@lid")
    (conversation,) = await rows(shop, "conversation")
    assert sent.conversation_id != conversation["id"]
    assert await _thread(shop, conversation["id"]) == ["por LID", "Hola", "[joined]"]


async def test_a_receipt_finds_its_message_after_the_joining(shop: Shop) -> None:
    await hears(shop, message("por LID", wa_id="L1", phone=None, lid=LID))
    await hears(shop, message("desde el teléfono", wa_id="E1", from_me=True, minute=1))
    await _both(shop)
    await receipt(shop, "E1")
    assert next(row for row in await rows(shop, "message") if row["wa_id"] == "E1")["status"] == "read"


# Undo


async def test_an_undo_leaves_both_as_they_were(shop: Shop) -> None:
    first, second = await _two_halves(shop)
    await acts(shop, act(ActKind.REACTION, "P1", "❤️", minute=3))
    tables = ("contact", "contact_identity", "message_act")
    before = {table: _sorted(await rows(shop, table)) for table in tables}
    chats = {row["id"]: row for row in await rows(shop, "conversation")}
    async with unit_of_work(shop.system):
        await learn_chat(shop.system, f"{ANA}@s.whatsapp.net", f"{LID}@lid")
    await _undo(shop)
    assert {table: _sorted(await rows(shop, table)) for table in tables} == before
    same = set(chats[first]) - {"owner_epoch", "turn_due_at", "turn_waiting_since"}
    for row in await rows(shop, "conversation"):
        assert {name: row[name] for name in same} == {name: chats[row["id"]][name] for name in same}
    assert await _thread(shop, first) == ["por LID", "[joined]", "[parted]"]
    assert await _thread(shop, second) == ["por teléfono", "[parted]"]


def _sorted(found: Sequence[dict[str, Any]]) -> list[str]:
    return sorted(str(row) for row in found)


async def test_what_came_since_goes_by_the_address_it_came_under(shop: Shop) -> None:
    first, second = await _two_halves(shop)
    await _both(shop)  # under the LID
    await hears(shop, message("por el teléfono otra vez", wa_id="P2", minute=6))
    await _undo(shop)
    assert await _thread(shop, first) == ["por LID", "con los dos", "[joined]", "[parted]"]
    assert await _thread(shop, second) == ["por teléfono", "por el teléfono otra vez", "[parted]"]
    previews = {row["id"]: row["last_preview"] for row in await rows(shop, "conversation")}
    assert previews == {first: "con los dos", second: "por el teléfono otra vez"}


async def test_a_past_that_came_since_goes_by_its_address_too(shop: Shop) -> None:
    first, second = await _two_halves(shop)
    await _both(shop)
    by_lid = message("antes, por LID", wa_id="OLD2", lid=LID, minute=-8)
    await _hands_over(shop, by_lid, message("antes", wa_id="OLD1", minute=-9))
    await _undo(shop)
    assert await _thread(shop, first) == ["antes, por LID", "por LID", "con los dos", "[joined]", "[parted]"]
    assert await _thread(shop, second) == ["antes", "por teléfono", "[parted]"]


async def _hands_over(shop: Shop, *older: IncomingMessage, channel: Channel | None = None) -> None:
    async with unit_of_work(shop.system):
        await store_older(shop.system, channel or shop.channel, [OlderMessage(told) for told in older])


async def test_whom_a_person_has_parted_are_not_joined_again(shop: Shop) -> None:
    first, second = await _two_halves(shop)
    await _both(shop)
    await _undo(shop)
    await _both(shop, "otra vez los dos", wa_id="B2", minute=7)
    await hears(shop, message("bajo el teléfono", wa_id="B3", minute=8))
    assert len(await rows(shop, "contact")) == 2
    assert (await _thread(shop, first))[-1] != "[joined]"
    assert "otra vez los dos" in await _thread(shop, first)
    assert "bajo el teléfono" in await _thread(shop, second)


async def test_an_act_on_those_who_were_parted_finds_its_message_by_its_chat(shop: Shop) -> None:
    first, second = await _two_halves(shop)
    await _both(shop)
    await _undo(shop)
    chat = f"{ANA}@s.whatsapp.net"
    await hears(shop, message("¿En 42?", wa_id="P2", lid=LID, minute=7, chat=chat))
    await acts(shop, act(ActKind.EDIT, "P2", "¿En 43?", lid=LID, minute=8, chat=chat))
    await acts(shop, act(ActKind.EDIT, "B1", "los dos", lid=LID, minute=9))
    assert "¿En 43?" in await _thread(shop, second)
    assert "los dos" in await _thread(shop, first)


async def test_twice_undone_is_once(shop: Shop) -> None:
    await _two_halves(shop)
    await _both(shop)
    await _undo(shop)
    before = await rows(shop, "message")
    await _undo(shop)
    assert await rows(shop, "message") == before
    assert (await rows(shop, "contact_merge"))[0]["undone_by"] == shop.bob.user_id


async def test_a_double_comes_back_where_it_was(shop: Shop) -> None:
    first, second = await _two_halves(shop)
    await hears(shop, message("por LID", wa_id="L1", minute=0))
    await _both(shop)
    await _undo(shop)
    assert "por LID" in await _thread(shop, first)
    assert await _thread(shop, second) == ["por LID", "por teléfono", "[parted]"]


async def test_who_has_taken_it_since_has_both(shop: Shop) -> None:
    first, _ = await _two_halves(shop)
    await _both(shop)
    async with unit_of_work(shop.bob):
        await take_over(shop.bob, first)
    await _undo(shop)
    assert [row["handler"] for row in await rows(shop, "conversation")] == ["human", "human"]


async def test_an_owner_of_one_half_has_that_half_again(shop: Shop) -> None:
    first, second = await _two_halves(shop)
    async with unit_of_work(shop.bob):
        await take_over(shop.bob, second)
    await _both(shop)
    await _undo(shop)
    owners = {row["id"]: (row["handler"], row["assignee_id"]) for row in await rows(shop, "conversation")}
    assert owners == {first: ("bot", None), second: ("human", shop.bob.user_id)}
    async with unit_of_work(shop.system):
        assert await claim_turn(shop.system, first) is None, (
            "what came while a person had it is not the bot's to answer"
        )


async def test_the_first_conversation_on_a_number_is_given_back(shop: Shop) -> None:
    """Only the phone had a chat on the other number; what the LID wrote there since is a chat of its own."""
    async with unit_of_work(shop.alice):
        other = await add_channel(shop.alice, kind="simulator", name="Tienda 2")
    await hears(shop, message("por LID", wa_id="L1", phone=None, lid=LID))
    await hears(shop, message("en la otra", wa_id="O1", minute=2, name=""), channel=other)
    await hears(shop, message("con los dos", wa_id="O2", lid=LID, minute=3), channel=other)
    await _undo(shop)
    there = [row for row in await rows(shop, "conversation") if row["channel_id"] == other.id]
    threads = {(row["chat_jid"], *await _thread(shop, row["id"])) for row in there}
    assert threads == {
        (f"{ANA}@s.whatsapp.net", "en la otra", "[joined]", "[parted]"),
        (f"{LID}@lid", "con los dos", "[parted]"),
    }
    assert len({row["contact_id"] for row in there}) == 2


async def test_a_past_alone_is_a_chat_of_its_own_and_asks_nothing(shop: Shop) -> None:
    async with unit_of_work(shop.alice):
        other = await add_channel(shop.alice, kind="simulator", name="Tienda 2")
    await hears(shop, message("por LID", wa_id="L1", phone=None, lid=LID))
    await hears(shop, message("en la otra", wa_id="O1", minute=2, name=""), channel=other)
    await _both(shop)
    await _hands_over(shop, message("antes", wa_id="OLD1", lid=LID, minute=-9), channel=other)
    await _undo(shop)
    there = {row["chat_jid"]: row for row in await rows(shop, "conversation") if row["channel_id"] == other.id}
    past = there[f"{LID}@lid"]
    assert await _thread(shop, past["id"]) == ["antes", "[parted]"]
    assert (past["last_customer_seq"], past["answered_seq"], past["last_preview"]) == (0, 0, "antes")
    assert await _thread(shop, there[f"{ANA}@s.whatsapp.net"]["id"]) == ["en la otra", "[joined]", "[parted]"]


async def test_after_a_month_it_stays(shop: Shop) -> None:
    await _two_halves(shop)
    await _both(shop)
    async with unit_of_work(shop.system):
        await sql("UPDATE contact_merge SET created_at = created_at - :month", month=timedelta(days=31))
    with pytest.raises(JoinedTooLongAgo):
        await _undo(shop)


async def test_who_was_joined_again_is_undone_from_the_last(shop: Shop) -> None:
    """A lost to C: the joining of A and B cannot be undone before that one."""
    third = "999999999999999"
    await hears(shop, message("la primera", wa_id="C1", phone=None, lid=third))
    first, second = await _two_halves(shop)
    await _both(shop)
    joined = await _merge_id(shop)
    async with unit_of_work(shop.system):
        await learn_chat(shop.system, f"{ANA}@s.whatsapp.net", f"{third}@lid")
    async with unit_of_work(shop.bob):
        with pytest.raises(JoinedAgain):
            await undo_merge(shop.bob, joined)
    await _undo(shop)
    async with unit_of_work(shop.bob):
        await undo_merge(shop.bob, joined)
    assert {row["id"] for row in await rows(shop, "conversation")} >= {first, second}
    assert len(await rows(shop, "contact")) == 3
    assert "por teléfono" in await _thread(shop, second)


REFERRING = {
    ("contact_identity", "contact"),
    ("conversation", "contact"),
    ("message_act", "contact"),
    ("message", "conversation"),
    ("agent_turn", "conversation"),
    ("draft", "conversation"),
    ("outgoing_act", "conversation"),
}


async def test_no_table_refers_to_what_is_joined_without_being_joined(shop: Shop) -> None:
    """Deleting a contact or a conversation takes with it what refers to it: merge.py, merge_chats.py and part_chats.py must move
    every table first. Whoever adds one teaches them, and adds it here."""
    async with unit_of_work(shop.system):
        found = await sql(
            """
            SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
            WHERE contype = 'f' AND confrelid IN ('contact'::regclass, 'conversation'::regclass)
            """
        )
    assert {tuple(row) for row in found.all()} == REFERRING
