"""What the connection of a number says of itself, written in the order it was said."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace

from saasbot.domain.actor import Actor
from saasbot.domain.channels.gaps import begin_gap, end_gap
from saasbot.domain.channels.lease import LeaseLost
from saasbot.domain.channels.state import report_state
from saasbot.infra.db import DOWN, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.logging import get_logger
from saasbot.models import ChannelStatus, GapCause
from saasbot.models.table import utcnow
from saasbot.wa_runtime.number_lease import NumberLease
from saasbot.wa_runtime.transport import NumberRef, StateChange

log = get_logger(__name__)

LAST_STATE_SECONDS = 0.5
"""How long a stop waits for the last states to be written."""


_LOSSES = {"journal_unwritable": GapCause.UNWRITABLE, "library_fault": GapCause.LIBRARY_FAULT}
"""Reasons for which a connection ended that may have cost messages."""


class NumberStates:
    """`open` is set while the number is connected; `opened` is called each time it comes to be. An end for good sets `over`."""

    def __init__(
        self,
        ref: NumberRef,
        lease: NumberLease,
        over: asyncio.Event,
        opened: Callable[[], None],
        *,
        redelivers: bool,
    ) -> None:
        """`redelivers`: what the number misses is given to it again, so nothing goes missing."""
        self.open = asyncio.Event()
        self._redelivers = redelivers
        self._channel_id, self._device_jid = ref.channel_id, ref.device_jid
        self._actor = Actor.system(ref.company_id)
        self._lease, self._over, self._opened = lease, over, opened
        self._changes: asyncio.Queue[StateChange] = asyncio.Queue()
        self._last: StateChange | None = None
        self._loop = asyncio.get_running_loop()

    def on_state(self, change: StateChange) -> None:
        """From any thread. What does not say when something was heard last is of now, however long it waits to be written."""
        change = replace(change, heard_at=change.heard_at or utcnow())
        self._loop.call_soon_threadsafe(self._take, change)

    def _take(self, change: StateChange) -> None:
        self._last = change
        self._changes.put_nowait(change)

    def say_again(self) -> None:
        """What was last said: something may have been written over it. What it may have cost was told the first time."""
        if self._last is not None and not self._over.is_set():
            self._changes.put_nowait(replace(self._last, heard_at=None))

    async def report_forever(self) -> None:
        while True:
            change = await self._changes.get()
            if change.status == ChannelStatus.OPEN:
                self.open.set()
                self._opened()
            else:
                self.open.clear()
            while not await self._report(change):  # noqa: ASYNC110 - the database does not signal its return
                await asyncio.sleep(1)
            self._changes.task_done()
            if change.fatal:
                self._over.set()

    async def tell_the_rest(self) -> None:
        """What the connection said at its end, if the database takes it: that the session is over is said once."""
        await asyncio.sleep(0)  # a change on its way through the loop is in the queue then
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_STATE_SECONDS):
                await self._changes.join()

    async def _report(self, change: StateChange) -> bool:
        """Write the state. False when the database could not be reached."""
        try:
            async with unit_of_work(self._actor):
                counted = await report_state(
                    self._actor,
                    self._channel_id,
                    epoch=self._lease.epoch,
                    device_jid=self._device_jid,
                    status=change.status,
                    reason=change.reason,
                    retry_at=change.retry_at,
                    ended=change.fatal,
                )
                await self._note_gap(change)
            if not counted:  # the number has another session, or none: there is nothing to work for
                self._over.set()
        except (LeaseLost, NotFound):
            self._over.set()
        except DOWN as error:
            log.warning("number.state_not_written", channel_id=str(self._channel_id), error=str(error))
            return False
        return True

    async def _note_gap(self, change: StateChange) -> None:
        """In the transaction that writes the state: from when the number last heard something, messages may be missing. While it is
        deaf they still go missing; the other losses are over with the connection that had them."""
        if (cause := _losing(change)) is not None and change.heard_at is not None and not self._redelivers:
            await begin_gap(self._actor, self._channel_id, cause=cause, at=change.heard_at)
        if change.status != ChannelStatus.DEAF:
            await end_gap(self._actor, self._channel_id)


def _losing(change: StateChange) -> GapCause | None:
    """Why what WhatsApp regards as delivered may not be here."""
    if change.status == ChannelStatus.DEAF:
        return GapCause.DEAF
    return _LOSSES.get(change.reason or "")
