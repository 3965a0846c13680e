"""Find products by what people write: without accents, in any form of a word, with slips of the finger.

A query is read as words. Each word stands for itself, for its stem ("roja", "rojos" → "roj") and, only if no product has
either, for the most similar words that the catalogue does have ("sapatilla" → "zapatillas"). A product's rank is the mean,
over the query's words, of how well it answers each: in the title before elsewhere, whole words before beginnings; and
half as much again for the words of the query side by side, as in a code.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.catalogue.stop_words import STOP_WORDS
from saasbot.infra.db import session, sql
from saasbot.infra.i18n import format_money
from saasbot.models import Product

_MAX_QUERY = 200
_MAX_WORDS = 8
_WORTH_SHOWING = 0.55
"""Of the best rank: what answers half of a query is left out when something answers it all."""
_SIMILAR = 0.72
"""difflib's ratio from which a word of the catalogue may have been meant."""


@dataclass(frozen=True, slots=True)
class ProductHit:
    """A product as an answer may state it. Everything in it is data of this moment."""

    id: UUID
    title: str
    description: str
    price_minor: int
    currency: str
    price: str
    """`price_minor` as the company's customers read it."""
    sku: str | None
    stock: int | None
    available: bool
    """Offered and, where units are counted, not sold out."""
    image_id: UUID | None
    rank: int
    """Thousandths, up to 1500; 0 when nothing was asked for."""


class Ranked(NamedTuple):
    rank: int
    product_id: UUID


@dataclass(frozen=True, slots=True)
class _Term:
    """One way to find one word of the query."""

    word: int
    text: str
    weight: float


async def search(actor: Actor, query: str, limit: int = 8) -> list[ProductHit]:
    """The offered products that answer the query, the best first; an empty query finds the newest.

    Raises: Forbidden.
    """
    actor.require("catalogue.read")
    if query.strip():
        ranks = {row.product_id: row.rank for row in await ranked(actor, query, limit=limit, offered_only=True)}
        found = select(Product).where(col(Product.id).in_(list(ranks)))
    else:
        ranks = {}
        found = select(Product).where(
            Product.company_id == actor.company_id, col(Product.active), col(Product.deleted_at).is_(None)
        )
        found = found.order_by(col(Product.id).desc()).limit(limit)
    products = (await session().exec(found)).all()
    hits = [_hit(product, ranks.get(product.id, 0), actor.locale) for product in products]
    return sorted(hits, key=lambda hit: (-hit.rank, -hit.id.int))


def _hit(product: Product, rank: int, locale: str) -> ProductHit:
    return ProductHit(
        id=product.id,
        title=product.title,
        description=product.description,
        price_minor=product.price_minor,
        currency=product.currency,
        price=format_money(product.price_minor, product.currency, locale),
        sku=product.sku,
        stock=product.stock,
        available=product.active and (product.stock is None or product.stock > 0),
        image_id=product.image_id,
        rank=rank,
    )


_RANKED = """
WITH term AS (
    SELECT * FROM unnest(cast(:words AS int[]), cast(:texts AS text[]), cast(:weights AS float8[])) AS t (word, text, weight)
), answer AS (
    SELECT p.id, round(1000 * sum(best.score) / :count)::int
        + CASE WHEN :count > 1 AND strpos(p.search_text, :phrase) > 0 THEN 500 ELSE 0 END AS rank
    FROM product p CROSS JOIN LATERAL (
        SELECT max(term.weight * CASE
            WHEN strpos(p.search_text, term.text) = 0 THEN 0
            WHEN strpos(p.search_title, ' ' || term.text || ' ') > 0 THEN 1
            WHEN strpos(p.search_title, ' ' || term.text) > 0 THEN 0.95
            WHEN strpos(p.search_text, ' ' || term.text || ' ') > 0 THEN 0.6
            WHEN strpos(p.search_text, ' ' || term.text) > 0 THEN 0.55
            WHEN length(term.text) < 3 THEN 0
            WHEN strpos(p.search_title, term.text) > 0 THEN 0.5
            ELSE 0.3
        END) AS score FROM term GROUP BY term.word
    ) best
    WHERE p.company_id = :company AND p.deleted_at IS NULL AND (p.active OR NOT :offered_only)
    GROUP BY p.id
)
SELECT rank, id FROM (SELECT rank, id, max(rank) OVER () AS best FROM answer) a
WHERE rank > 0 AND rank >= best * :worth
  AND (cast(:after_rank AS int) IS NULL OR (rank, id) < (cast(:after_rank AS int), cast(:after_id AS uuid)))
ORDER BY rank DESC, id DESC
LIMIT :limit
"""


