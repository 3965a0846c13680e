"""What the hub has shown equals what a fresh reading shows, after every use case that changes the inbox."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from saasbot.domain.actor import Actor
from saasbot.domain.channels import manage, outbox, outbox_marks
from saasbot.domain.channels.lease import acquire_lease
from saasbot.domain.inbox import ownership
from saasbot.domain.inbox.incoming import IncomingMedia
from saasbot.domain.inbox.outbound import add_outbound
from saasbot.domain.inbox.part import undo_merge
from saasbot.domain.inbox.read_marks import mark_read
from saasbot.domain.inbox.reads import ListFilter
from saasbot.domain.inbox.send import resend, send_message, send_to_phone
from saasbot.domain.media.inbound import store_inbound
from saasbot.domain.media.pending import fail_inbound
from saasbot.infra import db, events
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.infra.events import Listener
from saasbot.models import ActKind, AgentTurn, Author, Conversation, MessageStatus, MessageType, TurnOutcome
from saasbot.models.table import new_id
from saasbot.realtime.hub import Changes, Hub, Reading
from saasbot.realtime.pace import Pace
from saasbot.state.context_rows import context_of
from saasbot.state.conversation_rows import ListLook
from saasbot.state.inbox_reading import LIST_TOPICS, ListRead, ThreadRead, read_list, read_open, thread_topics
from saasbot.state.reader import Reader
from saasbot.state.thread_look import ThreadLook
from tests.fixtures.shops import Shop
from tests.inbox.heard import ANA, BETO, act, acts, hears, message, receipt
from tests.media.conftest import files  # noqa: F401  # a fixture
from tests.media.pictures import picture
from tests.realtime.fake_tabs import FakeTabs

EVERYTHING = Changes(everything=True)


class Viewer:
    """A person with a list and a thread on the screen, as the pages have them."""

    def __init__(self, hub: Hub, tabs: FakeTabs, actor: Actor, filter: ListFilter) -> None:
        self.hub, self.tabs, self.actor, self.filter = hub, tabs, actor, filter
        self.tab = f"tab-{new_id()}"
        tabs.open(self.tab).page = "/inbox"
        self.reader = Reader.of(actor, "es")
        self.list = self._new_list()
        self.counters: Any = None
        self.thread: ThreadLook | None = None
        self.head: Any = None
        self.context: Any = None

    def _new_list(self) -> ListLook:
        return ListLook(self.actor, self.reader, filter=self.filter, query="", socket="s")

    def _watch(self, name: str, topics: tuple[str, ...], load: Any, show: Any) -> None:
        async def check() -> Actor:
            return self.actor

        self.hub.watch(self.tab, name, actor=self.actor, check=check, state=object, topics=topics, load=load, show=show)

    async def look_at_the_list(self) -> None:
        async def load(actor: Actor, changes: Changes, reading: Reading) -> ListRead:
            return await read_list(actor, self.filter, "", changes, reading)

        def show(_screen: object, read: ListRead) -> None:
            self.list.take(read)
            self.counters = read.counters or self.counters

        self._watch("inbox", LIST_TOPICS, load, show)
        show(None, await load(self.actor, EVERYTHING, Reading()))

    async def look_at(self, conversation_id: UUID) -> None:
        self.thread = look = ThreadLook(conversation_id, self.reader, socket="s")

        async def load(actor: Actor, changes: Changes, reading: Reading) -> ThreadRead:
            return await read_open(actor, conversation_id, look.turn_id, changes, reading)

        def show(_screen: object, read: ThreadRead) -> None:
            look.take(read)
            self.head = read.view
            if read.context is not None:
                self.context = context_of(read.context, self.reader)

        self._watch("thread", thread_topics(conversation_id), load, show)
        show(None, await load(self.actor, EVERYTHING, Reading()))

    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = {"rows": self.list.rows, "counters": self.counters}
        if self.thread is not None:
            rows = [*self.thread.older, *self.thread.settled, *self.thread.fresh]
            found["messages"] = [replace(row, status=self.thread.ticks.get(row.id, row.status)) for row in rows]
            found["head"], found["context"] = self.head, self.context
        return found

    async def read_afresh(self) -> dict[str, Any]:
        other = Viewer(Hub(), FakeTabs(), self.actor, self.filter)
        await other.look_at_the_list()
        if self.thread is not None:
            await other.look_at(self.thread.conversation_id)
        return other.shown()


@dataclass
class Live:
    """The shop's events, heard by a hub, and two people who look."""

    shop: Shop
    hub: Hub
    tabs: FakeTabs
    viewers: list[Viewer]
    epoch: int = 0

    async def settle(self) -> None:
        """Everything committed before this has been shown to everybody."""
        arrived = asyncio.Event()
        tab = self.tabs.open(f"witness-{new_id()}")
        tab.page = "/inbox"
        (token,) = [token for token, screen in self.tabs.screens.items() if screen is tab]

        async def load(_actor: Actor, _changes: Changes, _reading: Reading) -> None:
            arrived.set()

        async def check() -> Actor:
            return self.shop.bob

        self.hub.watch(
            token,
            "witness",
            actor=self.shop.bob,
            check=check,
            state=object,
            topics={"witness"},
            load=load,
            show=lambda *_: None,
        )
        async with unit_of_work(self.shop.system):
            events.publish("witness", company_id=self.shop.company.id, n=str(new_id()))
        async with asyncio.timeout(10):
            await arrived.wait()
            for entry in self.hub._all_tabs():
                while entry.task is not None and not entry.task.done():
                    await entry.task
        self.hub.forget(token)
        del self.tabs.screens[token]

    async def agrees(self) -> None:
        await self.settle()
        for viewer in self.viewers:
            shown, fresh = viewer.shown(), await viewer.read_afresh()
            if viewer.thread is not None and len(shown["messages"]) > len(fresh["messages"]):
                # more than a page is on the screen: the first of the fresh page knows nothing of what stands above it
                shown["messages"], fresh["messages"] = (
                    shown["messages"][-len(fresh["messages"]) + 1 :],
                    fresh["messages"][1:],
                )
            assert shown == fresh


