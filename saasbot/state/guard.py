"""The guard: nothing happens in a tab that its session may not do. It runs before every event, hydration included.

Reflex dispatches any function of a state class by its name, with whatever arguments the browser sends. So: no declared policy,
no call; the session's row is checked each time; arguments must fit their annotations exactly.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import reflex as rx
from reflex.state import (
    BaseState,
    FrontendEventExceptionState,
    OnLoadInternalState,
    State,
    StateUpdate,
    UpdateVarsInternalState,
)
from reflex_base.event import Event
from reflex_base.event.context import EventContext
from reflex_base.registry import RegistrationContext
from reflex_base.utils.format import format_event_handler

from saasbot import routes
from saasbot.domain.accounts import SignedIn
from saasbot.domain.audit.refusals import refused
from saasbot.infra.i18n import gettext
from saasbot.infra.logging import get_logger
from saasbot.state import toasts
from saasbot.state.arguments import misfit
from saasbot.state.locale import locale_of, remember_locale
from saasbot.state.policy import Policy, policy_of
from saasbot.state.session import SessionState, begin_event, session_of, show_session

log = get_logger(__name__)

_PER_SECOND, _BURST = 30.0, 150.0
_TABS_REMEMBERED = 5_000
_LONGEST_REPORT = 8_000


class Guard(rx.Middleware):
    """Add it once: `app.add_middleware(Guard())`."""

    _buckets: OrderedDict[str, tuple[float, float]]

    def __init__(self) -> None:
        self._buckets = OrderedDict()

    async def preprocess(self, app: rx.App, state: Any, event: Event) -> StateUpdate | None:
        """Nothing to let the event pass, an update to answer instead of it."""
        context = EventContext.get()
        if not context.router_data or not state.router_data:
            return _refuse("no_router_data", event.name)
        begin_event(event.name)
        if not self._spend(context.token):
            return _refuse("too_many_events", event.name)
        locale = await locale_of(state)
        remember_locale(context.token, locale)
        session = await session_of(state)
        await _keep_one_person(state, session)
        if (allowed := _framework_events().get(event.name)) is not None:
            if allowed(event.payload):
                return None
            await _tell(session, "framework_event")
            return _refuse("framework_event", event.name)
        handler = _handler(event.name)
        policy = policy_of(handler) if handler is not None else None
        if handler is None or policy is None:
            await _tell(session, "no_policy")
            return _refuse("no_policy", event.name)
        if denial := _deny(policy, session, locale):
            await _tell(session, "forbidden")
            return denial
        if problem := misfit(handler, event.payload):
            log.warning("guard.bad_arguments", handler=event.name, problem=problem)
            await _tell(session, "bad_arguments")
            return _answer(toasts.error(gettext(locale, "That did not work.")))
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
        for every in _state_classes(State):  # with Redis only what the event needs is loaded, and reset
            await state.get_state(every)
        state._get_root_state().reset()
        held = await state.get_state(SessionState)
    if session is not None:
        show_session(held, session)


def _state_classes(top: type[BaseState]) -> Iterator[type[BaseState]]:
    for below in top.get_substates():
        yield below
        yield from _state_classes(below)


@cache
def _framework_events() -> dict[str, Callable[[dict[str, Any]], bool]]:
    """Reflex's own events that a tab needs to live, by full name, and which arguments of them are harmless.

    No var of ours is kept in the browser's storage, so nothing may be set from there. All others (`setvar` above all) have
    no policy and are refused like any undeclared handler.
    """

    def name(state: type[State], handler: str) -> str:
        return format_event_handler(state.event_handlers[handler])

    def without_vars(payload: dict[str, Any]) -> bool:
        return not payload.get("vars") and payload.keys() <= {"vars", "hashes"}

    def a_flag(payload: dict[str, Any]) -> bool:
        return payload.keys() == {"value"} and isinstance(payload["value"], bool)

    def a_report(payload: dict[str, Any]) -> bool:
        return payload.keys() == {"info", "component_stack"} and all(
            isinstance(text, str) and len(text) <= _LONGEST_REPORT for text in payload.values()
        )

    return {
        name(State, "hydrate"): lambda payload: not payload,
        name(State, "hydrate_and_load"): without_vars,
        name(State, "set_is_hydrated"): a_flag,
        name(OnLoadInternalState, "set_is_hydrated"): a_flag,
        name(OnLoadInternalState, "on_load_internal"): lambda payload: not payload,
        name(UpdateVarsInternalState, "update_vars_internal"): without_vars,
        name(FrontendEventExceptionState, "handle_frontend_exception"): a_report,
    }


def _handler(name: str) -> Callable[..., Any] | None:
    registered = RegistrationContext.get().event_handlers.get(name)
    return registered.handler.fn if registered is not None else None


def _deny(policy: Policy, session: SignedIn | None, locale: str) -> StateUpdate | None:
    if not policy.signed_in:
        return None
    if session is None:
        return _answer(rx.redirect(routes.LOGIN))
    if policy.permission is not None and policy.permission not in session.actor.permissions:
        return _answer(toasts.error(gettext(locale, "Your role does not allow this.")))
    return None


async def _tell(session: SignedIn | None, code: str) -> None:
    """The audit trail of who is signed in says that the guard said no."""
    if session is not None:
        await refused(session.actor, code)


def _refuse(reason: str, event_name: str) -> StateUpdate:
    log.warning("guard.refused", reason=reason, handler=event_name)
    return StateUpdate()


def _answer(spec: Any) -> StateUpdate:
    return StateUpdate(events=Event.from_event_type([spec]))
