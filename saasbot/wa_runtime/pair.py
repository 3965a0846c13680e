"""One attempt to link a number, in a process of its own. `python -m saasbot.wa_runtime.pair`

The app says which in one line: `{company_id, channel_id, retry_in}`. It says `{"attempt": id}` when it has begun, `{"linked": true}`
when the phone has used a code, and `{"ended": reason}` when its result is written, or the database away. It ends at once when the app
is gone or the attempt is no longer wanted.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from saasbot.wa_runtime import plain_structlog  # noqa: F401  # isort: skip - first
from saasbot.domain.actor import Actor
from saasbot.domain.admin.runtime import devices_in_use
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.lease import (
    RENEW_SECONDS,
    LeaseLost,
    acquire_lease,
    lease_holder,
    release_lease,
    renew_lease,
)
from saasbot.domain.channels.pairing import (
    begin_pairing,
    code_used,
    complete_pairing,
    device_name,
    fail_pairing,
    phones_in_use,
    show_code,
)
from saasbot.domain.channels.proxy import read_proxy
from saasbot.domain.channels.state import report_state
from saasbot.infra import db, process_identity
from saasbot.infra.crypto import Unsealable
from saasbot.infra.db import DOWN, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.logging import get_logger
from saasbot.infra.settings import settings
from saasbot.models import ChannelPairing, ChannelStatus, Desired
from saasbot.wa_runtime.journal import NumberJournal
from saasbot.wa_runtime.neonize_store import StoreUnavailable, forget_session, sessions_of
from saasbot.wa_runtime.process import AppLink, open_database, resident_bytes
from saasbot.wa_runtime.transport import Paired, PairingCode, PairingFailed

log = get_logger(__name__)

WAITING = frozenset({"network_unreachable", "proxy_unreachable"})
"""What an attempt waits for to be over; every other failure ends it."""
NOT_WANTED, DATABASE_AWAY = "not_wanted", "database_away"
_LEASE_TRIES, _LEASE_POLL_SECONDS = 100, 0.3


class NoLongerWanted(Exception):
    """Another attempt has taken this one's place, its owner has stopped it, or somebody else holds the number."""


