"""What comes through a tab's socket before anybody looked at who sends it: Reflex never sees what it could only log."""

import json
from pathlib import Path
from typing import Any

import pytest
from reflex.state import State
from reflex_base.utils.format import format_event_handler
from structlog.testing import capture_logs

import saasbot.saasbot  # noqa: F401  # registers every event
from saasbot.api.gate import Gate
from saasbot.api.tab_frames import Fault, TabFrames
from tests.attack.attempts import attempt
from tests.gate.asgi import Inner, connect

KNOWN = format_event_handler(State.event_handlers["hydrate"])
PLACE = {"pathname": "/inbox/[id]", "asPath": "/inbox/1?x=1#y", "query": {"id": "1"}}
JOIN, LEAVE = "40/_event,", "41/_event,"


def event(**said: Any) -> str:
    return message("event", {"name": KNOWN, **said})


def message(*said: Any) -> str:
    return "42/_event," + json.dumps(said)


FROM_A_BROWSER = [
    event(),
    event(payload={"a": [1]}, router_data=PLACE, event_actions={"debounce": 1}),
    event(router_data={}),
    event(router_data={"pathname": "/", "asPath": "/", "ip": "what a server sent along"}),
    message("client_error", {"message": "x"}),
    event(payload={"prompt": "[{" * 2_000 + "a" * 20_000}),
    "3",
    LEAVE,
]


def test_what_browsers_send_passes():
    frames = TabFrames()
    assert (
        frames.fault(JOIN + json.dumps({"event": {"name": KNOWN, "router_data": PLACE}, "state_schema": "x"})) is None
    )
    assert [frames.fault(frame) for frame in FROM_A_BROWSER] == [None] * len(FROM_A_BROWSER)
    assert TabFrames().fault(JOIN) is None


MALFORMED = [
    None,
    "",
    "4",
    "6",
    "2probe",
    "b" + "A" * 40,
    "4[]",
    JOIN,
    "40",
    "40/_event",
    "41",
    "42",
    '42["event",{}]',
    '42/other,["event",{}]',
    '42/_event?x,["event",{}]',
    '42/_event,1["event",{}]',
    '451-/_event,["event",{"_placeholder":true,"num":0}]',
    '44/_event,"x"',
    "42/_event,",
    "42/_event,[",
    "42/_event,{}",
    "42/_event," + "[" * 100_000,
    message(),
    message("ping"),
    message("disconnect", "x"),
    message("client_error"),
    message("client_error", "x"),
    message("event"),
    message("event", "input_value=" * 100),
    message("event", json.dumps({"name": KNOWN})),
    message("event", {}, {}),
    message("event", {"payload": {}}),
    message("event", {"name": 1}),
    message("event", {"name": [KNOWN]}),
    event(payload=None),
    event(payload=[]),
    event(payload="x"),
    event(router_data=None),
    event(router_data=[]),
    event(router_data={"pathname": 1}),
    event(router_data={"asPath": {}}),
    event(router_data={"asPath": "@["}),
    event(router_data={"query": []}),
    event(payload={"a": [[]] * 5_000}),
]


@attempt(275, "gate", "A socket sends what no browser sends, so that Reflex logs it whole.")
@pytest.mark.parametrize("frame", MALFORMED)
def test_what_no_browser_sends_does_not(frame: str | None):
    frames = TabFrames()
    assert frames.fault(JOIN) is None
    assert frames.fault(frame) is Fault.MALFORMED
    assert frames.fault(event()) is None, "the tab goes on"


@pytest.mark.parametrize("said", [[], "x", {"event": "x"}, {"event": {"name": KNOWN, "payload": 1}}])
def test_nor_does_it_when_it_comes_with_the_joining(said: Any):
    frames = TabFrames()
    assert frames.fault(JOIN + json.dumps(said)) is Fault.MALFORMED
    assert frames.fault(event()) is Fault.MALFORMED, "it has not joined"


def test_nothing_comes_before_a_tab_joined_or_after_it_left():
    frames = TabFrames()
    assert [frames.fault(frame) for frame in (event(), LEAVE)] == [Fault.MALFORMED] * 2
    assert [frames.fault(frame) for frame in (JOIN, LEAVE)] == [None] * 2
    assert [frames.fault(frame) for frame in (event(), LEAVE, JOIN)] == [Fault.MALFORMED] * 3


@attempt(276, "gate", "A socket without a session floods the log with events that do not exist.")
async def test_unknown_events_reach_nobody_and_are_one_line_in_the_log(tmp_path: Path, app_db: object):
    inner = Inner()
    joined, unknown = {"type": "websocket.receive", "text": JOIN}, message("event", {"name": "x" * 10_000})
    flood = [{"type": "websocket.receive", "text": unknown}, {"type": "websocket.receive", "bytes": b"x"}] * 50
    last = {"type": "websocket.receive", "text": event()}
    with capture_logs() as log:
        await connect(Gate(inner, built=tmp_path), messages=[joined, *flood, last])
    assert inner.messages[1:] == [joined, last]
    lines = [line for line in log if line["event"] == "gate.frame_refused"]
    assert sorted(line["reason"] for line in lines) == ["malformed_frame", "unknown_event"]
    assert all(len(str(line)) < 300 for line in lines)
