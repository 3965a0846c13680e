"""`/api/v1/auth/*`: registering, signing in and out, refreshing, forgotten passwords."""

from typing import Annotated
from uuid import UUID

from fastapi import Request
from pydantic import AliasChoices, BaseModel, Field

from saasbot.api.callers import CurrentCaller, caller_of_request
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Body, Flag
from saasbot.domain import accounts
from saasbot.domain.accounts import InvalidToken, TokenPair, network_of
from saasbot.domain.admin.credentials import Person
from saasbot.infra.i18n import negotiate

router = ApiRouter("auth")


class RegisterIn(Body):
    company_name: str
    name: str
    email: str
    password: str
    accept_terms: Flag
    locale: str | None = None


class LoginIn(Body):
    email: str
    password: str


class RefreshIn(Body):
    refresh_token: str


class LogoutIn(Body):
    refresh_token: str | None = None


class ForgotPasswordIn(Body):
    email: str


class ResetPasswordIn(Body):
    token: str
    password: Annotated[str, Field(validation_alias=AliasChoices("password", "new_password"))]


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


class Me(Identity):
    permissions: list[str]


class Accepted(BaseModel):
    status: str = "accepted"


@router.post("/register", status_code=201)
async def register(request: Request, body: RegisterIn) -> Tokens:
    """A new company and its owner, signed in."""
    locale = body.locale or negotiate(None, request.headers.get("accept-language"))
    person = await accounts.register(
        company_name=body.company_name,
        name=body.name,
        email=body.email,
        password=body.password,
        accept_terms=body.accept_terms,
        locale=locale,
    )
    return _tokens(await accounts.issue_tokens(person, network=_network(request)), person)


@router.post("/login")
async def login(request: Request, body: LoginIn) -> Tokens:
    """401 `invalid_credentials` for unknown, wrong and disabled alike; 429 `locked` after five failures."""
    network = _network(request)
    person = await accounts.sign_in(email=body.email, password=body.password, network=network)
    return _tokens(await accounts.issue_tokens(person, network=network), person)


@router.post("/refresh")
async def refresh(body: RefreshIn) -> Tokens:
    """A refresh token works once. Using it twice ends every token of its sign-in."""
    pair, person = await accounts.refresh_tokens(body.refresh_token)
    return _tokens(pair, person)


@router.post("/logout", status_code=204)
async def logout(request: Request, body: LogoutIn | None = None) -> None:
    """Ends the tokens of one sign-in: the one of the access token, or of the refresh token in the body."""
    caller = await caller_of_request(request)
    refresh_token = body.refresh_token if body else None
    if caller is None and refresh_token is None:
        raise InvalidToken
    await accounts.end_tokens(family=caller.family if caller else None, refresh_token=refresh_token)


@router.get("/me")
async def me(caller: CurrentCaller) -> Me:
    return Me(user=_user(caller.person), company=_company(caller.person), permissions=sorted(caller.actor.permissions))


@router.post("/forgot-password", status_code=202)
async def forgot_password(body: ForgotPasswordIn) -> Accepted:
    """The same answer whether or not the account exists; if it does, a link is mailed."""
    await accounts.request_reset(body.email)
    return Accepted()


@router.post("/reset-password", status_code=202)
async def reset_password(body: ResetPasswordIn) -> Accepted:
    """Every session and token of the account is over afterwards. The link works once, for half an hour."""
    await accounts.reset_password(token=body.token, password=body.password)
    return Accepted()


def _network(request: Request) -> str:
    return network_of(request.client.host if request.client else "")


def _tokens(pair: TokenPair, person: Person) -> Tokens:
    return Tokens(
        access_token=pair.access_token,
        refresh_token=pair.refresh_token,
        expires_in=pair.expires_in,
        user=_user(person),
        company=_company(person),
    )


def _user(person: Person) -> UserOut:
    return UserOut(
        id=person.user_id, email=person.email, name=person.name, locale=person.locale, role=person.role.value
    )


def _company(person: Person) -> CompanyRef:
    return CompanyRef(id=person.company_id, name=person.company_name)
