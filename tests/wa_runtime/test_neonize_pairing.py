"""Linking a number to WhatsApp: by QR, by code, and every way it can fail."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from saasbot.infra.roles import DatabaseUrls
from saasbot.wa_runtime.neonize_store import has_session, sessions_of
from tests.wa_runtime.conftest import Start
from tests.wire_lab import WireLab


async def test_a_number_is_linked_by_scanning_its_qr(start: Start, lab: WireLab, phone: str):
    pairing = await start("pair")
    first = await pairing.until("code")
    assert first["number"] == 1
    assert first["code"].startswith("https://wa.me/settings/linked_devices#")
    left = datetime.fromisoformat(first["expires_at"]) - datetime.now(UTC)
    assert timedelta(seconds=20) < left <= timedelta(seconds=60)
    await lab.scan(first["code"], phone=phone, lid=f"99{phone}", device=12)
    paired = await pairing.until("paired")
    assert paired["device_jid"] == f"{phone}:12@s.whatsapp.net"
    assert paired["phone"] == phone
    assert paired["lid"] == f"99{phone}"
    assert await pairing.process.wait() == 0


async def test_another_phone_than_the_expected_one_is_unlinked_and_nothing_of_it_is_written_down(
    start: Start, lab: WireLab, phone: str, session_database: DatabaseUrls
):
    pairing = await start("pair", EXPECTED_PHONE="5491199999999")
    await lab.scan((await pairing.until("code"))["code"], phone=phone, lid=f"99{phone}")
    assert (await pairing.until("failed"))["reason"] == "other_phone"
    assert await pairing.process.wait() == 0
    assert [item for item in pairing.said if item["kind"] == "journal"] == []
    assert phone in await lab.unlinked()
    assert not await has_session(session_database.wa_store, f"{phone}:7@s.whatsapp.net")


async def test_a_phone_that_another_number_has_is_unlinked_and_nothing_of_it_is_written_down(
    start: Start, lab: WireLab, phone: str, session_database: DatabaseUrls
):
    pairing = await start("pair", PHONES_IN_USE=f"5491199999999 {phone}")
    await lab.scan((await pairing.until("code"))["code"], phone=phone, lid=f"99{phone}")
    assert (await pairing.until("failed"))["reason"] == "phone_in_use"
    assert await pairing.process.wait() == 0
    assert [item for item in pairing.said if item["kind"] == "journal"] == []
    assert phone in await lab.unlinked()
    assert not await has_session(session_database.wa_store, f"{phone}:7@s.whatsapp.net")


async def test_a_number_can_be_linked_by_typing_a_code(start: Start, phone: str):
    pairing = await start("pair", phone)
    shown = await pairing.until("code")
    assert len(shown["code"].replace("-", "")) == 8
    assert datetime.fromisoformat(shown["expires_at"]) - datetime.now(UTC) > timedelta(seconds=100)


async def test_an_impossible_phone_is_refused_by_name(start: Start):
    pairing = await start("pair", "0123")
    assert (await pairing.until("failed"))["reason"] == "invalid_phone"


async def test_without_a_network_linking_fails_at_once(start: Start):
    pairing = await start("pair", HTTPS_PROXY="http://127.0.0.1:9")
    assert (await pairing.until("failed"))["reason"] == "network_unreachable"
    assert await pairing.process.wait() == 0


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("timeout", "qr_expired"),
        ("error", "pair_error"),
        ("err-client-outdated", "client_outdated"),
        ("err-scanned-without-multidevice", "not_multidevice"),
        ("passkey-request", "passkey_required"),
        ("something-new", "pair_error"),
    ],
)
async def test_an_attempt_that_fails_has_a_name_and_its_process_ends(start: Start, status: str, reason: str):
    pairing = await start("pair", LOGIN_STATUS=status)
    assert (await pairing.until("failed"))["reason"] == reason
    assert await pairing.process.wait() == 0


async def test_the_phone_lists_the_device_under_the_name_it_is_given(start: Start, lab: WireLab, phone: str):
    pairing = await start("pair", DEVICE_NAME="Zapatería Luna")
    await pairing.until("code")
    assert "Zapatería Luna" in await lab.devices()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (400, "pair_error"),
        (401, "pair_error"),
        (402, "banned_while_linking"),
        (403, "account_locked"),
        (405, "client_outdated"),
        (406, "banned"),
        (409, "client_outdated"),
        (501, "pair_error"),
    ],
)
async def test_a_first_login_that_is_refused_says_why_at_once_and_leaves_nothing(
    start: Start, lab: WireLab, phone: str, session_database: DatabaseUrls, code: int, reason: str
):
    pairing = await start("pair")
    shown = await pairing.until("code")
    await lab.refuse(code)
    await lab.scan(shown["code"], phone=phone, lid=f"99{phone}")
    assert (await pairing.until("failed"))["reason"] == reason
    assert await pairing.process.wait() == 0
    assert not await sessions_of(session_database.wa_store, phone)


async def test_a_first_login_that_comes_too_late_ends_the_attempt(start: Start, lab: WireLab, phone: str):
    """It waits for no network: another code would come unasked, and the phone has made a device already."""
    pairing = await start("pair", LOGIN_SECONDS="1")
    async with lab.slow_logins(2):
        await lab.scan((await pairing.until("code"))["code"], phone=phone, lid=f"99{phone}")
        assert (await pairing.until("failed"))["reason"] == "link_unfinished"
        assert await pairing.process.wait() == 0
    assert phone in await lab.unlinked()


NEVER_BEGUN = """
import asyncio, os
from saasbot.wa_runtime.neonize_client import LibraryClient, prepare_loop
from saasbot.wa_runtime.neonize_gate import Gate

async def main():
    prepare_loop(1)
    client = LibraryClient(store_dsn="postgresql://nobody", device_jid=None, gate=Gate(), codes=[], on_event=lambda *_: None)
    await client.disconnect()
    await client.close()
    print("quiet")

asyncio.run(main())
"""


def test_an_attempt_that_is_given_up_before_it_connects_ends_quietly():
    done = subprocess.run([sys.executable, "-c", NEVER_BEGUN], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1:] == ["quiet"], done.stderr
