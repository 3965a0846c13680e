"""Every transport asks `authenticate()` who acts, and nothing else looks a session or a token up."""

import ast
from pathlib import Path

from saasbot.domain import accounts
from saasbot.domain.accounts import Bearer, Cookie, SignedIn, authenticate
from saasbot.domain.accounts.tokens import Caller
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import find_account
from tests.accounts.test_sessions import session_of

ROOT = Path(__file__).resolve().parents[2] / "saasbot"
LOOK_UPS = {"signed_in", "caller_of", "recent_sessions", "recent_callers"}
LOOK_UPS |= {"find_session", "person_of_family"}
INSIDE = {
    f"domain/accounts/{name}.py" for name in ("__init__", "authenticate", "endings", "resets", "sessions", "tokens")
}
"""The door itself, what lies behind it, and what makes it forget."""


def looks_up(tree: ast.AST) -> set[str]:
    """The look-ups that a module imports from the accounts, or calls as an attribute of one of their modules."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("saasbot.domain.a"):
            found |= LOOK_UPS & {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found |= LOOK_UPS & {node.attr} if node.value.id in ("accounts", "sessions", "tokens", "rows") else set()
    return found


def test_nothing_else_looks_sessions_or_tokens_up():
    users = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if looks_up(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert users - INSIDE == set()
    assert "domain/accounts/authenticate.py" in users


def test_a_module_that_goes_around_the_door_is_seen():
    for source in (
        "from saasbot.domain.accounts.sessions import signed_in",
        "from saasbot.domain import accounts\nawait accounts.caller_of(token)",
        "from saasbot.domain.admin import sessions as rows\nrows.find_session(hashed)",
    ):
        assert looks_up(ast.parse(source)), source
    assert not looks_up(ast.parse("from saasbot.state.policy import signed_in"))


def test_the_api_the_pages_and_the_hub_go_through_it():
    used = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if "await authenticate(" in path.read_text(encoding="utf-8")
    }
    assert used == {
        "api/browser.py",
        "api/callers.py",
        "api/clients.py",
        "api/media.py",
        "state/live.py",
        "state/session.py",
    }


async def test_a_cookie_and_a_token_say_who_acts(alice: Actor):
    found = await find_account("alice@sur.example")
    assert found is not None
    session = await authenticate(Cookie(await session_of()))
    caller = await authenticate(Bearer((await accounts.issue_tokens(found[0])).access_token))
    assert isinstance(session, SignedIn)
    assert isinstance(caller, Caller)
    assert session.actor == caller.actor == alice


async def test_nonsense_is_nobody_by_either_way(app_db: object):
    for token in ("", "nonsense", "x" * 5000, "ñ", "\x00", "\ud800", "..", "e30.e30."):
        assert await authenticate(Cookie(token)) is None
        assert await authenticate(Bearer(token)) is None


async def test_neither_credential_is_the_other(alice: Actor):
    found = await find_account("alice@sur.example")
    assert found is not None
    cookie, access = await session_of(), (await accounts.issue_tokens(found[0])).access_token
    assert await authenticate(Bearer(cookie)) is None
    assert await authenticate(Cookie(access)) is None


def test_a_credential_is_not_written_to_a_log():
    assert "secret" not in repr(Cookie("secret")) + repr(Bearer("secret"))
