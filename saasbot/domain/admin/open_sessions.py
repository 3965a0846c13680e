"""Everything through which a person is signed in, and its end."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from saasbot.infra import events
from saasbot.infra.db import platform_unit_of_work, sql
from saasbot.infra.logging import get_logger
from saasbot.models.table import utcnow

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SignIn:
    """A browser's session, or a program's family of tokens."""

    id: UUID
    kind: Literal["browser", "api"]
    network: str
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    """Within the hour, for a browser; when it last asked for tokens, for a program."""


async def open_sessions(user_id: UUID) -> list[SignIn]:
    """Those that are not over, in every company of the person, the last seen first."""
    async with platform_unit_of_work("list a person's open sessions"):
        rows = await sql(
            """
            SELECT id, 'browser' AS kind, network, user_agent, created_at, last_seen_at FROM user_session
            WHERE user_id = :user AND revoked_at IS NULL AND expires_at > :now
            UNION ALL
            SELECT family, 'api', (array_agg(network ORDER BY created_at DESC))[1],
                (array_agg(user_agent ORDER BY created_at DESC))[1], min(created_at), max(created_at)
            FROM refresh_token WHERE user_id = :user AND revoked_at IS NULL
            GROUP BY family HAVING bool_or(used_at IS NULL AND expires_at > :now)
            ORDER BY last_seen_at DESC, id DESC
            """,
            user=user_id,
            now=utcnow(),
        )
    return [SignIn(*row) for row in rows]


async def end_session(user_id: UUID, session_id: UUID) -> bool:
    """It is over, on every machine and open socket. False: the person has no such session, or it was over."""
    return await _end(user_id, "= :session", session_id) > 0


async def end_other_sessions(user_id: UUID, kept: UUID) -> int:
    """All but this one are over. Returns how many were not."""
    return await _end(user_id, "<> :session", kept)


async def _end(user_id: UUID, which: str, session_id: UUID) -> int:
    """`which` is one of the two comparisons above."""
    ended: set[UUID] = set()
    async with platform_unit_of_work("end a person's sessions"):
        # families twice: a link that is being exchanged makes the first wait, and the second sees the one it was exchanged for
        for table, key in (("user_session", "id"), ("refresh_token", "family"), ("refresh_token", "family")):
            rows = await sql(
                f"UPDATE {table} SET revoked_at = :now WHERE user_id = :user AND {key} {which} AND revoked_at IS NULL "  # noqa: S608
                f"RETURNING {key} AS id, company_id",
                now=utcnow(),
                user=user_id,
                session=session_id,
            )
            for row in rows:
                ended.add(row.id)
                events.publish("session", company_id=row.company_id, user=user_id)
    log.info("accounts.sessions_ended", user_id=str(user_id), sessions=len(ended))
    return len(ended)
