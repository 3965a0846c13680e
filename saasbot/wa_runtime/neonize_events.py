"""Every event of the library (0.5.2), and what becomes of it. An event that is not listed here fails a test."""

from datetime import UTC, datetime, timedelta
from enum import Enum

from google.protobuf.message import DecodeError

from saasbot.models import ChannelStatus
from saasbot.wa_runtime.protobufs import (
    CALL_OFFER,
    CALL_TERMINATE,
    CHAT_PRESENCE,
    HISTORY,
    MESSAGE,
    RECEIPT,
    UNDECRYPTABLE,
    events,
)
from saasbot.wa_runtime.transport import Call, StateChange, Typing

DEVICE, QR, PAIR_STATUS, CONNECTED, KEEP_ALIVE_TIMEOUT, KEEP_ALIVE_RESTORED = range(6)
LOGGED_OUT, STREAM_REPLACED, TEMPORARY_BAN, CONNECT_FAILURE, CLIENT_OUTDATED, STREAM_ERROR, DISCONNECTED = range(6, 13)


class Fate(Enum):
    JOURNAL = "written down before anything else"
    STATE = "changes what the number's state says"
    LIVE = "shown live, never kept"
    PAIRING = "means something while pairing only"
    IGNORED = "nothing of this product needs it"


FATES: dict[int, tuple[str, Fate]] = {
    DEVICE: ("Device", Fate.PAIRING),
    QR: ("QR", Fate.IGNORED),  # all codes at once, after the scan; codes come by their own callback
    PAIR_STATUS: ("PairStatus", Fate.PAIRING),
    CONNECTED: ("Connected", Fate.STATE),
    KEEP_ALIVE_TIMEOUT: ("KeepAliveTimeout", Fate.STATE),
    KEEP_ALIVE_RESTORED: ("KeepAliveRestored", Fate.STATE),
    LOGGED_OUT: ("LoggedOut", Fate.STATE),
    STREAM_REPLACED: ("StreamReplaced", Fate.STATE),
    TEMPORARY_BAN: ("TemporaryBan", Fate.STATE),
    CONNECT_FAILURE: ("ConnectFailure", Fate.STATE),
    CLIENT_OUTDATED: ("ClientOutdated", Fate.STATE),
    STREAM_ERROR: ("StreamError", Fate.IGNORED),  # Disconnected follows, and the library reconnects
    DISCONNECTED: ("Disconnected", Fate.STATE),
    HISTORY: ("HistorySync", Fate.JOURNAL),  # megabytes, in a lane of their own (`history.py`)
    16: ("NewsLetterMessageMeta", Fate.IGNORED),
    MESSAGE: ("Message", Fate.JOURNAL),
    RECEIPT: ("Receipt", Fate.JOURNAL),
    CHAT_PRESENCE: ("ChatPresence", Fate.LIVE),
    20: ("Presence", Fate.IGNORED),
    21: ("JoinedGroup", Fate.IGNORED),
    22: ("GroupInfo", Fate.IGNORED),
    23: ("Picture", Fate.IGNORED),
    24: ("IdentityChange", Fate.IGNORED),
    25: ("PrivacySettings", Fate.IGNORED),
    26: ("OfflineSyncPreview", Fate.IGNORED),
    27: ("OfflineSyncCompleted", Fate.IGNORED),
    30: ("Blocklist", Fate.IGNORED),
    31: ("BlocklistChange", Fate.IGNORED),
    32: ("NewsletterJoin", Fate.IGNORED),
    33: ("NewsletterLeave", Fate.IGNORED),
    34: ("NewsletterMuteChange", Fate.IGNORED),
    35: ("NewsletterLiveUpdate", Fate.IGNORED),
    CALL_OFFER: ("CallOffer", Fate.JOURNAL),
    37: ("CallAccept", Fate.IGNORED),
    38: ("CallPreAccept", Fate.IGNORED),
    39: ("CallTransport", Fate.IGNORED),
    40: ("CallOfferNotice", Fate.IGNORED),  # of groups
    41: ("CallRelayLatency", Fate.IGNORED),
    CALL_TERMINATE: ("CallTerminate", Fate.JOURNAL),
    43: ("UnknownCallEvent", Fate.IGNORED),
    UNDECRYPTABLE: ("UndecryptableMessage", Fate.JOURNAL),
    45: ("RotateADVSecret", Fate.IGNORED),
}


