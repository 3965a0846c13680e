"""The settings of one number as a form."""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import reflex as rx
from typing_extensions import TypedDict

from saasbot.domain.channels.channel_settings import (
    ChannelSettings,
    SettingsChanges,
    change_settings,
    get_settings,
)
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import InvalidInput
from saasbot.infra.i18n import error_text, gettext
from saasbot.state import toasts
from saasbot.state.arguments import EXACT, Id, Line, Text
from saasbot.state.channel_texts import pause_sentence
from saasbot.state.ids import parse_id
from saasbot.state.locale import locale_of
from saasbot.state.session import current_actor

FIELDS = (
    *("hourly_limit", "daily_limit", "quiet_from", "quiet_until"),
    *("call_message", "history_days", "proxy"),
)


class SettingsForm(TypedDict):
    """What the sheet's form sends."""

    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    number_hourly_limit: Text
    number_daily_limit: Text
    number_quiet_from: Text
    number_quiet_until: Text
    number_reject_calls: bool
    number_call_message: Text
    number_groups_enabled: bool
    number_history_days: Text
    number_proxy: Text


@dataclass(frozen=True)
class SettingsView:
    hourly_limit: str = ""
    daily_limit: str = ""
    quiet_from: str = ""
    quiet_until: str = ""
    timezone: str = ""
    reject_calls: bool = False
    call_message: str = ""
    groups_enabled: bool = False
    history_days: str = "0"
    proxy: str = ""
    """Masked; sent back as it is, it stays."""
    paused: str = ""
    """That WhatsApp lets it write to nobody first, and until when."""


class ChannelSettingsState(rx.State):
    channel_id: rx.Field[str] = rx.field("")
    """The number on the sheet; empty while it is closed."""
    name: rx.Field[str] = rx.field("")
    number: rx.Field[int] = rx.field(0)
    """Of the opening: its fields begin anew with what is stored."""
    view: rx.Field[SettingsView] = rx.field(default_factory=SettingsView)
    errors: rx.Field[dict[str, str]] = rx.field(default_factory=lambda: dict.fromkeys(FIELDS, ""))
    busy: rx.Field[bool] = rx.field(False)

    @rx.event
    async def open_settings(self, channel_id: Id, name: Line):
        """The sheet holds what is stored."""
        actor, locale = await current_actor(self), await locale_of(self)
        async with unit_of_work(actor):
            found = await get_settings(actor, parse_id(channel_id))
        self.channel_id = channel_id
        self.name, self.number, self.busy = name, self.number + 1, False
        self.view, self.errors = _view(found, locale), dict.fromkeys(FIELDS, "")

    @rx.event
    def close(self, is_open: bool = False):
        if not is_open:
            self.channel_id = ""

    @rx.event
    async def save(self, form: SettingsForm):
        """They are stored and the sheet is closed, or the errors stand beside their fields."""
        actor, locale = await current_actor(self), await locale_of(self)
        self.errors, self.busy = dict.fromkeys(FIELDS, ""), True
        yield
        try:
            async with unit_of_work(actor):
                await change_settings(actor, parse_id(self.channel_id), **_changes(form, self.view.proxy))
        except InvalidInput as error:
            self.errors = {**self.errors, error.field: error_text(locale, error)}
            yield rx.set_focus(f"number-{error.field.replace('_', '-')}")
            return
        finally:
            self.busy = False
        self.channel_id = ""
        yield toasts.success(gettext(locale, "Saved"))


def _view(found: ChannelSettings, locale: str) -> SettingsView:
    return SettingsView(
        hourly_limit=str(found.hourly_limit or ""),
        daily_limit=str(found.daily_limit or ""),
        quiet_from=_clock(found.quiet_from),
        quiet_until=_clock(found.quiet_until),
        timezone=found.timezone,
        reject_calls=found.reject_calls,
        call_message=found.call_message,
        groups_enabled=found.groups_enabled,
        history_days=str(found.history_days),
        proxy=found.proxy or "",
        paused=pause_sentence(
            found.new_chats_paused_until,
            found.new_chats_paused_reason,
            locale,
            ZoneInfo(found.timezone),
            now=datetime.now(UTC),
        ),
    )


def _clock(moment: time | None) -> str:
    return f"{moment:%H:%M}" if moment is not None else ""


def _changes(form: SettingsForm, shown_proxy: str) -> SettingsChanges:
    """Raises: InvalidInput."""
    changes = SettingsChanges(
        history_days=_whole("history_days", form["number_history_days"]) or 0,
        groups_enabled=form["number_groups_enabled"],
        reject_calls=form["number_reject_calls"],
        call_message=form["number_call_message"],
        hourly_limit=_whole("hourly_limit", form["number_hourly_limit"]),
        daily_limit=_whole("daily_limit", form["number_daily_limit"]),
        quiet_from=form["number_quiet_from"].strip() or None,
        quiet_until=form["number_quiet_until"].strip() or None,
    )
    if (proxy := form["number_proxy"].strip()) != shown_proxy:
        changes["proxy"] = proxy or None
    return changes


def _whole(field: str, text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise InvalidInput(field, "Write a whole number.")
    return int(text)
