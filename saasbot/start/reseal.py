"""`python -m saasbot reseal`: after a new key was put first in `SAASBOT_SECRET_KEYS`, seal everything with it.
`python -m saasbot accept-key-loss`: the keys of before are gone for good, go on with those of the setting."""

import asyncio

from saasbot.domain.admin.rotation import Rotation, reseal_all
from saasbot.infra import db
from saasbot.infra.key_check import keep_word
from saasbot.infra.migrations import is_current
from saasbot.infra.roles import DatabaseUrls, libpq_url, prepare_database
from saasbot.infra.settings import Settings
from saasbot.infra.start_error import StartError


def reseal(chosen: Settings) -> Rotation:
    """Afterwards the first key opens all that any key of the setting opened; older ones may be dropped.

    Raises:
        StartError: the database cannot be reached, or has other keys.
    """
    return _reseal(prepare_database(chosen))


def accept_key_loss(chosen: Settings) -> Rotation:
    """Afterwards the database belongs to the first key of the setting. What no key opens stays as it is: should the old
    key be found, it opens again with that key behind the new one.

    Raises:
        StartError: the database cannot be reached, or has no schema yet and so nothing to lose.
    """
    urls = prepare_database(chosen, keys_lost=True)
    if not is_current(urls.owner):
        raise StartError("The schema of this database is not that of this program. Nothing was accepted.")
    keep_word(libpq_url(urls.owner), chosen.keys[0], instead=True)
    return _reseal(urls)


def _reseal(urls: DatabaseUrls) -> Rotation:
    async def work() -> Rotation:
        db.connect(app_url=urls.app, platform_url=urls.platform, pool_size=2)
        try:
            return await reseal_all()
        finally:
            await db.disconnect()

    return asyncio.run(work())
