"""What the agent would answer: the turn of a customer's message without sending, storing or telling anything."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlmodel import col, select

from saasbot.agent.trials import trial_of
from saasbot.agent.turn import Thought, run_turn
from saasbot.domain.actor import Actor
from saasbot.domain.agent.allowance import TRIALS
from saasbot.domain.agent.claim import bot_facts, company_facts, policies_of, recent_lines
from saasbot.domain.agent.turn import Line, Turn
from saasbot.domain.bots.access import access_bot
from saasbot.domain.channels.pairing import digits_of_phone
from saasbot.infra.db import session, unit_of_work
from saasbot.infra.errors import AppError, InvalidInput, NotFound
from saasbot.infra.text_input import storable
from saasbot.models import Bot, Company, Contact, ContactIdentity, Conversation, IdentityKind, PromptVersion
from saasbot.models.table import new_id

MAX_MESSAGE = 4_096


class NoModel(AppError):
    code: ClassVar[str] = "ai_paused"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "No AI model can answer: add a key that works."


class AllowanceUsed(AppError):
    code: ClassVar[str] = "allowance_used"
    status: ClassVar[int] = 429
    message: ClassVar[str] = (
        "Today's trials with the platform's AI model are used up. Add a key of your own, or go on tomorrow."
    )


@dataclass(frozen=True, slots=True)
class TriedAnswer:
    """The decision and why. `turn` holds bot and prompt version."""

    turn: Turn
    thought: Thought


async def think(
    actor: Actor, *, user_message: str, phone: str = "", bot_id: UUID | None = None, prompt: str | None = None
) -> TriedAnswer:
    """Run the turn that this message would start, with the history of that phone's newest chat if there is one.

    `prompt` tries a text that is not published. Opens transactions of its own, because the model is asked between them.

    Raises: Forbidden, NotFound (bot), InvalidInput, NoModel, TrialsAtOnce, TrialsThisHour, AllowanceUsed.
    """
    actor.require("bots.read")
    message = storable(user_message).strip()
    if not message:
        raise InvalidInput("user_message", "Write a message first.")
    if len(message) > MAX_MESSAGE:
        raise InvalidInput("user_message", "The message is too long.")
    async with unit_of_work(actor):
        turn = await _turn(actor, message, phone=phone, bot_id=bot_id, prompt=prompt)
    async with trial_of(turn) as models:
        thought = await run_turn(turn, models, allowance=TRIALS)
    if thought.paused == "allowance_used":
        raise AllowanceUsed
    if thought.paused is not None:
        raise NoModel(reason=thought.paused)
    return TriedAnswer(turn, thought)


async def _turn(actor: Actor, message: str, *, phone: str, bot_id: UUID | None, prompt: str | None) -> Turn:
    bot = await access_bot(actor, bot_id) if bot_id is not None else await _first_bot(actor)
    query = select(PromptVersion).where(
        PromptVersion.company_id == actor.company_id,
        PromptVersion.bot_id == bot.id,
        PromptVersion.version == bot.published_version,
    )
    version = (await session().exec(query)).one_or_none()
    if prompt is not None:
        version = PromptVersion(company_id=actor.company_id, bot_id=bot.id, version=0, text=prompt)
    companies = select(Company, policies_of(actor)).where(Company.id == actor.company_id)
    company, policies = (await session().exec(companies)).one()
    conversation, name = await _conversation(actor, phone) if phone.strip() else (None, "")
    earlier = await recent_lines(conversation) if conversation is not None else ()
    return Turn(
        id=new_id(),
        conversation_id=conversation.id if conversation else new_id(),
        owner_epoch=0,
        customer_seq=0,
        company=company_facts(company, policies),
        bot=bot_facts(bot, version),
        customer_name=name,
        lines=(*earlier, Line("customer", "text", message)),
    )


async def _first_bot(actor: Actor) -> Bot:
    query = select(Bot).where(Bot.company_id == actor.company_id).order_by(col(Bot.id)).limit(1)
    bot = (await session().exec(query)).one_or_none()
    if bot is None:
        raise NotFound
    return bot


async def _conversation(actor: Actor, phone: str) -> tuple[Conversation | None, str]:
    """The newest conversation of that phone number, and the contact's name."""
    query = (
        select(Conversation, Contact.name)
        .join(Contact, col(Contact.id) == Conversation.contact_id)
        .join(ContactIdentity, col(ContactIdentity.contact_id) == Contact.id)
        .where(
            Conversation.company_id == actor.company_id,
            ContactIdentity.kind == IdentityKind.PHONE,
            ContactIdentity.value == _digits(phone),
        )
        .order_by(col(Conversation.last_activity_at).desc())
        .limit(1)
    )
    row = (await session().exec(query)).one_or_none()
    return (None, "") if row is None else (row[0], row[1])


def _digits(phone: str) -> str:
    """A number that nobody can have is just one without a history."""
    try:
        return digits_of_phone(phone)
    except InvalidInput:
        return "".join(filter(str.isdigit, phone))
