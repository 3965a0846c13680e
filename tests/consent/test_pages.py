"""What the pages show of it, without a browser."""

import json

import pytest

import saasbot.saasbot  # noqa: F401  # registers every page
from saasbot import routes
from saasbot.components.consent import accept_terms_label, prose
from saasbot.domain.actor import Actor
from saasbot.domain.consent.texts import write_text
from saasbot.infra.db import unit_of_work
from saasbot.pages.registry import PAGES
from saasbot.realtime.hub import hub
from saasbot.realtime.watches import Changes, Reading
from saasbot.state.consent import ConsentState
from saasbot.state.consent_text import ConsentTextState
from saasbot.state.data import DataState
from saasbot.state.reader import Reader
from saasbot.state.terms import terms_in
from saasbot.state.thread import ThreadState
from saasbot.state.thread_look import ThreadLook
from tests.attack.belongings import belongings_of
from tests.gate.tab import PASS, Tab
from tests.gate.test_gate import cookie_of
from tests.privacy.test_pages import call, watch_of

ALICE, CHARLIE, BOB = "alice@sur.example", "charlie@sur.example", "bob@sur.example"


def test_the_text_of_the_terms_opens_beside_the_form_and_stands_on_its_page():
    label = str(accept_terms_label())
    assert '"/terms"' in label and '"_blank"' in label and '"noopener"' in label
    (page,) = [page for page in PAGES if page.route == routes.TERMS]
    assert list(page.on_load) == [] and routes.TERMS in routes.PUBLIC
    shown = str(page.draw())
    for locale in ("es", "en"):
        assert all(json.dumps(text) in shown for kind, text in terms_in(locale) if kind != "title")
    assert (
        str(prose([("title", "T"), ("heading", "H"), ("item", "a"), ("item", "b"), ("paragraph", "P")])).count("li") > 1
    )


async def test_the_panel_shows_what_was_noted_and_follows(alice: Actor, bob: Actor):
    hers = await belongings_of(alice)
    tab = Tab((await cookie_of(BOB))[0])
    tab.open(f"/inbox/{hers.conversation_id}", route="/inbox/[conversation_id]")
    thread, state = await tab.state(ThreadState), await tab.state(ConsentState)
    await thread._look_at(ThreadLook(hers.conversation_id, Reader.of(bob, "en"), socket=""), anew=True)
    row = thread.context.consent
    assert (row.state, row.is_old) == ("given", False)
    assert row.facts.endswith(" · built-in text · noted by Alice")
    watch, here = watch_of(tab, "thread"), str(hers.conversation_id)
    assert f"consent:{here}" in watch.topics

    await call(state, "withdraw", here)
    watch.show(thread, await watch.load(bob, Changes(everything=True), Reading()))
    assert thread.context.consent.state == "withdrawn"
    await call(state, "ask", here)
    assert state.asking == here and "Zapatería Sur" in state.text and state.text_name == "built-in text"
    state.event_handlers["leave"].fn(state)
    assert state.asking == ""
    hub.forget(tab.token)


async def test_what_is_noted_is_the_text_on_screen_or_nothing(alice: Actor, bob: Actor):
    hers = await belongings_of(alice)
    here = str(hers.conversation_id)
    state = await Tab((await cookie_of(BOB))[0]).state(ConsentState)
    await call(state, "ask", here)
    async with unit_of_work(alice):
        await write_text(alice, "Another text")
    assert "The text is another one by now" in str(await call(state, "note", here))
    assert (state.asking, state.text, state.text_name) == (here, "Another text", "text v1")
    assert "Their consent is noted" in str(await call(state, "note", here))
    assert state.asking == ""


@pytest.mark.usefixtures("alice")
async def test_an_administrator_writes_the_text_and_sees_nothing_of_the_copies(charlie: Actor):
    tab = Tab((await cookie_of(CHARLIE))[0])
    state, copies = await tab.state(ConsentTextState), await tab.state(DataState)
    for handler in (ConsentTextState.event_handlers["load"], DataState.event_handlers["load"]):
        assert await tab.send(handler) == PASS
    await call(state, "load")
    await call(copies, "load")
    assert state.loaded and "built-in text" in state.facts and copies.loaded and copies.exports == []
    await call(state, "save", {"consent_text": " "})
    assert state.error and state.version == 0
    assert "Version 1 counts" in str(await call(state, "save", {"consent_text": "Ours"}))
    assert (state.version, state.text, state.error) == (1, "Ours", "")
    assert state.facts.startswith("Version 1 counts · ") and state.facts.endswith(" · Charlie")
    assert "no new version" in str(await call(state, "save", {"consent_text": "Ours"}))
    hub.forget(tab.token)
