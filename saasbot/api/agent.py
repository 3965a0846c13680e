"""`/api/v1/agent`: what the agent would answer, without sending."""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from saasbot.agent.think import TriedAnswer, think
from saasbot.api.callers import CurrentActor
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Body
from saasbot.domain.agent.commit import words_of

router = ApiRouter("agent")


class ThinkIn(Body):
    """`phone`: whose history counts, if they have written before. Without `bot_id` the company's first bot thinks."""

    phone: str = ""
    user_message: str
    bot_id: UUID | None = None


class Usage(BaseModel):
    model: str
    input_tokens: int
    output_tokens: int


class Source(BaseModel):
    kind: str
    id: str
    title: str


class ThinkOut(BaseModel):
    """The decision. `reply` is what the customer would read, also when the chat is handed off."""

    reply: str
    action: Literal["reply", "hand_off"]
    reason: str | None
    intent: str
    sentiment: str
    photos: list[str]
    tools_used: list[str]
    sources: list[Source]
    usage: Usage
    bot_id: UUID
    prompt_version: int | None
    steps: list[dict[str, Any]]

    @classmethod
    def of(cls, tried: TriedAnswer) -> "ThinkOut":
        answer, record = tried.thought.answer, tried.thought.record
        return cls(
            reply=words_of(tried.turn, answer),
            action="reply" if answer.hand_off is None else "hand_off",
            reason=answer.hand_off.reason if answer.hand_off else None,
            intent=record.intent,
            sentiment=record.sentiment,
            photos=[photo.title for photo in answer.photos],
            tools_used=record.tools_used,
            sources=[Source(**source) for source in record.sources],
            usage=Usage(model=record.model, input_tokens=record.input_tokens, output_tokens=record.output_tokens),
            bot_id=tried.turn.bot.id,
            prompt_version=tried.turn.bot.prompt_version,
            steps=record.steps,
        )


@router.post("/think")
async def think_aloud(actor: CurrentActor, body: ThinkIn) -> ThinkOut:
    """The same turn as a customer's message starts, with the same tools and limits. Nothing is sent or stored.

    429 `too_many_trials` with `retry_after` for more than 5 at once or 200 an hour of a company. The demo model has no limit.
    429 `allowance_used` when the day's tokens of the platform's model are used up.
    """
    return ThinkOut.of(await think(actor, user_message=body.user_message, phone=body.phone, bot_id=body.bot_id))
