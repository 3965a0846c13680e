"""Numbers on real WhatsApp from the wire to the inbox: linked, opened, killed, cut off, unlinked."""

import asyncio
import os
import signal
from uuid import UUID

import psycopg
import pytest

from saasbot.domain.channels import connect, disconnect, logout
from saasbot.domain.channels.lease import lease_holder
from saasbot.domain.channels.pairing import request_pair_code, request_qr
from saasbot.domain.channels.unlinking import FORGET_TASK
from saasbot.domain.inbox.send import send_message
from saasbot.infra import db
from saasbot.infra.db import sql, unit_of_work
from saasbot.jobs.channels import forget_session_logged_out
from saasbot.models import MessageStatus, MessageType
from tests.fixtures.simulator import until
from tests.fixtures.wire import RealNumbers
from tests.wa_runtime.conftest import Customer


async def test_a_linked_number_receives_sends_and_sees_the_ticks(real_numbers: RealNumbers, customer: Customer):
    channel_id = await real_numbers.add()
    await real_numbers.status_is("pending_qr", channel_id)
    phone = await real_numbers.link(channel_id)
    linked = await real_numbers.channel(channel_id)
    assert (linked.phone, linked.lid) == (phone, f"99{phone}")

    wa_id = await real_numbers.lab.deliver("¿cuánto cuestan?", phone=phone, push="Ana", **vars(customer))
    message = await real_numbers.message(wa_id)
    assert (message.text, message.direction, message.author) == ("¿cuánto cuestan?", "inbound", "customer")

    alice = real_numbers.shop.alice
    async with unit_of_work(alice):
        reply = await send_message(alice, message.conversation_id, text="79,90 €")
    sent = await real_numbers.status_of(reply.id, MessageStatus.SENT)
    [on_phone] = await real_numbers.lab.sent(phone)
    assert (on_phone["id"], on_phone["text"], on_phone["to"]) == (sent.wa_id, "79,90 €", customer.sender)

    for kind, status in ((None, MessageStatus.DELIVERED), ("read", MessageStatus.READ)):
        await real_numbers.lab.receipt(on_phone["id"], kind, phone=phone, sender=customer.sender_lid)
        await real_numbers.status_of(reply.id, status)


async def test_a_killed_bridge_comes_back_without_a_new_qr(real_numbers: RealNumbers, customer: Customer):
    channel_id = await real_numbers.add()
    phone = await real_numbers.link(channel_id)
    first = await real_numbers.message(await real_numbers.lab.deliver("uno", phone=phone, **vars(customer)))

    [bridge] = real_numbers.supervisor.bridges
    os.kill(bridge, signal.SIGKILL)
    await real_numbers.status_is("reconnecting", channel_id, reason="bridge_restarting")
    alice = real_numbers.shop.alice
    async with unit_of_work(alice):
        reply = await send_message(alice, first.conversation_id, text="mientras tanto")
    await real_numbers.status_is("open", channel_id)
    assert bridge not in real_numbers.supervisor.bridges
    await real_numbers.status_of(reply.id, MessageStatus.SENT)
    assert [m["text"] for m in await real_numbers.lab.sent(phone)] == ["mientras tanto"]

    await asyncio.sleep(1)  # WhatsApp tells whole seconds: within one, the customer's message stands before ours
    await real_numbers.message(await real_numbers.lab.deliver("dos", phone=phone, **vars(customer)))
    texts = [m.text for m in await real_numbers.messages() if m.type == MessageType.TEXT]
    assert texts == ["uno", "mientras tanto", "dos"]
    [line] = [m for m in await real_numbers.messages() if m.payload.get("kind") == "gap"]
    assert (line.type, line.conversation_id) == (MessageType.ACTIVITY, first.conversation_id)


