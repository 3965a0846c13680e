"""A number that is connected and hears nothing: found by asking, and connected anew."""

import asyncio
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

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


async def test_one_late_ping_is_no_deafness_when_whatsapp_answers(start: Start, link: Link, lab: WireLab):
    linked = await link()
    number = await start("hold", linked.device_jid, ANSWER_SECONDS="5")
    await number.until("state", status="open")
    here = len(number.said)
    await number.do("late_ping", answered_at=int(time.time()) - 30)
    await until(lambda: _asked(lab, linked.phone, times=1), "the question")
    await number.do("late_ping", answered_at=int(time.time()))  # the first question was answered: it asks once more
    await until(lambda: _asked(lab, linked.phone, times=2), "another question")
    assert number.states(here) == []
    await number.end()


async def test_a_late_ping_on_a_dead_socket_is_deafness_since_the_last_that_was_answered(
    start: Start, link: Link, lab: WireLab
):
    linked = await link()
    number = await start("hold", linked.device_jid, ANSWER_SECONDS="3")
    await number.until("state", status="open")
    await asyncio.sleep(2)  # a time in which nothing is heard and, it says, its pings were answered
    here, answered_at = len(number.said), int(time.time())
    await lab.silence(linked.phone)
    await number.do("late_ping", answered_at=answered_at)
    deaf = await number.until("state", here, status="deaf", reason="unheard")
    assert datetime.fromisoformat(deaf["heard_at"]) == datetime.fromtimestamp(answered_at, UTC)
    await number.until("state", here, status="open")
    await number.end()


async def test_deafness_begins_with_the_last_question_that_was_answered(start: Start, link: Link, lab: WireLab):
    linked = await link()
    number = await start("hold", linked.device_jid, QUIET_SECONDS="1", ANSWER_SECONDS="3")
    await number.until("state", status="open")
    opened_at = datetime.now(UTC)
    await until(lambda: _asked(lab, linked.phone, times=3), "three questions")
    await lab.silence(linked.phone)
    deaf = await number.until("state", status="deaf")
    assert datetime.fromisoformat(deaf["heard_at"]) > opened_at + timedelta(seconds=1.5)
    await number.end()


async def test_a_question_that_waits_for_a_neighbours_handshake_is_not_unanswered(
    start: Start, link: Link, lab: WireLab
):
    linked = await link()
    number = await start("hold", linked.device_jid, ANSWER_SECONDS="3")
    await number.until("state", status="open")
    here = len(number.said)
    keeping = number.tell("keep_gate", seconds=6)
    await number.do("late_ping", answered_at=int(time.time()))
    await number.until("answer", n=keeping)
    await until(lambda: _asked(lab, linked.phone, times=1), "the question")
    await lab.silence(linked.phone)  # asked again, the time for the answer is what it was
    await number.do("late_ping", answered_at=int(time.time()))
    await number.until("state", here, status="deaf")
    assert number.states(here) == [("deaf", "unheard")]
    await number.end()


async def test_a_number_that_cannot_even_ask_is_deaf_and_what_it_could_not_send_is_sent_later(
    start: Start, link: Link, lab: WireLab, customer: Customer
):
    linked = await link()
    number = await start("hold", linked.device_jid, PASS_SECONDS="1")
    await number.until("state", status="open")
    await lab.deliver("hola", phone=linked.phone, **vars(customer))
    await number.until("journal", code=MESSAGE)
    here = len(number.said)
    number.tell("keep_gate", seconds=8)
    assert (await number.do("send", to=customer.chat, text="uno"))["error"] == "SendBusy"
    await number.do("late_ping", answered_at=int(time.time()))
    await number.until("state", here, status="deaf", reason="unheard")
    await number.until("state", here, status="open")
    await number.do("send", to=customer.chat, text="dos")
    sent = [message["text"] for message in await lab.sent(linked.phone) if message["to"] == customer.sender]
    assert sent == ["dos"]  # not what was given up
    await number.end()


async def test_a_calm_number_that_somebody_writes_to_is_calm_no_more(
    start: Start, link: Link, lab: WireLab, customer: Customer
):
    linked = await link()
    number = await start(
        "hold", linked.device_jid, QUIET_SECONDS="1", CALM_AFTER_SECONDS="2.5", CALM_SECONDS="60", ANSWER_SECONDS="5"
    )
    await number.until("state", status="open")
    await until(lambda: _asked(lab, linked.phone, times=2), "the last questions before it is calm")
    await asyncio.sleep(3)
    asked = await _questions(lab, linked.phone)
    await lab.deliver("hola", phone=linked.phone, **vars(customer))
    await number.until("journal", code=MESSAGE)
    await until(lambda: _asked(lab, linked.phone, times=asked + 1), "a question soon after it has heard something")
    await number.end()


async def test_a_quiet_number_that_answers_stays_open(start: Start, link: Link, lab: WireLab):
    linked = await link()
    number = await start("hold", linked.device_jid, QUIET_SECONDS="0.5", ANSWER_SECONDS="2")
    await number.until("state", status="open")
    here = len(number.said)
    await until(lambda: _asked(lab, linked.phone, times=3), "three questions")
    assert number.states(here) == []
    await number.end()


async def _asked(lab: WireLab, phone: str, *, times: int) -> bool:
    return await _questions(lab, phone) >= times


async def _questions(lab: WireLab, phone: str) -> int:
    stanzas = (await lab.command("stanzas", phone=phone, tag="iq"))["stanzas"]
    return sum("blocklist" in stanza for stanza in stanzas)


UNASKABLE = """
import asyncio
from uuid import UUID
from saasbot.wa_runtime.neonize_connection import UNHEARD, Connection
from saasbot.wa_runtime.neonize_gate import Gate
from saasbot.wa_runtime.transport import NumberRef, Wiring

class Unaskable:
    async def until_deaf(self):
        raise ValueError("a fault of the library's wrapper")

async def main():
    number = NumberRef(UUID(int=1), UUID(int=2))
    connection = Connection(number, Wiring(None, print, print), "postgresql://nobody", Gate())
    await connection._listen(Unaskable())
    print(connection._signals.get_nowait() == UNHEARD)

asyncio.run(main())
"""


def test_a_question_that_cannot_be_asked_counts_as_unheard():
    done = subprocess.run([sys.executable, "-c", UNASKABLE], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1:] == ["True"], done.stderr
    assert "neonize.not_asked" in done.stdout + done.stderr
