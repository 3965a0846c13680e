"""A phone scans the QR, and the number is linked; or WhatsApp says why not."""

import re
from datetime import timedelta

import pytest

from saasbot.domain.channels import connect, disconnect, logout
from saasbot.domain.channels.pairing import NothingToScan, request_pair_code
from saasbot.domain.simulator.scan import scan
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.errors import InvalidInput, NotFound
from saasbot.models.table import utcnow
from saasbot.wa_runtime.simulator import pairing
from tests.fixtures.shops import Shop
from tests.fixtures.simulator import OWN_PHONE, RunningSimulator, until


async def test_a_new_number_shows_a_qr_like_whatsapps(simulator: RunningSimulator):
    channel_id = await simulator.add_number()
    code = await simulator.qr(channel_id)
    assert code is not None
    link, _, keys = code.partition("#")
    assert link == "https://wa.me/settings/linked_devices"
    assert len(keys.split(",")) == 5


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
    monkeypatch.setattr(pairing, "LIFETIMES", (1, 1))
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


async def test_a_number_can_be_logged_out_and_linked_to_another_phone(running_simulator: RunningSimulator):
    async with unit_of_work(running_simulator.alice):
        await logout(running_simulator.alice, running_simulator.channel_id)

    async def unlinked() -> bool:
        async with unit_of_work(running_simulator.alice):
            return not (await sql("SELECT linked FROM sim_number")).scalar_one()

    await until(unlinked, "the phone no longer lists the device")
    assert (await running_simulator.status_is("logged_out")).reason == "logged_out_by_user"
    async with unit_of_work(running_simulator.alice):
        await connect(running_simulator.alice, running_simulator.channel_id)
    await running_simulator.status_is("pending_qr")
    await running_simulator.scan(running_simulator.channel_id, phone="5491166660000")
    assert (await running_simulator.channel()).phone == "5491166660000"
