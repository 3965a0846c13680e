"""What happens on a number and is over a moment later: somebody types, somebody calls."""

import asyncio

from saasbot.domain.actor import Actor
from saasbot.domain.channels.access import access_channel
from saasbot.domain.inbox.calls import is_fresh
from saasbot.infra import events
from saasbot.infra.db import DOWN, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.logging import get_logger
from saasbot.wa_runtime.transport import Call, NotConnected, NumberRef, Transport, Typing

log = get_logger(__name__)


class NumberMoments:
    """Its `on_…` may be called from any thread. `transport` is set before anything can happen on it."""

    def __init__(self, ref: NumberRef) -> None:
        self.transport: Transport | None = None
        self._ref = ref
        self._actor = Actor.system(ref.company_id)
        self._hanging_up: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()

    def on_typing(self, typing: Typing) -> None:
        self._loop.call_soon_threadsafe(self._tell_typing, typing)

    def on_call(self, call: Call) -> None:
        self._loop.call_soon_threadsafe(self._hang_up, call)

    def _tell_typing(self, typing: Typing) -> None:
        task = asyncio.create_task(self._publish_typing(typing))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _publish_typing(self, typing: Typing) -> None:
        async with unit_of_work(self._actor):
            events.publish(
                "typing",
                company_id=self._ref.company_id,
                channel_id=self._ref.channel_id,
                chat_jid=typing.chat_jid,
                on="1" if typing.on else "",
            )

    def _hang_up(self, call: Call) -> None:
        task = asyncio.create_task(self._reject(call))
        self._hanging_up.add(task)
        task.add_done_callback(self._hanging_up.discard)

    async def _reject(self, call: Call) -> None:
        """Hang up, if the owner wants it and it still rings."""
        assert self.transport is not None
        try:
            async with unit_of_work(self._actor):
                channel = await access_channel(self._actor, self._ref.channel_id)
            if channel.reject_calls and is_fresh(call.began_at):
                await self.transport.reject_call(call.caller, call.call_id)
                log.info("number.call_rejected", channel_id=str(self._ref.channel_id))
        except (NotConnected, NotFound, *DOWN) as error:
            log.warning("number.call_not_rejected", channel_id=str(self._ref.channel_id), error=type(error).__name__)
