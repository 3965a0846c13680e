"""Headers of every answer: what a browser may do with it."""

import base64
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from saasbot import routes
from saasbot.infra.settings import Settings
from saasbot.infra.storage import build

_DATA_ONLY = b"default-src 'none'; frame-ancestors 'none'"

Header = tuple[bytes, bytes]


def inline_hashes(built: Path, element: Literal["script", "style"]) -> list[str]:
    """CSP sources for what stands in the built pages themselves: React Router's hydration, what runs before the first paint, the
    first styles."""
    inline = re.compile(rf"<{element}(?![^>]*\bsrc\s*=)[^>]*>(.*?)</{element}>".encode(), re.DOTALL | re.IGNORECASE)
    return sorted({_source(text) for page in built.rglob("*.html") for text in inline.findall(page.read_bytes())})


def document_policy(style: str) -> dict[str, str]:
    """The header of a plain document with this one style element, and without scripts."""
    style_source = _source(style.encode())
    return {
        "Content-Security-Policy": f"{_DATA_ONLY.decode()}; style-src {style_source}; base-uri 'none'; form-action 'none'"
    }


def _source(text: bytes) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'"


def page_policy(settings: Settings, scripts: Iterable[str] = (), styles: Iterable[str] = (), *, nonce: str = "") -> str:
    """The Content-Security-Policy of pages. `scripts` and `styles` are sources of the built ones; what carries the nonce may run, and
    may style, as well.

    Reflex evaluates code that the server sends over the socket ('unsafe-eval').
    """
    this_answer = [f"'nonce-{nonce}'"] if nonce else []
    public = urlsplit(settings.public_url)
    socket = f"{'wss' if public.scheme == 'https' else 'ws'}://{public.netloc}"
    files = build(settings).origin if settings.uses_s3 else ""
    directives = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", "'unsafe-eval'", *scripts, *this_answer]),
        "style-src": " ".join(["'self'", *styles, *this_answer]),
        "img-src": f"'self' data: blob: {files}",
        "media-src": f"'self' blob: {files}",
        "font-src": "'self' data:",
        "connect-src": f"'self' {socket}",
        "worker-src": "'self' blob:",
        "manifest-src": "'self'",
        "frame-src": "'none'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "report-uri": routes.CSP_REPORT,  # every browser; where `report-to` stands beside it, Chrome sends to neither over http
    }
    return "; ".join(f"{name} {value}".strip() for name, value in directives.items())


class SecurityHeaders:
    """Adds what is missing; an answer that says something itself (a file that may run nothing) keeps it."""

    def __init__(self, settings: Settings) -> None:
        self._page_policy = page_policy(settings).encode()
        self._common: list[Header] = [
            (b"x-content-type-options", b"nosniff"),
            (b"x-frame-options", b"DENY"),
            (b"referrer-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), geolocation=(self), microphone=(self), payment=(), usb=()"),
        ]
        if settings.public_url.startswith("https://"):
            self._common.append((b"strict-transport-security", b"max-age=31536000"))

    def add(self, path: str, headers: Iterable[Header]) -> list[Header]:
        """The answer's headers with ours beside them."""
        given = list(headers)
        names = {name.lower() for name, _ in given}
        ours = [*self._common, (b"content-security-policy", self._policy(path))]
        if path.startswith(("/api/", "/auth/", "/uploads")):
            ours.append((b"cache-control", b"no-store"))
        return given + [header for header in ours if header[0] not in names]

    def _policy(self, path: str) -> bytes:
        if path.startswith(("/api/", "/auth/", "/uploads", "/sim/", "/dev/", "/demo-model/", routes.CSP_REPORT)):
            return _DATA_ONLY
        return self._page_policy
