"""What a number hears becomes contacts, conversations and messages: once, in order, for one person."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from saasbot.domain.agent.claim import claim_turn
from saasbot.domain.agent.commit import commit_turn
from saasbot.domain.agent.turn import Answer, Turn, TurnRecord
from saasbot.domain.channels.outbox import is_overtaken
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.identities import Address, resolve_contacts
from saasbot.domain.inbox.incoming import NOTHING, IncomingMedia, IncomingMessage, storable
from saasbot.domain.inbox.nothing import without_nothings
from saasbot.domain.inbox.outbound import add_outbound
from saasbot.domain.inbox.ownership import hand_off
from saasbot.infra.db import sql, unit_of_work
from saasbot.models import Author, MessageStatus, MessageType, TurnOutcome
from tests.fixtures.shops import Shop
from tests.inbox.heard import ANA, BETO, hears, listening, message, receipt, rows


async def test_a_message_makes_a_contact_a_conversation_and_a_message(shop: Shop) -> None:
    assert await hears(shop, message("Hola", wa_id="A")) == 1
    (contact,) = await rows(shop, "contact")
    (conversation,) = await rows(shop, "conversation")
    (stored,) = await rows(shop, "message")
    assert contact["name"] == "Ana Pérez"
    assert (conversation["unread"], conversation["last_preview"], conversation["handler"]) == (1, "Hola", "bot")
    assert (stored["text"], stored["author"], stored["direction"]) == ("Hola", "customer", "inbound")
    assert conversation["last_message_id"] == stored["id"]


async def test_the_same_event_twice_is_stored_once(shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A"), message("Hola", wa_id="A"))
    assert await hears(shop, message("Hola", wa_id="A")) == 0
    assert len(await rows(shop, "message")) == 1
    assert (await rows(shop, "conversation"))[0]["unread"] == 1


async def test_a_phone_and_a_lid_of_one_message_are_one_person(shop: Shop) -> None:
    await hears(shop, message("con LID", wa_id="A", phone=None, lid="123456789012345"))
    await hears(shop, message("con los dos", wa_id="B", lid="123456789012345", minute=1))
    await hears(shop, message("con el teléfono", wa_id="C", minute=2))
    assert len(await rows(shop, "contact")) == 1
    assert len(await rows(shop, "conversation")) == 1
    identities = {(row["kind"], row["value"]) for row in await rows(shop, "contact_identity")}
    assert identities == {("lid", "123456789012345"), ("phone", ANA)}


async def test_a_person_written_to_while_they_write_is_one_person(shop: Shop) -> None:
    """The team writes to a phone at the instant in which its owner's first message, which names a LID as well, is stored."""
    lid, both = "123456789012345", Address(ANA, "123456789012345")
    created, finish = asyncio.Event(), asyncio.Event()

    async def team_writes() -> UUID:
        async with unit_of_work(shop.alice):
            found = await resolve_contacts(shop.alice, [Address(ANA, None)])
            created.set()
            await finish.wait()
        return found[Address(ANA, None)]

    async def customer_writes() -> UUID:
        await created.wait()
        async with unit_of_work(shop.system):
            return (await resolve_contacts(shop.system, [both]))[both]

    team, customer = asyncio.create_task(team_writes()), asyncio.create_task(customer_writes())
    await created.wait()
    while not await _somebody_waits_for_a_lock(shop):
        await asyncio.sleep(0.01)
    finish.set()
    assert await customer == await team
    assert {(row["kind"], row["value"]) for row in await rows(shop, "contact_identity")} == {
        ("lid", lid),
        ("phone", ANA),
    }
    assert len(await rows(shop, "contact")) == 1


async def _somebody_waits_for_a_lock(shop: Shop) -> bool:
    async with unit_of_work(shop.system):
        return (await sql("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")).scalar_one()


