"""The guard refuses what nobody declared, what the session may not do, and arguments that do not fit."""

from typing import Any

import pytest
from reflex_base.registry import RegistrationContext

from saasbot.state.guard import FRAMEWORK_EVENTS, misfit
from saasbot.state.policy import Policy, needs, policy_of, public, signed_in

FRAMEWORK = FRAMEWORK_EVENTS | {"setvar", "update_vars_internal", "handle_frontend_exception"}


def test_every_event_handler_declares_who_may_call_it():
    import saasbot.saasbot  # noqa: F401  registers every page and state

    handlers = RegistrationContext.get().event_handlers
    ours = {name: found.handler.fn for name, found in handlers.items() if name.rpartition(".")[2] not in FRAMEWORK}
    ours = {name: fn for name, fn in ours.items() if fn.__module__.startswith("saasbot.")}
    assert len(ours) > 5
    undeclared = sorted(name for name, fn in ours.items() if policy_of(fn) is None)
    assert undeclared == []


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
