"""Refresh tokens and their families."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select, update
from sqlmodel import col

from saasbot.domain.admin.credentials import PERSON, SECURED, Person, check_still_proved
from saasbot.domain.admin.trail import record_of
from saasbot.domain.audit import Action, record
from saasbot.domain.audit.origin import Origin
from saasbot.infra import events
from saasbot.infra.db import platform_unit_of_work, run, session
from saasbot.infra.logging import get_logger
from saasbot.models import Company, Membership, RefreshToken, UserAccount, Via
from saasbot.models.table import utcnow

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Family:
    """A chain of refresh tokens from one sign-in."""

    id: UUID
    user_id: UUID
    company_id: UUID
    network: str = ""
    user_agent: str = ""
    """From where and with what it was opened, as far as is known."""


async def open_family(family: Family, person: Person, *, token_hash: bytes, expires_at: datetime) -> None:
    """A sign-in to the API: the first link of its chain. Raises: PasswordReplaced."""
    async with platform_unit_of_work("begin a family of refresh tokens"):
        await check_still_proved(person.user_id, person.proved_by)
        await _begin(family, person, token_hash, expires_at)


async def exchange_family(
    left_hash: bytes, left: UUID, family: Family, person: Person, *, token_hash: bytes, expires_at: datetime
) -> bool:
    """The person goes to another company: the unused link `left_hash` of the family `left` for the first of this one, and `left` ends.

    False, and nothing began: it is no such link. One that was used before ends its family.
    """
    now = utcnow()
    async with platform_unit_of_work("go to another company with a refresh token"):
        claimed = await _claim(left_hash, now, col(RefreshToken.family) == left)
        if claimed is None or claimed.user_id != person.user_id:
            await _end_reused(left_hash, now, col(RefreshToken.family) == left)
            return False
        await _end(replace(claimed, network=family.network), now, "session.switched")
        await _begin(family, person, token_hash, expires_at)
    return True


async def rotate_refresh_token(
    token_hash: bytes, *, next_hash: bytes, expires_at: datetime, network: str = ""
) -> Family | None:
    """Use a link and add the next one. A link that was used before ends its whole family, and so do a late or ended one.

    Returns nothing when the token opens nothing.
    """
    now = utcnow()
    async with platform_unit_of_work("use a refresh token"):
        claimed = await _claim(token_hash, now)
        if claimed is not None:
            family = replace(claimed, network=network or claimed.network)
            session().add(_link(family, next_hash, expires_at))
            return family
        await _end_reused(token_hash, now)
    return None


async def end_family(family_id: UUID) -> None:
    """Signing out of the API: its refresh token and its access tokens stop working."""
    async with platform_unit_of_work("end a family of refresh tokens"):
        found = await run(
            select(col(RefreshToken.family), col(RefreshToken.user_id), col(RefreshToken.company_id))
            .where(col(RefreshToken.family) == family_id)
            .limit(1)
        )
        if row := found.first():
            await _end(Family(*row), utcnow(), "session.ended")


async def family_of(token_hash: bytes) -> UUID | None:
    async with platform_unit_of_work("find the family of a refresh token"):
        found = await run(select(col(RefreshToken.family)).where(col(RefreshToken.token_hash) == token_hash))
        return found.scalar()


async def person_of_family(user_id: UUID, company_id: UUID, family_id: UUID) -> Person | None:
    """Who acts with an access token: the membership is read anew, and the family must not have ended."""
    async with platform_unit_of_work("read who acts with an access token"):
        alive = exists().where(
            col(RefreshToken.family) == family_id,
            col(RefreshToken.user_id) == user_id,
            col(RefreshToken.company_id) == company_id,
            col(RefreshToken.revoked_at).is_(None),
        )
        found = await run(
            select(*PERSON)
            .join(Membership, col(Membership.user_id) == col(UserAccount.id))
            .join(Company, col(Company.id) == col(Membership.company_id))
            .where(col(UserAccount.id) == user_id, col(Company.id) == company_id, alive, *SECURED)
        )
        row = found.first()
    return Person.of(row) if row else None


async def _begin(family: Family, person: Person, token_hash: bytes, expires_at: datetime) -> None:
    session().add(_link(family, token_hash, expires_at))
    await record(person.actor(Origin(Via.API, family.network, family.id)), "session.opened", family.id)


async def _claim(token_hash: bytes, now: datetime, *where: ColumnElement[bool]) -> Family | None:
    """The family of a link that was not used before, and is used now."""
    claimed = await run(
        update(RefreshToken)
        .where(
            col(RefreshToken.token_hash) == token_hash,
            col(RefreshToken.used_at).is_(None),
            col(RefreshToken.revoked_at).is_(None),
            col(RefreshToken.expires_at) > now,
            *where,
        )
        .values(used_at=now)
        .returning(
            col(RefreshToken.family),
            col(RefreshToken.user_id),
            col(RefreshToken.company_id),
            col(RefreshToken.network),
            col(RefreshToken.user_agent),
        )
    )
    row = claimed.first()
    return Family(*row) if row else None


async def _end_reused(token_hash: bytes, now: datetime, *where: ColumnElement[bool]) -> None:
    """What could not be claimed was used before, or is late: of its two users one is a thief."""
    reused = await run(
        select(col(RefreshToken.family), col(RefreshToken.user_id), col(RefreshToken.company_id)).where(
            col(RefreshToken.token_hash) == token_hash, *where
        )
    )
    if row := reused.first():
        log.warning("accounts.refresh_token_reused", family=str(row[0]), user_id=str(row[1]))
        await _end(Family(*row), now, "session.token_reused")


def _link(family: Family, token_hash: bytes, expires_at: datetime) -> RefreshToken:
    return RefreshToken(
        company_id=family.company_id,
        user_id=family.user_id,
        family=family.id,
        network=family.network,
        user_agent=family.user_agent,
        token_hash=token_hash,
        expires_at=expires_at,
    )


async def _end(family: Family, now: datetime, action: Action) -> None:
    """Within the caller's transaction: none of its links works any more."""
    alive = (
        col(RefreshToken.family) == family.id,
        col(RefreshToken.user_id) == family.user_id,
        col(RefreshToken.revoked_at).is_(None),
    )
    end = update(RefreshToken).where(*alive).values(revoked_at=now)
    ended = await run(end)
    await run(end)  # the link that somebody was adding while the first one waited for them
    if ended.rowcount:
        origin = Origin(Via.API, family.network, family.id)
        await record_of(family.user_id, family.company_id, action, origin)
    events.publish("session", company_id=family.company_id, family=family.id, user=family.user_id)
    log.info("accounts.refresh_family_ended", family=str(family.id), user_id=str(family.user_id))
