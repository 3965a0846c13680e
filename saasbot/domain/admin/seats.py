"""The companies in which a person has a seat: row-level security names one, and these are several."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from saasbot.domain.admin.credentials import HAS_WHAT_THE_ROLE_NEEDS, PERSON, SEATED, Person
from saasbot.infra.db import platform_unit_of_work, run
from saasbot.models import Company, Membership, Role, UserAccount


@dataclass(frozen=True, slots=True)
class Seat:
    """A membership that is neither removed nor disabled, of an account that is not disabled either."""

    company_id: UUID
    company_name: str
    role: Role


async def seats_of(user_id: UUID) -> list[Seat]:
    """By the company's name."""
    async with platform_unit_of_work("list the companies of a person"):
        found = await run(
            select(col(Company.id), col(Company.name), col(Membership.role))
            .join(Membership, col(Membership.company_id) == col(Company.id))
            .join(UserAccount, col(UserAccount.id) == col(Membership.user_id))
            .where(col(UserAccount.id) == user_id, *SEATED)
            .order_by(col(Company.name), col(Company.id))
        )
        return [Seat(company_id, name, Role(role)) for company_id, name, role in found.all()]


async def find_seat(user_id: UUID, company_id: UUID) -> tuple[Person, bool] | None:
    """The person in that company, and whether they have the second factor that their role there may demand. Nothing without a seat."""
    async with platform_unit_of_work("find a person in another of their companies"):
        found = await run(
            select(*PERSON, HAS_WHAT_THE_ROLE_NEEDS)
            .join(Membership, col(Membership.user_id) == col(UserAccount.id))
            .join(Company, col(Company.id) == col(Membership.company_id))
            .where(col(UserAccount.id) == user_id, col(Company.id) == company_id, *SEATED)
        )
        row = found.first()
    return (Person.of(row[:-1]), row[-1]) if row else None
