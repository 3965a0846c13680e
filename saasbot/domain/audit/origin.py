"""Who did it and where from, as the trail writes it down."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from saasbot.infra.errors import AppError
from saasbot.models.audit import Via


@dataclass(frozen=True, slots=True)
class Origin:
    """Where from somebody acts. It decides nothing."""

    via: Via = Via.SYSTEM
    network: str = ""
    session_id: UUID | None = None
    """Of a browser the session, of the API the family of tokens."""
    act: str = ""
    """The event or the route that is being served."""


NOWHERE = Origin()


class Acting(Protocol):
    """What the trail reads of an `Actor`, which tells its own refusals and so depends on the trail."""

    @property
    def company_id(self) -> UUID: ...
    @property
    def user_id(self) -> UUID | None: ...
    @property
    def name(self) -> str: ...
    @property
    def origin(self) -> Origin: ...
    async def refused(self, error: AppError) -> None: ...
