"""What the inbox makes of genuine events of the library: every kind that was captured from it."""

from datetime import UTC, datetime

import pytest

from saasbot.domain.inbox.incoming import IncomingMessage, IncomingReceipt
from saasbot.models import MessageStatus, MessageType
from saasbot.wa_runtime.decode import decode
from saasbot.wa_runtime.protobufs import MESSAGE, UNDECRYPTABLE, events
from tests.wa_runtime.neonize_fixtures import NAMES, captured

PHONE, LID = "5521000000000", "998800000000000"

TEXTS = {
    "text": "Olá! 👋 quero agendar",
    "extended_reply": "resposta",
    "ctwa_ad": "Vi o anúncio",
    "ephemeral_text": "some",
    "own_from_phone": "respondi pelo celular",
    "own_from_phone_pn": "respondi pelo celular",
    "text_lid_without_pn": "Olá! 👋 quero agendar",
    "text_pn_addressing": "Olá! 👋 quero agendar",
}
SUPPORTED = {
    "image": MessageType.IMAGE,
    "audio_ptt": MessageType.AUDIO,
    "document": MessageType.DOCUMENT,
    "document_with_caption": MessageType.DOCUMENT,
    "location": MessageType.LOCATION,
    "contact": MessageType.CONTACT,
}
UNSUPPORTED = {
    "buttons_response": ("buttons_response", "Sim"),
    "call_log": ("call_log", ""),
    "contacts": ("contacts_array", ""),
    "edit": ("edit", "corrigido"),
    "edit_bare": ("edit", "corrigido2"),
    "interactive_response": ("interactive_response", ""),
    "list_response": ("list_response", "t"),
    "live_location": ("live_location", ""),
    "order": ("order", ""),
    "poll": ("poll_creation_v3", "Qual?"),
    "reaction": ("reaction", "👍"),
    "reaction_removed": ("reaction", ""),
    "revoke": ("revoke", ""),
    "sticker": ("sticker", ""),
    "template_reply": ("template_button_reply", "X"),
    "video": ("video", "v"),
    "viewonce_ext_audio": ("view_once", ""),
    "viewonce_v2_image": ("view_once", ""),
}
RECEIPTS = {
    "receipt_delivered": MessageStatus.DELIVERED,
    "receipt_read": MessageStatus.READ,
    "receipt_played": MessageStatus.READ,
}
NOTHING = {
    "group_text",
    "status_broadcast",
    "history_sync",
    "ephemeral_setting",
    "empty",
    *(name for name in NAMES if captured(name)[0] not in (MESSAGE, 18)),
}


def _decoded(name: str) -> IncomingMessage:
    value = decode(7, *captured(name))
    assert isinstance(value, IncomingMessage)
    return value


def test_every_captured_event_is_accounted_for():
    assert set(NAMES) == {*TEXTS, *SUPPORTED, *UNSUPPORTED, *RECEIPTS, *NOTHING}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_read(name: str):
    message = _decoded(name)
    assert (message.type, message.text) == (MessageType.TEXT, TEXTS[name])
    assert message.wa_event_id == 7


@pytest.mark.parametrize("name", SUPPORTED)
def test_what_the_inbox_shows_has_its_type(name: str):
    assert _decoded(name).type == SUPPORTED[name]


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_anything_else_is_kept_and_names_its_kind(name: str):
    message = _decoded(name)
    assert message.type == MessageType.UNSUPPORTED
    assert (message.payload["kind"], message.text) == UNSUPPORTED[name]
    assert message.media is None


@pytest.mark.parametrize("name", sorted(NOTHING))
def test_groups_status_and_housekeeping_mean_nothing_to_the_inbox(name: str):
    assert decode(7, *captured(name)) is None


@pytest.mark.parametrize("name", RECEIPTS)
def test_a_receipt_moves_our_messages(name: str):
    receipt = decode(7, *captured(name))
    assert isinstance(receipt, IncomingReceipt)
    assert receipt.status == RECEIPTS[name]
    assert receipt.wa_ids[0] == "3EB0X"
    assert receipt.at == datetime(2026, 11, 20, 23, 40, tzinfo=UTC)


def test_a_customer_has_a_phone_and_a_lid_whichever_way_whatsapp_addresses_them():
    for name in ("text", "text_pn_addressing", "own_from_phone", "own_from_phone_pn"):
        message = _decoded(name)
        assert (message.phone, message.lid) == (PHONE, LID), name


def test_a_customer_may_have_no_phone():
    message = _decoded("text_lid_without_pn")
    assert (message.phone, message.lid, message.chat_jid) == (None, LID, f"{LID}@lid")


def test_what_the_owner_types_on_the_phone_is_an_echo():
    echo, heard = _decoded("own_from_phone"), _decoded("text")
    assert echo.from_me and not heard.from_me
    assert echo.chat_jid == heard.chat_jid


def test_an_image_announces_what_to_download():
    media = _decoded("image").media
    assert media is not None
    assert (media.mime, media.size, media.width, media.height) == ("image/jpeg", 1234, 800, 600)
    assert media.sha256 == "01" * 32
    assert _decoded("image").text == "foto"


def test_a_voice_note_is_one():
    media = _decoded("audio_ptt").media
    assert media is not None
    assert (media.mime, media.voice, media.seconds) == ("audio/ogg", True, 7)


def test_a_document_has_its_name_and_its_caption():
    message = _decoded("document_with_caption")
    assert message.media is not None
    assert (message.text, message.media.file_name, message.media.mime) == ("segue", "a.pdf", "application/pdf")


def test_a_place_and_a_card_are_kept_as_values():
    place = _decoded("location").payload
    assert (place["latitude"], place["longitude"], place["name"]) == (-23.5, -46.6, "Salão")
    assert _decoded("contact").payload["name"] == "Ana"


def test_a_reply_names_what_it_answers():
    assert _decoded("extended_reply").quoted_wa_id == "3EB0QUOTED"


def test_a_message_that_cannot_be_decrypted_holds_its_place():
    info = events.Message.FromString(captured("text")[1]).Info
    undecryptable = events.UndecryptableMessage(
        Info=info, IsUnavailable=False, DecryptFailMode=events.UndecryptableMessage.DECRYPT_FAIL_SHOW
    )
    message = decode(7, UNDECRYPTABLE, undecryptable.SerializeToString())
    assert isinstance(message, IncomingMessage)
    assert (message.type, message.payload["kind"], message.wa_id) == ("unsupported", "undecryptable", info.ID)


def test_a_kind_that_does_not_exist_yet_is_kept_too():
    event = events.Message.FromString(captured("text")[1])
    event.Message.Clear()
    event.Message.MergeFromString(b"\xfa\xff\x01\x03abc")  # field 4095, unknown to this version
    message = decode(7, MESSAGE, event.SerializeToString())
    assert isinstance(message, IncomingMessage)
    assert message.payload["kind"] == "unknown"
