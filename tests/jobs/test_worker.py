"""The worker takes turns from the queue, waits while customers type, and outlives what goes wrong around it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from saasbot.domain.bots.edit import set_bot_enabled
from saasbot.domain.inbox.turns import TASK
from saasbot.infra import db, job_queue
from saasbot.infra.db import session, unit_of_work
from saasbot.jobs import turns
from saasbot.jobs.worker import rescue_stalled, running_worker
from saasbot.models import Conversation
from saasbot.models.table import utcnow
from tests.agent.fake_openai import FakeOpenAI, says
from tests.fixtures.agent import Configure, answers, turns_of
from tests.fixtures.shops import Shop

Script = Callable[..., FakeOpenAI]


async def eventually(check: Callable[[], Awaitable[bool]], *, seconds: float = 20) -> None:
    """Wait until the check is true."""
    async with asyncio.timeout(seconds):
        while not await check():
            await asyncio.sleep(0.02)


async def answered(shop: Shop, conversation_id: UUID, count: int = 1) -> None:
    async def enough() -> bool:
        return len(await answers(shop, conversation_id)) >= count

    await eventually(enough)


async def query(statement: str, *arguments: object) -> list[tuple]:
    async with await psycopg.AsyncConnection.connect(db.app_dsn(), autocommit=True) as connection:
        return await (await connection.execute(statement.encode(), arguments)).fetchall()


async def waiting_jobs() -> list[tuple]:
    """The turns among them: id, status, tries, when."""
    return await query(
        "SELECT id, status::text, attempts, scheduled_at FROM procrastinate_jobs WHERE task_name = %s ORDER BY id", TASK
    )


@pytest.fixture
async def worker(configure: Configure) -> AsyncIterator[None]:
    async with running_worker(db.app_dsn()):
        yield


async def test_a_message_is_answered_by_the_worker_and_the_queue_is_left_clean(
    shop: Shop, scripted: Script, worker: None
) -> None:
    scripted(says("¡Hola!"))
    chats = [await shop.hears("Hola", phone=f"54911000000{number:02}") for number in range(12)]
    for conversation_id in chats:
        await answered(shop, conversation_id)

    async def clean() -> bool:
        return await waiting_jobs() == []

    await eventually(clean)
    assert [len(await answers(shop, conversation_id)) for conversation_id in chats] == [1] * 12


async def test_several_quick_messages_are_one_turn(shop: Shop, scripted: Script, configure: Configure) -> None:
    configure(agent_debounce_ms=400)
    fake = scripted(says("A todo"))
    for text in ("Hola", "¿Hay zapatillas?", "En talle 42"):
        conversation_id = await shop.hears(text)
    [(_, status, _, scheduled_at)] = await waiting_jobs()
    assert status == "todo" and scheduled_at is not None, "one job for all of them"
    async with running_worker(db.app_dsn()):
        await answered(shop, conversation_id)
    assert len(fake.requests) == 1 and "talle 42" in fake.told()
    assert len(await answers(shop, conversation_id)) == 1


async def test_a_customer_who_goes_on_typing_is_waited_for(
    shop: Shop, scripted: Script, configure: Configure, worker: None
) -> None:
    """The job that comes too early asks for another one and leaves."""
    configure(agent_debounce_ms=30_000)
    scripted(says("¡Hola!"))
    conversation_id = await shop.hears("Hola")
    [(first, *_)] = await waiting_jobs()
    await query("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE task_name = %s RETURNING id", TASK)

    async def put_off() -> bool:
        found = await waiting_jobs()
        return len(found) == 1 and found[0][0] != first

    await eventually(put_off)
    assert await answers(shop, conversation_id) == []
    async with unit_of_work(shop.system):
        (await session().get_one(Conversation, conversation_id)).turn_due_at = utcnow() - timedelta(seconds=1)
    await query("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE task_name = %s RETURNING id", TASK)
    await answered(shop, conversation_id)


async def test_the_job_of_a_killed_worker_is_taken_up_and_answers_once(shop: Shop, scripted: Script) -> None:
    scripted(says("¡Hola!"))
    conversation_id = await shop.hears("Hola")
    # a worker took the job and its process was killed: its last heartbeat is old
    await query(
        "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute') RETURNING id) "
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM dead) "
        "WHERE task_name = %s RETURNING id",
        TASK,
    )
    async with unit_of_work(shop.system):
        (await session().get_one(Conversation, conversation_id)).turn_due_at = None
    async with running_worker(db.app_dsn()):
        await answered(shop, conversation_id)
    assert [m.text for m in await answers(shop, conversation_id)] == ["¡Hola!"]
    assert len(await turns_of(shop, conversation_id)) == 1


async def test_the_job_of_a_living_worker_is_left_alone(shop: Shop, configure: Configure) -> None:
    await shop.hears("Hola")
    await query(
        "WITH living AS (INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id) "
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM living) "
        "WHERE task_name = %s RETURNING id",
        TASK,
    )
    async with job_queue.opened(db.app_dsn()) as app:
        assert await rescue_stalled(app) == 0
        assert await rescue_stalled(app, dead_after=-1) == 1
    [(_, status, attempts, _)] = await waiting_jobs()
    assert (status, attempts) == ("todo", 1)


async def test_the_worker_comes_back_after_its_connections_were_cut(shop: Shop, scripted: Script, worker: None) -> None:
    scripted(says("¡Hola!"))
    first = await shop.hears("Hola", phone="5491100000001")
    await answered(shop, first)
    await query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()"
    )
    await asyncio.sleep(0)
    conversation_id = await hears_again(shop)
    await answered(shop, conversation_id)


async def hears_again(shop: Shop) -> UUID:
    """A message that is stored as soon as the database is reachable."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await shop.hears("¿Hola?", phone="5491100000002")
            except (DBAPIError, psycopg.Error):  # connections of the pool that were cut too
                await asyncio.sleep(0.05)


