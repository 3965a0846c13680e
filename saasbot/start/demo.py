"""The demo company of a first start."""

import asyncio

from saasbot.infra.roles import DatabaseUrls


def seed_demo(urls: DatabaseUrls) -> list[str]:
    """Afterwards the demo company exists; the answer is its logins as lines for a person. Twice is once."""
    from saasbot.domain.demo import seed  # loads the whole domain: only where a demo is wanted
    from saasbot.infra import db

    async def run() -> list[str]:
        db.connect(app_url=urls.app, platform_url=urls.platform, pool_size=2)
        try:
            return await seed()
        finally:
            await db.disconnect()

    return asyncio.run(run())
