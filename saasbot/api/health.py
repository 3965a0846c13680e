"""`GET /health`, also `/healthz`, at the root and under `/api/v1`: for load balancers and people."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from saasbot.infra import health

State = Literal["ok", "down"]
router = APIRouter(tags=["health"])


class HealthOut(BaseModel):
    status: State
    database: State
    runtime: State
    jobs: State


@router.get("/health", responses={503: {"model": HealthOut, "description": "A part is down."}})
@router.get("/healthz", include_in_schema=False)
async def get_health(response: Response) -> HealthOut:
    """503 when a part is down."""
    found = await health.read_health()
    response.status_code = 200 if found.ok else 503
    response.headers["Cache-Control"] = "no-store"
    states: dict[str, State] = {part: "ok" if works else "down" for part, works in found.parts.items()}
    return HealthOut(status="ok" if found.ok else "down", **states)
