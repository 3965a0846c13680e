"""A phone scans the QR, and the number is linked; or WhatsApp says why not."""

import asyncio
import re
from datetime import timedelta
from uuid import UUID

import pytest

from saasbot.domain.actor import Actor
from saasbot.domain.admin.runtime import NumberToRun
from saasbot.domain.channels import add_channel, connect, disconnect, logout
from saasbot.domain.channels.pairing import NothingToScan, request_pair_code, request_qr
from saasbot.domain.channels.views import read_channels
from saasbot.domain.simulator.scan import scan
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.errors import InvalidInput, NotFound
from saasbot.models import ChannelPairing
from saasbot.models.table import utcnow
from saasbot.state.channel_texts import status_sentence
from saasbot.wa_runtime.simulator import pairing, runtime
from tests.fixtures.shops import Shop
from tests.fixtures.simulator import OWN_PHONE, RunningSimulator, until

OTHER_PHONE = "5491166661111"


async def test_a_new_number_shows_a_qr_like_whatsapps(simulator: RunningSimulator):
    channel_id = await simulator.add_number()
    code = await simulator.qr(channel_id)
    assert code is not None
    link, _, keys = code.partition("#")
    assert link == "https://wa.me/settings/linked_devices"
    assert len(keys.split(",")) == 5


async def test_an_attempt_that_begins_while_the_numbers_are_read_is_not_ended(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
):
    begin, read = runtime.begin_pairing, runtime.numbers_to_run
    may_begin, begun = asyncio.Event(), list[UUID]()
    looks = simulator.network.runtime

    async def begin_later(actor: Actor, channel_id: UUID) -> ChannelPairing:
        await may_begin.wait()
        row = await begin(actor, channel_id)
        begun.append(row.attempt)
        return row

    async def read_slowly(kind: str) -> list[NumberToRun]:
        found = await read(kind)
        if looks._attempts and not may_begin.is_set():
            may_begin.set()
            await until(lambda: _soon(all(attempt.id for attempt in looks._attempts.values())), "the attempt begun")
        return found

    monkeypatch.setattr(runtime, "begin_pairing", begin_later)
    monkeypatch.setattr(runtime, "numbers_to_run", read_slowly)
    async with unit_of_work(simulator.alice):
        channel = await add_channel(simulator.alice, kind="simulator", name="Tienda")
        await connect(simulator.alice, channel.id)
    await until(lambda: _soon(bool(looks._attempts)), "an attempt under way")
    looks._look.set()
    await until(lambda: _soon(bool(begun)), "the attempt begun")
    await simulator.status_is("pending_qr", channel.id)
    await simulator.scan(channel.id)
    assert len(begun) == 1


async def _soon(holds: bool) -> bool:
    return holds


async def test_a_scan_opens_the_number_under_the_phone_that_scanned(simulator: RunningSimulator):
    channel_id = await simulator.add_number()
    await simulator.scan(channel_id)
    channel = await simulator.channel(channel_id)
    assert (channel.phone, channel.push_name) == (OWN_PHONE, "Zapatería Luna")
    assert re.fullmatch(rf"{OWN_PHONE}:\d+@s\.whatsapp\.net", channel.device_jid or "")
    assert await simulator.qr(channel_id) is None


async def test_there_must_be_something_to_scan(running_simulator: RunningSimulator):
    with pytest.raises(NothingToScan):
        async with unit_of_work(running_simulator.alice):
            await scan(running_simulator.alice, running_simulator.channel_id, phone=OWN_PHONE)


async def test_nobody_scans_the_qr_of_another_company(simulator: RunningSimulator, other_shop: Shop):
    channel_id = await simulator.add_number()
    with pytest.raises(NotFound):
        async with unit_of_work(other_shop.alice):
            await scan(other_shop.alice, channel_id, phone=OWN_PHONE)


