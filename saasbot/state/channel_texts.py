"""What a number's state means, in a sentence for its owner."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from saasbot.domain.channels.views import ChannelView
from saasbot.domain.history.progress import HistoryView
from saasbot.infra.i18n import N_, format_ago, format_ahead, format_count, format_when, gettext, translate

REASONS = {
    "stopped_by_user": N_("You switched it off. It stays off until you connect it."),
    "logged_out_by_user": N_("You logged it out. Your chats are still here; link it again to go on."),
    "unlink_on_phone": N_(
        "You logged it out while it was not connected, so WhatsApp does not know: remove the device on the phone, under Linked "
        "devices. Your chats are still here; link it again to go on."
    ),
    "device_removed": N_("The session was closed from the phone. Your chats are still here; link it again to go on."),
    "other_phone": N_(
        "That was another phone: this number belongs to the one that ends in {digits}. We unlinked it again and nothing "
        "changed. Scan with the right phone, or say that you want this other number."
    ),
    "phone_in_use": N_(
        "That phone already serves another of your numbers, so it was not linked a second time. Scan with this number's own "
        "phone, or log the other number out first."
    ),
    "qr_expired": N_("Nobody scanned the code in time. Connect it to get a new one."),
    "pairing": N_("Preparing the code…"),
    "linking": N_("The phone has linked it. Getting everything ready…"),
    "pair_code": N_("Type the code on the phone."),
    "pair_error": N_("WhatsApp refused the link. Try again."),
    "link_unfinished": N_("The phone has linked it, but WhatsApp could not be reached to finish that. Try again."),
    "banned_while_linking": N_("WhatsApp has blocked this number for a while. Link it again afterwards."),
    "client_outdated": N_(
        "WhatsApp asks for a newer version of this program. Once it is updated, a linked number comes back by itself."
    ),
    "not_multidevice": N_("This phone's WhatsApp cannot link devices. Update it on the phone and try again."),
    "passkey_required": N_(
        "WhatsApp asks this account for a passkey, which only its own apps can give today. "
        "Try another number, or remove the passkey in WhatsApp › Settings › Account."
    ),
    "network_unreachable": N_("WhatsApp cannot be reached from this server. We keep trying."),
    "connection_lost": N_("The connection was lost. We keep trying."),
    "stream_replaced": N_("The same session was opened somewhere else. Connect it to take it back."),
    "temporarily_banned": N_("WhatsApp has blocked this number for a while. It reconnects by itself afterwards."),
    "banned": N_("WhatsApp has blocked this number."),
    "keepalive_timeout": N_("The phone network does not answer. We keep trying."),
    "session_missing": N_("Its session is gone. Link it again; your chats are still here."),
    "bridge_restarting": N_("Its process ended and is being started again."),
    "bridge_crashed": N_("Its process failed again and again, so it was stopped. Connect it to try once more."),
    "library_fault": N_("WhatsApp sent something that broke the connection. It is being made anew."),
    "transport_fault": N_("Its connection failed in a way we did not expect."),
    "store_unavailable": N_("The database with its session does not answer. We keep trying."),
    "journal_unwritable": N_("Messages cannot be stored right now, so it stays disconnected until they can."),
    "refused_by_whatsapp": N_("WhatsApp does not let it in right now. We keep trying."),
    "account_locked": N_(
        "WhatsApp has locked this account. Open WhatsApp on the phone to see why, then link it again."
    ),
    "invalid_phone": N_("WhatsApp does not know this phone number. Check it and try again."),
    "rate_limited": N_("WhatsApp allows no more codes for now. Wait a while, or scan the QR code."),
    "pairing_busy": N_("Other numbers are being linked right now. Yours follows by itself."),
    "proxy_unreachable": N_(
        "Its proxy does not answer or does not let it through. Check the proxy in the number's settings. We keep trying."
    ),
    "unheard": N_("WhatsApp does not answer on this connection. It is being made anew."),
    "settings_changed": N_("Its settings have changed. It connects anew."),
}

_LAST_DIGITS = 4


_OTHER_PHONE_ONCE = N_("Another phone scanned the code. It was unlinked again.")
"""In the list of what happened, where nothing is to be done about it any more."""


_TOLD_SINCE = ("open", "reconnecting", "deaf", "logged_out", "banned", "failed")
"""For how long it works, or does not. The other states pass, or are as the owner left them."""


def status_sentence(view: ChannelView, locale: str, timezone: str) -> str:
    """Since when, and why: one or two short sentences. Times on the owner's clock."""
    why = why_sentence(view, locale, timezone)
    if view.status not in _TOLD_SINCE and (why or view.status == "closed"):
        return why
    moment = format_when(view.since, ZoneInfo(timezone), locale, now=datetime.now(UTC))
    return " · ".join(filter(None, [gettext(locale, "Since {when}", when=moment), why]))


