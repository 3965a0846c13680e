"""A linked number on the unmodified library, against the wire lab's server."""

import base64
from functools import partial

from saasbot.wa_runtime.protobufs import MESSAGE, RECEIPT, e2e, events
from tests.fixtures.simulator import until
from tests.wa_runtime.conftest import Customer, Link, Linked, NumberProcess, Start
from tests.wire_lab import WireLab


async def _received(number: NumberProcess, wa_id: str) -> events.Message:
    return events.Message.FromString(await _raw(number, wa_id))


async def _raw(number: NumberProcess, wa_id: str) -> bytes:
    """The journalled bytes of that message, once they are there."""
    while True:
        here = len(number.said)
        for raw in number.journalled(MESSAGE):
            message = events.Message.FromString(raw)
            if wa_id == message.Info.ID:
                return raw
        await number.until("journal", here)


async def _sent_to(lab: WireLab, number: NumberProcess, customer: Customer) -> list[dict]:
    return [message for message in await lab.sent(number.phone) if message["to"] == customer.sender]


async def _meet(lab: WireLab, number: NumberProcess, customer: Customer) -> None:
    """The customer has written: the number knows who they are."""
    await _received(number, await lab.deliver("hola", phone=number.phone, **vars(customer)))


async def test_what_a_customer_writes_is_journalled_as_it_came(number, lab: WireLab, customer: Customer):
    wa_id = await lab.deliver("hola", phone=number.phone, push="Ana", **vars(customer))
    message = await _received(number, wa_id)
    assert message.Message.conversation == "hola"
    assert message.Info.Pushname == "Ana"
    assert message.Info.MessageSource.Chat.User == customer.sender_lid
    assert message.Info.MessageSource.SenderAlt.User == customer.sender


async def test_a_sent_text_is_read_by_the_customer_as_plain_text(number, lab: WireLab, customer: Customer):
    await _meet(lab, number, customer)
    sent = await number.do("send", to=customer.chat, text="¡Hola! 79,90 €")
    [message] = await _sent_to(lab, number, customer)
    assert (message["id"], message["kind"], message["text"]) == (sent["wa_id"], "conversation", "¡Hola! 79,90 €")
    assert sent["chat"] == customer.chat


async def test_a_stranger_is_reached_by_phone_number(number, lab: WireLab, customer: Customer):
    sent = await number.do("send", to=f"{customer.sender}@s.whatsapp.net", text="Buenas")
    assert sent["chat"].endswith("@lid")
    assert len(await _sent_to(lab, number, customer)) == 1


async def test_a_phone_number_is_looked_up_as_whatsapp_knows_it(number):
    assert (await number.do("lookup", phone="5541987654321"))["chat"] == "554187654321@s.whatsapp.net"
    assert (await number.do("lookup", phone="5491112345678"))["chat"] == "5491112345678@s.whatsapp.net"


async def test_a_phone_number_of_nobody_is_not_on_whatsapp(number):
    answer = await number.do("lookup", phone="5491112000000")
    assert (answer["error"], answer["text"]) == ("SendRefused", "not_on_whatsapp")


async def test_a_location_is_sent_as_a_place(number, lab: WireLab, customer: Customer):
    await _meet(lab, number, customer)
    await number.do("send", to=customer.chat, type="location", text="Tienda", latitude=-34.6, longitude=-58.4)
    [message] = await _sent_to(lab, number, customer)
    place = e2e.Message.FromString(base64.b64decode(message["e2e"])).locationMessage
    assert (place.name, place.degreesLatitude, place.degreesLongitude) == ("Tienda", -34.6, -58.4)


async def test_media_go_out_encrypted_and_come_back_whole(number, lab: WireLab, customer: Customer):
    await _meet(lab, number, customer)
    content = bytes(range(256)) * 300
    media = {"content": base64.b64encode(content).decode(), "mime": "image/jpeg", "width": 800, "height": 600}
    await number.do("send", to=customer.chat, type="image", text="Mira", media=media)
    [message] = await _sent_to(lab, number, customer)
    body = e2e.Message.FromString(base64.b64decode(message["e2e"]))
    image = body.imageMessage
    assert (image.caption, image.mimetype, image.width, image.fileLength) == ("Mira", "image/jpeg", 800, len(content))
    # the customer forwards us the same image
    wa_id = await lab.deliver(e2e=body.SerializeToString(), phone=number.phone, **vars(customer))
    got = await number.do("download", raw=base64.b64encode(await _raw(number, wa_id)).decode())
    assert base64.b64decode(got["content"]) == content


