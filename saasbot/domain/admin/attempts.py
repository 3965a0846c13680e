"""Sign-ins that wait for their second step."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlmodel import col

from saasbot.domain.admin.credentials import check_still_proved
from saasbot.domain.admin.second_factors import NOTICE_TASK
from saasbot.infra import jobs
from saasbot.infra.db import platform_unit_of_work, run, session
from saasbot.infra.logging import get_logger
from saasbot.models import RecoveryCode, SecondFactor, SignInAttempt, UserAccount
from saasbot.models.table import utcnow

log = get_logger(__name__)

MAIL_TASK = "accounts.mail_sign_in_code"
MOST_TRIES, MOST_TRIES_A_DAY = 5, 20
"""Of one attempt, and of one account in 24 hours. Only who knows the password comes so far: a reset begins the count anew."""
MOST_MAILS, MOST_MAILS_A_DAY = 3, 20
MAIL_PAUSE = timedelta(minutes=1)
_DAY = timedelta(days=1)

_ALIVE = (col(SignInAttempt.used_at).is_(None), col(SignInAttempt.tries) < MOST_TRIES)


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    id: UUID
    user_id: UUID
    enrols: bool
    tries: int
    """Those that are counted, this one included."""


_COLUMNS = (
    col(SignInAttempt.id),
    col(SignInAttempt.user_id),
    col(SignInAttempt.enrols),
    col(SignInAttempt.tries),
)


async def open_attempt(
    user_id: UUID, *, attempt_hash: bytes, enrols: bool, network: str, expires_at: datetime, proved_by: str = ""
) -> datetime | None:
    """A sign-in begins. Returns the end of the block when too many codes of the account were wrong: then none began.

    Raises: PasswordReplaced.
    """
    now = utcnow()
    async with platform_unit_of_work("open an attempt to sign in"):
        await check_still_proved(user_id, proved_by)
        if (blocked := await _blocked_until(user_id, now)) is not None:
            return blocked
        session().add(
            SignInAttempt(
                user_id=user_id,
                attempt_hash=attempt_hash,
                enrols=enrols,
                network=network,
                created_at=now,
                expires_at=expires_at,
            )
        )
    return None


async def read_attempt(attempt_hash: bytes) -> OpenAttempt | None:
    """One that still may go on."""
    async with platform_unit_of_work("read an attempt to sign in"):
        found = await run(
            select(*_COLUMNS).where(
                col(SignInAttempt.attempt_hash) == attempt_hash, col(SignInAttempt.expires_at) > utcnow(), *_ALIVE
            )
        )
        row = found.first()
    return OpenAttempt(*row) if row else None


async def count_try(attempt_hash: bytes) -> tuple[OpenAttempt | None, datetime | None]:
    """Count a try before it is judged, so that parallel guesses cannot outrun the count.

    Returns the attempt, or nothing when it may not go on; and the end of the block when the account has had too many.
    """
    now = utcnow()
    async with platform_unit_of_work("count a try of a second step"):
        whose = await run(
            select(col(SignInAttempt.user_id)).where(col(SignInAttempt.attempt_hash) == attempt_hash).limit(1)
        )
        user_id = whose.scalar()
        if user_id is None:
            return None, None
        # one at a time for the account: the sum below is that of all who came before
        await run(select(col(UserAccount.id)).where(col(UserAccount.id) == user_id).with_for_update())
        if (blocked := await _blocked_until(user_id, now)) is not None:
            return None, blocked
        counted = await run(
            update(SignInAttempt)
            .where(
                col(SignInAttempt.attempt_hash) == attempt_hash,
                col(SignInAttempt.expires_at) > now,
                col(SignInAttempt.proved_at).is_(None),
                *_ALIVE,
            )
            .values(tries=col(SignInAttempt.tries) + 1)
            .returning(*_COLUMNS)
        )
        row = counted.first()
    return (OpenAttempt(*row) if row else None), None


async def request_mail(attempt_hash: bytes, *, expires_at: datetime) -> timedelta | bool:
    """A job waits that mails a code for the attempt, which lives until `expires_at` then.

    Returns whether it does, or how long to wait until the next mail.
    """
    now = utcnow()
    async with platform_unit_of_work("ask for a code by mail"):
        found = await run(
            select(col(SignInAttempt.id), col(SignInAttempt.user_id), col(SignInAttempt.mails))
            .join(SecondFactor, col(SecondFactor.user_id) == col(SignInAttempt.user_id))
            .where(
                col(SignInAttempt.attempt_hash) == attempt_hash,
                col(SignInAttempt.expires_at) > now,
                col(SignInAttempt.enrols).is_(False),
                col(SecondFactor.mail_allowed),
                *_ALIVE,
            )
        )
        row = found.first()
        if row is None or row.mails >= MOST_MAILS:
            return False
        await run(select(col(UserAccount.id)).where(col(UserAccount.id) == row.user_id).with_for_update())
        sums = await run(
            select(func.coalesce(func.sum(col(SignInAttempt.mails)), 0), func.max(col(SignInAttempt.mailed_at))).where(
                col(SignInAttempt.user_id) == row.user_id, col(SignInAttempt.created_at) > now - _DAY
            )
        )
        mails, newest = sums.one()
        if newest is not None and newest + MAIL_PAUSE > now:
            return newest + MAIL_PAUSE - now
        if mails >= MOST_MAILS_A_DAY:
            return False
        await run(
            update(SignInAttempt)
            .where(col(SignInAttempt.id) == row.id)
            .values(mails=col(SignInAttempt.mails) + 1, mailed_at=now, expires_at=expires_at)
        )
        await jobs.defer(MAIL_TASK, attempt_id=str(row.id))
    return True


async def keep_mail_code(attempt_id: UUID, code_hash: bytes) -> tuple[UUID, str] | None:
    """From now on this code, and none before it, is the mailed one of the attempt. Returns whose attempt it is and from which
    network it came, if it lives.
    """
    async with platform_unit_of_work("keep the code that is mailed"):
        kept = await run(
            update(SignInAttempt)
            .where(col(SignInAttempt.id) == attempt_id, col(SignInAttempt.expires_at) > utcnow(), *_ALIVE)
            .values(mail_code_hash=code_hash)
            .returning(col(SignInAttempt.user_id), col(SignInAttempt.network))
        )
        row = kept.first()
    return (row.user_id, row.network) if row else None


async def finish_with_step(attempt: OpenAttempt, step: int) -> bool:
    """The app's code of this step ends the attempt. False: the code, or a newer one, was used before."""
    async with platform_unit_of_work("finish a sign-in with a step of the app"):
        if not await _hold(attempt):
            return False
        used = await run(
            update(SecondFactor)
            .where(
                col(SecondFactor.user_id) == attempt.user_id,
                col(SecondFactor.confirmed_at).is_not(None),
                col(SecondFactor.last_step) < step,
            )
            .values(last_step=step, mail_allowed=True)
            .returning(col(SecondFactor.id))
        )
        if used.first() is None:
            return False
        await _finish(attempt)
    return True


