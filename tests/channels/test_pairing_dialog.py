"""Whose pairing a tab shows, and whether closing its dialog ends the attempt."""

import asyncio
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any

import pytest

from saasbot.domain.actor import Actor
from saasbot.domain.channels import access_channel, disconnect
from saasbot.domain.channels.pairing import begin_pairing, complete_pairing, request_pair_code, request_qr, show_code
from saasbot.infra.db import sql, unit_of_work
from saasbot.models import Channel
from saasbot.models.table import utcnow
from saasbot.realtime.watches import Changes, Reading
from saasbot.state import channels as page
from saasbot.state.channel_rows import PairingView
from tests.fixtures.numbers import simulator_channel

WAITING_FOR_US = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"


@pytest.fixture
def tab(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a tab of Alice's has on the page of the numbers."""

    async def current_actor(_state: Any) -> Actor:
        return alice

    async def locale_of(_state: Any) -> str:
        return "en"

    monkeypatch.setattr(page, "current_actor", current_actor)
    monkeypatch.setattr(page, "locale_of", locale_of)
    nothing = {"rows": [], "bots": [], "loaded": False, "pairing_id": "", "pairing_name": "", "with_code": False}
    return SimpleNamespace(**nothing, pairing=PairingView(), phone_error="", _started_here=False, _dismissed=[])


async def look(tab: Any, actor: Actor) -> None:
    await page._show(tab, await page._read(actor, Changes(everything=True), Reading()))


async def code_shown(actor: Actor, channel: Channel, *, phone: str | None = None) -> None:
    async with unit_of_work(actor):
        if phone is None:
            await request_qr(actor, channel.id)
        else:
            await request_pair_code(actor, channel.id, phone=phone)
        pairing = await begin_pairing(actor, channel.id)
        await show_code(actor, channel.id, attempt=pairing.attempt, code="A", number=1, expires_at=utcnow())


async def linked(actor: Actor, channel: Channel) -> None:
    async with unit_of_work(actor):
        await link(actor, channel)


async def link(actor: Actor, channel: Channel) -> None:
    pairing = await begin_pairing(actor, channel.id)
    await complete_pairing(
        actor,
        channel.id,
        attempt=pairing.attempt,
        device_jid="5491144440000:7@s.whatsapp.net",
        phone="5491144440000",
        lid=None,
        push_name="Ana",
    )


async def test_who_linked_a_number_closes_the_code_of_somebody_else_without_ending_it(alice: Actor, tab: Any):
    hers, his = await simulator_channel(alice), await simulator_channel(alice, "Almacén")
    await page.ChannelsState._connect(tab, alice, hers.id)
    tab.with_code = True  # she looks at the other way to link it
    await code_shown(alice, hers)
    await look(tab, alice)
    assert (tab.pairing_id, tab._started_here, tab.with_code) == (str(hers.id), True, True)
    await linked(alice, hers)
    await look(tab, alice)
    assert (tab.pairing_id, tab._started_here) == ("", False)
    await code_shown(alice, his)
    await look(tab, alice)
    assert (tab.pairing_id, tab._started_here, tab.with_code) == (str(his.id), False, False)


async def test_of_two_codes_shown_elsewhere_each_is_put_away_once(alice: Actor, tab: Any):
    for name in ("Tienda", "Almacén"):
        await code_shown(alice, await simulator_channel(alice, name))
    for _ in range(2):
        await look(tab, alice)
        assert tab.pairing_id
        await page.ChannelsState.close_pairing.fn(tab, False)
    await look(tab, alice)
    assert tab.pairing_id == ""


async def test_who_may_not_link_numbers_sees_no_code(
    alice: Actor, bob: Actor, tab: Any, monkeypatch: pytest.MonkeyPatch
):
    await code_shown(alice, await simulator_channel(alice))

    async def current_actor(_state: Any) -> Actor:
        return bob

    monkeypatch.setattr(page, "current_actor", current_actor)
    await look(tab, bob)
    assert (len(tab.rows), tab.pairing_id) == (1, "")


async def test_a_number_that_is_linked_in_the_moment_its_dialog_is_closed_stays(alice: Actor, tab: Any):
    channel = await simulator_channel(alice)
    await page.ChannelsState._connect(tab, alice, channel.id)
    await look(tab, alice)
    elsewhere = copy_context()
    async with unit_of_work(alice):
        await access_channel(alice, channel.id, lock=True)  # the closing waits for us
        closing = asyncio.create_task(page.ChannelsState.close_pairing.fn(tab, False), context=elsewhere)
        while not (await sql(WAITING_FOR_US)).scalar_one():
            await asyncio.sleep(0.01)
        await link(alice, channel)
    await closing
    async with unit_of_work(alice):
        assert (await access_channel(alice, channel.id)).desired == "running"


async def test_a_code_to_type_that_was_asked_for_elsewhere_is_shown_as_one(alice: Actor, tab: Any):
    channel = await simulator_channel(alice)
    await code_shown(alice, channel, phone="5491144440000")
    await look(tab, alice)
    assert (tab.pairing.by_phone, tab.with_code) == (True, True)
    async with unit_of_work(alice):
        await disconnect(alice, channel.id)
    await look(tab, alice)
    assert (tab.pairing_id, tab.with_code) == ("", False)
