"""The state of a number, written by whoever holds it."""

from datetime import datetime
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.history import note_change
from saasbot.domain.channels.incidents import follow
from saasbot.domain.channels.lease import check_epoch
from saasbot.infra import events
from saasbot.models import Channel, ChannelStatus, Desired
from saasbot.models.table import utcnow


def set_state(
    channel: Channel, status: ChannelStatus, reason: str | None = None, *, retry_at: datetime | None = None
) -> bool:
    """Change the state of a locked number, keep it in its history, and tell; `since` moves only when the status does. Whether
    anything changed."""
    if (channel.status, channel.reason, channel.retry_at) == (status, reason, retry_at):
        return False
    now = utcnow()
    told = (channel.status, channel.reason) != (status, reason)
    if channel.status != status:
        channel.since = now
    channel.status, channel.reason, channel.retry_at = status, reason, retry_at
    if told:  # another moment of the next try is news for the screen, not for the history
        note_change(channel, at=now)
    events.publish("channel", company_id=channel.company_id, channel_id=channel.id)
    return True


async def report_state(
    actor: Actor,
    channel_id: UUID,
    *,
    epoch: int | None,
    status: ChannelStatus,
    reason: str | None = None,
    retry_at: datetime | None = None,
    ended: bool = False,
) -> None:
    """What the holder of the number saw. `epoch` is its fencing token, nothing for the supervisor of a number nobody holds.

    `ended`: it cannot go on by itself, so it is stopped until its owner acts; one that is logged out, or blocked without a time when
    that ends, must pair again: WhatsApp has ended its session.
    A number that its owner has stopped meanwhile stays as its owner left it, whatever its connection still says; that its session
    is gone is told once. One that was linked and shall run is followed: its owners hear of it when it cannot.
    Raises: LeaseLost, NotFound.
    """
    channel = await access_channel(actor, channel_id, lock=True)
    if epoch is not None:
        await check_epoch(channel_id, epoch)
    if channel.desired == Desired.STOPPED and (not ended or channel.status == ChannelStatus.LOGGED_OUT):
        return
    in_use = channel.desired == Desired.RUNNING and channel.device_jid is not None
    if ended:
        channel.desired = Desired.STOPPED
    if status == ChannelStatus.LOGGED_OUT or (ended and status == ChannelStatus.BANNED):
        channel.device_jid = None
    before = channel.status
    set_state(channel, status, reason, retry_at=retry_at)
    if in_use and status != before:
        await follow(channel)
