"""A waiting turn begins: may the bot answer, and from what. One short transaction, two reads."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased
from sqlmodel import and_, col, func, select

from saasbot.domain.actor import Actor
from saasbot.domain.agent.turn import AiSettings, BotFacts, CompanyFacts, Line, Quote, Turn
from saasbot.domain.bots.triggers import contains_trigger
from saasbot.domain.channels.commands import set_typing
from saasbot.infra import events
from saasbot.infra.db import session
from saasbot.models import (
    AgentTurn,
    Author,
    Bot,
    Channel,
    Company,
    Contact,
    Conversation,
    ConversationStatus,
    Handler,
    Message,
    MessageType,
    Policy,
    PromptVersion,
    TurnOutcome,
)
from saasbot.models.table import new_id, utcnow

HISTORY = 20
"""Messages of the conversation that the model sees."""
MAX_QUOTE = 200
"""Characters of what one of them answers."""
_EARLY = timedelta(milliseconds=20)
"""The queue's clock is the database's; a job that starts this much before its time is not worth a second one."""


@dataclass(frozen=True, slots=True)
class NotDue:
    """The customer went on writing: the turn waits until then."""

    at: datetime


@dataclass(frozen=True, slots=True)
class _Rows:
    conversation: Conversation
    switched_on: bool
    company: Company
    bot: Bot | None
    prompt: PromptVersion | None
    customer_name: str
    policies: dict[str, str] | None


class _Said(NamedTuple):
    author: str
    type: str
    text: str
    seq: int
    wa_id: str | None
    quoted: dict[str, Any] | None
    """{type, text, is_status}: what it answers."""


async def claim_turn(actor: Actor, conversation_id: UUID) -> Turn | NotDue | None:
    """Begin the turn that waits for this conversation.

    Afterwards no turn waits there (the next message asks for a new one). Nothing is returned when there is nothing to answer
    or the bot may not: then what the customer wrote counts as dealt with, except where a person has the chat.
    Safe to repeat: a turn that was begun and lost with its process is begun again until its answer is committed.
    """
    rows = await _load(actor, conversation_id)
    if rows is None:
        return None
    conversation = rows.conversation
    if conversation.turn_due_at is not None and conversation.turn_due_at > utcnow() + _EARLY:
        return NotDue(conversation.turn_due_at)
    conversation.turn_due_at = None
    conversation.turn_waiting_since = None
    if conversation.last_customer_seq <= conversation.answered_seq or conversation.handler != Handler.BOT:
        return None
    if rows.bot is None or not rows.switched_on:
        _leave_to_the_team(conversation)
        return None
    messages = await _history(conversation)
    if not _starts(rows.bot, conversation, messages):
        _note_not_triggered(rows.bot, conversation)
        return None
    _set_status(conversation, ConversationStatus.OPEN, ConversationStatus.PENDING)
    await set_typing(conversation, on=True)
    return Turn(
        id=new_id(),
        conversation_id=conversation.id,
        owner_epoch=conversation.owner_epoch,
        customer_seq=conversation.last_customer_seq,
        company=company_facts(rows.company, rows.policies),
        bot=bot_facts(rows.bot, rows.prompt),
        customer_name=rows.customer_name,
        lines=tuple(_line(message) for message in messages),
        read=tuple(
            message.wa_id
            for message in messages
            if message.wa_id and message.author == Author.CUSTOMER and message.seq > conversation.answered_seq
        ),
    )


def switched_on() -> ColumnElement[bool]:
    """A column of a query over conversation, channel, company and bot: whether every switch between them is on."""
    return and_(
        col(Company.bot_enabled),
        col(Channel.deleted_at).is_(None),
        col(Channel.bot_enabled),
        col(Conversation.bot_enabled),
        func.coalesce(Bot.enabled, False),
    )


def policies_of(actor: Actor) -> Any:
    """A column: the company's policies that say something, text by name, or nothing."""
    texts = select(func.jsonb_object_agg(Policy.name, Policy.text))
    return texts.where(Policy.company_id == actor.company_id, Policy.text != "").scalar_subquery()


def company_facts(company: Company, policies: dict[str, str] | None) -> CompanyFacts:
    """What a turn may know of the company."""
    return CompanyFacts(
        id=company.id,
        name=company.name,
        industry=company.industry,
        description=company.description,
        locale=company.locale,
        timezone=company.timezone,
        currency=company.currency,
        ai=AiSettings(
            source=company.ai_source,
            key_sealed=company.openai_key_sealed,
            base_url=company.openai_base_url,
            model=company.openai_model,
            paused_reason=company.ai_paused_reason,
            paused_at=company.ai_paused_at,
        ),
        policies=tuple(sorted((policies or {}).items())),
    )


