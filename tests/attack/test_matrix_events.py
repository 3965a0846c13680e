"""Every kind of person of either company calls every event handler, with the ids of the other company's things.

They are told what somebody is told who names things that do not exist at all, nothing of the other company changes, and the
audit trail has the attempt.
"""

import json
import re
from typing import Any

from sqlalchemy.engine import make_url

from saasbot.infra.postgres import ClusterInfo
from saasbot.infra.roles import DatabaseUrls
from saasbot.models import Role
from saasbot.pages.registry import PAGES
from saasbot.realtime.hub import hub
from tests.attack.attempts import attempt
from tests.attack.belongings import Belongings
from tests.attack.sides import ACTORS, ANONYMOUS, HAS_TRAIL, Attacker, absent, same_ids, two_sides
from tests.attack.test_events import EVERY, HANDLERS, HELD, Handler, ids_of, payload_of, run
from tests.gate.tab import PASS, Tab
from tests.gate.test_guard_sessions import is_redirect_to_login, texts

NOT_THERE, NOT_ALLOWED = "That does not exist or is not yours.", "Your role does not allow this."

PAGES_WITH_IDS = {
    handler.fn.__qualname__.partition(".")[0]: page.route
    for page in PAGES
    if "[" in page.route
    for handler in page.on_load
}
"""By state: the page on which it reads an id from the address."""


@attempt(61, "tenancy", "Every person of both companies calls every event with the ids of the other company.")
async def test_ids_of_another_company_are_ids_of_nothing(app_db: DatabaseUrls, cluster: ClusterInfo):
    wrong: list[str] = []
    told: dict[str, set[str]] = {}
    async with two_sides(cluster.superuser_url(make_url(app_db.owner).database or "")) as attackers:
        for attacker in attackers:
            before = attacker.victim.rows.digest()
            for handler in HANDLERS:
                problem, answer = await attack(attacker, handler)
                if attacker.victim.rows.digest() != before:
                    problem = problem or "changed what is not theirs"
                    before = attacker.victim.rows.digest()
                if problem:
                    wrong.append(f"{attacker}: {handler.short}: {problem}")
                told.setdefault(attacker.kind, set()).add("not there" if NOT_THERE in answer else "other")
                if NOT_THERE in answer:
                    told[attacker.kind].add(handler.short)
    assert wrong == [], "\n".join(wrong)
    assert told.keys() == set(ACTORS)
    assert len(told[Role.OWNER]) > 25, "the owner's attempts reach the things, and these are not there"
    assert {"BotState.save", "ThreadState.take_over", "CatalogueState.delete"} <= told[Role.OWNER]


async def attack(attacker: Attacker, handler: Handler) -> tuple[str, str]:
    """What is wrong, if anything, and what the attacker was answered."""
    things, cookie, traces = attacker.victim.things, await attacker.cookie(), attacker.traces()
    answer, shown = await call(cookie, handler, things)
    if attacker.victim.mark in answer + shown:
        return "shows what is not theirs", answer
    if attacker.kind == ANONYMOUS:
        return ("" if answer == "to the sign-in" else f"anonymous: {answer}"), answer
    if HAS_TRAIL and (NOT_THERE in answer or NOT_ALLOWED in answer) and attacker.traces() == traces:
        return "no trace in the audit trail", answer
    if attacker.compares and shown and names_things(handler, things):
        other = await call(cookie, handler, absent(things))
        if (
            answer,
            shown,
        ) != other:  # a minute may have passed on the page meanwhile: once more, one right after the other
            (answer, shown), other = await call(cookie, handler, things), await call(cookie, handler, absent(things))
        if (answer, shown) != other:
            return f"differs from what is not there: {difference(answer + shown, ''.join(other))}", answer
    return "", answer


async def call(cookie: str, handler: Handler, things: Belongings) -> tuple[str, str]:
    """What the browser is told, and what it is shown then (nothing, when the guard let nothing pass): ids by their names, so
    that two attempts can be compared."""
    tab = Tab(cookie)
    tab.open(address(handler, things), route=PAGES_WITH_IDS.get(handler.state.__name__, ""))
    payload = payload_of(handler, ids_of(things, handler))
    answer = await tab.send(None, handler.name, **payload)
    if answer != PASS:
        return ("to the sign-in" if is_redirect_to_login(answer) else texts(answer)), ""
    state = await tab.state(handler.state)
    HELD.get(handler.state.__name__, lambda *_: None)(state, things)
    try:
        told = str(await run(handler, state, payload))
    except Exception as error:  # noqa: BLE001  # told at the end with the others
        told = f"broke: {error!r}"
    finally:
        hub.forget(tab.token)
    told = re.sub(r" at 0x[0-9a-f]+", "", told)
    shown = json.dumps([view(of) for of in tab.root.dict().values()], default=str).replace(tab.token, "<tab>")
    return same_ids(told, things), same_ids(shown, things)


def view(held: dict[str, Any]) -> dict[str, Any]:
    """What a state shows, without what the browser itself sent with its socket."""
    return {name: value for name, value in held.items() if not name.startswith("rx_router")}


def address(handler: Handler, things: Belongings) -> str:
    """Where the tab stands: at the victim's thing, when the handler reads an id from there."""
    route = PAGES_WITH_IDS.get(handler.state.__name__, "/")
    return re.sub(r"\[(\w+)\]", lambda found: things.path_ids()[found[1]], route)


def names_things(handler: Handler, things: Belongings) -> bool:
    """Whether an id reaches the handler: as an argument, in a var that the tab holds, or in the address of the page."""
    named = payload_of(handler, ids_of(things, handler)) != payload_of(handler, ids_of(absent(things), handler))
    return named or handler.state.__name__ in HELD or handler.state.__name__ in PAGES_WITH_IDS


def difference(one: str, other: str) -> str:
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    return f"…{one[max(at - 60, 0) : at + 200]}… / …{other[max(at - 60, 0) : at + 200]}…"


def test_every_page_with_an_id_in_its_address_is_attacked():
    assert {"BotState", "ThreadState"} <= PAGES_WITH_IDS.keys()


def test_what_anybody_may_call_takes_no_id():
    """So that it is not in the matrix."""
    public = [found for found in EVERY if not found.policy.signed_in]
    assert public
    assert [found.short for found in public if any("id" in name.split("_") for name in found.arguments)] == []
    assert [found.short for found in public if found.state.__name__ in HELD.keys() | PAGES_WITH_IDS.keys()] == []
