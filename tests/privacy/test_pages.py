"""What the pages show of it, without a browser."""

from typing import Any

import psycopg

from saasbot.domain.actor import Actor
from saasbot.infra.storage import LocalStorage
from saasbot.jobs.privacy import build_export, erase_contact
from saasbot.realtime.hub import hub
from saasbot.realtime.watches import Changes, Reading
from saasbot.state.activity import EVERYTHING, ActivityState
from saasbot.state.data import DataState
from saasbot.state.erasure import ErasureState
from saasbot.state.reader import Reader
from saasbot.state.thread import ThreadState
from saasbot.state.thread_look import ThreadLook
from tests.attack.belongings import MARK, belongings_of
from tests.gate.tab import Tab
from tests.gate.test_gate import cookie_of
from tests.people import PASSWORD

ALICE = "alice@sur.example"


async def call(state: Any, name: str, *arguments: Any) -> Any:
    return await type(state).event_handlers[name].fn(state, *arguments)


def watch_of(tab: Tab, name: str) -> Any:
    return next(entry.watches[name] for c in hub._companies.values() if (entry := c.tabs.get(tab.token)) is not None)


async def test_who_looks_at_a_chat_while_its_contact_is_erased_sees_that_it_is_gone(
    alice: Actor, files: LocalStorage, superuser: psycopg.Connection
):
    hers = await belongings_of(alice)
    tab = Tab((await cookie_of(ALICE))[0])
    tab.open(f"/inbox/{hers.conversation_id}", route="/inbox/[conversation_id]")
    thread, erasure = await tab.state(ThreadState), await tab.state(ErasureState)
    await thread._look_at(ThreadLook(hers.conversation_id, Reader.of(alice, "en"), socket=""), anew=True)
    assert thread.found and any((thread.older, thread.settled, thread.fresh))
    watch = watch_of(tab, "thread")

    await call(erasure, "ask", str(hers.conversation_id))
    assert (erasure.name, erasure.messages, erasure.asking) == (f"Ana {MARK}", 1, str(hers.conversation_id))
    await call(erasure, "leave")
    assert erasure.asking == ""
    assert "being erased" in str(await call(erasure, "erase", str(hers.conversation_id)))
    asked = superuser.execute("SELECT id FROM contact_erasure").fetchone()
    assert asked is not None
    await erase_contact(str(alice.company_id), str(asked[0]))

    for _ in range(2):  # a repair reads again
        watch.show(thread, await watch.load(alice, Changes(everything=True), Reading()))
    assert not thread.found and not any((thread.older, thread.settled, thread.fresh))
    assert not watches(tab, "thread")
    hub.forget(tab.token)


def watches(tab: Tab, name: str) -> bool:
    return hub.watches(tab.token, name)


async def test_the_activity_page_tells_it_in_words_and_filters(alice: Actor, bob: Actor, files: LocalStorage):
    await belongings_of(alice)
    state = await Tab((await cookie_of(ALICE))[0]).state(ActivityState)
    await call(state, "load")
    assert state.loaded and [person.name for person in state.people] == ["Alice", "Bob", f"Member {MARK}"]
    told = [(row.who, row.what) for row in state.rows]
    assert ("Alice", f"added the number Number {MARK}") in told and ("Alice", "signed in") in told
    assert state.rows[0].origin.startswith("in the app")
    await call(state, "choose_kind", "product")
    assert state.rows and all("product" in row.what for row in state.rows)
    await call(state, "choose_kind", EVERYTHING)
    await call(state, "choose_person", str(bob.user_id))
    assert state.rows == []


async def test_the_data_page_makes_a_copy_and_takes_the_end_of_the_company_back(
    alice: Actor, files: LocalStorage, superuser: psycopg.Connection
):
    tab = Tab((await cookie_of(ALICE))[0])
    state = await tab.state(DataState)
    await call(state, "load")
    await call(state, "export_company")
    assert state.running and [(row.what, row.facts) for row in state.exports] == [("The whole company", "0 % done")]
    found = superuser.execute("SELECT id FROM data_export").fetchone()
    assert found is not None
    await build_export(alice, found[0])
    watch = watch_of(tab, "data")
    await watch.show(state, await watch.load(alice, Changes(everything=True), Reading()))
    assert not state.running and state.exports[0].ready
    assert "/media/" in str(await call(state, "download", str(found[0])))

    await call(state, "erase_company", {"erase_name": "Zapatería Sur", "erase_password": "wrong"})
    assert state.password_error and not state.due
    await call(state, "erase_company", {"erase_name": "Another", "erase_password": PASSWORD})
    assert state.name_error and not state.password_error and not state.due
    await call(state, "erase_company", {"erase_name": "Zapatería Sur", "erase_password": PASSWORD})
    assert state.due and not state.name_error
    await call(state, "keep_company")
    assert state.due == ""
    hub.forget(tab.token)
