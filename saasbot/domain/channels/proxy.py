"""The proxy through which a number reaches WhatsApp: read anew at each connection, so that a change needs no restart."""

from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.commands import send_command
from saasbot.infra.crypto import place, unseal
from saasbot.models import Channel

RECONNECT = "reconnect"


def seal_place(channel_id: UUID) -> str:
    """Where the address is sealed for (`infra/crypto.py`)."""
    return place("channel", "proxy_sealed", channel_id)


async def read_proxy(actor: Actor, channel_id: UUID) -> str | None:
    """The proxy of a number, for its holder alone.

    Raises: NotFound; Unsealable, and then it must not connect: a direct connection shows what the proxy was to hide.
    """
    return proxy_of(await access_channel(actor, channel_id))


def proxy_of(channel: Channel) -> str | None:
    """The URL with its password, to connect with; nothing where the number connects directly. Never for a page, an answer or a
    log. Raises: Unsealable."""
    return None if channel.proxy_sealed is None else unseal(channel.proxy_sealed, seal_place(channel.id))


async def proxy_changed(channel: Channel) -> None:
    """Its holder drops the connection and makes it anew, through the new proxy, when the transaction commits."""
    await send_command(channel, RECONNECT)
