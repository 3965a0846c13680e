"""What a number needs from a network, whichever it is. `neonize_transport.py` and `simulator.py` implement it.

Nothing outside `wa_runtime/` may assume the Web protocol: the journal holds raw events and `decode.py` makes
`domain.inbox` values of them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol
from uuid import UUID

from saasbot.domain.channels.holding import NO_ANSWER
from saasbot.models import ChannelStatus


@dataclass(frozen=True, slots=True)
class NumberRef:
    """The number a transport works for, and the session to restore. `device_jid` is `user:device@server`."""

    company_id: UUID
    channel_id: UUID
    device_jid: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class OutgoingMedia:
    content: bytes
    mime: str
    file_name: str | None = None
    width: int | None = None
    height: int | None = None
    seconds: int | None = None
    voice: bool = False
    waveform: bytes | None = None


@dataclass(frozen=True, slots=True)
class Quoted:
    """The message that another one answers, and the address of who wrote it."""

    wa_id: str
    author_jid: str
    type: str
    text: str


@dataclass(frozen=True, slots=True)
class OutgoingPoll:
    """`secret` is what its votes will be encrypted under."""

    question: str
    options: tuple[str, ...]
    several: bool
    secret: bytes


@dataclass(frozen=True, slots=True)
class Target:
    """The message that an act is about."""

    wa_id: str
    from_me: bool
    at: datetime
    """The moment of the act."""
    author_jid: str | None = None
    """Of a message in a group: who wrote it."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to send, or an act upon one. `type` is a `MessageType`, `poll` or an `ActKind`; `text` is the body, the caption,
    the name of a place or a contact, or the emoji."""

    message_id: UUID
    chat_jid: str
    type: str
    text: str = ""
    media: OutgoingMedia | None = None
    latitude: float | None = None
    longitude: float | None = None
    address: str = ""
    vcard: str = ""
    poll: OutgoingPoll | None = None
    quoted: Quoted | None = None
    ephemeral_seconds: int = 0
    """After how long the chat forgets it; 0: never."""
    target: Target | None = None
    """With an act alone."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The network took the message. `chat_jid` is where it went (WhatsApp may rewrite a phone's chat to its LID)."""

    wa_id: str
    at: datetime
    chat_jid: str


class ProxyUnknown(Exception):
    """The number has a proxy and nobody can say which: it must not connect without."""


class NotConnected(Exception):
    """Nothing left this machine: the message stays queued and is tried again when the number is open."""


class SendDelayed(Exception):
    """Nothing left this machine, though the connection stands: this message is tried again later, and all others go on.
    Its text names nobody; `reason` is what holds its chat meanwhile."""

    def __init__(self, text: str = "", *, reason: str = NO_ANSWER) -> None:
        super().__init__(text)
        self.reason = reason


class SendBusy(SendDelayed):
    """What sends it was not free for a while: it is tried again at once, if it may still leave by then."""


class SendRefused(Exception):
    """The network refused it for good. `code` is stable (`not_on_whatsapp`, `reachout_timelocked`, `refused_by_whatsapp`, …).

    `number` is the network's own where the code does not say it all, `until` the time that it named.
    """

    def __init__(self, code: str, *, number: int | None = None, until: datetime | None = None) -> None:
        super().__init__(code)
        self.code, self.number, self.until = code, number, until


class SendUnknown(Exception):
    """It may or may not have gone out (no acknowledgement came). Never sent again by itself: the message is `unconfirmed`."""


class DownloadFailed(Exception):
    """`permanent`: WhatsApp no longer has it, or the content is not what its hash says."""

    def __init__(self, code: str, *, permanent: bool) -> None:
        super().__init__(code)
        self.code, self.permanent = code, permanent


@dataclass(frozen=True, slots=True)
class StateChange:
    """What the network says about the connection. `reason` is a stable code, `retry_at` when the transport tries again."""

    status: ChannelStatus
    reason: str | None = None
    retry_at: datetime | None = None
    fatal: bool = False
    """The session is gone or must not be retried (logged out, replaced, banned for good): the runner stops it."""
    heard_at: datetime | None = field(default=None, compare=False)
    """When something was last heard, where what came after it may be lost."""


@dataclass(frozen=True, slots=True)
class Typing:
    """The customer types (or stopped). Transient: told live, never journalled."""

    chat_jid: str
    on: bool


@dataclass(frozen=True, slots=True)
class Call:
    """It rings. Transient, beside the journal, which has the line about it: told so that it can be hung up on at once."""

    caller: str
    """The address to hang up on."""
    call_id: str
    began_at: datetime


