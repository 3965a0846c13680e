"""Rows that only the past needed: expired sessions, their tabs, tickets, tokens, links, attempts, failures, counts, answers, and
the lines of the audit trail after 90 days."""

from datetime import timedelta

from sqlalchemy import delete, or_, select
from sqlmodel import col

from saasbot.infra.db import platform_unit_of_work, run, sql, take_longer
from saasbot.infra.logging import get_logger
from saasbot.models import (
    AttemptCount,
    IdempotencyKey,
    Invitation,
    MailConfirmation,
    PasswordReset,
    RefreshToken,
    SignInAttempt,
    SignInFailure,
    SignInTicket,
    TabBinding,
    UserSession,
)
from saasbot.models.table import utcnow

log = get_logger(__name__)

_KEPT_AFTER_THE_END = timedelta(days=7)
_DAY = timedelta(days=1)
_TAB_UNSEEN = timedelta(days=30)
_INVITATIONS_KEPT = timedelta(days=90)


async def remove_expired() -> int:
    """Remove them in every company. Returns how many. Ended sessions and tokens stay a week, for whoever asks what happened."""
    now = utcnow()
    past = now - _KEPT_AFTER_THE_END
    ended = select(col(UserSession.id)).where(
        or_(col(UserSession.expires_at) < now, col(UserSession.revoked_at).is_not(None))
    )
    statements = (
        delete(TabBinding).where(
            or_(col(TabBinding.seen_at) < now - _TAB_UNSEEN, col(TabBinding.session_id).in_(ended))
        ),
        delete(UserSession).where(or_(col(UserSession.expires_at) < past, col(UserSession.revoked_at) < past)),
        delete(SignInTicket).where(col(SignInTicket.expires_at) < now - _DAY),
        delete(RefreshToken).where(col(RefreshToken.expires_at) < past),
        delete(PasswordReset).where(col(PasswordReset.expires_at) < now - _DAY),
        delete(SignInAttempt).where(col(SignInAttempt.expires_at) < now - _DAY),
        delete(MailConfirmation).where(col(MailConfirmation.expires_at) < now - _DAY),
        delete(Invitation).where(col(Invitation.expires_at) < now - _INVITATIONS_KEPT),
        delete(AttemptCount).where(col(AttemptCount.since) < now - _DAY),
        delete(SignInFailure).where(col(SignInFailure.created_at) < now - _DAY),
        delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < now - _DAY),
    )
    async with platform_unit_of_work("remove what has expired"):
        await take_longer(seconds=600)
        removed = sum([(await run(statement)).rowcount for statement in statements])
        # the owner's function, because no role of ours may remove a line
        removed += (await sql("SELECT forget_audit()")).scalar_one()
    log.info("accounts.expired_removed", rows=removed)
    return removed
