"""Which origins are ours: the public one, and outside production the other names of this machine."""

from functools import lru_cache
from urllib.parse import urlsplit

from saasbot.infra.settings import Settings, settings

_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def own_origins(chosen: Settings) -> frozenset[str]:
    """As browsers write them: lower case, without the default port."""
    return _own_origins(chosen.public_url, chosen.is_production)


def is_own_origin(origin: str) -> bool:
    """Whether an `Origin` header names us, exactly: scheme, host and port."""
    return origin.lower() in own_origins(settings())


def is_loopback_host(host: str) -> bool:
    """Whether a `Host` header is a name of this very machine. A name that somebody else's DNS points here is not."""
    name, _, port = host.rpartition(":")
    return host in _LOOPBACK_HOSTS or (name in _LOOPBACK_HOSTS and port.isdigit())


@lru_cache(maxsize=4)
def _own_origins(public_url: str, is_production: bool) -> frozenset[str]:
    parts = urlsplit(public_url.lower())
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    hosts = {host}
    if not is_production and host in _LOOPBACK_HOSTS:
        hosts |= {*_LOOPBACK_HOSTS}
    port = f":{parts.port}" if parts.port and parts.port != _DEFAULT_PORTS.get(parts.scheme) else ""
    return frozenset(f"{parts.scheme}://{name}{port}" for name in hosts)
