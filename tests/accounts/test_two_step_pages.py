"""The pages of the second step, without a browser: what a tab is shown, what it is sent to, and what it never holds."""

import inspect
import json
import re
from typing import Any

import pytest
from reflex.state import State

import saasbot.saasbot  # noqa: F401  # registers every page and state
from saasbot.domain import accounts
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import find_account
from saasbot.infra import totp
from saasbot.infra.db import platform_unit_of_work, sql
from saasbot.models import Role
from saasbot.models.table import utcnow
from saasbot.state.auth import AuthState
from saasbot.state.security import SecurityState
from saasbot.state.session import SessionState
from saasbot.state.two_step import TwoStepState
from tests.accounts.test_resets import own_mail_folder
from tests.accounts.test_sessions import session_of
from tests.attack.attempts import attempt
from tests.gate.tab import PASS, Tab
from tests.gate.test_gate import cookie_of
from tests.people import PASSWORD, fresh_code, give_second_factor, make_colleague

__all__ = ["own_mail_folder"]

ALICE = "alice@sur.example"
TICKET = re.compile(r"/auth/complete\?ticket=([\w-]+)")


async def do(tab: Tab, state: type[Any], handler: str, **payload: Any) -> str:
    """The event passes the guard and runs; what the tab is answered, as text."""
    assert await tab.send(state.event_handlers[handler], **payload) == PASS
    result = state.event_handlers[handler].fn(await tab.state(state), **payload)
    if inspect.isasyncgen(result):
        return str([str(answer) async for answer in result])
    return str(await result if inspect.isawaitable(result) else result)


async def password(tab: Tab, email: str = ALICE) -> str:
    return await do(tab, AuthState, "sign_in", form={"email": email, "password": PASSWORD})


async def shown(tab: Tab) -> Any:
    return await tab.state(TwoStepState)


def held(tab: Tab) -> str:
    """All that the browser may be sent of the tab's state."""
    return json.dumps(tab.root.dict(), default=str)


@pytest.fixture
async def codes(alice: Actor, own_mail_folder: object) -> list[str]:
    found = await find_account(ALICE)
    assert found is not None
    return await give_second_factor(found[0])


async def test_the_password_leads_to_the_second_step_and_the_code_to_the_session(alice: Actor, codes: list[str]):
    tab = Tab()
    answer = await password(tab)
    assert "/two-step" in answer
    assert not TICKET.search(answer)
    state = await shown(tab)
    assert state.waiting
    assert len(state._attempt) > 30
    assert state._attempt not in held(tab), "the attempt stays on the server"

    assert "login" not in await do(tab, TwoStepState, "begin")
    await do(tab, TwoStepState, "check", form={"code": " "})
    assert state.error == "Fill in this field."
    assert not TICKET.search(await do(tab, TwoStepState, "check", form={"code": "000000"}))
    assert state.error == "That code is not right, or it was used already."
    ticket = TICKET.search(await do(tab, TwoStepState, "check", form={"code": await fresh_code(alice.user_id)}))
    assert ticket
    assert await accounts.signed_in(await accounts.start_session(ticket[1], network="", user_agent=""))
    assert (state._attempt, state.waiting) == ("", False)


@attempt(245, "state", "The token of a tab whose sign-in waits for its second step is taken to another network.")
@pytest.mark.parametrize("ip", ["203.0.113.9", "2001:db8::1"])
async def test_a_sign_in_that_is_half_done_is_not_gone_on_with_from_elsewhere(alice: Actor, codes: list[str], ip: str):
    tab = Tab()
    await password(tab)
    assert (await shown(tab))._attempt
    tab.reconnect("", ip=ip)
    assert not TICKET.search(await do(tab, TwoStepState, "check", form={"code": codes[0]}))
    state = await shown(tab)
    assert (state._attempt, state.waiting, state.over) == ("", False, True)
    tab.reconnect("")
    assert await tab.send(State.event_handlers["hydrate"]) == PASS
    assert (await shown(tab))._attempt == ""


