"""Who asks: the address that our own proxies saw, the network it counts as, and whether it is this very machine."""

import ipaddress
import re
from functools import lru_cache

from starlette.types import Scope

from saasbot.domain import accounts
from saasbot.domain.accounts import Cookie, SignedIn, authenticate
from saasbot.infra import session_cookie
from saasbot.infra.origins import is_loopback_host
from saasbot.infra.settings import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_FORWARDING = frozenset({b"forwarded", b"via", b"x-real-ip"})
_FORWARDED = "saasbot.forwarded"
"""Set in the scope of a request that said it was forwarded, by whomever."""
_WITH_PORT = re.compile(r"\[([0-9a-fA-F:.]+)\](?::\d+)?|([0-9.]+):\d+")

network_of = lru_cache(maxsize=4096)(accounts.network_of)
"""What shares one budget: an IPv4 address, or the /64 that an IPv6 customer has to themselves."""


def header(scope: Scope, name: bytes) -> str:
    """The header's value, repeated ones joined as HTTP says; empty when it is absent."""
    separator = b"; " if name == b"cookie" else b", "
    return separator.join(value for key, value in scope["headers"] if key == name).decode("latin-1")


def client_of(scope: Scope) -> str:
    """The address that asks."""
    return scope["client"][0] if scope.get("client") else "unknown"


async def session_of(scope: Scope) -> SignedIn | None:
    """The live session of the request's cookie. What is no session's token counts as no cookie."""
    return await authenticate(Cookie(session_cookie.token_in(header(scope, b"cookie"))))


def with_real_client(scope: Scope) -> Scope:
    """The scope with the client's address: the peer's, or what the outermost of our proxies saw.

    Proxies are believed as far as `SAASBOT_TRUSTED_PROXY_HOPS` says and from `SAASBOT_TRUSTED_PROXIES` only. Nothing behind
    reads a forwarding header again: they are gone, whoever sent them.
    """
    headers = scope["headers"]
    if not any(_is_forwarding(name) for name, _ in headers):
        return scope
    seen = {**scope, "headers": [header for header in headers if not _is_forwarding(header[0])], _FORWARDED: True}
    if (address := _seen_by_our_proxies(scope)) is not None:
        seen["client"] = (str(address), 0)
    return seen


def is_from_this_machine(scope: Scope) -> bool:
    """Whether a program on this very machine asks, by one of its loopback names.

    A proxy on this machine is on loopback too: what it forwards is not from here. A name that somebody else's DNS points
    here is not one of ours.
    """
    if scope.get(_FORWARDED) or any(_is_forwarding(name) for name, _ in scope["headers"]):
        return False
    address = _parsed(client_of(scope))
    return address is not None and address.is_loopback and is_loopback_host(header(scope, b"host"))


def _is_forwarding(name: bytes) -> bool:
    return name in _FORWARDING or name.startswith(b"x-forwarded-")


def _seen_by_our_proxies(scope: Scope) -> Address | None:
    """Nothing when no proxy of ours says: then the peer itself asks."""
    chosen = settings()
    hops, peer = chosen.trusted_proxy_hops, _parsed(client_of(scope))
    if not hops or peer is None or not any(peer in network for network in chosen.trusted_networks):
        return None
    seen = [part.strip() for part in header(scope, b"x-forwarded-for").split(",") if part.strip()]
    return _parsed(_without_port(seen[-hops])) if len(seen) >= hops else None


def _without_port(text: str) -> str:
    """Some proxies write `203.0.113.9:4711` and `[2001:db8::1]:4711`."""
    found = _WITH_PORT.fullmatch(text)
    return (found[1] or found[2]) if found else text


def _parsed(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
