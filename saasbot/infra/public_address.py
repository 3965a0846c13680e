"""Which addresses belong to the public internet: whatever a company chose to connect to must."""

import asyncio
import ipaddress
import socket

from saasbot.infra.settings import settings

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, whatever form it is wrapped in."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.teredo is not None:
            return False
    return ip.is_global and not ip.is_multicast


async def addresses_of(host: str, port: int) -> list[str]:
    """What its name leads to. Raises: OSError, when the name is not known."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


def are_public(addresses: list[str]) -> bool:
    """Whether there are some, and all of them are public."""
    return bool(addresses) and all(is_public(address) for address in addresses)


async def checked_address(host: str, port: int) -> str:
    """Where to connect for this host: an address of it, all of which are public. For connections that are not HTTP.

    Raises: OSError, where they are not or the name is not known.
    """
    if settings().allow_private_urls:
        return host
    addresses = await addresses_of(host, port)
    if not are_public(addresses):
        raise OSError(f"{host} is not on the public internet")
    return addresses[0]
