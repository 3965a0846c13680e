"""What a number's card says of its state."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from saasbot.domain.actor import Actor
from saasbot.domain.channels.views import ChannelView, read_channels
from saasbot.infra.db import unit_of_work
from saasbot.state.channel_texts import status_sentence, why_sentence
from tests.fixtures.numbers import simulator_channel


@pytest.fixture
async def view(alice: Actor) -> ChannelView:
    await simulator_channel(alice)
    async with unit_of_work(alice):
        [view] = await read_channels(alice)
    return view


def said(view: ChannelView, **changed: Any) -> str:
    return status_sentence(replace(view, **changed), "en", "UTC")


@pytest.mark.parametrize("status", ["reconnecting", "deaf", "logged_out", "banned", "failed"])
def test_what_is_wrong_says_since_when_and_why(view: ChannelView, status: str):
    since = datetime.now(UTC) - timedelta(days=1)
    sentence = said(view, status=status, reason="connection_lost", since=since)
    assert sentence.startswith("Since yesterday")
    assert sentence.endswith("The connection was lost. We keep trying.")


def test_a_block_that_ends_on_another_day_names_it(view: ChannelView):
    banned = {"status": "banned", "reason": "temporarily_banned"}
    now = datetime.now(UTC)
    end, soon, over = now + timedelta(days=3), now + timedelta(minutes=5), now - timedelta(minutes=5)
    assert f"Next try: {end:%b} {end.day}" in said(view, **banned, retry_at=end)
    assert "Next try: to" in said(view, **banned, retry_at=soon)  # today, or shortly before midnight tomorrow
    assert "Next try" not in said(view, **banned, retry_at=over)


@pytest.mark.parametrize("phone", ["+51 912 345 678", "+598 94 235 678", "+34 600 00 56 78", "+5491144445678"])
def test_a_phone_is_known_by_its_last_four_digits(view: ChannelView, phone: str):
    assert "ends in 5678." in said(view, status="failed", reason="other_phone", phone=phone)


@pytest.mark.parametrize("reason", [None, "stopped_by_user"])
def test_a_number_that_was_never_linked_is_not_said_to_be_switched_off(view: ChannelView, reason: str | None):
    off = {"status": "closed", "reason": reason}
    assert said(view, **off, linked=False) == "Link it with the phone that has it."
    assert said(view, status="closed", reason="stopped_by_user", linked=True).startswith("You switched it off")


def test_while_it_is_linked_only_the_why_is_said(view: ChannelView):
    failed = replace(view, status="failed", reason="not_multidevice")
    assert why_sentence(failed, "en", "UTC").startswith("This phone's WhatsApp cannot link devices")