async def test_a_stopping_worker_puts_an_unfinished_turn_back(shop: Shop, scripted: Script) -> None:
    thinking = asyncio.Event()

    async def forever(_request: dict) -> None:
        thinking.set()
        await asyncio.Event().wait()

    fake = scripted(forever)
    conversation_id = await shop.hears("Hola")
    async with running_worker(db.app_dsn()):
        await thinking.wait()
    [(_, status, attempts, _)] = await waiting_jobs()
    assert (status, attempts) == ("todo", 1)
    fake.steps[:] = [says("¡Hola!")]
    async with running_worker(db.app_dsn()):
        await answered(shop, conversation_id)
    assert [m.text for m in await answers(shop, conversation_id)] == ["¡Hola!"]


async def test_a_turn_whose_job_is_lost_is_asked_for_again_by_the_next_message(
    shop: Shop, scripted: Script, worker: None
) -> None:
    scripted(says("¡Hola!"))
    async with unit_of_work(shop.alice):
        await set_bot_enabled(shop.alice, shop.bot.id, enabled=False)
    conversation_id = await shop.hears("Hola")
    async with unit_of_work(shop.alice):
        (await session().get_one(Conversation, conversation_id)).turn_due_at = utcnow() - timedelta(minutes=6)
        await set_bot_enabled(shop.alice, shop.bot.id, enabled=True)
    assert await waiting_jobs() == []
    await shop.hears("¿Hola?")
    await answered(shop, conversation_id)


async def test_a_company_whose_model_hangs_leaves_room_for_the_others(
    shop: Shop, other_shop: Shop, scripted: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MAX_PER_COMPANY", 2)
    go_on = asyncio.Event()

    async def hangs(request: dict) -> dict:
        if "Zapatería Luna" in request["messages"][0]["content"]:
            await go_on.wait()
        return says("¡Hola!")

    scripted(hangs)
    chats = [await shop.hears("Hola", phone=f"549110000000{number}") for number in range(5)]
    others = await other_shop.hears("Hola")
    async with running_worker(db.app_dsn(), concurrency=3):
        await answered(other_shop, others)
        go_on.set()
        for conversation_id in chats:
            await answered(shop, conversation_id)
