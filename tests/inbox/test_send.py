"""A person writes: what is queued, what is refused, and what becomes of what waits."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from saasbot.domain import channels
from saasbot.domain.channels.access import NumberDeleted
from saasbot.domain.channels.facts import read_facts
from saasbot.domain.channels.lease import acquire_lease
from saasbot.domain.channels.outbox import OutboxMessage, claim_outbox
from saasbot.domain.inbox import change
from saasbot.domain.inbox.send import NothingToResend, resend, send_message
from saasbot.domain.inbox.thread import read_thread
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.errors import Forbidden, NotFound
from saasbot.models import Handler, Message
from saasbot.state.message_rows import rows_of
from saasbot.state.reader import Reader
from tests.accounts.test_lock_order import somebody_waits
from tests.fixtures.shops import Shop
from tests.inbox.heard import Heard, listening, rows


async def bob_writes(shop: Shop, conversation_id: UUID, text: str = "Cuesta 100", token: str | None = None) -> Message:
    async with unit_of_work(shop.bob):
        return await send_message(shop.bob, conversation_id, text=text, client_token=token)


async def standing(shop: Shop, message_id: UUID) -> tuple[str, str | None]:
    """Status and error of a message."""
    (row,) = [row for row in await rows(shop, "message") if row["id"] == message_id]
    return row["status"], row["error"]


async def delete_number(shop: Shop) -> None:
    async with unit_of_work(shop.alice):
        await channels.delete_channel(shop.alice, shop.channel.id)


async def test_nothing_is_written_from_a_number_that_was_deleted(shop: Shop) -> None:
    conversation_id = await shop.hears("Hola")
    await delete_number(shop)
    with pytest.raises(NumberDeleted):
        await bob_writes(shop, conversation_id)
    (said,) = await shop.messages(conversation_id)
    with pytest.raises(NumberDeleted):
        async with unit_of_work(shop.bob):
            await change.react(shop.bob, conversation_id, said.id, emoji="👍")
    assert (await shop.conversation(conversation_id)).handler == Handler.BOT, "and nobody has taken it over"


async def test_what_waits_fails_with_its_number(shop: Shop) -> None:
    conversation_id = await shop.hears("Hola")
    (said,) = await shop.messages(conversation_id)
    waiting = await bob_writes(shop, conversation_id)
    leaving = await bob_writes(shop, conversation_id, "sale")
    async with unit_of_work(shop.bob):
        await change.react(shop.bob, conversation_id, said.id, emoji="👍")
        await sql("UPDATE message SET status = 'sending' WHERE id = :id", id=leaving.id)
        await sql("UPDATE conversation SET last_message_id = :id", id=waiting.id)
    async with listening() as heard:
        await delete_number(shop)
    assert await standing(shop, waiting.id) == ("failed", "number_deleted")
    assert (await standing(shop, leaving.id))[0] == "sending", "its holder says what became of it"
    assert [(act["status"], act["error"]) for act in await rows(shop, "outgoing_act")] == [("failed", "number_deleted")]
    assert (await shop.conversation(conversation_id)).last_status == "failed"
    assert heard.of(conversation_id) > 0
    assert any(event.get("channel_id") == str(shop.channel.id) for event in heard.events)


async def test_a_number_that_is_only_switched_off_keeps_what_waits(shop: Shop) -> None:
    conversation_id = await shop.hears("Hola")
    waiting = await bob_writes(shop, conversation_id)
    async with unit_of_work(shop.alice):
        await channels.logout(shop.alice, shop.channel.id)
    assert await standing(shop, waiting.id) == ("queued", None)
    assert (await bob_writes(shop, conversation_id, "también")).status == "queued"


async def cancel(shop: Shop, conversation_id: UUID, message_id: UUID) -> None:
    async with unit_of_work(shop.bob):
        await change.cancel(shop.bob, conversation_id, message_id)


async def claim(shop: Shop) -> OutboxMessage | None:
    """The holder of the number takes what is next."""
    epoch = await acquire_lease(shop.system, shop.channel.id, holder="one", holder_is_dead=True)
    return await claim_outbox(shop.system, shop.channel.id, epoch=epoch or 0)


async def test_what_is_taken_back_never_leaves_and_what_is_behind_it_does(shop: Shop) -> None:
    conversation_id = await shop.hears("Hola")
    wrong, right = await bob_writes(shop, conversation_id, "mal"), await bob_writes(shop, conversation_id, "bien")
    async with unit_of_work(shop.system):
        await sql(
            "UPDATE message SET held_until = now() + interval '1 day', held_reason = 'daily_limit' WHERE id = :id",
            id=wrong.id,
        )
        await sql("UPDATE conversation SET last_message_id = :id", id=wrong.id)
    async with listening() as heard:
        await cancel(shop, conversation_id, wrong.id)
        await cancel(shop, conversation_id, wrong.id)
    assert heard.of(conversation_id) == 1, "twice is once"
    assert await standing(shop, wrong.id) == ("failed", "cancelled")
    assert (await shop.conversation(conversation_id)).last_status == "failed"
    async with unit_of_work(shop.system):
        taken = await claim(shop)
        assert taken is not None and taken.id == right.id
        assert await claim(shop) is None


async def test_what_leaves_at_that_moment_is_not_taken_back(shop: Shop) -> None:
    conversation_id = await shop.hears("Hola")
    leaving = await bob_writes(shop, conversation_id)
    taken, go_on = asyncio.Event(), asyncio.Event()

    async def take() -> None:
        async with unit_of_work(shop.system):
            assert await claim(shop) is not None
            taken.set()
            await go_on.wait()

    taking = asyncio.create_task(take())
    await taken.wait()
    late = asyncio.create_task(cancel(shop, conversation_id, leaving.id))
    await somebody_waits()
    go_on.set()
    await taking
    with pytest.raises(change.AlreadyLeft):
        await late
    assert await standing(shop, leaving.id) == ("sending", None)


async def test_who_may_not_send_takes_nothing_back(shop: Shop, other_shop: Shop) -> None:
    conversation_id = await shop.hears("Hola")
    waiting = await bob_writes(shop, conversation_id)
    reader = replace(shop.bob, permissions=frozenset({"inbox.read"}))
    for actor, error in ((reader, Forbidden), (other_shop.alice, NotFound)):
        for act in (change.cancel, change.revoke):
            with pytest.raises(error):
                async with unit_of_work(actor):
                    await act(actor, conversation_id, waiting.id)
    assert await standing(shop, waiting.id) == ("queued", None)


async def told(shop: Shop, conversation_id: UUID) -> list[tuple[str, str, bool]]:
    """What the thread says of each message of ours, oldest first: words, status, and whether it was sent again."""
    async with unit_of_work(shop.bob):
        page = await read_thread(shop.bob, conversation_id)
    shown = rows_of(page.messages[::-1], Reader.of(shop.bob, "en"))
    return [(row.text, row.status, row.resent) for row in shown if row.side == "out"]


async def becomes(shop: Shop, message_id: UUID, status: str, hours_ago: float = 0) -> None:
    async with unit_of_work(shop.system):
        await sql(
            "UPDATE message SET status = :status, left_at = now() - make_interval(mins => :minutes) WHERE id = :id",
            status=status,
            minutes=int(hours_ago * 60),
            id=message_id,
        )


async def again(shop: Shop, message_id: UUID) -> Message:
    async with unit_of_work(shop.bob):
        return await resend(shop.bob, message_id)


async def test_sending_again_goes_on_from_the_newest_try(shop: Shop) -> None:
    conversation_id = await shop.hears("Hola")
    first = await bob_writes(shop, conversation_id)
    await becomes(shop, first.id, "unconfirmed")
    second = await again(shop, first.id)
    assert (await again(shop, first.id)).id == second.id, "a second click while it is under way is none"
    await becomes(shop, second.id, "failed")
    third = await again(shop, first.id)
    assert third.id not in (first.id, second.id) and third.status == "queued"
    assert (await again(shop, second.id)).id == third.id
    await becomes(shop, third.id, "sent")
    assert (await again(shop, first.id)).id == third.id, "it arrived"
    assert await told(shop, conversation_id) == [
        ("Cuesta 100", "unconfirmed", True),
        ("Cuesta 100", "failed", True),
        ("Cuesta 100", "sent", False),
    ]
    with pytest.raises(NothingToResend):
        await again(shop, third.id)


async def test_details_count_what_is_in_doubt_lately_and_was_not_sent_again(shop: Shop) -> None:
    conversation_id = await shop.hears("Hola")
    old, sent_again, doubtful = [await bob_writes(shop, conversation_id, text) for text in "abc"]
    for message, hours in ((old, 24.1), (sent_again, 1), (doubtful, 23.9)):
        await becomes(shop, message.id, "unconfirmed", hours)
    await again(shop, sent_again.id)
    async with unit_of_work(shop.alice):
        assert (await read_facts(shop.alice, shop.channel.id)).unconfirmed == 1


def marks(heard: Heard) -> list[list[str]]:
    return [command["ids"] for command in heard.commands if command["command"] == "mark_read"]


async def test_whoever_answers_has_read_what_was_new(shop: Shop) -> None:
    conversation_id = await shop.hears("Hola", wa_id="A")
    await shop.hears("¿Cuánto?", wa_id="B")
    async with listening() as heard:
        await bob_writes(shop, conversation_id)
        await bob_writes(shop, conversation_id, "y envío aparte")
    assert marks(heard) == [["A", "B"]], "once, and nothing where nothing is new"
    assert (await shop.conversation(conversation_id)).unread == 0
