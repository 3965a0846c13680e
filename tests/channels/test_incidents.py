"""Owners hear once of a number that cannot work: not of flaps, not of what they did themselves, and of many numbers together."""

import shutil
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from saasbot.domain import channels, reports
from saasbot.domain.channels import incidents
from saasbot.domain.channels.incidents import GATHER, MAIL_TASK, NOTICE, TELL_TASK
from saasbot.domain.channels.pairing import request_qr
from saasbot.domain.channels.state import report_state
from saasbot.domain.companies.notices import dismiss_notice
from saasbot.infra import db, mail
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.infra.mail import StoredMail
from saasbot.infra.settings import settings
from saasbot.jobs.channels import mail_down, tell_down
from saasbot.jobs.worker import running_worker
from saasbot.models import Channel, ChannelStatus, Desired
from tests.fixtures.shops import Shop
from tests.fixtures.simulator import RunningSimulator, until

OPEN, DEAF, RECONNECTING = ChannelStatus.OPEN, ChannelStatus.DEAF, ChannelStatus.RECONNECTING
LOGGED_OUT, BANNED, FAILED = ChannelStatus.LOGGED_OUT, ChannelStatus.BANNED, ChannelStatus.FAILED


@pytest.fixture(autouse=True)
def empty_mailbox() -> None:
    shutil.rmtree(settings().data_dir / "mail", ignore_errors=True)


@pytest.fixture
async def number(shop: Shop) -> UUID:
    """A linked number of alice's that is open."""
    await opened(shop, shop.channel.id)
    return shop.channel.id


async def opened(shop: Shop, *numbers: UUID) -> None:
    async with unit_of_work(shop.system):
        for number in numbers:
            channel = await session().get_one(Channel, number)
            channel.device_jid, channel.desired, channel.status = "5491100:1@s.whatsapp.net", Desired.RUNNING, OPEN


async def says(shop: Shop, number: UUID, *statuses: ChannelStatus, ended: bool = False) -> None:
    """The holder of the number reports, one after the other."""
    for status in statuses:
        async with unit_of_work(shop.system):
            held = (await session().get_one(Channel, number)).device_jid
            await report_state(shop.system, number, epoch=None, device_jid=held, status=status, ended=ended)


async def passes(shop: Shop, seconds: float) -> None:
    """As if so much time had gone by."""
    async with unit_of_work(shop.system):
        await sql(
            "UPDATE channel_incident SET began_at = began_at - :t, due_at = due_at - :t, told_at = told_at - :t, "
            "recovered_at = recovered_at - :t",
            t=timedelta(seconds=seconds),
        )


async def taken(task: str) -> list[tuple[dict, datetime | None]]:
    """The jobs of this kind that wait, with their hours; they wait no more."""
    async with await psycopg.AsyncConnection.connect(db.app_dsn(), autocommit=True) as connection:
        found = await connection.execute(
            "SELECT id, args, scheduled_at FROM procrastinate_jobs WHERE task_name = %s ORDER BY id", [task]
        )
        rows = await found.fetchall()
        await connection.execute("DELETE FROM procrastinate_jobs WHERE id = ANY(%s)", [[row[0] for row in rows]])
    return [(args, scheduled_at) for _, args, scheduled_at in rows]


async def told(shop: Shop) -> list[StoredMail]:
    """The jobs that wait have run. The mails they left, oldest first."""
    for args, _ in await taken(TELL_TASK):
        await tell_down(**args)
    for args, _ in await taken(MAIL_TASK):
        await mail_down(**args)
    found = mail.stored_mails()[::-1]
    shutil.rmtree(settings().data_dir / "mail", ignore_errors=True)
    return found


async def notices(shop: Shop) -> list[str]:
    """What the numbers' notices that are open say."""
    async with unit_of_work(shop.alice):
        rows = await sql("SELECT details->>'status' FROM notice WHERE kind = :k AND cleared_at IS NULL", k=NOTICE)
        return [row[0] for row in rows.all()]


@pytest.mark.parametrize("status", [LOGGED_OUT, BANNED, FAILED])
async def test_what_needs_a_person_is_told_at_once_in_the_app_and_by_mail(shop: Shop, number: UUID, status):
    await says(shop, number, status, ended=True)
    [(_, scheduled_at)] = jobs = await taken(TELL_TASK)
    assert scheduled_at is not None and scheduled_at - datetime.now(UTC) <= GATHER
    await tell_down(**jobs[0][0])
    [found] = await told(shop)
    assert found.subject == "Tienda 1 te necesita"
    assert "Hola, Alice" in found.text and f"{settings().public_url}/channels" in found.text
    assert await notices(shop) == [status]