async def test_a_restarted_server_finds_its_numbers_linked(real_numbers: RealNumbers, customer: Customer):
    channel_id = await real_numbers.add()
    phone = await real_numbers.link(channel_id)
    await real_numbers.stop()
    async with unit_of_work(real_numbers.shop.system):
        lag = (await sql("SELECT loop_lag FROM channel_lease")).scalar_one()
    assert lag is not None and lag >= 0, "the bridge told how late its event loop woke up"
    await real_numbers.start()
    await until(lambda: _held(real_numbers), "the number held again", 60)
    await real_numbers.status_is("open", channel_id)
    assert await real_numbers.message(await real_numbers.lab.deliver("hola", phone=phone, **vars(customer)))


async def test_a_bridge_that_dies_after_writing_an_event_down_loses_nothing(
    real_numbers: RealNumbers, customer: Customer, monkeypatch: pytest.MonkeyPatch
):
    channel_id = await real_numbers.add()
    phone = await real_numbers.link(channel_id)
    await _armed(real_numbers, channel_id, monkeypatch, "after_journal")
    wa_id = await real_numbers.lab.deliver("una sola vez", phone=phone, **vars(customer))
    assert (await real_numbers.message(wa_id)).text == "una sola vez"
    await real_numbers.status_is("reconnecting", channel_id, reason="bridge_restarting")
    await real_numbers.status_is("open", channel_id)
    await real_numbers.message(await real_numbers.lab.deliver("y otra", phone=phone, **vars(customer)))
    texts = [m.text for m in await real_numbers.messages() if m.type == MessageType.TEXT]
    assert texts == ["una sola vez", "y otra"]


async def test_a_bridge_that_dies_after_sending_never_sends_again_and_says_so(
    real_numbers: RealNumbers, customer: Customer, monkeypatch: pytest.MonkeyPatch
):
    channel_id = await real_numbers.add()
    phone = await real_numbers.link(channel_id)
    first = await real_numbers.message(await real_numbers.lab.deliver("hola", phone=phone, **vars(customer)))
    await _armed(real_numbers, channel_id, monkeypatch, "after_send")
    alice = real_numbers.shop.alice
    async with unit_of_work(alice):
        reply = await send_message(alice, first.conversation_id, text="quizás")
    assert (await real_numbers.status_of(reply.id, MessageStatus.UNCONFIRMED)).error == "interrupted"
    await real_numbers.status_is("open", channel_id)
    async with unit_of_work(alice):
        after = await send_message(alice, first.conversation_id, text="seguro")
    await real_numbers.status_of(after.id, MessageStatus.SENT)
    assert [m["text"] for m in await real_numbers.lab.sent(phone)] == ["quizás", "seguro"]


