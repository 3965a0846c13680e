"""A turn that was overtaken: by a person, a switch, a newer message, another worker. And when the bot may start at all."""

import asyncio
from collections.abc import Callable

import httpx2
import pytest

from saasbot.domain.actor import Actor
from saasbot.domain.bots.edit import BotSettings, set_bot_enabled, update_bot
from saasbot.domain.inbox.ownership import hand_back, set_conversation_bot, take_over
from saasbot.domain.inbox.recipients import learn_chat
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.models import (
    ActKind,
    Channel,
    Company,
    ConversationStatus,
    MessageType,
    TurnOutcome,
)
from saasbot.models.table import new_id
from tests.agent.fake_openai import FakeOpenAI, refuses, says
from tests.fixtures.agent import answers, run_turn_job, turns_of
from tests.fixtures.shops import Shop
from tests.inbox.heard import act, acts, hears, message, rows

Script = Callable[..., FakeOpenAI]


async def test_a_person_who_takes_over_while_the_model_thinks_silences_it(shop: Shop, scripted: Script) -> None:
    async def interrupted(_request: dict) -> dict:
        async with unit_of_work(shop.bob):
            await take_over(shop.bob, conversation_id)
        return says("¡Hola!")

    scripted(interrupted)
    conversation_id = await shop.hears("Hola")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.SILENCED
    assert await answers(shop, conversation_id) == []
    assert (await turns_of(shop, conversation_id))[0].outcome == TurnOutcome.SILENCED


async def test_even_a_failing_turn_says_nothing_once_a_person_has_the_chat(shop: Shop, scripted: Script) -> None:
    async def interrupted(_request: dict) -> httpx2.Response:
        async with unit_of_work(shop.bob):
            await take_over(shop.bob, conversation_id)
            await hand_back(shop.bob, conversation_id)
        return refuses(404)

    scripted(interrupted)
    conversation_id = await shop.hears("Hola")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.SILENCED
    assert await answers(shop, conversation_id) == []


@pytest.mark.parametrize("switch", ["company", "channel", "conversation", "bot"])
async def test_a_switch_turned_off_while_the_model_thinks_silences_it(
    shop: Shop, scripted: Script, switch: str
) -> None:
    async def interrupted(_request: dict) -> dict:
        await turn_off(shop, switch, conversation_id)
        return says("¡Hola!")

    scripted(interrupted)
    conversation_id = await shop.hears("Hola")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.SILENCED
    assert await answers(shop, conversation_id) == []


async def turn_off(shop: Shop, switch: str, conversation_id: object) -> None:
    async with unit_of_work(shop.alice):
        if switch == "company":
            (await session().get_one(Company, shop.company.id)).bot_enabled = False
        elif switch == "channel":
            (await session().get_one(Channel, shop.channel.id)).bot_enabled = False
        elif switch == "conversation":
            await set_conversation_bot(shop.alice, conversation_id, enabled=False)  # type: ignore[arg-type]
        else:
            await set_bot_enabled(shop.alice, shop.bot.id, enabled=False)


@pytest.mark.parametrize("switch", ["company", "channel", "conversation", "bot"])
async def test_the_bot_is_silent_where_it_is_switched_off(shop: Shop, scripted: Script, switch: str) -> None:
    fake = scripted(says("¡Hola!"))
    conversation_id = await shop.hears("Hola")
    await turn_off(shop, switch, conversation_id)
    assert await run_turn_job(shop, conversation_id) == "nothing_to_do"
    assert fake.requests == [] and await answers(shop, conversation_id) == []


async def test_a_newer_message_supersedes_the_turn_and_both_are_answered_once(shop: Shop, scripted: Script) -> None:
    async def interrupted(_request: dict) -> dict:
        await shop.hears("¿Y en azul?")
        return says("Primera respuesta")

    fake = scripted(interrupted, says("Respuesta a todo"))
    conversation_id = await shop.hears("¿Hay zapatillas?")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.SUPERSEDED
    assert await answers(shop, conversation_id) == []
    assert (await shop.conversation(conversation_id)).turn_due_at is not None, "another turn waits"
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.REPLIED
    assert [m.text for m in await answers(shop, conversation_id)] == ["Respuesta a todo"]
    assert "¿Hay zapatillas?" in fake.told() and "¿Y en azul?" in fake.told()
    assert [t.outcome for t in await turns_of(shop, conversation_id)] == [TurnOutcome.SUPERSEDED, TurnOutcome.REPLIED]


async def test_the_same_turn_run_twice_at_once_answers_once(shop: Shop, scripted: Script) -> None:
    scripted(says("¡Hola!"))
    conversation_id = await shop.hears("Hola")
    outcomes = await asyncio.gather(*(run_turn_job(shop, conversation_id) for _ in range(4)))
    assert len(await answers(shop, conversation_id)) == 1
    assert outcomes.count(TurnOutcome.REPLIED) == 1


