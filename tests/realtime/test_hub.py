"""What the hub promises to the pages."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from saasbot.domain.actor import Actor
from saasbot.infra.events import Event, Listener
from saasbot.models import Role
from saasbot.realtime.hub import Changes, Hub, Reading, assign
from saasbot.realtime.pace import Pace
from tests.attack.attempts import attempt
from tests.realtime.fake_tabs import FakeTabs, Screen

ACME, RIVALS = uuid4(), uuid4()


def person(company_id: UUID) -> Actor:
    return Actor.person(company_id=company_id, user_id=uuid4(), name="Alice", role=Role.OWNER)


@pytest.fixture
async def tabs() -> FakeTabs:
    return FakeTabs()


@pytest.fixture
async def hub(tabs: FakeTabs) -> AsyncIterator[Hub]:
    made = Hub(pace=Pace(quiet=0.01))
    made.start(tabs, Listener(""))
    yield made
    await made.stop()


async def ids_of(_actor: Actor, changes: Changes, _reading: Reading) -> Any:
    return "everything" if changes.everything else [event.ids["channel_id"] for event in changes.events]


def look(hub: Hub, tab: str, actor: Actor, *, load: Any = ids_of, **more: Any) -> None:
    async def check() -> Actor | None:
        return actor

    more = {"name": "channels", "topics": {"channel"}, "page": "/channels", "check": check, **more}
    hub.watch(tab, actor=actor, state=Screen, load=load, show=lambda screen, data: screen.shown.append(data), **more)


def changed(company_id: UUID, channel_id: str, kind: str = "channel") -> Event:
    return Event(kind, company_id, {"channel_id": channel_id})


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def settled(hub: Hub, tabs: FakeTabs, company_id: UUID) -> None:
    """Everything told before this has been shown to every tab of the company that will see it."""
    witness = f"witness-{uuid4()}"
    screen = tabs.open(witness)
    look(hub, witness, person(company_id))
    hub.tell(changed(company_id, "last"))
    await until(lambda: screen.shown)
    for tab in [*hub._companies[company_id].tabs.values()]:
        await until(lambda tab=tab: tab.task is None or tab.task.done())
    hub.forget(witness)
    del tabs.screens[witness]


async def test_a_change_reaches_every_tab_that_looks_at_it(hub: Hub, tabs: FakeTabs) -> None:
    first, second = tabs.open("first"), tabs.open("second")
    look(hub, "first", person(ACME))
    look(hub, "second", person(ACME))
    hub.tell(changed(ACME, "1"))
    await until(lambda: first.shown and second.shown)
    assert first.shown == second.shown == [["1"]]


@attempt(26, "state", "A tab of one company waits for the pushes of another.")
async def test_another_company_is_told_nothing(hub: Hub, tabs: FakeTabs) -> None:
    alice, mallory = tabs.open("alice"), tabs.open("mallory")
    look(hub, "alice", person(ACME))
    look(hub, "mallory", person(RIVALS))
    hub.tell(changed(ACME, "1"))
    await until(lambda: alice.shown)
    await settled(hub, tabs, RIVALS)
    assert mallory.shown == [["last"]]


async def test_a_tab_is_told_of_its_topics_only(hub: Hub, tabs: FakeTabs) -> None:
    screen = tabs.open("tab")
    wanted = str(uuid4())
    look(hub, "tab", person(ACME), topics={f"channel:{wanted}"})
    hub.tell(changed(ACME, "other"))
    hub.tell(changed(ACME, wanted, kind="product"))
    hub.tell(changed(ACME, wanted))
    await until(lambda: screen.shown)
    assert screen.shown == [[wanted]]


async def test_changes_that_follow_each_other_are_pushed_together(hub: Hub, tabs: FakeTabs) -> None:
    screen = tabs.open("tab")
    look(hub, "tab", person(ACME))
    hub.tell(changed(ACME, "first"))
    await until(lambda: screen.shown)
    for number in range(20):
        hub.tell(changed(ACME, str(number)))
    await until(lambda: len(screen.shown) > 1)
    assert screen.shown == [["first"], [str(number) for number in range(20)]]


async def test_what_several_tabs_need_is_read_once(hub: Hub, tabs: FakeTabs) -> None:
    reads = 0

    async def read() -> int:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0)
        return reads

    async def load(_actor: Actor, _changes: Changes, reading: Reading) -> int:
        return await reading.once("rows", read)

    screens = [tabs.open(str(number)) for number in range(5)]
    for number in range(5):
        look(hub, str(number), person(ACME), load=load)
    hub.tell(changed(ACME, "1"))
    await until(lambda: all(screen.shown for screen in screens))
    assert reads == 1


async def test_an_older_reading_never_overwrites_a_newer_one(hub: Hub, tabs: FakeTabs) -> None:
    screen = tabs.open("tab")
    version = 0
    slow = asyncio.Event()

    async def load(_actor: Actor, _changes: Changes, _reading: Reading) -> int:
        seen = version
        if seen == 1:
            await slow.wait()
        return seen

    look(hub, "tab", person(ACME), load=load)
    version = 1
    hub.tell(changed(ACME, "1"))
    await until(lambda: not hub._companies[ACME].events)
    version = 2
    hub.tell(changed(ACME, "2"))
    await until(lambda: hub._companies[ACME].tabs["tab"].waiting)
    slow.set()
    await until(lambda: len(screen.shown) == 2)
    assert screen.shown == [1, 2]


@attempt(28, "state", "A page is left while what it asked for is still on its way.")
async def test_a_tab_that_looks_elsewhere_meanwhile_is_not_shown_the_old_thing(hub: Hub, tabs: FakeTabs) -> None:
    screen = tabs.open("tab")
    loading, go_on = asyncio.Event(), asyncio.Event()

    async def old(_actor: Actor, _changes: Changes, _reading: Reading) -> str:
        loading.set()
        await go_on.wait()
        return "old"

    alice = person(ACME)
    look(hub, "tab", alice, load=old)
    hub.tell(changed(ACME, "1"))
    await loading.wait()
    look(hub, "tab", alice)
    go_on.set()
    await settled(hub, tabs, ACME)
    assert "old" not in screen.shown


async def test_a_tab_that_is_gone_is_forgotten(hub: Hub, tabs: FakeTabs) -> None:
    tabs.open("tab")
    look(hub, "tab", person(ACME))
    del tabs.screens["tab"]
    hub.tell(changed(ACME, "1"))
    await until(lambda: ACME not in hub._companies)


@attempt(27, "state", "A tab whose session is over goes on listening.")
async def test_a_tab_whose_session_is_over_is_told_nothing_more(hub: Hub, tabs: FakeTabs) -> None:
    screen = tabs.open("tab")

    async def revoked() -> Actor | None:
        return None

    look(hub, "tab", person(ACME), check=revoked)
    hub.tell(changed(ACME, "1"))
    await until(lambda: ACME not in hub._companies)
    assert screen.shown == []


async def test_a_watch_ends_with_its_page(hub: Hub, tabs: FakeTabs) -> None:
    screen = tabs.open("tab")
    look(hub, "tab", person(ACME))
    look(hub, "tab", person(ACME), name="banner", page=None)
    screen.page = "/settings"
    hub.tell(changed(ACME, "1"))
    await until(lambda: screen.shown)
    assert set(hub._companies[ACME].tabs["tab"].watches) == {"banner"}
    assert screen.shown == [["1"]]


async def test_a_lost_notification_makes_every_tab_read_again(hub: Hub, tabs: FakeTabs) -> None:
    screen = tabs.open("tab")
    look(hub, "tab", person(ACME))
    hub.read_everything()
    await until(lambda: screen.shown)
    assert screen.shown == ["everything"]


async def test_everything_is_read_again_from_time_to_time(tabs: FakeTabs) -> None:
    impatient = Hub(repair_seconds=0.01)
    impatient.start(tabs, Listener(""))
    screen = tabs.open("tab")
    look(impatient, "tab", person(ACME))
    await until(lambda: len(screen.shown) >= 2)
    await impatient.stop()
    assert set(screen.shown) == {"everything"}


async def test_what_time_alone_changes_is_told_once_later(hub: Hub, tabs: FakeTabs) -> None:
    screen, heard = tabs.open("tab"), []

    async def load(_actor: Actor, changes: Changes, _reading: Reading) -> int:
        heard.extend(changes.events)
        return len(changes.events)

    look(hub, "tab", person(ACME), load=load)
    for _ in range(3):
        hub.tell_later(ACME, "channel", 0.01)
    assert screen.shown == []
    await until(lambda: screen.shown)
    await settled(hub, tabs, ACME)
    assert heard[0] == Event("channel", ACME)
    assert [event.ids for event in heard[1:]] == [{"channel_id": "last"}]


async def test_one_tab_that_fails_does_not_stop_the_others(hub: Hub, tabs: FakeTabs) -> None:
    tabs.open("broken")
    healthy = tabs.open("healthy")

    async def fails(_actor: Actor, _changes: Changes, _reading: Reading) -> None:
        raise RuntimeError("the database is away")

    look(hub, "broken", person(ACME), load=fails)
    look(hub, "healthy", person(ACME))
    hub.tell(changed(ACME, "1"))
    await until(lambda: healthy.shown)


async def test_more_changes_than_are_worth_naming_read_everything(hub: Hub, tabs: FakeTabs) -> None:
    screen = tabs.open("tab")
    look(hub, "tab", person(ACME))
    async with screen.lock:
        for number in range(400):
            hub.tell(changed(ACME, str(number)))
        await until(lambda: not hub._companies[ACME].events)
        for number in range(1200):
            hub.tell(changed(ACME, str(number)))
            if number % 400 == 399:
                await until(lambda: not hub._companies[ACME].events)
    await until(lambda: len(screen.shown) == 2)
    assert screen.shown[1] == "everything"


def test_assign_touches_only_what_differs() -> None:
    touched = []

    class State:
        rows = [1, 2]
        unread = 3

        def __setattr__(self, name: str, value: object) -> None:
            touched.append(name)

    assign(State(), rows=[1, 2], unread=4)
    assert touched == ["unread"]


def test_the_pace_grows_while_the_loop_is_late_and_comes_back() -> None:
    pace = Pace(quiet=0.03, longest=0.5)
    pace.note(0)
    assert pace.seconds == 0.03
    pace.note(0.05)
    assert pace.seconds == pytest.approx(0.23)
    pace.note(10)
    assert pace.seconds == 0.5
    for _ in range(60):
        pace.note(0)
    assert pace.seconds == pytest.approx(0.03, abs=0.001)


def session_ended(actor: Actor) -> Event:
    return Event("session", actor.company_id, {"session": str(uuid4()), "user": str(actor.user_id)})


class Renewals:
    """Which tabs the hub wanted renewed."""

    def __init__(self) -> None:
        self.tabs: list[str] = []

    async def __call__(self, tab: str) -> None:
        self.tabs.append(tab)


@pytest.fixture
async def renewals() -> Renewals:
    return Renewals()


@pytest.fixture
async def renewing(tabs: FakeTabs, renewals: Renewals) -> AsyncIterator[Hub]:
    made = Hub(pace=Pace(quiet=0.01))
    made.start(tabs, Listener(""), renewals)
    yield made
    await made.stop()


async def test_tabs_of_a_person_whose_session_changed_are_renewed_at_once(
    renewing: Hub, tabs: FakeTabs, renewals: Renewals
) -> None:
    alice, bob = person(ACME), person(ACME)
    for tab in ("hers", "hers too", "his"):
        tabs.open(tab)
        look(renewing, tab, bob if tab == "his" else alice)
    renewing._hear_of_sessions(session_ended(alice))
    await until(lambda: len(renewals.tabs) == 2)
    assert set(renewals.tabs) == {"hers", "hers too"}
    assert renewing.watches("hers", "channels")  # she may still look


async def test_a_tab_whose_person_went_to_another_company_is_shown_nothing_and_renewed(
    renewing: Hub, tabs: FakeTabs, renewals: Renewals
) -> None:
    screen = tabs.open("tab")

    async def moved() -> Actor | None:
        return person(RIVALS)

    look(renewing, "tab", person(ACME), check=moved)
    renewing.tell(changed(ACME, "1"))
    await until(lambda: renewals.tabs)
    assert screen.shown == []
    assert not renewing.watches("tab", "channels")


async def test_who_may_no_longer_look_when_it_was_read_is_not_shown_it(
    renewing: Hub, tabs: FakeTabs, renewals: Renewals
) -> None:
    screen, alice = tabs.open("tab"), person(ACME)
    answers = iter([alice])

    async def once() -> Actor | None:
        return next(answers, None)

    look(renewing, "tab", alice, check=once)
    renewing.tell(changed(ACME, "1"))
    await until(lambda: renewals.tabs)
    assert screen.shown == []


async def test_a_tab_that_turns_to_another_page_looks_at_nothing_of_the_one_before(hub: Hub, tabs: FakeTabs) -> None:
    tabs.open("tab")
    look(hub, "tab", person(ACME))
    look(hub, "tab", person(ACME), name="banner", page=None)
    look(hub, "tab", person(ACME), name="both", page=("/channels", "/settings"))
    hub.turn_to("tab", "/settings")
    assert [hub.watches("tab", name) for name in ("channels", "banner", "both")] == [False, True, True]
