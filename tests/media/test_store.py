"""Uploads and customers' files: stored once, shown harmlessly, removed when unused."""

import asyncio
import hashlib
from datetime import UTC, datetime

import pytest

from saasbot.domain import media
from saasbot.domain.actor import Actor
from saasbot.domain.media import UploadTooLarge, access_media, media_urls, remove_unused, store_image, store_inbound
from saasbot.domain.media.file_names import clean_file_name
from saasbot.infra import events
from saasbot.infra.db import app_dsn, session, sql, unit_of_work
from saasbot.infra.errors import InvalidInput, NotFound
from saasbot.infra.storage import InvalidKey, LocalStorage
from saasbot.models import (
    Author,
    Channel,
    ChannelKind,
    Contact,
    Conversation,
    Direction,
    Media,
    MediaStatus,
    Message,
    MessageStatus,
    MessageType,
    Product,
)
from tests.attack.attempts import attempt
from tests.fixtures.shops import Shop
from tests.media.pictures import ogg_opus, opened, picture


async def received(shop: Shop, **values: object) -> Media:
    """A file that a customer sent and nobody has downloaded, in a message."""
    actor = shop.system
    async with unit_of_work(actor):
        company_id = actor.company_id
        channel = Channel(company_id=company_id, kind=ChannelKind.SIMULATOR, name="Tienda 1")
        contact = Contact(company_id=company_id, name="Ana")
        session().add_all([channel, contact])
        await session().flush()
        chat = Conversation(company_id=company_id, channel_id=channel.id, contact_id=contact.id, chat_jid="1@lid")
        file = Media(company_id=company_id, channel_id=channel.id, status=MediaStatus.PENDING, **values)  # type: ignore[arg-type]
        session().add_all([chat, file])
        await session().flush()
        message = Message(
            company_id=company_id,
            conversation_id=chat.id,
            channel_id=channel.id,
            from_me=False,
            direction=Direction.INBOUND,
            author=Author.CUSTOMER,
            type=MessageType.IMAGE,
            status=MessageStatus.DELIVERED,
            media_id=file.id,
            sort_at=datetime.now(UTC),
        )
        session().add(message)
    return file


async def store(actor: Actor, file: Media, content: bytes) -> Media:
    async with unit_of_work(actor):
        return await store_inbound(actor, file.id, content)


async def test_an_uploaded_photo_is_stored_twice_over_large_and_small(shop: Shop, files: LocalStorage) -> None:
    async with unit_of_work(shop.alice):
        stored = await store_image(shop.alice, picture(2000, 1000, format="PNG"), "C:\\fotos\\Zapatilla roja.png")

    assert (stored.mime, stored.width, stored.height) == ("image/jpeg", 1600, 800)
    assert stored.file_name == "Zapatilla roja.jpg"
    assert stored.storage_key and stored.thumb_key
    assert stored.storage_key.startswith(f"{shop.company.id}/")
    main = await files.get(stored.storage_key)
    assert (stored.size, stored.sha256) == (len(main), hashlib.sha256(main).hexdigest())
    assert opened(main).size == (1600, 800)
    assert opened(await files.get(stored.thumb_key)).format == "WEBP"


