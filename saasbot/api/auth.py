"""`/api/v1/auth/*`: registering, signing in and out, refreshing, forgotten passwords."""

from typing import Annotated

from fastapi import Request
from pydantic import AliasChoices, Field

from saasbot.api.callers import CurrentCaller, caller_of_request, network_of_request
from saasbot.api.identities import (
    Accepted,
    Identity,
    Tokens,
    company_of,
    sign_in_answer,
    tokens_of,
    user_of,
)
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Body, Flag
from saasbot.api.two_step import refuse
from saasbot.domain import accounts
from saasbot.domain.accounts import Attempt, InvalidToken
from saasbot.infra.i18n import negotiate

router = ApiRouter("auth")

_PASSWORD_RULE = Field(
    description="10 to 128 characters; neither a common one nor made of the email or the company's name."
)


class RegisterIn(Body):
    company_name: str
    name: str
    email: str
    password: Annotated[str, _PASSWORD_RULE]
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
    password: Annotated[str, Field(validation_alias=AliasChoices("password", "new_password")), _PASSWORD_RULE]


class Me(Identity):
    permissions: list[str]
    email_confirmed: bool


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
        network=network_of_request(request),
    )
    return await sign_in_answer(request, person)


@router.post("/login")
async def login(request: Request, body: LoginIn) -> Tokens:
    """401 `invalid_credentials` for unknown, wrong and disabled alike; 429 `locked` after five failures. 403
    `two_step_required` with an `attempt` where the account has a second factor, and `two_step_enrolment_required` where it
    must have one and has none.
    """
    step = await accounts.sign_in(email=body.email, password=body.password, network=network_of_request(request))
    if isinstance(step, Attempt):
        refuse(step)
    return await sign_in_answer(request, step)


@router.post("/refresh")
async def refresh(request: Request, body: RefreshIn) -> Tokens:
    """A refresh token works once. Using it twice ends every token of its sign-in."""
    pair, person = await accounts.refresh_tokens(body.refresh_token, network=network_of_request(request))
    return tokens_of(pair, person)


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
    return Me(
        user=user_of(caller.person),
        company=company_of(caller.person),
        permissions=sorted(caller.actor.permissions),
        email_confirmed=caller.person.email_confirmed,
    )


@router.post("/forgot-password", status_code=202)
async def forgot_password(request: Request, body: ForgotPasswordIn) -> Accepted:
    """The same answer whether or not the account exists; if it does, a link is mailed."""
    await accounts.request_reset(body.email, network=network_of_request(request))
    return Accepted()


@router.post("/reset-password", status_code=202)
async def reset_password(request: Request, body: ResetPasswordIn) -> Accepted:
    """Every session and token of the account is over afterwards. The link works once, for half an hour."""
    await accounts.reset_password(token=body.token, password=body.password, network=network_of_request(request))
    return Accepted()
