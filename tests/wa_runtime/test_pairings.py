"""Attempts to link numbers: how many at once, under which name, through which proxy, and what is left of an abandoned one."""

import os
import signal
from pathlib import Path
from uuid import UUID

import pytest

from saasbot.domain.channels import access_channel, connect, disconnect
from saasbot.domain.channels.pairing import device_name, request_pair_code, request_qr
from saasbot.domain.channels.proxy import seal_place
from saasbot.infra.crypto import seal
from saasbot.infra.db import session, unit_of_work
from saasbot.infra.settings import settings
from saasbot.models import Company
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

    await until(logged_in, "the first login", 20)


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
