"""The commands of whoever has the machine: rights of accounts, and keys. Each works on the database alone."""

import asyncio
from collections.abc import Awaitable, Callable

from saasbot.domain.accounts.emails import normal_email
from saasbot.domain.accounts.signing_keys import add_key
from saasbot.domain.admin.operators import drop_second_factor, set_super_admin
from saasbot.domain.admin.rotation import reseal_all
from saasbot.infra import db, logging
from saasbot.infra.errors import InvalidInput
from saasbot.infra.key_check import keep_word
from saasbot.infra.migrations import is_current
from saasbot.infra.roles import DatabaseUrls, libpq_url, prepare_database
from saasbot.infra.settings import Settings
from saasbot.infra.start_error import StartError

COMMANDS = {
    "reseal": "seal all secrets with the first of SAASBOT_SECRET_KEYS",
    "accept-key-loss": "go on with new SAASBOT_SECRET_KEYS; what the lost ones sealed stays closed",
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
        StartError: the database cannot be reached or has other keys, or there is no such account.
    """
    logging.configure(json=False, level="WARNING")
    urls = _accept_key_loss(chosen) if command == "accept-key-loss" else prepare_database(chosen)

    async def work() -> str:
        db.connect(app_url=urls.app, platform_url=urls.platform, pool_size=2)
        try:
            return await (act_on_account(command, email) if command in OF_AN_ACCOUNT else act_on_keys(command))
        finally:
            await db.disconnect()

    return asyncio.run(work())


def _accept_key_loss(chosen: Settings) -> DatabaseUrls:
    """The database belongs to the first key of the setting. What no key opens stays as it is: should the old key be found,
    it opens again with that key behind the new one.

    Raises: StartError, also when the database has no schema yet and so nothing to lose.
    """
    urls = prepare_database(chosen, keys_lost=True)
    if not is_current(urls.owner):
        raise StartError("The schema of this database is not that of this program. Nothing was accepted.")
    keep_word(libpq_url(urls.owner), chosen.keys[0], instead=True)
    return urls


async def act_on_keys(command: str) -> str:
    """One of `COMMANDS`, on the open database."""
    if command == "rotate-signing-key":
        return f"New signing key {await add_key()}. It signs in two minutes, when every process knows it."
    done = await reseal_all()
    if command == "accept-key-loss":
        return f"The keys of SAASBOT_SECRET_KEYS count from now on. Secrets that no key opens: {done.unreadable}."
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