@pytest.mark.parametrize("half", [0, 1])
async def test_a_joining_while_the_model_thinks_voids_it_and_one_turn_answers_all(
    shop: Shop, scripted: Script, half: int
) -> None:
    """Whichever of both conversations the turn was about: the one that stays, or the one that goes."""
    lid, phone = "123456789012345", "5491150000001"

    async def interrupted(_request: dict) -> dict:
        async with unit_of_work(shop.system):
            await learn_chat(shop.system, f"{phone}@s.whatsapp.net", f"{lid}@lid")
        return says("A medias")

    fake = scripted(interrupted, says("Respuesta a todo"))
    await hears(shop, message("¿Hay botas?", wa_id="L", phone=None, lid=lid))
    await hears(shop, message("¿Y sandalias?", wa_id="P", phone=phone, minute=1))
    chats = [row["id"] for row in await rows(shop, "conversation")]
    assert await run_turn_job(shop, chats[half]) == TurnOutcome.SILENCED
    assert await run_turn_job(shop, chats[1]) != TurnOutcome.REPLIED, "the job of the one that went finds nothing"
    assert await run_turn_job(shop, chats[0]) == TurnOutcome.REPLIED
    assert [m.text for m in await answers(shop, chats[0])] == ["Respuesta a todo"]
    assert "¿Hay botas?" in fake.told() and "¿Y sandalias?" in fake.told()


async def test_an_answer_that_waits_to_be_sent_survives_a_joining_unless_a_person_has_the_other_half(
    shop: Shop, scripted: Script
) -> None:
    lid, phone = "123456789012345", "5491150000001"
    scripted(says("¡Hola!"))
    await hears(shop, message("Hola", wa_id="L", phone=None, lid=lid))
    await hears(shop, message("Buenas", wa_id="P", phone=phone, minute=1))
    first, second = [row["id"] for row in await rows(shop, "conversation")]
    assert await run_turn_job(shop, second) == TurnOutcome.REPLIED
    async with unit_of_work(shop.system):
        await learn_chat(shop.system, f"{phone}@s.whatsapp.net", f"{lid}@lid")
    chat = await shop.conversation(first)
    assert [m.owner_epoch for m in await answers(shop, first)] == [chat.owner_epoch]
    third = await hears(shop, message("¿Y yo?", wa_id="T", phone=None, lid="999999999999999", minute=2))
    assert third == 1
    taken = next(row["id"] for row in await rows(shop, "conversation") if row["id"] != first)
    async with unit_of_work(shop.bob):
        await take_over(shop.bob, taken)
    async with unit_of_work(shop.system):
        await learn_chat(shop.system, f"{phone}@s.whatsapp.net", "999999999999999@lid")
    chat = await shop.conversation(first)
    assert chat.handler == "human"
    assert all(m.owner_epoch != chat.owner_epoch for m in await answers(shop, first)), "the outbox drops it"


async def test_a_turn_lost_with_its_process_is_begun_again(shop: Shop, scripted: Script) -> None:
    fake = scripted(asyncio.CancelledError, says("¡Hola!"))

    async def dies(_request: dict) -> None:
        raise asyncio.CancelledError

    fake.steps[0] = dies
    conversation_id = await shop.hears("Hola")
    with pytest.raises(asyncio.CancelledError):
        await run_turn_job(shop, conversation_id)
    assert (await shop.conversation(conversation_id)).turn_due_at is None
    assert await run_turn_job(shop, conversation_id, attempts=1) == TurnOutcome.REPLIED
    assert len(await answers(shop, conversation_id)) == 1


async def test_after_a_hand_back_the_bot_answers_the_next_message_and_knows_nothing_from_before(
    shop: Shop, scripted: Script
) -> None:
    fake = scripted(says("¡Hola!"))
    conversation_id = await shop.hears("Un secreto de antes")
    async with unit_of_work(shop.bob):
        await take_over(shop.bob, conversation_id)
    assert await run_turn_job(shop, conversation_id) == "nothing_to_do"
    async with unit_of_work(shop.bob):
        await hand_back(shop.bob, conversation_id)
    assert await run_turn_job(shop, conversation_id) == "nothing_to_do"
    await shop.hears("¿Siguen ahí?")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.REPLIED
    assert "¿Siguen ahí?" in fake.told() and "secreto" not in fake.told()


