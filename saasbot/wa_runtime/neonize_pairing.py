"""One attempt to link a number to real WhatsApp, in a process of its own: an attempt that fails leaves a thread of the
library behind that never ends, so the process must end by `os._exit`.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from saasbot.infra.logging import get_logger
from saasbot.wa_runtime.neonize_client import DEVICE_NAME, LibraryClient  # first: it prepares the library's import
from saasbot.wa_runtime.neonize_events import (
    CLIENT_OUTDATED,
    CONNECT_FAILURE,
    CONNECTED,
    JOURNALLED,
    LOGGED_OUT,
    PAIR_STATUS,
    TEMPORARY_BAN,
    Fate,
    codes_of,
    is_between_devices,
    state_of,
)
from saasbot.wa_runtime.neonize_gate import Gate
from saasbot.wa_runtime.neonize_store import StoreUnavailable, forget_session
from saasbot.wa_runtime.protobufs import events
from saasbot.wa_runtime.transport import Paired, PairingCode, PairingFailed

from neonize.exc import NeonizeError  # isort: skip
from neonize.utils.enum import ClientName, ClientType  # isort: skip

log = get_logger(__name__)

FIRST_QR_SECONDS, QR_SECONDS, ATTEMPT_SECONDS = 60, 20, 160
"""How long WhatsApp honours the first QR, each that follows, and the attempt as a whole."""
DIAL_SECONDS = 45
LOGIN_SECONDS = 60
UNLINK_SECONDS, DISCONNECT_SECONDS = 3, 2
"""For leaving an attempt that failed: whoever abandons one kills its process after six."""
SETTLE_SECONDS = 3
"""After the first login the phone hands over keys and the account's name; leaving sooner would lose them."""

REFUSALS = (LOGGED_OUT, CLIENT_OUTDATED, TEMPORARY_BAN, CONNECT_FAILURE)
CODES = [*codes_of(Fate.JOURNAL, Fate.PAIRING), CONNECTED, *REFUSALS]

_LOGIN_FAILURES = {
    "timeout": "qr_expired",
    "err-client-outdated": "client_outdated",
    "err-scanned-without-multidevice": "not_multidevice",
    "passkey-request": "passkey_required",
    "passkey-confirmation": "passkey_required",
    "error": "pair_error",
    "err-unexpected-state": "pair_error",
}
_REFUSED = {
    "banned": "banned",
    "account_locked": "account_locked",
    "client_outdated": "client_outdated",
    "temporarily_banned": "banned_while_linking",
}
"""By what the same refusal means for a number that is linked; the others are just that: refused."""


