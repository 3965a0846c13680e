"""The gate: what is refused before anything of ours or of Reflex sees it."""

import asyncio
import base64
import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError

from saasbot.api import limits, socket_gate, tab_bindings
from saasbot.api.gate import Gate
from saasbot.api.headers import SecurityHeaders
from saasbot.domain import accounts
from saasbot.domain.actor import Actor
from saasbot.infra import session_cookie
from saasbot.infra.settings import Settings
from tests.attack.attempts import attempt
from tests.gate.asgi import OWN, TAB, Inner, connect, request
from tests.people import sign_in_as

OTHER_TAB = "5f0c9c52-6f1b-4a40-8d53-6d6f5f2b7a10"
ACCEPTED = {"type": "websocket.accept"}
REFUSED = [{"type": "websocket.close", "code": 1008}]


@pytest.fixture
def inner() -> Inner:
    return Inner()


@pytest.fixture
def gate(inner: Inner, tmp_path: Path, app_db: object) -> Gate:
    return Gate(inner, built=tmp_path)


@pytest.fixture
def budget(monkeypatch: pytest.MonkeyPatch) -> int:
    """So many of each kind may be asked for, and no more while the test lasts."""
    for name in ("SIGN_IN", "API", "UPLOADS", "PAGES", "SOCKETS"):
        monkeypatch.setattr(limits, name, limits.Rate(burst=5, per_second=0.001))
    return 5


async def cookie_of(email: str) -> tuple[str, str]:
    """A fresh session: its token, and the Cookie header a browser would send."""
    token = await accounts.start_session(
        await accounts.issue_ticket(await sign_in_as(email)), network="test", user_agent=""
    )
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


@attempt(116, "limits", "A socket message is longer than any event.")
async def test_a_socket_message_that_is_too_long_closes_it(gate: Gate, inner: Inner):
    text = "x" * (limits.LONGEST_MESSAGE + 1)
    sent = await connect(gate, messages=[{"type": "websocket.receive", "text": text}])
    assert sent == [ACCEPTED, {"type": "websocket.close", "code": 1009}]
    assert len(inner.messages) == 1


@attempt(117, "limits", "A socket is flooded with messages.")
async def test_too_many_socket_messages_close_it(gate: Gate, inner: Inner):
    flood = [{"type": "websocket.receive", "text": "2"}] * int(limits.MESSAGES.burst + limits.MESSAGES.per_second * 5)
    sent = await connect(gate, messages=flood)
    assert sent == [ACCEPTED, {"type": "websocket.close", "code": 1008}]
    assert len(inner.messages) < len(flood)


@attempt(270, "limits", "One address floods the server through many sockets, each within its own rate.")
async def test_all_sockets_of_a_network_share_a_rate_and_none_is_cut(
    gate: Gate, inner: Inner, monkeypatch: pytest.MonkeyPatch
):
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(socket_gate, "asyncio", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda: 0.0))
    monkeypatch.setattr(limits, "NETWORK_MESSAGES", limits.Rate(burst=10, per_second=2))
    pings = [{"type": "websocket.receive", "text": "2"}] * 6
    for _ in range(2):
        assert await connect(gate, messages=pings) == [ACCEPTED]
    assert [round(seconds, 1) for seconds in waited] == [0.5, 1.0]
    await connect(gate, messages=pings, client="203.0.113.9")
    assert len(waited) == 2
    assert len([message for message in inner.messages if message.get("text") == "2"]) == 18


