"""Who holds a number: its lease from the wait for it to letting go, and what an earlier holder left unfinished."""

import asyncio
import contextlib
from collections.abc import Callable

from saasbot.domain.actor import Actor
from saasbot.domain.channels.acks import AckMeter
from saasbot.domain.channels.act_outbox import settle_abandoned_acts
from saasbot.domain.channels.gaps import begin_gap, end_gap, last_sign_of_life
from saasbot.domain.channels.lease import (
    LEASE_SECONDS,
    RENEW_SECONDS,
    LeaseLost,
    acquire_lease,
    lease_holder,
    release_lease,
    renew_lease,
)
from saasbot.domain.channels.outbox_marks import settle_abandoned
from saasbot.infra import process_identity
from saasbot.infra.db import DOWN, unit_of_work
from saasbot.infra.logging import get_logger
from saasbot.infra.loop_lag import worst_lag
from saasbot.models import GapCause
from saasbot.wa_runtime.journal import NumberJournal
from saasbot.wa_runtime.process import resident_bytes
from saasbot.wa_runtime.transport import NumberRef, Transport

log = get_logger(__name__)

_POLL_SECONDS = 0.5


class NumberLease:
    """`epoch` is its fencing token, 0 while it is not held. Losing it sets `over`."""

    def __init__(self, ref: NumberRef, over: asyncio.Event, *, redelivers: bool) -> None:
        self.epoch = 0
        self.acks = AckMeter()
        """Of the sends since the last renewal, which takes them along."""
        self.transport: Transport | None = None
        self._channel_id = ref.channel_id
        self._actor = Actor.system(ref.company_id)
        self._over = over
        self._redelivers = redelivers

    async def acquire(self) -> bool:
        """Wait for the lease. False when it is over meanwhile."""
        while not self._over.is_set():
            try:
                async with unit_of_work(self._actor):
                    other = await lease_holder(self._actor, self._channel_id)
                    here = process_identity.this_process()
                    dead = other is not None and (other == here or process_identity.is_dead(other))
                    seen = await last_sign_of_life(self._actor, self._channel_id, holder_is_dead=dead)
                    epoch = await acquire_lease(self._actor, self._channel_id, holder=here, holder_is_dead=dead)
                    if epoch is not None and seen is not None and not self._redelivers:
                        # with the lease: whoever takes it after us sees us, and no longer who died before
                        await begin_gap(self._actor, self._channel_id, cause=GapCause.HOLDER_DIED, at=seen)
                if epoch is not None:
                    self.epoch = epoch
                    log.info("number.held", channel_id=str(self._channel_id), epoch=epoch)
                    return True
            except DOWN as error:
                log.warning("number.database_unavailable", channel_id=str(self._channel_id), error=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_SECONDS):
                    await self._over.wait()
        return False

    async def settle(self) -> None:
        """What an earlier holder left unfinished is told: sends that may have gone out, messages that may be missing."""
        async with unit_of_work(self._actor):
            await end_gap(self._actor, self._channel_id)  # also that of a number which was deaf when its holder died
        await self.settle_sends(self.epoch)

    async def settle_sends(self, epoch: int) -> None:
        """What was taken before this epoch, and never marked, may have gone out or not."""
        async with unit_of_work(self._actor):
            doubtful = await settle_abandoned(self._actor, self._channel_id, epoch=epoch)
            await settle_abandoned_acts(self._actor, self._channel_id, epoch=epoch)
        if doubtful:
            log.warning("outbox.interrupted", channel_id=str(self._channel_id), messages=len(doubtful))

    async def keep(self, journal: NumberJournal, renewed_late: Callable[[], None]) -> None:
        """Renew it until it is lost. `renewed_late` is called when it had run out: meanwhile somebody may have taken the number for
        held by nobody, and said so."""
        loop = asyncio.get_running_loop()
        renewed_at = loop.time()
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await self._renew()
                if loop.time() - renewed_at > LEASE_SECONDS:
                    renewed_late()
                renewed_at = loop.time()
                await journal.replay_spool()  # the database answers: what waits for it need not wait for the next event
            except LeaseLost:
                log.warning("number.lease_lost", channel_id=str(self._channel_id), epoch=self.epoch)
                self.epoch = 0
                self._over.set()
                return
            except DOWN as error:
                log.warning("number.lease_not_renewed", channel_id=str(self._channel_id), error=str(error))

    async def release(self) -> None:
        """Nobody holds the number; nothing when the lease was lost."""
        if not self.epoch:
            return
        with contextlib.suppress(LeaseLost, *DOWN):
            await self._renew()  # the last sends count too
            # what was in hand and could not be finished: perhaps nobody comes next
            await self.settle_sends(self.epoch + 1)
            async with unit_of_work(self._actor):
                await end_gap(self._actor, self._channel_id)
                await release_lease(self._actor, self._channel_id, epoch=self.epoch)

    async def _renew(self) -> None:
        acks = self.acks.take()
        try:
            async with unit_of_work(self._actor):
                await renew_lease(
                    self._actor,
                    self._channel_id,
                    epoch=self.epoch,
                    heard_at=self.transport.heard_at if self.transport is not None else None,
                    memory_bytes=resident_bytes(),
                    loop_lag=worst_lag(),
                    acks=acks,
                )
        except DOWN:
            self.acks.give_back(acks)
            raise
