"""Reacting, editing, deleting: who may, on what, how long, and that nothing is asked twice."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from saasbot.domain.channels.act_outbox import claim_act, mark_act, mark_act_sent, settle_abandoned_acts
from saasbot.domain.channels.lease import LeaseLost, acquire_lease
from saasbot.domain.inbox import change
from saasbot.domain.inbox.new_message import Card, Place, Poll
from saasbot.domain.inbox.send import send_message
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.errors import AppError, Forbidden, InvalidInput, NotFound
from saasbot.models import Handler
from saasbot.models.table import utcnow
from tests.fixtures.shops import Shop
from tests.inbox.heard import rows


async def sent(shop: Shop, *, minutes_ago: float = 0, text: str = "Cuesta 100") -> tuple[UUID, UUID]:
    """A conversation, and an answer of bob's that WhatsApp has had for so long."""
    conversation_id = await shop.hears("Hola")
    async with unit_of_work(shop.bob):
        message = await send_message(shop.bob, conversation_id, text=text)
        await sql(
            "UPDATE message SET status = 'sent', wa_id = 'OURS', wa_timestamp = :at WHERE id = :id",
            at=utcnow() - timedelta(minutes=minutes_ago),
            id=message.id,
        )
    return conversation_id, message.id


async def asked(shop: Shop) -> list[tuple[str, str, str]]:
    return [(row["kind"], row["text"], row["status"]) for row in await rows(shop, "outgoing_act")]


async def holder(shop: Shop, name: str = "one") -> int:
    async with unit_of_work(shop.system):
        epoch = await acquire_lease(shop.system, shop.channel.id, holder=name, holder_is_dead=True)
    assert epoch is not None
    return epoch


async def test_an_edit_waits_and_changes_nothing_yet(shop: Shop) -> None:
    conversation_id, message_id = await sent(shop)
    async with unit_of_work(shop.bob):
        await change.edit(shop.bob, conversation_id, message_id, text="Cuesta 120")
    assert await asked(shop) == [("edit", "Cuesta 120", "queued")]
    stored = next(row for row in await rows(shop, "message") if row["id"] == message_id)
    assert (stored["text"], stored["edited_at"]) == ("Cuesta 100", None)


async def test_a_newer_wish_replaces_one_that_has_not_left(shop: Shop) -> None:
    conversation_id, message_id = await sent(shop)
    for text in ("uno", "dos", "dos"):
        async with unit_of_work(shop.bob):
            await change.edit(shop.bob, conversation_id, message_id, text=text)
    assert await asked(shop) == [("edit", "dos", "queued")]


@pytest.mark.parametrize(("minutes", "late"), [(14.9, False), (15.1, True)])
async def test_an_edit_comes_within_a_quarter_of_an_hour(shop: Shop, minutes: float, late: bool) -> None:
    conversation_id, message_id = await sent(shop, minutes_ago=minutes)
    async with unit_of_work(shop.bob):
        if late:
            with pytest.raises(change.EditTooLate):
                await change.edit(shop.bob, conversation_id, message_id, text="tarde")
        else:
            await change.edit(shop.bob, conversation_id, message_id, text="a tiempo")
    assert len(await asked(shop)) == (0 if late else 1)


async def test_a_deletion_comes_within_two_days(shop: Shop) -> None:
    conversation_id, message_id = await sent(shop, minutes_ago=2 * 24 * 60 + 1)
    async with unit_of_work(shop.bob):
        with pytest.raises(change.RevokeTooLate):
            await change.revoke(shop.bob, conversation_id, message_id)


async def test_an_edit_that_waited_too_long_fails_before_it_leaves(shop: Shop) -> None:
    conversation_id, message_id = await sent(shop, minutes_ago=14)
    async with unit_of_work(shop.bob):
        await change.edit(shop.bob, conversation_id, message_id, text="Cuesta 120")
        await sql("UPDATE message SET wa_timestamp = wa_timestamp - interval '2 minutes' WHERE id = :id", id=message_id)
    epoch = await holder(shop)
    async with unit_of_work(shop.system):
        assert await claim_act(shop.system, shop.channel.id, epoch=epoch) is None
    [row] = await rows(shop, "outgoing_act")
    assert (row["status"], row["error"]) == ("failed", "edit_too_late")


async def test_an_act_is_taken_once_and_by_the_holder_alone(shop: Shop) -> None:
    conversation_id, message_id = await sent(shop)
    async with unit_of_work(shop.bob):
        await change.edit(shop.bob, conversation_id, message_id, text="Cuesta 120")
    old = await holder(shop, "one")
    async with unit_of_work(shop.system):
        act = await claim_act(shop.system, shop.channel.id, epoch=old)
        assert act is not None and (act.target_wa_id, act.target_from_me, act.text) == ("OURS", True, "Cuesta 120")
    async with unit_of_work(shop.system):
        assert await claim_act(shop.system, shop.channel.id, epoch=old) is None
    new = await holder(shop, "two")
    async with unit_of_work(shop.system):
        await settle_abandoned_acts(shop.system, shop.channel.id, epoch=new)
        assert await claim_act(shop.system, shop.channel.id, epoch=new) is None
    [row] = await rows(shop, "outgoing_act")
    assert (row["status"], row["error"]) == ("unconfirmed", "interrupted")
    async with unit_of_work(shop.system):
        with pytest.raises(LeaseLost):
            await mark_act_sent(shop.system, shop.channel.id, act, epoch=old, at=utcnow())


