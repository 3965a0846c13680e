"""The runner of a number: sends at most once, never for a bot that was overtaken, and lets go cleanly."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from saasbot.domain import channels
from saasbot.domain.actor import Actor
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.channel_settings import change_settings
from saasbot.domain.channels.facts import read_facts
from saasbot.domain.channels.lease import acquire_lease
from saasbot.domain.channels.outbox import OutboxMessage
from saasbot.domain.channels.proxy import proxy_changed
from saasbot.domain.channels.state import report_state
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.change import edit
from saasbot.domain.inbox.incoming import IncomingMessage, IncomingReceipt
from saasbot.domain.inbox.outbound import add_outbound
from saasbot.domain.inbox.ownership import take_over
from saasbot.domain.inbox.receipts import apply_receipts
from saasbot.domain.inbox.receive import receive
from saasbot.domain.inbox.send import send_message, send_to_phone
from saasbot.infra import db
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.infra.events import Listener
from saasbot.infra.storage import StorageUnavailable, storage
from saasbot.models import Author, Channel, ChannelStatus, Media, Message, MessageStatus, MessageType
from saasbot.models.table import utcnow
from saasbot.wa_runtime import host as host_module
from saasbot.wa_runtime import number as number_module
from saasbot.wa_runtime import number_lease, number_states
from saasbot.wa_runtime import outbox as outbox_module
from saasbot.wa_runtime.host import NumberHost
from saasbot.wa_runtime.media import room_for
from saasbot.wa_runtime.spool import Spool
from saasbot.wa_runtime.transport import (
    Call,
    NotConnected,
    Outgoing,
    SendBusy,
    SendDelayed,
    SendRefused,
    SendUnknown,
    Sent,
    StateChange,
)
from tests.fixtures.numbers import HEARD_AT, ScriptedTransport, ref_of, simulator_channel, until

LARGE = 90 * 1024 * 1024


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
        linked = await channels.connect(system, channel.id)
    await listener.start()
    await host.set_wanted([ref_of(linked)])
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
    assert facts.heard_at == HEARD_AT
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


async def test_what_finds_the_network_busy_is_tried_again_at_once_unless_a_person_has_taken_its_chat(
    alice: Actor, tmp_path: Path
):
    channel = await simulator_channel(alice)
    conversation_id = await conversation_of(alice, channel)
    tried: list[str] = []
    async with running(channel, tmp_path) as number:
        real = number.transport.send

        async def send(outgoing: Outgoing, prepared: object = None) -> Sent:
            tried.append(outgoing.text)
            if len(tried) == 1:
                raise SendBusy
            if outgoing.text == "Soy el bot":
                async with unit_of_work(alice):
                    await take_over(alice, conversation_id)
                raise SendBusy
            return await real(outgoing, prepared)

        number.transport.send = send  # type: ignore[method-assign]
        async with unit_of_work(alice):
            other = await send_to_phone(alice, channel.id, to="+5491155550002", text="Hola")
        await until(lambda: _reached(alice, other.id, "sent"))
        async with unit_of_work(alice):
            conversation = await access_conversation(alice, conversation_id, lock=True)
            answer = await add_outbound(conversation, author=Author.BOT, text="Soy el bot")
        await until(lambda: _reached(alice, answer.id, "failed"))
        assert await status_of(alice, answer.id) == ("failed", "person_took_over")
        assert tried == ["Hola", "Hola", "Soy el bot"]


async def test_a_message_waits_while_the_number_is_not_connected(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    conversation = await conversation_of(alice, channel)
    async with running(channel, tmp_path) as number:
        number.transport.failure = NotConnected()
        number.transport.wiring.on_state(StateChange(ChannelStatus.RECONNECTING, "network_unreachable"))
        message = await queue(alice, conversation)
        await until(lambda: _is_reconnecting(channel))
        await until(lambda: _reached(alice, message, "queued"))  # also when it was just being tried
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


async def photo_of_the_bot(actor: Actor, conversation_id: UUID) -> UUID:
    """It is queued."""
    key = f"{actor.company_id}/media/photo"
    await storage().put(key, b"a photo", "image/jpeg")
    async with unit_of_work(actor):
        file = Media(company_id=actor.company_id, storage_key=key, mime="image/jpeg", size=7)
        session().add(file)
        await session().flush()
        conversation = await access_conversation(actor, conversation_id, lock=True)
        return (await add_outbound(conversation, author=Author.BOT, type=MessageType.IMAGE, media_id=file.id)).id


async def test_a_photo_of_the_bot_does_not_leave_when_a_person_took_over_during_its_upload(
    alice: Actor, tmp_path: Path
):
    channel = await simulator_channel(alice)
    conversation_id = await conversation_of(alice, channel)
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(_outgoing: Outgoing) -> None:
        began.set()
        await go_on.wait()

    async with running(channel, tmp_path) as number:
        number.transport.prepare = slowly  # type: ignore[method-assign]
        photo = await photo_of_the_bot(alice, conversation_id)
        await began.wait()
        async with unit_of_work(alice):
            await take_over(alice, conversation_id)
        go_on.set()
        await until(lambda: _reached(alice, photo, "failed"))
        assert await status_of(alice, photo) == ("failed", "person_took_over")
        assert number.transport.sent == []


@pytest.mark.parametrize("meanwhile", ["taken", "stopped", "free"])
async def test_a_file_that_finds_the_network_busy_is_uploaded_once_and_asked_about_anew(
    alice: Actor, tmp_path: Path, meanwhile: str
):
    channel = await simulator_channel(alice)
    conversation_id = await conversation_of(alice, channel)
    uploads, tries, stopping = list[Outgoing](), list[Outgoing](), list[asyncio.Task[None]]()
    async with running(channel, tmp_path) as number:
        real = number.transport.send

        async def prepare(outgoing: Outgoing) -> None:
            uploads.append(outgoing)

        async def send(outgoing: Outgoing, prepared: object = None) -> Sent:
            tries.append(outgoing)
            if len(tries) > 2:
                return await real(outgoing, prepared)
            if len(tries) == 2 and meanwhile == "taken":
                async with unit_of_work(alice):
                    await take_over(alice, conversation_id)
            if len(tries) == 2 and meanwhile == "stopped":
                stopping.append(asyncio.create_task(number.host.stop()))
                await asyncio.sleep(0.2)
            raise SendBusy

        number.transport.prepare = prepare  # type: ignore[method-assign]
        number.transport.send = send  # type: ignore[method-assign]
        photo = await photo_of_the_bot(alice, conversation_id)
        became = {"taken": "failed", "stopped": "queued", "free": "sent"}[meanwhile]
        await until(lambda: _is_over(stopping, alice, photo, became))
        assert len(uploads) == 1
        assert len(number.transport.sent) == (1 if meanwhile == "free" else 0)


async def _is_over(stopping: list[asyncio.Task[None]], actor: Actor, message_id: UUID, status: str) -> bool:
    return (status != "queued" or any(task.done() for task in stopping)) and await _reached(actor, message_id, status)


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


async def test_a_number_that_is_let_go_of_while_its_process_ends_is_drained_all_the_same(alice: Actor, tmp_path: Path):
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
        following = asyncio.create_task(number.host.set_wanted([]))
        await asyncio.sleep(0.05)
        following.cancel()
        stopping = asyncio.create_task(number.host.stop())
        await asyncio.sleep(0.05)
        go_on.set()
        await stopping
        assert (await status_of(alice, message))[0] == "sent"
        assert number.transport.closed
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


async def test_a_number_that_was_stopped_and_started_before_its_holder_heard_of_it_says_how_it_is(
    alice: Actor, tmp_path: Path
):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        known = await channels.access_channel(alice, channel.id)
        channel.device_jid = known.device_jid = "549:1@s.whatsapp.net"
    async with running(channel, tmp_path) as number:
        async with unit_of_work(alice):
            await channels.disconnect(alice, channel.id)
        async with unit_of_work(alice):
            assert (await channels.connect(alice, channel.id)).status == "starting"
        await until(lambda: _is_open(channel))
        assert len(number.transports) == 1


@pytest.mark.parametrize("status", [ChannelStatus.FAILED, ChannelStatus.LOGGED_OUT])
async def test_a_number_that_was_stopped_stays_as_its_owner_left_it_unless_its_session_is_gone(
    alice: Actor, status: ChannelStatus
):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        known = await channels.connect(alice, channel.id)
        known.device_jid = session_of_it = "549:1@s.whatsapp.net"
        await channels.disconnect(alice, channel.id)
        await report_state(
            alice, channel.id, epoch=None, device_jid=session_of_it, status=status, reason="why", ended=True
        )
        gone = status == ChannelStatus.LOGGED_OUT
        assert (known.status, known.reason) == (("logged_out", "why") if gone else ("closed", "stopped_by_user"))


async def test_a_number_whose_lease_has_lapsed_says_how_it_is_when_it_is_connected(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        (await channels.access_channel(alice, channel.id)).device_jid = "549:1@s.whatsapp.net"
    async with running(channel, tmp_path):
        async with unit_of_work(alice):
            await sql("UPDATE channel_lease SET expires_at = clock_timestamp() - interval '1 second'")
            await channels.disconnect(alice, channel.id)
        async with unit_of_work(alice):
            assert (await channels.connect(alice, channel.id)).status == "starting"
        await until(lambda: _is_open(channel))


async def test_after_notifications_may_have_been_lost_a_number_says_how_it_is_and_no_loss_twice(
    alice: Actor, tmp_path: Path
):
    channel = await simulator_channel(alice)
    async with running(channel, tmp_path) as number:
        number.transport.wiring.on_state(StateChange(ChannelStatus.RECONNECTING, "library_fault"))
        await until(lambda: _gaps_told(alice, 1))
        async with unit_of_work(alice):
            await sql(
                "UPDATE channel_gap SET began_at = began_at - interval '1 day', ended_at = ended_at - interval '1 day'"
            )
            await sql("UPDATE channel SET status = 'starting', reason = NULL")
        number.host._wake_all()

        async def said() -> bool:
            async with unit_of_work(alice):
                return (await channels.access_channel(alice, channel.id)).reason == "library_fault"

        await until(said)
        assert await _gaps_told(alice, 1)


async def test_a_lease_that_was_renewed_late_has_the_number_say_how_it_is(
    alice: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(number_lease, "RENEW_SECONDS", 0.5)
    monkeypatch.setattr(number_lease, "LEASE_SECONDS", 0.4)
    channel = await simulator_channel(alice)
    async with running(channel, tmp_path):
        async with unit_of_work(alice):  # another server takes it for held by nobody
            await sql("UPDATE channel SET status = 'starting'")
        await until(lambda: _is_open(channel))


async def _gaps_told(alice: Actor, count: int) -> bool:
    async with unit_of_work(alice):
        gaps = (await sql("SELECT ended_at FROM channel_gap")).scalars()
    return len(gaps) == count and None not in gaps


@pytest.mark.parametrize("retry", [False, True])
async def test_a_number_that_is_blocked_for_good_is_to_be_linked_again(alice: Actor, retry: bool):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        linked = await channels.connect(alice, channel.id)
        linked.device_jid = "5491112345678:7@s.whatsapp.net"
        until = utcnow() + timedelta(hours=1) if retry else None
        await report_state(
            alice,
            channel.id,
            epoch=None,
            device_jid=linked.device_jid,
            status=ChannelStatus.BANNED,
            reason="banned",
            retry_at=until,
            ended=not retry,
        )
        assert (linked.device_jid is not None) == (linked.desired == "running") == retry


async def test_a_session_that_ends_while_the_number_lets_go_is_told(
    alice: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(number_states, "LAST_STATE_SECONDS", 10)
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
        linked = await channels.connect(alice, channel.id)
        linked.device_jid = session_of_it = "549:1@s.whatsapp.net"
        await channels.logout(alice, channel.id)
        for reason in ("device_removed", "session_missing"):
            await report_state(
                alice,
                channel.id,
                epoch=None,
                device_jid=session_of_it,
                status=ChannelStatus.LOGGED_OUT,
                reason=reason,
                ended=True,
            )
        assert (await channels.access_channel(alice, channel.id)).reason == "logged_out_by_user"


@pytest.mark.parametrize("linked_anew", [False, True])
async def test_what_an_old_session_says_of_its_end_is_not_said_of_a_number_that_was_connected_again(
    alice: Actor, tmp_path: Path, linked_anew: bool
):
    channel, anew = await simulator_channel(alice), "549:2@s.whatsapp.net" if linked_anew else None
    async with unit_of_work(alice):
        (await channels.access_channel(alice, channel.id)).device_jid = "549:1@s.whatsapp.net"
    async with running(channel, tmp_path) as number:
        async with unit_of_work(alice):
            await channels.logout(alice, channel.id)
            (await channels.connect(alice, channel.id)).device_jid = anew
        number.transport.wiring.on_state(StateChange(ChannelStatus.LOGGED_OUT, "logged_out_by_user", fatal=True))
        await until(lambda: _not_held(number))
    async with unit_of_work(alice):
        known = await channels.access_channel(alice, channel.id)
        assert (known.status, known.desired, known.device_jid) == ("starting", "running", anew)


async def test_a_number_is_let_go_of_by_who_works_for_a_session_that_it_has_no_more(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    async with running(channel, tmp_path) as number:
        async with unit_of_work(alice):
            (await channels.access_channel(alice, channel.id)).device_jid = "549:2@s.whatsapp.net"
        number.transport.wiring.on_state(StateChange(ChannelStatus.RECONNECTING, "network_unreachable"))
        await until(lambda: _not_held(number))
    async with unit_of_work(alice):
        assert (await channels.access_channel(alice, channel.id)).status == "open"


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


@asynccontextmanager
async def dying(
    alice: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Channel, Running, UUID]]:
    """A number that dies of each message to send, and such a message."""
    channel = await simulator_channel(alice)
    conversation = await conversation_of(alice, channel)

    async def broken(*_: object) -> float | None:
        raise RuntimeError("a fault of ours")

    async with running(channel, tmp_path) as number:
        monkeypatch.setattr(number_module, "send_queued", broken)
        yield channel, number, await queue(alice, conversation)


async def test_a_number_that_dies_says_so_and_begins_anew_after_a_pause(
    alice: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    real = number_module.send_queued
    async with dying(alice, tmp_path, monkeypatch) as (channel, number, message):

        async def told() -> bool:
            async with unit_of_work(alice):
                known = await access_channel(alice, channel.id)
            return (known.status, known.reason) == ("reconnecting", "transport_fault") and known.retry_at is not None

        await until(told)
        assert not number.host.held
        before = len(number.transports)
        await number.host.set_wanted([number.transport.ref])
        assert len(number.transports) == before, "a look of the app does not cut the pause short"
        monkeypatch.setattr(number_module, "send_queued", real)
        await until(lambda: _reached(alice, message, "sent"))
        assert number.host.held


async def test_the_pauses_of_a_number_that_goes_on_dying_grow_until_it_ran_for_long(
    alice: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    counted: list[int] = []

    def counting(failures: int, *, first: float, longest: float) -> float:
        counted.append(failures)
        if failures == 3:
            monkeypatch.setattr(host_module, "STEADY_SECONDS", 0)
        return 0.01

    monkeypatch.setattr(host_module, "pause_seconds", counting)
    async with dying(alice, tmp_path, monkeypatch):

        async def often() -> bool:
            return len(counted) >= 4

        await until(often)
        assert counted[:4] == [1, 2, 3, 1]


@pytest.mark.parametrize("end", ["unwanted", "linked_anew", "stopped"])
async def test_the_pause_of_a_number_that_died_ends_with_its_wish(
    alice: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
):
    monkeypatch.setattr(host_module, "pause_seconds", lambda *_, **__: 1000.0)
    async with dying(alice, tmp_path, monkeypatch) as (_, number, _):
        await until(lambda: _not_held(number))
        ref, anew = number.transport.ref, replace(number.transport.ref, device_jid="549:2@s.whatsapp.net")

        async def follows() -> bool:
            return number.transport.ref == (anew if end == "linked_anew" else ref) and len(number.transports) == 2

        async with asyncio.timeout(10):
            if end == "stopped":
                await number.host.stop()
                return
            if end == "unwanted":
                await number.host.set_wanted([])
            await number.host.set_wanted([anew if end == "linked_anew" else ref])
            await until(follows)


async def test_a_number_that_dies_when_it_is_stopped_makes_no_pause(
    alice: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(host_module, "pause_seconds", lambda *_, **__: 1000.0)
    async with running(await simulator_channel(alice), tmp_path) as number:

        async def fails() -> None:
            raise RuntimeError("a fault of ours")

        number.transport.before_close = fails
        async with asyncio.timeout(10):
            await number.host.set_wanted([])
        assert not number.host.held


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


async def test_what_cannot_leave_for_itself_alone_holds_its_chat_and_no_other(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    conversation = await conversation_of(alice, channel)
    async with running(channel, tmp_path) as number:
        transport, real = number.transport, number.transport.send
        in_trouble = True

        async def send(outgoing: Outgoing, prepared: object = None) -> Sent:
            if in_trouble and outgoing.chat_jid == "885491155550001@lid":
                raise SendDelayed("info query returned status 500")
            return await real(outgoing, prepared)

        transport.send = send  # type: ignore[method-assign]
        first, second = await queue(alice, conversation, "uno"), await queue(alice, conversation, "dos")
        async with unit_of_work(alice):
            other = await send_to_phone(alice, channel.id, to="+5491155550002", text="tres")
        await until(lambda: _reached(alice, other.id, "sent"))
        async with unit_of_work(alice):
            held = await session().get_one(Message, first)
            assert (held.status, held.held_reason) == ("queued", "no_answer")
        in_trouble = False
        async with unit_of_work(alice):
            await sql("UPDATE message SET held_until = clock_timestamp() WHERE held_until IS NOT NULL")
        transport.wiring.on_state(StateChange(ChannelStatus.OPEN))
        await until(lambda: _reached(alice, second, "sent"))
        assert [sent.text for sent in transport.sent] == ["tres", "uno", "dos"]


async def test_a_file_that_cannot_be_read_holds_its_chat_and_no_other(
    alice: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    channel = await simulator_channel(alice)
    conversation = await conversation_of(alice, channel)
    real = outbox_module.outgoing_message

    async def denied(message: OutboxMessage) -> Outgoing:
        if message.text == "con archivo":
            raise StorageUnavailable
        return await real(message)

    monkeypatch.setattr(outbox_module, "outgoing_message", denied)
    async with running(channel, tmp_path):
        held = await queue(alice, conversation, "con archivo")
        async with unit_of_work(alice):
            other = await send_to_phone(alice, channel.id, to="+5491155550002", text="Hola")
        await until(lambda: _reached(alice, other.id, "sent"))
        async with unit_of_work(alice):
            assert (await session().get_one(Message, held)).held_reason == "file_unreachable"


async def test_a_file_that_cannot_be_uploaded_now_holds_its_chat_and_says_why(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    conversation = await conversation_of(alice, channel)
    async with running(channel, tmp_path) as number:
        real = number.transport.prepare

        async def prepare(outgoing: Outgoing) -> object:
            if outgoing.text == "con archivo":
                raise SendDelayed("failed to execute request", reason="upload_failed")
            return await real(outgoing)

        number.transport.prepare = prepare  # type: ignore[method-assign]
        held, behind = await queue(alice, conversation, "con archivo"), await queue(alice, conversation, "¿La viste?")
        async with unit_of_work(alice):
            other = await send_to_phone(alice, channel.id, to="+5491155550002", text="Hola")
        await until(lambda: _reached(alice, other.id, "sent"))
        async with unit_of_work(alice):
            assert (await session().get_one(Message, held)).held_reason == "upload_failed"
            assert (await session().get_one(Message, behind)).status == "queued"


async def test_an_act_that_cannot_be_done_now_keeps_no_message(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    conversation = await conversation_of(alice, channel)
    async with running(channel, tmp_path) as number:
        sent = await queue(alice, conversation)
        await until(lambda: _reached(alice, sent, "sent"))
        transport, real = number.transport, number.transport.send

        async def send(outgoing: Outgoing, prepared: object = None) -> Sent:
            if outgoing.target is not None:
                raise SendDelayed("info query returned status 500")
            return await real(outgoing, prepared)

        transport.send = send  # type: ignore[method-assign]
        async with unit_of_work(alice):
            await edit(alice, conversation, sent, text="muy buenas")
        after = await queue(alice, conversation, "otra")

        async def act_is(status: str) -> bool:
            async with unit_of_work(alice):
                return (await sql("SELECT status FROM outgoing_act")).scalar_one() == status

        await until(lambda: _reached(alice, after, "sent"))
        await until(lambda: act_is("queued"))  # between two tries; in one it is on its way
        transport.send = real  # type: ignore[method-assign]
        transport.wiring.on_state(StateChange(ChannelStatus.OPEN))
        await until(lambda: act_is("sent"))


async def test_a_large_file_that_finds_no_room_holds_its_chat_and_no_other(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    conversation = await conversation_of(alice, channel)
    async with room_for(LARGE), running(channel, tmp_path) as number:  # another number of the process fetches a video
        async with unit_of_work(alice):
            known = await access_conversation(alice, conversation, lock=True)
            file = Media(company_id=known.company_id, storage_key="nowhere", size=LARGE)
            session().add(file)
            await session().flush()
            held = await add_outbound(known, author=Author.AGENT, type=MessageType.DOCUMENT, media_id=file.id)
            other = await send_to_phone(alice, channel.id, to="+5491155550002", text="Hola")
        await until(lambda: _reached(alice, other.id, "sent"))
        async with unit_of_work(alice):
            found = await session().get_one(Message, held.id)
            assert (found.status, found.held_reason) == ("queued", "no_room")
        assert len(number.transport.sent) == 1


async def test_what_was_to_be_tried_again_soon_is_so_although_something_else_left_meanwhile(
    alice: Actor, tmp_path: Path
):
    channel = await simulator_channel(alice)
    conversation_id = await conversation_of(alice, channel)

    async def unreachable(_outgoing: object) -> Any:
        raise StorageUnavailable

    async with running(channel, tmp_path) as number:
        number.transport.prepare = unreachable  # type: ignore[method-assign]
        photo = await photo_of_the_bot(alice, conversation_id)
        await until(lambda: _is_held(alice, photo))
        del number.transport.prepare
        async with unit_of_work(alice):
            other = await send_to_phone(alice, channel.id, to="+5491155550002", text="Hola")
        await until(lambda: _reached(alice, other.id, "sent"))
        await until(lambda: _reached(alice, photo, "sent"), seconds=15)  # held for five; nothing else wakes the outbox


async def _is_held(actor: Actor, message_id: UUID) -> bool:
    async with unit_of_work(actor):
        return (await session().get_one(Message, message_id)).held_reason is not None


@pytest.mark.parametrize("step", ["file", "upload", "question"])
async def test_what_was_still_being_prepared_when_the_number_stops_stays_queued(
    alice: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
):
    channel = await simulator_channel(alice)
    conversation = await conversation_of(alice, channel)
    began = asyncio.Event()

    async def never(_what: object) -> Any:
        began.set()
        await asyncio.Event().wait()

    async with running(channel, tmp_path) as number:
        if step == "file":
            monkeypatch.setattr(outbox_module, "outgoing_message", never)
            message = await queue(alice, conversation)
        elif step == "upload":
            number.transport.prepare = never  # type: ignore[method-assign]
            message = await queue(alice, conversation)
        else:
            number.transport.lookup = never  # type: ignore[method-assign]
            async with unit_of_work(alice):
                message = (await send_to_phone(alice, channel.id, to="+5491155550002", text="Hola")).id
        await began.wait()
        async with asyncio.timeout(5):
            await number.host.stop()
        assert await status_of(alice, message) == ("queued", None), "nothing of it can have left"
        assert number.transport.sent == []
