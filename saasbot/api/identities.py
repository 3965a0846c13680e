"""What sign-in answers hold: who it is, in which company, and the tokens."""

from uuid import UUID

from fastapi import Request
from pydantic import BaseModel

from saasbot.api.callers import network_of_request
from saasbot.domain import accounts
from saasbot.domain.accounts import TokenPair
from saasbot.domain.admin.credentials import Person


class UserOut(BaseModel):
    id: UUID
    email: str
    name: str
    locale: str
    role: str


class CompanyRef(BaseModel):
    id: UUID
    name: str


class Identity(BaseModel):
    user: UserOut
    company: CompanyRef


class Tokens(Identity):
    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105  # the scheme of RFC 6750, not a secret
    expires_in: int
    """Seconds."""


class Accepted(BaseModel):
    status: str = "accepted"


async def sign_in_answer(request: Request, person: Person) -> Tokens:
    """A new family of tokens, which remembers from where it was opened."""
    pair = await accounts.issue_tokens(
        person, network=network_of_request(request), user_agent=request.headers.get("user-agent", "")
    )
    return tokens_of(pair, person)


def tokens_of(pair: TokenPair, person: Person) -> Tokens:
    return Tokens(
        access_token=pair.access_token,
        refresh_token=pair.refresh_token,
        expires_in=pair.expires_in,
        user=user_of(person),
        company=company_of(person),
    )


def user_of(person: Person) -> UserOut:
    return UserOut(
        id=person.user_id, email=person.email, name=person.name, locale=person.locale, role=person.role.value
    )


def company_of(person: Person) -> CompanyRef:
    return CompanyRef(id=person.company_id, name=person.company_name)


def identity_of(person: Person) -> Identity:
    return Identity(user=user_of(person), company=company_of(person))
