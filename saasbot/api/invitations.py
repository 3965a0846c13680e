"""`/api/v1/invitations`: asking somebody into the company, and accepting."""

from datetime import datetime
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel

from saasbot.api.callers import CurrentActor, caller_of_request, network_of_request
from saasbot.api.identities import Identity, identity_of
from saasbot.api.paging import CurrentPage, Listing, next_cursor
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Body, Flag
from saasbot.api.team import RoleName
from saasbot.domain import accounts
from saasbot.domain.accounts import invitations
from saasbot.domain.accounts.invitations import Waiting
from saasbot.infra.db import unit_of_work
from saasbot.infra.i18n import negotiate

router = ApiRouter("invitations")


class InvitationOut(BaseModel):
    """The link itself is in the mail, and nowhere else."""

    id: UUID
    email: str
    role: RoleName
    invited_by: str
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, waiting: Waiting) -> "InvitationOut":
        return cls.model_validate(waiting, from_attributes=True)


class InvitationIn(Body):
    email: str
    role: RoleName = "agent"


class AcceptIn(Body):
    """`token` is the one of the mailed link. The others make the account; whoever has one sends its access token instead."""

    token: str
    name: str = ""
    password: str = ""
    accept_terms: Flag = False
    locale: str | None = None


@router.get("")
async def list_invitations(actor: CurrentActor, page: CurrentPage) -> Listing[InvitationOut]:
    """Those neither accepted nor withdrawn, newest first; some may have expired."""
    async with unit_of_work(actor):
        after = page.after(datetime, UUID)
        found = await invitations.list_invitations(actor, limit=page.limit + 1, after=after)  # pyright: ignore[reportArgumentType]  # as the types say
    shown = found[: page.limit]
    more = next_cursor(shown[-1].created_at, shown[-1].id) if len(found) > page.limit else None
    return Listing(data=[InvitationOut.of(waiting) for waiting in shown], next_cursor=more)


@router.post("", status_code=201)
async def invite(request: Request, actor: CurrentActor, body: InvitationIn) -> InvitationOut:
    """Mails a link that works once, for 7 days. The same address again renews it: the link of before stops working.

    403 `email_unconfirmed` while the caller's own email is not confirmed.
    """
    waiting = await accounts.invite(actor, email=body.email, role=body.role, network=network_of_request(request))
    return InvitationOut.of(waiting)


@router.delete("/{invitation_id}", status_code=204)
async def withdraw(actor: CurrentActor, invitation_id: UUID) -> None:
    async with unit_of_work(actor):
        await invitations.withdraw_invitation(actor, invitation_id)


@router.post("/accept", status_code=201)
async def accept(request: Request, body: AcceptIn) -> Identity:
    """The account of the invited address is on the team; go there with `POST /auth/switch`, or sign in with `POST /auth/login`, which
    enters the company joined last.

    Without a bearer token the account is made, or taken over while its email is unconfirmed or it is on no team; 401 `sign_in_first`
    where the account must accept itself.
    """
    caller, network = await caller_of_request(request), network_of_request(request)
    if caller is not None:
        person = await accounts.accept_as(caller.user_id, token=body.token, network=network)
    else:
        person = await accounts.accept_as_newcomer(
            token=body.token,
            name=body.name,
            password=body.password,
            accept_terms=body.accept_terms,
            locale=body.locale or negotiate(None, request.headers.get("accept-language")),
            network=network,
        )
    return identity_of(person)
