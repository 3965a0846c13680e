"""Whatever a client sends, described or not, is never our failure: no operation answers 5xx."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.generation import GenerationMode

from saasbot.api.app import api
from tests.fixtures.server import RunningServer

_EXAMPLES = 15
"""For each operation, half of them as described and half not."""
_SECONDS = 30.0
_OPERATIONS = [
    (method, path)
    for path, methods in api.openapi()["paths"].items()
    for method in methods
    if not path.endswith("/health")  # says 503 when it must
]
_SCHEMA = schemathesis.openapi.from_dict(cast("dict[str, Any]", api.openapi()))


@pytest.fixture(scope="module")
def owner(server: RunningServer) -> Iterator[httpx2.Client]:
    """The owner of a company that nobody else uses."""
    newcomer = {
        "company_name": "Fuzz",
        "name": "Fuzz",
        "email": "fuzz@fuzz.example",
        "password": "a fuzzy 9 password",
        "accept_terms": True,
    }
    with httpx2.Client(base_url=f"{server.url}/api/v1", timeout=_SECONDS) as client:
        answer = client.post("/auth/register", json=newcomer)
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


@pytest.fixture(scope="module")
def existing(owner: httpx2.Client) -> Mapping[str, str]:
    """Path parameters that lead to something: without them nearly every case would be a 404."""
    product = owner.post("/products", json={"title": "Zapatillas", "price": 100, "currency": "ARS"})
    bot = owner.get("/bots")
    channel = owner.post("/channels", json={"kind": "simulator", "name": "Tienda"})
    return {
        "product_id": product.json()["id"],
        "bot_id": bot.json()["data"][0]["id"],
        "channel_id": channel.json()["id"],
        "version": "1",
    }


@pytest.mark.parametrize(("method", "path"), _OPERATIONS, ids=[f"{method} {path}" for method, path in _OPERATIONS])
def test_nothing_makes_the_server_fail(
    method: str, path: str, server: RunningServer, owner: httpx2.Client, existing: Mapping[str, str]
):
    operation = _SCHEMA[path][method.upper()]
    described, other = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
    # deleting and signing out would leave nothing to try the other operations on
    headers = {} if path.endswith("/auth/logout") else dict(owner.headers)
    targets = st.just({}) if method == "delete" else st.sampled_from([{}, dict(existing)])

    @settings(
        max_examples=_EXAMPLES,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(cast("Any", HealthCheck)),
        database=None,
    )
    @given(case=st.one_of(described, other), target=targets)
    def attack(case: Case, target: Mapping[str, str]) -> None:
        case.path_parameters = {
            name: target.get(name, value) for name, value in cast("dict[str, Any]", case.path_parameters or {}).items()
        }
        answer = case.call(base_url=server.url, headers={"Authorization": headers.get("authorization", "")})
        assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.text}"
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"], answer.text
            assert answer.json()["code"]

    attack()
