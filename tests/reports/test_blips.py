"""A blip is not an alarm: who is not looking at a number hears of a lost connection only when it lasts."""

from datetime import UTC, datetime, timedelta

import pytest

from saasbot.domain import reports
from saasbot.domain.channels.state import set_state
from saasbot.domain.channels.views import read_channels
from saasbot.domain.reports import calm_status, first_blip_end
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.models import Channel, ChannelStatus
from tests.fixtures.shops import Shop

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


CASES = [
    ("reconnecting", 0, "open"),
    ("reconnecting", 4.9, "open"),
    ("reconnecting", 5, "reconnecting"),
    ("reconnecting", 3600, "reconnecting"),
    ("reconnecting", -1, "open"),  # another machine's clock runs a second ahead of ours
    ("open", 0, "open"),
    ("starting", 0, "starting"),
    ("pending_qr", 0, "pending_qr"),
    ("passkey_required", 0, "passkey_required"),
    ("closed", 0, "closed"),
    ("deaf", 0, "deaf"),
    ("logged_out", 0, "logged_out"),
    ("banned", 0, "banned"),
    ("failed", 0, "failed"),
]


@pytest.mark.parametrize(("status", "seconds_ago", "heard"), CASES)
def test_only_a_young_reconnection_is_excused(status: str, seconds_ago: float, heard: str):
    assert calm_status(status, NOW - timedelta(seconds=seconds_ago), NOW) == heard


def test_no_status_is_without_a_case():
    assert {status for status, _, _ in CASES} == set(ChannelStatus)


@pytest.mark.parametrize(
    ("states", "look_again_in"),
    [
        ([], None),
        ([("open", 0), ("failed", 1)], None),
        ([("reconnecting", 7)], None),
        ([("reconnecting", 2)], 3),
        ([("reconnecting", 1), ("reconnecting", 4), ("open", 0)], 1),
    ],
)
def test_it_is_looked_at_again_when_the_first_excuse_ends(states: list[tuple[str, float]], look_again_in: float | None):
    found = first_blip_end([(status, NOW - timedelta(seconds=ago)) for status, ago in states], NOW)
    assert found == (None if look_again_in is None else NOW + timedelta(seconds=look_again_in))


async def test_the_frame_stays_calm_while_the_card_tells_the_truth(shop: Shop):
    async with unit_of_work(shop.system):
        set_state(await session().get_one(Channel, shop.channel.id), ChannelStatus.RECONNECTING, "connection_lost")
    async with unit_of_work(shop.alice):
        calm = await reports.read_attention(shop.alice)
        [card] = await read_channels(shop.alice)
    assert (calm.statuses, card.status) == ({"open"}, "reconnecting")
    assert calm.blip_until == card.since + timedelta(seconds=5)

    async with unit_of_work(shop.system):
        await sql("UPDATE channel SET since = since - interval '6 seconds'")
    async with unit_of_work(shop.alice):
        lasting = await reports.read_attention(shop.alice)
    assert (lasting.statuses, lasting.blip_until) == ({"reconnecting"}, None)
