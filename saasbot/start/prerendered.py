"""Serve `/login` itself: the static files alone answer it with a redirect to `/login/`."""

from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send


class Prerendered:
    """Pure ASGI: a path that names a built page gets that page, whether or not it ends in a slash."""

    def __init__(self, app: ASGIApp, built: Path) -> None:
        self._app = app
        self._pages = {f"/{page.parent.relative_to(built).as_posix()}" for page in built.rglob("*/index.html")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in self._pages:
            scope = {**scope, "path": scope["path"] + "/"}
        await self._app(scope, receive, send)