async def test_with_triggers_the_bot_starts_on_one_of_them_and_then_goes_on(shop: Shop, scripted: Script) -> None:
    scripted(says("¡Hola!"))
    async with unit_of_work(shop.alice):
        await update_bot(shop.alice, shop.bot.id, BotSettings(name="Ventas", triggers=["precio"]))
    conversation_id = await shop.hears("hola, qué precioso día")
    assert await run_turn_job(shop, conversation_id) == "nothing_to_do"
    assert [t.outcome for t in await turns_of(shop, conversation_id)] == [TurnOutcome.NOT_TRIGGERED]
    assert (await shop.conversation(conversation_id)).status == ConversationStatus.OPEN, "people see that it waits"
    await shop.hears("¿PRÉCIO?")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.REPLIED
    assert (await shop.conversation(conversation_id)).status == ConversationStatus.PENDING
    await shop.hears("gracias")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.REPLIED
    assert len(await answers(shop, conversation_id)) == 2


async def done_to(shop: Shop, kind: ActKind, wa_id: str, text: str = "") -> None:
    """The customer does this to a message of theirs."""
    await acts(shop, act(kind, wa_id, text, phone="5491100000001", minute=1))


async def turns_deferred() -> int:
    async with unit_of_work(Actor.system(new_id())):
        return (await sql("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'agent.turn'")).scalar_one()


async def test_what_was_edited_before_the_answer_is_what_the_bot_reads(shop: Shop, scripted: Script) -> None:
    fake = scripted(says("Sí"))
    conversation_id = await shop.hears("¿Hay en 41?", wa_id="A")
    await done_to(shop, ActKind.EDIT, "A", "¿Hay en 42?")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.REPLIED
    assert "¿Hay en 42?" in fake.told() and "41" not in fake.told()
    assert await run_turn_job(shop, conversation_id) == "nothing_to_do"


async def test_an_edit_while_the_model_thinks_supersedes_it(shop: Shop, scripted: Script) -> None:
    async def interrupted(_request: dict) -> dict:
        await done_to(shop, ActKind.EDIT, "A", "¿Hay en 42?")
        return says("En 41 sí")

    scripted(interrupted, says("En 42 no"))
    conversation_id = await shop.hears("¿Hay en 41?", wa_id="A")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.SUPERSEDED
    assert (await shop.conversation(conversation_id)).turn_due_at is not None, "another turn waits"
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.REPLIED
    assert [m.text for m in await answers(shop, conversation_id)] == ["En 42 no"]


@pytest.mark.parametrize("kind", list(ActKind))
async def test_nothing_done_to_an_answered_message_starts_another_turn(
    shop: Shop, scripted: Script, kind: ActKind
) -> None:
    fake = scripted(says("Sí"))
    conversation_id = await shop.hears("¿Hay en 41?", wa_id="A")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.REPLIED
    waiting = await turns_deferred()
    await done_to(shop, kind, "A", "otra cosa")
    assert await turns_deferred() == waiting
    assert (await shop.conversation(conversation_id)).turn_due_at is None
    assert await run_turn_job(shop, conversation_id) == "nothing_to_do"
    assert len(fake.requests) == 1


async def test_the_bot_does_not_see_what_was_deleted(shop: Shop, scripted: Script) -> None:
    fake = scripted(says("Sí"))
    conversation_id = await shop.hears("mi clave es 1234", wa_id="A")
    await shop.hears("¿Hay en 42?", wa_id="B")
    await done_to(shop, ActKind.REVOKE, "A")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.REPLIED
    assert "¿Hay en 42?" in fake.told() and "1234" not in fake.told()


async def test_a_question_that_was_deleted_is_not_answered(shop: Shop, scripted: Script) -> None:
    async def interrupted(_request: dict) -> dict:
        await done_to(shop, ActKind.REVOKE, "B")
        return says("Sí")

    fake = scripted(interrupted)
    conversation_id = await shop.hears("¿Hay en 41?", wa_id="A")
    await done_to(shop, ActKind.REVOKE, "A")
    assert await run_turn_job(shop, conversation_id) == "nothing_to_do"
    await shop.hears("¿Hay en 42?", wa_id="B")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.SUPERSEDED
    assert await run_turn_job(shop, conversation_id) == "nothing_to_do"
    assert await answers(shop, conversation_id) == [] and len(fake.requests) == 1


async def test_what_was_chosen_from_a_list_is_answered(shop: Shop, scripted: Script) -> None:
    fake = scripted(says("Anotado"))
    await hears(shop, message("Talle 42", wa_id="A", payload={"kind": "list_response"}))
    conversation_id = (await rows(shop, "conversation"))[0]["id"]
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.REPLIED
    assert "Talle 42" in fake.told()


async def test_a_call_is_not_answered(shop: Shop, scripted: Script) -> None:
    fake = scripted(says("¡Hola!"))
    await hears(shop, message(wa_id="CALL", type=MessageType.ACTIVITY, payload={"kind": "missed_call"}))
    conversation_id = (await rows(shop, "conversation"))[0]["id"]
    assert await turns_deferred() == 0
    assert await run_turn_job(shop, conversation_id) == "nothing_to_do"
    assert fake.requests == []
