"""`/api/v1/bots`: bots, the versions of their prompts, and which of them is published."""

from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel

from saasbot.api.callers import CurrentActor
from saasbot.api.paging import CurrentPage, Listing, next_cursor
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Body, Changes, Flag
from saasbot.domain.bots import edit, prompts
from saasbot.domain.bots.edit import BotSettings
from saasbot.infra.db import unit_of_work
from saasbot.models import Bot, PromptVersion

router = ApiRouter("bots")

VersionNumber = Annotated[int, Path(ge=1, lt=2**31)]


class BotOut(BaseModel):
    id: UUID
    name: str
    personality: str
    triggers: list[str]
    model: str | None
    """Nothing: the company's, else the platform's."""
    enabled: bool
    published_version: int | None
    created_at: datetime

    @classmethod
    def of(cls, bot: Bot) -> "BotOut":
        return cls.model_validate(bot, from_attributes=True)


class NewBot(Body):
    name: str
    personality: str = ""
    triggers: list[str] = []
    model: str | None = None
    enabled: Flag = True

    def settings(self) -> BotSettings:
        return BotSettings(**self.model_dump())


class BotChanges(Changes):
    """Members that are left out (or null) stay as they are, except that `model: null` means the company's again."""

    shown = BotOut

    name: str | None = None
    personality: str | None = None
    triggers: list[str] | None = None
    model: str | None = None
    enabled: Flag | None = None

    def named(self) -> edit.BotChanges:
        given = self.model_dump(exclude_unset=True)
        return cast(edit.BotChanges, {k: v for k, v in given.items() if v is not None or k == "model"})


class NewVersion(Body):
    text: str
    note: str = ""


class VersionOut(BaseModel):
    version: int
    text: str
    note: str
    author: str
    published: bool
    created_at: datetime

    @classmethod
    def of(cls, version: PromptVersion, published: int | None) -> "VersionOut":
        return cls(
            version=version.version,
            text=version.text,
            note=version.note,
            author=version.author_name,
            published=version.version == published,
            created_at=version.created_at,
        )


@router.get("")
async def list_bots(actor: CurrentActor, page: CurrentPage) -> Listing[BotOut]:
    """Oldest first: the first one answers on numbers that name no other."""
    after = page.after(UUID)
    async with unit_of_work(actor):
        bots = await edit.list_bots(actor, limit=page.limit + 1, after=after[0] if after else None)
    shown = bots[: page.limit]
    more = next_cursor(shown[-1].id) if len(bots) > page.limit else None
    return Listing(data=[BotOut.of(bot) for bot in shown], next_cursor=more)


@router.post("", status_code=201)
async def create_bot(actor: CurrentActor, body: NewBot) -> BotOut:
    """A bot without a prompt; save one and publish it."""
    async with unit_of_work(actor):
        return BotOut.of(await edit.create_bot(actor, body.settings()))


@router.get("/{bot_id}")
async def get_bot(actor: CurrentActor, bot_id: UUID) -> BotOut:
    async with unit_of_work(actor):
        return BotOut.of(await edit.get_bot(actor, bot_id))


@router.put("/{bot_id}")
async def update_bot(actor: CurrentActor, bot_id: UUID, body: BotChanges) -> BotOut:
    async with unit_of_work(actor):
        return BotOut.of(await edit.change_bot(actor, bot_id, **body.named()))


@router.get("/{bot_id}/prompts")
async def list_versions(actor: CurrentActor, bot_id: UUID, page: CurrentPage) -> Listing[VersionOut]:
    """Newest first."""
    before = page.after(int)
    async with unit_of_work(actor):
        bot = await edit.get_bot(actor, bot_id)
        versions = await prompts.list_versions(
            actor, bot_id, limit=page.limit + 1, before=before[0] if before else None
        )
    shown = versions[: page.limit]
    more = next_cursor(shown[-1].version) if len(versions) > page.limit else None
    return Listing(data=[VersionOut.of(v, bot.published_version) for v in shown], next_cursor=more)


@router.post("/{bot_id}/prompts", status_code=201)
async def save_version(actor: CurrentActor, bot_id: UUID, body: NewVersion) -> VersionOut:
    """The next version. What the bot says changes when it is published."""
    async with unit_of_work(actor):
        version = await prompts.save_version(actor, bot_id, text=body.text, note=body.note)
        bot = await edit.get_bot(actor, bot_id)
    return VersionOut.of(version, bot.published_version)


@router.post("/{bot_id}/prompts/{version}/publish")
async def publish_version(actor: CurrentActor, bot_id: UUID, version: VersionNumber) -> VersionOut:
    """From the next turn on the bot follows it. Publishing an older one is the rollback."""
    async with unit_of_work(actor):
        return VersionOut.of(await prompts.publish_version(actor, bot_id, version), version)