async def test_a_qr_is_replaced_when_its_time_is_over_and_the_attempt_ends(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pairing, "LIFETIMES", (3, 3))
    channel_id = await simulator.add_number()
    first = await simulator.qr(channel_id)

    async def another() -> bool:
        return await simulator.qr(channel_id) not in (None, first)

    await until(another, "the second QR")
    channel = await simulator.status_is("closed", channel_id)
    assert (channel.reason, channel.desired) == ("qr_expired", "stopped")


async def test_an_expired_qr_cannot_be_scanned(simulator: RunningSimulator):
    channel_id = await simulator.add_number()
    async with unit_of_work(simulator.alice):
        await sql(
            "UPDATE channel_pairing SET expires_at = :past WHERE channel_id = :id",
            past=utcnow() - timedelta(seconds=1),
            id=channel_id,
        )
    with pytest.raises(NothingToScan):
        async with unit_of_work(simulator.alice):
            await scan(simulator.alice, channel_id, phone=OWN_PHONE)


def test_codes_live_as_long_as_whatsapps():
    assert pairing.LIFETIMES[0] == 60
    assert sum(pairing.LIFETIMES) == 160


async def test_pairing_by_code_takes_the_right_code_only(simulator: RunningSimulator):
    channel_id = await simulator.add_number()
    async with unit_of_work(simulator.alice):
        await request_pair_code(simulator.alice, channel_id, phone="+54 9 11 4444 0000")

    async def shown() -> str | None:
        code = await simulator.qr(channel_id)
        return code if code and re.fullmatch(r"[1-9A-Z]{4}-[1-9A-Z]{4}", code) else None

    code = await until(shown, "a code to type")
    with pytest.raises(NothingToScan):
        async with unit_of_work(simulator.alice):
            await scan(simulator.alice, channel_id, phone=OWN_PHONE)
    with pytest.raises(InvalidInput):
        async with unit_of_work(simulator.alice):
            await scan(simulator.alice, channel_id, phone=OWN_PHONE, code="0000-0000")
    async with unit_of_work(simulator.alice):
        await scan(simulator.alice, channel_id, phone=OWN_PHONE, code=code.lower().replace("-", " "))
    await simulator.status_is("open", channel_id)


async def test_a_number_that_needs_a_passkey_is_not_linked(simulator: RunningSimulator):
    channel_id = await simulator.add_number()
    await simulator.fault("passkey", channel_id)
    async with unit_of_work(simulator.alice):
        await scan(simulator.alice, channel_id, phone=OWN_PHONE)
    channel = await simulator.status_is("passkey_required", channel_id)
    assert channel.device_jid is None
    async with unit_of_work(simulator.alice):
        await connect(simulator.alice, channel_id)
    await simulator.status_is("pending_qr", channel_id)
    await simulator.scan(channel_id)


async def test_a_program_that_whatsapp_refuses_cannot_pair(simulator: RunningSimulator):
    channel_id = await simulator.add_number()
    await simulator.fault("client_outdated", channel_id)
    assert (await simulator.status_is("failed", channel_id)).reason == "client_outdated"


async def test_stopping_takes_the_qr_off_the_screen_and_connecting_brings_another(simulator: RunningSimulator):
    channel_id = await simulator.add_number()
    first = await simulator.qr(channel_id)
    async with unit_of_work(simulator.alice):
        await disconnect(simulator.alice, channel_id)
    await simulator.status_is("closed", channel_id)
    assert await simulator.qr(channel_id) is None
    async with unit_of_work(simulator.alice):
        await connect(simulator.alice, channel_id)
    await simulator.status_is("pending_qr", channel_id)
    assert await simulator.qr(channel_id) not in (None, first)


async def _logged_out(simulator: RunningSimulator) -> None:
    """The number, which had `OWN_PHONE`, shows a code again."""
    async with unit_of_work(simulator.alice):
        await logout(simulator.alice, simulator.channel_id)

    async def unlinked() -> bool:
        async with unit_of_work(simulator.alice):
            return not (await sql("SELECT linked FROM sim_number")).scalar_one()

    await until(unlinked, "the phone no longer lists the device")
    async with unit_of_work(simulator.alice):
        await connect(simulator.alice, simulator.channel_id)
    await simulator.status_is("pending_qr")


