"""The messages of a conversation, and having read them."""

from uuid import UUID, uuid4

import pytest

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.context import read_context
from saasbot.domain.inbox.incoming import IncomingMedia
from saasbot.domain.inbox.ownership import take_over
from saasbot.domain.inbox.read_marks import mark_read
from saasbot.domain.inbox.send import send_message
from saasbot.domain.inbox.thread import read_message, read_thread
from saasbot.infra.db import session, unit_of_work
from saasbot.infra.errors import Forbidden, NotFound
from saasbot.models import AgentTurn, MessageType, TurnOutcome
from saasbot.models.table import utcnow
from tests.fixtures.shops import Shop
from tests.inbox.heard import BETO, hears, listening, message, rows


async def conversation_of(shop: Shop, *messages) -> UUID:
    await hears(shop, *messages)
    return (await rows(shop, "conversation"))[0]["id"]


async def test_the_newest_comes_first_and_older_pages_follow(shop: Shop) -> None:
    conversation = await conversation_of(shop, *(message(f"m{i}", wa_id=f"W{i}", minute=i // 3) for i in range(12)))
    texts, before = [], None
    for expected in (5, 5, 2):
        async with unit_of_work(shop.bob):
            page = await read_thread(shop.bob, conversation, before=before, limit=5)
        assert len(page.messages) == expected
        texts += [row.text for row in page.messages]
        before = page.next
    assert before is None
    assert texts == [f"m{i}" for i in reversed(range(12))]


async def test_what_whatsapp_dates_earlier_stands_earlier(shop: Shop) -> None:
    conversation = await conversation_of(shop, message("segundo", wa_id="B", minute=5))
    await hears(shop, message("primero", wa_id="A", minute=1))
    async with unit_of_work(shop.bob):
        page = await read_thread(shop.bob, conversation)
    assert [row.text for row in page.messages] == ["segundo", "primero"]


async def test_an_answer_shows_what_it_answers(shop: Shop) -> None:
    conversation = await conversation_of(shop, message("¿Rojas o azules?", wa_id="A"))
    await hears(
        shop, message("Rojas", wa_id="B", minute=1, quoted="A"), message("?", wa_id="C", minute=2, quoted="gone")
    )
    async with unit_of_work(shop.bob):
        unknown, answer, _ = (await read_thread(shop.bob, conversation)).messages
    assert answer.quoted is not None and answer.quoted.text == "¿Rojas o azules?"
    assert unknown.quoted is None


async def test_an_answer_to_what_is_not_here_shows_what_it_tells_of_it(shop: Shop) -> None:
    told = {"quoted": {"author": "phone", "type": "image", "text": "Las nuevas", "is_status": True}}
    conversation = await conversation_of(
        shop,
        message("¿Rojas o azules?", wa_id="A"),
        message("Rojas", wa_id="B", minute=1, quoted="A", payload=told),
        message("¿Cuánto?", wa_id="C", minute=2, quoted="gone", payload=told),
    )
    async with unit_of_work(shop.bob):
        unknown, answer, _ = (await read_thread(shop.bob, conversation)).messages
    assert answer.quoted is not None and answer.quoted.text == "¿Rojas o azules?"
    assert unknown.quoted is not None and (unknown.quoted.text, unknown.quoted.is_status) == ("Las nuevas", True)
    assert unknown.payload == answer.payload == {}


async def test_a_file_that_is_not_here_yet_has_no_address(shop: Shop) -> None:
    picture = IncomingMedia(mime="image/jpeg", size=1_000, width=800, height=600)
    conversation = await conversation_of(shop, message(wa_id="A", type=MessageType.IMAGE, media=picture))
    async with unit_of_work(shop.bob):
        (row,) = (await read_thread(shop.bob, conversation)).messages
    assert row.media is not None
    assert (row.media.status, row.media.width, row.media.urls.url) == ("pending", 800, "")


async def test_a_take_over_leaves_a_line(shop: Shop) -> None:
    conversation = await shop.hears("Hola")
    async with unit_of_work(shop.bob):
        await take_over(shop.bob, conversation)
        line, _ = (await read_thread(shop.bob, conversation)).messages
    assert (line.type, line.payload["kind"], line.author_name) == ("activity", "took_over", "Bob")


async def test_a_thread_of_another_company_does_not_exist(shop: Shop, other_shop: Shop) -> None:
    conversation = await shop.hears("Hola")
    (stored,) = await shop.messages(conversation)
    mallory = other_shop.alice
    for reading in (
        lambda: read_thread(mallory, conversation),
        lambda: read_message(mallory, stored.id),
        lambda: read_context(mallory, conversation),
        lambda: mark_read(mallory, conversation),
    ):
        async with unit_of_work(mallory):
            with pytest.raises(NotFound):
                await reading()


async def test_reading_a_thread_needs_the_right(shop: Shop) -> None:
    conversation = await shop.hears("Hola")
    stranger = Actor(shop.company.id, user_id=uuid4())
    for reading in (read_thread, read_context, mark_read):
        async with unit_of_work(stranger):
            with pytest.raises(Forbidden):
                await reading(stranger, conversation)


async def test_having_read_tells_the_customers_phone_and_every_screen(shop: Shop) -> None:
    conversation = await conversation_of(shop, *(message(f"m{i}", wa_id=f"W{i}", minute=i) for i in range(3)))
    async with listening() as heard, unit_of_work(shop.bob):
        await mark_read(shop.bob, conversation)
    assert (await rows(shop, "conversation"))[0]["unread"] == 0
    (command,) = heard.commands
    assert (command["command"], command["ids"]) == ("mark_read", ["W0", "W1", "W2"])
    assert heard.of(conversation) == 1


async def test_only_what_is_new_is_marked(shop: Shop) -> None:
    conversation = await conversation_of(shop, message("m0", wa_id="W0"))
    async with unit_of_work(shop.bob):
        await mark_read(shop.bob, conversation)
    await hears(shop, message("m1", wa_id="W1", minute=1))
    async with listening() as heard, unit_of_work(shop.bob):
        await mark_read(shop.bob, conversation)
    assert heard.commands[0]["ids"] == ["W1"]


async def test_reading_twice_is_once(shop: Shop) -> None:
    conversation = await shop.hears("Hola")
    async with unit_of_work(shop.bob):
        await mark_read(shop.bob, conversation)
    async with listening() as heard, unit_of_work(shop.bob):
        await mark_read(shop.bob, conversation)
    assert (heard.events, heard.commands) == ([], [])


async def test_who_sends_has_read(shop: Shop) -> None:
    conversation = await shop.hears("Hola")
    async with unit_of_work(shop.bob):
        await send_message(shop.bob, conversation, text="Hola, soy Bob")
    assert (await shop.conversation(conversation)).unread == 0


async def test_the_context_tells_why_the_bot_answered_so(shop: Shop) -> None:
    conversation = await shop.hears("¿Cuánto cuestan las rojas?")
    steps = [
        {"kind": "model", "milliseconds": 900},
        {"kind": "tool", "name": "search_catalogue", "arguments": {"query": "rojas"}, "milliseconds": 12},
    ]
    async with unit_of_work(shop.system):
        session().add(
            AgentTurn(
                company_id=shop.company.id,
                conversation_id=conversation,
                bot_name="Asistente",
                prompt_version=4,
                model="demo-model",
                outcome=TurnOutcome.REPLIED,
                owner_epoch=1,
                customer_seq=1,
                input_tokens=500,
                output_tokens=112,
                tools_used=["search_catalogue"],
                trace={"steps": steps, "sources": []},
                finished_at=utcnow(),
            )
        )
    async with unit_of_work(shop.bob):
        turn = (await read_context(shop.bob, conversation)).turn
    assert turn is not None
    assert (turn.prompt_version, turn.model, turn.tokens, turn.milliseconds) == (4, "demo-model", 612, 912)
    assert [(step.tool, step.query) for step in turn.steps] == [("search_catalogue", "rojas")]


async def test_the_context_knows_the_same_person_on_another_number(shop: Shop) -> None:
    from saasbot.domain.channels.manage import add_channel

    async with unit_of_work(shop.alice):
        second = await add_channel(shop.alice, kind="simulator", name="Tienda 2")
    await hears(shop, message("Hola", wa_id="A"), message("x", wa_id="X", phone=BETO, name="Beto"))
    await hears(shop, message("Hola también", wa_id="B"), channel=second)
    here = next(row["id"] for row in await rows(shop, "conversation") if row["last_preview"] == "Hola")
    async with unit_of_work(shop.bob):
        (other,) = (await read_context(shop.bob, here)).others
    assert (other.channel_name, other.last_preview) == ("Tienda 2", "Hola también")
