"""`/api/v1/auth/companies` and `/switch`: the caller's companies, and going from one to another."""

from uuid import UUID

from fastapi import Request
from pydantic import BaseModel

from saasbot.api.callers import CurrentActor, CurrentCaller
from saasbot.api.identities import Tokens, tokens_of
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Body
from saasbot.domain.accounts import switching

router = ApiRouter("auth")


class CompanyOut(BaseModel):
    id: UUID
    name: str
    role: str
    """The caller's there."""
    current: bool


class Companies(BaseModel):
    data: list[CompanyOut]


class SwitchIn(Body):
    company_id: UUID
    refresh_token: str
    """Of the same sign-in as the access token, not used before."""


@router.get("/companies")
async def list_companies(actor: CurrentActor) -> Companies:
    """Where the caller may act, by name; `current` is the one of the token."""
    return Companies(
        data=[
            CompanyOut(
                id=seat.company_id,
                name=seat.company_name,
                role=seat.role.value,
                current=seat.company_id == actor.company_id,
            )
            for seat in await switching.companies_of(actor)
        ]
    )


@router.post("/switch")
async def switch(request: Request, actor: CurrentActor, caller: CurrentCaller, body: SwitchIn) -> Tokens:
    """Tokens in another of the caller's companies, for the refresh token. Those of before end at once, the access token too.

    404 for a company that is not theirs, 409 `already_there`, 403 `two_step_needed` where the role there needs two-step sign-in and
    the account has none, 401 `invalid_token` for a refresh token of another sign-in; one that was used before ends the sign-in.
    """
    pair, person = await switching.tokens_in(
        actor,
        body.company_id,
        refresh_token=body.refresh_token,
        family=caller.family,
        user_agent=request.headers.get("user-agent", ""),
    )
    return tokens_of(pair, person)