async def test_without_a_network_the_number_says_so_and_can_be_cancelled(real_numbers: RealNumbers, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    channel_id = await real_numbers.add()
    waiting = await real_numbers.status_is("reconnecting", channel_id, reason="network_unreachable")
    assert waiting.retry_at is not None
    monkeypatch.setenv("HTTPS_PROXY", real_numbers.lab.env["HTTPS_PROXY"])
    await real_numbers.status_is("pending_qr", channel_id)
    alice = real_numbers.shop.alice
    async with unit_of_work(alice):
        await disconnect(alice, channel_id)
    await real_numbers.status_is("closed", channel_id, reason="stopped_by_user")


async def test_a_number_is_linked_by_typing_a_code(real_numbers: RealNumbers):
    channel_id = await real_numbers.add()
    alice = real_numbers.shop.alice
    await real_numbers.code(channel_id)
    async with unit_of_work(alice):
        await request_pair_code(alice, channel_id, phone="+54 9 11 3333 0001")
    await real_numbers.status_is("pending_qr", channel_id, reason="pair_code")
    shown = await real_numbers.code(channel_id)
    assert shown.code is not None and len(shown.code.replace("-", "")) == 8


async def test_a_device_removed_on_the_phone_can_be_linked_again(real_numbers: RealNumbers):
    channel_id = await real_numbers.add()
    phone = await real_numbers.link(channel_id)
    await real_numbers.lab.remove(phone)
    gone = await real_numbers.status_is("logged_out", channel_id, reason="device_removed")
    assert gone.device_jid is None
    async with unit_of_work(real_numbers.shop.system):
        incidents = (await sql("SELECT channel_id FROM channel_incident")).scalars()
    assert incidents == [channel_id]  # from a process without a queue of its own: its owners will hear of it


async def test_another_phone_is_unlinked_again_unless_its_owner_wants_it(real_numbers: RealNumbers):
    channel_id = await real_numbers.add()
    phone = await real_numbers.link(channel_id)
    alice, other = real_numbers.shop.alice, f"{phone[:-4]}9999"
    async with unit_of_work(alice):
        await logout(alice, channel_id)
    await until(lambda: _forgotten(real_numbers, phone), "the session gone from the store", 30)
    async with unit_of_work(alice):
        await connect(alice, channel_id)
    shown = await real_numbers.code(channel_id)
    await real_numbers.lab.scan(shown.code or "", phone=other, lid=f"99{other}")
    refused = await real_numbers.status_is("failed", channel_id, reason="other_phone")
    assert (refused.phone, refused.device_jid) == (phone, None)
    await until(lambda: _forgotten(real_numbers, other), "the other phone's session gone from the store", 30)
    async with unit_of_work(alice):
        await request_qr(alice, channel_id, any_phone=True)
    shown = await real_numbers.code(channel_id)
    await real_numbers.lab.scan(shown.code or "", phone=other, lid=f"99{other}")
    assert (await real_numbers.status_is("open", channel_id)).phone == other


async def test_logging_out_unlinks_the_device(real_numbers: RealNumbers):
    channel_id = await real_numbers.add()
    phone = await real_numbers.link(channel_id)
    alice = real_numbers.shop.alice
    async with unit_of_work(alice):
        await logout(alice, channel_id)
    await until(lambda: _forgotten(real_numbers, phone), "the session gone from the store", 30)
    await _forget_sessions()
    await real_numbers.status_is("logged_out", channel_id, reason="logged_out_by_user")


async def test_a_number_that_was_not_connected_is_logged_out_here_and_its_owner_told_what_is_left_to_do(
    real_numbers: RealNumbers,
):
    channel_id = await real_numbers.add()
    phone = await real_numbers.link(channel_id)
    alice = real_numbers.shop.alice
    async with unit_of_work(alice):
        await disconnect(alice, channel_id)

    async def let_go() -> bool:
        async with unit_of_work(alice):
            return await lease_holder(alice, channel_id) is None

    await until(let_go, "the number let go of", 30)
    async with unit_of_work(alice):
        await logout(alice, channel_id)
    await _forget_sessions()
    assert await _forgotten(real_numbers, phone)
    await real_numbers.status_is("logged_out", channel_id, reason="unlink_on_phone")
    async with unit_of_work(alice):
        assert await lease_holder(alice, channel_id) is None, "it can be linked again"


async def _forget_sessions() -> None:
    """The jobs that wait have run."""
    async with await psycopg.AsyncConnection.connect(db.app_dsn(), autocommit=True) as connection:
        rows = await connection.execute(
            "DELETE FROM procrastinate_jobs WHERE task_name = %s RETURNING args", [FORGET_TASK]
        )
        for (args,) in await rows.fetchall():
            await forget_session_logged_out(**args)


async def _armed(numbers: RealNumbers, channel_id: UUID, monkeypatch: pytest.MonkeyPatch, failpoint: str) -> None:
    """The number is open in a bridge that dies at the failpoint; the one after it will not."""
    await numbers.stop()
    monkeypatch.setenv("SAASBOT_FAILPOINT", failpoint)
    await numbers.start()
    await until(lambda: _held(numbers), "the number held again", 60)
    monkeypatch.delenv("SAASBOT_FAILPOINT")
    await numbers.status_is("open", channel_id)


async def _held(numbers: RealNumbers) -> bool:
    return any(numbers.supervisor.bridges.values())


async def _forgotten(numbers: RealNumbers, phone: str) -> bool:
    return not any(jid.startswith(phone) for jid in numbers.sessions())
