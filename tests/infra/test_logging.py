"""A canary: whatever careless code hands to the log, secrets do not leave the process."""

import io
import logging
import time
from collections.abc import Iterator

import pytest
import structlog

from saasbot.infra import logging as ours
from saasbot.infra.redaction import without_secrets
from tests.attack.attempts import attempt

CANARY = "cAnArY-0123456789_abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(params=[True, False], ids=["json", "readable"])
def written(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    ours.configure(json=request.param)
    stream = io.StringIO()
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    ours._before_configured()


@attempt(101, "secrets", "A careless call logs a password, a token, a message.")
def test_names_that_hold_secrets_are_emptied(written: io.StringIO):
    names = ("password", "new_password", "access_token", "api_key", "secret", "authorization", "cookie", "text", "body")
    ours.get_logger("test").info("something.happened", **dict.fromkeys(names, CANARY))
    assert "something.happened" in written.getvalue()
    assert CANARY not in written.getvalue()


@attempt(102, "secrets", "Tokens stand within the text of somebody else's log line.")
@pytest.mark.parametrize(
    "careless",
    [
        f"Error processing event Event(router_data={{'headers': {{'cookie': 'a=b; saasbot-session={CANARY}; c=d'}}}})",
        f"cookie: __Host-saasbot-session={CANARY}",
        f"GET /auth/complete?ticket={CANARY} HTTP/1.1",
        f"http://localhost:3000/reset-password?x=1&token={CANARY}",
        f"headers: {{'authorization': 'Bearer {CANARY}'}}",
        f"refused key sk-proj-{CANARY}",
    ],
)
def test_tokens_within_texts_of_others_are_cut_out(written: io.StringIO, careless: str):
    logging.getLogger("reflex.app").warning(careless)
    ours.get_logger("test").info("wrapped", detail=careless)
    try:
        raise ValueError(careless)
    except ValueError:
        logging.getLogger("reflex.app").exception("it failed")
        ours.get_logger("test").exception("it.failed")
    assert written.getvalue().count("[redacted]") >= 4
    assert CANARY not in written.getvalue()


@pytest.mark.parametrize(
    "careless",
    [
        {"values": {"user": {"password": CANARY, "name": "Ana"}}},
        {"values": [{"api_key": CANARY}, ("x", {"qr": CANARY})]},
        {"qr": CANARY, "proxy": CANARY, "phone": CANARY, "email": CANARY},
        {"code": "ABCD-1234", "pairing_code": "123456"},
        {"payload": CANARY.encode()},
        {"detail": f"payload {{'text': '{CANARY}', 'n': 1}}"},
        {"detail": f'{{"refresh_token": "{CANARY}"}}'},
        {"detail": f"2@{CANARY},abc=,def+"},
        {"detail": f"postgresql://saasbot_app:{CANARY}@db/saasbot"},
        {"detail": f"eyJhbGciOiJSUzI1NiJ9.{CANARY}.{CANARY}"},
        {
            "detail": f"1 validation error\n  Input should be a valid string [type=x, input_value='{CANARY}', input_type=str]"
        },
        {
            "detail": f"duplicate key\nDETAIL:  Key (text)=({CANARY}\n{CANARY}) already exists.\n\nThe above exception was"
        },
        {"detail": f"[SQL: SELECT 1]\n[parameters: {{'x': '{CANARY}'}}]\n(Background on this error"},
    ],
)
def test_at_any_depth_and_in_any_text(written: io.StringIO, careless: dict):
    ours.get_logger("test").info("something.happened", **careless)
    if "payload" not in careless:  # bytes in somebody's text cannot be told from other text
        logging.getLogger("other").warning("it has %s", careless)
    out = written.getvalue()
    assert "something.happened" in out
    for canary in (CANARY, "ABCD-1234", "'123456'", '"123456"'):
        assert canary not in out


def test_what_helps_is_left(written: io.StringIO):
    kept = {
        "channel_id": "0190a1b2-1234-5678-9012-123456789012",
        "code": "session_missing",
        "reason": "since 2026-11-25 10:00:00",
        "exit_code": 78,
        "numbers": [1, 2],
        "error": "connection refused at 127.0.0.1 port 5432",
    }
    ours.get_logger("test").info("something.happened", **kept)
    for value in kept.values():
        assert str(value) in written.getvalue()


@pytest.mark.parametrize("phone", ["+54 9 11 5555-4444", "+54 (911) 5555 4444", "011 5555 4444", "5491155554444"])
def test_a_phone_number_is_never_whole_however_it_is_written(written: io.StringIO, phone: str):
    ours.get_logger("test").info("said", detail=f"call {phone} please", inner={"to": [phone]})
    _, said = written.getvalue().split("said", 1)  # the moment before it may have any digits
    assert phone not in said and "5555" not in said


@attempt(128, "privacy", "Whole phone numbers are looked for in the log.")
def test_a_phone_number_is_never_whole(written: io.StringIO):
    ours.get_logger("test").info("inbox.message_received", contact="5491155554444", jid="5491155554444@s.whatsapp.net")
    logging.getLogger("neonize").warning("no answer of +5491155554444")
    assert "5491155554444" not in written.getvalue()


def test_before_it_is_configured_a_trace_has_no_variables_and_no_secrets(capsys: pytest.CaptureFixture[str]):
    """structlog's own way of printing an exception shows the variables of every frame."""
    ours._before_configured()
    a_variable = CANARY[::-1]
    try:
        raise ValueError(f"Bearer {CANARY}")
    except ValueError:
        structlog.get_logger("test").exception("it.failed")
    out, err = capsys.readouterr()
    assert out == "", "what a command answers is all that stands there"
    assert "it.failed" in err and "Traceback" in err
    assert CANARY not in err and a_variable not in err


HOSTILE = (
    "input_value=",
    "eyJ-",
    "eyJabcde.",
    "password ",
    "_text",
    "password='\\",
    "code: ",
    "\nDETAIL:",
    "[parameters: ",
    "\\n",
    "token=",
    "a://",
    "a@",
    "a@1.1",
    "1@",
    "(1 ",
)


@attempt(
    277, "secrets", "A text is written so that cutting secrets out of it takes longer the longer it is, by its square."
)
@pytest.mark.parametrize("atom", HOSTILE)
def test_a_hostile_text_takes_no_longer_than_another_of_its_length(atom: str):
    def seconds(text: str) -> float:
        began = time.process_time()
        without_secrets(text, longest=len(text))
        return time.process_time() - began

    characters = 64_000
    plain = seconds("word " * (characters // 5))
    assert seconds(atom * (characters // len(atom))) < 10 * plain + 0.2


@attempt(278, "secrets", "A client's text of hundreds of kilobytes is logged, again and again.")
def test_a_long_text_is_cut_and_a_trace_later(written: io.StringIO):
    ours.get_logger("test").warning("it.failed", reason="long " * 50_000)
    logging.getLogger("other").warning("long " * 50_000)
    lines = written.getvalue().splitlines()
    assert [line.count("(250000 characters)") for line in lines] == [1, 1]
    assert max(map(len, lines)) < 5_000
    try:
        raise ValueError("x" * 10_000)
    except ValueError:
        logging.getLogger("other").exception("it failed")
    assert "x" * 10_000 in written.getvalue()


@pytest.mark.parametrize("secret", [f"postgresql://saasbot:{CANARY}@db/saasbot", f"{CANARY}@sur.example"])
@pytest.mark.parametrize("longest", range(4_000, 4_060, 7))
def test_what_the_cut_went_through_is_not_shown(secret: str, longest: int):
    text = ("word " * 800) + secret + " and more"
    assert CANARY[:8] not in without_secrets(text, longest=longest).replace(f"{CANARY[0]}…", "")
