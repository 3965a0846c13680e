"""A number with a proxy: everything of it passes there, and it never goes around it."""

import base64
from collections.abc import AsyncIterator

import pytest

from saasbot.wa_runtime.protobufs import MESSAGE
from saasbot.wa_runtime.proxies import ProxyFailed, dial_through
from tests.attack.attempts import attempt
from tests.wa_runtime.conftest import Customer, Link, Start
from tests.wa_runtime.proxy_server import ProxyServer
from tests.wire_lab import WireLab

ALLOWED = {"SAASBOT_ALLOW_PRIVATE_URLS": "1"}
DIRECTLY = {"HTTPS_PROXY": "http://127.0.0.1:9"}
"""Whoever goes around the proxy meets nobody: the lab is not there."""


@pytest.fixture(params=["socks5", "http"])
async def proxy(request: pytest.FixtureRequest, lab: WireLab) -> AsyncIterator[ProxyServer]:
    server = ProxyServer(request.param, lab.env["HTTPS_PROXY"])
    await server.start()
    yield server
    await server.stop()


async def test_linking_passes_through_it(start: Start, lab: WireLab, phone: str, proxy: ProxyServer):
    pairing = await start("pair", PROXY=proxy.url, SETTLE_SECONDS="0.1", **ALLOWED, **DIRECTLY)
    await lab.scan((await pairing.until("code"))["code"], phone=phone, lid=f"99{phone}")
    assert (await pairing.until("paired"))["phone"] == phone
    assert set(proxy.asked) == {"web.whatsapp.com:443"}
    assert proxy.carried > 1000


async def test_messages_and_files_pass_through_it(
    start: Start, link: Link, lab: WireLab, customer: Customer, proxy: ProxyServer
):
    linked = await link()
    number = await start("hold", linked.device_jid, PROXY=proxy.url, **ALLOWED, **DIRECTLY)
    await number.until("state", status="open")
    await lab.deliver("hola", phone=linked.phone, **vars(customer))
    await number.until("journal", code=MESSAGE)
    media = {"content": base64.b64encode(b"x" * 5000).decode(), "mime": "image/jpeg"}
    assert "error" not in await number.do("send", to=customer.chat, type="image", text="Mira", media=media)
    assert {target.partition(".")[0] for target in proxy.asked} == {"web", "mmg"}
    await number.end()


async def test_a_proxy_that_does_not_answer_is_named_and_nothing_goes_around_it(start: Start, link: Link, lab: WireLab):
    linked = await link()
    before = await lab.logins()
    number = await start("hold", linked.device_jid, PROXY="socks5://127.0.0.1:9", **ALLOWED)
    await number.until("state", status="reconnecting", reason="proxy_unreachable")
    assert await lab.logins() == before
    await number.end()


@attempt(93, "out", "A number's proxy is an address within our own network.")
async def test_a_proxy_within_our_own_network_is_refused(start: Start, link: Link, proxy: ProxyServer):
    linked = await link()
    number = await start("hold", linked.device_jid, PROXY=proxy.url)
    await number.until("state", status="reconnecting", reason="proxy_unreachable")
    assert proxy.asked == []
    await number.end()


async def test_a_changed_proxy_is_used_at_once(start: Start, link: Link, lab: WireLab, proxy: ProxyServer):
    linked = await link()
    number = await start("hold", linked.device_jid, **ALLOWED)
    await number.until("state", status="open")
    here = len(number.said)
    await number.do("reconnect", proxy=proxy.url)
    await number.until("state", here, status="reconnecting", reason="settings_changed")
    await number.until("state", here, status="open")
    assert proxy.asked == ["web.whatsapp.com:443"]
    await number.end()


async def test_a_changed_proxy_ends_the_pause_of_a_bad_one(start: Start, link: Link, proxy: ProxyServer):
    linked = await link()
    number = await start("hold", linked.device_jid, PROXY="socks5://127.0.0.1:9", **ALLOWED)
    await number.until("state", status="reconnecting", reason="proxy_unreachable")
    await number.do("reconnect", proxy=proxy.url)
    await number.until("state", status="open")
    await number.end()


async def test_linking_waits_for_a_bad_proxy_by_name(start: Start):
    pairing = await start("pair", PROXY="http://127.0.0.1:9", **ALLOWED)
    assert (await pairing.until("failed"))["reason"] == "proxy_unreachable"


@pytest.mark.parametrize(
    "url",
    ["ftp://1.1.1.1", "socks5://", "socks5://10.0.0.1", "http://localhost:3128", "socks5://[::1]:1080", "nonsense"],
)
async def test_an_address_that_is_no_proxy_of_the_internet_is_not_dialed(url: str):
    with pytest.raises(ProxyFailed):
        await dial_through(url, "web.whatsapp.com", 443)


async def test_wrong_credentials_are_a_failure_of_the_proxy(proxy: ProxyServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("saasbot.wa_runtime.proxies.checked_address", _as_it_is)
    with pytest.raises(ProxyFailed):
        await dial_through(proxy.url.replace("tienda", "otro"), "web.whatsapp.com", 443)


async def _as_it_is(host: str, _port: int) -> str:
    return host
