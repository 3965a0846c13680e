"""Of the large files one is in memory at a time: downloads wait for that, sends do not, and come first."""

import asyncio

import pytest

from saasbot.wa_runtime import media
from saasbot.wa_runtime.media import NoRoom, room_for

LARGE = 90 * 1024 * 1024


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept for anybody from an earlier test."""
    monkeypatch.setattr(media, "_rooms", {})


async def _settled() -> None:
    """Until the loop has done all that is due."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_send_does_not_wait_for_room_and_small_files_need_none():
    async with room_for(LARGE):
        with pytest.raises(NoRoom):
            async with room_for(LARGE, wait=False):
                pass
        async with room_for(1024, wait=False):
            pass
    async with room_for(LARGE, wait=False):
        pass


async def test_a_send_that_found_no_room_comes_before_the_next_download(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(media, "_KEPT_SECONDS", 1.0)
    order: list[str] = []

    async def download(name: str, ends: asyncio.Event) -> None:
        async with room_for(LARGE):
            order.append(name)
            await ends.wait()

    first_ends, at_once = asyncio.Event(), asyncio.Event()
    at_once.set()
    downloads = [asyncio.create_task(download("first", first_ends))]
    await _settled()
    downloads += [asyncio.create_task(download(name, at_once)) for name in ("second", "third")]
    with pytest.raises(NoRoom):
        async with room_for(LARGE, wait=False):
            pass
    first_ends.set()
    await downloads[0]
    await _settled()
    async with room_for(LARGE, wait=False):
        order.append("sent")
    await asyncio.gather(*downloads)
    assert order == ["first", "sent", "second", "third"]


async def test_a_download_that_is_given_up_leaves_its_place():
    async with room_for(LARGE):
        waiting = asyncio.create_task(room_for(LARGE).__aenter__())
        await _settled()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(1):
        async with room_for(LARGE):
            pass
