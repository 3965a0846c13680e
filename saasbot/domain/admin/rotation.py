"""After a new first secret key: everything that is sealed is sealed anew, so that the old key can be dropped."""

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlmodel import SQLModel, col

from saasbot.infra.crypto import Unsealable, place, reseal
from saasbot.infra.db import platform_unit_of_work, run, take_longer
from saasbot.infra.logging import get_logger
from saasbot.models import Channel, Company, KeyCheck, SecondFactor, SigningKey

log = get_logger(__name__)

SEALED: tuple[tuple[type[SQLModel], str], ...] = (
    (Company, "openai_key_sealed"),
    (Channel, "proxy_sealed"),
    (SigningKey, "private_sealed"),
    (KeyCheck, "check_sealed"),
    (SecondFactor, "totp_sealed"),
    (SecondFactor, "replacement_sealed"),
)
"""Every column with a sealed value. A test finds columns by their name and fails on one that is missing here."""


@dataclass(frozen=True, slots=True)
class Rotation:
    resealed: int
    unreadable: int
    """Sealed with a key that is no longer set: lost, whatever is done."""


async def reseal_all() -> Rotation:
    """Afterwards the first secret key opens everything that any of them did. Repeating changes nothing."""
    resealed = unreadable = 0
    async with platform_unit_of_work("seal every secret anew"):
        await take_longer(seconds=600)
        for model, column in SEALED:
            table = model.__table__  # type: ignore[attr-defined]
            stored = await run(
                select(table.c.id, table.c[column]).where(col(table.c[column]).is_not(None)).with_for_update()
            )
            for row_id, sealed in stored.all():
                try:
                    anew = reseal(sealed, place(table.name, column, row_id))
                except Unsealable:
                    log.error("admin.unsealable", table=table.name, row=str(row_id))
                    unreadable += 1
                    continue
                if anew is not None:
                    await run(update(table).where(table.c.id == row_id).values({column: anew}))
                    resealed += 1
    log.info("admin.resealed", resealed=resealed, unreadable=unreadable)
    return Rotation(resealed, unreadable)
