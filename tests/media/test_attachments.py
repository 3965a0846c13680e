"""Files for messages: streamed, limited, made into stickers and voice notes; and files of customers that come late or never."""

import array
import hashlib
import io
import math
import tempfile
import tracemalloc
import wave
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from saasbot.domain.channels import delete_channel
from saasbot.domain.channels.access import NumberDeleted
from saasbot.domain.media.attachments import (
    MAX_ATTACHMENT_BYTES,
    AttachmentTooLarge,
    VoiceUnavailable,
    store_attachment,
    store_sticker,
    store_voice,
)
from saasbot.domain.media.pending import ATTEMPTS, NothingToFetch, begin_fetch, fail_inbound, fetch_again, pending_media
from saasbot.infra import ffmpeg
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.infra.errors import Forbidden, InvalidInput, NotFound
from saasbot.infra.file_types import sniff
from saasbot.infra.storage import LocalStorage
from saasbot.models import Media, MediaStatus, Message
from tests.attack.attempts import attempt
from tests.fixtures.shops import Shop
from tests.media.pictures import opened, picture
from tests.media.test_store import received, store

needs_ffmpeg = pytest.mark.skipif(ffmpeg.find() is None, reason="no ffmpeg on this machine and none from its wheel")


def tone(seconds: float) -> bytes:
    """A WAV of a tone that fades in."""
    count = round(8_000 * seconds)
    samples = array.array("h", (round(20_000 * n / count * math.sin(n / 3)) for n in range(count)))
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(samples.tobytes())
    return target.getvalue()


async def test_a_large_file_is_kept_whole_and_never_held_in_memory(shop: Shop, files: LocalStorage) -> None:
    block, digest = b"%PDF-1.7\n" + bytes(1024 * 1024 - 9), hashlib.sha256()
    with tempfile.TemporaryFile() as source:
        for _ in range(40):
            source.write(block)
            digest.update(block)
        tracemalloc.start()
        async with unit_of_work(shop.alice):
            stored = await store_attachment(shop.alice, source, "tarifa.pdf")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (stored.size, stored.sha256, stored.mime) == (40 * 1024 * 1024, digest.hexdigest(), "application/pdf")
    assert peak < 8 * 1024 * 1024
    assert files.path(stored.storage_key or "").stat().st_size == stored.size


@attempt(124, "limits", "A customer sends a file of more than 100 MB.")
async def test_more_than_100_mb_is_refused_with_a_reason(shop: Shop, files: LocalStorage) -> None:
    with tempfile.TemporaryFile() as source:
        source.truncate(MAX_ATTACHMENT_BYTES + 1)
        async with unit_of_work(shop.alice):
            with pytest.raises(AttachmentTooLarge) as refused:
                await store_attachment(shop.alice, source, "big.zip")
    assert (refused.value.status, refused.value.code) == (413, "attachment_too_large")
    assert not files.folder.exists()


async def test_a_picture_becomes_a_sticker(shop: Shop, files: LocalStorage) -> None:
    async with unit_of_work(shop.alice):
        stored = await store_sticker(shop.alice, io.BytesIO(picture(900, 300)))
        with pytest.raises(InvalidInput):
            await store_sticker(shop.alice, io.BytesIO(b"<svg/>"))
    content = await files.get(stored.storage_key or "")
    made = opened(content)
    assert (made.format, made.size, stored.mime) == ("WEBP", (512, 512), "image/webp")
    assert made.convert("RGBA").getchannel("A").getpixel((256, 4)) == 0, (
        "what the picture does not cover is transparent"
    )
    assert len(content) <= 100_000


@needs_ffmpeg
async def test_sound_becomes_a_voice_note(shop: Shop, files: LocalStorage) -> None:
    async with unit_of_work(shop.alice):
        stored = await store_voice(shop.alice, io.BytesIO(tone(2.0)))
    assert (stored.mime, stored.voice, stored.seconds) == ("audio/ogg", True, 2)
    content = await files.get(stored.storage_key or "")
    assert sniff(content) == "audio/ogg" and b"OpusHead" in content[:64]
    waveform = stored.waveform or b""
    assert len(waveform) == 64 and max(waveform) == 100 and waveform[5] < waveform[30] < waveform[60]


@needs_ffmpeg
@pytest.mark.parametrize("content", [b"", b"no sound", b"#EXTM3U\nfile:///etc/passwd\n"])
async def test_what_is_no_sound_is_refused(shop: Shop, files: LocalStorage, content: bytes) -> None:
    async with unit_of_work(shop.alice):
        with pytest.raises(InvalidInput):
            await store_voice(shop.alice, io.BytesIO(content))


