"""What each kind is on the wire: sent by the unmodified library, read as the customer's phone reads it."""

import base64
import hashlib
import os
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from saasbot.domain.inbox.incoming import IncomingVote
from saasbot.domain.inbox.polls import PollOfOurs
from saasbot.wa_runtime.decode import decode
from saasbot.wa_runtime.poll_votes import UnreadableVote, authenticated, key_of_vote, open_vote
from saasbot.wa_runtime.protobufs import MESSAGE, MessageKey, e2e, events
from tests.wa_runtime.conftest import Customer, NumberProcess
from tests.wire_lab import WireLab

OPTIONS = ("41", "42", "43")


async def _raw(number: NumberProcess, wa_id: str) -> bytes:
    """The journalled bytes of that message, once they are there."""
    while True:
        here = len(number.said)
        for raw in number.journalled(MESSAGE):
            if wa_id == events.Message.FromString(raw).Info.ID:
                return raw
        await number.until("journal", here)


async def _meet(lab: WireLab, number: NumberProcess, customer: Customer) -> str:
    """The customer has written; their message's id."""
    wa_id = await lab.deliver("hola", phone=number.phone, **vars(customer))
    await _raw(number, wa_id)
    return wa_id


async def _sends(lab: WireLab, number: NumberProcess, customer: Customer, **what: Any) -> tuple[str, e2e.Message]:
    """Id and content of what the customer's phone got."""
    sent = await number.do("send", to=customer.chat, **what)
    assert "error" not in sent, sent
    got = [message for message in await lab.sent(number.phone) if message["id"] == sent["wa_id"]]
    return sent["wa_id"], e2e.Message.FromString(base64.b64decode(got[-1]["e2e"]))


async def _stanza(lab: WireLab, number: NumberProcess, wa_id: str) -> str:
    stanzas = (await lab.command("stanzas", phone=number.phone, tag="message"))["stanzas"]
    return next(stanza for stanza in stanzas if wa_id in stanza)


async def test_an_answer_carries_what_it_answers(number, lab: WireLab, customer: Customer):
    asked = await _meet(lab, number, customer)
    quoted = {"wa_id": asked, "author_jid": customer.chat, "type": "text", "text": "hola"}
    _, body = await _sends(lab, number, customer, text="Buenas", quoted=quoted)
    answer = body.extendedTextMessage
    assert (answer.text, answer.contextInfo.stanzaID, answer.contextInfo.participant) == (
        "Buenas",
        asked,
        customer.chat,
    )
    assert answer.contextInfo.quotedMessage.conversation == "hola"


async def test_a_file_can_answer_too_and_be_forgotten(number, lab: WireLab, customer: Customer):
    asked = await _meet(lab, number, customer)
    quoted = {"wa_id": asked, "author_jid": customer.chat, "type": "image", "text": "rojas"}
    media = {"content": base64.b64encode(b"%PDF-1.7").decode(), "mime": "application/pdf", "file_name": "a.pdf"}
    _, body = await _sends(lab, number, customer, type="document", media=media, quoted=quoted, ephemeral_seconds=86_400)
    context = body.documentMessage.contextInfo
    assert (context.stanzaID, context.expiration) == (asked, 86_400)
    assert context.quotedMessage.imageMessage.caption == "rojas"


async def test_reactions_are_given_and_taken_back(number, lab: WireLab, customer: Customer):
    asked = await _meet(lab, number, customer)
    for emoji in ("👍", ""):
        target = {"wa_id": asked, "from_me": False}
        wa_id, body = await _sends(lab, number, customer, type="reaction", text=emoji, target=target)
        reaction = body.reactionMessage
        assert (reaction.text, reaction.key.ID, reaction.key.fromMe) == (emoji, asked, False)
        assert reaction.key.remoteJID == customer.chat
        assert 'type="reaction"' in await _stanza(lab, number, wa_id)


async def test_an_edit_is_one_on_the_wire(number, lab: WireLab, customer: Customer):
    await _meet(lab, number, customer)
    first, _ = await _sends(lab, number, customer, text="Cuesta 100")
    target = {"wa_id": first, "from_me": True}
    wa_id, body = await _sends(lab, number, customer, type="edit", text="Cuesta 120", target=target)
    edit = body.editedMessage.message.protocolMessage
    assert (edit.type, edit.key.ID, edit.key.fromMe) == (e2e.ProtocolMessage.MESSAGE_EDIT, first, True)
    assert edit.editedMessage.conversation == "Cuesta 120"
    assert 'edit="1"' in await _stanza(lab, number, wa_id)


async def test_a_deletion_is_one_on_the_wire(number, lab: WireLab, customer: Customer):
    await _meet(lab, number, customer)
    first, _ = await _sends(lab, number, customer, text="Cuesta 100")
    wa_id, body = await _sends(lab, number, customer, type="revoke", target={"wa_id": first, "from_me": True})
    revoke = body.protocolMessage
    assert revoke.HasField("type") and revoke.type == e2e.ProtocolMessage.REVOKE
    assert (revoke.key.ID, revoke.key.fromMe) == (first, True)
    assert 'edit="7"' in await _stanza(lab, number, wa_id)


