"""A new company with its owner: one transaction, all of it or nothing."""

from collections.abc import Awaitable, Callable

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import Person
from saasbot.domain.audit import record
from saasbot.domain.consent.accepting import note_terms
from saasbot.infra.db import platform_unit_of_work, run, session
from saasbot.infra.logging import get_logger
from saasbot.models import Company, ConsentSource, Membership, Role, UserAccount

log = get_logger(__name__)


async def add_company(
    company: Company, owner: UserAccount, *, furnish: Callable[[Actor], Awaitable[None]]
) -> Person | None:
    """Store the company and its owner's account; `furnish(actor)` adds what a company starts with, in the same transaction.

    Returns nothing when the e-mail has an account already: then nothing was stored.
    """
    async with platform_unit_of_work("register a company and its owner"):
        # two at once with one e-mail: the second waits here, and finds it taken
        stored = await run(
            insert(UserAccount)
            .values(**owner.model_dump())
            .on_conflict_do_nothing(index_elements=["email"])
            .returning(col(UserAccount.id))
        )
        if stored.first() is None:
            return None
        session().add(company)
        await session().flush()
        session().add(Membership(company_id=company.id, user_id=owner.id, role=Role.OWNER))
        await session().flush()
        person = Person(
            user_id=owner.id,
            email=owner.email,
            name=owner.name,
            locale=owner.locale,
            company_id=company.id,
            company_name=company.name,
            timezone=company.timezone,
            email_confirmed=owner.email_confirmed_at is not None,
            terms_version=owner.terms_version,
            role=Role.OWNER,
        )
        await record(person.actor(), "company.registered", company.id, name=company.name)
        await furnish(person.actor())
    log.info("accounts.company_registered", company_id=str(company.id), user_id=str(owner.id))
    return person


async def add_member(actor: Actor, account: UserAccount, *, role: Role) -> bool:
    """Store a colleague's account in the actor's company. False when the e-mail has one already: then nothing was stored.

    Raises: Forbidden.
    """
    actor.require("company.secrets")
    async with platform_unit_of_work("add a colleague's account"):
        stored = await run(
            insert(UserAccount)
            .values(**account.model_dump())
            .on_conflict_do_nothing(index_elements=["email"])
            .returning(col(UserAccount.id))
        )
        if stored.first() is None:
            return False
        session().add(Membership(company_id=actor.company_id, user_id=account.id, role=role))
        if account.terms_version:
            await note_terms(actor.company_id, account.id, source=ConsentSource.REGISTER, network="")
        await record(actor, "person.added", account.id, name=account.name, role=role)
    log.info("accounts.member_added", company_id=str(actor.company_id), user_id=str(account.id), role=role)
    return True
