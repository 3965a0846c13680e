"""The other end of an invitation: whoever opens its link belongs to no company yet that row-level security could name."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased
from sqlmodel import col

from saasbot.domain.admin.credentials import PERSON, SEATED, SEATED_IN, Person, take_over_by_mail
from saasbot.domain.admin.trail import record_of
from saasbot.domain.audit.origin import NOWHERE
from saasbot.domain.consent.accepting import note_terms
from saasbot.domain.consent.terms_of_use import CURRENT
from saasbot.infra import events
from saasbot.infra.db import platform_unit_of_work, run
from saasbot.infra.errors import AppError
from saasbot.infra.logging import get_logger
from saasbot.models import Company, ConsentSource, Invitation, Membership, Role, UserAccount
from saasbot.models.table import new_id, utcnow

log = get_logger(__name__)


class InvalidInvitation(AppError):
    code = "invalid_invitation"
    status = 400
    message = "This invitation has expired, was withdrawn or used already. Ask for a new one."


@dataclass(frozen=True, slots=True)
class Invited:
    """What the holder of a usable link may know."""

    email: str
    company_name: str
    invited_by: str
    user_id: UUID | None
    """The account of this address, whoever made it."""
    account: Literal["none", "free", "held"]
    """`held`: confirmed, and on some team. A `free` one is for whoever reads the address's mail: nobody has confirmed it, or nobody
    can sign in with it any more."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who accepts without an account that is held: what the account is to have."""

    name: str
    password_hash: str
    locale: str
    network: str
    """From where they accept the terms."""


async def find_invitation(token_hash: bytes) -> Invited | None:
    """Behind a usable link: waiting, in time, and whoever sent it is still on the team."""
    inviter = aliased(UserAccount)
    async with platform_unit_of_work("find an invitation by its link"):
        found = await run(
            select(
                col(Invitation.email),
                col(Company.name),
                col(inviter.name),
                col(UserAccount.id),
                col(UserAccount.disabled_at),
                _held(),
            )
            .join(Company, col(Company.id) == col(Invitation.company_id))
            .join(inviter, col(inviter.id) == col(Invitation.invited_by))
            .outerjoin(UserAccount, col(UserAccount.email) == col(Invitation.email))
            .where(_usable(token_hash, utcnow()))
        )
        row = found.first()
    if row is None or row[4] is not None:
        return None
    account = "none" if row[3] is None else "held" if row[5] else "free"
    return Invited(row[0], row[1], row[2], row[3], account)


async def seat(token_hash: bytes, *, user_id: UUID | None = None, newcomer: Newcomer | None = None) -> Person:
    """Use the invitation, once: the account (this one, or the newcomer's) is a member of the company.

    A free account of the address becomes the newcomer's: whatever opened it before is over. That a newcomer accepted the terms is
    noted; an account that has accepted them elsewhere is asked again only when there are newer ones.

    Raises: InvalidInvitation, and then nothing was changed.
    """
    now = utcnow()
    async with platform_unit_of_work("seat somebody who was invited"):
        used = await run(
            update(Invitation)
            .where(_usable(token_hash, now))
            .values(used_at=now)
            .returning(col(Invitation.company_id), col(Invitation.email), col(Invitation.role))
        )
        row = used.first()
        if row is None:
            raise InvalidInvitation
        if newcomer is not None:
            user_id = await _account_of(row.email, newcomer, now)
        if user_id is None:
            raise InvalidInvitation
        person = await _seated(user_id, row.company_id, Role(row.role), now)
        if newcomer is not None:
            await note_terms(row.company_id, user_id, source=ConsentSource.INVITATION, network=newcomer.network)
        await record_of(user_id, row.company_id, "person.joined", NOWHERE)
        events.publish("session", company_id=row.company_id, user=user_id)
        events.publish("team", company_id=row.company_id)
    log.info("accounts.invitation_accepted", company_id=str(person.company_id), user_id=str(person.user_id))
    return person


async def _account_of(email: str, newcomer: Newcomer, now: datetime) -> UUID | None:
    """Nothing when the address has an account that is held: it must not get another password."""
    given = {
        "name": newcomer.name,
        "password_hash": newcomer.password_hash,
        "locale": newcomer.locale,
        "terms_accepted_at": now,
        "terms_version": CURRENT,
        "email_confirmed_at": now,
    }
    written = await run(
        insert(UserAccount)
        .values(id=new_id(), created_at=now, email=email, **given)
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(col(UserAccount.id))
    )
    if (made := written.scalar()) is not None:
        return made
    free = ~_held() & col(UserAccount.disabled_at).is_(None)
    found = await run(
        select(col(UserAccount.id)).where(col(UserAccount.email) == email, free).with_for_update(key_share=True)
    )
    if (known := found.scalar()) is not None:
        await take_over_by_mail(known, now)
        await run(update(UserAccount).where(col(UserAccount.id) == known).values(**given))
    return known


async def _seated(user_id: UUID, company_id: UUID, role: Role, now: datetime) -> Person:
    """Who was removed is back. Who is still a member, disabled or not, stays as they are.

    Raises: InvalidInvitation, when they may not act.
    """
    await run(
        insert(Membership)
        .values(id=new_id(), created_at=now, company_id=company_id, user_id=user_id, role=role, preferences="{}")
        .on_conflict_do_update(
            index_elements=["company_id", "user_id"],
            set_={"created_at": now, "role": role, "removed_at": None, "disabled_at": None},
            where=col(Membership.removed_at).is_not(None),
        )
    )
    found = await run(
        select(*PERSON)
        .join(Membership, col(Membership.user_id) == col(UserAccount.id))
        .join(Company, col(Company.id) == col(Membership.company_id))
        .where(col(UserAccount.id) == user_id, col(Company.id) == company_id, *SEATED)
    )
    row = found.first()
    if row is None:
        raise InvalidInvitation
    return Person.of(row)


def _held() -> ColumnElement[bool]:
    # not correlated: within an INSERT there is no query around that it would find the account in
    seated = col(UserAccount.id).in_(select(col(Membership.user_id)).where(*SEATED_IN))
    return col(UserAccount.email_confirmed_at).is_not(None) & seated


def _usable(token_hash: bytes, now: datetime) -> ColumnElement[bool]:
    inviter_is_there = exists().where(
        col(Membership.user_id) == col(Invitation.invited_by),
        col(Membership.company_id) == col(Invitation.company_id),
        *SEATED_IN,
    )
    return (
        (col(Invitation.token_hash) == token_hash)
        & col(Invitation.used_at).is_(None)
        & col(Invitation.revoked_at).is_(None)
        & (col(Invitation.expires_at) > now)
        & inviter_is_there
    )
