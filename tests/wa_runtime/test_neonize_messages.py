"""What the library's errors mean: nothing left, refused for good, or nobody knows."""

from uuid import UUID

import pytest

from saasbot.domain.channels.new_chats import PAUSES
from saasbot.models import MessageType
from saasbot.state import channel_texts, message_texts
from saasbot.wa_runtime.neonize_errors import download_error, question_error, send_error, upload_error
from saasbot.wa_runtime.neonize_messages import AUDIO, DOCUMENT, IMAGE, VIDEO, plain_message, upload_kind
from saasbot.wa_runtime.neonize_store import libpq_dsn
from saasbot.wa_runtime.refusals import CODES
from saasbot.wa_runtime.transport import (
    DownloadFailed,
    NotConnected,
    Outgoing,
    OutgoingMedia,
    SendDelayed,
    SendRefused,
    SendUnknown,
)


@pytest.mark.parametrize(
    "text",
    [
        "websocket not connected",
        "client is nil",
        "the store doesn't contain a device JID",
        "failed to get device list: websocket not connected",
    ],
)
def test_what_never_left_stays_queued(text: str):
    assert isinstance(send_error(text), NotConnected)


@pytest.mark.parametrize(
    "text",
    [
        "failed to prefetch sessions: dial tcp: connection refused",
        "failed to get device list: info query returned status 503: service-unavailable",
        "failed to get group members: info query returned status 500: internal-server-error",
    ],
)
def test_what_stops_one_message_only_is_no_lost_connection(text: str):
    assert isinstance(send_error(text), SendDelayed)


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("failed to send usync query: info query timed out", SendDelayed),
        ("info query returned status 503: service-unavailable", SendDelayed),
        ("info query returned status 429: rate-overlimit", SendRefused),
        ("websocket disconnected before info query returned response", NotConnected),
        ("client is nil", NotConnected),
    ],
)
def test_after_a_question_without_an_answer_nothing_can_have_left(text: str, failure: type[Exception]):
    assert type(question_error(text)) is failure


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("server returned error 463", "reachout_timelocked"),
        ("server returned error 475", "new_chats_capped"),
        ("server returned error 429", "rate_limited"),
        ("server returned error 403", "not_allowed"),
        ("server returned error 479", "refused_by_whatsapp"),
        ("failed to get device list: info query returned status 429: rate-overlimit", "rate_limited"),
        ("failed to get device list: info query returned status 400: bad-request", "refused_by_whatsapp"),
        ("failed to get group members: you're not participating in that group", "not_in_group"),
        ("sending to non-status broadcast lists is not yet supported", "unsupported_type"),
        ("no LID found for 5491166660002@s.whatsapp.net from server", "not_on_whatsapp"),
        ("message recipient must be a user JID with no device part", "invalid_recipient"),
        ("can't send message to unknown server c.us", "invalid_recipient"),
    ],
)
def test_what_is_refused_has_a_code(text: str, code: str):
    error = send_error(text)
    assert isinstance(error, SendRefused) and error.code == code


def test_every_refusal_has_its_sentences():
    assert set(CODES.values()) <= set(message_texts._FAILED)
    assert set(PAUSES) <= set(message_texts._HELD) & set(channel_texts.PAUSES)


def test_a_refusal_without_a_name_keeps_its_number():
    error = send_error("server returned error 479")
    assert isinstance(error, SendRefused) and error.number == 479
    known = send_error("server returned error 463")
    assert isinstance(known, SendRefused) and known.number is None


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("failed to execute request: Post https://mmg.whatsapp.net/?auth=SECRET: dial tcp: no such host", SendDelayed),
        ("failed to refresh media connections: info query timed out", SendDelayed),
        ("upload failed with status code 503", SendDelayed),
        ("upload failed with status code 413", SendRefused),
        ("failed to encrypt file: no key", SendRefused),
    ],
)
def test_a_file_that_could_not_be_brought_waits_unless_it_was_refused(text: str, failure: type[Exception]):
    error = upload_error(text)
    assert type(error) is failure and "SECRET" not in str(error)


@pytest.mark.parametrize(
    "text",
    ["timed out waiting for message send response", "websocket disconnected before info query returned response", "?"],
)
def test_every_doubt_is_an_unknown_fate(text: str):
    assert isinstance(send_error(text), SendUnknown)


@pytest.mark.parametrize(
    ("text", "code", "permanent"),
    [
        ("download failed with status code 404", "media_expired", True),
        ("download failed with status code 410", "media_expired", True),
        ("failed to download media: invalid media hmac", "media_damaged", True),
        ("nothing downloadable found in message", "media_damaged", True),
        ("download failed with status code 503", "media_unreachable", False),
        ("dial tcp: lookup mmg.whatsapp.net: no such host", "media_unreachable", False),
    ],
)
def test_media_are_gone_damaged_or_worth_another_try(text: str, code: str, permanent: bool):
    error = download_error(text)
    assert isinstance(error, DownloadFailed)
    assert (error.code, error.permanent) == (code, permanent)


def test_a_download_without_a_connection_waits():
    assert isinstance(download_error("websocket not connected"), NotConnected)


def _outgoing(kind: str, mime: str = "") -> Outgoing:
    return Outgoing(UUID(int=1), "1@lid", kind, media=OutgoingMedia(b"x", mime) if mime else None)


def test_files_are_uploaded_as_what_they_are():
    assert upload_kind(_outgoing(MessageType.IMAGE, "image/png")) == IMAGE
    assert upload_kind(_outgoing(MessageType.AUDIO, "audio/ogg")) == AUDIO
    assert upload_kind(_outgoing(MessageType.VIDEO, "video/mp4")) == VIDEO
    assert upload_kind(_outgoing(MessageType.STICKER, "image/webp")) == IMAGE
    assert upload_kind(_outgoing(MessageType.DOCUMENT, "video/webm")) == DOCUMENT
    assert upload_kind(_outgoing(MessageType.DOCUMENT, "application/pdf")) == DOCUMENT


def test_what_cannot_be_sent_is_refused_before_it_is_tried():
    with pytest.raises(SendRefused, match="unsupported_type"):
        plain_message(_outgoing(MessageType.CONTACT))


def test_the_stores_address_is_read_by_psycopg_too():
    dsn = "postgresql://wa:pw@/saasbot_wa?host=%2Frun%2Fpg&port=5432&idle_session_timeout=60000&sslmode=disable"
    assert libpq_dsn(dsn) == (
        "postgresql://wa:pw@/saasbot_wa?host=%2Frun%2Fpg&port=5432&sslmode=disable&options=-c%20idle_session_timeout%3D60000"
    )