async def test_the_mail_speaks_the_owners_language(shop: Shop, number: UUID):
    async with unit_of_work(shop.system):
        await sql("UPDATE user_account SET locale = 'en' WHERE id = :id", id=shop.alice.user_id)
    await says(shop, number, BANNED)
    [found] = await told(shop)
    assert found.subject == "Tienda 1 needs you"
    assert "is blocked by WhatsApp since" in found.text


@pytest.mark.parametrize(("status", "seconds"), [(DEAF, 30), (RECONNECTING, 120)])
async def test_what_may_heal_is_told_only_when_it_lasts(shop: Shop, number: UUID, status, seconds: int):
    await says(shop, number, status)
    [(args, scheduled_at)] = await taken(TELL_TASK)
    assert scheduled_at is not None and scheduled_at - datetime.now(UTC) > timedelta(seconds=seconds - 5)
    await tell_down(**args)
    assert await told(shop) == [] and await notices(shop) == []
    await passes(shop, seconds)
    await tell_down(**args)
    assert len(await told(shop)) == 1
    assert await notices(shop) == [status]


async def test_trouble_that_changes_its_name_is_counted_from_its_beginning(shop: Shop, number: UUID):
    await says(shop, number, RECONNECTING)
    await passes(shop, 100)
    await says(shop, number, DEAF)
    assert len(await told(shop)) == 1


async def test_what_healed_in_time_is_never_told(shop: Shop, number: UUID):
    await says(shop, number, DEAF, OPEN)
    await passes(shop, 60)
    assert await told(shop) == [] and await notices(shop) == []


async def test_a_number_that_flaps_is_told_once(shop: Shop, number: UUID):
    await says(shop, number, BANNED)
    assert len(await told(shop)) == 1
    for _ in range(3):
        await passes(shop, 120)
        await says(shop, number, OPEN)
        await passes(shop, 120)
        await says(shop, number, BANNED)
        assert await told(shop) == []


async def test_short_troubles_with_breaths_between_add_up(shop: Shop, number: UUID):
    for _ in range(2):
        await says(shop, number, RECONNECTING)
        assert await told(shop) == []
        await passes(shop, 100)
        await says(shop, number, OPEN)
        await passes(shop, 2)
    await says(shop, number, RECONNECTING)
    assert len(await told(shop)) == 1


async def test_blips_do_not_add_up_to_an_alarm(shop: Shop, number: UUID):
    for _ in range(10):
        await says(shop, number, RECONNECTING)
        assert await told(shop) == []
        await passes(shop, 3)
        await says(shop, number, OPEN)
        await passes(shop, 200)
    await says(shop, number, RECONNECTING)
    assert await told(shop) == [] and await notices(shop) == []


@pytest.mark.parametrize("status", [LOGGED_OUT, BANNED, FAILED])
@pytest.mark.parametrize("between", [(), (OPEN,)])
async def test_what_became_worse_than_was_told_is_told(shop: Shop, number: UUID, status, between):
    await says(shop, number, RECONNECTING)
    await passes(shop, 130)
    assert len(await told(shop)) == 1
    await passes(shop, 60)
    await says(shop, number, *between, status)
    [found] = await told(shop)
    assert "respuesta" in found.text
    assert await notices(shop) == [status]
    await says(shop, number, OPEN, status)
    assert await told(shop) == [], "once a status"


async def test_what_goes_on_after_a_breath_is_seen_again_and_not_mailed(shop: Shop, number: UUID):
    await says(shop, number, RECONNECTING)
    await passes(shop, 130)
    assert len(await told(shop)) == 1
    await says(shop, number, OPEN)
    await passes(shop, 30)
    await says(shop, number, RECONNECTING)
    [(args, scheduled_at)] = await taken(TELL_TASK)
    assert scheduled_at is not None and scheduled_at - datetime.now(UTC) > timedelta(seconds=120)
    await tell_down(**args)
    assert await notices(shop) == [], "it may be a blip"
    await passes(shop, 120)
    await tell_down(**args)
    assert await notices(shop) == [RECONNECTING]
    assert await told(shop) == []


async def test_a_notice_that_was_dismissed_stays_away_while_the_same_goes_on(shop: Shop, number: UUID):
    await says(shop, number, RECONNECTING)
    await passes(shop, 130)
    await told(shop)
    async with unit_of_work(shop.alice):
        [notice] = (await reports.read_attention(shop.alice)).notices
        await dismiss_notice(shop.alice, notice.id)
    await says(shop, number, DEAF, RECONNECTING)
    await passes(shop, 130)
    assert await told(shop) == [] and await notices(shop) == []


async def test_after_a_steady_while_it_is_news_again(shop: Shop, number: UUID):
    await says(shop, number, BANNED)
    assert len(await told(shop)) == 1
    await says(shop, number, OPEN)
    assert await notices(shop) == []
    await passes(shop, 301)
    await says(shop, number, BANNED)
    assert len(await told(shop)) == 1


