"""What the thread says in words: why something was not sent, what happened, what cannot be shown."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from saasbot.domain.inbox.incoming import NOTHING
from saasbot.domain.inbox.views import MessageView
from saasbot.infra.i18n import N_, format_ahead, gettext, translate
from saasbot.state.hand_off_texts import hand_off_sentence
from saasbot.state.reader import Reader, phone_text

_FAILED = {
    "person_took_over": N_("Not sent: a person took over first."),
    "bot_switched_off": N_("Not sent: the bot was switched off first."),
    "answer_too_late": N_("Not sent: it could not leave within two hours, and such an answer comes too late."),
    "invalid_recipient": N_("This number is not on WhatsApp."),
    "media_missing": N_("The file is no longer here."),
    "upload_failed": N_("The file could not be uploaded to WhatsApp."),
    "unsupported_type": N_("This kind of message cannot be sent."),
    "reachout_timelocked": N_("WhatsApp does not let this number write first for now."),
    "new_chats_capped": N_("This number has written to as many new people this month as WhatsApp allows."),
    "rate_limited": N_("WhatsApp says that this number writes too much. Wait a while before you send it again."),
    "not_on_whatsapp": N_("This number is not on WhatsApp."),
    "not_allowed": N_("WhatsApp does not let this number write in this chat."),
    "recipient_gone": N_("This chat no longer exists on WhatsApp."),
    "message_gone": N_("The message that this was about is gone."),
    "not_in_group": N_("This number is not in the group any more."),
    "cancelled": N_("Not sent: it was taken back before it left."),
    "number_deleted": N_("Not sent: the number was deleted."),
    "held_too_long": N_("Not sent: it was held back for more than three days."),
    "limit_reached": N_("Not sent: the number's limit of automatic messages was reached, so your team has the chat."),
}
_TOKEN_RAN_OUT = N_(
    "WhatsApp does not let this number write in this chat for now. When the customer has written again, send it again."
)
_REFUSED = N_("WhatsApp did not accept it (error {number}).")
_HELD = {
    "quiet_hours": N_("Leaves {when}: quiet hours."),
    "hourly_budget": N_("Leaves {when} at the earliest: enough first messages for this hour."),
    "daily_budget": N_("Leaves {when} at the earliest: enough first messages for today."),
    "hourly_limit": N_("Leaves {when} at the earliest: the number's limit for an hour is reached."),
    "daily_limit": N_("Leaves {when} at the earliest: the number's limit for a day is reached."),
    "failures": N_("Leaves {when} at the earliest: too many first messages reached nobody."),
    "complaints": N_("Leaves {when} at the earliest: WhatsApp refused too many first messages."),
    "rate_limited": N_("Leaves {when} at the earliest: WhatsApp says that this number writes too much."),
    "no_answer": N_("Leaves {when} at the earliest: WhatsApp gave no answer about this chat."),
    "no_room": N_("Leaves {when} at the earliest: large files leave one after another."),
    "file_unreachable": N_("Leaves {when} at the earliest: its file cannot be read right now."),
    "upload_failed": N_("Leaves {when} at the earliest: its file could not be uploaded to WhatsApp."),
    "reachout_timelocked": N_(
        "Leaves {when} at the earliest: until then WhatsApp lets this number write to nobody first."
    ),
    "new_chats_capped": N_(
        "Leaves {when} at the earliest: this number has written to as many new people this month as WhatsApp allows."
    ),
}
_WAITS = N_("Leaves {when} at the earliest.")
_UNCONFIRMED = N_("It may have arrived: WhatsApp never confirmed it. Check before you send it again.")

_HAPPENED = {
    "took_over": N_("{name} took the chat"),
    "handed_back": N_("{name} gave the chat back to the bot"),
    "bot_on": N_("{name} switched the bot on for this chat"),
    "bot_off": N_("{name} switched the bot off for this chat"),
    "parted": N_("{name} separated the chats that had been joined"),
}

_CALLS = {
    ("missed_call", False): N_("Missed call"),
    ("missed_call", True): N_("Missed video call"),
    ("call", False): N_("Call on the phone"),
    ("call", True): N_("Video call on the phone"),
}

_CHANGED = N_("{name} changed the chat")

_UNSUPPORTED = {
    "sticker": N_("A sticker. See it on the phone."),
    "video": N_("A video. See it on the phone."),
    "ptv": N_("A video note. See it on the phone."),
    "reaction": N_("A reaction to a message. See it on the phone."),
    "revoke": N_("The customer deleted a message."),
    "edit": N_("The customer edited a message to:"),
    "view_once": N_("A message that can be seen once. Open it on the phone."),
    "undecryptable": N_("This message is still on its way. If it does not come, ask the customer to send it again."),
    "not_stored": N_("This message arrived and could not be stored. See it on the phone."),
    "unavailable": N_("WhatsApp sent this message to the phone only. It may be one that can be seen once."),
    "poll_creation": N_("A poll. See it on the phone."),
    # both are shown now; these are for those that were stored before
    "contacts_array": N_("Several contacts. See them on the phone."),
    "live_location": N_("A live location. See it on the phone."),
    "order": N_("An order from the WhatsApp catalogue. See it on the phone."),
    "product": N_("A product of the WhatsApp catalogue. See it on the phone."),
    "call": N_("A call."),
    "call_log": N_("A call."),
    "event": N_("An event. See it on the phone."),
    "secret_encrypted": N_("A message was edited in a way that cannot be read here. See it on the phone."),
}

_DOING = {
    ("edit", "under_way"): N_("The edit is on its way: {text}"),
    ("edit", "failed"): N_("Not edited to “{text}”. {why}"),
    ("edit", "unconfirmed"): N_("WhatsApp never confirmed the edit to “{text}”. The customer may see it."),
    ("revoke", "under_way"): N_("It is being deleted for everyone."),
    ("revoke", "failed"): N_("Not deleted. {why}"),
    ("revoke", "unconfirmed"): N_("WhatsApp never confirmed that it was deleted. The customer may still see it."),
    ("reaction", "under_way"): N_("Your reaction is on its way: {text}"),
    ("reaction", "failed"): N_("Your reaction was not sent. {why}"),
    ("reaction", "unconfirmed"): N_("WhatsApp never confirmed your reaction. The customer may see it."),
}

_NOT_DONE = {
    "edit_too_late": N_("WhatsApp lets a message be edited for 15 minutes, and they are over."),
    "revoke_too_late": N_("WhatsApp lets a message be deleted for everyone for two days, and they are over."),
    "message_not_on_whatsapp": N_("The message was deleted before."),
    "number_deleted": N_("The number was deleted."),
}
_SHORT = 80

_MEDIA = {
    "too_large": N_("The file is too large to be kept here. See it on the phone."),
    "hash_mismatch": N_("The file arrived damaged. Ask for it again."),
    "length_mismatch": N_("The file arrived damaged. Ask for it again."),
    "media_damaged": N_("The file arrived damaged. Ask for it again."),
    "media_gone": N_("The file is no longer on WhatsApp. Ask for it again."),
    "media_expired": N_("The file is no longer on WhatsApp. Ask for it again."),
    "no_media": N_("The message came without its file."),
    "older_media": N_("A file from before the number was linked."),
}


def why_not_sent(view: MessageView, reader: Reader) -> str:
    """Why it did not leave, may not have, or does not yet; empty for all others."""
    if view.status == "failed":
        return _why_failed(view, reader.locale)
    if view.status == "queued" and view.held_until is not None:
        when = format_ahead(view.held_until, ZoneInfo(reader.timezone), reader.locale, now=datetime.now(UTC))
        return translate(reader.locale, _HELD.get(view.held_reason or "", _WAITS)).format(when=when)
    return translate(reader.locale, _UNCONFIRMED) if view.status == "unconfirmed" else ""


def _why_failed(view: MessageView, locale: str) -> str:
    known = _TOKEN_RAN_OUT if view.token_ran_out else _FAILED.get(view.error or "")
    if known:
        return translate(locale, known)
    if "refused" in view.payload:
        return translate(locale, _REFUSED).format(number=view.payload["refused"])
    return gettext(locale, "WhatsApp did not accept it.")


def doing_line(view: MessageView, reader: Reader) -> tuple[str, bool]:
    """What becomes of our acts on a message, and whether that is trouble; nothing where all are done."""
    lines, trouble = [], False
    for act in view.acts:
        status = str(act["status"])
        stage = "under_way" if status in ("queued", "sending") else status
        trouble = trouble or stage != "under_way"
        text, error = str(act["text"] or ""), act["error"] or ""
        known = _NOT_DONE.get(error)
        why = translate(reader.locale, known) if known else gettext(reader.locale, "WhatsApp did not accept it.")
        words = translate(reader.locale, _DOING[str(act["kind"]), stage])
        short = text if len(text) <= _SHORT else f"{text[:_SHORT]}…"
        lines.append(words.format(text=short, why=why).rstrip(": "))
    return " ".join(lines), trouble


def activity_line(view: MessageView, reader: Reader) -> str:
    """What happened, who did it, when."""
    kind = str(view.payload.get("kind", ""))
    if kind == "handed_off":
        reason = hand_off_sentence(str(view.payload.get("reason", "")), reader.locale)
        line = gettext(reader.locale, "The bot passed the chat to your team. {reason}", reason=reason).rstrip(".")
    elif kind in ("missed_call", "call"):
        line = translate(reader.locale, _CALLS[kind, bool(view.payload.get("video"))])
    elif kind == "poll_vote":
        voted = gettext(reader.locale, "The customer voted in the poll")
        line = voted if view.author == "customer" else gettext(reader.locale, "Voted in the poll on the phone")
    elif kind == NOTHING:
        line = gettext(reader.locale, "What could not be read at first was no message")
    elif kind == "joined":
        line = _joined_line(view, reader)
    elif kind == "gap":
        return _gap_line(view, reader)
    else:
        name = view.author_name or gettext(reader.locale, "Somebody")
        line = translate(reader.locale, _HAPPENED.get(kind, _CHANGED)).format(name=name)
    return f"{line} · {reader.time(view.sort_at)}"


def _joined_line(view: MessageView, reader: Reader) -> str:
    """By the number that is new here, else by the name."""
    who = phone_text(str(view.payload.get("phone") or "") or None) or str(view.payload.get("name") or "")
    if not who:
        return gettext(reader.locale, "Joined with the chat of a hidden number of the same person")
    return gettext(reader.locale, "Joined with the chat of {who}: it is the same person", who=who)


def _gap_line(view: MessageView, reader: Reader) -> str:
    began, ended = (datetime.fromisoformat(view.payload[end]) for end in ("from", "to"))
    same_day = reader.day(began) == reader.day(ended)
    first = reader.time(began) if same_day else f"{reader.day(began)} {reader.time(began)}"
    last = reader.time(ended) if same_day else f"{reader.day(ended)} {reader.time(ended)}"
    if first == last:
        return gettext(reader.locale, "Messages may be missing around {time}", time=first)
    return gettext(reader.locale, "Messages may be missing from {began} to {ended}", began=first, ended=last)


def unsupported_line(kind: str, reader: Reader) -> str:
    for name in (kind, kind.rstrip("0123456789").removesuffix("_v")):
        if name in _UNSUPPORTED:
            return translate(reader.locale, _UNSUPPORTED[name])
    return gettext(reader.locale, "A message of a kind that cannot be shown here. See it on the phone.")


def media_problem(error: str | None, reader: Reader) -> str:
    known = _MEDIA.get(error or "")
    return (
        translate(reader.locale, known)
        if known
        else gettext(reader.locale, "The file could not be fetched. See it on the phone.")
    )
