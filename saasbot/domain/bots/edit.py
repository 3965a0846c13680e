"""Bots are listed, made, changed, switched off and on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict, Unpack
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.bots.access import access_bot
from saasbot.domain.bots.starting_prompt import starting_prompt
from saasbot.domain.bots.triggers import MAX_TRIGGER_LENGTH, MAX_TRIGGERS, words
from saasbot.infra import events
from saasbot.infra.db import session
from saasbot.infra.errors import InvalidInput
from saasbot.infra.i18n import gettext
from saasbot.infra.text_input import storable
from saasbot.models import Bot, PromptVersion

MAX_NAME = 80
MAX_PERSONALITY = 2_000
MAX_MODEL = 100
MAX_PROMPT = 20_000


@dataclass(frozen=True, slots=True)
class BotSettings:
    """What the editor of a bot holds. An empty `model` means the company's."""

    name: str
    personality: str = ""
    triggers: Sequence[str] = ()
    model: str | None = None
    enabled: bool = True


class BotChanges(TypedDict, total=False):
    """Some of `BotSettings`."""

    name: str
    personality: str
    triggers: Sequence[str]
    model: str | None
    enabled: bool


async def list_bots(actor: Actor, *, limit: int = 100, after: UUID | None = None) -> list[Bot]:
    """The company's bots, oldest first; with `after`, those made later than that one.

    Raises: Forbidden.
    """
    actor.require("bots.read")
    query = select(Bot).where(Bot.company_id == actor.company_id).order_by(col(Bot.id)).limit(limit)
    if after is not None:
        query = query.where(col(Bot.id) > after)
    return list((await session().exec(query)).all())


async def get_bot(actor: Actor, bot_id: UUID) -> Bot:
    """Raises: Forbidden, NotFound."""
    actor.require("bots.read")
    return await access_bot(actor, bot_id)


async def create_bot(actor: Actor, settings: BotSettings, *, prompt: str | None = None) -> Bot:
    """A new bot. With a prompt, that is version 1 and published; without, the bot has no versions yet.

    Raises: Forbidden, InvalidInput.
    """
    actor.require("bots.write")
    checked = _check(settings)
    if prompt is not None:
        prompt = check_prompt(prompt)
    bot = Bot(company_id=actor.company_id, name=checked.name)
    _apply(bot, checked)
    session().add(bot)
    await session().flush()
    if prompt is not None:
        first = PromptVersion(
            company_id=actor.company_id,
            bot_id=bot.id,
            version=1,
            text=prompt,
            author_user_id=actor.user_id,
            author_name=actor.name,
        )
        bot.published_version = 1
        session().add(first)
        await session().flush()
    await record(actor, "bot.added", bot.id, name=bot.name)
    _notify(actor, bot)
    return bot


async def create_first_bot(actor: Actor, *, company_name: str, locale: str) -> Bot:
    """The bot that a new company starts with: it answers at once, in the company's language.

    Raises: Forbidden.
    """
    name = gettext(locale, "Assistant")
    return await create_bot(actor, BotSettings(name=name), prompt=starting_prompt(locale, company_name=company_name))


async def update_bot(actor: Actor, bot_id: UUID, settings: BotSettings) -> Bot:
    """Replace all settings of a bot; the prompt is not one of them.

    Raises: Forbidden, NotFound, InvalidInput.
    """
    actor.require("bots.write")
    bot = await access_bot(actor, bot_id, lock=True)
    _apply(bot, _check(settings))
    await record(actor, "bot.changed", bot.id, name=bot.name)
    _notify(actor, bot)
    return bot


async def change_bot(actor: Actor, bot_id: UUID, **changes: Unpack[BotChanges]) -> Bot:
    """Replace the named settings of a bot; the others stay.

    Raises: Forbidden, NotFound, InvalidInput.
    """
    actor.require("bots.write")
    bot = await access_bot(actor, bot_id, lock=True)
    now = BotSettings(bot.name, bot.personality, bot.triggers, bot.model, bot.enabled)
    return await update_bot(actor, bot_id, replace(now, **changes))


async def set_bot_enabled(actor: Actor, bot_id: UUID, *, enabled: bool) -> Bot:
    """Switch a bot off or on. Off, it starts no turn and a turn that runs sends nothing.

    Raises: Forbidden, NotFound.
    """
    actor.require("bots.write")
    bot = await access_bot(actor, bot_id, lock=True)
    bot.enabled = enabled
    await record(actor, "bot.switched", bot.id, name=bot.name, on=enabled)
    _notify(actor, bot)
    return bot


def check_prompt(text: str) -> str:
    """The text of a prompt as it is stored.

    Raises: InvalidInput.
    """
    text = storable(text).strip()
    if not text:
        raise InvalidInput("text", "Write the instructions first.")
    if len(text) > MAX_PROMPT:
        raise InvalidInput("text", "The instructions are too long: at most 20,000 characters.")
    return text


def _apply(bot: Bot, settings: BotSettings) -> None:
    bot.name = settings.name
    bot.personality = settings.personality
    bot.triggers = list(settings.triggers)
    bot.model = settings.model
    bot.enabled = settings.enabled


def _check(settings: BotSettings) -> BotSettings:
    """The settings as the row stores them. Raises: InvalidInput."""
    name = " ".join(storable(settings.name).split())
    if not name or len(name) > MAX_NAME:
        raise InvalidInput("name", "The name must have between 1 and 80 characters.")
    personality = storable(settings.personality).strip()
    if len(personality) > MAX_PERSONALITY:
        raise InvalidInput("personality", "The personality may have at most 2,000 characters.")
    model = storable(settings.model or "").strip()
    if len(model) > MAX_MODEL:
        raise InvalidInput("model", "The name of the model is too long.")
    return BotSettings(
        name=name,
        personality=personality,
        triggers=_check_triggers(settings.triggers),
        model=model or None,
        enabled=settings.enabled,
    )


def _check_triggers(triggers: Iterable[str]) -> list[str]:
    """As written, without those that are the same to a reader. Raises: InvalidInput."""
    kept: dict[tuple[str, ...], str] = {}
    for trigger in triggers:
        written = " ".join(storable(trigger).split())
        if not written:
            continue
        if len(written) > MAX_TRIGGER_LENGTH:
            raise InvalidInput("triggers", "A trigger may have at most 60 characters.")
        folded = tuple(words(written))
        if not folded:
            raise InvalidInput("triggers", "A trigger needs at least one letter, digit or emoji.")
        kept.setdefault(folded, written)
    if len(kept) > MAX_TRIGGERS:
        raise InvalidInput("triggers", "A bot may have at most 50 triggers.")
    return list(kept.values())


def _notify(actor: Actor, bot: Bot) -> None:
    events.publish("bot", company_id=actor.company_id, bot_id=bot.id)
