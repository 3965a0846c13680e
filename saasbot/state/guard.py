"""The guard: nothing happens in a tab that its session may not do. It runs before every event, hydration included.

Reflex dispatches any function of a state class by its name, with whatever arguments the browser sends. So: no declared policy,
no call; the session's row is checked each time; arguments must fit their annotations exactly.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import reflex as rx
from reflex.state import (
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
from saasbot.domain.accounts import SignedIn, network_of
from saasbot.domain.audit.refusals import refused
from saasbot.infra.i18n import gettext
from saasbot.infra.logging import get_logger
from saasbot.state import toasts
from saasbot.state.arguments import TOO_LONG, misfit
from saasbot.state.event_budget import EventBudget, Spent
from saasbot.state.leaving import load_page
from saasbot.state.locale import locale_of, remember_locale
from saasbot.state.one_person import keep_one_person
from saasbot.state.page_states import leave_other_pages
from saasbot.state.patience import until_up
from saasbot.state.policies import policy_of
from saasbot.state.policy import Policy
from saasbot.state.session import begin_event, session_of

log = get_logger(__name__)

PER_SECOND, BURST = 20.0, 60.0
"""Events of a session over all its tabs; without a session, of a tab and its network."""
TAB_PER_SECOND, TAB_BURST = 40.0, 120.0
"""Of one tab, with those that Reflex sends by itself at every page: after a restart all tabs of a person load at once."""
NETWORK_PER_SECOND, NETWORK_BURST = 100.0, 400.0
"""Of everybody in one network who is not signed in: tabs cost nothing to open."""
_LONGEST_REPORT = 8_000


class Guard(rx.Middleware):
    """Add it once: `app.add_middleware(Guard())`."""

    _tabs: EventBudget
    _sessions: EventBudget
    _networks: EventBudget

    def __init__(self) -> None:
        self._tabs = EventBudget(per_second=TAB_PER_SECOND, burst=TAB_BURST)
        self._sessions = EventBudget(per_second=PER_SECOND, burst=BURST)
        self._networks = EventBudget(per_second=NETWORK_PER_SECOND, burst=NETWORK_BURST)

    async def preprocess(self, app: rx.App, state: Any, event: Event) -> StateUpdate | None:
        """Nothing to let the event pass, an update to answer instead of it."""
        context = EventContext.get()
        if not context.router_data or not state.router_data:
            return _refuse("no_router_data", event.name)
        begin_event(event.name)
        locale = await locale_of(state)
        remember_locale(context.token, locale)
        network = network_of(state.router.session.client_ip)
        tab = f"tab {network} {context.token}"
        if (spent := self._tabs.spend(tab)) is not Spent.GRANTED:
            return _flood(spent, event.name)
        session = await until_up(lambda: session_of(state))
        if session is None and (spent := self._networks.spend(network)) is not Spent.GRANTED:
            return _flood(spent, event.name)
        is_other = await keep_one_person(state, session)
        if (allowed := _framework_events().get(event.name)) is not None:
            return await _of_the_framework(state, event, session, allowed)
        if is_other and session is not None:  # the event was meant for another company
            return _answer(load_page(routes.DASHBOARD))
        whose = f"session {session.session_id}" if session else tab
        if (spent := self._sessions.spend(whose)) is not Spent.GRANTED:
            return _flood(spent, event.name, locale)
        handler = _handler(event.name)
        policy = policy_of(handler) if handler is not None else None
        if handler is None or policy is None:
            await _tell(session, "no_policy")
            return _refuse("no_policy", event.name)
        if denial := _deny(policy, session, locale, is_load=handler.__name__ == "load"):
            await _tell(session, "forbidden")
            return denial
        if problem := misfit(handler, event.payload):
            log.warning("guard.bad_arguments", handler=event.name, problem=problem)
            await _tell(session, "bad_arguments")
            return _answer(toasts.error(_misfit_sentence(problem, locale)))
        return None


async def _of_the_framework(
    state: Any, event: Event, session: SignedIn | None, allowed: Callable[[dict[str, Any]], bool]
) -> StateUpdate | None:
    if not allowed(event.payload):
        await _tell(session, "framework_event")
        return _refuse("framework_event", event.name)
    if event.name in _page_loads():
        await leave_other_pages(state)
    return None


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


@cache
def _page_loads() -> frozenset[str]:
    """Events with which a page begins: a (re)load, which sends what the tab holds, and a navigation."""
    return frozenset(
        format_event_handler(handler)
        for handler in (
            State.event_handlers["hydrate"],
            State.event_handlers["hydrate_and_load"],
            OnLoadInternalState.event_handlers["on_load_internal"],
        )
    )


def _handler(name: str) -> Callable[..., Any] | None:
    registered = RegistrationContext.get().event_handlers.get(name)
    return registered.handler.fn if registered is not None else None


def _deny(policy: Policy, session: SignedIn | None, locale: str, *, is_load: bool) -> StateUpdate | None:
    """`is_load`: the event came with the opening of a page. The page itself says whom it is not for; nobody clicked."""
    if not policy.signed_in:
        return None
    if session is None:
        return _answer(rx.redirect(routes.LOGIN))
    if not policy.allows(session.actor):
        return StateUpdate() if is_load else _answer(toasts.error(gettext(locale, "Your role does not allow this.")))
    return None


def _flood(spent: Spent, event_name: str, locale: str = "") -> StateUpdate:
    """Logged, and where a person may have clicked it said in their language, once and not for every event."""
    if spent is Spent.REFUSED:
        return StateUpdate()
    log.warning("guard.refused", reason="too_many_events", handler=event_name)
    if not locale:
        return StateUpdate()
    return _answer(toasts.error(gettext(locale, "Too fast: what you just did was not done. Try again in a moment.")))


def _misfit_sentence(problem: str, locale: str) -> str:
    if problem.startswith(TOO_LONG):
        return gettext(locale, "That text is too long.")
    return gettext(locale, "That did not work.")


async def _tell(session: SignedIn | None, code: str) -> None:
    """The audit trail of who is signed in says that the guard said no."""
    if session is not None:
        await refused(session.actor, code)


def _refuse(reason: str, event_name: str) -> StateUpdate:
    log.warning("guard.refused", reason=reason, handler=event_name)
    return StateUpdate()


def _answer(spec: Any) -> StateUpdate:
    return StateUpdate(events=Event.from_event_type([spec]))
