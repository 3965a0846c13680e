"""While the database is away a tab waits for it instead of staying empty."""

import pytest
from sqlalchemy.exc import InterfaceError

from saasbot.state import patience
from saasbot.state.patience import patient, until_up

AWAY = InterfaceError("the connection is closed", None, Exception())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_PAUSE_SECONDS", 0.001)


class Page:
    def __init__(self, *outcomes: BaseException | str) -> None:
        self.outcomes = list(outcomes)

    @patient
    async def load(self) -> str:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


async def test_a_page_is_loaded_once_the_database_is_back():
    page = Page(AWAY, OSError("no route"), "shown")
    assert await page.load() == "shown"
    assert page.outcomes == []


async def test_what_is_no_outage_is_raised_at_once():
    page = Page(ValueError("ours"), "never asked")
    with pytest.raises(ValueError, match="ours"):
        await page.load()
    assert page.outcomes == ["never asked"]


async def test_patience_ends(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.02)
    asked = []

    async def ask() -> None:
        asked.append(1)
        raise AWAY

    with pytest.raises(InterfaceError):
        await until_up(ask)
    assert len(asked) > 1
