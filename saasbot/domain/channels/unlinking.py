"""The session of a number that its owner has logged out.

Whoever holds the number tells WhatsApp: the phone no longer lists the device, and the library's store has its session no more.
Where nobody could, the session is forgotten all the same, and the owner reads that the device must be removed on the phone.
"""

from base64 import b64decode, b64encode
from datetime import timedelta
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.state import set_state
from saasbot.infra import jobs
from saasbot.infra.crypto import place, seal, unseal
from saasbot.models import Channel, ChannelKind, ChannelStatus
from saasbot.models.table import utcnow

FORGET_TASK = "channels.forget_session"
HOLDER_TIME = timedelta(seconds=20)
"""A holder has told WhatsApp, and is gone, within this time."""
LOGGED_OUT_BY_USER, UNLINK_ON_PHONE = "logged_out_by_user", "unlink_on_phone"


async def forget_session_later(channel: Channel) -> None:
    """The session that the linked number has now will be gone from the store, whoever has told WhatsApp or not."""
    if channel.kind != ChannelKind.WHATSAPP or channel.device_jid is None:
        return
    sealed = seal(channel.device_jid, _place(channel.id))
    await jobs.defer(
        FORGET_TASK,
        schedule_at=utcnow() + HOLDER_TIME,
        company_id=str(channel.company_id),
        channel_id=str(channel.id),
        device_sealed=b64encode(sealed).decode(),
    )


def opened(channel_id: UUID, device_sealed: str) -> str:
    """The device that a job is about. Raises: Unsealable."""
    return unseal(b64decode(device_sealed), _place(channel_id))


def _place(channel_id: UUID) -> str:
    return place("job", FORGET_TASK, channel_id)


async def tell_not_unlinked(actor: Actor, channel_id: UUID) -> None:
    """Nobody could tell WhatsApp. Nothing of a number that was linked again meanwhile. Raises: NotFound."""
    channel = await access_channel(actor, channel_id, lock=True)
    if (channel.status, channel.reason) == (ChannelStatus.LOGGED_OUT, LOGGED_OUT_BY_USER):
        set_state(channel, ChannelStatus.LOGGED_OUT, UNLINK_ON_PHONE)
