"""What the page of a thread says beside its messages, without a browser."""

import saasbot.saasbot  # noqa: F401  # registers every page
from saasbot.domain import channels
from saasbot.domain.actor import Actor
from saasbot.infra.db import unit_of_work
from saasbot.realtime.hub import hub
from saasbot.realtime.watches import Changes, Reading
from saasbot.state.reader import Reader
from saasbot.state.thread import ThreadState
from saasbot.state.thread_look import ThreadLook
from tests.attack.belongings import belongings_of
from tests.gate.tab import Tab
from tests.gate.test_gate import cookie_of
from tests.privacy.test_pages import watch_of


async def test_a_thread_says_that_its_number_does_not_send(alice: Actor, bob: Actor) -> None:
    hers = await belongings_of(alice)
    tab = Tab((await cookie_of("bob@sur.example"))[0])
    tab.open(f"/inbox/{hers.conversation_id}", route="/inbox/[conversation_id]")
    thread = await tab.state(ThreadState)
    await thread._look_at(ThreadLook(hers.conversation_id, Reader.of(bob, "en"), socket=""), anew=True)
    assert (thread.waits.split(":")[0], thread.gone) == ("This number is switched off", False)

    watch = watch_of(tab, "thread")
    for act, waits, gone in (
        (channels.connect, "", False),
        (channels.logout, "This number is not linked", False),
        (channels.delete_channel, "This number is not linked", True),
    ):
        async with unit_of_work(alice):
            await act(alice, hers.channel_id)
        watch.show(thread, await watch.load(bob, Changes(everything=True), Reading()))
        assert (thread.waits.split(":")[0], thread.gone) == (waits, gone), act
    hub.forget(tab.token)
