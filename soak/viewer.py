"""Somebody who keeps the inbox open in a browser through it all: at the end the page must show what the database says."""

import asyncio
from types import TracebackType
from typing import Any, LiteralString, Self

import psycopg
from playwright.async_api import Browser, Page, Playwright, async_playwright

from soak.world import PASSWORD, World, owner_of
from tests.fixtures.browser import CHROMIUM, FLAGS

_ROWS = """() => [...document.querySelectorAll('[data-testid=conversation-row]')]
    .map(row => [row.dataset.conversationId, Number(row.dataset.unread)])"""
_MESSAGES = """() => [...document.querySelectorAll('[data-testid=message]')]
    .map(row => [row.dataset.messageId, row.dataset.status])"""
_LIST: LiteralString = """
    SELECT c.id::text, c.unread FROM conversation c
    JOIN membership m ON m.company_id = c.company_id JOIN user_account u ON u.id = m.user_id
    WHERE u.email = %s ORDER BY c.last_activity_at DESC, c.id DESC LIMIT %s
"""
_THREAD: LiteralString = """
    SELECT id::text, status FROM (
        SELECT id, status, sort_at, seq FROM message WHERE conversation_id = %s::uuid AND type <> 'activity'
        ORDER BY sort_at DESC, seq DESC LIMIT %s) newest
    ORDER BY sort_at, seq
"""


class Viewer:
    """Signs in as the first company's owner and opens one conversation. `async with` it around the load."""

    def __init__(self, world: World) -> None:
        self._world, self._email = world, owner_of(0)
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._page: Page | None = None

    async def __aenter__(self) -> Self:
        self._playwright = await async_playwright().start()
        self._browser = await self._playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = self._page = await self._browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(60_000)
        await page.goto(f"{self._world.url}/login")
        await page.fill("#email", self._email)
        await page.fill("#password", PASSWORD)
        await page.click("#submit")
        await page.wait_for_url(lambda url: "/login" not in url)
        await page.goto(f"{self._world.url}/inbox")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._browser is not None:
            await self._browser.close()
        if self._playwright is not None:
            await self._playwright.stop()

    async def open_first(self) -> None:
        """Look at the newest conversation from now on. Waits until there is one."""
        assert self._page is not None
        await self._page.get_by_test_id("conversation-row").first.click()
        await self._page.wait_for_selector("[data-testid=message]")

    async def differences(self, dsn: str, *, patience: float = 30) -> list[str]:
        """What the page shows otherwise than the database, when nothing moves any more; the page gets a while to follow."""
        waited = 0.0
        while (found := await self._compare(dsn)) and waited < patience:
            await asyncio.sleep(0.5)
            waited += 0.5
        return found

    async def _compare(self, dsn: str) -> list[str]:
        assert self._page is not None
        rows: list[list[Any]] = await self._page.evaluate(_ROWS)
        messages: list[list[Any]] = await self._page.evaluate(_MESSAGES)
        conversation = self._page.url.rpartition("/")[2]
        kept_rows, kept_messages = await asyncio.to_thread(
            _read, dsn, self._email, conversation, len(rows), len(messages)
        )
        found = []
        if not rows or not messages:
            said = " ".join((await self._page.inner_text("body")).split())
            found.append(
                f"the page shows {len(rows)} conversations and {len(messages)} messages at {self._page.url}: {said[-400:]}"
            )
        if rows != kept_rows:
            found.append(f"the list shows {_first_difference(rows, kept_rows)}")
        if messages != kept_messages:
            found.append(f"the thread shows {_first_difference(messages, kept_messages)}")
        return found


def _read(dsn: str, email: str, conversation: str, rows: int, messages: int) -> tuple[list[list[Any]], list[list[Any]]]:
    with psycopg.connect(dsn) as connection:
        listed = connection.execute(_LIST, [email, rows]).fetchall()
        thread = connection.execute(_THREAD, [conversation, messages]).fetchall()
    return [list(row) for row in listed], [list(row) for row in thread]


def _first_difference(shown: list[list[Any]], kept: list[list[Any]]) -> str:
    for place, (left, right) in enumerate(zip(shown, kept, strict=False)):
        if left != right:
            return f"{left} in place {place}, the database has {right}"
    return f"{len(shown)} rows, the database has {len(kept)}"