@pytest.fixture
async def live(shop: Shop, files: None) -> AsyncIterator[Live]:  # noqa: F811
    hub, tabs, listener = Hub(pace=Pace(quiet=0.005)), FakeTabs(), Listener(db.app_dsn())
    hub.start(tabs, listener)
    await listener.start()
    viewers = [
        Viewer(hub, tabs, shop.bob, ListFilter.ALL),
        Viewer(hub, tabs, shop.alice, ListFilter.MINE),
        Viewer(hub, tabs, shop.charlie, ListFilter.UNASSIGNED),
        Viewer(hub, tabs, shop.charlie, ListFilter.UNREAD),
    ]
    for viewer in viewers:
        await viewer.look_at_the_list()
    yield Live(shop, hub, tabs, viewers)
    await hub.stop()
    await listener.stop()


async def the_conversation(shop: Shop) -> UUID:
    async with unit_of_work(shop.system):
        return (await sql("SELECT id FROM conversation")).scalar_one()


Step = Callable[[Live, UUID], Awaitable[None]]


async def another_message(live: Live, _conversation: UUID) -> None:
    await hears(live.shop, message("¿Siguen ahí?", wa_id=new_id().hex, minute=20))


async def a_burst(live: Live, _conversation: UUID) -> None:
    for i in range(30):
        await hears(live.shop, message(f"m{i}", wa_id=new_id().hex, minute=6 + i / 10))


async def more_than_a_page(live: Live, _conversation: UUID) -> None:
    await hears(live.shop, *(message(f"m{i}", wa_id=new_id().hex, minute=6 + i / 10) for i in range(70)))


async def a_late_message(live: Live, _conversation: UUID) -> None:
    await hears(live.shop, message("llegó tarde", wa_id=new_id().hex, minute=0.5))


async def somebody_new(live: Live, _conversation: UUID) -> None:
    await hears(live.shop, message("Hola", wa_id=new_id().hex, phone=BETO, name="Beto", minute=7))


async def an_echo(live: Live, _conversation: UUID) -> None:
    await hears(live.shop, message("desde el teléfono", wa_id=new_id().hex, minute=8, from_me=True))


async def a_new_name(live: Live, _conversation: UUID) -> None:
    await hears(live.shop, message("soy yo", wa_id=new_id().hex, name="Ana P.", minute=9))


async def a_take_over(live: Live, conversation: UUID) -> None:
    async with unit_of_work(live.shop.alice):
        await ownership.take_over(live.shop.alice, conversation)


async def a_hand_back(live: Live, conversation: UUID) -> None:
    await a_take_over(live, conversation)
    async with unit_of_work(live.shop.bob):
        await ownership.hand_back(live.shop.bob, conversation)


async def a_hand_off(live: Live, conversation: UUID) -> None:
    async with unit_of_work(live.shop.system):
        row = await session().get_one(Conversation, conversation)
        await ownership.hand_off(live.shop.system, row, reason="complaint", summary="Está enojada.")


async def the_bot_switched_off(live: Live, conversation: UUID) -> None:
    async with unit_of_work(live.shop.bob):
        await ownership.set_conversation_bot(live.shop.bob, conversation, enabled=False)


async def a_reply(live: Live, conversation: UUID) -> None:
    async with unit_of_work(live.shop.alice):
        await send_message(live.shop.alice, conversation, text="Hola, soy Alice", client_token=new_id().hex)