def bot_facts(bot: Bot, prompt: PromptVersion | None) -> BotFacts:
    return BotFacts(
        id=bot.id,
        name=bot.name,
        personality=bot.personality,
        model=bot.model,
        prompt_version=prompt.version if prompt else None,
        prompt=prompt.text if prompt else "",
    )


async def recent_lines(conversation: Conversation) -> tuple[Line, ...]:
    """The newest messages since the last change of ownership, oldest first."""
    return tuple(_line(message) for message in await _history(conversation))


async def _load(actor: Actor, conversation_id: UUID) -> _Rows | None:
    query = (
        select(Conversation, switched_on(), Company, Bot, PromptVersion, Contact.name, policies_of(actor))  # pyright: ignore[reportCallIssue] – typed up to four
        .join(Channel, col(Channel.id) == Conversation.channel_id)
        .join(Company, col(Company.id) == Conversation.company_id)
        .join(Contact, col(Contact.id) == Conversation.contact_id)
        .outerjoin(Bot, col(Bot.id) == Channel.bot_id)
        .outerjoin(
            PromptVersion,
            (col(PromptVersion.bot_id) == Bot.id) & (col(PromptVersion.version) == Bot.published_version),
        )
        .where(Conversation.id == conversation_id, Conversation.company_id == actor.company_id)
        .with_for_update(key_share=True, of=Conversation)
    )
    row = (await session().exec(query)).one_or_none()
    return None if row is None else _Rows(*row)


async def _history(conversation: Conversation) -> list[_Said]:
    """The newest messages since the last change of ownership, oldest first."""
    query = (
        select(Message.author, Message.type, Message.text, Message.seq, Message.wa_id, _quoted())  # pyright: ignore[reportCallIssue] – typed up to four
        .where(
            Message.conversation_id == conversation.id,
            col(Message.seq) > conversation.owner_changed_seq,
            Message.type != MessageType.ACTIVITY,
            col(Message.revoked_at).is_(None),
        )
        .order_by(col(Message.sort_at).desc(), col(Message.seq).desc())
        .limit(HISTORY)
    )
    rows = (await session().exec(query)).all()
    return [_Said(author, kind, text, seq or 0, *rest) for author, kind, text, seq, *rest in reversed(rows)]


def _quoted() -> ColumnElement[dict[str, Any] | None]:
    """A column: the message that one answers as it is here, without words when it was deleted; else as the answer tells it."""
    answered = aliased(Message)
    stored = (
        select(func.jsonb_build_object("type", answered.type, "text", func.left(answered.text, MAX_QUOTE), type_=JSONB))
        .where(
            col(Message.quoted_wa_id).is_not(None),
            col(answered.channel_id) == Message.channel_id,
            col(answered.conversation_id) == Message.conversation_id,
            col(answered.wa_id) == Message.quoted_wa_id,
        )
        .limit(1)
        .correlate(Message)
        .scalar_subquery()
    )
    return func.coalesce(stored, col(Message.payload)["quoted"])


def _starts(bot: Bot, conversation: Conversation, messages: list[_Said]) -> bool:
    """Whether the bot talks in this chat. Once a trigger has started it, it goes on."""
    if not bot.triggers or conversation.bot_started:
        return True
    unanswered = (
        message.text
        for message in messages
        if message.author == Author.CUSTOMER and message.seq > conversation.answered_seq
    )
    if any(contains_trigger(text, bot.triggers) for text in unanswered):
        conversation.bot_started = True
    return conversation.bot_started


def _note_not_triggered(bot: Bot, conversation: Conversation) -> None:
    """The team sees why the bot said nothing."""
    session().add(
        AgentTurn(
            company_id=conversation.company_id,
            conversation_id=conversation.id,
            bot_id=bot.id,
            bot_name=bot.name,
            prompt_version=bot.published_version,
            outcome=TurnOutcome.NOT_TRIGGERED,
            owner_epoch=conversation.owner_epoch,
            customer_seq=conversation.last_customer_seq,
            finished_at=utcnow(),
        )
    )
    _leave_to_the_team(conversation)


def _leave_to_the_team(conversation: Conversation) -> None:
    """The bot will not answer what was written: the chat is open for people, and no longer pending with the bot."""
    conversation.answered_seq = conversation.last_customer_seq
    _set_status(conversation, ConversationStatus.PENDING, ConversationStatus.OPEN)


def _set_status(conversation: Conversation, before: ConversationStatus, after: ConversationStatus) -> None:
    if conversation.status == before:
        conversation.status = after
        events.publish("conversation", company_id=conversation.company_id, conversation_id=conversation.id)


def _line(message: _Said) -> Line:
    speaker = "customer" if message.author == Author.CUSTOMER else "bot" if message.author == Author.BOT else "person"
    quoted = message.quoted
    answers = Quote(quoted["type"], quoted["text"], quoted.get("is_status", False)) if quoted else None
    return Line(speaker=speaker, type=message.type, text=message.text, answers=answers)