async def test_two_people_are_two_conversations(shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A"), message("Buenas", wa_id="A", phone=BETO, name="Beto"))
    assert {row["last_preview"] for row in await rows(shop, "conversation")} == {"Hola", "Buenas"}
    assert len(await rows(shop, "message")) == 2


async def test_each_message_counts_as_unread_and_the_newest_is_the_preview(shop: Shop) -> None:
    await hears(shop, message("uno", wa_id="A"), message("dos", wa_id="B", minute=1))
    (conversation,) = await rows(shop, "conversation")
    assert (conversation["unread"], conversation["last_preview"]) == (2, "dos")


async def test_a_message_that_comes_late_is_not_the_preview(shop: Shop) -> None:
    await hears(shop, message("segundo", wa_id="B", minute=5))
    await hears(shop, message("primero", wa_id="A", minute=1))
    (conversation,) = await rows(shop, "conversation")
    assert (conversation["unread"], conversation["last_preview"]) == (2, "segundo")


async def test_a_reply_on_the_phone_itself_takes_over(shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A"))
    before = (await rows(shop, "conversation"))[0]
    await hears(shop, message("Hola, soy Alice", wa_id="B", minute=1, from_me=True, name="Tienda"))
    (after,) = await rows(shop, "conversation")
    assert (after["handler"], after["status"], after["unread"]) == ("human", "open", 0)
    assert after["owner_epoch"] == before["owner_epoch"] + 1
    echo = (await rows(shop, "message"))[-1]
    assert (echo["author"], echo["status"], echo["direction"]) == ("phone", "sent", "outbound")
    assert (await rows(shop, "contact"))[0]["name"] == "Ana Pérez"


async def test_a_reply_on_the_phone_overtakes_the_sentence_of_the_bot_that_passed_the_chat_on(shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A"))
    (found,) = await rows(shop, "conversation")
    async with unit_of_work(shop.system):
        conversation = await access_conversation(shop.system, found["id"], lock=True)
        await hand_off(shop.system, conversation, reason="asked")
        waiting = await add_outbound(conversation, author=Author.BOT, text="Te atiende una persona")
    await hears(shop, message("Hola, soy Alice", wa_id="B", minute=1, from_me=True, name="Tienda"))
    async with unit_of_work(shop.system):
        assert await is_overtaken(shop.system, waiting.id)
        assert (await access_conversation(shop.system, conversation.id)).handler == "human"


async def test_a_customer_who_writes_again_reopens_what_was_resolved(shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A"))
    async with unit_of_work(shop.system):
        await sql("UPDATE conversation SET status = 'resolved'")
    await hears(shop, message("Otra cosa", wa_id="B", minute=1))
    assert (await rows(shop, "conversation"))[0]["status"] == "pending"


async def test_media_waits_for_its_download(shop: Shop) -> None:
    voice = IncomingMedia(mime="audio/ogg", size=2_000, seconds=14, voice=True)
    await hears(shop, message(wa_id="A", type=MessageType.AUDIO, media=voice))
    (media,) = await rows(shop, "media")
    assert (media["status"], media["seconds"], media["voice"]) == ("pending", 14, True)
    assert (await rows(shop, "message"))[0]["media_id"] == media["id"]


async def test_an_unknown_kind_is_kept_with_its_name(shop: Shop) -> None:
    await hears(shop, message(wa_id="A", type=MessageType.UNSUPPORTED, payload={"kind": "poll"}))
    (stored,) = await rows(shop, "message")
    assert (stored["type"], stored["payload"]) == ("unsupported", {"kind": "poll"})


async def test_a_missed_call_is_a_new_line_that_asks_for_nothing(shop: Shop) -> None:
    call = message(wa_id="CALL", type=MessageType.ACTIVITY, payload={"kind": "missed_call"}, minute=1)
    assert await hears(shop, message("Hola", wa_id="A"), call) == 2
    assert await hears(shop, call) == 0
    assert [row["type"] for row in await rows(shop, "message")] == ["text", "activity"]
    (conversation,) = await rows(shop, "conversation")
    assert (conversation["unread"], conversation["last_preview"], conversation["last_type"]) == (2, "📞", "activity")
    assert conversation["last_customer_seq"] == (await rows(shop, "message"))[0]["seq"]


async def test_a_missed_call_of_somebody_unknown_makes_their_conversation(shop: Shop) -> None:
    await hears(shop, message(wa_id="CALL", type=MessageType.ACTIVITY, payload={"kind": "missed_call"}))
    (conversation,) = await rows(shop, "conversation")
    assert (conversation["unread"], conversation["last_preview"]) == (1, "📞")


def call(kind: str, *, minute: float) -> IncomingMessage:
    payload = {"kind": kind} | ({"video": True} if kind == "missed_call" else {})
    return message(wa_id="CALL", type=MessageType.ACTIVITY, payload=payload, minute=minute)


async def test_a_call_that_was_taken_on_the_phone_is_neither_missed_nor_new(shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A"), call("missed_call", minute=1))
    assert await hears(shop, call("call", minute=1.2)) == 1
    assert await hears(shop, call("call", minute=1.2)) == await hears(shop, call("missed_call", minute=1)) == 0
    (_, line) = await rows(shop, "message")
    assert (line["type"], line["payload"]) == ("activity", {"kind": "call", "video": True})
    (conversation,) = await rows(shop, "conversation")
    assert (conversation["unread"], conversation["last_preview"]) == (1, "☎")


async def test_a_call_that_was_taken_leaves_what_came_after_it_unread(shop: Shop) -> None:
    await hears(shop, call("missed_call", minute=1))
    async with unit_of_work(shop.system):
        await sql("UPDATE conversation SET unread = 0")
    await hears(shop, message("¿Hola?", wa_id="A", minute=1.1))
    await hears(shop, call("call", minute=1.2))
    (conversation,) = await rows(shop, "conversation")
    assert (conversation["unread"], conversation["last_preview"]) == (1, "¿Hola?")


async def test_a_call_that_is_told_with_its_end_is_never_new(shop: Shop) -> None:
    await hears(shop, call("missed_call", minute=1), call("call", minute=1.2))
    assert [line["payload"]["kind"] for line in await rows(shop, "message")] == ["call"]
    assert (await rows(shop, "conversation"))[0]["unread"] == 0


async def test_a_vote_is_a_line_that_is_neither_new_nor_on_top(shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A"))
    before = (await rows(shop, "conversation"))[0]
    await hears(shop, message(wa_id="V", type=MessageType.ACTIVITY, payload={"kind": "poll_vote"}, minute=1))
    assert (await rows(shop, "conversation"))[0] == before
    assert (await rows(shop, "message"))[-1]["payload"] == {"kind": "poll_vote"}


async def test_a_call_taken_on_the_phone_does_not_take_the_chat_over(shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A"))
    call = message(wa_id="C", type=MessageType.ACTIVITY, payload={"kind": "call"}, minute=1, from_me=True)
    before = (await rows(shop, "conversation"))[0]
    await hears(shop, call)
    assert (await rows(shop, "conversation"))[0] == before


@pytest.mark.parametrize(
    ("type", "payload", "preview"),
    [
        (MessageType.VIDEO, {}, "🎥"),
        (MessageType.STICKER, {}, "💟"),
        (MessageType.TEXT, {"kind": "poll"}, "📊 ¿Cuál?"),
        (MessageType.TEXT, {"kind": "list_response"}, "¿Cuál?"),
    ],
)
async def test_the_list_marks_what_is_not_plain_text(
    shop: Shop, type: MessageType, payload: dict[str, str], preview: str
) -> None:
    text = "¿Cuál?" if type == MessageType.TEXT else ""
    await hears(shop, message(text, wa_id="A", type=type, payload=payload))
    assert (await rows(shop, "conversation"))[0]["last_preview"] == preview


def placeholder(*, wa_id: str, unavailable: bool = False) -> IncomingMessage:
    payload = {"kind": "undecryptable"} | ({"unavailable": True} if unavailable else {})
    return message(wa_id=wa_id, type=MessageType.UNSUPPORTED, payload=payload)


async def test_what_could_not_be_decrypted_gives_way_to_the_real_message(shop: Shop) -> None:
    await hears(shop, message(wa_id="A", type=MessageType.UNSUPPORTED, payload={"kind": "undecryptable"}))
    await hears(shop, message("¿Tienen en 42?", wa_id="A"))
    (stored,) = await rows(shop, "message")
    assert (stored["type"], stored["text"]) == ("text", "¿Tienen en 42?")
    assert (await rows(shop, "conversation"))[0]["last_message_id"] == stored["id"]


async def test_a_message_in_one_go_with_its_placeholder_is_the_one_that_is_kept(shop: Shop) -> None:
    picture = IncomingMedia(mime="image/jpeg", size=9)
    real = message("¿Tienen este?", wa_id="A", type=MessageType.IMAGE, media=picture)
    assert await hears(shop, placeholder(wa_id="A"), message("Hola", wa_id="B"), real, placeholder(wa_id="A")) == 2
    assert [row["text"] for row in await rows(shop, "message")] == ["Hola", "¿Tienen este?"]
    assert len(await rows(shop, "media")) == 1
    (conversation,) = await rows(shop, "conversation")
    assert (conversation["unread"], conversation["last_preview"]) == (2, "📷 ¿Tienen este?")


async def test_a_placeholder_asks_the_bot_for_nothing_and_its_message_does(shop: Shop) -> None:
    await hears(shop, placeholder(wa_id="A"))
    (waits,) = await rows(shop, "conversation")
    assert (waits["unread"], waits["status"], waits["turn_due_at"]) == (1, "open", None)
    await hears(shop, message("¿Tienen en 42?", wa_id="A"))
    (asked,) = await rows(shop, "conversation")
    assert (asked["unread"], asked["status"]) == (1, "pending")
    assert asked["turn_due_at"] is not None
    assert asked["last_customer_seq"] > asked["answered_seq"]


async def test_a_placeholder_of_what_was_no_message_becomes_a_line_that_asks_nobody(shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A"))
    album = [message(wa_id=wa_id, type=MessageType.ACTIVITY, payload={"kind": NOTHING}) for wa_id in ("B", "C")]

    async def kept() -> list[str]:
        async with unit_of_work(shop.system):
            return [
                found.wa_id for found in await without_nothings(shop.channel, [*album, message("¡Hola!", wa_id="D")])
            ]

    assert await kept() == ["D"], "nothing stands for it"
    async with unit_of_work(shop.system):
        await sql("UPDATE conversation SET turn_due_at = NULL, unread = 0")
    await hears(shop, placeholder(wa_id="B"))
    assert await kept() == ["B", "D"]
    await hears(shop, placeholder(wa_id="C"))
    assert (await rows(shop, "conversation"))[0]["unread"] == 2
    await hears(shop, *album)
    first, *lines = await rows(shop, "message")
    assert [(line["type"], line["payload"]) for line in lines] == [("activity", {"kind": NOTHING})] * 2
    (conversation,) = await rows(shop, "conversation")
    assert (conversation["unread"], conversation["turn_due_at"]) == (0, None)
    assert (conversation["last_message_id"], conversation["last_preview"]) == (first["id"], "Hola")


async def test_a_placeholder_in_one_go_with_what_was_no_message_leaves_no_line(shop: Shop) -> None:
    album = message(wa_id="B", type=MessageType.ACTIVITY, payload={"kind": NOTHING})
    async with unit_of_work(shop.system):
        kept = await without_nothings(shop.channel, [placeholder(wa_id="B"), album, placeholder(wa_id="C")])
    assert [found.wa_id for found in kept] == ["C"]


async def test_a_message_overtakes_the_turn_that_saw_its_placeholder(shop: Shop) -> None:
    conversation_id = await shop.hears("Hola", phone=ANA)
    await hears(shop, placeholder(wa_id="A"))
    async with unit_of_work(shop.system):
        await sql("UPDATE conversation SET turn_due_at = now()")
        turn = await claim_turn(shop.system, conversation_id)
    assert isinstance(turn, Turn)
    await hears(shop, message("¿Tienen en 42?", wa_id="A"))
    async with unit_of_work(shop.system):
        outcome = await commit_turn(shop.system, turn, Answer("¡Hola!"), TurnRecord())
    assert outcome == TurnOutcome.SUPERSEDED


async def test_a_message_that_was_sent_to_the_phone_alone_is_answered_as_what_cannot_be_shown(shop: Shop) -> None:
    await hears(shop, placeholder(wa_id="A", unavailable=True))
    assert (await rows(shop, "conversation"))[0]["turn_due_at"] is not None


async def test_a_message_whose_placeholder_was_read_is_new(shop: Shop) -> None:
    await hears(shop, placeholder(wa_id="A"))
    async with unit_of_work(shop.system):
        await sql("UPDATE conversation SET unread = 0")
    await hears(shop, message("¿Tienen en 42?", wa_id="A"))
    assert (await rows(shop, "conversation"))[0]["unread"] == 1


async def test_an_own_message_that_comes_late_takes_over_once(shop: Shop) -> None:
    await hears(shop, replace(placeholder(wa_id="A"), from_me=True))
    async with unit_of_work(shop.system):
        await sql("UPDATE conversation SET handler = 'bot', unread = 2")
    await hears(shop, message("Ya te lo mando", wa_id="A", from_me=True))
    (conversation,) = await rows(shop, "conversation")
    assert (conversation["handler"], conversation["unread"]) == ("bot", 2)


async def test_a_clock_that_runs_ahead_does_not_pin_a_chat_to_the_top(shop: Shop) -> None:
    far_ahead = 60 * 24 * 365 * 40
    await hears(shop, message("del futuro", wa_id="A", minute=far_ahead))
    (conversation,) = await rows(shop, "conversation")
    (stored,) = await rows(shop, "message")
    assert conversation["last_activity_at"] < stored["wa_timestamp"]


async def test_nul_characters_do_not_stop_a_number(shop: Shop) -> None:
    paper = IncomingMedia(mime="application/\x00pdf", size=10, file_name="lis\x00ta.pdf")
    card = {"name": "Be\x00to", "vcard": "BEGIN\x00"}
    said = [
        message("Ho\x00la", wa_id="A", name="A\x00na", quoted="\x00Z"),
        message(wa_id="B", type=MessageType.DOCUMENT, media=paper, minute=1, name="A\x00na"),
        message(wa_id="C", type=MessageType.CONTACT, payload=card, minute=2, name="Ana"),
    ]
    await hears(shop, *map(storable, said))
    first, _, third = await rows(shop, "message")
    assert (first["text"], first["quoted_wa_id"], third["payload"]["name"]) == ("Hola", "Z", "Beto")
    (media,) = await rows(shop, "media")
    assert (media["file_name"], media["mime"]) == ("lista.pdf", "application/pdf")
    assert (await rows(shop, "contact"))[0]["name"] == "Ana"


async def test_every_conversation_that_changed_is_told_once(shop: Shop) -> None:
    async with listening() as heard:
        await hears(shop, message("uno", wa_id="A"), message("dos", wa_id="B"), message("x", wa_id="C", phone=BETO))
    told = [event["conversation_id"] for event in heard.events if event["k"] == "conversation"]
    assert sorted(told) == sorted(str(row["id"]) for row in await rows(shop, "conversation"))
    assert {event["c"] for event in heard.events} == {str(shop.company.id)}


async def test_the_same_person_at_another_company_is_another_contact(shop: Shop, other_shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A"))
    await hears(other_shop, message("Hola", wa_id="A"))
    ours, theirs = await rows(shop, "contact"), await rows(other_shop, "contact")
    assert len(ours) == len(theirs) == 1
    assert ours[0]["id"] != theirs[0]["id"]


async def test_a_read_receipt_moves_our_message_to_read(shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A"), message("Hola, soy Alice", wa_id="B", minute=1, from_me=True))
    await receipt(shop, "B", kind=MessageStatus.DELIVERED)
    assert (await rows(shop, "message"))[-1]["status"] == "delivered"
    await receipt(shop, "B")
    assert (await rows(shop, "message"))[-1]["status"] == "read"
    assert (await rows(shop, "conversation"))[0]["last_status"] == "read"


async def test_a_status_never_goes_back(shop: Shop) -> None:
    await hears(shop, message("Hola, soy Alice", wa_id="B", from_me=True))
    await receipt(shop, "B")
    await receipt(shop, "B", kind=MessageStatus.DELIVERED)
    assert (await rows(shop, "message"))[0]["status"] == "read"


async def test_a_receipt_that_comes_before_its_message_waits_for_it(shop: Shop) -> None:
    await receipt(shop, "B")
    await hears(shop, message("Hola, soy Alice", wa_id="B", from_me=True))
    assert (await rows(shop, "message"))[0]["status"] == "read"


async def test_a_receipt_is_told_once(shop: Shop) -> None:
    await hears(shop, message("Hola, soy Alice", wa_id="B", from_me=True))
    (conversation,) = await rows(shop, "conversation")
    async with listening() as heard:
        await receipt(shop, "B")
        await receipt(shop, "B")
    assert heard.of(conversation["id"]) == 1


async def test_a_receipt_of_another_company_changes_nothing(shop: Shop, other_shop: Shop) -> None:
    await hears(shop, message("Hola, soy Alice", wa_id="B", from_me=True))
    await receipt(other_shop, "B")
    assert (await rows(shop, "message"))[0]["status"] == "sent"
