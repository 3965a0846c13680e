"""A client of the REST application, without a server around it."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from saasbot.api.app import api
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import find_account
from saasbot.infra.roles import DatabaseUrls
from tests.people import PASSWORD, fresh_code

Client = httpx2.AsyncClient


@pytest.fixture
async def client(app_db: DatabaseUrls) -> AsyncIterator[Client]:
    """Nobody's."""
    async with make_client() as made:
        yield made


def make_client() -> Client:
    transport = httpx2.ASGITransport(api, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost:3000")


async def sign_in(client: Client, email: str, password: str = PASSWORD) -> dict[str, str]:
    """From now on the client calls as this person. Returns the answer of the sign-in."""
    answer = await client.post("/api/v1/auth/login", json={"email": email, "password": password})
    if answer.status_code == 403:
        found = await find_account(email)
        assert found is not None
        step = {"attempt": answer.json()["attempt"], "code": await fresh_code(found[0].user_id)}
        answer = await client.post("/api/v1/auth/two-step", json=step)
    assert answer.status_code == 200, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return answer.json()


@pytest.fixture
async def as_alice(client: Client, alice: Actor) -> AsyncIterator[Client]:
    """Alice's client."""
    await sign_in(client, "alice@sur.example")
    yield client


@pytest.fixture
async def as_mallory(mallory: Actor) -> AsyncIterator[Client]:
    """Mallory's client."""
    async with make_client() as made:
        await sign_in(made, "mallory@junta.example")
        yield made
