"""Attempts to link numbers: how many at once, under which name, through which proxy, and what is left of an abandoned one."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from saasbot.domain.admin.runtime import numbers_to_run
from saasbot.domain.channels import access_channel, add_channel, begin_pairing, connect, disconnect
from saasbot.domain.channels.channel_settings import change_settings
from saasbot.domain.channels.pairing import (
    current_pairing,
    device_name,
    give_up_pairing,
    request_pair_code,
    request_qr,
    show_code,
)
from saasbot.domain.channels.proxy import seal_place
from saasbot.infra.crypto import seal
from saasbot.infra.db import session, unit_of_work
from saasbot.infra.settings import settings
from saasbot.models import ChannelKind, Company
from saasbot.models.table import utcnow
from saasbot.wa_runtime import child as child_module
from saasbot.wa_runtime import pairings as pairings_module
from saasbot.wa_runtime.child import Child
from saasbot.wa_runtime.pairings import Pairings
from tests.fixtures.shops import Shop
from tests.fixtures.simulator import until
from tests.fixtures.wire import RealNumbers

NAME = b"wa-pair\n"


def attempts() -> set[int]:
    """Process ids of the attempts that run on this machine for this test's server."""
    return {
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and _read(folder / "comm") == NAME and str(_database()) in _environment(folder)
    }


def _database() -> str:
    return settings().database_url.get_secret_value().rpartition("/")[2]


def _environment(folder: Path) -> str:
    return _read(folder / "environ").decode(errors="replace")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


