"""One attempt to link a simulated number: codes with WhatsApp's lifetimes until a phone uses one."""

import asyncio
import base64
import contextlib
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.simulator.access import find_number, tell_phones
from saasbot.domain.simulator.faults import unlink
from saasbot.infra.db import unit_of_work
from saasbot.models import SimNumber
from saasbot.models.table import utcnow
from saasbot.wa_runtime.transport import Paired, PairingCode, PairingFailed

LIFETIMES = (60, 20, 20, 20, 20, 20)
"""Seconds that each QR of an attempt is valid (whatsmeow; a code to type is valid for all of them together)."""

_LINK = "https://wa.me/settings/linked_devices#"
_CODE_LETTERS = "123456789ABCDEFGHJKLMNPQRSTVWXYZ"
_MAX_DEVICE = 99


class SimulatorPairing:
    """Pairs by QR, or by code when the owner gave a phone number. See `Pairing` about `expected`."""

    def __init__(
        self, company_id: UUID, channel_id: UUID, attempt: UUID, phone: str | None, expected: str | None = None
    ) -> None:
        self._actor = Actor.system(company_id)
        self._channel_id = channel_id
        self._attempt = str(attempt)
        self._phone, self._expected = phone, expected
        self._wake = asyncio.Event()

    def notified(self) -> None:
        """A phone may have scanned."""
        self._wake.set()

    async def run(self, show: Callable[[PairingCode], Awaitable[None]]) -> Paired:
        lifetimes = LIFETIMES if self._phone is None else (sum(LIFETIMES),)
        for count, seconds in enumerate(lifetimes, start=1):
            expires_at = utcnow() + timedelta(seconds=seconds)
            await show(PairingCode(self._code(), count, expires_at))
            while (left := (expires_at - utcnow()).total_seconds()) > 0:
                self._wake.clear()
                if (paired := await self._scanned()) is not None:
                    return paired
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await self._wake.wait()
        raise PairingFailed("qr_expired")

    def _code(self) -> str:
        if self._phone is not None:
            letters = [secrets.choice(_CODE_LETTERS) for _ in range(8)]
            return "".join(letters[:4]) + "-" + "".join(letters[4:])
        keys = ",".join(base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(3))
        reference = "2@" + base64.b64encode(secrets.token_bytes(99)).decode()
        return f"{_LINK}{reference},{keys},1"

    async def _scanned(self) -> Paired | None:
        """Who scanned, when somebody did in this attempt. Raises: PairingFailed."""
        async with unit_of_work(self._actor):
            number = await find_number(self._channel_id)
        if number is None:
            return None
        if number.faults.get("kick") == "client_outdated":
            raise PairingFailed("client_outdated")
        scan = number.faults.get("scan")
        if not isinstance(scan, dict) or scan.get("attempt") != self._attempt:
            return None
        if scan.get("result") != "linked":
            raise PairingFailed(str(scan.get("result")))
        if self._expected not in (None, number.phone):
            await self._unlink()
            raise PairingFailed("other_phone")
        return _paired(number)

    async def _unlink(self) -> None:
        async with unit_of_work(self._actor):
            number = await find_number(self._channel_id, lock=True)
            if number is not None:
                await unlink(number)
                tell_phones(number.company_id, number.channel_id)


def _paired(number: SimNumber) -> Paired:
    device = 1 + secrets.randbelow(_MAX_DEVICE)
    assert number.phone is not None
    return Paired(f"{number.phone}:{device}@s.whatsapp.net", number.phone, number.lid, number.push_name)