async def test_after_a_person_acted_it_is_news_again(shop: Shop, number: UUID):
    await says(shop, number, FAILED, ended=True)
    assert len(await told(shop)) == 1
    async with unit_of_work(shop.alice):
        await channels.connect(shop.alice, number)
    assert await notices(shop) == []
    await says(shop, number, FAILED, ended=True)
    assert len(await told(shop)) == 1


@pytest.mark.parametrize("act", [channels.disconnect, channels.logout, channels.delete_channel])
async def test_what_the_owner_stopped_sends_nothing(shop: Shop, number: UUID, act):
    await says(shop, number, RECONNECTING)
    await passes(shop, 200)
    async with unit_of_work(shop.alice):
        await act(shop.alice, number)
    if act is not channels.delete_channel:
        await says(shop, number, RECONNECTING)
        await says(shop, number, LOGGED_OUT, ended=True)
    assert await told(shop) == [] and await notices(shop) == []


async def test_a_number_that_is_being_linked_sends_nothing(shop: Shop):
    async with unit_of_work(shop.alice):
        await channels.connect(shop.alice, shop.channel.id)
        await request_qr(shop.alice, shop.channel.id)
    await says(shop, shop.channel.id, RECONNECTING, FAILED)
    assert await told(shop) == []


async def test_fifty_numbers_that_fail_together_are_one_mail(shop: Shop):
    async with unit_of_work(shop.alice):
        made = [await channels.add_channel(shop.alice, kind="simulator", name=f"Local {n}") for n in range(50)]
    numbers = [channel.id for channel in made]
    await opened(shop, *numbers)
    for number in numbers:
        await says(shop, number, FAILED, ended=True)
    [found] = await told(shop)
    assert found.subject == "50 de tus números te necesitan"
    assert all(f"Local {n} " in found.text for n in range(50))
    assert len(await notices(shop)) == 50


async def test_what_follows_a_mail_waits_a_minute_for_company(shop: Shop, number: UUID):
    async with unit_of_work(shop.alice):
        second = (await channels.add_channel(shop.alice, kind="simulator", name="Tienda 2")).id
    await opened(shop, second)
    await says(shop, number, BANNED)
    assert len(await told(shop)) == 1
    await says(shop, second, BANNED)
    for args, _ in await taken(TELL_TASK):
        await tell_down(**args)
    [(args, again_at)] = await taken(TELL_TASK)
    assert again_at is not None and timedelta(seconds=50) < again_at - datetime.now(UTC) <= incidents.PAUSE
    await passes(shop, 60)
    await tell_down(**args)
    [found] = await told(shop)
    assert found.subject == "Tienda 2 te necesita"


async def test_every_owner_is_told_and_nobody_else(shop: Shop, other_shop: Shop, number: UUID):
    async with unit_of_work(shop.system):
        await sql("UPDATE membership SET role = 'owner' WHERE user_id = :id", id=shop.charlie.user_id)
        rows = await sql(
            "SELECT email FROM user_account WHERE id = ANY(:ids)", ids=[shop.alice.user_id, shop.charlie.user_id]
        )
        owners = {row.email for row in rows.all()}
    await says(shop, number, BANNED)
    assert {found.to for found in await told(shop)} == owners


async def test_a_mail_that_comes_too_late_is_not_sent(shop: Shop, number: UUID):
    await says(shop, number, BANNED)
    for args, _ in await taken(TELL_TASK):
        await tell_down(**args)
    await says(shop, number, OPEN)
    assert await told(shop) == []


async def test_the_frame_of_every_page_shows_a_number_that_cannot_connect_once_it_was_told(shop: Shop, number: UUID):
    await says(shop, number, RECONNECTING)
    async with unit_of_work(shop.alice):
        assert (await reports.read_attention(shop.alice)).troubles == ()
    await passes(shop, 130)
    await told(shop)
    async with unit_of_work(shop.alice):
        [trouble] = (await reports.read_attention(shop.alice)).troubles
    assert (trouble.channel_id, trouble.status) == (number, "reconnecting")


@pytest.mark.parametrize("fault", ["logout", "ban", "deaf", "disconnect"])
async def test_a_fault_of_the_network_reaches_the_owners_mail(
    running_simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch, fault: str
):
    monkeypatch.setattr(incidents, "GATHER", timedelta(0))
    monkeypatch.setattr(incidents, "LASTS", dict.fromkeys(incidents.LASTS, timedelta(0)))

    async def mailed() -> list[StoredMail]:
        return mail.stored_mails()

    async with running_worker(db.app_dsn()):
        await running_simulator.fault(fault, seconds=3600)
        [found] = await until(mailed, "the mail")
    assert found.subject == "Tienda te necesita"
