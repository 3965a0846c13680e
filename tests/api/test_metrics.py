"""`/metrics` is for this machine and for whoever has the token, and says nothing about people."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from saasbot.api import metrics
from saasbot.api.app import api
from saasbot.domain.actor import Actor
from saasbot.domain.channels.acks import AckMeter
from saasbot.domain.channels.gaps import begin_gap, end_gap
from saasbot.domain.channels.journal import mark_processed, record_events, take_events
from saasbot.domain.channels.lease import acquire_lease, renew_lease
from saasbot.domain.channels.state import set_state
from saasbot.infra import db
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.infra.metrics import count_received
from saasbot.infra.settings import settings
from saasbot.models import Author, Channel, ChannelStatus, Direction, GapCause, Message, MessageStatus, MessageType
from saasbot.models.table import utcnow
from tests.attack.attempts import attempt
from tests.fixtures.shops import Shop

TOKEN = "a-token-of-thirty-two-characters"
CANARY_PHONE, CANARY_TEXT, CANARY_NAME = "5491177778888", "the canary sings at midnight", "Canaria Pérez"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that an earlier test read."""
    monkeypatch.setattr(metrics, "_cache", metrics._Cache())


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch, shop: Shop) -> Iterator[str]:
    monkeypatch.setenv("SAASBOT_METRICS_TOKEN", TOKEN)
    settings.cache_clear()
    yield TOKEN
    monkeypatch.undo()
    settings.cache_clear()


@asynccontextmanager
async def caller(address: str = "127.0.0.1") -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(api, client=(address, 50000), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:3000") as client:
        yield client


async def scrape() -> str:
    async with caller() as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return answer.text


def samples(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(shop: Shop) -> Callable[..., tuple[tuple[str, str], ...]]:
    def labels(**more: str) -> tuple[tuple[str, str], ...]:
        return tuple(sorted({"channel": str(shop.channel.id), "kind": "simulator", **more}.items()))

    return labels


@attempt(106, "secrets", "The metrics are read from another machine.")
@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("203.0.113.9", {}),
        ("203.0.113.9", {"authorization": "Bearer "}),
        ("203.0.113.9", {"authorization": f"Bearer {TOKEN}"}),
        ("127.0.0.1", {"x-forwarded-for": "203.0.113.9"}),
        ("127.0.0.1", {"x-forwarded-for": "127.0.0.1"}),
        ("::1", {"forwarded": "for=203.0.113.9"}),
        ("127.0.0.1", {"x-real-ip": "203.0.113.9"}),
        ("not an address", {}),
    ],
)
async def test_elsewhere_there_is_no_such_address(shop: Shop, address: str, headers: dict[str, str]):
    async with caller(address) as client:
        refused = await client.get("/metrics", headers=headers)
        unknown = await client.get("/metricz", headers=headers)
    assert (refused.status_code, refused.content) == (404, unknown.content)
    assert refused.headers == unknown.headers


@pytest.mark.parametrize("given", [f"Bearer {TOKEN}x", f"bearer {TOKEN}", TOKEN, "Bearer ñ", ""])
async def test_a_wrong_token_is_no_token(token: str, given: str):
    async with caller("203.0.113.9") as client:
        assert (await client.get("/metrics", headers=[(b"authorization", given.encode())])).status_code == 404


@pytest.mark.parametrize("address", ["203.0.113.9", "127.0.0.1"])
async def test_the_token_opens_from_anywhere(token: str, address: str):
    headers = {"authorization": f"Bearer {token}", "x-forwarded-for": "203.0.113.9"}
    async with caller(address) as client:
        assert (await client.get("/metrics", headers=headers)).status_code == 200


async def test_each_number_has_its_figures(shop: Shop):
    conversation, meter = await shop.hears("hola"), AckMeter()
    for seconds in (0.02, 0.3):
        meter.note(seconds)
    async with unit_of_work(shop.system):
        set_state(await session().get_one(Channel, shop.channel.id), ChannelStatus.DEAF)
        await acquire_lease(shop.system, shop.channel.id, holder="boot/77/1")
        epoch = await acquire_lease(shop.system, shop.channel.id, holder="boot/78/1", holder_is_dead=True)
        assert epoch is not None
        await renew_lease(
            shop.system, shop.channel.id, epoch=epoch, memory_bytes=64_000_000, loop_lag=0.25, acks=meter.take()
        )
        await sql("UPDATE channel SET since = since - interval '90 seconds'")
        await record_events(shop.system, shop.channel.id, epoch=epoch, events=[(17, b"bad"), (17, b"good")])
        [bad, _] = await take_events(shop.system, shop.channel.id) or []
        await mark_processed(shop.system, [bad.id], error="why")
    for status in (MessageStatus.QUEUED, MessageStatus.QUEUED, MessageStatus.UNCONFIRMED):
        await _message(shop, conversation, status=status)
    placeholder: dict[str, Any] = {"status": MessageStatus.DELIVERED, "type": MessageType.UNSUPPORTED}
    await _message(shop, conversation, **placeholder, payload={"kind": "undecryptable"})
    for _ in range(2):  # to be seen once, on the phone: it never comes, and the session is sound
        await _message(shop, conversation, **placeholder, payload={"kind": "undecryptable", "unavailable": True})
    yesterday = utcnow() - timedelta(hours=25)
    await _message(shop, conversation, **placeholder, payload={"kind": "undecryptable"}, created_at=yesterday)
    count_received(shop.channel.id, "simulator", 3)

    found, labels = samples(await scrape()), of(shop)
    assert found["saasbot_database_up", ()] == 1
    assert found["saasbot_number_state", labels(state="deaf")] == 1
    assert sum(value for (name, _), value in found.items() if name == "saasbot_number_state") == 1
    assert found["saasbot_number_deaf_seconds_total", labels()] == 0
    assert found["saasbot_number_held", labels()] == 1
    assert found["saasbot_number_queued", labels()] == 2
    assert 60 <= found["saasbot_number_oldest_queued_seconds", labels()] < 70
    assert found["saasbot_number_unconfirmed", labels()] == 1
    assert found["saasbot_number_undecryptable", labels()] == 1
    assert found["saasbot_number_set_aside", labels()] == 1
    assert found["saasbot_number_process_memory_bytes", labels()] == 64_000_000
    assert found["saasbot_number_process_loop_lag_seconds", labels()] == 0.25
    assert found["saasbot_number_restarts_total", labels()] == 1
    assert found["saasbot_messages_sent_total", labels()] == 2
    assert found["saasbot_messages_received_total", labels()] == 3
    assert found["saasbot_send_ack_seconds_bucket", labels(le="0.05")] == 1
    assert found["saasbot_send_ack_seconds_bucket", labels(le="+Inf")] == 2
    assert found["saasbot_send_ack_seconds_sum", labels()] == pytest.approx(0.32)
    assert found["process_resident_memory_bytes", ()] > 10_000_000


