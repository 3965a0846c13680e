"""Messages as the API shows and takes them."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urljoin
from uuid import UUID

from pydantic import BaseModel, Field

from saasbot.api.schemas import Body, Flag
from saasbot.domain.inbox.new_message import Card, Place, Poll, Special
from saasbot.domain.inbox.views import MediaView, MessageView
from saasbot.infra.errors import InvalidInput
from saasbot.infra.settings import settings
from saasbot.models import ActKind, MessageType


class MediaOut(BaseModel):
    id: UUID
    status: Literal["pending", "stored", "failed"]
    error: str | None
    mime: str
    size: int
    width: int | None
    height: int | None
    seconds: int | None
    voice: bool
    """Of a sound: a voice note, not a file."""
    file_name: str | None
    url: str | None
    """Signed, valid for at least half an hour; null until the file is here."""
    thumbnail_url: str | None


class ReactionOut(BaseModel):
    author: Literal["customer", "phone"]
    emoji: str
    by: str | None = None
    """In a group: the address of whose it is."""


class ActOut(BaseModel):
    kind: ActKind
    text: str
    """The emoji, or the new text."""
    status: Literal["queued", "sending", "failed", "unconfirmed"]
    error: str | None


class QuotedOut(BaseModel):
    author: str
    author_name: str
    type: str
    text: str
    is_status: bool
    """A status of the phone, or of the customer: it stands in no chat."""


class MessageOut(BaseModel):
    id: UUID
    direction: Literal["inbound", "outbound"]
    author: Literal["customer", "bot", "agent", "phone", "system"]
    author_name: str
    """Who of the team, which bot, or who of a group: their name, else `+` and the digits of their phone."""
    type: MessageType
    text: str
    payload: dict[str, Any]
    """By type: location {latitude, longitude, name, address}, and {live} where it is of one who moves; contact {name, vcard}, and
    where several came {others: [{name, vcard}], left_out: how many were too many}; unsupported, activity {kind}; a text
    that was chosen and not typed {kind}; a poll, which is a text too, {kind: poll, question, options, several, votes};
    `refused`: WhatsApp's number of the error `refused_by_whatsapp`."""
    media: MediaOut | None
    quoted: QuotedOut | None
    """The message that it answers, as it is here; where it is not here, what the answer itself tells of it."""
    reactions: list[ReactionOut]
    """At most one of each side of the chat; in a group of each of its people."""
    edited_at: datetime | None
    revoked_at: datetime | None
    """When it was deleted for everyone; its text is then empty."""
    earlier_text: str | None
    """What an edited message said at first, what a deleted one said at last."""
    acts: list[ActOut]
    """Reactions, edits and deletions of ours that WhatsApp has not taken (yet): the message changes when it has."""
    status: str
    error: str | None
    held_until: datetime | None
    """Of a queued message: it does not leave before then, for `held_reason`."""
    held_reason: str | None
    created_at: datetime
    wa_timestamp: datetime | None

    @classmethod
    def of(cls, view: MessageView) -> "MessageOut":
        return cls.model_validate(
            {
                **{name: getattr(view, name) for name in cls.model_fields if name not in ("media", "quoted")},
                "media": _media(view.media) if view.media else None,
                "quoted": asdict(view.quoted) if view.quoted else None,
            }
        )


class PlaceIn(Body):
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    name: str = ""
    address: str = ""


class CardIn(Body):
    name: str
    phone: Annotated[str, Field(description="With its country code.")]


class PollIn(Body):
    question: str
    options: Annotated[list[str], Field(description="2 to 12, each another one.", max_length=50)]
    several: Flag = False


class NewMessage(Body):
    """Words, a file with a caption, or one of `location`, `contact` and `poll` alone."""

    text: Annotated[str, Field(description="At most 4096 characters.")] = ""
    media_id: Annotated[UUID | None, Field(description="A file uploaded before; the text is then its caption.")] = None
    quoted_id: Annotated[UUID | None, Field(description="The message that it answers.")] = None
    location: PlaceIn | None = None
    contact: CardIn | None = None
    poll: PollIn | None = None

    def special(self) -> Special | None:
        """Raises: InvalidInput."""
        given = [part for part in (self.location, self.contact, self.poll) if part is not None]
        if len(given) > 1:
            raise InvalidInput("type", "Send a location, a contact or a poll, one at a time.")
        if self.location is not None:
            return Place(**self.location.model_dump())
        if self.contact is not None:
            return Card(**self.contact.model_dump())
        if self.poll is not None:
            return Poll(self.poll.question, tuple(self.poll.options), self.poll.several)
        return None


class QueuedOut(MessageOut):
    message_id: UUID
    """The same as `id`, under the name that `POST /channels/{id}/messages` gives it."""


class Reaction(Body):
    emoji: Annotated[str, Field(description="One emoji; empty to take the reaction back.")]


class NewText(Body):
    text: Annotated[str, Field(description="At most 4096 characters.")]


def _media(view: MediaView) -> dict[str, Any]:
    same = {name: getattr(view, name) for name in MediaOut.model_fields if name not in ("url", "thumbnail_url")}
    return {**same, "url": _absolute(view.urls.url), "thumbnail_url": _absolute(view.urls.thumb_url)}


def _absolute(url: str) -> str | None:
    """Local files have an address of this server: a program elsewhere needs all of it."""
    return urljoin(settings().public_url, url) if url else None
