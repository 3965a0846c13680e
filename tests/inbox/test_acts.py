"""Reactions, edits and deletions: shown on their message, in whatever order they come."""

from itertools import permutations

import pytest

from saasbot.domain.channels.lease import acquire_lease
from saasbot.domain.channels.outbox import claim_outbox
from saasbot.domain.channels.outbox_marks import mark_sent
from saasbot.domain.inbox.incoming import IncomingMedia, storable
from saasbot.domain.inbox.send import send_message
from saasbot.infra.db import sql, unit_of_work
from saasbot.models import ActKind, MessageType
from saasbot.models.table import utcnow
from tests.fixtures.shops import Shop
from tests.inbox.heard import BETO, act, acts, hears, listening, message, rows

REACTION, EDIT, REVOKE = ActKind.REACTION, ActKind.EDIT, ActKind.REVOKE


async def the_message(shop: Shop) -> dict:
    (stored,) = await rows(shop, "message")
    return stored


async def the_conversation(shop: Shop) -> dict:
    (conversation,) = await rows(shop, "conversation")
    return conversation


async def turns_waiting(shop: Shop) -> int:
    async with unit_of_work(shop.system):
        return (await sql("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'agent.turn'")).scalar_one()


async def test_a_reaction_is_shown_on_its_message_and_changes_nothing_else(shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A"))
    before, jobs = await the_conversation(shop), await turns_waiting(shop)
    await acts(shop, act(REACTION, "A", "👍", minute=1))
    assert (await the_message(shop))["reactions"] == [{"author": "customer", "emoji": "👍"}]
    assert await the_conversation(shop) == before
    assert await turns_waiting(shop) == jobs


async def test_a_later_reaction_replaces_the_one_before_and_an_empty_one_removes_it(shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A"))
    await acts(shop, act(REACTION, "A", "👍"), act(REACTION, "A", "❤️", minute=1))
    assert (await the_message(shop))["reactions"] == [{"author": "customer", "emoji": "❤️"}]
    await acts(shop, act(REACTION, "A", "", minute=2))
    assert (await the_message(shop))["reactions"] == []
    await acts(shop, act(REACTION, "A", "👍"))  # the first one, once more
    assert (await the_message(shop))["reactions"] == []


async def test_each_side_of_a_chat_has_its_own_reaction(shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A"))
    await acts(shop, act(REACTION, "A", "👍"), act(REACTION, "A", "🙏", from_me=True))
    found = {reaction["author"]: reaction["emoji"] for reaction in (await the_message(shop))["reactions"]}
    assert found == {"customer": "👍", "phone": "🙏"}


async def test_a_reaction_on_the_phone_does_not_take_over(shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A"))
    before = await the_conversation(shop)
    await acts(shop, act(REACTION, "A", "👍", from_me=True))
    assert await the_conversation(shop) == before


async def test_an_edited_message_says_its_new_words_and_keeps_its_first(shop: Shop) -> None:
    await hears(shop, message("¿Tienen 41?", wa_id="A"))
    await acts(shop, act(EDIT, "A", "¿Tienen 42?", minute=1))
    await acts(shop, act(EDIT, "A", "¿Tienen 43?", minute=2))
    stored = await the_message(shop)
    assert (stored["text"], stored["earlier_text"]) == ("¿Tienen 43?", "¿Tienen 41?")
    conversation = await the_conversation(shop)
    assert (conversation["last_preview"], conversation["unread"]) == ("¿Tienen 43?", 1)


async def test_an_edit_of_an_older_message_is_not_the_preview(shop: Shop) -> None:
    await hears(shop, message("uno", wa_id="A"), message("dos", wa_id="B", minute=1))
    await acts(shop, act(EDIT, "A", "uno y medio", minute=2))
    assert (await the_conversation(shop))["last_preview"] == "dos"


async def test_an_older_edit_never_overwrites_a_newer_one(shop: Shop) -> None:
    await hears(shop, message("uno", wa_id="A"))
    await acts(shop, act(EDIT, "A", "tres", minute=3))
    await acts(shop, act(EDIT, "A", "dos", minute=2))
    assert (await the_message(shop))["text"] == "tres"


async def test_the_order_of_one_delivery_does_not_matter(shop: Shop) -> None:
    edits = [act(EDIT, "A", "dos", minute=2), act(EDIT, "A", "tres", minute=3), act(REACTION, "A", "👍", minute=4)]
    for number, order in enumerate(permutations(edits)):
        await acts(shop, *order)
        if number == 0:
            await hears(shop, message("uno", wa_id="A"))
        stored = await the_message(shop)
        assert (stored["text"], stored["earlier_text"]) == ("tres", "uno")
        assert [reaction["emoji"] for reaction in stored["reactions"]] == ["👍"]


async def test_an_edited_caption_keeps_its_picture(shop: Shop) -> None:
    photo = IncomingMedia(mime="image/jpeg", size=10)
    await hears(shop, message("rojas", wa_id="A", type=MessageType.IMAGE, media=photo))
    await acts(shop, act(EDIT, "A", "azules", minute=1))
    stored = await the_message(shop)
    assert (stored["type"], stored["text"], stored["media_id"] is None) == ("image", "azules", False)
    assert (await the_conversation(shop))["last_preview"] == "📷 azules"


async def test_a_deleted_message_is_empty_but_for_the_team(shop: Shop) -> None:
    await hears(shop, message("mi clave es 1234", wa_id="A"))
    await acts(shop, act(REVOKE, "A", minute=1))
    stored = await the_message(shop)
    assert (stored["text"], stored["earlier_text"]) == ("", "mi clave es 1234")
    assert stored["revoked_at"] is not None
    assert (await the_conversation(shop))["last_preview"] == "🚫"


async def test_a_deleted_message_stays_deleted_whatever_comes_after(shop: Shop) -> None:
    await hears(shop, message("uno", wa_id="A"))
    await acts(shop, act(REVOKE, "A", minute=2))
    await acts(shop, act(EDIT, "A", "dos", minute=1))
    await acts(shop, act(REVOKE, "A", minute=3))
    stored = await the_message(shop)
    assert (stored["text"], stored["earlier_text"]) == ("", "uno")


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [(REACTION, "👍", "uno"), (EDIT, "dos", "dos"), (REVOKE, "", "")],
)
async def test_what_comes_before_its_message_waits_for_it(shop: Shop, kind: ActKind, text: str, shown: str) -> None:
    await acts(shop, act(kind, "A", text, minute=1))
    assert await rows(shop, "conversation") == []
    await hears(shop, message("uno", wa_id="A"))
    stored = await the_message(shop)
    assert stored["text"] == shown
    assert bool(stored["reactions"]) == (kind == REACTION)
    assert (stored["edited_at"] is not None, stored["revoked_at"] is not None) == (kind == EDIT, kind == REVOKE)
    preview = {"": "🚫"}.get(shown, shown)
    assert (await the_conversation(shop))["last_preview"] == preview


async def test_what_was_done_to_a_placeholder_is_done_to_the_real_message(shop: Shop) -> None:
    await hears(shop, message(wa_id="A", type=MessageType.UNSUPPORTED, payload={"kind": "undecryptable"}))
    await acts(shop, act(EDIT, "A", "dos", minute=1))
    await hears(shop, message("uno", wa_id="A"))
    stored = await the_message(shop)
    assert (stored["type"], stored["text"], stored["earlier_text"]) == ("text", "dos", "uno")


async def test_twice_is_once_and_told_once(shop: Shop) -> None:
    await hears(shop, message("uno", wa_id="A"))
    conversation = await the_conversation(shop)
    done = [act(EDIT, "A", "dos", minute=1), act(REACTION, "A", "👍", minute=1)]
    async with listening() as heard:
        await acts(shop, *done)
        after = await the_message(shop)
        await acts(shop, *done)
        await hears(shop, message("uno", wa_id="A"))
    assert await the_message(shop) == after
    assert heard.of(conversation["id"]) == 1


async def test_only_its_author_edits_and_deletes_a_message(shop: Shop) -> None:
    await hears(shop, message("Cuesta 100", wa_id="A", from_me=True))
    await acts(shop, act(EDIT, "A", "Cuesta 1", minute=1), act(REVOKE, "A", minute=1))
    stored = await the_message(shop)
    assert (stored["text"], stored["edited_at"], stored["revoked_at"]) == ("Cuesta 100", None, None)
    await acts(shop, act(EDIT, "A", "Cuesta 120", minute=2, from_me=True))
    assert (await the_message(shop))["text"] == "Cuesta 120"
    await acts(shop, act(REVOKE, "A", minute=3, from_me=True))
    assert (await the_message(shop))["earlier_text"] == "Cuesta 120"


async def test_a_message_of_the_same_id_in_another_chat_is_left_alone(shop: Shop) -> None:
    await hears(shop, message("de Ana", wa_id="A"), message("de Beto", wa_id="A", phone=BETO, name="Beto"))
    await acts(shop, act(EDIT, "A", "otra cosa", minute=1, phone=BETO))
    assert {row["text"] for row in await rows(shop, "message")} == {"de Ana", "otra cosa"}


async def test_a_lid_and_a_phone_name_the_same_message(shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A", lid="123456789012345"))
    await acts(shop, act(REACTION, "A", "👍", phone=None, lid="123456789012345"))
    assert (await the_message(shop))["reactions"] == [{"author": "customer", "emoji": "👍"}]


async def test_an_act_of_another_company_changes_nothing(shop: Shop, other_shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A"))
    await acts(other_shop, act(REVOKE, "A", minute=1), act(REACTION, "A", "👍", minute=1))
    stored = await the_message(shop)
    assert (stored["text"], stored["reactions"]) == ("Hola", [])
    assert await rows(shop, "message_act") == []


async def test_nul_characters_do_not_stop_a_number(shop: Shop) -> None:
    await hears(shop, message("uno", wa_id="A"))
    await acts(shop, storable(act(EDIT, "A", "do\x00s", minute=1)), storable(act(REVOKE, "B\x00")))
    assert (await the_message(shop))["text"] == "dos"


async def test_a_reaction_that_comes_before_we_know_our_messages_id_is_shown(shop: Shop) -> None:
    conversation_id = await shop.hears("Hola", phone="5491150000001")
    async with unit_of_work(shop.bob):
        await send_message(shop.bob, conversation_id, text="Buenas")
    await acts(shop, act(REACTION, "OURS", "👍"), act(EDIT, "OURS", "Buenos días", from_me=True))
    async with unit_of_work(shop.system):
        epoch = await acquire_lease(shop.system, shop.channel.id, holder="test")
        assert epoch is not None
        taken = await claim_outbox(shop.system, shop.channel.id, epoch=epoch)
        assert taken is not None
        await mark_sent(
            shop.system, shop.channel.id, taken.id, epoch=epoch, wa_id="OURS", at=utcnow(), chat_jid=taken.chat_jid
        )
    sent = next(row for row in await rows(shop, "message") if row["wa_id"] == "OURS")
    assert (sent["text"], sent["reactions"]) == ("Buenos días", [{"author": "customer", "emoji": "👍"}])
    assert (await the_conversation(shop))["last_preview"] == "Buenos días"


async def test_many_acts_at_once_are_kept_each(shop: Shop) -> None:
    await hears(shop, *(message(str(n), wa_id=f"W{n}", minute=n) for n in range(40)))
    await acts(shop, *(act(EDIT, f"W{n}", f"{n}!", minute=50) for n in range(40)))
    assert [row["text"] for row in await rows(shop, "message")] == [f"{n}!" for n in range(40)]
