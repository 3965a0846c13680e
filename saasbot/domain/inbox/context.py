"""What stands beside a thread: why the bot answered so, what was talked about, the same person elsewhere, what they agreed to."""

from typing import Any
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.consent.customers import read_consent
from saasbot.domain.consent.texts import read_text
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.views import ContextView, OtherConversation, ProductView, TurnStep, TurnView
from saasbot.domain.media.urls import NOTHING, media_urls
from saasbot.infra.db import session, sql
from saasbot.models import AgentTurn, Contact, Conversation, Media, Product

_TURNS = 5
"""How far back a product still counts as talked about."""
_PRODUCTS = 3
_OTHERS = 3
_LONGEST_QUERY = 60


async def read_context(actor: Actor, conversation_id: UUID) -> ContextView:
    """Raises: Forbidden, NotFound."""
    conversation = await access_conversation(actor, conversation_id)
    query = (
        select(AgentTurn)
        .where(AgentTurn.company_id == actor.company_id, AgentTurn.conversation_id == conversation.id)
        .order_by(col(AgentTurn.created_at).desc())
        .limit(_TURNS)
    )
    turns = (await session().exec(query)).all()
    answered = next((turn for turn in turns if turn.finished_at is not None and turn.model), None)
    contact = await session().get_one(Contact, conversation.contact_id)
    return ContextView(
        since=contact.created_at,
        turn=_turn(answered) if answered else None,
        products=await _products(actor, [source for turn in turns for source in turn.trace.get("sources", [])]),
        others=await _others(actor, conversation),
        consent=await read_consent(actor, contact.id),
        text_version=(await read_text(actor)).version,
    )


def _turn(turn: AgentTurn) -> TurnView:
    steps = [step for step in turn.trace.get("steps", []) if isinstance(step, dict)]
    return TurnView(
        id=turn.id,
        bot_name=turn.bot_name,
        prompt_version=turn.prompt_version,
        model=turn.model,
        outcome=turn.outcome,
        reason=turn.reason,
        tokens=turn.input_tokens + turn.output_tokens,
        milliseconds=sum(int(step.get("milliseconds", 0)) for step in steps),
        steps=tuple(_step(step) for step in steps if step.get("kind") == "tool"),
    )


def _step(step: dict[str, Any]) -> TurnStep:
    arguments = step.get("arguments")
    query = arguments.get("query", "") if isinstance(arguments, dict) else ""
    return TurnStep(tool=str(step.get("name", "")), query=str(query)[:_LONGEST_QUERY])


async def _products(actor: Actor, sources: list[dict[str, str]]) -> tuple[ProductView, ...]:
    ids = [source["id"] for source in sources if source.get("kind") == "product"]
    wanted = [UUID(value) for value in dict.fromkeys(ids)][:_PRODUCTS]
    if not wanted:
        return ()
    rows = await session().exec(
        select(Product, Media)
        .outerjoin(Media, col(Media.id) == col(Product.image_id))
        .where(Product.company_id == actor.company_id, col(Product.id).in_(wanted), col(Product.deleted_at).is_(None))
    )
    found = {product.id: (product, media) for product, media in rows}
    urls = media_urls(media for _, media in found.values() if media is not None)
    return tuple(
        ProductView(
            id=product.id,
            title=product.title,
            price_minor=product.price_minor,
            currency=product.currency,
            stock=product.stock,
            thumb_url=urls.get(media.id, NOTHING).thumb_url if media is not None else "",
        )
        for product, media in (found[id] for id in wanted if id in found)
    )


async def _others(actor: Actor, conversation: Conversation) -> tuple[OtherConversation, ...]:
    rows = await sql(
        """
        SELECT c.id, channel.name, c.last_preview, c.last_activity_at
        FROM channel JOIN conversation c
            ON c.company_id = :company AND c.channel_id = channel.id AND c.contact_id = :contact
        WHERE channel.company_id = :company AND c.id <> :this
        ORDER BY c.last_activity_at DESC LIMIT :most
        """,
        company=actor.company_id,
        contact=conversation.contact_id,
        this=conversation.id,
        most=_OTHERS,
    )
    return tuple(OtherConversation(*tuple(row)) for row in rows)
