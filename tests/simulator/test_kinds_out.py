"""Every kind that people send, from the use case to the customer's phone, and back where the phone answers."""

import io
from typing import Any
from uuid import UUID

import pytest

from saasbot.domain.inbox import change
from saasbot.domain.inbox.new_message import Card, Place, Poll
from saasbot.domain.inbox.send import resend, send_message
from saasbot.domain.inbox.thread import read_message
from saasbot.domain.inbox.views import MessageView
from saasbot.domain.media.attachments import store_attachment, store_sticker
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.models import Handler, Message, SimMessage
from saasbot.wa_runtime.simulator.samples import sample
from tests.fixtures.simulator import RunningSimulator, until


async def met(sim: RunningSimulator, **content: Any) -> UUID:
    """Ana has written; her conversation."""
    await sim.write("Hola", **content)
    await sim.arrived()
    return (await sim.conversation()).id


async def sends(sim: RunningSimulator, conversation_id: UUID, **content: Any) -> Message:
    async with unit_of_work(sim.shop.bob):
        return await send_message(sim.shop.bob, conversation_id, **content)


async def on_the_phone(sim: RunningSimulator, count: int = 1) -> SimMessage:
    """What the number sent last, once it has sent that many."""

    async def there() -> SimMessage | None:
        sent = await sim.sent()
        return sent[-1] if len(sent) >= count else None

    return await until(there, f"{count} messages on the phone")


async def shown(sim: RunningSimulator, message_id: UUID, what: str, found: Any) -> MessageView:
    """The message in the thread once `found` holds."""

    async def there() -> MessageView | None:
        async with unit_of_work(sim.alice):
            view = await read_message(sim.alice, message_id)
        return view if found(view) else None

    return await until(there, what)


async def answered(sim: RunningSimulator, text: str = "Buenas") -> tuple[UUID, MessageView]:
    """Ana's conversation and an answer of bob's that is on her phone."""
    conversation_id = await met(sim)
    message = await sends(sim, conversation_id, text=text)
    return conversation_id, await shown(
        sim, message.id, "sent", lambda view: view.status in ("sent", "delivered", "read")
    )


@pytest.mark.parametrize(
    ("special", "kind", "text", "payload"),
    [
        (
            Place(-34.6, -58.4, "Tienda", "Florida 100"),
            "location",
            "Tienda",
            {"latitude": -34.6, "longitude": -58.4, "address": "Florida 100"},
        ),
        (
            Poll("¿Talle?", ("41", "42"), several=True),
            "poll",
            "¿Talle?",
            {"poll": {"options": ["41", "42"], "several": True}},
        ),
    ],
)
async def test_places_and_polls_reach_the_phone(
    running_simulator: RunningSimulator, special: Any, kind: str, text: str, payload: dict[str, Any]
) -> None:
    conversation_id = await met(running_simulator)
    await sends(running_simulator, conversation_id, special=special)
    sent = await on_the_phone(running_simulator)
    assert (sent.type, sent.text) == (kind, text)
    assert payload.items() <= sent.payload.items()


async def test_a_contact_is_sent_as_a_card(running_simulator: RunningSimulator) -> None:
    conversation_id = await met(running_simulator)
    await sends(running_simulator, conversation_id, special=Card("Pérez; hijos", "+54 9 11 5000 0009"))
    sent = await on_the_phone(running_simulator)
    assert (sent.type, sent.text) == ("contact", "Pérez; hijos")
    assert "FN:Pérez\\; hijos\n" in sent.payload["vcard"]
    assert "waid=5491150000009:+5491150000009" in sent.payload["vcard"]


