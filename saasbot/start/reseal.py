"""`python -m saasbot reseal`: after a new key was put first in `SAASBOT_SECRET_KEYS`, seal everything with it."""

import asyncio

from saasbot.domain.admin.rotation import Rotation, reseal_all
from saasbot.infra import db
from saasbot.infra.roles import prepare_database
from saasbot.infra.settings import Settings


def reseal(chosen: Settings) -> Rotation:
    """Afterwards the first key opens all that any key of the setting opened; older ones may be dropped.

    Raises:
        StartError: the database cannot be reached.
    """
    urls = prepare_database(chosen)

    async def work() -> Rotation:
        db.connect(app_url=urls.app, platform_url=urls.platform, pool_size=2)
        try:
            return await reseal_all()
        finally:
            await db.disconnect()

    return asyncio.run(work())
