"""Who may call an event handler: the words of the table in `saasbot.state.policies`."""

from dataclasses import dataclass

from saasbot.domain.actor import Actor
from saasbot.models import Role


@dataclass(frozen=True, slots=True)
class Policy:
    """`signed_in`: a live session is needed. `permission`: and its role must hold this. `roles`: and be one of these."""

    signed_in: bool = True
    permission: str | None = None
    roles: frozenset[Role] | None = None

    def allows(self, actor: Actor) -> bool:
        """Whether this person, whose session lives, may call it."""
        if self.permission is not None and self.permission not in actor.permissions:
            return False
        return self.roles is None or actor.role in self.roles


public = Policy(signed_in=False)
"""Anybody may call it: it must not read or change anything of a company."""

signed_in = Policy()
"""Anybody with a live session; the use case it calls checks the rest."""


def needs(permission: str) -> Policy:
    """Only roles that hold the permission (the use case checks it again)."""
    return Policy(permission=permission)


def roles(*allowed: Role) -> Policy:
    """Only these roles, where no permission says it."""
    return Policy(roles=frozenset(allowed))
