"""Every kind of person of either company asks every route for the other company's things by their ids, in the address, the
query and the body.

The answer is that to ids of nothing at all: same status, same headers, same body. Nothing of the other company changes, and the
audit trail has the attempt.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from sqlalchemy.engine import make_url

from saasbot.api import channels as channel_routes
from saasbot.infra.postgres import ClusterInfo
from saasbot.infra.roles import DatabaseUrls
from saasbot.models import Role
from saasbot.models.table import new_id
from tests.api.conftest import make_client
from tests.attack.attempts import attempt
from tests.attack.belongings import Belongings
from tests.attack.sides import ACTORS, ANONYMOUS, HAS_TRAIL, Attacker, absent, same_ids, two_sides
from tests.attack.test_routes import API, BODIES, NAMED_INSIDE, OPEN, V1, WITH_IDS, Route

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")


@dataclass(frozen=True)
class Asked:
    """A request that names a thing. `inside`: by an id in its query or body, under an address of the attacker's own."""

    route: Route
    more: dict[str, Any]
    inside: str = ""

    def __str__(self) -> str:
        return f"{self.route.method} {self.route.path} {self.inside}".rstrip()


def asked() -> Iterator[Asked]:
    for route in WITH_IDS:
        yield Asked(route, BODIES.get(route.inside, {}))
    for (method, path, field), request in NAMED_INSIDE.items():
        yield Asked(Route(method, V1 + path), request, field)


ASKED = list(asked())
READ_WHOLE = [route for route in API if route.method == "GET" and not route.ids and route not in OPEN]


@attempt(62, "tenancy", "Every person of both companies asks every route for the ids of the other company.")
async def test_ids_of_another_company_are_ids_of_nothing(
    app_db: DatabaseUrls, cluster: ClusterInfo, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(channel_routes, "_CODE_POLLS", 1)  # no network shows a code here
    wrong: list[str] = []
    statuses: dict[str, list[int]] = {kind: [] for kind in ACTORS}
    async with (
        two_sides(cluster.superuser_url(make_url(app_db.owner).database or "")) as attackers,
        make_client() as api,
    ):
        for attacker in attackers:
            wrong += [f"{attacker}: {route}: {problem}" async for route, problem in leaking_lists(api, attacker)]
            before = attacker.victim.rows.digest()
            for request in ASKED:
                problem, status = await attack(api, attacker, request)
                statuses[attacker.kind].append(status)
                if attacker.victim.rows.digest() != before:
                    problem = problem or "changed what is not theirs"
                    before = attacker.victim.rows.digest()
                if problem:
                    wrong.append(f"{attacker}: {request}: {problem}")
    assert wrong == [], "\n".join(wrong)
    assert set(statuses[ANONYMOUS]) == {401}
    assert statuses[Role.OWNER].count(404) >= 2 * len(WITH_IDS)


async def leaking_lists(api: httpx2.AsyncClient, attacker: Attacker) -> AsyncIterator[tuple[Route, str]]:
    """What can be read without naming anything, when it is not the attacker's own."""
    for route in READ_WHOLE:
        answer = await api.get(route.path, headers=await attacker.headers())
        expected = (401,) if attacker.kind == ANONYMOUS else (200,) if attacker.kind == Role.OWNER else (200, 403)
        if answer.status_code not in expected:
            yield route, f"answers {answer.status_code} {answer.text}"
        elif attacker.victim.mark in answer.text or str(attacker.victim.things.company_id) in answer.text:
            yield route, "shows what is not theirs"


async def attack(api: httpx2.AsyncClient, attacker: Attacker, request: Asked) -> tuple[str, int]:
    """What is wrong, if anything, and the status of the answer."""
    victim, headers, traces = attacker.victim, await attacker.headers(), attacker.traces()
    user_id = str(victim.people[Role.OWNER].user_id)
    answer = await send(api, request, headers, own=attacker.own.things, ids=ids_of(victim.things, user_id))
    if victim.mark in answer.text:
        return "shows what is not theirs", answer.status_code
    if not refused(attacker, request, answer):
        return f"answers {answer.status_code} {answer.text}", answer.status_code
    if attacker.person and HAS_TRAIL and answer.status_code in (403, 404) and attacker.traces() == traces:
        return "no trace in the audit trail", answer.status_code
    if attacker.compares and attacker.person:
        nothing, nobody = absent(victim.things), str(new_id())
        other = await send(api, request, headers, own=attacker.own.things, ids=ids_of(nothing, nobody))
        one, two = comparable(answer, victim.things, user_id), comparable(other, nothing, nobody)
        if one != two:
            return f"differs from what is not there: {one} / {two}", answer.status_code
    return "", answer.status_code


def refused(attacker: Attacker, request: Asked, answer: httpx2.Response) -> bool:
    """401 without a token; else not found, or not allowed whatever the thing. A filter by somebody else's id finds nothing."""
    if attacker.kind == ANONYMOUS:
        return answer.status_code == 401
    if request.inside and request.route.method == "GET" and answer.is_success:
        return answer.json()["data"] == []
    if answer.status_code == 403:
        return attacker.kind != Role.OWNER
    return answer.status_code == 404 or (bool(request.inside) and answer.status_code == 422)


def ids_of(things: Belongings, user_id: str) -> dict[str, str]:
    return {**things.path_ids(), "user_id": user_id}


async def send(
    api: httpx2.AsyncClient, request: Asked, headers: dict[str, str], *, own: Belongings, ids: dict[str, str]
) -> httpx2.Response:
    path = request.route.at(own.path_ids() if request.inside else ids)
    more = filled(request.more, ids) if request.inside else request.more
    return await api.request(request.route.method, path, headers=headers, **more)


def filled(more: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    return json.loads(re.sub(r'"{(\w+)}"', lambda found: json.dumps(ids[found[1]]), json.dumps(more)))


def comparable(answer: httpx2.Response, things: Belongings, user_id: str) -> tuple[int, str, str]:
    """Status, headers and body, with names in place of ids."""
    headers = str(sorted(answer.headers.items()))
    return answer.status_code, headers, same_ids(answer.text, things).replace(user_id, "<user_id>")


async def test_a_method_that_an_address_does_not_have_looks_nothing_up(
    app_db: DatabaseUrls, cluster: ClusterInfo, monkeypatch: pytest.MonkeyPatch
):
    """So that it says the same of every id, to everybody."""
    others = sorted({Route(method, route.path) for route in WITH_IDS for method in METHODS} - set(API))
    ids = dict.fromkeys((name for route in others for name in route.ids), "01a21450-0fcf-7b25-8c5c-87ce95795847")
    async with make_client() as api:
        for route in others:
            answer = await api.request(route.method, route.at(ids | {"version": "1"}))
            assert (answer.status_code, answer.headers.get("www-authenticate")) == (405, None), (route, answer.text)
    assert len(others) > 100
