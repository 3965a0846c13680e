"""The panel beside a thread, ready to be shown."""

from dataclasses import dataclass, field

from saasbot.domain.consent.texts import BUILT_IN
from saasbot.domain.consent.views import ConsentView
from saasbot.domain.inbox.views import ContextView, ProductView, TurnStep, TurnView
from saasbot.infra.i18n import N_, format_money, gettext, translate
from saasbot.state.hand_off_texts import hand_off_sentence
from saasbot.state.model_names import is_demo, model_name
from saasbot.state.reader import Reader

TOOLS_DID = {
    "search_catalogue": N_("searched “{query}” in the catalogue"),
    "read_policies": N_("read your policies"),
    "send_product_photo": N_("sent a photo of a product"),
    "hand_off": N_("passed the chat to a person"),
}


@dataclass(frozen=True)
class ProductCard:
    id: str
    title: str
    facts: str
    thumb: str


@dataclass(frozen=True)
class OtherCard:
    id: str
    channel: str
    preview: str
    when: str


@dataclass(frozen=True)
class ConsentRow:
    """What they have said last of being written to."""

    state: str = "none"
    """none · given · withdrawn."""
    facts: str = ""
    """When, which version of the text, noted by whom."""
    is_old: bool = False
    """They agreed to an earlier text than customers are asked now."""


@dataclass(frozen=True)
class Context:
    since: str = ""
    why: str = ""
    """What the bot did in its last turn, in a sentence; empty when it has not answered here."""
    why_facts: str = ""
    """Version, model, tokens, time."""
    demo: bool = False
    products: list[ProductCard] = field(default_factory=list)
    others: list[OtherCard] = field(default_factory=list)
    consent: ConsentRow = field(default_factory=ConsentRow)


def context_of(view: ContextView, reader: Reader) -> Context:
    turn = view.turn
    return Context(
        since=reader.day(view.since),
        why=_why(turn, reader) if turn else "",
        why_facts=_facts(turn, reader) if turn else "",
        demo=turn is not None and is_demo(turn.model),
        products=[_product(product, reader) for product in view.products],
        others=[
            OtherCard(str(other.id), other.channel_name, other.last_preview, reader.when(other.last_activity_at))
            for other in view.others
        ],
        consent=_consent(view.consent, view.text_version, reader),
    )


def _consent(view: ConsentView | None, text_version: int, reader: Reader) -> ConsentRow:
    if view is None:
        return ConsentRow()
    parts = [
        f"{reader.day(view.at)} {reader.time(view.at)}",
        text_name(view.version, reader.locale),
        gettext(reader.locale, "noted by {name}", name=view.noted_by) if view.noted_by else "",
    ]
    return ConsentRow(
        state="given" if view.granted else "withdrawn",
        facts=" · ".join(part for part in parts if part),
        is_old=view.granted and view.version != text_version,
    )


def text_name(version: int, locale: str) -> str:
    """How a version of the consent text is called."""
    if version == BUILT_IN:
        return gettext(locale, "built-in text")
    return gettext(locale, "text v{n}", n=version)


def _facts(turn: TurnView, reader: Reader) -> str:
    took = f"{turn.milliseconds / 1000:.1f} s" if turn.milliseconds >= 100 else f"{turn.milliseconds} ms"
    parts = [
        gettext(reader.locale, "Prompt v{n}", n=turn.prompt_version) if turn.prompt_version else "",
        model_name(turn.model, reader.locale),
        gettext(reader.locale, "{n} tokens", n=turn.tokens) if turn.tokens else "",
        took.replace(".", ",") if reader.locale == "es" else took,
    ]
    return " · ".join(part for part in parts if part)


def _why(turn: TurnView, reader: Reader) -> str:
    did = list(dict.fromkeys(text for step in turn.steps if (text := _did(step, reader))))
    if not did:
        text = gettext(reader.locale, "answered from the conversation, without looking anything up")
        did = [] if turn.outcome == "handed_off" else [text]
    sentence = ", ".join(did)
    sentence = f"{sentence[:1].upper()}{sentence[1:]}." if sentence else ""
    if turn.outcome == "handed_off" and turn.reason:
        sentence = f"{sentence} {hand_off_sentence(turn.reason, reader.locale)}".strip()
    return sentence


def _did(step: TurnStep, reader: Reader) -> str:
    text = TOOLS_DID.get(step.tool)
    return translate(reader.locale, text).format(query=step.query) if text else ""


def _product(product: ProductView, reader: Reader) -> ProductCard:
    price = format_money(product.price_minor, product.currency, reader.locale)
    if product.stock is None:
        facts = price
    elif product.stock > 0:
        facts = f"{price} · {gettext(reader.locale, '{n} in stock', n=product.stock)}"
    else:
        facts = f"{price} · {gettext(reader.locale, 'Sold out')}"
    return ProductCard(str(product.id), product.title, facts, product.thumb_url)
