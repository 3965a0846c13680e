"""`/api/v1/team`: the people of the company, their roles, and whether they may act."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from saasbot.api.callers import CurrentActor
from saasbot.api.paging import CurrentPage, Listing, next_cursor
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Body, Flag
from saasbot.domain.accounts import members
from saasbot.domain.accounts.members import Member
from saasbot.infra.db import unit_of_work

router = ApiRouter("team")

RoleName = Literal["owner", "admin", "agent"]


class MemberOut(BaseModel):
    id: UUID
    user_id: UUID
    name: str
    email: str
    email_confirmed: bool
    role: RoleName
    disabled: bool
    joined_at: datetime

    @classmethod
    def of(cls, member: Member) -> "MemberOut":
        return cls.model_validate(member, from_attributes=True)


class MemberIn(Body):
    """Members that are left out stay as they are."""

    role: RoleName | None = None
    disabled: Flag | None = None


@router.get("")
async def list_members(actor: CurrentActor, page: CurrentPage) -> Listing[MemberOut]:
    """In the order in which they joined."""
    async with unit_of_work(actor):
        found = await members.list_members(actor, limit=page.limit + 1, after=page.after(datetime, UUID))  # pyright: ignore[reportArgumentType]  # as the types say
    shown = found[: page.limit]
    more = next_cursor(shown[-1].joined_at, shown[-1].id) if len(found) > page.limit else None
    return Listing(data=[MemberOut.of(member) for member in shown], next_cursor=more)


@router.get("/{member_id}")
async def get_member(actor: CurrentActor, member_id: UUID) -> MemberOut:
    async with unit_of_work(actor):
        return MemberOut.of(await members.access_member(actor, member_id))


@router.patch("/{member_id}")
async def change_member(actor: CurrentActor, member_id: UUID, body: MemberIn) -> MemberOut:
    """Another role, or whether they may act. 403 for who is not below the caller's own rank, 409 `last_owner`."""
    async with unit_of_work(actor):
        if body.role is not None:
            await members.change_role(actor, member_id, body.role)
        if body.disabled is not None:
            await (members.disable_member if body.disabled else members.enable_member)(actor, member_id)
        return MemberOut.of(await members.access_member(actor, member_id))


@router.delete("/{member_id}", status_code=204)
async def remove_member(actor: CurrentActor, member_id: UUID) -> None:
    """Their sessions and tokens of this company end at once; only an invitation brings them back."""
    async with unit_of_work(actor):
        await members.remove_member(actor, member_id)
