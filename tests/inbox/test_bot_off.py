"""Where no bot may answer, the chat waits for a person; where it may, exactly one turn waits."""

from datetime import UTC, datetime, timedelta

from saasbot.domain import channels
from saasbot.domain.actor import Actor
from saasbot.domain.inbox.incoming import IncomingMessage
from saasbot.domain.inbox.receive import receive
from saasbot.infra.db import sql, unit_of_work
from saasbot.models import Channel, MessageType
from tests.fixtures.numbers import simulator_channel


async def write(actor: Actor, channel: Channel, wa_id: str, *, at: datetime | None = None) -> None:
    message = IncomingMessage(
        wa_id=wa_id,
        chat_jid="5491155550001@s.whatsapp.net",
        phone="5491155550001",
        lid=None,
        from_me=False,
        sent_at=at or datetime.now(UTC),
        type=MessageType.TEXT,
        text="hola",
    )
    async with unit_of_work(actor):
        await receive(actor, await channels.access_channel(actor, channel.id), [message])


async def status_and_jobs(actor: Actor) -> tuple[str, int]:
    async with unit_of_work(actor):
        status = (await sql("SELECT status FROM conversation")).scalar_one()
        waiting = await sql("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'agent.turn'")
        return status, waiting.scalar_one()


async def test_a_chat_whose_number_has_no_bot_waits_for_a_person(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        await channels.update_channel(alice, channel.id, bot_enabled=False)
    await write(alice, channel, "A")
    assert await status_and_jobs(alice) == ("open", 0)


async def test_several_messages_ask_for_one_turn(alice: Actor):
    channel = await simulator_channel(alice)
    for wa_id in "ABC":
        await write(alice, channel, wa_id)
    assert await status_and_jobs(alice) == ("pending", 1)


async def test_a_message_dated_before_the_last_one_is_answered_too(alice: Actor):
    channel = await simulator_channel(alice)
    await write(alice, channel, "A")
    async with unit_of_work(alice):
        await sql(
            "UPDATE conversation SET answered_seq = last_customer_seq, turn_due_at = NULL, last_author = 'bot', "
            "last_activity_at = now() + interval '2 seconds'"
        )
    await write(alice, channel, "B", at=datetime.now(UTC) - timedelta(seconds=5))
    assert await status_and_jobs(alice) == ("pending", 2)
