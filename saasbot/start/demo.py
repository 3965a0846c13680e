"""The demo company of a first start."""

import asyncio
import importlib
import importlib.util
from collections.abc import Awaitable, Iterable
from typing import cast

from saasbot.infra import db
from saasbot.infra.roles import DatabaseUrls

_MODULE = "saasbot.domain.demo"


def seed_demo(urls: DatabaseUrls) -> list[str]:
    """Afterwards the demo company exists; the answer is its logins as lines for a person. Twice is once."""
    if importlib.util.find_spec(_MODULE) is None:
        return []
    seed = importlib.import_module(_MODULE).seed

    async def run() -> Iterable[str]:
        db.connect(app_url=urls.app, platform_url=urls.platform, pool_size=2)
        try:
            return await cast("Awaitable[Iterable[str]]", seed()) or ()
        finally:
            await db.disconnect()

    return list(asyncio.run(run()))