async def ranked(
    actor: Actor, query: str, *, limit: int, after: tuple[int, UUID] | None = None, offered_only: bool = False
) -> list[Ranked]:
    """Ids of the products that answer the query with their ranks, the best first; after (rank, id) when given."""
    phrase = (await sql("SELECT search_words(:query)", query=query[:_MAX_QUERY].replace("\x00", ""))).scalar_one()
    words = _words(phrase)
    terms = await _terms(actor, words)
    if not terms:
        return []
    rows = await sql(
        _RANKED,
        words=[term.word for term in terms],
        texts=[term.text for term in terms],
        weights=[term.weight for term in terms],
        count=len(words),
        phrase=phrase,
        company=actor.company_id,
        offered_only=offered_only,
        worth=_WORTH_SHOWING,
        after_rank=after[0] if after else None,
        after_id=after[1] if after else None,
        limit=limit,
    )
    return [Ranked(*row) for row in rows]


def _words(phrase: str) -> list[str]:
    """The words that count; if all of them are little ones, those."""
    everything = list(dict.fromkeys(phrase.split()))
    return ([word for word in everything if word not in STOP_WORDS] or everything)[:_MAX_WORDS]


async def _terms(actor: Actor, words: Sequence[str]) -> list[_Term]:
    terms = [_Term(number, word, 1.0) for number, word in enumerate(words)]
    terms += [_Term(number, stem, 0.9) for number, word in enumerate(words) if (stem := _stem(word)) != word]
    known = await _known(actor, [_stem(word) for word in words])
    for number, word in enumerate(words):
        if _stem(word) not in known:
            terms += [_Term(number, similar, 0.8 * ratio) for similar, ratio in await _similar(actor, word)]
    return terms


def _stem(word: str) -> str:
    """The word without the ending that gender and number change, in Spanish and English. At least three letters stay."""
    for ending in ("es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.isdigit():
            word = word.removesuffix(ending)
            break
    return word[:-1] if len(word) > 3 and word[-1] in "aeo" else word


async def _known(actor: Actor, stems: Sequence[str]) -> set[str]:
    """Those stems that some product has."""
    rows = await sql(
        """
        SELECT stem FROM unnest(cast(:stems AS text[])) AS stem WHERE EXISTS (
            SELECT FROM product p
            WHERE p.company_id = :company AND p.deleted_at IS NULL AND strpos(p.search_text, stem) > 0
        )
        """,
        stems=list(stems),
        company=actor.company_id,
    )
    return {stem for (stem,) in rows}


async def _similar(actor: Actor, word: str) -> list[tuple[str, float]]:
    """Words of the catalogue that were probably meant, with how alike they are: of titles, else of descriptions."""
    if len(word) < 3 or word.isdigit():
        return []
    for column in ("search_title", "search_text"):
        candidates = await sql(_VOCABULARY[column], word=word, company=actor.company_id)
        alike = [(other, _likeness(word, other)) for (other,) in candidates]
        if found := sorted((pair for pair in alike if pair[1] >= _SIMILAR), key=lambda pair: -pair[1])[:4]:
            return found
    return []


def _likeness(word: str, other: str) -> float:
    pairs = ((word, other), (_stem(word), _stem(other)))
    return max(difflib.SequenceMatcher(None, *pair, autojunk=False).ratio() for pair in pairs)


_VOCABULARY: dict[str, Any] = {
    column: f"""
        SELECT known FROM (
            SELECT DISTINCT unnest(string_to_array({column}, ' ')) AS known
            FROM product WHERE company_id = :company AND deleted_at IS NULL
        ) vocabulary
        WHERE abs(length(known) - length(:word)) <= 3 AND similarity(known, :word) >= 0.1
        ORDER BY similarity(known, :word) DESC LIMIT 40
    """  # noqa: S608  # column names of this module, nothing from outside
    for column in ("search_title", "search_text")
}
