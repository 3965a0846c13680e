"""Rows that only the past needed: expired sessions, tickets, tokens, links, failures, counts and remembered answers."""

from datetime import timedelta

from sqlalchemy import delete, or_
from sqlmodel import col

from saasbot.infra.db import platform_unit_of_work, run
from saasbot.infra.logging import get_logger
from saasbot.models import (
    AttemptCount,
    IdempotencyKey,
    Invitation,
    MailConfirmation,
    PasswordReset,
    RefreshToken,
    SignInFailure,
    SignInTicket,
    UserSession,
)
from saasbot.models.table import utcnow

log = get_logger(__name__)

_KEPT_AFTER_THE_END = timedelta(days=7)
_DAY = timedelta(days=1)
_INVITATIONS_KEPT = timedelta(days=90)


async def remove_expired() -> int:
    """Remove them in every company. Returns how many. Ended sessions and tokens stay a week, for whoever asks what happened."""
    now = utcnow()
    past = now - _KEPT_AFTER_THE_END
    statements = (
        delete(UserSession).where(or_(col(UserSession.expires_at) < past, col(UserSession.revoked_at) < past)),
        delete(SignInTicket).where(col(SignInTicket.expires_at) < now - _DAY),
        delete(RefreshToken).where(col(RefreshToken.expires_at) < past),
        delete(PasswordReset).where(col(PasswordReset.expires_at) < now - _DAY),
        delete(MailConfirmation).where(col(MailConfirmation.expires_at) < now - _DAY),
        delete(Invitation).where(col(Invitation.expires_at) < now - _INVITATIONS_KEPT),
        delete(AttemptCount).where(col(AttemptCount.since) < now - _DAY),
        delete(SignInFailure).where(col(SignInFailure.created_at) < now - _DAY),
        delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < now - _DAY),
    )
    async with platform_unit_of_work():
        removed = sum([(await run(statement)).rowcount for statement in statements])
    log.info("accounts.expired_removed", rows=removed)
    return removed
