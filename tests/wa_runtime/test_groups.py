"""A group on a real number: from the wire through the unmodified library to the inbox, and back to everybody in the group."""

import base64

from saasbot.domain.channels.channel_settings import change_settings
from saasbot.domain.inbox import change
from saasbot.domain.inbox.read_marks import mark_read
from saasbot.domain.inbox.reads import read_conversation
from saasbot.domain.inbox.send import send_message
from saasbot.infra.db import unit_of_work
from saasbot.wa_runtime.protobufs import e2e
from tests.fixtures.simulator import until
from tests.fixtures.wire import SECONDS, RealNumbers

GROUP = "120363000000004321@g.us"
ANA, ANA_LID = "5491155007701", "885491155007701"
BETO, BETO_LID = "5491155007702", "885491155007702"


async def test_a_group_on_a_real_number(real_numbers: RealNumbers) -> None:
    numbers, lab, bob = real_numbers, real_numbers.lab, real_numbers.shop.bob
    channel_id = await numbers.add()
    phone = await numbers.link(channel_id)
    await lab.group(GROUP, "Feria del barrio", {ANA: ANA_LID, BETO: BETO_LID})

    await lab.deliver_in_group(GROUP, "Nadie lo lee", sender=ANA, sender_lid=ANA_LID, phone=phone)
    await numbers.message(await lab.deliver("Privado", phone=phone, sender=ANA, sender_lid=ANA_LID))
    assert [m.text for m in await numbers.messages()] == ["Privado"]
    async with unit_of_work(numbers.shop.alice):
        await change_settings(numbers.shop.alice, channel_id, groups_enabled=True)

    asked = await lab.deliver_in_group(GROUP, "¿Precio?", sender=ANA, sender_lid=ANA_LID, phone=phone, push="Ana")
    question = await numbers.message(asked)
    assert (question.chat_jid, question.author_name, question.author_jid) == (GROUP, "Ana", f"{ANA_LID}@lid")

    async def name() -> str:
        async with unit_of_work(bob):
            return (await read_conversation(bob, question.conversation_id)).contact_name

    assert await until(name, "the group's name", SECONDS) == "Feria del barrio"

    async with unit_of_work(bob):
        await mark_read(bob, question.conversation_id)
        await change.react(bob, question.conversation_id, question.id, emoji="👍")
        answer = await send_message(bob, question.conversation_id, text="100", quoted_id=question.id)
    sent = await numbers.status_of(answer.id, "sent", "delivered", "read")

    async def on_the_wire() -> list[e2e.Message]:
        found = await lab.sent(phone)
        return [e2e.Message.FromString(base64.b64decode(m["e2e"])) for m in found] if len(found) == 2 else []

    reaction, text = await until(on_the_wire, "a reaction and an answer", SECONDS)
    key = reaction.reactionMessage.key
    assert (reaction.reactionMessage.text, key.ID, key.remoteJID, key.participant) == (
        "👍",
        asked,
        GROUP,
        f"{ANA_LID}@lid",
    )
    context = text.extendedTextMessage.contextInfo
    assert (text.extendedTextMessage.text, context.stanzaID, context.participant) == ("100", asked, f"{ANA_LID}@lid")

    for person in (ANA_LID, BETO_LID):
        told = {"from": GROUP, "participant": f"{person}@lid", "id": sent.wa_id, "t": "1795218000", "type": "read"}
        await lab.command("raw", phone=phone, tag="receipt", attrs=told)
    await numbers.status_of(answer.id, "delivered")
    assert (await numbers.status_of(answer.id, "sent", "delivered", "read")).status == "delivered"
    receipts = (await lab.command("stanzas", phone=phone, tag="receipt"))["stanzas"]
    assert any('type="read"' in r and asked in r and f'participant="{ANA_LID}@lid"' in r for r in receipts), receipts
