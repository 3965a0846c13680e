"""Where a person is signed in, and ending it from elsewhere."""

from uuid import UUID, uuid4

import pytest

from saasbot.domain import accounts
from saasbot.domain.accounts import Cookie, InvalidToken, authenticate
from saasbot.domain.accounts.devices import device_of
from saasbot.domain.accounts.open_sessions import end_other_sessions, end_session, sessions_of
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import find_account
from saasbot.infra.errors import Forbidden, NotFound
from tests.accounts.test_sessions import session_of, ticket_of
from tests.attack.attempts import attempt
from tests.gate.tab import PASS, Tab
from tests.gate.test_guard_sessions import HANDLERS, is_redirect_to_login, shelf_policies

__all__ = ["shelf_policies"]

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 (KHTML, like Gecko) Version/19.0 Mobile Safari/604"
ALICE = "alice@sur.example"


async def open_on(user_agent: str, network: str = "203.0.113.9") -> str:
    return await accounts.start_session(await ticket_of(ALICE), network=network, user_agent=user_agent)


async def id_of(token: str) -> UUID:
    found = await authenticate(Cookie(token))
    assert found is not None
    return found.session_id


async def test_each_says_with_what_and_from_where(alice: Actor, bob: Actor):
    await session_of("bob@sur.example")
    here, phone = await session_of(), await open_on(PHONE)
    found = await find_account(ALICE)
    assert found is not None
    pair = await accounts.issue_tokens(found[0], network="198.51.100.7", user_agent="curl/8.5.0")
    pair, _ = await accounts.refresh_tokens(pair.refresh_token, network="198.51.100.8")

    (own, *others) = await sessions_of(alice, current=await id_of(here))
    assert (own.id, own.current, own.kind) == (await id_of(here), True, "browser")
    assert {(o.kind, str(o.device), o.network, o.current) for o in others} == {
        ("browser", "Safari · iPhone", "203.0.113.9", False),
        ("api", "curl", "198.51.100.8", False),
    }
    assert await id_of(phone) in {o.id for o in others}


@attempt(156, "accounts", "A stolen browser goes on after its session was ended elsewhere.")
async def test_one_is_ended_and_refused_on_its_open_socket_at_once(alice: Actor):
    phone = await open_on(PHONE)
    tab = Tab(phone)
    assert await tab.send(HANDLERS["look"]) == PASS
    session_id = await id_of(phone)
    await end_session(alice, session_id)
    assert is_redirect_to_login(await tab.send(HANDLERS["look"]))
    with pytest.raises(NotFound):
        await end_session(alice, session_id)


async def test_the_tokens_of_a_program_end_too(alice: Actor):
    found = await find_account(ALICE)
    assert found is not None
    pair = await accounts.issue_tokens(found[0])
    caller = await accounts.caller_of(pair.access_token)
    await end_session(alice, caller.family)
    for use in (accounts.caller_of(pair.access_token), accounts.refresh_tokens(pair.refresh_token)):
        with pytest.raises(InvalidToken):
            await use
    assert await sessions_of(alice, current=caller.family) == []


async def test_all_others_end_and_this_one_stays(alice: Actor, mallory: Actor):
    here, phone, hers = await session_of(), await open_on(PHONE), await session_of("mallory@junta.example")
    found = await find_account(ALICE)
    assert found is not None
    pair = await accounts.issue_tokens(found[0])
    assert await end_other_sessions(alice, current=await id_of(here)) == 2
    assert await end_other_sessions(alice, current=await id_of(here)) == 0
    assert await authenticate(Cookie(here))
    assert await authenticate(Cookie(phone)) is None
    assert await authenticate(Cookie(hers)), "nobody else's"
    with pytest.raises(InvalidToken):
        await accounts.caller_of(pair.access_token)


@attempt(157, "accounts", "Somebody ends the session of another.")
async def test_the_session_of_another_is_not_there(alice: Actor, bob: Actor, mallory: Actor):
    here = await session_of()
    for other in (bob, mallory):
        with pytest.raises(NotFound):
            await end_session(other, await id_of(here))
    assert await authenticate(Cookie(here))
    with pytest.raises(NotFound):
        await end_session(alice, uuid4())
    with pytest.raises(Forbidden):
        await sessions_of(Actor.system(alice.company_id), current=uuid4())


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0",
            "Edge · Windows",
        ),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36", "Chrome · Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox · Linux"),
        (
            "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36",
            "Chrome · Android",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605 Version/18.0 Safari/605", "Safari · Mac"),
        (PHONE, "Safari · iPhone"),
        ("python-httpx/0.28", "python-httpx"),
        ("Mozilla/5.0", ""),
        ("", ""),
        ("/", ""),
        ("x" * 300, "x" * 40),
        ("<script>alert(1)</script>", "<script>alert(1)<"),
    ],
)
def test_devices_have_names_that_people_know(user_agent: str, device: str):
    assert str(device_of(user_agent)) == device
