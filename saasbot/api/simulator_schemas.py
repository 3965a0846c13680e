"""Bodies and answers of the simulator's control."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator

from saasbot.api.schemas import Flag, check_storable
from saasbot.domain.simulator.customers import Customer, in_group, parse_customer
from saasbot.infra.errors import InvalidInput
from saasbot.infra.storage import storage
from saasbot.models import SimMessage, SimPresence
from saasbot.wa_runtime.simulator.bodies import Content

_LINK_SECONDS = 3600
_MILLISECONDS = 100_000_000_000
"""A number above this is a moment in milliseconds (1973 in milliseconds, 5138 in seconds)."""
_FILES = ("media_base64", "media_url")


class SimBody(BaseModel):
    """Unknown members are refused, `null` is none; text can be stored; files are checked by whoever decodes them."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _only_storable_text(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        check_storable({k: v for k, v in data.items() if k not in _FILES})
        return {name: value for name, value in data.items() if value is not None}


Seconds = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Strict(), Field(ge=0)]
Degrees = Annotated[float, Strict(), Field(allow_inf_nan=False)]


class Past(SimBody):
    """Earlier messages that the phone hands over when it links the number."""

    messages: Annotated[int, Strict(), Field(ge=0, le=20_000)] = 0
    chats: Annotated[int, Strict(), Field(ge=1, le=500)] = 6
    parts: Annotated[int, Strict(), Field(ge=1, le=100)] = 3


class Scan(SimBody):
    phone: str
    push_name: Annotated[str, Field(max_length=100)] = ""
    code: str | None = None
    """The characters on screen, when pairing by code."""
    history: Past = Field(default_factory=Past)


class CustomerMessage(SimBody):
    sender: Annotated[str | None, Field(alias="from")] = None
    lid: str | None = None
    name: Annotated[str, Field(max_length=100)] = ""
    group: Annotated[str | None, Field(max_length=40)] = None
    """The group in which they write: its digits, or `…@g.us`."""
    group_name: Annotated[str, Field(max_length=100)] = ""
    type: str = "text"
    text: str = ""
    media_url: str | None = None
    media_base64: str | None = None
    mime: Annotated[str | None, Field(max_length=100)] = None
    file_name: Annotated[str | None, Field(max_length=200)] = None
    latitude: Degrees | None = None
    longitude: Degrees | None = None
    target_id: Annotated[str | None, Field(max_length=128)] = None
    quoted_id: Annotated[str | None, Field(max_length=128)] = None
    ephemeral_seconds: Annotated[int, Strict(), Field(ge=0, le=31_536_000)] = 0
    """The chat forgets its messages after so long."""
    id: str | None = None
    timestamp: int | float | str | None = None
    """Seconds or milliseconds since 1970, or ISO 8601. Without it: now."""

    def customer(self) -> Customer:
        """Who writes, and in which group. Raises: InvalidInput."""
        person = parse_customer(self.sender, self.lid, self.name)
        return in_group(person, self.group, self.group_name) if self.group else person

    def content(self) -> Content:
        return Content(
            self.type,
            self.text,
            self.latitude,
            self.longitude,
            target_id=self.target_id,
            quoted_id=self.quoted_id,
            ephemeral_seconds=self.ephemeral_seconds,
        )

    def moment(self) -> datetime | None:
        """Raises: InvalidInput."""
        value = self.timestamp
        if value is None:
            return None
        try:
            if isinstance(value, str):
                moment = datetime.fromisoformat(value)
                return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS else value, UTC)
        except (ValueError, OverflowError, OSError):
            raise InvalidInput("timestamp", "Use seconds since 1970 or ISO 8601.") from None


class PhoneMessage(SimBody):
    to: str
    text: str


class Receipts(SimBody):
    wa_ids: Annotated[list[str], Field(min_length=1, max_length=500)]
    kind: Literal["delivered", "read"]


class Typing(SimBody):
    sender: Annotated[str | None, Field(alias="from")] = None
    lid: str | None = None
    on: Flag


class NewCall(SimBody):
    sender: Annotated[str | None, Field(alias="from")] = None
    lid: str | None = None
    name: Annotated[str, Field(max_length=100)] = ""
    video: Flag = False


class Fault(SimBody):
    kind: str
    seconds: Seconds | None = None
    times: Count | None = None
    code: int | str | None = None
    ms: Count | None = None
    window: Count | None = None
    on: Flag | None = None


class Done(BaseModel):
    status: str = "accepted"


class Linked(Done):
    phone: str
    push_name: str


class Written(BaseModel):
    wa_id: str


class SentOut(BaseModel):
    seq: int
    wa_id: str
    to: str
    type: str
    text: str
    media: dict[str, Any] | None
    """`{mime, size, sha256, file_name, voice, url}`"""
    latitude: float | None
    longitude: float | None
    address: str | None
    vcard: str | None
    poll: dict[str, Any] | None
    """`{options, several}`; `text` is then the question."""
    quoted_id: str | None
    """The WhatsApp id of the message that it answers."""
    target_id: str | None
    """Of the message that a reaction, an edit or a revoke is about."""
    ephemeral_seconds: int | None
    at: datetime

    @classmethod
    def of(cls, message: SimMessage) -> "SentOut":
        media = message.payload.get("media")
        if media is not None and message.media_key is not None:
            media = {**media, "url": storage().signed_url(message.media_key, seconds=_LINK_SECONDS)}
        return cls(
            seq=message.seq or 0,
            wa_id=message.wa_id,
            to=message.peer,
            type=message.type,
            text=message.text,
            media=media,
            latitude=message.payload.get("latitude"),
            longitude=message.payload.get("longitude"),
            address=message.payload.get("address"),
            vcard=message.payload.get("vcard"),
            poll=message.payload.get("poll"),
            quoted_id=message.payload.get("quoted_id"),
            target_id=message.payload.get("target_id"),
            ephemeral_seconds=message.payload.get("ephemeral_seconds"),
            at=message.at,
        )


class PresenceOut(BaseModel):
    seq: int
    to: str
    kind: str
    """`composing`, `paused` or `read`."""
    wa_ids: list[str]
    at: datetime

    @classmethod
    def of(cls, presence: SimPresence) -> "PresenceOut":
        return cls(seq=presence.seq or 0, to=presence.peer, kind=presence.kind, wa_ids=presence.wa_ids, at=presence.at)


class SentList(BaseModel):
    data: list[SentOut]


class PresenceList(BaseModel):
    data: list[PresenceOut]