async def test_long_messages_of_a_network_wait_for_each_other_and_short_ones_do_not(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
):
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(socket_gate, "asyncio", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(limits, "LONG_MESSAGES", limits.Rate(burst=10_000, per_second=1_000))
    texts = ["x" * 8_000, "x" * 8_000, "x" * limits.SHORT_MESSAGE, "x" * 8_000]
    await connect(gate, messages=[{"type": "websocket.receive", "text": text} for text in texts])
    assert [round(seconds) for seconds in waited] == [6, 14]


@attempt(118, "limits", "One address opens sockets without an end.")
async def test_too_many_sockets_of_one_address_are_refused_and_others_not(gate: Gate, budget: int):
    for _ in range(budget):
        assert (await connect(gate))[0] == ACCEPTED
    assert await connect(gate) == REFUSED
    assert (await connect(gate, client="203.0.113.9"))[0] == ACCEPTED


@attempt(188, "gate", "One session opens sockets from many addresses.")
async def test_too_many_sockets_of_one_session_are_refused_wherever_they_come_from(
    gate: Gate, budget: int, alice: Actor
):
    _, cookie = await cookie_of("alice@sur.example")
    for number in range(budget):
        assert (await connect(gate, cookie=cookie, client=f"198.51.100.{number}"))[0] == ACCEPTED
    assert await connect(gate, cookie=cookie, client="203.0.113.9") == REFUSED
    assert (await connect(gate, query=f"token={OTHER_TAB}", client="203.0.113.9"))[0] == ACCEPTED


async def test_only_so_many_sockets_are_open_at_a_time(tmp_path: Path, alice: Actor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "MOST_SOCKETS", 3)
    monkeypatch.setattr(limits, "MOST_SOCKETS_OF_A_SESSION", 2)
    _, cookie = await cookie_of("alice@sur.example")
    came, leave = asyncio.Semaphore(0), asyncio.Event()

    async def stays(scope: Any, receive: Any, send: Any) -> None:
        await send(ACCEPTED)
        came.release()
        await leave.wait()

    gate = Gate(stays, built=tmp_path)
    async with asyncio.TaskGroup() as tabs:
        for _ in range(2):
            tabs.create_task(connect(gate, cookie=cookie))
        for _ in range(2):
            await came.acquire()
        assert await connect(gate, cookie=cookie, client="203.0.113.9") == REFUSED
        tabs.create_task(connect(gate, query=f"token={OTHER_TAB}"))
        await came.acquire()
        assert await connect(gate, query=f"token={OTHER_TAB}") == REFUSED
        leave.set()
    assert (await connect(gate, cookie=cookie))[0] == ACCEPTED


@attempt(189, "gate", "Files are sent to Reflex's own upload.")
@pytest.mark.parametrize(
    "path",
    [
        "/_upload",
        "/_upload/",
        "/_upload/secret.pdf",
        "/uploaded_files/x",
        "/_all_routes",
        "/auth-codespace",
        "/ping",
        "/_event/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_reflex_brings_along_is_closed(gate: Gate, inner: Inner, path: str, method: str):
    answer = await request(gate, method, path, headers={"origin": OWN})
    assert (answer.status, inner.seen) == (404, [])


@attempt(190, "gate", "A page of another site posts with the visitor's cookie.")
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "/uploads",
        "/auth/logout",
        "/sim/v1/channels/x/scan",
        "/api/v1/auth/login",
        "/api/v1/bots/x",
        "/demo-model/v1/models",
        "/",
    ],
)
async def test_another_site_cannot_change_anything(gate: Gate, inner: Inner, path: str, method: str):
    for foreign in ("https://evil.example", "null", "http://localhost:3001", f"{OWN}.evil.example"):
        answer = await request(gate, method, path, headers={"origin": foreign, "authorization": "Bearer x"})
        assert (answer.status, inner.seen) == (403, [])
    assert (await request(gate, method, path, headers={"origin": OWN})).status == 200


@attempt(6, "gate", "A request that lives on its cookie leaves its origin out.")
@pytest.mark.parametrize("path", ["/uploads", "/auth/logout"])
async def test_where_a_cookie_is_the_proof_the_origin_must_be_named(gate: Gate, inner: Inner, path: str):
    assert (await request(gate, "POST", path)).status == 403
    assert inner.seen == []


async def test_programs_without_an_origin_reach_the_api(gate: Gate):
    assert (await request(gate, "POST", "/api/v1/auth/login")).status == 200


@attempt(7, "gate", "A stranger's DNS name points at this machine to reach what is only for it.")
@pytest.mark.parametrize("host", ["evil.example", "evil.example:3000", "192.0.2.1:3000"])
async def test_what_is_for_this_machine_only_answers_to_its_names(gate: Gate, inner: Inner, host: str):
    """A name of somebody else's DNS that points here would make another site our own (DNS rebinding)."""
    answer = await request(gate, "GET", "/sim/v1/channels/x/sent", headers={"host": host}, client="127.0.0.1")
    assert (answer.status, inner.seen) == (403, [])


@attempt(114, "limits", "A body announces a gigabyte.")
async def test_a_body_that_says_it_is_too_large_is_refused_unread(gate: Gate, inner: Inner):
    answer = await request(
        gate, "POST", "/api/v1/products", headers={"content-length": str(2**30)}, body=[b"x"], client="127.0.0.1"
    )
    assert (answer.status, inner.seen) == (413, [])


@attempt(115, "limits", "A body without a length grows and grows.")
async def test_a_body_that_grows_too_large_is_cut(gate: Gate, inner: Inner):
    answer = await request(gate, "POST", "/api/v1/bots", body=[b"x" * 600_000] * 3)
    assert (answer.status, inner.bodies) == (413, [])
    assert b"too_large" in answer.body


async def test_a_body_within_the_limit_arrives_whole(gate: Gate, inner: Inner):
    assert (await request(gate, "POST", "/api/v1/bots", body=[b"x" * 200_000] * 1)).status == 200
    assert inner.bodies == [b"x" * 200_000]


IMAGE = "/api/v1/products/0190a1b2-1234-5678-9012-123456789012/image"


@attempt(271, "limits", "Ten megabytes of brackets are sent where a product is changed.")
@pytest.mark.parametrize("path", [IMAGE.removesuffix("/image"), f"{IMAGE}/x", "/api/v1/products/", "/api/v1/bots"])
async def test_only_a_photo_may_be_as_large_as_a_photo(gate: Gate, inner: Inner, path: str):
    pieces = [b"x" * 100_000] * 20
    assert (await request(gate, "PUT", path, body=pieces)).status == 413
    assert inner.bodies == []
    assert (await request(gate, "POST", IMAGE, body=pieces)).status == 200
    assert inner.bodies == [b"".join(pieces)]


@attempt(281, "limits", "A body of the size that is accepted is nothing but empty lists.")
async def test_a_body_has_so_many_parts_and_no_more(gate: Gate, inner: Inner):
    """The collector of garbage looks at all of the process again and again while they are made."""
    assert (await request(gate, "POST", "/api/v1/bots", body=[b"[],{}," * 1_300] * 2)).status == 413
    assert inner.bodies == []
    assert (await request(gate, "POST", "/api/v1/bots", body=[b"[],{}," * 1_000] * 2)).status == 200
    assert (await request(gate, "POST", IMAGE, body=[b"[],{}," * 1_300] * 2)).status == 200


@attempt(272, "limits", "Somebody without a token has megabyte after megabyte of JSON parsed.")
async def test_a_network_has_so_much_parsed_and_no_more(gate: Gate, inner: Inner, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "JSON_BYTES", limits.Rate(burst=300_000, per_second=1_000))
    body = [b"x" * 50_000] * 4
    answers = [await request(gate, "POST", "/api/v1/auth/login", body=body) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert 95 < int(answers[2].headers["retry-after"]) <= 101
    assert len(inner.bodies) == 2
    assert (await request(gate, "POST", IMAGE, body=body)).status == 200
    assert (await request(gate, "GET", "/api/v1/bots")).status == 200
    assert (await request(gate, "POST", "/api/v1/auth/login", body=body, client="203.0.113.9")).status == 200


@attempt(119, "limits", "One address signs in without an end.")
async def test_too_many_requests_wait(gate: Gate, budget: int):
    for _ in range(budget):
        assert (await request(gate, "POST", "/api/v1/auth/login")).status == 200
    answer = await request(gate, "POST", "/api/v1/auth/login")
    assert (answer.status, answer.headers["retry-after"]) == (429, "1000")
    assert (await request(gate, "POST", "/api/v1/auth/login", client="203.0.113.9")).status == 200


@attempt(191, "gate", "Somebody changes addresses within their IPv6 network.")
async def test_all_addresses_of_one_customer_have_one_budget(gate: Gate, budget: int):
    """An IPv6 customer has 2^64 of them."""
    for number in range(budget):
        client = f"2001:db8:1:2::{number:x}"
        assert (await request(gate, "POST", "/api/v1/auth/login", client=client)).status == 200
    assert (await request(gate, "POST", "/api/v1/auth/login", client="2001:db8:1:2:ffff::1")).status == 429
    assert (await request(gate, "POST", "/api/v1/auth/login", client="2001:db8:1:3::1")).status == 200


@attempt(120, "limits", "One session uploads from many addresses at once.")
async def test_a_session_waits_wherever_it_asks_from(gate: Gate, budget: int, alice: Actor, mallory: Actor):
    _, cookie = await cookie_of("alice@sur.example")
    headers = {"cookie": cookie, "origin": OWN}
    for number in range(budget):
        answer = await request(gate, "POST", "/uploads", headers=headers, client=f"198.51.100.{number}")
        assert answer.status == 200
    assert (await request(gate, "POST", "/uploads", headers=headers, client="203.0.113.9")).status == 429
    _, cookie = await cookie_of("mallory@junta.example")
    other = {"cookie": cookie, "origin": OWN}
    assert (await request(gate, "POST", "/uploads", headers=other, client="203.0.113.9")).status == 200


@attempt(192, "gate", "Made-up cookies fill the memory of budgets.")
async def test_cookies_that_somebody_invents_are_not_remembered(gate: Gate):
    for number in range(20):
        invented = {"cookie": f"{session_cookie.name()}={number}", "origin": OWN}
        assert (await request(gate, "POST", "/uploads", headers=invented)).status == 200
        assert (await connect(gate, cookie=invented["cookie"]))[0] == ACCEPTED
    assert {whose for _, whose in gate._buckets._kept if not whose.isdigit()} == {"198.51.100.7"}


async def test_this_machine_may_ask_more_often_and_what_a_proxy_on_it_forwards_may_not(gate: Gate, budget: int):
    for _ in range(budget + 1):
        assert (await request(gate, "GET", "/login", client="127.0.0.1")).status == 200
    forwarded = {"x-forwarded-for": "127.0.0.1", "host": "127.0.0.1:3000"}
    seen = [await request(gate, "GET", "/login", client="127.0.0.2", headers=forwarded) for _ in range(budget + 1)]
    assert [answer.status for answer in seen] == [200] * budget + [429]


async def test_a_page_has_a_budget_too(gate: Gate, budget: int):
    for _ in range(budget):
        assert (await request(gate, "GET", "/login")).status == 200
    assert (await request(gate, "GET", "/login")).status == 429
    assert (await request(gate, "GET", "/login", client="203.0.113.9")).status == 200


@attempt(273, "limits", "Somebody asks for what is refused, again and again.")
@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("POST", "/api/v1/auth/login", {"origin": "https://evil.example"}, 403),
        ("POST", "/api/v1/bots", {"content-length": str(2**30)}, 413),
        ("GET", "/sim/v1/channels/x/sent", {"host": "evil.example"}, 403),
    ],
)
async def test_what_is_refused_has_a_budget_as_well(
    gate: Gate, inner: Inner, budget: int, method: str, path: str, headers: dict[str, str], status: int
):
    answers = [(await request(gate, method, path, headers=headers)).status for _ in range(budget + 1)]
    assert answers == [status] * budget + [429]
    assert (await request(gate, "POST", "/api/v1/auth/login")).status == 200, "nobody is kept from signing in by it"
    assert len(inner.seen) == 1


