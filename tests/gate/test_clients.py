"""Who asks, however many proxies stand between: believed from our own, as far as they are ours."""

from collections.abc import Callable
from typing import Any

import pytest

from saasbot.api.clients import client_of, header, is_from_this_machine, with_real_client
from saasbot.infra.settings import settings
from tests.attack.attempts import attempt

PEER = "127.0.0.1"
Set = Callable[..., None]


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_variables(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"SAASBOT_{name}", value)
        settings.cache_clear()

    yield set_variables
    monkeypatch.undo()
    settings.cache_clear()


def scope_of(*headers: tuple[str, str], peer: str = PEER, host: str = "localhost:3000") -> dict[str, Any]:
    raw = [(name.encode(), value.encode()) for name, value in (("host", host), *headers)]
    return {"type": "http", "client": (peer, 40000), "headers": raw}


def asks(*forwarded_for: str, peer: str = PEER) -> str:
    return client_of(with_real_client(scope_of(*(("x-forwarded-for", value) for value in forwarded_for), peer=peer)))


@attempt(184, "gate", "A client chooses its address by a forwarding header.")
@pytest.mark.parametrize(
    ("hops", "forwarded_for", "client"),
    [
        ("0", ["203.0.113.9"], PEER),
        ("1", [], PEER),
        ("1", ["203.0.113.9"], "203.0.113.9"),
        ("1", ["1.2.3.4, 203.0.113.9"], "203.0.113.9"),
        ("1", ["1.2.3.4", "203.0.113.9"], "203.0.113.9"),
        ("2", ["203.0.113.9"], PEER),
        ("2", ["1.2.3.4, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("1", ["[2001:db8::1]"], "2001:db8::1"),
        ("1", ["2001:db8::1"], "2001:db8::1"),
        ("1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("1", ["unknown"], PEER),
        ("1", ["203.0.113.9, "], "203.0.113.9"),
        ("1", ["<script>"], PEER),
    ],
)
def test_proxies_are_counted_exactly(configured: Set, hops: str, forwarded_for: list[str], client: str):
    configured(TRUSTED_PROXY_HOPS=hops)
    assert asks(*forwarded_for) == client


@attempt(185, "gate", "A stranger says whom they forward for.")
@pytest.mark.parametrize("peer", ["198.51.100.7", "10.0.0.2", "2001:db8::7", "unknown"])
def test_a_peer_that_is_no_proxy_of_ours_is_not_believed(configured: Set, peer: str):
    configured(TRUSTED_PROXY_HOPS="1")
    assert asks("203.0.113.9", peer=peer) == peer


def test_where_our_proxies_stand_can_be_said(configured: Set):
    configured(TRUSTED_PROXY_HOPS="1", TRUSTED_PROXIES="10.0.0.0/8, fd00::/8")
    for peer in ("10.1.2.3", "fd00::5", "::ffff:10.1.2.3"):
        assert asks("203.0.113.9", peer=peer) == "203.0.113.9"
    assert asks("203.0.113.9", peer=PEER) == PEER


@pytest.mark.parametrize("peer", [PEER, "198.51.100.7"])
def test_nothing_behind_reads_what_was_forwarded(configured: Set, peer: str):
    configured(TRUSTED_PROXY_HOPS="1")
    names = ("x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "forwarded", "via")
    seen = with_real_client(scope_of(*((name, "203.0.113.9") for name in names), ("accept", "*/*"), peer=peer))
    assert [name for name, _ in seen["headers"]] == [b"host", b"accept"]


@attempt(186, "gate", "The world passes as this machine through a proxy.")
@pytest.mark.parametrize(
    ("scope", "here"),
    [
        (scope_of(), True),
        (scope_of(peer="::1", host="[::1]:3000"), True),
        (scope_of(peer="::ffff:127.0.0.1"), True),
        (scope_of(peer="203.0.113.9"), False),
        (scope_of(peer="unknown"), False),
        (scope_of(host="evil.example"), False),
        (scope_of(host="127.0.0.1.evil.example"), False),
        (scope_of(("x-forwarded-for", PEER), host="127.0.0.1"), False),
        (scope_of(("via", "1.1 proxy")), False),
        (scope_of(("forwarded", "for=127.0.0.1")), False),
    ],
)
@pytest.mark.parametrize("hops", ["0", "1"])
def test_a_proxy_on_this_machine_does_not_make_the_world_local(
    configured: Set, scope: dict[str, Any], here: bool, hops: str
):
    configured(TRUSTED_PROXY_HOPS=hops)
    assert is_from_this_machine(scope) is here
    assert is_from_this_machine(with_real_client(scope)) is here


def test_repeated_headers_are_joined():
    scope = scope_of(("cookie", "a=1"), ("cookie", "b=2"), ("origin", "x"), ("origin", "y"))
    assert (header(scope, b"cookie"), header(scope, b"origin"), header(scope, b"accept")) == ("a=1; b=2", "x, y", "")
