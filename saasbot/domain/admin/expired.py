"""Rows that only the past needed: expired sessions, tickets, tokens, resets, failures, remembered answers, and the lines of
the audit trail after 90 days."""

from datetime import timedelta

from sqlalchemy import delete, or_
from sqlmodel import col

from saasbot.infra.db import platform_unit_of_work, run, sql
from saasbot.infra.logging import get_logger
from saasbot.models import IdempotencyKey, PasswordReset, RefreshToken, SignInFailure, SignInTicket, UserSession
from saasbot.models.table import utcnow

log = get_logger(__name__)

_KEPT_AFTER_THE_END = timedelta(days=7)
_DAY = timedelta(days=1)


async def remove_expired() -> int:
    """Remove them in every company. Returns how many. Ended sessions and tokens stay a week, for whoever asks what happened."""
    now = utcnow()
    past = now - _KEPT_AFTER_THE_END
    statements = (
        delete(UserSession).where(or_(col(UserSession.expires_at) < past, col(UserSession.revoked_at) < past)),
        delete(SignInTicket).where(col(SignInTicket.expires_at) < now - _DAY),
        delete(RefreshToken).where(col(RefreshToken.expires_at) < past),
        delete(PasswordReset).where(col(PasswordReset.expires_at) < now - _DAY),
        delete(SignInFailure).where(col(SignInFailure.created_at) < now - _DAY),
        delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < now - _DAY),
    )
    async with platform_unit_of_work():
        removed = sum([(await run(statement)).rowcount for statement in statements])
        # the owner's function, because no role of ours may remove a line
        removed += (await sql("SELECT forget_audit()")).scalar_one()
    log.info("accounts.expired_removed", rows=removed)
    return removed
