"""The tools of a turn. Company, conversation and bot come from the turn, never from the model; arguments are parsed strictly;
results are short. Nothing here has an effect before the turn is committed: photos and hand-offs are only noted.
"""

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from sqlmodel import select

from saasbot.agent.model import ToolCall
from saasbot.domain.actor import Actor
from saasbot.domain.agent.turn import HandOff, Photo, Turn, TurnRecord
from saasbot.domain.catalogue.access import access_product
from saasbot.domain.catalogue.search import search
from saasbot.infra.db import session, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.i18n import format_money
from saasbot.infra.text_input import storable_json
from saasbot.models import Media, MediaStatus, Product

MAX_RESULT = 6_000
"""Characters of a result that the model sees."""
MAX_TRACED = 2_000
MAX_PRODUCTS = 6
MAX_PHOTOS = 3


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _SearchCatalogue(_Arguments):
    """Find products of the shop by name or description. Returns title, price and stock of the best matches."""

    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] = Field(
        description="A few words of what the customer wants, without prices or questions."
    )


class _ReadPolicies(_Arguments):
    """Read the shop's policies in full: shipping, refunds, opening hours and whatever else it wrote."""


class _SendProductPhoto(_Arguments):
    """Send the photo of a product to the customer, after your text. Use an id from search_catalogue."""

    product_id: UUID = Field(description="The id of the product.")


class _HandOff(_Arguments):
    """Pass the chat to a person of the team. Ends your turn; the customer is told."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=60)] = Field(
        description="customer_asked, complaint, no_data or other."
    )
    summary: Annotated[str, StringConstraints(strip_whitespace=True, max_length=600)] = Field(
        description="What the customer wants and what was said so far, for the team, in the shop's language."
    )


_ARGUMENTS: dict[str, type[_Arguments]] = {
    "search_catalogue": _SearchCatalogue,
    "read_policies": _ReadPolicies,
    "send_product_photo": _SendProductPhoto,
    "hand_off": _HandOff,
}
_REASONS = frozenset({"customer_asked", "complaint", "no_data"})


def _schema(name: str, arguments: type[_Arguments]) -> dict[str, Any]:
    """The tool as Chat Completions wants it, in the subset that strict mode allows."""
    properties = {
        field_name: {"type": "string", "description": info.description}
        for field_name, info in arguments.model_fields.items()
    }
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    description = " ".join((arguments.__doc__ or "").split())
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters, "strict": True},
    }


SCHEMAS = [_schema(name, arguments) for name, arguments in _ARGUMENTS.items()]


@dataclass
class Toolbox:
    """The tools of one turn and what they gathered: photos to send, a wish to hand off, texts that are facts."""

    actor: Actor
    turn: Turn
    record: TurnRecord
    photos: list[Photo] = field(default_factory=list)
    hand_off: HandOff | None = None
    results: list[str] = field(default_factory=list)
    """Every result the model saw, for the fact guard."""

    async def call(self, call: ToolCall) -> str:
        """Run one tool call of the model and trace it. A call that makes no sense is answered with its mistake."""
        started = time.perf_counter()
        arguments, result = await self._run(call)
        text = _short(result)
        self.results.append(text)
        self.record.add_tool(call.name)
        self.record.steps.append(
            {
                "kind": "tool",
                "name": call.name[:60],
                "arguments": arguments,
                "result": text[:MAX_TRACED],
                "milliseconds": round((time.perf_counter() - started) * 1000),
            }
        )
        return text

    async def _run(self, call: ToolCall) -> tuple[Any, dict[str, Any]]:
        expected = _ARGUMENTS.get(call.name)
        if expected is None:
            return call.arguments[:MAX_TRACED], {"error": "There is no such tool."}
        try:
            arguments = expected.model_validate(storable_json(json.loads(call.arguments)))
        except (RecursionError, json.JSONDecodeError):
            return call.arguments[:MAX_TRACED], {"error": "Wrong arguments.", "problems": ["This is not JSON."]}
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)]
            return call.arguments[:MAX_TRACED], {"error": "Wrong arguments.", "problems": problems[:5]}
        run: Callable[[Any], Awaitable[dict[str, Any]]] = getattr(self, f"_{call.name}")
        return arguments.model_dump(mode="json"), await run(arguments)

    async def _search_catalogue(self, arguments: _SearchCatalogue) -> dict[str, Any]:
        async with unit_of_work(self.actor):
            hits = await search(self.actor, arguments.query, limit=MAX_PRODUCTS)
        for hit in hits:
            self.record.add_source("product", str(hit.id), hit.title)
        return {
            "products": [
                {
                    "id": str(hit.id),
                    "title": hit.title,
                    "price": _plain(hit.price),
                    "stock": hit.stock,
                    "available": hit.available,
                    "has_photo": hit.image_id is not None,
                    "description": hit.description[:400],
                }
                for hit in hits
            ]
        }

    async def _read_policies(self, _arguments: _ReadPolicies) -> dict[str, Any]:
        policies = self.turn.company.policies
        for name, _text in policies:
            self.record.add_source("policy", name, name)
        return {"policies": [{"name": name, "text": text} for name, text in policies]}

    async def _send_product_photo(self, arguments: _SendProductPhoto) -> dict[str, Any]:
        if len(self.photos) >= MAX_PHOTOS:
            return {"ok": False, "error": f"At most {MAX_PHOTOS} photos in one answer."}
        async with unit_of_work(self.actor):
            found = await self._product_with_photo(arguments.product_id)
        if found is None:
            return {"ok": False, "error": "There is no such product, or it has no photo."}
        product, media = found
        self.record.add_source("product", str(product.id), product.title)
        price = _plain(format_money(product.price_minor, product.currency, self.actor.locale))
        photo = Photo(media_id=media.id, caption=f"{product.title} · {price}", title=product.title)
        if photo not in self.photos:
            self.photos.append(photo)
        return {"ok": True, "title": product.title, "price": price}

    async def _product_with_photo(self, product_id: UUID) -> tuple[Product, Media] | None:
        try:
            product = await access_product(self.actor, product_id)
        except NotFound:
            return None
        if product.image_id is None or not product.active:
            return None
        query = select(Media).where(Media.id == product.image_id, Media.company_id == self.actor.company_id)
        media = (await session().exec(query)).one_or_none()
        return (product, media) if media is not None and media.status == MediaStatus.STORED else None

    async def _hand_off(self, arguments: _HandOff) -> dict[str, Any]:
        reason = arguments.reason if arguments.reason in _REASONS else "bot_decided"
        self.hand_off = HandOff(reason=reason, summary=arguments.summary)
        return {"ok": True}


def _plain(price: str) -> str:
    """With an ordinary space, as people and models type it."""
    return price.replace("\xa0", " ")


def _short(result: dict[str, Any]) -> str:
    """The result as JSON of at most `MAX_RESULT` characters: the longest list loses its last items."""
    text = json.dumps(result, ensure_ascii=False)
    lists = [value for value in result.values() if isinstance(value, list)]
    while len(text) > MAX_RESULT and lists and lists[0]:
        last = lists[0][-1]
        if len(lists[0]) == 1 and isinstance(last, dict) and len(str(last.get("text", ""))) > MAX_RESULT // 2:
            last["text"] = last["text"][: MAX_RESULT // 2] + "…"
        else:
            lists[0].pop()
        text = json.dumps(result, ensure_ascii=False)
    return text