async def test_from_the_same_network_it_goes_on_and_its_session_is_shown(alice: Actor, codes: list[str]):
    tab = Tab()
    await password(tab)
    tab.reconnect("")
    assert "login" not in await do(tab, TwoStepState, "begin")
    ticket = TICKET.search(await do(tab, TwoStepState, "check", form={"code": codes[0]}))
    assert ticket
    (await shown(tab)).notice = "of this tab"
    token = await accounts.start_session(ticket[1], network="", user_agent="")
    for ip in ("127.0.0.1", "203.0.113.9"):  # whoever is signed in moves about
        tab.reconnect(token, ip=ip)
        tab.open("/two-step")
        assert await tab.send(State.event_handlers["hydrate"]) == PASS
        assert (await tab.state(SessionState)).user_name == "Alice"
        assert (await shown(tab)).notice == "of this tab"
    await accounts.sign_out(token)
    assert await tab.send(State.event_handlers["hydrate"]) == PASS
    assert (await shown(tab)).notice == ""


async def test_a_recovery_code_does_it_too(codes: list[str]):
    tab = Tab()
    await password(tab)
    await do(tab, TwoStepState, "use_recovery_code", wanted=True)
    assert (await shown(tab)).recovery
    assert TICKET.search(await do(tab, TwoStepState, "check", form={"code": codes[0]}))


async def test_a_mail_is_asked_for_once_a_minute(codes: list[str]):
    tab = Tab()
    await password(tab)
    await do(tab, TwoStepState, "mail_code")
    state = await shown(tab)
    assert (state.mail_seconds, state.mail_number, state.error) == (60, 1, "")
    assert "mailbox" in state.notice
    await do(tab, TwoStepState, "mail_again")
    await do(tab, TwoStepState, "mail_code")
    assert "Ask for another in" in state.error
    assert 50 <= state.mail_seconds <= 60


async def test_after_the_last_try_the_page_says_that_it_is_over(codes: list[str]):
    tab = Tab()
    await password(tab)
    state = await shown(tab)
    for _ in range(5):
        assert not state.over
        await do(tab, TwoStepState, "check", form={"code": "000000"})
    assert (state.over, state.waiting, state._attempt) == (True, False, "")


async def test_without_a_password_the_page_leads_to_the_sign_in(app_db: object):
    tab = Tab()
    assert "/login" in await do(tab, TwoStepState, "begin")
    for handler, payload in (("check", {"form": {"code": "123456"}}), ("mail_code", {}), ("enter", {})):
        assert not TICKET.search(await do(tab, TwoStepState, handler, **payload))
        assert (await shown(tab)).over, handler


