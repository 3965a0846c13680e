"""The gate: what is refused before anything of ours or of Reflex sees it."""

import base64
import hashlib
from pathlib import Path

import pytest

from saasbot.api import limits
from saasbot.api.gate import Gate
from saasbot.domain import accounts
from saasbot.domain.actor import Actor
from saasbot.infra import session_cookie
from saasbot.infra.settings import settings
from tests.attack.attempts import attempt
from tests.gate.asgi import OWN, TAB, Inner, connect, request
from tests.people import PASSWORD

ACCEPTED = {"type": "websocket.accept"}
REFUSED = [{"type": "websocket.close", "code": 1008}]


@pytest.fixture
def inner() -> Inner:
    return Inner()


@pytest.fixture
def gate(inner: Inner, tmp_path: Path) -> Gate:
    return Gate(inner, built=tmp_path)


async def cookie_of(email: str) -> tuple[str, str]:
    """A fresh session: its token, and the Cookie header a browser would send."""
    person = await accounts.sign_in(email=email, password=PASSWORD, network="test")
    token = await accounts.start_session(await accounts.issue_ticket(person), network="test", user_agent="")
    return token, f"{session_cookie.name()}={token}"


async def test_a_socket_of_our_own_page_passes(gate: Gate, inner: Inner):
    sent = await connect(gate, messages=[{"type": "websocket.receive", "text": "2"}])
    assert sent == [ACCEPTED]
    assert [message.get("text") for message in inner.messages] == [None, "2"]


@attempt(1, "gate", "A page of another site, or one that names no origin, opens the socket.")
@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "https://evil.example",
        "http://localhost:3001",
        "https://localhost:3000",
        "http://localhost:3000.evil.example",
        "http://evil.example/http://localhost:3000",
    ],
)
async def test_a_socket_of_another_page_is_refused(gate: Gate, inner: Inner, origin: str | None):
    assert await connect(gate, origin=origin) == REFUSED
    assert inner.seen == []


@attempt(3, "gate", "The socket is opened with a token that is no single UUID: a path, two of them, a NUL.")
@pytest.mark.parametrize(
    "query",
    ["", "token=", "token=xxxxxxxx", "token=../../x", f"token={TAB}x", f"token={TAB}&token={TAB}", f"token={TAB}%00"],
)
async def test_a_tab_token_must_be_one_uuid(gate: Gate, inner: Inner, query: str):
    assert await connect(gate, query=query) == REFUSED
    assert inner.seen == []


@attempt(4, "gate", "A socket is opened at an address that is not the tab's.")
async def test_no_other_path_takes_sockets(gate: Gate, inner: Inner):
    assert await connect(gate, path="/api/v1/socket") == REFUSED
    assert inner.seen == []


@attempt(5, "gate", "A closed tab's token is taken by another session, or by nobody's.")
async def test_a_tab_belongs_to_the_session_that_used_it_first(gate: Gate, alice: Actor, mallory: Actor):
    token, cookie = await cookie_of("alice@sur.example")
    _, foreign = await cookie_of("mallory@junta.example")
    assert (await connect(gate, cookie=cookie))[0] == ACCEPTED
    assert await connect(gate, cookie=foreign) == REFUSED
    assert await connect(gate, cookie="") == REFUSED
    assert (await connect(gate, cookie=cookie))[0] == ACCEPTED

    await accounts.sign_out(token)
    assert (await connect(gate, cookie=foreign))[0] == ACCEPTED


async def test_signing_in_within_a_tab_keeps_its_token(gate: Gate, alice: Actor):
    _, cookie = await cookie_of("alice@sur.example")
    assert (await connect(gate))[0] == ACCEPTED
    assert (await connect(gate, cookie=cookie))[0] == ACCEPTED


