"""The team as the settings show it: display-ready rows."""

from dataclasses import dataclass
from datetime import datetime

from saasbot.domain.accounts.invitations import Waiting
from saasbot.domain.accounts.members import Member
from saasbot.domain.actor import Actor
from saasbot.infra.i18n import gettext
from saasbot.models import Role
from saasbot.state.reader import Reader


@dataclass(frozen=True)
class MemberRow:
    id: str
    name: str
    email: str
    role: str
    confirmed: bool
    disabled: bool
    me: bool
    may_change: bool


@dataclass(frozen=True)
class InvitationRow:
    id: str
    email: str
    role: str
    sent: str
    """By whom, and when."""
    expired: bool
    may_change: bool


def member_row(member: Member, actor: Actor, below: list[Role]) -> MemberRow:
    return MemberRow(
        id=str(member.id),
        name=member.name,
        email=member.email,
        role=member.role,
        confirmed=member.email_confirmed,
        disabled=member.disabled,
        me=member.user_id == actor.user_id,
        may_change=member.role in below,
    )


def invitation_row(waiting: Waiting, below: list[Role], reader: Reader, now: datetime) -> InvitationRow:
    return InvitationRow(
        id=str(waiting.id),
        email=waiting.email,
        role=waiting.role,
        sent=gettext(reader.locale, "{name} · {when}", name=waiting.invited_by, when=reader.when(waiting.created_at)),
        expired=waiting.expires_at <= now,
        may_change=waiting.role in below,
    )
