"""The built pages, from memory. Each answer has a nonce of its own: with it the page's scripts may add styles, and nobody else."""

import gzip
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from saasbot import routes
from saasbot.api.clients import header
from saasbot.api.headers import inline_hashes, page_policy
from saasbot.infra.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]
_STYLES = Path(__file__).with_name("page_styles.js").read_text(encoding="utf-8").strip()
"""First in every page: style elements that its scripts make carry the nonce, because toasts, dialogs and menus bring styles of their
own. What somebody smuggled into the markup has none, and the browser refuses it."""
_NONCE = "{nonce}"
"""Stands where each answer puts its own."""
_FALLBACK = "404.html"
"""Draws whatever page its address names: those with an id in it, and "there is nothing here"."""


def built_pages() -> Path:
    """Where Reflex leaves the built pages."""
    return Path(os.environ.get("REFLEX_WEB_WORKDIR", str(_ROOT / ".web"))) / "build" / "client"


class BuiltPages:
    """Read once. Without a build there is no page, and nothing is answered."""

    def __init__(self, settings: Settings, built: Path) -> None:
        scripts, styles = inline_hashes(built, "script"), inline_hashes(built, "style")
        self._policy = page_policy(settings, scripts, styles, nonce=_NONCE)
        self._pages = dict(_at_fixed_addresses(built))
        self._with_ids = [re.compile(re.sub(r"\[\w+\]", "[^/]+", page) + "/?") for page in routes.PAGES_WITH_IDS]
        fallback = built / _FALLBACK
        self._fallback = fallback.read_text(encoding="utf-8") if fallback.is_file() else ""

    def know(self, path: str) -> bool:
        """Whether a page is at this address."""
        return _without_slash(path) in routes.PAGES or any(pattern.fullmatch(path) for pattern in self._with_ids)

    def answer(self, scope: Scope) -> Response | None:
        """The page at the address of a GET or HEAD, if one is there."""
        if scope["method"] not in ("GET", "HEAD"):
            return None
        path = scope["path"]
        page = self._pages.get(_without_slash(path), self._fallback) if self.know(path) else ""
        return self._respond(scope, page) if page else None

    def not_found(self, scope: Scope) -> Response | None:
        """The page that says that there is nothing at this address, for whoever would see a page."""
        if scope["method"] not in ("GET", "HEAD") or not self._fallback:
            return None
        return self._respond(scope, self._fallback, status=404)

    def _respond(self, scope: Scope, page: str, *, status: int = 200) -> Response:
        """Compressed for whoever reads that; what is at no address is not worth the work."""
        nonce = secrets.token_urlsafe(16)
        body = page.replace("<head>", f'<head><script nonce="{nonce}">{_STYLES}</script>', 1).encode()
        headers = {
            "Content-Security-Policy": self._policy.replace(_NONCE, nonce),
            "Cache-Control": "no-cache",  # an old body would not match the nonce of a new answer
            "Vary": "Accept-Encoding",
        }
        if status == 200 and _reads_gzip(header(scope, b"accept-encoding")):
            body, headers["Content-Encoding"] = gzip.compress(body, compresslevel=5), "gzip"
        headers["Content-Length"] = str(len(body))
        return HTMLResponse(b"" if scope["method"] == "HEAD" else body, status_code=status, headers=headers)


def _reads_gzip(accepted: str) -> bool:
    """By an `Accept-Encoding` header, in which `gzip;q=0` is a no (RFC 9110 §12.5.3)."""
    for coding in accepted.split(","):
        name, _, weight = coding.replace(" ", "").partition(";q=")
        if name.lower() == "gzip":
            return weight.strip("0.") != "" or not weight
    return False


def _without_slash(path: str) -> str:
    """`/login/` is `/login`; `//` is nothing."""
    return path if path in ("/", "//") else path.removesuffix("/")


def _at_fixed_addresses(built: Path) -> Iterator[tuple[str, str]]:
    for page in routes.PAGES:
        file = built / page.strip("/") / "index.html"
        if file.is_file():
            yield page, file.read_text(encoding="utf-8")
