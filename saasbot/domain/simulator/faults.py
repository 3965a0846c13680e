"""What can go wrong on the simulated network. Faults are kept with the number, so that they outlive a restart."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm.attributes import flag_modified

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.simulator.access import access_simulator, ensure_number, find_number, tell_phones, wake
from saasbot.infra.db import sql
from saasbot.infra.errors import InvalidInput
from saasbot.models import ChannelStatus, SimNumber
from saasbot.models.table import utcnow

TIMED = ("disconnect", "ban", "deaf", "reachout_timelocked")
"""Until a moment, then over by itself."""
KICKS = ("stream_replaced", "client_outdated")
"""Once: the connection ends for good, and the owner must connect again."""
KINDS = (
    *TIMED,
    "logout",
    *KICKS,
    "send_error",
    "drop_ack",
    "delay",
    "duplicate",
    "shuffle",
    "passkey",
    "auto_receipts",
    "clear",
)
_MAX_SECONDS = 86_400.0
_MAX_TIMES = 100_000


@dataclass(frozen=True, slots=True)
class Line:
    """How a number is connected: what a transport reports, and until when when that is known."""

    status: ChannelStatus
    reason: str | None = None
    until: datetime | None = None
    fatal: bool = False

    @property
    def is_open(self) -> bool:
        return self.status == ChannelStatus.OPEN


def line_of(number: SimNumber | None, now: datetime) -> Line:
    """What the network would tell this number if it connected now."""
    if number is None or not number.linked:
        return Line(ChannelStatus.LOGGED_OUT, "device_removed", fatal=True)
    faults = number.faults
    if "kick" in faults:
        if faults["kick"] == "passkey":
            return Line(ChannelStatus.PASSKEY_REQUIRED, "passkey_required", fatal=True)
        return Line(ChannelStatus.FAILED, faults["kick"], fatal=True)
    for kind, status, reason in (
        ("ban", ChannelStatus.BANNED, "temporarily_banned"),
        ("disconnect", ChannelStatus.RECONNECTING, "connection_lost"),
        ("deaf", ChannelStatus.DEAF, "keepalive_timeout"),
    ):
        until = moment(faults.get(kind))
        if until is not None and until > now:
            return Line(status, reason, until)
    return Line(ChannelStatus.OPEN)


def active_faults(number: SimNumber, now: datetime) -> frozenset[str]:
    """The kinds of fault that this number suffers now."""
    found = {kind for kind in TIMED if (moment(number.faults.get(kind)) or now) > now}
    found |= {
        kind for kind in ("send_error", "drop_ack", "delay", "duplicate", "shuffle", "passkey") if kind in number.faults
    }
    return frozenset(found | ({str(number.faults["kick"])} if "kick" in number.faults else set()))


def moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None


async def set_fault(
    actor: Actor,
    channel_id: UUID,
    *,
    kind: str,
    seconds: float | None = None,
    times: int | None = None,
    code: str | None = None,
    ms: int | None = None,
    window: int | None = None,
    on: bool | None = None,
) -> None:
    """The network misbehaves towards this number from now on. Zero seconds, times, ms or window end a fault.

    `auto_receipts {on}` says whether customers' phones confirm by themselves; `clear` ends every fault.
    Raises: Forbidden, InvalidInput, NotFound.
    """
    actor.require("channels.write")
    channel = await access_simulator(actor, channel_id)
    if kind not in KINDS:
        raise InvalidInput("kind", "There is no such fault.")
    number = await ensure_number(channel)
    faults = dict(number.faults)
    match kind:
        case "disconnect" | "ban" | "deaf" | "reachout_timelocked":
            _put(faults, kind, _until(seconds))
        case "stream_replaced" | "client_outdated":
            faults["kick"] = kind
        case "passkey":
            # asked when the phone is linked, or at once of a number that is
            faults["kick" if number.linked else "passkey"] = "passkey"
        case "send_error":
            count = _bounded("times", times, 1, _MAX_TIMES)
            _put(faults, kind, {"code": code or "463", "times": count} if count else None)
        case "drop_ack" | "duplicate":
            _put(faults, kind, _bounded("times", times, 1, _MAX_TIMES))
        case "delay":
            _put(faults, kind, _bounded("ms", ms, 1000, int(_MAX_SECONDS * 1000)))
        case "shuffle":
            _put(faults, kind, _bounded("window", window, 5, 200))
        case "auto_receipts":
            number.auto_receipts = on is not False
        case "logout":
            await unlink(number)
        case _:
            faults = {}
    number.faults = faults
    await record(actor, "channel.simulated", channel_id, name=channel.name, fault=kind)
    await changed(number)


def _put(faults: dict[str, Any], name: str, value: Any) -> None:
    if value:
        faults[name] = value
    else:
        faults.pop(name, None)


def _until(seconds: float | None) -> str | None:
    seconds = 10.0 if seconds is None else seconds
    if not 0 <= seconds <= _MAX_SECONDS:
        raise InvalidInput("seconds", "Use 0 to {most}.", most=int(_MAX_SECONDS))
    return (utcnow() + timedelta(seconds=seconds)).isoformat() if seconds else None


def _bounded(field: str, value: int | None, default: int, most: int) -> int:
    value = default if value is None else value
    if not 0 <= value <= most:
        raise InvalidInput(field, "Use 0 to {most}.", most=most)
    return value


async def changed(number: SimNumber) -> None:
    """Its holder and the phones on screen hear, on commit, that this number's link or faults moved."""
    flag_modified(number, "faults")
    await wake(number.channel_id, changed=True)
    tell_phones(number.company_id, number.channel_id)


async def unlink(number: SimNumber) -> None:
    """The phone no longer lists the device. What waited for it is gone, as WhatsApp forgets it."""
    number.linked = False
    number.faults = {name: value for name, value in number.faults.items() if name != "kick"}
    await sql("DELETE FROM sim_event WHERE channel_id = :channel AND taken_at IS NULL", channel=number.channel_id)


async def spend(channel_id: UUID, name: str) -> Any:
    """One of the `times` of a fault is used up. What the fault says, or nothing when none was left."""
    number = await find_number(channel_id, lock=True)
    if number is None or name not in number.faults:
        return None
    value = number.faults[name]
    faults = dict(number.faults)
    if isinstance(value, dict):
        _put(faults, name, {**value, "times": value["times"] - 1} if value["times"] > 1 else None)
    elif isinstance(value, int):
        _put(faults, name, value - 1)
    else:
        del faults[name]
    number.faults = faults
    flag_modified(number, "faults")
    return value
