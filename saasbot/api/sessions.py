"""`/api/v1/auth/sessions`: where the caller is signed in, browsers and programs alike."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from saasbot.api.callers import CurrentCaller
from saasbot.api.router import ApiRouter
from saasbot.domain.accounts import open_sessions

router = ApiRouter("auth")


class SessionOut(BaseModel):
    id: UUID
    kind: str
    """`browser` or `api`."""
    device: str
    network: str
    created_at: datetime
    last_seen_at: datetime
    current: bool


class Sessions(BaseModel):
    data: list[SessionOut]


class Ended(BaseModel):
    ended: int


@router.get("/sessions")
async def list_sessions(caller: CurrentCaller) -> Sessions:
    """The caller's own, the one that asks first."""
    found = await open_sessions.sessions_of(caller.actor, current=caller.family)
    return Sessions(
        data=[
            SessionOut(
                id=session.id,
                kind=session.kind,
                device=str(session.device),
                network=session.network,
                created_at=session.created_at,
                last_seen_at=session.last_seen_at,
                current=session.current,
            )
            for session in found
        ]
    )


@router.delete("/sessions")
async def end_others(caller: CurrentCaller) -> Ended:
    """All but the one that asks."""
    return Ended(ended=await open_sessions.end_other_sessions(caller.actor, current=caller.family))


@router.delete("/sessions/{session_id}", status_code=204)
async def end(caller: CurrentCaller, session_id: UUID) -> None:
    """It is over at once: a browser's socket is refused, a program's tokens open nothing."""
    await open_sessions.end_session(caller.actor, session_id)
