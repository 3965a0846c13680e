"""Bodies on their way in: cut when they are too large, too many or too slow; slowed down when they are too much."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from saasbot.api import bodies, limits
from saasbot.api.gate import Gate
from saasbot.api.limits import Buckets, Rate
from tests.attack.attempts import attempt
from tests.gate.asgi import OWN, Answer, Inner, request

PATH = "/api/v1/products/x/image"


@pytest.fixture
def inner() -> Inner:
    return Inner()


@pytest.fixture
def gate(inner: Inner, tmp_path: Path) -> Gate:
    return Gate(inner, built=tmp_path)


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each piece was made to wait; nobody really waits."""
    seconds: list[float] = []

    async def sleep(delay: float) -> None:
        seconds.append(delay)

    monkeypatch.setattr(bodies, "asyncio", SimpleNamespace(timeout=asyncio.timeout, sleep=sleep))
    return seconds


class Slow:
    """A client that sends its pieces when it is told to."""

    def __init__(self, app: Any, *, client: str = "198.51.100.7") -> None:
        self._pieces: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.answer = Answer()
        scope = {
            "type": "http",
            "method": "POST",
            "path": PATH,
            "query_string": b"",
            "headers": [(b"host", b"localhost:3000"), (b"origin", OWN.encode())],
            "client": (client, 40000),
        }
        self._request = asyncio.create_task(app(scope, self._pieces.get, self._send))

    async def sends(self, body: bytes, *, more: bool = True) -> None:
        self._pieces.put_nowait({"type": "http.request", "body": body, "more_body": more})
        for _ in range(5):
            await asyncio.sleep(0)

    async def ends(self) -> int:
        """The status it was answered."""
        await asyncio.wait_for(self._request, 5)
        return self.answer.status

    async def _send(self, message: Any) -> None:
        self.answer.status = message.get("status", self.answer.status)


@attempt(178, "gate", "A body is begun and never ended.")
async def test_a_body_that_falls_silent_is_given_up(gate: Gate, inner: Inner, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "LONGEST_SILENCE", 0.05)
    client = Slow(gate)
    await client.sends(b"the beginning")
    assert await client.ends() == 408
    assert inner.bodies == []


@attempt(179, "gate", "A body comes a byte at a time.")
async def test_a_body_that_drips_is_given_up(gate: Gate, inner: Inner, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "SLOWEST_AFTER", 0.0)
    monkeypatch.setattr(limits, "SLOWEST", 10**9)
    client = Slow(gate)
    await client.sends(b"x")
    assert await client.ends() == 408
    assert inner.bodies == []


async def test_a_slow_phone_gets_its_hundred_megabytes_through(monkeypatch: pytest.MonkeyPatch):
    """At 5 kB/s for six hours, with a hole of 29 s now and then: nothing of it is cut."""
    clock = [0.0]
    monkeypatch.setattr(bodies, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    traffic = bodies.Traffic(Buckets())
    pieces = 100 * 1024 * 1024 // 65536

    async def receive() -> Any:
        clock[0] += 29 if int(clock[0]) % 10 == 0 else 65536 / 5000
        return {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    async def send(message: Any) -> None: ...

    body = bodies.ArrivingBody(receive, send, traffic, [("phone", 1)], limit=limits.body_limit("/uploads"), factor=1)
    for _ in range(pieces):
        assert (await body.receive())["type"] == "http.request"
    assert body.refusal is None and clock[0] > 5 * 3600


@attempt(180, "gate", "Hundreds of bodies are sent at once.")
async def test_only_so_many_come_at_a_time(gate: Gate, inner: Inner, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("saasbot.api.gate.MOST_BODIES", 2)
    first, second = Slow(gate), Slow(gate)
    for client in (first, second):
        await client.sends(b"the beginning, ")
    third, elsewhere = Slow(gate), Slow(gate, client="203.0.113.9")
    await third.sends(b"the beginning, ")
    assert await third.ends() == 429

    for client in (first, elsewhere, second):
        await client.sends(b"the end", more=False)
        assert await client.ends() == 200
    assert inner.bodies == [b"the beginning, the end", b"the end", b"the beginning, the end"]
    again = Slow(gate)
    await again.sends(b"the beginning, ")
    await again.sends(b"the end", more=False)
    assert await again.ends() == 200


async def test_a_body_in_one_piece_is_never_one_too_many(gate: Gate, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("saasbot.api.gate.MOST_BODIES", 0)
    assert (await request(gate, "POST", "/api/v1/bots", body=[b"{}"])).status == 200


async def test_a_client_that_leaves_makes_room(gate: Gate, inner: Inner):
    for _ in range(limits.MOST_BODIES + 1):
        client = Slow(gate)
        await client.sends(b"the beginning")
        client._pieces.put_nowait({"type": "http.disconnect"})
        with pytest.raises(ConnectionError):
            await client.ends()
    assert inner.bodies == []


async def test_who_sends_too_much_is_read_slowly_and_never_cut(
    gate: Gate, inner: Inner, waited: list[float], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(limits, "BYTES", Rate(burst=1000, per_second=100))
    answer = await request(gate, "POST", PATH, headers={"origin": OWN}, body=[b"x" * 500] * 5)
    assert answer.status == 200
    assert inner.bodies == [b"x" * 2500]
    assert [round(seconds) for seconds in waited] == [5, 10]


def test_a_debt_is_paid_with_time(monkeypatch: pytest.MonkeyPatch):
    clock = [0.0]
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    buckets, rate = Buckets(), Rate(burst=10, per_second=2)
    assert buckets.draw("bytes", "a", rate, 10) == 0
    assert buckets.draw("bytes", "a", rate, 4) == 2
    assert buckets.draw("bytes", "b", rate, 4) == 0
    clock[0] = 2.0
    assert buckets.draw("bytes", "a", rate, 1) == 0.5
    clock[0] = 100.0
    assert buckets.draw("bytes", "a", rate, 10) == 0
