"""The "Test key" button asks the address that the company gave, and only addresses of the internet."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator

import pytest

from saasbot.agent.check_key import check_key
from saasbot.agent.model import close_models
from saasbot.domain.actor import Actor
from saasbot.domain.companies import ai
from saasbot.infra.db import unit_of_work
from saasbot.models.table import new_id
from saasbot.state.company import CompanyState
from tests.accounts.test_sessions import session_of
from tests.agent.fake_openai import says_text
from tests.attack.attempts import attempt
from tests.attack.test_events import InBackground
from tests.fixtures.agent import Configure
from tests.gate.tab import Tab

SOMEBODY = Actor.system(new_id())


@pytest.fixture
async def address(configure: Configure) -> AsyncIterator[str]:
    """A Chat Completions server of this machine: it knows the key `sk-good` and the model `m`."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(int(line.split(":")[1]) for line in head.splitlines() if line.startswith("content-length"))
        asked = json.loads(await reader.readexactly(length))
        if asked["model"] == "away":
            writer.write(b"HTTP/1.1 307 X\r\nLocation: /v1/chat/completions?followed\r\nContent-Length: 0\r\n\r\n")
            return writer.close()
        if asked["model"] == "packed":
            content = gzip.compress(json.dumps(says_text("ok")).encode())
            head = f"HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\nContent-Length: {len(content)}\r\n\r\n"
            writer.write(head.encode() + content)
            return writer.close()
        if asked["model"] == "drip":
            writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n")
            with contextlib.suppress(OSError):
                while True:
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.sleep(0.02)
        if "bearer sk-good" not in head:
            given = head.split("bearer ")[1].split()[0]
            status, body = 401, {"error": {"message": f"Incorrect API key: {given}"}}
        elif asked["model"] != "m":
            status, body = 404, {"error": {"message": "no such model"}}
        else:
            status, body = 200, says_text("ok")
        content = json.dumps(body).encode()
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode()
        )
        writer.write(content)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    server.close()
    await close_models()


@pytest.mark.parametrize(
    ("key", "model", "reason"),
    [("sk-good", "m", ""), ("sk-bad", "m", "key_refused"), ("sk-good", "other", "model_refused_request")],
)
async def test_the_server_is_asked_with_the_key(
    address: str, configure: Configure, key: str, model: str, reason: str
) -> None:
    configure(allow_private_urls=1)
    found = await check_key(SOMEBODY, api_key=key, base_url=address, model=model)
    assert (found.ok, found.reason) == (not reason, reason)


async def test_a_key_that_the_server_repeats_is_not_kept(address: str, configure: Configure) -> None:
    configure(allow_private_urls=1)
    found = await check_key(SOMEBODY, api_key="a-secret-of-theirs", base_url=address, model="m")
    assert found.reason == "key_refused"
    assert "Incorrect API key: [key]" in found.details


@pytest.mark.parametrize(
    ("model", "reason"),
    [("away", "model_refused_request"), ("packed", "model_unreachable"), ("drip", "model_timeout")],
)
async def test_a_server_that_leads_away_packs_or_drips_is_not_followed_unpacked_or_waited_for(
    address: str, configure: Configure, monkeypatch: pytest.MonkeyPatch, model: str, reason: str
) -> None:
    configure(allow_private_urls=1)
    monkeypatch.setattr("saasbot.agent.check_key.DEADLINE", 3)
    found = await check_key(SOMEBODY, api_key="sk-good", base_url=address, model=model)
    assert (found.ok, found.reason) == (False, reason)


@attempt(92, "out", "The key test is pointed at this machine.")
async def test_this_machine_is_not_asked_for_a_company(address: str, configure: Configure) -> None:
    configure(allow_private_urls=0)
    found = await check_key(SOMEBODY, api_key="sk-good", base_url=address, model="m")
    assert (found.ok, found.reason) == (False, "model_unreachable")


async def test_an_address_where_nobody_answers_is_unreachable(configure: Configure) -> None:
    configure(allow_private_urls=1)
    found = await check_key(SOMEBODY, api_key="sk-good", base_url="http://127.0.0.1:9/v1", model="m")
    assert (found.ok, found.reason) == (False, "model_unreachable")
    await close_models()


@pytest.fixture
async def thief(engines: None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Another server of this machine: its address, and the heads of what it was asked."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 401 X\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", asked
    server.close()


@attempt(246, "secrets", "The button that tests the key is clicked with another address in the form and no key.")
async def test_the_stored_key_is_tested_at_its_own_address_only(
    alice: Actor, address: str, thief: tuple[str, list[bytes]], configure: Configure
) -> None:
    configure(allow_private_urls=1)
    elsewhere, asked = thief
    async with unit_of_work(alice):
        await ai.set_openai(alice, api_key="sk-good-of-alice", base_url=address)
    state = await Tab(await session_of()).state(CompanyState)
    test = CompanyState.event_handlers["test_key"].fn
    await test(InBackground(state), api_key="", base_url=elsewhere, model="m")
    assert (state.tested, state.test_passed, asked) == ("Enter the key for this address.", False, [])
    await test(InBackground(state), api_key="", base_url=f"{address}/", model="m")
    assert state.test_passed, state.tested
    await test(InBackground(state), api_key="sk-another", base_url=elsewhere, model="m")
    assert b"sk-another" in asked[0] and b"sk-good" not in asked[0]


async def test_the_form_of_the_settings_asks_for_the_key_of_another_address(alice: Actor, configure: Configure) -> None:
    async with unit_of_work(alice):
        await ai.set_openai(alice, api_key="sk-good-of-alice", base_url="https://models.example/v1")
    state = await Tab(await session_of(), language="es").state(CompanyState)
    form = {"source": "own_key", "api_key": "", "model": "m", "base_url": "https://thief.example/v1"}
    answer = await CompanyState.event_handlers["save_ai"].fn(state, form=form)
    assert {name: error for name, error in state.errors.items() if error} == {
        "api_key": "Escribe la clave de esta dirección."
    }
    assert "api_key" in str(answer), "the focus is there"
