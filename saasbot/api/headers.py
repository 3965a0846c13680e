"""Headers of every answer: what a browser may do with it."""

import base64
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from saasbot import routes
from saasbot.infra.settings import Settings
from saasbot.infra.storage import build

_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\bsrc\s*=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
_DATA_ONLY = b"default-src 'none'; frame-ancestors 'none'"
_DOCUMENT_PATHS = ("/api/docs", "/dev/")
_STYLED_DOCUMENT = b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"

Header = tuple[bytes, bytes]


def inline_script_hashes(built: Path) -> list[str]:
    """CSP sources for the inline scripts of the built pages: React Router's hydration, and our own before the first paint."""
    hashes = {
        base64.b64encode(hashlib.sha256(script).digest()).decode()
        for page in built.rglob("*.html")
        for script in _INLINE_SCRIPT.findall(page.read_bytes())
    }
    return [f"'sha256-{digest}'" for digest in sorted(hashes)]


def page_policy(settings: Settings, script_hashes: Iterable[str]) -> str:
    """The Content-Security-Policy of pages.

    Reflex evaluates code that the server sends over the socket ('unsafe-eval'); Emotion and Radix write inline styles.
    """
    public = urlsplit(settings.public_url)
    socket = f"{'wss' if public.scheme == 'https' else 'ws'}://{public.netloc}"
    files = build(settings).origin if settings.uses_s3 else ""
    directives = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", "'unsafe-eval'", *script_hashes]),
        "style-src": "'self' 'unsafe-inline'",
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

    def __init__(self, settings: Settings, built: Path) -> None:
        self._page_policy = page_policy(settings, inline_script_hashes(built)).encode()
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
        if path.startswith(_DOCUMENT_PATHS):
            return _STYLED_DOCUMENT
        if path.startswith(("/api/", "/auth/", "/uploads", "/sim/", "/demo-model/", routes.CSP_REPORT)):
            return _DATA_ONLY
        return self._page_policy
