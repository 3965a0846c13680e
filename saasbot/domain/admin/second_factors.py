"""Authenticator apps and recovery codes of accounts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel import select as select_rows

from saasbot.domain.admin.credentials import HAS_SECOND_FACTOR, NEEDS_SECOND_FACTOR, end_everything_of
from saasbot.infra import jobs
from saasbot.infra.crypto import Unsealable, place, seal, unseal
from saasbot.infra.db import platform_unit_of_work, run, session
from saasbot.infra.logging import get_logger
from saasbot.models import Membership, RecoveryCode, SecondFactor, SignInAttempt, UserAccount
from saasbot.models.table import utcnow

log = get_logger(__name__)

NOTICE_TASK = "accounts.mail_security_notice"


@dataclass(frozen=True, slots=True)
class Replacement:
    """Another app, which waits for its first code."""

    secret: str = field(repr=False)
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Factor:
    id: UUID
    secret: str | None = field(repr=False)
    """Nothing when no secret key opens it any more: then only a code by mail helps."""
    confirmed_at: datetime | None
    mail_allowed: bool
    replacement: Replacement | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account has of a second step, and whether it must."""

    enrolled: bool
    mandatory: bool
    since: datetime | None = None
    codes_left: int = 0


async def standing_of(user_id: UUID) -> Standing:
    """Mandatory is what is so in any of the person's companies."""
    async with platform_unit_of_work("read how an account signs in"):
        found = await run(
            select(HAS_SECOND_FACTOR, func.bool_or(NEEDS_SECOND_FACTOR))
            .select_from(UserAccount)
            .join(Membership, col(Membership.user_id) == col(UserAccount.id))
            .where(col(UserAccount.id) == user_id, col(Membership.removed_at).is_(None))
            .group_by(col(UserAccount.id))
        )
        row = found.first()
        since = await run(select(col(SecondFactor.confirmed_at)).where(col(SecondFactor.user_id) == user_id))
        left = await run(
            select(func.count()).where(col(RecoveryCode.user_id) == user_id, col(RecoveryCode.used_at).is_(None))
        )
        return Standing(bool(row and row[0]), bool(row and row[1]), since.scalar(), left.scalar_one())


async def read_factor(user_id: UUID) -> Factor | None:
    """The app of the account, confirmed or not."""
    async with platform_unit_of_work("read a second factor"):
        row = (await session().exec(select_rows(SecondFactor).where(SecondFactor.user_id == user_id))).one_or_none()
    if row is None:
        return None
    secret, sealed = _opened(row, "totp_sealed", row.totp_sealed), row.replacement_sealed
    if sealed is None or row.replacement_until is None or row.replacement_until <= utcnow():
        return Factor(row.id, secret, row.confirmed_at, row.mail_allowed)
    other = _opened(row, "replacement_sealed", sealed)
    replacement = Replacement(other, sealed) if other is not None else None
    return Factor(row.id, secret, row.confirmed_at, row.mail_allowed, replacement)


def _opened(row: SecondFactor, column: str, sealed: bytes) -> str | None:
    try:
        return unseal(sealed, place("second_factor", column, row.id))
    except Unsealable:
        log.error("accounts.second_factor_unsealable", user_id=str(row.user_id))
        return None


async def begin_factor(user_id: UUID, secret: str) -> bool:
    """Keep the secret until its first code confirms it, in place of an unconfirmed one. False: there is a confirmed one."""
    row = SecondFactor(user_id=user_id, totp_sealed=b"")
    row.totp_sealed = seal(secret, place("second_factor", "totp_sealed", row.id))
    async with platform_unit_of_work("begin a second factor"):
        await run(
            delete(SecondFactor).where(col(SecondFactor.user_id) == user_id, col(SecondFactor.confirmed_at).is_(None))
        )
        kept = await run(
            insert(SecondFactor)
            .values(**row.model_dump())
            .on_conflict_do_nothing(index_elements=["user_id"])
            .returning(col(SecondFactor.id))
        )
        return kept.first() is not None


async def confirm_factor(
    user_id: UUID,
    factor_id: UUID,
    *,
    step: int,
    code_hashes: Sequence[bytes],
    attempt_id: UUID | None = None,
    attempt_ends: datetime | None = None,
) -> bool:
    """The app counts from now on, with these recovery codes. `attempt_id`: of the sign-in that waits for it, which is proved
    then and lives until `attempt_ends`. False: it is confirmed or replaced by now, or the sign-in is over, and nothing happened.
    """
    now = utcnow()
    async with platform_unit_of_work("confirm a second factor"):
        held = await hold_sign_ins(user_id)
        if attempt_id is not None and attempt_id not in held:
            return False
        confirmed = await run(
            update(SecondFactor)
            .where(col(SecondFactor.id) == factor_id, col(SecondFactor.confirmed_at).is_(None))
            .values(confirmed_at=now, last_step=step)
            .returning(col(SecondFactor.id))
        )
        if confirmed.first() is None:
            return False
        await _replace_codes(user_id, code_hashes)
        if attempt_id is not None and attempt_ends is not None:
            await run(
                update(SignInAttempt)
                .where(col(SignInAttempt.id) == attempt_id)
                .values(proved_at=now, expires_at=attempt_ends)
            )
        await jobs.defer(NOTICE_TASK, user_id=str(user_id), what="on")
    log.info("accounts.second_factor_confirmed", user_id=str(user_id))
    return True


