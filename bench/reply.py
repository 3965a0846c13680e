"""Our part of an AI reply: from the journalled question to the answer that the transport took, with an instant fake model."""

import asyncio
import json
import os
import time
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from typing import ClassVar

from bench.cast import numbers, own_database, text_event
from bench.report import Figure, latencies
from saasbot.infra import db
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.events import Listener
from saasbot.infra.settings import settings
from saasbot.jobs.worker import running_worker
from saasbot.models import ChannelStatus
from saasbot.wa_runtime.host import NumberHost
from saasbot.wa_runtime.journal import NumberJournal
from saasbot.wa_runtime.processor import Processor
from saasbot.wa_runtime.protobufs import MESSAGE
from saasbot.wa_runtime.transport import NumberRef, Outgoing, Sent, StateChange, Wiring

QUESTIONS = 60


class InstantTransport:
    """Takes every message at once and remembers when."""

    redelivers: ClassVar[bool] = True
    usual_pace: ClassVar[float] = 0.0

    def __init__(self, ref: NumberRef, wiring: Wiring) -> None:
        self._wiring = wiring
        self.taken: asyncio.Queue[float] = asyncio.Queue()
        self.heard_at: datetime | None = None

    async def connect(self) -> None:
        self._wiring.on_state(StateChange(ChannelStatus.OPEN))

    async def close(self) -> None: ...

    async def lookup(self, phone: str) -> str:
        return f"{phone}@s.whatsapp.net"

    async def reconnect(self) -> None: ...

    async def prepare(self, outgoing: Outgoing) -> None: ...

    async def send(self, outgoing: Outgoing, prepared: None = None) -> Sent:
        self.taken.put_nowait(time.perf_counter())
        return Sent(f"OUT{outgoing.message_id.hex[:16]}", datetime.now(UTC), outgoing.chat_jid)

    async def mark_read(self, chat_jid: str, wa_ids: list[str], author_jid: str) -> None: ...

    async def group_name(self, chat_jid: str) -> str:
        return ""

    async def typing(self, chat_jid: str, on: bool) -> None: ...

    async def reject_call(self, caller: str, call_id: str) -> None:
        pass

    async def download(self, raw: bytes) -> bytes:
        return raw

    async def logout(self) -> None: ...


_DECISION = {"reply": "¡Hola! ¿En qué te ayudo?", "action": "reply", "intent": "greeting", "sentiment": "neutral"}
_BODY = json.dumps(
    {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": "instant",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": json.dumps(_DECISION)}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
).encode()


async def _instant_model(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers every request on the connection at once with the same words."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = next(int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:"))
            await reader.readexactly(length)
            header = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(_BODY)}\r\n\r\n"
            writer.write(header.encode() + _BODY)
            await writer.drain()


def measure() -> list[Figure]:
    os.environ["SAASBOT_AGENT_DEBOUNCE_MS"] = "0"
    with own_database() as urls:
        return asyncio.run(_measure(urls.app, urls.platform))


async def _measure(app_url: str, platform_url: str) -> list[Figure]:
    fake = await asyncio.start_server(_instant_model, "127.0.0.1", 0)
    port = fake.sockets[0].getsockname()[1]
    os.environ |= {"SAASBOT_OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "SAASBOT_OPENAI_API_KEY": "sk-bench"}
    settings.cache_clear()
    db.connect(app_url=app_url, platform_url=platform_url)
    try:
        return await _answers()
    finally:
        await db.disconnect()
        fake.close()


async def _answers() -> list[Figure]:
    (number,) = await numbers(1, bot=True)
    await _publish_prompt(number)
    async with AsyncExitStack() as stack:
        listener = Listener(db.app_dsn())
        processor = Processor(listener)
        transports: list[InstantTransport] = []

        def make(ref: NumberRef, wiring: Wiring) -> InstantTransport:
            transports.append(InstantTransport(ref, wiring))
            return transports[-1]

        host = NumberHost(listener, make, settings().data_dir / "spool", redelivers=InstantTransport.redelivers)
        await listener.start()
        stack.push_async_callback(listener.stop)
        await stack.enter_async_context(running_worker(db.app_dsn()))
        await processor.start()
        stack.push_async_callback(processor.stop)
        await host.set_wanted([NumberRef(number.company_id, number.channel_id)])
        stack.push_async_callback(host.stop)
        while not transports:
            await asyncio.sleep(0.01)
        journal = NumberJournal(
            company_id=number.company_id,
            channel_id=number.channel_id,
            epoch=1,
            dsn=db.app_dsn(),
            spool_dir=settings().data_dir / "spool",
        )
        taken = []
        for question in range(QUESTIONS + 5):
            event = text_event(question, f"Q{question}", "Hola")
            await asyncio.to_thread(journal.append, MESSAGE, event)
            journalled = time.perf_counter()
            answered = await asyncio.wait_for(transports[0].taken.get(), 30)
            taken.append((answered - journalled) * 1000)
            await asyncio.sleep(0.05)
        journal.close()
    return latencies("our part of an AI reply", taken[5:], p50="≤ 80")


async def _publish_prompt(number) -> None:
    async with unit_of_work(number.actor):
        await sql(
            "INSERT INTO prompt_version (id, created_at, company_id, bot_id, version, text, note, author_name) "
            "SELECT gen_random_uuid(), now(), company_id, id, 1, 'Responde con amabilidad.', '', '' FROM bot"
        )
        await sql("UPDATE bot SET published_version = 1")
        await sql("UPDATE channel SET desired = 'running'")
