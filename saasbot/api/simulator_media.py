"""The file that a call of the simulator's control brings: base64, a data URL, or an address of this very machine."""

import base64
import binascii
import ipaddress
from urllib.parse import unquote_to_bytes, urlsplit

import httpx2

from saasbot.domain.simulator.media import MAX_BYTES
from saasbot.infra.errors import InvalidInput

_SECONDS = 10.0


async def read_media(url: str | None, text: str | None, mime: str | None) -> tuple[bytes | None, str | None]:
    """Content and MIME type; no content when the call brings none. Raises: InvalidInput."""
    if text is not None:
        return _decode(text, "media_base64"), mime
    if url is None:
        return None, mime
    if url.startswith("data:"):
        content, declared = _of_data_url(url)
    else:
        content, declared = await _fetch(url)
    return content, mime or declared


def _decode(text: str, field: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(field, "This is not base64.") from None


def _of_data_url(url: str) -> tuple[bytes, str | None]:
    """RFC 2397."""
    head, comma, data = url.removeprefix("data:").partition(",")
    if not comma:
        raise InvalidInput("media_url", "This is not a data URL.")
    declared, *parameters = head.split(";")
    if "base64" in parameters:
        return _decode(data, "media_url"), declared or None
    return unquote_to_bytes(data), declared or None


async def _fetch(url: str) -> tuple[bytes, str | None]:
    """From a server on this machine and no other. `safe_http` is for the public internet, so it cannot serve here."""
    host = ""
    try:
        parts = urlsplit(url)
        host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
        allowed = parts.scheme == "http" and ipaddress.ip_address(host).is_loopback
    except ValueError:
        allowed = False
    if not allowed:
        raise InvalidInput("media_url", "Use a data: URL or an http:// address of this machine.")
    chunks, size = [], 0
    try:
        async with (
            httpx2.AsyncClient(trust_env=False, timeout=_SECONDS) as client,
            client.stream("GET", httpx2.URL(url).copy_with(host=host)) as answer,
        ):
            if answer.status_code != 200:
                raise InvalidInput("media_url", "The file could not be fetched.")
            async for chunk in answer.aiter_bytes():
                size += len(chunk)
                if size > MAX_BYTES:
                    raise InvalidInput("media_url", "The file is larger than 100 MB.")
                chunks.append(chunk)
            declared = answer.headers.get("content-type", "").split(";")[0] or None
    except (httpx2.HTTPError, httpx2.InvalidURL):
        raise InvalidInput("media_url", "The file could not be fetched.") from None
    return b"".join(chunks), declared