async def begin_replacement(user_id: UUID, secret: str, *, until: datetime) -> bool:
    """Keep the secret of another app beside the one that counts, in place of one that waited. False: none counts."""
    async with platform_unit_of_work("begin to replace a second factor"):
        found = await run(
            select(col(SecondFactor.id)).where(
                col(SecondFactor.user_id) == user_id, col(SecondFactor.confirmed_at).is_not(None)
            )
        )
        factor_id = found.scalar()
        if factor_id is None:
            return False
        sealed = seal(secret, place("second_factor", "replacement_sealed", factor_id))
        kept = await run(
            update(SecondFactor)
            .where(col(SecondFactor.id) == factor_id)
            .values(replacement_sealed=sealed, replacement_until=until)
        )
        return kept.rowcount > 0


async def replace_factor(
    user_id: UUID,
    factor_id: UUID,
    replacement: Replacement,
    *,
    step: int,
    code_hashes: Sequence[bytes],
    kept: UUID,
) -> bool:
    """The other app counts from now on, with these recovery codes, and the one before no more. Sign-ins that wait, sessions and
    families of tokens but `kept` are over. False: another was begun since, or it is late, and nothing happened.
    """
    now = utcnow()
    async with platform_unit_of_work("replace a second factor"):
        await hold_sign_ins(user_id)
        replaced = await run(
            update(SecondFactor)
            .where(
                col(SecondFactor.id) == factor_id,
                col(SecondFactor.user_id) == user_id,
                col(SecondFactor.replacement_sealed) == replacement.sealed,
                col(SecondFactor.replacement_until) > now,
            )
            .values(
                totp_sealed=seal(replacement.secret, place("second_factor", "totp_sealed", factor_id)),
                confirmed_at=now,
                last_step=step,
                replacement_sealed=None,
                replacement_until=None,
            )
            .returning(col(SecondFactor.id))
        )
        if replaced.first() is None:
            return False
        await _replace_codes(user_id, code_hashes)
        await end_everything_of(user_id, now, kept=kept)
        await jobs.defer(NOTICE_TASK, user_id=str(user_id), what="replaced")
    log.info("accounts.second_factor_replaced", user_id=str(user_id))
    return True


async def remove_factor(user_id: UUID) -> bool:
    """The account signs in with its password alone. False: it did already."""
    async with platform_unit_of_work("remove a second factor"):
        await hold_sign_ins(user_id)
        removed = await run(
            delete(SecondFactor).where(col(SecondFactor.user_id) == user_id).returning(col(SecondFactor.confirmed_at))
        )
        await run(delete(RecoveryCode).where(col(RecoveryCode.user_id) == user_id))
        was_on = removed.scalar() is not None
        if was_on:
            await jobs.defer(NOTICE_TASK, user_id=str(user_id), what="off")
    log.info("accounts.second_factor_removed", user_id=str(user_id))
    return was_on


async def hold_sign_ins(user_id: UUID) -> set[UUID]:
    """Within the caller's transaction, before it changes what the second step is: until it ends no sign-in of the account begins to
    be judged, and none is ended. Returns those that there are.

    Everybody locks in this order: the account, its sign-ins, the second step. Whoever had the second step first would wait for a
    sign-in that waits for them.
    """
    # as an update of it would lock: a ticket that is being exchanged writes rows that refer to the account
    await run(select(col(UserAccount.id)).where(col(UserAccount.id) == user_id).with_for_update(key_share=True))
    held = await run(select(col(SignInAttempt.id)).where(col(SignInAttempt.user_id) == user_id).with_for_update())
    return set(held.scalars())


async def replace_recovery_codes(user_id: UUID, code_hashes: Sequence[bytes]) -> None:
    """Those from before open nothing any more."""
    async with platform_unit_of_work("replace recovery codes"):
        await _replace_codes(user_id, code_hashes)
        await jobs.defer(NOTICE_TASK, user_id=str(user_id), what="codes_renewed")
    log.info("accounts.recovery_codes_replaced", user_id=str(user_id))


async def _replace_codes(user_id: UUID, code_hashes: Sequence[bytes]) -> None:
    await run(delete(RecoveryCode).where(col(RecoveryCode.user_id) == user_id))
    session().add_all([RecoveryCode(user_id=user_id, code_hash=code_hash) for code_hash in code_hashes])