class NeonizePairing:
    """See `Pairing`. With `phone` (digits) it shows the eight characters to type there, else QR codes.

    `journal(code, raw)` is called on the library's thread with events that must last: from the first login on WhatsApp
    delivers messages. Those of a phone that is not the `expected` one (digits) belong to somebody else's chats, and those of one
    that is `in_use` come to the number that has it: they stay on that phone.
    """

    def __init__(
        self,
        store_dsn: str,
        *,
        phone: str | None,
        expected: str | None = None,
        in_use: Collection[str] = (),
        journal: Callable[[int, bytes], None],
        linked: Callable[[], None] = lambda: None,
        proxy: str | None = None,
        device_name: str = DEVICE_NAME,
    ) -> None:
        self._proxy, self._device_name = proxy, device_name
        self._store_dsn, self._phone, self._journal, self._linked = store_dsn, phone, journal, linked
        self._expected, self._in_use = expected, in_use
        self._unwanted: str | None = None
        """Why the phone that has used the code may not link this number. Known before the first login."""
        self._device: str | None = None
        """The address of the device that the phone has made for us."""
        self._online = asyncio.Event()
        self._refused = False
        """WhatsApp has refused the device's login: there is nobody to be told that it goes."""
        self._loop = asyncio.get_running_loop()
        self._steps: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    async def run(self, show: Callable[[PairingCode], Awaitable[None]]) -> Paired:
        client = LibraryClient(
            store_dsn=self._store_dsn,
            device_jid=None,
            gate=Gate(),
            codes=CODES,
            on_event=self._receive,
            on_qr=lambda code: self._put("qr", code),
            on_login=lambda status: self._put("login", status),
            proxy=self._proxy,
            device_name=self._device_name,
        )
        try:
            try:
                await client.connect()
            except OSError as error:
                raise PairingFailed("network_unreachable") from error
            assert client.task is not None
            client.task.add_done_callback(lambda task: self._steps.put_nowait(("ended", _text_of(task))))
            await self._scanned(client, show)
            self._linked()
            jid = await self._logged_in()
            if self._unwanted is not None:
                raise PairingFailed(self._unwanted)
            await asyncio.sleep(SETTLE_SECONDS)
            me = await client.api.get_me()  # safe only now: before the login it kills the process
        except BaseException:
            await self._leave(client)
            raise
        await client.close()
        return Paired(_address(jid), jid.User, me.LID.User or None, me.PushName)

    async def _scanned(self, client: LibraryClient, show: Callable[[PairingCode], Awaitable[None]]) -> None:
        """Show codes until the phone has used one. Raises: PairingFailed."""
        shown, deadline, over = 0, self._loop.time() + DIAL_SECONDS, datetime.now(UTC)
        while True:
            kind, value = await self._step(deadline, "qr_expired" if shown else _unreachable(client))
            if kind == "qr":
                shown += 1
                if shown == 1:
                    deadline = self._loop.time() + ATTEMPT_SECONDS
                    over = datetime.now(UTC) + timedelta(seconds=ATTEMPT_SECONDS)
                if self._phone is None:
                    seconds = FIRST_QR_SECONDS if shown == 1 else QR_SECONDS
                    await show(PairingCode(value, shown, datetime.now(UTC) + timedelta(seconds=seconds)))
                elif shown == 1:
                    await show(PairingCode(await self._code(client, self._phone), 1, over))
            elif kind == "login":
                if value == "success":
                    return
                raise PairingFailed(_LOGIN_FAILURES.get(value, "pair_error"))
            elif kind == "refused":
                raise PairingFailed(value)
            elif kind == "ended":
                raise PairingFailed(_unreachable(client) if "dial" in value or not shown else "pair_error")

    async def _code(self, client: LibraryClient, phone: str) -> str:
        try:
            return await client.api.PairPhone(phone, True, client_name=ClientName.LINUX, client_type=ClientType.CHROME)
        except NeonizeError as error:
            log.warning("pairing.code_refused", error=str(error))
            text = str(error)
            if "phone number" in text:
                raise PairingFailed("invalid_phone") from error
            raise PairingFailed(
                "rate_limited" if "429" in text or "rate-overlimit" in text else "pair_error"
            ) from error

    async def _logged_in(self) -> Any:
        """The address of the device that the phone made us, once we have logged in as it.

        Raises: PairingFailed, for good: the phone's person has done their part, and finds no other code on screen unasked.
        """
        deadline, jid = self._loop.time() + LOGIN_SECONDS, None
        while True:
            kind, value = await self._step(deadline, "link_unfinished")
            if kind == "paired" and value.Status == events.PairStatus.SUCCESS:
                jid = value.ID
            elif kind == "connected" and jid is not None:
                return jid
            elif kind == "refused":
                raise PairingFailed(value)
            elif kind in ("paired", "ended"):
                raise PairingFailed("pair_error")

    async def _leave(self, client: LibraryClient) -> None:
        """A device that the phone has made for this attempt is not left behind: the phone no longer lists it, when WhatsApp can
        be told, and our store forgets it in any case."""
        if self._device is not None and not self._refused and client.task is not None and not client.task.done():
            try:
                async with asyncio.timeout(UNLINK_SECONDS):
                    await self._online.wait()
                    await client.api.logout()
            except (NeonizeError, TimeoutError) as error:
                log.warning("pairing.phone_not_told", error=str(error))
        # its thread may never end: the process does. Waiting for it would keep the person waiting.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DISCONNECT_SECONDS):
                await client.disconnect()
        if self._device is not None:
            try:
                await forget_session(self._store_dsn, self._device)
            except StoreUnavailable as error:
                log.warning("pairing.session_left_behind", error=str(error))

    async def _step(self, deadline: float, when_late: str) -> tuple[str, Any]:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._steps.get()
        except TimeoutError:
            raise PairingFailed(when_late) from None

    def _receive(self, code: int, raw: bytes) -> None:
        if code in JOURNALLED and self._unwanted is None:
            if not is_between_devices(code, raw):
                self._journal(code, raw)
        elif code == PAIR_STATUS:
            paired = events.PairStatus.FromString(raw)
            if self._expected not in (None, paired.ID.User):
                self._unwanted = "other_phone"
            elif paired.ID.User in self._in_use:
                self._unwanted = "phone_in_use"
            if paired.Status == events.PairStatus.SUCCESS:
                self._device = _address(paired.ID)
            self._put("paired", paired)
        elif code == CONNECTED:
            self._loop.call_soon_threadsafe(self._online.set)
            self._put("connected", None)
        elif code in REFUSALS:
            self._refused = True
            self._put("refused", _REFUSED.get(state_of(code, raw).reason or "", "pair_error"))

    def _put(self, kind: str, value: Any) -> None:
        self._loop.call_soon_threadsafe(self._steps.put_nowait, (kind, value))


def _unreachable(client: LibraryClient) -> str:
    return "proxy_unreachable" if client.proxy_failed else "network_unreachable"


def _address(jid: Any) -> str:
    return f"{jid.User}:{jid.Device}@{jid.Server}"


def _text_of(task: asyncio.Task[None]) -> str:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.warning("pairing.client_ended", error=str(error))
    return str(error or "")
