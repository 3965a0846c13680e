"""One client object of the library, made safe to hold: started, listened to and taken down in the only order that neither
kills nor freezes the process. A client object connects once; the next attempt takes a new one.

Importing this module loads the Go library: bridge and pairing processes only.
"""

import asyncio
import concurrent.futures
import ctypes
import os
import time
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

os.environ["NEONIZE_BOT_TAG"] = "off"  # read by the Go side: else every message to a phone's chat is marked as a bot's

# Before neonize: it wants libmagic, which is found in its wheel only once this module has loaded it.
from saasbot.infra import file_types  # noqa: F401  # isort: skip
from saasbot.wa_runtime import protobufs  # isort: skip - and this, so that its package is entered without its __init__
from saasbot.wa_runtime.stand_ins import left_out  # isort: skip

with left_out():
    import neonize.aioze.events as library_events
    from neonize._binder import ProxySettings, func_callback_bytes2, gocode
    from neonize.aioze.client import NewAClient
    from neonize.proto.waCompanionReg.WAWebProtobufsCompanionReg_pb2 import DeviceProps
    from neonize.utils.log import log as library_log
    from neonize.utils.log import log_whatsmeow

from saasbot.infra.logging import get_logger
from saasbot.wa_runtime.dialer import Dialer
from saasbot.wa_runtime.neonize_events import DEVICE
from saasbot.wa_runtime.neonize_gate import Gate, GatedLibrary
from saasbot.wa_runtime.neonize_store import StoreUnavailable, alone_in_store

log = get_logger(__name__)
library_log.setLevel("WARNING")  # the library ships every line of this level and above into Python

DEVICE_NAME = "SaaSBot"
HANDSHAKE_SECONDS = 30
_CLOSE_HANDSHAKE_SECONDS = 2
_END_SECONDS = 10
_QUIET_SECONDS = 0.5
_IN_HAND_SECONDS = 1.0
"""A message that is half read when the socket is cut still comes: the library is given the time that its store may take."""
_DRAIN_SECONDS = 8
_serial = count(1)
_LOG_CALLBACK = 3
"""Where the library's client keeps its log callback among the references of a connection."""
_log_callbacks: list[Any] = []
"""Go may log for a client that is long stopped: into a function that must still be there."""
_stuck: list["LibraryClient"] = []
"""Clients whose Go call never returned: kept, because Go may still call into them."""


