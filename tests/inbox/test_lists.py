"""The list of conversations: order, pages, filters, counters."""

from uuid import uuid4

import pytest

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.ownership import hand_back, hand_off, take_over
from saasbot.domain.inbox.reads import (
    ListFilter,
    belongs,
    count_conversations,
    list_conversations,
    read_conversation,
    read_conversations,
)
from saasbot.domain.inbox.views import ConversationPage, Counters
from saasbot.infra.db import session, unit_of_work
from saasbot.infra.errors import Forbidden, NotFound
from saasbot.models import Conversation
from tests.fixtures.shops import Shop
from tests.inbox.heard import ANA, BETO, hears, message


async def listed(actor: Actor, **how) -> ConversationPage:
    async with unit_of_work(actor):
        return await list_conversations(actor, **how)


async def crowd(shop: Shop, count: int) -> None:
    """Customers who wrote a minute after each other."""
    await hears(
        shop,
        *(
            message(f"Hola {i}", wa_id=f"W{i}", phone=f"54911600000{i:02}", minute=i, name=f"Cliente {i}")
            for i in range(count)
        ),
    )


async def test_the_newest_activity_comes_first(shop: Shop) -> None:
    await crowd(shop, 3)
    await hears(shop, message("otra vez", wa_id="again", phone="5491160000000", minute=10, name="Cliente 0"))
    page = await listed(shop.bob)
    assert [row.contact_name for row in page.conversations] == ["Cliente 0", "Cliente 2", "Cliente 1"]
    assert page.next is None


async def test_pages_follow_each_other_without_gap_or_repetition(shop: Shop) -> None:
    await crowd(shop, 25)
    seen, after = [], None
    for expected in (10, 10, 5):
        page = await listed(shop.bob, limit=10, after=after)
        assert len(page.conversations) == expected
        seen += [row.last_preview for row in page.conversations]
        after = page.next
    assert after is None
    assert seen == [f"Hola {i}" for i in reversed(range(25))]


async def test_conversations_of_the_same_moment_are_all_listed(shop: Shop) -> None:
    await hears(shop, *(message("Hola", wa_id=f"W{i}", phone=f"54911600000{i:02}", name=str(i)) for i in range(7)))
    first = await listed(shop.bob, limit=4)
    second = await listed(shop.bob, limit=4, after=first.next)
    assert len({row.id for row in (*first.conversations, *second.conversations)}) == 7


async def test_a_row_says_who_where_and_what(shop: Shop) -> None:
    await hears(shop, message("¿Precio?", wa_id="A", lid="123456789012345"))
    (row,) = (await listed(shop.bob)).conversations
    assert (row.contact_name, row.phone, row.lid) == ("Ana Pérez", ANA, "123456789012345")
    assert (row.channel_name, row.unread, row.last_preview, row.last_author) == ("Tienda 1", 1, "¿Precio?", "customer")


async def test_the_filters_agree_with_their_lists(shop: Shop) -> None:
    await crowd(shop, 4)
    mine, colleagues, waiting, _ = [row.id for row in (await listed(shop.bob)).conversations]
    async with unit_of_work(shop.bob):
        await take_over(shop.bob, mine)
    async with unit_of_work(shop.alice):
        await take_over(shop.alice, colleagues)
    async with unit_of_work(shop.system):
        await hand_off(shop.system, await session().get_one(Conversation, waiting), reason="asked")
    everything = (await listed(shop.bob)).conversations
    for filter in ListFilter:
        expected = [row.id for row in everything if belongs(shop.bob, row, filter)]
        assert [row.id for row in (await listed(shop.bob, filter=filter)).conversations] == expected, filter
    assert [row.id for row in (await listed(shop.bob, filter=ListFilter.MINE)).conversations] == [mine]
    assert [row.id for row in (await listed(shop.bob, filter=ListFilter.UNASSIGNED)).conversations] == [waiting]
    assert len((await listed(shop.bob, filter=ListFilter.HUMAN)).conversations) == 3
    assert len((await listed(shop.bob, handler="human", assignee_id=shop.alice.user_id)).conversations) == 1
    assert len((await listed(shop.bob, status="open")).conversations) == 3


async def test_the_counters_are_those_of_the_reader(shop: Shop) -> None:
    await crowd(shop, 3)
    rows = (await listed(shop.bob)).conversations
    async with unit_of_work(shop.bob):
        await take_over(shop.bob, rows[0].id)
    async with unit_of_work(shop.bob):
        assert await count_conversations(shop.bob) == Counters(mine=1, unassigned=0, all=3, unread=3)
    async with unit_of_work(shop.alice):
        assert await count_conversations(shop.alice) == Counters(mine=0, unassigned=0, all=3, unread=3)


async def test_what_is_handed_back_is_nobodys(shop: Shop) -> None:
    conversation_id = await shop.hears("Hola")
    async with unit_of_work(shop.bob):
        await take_over(shop.bob, conversation_id)
        assert (await read_conversation(shop.bob, conversation_id)).assignee_name == "Bob"
    async with unit_of_work(shop.bob):
        await hand_back(shop.bob, conversation_id)
        row = await read_conversation(shop.bob, conversation_id)
    assert (row.handler, row.assignee_name) == ("bot", None)


async def test_another_company_sees_nothing(shop: Shop, other_shop: Shop) -> None:
    conversation_id = await shop.hears("Hola", phone=BETO)
    mallory = other_shop.alice
    assert (await listed(mallory)).conversations == []
    async with unit_of_work(mallory):
        assert await read_conversations(mallory, [conversation_id]) == {}
        assert await count_conversations(mallory) == Counters(0, 0, 0, 0)
        with pytest.raises(NotFound):
            await read_conversation(mallory, conversation_id)


async def test_what_does_not_exist_is_left_out(shop: Shop) -> None:
    conversation_id = await shop.hears("Hola")
    async with unit_of_work(shop.bob):
        assert set(await read_conversations(shop.bob, [conversation_id, uuid4()])) == {conversation_id}


async def test_reading_needs_the_right(shop: Shop) -> None:
    stranger = Actor(shop.company.id, user_id=uuid4())
    async with unit_of_work(stranger):
        with pytest.raises(Forbidden):
            await list_conversations(stranger)
        with pytest.raises(Forbidden):
            await count_conversations(stranger)
