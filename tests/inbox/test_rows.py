"""What the thread and the list say of each kind of message, in both languages."""

from typing import Any

import pytest

from saasbot.domain.inbox.incoming import IncomingMedia
from saasbot.domain.inbox.reads import list_conversations
from saasbot.domain.inbox.send import send_message, send_to_phone
from saasbot.domain.inbox.thread import read_thread
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.i18n import LocaleName
from saasbot.models import ActKind, MessageType
from saasbot.state.conversation_rows import row_of
from saasbot.state.message_rows import CardLine, MessageRow, rows_of
from saasbot.state.reader import Reader
from tests.fixtures.shops import Shop
from tests.inbox.heard import ANA, BETO, act, acts, hears, message

CLIP = IncomingMedia(mime="video/mp4", size=10, width=1280, height=720, seconds=9)
STICKER = IncomingMedia(mime="image/webp", size=10, width=512, height=512)


async def seen(shop: Shop, locale: LocaleName = "es") -> tuple[list[MessageRow], str]:
    """The rows of the only thread, oldest first, and its preview in the list."""
    reader = Reader.of(shop.bob, locale)
    async with unit_of_work(shop.bob):
        (view,) = (await list_conversations(shop.bob)).conversations
        page = await read_thread(shop.bob, view.id)
    return rows_of(page.messages[::-1], reader), row_of(view, reader).preview


async def test_a_video_and_a_sticker_have_their_ratio_before_they_are_here(shop: Shop) -> None:
    await hears(shop, message(wa_id="A", type=MessageType.VIDEO, media=CLIP))
    await hears(shop, message(wa_id="B", type=MessageType.STICKER, media=STICKER, minute=1))
    (video, sticker), preview = await seen(shop)
    assert (video.type, video.media, video.width, video.height) == ("video", "pending", 320, 180)
    assert (sticker.type, sticker.width, sticker.height) == ("sticker", 160, 160)
    assert preview == "💟 Sticker"


@pytest.mark.parametrize(
    ("type", "payload", "author_is_phone", "spanish", "english"),
    [
        (MessageType.ACTIVITY, {"kind": "missed_call", "video": False}, False, "Llamada perdida", "Missed call"),
        (
            MessageType.ACTIVITY,
            {"kind": "missed_call", "video": True},
            False,
            "Videollamada perdida",
            "Missed video call",
        ),
        (MessageType.ACTIVITY, {"kind": "call"}, True, "Llamada en el teléfono", "Call on the phone"),
        (
            MessageType.ACTIVITY,
            {"kind": "poll_vote"},
            False,
            "El cliente votó en la encuesta",
            "The customer voted in the poll",
        ),
    ],
)
async def test_a_line_says_what_happened(
    shop: Shop, type: MessageType, payload: dict[str, Any], author_is_phone: bool, spanish: str, english: str
) -> None:
    await hears(shop, message(wa_id="A", type=type, payload=payload, from_me=author_is_phone))
    for locale, sentence in (("es", spanish), ("en", english)):
        (row,), _ = await seen(shop, locale)  # type: ignore[arg-type]
        assert row.side == "line"
        assert row.text.startswith(f"{sentence} · ")


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        ({"kind": "view_once", "of": "image"}, "Un mensaje que se puede ver una sola vez. Ábrelo en el teléfono."),
        (
            {"kind": "undecryptable", "unavailable": True},
            "WhatsApp envió este mensaje solo al teléfono. Puede ser uno que se ve una sola vez.",
        ),
    ],
)
async def test_what_only_the_phone_may_show_says_so(shop: Shop, payload: dict[str, Any], sentence: str) -> None:
    await hears(shop, message(wa_id="A", type=MessageType.UNSUPPORTED, payload=payload))
    (row,), _ = await seen(shop)
    assert (row.title, row.media) == (sentence, "")


@pytest.mark.parametrize(
    ("locale", "title", "named"),
    [
        ("es", "Ubicación en vivo · 15:00", "📍 Ubicación"),
        ("en", "Live location, as of 3:00 PM", "📍 Location"),
    ],
)
async def test_a_live_location_says_of_when_it_is(shop: Shop, locale: LocaleName, title: str, named: str) -> None:
    payload = {"latitude": -34.6, "longitude": -58.4, "name": "", "address": "", "live": True}
    await hears(shop, message(wa_id="A", type=MessageType.LOCATION, payload=payload))
    (row,), preview = await seen(shop, locale)
    assert (row.title, row.note, preview) == (title, "-34.60000, -58.40000", named)


