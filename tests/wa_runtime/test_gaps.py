"""Messages that may be missing are told in the chats concerned, once, and without making news of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from saasbot.domain import channels
from saasbot.domain.actor import Actor
from saasbot.domain.channels.gaps import begin_gap, end_gap
from saasbot.domain.channels.lease import acquire_lease, release_lease
from saasbot.domain.inbox.gaps import tell_gap
from saasbot.domain.inbox.thread import read_thread
from saasbot.domain.inbox.views import ThreadPage
from saasbot.infra import process_identity
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.jobs.channels import tell_gap_again
from saasbot.models import Channel, ChannelStatus, Conversation, GapCause
from saasbot.models.table import utcnow
from saasbot.state.message_rows import MessageRow, rows_of
from saasbot.state.reader import Reader
from saasbot.state.thread_look import ThreadLook
from saasbot.wa_runtime import number_states
from saasbot.wa_runtime.number_lease import NumberLease
from saasbot.wa_runtime.transport import StateChange
from tests.fixtures.numbers import ScriptedTransport, ref_of, until
from tests.fixtures.shops import Shop
from tests.fixtures.simulator import RunningSimulator
from tests.wa_runtime.test_number import Running, running

ANA, BETO = "5491100000001", "5491100000002"


@dataclass(frozen=True)
class Gap:
    id: UUID
    cause: str
    began_at: datetime
    seconds: float | None


async def gaps(shop: Shop) -> list[Gap]:
    async with unit_of_work(shop.system):
        rows = await sql(
            "SELECT id, cause, began_at, EXTRACT(EPOCH FROM ended_at - began_at) AS seconds FROM channel_gap ORDER BY began_at"
        )
        return [
            Gap(row.id, row.cause, row.began_at, row.seconds if row.seconds is None else float(row.seconds))
            for row in rows.all()
        ]


async def lines(shop: Shop, conversation_id: UUID, *, locale: str = "es") -> list[MessageRow]:
    """What the thread says of gaps."""
    async with unit_of_work(shop.alice):
        page = await read_thread(shop.alice, conversation_id)
    shown = rows_of(page.messages[::-1], Reader.of(shop.alice, locale))
    return [row for row, view in zip(shown, page.messages[::-1], strict=True) if view.payload.get("kind") == "gap"]


async def abandoned(shop: Shop, *, minutes: float = 0, by: str = "another machine") -> None:
    """Somebody holds the number, and was last heard of so long ago."""
    async with unit_of_work(shop.system):
        await acquire_lease(shop.system, shop.channel.id, holder=by)
        await sql("UPDATE channel_lease SET expires_at = expires_at - :t", t=timedelta(minutes=minutes))


@contextlib.asynccontextmanager
async def held(shop: Shop, tmp_path: Path) -> AsyncIterator[Running]:
    async with unit_of_work(shop.system):
        channel = await session().get_one(Channel, shop.channel.id)
    async with running(channel, tmp_path) as number:
        yield number


async def test_a_holder_that_died_is_told_in_the_chats_of_that_time(shop: Shop, tmp_path: Path):
    chat = await shop.hears("hola", phone=ANA)
    await abandoned(shop, minutes=18)
    async with held(shop, tmp_path):
        [gap] = await gaps(shop)
    assert gap.cause == "holder_died"
    assert gap.seconds is not None and 17 * 60 < gap.seconds < 19 * 60
    [line] = await lines(shop, chat)
    assert (line.side, line.type, line.author) == ("line", "activity", "system")
    assert line.text.startswith("Puede que falten mensajes de ")
    [line] = await lines(shop, chat, locale="en")
    assert line.text.startswith("Messages may be missing from ")


async def test_a_dead_process_of_this_machine_is_told_without_waiting_for_its_lease(shop: Shop, tmp_path: Path):
    chat = await shop.hears("hola", phone=ANA)
    await abandoned(shop, by=process_identity.this_process())
    async with held(shop, tmp_path):
        assert [gap.cause for gap in await gaps(shop)] == ["holder_died"]
    assert len(await lines(shop, chat)) == 1


async def test_a_number_that_was_let_go_of_has_no_gap(shop: Shop, tmp_path: Path):
    await shop.hears("hola", phone=ANA)
    async with unit_of_work(shop.system):
        epoch = await acquire_lease(shop.system, shop.channel.id, holder="another machine")
        await release_lease(shop.system, shop.channel.id, epoch=epoch or 0)
    async with held(shop, tmp_path):
        assert await gaps(shop) == []
    async with held(shop, tmp_path):
        assert await gaps(shop) == []


async def test_the_line_is_no_news(shop: Shop, tmp_path: Path):
    chat = await shop.hears("hola", phone=ANA)
    before = await shop.conversation(chat)
    await abandoned(shop, minutes=18)
    async with held(shop, tmp_path):
        assert len(await lines(shop, chat)) == 1
    after = await shop.conversation(chat)
    assert _news(after) == _news(before)


def _news(conversation: Conversation) -> tuple:
    c = conversation
    return (
        c.unread,
        c.last_activity_at,
        c.last_message_id,
        c.last_preview,
        c.turn_due_at,
        c.status,
        c.last_customer_seq,
    )


async def test_a_deaf_time_is_told_when_it_is_over(shop: Shop, tmp_path: Path):
    chat = await shop.hears("hola", phone=ANA)
    async with held(shop, tmp_path) as number:
        number.transport.wiring.on_state(StateChange(ChannelStatus.DEAF, "keepalive_timeout"))
        await until(lambda: _count(shop, 1))
        [gap] = await gaps(shop)
        assert (gap.cause, gap.seconds) == ("deaf", None)
        assert await lines(shop, chat) == []
        number.transport.wiring.on_state(StateChange(ChannelStatus.OPEN))
        await until(lambda: _told(shop, chat))
        [gap] = await gaps(shop)
        assert gap.seconds is not None


async def test_a_deaf_time_begins_with_the_last_that_was_heard(shop: Shop, tmp_path: Path):
    async with held(shop, tmp_path) as number:
        heard_at = utcnow() - timedelta(minutes=2)
        number.transport.wiring.on_state(StateChange(ChannelStatus.DEAF, "unheard", heard_at=heard_at))
        number.transport.wiring.on_state(StateChange(ChannelStatus.OPEN))
        await until(lambda: _over(shop))
        [gap] = await gaps(shop)
    assert gap.seconds is not None and 119 < gap.seconds < 140


@pytest.mark.parametrize(
    ("reason", "cause"), [("journal_unwritable", "unwritable"), ("library_fault", "library_fault")]
)
async def test_a_connection_that_ends_with_a_loss_is_told(shop: Shop, tmp_path: Path, reason: str, cause: str):
    chat = await shop.hears("hola", phone=ANA)
    async with held(shop, tmp_path) as number:
        heard_at = utcnow() - timedelta(seconds=30)
        number.transport.wiring.on_state(StateChange(ChannelStatus.RECONNECTING, reason, heard_at=heard_at))
        await until(lambda: _told(shop, chat))
        [gap] = await gaps(shop)
    assert gap.cause == cause
    assert gap.seconds is not None and 29 < gap.seconds < 50


async def test_a_loss_is_of_when_it_was_told_however_long_the_database_is_away(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    report = number_states.report_state

    async def away_at_first(*_args: object, **_values: object) -> None:
        monkeypatch.setattr(number_states, "report_state", report)  # a second later it is tried again
        raise ConnectionError

    async with held(shop, tmp_path) as number:
        monkeypatch.setattr(number_states, "report_state", away_at_first)
        told_at = utcnow()
        number.transport.wiring.on_state(StateChange(ChannelStatus.RECONNECTING, "journal_unwritable"))
        await until(lambda: _over(shop))
        [gap] = await gaps(shop)
    assert gap.began_at - told_at < timedelta(seconds=0.5)


async def test_a_holder_that_dies_before_it_has_told_leaves_the_gap_to_the_next(shop: Shop, tmp_path: Path):
    chat = await shop.hears("hola", phone=ANA)
    await abandoned(shop, minutes=18)
    async with unit_of_work(shop.system):
        channel = await session().get_one(Channel, shop.channel.id)
    short_lived = NumberLease(ref_of(channel), asyncio.Event(), redelivers=False)
    assert await short_lived.acquire()
    async with unit_of_work(shop.system):
        await sql("UPDATE channel_lease SET expires_at = now() - interval '1 second'")
    async with held(shop, tmp_path):
        [gap] = await gaps(shop)
    assert gap.seconds is not None and gap.seconds > 17 * 60
    assert len(await lines(shop, chat)) == 1


async def _over(shop: Shop) -> bool:
    return [gap.seconds is not None for gap in await gaps(shop)] == [True]


async def _count(shop: Shop, count: int) -> bool:
    return len(await gaps(shop)) == count


async def _told(shop: Shop, chat: UUID) -> bool:
    return len(await lines(shop, chat)) == 1


async def test_a_deaf_number_that_is_switched_off_is_told_too(shop: Shop, tmp_path: Path):
    chat = await shop.hears("hola", phone=ANA)
    async with held(shop, tmp_path) as number:
        number.transport.wiring.on_state(StateChange(ChannelStatus.DEAF, "keepalive_timeout"))
        await until(lambda: _count(shop, 1))
        async with unit_of_work(shop.alice):
            await channels.disconnect(shop.alice, shop.channel.id)
    assert len(await lines(shop, chat)) == 1


async def test_a_number_that_died_deaf_has_one_gap_from_the_deafness_on(shop: Shop, tmp_path: Path):
    chat = await shop.hears("hola", phone=ANA)
    async with unit_of_work(shop.system):
        await begin_gap(shop.system, shop.channel.id, cause=GapCause.DEAF, at=utcnow() - timedelta(minutes=30))
    await abandoned(shop, minutes=18)
    async with held(shop, tmp_path):
        [gap] = await gaps(shop)
    assert gap.cause == "deaf" and gap.seconds is not None and gap.seconds > 29 * 60
    assert len(await lines(shop, chat)) == 1


async def test_a_network_that_redelivers_has_no_gaps(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ScriptedTransport, "redelivers", True)
    chat = await shop.hears("hola", phone=ANA)
    await abandoned(shop, minutes=18)
    async with held(shop, tmp_path) as number:
        number.transport.wiring.on_state(StateChange(ChannelStatus.DEAF, "keepalive_timeout"))
        number.transport.wiring.on_state(StateChange(ChannelStatus.OPEN))
    assert await gaps(shop) == [] and await lines(shop, chat) == []


async def gap_of(shop: Shop, *, minutes: float, ended: float = 0) -> UUID:
    """A gap that began and ended so many minutes ago."""
    async with unit_of_work(shop.system):
        await begin_gap(shop.system, shop.channel.id, cause=GapCause.DEAF, at=utcnow() - timedelta(minutes=minutes))
        gap_id = await end_gap(shop.system, shop.channel.id)
        assert gap_id is not None
        if ended:
            await sql("UPDATE channel_gap SET ended_at = now() - :t", t=timedelta(minutes=ended))
        return gap_id


async def test_only_chats_of_that_time_and_number_are_concerned(shop: Shop, other_shop: Shop):
    old, recent = await shop.hears("antes", phone=ANA), await shop.hears("ahora", phone=BETO)
    elsewhere = await other_shop.hears("hola", phone=ANA)
    async with unit_of_work(shop.system):
        await sql("UPDATE message SET created_at = now() - interval '1 hour' WHERE conversation_id = :id", id=old)
    await gap_of(shop, minutes=20)
    assert (len(await lines(shop, old)), len(await lines(shop, recent))) == (0, 1)
    assert await lines(other_shop, elsewhere) == []


async def test_a_chat_that_comes_alive_after_the_gap_is_told_once(shop: Shop):
    first = await shop.hears("hola", phone=ANA)
    gap_id = await gap_of(shop, minutes=3)
    second = await shop.hears("¿me leyeron?", phone=BETO)
    for _ in range(2):
        await tell_gap_again(company_id=str(shop.company.id), gap_id=str(gap_id))
    assert (len(await lines(shop, first)), len(await lines(shop, second))) == (1, 1)


async def test_gaps_that_follow_one_another_are_one_line_that_grows(shop: Shop):
    chat = await shop.hears("hola", phone=ANA)
    first = await gap_of(shop, minutes=9, ended=4)
    async with unit_of_work(shop.system):
        assert await tell_gap(shop.system, first) == 1
    [before] = await lines(shop, chat)
    assert await gap_of(shop, minutes=2) == first
    [after] = await lines(shop, chat)
    assert after.id == before.id and after.text != before.text
    [gap] = await gaps(shop)
    assert gap.seconds is not None and gap.seconds > 8 * 60


async def test_an_open_thread_shows_the_line_where_it_belongs_and_moves_it(shop: Shop):
    chat = await shop.hears("antes", phone=ANA)
    look = ThreadLook(chat, Reader.of(shop.alice, "es"), socket="tab")
    look.fill(await _page(shop, chat))
    await gap_of(shop, minutes=4)
    look.change(await _page(shop, chat))
    await shop.hears("en el medio", phone=ANA)
    look.change(await _page(shop, chat))
    await gap_of(shop, minutes=1)
    look.change(await _page(shop, chat))
    assert [row.type for row in (*look.settled, *look.fresh)] == ["text", "text", "activity"]


async def _page(shop: Shop, chat: UUID) -> ThreadPage:
    async with unit_of_work(shop.alice):
        return await read_thread(shop.alice, chat)


async def test_gaps_far_apart_are_two(shop: Shop):
    await gap_of(shop, minutes=30, ended=20)
    await gap_of(shop, minutes=2)
    assert len(await gaps(shop)) == 2


async def test_nobody_is_told_of_another_companys_gap(shop: Shop, other_shop: Shop):
    gap_id = await gap_of(shop, minutes=3)
    chat = await other_shop.hears("hola", phone=ANA)
    async with unit_of_work(other_shop.system):
        assert await tell_gap(other_shop.system, gap_id) == 0
    assert await lines(other_shop, chat) == []


async def test_a_simulated_number_loses_nothing_when_its_holder_dies(running_simulator: RunningSimulator):
    simulator = running_simulator
    await simulator.write("antes")
    await simulator.arrived()
    await simulator.network.stop()
    await simulator.write("mientras no había nadie")
    system = Actor.system(simulator.alice.company_id)
    async with unit_of_work(system):
        await acquire_lease(system, simulator.channel_id, holder="another machine")
        await sql("UPDATE channel_lease SET expires_at = now() - interval '1 minute'")
    await simulator.network.start()
    await simulator.fault("deaf", seconds=0.2)
    await simulator.arrived(2)
    assert await gaps(simulator.shop) == []
