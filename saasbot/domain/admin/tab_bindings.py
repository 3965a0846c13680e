"""The tabs of browsers and the sessions that hold them. The rows outlive a restart and are the same for all processes."""

from uuid import UUID

from sqlalchemy import exists, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from saasbot.domain.admin.credentials import SEATED
from saasbot.infra.db import platform_unit_of_work, run
from saasbot.models import Membership, TabBinding, UserAccount, UserSession
from saasbot.models.table import utcnow


async def claim_tab(token_hash: bytes, session_id: UUID | None) -> bool:
    """Whether no other live session holds the tab. Then it is held by this one; without one, still by nobody.

    Of two sessions that claim a tab at the same moment one gets it: the row is written by one statement.
    """
    now = utcnow()
    holder_lives = exists(
        select(col(UserSession.id))
        .join(UserAccount, col(UserAccount.id) == col(UserSession.user_id))
        .join(
            Membership,
            (col(Membership.user_id) == col(UserSession.user_id))
            & (col(Membership.company_id) == col(UserSession.company_id)),
        )
        .where(
            # by name: beside an INSERT there is no query around in which SQLAlchemy would find the row that is in the way
            col(UserSession.id) == literal_column("tab_binding.session_id"),
            col(UserSession.revoked_at).is_(None),
            col(UserSession.expires_at) > now,
            *SEATED,
        )
    )
    async with platform_unit_of_work("claim a tab for a session"):
        if session_id is None:
            held = await run(
                select(col(TabBinding.session_id)).where(col(TabBinding.token_hash) == token_hash, holder_lives)
            )
            return held.first() is None
        claimed = await run(
            insert(TabBinding)
            .values(token_hash=token_hash, session_id=session_id, seen_at=now)
            .on_conflict_do_update(
                index_elements=["token_hash"],
                set_={"session_id": session_id, "seen_at": now},
                where=or_(col(TabBinding.session_id) == session_id, ~holder_lives),
            )
            .returning(col(TabBinding.session_id))
        )
        return claimed.first() is not None