async def test_several_contacts_are_all_shown_and_what_is_left_out_is_counted(shop: Shop) -> None:
    beto = {"name": "Beto", "vcard": f"BEGIN:VCARD\nTEL;waid={BETO}:+{BETO}\nEND:VCARD"}
    payload = beto | {"others": [{"name": "Carla", "vcard": ""}, {"name": "", "vcard": ""}], "left_out": 3}
    await hears(shop, message(wa_id="A", type=MessageType.CONTACT, payload=payload))
    (row,), preview = await seen(shop)
    assert (row.title, row.note) == ("Beto", "+54 9 11 5000-0002")
    assert row.others == [CardLine("Carla", ""), CardLine("Contacto", "")]
    assert row.left_out == "No se muestran aquí: 3. Míralos en el teléfono."
    assert preview == "👤 Beto +5"


async def test_a_single_contact_has_no_others(shop: Shop) -> None:
    await hears(shop, message(wa_id="A", type=MessageType.CONTACT, payload={"name": "Beto", "vcard": ""}))
    (row,), preview = await seen(shop)
    assert (row.title, row.others, row.left_out, preview) == ("Beto", [], "", "👤 Beto")


async def test_a_missed_call_is_named_in_the_list(shop: Shop) -> None:
    await hears(shop, message(wa_id="A", type=MessageType.ACTIVITY, payload={"kind": "missed_call"}))
    assert (await seen(shop))[1] == "📞 Llamada perdida"


async def test_a_call_that_was_taken_on_the_phone_is_named_in_the_list(shop: Shop) -> None:
    await hears(shop, message(wa_id="A", type=MessageType.ACTIVITY, payload={"kind": "missed_call"}))
    await hears(shop, message(wa_id="A", type=MessageType.ACTIVITY, payload={"kind": "call"}))
    assert (await seen(shop))[1] == "☎ Llamada en el teléfono"


async def test_an_edited_message_keeps_its_first_words_beside_it(shop: Shop) -> None:
    await hears(shop, message("¿41?", wa_id="A"))
    await acts(shop, act(ActKind.EDIT, "A", "¿42?", minute=1))
    (row,), preview = await seen(shop)
    assert (row.text, row.edited, row.earlier, preview) == ("¿42?", True, "¿41?", "¿42?")


async def test_a_deleted_message_is_a_tombstone_wherever_it_is_shown(shop: Shop) -> None:
    await hears(shop, message("mi clave", wa_id="A"), message("eso", wa_id="B", minute=-1, quoted="A"))
    await acts(shop, act(ActKind.REVOKE, "A", minute=1))
    (answer, gone), preview = await seen(shop)
    assert (gone.revoked, gone.text, gone.edited) == (True, "mi clave", False)
    assert (answer.quote, preview) == ("Mensaje eliminado", "🚫 Mensaje eliminado")


async def test_an_answer_to_a_status_shows_it(shop: Shop) -> None:
    status = {"author": "phone", "type": "image", "text": "Las nuevas", "is_status": True}
    await hears(shop, message("¿Cuánto?", wa_id="A", quoted="S", payload={"quoted": status}))
    (row,), _ = await seen(shop)
    assert (row.quote_who, row.quote) == ("Tú · Estado", "📷 Las nuevas")


async def test_a_message_that_only_looks_like_a_mark_is_not_taken_for_one(shop: Shop) -> None:
    await hears(shop, message("🚫", wa_id="A"))
    assert (await seen(shop))[1] == "🚫"


async def test_each_side_has_its_chip(shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A"))
    await acts(shop, act(ActKind.REACTION, "A", "👍"), act(ActKind.REACTION, "A", "🙏", from_me=True))
    (row,), _ = await seen(shop)
    assert (row.reaction, row.own_reaction) == ("👍", "🙏")


@pytest.mark.parametrize("voice", [True, False])
async def test_a_voice_note_is_told_from_a_file_of_sound(shop: Shop, voice: bool) -> None:
    sound = IncomingMedia(mime="audio/ogg", size=10, seconds=5, voice=voice)
    await hears(shop, message(wa_id="A", type=MessageType.AUDIO, media=sound))
    (row,), preview = await seen(shop)
    assert (row.voice, preview) == (voice, "🎤 Nota de voz" if voice else "🎤 Audio")


@pytest.mark.parametrize(
    ("wrote", "sentence"),
    [
        (False, "WhatsApp does not let this number write first for now."),
        (True, "WhatsApp does not let this number write in this chat for now."),
    ],
)
async def test_a_refusal_says_what_helps_in_this_chat(shop: Shop, wrote: bool, sentence: str) -> None:
    async with unit_of_work(shop.bob):
        sent = await send_to_phone(shop.bob, shop.channel.id, to=f"+{ANA}", text="Hola")
    if wrote:
        await hears(shop, message("Hola", wa_id="A"))
        async with unit_of_work(shop.bob):
            sent = await send_message(shop.bob, sent.conversation_id, text="Buenas")
    async with unit_of_work(shop.system):
        await sql("UPDATE message SET status = 'failed', error = 'reachout_timelocked' WHERE id = :id", id=sent.id)
    rows, _ = await seen(shop, "en")
    (why,) = [row.why for row in rows if row.why]
    assert why.startswith(sentence)