async def test_deafness_is_counted_from_what_was_heard_last_also_when_it_is_over(shop: Shop):
    """On WhatsApp a number is called deaf only when its question found no answer, and connects anew in the same moment."""

    async def counted() -> float:
        metrics._cache = metrics._Cache()
        return samples(await scrape())["saasbot_number_deaf_seconds_total", of(shop)()]

    async def is_deaf(cause: GapCause, *, minutes: int) -> None:
        async with unit_of_work(shop.system):
            await begin_gap(shop.system, shop.channel.id, cause=cause, at=utcnow() - timedelta(minutes=minutes))

    assert await counted() == 0
    await is_deaf(GapCause.DEAF, minutes=10)
    assert 600 <= await counted() < 610, "still"
    async with unit_of_work(shop.system):
        await end_gap(shop.system, shop.channel.id)
        await sql("UPDATE channel_gap SET began_at = began_at - interval '2 h', ended_at = ended_at - interval '2 h'")
    assert 600 <= await counted() < 610
    await is_deaf(GapCause.DEAF, minutes=2)
    assert 720 <= await counted() < 740, "it only grows"
    async with unit_of_work(shop.system):
        await end_gap(shop.system, shop.channel.id)
        await sql("UPDATE channel_gap SET began_at = began_at - interval '2 h', ended_at = ended_at - interval '2 h'")
    await is_deaf(GapCause.HOLDER_DIED, minutes=5)
    assert 720 <= await counted() < 740, "another loss"


async def _message(shop: Shop, conversation: UUID, **values: Any) -> None:
    async with unit_of_work(shop.system):
        session().add(
            Message(
                company_id=shop.company.id,
                conversation_id=conversation,
                channel_id=shop.channel.id,
                from_me=True,
                direction=Direction.OUTBOUND,
                author=Author.AGENT,
                **{"type": MessageType.TEXT, "created_at": utcnow() - timedelta(minutes=1), **values},
            )
        )


@attempt(127, "privacy", "Names, phones and texts are looked for in the metrics.")
async def test_nothing_about_people_is_in_it(shop: Shop, mallory: Actor):
    await shop.hears(CANARY_TEXT, phone=CANARY_PHONE, name=CANARY_NAME)
    async with unit_of_work(shop.system):
        channel = await session().get_one(Channel, shop.channel.id)
        channel.phone, channel.name, channel.push_name = "5491166665555", "Canary number", "Canary push"
        channel.device_jid = "5491166665555:1@s.whatsapp.net"
        set_state(channel, ChannelStatus.RECONNECTING, "connection_lost")
    text = await scrape()
    assert str(shop.channel.id) in text
    for secret in (CANARY_PHONE, CANARY_TEXT, CANARY_NAME, "anary", "5491166665555", shop.company.name, "Alice"):
        assert secret not in text
    names = {name for _, labels in samples(text) for name, _ in labels}
    assert names - {"directive"} == {"channel", "kind", "state", "le", "why"}  # that of a browser's report, if one came


async def test_the_database_is_asked_once_in_a_while(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    asked: list[None] = []

    async def read() -> list[object]:
        asked.append(None)
        return []

    monkeypatch.setattr(metrics, "read_numbers", read)
    for _ in range(5):
        await scrape()
    assert len(asked) == 1


async def test_without_a_database_the_process_still_tells_of_itself(shop: Shop):
    await db.disconnect()
    db.connect(app_url="postgresql+psycopg://x@127.0.0.1:1/x", platform_url="postgresql+psycopg://x@127.0.0.1:1/x")
    found = samples(await scrape())
    assert found["saasbot_database_up", ()] == 0
    assert found["process_resident_memory_bytes", ()] > 0
    assert not any(name.startswith("saasbot_number") for name, _ in found)
