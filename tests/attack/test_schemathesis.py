"""Whatever is sent to the API, it never answers that something broke: requests made from its own description."""

import asyncio
from typing import Any

import httpx2
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation import GenerationMode

from saasbot.api import channels as channel_routes
from saasbot.api.app import api
from saasbot.domain.accounts import throttle
from saasbot.domain.actor import Actor
from saasbot.infra import health
from tests.api.conftest import make_client, sign_in
from tests.attack.attempts import attempt
from tests.attack.belongings import Belongings

EXAMPLES = 8
"""Of each operation and mode: requests that fit the description, and requests that do not."""
SECONDS = 30

_schema = schemathesis.openapi.from_dict(api.openapi())
_found: list[Any] = list(_schema.get_all_operations())
OPERATIONS = sorted((found.ok() for found in _found), key=lambda op: op.method == "delete")


@attempt(125, "limits", "Thousands of odd requests are made from the API's own description.")
async def test_no_request_breaks_the_server(alice: Actor, hers: Belongings, monkeypatch: pytest.MonkeyPatch):
    """All operations are called as alice, those with ids with the ids of her things."""
    monkeypatch.setattr(channel_routes, "_CODE_POLLS", 1)  # no network shows a code here
    monkeypatch.setattr(health, "read_health", _healthy)  # a part that does not run is told with 503, as described
    answered: dict[str, set[int]] = {}
    broken: list[str] = []
    for operation in OPERATIONS:
        for mode in GenerationMode:
            try:
                answered.setdefault(operation.label, set()).update(await _call(operation, mode, hers))
            except (Failure, FailureGroup) as failure:
                broken.append(f"{operation.label} ({mode.value}): {failure} {getattr(failure, 'exceptions', '')}")
    assert broken == []
    assert len(answered) > 30
    assert {label for label, seen in answered.items() if seen <= {401, 404, 405}} == set()
    assert sum(not {200, 201, 202, 204}.isdisjoint(seen) for seen in answered.values()) > len(answered) / 2


async def test_a_broken_answer_would_be_seen(alice: Actor, hers: Belongings, monkeypatch: pytest.MonkeyPatch):
    async def broken() -> health.Health:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(health, "read_health", broken)
    operation = next(operation for operation in OPERATIONS if operation.path.endswith("/health"))
    with pytest.raises((Failure, FailureGroup)):
        await _call(operation, GenerationMode.POSITIVE, hers)


async def _healthy() -> health.Health:
    return health.Health(dict.fromkeys(("database", "runtime", "jobs"), True))


async def _call(operation: Any, mode: GenerationMode, hers: Belongings) -> set[int]:
    """The statuses of the answers. Raises: FailureGroup, with the request, when the server broke."""
    seen: set[int] = set()
    loop = asyncio.get_running_loop()
    ids = hers.path_ids() if mode is GenerationMode.POSITIVE else {}
    named = {p.name for p in operation.path_parameters}
    fixed = {name: value for name, value in ids.items() if name in named}

    async with make_client() as client:
        await throttle.lift("alice@sur.example")  # some of the operations guess at her password
        await sign_in(client, "alice@sur.example")  # afresh: one of the operations ends the tokens

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=tuple(HealthCheck),  # pyright: ignore[reportArgumentType]  # iterating it is made by its metaclass
            phases=(Phase.generate,),  # what fails is told as it is: shrinking would repeat requests that change rows
        )
        @given(case=operation.as_strategy(mode, path_parameters=fixed or None))
        def run(case: Any) -> None:
            answer = asyncio.run_coroutine_threadsafe(_send(client, case), loop).result(SECONDS)
            seen.add(answer.status_code)
            case.validate_response(answer, checks=[not_a_server_error])

        try:
            await asyncio.to_thread(run)
        except Unsatisfiable:  # an operation that takes nothing cannot be sent anything wrong
            assert mode is GenerationMode.NEGATIVE
    return seen


async def _send(client: httpx2.AsyncClient, case: Any) -> httpx2.Response:
    """What schemathesis would send, through the client of this loop, where the database is connected."""
    made = requests.Request(**_request(case)).prepare()
    body: Any = made.body or b""
    headers = {
        name: str(value)
        for name, value in made.headers.items()
        if name.lower() not in ("authorization", "content-length")
    }
    return await client.request(str(made.method), str(made.url), headers=headers, content=body)


def _request(case: Any) -> dict[str, Any]:
    known = ("method", "url", "headers", "params", "json", "data", "files", "cookies")
    arguments = case.as_transport_kwargs(base_url="http://localhost:3000")
    return {name: value for name, value in arguments.items() if name in known}
