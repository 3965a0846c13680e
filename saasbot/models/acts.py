"""What people do to messages that are there already: react, edit, delete."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Text
from sqlmodel import Field

from saasbot.models.table import Moment, Table, owned_by_company


class ActKind(StrEnum):
    REACTION = "reaction"
    EDIT = "edit"
    REVOKE = "revoke"
    """Deleted for everyone."""


class MessageAct(Table, table=True):
    """The newest act of a kind by one side of a chat on one message.

    A table beside the message, not only columns of it, because an act may come before its message: it names the message as
    WhatsApp does, by number, person and id, and is applied whenever both are here. What it did is kept on the message as
    well (`edited_at`, `earlier_text`, `revoked_at`, `reactions`), so that reading a thread, searching and the agent's
    context cost nothing more.
    """

    __table_args__ = (owned_by_company("channel_id", "channel"), owned_by_company("contact_id", "contact"))

    channel_id: UUID = Field(primary_key=True)
    contact_id: UUID = Field(primary_key=True)
    wa_id: str = Field(primary_key=True)
    """The message that is meant."""
    kind: ActKind = Field(sa_type=Text, primary_key=True)
    from_me: bool = Field(primary_key=True)
    """Whose act it is: the phone's own, or the customer's."""
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    text: str = ""
    """The emoji, empty when it was taken back; the new text of an edit."""
    at: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    """An older act of the same kind changes nothing."""