async def test_linking_it_again_keeps_the_number_and_its_chats(running_simulator: RunningSimulator):
    await running_simulator.write("hola")
    await running_simulator.arrived()
    before = await running_simulator.channel()
    await _logged_out(running_simulator)
    await running_simulator.scan(running_simulator.channel_id)
    after = await running_simulator.channel()
    assert (after.name, after.bot_id, after.bot_enabled) == (before.name, before.bot_id, before.bot_enabled)
    await running_simulator.write("¿siguen ahí?")
    first, second = await running_simulator.arrived(2)
    assert first.conversation_id == second.conversation_id


async def test_another_phone_that_scans_by_mistake_is_refused_and_unlinked(running_simulator: RunningSimulator):
    await _logged_out(running_simulator)
    async with unit_of_work(running_simulator.alice):
        await scan(running_simulator.alice, running_simulator.channel_id, phone=OTHER_PHONE)
    channel = await running_simulator.status_is("failed")
    assert (channel.reason, channel.desired) == ("other_phone", "stopped")
    assert (channel.phone, channel.device_jid) == (OWN_PHONE, None)
    async with unit_of_work(running_simulator.alice):
        assert not (await sql("SELECT linked FROM sim_number")).scalar_one()
        [view] = await read_channels(running_simulator.alice, channel_id=running_simulator.channel_id)
    assert "termina en 0000" in status_sentence(view, "es", "UTC")
    assert "ends in 0000" in status_sentence(view, "en", "UTC")


async def test_after_the_wrong_phone_the_right_one_links_it(running_simulator: RunningSimulator):
    await _logged_out(running_simulator)
    async with unit_of_work(running_simulator.alice):
        await scan(running_simulator.alice, running_simulator.channel_id, phone=OTHER_PHONE)
    await running_simulator.status_is("failed")
    async with unit_of_work(running_simulator.alice):
        await connect(running_simulator.alice, running_simulator.channel_id)
    await running_simulator.status_is("pending_qr")
    await running_simulator.scan(running_simulator.channel_id)


async def test_an_owner_who_wants_another_phone_says_so_and_pairs_it_by_code_as_well(
    running_simulator: RunningSimulator,
):
    await _logged_out(running_simulator)
    alice, channel_id = running_simulator.alice, running_simulator.channel_id
    async with unit_of_work(alice):
        await request_qr(alice, channel_id, any_phone=True)
        await request_pair_code(alice, channel_id, phone=OTHER_PHONE)

    async def shown() -> str | None:
        code = await running_simulator.qr(channel_id)
        return code if code and len(code) == 9 else None

    code = await until(shown, "a code to type")
    async with unit_of_work(alice):
        await scan(alice, channel_id, phone=OTHER_PHONE, code=code)
    assert (await running_simulator.status_is("open")).phone == OTHER_PHONE


async def test_a_number_can_be_logged_out_and_linked_to_another_phone_on_purpose(running_simulator: RunningSimulator):
    async with unit_of_work(running_simulator.alice):
        await logout(running_simulator.alice, running_simulator.channel_id)

    async def unlinked() -> bool:
        async with unit_of_work(running_simulator.alice):
            return not (await sql("SELECT linked FROM sim_number")).scalar_one()

    await until(unlinked, "the phone no longer lists the device")
    assert (await running_simulator.status_is("logged_out")).reason == "logged_out_by_user"
    async with unit_of_work(running_simulator.alice):
        await request_qr(running_simulator.alice, running_simulator.channel_id, any_phone=True)
    await running_simulator.status_is("pending_qr")
    await running_simulator.scan(running_simulator.channel_id, phone=OTHER_PHONE)
    assert (await running_simulator.channel()).phone == OTHER_PHONE