async def test_an_administrator_sets_it_up_and_takes_the_recovery_codes_first(alice: Actor, own_mail_folder: object):
    await make_colleague(alice, "Dora", Role.AGENT, email="dora@sur.example")
    async with platform_unit_of_work("a test"):
        await sql("UPDATE membership SET role = 'admin' WHERE role = 'agent'")
    tab = Tab()
    assert "/two-step" in await password(tab, "dora@sur.example")
    assert not TICKET.search(await do(tab, TwoStepState, "enter")), "nothing before the app is confirmed"

    await password(tab, "dora@sur.example")
    await do(tab, TwoStepState, "begin")
    state = await shown(tab)
    assert state.enrols
    assert state.app.qr.startswith("data:image/png;base64,")
    code = totp.code_at(state.app.text.replace(" ", ""), int(utcnow().timestamp()) // 30)
    assert not TICKET.search(await do(tab, TwoStepState, "check", form={"code": code}))
    taken = list(state.recovery_codes)
    assert (len(taken), state.app.text) == (10, "")
    ticket = TICKET.search(await do(tab, TwoStepState, "enter"))
    assert ticket
    assert taken[0] not in held(tab), "they are shown once"
    session = await accounts.signed_in(await accounts.start_session(ticket[1], network="", user_agent=""))
    assert session is not None
    assert session.actor.role == Role.ADMIN


async def test_the_settings_turn_it_on_and_off(alice: Actor, own_mail_folder: object):
    tab = Tab((await cookie_of(ALICE))[0])
    await do(tab, SecurityState, "load")
    state = await tab.state(SecurityState)
    assert (state.loaded, state.enrolled) == (True, False)
    await do(tab, SecurityState, "ask", what="on")
    await do(tab, SecurityState, "begin", form={"own_password": "not the password"})
    assert (state.password_error, state.app.text) == ("That is not your password.", "")
    await do(tab, SecurityState, "begin", form={"own_password": PASSWORD})
    secret = state.app.text
    await do(tab, SecurityState, "load")
    assert secret not in held(tab), "what was not confirmed is gone with the visit"
    await do(tab, SecurityState, "begin", form={"own_password": PASSWORD})
    await do(tab, SecurityState, "confirm", form={"code": "000000"})
    assert state.code_error
    code = totp.code_at(state.app.text.replace(" ", ""), int(utcnow().timestamp()) // 30)
    await do(tab, SecurityState, "confirm", form={"code": code})
    assert (state.enrolled, state.codes_left, len(state.recovery_codes)) == (True, 10, 10)
    first, second, *_ = state.recovery_codes
    await do(tab, SecurityState, "hide_codes")
    assert first not in held(tab)

    await do(tab, SecurityState, "ask", what="codes")
    await do(tab, SecurityState, "prove", form={"own_password": "not the password", "own_code": first})
    assert (state.password_error, state.own_code_error) == ("That is not your password.", "")
    await do(tab, SecurityState, "prove", form={"own_password": PASSWORD, "own_code": "000000"})
    assert (state.password_error, state.own_code_error) == (
        "",
        "That code is not right, or it was used already.",
    )
    await do(tab, SecurityState, "prove", form={"own_password": PASSWORD, "own_code": first})
    assert len(state.recovery_codes) == 10
    assert second not in state.recovery_codes
    (code, *_) = state.recovery_codes
    await do(tab, SecurityState, "hide_codes")
    await do(tab, SecurityState, "ask", what="off")
    await do(tab, SecurityState, "prove", form={"own_password": PASSWORD, "own_code": code})
    assert (state.enrolled, state.asking) == (False, "")


async def test_the_settings_replace_the_app(alice: Actor, codes: list[str]):
    tab, other = Tab((await cookie_of(ALICE))[0]), await session_of()
    await do(tab, SecurityState, "load")
    state = await tab.state(SecurityState)
    assert len(state.sessions) == 2
    await do(tab, SecurityState, "ask", what="app")
    await do(tab, SecurityState, "prove", form={"own_password": PASSWORD, "own_code": codes[0]})
    secret, first = state.app.text, codes[1]
    assert (state.asking, state.enrolled, bool(secret)) == ("", True, True)
    code = totp.code_at(secret.replace(" ", ""), int(utcnow().timestamp()) // 30)
    await do(tab, SecurityState, "confirm", form={"code": code})
    assert (state.codes_left, len(state.recovery_codes), len(state.sessions)) == (10, 10, 1)
    assert first not in state.recovery_codes
    assert secret not in held(tab)
    assert await accounts.signed_in(other) is None


async def test_the_settings_show_sessions_and_end_them(alice: Actor):
    tab, other = Tab((await cookie_of(ALICE))[0]), await session_of()
    await do(tab, SecurityState, "load")
    state = await tab.state(SecurityState)
    assert [row.current for row in state.sessions] == [True, False]
    assert state.sessions[0].where.endswith("now")
    await do(tab, SecurityState, "end_session", session_id=state.sessions[1].id)
    assert await accounts.signed_in(other) is None
    third = await session_of()
    await do(tab, SecurityState, "end_others")
    assert await accounts.signed_in(third) is None
    assert [row.current for row in state.sessions] == [True]
