"""What owners do with numbers."""

from uuid import UUID

import psycopg
import pytest

from saasbot.domain import channels
from saasbot.domain.actor import Actor
from saasbot.domain.channels.lease import acquire_lease, lease_holder, release_lease
from saasbot.domain.channels.pairing import (
    AlreadyPaired,
    current_pairing,
    digits_of_phone,
    request_pair_code,
    request_qr,
)
from saasbot.domain.channels.unlinking import FORGET_TASK
from saasbot.infra import db
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import Forbidden, InvalidInput, NotFound
from saasbot.jobs import channels as jobs
from saasbot.models import ChannelStatus, Desired
from saasbot.models.table import new_id, utcnow
from tests.fixtures.numbers import simulator_channel


async def test_a_new_number_is_closed_and_has_the_first_bot(alice: Actor):
    channel = await simulator_channel(alice)
    assert (channel.status, channel.desired) == (ChannelStatus.CLOSED, Desired.STOPPED)
    assert channel.bot_id is not None


async def test_an_agent_may_not_add_numbers(bob: Actor):
    with pytest.raises(Forbidden):
        await simulator_channel(bob)


@pytest.mark.parametrize(("kind", "name"), [("telegram", "x"), ("simulator", "  "), ("simulator", "x" * 81)])
async def test_bad_numbers_get_a_clear_error(alice: Actor, kind: str, name: str):
    with pytest.raises(InvalidInput):
        async with unit_of_work(alice):
            await channels.add_channel(alice, kind=kind, name=name)


async def test_the_number_of_another_company_looks_like_none(alice: Actor, mallory: Actor):
    channel = await simulator_channel(alice)
    for use_case in (channels.connect, channels.disconnect, channels.logout, channels.delete_channel, request_qr):
        with pytest.raises(NotFound):
            async with unit_of_work(mallory):
                await use_case(mallory, channel.id)
    async with unit_of_work(mallory):
        assert await channels.list_channels(mallory) == []


async def test_a_bot_of_another_company_cannot_be_put_on_a_number(alice: Actor, mallory: Actor):
    hers = await simulator_channel(mallory)
    channel = await simulator_channel(alice)
    with pytest.raises(NotFound):
        async with unit_of_work(alice):
            await channels.update_channel(alice, channel.id, bot_id=hers.bot_id)


