"""What a turn works with and what it brings back. Plain values: nothing here reads or writes."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from saasbot.models import AiSource

PausedReason = Literal["key_missing", "key_refused", "allowance_used"]


@dataclass(frozen=True, slots=True)
class AiSettings:
    """Whose model answers for a company. The key stays sealed until the moment it is used."""

    source: AiSource
    key_sealed: bytes | None = field(repr=False)
    base_url: str | None
    model: str | None
    paused_reason: str | None
    paused_at: datetime | None


@dataclass(frozen=True, slots=True)
class CompanyFacts:
    id: UUID
    name: str
    industry: str
    description: str
    locale: str
    timezone: str
    currency: str
    ai: AiSettings
    policies: tuple[tuple[str, str], ...]
    """Name and text of each policy that says something."""


@dataclass(frozen=True, slots=True)
class BotFacts:
    """The bot as it was when the turn began, with its published prompt."""

    id: UUID
    name: str
    personality: str
    model: str | None
    prompt_version: int | None
    prompt: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What a message answers, in part."""

    type: str
    text: str
    is_status: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A message of the conversation, as the model is told of it."""

    speaker: Literal["customer", "bot", "person"]
    type: str
    text: str
    answers: Quote | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One attempt to answer what a customer has written up to `customer_seq`, under the ownership `owner_epoch`."""

    id: UUID
    conversation_id: UUID
    owner_epoch: int
    customer_seq: int
    company: CompanyFacts
    bot: BotFacts
    customer_name: str
    lines: tuple[Line, ...]
    """Oldest first, since the last change of ownership."""
    read: tuple[str, ...] = ()
    """What the customer wrote since the last answer, as WhatsApp names it, as far as it is in `lines`; oldest first."""


@dataclass(frozen=True, slots=True)
class Photo:
    media_id: UUID
    caption: str
    title: str


@dataclass(frozen=True, slots=True)
class HandOff:
    """Pass the chat to the team. `reason` is a stable code, `summary` what the team should know."""

    reason: str
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the turn wants to do. Photos go out after the text; a hand-off comes with the text that tells the customer,
    or with the standard sentence when that is empty."""

    text: str = ""
    photos: tuple[Photo, ...] = ()
    hand_off: HandOff | None = None


@dataclass(slots=True)
class TurnRecord:
    """Why the bot said what it said: kept with the turn, shown to the team."""

    model: str = ""
    intent: str = ""
    sentiment: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    tools_used: list[str] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    """Each: {kind: model · tool · guard · error, …, milliseconds}."""
    sources: list[dict[str, str]] = field(default_factory=list)
    """Each once: {kind: product · policy, id, title}."""

    @property
    def answered(self) -> bool:
        """Whether a model was reached at all."""
        return any(step["kind"] == "model" for step in self.steps)

    def add_source(self, kind: str, id: str, title: str) -> None:
        source = {"kind": kind, "id": id, "title": title}
        if source not in self.sources:
            self.sources.append(source)

    def add_tool(self, name: str) -> None:
        if name not in self.tools_used:
            self.tools_used.append(name)