async def test_without_ffmpeg_voice_notes_alone_say_so(
    shop: Shop, files: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ffmpeg, "find", lambda: None)
    async with unit_of_work(shop.alice):
        with pytest.raises(VoiceUnavailable):
            await store_voice(shop.alice, io.BytesIO(tone(0.5)))
        assert (await store_attachment(shop.alice, io.BytesIO(tone(0.5)), "tono.wav")).mime == "audio/wav"


async def due(shop: Shop, file: Media) -> bool:
    async with unit_of_work(shop.system):
        return file.id in [media.id for media in await pending_media(shop.system, file.channel_id)]  # type: ignore[arg-type]


async def stored_row(shop: Shop, file: Media) -> Media:
    async with unit_of_work(shop.system):
        return await session().get_one(Media, file.id)


async def test_a_failed_download_is_tried_again_later_each_time_and_then_missing(shop: Shop) -> None:
    file = await received(shop)
    waits = []
    for _ in range(ATTEMPTS):
        assert (await stored_row(shop, file)).status == MediaStatus.PENDING
        async with unit_of_work(shop.system):
            await sql("UPDATE media SET retry_at = NULL WHERE id = :id", id=file.id)
        assert await due(shop, file)
        async with unit_of_work(shop.system):
            await begin_fetch(shop.system, file.id)
            await fail_inbound(shop.system, file.id, error="media_unreachable", permanent=False)
        assert not await due(shop, file)
        row = await stored_row(shop, file)
        assert row.retry_at is not None
        waits.append((row.retry_at - datetime.now(UTC)) / timedelta(seconds=1))
    assert [round(wait / 5) for wait in waits] == [2**n for n in range(ATTEMPTS)]
    row = await stored_row(shop, file)
    assert (row.status, row.error) == (MediaStatus.FAILED, "media_unreachable")


async def message_of(shop: Shop, file: Media) -> Message:
    async with unit_of_work(shop.system):
        return (await session().exec(select(Message).where(Message.media_id == file.id))).one()


async def test_a_missing_file_is_fetched_again_when_a_person_asks(shop: Shop, other_shop: Shop) -> None:
    file = await received(shop, wa_event_id=7)
    message = await message_of(shop, file)
    async with unit_of_work(shop.bob):
        with pytest.raises(NothingToFetch):
            await fetch_again(shop.bob, message.conversation_id, message.id)
    async with unit_of_work(shop.system):
        await fail_inbound(shop.system, file.id, error="media_expired", permanent=True)
    async with unit_of_work(other_shop.alice):
        with pytest.raises(NotFound):
            await fetch_again(other_shop.alice, message.conversation_id, message.id)
    reader = replace(shop.bob, permissions=frozenset({"inbox.read"}))
    async with unit_of_work(reader):
        with pytest.raises(Forbidden):
            await fetch_again(reader, message.conversation_id, message.id)
    async with unit_of_work(shop.bob):
        await fetch_again(shop.bob, message.conversation_id, message.id)
    row = await stored_row(shop, file)
    assert (row.status, row.attempts, row.error) == (MediaStatus.PENDING, 0, None)
    assert await due(shop, file)


async def test_nothing_is_fetched_for_a_number_that_was_deleted(shop: Shop) -> None:
    file = await received(shop, wa_event_id=7)
    message = await message_of(shop, file)
    async with unit_of_work(shop.system):
        await fail_inbound(shop.system, file.id, error="media_expired", permanent=True)
    async with unit_of_work(shop.alice):
        await delete_channel(shop.alice, message.channel_id)
    async with unit_of_work(shop.bob):
        with pytest.raises(NumberDeleted):
            await fetch_again(shop.bob, message.conversation_id, message.id)
    assert (await stored_row(shop, file)).status == MediaStatus.FAILED, "nobody would ever fetch it"


async def test_a_file_that_is_too_large_is_not_asked_for_again(shop: Shop) -> None:
    file = await received(shop, wa_event_id=7)
    message = await message_of(shop, file)
    async with unit_of_work(shop.system):
        await fail_inbound(shop.system, file.id, error="too_large", permanent=True)
    async with unit_of_work(shop.bob):
        with pytest.raises(NothingToFetch):
            await fetch_again(shop.bob, message.conversation_id, message.id)


async def test_a_file_of_another_length_than_announced_is_not_shown(shop: Shop, files: LocalStorage) -> None:
    file = await received(shop, size=5)
    row = await store(shop.system, file, b"%PDF-1.7 more")
    assert (row.status, row.error) == (MediaStatus.FAILED, "length_mismatch")
