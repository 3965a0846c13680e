"""`/login` is served as `/login`: a built page is a folder, and a static server would redirect to `/login/`."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from saasbot import routes

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


class PagePaths:
    """ASGI: requests for a page reach the app with the slash its folder needs; addresses stay as people see them."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(
        self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        if scope["type"] == "http" and scope["path"] in routes.PAGES:
            scope = {**scope, "path": scope["path"] + "/"}
        await self._app(scope, receive, send)
