"""Files of the chats from before a number was linked: fetched when somebody asks for one."""

import asyncio
import hashlib

import pytest

from saasbot.domain.history.store import OlderMessage, store_older
from saasbot.domain.inbox.incoming import IncomingMedia
from saasbot.domain.inbox.thread import read_thread
from saasbot.domain.media.pending import ATTEMPTS, fetch_again
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.storage import LocalStorage, StorageUnavailable
from saasbot.models import Media, Message, MessageType
from saasbot.state.message_rows import MessageRow, rows_of
from saasbot.state.reader import Reader
from saasbot.wa_runtime import media as media_module
from saasbot.wa_runtime.media import download_pending
from saasbot.wa_runtime.protobufs import MESSAGE
from saasbot.wa_runtime.transport import DownloadFailed, NotConnected, Wiring
from tests.attack.attempts import attempt
from tests.fixtures.numbers import ScriptedTransport, ref_of
from tests.fixtures.shops import Shop
from tests.inbox.heard import message

PDF = b"%PDF-1.7 tarifa"


class WhatsApp(ScriptedTransport):
    """It has the file, or says why not."""

    answer: bytes | DownloadFailed = PDF

    async def download(self, raw: bytes) -> bytes:
        assert raw == b"the event with the keys"
        if isinstance(self.answer, DownloadFailed):
            raise self.answer
        return self.answer


def whatsapp(shop: Shop, answer: bytes | DownloadFailed) -> WhatsApp:
    nobody: Wiring = Wiring(None, lambda _change: None, lambda _typing: None)  # type: ignore[arg-type]
    transport = WhatsApp(ref_of(shop.channel), nobody)
    transport.answer = answer
    return transport


async def older_file(shop: Shop) -> Message:
    """A document that came before the number was linked."""
    announced = IncomingMedia("application/pdf", len(PDF), hashlib.sha256(PDF).hexdigest(), file_name="tarifa.pdf")
    said = message("", wa_id="OLD1", type=MessageType.DOCUMENT, media=announced)
    async with unit_of_work(shop.system):
        await store_older(shop.system, shop.channel, [OlderMessage(said, event=(MESSAGE, b"the event with the keys"))])
        found = (await sql("SELECT id FROM message WHERE wa_id = 'OLD1'")).scalar_one()
        return await session().get_one(Message, found)


async def bubble(shop: Shop, of: Message) -> MessageRow:
    async with unit_of_work(shop.bob):
        page = await read_thread(shop.bob, of.conversation_id)
    [row] = [row for row in rows_of(page.messages[::-1], Reader.of(shop.bob, "es")) if row.id == str(of.id)]
    return row


async def ask(shop: Shop, of: Message, transport: WhatsApp) -> Media:
    """Somebody presses the button and the number does what is due."""
    async with unit_of_work(shop.bob):
        await fetch_again(shop.bob, of.conversation_id, of.id)
    await download_pending(shop.system, shop.channel.id, transport)
    async with unit_of_work(shop.system):
        return await session().get_one(Media, of.media_id)


async def test_a_file_of_an_earlier_chat_is_fetched_when_somebody_asks(shop: Shop, files: LocalStorage) -> None:
    older = await older_file(shop)
    await download_pending(shop.system, shop.channel.id, whatsapp(shop, b"not by itself"))
    shown = await bubble(shop, older)
    assert (shown.media, shown.retry, shown.asked) == ("failed", True, False)
    assert shown.note == "Un archivo de antes de vincular el número."
    stored = await ask(shop, older, whatsapp(shop, PDF))
    assert (stored.status, stored.error) == ("stored", None)
    assert files.path(stored.storage_key or "").read_bytes() == PDF
    assert (await bubble(shop, older)).media == "stored"


@pytest.mark.parametrize("error", ["media_expired", "media_gone"])
async def test_a_file_that_whatsapp_has_no_more_is_said_to_be_gone(shop: Shop, files: LocalStorage, error: str) -> None:
    older = await older_file(shop)
    asked = await ask(shop, older, whatsapp(shop, DownloadFailed(error, permanent=True)))
    assert (asked.status, asked.error) == ("failed", error)
    shown = await bubble(shop, older)
    assert (shown.media, shown.asked) == ("failed", True)
    assert shown.note.startswith("El archivo ya no está en WhatsApp.")