async def a_first_message_to_a_phone(live: Live, _conversation: UUID) -> None:
    async with unit_of_work(live.shop.alice):
        await send_to_phone(live.shop.alice, live.shop.channel.id, to="+5491160000099", text="Llegó tu pedido")


async def having_read(live: Live, conversation: UUID) -> None:
    async with unit_of_work(live.shop.bob):
        await mark_read(live.shop.bob, conversation)


async def the_bot_answers(live: Live, conversation: UUID) -> None:
    async with unit_of_work(live.shop.system):
        turn = AgentTurn(
            company_id=live.shop.company.id,
            conversation_id=conversation,
            bot_name="Asistente",
            prompt_version=2,
            model="demo-model",
            outcome=TurnOutcome.REPLIED,
            owner_epoch=1,
            customer_seq=1,
            tools_used=["read_policies"],
            trace={"steps": [{"kind": "tool", "name": "read_policies", "arguments": {}, "milliseconds": 3}]},
            finished_at=datetime.now(UTC),
        )
        session().add(turn)
        row = await session().get_one(Conversation, conversation)
        await add_outbound(row, author=Author.BOT, author_name="Asistente", text="Cuestan 10", turn_id=turn.id)


async def claimed(live: Live, conversation: UUID) -> UUID:
    await a_reply(live, conversation)
    system, channel = live.shop.system, live.shop.channel.id
    async with unit_of_work(system):
        live.epoch = await acquire_lease(system, channel, holder="test", holder_is_dead=True) or 0
    async with unit_of_work(system):
        found = await outbox.claim_outbox(system, channel, epoch=live.epoch)
    assert found is not None
    return found.id


async def a_message_on_its_way(live: Live, conversation: UUID) -> None:
    await claimed(live, conversation)


async def a_message_that_left(live: Live, conversation: UUID) -> None:
    message_id = await claimed(live, conversation)
    async with unit_of_work(live.shop.system):
        await outbox_marks.mark_sent(
            live.shop.system,
            live.shop.channel.id,
            message_id,
            epoch=live.epoch,
            wa_id="OUT1",
            at=datetime.now(UTC),
            chat_jid=f"{ANA}@lid",
        )


async def its_ticks(live: Live, conversation: UUID) -> None:
    await a_message_that_left(live, conversation)
    await live.settle()
    await receipt(live.shop, "OUT1", kind=MessageStatus.DELIVERED)
    await live.settle()
    await receipt(live.shop, "OUT1")


async def a_message_that_failed(live: Live, conversation: UUID) -> None:
    message_id = await claimed(live, conversation)
    async with unit_of_work(live.shop.system):
        await outbox_marks.mark_failed(live.shop.system, message_id, epoch=live.epoch, error="invalid_recipient")


async def sending_it_again(live: Live, conversation: UUID) -> None:
    message_id = await claimed(live, conversation)
    async with unit_of_work(live.shop.system):
        await outbox_marks.mark_unconfirmed(live.shop.system, message_id, epoch=live.epoch)
    async with unit_of_work(live.shop.bob):
        await resend(live.shop.bob, message_id)


async def a_message_that_waits_again(live: Live, conversation: UUID) -> None:
    message_id = await claimed(live, conversation)
    async with unit_of_work(live.shop.system):
        await outbox_marks.requeue(live.shop.system, message_id, epoch=live.epoch)


async def a_holder_that_died(live: Live, conversation: UUID) -> None:
    await claimed(live, conversation)
    async with unit_of_work(live.shop.system):
        epoch = await acquire_lease(live.shop.system, live.shop.channel.id, holder="other", holder_is_dead=True)
    async with unit_of_work(live.shop.system):
        await outbox_marks.settle_abandoned(live.shop.system, live.shop.channel.id, epoch=epoch or 0)


async def the_bot_overtaken(live: Live, conversation: UUID) -> None:
    await the_bot_answers(live, conversation)
    await a_take_over(live, conversation)
    system, channel = live.shop.system, live.shop.channel.id
    async with unit_of_work(system):
        epoch = await acquire_lease(system, channel, holder="test", holder_is_dead=True)
    async with unit_of_work(system):
        await outbox.claim_outbox(system, channel, epoch=epoch or 0)


async def picture_of(live: Live) -> UUID:
    file = IncomingMedia(mime="image/png", size=100)
    await hears(live.shop, message(wa_id=new_id().hex, type=MessageType.IMAGE, media=file, minute=10))
    async with unit_of_work(live.shop.system):
        return (await sql("SELECT id FROM media ORDER BY created_at DESC LIMIT 1")).scalar_one()


