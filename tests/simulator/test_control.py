"""The simulator's control over HTTP: the shapes that other programs rely on, for programs of this machine only."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from saasbot.api.app import api
from saasbot.infra.settings import settings
from saasbot.wa_runtime.simulator.samples import sample
from tests.attack.attempts import attempt
from tests.fixtures.simulator import ANA, OWN_PHONE, RunningSimulator, until
from tests.simulator.test_sending import answer, message_is

Call = Callable[..., Any]


def client_from(address: str, **headers: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(api, client=(address, 50000), raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost:3000", headers=headers)


@pytest.fixture
async def control(running_simulator: RunningSimulator) -> AsyncIterator[httpx2.AsyncClient]:
    """A program on this machine that controls alice's open number."""
    async with client_from("127.0.0.1") as client:
        client.base_url = httpx2.URL(f"http://localhost:3000/sim/v1/channels/{running_simulator.channel_id}/")
        yield client


async def test_a_number_is_linked_by_a_scan(simulator: RunningSimulator):
    channel_id = await simulator.add_number()
    async with client_from("::1") as client:
        path = f"/sim/v1/channels/{channel_id}/scan"
        done = await client.post(path, json={"phone": "+54 9 11 4444-0000", "push_name": "Luna"})
        assert done.status_code == 202
        channel = await simulator.status_is("open", channel_id)
        assert (channel.phone, channel.push_name) == (OWN_PHONE, "Luna")
        again = await client.post(path, json={"phone": OWN_PHONE})
    assert (again.status_code, again.json()["code"]) == (409, "no_qr")


async def test_a_customers_message_is_accepted_with_its_id(
    running_simulator: RunningSimulator, control: httpx2.AsyncClient
):
    done = await control.post("messages", json={"from": ANA, "name": "Ana", "type": "text", "text": "Hola"})
    assert done.status_code == 202
    (message,) = await running_simulator.arrived()
    assert done.json() == {"wa_id": message.wa_id}


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        (1_750_000_000, 1_750_000_000.0),
        (1_750_000_000_250, 1_750_000_000.25),
        ("2025-06-15T15:06:40+00:00", 1_750_000_000.0),
    ],
)
async def test_a_message_may_say_when_it_was_written(
    running_simulator: RunningSimulator, control: httpx2.AsyncClient, timestamp: object, expected: float
):
    body = {"from": ANA, "type": "text", "text": "antes", "id": "3EB0OLD", "timestamp": timestamp}
    assert (await control.post("messages", json=body)).json() == {"wa_id": "3EB0OLD"}
    (message,) = await running_simulator.arrived()
    assert message.wa_timestamp == datetime.fromtimestamp(expected, UTC)


@attempt(94, "out", "The simulator is told to fetch a file from elsewhere.")
async def test_a_file_comes_as_base64_or_from_this_machine_and_from_nowhere_else(
    running_simulator: RunningSimulator, control: httpx2.AsyncClient
):
    content, mime = sample("document")
    encoded = base64.b64encode(content).decode()
    async with served(content, mime) as url:
        for file in (
            {"media_base64": encoded, "mime": mime},
            {"media_url": f"data:{mime};base64,{encoded}"},
            {"media_url": url},
        ):
            done = await control.post("messages", json={"from": ANA, "type": "document", **file})
            assert done.status_code == 202, done.text
    messages = await running_simulator.arrived(3)
    assert [m.type for m in messages] == ["document"] * 3
    for foreign in (
        "http://169.254.169.254/latest",
        "https://example.com/a.pdf",
        "file:///etc/passwd",
        "http://[::ffff:8.8.8.8]/",
    ):
        refused = await control.post("messages", json={"from": ANA, "type": "document", "media_url": foreign})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "media_url"), foreign


async def test_what_the_number_sent_can_be_read_from_any_point(
    running_simulator: RunningSimulator, control: httpx2.AsyncClient
):
    for text in ("uno", "dos"):
        await message_is(running_simulator, await answer(running_simulator, text), "read")
    data = (await control.get("sent")).json()["data"]
    assert [(m["to"], m["type"], m["text"], m["media"]) for m in data] == [
        (ANA, "text", "uno", None),
        (ANA, "text", "dos", None),
    ]
    assert {"seq", "wa_id", "to", "type", "text", "media", "at"} <= set(data[0])
    after = (await control.get("sent", params={"after": data[0]["seq"]})).json()["data"]
    assert [m["text"] for m in after] == ["dos"]


