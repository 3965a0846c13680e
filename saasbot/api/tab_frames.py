"""What comes through a tab's socket, looked at before Reflex does: it logs whole what it cannot read, and does so before the guard.

A browser sends few kinds of frames, in one order: it joins once, perhaps with a first event, then sends events, and leaves.
"""

import json
from enum import Enum
from typing import Any

from reflex_base.constants import CompileVars
from reflex_base.registry import RegistrationContext

from saasbot.api import limits

# Engine.IO's kind of packet, then Socket.IO's, then the namespace (socket.io-protocol v5)
_JOIN, _LEAVE, _EVENT = "40/_event,", "41/_event,", "42/_event,"
_ALIVE = frozenset({"1", "2", "3"})
"""Close, ping, pong."""


class Fault(Enum):
    """The frame is dropped. Its sender is neither told nor cut off: a page that was open before an update goes on."""

    MALFORMED = "malformed_frame"
    UNKNOWN_EVENT = "unknown_event"


class TabFrames:
    """The frames of one socket, in the order in which they come."""

    def __init__(self) -> None:
        self._joined = self._left = False

    def fault(self, frame: str | None) -> Fault | None:
        """What is wrong with the next frame, which then must not pass. Nothing: `frame` was not text."""
        if frame is None:
            return Fault.MALFORMED
        if frame in _ALIVE:
            return None
        if self._left or frame.startswith(_JOIN) is self._joined:
            return Fault.MALFORMED
        if not self._joined:
            fault = _fault_of_joining(_parsed(frame[len(_JOIN) :] or "{}"))
            self._joined = fault is None
            return fault
        if frame.startswith(_EVENT):
            return _fault_of_message(_parsed(frame[len(_EVENT) :]))
        self._left = frame == _LEAVE
        return None if self._left else Fault.MALFORMED


def _fault_of_joining(said: Any) -> Fault | None:
    if not isinstance(said, dict):
        return Fault.MALFORMED
    event = said.get(CompileVars.CONNECT_AUTH_EVENT)
    return None if event is None else _fault_of_event(event)


def _fault_of_message(message: Any) -> Fault | None:
    match message:
        case ["event", event]:
            return _fault_of_event(event)
        case ["client_error", dict()]:  # Reflex limits these itself, by socket and altogether
            return None
        case _:
            return Fault.MALFORMED


def _fault_of_event(event: Any) -> Fault | None:
    match event:
        case {"name": str(name)} if isinstance(event.get("payload", {}), dict) and _is_place(
            event.get("router_data", {})
        ):
            return None if _is_known(name) else Fault.UNKNOWN_EVENT
        case _:
            return Fault.MALFORMED


def _is_place(place: Any) -> bool:
    """Where the tab is. Reflex takes the two addresses apart as URLs of ours, so they begin with a slash."""
    match place:
        case {"query": other} if not isinstance(other, dict):
            return False
        case dict():
            addresses = (place.get(name, "/") for name in ("pathname", "asPath"))
            return all(isinstance(address, str) and address.startswith("/") for address in addresses)
        case _:
            return False


def _is_known(name: str) -> bool:
    return name in RegistrationContext.get().event_handlers


def _parsed(text: str) -> Any:
    """Nothing of what is no JSON, or has more parts or levels than anything that we ask for."""
    if text.count("[") + text.count("{") > limits.MOST_BRACKETS:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