@pytest.fixture
def one_at_once(session_database: object, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAASBOT_PAIRINGS_AT_ONCE", "1")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


async def test_only_so_many_run_at_once_and_the_next_says_that_it_waits(one_at_once: None, real_numbers: RealNumbers):
    first = await real_numbers.add("Centro")
    await real_numbers.code(first)
    second = await real_numbers.add("Norte")
    await real_numbers.status_is("starting", second, reason="pairing_busy")
    assert len(attempts()) == 1
    async with unit_of_work(real_numbers.shop.alice):
        await disconnect(real_numbers.shop.alice, first)
    await real_numbers.status_is("pending_qr", second)


async def test_nothing_is_left_of_an_abandoned_attempt(real_numbers: RealNumbers):
    channel_id = await real_numbers.add()
    await real_numbers.code(channel_id)
    assert len(attempts()) == 1
    async with unit_of_work(real_numbers.shop.alice):
        await disconnect(real_numbers.shop.alice, channel_id)

    async def gone() -> bool:
        return not attempts()

    await until(gone, "the attempt's process gone", 20)


async def log_in(numbers: RealNumbers, channel_id: UUID, phone: str) -> None:
    """The phone has scanned and its new device is online; the attempt is about to be over."""
    logins = await numbers.lab.logins()
    await numbers.lab.scan((await numbers.code(channel_id)).code or "", phone=phone, lid=f"99{phone}")

    async def logged_in() -> bool:
        return await numbers.lab.logins() > logins

    async def code_gone() -> bool:
        async with unit_of_work(numbers.shop.alice):
            pairing = await current_pairing(numbers.shop.alice, channel_id)
        return pairing is not None and pairing.code is None

    await until(logged_in, "the first login", 60)
    await until(code_gone, "the used code off the screens", 60)


def _sessions(real_numbers: RealNumbers, phone: str) -> list[str]:
    """What the library's store has of this phone; other tests' sessions may be there too."""
    return [jid for jid in real_numbers.sessions() if jid.startswith(f"{phone}:")]


async def test_a_phone_that_scanned_an_abandoned_attempt_no_longer_lists_it(real_numbers: RealNumbers, phone: str):
    channel_id = await real_numbers.add()
    await log_in(real_numbers, channel_id, phone)
    async with unit_of_work(real_numbers.shop.alice):
        await disconnect(real_numbers.shop.alice, channel_id)

    async def told() -> bool:
        return phone in await real_numbers.lab.unlinked()

    async def forgotten() -> bool:
        return _sessions(real_numbers, phone) == []

    await until(told, "the device taken off the phone's list", 20)
    await until(forgotten, "the session forgotten", 20)


async def test_what_a_killed_attempt_left_is_forgotten_when_its_phone_links_again(
    real_numbers: RealNumbers, phone: str
):
    channel_id = await real_numbers.add()
    await log_in(real_numbers, channel_id, phone)
    for process in attempts():
        os.kill(process, signal.SIGKILL)
    assert _sessions(real_numbers, phone) == [f"{phone}:7@s.whatsapp.net"]
    again = await real_numbers.code(channel_id)
    await real_numbers.lab.scan(again.code or "", phone=phone, lid=f"99{phone}", device=8)
    await real_numbers.status_is("open", channel_id)
    assert _sessions(real_numbers, phone) == [f"{phone}:8@s.whatsapp.net"]


async def test_an_attempt_whose_process_dies_each_time_is_given_up(shop: Shop, dying: Pairings):
    channel_id = await _to_link(shop)
    await dying.set_wanted(await numbers_to_run(ChannelKind.WHATSAPP))

    async def given_up() -> bool:
        async with unit_of_work(shop.alice):
            channel = await access_channel(shop.alice, channel_id)
        return (channel.status, channel.reason, channel.desired) == ("failed", "pair_error", "stopped")

    await until(given_up, "the attempt given up", 30)


async def test_an_attempt_that_is_given_up_leaves_the_newer_one_alone(shop: Shop):
    channel_id = await _to_link(shop)
    async with unit_of_work(shop.alice):
        old = (await begin_pairing(shop.alice, channel_id)).attempt
    async with unit_of_work(shop.alice):
        await request_qr(shop.alice, channel_id)
    async with unit_of_work(shop.alice):
        await give_up_pairing(shop.alice, channel_id, attempt=old)
        channel, pairing = (
            await access_channel(shop.alice, channel_id),
            await current_pairing(shop.alice, channel_id),
        )
        assert (channel.status, channel.desired) == ("starting", "running")
        assert pairing is not None and pairing.attempt != old
        await give_up_pairing(shop.alice, channel_id, attempt=pairing.attempt)
        assert (channel.status, channel.reason) == ("failed", "pair_error")
        assert await current_pairing(shop.alice, channel_id) is None


async def test_a_number_that_was_connected_again_is_not_stopped_with_the_attempt_of_before(shop: Shop):
    channel_id = await _to_link(shop)
    async with unit_of_work(shop.alice):
        old = (await begin_pairing(shop.alice, channel_id)).attempt
    async with unit_of_work(shop.alice):
        await disconnect(shop.alice, channel_id)
        await connect(shop.alice, channel_id)
    async with unit_of_work(shop.alice):
        await give_up_pairing(shop.alice, channel_id, attempt=old)
        channel = await access_channel(shop.alice, channel_id)
        assert (channel.status, channel.desired) == ("starting", "running")


async def test_only_deaths_without_a_word_count_and_only_in_a_row(
    shop: Shop, dying: Pairings, monkeypatch: pytest.MonkeyPatch
):
    channel_id, enough = await _to_link(shop), asyncio.Event()
    ends = [None, None, "database_away", "database_away", "database_away", None, None, "network_unreachable"]

    async def process(attempt: Any, _retry_in: float) -> int:
        if not ends:
            enough.set()
            await asyncio.Event().wait()
        attempt.ended = ends.pop(0)
        return 0

    monkeypatch.setattr(dying, "_process", process)
    await dying.set_wanted(await numbers_to_run(ChannelKind.WHATSAPP))
    await asyncio.wait_for(enough.wait(), 20)
    async with unit_of_work(shop.alice):
        channel = await access_channel(shop.alice, channel_id)
        assert (channel.desired, channel.status, channel.reason) == ("running", "reconnecting", "store_unavailable")


async def test_an_attempt_without_a_database_says_so_and_does_not_just_die(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SAASBOT_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    monkeypatch.setattr(child_module, "POSSIBLE", False)  # a fork has the environment of its mother
    said: list[dict[str, Any]] = []
    child = Child(pairings_module.MODULE, tmp_path / "pairing.log", said.append)
    await child.start()
    child.tell({"company_id": str(UUID(int=1)), "channel_id": str(UUID(int=2)), "retry_in": 1.0})
    code = await asyncio.wait_for(child.wait(), 50)
    assert (code, said) == (0, [{"ended": "database_away"}]), (tmp_path / "pairing.log").read_text()


async def test_an_attempt_that_its_owner_stopped_makes_way_for_the_one_that_follows(
    shop: Shop, dying: Pairings, monkeypatch: pytest.MonkeyPatch
):
    """Also when both wishes came between two looks."""
    started: asyncio.Queue[Any] = asyncio.Queue()

    async def process(attempt: Any, _retry_in: float) -> int:
        started.put_nowait(attempt)
        return await asyncio.Event().wait() and 0

    monkeypatch.setattr(dying, "_process", process)
    channel_id = await _to_link(shop)
    without_attempt = await numbers_to_run(ChannelKind.WHATSAPP)
    await dying.set_wanted(without_attempt)
    first = await started.get()
    async with unit_of_work(shop.alice):
        first.said = (await begin_pairing(shop.alice, channel_id)).attempt
    for look in (without_attempt, await numbers_to_run(ChannelKind.WHATSAPP)):  # one that read the database before, too
        await dying.set_wanted(look)
        assert dying._attempts[channel_id] is first
    async with unit_of_work(shop.alice):
        await disconnect(shop.alice, channel_id)
        await connect(shop.alice, channel_id)
    await dying.set_wanted(await numbers_to_run(ChannelKind.WHATSAPP))
    assert await asyncio.wait_for(started.get(), 5) is not first


async def test_the_code_of_a_process_that_died_is_shown_no_more(shop: Shop):
    channel_id = await _to_link(shop)
    async with unit_of_work(shop.alice):
        died = await begin_pairing(shop.alice, channel_id)
        await show_code(shop.alice, channel_id, attempt=died.attempt, code="2@x", number=1, expires_at=utcnow())
    async with unit_of_work(shop.alice):
        again = await begin_pairing(shop.alice, channel_id)
        assert (again.attempt, again.code, again.expires_at) == (died.attempt, None, None)


async def test_a_proxy_that_is_set_while_a_number_is_linked_begins_the_attempt_anew(shop: Shop):
    channel_id = await _to_link(shop)
    async with unit_of_work(shop.alice):
        await request_pair_code(shop.alice, channel_id, phone="+5491122223333")
        old = await begin_pairing(shop.alice, channel_id)
        before = old.attempt
        await show_code(shop.alice, channel_id, attempt=before, code="ABCD-1234", number=1, expires_at=utcnow())
    async with unit_of_work(shop.alice):
        await change_settings(shop.alice, channel_id, proxy="socks5://proxy.example:1080")
    async with unit_of_work(shop.alice):
        pairing = await current_pairing(shop.alice, channel_id)
        channel = await access_channel(shop.alice, channel_id)
    assert pairing is not None and pairing.attempt != before
    assert (pairing.phone, pairing.code, channel.status) == ("5491122223333", None, "starting")


async def _to_link(shop: Shop) -> UUID:
    """A number that its owner wants linked, with nobody at work for it."""
    async with unit_of_work(shop.alice):
        channel = await add_channel(shop.alice, kind="whatsapp", name="Tienda")
        await connect(shop.alice, channel.id)
    return channel.id


@pytest.fixture
async def dying(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pairings]:
    """Attempts whose processes end at once without a word."""
    monkeypatch.setattr(pairings_module, "MODULE", "tests.wa_runtime.small_process")
    monkeypatch.setattr(pairings_module, "FIRST_PAUSE_SECONDS", 0.01)
    pairings = Pairings(tmp_path)
    yield pairings
    await pairings.stop()


async def test_a_phone_that_has_another_number_stays_with_it(real_numbers: RealNumbers):
    centro = await real_numbers.add("Centro")
    phone = await real_numbers.link(centro)
    norte = await real_numbers.add("Norte")
    await real_numbers.lab.scan((await real_numbers.code(norte)).code or "", phone=phone, lid=f"99{phone}", device=8)
    refused = await real_numbers.status_is("failed", norte, reason="phone_in_use")
    assert (refused.phone, refused.device_jid) == (None, None)
    assert _sessions(real_numbers, phone) == [f"{phone}:7@s.whatsapp.net"]
    assert (await real_numbers.channel(centro)).status == "open"


async def test_changing_to_a_code_and_back_is_a_fresh_attempt_each_time(real_numbers: RealNumbers):
    alice, channel_id = real_numbers.shop.alice, await real_numbers.add()
    by_qr = await real_numbers.code(channel_id)
    async with unit_of_work(alice):
        await request_pair_code(alice, channel_id, phone="+5491122223333")
    by_code = await real_numbers.code(channel_id)
    async with unit_of_work(alice):
        await request_qr(alice, channel_id)
    again = await real_numbers.code(channel_id)
    assert len({by_qr.attempt, by_code.attempt, again.attempt}) == 3
    assert again.code and again.code != by_qr.code and again.code_number == 1

    async def one() -> bool:
        return len(attempts()) == 1

    await until(one, "one attempt only", 20)


async def test_the_phone_lists_the_company(real_numbers: RealNumbers):
    alice = real_numbers.shop.alice
    async with unit_of_work(alice):
        company = await session().get_one(Company, alice.company_id)
        company.name = "Zapatería  Luna\n& Hijos"
    await real_numbers.code(await real_numbers.add())
    assert (await real_numbers.lab.devices())[-1] == "Zapatería Luna & Hijos"


@pytest.mark.parametrize(
    ("name", "shown"), [("Luna", "Luna"), ("  \t ", "SaaSBot"), ("L" * 80, "L" * 40), ("A\u202eB\x00C", "A B C")]
)
async def test_a_companys_name_is_made_fit_for_a_phones_list(shop: Shop, name: str, shown: str):
    async with unit_of_work(shop.alice):
        company = await session().get_one(Company, shop.alice.company_id)
        company.name = name.replace("\x00", "\x01")  # the database keeps no NUL
        await session().flush()
        assert await device_name(shop.alice) == shown


async def test_the_numbers_own_proxy_is_used_and_a_bad_one_named(real_numbers: RealNumbers):
    alice, channel_id = real_numbers.shop.alice, await real_numbers.add()
    await real_numbers.link(channel_id)
    async with unit_of_work(alice):
        await disconnect(alice, channel_id)
        channel = await access_channel(alice, channel_id, lock=True)
        channel.proxy_sealed = seal("socks5://10.0.0.1:1080", seal_place(channel_id))
    async with unit_of_work(alice):
        await connect(alice, channel_id)
    await real_numbers.status_is("reconnecting", channel_id, reason="proxy_unreachable")


async def test_a_proxy_that_cannot_be_read_is_no_reason_to_go_without(real_numbers: RealNumbers):
    alice, channel_id = real_numbers.shop.alice, await real_numbers.add()
    await real_numbers.link(channel_id)
    logins = await real_numbers.lab.logins()
    async with unit_of_work(alice):
        await disconnect(alice, channel_id)
        channel = await access_channel(alice, channel_id, lock=True)
        channel.proxy_sealed = seal("socks5://1.2.3.4:1080", "somewhere:else:entirely")
    async with unit_of_work(alice):
        await connect(alice, channel_id)
    await real_numbers.status_is("reconnecting", channel_id, reason="proxy_unreachable")
    assert await real_numbers.lab.logins() == logins
