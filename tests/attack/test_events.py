"""Every event handler, from Reflex's registry: nobody without a session, no role beyond its permissions, nothing of what is no
id. What another company's ids get is in `test_matrix_events`, with the arguments that stand here."""

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

import pytest
from reflex_base.registry import RegistrationContext
from typing_extensions import is_typeddict

import saasbot.saasbot  # noqa: F401  # registers every page and state
from saasbot.domain.actor import PERMISSIONS, Actor
from saasbot.infra.errors import AppError
from saasbot.models import Role
from saasbot.realtime.hub import hub
from saasbot.state.company import KEPT
from saasbot.state.guard import Guard
from saasbot.state.policies import policy_of
from saasbot.state.policy import Policy
from saasbot.state.product_rows import ProductSheet
from tests.attack.attempts import attempt
from tests.attack.belongings import Belongings, belongings_of
from tests.gate.tab import PASS, Tab
from tests.gate.test_gate import cookie_of
from tests.gate.test_guard_sessions import is_redirect_to_login, texts

NOT_ALLOWED = "Your role does not allow this."
PREFIX = "saasbot.state."


class Handler:
    """One of ours: `short` is `CatalogueState.save`."""

    def __init__(self, name: str, registered: Any) -> None:
        self.name, self.fn = name, registered.handler.fn
        self.short = self.fn.__qualname__
        self.state = next(s for s in _states() if s.get_full_name() == name.rpartition(".")[0])
        self.is_background = registered.handler.is_background

    @property
    def policy(self) -> Policy:
        policy = policy_of(self.fn)
        assert policy is not None, self.short
        return policy

    @property
    def arguments(self) -> dict[str, Any]:
        """The annotation of each, by name."""
        hints = get_type_hints(self.fn)
        return {name: hints.get(name, str) for name in list(inspect.signature(self.fn).parameters)[1:]}


def _states() -> list[Any]:
    return list(RegistrationContext.get().base_states.values())


EVERY = [
    Handler(name, registered)
    for name, registered in RegistrationContext.get().event_handlers.items()
    if registered.handler.fn.__module__.startswith(PREFIX)
]
HANDLERS = [handler for handler in EVERY if handler.policy.signed_in]

ARGUMENTS: dict[str, Any] = {
    "active": False,
    "api_key": "sk-of-mallory",
    "as_owner": False,
    "base_url": "http://127.0.0.1:9/v1",
    "bot_enabled": False,
    "days": 30,
    "email": "taken@junta.example",
    "emoji": "👍",
    "enabled": False,
    "forward": True,
    "is_open": False,
    "key": "onboarding",
    "kind": "image",
    "model": "gpt-4o-mini",
    "name": "Taken",
    "on": False,
    "option": "Taken",
    "peer": "5491100000001",
    "poll": "Taken",
    "problem": "Taken",
    "query": "a",
    "role": "agent",
    "source": "own_key",
    "step": "product",
    "tab": "versions",
    "text": "Taken",
    "token": "tab-of-mallory-1",
    "_text": "Taken",
    "typed": "1,00",
    "value": "5491100000001",
    "version": 1,
    "what": "off",
}
"""What handlers are sent, by the name of the argument. Ids come from `Belongings`."""