async def a_picture_that_came(live: Live, _conversation: UUID) -> None:
    media_id = await picture_of(live)
    await live.settle()
    async with unit_of_work(live.shop.system):
        await store_inbound(live.shop.system, media_id, picture(format="PNG"))


async def a_picture_that_did_not(live: Live, _conversation: UUID) -> None:
    media_id = await picture_of(live)
    async with unit_of_work(live.shop.system):
        await fail_inbound(live.shop.system, media_id, error="media_gone", permanent=True)


async def a_number_renamed(live: Live, _conversation: UUID) -> None:
    async with unit_of_work(live.shop.alice):
        await manage.update_channel(live.shop.alice, live.shop.channel.id, name="Depósito")


async def a_reaction(live: Live, _conversation: UUID) -> None:
    await acts(live.shop, act(ActKind.REACTION, "FIRST", "👍", minute=2))
    await live.settle()
    await acts(live.shop, act(ActKind.REACTION, "FIRST", "", minute=3))
    await acts(live.shop, act(ActKind.REACTION, "SECOND", "👍", minute=3, from_me=True))


async def an_edit(live: Live, _conversation: UUID) -> None:
    await acts(live.shop, act(ActKind.EDIT, "SECOND", "¿Cuánto cuesta?", minute=2))
    await live.settle()
    for viewer in live.viewers:
        assert viewer.thread is not None and viewer.thread.settled[-1].text == "¿Cuánto cuesta?"


async def a_deletion(live: Live, _conversation: UUID) -> None:
    await acts(live.shop, act(ActKind.REVOKE, "SECOND", minute=2))
    await live.settle()
    for viewer in live.viewers:
        assert viewer.thread is not None and viewer.thread.settled[-1].revoked


async def a_missed_call(live: Live, _conversation: UUID) -> None:
    call = message(wa_id="CALL", type=MessageType.ACTIVITY, payload={"kind": "missed_call"}, minute=3)
    await hears(live.shop, call)


async def two_who_are_one(live: Live, _conversation: UUID) -> None:
    """What somebody wrote under a LID turns out to be Ana's."""
    lid = "123456789012345"
    hidden = [message(f"oculto {n}", wa_id=f"L{n}", phone=None, lid=lid, minute=0.2 + n / 10) for n in range(3)]
    await hears(live.shop, *hidden)
    await live.settle()
    await hears(live.shop, message("soy yo", wa_id="BOTH", lid=lid, minute=4))


async def two_who_are_two_after_all(live: Live, conversation: UUID) -> None:
    await two_who_are_one(live, conversation)
    await live.settle()
    async with unit_of_work(live.shop.bob):
        await undo_merge(live.shop.bob, (await sql("SELECT id FROM contact_merge")).scalar_one())


STEPS: list[Step] = [
    two_who_are_one,
    two_who_are_two_after_all,
    a_reaction,
    an_edit,
    a_deletion,
    a_missed_call,
    another_message,
    a_burst,
    more_than_a_page,
    a_late_message,
    somebody_new,
    an_echo,
    a_new_name,
    a_take_over,
    a_hand_back,
    a_hand_off,
    the_bot_switched_off,
    a_reply,
    a_first_message_to_a_phone,
    having_read,
    the_bot_answers,
    a_message_on_its_way,
    a_message_that_left,
    its_ticks,
    a_message_that_failed,
    sending_it_again,
    a_message_that_waits_again,
    a_holder_that_died,
    the_bot_overtaken,
    a_picture_that_came,
    a_picture_that_did_not,
    a_number_renamed,
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
async def test_the_screens_show_what_a_fresh_reading_shows(live: Live, step: Step) -> None:
    await hears(live.shop, message("Hola", wa_id="FIRST"), message("¿Precio?", wa_id="SECOND", minute=1))
    conversation = await the_conversation(live.shop)
    for viewer in live.viewers:
        await viewer.look_at(conversation)
    await live.agrees()
    await step(live, conversation)
    await live.agrees()
    await another_message(live, conversation)
    await live.agrees()


async def test_a_conversation_that_opens_while_messages_come_misses_none(live: Live) -> None:
    await hears(live.shop, message("Hola", wa_id="FIRST"))
    conversation = await the_conversation(live.shop)
    writing = asyncio.create_task(a_burst(live, conversation))
    for viewer in live.viewers:
        await viewer.look_at(conversation)
    await writing
    await live.agrees()


async def test_another_company_hears_nothing_of_it(live: Live, other_shop: Shop) -> None:
    mallory = Viewer(live.hub, live.tabs, other_shop.alice, ListFilter.ALL)
    await mallory.look_at_the_list()
    before = mallory.shown()
    await hears(live.shop, message("Hola", wa_id="FIRST"))
    await live.settle()
    assert mallory.shown() == before
    assert mallory.list.rows == []
