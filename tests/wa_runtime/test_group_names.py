"""What a group is called is asked of WhatsApp, and not with every message."""

import pytest

from saasbot.wa_runtime import group_names
from saasbot.wa_runtime.group_names import GroupNames
from saasbot.wa_runtime.transport import NotConnected, Wiring
from tests.fixtures.numbers import ScriptedTransport, ref_of
from tests.fixtures.shops import Shop
from tests.inbox.heard import hears, rows
from tests.inbox.test_groups import CHAT, said


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(group_names, "time", clock)
    return clock


def number_of(shop: Shop) -> ScriptedTransport:
    nothing = Wiring(journal=None, on_state=lambda _: None, on_typing=lambda _: None)  # type: ignore[arg-type]
    return ScriptedTransport(ref_of(shop.channel), nothing)


async def name_of(shop: Shop) -> str:
    (contact,) = await rows(shop, "contact")
    return contact["name"]


async def test_a_known_name_is_asked_again_after_half_a_day(shop: Shop, clock: Clock) -> None:
    await hears(shop, said("Hola", wa_id="A"))
    number, names = number_of(shop), GroupNames(shop.system)
    number.group_names[CHAT] = "Feria"
    await names.ask(CHAT, number)
    assert await name_of(shop) == "Feria"
    number.group_names[CHAT] = "Feria del barrio"
    clock.now += 11 * 3600
    await names.ask(CHAT, number)
    assert (await name_of(shop), len(number.asked_names)) == ("Feria", 1)
    clock.now += 2 * 3600
    await names.ask(CHAT, number)
    assert await name_of(shop) == "Feria del barrio"


async def test_an_unknown_name_is_asked_again_after_a_minute(shop: Shop, clock: Clock) -> None:
    await hears(shop, said("Hola", wa_id="A"))
    number, names = number_of(shop), GroupNames(shop.system)
    await names.ask(CHAT, number)
    await names.ask(CHAT, number)
    assert (await name_of(shop), number.asked_names) == ("", [CHAT])
    number.group_names[CHAT] = "Feria"
    clock.now += 61
    await names.ask(CHAT, number)
    assert await name_of(shop) == "Feria"


async def test_what_could_not_be_asked_is_asked_later(
    shop: Shop, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hears(shop, said("Hola", wa_id="A"))
    number, names = number_of(shop), GroupNames(shop.system)

    async def gone(_chat: str) -> str:
        raise NotConnected

    with monkeypatch.context() as away:
        away.setattr(number, "group_name", gone)
        with pytest.raises(NotConnected):
            await names.ask(CHAT, number)
    number.group_names[CHAT] = "Feria"
    clock.now += 61
    await names.ask(CHAT, number)
    assert await name_of(shop) == "Feria"
