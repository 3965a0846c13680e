"""A phone's earlier chats on the simulator: taken over, finished, and never in the way of what is said now."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from saasbot.domain.channels import access_channel, delete_channel
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.models import AgentTurn, ChannelHistory, Conversation, Message
from saasbot.models.table import utcnow
from saasbot.wa_runtime.simulator.past import DAYS, hand_over
from tests.fixtures.shops import Shop
from tests.fixtures.simulator import RunningSimulator, until


async def want(simulator: RunningSimulator, days: int) -> None:
    async with unit_of_work(simulator.alice):
        channel = await access_channel(simulator.alice, simulator.channel_id, lock=True)
        channel.history_days = days


async def give(simulator: RunningSimulator, messages: int, *, chats: int = 4, parts: int = 3) -> None:
    async with unit_of_work(simulator.alice):
        await hand_over(simulator.alice, simulator.channel_id, messages=messages, chats=chats, parts=parts)


async def progress(simulator: RunningSimulator) -> ChannelHistory | None:
    async with unit_of_work(simulator.alice):
        return await session().get(ChannelHistory, simulator.channel_id)


async def complete(simulator: RunningSimulator) -> ChannelHistory:
    async def finished() -> ChannelHistory | None:
        found = await progress(simulator)
        return found if found is not None and found.finished_at is not None else None

    return await until(finished, "a complete history", 30)


async def conversations(simulator: RunningSimulator) -> list[Conversation]:
    async with unit_of_work(simulator.alice):
        query = select(Conversation).order_by(col(Conversation.last_activity_at).desc())
        return list((await session().exec(query)).all())


@pytest.mark.parametrize("days", [7, 30, 90])
async def test_what_is_not_older_than_the_owner_chose_is_stored_with_its_time_and_author(
    running_simulator: RunningSimulator, days: int
):
    await want(running_simulator, days)
    await give(running_simulator, 200)
    done = await complete(running_simulator)
    messages = await running_simulator.messages()
    assert min(m.sort_at for m in messages) >= utcnow() - timedelta(days=days, minutes=1)
    assert abs(len(messages) - 200 * days / DAYS) <= 2
    assert (done.messages, done.chats, done.percent) == (len(messages), 4, 100)
    assert {(m.author, m.from_me, m.direction) for m in messages} == {
        ("customer", False, "inbound"),
        ("phone", True, "outbound"),
    }
    assert {m.status for m in messages if m.from_me} == {"read"}


async def test_it_is_over_nothing_is_unread_nobody_is_asked_and_the_bot_has_not_heard_it(
    running_simulator: RunningSimulator,
):
    await want(running_simulator, 90)
    await give(running_simulator, 60)
    await complete(running_simulator)
    for conversation in await conversations(running_simulator):
        assert (conversation.unread, conversation.status, conversation.handler) == (0, "resolved", "bot")
        assert conversation.turn_due_at is None
        assert conversation.last_customer_seq == conversation.answered_seq == 0
        assert conversation.last_preview
    async with unit_of_work(running_simulator.alice):
        assert (await session().exec(select(AgentTurn))).all() == []
        assert (await sql("SELECT count(*) FROM notice")).scalar_one() == 0
        beside = (await session().exec(select(Message).where(col(Message.seq) >= 0))).all()
    assert beside == []


async def test_with_no_days_nothing_is_stored_at_all(running_simulator: RunningSimulator):
    await give(running_simulator, 50, parts=1)
    await running_simulator.write("Hola", wa_id="LIVE")
    await running_simulator.arrived(1)
    assert [m.wa_id for m in await running_simulator.messages()] == ["LIVE"]
    assert await progress(running_simulator) is None
    async with unit_of_work(running_simulator.alice):
        assert (await sql("SELECT count(*) FROM history_chunk")).scalar_one() == 0


async def test_who_writes_during_a_big_history_is_heard_at_once(running_simulator: RunningSimulator):
    await want(running_simulator, 90)
    await give(running_simulator, 4000, chats=40, parts=1)

    async def under_way() -> bool:
        found = await progress(running_simulator)
        return found is not None and found.messages > 0

    await until(under_way, "the first of the history")

    for number in range(5):
        await running_simulator.write(f"Ahora {number}", wa_id=f"LIVE{number}", sender="5491160000003")

        async def heard(wa_id: str = f"LIVE{number}") -> bool:
            async with unit_of_work(running_simulator.alice):
                found = await session().exec(select(Message.id).where(Message.wa_id == wa_id))
                return found.one_or_none() is not None

        await until(heard, "the live message")
    running = await progress(running_simulator)
    assert running is not None and running.finished_at is None, "the history was over before anybody wrote"


async def test_a_live_chat_keeps_its_place_and_its_unread_messages(running_simulator: RunningSimulator):
    await want(running_simulator, 90)
    await running_simulator.write("Ahora", sender="5491160000001", wa_id="LIVE")
    await running_simulator.arrived(1)
    await give(running_simulator, 40, chats=2)
    await complete(running_simulator)
    first, *others = await conversations(running_simulator)
    assert (first.last_preview, first.unread, first.status) == ("Ahora", 1, "pending")
    assert others and all(other.last_activity_at < first.last_activity_at for other in others)
    thread = [m.wa_id for m in await running_simulator.messages() if m.conversation_id == first.id]
    assert thread[-1] == "LIVE" and len(thread) > 10


async def test_handed_over_twice_it_is_stored_once(running_simulator: RunningSimulator):
    await want(running_simulator, 90)
    await give(running_simulator, 40)
    before = await complete(running_simulator)
    await give(running_simulator, 40, parts=2)

    async def again() -> bool:
        found = await progress(running_simulator)
        return found is not None and found.finished_at is not None and found.advanced_at > before.advanced_at

    await until(again, "the second history", 30)
    messages = await running_simulator.messages()
    assert len({(m.conversation_id, m.wa_id) for m in messages}) == len(messages)
    after = await progress(running_simulator)
    assert after is not None and (after.messages, after.chats) == (before.messages, before.chats)


async def test_a_restart_in_the_middle_goes_on_where_it_was(running_simulator: RunningSimulator):
    await want(running_simulator, 90)
    await give(running_simulator, 1000, parts=1)

    async def under_way() -> bool:
        found = await progress(running_simulator)
        return found is not None and found.messages > 0

    await until(under_way, "the first of the history")
    await running_simulator.network.stop()
    halted = await progress(running_simulator)
    assert halted is not None and halted.finished_at is None
    await running_simulator.network.start()
    done = await complete(running_simulator)
    assert done.messages == len(await running_simulator.messages()) > halted.messages


async def test_an_owner_who_changes_their_mind_ends_it(running_simulator: RunningSimulator):
    await want(running_simulator, 90)
    await give(running_simulator, 2000, parts=2)

    async def under_way() -> bool:
        found = await progress(running_simulator)
        return found is not None and found.messages > 0

    await until(under_way, "the first of the history")
    await want(running_simulator, 0)

    async def nothing_waits() -> bool:
        async with unit_of_work(running_simulator.alice):
            waiting = await sql("SELECT count(*) FROM history_chunk WHERE processed_at IS NULL OR raw IS NOT NULL")
            return waiting.scalar_one() == 0

    await until(nothing_waits, "that nothing waits")
    assert len(await running_simulator.messages()) < 1500


async def test_a_number_that_is_deleted_meanwhile_leaves_nothing_waiting(running_simulator: RunningSimulator):
    await want(running_simulator, 90)
    await give(running_simulator, 2000, parts=2)

    async def under_way() -> bool:
        found = await progress(running_simulator)
        return found is not None and found.messages > 0

    await until(under_way, "the first of the history")
    async with unit_of_work(running_simulator.alice):
        await delete_channel(running_simulator.alice, running_simulator.channel_id)

    async def nothing_waits() -> bool:
        async with unit_of_work(running_simulator.alice):
            waiting = await sql("SELECT count(*) FROM history_chunk WHERE processed_at IS NULL OR raw IS NOT NULL")
            return waiting.scalar_one() == 0

    await until(nothing_waits, "that nothing waits")


async def test_the_parts_bytes_are_not_kept(running_simulator: RunningSimulator):
    await want(running_simulator, 7)
    await give(running_simulator, 30)
    await complete(running_simulator)
    async with unit_of_work(running_simulator.alice):
        kept = (await sql("SELECT count(*), count(raw) FROM history_chunk")).one()
    assert tuple(kept) == (3, 0)


async def test_another_company_sees_nothing_of_it(running_simulator: RunningSimulator, other_shop: Shop):
    await want(running_simulator, 90)
    await give(running_simulator, 20)
    await complete(running_simulator)
    async with unit_of_work(other_shop.alice):
        for table in ("history_chunk", "channel_history", "message"):
            assert (await sql(f"SELECT count(*) FROM {table}")).scalar_one() == 0