async def test_a_storage_that_is_away_for_a_while_ends_no_downloads(
    shop: Shop, files: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = await older_file(shop)

    async def away(*_: object) -> None:
        raise StorageUnavailable

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(LocalStorage, "put", away)
        meanwhile.setattr(LocalStorage, "put_file", away)
        waiting = await ask(shop, older, whatsapp(shop, PDF))
    assert (waiting.status, waiting.error) == ("pending", "storage_unavailable")
    async with unit_of_work(shop.system):
        await sql("UPDATE media SET retry_at = now()")
    await download_pending(shop.system, shop.channel.id, whatsapp(shop, PDF))
    assert (await bubble(shop, older)).media == "stored"


class Killed(BaseException):
    """The process, by what it downloads."""


class Deadly(WhatsApp):
    async def download(self, raw: bytes) -> bytes:
        raise Killed


class Stopped(WhatsApp):
    async def download(self, raw: bytes) -> bytes:
        fetching = asyncio.current_task()
        assert fetching is not None
        fetching.cancel()
        await asyncio.Event().wait()
        raise AssertionError


class Unconnected(WhatsApp):
    async def download(self, raw: bytes) -> bytes:
        raise NotConnected


async def fetch(shop: Shop, transport: type[WhatsApp]) -> None:
    """What waits for a while is due."""
    async with unit_of_work(shop.system):
        await sql("UPDATE media SET retry_at = now() WHERE retry_at IS NOT NULL")
    await download_pending(shop.system, shop.channel.id, transport(ref_of(shop.channel), whatsapp(shop, PDF).wiring))


@attempt(282, "limits", "A customer's file ends whoever downloads it, each time anew.")
async def test_a_file_whose_download_ends_the_process_twice_is_left_alone(shop: Shop, files: LocalStorage) -> None:
    older = await older_file(shop)
    async with unit_of_work(shop.bob):
        await fetch_again(shop.bob, older.conversation_id, older.id)
    for _ in range(2):
        with pytest.raises(Killed):
            await fetch(shop, Deadly)
    await fetch(shop, Deadly)
    shown = await bubble(shop, older)
    assert (shown.media, shown.retry) == ("failed", True)
    assert (await ask(shop, older, whatsapp(shop, PDF))).status == "stored"


async def test_a_download_without_a_connection_is_no_try(shop: Shop, files: LocalStorage) -> None:
    older = await older_file(shop)
    await ask(shop, older, whatsapp(shop, DownloadFailed("media_unreachable", permanent=False)))
    for _ in range(ATTEMPTS):
        await fetch(shop, Unconnected)
    await fetch(shop, WhatsApp)
    assert (await bubble(shop, older)).media == "stored"


async def test_a_download_that_is_stopped_with_its_number_is_no_try(shop: Shop, files: LocalStorage) -> None:
    older = await older_file(shop)
    await ask(shop, older, whatsapp(shop, DownloadFailed("media_unreachable", permanent=False)))
    for _ in range(ATTEMPTS):
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(fetch(shop, Stopped))
    await fetch(shop, WhatsApp)
    assert (await bubble(shop, older)).media == "stored"


async def test_a_stop_forgets_nothing_of_a_process_that_ended(shop: Shop, files: LocalStorage) -> None:
    older = await older_file(shop)
    async with unit_of_work(shop.bob):
        await fetch_again(shop.bob, older.conversation_id, older.id)
    for transport, end in ((Deadly, Killed), (Stopped, asyncio.CancelledError), (Deadly, Killed)):
        with pytest.raises(end):
            await asyncio.create_task(fetch(shop, transport))
    await fetch(shop, Deadly)
    assert (await bubble(shop, older)).media == "failed"


async def test_a_database_that_is_away_while_a_file_is_stored_is_no_end_of_a_process(
    shop: Shop, files: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = await older_file(shop)
    await ask(shop, older, whatsapp(shop, DownloadFailed("media_unreachable", permanent=False)))

    async def away(*_: object) -> None:
        raise ConnectionError("the database is away")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(media_module.stored_media, "store_inbound", away)
        for _ in range(2):
            await fetch(shop, WhatsApp)
    await fetch(shop, WhatsApp)
    assert (await bubble(shop, older)).media == "stored"


async def test_a_file_of_somebody_who_was_erased_meanwhile_ends_no_downloads(
    shop: Shop, files: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = await older_file(shop)

    async def erased(*_: object) -> None:
        monkeypatch.setattr(media_module, "pending_media", nothing)
        raise NotFound

    async def nothing(*_: object) -> list[Media]:
        return []

    monkeypatch.setattr(media_module.stored_media, "store_inbound", erased)
    assert (await ask(shop, older, whatsapp(shop, PDF))).status == "pending"
