"""What people do to messages that are there already: react, edit, delete."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, Text, text
from sqlmodel import Field

from saasbot.models.inbox import MessageStatus
from saasbot.models.table import Moment, Table, TenantRow, owned_by_company


class ActKind(StrEnum):
    REACTION = "reaction"
    EDIT = "edit"
    REVOKE = "revoke"
    """Deleted for everyone."""


class MessageAct(Table, table=True):
    """The newest act of a kind by one side of a chat (in a group: by one of its people) on one message.

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
    actor: str = Field(default="", primary_key=True, sa_column_kwargs={"server_default": ""})
    """In a group: the address of whose act it is, where it is not the phone's own."""
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    text: str = ""
    """The emoji, empty when it was taken back; the new text of an edit."""
    at: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    """An older act of the same kind changes nothing."""


class OutgoingAct(TenantRow, table=True):
    """An act of ours on its way: the outbox entry of a reaction, an edit or a deletion that a person asked for.

    The message itself changes only once WhatsApp took the act (`MessageAct` has it then). Until that, and where it failed or
    was not confirmed, this row is what the thread shows beside the message.
    """

    __table_args__ = (
        owned_by_company("channel_id", "channel"),
        owned_by_company("conversation_id", "conversation"),
        owned_by_company("message_id", "message"),
        # the holder of a number: what waits, oldest first, and what an earlier holder left behind
        Index("ix_outgoing_act_queued", "channel_id", "seq", postgresql_where=text("status = 'queued'")),
        Index("ix_outgoing_act_sending", "channel_id", postgresql_where=text("status = 'sending'")),
        # the thread: what became of the newest act of each kind on a message
        Index("ix_outgoing_act_message", "message_id", "kind", text("seq DESC")),
    )

    seq: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=[Identity(always=True)], nullable=False)
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    channel_id: UUID
    conversation_id: UUID
    message_id: UUID
    kind: ActKind = Field(sa_type=Text, nullable=False)
    text: str = ""
    """The emoji, empty to take it back; the new text of an edit."""
    author_user_id: UUID | None = Field(default=None, foreign_key="user_account.id", ondelete="SET NULL")
    status: MessageStatus = Field(sa_type=Text, nullable=False)
    """queued, sending, sent, failed or unconfirmed."""
    error: str | None = None
    sending_epoch: int | None = Field(default=None, sa_type=BigInteger)
