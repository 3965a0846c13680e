"""Prompts of a bot: versions that never change, one of them published, and the draft beyond them."""

from uuid import UUID

from sqlmodel import col, func, select

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.bots.access import access_bot
from saasbot.domain.bots.diff import DiffRow, diff_texts
from saasbot.domain.bots.edit import MAX_PROMPT, check_prompt
from saasbot.infra import events
from saasbot.infra.db import session
from saasbot.infra.errors import InvalidInput, NotFound
from saasbot.infra.text_input import storable
from saasbot.models import Bot, PromptVersion

MAX_NOTE = 200


async def list_versions(
    actor: Actor, bot_id: UUID, *, limit: int = 100, before: int | None = None
) -> list[PromptVersion]:
    """The versions of a bot, newest first; with `before`, those older than that number.

    Raises: Forbidden, NotFound.
    """
    actor.require("bots.read")
    await access_bot(actor, bot_id)
    query = (
        select(PromptVersion)
        .where(PromptVersion.company_id == actor.company_id, PromptVersion.bot_id == bot_id)
        .order_by(col(PromptVersion.version).desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(PromptVersion.version < before)
    return list((await session().exec(query)).all())


async def save_version(actor: Actor, bot_id: UUID, *, text: str, note: str = "") -> PromptVersion:
    """A new version with the next number; what the bot says does not change before it is published. Clears the draft.

    Raises: Forbidden, NotFound, InvalidInput.
    """
    actor.require("bots.write")
    bot = await access_bot(actor, bot_id, lock=True)  # savers wait here: numbers have no gaps and no doubles
    text = check_prompt(text)
    note = " ".join(storable(note).split())
    if len(note) > MAX_NOTE:
        raise InvalidInput("note", "The note may have at most 200 characters.")
    version = PromptVersion(
        company_id=actor.company_id,
        bot_id=bot_id,
        version=await _newest_number(actor, bot_id) + 1,
        text=text,
        note=note,
        author_user_id=actor.user_id,
        author_name=actor.name,
    )
    session().add(version)
    bot.draft_text = None
    await session().flush()
    await record(actor, "prompt.saved", bot.id, name=bot.name, version=version.version)
    _notify(actor, bot)
    return version


async def publish_version(actor: Actor, bot_id: UUID, version: int) -> PromptVersion:
    """From the next turn on the bot follows this version. Publishing an older one is the rollback.

    Raises: Forbidden, NotFound.
    """
    actor.require("bots.write")
    bot = await access_bot(actor, bot_id, lock=True)
    published = await _access_version(actor, bot_id, version)
    bot.published_version = published.version
    await record(actor, "prompt.published", bot.id, name=bot.name, version=published.version)
    _notify(actor, bot)
    return published


async def keep_draft(actor: Actor, bot_id: UUID, *, text: str) -> Bot:
    """Remember what the editor holds, so that nothing typed is lost. The text of the newest version is no draft.

    Raises: Forbidden, NotFound, InvalidInput.
    """
    actor.require("bots.write")
    bot = await access_bot(actor, bot_id, lock=True)
    text = storable(text)
    if len(text) > MAX_PROMPT:
        raise InvalidInput("text", "The instructions are too long: at most 20,000 characters.")
    newest = await _newest_number(actor, bot_id)
    saved = (await _access_version(actor, bot_id, newest)).text if newest else ""
    draft = None if text.strip() == saved else text
    if (draft is None) != (bot.draft_text is None):  # once, not at every pause of who types
        await record(actor, "prompt.draft_kept", bot.id, name=bot.name, kept=draft is not None)
    bot.draft_text = draft
    _notify(actor, bot)
    return bot


async def compare_versions(actor: Actor, bot_id: UUID, *, old: int, new: int | None) -> list[DiffRow]:
    """What changed from one version to another, or to the draft when `new` is nothing.

    Raises: Forbidden, NotFound.
    """
    actor.require("bots.read")
    bot = await access_bot(actor, bot_id)
    before = await _access_version(actor, bot_id, old)
    if new is None:
        if bot.draft_text is None:
            raise NotFound
        return diff_texts(before.text, bot.draft_text)
    return diff_texts(before.text, (await _access_version(actor, bot_id, new)).text)


async def _newest_number(actor: Actor, bot_id: UUID) -> int:
    query = select(func.max(PromptVersion.version)).where(
        PromptVersion.company_id == actor.company_id, PromptVersion.bot_id == bot_id
    )
    return (await session().exec(query)).one() or 0


async def _access_version(actor: Actor, bot_id: UUID, version: int) -> PromptVersion:
    """Raises: NotFound."""
    if not 0 < version < 2**31:
        raise NotFound
    query = select(PromptVersion).where(
        PromptVersion.company_id == actor.company_id,
        PromptVersion.bot_id == bot_id,
        PromptVersion.version == version,
    )
    found = (await session().exec(query)).one_or_none()
    if found is None:
        raise NotFound
    return found


def _notify(actor: Actor, bot: Bot) -> None:
    events.publish("bot", company_id=actor.company_id, bot_id=bot.id)
