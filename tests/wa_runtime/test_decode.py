"""What the inbox makes of genuine events of the library: every kind that was captured from it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from saasbot.domain.inbox.incoming import IncomingAct, IncomingMessage, IncomingReceipt, IncomingVote
from saasbot.models import ActKind, MessageStatus, MessageType
from saasbot.wa_runtime.contents import announced_size
from saasbot.wa_runtime.decode import decode
from saasbot.wa_runtime.protobufs import CALL_OFFER, CALL_TERMINATE, MESSAGE, RECEIPT, UNDECRYPTABLE, events
from tests.wa_runtime.neonize_fixtures import NAMES, captured

PHONE, LID = "5521000000000", "998800000000000"

TEXTS = {
    "group_text": "no grupo",
    "text": "Olá! 👋 quero agendar",
    "extended_reply": "resposta",
    "ctwa_ad": "Vi o anúncio",
    "ephemeral_text": "some",
    "buttons_response": "Sim",
    "interactive_response": "ok",
    "list_response": "t",
    "poll": "Qual?\n○ A\n○ B",
    "template_reply": "X",
    "own_from_phone": "respondi pelo celular",
    "own_from_phone_pn": "respondi pelo celular",
    "text_lid_without_pn": "Olá! 👋 quero agendar",
    "text_pn_addressing": "Olá! 👋 quero agendar",
}
SUPPORTED = {
    "image": MessageType.IMAGE,
    "video": MessageType.VIDEO,
    "sticker": MessageType.STICKER,
    "audio_ptt": MessageType.AUDIO,
    "document": MessageType.DOCUMENT,
    "document_with_caption": MessageType.DOCUMENT,
    "location": MessageType.LOCATION,
    "live_location": MessageType.LOCATION,
    "contact": MessageType.CONTACT,
    "contacts": MessageType.CONTACT,
}
CHOSEN = {
    "buttons_response": "buttons_response",
    "interactive_response": "interactive_response",
    "list_response": "list_response",
    "poll": "poll",
    "template_reply": "template_button_reply",
}
ACTS = {
    "edit": (ActKind.EDIT, "AAA", "corrigido"),
    "edit_bare": (ActKind.EDIT, "AAA", "corrigido2"),
    "reaction": (ActKind.REACTION, "3EB0X", "👍"),
    "reaction_removed": (ActKind.REACTION, "3EB0X", ""),
    "revoke": (ActKind.REVOKE, "AAA", ""),
}
LINES = {"call_log": "missed_call", "call_offer": "missed_call"}
UNSUPPORTED = {
    "order": ("order", ""),
    "viewonce_ext_audio": ("view_once", ""),
    "viewonce_v2_image": ("view_once", ""),
}
RECEIPTS = {
    "receipt_delivered": MessageStatus.DELIVERED,
    "receipt_read": MessageStatus.READ,
    "receipt_played": MessageStatus.READ,
}
NOTHING = {
    "status_broadcast",
    "history_sync",
    "ephemeral_setting",
    "empty",
    *(name for name in NAMES if captured(name)[0] not in (MESSAGE, RECEIPT, CALL_OFFER)),
}


def _decoded(name: str) -> IncomingMessage:
    value = decode(7, *captured(name))
    assert isinstance(value, IncomingMessage)
    return value


def _message_of(event: Any) -> IncomingMessage:
    value = decode(7, MESSAGE, event.SerializeToString())
    assert isinstance(value, IncomingMessage)
    return value


def test_every_captured_event_is_accounted_for():
    assert set(NAMES) == {*TEXTS, *SUPPORTED, *ACTS, *LINES, *UNSUPPORTED, *RECEIPTS, *NOTHING}


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


@pytest.mark.parametrize("name", CHOSEN)
def test_what_was_chosen_and_not_typed_is_a_text_that_names_its_kind(name: str):
    assert _decoded(name).payload == {"kind": CHOSEN[name]}


def test_a_quick_reply_without_words_says_what_its_button_meant():
    event = events.Message.FromString(captured("interactive_response")[1])
    answer = event.Message.interactiveResponseMessage
    answer.body.text = ""
    answer.nativeFlowResponseMessage.paramsJSON = '{"id": "talle-42"}'
    assert _message_of(event).text == "talle-42"


def test_a_quick_reply_nested_without_end_is_still_a_message():
    event = events.Message.FromString(captured("interactive_response")[1])
    answer = event.Message.interactiveResponseMessage
    answer.body.text = ""
    answer.nativeFlowResponseMessage.paramsJSON = "[" * 200_000
    assert _message_of(event).payload == {"kind": "interactive_response"}


@pytest.mark.parametrize("name", ACTS)
def test_what_is_done_to_a_message_is_an_act_and_not_a_message(name: str):
    act = decode(7, *captured(name))
    assert isinstance(act, IncomingAct)
    assert (act.kind, act.target_wa_id, act.text) == ACTS[name]
    assert (act.phone, act.lid, act.from_me) == (PHONE, LID, False)
    assert act.chat_jid == f"{LID}@lid"


def test_acts_have_the_moment_at_which_they_were_done():
    first, second = decode(7, *captured("reaction")), decode(8, *captured("reaction_removed"))
    assert isinstance(first, IncomingAct) and isinstance(second, IncomingAct)
    assert first.at < second.at  # in one second of the server


@pytest.mark.parametrize("moment", [0, 1, 2**62])
def test_a_clock_that_is_far_off_is_not_believed(moment: int):
    event = events.Message.FromString(captured("reaction")[1])
    event.Message.reactionMessage.senderTimestampMS = moment
    act = decode(7, MESSAGE, event.SerializeToString())
    assert isinstance(act, IncomingAct)
    assert act.at == datetime.fromtimestamp(event.Info.Timestamp / 1000, UTC)


def test_an_edited_caption_is_its_new_words():
    event = events.Message.FromString(captured("edit")[1])
    event.Message.protocolMessage.editedMessage.Clear()
    event.Message.protocolMessage.editedMessage.imageMessage.caption = "las azules"
    act = decode(7, MESSAGE, event.SerializeToString())
    assert isinstance(act, IncomingAct)
    assert act.text == "las azules"


def test_an_edit_of_a_group_means_nothing():
    event = events.Message.FromString(captured("edit")[1])
    event.Info.MessageSource.IsGroup = True
    assert decode(7, MESSAGE, event.SerializeToString()) is None


@pytest.mark.parametrize("name", LINES)
def test_a_call_that_nobody_took_is_a_line(name: str):
    line = _decoded(name)
    assert (line.type, line.payload) == (MessageType.ACTIVITY, {"kind": LINES[name], "video": False})


def test_a_call_is_known_by_its_own_id_and_its_caller():
    call = _decoded("call_offer")
    assert (call.wa_id, call.lid, call.chat_jid) == ("CALLID", LID, f"{LID}@lid")
    assert call.sent_at == datetime(2026, 11, 20, 23, 40, tzinfo=UTC)


@pytest.mark.parametrize("reason", ["accepted_elsewhere", "rejected_elsewhere"])
def test_a_call_that_was_seen_to_on_the_phone_is_the_same_line_and_not_missed(reason: str):
    end = events.CallTerminate.FromString(captured("call_terminate")[1])
    end.reason = reason
    line, offer = decode(8, CALL_TERMINATE, end.SerializeToString()), _decoded("call_offer")
    assert isinstance(line, IncomingMessage)
    assert (line.type, line.payload) == (MessageType.ACTIVITY, {"kind": "call"})
    assert (line.wa_id, line.lid, line.chat_jid) == (offer.wa_id, offer.lid, offer.chat_jid)
    assert offer.gives_way_to(line) and not line.gives_way_to(offer)


def test_a_vote_is_sealed_and_has_a_line_for_where_it_stays_so():
    event = events.Message.FromString(captured("text")[1])
    event.Message.Clear()
    event.Message.pollUpdateMessage.pollCreationMessageKey.ID = "POLL"
    event.Message.pollUpdateMessage.vote.encPayload, event.Message.pollUpdateMessage.vote.encIV = b"sealed", b"iv"
    vote = decode(7, MESSAGE, event.SerializeToString())
    assert isinstance(vote, IncomingVote)
    assert (vote.poll_wa_id, vote.encrypted, vote.iv) == ("POLL", b"sealed", b"iv")
    assert (vote.line.type, vote.line.payload) == (MessageType.ACTIVITY, {"kind": "poll_vote", "poll": "POLL"})


@pytest.mark.parametrize(("seconds", "known"), [(0, 0), (86_400, 86_400)])
def test_a_message_says_how_long_its_chat_remembers(seconds: int, known: int):
    event = events.Message.FromString(captured("extended_reply")[1])
    event.Message.extendedTextMessage.contextInfo.expiration = seconds
    event.IsEphemeral = seconds > 0
    assert _message_of(event).ephemeral_seconds == known


def means_nothing(found: object) -> bool:
    """A chat does not show it."""
    return found is None or (isinstance(found, IncomingMessage) and found.is_nothing)


@pytest.mark.parametrize("name", ["albumMessage", "pinInChatMessage", "keepInChatMessage"])
def test_what_only_arranges_other_messages_means_nothing(name: str):
    event = events.Message.FromString(captured("text")[1])
    event.Message.Clear()
    getattr(event.Message, name).SetInParent()
    assert means_nothing(decode(7, MESSAGE, event.SerializeToString()))


def test_a_chat_that_forgets_its_messages_says_so():
    assert _decoded("ephemeral_text").payload == {"ephemeral": True}


def test_a_message_to_be_seen_once_is_not_fetched_and_names_what_it_was():
    assert _decoded("viewonce_v2_image").payload == {"kind": "view_once", "of": "image"}
    assert _decoded("viewonce_ext_audio").payload == {"kind": "view_once", "of": "audio"}


def test_a_video_and_a_sticker_announce_what_to_download():
    video, sticker = _decoded("video").media, _decoded("sticker").media
    assert video is not None and sticker is not None
    assert (video.mime, video.size, video.width, video.height, video.seconds) == ("video/mp4", 1234, 2, 1, 9)
    assert (sticker.mime, sticker.width, sticker.height) == ("image/webp", 64, 64)
    assert _decoded("video").text == "v"


@pytest.mark.parametrize("name", sorted(NOTHING))
def test_status_and_housekeeping_mean_nothing_to_the_inbox(name: str):
    assert means_nothing(decode(7, *captured(name)))


def test_a_message_of_a_group_says_which_and_who_wrote():
    found = _decoded("group_text")
    assert (found.text, found.chat_jid, found.group) == ("no grupo", "12036300000@g.us", "12036300000")
    assert (found.phone, found.lid, found.author_jid, found.push_name) == (PHONE, LID, f"{LID}@lid", "Cliente")


def _through_a_list(name: str) -> Any:
    event = events.Message.FromString(captured(name)[1])
    source = events.Message.FromString(captured("status_broadcast")[1]).Info.MessageSource
    source.Chat.User = "1700000000"
    event.Info.MessageSource.CopyFrom(source)
    return event


def test_a_message_through_a_broadcast_list_is_in_the_chat_with_its_sender():
    found, alone = _message_of(_through_a_list("text")), _decoded("text")
    assert (found.text, found.chat_jid, found.phone, found.lid) == (alone.text, alone.chat_jid, PHONE, LID)
    assert (found.group, found.author_jid, found.from_me) == (None, None, False)
    act = decode(7, MESSAGE, _through_a_list("revoke").SerializeToString())
    assert isinstance(act, IncomingAct)
    assert (act.phone, act.lid, act.group) == (PHONE, LID, None)


def test_a_message_of_our_phone_to_a_broadcast_list_is_in_no_chat():
    event = _through_a_list("text")
    event.Info.MessageSource.IsFromMe = True
    assert decode(7, MESSAGE, event.SerializeToString()) is None


def test_an_echo_in_a_group_is_of_nobody_but_the_phone():
    event = events.Message.FromString(captured("group_text")[1])
    event.Info.MessageSource.IsFromMe = True
    found = decode(7, MESSAGE, event.SerializeToString())
    assert isinstance(found, IncomingMessage)
    assert (found.group, found.from_me, found.author_jid) == ("12036300000", True, None)


@pytest.mark.parametrize("name", ["reaction", "edit", "revoke"])
def test_an_act_in_a_group_is_of_who_did_it(name: str):
    event = events.Message.FromString(captured(name)[1])
    group = events.Message.FromString(captured("group_text")[1])
    event.Info.MessageSource.CopyFrom(group.Info.MessageSource)
    found = decode(7, MESSAGE, event.SerializeToString())
    assert isinstance(found, IncomingAct)
    assert (found.group, found.author_jid, found.from_me) == ("12036300000", f"{LID}@lid", False)


def _receipt_of(name: str, server: str) -> IncomingReceipt | None:
    event = events.Receipt.FromString(captured(name)[1])
    event.MessageSource.IsGroup = True
    event.MessageSource.Chat.User, event.MessageSource.Chat.Server = "12036300000", server
    found = decode(7, RECEIPT, event.SerializeToString())
    assert found is None or isinstance(found, IncomingReceipt)
    return found


@pytest.mark.parametrize("name", RECEIPTS)
def test_a_receipt_of_one_of_a_group_is_never_more_than_delivered(name: str):
    found = _receipt_of(name, "g.us")
    assert found is not None
    assert (found.status, found.group) == (MessageStatus.DELIVERED, "12036300000")
    assert _receipt_of(name, "broadcast") is None


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


def test_a_live_location_is_a_place_that_says_so_and_its_caption_is_a_text():
    event = events.Message.FromString(captured("live_location")[1])
    event.Message.liveLocationMessage.caption = "voy para allá"
    message = _message_of(event)
    assert message.payload == {"latitude": -23.5, "longitude": -46.6, "name": "", "address": "", "live": True}
    assert message.text == "voy para allá"


def test_several_cards_read_as_the_first_one_and_have_the_others():
    assert _decoded("contacts").payload == {
        "name": "Ana",
        "vcard": "",
        "others": [{"name": "Bia", "vcard": ""}],
        "left_out": 0,
    }


def test_one_card_of_several_is_like_a_single_one_and_none_is_kept_as_unsupported():
    event = events.Message.FromString(captured("contacts")[1])
    array = event.Message.contactsArrayMessage
    del array.contacts[1:]
    assert _message_of(event).payload == {"name": "Ana", "vcard": ""}
    del array.contacts[:]
    assert _message_of(event).type == MessageType.UNSUPPORTED


def test_cards_without_end_are_cut_and_counted():
    event = events.Message.FromString(captured("contacts")[1])
    for _ in range(998):
        event.Message.contactsArrayMessage.contacts.add(displayName="B\0" * 5_000, vcard="x" * 50_000)
    payload = _message_of(event).payload
    assert (len(payload["others"]), payload["left_out"]) == (19, 980)
    last = payload["others"][-1]
    assert (len(last["name"]), len(last["vcard"])) == (100, 1_000)


def test_a_reply_names_what_it_answers():
    assert _decoded("extended_reply").quoted_wa_id == "3EB0QUOTED"


def test_a_reply_tells_what_it_answers():
    event = events.Message.FromString(captured("extended_reply")[1])
    theirs = {"author": "phone", "type": "text", "text": "pergunta", "is_status": False}
    assert _message_of(event).payload["quoted"] == theirs
    context = event.Message.extendedTextMessage.contextInfo
    context.participant = f"{LID}:3@lid"
    assert _message_of(event).payload["quoted"] == theirs | {"author": "customer"}
    context.participant, context.remoteJID = "123400000000000@lid", "status@broadcast"
    context.quotedMessage.Clear()
    context.quotedMessage.imageMessage.caption = "rojas " * 100
    status = _message_of(event).payload["quoted"]
    assert (status["author"], status["type"], status["is_status"]) == ("phone", "image", True)
    assert status["text"].startswith("rojas rojas") and len(status["text"]) == 200


def test_a_message_that_cannot_be_decrypted_holds_its_place():
    info = events.Message.FromString(captured("text")[1]).Info
    undecryptable = events.UndecryptableMessage(
        Info=info, IsUnavailable=False, DecryptFailMode=events.UndecryptableMessage.DECRYPT_FAIL_SHOW
    )
    message = decode(7, UNDECRYPTABLE, undecryptable.SerializeToString())
    assert isinstance(message, IncomingMessage)
    assert (message.type, message.payload, message.wa_id) == ("unsupported", {"kind": "undecryptable"}, info.ID)
    undecryptable.IsUnavailable = True
    message = decode(7, UNDECRYPTABLE, undecryptable.SerializeToString())
    assert isinstance(message, IncomingMessage)
    assert message.payload == {"kind": "undecryptable", "unavailable": True}


@pytest.mark.parametrize(
    ("mode", "edit"), [("DECRYPT_FAIL_HIDE", ""), ("DECRYPT_FAIL_HIDE", "1"), ("DECRYPT_FAIL_SHOW", "7")]
)
@pytest.mark.parametrize("from_me", [False, True])
def test_an_act_that_cannot_be_decrypted_leaves_nothing(mode: str, edit: str, from_me: bool):
    info = events.Message.FromString(captured("own_from_phone" if from_me else "text")[1]).Info
    info.Edit = edit
    undecryptable = events.UndecryptableMessage(
        Info=info, IsUnavailable=False, DecryptFailMode=events.UndecryptableMessage.DecryptFailModeT.Value(mode)
    )
    assert decode(7, UNDECRYPTABLE, undecryptable.SerializeToString()) is None


def test_a_kind_that_does_not_exist_yet_is_kept_too():
    event = events.Message.FromString(captured("text")[1])
    event.Message.Clear()
    event.Message.MergeFromString(b"\xfa\xff\x01\x03abc")  # field 4095, unknown to this version
    message = decode(7, MESSAGE, event.SerializeToString())
    assert isinstance(message, IncomingMessage)
    assert message.payload["kind"] == "unknown"


def test_the_size_of_a_file_is_known_before_it_is_fetched():
    message = events.Message().Message
    assert announced_size(message) == 0
    message.documentWithCaptionMessage.message.documentMessage.fileLength = 5_000_000
    assert announced_size(message) == 5_000_000
    message.documentWithCaptionMessage.message.imageMessage.fileLength = 9  # made up, to be believed more
    assert announced_size(message) == 9