@pytest.mark.parametrize(("kind", "mime"), [("video", "video/mp4"), ("sticker", "image/webp")])
async def test_videos_and_stickers_go_out_and_come_back_whole(number, lab, customer: Customer, kind: str, mime: str):
    await _meet(lab, number, customer)
    content = bytes(range(256)) * 400
    media = {"content": base64.b64encode(content).decode(), "mime": mime, "width": 512, "height": 512}
    _, body = await _sends(lab, number, customer, type=kind, text="", media=media)
    file = getattr(body, f"{kind}Message")
    assert (file.mimetype, file.width, file.fileLength) == (mime, 512, len(content))
    wa_id = await lab.deliver(e2e=body.SerializeToString(), phone=number.phone, **vars(customer))
    got = await number.do("download", raw=base64.b64encode(await _raw(number, wa_id)).decode())
    assert base64.b64decode(got["content"]) == content


async def test_a_voice_note_has_its_waveform(number, lab: WireLab, customer: Customer):
    await _meet(lab, number, customer)
    media = {"content": base64.b64encode(b"OggS" * 50).decode(), "mime": "audio/ogg", "seconds": 3, "voice": True}
    _, body = await _sends(lab, number, customer, type="audio", media=media)
    assert (body.audioMessage.PTT, body.audioMessage.seconds) == (True, 3)


async def test_a_contact_is_sent_as_a_card(number, lab: WireLab, customer: Customer):
    await _meet(lab, number, customer)
    card = "BEGIN:VCARD\nVERSION:3.0\nFN:Beto\nEND:VCARD"
    _, body = await _sends(lab, number, customer, type="contact", text="Beto", vcard=card)
    assert (body.contactMessage.displayName, body.contactMessage.vcard) == ("Beto", card)


async def test_media_that_were_changed_on_the_way_are_refused(number, lab: WireLab, customer: Customer):
    await _meet(lab, number, customer)
    media = {"content": base64.b64encode(bytes(5000)).decode(), "mime": "image/jpeg"}
    _, body = await _sends(lab, number, customer, type="image", media=media)
    for spoil in ("fileSHA256", "fileEncSHA256", "mediaKey"):
        spoiled = e2e.Message.FromString(body.SerializeToString())
        setattr(spoiled.imageMessage, spoil, os.urandom(32))
        wa_id = await lab.deliver(e2e=spoiled.SerializeToString(), phone=number.phone, **vars(customer))
        answer = await number.do("download", raw=base64.b64encode(await _raw(number, wa_id)).decode())
        assert (answer.get("error"), answer.get("text")) == ("DownloadFailed", "media_damaged"), spoil


async def test_a_vote_is_read_as_the_library_reads_it(number, lab: WireLab, customer: Customer):
    """The scheme is ours in Python, for polls whose secret we chose; the library, which sent the poll, agrees with it."""
    await _meet(lab, number, customer)
    secret = os.urandom(32)
    poll = {"question": "¿Talle?", "options": OPTIONS, "several": False, "secret": secret.hex()}
    poll_id, body = await _sends(lab, number, customer, type="poll", poll=poll)
    assert body.pollCreationMessage.name == "¿Talle?"
    assert [option.optionName for option in body.pollCreationMessage.options] == list(OPTIONS)
    assert body.pollCreationMessage.selectableOptionsCount == 1
    assert body.messageContextInfo.messageSecret == secret

    own = f"99{number.phone}@lid"
    vote = _vote(secret, poll_id, author=own, voter=customer.chat, chosen=["42"])
    raw = await _raw(number, await lab.deliver(e2e=vote, phone=number.phone, **vars(customer)))
    read = await number.do("library_reads_vote", raw=base64.b64encode(raw).decode())
    assert read.get("chosen") == [hashlib.sha256(b"42").hexdigest()], read
    heard = decode(1, MESSAGE, raw)
    assert isinstance(heard, IncomingVote)
    ours = PollOfOurs(UUID(int=1), UUID(int=2), OPTIONS, secret)
    assert open_vote(ours, heard, own=[own], voters=[customer.chat]) == ("42",)
    other = PollOfOurs(UUID(int=1), UUID(int=2), OPTIONS, os.urandom(32))
    with pytest.raises(UnreadableVote):
        open_vote(other, heard, own=[own], voters=[customer.chat])


def _vote(secret: bytes, poll_id: str, *, author: str, voter: str, chosen: list[str]) -> bytes:
    plain = e2e.PollVoteMessage(selectedOptions=[hashlib.sha256(option.encode()).digest() for option in chosen])
    iv = os.urandom(12)
    sealed = AESGCM(key_of_vote(secret, poll_id, author, voter)).encrypt(
        iv, plain.SerializeToString(), authenticated(poll_id, voter)
    )
    key = MessageKey(remoteJID=author, fromMe=False, ID=poll_id)
    vote = e2e.PollUpdateMessage(
        pollCreationMessageKey=key,
        vote=e2e.PollEncValue(encPayload=sealed, encIV=iv),
        senderTimestampMS=int(datetime.now(UTC).timestamp() * 1000),
    )
    return e2e.Message(pollUpdateMessage=vote).SerializeToString()
