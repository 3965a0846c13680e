"""Addresses of pages, as people and tests see them."""

import httpx2
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

from saasbot import routes
from saasbot.api.page_paths import PagePaths


async def _seen(path: str) -> str:
    """The path that the app behind PagePaths is asked for."""

    async def echo(scope, receive, send) -> None:
        await PlainTextResponse(scope["path"])(scope, receive, send)

    transport = httpx2.ASGITransport(PagePaths(Starlette(routes=[Mount("/", app=echo)])))  # pyright: ignore[reportArgumentType]
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        return (await client.get(path)).text


async def test_a_page_is_served_without_a_redirect_to_its_folder() -> None:
    assert await _seen(routes.INBOX) == "/inbox/"


async def test_what_is_not_a_page_keeps_its_path() -> None:
    assert await _seen(routes.conversation("42")) == "/inbox/42"
    assert await _seen("/api/v1/health") == "/api/v1/health"
    assert await _seen(routes.AUTH_COMPLETE) == "/auth/complete"
    assert await _seen(routes.DASHBOARD) == "/"
