"""Signed addresses of local files: `/media/<key>?e=<expires>&…&s=<signature>`.

The signature covers everything that decides the answer (method, company, key, expiry, whether it is shown or saved, file name),
so nothing of an address can be changed. It is made with a key derived from the first secret key and checked with all, so
rotation breaks no page.
"""

import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, urlencode

PATH = "/media/"
_PURPOSE = b"saasbot: signed media address, v2"
MAX_FILE_NAME = 150


@dataclass(frozen=True, slots=True)
class Link:
    """What a valid address asks for."""

    key: str
    expires: int
    """Unix seconds."""
    file_name: str | None
    inline: bool

    @property
    def company(self) -> str:
        """Whose file it is: the first part of the key."""
        return self.key.partition("/")[0]

    @property
    def expired(self) -> bool:
        return now() >= self.expires


def now() -> int:
    """Unix seconds."""
    return int(time.time())


class Signer:
    def __init__(self, secret_keys: tuple[bytes, ...]) -> None:
        self._keys = [hmac.digest(key, _PURPOSE, sha256) for key in secret_keys]

    def url(self, key: str, *, seconds: int, file_name: str | None = None, inline: bool = False) -> str:
        """A path with query. Its expiry is rounded so that it stays the same for half of `seconds`."""
        half = max(seconds // 2, 1)
        expires = (now() // half + 2) * half
        name = file_name[:MAX_FILE_NAME] if file_name else None
        query = {"e": str(expires)}
        if inline:
            query["i"] = "1"
        if name:
            query["n"] = name
        query["s"] = self._signature(self._keys[0], Link(key, expires, name, inline))
        return f"{PATH}{quote(key)}?{urlencode(query)}"

    def read(self, key: str, query: Mapping[str, str]) -> Link | None:
        """What the address asks for, `expired` perhaps; nothing when it was not made here or was changed."""
        expires = query.get("e", "")
        if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):
            return None
        link = Link(key, int(expires), query.get("n"), query.get("i") == "1")
        given = query.get("s", "").encode()
        genuine = [hmac.compare_digest(self._signature(secret, link).encode(), given) for secret in self._keys]
        return link if any(genuine) else None

    @staticmethod
    def _signature(secret: bytes, link: Link) -> str:
        # lengths before contents: no two different links share one signed text
        use = "show" if link.inline else "save"
        parts = ("GET", link.company, link.key, str(link.expires), use, link.file_name or "")
        text = b"".join(len(part := item.encode("utf-8", "surrogatepass")).to_bytes(4, "big") + part for item in parts)
        return urlsafe_b64encode(hmac.digest(secret, text, sha256)).rstrip(b"=").decode()