@attempt(112, "browser", "A page is made to run an inline script or to stand in a frame.")
async def test_pages_may_run_only_the_scripts_that_were_built(tmp_path: Path):
    script = "window.ready = 1;"
    (tmp_path / "login").mkdir()
    (tmp_path / "login" / "index.html").write_text(
        f'<html><script>{script}</script><script src="/a.js"></script></html>'
    )
    policy = (await request(Gate(Inner(), built=tmp_path), "GET", "/login")).headers["content-security-policy"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'self' 'unsafe-eval' 'sha256-{digest}' 'nonce-" in policy
    assert "'unsafe-inline'" not in policy
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


@attempt(193, "browser", "A browser is led back to plain http.")
@pytest.mark.parametrize(
    ("public_url", "expected"), [("https://app.example.com", "max-age=31536000"), ("http://localhost:3000", None)]
)
def test_browsers_stay_on_https_where_we_are_there(public_url: str, expected: str | None):
    key = base64.b64encode(b"k" * 32).decode()
    production = Settings(env="production", public_url=public_url, secret_keys=SecretStr(key))
    for path in ("/login", "/api/v1/bots", "/media/x", "/dev/mail"):
        headers = dict(SecurityHeaders(production).add(path, []))
        assert headers.get(b"strict-transport-security") == (expected.encode() if expected else None)


async def test_a_page_renews_the_cookie(tmp_path: Path):
    gate = Gate(Inner({"content-type": "text/html; charset=utf-8"}), built=tmp_path)
    cookie = f"{session_cookie.name()}=abc"
    renewed = (await request(gate, "GET", "/inbox", headers={"cookie": cookie})).headers["set-cookie"]
    assert renewed == f"{session_cookie.name()}=abc; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"
    assert "set-cookie" not in (await request(gate, "GET", "/inbox")).headers


async def test_without_the_database_nobody_gets_a_tab(gate: Gate, inner: Inner, monkeypatch: pytest.MonkeyPatch):
    async def away(*_: object) -> bool:
        raise OperationalError("SELECT 1", {}, Exception("the database is away"))

    monkeypatch.setattr(tab_bindings, "claim_tab", away)
    assert await connect(gate) == REFUSED
    assert inner.seen == []
