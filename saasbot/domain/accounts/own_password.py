"""Who is signed in shows that it is really them, before something that cannot be undone."""

from typing import ClassVar

from saasbot.domain.accounts import throttle
from saasbot.domain.accounts.passwords import NOBODY, verify_password
from saasbot.domain.accounts.throttle import Counted
from saasbot.domain.actor import Actor
from saasbot.domain.admin import credentials
from saasbot.infra.errors import AppError


class WrongPassword(AppError):
    code: ClassVar[str] = "wrong_password"
    status: ClassVar[int] = 403
    message: ClassVar[str] = "That is not your password."


async def is_password_of(email: str, password_hash: str, password: str, *, network: str, device: str = "") -> bool:
    """Whether it is the account's, asked of nobody in particular. Counted like a sign-in before it is judged.

    Raises: Locked, TooOften.
    """
    return await _judge(await throttle.count_attempt(email, network, device), password_hash, password)


async def is_own_password(email: str, password_hash: str, password: str) -> bool:
    """Whether it is the account's, asked of who is signed in to it. Counted before it is judged, so that an open session is no way
    to guess it, and apart from sign-ins, so that who guesses there does not keep its owner from this. Raises: Locked.
    """
    return await _judge(await throttle.count_proof(email), password_hash, password)


async def confirm_password(actor: Actor, password: str) -> None:
    """It is the actor's own. Call it outside a unit of work. Raises: WrongPassword, Locked."""
    found = await credentials.own_credentials(actor.user_id) if actor.user_id is not None else None
    email, password_hash = found or ("", NOBODY)
    if not await is_own_password(email, password_hash, password):
        raise WrongPassword


async def _judge(counted: Counted, password_hash: str, password: str) -> bool:
    matches, _ = await verify_password(password, password_hash)
    if matches:
        await throttle.forget_attempts(counted)
    else:
        await throttle.note_refusal(counted)
    return matches
