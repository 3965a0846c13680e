"""The state of a number that nobody holds, written by whoever knows of it."""

from datetime import datetime

from saasbot.domain.actor import Actor
from saasbot.domain.channels.state import report_state
from saasbot.infra.db import DOWN, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.logging import get_logger
from saasbot.models import ChannelStatus
from saasbot.wa_runtime.transport import NumberRef

log = get_logger(__name__)


async def report_unheld(
    ref: NumberRef, status: ChannelStatus, reason: str, *, retry_at: datetime | None = None, ended: bool = False
) -> None:
    """Nothing where somebody does hold it, or the number was deleted; what the database cannot take is lost, and logged."""
    actor = Actor.system(ref.company_id)
    try:
        async with unit_of_work(actor):
            await report_state(
                actor,
                ref.channel_id,
                epoch=None,
                device_jid=ref.device_jid,
                status=status,
                reason=reason,
                retry_at=retry_at,
                ended=ended,
            )
    except NotFound:
        pass  # deleted meanwhile
    except DOWN as error:
        log.warning("number.state_not_written", channel_id=str(ref.channel_id), error=str(error))