def prepare_loop(numbers: int) -> None:
    """Make the running loop fit for this many clients: what they do besides the library's calls, which have threads of their own
    (`neonize_gate`), waits for files, names and the store, and the default pool of a small machine has six."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(numbers + 32, "blocking"))
    library_events.event_global_loop = None
    library_events.set_event_loop(loop)


async def prepare_store(store_dsn: str) -> None:
    """Afterwards the library's tables are those of this version. First connections that migrate at once break each other, so
    every process passes here, one after the other, before its first.

    Raises: StoreUnavailable.
    """
    await asyncio.to_thread(_migrate_store, store_dsn)


def _migrate_store(store_dsn: str) -> None:
    with alone_in_store(store_dsn):
        logged = func_callback_bytes2(log_whatsmeow)
        _log_callbacks.append(logged)
        answer: bytes = gocode.GetAllDevices(store_dsn.encode(), logged)
    if answer.startswith(b"error: "):
        raise StoreUnavailable(answer.decode())


def jid_of(text: str) -> protobufs.events.JID:
    """`user[:device]@server` as the library takes it. Raises: ValueError."""
    address, _, server = text.rpartition("@")
    user, _, device = address.partition(":")
    if not user or not server:
        raise ValueError(f"not a WhatsApp address: {text!r}")
    return protobufs.events.JID(User=user, RawAgent=0, Device=int(device or 0), Integrator=0, Server=server)


class LibraryClient:
    """`on_event(code, raw)` is called on the library's own thread, one event at a time, for the subscribed codes; what it
    does before returning is done before the next event. `on_qr` and `on_login` likewise, while pairing.

    `device_name` is what the phone lists a device under that is linked here; the library has one for the whole process.
    """

    def __init__(
        self,
        *,
        store_dsn: str,
        device_jid: str | None,
        gate: Gate,
        codes: Iterable[int],
        on_event: Callable[[int, bytes], None],
        on_qr: Callable[[str], None] = lambda _code: None,
        on_login: Callable[[str], None] = lambda _status: None,
        proxy: str | None = None,
        device_name: str = DEVICE_NAME,
    ) -> None:
        self._gate, self._on_event, self._on_qr, self._on_login = gate, on_event, on_qr, on_login
        self._loop = asyncio.get_running_loop()
        self._dialer = Dialer(on_dial=self._let_others, before_answer=self._alone_again, proxy=proxy)
        self._holds_gate = False
        self._answered = False
        self._running = False
        self._handshake: asyncio.TimerHandle | None = None
        self._in_callback = False
        self._last_callback = 0.0
        self.task: asyncio.Task[None] | None = None
        """The library's blocking call. Its end means that no event will ever come again."""
        self.api = self._make(store_dsn, device_jid, codes, device_name)

    def _make(self, store_dsn: str, device_jid: str | None, codes: Iterable[int], device_name: str) -> Any:
        api: Any = NewAClient(
            store_dsn,
            jid=jid_of(device_jid) if device_jid else None,
            props=DeviceProps(os=device_name, platformType=DeviceProps.CHROME),
            uuid="unused",
            new_device=device_jid is None,
        )
        # The constructor names a client by its phone number, so that two of them would be one; and its finalizer stops
        # whoever has that name when the object is collected.
        api._stop_finalizer.detach()
        api.uuid = f"{os.getpid()}-{next(_serial)}".encode()
        api._NewAClient__client = GatedLibrary(gocode, self._gate)
        api._NewAClient__onQr = lambda _uuid, address: self._guard(self._qr, ctypes.string_at(address))
        api._NewAClient__onLoginStatus = lambda _uuid, address: self._guard(self._login, ctypes.string_at(address))
        api.event.list_func = dict.fromkeys(codes)
        api.event.execute = self._execute
        return api

    @property
    def proxy_failed(self) -> bool:
        """The last connection that the library asked for failed at the number's proxy."""
        return self._dialer.proxy_failed

    async def connect(self) -> None:
        """Start connecting and return. `task` ends when that fails."""
        address = await self._dialer.start()
        await self._shut_gate()
        try:
            task: asyncio.Task[None] = await self.api.connect(ProxySettings(proxy_address=address))
        except BaseException:
            self._open_gate()
            raise
        self.task = task
        _log_callbacks.append(self.api._connect_refs[_LOG_CALLBACK])
        task.add_done_callback(self._ended)

    async def download(self, message: Any, size: int) -> bytes:
        """The file of a message that says how long it is. Raises: NeonizeError."""
        with self._dialer.fetching(size):
            return await self.api.download_any(message)

    async def close(self) -> None:
        """Afterwards the client is offline, every event that was handed over has been given to `on_event`, and Go has
        forgotten it. Takes up to about 20 s when the network is silent. Never fails."""
        if self.task is None:
            await self._dialer.close()
            return
        if not self.task.done():
            await self.disconnect()
            await self._drain()
        if await self._stop():
            await asyncio.wait({self.task}, timeout=_END_SECONDS)
        if not self.task.done():
            log.error("neonize.client_stuck")
            _stuck.append(self)
        await self._dialer.close()

    async def disconnect(self) -> None:
        """Cut the socket: politely when it stands, by failing the dial when it does not (a dialing client ignores all else).
        Nothing happens when connecting was not begun."""
        if self.task is None:
            return
        if not self._running:
            self._dialer.abort()
            await asyncio.wait({self.task}, timeout=_END_SECONDS)
            return
        polite = asyncio.ensure_future(self.api.disconnect())
        await asyncio.wait({polite}, timeout=_CLOSE_HANDSHAKE_SECONDS)
        self._dialer.abort()
        await asyncio.wait({polite}, timeout=_END_SECONDS)

    async def _drain(self) -> None:
        """Wait until the library's pump has given over what it held: WhatsApp believes that we have it. Also what it had in hand
        when the socket was cut: that is decrypted to its end, and given again it would pass for known."""
        cut_at = time.monotonic()
        while (now := time.monotonic()) < cut_at + _DRAIN_SECONDS:
            quiet = now > max(cut_at + _IN_HAND_SECONDS, self._last_callback + _QUIET_SECONDS)
            if quiet and not self._in_callback:
                return
            await asyncio.sleep(_QUIET_SECONDS / 3)

    async def _stop(self) -> bool:
        """Whether Go has let go of the client."""
        self._open_gate()
        await self._gate.shut()
        try:
            stopping = asyncio.ensure_future(self.api.stop())
            done, _ = await asyncio.wait({stopping}, timeout=_END_SECONDS)
            return bool(done)
        finally:
            self._gate.open()

    # The gate: ours from the call until the library dials (its maps are written then), and again from the moment the dial
    # may succeed until its pump runs (which reads them). Between the two lies a network that may be slow.

    async def _shut_gate(self) -> None:
        await self._gate.shut()
        self._holds_gate = True

    def _open_gate(self) -> None:
        if self._holds_gate:
            self._holds_gate = False
            self._gate.open()

    def _let_others(self) -> None:
        if not self._answered:
            self._open_gate()

    async def _alone_again(self) -> None:
        if self._answered:
            return
        await self._shut_gate()
        if self.task is None or self.task.done():
            self._open_gate()
            return
        self._answered = True
        self._handshake = self._loop.call_later(HANDSHAKE_SECONDS, self._too_slow)

    def _too_slow(self) -> None:
        log.warning("neonize.handshake_timed_out", seconds=HANDSHAKE_SECONDS)
        self._dialer.abort()
        self._handshake_over()

    def _pump_runs(self) -> None:
        self._running = True
        self._handshake_over()

    def _handshake_over(self) -> None:
        if self._handshake is not None:
            self._handshake.cancel()
            self._handshake = None
        self._open_gate()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Nobody listens any more, but the library may still be online, telling WhatsApp that we have what we never saw."""
        self._dialer.abort()
        if not task.cancelled():
            task.exception()  # read here, so that nobody has to
        self._handshake_over()

    # Called by the library on its own threads.

    def _execute(self, _uuid: bytes, address: int | None, size: int, code: int) -> None:
        self._in_callback = True
        try:
            raw = ctypes.string_at(address, size) if address and size else b""
            if code == DEVICE:
                self._loop.call_soon_threadsafe(self._pump_runs)
            self._guard(self._on_event, code, raw)
        finally:
            self._last_callback = time.monotonic()
            self._in_callback = False

    def _qr(self, code: bytes) -> None:
        self._loop.call_soon_threadsafe(self._pump_runs)
        self._on_qr(code.decode())

    def _login(self, status: bytes) -> None:
        self._on_login(status.decode())

    @staticmethod
    def _guard(function: Callable[..., None], *arguments: Any) -> None:
        try:
            function(*arguments)
        except Exception:  # the caller is Go: an exception that leaves here is printed and lost
            log.exception("neonize.callback_failed")
