"""The commands of whoever has the machine: rights of accounts, and keys. Each works on the database alone."""

import asyncio
from collections.abc import Awaitable, Callable

from saasbot.domain.accounts.emails import normal_email
from saasbot.domain.accounts.signing_keys import add_key
from saasbot.domain.admin.operators import drop_second_factor, set_super_admin
from saasbot.domain.admin.rotation import reseal_all
from saasbot.infra import db
from saasbot.infra.errors import InvalidInput
from saasbot.infra.roles import prepare_database
from saasbot.infra.settings import Settings
from saasbot.infra.start_error import StartError

COMMANDS = {
    "reseal": "seal all secrets with the first of SAASBOT_SECRET_KEYS",
    "rotate-signing-key": "make a new key for access tokens; the old one verifies until its tokens have ended",
}
OF_AN_ACCOUNT = {
    "grant-super-admin": "let an account operate the whole installation; it signs in anew, in two steps",
    "revoke-super-admin": "take that from it",
    "remove-two-step": "for an account that lost its phone and its recovery codes",
}


def operate(chosen: Settings, command: str, email: str = "") -> str:
    """Run one of the commands. Returns what was done, in a line.

    Raises:
        StartError: the database cannot be reached, or there is no such account.
    """
    urls = prepare_database(chosen)

    async def work() -> str:
        db.connect(app_url=urls.app, platform_url=urls.platform, pool_size=2)
        try:
            return await (act_on_account(command, email) if command in OF_AN_ACCOUNT else act_on_keys(command))
        finally:
            await db.disconnect()

    return asyncio.run(work())


async def act_on_keys(command: str) -> str:
    """One of `COMMANDS`, on the open database."""
    if command == "rotate-signing-key":
        return f"New signing key {await add_key()}. It signs in two minutes, when every process knows it."
    done = await reseal_all()
    return f"Sealed anew: {done.resealed}. No key opens: {done.unreadable}."


async def act_on_account(command: str, email: str) -> str:
    """One of `OF_AN_ACCOUNT`, on the open database. Raises: StartError."""
    acts: dict[str, tuple[Callable[[str], Awaitable[object]], str]] = {
        "grant-super-admin": (lambda of: set_super_admin(of, granted=True), "operates the whole installation now"),
        "revoke-super-admin": (lambda of: set_super_admin(of, granted=False), "is an account like any other now"),
        "remove-two-step": (drop_second_factor, "has no second step now, and is signed out everywhere"),
    }
    act, done = acts[command]
    try:
        address = normal_email(email)
    except InvalidInput:
        raise StartError(f"{email}: that is not an email address.") from None
    if await act(address) is None:
        raise StartError(f"{address}: there is no account with this address.")
    return f"{address} {done}."
