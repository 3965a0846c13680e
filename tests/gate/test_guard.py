"""The guard refuses what nobody declared, what the session may not do, and arguments that do not fit."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints
from uuid import uuid4

import pytest
from reflex_base.registry import RegistrationContext
from reflex_components_core.el.elements.forms import Form
from typing_extensions import is_typeddict

import saasbot.saasbot  # registers every page and state
from saasbot.api.app import api
from saasbot.domain.actor import Actor
from saasbot.models import Product, Role
from saasbot.pages.registry import PAGES
from saasbot.state import policies
from saasbot.state.arguments import Id, Whole, misfit
from saasbot.state.channels import ChannelsState
from saasbot.state.guard import _framework_events
from saasbot.state.policies import POLICIES, PolicyGap, check_policies, policy_of
from saasbot.state.policy import needs, public, roles, signed_in
from tests.attack.attempts import attempt


def _handlers() -> dict[str, Any]:
    return {name: found.handler.fn for name, found in RegistrationContext.get().event_handlers.items()}


OURS = {name: fn for name, fn in _handlers().items() if fn.__module__.startswith("saasbot.")}


def test_every_event_handler_has_one_row_and_every_row_a_handler():
    assert len(OURS) > 100
    check_policies()


@pytest.mark.parametrize(
    ("row", "gap"),
    [
        ({"CatalogueState": {}}, "no policy: CatalogueState.clear_search; no policy: CatalogueState.delete"),
        ({"ShellState": POLICIES["ShellState"] | {"lod": public}}, "no handler: ShellState.lod"),
        ({"GoneState": {"load": public}}, "no handler: GoneState.load"),
    ],
)
def test_the_app_is_not_assembled_with_a_gap(monkeypatch: pytest.MonkeyPatch, row: dict[str, Any], gap: str):
    """saasbot.py ends with this call: export, run and tests import it."""
    monkeypatch.setattr(policies, "POLICIES", POLICIES | row)
    with pytest.raises(PolicyGap, match=gap):
        check_policies()


def test_two_handlers_of_one_name_are_a_gap(monkeypatch: pytest.MonkeyPatch):
    """The table knows them by the names of their classes."""
    monkeypatch.setattr(policies, "our_handlers", lambda: [*OURS.values(), OURS[next(iter(OURS))]])
    with pytest.raises(PolicyGap, match="two handlers"):
        check_policies()


def test_the_app_is_assembled_only_where_the_check_passes():
    source = Path(saasbot.saasbot.__file__).read_text()
    assert source.rstrip().endswith("check_policies()")


@attempt(11, "guard", "Any other built-in event of Reflex is called.")
def test_of_the_framework_only_what_a_tab_needs_to_live_passes():
    """`setvar` exists on every state and would set anything."""
    theirs = {name for name, fn in _handlers().items() if not fn.__module__.startswith(("saasbot.", "tests."))}
    allowed = set(_framework_events())
    assert allowed <= theirs
    assert any(name.endswith(".setvar") for name in theirs - allowed)
    assert not any(policy_of(_handlers()[name]) for name in theirs)


def test_every_argument_has_a_type_with_limits():
    """No bare text or number, no model, no form that takes other keys than its own: Reflex would guess after the guard."""
    odd = [
        f"{fn.__qualname__}: {name} is {hint}"
        for fn in OURS.values()
        for name, hint in arguments_of(fn).items()
        if not _is_limited(hint)
    ]
    assert odd == []


def arguments_of(handler: Any) -> dict[str, Any]:
    hints = get_type_hints(handler, include_extras=True)
    return {name: hints.get(name, str) for name in list(inspect.signature(handler).parameters)[1:]}


def _is_limited(hint: Any) -> bool:
    if hint is bool:
        return True
    if is_typeddict(hint):
        closed = getattr(hint, "__pydantic_config__", {}).get("extra") == "forbid"
        return closed and all(_is_limited(field) for field in get_type_hints(hint, include_extras=True).values())
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return True
    if origin is NotRequired:
        return _is_limited(arguments[0])
    if origin in (Union, UnionType):  # a control that may not be on screen
        return len(arguments) == 2 and arguments[1] is type(None) and _is_limited(arguments[0])
    if origin is not Annotated:
        return False
    limits = {type(limit).__name__ for found in arguments[1:] for limit in getattr(found, "metadata", [])}
    return (arguments[0], limits) in [(str, {"MaxLen"}), (int, {"Ge", "Le"})]


@pytest.mark.parametrize(
    "hint", [str, int, dict, dict[str, Any], Any, list[str], str | None, Product, Annotated[str, "a note"]]
)
def test_what_has_no_limits_is_seen(hint: Any):
    assert not _is_limited(hint)


TO_ANOTHER, TO_ANOTHER_OVER_THE_API = "CompaniesState.enter: company_id", "SwitchIn"
"""The one that changes whose it is: looked for among the person's own (tests/accounts/test_switching.py)."""