async def test_an_upload_that_is_too_large_or_no_photo_is_refused(shop: Shop, files: LocalStorage) -> None:
    async with unit_of_work(shop.alice):
        with pytest.raises(UploadTooLarge) as too_large:
            await store_image(shop.alice, bytes(10 * 1024 * 1024 + 1), "big.jpg")
        assert (too_large.value.status, too_large.value.code) == (413, "upload_too_large")
        for content in (b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", picture()[:300]):
            with pytest.raises(InvalidInput) as refused:
                await store_image(shop.alice, content, "photo.jpg")
            assert refused.value.details["field"] == "file"
    assert not files.folder.exists()


@attempt(87, "files", "A file of another company is attached by its id.")
async def test_another_company_does_not_find_the_file(shop: Shop, other_shop: Shop, files: LocalStorage) -> None:
    async with unit_of_work(shop.alice):
        stored = await store_image(shop.alice, picture())
    async with unit_of_work(other_shop.alice):
        with pytest.raises(NotFound):
            await access_media(other_shop.alice, stored.id)
        with pytest.raises(NotFound):
            await store_inbound(other_shop.alice, stored.id, b"x")
        assert await remove_unused(other_shop.alice, stored.id)  # nothing of theirs is left: nothing happens
    assert stored.storage_key
    assert await files.get(stored.storage_key)


async def test_views_get_addresses_only_of_what_is_stored(shop: Shop, files: LocalStorage) -> None:
    async with unit_of_work(shop.alice):
        stored = await store_image(shop.alice, picture())
    pending = Media(company_id=shop.company.id, status=MediaStatus.PENDING)
    urls = media_urls([stored, pending])
    assert urls[pending.id] == media.MediaUrls()
    assert "i=1" in urls[stored.id].url
    assert "-thumb.webp" in urls[stored.id].thumb_url
    assert urls == media_urls([stored, pending])


async def test_a_picture_of_more_than_25_mb_is_kept_as_a_file_and_never_decoded(
    shop: Shop, files: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = picture() + bytes(25 * 1024 * 1024)
    file = await received(shop, mime="image/jpeg")
    stored = await store(shop.system, file, content)
    assert (stored.status, stored.thumb_key, stored.mime) == (MediaStatus.STORED, None, "image/jpeg")
    assert stored.storage_key and stored.storage_key.endswith(".bin")
    assert stored.size == len(content)


async def test_a_row_that_names_a_file_of_another_company_gets_no_address(shop: Shop, other_shop: Shop) -> None:
    stolen = Media(
        company_id=shop.company.id, status=MediaStatus.STORED, storage_key=f"{other_shop.company.id}/image/one.jpg"
    )
    with pytest.raises(InvalidKey):
        media_urls([stolen])


async def test_a_customers_picture_is_shown_and_its_chat_is_told(shop: Shop, files: LocalStorage) -> None:
    content = picture(3000, 1500)
    file = await received(shop, mime="image/jpeg", sha256=hashlib.sha256(content).hexdigest())
    heard: asyncio.Queue[events.Event] = asyncio.Queue()
    listener = events.Listener(app_dsn())
    listener.on_event(heard.put_nowait)
    await listener.start()
    try:
        stored = await store(shop.system, file, content)
        told = await asyncio.wait_for(heard.get(), 5)
    finally:
        await listener.stop()

    assert (stored.status, stored.width, stored.height) == (MediaStatus.STORED, 3000, 1500)
    assert stored.storage_key and stored.thumb_key
    assert stored.sha256 == hashlib.sha256(await files.get(stored.storage_key)).hexdigest()
    assert (told.kind, told.company_id) == ("conversation", shop.company.id)


async def test_downloading_twice_is_storing_once(shop: Shop, files: LocalStorage) -> None:
    file = await received(shop, mime="audio/ogg; codecs=opus", voice=True, seconds=3)
    first = await store(shop.system, file, ogg_opus())
    second = await store(shop.system, file, ogg_opus(seconds=2))
    assert (first.storage_key, first.sha256) == (second.storage_key, second.sha256)
    assert first.storage_key
    assert await files.get(first.storage_key) == ogg_opus()


async def test_a_voice_note_is_played_in_place(shop: Shop, files: LocalStorage) -> None:
    stored = await store(shop.system, await received(shop, mime="audio/ogg; codecs=opus", voice=True), ogg_opus())
    assert (stored.mime, stored.thumb_key) == ("audio/ogg", None)
    assert stored.storage_key and stored.storage_key.endswith(".ogg")


async def test_a_document_is_kept_as_it_came_and_only_downloaded(shop: Shop, files: LocalStorage) -> None:
    html = b"<!DOCTYPE html><script>alert(1)</script>"
    stored = await store(shop.system, await received(shop, mime="image/jpeg", file_name="../foto\u202egpj.html"), html)
    assert stored.storage_key and stored.storage_key.endswith(".bin")
    assert await files.get(stored.storage_key) == html
    assert stored.file_name == "foto gpj.html"
    assert stored.mime == "image/jpeg"  # what its sender says of it; nothing is decided by it


async def test_a_photo_sent_as_a_document_keeps_its_bytes_and_has_a_thumbnail(shop: Shop, files: LocalStorage) -> None:
    content = picture(format="PNG")
    stored = await store(shop.system, await received(shop, mime="image/png", file_name="plano.png"), content)
    assert stored.storage_key and stored.thumb_key
    assert await files.get(stored.storage_key) == content
    assert stored.storage_key.endswith(".bin")


async def test_a_picture_that_cannot_be_decoded_is_a_download(shop: Shop, files: LocalStorage) -> None:
    content = picture(format="PNG")[:500]
    stored = await store(shop.system, await received(shop, mime="image/png"), content)
    assert (stored.status, stored.thumb_key) == (MediaStatus.STORED, None)
    assert stored.storage_key and stored.storage_key.endswith(".bin")
    assert await files.get(stored.storage_key) == content


async def test_what_is_too_large_or_not_what_was_announced_says_so(
    shop: Shop, files: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = await received(shop, mime="image/jpeg", sha256="0" * 64)
    refused = await store(shop.system, wrong, picture())
    assert (refused.status, refused.error) == (MediaStatus.FAILED, "hash_mismatch")

    monkeypatch.setattr("saasbot.domain.media.inbound.MAX_INBOUND_BYTES", 100)
    async with unit_of_work(shop.system):
        large = Media(company_id=shop.company.id, status=MediaStatus.PENDING)
        session().add(large)
    refused = await store(shop.system, large, bytes(101))
    assert (refused.status, refused.error) == (MediaStatus.FAILED, "too_large")
    assert not files.folder.exists()


async def test_a_file_is_removed_only_when_nothing_refers_to_it(shop: Shop, files: LocalStorage) -> None:
    async with unit_of_work(shop.alice):
        stored = await store_image(shop.alice, picture())
        product = Product(company_id=shop.company.id, title="Bota", price_minor=1, currency="ARS", image_id=stored.id)
        session().add(product)
    async with unit_of_work(shop.system):
        assert not await remove_unused(shop.system, stored.id)
    assert stored.storage_key
    assert await files.get(stored.storage_key)

    async with unit_of_work(shop.system):
        await sql("DELETE FROM product")
    async with unit_of_work(shop.system):
        assert await remove_unused(shop.system, stored.id)
    async with unit_of_work(shop.system):
        assert await remove_unused(shop.system, stored.id)
    assert not [path for path in files.folder.rglob("*") if path.is_file()]


async def test_the_companys_logo_is_in_use(shop: Shop, files: LocalStorage) -> None:
    async with unit_of_work(shop.alice):
        stored = await store_image(shop.alice, picture())
    for key in (stored.storage_key, stored.thumb_key):
        async with unit_of_work(shop.system):
            await sql("UPDATE company SET logo_key = :key", key=key)
            assert not await remove_unused(shop.system, stored.id)


async def test_a_sent_file_is_never_removed(shop: Shop, files: LocalStorage) -> None:
    stored = await store(shop.system, await received(shop, mime="image/jpeg"), picture())
    async with unit_of_work(shop.system):
        assert not await remove_unused(shop.system, stored.id)


async def test_an_upload_is_looked_at_again_after_a_day(shop: Shop, files: LocalStorage) -> None:
    async with unit_of_work(shop.alice):
        stored = await store_image(shop.alice, picture())
    async with unit_of_work(shop.alice):
        rows = (
            await sql("SELECT task_name, args, scheduled_at > now() + interval '23 hours' FROM procrastinate_jobs")
        ).all()
    assert [tuple(row) for row in rows] == [
        ("media.remove_unused", {"company_id": str(shop.company.id), "media_id": str(stored.id)}, True)
    ]


@attempt(86, "files", "A file's name holds a path, a line break or a change of direction.")
@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("lista.pdf", "lista.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ana\\Lista de precios.xlsx", "Lista de precios.xlsx"),
        ("factura\u202efdp.exe", "factura fdp.exe"),
        ("a\r\nSet-Cookie: x=1.txt", "a Set-Cookie x=1.txt"),
        ("...", None),
        ("", None),
        (None, None),
        ("ñandú 🦩.png", "ñandú 🦩.png"),
        ("x" * 500 + ".pdf", "x" * 116 + ".pdf"),
    ],
)
def test_file_names_of_strangers_are_made_harmless(given: str | None, clean: str | None) -> None:
    assert clean_file_name(given) == clean
