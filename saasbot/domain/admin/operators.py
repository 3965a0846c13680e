"""What whoever has the machine may do to an account, by command line: nothing on the network reaches it."""

from uuid import UUID

from sqlalchemy import delete, select, update
from sqlmodel import col

from saasbot.domain.admin.credentials import end_everything_of
from saasbot.domain.admin.second_factors import hold_sign_ins
from saasbot.infra.db import platform_unit_of_work, run
from saasbot.infra.logging import get_logger
from saasbot.models import RecoveryCode, SecondFactor, UserAccount
from saasbot.models.table import utcnow

log = get_logger(__name__)


async def set_super_admin(email: str, *, granted: bool) -> UUID | None:
    """The account operates the whole installation, or no longer. Everything that it had opened ends: with the right it signs in
    anew, in two steps. Nothing when there is no such account.
    """
    async with platform_unit_of_work("grant or revoke a super administrator"):
        changed = await run(
            update(UserAccount)
            .where(col(UserAccount.email) == email)
            .values(is_super_admin=granted)
            .returning(col(UserAccount.id))
        )
        user_id = changed.scalar()
        if user_id is None:
            return None
        await end_everything_of(user_id, utcnow())
    log.warning("admin.super_admin_set", user_id=str(user_id), granted=granted)
    return user_id


async def drop_second_factor(email: str) -> UUID | None:
    """For somebody who lost the phone, the recovery codes and the mailbox, and whom the operator knows. Everything ends; an
    administrator makes a new one at the next sign-in. Nothing when there is no such account.
    """
    async with platform_unit_of_work("drop a lost second factor"):
        found = await run(select(col(UserAccount.id)).where(col(UserAccount.email) == email))
        user_id = found.scalar()
        if user_id is None:
            return None
        await hold_sign_ins(user_id)
        await run(delete(SecondFactor).where(col(SecondFactor.user_id) == user_id))
        await run(delete(RecoveryCode).where(col(RecoveryCode.user_id) == user_id))
        await end_everything_of(user_id, utcnow())
    log.warning("admin.second_factor_dropped", user_id=str(user_id))
    return user_id
