"""The state of a number, written by whoever holds it."""

from datetime import datetime
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.history import note_change
from saasbot.domain.channels.incidents import follow
from saasbot.domain.channels.lease import check_epoch, is_held
from saasbot.domain.channels.outdated import CLIENT_OUTDATED, client_version
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


def waits_for_block_to_end(channel: Channel) -> bool:
    """WhatsApp has named the time until which the number is blocked: before that nobody may dial for it by itself."""
    return channel.status == ChannelStatus.BANNED and channel.retry_at is not None and channel.retry_at > utcnow()


async def report_state(
    actor: Actor,
    channel_id: UUID,
    *,
    epoch: int | None,
    device_jid: str | None,
    status: ChannelStatus,
    reason: str | None = None,
    retry_at: datetime | None = None,
    ended: bool = False,
) -> bool:
    """What the holder of the number saw. `epoch` is its fencing token, nothing for the supervisor of a number nobody holds: when
    somebody does hold it, perhaps on another server, only what that one says counts, and the answer is False. So it is while the
    number waits for a block of WhatsApp to end, unless it has `ended`.

    `device_jid` is the session that it saw this of, nothing for an attempt to link one. The answer is False as well when the number
    has another by now: whoever logs a number out and connects it at once must not hear from the old session again.

    `ended`: it cannot go on by itself, so it is stopped until its owner acts; one that is logged out, or blocked without a time when
    that ends, must pair again: WhatsApp has ended its session.
    A number that its owner has stopped meanwhile stays as its owner left it, whatever its connection still says, unless that its
    session is gone. One that was linked and shall run is followed: its owners hear of it when it cannot.
    Raises: LeaseLost, NotFound.
    """
    channel = await access_channel(actor, channel_id, lock=True)
    if epoch is not None:
        await check_epoch(channel_id, epoch)
    elif await is_held(actor, channel_id) or (waits_for_block_to_end(channel) and not ended):
        return False
    if device_jid != channel.device_jid:
        return False
    session_gone = status == ChannelStatus.LOGGED_OUT or (ended and status == ChannelStatus.BANNED)
    if channel.desired == Desired.STOPPED and not session_gone:
        return True
    in_use = channel.desired == Desired.RUNNING and channel.device_jid is not None
    if ended:
        channel.desired = Desired.STOPPED
    if session_gone:
        channel.device_jid = None
    before = channel.status
    if reason == CLIENT_OUTDATED:
        channel.outdated_client = client_version()
    set_state(channel, status, reason, retry_at=retry_at)
    if in_use and status != before:
        await follow(channel)
    return True
