"""People are joined and parted while everything else goes on: nothing is lost, nothing is twice, nobody waits for ever."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from saasbot.domain.agent.claim import claim_turn
from saasbot.domain.channels.lease import acquire_lease
from saasbot.domain.channels.outbox import claim_outbox
from saasbot.domain.channels.outbox_marks import mark_sent
from saasbot.domain.inbox.incoming import IncomingMessage
from saasbot.domain.inbox.ownership import hand_back, take_over
from saasbot.domain.inbox.part import undo_merge
from saasbot.domain.inbox.recipients import learn_chat
from saasbot.domain.inbox.send import send_message, send_to_phone
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.models import ActKind
from saasbot.models.table import utcnow
from tests.fixtures.shops import Shop
from tests.inbox.heard import ANA, act, acts, hears, message, receipt, rows

LID = "123456789012345"
TIMES = 12


async def _halves(shop: Shop) -> tuple[UUID, UUID]:
    await hears(shop, message("lid", wa_id="L", phone=None, lid=LID))
    await hears(shop, message("phone", wa_id="P", name=""))
    first, second = await rows(shop, "conversation")
    return first["id"], second["id"]


async def _again(what: Callable[[], Awaitable[object]]) -> None:
    """As the processor does: what fails because a contact went is done again."""
    for tries_left in (2, 1, 0):
        try:
            await what()
            return
        except IntegrityError:
            if not tries_left:
                raise


async def _hears(shop: Shop, *messages: IncomingMessage) -> None:
    await _again(lambda: hears(shop, *messages))


async def _sends(shop: Shop, epoch: int, over: asyncio.Event) -> None:
    """The holder of the number: what it sends goes to the LID, and is read at once."""
    sent = 0
    while not over.is_set():
        async with unit_of_work(shop.system):
            taken = await claim_outbox(shop.system, shop.channel.id, epoch=epoch)
        if taken is None:
            await asyncio.sleep(0.005)
            continue
        sent += 1
        async with unit_of_work(shop.system):
            await learn_chat(shop.system, taken.chat_jid, f"{LID}@lid")
            await mark_sent(
                shop.system,
                shop.channel.id,
                taken.id,
                epoch=epoch,
                wa_id=f"OUT{sent}",
                at=utcnow(),
                chat_jid=f"{LID}@lid",
            )
        await receipt(shop, f"OUT{sent}")


async def _holder(shop: Shop) -> int:
    async with unit_of_work(shop.system):
        epoch = await acquire_lease(shop.system, shop.channel.id, holder="test")
    assert epoch is not None
    return epoch


async def test_joining_while_everybody_writes_sends_and_takes_over(shop: Shop) -> None:
    first, second = await _halves(shop)
    epoch, over = await _holder(shop), asyncio.Event()

    async def customer(name: str, phone: str | None, lid: str | None) -> None:
        for n in range(TIMES):
            await _hears(shop, message(f"{name}{n}", wa_id=f"{name}{n}", phone=phone, lid=lid, minute=n))

    async def person(chat: UUID, name: str) -> None:
        for n in range(TIMES):
            async with unit_of_work(shop.bob):
                await send_message(shop.bob, chat, text=f"{name}{n}")

    async def to_phone() -> None:
        for n in range(TIMES):
            async with unit_of_work(shop.alice):
                await send_to_phone(shop.alice, shop.channel.id, to=ANA, text=f"to{n}")

    async def reacts() -> None:
        for n in range(TIMES):
            reaction = act(ActKind.REACTION, "P", "👍", phone=ANA, minute=n)
            await _again(lambda reaction=reaction: acts(shop, reaction))

    async def owner(change: Callable[..., Awaitable[object]], chat: UUID) -> None:
        for _ in range(TIMES):
            async with unit_of_work(shop.bob):
                await change(shop.bob, chat)
            async with unit_of_work(shop.system):
                await claim_turn(shop.system, chat)

    async def both() -> None:
        await asyncio.sleep(0.05)
        await _hears(shop, message("both", wa_id="BOTH", lid=LID, minute=30))

    holder = asyncio.create_task(_sends(shop, epoch, over))
    async with asyncio.timeout(60):
        await asyncio.gather(
            customer("cl", None, LID),
            customer("cp", ANA, None),
            person(first, "pf"),
            person(second, "ps"),
            to_phone(),
            reacts(),
            owner(take_over, first),
            owner(hand_back, second),
            both(),
        )
        while any(row["status"] in ("queued", "sending") for row in await rows(shop, "message")):
            await asyncio.sleep(0.02)
        over.set()
        await holder
    assert len(await rows(shop, "contact")) == 1
    assert len(await rows(shop, "conversation")) == 1
    texts = sorted(row["text"] for row in await rows(shop, "message") if row["type"] != "activity")
    written = [f"{name}{n}" for name in ("cl", "cp", "pf", "ps", "to") for n in range(TIMES)]
    assert texts == sorted([*written, "lid", "phone", "both"])
    ours = [row for row in await rows(shop, "message") if row["author"] == "agent"]
    assert {row["status"] for row in ours} == {"read"}
    assert len({row["wa_id"] for row in ours}) == len(ours)
    assert len([r for r in await rows(shop, "message") if r["payload"].get("kind") == "joined"]) == 1


async def test_undoing_while_everybody_writes(shop: Shop) -> None:
    first, second = await _halves(shop)
    await hears(shop, message("both", wa_id="BOTH", lid=LID, minute=1))
    merge = (await rows(shop, "contact_merge"))[0]["id"]

    async def customer(name: str, phone: str | None, lid: str | None) -> None:
        for n in range(TIMES):
            await _hears(shop, message(f"{name}{n}", wa_id=f"{name}{n}", phone=phone, lid=lid, minute=n))

    async def person(chat: UUID, name: str) -> None:
        for n in range(TIMES):
            async with unit_of_work(shop.bob):
                await send_message(shop.bob, chat, text=f"{name}{n}")

    async def undo() -> None:
        await asyncio.sleep(0.03)
        async with unit_of_work(shop.alice):
            await undo_merge(shop.alice, merge)

    async with asyncio.timeout(60):
        await asyncio.gather(
            customer("cl", None, LID),
            customer("cp", ANA, None),
            customer("cb", ANA, LID),
            person(first, "pf"),
            person(second, "ps"),
            undo(),
            undo(),
        )
    chats = {row["id"]: row["contact_id"] for row in await rows(shop, "conversation")}
    assert set(chats) == {first, second}
    assert len(set(chats.values())) == 2
    texts = sorted(row["text"] for row in await rows(shop, "message") if row["type"] != "activity")
    written = [f"{name}{n}" for name in ("cl", "cp", "cb", "pf", "ps") for n in range(TIMES)]
    assert texts == sorted([*written, "lid", "phone", "both"])
    # a message whose contact was looked up in the instant before may be in the other's chat; those after are not
    await hears(shop, message("after", wa_id="A1", minute=40), message("after", wa_id="A2", lid=LID, minute=41))
    where = {row["wa_id"]: row["conversation_id"] for row in await rows(shop, "message")}
    assert {where[f"cl{n}"] for n in range(TIMES)} | {where["A2"]} == {first}
    assert where["A1"] == second


async def test_people_are_joined_on_two_numbers_at_once(shop: Shop) -> None:
    """Several people, seen by many transactions at the same time: each is one, and none waits for another in a circle."""
    people = [(f"54911500001{n:02}", f"1234500000000{n:02}") for n in range(6)]
    for phone, lid in people:
        await hears(shop, message("lid", wa_id=f"L{lid}", phone=None, lid=lid))
        await hears(shop, message("phone", wa_id=f"P{phone}", phone=phone))

    async def sees(order: list[tuple[str, str]], number: int) -> None:
        batch = [message("both", wa_id=f"B{number}{lid}", phone=phone, lid=lid) for phone, lid in order]
        await _hears(shop, *batch)

    async with asyncio.timeout(60):
        await asyncio.gather(*(sees(people if n % 2 else people[::-1], n) for n in range(4)))
    assert len(await rows(shop, "contact")) == len(people)
    assert len(await rows(shop, "conversation")) == len(people)
    assert len(await rows(shop, "message")) == len(people) * (2 + 4 + 1)


async def test_a_conversation_that_is_gone_for_good_is_not_found(shop: Shop) -> None:
    try:
        async with unit_of_work(shop.bob):
            await send_message(shop.bob, shop.channel.id, text="a nadie")
    except NotFound:
        return
    raise AssertionError("an id that was never a conversation was written to")