class Journal(Protocol):
    """Where events go before anything else happens. Returning means durable."""

    def append(self, code: int, raw: bytes) -> None:
        """Synchronous, from any thread: for the library's own callback. Spools to disk when the database is down."""
        ...

    async def append_many(self, events: list[tuple[int, bytes]]) -> None:
        """The same from a coroutine, many at once."""
        ...


async def _directly() -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a transport is given. `on_state` and `on_typing` may be called from any thread."""

    journal: Journal
    on_state: Callable[[StateChange], None]
    on_typing: Callable[[Typing], None]
    on_call: Callable[[Call], None] = lambda _call: None
    """From any thread, too."""
    epoch: int = 0
    """The fencing token under which the number is held."""
    proxy: Callable[[], Awaitable[str | None]] = _directly
    """Asked before each connection. Raises: ProxyUnknown."""


class Transport(Protocol):
    """One number's connection. Only one runs at a time for a number: its runner holds the lease."""

    redelivers: ClassVar[bool]
    """Whether the network gives again whatever was not written down. Where it does not, a holder's death or deafness may lose
    messages, and their chats are told so."""

    usual_pace: ClassVar[float]
    """How much of a person's pace automatic messages keep when the settings do not say: 1 where a machine's would be noticed."""

    @property
    def heard_at(self) -> datetime | None:
        """When anything came from the network last; nothing before that, and where it is not known."""
        ...

    async def connect(self) -> None:
        """Start connecting and return; what happens is told through `on_state`, reconnections included."""
        ...

    async def close(self) -> None:
        """Stop taking events, journal what was handed over, disconnect. The session stays linked."""
        ...

    async def lookup(self, phone: str) -> str:
        """The chat of a phone number (digits) as the network knows it, perhaps under another form of the number. The chat of
        the number as it is where the network does not say.

        Raises: NotConnected; SendDelayed, when no answer came; SendRefused (`not_on_whatsapp`).
        """
        ...

    async def reconnect(self) -> None:
        """Drop the connection, if there is one, and make it anew at once, as its settings are now."""
        ...

    async def prepare(self, outgoing: Outgoing) -> Any:
        """Bring the network what it must have before the message: its file. Nothing of the message itself leaves, so this may be
        given up at any instant. What it returns is for `send`.

        Raises: NotConnected, SendDelayed, SendRefused.
        """
        ...

    async def send(self, outgoing: Outgoing, prepared: Any = None) -> Sent:
        """`prepared` is what `prepare` gave; acts need none. Raises: NotConnected, SendDelayed, SendRefused, SendUnknown."""
        ...

    async def mark_read(self, chat_jid: str, wa_ids: list[str], author_jid: str) -> None:
        """Of a group `author_jid` is who wrote them, else the chat again. Best effort: raises NotConnected, never anything that
        matters to the message."""
        ...

    async def group_name(self, chat_jid: str) -> str:
        """What a group is called; empty when the network does not say. Raises: NotConnected."""
        ...

    async def typing(self, chat_jid: str, on: bool) -> None:
        """Best effort, as `mark_read`."""
        ...

    async def reject_call(self, caller: str, call_id: str) -> None:
        """Hang up. Best effort, as `mark_read`."""
        ...

    async def download(self, raw: bytes) -> bytes:
        """The media of a journalled message event. Raises: NotConnected, DownloadFailed."""
        ...

    async def logout(self) -> None:
        """Unlink from the phone's list of devices and forget the session. Raises: NotConnected when it cannot be told."""
        ...


@dataclass(frozen=True, slots=True)
class PairingCode:
    """Something to show: a QR's text, or the eight characters to type when pairing by phone."""

    code: str
    number: int
    """1 for the first of the attempt."""
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Paired:
    device_jid: str
    phone: str
    lid: str | None
    push_name: str


class PairingFailed(Exception):
    """`reason` is stable: `qr_expired`, `client_outdated`, `not_multidevice`, `passkey_required`, `network_unreachable`,
    `proxy_unreachable`, `other_phone`, `phone_in_use`, …"""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Pairing(Protocol):
    """One attempt to link a number; 160 s at most for a QR, then over.

    Made with the phone that is expected, when it must be a certain one: any other is unlinked again at once, nothing that
    arrives for it is journalled, and the attempt fails with `other_phone`. On real WhatsApp likewise, as `phone_in_use`, with
    one that another number of the company has.
    """

    async def run(self, show: Callable[[PairingCode], Awaitable[None]]) -> Paired:
        """Shows codes until one is used. Raises: PairingFailed. Cancel it to abandon the attempt."""
        ...
