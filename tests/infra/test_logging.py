"""A canary: whatever careless code hands to the log, secrets do not leave the process."""

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from saasbot.infra import logging as ours
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
    structlog.reset_defaults()


@attempt(107, "secrets", "A careless call logs a password, a token, a message.")
def test_names_that_hold_secrets_are_emptied(written: io.StringIO):
    names = ("password", "new_password", "access_token", "api_key", "secret", "authorization", "cookie", "text", "body")
    ours.get_logger("test").info("something.happened", **dict.fromkeys(names, CANARY))
    assert "something.happened" in written.getvalue()
    assert CANARY not in written.getvalue()


@attempt(108, "secrets", "Tokens stand within the text of somebody else's log line.")
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


@attempt(135, "privacy", "Whole phone numbers are looked for in the log.")
def test_a_phone_number_is_never_whole(written: io.StringIO):
    ours.get_logger("test").info("inbox.message_received", contact="5491155554444", jid="5491155554444@s.whatsapp.net")
    logging.getLogger("neonize").warning("no answer of +5491155554444")
    assert "5491155554444" not in written.getvalue()