def test_no_handler_takes_a_company():
    """Whose it is, the session says."""
    names = {
        f"{fn.__qualname__}: {field}"
        for fn in OURS.values()
        for name, hint in arguments_of(fn).items()
        for field in [name, *(get_type_hints(hint) if is_typeddict(hint) else ())]
    }
    assert any(name.endswith(": conversation_id") for name in names)
    assert [name for name in names if re.search(r": company.*_id$|tenant|workspace", name)] == [TO_ANOTHER]


def test_no_request_of_the_api_takes_a_company():
    description = api.openapi()
    operations = [operation for methods in description["paths"].values() for operation in methods.values()]
    taken = {parameter["name"] for operation in operations for parameter in operation.get("parameters", [])}
    bodies = _schemas_in([operation.get("requestBody") for operation in operations], description)
    assert TO_ANOTHER_OVER_THE_API in bodies
    for name in bodies - {TO_ANOTHER_OVER_THE_API}:
        taken |= description["components"]["schemas"][name].get("properties", {}).keys()
    assert {"conversation_id", "cursor", "title", "price"} <= taken
    assert [name for name in taken if re.search("company.*id|tenant|workspace", name)] == []


def _schemas_in(part: Any, description: dict[str, Any]) -> set[str]:
    """Names of the schemas that a part of the description refers to, however deep."""
    names, found = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(part))), set[str]()
    while names - found:
        found |= names
        inner = json.dumps([description["components"]["schemas"][name] for name in names])
        names |= set(re.findall(r"#/components/schemas/(\w+)", inner))
    return found


def test_what_a_form_sends_fits_its_handler():
    """A control with an id is sent under that too: one whose name differs would be an unknown key."""
    odd, seen = [], 0
    for page in PAGES:
        for form, handler in _submitted(page.draw()):
            (fields,) = [hint for hint in arguments_of(handler).values() if is_typeddict(hint)]
            sent, is_dynamic = form._get_static_form_field_keys()
            seen += 1
            odd += [f"{handler.__qualname__}: {key}" for key in sent - set(get_type_hints(fields))]
            assert not is_dynamic
    assert odd == []
    assert seen > 20


def _submitted(page: Any) -> Iterator[tuple[Any, Any]]:
    """Every form of a page, and the handlers that take it."""
    for part in _parts(page):
        chain = part.event_triggers.get("on_submit") if isinstance(part, Form) else None
        for event in getattr(chain, "events", ()):
            yield part, event.handler.fn


def _parts(component: Any) -> Iterator[Any]:
    yield component
    for child in component.children:
        yield from _parts(child)


def test_policies_say_who():
    owner, agent = (
        Actor.person(company_id=uuid4(), user_id=uuid4(), name="", role=role) for role in (Role.OWNER, Role.AGENT)
    )
    assert not public.signed_in
    assert signed_in.signed_in
    assert signed_in.allows(agent)
    assert needs("company.secrets").allows(owner)
    assert not needs("company.secrets").allows(agent)
    assert roles(Role.OWNER, Role.ADMIN).allows(owner)
    assert not roles(Role.OWNER, Role.ADMIN).allows(agent)


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


@attempt(18, "guard", "An event carries arguments of other types, fewer, or more than it takes.")
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
        {"title": "x\x00", "amount": 1},
        {"title": "x\ud800", "amount": 1},
    ],
)
def test_arguments_that_do_not_fit_are_named(payload: dict[str, Any]):
    assert misfit(save, payload)


def look_up(self: Any, id: Id, version: Whole) -> None: ...


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ({"id": "x" * 36, "version": 10**9}, None),
        ({"id": "x" * 37, "version": 1}, "too long: id"),
        ({"id": "x" * 1_000_000, "version": 1}, "too long: id"),
        ({"id": "x", "version": -1}, "type: version"),
        ({"id": "x", "version": 10**30}, "type: version"),
    ],
)
def test_arguments_have_limits(payload: dict[str, Any], problem: str | None):
    assert misfit(look_up, payload) == problem


def sent(**fields: Any) -> dict[str, Any]:
    """A form as the browser sends it."""
    return {"form": {"__reflex_form_data__": [[name, value] for name, value in fields.items()]}}


def test_a_submitted_form_fits_its_handler():
    from saasbot.state.auth import AuthState

    sign_in = AuthState.event_handlers["sign_in"].fn
    assert misfit(sign_in, sent(email="ana@example.com", password="x")) is None


def test_a_control_that_is_not_on_screen_fits():
    add = ChannelsState.event_handlers["add"].fn
    for fields in ({}, {"channel_bot": None}, {"channel_bot": "x"}):
        assert misfit(add, sent(channel_name="Tienda", kind="simulator", **fields)) is None
    assert misfit(add, sent(channel_name="Tienda", kind="simulator", channel_bot="x" * 37)) == "too long: form"


@attempt(20, "guard", "A form is sent with a company id, with objects instead of text, or with no fields.")
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
