"""A bridge: a process that holds numbers on real WhatsApp, and nothing else. `python -m saasbot.wa_runtime.bridge`

The app tells it again and again which numbers it shall hold: `{"numbers": [{company_id, channel_id, device_jid}, …]}`. It
says `{"held": [channel ids], "resident": bytes}` every few seconds. When the app is gone or asks, it drains and ends.
"""

import asyncio
import os
from typing import Any
from uuid import UUID

from saasbot.wa_runtime import plain_structlog  # noqa: F401  # isort: skip - first
from saasbot.infra import db
from saasbot.infra.events import Listener
from saasbot.infra.logging import get_logger
from saasbot.infra.loop_lag import sample_loop_lag
from saasbot.infra.settings import settings
from saasbot.wa_runtime.host import NumberHost
from saasbot.wa_runtime.process import AppLink, give_back_memory, open_database, resident_bytes
from saasbot.wa_runtime.transport import NumberRef, Transport, Wiring

log = get_logger(__name__)

HEARTBEAT_SECONDS = 5
DRAIN_SECONDS = 18.5
"""After SIGTERM; whoever waits for the process kills it a second later."""


def number_line(ref: NumberRef) -> dict[str, Any]:
    return {"company_id": str(ref.company_id), "channel_id": str(ref.channel_id), "device_jid": ref.device_jid}


def number_of(line: dict[str, Any]) -> NumberRef:
    return NumberRef(UUID(line["company_id"]), UUID(line["channel_id"]), line["device_jid"])


class Bridge:
    """Follows what the app wants, latest wish first."""

    def __init__(self, link: AppLink) -> None:
        self._link = link
        self._wanted: list[NumberRef] = []
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Returns when drained."""
        # here, so that whoever reads the lines' format does not load the library
        from saasbot.wa_runtime.neonize_client import prepare_loop, prepare_store
        from saasbot.wa_runtime.neonize_gate import Gate
        from saasbot.wa_runtime.neonize_transport import NeonizeTransport

        most = settings().numbers_per_bridge
        urls = open_database(pool_size=most + 5)
        prepare_loop(most)
        await self._link.listen()
        await prepare_store(urls.wa_store)
        give_back_memory()
        gate = Gate()

        def make(ref: NumberRef, wiring: Wiring) -> Transport:
            return NeonizeTransport(ref, wiring, urls.wa_store, gate)

        listener = Listener(db.app_dsn())
        host = NumberHost(listener, make, settings().data_dir / "spool", redelivers=NeonizeTransport.redelivers)
        await listener.start()
        following = asyncio.create_task(self._follow(host))
        telling = asyncio.create_task(self._tell(host))
        for task in (following, telling):
            task.add_done_callback(_end_when_dead)
        sampling = asyncio.create_task(sample_loop_lag())
        async for line in self._link.lines():
            self._wanted = [number_of(number) for number in line["numbers"]]
            self._news.set()
        log.info("bridge.draining", numbers=len(host.held))
        following.cancel()
        async with asyncio.timeout(DRAIN_SECONDS):
            await host.stop()
        telling.cancel()
        sampling.cancel()

    async def _follow(self, host: NumberHost) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            await host.set_wanted(self._wanted)
            self._say(host)

    async def _tell(self, host: NumberHost) -> None:
        while True:
            self._say(host)
            await asyncio.sleep(HEARTBEAT_SECONDS)

    def _say(self, host: NumberHost) -> None:
        self._link.say(held=[str(channel_id) for channel_id in host.held], resident=resident_bytes())


def _end_when_dead(task: asyncio.Task[None]) -> None:
    """A bridge that no longer hears the app, or is not heard, makes way for another one."""
    if not task.cancelled() and (fault := task.exception()) is not None:
        log.error("bridge.broken", task=task.get_name(), exc_info=fault)
        os._exit(1)


async def _main(link: AppLink) -> None:
    try:
        await Bridge(link).run()
    except TimeoutError:
        log.warning("bridge.not_drained")
    except Exception:
        log.exception("bridge.failed")
        os._exit(1)
    os._exit(0)  # not past the library's threads: some of them may never end


def main() -> None:
    asyncio.run(_main(AppLink()))


if __name__ == "__main__":
    main()
