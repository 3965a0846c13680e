"""What becomes of each event of the library, and what its states mean."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from saasbot.models import ChannelStatus
from saasbot.state.channel_texts import REASONS
from saasbot.wa_runtime import neonize_events as known
from saasbot.wa_runtime.neonize_events import FATES, Fate, call_of, codes_of, state_of, typing_of
from saasbot.wa_runtime.protobufs import events
from saasbot.wa_runtime.transport import StateChange
from tests.wa_runtime.neonize_fixtures import captured

RUNTIME = Path(known.__file__).parent
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def test_every_event_of_the_library_has_a_fate():
    script = (
        "import saasbot.wa_runtime.neonize_client; from neonize.events import EVENT_TO_INT as e; print(*e.values())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert sorted(FATES) == sorted(int(code) for code in done.stdout.split())


def test_every_state_event_says_something():
    required = {
        known.KEEP_ALIVE_TIMEOUT: events.KeepAliveTimeout(ErrorCount=1, LastSuccess=1795000000),
        known.LOGGED_OUT: events.LoggedOut(OnConnect=True, Reason=events.ConnectFailureReason.LOGGED_OUT),
        known.TEMPORARY_BAN: events.TemporaryBan(Code=events.TemporaryBan.BLOCKED_BY_USERS, Expire=60),
        known.CONNECT_FAILURE: events.ConnectFailure(
            Reason=events.ConnectFailureReason.GENERIC, Message="", Raw=events.Node(Tag="failure", Nil=True)
        ),
    }
    for code in codes_of(Fate.STATE):
        assert state_of(code, required[code].SerializeToString() if code in required else b"").status


@pytest.mark.parametrize(
    ("reason", "status", "code"),
    [
        ("LOGGED_OUT", ChannelStatus.LOGGED_OUT, "device_removed"),
        ("MAIN_DEVICE_GONE", ChannelStatus.BANNED, "account_locked"),
        ("UNKNOWN_LOGOUT", ChannelStatus.BANNED, "banned"),
    ],
)
def test_a_session_that_is_gone_is_final(reason: str, status: ChannelStatus, code: str):
    value = events.ConnectFailureReason.Value(reason)
    raw = events.LoggedOut(OnConnect=True, Reason=value).SerializeToString()
    assert state_of(known.LOGGED_OUT, raw) == StateChange(status, code, fatal=True)


def test_a_ban_that_ends_says_when():
    raw = events.TemporaryBan(Code=events.TemporaryBan.SEND_TO_TOO_MANY_PEOPLE, Expire=3600).SerializeToString()
    change = state_of(known.TEMPORARY_BAN, raw, now=NOW)
    assert (change.status, change.reason, change.fatal) == ("banned", "temporarily_banned", False)
    assert change.retry_at == NOW + timedelta(hours=1)


def test_an_unwell_server_is_no_reason_to_stop():
    failure = events.ConnectFailure(
        Reason=events.ConnectFailureReason.EXPERIMENTAL, Message="", Raw=events.Node(Tag="failure", Nil=True)
    )
    change = state_of(known.CONNECT_FAILURE, failure.SerializeToString())
    assert (change.status, change.fatal) == ("reconnecting", False)


def test_who_types_is_told_with_the_chat():
    composing, paused = (typing_of(captured(f"chat_presence_{kind}")[1]) for kind in ("composing", "paused"))
    assert composing is not None and paused is not None
    assert (composing.chat_jid, composing.on, paused.on) == ("998800000000000@lid", True, False)


def test_every_reason_the_runtime_gives_has_a_sentence():
    source = "\n".join(path.read_text() for path in RUNTIME.rglob("*.py"))
    given = set(re.findall(r'StateChange\(\s*ChannelStatus\.\w+,\s*"(\w+)"', source))
    given |= set(re.findall(r'PairingFailed\(\s*"(\w+)"', source)) | set(re.findall(r'\breason="(\w+)"', source))
    given |= set(re.findall(r'ChannelStatus\.\w+, "(\w+)"', source))
    from_library = (RUNTIME / "neonize_pairing.py").read_text().split("_LOGIN_FAILURES = {")[1].split("}")[0]
    given |= set(re.findall(r': "(\w+)"', from_library))
    assert len(given) > 15
    assert not given - set(REASONS), "no sentence in state/channel_texts.py"


def test_a_call_that_rings_says_whom_to_hang_up_on():
    _code, raw = captured("call_offer")
    call = call_of(raw)
    assert call is not None
    assert (call.caller, call.call_id) == ("998800000000000@lid", "CALLID")
    assert call.began_at == datetime.fromtimestamp(events.CallOffer.FromString(raw).basicCallMeta.timestamp, UTC)


def test_a_call_of_a_group_is_left_alone():
    offer = events.CallOffer.FromString(captured("call_offer")[1])
    offer.data.Attrs.add(name="group-jid", text="123@g.us")
    assert call_of(offer.SerializeToString()) is None
