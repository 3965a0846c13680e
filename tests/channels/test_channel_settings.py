"""What an owner sets for one number is checked before it is kept, and what is secret in it never comes out."""

from datetime import time, timedelta
from typing import Any
from uuid import UUID

import pytest

from saasbot.domain.actor import Actor
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.channel_settings import (
    UNREADABLE_PROXY,
    ChannelSettings,
    change_settings,
    get_settings,
    proxy_of,
)
from saasbot.domain.channels.proxy_address import masked, parse_proxy
from saasbot.infra.crypto import Unsealable
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import Forbidden, InvalidInput, NotFound
from saasbot.infra.settings import settings
from saasbot.models import Channel
from saasbot.models.table import utcnow
from tests.fixtures.numbers import simulator_channel
from tests.fixtures.shops import Shop

PROXY = "socks5://ana:s3cr%40t@proxy.example:1080"


async def change(actor: Actor, channel_id: UUID, **changes: Any) -> ChannelSettings:
    async with unit_of_work(actor):
        return await change_settings(actor, channel_id, **changes)


async def stored(actor: Actor, channel_id: UUID) -> Channel:
    async with unit_of_work(actor):
        return await access_channel(actor, channel_id)


async def test_a_new_number_has_no_limits_and_keeps_nothing_to_itself(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        found = await get_settings(alice, channel.id)
    assert (found.proxy, found.hourly_limit, found.daily_limit, found.quiet_from) == (None, None, None, None)
    assert (found.history_days, found.reject_calls, found.groups_enabled, found.call_message) == (0, False, False, "")


async def test_what_is_named_changes_and_the_rest_stays(alice: Actor):
    channel = await simulator_channel(alice)
    await change(alice, channel.id, hourly_limit=30, quiet_from="22:00", quiet_until="08:30", reject_calls=True)
    found = await change(alice, channel.id, call_message=" No atendemos llamadas. ", history_days=30)
    assert (found.hourly_limit, found.reject_calls, found.history_days) == (30, True, 30)
    assert (found.quiet_from, found.quiet_until) == (time(22), time(8, 30))
    assert found.call_message == "No atendemos llamadas."
    found = await change(alice, channel.id, hourly_limit=None, quiet_from=None, quiet_until=None)
    assert (found.hourly_limit, found.quiet_from, found.quiet_until) == (None, None, None)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("history_days", {"history_days": 5}),
        ("hourly_limit", {"hourly_limit": 0}),
        ("daily_limit", {"daily_limit": 100_001}),
        ("daily_limit", {"daily_limit": -1}),
        ("call_message", {"call_message": "x" * 501}),
        ("quiet_from", {"quiet_from": "24:00", "quiet_until": "08:00"}),
        ("quiet_from", {"quiet_from": "9:00", "quiet_until": "08:00"}),
        ("quiet_until", {"quiet_from": "22:00", "quiet_until": "08:60"}),
        ("quiet_until", {"quiet_from": "22:00"}),
        ("quiet_from", {"quiet_until": "08:00"}),
        ("quiet_until", {"quiet_from": "22:00", "quiet_until": "22:00"}),
        ("proxy", {"proxy": "ftp://203.0.113.9:1080"}),
    ],
)
async def test_what_does_not_fit_changes_nothing(alice: Actor, field: str, changes: dict[str, Any]):
    channel = await simulator_channel(alice)
    with pytest.raises(InvalidInput) as raised:
        await change(alice, channel.id, reject_calls=True, **changes)
    assert raised.value.field == field
    assert not (await stored(alice, channel.id)).reject_calls


async def test_a_proxy_is_sealed_and_shown_without_its_secret(alice: Actor):
    channel = await simulator_channel(alice)
    found = await change(alice, channel.id, proxy=PROXY)
    assert found.proxy == "socks5://•••@proxy.example:1080"
    row = await stored(alice, channel.id)
    assert row.proxy_sealed is not None and b"s3cr" not in row.proxy_sealed
    assert proxy_of(row) == PROXY
    assert (await change(alice, channel.id, daily_limit=5)).proxy == found.proxy, "what is not named stays"
    assert (await change(alice, channel.id, proxy=None)).proxy is None
    assert (await stored(alice, channel.id)).proxy_sealed is None


