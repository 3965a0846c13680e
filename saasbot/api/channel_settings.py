"""`/channels/{id}/settings`: what an owner sets for one number."""

from datetime import datetime
from typing import cast
from uuid import UUID

from pydantic import BaseModel

from saasbot.api.callers import CurrentActor
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Body, Flag, Number
from saasbot.domain.channels import channel_settings
from saasbot.domain.channels.channel_settings import ChannelSettings
from saasbot.infra.db import unit_of_work

router = ApiRouter("channels")


class SettingsOut(BaseModel):
    proxy: str | None
    """Masked: its user and password go in and never come out."""
    history_days: int
    groups_enabled: bool
    reject_calls: bool
    call_message: str
    hourly_limit: int | None
    daily_limit: int | None
    quiet_from: str | None
    quiet_until: str | None
    timezone: str
    """Of the company: quiet hours are by its clock."""
    new_chats_paused_until: datetime | None
    new_chats_paused_reason: str | None

    @classmethod
    def of(cls, found: ChannelSettings) -> "SettingsOut":
        return cls(
            proxy=found.proxy,
            history_days=found.history_days,
            groups_enabled=found.groups_enabled,
            reject_calls=found.reject_calls,
            call_message=found.call_message,
            hourly_limit=found.hourly_limit,
            daily_limit=found.daily_limit,
            quiet_from=f"{found.quiet_from:%H:%M}" if found.quiet_from else None,
            quiet_until=f"{found.quiet_until:%H:%M}" if found.quiet_until else None,
            timezone=found.timezone,
            new_chats_paused_until=found.new_chats_paused_until,
            new_chats_paused_reason=found.new_chats_paused_reason,
        )


class SettingsChanges(Body):
    """Members that are left out stay as they are; null takes away a proxy, a limit or the quiet hours."""

    proxy: str | None = None
    history_days: Number = 0
    groups_enabled: Flag = False
    reject_calls: Flag = False
    call_message: str = ""
    hourly_limit: Number | None = None
    daily_limit: Number | None = None
    quiet_from: str | None = None
    quiet_until: str | None = None

    def named(self) -> channel_settings.SettingsChanges:
        return cast(channel_settings.SettingsChanges, self.model_dump(exclude_unset=True))


@router.get("/{channel_id}/settings")
async def get_settings(actor: CurrentActor, channel_id: UUID) -> SettingsOut:
    """For those who may change them."""
    async with unit_of_work(actor):
        return SettingsOut.of(await channel_settings.get_settings(actor, channel_id))


@router.patch("/{channel_id}/settings")
async def change_settings(actor: CurrentActor, channel_id: UUID, body: SettingsChanges) -> SettingsOut:
    """Another proxy makes the number connect anew; history is taken over at the next link, and 0 days end one that is coming; the
    rest counts at once."""
    async with unit_of_work(actor):
        return SettingsOut.of(await channel_settings.change_settings(actor, channel_id, **body.named()))
