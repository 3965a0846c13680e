"""What was done to messages of earlier chats: before they were stored, by the phone's own account, and since."""

from saasbot.domain.history.store import OlderMessage, store_older
from saasbot.domain.inbox.search import find
from saasbot.infra.db import unit_of_work
from saasbot.models import ActKind, MessageStatus
from tests.fixtures.shops import Shop
from tests.inbox.heard import act, acts, hears, message, receipt, rows

LIKED = [{"author": "customer", "emoji": "👍"}]


async def hands_over(shop: Shop, *older: OlderMessage) -> None:
    async with unit_of_work(shop.system):
        await store_older(shop.system, shop.channel, older)


async def test_what_was_deleted_meanwhile_is_stored_as_deleted(shop: Shop) -> None:
    await acts(shop, act(ActKind.REVOKE, "OLD1", minute=31))
    await hands_over(shop, OlderMessage(message("mi clave es 1234", wa_id="OLD1")))
    [stored] = await rows(shop, "message")
    assert (stored["text"], stored["earlier_text"]) == ("", "mi clave es 1234")
    assert stored["revoked_at"] is not None
    [chat] = await rows(shop, "conversation")
    assert "1234" not in chat["last_preview"]
    async with unit_of_work(shop.bob):
        assert await find(shop.bob, "clave") == {}


async def test_what_was_edited_and_read_meanwhile_is_stored_so_and_asks_nobody(shop: Shop) -> None:
    await acts(shop, act(ActKind.EDIT, "OLD1", "¿En 43?", minute=31), act(ActKind.REACTION, "OLD2", "❤️", minute=32))
    await receipt(shop, "OLD2")
    ours = OlderMessage(message("Queda uno", wa_id="OLD2", from_me=True, minute=1), MessageStatus.DELIVERED)
    await hands_over(shop, ours, OlderMessage(message("¿En 42?", wa_id="OLD1")))
    stored = {row["wa_id"]: row for row in await rows(shop, "message")}
    assert (stored["OLD1"]["text"], stored["OLD1"]["earlier_text"]) == ("¿En 43?", "¿En 42?")
    assert (stored["OLD2"]["status"], stored["OLD2"]["reactions"]) == ("read", [{"author": "customer", "emoji": "❤️"}])
    [chat] = await rows(shop, "conversation")
    assert (chat["last_preview"], chat["last_status"]) == ("Queda uno", "read")
    assert (chat["last_customer_seq"], chat["turn_due_at"], chat["status"]) == (0, None, "resolved")


async def test_what_was_edited_before_is_stored_so(shop: Shop) -> None:
    first = OlderMessage(message("¿En 42?", wa_id="OLD1"), edit=act(ActKind.EDIT, "OLD1", "¿En 43?", minute=1))
    await hands_over(shop, first, OlderMessage(message("¿Y en negro?", wa_id="OLD2", minute=-1), is_edited=True))
    stored = {row["wa_id"]: row for row in await rows(shop, "message")}
    assert (stored["OLD1"]["text"], stored["OLD1"]["earlier_text"]) == ("¿En 43?", "¿En 42?")
    assert (stored["OLD2"]["text"], stored["OLD2"]["earlier_text"]) == ("¿Y en negro?", None)
    assert stored["OLD1"]["edited_at"] is not None and stored["OLD2"]["edited_at"] is not None
    [chat] = await rows(shop, "conversation")
    assert chat["last_preview"] == "¿En 43?"


async def test_a_reaction_of_the_past_stays_beside_one_of_ours(shop: Shop) -> None:
    await hands_over(shop, OlderMessage(message("Hola", wa_id="OLD1"), reactions=LIKED))
    [stored] = await rows(shop, "message")
    assert stored["reactions"] == LIKED
    await acts(shop, act(ActKind.REACTION, "OLD1", "❤️", minute=40, from_me=True))
    [stored] = await rows(shop, "message")
    assert {(r["author"], r["emoji"]) for r in stored["reactions"]} == {("customer", "👍"), ("phone", "❤️")}


async def test_a_reaction_that_was_taken_back_meanwhile_is_not_shown_again(shop: Shop) -> None:
    await acts(shop, act(ActKind.REACTION, "OLD1", "", minute=31))
    await hands_over(shop, OlderMessage(message("Hola", wa_id="OLD1"), reactions=LIKED))
    [stored] = await rows(shop, "message")
    assert stored["reactions"] == []


async def test_what_is_here_already_keeps_what_was_done_to_it(shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="LIVE"))
    await acts(shop, act(ActKind.REACTION, "LIVE", "😮", minute=1))
    await hands_over(shop, OlderMessage(message("Hola", wa_id="LIVE"), reactions=LIKED))
    [stored] = await rows(shop, "message")
    assert stored["reactions"] == [{"author": "customer", "emoji": "😮"}]
