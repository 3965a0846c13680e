"""The guard refuses what nobody declared, what the session may not do, and arguments that do not fit."""

from types import UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints

import pytest
from reflex_base.registry import RegistrationContext
from typing_extensions import is_typeddict

from saasbot.state.arguments import misfit
from saasbot.state.guard import _framework_events
from saasbot.state.policy import Policy, needs, policy_of, public, signed_in
from tests.attack.attempts import attempt


def _handlers() -> dict[str, Any]:
    import saasbot.saasbot  # noqa: F401  registers every page and state

    return {name: found.handler.fn for name, found in RegistrationContext.get().event_handlers.items()}


def test_every_event_handler_declares_who_may_call_it():
    ours = {name: fn for name, fn in _handlers().items() if fn.__module__.startswith("saasbot.")}
    assert len(ours) > 5
    assert sorted(name for name, fn in ours.items() if policy_of(fn) is None) == []


@attempt(16, "guard", "Any other built-in event of Reflex is called.")
def test_of_the_framework_only_what_a_tab_needs_to_live_passes():
    """`setvar` exists on every state and would set anything."""
    theirs = {name for name, fn in _handlers().items() if not fn.__module__.startswith(("saasbot.", "tests."))}
    allowed = set(_framework_events())
    assert allowed <= theirs
    assert any(name.endswith(".setvar") for name in theirs - allowed)
    assert not any(policy_of(_handlers()[name]) for name in theirs)


def test_handlers_take_only_what_json_can_say():
    """Anything else would be guessed by Reflex after the guard has looked."""
    odd = [
        f"{name}: {parameter} is {hint}"
        for name, fn in _handlers().items()
        if fn.__module__.startswith("saasbot.")
        for parameter, hint in get_type_hints(fn).items()
        if parameter != "return" and not _is_json(hint)
    ]
    assert odd == []


def _is_json(hint: Any) -> bool:
    if hint in (str, int, float, bool, type(None), Any):
        return hint is not Any
    if is_typeddict(hint):
        return all(_is_json(field) for field in get_type_hints(hint).values())
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is NotRequired:
        return _is_json(arguments[0])
    if origin is Literal:
        return all(isinstance(value, (str, int, bool)) for value in arguments)
    if origin is dict:
        return arguments[0] is str and (arguments[1] is Any or _is_json(arguments[1]))
    return origin in (list, Union, UnionType) and all(_is_json(argument) for argument in arguments)


def test_declarations_are_read_back():
    def handler(self: Any) -> None: ...

    assert policy_of(handler) is None
    assert policy_of(public(handler)) == Policy(signed_in=False)
    assert policy_of(signed_in(handler)) == Policy(signed_in=True)
    assert policy_of(needs("catalogue.write")(handler)) == Policy(signed_in=True, permission="catalogue.write")


def save(self: Any, title: str, amount: int, tags: list[str] | None = None) -> None: ...


@pytest.mark.parametrize(
    "payload",
    [
        {"title": "x", "amount": 1},
        {"title": "x", "amount": 1, "tags": ["a"]},
        {"title": "x", "amount": 1, "tags": None},
    ],
)
def test_arguments_that_fit_pass(payload: dict[str, Any]):
    assert misfit(save, payload) is None


@attempt(23, "guard", "An event carries arguments of other types, fewer, or more than it takes.")
@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"title": "x"},
        {"title": 1, "amount": 1},
        {"title": "x", "amount": "1"},
        {"title": "x", "amount": True},
        {"title": "x", "amount": 1, "company_id": "other"},
        {"title": "x", "amount": 1, "tags": {"$ne": 1}},
        {"title": {"a": 1}, "amount": 1},
    ],
)
def test_arguments_that_do_not_fit_are_named(payload: dict[str, Any]):
    assert misfit(save, payload)


def sent(**fields: Any) -> dict[str, Any]:
    """A form as the browser sends it."""
    return {"form": {"__reflex_form_data__": [[name, value] for name, value in fields.items()]}}


def test_a_submitted_form_fits_its_handler():
    from saasbot.state.auth import AuthState

    sign_in = AuthState.event_handlers["sign_in"].fn
    assert misfit(sign_in, sent(email="ana@example.com", password="x")) is None


@attempt(25, "guard", "A form is sent with a company id, with objects instead of text, or with no fields.")
@pytest.mark.parametrize(
    "payload",
    [
        sent(email="ana@example.com"),
        sent(email="ana@example.com", password=None),
        sent(email="ana@example.com", password={"$ne": ""}),
        sent(email="ana@example.com", password="x", company_id="other"),
        {"form": {"__reflex_form_data__": "nonsense"}},
        {"form": {"__reflex_form_data__": [["email"]]}},
        {"form": None},
    ],
)
def test_a_form_with_other_fields_does_not(payload: dict[str, Any]):
    from saasbot.state.auth import AuthState

    assert misfit(AuthState.event_handlers["sign_in"].fn, payload) == "type: form"
