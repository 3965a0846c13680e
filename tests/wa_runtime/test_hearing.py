"""A number that is connected and hears nothing: found by asking, and connected anew."""

import time

from saasbot.wa_runtime.protobufs import MESSAGE
from tests.fixtures.simulator import until
from tests.wa_runtime.conftest import Customer, Link, Start
from tests.wire_lab import WireLab


async def test_a_number_that_hears_nothing_is_found_and_healed(
    start: Start, link: Link, lab: WireLab, customer: Customer
):
    linked = await link()
    number = await start("hold", linked.device_jid, QUIET_SECONDS="3", ANSWER_SECONDS="2")
    await number.until("state", status="open")
    here = len(number.said)
    began = time.monotonic()
    await lab.silence(linked.phone)
    await number.until("state", here, status="deaf", reason="unheard")
    await number.until("state", here, status="open")
    assert time.monotonic() - began < 20
    await lab.deliver("¿me lees?", phone=linked.phone, **vars(customer))
    await number.until("journal", here, code=MESSAGE)
    await number.end()


async def test_a_send_that_nobody_acknowledges_makes_it_ask_at_once(
    start: Start, link: Link, lab: WireLab, customer: Customer
):
    linked = await link()
    number = await start("hold", linked.device_jid, SEND_SECONDS="1", ANSWER_SECONDS="2")
    await number.until("state", status="open")
    await lab.deliver("hola", phone=linked.phone, **vars(customer))
    await number.until("journal", code=MESSAGE)
    await number.do("send", to=customer.chat, text="uno")
    here = len(number.said)
    await lab.silence(linked.phone)
    assert (await number.do("send", to=customer.chat, text="dos"))["error"] == "SendUnknown"
    await number.until("state", here, status="deaf", reason="unheard")
    await number.until("state", here, status="open")
    await number.end()


async def test_a_quiet_number_that_answers_stays_open(start: Start, link: Link, lab: WireLab):
    linked = await link()
    number = await start("hold", linked.device_jid, QUIET_SECONDS="0.5", ANSWER_SECONDS="2")
    await number.until("state", status="open")
    here = len(number.said)

    async def asked_three_times() -> bool:
        stanzas = (await lab.command("stanzas", phone=linked.phone, tag="iq"))["stanzas"]
        return sum("blocklist" in stanza for stanza in stanzas) >= 3

    await until(asked_three_times, "three questions")
    assert number.states(here) == []
    await number.end()