@attempt(122, "limits", "A socket message is longer than any event.")
async def test_a_socket_message_that_is_too_long_closes_it(gate: Gate, inner: Inner):
    text = "x" * (limits.LONGEST_MESSAGE + 1)
    sent = await connect(gate, messages=[{"type": "websocket.receive", "text": text}])
    assert sent == [ACCEPTED, {"type": "websocket.close", "code": 1009}]
    assert len(inner.messages) == 1


@attempt(123, "limits", "A socket is flooded with messages.")
async def test_too_many_socket_messages_close_it(gate: Gate, inner: Inner):
    flood = [{"type": "websocket.receive", "text": "2"}] * int(limits.MESSAGES.burst + limits.MESSAGES.per_second * 5)
    sent = await connect(gate, messages=flood)
    assert sent == [ACCEPTED, {"type": "websocket.close", "code": 1008}]
    assert len(inner.messages) < len(flood)


@attempt(124, "limits", "One address opens sockets without an end.")
async def test_too_many_sockets_of_one_address_are_refused_and_others_not(gate: Gate):
    for _ in range(int(limits.SOCKETS.burst)):
        assert (await connect(gate))[0] == ACCEPTED
    assert await connect(gate) == REFUSED
    assert (await connect(gate, client="203.0.113.9"))[0] == ACCEPTED