def codes_of(*fates: Fate) -> list[int]:
    """The events to ask the library for."""
    return [code for code, (_name, fate) in FATES.items() if fate in fates]


JOURNALLED = frozenset(codes_of(Fate.JOURNAL))

_SHORTEST_BAN = timedelta(minutes=1)

# 401 in the stream or at login, 403, 406: the session is gone in every case, the library has already deleted it.
_LOGGED_OUT = {
    events.ConnectFailureReason.LOGGED_OUT: StateChange(ChannelStatus.LOGGED_OUT, "device_removed", fatal=True),
    events.ConnectFailureReason.MAIN_DEVICE_GONE: StateChange(ChannelStatus.BANNED, "account_locked", fatal=True),
    events.ConnectFailureReason.UNKNOWN_LOGOUT: StateChange(ChannelStatus.BANNED, "banned", fatal=True),
}
_OUTDATED = StateChange(ChannelStatus.FAILED, "client_outdated", fatal=True)
_FATAL_FAILURES = {
    events.ConnectFailureReason.CLIENT_OUTDATED: _OUTDATED,
    events.ConnectFailureReason.BAD_USER_AGENT: _OUTDATED,
}
_PLAIN = {
    CONNECTED: StateChange(ChannelStatus.OPEN),
    KEEP_ALIVE_RESTORED: StateChange(ChannelStatus.OPEN),
    DISCONNECTED: StateChange(ChannelStatus.RECONNECTING, "connection_lost"),
    STREAM_REPLACED: StateChange(ChannelStatus.FAILED, "stream_replaced", fatal=True),
    CLIENT_OUTDATED: _OUTDATED,
}


def state_of(code: int, raw: bytes, *, now: datetime | None = None) -> StateChange:
    """What a `Fate.STATE` event says about the number. `retry_at` is set where WhatsApp named a time to stay away."""
    if code in _PLAIN:
        return _PLAIN[code]
    if code == KEEP_ALIVE_TIMEOUT:
        heard_at = datetime.fromtimestamp(events.KeepAliveTimeout.FromString(raw).LastSuccess, UTC)
        return StateChange(ChannelStatus.DEAF, "keepalive_timeout", heard_at=heard_at)
    if code == LOGGED_OUT:
        reason = events.LoggedOut.FromString(raw).Reason
        return _LOGGED_OUT.get(reason, StateChange(ChannelStatus.LOGGED_OUT, "device_removed", fatal=True))
    if code == TEMPORARY_BAN:
        ban = events.TemporaryBan.FromString(raw)
        until = (now or datetime.now(UTC)) + max(timedelta(seconds=ban.Expire), _SHORTEST_BAN)
        return StateChange(ChannelStatus.BANNED, "temporarily_banned", retry_at=until)
    if code == CONNECT_FAILURE:
        reason = events.ConnectFailure.FromString(raw).Reason
        return _FATAL_FAILURES.get(reason, StateChange(ChannelStatus.RECONNECTING, "refused_by_whatsapp"))
    raise ValueError(f"event {code} says nothing about the state")


def call_of(raw: bytes) -> Call | None:
    """The call of one customer that rings; nothing for those of groups."""
    event = events.CallOffer.FromString(raw)
    meta = event.basicCallMeta
    caller = getattr(meta, "from")
    if not caller.User or not meta.callID or any(attribute.name == "group-jid" for attribute in event.data.Attrs):
        return None
    return Call(f"{caller.User}@{caller.Server}", meta.callID, datetime.fromtimestamp(meta.timestamp, UTC))


def is_between_devices(code: int, raw: bytes) -> bool:
    """A message of the account's own phone to its devices: keys, and where to fetch the history or the history itself, which
    comes as an event of its own. No chat has it, so nothing keeps it."""
    if code != MESSAGE or b"peer" not in raw:
        return False
    try:
        return events.Message.FromString(raw).Info.Category == "peer"
    except DecodeError:
        return False


def typing_of(raw: bytes) -> Typing | None:
    """Who types in which chat of one customer; nothing for groups."""
    presence = events.ChatPresence.FromString(raw)
    source = presence.MessageSource
    if source.IsGroup or not source.Chat.User:
        return None
    return Typing(f"{source.Chat.User}@{source.Chat.Server}", presence.State == events.ChatPresence.COMPOSING)
