"""One Chromium a module; a fresh context a person."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.fixtures.browser import FLAGS, executable

expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Not one for the session: while Playwright's synchronous API is open, no asyncio test can run in this thread."""
    with sync_playwright() as playwright:
        path = executable(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def new_person(chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """A function: a browser with nothing in it, in a language."""
    made: list[BrowserContext] = []

    def make(locale: str = "es-AR", **options: object) -> BrowserContext:
        context = chromium.new_context(locale=locale, viewport={"width": 1440, "height": 900}, **options)  # type: ignore[arg-type]
        context.set_default_timeout(20_000)
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()
