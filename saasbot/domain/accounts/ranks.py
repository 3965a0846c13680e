"""Who may decide about whom in a team: an owner about everybody, others only about those below them."""

from saasbot.domain.actor import Actor
from saasbot.models import Role

_RANK = {Role.AGENT: 1, Role.ADMIN: 2, Role.OWNER: 3}


def roles_below(actor: Actor) -> list[Role]:
    """The roles that this person may give, change and take away, the lowest first."""
    if actor.role is None:
        return []
    return [role for role in Role.__members__.values() if may_decide(actor.role, role)][::-1]


def may_decide(own: Role, role: Role) -> bool:
    return own == Role.OWNER or _RANK[role] < _RANK[own]
