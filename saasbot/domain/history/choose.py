"""How much of the past an owner wants taken over when a phone links a number."""

from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.channels.access import access_channel
from saasbot.domain.history.chunks import DAYS
from saasbot.infra import events
from saasbot.infra.errors import InvalidInput
from saasbot.models import Channel


async def choose_history(actor: Actor, channel_id: UUID, *, days: int) -> Channel:
    """Chats of the last `days` days are taken over, 0 for none; it holds from the next part that the phone hands over.

    Raises: Forbidden, InvalidInput, NotFound.
    """
    actor.require("channels.write")
    channel = await access_channel(actor, channel_id, lock=True)
    if days not in DAYS:
        raise InvalidInput("history_days", "Choose 0, 7, 30 or 90 days.")
    channel.history_days = days
    await record(actor, "channel.history_chosen", channel.id, name=channel.name, days=days)
    events.publish("channel", company_id=actor.company_id, channel_id=channel.id)
    return channel
