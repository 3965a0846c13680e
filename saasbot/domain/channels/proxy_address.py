"""The address of a proxy as a person writes it: checked before it is kept, and masked wherever it is shown."""

import ipaddress
import re
from urllib.parse import quote, unquote, urlsplit

from saasbot.infra.errors import InvalidInput
from saasbot.infra.public_address import is_public
from saasbot.infra.settings import settings

SCHEMES = ("socks5", "socks5h", "http", "https")
"""What `wa_runtime/proxies.py` can dial."""
_LONGEST = 500
_LONGEST_CREDENTIAL = 255
"""SOCKS5 has one byte for the length of each (RFC 1929)."""
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_MASK = "•••"


def parse_proxy(text: str) -> str:
    """`socks5://[user:password@]host:port`, or the same with another scheme, in one spelling.

    Names are resolved, and their addresses checked, when the number connects. Raises: InvalidInput.
    """
    text = text.strip()
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
        user, password = unquote(parts.username or "", errors="strict"), unquote(parts.password or "", errors="strict")
    except ValueError:
        raise _not_a_proxy() from None
    plain = text.isascii() and text.isprintable() and " " not in text
    if not plain or len(text) > _LONGEST or parts.scheme not in SCHEMES or not host or not port:
        raise _not_a_proxy()
    if parts.path not in ("", "/") or parts.query or parts.fragment or not _is_host(host):
        raise _not_a_proxy()
    if (password and not user) or max(len(user.encode()), len(password.encode())) > _LONGEST_CREDENTIAL:
        raise InvalidInput("proxy", "The proxy's user and password do not fit. Copy them again.")
    if _is_address(host) and not is_public(host) and not settings().allow_private_urls:
        raise InvalidInput("proxy", "This proxy is inside a private network. Use one on the public internet.")
    return f"{parts.scheme}://{_credentials(user, password)}{_bracketed(host)}:{port}"


def masked(url: str) -> str:
    """What may be shown of a proxy: where it is, and that it takes a user."""
    parts = urlsplit(url)
    secret = f"{_MASK}@" if parts.username else ""
    return f"{parts.scheme}://{secret}{_bracketed(parts.hostname or '')}:{parts.port}"


def _not_a_proxy() -> InvalidInput:
    return InvalidInput("proxy", "Write the proxy as socks5://host:port, http://host:port or https://host:port.")


def _credentials(user: str, password: str) -> str:
    if not user:
        return ""
    return f"{quote(user, safe='')}:{quote(password, safe='')}@" if password else f"{quote(user, safe='')}@"


def _is_host(host: str) -> bool:
    return _is_address(host) or (len(host) <= 253 and all(_LABEL.fullmatch(label) for label in host.split(".")))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