class Attempt:
    """One attempt, from the lease to the written result."""

    def __init__(self, link: AppLink, store_dsn: str, job: dict[str, Any]) -> None:
        self._link, self._store_dsn = link, store_dsn
        self._channel_id = UUID(job["channel_id"])
        self._actor = Actor.system(UUID(job["company_id"]))
        self._retry_in = float(job["retry_in"])
        self._epoch = 0

    async def run(self) -> str:
        """The reason of its end: `linked`, or why not."""
        try:
            async with self._lease():
                async with unit_of_work(self._actor):
                    channel = await access_channel(self._actor, self._channel_id, lock=True)
                    if channel.desired != Desired.RUNNING or channel.device_jid is not None:
                        return NOT_WANTED
                    row = await begin_pairing(self._actor, self._channel_id)
                self._link.say(attempt=str(row.attempt))
                return await self._pair(row)
        except (NotFound, NoLongerWanted, LeaseLost):
            return NOT_WANTED

    async def _pair(self, row: ChannelPairing) -> str:
        from saasbot.wa_runtime.neonize_pairing import NeonizePairing

        # while pairing nobody holds the number yet: the events of its first login are journalled with the lease's epoch
        journal = NumberJournal(
            company_id=self._actor.company_id,
            channel_id=self._channel_id,
            epoch=self._epoch,
            dsn=db.app_dsn(),
            spool_dir=settings().data_dir / "spool",
        )
        try:
            async with unit_of_work(self._actor):
                name = await device_name(self._actor)
                proxy = await read_proxy(self._actor, self._channel_id)
                in_use = await phones_in_use(self._actor, self._channel_id)
        except Unsealable:
            log.exception("pairing.proxy_unknown", channel_id=str(self._channel_id))
            await self._failed(row, "proxy_unreachable")
            return "proxy_unreachable"
        used: list[asyncio.Task[None]] = []

        def linked() -> None:
            self._link.say(linked=True)
            used.append(asyncio.create_task(self._code_used(row)))

        pairing = NeonizePairing(
            self._store_dsn,
            phone=row.phone,
            expected=row.expected_phone,
            in_use=in_use,
            journal=journal.append,
            linked=linked,
            proxy=proxy,
            device_name=name,
        )

        async def show(code: PairingCode) -> None:
            async with unit_of_work(self._actor):
                wanted = await show_code(
                    self._actor,
                    self._channel_id,
                    attempt=row.attempt,
                    code=code.code,
                    number=code.number,
                    expires_at=code.expires_at,
                )
            if not wanted:
                raise NoLongerWanted

        try:
            paired = await pairing.run(show)
        except PairingFailed as failed:
            await asyncio.gather(*used)
            await self._failed(row, failed.reason)
            return failed.reason
        await asyncio.gather(*used)
        await self._linked(row, paired)
        return "linked"

    async def _code_used(self, row: ChannelPairing) -> None:
        """Only the screen learns of it: that it cannot be told does not undo the link."""
        try:
            async with unit_of_work(self._actor):
                await code_used(self._actor, self._channel_id, attempt=row.attempt)
        except DOWN as error:
            log.warning("pairing.use_not_told", channel_id=str(self._channel_id), error=str(error))

    async def _linked(self, row: ChannelPairing, paired: Paired) -> None:
        await self._forget_leftovers(paired)  # before the result stands: with it this process may end
        async with unit_of_work(self._actor):
            kept = await complete_pairing(
                self._actor,
                self._channel_id,
                attempt=row.attempt,
                device_jid=paired.device_jid,
                phone=paired.phone,
                lid=paired.lid,
                push_name=paired.push_name,
            )
        if not kept:  # the phone goes on listing the device until it expires there
            log.warning("pairing.linked_too_late", channel_id=str(self._channel_id))
            await forget_session(self._store_dsn, paired.device_jid)
            raise NoLongerWanted

    async def _forget_leftovers(self, paired: Paired) -> None:
        """What attempts that were killed after this phone had used their code have left in the library's store."""
        try:
            others = await sessions_of(self._store_dsn, paired.phone) - {paired.device_jid}
            for device in others - await devices_in_use(others):
                await forget_session(self._store_dsn, device)
                log.info("pairing.leftover_forgotten", channel_id=str(self._channel_id))
        except StoreUnavailable as error:
            log.warning("pairing.leftovers_unknown", error=str(error))

    async def _failed(self, row: ChannelPairing, reason: str) -> None:
        """Without a network, or its proxy, the attempt waits for one; every other failure ends it."""
        async with unit_of_work(self._actor):
            if reason in WAITING:
                retry_at = datetime.now(UTC) + timedelta(seconds=self._retry_in)
                await report_state(
                    self._actor,
                    self._channel_id,
                    epoch=self._epoch,
                    device_jid=None,
                    status=ChannelStatus.RECONNECTING,
                    reason=reason,
                    retry_at=retry_at,
                )
            else:
                await fail_pairing(self._actor, self._channel_id, attempt=row.attempt, reason=reason)

    @asynccontextmanager
    async def _lease(self) -> AsyncIterator[None]:
        """The number is ours meanwhile, so that of several servers one shows codes. Raises: NoLongerWanted."""
        self._epoch = epoch = await self._acquire()
        renewing = asyncio.create_task(self._renew())
        try:
            yield
        finally:
            renewing.cancel()
            async with unit_of_work(self._actor):
                await release_lease(self._actor, self._channel_id, epoch=epoch)

    async def _acquire(self) -> int:
        """The lease; an earlier holder may still be letting go of it. Raises: NoLongerWanted."""
        for _ in range(_LEASE_TRIES):
            async with unit_of_work(self._actor):
                other = await lease_holder(self._actor, self._channel_id)
                dead = other is not None and process_identity.is_dead(other)
                epoch = await acquire_lease(
                    self._actor, self._channel_id, holder=process_identity.this_process(), holder_is_dead=dead
                )
            if epoch is not None:
                return epoch
            await asyncio.sleep(_LEASE_POLL_SECONDS)
        raise NoLongerWanted

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with contextlib.suppress(*DOWN):  # the next time, or somebody else has it
                async with unit_of_work(self._actor):
                    await renew_lease(self._actor, self._channel_id, epoch=self._epoch, memory_bytes=resident_bytes())


async def _main(link: AppLink) -> None:
    from saasbot.wa_runtime.neonize_client import prepare_loop, prepare_store

    urls = open_database(pool_size=3)
    prepare_loop(1)
    await link.listen()
    lines = link.lines()
    job = await anext(lines, None)
    if job is None:
        os._exit(0)
    try:
        await prepare_store(urls.wa_store)
        work = asyncio.create_task(Attempt(link, urls.wa_store, job).run())
        gone = asyncio.ensure_future(anext(lines, None))
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
        link.say(ended=NOT_WANTED if work.cancelled() else work.result())
    except (*DOWN, StoreUnavailable) as error:
        log.warning("pairing.database_unavailable", error=str(error))
        link.say(ended=DATABASE_AWAY)
    except Exception:
        log.exception("pairing.crashed")
        os._exit(1)
    os._exit(0)  # not past the library's threads: those of a failed attempt never end


def main() -> None:
    asyncio.run(_main(AppLink()))


if __name__ == "__main__":
    main()
