"""WhatsApp refuses a login: the number says why, and says it before anything can come between."""

import pytest

from tests.wa_runtime.conftest import Link, Start
from tests.wire_lab import WireLab

FOR_GOOD = {
    401: ("logged_out", "device_removed"),
    403: ("banned", "account_locked"),
    405: ("failed", "client_outdated"),
    406: ("banned", "banned"),
    409: ("failed", "client_outdated"),
}


@pytest.mark.parametrize("code", FOR_GOOD)
async def test_a_login_that_is_refused_for_good_says_why(start: Start, link: Link, lab: WireLab, code: int):
    linked = await link()
    await lab.refuse(code)
    number = await start("hold", linked.device_jid)
    status, reason = FOR_GOOD[code]
    await number.until("state", status=status, reason=reason, fatal=True)
    await number.do("close")
    assert number.states() == [("starting", None), (status, reason)]


@pytest.mark.parametrize("code", FOR_GOOD)
async def test_a_reconnect_that_is_refused_for_good_says_why_before_the_client_is_taken_down(
    start: Start, link: Link, lab: WireLab, code: int
):
    linked = await link()
    number = await start("hold", linked.device_jid, CLOSE_LATE="0.5")
    await number.until("state", status="open")
    await lab.refuse(code)
    await lab.kick(linked.phone)
    await number.until("closed")
    said = [item.get("reason", item["kind"]) for item in number.said if item["kind"] in ("state", "closing")]
    assert said[-2:] == [FOR_GOOD[code][1], "closing"]
    assert number.states()[-1] == FOR_GOOD[code]


async def test_a_server_that_is_unwell_is_tried_again(start: Start, link: Link, lab: WireLab):
    linked = await link()
    await lab.refuse(503)
    number = await start("hold", linked.device_jid)
    await number.until("state", status="open")
    here = len(number.said)
    await lab.refuse(503)
    await lab.kick(linked.phone)
    await number.until("state", here, status="open")
    assert number.states(here) == [("reconnecting", "connection_lost"), ("open", None)]


@pytest.mark.parametrize("command", ["close", "reconnect"])
async def test_a_session_that_ends_while_its_client_is_taken_down_says_why(
    start: Start, link: Link, lab: WireLab, command: str
):
    linked = await link()
    number = await start("hold", linked.device_jid, CLOSE_LATE="3")
    await number.until("state", status="open")
    number.tell(command, proxy=None)
    await number.until("closing")
    await lab.refuse(401)
    await lab.kick(linked.phone)
    await number.until("state", status="logged_out", fatal=True)
    await number.until("closed")
    assert number.states()[-1] == ("logged_out", "device_removed")