async def test_a_proxy_sealed_for_another_number_does_not_open(alice: Actor):
    first, second = await simulator_channel(alice), await simulator_channel(alice)
    await change(alice, first.id, proxy=PROXY)
    copied = (await stored(alice, first.id)).proxy_sealed
    async with unit_of_work(alice):
        (await access_channel(alice, second.id)).proxy_sealed = copied
    with pytest.raises(Unsealable):
        proxy_of(await stored(alice, second.id))
    async with unit_of_work(alice):
        assert (await get_settings(alice, second.id)).proxy == UNREADABLE_PROXY


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("socks5://9.9.9.9:1080", "socks5://9.9.9.9:1080"),
        (" HTTP://Proxy.Example.com:3128/ ", "http://proxy.example.com:3128"),
        ("http://u:p%3Aq@proxy.example.com:1", "http://u:p%3Aq@proxy.example.com:1"),
        ("https://proxy.example.com:443", "https://proxy.example.com:443"),
        ("socks5h://proxy.example.com:1080", "socks5h://proxy.example.com:1080"),
        ("socks5://u@[2001:4860:4860::8888]:65535", "socks5://u@[2001:4860:4860::8888]:65535"),
    ],
)
def test_proxies_that_can_be_used(text: str, kept: str):
    assert parse_proxy(text) == kept
    assert parse_proxy(kept) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "203.0.113.9:1080",
        "socks4://203.0.113.9:1080",
        "socks5://203.0.113.9",
        "socks5://203.0.113.9:0",
        "socks5://203.0.113.9:65536",
        "socks5://203.0.113.9:port",
        "socks5://:1080",
        "socks5://a host:1080",
        "socks5://-bad-.example:1080",
        "socks5://bad..example:1080",
        "socks5://[::1:1080",
        "http://proxy.example:3128/path",
        "http://proxy.example:3128?x=1",
        "http://proxy.example:3128#x",
        "http://próxy.example:3128",
        "http://proxy.example:3128\nHost: x",
        "http://:secret@proxy.example:3128",
        f"http://{'u' * 256}@proxy.example:3128",
        f"http://{'a' * 64}.example:3128",
    ],
)
def test_proxies_that_cannot(text: str):
    with pytest.raises(InvalidInput) as raised:
        parse_proxy(text)
    assert raised.value.field == "proxy"
    assert "secret" not in raised.value.sentence


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]"])
def test_a_proxy_inside_our_network_is_refused(monkeypatch: pytest.MonkeyPatch, host: str):
    monkeypatch.setenv("SAASBOT_ALLOW_PRIVATE_URLS", "0")
    settings.cache_clear()
    with pytest.raises(InvalidInput):
        parse_proxy(f"http://{host}:3128")
    settings.cache_clear()


def test_a_mask_shows_where_a_proxy_is():
    assert masked("http://proxy.example:3128") == "http://proxy.example:3128"
    assert masked("http://u@proxy.example:3128") == "http://•••@proxy.example:3128"
    assert masked("socks5://u:p@[2001:db8::1]:1080") == "socks5://•••@[2001:db8::1]:1080"


async def test_a_pause_that_is_over_is_not_shown(alice: Actor):
    channel = await simulator_channel(alice)
    for ahead in (True, False):
        until = utcnow() + timedelta(hours=1 if ahead else -1)
        async with unit_of_work(alice):
            row = await access_channel(alice, channel.id)
            row.new_chats_paused_until, row.new_chats_paused_reason = until, "reachout_timelocked"
        async with unit_of_work(alice):
            found = await get_settings(alice, channel.id)
        expected = (until, "reachout_timelocked") if ahead else (None, None)
        assert (found.new_chats_paused_until, found.new_chats_paused_reason) == expected


async def test_only_those_who_run_numbers_see_and_change_them(shop: Shop):
    for use_case in (get_settings, change_settings):
        with pytest.raises(Forbidden):
            async with unit_of_work(shop.bob):
                await use_case(shop.bob, shop.channel.id)
        async with unit_of_work(shop.charlie):
            await use_case(shop.charlie, shop.channel.id)


async def test_the_settings_of_another_company_look_like_none(alice: Actor, mallory: Actor):
    channel = await simulator_channel(alice)
    for use_case in (get_settings, change_settings):
        with pytest.raises(NotFound):
            async with unit_of_work(mallory):
                await use_case(mallory, channel.id)
