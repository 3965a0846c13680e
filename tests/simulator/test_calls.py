"""Calls: a line in the chat always, hung up on and answered in writing when the owner wants that."""

from datetime import timedelta

from saasbot.domain.channels.channel_settings import change_settings
from saasbot.domain.inbox.send import send_message
from saasbot.domain.simulator.access import find_number
from saasbot.domain.simulator.customers import parse_customer
from saasbot.infra.db import sql, unit_of_work
from saasbot.models import Message
from saasbot.models.table import utcnow
from saasbot.wa_runtime.protobufs import CALL_OFFER
from saasbot.wa_runtime.simulator import envelopes
from saasbot.wa_runtime.simulator.network import Waiting, customer_calls, deliver
from tests.fixtures.simulator import ANA, BETO, RunningSimulator, until

TEXT = "No atendemos llamadas. Escribinos."


async def reject_calls(simulator: RunningSimulator, *, on: bool = True, text: str = TEXT) -> None:
    async with unit_of_work(simulator.alice):
        await change_settings(simulator.alice, simulator.channel_id, reject_calls=on, call_message=text)


async def call(simulator: RunningSimulator, sender: str = ANA) -> str:
    async with unit_of_work(simulator.alice):
        return await customer_calls(simulator.alice, simulator.channel_id, sender=parse_customer(sender, None, "Ana"))


async def rung(simulator: RunningSimulator, count: int) -> list[Message]:
    """Every message, once there are lines about so many calls."""

    async def lines() -> list[Message] | None:
        found = await simulator.messages()
        return found if sum(m.payload.get("kind") == "missed_call" for m in found) == count else None

    return await until(lines, f"{count} calls")


async def rejected(simulator: RunningSimulator) -> list[str]:
    return [wa_id for p in await simulator.presence() if p.kind == "rejected" for wa_id in p.wa_ids]


async def texts(simulator: RunningSimulator) -> list[str]:
    return [message.text for message in await simulator.sent()]


async def hung_up(simulator: RunningSimulator, *calls: str) -> None:
    async def all_of_them() -> bool:
        return sorted(await rejected(simulator)) == sorted(calls)

    await until(all_of_them, "calls that were hung up on")


async def said(simulator: RunningSimulator, *expected: str) -> None:
    async def sent() -> bool:
        return await texts(simulator) == list(expected)

    await until(sent, f"sent {expected}")


async def test_a_call_is_hung_up_on_and_answered_once_an_hour(running_simulator: RunningSimulator):
    await reject_calls(running_simulator)
    first = await call(running_simulator)
    await hung_up(running_simulator, first)
    await said(running_simulator, TEXT)
    second = await call(running_simulator)
    other = await call(running_simulator, BETO)
    await hung_up(running_simulator, first, second, other)
    await said(running_simulator, TEXT, TEXT)
    assert [m.peer for m in await running_simulator.sent()] == [ANA, BETO]
    answers = [m for m in await rung(running_simulator, 3) if m.payload.get("kind") == "call_message"]
    assert {answer.author for answer in answers} == {"system"}
    async with unit_of_work(running_simulator.alice):
        await sql("UPDATE message SET sort_at = sort_at - interval '1 hour'")
    await call(running_simulator)
    await said(running_simulator, TEXT, TEXT, TEXT)


async def test_without_the_setting_it_only_rings(running_simulator: RunningSimulator):
    await reject_calls(running_simulator, on=False)
    await call(running_simulator)
    await rung(running_simulator, 1)
    await reject_calls(running_simulator, text="")
    second = await call(running_simulator)
    await hung_up(running_simulator, second)
    await rung(running_simulator, 2)
    assert await texts(running_simulator) == []


async def test_nobody_writes_between_a_person_and_their_customer(running_simulator: RunningSimulator):
    await running_simulator.write("Hola")
    await running_simulator.arrived()
    conversation = await running_simulator.conversation()
    async with unit_of_work(running_simulator.shop.bob):
        await send_message(running_simulator.shop.bob, conversation.id, text="Ya te llamo")
    await said(running_simulator, "Ya te llamo")
    await reject_calls(running_simulator)
    rings = await call(running_simulator)
    await hung_up(running_simulator, rings)
    await rung(running_simulator, 1)
    assert await texts(running_simulator) == ["Ya te llamo"]


async def test_a_call_of_a_minute_ago_is_over(running_simulator: RunningSimulator):
    """It waited at the network while the number was away."""
    await reject_calls(running_simulator)
    customer = parse_customer(ANA, None, "Ana")
    raw = envelopes.call_offer(customer, call_id="OLD", at=utcnow() - timedelta(seconds=75), video=False)
    async with unit_of_work(running_simulator.alice):
        number = await find_number(running_simulator.channel_id)
        assert number is not None
        await deliver(number, Waiting(CALL_OFFER, raw))
    await rung(running_simulator, 1)
    fresh = await call(running_simulator, BETO)
    await hung_up(running_simulator, fresh)
    await said(running_simulator, TEXT)
    assert [m.peer for m in await running_simulator.sent()] == [BETO]


async def test_the_same_offer_twice_is_one_call(running_simulator: RunningSimulator):
    await reject_calls(running_simulator)
    raw = envelopes.call_offer(parse_customer(ANA, None, "Ana"), call_id="TWICE", at=utcnow(), video=True)
    async with unit_of_work(running_simulator.alice):
        number = await find_number(running_simulator.channel_id)
        assert number is not None
        await deliver(number, Waiting(CALL_OFFER, raw), Waiting(CALL_OFFER, raw))
    messages = await rung(running_simulator, 1)
    assert messages[0].payload["video"] is True
    await said(running_simulator, TEXT)
