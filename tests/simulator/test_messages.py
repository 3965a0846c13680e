"""What customers and the owner write on their phones arrives in the inbox as what it is, once, whatever the network does."""

import json

import pytest

from saasbot.domain.media.access import access_media
from saasbot.domain.simulator.access import NotLinked
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.errors import InvalidInput
from saasbot.infra.storage import FileMissing, storage
from saasbot.models import Media
from saasbot.wa_runtime.simulator.samples import sample
from tests.fixtures.simulator import ANA, BETO, RunningSimulator, until


async def media_of(simulator: RunningSimulator, status: str) -> Media:
    """The only file of the inbox, once it has this status."""

    async def found() -> Media | None:
        async with unit_of_work(simulator.alice):
            row = (await sql("SELECT id, status FROM media")).one_or_none()
            if row is None or row.status != status:
                return None
            return await access_media(simulator.alice, row.id)

    return await until(found, f"media {status}")


async def test_a_customer_writes_and_the_inbox_has_it(running_simulator: RunningSimulator):
    wa_id = await running_simulator.write("Hola, ¿cuánto cuestan las zapatillas rojas?")
    (message,) = await running_simulator.arrived()
    assert (message.wa_id, message.text, message.author, message.type) == (
        wa_id,
        "Hola, ¿cuánto cuestan las zapatillas rojas?",
        "customer",
        "text",
    )


async def test_messages_of_a_chat_keep_their_order(running_simulator: RunningSimulator):
    for number in range(30):
        await running_simulator.write(str(number))
    assert [m.text for m in await running_simulator.arrived(30)] == [str(number) for number in range(30)]


@pytest.mark.parametrize("kind", ["image", "video", "sticker", "audio", "document"])
async def test_a_file_arrives_with_its_content(running_simulator: RunningSimulator, kind: str):
    content, mime = sample(kind)
    await running_simulator.write("factura.pdf" if kind == "document" else "", kind=kind, file=content, mime=mime)
    (message,) = await running_simulator.arrived()
    assert message.type == kind
    media = await media_of(running_simulator, "stored")
    assert media.mime == mime.split(";")[0]
    assert media.voice is (kind == "audio")
    assert media.storage_key is not None
    stored = await storage().get(media.storage_key)
    assert kind in ("image", "sticker") or stored == content  # pictures are encoded anew


async def test_a_caption_comes_with_its_picture(running_simulator: RunningSimulator):
    await running_simulator.write("¿Tienen este?", kind="image")
    (message,) = await running_simulator.arrived()
    assert (message.type, message.text) == ("image", "¿Tienen este?")


async def test_a_file_that_the_network_lost_is_shown_as_missing(
    running_simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
):
    async def lost(_storage: object, _key: str) -> bytes:
        raise FileMissing

    monkeypatch.setattr(type(storage()), "get", lost)
    await running_simulator.write(kind="image")
    media = await media_of(running_simulator, "failed")
    assert media.error == "media_gone"


async def test_a_place_and_a_contact_arrive_as_such(running_simulator: RunningSimulator):
    await running_simulator.write("Obelisco", kind="location", latitude=-34.6037, longitude=-58.3816)
    await running_simulator.write("Carla Gómez", kind="contact")
    place, card = await running_simulator.arrived(2)
    assert (place.type, place.payload["name"]) == ("location", "Obelisco")
    assert (place.payload["latitude"], place.payload["longitude"]) == (-34.6037, -58.3816)
    assert (card.type, card.payload["name"]) == ("contact", "Carla Gómez")
    assert "FN:Carla Gómez" in card.payload["vcard"]


async def test_a_customer_edits_reacts_and_deletes(running_simulator: RunningSimulator):
    first = await running_simulator.write("¿Tienen 41?")
    second = await running_simulator.write("Olvídalo")
    await running_simulator.arrived(2)
    await running_simulator.write("¿Tienen 42?", kind="edit", target_id=first)
    await running_simulator.write("👍", kind="reaction", target_id=first)
    await running_simulator.write(kind="revoke", target_id=second)

    async def done() -> bool:
        question, gone = await running_simulator.arrived(2)
        shown = (question.text, question.earlier_text, question.reactions)
        return shown == ("¿Tienen 42?", "¿Tienen 41?", [{"author": "customer", "emoji": "👍"}]) and (
            gone.text,
            gone.earlier_text,
        ) == ("", "Olvídalo")

    await until(done, "edited, reacted to and deleted")
    assert (await running_simulator.conversation()).unread == 2


