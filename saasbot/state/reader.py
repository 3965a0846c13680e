"""For whom the texts of a screen are written: language, clock, and who they are."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

from saasbot.domain.actor import Actor
from saasbot.domain.channels.views import readable_phone
from saasbot.infra.i18n import format_day, format_full, format_time, format_when

_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Reader:
    locale: str
    timezone: str
    user_id: UUID | None

    @classmethod
    def of(cls, actor: Actor, locale: str) -> "Reader":
        return cls(locale, actor.timezone, actor.user_id)

    def time(self, moment: datetime) -> str:
        return _time(moment.replace(second=0, microsecond=0), self.timezone, self.locale)

    def when(self, moment: datetime) -> str:
        """The hour today, "yesterday", then the date."""
        return _when(moment.replace(second=0, microsecond=0), self.timezone, self.locale, _today(self.timezone))

    def day(self, moment: datetime) -> str:
        """`Hoy`, `Ayer`, else the date."""
        zone = ZoneInfo(self.timezone)
        return format_day(moment, zone, self.locale, now=datetime.now(UTC))

    def full(self, moment: datetime) -> str:
        return _full(moment.replace(microsecond=0), self.timezone, self.locale)


def phone_text(digits: str | None) -> str:
    """`+54 9 11 5555-0001`, or nothing."""
    return _phone(digits) if digits else ""


@lru_cache(maxsize=_REMEMBERED)
def _phone(digits: str) -> str:
    return readable_phone(digits) or ""


def _today(timezone: str) -> str:
    return datetime.now(ZoneInfo(timezone)).date().isoformat()


@lru_cache(maxsize=_REMEMBERED)
def _time(minute: datetime, timezone: str, locale: str) -> str:
    return format_time(minute, ZoneInfo(timezone), locale)


@lru_cache(maxsize=_REMEMBERED)
def _when(minute: datetime, timezone: str, locale: str, _today: str) -> str:
    return format_when(minute, ZoneInfo(timezone), locale, now=datetime.now(UTC))


@lru_cache(maxsize=_REMEMBERED)
def _full(second: datetime, timezone: str, locale: str) -> str:
    return format_full(second, ZoneInfo(timezone), locale)
