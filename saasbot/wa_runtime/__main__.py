"""`python -m saasbot.wa_runtime status`: how every number does. Reads the database, whether the app runs or not."""

import argparse
import asyncio
import sys
from datetime import UTC, datetime

from sqlalchemy.exc import ProgrammingError

from saasbot.domain.admin.numbers import read_numbers
from saasbot.infra import db, logging
from saasbot.infra.db import DOWN
from saasbot.infra.roles import database_urls
from saasbot.infra.settings import settings
from saasbot.infra.start_error import StartError
from saasbot.wa_runtime.status import status_table


def main(arguments: list[str]) -> int:
    """The exit code: 1 when the database cannot be read, with one line that says so."""
    parser = argparse.ArgumentParser(prog="python -m saasbot.wa_runtime", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("status", help="a table of all numbers: state, holder, memory, what waits")
    parser.parse_args(arguments)
    logging.configure(json=False, level="WARNING")
    try:
        sys.stdout.write(asyncio.run(_status()))
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except DOWN as error:
        sys.stderr.write(f"The database is down or cannot be reached: {_first_line(error)}\n")
        return 1
    except ProgrammingError as error:
        sys.stderr.write(f"The database is of another version of this program; start it once: {_first_line(error)}\n")
        return 1
    return 0


async def _status() -> str:
    urls = database_urls(settings())
    db.connect(app_url=urls.app, platform_url=urls.platform, pool_size=1)
    try:
        return status_table(await read_numbers(), now=datetime.now(UTC))
    finally:
        await db.disconnect()


def _first_line(error: Exception) -> str:
    """What the driver says, without its advice and without a statement's text."""
    cause = getattr(error, "orig", None) or error
    return next(iter(str(cause).strip().splitlines()), type(cause).__name__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