async def test_a_video_and_a_sticker_are_sent_as_such(running_simulator: RunningSimulator) -> None:
    sim, conversation_id = running_simulator, await met(running_simulator)
    async with unit_of_work(sim.alice):
        video = await store_attachment(sim.alice, io.BytesIO(sample("video")[0]), "zapatillas.mp4")
        sticker = await store_sticker(sim.alice, io.BytesIO(sample("image")[0]))
    await sends(sim, conversation_id, media_id=video.id, text="Mira")
    sent = await on_the_phone(sim)
    assert (sent.type, sent.text, sent.payload["media"]["mime"]) == ("video", "Mira", "video/mp4")
    await sends(sim, conversation_id, media_id=sticker.id)
    sent = await on_the_phone(sim, 2)
    assert (sent.type, sent.payload["media"]["mime"]) == ("sticker", "image/webp")
    assert sent.payload["media"]["size"] <= 100_000


async def test_an_answer_quotes_what_it_answers(running_simulator: RunningSimulator) -> None:
    sim, conversation_id = running_simulator, await met(running_simulator)
    asked = (await sim.messages())[0]
    answer = await sends(sim, conversation_id, text="Sí", quoted_id=asked.id)
    assert (await on_the_phone(sim)).payload["quoted_id"] == asked.wa_id
    async with unit_of_work(sim.alice):
        view = await read_message(sim.alice, answer.id)
    assert view.quoted is not None and (view.quoted.author, view.quoted.text) == ("customer", "Hola")


async def test_a_reaction_is_given_changed_and_taken_back(running_simulator: RunningSimulator) -> None:
    sim = running_simulator
    conversation_id = await met(sim)
    asked = (await sim.messages())[0]
    for number, emoji in enumerate(("👍", "❤️", ""), start=1):
        async with unit_of_work(sim.shop.bob):
            await change.react(sim.shop.bob, conversation_id, asked.id, emoji=emoji)
        sent = await on_the_phone(sim, number)
        assert (sent.type, sent.text, sent.payload["target_id"]) == ("reaction", emoji, asked.wa_id)
        wanted = [{"author": "phone", "emoji": emoji}] if emoji else []
        await shown(
            sim, asked.id, "the reaction", lambda view, wanted=wanted: view.reactions == wanted and not view.acts
        )
    assert (await sim.conversation()).handler == Handler.BOT  # a reaction is no answer


async def test_the_same_wish_twice_leaves_once(running_simulator: RunningSimulator) -> None:
    sim = running_simulator
    conversation_id = await met(sim)
    asked = (await sim.messages())[0]
    for _ in range(2):
        async with unit_of_work(sim.shop.bob):
            await change.react(sim.shop.bob, conversation_id, asked.id, emoji="👍")
    await shown(sim, asked.id, "the reaction", lambda view: view.reactions and not view.acts)
    async with unit_of_work(sim.shop.bob):
        await change.react(sim.shop.bob, conversation_id, asked.id, emoji="👍")
        assert (await sql("SELECT count(*) FROM outgoing_act")).scalar_one() == 1
    assert len(await sim.sent()) == 1


async def test_an_edit_changes_the_message_once_whatsapp_has_it(running_simulator: RunningSimulator) -> None:
    sim = running_simulator
    conversation_id, message = await answered(sim, "Cuesta 100")
    async with unit_of_work(sim.shop.bob):
        await change.edit(sim.shop.bob, conversation_id, message.id, text="Cuesta 120")
    view = await shown(sim, message.id, "the edit", lambda view: view.edited_at)
    assert (view.text, view.earlier_text, view.acts) == ("Cuesta 120", "Cuesta 100", [])
    sent = await on_the_phone(sim, 2)
    assert (sent.type, sent.text) == ("edit", "Cuesta 120")
    assert (await sim.conversation()).last_preview == "Cuesta 120"


async def test_a_deleted_message_is_deleted_for_everyone(running_simulator: RunningSimulator) -> None:
    sim = running_simulator
    conversation_id, message = await answered(sim)
    async with unit_of_work(sim.shop.bob):
        await change.revoke(sim.shop.bob, conversation_id, message.id)
    view = await shown(sim, message.id, "the deletion", lambda view: view.revoked_at)
    assert (view.text, view.earlier_text) == ("", "Buenas")
    assert (await on_the_phone(sim, 2)).type == "revoke"


