"""The runner of a number: sends at most once, never for a bot that was overtaken, and lets go cleanly."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from saasbot.domain import channels
from saasbot.domain.actor import Actor
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.channel_settings import change_settings
from saasbot.domain.channels.facts import read_facts
from saasbot.domain.channels.lease import acquire_lease
from saasbot.domain.channels.proxy import proxy_changed
from saasbot.domain.channels.state import report_state
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.incoming import IncomingMessage, IncomingReceipt
from saasbot.domain.inbox.outbound import add_outbound
from saasbot.domain.inbox.ownership import take_over
from saasbot.domain.inbox.receipts import apply_receipts
from saasbot.domain.inbox.receive import receive
from saasbot.domain.inbox.send import send_message, send_to_phone
from saasbot.infra import db
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.infra.events import Listener
from saasbot.models import Author, Channel, ChannelStatus, Message, MessageStatus, MessageType
from saasbot.models.table import utcnow
from saasbot.wa_runtime import number as number_module
from saasbot.wa_runtime import outbox as outbox_module
from saasbot.wa_runtime.host import NumberHost
from saasbot.wa_runtime.spool import Spool
from saasbot.wa_runtime.transport import Call, NotConnected, Outgoing, SendRefused, SendUnknown, StateChange
from tests.fixtures.numbers import ScriptedTransport, ref_of, simulator_channel, until


@dataclass
class Running:
    host: NumberHost
    transports: list[ScriptedTransport]

    @property
    def transport(self) -> ScriptedTransport:
        return self.transports[-1]


@asynccontextmanager
async def running(channel: Channel, tmp_path: Path, known_as: dict[str, str] | None = None) -> AsyncIterator[Running]:
    """`known_as`: phone numbers that the network knows under another form."""
    listener = Listener(db.app_dsn())
    transports: list[ScriptedTransport] = []

    def make(ref, wiring):
        transports.append(ScriptedTransport(ref, wiring, known_as=known_as or {}))
        return transports[-1]

    host = NumberHost(listener, make, tmp_path, redelivers=ScriptedTransport.redelivers)
    system = Actor.system(channel.company_id)
    async with unit_of_work(system):
        await channels.connect(system, channel.id)
    await listener.start()
    await host.set_wanted([ref_of(channel)])
    try:
        await until(lambda: _is_open(channel))
        yield Running(host, transports)
    finally:
        await host.stop()
        await listener.stop()


async def _is_open(channel: Channel) -> bool:
    actor = Actor.system(channel.company_id)
    async with unit_of_work(actor):
        return (await channels.access_channel(actor, channel.id)).status == ChannelStatus.OPEN


async def conversation_of(actor: Actor, channel: Channel) -> UUID:
    async with unit_of_work(actor):
        known = await channels.access_channel(actor, channel.id)
        message = IncomingMessage(
            wa_id="IN1",
            chat_jid="885491155550001@lid",
            phone="5491155550001",
            lid="885491155550001",
            from_me=False,
            sent_at=datetime.now(UTC),
            type=MessageType.TEXT,
            push_name="Ana",
            text="hola",
        )
        await receive(actor, known, [message])
        return (await sql("SELECT id FROM conversation")).scalar_one()


async def status_of(actor: Actor, message_id: UUID) -> tuple[str, str | None]:
    async with unit_of_work(actor):
        row = (await sql("SELECT status, error FROM message WHERE id = :id", id=message_id)).one()
        return row.status, row.error


async def queue(actor: Actor, conversation_id: UUID, text: str = "buenas") -> UUID:
    async with unit_of_work(actor):
        return (await send_message(actor, conversation_id, text=text)).id


async def test_a_queued_message_is_sent_once_and_gets_its_id(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    conversation = await conversation_of(alice, channel)
    async with running(channel, tmp_path) as number:
        message = await queue(alice, conversation)
        await until(lambda: _reached(alice, message, "sent"))
        number.transport.wiring.on_state(StateChange(ChannelStatus.OPEN))
        second = await queue(alice, conversation, "otra")
        await until(lambda: _reached(alice, second, "sent"))
        assert [o.text for o in number.transport.sent] == ["buenas", "otra"]
        assert number.transport.sent[0].chat_jid == "885491155550001@lid"
    assert number.transport.closed


async def test_a_holder_leaves_its_facts_behind(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    conversation = await conversation_of(alice, channel)
    async with running(channel, tmp_path) as number:
        message = await queue(alice, conversation)
        await until(lambda: _reached(alice, message, "sent"))
        number.transport.failure = SendUnknown()
        lost = await queue(alice, conversation)
        await until(lambda: _reached(alice, lost, "unconfirmed"))
        async with unit_of_work(alice):
            held = await read_facts(alice, channel.id)
    async with unit_of_work(alice):
        facts = await read_facts(alice, channel.id)
        acks = (await sql("SELECT acks FROM channel_lease")).scalar_one()
    assert (held.held, held.pid, held.host) == (True, os.getpid(), os.uname().nodename)
    assert (facts.held, facts.pid, facts.epoch, facts.unconfirmed) == (False, None, 1, 1)
    assert facts.memory_bytes is not None and facts.memory_bytes > 10_000_000
    assert sum(acks) == 1  # what nobody acknowledged is not timed


async def test_a_tick_of_a_customer_is_the_last_receipt(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        await apply_receipts(
            alice, channel.id, [IncomingReceipt(("NOBODYS",), MessageStatus.DELIVERED, datetime.now(UTC))]
        )
    async with unit_of_work(alice):
        assert (await read_facts(alice, channel.id)).last_receipt_at is not None


async def _reached(actor: Actor, message_id: UUID, status: str) -> bool:
    return (await status_of(actor, message_id))[0] == status


@pytest.mark.parametrize(
    ("failure", "status", "error"),
    [
        (SendRefused("not_on_whatsapp"), "failed", "not_on_whatsapp"),
        (SendUnknown(), "unconfirmed", "no_acknowledgement"),
    ],
)
async def test_what_became_of_a_send_is_told_truthfully(
    alice: Actor, tmp_path: Path, failure: Exception, status: str, error: str
):
    channel = await simulator_channel(alice)
    conversation = await conversation_of(alice, channel)
    async with running(channel, tmp_path) as number:
        number.transport.failure = failure
        message = await queue(alice, conversation)
        await until(lambda: _reached(alice, message, status))
        assert await status_of(alice, message) == (status, error)


async def test_a_message_waits_while_the_number_is_not_connected(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    conversation = await conversation_of(alice, channel)
    async with running(channel, tmp_path) as number:
        number.transport.failure = NotConnected()
        number.transport.wiring.on_state(StateChange(ChannelStatus.RECONNECTING, "network_unreachable"))
        message = await queue(alice, conversation)
        await until(lambda: _is_reconnecting(channel))
        assert (await status_of(alice, message))[0] == "queued"
        number.transport.failure = None
        number.transport.wiring.on_state(StateChange(ChannelStatus.OPEN))
        await until(lambda: _reached(alice, message, "sent"))


async def _is_reconnecting(channel: Channel) -> bool:
    actor = Actor.system(channel.company_id)
    async with unit_of_work(actor):
        found = await channels.access_channel(actor, channel.id)
        return (found.status, found.reason) == (ChannelStatus.RECONNECTING, "network_unreachable")


async def test_a_message_of_the_bot_is_dropped_when_a_person_took_over(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    conversation_id = await conversation_of(alice, channel)
    async with unit_of_work(alice):
        conversation = await access_conversation(alice, conversation_id, lock=True)
        answer = await add_outbound(conversation, author=Author.BOT, text="Soy el bot")
    async with unit_of_work(alice):
        await take_over(alice, conversation_id)
    async with running(channel, tmp_path) as number:
        await until(lambda: _reached(alice, answer.id, "failed"))
        assert await status_of(alice, answer.id) == ("failed", "person_took_over")
        assert number.transport.sent == []


async def test_what_a_dead_holder_had_in_hand_is_unconfirmed_and_never_sent_again(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    message = await queue(alice, await conversation_of(alice, channel))
    async with unit_of_work(alice):
        epoch = await acquire_lease(alice, channel.id, holder="dead")
        assert epoch == 1
        claimed = await channels.claim_outbox(alice, channel.id, epoch=1)
        assert claimed is not None
    async with unit_of_work(alice):
        await sql("UPDATE channel_lease SET expires_at = now() - interval '1 second'")
    async with running(channel, tmp_path) as number:
        await until(lambda: _reached(alice, message, "unconfirmed"))
        assert number.transport.sent == []


async def test_a_holder_that_lost_its_lease_claims_nothing(alice: Actor):
    channel = await simulator_channel(alice)
    message = await queue(alice, await conversation_of(alice, channel))
    async with unit_of_work(alice):
        await acquire_lease(alice, channel.id, holder="one")
        await acquire_lease(alice, channel.id, holder="two", holder_is_dead=True)
        assert await channels.claim_outbox(alice, channel.id, epoch=1) is None
    assert (await status_of(alice, message))[0] == "queued"


async def test_a_receipt_that_overtakes_the_send_is_applied_when_it_is_marked(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    conversation = await conversation_of(alice, channel)

    async def read_at_once(_outgoing: Outgoing) -> None:
        async with unit_of_work(alice):
            receipt = IncomingReceipt(("WA1",), MessageStatus.READ, datetime.now(UTC))
            await apply_receipts(alice, channel.id, [receipt])

    async with running(channel, tmp_path) as number:
        number.transport.before_return = read_at_once
        message = await queue(alice, conversation)
        await until(lambda: _reached(alice, message, "read"))


async def test_stopping_finishes_the_send_in_hand_and_releases_the_number(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    conversation = await conversation_of(alice, channel)
    sending, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_outgoing: Outgoing) -> None:
        sending.set()
        await go_on.wait()

    async with running(channel, tmp_path) as number:
        number.transport.before_return = slow
        message = await queue(alice, conversation)
        await sending.wait()
        stopping = asyncio.create_task(number.host.stop())
        go_on.set()
        await stopping
        assert (await status_of(alice, message))[0] == "sent"
        async with unit_of_work(alice):
            assert await acquire_lease(alice, channel.id, holder="next") is not None


async def test_what_was_spooled_is_in_the_journal_before_the_number_is_let_go_of(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    async with running(channel, tmp_path) as number:
        Spool(tmp_path, channel.id).append(17, b"while the database was away")
        await number.host.stop()
        async with unit_of_work(alice):
            assert (await sql("SELECT raw FROM wa_event")).scalars() == [b"while the database was away"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("retry", [False, True])
async def test_a_number_that_is_blocked_for_good_is_to_be_linked_again(alice: Actor, retry: bool):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        linked = await channels.connect(alice, channel.id)
        linked.device_jid = "5491112345678:7@s.whatsapp.net"
        until = utcnow() + timedelta(hours=1) if retry else None
        await report_state(
            alice, channel.id, epoch=None, status=ChannelStatus.BANNED, reason="banned", retry_at=until, ended=not retry
        )
        assert (linked.device_jid is not None) == (linked.desired == "running") == retry


async def test_a_session_that_ends_while_the_number_lets_go_is_told(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    async with running(channel, tmp_path) as number:
        transport = number.transport

        async def ends() -> None:
            transport.wiring.on_state(StateChange(ChannelStatus.LOGGED_OUT, "device_removed", fatal=True))

        transport.before_close = ends
    async with unit_of_work(alice):
        ended = await channels.access_channel(alice, channel.id)
        assert (ended.status, ended.reason, ended.desired) == ("logged_out", "device_removed", "stopped")


async def test_a_number_that_its_owner_logged_out_stays_so_whatever_its_session_says(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        await channels.connect(alice, channel.id)
        await channels.logout(alice, channel.id)
        for reason in ("device_removed", "session_missing"):
            await report_state(
                alice, channel.id, epoch=None, status=ChannelStatus.LOGGED_OUT, reason=reason, ended=True
            )
        assert (await channels.access_channel(alice, channel.id)).reason == "logged_out_by_user"


async def test_a_session_that_ended_stops_the_number_until_its_owner_acts(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        known = await channels.connect(alice, channel.id)
        known.device_jid = "549:1@s.whatsapp.net"
    async with running(channel, tmp_path) as number:
        number.transport.wiring.on_state(StateChange(ChannelStatus.LOGGED_OUT, "device_removed", fatal=True))
        await until(lambda: _not_held(number))
    async with unit_of_work(alice):
        ended = await channels.access_channel(alice, channel.id)
        assert (ended.status, ended.desired, ended.device_jid) == ("logged_out", "stopped", None)


async def _not_held(number: Running) -> bool:
    return not number.host.held


async def test_it_hangs_up_on_a_call_that_rings_when_its_owner_wants_that(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    async with running(channel, tmp_path) as number:
        ring = number.transport.wiring.on_call
        ring(Call("1@lid", "BEFORE", utcnow()))
        await asyncio.sleep(0.2)
        async with unit_of_work(alice):
            await change_settings(alice, channel.id, reject_calls=True)
        ring(Call("1@lid", "OVER", utcnow() - timedelta(seconds=61)))
        ring(Call("1@lid", "RINGS", utcnow()))
        await until(lambda: _rejected(number))
        assert number.transport.rejected == [("1@lid", "RINGS")]


async def _rejected(number: Running) -> bool:
    return bool(number.transport.rejected)


async def test_a_refusal_of_writing_first_pauses_new_chats_until_its_time(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    until_then = utcnow() + timedelta(hours=3)
    async with running(channel, tmp_path) as number:
        number.transport.failure = SendRefused("reachout_timelocked", until=until_then)
        async with unit_of_work(alice):
            message = await send_to_phone(alice, channel.id, to="+5491155550001", text="Hola")
        await until(lambda: _reached(alice, message.id, "failed"))

        async def paused() -> bool:
            async with unit_of_work(alice):
                found = await access_channel(alice, channel.id)
            return found.new_chats_paused_until == until_then

        await until(paused)


async def test_a_refusal_without_a_name_keeps_its_number(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    conversation = await conversation_of(alice, channel)
    async with running(channel, tmp_path) as number:
        number.transport.failure = SendRefused("refused_by_whatsapp", number=479)
        message = await queue(alice, conversation)
        await until(lambda: _reached(alice, message, "failed"))
    async with unit_of_work(alice):
        assert (await session().get_one(Message, message)).payload == {"refused": 479}


async def test_a_send_that_never_ends_does_not_keep_the_number(
    alice: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(number_module, "SEND_IN_HAND_SECONDS", 0.2)
    monkeypatch.setattr(number_module, "CLOSE_SECONDS", 0.2)
    channel = await simulator_channel(alice)
    conversation = await conversation_of(alice, channel)
    sending, never = asyncio.Event(), asyncio.Event()

    async def stuck(_outgoing: Outgoing) -> None:
        sending.set()
        await never.wait()

    async with running(channel, tmp_path) as number:
        number.transport.before_return = stuck
        number.transport.before_close = never.wait
        message = await queue(alice, conversation)
        await sending.wait()
        async with asyncio.timeout(5):
            await number.host.stop()
        async with unit_of_work(alice):
            assert await acquire_lease(alice, channel.id, holder="next") is not None
        assert await status_of(alice, message) == ("unconfirmed", "interrupted"), (
            "perhaps nobody takes the number again"
        )
        never.set()


async def test_a_number_whose_sending_dies_is_let_go_of_and_held_anew(
    alice: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    channel = await simulator_channel(alice)
    conversation = await conversation_of(alice, channel)
    async with running(channel, tmp_path) as number:
        real = number_module.send_queued

        async def broken(*_: object) -> float | None:
            raise RuntimeError("a fault of ours")

        monkeypatch.setattr(number_module, "send_queued", broken)
        message = await queue(alice, conversation)

        async def let_go() -> bool:
            return not number.host.held

        await until(let_go)
        monkeypatch.setattr(number_module, "send_queued", real)
        await number.host.set_wanted([ref_of(channel)])
        await until(lambda: _reached(alice, message, "sent"))


async def test_a_number_whose_sending_was_disturbed_by_a_joining_writes_it_again(
    alice: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    channel = await simulator_channel(alice)
    conversation = await conversation_of(alice, channel)
    real, calls = outbox_module.mark_sent, []

    async def disturbed(*arguments: object, **more: object) -> object:
        calls.append(arguments)
        if len(calls) == 1:
            raise IntegrityError("joined", None, Exception())
        return await real(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(outbox_module, "mark_sent", disturbed)
    async with running(channel, tmp_path) as number:
        message = await queue(alice, conversation)
        await until(lambda: _reached(alice, message, "sent"))
        assert len(calls) == 2 and len(number.transport.sent) == 1


async def test_a_number_is_told_to_connect_anew(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    async with running(channel, tmp_path) as number:
        async with unit_of_work(alice):
            await proxy_changed(channel)

        async def told() -> bool:
            return number.transport.reconnected == 1

        await until(told)
