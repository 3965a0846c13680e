"""Who may call an event handler: declared under `@rx.event`, checked by the guard before every event.

A handler without a declaration is refused, and a test that walks the registry fails.

    @rx.event
    @needs("catalogue.write")
    async def save(self, title: str): ...
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
_MARK = "__event_policy__"


@dataclass(frozen=True, slots=True)
class Policy:
    """`signed_in`: a live session is needed. `permission`: and its role must hold this."""

    signed_in: bool
    permission: str | None = None


def public(handler: F) -> F:
    """Anybody may call it: it must not read or change anything of a company."""
    return _declare(handler, Policy(signed_in=False))


def signed_in(handler: F) -> F:
    """Anybody with a live session; the use case it calls checks the rest."""
    return _declare(handler, Policy(signed_in=True))


def needs(permission: str) -> Callable[[F], F]:
    """Only roles that hold the permission (the use case checks it again)."""

    def declare(handler: F) -> F:
        return _declare(handler, Policy(signed_in=True, permission=permission))

    return declare


def policy_of(handler: Callable[..., Any]) -> Policy | None:
    return getattr(handler, _MARK, None)


def _declare(handler: F, policy: Policy) -> F:
    setattr(handler, _MARK, policy)
    return handler