def why_sentence(view: ChannelView, locale: str, timezone: str) -> str:
    """Why it is so, and what happens next or is to be done; empty when nothing is to be said of it."""
    now, zone = datetime.now(UTC), ZoneInfo(timezone)
    if view.status == "open":
        if view.last_inbound_at is None:
            return ""
        return gettext(locale, "last message {ago}", ago=format_ago(view.last_inbound_at, locale, now=now))
    if view.status == "pending_qr":
        if view.pairing_phone:
            return gettext(locale, "Type the code on the phone.")
        return gettext(locale, "Scan the code with the phone.")
    if view.status == "closed" and not view.linked and view.reason in (None, "stopped_by_user"):
        return gettext(locale, "Link it with the phone that has it.")
    sentence = reason_sentence(view.reason, locale, phone=view.phone)
    if view.retry_at is not None and view.retry_at > now:
        again = gettext(locale, "Next try: {when}.", when=format_ahead(view.retry_at, zone, locale, now=now))
        return f"{sentence} {again}".strip()
    return sentence


PAUSES = {
    "reachout_timelocked": N_(
        "WhatsApp lets this number write to nobody first until {when}. Whoever wrote to you is answered as always."
    ),
    "new_chats_capped": N_(
        "This number has written to as many new people this month as WhatsApp allows, so it writes to nobody first until {when}. "
        "Whoever wrote to you is answered as always."
    ),
    "rate_limited": N_(
        "WhatsApp says that this number writes too much, so it writes to nobody first until {when}. Whoever wrote to you is "
        "answered as always."
    ),
    "complaints": N_(
        "WhatsApp refused too many first messages, so it writes to nobody first until {when}. Whoever wrote to you is answered "
        "as always."
    ),
    "failures": N_(
        "Too many first messages reached nobody, so it writes to nobody first until {when}. Whoever wrote to you is answered "
        "as always."
    ),
}


def pause_sentence(until: datetime | None, reason: str | None, locale: str, zone: ZoneInfo, *, now: datetime) -> str:
    """That the number may not write to people first, why, and until when; empty when it may."""
    if until is None or until <= now:
        return ""
    sentence = translate(locale, PAUSES.get(reason or "", PAUSES["reachout_timelocked"]))
    return sentence.format(when=format_ahead(until, zone, locale, now=now))


_WAITS = {
    "closed": N_("This number is switched off: what you write leaves when it is connected again."),
    "logged_out": N_("This number is not linked: what you write leaves when it is linked again."),
    "pending_qr": N_("This number is not linked: what you write leaves when it is linked again."),
    "passkey_required": N_("This number is not linked: what you write leaves when it is linked again."),
    "banned": N_("WhatsApp has blocked this number: what you write leaves when it is let in again."),
    "failed": N_("This number has stopped: what you write leaves when it is connected again."),
}


def waiting_sentence(status: str, locale: str) -> str:
    """That what is written waits for somebody to do something about the number; empty when nobody has to."""
    return translate(locale, _WAITS[status]) if status in _WAITS else ""


def limit_sentence(until: datetime | None, locale: str, zone: ZoneInfo, *, now: datetime) -> str:
    """That the owner's limit leaves no room for automatic messages, and until when; empty while it does."""
    if until is None or until <= now:
        return ""
    return gettext(
        locale,
        "The limit of automatic messages is reached until {when}. Chats that the bot cannot answer wait for your team.",
        when=format_ahead(until, zone, locale, now=now),
    )


def reason_sentence(reason: str | None, locale: str, *, phone: str | None = None) -> str:
    """Why, in a sentence; empty without a reason, or with one that no sentence is known for. `phone`: the number's own."""
    if reason not in REASONS:
        return ""
    if reason == "other_phone" and phone is None:
        return translate(locale, _OTHER_PHONE_ONCE)
    digits = "".join(filter(str.isdigit, phone or ""))
    return translate(locale, REASONS[reason]).format(digits=digits[-_LAST_DIGITS:])


def history_sentence(history: HistoryView, locale: str) -> str:
    """How far the earlier chats have come, or what there is of them."""
    messages, chats = format_count(history.messages, locale), format_count(history.chats, locale)
    stored = gettext(locale, "{messages} messages in {chats} chats", messages=messages, chats=chats)
    if not history.running:
        return stored
    if history.percent is None:
        return gettext(locale, "Earlier chats are on their way.")
    return gettext(locale, "Earlier chats: {percent}%, {stored}", percent=min(history.percent, 99), stored=stored)


def change_moment(moment: datetime, zone: ZoneInfo, locale: str, *, now: datetime) -> str:
    """To the second today, as several changes may share a minute; then with its day."""
    clock = f"{moment.astimezone(zone):%H:%M:%S}"
    if moment.astimezone(zone).date() == now.astimezone(zone).date():
        return clock
    return f"{format_when(moment, zone, locale, now=now)} {clock}"