async def test_a_reply_names_the_message_it_quotes(running_simulator: RunningSimulator):
    first = await running_simulator.write("¿Tienen 42?")
    await running_simulator.write("De las rojas, digo", quoted_id=first)
    _, reply = await running_simulator.arrived(2)
    assert (reply.text, reply.quoted_wa_id) == ("De las rojas, digo", first)


async def test_the_same_id_twice_is_one_message(running_simulator: RunningSimulator):
    for _ in range(3):
        await running_simulator.write("una vez", wa_id="3EB0SAME")
    await running_simulator.write("después")
    assert [m.text for m in await running_simulator.arrived(2)] == ["una vez", "después"]
    async with unit_of_work(running_simulator.alice):
        assert (await sql("SELECT count(*) FROM wa_event")).scalar_one() == 2


async def test_two_customers_may_use_the_same_id(running_simulator: RunningSimulator):
    await running_simulator.write("de Ana", wa_id="3EB0SAME")
    await running_simulator.write("de Beto", wa_id="3EB0SAME", sender=BETO, name="Beto")
    assert {m.text for m in await running_simulator.arrived(2)} == {"de Ana", "de Beto"}


async def test_a_chat_is_addressed_by_the_lid_and_known_by_both(running_simulator: RunningSimulator):
    await running_simulator.write("Hola", lid="99880000000001")
    await running_simulator.arrived()
    by_phone = await running_simulator.conversation(sender=ANA)
    by_lid = await running_simulator.conversation(sender="99880000000001")
    assert by_phone.id == by_lid.id
    assert by_phone.chat_jid == "99880000000001@lid"


async def test_a_customer_whose_phone_is_hidden_can_write_and_be_joined_with_it_later(
    running_simulator: RunningSimulator,
):
    await running_simulator.write("sin número", sender=None, lid="99880000000002")
    await running_simulator.arrived()
    hidden = await running_simulator.conversation(sender="99880000000002")
    await running_simulator.write("con número", sender=BETO, lid="99880000000002")
    await running_simulator.arrived(2)
    assert (await running_simulator.conversation(sender=BETO)).id == hidden.id


async def test_the_owner_answers_on_the_phone_and_the_bot_is_silent(running_simulator: RunningSimulator):
    await running_simulator.write("Hola")
    await running_simulator.arrived()
    before = await running_simulator.conversation()
    await running_simulator.write_on_own_phone("Ya te atiendo")
    _, echo = await running_simulator.arrived(2)
    after = await running_simulator.conversation()
    assert (echo.author, echo.from_me, echo.text) == ("phone", True, "Ya te atiendo")
    assert echo.conversation_id == before.id
    assert (before.handler, after.handler) == ("bot", "human")
    assert after.owner_epoch == before.owner_epoch + 1


async def test_typing_is_told_live_with_its_chat(running_simulator: RunningSimulator):
    await running_simulator.write("Hola")
    await running_simulator.arrived()
    chat = (await running_simulator.conversation()).chat_jid

    def told(on: str) -> bool:
        return any(
            e.kind == "typing" and e.ids["chat_jid"] == chat and e.ids["on"] == on
            for e in running_simulator.network.events
        )

    async def typing() -> bool:
        return told("1")

    async def stopped() -> bool:
        return told("")

    await running_simulator.type(True)
    await until(typing, "Ana types")
    await running_simulator.type(False)
    await until(stopped, "Ana stopped typing")


async def test_nobody_can_write_to_a_number_that_no_phone_has_linked(simulator: RunningSimulator):
    channel_id = await simulator.add_number()
    with pytest.raises(NotLinked):
        await simulator.write("Hola", channel_id=channel_id)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"sender": "Ana"}, "from"),
        ({"sender": "1"}, "from"),
        ({"kind": "reaction", "text": "👍"}, "target_id"),
        ({"kind": "location"}, "latitude"),
        ({"kind": "text", "text": ""}, "text"),
        ({"kind": "hologram"}, "type"),
        ({"wa_id": "x" * 200}, "id"),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value)[:30],
)
async def test_what_makes_no_sense_is_refused_by_name(
    running_simulator: RunningSimulator, wrong: dict[str, str], field: str
):
    with pytest.raises(InvalidInput) as refused:
        await running_simulator.write(**{"text": "Hola", **wrong})  # pyright: ignore[reportArgumentType]
    assert refused.value.details["field"] == field


async def test_a_file_stays_within_its_company(running_simulator: RunningSimulator):
    await running_simulator.write(kind="image")
    await media_of(running_simulator, "stored")
    async with unit_of_work(running_simulator.alice):
        (key,) = (await sql("SELECT media_key FROM sim_message WHERE media_key IS NOT NULL")).scalars()
    assert key.startswith(f"{running_simulator.alice.company_id}/simulator/")
