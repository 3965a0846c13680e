"""A number with a proxy: everything of it passes there, and it never goes around it."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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


async def test_an_https_proxy_is_asked_under_tls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    certificate = self_signed(tmp_path, "proxy.example")
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[0])
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

    asked: list[str] = []
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server_side)
    monkeypatch.setattr("saasbot.wa_runtime.proxies.checked_address", _this_machine)
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr("saasbot.wa_runtime.proxies.ssl.create_default_context", lambda: trusting)
    port = server.sockets[0].getsockname()[1]
    _, writer = await dial_through(f"https://proxy.example:{port}", "web.whatsapp.com", 443)
    assert asked == ["CONNECT web.whatsapp.com:443 HTTP/1.1"]
    with pytest.raises(ProxyFailed):
        await dial_through(f"https://other.example:{port}", "web.whatsapp.com", 443)
    writer.close()
    server.close()


def self_signed(folder: Path, name: str) -> Path:
    """A file with a certificate of this name and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "proxy.pem"
    file.write_bytes(secret + made.public_bytes(pem))
    return file


async def _this_machine(_host: str, _port: int) -> str:
    return "127.0.0.1"


async def _as_it_is(host: str, _port: int) -> str:
    return host
