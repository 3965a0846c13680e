"""Who is signed in shows that it is really them, before something that cannot be undone."""

from typing import ClassVar

from saasbot.domain.accounts import throttle
from saasbot.domain.accounts.passwords import NOBODY, verify_password
from saasbot.domain.actor import Actor
from saasbot.domain.admin import credentials
from saasbot.infra.errors import AppError


class WrongPassword(AppError):
    code: ClassVar[str] = "wrong_password"
    status: ClassVar[int] = 403
    message: ClassVar[str] = "That is not your password."


async def is_password_of(email: str, password_hash: str, password: str, *, network: str, device: str = "") -> bool:
    """Whether it is the account's. Counted like a sign-in before it is judged. Raises: Locked, TooOften."""
    attempt_id = await throttle.count_attempt(email, network, device)
    matches, _ = await verify_password(password, password_hash)
    if matches:
        await throttle.forget_attempts(email, network, device)
    else:
        await throttle.note_refusal(attempt_id, network)
    return matches


async def confirm_password(actor: Actor, password: str) -> None:
    """It is the actor's own. Counted like a sign-in, so that an open session is no way to guess it.

    Call it outside a unit of work. Raises: WrongPassword, Locked.
    """
    found = await credentials.own_credentials(actor.user_id) if actor.user_id is not None else None
    email, password_hash = found or ("", NOBODY)
    if not await is_password_of(email, password_hash, password, network=actor.origin.network):
        raise WrongPassword
