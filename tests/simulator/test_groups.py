"""A group on the simulated network, from the phones of its people to the inbox and back."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from sqlmodel import select

from saasbot.api.app import api
from saasbot.domain.channels.channel_settings import change_settings
from saasbot.domain.inbox import change
from saasbot.domain.inbox.new_message import Poll
from saasbot.domain.inbox.reads import read_conversation
from saasbot.domain.inbox.send import send_message
from saasbot.infra.db import session, unit_of_work
from saasbot.models import Conversation, Message
from tests.fixtures.simulator import ANA, BETO, RunningSimulator, until

GROUP = "120363000000001234"
CHAT = f"{GROUP}@g.us"


class Group:
    """The network's control, for a group in which Ana and Beto are."""

    def __init__(self, simulator: RunningSimulator, control: httpx2.AsyncClient) -> None:
        self.simulator, self.control = simulator, control

    async def switch(self, on: bool) -> None:
        async with unit_of_work(self.simulator.alice):
            await change_settings(self.simulator.alice, self.simulator.channel_id, groups_enabled=on)

    async def post(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        return await self.control.post(path, json=body)

    async def write(self, text: str = "", *, sender: str = ANA, name: str = "Ana", **more: Any) -> str:
        body = {"from": sender, "name": name, "group": GROUP, "group_name": "Feria", "text": text, **more}
        done = await self.post("messages", body)
        assert done.status_code == 202, done.text
        return done.json()["wa_id"]

    async def conversation(self) -> Conversation:
        async with unit_of_work(self.simulator.alice):
            return (await session().exec(select(Conversation).where(Conversation.chat_jid == CHAT))).one()

    async def message(self, wa_id: str, wanted: Any) -> Message:
        """The message once `wanted` is true of it."""

        async def reached() -> Message | None:
            found = [m for m in await self.simulator.messages() if m.wa_id == wa_id and wanted(m)]
            return found[0] if found else None

        return await until(reached, f"message {wa_id}")


@pytest.fixture
async def group(running_simulator: RunningSimulator) -> AsyncIterator[Group]:
    transport = httpx2.ASGITransport(api, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    base = f"http://localhost:3000/sim/v1/channels/{running_simulator.channel_id}/"
    async with httpx2.AsyncClient(transport=transport, base_url=base) as client:
        found = Group(running_simulator, client)
        await found.switch(True)
        yield found


async def test_a_group_is_ignored_unless_its_number_takes_groups_in(group: Group):
    await group.switch(False)
    await group.write("Nadie lo lee")
    await group.post("phone-messages", {"to": CHAT, "text": "Tampoco"})
    await group.simulator.write("Privado")
    await group.simulator.arrived()
    await group.switch(True)
    await group.write("Ahora sí")
    messages = await group.simulator.arrived(2)
    assert [m.text for m in messages] == ["Privado", "Ahora sí"]
    await group.switch(False)
    await group.write("Ya no")
    await group.simulator.write("Otra vez privado")
    messages = await group.simulator.arrived(3)
    assert [m.text for m in messages] == ["Privado", "Ahora sí", "Otra vez privado"]


async def test_a_group_with_its_name_and_who_wrote(group: Group):
    await group.write("Hola a todos")
    await group.write("¡Hola!", sender=BETO, name="Beto")
    first, second = await group.simulator.arrived(2)
    assert first.conversation_id == second.conversation_id
    assert [(m.author_name, m.text) for m in (first, second)] == [("Ana", "Hola a todos"), ("Beto", "¡Hola!")]
    conversation = await group.conversation()
    assert (conversation.handler, conversation.bot_enabled) == ("human", False)

    async def named() -> bool:
        async with unit_of_work(group.simulator.alice):
            return (await read_conversation(group.simulator.alice, conversation.id)).contact_name == "Feria"

    await until(named, "the name of the group")


async def test_people_write_in_it_and_it_is_delivered_and_never_read(group: Group):
    alice = group.simulator.alice
    asked = await group.write("¿Precio?", sender=BETO, name="Beto")
    question = await group.message(asked, lambda m: True)
    async with unit_of_work(alice):
        answer = await send_message(alice, question.conversation_id, text="100", quoted_id=question.id)
    sent = await until(group.simulator.sent, "the answer on the network")
    assert [(m.peer, m.text, m.payload["quoted_id"]) for m in sent] == [(CHAT, "100", asked)]
    await group.message(sent[0].wa_id, lambda m: m.status == "delivered")
    await group.post("receipts", {"wa_ids": [sent[0].wa_id], "kind": "read"})
    await group.write("Gracias")
    await group.simulator.arrived(2)
    (stored,) = [m for m in await group.simulator.messages() if m.id == answer.id]
    assert (stored.status, stored.read_at) == ("delivered", None)


async def test_reactions_edits_and_votes_are_of_who_did_them(group: Group):
    alice = group.simulator.alice
    first = await group.write("Hola", sender=ANA)
    await group.write("👍", type="reaction", target_id=first, sender=BETO, name="Beto")
    await group.write("❤️", type="reaction", target_id=first, sender=ANA)
    await group.write("¡Falso!", type="edit", target_id=first, sender=BETO, name="Beto")
    await group.write("Hola a todos", type="edit", target_id=first, sender=ANA)
    stored = await group.message(first, lambda m: m.edited_at and len(m.reactions) == 2)
    assert (stored.text, {r["emoji"] for r in stored.reactions}) == ("Hola a todos", {"👍", "❤️"})
    async with unit_of_work(alice):
        await change.react(alice, stored.conversation_id, stored.id, emoji="🎉")
        await send_message(alice, stored.conversation_id, special=Poll("¿Cuándo?", ("Lunes", "Martes")))

    async def both_sent() -> Any:
        found = await group.simulator.sent()
        return found if len(found) == 2 else None

    _, poll = await until(both_sent, "reaction and poll")
    await group.message(poll.wa_id, lambda m: m.status == "delivered")
    await group.write("Lunes", type="poll_vote", target_id=poll.wa_id, sender=ANA)
    await group.write("Martes", type="poll_vote", target_id=poll.wa_id, sender=BETO, name="Beto")
    await group.write("Lunes", type="poll_vote", target_id=poll.wa_id, sender=BETO, name="Beto")

    def voted(message: Message) -> bool:
        votes = message.payload.get("votes", [])
        return sorted(vote["options"][0] for vote in votes) == ["Lunes", "Lunes"] and len(votes) == 2

    await group.message(poll.wa_id, voted)


async def test_a_file_in_a_group_arrives(group: Group):
    wa_id = await group.write("Miren", type="image")
    stored = await group.message(wa_id, lambda m: m.media_id is not None)
    assert (stored.type, stored.text, stored.author_name) == ("image", "Miren", "Ana")


async def test_what_the_owner_writes_on_the_phone_is_an_echo(group: Group):
    await group.write("Hola")
    await group.simulator.arrived()
    done = await group.post("phone-messages", {"to": CHAT, "text": "Desde el teléfono"})
    echo = await group.message(done.json()["wa_id"], lambda m: m.status == "delivered")
    assert (echo.author, echo.author_name, echo.text) == ("phone", "", "Desde el teléfono")
    assert echo.conversation_id == (await group.conversation()).id


@pytest.mark.parametrize("digits", ["grupo", "12", "1203-630000", "@g.us"])
async def test_a_group_has_digits(group: Group, digits: str):
    done = await group.post("messages", {"from": ANA, "text": "Hola", "group": digits})
    assert (done.status_code, done.json()["code"]) == (422, "invalid_input")