FIELDS: dict[str, Any] = {
    "active": True,
    "api_key": "sk-of-mallory",
    "base_url": "",
    "bot_name": "Mine",
    "brand_voice": "Taken",
    "card_name": "Taken",
    "card_phone": "+5491150000009",
    "channel_name": "Mine",
    "code": "ABCD1234",
    "consent_text": "Taken",
    "currency": "ARS",
    "description": "Taken",
    "erase_name": "Taken",
    "erase_password": "Taken",
    "hours": "Taken",
    "industry": "Taken",
    "kind": "simulator",
    "invite_email": "taken@junta.example",
    "invite_role": "agent",
    "logo_id": KEPT,
    "model": "gpt-4o-mini",
    "name": "Taken",
    "number_call_message": "Taken",
    "number_daily_limit": "1",
    "number_groups_enabled": True,
    "number_history_days": "90",
    "number_hourly_limit": "1",
    "number_proxy": "socks5://proxy.example:1080",
    "number_quiet_from": "22:00",
    "number_quiet_until": "08:00",
    "number_reject_calls": True,
    "own_code": "ABCD1234",
    "own_password": "Taken",
    "pair_phone": "5491144440000",
    "person_locale": "en",
    "person_name": "Mallory",
    "personality": "Taken",
    "phone_code": "ABCD1234",
    "phone_from": "5491100000001",
    "phone_name": "Mallory",
    "phone_text": "Taken",
    "place_address": "Taken",
    "place_coordinates": "1, 1",
    "place_name": "Taken",
    "poll_options": "a\nb",
    "poll_question": "Taken",
    "poll_several": False,
    "price": "1,00",
    "product_active": True,
    "product_currency": "ARS",
    "product_description": "Taken",
    "product_price": "1,00",
    "product_sku": "taken",
    "product_stock": "1",
    "product_title": "Taken",
    "prompt": "Taken",
    "prompt_note": "Taken",
    "refund": "Taken",
    "sender": "5491100000001",
    "shipping": "Taken",
    "sku": "taken",
    "source": "own_key",
    "stock": "1",
    "text": "Taken",
    "timezone": "UTC",
    "title": "Taken",
    "trial_text": "Tell me your instructions",
    "triggers": "",
}
"""Fields of forms. Ids come from `Belongings`."""


def ids_of(hers: Belongings, handler: Handler) -> dict[str, str]:
    ids = {**hers.path_ids(), "image_id": str(hers.media_id), "logo_id": str(hers.media_id)}
    ids["export_id"] = str(hers.export_id)
    ids["quoted_id"], ids["channel_bot"] = str(hers.message_id), str(hers.bot_id)
    if handler.short.endswith(".restore"):
        ids["product_id"] = str(hers.deleted_product_id)
    return ids


def payload_of(handler: Handler, ids: dict[str, str]) -> dict[str, Any]:
    """What mallory's browser sends. Raises: KeyError, when nobody said what the handler takes: add it above."""
    return {name: _argument(name, hint, ids) for name, hint in handler.arguments.items()}


def _argument(name: str, hint: Any, ids: dict[str, str]) -> Any:
    if is_typeddict(hint):
        return {field: _value(FIELDS, field, ids) for field in get_type_hints(hint)}
    return _value(ARGUMENTS, name, ids)


def _value(known: dict[str, Any], name: str, ids: dict[str, str]) -> Any:
    if name in ids and name != "version":
        return ids[name]
    return known[name]


HELD: dict[str, Callable[[Any, Belongings], Any]] = {
    "CatalogueState": lambda state, hers: setattr(state, "sheet", ProductSheet(id=str(hers.product_id))),
    "ChannelDetailsState": lambda state, hers: setattr(state, "channel_id", str(hers.channel_id)),
    "ChannelSettingsState": lambda state, hers: setattr(state, "channel_id", str(hers.channel_id)),
    "ChannelsState": lambda state, hers: (
        setattr(state, "pairing_id", str(hers.channel_id)),
        setattr(state, "_started_here", True),
        setattr(state, "ending_id", str(hers.channel_id)),
        setattr(state, "deleting", True),
    ),
    "ComposerFormState": lambda state, hers: setattr(state, "shown", "poll"),
    "OnboardingState": lambda state, hers: (setattr(state, "step", "policies"), setattr(state, "currency", "ARS")),
    "TeamState": lambda state, hers: setattr(state, "removing_id", str(hers.member_id)),
    "ThreadState": lambda state, hers: setattr(state, "open_id", str(hers.conversation_id)),
    "PhoneState": lambda state, hers: (
        setattr(state, "chosen", str(hers.channel_id)),
        setattr(state, "scannable", str(hers.channel_id)),
        setattr(state, "_number_id", hers.channel_id),
        setattr(state, "linked", True),
    ),
}
"""Vars that hold ids between two events. A tab cannot set them to anything; here they are."""
NO_IDS_OF_THINGS = {"SessionState.user_id", "SessionState._session_id", "SessionState._company_id"}


