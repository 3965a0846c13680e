"""What the thread and the list say of each kind of message, in both languages."""

from typing import Any

import pytest

from saasbot.domain.inbox.incoming import IncomingMedia
from saasbot.domain.inbox.reads import list_conversations
from saasbot.domain.inbox.thread import read_thread
from saasbot.infra.db import unit_of_work
from saasbot.infra.i18n import LocaleName
from saasbot.models import ActKind, MessageType
from saasbot.state.conversation_rows import row_of
from saasbot.state.message_rows import MessageRow, rows_of
from saasbot.state.reader import Reader
from tests.fixtures.shops import Shop
from tests.inbox.heard import act, acts, hears, message

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


async def test_a_missed_call_is_named_in_the_list(shop: Shop) -> None:
    await hears(shop, message(wa_id="A", type=MessageType.ACTIVITY, payload={"kind": "missed_call"}))
    assert (await seen(shop))[1] == "📞 Llamada perdida"


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


async def test_a_message_that_only_looks_like_a_mark_is_not_taken_for_one(shop: Shop) -> None:
    await hears(shop, message("🚫", wa_id="A"))
    assert (await seen(shop))[1] == "🚫"


async def test_each_side_has_its_chip(shop: Shop) -> None:
    await hears(shop, message("Hola", wa_id="A"))
    await acts(shop, act(ActKind.REACTION, "A", "👍"), act(ActKind.REACTION, "A", "🙏", from_me=True))
    (row,), _ = await seen(shop)
    assert (row.reaction, row.own_reaction) == ("👍", "🙏")