async def test_a_stopped_number_stays_stopped_and_a_connected_one_wants_to_run(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        await channels.connect(alice, channel.id)
        again = await channels.connect(alice, channel.id)
        assert (again.desired, again.status) == (Desired.RUNNING, ChannelStatus.STARTING)
    async with unit_of_work(alice):
        stopped = await channels.disconnect(alice, channel.id)
        assert (stopped.desired, stopped.status) == (Desired.STOPPED, ChannelStatus.CLOSED)


async def test_since_moves_only_when_the_state_does(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        first = (await channels.connect(alice, channel.id)).since
    async with unit_of_work(alice):
        assert (await channels.connect(alice, channel.id)).since == first


async def test_a_pairing_ends_as_a_linked_number(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        attempt = (await channels.begin_pairing(alice, channel.id)).attempt
        assert await channels.show_code(alice, channel.id, attempt=attempt, code="qr", number=1, expires_at=utcnow())
    async with unit_of_work(alice):
        assert (await channels.access_channel(alice, channel.id)).status == ChannelStatus.PENDING_QR
        assert await channels.complete_pairing(
            alice, channel.id, attempt=attempt, device_jid="549:1@s", phone="549", lid=None, push_name="Ana"
        )
    async with unit_of_work(alice):
        linked = await channels.access_channel(alice, channel.id)
        assert (linked.device_jid, linked.desired) == ("549:1@s", Desired.RUNNING)
        assert await current_pairing(alice, channel.id) is None
        with pytest.raises(AlreadyPaired):
            await request_qr(alice, channel.id)


@pytest.mark.parametrize(("kind", "twice"), [("whatsapp", False), ("simulator", True)])
async def test_a_phone_that_another_number_of_the_company_has_is_not_linked_again(alice: Actor, kind: str, twice: bool):
    channel_ids = []
    async with unit_of_work(alice):
        for name in ("Centro", "Norte", "Sur"):
            channel_ids.append((await channels.add_channel(alice, kind=kind, name=name)).id)

    async def link(channel_id: UUID) -> bool:
        async with unit_of_work(alice):
            attempt = (await channels.begin_pairing(alice, channel_id)).attempt
            return await channels.complete_pairing(
                alice, channel_id, attempt=attempt, device_jid="549:1@s", phone="549", lid=None, push_name=""
            )

    centro, norte, sur = channel_ids
    assert await link(centro)
    assert await link(norte) is twice
    async with unit_of_work(alice):
        refused = await channels.access_channel(alice, norte)
        assert twice or (refused.status, refused.reason, refused.device_jid) == ("failed", "phone_in_use", None)
        await channels.logout(alice, centro)
    assert await link(sur), "the other number is logged out"


async def test_an_attempt_that_was_replaced_shows_nothing_more(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        old = (await channels.begin_pairing(alice, channel.id)).attempt
    async with unit_of_work(alice):
        await request_pair_code(alice, channel.id, phone="+54 9 11 1234-5678")
    async with unit_of_work(alice):
        assert not await channels.show_code(alice, channel.id, attempt=old, code="qr", number=2, expires_at=utcnow())
        assert not await channels.complete_pairing(
            alice, channel.id, attempt=old, device_jid="1:1@s", phone="1", lid=None, push_name=""
        )
        fresh = await current_pairing(alice, channel.id)
        assert fresh is not None
        assert (fresh.phone, fresh.code) == ("5491112345678", None)


async def test_an_expired_qr_closes_the_number_until_asked_again(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        await channels.connect(alice, channel.id)
        attempt = (await channels.begin_pairing(alice, channel.id)).attempt
        await channels.fail_pairing(alice, channel.id, attempt=attempt, reason="qr_expired")
        await channels.fail_pairing(alice, channel.id, attempt=new_id(), reason="passkey_required")
    async with unit_of_work(alice):
        closed = await channels.access_channel(alice, channel.id)
        assert (closed.status, closed.reason, closed.desired) == (ChannelStatus.CLOSED, "qr_expired", Desired.STOPPED)


async def test_logging_out_forgets_the_session_and_keeps_the_number(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        (await channels.access_channel(alice, channel.id)).device_jid = "549:1@s"
    async with unit_of_work(alice):
        out = await channels.logout(alice, channel.id)
        assert (out.id, out.device_jid, out.status) == (channel.id, None, ChannelStatus.LOGGED_OUT)


class FakeStore:
    """The library's, which has these sessions."""

    def __init__(self, *devices: str) -> None:
        self.devices = set(devices)

    async def has(self, _dsn: str, device: str) -> bool:
        return device in self.devices

    async def forget(self, _dsn: str, device: str) -> None:
        self.devices.remove(device)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeStore:
    fake = FakeStore("549:1@s")
    monkeypatch.setattr(jobs, "has_session", fake.has)
    monkeypatch.setattr(jobs, "forget_session", fake.forget)
    return fake


async def linked_whatsapp(alice: Actor) -> UUID:
    async with unit_of_work(alice):
        channel = await channels.add_channel(alice, kind="whatsapp", name="Tienda")
        channel.device_jid = "549:1@s"
    return channel.id


async def forget_logged_out() -> None:
    """The jobs that wait run, whatever their hour; they go on waiting."""
    async with await psycopg.AsyncConnection.connect(db.app_dsn(), autocommit=True) as connection:
        waiting = await connection.execute("SELECT args FROM procrastinate_jobs WHERE task_name = %s", [FORGET_TASK])
        for (args,) in await waiting.fetchall():
            await jobs.forget_session_logged_out(**args)


async def test_a_session_is_not_forgotten_while_somebody_holds_it(alice: Actor, store: FakeStore):
    channel_id = await linked_whatsapp(alice)
    async with unit_of_work(alice):
        epoch = await acquire_lease(alice, channel_id, holder="another-machine/1/1")
        assert epoch is not None
        await channels.logout(alice, channel_id)
    with pytest.raises(jobs.StillHeld):
        await forget_logged_out()
    assert store.devices
    async with unit_of_work(alice):
        await release_lease(alice, channel_id, epoch=epoch)
    await forget_logged_out()
    assert not store.devices
    async with unit_of_work(alice):
        out = await channels.access_channel(alice, channel_id)
        assert (out.status, out.reason) == ("logged_out", "unlink_on_phone")
        assert await lease_holder(alice, channel_id) is None


async def test_who_was_unlinked_at_whatsapp_has_nothing_left_to_do(alice: Actor, store: FakeStore):
    channel_id = await linked_whatsapp(alice)
    async with unit_of_work(alice):
        await channels.logout(alice, channel_id)
    store.devices.clear()
    await forget_logged_out()
    async with unit_of_work(alice):
        assert (await channels.access_channel(alice, channel_id)).reason == "logged_out_by_user"


async def test_the_session_of_a_deleted_number_is_forgotten(alice: Actor, store: FakeStore):
    channel_id = await linked_whatsapp(alice)
    async with unit_of_work(alice):
        await channels.delete_channel(alice, channel_id)
    await forget_logged_out()
    assert not store.devices


@pytest.mark.parametrize(("device", "kept"), [("549:1@s", True), ("550:2@s", False)])
async def test_a_number_that_was_linked_again_keeps_its_new_session_only(
    alice: Actor, store: FakeStore, device: str, kept: bool
):
    channel_id = await linked_whatsapp(alice)
    async with unit_of_work(alice):
        await channels.logout(alice, channel_id)
    async with unit_of_work(alice):
        (await channels.connect(alice, channel_id)).device_jid = device
        await acquire_lease(alice, channel_id, holder="another-machine/1/1")
    await forget_logged_out()
    assert bool(store.devices) is kept
    async with unit_of_work(alice):
        assert (await channels.access_channel(alice, channel_id)).status == "starting"


@pytest.mark.parametrize("phone", ["", "abc", "12", "+", "+54 9 11 1234 5678 9012 3456", "; DROP TABLE channel"])
def test_a_phone_that_is_none_gets_a_sentence(phone: str):
    with pytest.raises(InvalidInput, match="country code"):
        digits_of_phone(phone)