async def finish_with_mail_code(attempt: OpenAttempt, code_hash: bytes) -> bool:
    """The mailed code ends the attempt. False: it is not the one, or mail will not do."""
    async with platform_unit_of_work("finish a sign-in with a mailed code"):
        if not await _hold(attempt):
            return False
        found = await run(
            select(col(SignInAttempt.id))
            .join(SecondFactor, col(SecondFactor.user_id) == col(SignInAttempt.user_id))
            .where(
                col(SignInAttempt.id) == attempt.id,
                col(SignInAttempt.mail_code_hash) == code_hash,
                col(SecondFactor.mail_allowed),
            )
        )
        if found.first() is None:
            return False
        await _finish(attempt)
    return True


async def finish_with_recovery_code(attempt: OpenAttempt, code_hash: bytes) -> bool:
    """A recovery code ends the attempt, once; its owner is told by mail. False: it is none, or was used."""
    async with platform_unit_of_work("finish a sign-in with a recovery code"):
        if not await _hold(attempt):
            return False
        used = await run(
            update(RecoveryCode)
            .where(
                col(RecoveryCode.user_id) == attempt.user_id,
                col(RecoveryCode.code_hash) == code_hash,
                col(RecoveryCode.used_at).is_(None),
            )
            .values(used_at=utcnow())
            .returning(col(RecoveryCode.id))
        )
        if used.first() is None:
            return False
        await run(update(SecondFactor).where(col(SecondFactor.user_id) == attempt.user_id).values(mail_allowed=True))
        await _finish(attempt)
        await jobs.defer(NOTICE_TASK, user_id=str(attempt.user_id), what="recovery_code_used")
    log.warning("accounts.recovery_code_used", user_id=str(attempt.user_id))
    return True


async def finish_proved(attempt_hash: bytes) -> tuple[UUID, str] | None:
    """An enrolment that was confirmed ends its attempt, once. Returns whose it is, and the hash of the password that began it."""
    async with platform_unit_of_work("finish a sign-in that was proved"):
        used = await run(
            update(SignInAttempt)
            .where(
                col(SignInAttempt.attempt_hash) == attempt_hash,
                col(SignInAttempt.proved_at).is_not(None),
                col(SignInAttempt.used_at).is_(None),
                col(SignInAttempt.expires_at) > utcnow(),
            )
            .values(used_at=utcnow())
            .returning(col(SignInAttempt.user_id))
        )
        if (user_id := used.scalar()) is None:
            return None
        # whoever replaces it ends the attempt too, and waits for us: it is still the one
        proof = await run(select(col(UserAccount.password_hash)).where(col(UserAccount.id) == user_id))
        return user_id, proof.scalar_one()


async def _hold(attempt: OpenAttempt) -> bool:
    """Of two tries at once one judges first. False: the attempt has ended."""
    held = await run(
        select(col(SignInAttempt.id))
        .where(col(SignInAttempt.id) == attempt.id, col(SignInAttempt.used_at).is_(None))
        .with_for_update()
    )
    return held.first() is not None


async def _finish(attempt: OpenAttempt) -> None:
    """The try that was right does not count as a wrong one."""
    await run(
        update(SignInAttempt)
        .where(col(SignInAttempt.id) == attempt.id)
        .values(used_at=utcnow(), tries=col(SignInAttempt.tries) - 1)
    )


async def _blocked_until(user_id: UUID, now: datetime) -> datetime | None:
    sums = await run(
        select(func.coalesce(func.sum(col(SignInAttempt.tries)), 0), func.min(col(SignInAttempt.created_at))).where(
            col(SignInAttempt.user_id) == user_id,
            col(SignInAttempt.created_at) > now - _DAY,
            col(SignInAttempt.tries) > 0,
        )
    )
    tries, oldest = sums.one()
    if tries < MOST_TRIES_A_DAY:
        return None
    log.warning("accounts.second_step_blocked", user_id=str(user_id))
    return oldest + _DAY
