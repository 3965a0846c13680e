"""What the numbers page shows of a number: its card, and the pairing that is on screen for it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import segno

from saasbot.domain.channels.views import ChannelView
from saasbot.models import ChannelKind
from saasbot.state.channel_texts import history_sentence, limit_sentence, pause_sentence, status_sentence, why_sentence


@dataclass(frozen=True)
class ChannelRow:
    """A card."""

    id: str
    kind: str
    name: str
    phone: str
    status: str
    sentence: str
    paused: str
    """That it may write to nobody first, and until when."""
    limited: str
    """That no automatic message leaves, and until when."""
    running: bool
    linked: bool
    bot_id: str
    bot_name: str
    bot_enabled: bool
    received_today: int
    sent_today: int
    history_running: bool
    history_percent: int
    history: str
    """How far its earlier chats have come; empty while none do."""


@dataclass(frozen=True)
class BotChoice:
    id: str
    name: str


@dataclass(frozen=True)
class PairingView:
    """What the pairing dialog shows of the number it is for."""

    status: str = ""
    sentence: str = ""
    qr: str = ""
    """The QR as an SVG data URI; empty while there is none."""
    code: str = ""
    """The text inside the QR, or the characters to type."""
    by_phone: bool = False
    other_phone: bool = False
    """Another phone than the number's own has scanned, and was refused."""
    number: int = 0
    seconds: int = 0
    """Until the code on screen ends; the browser counts down from it."""
    total: int = 60
    history_days: int = 0
    simulated: bool = False


def channel_row(view: ChannelView, locale: str, timezone: str) -> ChannelRow:
    return ChannelRow(
        id=str(view.id),
        kind=view.kind,
        name=view.name,
        phone=view.phone or "",
        status=view.status,
        sentence=status_sentence(view, locale, timezone),
        paused=pause_sentence(
            view.new_chats_paused_until,
            view.new_chats_paused_reason,
            locale,
            ZoneInfo(timezone),
            now=datetime.now(UTC),
        ),
        limited=limit_sentence(view.limited_until, locale, ZoneInfo(timezone), now=datetime.now(UTC)),
        running=view.desired == "running",
        linked=view.linked,
        bot_id=str(view.bot_id or ""),
        bot_name=view.bot_name or "",
        bot_enabled=view.bot_enabled,
        received_today=view.received_today,
        sent_today=view.sent_today,
        history_running=view.history.running,
        history_percent=view.history.percent or 0,
        history=history_sentence(view.history, locale) if view.history.running else "",
    )


def pairing_view(view: ChannelView, locale: str, timezone: str) -> PairingView:
    left = (view.pairing_expires_at - datetime.now(UTC)).total_seconds() if view.pairing_expires_at else 0
    by_phone = view.pairing_phone is not None
    code = view.pairing_code or ""
    return PairingView(
        status=view.status,
        sentence=why_sentence(view, locale, timezone),
        qr=_qr_image(code) if code and not by_phone else "",
        code=code,
        by_phone=by_phone,
        other_phone=view.reason == "other_phone",
        number=view.pairing_number,
        seconds=max(0, round(left)),
        total=60 if view.pairing_number <= 1 else 20,
        history_days=view.history.days,
        simulated=view.kind == ChannelKind.SIMULATOR,
    )


def _qr_image(code: str) -> str:
    """Black on white whatever the theme: phones read nothing else reliably."""
    return segno.make(code, error="l").svg_data_uri(scale=4, border=2, dark="black", light="white")
