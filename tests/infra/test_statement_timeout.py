"""A statement that hangs is ended, the request is answered, and the pool lives on."""

import asyncio
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from saasbot.api import products as product_routes
from saasbot.domain.actor import Actor
from saasbot.infra import db
from saasbot.infra.db import platform_unit_of_work, sql, take_longer, unit_of_work
from tests.api.conftest import Client, as_alice, client

__all__ = ["as_alice", "client"]


async def show(name: str) -> str:
    return (await sql("SELECT current_setting(:name)", name=name)).scalar_one()


async def test_both_roles_have_their_time_and_no_transaction_sleeps_on(alice: Actor):
    async with unit_of_work(alice):
        assert (await show("statement_timeout"), await show("idle_in_transaction_session_timeout")) == ("15s", "1min")
    async with platform_unit_of_work("a test looks"):
        assert (await show("statement_timeout"), await show("idle_in_transaction_session_timeout")) == ("30s", "1min")


async def test_what_may_take_longer_may_so_until_its_transaction_ends(alice: Actor):
    async with unit_of_work(alice):
        await take_longer(seconds=600)
        assert (await show("statement_timeout"), await show("idle_in_transaction_session_timeout")) == (
            "10min",
            "10min",
        )
    for _ in range(db._engines["app"].pool.checkedin() + 1):  # type: ignore[attr-defined]
        async with unit_of_work(alice):
            assert await show("statement_timeout") == "15s"


async def test_a_request_whose_statement_hangs_is_answered_503_and_the_next_one_is_not(
    as_alice: Client, monkeypatch: pytest.MonkeyPatch
):
    async def hangs(_actor: Actor, **_given: Any) -> None:
        await sql("SELECT set_config('statement_timeout', '50ms', true)")
        await sql("SELECT pg_sleep(30)")

    listed = product_routes.catalogue.list_products
    monkeypatch.setattr(product_routes.catalogue, "list_products", hangs)
    for _ in range(35):  # more than the pool has connections
        answer = await as_alice.get("/api/v1/products")
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    monkeypatch.setattr(product_routes.catalogue, "list_products", listed)
    assert (await as_alice.get("/api/v1/products")).status_code == 200


async def test_a_transaction_that_is_forgotten_is_ended_and_the_pool_lives(alice: Actor):
    with pytest.raises(OperationalError):
        async with unit_of_work(alice):
            await sql("SELECT set_config('idle_in_transaction_session_timeout', '20ms', true)")
            await sql("SELECT 1")
            await asyncio.sleep(0.3)
            await sql("SELECT 1")
    async with unit_of_work(alice):
        assert (await sql("SELECT 1")).scalar_one() == 1
