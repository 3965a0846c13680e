"""Which origins are ours: the public one, and outside production the other names of this machine."""

from functools import lru_cache
from urllib.parse import urlsplit

from saasbot.infra.settings import settings

_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")


def is_own_origin(origin: str) -> bool:
    """Whether an `Origin` header names us, exactly: scheme, host and port."""
    chosen = settings()
    return origin.lower() in _own_origins(chosen.public_url, chosen.is_production)


def is_loopback_host(host: str) -> bool:
    """Whether a `Host` header is a name of this very machine. A name that somebody else's DNS points here is not."""
    name, _, port = host.rpartition(":")
    return host in _LOOPBACK_HOSTS or (name in _LOOPBACK_HOSTS and port.isdigit())


@lru_cache(maxsize=4)
def _own_origins(public_url: str, is_production: bool) -> frozenset[str]:
    parts = urlsplit(public_url.lower())
    own = {f"{parts.scheme}://{parts.netloc}"}
    if not is_production and parts.hostname in ("localhost", "127.0.0.1", "::1"):
        port = f":{parts.port}" if parts.port else ""
        own |= {f"{parts.scheme}://{host}{port}" for host in _LOOPBACK_HOSTS}
    return frozenset(own)