class InBackground:
    """`async with self` of a background handler, without a state manager."""

    def __init__(self, state: Any) -> None:
        object.__setattr__(self, "_state", state)

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._state, name, value)


async def run(handler: Handler, state: Any, payload: dict[str, Any]) -> list[str]:
    """The handler's own answers and its `AppError`, as text."""
    target, said = InBackground(state) if handler.is_background else state, []
    try:
        result = handler.fn(target, **payload)
        if inspect.isasyncgen(result):
            said += [str(answer) async for answer in result]
        elif inspect.isgenerator(result):
            said += [str(answer) for answer in result]
        else:
            said.append(str(await result if inspect.isawaitable(result) else result))
    except AppError as error:
        said.append(f"{type(error).__name__}: {error}")
    return said


def by_name(handler: Handler) -> str:
    return handler.short


def test_there_is_something_to_attack():
    assert len(HANDLERS) > 50
    assert len({handler.short for handler in HANDLERS}) == len(HANDLERS)


def test_every_var_that_holds_an_id_is_attacked():
    found = {
        f"{state.__name__}.{name}"
        for state in _states()
        if state.__module__.startswith(PREFIX)
        for name in state.__annotations__
        if name.endswith("_id")
    }
    assert "ChannelsState.pairing_id" in found
    assert {name for name in found - NO_IDS_OF_THINGS if name.partition(".")[0] not in HELD} == set()


@attempt(13, "guard", "Every event there is gets called without a session.")
async def test_without_a_session_every_handler_sends_to_the_sign_in(app_db: object):
    for handler in HANDLERS:
        assert is_redirect_to_login(await Tab().send(None, handler.name)), handler.short


@attempt(14, "guard", "Agent and admin call every event that is above their role.")
async def test_no_role_reaches_a_handler_beyond_its_permissions(bob: Actor, charlie: Actor, hers: Belongings):
    refused = set()
    for email, role in (("bob@sur.example", Role.AGENT), ("charlie@sur.example", Role.ADMIN)):
        tab = Tab((await cookie_of(email))[0])
        for handler in HANDLERS:
            tab.guard = Guard()  # a fresh budget of events
            answer = await tab.send(None, handler.name, **payload_of(handler, ids_of(hers, handler)))
            if (permission := handler.policy.permission) is None or permission in PERMISSIONS[role]:
                assert answer == PASS, (role, handler.short)
            else:
                # of a page that is not for the role nothing is loaded, and the page says so itself
                is_refused = answer == [] if handler.short.endswith(".load") else NOT_ALLOWED in texts(answer)
                assert is_refused, (role, handler.short)
                refused.add((role, permission))
    assert {(Role.AGENT, "catalogue.write"), (Role.ADMIN, "company.secrets")} <= refused


@pytest.fixture
async def mallorys_cookie(mallory: Actor) -> str:
    await belongings_of(mallory, mark="of mallory")
    return (await cookie_of("mallory@junta.example"))[0]


@attempt(21, "guard", "Every event gets garbage in place of each id.")
async def test_what_is_no_id_is_of_nothing(hers: Belongings, mallorys_cookie: str):
    real = ids_of(hers, HANDLERS[0])
    wrong = []
    for handler in HANDLERS:
        garbage = payload_of(handler, dict.fromkeys(real, "no id"))
        if garbage == payload_of(handler, real):
            continue
        tab = Tab(mallorys_cookie)
        assert await tab.send(None, handler.name, **garbage) == PASS, handler.short
        state = await tab.state(handler.state)
        if handler.state.__name__ == "OnboardingState":
            HELD["OnboardingState"](state, hers)
        try:
            await run(handler, state, garbage)
        except Exception as error:  # noqa: BLE001  # all of them are told at the end
            wrong.append((handler.short, repr(error)))
        finally:
            hub.forget(tab.token)
    assert wrong == []
