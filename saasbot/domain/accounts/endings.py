"""When a session or a sign-in ends on any machine, this process forgets it at once."""

from uuid import UUID

from saasbot.domain.accounts.sessions import recent_sessions
from saasbot.domain.accounts.tokens import recent_callers
from saasbot.infra.events import Event, Listener


def hear_endings(listener: Listener) -> None:
    """Subscribe to `session` events; call it before the listener starts."""
    listener.on_event(_on_event)
    listener.on_gap(forget_everybody)


def _on_event(event: Event) -> None:
    if event.kind != "session":
        return
    forget_person(UUID(event.ids["user"]))


def forget_person(user_id: UUID) -> None:
    """Something of this person ended: the next look-up asks the database."""
    recent_sessions.forget(user_id)
    recent_callers.forget(user_id)


def forget_everybody() -> None:
    """The same when it is not known whose ended."""
    recent_sessions.forget_all()
    recent_callers.forget_all()
