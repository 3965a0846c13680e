"""The stored key pairs that sign access tokens."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.orm import aliased
from sqlmodel import col
from sqlmodel import select as select_rows

from saasbot.infra.db import platform_unit_of_work, run, session, sql
from saasbot.infra.logging import get_logger
from saasbot.models import SigningKey
from saasbot.models.table import utcnow

log = get_logger(__name__)

_SIGNING_KEY_LOCK = 0x5AA5_0002


async def signing_keys() -> list[SigningKey]:
    """The keys that verify, the newest first."""
    async with platform_unit_of_work("read the keys that sign access tokens"):
        found = await session().exec(
            select_rows(SigningKey)
            .where(col(SigningKey.retired_at).is_(None))
            .order_by(col(SigningKey.created_at).desc())
        )
        return list(found)


async def add_signing_key(key: SigningKey, *, beside: set[UUID]) -> None:
    """Keep the key, unless another process was faster (there is a key that the caller did not know): then that one counts."""
    async with platform_unit_of_work("add a key that signs access tokens"):
        await sql("SELECT pg_advisory_xact_lock(:lock)", lock=_SIGNING_KEY_LOCK)
        present = await run(select(col(SigningKey.id)).where(col(SigningKey.retired_at).is_(None)))
        if set(present.scalars()) <= beside:
            session().add(key)
            log.info("accounts.signing_key_made", key_id=str(key.id))


async def retire_signing_keys(*, followed_before: datetime) -> None:
    """Those verify nothing any more whose successor was made before this moment. The newest key is never among them."""
    newer = aliased(SigningKey)
    async with platform_unit_of_work("retire keys that sign access tokens"):
        retired = await run(
            update(SigningKey)
            .where(
                col(SigningKey.retired_at).is_(None),
                exists().where(
                    newer.created_at > col(SigningKey.created_at),  # type: ignore[arg-type]
                    newer.created_at <= followed_before,  # type: ignore[arg-type]
                    newer.retired_at.is_(None),  # type: ignore[union-attr]
                ),
            )
            .values(retired_at=utcnow())
            .returning(col(SigningKey.id))
        )
        for key_id in retired.scalars():
            log.info("accounts.signing_key_retired", key_id=str(key_id))