async def test_what_never_left_waits_again(shop: Shop) -> None:
    conversation_id, message_id = await sent(shop)
    async with unit_of_work(shop.bob):
        await change.revoke(shop.bob, conversation_id, message_id)
    epoch = await holder(shop)
    async with unit_of_work(shop.system):
        act = await claim_act(shop.system, shop.channel.id, epoch=epoch)
        assert act is not None
        await mark_act(shop.system, act.id, epoch=epoch, status="queued")
    async with unit_of_work(shop.system):
        assert await claim_act(shop.system, shop.channel.id, epoch=epoch) is not None


async def test_only_texts_of_ours_are_edited_and_only_messages_of_ours_deleted(shop: Shop) -> None:
    conversation_id = await shop.hears("Hola")
    [theirs] = await shop.messages(conversation_id)
    async with unit_of_work(shop.bob):
        poll = await send_message(shop.bob, conversation_id, special=Poll("¿Talle?", ("41", "42")))
        await sql("UPDATE message SET status = 'sent', wa_id = 'POLL', wa_timestamp = now() WHERE id = :id", id=poll.id)
    async with unit_of_work(shop.bob):
        with pytest.raises(change.NotOurs):
            await change.edit(shop.bob, conversation_id, theirs.id, text="Chau")
        with pytest.raises(change.NotOurs):
            await change.revoke(shop.bob, conversation_id, theirs.id)
        with pytest.raises(change.NotEditable):
            await change.edit(shop.bob, conversation_id, poll.id, text="¿Número?")


async def test_nothing_is_done_to_a_message_that_whatsapp_does_not_have(shop: Shop) -> None:
    conversation_id = await shop.hears("Hola")
    async with unit_of_work(shop.bob):
        queued = await send_message(shop.bob, conversation_id, text="Buenas")
    async with unit_of_work(shop.bob):
        with pytest.raises(change.NotOnWhatsApp):
            await change.react(shop.bob, conversation_id, queued.id, emoji="👍")
        await sql("UPDATE message SET status = 'unconfirmed' WHERE id = :id", id=queued.id)
        with pytest.raises(change.NotOnWhatsApp):
            await change.revoke(shop.bob, conversation_id, queued.id)


@pytest.mark.parametrize("emoji", ["ok", "👍 bien", "1", "<b>", "!", "é", "👍" * 30])
async def test_a_reaction_is_an_emoji(shop: Shop, emoji: str) -> None:
    conversation_id, message_id = await sent(shop)
    async with unit_of_work(shop.bob):
        with pytest.raises(InvalidInput) as refused:
            await change.react(shop.bob, conversation_id, message_id, emoji=emoji)
    assert refused.value.details["field"] == "emoji"


@pytest.mark.parametrize("emoji", ["👍", "👍🏽", "❤️", "🇦🇷", "👨‍👩‍👧", "1️⃣", "☺", "‼️"])
async def test_emoji_of_every_make_are_reactions(shop: Shop, emoji: str) -> None:
    conversation_id, message_id = await sent(shop)
    async with unit_of_work(shop.bob):
        await change.react(shop.bob, conversation_id, message_id, emoji=emoji)
    assert await asked(shop) == [("reaction", emoji, "queued")]


async def test_acts_do_not_take_the_chat_over(shop: Shop) -> None:
    conversation_id = await shop.hears("Hola")
    [theirs] = await shop.messages(conversation_id)
    before = await shop.conversation(conversation_id)
    async with unit_of_work(shop.bob):
        await change.react(shop.bob, conversation_id, theirs.id, emoji="👍")
    after = await shop.conversation(conversation_id)
    assert (after.handler, after.owner_epoch) == (Handler.BOT, before.owner_epoch)


async def test_strangers_and_readers_change_nothing(shop: Shop, other_shop: Shop) -> None:
    conversation_id, message_id = await sent(shop)
    other_chat = await other_shop.hears("Hola")
    reader = replace(shop.bob, permissions=frozenset({"inbox.read"}))
    for actor, chat, error in (
        (other_shop.alice, conversation_id, NotFound),
        (other_shop.alice, other_chat, NotFound),
        (reader, conversation_id, Forbidden),
    ):
        async with unit_of_work(actor):
            for act in (
                change.react(actor, chat, message_id, emoji="👍"),
                change.edit(actor, chat, message_id, text="x"),
                change.revoke(actor, chat, message_id),
            ):
                with pytest.raises(error):
                    await act
    assert await asked(shop) == []


@pytest.mark.parametrize(
    ("special", "field"),
    [
        (Place(91, 0), "latitude"),
        (Place(0, -181), "longitude"),
        (Card("", "+5491150000009"), "name"),
        (Card("Beto", "no es un número"), "phone"),
        (Poll("", ("41", "42")), "question"),
        (Poll("¿Talle?", ("41", "  ")), "options"),
        (Poll("¿Talle?", ("41", "41 ")), "options"),
        (Poll("¿Talle?", tuple(map(str, range(13)))), "options"),
        (Poll("¿Talle?", ("41", "x" * 101)), "options"),
    ],
)
async def test_what_cannot_be_sent_says_which_part_is_wrong(shop: Shop, special: Any, field: str) -> None:
    conversation_id = await shop.hears("Hola")
    async with unit_of_work(shop.bob):
        with pytest.raises(InvalidInput) as refused:
            await send_message(shop.bob, conversation_id, special=special)
    assert refused.value.details["field"] == field


async def test_a_quote_names_a_message_of_the_same_chat(shop: Shop) -> None:
    ana = await shop.hears("Hola", phone="5491100000001")
    beto = await shop.hears("Hola", phone="5491100000002", name="Beto")
    [of_beto] = await shop.messages(beto)
    async with unit_of_work(shop.bob):
        with pytest.raises(AppError) as refused:
            await send_message(shop.bob, ana, text="Buenas", quoted_id=of_beto.id)
    assert refused.value.details["field"] == "quoted_id"