async def test_an_edit_that_nobody_confirmed_says_so_and_is_not_sent_again(running_simulator: RunningSimulator) -> None:
    sim = running_simulator
    conversation_id, message = await answered(sim, "Cuesta 100")
    await sim.fault("drop_ack", times=1)
    async with unit_of_work(sim.shop.bob):
        await change.edit(sim.shop.bob, conversation_id, message.id, text="Cuesta 120")
    view = await shown(
        sim, message.id, "unconfirmed", lambda view: view.acts and view.acts[0]["status"] == "unconfirmed"
    )
    assert (view.text, view.edited_at) == ("Cuesta 100", None)
    assert view.acts == [{"kind": "edit", "text": "Cuesta 120", "status": "unconfirmed", "error": "no_acknowledgement"}]
    assert [sent.type for sent in await sim.sent()] == ["text", "edit"]


async def test_a_refused_edit_leaves_the_message_as_it_was(running_simulator: RunningSimulator) -> None:
    sim = running_simulator
    conversation_id, message = await answered(sim, "Cuesta 100")
    await sim.fault("send_error", code=479, times=1)
    async with unit_of_work(sim.shop.bob):
        await change.edit(sim.shop.bob, conversation_id, message.id, text="Cuesta 120")
    view = await shown(sim, message.id, "refused", lambda view: view.acts and view.acts[0]["status"] == "failed")
    assert (view.text, view.acts[0]["error"]) == ("Cuesta 100", "refused_by_whatsapp")


async def test_votes_are_read_as_they_come_and_as_they_change(running_simulator: RunningSimulator) -> None:
    sim = running_simulator
    conversation_id = await met(sim)
    message = await sends(sim, conversation_id, special=Poll("¿Talle?", ("41", "42", "43"), several=True))
    poll = await on_the_phone(sim)
    await shown(sim, message.id, "sent", lambda view: view.on_whatsapp)
    for chosen in (["41"], ["42", "43"], []):
        await sim.write("\n".join(chosen), kind="poll_vote", target_id=poll.wa_id)

        def counted(view: MessageView, chosen: list[str] = chosen) -> bool:
            votes = view.payload.get("votes", [])
            return [(vote["author"], vote["options"]) for vote in votes] == [("customer", chosen)]

        await shown(sim, message.id, f"the vote {chosen}", counted)
    assert [m.type for m in await sim.messages() if m.author == "customer"] == ["text"]


async def test_a_chat_that_forgets_gets_messages_that_it_forgets(running_simulator: RunningSimulator) -> None:
    sim = running_simulator
    conversation_id = await met(sim, ephemeral_seconds=86_400)
    await sends(sim, conversation_id, text="Buenas")
    assert (await on_the_phone(sim)).payload["ephemeral_seconds"] == 86_400
    await sim.write("ya no")
    await sim.arrived(2)
    await sends(sim, conversation_id, text="Bien")
    assert "ephemeral_seconds" not in (await on_the_phone(sim, 2)).payload


async def test_a_poll_that_failed_is_sent_again_as_a_poll(running_simulator: RunningSimulator) -> None:
    sim = running_simulator
    conversation_id = await met(sim)
    await sim.fault("send_error", code=479, times=1)
    message = await sends(sim, conversation_id, special=Poll("¿Talle?", ("41", "42")))
    await shown(sim, message.id, "failed", lambda view: view.status == "failed")
    async with unit_of_work(sim.shop.bob):
        again = await resend(sim.shop.bob, message.id)
    sent = await on_the_phone(sim)
    assert (sent.type, sent.payload["poll"]["options"]) == ("poll", ["41", "42"])
    async with unit_of_work(sim.alice):
        stored = await session().get_one(Message, again.id)
    assert stored.poll_secret != message.poll_secret