async def test_receipts_by_hand_and_the_owners_own_messages(
    running_simulator: RunningSimulator, control: httpx2.AsyncClient
):
    assert (await control.post("faults", json={"kind": "auto_receipts", "on": False})).status_code == 202
    message_id = await answer(running_simulator, "Hola")
    sent = await message_is(running_simulator, message_id, "sent")
    done = await control.post("receipts", json={"wa_ids": [sent.wa_id], "kind": "read"})
    assert done.status_code == 202
    await message_is(running_simulator, message_id, "read")
    unknown = await control.post("receipts", json={"wa_ids": ["3EB0NEVER"], "kind": "read"})
    assert unknown.status_code == 404
    echo = await control.post("phone-messages", json={"to": ANA, "text": "yo te atiendo"})
    assert echo.status_code == 202
    messages = await running_simulator.arrived(2)
    assert (messages[-1].author, messages[-1].wa_id) == ("phone", echo.json()["wa_id"])


async def test_typing_and_presence(running_simulator: RunningSimulator, control: httpx2.AsyncClient):
    assert (await control.post("typing", json={"from": ANA, "on": True})).status_code == 202

    async def told() -> bool:
        return any(event.kind == "typing" for event in running_simulator.network.events)

    await until(told, "typing")
    assert (await control.get("presence")).json() == {"data": []}


async def test_faults_are_set_by_name(running_simulator: RunningSimulator, control: httpx2.AsyncClient):
    assert (await control.post("faults", json={"kind": "ban", "seconds": 30})).status_code == 202
    await running_simulator.status_is("banned")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("messages", {"from": ANA, "type": "text"}),
        ("messages", {"type": "text", "text": "de nadie"}),
        ("messages", {"from": ANA, "type": "text", "text": "x", "surprise": 1}),
        ("messages", {"from": ANA, "type": "text", "text": "\u0000"}),
        ("messages", {"from": ANA, "type": "image", "media_base64": "¡no!"}),
        ("messages", {"from": ANA, "type": "text", "text": "x", "timestamp": "ayer"}),
        ("messages", {"from": ANA, "type": "text", "text": "x", "timestamp": 1e300}),
        ("messages", []),
        ("scan", {"phone": "nadie"}),
        ("scan", {}),
        ("receipts", {"wa_ids": [], "kind": "read"}),
        ("receipts", {"wa_ids": ["a"], "kind": "eaten"}),
        ("typing", {"from": ANA, "on": "sí"}),
        ("phone-messages", {"to": "nadie", "text": "x"}),
        ("faults", {"kind": "earthquake"}),
        ("faults", {"kind": "ban", "seconds": -5}),
        ("faults", {"kind": "duplicate", "times": "many"}),
    ],
)
async def test_a_body_that_makes_no_sense_is_422_with_a_problem(control: httpx2.AsyncClient, path: str, body: object):
    refused = await control.post(path, json=body)
    assert refused.status_code == 422, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "invalid_input"


async def test_an_unknown_number_is_404(running_simulator: RunningSimulator):
    async with client_from("127.0.0.1") as client:
        for method, path in (("GET", "sent"), ("GET", "presence"), ("POST", "faults"), ("POST", "messages")):
            body = {"kind": "clear"} if path == "faults" else {"from": ANA, "text": "x"}
            answered = await client.request(method, f"/sim/v1/channels/{uuid4()}/{path}", json=body)
            assert (answered.status_code, answered.json()["code"]) == (404, "not_found")


@attempt(8, "gate", "Another machine calls the simulator's control and claims to be this one.")
@pytest.mark.parametrize("address", ["203.0.113.9", "10.0.0.7", "testclient", "2001:db8::1", "::ffff:203.0.113.9"])
async def test_another_machine_is_refused_whatever_it_claims(running_simulator: RunningSimulator, address: str):
    claims = {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1"}
    async with client_from(address, **claims) as client:
        for method, path in (("GET", "sent"), ("POST", "scan"), ("POST", "messages"), ("POST", "faults")):
            refused = await client.request(method, f"/sim/v1/channels/{running_simulator.channel_id}/{path}")
            assert (refused.status_code, refused.json()["code"]) == (403, "only_this_machine")


async def test_without_the_simulator_there_is_nothing_here(
    running_simulator: RunningSimulator, control: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
):
    off = settings().model_copy(update={"simulator": False})
    monkeypatch.setattr("saasbot.api.simulator.settings", lambda: off)
    assert (await control.get("sent")).status_code == 404


class served:
    """A file on a server of this machine."""

    def __init__(self, content: bytes, mime: str) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {mime}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        self._answer = head.encode() + content

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://localhost:{self._server.sockets[0].getsockname()[1]}/factura.pdf"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self._answer)
        await writer.drain()
        writer.close()