@attempt(6, "gate", "A file is sent to Reflex's own upload, or one is fetched from there.")
@pytest.mark.parametrize("path", ["/_upload", "/_upload/", "/_upload/secret.pdf", "/_all_routes"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_reflex_own_upload_is_closed(gate: Gate, inner: Inner, path: str, method: str):
    answer = await request(gate, method, path, headers={"origin": OWN})
    assert (answer.status, inner.seen) == (404, [])


@attempt(8, "gate", "A page of another site posts with the visitor's cookie.")
@pytest.mark.parametrize("path", ["/uploads", "/auth/logout", "/sim/v1/channels/x/scan", "/"])
async def test_another_site_cannot_post(gate: Gate, inner: Inner, path: str):
    answer = await request(gate, "POST", path, headers={"origin": "https://evil.example"})
    assert (answer.status, inner.seen) == (403, [])
    assert (await request(gate, "POST", path, headers={"origin": OWN})).status == 200


@attempt(9, "gate", "A request that lives on its cookie leaves its origin out.")
@pytest.mark.parametrize("path", ["/uploads", "/auth/logout"])
async def test_where_a_cookie_is_the_proof_the_origin_must_be_named(gate: Gate, inner: Inner, path: str):
    assert (await request(gate, "POST", path)).status == 403
    assert inner.seen == []


async def test_programs_without_an_origin_reach_the_api(gate: Gate):
    assert (await request(gate, "POST", "/api/v1/auth/login")).status == 200


@attempt(10, "gate", "A stranger's DNS name points at this machine to reach what is only for it.")
@pytest.mark.parametrize("host", ["evil.example", "evil.example:3000", "192.0.2.1:3000"])
async def test_what_is_for_this_machine_only_answers_to_its_names(gate: Gate, inner: Inner, host: str):
    """A name of somebody else's DNS that points here would make another site our own (DNS rebinding)."""
    answer = await request(gate, "GET", "/sim/v1/channels/x/sent", headers={"host": host}, client="127.0.0.1")
    assert (answer.status, inner.seen) == (403, [])


@attempt(120, "limits", "A body announces a gigabyte.")
async def test_a_body_that_says_it_is_too_large_is_refused_unread(gate: Gate, inner: Inner):
    answer = await request(
        gate, "POST", "/api/v1/products", headers={"content-length": str(2**30)}, body=[b"x"], client="127.0.0.1"
    )
    assert (answer.status, inner.seen) == (413, [])


@attempt(121, "limits", "A body without a length grows and grows.")
async def test_a_body_that_grows_too_large_is_cut(gate: Gate, inner: Inner):
    answer = await request(gate, "POST", "/api/v1/bots", body=[b"x" * 600_000] * 3)
    assert (answer.status, inner.bodies) == (413, [])
    assert b"too_large" in answer.body


async def test_a_body_within_the_limit_arrives_whole(gate: Gate, inner: Inner):
    assert (await request(gate, "POST", "/api/v1/bots", body=[b"x" * 600_000] * 1)).status == 200
    assert inner.bodies == [b"x" * 600_000]


@attempt(125, "limits", "One address signs in without an end.")
async def test_too_many_requests_wait(gate: Gate):
    for _ in range(int(limits.SIGN_IN.burst)):
        assert (await request(gate, "POST", "/api/v1/auth/login")).status == 200
    answer = await request(gate, "POST", "/api/v1/auth/login")
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")
    assert (await request(gate, "POST", "/api/v1/auth/login", client="203.0.113.9")).status == 200


@attempt(126, "limits", "One session uploads from many addresses at once.")
async def test_a_session_waits_wherever_it_asks_from(gate: Gate):
    cookie = {"cookie": f"{session_cookie.name()}=abc", "origin": OWN}
    for number in range(int(limits.UPLOADS.burst)):
        answer = await request(gate, "POST", "/uploads", headers=cookie, client=f"198.51.100.{number}")
        assert answer.status == 200
    assert (await request(gate, "POST", "/uploads", headers=cookie, client="203.0.113.9")).status == 429
    other = cookie | {"cookie": f"{session_cookie.name()}=def"}
    assert (await request(gate, "POST", "/uploads", headers=other, client="203.0.113.9")).status == 200


@attempt(11, "gate", "A client names another address as its own in X-Forwarded-For.")
async def test_a_client_cannot_choose_its_address(gate: Gate, inner: Inner):
    await request(gate, "GET", "/", headers={"x-forwarded-for": "203.0.113.200"})
    assert inner.seen[-1]["client"][0] == "198.51.100.7"


@attempt(12, "gate", "Behind a proxy, a client writes one address more into X-Forwarded-For.")
async def test_a_trusted_proxy_says_who_asks(gate: Gate, inner: Inner, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAASBOT_TRUSTED_PROXY_HOPS", "1")
    settings.cache_clear()
    try:
        await request(gate, "GET", "/", headers={"x-forwarded-for": "1.2.3.4, 203.0.113.200"})
        assert inner.seen[-1]["client"][0] == "203.0.113.200"
    finally:
        monkeypatch.undo()
        settings.cache_clear()


@attempt(118, "browser", "A page is made to run an inline script or to stand in a frame.")
async def test_pages_may_run_only_the_scripts_that_were_built(tmp_path: Path):
    script = "window.ready = 1;"
    (tmp_path / "login").mkdir()
    (tmp_path / "login" / "index.html").write_text(
        f'<html><script>{script}</script><script src="/a.js"></script></html>'
    )
    gate = Gate(Inner({"content-type": "text/html"}), built=tmp_path)
    policy = (await request(gate, "GET", "/login")).headers["content-security-policy"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'self' 'unsafe-eval' 'sha256-{digest}';" in policy
    assert "'unsafe-inline'" not in policy.partition("style-src")[0]
    for closed in ("frame-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert closed in policy


async def test_every_answer_has_the_headers_and_keeps_its_own(tmp_path: Path):
    gate = Gate(Inner({"content-security-policy": "sandbox"}), built=tmp_path)
    answer = await request(gate, "GET", "/media/x")
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    refused = await request(gate, "POST", "/_upload")
    assert refused.headers["x-content-type-options"] == "nosniff"


async def test_a_page_renews_the_cookie(tmp_path: Path):
    gate = Gate(Inner({"content-type": "text/html; charset=utf-8"}), built=tmp_path)
    cookie = f"{session_cookie.name()}=abc"
    renewed = (await request(gate, "GET", "/inbox", headers={"cookie": cookie})).headers["set-cookie"]
    assert renewed == f"{session_cookie.name()}=abc; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"
    assert "set-cookie" not in (await request(gate, "GET", "/inbox")).headers