async def test_a_voice_note_is_sent_as_one(number, lab: WireLab, customer: Customer):
    await _meet(lab, number, customer)
    media = {"content": base64.b64encode(b"OggS" * 50).decode(), "mime": "audio/ogg", "seconds": 3, "voice": True}
    await number.do("send", to=customer.chat, type="audio", media=media)
    [message] = await _sent_to(lab, number, customer)
    audio = e2e.Message.FromString(base64.b64decode(message["e2e"])).audioMessage
    assert (audio.PTT, audio.seconds, audio.mimetype) == (True, 3, "audio/ogg; codecs=opus")


async def test_a_document_keeps_its_name(number, lab: WireLab, customer: Customer):
    await _meet(lab, number, customer)
    media = {"content": base64.b64encode(b"%PDF-1.7").decode(), "mime": "application/pdf", "file_name": "tarifa.pdf"}
    await number.do("send", to=customer.chat, type="document", text="La tarifa", media=media)
    [message] = await _sent_to(lab, number, customer)
    document = e2e.Message.FromString(base64.b64decode(message["e2e"])).documentMessage
    assert (document.fileName, document.mimetype, document.caption) == ("tarifa.pdf", "application/pdf", "La tarifa")


async def test_media_that_whatsapp_no_longer_has_is_gone_for_good(number, lab: WireLab, customer: Customer):
    image = e2e.ImageMessage(
        URL="https://mmg.whatsapp.net/v/none.enc",
        directPath="/v/none.enc",
        mediaKey=b"\3" * 32,
        fileEncSHA256=b"\2" * 32,
        fileSHA256=b"\1" * 32,
        fileLength=9,
        mimetype="image/jpeg",
    )
    body = e2e.Message(imageMessage=image).SerializeToString()
    wa_id = await lab.deliver(e2e=body, phone=number.phone, **vars(customer))
    answer = await number.do("download", raw=base64.b64encode(await _raw(number, wa_id)).decode())
    assert (answer["error"], answer["text"]) == ("DownloadFailed", "media_expired")


async def test_a_silent_media_host_keeps_neither_the_outbox_nor_the_downloads(
    start: Start, link: Link, lab: WireLab, customer: Customer
):
    linked = await link()
    number = await start("hold", linked.device_jid, TRANSFER_SECONDS="5")
    number.phone = linked.phone
    await number.until("state", status="open")
    await _meet(lab, number, customer)
    media = {"content": base64.b64encode(b"%PDF-1.7").decode(), "mime": "application/pdf", "file_name": "tarifa.pdf"}
    await number.do("send", to=customer.chat, type="document", media=media)
    [message] = await _sent_to(lab, number, customer)
    forwarded = await lab.deliver(e2e=base64.b64decode(message["e2e"]), phone=number.phone, **vars(customer))
    raw = base64.b64encode(await _raw(number, forwarded)).decode()
    here = len(number.said)
    async with lab.silent_media():
        failed = await number.do("send", to=customer.chat, type="document", media=media)
        assert (failed["error"], failed["text"]) == ("SendRefused", "upload_failed")  # not unknown: it was not sent
        failed = await number.do("download", raw=raw)
        assert (failed["error"], failed["text"]) == ("DownloadFailed", "media_unreachable")
        assert "error" not in await number.do("send", to=customer.chat, text="¿Se ve?")
    assert [sent["kind"] for sent in await _sent_to(lab, number, customer)] == ["documentMessage", "conversation"]
    assert number.states(here) == []
    assert base64.b64decode((await number.do("download", raw=raw))["content"]) == b"%PDF-1.7"
    await number.end()


async def test_receipts_are_journalled(number, lab: WireLab, customer: Customer):
    await _meet(lab, number, customer)
    sent = await number.do("send", to=customer.chat, text="¿Sigues ahí?")
    here = len(number.said)
    await lab.receipt(sent["wa_id"], "read", phone=number.phone, sender=customer.sender_lid)
    await number.until("journal", here, code=RECEIPT)
    receipt = events.Receipt.FromString(number.journalled(RECEIPT)[-1])
    assert list(receipt.MessageIDs) == [sent["wa_id"]]
    assert receipt.Type == events.Receipt.READ


