"""The guard: nothing happens in a tab that its session may not do. It runs before every event, hydration included.

Reflex dispatches any function of a state class by its name, with whatever arguments the browser sends. So: no declared policy,
no call; the session's row is checked each time; arguments must fit their annotations exactly.
"""

import inspect
import time
from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, get_type_hints

import reflex as rx
from pydantic import TypeAdapter, ValidationError
from reflex.state import State, StateUpdate
from reflex_base.event import Event
from reflex_base.registry import RegistrationContext
from reflex_base.utils.form import transform_form_data

from saasbot import routes
from saasbot.domain.accounts import SignedIn
from saasbot.infra.errors import AppError
from saasbot.infra.i18n import SOURCE, LocaleName, error_text, gettext
from saasbot.infra.logging import get_logger
from saasbot.state import toasts
from saasbot.state.locale import locale_of
from saasbot.state.policy import Policy, policy_of
from saasbot.state.session import NotSignedIn, SessionState, session_of, show_session

log = get_logger(__name__)

FRAMEWORK_EVENTS = frozenset({"hydrate", "hydrate_and_load", "on_load_internal", "set_is_hydrated"})
"""Reflex's own events that a tab needs to live. The others (`setvar`, `update_vars_internal`, …) are refused."""
REPORTS = frozenset({"handle_frontend_exception"})

_PER_SECOND, _BURST = 30.0, 150.0
_TABS_REMEMBERED = 5_000

_locale: ContextVar[LocaleName] = ContextVar("event_locale", default=SOURCE)


class Guard(rx.Middleware):
    """Add it once: `app.add_middleware(Guard())`."""

    _buckets: OrderedDict[str, tuple[float, float]]

    def __init__(self) -> None:
        self._buckets = OrderedDict()

    async def preprocess(self, app: rx.App, state: Any, event: Event) -> StateUpdate | None:
        """Nothing to let the event pass, an update to answer instead of it."""
        if not state.router_data:
            return _refuse("no_router_data", event.name)
        _locale.set(await locale_of(state))
        if not self._spend(state.router.session.client_token):
            return _refuse("too_many_events", event.name)
        short = event.name.rpartition(".")[2]
        session = await session_of(state)
        await _keep_one_person(state, session)
        if _is_framework(event.name, short):
            return None if short in FRAMEWORK_EVENTS | REPORTS else _refuse("framework_event", event.name)
        handler = _handler(event.name)
        policy = policy_of(handler) if handler is not None else None
        if handler is None or policy is None:
            return _refuse("no_policy", event.name)
        if denial := _deny(policy, session):
            return denial
        if problem := misfit(handler, event.payload):
            log.warning("guard.bad_arguments", handler=event.name, problem=problem)
            return StateUpdate(events=_events(toasts.error(gettext(_locale.get(), "That did not work."))))
        return None

    def _spend(self, tab: str) -> bool:
        """One event of this tab's budget. False when it is used up."""
        now = time.monotonic()
        left, at = self._buckets.pop(tab, (_BURST, now))
        left = min(_BURST, left + (now - at) * _PER_SECOND) - 1
        self._buckets[tab] = (max(left, 0.0), now)
        while len(self._buckets) > _TABS_REMEMBERED:
            self._buckets.popitem(last=False)
        return left >= 0


async def _keep_one_person(state: Any, session: SignedIn | None) -> None:
    """A tab keeps its state over a reload; what it held for another session must not be seen by this one."""
    held = await state.get_state(SessionState)
    current = str(session.session_id) if session else ""
    if held._session_id == current:
        return
    if held._session_id:
        state._get_root_state().reset()
        held = await state.get_state(SessionState)
    if session is not None:
        show_session(held, session)


def _is_framework(name: str, short: str) -> bool:
    return short in FRAMEWORK_EVENTS | REPORTS | {"setvar", "update_vars_internal"} or name.startswith(
        f"{State.get_full_name()}.{short}"
    )


def _handler(name: str) -> Callable[..., Any] | None:
    registered = RegistrationContext.get().event_handlers.get(name)
    return registered.handler.fn if registered is not None else None


def _deny(policy: Policy, session: SignedIn | None) -> StateUpdate | None:
    if not policy.signed_in:
        return None
    if session is None:
        return StateUpdate(events=_events(rx.redirect(routes.LOGIN)))
    if policy.permission is not None and policy.permission not in session.actor.permissions:
        return StateUpdate(events=_events(toasts.error(gettext(_locale.get(), "Your role does not allow this."))))
    return None


def misfit(handler: Callable[..., Any], payload: dict[str, Any]) -> str | None:
    """What is wrong with these arguments for this handler: unknown, missing, or of another type. Values are not repeated."""
    hints = get_type_hints(handler)
    parameters = list(inspect.signature(handler).parameters.values())[1:]
    known = {parameter.name for parameter in parameters}
    if unknown := set(payload) - known:
        return f"unknown: {sorted(unknown)}"
    for parameter in parameters:
        if parameter.name not in payload:
            if parameter.default is inspect.Parameter.empty:
                return f"missing: {parameter.name}"
            continue
        hint = hints.get(parameter.name, str)
        try:
            # A form travels as ordered pairs; Reflex makes the handler's TypedDict or dict of them in the same way.
            value = transform_form_data(payload[parameter.name], hint)
            TypeAdapter(hint).validate_python(value, strict=True)
        except (ValidationError, TypeError, ValueError):
            return f"type: {parameter.name}"
    return None


def _refuse(reason: str, event_name: str) -> StateUpdate:
    log.warning("guard.refused", reason=reason, handler=event_name)
    return StateUpdate()


def _events(*specs: Any) -> list[Event]:
    return Event.from_event_type(list(specs))


def show_error(error: Exception) -> Any:
    """Reflex's backend exception handler: an `AppError` becomes a toast with its sentence, anything else is logged."""
    locale = _locale.get()
    if isinstance(error, NotSignedIn):
        return rx.redirect(routes.LOGIN)
    if isinstance(error, AppError):
        return toasts.error(error_text(locale, error))
    log.error("state.handler_failed", exc_info=error)
    return toasts.error(gettext(locale, "Something went wrong on our side. It was logged."))
