"""A turn ends: its answer leaves only if it is still wanted. One transaction under the conversation's lock."""

from datetime import timedelta
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.agent.claim import switched_on
from saasbot.domain.agent.turn import Answer, Turn, TurnRecord
from saasbot.domain.channels.commands import send_read_marks, set_typing
from saasbot.domain.inbox.access import successor_of
from saasbot.domain.inbox.outbound import add_outbound
from saasbot.domain.inbox.ownership import hand_off
from saasbot.domain.inbox.turns import TASK
from saasbot.infra import jobs
from saasbot.infra.db import session
from saasbot.infra.errors import NotFound
from saasbot.infra.i18n import gettext
from saasbot.infra.settings import settings
from saasbot.infra.text_input import storable, storable_json
from saasbot.models import (
    AgentTurn,
    Author,
    Bot,
    Channel,
    Company,
    Conversation,
    Handler,
    MessageType,
    TurnOutcome,
)
from saasbot.models.table import utcnow

MAX_TEXT = 4096
"""WhatsApp cuts longer bodies."""


async def commit_turn(actor: Actor, turn: Turn, answer: Answer, record: TurnRecord) -> TurnOutcome:
    """Queue the answer, or hand the chat to the team, if nobody and nothing has overtaken the turn; keep its trace.

    Nothing is sent when a person took over or a switch was turned off meanwhile (`silenced`), nor when the customer wrote
    again (`superseded`: another turn waits and answers everything), nor when an earlier try of this turn was committed.
    """
    conversation, wanted = await _lock(actor, turn.conversation_id)
    outcome = _verdict(conversation, turn, wanted)
    if outcome is None:
        outcome = await _carry_out(actor, conversation, turn, answer)
    elif outcome == TurnOutcome.SUPERSEDED:
        await _ensure_another(actor, conversation)
    if outcome != TurnOutcome.HANDED_OFF:  # handing off clears it
        await set_typing(conversation, on=False)
    _keep(conversation, turn, record, outcome, answer)
    return outcome


def words_of(turn: Turn, answer: Answer) -> str:
    """What the customer reads: the answer's text, or the company's sentence about a hand-off that has none."""
    if answer.text or answer.hand_off is None:
        return answer.text
    return gettext(turn.company.locale, "A person from our team will continue this chat and answer you here.")


async def _lock(actor: Actor, conversation_id: UUID) -> tuple[Conversation, bool]:
    """The locked conversation (the one with which it was joined meanwhile, under another ownership), and whether every
    switch is still on."""
    query = (
        select(Conversation, switched_on())
        .join(Channel, col(Channel.id) == Conversation.channel_id)
        .join(Company, col(Company.id) == Conversation.company_id)
        .outerjoin(Bot, col(Bot.id) == Channel.bot_id)
        .where(Conversation.id == conversation_id, Conversation.company_id == actor.company_id)
        .with_for_update(key_share=True, of=Conversation)
        .execution_options(populate_existing=True)
    )
    found = (await session().exec(query)).one_or_none()
    if found is None and (successor := await successor_of(actor, conversation_id)) is not None:
        return await _lock(actor, successor)
    if found is None:
        raise NotFound
    conversation, on = found
    return conversation, on


def _verdict(conversation: Conversation, turn: Turn, wanted: bool) -> TurnOutcome | None:
    """Why the answer is not wanted any more; nothing when it is."""
    if conversation.owner_epoch != turn.owner_epoch or conversation.handler != Handler.BOT or not wanted:
        return TurnOutcome.SILENCED
    if conversation.last_customer_seq > turn.customer_seq or conversation.answered_seq >= turn.customer_seq:
        return TurnOutcome.SUPERSEDED
    return None


async def _carry_out(actor: Actor, conversation: Conversation, turn: Turn, answer: Answer) -> TurnOutcome:
    # nobody answers what they have not read; for the team it stays new
    await send_read_marks(conversation, list(turn.read))
    if answer.hand_off is not None:
        # first the ownership: the sentence that tells the customer is written under the new one
        await hand_off(actor, conversation, reason=answer.hand_off.reason, summary=storable(answer.hand_off.summary))
        await _say(conversation, turn, words_of(turn, answer))
        return TurnOutcome.HANDED_OFF
    conversation.answered_seq = turn.customer_seq
    if answer.text:
        await _say(conversation, turn, answer.text)
    for photo in answer.photos:
        await add_outbound(
            conversation,
            author=Author.BOT,
            author_name=turn.bot.name,
            type=MessageType.IMAGE,
            text=photo.caption,
            media_id=photo.media_id,
            turn_id=turn.id,
        )
    return TurnOutcome.REPLIED


async def _say(conversation: Conversation, turn: Turn, text: str) -> None:
    for part in split_text(storable(text)):
        await add_outbound(conversation, author=Author.BOT, author_name=turn.bot.name, text=part, turn_id=turn.id)


def split_text(text: str, limit: int = MAX_TEXT) -> list[str]:
    """The text in messages of at most `limit` characters, cut at a line or a space where there is one."""
    parts = []
    rest = text.strip()
    while len(rest) > limit:
        cut = max(rest.rfind("\n", 1, limit), 0) or max(rest.rfind(" ", 1, limit), 0) or limit
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*parts, rest] if rest else parts


async def _ensure_another(actor: Actor, conversation: Conversation) -> None:
    """The newer message has asked for a turn of its own; where it did not, this does."""
    if conversation.turn_due_at is not None or conversation.last_customer_seq <= conversation.answered_seq:
        return
    now = utcnow()
    conversation.turn_waiting_since = now
    conversation.turn_due_at = now + timedelta(milliseconds=settings().agent_debounce_ms)
    await jobs.defer(
        TASK,
        lock=f"conv:{conversation.id}",
        schedule_at=conversation.turn_due_at,
        company_id=str(actor.company_id),
        conversation_id=str(conversation.id),
    )


def _keep(conversation: Conversation, turn: Turn, record: TurnRecord, outcome: TurnOutcome, answer: Answer) -> None:
    session().add(
        AgentTurn(
            id=turn.id,
            company_id=turn.company.id,
            conversation_id=conversation.id,
            bot_id=turn.bot.id,
            bot_name=turn.bot.name,
            prompt_version=turn.bot.prompt_version,
            model=record.model,
            outcome=outcome,
            reason=answer.hand_off.reason if answer.hand_off else None,
            owner_epoch=turn.owner_epoch,
            customer_seq=turn.customer_seq,
            intent=storable(record.intent),
            sentiment=storable(record.sentiment),
            input_tokens=record.input_tokens,
            output_tokens=record.output_tokens,
            tools_used=storable_json(record.tools_used),
            trace=storable_json({"steps": record.steps, "sources": record.sources}),
            finished_at=utcnow(),
        )
    )