async def test_the_customer_sees_read_marks_and_typing(number, lab: WireLab, customer: Customer):
    wa_id = await lab.deliver("hola", phone=number.phone, **vars(customer))
    await _received(number, wa_id)
    assert "error" not in await number.do("mark_read", to=customer.chat, ids=[wa_id])
    assert "error" not in await number.do("typing", to=customer.chat, on=True)
    for tag, parts in (("receipt", (wa_id, 'type="read"')), ("chatstate", (customer.sender_lid, "composing"))):
        await until(partial(_told, lab, number.phone, tag, parts), f"{tag} on the customer's phone")


async def test_a_call_is_rejected_where_it_came_from(number, lab: WireLab, customer: Customer):
    assert "error" not in await number.do("reject_call", caller=customer.chat, call_id="CALL-1")
    parts = (customer.sender_lid, "<reject", 'call-id="CALL-1"')
    await until(partial(_told, lab, number.phone, "call", parts), "the rejected call")


async def _told(lab: WireLab, phone: str, tag: str, parts: tuple[str, ...]) -> bool:
    stanzas = (await lab.command("stanzas", phone=phone, tag=tag))["stanzas"]
    return any(all(part in stanza for part in parts) for stanza in stanzas)


async def test_a_cut_connection_comes_back_by_itself(number, lab: WireLab, customer: Customer):
    here = len(number.said)
    await lab.kick(number.phone)
    await number.until("state", here, status="reconnecting")
    await number.until("state", here, status="open")
    assert number.states(here) == [("reconnecting", "connection_lost"), ("open", None)]
    assert await _received(number, await lab.deliver("¿me lees?", phone=number.phone, **vars(customer)))


async def test_an_event_that_kills_the_librarys_pump_costs_no_later_one(number, lab: WireLab, customer: Customer):
    here = len(number.said)
    await lab.receipt("AAAA", "server-error", phone=number.phone, sender=customer.sender_lid)
    await number.until("state", here, status="reconnecting", reason="library_fault")
    await number.until("state", here, status="open")
    assert await _received(number, await lab.deliver("¿y ahora?", phone=number.phone, **vars(customer)))


async def test_an_unacknowledged_message_is_of_unknown_fate(start: Start, linked: Linked, lab: WireLab, customer):
    number = await start("hold", linked.device_jid, SEND_SECONDS="1")
    await number.until("state", status="open")
    await lab.deliver("hola", phone=linked.phone, **vars(customer))
    await number.until("journal", code=MESSAGE)
    await lab.acknowledge("drop", 1)
    assert (await number.do("send", to=customer.chat, text="hola"))["error"] == "SendUnknown"
    await number.end()


async def test_when_nothing_can_be_kept_nothing_more_is_taken(start: Start, linked: Linked, lab: WireLab, customer):
    number = await start("hold", linked.device_jid, JOURNAL_FAILS="1")
    await number.until("state", status="open")
    await lab.deliver("uno", phone=linked.phone, **vars(customer))
    change = await number.until("state", status="reconnecting", reason="journal_unwritable")
    assert change["heard_at"] < change["retry_at"]  # from then on messages may be missing
    await number.do("close")
    await number.end()


async def test_nothing_is_sent_while_whatsapp_cannot_be_reached(start: Start, linked: Linked):
    number = await start("hold", linked.device_jid, HTTPS_PROXY="http://127.0.0.1:9")
    change = await number.until("state", status="reconnecting", reason="network_unreachable")
    assert change["retry_at"]
    assert (await number.do("send", to="1234@lid", text="hola"))["error"] == "NotConnected"
    await number.do("close")
    await number.end()


async def test_a_silent_network_can_be_left(start: Start, linked: Linked, silent_proxy: str):
    number = await start("hold", linked.device_jid, HTTPS_PROXY=silent_proxy)
    await number.until("started")
    await number.do("close")
    assert number.states() == [("starting", None)]
    await number.end()


async def test_a_device_removed_on_the_phone_is_logged_out_and_stays_so(start: Start, link: Link, lab: WireLab):
    linked = await link()
    number = await start("hold", linked.device_jid)
    await number.until("state", status="open")
    await lab.remove(linked.phone)
    await number.until("state", status="logged_out", reason="device_removed", fatal=True)
    again = await start("hold", linked.device_jid)
    await again.until("state", status="logged_out", reason="session_missing", fatal=True)


async def test_logging_out_forgets_the_session(start: Start, link: Link, lab: WireLab):
    linked = await link()
    number = await start("hold", linked.device_jid)
    await number.until("state", status="open")
    assert "error" not in await number.do("logout")
    again = await start("hold", linked.device_jid)
    await again.until("state", status="logged_out", reason="session_missing", fatal=True)
