"""What lives beside the web app in its process: database, bus, hub, journal processor, jobs, simulator, supervisor.

The embedded default runs all of it from one command. Each part works on the database alone, so each can run elsewhere, be
killed at any instant, and be taken up by another process.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import reflex as rx

from saasbot.domain.accounts import hear_endings
from saasbot.infra import db, logging
from saasbot.infra.draining import DRAIN, SOCKETS_SECONDS
from saasbot.infra.events import Listener
from saasbot.infra.health import report_with
from saasbot.infra.loop_lag import sample_loop_lag
from saasbot.infra.metrics import count_loop_lag
from saasbot.infra.roles import database_urls
from saasbot.infra.settings import settings
from saasbot.jobs.worker import is_working, running_worker
from saasbot.realtime.hub import hub
from saasbot.realtime.tabs import ReflexTabs
from saasbot.state.one_person import Renewal
from saasbot.wa_runtime.processor import Processor
from saasbot.wa_runtime.simulator.runtime import SimulatorRuntime
from saasbot.wa_runtime.spool_sweep import sweep_forever
from saasbot.wa_runtime.supervisor import Supervisor

log = logging.get_logger(__name__)


@asynccontextmanager
async def services(app: rx.App) -> AsyncIterator[None]:
    """Starts from the database outwards; stops the other way round: what is in hand is finished, leases are released."""
    chosen = settings()
    logging.configure(json=chosen.is_production)
    logging.log_uncaught()
    urls = database_urls(chosen)
    db.connect(app_url=urls.app, platform_url=urls.platform)
    listener = Listener(db.app_dsn())
    processor = Processor(listener)
    hear_endings(listener)
    hub.start(ReflexTabs(app), listener, Renewal(app))
    runtimes: list[Supervisor | SimulatorRuntime] = [Supervisor(listener)]
    if chosen.simulator:
        runtimes.append(SimulatorRuntime(listener))
    report_with("database", db.answers)
    report_with("runtime", processor.is_running)
    report_with("jobs", is_working)
    async with AsyncExitStack() as stack:
        sampler = asyncio.create_task(sample_loop_lag(count_loop_lag), name="loop-lag")
        stack.callback(sampler.cancel)
        stack.push_async_callback(db.disconnect)
        await listener.start()
        stack.push_async_callback(listener.stop)
        stack.push_async_callback(hub.stop)
        await stack.enter_async_context(running_worker(db.app_dsn()))
        await processor.start()
        stack.push_async_callback(processor.stop)
        sweeper = asyncio.create_task(sweep_forever(chosen.data_dir / "spool"), name="spool-sweep")
        stack.callback(sweeper.cancel)
        for runtime in runtimes:
            await runtime.start()
            stack.push_async_callback(runtime.stop)
        with _drained_at_a_stop(runtimes):
            yield


@contextmanager
def _drained_at_a_stop(runtimes: list[Supervisor | SimulatorRuntime]) -> Iterator[None]:
    """Numbers are let go of as soon as a stop begins, whoever still has a tab open. Where sockets keep the worker from ending in
    order, it ends without: everything that counts is in the database."""
    loop = asyncio.get_running_loop()
    draining: list[asyncio.Task[None]] = []

    async def drain() -> None:
        began = loop.time()
        await asyncio.gather(*(runtime.stop() for runtime in runtimes), return_exceptions=True)
        log.info("app.drained", seconds=round(loop.time() - began, 1))
        await asyncio.sleep(began + SOCKETS_SECONDS - loop.time())
        os._exit(0)

    def begin() -> None:
        if not draining:
            draining.append(asyncio.create_task(drain(), name="drain"))

    loop.add_signal_handler(DRAIN, begin)
    try:
        yield
    finally:
        loop.remove_signal_handler(DRAIN)
        signal.signal(DRAIN, signal.SIG_IGN)  # one that comes late has nothing to tell
