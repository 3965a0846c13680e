"""What a person does in the inbox, through outbox, bridge process and unmodified library to the wire, and back."""

import base64
import hashlib
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlmodel import select

from saasbot.domain.inbox import change
from saasbot.domain.inbox.new_message import Poll
from saasbot.domain.inbox.send import send_message
from saasbot.infra.db import session, unit_of_work
from saasbot.models import Message, OutgoingAct
from saasbot.wa_runtime.poll_votes import authenticated, key_of_vote
from saasbot.wa_runtime.protobufs import MessageKey, e2e
from tests.fixtures.simulator import until
from tests.fixtures.wire import SECONDS, RealNumbers

CUSTOMER, CUSTOMER_LID = "5491155009911", "885491155009911"
CHAT = f"{CUSTOMER_LID}@lid"


async def test_an_edit_and_a_vote_on_a_real_number(real_numbers: RealNumbers) -> None:
    numbers, bob = real_numbers, real_numbers.shop.bob
    phone = await numbers.link(await numbers.add())
    asked = await numbers.lab.deliver("¿Precio?", phone=phone, sender=CUSTOMER, sender_lid=CUSTOMER_LID)
    question = await numbers.message(asked)

    async with unit_of_work(bob):
        answer = await send_message(bob, question.conversation_id, text="100", quoted_id=question.id)
        poll = await send_message(bob, question.conversation_id, special=Poll("¿Talle?", ("41", "42")))
    await numbers.status_of(answer.id, "sent", "delivered", "read")
    sent_poll = await numbers.status_of(poll.id, "sent", "delivered", "read")
    async with unit_of_work(bob):
        await change.edit(bob, question.conversation_id, answer.id, text="120")

    async def changed() -> Message | None:
        async with unit_of_work(bob):
            found = await session().get_one(Message, answer.id)
        return found if found.edited_at else None

    edited = await until(changed, "the edit", SECONDS)
    assert (edited.text, edited.earlier_text) == ("120", "100")
    async with unit_of_work(bob):
        assert [act.status for act in (await session().exec(select(OutgoingAct))).all()] == ["sent"]
    bodies = [e2e.Message.FromString(base64.b64decode(m["e2e"])) for m in await numbers.lab.sent(phone)]
    first, _, last = bodies
    assert first.extendedTextMessage.contextInfo.stanzaID == asked
    assert edited.wa_id == last.editedMessage.message.protocolMessage.key.ID

    assert sent_poll.poll_secret is not None and sent_poll.wa_id is not None
    await numbers.lab.deliver(
        e2e=vote(sent_poll.poll_secret, sent_poll.wa_id, author=f"99{phone}@lid", chosen="42"),
        phone=phone,
        sender=CUSTOMER,
        sender_lid=CUSTOMER_LID,
    )

    async def counted() -> list | None:
        async with unit_of_work(bob):
            return (await session().get_one(Message, poll.id)).payload.get("votes")

    [counted_vote] = await until(counted, "the vote", SECONDS)
    assert (counted_vote["author"], counted_vote["options"]) == ("customer", ["42"])


def vote(secret: bytes, poll_id: str, *, author: str, chosen: str) -> bytes:
    plain = e2e.PollVoteMessage(selectedOptions=[hashlib.sha256(chosen.encode()).digest()]).SerializeToString()
    iv = os.urandom(12)
    sealed = AESGCM(key_of_vote(secret, poll_id, author, CHAT)).encrypt(iv, plain, authenticated(poll_id, CHAT))
    update = e2e.PollUpdateMessage(
        pollCreationMessageKey=MessageKey(remoteJID=author, ID=poll_id),
        vote=e2e.PollEncValue(encPayload=sealed, encIV=iv),
    )
    return e2e.Message(pollUpdateMessage=update).SerializeToString()
