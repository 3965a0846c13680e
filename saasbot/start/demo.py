"""The demo company, made by a process of its own beside the build or the server: `python -m saasbot.start.demo`."""

import asyncio
import subprocess
import sys

from saasbot.infra.settings import settings


def start_seeding(*, hold_logins: bool) -> subprocess.Popen[str]:
    """Make the demo company in the background; the process tells its logins and ends with 0. Twice is once.

    `hold_logins`: they wait in its `stdout` for whoever started it, else they go to the screen.
    """
    command = [sys.executable, "-m", "saasbot.start.demo"]
    output = subprocess.PIPE if hold_logins else None
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, text=True)  # noqa: S603 - our own module


async def _seed() -> list[str]:
    from saasbot.domain.demo import seed
    from saasbot.infra import db
    from saasbot.infra.roles import database_urls

    urls = database_urls(settings())
    db.connect(app_url=urls.app, platform_url=urls.platform, pool_size=2)
    try:
        return await seed()
    finally:
        await db.disconnect()


def main() -> None:
    """Print a line per login once the company exists."""
    from saasbot.infra import logging

    logging.configure(json=settings().is_production, level="WARNING")
    sys.stdout.write("".join(f"  demo login: {login}\n" for login in asyncio.run(_seed())))


if __name__ == "__main__":
    main()
